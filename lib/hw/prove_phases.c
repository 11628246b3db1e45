/* Shared netlist -> its unfolding: in every phase of an event each shared node has the value that the unfolding has
 * there. Inputs, multiplexers and registers are identities once the phase is put in, sums are multiplied out
 * (linear_form.h), quantizers and tables are claims that SAT decides. By induction over the graph
 * the two compute the same score. */
#include <string.h>

#include "hw/graph_bits.h"
#include "hw/linear_form.h"
#include "hw/prove_network.h"

typedef struct {
    const cb_netlist *g, *flat;
    const cb_unfolding *u;
    cb_linear linear;
    cb_graph_bits bits;
    cb_claims *c;
    int64_t identities;
} prover;

typedef __int128 wide;

static int differ(int32_t i, int phase) { return cb_fail("node %d: the unfolding has another value in phase %d", (int)i, phase); }

/* v * 2^-from = w * 2^-to? */
static bool same_number(int64_t v, int from, int64_t w, int to) {
    int up = to - from; /* of v */
    if (!v || !w) return v == w;
    if (up < -60 || up > 60) return false;
    return up >= 0 ? (wide)v * ((wide)1 << up) == w : (wide)w * ((wide)1 << -up) == v;
}

static bool same_value(const cb_held *x, const cb_held *y) {
    if (x->node != y->node) return false;
    if (x->node == CB_HELD_CONSTANT) return same_number(x->constant, x->exponent, y->constant, y->exponent);
    return x->node >= 0 && x->exponent == y->exponent && x->neg == y->neg;
}

/* The value of the unfolding is in the interval that the shared node has for all of its phases. */
static bool inside(const prover *p, const cb_node *x, const cb_held *h) {
    const cb_node *n = h->node >= 0 ? &p->flat->node[h->node] : NULL;
    wide lo = n ? h->neg ? -(wide)n->hi : n->lo : h->constant, hi = n ? h->neg ? -(wide)n->lo : n->hi : h->constant;
    int up = x->frac - h->exponent; /* to units of the node */
    if (up > 60 || up < -60) return !lo && !hi;
    if (up >= 0) return lo * ((wide)1 << up) >= x->lo && hi * ((wide)1 << up) <= x->hi;
    return lo >= x->lo * ((wide)1 << -up) && hi <= x->hi * ((wide)1 << -up);
}

/* ---- one node in one phase ---- */

static int prove_sum(prover *p, int32_t i, int phase, const cb_held *h) {
    const cb_netlist *g = p->g;
    const cb_node *x = &g->node[i];
    bool neg = x->kind == CB_NODE_NEG;
    cb_term term[2] = {{*cb_unfolding_at(p->u, x->a, phase), neg ? -1 : 1, x->frac - g->node[x->a].frac - (neg ? 0 : x->sa)}};
    if (!neg) term[1] = (cb_term){*cb_unfolding_at(p->u, x->b, phase), x->sub ? -1 : 1, x->frac - g->node[x->b].frac - x->sb};
    int64_t rest;
    int frac;
    if (cb_linear_prove(&p->linear, h->node, h->neg, h->exponent, term, neg ? 1 : 2, h->exponent, &rest, &frac)) return differ(i, phase);
    p->identities++;
    return h->node < 0 ? same_number(-rest, frac, h->constant, h->exponent) ? 0 : differ(i, phase) : rest ? differ(i, phase) : 0;
}

/* The word of what a value of the unfolding is, and where it is free. */
static cb_word free_word(prover *p, const cb_held *h, int frac) {
    cb_word m = h->node >= 0 ? cb_graph_value(&p->bits, h->node) : cb_word_constant(0);
    return cb_graph_held(&p->bits, h, m, frac);
}

static int claim_quant(prover *p, int32_t i, int phase, const cb_held *h) {
    const cb_node *x = &p->g->node[i];
    cb_aig *a = &p->c->aig;
    const cb_held *from = cb_unfolding_at(p->u, x->a, phase);
    if (from->node == CB_HELD_DROPPED) return differ(i, phase);
    int unit = p->g->node[x->a].frac; /* a coarser value is a multiple of it */
    if (from->exponent > unit && (from->node >= 0 || from->constant)) unit = from->exponent;
    cb_held zero = {.node = CB_HELD_CONSTANT, .exponent = unit};
    cb_word operand = free_word(p, from->node < 0 && !from->constant ? &zero : from, unit), m = cb_word_constant(0);
    cb_rule r = cb_rule_of_node(p->g, i);
    if (unit != r.frac && r.round == CB_ROUND_EVEN_BIASED) return differ(i, phase); /* half of another unit is in the operand */
    r.frac = unit;
    cb_lit assumed = 1;
    if (from->node >= 0) {
        cb_word v = cb_graph_value(&p->bits, from->node);
        assumed = cb_graph_assumed(&p->bits, from->node, &v);
    }
    if (h->node >= 0) m = h->node == from->node ? cb_graph_value(&p->bits, h->node) : cb_graph_definition(&p->bits, h->node);
    cb_lit bad = cb_graph_misquantized(&p->bits, h, m, &operand, &r);
    return cb_claim_add(p->c, cb_aig_and(a, assumed, bad), i, phase);
}

