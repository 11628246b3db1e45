/* The printed representations: compiled and run, they give the programme's codes. */
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
    snprintf(x->dir, sizeof x->dir, "%s", unit_scratch("firmware"));
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

/* A deployed version on the 256 recorded events. */
static void deployed(emitted *x, const char *arch, const char *folder) {
    memset(x, 0, sizeof *x);
    UNIT_OK(cb_firmware_import(&x->programme, arch, "cicada-test", folder, NULL));
    UNIT_OK(cb_images_load(&x->images, "data/firmware/testvectors_in.txt"));
    emitted_finish(x, x->images.et, (size_t)x->images.n);
}

static void check_software(emitted *x) {
    cb_check c;
    UNIT_OK(cb_verify_interpreter(&x->emit, &c));
    CU_ASSERT(c.checked == x->emit.n_event && c.mismatches == 0);
    UNIT_OK(cb_emit_emulator(&x->emit));
    UNIT_OK(cb_verify_emulator(&x->emit, x->scratch, &c));
    CU_ASSERT(c.checked == x->emit.n_event && c.mismatches == 0);
    UNIT_OK(cb_emit_hls_cpp(&x->emit));
    UNIT_OK(cb_verify_hls_cpp(&x->emit, x->scratch, &c));
    CU_ASSERT(c.checked == x->emit.n_event && c.mismatches == 0);
    CU_ASSERT_FALSE(cb_file_exists(x->scratch));
}

static void test_v1(void) {
    emitted x;
    deployed(&x, "v1", "data/firmware/v1p1p2");
    check_software(&x);
    emitted_free(&x);
}

/* The wrapper with stand-in vendor types (so the exact-width statements are run too):
 * its own vectors, then the recorded words of the card. */
static void test_ctp7(void) {
    emitted x;
    deployed(&x, "v1", "data/firmware/v1p1p2");
    UNIT_OK(cb_emit_ctp7(&x.emit));
    char script[512], out[512], expected[64];
    snprintf(script, sizeof script, "%s/ctp7/run_gcc.sh", x.dir);
    snprintf(out, sizeof out, "%s/out.txt", x.dir);
    const char *const own[] = {"sh", script, NULL};
    const char *const recorded[] = {"sh", script, "data/firmware/testvectors_in.txt", out, "data/firmware/v1p1p2/testvectors_out.txt", NULL};
    const char *const wrong[] = {"sh", script, "data/firmware/testvectors_in.txt", out, "data/firmware/v2p1p2/testvectors_out.txt", NULL};
    cb_process_end end;
    UNIT_OK(cb_process_run(&(cb_process){.argv = own, .wall_s = 100}, &end));
    snprintf(expected, sizeof expected, "0 mismatches of %zu", x.emit.n_simulation);
    CU_ASSERT_PTR_NOT_NULL(strstr(end.tail, expected));
    UNIT_OK(cb_process_run(&(cb_process){.argv = recorded, .wall_s = 100}, &end));
    CU_ASSERT_PTR_NOT_NULL(strstr(end.tail, "0 mismatches of 256"));
    UNIT_FAILS(cb_process_run(&(cb_process){.argv = wrong, .wall_s = 100}, &end), "mismatches of 256");
    emitted_free(&x);
}

UNIT_MAIN("emit", {"deployed v1p1p2: emulator and HLS C++", test_v1}, {"deployed v1p1p2: trigger-card wrapper", test_ctp7})
