/* vec16_bits.h - lane masks as 16 bits beside vec16.h (bit l = lane l), minimum and maximum,
 * sixteen rows of counts turned into lanes, and sixteen Philox blocks side by side.
 *
 * For files in lib/(folder)/isa only. Integers and comparisons, so every build gives the same bytes.
 */
#ifndef CB_NN_VEC16_BITS_H
#define CB_NN_VEC16_BITS_H

#include <stdint.h>

#include "nn/vec16.h"

#if defined(__AVX512F__) && defined(__AVX512DQ__)
#define V16_512 1
#elif defined(__AVX2__) && defined(__FMA__)
#define V16_256 1
#elif defined(__SSE2__)
#define V16_128 1
#elif defined(__aarch64__)
#define V16_NEON 1
#endif

/* v16_keep: x where the lane's bit is set, else +0; v16_keep_mul: the same of a b; v16_positive: the bits
 * whose lane has x > 0; v16_not_above: those where not x > top; bits of a > b; a < b ? a : b; a > b ? a : b (b where either is NaN). */
#if V16_512
V16_INLINE vec16 v16_keep(uint16_t bits, vec16 x) { return _mm512_maskz_mov_ps(bits, x); }
V16_INLINE uint16_t v16_gt_bits(vec16 a, vec16 b) { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ); }
V16_INLINE vec16 v16_keep_mul(uint16_t bits, vec16 a, vec16 b) { return _mm512_maskz_mul_ps(bits, a, b); }
V16_INLINE uint16_t v16_positive(uint16_t bits, vec16 x) {
    return _mm512_mask_cmp_ps_mask(bits, x, _mm512_setzero_ps(), _CMP_GT_OQ);
}
V16_INLINE uint16_t v16_not_above(uint16_t bits, vec16 x, vec16 top) {
    return _mm512_mask_cmp_ps_mask(bits, x, top, _CMP_NGT_UQ);
}
V16_INLINE vec16 v16_lesser(vec16 a, vec16 b) { return _mm512_min_ps(a, b); }
V16_INLINE vec16 v16_greater(vec16 a, vec16 b) { return _mm512_max_ps(a, b); }
#elif V16_256
V16_INLINE __m256 v16_half_mask(unsigned bits) {
    __m256i bit = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    return _mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32((int)bits), bit), bit));
}
V16_INLINE vec16 v16_keep(uint16_t bits, vec16 x) {
    return (vec16){_mm256_and_ps(v16_half_mask(bits & 255), x.a), _mm256_and_ps(v16_half_mask(bits >> 8), x.b)};
}
V16_INLINE uint16_t v16_gt_bits(vec16 x, vec16 y) {
    int a = _mm256_movemask_ps(_mm256_cmp_ps(x.a, y.a, _CMP_GT_OQ));
    int b = _mm256_movemask_ps(_mm256_cmp_ps(x.b, y.b, _CMP_GT_OQ));
    return (uint16_t)(a | b << 8);
}
V16_INLINE vec16 v16_lesser(vec16 x, vec16 y) { return (vec16){_mm256_min_ps(x.a, y.a), _mm256_min_ps(x.b, y.b)}; }
V16_INLINE vec16 v16_greater(vec16 x, vec16 y) { return (vec16){_mm256_max_ps(x.a, y.a), _mm256_max_ps(x.b, y.b)}; }
#elif V16_128
V16_INLINE vec16 v16_keep(uint16_t bits, vec16 x) {
    __m128i bit = _mm_setr_epi32(1, 2, 4, 8);
    for (int i = 0; i < 4; i++) {
        __m128i b = _mm_and_si128(_mm_set1_epi32(bits >> (4 * i)), bit);
        x.q[i] = _mm_and_ps(_mm_castsi128_ps(_mm_cmpeq_epi32(b, bit)), x.q[i]);
    }
    return x;
}
V16_INLINE uint16_t v16_gt_bits(vec16 a, vec16 b) {
    unsigned bits = 0;
    for (int i = 0; i < 4; i++) bits |= (unsigned)_mm_movemask_ps(_mm_cmpgt_ps(a.q[i], b.q[i])) << (4 * i);
    return (uint16_t)bits;
}
V16_INLINE vec16 v16_lesser(vec16 a, vec16 b) {
    for (int i = 0; i < 4; i++) a.q[i] = _mm_min_ps(a.q[i], b.q[i]);
    return a;
}
V16_INLINE vec16 v16_greater(vec16 a, vec16 b) {
    for (int i = 0; i < 4; i++) a.q[i] = _mm_max_ps(a.q[i], b.q[i]);
    return a;
}
#elif V16_NEON
V16_INLINE uint32x4_t v16_quarter_bits(void) { return (uint32x4_t){1, 2, 4, 8}; }
V16_INLINE vec16 v16_keep(uint16_t bits, vec16 x) {
    V16_UNROLL
    for (int i = 0; i < 4; i++) {
        uint32x4_t mask = vtstq_u32(vdupq_n_u32((uint32_t)bits >> (4 * i)), v16_quarter_bits());
        x.q[i] = vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(x.q[i]), mask));
    }
    return x;
}
V16_INLINE uint16_t v16_gt_bits(vec16 a, vec16 b) {
    uint32_t bits = 0;
    V16_UNROLL
    for (int i = 0; i < 4; i++) bits |= vaddvq_u32(vandq_u32(vcgtq_f32(a.q[i], b.q[i]), v16_quarter_bits())) << (4 * i);
    return (uint16_t)bits;
}
V16_INLINE vec16 v16_lesser(vec16 a, vec16 b) { return v16_select_gt(b, a, a, b); }
V16_INLINE vec16 v16_greater(vec16 a, vec16 b) { return v16_select_gt(a, b, a, b); }
#else /* NEON and portable: lane by lane */
V16_INLINE vec16 v16_keep(uint16_t bits, vec16 x) {
    float t[16];
    v16_store(t, x);
    for (int i = 0; i < 16; i++) t[i] = bits >> i & 1 ? t[i] : 0;
    return v16_load(t);
}
V16_INLINE uint16_t v16_gt_bits(vec16 a, vec16 b) {
    float x[16], y[16];
    unsigned bits = 0;
    v16_store(x, a);
    v16_store(y, b);
    for (int i = 0; i < 16; i++) bits |= (unsigned)(x[i] > y[i]) << i;
    return (uint16_t)bits;
}
V16_INLINE vec16 v16_lesser(vec16 a, vec16 b) { return v16_select_gt(b, a, a, b); }
V16_INLINE vec16 v16_greater(vec16 a, vec16 b) { return v16_select_gt(a, b, a, b); }
#endif

