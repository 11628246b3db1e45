/* The trigger-card wrapper: ctp7/ (Princeton-AD/ctp7cpp, project/src).
 *
 *   ctp7/src/algo_unpacked.cpp .h   36 links of 128 bits in, one of 192 bits out
 *   ctp7/src/<name>_graph.h, defines.h   the network, as in hls/
 *   ctp7/src/algo_unpacked_tb.cpp   testbench on trigger-card text, also with plain g++
 *   ctp7/standin/ap_int.h           the few vendor types that g++ needs for it
 *   ctp7/data/                      card input words and the words expected from link 0
 *   ctp7/run_hls.tcl, run_gcc.sh
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/layouts.h"
#include "hw/emit_common.h"

static const char *const standin =
    "/* ap_int.h - stand-in for the vendor's header: only what algo_unpacked and the graph use,\n"
    " * so that g++ alone can run them. On the include path of g++ only, never of Vitis. */\n"
    "#ifndef CICADA_STANDIN_AP_INT_H\n#define CICADA_STANDIN_AP_INT_H\n\n"
    "#include <cstdint>\n\n"
    "/* W bits; arithmetic for W <= 64 through long long, kept modulo 2^W. */\n"
    "template <int W, bool SIGNED> class ap_bits {\n"
    "    static const int N = (W + 63) / 64;\n"
    "    uint64_t word[N];\n\n"
    "    void set(long long v) {\n"
    "        word[0] = (uint64_t)v;\n"
    "        for (int i = 1; i < N; i++) word[i] = v < 0 ? ~0ull : 0;\n"
    "        if (W % 64) word[N - 1] &= (1ull << (W % 64)) - 1;\n"
    "    }\n\n"
    "public:\n"
    "    class part {\n"
    "        ap_bits &of;\n"
    "        int hi, lo;\n\n"
    "    public:\n"
    "        part(ap_bits &of_, int hi_, int lo_) : of(of_), hi(hi_), lo(lo_) {}\n"
    "        operator unsigned long long() const {\n"
    "            unsigned long long v = 0;\n"
    "            for (int b = hi; b >= lo; b--) v = v << 1 | (of.word[b / 64] >> (b % 64) & 1);\n"
    "            return v;\n"
    "        }\n"
    "        part &operator=(unsigned long long v) {\n"
    "            for (int b = lo; b <= hi; b++, v >>= 1)\n"
    "                of.word[b / 64] = (of.word[b / 64] & ~(1ull << (b % 64))) | (v & 1) << (b % 64);\n"
    "            return *this;\n"
    "        }\n"
    "        part &operator=(const part &other) { return *this = (unsigned long long)other; }\n"
    "    };\n\n"
    "    ap_bits() { set(0); }\n"
    "    ap_bits(long long v) { set(v); }\n"
    "    operator long long() const {\n"
    "        if (SIGNED && W < 64 && word[0] >> ((W - 1) % 64) & 1) return (long long)(word[0] | ~0ull << (W % 64));\n"
    "        return (long long)word[0];\n"
    "    }\n"
    "    ap_bits operator<<(int s) const { return ap_bits((long long)(word[0] << s)); }\n"
    "    part range(int hi, int lo) { return part(*this, hi, lo); }\n"
    "};\n\n"
    "template <int W> class ap_int : public ap_bits<W, true> {\n"
    "public:\n"
    "    ap_int() {}\n"
    "    template <class T> ap_int(const T &v) : ap_bits<W, true>((long long)v) {}\n"
    "};\n"
    "template <int W> class ap_uint : public ap_bits<W, false> {\n"
    "public:\n"
    "    ap_uint() {}\n"
    "    template <class T> ap_uint(const T &v) : ap_bits<W, false>((long long)v) {}\n"
    "};\n\n#endif\n";

static const char *const header =
    "#ifndef ALGO_UNPACKED_H\n#define ALGO_UNPACKED_H\n\n#include <ap_int.h>\n\n"
    "#define N_CH_IN 36\n#define N_CH_OUT 1\n\n"
    "/* One event: region r = phi*14 + eta in bits 16*(r%7)+8 .. +23 of link r/7, E_T in the low 10;\n"
    " * the score's nibbles, most significant first, in bits 31:28 of the first four 32-bit words. */\n"
    "void algo_unpacked(ap_uint<128> link_in[N_CH_IN], ap_uint<192> link_out[N_CH_OUT]);\n\n#endif\n";

