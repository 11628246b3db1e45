/* The graph as an HDF5 file, schema "cicada-bench/netlist/1":
 * root attributes name, n_input, input_bits, n_stage, ternary; one dataset of length n for
 * each field of cb_node under /node (format: n x 3 = k, i, f), and /output. Graphs with look-up tables
 * also have /node/n_in i32, /node/in i32 (n, 6), /node/table u64; shared ones (share.h) root attribute ii and
 * /node/phase i16. */
#include <stdlib.h>
#include <string.h>

#include "hw/share.h"

enum { N_FIELD = 15 };

static const struct {
    const char *name;
    cb_type type;
} field[N_FIELD] = {{"/node/kind", CB_U8},  {"/node/a", CB_I32},     {"/node/b", CB_I32},        {"/node/sa", CB_I8},
                    {"/node/sb", CB_I8},    {"/node/sub", CB_U8},    {"/node/relu", CB_U8},      {"/node/round", CB_U8},
                    {"/node/overflow", CB_U8}, {"/node/frac", CB_I16}, {"/node/k", CB_I8},       {"/node/i", CB_I16},
                    {"/node/f", CB_I16},    {"/node/level", CB_I32}, {"/node/stage", CB_I32}};

static int64_t get(const cb_node *x, int k) {
    const int64_t v[N_FIELD] = {x->kind,  x->a,        x->b,    x->sa,       x->sb,       x->sub,   x->relu, x->round,
                                x->overflow, x->frac, x->format.k, x->format.i, x->format.f, x->level, x->stage};
    return v[k];
}

static void set(cb_node *x, int k, int64_t v) {
    switch (k) {
    case 0: x->kind = (uint8_t)v; break;
    case 1: x->a = (int32_t)v; break;
    case 2: x->b = (int32_t)v; break;
    case 3: x->sa = (int8_t)v; break;
    case 4: x->sb = (int8_t)v; break;
    case 5: x->sub = (uint8_t)v; break;
    case 6: x->relu = (uint8_t)v; break;
    case 7: x->round = (uint8_t)v; break;
    case 8: x->overflow = (uint8_t)v; break;
    case 9: x->frac = (int16_t)v; break;
    case 10: x->format.k = (int8_t)v; break;
    case 11: x->format.i = (int16_t)v; break;
    case 12: x->format.f = (int16_t)v; break;
    case 13: x->level = (int32_t)v; break;
    default: x->stage = (int32_t)v;
    }
}

static void store(void *to, cb_type t, int32_t i, int64_t v) {
    switch (t) {
    case CB_U8: ((uint8_t *)to)[i] = (uint8_t)v; break;
    case CB_I8: ((int8_t *)to)[i] = (int8_t)v; break;
    case CB_I16: ((int16_t *)to)[i] = (int16_t)v; break;
    case CB_I32: ((int32_t *)to)[i] = (int32_t)v; break;
    default: ((int64_t *)to)[i] = v;
    }
}

static bool has_tables(const cb_netlist *g) {
    for (int32_t i = 0; i < g->n; i++)
        if (g->node[i].kind == CB_NODE_TABLE) return true;
    return false;
}

static int write_tables(const cb_netlist *g, cb_h5 *f) {
    uint64_t dims[2] = {(uint64_t)g->n, CB_GATE_INPUTS};
    int32_t *in = cb_alloc((size_t)g->n + 1, CB_GATE_INPUTS * sizeof *in), *n_in = cb_alloc((size_t)g->n + 1, sizeof *n_in);
    uint64_t *table = cb_alloc((size_t)g->n + 1, sizeof *table);
    for (int32_t i = 0; in && n_in && table && i < g->n; i++) {
        memcpy(in + (size_t)i * CB_GATE_INPUTS, g->node[i].in, sizeof g->node[i].in);
        n_in[i] = g->node[i].n_in, table[i] = g->node[i].table;
    }
    int rc = !in || !n_in || !table || cb_h5_write(f, "/node/n_in", CB_I32, 1, dims, n_in) ||
             cb_h5_write(f, "/node/in", CB_I32, 2, dims, in) || cb_h5_write(f, "/node/table", CB_U64, 1, dims, table);
    free(in);
    free(n_in);
    free(table);
    return rc ? -1 : 0;
}

