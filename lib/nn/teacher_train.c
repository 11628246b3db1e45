#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/ranks.h"
#include "base/rng.h"
#include "nn/autoencoder.h"
#include "nn/teacher.h"

typedef struct {
    cb_teacher *t;
    const cb_teacher_fit *o;
    cb_fit *fit;
    float *best;        /* [n_weight] weights of the best epoch */
    double best_mse;
    int epoch;          /* epochs done */
    uint32_t *order;    /* [n_train] */
    uint16_t *et;       /* [batch][cells] images of the batch */
    uint32_t *place;    /* [batch] 0, 1, ... */
    float *val_error;   /* [n_val] */
} training;

/* ---- checkpoint: everything that the next epoch depends on ---- */

static int checkpoint_write(const training *r) {
    if (!r->o->checkpoint || cb_rank()) return 0;
    uint64_t n[1] = {r->t->net->n_weight}, epochs[1] = {(uint64_t)r->epoch};
    cb_h5 *f = cb_h5_create(r->o->checkpoint, CB_TEACHER_CHECKPOINT_SCHEMA, "train-teacher", "");
    if (!f) return -1;
    if (cb_h5_set_text(f, "/", "identity", r->o->identity) ||
        cb_h5_set_i64(f, "/", "steps", (int64_t)*cb_fit_steps(r->fit)) ||
        cb_h5_set_i64(f, "/", "best_epoch", r->t->best_epoch) || cb_h5_write(f, "w", CB_F32, 1, n, r->t->net->w) ||
        cb_h5_write(f, "m", CB_F32, 1, n, cb_fit_m(r->fit)) || cb_h5_write(f, "v", CB_F32, 1, n, cb_fit_v(r->fit)) ||
        cb_h5_write(f, "best", CB_F32, 1, n, r->best) ||
        cb_h5_write(f, "train_mse", CB_F64, 1, epochs, r->t->train_mse) ||
        cb_h5_write(f, "val_mse", CB_F64, 1, epochs, r->t->val_mse)) {
        cb_h5_close(&f);
        return -1;
    }
    return cb_h5_commit(&f);
}

static int load(cb_h5 *f, const char *name, cb_type type, uint64_t n, size_t size, void *to) {
    uint64_t dims[1] = {n};
    void *data = cb_h5_read(f, name, type, 1, dims);
    if (!data) return -1;
    memcpy(to, data, n * size);
    free(data);
    return 0;
}

static int checkpoint_load(training *r, cb_h5 *f) {
    int rank;
    uint64_t dims[CB_MAX_RANK], n = r->t->net->n_weight;
    int64_t steps, best;
    if (cb_h5_shape(f, "val_mse", &rank, dims)) return -1;
    if (rank != 1 || dims[0] < 1 || dims[0] > (uint64_t)r->o->epochs)
        return cb_fail("%s: dataset val_mse: 1 to %d epochs wanted", cb_h5_path(f), r->o->epochs);
    if (cb_h5_get_i64(f, "/", "steps", &steps) || cb_h5_get_i64(f, "/", "best_epoch", &best) ||
        load(f, "w", CB_F32, n, 4, r->t->net->w) || load(f, "m", CB_F32, n, 4, cb_fit_m(r->fit)) ||
        load(f, "v", CB_F32, n, 4, cb_fit_v(r->fit)) || load(f, "best", CB_F32, n, 4, r->best) ||
        load(f, "train_mse", CB_F64, dims[0], 8, r->t->train_mse) ||
        load(f, "val_mse", CB_F64, dims[0], 8, r->t->val_mse))
        return -1;
    if (steps < 1 || best < 1 || (uint64_t)best > dims[0])
        return cb_fail("%s: steps %" PRId64 ", best_epoch %" PRId64 " cannot be", cb_h5_path(f), steps, best);
    r->epoch = (int)dims[0];
    *cb_fit_steps(r->fit) = (uint64_t)steps;
    r->t->best_epoch = (int)best;
    r->best_mse = r->t->val_mse[best - 1];
    return 0;
}

