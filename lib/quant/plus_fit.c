#include "plus_fit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fmath.h"
#include "base/log.h"
#include "nn/finite.h"
#include "quant/ebops.h"
#include "quant/plus_export.h"
#include "stats/roc.h"

/* ---- history ---- */

enum { WRITTEN = 8, COLUMNS = 11 };

static double **columns(cb_plus_history *h, double **at[COLUMNS]) {
    double **all[COLUMNS] = {&h->loss, &h->val_loss, &h->val_mae, &h->val_emd, &h->val_auc, &h->cost, &h->lut, &h->beta,
                             &h->val_mae_all, &h->ebops, &h->exact};
    memcpy(at, all, sizeof all);
    return at[0];
}

static int history_new(cb_plus_history *h, int epochs) {
    double **at[COLUMNS];
    *h = (cb_plus_history){.best = -1};
    columns(h, at);
    for (int k = 0; k < COLUMNS; k++)
        if (!(*at[k] = cb_alloc((size_t)epochs, sizeof(double)))) return -1;
    return 0;
}

void cb_plus_history_free(cb_plus_history *h) {
    double **at[COLUMNS];
    columns(h, at);
    for (int k = 0; k < COLUMNS; k++) free(*at[k]);
    *h = (cb_plus_history){0};
}

int cb_plus_history_write(const cb_plus_history *h, cb_h5 *f) {
    static const char *const name[WRITTEN] = {"loss", "val_loss", "val_mae", "val_emd", "val_auc", "cost", "lut", "beta"};
    double **at[COLUMNS];
    uint64_t n = (uint64_t)h->n;
    char path[64];
    columns((cb_plus_history *)h, at);
    int rc = cb_h5_group(f, "/history");
    for (int k = 0; k < WRITTEN && !rc; k++) {
        snprintf(path, sizeof path, "/history/%s", name[k]);
        rc = cb_h5_write(f, path, CB_F64, 1, &n, *at[k]);
    }
    return rc || cb_h5_set_i64(f, "/history", "best_epoch", h->best + 1) ? -1 : 0;
}

/* ---- training ---- */

typedef struct {
    const cb_student_set *set;
    const cb_plus_plan *p;
    cb_plus_trainer *t;
    cb_plus_student *best;
    cb_plus_model model;
    cb_student_order order;
    cb_student_batch batch;
    uint32_t n_zb;          /* zero bias events of the validation set */
    float *score, *target, *grad;
    uint64_t *sort;
    double ratio;           /* netlist estimate / plus_cost */
    double best_loss, best_lut;
} fit;

/* Values before a step, gradient and loss after it: nn/finite.h. */
static int check_values(const cb_plus_student *s) {
    for (int k = 0; k < s->n_tensor; k++)
        if (cb_finite_check("value of", s->tensor[k].name, s->value + s->tensor[k].first, s->tensor[k].n)) return -1;
    return 0;
}

static int check_gradient(const cb_plus_trainer *t) {
    const cb_plus_student *s = t->s;
    for (int k = 0; k < s->n_tensor; k++)
        if (cb_gradient_check_f64(s->tensor[k].name, t->grad + s->tensor[k].first, s->tensor[k].n)) return -1;
    return isfinite(t->loss) ? 0 : cb_fail("the loss is %g; lower the learning rate", t->loss);
}

static int train_epoch(fit *w, double beta, int epoch, double *loss) {
    *loss = 0;
    cb_student_order_shuffle(&w->order, (uint64_t)epoch);
    for (uint32_t k = 0; k < w->order.n_batch; k++) {
        cb_student_batch_choose(&w->batch, w->set, CB_TRAIN, w->order.event + (size_t)k * w->order.batch, w->order.batch);
        int bad = check_values(w->t->s);
        if (!bad) cb_plus_gradient(w->t, &w->batch, beta);
        if (bad || check_gradient(w->t))
            return cb_fail_in("hgq+ student: epoch %d, batch %u of %u (step %llu)", epoch + 1, k + 1, w->order.n_batch,
                              (unsigned long long)w->t->step + 1);
        cb_plus_update(w->t);
        *loss += w->t->loss / w->order.n_batch;
        cb_progress("epochs", epoch + (k + 1.0) / w->order.n_batch, w->p->epochs, NULL);
    }
    return check_values(w->t->s) ? cb_fail_in("hgq+ student: after epoch %d", epoch + 1) : 0;
}

