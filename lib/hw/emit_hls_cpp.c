/* The netlist as HLS C++: hls/, in hls4ml's layout (spec/rtl.md 3.1, 3.3).
 *
 *   hls/firmware/defines.h        types: ap_int/ap_uint with -DCICADA_AP_TYPES (Vitis), else int64_t
 *   hls/firmware/<name>_graph.h   the graph, one statement a node, exact widths
 *   hls/firmware/<name>.cpp .h    top function
 *   hls/firmware/weights/         w<k>.txt, b<k>.txt of the layers, for reference
 *   hls/<name>_test.cpp, tb_data/ C testbench and its vectors
 *   hls/<name>_bridge.cpp         extern "C" entry for batches; build_lib.sh makes a library of it
 *   hls/project.tcl, build_prj.tcl, vivado_synth.tcl
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "hw/emit_common.h"

static const char *const types =
    "/* Types of the graph. With CICADA_AP_TYPES (Vitis HLS) every value has exactly its\n"
    " * width; without, all are int64_t and g++ alone compiles the same statements. */\n"
    "#include <cstdint>\n"
    "#ifdef CICADA_AP_TYPES\n"
    "#include <ap_int.h>\n"
    "template <int W> using int_t = ap_int<W>;\n"
    "template <int W> using uint_t = ap_uint<W>;\n"
    "#else\n"
    "template <int W> using int_t = int64_t;\n"
    "template <int W> using uint_t = int64_t;\n"
    "#endif\n\n"
    "/* v * 2^S in W bits. */\n"
    "template <int W, int S> inline int_t<W> left_shift(int_t<W> v) {\n"
    "#pragma HLS INLINE\n"
    "#ifdef CICADA_AP_TYPES\n"
    "    return v << S;\n"
    "#else\n"
    "    return v * (int64_t(1) << S);\n"
    "#endif\n"
    "}\n"
    "/* The S bits of v that a right shift drops; W > S + 1. */\n"
    "template <int W, int S> inline int_t<W> rest_of(int_t<W> v) {\n"
    "#pragma HLS INLINE\n"
    "    return v & int_t<W>((int64_t(1) << S) - 1);\n"
    "}\n"
    "template <int W, int S> inline int_t<W> floor_shift(int_t<W> v) {\n"
    "#pragma HLS INLINE\n"
    "    return v >> S;\n"
    "}\n"
    "/* Half a unit is in v already: floor, and to even where the dropped bits are all 0. */\n"
    "template <int W, int S> inline int_t<W> even_shift(int_t<W> v) {\n"
    "#pragma HLS INLINE\n"
    "    const int_t<W> q = v >> S, even = q & int_t<W>(-2);\n"
    "    return rest_of<W, S>(v) == 0 ? even : q;\n"
    "}\n"
    "/* Toward zero; nearest with halves toward zero; nearest with halves away from zero. */\n"
    "template <int W, int S> inline int_t<W> zero_shift(int_t<W> v) {\n"
    "#pragma HLS INLINE\n"
    "    const int_t<W> q = v >> S, up = q + 1;\n"
    "    return v < 0 && rest_of<W, S>(v) != 0 ? up : q;\n"
    "}\n"
    "template <int W, int S> inline int_t<W> half_zero_shift(int_t<W> v) {\n"
    "#pragma HLS INLINE\n"
    "    const int_t<W> q = v >> S, up = q + 1, rest = rest_of<W, S>(v), half = int64_t(1) << (S - 1);\n"
    "    return rest > half || (rest == half && v < 0) ? up : q;\n"
    "}\n"
    "template <int W, int S> inline int_t<W> half_away_shift(int_t<W> v) {\n"
    "#pragma HLS INLINE\n"
    "    const int_t<W> q = v >> S, up = q + 1, rest = rest_of<W, S>(v), half = int64_t(1) << (S - 1);\n"
    "    return rest > half || (rest == half && v >= 0) ? up : q;\n"
    "}\n"
    "template <int W> inline int_t<W> relu(int_t<W> v) {\n"
    "#pragma HLS INLINE\n"
    "    const int_t<W> zero = 0;\n"
    "    return v < 0 ? zero : v;\n"
    "}\n"
    "template <int W> inline int_t<W> at_least(int_t<W> v, int_t<W> min) {\n"
    "#pragma HLS INLINE\n"
    "    return v < min ? min : v;\n"
    "}\n"
    "template <int W> inline int_t<W> at_most(int_t<W> v, int_t<W> max) {\n"
    "#pragma HLS INLINE\n"
    "    return v > max ? max : v;\n"
    "}\n"
    "/* The low B bits, two's complement if SIGN. */\n"
    "template <int W, int B, bool SIGN> inline int_t<W> wrap(int_t<W> v) {\n"
    "#pragma HLS INLINE\n"
    "    const int_t<W> low = v & int_t<W>((int64_t(1) << B) - 1), less = low - int_t<W>(int64_t(1) << B);\n"
    "    return SIGN && low >= int_t<W>(int64_t(1) << (B - 1)) ? less : low;\n"
    "}\n";