#if !V16_512
V16_INLINE vec16 v16_keep_mul(uint16_t bits, vec16 a, vec16 b) { return v16_keep(bits, v16_mul(a, b)); }
V16_INLINE uint16_t v16_positive(uint16_t bits, vec16 x) { return (uint16_t)(bits & v16_gt_bits(x, v16_zero())); }
V16_INLINE uint16_t v16_not_above(uint16_t bits, vec16 x, vec16 top) { return (uint16_t)(bits & ~v16_gt_bits(x, top)); }
#endif

/* ---- Philox4x32-10 (base/rng.h) of 16 consecutive counters ----
 * 64-bit lanes of which the low half counts: one multiply gives both halves of a product. */
#if V16_512
typedef __m512i v16_wide; /* lanes 0-7 or 8-15 */
#define V16_WIDE 8
V16_INLINE v16_wide v16_wide_all(uint32_t x) { return _mm512_set1_epi64((long long)x); }
V16_INLINE v16_wide v16_wide_count(int part) {
    return _mm512_add_epi64(_mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7), _mm512_set1_epi64(8 * part));
}
V16_INLINE v16_wide v16_wide_add(v16_wide a, v16_wide b) { return _mm512_add_epi64(a, b); }
V16_INLINE v16_wide v16_wide_mul(v16_wide a, v16_wide b) { return _mm512_mul_epu32(a, b); }
V16_INLINE v16_wide v16_wide_xor3(v16_wide a, v16_wide b, v16_wide c) { return _mm512_ternarylogic_epi64(a, b, c, 0x96); }
V16_INLINE v16_wide v16_wide_high(v16_wide a) { return _mm512_shuffle_epi32(a, _MM_PERM_DDBB); } /* another port than shifts */
/* Bits of the lanes whose low (high) half-word is at least t, 0 < t < 65536; words of all 16 lanes. */
V16_INLINE void v16_wide_bits(const v16_wide w[2], uint32_t t, uint16_t *low, uint16_t *high) {
    __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    __m512i x = _mm512_permutex2var_epi32(w[0], even, w[1]), limit = _mm512_set1_epi32((int)(t << 16));
    *low = _mm512_cmpge_epu32_mask(_mm512_slli_epi32(x, 16), limit);
    *high = _mm512_cmpge_epu32_mask(x, limit);
}
#elif V16_256
typedef __m256i v16_wide; /* part k: lanes {0,1,4,5} {2,3,6,7}, and 8 more */
#define V16_WIDE 4
V16_INLINE v16_wide v16_wide_all(uint32_t x) { return _mm256_set1_epi64x((long long)x); }
V16_INLINE v16_wide v16_wide_count(int part) {
    return _mm256_add_epi64(_mm256_setr_epi64x(0, 1, 4, 5), _mm256_set1_epi64x(part / 2 * 8 + part % 2 * 2));
}
V16_INLINE v16_wide v16_wide_add(v16_wide a, v16_wide b) { return _mm256_add_epi64(a, b); }
V16_INLINE v16_wide v16_wide_mul(v16_wide a, v16_wide b) { return _mm256_mul_epu32(a, b); }
V16_INLINE v16_wide v16_wide_xor3(v16_wide a, v16_wide b, v16_wide c) { return _mm256_xor_si256(a, _mm256_xor_si256(b, c)); }
V16_INLINE v16_wide v16_wide_high(v16_wide a) { return _mm256_shuffle_epi32(a, 0xF5); }
V16_INLINE void v16_wide_bits(const v16_wide w[4], uint32_t t, uint16_t *low, uint16_t *high) {
    __m256i limit = _mm256_set1_epi32((int)t - 1), half = _mm256_set1_epi32(0xFFFF);
    unsigned l = 0, h = 0;
    for (int k = 0; k < 2; k++) {
        __m256 s = _mm256_shuffle_ps(_mm256_castsi256_ps(w[2 * k]), _mm256_castsi256_ps(w[2 * k + 1]), 0x88);
        __m256i x = _mm256_castps_si256(s), a = _mm256_cmpgt_epi32(_mm256_and_si256(x, half), limit);
        __m256i b = _mm256_cmpgt_epi32(_mm256_srli_epi32(x, 16), limit);
        l |= (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(a)) << (8 * k);
        h |= (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(b)) << (8 * k);
    }
    *low = (uint16_t)l;
    *high = (uint16_t)h;
}
#elif V16_128
typedef __m128i v16_wide;
#define V16_WIDE 2
V16_INLINE v16_wide v16_wide_all(uint32_t x) { return _mm_set1_epi64x((long long)x); }
V16_INLINE v16_wide v16_wide_count(int part) { return _mm_set_epi64x(2 * part + 1, 2 * part); }
V16_INLINE v16_wide v16_wide_add(v16_wide a, v16_wide b) { return _mm_add_epi64(a, b); }
V16_INLINE v16_wide v16_wide_mul(v16_wide a, v16_wide b) { return _mm_mul_epu32(a, b); }
V16_INLINE v16_wide v16_wide_xor3(v16_wide a, v16_wide b, v16_wide c) { return _mm_xor_si128(a, _mm_xor_si128(b, c)); }
V16_INLINE v16_wide v16_wide_high(v16_wide a) { return _mm_srli_epi64(a, 32); }
V16_INLINE void v16_wide_bits(const v16_wide w[8], uint32_t t, uint16_t *low, uint16_t *high) {
    __m128i limit = _mm_set1_epi32((int)t - 1), half = _mm_set1_epi32(0xFFFF);
    unsigned l = 0, h = 0;
    for (int k = 0; k < 4; k++) {
        __m128i x = _mm_castps_si128(_mm_shuffle_ps(_mm_castsi128_ps(w[2 * k]), _mm_castsi128_ps(w[2 * k + 1]), 0x88));
        __m128i a = _mm_cmpgt_epi32(_mm_and_si128(x, half), limit), b = _mm_cmpgt_epi32(_mm_srli_epi32(x, 16), limit);
        l |= (unsigned)_mm_movemask_ps(_mm_castsi128_ps(a)) << (4 * k);
        h |= (unsigned)_mm_movemask_ps(_mm_castsi128_ps(b)) << (4 * k);
    }
    *low = (uint16_t)l;
    *high = (uint16_t)h;
}
#else
typedef uint64_t v16_wide;
#define V16_WIDE 1
V16_INLINE v16_wide v16_wide_all(uint32_t x) { return x; }
V16_INLINE v16_wide v16_wide_count(int part) { return (uint64_t)part; }
V16_INLINE v16_wide v16_wide_add(v16_wide a, v16_wide b) { return a + b; }
V16_INLINE v16_wide v16_wide_mul(v16_wide a, v16_wide b) { return (uint64_t)(uint32_t)a * (uint32_t)b; }
V16_INLINE v16_wide v16_wide_xor3(v16_wide a, v16_wide b, v16_wide c) { return a ^ b ^ c; }
V16_INLINE v16_wide v16_wide_high(v16_wide a) { return a >> 32; }
V16_INLINE void v16_wide_bits(const v16_wide w[16], uint32_t t, uint16_t *low, uint16_t *high) {
    unsigned l = 0, h = 0;
    for (int k = 0; k < 16; k++) {
        l |= (unsigned)((w[k] & 0xFFFF) >= t) << k;
        h |= (unsigned)(((uint32_t)w[k] >> 16) >= t) << k;
    }
    *low = (uint16_t)l;
    *high = (uint16_t)h;
}
#endif

