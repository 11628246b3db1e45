/* plus_lanes.h - the inner loops of hgq+ training on one block of 16 event lanes.
 *
 * Data formats t have k = 0 and saturate: q = floor(min(max(x, 0), hi) 2^f + half) 2^-f, half 0 (truncation) or
 * 0.5; |i|, |f| <= 12. Partials as in hgq_quantizer.h; at x <= 0 (relu) all are 0. Every operation is lane by
 * lane in ascending order of elements, plain multiplications and additions, so every build gives the same bytes.
 */
#ifndef CB_QUANT_PLUS_LANES_H
#define CB_QUANT_PLUS_LANES_H

#include "quant/hgq_quantizer.h"

typedef struct {
    int n_pixel, n_view, n_group; /* n_view: views of a region; elements are [pixel][view] */
    const uint32_t *group;        /* [n_pixel * n_view] */
    const cb_hgq_format *format;  /* [n_pixel * n_view] */
    const int32_t *wrap;          /* the same: mask of the integer x 2^f for an element that wraps (hi is not looked
                                   * at, no gradients), -1 for one that saturates */
    float half, unit;
} cb_plus_sums;

/* u[n_group][16] = unit * (sum over elements of the quantized x[n_pixel][16], elements ascending). */
void cb_plus_lanes_sums(const cb_plus_sums *p, const float *x, float *u);
/* From g[n_group][16] = dL/du: di, df [elements][16] are added to. */
void cb_plus_lanes_sums_backward(const cb_plus_sums *p, const float *x, const float *g, float *di, float *df);
/* q = quantized x, [n][16]. */
void cb_plus_lanes_quantize(const cb_hgq_format *t, int n, float half, const float *x, float *q);
/* dx = g where 0 < x <= hi, else 0 (dx may be g); di, df are added to. */
void cb_plus_lanes_backward(const cb_hgq_format *t, int n, const float *x, const float *q, const float *g, float *dx,
                            float *di, float *df);

#endif
