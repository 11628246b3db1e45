#include "hw/prove_network.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "hw/emit_common.h"
#include "stats/table.h"

static void add_row(cb_proof *proof, const char *from, const char *to, const char *method, const char *covers, int64_t claims, int64_t proved,
                    int64_t open, int64_t refuted) {
    cb_proof_row *r = &proof->row[proof->n++];
    *r = (cb_proof_row){from, to, method, covers, claims, proved, open, refuted};
    cb_info("proof: %s = %s, %s: %lld of %lld proved%s", from, to, method, (long long)proved, (long long)claims,
            refuted ? ", REFUTED" : open ? ", the others open: conflict limit" : "");
}

static int prove_programme(const cb_programme *p, const cb_netlist *g, const cb_lowering *map, const cb_prove_tools *tools, cb_proof *proof) {
    cb_claims c;
    int64_t sums = 0;
    int rc = cb_prove_layers(p, g, map, tools, &c, &sums);
    if (sums) add_row(proof, "programme", "netlist", "sums multiplied out", "lowering, constant matrices, folding, merging, dead nodes", sums, sums, 0, 0);
    if (c.n) add_row(proof, "programme", "netlist", "rules by SAT", "rounding, saturation, dropped bits, comparators, tables", c.n, c.proved, c.open, c.refuted);
    cb_claims_free(&c);
    return rc;
}

static int prove_file(const cb_netlist *g, const char *dir, bool comb, bool cells, const cb_prove_tools *tools, cb_proof *proof) {
    char module[64];
    cb_claims c = {0};
    cb_emit_identifier(g->name, module);
    char *file = cb_textf("%s/verilog/%s%s.v", dir, module, comb ? "_comb" : "");
    int rc = file ? cb_prove_nodes(g, comb, cells, file, tools, &c, NULL) : -1;
    const char *to = comb ? cells ? "combinational Verilog, 7-series cells" : "combinational Verilog"
                          : cells ? "pipelined Verilog, 7-series cells" : "pipelined Verilog";
    if (c.n) add_row(proof, g->ii > 1 ? "shared netlist" : "netlist", to, g->ternary ? "wires by SAT, chains of three also by algebra" : "wires by SAT, lent bits also by algebra",
                     comb ? "carry chains, offsets, printing" : "pipeline cut, registers, carry chains, offsets, printing", c.n, c.proved, c.open, c.refuted);
    cb_claims_free(&c);
    free(file);
    return rc;
}

static int prove_sharing(const cb_proof_subject *s, const cb_prove_tools *tools, cb_proof *proof) {
    cb_claims c;
    int64_t identities = 0, reads = 0;
    int rc = cb_prove_phases(s->shared, s->net, s->unfolding, tools, &c, &identities);
    if (!rc) add_row(proof, "netlist", "shared netlist", "phases put in, sums multiplied out", "engines, multiplexers", identities, identities, 0, 0);
    if (c.n) add_row(proof, "netlist", "shared netlist", "phases put in, rules by SAT", "quantizers of the engines", c.n, c.proved, c.open, c.refuted);
    cb_claims_free(&c);
    if (!rc) rc = cb_prove_schedule(s->shared, s->unfolding, &reads);
    if (!rc) add_row(proof, "shared netlist", "shared netlist", "schedule of registers, clock by clock", "pipeline cut, held values", reads, reads, 0, 0);
    return rc;
}

int cb_prove_network(const cb_proof_subject *s, const char *dir, const cb_claim_limits *limits, const char *scratch, cb_proof *proof) {
    cb_prove_tools tools = {*limits, scratch};
    const cb_netlist *registered = s->shared ? s->shared : s->net;
    *proof = (cb_proof){0};
    if (!cb_claims_possible()) return cb_fail("no proof: yosys and yosys-abc (Debian package yosys) are not both installed");
    int rc = cb_mkdirs(scratch) || prove_programme(s->programme, s->net, s->map, &tools, proof) ? -1 : 0;
    if (!rc && s->shared) rc = prove_sharing(s, &tools, proof);
    for (int cells = 0; cells <= (s->net->ternary ? 1 : 0) && !rc; cells++) {
        rc = prove_file(s->net, dir, true, cells, &tools, proof);
        if (!rc && registered->n_stage) rc = prove_file(registered, dir, false, cells, &tools, proof);
    }
    return cb_remove_tree(scratch) || rc ? -1 : 0;
}

