#include "quant/bit_graph.h"

#include <stdlib.h>

enum { FALSE_LITERAL = 0, TRUE_LITERAL = 1, FAILED = -1 };

int cb_bit_arity(const cb_bit_graph *g, int32_t node) {
    if (node <= g->n_input) return 0;
    return g->node[node].kind < CB_BIT_MUX ? 2 : 3;
}

/* ---- nodes, each once ---- */

static uint32_t place_of(const cb_bit_graph *g, const cb_bit_node *n) {
    uint64_t h = (uint64_t)n->kind;
    for (int j = 0; j < 3; j++) h = (h ^ (uint64_t)n->in[j]) * 0x9e3779b97f4a7c15, h ^= h >> 29;
    return (uint32_t)h & (g->slots - 1);
}

static int same(const cb_bit_node *a, const cb_bit_node *b) {
    return a->kind == b->kind && a->in[0] == b->in[0] && a->in[1] == b->in[1] && a->in[2] == b->in[2];
}

static int grow(cb_bit_graph *g) {
    int32_t room = 2 * g->room;
    cb_bit_node *more = cb_realloc(g->node, (size_t)room, sizeof *more);
    if (!more) return -1;
    g->node = more;
    int32_t *slot = cb_alloc(2 * (size_t)g->slots, sizeof *slot);
    if (!slot) return -1;
    free(g->slot);
    g->slot = slot, g->slots *= 2, g->room = room;
    for (int32_t k = g->n_input + 1; k < g->n; k++) {
        uint32_t at = place_of(g, &g->node[k]);
        while (g->slot[at]) at = (at + 1) & (g->slots - 1);
        g->slot[at] = k;
    }
    return 0;
}

/* Literal of the gate, made if it is new. */
static int32_t gate(cb_bit_graph *g, cb_bit_kind kind, int32_t a, int32_t b, int32_t c) {
    cb_bit_node n = {(int32_t)kind, {a, b, c}};
    if ((kind == CB_BIT_AND || kind == CB_BIT_OR || kind == CB_BIT_XOR) && a > b) n.in[0] = b, n.in[1] = a;
    if (g->n == g->room && grow(g)) return FAILED;
    uint32_t at = place_of(g, &n);
    for (; g->slot[at]; at = (at + 1) & (g->slots - 1))
        if (same(&g->node[g->slot[at]], &n)) return 2 * g->slot[at];
    g->slot[at] = g->n;
    g->node[g->n] = n;
    return 2 * g->n++;
}

/* ---- functions of literals ---- */

static int32_t and_of(cb_bit_graph *g, int32_t x, int32_t y) {
    if (x == FALSE_LITERAL || y == FALSE_LITERAL || x == (y ^ 1)) return FALSE_LITERAL;
    if (x == TRUE_LITERAL || x == y) return y;
    if (y == TRUE_LITERAL) return x;
    int32_t a = x >> 1, b = y >> 1;
    if (x & y & 1) { /* ~a & ~b = ~(a | b) */
        int32_t or = gate(g, CB_BIT_OR, a, b, 0);
        return or < 0 ? or : or ^ 1;
    }
    if (x & 1) return gate(g, CB_BIT_ANDN, b, a, 0);
    return gate(g, y & 1 ? CB_BIT_ANDN : CB_BIT_AND, a, b, 0);
}

static int32_t or_of(cb_bit_graph *g, int32_t x, int32_t y) {
    int32_t neither = and_of(g, x ^ 1, y ^ 1);
    return neither < 0 ? neither : neither ^ 1;
}

static int32_t xor_of(cb_bit_graph *g, int32_t x, int32_t y) {
    if (x >> 1 == y >> 1) return (x ^ y) & 1;
    if (x <= TRUE_LITERAL) return x ^ y;
    if (y <= TRUE_LITERAL) return y ^ x;
    int32_t plain = gate(g, CB_BIT_XOR, x >> 1, y >> 1, 0);
    return plain < 0 ? plain : plain ^ ((x ^ y) & 1);
}

