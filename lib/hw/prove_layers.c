/* Programme -> graph: sums multiplied out (linear_form.h), everything else claimed and decided by SAT. */
#include <stdlib.h>
#include <string.h>

#include "hw/graph_bits.h"
#include "hw/linear_form.h"
#include "hw/prove_network.h"

typedef struct {
    const cb_programme *p;
    const cb_netlist *g;
    const cb_lowering *map;
    cb_linear linear;
    cb_claims *c;
    cb_graph_bits bits; /* values of the tensors are free in the claims */
    uint32_t lost;    /* first input bit of signals that no output needs */
    cb_held *input;   /* [g->n_input] */
    int64_t sums;
} prover;

/* ---- values ---- */

/* What holds element e of the input of operation k. */
static cb_held input_held(const prover *p, int k, int64_t e) { return k ? p->map->value[k - 1][e] : p->input[e]; }

/* ---- quantizers and the sums before them ---- */

static cb_format format_of(const cb_op *q, int64_t e) { return q->format[q->n_format == 1 ? 0 : e]; }

static int larger(int a, int b) { return a > b ? a : b; }

/* bad: the graph's value of element e of q differs from the programme's, the programme's operand being s * 2^-frac. */
static cb_lit compare_quant(prover *p, const cb_op *q, int64_t e, const cb_held *h, cb_word m, const cb_word *s, int frac) {
    cb_rule r = {.frac = frac, .format = format_of(q, e), .round = q->round, .overflow = q->overflow, .relu = q->relu};
    return cb_graph_misquantized(&p->bits, h, m, s, &r);
}

/* An element that is constant in the graph is so for any sum between its bounds. */
static int prove_constant(prover *p, const cb_op *q, int k, int64_t e, int64_t lo, int64_t hi, int unit) {
    cb_lit bit[64];
    int width = cb_interval_width(lo, hi);
    if (width > 64) return cb_fail("more than 64 bits");
    for (int j = 0; j < width; j++) bit[j] = 2 * (1 + p->lost + (uint32_t)j);
    cb_word s = cb_word_of(&p->c->aig, bit, width, lo < 0);
    cb_lit assumed = cb_word_outside(&p->c->aig, &s, lo, hi) ^ 1;
    cb_lit bad = compare_quant(p, q, e, &p->map->value[k][e], cb_word_constant(0), &s, unit);
    return cb_claim_add(p->c, cb_aig_and(&p->c->aig, assumed, bad), (int32_t)e, k);
}

/* Element e of q, whose operand in the programme is the sum of the terms, between lo and hi in units of 2^-unit. */
static int prove_element(prover *p, const cb_op *q, int k, int64_t e, const cb_term *term, int64_t n_term, int64_t lo, int64_t hi, int unit) {
    const cb_held *h = &p->map->value[k][e];
    cb_aig *a = &p->c->aig;
    if (h->node == CB_HELD_DROPPED) return 0;
    if (h->node == CB_HELD_CONSTANT) return prove_constant(p, q, k, e, lo, hi, unit);
    bool same = n_term == 1 && term->of.node == h->node; /* it changes nothing, and what it reads is held, itself perhaps quantized */
    bool quantizer = !same && p->g->node[h->node].kind == CB_NODE_QUANT; /* else it changes nothing, and the sum itself is held */
    int32_t root = quantizer ? p->g->node[h->node].a : h->node;
    const cb_node *x = &p->g->node[root];
    cb_held from = {.node = root, .exponent = quantizer ? x->frac : h->exponent, .neg = !quantizer && h->neg};
    int64_t rest;
    int frac;
    if (cb_linear_prove(&p->linear, root, from.neg, from.exponent, term, n_term, unit, &rest, &frac)) return -1;
    p->sums++;
    cb_word m = x->kind == CB_NODE_CONST ? cb_word_constant(x->lo) : cb_graph_free(&p->bits, root), c = cb_word_constant(rest);
    cb_lit assumed = cb_word_outside(a, &m, x->lo, x->hi) ^ 1;
    cb_word s = cb_graph_held(&p->bits, &from, m, frac);
    s = cb_word_sub(a, &s, &c);
    if (quantizer) {
        cb_rule rule = cb_rule_of_node(p->g, h->node);
        m = cb_rule_quantize(a, &m, &rule);
    }
    return cb_claim_add(p->c, cb_aig_and(a, assumed, compare_quant(p, q, e, h, m, &s, frac)), (int32_t)e, k);
}

