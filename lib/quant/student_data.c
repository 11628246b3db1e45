#include "quant/student_data.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/threads.h"
#include "nn/targets.h"
#include "quant/student_kernels.h"

/* ---- the set ---- */

static int allocate(cb_student_set *s, const cb_dataset *d, const uint64_t count[2]) {
    static const char *name[2] = {"train", "val"};
    for (int k = 0; k < 2; k++) {
        if (!count[k])
            return cb_fail("the students' %s set is empty: the dataset has no zero bias (\"zb\") events in that split",
                           name[k]);
        if (count[k] > UINT32_MAX)
            return cb_fail("the students' %s set has %llu events, at most 2^32-1", name[k],
                           (unsigned long long)count[k]);
        s->image[k] = cb_rows_new((size_t)s->n_feature, &d->place);
        s->code[k] = cb_alloc(count[k], sizeof *s->code[k]);
        if (!s->image[k] || !s->code[k]) return -1;
    }
    return 0;
}

static int fill(cb_student_set *s, const cb_dataset *d, int zb, const uint16_t *code, const cb_outliers *outliers) {
    uint16_t *row = cb_alloc((size_t)s->n_feature, sizeof *row);
    int rc = row ? 0 : -1;
    for (uint64_t e = 0; e < d->n; e++)
        if (d->process[e] == zb && d->split[e] != CB_TEST) s->code[d->split[e]][s->n[d->split[e]]++] = code[e];
    memcpy(s->n_zero_bias, s->n, sizeof s->n);
    for (int k = 0; k < 2 && !rc; k++) rc = cb_dataset_pour(d, zb, k, s->image[k]);
    for (uint64_t e = 0; outliers && e < outliers->n && !rc; e++) {
        int k = outliers->split[e];
        s->code[k][s->n[k]++] = outliers->code[e];
        rc = cb_rows_append(s->image[k], cb_rows_at(outliers->image, e, row), 1);
    }
    if (!rc && outliers && outliers->n) rc = cb_rows_check(outliers->image);
    free(row);
    return rc;
}

int cb_student_set_new(cb_student_set *s, const cb_dataset *d, const uint16_t *code, const cb_outliers *outliers) {
    *s = (cb_student_set){.height = d->height, .width = d->width, .n_feature = d->height * d->width};
    int zb = cb_dataset_process(d, "zb");
    if (zb < 0) return -1;
    uint64_t count[2] = {0, 0}, zero_bias[2], n_outlier = outliers ? outliers->n : 0;
    for (uint64_t e = 0; e < d->n; e++)
        if (d->process[e] == zb && d->split[e] != CB_TEST) count[d->split[e]]++;
    memcpy(zero_bias, count, sizeof count);
    for (uint64_t e = 0; e < n_outlier; e++) {
        if (outliers->split[e] > CB_VAL)
            return cb_fail("outlier %llu: split %d, expected 0 (train) or 1 (val)", (unsigned long long)e,
                           outliers->split[e]);
        count[outliers->split[e]]++;
    }
    for (int k = 0; k < 2; k++)
        if (!zero_bias[k]) count[k] = 0; /* outliers alone are no training set */
    if (!allocate(s, d, count) && !fill(s, d, zb, code, outliers)) return 0;
    cb_student_set_free(s);
    return -1;
}

int cb_student_set_read(cb_student_set *s, const char *data, const char *targets, const cb_rows_place *place) {
    cb_dataset d = {0};
    cb_targets t = {0};
    *s = (cb_student_set){0};
    int rc = cb_dataset_open(&d, data, place) || cb_targets_read(&t, targets, &d) || cb_h5_made_from(targets, "dataset", data) ? -1 : 0;
    cb_outliers extra = {t.n_outlier, t.outliers, t.outlier_target, t.outlier_split};
    if (!rc) rc = cb_student_set_new(s, &d, t.target, &extra);
    cb_targets_free(&t);
    cb_dataset_free(&d);
    return rc;
}

