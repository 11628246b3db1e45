/* Kernels of HGQ training; contract in quant/hgq_lanes.h. */
#include "quant/hgq_lanes.h"

#include "nn/isa.h"
#include "nn/vec16_bits.h"

#define lanes_quantize CB_ISA_FN(cb_hgq_lanes_quantize)
#define lanes_moments CB_ISA_FN(cb_hgq_lanes_moments)
#define head_block CB_ISA_FN(cb_hgq_head_block)
#define first_forward CB_ISA_FN(cb_hgq_first_forward)
#define first_block CB_ISA_FN(cb_hgq_first_block)
#define totals CB_ISA_FN(cb_hgq_totals)
#define totals64 CB_ISA_FN(cb_hgq_totals64)
#define peaks CB_ISA_FN(cb_hgq_peaks)
#define shards CB_ISA_FN(cb_hgq_shards)
#define weights_quantize CB_ISA_FN(cb_hgq_weights_quantize)
#define weights_backward CB_ISA_FN(cb_hgq_weights_backward)
void lanes_quantize(const cb_hgq_format *t, int n, const float *x, float *q, float *peak, bool open);
void lanes_moments(const float *q, size_t stride, size_t n_block, int n, double *sum, double *square, float *peak);
void head_block(const cb_hgq_head *p, float *h, uint16_t *keep, const float *y, int live, float *q, float *out, float *g,
                cb_hgq_head_sums *sums);
void first_forward(const cb_hgq_first *p, const float *x, const uint16_t *keep, float *raw, float *q, uint16_t *on,
                   float *peak);
void first_block(const cb_hgq_first *p, const float *x, const float *raw, const float *q, const uint16_t *on, int live,
                 const float *g, cb_hgq_first_sums *sums);
void totals(const float *const *part, int n_part, size_t from, size_t to, double *out);
void totals64(const double *const *part, int n_part, size_t from, size_t to, double *out);
void peaks(const float *const *part, int n_part, size_t from, size_t to, float *out);
void shards(const float *const *part, int n_part, size_t from, size_t to, float *out);
bool weights_quantize(const float *b, const float *i, const float *x, size_t n, float *y);
void weights_backward(const float *b, const float *i, const float *x, const float *y, const float *g, size_t n, float *dx,
                      double *di, double *db);

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

/* A format that never clips (WRAP in training) needs neither comparisons nor dq/di. */
V16_INLINE bool unclipped(const cb_hgq_format *t) { return t->hi == INFINITY; }

V16_INLINE vec16 quantize(const cb_hgq_format *t, vec16 v, bool open) {
    vec16 u = floor16(v16_add(v16_mul(v, v16_all(t->scale)), v16_all(0.5f)));
    vec16 r = v16_mul(u, v16_all(t->step));
    if (open || unclipped(t)) return r;
    vec16 hi = v16_all(t->hi), lo = v16_all(t->lo);
    r = v16_select_gt(lo, v, lo, r);
    return v16_select_gt(v, hi, hi, r);
}

V16_INLINE vec16 magnitude(vec16 v) { return v16_greater(v16_sub(v16_zero(), v), v); }

/* The sums of one element of 16 lanes; returns dL/dx. */
V16_INLINE vec16 quantizer_gradient(const cb_hgq_format *t, vec16 x, vec16 q, vec16 g, float *di, float *df, bool open) {
    vec16 pf = v16_mul(v16_all((float)CB_LN2), v16_sub(x, q));
    if (open || unclipped(t)) {
        v16_store(df, v16_fma(g, pf, v16_load(df)));
        return g;
    }
    vec16 zero = v16_zero(), hi = v16_all(t->hi), lo = v16_all(t->lo);
    pf = v16_select_gt(x, hi, v16_all(t->df_hi), v16_select_gt(lo, x, v16_all(t->df_lo), pf));
    vec16 pi = v16_select_gt(x, hi, v16_all(t->di_hi), v16_select_gt(lo, x, v16_all(t->di_lo), zero));
    v16_store(df, v16_fma(g, pf, v16_load(df)));
    v16_store(di, v16_fma(g, pi, v16_load(di)));
    return v16_select_gt(x, hi, zero, v16_select_gt(lo, x, zero, g));
}

