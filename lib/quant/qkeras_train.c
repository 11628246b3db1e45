#include "quant/qkeras_train.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/ranks.h"
#include "nn/finite.h"

/* What ModelCheckpoint saves. */
typedef struct {
    float *weight;
    double *mean, *variance;
} snapshot;

static int snapshot_new(snapshot *s, const cb_qkeras_student *m) {
    s->weight = cb_alloc(m->n_weight, sizeof *s->weight);
    s->mean = cb_alloc((size_t)m->shape.hidden, sizeof *s->mean);
    s->variance = cb_alloc((size_t)m->shape.hidden, sizeof *s->variance);
    return s->weight && s->mean && s->variance ? 0 : -1;
}

static void snapshot_free(snapshot *s) {
    free(s->weight);
    free(s->mean);
    free(s->variance);
}

static void snapshot_take(snapshot *s, const cb_qkeras_student *m) {
    memcpy(s->weight, m->weight, m->n_weight * sizeof *s->weight);
    memcpy(s->mean, m->bn.mean, (size_t)m->shape.hidden * sizeof *s->mean);
    memcpy(s->variance, m->bn.variance, (size_t)m->shape.hidden * sizeof *s->variance);
}

static void snapshot_restore(const snapshot *s, cb_qkeras_student *m) {
    memcpy(m->weight, s->weight, m->n_weight * sizeof *s->weight);
    memcpy(m->bn.mean, s->mean, (size_t)m->shape.hidden * sizeof *s->mean);
    memcpy(m->bn.variance, s->variance, (size_t)m->shape.hidden * sizeof *s->variance);
}

/* All that a training run needs besides the student. */
typedef struct {
    cb_student_order order;
    cb_student_batch batch;
    cb_qkeras_work work;
    cb_qkeras_folded folded;
    snapshot best;
} run;

static int run_new(run *r, const cb_qkeras_student *m, const cb_student_set *set, const cb_qkeras_plan *plan) {
    *r = (run){0};
    return cb_student_order_new(&r->order, set, plan->batch, m->shape.seed) ||
                   cb_student_batch_new(&r->batch, set, r->order.batch) ||
                   cb_qkeras_work_new(&r->work, m, r->order.batch) || cb_qkeras_folded_new(&r->folded, m) ||
                   snapshot_new(&r->best, m)
               ? -1
               : 0;
}

static void run_free(run *r) {
    cb_student_order_free(&r->order);
    cb_student_batch_free(&r->batch);
    cb_qkeras_work_free(&r->work);
    cb_qkeras_folded_free(&r->folded);
    snapshot_free(&r->best);
}

static int check_weight(const char *tensor, const float *x, size_t n) { return cb_finite_check("weight", tensor, x, n); }

/* One of the arrays laid out like the weights, tensor by tensor. */
static int check_tensors(const cb_qkeras_student *m, int (*check)(const char *, const float *, size_t), const float *x) {
    const struct {
        const char *name;
        const float *at;
    } tensor[] = {{"conv_kernel", m->conv}, {"dense1_kernel", m->kernel}, {"dense1_bias", m->bias},
                  {"dense1_gamma", m->gamma}, {"dense1_beta", m->beta}, {"dense2_kernel", m->out}};
    for (size_t k = 0; k < 6; k++) {
        size_t from = (size_t)(tensor[k].at - m->weight), to = k < 5 ? (size_t)(tensor[k + 1].at - m->weight) : m->n_weight;
        if (check(tensor[k].name, x + from, to - from)) return -1;
    }
    return 0;
}

/* What the step starts from. */
static int check_state(const cb_qkeras_student *m) {
    if (check_tensors(m, check_weight, m->weight)) return -1;
    for (int j = 0; j < m->shape.hidden; j++)
        if (!isfinite(m->bn.mean[j]) || !isfinite(m->bn.variance[j]))
            return cb_fail("moving mean %g, variance %g of dense1 at index %d; lower the learning rate", m->bn.mean[j],
                           m->bn.variance[j], j);
    return 0;
}

static int train_step(run *r, cb_qkeras_student *m, double learning_rate, double *loss) {
    if (check_state(m)) return -1;
    *loss = cb_qkeras_gradients(m, &r->work, &r->batch);
    if (!isfinite(*loss)) return cb_fail("the loss is %g; lower the learning rate", *loss);
    if (check_tensors(m, cb_gradient_check, m->gradient)) return -1;
    cb_qkeras_update(m, learning_rate);
    return 0;
}

/* Mean loss of the batches of one epoch, each before its update. */
static int train_epoch(run *r, cb_qkeras_student *m, const cb_student_set *set, const cb_qkeras_plan *plan,
                       int epoch, const char *note, double *mean) {
    const char *name = m->shape.quantized ? "QKeras student" : "float student";
    double sum = 0, loss = 0;
    cb_student_order_shuffle(&r->order, (uint64_t)epoch);
    for (uint32_t k = 0; k < r->order.n_batch; k++) {
        cb_student_batch_choose(&r->batch, set, CB_TRAIN, r->order.event + (size_t)k * r->order.batch, r->order.batch);
        if (train_step(r, m, plan->learning_rate, &loss))
            return cb_fail_in("%s: epoch %d, batch %u of %u (step %llu)", name, epoch + 1, k + 1, r->order.n_batch,
                              (unsigned long long)m->step + 1);
        sum += loss;
        cb_progress(name, epoch + (k + 1.0) / r->order.n_batch, plan->epochs, note);
    }
    *mean = sum / r->order.n_batch;
    return check_state(m) ? cb_fail_in("%s: after epoch %d", name, epoch + 1) : cb_student_set_check(set);
}

