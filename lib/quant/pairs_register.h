/* pairs_register.h - registers of int32 lanes that hold pairs of int16, for isa/programme_pairs.c.
 *
 * REG is one register of REG_LANES lanes. reg_dot(acc, x, w) adds the two products of each
 * lane's pairs. reg_words reads four words from REG_LANES images that lie `stride` counts
 * apart and transposes them: out[w] has word w, lane = image. Names with 16 work on the halves, unsigned
 * (reg_high16: the upper halves of the products).
 */
#ifndef CB_QUANT_PAIRS_REGISTER_H
#define CB_QUANT_PAIRS_REGISTER_H

#include <stdint.h>
#include <string.h>

#define REG_INLINE static inline __attribute__((always_inline, unused))
#ifdef __clang__
#define REG_UNROLL _Pragma("clang loop unroll(full)")
#else
#define REG_UNROLL _Pragma("GCC unroll 16")
#endif

#if defined(__AVX512F__) && defined(__AVX512BW__)
#include <immintrin.h>
enum { REG_LANES = 16, REG_SUMS = 16 }; /* sums that fit in registers beside operands */
typedef __m512i REG;
REG_INLINE REG reg_load(const int32_t *p) { return _mm512_loadu_si512(p); }
REG_INLINE void reg_store(int32_t *p, REG x) { _mm512_storeu_si512(p, x); }
REG_INLINE REG reg_all(int32_t v) { return _mm512_set1_epi32(v); }
REG_INLINE REG reg_add(REG a, REG b) { return _mm512_add_epi32(a, b); }
REG_INLINE REG reg_madd(REG acc, REG x, REG w) { return _mm512_add_epi32(acc, _mm512_madd_epi16(x, w)); }
/* Without the target option, which the level v4 does not include; called where the processor has it. */
REG_INLINE REG reg_vnni(REG acc, REG x, REG w) {
    __asm__("vpdpwssd %2, %1, %0" : "+v"(acc) : "v"(x), "v"(w));
    return acc;
}
REG_INLINE REG reg_float_add(REG a, REG k) {
    return _mm512_castps_si512(_mm512_add_ps(_mm512_castsi512_ps(a), _mm512_castsi512_ps(k)));
}
REG_INLINE REG reg_right(REG a, int32_t s) { return _mm512_srav_epi32(a, _mm512_set1_epi32(s)); }
REG_INLINE REG reg_left(REG a, int32_t s) { return _mm512_sllv_epi32(a, _mm512_set1_epi32(s)); }
REG_INLINE REG reg_max(REG a, REG b) { return _mm512_max_epi32(a, b); }
REG_INLINE REG reg_min(REG a, REG b) { return _mm512_min_epi32(a, b); }
REG_INLINE REG reg_and(REG a, REG b) { return _mm512_and_si512(a, b); }
REG_INLINE REG reg_or(REG a, REG b) { return _mm512_or_si512(a, b); }
REG_INLINE REG reg_xor(REG a, REG b) { return _mm512_xor_si512(a, b); }
REG_INLINE REG reg_sub16(REG a, REG b) { return _mm512_sub_epi16(a, b); }
REG_INLINE REG reg_add16(REG a, REG b) { return _mm512_add_epi16(a, b); }
REG_INLINE REG reg_high16(REG a, REG b) { return _mm512_mulhi_epu16(a, b); }
REG_INLINE REG reg_min16(REG a, REG b) { return _mm512_min_epu16(a, b); }
REG_INLINE REG reg_greater(REG a, REG b) { return _mm512_movm_epi32(_mm512_cmpgt_epi32_mask(a, b)); }
REG_INLINE REG reg_equal(REG a, REG b) { return _mm512_movm_epi32(_mm512_cmpeq_epi32_mask(a, b)); }
REG_INLINE REG reg_pair(REG a, REG b) {
    return _mm512_mask_blend_epi16(0xAAAAAAAA, a, _mm512_slli_epi32(b, 16));
}
REG_INLINE REG reg_quad_rows(const uint16_t *p, int64_t stride) {
    REG r = _mm512_castsi128_si512(_mm_loadu_si128((const void *)p));
    r = _mm512_mask_broadcast_i32x4(r, 0x00F0, _mm_loadu_si128((const void *)(p + 4 * stride)));
    r = _mm512_mask_broadcast_i32x4(r, 0x0F00, _mm_loadu_si128((const void *)(p + 8 * stride)));
    return _mm512_mask_broadcast_i32x4(r, 0xF000, _mm_loadu_si128((const void *)(p + 12 * stride)));
}
#define REG_UNPACK(kind, a, b) _mm512_unpack##kind(a, b)

