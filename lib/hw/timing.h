/* timing.h - the delay model: arrival time of every bit, so that the carries of adders in a row overlap.
 *
 * Net + LUT into a carry chain, along it, and out. xc7: arcs of Yosys's cell library (Artix-7 slow
 * corner) and 0.5 ns a net; xcup: 1.094 ns + 25 ps per bit of an adder (alkaid's surrogate). No
 * placement: good for ranking designs and placing registers, not as a timing promise.
 *
 * A chain of three operands (chains.h) has one LUT and one net more before it: the LUT6_2 of a place adds
 * the carry saved in the place below, which comes from that one's output O5. Yosys has no arc for O5; it
 * passes a multiplexer that O6 does not, and 150 ps (LUT6: 124) are assumed.
 */
#ifndef CB_HW_TIMING_H
#define CB_HW_TIMING_H

#include "hw/chains.h"
#include "hw/netlist.h"

/* The slowest stage, clock-to-output included, ps; 0 without logic, -1 without memory. plan: chains of three operands
 * and bits that chains lend each other (chains.h) count; NULL: every adder has a chain of its own. */
double cb_timing_path(const cb_netlist *g, const char *family, const cb_chains *plan);

/* Arrivals in trial stages, for cuts by delay. Chains of three operands are planned without registers; where a
 * cut parts one, its two adders count. */
typedef struct cb_timer cb_timer;
cb_timer *cb_timer_new(const cb_netlist *g, const char *family) CB_MUST;
/* latest[l], l = 0..depth: the last arrival (ps) among the nodes of `stage` whose level[node] is l; what they read from other
 * stages comes out of registers. The stages are those of the netlist now. */
void cb_timer_stage(cb_timer *t, int stage, const int32_t *level, int depth, int32_t *latest);
void cb_timer_free(cb_timer *t);

#endif
