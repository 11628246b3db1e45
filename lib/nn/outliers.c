#include "nn/outliers.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

/* Zero bias events of a split and how many outliers belong to them. */
typedef struct {
    uint32_t *zb;
    uint64_t n_zb, n;
} share;

static const char *const split_name[] = {"train", "val"};

static int by_value(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static int take_signal(const cb_dataset *d, const cb_outlier_plan *plan, int split, uint64_t n, uint16_t *et) {
    uint64_t have = 0;
    size_t cells = (size_t)d->height * (size_t)d->width;
    int process = cb_dataset_process(d, plan->process);
    uint32_t *event = process < 0 ? NULL : cb_dataset_select(d, process, split, &have);
    uint32_t *order = event ? cb_alloc(have + 1, sizeof *order) : NULL;
    int rc = order ? 0 : -1;
    if (order && have < n)
        rc = cb_fail("outlier exposure wants %" PRIu64 " %s events of '%s', the dataset has %" PRIu64
                     "; lower distill.outlier_fraction or simulate more (simulate.signal_%s)",
                     n, split_name[split], plan->process, have, split_name[split]);
    if (!rc) {
        cb_rng r = cb_rng_at(plan->seed, "outlier/signal", (uint64_t)split);
        cb_rng_permutation(&r, order, have);
        qsort(order, n, sizeof *order, by_value);
        for (uint64_t k = 0; k < n; k++)
            memcpy(et + k * cells, d->et + (size_t)event[order[k]] * cells, cells * sizeof *et);
    }
    free(order);
    free(event);
    return rc;
}

static void make_dummy(const cb_outlier_plan *plan, int split, uint64_t k, size_t cells, uint16_t *et) {
    cb_rng r = cb_rng_at(plan->seed, "outlier/dummy", (uint64_t)split << 32 | k);
    for (size_t i = 0; i < cells; i++) et[i] = (uint16_t)cb_rng_below(&r, 1000);
}

static void make_augmented(const cb_dataset *d, const share *s, const cb_outlier_plan *plan, int split, uint64_t k,
                           size_t cells, uint16_t *et) {
    cb_rng r = cb_rng_at(plan->seed, "outlier/augment", (uint64_t)split << 32 | k);
    const uint16_t *a = d->et + (size_t)s->zb[cb_rng_below(&r, (uint32_t)s->n_zb)] * cells;
    const uint16_t *b = d->et + (size_t)s->zb[cb_rng_below(&r, (uint32_t)s->n_zb)] * cells;
    uint32_t sixteenths = 24 + cb_rng_below(&r, 105);
    for (size_t i = 0; i < cells; i++) {
        uint32_t sum = k % 2 ? (a[i] * sixteenths + 8) / 16 : (uint32_t)a[i] + b[i];
        et[i] = (uint16_t)(sum > CB_ET_MAX ? CB_ET_MAX : sum);
    }
}

static int make_split(cb_targets *t, const cb_dataset *d, const share *s, const cb_outlier_plan *plan, int split) {
    size_t cells = (size_t)d->height * (size_t)d->width;
    uint16_t *et = t->outlier_et + t->n_outlier * cells;
    memset(t->outlier_split + t->n_outlier, split, s->n);
    t->n_outlier += s->n;
    if (!strcmp(plan->mode, "signal")) return take_signal(d, plan, split, s->n, et);
    bool dummy = !strcmp(plan->mode, "dummy");
    for (uint64_t k = 0; k < s->n; k++, et += cells)
        if (dummy) make_dummy(plan, split, k, cells, et);
        else make_augmented(d, s, plan, split, k, cells, et);
    return 0;
}

int cb_outliers_make(cb_targets *t, const cb_dataset *d, const cb_outlier_plan *plan) {
    share s[2] = {{0}, {0}};
    t->n_outlier = 0;
    if (!strcmp(plan->mode, "none")) return 0;
    if (strcmp(plan->mode, "signal") && strcmp(plan->mode, "dummy") && strcmp(plan->mode, "augment"))
        return cb_fail("outlier mode '%s': none, signal, dummy or augment wanted", plan->mode);
    if (!(plan->fraction >= 0 && plan->fraction < 1)) return cb_fail("outlier fraction %g: 0 to 1 wanted", plan->fraction);
    int zb = cb_dataset_process(d, "zb"), rc = -1;
    if (zb < 0) return -1;
    for (int k = 0; k < 2; k++) {
        if (!(s[k].zb = cb_dataset_select(d, zb, k, &s[k].n_zb))) goto out;
        s[k].n = (uint64_t)(plan->fraction / (1 - plan->fraction) * (double)s[k].n_zb + 0.5);
    }
    uint64_t n = s[0].n + s[1].n;
    t->outlier_et = cb_alloc(n + 1, (size_t)d->height * (size_t)d->width * sizeof *t->outlier_et);
    t->outlier_split = cb_alloc(n + 1, 1);
    t->outlier_target = cb_alloc(n + 1, sizeof *t->outlier_target);
    if (!t->outlier_et || !t->outlier_split || !t->outlier_target) goto out;
    rc = make_split(t, d, &s[0], plan, CB_TRAIN) || make_split(t, d, &s[1], plan, CB_VAL) ? -1 : 0;
out:
    free(s[0].zb);
    free(s[1].zb);
    return rc;
}
