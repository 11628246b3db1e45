/* The netlist as plain C: emulator/emulator.c, emulator.h, and the interface of its library (emit_abi.c). One
 * function a student, no state, no library; compiles anywhere. */
#include <stdlib.h>
#include <string.h>

#include "hw/emit_common.h"

/* Printed in front of the graph, each only if it is called. */
static const struct { const char *call, *text; } functions[] = {
    {"floor_shift(", "static inline int64_t floor_shift(int64_t v, int s) { return v >> s; }\n"},
    {"even_shift(",
     "/* Half a unit is in v already: floor, and to even where the dropped bits are all 0. */\n"
     "static inline int64_t even_shift(int64_t v, int s) {\n"
     "    int64_t q = v >> s;\n"
     "    return (v & (((int64_t)1 << s) - 1)) == 0 ? q & ~(int64_t)1 : q;\n"
     "}\n"},
    {"zero_shift(",
     "static inline int64_t zero_shift(int64_t v, int s) {\n"
     "    return (v >> s) + (v < 0 && (v & (((int64_t)1 << s) - 1)) != 0);\n"
     "}\n"},
    {"half_to_zero(",
     "static inline int64_t half_to_zero(int64_t v, int s) {\n"
     "    return (v >> s) + ((v & (((int64_t)1 << s) - 1)) + (v < 0) > (int64_t)1 << (s - 1));\n"
     "}\n"},
    {"half_away(",
     "static inline int64_t half_away(int64_t v, int s) {\n"
     "    return (v >> s) + ((v & (((int64_t)1 << s) - 1)) + (v >= 0) > (int64_t)1 << (s - 1));\n"
     "}\n"},
    {"relu(", "static inline int64_t relu(int64_t v) { return v < 0 ? 0 : v; }\n"},
    {"at_least(", "static inline int64_t at_least(int64_t v, int64_t min) { return v < min ? min : v; }\n"},
    {"at_most(", "static inline int64_t at_most(int64_t v, int64_t max) { return v > max ? max : v; }\n"},
    {"wrap(",
     "/* The low `bits` bits of v, as two's complement if sign. */\n"
     "static inline int64_t wrap(int64_t v, int bits, int sign) {\n"
     "    int64_t low = v & (((int64_t)1 << bits) - 1);\n"
     "    return sign && low >> (bits - 1) ? low - ((int64_t)1 << bits) : low;\n"
     "}\n"}};

static const char *rounding_name(uint8_t round) {
    switch (round) {
    case CB_TRN: return "floor_shift";
    case CB_ROUND_EVEN_BIASED: return "even_shift";
    case CB_TRN_ZERO: return "zero_shift";
    case CB_RND_ZERO: return "half_to_zero";
    default: return "half_away";
    }
}

/* int32_t where value and shifted operands fit 31 bits, else int64_t. */
static bool narrow(const cb_netlist *g, const cb_node *x) {
    if (cb_node_width(x) > 31) return false;
    if (x->kind != CB_NODE_ADD && x->kind != CB_NODE_NEG) return true;
    if (cb_node_width(&g->node[x->a]) + x->sa > 31) return false;
    return x->kind == CB_NODE_NEG || cb_node_width(&g->node[x->b]) + x->sb <= 31;
}

static void put_operand(cb_text *t, const cb_netlist *g, int32_t n, int shift, bool wide) {
    const cb_node *x = &g->node[n];
    if (x->kind == CB_NODE_CONST) {
        cb_text_add(t, "INT64_C(%lld)", (long long)(x->lo * ((int64_t)1 << shift)));
        return;
    }
    cb_text_add(t, "%sn%d", wide ? "(int64_t)" : "", (int)n);
    if (shift) cb_text_add(t, " * %s%lld%s", wide ? "INT64_C(" : "", 1ll << shift, wide ? ")" : "");
}

static int put_quant(cb_text *t, const cb_netlist *g, int32_t n) {
    cb_quant_form q;
    if (cb_quant_form_of(g, n, &q)) return -1;
    if (q.wrap) cb_text_put(t, "wrap(");
    if (q.high) cb_text_put(t, "at_most(");
    if (q.low) cb_text_put(t, "at_least(");
    if (q.shift > 0) cb_text_put(t, rounding_name(q.round));
    cb_text_put(t, "(");
    cb_text_add(t, q.relu ? "relu(n%d)" : "n%d", (int)g->node[n].a);
    if (q.shift > 0) cb_text_add(t, ", %d)", q.shift);
    else cb_text_add(t, " * INT64_C(%lld))", 1ll << -q.shift);
    if (q.low) cb_text_add(t, ", %lld)", (long long)q.min);
    if (q.high) cb_text_add(t, ", %lld)", (long long)q.max);
    if (q.wrap) cb_text_add(t, ", %d, %d)", q.bits, q.sign);
    return 0;
}

