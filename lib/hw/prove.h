/* prove.h - proofs, for all inputs, that one form of a network equals the next.
 *
 *   programme -> graph   A layer's sums are linear: the graph of a constant matrix is multiplied out, and
 *                        every output must have exactly the coefficients of the matrix, every
 *                        interval those of its coefficients (cb_prove_matrix; lower.c does it always).
 *   graph -> chains      Every vector place of a chain is a bit of a node, inverted or not: a linear form of
 *                        bits. The sum of the places must be, bit by bit and modulo 2^width, the sum of the
 *                        node's terms plus its offset (cb_prove_chains; the Verilog printer does it always).
 * Both are exact arithmetic on coefficients, not sampling: they hold for every input, and they take
 * milliseconds. The printing of a chain as Verilog is left to simulation (verify.h) and to SAT (prove_network.h).
 */
#ifndef CB_HW_PROVE_H
#define CB_HW_PROVE_H

#include "hw/chains.h"
#include "hw/cmvm.h"

/* Fails, naming the output or node, if the graph is not the matrix. */
int cb_prove_matrix(const cb_cmvm_problem *p, const cb_cmvm_graph *g) CB_MUST;

/* Fails, naming the node, if a chain does not add what the graph says. */
int cb_prove_chains(const cb_netlist *g, const cb_chains *plan) CB_MUST;

#endif
