/* bit_graph.h - a circuit with weighted outputs as a graph of two-input gates and multiplexers, each
 * function once: what quant/bit_tape.h schedules.
 *
 * Node 0 is the constant 0, nodes 1 .. n_input are the inputs, then gates, whose inputs are
 * earlier nodes. A literal is 2 * node + (1: inverted); inverters are no nodes, since every gate
 * absorbs those of its inputs (~a & ~b is ~(a | b), a multiplexer exchanges its branches).
 *
 * Tables of up to six inputs are expanded by Shannon's rule, first input first, so that constants, wires, equal and
 * opposite functions vanish as they are made. Outputs of one node become one weight:
 * sum_o w_o y_o = offset + sum_node weight[node] * node.
 */
#ifndef CB_QUANT_BIT_GRAPH_H
#define CB_QUANT_BIT_GRAPH_H

#include "quant/circuit.h"

/* a & b, a & ~b, a | b, a ^ b, a ? b : c, a ? ~b : c. */
typedef enum { CB_BIT_AND, CB_BIT_ANDN, CB_BIT_OR, CB_BIT_XOR, CB_BIT_MUX, CB_BIT_MUXN, CB_BIT_BASIC } cb_bit_kind;

typedef struct {
    int32_t kind, in[3]; /* in[2]: multiplexers */
} cb_bit_node;

typedef struct {
    int32_t n_input, n, room; /* nodes, with the constant and the inputs; that fit */
    cb_bit_node *node;
    int64_t *weight, offset;  /* [n] */
    int32_t *slot;            /* hash table of gates, `slots` (a power of two) entries, 0 = free */
    uint32_t slots;
} cb_bit_graph;

/* weight[o] of the circuit's outputs. Fails where the sum of |weights| reaches 2^31. */
int cb_bit_graph_new(cb_bit_graph *g, const cb_circuit *c, const int32_t *weight) CB_MUST;
void cb_bit_graph_free(cb_bit_graph *g);
/* Inputs of a node: 0 (constant, inputs of the circuit), 2 or 3. */
int cb_bit_arity(const cb_bit_graph *g, int32_t node);

#endif
