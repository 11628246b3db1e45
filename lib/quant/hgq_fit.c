#include "hgq_fit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fmath.h"
#include "base/log.h"
#include "nn/finite.h"
#include "quant/ebops.h"
#include "quant/hgq_export.h"
#include "quant/hgq_model.h"
#include "quant/hgq_recentre.h"

double cb_hgq_beta(const cb_hgq_plan *p, int epoch) {
    if (p->beta_end <= 0 || epoch >= p->epochs - 1) return p->beta_end > 0 ? p->beta_end : p->beta;
    double start = p->ramp_start * p->epochs, stop = p->ramp_stop * p->epochs;
    if (epoch >= stop) return p->beta_end;
    if (epoch <= start) return p->beta;
    return p->beta * cb_exp(cb_log(p->beta_end / p->beta) * (epoch - start) / (stop - start));
}

/* Half a cosine, falling from 1 to 0 for t in 0 ... 1, by its power series. */
static double half_cosine(double t) {
    double x = 3.14159265358979323846 * t, term = 1, sum = 1;
    for (int k = 1; k <= 14; k++) sum += term *= -x * x / ((2 * k - 1) * (2 * k));
    return 0.5 * (1 + sum);
}

double cb_hgq_rate(const cb_hgq_plan *p, int epoch) {
    double rate = p->learning_rate * cb_exp(cb_log(p->rate_end) * epoch / (p->epochs > 1 ? p->epochs - 1 : 1));
    if (p->cycle < 2) return rate;
    double wave = half_cosine((double)(epoch % p->cycle) / (p->cycle - 1));
    return rate * (wave > 0.05 ? wave : 0.05);
}

static int history_new(cb_hgq_history *h, int epochs) {
    *h = (cb_hgq_history){.best = -1};
    size_t n = (size_t)epochs;
    h->loss = cb_alloc(n, sizeof(double));
    h->val_mae = cb_alloc(n, sizeof(double));
    h->ebops = cb_alloc(n, sizeof(double));
    h->beta = cb_alloc(n, sizeof(double));
    h->exact = cb_alloc(n, sizeof(double));
    return h->loss && h->val_mae && h->ebops && h->beta && h->exact ? 0 : -1;
}

void cb_hgq_history_free(cb_hgq_history *h) {
    free(h->loss);
    free(h->val_mae);
    free(h->ebops);
    free(h->beta);
    free(h->exact);
    *h = (cb_hgq_history){0};
}

int cb_hgq_history_write(const cb_hgq_history *h, cb_h5 *f) {
    uint64_t n = (uint64_t)h->n;
    int32_t *epoch = cb_alloc((size_t)h->n + 1, sizeof *epoch);
    if (!epoch) return -1;
    for (int e = 0; e < h->n; e++) epoch[e] = e + 1;
    int rc = cb_h5_group(f, "/history") || cb_h5_write(f, "/history/epoch", CB_I32, 1, &n, epoch) ||
             cb_h5_write(f, "/history/loss", CB_F64, 1, &n, h->loss) ||
             cb_h5_write(f, "/history/val_mae", CB_F64, 1, &n, h->val_mae) ||
             cb_h5_write(f, "/history/ebops", CB_F64, 1, &n, h->ebops) ||
             cb_h5_write(f, "/history/beta", CB_F64, 1, &n, h->beta) ||
             cb_h5_set_i64(f, "/history", "best_epoch", h->best + 1);
    free(epoch);
    return rc ? -1 : 0;
}

/* Everything of one training. */
typedef struct {
    cb_hgq_trainer *t;
    cb_hgq_student *average;     /* NULL: none */
    cb_hgq_student *best, *copy; /* kept epoch; this epoch with its bias traced */
    cb_hgq_model model;          /* of copy */
    cb_student_order order;
    cb_student_batch batch;
    cb_beta_pid pid;
    uint32_t n_trace;
    float *trace;                /* [n_trace][features]: events for min/max tracing; NULL: only the bias needs it */
    uint16_t *row;               /* [features] */
} fit;

