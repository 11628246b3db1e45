/* graph_bits.h - the values of a netlist as words of bits, for claims about it.
 *
 * Some nodes are leaves: their values are free, every one of their bits an input of the and-inverter graph, and a
 * claim assumes that they keep to their intervals. Any other node is what the graph says of its operands.
 */
#ifndef CB_HW_GRAPH_BITS_H
#define CB_HW_GRAPH_BITS_H

#include "hw/lowering.h"
#include "hw/rule_bits.h"

typedef struct {
    const cb_netlist *g;
    cb_aig *aig;
    bool *leaf;    /* [g->n] to be set by the caller */
    uint32_t *at;  /* [g->n] first input of each node */
    uint32_t bits; /* inputs that the nodes take; what is behind them is the caller's */
} cb_graph_bits;

/* No leaves yet. aig: begun before the first word is asked for, with at least `bits` inputs. */
int cb_graph_bits_begin(cb_graph_bits *b, const cb_netlist *g, cb_aig *aig) CB_MUST;
void cb_graph_bits_free(cb_graph_bits *b);
/* The nodes that hold something. */
void cb_graph_bits_mark(cb_graph_bits *b, const cb_held *h, int64_t n);

/* m of node n: free; as a reader sees it; as the graph defines it of its operands. */
cb_word cb_graph_free(cb_graph_bits *b, int32_t n);
cb_word cb_graph_value(cb_graph_bits *b, int32_t n);
cb_word cb_graph_definition(cb_graph_bits *b, int32_t n);
/* A free m of node n keeps to its interval. */
cb_lit cb_graph_assumed(cb_graph_bits *b, int32_t n, const cb_word *m);
/* What h holds, m being that of its node, as a multiple of 2^-frac, frac >= the exponent. */
cb_word cb_graph_held(cb_graph_bits *b, const cb_held *h, cb_word m, int frac);
/* What h holds differs from the operand s * 2^-rule.frac quantized. */
cb_lit cb_graph_misquantized(cb_graph_bits *b, const cb_held *h, cb_word m, const cb_word *s, const cb_rule *r);

#endif
