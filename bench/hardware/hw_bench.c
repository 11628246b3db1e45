/* hw-bench: the hardware compiler beside the recorded figures of other tools, same weights, same
 * synthesis command (data/golden/README.md: peers_hw.csv, cmvm.h5). One row a measure. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/threads.h"
#include "data/artifact.h"
#include "hw/cmvm.h"
#include "hw/cost.h"
#include "hw/emit.h"
#include "hw/emit_common.h"
#include "hw/lowering.h"
#include "hw/share.h"
#include "hw/yosys.h"
#include "quant/firmware_import.h"
#include "stage.h"
#include "stats/table.h"

static const char *out, *only, *data = "data", *effort = "4";
static const cb_option options[] = {
    {"out", 'o', "FILE", "also write the table here, tab-separated", &out, CB_OPTIONAL},
    {"only", 'O', "WORD", "cmvm, synthesis, emit or emulation", &only, CB_OPTIONAL},
    {"data", 'd', "DIR", "folder with golden/ and firmware/ (data)", &data, CB_OPTIONAL},
    {"effort", 'e', "N", "effort of refinement for each constant matrix of cmvm.h5, as in cmvm.h (4)", &effort, CB_OPTIONAL},
    {0}};

static cb_table table;

static double now(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool wanted(const char *word) { return !only || !strcmp(only, word); }

/* A row, printed at once. factor_asked: limit of ours / peer (a speed-up: peer's factor, then at least). */
static int row(const char *measure, const char *setting, double ours, double peer, const char *asked, const char *goal,
               const char *unit, const char *tool) {
    char ratio[32] = "nan";
    if (peer > 0) snprintf(ratio, sizeof ratio, "%.4g", ours / peer);
    printf("%s\t%s\t%.6g\t%.6g\t%s\t%s\t%s\t%s\t%s\n", measure, setting, ours, peer, ratio, asked, goal, unit, tool);
    fflush(stdout);
    return cb_table_row(&table, "%s\t%s\t%.6g\t%.6g\t%s\t%s\t%s\t%s\t%s", measure, setting, ours, peer, ratio, asked, goal, unit, tool);
}

/* ---- constant matrices ---- */

/* da4ml's formula of the cost of a graph: overlap of the operands (_binary/cmvm/state_opr.cc cost_add). */
static double span_cost(const cb_cmvm_graph *g) {
    double cost = 0;
    for (int32_t i = g->n_in; i < g->n; i++) {
        const cb_cmvm_node *x = &g->node[i], *a = &g->node[x->a], *b = &g->node[x->b];
        int sign = a->lo < 0 || b->lo < 0, low = x->sa > x->sb ? x->sa : x->sb;
        int ta = cb_interval_width(a->lo, a->hi) - (a->lo < 0) + x->sa, tb = cb_interval_width(b->lo, b->hi) - (b->lo < 0) + x->sb;
        cost += sign + (ta > tb ? ta : tb) - low;
    }
    return cost;
}

enum { CASES = 146, MOST_INPUTS = 4096 };

typedef struct {
    int32_t *n_in, *n_out, *lo, *hi, *least;
    int64_t *w, *offset;
    double *cost;
} matrices;

static void matrices_free(matrices *m) {
    free(m->n_in), free(m->n_out), free(m->lo), free(m->hi), free(m->least), free(m->w), free(m->offset), free(m->cost);
}

static int matrices_read(matrices *m) {
    char *path = cb_textf("%s/golden/cmvm.h5", data);
    cb_h5 *f = path ? cb_h5_open(path, NULL) : NULL;
    uint64_t n = 0, any = 0, ends = 0, four[2] = {0, 4};
    if (f) {
        m->n_in = cb_h5_read(f, "/n_in", CB_I32, 1, &n), m->n_out = cb_h5_read(f, "/n_out", CB_I32, 1, &n);
        m->lo = cb_h5_read(f, "/in_lo", CB_I32, 1, &n), m->hi = cb_h5_read(f, "/in_hi", CB_I32, 1, &n);
        m->least = cb_h5_read(f, "/min_depth", CB_I32, 1, &n);
        m->w = cb_h5_read(f, "/matrices", CB_I64, 1, &any), m->offset = cb_h5_read(f, "/offset", CB_I64, 1, &ends);
        m->cost = cb_h5_read(f, "/lut/cost", CB_F64, 2, four);
    }
    cb_h5_close(&f);
    free(path);
    bool ok = m->n_in && m->n_out && m->lo && m->hi && m->least && m->w && m->offset && m->cost && n == CASES;
    return ok ? 0 : cb_fail_in("%s/golden/cmvm.h5: %d cases expected", data, CASES);
}