/* Terms of element (position, o) of a linear operation: its weights and its bias. */
static int64_t linear_terms(const prover *p, int k, int64_t position, int o, cb_term *term) {
    const cb_op *op = &p->p->op[k];
    bool conv = op->kind == CB_OP_CONV2D;
    int kh = conv ? op->kh : op->in_h, kw = conv ? op->kw : op->in_w, sy = conv ? op->sy : 1, sx = conv ? op->sx : 1;
    int wide_out = conv ? op->out_w : 1, y = (int)(position / wide_out) * sy, x = (int)(position % wide_out) * sx;
    int64_t n = 0, i = 0;
    for (int dy = 0; dy < kh; dy++)
        for (int dx = 0; dx < kw; dx++)
            for (int c = 0; c < op->in_c; c++, i++)
                term[n++] = (cb_term){input_held(p, k, ((int64_t)(y + dy) * op->in_w + x + dx) * op->in_c + c),
                                      op->w[i * op->out_c + o], op->w_frac};
    if (op->bias) term[n++] = (cb_term){{.node = CB_HELD_CONSTANT, .constant = 1}, op->bias[o], op->bias_frac};
    return n;
}

static int layer_of_sums(prover *p, int k) {
    const cb_op *op = &p->p->op[k], *q = &p->p->op[k + 1];
    int64_t most = (int64_t)(op->kind == CB_OP_CONV2D ? op->kh * op->kw : op->in_h * op->in_w) * op->in_c + 1;
    cb_term *term = cb_alloc((size_t)most, sizeof *term);
    int64_t n = (int64_t)q->out_h * q->out_w * q->out_c;
    int rc = term ? 0 : -1;
    for (int64_t e = 0; e < n && !rc; e++) {
        int64_t n_term = linear_terms(p, k, e / op->out_c, (int)(e % op->out_c), term);
        rc = prove_element(p, q, k + 1, e, term, n_term, op->lo[e], op->hi[e], op->out_frac);
        if (rc) cb_fail_in("layer %s: element %lld", op->name, (long long)e);
    }
    free(term);
    return rc;
}

/* A quantizer of a tensor that exists: a sum of one term. */
static int layer_of_quantizers(prover *p, int k) {
    const cb_op *q = &p->p->op[k];
    int64_t n = (int64_t)q->out_h * q->out_w * q->out_c;
    for (int64_t e = 0; e < n; e++) {
        cb_term term = {input_held(p, k, e), 1, 0};
        int64_t lo = k ? p->p->op[k - 1].lo[e] : 0, hi = k ? p->p->op[k - 1].hi[e] : ((int64_t)1 << p->g->input_bits) - 1;
        if (prove_element(p, q, k, e, &term, 1, lo, hi, q->in_frac)) return cb_fail_in("layer %s: element %lld", q->name, (long long)e);
    }
    return 0;
}

/* ---- bits ---- */

/* The bit that is held, or a free one where it was dropped. */
static cb_lit held_bit(prover *p, const cb_held *h, int64_t signal) {
    if (h->node == CB_HELD_CONSTANT) return h->constant != 0;
    return h->node >= 0 ? cb_graph_value(&p->bits, h->node).bit[0] : 2 * (1 + p->lost + 64 + (cb_lit)signal);
}

/* The nodes between node n and the one that it compares are what the graph says: some may be comparators of their own, a bit
 * of the value say. */
