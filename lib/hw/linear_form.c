#include "hw/linear_form.h"

#include <stdlib.h>
#include <string.h>

typedef __int128 wide;

int cb_linear_begin(cb_linear *l, const cb_netlist *g) {
    size_t n = (size_t)g->n + 1;
    *l = (cb_linear){.g = g, .index = cb_alloc(n, sizeof *l->index), .met = cb_alloc(n, sizeof *l->met),
                     .covered = cb_alloc(n, sizeof *l->covered), .leaf = cb_alloc(n, sizeof *l->leaf)};
    return l->index && l->met && l->covered && l->leaf ? 0 : -1;
}

void cb_linear_end(cb_linear *l) {
    free(l->index), free(l->met), free(l->covered), free(l->row), free(l->leaf);
    memset(l, 0, sizeof *l);
}

static void forget(cb_linear *l) {
    for (int32_t k = 0; k < l->n_met; k++) l->index[l->met[k]] = 0;
    l->n_met = 0;
    l->n_leaf = 0;
    l->rows = 0;
}

static void meet(cb_linear *l, int32_t node, int32_t index) {
    l->index[node] = index;
    l->met[l->n_met++] = node;
}

static wide *row_of(cb_linear *l, int64_t k) { return l->row + k * (l->n_leaf + 1); }

static int64_t new_row(cb_linear *l) {
    if (l->rows == l->room) {
        int64_t room = l->room ? 2 * l->room : 64;
        wide *row = cb_realloc(l->row, (size_t)room * ((size_t)l->n_leaf + 1), sizeof *row);
        if (!row) return -1;
        l->row = row, l->room = room;
    }
    memset(row_of(l, l->rows), 0, ((size_t)l->n_leaf + 1) * sizeof *l->row);
    return l->rows++;
}

/* to += unit * form of the operand, which is known. */
static void accumulate(cb_linear *l, wide *to, int32_t node, wide unit) {
    const cb_node *x = &l->g->node[node];
    int32_t i = l->index[node];
    if (i > 0) to[i - 1] += unit;
    else if (x->kind == CB_NODE_CONST) to[l->n_leaf] += unit * x->lo;
    else
        for (int k = 0; k <= l->n_leaf; k++) to[k] += unit * row_of(l, -1 - i)[k];
}

static int check_interval(cb_linear *l, int32_t n, const wide *c) {
    const cb_node *x = &l->g->node[n];
    wide lo = c[l->n_leaf], hi = lo;
    for (int k = 0; k < l->n_leaf; k++) {
        const cb_node *leaf = &l->g->node[l->leaf[k]];
        lo += c[k] * (c[k] > 0 ? leaf->lo : leaf->hi);
        hi += c[k] * (c[k] > 0 ? leaf->hi : leaf->lo);
    }
    l->covered[n] = true;
    return x->lo <= lo && x->hi >= hi ? 0 : cb_fail("node %d leaves its interval", (int)n);
}

/* The form of n, depth first; a node that is neither leaf nor sum cannot be multiplied out. */
static int multiply_out(cb_linear *l, int32_t n) {
    const cb_node *x = &l->g->node[n];
    if (l->index[n] || x->kind == CB_NODE_CONST) return 0;
    if (x->kind != CB_NODE_ADD && x->kind != CB_NODE_NEG) return cb_fail("node %d is no sum of the inputs of its layer", (int)n);
    if (multiply_out(l, x->a) || (x->kind == CB_NODE_ADD && multiply_out(l, x->b))) return -1;
    int64_t k = new_row(l);
    if (k < 0) return -1;
    if (x->kind == CB_NODE_NEG) accumulate(l, row_of(l, k), x->a, -1);
    else {
        accumulate(l, row_of(l, k), x->a, (wide)1 << x->sa);
        accumulate(l, row_of(l, k), x->b, (x->sub ? -1 : 1) * ((wide)1 << x->sb));
    }
    meet(l, n, (int32_t)(-1 - k));
    return l->any_interval ? 0 : check_interval(l, n, row_of(l, k));
}

