/* lanes_plan.h - a programme prepared for scoring 16 events at a time.
 *
 * A block of a tensor is lane x[n][16], lane = event, lane type int32_t or int64_t.
 * Zero weights are left out; all integer arithmetic, so any order of sums is exact.
 * The plan is built by programme_score.c and read by the kernels of isa/, which are
 * compiled once an instruction set. A programme that compares sums has a plan of what comes
 * before (programme_bits_score.c).
 */
#ifndef CB_QUANT_LANES_PLAN_H
#define CB_QUANT_LANES_PLAN_H

#include <stdint.h>

#include "quant/programme.h"

enum { CB_PLAN_LANES = 16 };

typedef struct {
    int32_t offset, w; /* w times the element `offset` after the position's first */
} cb_plan_tap;

/* One element of a quantizer: x >> right (rounded), or x << left, then the overflow
 * rule, then << last. */
typedef struct {
    int8_t right, left, last;
    int8_t width; /* WRAP: bits kept, 0 = nothing can wrap; else clamp */
    int8_t sign;
    int64_t min, max;
} cb_plan_step;

typedef struct {
    int quant; /* 1: the step array; 0: sums */
    int n_out;
    /* quantizer */
    int relu;
    cb_round round;
    cb_plan_step *step;      /* [n_out] */
    /* sums: output pos*n_channel+o = bias[o] + taps first[o]..first[o+1]-1 from element base[pos] */
    int n_pos, n_channel;
    int32_t *base, *first;
    cb_plan_tap *tap;
    int64_t *bias;
} cb_plan_op;

typedef struct {
    int n_op, n_in, narrow;  /* narrow: int32 lanes suffice */
    int64_t room;            /* elements of the largest tensor */
    cb_plan_op *op;
} cb_plan;

/* A plan of the first n_op operations, all QUANT, DENSE or CONV2D, of a finished programme. Also after a failure: _free. */
int cb_plan_make(const cb_programme *p, int n_op, cb_plan *plan) CB_MUST;
void cb_plan_free(cb_plan *plan);

/* Up to 16 events et[n][n_in] -> code[n]. x, y: scratch of room*16 int64_t, 64-byte aligned. */
typedef void cb_plan_kernel(const cb_plan *plan, const uint16_t *et, int n, void *x, void *y, uint16_t *code);


/* Comparators of the last tensor: element source[j] > threshold[j], j < n. */
typedef struct {
    int32_t n;
    const int32_t *source, *threshold;
} cb_plan_cuts;

/* The same events -> bit[n of cuts]: event l at bit l. */
typedef void cb_plan_bits_kernel(const cb_plan *plan, const uint16_t *et, int n, void *x, void *y, const cb_plan_cuts *cuts,
                                 uint16_t *bit);

#endif
