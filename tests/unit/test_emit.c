/* The printed representations: compiled and run, they give the programme's codes. */
#include <dlfcn.h>

#include "base/rng.h"
#include "data/layouts.h"
#include "hw/emit.h"
#include "hw/process.h"
#include "hw/verify.h"
#include "quant/firmware_import.h"
#include "unit.h"

/* A netlist, its programme and events, as emit-hls would pass them. */
typedef struct {
    cb_programme programme;
    cb_netlist net;
    cb_images images;
    uint16_t *code;
    char dir[256], scratch[256];
    cb_emit emit;
} emitted;

static void emitted_finish(emitted *x, const uint16_t *et, size_t n) {
    UNIT_OK(cb_netlist_from_programme(&x->net, &x->programme));
    x->code = cb_alloc(n, sizeof *x->code);
    CU_ASSERT_PTR_NOT_NULL_FATAL(x->code);
    UNIT_OK(cb_programme_score(&x->programme, et, n, x->code));
    snprintf(x->dir, sizeof x->dir, "%s", unit_scratch(x->net.name));
    snprintf(x->scratch, sizeof x->scratch, "%s", unit_scratch("check"));
    x->emit = (cb_emit){.programme = &x->programme, .net = &x->net, .dir = x->dir, .part = "xc7vx690tffg1927-2",
                        .clock_ns = 6.25, .et = et, .code = x->code, .n_event = n, .n_simulation = n < 40 ? n : 40};
}

static void emitted_free(emitted *x) {
    UNIT_OK(cb_remove_tree(x->dir));
    cb_images_free(&x->images);
    cb_netlist_free(&x->net);
    cb_programme_free(&x->programme);
    free(x->code);
}

/* The deployed version v1p1p2 on the 256 recorded events, for all tests. */
static emitted card;

static void card_make(void) {
    UNIT_OK(cb_firmware_import(&card.programme, "v1", "cicada-v1", "data/firmware/v1p1p2", NULL));
    UNIT_OK(cb_images_load(&card.images, "data/firmware/testvectors_in.txt"));
    emitted_finish(&card, card.images.et, (size_t)card.images.n);
}

/* emulator/ and cmssw/ with what builds them. */
static void emit_libraries(const emitted *x) {
    UNIT_OK(cb_emit_emulator(&x->emit));
    UNIT_OK(cb_emit_cmssw(&x->emit));
    UNIT_OK(cb_emit_folder(&x->emit));
}

static void check_software(emitted *x) {
    cb_check c, both[2];
    UNIT_OK(cb_verify_interpreter(&x->emit, &c));
    CU_ASSERT(c.checked == x->emit.n_event && c.mismatches == 0);
    emit_libraries(x);
    UNIT_OK(cb_verify_libraries(&x->emit, x->scratch, both));
    for (int k = 0; k < 2; k++) CU_ASSERT(both[k].checked == x->emit.n_event && both[k].mismatches == 0);
    UNIT_OK(cb_emit_hls_cpp(&x->emit));
    UNIT_OK(cb_verify_hls_cpp(&x->emit, x->scratch, &c));
    CU_ASSERT(c.checked == x->emit.n_event && c.mismatches == 0);
    CU_ASSERT_FALSE(cb_file_exists(x->scratch));
}

static void test_v1(void) {
    card_make();
    check_software(&card);
}

/* The wrapper with stand-in vendor types (so the exact-width statements are run too):
 * its own vectors, then the recorded words of the card. */