V16_INLINE void quantize_all(const cb_hgq_format *t, int n, const float *x, float *q, float *peak, bool open) {
    for (int f = 0; f < n; f++, t++, x += 16, q += 16) {
        vec16 r = quantize(t, v16_load(x), open);
        v16_store(q, r);
        if (!peak) continue;
        v16_store(peak, v16_greater(magnitude(r), v16_load(peak)));
        peak += 16;
    }
}

void lanes_quantize(const cb_hgq_format *t, int n, const float *x, float *q, float *peak, bool open) {
    if (open && peak) quantize_all(t, n, x, q, peak, true);
    else if (open) quantize_all(t, n, x, q, NULL, true);
    else quantize_all(t, n, x, q, peak, false);
}

void lanes_moments(const float *q, size_t stride, size_t n_block, int n, double *restrict sum, double *restrict square,
                   float *restrict peak) {
    for (int f = 0; f < n; f++, q += 16, sum += 16, square += 16, peak += 16) {
        double s[16] = {0}, s2[16] = {0};
        vec16 most = v16_zero();
        for (size_t b = 0; b < n_block; b++) {
            const float *x = q + b * stride;
            for (int l = 0; l < 16; l++) {
                double v = x[l];
                s[l] += v;
                s2[l] += v * v;
            }
            most = v16_greater(magnitude(v16_load(x)), most);
        }
        for (int l = 0; l < 16; l++) sum[l] = s[l];
        for (int l = 0; l < 16; l++) square[l] = s2[l];
        v16_store(peak, most);
    }
}

/* ---- head ---- */

void head_block(const cb_hgq_head *p, float *h, uint16_t *keep, const float *y, int live, float *q, float *out, float *g,
                cb_hgq_head_sums *sums) {
    vec16 factor = v16_all(p->factor), zero = v16_zero(), acc = zero;
    float d[16] = {0};
    for (int j = 0; j < p->n; j++) {
        vec16 v = v16_load(h + j * 16);
        uint16_t kept = keep[j];
        keep[j] = (uint16_t)(kept & v16_gt_bits(v, zero));
        v = v16_keep(kept, v16_mul(v16_greater(v, zero), factor));
        vec16 r = quantize(&p->iq[j], v, false);
        v16_store(h + j * 16, v);
        v16_store(q + j * 16, r);
        v16_store(sums->peak + j * 16, v16_greater(magnitude(r), v16_load(sums->peak + j * 16)));
        acc = v16_fma(r, v16_all(p->kernel[j]), acc);
    }
    v16_store(out, v16_greater(acc, zero));
    for (int l = 0; l < live; l++) {
        float e = out[l] - y[l];
        sums->loss += e < 0 ? -(double)e : (double)e;
        d[l] = !(out[l] > 0) ? 0 : e > 0 ? p->share : e < 0 ? -p->share : 0;
    }
    vec16 dv = v16_load(d);
    for (int j = 0; j < p->n; j++) {
        vec16 r = v16_load(q + j * 16), gj = v16_mul(dv, v16_all(p->kernel[j]));
        v16_store(sums->kernel + j * 16, v16_fma(r, dv, v16_load(sums->kernel + j * 16)));
        gj = quantizer_gradient(&p->iq[j], v16_load(h + j * 16), r, gj, sums->iq.di + j * 16, sums->iq.df + j * 16, false);
        v16_store(g + j * 16, v16_keep(keep[j], v16_mul(gj, factor)));
    }
}

/* ---- first layers ---- */

#if V16_ACC >= 6
enum { FILTERS = 4 };
#else
enum { FILTERS = 2 };
#endif

