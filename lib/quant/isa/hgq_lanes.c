/* Kernels of HGQ training; contract in quant/hgq_lanes.h. */
#include "quant/hgq_lanes.h"

#include "nn/isa.h"
#include "nn/vec16.h"

#define lanes_quantize CB_ISA_FN(cb_hgq_lanes_quantize)
#define lanes_moments CB_ISA_FN(cb_hgq_lanes_moments)
#define lanes_peak CB_ISA_FN(cb_hgq_lanes_peak)
#define lanes_normalise CB_ISA_FN(cb_hgq_lanes_normalise)
#define lanes_backward CB_ISA_FN(cb_hgq_lanes_backward)
#define lanes_conv CB_ISA_FN(cb_hgq_lanes_conv)
#define lanes_conv_backward CB_ISA_FN(cb_hgq_lanes_conv_backward)
void lanes_quantize(const cb_hgq_format *t, int n, const float *x, float *q);
void lanes_moments(const float *q, int n, double *sum, double *square);
void lanes_peak(const float *q, int n, float *peak);
void lanes_normalise(const float *q, int n, const float *mean, const float *shift, const float *slope, float *g);
void lanes_backward(const cb_hgq_format *t, int n, const float *x, const float *q, const float *g, float *dx,
                    float *di, float *df);
void lanes_conv(const cb_hgq_patch *p, const float *x, const float *k, const float *mask, float *y);
void lanes_conv_backward(const cb_hgq_patch *p, const float *x, const float *k, const float *y, float scale,
                         float *g, float *dk, float *dx);

#if defined(__AVX512F__) && defined(__AVX512DQ__)
V16_INLINE vec16 floor16(vec16 x) { return _mm512_floor_ps(x); }
#elif defined(__AVX2__) && defined(__FMA__)
V16_INLINE vec16 floor16(vec16 x) { return (vec16){_mm256_floor_ps(x.a), _mm256_floor_ps(x.b)}; }
#elif defined(__SSE4_1__)
#include <smmintrin.h>
V16_INLINE vec16 floor16(vec16 x) {
    for (int i = 0; i < 4; i++) x.q[i] = _mm_floor_ps(x.q[i]);
    return x;
}
#else
V16_INLINE vec16 floor16(vec16 x) {
    float t[16];
    v16_store(t, x);
    for (int i = 0; i < 16; i++) t[i] = floorf(t[i]);
    return v16_load(t);
}
#endif

void lanes_quantize(const cb_hgq_format *t, int n, const float *x, float *q) {
    vec16 half = v16_all(0.5f);
    for (int f = 0; f < n; f++, t++, x += 16, q += 16) {
        vec16 v = v16_load(x), hi = v16_all(t->hi), lo = v16_all(t->lo);
        vec16 u = floor16(v16_add(v16_mul(v, v16_all(t->scale)), half));
        vec16 r = v16_mul(u, v16_all(t->step));
        r = v16_select_gt(lo, v, lo, r);
        v16_store(q, v16_select_gt(v, hi, hi, r));
    }
}

void lanes_moments(const float *q, int n, double *restrict sum, double *restrict square) {
    for (int e = 0; e < n * 16; e++) {
        double v = q[e];
        sum[e] += v;
        square[e] += v * v;
    }
}

void lanes_peak(const float *q, int n, float *peak) {
    for (int f = 0; f < n; f++, q += 16, peak += 16) {
        vec16 v = v16_load(q), minus = v16_sub(v16_zero(), v), p = v16_load(peak);
        v = v16_select_gt(minus, v, minus, v);
        v16_store(peak, v16_select_gt(v, p, v, p));
    }
}

void lanes_normalise(const float *q, int n, const float *mean, const float *shift, const float *slope, float *g) {
    for (int f = 0; f < n; f++, q += 16, g += 16) {
        vec16 d = v16_sub(v16_load(q), v16_all(mean[f]));
        vec16 a = v16_add(v16_all(shift[f]), v16_mul(v16_all(slope[f]), d));
        v16_store(g, v16_add(v16_load(g), a));
    }
}