static void test_ctp7(void) {
    UNIT_OK(cb_emit_ctp7(&card.emit));
    char script[512], expected[64], make_tb[2048], tb[512], out[512];
    snprintf(script, sizeof script, "%s/ctp7/run_gcc.sh", card.dir);
    snprintf(tb, sizeof tb, "%s/tb", card.dir);
    snprintf(out, sizeof out, "%s/out.txt", card.dir);
    snprintf(make_tb, sizeof make_tb,
             "g++ -O0 -std=c++14 -Wno-unknown-pragmas -DCICADA_AP_TYPES -I%s/ctp7/standin -o %s %s/ctp7/src/*.cpp", card.dir, tb, card.dir);
    const char *const compile[] = {"sh", "-c", make_tb, NULL}, *const own[] = {"sh", script, NULL};
    const char *const recorded[] = {tb, "data/firmware/testvectors_in.txt", out, "data/firmware/v1p1p2/testvectors_out.txt", NULL};
    const char *const wrong[] = {tb, "data/firmware/testvectors_in.txt", out, "data/firmware/v2p1p2/testvectors_out.txt", NULL};
    cb_process_end end;
    UNIT_OK(cb_process_run(&(cb_process){.argv = compile, .wall_s = 100}, &end));
    UNIT_OK(cb_process_run(&(cb_process){.argv = own, .wall_s = 100}, &end));
    snprintf(expected, sizeof expected, "0 mismatches of %zu", card.emit.n_simulation);
    CU_ASSERT_PTR_NOT_NULL(strstr(end.tail, expected));
    UNIT_OK(cb_process_run(&(cb_process){.argv = recorded, .wall_s = 100}, &end));
    CU_ASSERT_PTR_NOT_NULL(strstr(end.tail, "0 mismatches of 256"));
    cb_check c;
    UNIT_OK(cb_verify_ctp7(&card.emit, card.scratch, &c));
    CU_ASSERT(c.checked == card.emit.n_simulation && c.mismatches == 0);
    UNIT_FAILS(cb_process_run(&(cb_process){.argv = wrong, .wall_s = 100}, &end), "mismatches of 256");
}

/* As many regions in another shape are not the card's: no wrapper, and said. */
static void test_no_card(void) {
    cb_programme turned = card.programme;
    cb_emit e = card.emit;
    char path[512];
    cb_check c;
    turned.input_h = 14, turned.input_w = 18;
    e.programme = &turned;
    e.dir = unit_scratch("turned");
    snprintf(path, sizeof path, "%s/ctp7", e.dir);
    UNIT_OK(cb_emit_ctp7(&e));
    CU_ASSERT_FALSE(cb_file_exists(path));
    UNIT_OK(cb_verify_ctp7(&e, card.scratch, &c));
    CU_ASSERT_STRING_EQUAL(c.status, "not run: the card has 18 x 14 regions of 10 bits, the student 14 x 18 of 10");
    UNIT_OK(cb_remove_tree(e.dir));
}

/* ---- every rounding and overflow mode ---- */

static int range(cb_rng *r, int lo, int hi) { return lo + (int)cb_rng_below(r, (uint32_t)(hi - lo + 1)); }

static void mode_quant(cb_programme *p, cb_rng *r, const char *name, int n, int mode) {
    cb_op *op = cb_programme_quant(p, name, n);
    CU_ASSERT_PTR_NOT_NULL_FATAL(op);
    op->relu = range(r, 0, 3) == 0;
    op->round = (cb_round)(mode % (CB_RND_INF + 1));
    op->overflow = (cb_overflow)(mode % (CB_SAT_SYM + 1));
    for (int e = 0; e < n; e++) op->format[e] = (cb_format){(int8_t)range(r, 0, 1), (int16_t)range(r, 0, 7), (int16_t)range(r, -2, 5)};
}

static void mode_dense(cb_programme *p, cb_rng *r, const char *name, int n_out) {
    cb_op *op = cb_programme_dense(p, name, n_out, true);
    CU_ASSERT_PTR_NOT_NULL_FATAL(op);
    for (int i = 0; i < op->kh * op->kw * op->in_c * n_out; i++) op->w[i] = range(r, -31, 31);
    for (int o = 0; o < n_out; o++) op->bias[o] = range(r, -50, 50);
    op->w_frac = 4;
    op->bias_frac = 2;
}

/* 3 x 2 regions, conv, dense, dense, a quantizer of its own mode after each; two
 * thirds of the events random, the others of few values, so that halves are met. */
