/* netlist.h - the hardware graph: SSA list with an exact interval per value.
 *
 * Node n has a value v = m * 2^-frac with integer m in [lo, hi] (bounds reached
 * or safe), and width bits: k + ceil(log2(max(|lo|, hi+1))), k = lo < 0. Operands
 * have smaller indices. Interpreter, Verilog, HLS C++, C emulator and the cost
 * report are readers of this one list.
 *
 *   INPUT   arg = input index
 *   CONST   lo = hi = value
 *   ADD     (a << sa) + (b << sb), or - (b << sb) when sub; sa, sb >= 0 in units of
 *           2^-frac. Exact, never wraps.
 *   NEG     -a
 *   QUANT   a quantized to `format` with round and overflow, ReLU first when relu:
 *           cb_node_quantize, which is cb_fixed_quantize but for one rounding mode
 *           that only the graph knows, CB_ROUND_EVEN_BIASED: half a unit is in `a`
 *           already, so what is left of round-half-to-even is
 *           floor, then bit 0 cleared if all dropped bits were 0.
 *           Construction turns RND, RND_CONV and RND_MIN_INF into a constant
 *           addition plus TRN or CB_ROUND_EVEN_BIASED, the other modes into TRN
 *           where `a` cannot be negative, and SAT into WRAP where nothing overflows;
 *           left are TRN, EVEN_BIASED, and TRN_ZERO, RND_ZERO, RND_INF of signed values.
 *   TABLE   a look-up table of 1 to 6 operands whose m is 0 or 1 (their frac does not matter):
 *           bit i of `table`, i = the operands in[0..n_in-1] as a binary number, in[0] the most
 *           significant digit; 0 or 1 with frac 0. a = in[0], b = in[1] or -1.
 *   SELECT, HOLD   only in a shared netlist (share.h): values that one event takes one after the other
 * A multiple 2^k of a node is that node with another frac: ADD of the node and the
 * constant 0. Two equal nodes never exist (hash-consing).
 */
#ifndef CB_HW_NETLIST_H
#define CB_HW_NETLIST_H

#include "data/artifact.h"
#include "quant/fixed.h"
#include "quant/programme.h"

#define CB_NETLIST_SCHEMA "cicada-bench/netlist/1"

enum { CB_ROUND_EVEN_BIASED = 7 }; /* beside cb_round */
enum { CB_NETLIST_BITS = 61 };     /* largest magnitude of any value, bits */

typedef enum { CB_NODE_INPUT, CB_NODE_CONST, CB_NODE_ADD, CB_NODE_NEG, CB_NODE_QUANT, CB_NODE_TABLE, CB_NODE_SELECT, CB_NODE_HOLD } cb_node_kind;

typedef struct {
    uint8_t kind, sub, relu, round, overflow;
    int8_t sa, sb, n_in; /* n_in: operands of a TABLE, else 0 */
    int16_t frac, phase; /* phase: SELECT, HOLD (share.h) */
    int32_t a, b;   /* operands, -1 if none; INPUT: a = input index */
    cb_format format;
    int64_t lo, hi;
    uint64_t table;
    int32_t in[CB_GATE_INPUTS]; /* TABLE */
    int32_t level;  /* adder levels from the inputs (QUANT with logic counts 1) */
    int32_t stage;  /* pipeline stage, set by cb_netlist_pipeline; 0 before */
} cb_node;

typedef struct {
    char name[64];
    int n_input, input_bits;  /* unsigned inputs of input_bits */
    int32_t n, room;
    cb_node *node;
    int32_t *slot, n_slot;    /* hash table of the construction */
    int n_output;
    int32_t *output;          /* node of each output; the score has frac 8 (CB_SCORE_FRAC) */
    bool ternary;             /* Verilog may add three operands in one carry chain (chains.h) */
    int ii;                   /* clocks from one event to the next of a shared netlist (share.h); 0 or 1 of any other */
    int n_stage;              /* register layers on the way from inputs to the registered output; 0 = combinational */
} cb_netlist;

/* Construction starts from a zeroed struct with name, n_input and input_bits set
 * (all return the node index or -1). Constants fold, equal nodes
 * merge, x+0 vanishes, quantizers that change nothing for the interval vanish. */