static int claim_table(prover *p, int32_t i, int phase, const cb_held *h) {
    const cb_node *x = &p->g->node[i];
    cb_lit bit[CB_GATE_INPUTS];
    for (int k = 0; k < x->n_in; k++) {
        const cb_held *in = cb_unfolding_at(p->u, x->in[k], phase);
        if (in->node == CB_HELD_DROPPED) return differ(i, phase);
        bit[k] = in->node >= 0 ? cb_graph_value(&p->bits, in->node).bit[0] : in->constant != 0;
    }
    cb_lit want = cb_rule_table(&p->c->aig, x->table, x->n_in, bit);
    cb_lit have = h->node >= 0 ? cb_graph_definition(&p->bits, h->node).bit[0] : h->constant != 0;
    return cb_claim_add(p->c, cb_aig_xor(&p->c->aig, want, have), i, phase);
}

static int prove_identity(prover *p, int32_t i, int phase, const cb_held *h) {
    const cb_node *x = &p->g->node[i];
    const cb_node *n = h->node >= 0 ? &p->flat->node[h->node] : NULL;
    cb_held constant = {.node = CB_HELD_CONSTANT, .constant = x->lo, .exponent = x->frac};
    bool same;
    p->identities++;
    if (x->kind == CB_NODE_INPUT) same = n && n->kind == CB_NODE_INPUT && n->a == x->a && !h->neg && h->exponent == 0;
    else if (x->kind == CB_NODE_CONST) same = same_value(h, &constant);
    else if (x->kind == CB_NODE_HOLD) same = same_value(h, cb_unfolding_at(p->u, x->a, x->phase < 0 ? 0 : x->phase));
    else {
        bool second = phase >> x->phase & 1;
        int32_t from = second ? x->b : x->a;
        same = same_value(h, cb_unfolding_at(p->u, from, phase)) && x->frac == p->g->node[from].frac + (second ? x->sb : x->sa);
    }
    return same ? 0 : differ(i, phase);
}

static int prove_node(prover *p, int32_t i, int phase) {
    const cb_node *x = &p->g->node[i];
    const cb_held *h = cb_unfolding_at(p->u, i, phase);
    if (h->node == CB_HELD_DROPPED) return 0;
    if (!inside(p, x, h)) return cb_fail("node %d: in phase %d its interval is left", (int)i, phase);
    switch (x->kind) {
    case CB_NODE_ADD:
    case CB_NODE_NEG: return prove_sum(p, i, phase, h);
    case CB_NODE_QUANT: return claim_quant(p, i, phase, h);
    case CB_NODE_TABLE: return claim_table(p, i, phase, h);
    default: return prove_identity(p, i, phase, h);
    }
}

/* ---- the whole ---- */

static int prepare(prover *p) {
    if (p->u->n < (size_t)p->g->n || cb_linear_begin(&p->linear, p->flat) || cb_graph_bits_begin(&p->bits, p->flat, &p->c->aig)) return -1;
    p->linear.any_interval = true; /* that the unfolding keeps to its intervals follows from the programme (prove_layers.c) */
    cb_graph_bits_mark(&p->bits, p->u->value, (int64_t)p->u->n);
    return cb_claims_begin(p->c, p->bits.bits);
}

static int prove_all(prover *p) {
    for (int32_t i = 0; i < p->g->n; i++)
        for (int phase = 0; phase < p->u->copies[i]; phase++)
            if (prove_node(p, i, phase)) return -1;
    for (int o = 0; o < p->g->n_output; o++) {
        int32_t n = p->g->output[o], f = p->flat->output[o];
        cb_held have = cb_held_of(p->flat, f);
        if (!same_value(&have, cb_unfolding_at(p->u, n, 0)) || p->flat->node[f].frac != p->g->node[n].frac) return cb_fail("output %d is another", o);
        p->identities++;
    }
    return 0;
}

int cb_prove_phases(const cb_netlist *shared, const cb_netlist *flat, const cb_unfolding *u, const cb_prove_tools *tools, cb_claims *c,
                    int64_t *identities) {
    prover p = {.g = shared, .flat = flat, .u = u, .c = c};
    *c = (cb_claims){.first_refuted = -1};
    int rc = prepare(&p) || prove_all(&p) || cb_claims_decide(c, &tools->limits, tools->scratch) ? -1 : 0;
    if (!rc && c->refuted) {
        const cb_claim *bad = &c->claim[c->first_refuted];
        rc = differ(bad->subject, bad->part);
    }
    *identities = p.identities;
    cb_linear_end(&p.linear);
    cb_graph_bits_free(&p.bits);
    return rc ? cb_fail_in("shared netlist %s and its unfolding", shared->name) : 0;
}