static int write_phases(const cb_netlist *g, cb_h5 *f) {
    uint64_t n = (uint64_t)g->n;
    int16_t *phase = cb_alloc((size_t)g->n + 1, sizeof *phase);
    for (int32_t i = 0; phase && i < g->n; i++) phase[i] = g->node[i].phase;
    int rc = phase && !cb_h5_set_i64(f, "/", "ii", g->ii) && !cb_h5_write(f, "/node/phase", CB_I16, 1, &n, phase) ? 0 : -1;
    free(phase);
    return rc;
}

int cb_netlist_write(const cb_netlist *g, cb_h5 *f) {
    uint64_t n = (uint64_t)g->n, n_output = (uint64_t)g->n_output;
    if (cb_h5_set_text(f, "/", "name", g->name) || cb_h5_set_i64(f, "/", "n_input", g->n_input) ||
        cb_h5_set_i64(f, "/", "input_bits", g->input_bits) || cb_h5_set_i64(f, "/", "n_stage", g->n_stage) ||
        cb_h5_set_i64(f, "/", "ternary", g->ternary) || cb_h5_group(f, "/node"))
        return -1;
    int64_t *v = cb_alloc((size_t)g->n + 1, sizeof *v);
    if (!v) return -1;
    int rc = 0;
    for (int k = 0; k < N_FIELD && !rc; k++) {
        for (int32_t i = 0; i < g->n; i++) store(v, field[k].type, i, get(&g->node[i], k));
        rc = cb_h5_write(f, field[k].name, field[k].type, 1, &n, v);
    }
    for (int hi = 0; hi < 2 && !rc; hi++) {
        for (int32_t i = 0; i < g->n; i++) v[i] = hi ? g->node[i].hi : g->node[i].lo;
        rc = cb_h5_write(f, hi ? "/node/hi" : "/node/lo", CB_I64, 1, &n, v);
    }
    free(v);
    if (!rc && has_tables(g)) rc = write_tables(g, f);
    if (!rc && g->ii > 1) rc = write_phases(g, f);
    return rc ? rc : cb_h5_write(f, "/output", CB_I32, 1, &n_output, g->output);
}

/* ---- reading: nothing in the file is believed ---- */

static int bad_node(const char *path, int32_t i, const char *what) {
    return cb_fail("%s: node %d: %s", path, (int)i, what);
}

static int check_operand(const char *path, const cb_netlist *g, int32_t i, int32_t a, int shift) {
    if (a < 0 || a >= i) return bad_node(path, i, "operand is not an earlier node");
    if (shift < 0 || shift + cb_node_width(&g->node[a]) > CB_NETLIST_BITS + 1)
        return bad_node(path, i, "shift out of range");
    return 0;
}

static int check_quant(const char *path, const cb_netlist *g, int32_t i, const cb_node *x) {
    if (check_operand(path, g, i, x->a, 0)) return -1;
    int frac = g->node[x->a].frac, width = cb_format_width(x->format);
    bool biased = x->round == CB_ROUND_EVEN_BIASED;
    if (x->round > CB_ROUND_EVEN_BIASED || x->overflow > CB_SAT_SYM || (x->format.k & ~1) || width > 64 ||
        x->format.i < -512 || x->format.i > 512 || x->frac != x->format.f || (biased && frac <= x->format.f))
        return bad_node(path, i, "not a quantizer");
    return 0;
}

