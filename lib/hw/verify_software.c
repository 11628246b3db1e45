/* The checks of an emitted folder in software: interpreter, compiled HLS C++, trigger-card wrapper. */
#include "hw/verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "hw/emit_common.h"
#include "hw/process.h"

enum { COMPILE_LIMIT_S = 300, RUN_LIMIT_S = 300, MEMORY_MIB = 4096 };

/* Compares and fills c; -1 (with the sentence) if any code differs. */
static int compare(const cb_emit *e, const uint16_t *code, cb_check *c) {
    c->checked = e->n_event;
    c->first_bad = -1;
    for (size_t k = 0; k < e->n_event; k++) {
        if (code[k] == e->code[k]) continue;
        if (!c->mismatches++) c->first_bad = (int64_t)k, c->expected = e->code[k], c->got = code[k];
    }
    snprintf(c->status, sizeof c->status, "%s", c->mismatches ? "mismatch" : "ok");
    if (!c->mismatches) return 0;
    return cb_fail("%s: %s: %" PRIu64 " mismatches of %" PRIu64 "; first at event %lld: %u expected, %u came", e->net->name,
                   c->what, c->mismatches, c->checked, (long long)c->first_bad, c->expected, c->got);
}

int cb_verify_programme(const cb_emit *e, cb_check *c) {
    *c = (cb_check){.what = "programme", .first_bad = -1};
    uint16_t *code = cb_alloc(e->n_event, sizeof *code);
    int rc = code && !cb_programme_score(e->programme, e->et, e->n_event, code) ? compare(e, code, c) : -1;
    free(code);
    return rc;
}

int cb_verify_interpreter(const cb_emit *e, cb_check *c) {
    *c = (cb_check){.what = "interpreter", .first_bad = -1};
    uint16_t *code = cb_alloc(e->n_event, sizeof *code);
    int rc = code && !cb_netlist_score(cb_emit_hardware(e), e->et, e->n_event, code) ? compare(e, code, c) : -1;
    free(code);
    return rc;
}

/* ---- HLS C++ ---- */

/* Counts on the file argv[1], codes to argv[2]. */
static const char *const main_text =
    "#include <stdint.h>\n#include <stdio.h>\n\n"
    "extern \"C\" void SCORE(const uint16_t *et, size_t n, uint16_t *code);\n\n"
    "int main(int argc, char **argv) {\n"
    "    static uint16_t et[64 * INPUTS], code[64];\n"
    "    if (argc != 3) return 2;\n"
    "    FILE *in = fopen(argv[1], \"rb\"), *out = fopen(argv[2], \"wb\");\n"
    "    if (!in || !out) return 3;\n"
    "    size_t n;\n"
    "    while ((n = fread(et, 2 * INPUTS, 64, in)) > 0) {\n"
    "        SCORE(et, n, code);\n"
    "        if (fwrite(code, 2, n, out) != n) return 4;\n"
    "    }\n"
    "    return fclose(out) ? 4 : 0;\n"
    "}\n";

static int write_binary(const char *path, const void *bytes, size_t size) {
    FILE *f = fopen(path, "wb");
    if (!f) return cb_fail("%s: cannot be written", path);
    size_t done = fwrite(bytes, 1, size, f);
    return fclose(f) || done != size ? cb_fail("%s: write failed", path) : 0;
}

static int read_binary(const char *path, void *bytes, size_t size) {
    size_t n;
    char *text = cb_file_read(path, &n);
    if (!text) return -1;
    if (n == size) memcpy(bytes, text, size);
    free(text);
    return n == size ? 0 : cb_fail("%s: %zu bytes came, %zu expected", path, n, size);
}

/* Compiles the bridge and the top function with scratch/main.cpp and scores all events. */
static int run_bridge(const cb_emit *e, const char *scratch, const char *compiler, const char *name, uint16_t *code) {
    enum { PROGRAM, MAIN, BRIDGE, TOP, IN, OUT, FILES };
    char *file[FILES] = {cb_textf("%s/check", scratch), cb_textf("%s/main.cpp", scratch), cb_textf("%s/hls/%s_bridge.cpp", e->dir, name),
                         cb_textf("%s/hls/firmware/%s.cpp", e->dir, name), cb_textf("%s/events.u16", scratch),
                         cb_textf("%s/codes.u16", scratch)};
    const char *const compile_argv[] = {compiler, "-O0", "-std=c++14", "-Wno-unknown-pragmas", "-o", file[PROGRAM], file[MAIN],
                                        file[BRIDGE], file[TOP], NULL};
    const char *const run_argv[] = {file[PROGRAM], file[IN], file[OUT], NULL};
    cb_process compile = {.argv = compile_argv, .wall_s = COMPILE_LIMIT_S, .memory_mib = MEMORY_MIB};
    cb_process run = {.argv = run_argv, .wall_s = RUN_LIMIT_S, .memory_mib = MEMORY_MIB};
    cb_text t = {0};
    cb_text_add(&t, "#define INPUTS %d\n#define SCORE %s_predict\n", e->net->n_input, name);
    cb_text_put(&t, main_text);
    int rc = cb_text_write(&t, scratch, "main.cpp");
    for (int i = 0; i < FILES; i++) rc = file[i] ? rc : -1;
    if (!rc) rc = write_binary(file[IN], e->et, e->n_event * (size_t)e->net->n_input * sizeof *e->et);
    if (!rc) rc = cb_process_run(&compile, NULL) || cb_process_run(&run, NULL) || read_binary(file[OUT], code, e->n_event * sizeof *code);
    for (int i = 0; i < FILES; i++) free(file[i]);
    return rc ? -1 : 0;
}

