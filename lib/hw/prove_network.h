#ifndef CB_HW_PROVE_NETWORK_H
#define CB_HW_PROVE_NETWORK_H

#include "hw/claims.h"
#include "hw/lowering.h"

typedef struct {
    cb_claim_limits limits;
    const char *scratch;
} cb_prove_tools;

enum { CB_PART_OUTPUT = -2 };

int cb_prove_nodes(const cb_netlist *g, bool comb, bool cells, const char *file, const cb_prove_tools *tools, cb_claims *c) CB_MUST;

#endif
