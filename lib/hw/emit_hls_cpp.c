/* The netlist as HLS C++: hls/, in hls4ml's layout (hls4ml, writer/vitis_writer.py).
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

/* ---- top function, testbench, bridge ---- */

static int write_top(const char *name, int ii, const char *dir) {
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
                "#pragma HLS PIPELINE II=%d\n"
                "    score[0] = %s_graph(et);\n}\n",
                name, name, name, ii, name);
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
        if ((e->programme->op[k].kind == CB_OP_DENSE || e->programme->op[k].kind == CB_OP_CONV2D) &&
            write_weights(&e->programme->op[k], k + 2, dir)) return -1;
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
    "#   csim        C simulation of the testbench on tb_data\n"
    "#   synth       C synthesis: <name>_prj/solution1/syn/report/<name>_csynth.xml, .rpt\n"
    "#   cosim       the testbench on the generated RTL: .../sim/report/<name>_cosim.rpt\n"
    "#   validation  the scores of csim and cosim are compared\n"
    "#   export      the generated RTL as an IP\n"
    "#   vsynth      Vivado's synthesis of the generated RTL: vivado_synth.rpt\n"
    "array set opt {reset 0 csim 1 synth 1 cosim 0 validation 0 export 0 vsynth 0}\n"
    "cd [file dirname [file normalize [info script]]]\n"
    "source project.tcl\n"
    "foreach arg $::argv {\n"
    "    foreach o [regexp -all -inline {\\w+=\\w+} $arg] {\n"
    "        regexp {(\\w+)=(\\w+)} $o all key value\n"
    "        if {![info exists opt($key)]} { puts \"build_prj.tcl: no option $key\"; exit 2 }\n"
    "        set opt($key) $value\n"
    "    }\n"
    "}\n"
    "proc step {name command} {\n"
    "    puts \"***** $name *****\"\n"
    "    if {[catch {uplevel 1 $command} reason]} { puts \"***** $name FAILED: $reason\"; exit 1 }\n"
    "}\n"
    "proc read_log {name} {\n"
    "    set f [open $name r]\n"
    "    set text [read $f]\n"
    "    close $f\n"
    "    return $text\n"
    "}\n\n"
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
    "config_compile -name_max_length 80\n"
    "# Versions without this limit do not know the option.\n"
    "catch {config_array_partition -maximum_size $maximum_size}\n\n"
    "if {$opt(csim)} { step \"C simulation\" { csim_design } }\n"
    "if {$opt(synth)} { step \"C synthesis\" { csynth_design } }\n"
    "if {$opt(cosim)} {\n"
    "    # The testbench writes another log when it drives the RTL.\n"
    "    add_files -tb ${project_name}_test.cpp -cflags \"$flags -DRTL_SIM\"\n"
    "    step \"C and RTL simulation\" { cosim_design -rtl verilog }\n"
    "}\n"
    "if {$opt(validation)} {\n"
    "    step \"Validation\" {\n"
    "        if {[read_log tb_data/csim_results.log] ne [read_log tb_data/rtl_cosim_results.log]} { error \"the scores of C and RTL differ\" }\n"
    "    }\n"
    "}\n"
    "if {$opt(export)} { step \"Export\" { export_design -format ip_catalog -version $version } }\n"
    "if {$opt(vsynth)} { step \"Vivado synthesis\" { exec vivado -mode batch -source vivado_synth.tcl >@ stdout 2>@ stdout } }\n"
    "exit\n";

static const char *const synth_script =
    "set dir [file dirname [file normalize [info script]]]\n"
    "source [file join $dir project.tcl]\n"
    "add_files [glob ${project_name}_prj/solution1/syn/verilog/*.v]\n"
    "synth_design -top ${project_name} -part $part -mode out_of_context\n"
    "opt_design -retarget -propconst -sweep -bram_power_opt -shift_register_opt\n"
    "report_utilization -file vivado_synth.rpt\n";

int cb_emit_hls_cpp(const cb_emit *e) {
    char name[64];
    cb_emit_identifier(e->net->name, name);
    char *dir = cb_textf("%s/hls", e->dir), *firmware = cb_textf("%s/hls/firmware", e->dir);
    char *weights = cb_textf("%s/hls/firmware/weights", e->dir), *data = cb_textf("%s/hls/tb_data", e->dir);
    int rc = !dir || !firmware || !weights || !data || cb_emit_graph_header(e, firmware) ||
             write_top(name, e->shared ? e->shared->ii : 1, firmware) ||
             write_all_weights(e, weights) || write_test(name, dir) || write_bridge(name, dir) ||
             cb_emit_vectors(e, e->n_simulation, data, "tb_input_features.dat", "tb_output_predictions.dat") ||
             write_project(e, name, dir) || cb_emit_text(dir, "build_prj.tcl", build_script) ||
             cb_emit_text(dir, "vivado_synth.tcl", synth_script);
    free(dir);
    free(firmware);
    free(weights);
    free(data);
    return rc ? -1 : 0;
}
