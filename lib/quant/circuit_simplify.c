/* Simplification of a circuit: one pass in topological order, in which every signal becomes a
 * literal (a signal of the new circuit or its inverse) or a constant. What it did is proven before it is used
 * (circuit_prove.h). */
#include <stdlib.h>
#include <string.h>

#include "quant/circuit_prove.h"

typedef cb_circuit_literal literal;

typedef struct {
    cb_circuit *to;
    int32_t *slot, n_slot; /* hash of the gates of `to`: gate index or -1 */
} builder;

/* Input j of a table of k inputs stands for bit k-1-j of the index. */
static uint64_t cofactor(uint64_t table, int k, int j, int value) {
    int p = k - 1 - j;
    uint64_t out = 0;
    for (int i = 0; i < 1 << (k - 1); i++) {
        int from = (i >> p) << (p + 1) | value << p | (i & ((1 << p) - 1));
        out |= (table >> from & 1) << i;
    }
    return out;
}

static uint64_t exchange(uint64_t table, int k, int j, int l) {
    int p = k - 1 - j, q = k - 1 - l;
    uint64_t out = 0;
    for (int i = 0; i < 1 << k; i++) {
        int a = i >> p & 1, b = i >> q & 1;
        int from = (i & ~(1 << p) & ~(1 << q)) | b << p | a << q;
        out |= (table >> from & 1) << i;
    }
    return out;
}

static void drop_input(cb_gate *g, int j, int value) {
    g->table = cofactor(g->table, g->k, j, value);
    memmove(g->in + j, g->in + j + 1, (size_t)(g->k - 1 - j) * sizeof *g->in);
    g->in[--g->k] = -1;
}

/* Input l is the same signal as j < l: the table where both are equal. */
static void merge_inputs(cb_gate *g, int j, int l) {
    int p = g->k - 1 - j, q = g->k - 1 - l;
    uint64_t out = 0;
    for (int i = 0; i < 1 << g->k; i++) {
        int from = (i & ~(1 << q)) | (i >> p & 1) << q;
        out |= (g->table >> from & 1) << i;
    }
    g->table = out;
    drop_input(g, l, 0);
}

/* The gate with inputs of the new circuit: constants in, inverters and equal inputs away. */
static void translate(cb_gate *g, const literal *known) {
    for (int j = 0; j < g->k;) {
        literal x = known[g->in[j]];
        if (x.signal < 0) {
            drop_input(g, j, x.invert);
            continue;
        }
        if (x.invert) {
            uint64_t zero = cofactor(g->table, g->k, j, 0), one = cofactor(g->table, g->k, j, 1), out = 0;
            int p = g->k - 1 - j;
            for (int i = 0; i < 1 << g->k; i++) {
                int rest = i >> (p + 1) << p | (i & ((1 << p) - 1));
                out |= ((i >> p & 1 ? zero : one) >> rest & 1) << i;
            }
            g->table = out;
        }
        g->in[j++] = x.signal;
    }
    for (int j = 0; j < g->k; j++)
        for (int l = j + 1; l < g->k; l++)
            if (g->in[j] == g->in[l]) merge_inputs(g, j, l--);
    for (int j = 0; j < g->k;)
        if (cofactor(g->table, g->k, j, 0) == cofactor(g->table, g->k, j, 1)) drop_input(g, j, 0);
        else j++;
    for (int j = 1; j < g->k; j++)
        for (int l = j; l > 0 && g->in[l] < g->in[l - 1]; l--) {
            g->table = exchange(g->table, g->k, l - 1, l);
            int32_t swap = g->in[l];
            g->in[l] = g->in[l - 1], g->in[l - 1] = swap;
        }
}

static uint64_t full(int k) { return k < 6 ? ((uint64_t)1 << (1 << k)) - 1 : ~(uint64_t)0; }

static uint64_t hash_gate(const cb_gate *g) {
    uint64_t h = g->table ^ (uint64_t)g->k * 0x9E3779B97F4A7C15u;
    for (int j = 0; j < g->k; j++) h = (h ^ (uint32_t)g->in[j]) * 0xD6E8FEB86659FD93u, h ^= h >> 32;
    return h;
}

/* Signal of that gate in the new circuit: one that is there, or a new one. */
static int32_t find_or_add(builder *b, const cb_gate *g) {
    uint64_t mask = (uint64_t)b->n_slot - 1, at = hash_gate(g) & mask;
    for (; b->slot[at] >= 0; at = (at + 1) & mask) {
        const cb_gate *q = &b->to->gate[b->slot[at]];
        if (q->k == g->k && q->table == g->table && !memcmp(q->in, g->in, sizeof q->in)) return b->to->n_input + b->slot[at];
    }
    b->slot[at] = b->to->n;
    return cb_circuit_gate(b->to, g->k, g->in, g->table);
}

