/* emit-hls: student -> netlist -> Verilog, HLS C++, emulator library, CMSSW plug-in, trigger-card wrapper; all checked. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "hw/emit_report.h"
#include "hw/estimate.h"
#include "hw/mutation.h"
#include "hw/prove_network.h"
#include "hw/share.h"
#include "logic/student_proof.h"
#include "stage.h"

static const char *in, *data, *recorded, *out, *mutation, *latency, *clock_period, *ii, *prove, *conflicts, *verilator, *no_icarus;
static const cb_option options[] = {
    {"in", 'i', "FILE", "student (integer programme)", &in, CB_REQUIRED},
    {"data", 'd', "FILE", "dataset, or any events file that preprocess reads, for the checks", &data, CB_OPTIONAL},
    {"recorded", 'r', "EVENTS=SCORES", "more check events, with the scores (event,score_raw) that every form must give; may be repeated",
     &recorded, CB_LIST},
    {"out", 'o', "DIR", "firmware folder to write; appears only when everything is checked", &out, CB_REQUIRED},
    {"ii", 'I', "N", "clocks from one event to the next: positions of convolutions share adders (hardware.ii)", &ii, CB_OPTIONAL},
    {"clock", 'k', "PERIOD", "6.25, 6.25ns or 160MHz: stages as long as the delay model lets them be (hardware.clock_ns, and "
                             "levels_per_stage = -1)", &clock_period, CB_OPTIONAL},
    {"latency", 'l', "N", "clocks from an event to its score, stages by the delay model (hardware.latency, and "
                          "levels_per_stage = -1)", &latency, CB_OPTIONAL},
    {"mutation", 'm', "N", "put N faults (bits stuck or inverted) into the netlist, one by one, and say how many the vectors "
                           "of the test bench catch", &mutation, CB_OPTIONAL},
    {"verilator", 'w', NULL, "simulate in Verilator too", &verilator, CB_FLAG},
    {"no-icarus", 'n', NULL, "simulate in Verilator only, or not at all", &no_icarus, CB_FLAG},
    {"prove", 'P', "FILE", "prove programme = netlist = Verilog for all inputs (Yosys, ABC) and write the table of proofs; what is refuted "
                           "is not written", &prove, CB_OPTIONAL},
    {"conflicts", 'C', "N", "conflicts that the solver may meet in one claim before it is left open (20000)", &conflicts, CB_OPTIONAL},
    {0}};

typedef struct {
    cb_programme programme;
    cb_netlist net;
    cb_netlist shared; /* ii > 1: the hardware, of which net is the unfolding */
    cb_cost cost;      /* of the hardware */
    cb_dataset images;
    cb_recorded recorded;
    cb_check_events events;
    uint16_t *code;
    cb_emit emit;
    cb_check check[CB_CHECKS];
    int n_check;
} work;

/* The hardware, and as w->net the function that it computes. */
static int build(work *w, const cb_config *c) {
    cb_hardware_rules r = cb_hardware_rules_of(c);
    cb_netlist *g = &w->net;
    if (cb_programme_read(&w->programme, in) || cb_hardware_make(g, &w->programme, &r)) return -1;
    if (cb_cost_estimate(g, r.pipeline.family, &w->cost)) return -1;
    cb_info("%s: %d nodes, %d register layers in %.2f s", w->programme.name, (int)g->n, g->n_stage, cb_log_seconds());
    cb_info("latency %d clocks = %.9g ns at %.9g ns, II %d; estimate: %lld FF, %lld LUT sites, %.1f MHz", g->n_stage,
            g->n_stage * r.pipeline.clock_ns, r.pipeline.clock_ns, cb_netlist_interval(g), (long long)w->cost.ff,
            (long long)w->cost.sites, w->cost.fmax_mhz);
    if (r.ii > 1 && g->ii < 2)
        cb_warn("nothing to share: no layer has several positions that are quantized alike; the design takes an event every clock (II = 1)");
    if (g->ii < 2) return 0;
    w->shared = *g;
    *g = (cb_netlist){0};
    return cb_netlist_unfold(&w->shared, g);
}

