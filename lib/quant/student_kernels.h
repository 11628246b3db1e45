/* student_kernels.h - the inner loops of student training that are compiled once per
 * instruction set (nn/isa.h). Plain C over 16 event lanes; products and sums are rounded
 * one by one and in the order written here, so every build gives the same bytes.
 */
#ifndef CB_QUANT_STUDENT_KERNELS_H
#define CB_QUANT_STUDENT_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nn/lanes.h"

/* A convolution of one channel whose stride is its kernel size: out[oh][ow][filters]. */
typedef struct {
    int width;              /* of the image */
    int kernel, filters, oh, ow;
} cb_tile_conv;

/* out[pixel][filter][16] = sum over taps (dy, dx ascending) of image x w[tap][filter]. */
void cb_tile_conv_forward(const cb_tile_conv *c, const float *image, const float *w, float *out);
/* lanes[tap][filter][16] += d_out x image, pixels ascending. */
void cb_tile_conv_gradient(const cb_tile_conv *c, const float *image, const float *d_out, float *lanes);

/* quantized_relu (qkeras.h) with at most 22 bits, or with quantized false max(x, 0), and dropout:
 * value[i] = relu(x[i]) * mask[i], slope[i] = relu'(x[i]) * mask[i], i < n, a multiple of 16.
 * value may be x, slope may be mask. */
typedef struct {
    float scale, step, last, top; /* 2^f, 2^-f, largest code, largest value (infinity if not quantized) */
    bool quantized;
} cb_relu_rule;

void cb_relu_drop(const cb_relu_rule *q, const float *x, const float *mask, float *value, float *slope, size_t n);

/* mask[i] = scale if u >= p, else 0, i < n: u = half-word i of the Philox stream
 * (key, index) times 2^-16, low half first. */
void cb_dropout_fill(const uint32_t key[2], uint64_t index, float p, float scale, float *mask, size_t n);

#endif
