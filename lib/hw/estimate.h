/* estimate.h - from [hardware] to a netlist with its registers, and what it costs, without files, checks or tools.
 *
 * The numbers are those that `synthesize` reports as step "estimate" for the same configuration; what is
 * left out is everything emit-hls writes and proves. For tables over whole fronts and for
 * searches that rank many students.
 */
#ifndef CB_HW_ESTIMATE_H
#define CB_HW_ESTIMATE_H

#include "base/config.h"
#include "hw/cost.h"
#include "hw/pipeline.h"

typedef struct {
    int extra_levels, ii;
    bool ternary;
    int effort;                 /* as cb_lowering_rules; with less than what is built the numbers are a few percent larger */
    cb_pipeline_rules pipeline; /* pipeline.family: of the delays, xc7 or xcup */
} cb_hardware_rules;

/* [hardware] and part.family. The family's text is c's. */
cb_hardware_rules cb_hardware_rules_of(const cb_config *c);

/* Lowered, shared (share.h; ii stays 1 where there is nothing to share) and cut. */
int cb_hardware_make(cb_netlist *g, const cb_programme *p, const cb_hardware_rules *r) CB_MUST;

/* Any thread; allocates and frees its own netlist. */
int cb_estimate_programme(const cb_programme *p, const cb_hardware_rules *r, cb_cost *cost) CB_MUST;

#endif
