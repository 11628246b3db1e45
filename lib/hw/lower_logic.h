/* lower_logic.h - bit operations of a programme -> look-up tables of the graph.
 *
 * COMPARE: x > t of an unsigned input or sum is one table of its bits above the trailing ones of t where these are at most
 * six, and one more for every five bits beyond; a single bit of x is a wire. LOGIC: a table a gate. A weighted sum of bits (each output of
 * a DENSE after LOGIC): six bits at a time, of neighbouring weight, are a number whose every bit is one table of the six; those
 * numbers are added in a tree. A popcount of adders takes about one LUT a counted bit;
 * here the multiplications by weights cost nothing.
 */
#ifndef CB_HW_LOWER_LOGIC_H
#define CB_HW_LOWER_LOGIC_H

#include "hw/lowering.h"
#include "hw/netlist.h"

/* in: nodes of the operation's inputs; out: receives those of its outputs; map, if not NULL: notes
 * which node is which gate, and what each number of six bits counts. */
int cb_lower_compare(cb_netlist *g, const cb_op *op, const int32_t *in, int32_t *out) CB_MUST;
int cb_lower_logic(cb_netlist *g, const cb_op *op, const int32_t *in, int32_t *out, cb_lowering *map) CB_MUST;
int cb_lower_bit_sums(cb_netlist *g, const cb_op *op, const int32_t *in, int32_t *out, cb_lowering *map) CB_MUST;

#endif