enum { V16_PARTS = 16 / V16_WIDE };

/* The round keys of (key): made once for many blocks. */
typedef struct {
    v16_wide w[10][2];
} v16_philox_keys;

V16_INLINE void v16_philox_key(const uint32_t key[2], v16_philox_keys *k) {
    for (uint32_t round = 0; round < 10; round++) {
        k->w[round][0] = v16_wide_all(key[0] + round * 0x9E3779B9u);
        k->w[round][1] = v16_wide_all(key[1] + round * 0xBB67AE85u);
    }
}

/* Blocks first .. first+15 of the stream (key, index): c[word][part]. The counters' high words are 0: first < 2^32 - 16. */
V16_INLINE void v16_philox(const v16_philox_keys *k, uint64_t index, uint32_t first, v16_wide c[4][V16_PARTS]) {
    v16_wide m0 = v16_wide_all(0xD2511F53u), m1 = v16_wide_all(0xCD9E8D57u), start = v16_wide_all(first);
    V16_UNROLL
    for (int p = 0; p < V16_PARTS; p++) {
        c[0][p] = v16_wide_add(start, v16_wide_count(p));
        c[1][p] = v16_wide_all(0);
        c[2][p] = v16_wide_all((uint32_t)index);
        c[3][p] = v16_wide_all((uint32_t)(index >> 32));
    }
    V16_UNROLL
    for (int round = 0; round < 10; round++) {
        V16_UNROLL
        for (int p = 0; p < V16_PARTS; p++) {
            v16_wide p0 = v16_wide_mul(m0, c[0][p]), p1 = v16_wide_mul(m1, c[2][p]);
            c[0][p] = v16_wide_xor3(v16_wide_high(p1), c[1][p], k->w[round][0]);
            c[2][p] = v16_wide_xor3(v16_wide_high(p0), c[3][p], k->w[round][1]);
            c[1][p] = p1;
            c[3][p] = p0;
        }
    }
}

