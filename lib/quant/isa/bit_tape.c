/* The tape of a circuit on 512 events; contract in quant/bit_tape.h. */
#include "quant/bit_tape.h"

#include <string.h>

#include "nn/isa.h"

#define bit_tape_kernel CB_ISA_FN(cb_bit_tape_kernel)
void bit_tape_kernel(const cb_bit_tape *t, uint64_t *words, uint64_t *carry, int32_t *sum);

/* A tape is done once for every part of a row; rows stand 64 bytes apart. A part is what fits a register with AVX, and
 * a whole row of four registers without: fewer turns over the tape (gcc 12 handles 64 bytes badly in AVX2). */
#pragma GCC diagnostic ignored "-Wpsabi"
#if defined(__AVX512F__)
#include <immintrin.h>
typedef uint64_t part __attribute__((vector_size(64), may_alias));
/* f(a, b, c) of three bits: one instruction for any table. */
#define EACH(f, a, b, c) \
    ((part)_mm512_ternarylogic_epi64((__m512i)(a), (__m512i)(b), (__m512i)(c), f(0xF0, 0xCC, 0xAA) & 0xFF))
#else
#if defined(__AVX2__)
typedef uint64_t part __attribute__((vector_size(32), may_alias));
#else
typedef uint64_t part __attribute__((vector_size(64), may_alias));
#endif
#define EACH(f, a, b, c) f(a, b, c)
#endif
enum { PARTS = 64 / sizeof(part), PART_WORDS = sizeof(part) / 8 };
#define X(i) x[(size_t)(i) * PARTS]

#define AND(a, b) ((a) & (b))
#define ANDN(a, b) ((a) & ~(b))
#define OR(a, b) ((a) | (b))
#define XOR(a, b) ((a) ^ (b))
#define OTHER(a, b) (~(a) & (b))
#define MUX(a, b, c) (((a) & (b)) | (~(a) & (c)))
#define MUXN(a, b, c) (((a) & ~(b)) | (~(a) & (c)))
#define XOR3(a, b, c) ((a) ^ (b) ^ (c))
#define MOST(a, b, c) (((a) & (b)) | ((c) & ((a) | (b))))
#define MOST_OF_INVERTED(a, b, c) (((a) & ~((b) & (c))) | ~((b) | (c))) /* the most of a, ~b, ~c */

#define TWO(kind, g)                                                            \
    case kind:                                                                  \
        for (; n; n--, at += 3) X(at[0]) = g(X(at[1]), X(at[2]));               \
        break;
#define THREE(kind, f)                                                          \
    case kind:                                                                  \
        for (; n; n--, at += 4) X(at[0]) = EACH(f, X(at[1]), X(at[2]), X(at[3])); \
        break;
/* outer(inner(a, b), c) of operands c, a, b. */
#define PAIRED(f, g, c, a, b) f(g(a, b), c)

