/* cmvm_internal.h - what the files of the CMVM optimiser share. */
#ifndef CB_HW_CMVM_INTERNAL_H
#define CB_HW_CMVM_INTERNAL_H

#include "hw/cmvm.h"

/* One signed digit: sign * node << shift; sign 0 = used up. */
typedef struct {
    int32_t node;
    int16_t shift;
    int8_t sign;
    bool aside; /* left out of one search */
} cb_digit;

/* One sum of digits plus a constant: an output on its way to become a node. */
typedef struct {
    cb_digit *d;
    int n, room;
    int64_t constant;
} cb_row;

/* The graph while it grows. */
typedef struct {
    const cb_cmvm_problem *p;
    int32_t n, room;
    cb_cmvm_node *node;
    int64_t *coef; /* [room][n_in + 1], the last one of the constant 1 */
} cb_build;

/* How one attempt is made. */
typedef struct {
    int dc;             /* depth limit of the spanning tree; -1 = no decomposition */
    bool by_saving;     /* score (count - 1) * cost instead of count * overlap */
    int latency_weight; /* taken off the score per level of difference */
    bool narrow_first;  /* trees add the narrowest terms first (within the limit), not the earliest */
    bool positive;      /* sums are outputs, for which a minus sign costs an adder */
    int64_t most_pairs; /* as in cb_cmvm_problem, > 0 */
    uint64_t seed;      /* of cb_refine */
    int limit;          /* adder levels that an output may have; < 0 = any */
    bool strict;        /* nothing is shared that would leave a row no tree within the limit */
    bool constants;     /* strict: leave a place for the constant of each row */
} cb_attempt;

int cb_build_begin(cb_build *b, const cb_cmvm_problem *p) CB_MUST;
void cb_build_free(cb_build *b);
/* Node (a << sa) +- (c << sc), min(sa, sc) = 0; the same node twice is one node. */
int32_t cb_build_add(cb_build *b, int32_t a, int sa, int32_t c, int sc, bool sub) CB_MUST;
int32_t cb_build_const(cb_build *b, int64_t value) CB_MUST;

int cb_row_put(cb_row *r, int32_t node, int shift, int sign) CB_MUST;
/* Places of a balanced tree that the terms of a row fill, one of level l 2^l of them (Kraft). */
uint64_t cb_row_places(const cb_build *b, const cb_row *r);
/* Shares two-term subexpressions between and within the rows. */
int cb_cse(cb_build *b, cb_row *row, int n_row, const cb_attempt *how) CB_MUST;
/* Sums what is left of a row. */
int cb_row_sum(cb_build *b, cb_row *r, const cb_attempt *how, cb_cmvm_ref *out) CB_MUST;

/* The graph *g of the same problem, made cheaper by random changes: taken apart and shared anew, step by step, as
 * simulated annealing accepts them (cmvm_refine.c). Builds the result in *b, its outputs in out[n_out]. Depth keeps to how->limit or
 * to that of *g, whichever is more, as far as sums of the result can be balanced. Deterministic in how->seed. */
typedef struct {
    int64_t work; /* comparisons of digits, the unit of effort */
    int heat;     /* carry bits that the first steps may lose */
} cb_refine_rules;
int cb_refine(cb_build *b, const cb_cmvm_graph *g, const cb_attempt *how, const cb_refine_rules *rules, cb_cmvm_ref *out) CB_MUST;

/* Columns of w (n_in x n_out, already without common powers of two) as w = m0 * m1 with entries of m1 in
 * {-1, 0, 1}; m0 [n_in][n_out] (unused columns 0), m1 [n_out][n_out]; returns the columns of m0 or -1. */
int cb_decompose(const int64_t *w, int n_in, int n_out, int dc, int64_t *m0, int8_t *m1) CB_MUST;

#endif