typedef struct {
    const cb_hgq_format *iq0, *iq1;
    const float *kernel;
    float *peak;
    vec16 factor;
    int width, size, nf;
    bool open;
} forward_args;

/* Filters f0 .. f0+m-1 of one output pixel; x, a.iq0 and a.peak begin at its upper left image pixel. */
V16_INLINE void forward_pixel(forward_args a, const float *x, const float *k, int m, const uint16_t *keep, float *raw,
                              float *q, uint16_t *on) {
    vec16 acc[FILTERS];
    V16_UNROLL
    for (int f = 0; f < m; f++) acc[f] = v16_zero();
    for (int dy = 0; dy < a.size; dy++)
        for (int dx = 0; dx < a.size; dx++, k += a.nf) {
            size_t at = (size_t)(dy * a.width + dx);
            vec16 r = quantize(&a.iq0[at], v16_load(x + at * 16), a.open);
            if (a.peak) v16_store(a.peak + at * 16, v16_greater(magnitude(r), v16_load(a.peak + at * 16)));
            V16_UNROLL
            for (int f = 0; f < m; f++) acc[f] = v16_fma(r, v16_all(k[f]), acc[f]);
        }
    V16_UNROLL
    for (int f = 0; f < m; f++) {
        uint16_t alive = v16_positive(keep[f], acc[f]);
        vec16 v = v16_keep_mul(alive, acc[f], a.factor);
        on[f] = alive;
        v16_store(raw + f * 16, v);
        v16_store(q + f * 16, quantize(&a.iq1[f], v, a.open));
    }
}

V16_INLINE void forward_any(forward_args a, int oh, int ow, const float *x, const uint16_t *keep, float *raw, float *q,
                            uint16_t *on) {
    const cb_hgq_format *iq0 = a.iq0;
    float *peak = a.peak;
    for (int o = 0, f; o < oh * ow; o++) {
        size_t pixel = (size_t)((o / ow * a.width + o % ow) * a.size);
        a.iq0 = iq0 + pixel;
        a.peak = peak ? peak + pixel * 16 : NULL;
        for (f = 0; f + FILTERS <= a.nf; f += FILTERS, a.iq1 += FILTERS, keep += FILTERS, raw += FILTERS * 16, q += FILTERS * 16, on += FILTERS)
            forward_pixel(a, x + pixel * 16, a.kernel + f, FILTERS, keep, raw, q, on);
        for (; f < a.nf; f++, a.iq1++, keep++, raw += 16, q += 16, on++)
            forward_pixel(a, x + pixel * 16, a.kernel + f, 1, keep, raw, q, on);
    }
}

void first_forward(const cb_hgq_first *p, const float *x, const uint16_t *keep, float *raw, float *q, uint16_t *on,
                   float *peak) {
    forward_args a = {p->iq0, p->iq1, p->kernel, peak, v16_all(p->factor), p->tile.width, p->tile.kernel, p->tile.filters,
                      p->open};
    if (a.size == 2 && a.nf == 4 && a.open) {
        a.size = 2, a.nf = 4, a.open = true;
        forward_any(a, p->tile.oh, p->tile.ow, x, keep, raw, q, on);
    } else forward_any(a, p->tile.oh, p->tile.ow, x, keep, raw, q, on);
}

/* The arrays of a call in registers: stores through vectors may alias everything behind a pointer. */
typedef struct {
    const cb_hgq_format *iq0, *iq1;
    const float *kernel, *mean, *shift, *slope, *x, *raw, *q, *g;
    const uint16_t *on;
    float *dk, *di0, *df0, *di1, *df1;
    vec16 factor;
    uint16_t use;
    int width, oh, ow, size, nf;
    bool open;
} first_args;

