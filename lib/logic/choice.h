/* choice.h - learnable wires: what an input of a node can read, and which it reads (torchlogix connections.py).
 *
 * Slot s = node*rank + input has C candidates wire[s*C + i], indices in the layer before, with a weight
 * each. Forward it reads the candidate of the largest weight (the first of equals); backward, with g
 * the gradient of what was read,
 *   dL/dweight_i = sum of (2 x_i - 1) g over events      dL/dx_i += p_i g, p = softmax(weights / tau)
 * so that a wire that would have been on where more is wanted gains weight. Plain definition in
 * double: wiring.h, agreeing with torchlogix (`make golden`, lgn.h5 learnable_wiring). Here in float32, events in lanes (kernels.h):
 *   choose    p_i = exp((w_i - top) / tau) / sum, in double, rounded once; 0 where (w_i - top) / tau < -80
 *   backward  G and S_i: per lane, blocks of 16 ascending, of g (sums) and x_i g (first a product, then fma); lane tree;
 *             d_i = 2 S_i - G; dx row of candidate i = fma(p_i, g, row) where p_i > 0, slots ascending, i ascending
 *   update    d_i summed over shards ascending, then Adam as in kernels.h
 * The `_ref` twins give the same bytes (tests/unit/test_logic_learn.c).
 */
#ifndef CB_LOGIC_CHOICE_H
#define CB_LOGIC_CHOICE_H

#include "logic/kernels.h"

typedef struct {
    size_t n_slot;
    int c;
    const int32_t *wire; /* [n_slot][c] */
} cb_choice;

/* weight[n_slot][c] -> read[slot] and p[n_slot][c] of slots first .. end-1. */
void cb_choice_choose(const cb_choice *l, const float *weight, double tau, size_t first, size_t end, int32_t *read, float *p);
/* x[..][E], g[n_slot][E]: adds to dx[..][E] (NULL: not wanted), overwrites d[n_slot][c]. */
void cb_choice_backward(const cb_choice *l, const float *x, const float *g, const float *p, float *dx, float *d);
/* d of n_shard shards, `stride` floats apart: one Adam step of weights first .. end-1. */
void cb_choice_update(const cb_logic_adam *a, const float *d, size_t n_shard, size_t stride, size_t first, size_t end,
                      float *weight, float *m, float *v);

void cb_choice_backward_ref(const cb_choice *l, const float *x, const float *g, const float *p, float *dx, float *d);
void cb_choice_update_ref(const cb_logic_adam *a, const float *d, size_t n_shard, size_t stride, size_t first, size_t end,
                          float *weight, float *m, float *v);

#endif
