/* wiring.h - which inputs a node reads: random, unique, or learnt.
 *
 * wire[out*rank + j] in 0 .. n_in-1. All draws are from the generator given.
 */
#ifndef CB_LOGIC_WIRING_H
#define CB_LOGIC_WIRING_H

#include <stdint.h>

#include "base/error.h"
#include "base/rng.h"

/* Every input is used floor or ceil(n_out*rank / n_in) times: a permutation of the slots modulo n_in through a
 * permutation of the inputs (difflogic get_connections, "random"). `distinct`: a node that would read the
 * same input twice exchanges one of them with a slot of another node, where the inputs allow it
 * (difflogic and the published networks leave x ^ x standing). */
int cb_wires_random(cb_rng *r, int n_in, int n_out, int rank, int distinct, int32_t *wire) CB_MUST;
/* Pairs (0,1), (2,3) ..., then (1,2), (3,4) ..., then all at distance 2, 3, ..., cut to n_out and shuffled: no pair
 * twice, no self pair (difflogic "unique"). Fails if there are fewer than n_out pairs. */
int cb_wires_unique(cb_rng *r, int n_in, int n_out, int32_t *wire) CB_MUST;
/* Leaves of a convolution, i.i.d. uniform over field x channels of the kernel's group:
 * leaf[rank][kernels][leaves][4] (network.h). group = 0: all channels; else kernel k sees channels
 * (k mod (C - group + 1)) .. + group - 1 (torchlogix channel_group_size). */
void cb_wires_leaves(cb_rng *r, int rank, int kernels, int leaves, const int field[3], int channels, int group,
                     int32_t *leaf);

/* ---- learnable wiring (torchlogix connections.py; dense layers) ----
 * Slot s (input j of node o) chooses among c candidates: forward the one of the largest weight (first of
 * equals); backward with g = dL/d(slot):
 *   dL/dweight[i] += (2 x[candidate i] - 1) g        dL/dx[candidate i] += softmax(weight / tau)[i] g
 * candidate, weight: [c] of one slot, `step` elements apart. */
int cb_wire_choice(const double *weight, int c, int step);
void cb_wire_backward(const double *x, const int32_t *candidate, const double *weight, int c, int step, double tau,
                      double g, double *d_weight, double *dx);

#endif
