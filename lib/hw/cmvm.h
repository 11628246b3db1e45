/* cmvm.h - constant matrix times vector as a graph of shift-adds.
 *
 * y[o] = constant[o] + sum_i w[i*n_out+o] * 2^exp[i] * x[i], x[i] an integer in [lo[i], hi[i]].
 * The graph is a list of nodes: 0..n_in-1 are the x[i]; a later node is
 * (a << sa) +- (b << sb) of earlier ones, or a constant (a = b = -1, value lo).
 * Its interval is exact: every node carries its coefficient of every input, so
 * cancelling terms never widen it.
 *
 * Method (da4ml's published algorithm, arXiv 2507.04535; own code): columns are
 * first written as differences of similar columns along a spanning tree limited in
 * depth; canonical signed digits; the two-term subexpression with the best score is
 * shared greedily; what remains is summed by trees. Several depths of the spanning
 * tree and several scores are tried, and the cheapest graph is kept. With `effort` it is then refined: parts of
 * it are dissolved and shared anew with scores disturbed at random, thousands of times, by the rule of simulated
 * annealing (cmvm_refine.c). Greedy choices are often between equals, and others win: 4 to 9 % of the cost.
 * Random numbers are a function of the step, so the result is the same everywhere.
 *
 * Cost of an adder: carry bits, i.e. bits of the result above the wires:
 * add and a - (b << s): width - s; (a << s) - b: width; disjoint bit ranges: 0.
 */
#ifndef CB_HW_CMVM_H
#define CB_HW_CMVM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef struct {
    int32_t a, b;
    uint8_t sa, sb, sub;
    int level, cost;
    int64_t lo, hi;
} cb_cmvm_node;

typedef struct {
    int32_t node; /* -1: the output is 0 */
    int shift;    /* y = +-node << shift */
    bool neg;
} cb_cmvm_ref;

typedef struct {
    int n_in, n_out;
    int32_t n;
    cb_cmvm_node *node;
    cb_cmvm_ref *out;
    int adders, depth; /* adders with logic; levels counted from level[] */
    int64_t cost;      /* of all adders, and of negated outputs */
} cb_cmvm_graph;

typedef struct {
    int n_in, n_out;
    const int64_t *w;        /* [n_in * n_out] */
    const int64_t *lo, *hi;  /* [n_in] */
    const int *exp;          /* [n_in], 0..40; NULL = all 0 */
    const int *level;        /* [n_in] adder levels before the input; NULL = all 0 */
    const int64_t *constant; /* [n_out]; NULL = all 0 */
    int max_depth;           /* adder levels allowed above the least possible; a negated output is a level,
                              * and only that may exceed it; < 0 = any */
    int64_t most_pairs;      /* pairs of digits compared in one search, 24 to 48 bytes each; where there are more, inputs
                              * share subexpressions only within blocks of neighbours; 0 = 8 million */
    int effort;              /* of the refinement: thousands of comparisons of digits an adder, in each of 2 to 8 runs; 0 = none */
    /* What a graph is worth to the caller, less is better and negative a failure, to choose among the refined ones; NULL = cost. */
    int64_t (*judge)(const cb_cmvm_graph *g, void *context);
    void *judge_context;
} cb_cmvm_problem;

/* Fails if sum |w| 2^exp max|x| does not stay below 2^54. Deterministic, uses threads. */
int cb_cmvm_solve(const cb_cmvm_problem *p, cb_cmvm_graph *g) CB_MUST;
void cb_cmvm_free(cb_cmvm_graph *g);
/* Evaluates the graph: x[n_in] -> y[n_out]. */
int cb_cmvm_eval(const cb_cmvm_graph *g, const int64_t *x, int64_t *y) CB_MUST;

/* Carry bits of (a << sa) +- (b << sb) with the given result interval. */
int cb_adder_cost(int64_t alo, int64_t ahi, int sa, int64_t blo, int64_t bhi, int sb, bool sub, int64_t lo, int64_t hi);
/* Canonical signed digits of w, least significant first: shift[] and sign[] (room for 64). */
int cb_csd(int64_t w, uint8_t *shift, int8_t *sign);

#endif