static const char *const body =
    "void algo_unpacked(ap_uint<128> link_in[N_CH_IN], ap_uint<192> link_out[N_CH_OUT]) {\n"
    "#pragma HLS ARRAY_PARTITION variable=link_in complete dim=0\n"
    "#pragma HLS ARRAY_PARTITION variable=link_out complete dim=0\n"
    "#pragma HLS PIPELINE II=4\n"
    "#pragma HLS INTERFACE ap_ctrl_hs port=return\n"
    "#pragma HLS latency min=4\n"
    "    input_t et[N_INPUT_1_1];\n"
    "#pragma HLS ARRAY_PARTITION variable=et complete dim=0\n"
    "    for (int link = 0; link < N_CH_IN; link++) {\n"
    "#pragma HLS UNROLL\n"
    "        for (int field = 0; field < 7; field++) {\n"
    "#pragma HLS UNROLL\n"
    "            et[7 * link + field] = link_in[link].range(16 * field + 17, 16 * field + 8);\n"
    "        }\n"
    "    }\n";

static int write_source(const char *name, const char *dir) {
    cb_text t = {0};
    cb_text_put(&t, header);
    if (cb_text_write(&t, dir, "algo_unpacked.h")) return -1;
    t = (cb_text){0};
    cb_text_add(&t, "#include \"algo_unpacked.h\"\n\n#include \"%s_graph.h\"\n\n", name);
    cb_text_put(&t, body);
    cb_text_add(&t,
                "    result_t score = %s_graph(et);\n"
                "    ap_uint<192> out = 0; /* bits that are not ours stay 0 */\n"
                "    out.range(31, 28) = score.range(15, 12);\n"
                "    out.range(63, 60) = score.range(11, 8);\n"
                "    out.range(95, 92) = score.range(7, 4);\n"
                "    out.range(127, 124) = score.range(3, 0);\n"
                "    link_out[0] = out;\n}\n",
                name);
    return cb_text_write(&t, dir, "algo_unpacked.cpp");
}

static const char *const testbench =
    "/* algo_unpacked_tb [IN [OUT [REFERENCE]]]: runs the events of a trigger-card text file (after\n"
    " * #BeginData rows of a counter and 36 words, 4 rows an event), writes 6 words an event and, with a\n"
    " * reference, compares the score nibbles; other bits of the reference (jets) are left alone. */\n"
    "#include <cstdio>\n#include <cstring>\n\n#include \"algo_unpacked.h\"\n\n"
    "static bool begin_data(FILE *f) {\n"
    "    char line[4096];\n"
    "    while (fgets(line, sizeof line, f))\n"
    "        if (!strncmp(line, \"#BeginData\", 10)) return true;\n"
    "    return false;\n"
    "}\n\n"
    "static bool read_event(FILE *f, ap_uint<128> link[N_CH_IN]) {\n"
    "    for (int cycle = 0; cycle < 4; cycle++) {\n"
    "        unsigned word;\n"
    "        if (fscanf(f, \"%x\", &word) != 1) return false;\n"
    "        for (int l = 0; l < N_CH_IN; l++) {\n"
    "            if (fscanf(f, \"%x\", &word) != 1) return false;\n"
    "            link[l].range(32 * cycle + 31, 32 * cycle) = word;\n"
    "        }\n"
    "    }\n"
    "    return true;\n"
    "}\n\n"
    "int main(int argc, char **argv) {\n"
    "    FILE *in = fopen(argc > 1 ? argv[1] : \"data/card_in.txt\", \"r\");\n"
    "    FILE *out = fopen(argc > 2 ? argv[2] : \"data/card_out.txt\", \"w\");\n"
    "    FILE *want = argc > 2 && argc < 4 ? NULL : fopen(argc > 3 ? argv[3] : \"data/card_reference.txt\", \"r\");\n"
    "    if (!in || !out || !begin_data(in) || (argc > 3 && !want) || (want && !begin_data(want))) {\n"
    "        fprintf(stderr, \"algo_unpacked_tb: a file is missing or has no #BeginData\\n\");\n"
    "        return 2;\n"
    "    }\n"
    "    ap_uint<128> link_in[N_CH_IN];\n"
    "    ap_uint<192> link_out[N_CH_OUT];\n"
    "    long events = 0, mismatches = 0;\n"
    "    fprintf(out, \"WordCnt   LINK_00\\n#BeginData\\n\");\n"
    "    for (; read_event(in, link_in); events++) {\n"
    "        bool same = true;\n"
    "        algo_unpacked(link_in, link_out);\n"
    "        for (int w = 0; w < 6; w++) {\n"
    "            unsigned word = (unsigned)(unsigned long long)link_out[0].range(32 * w + 31, 32 * w), counter, expected;\n"
    "            fprintf(out, \"0x%04lx   0x%08x\\n\", 6 * events + w, word);\n"
    "            if (want && (fscanf(want, \"%x %x\", &counter, &expected) != 2 || (w < 4 && expected >> 28 != word >> 28)))\n"
    "                same = false;\n"
    "        }\n"
    "        mismatches += !same;\n"
    "    }\n"
    "    printf(\"%ld mismatches of %ld%s\\n\", mismatches, events, want ? \"\" : \" (no reference)\");\n"
    "    if (want) fclose(want);\n"
    "    return fclose(in) || fclose(out) || events == 0 || mismatches != 0;\n"
    "}\n";

