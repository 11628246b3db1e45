/* Nodes with exact intervals from their coefficients, and adder costs. */
#include <stdlib.h>
#include <string.h>

#include "hw/cmvm_internal.h"
#include "hw/netlist.h"

static bool below(int64_t lo, int64_t hi, int shift, int other_shift) {
    return lo >= 0 && shift + cb_interval_width(lo, hi) <= other_shift;
}

int cb_adder_cost(int64_t alo, int64_t ahi, int sa, int64_t blo, int64_t bhi, int sb, bool sub, int64_t lo, int64_t hi) {
    if (!sub && (below(alo, ahi, sa, sb) || below(blo, bhi, sb, sa))) return 0;
    int wires = sub ? sb : sa > sb ? sa : sb, width = cb_interval_width(lo, hi);
    return width > wires + 1 ? width - wires : 1;
}

int cb_csd(int64_t w, uint8_t *shift, int8_t *sign) {
    int n = 0;
    for (uint8_t s = 0; w; s++, w /= 2) {
        if (!(w & 1)) continue;
        int d = (w & 3) == 1 ? 1 : -1; /* 2 - (w mod 4) */
        shift[n] = s;
        sign[n++] = (int8_t)d;
        w -= d;
    }
    return n;
}

static int reserve(cb_build *b) {
    if (b->n < b->room) return 0;
    int32_t room = b->room ? 2 * b->room : b->p->n_in + 256;
    cb_cmvm_node *node = cb_realloc(b->node, (size_t)room, sizeof *node);
    if (!node) return -1;
    b->node = node;
    int64_t *coef = cb_realloc(b->coef, (size_t)room * ((size_t)b->p->n_in + 1), sizeof *coef);
    if (!coef) return -1;
    b->coef = coef;
    b->room = room;
    return 0;
}

int cb_build_begin(cb_build *b, const cb_cmvm_problem *p) {
    memset(b, 0, sizeof *b);
    b->p = p;
    if (reserve(b)) return -1;
    int64_t row = p->n_in + 1;
    memset(b->coef, 0, (size_t)p->n_in * (size_t)row * sizeof *b->coef);
    for (int i = 0; i < p->n_in; i++) {
        b->node[i] = (cb_cmvm_node){.a = -1, .b = -1, .lo = p->lo[i], .hi = p->hi[i], .level = p->level ? p->level[i] : 0};
        b->coef[i * row + i] = 1;
    }
    b->n = p->n_in;
    return 0;
}

void cb_build_free(cb_build *b) {
    free(b->node);
    free(b->coef);
    memset(b, 0, sizeof *b);
}

int32_t cb_build_const(cb_build *b, int64_t value) {
    if (reserve(b)) return -1;
    int64_t row = b->p->n_in + 1;
    memset(b->coef + b->n * row, 0, (size_t)row * sizeof *b->coef);
    b->coef[b->n * row + row - 1] = value;
    b->node[b->n] = (cb_cmvm_node){.a = -1, .b = -1, .lo = value, .hi = value};
    return b->n++;
}

/* lo and hi of node n from its coefficients. */
static void range(cb_build *b, int32_t n) {
    const cb_cmvm_problem *p = b->p;
    const int64_t *c = b->coef + (int64_t)n * (p->n_in + 1);
    int64_t lo = c[p->n_in], hi = lo;
    for (int i = 0; i < p->n_in; i++) {
        if (!c[i]) continue;
        lo += c[i] * (c[i] > 0 ? p->lo[i] : p->hi[i]);
        hi += c[i] * (c[i] > 0 ? p->hi[i] : p->lo[i]);
    }
    b->node[n].lo = lo;
    b->node[n].hi = hi;
}

int32_t cb_build_add(cb_build *b, int32_t a, int sa, int32_t c, int sc, bool sub) {
    if (!sub && (a > c || (a == c && sa > sc))) {
        int32_t t = a;
        a = c, c = t;
        int s = sa;
        sa = sc, sc = s;
    }
    for (int32_t i = b->n - 1; i >= b->p->n_in; i--) { /* seldom there, but then it is free */
        const cb_cmvm_node *x = &b->node[i];
        if (x->a == a && x->b == c && x->sa == sa && x->sb == sc && x->sub == sub) return i;
    }
    if (reserve(b)) return -1;
    int64_t row = b->p->n_in + 1;
    int64_t *y = b->coef + b->n * row;
    const int64_t *u = b->coef + a * row, *v = b->coef + c * row;
    int64_t ku = (int64_t)1 << sa, kv = sub ? -((int64_t)1 << sc) : (int64_t)1 << sc;
    for (int64_t i = 0; i < row; i++) y[i] = u[i] * ku + v[i] * kv;
    cb_cmvm_node x = {.a = a, .b = c, .sa = (uint8_t)sa, .sb = (uint8_t)sc, .sub = sub};
    b->node[b->n] = x;
    range(b, b->n);
    cb_cmvm_node *n = &b->node[b->n], *p = &b->node[a], *q = &b->node[c];
    n->cost = cb_adder_cost(p->lo, p->hi, sa, q->lo, q->hi, sc, sub, n->lo, n->hi);
    n->level = (p->level > q->level ? p->level : q->level) + (n->cost > 0);
    return b->n++;
}
