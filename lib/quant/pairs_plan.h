/* pairs_plan.h - a programme prepared for scoring 32 events at a time in 16-bit pairs.
 *
 * A tensor is rows of 32 int32 lanes, lane = event; each lane holds two neighbouring
 * elements as int16, the even one below. So an image as it lies in memory is one
 * 32-bit word a lane after transposing words, and one instruction (pmaddwd, vpdpwssd)
 * does two multiply-adds a lane. A stage is a layer of sums with its quantizer, or a
 * quantizer alone.
 *
 * Everything is exact, by the intervals that cb_programme_finish proved:
 *   - an element is stored in units of its own format, v = stored << up; weights of the
 *     next layer take the shift. Stored values and shifted weights fit int16, so that a
 *     pair of products fits int32; sums are modulo 2^32 and fit 31 bits at the end;
 *   - what rounding adds before the shift (half a unit, ...) starts the sum, with the bias;
 *   - PAIRS_FLOAT, round half to even for |sum| < 2^22: the sum starts with the bits of the
 *     float 1.5 * 2^23, so its bits are those of 1.5 * 2^23 + sum; adding 1.5 * (2^(23+s)
 *     - 2^23) gives, rounded once, 1.5 * 2^(23+s) + sum, whose last bit is worth 2^s: its low
 *     16 bits are the quotient. One addition in place of five integer operations.
 * A programme that does not meet a condition gets no plan (cb_pairs_plan_make returns 1)
 * and is scored by lanes_plan.h in int32 or int64.
 */
#ifndef CB_QUANT_PAIRS_PLAN_H
#define CB_QUANT_PAIRS_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "quant/programme.h"

enum { CB_PAIRS_EVENTS = 32 };

/* One output element of a quantizer. */
typedef struct {
    int32_t init;       /* start of the sum */
    int32_t k;          /* PAIRS_FLOAT: bits of the float to add; else right shift, 0..31 */
    int32_t lo, hi;     /* clamps of the quotient (PAIRS_FLOAT: of the bits) */
    /* PAIRS_ANY only */
    int32_t below, extra; /* a sum below `below` (a negative value) gets `extra` on top */
    int32_t even, left;   /* even: bit 0 is cleared where all dropped bits are 0; left shift */
} cb_pairs_step;

/* SMALL: quantizer alone of values 0..2^15-1, on pairs: the right shift by s is a product with scale = 2^(15-s). */
typedef enum { CB_PAIRS_FLOAT, CB_PAIRS_SHIFT, CB_PAIRS_ANY, CB_PAIRS_SMALL } cb_pairs_mode;

/* `width` outputs of one position. */
typedef struct {
    int n_tap;
    int32_t *row; /* [n_tap] row of x, from the first of the position */
    int32_t *w;   /* [n_tap][width] pairs of weights */
} cb_pairs_block;

typedef struct {
    bool sums;                /* else every row is quantized */
    int n_pos, n_block, width; /* blocks of a position; outputs of a block: 1, 2, 4 or 8 */
    int pos_rows, n_row;      /* rows of a position's and of all outputs */
    int n_variant;
    int32_t *base, *variant;  /* [n_pos] first row under the position; its list of blocks */
    cb_pairs_block *block;    /* [n_variant][n_block] */
    cb_pairs_mode mode;
    bool wrap;
    int pos_steps;            /* steps from one position to the next: 0 if all are alike */
    cb_pairs_step *step;      /* [1 or n_pos][outputs of a position, rounded up to the blocks] */
    int32_t *mask, *sign;     /* wrap: a pair becomes ((pair & mask) ^ sign) - sign; by step / 2 */
    int32_t *half, *scale, *most; /* CB_PAIRS_SMALL, by row: min((pair + half) * 2 * scale / 2^16, most) */
} cb_pairs_stage;

typedef struct {
    int n_in, n_word;    /* regions and 32-bit words of an image */
    int room;            /* rows of the largest tensor */
    bool dot;            /* the processor has vpdpwssd (AVX-512 VNNI) */
    int n_stage;
    cb_pairs_stage stage[CB_MAX_OPS];
} cb_pairs_plan;

/* 0: made; 1: the programme does not meet the conditions; -1: no memory. Free in every case. */
int cb_pairs_plan_make(const cb_programme *p, cb_pairs_plan *plan) CB_MUST;
void cb_pairs_plan_free(cb_pairs_plan *plan);
/* Scores of events as in cb_programme_score; 1 if there is no plan (nothing is done then). */
int cb_pairs_score(const cb_programme *p, const uint16_t *et, size_t n, uint16_t *code) CB_MUST;
/* Tests: use plans (default), use them but without vpdpwssd, or none. */
typedef enum { CB_PAIRS_ON, CB_PAIRS_NO_DOT, CB_PAIRS_OFF } cb_pairs_use;
void cb_pairs_force(cb_pairs_use use);
cb_pairs_use cb_pairs_forced(void);

/* 32 images at et, `stride` counts apart, each readable to its n_word-th word and to 8 counts -> code[32].
 * x, y: scratch of room * 32 int32_t, 64-byte aligned. next: images that come afterwards (fetched
 * ahead) or NULL. Returns all counts or'ed together. */
typedef uint32_t cb_pairs_kernel(const cb_pairs_plan *plan, const uint16_t *et, int64_t stride, const uint16_t *next,
                                 int32_t *x, int32_t *y, uint16_t *code);

#endif
