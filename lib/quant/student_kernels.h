/* student_kernels.h - the inner loops of student training that are compiled once per
 * instruction set (nn/isa.h): one block of 16 event lanes at a time.
 *
 * Which lanes of a feature dropout keeps, and where a rectifier's slope is 1, are lane bits:
 * one uint16_t a feature, bit l = lane l. That is a 32nd of the float mask, and dropout, the
 * rectifier with its quantizer and the convolution become one pass over the block.
 *
 * Every kernel has a plain twin `_ref` with equal bytes. Products and sums are fmaf in the
 * order written here.
 */
#ifndef CB_QUANT_STUDENT_KERNELS_H
#define CB_QUANT_STUDENT_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nn/lanes.h"

/* ---- dropout ----
 * keep[f], f < n: lane l is kept if its uniform number u >= threshold, 0 <= threshold <= 65536. Eight
 * features share sixteen blocks of the Philox stream (key, index): u of feature 8g + 2w + h is
 * half-word h (0 low) of word w of block 16g + l. */
void cb_dropout_bits(const uint32_t key[2], uint64_t index, uint32_t threshold, int n, uint16_t *keep);

/* ---- rectifier, quantizer, dropout ----
 * quantized_relu (qkeras.h) with at most 22 bits, or with quantized false max(x, 0). */
typedef struct {
    float scale, step, last, top; /* 2^f, 2^-f, largest code, largest value (infinity if not quantized) */
    bool quantized;
} cb_relu_rule;

/* value = relu(x) factor where kept, else 0; slope: bits of kept lanes with 0 < x <= top. keep NULL: all. value
 * may be x, slope may be keep. */
void cb_relu_drop(const cb_relu_rule *q, const float *x, const uint16_t *keep, float factor, int n, float *value,
                  uint16_t *slope);

/* ---- convolution of one channel whose stride is its kernel size: out[oh][ow][filters] ---- */
typedef struct {
    int width;              /* of the image */
    int kernel, filters, oh, ow;
} cb_tile_conv;
enum { CB_TILE_FILTERS = 64 }; /* most filters where a kernel keeps all of a pixel (hgq_lanes.h) */

/* Sum over taps (dy, dx ascending) from 0 of image x w[tap][filter], then cb_relu_drop. slope may be NULL. */
void cb_tile_forward(const cb_tile_conv *c, const cb_relu_rule *q, const float *image, const float *w,
                     const uint16_t *keep, float factor, float *out, uint16_t *slope);
/* lanes[tap][filter][16] += (d factor where slope, else 0) x image, pixels ascending. */
void cb_tile_gradient(const cb_tile_conv *c, const float *image, const float *d, const uint16_t *slope, float factor,
                      float *lanes);

/* ---- batch normalisation folded into a dense layer (qdense_batchnorm.h), n columns ---- */
/* sum += z, square += z^2 over the first `live` lanes; float64 [n][16]. */
void cb_column_moments(const float *z, int n, int live, double *sum, double *square);
/* k[i][j] = code step, code = scale[j] w[i][j] / step to nearest, ties to even, within [-last, last]; with
 * last < 0 k = scale[j] w[i][j]. float64, rounded once; step a power of two. */
void cb_fold_rows(const float *w, const double *scale, double step, double last, int rows, int n, float *k);
/* One column's numbers in the backward pass. */
typedef struct {
    float mean, dmu, dvar, direct, rho;
} cb_column;
/* d = dmu + dvar (z - mean), 0 beyond `live` lanes; g := direct g + d; pair: rho g (rows 0 .. n-1), d (rows n .. 2n-1). */
void cb_column_gradient(const cb_column *c, const float *z, int n, int live, float *g, float *pair);

/* ---- from the dense products to the loss and back ---- */
typedef struct {
    int n;                        /* hidden units */
    const float *rho, *bias;      /* [n] y = a rho + bias */
    const float *out;             /* [n] kernel of the last layer */
    const cb_column *column;      /* [n]; mean is used */
    cb_relu_rule relu, last;      /* of the hidden units (with dropout), of the score */
    float factor, share;          /* of kept units; of an event in the loss: 1 / events */
} cb_head;

/* Sums of a shard; all are added to. */
typedef struct {
    double loss;                  /* |score - target| */
    double *column;               /* [3][n][16] of g, g a, g (z - mean) */
    float *out;                   /* [n][16] of hidden d_score */
} cb_head_sums;

/* One block: a[n][16], z[n][16], keep[n] (slopes afterwards), target y[16] of `live` events -> hidden[n][16] after
 * dropout, score[16], g[n][16] = d loss / d y (may be a). dense: NULL, or [n][16] to receive y. Score: sum over
 * units ascending from 0, fmaf. */
void cb_head_block(const cb_head *h, const float *a, const float *z, uint16_t *keep, const float *y, int live,
                   float *hidden, float *score, float *g, float *dense, cb_head_sums *sums);

void cb_dropout_bits_ref(const uint32_t key[2], uint64_t index, uint32_t threshold, int n, uint16_t *keep);
void cb_relu_drop_ref(const cb_relu_rule *q, const float *x, const uint16_t *keep, float factor, int n, float *value,
                      uint16_t *slope);
void cb_tile_forward_ref(const cb_tile_conv *c, const cb_relu_rule *q, const float *image, const float *w,
                         const uint16_t *keep, float factor, float *out, uint16_t *slope);
void cb_tile_gradient_ref(const cb_tile_conv *c, const float *image, const float *d, const uint16_t *slope,
                          float factor, float *lanes);
void cb_column_moments_ref(const float *z, int n, int live, double *sum, double *square);
void cb_fold_rows_ref(const float *w, const double *scale, double step, double last, int rows, int n, float *k);
void cb_column_gradient_ref(const cb_column *c, const float *z, int n, int live, float *g, float *pair);
void cb_head_block_ref(const cb_head *h, const float *a, const float *z, uint16_t *keep, const float *y, int live,
                       float *hidden, float *score, float *g, float *dense, cb_head_sums *sums);

#endif
