#include "hw/prove.h"

#include <stdlib.h>
#include <string.h>


/* ---- programme -> graph ---- */

typedef __int128 wide;

/* Coefficients of node i: of every input, and of 1. */
static int multiply_out(const cb_cmvm_graph *g, int32_t i, wide *all) {
    int row = g->n_in + 1;
    wide *c = all + (int64_t)i * row;
    const cb_cmvm_node *x = &g->node[i];
    if (i < g->n_in) {
        c[i] = 1;
        return 0;
    }
    if (x->a < 0) {
        c[g->n_in] = x->lo;
        return 0;
    }
    if (x->a >= i || x->b >= i) return cb_fail("constant matrix: node %d reads a later one", (int)i);
    const wide *a = all + (int64_t)x->a * row, *b = all + (int64_t)x->b * row;
    for (int k = 0; k < row; k++) c[k] = a[k] * ((wide)1 << x->sa) + (x->sub ? -1 : 1) * b[k] * ((wide)1 << x->sb);
    return 0;
}

static int check_interval(const cb_cmvm_problem *p, const cb_cmvm_graph *g, int32_t i, const wide *c) {
    wide lo = c[p->n_in], hi = lo;
    for (int k = 0; k < p->n_in; k++) {
        lo += c[k] * (c[k] > 0 ? p->lo[k] : p->hi[k]);
        hi += c[k] * (c[k] > 0 ? p->hi[k] : p->lo[k]);
    }
    return g->node[i].lo <= lo && g->node[i].hi >= hi ? 0 : cb_fail("constant matrix: node %d leaves its interval", (int)i);
}

/* Output o: coefficient of input k is w << exp; inputs that are constants count in the constant. */
static int check_output(const cb_cmvm_problem *p, const cb_cmvm_graph *g, int o, const wide *all) {
    cb_cmvm_ref r = g->out[o];
    wide rest = p->constant ? p->constant[o] : 0, unit = r.neg ? -((wide)1 << r.shift) : (wide)1 << r.shift;
    for (int k = 0; k <= p->n_in; k++) {
        wide got = r.node < 0 ? 0 : all[(int64_t)r.node * (p->n_in + 1) + k] * unit;
        if (k == p->n_in) return got == rest ? 0 : cb_fail("constant matrix: output %d has another constant", o);
        wide want = (wide)p->w[(int64_t)k * p->n_out + o] * ((wide)1 << (p->exp ? p->exp[k] : 0));
        if (p->lo[k] == p->hi[k]) rest += (want - got) * p->lo[k];
        else if (got != want) return cb_fail("constant matrix: output %d has another weight of input %d", o, k);
    }
    return 0;
}

int cb_prove_matrix(const cb_cmvm_problem *p, const cb_cmvm_graph *g) {
    int row = p->n_in + 1;
    wide *all = cb_alloc((size_t)g->n * (size_t)row + 1, sizeof *all);
    int rc = all ? 0 : -1;
    for (int32_t i = 0; i < g->n && !rc; i++) {
        rc = multiply_out(g, i, all);
        if (!rc && i >= g->n_in) rc = check_interval(p, g, i, all + (int64_t)i * row);
    }
    for (int o = 0; o < g->n_out && !rc; o++) rc = check_output(p, g, o, all);
    free(all);
    return rc;
}

/* ---- graph -> chains ---- */

/* A sum of bits of nodes, modulo 2^64 until it is compared. */
enum { TERMS = 2 * (CB_CHAIN_FIELDS + CB_CHAIN_GUESTS) };
typedef struct {
    int n;
    int32_t node[TERMS];
    uint64_t weight[TERMS][64]; /* of every wire of the node */
    uint64_t constant;
} linear;

static uint64_t *weights_of(linear *f, int32_t node) {
    for (int k = 0; k < f->n; k++)
        if (f->node[k] == node) return f->weight[k];
    if (f->n == TERMS) return NULL;
    memset(f->weight[f->n], 0, sizeof f->weight[f->n]);
    f->node[f->n] = node;
    return f->weight[f->n++];
}