/* ---- the graph ---- */

static const char *rounding_name(uint8_t round) {
    switch (round) {
    case CB_TRN: return "floor_shift";
    case CB_ROUND_EVEN_BIASED: return "even_shift";
    case CB_TRN_ZERO: return "zero_shift";
    case CB_RND_ZERO: return "half_zero_shift";
    default: return "half_away_shift";
    }
}

/* A node or a constant as int_t<width>, shifted up. Arithmetic is modulo 2^width, and the
 * result of the statement fits. */
static void put_operand(cb_text *t, const cb_netlist *g, int32_t n, int shift, int width) {
    const cb_node *x = &g->node[n];
    if (x->kind == CB_NODE_CONST)
        cb_text_add(t, "int_t<%d>(%lldll)", width, (long long)(x->lo * ((int64_t)1 << shift)));
    else if (shift)
        cb_text_add(t, "left_shift<%d, %d>(n%d)", width, shift, (int)n);
    else
        cb_text_add(t, "int_t<%d>(n%d)", width, (int)n);
}

static int put_quant(cb_text *t, const cb_netlist *g, int32_t n) {
    cb_quant_form q;
    if (cb_quant_form_of(g, n, &q)) return -1;
    /* All steps in one width that holds the operand, the limits and the dropped bits. */
    int up = q.shift < 0 ? -q.shift : 0, w = q.width + up, down = q.shift > 0 ? q.shift : 0;
    if (w < q.bits + 2) w = q.bits + 2;
    if (w < down + 2) w = down + 2;
    if (q.wrap) cb_text_add(t, "wrap<%d, %d, %s>(", w, q.bits, q.sign ? "true" : "false");
    if (q.high) cb_text_add(t, "at_most<%d>(", w);
    if (q.low) cb_text_add(t, "at_least<%d>(", w);
    if (down) cb_text_add(t, "%s<%d, %d>(", rounding_name(q.round), w, down);
    else cb_text_add(t, "left_shift<%d, %d>(", w, up);
    cb_text_add(t, q.relu ? "relu<%d>(n%d)" : "int_t<%d>(n%d)", w, (int)g->node[n].a);
    cb_text_put(t, ")");
    if (q.low) cb_text_add(t, ", int_t<%d>(%lldll))", w, (long long)q.min);
    if (q.high) cb_text_add(t, ", int_t<%d>(%lldll))", w, (long long)q.max);
    if (q.wrap) cb_text_put(t, ")");
    return w > 64 ? cb_fail("netlist %s: node %d needs more than 64 bits", g->name, (int)n) : 0;
}

static int put_node(cb_text *t, const cb_netlist *g, int32_t n) {
    const cb_node *x = &g->node[n];
    if (x->kind == CB_NODE_CONST) return 0; /* written where it is used */
    int width = cb_node_width(x) > 0 ? cb_node_width(x) : 1, work = width + (x->lo >= 0);
    cb_text_add(t, "    const %s<%d> n%d = ", x->lo < 0 ? "int_t" : "uint_t", width, (int)n);
    int rc = 0;
    switch (x->kind) {
    case CB_NODE_INPUT: cb_text_add(t, "et[%d]", (int)x->a); break;
    case CB_NODE_ADD:
        put_operand(t, g, x->a, x->sa, work);
        if (!cb_node_is_zero(g, x->b)) {
            cb_text_put(t, x->sub ? " - " : " + ");
            put_operand(t, g, x->b, x->sb, work);
        }
        break;
    case CB_NODE_NEG:
        cb_text_put(t, "-");
        put_operand(t, g, x->a, 0, work);
        break;
    default: rc = put_quant(t, g, n);
    }
    cb_text_put(t, ";\n");
    return rc;
}

