/* The simulator is tried on a recorded design before it is trusted; one that computes wrongly is named. */
#include <sys/stat.h>

#include "hw/process.h"
#include "hw/simulator.h"
#include "hw/verify.h"
#include "unit.h"

static void test_installed(void) {
    const char *scratch = unit_scratch("simulator");
    UNIT_OK(cb_mkdirs(scratch));
    CU_ASSERT_EQUAL(cb_simulator_expected(), 0x1ccc7e25u);
    if (cb_process_exists("iverilog")) UNIT_OK(cb_simulator_check(false, scratch));
    if (cb_process_exists("verilator")) UNIT_OK(cb_simulator_check(true, scratch));
    UNIT_OK(cb_remove_tree(scratch));
}

/* A program of that name that prints what it is told. */
static void stand_in(const char *dir, const char *name, const char *text) {
    char *path = cb_textf("%s/%s", dir, name), *script = cb_textf("#!/bin/sh\n%s\n", text);
    UNIT_OK(cb_file_write(path, script));
    CU_ASSERT_EQUAL(chmod(path, 0755), 0);
    free(path), free(script);
}

static void test_wrong(void) {
    char *before = cb_strdup(getenv("PATH")), *tools = cb_strdup(unit_scratch("tools")), *full = cb_textf("%s/%s", getenv("PWD"), tools);
    const char *scratch = unit_scratch("simulator");
    UNIT_OK(cb_mkdirs(scratch));
    UNIT_OK(cb_mkdirs(tools));
    char *path = cb_textf("%s:%s", full, before);
    stand_in(tools, "iverilog", "echo 'Icarus Verilog version 99.5 (devel)'");
    stand_in(tools, "vvp", "echo 'selftest 0badf00d'");
    setenv("PATH", path, 1);
    UNIT_FAILS(cb_simulator_check(false, scratch), "iverilog 99.5 miscompiles: its self-test gives 0badf00d");
    stand_in(tools, "vvp", "echo 'nothing'");
    UNIT_FAILS(cb_simulator_check(false, scratch), "iverilog 99.5: the self-test prints no result");
    stand_in(tools, "vvp", "echo 'oh dear'; exit 3");
    UNIT_FAILS(cb_simulator_check(false, scratch), "self-test of the simulator: vvp: exit status 3; last output:\noh dear");
    setenv("PATH", before, 1);
    UNIT_OK(cb_remove_tree(tools));
    UNIT_OK(cb_remove_tree(scratch));
    free(before), free(tools), free(full), free(path);
}

/* A pipelined sum of four regions in Verilator; a wrong score is seen. */
static void test_verilator(void) {
    enum { EVENTS = 40 };
    static uint16_t et[EVENTS * 4], code[EVENTS];
    char scratch[600];
    const char *dir = unit_scratch("verilator");
    cb_netlist g = {.name = "small", .n_input = 4, .input_bits = 10};
    if (!cb_process_exists("verilator")) {
        fprintf(stderr, "\n  verilator is not installed: not simulated\n");
        return;
    }
    int32_t sum = cb_netlist_add(&g, cb_netlist_input(&g, 0), 3, cb_netlist_input(&g, 1), 0, true);
    sum = cb_netlist_add(&g, sum, 0, cb_netlist_add(&g, cb_netlist_input(&g, 2), 1, cb_netlist_input(&g, 3), 0, false), 0, true);
    g.output = calloc(1, sizeof *g.output);
    g.n_output = 1;
    g.output[0] = cb_netlist_quant(&g, sum, (cb_format){0, 12, -1}, CB_RND_CONV, CB_SAT, true);
    CU_ASSERT_FATAL(g.output[0] >= 0);
    UNIT_OK(cb_netlist_pipeline(&g, 1));
    for (int i = 0; i < EVENTS * 4; i++) et[i] = (uint16_t)((uint32_t)i * 2654435761u >> 22);
    UNIT_OK(cb_netlist_score(&g, et, EVENTS, code));
    snprintf(scratch, sizeof scratch, "%s/sim", dir);
    cb_emit e = {.net = &g, .dir = dir, .clock_ns = 6.25, .et = et, .code = code, .n_event = EVENTS, .n_simulation = EVENTS};
    for (int wrong = 0; wrong < 2; wrong++) {
        cb_check c;
        code[17] ^= wrong;
        UNIT_OK(cb_emit_verilog(&e));
        int rc = cb_verify_verilator(&e, scratch, &c);
        if (rc && !wrong) fprintf(stderr, "\n  %s\n", cb_error());
        CU_ASSERT(c.checked == EVENTS && c.mismatches == (uint64_t)wrong && (rc != 0) == wrong);
        if (rc) CU_ASSERT_PTR_NOT_NULL(strstr(cb_error(), "1 of 40 events differ"));
    }
    UNIT_OK(cb_remove_tree(dir));
    cb_netlist_free(&g);
}

UNIT_MAIN("simulator", {"installed", test_installed}, {"wrong", test_wrong}, {"verilator", test_verilator})
