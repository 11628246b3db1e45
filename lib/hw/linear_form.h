/* linear_form.h - sums of a netlist multiplied out over chosen leaves: exact integers, no solver.
 *
 * For sums the algebra decides what SAT cannot: whether a graph of thousands of shared adders is the
 * weights it was made of. A root is multiplied out to sum of coefficient * m(leaf) + constant; on the
 * way every interval of a sum is checked against the exact range of its form, for all values of the leaves in theirs.
 */
#ifndef CB_HW_LINEAR_FORM_H
#define CB_HW_LINEAR_FORM_H

#include "hw/lowering.h"

/* sum of weight * 2^-frac * value of `of`, plus constants. */
typedef struct {
    cb_held of;
    int64_t weight;
    int frac;
} cb_term;

typedef struct {
    const cb_netlist *g;
    int32_t *index;  /* [g->n] of a node in the form at hand: 1 + leaf, or -1 - row; 0: not met */
    int32_t *met, n_met;
    bool any_interval; /* intervals of sums are proven elsewhere: not checked */
    bool *covered;   /* [g->n] sums whose interval was checked */
    __int128 *row;   /* [rows][n_leaf + 1] */
    int64_t rows, room;
    int n_leaf;
    int32_t *leaf;
} cb_linear;

int cb_linear_begin(cb_linear *l, const cb_netlist *g) CB_MUST;
void cb_linear_end(cb_linear *l);

/* Proves that sign * m(root) * 2^-exponent = sum of the terms + *rest * 2^-*frac for whatever values the nodes of the terms
 * have: finds *rest, and *frac at least `exponent` and at least at_least. Fails, naming node and term, where a coefficient is
 * another or an interval is left. root < 0: the left side is 0. */
int cb_linear_prove(cb_linear *l, int32_t root, bool neg, int exponent, const cb_term *term, int64_t n_term, int at_least,
                    int64_t *rest, int *frac) CB_MUST;
/* Sums that no form met: their intervals against those of their operands. */
int cb_linear_cover(cb_linear *l) CB_MUST;

#endif