static int write_defines(const cb_emit *e, const char *dir) {
    char name[64];
    cb_emit_identifier(e->net->name, name);
    cb_text t = {0};
    cb_text_add(&t, "#ifndef CICADA_DEFINES_H\n#define CICADA_DEFINES_H\n\n");
    cb_text_put(&t, types);
    cb_text_add(&t,
                "\n/* Ports: E_T counts in, score code out (score = code / 256, ap_ufixed<16,8>). */\n"
                "#define N_INPUT_1_1 %d\n#define N_LAYER_OUT 1\n"
                "typedef uint_t<%d> input_t;\ntypedef uint_t<%d> result_t;\n\n#endif\n",
                e->net->n_input, e->net->input_bits, CB_SCORE_BITS);
    return cb_text_write(&t, dir, "defines.h");
}

int cb_emit_graph_header(const cb_emit *e, const char *dir) {
    char name[64], file[96];
    const cb_netlist *g = e->net;
    if (g->n_output != 1) return cb_fail("netlist %s: %d outputs; the C++ back end prints one score", g->name, g->n_output);
    cb_emit_identifier(g->name, name);
    cb_text t = {0};
    cb_text_add(&t,
                "/* %s: %d nodes; every statement is exact. */\n"
                "#ifndef %s_GRAPH_H\n#define %s_GRAPH_H\n\n#include \"defines.h\"\n\n"
                "inline result_t %s_graph(const input_t et[N_INPUT_1_1]) {\n#pragma HLS INLINE\n",
                name, (int)g->n, name, name, name);
    int rc = 0;
    for (int32_t n = 0; n < g->n && !rc; n++) rc = put_node(&t, g, n);
    cb_text_put(&t, "    return ");
    put_operand(&t, g, g->output[0], 0, CB_SCORE_BITS + 1);
    cb_text_put(&t, ";\n}\n\n#endif\n");
    if (rc) {
        cb_text_free(&t);
        return -1;
    }
    snprintf(file, sizeof file, "%s_graph.h", name);
    return cb_text_write(&t, dir, file) || write_defines(e, dir) ? -1 : 0;
}

/* ---- top function, testbench, bridge ---- */

static int write_top(const char *name, const char *dir) {
    char file[96];
    cb_text t = {0};
    cb_text_add(&t,
                "#ifndef %s_H\n#define %s_H\n\n#include \"defines.h\"\n\n"
                "void %s(input_t et[N_INPUT_1_1], result_t score[N_LAYER_OUT]);\n\n#endif\n",
                name, name, name);
    snprintf(file, sizeof file, "%s.h", name);
    if (cb_text_write(&t, dir, file)) return -1;
    t = (cb_text){0};
    cb_text_add(&t,
                "#include \"%s.h\"\n\n#include \"%s_graph.h\"\n\n"
                "void %s(input_t et[N_INPUT_1_1], result_t score[N_LAYER_OUT]) {\n"
                "#pragma HLS ARRAY_PARTITION variable=et complete dim=0\n"
                "#pragma HLS ARRAY_PARTITION variable=score complete dim=0\n"
                "#pragma HLS INTERFACE ap_vld port=et,score\n"
                "#pragma HLS PIPELINE II=1\n"
                "    score[0] = %s_graph(et);\n}\n",
                name, name, name, name);
    snprintf(file, sizeof file, "%s.cpp", name);
    return cb_text_write(&t, dir, file);
}

static const char *const test_body =
    "/* Reads tb_data/tb_input_features.dat, writes tb_data/csim_results.log and compares it with\n"
    " * tb_data/tb_output_predictions.dat, all one event a line; exit status 1 on a mismatch. */\n"
    "int main() {\n"
    "    std::ifstream in(\"tb_data/tb_input_features.dat\"), want(\"tb_data/tb_output_predictions.dat\");\n"
    "#ifdef RTL_SIM\n"
    "    std::ofstream log(\"tb_data/rtl_cosim_results.log\");\n"
    "#else\n"
    "    std::ofstream log(\"tb_data/csim_results.log\");\n"
    "#endif\n"
    "    long events = 0, mismatches = 0;\n"
    "    log << std::fixed << std::setprecision(8);\n"
    "    for (;; events++) {\n"
    "        input_t et[N_INPUT_1_1];\n"
    "        result_t score[N_LAYER_OUT];\n"
    "        double counts, expected;\n"
    "        int i = 0;\n"
    "        for (; i < N_INPUT_1_1 && in >> counts; i++) et[i] = (int)counts;\n"
    "        if (i < N_INPUT_1_1) break;\n";