static cb_lit between(prover *p, int32_t n, int32_t compared) {
    const cb_node *x = &p->g->node[n];
    cb_aig *a = &p->c->aig;
    cb_lit all = 1;
    int n_in = x->kind == CB_NODE_TABLE ? x->n_in : x->kind == CB_NODE_QUANT;
    for (int j = 0; j < n_in; j++) {
        int32_t from = x->kind == CB_NODE_TABLE ? x->in[j] : x->a;
        if (from == compared) continue;
        cb_word value = cb_graph_value(&p->bits, from), is = cb_graph_definition(&p->bits, from);
        all = cb_aig_and(a, all, cb_aig_and(a, cb_word_differ(a, &value, &is) ^ 1, between(p, from, compared)));
    }
    return all;
}

static int layer_of_comparators(prover *p, int k) {
    const cb_op *op = &p->p->op[k];
    for (int j = 0; j < op->out_c; j++) {
        const cb_held *h = &p->map->value[k][j];
        if (h->node == CB_HELD_DROPPED) continue;
        cb_held from = input_held(p, k, op->source[j]);
        if (from.node < 0) return cb_fail("layer %s: element %d: its input is gone", op->name, j);
        cb_word x = cb_graph_free(&p->bits, from.node), t = cb_word_constant(op->threshold[j]);
        if (!op->mask) x = cb_graph_held(&p->bits, &from, x, op->in_frac);
        for (int b = 0; b < x.n && op->mask; b++)
            if (!(op->mask[j] >> b & 1)) x.bit[b] = 0;
        cb_lit want = cb_word_less(&p->c->aig, &t, &x), have = h->node < 0 ? h->constant != 0 : cb_graph_definition(&p->bits, h->node).bit[0];
        cb_lit assumed = h->node < 0 || h->node == from.node ? 1 : between(p, h->node, from.node);
        if (cb_claim_add(p->c, cb_aig_and(&p->c->aig, assumed, cb_aig_xor(&p->c->aig, want, have)), j, k)) return -1;
    }
    return 0;
}

static bool same_held(const cb_held *x, const cb_held *y) {
    return x->node == y->node && x->neg == y->neg &&
           (x->node == CB_HELD_DROPPED || (x->exponent == y->exponent && x->constant == y->constant));
}

/* Gate by gate: if the node is what the graph says, it is what the gate says. */
static int layer_of_gates(prover *p, int k) {
    const cb_circuit *c = &p->p->op[k].circuit;
    const cb_held *signal = p->map->signal;
    cb_aig *a = &p->c->aig;
    if (p->map->n_signal != (int64_t)c->n_input + c->n) return cb_fail("layer %s: %lld signals", p->p->op[k].name, (long long)p->map->n_signal);
    for (int32_t i = 0; i < c->n_input; i++)
        if (!same_held(&signal[i], &p->map->value[k - 1][i])) return cb_fail("layer %s: input %d is another", p->p->op[k].name, (int)i);
    for (int32_t o = 0; o < c->n_output; o++)
        if (!same_held(&signal[c->output[o]], &p->map->value[k][o])) return cb_fail("layer %s: output %d is another", p->p->op[k].name, (int)o);
    for (int32_t i = 0; i < c->n; i++) {
        const cb_held *h = &signal[c->n_input + i];
        cb_lit bit[CB_GATE_INPUTS], given = 1, have = h->constant != 0;
        if (h->node == CB_HELD_DROPPED) continue;
        for (int j = 0; j < c->gate[i].k; j++) bit[j] = held_bit(p, &signal[c->gate[i].in[j]], c->gate[i].in[j]);
        cb_lit want = cb_rule_table(a, c->gate[i].table, c->gate[i].k, bit);
        if (h->node >= 0) {
            have = cb_graph_free(&p->bits, h->node).bit[0];
            given = cb_aig_xor(a, have, cb_graph_definition(&p->bits, h->node).bit[0]) ^ 1;
        }
        if (cb_claim_add(p->c, cb_aig_and(a, given, cb_aig_xor(a, want, have)), i, k)) return -1;
    }
    return 0;
}

/* ---- a weighted sum of bits ---- */