int cb_student_set_check(const cb_student_set *s) {
    return cb_rows_check(s->image[CB_TRAIN]) || cb_rows_check(s->image[CB_VAL]) ? -1 : 0;
}

void cb_student_set_free(cb_student_set *s) {
    for (int k = 0; k < 2; k++) {
        cb_rows_free(s->image[k]);
        free(s->code[k]);
    }
    *s = (cb_student_set){0};
}

/* ---- order ---- */

int cb_student_order_new(cb_student_order *o, const cb_student_set *s, uint32_t batch, uint64_t seed) {
    uint32_t n = s->n[CB_TRAIN];
    *o = (cb_student_order){.seed = seed, .n_event = n, .batch = batch < n ? batch : n};
    if (!o->batch) return cb_fail("students: %u training events in batches of %u", n, batch);
    o->n_batch = n / o->batch;
    o->event = cb_alloc(n, sizeof *o->event);
    return o->event ? 0 : -1;
}

void cb_student_order_shuffle(cb_student_order *o, uint64_t epoch) {
    cb_rng r = cb_rng_at(o->seed, "student-shuffle", epoch);
    cb_rng_permutation(&r, o->event, o->n_event);
}

void cb_student_order_free(cb_student_order *o) {
    free(o->event);
    *o = (cb_student_order){0};
}

/* ---- batches ---- */

int cb_student_batch_new(cb_student_batch *b, const cb_student_set *s, uint32_t room) {
    size_t n_block = cb_blocks(room);
    *b = (cb_student_batch){.room = room, .n_feature = s->n_feature};
    b->x = cb_alloc_aligned(n_block * (size_t)s->n_feature * CB_LANES, sizeof *b->x);
    b->y = cb_alloc_aligned(n_block * CB_LANES, sizeof *b->y);
    bool file = false;
    for (int k = 0; k < 2; k++) file = file || (s->image[k] && !cb_rows_in_memory(s->image[k]));
    if (file) b->image = cb_alloc(n_block * CB_LANES, (size_t)s->n_feature * sizeof *b->image);
    if (b->x && b->y && (b->image || !file)) return 0;
    cb_student_batch_free(b);
    return -1;
}

void cb_student_batch_free(cb_student_batch *b) {
    free(b->x);
    free(b->y);
    free(b->image);
    *b = (cb_student_batch){0};
}

void cb_lanes_set_u16(float *block, int lane, const uint16_t *image, int n_feature) {
    for (int f = 0; f < n_feature; f++) block[f * CB_LANES + lane] = image[f];
}

void cb_lanes_set_images(float *block, const uint16_t *const image[CB_LANES], int n, int n_feature) {
    if (n == CB_LANES) {
        cb_lanes_load_rows(block, image, n_feature);
        return;
    }
    memset(block, 0, (size_t)n_feature * CB_LANES * sizeof *block);
    for (int l = 0; l < n; l++) cb_lanes_set_u16(block, l, image[l], n_feature);
}

void cb_student_batch_choose(cb_student_batch *b, const cb_student_set *s, int split, const uint32_t *event,
                             uint32_t n) {
    b->n_event = n < b->room ? n : b->room;
    b->n_block = cb_blocks(b->n_event);
    b->set = s;
    b->split = split;
    b->event = event;
}

/* Asks for the images of block k, which are scattered over memory, before they are needed. */
static void fetch_ahead(const cb_student_batch *b, size_t k) {
    if (k >= b->n_block || b->image || !b->event) return;
    for (int l = 0; l < cb_student_lanes(b, k); l++) {
        const char *row = (const char *)cb_rows_at(b->set->image[b->split], b->event[k * CB_LANES + (size_t)l], NULL);
        for (size_t byte = 0; byte < (size_t)b->n_feature * sizeof(uint16_t); byte += 64) __builtin_prefetch(row + byte, 0, 2);
    }
}