static int check_table(const char *path, const cb_netlist *g, int32_t i, const cb_node *x) {
    if (x->n_in < 1 || x->n_in > CB_GATE_INPUTS || x->frac || x->lo < 0 || x->hi > 1) return bad_node(path, i, "not a table");
    for (int j = 0; j < x->n_in; j++) {
        if (check_operand(path, g, i, x->in[j], 0)) return -1;
        if (g->node[x->in[j]].lo < 0 || g->node[x->in[j]].hi > 1) return bad_node(path, i, "operand of a table is not a bit");
    }
    if (x->a != x->in[0] || x->b != (x->n_in > 1 ? x->in[1] : -1)) return bad_node(path, i, "operands a, b are not the first of the table");
    return 0;
}

/* One side of a SELECT: the same value in units of the node. */
static int check_side(const char *path, const cb_netlist *g, int32_t i, int32_t a, int shift) {
    if (check_operand(path, g, i, a, shift)) return -1;
    const cb_node *x = &g->node[i], *in = &g->node[a];
    if (in->kind == CB_NODE_CONST && !in->lo) return 0;
    return shift == x->frac - in->frac ? 0 : bad_node(path, i, "operand of a SELECT with another value");
}

static int check_phase(const char *path, const cb_netlist *g, int32_t i, const cb_node *x) {
    if (g->ii < 2) return bad_node(path, i, "SELECT or HOLD without an initiation interval");
    if (x->kind == CB_NODE_SELECT) {
        if (x->phase < 0 || x->phase > 30 || 1 << x->phase >= g->ii) return bad_node(path, i, "phase out of range");
        return check_side(path, g, i, x->a, x->sa) || check_side(path, g, i, x->b, x->sb) ? -1 : 0;
    }
    if (x->phase < -1 || x->phase >= g->ii) return bad_node(path, i, "phase out of range");
    if (check_operand(path, g, i, x->a, 0)) return -1;
    return x->b < 0 && x->frac == g->node[x->a].frac ? 0 : bad_node(path, i, "not a HOLD");
}

static int check_node(const char *path, const cb_netlist *g, int32_t i) {
    const cb_node *x = &g->node[i];
    const int64_t limit = (int64_t)1 << CB_NETLIST_BITS;
    if (x->lo > x->hi || x->lo < -limit || x->hi > limit) return bad_node(path, i, "bounds out of range");
    if (x->frac < -512 || x->frac > 512) return bad_node(path, i, "frac out of range");
    if (x->level < 0 || x->stage < 0 || x->stage > (g->ii > 1 ? g->n_stage : i)) return bad_node(path, i, "level or stage out of range");
    switch (x->kind) {
    case CB_NODE_INPUT: return x->a < 0 || x->a >= g->n_input ? bad_node(path, i, "no such input") : 0;
    case CB_NODE_CONST: return x->lo != x->hi ? bad_node(path, i, "constant with two values") : 0;
    case CB_NODE_ADD:
        return check_operand(path, g, i, x->a, x->sa) || check_operand(path, g, i, x->b, x->sb) ? -1 : 0;
    case CB_NODE_NEG: return check_operand(path, g, i, x->a, 0);
    case CB_NODE_QUANT: return check_quant(path, g, i, x);
    case CB_NODE_TABLE: return check_table(path, g, i, x);
    case CB_NODE_SELECT:
    case CB_NODE_HOLD: return check_phase(path, g, i, x);
    default: return bad_node(path, i, "unknown kind");
    }
}

static int read_fields(cb_netlist *g, cb_h5 *f) {
    uint64_t n = 0;
    for (int k = 0; k < N_FIELD + 2; k++) {
        const char *name = k < N_FIELD ? field[k].name : k == N_FIELD ? "/node/lo" : "/node/hi";
        int64_t *v = cb_h5_read(f, name, CB_I64, 1, &n);
        if (!v) return -1;
        if (n > INT32_MAX / 4) return free(v), cb_fail("%s: too many nodes", cb_h5_path(f));
        if (!g->node) {
            g->n = g->room = (int32_t)n;
            if (!(g->node = cb_alloc(n + 1, sizeof *g->node))) return free(v), -1;
        }
        for (int32_t i = 0; i < g->n; i++) {
            if (k < N_FIELD) set(&g->node[i], k, v[i]);
            else if (k == N_FIELD) g->node[i].lo = v[i];
            else g->node[i].hi = v[i];
        }
        free(v);
    }
    return 0;
}