/* Gradient of dense1's raw input, feature f. */
V16_INLINE vec16 flat_gradient(first_args a, size_t f) {
    vec16 r = v16_load(a.q + f * 16);
    vec16 d = v16_fma(v16_all(a.slope[f]), v16_sub(r, v16_all(a.mean[f])), v16_all(a.shift[f]));
    d = v16_keep(a.use, v16_add(v16_load(a.g + f * 16), d));
    return quantizer_gradient(&a.iq1[f], v16_load(a.raw + f * 16), r, d, a.di1 + f * 16, a.df1 + f * 16, a.open);
}

/* 2 x 2 taps, four filters: their sums stay in registers. */
V16_INLINE void first_2x4(first_args a) {
    vec16 acc[16];
    V16_UNROLL
    for (int k = 0; k < 16; k++) acc[k] = v16_load(a.dk + k * 16);
    size_t f0 = 0;
    for (int oy = 0; oy < a.oh; oy++)
        for (int ox = 0; ox < a.ow; ox++, f0 += 4) {
            vec16 d[4];
            V16_UNROLL
            for (size_t f = 0; f < 4; f++) d[f] = v16_keep_mul(a.on[f0 + f], flat_gradient(a, f0 + f), a.factor);
            V16_UNROLL
            for (int t = 0; t < 4; t++) {
                size_t pixel = (size_t)((2 * oy + t / 2) * a.width + 2 * ox + t % 2);
                vec16 v = v16_load(a.x + pixel * 16), r = quantize(&a.iq0[pixel], v, a.open), sum = v16_zero();
                V16_UNROLL
                for (int f = 0; f < 4; f++) {
                    acc[4 * t + f] = v16_fma(d[f], r, acc[4 * t + f]);
                    sum = v16_fma(d[f], v16_all(a.kernel[4 * t + f]), sum);
                }
                (void)quantizer_gradient(&a.iq0[pixel], v, r, sum, a.di0 + pixel * 16, a.df0 + pixel * 16, a.open);
            }
        }
    V16_UNROLL
    for (int k = 0; k < 16; k++) v16_store(a.dk + k * 16, acc[k]);
}

/* One output pixel of any convolution. */
V16_INLINE void first_pixel(first_args a, size_t f0, int left_top) {
    float d[CB_TILE_FILTERS * 16];
    for (int f = 0; f < a.nf; f++)
        v16_store(d + f * 16, v16_keep_mul(a.on[f0 + (size_t)f], flat_gradient(a, f0 + (size_t)f), a.factor));
    for (int t = 0; t < a.size * a.size; t++) {
        size_t pixel = (size_t)(left_top + t / a.size * a.width + t % a.size);
        vec16 v = v16_load(a.x + pixel * 16), r = quantize(&a.iq0[pixel], v, a.open), sum = v16_zero();
        for (int f = 0; f < a.nf; f++) {
            float *dk = a.dk + (size_t)(t * a.nf + f) * 16;
            vec16 df = v16_load(d + f * 16);
            v16_store(dk, v16_fma(df, r, v16_load(dk)));
            sum = v16_fma(df, v16_all(a.kernel[t * a.nf + f]), sum);
        }
        (void)quantizer_gradient(&a.iq0[pixel], v, r, sum, a.di0 + pixel * 16, a.df0 + pixel * 16, a.open);
    }
}

void first_block(const cb_hgq_first *p, const float *x, const float *raw, const float *q, const uint16_t *on, int live,
                 const float *g, cb_hgq_first_sums *sums) {
    first_args a = {p->iq0, p->iq1, p->kernel, p->mean, p->shift, p->slope, x, raw, q, g, on, sums->kernel, sums->iq0.di,
                    sums->iq0.df, sums->iq1.di, sums->iq1.df, v16_all(p->factor),
                    (uint16_t)(live == 16 ? 0xFFFF : (1u << live) - 1), p->tile.width, p->tile.oh, p->tile.ow,
                    p->tile.kernel, p->tile.filters, p->open};
    if (!p->conv)
        for (size_t f = 0; f < (size_t)p->n_flat; f++) (void)flat_gradient(a, f);
    else if (V16_ACC >= 24 && a.size == 2 && a.nf == 4) {
        if (a.open) first_2x4((a.open = true, a));
        else first_2x4((a.open = false, a));
    } else
        for (int o = 0; o < a.oh * a.ow; o++)
            first_pixel(a, (size_t)(o * a.nf), (o / a.ow * a.width + o % a.ow) * a.size);
}