/* s ? one : zero. */
static int32_t choose(cb_bit_graph *g, int32_t s, int32_t one, int32_t zero) {
    if (s & 1) {
        int32_t swap = one;
        one = zero, zero = swap, s ^= 1;
    }
    if (s == FALSE_LITERAL || one == zero) return zero;
    if (one == (zero ^ 1)) return xor_of(g, s, zero);
    if (one == TRUE_LITERAL || one == s) return or_of(g, s, zero);
    if (one == FALSE_LITERAL || one == (s ^ 1)) return and_of(g, s ^ 1, zero);
    if (zero == TRUE_LITERAL || zero == (s ^ 1)) return or_of(g, s ^ 1, one);
    if (zero == FALSE_LITERAL || zero == s) return and_of(g, s, one);
    int32_t plain = gate(g, (one ^ zero) & 1 ? CB_BIT_MUXN : CB_BIT_MUX, s >> 1, one >> 1, zero >> 1);
    return plain < 0 ? plain : plain ^ (zero & 1);
}

/* A table (circuit.h) of k literals, in[0] the most significant digit. */
static int32_t table_of(cb_bit_graph *g, int k, const int32_t *in, uint64_t table) {
    if (k == 0) return (int32_t)(table & 1);
    int half = 1 << (k - 1);
    uint64_t low = table & (((uint64_t)1 << half) - 1), high = table >> half;
    int32_t zero = table_of(g, k - 1, in + 1, low), one = zero < 0 ? zero : table_of(g, k - 1, in + 1, high);
    return one < 0 ? one : choose(g, in[0], one, zero);
}

/* ---- the circuit ---- */

static int make_gates(cb_bit_graph *g, const cb_circuit *c, int32_t *literal) {
    for (int32_t i = 0; i < c->n_input; i++) literal[i] = 2 * (i + 1);
    for (int32_t k = 0; k < c->n; k++) {
        const cb_gate *q = &c->gate[k];
        int32_t in[CB_GATE_INPUTS];
        for (int j = 0; j < q->k; j++) in[j] = literal[q->in[j]];
        literal[c->n_input + k] = table_of(g, q->k, in, q->table);
        if (literal[c->n_input + k] < 0) return -1;
    }
    return 0;
}

static int set_weights(cb_bit_graph *g, const cb_circuit *c, const int32_t *weight, const int32_t *literal) {
    int64_t total = 0;
    g->weight = cb_alloc((size_t)g->n, sizeof *g->weight);
    if (!g->weight) return -1;
    for (int32_t o = 0; o < c->n_output; o++) {
        int32_t x = literal[c->output[o]];
        total += llabs((int64_t)weight[o]);
        if (total >= (int64_t)1 << 31) return cb_fail("weights of a sum of bits add up to 2^31 or more, less expected");
        g->weight[x >> 1] += x & 1 ? -(int64_t)weight[o] : weight[o];
        g->offset += x & 1 ? weight[o] : 0;
    }
    g->weight[0] = 0;
    return 0;
}

int cb_bit_graph_new(cb_bit_graph *g, const cb_circuit *c, const int32_t *weight) {
    *g = (cb_bit_graph){.n_input = c->n_input, .n = c->n_input + 1, .slots = 1024};
    g->room = c->n_input + 1 + 512;
    while ((uint32_t)g->room * 2 > g->slots) g->slots *= 2;
    g->node = cb_alloc((size_t)g->room, sizeof *g->node);
    g->slot = cb_alloc(g->slots, sizeof *g->slot);
    int32_t *literal = cb_alloc((size_t)c->n_input + (size_t)c->n + 1, sizeof *literal);
    int rc = g->node && g->slot && literal && !make_gates(g, c, literal) ? set_weights(g, c, weight, literal) : -1;
    free(literal);
    if (rc) cb_bit_graph_free(g);
    return rc;
}

void cb_bit_graph_free(cb_bit_graph *g) {
    free(g->node);
    free(g->weight);
    free(g->slot);
    *g = (cb_bit_graph){0};
}