#define AND_AND(c, a, b) PAIRED(AND, AND, c, a, b)
#define AND_ANDN(c, a, b) PAIRED(AND, ANDN, c, a, b)
#define AND_OR(c, a, b) PAIRED(AND, OR, c, a, b)
#define AND_XOR(c, a, b) PAIRED(AND, XOR, c, a, b)
#define ANDN_AND(c, a, b) PAIRED(ANDN, AND, c, a, b)
#define ANDN_ANDN(c, a, b) PAIRED(ANDN, ANDN, c, a, b)
#define ANDN_OR(c, a, b) PAIRED(ANDN, OR, c, a, b)
#define ANDN_XOR(c, a, b) PAIRED(ANDN, XOR, c, a, b)
#define OTHER_AND(c, a, b) PAIRED(OTHER, AND, c, a, b)
#define OTHER_ANDN(c, a, b) PAIRED(OTHER, ANDN, c, a, b)
#define OTHER_OR(c, a, b) PAIRED(OTHER, OR, c, a, b)
#define OTHER_XOR(c, a, b) PAIRED(OTHER, XOR, c, a, b)
#define OR_AND(c, a, b) PAIRED(OR, AND, c, a, b)
#define OR_ANDN(c, a, b) PAIRED(OR, ANDN, c, a, b)
#define OR_OR(c, a, b) PAIRED(OR, OR, c, a, b)
#define OR_XOR(c, a, b) PAIRED(OR, XOR, c, a, b)
#define XOR_AND(c, a, b) PAIRED(XOR, AND, c, a, b)
#define XOR_ANDN(c, a, b) PAIRED(XOR, ANDN, c, a, b)
#define XOR_OR(c, a, b) PAIRED(XOR, OR, c, a, b)
#define XOR_XOR(c, a, b) PAIRED(XOR, XOR, c, a, b)
#define OUTER(k, f)                                                                                             \
    THREE(CB_BIT_FUSED + 4 * (k), f##_AND) THREE(CB_BIT_FUSED + 4 * (k) + 1, f##_ANDN)                          \
    THREE(CB_BIT_FUSED + 4 * (k) + 2, f##_OR) THREE(CB_BIT_FUSED + 4 * (k) + 3, f##_XOR)

static const uint32_t *run_gates(int kind, int32_t n, const uint32_t *at, part *x) {
    switch (kind) {
        TWO(CB_BIT_AND, AND)
        TWO(CB_BIT_ANDN, ANDN)
        TWO(CB_BIT_OR, OR)
        TWO(CB_BIT_XOR, XOR)
        THREE(CB_BIT_MUX, MUX)
        THREE(CB_BIT_MUXN, MUXN)
        OUTER(0, AND)
        OUTER(1, ANDN)
        OUTER(2, OTHER)
        OUTER(3, OR)
        OUTER(4, XOR)
    }
    return at;
}

/* One more row of weight 2^p to `total`; the carry out. */
static inline part add_one(part *total, part x) {
    part carry = *total & x;
    *total ^= x;
    return carry;
}

/* Rows of one plane, two at a time, then the carries from the plane before, into its total; carries out. Rows without
 * a companion wait behind the carries (`in` has room for two more). */
static int add_plane(part *total, const part *x, const uint32_t *at, uint32_t plain, uint32_t inverted, part *in, int n_in,
                     part *out) {
    part sum = *total;
    int n = 0;
    for (; plain > 1; plain -= 2, at += 2) {
        part a = X(at[0]), b = X(at[1]);
        out[n++] = EACH(MOST, sum, a, b);
        sum = EACH(XOR3, sum, a, b);
    }
    if (plain) in[n_in++] = X(*at++);
    for (; inverted > 1; inverted -= 2, at += 2) {
        part a = X(at[0]), b = X(at[1]);
        out[n++] = EACH(MOST_OF_INVERTED, sum, a, b);
        sum = EACH(XOR3, sum, a, b);
    }
    if (inverted) in[n_in++] = ~X(*at++);
    int i = 0;
    for (; i + 1 < n_in; i += 2) {
        out[n++] = EACH(MOST, sum, in[i], in[i + 1]);
        sum = EACH(XOR3, sum, in[i], in[i + 1]);
    }
    if (i < n_in) out[n++] = add_one(&sum, in[i]);
    *total = sum;
    return n;
}

static const uint32_t *add_rows(const cb_bit_tape *t, const uint32_t *head, const part *x, part *total, part *carry) {
    const uint32_t *at = head + 2 * t->n_plane;
    part *in = carry, *out = carry + t->most_rows + 4;
    int n_in = 0;
    for (int p = 0; p < t->n_plane; p++) {
        uint32_t plain = head[2 * p], inverted = head[2 * p + 1];
        n_in = add_plane(&total[p], x, at, plain, inverted, in, n_in, out);
        at += plain + inverted;
        part *swap = in;
        in = out, out = swap;
    }
    return at;
}

/* Bit-sliced totals -> one number an event. */
static void unslice(const uint64_t (*total)[CB_CIRCUIT_WORDS], int n_plane, uint32_t offset, int32_t *sum) {
    for (int w = 0; w < CB_CIRCUIT_WORDS; w++) {
        uint32_t lane[64];
        for (int b = 0; b < 64; b++) lane[b] = offset;
        for (int p = 0; p < n_plane; p++) {
            uint64_t bits = total[p][w];
#if defined(__AVX512F__)
            __m512i one = _mm512_set1_epi32((int)(1u << p));
            for (int b = 0; b < 4; b++) {
                __m512i v = _mm512_loadu_si512(lane + 16 * b);
                _mm512_storeu_si512(lane + 16 * b, _mm512_mask_add_epi32(v, (__mmask16)(bits >> 16 * b), v, one));
            }
#else
            for (int half = 0; half < 2; half++, bits >>= 32)
                for (int b = 0; b < 32; b++) lane[32 * half + b] += ((uint32_t)bits >> b & 1) << p;
#endif
        }
        memcpy(sum + w * 64, lane, sizeof lane);
    }
}

void bit_tape_kernel(const cb_bit_tape *t, uint64_t *words, uint64_t *carry, int32_t *sum) {
    uint64_t all[CB_BIT_PLANES][CB_CIRCUIT_WORDS];
    for (int k = 0; k < PARTS; k++) {
        part total[CB_BIT_PLANES] = {{0}}, *x = (part *)words + k;
        const uint32_t *at = t->operand;
        for (int32_t r = 0; r < t->n_run; r++) {
            const cb_bit_run *run = &t->run[r];
            if (run->kind == CB_BIT_SUM) at = add_rows(t, at, x, total, (part *)carry);
            else at = run_gates(run->kind, run->n, at, x);
        }
        for (int p = 0; p < t->n_plane; p++) memcpy(&all[p][k * PART_WORDS], &total[p], sizeof(part));
    }
    unslice((const uint64_t (*)[CB_CIRCUIT_WORDS])all, t->n_plane, (uint32_t)t->offset, sum);
}
