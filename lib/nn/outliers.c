#include "nn/outliers.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

/* The outliers of one split. */
typedef struct {
    int split;
    uint64_t n;    /* wanted */
    cb_rows *pool; /* events that they are made from, NULL: from none */
    uint16_t *row[3];
} share;

static const char *const split_name[] = {"train", "val"};

static int by_value(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static uint64_t count_events(const cb_dataset *d, int process, int split) {
    uint64_t n = 0;
    for (uint64_t e = 0; e < d->n; e++) n += d->process[e] == process && d->split[e] == split;
    return n;
}

static int take_signal(const share *s, const cb_outlier_plan *plan, cb_rows *to) {
    uint64_t have = cb_rows_count(s->pool);
    if (have < s->n)
        return cb_fail("outlier exposure wants %" PRIu64 " %s events of '%s', the dataset has %" PRIu64
                       "; lower distill.outlier_fraction or simulate more (simulate.signal_%s)",
                       s->n, split_name[s->split], plan->process, have, split_name[s->split]);
    uint32_t *order = cb_alloc(have + 1, sizeof *order);
    int rc = order ? 0 : -1;
    if (!rc) {
        cb_rng r = cb_rng_at(plan->seed, "outlier/signal", (uint64_t)s->split);
        cb_rng_permutation(&r, order, have);
        qsort(order, s->n, sizeof *order, by_value);
    }
    for (uint64_t k = 0; k < s->n && !rc; k++) rc = cb_rows_append(to, cb_rows_at(s->pool, order[k], s->row[0]), 1);
    free(order);
    return rc;
}

static void make_dummy(const share *s, const cb_outlier_plan *plan, uint64_t k, size_t cells, uint16_t *et) {
    cb_rng r = cb_rng_at(plan->seed, "outlier/dummy", (uint64_t)s->split << 32 | k);
    for (size_t i = 0; i < cells; i++) et[i] = (uint16_t)cb_rng_below(&r, 1000);
}

static void make_augmented(const share *s, const cb_outlier_plan *plan, uint64_t k, size_t cells, uint16_t *et) {
    cb_rng r = cb_rng_at(plan->seed, "outlier/augment", (uint64_t)s->split << 32 | k);
    uint32_t n = (uint32_t)cb_rows_count(s->pool);
    const uint16_t *a = cb_rows_at(s->pool, cb_rng_below(&r, n), s->row[0]);
    const uint16_t *b = cb_rows_at(s->pool, cb_rng_below(&r, n), s->row[1]);
    uint32_t sixteenths = 24 + cb_rng_below(&r, 105);
    for (size_t i = 0; i < cells; i++) {
        uint32_t sum = k % 2 ? (a[i] * sixteenths + 8) / 16 : (uint32_t)a[i] + b[i];
        et[i] = (uint16_t)(sum > CB_ET_MAX ? CB_ET_MAX : sum);
    }
}

static int make_images(const share *s, const cb_outlier_plan *plan, size_t cells, cb_rows *to) {
    bool dummy = !strcmp(plan->mode, "dummy");
    int rc = !strcmp(plan->mode, "signal") ? take_signal(s, plan, to) : 0;
    for (uint64_t k = 0; strcmp(plan->mode, "signal") && k < s->n && !rc; k++) {
        if (dummy) make_dummy(s, plan, k, cells, s->row[2]);
        else make_augmented(s, plan, k, cells, s->row[2]);
        rc = cb_rows_append(to, s->row[2], 1);
    }
    return rc || (s->pool && cb_rows_check(s->pool)) ? -1 : 0;
}

/* The share of one split, and the events that it is made from. */
static int make_split(cb_targets *t, const cb_dataset *d, const cb_outlier_plan *plan, share *s) {
    size_t cells = (size_t)d->height * (size_t)d->width;
    int from = cb_dataset_process(d, strcmp(plan->mode, "signal") ? "zb" : plan->process), rc = from < 0 ? -1 : 0;
    if (!rc && strcmp(plan->mode, "dummy"))
        rc = (s->pool = cb_rows_new(cells, &d->place)) ? cb_dataset_pour(d, from, s->split, s->pool) : -1;
    for (int k = 0; k < 3 && !rc; k++) rc = (s->row[k] = cb_alloc(cells, sizeof *s->row[k])) ? 0 : -1;
    if (!rc) rc = make_images(s, plan, cells, t->outliers);
    memset(t->outlier_split + t->n_outlier, s->split, s->n);
    t->n_outlier += s->n;
    cb_rows_free(s->pool);
    for (int k = 0; k < 3; k++) free(s->row[k]);
    return rc;
}

int cb_outliers_make(cb_targets *t, const cb_dataset *d, const cb_outlier_plan *plan) {
    share s[2] = {{.split = CB_TRAIN}, {.split = CB_VAL}};
    t->n_outlier = 0;
    if (!strcmp(plan->mode, "none")) return 0;
    if (strcmp(plan->mode, "signal") && strcmp(plan->mode, "dummy") && strcmp(plan->mode, "augment"))
        return cb_fail("outlier mode '%s': none, signal, dummy or augment wanted", plan->mode);
    if (!(plan->fraction >= 0 && plan->fraction < 1)) return cb_fail("outlier fraction %g: 0 to 1 wanted", plan->fraction);
    int zb = cb_dataset_process(d, "zb");
    if (zb < 0) return -1;
    for (int k = 0; k < 2; k++)
        s[k].n = (uint64_t)(plan->fraction / (1 - plan->fraction) * (double)count_events(d, zb, k) + 0.5);
    uint64_t n = s[0].n + s[1].n;
    t->outliers = cb_rows_new((size_t)d->height * (size_t)d->width, &d->place);
    t->outlier_split = cb_alloc(n + 1, 1);
    t->outlier_target = cb_alloc(n + 1, sizeof *t->outlier_target);
    if (!t->outliers || !t->outlier_split || !t->outlier_target) return -1;
    return make_split(t, d, plan, &s[0]) || make_split(t, d, plan, &s[1]) ? -1 : 0;
}
