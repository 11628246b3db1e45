/* What goes with the Verilog modules: test benches, their vectors, a README. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hw/emit_common.h"

/* All vectors one after the other, without registers. */
static const char comb_run[] =
    "    for (k = 0; k < N; k = k + 1) begin\n"
    "      model_inp = stimulus[k];\n      #1;\n      check(k);\n    end\n";

/* An event enters at edge k and leaves after edge k + LATENCY - 1. */
static const char pipelined_run[] =
    "    for (k = 0; k < N + LATENCY - 1; k = k + 1) begin\n"
    "      model_inp = k < N ? stimulus[k] : 0;\n      #1 clk = 1;\n      #1 clk = 0;\n"
    "      if (k >= LATENCY - 1) check(k - LATENCY + 1);\n    end\n";

/* One edge with sync, then an event every II clocks, for which it stands; its score comes after edge
 * LATENCY - 1 of its own, with valid, and only then is valid high. */
static const char shared_run[] =
    "    model_inp = 0;\n    sync = 1;\n    #1 clk = 1;\n    #1 clk = 0;\n    sync = 0;\n"
    "    for (k = 0; k < (N - 1) * II + LATENCY; k = k + 1) begin\n"
    "      model_inp = k < N * II ? stimulus[k / II] : 0;\n      #1 clk = 1;\n      #1 clk = 0;\n"
    "      if (k >= LATENCY - 1 && (k - LATENCY + 1) % II == 0) begin\n"
    "        check((k - LATENCY + 1) / II);\n"
    "        if (valid !== 1'b1) bad = bad + 1;\n"
    "      end else if (k >= LATENCY - 1 && valid !== 1'b0) bad = bad + 1;\n    end\n";

/* kind: "_comb" or "" */
static int write_bench(const cb_emit *e, const cb_netlist *g, const char *kind, const char *dir) {
    char module[64], file[80];
    cb_emit_identifier(g->name, module);
    cb_text t = {0};
    bool comb = kind[0], shared = !comb && g->ii > 1;
    cb_text_add(&t, "// Streams every vector of vectors_in.hex and compares with vectors_out.hex.\n"
                    "`timescale 1ns/1ps\nmodule %s%s_tb;\n", module, kind);
    cb_text_add(&t, "  localparam N = %zu, LATENCY = %d", e->n_simulation, comb ? 0 : g->n_stage);
    if (shared) cb_text_add(&t, ", II = %d", g->ii);
    cb_text_add(&t, ";\n  reg [%d:0] stimulus [0:N-1];\n  reg [%d:0] expected [0:N-1];\n", g->n_input * g->input_bits - 1,
                g->n_output * CB_SCORE_BITS - 1);
    cb_text_add(&t, "  reg clk%s;\n  reg [%d:0] model_inp;\n  wire [%d:0] model_out;\n%s  integer k, bad, first;\n", shared ? ", sync" : "",
                g->n_input * g->input_bits - 1, g->n_output * CB_SCORE_BITS - 1, shared ? "  wire valid;\n" : "");
    cb_text_add(&t, "  %s%s dut (%s%s.model_inp(model_inp), .model_out(model_out));\n", module, kind, comb ? "" : ".clk(clk), ",
                shared ? ".sync(sync), .valid(valid), " : "");
    cb_text_put(&t, "  task check(input integer event_index);\n"
                    "    if (model_out !== expected[event_index]) begin\n"
                    "      if (bad == 0) begin\n"
                    "        first = event_index;\n"
                    "        $display(\"first mismatch: event %0d expected %0d got %0d\", event_index, expected[event_index], model_out);\n"
                    "      end\n"
                    "      bad = bad + 1;\n"
                    "    end\n"
                    "  endtask\n"
                    "  initial begin\n"
                    "    $readmemh(\"vectors_in.hex\", stimulus);\n"
                    "    $readmemh(\"vectors_out.hex\", expected);\n"
                    "    bad = 0;\n    first = -1;\n    clk = 0;\n");
    cb_text_put(&t, comb ? comb_run : shared ? shared_run : pipelined_run);
    cb_text_put(&t, "    $display(\"checked %0d mismatches %0d\", N, bad);\n    $finish;\n  end\nendmodule\n");
    snprintf(file, sizeof file, "%s%s_tb.v", module, kind);
    return cb_text_write(&t, dir, file);
}

static int write_vectors(const cb_emit *e, const char *dir) {
    const cb_netlist *g = e->net;
    cb_text in = {0}, out = {0};
    int n_bits = g->n_input * g->input_bits;
    uint64_t *word = cb_alloc((size_t)n_bits / 64 + 1, sizeof *word);
    if (!word) return -1;
    for (size_t k = 0; k < e->n_simulation; k++) {
        memset(word, 0, ((size_t)n_bits / 64 + 1) * sizeof *word);
        for (int i = 0; i < g->n_input; i++)
            for (int b = 0; b < g->input_bits; b++) {
                int at = i * g->input_bits + b;
                word[at / 64] |= (uint64_t)(e->et[k * (size_t)g->n_input + (size_t)i] >> b & 1) << at % 64;
            }
        cb_text_hex(&in, word, n_bits);
        cb_text_put(&in, "\n");
        for (int o = g->n_output - 1; o >= 0; o--) cb_text_add(&out, "%04x", e->code[k * (size_t)g->n_output + (size_t)o]);
        cb_text_put(&out, "\n");
    }
    free(word);
    int rc = cb_text_write(&in, dir, "vectors_in.hex");
    if (cb_text_write(&out, dir, "vectors_out.hex")) rc = -1;
    return rc;
}