/* ---- weights; plain loops that the compiler turns into vectors ---- */

#if V16_512
typedef struct { __m512d a, b; } lanes64;
V16_INLINE lanes64 lanes64_zero(void) { return (lanes64){_mm512_setzero_pd(), _mm512_setzero_pd()}; }
V16_INLINE lanes64 lanes64_add_f32(lanes64 x, const float *p) {
    return (lanes64){_mm512_add_pd(x.a, _mm512_cvtps_pd(_mm256_loadu_ps(p))),
                     _mm512_add_pd(x.b, _mm512_cvtps_pd(_mm256_loadu_ps(p + 8)))};
}
V16_INLINE lanes64 lanes64_add(lanes64 x, const double *p) {
    return (lanes64){_mm512_add_pd(x.a, _mm512_loadu_pd(p)), _mm512_add_pd(x.b, _mm512_loadu_pd(p + 8))};
}
V16_INLINE double lanes64_tree(lanes64 x) {
    __m512d s = _mm512_add_pd(x.a, x.b);
    __m256d h = _mm256_add_pd(_mm512_castpd512_pd256(s), _mm512_extractf64x4_pd(s, 1));
    __m128d q = _mm_add_pd(_mm256_castpd256_pd128(h), _mm256_extractf128_pd(h, 1));
    return _mm_cvtsd_f64(_mm_add_sd(q, _mm_unpackhi_pd(q, q)));
}
#else
typedef struct { double v[16]; } lanes64;
V16_INLINE lanes64 lanes64_zero(void) { return (lanes64){{0}}; }
V16_INLINE lanes64 lanes64_add_f32(lanes64 x, const float *p) {
    for (int l = 0; l < 16; l++) x.v[l] += p[l];
    return x;
}
V16_INLINE lanes64 lanes64_add(lanes64 x, const double *p) {
    for (int l = 0; l < 16; l++) x.v[l] += p[l];
    return x;
}
V16_INLINE double lanes64_tree(lanes64 x) {
    for (int half = 8; half; half /= 2)
        for (int l = 0; l < half; l++) x.v[l] += x.v[l + half];
    return x.v[0];
}
#endif

void totals(const float *const *part, int n_part, size_t from, size_t to, double *out) {
    for (size_t row = from; row < to; row++) {
        lanes64 x = lanes64_zero();
        for (int p = 0; p < n_part; p++) x = lanes64_add_f32(x, part[p] + row * 16);
        out[row] = lanes64_tree(x);
    }
}

void totals64(const double *const *part, int n_part, size_t from, size_t to, double *out) {
    for (size_t row = from; row < to; row++) {
        lanes64 x = lanes64_zero();
        for (int p = 0; p < n_part; p++) x = lanes64_add(x, part[p] + row * 16);
        out[row] = lanes64_tree(x);
    }
}

void peaks(const float *const *part, int n_part, size_t from, size_t to, float *out) {
    for (size_t row = from; row < to; row++) {
        vec16 most = v16_load(part[0] + row * 16);
        float x[16];
        for (int p = 1; p < n_part; p++) most = v16_greater(v16_load(part[p] + row * 16), most);
        v16_store(x, most);
        for (int half = 8; half; half /= 2)
            for (int l = 0; l < half; l++) x[l] = x[l] > x[l + half] ? x[l] : x[l + half];
        out[row] = x[0];
    }
}

enum { CHUNK = 64 };

