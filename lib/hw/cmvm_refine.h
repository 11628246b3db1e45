/* cmvm_refine.h - the state of a refinement (cmvm_refine.c): a graph as sums that share values, with what a step did to
 * it, so that a step can be undone.
 *
 * Every shared value and every output is a row of terms (inputs and shared values); values with one user have none of their
 * own. Rows and the counts of patterns in them: cmvm_refine_rows.c. What the adders of rows cost, and their levels:
 * cmvm_refine_cost.c.
 */
#ifndef CB_HW_CMVM_REFINE_H
#define CB_HW_CMVM_REFINE_H

#include "base/rng.h"
#include "hw/cmvm_internal.h"

enum { CB_REFINE_BITS = 53, CB_REFINE_PARTS = 512 }; /* of a term; terms of a row that its cost looks at: their sum stays exact */

/* An input, an output or a shared value. */
typedef struct {
    cb_row sum;
    int64_t lo, hi, cost;
    int uses, level;
    bool output, live, touched, seen; /* live: a shared value that exists */
} cb_refine_item;

/* What a step did, to be undone backwards: terms that came and went, shared values that did. */
typedef struct {
    enum { CB_TERM_ADDED, CB_TERM_REMOVED, CB_VALUE_MADE, CB_VALUE_FREED } what;
    int32_t row;
    cb_digit digit;
} cb_refine_record;

typedef struct {
    const cb_cmvm_problem *p;
    int limit;
    int32_t n, room, first_shared; /* items: inputs, outputs, shared values */
    cb_refine_item *item;
    int64_t *coef;                 /* [room][n_in] */
    int32_t *vacant, n_vacant;
    uint64_t *tables, *cell;       /* patterns and their counts: two tables of n_cell; the one in use */
    size_t n_cell, used;
    cb_refine_record *journal;
    size_t n_journal, journal_room;
    uint64_t *offer;
    size_t n_offer, offer_room;
    int32_t *touched, n_touched;
    int64_t work;                  /* comparisons of digits so far */
    bool too_wide;                 /* a term of the step has more than CB_REFINE_BITS bits */
    cb_rng rng;
} cb_refine_state;

static inline int64_t *cb_refine_coefs(const cb_refine_state *s, int32_t i) { return s->coef + (int64_t)i * s->p->n_in; }

/* ---- rows (cmvm_refine_rows.c); -1: no memory ---- */
int cb_refine_reserve(cb_refine_state *s) CB_MUST; /* room for one item more */
/* Adds sign * node << shift to the row; sums that become too wide are noted in s->too_wide. */
int cb_refine_put(cb_refine_state *s, int32_t row, int32_t node, int shift, int sign) CB_MUST;
/* Takes term i out of the row. */
int cb_refine_take(cb_refine_state *s, int32_t row, int i) CB_MUST;
/* The terms of its value in place of term i of the row. */
int cb_refine_expand(cb_refine_state *s, int32_t row, int i) CB_MUST;
/* ... of all users of the value, which is then none. */
int cb_refine_dissolve(cb_refine_state *s, int32_t node) CB_MUST;
/* lo and hi of an item from its coefficients. */
void cb_refine_find_range(cb_refine_state *s, int32_t i);
/* Shares greedily what occurs twice, until nothing does; values that lost their users go. */
int cb_refine_recreate(cb_refine_state *s) CB_MUST;
/* Takes back all that the journal tells. */
int cb_refine_undo(cb_refine_state *s) CB_MUST;
void cb_refine_state_free(cb_refine_state *s);

/* ---- cost (cmvm_refine_cost.c) ---- */
/* Carry bits of the adders of a row, its narrowest terms first. */
int64_t cb_refine_row_cost(const cb_refine_state *s, int32_t row);
/* Adder levels of an item whose row is a balanced tree; `seen` says which are known. */
int cb_refine_level(cb_refine_state *s, int32_t i);
/* ... of the deepest output. */
int cb_refine_deepest(cb_refine_state *s);

#endif
