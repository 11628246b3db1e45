/* Site counting on a netlist made by hand, Yosys where installed, and tools that
 * misbehave in every way. */
#define _XOPEN_SOURCE 700 /* realpath */
#include "fake_tool.h"
#include "hw/process.h"
#include "hw/vivado.h"
#include "hw/yosys.h"

#define CELL(name, type, pins) "\"" name "\":{\"type\":\"" type "\",\"connections\":{" pins "}}"
#define LUT2(name, a, b, o) CELL(name, "LUT2", "\"I0\":[" #a "],\"I1\":[" #b "],\"O\":[" #o "]")

/* nets 2..9 inputs. S = {LUT2, INV, input, constant}; LUT2 pairs: p1 with p2 (share 2),
 * p3 (3 inputs) with a stranger LUT2; LUT6 alone; an INV that is absorbed. */
static const char hand_made[] =
    "{\"modules\":{\"top\":{\"cells\":{"
    LUT2("s0", 2, 3, 20) ","
    CELL("s1", "INV", "\"I\":[4],\"O\":[21]") ","
    CELL("c", "CARRY4", "\"S\":[20,21,5,\"0\"],\"O\":[30,31,32,33]") ","
    LUT2("p1", 2, 6, 40) "," LUT2("p2", 2, 7, 41) ","
    CELL("p3", "LUT3", "\"I0\":[30],\"I1\":[31],\"I2\":[32],\"O\":[42]") "," LUT2("p4", 8, 9, 43) ","
    CELL("six", "LUT6", "\"I0\":[2],\"I1\":[3],\"I2\":[4],\"I3\":[5],\"I4\":[6],\"I5\":[7],\"O\":[44]") ","
    CELL("i", "INV", "\"I\":[8],\"O\":[45]") ","
    CELL("srl", "SRL16E", "\"D\":[8],\"Q\":[46]") ","
    CELL("ff", "FDRE", "\"D\":[40],\"Q\":[47]")
    "}}}}";

static void test_sites(void) {
    const char *path = unit_scratch("net.json");
    write_text(path, hand_made);
    cb_site_count c;
    UNIT_OK(cb_sites_read(path, &c));
    CU_ASSERT_EQUAL(cb_cells_raw_lut(&c.cells), 8);
    CU_ASSERT(c.cells.lut[2] == 4 && c.cells.lut[3] == 1 && c.cells.lut[6] == 1 && c.cells.inv == 2);
    CU_ASSERT(c.cells.carry4 == 1 && c.cells.ff == 1 && c.cells.srl16 == 1 && c.cells.other == 0);
    CU_ASSERT_EQUAL(c.carry_lut, 2);
    CU_ASSERT_EQUAL(c.route_through, 1);
    CU_ASSERT_EQUAL(c.pairs, 2);
    CU_ASSERT_EQUAL(c.packed, 2 + 1 + (5 - 2) + 1);
    CU_ASSERT_EQUAL(c.packed_lower, 2 + (5 - 2) + 1);
    for (size_t n = 0; n < sizeof hand_made - 1; n += 23) { /* cut off anywhere */
        char part[sizeof hand_made];
        memcpy(part, hand_made, n);
        part[n] = 0;
        write_text(path, part);
        CU_ASSERT_NOT_EQUAL(cb_sites_read(path, &c), 0);
    }
    write_text(path, "{\"modules\":{\"t\":{\"cells\":{" CELL("x", "LUT2", "\"I0\":[2],\"O\":[-7]") "}}}}");
    UNIT_FAILS(cb_sites_read(path, &c), "LUT2");
    write_text(path, "{\"modules\":{\"t\":{\"cells\":{" CELL("x", "CARRY4", "\"S\":[99999999999]") "}}}}");
    UNIT_FAILS(cb_sites_read(path, &c), "bad net");
    write_text(path, "{\"design\":{\"num_cells_by_type\":{\"LUT4\":\"many\"}}}");
    UNIT_FAILS(cb_stat_read(path, &c.cells), "LUT4");
    write_text(path, "{\"design\":{}}");
    UNIT_FAILS(cb_stat_read(path, &c.cells), "num_cells_by_type");
    unlink(path);
}

/* 12-bit sum and difference: 3 CARRY4 each, one LUT2 per bit with two operands. */
static const char design[] =
    ADDER_MODULES
    "module t(input clk, input [9:0] x0, input [9:0] x1, input [9:0] x2, output reg [11:0] y);\n"
    "wire [11:0] s, d;\n"
    "addm #(12) a1({2'b0,x0},{1'b0,x1,1'b0},s);\nsubm #(12) a2(s,{2'b0,x2},d);\n"
    "always @(posedge clk) y <= d;\nendmodule\n";

typedef struct {
    char dir[512], verilog[600];
    cb_yosys_job job;
    cb_synth_report r;
} bench;