/* Weights of output o of the operation, and those of its groups, of every node: the same. */
static int check_group_weights(const prover *p, int k, int o) {
    const cb_op *op = &p->p->op[k];
    int64_t *w = cb_alloc((size_t)p->g->n + 2, sizeof *w);
    bool same = w != NULL;
    for (int i = 0; w && i < op->in_c; i++) {
        const cb_held *h = &p->map->value[k - 1][i];
        int32_t weight = op->w[i * op->out_c + o];
        if (h->node >= 0) w[h->node] += weight;
        else if (h->node == CB_HELD_DROPPED) same = same && !weight;
        else if (h->constant) w[p->g->n] += weight;
    }
    for (int64_t i = 0; w && i < p->map->n_group; i++)
        for (int j = 0; p->map->group[i].output == o && j < p->map->group[i].n; j++) {
            const cb_held *h = &p->map->group[i].bit[j];
            if (h->node >= 0) w[h->node] -= p->map->group[i].weight[j];
            else if (h->node == CB_HELD_CONSTANT && h->constant) w[p->g->n] -= p->map->group[i].weight[j];
        }
    for (int32_t i = 0; w && i <= p->g->n; i++) same = same && !w[i];
    free(w);
    return same ? 0 : cb_fail("layer %s: the numbers do not count its weights", op->name);
}

/* A number of six bits is the sum of their weights less the least, and in its interval. */
static int claim_group(prover *p, int k, int64_t i) {
    const cb_bit_group *b = &p->map->group[i];
    cb_aig *a = &p->c->aig;
    cb_word sum = cb_word_constant(-b->least);
    if (b->number.node == CB_HELD_DROPPED) return 0;
    for (int j = 0; j < b->n; j++) {
        cb_lit bit = held_bit(p, &b->bit[j], 0);
        cb_word one = cb_word_of(a, &bit, 1, false), part = cb_word_times(a, &one, b->weight[j]);
        sum = cb_word_add(a, &sum, &part);
    }
    int unit = larger(p->p->op[k].out_frac, b->number.exponent);
    cb_word m = b->number.node < 0 ? cb_word_constant(0) : cb_graph_definition(&p->bits, b->number.node), have = cb_graph_held(&p->bits, &b->number, m, unit);
    sum = cb_word_shift(a, &sum, unit - p->p->op[k].out_frac);
    cb_lit bad = cb_word_differ(a, &have, &sum);
    if (b->number.node >= 0) { /* its interval is narrower than its digits allow: claimed too */
        const cb_node *x = &p->g->node[b->number.node];
        bad = cb_aig_or(a, bad, cb_word_outside(a, &m, x->lo, x->hi));
        p->linear.covered[b->number.node] = true;
    }
    return cb_claim_add(p->c, bad, (int32_t)i, k);
}

/* Sum o of the bits: what its groups count, and its bias. term: scratch. */
static int counted_sum(prover *p, int k, int o, cb_term *term) {
    const cb_op *op = &p->p->op[k];
    int64_t n = 0;
    for (int64_t i = 0; i < p->map->n_group; i++) {
        const cb_bit_group *b = &p->map->group[i];
        if (b->output != o) continue;
        term[n++] = (cb_term){b->number, 1, 0};
        term[n++] = (cb_term){{.node = CB_HELD_CONSTANT, .constant = 1}, b->least, op->out_frac};
    }
    if (op->bias) term[n++] = (cb_term){{.node = CB_HELD_CONSTANT, .constant = 1}, op->bias[o], op->bias_frac};
    return check_group_weights(p, k, o) ||
                   prove_element(p, &p->p->op[k + 1], k + 1, o, term, n, op->lo[o], op->hi[o], op->out_frac)
               ? -1
               : 0;
}

static int layer_of_counted_bits(prover *p, int k) {
    const cb_op *op = &p->p->op[k];
    cb_term *term = cb_alloc((size_t)(2 * p->map->n_group + 1), sizeof *term);
    int rc = term ? 0 : -1;
    for (int64_t i = 0; i < p->map->n_group && !rc; i++) rc = claim_group(p, k, i);
    for (int o = 0; o < op->out_c && !rc; o++) rc = counted_sum(p, k, o, term);
    free(term);
    return rc ? cb_fail_in("layer %s", op->name) : 0;
}

