/* Compiling the graph for the interpreter: types, operations, rows. */
#include "hw/netlist_tape.h"

#include <stdlib.h>
#include <string.h>

enum { EXACT = 255, UNUSED = 0, FOREVER = INT32_MAX };
static const int type_bits[CB_TAPE_TYPES] = {16, 32, 64};

/* While compiling, operands and results are numbers of values; they become rows at the end. */
typedef struct {
    cb_tape *t;
    const cb_netlist *g;
    uint8_t *need;    /* [node] bits that readers want of it, EXACT: all, UNUSED: no reader */
    uint8_t *type;    /* [node] */
    int32_t *value;   /* [node][type] number of the value, -1 = not there */
    int32_t zero[CB_TAPE_TYPES];
    int32_t n_value;
    uint8_t *kind;    /* [value] type */
    int32_t *row;     /* [value] byte offset in the arena */
    int32_t *last;    /* [value] last operation that reads it, or FOREVER */
} builder;

static cb_tape_type fitting(int64_t lo, int64_t hi) {
    if (lo >= INT16_MIN && hi <= INT16_MAX) return CB_TAPE_16;
    return lo >= INT32_MIN && hi <= INT32_MAX ? CB_TAPE_32 : CB_TAPE_64;
}

/* ---- types ---- */

static int right_shift(const cb_netlist *g, const cb_node *x) { return g->node[x->a].frac - x->format.f; }

static bool quant_fast(const cb_netlist *g, const cb_node *x) {
    int s = right_shift(g, x);
    return s >= 0 && s <= CB_NETLIST_BITS && cb_format_width(x->format) <= CB_NETLIST_BITS &&
           (x->round == CB_TRN || x->round == CB_ROUND_EVEN_BIASED);
}

/* Bits of its operand that a quantizer depends on. */
static int quant_need(const cb_netlist *g, const cb_node *x) {
    bool slice = quant_fast(g, x) && x->overflow == CB_WRAP && x->round == CB_TRN && !x->relu;
    int bits = right_shift(g, x) + cb_format_width(x->format);
    return slice && bits <= 64 ? bits : EXACT;
}

static void want(builder *b, int32_t node, int bits) {
    if (bits > b->need[node]) b->need[node] = (uint8_t)bits;
}

/* From the outputs to the inputs: what is wanted of each value, and so its type. */
static void choose_types(builder *b) {
    const cb_netlist *g = b->g;
    for (int o = 0; o < g->n_output; o++) want(b, g->output[o], 16);
    for (int32_t i = g->n - 1; i >= 0; i--) {
        const cb_node *x = &g->node[i];
        cb_tape_type t = fitting(x->lo, x->hi);
        if (b->need[i] == UNUSED) continue;
        if (b->need[i] != EXACT)
            while (t > CB_TAPE_16 && type_bits[t - 1] >= b->need[i]) t--;
        while (x->kind == CB_NODE_ADD && (x->sa >= type_bits[t] || x->sb >= type_bits[t])) t++;
        b->type[i] = (uint8_t)t;
        if (x->kind == CB_NODE_ADD) want(b, x->b, type_bits[t]);
        if (x->kind == CB_NODE_ADD || x->kind == CB_NODE_NEG) want(b, x->a, type_bits[t]);
        if (x->kind == CB_NODE_QUANT) want(b, x->a, quant_need(g, x));
        for (int j = 0; j < x->n_in; j++) want(b, x->in[j], 16);
    }
}

/* ---- operations ---- */

static int32_t new_value(builder *b, cb_tape_type type) {
    int32_t v = b->n_value++;
    b->kind[v] = (uint8_t)type;
    b->last[v] = -1;
    return v;
}

/* A row of its own that is never given away. */
static int32_t new_row(builder *b, cb_tape_type type) {
    int32_t v = new_value(b, type);
    b->last[v] = FOREVER;
    b->row[v] = (int32_t)b->t->arena;
    b->t->arena += (size_t)CB_TAPE_EVENTS * (size_t)type_bits[type] / 8;
    return v;
}