int cb_qkeras_train(cb_qkeras_student *m, const cb_student_set *set, const cb_qkeras_plan *plan, cb_history *h) {
    run r;
    char note[64] = "";
    int rc = cb_history_new(h, plan->epochs);
    cb_student_profile profile = {0};
    if (run_new(&r, m, set, plan)) rc = -1;
    if (plan->profile) r.work.profile = &profile;
    double start = cb_log_seconds();
    for (int epoch = 0; epoch < plan->epochs && !rc; epoch++) {
        double loss = 0;
        if ((rc = train_epoch(&r, m, set, plan, epoch, note, &loss))) break;
        cb_qkeras_fold(&r.folded);
        double val_loss = cb_qkeras_evaluate(&r.folded, set, CB_VAL);
        if (!isfinite(val_loss)) rc = cb_fail("epoch %d: the validation loss is %g; lower the learning rate", epoch + 1, val_loss);
        if (!rc) rc = cb_student_set_check(set);
        if (cb_history_add(h, loss, val_loss)) snapshot_take(&r.best, m);
        snprintf(note, sizeof note, "val mae %.4f", val_loss);
        cb_detail("epoch %d: mae %.4f, validation %.4f%s", epoch + 1, loss, val_loss, h->best == epoch ? " *" : "");
    }
    cb_progress_end();
    if (!rc && plan->profile) cb_student_profile_log(&profile);
    if (!rc) {
        double seconds = cb_log_seconds() - start;
        snapshot_restore(&r.best, m);
        cb_info("%d epochs of %u events in %.1f s (%.0f events/s, validation included); best: epoch %d, validation mae %.4f",
                plan->epochs, r.order.n_batch * r.order.batch, seconds,
                plan->epochs * ((double)r.order.n_batch * r.order.batch) / (seconds > 0 ? seconds : 1), h->best + 1,
                h->val_loss[h->best]);
    }
    run_free(&r);
    return rc;
}

/* ---- the float student ---- */

/* Scores of events first .. first+n-1 into s->score. */
static int score_portion(cb_float_student *s, const cb_dataset *d, const cb_qkeras_folded *f, uint64_t first, uint32_t n,
                         uint16_t *et, const uint16_t **image, double *score) {
    size_t cells = (size_t)d->height * (size_t)d->width;
    if (cb_dataset_images(d, first, n, et)) return -1;
    for (uint32_t e = 0; e < n; e++) image[e] = et + e * cells;
    cb_qkeras_infer(f, image, n, score, NULL);
    for (uint32_t e = 0; e < n; e++) s->score[first + e] = (float)score[e];
    return 0;
}

static int score_all(cb_float_student *s, const cb_dataset *d) {
    enum { CHUNK = 2048 };
    cb_qkeras_folded f = {0};
    uint16_t *et = cb_alloc(CHUNK, (size_t)d->height * (size_t)d->width * sizeof *et);
    const uint16_t **image = cb_alloc(CHUNK, sizeof *image);
    double *score = cb_alloc(CHUNK, sizeof *score);
    s->n_score = d->n;
    s->score = cb_alloc(d->n, sizeof *s->score);
    int rc = et && image && score && s->score ? cb_qkeras_folded_new(&f, &s->model) : -1;
    uint64_t end = cb_deal_end(d->n), n;
    for (uint64_t at = cb_deal_first(d->n); at < end && !rc; at += n) {
        n = CHUNK - at % CHUNK;
        if (n > end - at) n = end - at;
        rc = score_portion(s, d, &f, at, (uint32_t)n, et, image, score);
    }
    if (!rc) cb_ranks_gather_even(s->score, sizeof *s->score, d->n);
    cb_qkeras_folded_free(&f);
    free(et);
    free(image);
    free(score);
    return rc;
}

int cb_float_student_new(cb_float_student *s, const cb_dataset *d, const cb_student_set *set, const cb_qkeras_plan *plan,
                         uint64_t seed) {
    *s = (cb_float_student){0};
    cb_qkeras_shape shape = cb_qkeras_cicada(true, d->height, d->width);
    shape.quantized = false;
    shape.seed = seed;
    int rc = cb_qkeras_student_new(&s->model, &shape);
    rc = rc || cb_qkeras_train(&s->model, set, plan, &s->history);
    rc = rc || score_all(s, d);
    if (rc) cb_float_student_free(s);
    return rc ? -1 : 0;
}

int cb_float_student_write(const cb_float_student *s, cb_h5 *f, const char *group) {
    char name[128];
    if (cb_qkeras_student_write(&s->model, f, group)) return -1;
    snprintf(name, sizeof name, "%s/history", group);
    if (cb_history_write(&s->history, f, name)) return -1;
    snprintf(name, sizeof name, "%s/score", group);
    return cb_h5_write(f, name, CB_F32, 1, &s->n_score, s->score);
}

void cb_float_student_free(cb_float_student *s) {
    cb_qkeras_student_free(&s->model);
    cb_history_free(&s->history);
    free(s->score);
    *s = (cb_float_student){0};
}