void lanes_backward(const cb_hgq_format *t, int n, const float *x, const float *q, const float *g, float *dx,
                    float *di, float *df) {
    vec16 ln2 = v16_all((float)CB_LN2), zero = v16_zero();
    for (int f = 0; f < n; f++, t++, x += 16, q += 16, g += 16, dx += 16, di += 16, df += 16) {
        vec16 v = v16_load(x), hi = v16_all(t->hi), lo = v16_all(t->lo), gv = v16_load(g);
        vec16 pf = v16_mul(ln2, v16_sub(v, v16_load(q)));
        pf = v16_select_gt(v, hi, v16_all(t->df_hi), v16_select_gt(lo, v, v16_all(t->df_lo), pf));
        vec16 pi = v16_select_gt(v, hi, v16_all(t->di_hi), v16_select_gt(lo, v, v16_all(t->di_lo), zero));
        vec16 inside = v16_select_gt(v, hi, zero, v16_select_gt(lo, v, zero, gv));
        v16_store(df, v16_add(v16_load(df), v16_mul(gv, pf)));
        v16_store(di, v16_add(v16_load(di), v16_mul(gv, pi)));
        v16_store(dx, inside);
    }
}

enum { TILE = 4 }; /* filters in registers */

void lanes_conv(const cb_hgq_patch *p, const float *x, const float *k, const float *mask, float *y) {
    int oh = p->h / p->size, ow = p->w / p->size, nf = p->filters;
    for (int oy = 0; oy < oh; oy++)
        for (int ox = 0; ox < ow; ox++)
            for (int f0 = 0; f0 < nf; f0 += TILE) {
                vec16 acc[TILE] = {v16_zero(), v16_zero(), v16_zero(), v16_zero()};
                int m = nf - f0 < TILE ? nf - f0 : TILE;
                for (int dy = 0; dy < p->size; dy++)
                    for (int dx = 0; dx < p->size; dx++) {
                        vec16 v = v16_load(x + (size_t)((oy * p->size + dy) * p->w + ox * p->size + dx) * 16);
                        const float *kt = k + (dy * p->size + dx) * nf + f0;
                        for (int f = 0; f < m; f++) acc[f] = v16_fma(v, v16_all(kt[f]), acc[f]);
                    }
                size_t at = (size_t)((oy * ow + ox) * nf + f0) * 16;
                for (int f = 0; f < m; f++) {
                    vec16 r = v16_relu(acc[f]);
                    if (mask) r = v16_mul(r, v16_load(mask + at + f * 16));
                    v16_store(y + at + f * 16, r);
                }
            }
}

void lanes_conv_backward(const cb_hgq_patch *p, const float *x, const float *k, const float *y, float scale,
                         float *g, float *dk, float *dx) {
    int oh = p->h / p->size, ow = p->w / p->size, nf = p->filters;
    memset(dx, 0, (size_t)(p->h * p->w) * 16 * sizeof *dx);
    vec16 s = v16_all(scale), zero = v16_zero();
    for (int oy = 0; oy < oh; oy++)
        for (int ox = 0; ox < ow; ox++) {
            float *gp = g + (size_t)((oy * ow + ox) * nf) * 16;
            const float *yp = y + (size_t)((oy * ow + ox) * nf) * 16;
            for (int f = 0; f < nf; f++)
                v16_store(gp + f * 16, v16_select_gt(v16_load(yp + f * 16), zero, v16_mul(v16_load(gp + f * 16), s), zero));
            for (int dy = 0; dy < p->size; dy++)
                for (int d = 0; d < p->size; d++) {
                    size_t pixel = (size_t)((oy * p->size + dy) * p->w + ox * p->size + d) * 16;
                    int tap = (dy * p->size + d) * nf;
                    vec16 v = v16_load(x + pixel), sum = zero;
                    for (int f = 0; f < nf; f++) {
                        float *a = dk + (size_t)(tap + f) * 16;
                        vec16 gf = v16_load(gp + f * 16);
                        v16_store(a, v16_fma(gf, v, v16_load(a)));
                        sum = v16_fma(gf, v16_all(k[tap + f]), sum);
                    }
                    v16_store(dx + pixel, sum);
                }
        }
}