#elif defined(__AVX2__)
#include <immintrin.h>
enum { REG_LANES = 8, REG_SUMS = 8 };
typedef __m256i REG;
REG_INLINE REG reg_load(const int32_t *p) { return _mm256_loadu_si256((const void *)p); }
REG_INLINE void reg_store(int32_t *p, REG x) { _mm256_storeu_si256((void *)p, x); }
REG_INLINE REG reg_all(int32_t v) { return _mm256_set1_epi32(v); }
REG_INLINE REG reg_add(REG a, REG b) { return _mm256_add_epi32(a, b); }
REG_INLINE REG reg_madd(REG acc, REG x, REG w) { return _mm256_add_epi32(acc, _mm256_madd_epi16(x, w)); }
REG_INLINE REG reg_float_add(REG a, REG k) {
    return _mm256_castps_si256(_mm256_add_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(k)));
}
REG_INLINE REG reg_right(REG a, int32_t s) { return _mm256_srav_epi32(a, _mm256_set1_epi32(s)); }
REG_INLINE REG reg_left(REG a, int32_t s) { return _mm256_sllv_epi32(a, _mm256_set1_epi32(s)); }
REG_INLINE REG reg_max(REG a, REG b) { return _mm256_max_epi32(a, b); }
REG_INLINE REG reg_min(REG a, REG b) { return _mm256_min_epi32(a, b); }
REG_INLINE REG reg_and(REG a, REG b) { return _mm256_and_si256(a, b); }
REG_INLINE REG reg_or(REG a, REG b) { return _mm256_or_si256(a, b); }
REG_INLINE REG reg_xor(REG a, REG b) { return _mm256_xor_si256(a, b); }
REG_INLINE REG reg_sub16(REG a, REG b) { return _mm256_sub_epi16(a, b); }
REG_INLINE REG reg_add16(REG a, REG b) { return _mm256_add_epi16(a, b); }
REG_INLINE REG reg_high16(REG a, REG b) { return _mm256_mulhi_epu16(a, b); }
REG_INLINE REG reg_min16(REG a, REG b) { return _mm256_min_epu16(a, b); }
REG_INLINE REG reg_greater(REG a, REG b) { return _mm256_cmpgt_epi32(a, b); }
REG_INLINE REG reg_equal(REG a, REG b) { return _mm256_cmpeq_epi32(a, b); }
REG_INLINE REG reg_pair(REG a, REG b) { return _mm256_blend_epi16(a, _mm256_slli_epi32(b, 16), 0xAA); }
REG_INLINE REG reg_quad_rows(const uint16_t *p, int64_t stride) {
    return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128((const void *)p)),
                                   _mm_loadu_si128((const void *)(p + 4 * stride)), 1);
}
#define REG_UNPACK(kind, a, b) _mm256_unpack##kind(a, b)