/* One case; checks depth; adds its cost. */
static int solve_case(const matrices *m, int k, int depth, double *cost, int *over) {
    static int64_t lo[MOST_INPUTS], hi[MOST_INPUTS];
    if (m->n_in[k] > MOST_INPUTS) return cb_fail("case %d: %d inputs", k, m->n_in[k]);
    for (int i = 0; i < m->n_in[k]; i++) lo[i] = m->lo[k], hi[i] = m->hi[k];
    cb_cmvm_problem p = {.n_in = m->n_in[k], .n_out = m->n_out[k], .w = m->w + m->offset[k], .lo = lo, .hi = hi,
                         .max_depth = depth, .effort = atoi(effort)};
    cb_cmvm_graph g;
    if (cb_cmvm_solve(&p, &g)) return -1;
    *cost += span_cost(&g);
    int levels = 0; /* as da4ml counts: an output's minus sign is not a level */
    for (int32_t i = g.n_in; i < g.n; i++)
        if (g.node[i].level > levels) levels = g.node[i].level;
    *over += depth >= 0 && levels > m->least[k] + depth;
    cb_cmvm_free(&g);
    return 0;
}

static int bench_matrices(void) {
    static const char *const name[] = {"unlimited depth", "least depth", "least depth + 1", "least depth + 2"};
    matrices m = {0};
    double seconds = 0;
    int rc = matrices_read(&m);
    for (int s = 0; s < 4 && !rc; s++) {
        double ours = 0, theirs = 0, start = now(CLOCK_PROCESS_CPUTIME_ID);
        int over = 0;
        char setting[64];
        for (int k = 0; k < CASES && !rc; k++) {
            rc = solve_case(&m, k, s - 1, &ours, &over);
            theirs += m.cost[4 * k + s];
            cb_progress("constant matrices", 146 * s + k, 4 * 146, NULL);
        }
        cb_progress_end();
        seconds += now(CLOCK_PROCESS_CPUTIME_ID) - start;
        snprintf(setting, sizeof setting, "%s (%d of %d deeper)", name[s], over, CASES);
        if (!rc) rc = row("CMVM, sum of cost", setting, ours, theirs, "0.95", "0.90", "LUT, da4ml's formula", "da4ml 0.6.0");
    }
    if (!rc) rc = row("CMVM, processor time", "all four", seconds, 591, "1", "", "s", "da4ml 0.6.0, wall clock on 2 cores");
    matrices_free(&m);
    return rc;
}

/* ---- whole networks ---- */

typedef struct {
    const char *name, *arch;
    double best; /* recorded LUT1..6 + INV, best row of peers_hw.csv */
    const char *tool;
} network;

static const network networks[] = {{"v1p1p2", "v1", 10062, "da4ml 0.6.0, adders kept"}, {"v2p1p2", "v2", 33745, "da4ml 0.6.0, adders kept"}};

static int import(const network *n, cb_programme *p) {
    char *dir = cb_textf("%s/firmware/%s", data, n->name);
    int rc = dir ? cb_firmware_import(p, n->arch, n->name, dir, NULL) : -1;
    free(dir);
    return rc;
}

/* Verilog of the network through Yosys, combinational or, with shared hardware, registered; rows for cells and for
 * packed sites. */