static void begin(bench *b) {
    memset(b, 0, sizeof *b);
    tool_folder("yosys", design, b->dir, b->verilog);
    b->job = (cb_yosys_job){.verilog = b->verilog, .top = "t", .dir = b->dir, .wall_s = 300, .memory_mib = 3000,
                            .cycles = 1, .ii = 1};
    b->r = (cb_synth_report){.student = "t", .part = {"p", "xc7", 433200, 866400, 3600, 1470, 6.25}};
}

static void end(bench *b) {
    cb_synth_report_free(&b->r);
    UNIT_OK(cb_remove_tree(b->dir));
    unlink(b->verilog);
}

static void test_yosys(void) {
    if (!cb_process_exists("yosys")) {
        printf("(yosys is not installed: not tested) ");
        return;
    }
    bench b;
    begin(&b);
    UNIT_OK(cb_yosys_run(&b.job, &b.r));
    CU_ASSERT_EQUAL_FATAL(b.r.n, 3);
    CU_ASSERT_STRING_EQUAL(b.r.row[0].status, "ok");
    CU_ASSERT(b.r.row[0].lut >= 19 && b.r.row[0].lut <= 22);
    CU_ASSERT(b.r.row[0].carry == 6 && b.r.row[0].ff == 12 && b.r.row[0].dsp == 0 && b.r.row[0].bram == 0);
    CU_ASSERT(b.r.row[1].lut >= b.r.row[2].lut && b.r.row[1].lut <= 24);
    CU_ASSERT_PTR_NOT_NULL(strchr(b.r.row[0].version, '.'));
    end(&b);
    begin(&b);
    b.job.top = "nosuch";
    UNIT_OK(cb_yosys_run(&b.job, &b.r));
    CU_ASSERT_PTR_NOT_NULL(strstr(b.r.row[0].status, "failed: yosys: exit status 1"));
    CU_ASSERT_PTR_NOT_NULL(strstr(b.r.row[0].status, "nosuch"));
    end(&b);
}

static void test_bad_tools(void) {
    static const struct { const char *script, *status; } bad[] = {
        {"echo 'ERROR: it broke'; exit 3", "failed: yosys: exit status 3; last output: ERROR: it broke"},
        {"kill -SEGV $$", "failed: yosys: ended by signal 11"},
        {"sleep 30", "failed: yosys: stopped after 0.5 s (the time limit)"},
        {"echo garbage > yosys_stat.json; echo '{' > yosys_net.json", "failed: broken report: yosys_stat.json:1"},
        {"exit 0", "failed: broken report: yosys_stat.json"},
        {"echo 'terminate called: std::bad_alloc' >&2; exit 1", "failed: yosys: out of memory"},
        {"exec tail /dev/zero", "failed: yosys: out of memory (limit 64 MiB); last output: tail: memory exhausted"},
        {"echo '{\"design\":{\"num_cells_by_type\":{\"LUT2\":5}}}' > yosys_stat.json\n"
         "echo '{\"modules\":{\"t\":{\"cells\":{}}}}' > yosys_net.json", "failed: stat counts 5 LUT"},
    };
    char bin[512]; /* outlives the rotation of unit_scratch */
    snprintf(bin, sizeof bin, "%s", unit_scratch("bin"));
    UNIT_OK(cb_mkdirs(bin));
    char *old = fake_path(bin);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        bench b;
        begin(&b);
        b.job.wall_s = 0.5;
        b.job.memory_mib = 64;
        fake_tool(bin, "yosys", bad[i].script);
        UNIT_OK(cb_yosys_run(&b.job, &b.r));
        CU_ASSERT_EQUAL_FATAL(b.r.n, 1);
        if (!strstr(b.r.row[0].status, bad[i].status)) fprintf(stderr, "\n  status was: %s\n", b.r.row[0].status);
        CU_ASSERT_PTR_NOT_NULL(strstr(b.r.row[0].status, bad[i].status));
        CU_ASSERT_STRING_EQUAL(b.r.row[0].version, "9.9");
        CU_ASSERT(isnan(b.r.row[0].lut));
        end(&b);
    }
    setenv("PATH", "/nonexistent", 1);
    bench b;
    begin(&b);
    UNIT_OK(cb_yosys_run(&b.job, &b.r));
    CU_ASSERT_STRING_EQUAL(b.r.row[0].status, "not run: yosys is not installed");
    end(&b);
    setenv("PATH", old, 1);
    free(old);
    UNIT_OK(cb_remove_tree(bin));
}

