/* Comparators on 512 events; contract in quant/bits.h. */
#include "quant/bits.h"

#include <string.h>

#include "nn/isa.h"

#define bit_code_kernel CB_ISA_FN(cb_bit_code_kernel)
void bit_code_kernel(const cb_bit_code *c, const uint16_t *et, size_t n, uint64_t *row);

enum { WORDS = CB_CIRCUIT_WORDS, SHEETS = 8 }; /* sheets of the same features done at once */

/* ---- 64 counts of an event > 64 thresholds ---- */

#if defined(__AVX512BW__)
#include <immintrin.h>
typedef struct {
    __m512i low, high;
} counts;
static inline counts load(const uint16_t *x, int n) {
    uint64_t mask = n < 64 ? ((uint64_t)1 << n) - 1 : ~(uint64_t)0;
    return (counts){_mm512_maskz_loadu_epi16((__mmask32)mask, x), _mm512_maskz_loadu_epi16((__mmask32)(mask >> 32), x + 32)};
}
static inline counts under(const counts *x, const int16_t *mask) {
    return (counts){_mm512_and_si512(x->low, _mm512_loadu_si512(mask)), _mm512_and_si512(x->high, _mm512_loadu_si512(mask + 32))};
}
static inline uint64_t above(const counts *x, const int16_t *t) {
    __mmask32 low = _mm512_cmpgt_epi16_mask(x->low, _mm512_loadu_si512(t));
    __mmask32 high = _mm512_cmpgt_epi16_mask(x->high, _mm512_loadu_si512(t + 32));
    return _cvtmask64_u64(_mm512_kunpackd(high, low));
}
#else
typedef struct {
    int16_t x[64];
} counts;
static inline counts load(const uint16_t *x, int n) {
    counts c;
    if (n < 64) memset(&c, 0, sizeof c), memcpy(c.x, x, (size_t)n * sizeof *x);
    else memcpy(c.x, x, sizeof c.x);
    return c;
}
static inline counts under(const counts *x, const int16_t *mask) {
    counts y;
    for (int i = 0; i < 64; i++) y.x[i] = (int16_t)(x->x[i] & mask[i]);
    return y;
}
#if defined(__AVX2__)
#include <immintrin.h>
static inline uint64_t above(const counts *c, const int16_t *t) {
    uint64_t word = 0;
    for (int i = 0; i < 64; i += 32) {
        __m256i a = _mm256_cmpgt_epi16(_mm256_loadu_si256((const __m256i *)(c->x + i)), _mm256_loadu_si256((const __m256i *)(t + i)));
        __m256i b = _mm256_cmpgt_epi16(_mm256_loadu_si256((const __m256i *)(c->x + i + 16)),
                                       _mm256_loadu_si256((const __m256i *)(t + i + 16)));
        word |= (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_permute4x64_epi64(_mm256_packs_epi16(a, b), 0xD8)) << i;
    }
    return word;
}
#elif defined(__SSE2__)
#include <emmintrin.h>
static inline uint64_t above(const counts *c, const int16_t *t) {
    uint64_t word = 0;
    for (int i = 0; i < 64; i += 16) {
        __m128i a = _mm_cmpgt_epi16(_mm_loadu_si128((const __m128i *)(c->x + i)), _mm_loadu_si128((const __m128i *)(t + i)));
        __m128i b = _mm_cmpgt_epi16(_mm_loadu_si128((const __m128i *)(c->x + i + 8)), _mm_loadu_si128((const __m128i *)(t + i + 8)));
        word |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_packs_epi16(a, b)) << i;
    }
    return word;
}
#elif defined(__aarch64__)
#include <arm_neon.h>
static inline uint64_t above(const counts *c, const int16_t *t) {
    static const uint16_t digit[8] = {1, 2, 4, 8, 16, 32, 64, 128};
    uint64_t word = 0;
    for (int i = 0; i < 64; i += 8)
        word |= (uint64_t)vaddvq_u16(vandq_u16(vcgtq_s16(vld1q_s16(c->x + i), vld1q_s16(t + i)), vld1q_u16(digit))) << i;
    return word;
}
#else
static inline uint64_t above(const counts *c, const int16_t *t) {
    uint64_t word = 0;
    for (int i = 0; i < 64; i++) word |= (uint64_t)(c->x[i] > t[i]) << i;
    return word;
}
#endif
#endif