void cb_student_batch_block(cb_student_batch *b, size_t k) {
    const uint16_t *image[CB_LANES] = {NULL};
    float *y = b->y + k * CB_LANES;
    int lanes = cb_student_lanes(b, k);
    fetch_ahead(b, k + 1);
    for (int l = 0; l < CB_LANES; l++) {
        uint32_t e = (uint32_t)k * CB_LANES + (uint32_t)l;
        if (l < lanes && b->event) e = b->event[e];
        uint16_t *row = b->image ? b->image + (k * CB_LANES + (size_t)l) * (size_t)b->n_feature : NULL;
        if (l < lanes) image[l] = cb_rows_at(b->set->image[b->split], e, row);
        y[l] = l < lanes ? (float)b->set->code[b->split][e] / 256 : 0;
    }
    cb_lanes_set_images(b->x + k * (size_t)b->n_feature * CB_LANES, image, lanes, b->n_feature);
}

void cb_student_batch_load(cb_student_batch *b, const cb_student_set *s, int split, const uint32_t *event,
                           uint32_t n) {
    cb_student_batch_choose(b, s, split, event, n);
#pragma omp parallel for schedule(static)
    for (size_t k = 0; k < b->n_block; k++) cb_student_batch_block(b, k);
    b->set = NULL;
}

/* ---- dropout ---- */

void cb_dropout_keep(uint16_t *keep, int n_feature, float p, uint64_t seed, const char *stream, uint64_t step,
                     size_t block) {
    cb_rng r = cb_rng_at(seed, stream, step * 4096 + block);
    cb_dropout_bits(r.key, r.index, (uint32_t)ceil((double)p * 65536), n_feature, keep);
}

/* ---- loss ---- */

double cb_mae_block(const float *out, const float *y, int n, float inverse_batch, float *grad) {
    double sum = 0;
    for (int l = 0; l < CB_LANES; l++) {
        float d = l < n ? out[l] - y[l] : 0;
        sum += d < 0 ? -(double)d : (double)d;
        grad[l] = d > 0 ? inverse_batch : d < 0 ? -inverse_batch : 0;
    }
    return sum;
}

/* ---- history ---- */

int cb_history_new(cb_history *h, int room) {
    *h = (cb_history){.room = room, .best = -1};
    h->loss = cb_alloc((size_t)room, sizeof *h->loss);
    h->val_loss = cb_alloc((size_t)room, sizeof *h->val_loss);
    if (h->loss && h->val_loss) return 0;
    cb_history_free(h);
    return -1;
}

bool cb_history_add(cb_history *h, double loss, double val_loss) {
    if (h->n == h->room) return false;
    bool best = h->best < 0 || val_loss < h->val_loss[h->best];
    if (best) h->best = h->n;
    h->loss[h->n] = loss;
    h->val_loss[h->n++] = val_loss;
    return best;
}

int cb_history_write(const cb_history *h, cb_h5 *f, const char *group) {
    uint64_t dims[1] = {(uint64_t)h->n};
    char name[128];
    int32_t *epoch = cb_alloc((size_t)h->n + 1, sizeof *epoch);
    if (!epoch) return -1;
    for (int e = 0; e < h->n; e++) epoch[e] = e + 1;
    int rc = cb_h5_group(f, group);
    snprintf(name, sizeof name, "%s/epoch", group);
    rc = rc || cb_h5_write(f, name, CB_I32, 1, dims, epoch);
    snprintf(name, sizeof name, "%s/loss", group);
    rc = rc || cb_h5_write(f, name, CB_F64, 1, dims, h->loss);
    snprintf(name, sizeof name, "%s/val_loss", group);
    rc = rc || cb_h5_write(f, name, CB_F64, 1, dims, h->val_loss);
    rc = rc || cb_h5_set_i64(f, group, "best_epoch", h->best + 1);
    free(epoch);
    return rc ? -1 : 0;
}

void cb_history_free(cb_history *h) {
    free(h->loss);
    free(h->val_loss);
    *h = (cb_history){0};
}
