/* Operations of the netlist interpreter, compiled once an instruction set; contract in hw/netlist_tape.h. */
#include "hw/netlist_tape.h"

#include "nn/isa.h"
#include "quant/pairs_register.h"

void CB_ISA_FN(cb_tape_run)(const cb_tape *t, char *arena);
void CB_ISA_FN(cb_tape_load)(const uint16_t *et, int64_t stride, int n_input, char *arena);

/* What one register holds. */
#if defined __AVX512BW__
#define TAPE_BYTES 64
#elif defined __AVX2__
#define TAPE_BYTES 32
#else
#define TAPE_BYTES 16
#endif

typedef int16_t row_16 __attribute__((vector_size(TAPE_BYTES), may_alias));
typedef int32_t row_32 __attribute__((vector_size(TAPE_BYTES), may_alias));
typedef int64_t row_64 __attribute__((vector_size(TAPE_BYTES), may_alias));
/* Sums are modulo 2^bits: unsigned, for signed overflow is undefined. */
typedef uint16_t bits_16 __attribute__((vector_size(TAPE_BYTES), may_alias));
typedef uint32_t bits_32 __attribute__((vector_size(TAPE_BYTES), may_alias));
typedef uint64_t bits_64 __attribute__((vector_size(TAPE_BYTES), may_alias));

#define TAPE_INLINE static inline __attribute__((always_inline))

#define TAPE_TYPE(T)                                                                                             \
    enum { PARTS_##T = CB_TAPE_EVENTS * T / 8 / TAPE_BYTES };                                                    \
    TAPE_INLINE void add_##T(const cb_tape_op *o, char *arena, int shift_a, int shift_b, int sub) {              \
        const bits_##T *a = (const void *)(arena + o->a), *b = (const void *)(arena + o->b);                     \
        bits_##T *y = (void *)(arena + o->y);                                                                    \
        REG_UNROLL for (int k = 0; k < PARTS_##T; k++) {                                                         \
            bits_##T p = shift_a ? a[k] << (uint##T##_t)o->sa : a[k], q = shift_b ? b[k] << (uint##T##_t)o->sb : b[k]; \
            y[k] = sub ? p - q : p + q;                                                                          \
        }                                                                                                        \
    }                                                                                                            \
    TAPE_INLINE row_##T shifted_##T(const cb_tape_op *o, row_##T v, int even) {                                  \
        row_##T q = v >> (int##T##_t)o->sa;                                                                      \
        if (even) q &= ~((row_##T)((v & (int##T##_t)(((uint64_t)1 << o->sa) - 1)) == 0) & 1);                    \
        return q;                                                                                                \
    }                                                                                                            \
    TAPE_INLINE row_##T least_##T(row_##T v, int##T##_t lo) {                                                    \
        row_##T low = (row_##T){0} + lo, is = (row_##T)(v < low);                                                \
        return (low & is) | (v & ~is);                                                                           \
    }                                                                                                            \
    TAPE_INLINE void clamp_##T(const cb_tape_op *o, char *arena, int even) {                                     \
        const row_##T *a = (const void *)(arena + o->a);                                                         \
        row_##T *y = (void *)(arena + o->y), high = (row_##T){0} + (int##T##_t)o->hi;                            \
        REG_UNROLL for (int k = 0; k < PARTS_##T; k++) {                                                         \
            row_##T v = least_##T(shifted_##T(o, a[k], even), (int##T##_t)o->lo), is = (row_##T)(v > high);      \
            y[k] = (high & is) | (v & ~is);                                                                      \
        }                                                                                                        \
    }                                                                                                            \
    TAPE_INLINE void wrap_##T(const cb_tape_op *o, char *arena, int even) {                                      \
        const row_##T *a = (const void *)(arena + o->a);                                                         \
        row_##T *y = (void *)(arena + o->y);                                                                     \
        REG_UNROLL for (int k = 0; k < PARTS_##T; k++) {                                                         \
            row_##T v = shifted_##T(o, least_##T(a[k], (int##T##_t)o->lo), even);                                \
            y[k] = (row_##T)((bits_##T)((v & (int##T##_t)o->mask) ^ (int##T##_t)o->sign) - (uint##T##_t)o->sign); \
        }                                                                                                        \
    }

TAPE_TYPE(16)
TAPE_TYPE(32)
TAPE_TYPE(64)

#define TAPE_CONVERT(F, T)                                                             \
    static void convert_##F##_##T(const cb_tape_op *o, char *arena) {                  \
        const int##F##_t *restrict a = (const void *)(arena + o->a);                   \
        int##T##_t *restrict y = (void *)(arena + o->y);                               \
        for (int l = 0; l < CB_TAPE_EVENTS; l++) y[l] = (int##T##_t)a[l];              \
    }