#elif defined(__SSE4_1__)
#include <smmintrin.h>
enum { REG_LANES = 4, REG_SUMS = 8 };
typedef __m128i REG;
REG_INLINE REG reg_load(const int32_t *p) { return _mm_loadu_si128((const void *)p); }
REG_INLINE void reg_store(int32_t *p, REG x) { _mm_storeu_si128((void *)p, x); }
REG_INLINE REG reg_all(int32_t v) { return _mm_set1_epi32(v); }
REG_INLINE REG reg_add(REG a, REG b) { return _mm_add_epi32(a, b); }
REG_INLINE REG reg_madd(REG acc, REG x, REG w) { return _mm_add_epi32(acc, _mm_madd_epi16(x, w)); }
REG_INLINE REG reg_float_add(REG a, REG k) {
    return _mm_castps_si128(_mm_add_ps(_mm_castsi128_ps(a), _mm_castsi128_ps(k)));
}
REG_INLINE REG reg_right(REG a, int32_t s) { return _mm_sra_epi32(a, _mm_cvtsi32_si128(s)); }
REG_INLINE REG reg_left(REG a, int32_t s) { return _mm_sll_epi32(a, _mm_cvtsi32_si128(s)); }
REG_INLINE REG reg_max(REG a, REG b) { return _mm_max_epi32(a, b); }
REG_INLINE REG reg_min(REG a, REG b) { return _mm_min_epi32(a, b); }
REG_INLINE REG reg_and(REG a, REG b) { return _mm_and_si128(a, b); }
REG_INLINE REG reg_or(REG a, REG b) { return _mm_or_si128(a, b); }
REG_INLINE REG reg_xor(REG a, REG b) { return _mm_xor_si128(a, b); }
REG_INLINE REG reg_sub16(REG a, REG b) { return _mm_sub_epi16(a, b); }
REG_INLINE REG reg_add16(REG a, REG b) { return _mm_add_epi16(a, b); }
REG_INLINE REG reg_high16(REG a, REG b) { return _mm_mulhi_epu16(a, b); }
REG_INLINE REG reg_min16(REG a, REG b) { return _mm_min_epu16(a, b); }
REG_INLINE REG reg_greater(REG a, REG b) { return _mm_cmpgt_epi32(a, b); }
REG_INLINE REG reg_equal(REG a, REG b) { return _mm_cmpeq_epi32(a, b); }
REG_INLINE REG reg_pair(REG a, REG b) { return _mm_blend_epi16(a, _mm_slli_epi32(b, 16), 0xAA); }
REG_INLINE REG reg_quad_rows(const uint16_t *p, int64_t stride) { return _mm_loadu_si128((const void *)p); }
#define REG_UNPACK(kind, a, b) _mm_unpack##kind(a, b)

