/* qkeras.h - the QKeras quantizers, value for value (google/qkeras
 * quantizers.py, 0.9.0, float32 on CPU).
 *
 * Rounding is to nearest, ties to even; the derivative passes straight through
 * it. `integer` excludes the sign bit: quantized_bits(b, i) is
 * ap_fixed<b, i+1>, quantized_relu(b, i) is ap_ufixed<b, i>. Subnormal inputs
 * count as 0, as in TensorFlow. No result is -0.
 */
#ifndef CB_QUANT_QKERAS_H
#define CB_QUANT_QKERAS_H

#include <stdbool.h>
#include <stdint.h>

#include "quant/fixed.h"

/* quantized_bits(bits, integer, symmetric, keep_negative, alpha=1). */
typedef struct {
    int bits, integer;
    bool symmetric, keep_negative;
} cb_qbits;

/* CICADA's three (the last 1 of "(8,1,1)" is `symmetric`). */
extern const cb_qbits cb_qbits_8_1, cb_qbits_8_3, cb_qbits_12_3;

/* The value, as float32 arithmetic gives it: x + (-x + xq), which is xq below |x| = 2^24 steps. */
float cb_quantized_bits(cb_qbits q, float x);
/* The integer k of xq = k * 2^(integer - n) with n magnitude bits, n > 0; from float64. */
int32_t cb_quantized_bits_code(cb_qbits q, double x);
/* Magnitude bits n, fraction bits n - integer, largest raw weight after each step
 * (the Clip constraint of the Q-layers), and the fixed-point format. */
int cb_qbits_magnitude(cb_qbits q);
int cb_qbits_fraction(cb_qbits q);
double cb_qbits_limit(cb_qbits q);
cb_format cb_qbits_format(cb_qbits q);
/* d out / d x: 1 everywhere, also outside the range. */
static inline float cb_quantized_bits_slope(cb_qbits q, float x) { return 1; }

/* alpha = "auto" (po2 false) and "auto_po2": one scale a column of x[n_in][n_out],
 * never asymmetric. scale[n_out] is the `scale` QKeras exposes (may be NULL). The
 * gradient is 1. Sums in float64, rows ascending. */
void cb_quantized_bits_auto(cb_qbits q, bool po2, const float *x, int n_in, int n_out, float *out, float *scale);

/* quantized_relu(bits, integer), bits <= 22. */
typedef struct {
    int bits, integer;
} cb_qrelu;

extern const cb_qrelu cb_qrelu_10_6, cb_qrelu_16_8;

float cb_quantized_relu(cb_qrelu q, float x);
/* 1 for 0 < x <= largest value, else 0: tests x, not the rounded value. */
float cb_quantized_relu_slope(cb_qrelu q, float x);
double cb_qrelu_top(cb_qrelu q); /* largest value */
cb_format cb_qrelu_format(cb_qrelu q);

#endif
