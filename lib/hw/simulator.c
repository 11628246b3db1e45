#include "hw/simulator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "hw/process.h"

enum { CLOCKS = 500, COMPILE_S = 300, RUN_S = 60 };

/* Written as emit_verilog.c writes: one module an adder, exact widths. */
static const char design[] =
    "module addm #(parameter W = 1) (input [W-1:0] a, input [W-1:0] b, output [W-1:0] y);\n"
    "  assign y = a + b;\nendmodule\n\n"
    "module subm #(parameter W = 1) (input [W-1:0] a, input [W-1:0] b, output [W-1:0] y);\n"
    "  assign y = a - b;\nendmodule\n\n"
    "module add3 #(parameter W = 3, CI = 0, parameter [63:0] IA = 0, IB = 0, IC = 0)\n"
    "  (input [W-1:0] a, input [W-1:0] b, input [W-1:0] c, output [W-1:0] y);\n"
    "  assign y = (a ^ IA[W-1:0]) + (b ^ IB[W-1:0]) + (c ^ IC[W-1:0]) + (CI != 0);\nendmodule\n\n"
    "module selftest (input clk, input [99:0] x, output reg [15:0] y);\n"
    "  wire [9:0] n0 = x[9:0];\n  wire [9:0] n1 = x[53:44];\n  wire [9:0] n2 = x[99:90];\n"
    "  wire [12:0] n3;\n  assign n3[1:0] = n0[1:0];\n"
    "  addm #(11) a3 (.b({3'h0, n0[9:2]}), .a({1'h0, n1[9:0]}), .y(n3[12:2]));\n" /* n0 + 4 n1 */
    "  wire [12:0] n4;\n"
    "  subm #(13) a4 (.a({n1[9:0], 3'h0}), .b({3'h0, n2}), .y(n4));\n"                        /* 8 n1 - n2, signed */
    "  wire [14:0] n5;\n"                                                                       /* n3 - n4 + n2 */
    "  add3 #(.W(15), .CI(1), .IA(64'h0), .IB(64'h7fff), .IC(64'h0)) a5 (.a({2'h0, n3}), .b({{2{n4[12] & ~(n4[12:3] == 0)}}, n4}), .c({5'h0, n2}), .y(n5));\n"
    "  wire [10:0] q6 = n5[14:4] & {{10{1'b1}}, |n5[3:0]};\n"
    "  wire above6 = ~q6[10] & |q6[9:7];\n"
    "  wire [6:0] n6 = {7{~q6[10]}} & ({7{above6}} | q6[6:0]);\n"
    "  reg [6:0] n6_s1;\n"
    "  wire [0:0] n7 = (n0[3] ? (n1[2] ? 1'b0 : ~n2[7]) : n2[7]);\n"
    "  wire below8 = n5[14] & (~&n5[13:9]);\n"
    "  wire [9:0] n8 = below8 ? 10'h200 : ~n5[14] & |n5[13:9] ? 10'h1ff : n5[9:0];\n"
    "  always @(posedge clk) begin\n    n6_s1 <= n6;\n    y <= {n6_s1[5:0], n8} ^ {15'h0, n7};\n  end\nendmodule\n\n";

static const char bench[] =
    "`timescale 1ns/1ps\nmodule selftest_tb;\n  reg clk;\n  reg [99:0] x;\n  reg [31:0] state, sum;\n  wire [15:0] y;\n  integer k;\n"
    "  selftest dut (.clk(clk), .x(x), .y(y));\n"
    "  initial begin\n    clk = 0;\n    x = 0;\n    state = 1;\n    sum = 0;\n"
    "    for (k = 0; k < 500; k = k + 1) begin\n"
    "      state = state * 32'd1664525 + 32'd1013904223;\n"
    "      x = {state[31:22], 36'h0, state[21:12], 34'h0, state[11:2]};\n"
    "      #1 clk = 1;\n      #1 clk = 0;\n"
    "      if (k > 0) sum = {sum[30:0], sum[31]} + {16'h0, y};\n"
    "    end\n    $display(\"selftest %08x\", sum);\n    $finish;\n  end\nendmodule\n";