static int choose_leaves(cb_linear *l, const cb_term *term, int64_t n_term) {
    forget(l);
    for (int64_t k = 0; k < n_term; k++) {
        if (term[k].of.node == CB_HELD_DROPPED && term[k].weight)
            return cb_fail("input %lld has a weight, but no output needs it", (long long)k);
        if (term[k].of.node < 0 || l->index[term[k].of.node]) continue;
        l->leaf[l->n_leaf] = term[k].of.node;
        meet(l, term[k].of.node, ++l->n_leaf);
    }
    l->room = 0; /* rows of another length */
    free(l->row);
    l->row = NULL;
    return 0;
}

enum { FURTHEST = 60 };

/* v * 2^-from in units of 2^-to. */
static bool rescale(wide v, int from, int to, wide *out) {
    if (to - from < 0 || to - from > FURTHEST || v >= (wide)1 << 64 || v <= -((wide)1 << 64)) return v == 0 ? *out = 0, true : false;
    *out = v * ((wide)1 << (to - from));
    return true;
}

/* The finest unit that occurs. */
static int common_frac(const cb_term *term, int64_t n_term, int exponent, int at_least) {
    int t = exponent > at_least ? exponent : at_least;
    for (int64_t k = 0; k < n_term; k++) {
        if (!term[k].weight || (term[k].of.node < 0 && !term[k].of.constant)) continue;
        int f = term[k].frac + term[k].of.exponent;
        if (f > t) t = f;
    }
    return t;
}

int cb_linear_prove(cb_linear *l, int32_t root, bool neg, int exponent, const cb_term *term, int64_t n_term, int at_least,
                    int64_t *rest, int *frac) {
    if (choose_leaves(l, term, n_term) || (root >= 0 && multiply_out(l, root))) return -1;
    int64_t have = new_row(l), want = new_row(l);
    if (have < 0 || want < 0) return -1;
    wide *c = row_of(l, have), *w = row_of(l, want), v;
    if (root >= 0) accumulate(l, c, root, neg ? -1 : 1);
    *frac = common_frac(term, n_term, exponent, at_least);
    for (int k = 0; k <= l->n_leaf; k++)
        if (!rescale(c[k], exponent, *frac, &c[k])) return cb_fail("node %d: units too far apart", (int)root);
    for (int64_t k = 0; k < n_term; k++) {
        const cb_term *t = &term[k];
        bool constant = t->of.node < 0;
        wide m = (wide)t->weight * (constant ? t->of.constant : t->of.neg ? -1 : 1);
        if (!rescale(m, t->frac + t->of.exponent, *frac, &v)) return cb_fail("input %lld: units too far apart", (long long)k);
        w[constant ? l->n_leaf : l->index[t->of.node] - 1] += v;
    }
    for (int k = 0; k < l->n_leaf; k++)
        if (c[k] != w[k]) return cb_fail("node %d has another weight of node %d", (int)root, (int)l->leaf[k]);
    wide left = c[l->n_leaf] - w[l->n_leaf];
    if (left >= (wide)1 << 62 || left <= -((wide)1 << 62)) return cb_fail("node %d: constant too large", (int)root);
    *rest = (int64_t)left;
    return 0;
}

int cb_linear_cover(cb_linear *l) {
    for (int32_t i = 0; i < l->g->n; i++) {
        const cb_node *x = &l->g->node[i];
        if ((x->kind != CB_NODE_ADD && x->kind != CB_NODE_NEG) || l->covered[i]) continue;
        const cb_node *a = &l->g->node[x->a], *b = x->kind == CB_NODE_ADD ? &l->g->node[x->b] : NULL;
        wide lo = b ? a->lo * ((wide)1 << x->sa) : -(wide)a->hi, hi = b ? a->hi * ((wide)1 << x->sa) : -(wide)a->lo;
        if (b) {
            wide p = b->lo * ((wide)1 << x->sb), q = b->hi * ((wide)1 << x->sb);
            lo += x->sub ? -q : p;
            hi += x->sub ? -p : q;
        }
        if (x->lo > lo || x->hi < hi) return cb_fail("node %d leaves its interval", (int)i);
    }
    return 0;
}
