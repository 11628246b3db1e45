/* lowering.h - which node of a netlist holds which value of the programme.
 *
 * cb_netlist_lower forgets where the values of the programme went; a proof of it needs to know. Lowering
 * with a map gives the same netlist and notes, for every element of every tensor that exists in the
 * graph, every gate of a circuit and every number that counts six bits, the node that holds it.
 * The tensor between a linear operation and the QUANT behind it does not exist: the sum in the graph also
 * has the half unit of the rounding. value[] of that operation is NULL.
 */
#ifndef CB_HW_LOWERING_H
#define CB_HW_LOWERING_H

#include "hw/netlist.h"

enum { CB_HELD_CONSTANT = -1, CB_HELD_DROPPED = -2 };

/* The value is m(node) * 2^-exponent, or minus that. Multiples and negations are seen through: the node is
 * an input, a quantizer, a table or a true sum. CB_HELD_CONSTANT: constant * 2^-exponent, no node;
 * CB_HELD_DROPPED: no output needs the value. */
typedef struct {
    int32_t node;
    int exponent;
    bool neg;
    int64_t constant;
} cb_held;

/* sum of weight * bit, less the least value it can have, in units of the operation's out_frac. */
typedef struct {
    int n;
    cb_held bit[CB_GATE_INPUTS], number;
    int64_t weight[CB_GATE_INPUTS], least;
    int output;              /* of the operation: the sum that it is part of */
} cb_bit_group;

typedef struct {
    int64_t n_value[CB_MAX_OPS];
    cb_held *value[CB_MAX_OPS]; /* elements of the output of each operation */
    int64_t n_signal;
    cb_held *signal; /* of the operation LOGIC, if there is one: inputs of the circuit, then gates */
    int64_t n_group;
    cb_bit_group *group; /* of a weighted sum of bits */
} cb_lowering;

/* How a programme is lowered. */
typedef struct {
    int extra_levels; /* as cb_netlist_lower */
    int ii;           /* as cb_netlist_lower_shared; 0: 1 */
    bool ternary;     /* the netlist's; also decides which of the refined matrices is chosen */
    int effort;       /* cb_cmvm_problem.effort of a layer's first problem; 0: CB_LOWERING_EFFORT, what is built; < 0: none */
} cb_lowering_rules;
/* About a second of processor time for the deployed networks. */
enum { CB_LOWERING_EFFORT = 16 };

/* All others are this. map: NULL, or the caller frees it. */
int cb_netlist_lower_by(cb_netlist *g, const cb_programme *p, const cb_lowering_rules *r, cb_lowering *map) CB_MUST;
/* cb_netlist_lower with the map, which the caller frees. */
int cb_netlist_lower_map(cb_netlist *g, const cb_programme *p, int extra_levels, cb_lowering *map) CB_MUST;
void cb_lowering_free(cb_lowering *map);

/* For the lowering itself: what node n holds; notes; new numbers of the nodes (-1: dropped). */
cb_held cb_held_of(const cb_netlist *g, int32_t n);
int cb_lowering_tensor(cb_lowering *map, const cb_netlist *g, const cb_programme *p, int op, const int32_t *node) CB_MUST;
int cb_lowering_signals(cb_lowering *map, const cb_netlist *g, const int32_t *node, int64_t n) CB_MUST;
int cb_lowering_group(cb_lowering *map, const cb_bit_group *x) CB_MUST;
void cb_lowering_renumber(cb_lowering *map, const int32_t *to);

#endif
