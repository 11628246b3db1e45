/* The simulator is tried on a recorded design before it is trusted; one that computes wrongly is named. */
#include <sys/stat.h>

#include "hw/process.h"
#include "hw/simulator.h"
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

UNIT_MAIN("simulator", {"installed", test_installed}, {"wrong", test_wrong})