int cb_verify_hls_cpp(const cb_emit *e, const char *scratch, cb_check *c) {
    *c = (cb_check){.what = "hls_cpp", .status = "failed", .first_bad = -1};
    const char *compiler = cb_process_exists("g++") ? "g++" : "c++";
    if (!cb_process_exists(compiler)) {
        snprintf(c->status, sizeof c->status, "not run: neither g++ nor c++ is installed");
        return 0;
    }
    char name[64];
    cb_emit_identifier(e->net->name, name);
    cb_process_title(compiler, "--version", c->tool, sizeof c->tool);
    uint16_t *code = cb_alloc(e->n_event, sizeof *code);
    int rc = code && !cb_mkdirs(scratch) ? run_bridge(e, scratch, compiler, name, code) : -1;
    rc = rc ? cb_fail_in("%s: %s", e->net->name, c->what) : compare(e, code, c);
    free(code);
    return cb_remove_tree(scratch) || rc ? -1 : 0;
}

/* ---- trigger-card wrapper ---- */

/* The testbench of the wrapper on the vectors of ctp7/data, with the exact-width statements
 * through stand-in vendor types. */
static int run_card(const cb_emit *e, const char *scratch, const char *compiler, cb_check *c) {
    cb_text t[7] = {{0}};
    static const char *const file[] = {"ctp7/src/algo_unpacked.cpp", "ctp7/src/algo_unpacked_tb.cpp", "ctp7/data/card_in.txt",
                                       "ctp7/data/card_reference.txt"};
    for (int i = 0; i < 4; i++) cb_text_add(&t[i], "%s/%s", e->dir, file[i]);
    cb_text_add(&t[4], "-I%s/ctp7/standin", e->dir);
    cb_text_add(&t[5], "%s/check", scratch);
    cb_text_add(&t[6], "%s/out.txt", scratch);
    const char *const compile_argv[] = {compiler, "-O0", "-std=c++14", "-Wno-unknown-pragmas", "-DCICADA_AP_TYPES", t[4].s,
                                        "-o", t[5].s, t[0].s, t[1].s, NULL};
    const char *const run_argv[] = {t[5].s, t[2].s, t[6].s, t[3].s, NULL};
    cb_process compile = {.argv = compile_argv, .wall_s = COMPILE_LIMIT_S, .memory_mib = MEMORY_MIB};
    cb_process run = {.argv = run_argv, .wall_s = RUN_LIMIT_S, .memory_mib = MEMORY_MIB};
    cb_process_end end = {0};
    bool failed = false;
    for (int i = 0; i < 7; i++) failed |= t[i].failed;
    int rc = failed || cb_process_run(&compile, NULL) || cb_process_run(&run, &end) ? -1 : 0;
    unsigned long long mismatches = 0, events = 0;
    if (sscanf(end.tail, "%llu mismatches of %llu", &mismatches, &events) == 2) c->mismatches = mismatches, c->checked = events;
    else if (!rc) rc = cb_fail("the testbench does not say how many events it ran");
    for (int i = 0; i < 7; i++) cb_text_free(&t[i]);
    return rc;
}

int cb_verify_ctp7(const cb_emit *e, const char *scratch, cb_check *c) {
    *c = (cb_check){.what = "ctp7", .first_bad = -1};
    const char *compiler = cb_process_exists("g++") ? "g++" : "c++";
    if (!cb_emit_has_card(e))
        snprintf(c->status, sizeof c->status, "not run: the card has 18 x 14 regions of 10 bits, the student %d x %d of %d",
                 e->programme->input_h, e->programme->input_w, e->net->input_bits);
    else if (!cb_process_exists(compiler))
        snprintf(c->status, sizeof c->status, "not run: neither g++ nor c++ is installed");
    if (c->status[0]) return 0;
    cb_process_title(compiler, "--version", c->tool, sizeof c->tool);
    int rc = cb_mkdirs(scratch) || run_card(e, scratch, compiler, c) ? cb_fail_in("%s: ctp7", e->net->name) : 0;
    snprintf(c->status, sizeof c->status, "%s", !rc ? "ok" : c->mismatches ? "mismatch" : "failed");
    return cb_remove_tree(scratch) || rc ? -1 : 0;
}