/* 1 = resumed, 0 = no usable checkpoint: start afresh. */
static int checkpoint_read(training *r) {
    if (!r->o->checkpoint || !cb_file_exists(r->o->checkpoint)) return 0;
    cb_h5 *f = cb_h5_open(r->o->checkpoint, CB_TEACHER_CHECKPOINT_SCHEMA);
    char *identity = f ? cb_h5_get_text(f, "/", "identity") : NULL;
    int used = 0;
    if (!identity) cb_warn("checkpoint not used: %s", cb_error());
    else if (strcmp(identity, r->o->identity))
        cb_warn("%s: checkpoint not used: it belongs to another configuration or dataset", r->o->checkpoint);
    else if (checkpoint_load(r, f)) cb_warn("checkpoint not used: %s", cb_error());
    else used = 1;
    free(identity);
    cb_h5_close(&f);
    if (used) cb_info("resuming after epoch %d of %d", r->epoch, r->o->epochs);
    return used;
}

/* What rank 0 found in its checkpoint, to all ranks. 1 = resumed. */
static int checkpoint_share(training *r) {
    size_t n = r->t->net->n_weight;
    int found[3] = {cb_rank() ? 0 : checkpoint_read(r), r->epoch, r->t->best_epoch};
    cb_ranks_broadcast(found, sizeof found);
    if (!found[0] || cb_ranks() == 1) return found[0];
    r->epoch = found[1];
    r->t->best_epoch = found[2];
    cb_ranks_broadcast(cb_fit_steps(r->fit), sizeof(uint64_t));
    cb_ranks_broadcast(&r->best_mse, sizeof r->best_mse);
    cb_ranks_broadcast(r->t->train_mse, (size_t)r->epoch * sizeof(double));
    cb_ranks_broadcast(r->t->val_mse, (size_t)r->epoch * sizeof(double));
    float *const state[] = {r->t->net->w, cb_fit_m(r->fit), cb_fit_v(r->fit), r->best};
    for (int k = 0; k < 4; k++) cb_ranks_broadcast(state[k], n * sizeof(float));
    return 1;
}

/* ---- epochs ---- */

/* Batch s of the epoch. */
static int train_batch(training *r, const cb_rows *train, size_t s, size_t steps, double *loss) {
    const uint32_t *row = r->order + s * r->o->batch;
    if (cb_rows_copy(train, row, 0, r->o->batch, r->et)) return -1;
    cb_teacher_pad(r->t, r->et, r->o->batch);
    cb_fit_numbers(r->fit, row);
    if (!cb_fit_step(r->fit, r->et, r->place, r->o->batch, loss)) return 0;
    return cb_fail_in("epoch %d, batch %zu of %zu (step %" PRIu64 ")", r->epoch + 1, s + 1, steps,
                      (uint64_t)r->epoch * steps + s + 1);
}

static int train_epoch(training *r, const cb_rows *train) {
    size_t n_train = cb_rows_count(train), steps = n_train / r->o->batch;
    cb_rng rng = cb_rng_at(r->o->seed, "teacher/shuffle", (uint64_t)r->epoch);
    cb_rng_permutation(&rng, r->order, n_train);
    char what[32], note[32];
    snprintf(what, sizeof what, "epoch %d", r->epoch + 1);
    double sum = 0, loss = 0;
    for (size_t s = 0; s < steps; s++) {
        if (train_batch(r, train, s, steps, &loss)) return -1;
        sum += loss;
        snprintf(note, sizeof note, "mse %.4g", loss);
        cb_progress(what, (double)(s + 1), (double)steps, note);
    }
    cb_progress_end();
    r->t->train_mse[r->epoch] = sum / (double)steps;
    return 0;
}

static int get_rows(void *context, uint64_t first, uint64_t n, uint16_t *et) {
    return cb_rows_copy(context, NULL, first, n, et);
}

