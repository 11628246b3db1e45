/* emit-hls: student -> netlist -> Verilog, HLS C++, C emulator, trigger-card wrapper; all checked. */
#include <stdlib.h>

#include "hw/emit_report.h"
#include "stage.h"

static const char *in, *data, *out;
static const cb_option options[] = {
    {"in", 'i', "FILE", "student (integer programme)", &in, CB_REQUIRED},
    {"data", 'd', "FILE", "dataset, or any events file that preprocess reads, for the checks", &data, CB_OPTIONAL},
    {"out", 'o', "DIR", "firmware folder to write; appears only when everything is checked", &out, CB_REQUIRED},
    {0}};

typedef struct {
    cb_programme programme;
    cb_netlist net;
    cb_dataset images;
    cb_check_events events;
    uint16_t *code;
    cb_emit emit;
    cb_check check[CB_CHECKS];
    int n_check;
} work;

static int build(work *w, const cb_config *c) {
    if (cb_programme_read(&w->programme, in) ||
        cb_netlist_lower(&w->net, &w->programme, (int)cb_config_int(c, "hardware", "extra_levels")) ||
        cb_netlist_pipeline(&w->net, (int)cb_config_int(c, "hardware", "levels_per_stage")))
        return -1;
    w->net.ternary = cb_config_bool(c, "hardware", "ternary");
    cb_info("%s: %d nodes, %d register layers", w->programme.name, (int)w->net.n, w->net.n_stage);
    return 0;
}

/* The events of all checks, and what the programme says about them. */
static int choose_events(work *w, const cb_config *c) {
    int64_t software = cb_config_int(c, "hardware", "check_software"), simulation = cb_config_int(c, "hardware", "check_simulation");
    size_t n = (size_t)(software > simulation ? software : simulation);
    if (!n) n = 1;
    if (data && cb_images_read(&w->images, data)) return -1;
    if (cb_check_events_make(&w->events, &w->net, data ? &w->images : NULL, n, (uint64_t)cb_config_int(c, "run", "seed")))
        return data ? cb_fail_in("%s", data) : -1;
    if (!(w->code = cb_alloc(n, sizeof *w->code)) || cb_programme_score(&w->programme, w->events.et, n, w->code)) return -1;
    w->emit = (cb_emit){.programme = &w->programme, .net = &w->net, .part = cb_config_text(c, "part", "name"),
                        .clock_ns = cb_config_real(c, "hardware", "clock_ns"), .et = w->events.et, .code = w->code,
                        .n_event = n, .n_simulation = simulation ? (size_t)simulation : 1, .simulate = simulation > 0};
    cb_info("%zu check events: %zu directed (%llu of %llu quantizer conditions), %zu of the data, %zu random", n,
            w->events.n_directed, (unsigned long long)w->events.covered, (unsigned long long)w->events.conditions,
            w->events.n_data, w->events.n_random);
    return 0;
}

static int write_netlist(const work *w, const char *config) {
    char *path = cb_textf("%s/netlist.h5", w->emit.dir);
    cb_h5 *f = path ? cb_h5_create(path, CB_NETLIST_SCHEMA, "emit-hls", config) : NULL;
    int rc = f && !cb_h5_input(f, "student", in) && !cb_netlist_write(&w->net, f) ? cb_h5_commit(&f) : -1;
    cb_h5_close(&f);
    free(path);
    return rc;
}

static int fill(work *w, const char *config) {
    const cb_emit *e = &w->emit;
    if (cb_emit_verilog(e) || cb_emit_hls_cpp(e) || cb_emit_emulator(e) || cb_emit_ctp7(e) || write_netlist(w, config)) return -1;
    char *scratch = cb_textf("%s/.check", e->dir);
    int rc = scratch ? cb_verify(e, scratch, w->check, &w->n_check) : -1;
    free(scratch);
    cb_emit_record r = {.config = config, .n_input_file = data ? 2 : 1, .role = {"student", "data"}, .file = {in, data},
                        .events = &w->events, .check = w->check, .n_check = w->n_check};
    return rc ? -1 : cb_emit_report(e, &r);
}

static int write_folder(work *w, const cb_config *c) {
    char *config = cb_config_canonical(c, "hardware");
    cb_atomic dir;
    if (!config || cb_atomic_dir_begin(&dir, out, "netlist.h5")) return free(config), -1;
    w->emit.dir = dir.tmp;
    int rc = fill(w, config);
    free(config);
    if (!rc) return cb_atomic_dir_commit(&dir);
    cb_atomic_abort(&dir);
    return -1;
}

static int run(const cb_stage *st) {
    work w = {0};
    int rc = build(&w, st->config) || choose_events(&w, st->config) || write_folder(&w, st->config) ? -1 : 0;
    cb_programme_free(&w.programme);
    cb_netlist_free(&w.net);
    cb_dataset_free(&w.images);
    cb_check_events_free(&w.events);
    free(w.code);
    return rc;
}

int main(int argc, char **argv) {
    cb_stage st = {.name = "emit-hls", .options = options,
                   .summary = "Writes the firmware folder of a student: pipelined Verilog with test bench, HLS C++, C "
                              "emulator, trigger-card wrapper, netlist. Every form is run on the check events and must give "
                              "the student's score; report.json says how many."};
    cb_stage_begin(&st, argc, argv);
    return cb_stage_end(&st, run(&st));
}