static void put_timing(cb_text *t, const cb_netlist *g, double clock_ns) {
    if (g->ii > 1)
        cb_text_add(t, "* `clk`: rising edge. A new event every %d clocks (II = %d): hardware of a layer works for several positions, one after the\n"
                       "  other. `model_inp` must stand for the %d clocks of its event.\n"
                       "* `sync`: high at the edge before the first clock of an event, once or before every event.\n"
                       "* `valid`: high in the first clock of a new score, which stands for %d clocks.\n"
                       "* The inputs are not registered, the output is: the score of an event whose first clock ends with edge 0 stands at\n"
                       "  `model_out` after edge %d: latency %d clocks = %.9g ns at %.9g ns. No reset: %d clocks flush the pipeline.\n",
                    g->ii, g->ii, g->ii, g->ii, g->n_stage - 1, g->n_stage, g->n_stage * clock_ns, clock_ns, g->n_stage);
    else if (g->n_stage)
        cb_text_add(t, "* `clk`: rising edge. A new event every clock (II = 1). The inputs are not registered, the output is: the score of\n"
                       "  an event that stands at `model_inp` before edge 0 stands at `model_out` after edge %d: latency %d clocks\n"
                       "  = %.9g ns at %.9g ns. No reset: %d clocks flush the pipeline.\n",
                    g->n_stage - 1, g->n_stage, g->n_stage * clock_ns, clock_ns, g->n_stage);
}

static int write_readme(const cb_emit *e, const char *dir) {
    const cb_netlist *g = cb_emit_hardware(e);
    char module[64];
    cb_emit_identifier(g->name, module);
    cb_text t = {0};
    cb_text_add(&t, "# %s in Verilog-2001\n\n", g->name);
    cb_text_add(&t, "| file | |\n|---|---|\n");
    if (g->ii > 1) cb_text_add(&t, "| %s.v | pipelined, shared hardware, II = %d |\n| %s_tb.v | its test bench |\n", module, g->ii, module);
    else if (g->n_stage) cb_text_add(&t, "| %s.v | pipelined |\n| %s_tb.v | its test bench |\n", module, module);
    cb_text_add(&t, "| %s_comb.v | the same without registers%s |\n| %s_comb_tb.v | its test bench |\n", module, g->ii > 1 ? " and sharing" : "", module);
    cb_text_add(&t, "| vectors_in.hex, vectors_out.hex | %zu events: model_inp and model_out, one a line |\n\n", e->n_simulation);
    cb_text_add(&t, "Ports:\n\n* `model_inp[%d:0]`: region r (0 to %d, row-major) is `model_inp[%d*r +: %d]`, unsigned, 1 count = 0.5 GeV.\n",
                g->n_input * g->input_bits - 1, g->n_input - 1, g->input_bits, g->input_bits);
    cb_text_put(&t, "* `model_out[15:0]`: the score, ap_ufixed<16,8>: value = model_out / 256.\n");
    put_timing(&t, g, e->clock_ns);
    const char *kind = g->n_stage ? "" : "_comb";
    cb_text_add(&t, "\nSimulation, in this folder:\n\n    iverilog -g2005 -o sim %s%s.v %s%s_tb.v && vvp -n sim\n", module, kind, module, kind);
    cb_text_put(&t, "\nSynthesis: keep one carry chain per adder, e.g. in Yosys `hierarchy; proc; alumacc; flatten;` before `synth_xilinx`.\n");
    return cb_text_write(&t, dir, "README.md");
}

static int write_module(const cb_emit *e, const cb_netlist *g, const char *kind, const char *dir) {
    char module[64], file[80];
    cb_emit_identifier(g->name, module);
    snprintf(file, sizeof file, "%s%s.v", module, kind);
    return cb_verilog_module(g, kind[0], dir, file) || write_bench(e, g, kind, dir) ? -1 : 0;
}

int cb_emit_verilog(const cb_emit *e) {
    const cb_netlist *g = cb_emit_hardware(e);
    char *dir = cb_textf("%s/verilog", e->dir);
    int rc = dir ? 0 : -1;
    if (!rc && g->n_stage) rc = write_module(e, g, "", dir);
    if (!rc) rc = write_module(e, e->net, "_comb", dir);
    if (!rc) rc = write_vectors(e, dir);
    if (!rc) rc = write_readme(e, dir);
    free(dir);
    return rc;
}
