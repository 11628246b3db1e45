/* Inner loops of student training; contract in quant/student_kernels.h. */
#include "quant/student_kernels.h"

#include "nn/isa.h"
#include "nn/vec16_bits.h"

#define dropout_bits CB_ISA_FN(cb_dropout_bits)
#define relu_drop CB_ISA_FN(cb_relu_drop)
#define tile_forward CB_ISA_FN(cb_tile_forward)
#define tile_gradient CB_ISA_FN(cb_tile_gradient)
#define column_moments CB_ISA_FN(cb_column_moments)
#define fold_rows CB_ISA_FN(cb_fold_rows)
#define column_gradient CB_ISA_FN(cb_column_gradient)
#define head_block CB_ISA_FN(cb_head_block)
void dropout_bits(const uint32_t key[2], uint64_t index, uint32_t threshold, int n, uint16_t *keep);
void relu_drop(const cb_relu_rule *q, const float *x, const uint16_t *keep, float factor, int n, float *value,
               uint16_t *slope);
void tile_forward(const cb_tile_conv *c, const cb_relu_rule *q, const float *image, const float *w,
                  const uint16_t *keep, float factor, float *out, uint16_t *slope);
void tile_gradient(const cb_tile_conv *c, const float *image, const float *d, const uint16_t *slope, float factor,
                   float *lanes);
void column_moments(const float *z, int n, int live, double *sum, double *square);
void fold_rows(const float *w, const double *scale, double step, double last, int rows, int n, float *k);
void column_gradient(const cb_column *c, const float *z, int n, int live, float *g, float *pair);
void head_block(const cb_head *h, const float *a, const float *z, uint16_t *keep, const float *y, int live,
                float *hidden, float *score, float *g, float *dense, cb_head_sums *sums);

/* ---- dropout ---- */

void dropout_bits(const uint32_t key[2], uint64_t index, uint32_t threshold, int n, uint16_t *keep) {
    if (threshold == 0 || threshold > 0xFFFF) {
        for (int f = 0; f < n; f++) keep[f] = threshold ? 0 : 0xFFFF;
        return;
    }
    v16_philox_keys keys;
    v16_philox_key(key, &keys);
    for (int f = 0; f < n; f += 8) {
        uint16_t bits[8];
        v16_wide c[4][V16_PARTS];
        v16_philox(&keys, index, (uint32_t)f * 2, c);
        V16_UNROLL
        for (int w = 0; w < 4; w++) v16_wide_bits(c[w], threshold, &bits[2 * w], &bits[2 * w + 1]);
        if (n - f >= 8) memcpy(keep + f, bits, sizeof bits);
        else memcpy(keep + f, bits, (size_t)(n - f) * sizeof *bits);
    }
}

/* ---- rectifier ---- */

typedef struct {
    vec16 scale, last, top, gain; /* gain: of the code, or of the value */
    bool quantized;
} relu_regs;

V16_INLINE relu_regs relu_prepare(const cb_relu_rule *q, float factor) {
    return (relu_regs){v16_all(q->scale), v16_all(q->last), v16_all(q->top),
                       v16_all(q->quantized ? q->step * factor : factor), q->quantized};
}

/* Adding and subtracting 1.5 * 2^23 rounds |v| < 2^22 to the nearest integer, ties to even. */
V16_INLINE vec16 relu_lanes(const relu_regs *r, vec16 x, uint16_t keep, uint16_t *slope) {
    vec16 magic = v16_all(12582912);
    uint16_t on = v16_positive(keep, x);
    *slope = v16_not_above(on, x, r->top);
    if (!r->quantized) return v16_keep_mul(on, x, r->gain);
    vec16 v = v16_lesser(v16_keep_mul(on, x, r->scale), r->last);
    return v16_mul(v16_sub(v16_add(v, magic), magic), r->gain);
}

void relu_drop(const cb_relu_rule *q, const float *x, const uint16_t *keep, float factor, int n, float *value,
               uint16_t *slope) {
    relu_regs r = relu_prepare(q, factor);
    for (int f = 0; f < n; f++)
        v16_store(value + (size_t)f * 16, relu_lanes(&r, v16_load(x + (size_t)f * 16), keep ? keep[f] : 0xFFFF, &slope[f]));
}

/* ---- convolution ---- */

#if V16_ACC >= 24
enum { FILTERS = 4, WHOLE = 1 };
#elif V16_ACC >= 6
enum { FILTERS = 4, WHOLE = 0 };
#else
enum { FILTERS = 2, WHOLE = 0 };
#endif

/* One output pixel, filters f0 .. f0+m-1; x: its upper left image pixel. */
V16_INLINE void tile_pixel(const relu_regs *r, const float *x, int width, int kernel, const float *w, int filters, int m,
                           const uint16_t *keep, float *out, uint16_t *slope) {
    vec16 acc[FILTERS];
    V16_UNROLL
    for (int f = 0; f < m; f++) acc[f] = v16_zero();
    for (int dy = 0; dy < kernel; dy++)
        for (int dx = 0; dx < kernel; dx++, w += filters) {
            vec16 v = v16_load(x + (size_t)(dy * width + dx) * 16);
            V16_UNROLL
            for (int f = 0; f < m; f++) acc[f] = v16_fma(v, v16_all(w[f]), acc[f]);
        }
    V16_UNROLL
    for (int f = 0; f < m; f++) {
        uint16_t on;
        v16_store(out + f * 16, relu_lanes(r, acc[f], keep ? keep[f] : 0xFFFF, &on));
        if (slope) slope[f] = on;
    }
}