/* ---- 64 words of 64 bits transposed, eight such squares side by side ---- */

#if defined(__AVX512F__)
typedef uint64_t part __attribute__((vector_size(64), may_alias));
#elif defined(__AVX2__)
typedef uint64_t part __attribute__((vector_size(32), may_alias));
#else
typedef uint64_t part __attribute__((vector_size(16), may_alias));
#endif
enum { PARTS = 64 / sizeof(part) };

/* Exchanges the bits of a that `mask` has not with those of b that it has, `shift` places apart. */
#define EXCHANGE(a, b, shift, mask)             \
    do {                                        \
        part t_ = (((a) >> (shift)) ^ (b)) & (mask); \
        (b) ^= t_;                              \
        (a) ^= t_ << (shift);                   \
    } while (0)

/* Three steps on eight rows: distances 4, 2 and 1 among them. */
#define STEPS(r, unit, m4, m2, m1)                                          \
    do {                                                                    \
        for (int j = 0; j < 4; j++) EXCHANGE(r[j], r[j + 4], 4 * (unit), m4); \
        for (int j = 0; j < 8; j += 4) {                                    \
            EXCHANGE(r[j], r[j + 2], 2 * (unit), m2);                       \
            EXCHANGE(r[j + 1], r[j + 3], 2 * (unit), m2);                   \
        }                                                                   \
        for (int j = 0; j < 8; j += 2) EXCHANGE(r[j], r[j + 1], unit, m1);  \
    } while (0)

/* x[i][w]: word w of events 64 w + i, bit f -> row of feature f, bit i of word w. */
static void transpose(part *x, const int32_t *to, uint64_t *rows) {
    for (int g = 0; g < 8 * PARTS; g++) {
        part r[8], *at = x + g;
        for (int j = 0; j < 8; j++) r[j] = at[8 * PARTS * j];
        STEPS(r, 8, 0x00000000ffffffff, 0x0000ffff0000ffff, 0x00ff00ff00ff00ff);
        for (int j = 0; j < 8; j++) at[8 * PARTS * j] = r[j];
    }
    for (int g = 0; g < 8; g++)
        for (int k = 0; k < PARTS; k++) {
            part r[8], *at = x + 8 * PARTS * g + k;
            for (int j = 0; j < 8; j++) r[j] = at[PARTS * j];
            STEPS(r, 1, 0x0f0f0f0f0f0f0f0f, 0x3333333333333333, 0x5555555555555555);
            for (int j = 0; j < 8; j++)
                if (to[8 * g + j] >= 0) ((part *)(rows + (size_t)to[8 * g + j] * WORDS))[k] = r[j];
        }
}

/* The words of 512 events for `n_sheet` sheets of the same features; the counts that follow these events, as many
 * again as are read here, are asked for on the way (a hint only: they need not exist). */
static void compare(const cb_bit_sheet *s, int n_sheet, const uint16_t *et, size_t stride, size_t n,
                    uint64_t word[][64][WORDS]) {
    const uint16_t *next = et + WORDS * 64 * stride + (size_t)s->first * WORDS * 64;
    for (size_t e = 0; e < n; e++, next += CB_BIT_SHEET) {
        counts x = load(et + e * stride + (size_t)s->first, s->n);
        __builtin_prefetch(next, 0, 2), __builtin_prefetch(next + 32, 0, 2);
        for (int k = 0; k < n_sheet; k++) {
            counts y = s[k].masked ? under(&x, s[k].mask) : x;
            word[k][e % 64][e / 64] = above(&y, s[k].threshold);
        }
    }
    for (size_t e = n; e < WORDS * 64; e++)
        for (int k = 0; k < n_sheet; k++) word[k][e % 64][e / 64] = 0;
}

void bit_code_kernel(const cb_bit_code *c, const uint16_t *et, size_t n, uint64_t *row) {
    _Alignas(64) uint64_t word[SHEETS][64][WORDS];
    for (int first = 0, end; first < c->n_sheet; first = end) {
        const cb_bit_sheet *s = &c->sheet[first];
        for (end = first + 1; end < c->n_sheet && end < first + SHEETS && c->sheet[end].first == s->first;) end++;
        compare(s, end - first, et, (size_t)c->n_feature, n, word);
        for (int k = 0; k < end - first; k++) transpose((part *)word[k], s[k].row, row);
    }
}