int32_t cb_netlist_input(cb_netlist *g, int index) CB_MUST;
int32_t cb_netlist_const(cb_netlist *g, int64_t value, int frac) CB_MUST;
int32_t cb_netlist_add(cb_netlist *g, int32_t a, int sa, int32_t b, int sb, bool sub) CB_MUST; /* v = a*2^sa +- b*2^sb; shifts of any sign */
int32_t cb_netlist_neg(cb_netlist *g, int32_t a) CB_MUST;
int32_t cb_netlist_quant(cb_netlist *g, int32_t a, cb_format t, cb_round r, cb_overflow o, bool relu) CB_MUST;
/* Constant operands, equal ones and those without influence vanish. */
int32_t cb_netlist_table(cb_netlist *g, int n_in, const int32_t *in, uint64_t table) CB_MUST;
/* Bit k of an unsigned node, as a node that is 0 or 2^k: a wire. */
int32_t cb_netlist_bit(cb_netlist *g, int32_t a, int k) CB_MUST;
/* The same value with exactly `frac` >= its own fraction bits (zeros below), for outputs. */
int32_t cb_netlist_align(cb_netlist *g, int32_t a, int frac) CB_MUST;
int cb_node_width(const cb_node *n);

/* The same for an operand that already holds half a unit of the result (see above). */
int32_t cb_netlist_quant_biased(cb_netlist *g, int32_t a, cb_format t, cb_overflow o, bool relu) CB_MUST;
/* Half a unit (or a little less) that rounding mode r adds before flooring from
 * `frac` to t.f fraction bits, in units of 2^-frac; 0 where the mode needs none. */
int64_t cb_netlist_rounding(int frac, cb_format t, cb_round r);
/* Tells a proven tighter interval than that of the operands. */
void cb_netlist_narrow(cb_netlist *g, int32_t n, int64_t lo, int64_t hi);
/* Operands of a node of any kind into in[6]; how many. */
int cb_node_operands(const cb_node *x, int32_t in[CB_GATE_INPUTS]);
/* No logic: inputs, constants, bit slices, additions of disjoint bit ranges. */
bool cb_node_is_wire(const cb_netlist *g, int32_t n);
/* The value of a QUANT node for the operand value v * 2^-frac. */
int64_t cb_node_quantize(const cb_node *q, int frac, int64_t v);
/* Bits of an integer range: (lo < 0) + bits of the magnitude. */
int cb_interval_width(int64_t lo, int64_t hi);

/* The mode with the same results where the operand (after ReLU) is never negative. */
cb_round cb_round_unsigned(cb_round r);

/* Lowering: integer programme -> netlist with shared shift-add subexpressions.
 * extra_levels: adder levels that one layer may have above the least possible;
 * < 0 = any, which gives the fewest adders (cb_netlist_from_programme). */
int cb_netlist_lower(cb_netlist *g, const cb_programme *p, int extra_levels) CB_MUST;
int cb_netlist_from_programme(cb_netlist *g, const cb_programme *p) CB_MUST;

/* Interpreter: et[n][n_input] -> code[n]; checks nothing but is exact. Threads. Of a shared netlist: its unfolding. */
int cb_netlist_score(const cb_netlist *g, const uint16_t *et, size_t n, uint16_t *code) CB_MUST;
/* One event: value[g->n] receives m of every node, the plain reference of the above. Not for shared netlists. */
void cb_netlist_trace(const cb_netlist *g, const uint16_t *et, int64_t *value);
/* m of node n alone, from the inputs and the values of its operands. */
int64_t cb_node_value(const cb_netlist *g, int32_t n, const uint16_t *et, const int64_t *value);

/* Pipeline cut (pipeline.h has those by delay): at most `levels` adder levels between registers (0: combinational); sets stage
 * and n_stage, with the fewest stages and, among those, the fewest register bits that cuts
 * between levels give. Inputs are not registered, the output is: n_stage clock
 * edges after an input the score stands at the output. */
int cb_netlist_pipeline(cb_netlist *g, int levels) CB_MUST;
/* Clocks from one event to the next: 1 where nothing is shared. */
int cb_netlist_interval(const cb_netlist *g);
/* Register bits of that pipeline (delayed copies and the outputs); -1 without memory. */
int64_t cb_netlist_register_bits(const cb_netlist *g) CB_MUST;

int cb_netlist_write(const cb_netlist *g, cb_h5 *f) CB_MUST;
int cb_netlist_read(cb_netlist *g, const char *path) CB_MUST;
/* Nodes that no output needs are dropped; the order of the others stays. */
int cb_netlist_prune(cb_netlist *g) CB_MUST;
/* The same; the new number of each old node, -1 of those that went. The caller frees. */
int32_t *cb_netlist_prune_to(cb_netlist *g) CB_MUST;
void cb_netlist_free(cb_netlist *g);

#endif