/* ---- the whole ---- */

static int prepare(prover *p) {
    p->input = cb_alloc((size_t)p->g->n_input + 1, sizeof *p->input);
    if (!p->input || cb_graph_bits_begin(&p->bits, p->g, &p->c->aig) || cb_linear_begin(&p->linear, p->g)) return -1;
    for (int i = 0; i < p->g->n_input; i++) p->input[i].node = CB_HELD_DROPPED;
    for (int32_t i = 0; i < p->g->n; i++)
        if (p->g->node[i].kind == CB_NODE_INPUT) p->input[p->g->node[i].a] = (cb_held){.node = i};
    for (int k = 0; k < p->p->n_op; k++)
        if (p->map->value[k]) cb_graph_bits_mark(&p->bits, p->map->value[k], p->map->n_value[k]);
    cb_graph_bits_mark(&p->bits, p->map->signal, p->map->n_signal);
    for (int64_t i = 0; i < p->map->n_group; i++) cb_graph_bits_mark(&p->bits, &p->map->group[i].number, 1);
    p->lost = p->bits.bits;
    return cb_claims_begin(p->c, p->lost + 64 + (uint32_t)p->map->n_signal);
}

/* The score is the last tensor's only element, with 8 fraction bits. */
static int check_score(const prover *p) {
    int32_t n = p->g->output[0];
    cb_held out = cb_held_of(p->g, n), want = p->map->value[p->p->n_op - 1][0];
    bool zero = out.node == CB_HELD_CONSTANT && want.node == out.node && !out.constant && !want.constant;
    bool frac = p->g->node[n].frac == CB_SCORE_FRAC || (p->g->node[n].kind == CB_NODE_CONST && !p->g->node[n].lo);
    if (want.node == CB_HELD_DROPPED && out.node == CB_HELD_CONSTANT) return 0;
    return frac && (zero || same_held(&out, &want)) ? 0 : cb_fail("the output of the graph is not the score");
}

static int prove_all(prover *p) {
    for (int k = 0; k < p->p->n_op; k++) {
        const cb_op *op = &p->p->op[k];
        int rc;
        if (op->kind == CB_OP_COMPARE) rc = layer_of_comparators(p, k);
        else if (op->kind == CB_OP_LOGIC) rc = layer_of_gates(p, k);
        else if (op->kind == CB_OP_QUANT) rc = layer_of_quantizers(p, k);
        else if (k + 1 == p->p->n_op || op[1].kind != CB_OP_QUANT) rc = cb_fail("layer %s: no quantizer behind it", op->name);
        else rc = k && op[-1].kind == CB_OP_LOGIC ? layer_of_counted_bits(p, k) : layer_of_sums(p, k), k++;
        if (rc) return -1;
    }
    return cb_linear_cover(&p->linear) || check_score(p) ? -1 : 0;
}

int cb_prove_layers(const cb_programme *programme, const cb_netlist *g, const cb_lowering *map, const cb_prove_tools *tools, cb_claims *c,
                    int64_t *sums) {
    prover p = {.p = programme, .g = g, .map = map, .c = c};
    *c = (cb_claims){.first_refuted = -1};
    int rc = prepare(&p) || prove_all(&p) || cb_claims_decide(c, &tools->limits, tools->scratch) ? -1 : 0;
    if (!rc && c->refuted) {
        const cb_claim *bad = &c->claim[c->first_refuted];
        rc = cb_fail("layer %s: element %d is not what the programme says: %lld of %lld claims refuted", programme->op[bad->part].name,
                     (int)bad->subject, (long long)c->refuted, (long long)c->n);
    }
    *sums = p.sums;
    cb_linear_end(&p.linear);
    cb_graph_bits_free(&p.bits);
    free(p.input);
    return rc ? cb_fail_in("programme and netlist of student '%s'", programme->name) : 0;
}
