/* pipeline.h - where the registers go.
 *
 * Registers are cut between adder levels: the fewest stages that the rule allows and, among those, the
 * fewest register bits. The rule is a number of levels, or the clock: a stage is then as long as the
 * delay model (cost.h) lets it be. A shared netlist (share.h) is cut piece by piece between its HOLD
 * nodes, each of which is a register of its own and lengthens the way by ii - 1 clocks.
 */
#ifndef CB_HW_PIPELINE_H
#define CB_HW_PIPELINE_H

#include "hw/netlist.h"

enum { CB_BY_DELAY = -1 };

typedef struct {
    int levels;         /* adder levels between registers; 0: combinational; CB_BY_DELAY: as the clock allows */
    double clock_ns;    /* of CB_BY_DELAY */
    const char *family; /* of its delays, "xc7" or "xcup" */
    int latency;        /* clocks from an event's first one to its score; 0: the fewest */
} cb_pipeline_rules;

/* Sets stage and n_stage. Fails, naming the shortest that is possible, where the latency or the clock is too short,
 * or if a shared netlist is to have no registers. */
int cb_netlist_cut(cb_netlist *g, const cb_pipeline_rules *r) CB_MUST;

#endif