static int32_t new_constant(builder *b, cb_tape_type type, int64_t value) {
    int32_t v = new_row(b, type);
    b->t->constant[b->t->n_const++] = (cb_tape_const){b->row[v], type, value};
    return v;
}

static void reads(builder *b, int32_t value, int32_t op) {
    if (value >= 0 && b->last[value] != FOREVER) b->last[value] = op;
}

static cb_tape_op *new_op(builder *b, int code, int32_t a, int32_t second, cb_tape_type type) {
    cb_tape_op *o = &b->t->op[b->t->n_op];
    *o = (cb_tape_op){.code = (int16_t)code, .a = a, .b = second, .y = new_value(b, type)};
    reads(b, a, b->t->n_op);
    reads(b, second, b->t->n_op);
    b->t->n_op++;
    return o;
}

/* The node's value as `type`; converted where it is not there yet. */
static int32_t as_type(builder *b, int32_t node, cb_tape_type type) {
    int32_t *v = &b->value[node * CB_TAPE_TYPES];
    if (v[type] >= 0) return v[type];
    const cb_node *x = &b->g->node[node];
    if (x->kind == CB_NODE_CONST) return v[type] = new_constant(b, type, x->lo);
    cb_tape_type from = (cb_tape_type)b->type[node];
    return v[type] = new_op(b, CB_TAPE_CONVERT + 3 * (int)from + (int)type, v[from], -1, type)->y;
}

/* The input's row holds 16 bits, to be read without a sign where the interval needs it. */
static void put_input(builder *b, int32_t i) {
    const cb_node *x = &b->g->node[i];
    int32_t v = new_value(b, CB_TAPE_16), t = b->type[i];
    b->last[v] = FOREVER;
    b->row[v] = x->a * CB_TAPE_EVENTS * (int32_t)sizeof(int16_t);
    if (t != CB_TAPE_16) {
        v = new_op(b, CB_TAPE_CONVERT + t, v, -1, (cb_tape_type)t)->y;
        cb_tape_op *o = new_op(b, CB_TAPE_WRAP + t, v, -1, (cb_tape_type)t);
        o->lo = INT32_MIN, o->mask = 0xFFFF;
        v = o->y;
    }
    b->value[i * CB_TAPE_TYPES + t] = v;
}

static void put_add(builder *b, int32_t i) {
    const cb_node *x = &b->g->node[i];
    cb_tape_type t = (cb_tape_type)b->type[i];
    int32_t q = as_type(b, x->kind == CB_NODE_NEG ? x->a : x->b, t), p;
    bool sub = x->sub || x->kind == CB_NODE_NEG;
    if (x->kind == CB_NODE_NEG) p = b->zero[t] >= 0 ? b->zero[t] : (b->zero[t] = new_constant(b, t, 0));
    else p = as_type(b, x->a, t);
    int code = sub ? CB_TAPE_SUB : CB_TAPE_ADD;
    if (x->sb == 0) code = sub ? CB_TAPE_SUB_A : CB_TAPE_ADD_A;
    if (x->sa == 0) code = sub ? CB_TAPE_SUB_B : CB_TAPE_ADD_B;
    cb_tape_op *o = new_op(b, code + (int)t, p, q, t);
    o->sa = x->sa, o->sb = x->sb;
    b->value[i * CB_TAPE_TYPES + (int)t] = o->y;
}

static int64_t clip(int64_t v, cb_tape_type t) {
    int64_t most = t == CB_TAPE_16 ? INT16_MAX : t == CB_TAPE_32 ? INT32_MAX : INT64_MAX;
    return v > most ? most : v < -most - 1 ? -most - 1 : v;
}

static int32_t put_slow(builder *b, int32_t i) {
    cb_tape_op *o = new_op(b, CB_TAPE_SLOW, as_type(b, b->g->node[i].a, CB_TAPE_64), -1, CB_TAPE_64);
    o->node = i;
    return o->y;
}