static int check_values(const cb_hgq_student *s) {
    if (cb_first_beyond(s->value, s->n_value) == s->n_value) return 0;
    for (int k = 0; k < s->n_tensor; k++)
        if (cb_finite_check("value of", s->tensor[k].name, s->value + s->tensor[k].first, s->tensor[k].n)) return -1;
    return 0;
}

static int check_gradient(const cb_hgq_trainer *t) {
    for (int k = 0; k < t->s->n_tensor; k++) {
        const cb_hgq_tensor *x = &t->s->tensor[k];
        if (cb_gradient_check_f64(x->name, t->grad + x->first, x->n)) return -1;
    }
    return isfinite(t->loss) ? 0 : cb_fail("the loss is %g; lower the learning rate", t->loss);
}

/* The running mean of all values; near the start of as many steps as there were. */
static void average(fit *w, double keep) {
    double early = (1.0 + (double)w->t->step) / (10.0 + (double)w->t->step);
    float take = (float)(1 - (keep < early ? keep : early)), *mean = w->average->value;
    const float *now = w->t->s->value;
    for (size_t k = 0; k < w->t->s->n_value; k++) mean[k] += take * (now[k] - mean[k]);
}

static int train_epoch(fit *w, const cb_student_set *set, const cb_hgq_plan *p, double beta, int epoch, double *loss) {
    *loss = 0;
    cb_student_order_shuffle(&w->order, (uint64_t)epoch);
    for (uint32_t k = 0; k < w->order.n_batch; k++) {
        cb_student_batch_choose(&w->batch, set, CB_TRAIN, w->order.event + (size_t)k * w->order.batch, w->order.batch);
        int bad = check_values(w->t->s);
        if (!bad) cb_hgq_gradient(w->t, &w->batch, beta);
        if (bad || check_gradient(w->t))
            return cb_fail_in("HGQ student: epoch %d, batch %u of %u (step %llu)", epoch + 1, k + 1, w->order.n_batch,
                              (unsigned long long)w->t->step + 1);
        cb_hgq_update(w->t);
        if (w->average) average(w, p->average);
        *loss += w->t->loss / w->order.n_batch;
        cb_progress("epochs", epoch + (k + 1.0) / w->order.n_batch, p->epochs, NULL);
    }
    return check_values(w->t->s) ? cb_fail_in("HGQ student: after epoch %d", epoch + 1) : cb_student_set_check(set);
}

static const uint16_t *image(fit *w, const cb_student_set *set, uint32_t e) {
    return cb_rows_at(set->image[CB_TRAIN], e, w->row);
}

/* Copies event e into the tracing sample, once. */
static void take(fit *w, const cb_student_set *set, uint32_t room, uint32_t e, uint8_t *taken) {
    if (taken[e] || w->n_trace == room) return;
    float *row = w->trace + (size_t)w->n_trace++ * (size_t)set->n_feature;
    const uint16_t *from = image(w, set, e);
    for (int c = 0; c < set->n_feature; c++) row[c] = from[c];
    taken[e] = 1;
}

static uint32_t total_et(const uint16_t *image, int n) {
    uint32_t sum = 0;
    for (int c = 0; c < n; c++) sum += image[c];
    return sum;
}

/* One look at every training event. */
typedef struct {
    uint32_t *total;          /* [n_train] E_T of the image */
    uint32_t *best;           /* [features] first event with the highest count there */
    uint16_t *highest;        /* [features] that count */
    uint32_t *count;          /* [top + 1] events of a total */
    uint8_t *taken;           /* [n_train] */
} survey;

static void look(fit *w, const cb_student_set *set, survey *v) {
    for (uint32_t e = 0; e < set->n[CB_TRAIN]; e++) {
        const uint16_t *x = image(w, set, e);
        for (int c = 0; c < set->n_feature; c++)
            if (!e || x[c] > v->highest[c]) {
                v->highest[c] = x[c];
                v->best[c] = e;
            }
        v->count[v->total[e] = total_et(x, set->n_feature)]++;
    }
}

/* Smallest total E_T that at most n training events reach. */
static uint32_t high_et(uint32_t n, const uint32_t *count, uint32_t top) {
    uint32_t above = 0, t = top;
    while (t > 0 && above + count[t - 1] <= n) above += count[--t];
    return t;
}