static int synthesize(const network *n, const cb_netlist *g, const char *dir) {
    char file[80], top[80], design[40];
    const char *kind = g->ternary ? "three operands a chain (LUT6_2 counts 1)" : "two operands a chain";
    bool shared = g->ii > 1;
    snprintf(design, sizeof design, shared ? "%s, II = %d" : "%s", n->name, g->ii);
    cb_emit_identifier(g->name, top);
    if (!shared) strcat(top, "_comb");
    snprintf(file, sizeof file, "%s.v", top);
    char *verilog = cb_textf("%s/%s", dir, file), *folder = cb_textf("%s/yosys", dir);
    cb_synth_report r = {.part = {.name = "xc7vx690tffg1927-2", .family = "xc7", .lut = 433200, .ff = 866400, .dsp = 3600, .bram = 1470, .clock_ns = 6.25}};
    cb_process_end end = {0};
    cb_yosys_job job = {.verilog = verilog, .top = top, .dir = folder, .wall_s = 3600, .memory_mib = 6000, .cycles = g->n_stage, .ii = shared ? g->ii : 1, .end = &end};
    int rc = verilog && folder && !cb_mkdirs(folder) && !cb_verilog_module(g, !shared, dir, file) && !cb_yosys_run(&job, &r) ? 0 : -1;
    if (!rc && strcmp(r.row[0].status, "ok")) rc = cb_fail("%s: %s", n->name, r.row[0].status);
    char measure[96], setting[160];
    snprintf(measure, sizeof measure, "%s, LUT1-6 + INV", design);
    snprintf(setting, sizeof setting, "Yosys %s xc7, %s", r.n ? r.row[0].version : "", kind);
    if (!rc) rc = row(measure, setting, r.row[0].lut, shared ? 0 : n->best, shared ? "" : "0.88", shared ? "20000" : "0.75", "LUT",
                     shared ? "" : n->tool);
    snprintf(measure, sizeof measure, "%s, flip-flops", design);
    if (!rc && shared) rc = row(measure, setting, r.row[0].ff, 0, "", "", "FF", "");
    snprintf(measure, sizeof measure, "%s, packed LUT sites", design);
    if (!rc) rc = row(measure, setting, r.row[1].lut, 0, "", "", "sites (sites.h)", "");
    snprintf(measure, sizeof measure, "%s, synthesis", design);
    if (!rc) rc = row(measure, setting, end.cpu_s, 0, "180", "", "s processor time", "");
    if (!rc) rc = row(measure, setting, (double)end.rss_kib / 1024, 0, "2048", "", "MiB", "");
    cb_synth_report_free(&r);
    free(verilog), free(folder);
    return rc;
}

/* The network with two- and three-operand chains; with ii > 1 registers every three levels. */
static int bench_network(const network *n, int ii, const char *scratch) {
    cb_programme p = {0};
    int rc = import(n, &p);
    for (int ternary = 0; ternary < 2 && !rc; ternary++) {
        cb_netlist g = {0};
        const cb_lowering_rules rules = {.extra_levels = -1, .ii = ii, .ternary = ternary};
        rc = cb_netlist_lower_by(&g, &p, &rules, NULL) || (ii > 1 && cb_netlist_pipeline(&g, 3)) ? -1 : synthesize(n, &g, scratch);
        cb_netlist_free(&g);
    }
    cb_programme_free(&p);
    return rc;
}

static int bench_synthesis(const char *scratch) {
    if (!cb_process_exists("yosys")) return row("LUT1-6 + INV", "not run: yosys is not installed", 0, 0, "", "", "", "");
    return bench_network(&networks[0], 1, scratch) || bench_network(&networks[1], 1, scratch) || bench_network(&networks[1], 4, scratch)
               ? -1 : 0;
}

/* Optimise and print everything, as emit-hls does before its checks, of v2p1p2. */
static int bench_emit(const char *scratch) {
    cb_programme p = {0};
    cb_netlist g = {0};
    enum { EVENTS = 500 };
    int rc = import(&networks[1], &p);
    uint16_t *et = cb_alloc(EVENTS * 252, sizeof *et), *code = cb_alloc(EVENTS, sizeof *code);
    double start = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID), optimised = 0;
    if (!et || !code || rc || cb_netlist_lower(&g, &p, 1) || cb_netlist_pipeline(&g, 3)) rc = -1;
    optimised = now(CLOCK_MONOTONIC);
    cb_emit e = {.programme = &p, .net = &g, .dir = scratch, .part = "xc7vx690tffg1927-2", .clock_ns = 6.25, .et = et, .code = code,
                 .n_event = EVENTS, .n_simulation = EVENTS};
    if (!rc) rc = cb_emit_all(&e);
    double end = now(CLOCK_MONOTONIC);
    cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    if (!rc) rc = row("v2p1p2, emit-hls", "optimise", optimised - start, 5.17, "", "", "s wall clock", "da4ml 0.6.0, optimiser");
    if (!rc) rc = row("v2p1p2, emit-hls", "optimise + emit", end - start, 0, "5", "1", "s wall clock", "");
    if (!rc) rc = row("v2p1p2, emit-hls", "optimise + emit", cpu, 0, "", "", "s processor time", "");
    free(et), free(code);
    cb_netlist_free(&g);
    cb_programme_free(&p);
    return rc;
}

