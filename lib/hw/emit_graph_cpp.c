/* The netlist as one C++ function with exact widths: defines.h and <name>_graph.h, for
 * hls/ and ctp7/. Style: one statement a node, no hidden rounding. */
#include <stdio.h>

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
    case CB_NODE_TABLE: cb_put_table(t, x); break;
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
