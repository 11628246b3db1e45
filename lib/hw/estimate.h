/* estimate.h - resources of a student without files, checks or tools: lowering, pipeline cut, cost model.
 *
 * The numbers are those that `synthesize` reports as step "estimate" for the same configuration; what is
 * left out is everything emit-hls writes and proves. For tables over whole fronts and for
 * searches that rank many students.
 */
#ifndef CB_HW_ESTIMATE_H
#define CB_HW_ESTIMATE_H

#include "hw/cost.h"

typedef struct {
    int extra_levels, levels_per_stage; /* [hardware]; 0 levels a stage: combinational */
    const char *family;                 /* xc7 or xcup */
} cb_estimate_rules;

/* Any thread; allocates and frees its own netlist. */
int cb_estimate_programme(const cb_programme *p, const cb_estimate_rules *r, cb_cost *cost) CB_MUST;

#endif