/* One event of the design: n6 (seven bits), n7, n8 (ten bits). */
static void clock_of(uint32_t state, unsigned *n6, unsigned *n7, unsigned *n8) {
    int a = (int)(state >> 2 & 1023), b = (int)(state >> 12 & 1023), c = (int)(state >> 22);
    int n4 = (8 * b - c) & 8191, minus = n4 >> 12 && (n4 >> 3);
    int field = minus ? n4 - 8192 : n4;                                       /* with the sign repeated */
    int n5 = (a + 4 * b - field + c) & 32767, value = n5 >= 16384 ? n5 - 32768 : n5;
    int q = value >> 4;
    if (!(n5 & 15)) q &= ~1;
    *n6 = q < 0 ? 0 : q > 127 ? 127 : (unsigned)q;
    bool x = a >> 3 & 1, y = b >> 2 & 1, z = c >> 7 & 1;
    *n7 = x ? (y ? 0 : !z) : z;
    *n8 = (unsigned)(value < -512 ? -512 : value > 511 ? 511 : value) & 1023;
}

uint32_t cb_simulator_expected(void) {
    uint32_t state = 1, sum = 0;
    unsigned before = 0;
    for (int k = 0; k < CLOCKS; k++) {
        unsigned n6, n7, n8;
        state = state * 1664525u + 1013904223u;
        clock_of(state, &n6, &n7, &n8);
        unsigned y = ((before & 63) << 10 | n8) ^ n7;
        if (k > 0) sum = (sum << 1 | sum >> 31) + y;
        before = n6;
    }
    return sum;
}

/* What the two simulators differ in: how the design becomes a program, and how that is started. */
typedef struct {
    const char *compile[12], *run[4];
    const char *version, *remedy;
} simulator;

static const simulator simulators[2] = {
    {{"iverilog", "-g2005", "-o", "selftest.vvp", "selftest.v"}, {"vvp", "-n", "selftest.vvp"}, "-V", "Debian 12 has 11.0"},
    {{"verilator", "--binary", "-Wno-fatal", "--top-module", "selftest_tb", "--Mdir", "selftest_obj", "selftest.v"},
     {"selftest_obj/Vselftest_tb"}, "--version", "Debian 12 has 5.006"}};

static int compile_and_run(const simulator *s, const char *scratch, cb_process_end *end) {
    return cb_process_run(&(cb_process){.argv = s->compile, .dir = scratch, .wall_s = COMPILE_S}, NULL) ||
                   cb_process_run(&(cb_process){.argv = s->run, .dir = scratch, .wall_s = RUN_S}, end)
               ? -1
               : 0;
}

int cb_simulator_check(bool verilator, const char *scratch) {
    const simulator *s = &simulators[verilator];
    cb_process_end end = {0};
    char *path = cb_textf("%s/selftest.v", scratch), *text = cb_textf("%s%s", design, bench), title[128] = "";
    int rc = path && text ? cb_file_write(path, text) : -1;
    free(path), free(text);
    if (!rc) rc = compile_and_run(s, scratch, &end);
    if (rc) return cb_fail_in("self-test of the simulator");
    const char *at = strstr(end.tail, "selftest ");
    unsigned got = 0, want = cb_simulator_expected();
    if (at && sscanf(at, "selftest %x", &got) == 1 && got == want) return 0;
    cb_process_title(s->compile[0], s->version, title, sizeof title);
    if (!at) return cb_fail("%s: the self-test prints no result; last output:\n%s", title, end.tail);
    return cb_fail("%s miscompiles: its self-test gives %08x, %08x is right; use another version (%s) before trusting what it simulates", title, got,
                   want, s->remedy);
}