static bool same_graph(const cb_netlist *g, const cb_netlist *h) {
    bool same = g->n == h->n && cb_netlist_interval(g) == cb_netlist_interval(h) && g->n_output == h->n_output && !memcmp(g->output, h->output, (size_t)g->n_output * sizeof *g->output);
    for (int32_t i = 0; same && i < g->n; i++) {
        const cb_node x = g->node[i], y = h->node[i];
        same = x.kind == y.kind && x.sub == y.sub && x.relu == y.relu && x.round == y.round && x.overflow == y.overflow && x.sa == y.sa &&
               x.sb == y.sb && x.frac == y.frac && x.phase == y.phase && x.a == y.a && x.b == y.b && x.lo == y.lo && x.hi == y.hi && x.table == y.table &&
               x.n_in == y.n_in && !memcmp(x.in, y.in, sizeof x.in) && x.format.k == y.format.k && x.format.i == y.format.i &&
               x.format.f == y.format.f;
    }
    return same;
}

static int prove_again(const cb_proof_subject *s, const cb_netlist *again, const char *dir, const cb_claim_limits *limits, const char *scratch,
                       cb_proof *proof) {
    const cb_netlist *made = s->shared ? s->shared : s->net;
    if (!same_graph(made, again)) return cb_fail("netlist %s is not what lowering its programme gives", made->name);
    return cb_prove_network(s, dir, limits, scratch, proof);
}

int cb_prove_student(const cb_programme *programme, const cb_netlist *net, const cb_netlist *shared, int extra_levels, const char *dir,
                     const cb_claim_limits *limits, const char *scratch, cb_proof *proof) {
    cb_netlist again, flat = {0};
    cb_lowering map;
    cb_unfolding unfolding = {0};
    *proof = (cb_proof){0};
    const cb_lowering_rules rules = {.extra_levels = extra_levels, .ii = shared ? shared->ii : 1, .ternary = net->ternary};
    if (cb_netlist_lower_by(&again, programme, &rules, &map)) return -1;
    int rc = shared ? cb_netlist_unfold_map(&again, &flat, &unfolding) : 0;
    if (!rc && shared) {
        cb_lowering_unfold(&map, &again, &unfolding);
        if (!same_graph(net, &flat)) rc = cb_fail("netlist %s is not what unfolding its shared one gives", net->name);
    }
    const cb_proof_subject s = {.programme = programme, .net = net, .map = &map, .shared = shared, .unfolding = &unfolding};
    if (!rc) rc = prove_again(&s, &again, dir, limits, scratch, proof);
    cb_netlist_free(&again);
    cb_netlist_free(&flat);
    cb_lowering_free(&map);
    cb_unfolding_free(&unfolding);
    return rc;
}

void cb_proof_trained(cb_proof *proof, int64_t claims) {
    add_row(proof, "trained gates", "programme", "truth tables, weights of sums", "simplification, merged outputs, unread inputs", claims, claims, 0, 0);
    cb_proof_row first = proof->row[proof->n - 1];
    memmove(proof->row + 1, proof->row, (size_t)(proof->n - 1) * sizeof first);
    proof->row[0] = first;
}

int cb_proof_write(const cb_proof *proof, const char *name, const char *path) {
    cb_table t;
    int rc = cb_table_begin(&t, "student\tfrom\tto\tmethod\tclaims\tproved\topen\trefuted\tcovers", 0);
    for (int k = 0; k < proof->n && !rc; k++) {
        const cb_proof_row *r = &proof->row[k];
        rc = cb_table_row(&t, "%s\t%s\t%s\t%s\t%lld\t%lld\t%lld\t%lld\t%s", name, r->from, r->to, r->method, (long long)r->claims,
                          (long long)r->proved, (long long)r->open, (long long)r->refuted, r->covers);
    }
    if (!rc) rc = cb_table_write(&t, path);
    cb_table_free(&t);
    return rc;
}
