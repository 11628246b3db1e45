#include "logic/ladder.h"

#include <math.h>
#include <stdlib.h>

#include "base/fmath.h"
#include "data/dataset.h"

enum { COUNTS = CB_ET_MAX + 1 };

int cb_ladder_new(cb_ladder *l, const int32_t *threshold, int n, bool log_axis, double width) {
    double start[CB_LOGIC_THRESHOLDS];
    *l = (cb_ladder){0};
    if (n < 1 || n > CB_LOGIC_THRESHOLDS) return cb_fail("%d trained thresholds: 1 to %d expected", n, CB_LOGIC_THRESHOLDS);
    for (int p = 0; p < n; p++)
        if (threshold[p] < 0 || threshold[p] >= CB_ET_MAX || (p && threshold[p] <= threshold[p - 1]))
            return cb_fail("trained threshold %d starts at %d; ascending ones of 0 to %d expected", p, threshold[p], CB_ET_MAX - 1);
    *l = (cb_ladder){.n = n, .width = width};
    l->axis = cb_alloc(COUNTS, sizeof *l->axis);
    l->table = cb_alloc((size_t)n * COUNTS, sizeof *l->table);
    l->slope = cb_alloc((size_t)n * COUNTS, sizeof *l->slope);
    if (!l->axis || !l->table || !l->slope) return cb_ladder_free(l), -1;
    for (int x = 0; x < COUNTS; x++) l->axis[x] = log_axis ? cb_log(1 + (double)x) / cb_log(2) : x;
    /* between two counts, so that rounding decides nothing */
    for (int p = 0; p < n; p++) start[p] = (l->axis[threshold[p]] + l->axis[threshold[p] + 1]) / 2;
    cb_thresholds_differences(start, n, width, l->diff);
    cb_ladder_refresh(l, true);
    return 0;
}

void cb_ladder_free(cb_ladder *l) {
    free(l->axis);
    free(l->table);
    free(l->slope);
    *l = (cb_ladder){0};
}

void cb_ladder_refresh(cb_ladder *l, bool hard) {
    double t[CB_LOGIC_THRESHOLDS];
    cb_thresholds_ordered(l->diff, l->n, l->width, t);
    for (int p = 0; p < l->n; p++) {
        float *table = l->table + p * COUNTS, *slope = l->slope + p * COUNTS;
        l->count[p] = 0;
        while (l->count[p] < CB_ET_MAX - 1 && l->axis[l->count[p] + 1] <= t[p]) l->count[p]++;
        for (int x = 0; x < COUNTS; x++) {
            double z = (l->axis[x] - t[p]) / l->width, s = z < -30 ? 0 : z > 30 ? 1 : 1 / (1 + cb_exp(-z));
            table[x] = hard ? x > l->count[p] : (float)s;
            slope[x] = (float)(-s * (1 - s) / l->width);
        }
    }
}

void cb_ladder_step(cb_ladder *l, const double *d_threshold, double rate, double beta1, double beta2, double eps, uint64_t step) {
    double g[CB_LOGIC_THRESHOLDS], root = sqrt(1 - cb_powi(beta2, step));
    cb_thresholds_chain(l->diff, l->n, l->width, d_threshold, 1e-3, g);
    for (int p = 0; p < l->n; p++) {
        l->m[p] = beta1 * l->m[p] + (1 - beta1) * g[p];
        l->v[p] = beta2 * l->v[p] + (1 - beta2) * g[p] * g[p];
        l->diff[p] -= rate / (1 - cb_powi(beta1, step)) * l->m[p] / (sqrt(l->v[p]) / root + eps);
    }
}
