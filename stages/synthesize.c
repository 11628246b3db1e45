/* synthesize: what a firmware folder costs, by every tool there is. */
#include "stage.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/version.h"
#include "hw/cost.h"
#include "hw/emit_common.h"
#include "hw/nextpnr.h"
#include "hw/share.h"
#include "hw/vivado.h"
#include "hw/yosys.h"

static const char *in, *part_file, *out;
static const cb_option options[] = {
    {"in", 'i', "DIR", "firmware folder written by emit-hls", &in, CB_REQUIRED},
    {"part", 'p', "FILE", "device description (INI), read over the configuration", &part_file, CB_REQUIRED},
    {"out", 'o', "FILE", "report to write (.json); scripts go to the folder of that name without .json", &out,
     CB_REQUIRED},
    {0}};

typedef struct {
    char *report, *netlist, *verilog; /* files of the firmware folder */
    char *folder;                     /* of the scripts */
    char top[80];                     /* Verilog module and file */
    cb_netlist net;
    cb_synth_report result;
} work;

/* The combinational design is the same graph without stages and sharing. */
static int forget_stages(cb_netlist *g) {
    if (g->ii > 1) {
        cb_netlist flat;
        if (cb_netlist_unfold(g, &flat)) return -1;
        cb_netlist_free(g);
        *g = flat;
    }
    return cb_netlist_pipeline(g, 0);
}

/* Reads the graph; a design without registers has the combinational module only. */
static int open_firmware(work *w, bool combinational) {
    w->report = cb_textf("%s/report.json", in);
    w->netlist = cb_textf("%s/netlist.h5", in);
    if (!w->report || !w->netlist) return -1;
    if (!cb_file_exists(w->report))
        return cb_fail("%s: no such file: %s is not a finished firmware folder of emit-hls", w->report, in);
    if (cb_netlist_read(&w->net, w->netlist)) return -1;
    if (combinational && forget_stages(&w->net)) return -1;
    cb_emit_identifier(w->net.name, w->top);
    if (!w->net.n_stage) strcat(w->top, "_comb");
    w->verilog = cb_textf("%s/verilog/%s.v", in, w->top);
    if (!w->verilog) return -1;
    if (!cb_file_exists(w->verilog)) return cb_fail("%s: no such file: run emit-hls again", w->verilog);
    return 0;
}

static cb_part part_of(const cb_config *c) {
    return (cb_part){.name = cb_config_text(c, "part", "name"), .family = cb_config_text(c, "part", "family"),
                     .lut = (double)cb_config_int(c, "part", "lut"), .ff = (double)cb_config_int(c, "part", "ff"),
                     .dsp = (double)cb_config_int(c, "part", "dsp"), .bram = (double)cb_config_int(c, "part", "bram"),
                     .pins = (double)cb_config_int(c, "part", "pins"),
                     .clock_ns = cb_config_real(c, "hardware", "clock_ns")};
}

static int add_estimate(cb_synth_report *r, const cb_netlist *g) {
    cb_cost cost;
    if (cb_cost_estimate(g, r->part.family, &cost)) return -1;
    for (int i = 0; i < 2; i++) {
        cb_synth_row *row = cb_synth_row_add(r, "estimate", "cicada-bench", i ? "carry-chain" : "adder-span");
        if (!row) return -1;
        snprintf(row->version, sizeof row->version, "%s", CB_VERSION);
        row->lut = (double)(i ? cost.sites : cost.span);
        row->ff = (double)cost.ff;
        row->dsp = row->bram = 0;
        row->carry = (double)cost.carry;
        row->cycles = cost.cycles;
        row->ii = cb_netlist_interval(g);
        row->fmax_mhz = cost.fmax_mhz > 0 ? floor(cost.fmax_mhz * 10 + 0.5) / 10 : NAN; /* no logic, no limit */
        row->detail = json_pack("{ss sI sI sI si sf}", "accuracy", i ? cb_cost_sites_accuracy : cb_cost_span_accuracy,
                                "adders", (json_int_t)cost.adders, "quantizer_sites", (json_int_t)cost.quant_sites,
                                "srl", (json_int_t)cost.srl, "levels", cost.levels, "path_ns", cost.path_ns);
        if (!row->detail) return cb_fail("out of memory");
    }
    cb_info("estimate: %lld adders, %lld LUT (adder spans), %lld LUT sites (carry chains), %lld FF, %d stages, %.1f MHz",
            (long long)cost.adders, (long long)cost.span, (long long)cost.sites, (long long)cost.ff, cost.cycles,
            cost.fmax_mhz);
    return 0;
}

static bool is_ecp5(const work *w) { return !strcmp(w->result.part.family, "ecp5"); }

