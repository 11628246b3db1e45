/* Training of a logic student with model selection on the hardened network. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fmath.h"
#include "base/log.h"
#include "logic/student.h"
#include "nn/finite.h"

enum { CHUNK = 8192 };

typedef struct {
    cb_logic_student *s;
    const cb_student_set *set;
    const cb_logic_plan *plan;
    cb_logic_trainer trainer;
    cb_student_order order;
    const uint16_t **image;   /* of a batch */
    float *target, *weight;
    uint16_t *row;            /* [batch][features], where rows do not lie in memory */
    uint16_t *val_et, *code;  /* CHUNK validation events and their codes */
    float *best_w, *best_c, *best_u;
    int32_t best_threshold[CB_LOGIC_PLANES];
    int64_t steps;            /* of the whole training */
} fit;

static int fit_new(fit *f) {
    const cb_logic_student *s = f->s;
    const cb_logic_plan *plan = f->plan;
    size_t pixels = (size_t)f->set->n_feature, batch = plan->batch;
    if (cb_logic_trainer_new(&f->trainer, &s->net, &s->code, f->set->n_feature, plan->batch) ||
        cb_student_order_new(&f->order, f->set, plan->batch, s->design.seed))
        return -1;
    f->image = cb_alloc(batch, sizeof *f->image);
    f->target = cb_alloc(batch, sizeof *f->target);
    f->weight = cb_alloc(batch, sizeof *f->weight);
    f->val_et = cb_alloc(CHUNK * pixels, sizeof *f->val_et);
    f->code = cb_alloc(CHUNK, sizeof *f->code);
    f->row = cb_alloc(batch * pixels, sizeof *f->row);
    f->best_w = cb_alloc(s->net.n_weight + 1, sizeof *f->best_w);
    f->best_c = cb_alloc(cb_logic_head_parameters(&s->net), sizeof *f->best_c);
    f->best_u = cb_alloc(s->net.n_choice + 1, sizeof *f->best_u);
    if (!f->best_u || !f->image || !f->target || !f->weight || !f->val_et || !f->code || !f->row || !f->best_w || !f->best_c) return -1;
    f->steps = (int64_t)plan->epochs * f->order.n_batch;
    cb_logic_weights_set(&f->trainer, s->w);
    cb_logic_choices_set(&f->trainer, s->u);
    if (s->design.learn_thresholds && cb_logic_ladder_start(&f->trainer, s->design.log_thresholds, s->design.threshold_width)) return -1;
    memcpy(f->trainer.c, s->c, f->trainer.n_head * sizeof *s->c);
    cb_logic_recipe *r = &f->trainer.recipe;
    r->seed = s->design.seed;
    r->train_head = s->design.weighted;
    r->floor = plan->floor;
    r->grid = s->design.grid, r->hinge_grid = s->design.hinge_grid;
    return 0;
}

static void fit_free(fit *f) {
    cb_logic_trainer_free(&f->trainer);
    cb_student_order_free(&f->order);
    free(f->image);
    free(f->target);
    free(f->weight);
    free(f->row);
    free(f->val_et);
    free(f->code);
    free(f->best_w);
    free(f->best_c);
    free(f->best_u);
}

/* cos(pi x), x in 0..1, by the series of cos (10 terms: 1e-12), so that the rates are the same everywhere. */
static double cos_pi(double x) {
    double z = (x - 0.5) * 3.14159265358979323846, sum = 0; /* cos(pi x) = -sin z */
    for (int n = 10; n >= 1; n--) sum = (1 + sum) * -z * z / ((2 * n) * (2 * n + 1));
    return -z * (1 + sum);
}

static void recipe_of_step(fit *f, int64_t step) {
    const cb_logic_plan *p = f->plan;
    cb_logic_recipe *r = &f->trainer.recipe;
    double done = f->steps > 1 ? (double)step / (double)(f->steps - 1) : 0;
    r->learning_rate = p->learning_rate * (p->rate_end + (1 - p->rate_end) * (1 + cos_pi(done)) / 2);
    r->temperature = p->temperature * cb_exp(cb_log(p->temperature_end / p->temperature) * done);
    r->choice_rate = p->wire_rate, r->threshold_rate = p->threshold_rate;
    r->noise = p->noise + (p->noise_end - p->noise) * done;
    r->hard = p->hard && step >= p->soft_steps;
    double k = (double)(step / p->entropy_every), squares = k * (k + 1) * (2 * k + 1) / 6;
    r->entropy = p->entropy * squares, r->entropy_tree = p->entropy_tree * squares;
    r->clamp = p->clamp_after >= 0 && step >= p->clamp_after;
}

/* Weights and head after a step, its loss: nn/finite.h. */
static int check_step(const fit *f, double loss) {
    const cb_logic_trainer *t = &f->trainer;
    size_t at = cb_first_beyond(t->w, t->n_weight);
    if (at < t->n_weight) {
        int layer = f->s->net.n_layer - 1;
        while (layer > 0 && t->stage[layer].at > at) layer--;
        return cb_fail("layer %d: a weight is %g; lower the learning rate", layer + 1, (double)t->w[at]);
    }
    if (cb_finite_check("weight", "head", t->c, t->n_head)) return -1;
    return fabs(loss) <= CB_LARGEST ? 0 : cb_fail("the loss is %g; lower the learning rate", loss);
}