/* ---- sixteen rows of counts, eight pairs of features from feature f on -> block[16 features][16] ---- */
#if V16_512
V16_INLINE void v16_store_pair(float *block, __m512i pair) {
    _mm512_storeu_ps(block, _mm512_cvtepi32_ps(_mm512_and_si512(pair, _mm512_set1_epi32(0xFFFF))));
    _mm512_storeu_ps(block + 16, _mm512_cvtepi32_ps(_mm512_srli_epi32(pair, 16)));
}
/* A register holds eight pairs of row r below those of row r + 8; three rounds of exchanges turn rows into pairs. */
V16_INLINE void v16_load_counts(const uint16_t *const row[16], int f, float *block) {
    __m512i a[8], b[8];
    V16_UNROLL
    for (int r = 0; r < 8; r++)
        a[r] = _mm512_inserti32x8(_mm512_castsi256_si512(_mm256_loadu_si256((const __m256i *)(row[r] + f))),
                                  _mm256_loadu_si256((const __m256i *)(row[r + 8] + f)), 1);
    V16_UNROLL
    for (int r = 0; r < 8; r += 2) {
        b[r] = _mm512_unpacklo_epi32(a[r], a[r + 1]);
        b[r + 1] = _mm512_unpackhi_epi32(a[r], a[r + 1]);
    }
    V16_UNROLL
    for (int r = 0; r < 8; r += 4) {
        a[r] = _mm512_unpacklo_epi64(b[r], b[r + 2]);
        a[r + 1] = _mm512_unpackhi_epi64(b[r], b[r + 2]);
        a[r + 2] = _mm512_unpacklo_epi64(b[r + 1], b[r + 3]);
        a[r + 3] = _mm512_unpackhi_epi64(b[r + 1], b[r + 3]);
    }
    __m512i low = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13), high = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
    V16_UNROLL
    for (int k = 0; k < 4; k++) {
        v16_store_pair(block + k * 32, _mm512_permutex2var_epi64(a[k], low, a[k + 4]));
        v16_store_pair(block + (k + 4) * 32, _mm512_permutex2var_epi64(a[k], high, a[k + 4]));
    }
}
#elif V16_256
V16_INLINE void v16_store_pair(float *block, __m256i pair) {
    _mm256_storeu_ps(block, _mm256_cvtepi32_ps(_mm256_and_si256(pair, _mm256_set1_epi32(0xFFFF))));
    _mm256_storeu_ps(block + 16, _mm256_cvtepi32_ps(_mm256_srli_epi32(pair, 16)));
}
V16_INLINE void v16_load_eight(const uint16_t *const row[8], int f, float *block) {
    __m256i a[8], b[8];
    V16_UNROLL
    for (int r = 0; r < 8; r++) a[r] = _mm256_loadu_si256((const __m256i *)(row[r] + f));
    V16_UNROLL
    for (int r = 0; r < 8; r += 2) {
        b[r] = _mm256_unpacklo_epi32(a[r], a[r + 1]);
        b[r + 1] = _mm256_unpackhi_epi32(a[r], a[r + 1]);
    }
    V16_UNROLL
    for (int r = 0; r < 8; r += 4) {
        a[r] = _mm256_unpacklo_epi64(b[r], b[r + 2]);
        a[r + 1] = _mm256_unpackhi_epi64(b[r], b[r + 2]);
        a[r + 2] = _mm256_unpacklo_epi64(b[r + 1], b[r + 3]);
        a[r + 3] = _mm256_unpackhi_epi64(b[r + 1], b[r + 3]);
    }
    V16_UNROLL
    for (int k = 0; k < 4; k++) {
        v16_store_pair(block + k * 32, _mm256_permute2x128_si256(a[k], a[k + 4], 0x20));
        v16_store_pair(block + (k + 4) * 32, _mm256_permute2x128_si256(a[k], a[k + 4], 0x31));
    }
}
V16_INLINE void v16_load_counts(const uint16_t *const row[16], int f, float *block) {
    v16_load_eight(row, f, block);
    v16_load_eight(row + 8, f, block + 8);
}
#else
V16_INLINE void v16_load_counts(const uint16_t *const row[16], int f, float *block) {
    for (int k = 0; k < 16; k++)
        for (int l = 0; l < 16; l++) block[k * 16 + l] = row[l][f + k];
}
#endif

#endif
