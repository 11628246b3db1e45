/* vec16.h - sixteen floats, one per event lane, in whatever registers there are.
 *
 * For files in lib/nn/isa only. Every operation is lane by lane and correctly rounded,
 * so each build gives the same bytes; v16_fma is fmaf in every lane, also where the
 * instruction set has none (SSE: exact product in double, sum rounded to odd, then
 * rounded to float - Boldo and Melquiond, IEEE Trans. Computers 57 (2008) 462 -
 * which is several times faster than sixteen calls of fmaf).
 */
#ifndef CB_NN_VEC16_H
#define CB_NN_VEC16_H

#include <math.h>
#include <string.h>

#define V16_INLINE static inline __attribute__((always_inline, unused))
/* Before a loop of at most 16 turns over registers: unrolled whole, or its array lives in memory. */
#ifdef __clang__
#define V16_UNROLL _Pragma("clang loop unroll(full)")
#else
#define V16_UNROLL _Pragma("GCC unroll 16")
#endif

#if defined(__AVX512F__) && defined(__AVX512DQ__)
#include <immintrin.h>
#define V16_ACC 24 /* accumulators that fit in registers beside operands */
typedef __m512 vec16;
V16_INLINE vec16 v16_load(const float *p) { return _mm512_loadu_ps(p); }
V16_INLINE void v16_store(float *p, vec16 x) { _mm512_storeu_ps(p, x); }
V16_INLINE vec16 v16_all(float x) { return _mm512_set1_ps(x); }
V16_INLINE vec16 v16_add(vec16 a, vec16 b) { return _mm512_add_ps(a, b); }
V16_INLINE vec16 v16_sub(vec16 a, vec16 b) { return _mm512_sub_ps(a, b); }
V16_INLINE vec16 v16_mul(vec16 a, vec16 b) { return _mm512_mul_ps(a, b); }
V16_INLINE vec16 v16_div(vec16 a, vec16 b) { return _mm512_div_ps(a, b); }
V16_INLINE vec16 v16_sqrt(vec16 a) { return _mm512_sqrt_ps(a); }
V16_INLINE vec16 v16_fma(vec16 a, vec16 b, vec16 c) { return _mm512_fmadd_ps(a, b, c); }
/* a > b ? x : y, y also where a or b is NaN. */
V16_INLINE vec16 v16_select_gt(vec16 a, vec16 b, vec16 x, vec16 y) {
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_GT_OQ), y, x);
}