static int write_test(const char *name, const char *dir) {
    char file[96];
    cb_text t = {0};
    cb_text_add(&t, "#include <fstream>\n#include <iomanip>\n#include <iostream>\n\n#include \"firmware/%s.h\"\n\n", name);
    cb_text_put(&t, test_body);
    cb_text_add(&t,
                "        %s(et, score);\n"
                "        const double value = (int)score[0] / 256.0;\n"
                "        log << value << \"\\n\";\n"
                "        if (!(want >> expected) || value != expected) mismatches++;\n"
                "    }\n"
                "    std::cout << mismatches << \" mismatches of \" << events << \"\\n\";\n"
                "    return events == 0 || mismatches != 0;\n}\n",
                name);
    snprintf(file, sizeof file, "%s_test.cpp", name);
    return cb_text_write(&t, dir, file);
}

static int write_bridge(const char *name, const char *dir) {
    char file[96];
    cb_text t = {0};
    cb_text_add(&t,
                "/* Batches for ctypes and other callers: et[n][N_INPUT_1_1] counts -> code[n]. */\n"
                "#include <cstddef>\n\n#include \"firmware/%s.h\"\n\n"
                "extern \"C\" void %s_predict(const uint16_t *et, size_t n, uint16_t *code) {\n"
                "    for (size_t e = 0; e < n; e++, et += N_INPUT_1_1) {\n"
                "        input_t in[N_INPUT_1_1];\n"
                "        result_t score[N_LAYER_OUT];\n"
                "        for (int i = 0; i < N_INPUT_1_1; i++) in[i] = et[i];\n"
                "        %s(in, score);\n"
                "        code[e] = (uint16_t)(int)score[0];\n"
                "    }\n}\n",
                name, name, name);
    snprintf(file, sizeof file, "%s_bridge.cpp", name);
    if (cb_text_write(&t, dir, file)) return -1;
    t = (cb_text){0};
    cb_text_add(&t,
                "#!/bin/sh\n# Shared library of the bridge, with g++ alone.\nset -e\ncd \"$(dirname \"$0\")\"\n"
                "${CXX:-g++} -O1 -std=c++14 -fPIC -shared -Wno-unknown-pragmas -o firmware/%s.so %s_bridge.cpp firmware/%s.cpp\n",
                name, name, name);
    return cb_text_write(&t, dir, "build_lib.sh");
}

static int write_vectors(const cb_emit *e, const char *dir) {
    cb_text in = {0}, out = {0};
    for (size_t k = 0; k < e->n_simulation; k++) {
        const uint16_t *et = e->et + k * (size_t)e->net->n_input;
        for (int i = 0; i < e->net->n_input; i++) cb_text_add(&in, i ? " %d" : "%d", et[i]);
        cb_text_put(&in, "\n");
        cb_text_add(&out, "%.8f\n", e->code[k] / 256.0);
    }
    int rc = cb_text_write(&in, dir, "tb_input_features.dat");
    if (rc) cb_text_free(&out);
    return rc || cb_text_write(&out, dir, "tb_output_predictions.dat") ? -1 : 0;
}

/* ---- weights and scripts ---- */

/* Conv filter-major, dense [in][out], as the deployed firmware prints them. */
static int write_weights(const cb_op *op, int k, const char *dir) {
    char file[32];
    int n_in = op->kh * op->kw * op->in_c, n = n_in * op->out_c;
    cb_text w = {0}, b = {0};
    for (int i = 0; i < n; i++) {
        int at = op->kind == CB_OP_CONV2D ? i % n_in * op->out_c + i / n_in : i;
        cb_text_add(&w, "%s%.10g", i ? ", " : "", ldexp(op->w[at], -op->w_frac));
    }
    for (int o = 0; o < op->out_c; o++)
        cb_text_add(&b, "%s%.10g", o ? ", " : "", op->bias ? ldexp((double)op->bias[o], -op->bias_frac) : 0);
    snprintf(file, sizeof file, "w%d.txt", k);
    int rc = cb_text_write(&w, dir, file);
    snprintf(file, sizeof file, "b%d.txt", k);
    if (rc) cb_text_free(&b);
    return rc || cb_text_write(&b, dir, file) ? -1 : 0;
}

static int write_all_weights(const cb_emit *e, const char *dir) {
    for (int k = 0; k < e->programme->n_op; k++)
        if (e->programme->op[k].kind != CB_OP_QUANT && write_weights(&e->programme->op[k], k + 2, dir)) return -1;
    return 0;
}

