#include "hw/rule_bits.h"

cb_word cb_rule_sum(cb_aig *a, const cb_node *n, const cb_word *x, const cb_word *y) {
    if (n->kind == CB_NODE_NEG) {
        cb_word zero = cb_word_constant(0);
        return cb_word_sub(a, &zero, x);
    }
    cb_word p = cb_word_shift(a, x, n->sa), q = cb_word_shift(a, y, n->sb);
    return n->sub ? cb_word_sub(a, &p, &q) : cb_word_add(a, &p, &q);
}

/* One is added after flooring where this holds; the lowest s > 0 bits of v are dropped, q is the floor. */
static cb_lit increment(cb_aig *a, const cb_word *v, const cb_word *q, int s, uint8_t round) {
    cb_lit sign = v->bit[v->n - 1], below = 0, half;
    for (int k = 0; k < s - 1; k++) below = cb_aig_or(a, below, k < v->n ? v->bit[k] : sign);
    half = s - 1 < v->n ? v->bit[s - 1] : sign;
    cb_lit above = cb_aig_and(a, half, below), tie = cb_aig_and(a, half, below ^ 1), any = cb_aig_or(a, half, below);
    switch (round) {
    case CB_RND: return cb_aig_or(a, above, tie);
    case CB_RND_CONV: return cb_aig_or(a, above, cb_aig_and(a, tie, q->bit[0]));
    case CB_TRN_ZERO: return cb_aig_and(a, sign, any);
    case CB_RND_ZERO: return cb_aig_or(a, above, cb_aig_and(a, tie, sign));
    case CB_RND_MIN_INF: return above;
    case CB_RND_INF: return cb_aig_or(a, above, cb_aig_and(a, tie, sign ^ 1));
    default: return 0; /* CB_TRN */
    }
}

static cb_word rounded(cb_aig *a, const cb_word *v, int s, uint8_t round) {
    cb_word q = cb_word_shift(a, v, -s);
    if (s <= 0) return q;
    if (round == CB_ROUND_EVEN_BIASED) { /* half a unit is in v: bit 0 goes where all dropped bits are 0 */
        cb_lit any = 0;
        for (int k = 0; k < s; k++) any = cb_aig_or(a, any, v->bit[k < v->n ? k : v->n - 1]);
        cb_lit bit[CB_WORD_BITS];
        for (int k = 0; k < q.n; k++) bit[k] = k ? q.bit[k] : cb_aig_and(a, q.bit[0], any);
        if (q.n == 1) bit[1] = q.bit[0], q.n = 2; /* its only bit is the sign */
        return cb_word_of(a, bit, q.n, true);
    }
    cb_lit one = increment(a, v, &q, s, round);
    cb_word plus = cb_word_of(a, &one, 1, false);
    return cb_word_add(a, &q, &plus);
}

cb_word cb_rule_quantize(cb_aig *a, const cb_word *operand, const cb_rule *r) {
    int width = cb_format_width(r->format), s = r->frac - r->format.f;
    cb_word zero = cb_word_constant(0);
    if (!width) return zero;
    cb_word v = r->relu ? cb_word_choose(a, operand->bit[operand->n - 1], &zero, operand) : *operand;
    if (s > CB_NETLIST_BITS + 2) s = CB_NETLIST_BITS + 2; /* the same: operands are smaller */
    cb_word u = rounded(a, &v, s, r->round);
    if (r->overflow == CB_WRAP) {
        cb_lit bit[CB_WORD_BITS];
        if (width > CB_WORD_BITS - 1) return a->failed = true, zero;
        for (int k = 0; k < width; k++) bit[k] = u.bit[k < u.n ? k : u.n - 1];
        return cb_word_of(a, bit, width, r->format.k);
    }
    cb_word least = cb_word_constant(cb_format_min(r->format, r->overflow)), most = cb_word_constant(cb_format_max(r->format));
    cb_word low = cb_word_choose(a, cb_word_less(a, &u, &least), &least, &u);
    return cb_word_choose(a, cb_word_less(a, &most, &u), &most, &low);
}

cb_rule cb_rule_of_node(const cb_netlist *g, int32_t quant) {
    const cb_node *x = &g->node[quant];
    return (cb_rule){.frac = g->node[x->a].frac, .format = x->format, .round = x->round, .overflow = (cb_overflow)x->overflow,
                     .relu = x->relu};
}

cb_lit cb_rule_table(cb_aig *a, uint64_t table, int k, const cb_lit *bits) {
    if (!k) return (cb_lit)(table & 1);
    int half = 1 << (k - 1);
    uint64_t mask = ((uint64_t)1 << half) - 1;
    return cb_aig_choose(a, bits[0], cb_rule_table(a, table >> half & mask, k - 1, bits + 1),
                         cb_rule_table(a, table & mask, k - 1, bits + 1));
}