/* The events of all checks, and what the programme says about them. */
static int choose_events(work *w, const cb_config *c) {
    int64_t software = cb_config_int(c, "hardware", "check_software"), simulation = cb_config_int(c, "hardware", "check_simulation");
    size_t n = (size_t)(software > simulation ? software : simulation);
    if (!n) n = 1;
    if ((data && cb_images_read(&w->images, data)) || (recorded && cb_recorded_read(&w->recorded, recorded, w->net.n_input))) return -1;
    if (cb_check_events_make(&w->events, &w->net, data ? &w->images : NULL, &w->recorded, n, (size_t)simulation,
                             (uint64_t)cb_config_int(c, "run", "seed")))
        return data && !recorded ? cb_fail_in("%s", data) : -1;
    if (!(w->code = cb_alloc(n, sizeof *w->code)) || cb_programme_score(&w->programme, w->events.et, n, w->code)) return -1;
    if (w->recorded.n) memcpy(w->code + w->events.n_directed, w->recorded.code, w->recorded.n * sizeof *w->code);
    w->emit = (cb_emit){.programme = &w->programme, .net = &w->net, .shared = w->shared.n ? &w->shared : NULL,
                        .part = cb_config_text(c, "part", "name"),
                        .clock_ns = cb_config_real(c, "hardware", "clock_ns"), .et = w->events.et, .code = w->code,
                        .n_event = n, .n_recorded = w->recorded.n, .n_simulation = simulation ? (size_t)simulation : 1, .simulate = simulation > 0 && !no_icarus, .verilator = simulation > 0 && verilator};
    cb_info("%zu check events: %zu directed (%llu of %llu quantizer conditions), %zu recorded, %zu of the data, %zu random", n,
            w->events.n_directed, (unsigned long long)w->events.covered, (unsigned long long)w->events.conditions,
            w->events.n_recorded, w->events.n_data, w->events.n_random);
    return 0;
}

static int write_netlist(const work *w, const char *config) {
    char *path = cb_textf("%s/netlist.h5", w->emit.dir);
    cb_h5 *f = path ? cb_h5_create(path, CB_NETLIST_SCHEMA, "emit-hls", config) : NULL;
    int rc = f && !cb_h5_input(f, "student", in) && !cb_netlist_write(cb_emit_hardware(&w->emit), f) ? cb_h5_commit(&f) : -1;
    cb_h5_close(&f);
    free(path);
    return rc;
}

/* --mutation */
static int count_faults(const work *w, uint64_t seed) {
    cb_mutation m;
    if (!mutation) return 0;
    if (cb_mutation_score(&w->net, w->emit.et, w->emit.code, w->emit.n_simulation, atoll(mutation), seed, &m)) return -1;
    cb_mutation_log(&m, w->emit.n_simulation);
    return 0;
}

/* --prove */
static int prove_all(const work *w, int extra_levels) {
    const cb_claim_limits limits = {.conflicts = conflicts ? atoll(conflicts) : 20000, .wall_s = 3600, .memory_mib = 8000};
    cb_proof proof;
    bool trained;
    int64_t gates, sums;
    if (!prove) return 0;
    if (cb_logic_prove_file(in, &w->programme, &trained, &gates, &sums)) return -1;
    char *scratch = cb_textf("%s/.prove", w->emit.dir);
    int rc = scratch ? cb_prove_student(&w->programme, &w->net, w->emit.shared, extra_levels, w->emit.dir, &limits, scratch, &proof) : -1;
    free(scratch);
    if (!rc && trained) cb_proof_trained(&proof, gates + sums);
    return rc || cb_proof_write(&proof, w->programme.name, prove) ? -1 : 0;
}

