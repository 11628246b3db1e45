/* hgq_lanes.h - the inner loops of HGQ training on one block of 16 event lanes.
 *
 * Shapes are [feature][16] as in nn/lanes.h; formats t[n] one a feature. Rounding is RND,
 * the mode of all data in HGQ. Every operation is lane by lane in a written order, so each
 * instruction-set build (quant/isa/hgq_lanes.c) gives the same bytes.
 */
#ifndef CB_QUANT_HGQ_LANES_H
#define CB_QUANT_HGQ_LANES_H

#include "quant/hgq_quantizer.h"

/* q = quantized x; formats as cb_hgq_round takes them. */
void cb_hgq_lanes_quantize(const cb_hgq_format *t, int n, const float *x, float *q);
/* sum += q, square += q^2, float64, [n][16]. */
void cb_hgq_lanes_moments(const float *q, int n, double *sum, double *square);
/* peak = max(peak, |q|), [n][16]. */
void cb_hgq_lanes_peak(const float *q, int n, float *peak);
/* Batch-norm part of an input gradient: g += shift[f] + slope[f] (q - mean[f]). */
void cb_hgq_lanes_normalise(const float *q, int n, const float *mean, const float *shift, const float *slope,
                            float *g);
/* dx = g where x is in range, else 0 (dx may be g); di += g dq/di, df += g dq/df, [n][16]. */
void cb_hgq_lanes_backward(const cb_hgq_format *t, int n, const float *x, const float *q, const float *g, float *dx,
                           float *di, float *df);

/* Square conv, stride = kernel size, one input channel, "valid", no bias, then relu, then times
 * mask (NULL: none). x[h*w], k[size*size][filters], y[(oy*ow+ox)*filters+f]; sum over dy, dx
 * ascending, fmaf. */
typedef struct {
    int h, w, size, filters;
} cb_hgq_patch;
void cb_hgq_lanes_conv(const cb_hgq_patch *p, const float *x, const float *k, const float *mask, float *y);
/* g = dL/dy of it, turned here into that of the sum: y > 0 ? g scale : 0. dk[size*size*filters][16] is
 * added to (positions ascending); dx[h*w] is written (filters ascending; uncovered pixels 0). */
void cb_hgq_lanes_conv_backward(const cb_hgq_patch *p, const float *x, const float *k, const float *y, float scale,
                                float *g, float *dk, float *dx);

#endif