/* f += unit * what the wires of the chain carry beside the value of the node. */
static bool add_excess(linear *f, const cb_chains *plan, const cb_chain *x, uint64_t unit) {
    f->constant += unit * (uint64_t)x->offset;
    for (int32_t k = x->guest; k >= 0; k = plan->guest[k].next) {
        const cb_guest *e = &plan->guest[k];
        uint64_t *weight = weights_of(f, e->node);
        if (!weight || e->bit >= plan->chain[e->node].width) return false;
        weight[e->bit] += (e->minus ? -unit : unit) << e->shift;
    }
    return true;
}

/* f += unit * value of the node, which is its wires as a number, less offset and guests; sums that were
 * absorbed are their own terms. */
static bool add_value(linear *f, const cb_netlist *g, const cb_chains *plan, int32_t node, uint64_t unit) {
    const cb_node *x = &g->node[node];
    const cb_chain *w = &plan->chain[node];
    if (x->kind == CB_NODE_CONST) {
        f->constant += unit * (uint64_t)x->lo;
        return true;
    }
    if (w->absorbed) {
        if (x->kind == CB_NODE_NEG) return add_value(f, g, plan, x->a, -unit);
        return add_value(f, g, plan, x->a, unit << x->sa) && add_value(f, g, plan, x->b, (x->sub ? -unit : unit) << x->sb);
    }
    uint64_t *weight = weights_of(f, node);
    for (int b = 0; weight && b < w->width; b++) weight[b] += (w->is_signed && b == w->width - 1 ? -unit : unit) << b;
    return weight && add_excess(f, plan, w, -unit);
}

/* f -= what the places of the chain add up to. */
static bool subtract_places(linear *f, const cb_chains *plan, const cb_chain *x) {
    cb_place v[CB_CHAIN_FIELDS][64];
    cb_chain_vectors(plan, x, v);
    for (int k = 0; k < (x->ternary ? 3 : 2); k++)
        for (int at = 0; at < x->width; at++) {
            const cb_place *p = &v[k][at];
            uint64_t unit = (uint64_t)1 << at;
            if (p->invert) f->constant -= unit; /* a one, or 1 - bit */
            if (p->field < 0) continue;
            uint64_t *weight = weights_of(f, x->field[p->field].node);
            if (!weight || p->bit >= plan->chain[x->field[p->field].node].width) return false;
            weight[p->bit] -= p->invert ? -unit : unit;
        }
    f->constant -= (x->low < x->width ? (uint64_t)x->carry_in << x->low : 0) + x->correction;
    if (x->carry_node >= 0) {
        uint64_t *weight = weights_of(f, x->carry_node);
        if (!weight || x->carry_bit >= plan->chain[x->carry_node].width || x->low >= x->width || x->carry_in || x->ternary) return false;
        weight[x->carry_bit] -= (uint64_t)1 << x->low;
    }
    for (int at = 0; at < x->low; at++) { /* wires: one bit a place */
        int bits = 0;
        for (int k = 0; k < (x->ternary ? 3 : 2); k++) bits += v[k][at].field >= 0 || v[k][at].invert;
        if (bits > 1) return false;
    }
    return true;
}

int cb_prove_chains(const cb_netlist *g, const cb_chains *plan) {
    for (int32_t i = 0; i < g->n; i++) {
        const cb_node *n = &g->node[i];
        const cb_chain *x = &plan->chain[i];
        if ((n->kind != CB_NODE_ADD && n->kind != CB_NODE_NEG) || x->absorbed) continue;
        linear f;
        f.n = 0, f.constant = 0;
        uint64_t mask = x->width >= 64 ? ~(uint64_t)0 : ((uint64_t)1 << x->width) - 1;
        bool ok = n->kind == CB_NODE_NEG ? add_value(&f, g, plan, n->a, -(uint64_t)1)
                                         : add_value(&f, g, plan, n->a, (uint64_t)1 << n->sa) &&
                                               add_value(&f, g, plan, n->b, (n->sub ? -(uint64_t)1 : 1) << n->sb);
        ok = ok && add_excess(&f, plan, x, 1) && subtract_places(&f, plan, x) && !(f.constant & mask);
        for (int k = 0; k < f.n; k++)
            for (int b = 0; b < 64; b++) ok = ok && !(f.weight[k][b] & mask);
        if (!ok) return cb_fail("netlist %s: node %d: the carry chain does not add what the graph says", g->name, (int)i);
    }
    return 0;
}