static int write_project(const cb_emit *e, const char *name, const char *dir) {
    cb_text t = {0};
    cb_text_add(&t,
                "variable project_name\nset project_name \"%s\"\nvariable backend\nset backend \"vitis\"\n"
                "variable part\nset part \"%s\"\nvariable clock_period\nset clock_period %.9g\n"
                "variable clock_uncertainty\nset clock_uncertainty 27%%\nvariable version\nset version \"1.0.0\"\n"
                "variable maximum_size\nset maximum_size 4096\n",
                name, e->part, e->clock_ns);
    return cb_text_write(&t, dir, "project.tcl");
}

static const char *const build_script =
    "# vitis_hls -f build_prj.tcl \"reset=1 csim=1 synth=1 cosim=0 validation=0 export=0 vsynth=0\"\n"
    "array set opt {reset 0 csim 1 synth 1 cosim 0 validation 0 export 0 vsynth 0}\n"
    "set dir [file dirname [file normalize [info script]]]\n"
    "cd $dir\n"
    "source [file join $dir project.tcl]\n"
    "foreach arg $::argv {\n"
    "    foreach o [regexp -all -inline {\\w+=\\w+} $arg] {\n"
    "        regexp {(\\w+)=(\\w+)} $o all key value\n"
    "        set opt($key) $value\n"
    "    }\n"
    "}\n"
    "set flags \"-std=c++14 -DCICADA_AP_TYPES\"\n"
    "if {$opt(reset)} { open_project -reset ${project_name}_prj } else { open_project ${project_name}_prj }\n"
    "set_top ${project_name}\n"
    "add_files firmware/${project_name}.cpp -cflags $flags\n"
    "add_files -tb ${project_name}_test.cpp -cflags $flags\n"
    "add_files -tb tb_data\n"
    "if {$opt(reset)} { open_solution -reset \"solution1\" } else { open_solution \"solution1\" }\n"
    "set_part $part\n"
    "create_clock -period $clock_period -name default\n"
    "set_clock_uncertainty $clock_uncertainty default\n"
    "config_array_partition -maximum_size $maximum_size\n"
    "if {$opt(csim)} { csim_design }\n"
    "if {$opt(synth)} { csynth_design }\n"
    "if {$opt(cosim)} { cosim_design -rtl verilog }\n"
    "if {$opt(validation)} {\n"
    "    if {[catch {exec diff tb_data/csim_results.log tb_data/rtl_cosim_results.log} text]} {\n"
    "        puts \"validation: C and RTL simulation differ: $text\"\n"
    "        exit 1\n"
    "    }\n"
    "    puts \"validation: C and RTL simulation agree\"\n"
    "}\n"
    "if {$opt(export)} { export_design -format ip_catalog }\n"
    "if {$opt(vsynth)} { exec vivado -mode batch -source vivado_synth.tcl >@ stdout }\n"
    "exit\n";

static const char *const synth_script =
    "set dir [file dirname [file normalize [info script]]]\n"
    "source [file join $dir project.tcl]\n"
    "add_files [glob ${project_name}_prj/solution1/syn/verilog/*.v]\n"
    "synth_design -top ${project_name} -part $part -mode out_of_context\n"
    "opt_design -retarget -propconst -sweep -bram_power_opt -shift_register_opt\n"
    "report_utilization -file vivado_synth.rpt\n";

static int write_script(const char *dir, const char *name, const char *text) {
    cb_text t = {0};
    cb_text_put(&t, text);
    return cb_text_write(&t, dir, name);
}

int cb_emit_hls_cpp(const cb_emit *e) {
    char name[64];
    cb_emit_identifier(e->net->name, name);
    char *dir = cb_textf("%s/hls", e->dir), *firmware = cb_textf("%s/hls/firmware", e->dir);
    char *weights = cb_textf("%s/hls/firmware/weights", e->dir), *data = cb_textf("%s/hls/tb_data", e->dir);
    int rc = !dir || !firmware || !weights || !data || cb_emit_graph_header(e, firmware) || write_top(name, firmware) ||
             write_all_weights(e, weights) || write_test(name, dir) || write_bridge(name, dir) || write_vectors(e, data) ||
             write_project(e, name, dir) || write_script(dir, "build_prj.tcl", build_script) ||
             write_script(dir, "vivado_synth.tcl", synth_script);
    free(dir);
    free(firmware);
    free(weights);
    free(data);
    return rc ? -1 : 0;
}