void shards(const float *const *part, int n_part, size_t from, size_t to, float *out) {
    for (size_t e = from; e < to; e += CHUNK) {
        double x[CHUNK] = {0};
        size_t n = to - e < CHUNK ? to - e : CHUNK;
        for (int p = 0; p < n_part; p++)
            for (size_t k = 0; k < n; k++) x[k] += part[p][e + k];
        for (size_t k = 0; k < n; k++) out[e + k] = (float)x[k];
    }
}

/* Rounded widths as powers of two; whether all are within +-60. */
V16_INLINE int weight_formats(const float *b, const float *i, int n, float *scale, float *step, float *hi) {
    const float magic = 12582912;
    int32_t bits[3][16];
    int good = 1;
    for (int k = 0; k < n; k++) good &= (b[k] < 60) & (b[k] > -60) & (i[k] < 60) & (i[k] > -60);
    for (int k = 0; k < n; k++) {
        float rb = (b[k] + magic) - magic, ri = (i[k] + magic) - magic, f = rb - ri, top = ri > -f ? ri : -f;
        bits[0][k] = good ? ((int32_t)f + 127) << 23 : 0;
        bits[1][k] = good ? (127 - (int32_t)f) << 23 : 0;
        bits[2][k] = good ? ((int32_t)top + 127) << 23 : 0;
    }
    memcpy(scale, bits[0], (size_t)n * sizeof *scale);
    memcpy(step, bits[1], (size_t)n * sizeof *step);
    memcpy(hi, bits[2], (size_t)n * sizeof *hi);
    return good;
}

bool weights_quantize(const float *b, const float *i, const float *x, size_t n, float *y) {
    int good = 1;
    for (size_t e = 0; e < n; e += 16) {
        float scale[16] = {0}, step[16] = {0}, top[16] = {0}, v[16] = {0}, r[16];
        int m = n - e < 16 ? (int)(n - e) : 16;
        good &= m == 16 ? weight_formats(b + e, i + e, 16, scale, step, top) : weight_formats(b + e, i + e, m, scale, step, top);
        memcpy(v, x + e, (size_t)m * sizeof *v);
        for (int k = 0; k < 16; k++) {
            float hi = top[k] - step[k], lo = 0 - hi, u = floorf(v[k] * scale[k] + 0.5f) * step[k];
            r[k] = (v[k] > hi ? hi : v[k] < lo ? lo : u) + 0.0f;
        }
        memcpy(y + e, r, (size_t)m * sizeof *r);
    }
    return good;
}

void weights_backward(const float *b, const float *i, const float *x, const float *y, const float *g, size_t n, float *dx,
                      double *di, double *db) {
    const float ln2 = (float)CB_LN2;
    for (size_t e = 0; e < n; e += 16) {
        float scale[16] = {0}, step[16] = {0}, top[16] = {0}, v[16] = {0}, q[16] = {0}, d[16] = {0}, pi[16], pf[16];
        int m = n - e < 16 ? (int)(n - e) : 16;
        if (m == 16) (void)weight_formats(b + e, i + e, 16, scale, step, top);
        else (void)weight_formats(b + e, i + e, m, scale, step, top);
        memcpy(v, x + e, (size_t)m * sizeof *v);
        memcpy(q, y + e, (size_t)m * sizeof *q);
        memcpy(d, g + e, (size_t)m * sizeof *d);
        for (int k = 0; k < 16; k++) {
            float hi = top[k] - step[k], side = v[k] > hi ? 1 : v[k] < 0 - hi ? -1 : 0;
            pf[k] = d[k] * (side != 0 ? side * (ln2 * step[k]) : ln2 * (v[k] - q[k]));
            pi[k] = d[k] * (side * (ln2 * top[k])) - pf[k];
            d[k] = side != 0 ? 0 : d[k];
        }
        memcpy(dx + e, d, (size_t)m * sizeof *d);
        for (int k = 0; k < m; k++) db[e + (size_t)k] += pf[k];
        for (int k = 0; k < m; k++) di[e + (size_t)k] += pi[k];
    }
}
