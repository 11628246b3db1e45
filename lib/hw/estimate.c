#include "hw/estimate.h"

int cb_estimate_programme(const cb_programme *p, const cb_estimate_rules *r, cb_cost *cost) {
    cb_netlist net = {0};
    int rc = cb_netlist_lower(&net, p, r->extra_levels) || cb_netlist_pipeline(&net, r->levels_per_stage) ||
                     cb_cost_estimate(&net, r->family, cost)
                 ? -1
                 : 0;
    cb_netlist_free(&net);
    return rc;
}