static int fill(work *w, const cb_config *c, const char *config) {
    const cb_emit *e = &w->emit;
    double start = cb_log_seconds();
    if (cb_emit_all(e) || write_netlist(w, config)) return -1;
    cb_info("written in %.2f s; now the checks", cb_log_seconds() - start);
    char *scratch = cb_textf("%s/.check", e->dir);
    int rc = scratch ? cb_verify(e, scratch, w->check, &w->n_check) : -1;
    free(scratch);
    if (!rc) rc = count_faults(w, (uint64_t)cb_config_int(c, "run", "seed"));
    if (!rc) rc = prove_all(w, (int)cb_config_int(c, "hardware", "extra_levels"));
    cb_emit_record r = {.cost = &w->cost, .family = cb_config_text(c, "part", "family"), .config = config, .n_input_file = data ? 2 : 1, .role = {"student", "data"}, .file = {in, data},
                        .events = &w->events, .recorded = recorded ? &w->recorded : NULL, .check = w->check, .n_check = w->n_check};
    return rc ? -1 : cb_emit_report(e, &r);
}

static int write_folder(work *w, const cb_config *c) {
    char *config = cb_config_canonical(c, "hardware");
    cb_atomic dir;
    if (!config || cb_atomic_dir_begin(&dir, out, "netlist.h5")) return free(config), -1;
    w->emit.dir = dir.tmp;
    int rc = fill(w, c, config);
    free(config);
    if (!rc) return cb_atomic_dir_commit(&dir);
    cb_atomic_abort(&dir);
    return -1;
}

static int run(const cb_stage *st) {
    work w = {0};
    if (prove && cb_output_check(prove)) return -1;
    int rc = build(&w, st->config) || choose_events(&w, st->config) || write_folder(&w, st->config) ? -1 : 0;
    cb_programme_free(&w.programme);
    cb_netlist_free(&w.net);
    cb_netlist_free(&w.shared);
    cb_dataset_free(&w.images);
    cb_recorded_free(&w.recorded);
    cb_check_events_free(&w.events);
    free(w.code);
    return rc;
}

static void check_number(const cb_stage *st, const char *name, const char *text, double lo, double hi) {
    char *end = NULL;
    double v = text ? strtod(text, &end) : lo;
    if (text && (end == text || *end || !(v >= lo && v <= hi))) cb_stage_usage(st, "--%s %s: %g to %g wanted", name, text, lo, hi);
}

/* hardware.KEY=VALUE */
static void configure(const cb_stage *st, const char *option, const char *key, const char *value) {
    char *text = cb_textf("hardware.%s=%s", key, value);
    if (!text || cb_config_set(st->config, text)) cb_stage_usage(st, "--%s: %s", option, cb_error());
    free(text);
}

static void set_clock(const cb_stage *st) {
    char *unit = NULL, text[32];
    double v = strtod(clock_period, &unit);
    bool mhz = !strcasecmp(unit, "MHz");
    if (unit == clock_period || (*unit && !mhz && strcasecmp(unit, "ns")) || !(v > 0))
        cb_stage_usage(st, "--clock %s: a period (6.25 or 6.25ns) or a frequency (160MHz) wanted", clock_period);
    snprintf(text, sizeof text, "%.9g", mhz ? 1000 / v : v);
    configure(st, "clock", "clock_ns", text);
}

/* Options that stand for [hardware] keys. */
static void read_options(const cb_stage *st) {
    if (ii) configure(st, "ii", "ii", ii);
    if (latency) configure(st, "latency", "latency", latency);
    if (clock_period) set_clock(st);
    if (latency || clock_period) configure(st, "clock", "levels_per_stage", "-1");
    check_number(st, "mutation", mutation, 1, 1e7);
    check_number(st, "conflicts", conflicts, 1, 1e9);
}

int main(int argc, char **argv) {
    cb_stage st = {.name = "emit-hls", .options = options,
                   .summary = "Writes the firmware folder of a student: pipelined Verilog with test bench, HLS C++, "
                              "emulator library, CMSSW plug-in, trigger-card wrapper, netlist. Every form is run on the check events and must give "
                              "the student's score; report.json says how many."};
    cb_stage_begin(&st, argc, argv);
    read_options(&st);
    return cb_stage_end(&st, run(&st));
}
