/* ebops.h - effective bit operations: sum over scalar products of (bits x bits).
 *
 * The cost model of HGQ (Sun et al., arXiv 2405.00645) with the rules of HGQ2 0.2.0
 * (layers/core/dense.py, conv.py). Widths come from the quantizers' current variables
 * (cb_hgq_width), never from weight values; sums inside a layer are free, a bias costs
 * the mean of its widths once an output:
 *     dense   (sum_pos sum_c sum_o bi[pos,c] bk[c,o] + mean(bb) n_pos n_out) pf / n_pos
 *     conv    (sum of conv(bi, bk)) pf / n_pos + mean(bb) (input positions) n_out
 * pf kernel copies exist (default n_pos, all). That the conv bias counts input positions
 * and escapes pf is upstream's rule, kept. Padded positions cost nothing.
 * A batch-norm dense layer costs what a dense one costs.
 *
 * All widths and gradients are arrays over the full tensors, gradients are added to
 * (NULL: not wanted). Sums run in float64 in ascending index order.
 */
#ifndef CB_QUANT_EBOPS_H
#define CB_QUANT_EBOPS_H

#include "quant/hgq_quantizer.h"
#include "quant/programme.h"

typedef struct {
    int n_pos, n_in, n_out; /* n_pos: product of the input axes between batch and features */
    int parallel;           /* pf; 0 = n_pos */
} cb_dense_shape;

typedef struct {
    int h, w, c_in, kh, kw, c_out, sy, sx;
    bool same;    /* padding as in TensorFlow, else "valid" */
    int parallel; /* pf; 0 = output positions */
} cb_conv_shape;

/* Widths of a layer's operands, and where their gradients go. */
typedef struct {
    const float *input, *kernel, *bias; /* bias NULL: none, n_bias = 0 */
    int n_bias;
    double *d_input, *d_kernel, *d_bias;
} cb_ebops_bits;

double cb_ebops_dense(const cb_dense_shape *s, const cb_ebops_bits *b);
double cb_ebops_conv(const cb_conv_shape *s, const cb_ebops_bits *b);
/* Output height and width of a conv, and the padding before the first row and column. */
void cb_conv_output(const cb_conv_shape *s, int *oh, int *ow, int *top, int *left);

/* Widths of n elements through the map (NULL: one variable each). */
void cb_ebops_widths(const cb_hgq_quantizer *q, const uint32_t *map, size_t n, float *bits);
/* dE/dwidth of n elements, times scale -> added to the raw variables' gradients. */
void cb_ebops_backward(const cb_hgq_quantizer *q, const uint32_t *map, size_t n, const double *d_bits, double scale,
                       double *di, double *dw);

/* Exact cost of a constant (HGQ v1's rule after training): the span of its one bits,
 * most significant to least significant: 1 -> 1, 6 -> 2, 5 -> 3, 0 -> 0. */
int cb_bit_span(int64_t w);

/* Of a finished programme, whoever trained it: sum over its multiplications of bits of the data
 * format (10 for the image) x span of the weight, no bias. */
double cb_programme_ebops_exact(const cb_programme *p);

#endif