static const char *const run_gcc =
    "#!/bin/sh\n"
    "# The testbench with g++ alone: run_gcc.sh [IN OUT REFERENCE]\n"
    "set -e\n"
    "here=$(cd \"$(dirname \"$0\")\" && pwd)\n"
    "work=$(mktemp -d)\n"
    "trap 'rm -rf \"$work\"' EXIT\n"
    "${CXX:-g++} ${CXXFLAGS:--O0} -std=c++14 -Wno-unknown-pragmas -DCICADA_AP_TYPES -I\"$here/standin\" -o \"$work/tb\" \"$here\"/src/*.cpp\n"
    "if [ $# -eq 0 ]; then cd \"$here\"; set -- data/card_in.txt \"$work/out.txt\" data/card_reference.txt; fi\n"
    "\"$work/tb\" \"$@\"\n";

static int write_script(const cb_emit *e, const char *dir) {
    cb_text t = {0};
    cb_text_add(&t,
                "# vitis_hls -f run_hls.tcl \"reset=1 synth=1 csim=1 cosim=1 export=1\"\n"
                "array set opt {reset 0 csim 1 synth 1 cosim 1 export 1}\n"
                "foreach arg $::argv {\n"
                "    foreach o [regexp -all -inline {\\w+=\\w+} $arg] {\n"
                "        regexp {(\\w+)=(\\w+)} $o all key value\n        set opt($key) $value\n    }\n}\n"
                "cd [file dirname [file normalize [info script]]]\n"
                "set flags \"-std=c++14 -DCICADA_AP_TYPES\"\n"
                "if {$opt(reset)} { open_project -reset algo_unpacked_prj } else { open_project algo_unpacked_prj }\n"
                "set_top algo_unpacked\n"
                "add_files src/algo_unpacked.cpp -cflags $flags\n"
                "add_files -tb src/algo_unpacked_tb.cpp -cflags $flags\nadd_files -tb data\n"
                "open_solution \"solution1\"\nset_part {%s}\ncreate_clock -period %.9g -name default\n"
                "if {$opt(csim)} { csim_design }\nif {$opt(synth)} { csynth_design }\n"
                "if {$opt(cosim)} { cosim_design -rtl vhdl }\n"
                "if {$opt(export)} { export_design -rtl vhdl -flow impl -format ip_catalog -vendor cern-cms -library hls }\n"
                "exit\n",
                e->part, e->clock_ns);
    return cb_text_write(&t, dir, "run_hls.tcl");
}

/* Six words an event; bits 31..28 of the first four carry the score. */
static int write_reference(const cb_emit *e, const char *dir) {
    cb_text t = {0};
    cb_text_put(&t, "WordCnt   LINK_00\n#BeginData\n");
    for (size_t k = 0; k < e->n_simulation; k++)
        for (int w = 0; w < 6; w++)
            cb_text_add(&t, "0x%04zx   0x%08x\n", 6 * k + (size_t)w,
                        w < 4 ? (unsigned)(e->code[k] >> (12 - 4 * w) & 15) << 28 : 0u);
    return cb_text_write(&t, dir, "card_reference.txt");
}

static int write_card(const cb_emit *e, const char *dir) {
    char path[1024];
    cb_images m = {.n = e->n_simulation, .height = CB_PHI, .width = CB_ETA, .et = (uint16_t *)e->et};
    snprintf(path, sizeof path, "%s/card_in.txt", dir);
    return write_reference(e, dir) || cb_images_save_card(&m, path) ? -1 : 0;
}

bool cb_emit_has_card(const cb_emit *e) {
    return e->programme->input_h == CB_PHI && e->programme->input_w == CB_ETA && e->net->input_bits == 10;
}

int cb_emit_ctp7(const cb_emit *e) {
    char name[64];
    cb_emit_identifier(e->net->name, name);
    if (!cb_emit_has_card(e)) return 0;
    char *dir = cb_textf("%s/ctp7", e->dir), *src = cb_textf("%s/ctp7/src", e->dir);
    char *stand = cb_textf("%s/ctp7/standin", e->dir), *data = cb_textf("%s/ctp7/data", e->dir);
    int rc = !dir || !src || !stand || !data || cb_emit_graph_header(e, src) || write_source(name, src) ||
             cb_emit_text(src, "algo_unpacked_tb.cpp", testbench) || cb_emit_text(stand, "ap_int.h", standin) ||
             cb_emit_text(dir, "run_gcc.sh", run_gcc) || write_script(e, dir) || write_card(e, data);
    free(dir);
    free(src);
    free(stand);
    free(data);
    return rc ? -1 : 0;
}