V16_INLINE void tile_forward_any(const cb_tile_conv *c, const relu_regs *r, const float *image, const float *w,
                                 const uint16_t *keep, float *out, uint16_t *slope, int kernel, int filters) {
    for (int y = 0; y < c->oh; y++)
        for (int x = 0; x < c->ow; x++, out += filters * 16, slope += slope ? filters : 0, keep += keep ? filters : 0) {
            const float *in = image + (size_t)(y * kernel * c->width + x * kernel) * 16;
            int f = 0;
            for (; f + FILTERS <= filters; f += FILTERS)
                tile_pixel(r, in, c->width, kernel, w + f, filters, FILTERS, keep ? keep + f : NULL, out + f * 16, slope ? slope + f : NULL);
            for (; f < filters; f++)
                tile_pixel(r, in, c->width, kernel, w + f, filters, 1, keep ? keep + f : NULL, out + f * 16, slope ? slope + f : NULL);
        }
}

/* CICADA's shape; the rule is passed by value so that stores cannot change it. */
V16_INLINE void tile_forward_2x4(const cb_tile_conv *c, relu_regs r, const float *image, const float *w,
                                 const uint16_t *keep, float *out, uint16_t *slope) {
    int oh = c->oh, ow = c->ow, width = c->width;
    vec16 k[16];
    V16_UNROLL
    for (int t = 0; t < 16; t++) k[t] = v16_all(w[t]);
    for (int y = 0; y < oh; y++)
        for (int x = 0; x < ow; x++, out += 64, slope += 4, keep += 4) {
            const float *in = image + (size_t)(2 * y * width + 2 * x) * 16;
            vec16 acc[4] = {v16_zero(), v16_zero(), v16_zero(), v16_zero()};
            V16_UNROLL
            for (int t = 0; t < 4; t++) {
                vec16 v = v16_load(in + (size_t)(t / 2 * width + t % 2) * 16);
                V16_UNROLL
                for (int f = 0; f < 4; f++) acc[f] = v16_fma(v, k[4 * t + f], acc[f]);
            }
            V16_UNROLL
            for (int f = 0; f < 4; f++) v16_store(out + f * 16, relu_lanes(&r, acc[f], keep[f], &slope[f]));
        }
}

void tile_forward(const cb_tile_conv *c, const cb_relu_rule *q, const float *image, const float *w,
                  const uint16_t *keep, float factor, float *out, uint16_t *slope) {
    relu_regs r = relu_prepare(q, factor);
    if (c->kernel == 2 && c->filters == 4 && keep && slope) tile_forward_2x4(c, r, image, w, keep, out, slope);
    else tile_forward_any(c, &r, image, w, keep, out, slope, c->kernel, c->filters);
}

/* 2 x 2 taps and four filters with all sums in registers. */
V16_INLINE void tile_gradient_2x4(const cb_tile_conv *c, const float *image, const float *d, const uint16_t *slope,
                                  vec16 factor, float *lanes) {
    vec16 acc[16];
    V16_UNROLL
    for (int k = 0; k < 16; k++) acc[k] = v16_load(lanes + k * 16);
    for (int y = 0; y < c->oh; y++)
        for (int x = 0; x < c->ow; x++, d += 64, slope += 4) {
            const float *in = image + (size_t)(2 * y * c->width + 2 * x) * 16;
            vec16 g[4];
            V16_UNROLL
            for (int f = 0; f < 4; f++) g[f] = v16_keep(slope[f], v16_mul(v16_load(d + f * 16), factor));
            V16_UNROLL
            for (int t = 0; t < 4; t++) {
                vec16 v = v16_load(in + (size_t)(t / 2 * c->width + t % 2) * 16);
                V16_UNROLL
                for (int f = 0; f < 4; f++) acc[4 * t + f] = v16_fma(g[f], v, acc[4 * t + f]);
            }
        }
    V16_UNROLL
    for (int k = 0; k < 16; k++) v16_store(lanes + k * 16, acc[k]);
}

void tile_gradient(const cb_tile_conv *c, const float *image, const float *d, const uint16_t *slope, float factor,
                   float *lanes) {
    vec16 scale = v16_all(factor);
    int nf = c->filters;
    if (WHOLE && c->kernel == 2 && nf == 4) {
        tile_gradient_2x4(c, image, d, slope, scale, lanes);
        return;
    }
    for (int t = 0; t < c->kernel * c->kernel; t++)
        for (int f = 0; f < nf; f++) {
            float *sum = lanes + (size_t)(t * nf + f) * 16;
            vec16 acc = v16_load(sum);
            for (int p = 0; p < c->oh * c->ow; p++) {
                int row = p / c->ow * c->kernel + t / c->kernel, column = p % c->ow * c->kernel + t % c->kernel;
                size_t at = (size_t)p * (size_t)nf + (size_t)f;
                vec16 g = v16_keep(slope[at], v16_mul(v16_load(d + at * 16), scale));
                acc = v16_fma(g, v16_load(image + (size_t)(row * c->width + column) * 16), acc);
            }
            v16_store(sum, acc);
        }
}