#else /* vectors of the compiler: NEON, ... */
enum { REG_LANES = 4, REG_SUMS = 8 };
typedef int32_t REG __attribute__((vector_size(16)));
typedef float REG_FLOAT __attribute__((vector_size(16)));
REG_INLINE REG reg_load(const int32_t *p) {
    REG r;
    memcpy(&r, p, sizeof r);
    return r;
}
REG_INLINE void reg_store(int32_t *p, REG x) { memcpy(p, &x, sizeof x); }
REG_INLINE REG reg_all(int32_t v) { return (REG){v, v, v, v}; }
REG_INLINE REG reg_of(REG a, REG b, REG mask) { return (a & mask) | (b & ~mask); }
/* Sums are modulo 2^32; unsigned, for signed overflow is undefined. */
typedef uint32_t REG_BITS __attribute__((vector_size(16)));
REG_INLINE REG reg_add(REG a, REG b) { return (REG)((REG_BITS)a + (REG_BITS)b); }
REG_INLINE REG reg_left(REG a, int32_t s) { return (REG)((REG_BITS)a << (uint32_t)s); }
REG_INLINE REG reg_right(REG a, int32_t s) { return a >> s; }
REG_INLINE REG reg_madd(REG acc, REG x, REG w) {
    return reg_add(reg_add(acc, (reg_left(x, 16) >> 16) * (reg_left(w, 16) >> 16)), (x >> 16) * (w >> 16));
}
REG_INLINE REG reg_float_add(REG a, REG k) { return (REG)((REG_FLOAT)a + (REG_FLOAT)k); }
REG_INLINE REG reg_max(REG a, REG b) { return reg_of(a, b, a > b); }
REG_INLINE REG reg_min(REG a, REG b) { return reg_of(a, b, a < b); }
REG_INLINE REG reg_and(REG a, REG b) { return a & b; }
REG_INLINE REG reg_or(REG a, REG b) { return a | b; }
REG_INLINE REG reg_xor(REG a, REG b) { return a ^ b; }
REG_INLINE REG reg_sub16(REG a, REG b) {
    REG_BITS low = (REG_BITS)a - ((REG_BITS)b & 0xFFFF), high = ((REG_BITS)a & ~0xFFFFu) - ((REG_BITS)b & ~0xFFFFu);
    return (REG)((low & 0xFFFF) | high);
}
REG_INLINE REG reg_add16(REG a, REG b) {
    REG_BITS low = (REG_BITS)a + (REG_BITS)b, high = ((REG_BITS)a & ~0xFFFFu) + ((REG_BITS)b & ~0xFFFFu);
    return (REG)((low & 0xFFFF) | high);
}
REG_INLINE REG reg_high16(REG a, REG b) {
    REG_BITS low = ((REG_BITS)a & 0xFFFF) * ((REG_BITS)b & 0xFFFF), high = ((REG_BITS)a >> 16) * ((REG_BITS)b >> 16);
    return (REG)(low >> 16 | (high & ~0xFFFFu));
}
REG_INLINE REG reg_min16(REG a, REG b) {
    REG_BITS al = (REG_BITS)a & 0xFFFF, bl = (REG_BITS)b & 0xFFFF, ah = (REG_BITS)a >> 16, bh = (REG_BITS)b >> 16;
    REG_BITS low = (REG_BITS)(al < bl), high = (REG_BITS)(ah < bh);
    return (REG)((al & low) | (bl & ~low) | ((ah & high) | (bh & ~high)) << 16);
}
REG_INLINE REG reg_greater(REG a, REG b) { return a > b; }
REG_INLINE REG reg_equal(REG a, REG b) { return a == b; }
REG_INLINE REG reg_pair(REG a, REG b) { return (a & 0xFFFF) | reg_left(b, 16); }
#endif

#ifdef REG_UNPACK
/* Rows 0..3, 4..7, ... of the images lie in the 128-bit parts, so transposing 4 x 4 in each part is all. */
REG_INLINE void reg_words(const uint16_t *p, int64_t stride, REG out[4]) {
    REG a = reg_quad_rows(p, stride), b = reg_quad_rows(p + stride, stride);
    REG c = reg_quad_rows(p + 2 * stride, stride), d = reg_quad_rows(p + 3 * stride, stride);
    REG ab = REG_UNPACK(lo_epi32, a, b), cd = REG_UNPACK(lo_epi32, c, d);
    out[0] = REG_UNPACK(lo_epi64, ab, cd);
    out[1] = REG_UNPACK(hi_epi64, ab, cd);
    ab = REG_UNPACK(hi_epi32, a, b), cd = REG_UNPACK(hi_epi32, c, d);
    out[2] = REG_UNPACK(lo_epi64, ab, cd);
    out[3] = REG_UNPACK(hi_epi64, ab, cd);
}
#else
REG_INLINE int32_t reg_word(const uint16_t *p) { return (int32_t)(p[0] | (uint32_t)p[1] << 16); }
REG_INLINE void reg_words(const uint16_t *p, int64_t stride, REG out[4]) {
    for (int w = 0; w < 4; w++, p += 2)
        out[w] = (REG){reg_word(p), reg_word(p + stride), reg_word(p + 2 * stride), reg_word(p + 3 * stride)};
}
#endif

#endif