static int rebuild(builder *b, const cb_circuit *from, literal *known) {
    for (int32_t i = 0; i < from->n_input; i++) known[i] = (literal){i, 0};
    for (int32_t i = 0; i < from->n; i++) {
        cb_gate g = from->gate[i];
        literal *out = &known[from->n_input + i];
        translate(&g, known);
        out->invert = g.table & 1; /* a stored gate gives 0 where all inputs are 0 */
        if (out->invert) g.table = ~g.table & full(g.k);
        out->signal = g.k == 0 ? -1 : g.k == 1 ? g.in[0] : find_or_add(b, &g);
        if (g.k > 1 && out->signal < 0) return -1;
    }
    for (int32_t o = 0; o < from->n_output; o++) { /* an output needs a signal of the right sense */
        literal x = known[from->output[o]];
        cb_gate g = {0, {-1, -1, -1, -1, -1, -1}, x.invert};
        if (x.signal >= from->n_input && x.invert) {
            g = b->to->gate[x.signal - from->n_input];
            g.table = ~g.table & full(g.k);
        } else if (x.signal >= 0 && x.invert) g = (cb_gate){1, {x.signal, -1, -1, -1, -1, -1}, 1};
        b->to->output[o] = x.signal >= 0 && !x.invert ? x.signal : find_or_add(b, &g);
        if (b->to->output[o] < 0) return -1;
    }
    return 0;
}

/* Gates that no output needs go; the order of the others stays. to[n_input + n]: new numbers, -1 of those that went. */
static void remove_dead(cb_circuit *c, int32_t *to) {
    int32_t n = 0;
    memset(to, 0, ((size_t)c->n_input + (size_t)c->n) * sizeof *to);
    for (int32_t o = 0; o < c->n_output; o++) to[c->output[o]] = 1;
    for (int32_t g = c->n - 1; g >= 0; g--)
        for (int j = 0; to[c->n_input + g] && j < c->gate[g].k; j++) to[c->gate[g].in[j]] = 1;
    for (int32_t i = 0; i < c->n_input; i++) to[i] = i;
    for (int32_t g = 0; g < c->n; g++) to[c->n_input + g] = to[c->n_input + g] ? c->n_input + n++ : -1;
    cb_circuit_renumber(c, c->n_input, to);
}

void cb_circuit_renumber(cb_circuit *c, int32_t n_input, const int32_t *to) {
    int32_t n = 0;
    for (int32_t g = 0; g < c->n; g++) {
        if (to[c->n_input + g] < 0) continue;
        cb_gate q = c->gate[g];
        for (int j = 0; j < q.k; j++) q.in[j] = to[q.in[j]];
        c->gate[n++] = q;
    }
    for (int32_t o = 0; o < c->n_output; o++) c->output[o] = to[c->output[o]];
    c->n_input = n_input, c->n = n;
}

/* remove_dead, proven. */
static int remove_proven(cb_circuit *c) {
    cb_circuit before = {0};
    int32_t *to = cb_alloc((size_t)c->n_input + (size_t)c->n + 1, sizeof *to);
    int rc = to && !cb_circuit_copy(&before, c) ? 0 : -1;
    if (!rc) {
        remove_dead(c, to);
        rc = cb_circuit_prove_renumbered(&before, c, to);
    }
    cb_circuit_free(&before);
    free(to);
    return rc;
}

int cb_circuit_simplify(cb_circuit *c) {
    cb_circuit made;
    builder b = {.to = &made, .n_slot = 256};
    if (cb_circuit_new(&made, c->n_input, c->n_output)) return -1;
    while (b.n_slot < 2 * ((int64_t)c->n + c->n_output)) b.n_slot *= 2;
    b.slot = cb_alloc((size_t)b.n_slot, sizeof *b.slot);
    literal *known = cb_alloc((size_t)c->n_input + (size_t)c->n, sizeof *known);
    if (b.slot) memset(b.slot, 0xff, (size_t)b.n_slot * sizeof *b.slot);
    int rc = b.slot && known && !rebuild(&b, c, known) && !cb_circuit_prove_simplified(c, &made, known) ? remove_proven(&made) : -1;
    free(b.slot);
    free(known);
    if (rc) return cb_circuit_free(&made), -1;
    cb_circuit_free(c);
    *c = made;
    return 0;
}
