/* infer_lanes.h - the loops of a QKeras student's exact inference (qkeras_student.h), float64 in 16 event lanes,
 * compiled once per instruction set (nn/isa.h). Sums run over the index ascending, a product and a sum
 * rounded one by one; for quantized students nothing is rounded at all.
 */
#ifndef CB_QUANT_INFER_LANES_H
#define CB_QUANT_INFER_LANES_H

#include "quant/student_kernels.h"

typedef struct {
    double scale, step, last; /* 2^f, 2^-f, largest code */
    bool quantized;           /* false: max(x, 0) */
} cb_infer_rule;

/* quantized_relu of x[n][16], in place. */
void cb_infer_relu(const cb_infer_rule *q, int n, double *x);
/* out[oh*ow][filters][16] from 0 over the taps. */
void cb_infer_conv(const cb_tile_conv *c, const double *image, const double *w, double *out);
/* y[n_out][16] = bias + x[n_in][16] w[n_in][n_out]. */
void cb_infer_dense(const double *x, const double *w, const double *bias, int n_in, int n_out, double *y);

#endif