static int validate(training *r, const cb_rows *val) {
    size_t n_val = cb_rows_count(val);
    if (cb_teacher_score(r->t, get_rows, (void *)val, n_val, "validation", r->val_error))
        return cb_fail_in("validation after epoch %d", r->epoch + 1);
    double sum = 0;
    for (size_t i = 0; i < n_val; i++) sum += (double)r->val_error[i];
    double mse = r->t->val_mse[r->epoch] = sum / (double)n_val;
    r->epoch++;
    if (mse < r->best_mse) {
        r->best_mse = mse;
        r->t->best_epoch = r->epoch;
        memcpy(r->best, r->t->net->w, r->t->net->n_weight * sizeof *r->best);
    }
    cb_info("epoch %d/%d: train mse %.6g, val mse %.6g%s", r->epoch, r->o->epochs, r->t->train_mse[r->epoch - 1], mse,
            r->t->best_epoch == r->epoch ? " (best)" : "");
    return 0;
}

static int run(training *r, const cb_rows *train, const cb_rows *val) {
    if (!checkpoint_share(r)) { /* whatever a damaged checkpoint left is overwritten */
        r->epoch = 0;
        r->best_mse = INFINITY;
        *cb_fit_steps(r->fit) = 0;
        memset(cb_fit_m(r->fit), 0, r->t->net->n_weight * sizeof(float));
        memset(cb_fit_v(r->fit), 0, r->t->net->n_weight * sizeof(float));
        if (cb_network_init(r->t->net, r->o->seed, "teacher")) return -1;
    }
    cb_network_refresh(r->t->net);
    while (r->epoch < r->o->epochs)
        if (train_epoch(r, train) || validate(r, val) || checkpoint_write(r)) return -1;
    memcpy(r->t->net->w, r->best, r->t->net->n_weight * sizeof *r->best);
    cb_network_refresh(r->t->net);
    return 0;
}

int cb_teacher_train(cb_teacher *t, const cb_teacher_fit *o, const cb_rows *train, const cb_rows *val) {
    size_t n_train = cb_rows_count(train), n_val = cb_rows_count(val);
    size_t cells = (size_t)t->image_height * (size_t)t->image_width;
    if (cb_rows_features(train) != cells || cb_rows_features(val) != cells)
        return cb_fail("images of %zu and %zu cells; the teacher has %d x %d", cb_rows_features(train), cb_rows_features(val),
                       t->image_height, t->image_width);
    if (n_train < o->batch)
        return cb_fail("%zu training events are less than one batch of %zu; lower teacher.batch or take more events",
                       n_train, o->batch);
    if (n_train > UINT32_MAX) return cb_fail("%zu training events, at most 2^32-1", n_train);
    if (!n_val) return cb_fail("no validation events; the best epoch is chosen on them");
    training r = {.t = t, .o = o};
    free(t->train_mse);
    free(t->val_mse);
    t->train_mse = cb_alloc((size_t)o->epochs, sizeof *t->train_mse);
    t->val_mse = cb_alloc((size_t)o->epochs, sizeof *t->val_mse);
    t->epochs = o->epochs;
    r.fit = cb_fit_new(t->net, o->batch, o->learning_rate);
    r.best = cb_alloc_aligned(t->net->n_weight, sizeof *r.best);
    r.order = cb_alloc(n_train, sizeof *r.order);
    r.et = cb_alloc(o->batch, t->net->n_input * sizeof *r.et);
    r.place = cb_alloc(o->batch, sizeof *r.place);
    r.val_error = cb_alloc(n_val, sizeof *r.val_error);
    int rc = -1;
    if (t->train_mse && t->val_mse && r.fit && r.best && r.order && r.et && r.place && r.val_error &&
        !(o->profile && cb_fit_profile(r.fit))) {
        for (size_t k = 0; k < o->batch; k++) r.place[k] = (uint32_t)k;
        rc = run(&r, train, val);
    }
    if (!rc && o->profile) cb_fit_profile_log(r.fit);
    cb_fit_free(r.fit);
    free(r.best);
    free(r.order);
    free(r.et);
    free(r.place);
    free(r.val_error);
    return rc;
}
