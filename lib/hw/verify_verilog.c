/* Simulation of the emitted Verilog by Icarus Verilog and Verilator, as child processes. */
#define _XOPEN_SOURCE 700 /* realpath */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "hw/emit_common.h"
#include "hw/process.h"
#include "hw/simulator.h"
#include "hw/verify.h"

enum { COMPILE_S = 600, COMPILE_VERILATOR_S = 3600, SIMULATE_S = 1800 };

/* Half a second an event: fifty times what Icarus takes for a deployed network where it has a core for itself. */
static double simulation_limit(const cb_emit *e) { return SIMULATE_S + 0.5 * (double)e->n_simulation; }

/* "checked N mismatches M" and the line of the first mismatch. */
static int parse(const char *tail, cb_check *c) {
    const char *first = strstr(tail, "first mismatch: event "), *end = strstr(tail, "checked ");
    unsigned long long checked, bad;
    long long event;
    if (!end || sscanf(end, "checked %llu mismatches %llu", &checked, &bad) != 2)
        return cb_fail("Verilog simulation: no result; last output:\n%s", tail);
    c->checked = checked;
    c->mismatches = bad;
    if (first && sscanf(first, "first mismatch: event %lld expected %u got %u", &event, &c->expected, &c->got) >= 2)
        c->first_bad = event;
    return 0;
}

static int simulate(const cb_emit *e, const char *dir, const char *scratch, const char *variant, cb_check *c) {
    char module[64];
    cb_emit_identifier(e->net->name, module);
    char *sim = cb_textf("%s/%s%s.vvp", scratch, module, variant), *v = cb_textf("%s/%s%s.v", dir, module, variant),
         *tb = cb_textf("%s/%s%s_tb.v", dir, module, variant);
    const char *const compile[] = {"iverilog", "-g2005", "-o", sim, v, tb, NULL};
    const char *const run[] = {"vvp", "-n", sim, NULL};
    cb_process_end end;
    int rc = sim && v && tb ? cb_process_run(&(cb_process){.argv = compile, .wall_s = COMPILE_S}, NULL) : -1;
    if (!rc) rc = cb_process_run(&(cb_process){.argv = run, .dir = dir, .wall_s = simulation_limit(e)}, &end);
    if (!rc) rc = parse(end.tail, c);
    free(sim), free(v), free(tb);
    return rc;
}

/* The scratch folder, made if need be, by a name that holds in every folder. free(). */
static char *scratch_folder(const char *scratch) {
    if (cb_mkdirs(scratch)) return NULL;
    char *there = realpath(scratch, NULL);
    return there ? there : cb_fail_null("%s: %s", scratch, strerror(errno));
}

static int judge(cb_check *c, int rc) {
    snprintf(c->status, sizeof c->status, "%s", rc ? "failed" : c->mismatches ? "mismatch" : "ok");
    if (rc) return cb_fail_in("%s", c->what);
    if (c->mismatches)
        return cb_fail("%s: %llu of %llu events differ from the integer programme; first: event %lld, expected %u, got %u", c->what,
                       (unsigned long long)c->mismatches, (unsigned long long)c->checked, (long long)c->first_bad, c->expected,
                       c->got);
    return 0;
}

int cb_verify_verilog(const cb_emit *e, const char *scratch, bool comb, cb_check *c) {
    memset(c, 0, sizeof *c);
    c->what = comb ? "verilog_comb" : "verilog";
    c->first_bad = -1;
    if (!cb_process_exists("iverilog") || !cb_process_exists("vvp")) {
        snprintf(c->status, sizeof c->status, "not run: iverilog is not installed");
        return 0;
    }
    char *dir = cb_textf("%s/verilog", e->dir), *there = scratch_folder(scratch);
    cb_process_title("iverilog", "-V", c->tool, sizeof c->tool);
    int rc = dir && there ? cb_simulator_check(false, there) : -1;
    if (!rc) rc = simulate(e, dir, there, comb || !cb_emit_hardware(e)->n_stage ? "_comb" : "", c);
    free(dir), free(there);
    return judge(c, rc);
}

/* The module that is handed over first: with registers, where there are some. */
static int simulate_verilator(const cb_emit *e, const char *dir, const char *scratch, cb_check *c) {
    char module[64];
    cb_emit_identifier(e->net->name, module);
    const char *variant = cb_emit_hardware(e)->n_stage ? "" : "_comb";
    char *obj = cb_textf("%s/verilator", scratch), *top = cb_textf("%s%s_tb", module, variant),
         *v = cb_textf("%s%s.v", module, variant), *tb = cb_textf("%s%s_tb.v", module, variant), *sim = cb_textf("%s/Vsim", obj ? obj : "");
    const char *const compile[] = {"verilator", "--binary", "-O1", "-CFLAGS", "-O1", "-Wno-fatal", "--prefix", "Vsim", "--top-module", top, "--Mdir", obj, v, tb, NULL};
    const char *const run[] = {sim, NULL};
    cb_process_end end;
    int rc = obj && top && v && tb && sim ? cb_process_run(&(cb_process){.argv = compile, .dir = dir, .wall_s = COMPILE_VERILATOR_S}, NULL) : -1;
    if (!rc) rc = cb_process_run(&(cb_process){.argv = run, .dir = dir, .wall_s = simulation_limit(e)}, &end);
    if (!rc) rc = parse(end.tail, c);
    free(obj), free(top), free(v), free(tb), free(sim);
    return rc;
}

int cb_verify_verilator(const cb_emit *e, const char *scratch, cb_check *c) {
    *c = (cb_check){.what = "verilog_verilator", .first_bad = -1};
    if (!cb_process_exists("verilator")) {
        snprintf(c->status, sizeof c->status, "not run: verilator is not installed");
        return 0;
    }
    char *dir = cb_textf("%s/verilog", e->dir), *there = scratch_folder(scratch);
    cb_process_title("verilator", "--version", c->tool, sizeof c->tool);
    int rc = dir && there && !cb_simulator_check(true, there) ? simulate_verilator(e, dir, there, c) : -1;
    free(dir), free(there);
    return judge(c, rc);
}
