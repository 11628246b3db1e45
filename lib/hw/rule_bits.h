/* rule_bits.h - what a node of the graph or an operation of the programme does, as logic for claims.
 *
 * Written as the definitions say (fixed.h, netlist.h), on signed numbers wide enough for everything, not as
 * hardware would be built: the other side of a claim is the hardware.
 */
#ifndef CB_HW_RULE_BITS_H
#define CB_HW_RULE_BITS_H

#include "hw/aig.h"
#include "hw/netlist.h"

typedef struct {
    int frac;          /* of the operand, whose value is v * 2^-frac */
    cb_format format;
    uint8_t round;     /* cb_round or CB_ROUND_EVEN_BIASED */
    cb_overflow overflow;
    bool relu;
} cb_rule;

/* A sum, or (NEG) minus x, of the values of the operands. */
cb_word cb_rule_sum(cb_aig *a, const cb_node *n, const cb_word *x, const cb_word *y);
/* The operand quantized by the rule, in units of 2^-format.f. */
cb_word cb_rule_quantize(cb_aig *a, const cb_word *v, const cb_rule *r);
cb_rule cb_rule_of_node(const cb_netlist *g, int32_t quant);
/* Entry `bits` of a table of k <= 6 operands, the first the most significant digit. */
cb_lit cb_rule_table(cb_aig *a, uint64_t table, int k, const cb_lit *bits);

#endif
