/* cost.h - what a netlist will cost, without any synthesis tool.
 *
 * Two counting rules, both per two-operand adder and summed:
 *   span   "adder-span": one LUT per bit from the top of the wider operand to the
 *          LSB of the coarser one (da4ml's cost). On 20 published designs of 35k to
 *          296k LUT this is -3 % ... +13 % below Vivado's post-route LUTs (mean 5 %).
 *   sites  "carry-chain": LUT sites of Xilinx carry chains, route-throughs counted,
 *          to be compared with the packed estimate of sites.h. a + (b << s) and
 *          a - (b << s): the low s bits are wires, every other result bit is a
 *          site. (a << s) - b: a borrow ripples through the low bits too, so all
 *          result bits. -a: the same. A bit where both operands are constant, as the
 *          carry out of two unsigned ones, has a carry bit but no LUT. Disjoint
 *          operands are wires. Measured: within 2 % of Yosys's packed count, flip-flops
 *          and CARRY4 too, on v1p1p2 and v2p1p2 with registers.
 * The sum of sites is that of the chains as Verilog has them (chains.h: offsets, ternary adders); the rule
 * for one node is that of an adder with a chain of its own.
 * Quantizers: truncation and wrap-around are wires (half a unit is an addition of
 * the graph); half-to-even has a tree of LUT6 over the dropped bits, saturation one
 * over the bits above the format; ReLU and saturation share one LUT per output bit,
 * and two of those (bit, bit, sign, saturated) share a site. span counts half a LUT
 * per output bit for each of ReLU and saturation.
 * Multiplexers of a shared netlist: a LUT6 for each bit of four values, half a one of two; above four the
 * multiplexers behind the LUTs (MUXF7, MUXF8).
 * Tables: one LUT each (two of up to five shared inputs could share a site: not counted).
 * Registers: each bit from the stage that makes it to its last reader, bits that are
 * wires of another value once; inputs count once they are needed after stage 0, outputs
 * until n_stage. A delay of three or more stages without a reader in between is one
 * SRL16, two to a site, as the tools do.
 * Delay: timing.h.
 */
#ifndef CB_HW_COST_H
#define CB_HW_COST_H

#include "hw/netlist.h"

typedef struct {
    int span, sites; /* LUTs by the two rules */
    int carry;       /* CARRY4 blocks of four bits */
} cb_node_cost;

typedef struct {
    int64_t adders;              /* two-operand additions, negations included */
    int64_t quantizers;          /* that need logic */
    int64_t span, sites, carry;  /* sums over the nodes */
    int64_t tables;              /* look-up tables */
    int64_t quant_sites;         /* part of sites: quantizers, tables, multiplexers */
    int64_t select_sites;        /* of them the multiplexers of a shared netlist */
    int64_t raw;                 /* LUT1..6 + INV of the adders alone, as Yosys counts */
    int64_t adder_carry, fused;  /* part of carry if every adder had a chain of its own; adders in another's chain */
    int64_t ff, srl;             /* flip-flops; bits of shift registers (their sites are in sites) */
    int levels;                  /* largest node level */
    int cycles;                  /* register layers from input to output */
    double path_ns;              /* slowest stage, clock-to-output included */
    double fmax_mhz;             /* 1000 / path_ns; 0 without logic */
} cb_cost;

/* chain: result bits that need a carry bit. sites: those of them whose operand bits
 * are not both constant, so not the carry out of two unsigned operands. A constant
 * starts at its lowest set bit. */
void cb_cost_measure_adder(const cb_netlist *g, const cb_node *n, int *chain, int *sites);
void cb_cost_node(const cb_netlist *g, int32_t node, cb_node_cost *cost);
/* family: "xc7" or "xcup", for the delays. */
int cb_cost_estimate(const cb_netlist *g, const char *family, cb_cost *cost) CB_MUST;

/* One sentence for each rule, for the report. */
extern const char cb_cost_span_accuracy[], cb_cost_sites_accuracy[];

#endif