static void mode_student(emitted *x, int mode, uint16_t *et, size_t n) {
    cb_rng r = cb_rng_at(5, "modes", (uint64_t)mode);
    memset(x, 0, sizeof *x);
    cb_programme *p = &x->programme;
    snprintf(p->name, sizeof p->name, "%d-modes", mode);
    strcpy(p->family, "test");
    p->input_h = 3, p->input_w = 2;
    mode_quant(p, &r, "in", 6, mode + 4);
    cb_op *op = cb_programme_conv2d(p, "conv", 2, 2, 1, 1, 2, false);
    CU_ASSERT_PTR_NOT_NULL_FATAL(op);
    for (int i = 0; i < 8; i++) op->w[i] = range(&r, -15, 15);
    op->w_frac = 3;
    mode_quant(p, &r, "conv_q", 4, mode);
    mode_dense(p, &r, "dense1", 4);
    mode_quant(p, &r, "dense1_q", 4, mode + 1);
    mode_dense(p, &r, "dense2", 1);
    op = cb_programme_quant(p, "score", 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(op);
    op->relu = mode % 2;
    op->round = (cb_round)(mode % (CB_RND_INF + 1));
    op->overflow = mode % 3 ? CB_SAT : CB_WRAP;
    op->format[0] = (cb_format){0, 8, 8};
    UNIT_OK(cb_programme_finish(p));
    for (size_t i = 0; i < n * 6; i++) et[i] = (uint16_t)range(&r, 0, i % 3 ? 1023 : 5);
    emitted_finish(x, et, n);
}

/* The C testbench of hls/ with exact-width types (stand-in headers of `standin`). */
static void check_exact_widths(const emitted *x, const char *standin) {
    char command[2048];
    snprintf(command, sizeof command,
             "cd %s/hls && g++ -O0 -std=c++14 -Wno-unknown-pragmas -DCICADA_AP_TYPES -I%s -o tb *_test.cpp firmware/*.cpp && ./tb", x->dir, standin);
    cb_process_end end;
    UNIT_OK(cb_process_run(&(cb_process){.argv = (const char *const[]){"sh", "-c", command, NULL}, .wall_s = 100}, &end));
    CU_ASSERT_PTR_NOT_NULL(strstr(end.tail, "0 mismatches of 40"));
}

/* As users compile it, and nothing in it is undefined. */
static void check_optimised(const emitted *x) {
    char command[2048];
    snprintf(command, sizeof command,
             "cd %s && env -u MAKEFLAGS -u MAKEOVERRIDES make -s O=ub CFLAGS='-O2 -fsanitize=undefined -fno-sanitize-recover=undefined' LDFLAGS=-fsanitize=undefined check-emulator && "
             "g++ -O2 -std=c++14 -Wno-unknown-pragmas -fsanitize=undefined -fno-sanitize-recover=undefined -o ub/tb hls/*_test.cpp hls/firmware/*.cpp && cd hls && ../ub/tb",
             x->dir);
    cb_process_end end;
    UNIT_OK(cb_process_run(&(cb_process){.argv = (const char *const[]){"sh", "-c", command, NULL}, .wall_s = 100}, &end));
    const char *first = strstr(end.tail, "0 mismatches of 40");
    CU_ASSERT(first && strstr(first + 1, "0 mismatches of 40"));
}

static void test_modes(void) {
    enum { N = 600 };
    static uint16_t et[N * 6];
    char here[512], standin[1024];
    CU_ASSERT_PTR_NOT_NULL_FATAL(getcwd(here, sizeof here));
    snprintf(standin, sizeof standin, "%s/%s/ctp7/standin", here, card.dir);
    static const int modes[] = {0, 2, 5}; /* with those after them: all seven */
    for (int m = 0; m < 3; m++) {
        emitted x;
        mode_student(&x, modes[m], et, N);
        x.emit.et = et;
        check_software(&x);
        check_exact_widths(&x, standin);
        check_optimised(&x);
        UNIT_OK(cb_emit_ctp7(&x.emit)); /* not the card's regions: nothing is written */
        char path[512];
        snprintf(path, sizeof path, "%s/ctp7", x.dir);
        CU_ASSERT_FALSE(cb_file_exists(path));
        cb_check c;
        UNIT_OK(cb_verify_ctp7(&x.emit, x.scratch, &c));
        CU_ASSERT_PTR_NOT_NULL(strstr(c.status, "not run"));
        emitted_free(&x);
    }
}

/* A wrong code must be found, and said with its event. */
static void test_mismatch(void) {
    static uint16_t et[40 * 6];
    emitted x;
    cb_check c, both[2];
    mode_student(&x, 2, et, 40);
    emit_libraries(&x);
    UNIT_OK(cb_emit_hls_cpp(&x.emit));
    x.code[17] ^= 1;
    UNIT_FAILS(cb_verify_interpreter(&x.emit, &c), "1 mismatches of 40; first at event 17");
    UNIT_FAILS(cb_verify_libraries(&x.emit, x.scratch, both), "emulator: 1 mismatches of 40; first at event 17");
    CU_ASSERT(both[0].first_bad == 17 && both[0].mismatches == 1 && both[0].expected == (both[0].got ^ 1));
    UNIT_FAILS(cb_verify_hls_cpp(&x.emit, x.scratch, &c), "hls_cpp: 1 mismatches of 40");
    char path[512];
    snprintf(path, sizeof path, "%s/emulator/emulator.c", x.dir);
    UNIT_OK(cb_file_write(path, "this is no C\n"));
    UNIT_FAILS(cb_verify_libraries(&x.emit, x.scratch, both), "exit status 2");
    CU_ASSERT_STRING_EQUAL(both[0].status, "failed");
    CU_ASSERT_FALSE(cb_file_exists(x.scratch));
    emitted_free(&x);
}

/* ---- what is handed over ---- */

/* A shell line in the folder of the deployed network, after `make`; its last output. */
static void in_folder(cb_process_end *end, const char *line) {
    const char *const argv[] = {"env", "-u", "MAKEFLAGS", "-u", "MAKEOVERRIDES", "sh", "-c", line, NULL};
    UNIT_OK(cb_process_run(&(cb_process){.argv = argv, .dir = card.dir, .wall_s = 100}, end));
}

/* Interface 1 is frozen: these names, this version, this SONAME, nothing else. */
static void test_interface(void) {
    emit_libraries(&card);
    cb_process_end end;
    in_folder(&end, "make -s CFLAGS=-O0 CXXFLAGS=-O0 LDFLAGS= && nm -D --defined-only build/libcicada_v1_emulator.so | cut -d' ' -f3 | sort");
    CU_ASSERT_STRING_EQUAL(end.tail, "CICADA_EMULATOR_1\n"
                                     "cicada_emulator_abi@@CICADA_EMULATOR_1\n"
                                     "cicada_emulator_v1_columns@@CICADA_EMULATOR_1\n"
                                     "cicada_emulator_v1_input_bits@@CICADA_EMULATOR_1\n"
                                     "cicada_emulator_v1_name@@CICADA_EMULATOR_1\n"
                                     "cicada_emulator_v1_rows@@CICADA_EMULATOR_1\n"
                                     "cicada_emulator_v1_score@@CICADA_EMULATOR_1\n"
                                     "cicada_emulator_v1_score_bits@@CICADA_EMULATOR_1\n"
                                     "cicada_emulator_v1_score_fraction_bits@@CICADA_EMULATOR_1\n"
                                     "cicada_emulator_v1_score_many@@CICADA_EMULATOR_1\n"
                                     "cicada_v1_score@@CICADA_EMULATOR_1\n");
    in_folder(&end, "readelf -d build/libcicada_v1_emulator.so | grep -c 'SONAME.*libcicada_v1_emulator.so.1'");
    CU_ASSERT_STRING_EQUAL(end.tail, "1\n");
    in_folder(&end, "nm -D --defined-only build/CICADAModel_cicada_v1.so | cut -d' ' -f3 | sort");
    CU_ASSERT_STRING_EQUAL(end.tail, "create_model\ndestroy_model\n");
}

/* Loads the emulator here, by the names of the interface. */
static void test_load(void) {
    char path[512];
    snprintf(path, sizeof path, "%s/build/libcicada_v1_emulator.so.1", card.dir);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(library);
    uint32_t (*abi)(void), (*rows)(void), (*bits)(void);
    const char *(*name)(void);
    int32_t (*score)(const uint16_t *, uint16_t *);
    size_t (*score_many)(const uint16_t *, size_t, uint16_t *);
    *(void **)&abi = dlsym(library, "cicada_emulator_abi");
    *(void **)&rows = dlsym(library, "cicada_emulator_v1_rows");
    *(void **)&bits = dlsym(library, "cicada_emulator_v1_input_bits");
    *(void **)&name = dlsym(library, "cicada_emulator_v1_name");
    *(void **)&score = dlsym(library, "cicada_emulator_v1_score");
    *(void **)&score_many = dlsym(library, "cicada_emulator_v1_score_many");
    CU_ASSERT_FATAL(abi && rows && bits && name && score && score_many);
    CU_ASSERT(abi() == 1 && rows() == 18 && bits() == 10);
    CU_ASSERT_STRING_EQUAL(name(), "cicada-v1");
    uint16_t code[256], one;
    CU_ASSERT_EQUAL(score_many(card.images.et, 256, code), 256);
    CU_ASSERT_EQUAL(memcmp(code, card.code, sizeof code), 0);
    CU_ASSERT(score(card.images.et + 252, &one) == 0 && one == card.code[1]);
    uint16_t kept = card.images.et[3 * 252 + 100];
    card.images.et[3 * 252 + 100] = 1024; /* eleven bits: nothing from event 3 on */
    memset(code, 0xff, sizeof code);
    CU_ASSERT_EQUAL(score_many(card.images.et, 256, code), 3);
    CU_ASSERT(code[2] == card.code[2] && code[3] == 0xffff && score(card.images.et + 3 * 252, &one) == -1);
    card.images.et[3 * 252 + 100] = kept;
    dlclose(library);
}

/* The folder's own check, as its taker runs it, and what it says of a wrong score. */
static void test_check(void) {
    cb_process_end end;
    in_folder(&end, "make -s check-emulator check-cmssw check-ctp7 CXXFLAGS=-O0 LDFLAGS=");
    CU_ASSERT_PTR_NOT_NULL(strstr(end.tail, "cicada-v1: 0 mismatches of 40"));
    in_folder(&end, "make -s check-cmssw CXXFLAGS=-O0 LDFLAGS= O=ap AP_TYPES=cmssw/standin");
    CU_ASSERT_PTR_NOT_NULL(strstr(end.tail, "0 mismatches of 40, ap_ types too"));
    in_folder(&end, "sed '7s/.*/255.0/' hls/tb_data/tb_output_predictions.dat > wrong; head -n 9 wrong > few;"
                    "for l in build/check_emulator 'build/check_cmssw build/CICADAModel_cicada_v1.so'; do for s in wrong few none; do "
                    "$l hls/tb_data/tb_input_features.dat $s; echo status $?; done; done");
    const char *at = end.tail;
    for (int k = 0; k < 2; k++) { /* both programs */
        static const char *const said[] = {"first mismatch: event 6 expected 65280 got", "1 mismatches of 40", "status 1",
                                           "fewer scores", "status 2", "cannot be opened", "status 2"};
        for (int i = 0; i < 7 && at; i++) at = strstr(at, said[i]);
    }
    CU_ASSERT_PTR_NOT_NULL(at);
}

/* The weights beside the C++ are those of the programme, in the published form. */
static void test_weights(void) {
    cb_programme again;
    char path[512];
    uint16_t code[256];
    snprintf(path, sizeof path, "%s/hls/firmware/weights", card.dir);
    UNIT_OK(cb_firmware_import(&again, "v1", "again", path, NULL));
    UNIT_OK(cb_programme_score(&again, card.emit.et, 256, code));
    CU_ASSERT_EQUAL(memcmp(code, card.code, sizeof code), 0);
    cb_programme_free(&again);
    emitted_free(&card);
}

UNIT_MAIN("emit", {"deployed v1p1p2: emulator and HLS C++", test_v1}, {"deployed v1p1p2: trigger-card wrapper", test_ctp7},
          {"no wrapper for other shapes", test_no_card},
          {"every rounding and overflow mode", test_modes}, {"mismatches and compile errors", test_mismatch},
          {"interface 1 of the emulator", test_interface}, {"emulator loaded", test_load}, {"the folder's check", test_check},
          {"weights beside the C++", test_weights})
