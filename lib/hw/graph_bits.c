#include "hw/graph_bits.h"

#include <stdlib.h>
#include <string.h>

int cb_graph_bits_begin(cb_graph_bits *b, const cb_netlist *g, cb_aig *aig) {
    size_t n = (size_t)g->n + 1;
    *b = (cb_graph_bits){.g = g, .aig = aig, .leaf = cb_alloc(n, sizeof *b->leaf), .at = cb_alloc(n, sizeof *b->at)};
    if (!b->leaf || !b->at) return -1;
    for (int32_t i = 0; i < g->n; i++) b->at[i] = b->bits, b->bits += (uint32_t)cb_node_width(&g->node[i]);
    return 0;
}

void cb_graph_bits_free(cb_graph_bits *b) {
    free(b->leaf);
    free(b->at);
    memset(b, 0, sizeof *b);
}

void cb_graph_bits_mark(cb_graph_bits *b, const cb_held *h, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        if (h[i].node >= 0) b->leaf[h[i].node] = true;
}

cb_word cb_graph_free(cb_graph_bits *b, int32_t n) {
    const cb_node *x = &b->g->node[n];
    cb_lit bit[64];
    int width = cb_node_width(x);
    for (int k = 0; k < width; k++) bit[k] = 2 * (1 + b->at[n] + (uint32_t)k);
    return cb_word_of(b->aig, bit, width, x->lo < 0);
}

cb_word cb_graph_value(cb_graph_bits *b, int32_t n) {
    return b->leaf[n] && b->g->node[n].kind != CB_NODE_CONST ? cb_graph_free(b, n) : cb_graph_definition(b, n);
}

cb_word cb_graph_definition(cb_graph_bits *b, int32_t n) {
    const cb_node *x = &b->g->node[n];
    if (x->kind == CB_NODE_INPUT) return cb_graph_free(b, n);
    if (x->kind == CB_NODE_CONST) return cb_word_constant(x->lo);
    if (x->kind == CB_NODE_TABLE) {
        cb_lit bit[CB_GATE_INPUTS];
        for (int j = 0; j < x->n_in; j++) bit[j] = cb_graph_value(b, x->in[j]).bit[0];
        cb_lit entry = cb_rule_table(b->aig, x->table, x->n_in, bit);
        return cb_word_of(b->aig, &entry, 1, false);
    }
    cb_word v = cb_graph_value(b, x->a), w;
    if (x->kind == CB_NODE_QUANT) {
        cb_rule r = cb_rule_of_node(b->g, n);
        return cb_rule_quantize(b->aig, &v, &r);
    }
    w = x->kind == CB_NODE_NEG ? v : cb_graph_value(b, x->b);
    return cb_rule_sum(b->aig, x, &v, &w);
}

cb_lit cb_graph_assumed(cb_graph_bits *b, int32_t n, const cb_word *m) {
    return cb_word_outside(b->aig, m, b->g->node[n].lo, b->g->node[n].hi) ^ 1;
}

cb_word cb_graph_held(cb_graph_bits *b, const cb_held *h, cb_word m, int frac) {
    if (h->node < 0) m = cb_word_constant(h->constant);
    if (h->node >= 0 && h->neg) {
        cb_word zero = cb_word_constant(0);
        m = cb_word_sub(b->aig, &zero, &m);
    }
    if (frac < h->exponent) b->aig->failed = true;
    return cb_word_shift(b->aig, &m, frac - h->exponent);
}

cb_lit cb_graph_misquantized(cb_graph_bits *b, const cb_held *h, cb_word m, const cb_word *s, const cb_rule *r) {
    bool zero = h->node < 0 && !h->constant;
    cb_word want = cb_rule_quantize(b->aig, s, r);
    int f = cb_format_width(r->format) ? r->format.f : 0, unit = zero || f > h->exponent ? f : h->exponent;
    cb_held nothing = {.node = CB_HELD_CONSTANT, .exponent = unit};
    cb_word have = cb_graph_held(b, zero ? &nothing : h, m, unit);
    want = cb_word_shift(b->aig, &want, unit - f);
    return cb_word_differ(b->aig, &have, &want);
}
