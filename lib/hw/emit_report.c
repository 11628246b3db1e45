#include "hw/emit_report.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/version.h"
#include "hw/emit_common.h"

typedef struct {
    int64_t adders, constants, quantizers, tables, selects, holds;
    int depth;
} counts;

static counts count(const cb_netlist *g) {
    counts c = {0};
    for (int32_t i = 0; i < g->n; i++) {
        const cb_node *x = &g->node[i];
        if (x->level > c.depth) c.depth = x->level;
        if (cb_node_is_wire(g, i)) continue;
        if (x->kind == CB_NODE_QUANT) c.quantizers++;
        else if (x->kind == CB_NODE_TABLE) c.tables++;
        else if (x->kind == CB_NODE_SELECT) c.selects++;
        else if (x->kind == CB_NODE_HOLD) c.holds++;
        else c.adders++;
        if (x->kind == CB_NODE_ADD && (g->node[x->a].kind == CB_NODE_CONST || g->node[x->b].kind == CB_NODE_CONST))
            c.constants++;
    }
    return c;
}

static json_t *inputs(const cb_emit_record *r) {
    json_t *j = json_object();
    for (int i = 0; j && i < r->n_input_file; i++) {
        char hex[65];
        if (cb_sha256_file(r->file[i], hex) || json_object_set_new(j, r->role[i], json_string(hex))) return json_decref(j), NULL;
    }
    return j;
}

/* SHA-256 of the files with recorded events and scores. */
static json_t *recorded(const cb_recorded *k) {
    json_t *list = json_array();
    for (size_t i = 0; list && i < k->n_file; i++) {
        char hex[2][65];
        if (cb_sha256_file(k->file[2 * i], hex[0]) || cb_sha256_file(k->file[2 * i + 1], hex[1]) ||
            json_array_append_new(list, json_pack("{ss ss}", "events", hex[0], "scores", hex[1])))
            return json_decref(list), NULL;
    }
    return list;
}

static json_t *checks(const cb_emit_record *r) {
    json_t *list = json_array();
    for (int i = 0; list && i < r->n_check; i++) {
        const cb_check *c = &r->check[i];
        json_t *j = json_pack("{ss ss ss sI sI}", "representation", c->what, "tool", c->tool, "status", c->status, "checked",
                              (json_int_t)c->checked, "mismatches", (json_int_t)c->mismatches);
        if (!j || json_array_append_new(list, j)) return json_decref(list), NULL;
    }
    return list;
}

static json_t *estimate(const cb_emit_record *r) {
    const cb_cost *c = r->cost;
    return json_pack("{ss sI sI sI sf sf}", "family", r->family, "lut_sites", (json_int_t)c->sites, "ff", (json_int_t)c->ff, "srl",
                     (json_int_t)c->srl, "path_ns", c->path_ns, "fmax_mhz", c->fmax_mhz);
}

/* Keys that only some designs have. */
static int add_more(json_t *j, const counts *c) {
    return (c->tables && json_object_set_new(j, "tables", json_integer((json_int_t)c->tables))) ||
           (c->holds && (json_object_set_new(j, "selects", json_integer((json_int_t)c->selects)) ||
                         json_object_set_new(j, "holds", json_integer((json_int_t)c->holds)))) ? -1 : 0;
}

static json_t *design(const cb_emit *e, const cb_emit_record *r) {
    const cb_netlist *g = cb_emit_hardware(e);
    counts c = count(g);
    int64_t bits = cb_netlist_register_bits(g);
    if (bits < 0) return NULL;
    json_t *j = json_pack("{sI sI sI sI si si si sf si sf ss sI so s{si si ss} s{si si}}", "adders", (json_int_t)c.adders,
                     "constants_added", (json_int_t)c.constants, "quantizers", (json_int_t)c.quantizers, "nodes",
                     (json_int_t)g->n, "depth", c.depth, "stages", g->n_stage, "latency_cycles", g->n_stage, "latency_ns",
                     g->n_stage * e->clock_ns, "ii", cb_netlist_interval(g), "clock_ns", e->clock_ns, "part", e->part, "register_bits",
                     (json_int_t)bits, "estimate", estimate(r), "input", "regions", g->n_input, "bits", g->input_bits, "layout",
                     "region r = model_inp[bits*r +: bits], row-major", "output", "bits", CB_SCORE_BITS, "fraction_bits",
                     CB_SCORE_FRAC);
    if (j && add_more(j, &c)) return json_decref(j), NULL;
    return j;
}

static json_t *whole(const cb_emit *e, const cb_emit_record *r) {
    const cb_check_events *v = r->events;
    json_t *j = json_pack("{ss ss ss ss ss so so s{sI sI sI sI sI}}", "schema", "cicada-bench/firmware/1", "version", CB_VERSION,
                          "config", r->config, "student", e->programme->name, "family", e->programme->family, "inputs",
                          inputs(r), "checks", checks(r), "check_events", "directed", (json_int_t)v->n_directed, "data",
                          (json_int_t)v->n_data, "random", (json_int_t)v->n_random, "conditions", (json_int_t)v->conditions,
                          "covered", (json_int_t)v->covered);
    if (j && v->n_recorded && json_object_set_new(json_object_get(j, "check_events"), "recorded", json_integer((json_int_t)v->n_recorded)))
        return json_decref(j), NULL;
    if (j && r->recorded && json_object_set_new(j, "recorded", recorded(r->recorded))) return json_decref(j), NULL;
    json_t *d = j ? design(e, r) : NULL;
    if (!d || json_object_update(j, d)) {
        json_decref(j);
        j = NULL;
    }
    json_decref(d);
    return j;
}

int cb_emit_report(const cb_emit *e, const cb_emit_record *r) {
    json_t *j = whole(e, r);
    if (!j) return cb_fail_in("report.json cannot be made");
    char *text = json_dumps(j, JSON_INDENT(1) | JSON_SORT_KEYS | JSON_REAL_PRECISION(9)), *path = cb_textf("%s/report.json", e->dir),
         *line = text ? cb_textf("%s\n", text) : NULL;
    json_decref(j);
    int rc = line && path ? cb_file_write(path, line) : -1;
    free(text);
    free(path);
    free(line);
    return rc;
}