/* n training events that span the ranges: the maximum of every region, the highest total E_T
 * (half of them), the rest evenly spaced. An even sample alone misses the rare hard jets. */
static int trace_events(fit *w, const cb_student_set *set, uint32_t n) {
    uint32_t all = set->n[CB_TRAIN], top = (uint32_t)set->n_feature * CB_ET_MAX + 1;
    size_t f = (size_t)set->n_feature;
    n = n < all ? n : all;
    w->n_trace = 0;
    w->trace = cb_alloc((size_t)n * f, sizeof *w->trace);
    w->row = cb_alloc(f, sizeof *w->row);
    survey v = {cb_alloc(all, 4), cb_alloc(f, 4), cb_alloc(f, 2), cb_alloc(top, 4), cb_alloc(all, 1)};
    bool good = w->trace && w->row && v.total && v.best && v.highest && v.count && v.taken;
    if (good) {
        look(w, set, &v);
        for (int c = 0; c < set->n_feature; c++) take(w, set, n, v.best[c], v.taken);
        uint32_t threshold = high_et(n / 2, v.count, top);
        for (uint32_t e = 0; e < all; e++)
            if (v.total[e] >= threshold) take(w, set, n, e, v.taken);
        for (uint32_t k = 0; k < n; k++) take(w, set, n, (uint32_t)((uint64_t)k * all / n), v.taken);
    }
    void *const parts[] = {v.total, v.best, v.highest, v.count, v.taken};
    for (int k = 0; k < 5; k++) free(parts[k]);
    return good ? cb_student_set_check(set) : -1;
}

static int trace(fit *w) {
    return w->trace ? cb_hgq_trace_student(w->copy, w->trace, w->n_trace, 256, true) : cb_hgq_student_trace_bias(w->copy);
}

/* Validation with ranges as tracing gives them: training tracks i but never wraps. New means shift what follows them,
 * so ranges are traced again. */
static int validate(fit *w, const cb_student_set *set, uint32_t recentre, double *mae, double *ebops) {
    double layer[CB_HGQ_LAYERS];
    cb_hgq_student_copy(w->copy, w->average ? w->average : w->t->s);
    if (trace(w)) return -1;
    if (recentre) {
        cb_hgq_model_update(&w->model);
        if (cb_hgq_recentre(w->copy, &w->model, set, recentre) || trace(w)) return -1;
    }
    cb_hgq_model_update(&w->model);
    *ebops = cb_hgq_student_ebops(w->copy, layer);
    return cb_hgq_model_mae(&w->model, set, CB_VAL, mae);
}

/* The exact EBOPs of this epoch's programme; its student joins the front if it belongs there. */
static int offer(fit *w, const cb_hgq_plan *p, cb_hgq_history *h, int epoch) {
    cb_programme programme;
    if (cb_hgq_programme(&programme, &w->model, "front", 0)) return -1;
    h->exact[epoch] = cb_programme_ebops_exact(&programme);
    cb_programme_free(&programme);
    if (!cb_front_wants(p->front, h->exact[epoch], h->val_mae[epoch])) return 0;
    cb_hgq_student *state = cb_hgq_student_new(&w->copy->d, 0);
    if (!state) return -1;
    cb_hgq_student_copy(state, w->copy);
    return cb_front_add(p->front, &(cb_front_point){.epoch = epoch, .cost = h->exact[epoch], .error = h->val_mae[epoch],
                                                    .ebops = h->ebops[epoch], .state = state});
}

/* What the kept epoch must have least of; INFINITY: it cannot be kept. */
static double objective(const cb_hgq_plan *p, const cb_hgq_history *h, int e) {
    if (!p->pid) return h->beta[e] == cb_hgq_beta(p, p->epochs - 1) ? h->val_mae[e] + h->beta[e] * h->ebops[e] : INFINITY;
    double over = h->ebops[e] - p->pid->target; /* any epoch within the target is better than one beyond it */
    return over <= 0 ? h->val_mae[e] : 1e6 + over;
}