static int read_tables(cb_netlist *g, cb_h5 *f) {
    uint64_t dims[2] = {(uint64_t)g->n, CB_GATE_INPUTS};
    if (!has_tables(g)) return 0;
    int32_t *n_in = cb_h5_read(f, "/node/n_in", CB_I32, 1, dims), *in = n_in ? cb_h5_read(f, "/node/in", CB_I32, 2, dims) : NULL;
    uint64_t *table = in ? cb_h5_read(f, "/node/table", CB_U64, 1, dims) : NULL;
    for (int32_t i = 0; table && i < g->n; i++) {
        if (g->node[i].kind != CB_NODE_TABLE) continue;
        memcpy(g->node[i].in, in + (size_t)i * CB_GATE_INPUTS, sizeof g->node[i].in);
        g->node[i].n_in = (int8_t)(n_in[i] < 0 || n_in[i] > CB_GATE_INPUTS ? 0 : n_in[i]), g->node[i].table = table[i];
    }
    int rc = table ? 0 : -1;
    free(n_in);
    free(in);
    free(table);
    return rc;
}

static int read_phases(cb_netlist *g, cb_h5 *f) {
    uint64_t n = (uint64_t)g->n;
    int64_t ii = 1;
    if (!cb_h5_has_attribute(f, "/", "ii")) return 0;
    if (cb_h5_get_i64(f, "/", "ii", &ii)) return -1;
    if (ii < 2 || ii > CB_MOST_PHASES) return cb_fail("%s: ii %lld: 2 to %d expected", cb_h5_path(f), (long long)ii, CB_MOST_PHASES);
    g->ii = (int)ii;
    int16_t *phase = cb_h5_read(f, "/node/phase", CB_I16, 1, &n);
    for (int32_t i = 0; phase && i < g->n; i++) g->node[i].phase = phase[i];
    free(phase);
    return phase ? 0 : -1;
}

static int read_all(cb_netlist *g, cb_h5 *f, const char *path) {
    int64_t n_input, bits, n_stage, ternary;
    char *name = cb_h5_get_text(f, "/", "name");
    if (!name) return -1;
    strncpy(g->name, name, sizeof g->name - 1);
    free(name);
    if (cb_h5_get_i64(f, "/", "n_input", &n_input) || cb_h5_get_i64(f, "/", "input_bits", &bits) ||
        cb_h5_get_i64(f, "/", "n_stage", &n_stage) || cb_h5_get_i64(f, "/", "ternary", &ternary))
        return -1;
    if (n_input < 1 || n_input > 1 << 20 || bits < 1 || bits > 16 || n_stage < 0 || n_stage > 1 << 20)
        return cb_fail("%s: n_input, input_bits or n_stage out of range", path);
    g->n_input = (int)n_input, g->input_bits = (int)bits, g->n_stage = (int)n_stage;
    g->ternary = ternary != 0;
    if (read_fields(g, f) || read_tables(g, f) || read_phases(g, f)) return -1;
    for (int32_t i = 0; i < g->n; i++)
        if (check_node(path, g, i)) return -1;
    uint64_t n_output = 0;
    if (!(g->output = cb_h5_read(f, "/output", CB_I32, 1, &n_output))) return -1;
    g->n_output = (int)n_output;
    for (uint64_t o = 0; o < n_output; o++)
        if (g->output[o] < 0 || g->output[o] >= g->n)
            return cb_fail("%s: output %llu: no such node", path, (unsigned long long)o);
    return n_output ? 0 : cb_fail("%s: no outputs", path);
}

int cb_netlist_read(cb_netlist *g, const char *path) {
    memset(g, 0, sizeof *g);
    cb_h5 *f = cb_h5_open(path, CB_NETLIST_SCHEMA);
    if (!f) return -1;
    int rc = read_all(g, f, path);
    cb_h5_close(&f);
    if (rc) cb_netlist_free(g);
    return rc;
}
