#include "quant/qkeras.h"

#include <float.h>
#include <math.h>

#include "base/fmath.h"

const cb_qbits cb_qbits_8_1 = {8, 1, true, true}, cb_qbits_8_3 = {8, 3, true, true},
               cb_qbits_12_3 = {12, 3, true, true};
const cb_qrelu cb_qrelu_10_6 = {10, 6}, cb_qrelu_16_8 = {16, 8};

/* ---- quantized_bits ---- */

int cb_qbits_magnitude(cb_qbits q) { return q.bits - (q.keep_negative ? 1 : 0); }
int cb_qbits_fraction(cb_qbits q) { return cb_qbits_magnitude(q) - q.integer; }

double cb_qbits_limit(cb_qbits q) {
    return cb_qbits_magnitude(q) == 0 || q.integer < 0 ? 1 : cb_pow2(q.integer);
}

cb_format cb_qbits_format(cb_qbits q) {
    return (cb_format){.k = q.keep_negative, .i = (int16_t)q.integer, .f = (int16_t)cb_qbits_fraction(q)};
}

/* RNE(x * 2^f), clamped; f and the bounds are those of q. The clamp comes first,
 * which gives the same because the bounds are integers, and bounds the cast. */
static double code(cb_qbits q, double x) {
    double m = cb_pow2(cb_qbits_magnitude(q)), lo = q.keep_negative ? -m + q.symmetric : 0, hi = m - 1;
    double v = x * cb_pow2(cb_qbits_fraction(q));
    v = v > lo ? v : lo;
    v = v < hi ? v : hi;
    return rint(v);
}

int32_t cb_quantized_bits_code(cb_qbits q, double x) { return (int32_t)code(q, x); }

float cb_quantized_bits(cb_qbits q, float x) {
    if (fabsf(x) < FLT_MIN) x = 0;
    float xq = cb_qbits_magnitude(q) == 0 ? (x >= 0 ? 1 : -1)
                                          : (float)(code(q, x) * cb_pow2(-cb_qbits_fraction(q)));
    return x + (-x + xq);
}

/* The level of x: |x|/s to the nearest integer, halves away from zero, at most L. */
static double auto_level(double x, double s, double top) {
    double v = floor(fabs(x) / s + 0.5), z = v < top ? v : top;
    return x > 0 ? z : x < 0 ? -z : 0;
}

static double power_of_two(double s) { return cb_pow2((int)rint(cb_log(s + 1e-7) / cb_log(2))); }

/* Scale that fits x/mi best with the levels z(s), rounded to a power of two. */
static double auto_refit(const float *x, int n_in, int n_out, double mi, double s, double top) {
    double xz = 0, zz = 0;
    for (int i = 0; i < n_in; i++) {
        double v = x[i * n_out] / mi, z = auto_level(v, s, top);
        xz += v * z;
        zz += z * z;
    }
    return power_of_two(xz / n_in / (zz / n_in + 1e-7));
}

void cb_quantized_bits_auto(cb_qbits q, bool po2, const float *x, int n_in, int n_out, float *out, float *scale) {
    double mi = cb_pow2(q.integer), top = cb_pow2(q.bits - 1) - 1;
    for (int o = 0; o < n_out; o++) {
        double peak = 0;
        for (int i = 0; i < n_in; i++) peak = fmax(peak, fabs(x[i * n_out + o] / mi));
        double s = peak / top;
        if (po2) {
            s = power_of_two(s);
            for (int k = 0; k < 5; k++) s = auto_refit(x + o, n_in, n_out, mi, s, top);
        }
        for (int i = 0; i < n_in; i++)
            out[i * n_out + o] = (float)(mi * s * auto_level(x[i * n_out + o] / mi, s, top));
        if (scale) scale[o] = (float)(s * cb_pow2(cb_qbits_magnitude(q)));
    }
}

/* ---- quantized_relu ---- */

double cb_qrelu_top(cb_qrelu q) { return cb_pow2(q.integer) - cb_pow2(q.integer - q.bits); }

cb_format cb_qrelu_format(cb_qrelu q) {
    return (cb_format){.k = 0, .i = (int16_t)q.integer, .f = (int16_t)(q.bits - q.integer)};
}

float cb_quantized_relu(cb_qrelu q, float x) {
    double v = x > 0 ? x * cb_pow2(q.bits - q.integer) : 0, top = cb_pow2(q.bits) - 1;
    return (float)(rint(v < top ? v : top) * cb_pow2(q.integer - q.bits));
}

float cb_quantized_relu_slope(cb_qrelu q, float x) { return x >= FLT_MIN && x <= cb_qrelu_top(q) ? 1 : 0; }
