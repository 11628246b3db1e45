#include "hw/estimate.h"

#include "hw/lowering.h"

cb_hardware_rules cb_hardware_rules_of(const cb_config *c) {
    return (cb_hardware_rules){.extra_levels = (int)cb_config_int(c, "hardware", "extra_levels"),
                               .ii = (int)cb_config_int(c, "hardware", "ii"),
                               .ternary = cb_config_bool(c, "hardware", "ternary"),
                               .pipeline = {.levels = (int)cb_config_int(c, "hardware", "levels_per_stage"),
                                            .clock_ns = cb_config_real(c, "hardware", "clock_ns"),
                                            .family = cb_config_text(c, "part", "family"),
                                            .latency = (int)cb_config_int(c, "hardware", "latency")}};
}

int cb_hardware_make(cb_netlist *g, const cb_programme *p, const cb_hardware_rules *r) {
    cb_lowering_rules lowering = {.extra_levels = r->extra_levels, .ii = r->ii, .ternary = r->ternary, .effort = r->effort};
    if (cb_netlist_lower_by(g, p, &lowering, NULL)) return -1;
    if (!cb_netlist_cut(g, &r->pipeline)) return 0;
    cb_netlist_free(g);
    return -1;
}

int cb_estimate_programme(const cb_programme *p, const cb_hardware_rules *r, cb_cost *cost) {
    cb_netlist net;
    if (cb_hardware_make(&net, p, r)) return -1;
    int rc = cb_cost_estimate(&net, r->pipeline.family, cost);
    cb_netlist_free(&net);
    return rc;
}