/* ---- emulation ---- */

static int bench_emulation(void) {
    enum { EVENTS = 4096 };
    cb_programme p = {0};
    cb_netlist g = {0};
    uint16_t *et = cb_alloc(EVENTS * 252, sizeof *et), *code = cb_alloc(EVENTS, sizeof *code);
    int rc = !et || !code || import(&networks[1], &p) || cb_netlist_from_programme(&g, &p) ? -1 : 0;
    for (int i = 0; i < EVENTS * 252 && !rc; i++) et[i] = (uint16_t)((uint32_t)i * 2654435761u >> 22);
    cb_threads_set(1);
    for (int net = 0; net < 2 && !rc; net++) {
        double best = 0;
        for (int run = 0; run < 5 && !rc; run++) {
            double start = now(CLOCK_PROCESS_CPUTIME_ID);
            int64_t events = 0;
            while (!rc && now(CLOCK_PROCESS_CPUTIME_ID) - start < 0.2) {
                rc = net ? cb_netlist_score(&g, et, EVENTS, code) : cb_programme_score(&p, et, EVENTS, code);
                events += EVENTS;
            }
            double rate = (double)events / (now(CLOCK_PROCESS_CPUTIME_ID) - start);
            if (rate > best) best = rate;
        }
        if (!rc) rc = row("v2p1p2, emulation, one thread", net ? "netlist interpreter" : "integer programme", best, 4080, "500 (at least)",
                          "2000 (at least)", "events / CPU s", "hls4ml 1.3.0, g++ library");
    }
    free(et), free(code);
    cb_netlist_free(&g);
    cb_programme_free(&p);
    return rc;
}

static int run(void) {
    static const char header[] = "measure\tsetting\tours\tpeer\tratio\tasked\tgoal\tunit\tpeer_tool";
    char *scratch = cb_textf("build/hw-bench.%ld", (long)getpid());
    int rc = scratch && !cb_mkdirs(scratch) ? cb_table_begin(&table, header, 0) : -1;
    if (!rc) puts(header);
    if (!rc && wanted("cmvm")) rc = bench_matrices();
    if (!rc && wanted("emit")) rc = bench_emit(scratch);
    if (!rc && wanted("synthesis")) rc = bench_synthesis(scratch);
    if (!rc && wanted("emulation")) rc = bench_emulation();
    if (!rc && out) rc = cb_table_write(&table, out);
    cb_table_free(&table);
    if (scratch && cb_remove_tree(scratch)) rc = -1;
    free(scratch);
    return rc;
}

int main(int argc, char **argv) {
    cb_stage st = {.name = "hw-bench", .options = options,
                   .summary = "Measures the hardware compiler on public weights and matrices and prints each figure beside that of "
                              "other tools (data/golden/peers_hw.csv): constant matrices, LUTs of the deployed networks by Yosys, "
                              "time of emit-hls, emulation speed. asked and goal are limits of the ratio, or of the figure where there is no peer."};
    cb_stage_begin(&st, argc, argv);
    if (only && strcmp(only, "cmvm") && strcmp(only, "synthesis") && strcmp(only, "emit") && strcmp(only, "emulation"))
        cb_stage_usage(&st, "--only %s: cmvm, synthesis, emit or emulation wanted", only);
    char *rest;
    if (strtol(effort, &rest, 10) < 0 || strtol(effort, &rest, 10) > 10000 || rest == effort || *rest)
        cb_stage_usage(&st, "--effort %s: 0 to 10000 wanted", effort);
    return cb_stage_end(&st, run());
}