static int train_epoch(fit *f, int epoch, double *mean) {
    const cb_student_set *set = f->set;
    double sum = 0;
    cb_student_order_shuffle(&f->order, (uint64_t)epoch);
    for (uint32_t k = 0; k < f->order.n_batch; k++) {
        uint32_t n = f->order.batch;
        for (uint32_t e = 0; e < n; e++) {
            uint32_t from = f->order.event[k * n + e];
            f->image[e] = cb_rows_at(set->image[CB_TRAIN], from, f->row + (size_t)e * (size_t)set->n_feature);
            f->target[e] = (float)set->code[CB_TRAIN][from] / 256;
            f->weight[e] = (double)f->target[e] >= f->plan->tail_from ? (float)f->plan->tail_weight : 1;
        }
        recipe_of_step(f, (int64_t)epoch * f->order.n_batch + k);
        double loss = cb_logic_step(&f->trainer, f->image, f->target, f->plan->tail_weight != 1 ? f->weight : NULL, n);
        if (check_step(f, loss))
            return cb_fail_in("logic gate network: epoch %d, batch %u of %u (step %lld)", epoch + 1, k + 1, f->order.n_batch,
                              (long long)epoch * f->order.n_batch + k + 1);
        sum += loss;
    }
    *mean = sum / f->order.n_batch;
    return 0;
}

/* Thresholds of the planes -> the student's comparators. */
static void set_thresholds(cb_logic_student *s, const int32_t *threshold) {
    for (int j = 0; j < s->code.n_input; j++) s->code.threshold[j] = threshold[s->code.plane[j]];
}

/* Mean absolute error of the hardened network on the validation events, weighted as in training. */
static int validate(fit *f, double *mae) {
    cb_programme p;
    double sum = 0, weights = 0;
    cb_logic_weights_get(&f->trainer, f->s->w);
    cb_logic_refresh(&f->trainer);
    memcpy(f->s->c, f->trainer.c_used, f->trainer.n_head * sizeof *f->s->c);
    cb_logic_choices_apply(&f->trainer, &f->s->net);
    if (f->trainer.ladder.n) set_thresholds(f->s, f->trainer.ladder.count);
    if (cb_logic_programme_of_features(&p, f->s)) return -1;
    int rc = 0;
    for (uint32_t first = 0; !rc && first < f->set->n[CB_VAL]; first += CHUNK) {
        uint32_t left = f->set->n[CB_VAL] - first, n = left < CHUNK ? left : CHUNK;
        rc = cb_rows_copy(f->set->image[CB_VAL], NULL, first, n, f->val_et) || cb_programme_score(&p, f->val_et, n, f->code);
        for (uint32_t e = 0; !rc && e < n; e++) {
            double y = f->set->code[CB_VAL][first + e] / 256.0, w = y >= f->plan->tail_from ? f->plan->tail_weight : 1;
            sum += w * fabs(f->code[e] / 256.0 - y);
            weights += w;
        }
    }
    *mae = sum / weights;
    cb_programme_free(&p);
    return rc ? -1 : 0;
}

static int fit_epochs(fit *f, cb_history *history) {
    size_t n_head = f->trainer.n_head;
    for (int epoch = 0; epoch < f->plan->epochs; epoch++) {
        double mae, loss = 0;
        char note[64];
        if (train_epoch(f, epoch, &loss) || cb_student_set_check(f->set) || validate(f, &mae)) return -1;
        if (cb_history_add(history, loss, mae)) {
            memcpy(f->best_w, f->s->w, f->s->net.n_weight * sizeof *f->best_w);
            memcpy(f->best_c, f->s->c, n_head * sizeof *f->best_c);
            cb_logic_choices_get(&f->trainer, f->best_u);
            memcpy(f->best_threshold, f->trainer.ladder.count, sizeof f->best_threshold);
        }
        snprintf(note, sizeof note, "loss %.3f, hardened %.3f", loss, mae);
        cb_progress("epoch", epoch + 1, f->plan->epochs, note);
        cb_detail("epoch %d: %s", epoch + 1, note);
    }
    cb_progress_end();
    if (history->best < 0) return cb_fail("training of the logic gate network: no epoch with a finite validation error");
    memcpy(f->s->w, f->best_w, f->s->net.n_weight * sizeof *f->best_w);
    memcpy(f->s->c, f->best_c, n_head * sizeof *f->best_c);
    cb_logic_choices_set(&f->trainer, f->best_u);
    cb_logic_refresh(&f->trainer);
    cb_logic_choices_apply(&f->trainer, &f->s->net);
    if (f->trainer.ladder.n) set_thresholds(f->s, f->best_threshold);
    cb_info("best epoch %d of %d: hardened mean absolute error %.4f", history->best + 1, f->plan->epochs,
            history->val_loss[history->best]);
    return 0;
}

int cb_logic_fit(cb_logic_student *s, const cb_student_set *set, const cb_logic_plan *plan, cb_history *history) {
    fit f = {.s = s, .set = set, .plan = plan};
    int rc = fit_new(&f) || cb_history_new(history, plan->epochs) ? -1 : fit_epochs(&f, history);
    fit_free(&f);
    return rc;
}
