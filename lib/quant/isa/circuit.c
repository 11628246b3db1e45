/* Look-up tables on 512 events at a time; contract in quant/circuit.h. A table of two inputs is
 * its Reed-Muller form m0 ^ (m1 & a) ^ (m2 & b) ^ (m3 & a & b), without a branch; a larger one is a tree of
 * multiplexers over such pairs. Bits only: every instruction set gives the same. */
#include "quant/circuit.h"

#include "nn/isa.h"

#define circuit_kernel CB_ISA_FN(cb_circuit_kernel)
void circuit_kernel(const cb_gate *gate, int32_t n, uint64_t *signal, int32_t n_input);

/* Rows never cross an object file: how they are passed does not matter. */
#pragma GCC diagnostic ignored "-Wpsabi"
typedef uint64_t row __attribute__((vector_size(64), may_alias));

static inline row all(uint64_t bit) { return (row){0} - bit; } /* 0 or 1 to every bit */

/* Masks m0, m1, m2, m3 of the 16 tables of two inputs: bits t0, t0^t2, t0^t1, t0^t1^t2^t3. */
#define M(bit) (0 - (uint64_t)((bit) & 1))
#define MASKS(t) {M(t), M((t) ^ (t) >> 2), M((t) ^ (t) >> 1), M((t) ^ (t) >> 1 ^ (t) >> 2 ^ (t) >> 3)}
static const uint64_t masks[16][4] = {MASKS(0),  MASKS(1),  MASKS(2),  MASKS(3),  MASKS(4),  MASKS(5),
                                      MASKS(6),  MASKS(7),  MASKS(8),  MASKS(9),  MASKS(10), MASKS(11),
                                      MASKS(12), MASKS(13), MASKS(14), MASKS(15)};

/* Four table bits, entry 2a + b, at a (more significant) and b. */
static inline __attribute__((always_inline)) row pair(unsigned t, row a, row b) {
    const uint64_t *m = masks[t];
    return (m[0] ^ (m[1] & a)) ^ (b & (m[2] ^ (m[3] & a)));
}

static inline __attribute__((always_inline)) row choose(row s, row zero, row one) { return zero ^ (s & (zero ^ one)); }

static row wide(const cb_gate *g, const row *signal) {
    row part[16], a, b;
    int k = g->k, n = 1 << (k - 2);
    a = signal[g->in[k - 2]], b = signal[g->in[k - 1]];
    for (int i = 0; i < n; i++) part[i] = pair((unsigned)(g->table >> 4 * i) & 15, a, b);
    for (int j = k - 3; j >= 0; j--) {
        row s = signal[g->in[j]];
        n /= 2;
        for (int i = 0; i < n; i++) part[i] = choose(s, part[2 * i], part[2 * i + 1]);
    }
    return part[0];
}

void circuit_kernel(const cb_gate *gate, int32_t n, uint64_t *words, int32_t n_input) {
    row *signal = (row *)words, *out = signal + n_input;
    for (int32_t g = 0; g < n; g++) {
        const cb_gate *q = &gate[g];
        if (q->k == 2) out[g] = pair((unsigned)q->table, signal[q->in[0]], signal[q->in[1]]);
        else if (q->k > 2) out[g] = wide(q, signal);
        else if (q->k) out[g] = all(q->table & 1) ^ (signal[q->in[0]] & all((q->table ^ q->table >> 1) & 1));
        else out[g] = all(q->table & 1);
    }
}

/* ---- comparators of 64 events, weighted sums of 512 ---- */

#define columns_kernel CB_ISA_FN(cb_columns_kernel)
#define compare_kernel CB_ISA_FN(cb_compare_kernel)
#define planes_kernel CB_ISA_FN(cb_planes_kernel)
void columns_kernel(const uint16_t *et, size_t n, size_t n_feature, uint16_t *column);
uint64_t compare_kernel(const uint16_t *count, uint16_t threshold);
void planes_kernel(const uint64_t *signal, const int32_t *row_of, const uint8_t *invert, const int32_t *first, int n_plane,
                   uint64_t *plane, uint64_t *scratch);