/* Computed in t, which holds operand, result and the bits that are dropped. */
static int32_t put_fast(builder *b, int32_t i, cb_tape_type t) {
    const cb_node *x = &b->g->node[i];
    int width = cb_format_width(x->format), s = right_shift(b->g, x), bits = type_bits[t];
    bool even = x->round == CB_ROUND_EVEN_BIASED && s, wrap = x->overflow == CB_WRAP;
    int code = wrap ? even ? CB_TAPE_WRAP_EVEN : CB_TAPE_WRAP : even ? CB_TAPE_CLAMP_EVEN : CB_TAPE_CLAMP;
    cb_tape_op *o = new_op(b, code + (int)t, as_type(b, x->a, t), -1, t);
    int64_t min = wrap ? INT64_MIN : cb_format_min(x->format, (cb_overflow)x->overflow);
    o->sa = (int8_t)s;
    o->lo = clip(x->relu && min < 0 ? 0 : min, t);
    o->hi = clip(cb_format_max(x->format), t);
    o->mask = width < bits ? ((int64_t)1 << width) - 1 : -1;
    o->sign = x->format.k && width && width < bits ? (int64_t)1 << (width - 1) : 0;
    return o->y;
}

static void put_quant(builder *b, int32_t i) {
    const cb_node *x = &b->g->node[i];
    cb_tape_type result = (cb_tape_type)b->type[i], t = CB_TAPE_64;
    bool fast = quant_fast(b->g, x);
    if (fast) {
        t = b->type[x->a] > result ? (cb_tape_type)b->type[x->a] : result;
        while (right_shift(b->g, x) >= type_bits[t]) t++;
    }
    int32_t y = fast ? put_fast(b, i, t) : put_slow(b, i), *v = &b->value[i * CB_TAPE_TYPES];
    v[t] = y;
    if (t != result) v[result] = new_op(b, CB_TAPE_CONVERT + 3 * (int)t + (int)result, y, -1, result)->y;
}

/* The operands, most significant first, as a number in 16 bits; then the look-up. */
static void put_table(builder *b, int32_t i) {
    const cb_node *x = &b->g->node[i];
    int32_t index = as_type(b, x->in[0], CB_TAPE_16);
    for (int j = 1; j < x->n_in; j++) {
        cb_tape_op *o = new_op(b, CB_TAPE_ADD_A + CB_TAPE_16, index, as_type(b, x->in[j], CB_TAPE_16), CB_TAPE_16);
        o->sa = 1;
        index = o->y;
    }
    cb_tape_op *o = new_op(b, CB_TAPE_LOOKUP, index, -1, CB_TAPE_16);
    o->mask = (int64_t)x->table;
    b->value[i * CB_TAPE_TYPES + CB_TAPE_16] = o->y;
}

static void put_nodes(builder *b) {
    for (int32_t i = 0; i < b->g->n; i++) {
        if (b->need[i] == UNUSED) continue;
        switch (b->g->node[i].kind) {
        case CB_NODE_INPUT: put_input(b, i); break;
        case CB_NODE_CONST: break; /* where it is read */
        case CB_NODE_ADD:
        case CB_NODE_NEG: put_add(b, i); break;
        case CB_NODE_TABLE: put_table(b, i); break;
        default: put_quant(b, i);
        }
    }
    for (int o = 0; o < b->g->n_output; o++) {
        b->t->out[o] = as_type(b, b->g->output[o], CB_TAPE_16);
        b->last[b->t->out[o]] = FOREVER;
    }
}

/* ---- rows ---- */

/* Free rows of each type, last in first out: what was touched last is nearest. */
typedef struct {
    int32_t *row[CB_TAPE_TYPES];
    int32_t n[CB_TAPE_TYPES];
} free_rows;