TAPE_CONVERT(16, 32)
TAPE_CONVERT(16, 64)
TAPE_CONVERT(32, 16)
TAPE_CONVERT(32, 64)
TAPE_CONVERT(64, 16)
TAPE_CONVERT(64, 32)

static void slow(const cb_tape *t, const cb_tape_op *o, char *arena) {
    const cb_node *q = &t->net->node[o->node];
    const int64_t *a = (const void *)(arena + o->a);
    int64_t *y = (void *)(arena + o->y);
    for (int l = 0; l < CB_TAPE_EVENTS; l++) y[l] = cb_node_quantize(q, t->net->node[q->a].frac, a[l]);
}

static void lookup(const cb_tape_op *o, char *arena) {
    const int16_t *restrict a = (const void *)(arena + o->a);
    int16_t *restrict y = (void *)(arena + o->y);
    for (int l = 0; l < CB_TAPE_EVENTS; l++) y[l] = (int16_t)((uint64_t)o->mask >> a[l] & 1);
}

#define TAPE_CASES(I, T)                                                              \
    case CB_TAPE_ADD + I: add_##T(o, arena, 1, 1, 0); break;                          \
    case CB_TAPE_SUB + I: add_##T(o, arena, 1, 1, 1); break;                          \
    case CB_TAPE_ADD_A + I: add_##T(o, arena, 1, 0, 0); break;                        \
    case CB_TAPE_ADD_B + I: add_##T(o, arena, 0, 1, 0); break;                        \
    case CB_TAPE_SUB_A + I: add_##T(o, arena, 1, 0, 1); break;                        \
    case CB_TAPE_SUB_B + I: add_##T(o, arena, 0, 1, 1); break;                        \
    case CB_TAPE_CLAMP + I: clamp_##T(o, arena, 0); break;                            \
    case CB_TAPE_CLAMP_EVEN + I: clamp_##T(o, arena, 1); break;                       \
    case CB_TAPE_WRAP + I: wrap_##T(o, arena, 0); break;                              \
    case CB_TAPE_WRAP_EVEN + I: wrap_##T(o, arena, 1); break;

void CB_ISA_FN(cb_tape_run)(const cb_tape *t, char *arena) {
    for (const cb_tape_op *o = t->op, *end = o + t->n_op; o < end; o++)
        switch (o->code) {
            TAPE_CASES(CB_TAPE_16, 16)
            TAPE_CASES(CB_TAPE_32, 32)
            TAPE_CASES(CB_TAPE_64, 64)
        case CB_TAPE_CONVERT + 3 * CB_TAPE_16 + CB_TAPE_32: convert_16_32(o, arena); break;
        case CB_TAPE_CONVERT + 3 * CB_TAPE_16 + CB_TAPE_64: convert_16_64(o, arena); break;
        case CB_TAPE_CONVERT + 3 * CB_TAPE_32 + CB_TAPE_16: convert_32_16(o, arena); break;
        case CB_TAPE_CONVERT + 3 * CB_TAPE_32 + CB_TAPE_64: convert_32_64(o, arena); break;
        case CB_TAPE_CONVERT + 3 * CB_TAPE_64 + CB_TAPE_16: convert_64_16(o, arena); break;
        case CB_TAPE_CONVERT + 3 * CB_TAPE_64 + CB_TAPE_32: convert_64_32(o, arena); break;
        case CB_TAPE_LOOKUP: lookup(o, arena); break;
        default: slow(t, o, arena);
        }
}

/* Words of two counts are transposed, then split. */
void CB_ISA_FN(cb_tape_load)(const uint16_t *et, int64_t stride, int n_input, char *arena) {
    int n_word = (n_input + 1) / 2;
    for (int w = 0; w < n_word; w += 4) {
        int at = w + 4 <= n_word ? w : n_word > 4 ? n_word - 4 : 0;
        int32_t words[4][CB_TAPE_EVENTS];
        for (int l = 0; l < CB_TAPE_EVENTS; l += REG_LANES) {
            REG out[4];
            reg_words(et + l * stride + 2 * at, stride, out);
            for (int k = 0; k < 4; k++) reg_store(words[k] + l, out[k]);
        }
        for (int k = 0; k < 8 && 2 * at + k < n_input; k++) {
            int16_t *restrict row = (int16_t *)(void *)arena + (2 * at + k) * CB_TAPE_EVENTS;
            for (int l = 0; l < CB_TAPE_EVENTS; l++) row[l] = (int16_t)(words[k / 2][l] >> k % 2 * 16);
        }
    }
}