static int one_epoch(fit *w, const cb_student_set *set, const cb_hgq_plan *p, cb_hgq_history *h, int e) {
    h->beta[e] = cb_hgq_beta(p, e);
    if (p->pid && e > 0) h->beta[e] = cb_beta_pid_next(p->pid, &w->pid, e, h->ebops[e - 1], h->beta[e - 1]);
    w->t->learning_rate = cb_hgq_rate(p, e);
    if (train_epoch(w, set, p, h->beta[e], e, &h->loss[e])) return -1;
    if (validate(w, set, p->recentre, &h->val_mae[e], &h->ebops[e]) || (p->front && offer(w, p, h, e))) return -1;
    h->n = e + 1;
    cb_detail("epoch %d: beta %.3g, loss %.4f, val MAE %.4f, %.0f EBOPs", e + 1, h->beta[e], h->loss[e], h->val_mae[e],
              h->ebops[e]);
    if (isfinite(h->val_mae[e])) return 0;
    return cb_fail("epoch %d: the validation error is %g; lower the learning rate", e + 1, h->val_mae[e]);
}

static int run_epochs(fit *w, const cb_student_set *set, const cb_hgq_plan *p, cb_hgq_history *h) {
    double best = INFINITY;
    for (int e = 0; e < p->epochs; e++) {
        if (one_epoch(w, set, p, h, e)) return -1;
        double now = objective(p, h, e);
        if (now >= best) continue;
        best = now;
        h->best = e;
        cb_hgq_student_copy(w->best, w->copy);
    }
    if (p->pid && h->ebops[h->best] > p->pid->target)
        cb_warn("no epoch met hgq.target_ebops = %.0f; the least was %.0f EBOPs: raise student.epochs or hgq.beta_max",
                p->pid->target, h->ebops[h->best]);
    cb_hgq_student_copy(w->t->s, w->best);
    return 0;
}

int cb_hgq_fit(cb_hgq_student *s, const cb_student_set *set, const cb_hgq_plan *p, cb_hgq_history *h) {
    fit w = {0};
    cb_student_profile profile = {0};
    double start = cb_log_seconds();
    int rc = history_new(h, p->epochs);
    for (int l = s->first; !rc && l < CB_HGQ_LAYERS; l++)
        if (s->iq[l].q.overflow == CB_WRAP) {
            if (!s->d.saturate) rc = cb_fail("HGQ students are exported with saturating data formats only");
            else if (!w.trace) rc = trace_events(&w, set, p->trace);
        }
    if (!rc) rc = cb_student_order_new(&w.order, set, p->batch, p->seed);
    if (!rc) rc = cb_student_batch_new(&w.batch, set, w.order.batch);
    if (!rc) rc = (w.t = cb_hgq_trainer_new(s, w.order.batch, p->learning_rate, p->seed)) ? 0 : -1;
    if (!rc && p->profile) w.t->profile = &profile;
    if (!rc && p->no_dropout) w.t->mask = NULL;
    if (!rc && p->average > 0) rc = (w.average = cb_hgq_student_new(&s->d, 0)) ? 0 : -1;
    if (w.average) cb_hgq_student_copy(w.average, s);
    if (!rc) rc = (w.best = cb_hgq_student_new(&s->d, 0)) && (w.copy = cb_hgq_student_new(&s->d, 0)) ? 0 : -1;
    if (!rc) rc = cb_hgq_model_new(&w.model, w.copy);
    if (!rc) rc = run_epochs(&w, set, p, h);
    cb_progress_end();
    if (!rc && p->profile) cb_student_profile_log(&profile);
    if (!rc) {
        double seconds = cb_log_seconds() - start, events = (double)p->epochs * w.order.n_batch * w.order.batch;
        cb_info("kept epoch %d of %d: val MAE %.4f, %.0f EBOPs (%.0f events/s)", h->best + 1, h->n, h->val_mae[h->best],
                h->ebops[h->best], seconds > 0 ? events / seconds : 0);
    }
    free(w.trace);
    free(w.row);
    cb_hgq_model_free(&w.model);
    cb_hgq_student_free(w.average);
    cb_hgq_student_free(w.copy);
    cb_hgq_student_free(w.best);
    cb_hgq_trainer_free(w.t);
    cb_student_batch_free(&w.batch);
    cb_student_order_free(&w.order);
    return rc;
}