static int put_node(cb_text *t, const cb_netlist *g, int32_t n) {
    const cb_node *x = &g->node[n];
    if (x->kind == CB_NODE_CONST) return 0; /* written where it is used */
    bool small = narrow(g, x);
    int rc = 0;
    cb_text_add(t, "    const %s n%d = ", small ? "int32_t" : "int64_t", (int)n);
    switch (x->kind) {
    case CB_NODE_INPUT: cb_text_add(t, "et[%d]", (int)x->a); break;
    case CB_NODE_ADD:
        if (small) cb_text_put(t, "(int32_t)(");
        put_operand(t, g, x->a, x->sa, !small);
        if (!cb_node_is_zero(g, x->b)) {
            cb_text_put(t, x->sub ? " - " : " + ");
            put_operand(t, g, x->b, x->sb, !small);
        }
        if (small) cb_text_put(t, ")");
        break;
    case CB_NODE_TABLE: cb_put_table(t, x); break;
    case CB_NODE_NEG:
        cb_text_put(t, "-");
        put_operand(t, g, x->a, 0, !small);
        break;
    default:
        if (small) cb_text_put(t, "(int32_t)");
        rc = put_quant(t, g, n);
    }
    cb_text_put(t, ";\n");
    return rc;
}

static int write_header(const cb_emit *e, const char *name, const char *dir) {
    cb_text t = {0};
    cb_text_add(&t,
                "/* Integer emulator of %s, printed from its netlist: the same codes as the firmware. */\n"
                "#ifndef %s_EMULATOR_H\n#define %s_EMULATOR_H\n\n#include <stddef.h>\n#include <stdint.h>\n\n"
                "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n"
                "enum { %s_INPUTS = %d };\n\n"
                "/* et[n][%d]: region E_T in counts, 0..1023 -> code[n]; score = code / 256.\n"
                " * No state: may be called from several threads. */\n"
                "void %s_score(const uint16_t *et, size_t n, uint16_t *code);\n\n"
                "#ifdef __cplusplus\n}\n#endif\n\n#endif\n",
                name, name, name, name, e->net->n_input, e->net->n_input, name);
    return cb_text_write(&t, dir, "emulator.h");
}

/* score_one(): the graph. */
static int put_graph(cb_text *t, const cb_netlist *g) {
    cb_text_add(t, "\nstatic uint16_t score_one(const uint16_t et[%d]) {\n", g->n_input);
    for (int32_t n = 0; n < g->n; n++)
        if (put_node(t, g, n)) return -1;
    cb_text_put(t, "    return (uint16_t)(");
    put_operand(t, g, g->output[0], 0, false);
    cb_text_put(t, ");\n}\n");
    return 0;
}

static int write_source(const cb_emit *e, const char *name, const char *dir) {
    cb_text t = {0}, graph = {0};
    int rc = put_graph(&graph, e->net);
    cb_text_put(&t, "#include \"emulator.h\"\n\n/* Right shifts of negative numbers are arithmetic with every compiler that matters. */\n");
    for (size_t i = 0; graph.s && i < sizeof functions / sizeof *functions; i++)
        if (strstr(graph.s, functions[i].call)) cb_text_put(&t, functions[i].text);
    if (graph.s) cb_text_put(&t, graph.s);
    t.failed |= graph.failed;
    cb_text_free(&graph);
    cb_text_add(&t,
                "\nvoid %s_score(const uint16_t *et, size_t n, uint16_t *code) {\n"
                "    for (size_t e = 0; e < n; e++) code[e] = score_one(et + e * %s_INPUTS);\n}\n",
                name, name);
    if (!rc) return cb_text_write(&t, dir, "emulator.c");
    cb_text_free(&t);
    return -1;
}

int cb_emit_emulator(const cb_emit *e) {
    char name[64];
    if (e->net->n_output != 1)
        return cb_fail("netlist %s: %d outputs; the emulator prints one score", e->net->name, e->net->n_output);
    cb_emit_identifier(e->net->name, name);
    char *dir = cb_textf("%s/emulator", e->dir);
    int rc = dir && !write_source(e, name, dir) && !write_header(e, name, dir) && !cb_emit_abi(e, dir) ? 0 : -1;
    free(dir);
    return rc;
}