/* Zero bias against the outliers of the validation set; -1 without outliers. */
static double outlier_auc(const fit *w) {
    uint32_t n = w->set->n[CB_VAL];
    cb_sample zb = {0}, out = {0};
    double auc = -1;
    if (n > w->n_zb && !cb_sample_make(&zb, w->score, w->n_zb, "zero bias") &&
        !cb_sample_make(&out, w->score + w->n_zb, n - w->n_zb, "outliers"))
        auc = cb_roc_auc(&out, &zb).auc;
    cb_sample_free(&zb);
    cb_sample_free(&out);
    return auc;
}

static int validate(fit *w, cb_plus_history *h, int e) {
    uint32_t n = w->set->n[CB_VAL];
    cb_plus_model_update(&w->model);
    if (cb_student_set_check(w->set) || cb_plus_model_scores(&w->model, w->set, CB_VAL, w->score)) return -1;
    double mae = 0;
    for (uint32_t k = 0; k < w->n_zb; k++) mae += fabs((double)w->score[k] - w->target[k]);
    h->val_mae[e] = mae / w->n_zb;
    for (uint32_t k = w->n_zb; k < n; k++) mae += fabs((double)w->score[k] - w->target[k]);
    h->val_mae_all[e] = mae / n;
    h->val_emd[e] = cb_plus_distance(w->score, w->target, w->n_zb, w->sort, 0, NULL);
    h->val_auc[e] = outlier_auc(w);
    h->val_loss[e] = cb_plus_task(&w->p->loss, w->score, w->target, n, w->grad) + w->p->loss.spread * h->val_emd[e];
    return 0;
}

/* LUTs after epoch e. */
static int estimate(fit *w, cb_plus_history *h, int e) {
    h->cost[e] = cb_plus_cost(w->t->s, 0, NULL).total;
    if (w->p->estimate && (e % w->p->ask == 0 || e + 1 == w->p->epochs || e >= w->p->freeze * w->p->epochs)) {
        double lut = w->p->estimate(w->p->context, &w->model);
        if (lut < 0) return -1;
        w->ratio = h->cost[e] > 0 ? lut / h->cost[e] : 1;
    }
    h->lut[e] = w->ratio * h->cost[e];
    return 0;
}

static double budget(const cb_plus_plan *p, double start, int e) {
    double t = p->shrink > 0 ? (e + 1) / (p->shrink * p->epochs) : 1;
    return t >= 1 || start <= p->lut ? p->lut : start * cb_exp(cb_log(p->lut / start) * t);
}

static double next_beta(const cb_plus_plan *p, double beta, double lut, double allowed) {
    double step = p->gain * (lut / allowed - 1);
    beta *= cb_exp(CB_LN2 * (step > 1 ? 1 : step < -1 ? -1 : step));
    return beta < p->beta_least ? p->beta_least : beta > p->beta_most ? p->beta_most : beta;
}

static void keep(fit *w, cb_plus_history *h, int e) {
    bool fits = h->lut[e] <= w->p->lut, had = w->best_lut <= w->p->lut;
    bool better = fits ? !had || h->val_loss[e] < w->best_loss : !had && h->lut[e] < w->best_lut;
    if (!better) return;
    w->best_loss = h->val_loss[e];
    w->best_lut = h->lut[e];
    h->best = e;
    cb_plus_student_copy(w->best, w->t->s);
}

/* The cost of this epoch's programme; its student joins the front if it belongs there. */
static int offer(fit *w, cb_plus_history *h, int e) {
    cb_programme p;
    if (cb_plus_programme(&p, &w->model, "front", 0)) return -1;
    h->ebops[e] = p.ebops;
    h->exact[e] = cb_programme_ebops_exact(&p);
    cb_programme_free(&p);
    double cost = w->p->price ? w->p->price(w->p->context, &w->model) : h->exact[e];
    if (cost < 0) return -1;
    if (!cb_front_wants(w->p->front, cost, h->val_mae_all[e])) return 0;
    cb_plus_student *state = cb_plus_student_new(&w->t->s->d);
    if (!state) return -1;
    cb_plus_student_copy(state, w->t->s);
    return cb_front_add(w->p->front, &(cb_front_point){.epoch = e, .cost = cost, .error = h->val_mae_all[e],
                                                       .ebops = h->ebops[e], .state = state});
}