/* Place and route on another vendor's part; the estimate only says whether the design is small enough. */
static int run_ecp5(const cb_config *c, work *w, const char *dir) {
    cb_cost cost;
    if (cb_cost_estimate(&w->net, "xc7", &cost)) return -1;
    cb_route_job job = {.verilog = w->verilog, .top = w->top, .dir = dir, .program = cb_config_text(c, "route", "nextpnr"),
                        .input_bits = w->net.n_input * w->net.input_bits, .outputs = w->net.n_output,
                        .registered = w->net.n_stage > 0, .seeds = (int)cb_config_int(c, "route", "seeds"),
                        .lut = cost.sites, .max_lut = cb_config_int(c, "route", "max_lut"),
                        .wall_s = (double)cb_config_int(c, "route", "timeout_s"),
                        .memory_mib = cb_config_int(c, "route", "memory_mib"),
                        .cycles = w->net.n_stage ? w->net.n_stage : 1, .ii = cb_netlist_interval(&w->net)};
    return cb_route_run(&job, &w->result);
}

static int run_tools(const cb_config *c, work *w, const char *dir) {
    if (is_ecp5(w)) return run_ecp5(c, w, dir);
    cb_vendor_job v = {.firmware = in, .verilog = cb_basename(w->verilog), .top = w->top, .dir = dir,
                       .wall_s = (double)cb_config_int(c, "synthesize", "vendor_timeout_s"),
                       .memory_mib = cb_config_int(c, "synthesize", "vendor_memory_mib"),
                       .cycles = w->net.n_stage, .ii = cb_netlist_interval(&w->net)};
    cb_yosys_job y = {.verilog = w->verilog, .top = w->top, .dir = dir,
                      .wall_s = (double)cb_config_int(c, "synthesize", "timeout_s"),
                      .memory_mib = cb_config_int(c, "synthesize", "memory_mib"), .cycles = v.cycles, .ii = v.ii};
    int rc = cb_vendor_scripts(&v, &w->result.part);
    if (!rc && cb_config_bool(c, "synthesize", "yosys")) rc = cb_yosys_run(&y, &w->result);
    if (!rc && cb_config_bool(c, "synthesize", "vendor")) rc = cb_vendor_run(&v, &w->result);
    return rc;
}

static int write_report(const cb_config *c, work *w) {
    const char *const inputs[][2] = {{"report", w->report}, {"netlist", w->netlist}, {"verilog", w->verilog}};
    char *config = cb_config_canonical(c, is_ecp5(w) ? "hardware part route" : "hardware part synthesize");
    int rc = config ? cb_synth_report_write(&w->result, out, config, 3, inputs) : -1;
    free(config);
    return rc;
}

/* "X.json" -> "X" */
static char *script_folder(const cb_stage *st) {
    size_t n = strlen(out);
    if (n < 6 || strcmp(out + n - 5, ".json") || out[n - 6] == '/')
        cb_stage_usage(st, "--out %s: a name that ends in .json is wanted", out);
    return cb_textf("%.*s", (int)n - 5, out);
}

static int synthesize(const cb_stage *st, work *w) {
    const cb_config *c = st->config;
    bool combinational = !strcmp(cb_config_text(c, "synthesize", "design"), "combinational");
    if (open_firmware(w, combinational)) return -1;
    snprintf(w->result.student, sizeof w->result.student, "%s", w->net.name);
    w->result.part = part_of(c);
    w->result.pins = cb_route_pins(&(cb_route_job){.outputs = w->net.n_output, .ii = cb_netlist_interval(&w->net)});
    cb_atomic dir;
    if (!is_ecp5(w) && add_estimate(&w->result, &w->net)) return -1;
    if (cb_atomic_dir_begin(&dir, w->folder, is_ecp5(w) ? "shell.v" : "vivado.tcl")) return -1;
    if (run_tools(c, w, dir.tmp)) {
        cb_atomic_abort(&dir);
        return -1;
    }
    cb_synth_check_capacity(&w->result);
    for (int i = 0; i < w->result.n; i++) {
        const cb_synth_row *row = &w->result.row[i];
        if (isnan(row->lut)) cb_info("%-12s %-12s %s", row->step, row->rule, row->status);
        else cb_info("%-13s %-12s %8.0f LUT %8.0f FF  %s", row->step, row->rule, row->lut, row->ff, row->status);
    }
    return cb_atomic_dir_commit(&dir) || write_report(c, w) ? -1 : 0;
}

int main(int argc, char **argv) {
    cb_stage st = {.name = "synthesize", .options = options,
                   .summary = "Reports what a firmware folder costs: the cost model always, Yosys, Vivado and "
                              "Vitis HLS where installed; on an ECP5 Yosys and nextpnr. A tool that fails is a row that says so."};
    cb_stage_begin(&st, argc, argv);
    work w = {0};
    w.folder = script_folder(&st);
    if (cb_config_read(st.config, part_file)) {
        fprintf(stderr, "%s: %s\n", st.name, cb_error());
        return 2;
    }
    int rc = w.folder ? synthesize(&st, &w) : -1;
    cb_netlist_free(&w.net);
    cb_synth_report_free(&w.result);
    free(w.report);
    free(w.netlist);
    free(w.verilog);
    free(w.folder);
    return cb_stage_end(&st, rc);
}