/* Vendor tools that deliver the sample reports, then one that does not. */
static void test_vendor(void) {
    char bin[512]; /* outlives the rotation of unit_scratch */
    snprintf(bin, sizeof bin, "%s", unit_scratch("bin2"));
    UNIT_OK(cb_mkdirs(bin));
    char *old = fake_path(bin), *data = realpath("tests/data/vendor", NULL);
    char *hls = cb_textf("grep -q '^set part \"p\"' project.tcl || exit 9\nmkdir -p t_prj/solution1/syn/report\n"
                         "cp %s/csynth.xml t_prj/solution1/syn/report/t_csynth.xml\n"
                         "case $* in *'reset=0 csim=0 synth=0 cosim=1'*) mkdir -p t_prj/solution1/sim/report\n"
                         "cp %s/cosim.rpt t_prj/solution1/sim/report/t_cosim.rpt;; esac", data, data);
    char *vivado = cb_textf("test -f ../vivado.tcl -a -f ../clock.xdc || exit 9\n"
                            "cp %s/utilization_7series.rpt synth_utilization.rpt; cp %s/utilization_7series.rpt route_utilization.rpt\n"
                            "cp %s/timing_met.rpt synth_timing.rpt; cp %s/timing_missed.rpt route_timing.rpt", data, data, data, data);
    fake_tool(bin, "vitis_hls", hls);
    fake_tool(bin, "vivado", vivado);
    bench b;
    begin(&b);
    cb_vendor_job job = {.firmware = b.dir, .verilog = "t.v", .top = "t", .dir = b.dir, .wall_s = 10,
                         .cycles = 7, .ii = 1};
    char project[600];
    snprintf(project, sizeof project, "%s/hls/project.tcl", b.dir);
    write_text(project, "set project_name \"t\"\nset part \"other\"\n");
    UNIT_OK(cb_vendor_scripts(&job, &b.r.part));
    UNIT_OK(cb_vendor_run(&job, &b.r));
    CU_ASSERT_EQUAL_FATAL(b.r.n, 4);
    CU_ASSERT(b.r.row[0].lut == 8851 && b.r.row[2].lut == 36095 && b.r.row[3].lut == 36095);
    CU_ASSERT(b.r.row[0].cycles == 16 && b.r.row[1].cycles == 16 && b.r.row[2].cycles == 7);
    CU_ASSERT(b.r.row[0].ii == 4 && b.r.row[1].ii == 5 && isnan(b.r.row[1].lut)); /* as simulated, a step of its own */
    CU_ASSERT_STRING_EQUAL(b.r.row[1].step, "co-simulation");
    for (int i = 0; i < 3; i++) CU_ASSERT_STRING_EQUAL(b.r.row[i].status, "ok");
    CU_ASSERT_PTR_NOT_NULL(strstr(b.r.row[3].status, "misses timing"));
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(b.r.cosim, "LatencyMax")), "16");
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(b.r.timing, "WNS")), "-0.350");
    b.r.n = 0; /* a version that leaves the text report only */
    char *text_only = cb_textf("mkdir -p t_prj/solution1/syn/report; cp %s/csynth.rpt t_prj/solution1/syn/report/t_csynth.rpt", data);
    fake_tool(bin, "vitis_hls", text_only);
    UNIT_OK(cb_vendor_run(&job, &b.r));
    CU_ASSERT(b.r.row[0].lut == 8851 && b.r.row[0].cycles == 16);
    CU_ASSERT_STRING_EQUAL(b.r.row[0].status, "ok"); /* whatever becomes of the simulation */
    CU_ASSERT_PTR_NOT_NULL(strstr(b.r.row[1].status, "failed: t_prj/solution1/sim/report/t_cosim.rpt: cannot open"));
    free(text_only);
    b.r.n = 0;
    fake_tool(bin, "vivado", "echo 'ERROR: [Common 17-345] A valid license was not found'; exit 1");
    fake_tool(bin, "vitis_hls", "mkdir -p t_prj/solution1/syn/report; echo '<profile>' > t_prj/solution1/syn/report/t_csynth.xml");
    UNIT_OK(cb_vendor_run(&job, &b.r));
    CU_ASSERT_PTR_NOT_NULL(strstr(b.r.row[0].status, "failed: t_prj/solution1/syn/report/t_csynth.xml: no element"));
    CU_ASSERT_PTR_NOT_NULL(strstr(b.r.row[1].status, "license was not found"));
    CU_ASSERT_PTR_NOT_NULL(strstr(b.r.row[2].status, "license was not found"));
    char work[600];
    snprintf(work, sizeof work, "%s/vendor", b.dir);
    CU_ASSERT(!cb_file_exists(work));
    end(&b);
    setenv("PATH", old, 1);
    free(old);
    free(data);
    free(hls);
    free(vivado);
    UNIT_OK(cb_remove_tree(bin));
}

UNIT_MAIN("yosys", {"sites", test_sites}, {"yosys", test_yosys}, {"bad tools", test_bad_tools},
          {"vendor tools", test_vendor})