/* ---- columns; plain loops over 16 lanes that the compiler turns into vectors of doubles ---- */

void column_moments(const float *restrict z, int n, int live, double *restrict sum, double *restrict square) {
    if (live == 16)
        for (size_t e = 0; e < (size_t)n * 16; e++) {
            double v = z[e];
            sum[e] += v;
            square[e] += v * v;
        }
    else
        for (size_t j = 0; j < (size_t)n * 16; j += 16)
            for (size_t e = j; e < j + (size_t)live; e++) {
                double v = z[e];
                sum[e] += v;
                square[e] += v * v;
            }
}

void fold_rows(const float *restrict w, const double *restrict scale, double step, double last, int rows, int n,
               float *restrict k) {
    const double magic = 0x1.8p52, inverse = 1 / step;
    for (int i = 0; i < rows; i++, w += n, k += n)
        if (last < 0)
            for (int j = 0; j < n; j++) k[j] = (float)(scale[j] * w[j]);
        else
            for (int j = 0; j < n; j++) {
                double v = scale[j] * w[j] * inverse;
                v = v > -last ? v : -last;
                v = v < last ? v : last;
                k[j] = (float)(((v + magic) - magic) * step);
            }
}

void column_gradient(const cb_column *c, const float *z, int n, int live, float *g, float *pair) {
    uint16_t use = (uint16_t)(live == 16 ? 0xFFFF : (1u << live) - 1);
    for (int j = 0; j < n; j++, z += 16, g += 16, pair += 16) {
        vec16 gv = v16_load(g), d = v16_fma(v16_all(c[j].dvar), v16_sub(v16_load(z), v16_all(c[j].mean)), v16_all(c[j].dmu));
        d = v16_keep(use, d);
        v16_store(g, v16_fma(v16_all(c[j].direct), gv, d));
        v16_store(pair, v16_mul(v16_all(c[j].rho), gv));
        v16_store(pair + (size_t)n * 16, d);
    }
}

/* ---- head ---- */

/* g, g a, g (z - mean) of one column. */
V16_INLINE void column_add(const float *restrict g, const float *restrict a, const float *restrict z, double mean,
                           size_t plane, double *restrict sum) {
    for (int l = 0; l < 16; l++) {
        double v = g[l];
        sum[l] += v;
        sum[plane + (size_t)l] += v * (double)a[l];
        sum[2 * plane + (size_t)l] += v * ((double)z[l] - mean);
    }
}

/* d loss / d score of a block, and its loss. */
V16_INLINE double loss_lanes(const float *score, const float *y, uint16_t slope, int live, float share, float *d) {
    double sum = 0;
    for (int l = 0; l < live; l++) {
        float e = score[l] - y[l];
        sum += e < 0 ? -(double)e : (double)e;
        d[l] = !(slope >> l & 1) ? 0 : e > 0 ? share : e < 0 ? -share : 0;
    }
    for (int l = live; l < 16; l++) d[l] = 0;
    return sum;
}

void head_block(const cb_head *h, const float *a, const float *z, uint16_t *keep, const float *y, int live,
                float *hidden, float *score, float *g, float *dense, cb_head_sums *sums) {
    relu_regs r = relu_prepare(&h->relu, h->factor), last = relu_prepare(&h->last, 1);
    vec16 acc = v16_zero();
    float d[16];
    uint16_t end;
    for (int j = 0; j < h->n; j++) {
        vec16 v = v16_fma(v16_load(a + j * 16), v16_all(h->rho[j]), v16_all(h->bias[j]));
        if (dense) v16_store(dense + j * 16, v);
        v = relu_lanes(&r, v, keep[j], &keep[j]);
        v16_store(hidden + j * 16, v);
        acc = v16_fma(v, v16_all(h->out[j]), acc);
    }
    v16_store(score, relu_lanes(&last, acc, 0xFFFF, &end));
    sums->loss += loss_lanes(score, y, end, live, h->share, d);
    vec16 dv = v16_load(d), factor = v16_all(h->factor);
    for (int j = 0; j < h->n; j++) {
        float *out = sums->out + j * 16, aj[16];
        v16_store(out, v16_fma(v16_load(hidden + j * 16), dv, v16_load(out)));
        v16_store(aj, v16_load(a + j * 16)); /* g may be a */
        v16_store(g + j * 16, v16_keep(keep[j], v16_mul(v16_mul(dv, v16_all(h->out[j])), factor)));
        column_add(g + j * 16, aj, z + j * 16, h->column[j].mean, (size_t)h->n * 16, sums->column + j * 16);
    }
}