#if defined(__AVX512BW__)
#include <immintrin.h>
uint64_t compare_kernel(const uint16_t *count, uint16_t threshold) {
    __m512i t = _mm512_set1_epi16((short)threshold);
    uint64_t low = _mm512_cmpgt_epu16_mask(_mm512_loadu_si512(count), t);
    return low | (uint64_t)_mm512_cmpgt_epu16_mask(_mm512_loadu_si512(count + 32), t) << 32;
}
#elif defined(__SSE2__)
#include <emmintrin.h>
uint64_t compare_kernel(const uint16_t *count, uint16_t threshold) {
    __m128i t = _mm_set1_epi16((short)threshold); /* counts and thresholds stay below 2^15 */
    uint64_t word = 0;
    for (int part = 0; part < 4; part++, count += 16) {
        __m128i low = _mm_cmpgt_epi16(_mm_loadu_si128((const __m128i *)count), t);
        __m128i high = _mm_cmpgt_epi16(_mm_loadu_si128((const __m128i *)(count + 8)), t);
        word |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_packs_epi16(low, high)) << 16 * part;
    }
    return word;
}
#else
uint64_t compare_kernel(const uint16_t *count, uint16_t threshold) {
    uint64_t word = 0;
    for (int b = 0; b < 64; b++) word |= (uint64_t)(*count++ > threshold) << b;
    return word;
}
#endif

static void columns_plain(const uint16_t *et, size_t n, size_t n_feature, size_t e, size_t f, uint16_t *column) {
    for (size_t i = 0; i < 8 && f + i < n_feature; i++)
        for (size_t k = e; k < e + 8; k++) column[(f + i) * 64 + k] = k < n ? et[k * n_feature + f + i] : 0;
}

/* column[f][64] = et[n][n_feature] transposed, zeros beyond n: tiles of 8 x 8. */
void columns_kernel(const uint16_t *et, size_t n, size_t n_feature, uint16_t *column) {
    for (size_t e = 0; e < 64; e += 8)
        for (size_t f = 0; f < n_feature; f += 8) {
#if defined(__SSE2__)
            if (e + 8 <= n && f + 8 <= n_feature) {
                __m128i r[8], s[8];
                for (int i = 0; i < 8; i++) r[i] = _mm_loadu_si128((const __m128i *)(et + (e + (size_t)i) * n_feature + f));
                for (int i = 0; i < 4; i++) {
                    s[2 * i] = _mm_unpacklo_epi16(r[2 * i], r[2 * i + 1]);
                    s[2 * i + 1] = _mm_unpackhi_epi16(r[2 * i], r[2 * i + 1]);
                }
                for (int i = 0; i < 2; i++)
                    for (int h = 0; h < 2; h++) {
                        r[4 * i + 2 * h] = _mm_unpacklo_epi32(s[4 * i + h], s[4 * i + 2 + h]);
                        r[4 * i + 2 * h + 1] = _mm_unpackhi_epi32(s[4 * i + h], s[4 * i + 2 + h]);
                    }
                for (int i = 0; i < 4; i++) {
                    uint16_t *to = column + (f + 2 * (size_t)i) * 64 + e;
                    _mm_storeu_si128((__m128i *)to, _mm_unpacklo_epi64(r[i], r[4 + i]));
                    _mm_storeu_si128((__m128i *)(to + 64), _mm_unpackhi_epi64(r[i], r[4 + i]));
                }
                continue;
            }
#endif
            columns_plain(et, n, n_feature, e, f, column);
        }
}

/* Rows of weight 2^p are row_of[first[p]] .. row_of[first[p+1]-1] (inverted where asked); carry-save adders
 * leave one row a plane, and hand their carries to the next. scratch: as many rows as plane 0 and
 * the carries into a plane can be together: 8 (first[n_plane] + n_plane + 8) words are enough. */
void planes_kernel(const uint64_t *words, const int32_t *row_of, const uint8_t *invert, const int32_t *first, int n_plane,
                   uint64_t *plane, uint64_t *scratch) {
    const row *signal = (const row *)words;
    row *out = (row *)plane, *carry = (row *)scratch;
    int n_carry = 0; /* carries into this plane, at the front of scratch */
    for (int p = 0; p < n_plane; p++) {
        int left = first[p + 1] - first[p], given = 0, next = 0;
        const int32_t *at = row_of + first[p];
        const uint8_t *sense = invert + first[p];
        row sum = {0};
        /* one and two more rows at a time: sum + x + y = sum' + 2 carry; next never overtakes given */
        while (left + n_carry - given > 0) {
            row x = {0}, y = {0};
            if (given < n_carry) x = carry[given++];
            else x = signal[*at++] ^ all(*sense++), left--;
            if (given < n_carry) y = carry[given++];
            else if (left) y = signal[*at++] ^ all(*sense++), left--;
            row mix = sum ^ x;
            carry[next++] = (sum & x) | (mix & y);
            sum = mix ^ y;
        }
        n_carry = next;
        out[p] = sum;
    }
}