#elif defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>
#define V16_ACC 6
typedef struct { __m256 a, b; } vec16;
V16_INLINE vec16 v16_load(const float *p) { return (vec16){_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
V16_INLINE void v16_store(float *p, vec16 x) {
    _mm256_storeu_ps(p, x.a);
    _mm256_storeu_ps(p + 8, x.b);
}
V16_INLINE vec16 v16_all(float x) { return (vec16){_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
V16_INLINE vec16 v16_add(vec16 x, vec16 y) { return (vec16){_mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b)}; }
V16_INLINE vec16 v16_sub(vec16 x, vec16 y) { return (vec16){_mm256_sub_ps(x.a, y.a), _mm256_sub_ps(x.b, y.b)}; }
V16_INLINE vec16 v16_mul(vec16 x, vec16 y) { return (vec16){_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b)}; }
V16_INLINE vec16 v16_div(vec16 x, vec16 y) { return (vec16){_mm256_div_ps(x.a, y.a), _mm256_div_ps(x.b, y.b)}; }
V16_INLINE vec16 v16_sqrt(vec16 x) { return (vec16){_mm256_sqrt_ps(x.a), _mm256_sqrt_ps(x.b)}; }
V16_INLINE vec16 v16_fma(vec16 x, vec16 y, vec16 z) {
    return (vec16){_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b)};
}
V16_INLINE vec16 v16_select_gt(vec16 a, vec16 b, vec16 x, vec16 y) {
    return (vec16){_mm256_blendv_ps(y.a, x.a, _mm256_cmp_ps(a.a, b.a, _CMP_GT_OQ)),
                   _mm256_blendv_ps(y.b, x.b, _mm256_cmp_ps(a.b, b.b, _CMP_GT_OQ))};
}

#elif defined(__aarch64__)
#include <arm_neon.h>
#define V16_ACC 4 /* 16 of 32 registers: with 6 the operands no longer fit beside them (gcc 12 spills) */
typedef struct { float32x4_t q[4]; } vec16;
#define V16_QUARTERS(expression)                                    \
    vec16 r;                                                        \
    V16_UNROLL for (int i = 0; i < 4; i++) r.q[i] = (expression);   \
    return r
V16_INLINE vec16 v16_load(const float *p) { V16_QUARTERS(vld1q_f32(p + 4 * i)); }
V16_INLINE void v16_store(float *p, vec16 x) {
    V16_UNROLL for (int i = 0; i < 4; i++) vst1q_f32(p + 4 * i, x.q[i]);
}
V16_INLINE vec16 v16_all(float x) { V16_QUARTERS(vdupq_n_f32(x)); }
V16_INLINE vec16 v16_add(vec16 x, vec16 y) { V16_QUARTERS(vaddq_f32(x.q[i], y.q[i])); }
V16_INLINE vec16 v16_sub(vec16 x, vec16 y) { V16_QUARTERS(vsubq_f32(x.q[i], y.q[i])); }
V16_INLINE vec16 v16_mul(vec16 x, vec16 y) { V16_QUARTERS(vmulq_f32(x.q[i], y.q[i])); }
V16_INLINE vec16 v16_div(vec16 x, vec16 y) { V16_QUARTERS(vdivq_f32(x.q[i], y.q[i])); }
V16_INLINE vec16 v16_sqrt(vec16 x) { V16_QUARTERS(vsqrtq_f32(x.q[i])); }
V16_INLINE vec16 v16_fma(vec16 x, vec16 y, vec16 z) { V16_QUARTERS(vfmaq_f32(z.q[i], x.q[i], y.q[i])); }
V16_INLINE vec16 v16_select_gt(vec16 a, vec16 b, vec16 x, vec16 y) {
    V16_QUARTERS(vbslq_f32(vcgtq_f32(a.q[i], b.q[i]), x.q[i], y.q[i]));
}
#undef V16_QUARTERS

#else /* SSE2 or no known SIMD: four quarters */
#define V16_ACC 4
#ifdef __SSE2__
#include <emmintrin.h>
typedef struct { __m128 q[4]; } vec16;
#define V16_QUARTERS(expression)                                    \
    vec16 r;                                                        \
    for (int i = 0; i < 4; i++) r.q[i] = (expression);              \
    return r
/* Two lanes of a*b + c in double, rounded to odd so that the rounding to float is right. */
V16_INLINE __m128d v16_fma_odd(__m128d a, __m128d b, __m128d c) {
    __m128d p = _mm_mul_pd(a, b), s = _mm_add_pd(p, c), t = _mm_sub_pd(s, p);
    __m128d e = _mm_add_pd(_mm_sub_pd(p, _mm_sub_pd(s, t)), _mm_sub_pd(c, t)); /* s + e is exact */
    __m128d zero = _mm_setzero_pd();
    __m128i inexact = _mm_castpd_si128(_mm_or_pd(_mm_cmplt_pd(e, zero), _mm_cmpgt_pd(e, zero)));
    __m128i one = _mm_set1_epi64x(1), bits = _mm_castpd_si128(s);
    __m128i even = _mm_sub_epi64(_mm_and_si128(bits, one), one);
    __m128i apart = _mm_srli_epi64(_mm_xor_si128(bits, _mm_castpd_si128(e)), 63);
    __m128i step = _mm_sub_epi64(one, _mm_add_epi64(apart, apart)); /* towards e */
    return _mm_castsi128_pd(_mm_add_epi64(bits, _mm_and_si128(step, _mm_and_si128(even, inexact))));
}
V16_INLINE __m128 v16_fma4(__m128 a, __m128 b, __m128 c) {
    __m128d lo = v16_fma_odd(_mm_cvtps_pd(a), _mm_cvtps_pd(b), _mm_cvtps_pd(c));
    __m128d hi = v16_fma_odd(_mm_cvtps_pd(_mm_movehl_ps(a, a)), _mm_cvtps_pd(_mm_movehl_ps(b, b)),
                             _mm_cvtps_pd(_mm_movehl_ps(c, c)));
    return _mm_movelh_ps(_mm_cvtpd_ps(lo), _mm_cvtpd_ps(hi));
}
V16_INLINE __m128 v16_select4(__m128 m, __m128 x, __m128 y) {
    return _mm_or_ps(_mm_and_ps(m, x), _mm_andnot_ps(m, y));
}
V16_INLINE vec16 v16_load(const float *p) { V16_QUARTERS(_mm_loadu_ps(p + 4 * i)); }
V16_INLINE void v16_store(float *p, vec16 x) {
    for (int i = 0; i < 4; i++) _mm_storeu_ps(p + 4 * i, x.q[i]);
}
V16_INLINE vec16 v16_all(float x) { V16_QUARTERS(_mm_set1_ps(x)); }
V16_INLINE vec16 v16_add(vec16 x, vec16 y) { V16_QUARTERS(_mm_add_ps(x.q[i], y.q[i])); }
V16_INLINE vec16 v16_sub(vec16 x, vec16 y) { V16_QUARTERS(_mm_sub_ps(x.q[i], y.q[i])); }
V16_INLINE vec16 v16_mul(vec16 x, vec16 y) { V16_QUARTERS(_mm_mul_ps(x.q[i], y.q[i])); }
V16_INLINE vec16 v16_div(vec16 x, vec16 y) { V16_QUARTERS(_mm_div_ps(x.q[i], y.q[i])); }
V16_INLINE vec16 v16_sqrt(vec16 x) { V16_QUARTERS(_mm_sqrt_ps(x.q[i])); }
V16_INLINE vec16 v16_fma(vec16 x, vec16 y, vec16 z) { V16_QUARTERS(v16_fma4(x.q[i], y.q[i], z.q[i])); }
V16_INLINE vec16 v16_select_gt(vec16 a, vec16 b, vec16 x, vec16 y) {
    V16_QUARTERS(v16_select4(_mm_cmpgt_ps(a.q[i], b.q[i]), x.q[i], y.q[i]));
}
#undef V16_QUARTERS
#else
typedef struct { float v[16]; } vec16;
#define V16_LANES(expression)                               \
    vec16 r;                                                \
    for (int i = 0; i < 16; i++) r.v[i] = (expression);     \
    return r
V16_INLINE vec16 v16_load(const float *p) { V16_LANES(p[i]); }
V16_INLINE void v16_store(float *p, vec16 x) { memcpy(p, x.v, sizeof x.v); }
V16_INLINE vec16 v16_all(float x) { V16_LANES(x); }
V16_INLINE vec16 v16_add(vec16 x, vec16 y) { V16_LANES(x.v[i] + y.v[i]); }
V16_INLINE vec16 v16_sub(vec16 x, vec16 y) { V16_LANES(x.v[i] - y.v[i]); }
V16_INLINE vec16 v16_mul(vec16 x, vec16 y) { V16_LANES(x.v[i] * y.v[i]); }
V16_INLINE vec16 v16_div(vec16 x, vec16 y) { V16_LANES(x.v[i] / y.v[i]); }
V16_INLINE vec16 v16_sqrt(vec16 x) { V16_LANES(sqrtf(x.v[i])); }
V16_INLINE vec16 v16_fma(vec16 x, vec16 y, vec16 z) { V16_LANES(fmaf(x.v[i], y.v[i], z.v[i])); }
V16_INLINE vec16 v16_select_gt(vec16 a, vec16 b, vec16 x, vec16 y) { V16_LANES(a.v[i] > b.v[i] ? x.v[i] : y.v[i]); }
#undef V16_LANES
#endif
#endif

V16_INLINE vec16 v16_zero(void) { return v16_all(0); }
V16_INLINE vec16 v16_relu(vec16 x) { return v16_select_gt(x, v16_zero(), x, v16_zero()); }
/* The first n of 16 floats; the other lanes are 0 and are not touched in memory. */
V16_INLINE vec16 v16_load_part(const float *p, int n) {
    float t[16] = {0};
    if (n == 16) return v16_load(p);
    memcpy(t, p, (size_t)n * sizeof *t);
    return v16_load(t);
}
V16_INLINE void v16_store_part(float *p, vec16 x, int n) {
    float t[16];
    if (n == 16) {
        v16_store(p, x);
        return;
    }
    v16_store(t, x);
    memcpy(p, t, (size_t)n * sizeof *t);
}

#endif