static void release(builder *b, free_rows *f, int32_t value, int32_t op) {
    if (value < 0 || b->last[value] != op) return;
    b->last[value] = -2; /* once */
    f->row[b->kind[value]][f->n[b->kind[value]]++] = b->row[value];
}

static int give_rows(builder *b) {
    cb_tape *t = b->t;
    free_rows f = {.n = {0}};
    int rc = 0;
    for (int k = 0; k < CB_TAPE_TYPES; k++) rc |= !(f.row[k] = cb_alloc((size_t)b->n_value + 1, sizeof *f.row[k]));
    for (int32_t i = 0; i < t->n_op && !rc; i++) {
        cb_tape_op *o = &t->op[i];
        int32_t a = o->a, second = o->b, y = o->y, kind = b->kind[y];
        if (f.n[kind]) b->row[y] = f.row[kind][--f.n[kind]];
        else {
            b->row[y] = (int32_t)t->arena;
            t->arena += (size_t)CB_TAPE_EVENTS * (size_t)type_bits[kind] / 8;
        }
        o->y = b->row[y];
        o->a = b->row[a];
        o->b = second >= 0 ? b->row[second] : 0;
        release(b, &f, a, i);
        release(b, &f, second, i);
    }
    for (int k = 0; k < CB_TAPE_TYPES; k++) free(f.row[k]);
    for (int o = 0; o < b->g->n_output; o++) t->out[o] = b->row[t->out[o]];
    return rc ? -1 : 0;
}

/* ---- the tape ---- */

static int builder_new(builder *b, cb_tape *t, const cb_netlist *g) {
    size_t n = (size_t)g->n + 1, most = 5 * n + CB_TAPE_TYPES;
    for (int32_t i = 0; i < g->n; i++) most += (size_t)g->node[i].n_in;
    *b = (builder){.t = t, .g = g, .zero = {-1, -1, -1}};
    b->need = cb_alloc(n, 1);
    b->type = cb_alloc(n, 1);
    b->value = cb_alloc(n * CB_TAPE_TYPES, sizeof *b->value);
    b->kind = cb_alloc(most, 1);
    b->row = cb_alloc(most, sizeof *b->row);
    b->last = cb_alloc(most, sizeof *b->last);
    t->op = cb_alloc(most, sizeof *t->op);
    t->constant = cb_alloc(most, sizeof *t->constant);
    t->out = cb_alloc((size_t)g->n_output + 1, sizeof *t->out);
    if (!b->need || !b->type || !b->value || !b->kind || !b->row || !b->last || !t->op || !t->constant || !t->out) return -1;
    memset(b->value, -1, n * CB_TAPE_TYPES * sizeof *b->value);
    return 0;
}

int cb_tape_make(cb_tape *t, const cb_netlist *g) {
    *t = (cb_tape){.net = g, .arena = (size_t)g->n_input * CB_TAPE_EVENTS * sizeof(int16_t)};
    builder b;
    int rc = builder_new(&b, t, g);
    if (!rc) {
        choose_types(&b);
        put_nodes(&b);
        rc = give_rows(&b);
    }
    if (!rc && t->arena > INT32_MAX) rc = cb_fail("netlist %s: too large for the interpreter", g->name);
    free(b.need);
    free(b.type);
    free(b.value);
    free(b.kind);
    free(b.row);
    free(b.last);
    return rc;
}

void cb_tape_free(cb_tape *t) {
    free(t->op);
    free(t->constant);
    free(t->out);
    *t = (cb_tape){0};
}

void cb_tape_begin(const cb_tape *t, char *arena) {
    for (const cb_tape_const *c = t->constant; c < t->constant + t->n_const; c++)
        for (int l = 0; l < CB_TAPE_EVENTS; l++) {
            void *row = arena + c->row;
            if (c->type == CB_TAPE_16) ((int16_t *)row)[l] = (int16_t)c->value;
            else if (c->type == CB_TAPE_32) ((int32_t *)row)[l] = (int32_t)c->value;
            else ((int64_t *)row)[l] = c->value;
        }
}
