/* vec16_logic.h - what the kernels of logic networks want beyond vec16.h: 2^k, exp, ln, the sum over lanes, Adam.
 *
 * For files in lib/logic/isa only. Orders and constants are those of logic/kernels.h, so every build gives the same bytes.
 */
#ifndef CB_LOGIC_VEC16_LOGIC_H
#define CB_LOGIC_VEC16_LOGIC_H

#include <stdint.h>

#include "logic/kernels.h"
#include "nn/vec16.h"

/* v16_pow2: 2^k of whole k. v16_split: x = 2^e times the result, which is in [sqrt(1/2), sqrt 2). v16_sum: the lane tree. */
#if defined(__AVX512F__) && defined(__AVX512DQ__)
V16_INLINE vec16 v16_pow2(vec16 k) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_add_epi32(_mm512_cvtps_epi32(k), _mm512_set1_epi32(127)), 23));
}
V16_INLINE vec16 v16_split(vec16 x, vec16 *e) {
    __m512i bits = _mm512_castps_si512(x), k = _mm512_srai_epi32(_mm512_sub_epi32(bits, _mm512_set1_epi32(0x3f3504f3)), 23);
    *e = _mm512_cvtepi32_ps(k);
    return _mm512_castsi512_ps(_mm512_sub_epi32(bits, _mm512_slli_epi32(k, 23)));
}
V16_INLINE float v16_sum(vec16 x) {
    __m256 a = _mm256_add_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
    __m128 b = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    b = _mm_add_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_add_ss(b, _mm_movehdup_ps(b)));
}
#elif defined(__AVX2__) && defined(__FMA__)
V16_INLINE __m256 pow2_half(__m256 k) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(k), _mm256_set1_epi32(127)), 23));
}
V16_INLINE vec16 v16_pow2(vec16 k) { return (vec16){pow2_half(k.a), pow2_half(k.b)}; }
V16_INLINE __m256 split_half(__m256 x, __m256 *e) {
    __m256i bits = _mm256_castps_si256(x), k = _mm256_srai_epi32(_mm256_sub_epi32(bits, _mm256_set1_epi32(0x3f3504f3)), 23);
    *e = _mm256_cvtepi32_ps(k);
    return _mm256_castsi256_ps(_mm256_sub_epi32(bits, _mm256_slli_epi32(k, 23)));
}
V16_INLINE vec16 v16_split(vec16 x, vec16 *e) { return (vec16){split_half(x.a, &e->a), split_half(x.b, &e->b)}; }
V16_INLINE float v16_sum(vec16 x) {
    __m256 a = _mm256_add_ps(x.a, x.b);
    __m128 b = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    b = _mm_add_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_add_ss(b, _mm_movehdup_ps(b)));
}
#else
V16_INLINE vec16 v16_pow2(vec16 k) {
    float f[16], out[16];
    v16_store(f, k);
    for (int i = 0; i < 16; i++) {
        int32_t bits = ((int32_t)f[i] + 127) * (1 << 23);
        memcpy(&out[i], &bits, sizeof bits);
    }
    return v16_load(out);
}
V16_INLINE vec16 v16_split(vec16 x, vec16 *e) {
    float m[16], power[16];
    v16_store(m, x);
    for (int i = 0; i < 16; i++) {
        int32_t bits;
        memcpy(&bits, &m[i], sizeof bits);
        int32_t k = (bits - 0x3f3504f3) >> 23;
        bits -= k * (1 << 23);
        memcpy(&m[i], &bits, sizeof bits);
        power[i] = (float)k;
    }
    *e = v16_load(power);
    return v16_load(m);
}
V16_INLINE float v16_sum(vec16 x) {
    float f[16];
    v16_store(f, x);
    for (int half = 8; half; half /= 2)
        for (int i = 0; i < half; i++) f[i] += f[i + half];
    return f[0];
}
#endif

V16_INLINE vec16 v16_exp(vec16 x) {
    static const float c[] = {1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1, 1};
    vec16 top = v16_all(87), magic = v16_all(12582912);
    x = v16_select_gt(x, top, top, x);
    x = v16_select_gt(v16_all(-87), x, v16_all(-87), x);
    vec16 k = v16_sub(v16_fma(x, v16_all(1.44269504f), magic), magic), minus = v16_sub(v16_zero(), k);
    vec16 r = v16_fma(minus, v16_all(-2.12194440e-4f), v16_fma(minus, v16_all(0.693359375f), x)), p = v16_all(c[0]);
    for (int i = 1; i < 7; i++) p = v16_fma(p, r, v16_all(c[i]));
    return v16_mul(p, v16_pow2(k));
}

/* Of normal positive numbers. */
V16_INLINE vec16 v16_log(vec16 x) {
    vec16 e, f = v16_sub(v16_split(x, &e), v16_all(1)), s = v16_div(f, v16_add(v16_all(2), f)), z = v16_mul(s, s);
    vec16 p = v16_fma(v16_all(2.0f / 9), z, v16_all(2.0f / 7));
    p = v16_fma(v16_fma(p, z, v16_all(2.0f / 5)), z, v16_all(2.0f / 3));
    p = v16_fma(v16_mul(s, z), p, v16_mul(v16_all(2), s));
    return v16_fma(e, v16_all(0.693359375f), v16_fma(e, v16_all(-2.12194440e-4f), p));
}

/* 1 / (1 + exp(x)) */
V16_INLINE vec16 v16_fall(vec16 x) { return v16_div(v16_all(1), v16_add(v16_all(1), v16_exp(x))); }

V16_INLINE void v16_adam(const cb_logic_adam *a, vec16 g, vec16 *w, vec16 *m, vec16 *v) {
    *m = v16_fma(v16_all(a->b1), *m, v16_mul(v16_all(1 - a->b1), g));
    *v = v16_fma(v16_all(a->b2), *v, v16_mul(v16_mul(v16_all(1 - a->b2), g), g));
    vec16 below = v16_fma(v16_sqrt(*v), v16_all(a->inverse_root), v16_all(a->eps));
    *w = v16_sub(*w, v16_div(v16_mul(v16_all(a->rate), *m), below));
}

#endif
