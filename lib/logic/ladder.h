/* ladder.h - trained thresholds: the input code of all cells, E_T > t_p for planes p, with t learnt.
 *
 * Thresholds are ordered, t = cumsum(d_0, W softplus(d_i / W), ...), as in torchlogix (encode.h), on an axis z(x): E_T
 * itself or log2(1 + E_T), on which the same width W fits small and large thresholds. Input of plane p:
 *   soft    sigmoid((z(x) - t_p) / W)
 *   hard    x > count_p, count_p = the largest count of 0 .. 1022 with z <= t_p (0 if there is none): what the hardware computes
 * Gradient with respect to t_p, in both: -s (1 - s) / W with s the sigmoid (straight-through where hard).
 * One set for all cells. Everything as tables over the 1024 counts.
 */
#ifndef CB_LOGIC_LADDER_H
#define CB_LOGIC_LADDER_H

#include <stdbool.h>

#include "logic/encode.h"
#include "logic/kernels.h"

typedef struct {
    int n;                                   /* planes; 0: thresholds are not trained */
    double width;
    double diff[CB_LOGIC_THRESHOLDS], m[CB_LOGIC_THRESHOLDS], v[CB_LOGIC_THRESHOLDS];
    int32_t count[CB_LOGIC_THRESHOLDS];
    double *axis;                            /* [1024] */
    float *table, *slope;                    /* [n][1024] */
} cb_ladder;

/* Starts at ascending thresholds (so that x > count is x > threshold). */
int cb_ladder_new(cb_ladder *l, const int32_t *threshold, int n, bool log_axis, double width) CB_MUST;
void cb_ladder_free(cb_ladder *l);
/* count, table and slope for the present differences. */
void cb_ladder_refresh(cb_ladder *l, bool hard);
/* One step of Adam, given the gradient with respect to the thresholds; its norm is clipped to 1e-3 (torchlogix). */
void cb_ladder_step(cb_ladder *l, const double *d_threshold, double rate, double beta1, double beta2, double eps, uint64_t step);

#endif