static int run_epochs(fit *w, cb_plus_history *h) {
    const cb_plus_plan *p = w->p;
    double beta = p->beta, start = 0;
    for (int e = 0; e < p->epochs; e++) {
        w->t->learning_rate = p->learning_rate * cb_exp(cb_log(p->rate_end) * e / (p->epochs > 1 ? p->epochs - 1 : 1));
        w->t->train_bits = e < p->freeze * p->epochs;
        h->beta[e] = beta;
        if (train_epoch(w, beta, e, &h->loss[e])) return -1;
        h->n = e + 1;
        if (validate(w, h, e) || estimate(w, h, e)) return -1;
        cb_detail("epoch %d: beta %.3g, loss %.4f, val loss %.4f, zero bias MAE %.3f EMD %.3f, outlier AUC %.4f, "
                  "cost %.0f, %.0f LUT", e + 1, beta, h->loss[e], h->val_loss[e], h->val_mae[e], h->val_emd[e],
                  h->val_auc[e], h->cost[e], h->lut[e]);
        if (!isfinite(h->val_loss[e]))
            return cb_fail("epoch %d: the validation loss is %g; lower the learning rate", e + 1, h->val_loss[e]);
        if (p->front && offer(w, h, e)) return -1;
        if (e == 0) start = h->lut[0];
        beta = next_beta(p, beta, h->lut[e], budget(p, start, e));
        keep(w, h, e);
    }
    cb_plus_student_copy(w->t->s, w->best);
    return 0;
}

static int prepare(fit *w, cb_plus_student *s) {
    uint32_t n = w->set->n[CB_VAL];
    w->n_zb = w->set->n_zero_bias[CB_VAL];
    w->ratio = 1;
    w->best_loss = w->best_lut = INFINITY;
    w->score = cb_alloc(n, sizeof *w->score);
    w->target = cb_alloc(n, sizeof *w->target);
    w->grad = cb_alloc(n, sizeof *w->grad);
    w->sort = cb_alloc(2 * (size_t)n, sizeof *w->sort);
    if (!w->score || !w->target || !w->grad || !w->sort) return -1;
    for (uint32_t e = 0; e < n; e++) w->target[e] = (float)w->set->code[CB_VAL][e] / 256;
    if (cb_student_order_new(&w->order, w->set, w->p->batch, w->p->seed) ||
        cb_student_batch_new(&w->batch, w->set, w->order.batch) || !(w->best = cb_plus_student_new(&s->d)) ||
        !(w->t = cb_plus_trainer_new(s, w->order.batch, w->set->n_zero_bias[CB_TRAIN], &w->p->loss)))
        return -1;
    return cb_plus_model_new(&w->model, s);
}

int cb_plus_fit(cb_plus_student *s, const cb_student_set *set, const cb_plus_plan *p, cb_plus_history *h) {
    fit w = {.set = set, .p = p};
    double start = cb_log_seconds();
    *h = (cb_plus_history){.best = -1};
    /* formats are made of the values at once: no width may be a number that is none */
    int rc = check_values(s) ? cb_fail_in("hgq+ student: before epoch 1 (step 1)") : 0;
    if (!rc) rc = history_new(h, p->epochs) || prepare(&w, s) || run_epochs(&w, h) ? -1 : 0;
    cb_progress_end();
    if (!rc && !p->front) {
        double seconds = cb_log_seconds() - start, events = (double)p->epochs * w.order.n_batch * w.order.batch;
        int e = h->best;
        cb_info("kept epoch %d of %d: val loss %.4f, zero bias MAE %.3f EMD %.3f, outlier AUC %.4f, %.0f LUT (%.0f events/s)",
                e + 1, h->n, h->val_loss[e], h->val_mae[e], h->val_emd[e], h->val_auc[e], h->lut[e],
                seconds > 0 ? events / seconds : 0);
    }
    cb_plus_model_free(&w.model);
    cb_plus_student_free(w.best);
    cb_plus_trainer_free(w.t);
    cb_student_batch_free(&w.batch);
    cb_student_order_free(&w.order);
    free(w.score);
    free(w.target);
    free(w.grad);
    free(w.sort);
    return rc;
}
