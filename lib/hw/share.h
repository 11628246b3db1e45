/* share.h - hardware that several positions of a layer use one after the other.
 *
 * A layer with P positions (a convolution) has P equal copies of one kernel in the netlist. With an
 * initiation interval of II clocks, ceil(P / II) engines do: in phase p (0 .. II-1) of an event an engine
 * computes its p-th position. A *shared* netlist (cb_netlist.ii = II > 1) says so with two kinds of nodes:
 *
 *   SELECT  bit `phase` of the phase counter is 0: a << sa, else b << sb (the same value in units of the
 *           node). Trees of them (cb_netlist_select) are the input multiplexers of an engine. The
 *           operands must stand still for the II clocks of the event (cb_netlist_standing).
 *   HOLD    a register with enable. phase p >= 0: takes `a` in phase p of the event; all of an engine's
 *           outputs stand at once in the one clock II clocks after phase 0. phase -1: takes an
 *           ordinary value once an event and stands for II clocks.
 *
 * Its meaning is its unfolding: for every phase a copy of what depends on SELECT, with SELECT and HOLD
 * gone; one event in, one score out, and any reader of ordinary netlists may read it. Only
 * Verilog, register counts and the cost model read the shared form.
 *
 * Time: an event's inputs stand for the clocks 0 .. II-1 (counted from its first one). A value of stage s
 * that depends on SELECT has its value of phase p in clock s + p; any other in clock s (values made of
 * inputs and HOLD -1 alone also in the II-1 clocks behind). HOLD p >= 0 reads its operand in clocks
 * s + p, s = cb_node_read_stage, and has stage s + II; HOLD -1 reads in clock s and has stage s + 1.
 * So sharing lengthens the latency by II-1 clocks, and an event leaves every II clocks.
 *
 * What follows a convolution is not shared: a dense layer would need other weights in every phase,
 * that is multiplexers of digits (more LUTs than the constant shift-adds they would save). It runs
 * fully unrolled and is fed every II clocks.
 */
#ifndef CB_HW_SHARE_H
#define CB_HW_SHARE_H

#include "hw/lowering.h"

enum { CB_MOST_PHASES = 4096 };

/* Lowering with at most `ii` positions an engine. Only positions whose quantizers are alike share one; where none
 * are, or no layer has two positions, nothing is shared and g->ii is 1. Fails if ii is larger than
 * the positions of every layer. ii = 1: cb_netlist_lower. */
int cb_netlist_lower_shared(cb_netlist *g, const cb_programme *p, int extra_levels, int ii) CB_MUST;
/* The same with a map (lowering.h) into the shared netlist, which the caller frees. */
int cb_netlist_lower_shared_map(cb_netlist *g, const cb_programme *p, int extra_levels, int ii, cb_lowering *map) CB_MUST;

/* The same function without SELECT and HOLD, not pipelined. */
int cb_netlist_unfold(const cb_netlist *g, cb_netlist *flat) CB_MUST;

/* Where the unfolding has which value: node i in phase p < copies[i] (one phase only where it is not phased) is
 * value[first[i] + p], multiples and negations seen through. */
typedef struct {
    bool *phased;
    int32_t *copies;
    size_t *first, n;
    cb_held *value;
} cb_unfolding;

/* The same with that map, which the caller frees. */
int cb_netlist_unfold_map(const cb_netlist *g, cb_netlist *flat, cb_unfolding *u) CB_MUST;
void cb_unfolding_free(cb_unfolding *u);
const cb_held *cb_unfolding_at(const cb_unfolding *u, int32_t n, int phase);
/* A map of the shared netlist becomes one of its unfolding. */
void cb_lowering_unfold(cb_lowering *map, const cb_netlist *g, const cb_unfolding *u);

/* in[p] is the value of phase p; n >= 1. */
int32_t cb_netlist_select(cb_netlist *g, int n, const int32_t *in) CB_MUST;
int32_t cb_netlist_hold(cb_netlist *g, int32_t a, int phase) CB_MUST;
/* stands[i]: does node i stand still for the clocks of an event? For all nodes; the caller frees. */
bool *cb_netlist_standing(const cb_netlist *g) CB_MUST;
/* phased[i]: does node i depend on SELECT, with another value in every phase? The caller frees. */
bool *cb_netlist_phased(const cb_netlist *g) CB_MUST;
/* The stage in which x reads its operands: its own, but for HOLD. */
int cb_node_read_stage(const cb_netlist *g, const cb_node *x);
/* The phase at the module's inputs, 0 .. ii-1, in which a HOLD takes its operand. */
int cb_hold_clock(const cb_netlist *g, const cb_node *x);
/* Bits of the phase counter; clocks by which the latest SELECT reads it (modulo ii). */
int cb_netlist_phase_bits(const cb_netlist *g);
int cb_netlist_phase_delay(const cb_netlist *g);

#endif
