/* Graph -> emitted Verilog, node by node: the text that is handed over, cut at the wires of the nodes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "hw/add3_bits.h"
#include "hw/chains.h"
#include "hw/cut.h"
#include "hw/emit_common.h"
#include "hw/prove.h"
#include "hw/prove_network.h"
#include "hw/rule_bits.h"
#include "hw/share.h"

typedef struct {
    const cb_netlist *g;
    bool comb, cells;
    cb_chains plan;
    cb_cuts cuts;
    cb_claims *c;
    cb_lit *cut_in, *model_inp, *cut_out, *model_out;
    cb_lit sync, *model_out_was, valid; /* of shared hardware */
} prover;

static bool is_shared(const prover *p) { return p->g->ii > 1; }

static int stage_of(const prover *p, int32_t n) { return p->comb || n == CB_CUT_PHASE ? 0 : p->g->node[n].stage; }

/* ---- values ---- */

/* Bit k of the wires of node n as stage `reader` reads them. */
static cb_lit wire_read(prover *p, int32_t n, int reader, int k) {
    const cb_cut *c = cb_cut_find(&p->cuts, n, reader == stage_of(p, n) ? -1 : reader);
    if (c && k < c->width) return p->cut_in[c->at + k];
    p->c->aig.failed = true;
    return 0;
}

/* The number on the wires of a cut: what they carry less the offset of the node. Of sums with guests (claim_chain)
 * nobody asks for it. */
static cb_word value_on(prover *p, const cb_cut *c, const cb_lit *wires) {
    const cb_chain *w = &p->plan.chain[c->node];
    cb_word carried = cb_word_of(&p->c->aig, wires + c->at, c->width, w->is_signed), offset = cb_word_constant(w->offset);
    return cb_word_sub(&p->c->aig, &carried, &offset);
}

static cb_word value_read(prover *p, int32_t n, int reader);

/* A sum of what stage `reader` reads. */
static cb_word sum_read(prover *p, const cb_node *x, int reader) {
    cb_word left = value_read(p, x->a, reader), right = x->kind == CB_NODE_NEG ? left : value_read(p, x->b, reader);
    return cb_rule_sum(&p->c->aig, x, &left, &right);
}

/* Node n as stage `reader` reads it. Of a sum that a chain absorbed there are no wires: its terms. */
static cb_word value_read(prover *p, int32_t n, int reader) {
    const cb_node *x = &p->g->node[n];
    cb_aig *a = &p->c->aig;
    if (x->kind == CB_NODE_CONST) return cb_word_constant(x->lo);
    if (!p->plan.chain[n].absorbed) {
        const cb_cut *c = cb_cut_find(&p->cuts, n, reader == stage_of(p, n) ? -1 : reader);
        if (c) return value_on(p, c, p->cut_in);
        a->failed = true;
        return cb_word_constant(0);
    }
    return sum_read(p, x, reader);
}

/* ---- claims ---- */

/* A sum: if its value is in its interval (which prove_layers.c multiplies out), the wires carry it. */
static cb_lit claim_sum(prover *p, int32_t n, const cb_word *carried) {
    const cb_node *x = &p->g->node[n];
    cb_aig *a = &p->c->aig;
    cb_word sum = sum_read(p, x, stage_of(p, n));
    return cb_aig_and(a, cb_word_outside(a, &sum, x->lo, x->hi) ^ 1, cb_word_differ(a, carried, &sum));
}

/* The vectors of a chain, of the wires that its stage reads. */
static cb_add3 chain_operands(prover *p, int32_t n) {
    const cb_chain *x = &p->plan.chain[n];
    cb_place v[CB_CHAIN_FIELDS][64];
    cb_add3 s = {.width = x->width - x->low, .top = x->top - x->low, .carry_in = x->carry_in};
    cb_chain_vectors(&p->plan, x, v);
    for (int k = 0; k < CB_CHAIN_FIELDS; k++)
        for (int at = x->low; at < x->width; at++) {
            s.invert[k][at - x->low] = v[k][at].invert;
            if (v[k][at].field >= 0) s.bit[k][at - x->low] = wire_read(p, x->field[v[k][at].field].node, stage_of(p, n), v[k][at].bit);
        }
    return s;
}

/* What the vectors of a chain add up to, from its lowest place on. */
static void chain_sum(prover *p, int32_t n, cb_lit *y) {
    const cb_chain *x = &p->plan.chain[n];
    cb_add3 sum = chain_operands(p, n);
    cb_lit other[CB_ADD3_BITS], carry = x->carry_in > 0;
    if (x->ternary) {
        cb_add3_sum(&p->c->aig, &sum, p->cells, y);
        return;
    }
    if (x->carry_node >= 0) carry = wire_read(p, x->carry_node, stage_of(p, n), x->carry_bit);
    for (int k = 0; k < sum.width; k++) y[k] = sum.bit[0][k] ^ sum.invert[0][k], other[k] = sum.bit[1][k] ^ sum.invert[1][k];
    cb_bits_add(&p->c->aig, y, other, sum.width, carry);
}

/* Both bounds of the node's value, with offset and guests, have their place on its wires. */
static bool bounds_fit(const prover *p, int32_t n) {
    const cb_chain *x = &p->plan.chain[n];
    const cb_node *node = &p->g->node[n];
    __int128 lo = (__int128)node->lo + x->offset, hi = (__int128)node->hi + x->offset, one = 1;
    for (int32_t k = x->guest; k >= 0; k = p->plan.guest[k].next) {
        const cb_guest *e = &p->plan.guest[k];
        e->minus ? (lo -= one << e->shift) : (hi += one << e->shift);
    }
    return lo >= (x->is_signed ? -(one << (x->width - 1)) : 0) && hi < one << (x->width - x->is_signed);
}

/* A chain of three operands, or one in a loan, carries the sum of its vectors. That this is the node's value, its offset and its
 * guests is algebra modulo 2^width (cb_prove_chains); and nothing is lost, for both bounds have their place on the wires. */
static int claim_chain(prover *p, int32_t n) {
    const cb_chain *x = &p->plan.chain[n];
    const cb_cut *c = cb_cut_find(&p->cuts, n, -1);
    cb_aig *a = &p->c->aig;
    cb_place v[CB_CHAIN_FIELDS][64];
    cb_lit y[64] = {0}, differ = 0;
    if (!bounds_fit(p, n))
        return cb_fail("netlist %s: node %d leaves its wires", p->g->name, (int)n);
    cb_chain_vectors(&p->plan, x, v);
    for (int at = 0; at < x->low; at++) /* at most one bit a place: cb_prove_chains */
        for (int k = 0; k < CB_CHAIN_FIELDS; k++) {
            cb_lit bit = v[k][at].field < 0 ? 0 : wire_read(p, x->field[v[k][at].field].node, stage_of(p, n), v[k][at].bit);
            y[at] = cb_aig_or(a, y[at], bit ^ v[k][at].invert);
        }
    if (x->low < x->width) chain_sum(p, n, y + x->low);
    if (x->correction) {
        int from = __builtin_ctzll(x->correction);
        cb_bits_add_constant(a, y + from, x->width - from, x->correction >> from);
    }
    for (int k = 0; k < x->width; k++) differ = cb_aig_or(a, differ, cb_aig_xor(a, y[k], p->cut_out[c->at + k]));
    return cb_claim_add(p->c, differ, n, -1);
}

/* A quantizer: for operands in their interval, the wires carry what the rule says, and that is in the interval. */
static cb_lit claim_quant(prover *p, int32_t n, const cb_word *carried) {
    const cb_node *x = &p->g->node[n], *from = &p->g->node[x->a];
    cb_aig *a = &p->c->aig;
    cb_rule r = cb_rule_of_node(p->g, n);
    cb_word v = value_read(p, x->a, stage_of(p, n)), q = cb_rule_quantize(a, &v, &r);
    cb_lit wrong = cb_aig_or(a, cb_word_differ(a, carried, &q), cb_word_outside(a, &q, x->lo, x->hi));
    return cb_aig_and(a, cb_word_outside(a, &v, from->lo, from->hi) ^ 1, wrong);
}

static cb_lit claim_table(prover *p, int32_t n, const cb_word *carried) {
    const cb_node *x = &p->g->node[n];
    cb_lit bit[CB_GATE_INPUTS];
    for (int j = 0; j < x->n_in; j++) bit[j] = value_read(p, x->in[j], stage_of(p, n)).bit[0];
    cb_lit entry = cb_rule_table(&p->c->aig, x->table, x->n_in, bit);
    cb_word q = cb_word_of(&p->c->aig, &entry, 1, false);
    return cb_word_differ(&p->c->aig, carried, &q);
}

/* ---- shared hardware ---- */

/* The phase counter, or its copy of `late` clocks ago. */
static cb_word phase_word(prover *p, int late, const cb_lit *wires) {
    const cb_cut *c = cb_cut_find(&p->cuts, CB_CUT_PHASE, late ? late : -1);
    return cb_word_of(&p->c->aig, wires + c->at, c->width, false);
}

static cb_lit phase_is(prover *p, int clock) {
    cb_word phase = phase_word(p, 0, p->cut_in), want = cb_word_constant(clock);
    return cb_word_differ(&p->c->aig, &phase, &want) ^ 1;
}

/* The operand of the phase that it is in the node's stage, if that is in the interval. */
static cb_lit claim_select(prover *p, int32_t n, const cb_word *carried) {
    const cb_node *x = &p->g->node[n];
    cb_aig *a = &p->c->aig;
    cb_word phase = phase_word(p, x->stage % p->g->ii, p->cut_in);
    cb_word first = value_read(p, x->a, x->stage), second = value_read(p, x->b, x->stage);
    first = cb_word_shift(a, &first, x->sa), second = cb_word_shift(a, &second, x->sb);
    cb_word want = cb_word_choose(a, phase.bit[x->phase], &second, &first);
    return cb_aig_and(a, cb_word_outside(a, &want, x->lo, x->hi) ^ 1, cb_word_differ(a, carried, &want));
}

/* At the edge behind its clock a HOLD takes the operand, at any other it keeps what it has. */
static cb_lit claim_hold(prover *p, int32_t n, const cb_word *carried) {
    const cb_node *x = &p->g->node[n];
    cb_aig *a = &p->c->aig;
    cb_lit takes = phase_is(p, cb_hold_clock(p->g, x));
    cb_word was = value_on(p, cb_cut_find(&p->cuts, n, -1), p->cut_in), now = value_read(p, x->a, cb_node_read_stage(p->g, x));
    cb_word want = cb_word_choose(a, takes, &now, &was);
    return cb_aig_and(a, cb_word_outside(a, &want, x->lo, x->hi) ^ 1, cb_word_differ(a, carried, &want));
}

/* The counter begins at sync, and again after ii clocks. */
static int claim_phase(prover *p) {
    cb_aig *a = &p->c->aig;
    cb_word phase = phase_word(p, 0, p->cut_in), next = phase_word(p, 0, p->cut_out), zero = cb_word_constant(0), one = cb_word_constant(1);
    cb_word plus = cb_word_add(a, &phase, &one), want = cb_word_choose(a, cb_aig_or(a, p->sync, phase_is(p, p->g->ii - 1)), &zero, &plus);
    cb_lit assumed = cb_word_outside(a, &phase, 0, p->g->ii - 1) ^ 1;
    return cb_claim_add(p->c, cb_aig_and(a, assumed, cb_word_differ(a, &next, &want)), CB_CUT_PHASE, -1);
}

/* valid is high where model_out is new. */
static int claim_valid(prover *p) {
    return cb_claim_add(p->c, cb_aig_xor(&p->c->aig, p->valid, phase_is(p, (p->g->n_stage - 1) % p->g->ii)), CB_CUT_PHASE, CB_PART_OUTPUT);
}

/* ---- all claims ---- */

static int claim_node(prover *p, int32_t n) {
    const cb_node *x = &p->g->node[n];
    if (x->kind == CB_NODE_CONST || p->plan.chain[n].absorbed) return 0;
    if (p->plan.chain[n].ternary || cb_chain_in_loan(&p->plan.chain[n])) return claim_chain(p, n);
    cb_word carried = value_on(p, cb_cut_find(&p->cuts, n, -1), p->cut_out), et;
    switch (x->kind) {
    case CB_NODE_INPUT:
        et = cb_word_of(&p->c->aig, p->model_inp + x->a * p->g->input_bits, p->g->input_bits, false);
        return cb_claim_add(p->c, cb_word_differ(&p->c->aig, &carried, &et), n, -1);
    case CB_NODE_QUANT: return cb_claim_add(p->c, claim_quant(p, n, &carried), n, -1);
    case CB_NODE_TABLE: return cb_claim_add(p->c, claim_table(p, n, &carried), n, -1);
    case CB_NODE_SELECT: return cb_claim_add(p->c, claim_select(p, n, &carried), n, -1);
    case CB_NODE_HOLD: return cb_claim_add(p->c, claim_hold(p, n, &carried), n, -1);
    default: return cb_claim_add(p->c, claim_sum(p, n, &carried), n, -1);
    }
}

/* A delayed copy takes what its node, or the copy before it, has. */
static int claim_copy(prover *p, const cb_cut *c) {
    const cb_cut *before = cb_cut_find(&p->cuts, c->node, c->stage - 1 == stage_of(p, c->node) ? -1 : c->stage - 1);
    if (!before) return cb_fail("netlist %s: node %d: stage %d has no register before it", p->g->name, (int)c->node, c->stage);
    cb_lit differ = 0;
    for (int k = 0; k < c->width; k++)
        differ = cb_aig_or(&p->c->aig, differ, cb_aig_xor(&p->c->aig, p->cut_out[c->at + k], p->cut_in[before->at + k]));
    return cb_claim_add(p->c, differ, c->node, c->stage);
}

/* For an output value in its interval the port (or its register) takes its 16 bits. */
static int claim_output(prover *p, int o) {
    int32_t n = p->g->output[o];
    cb_aig *a = &p->c->aig;
    cb_word v = value_read(p, n, p->comb ? 0 : p->g->n_stage - 1);
    cb_lit differ = 0, takes = is_shared(p) ? phase_is(p, (p->g->n_stage - 1) % p->g->ii) : 1;
    for (int k = 0; k < CB_SCORE_BITS; k++) {
        cb_lit want = v.bit[k < v.n ? k : v.n - 1];
        if (is_shared(p)) want = cb_aig_choose(a, takes, want, p->model_out_was[o * CB_SCORE_BITS + k]);
        differ = cb_aig_or(a, differ, cb_aig_xor(a, p->model_out[o * CB_SCORE_BITS + k], want));
    }
    return cb_claim_add(p->c, cb_aig_and(a, differ, cb_word_outside(a, &v, p->g->node[n].lo, p->g->node[n].hi) ^ 1), n, CB_PART_OUTPUT);
}

/* ---- the module ---- */

/* Wires of all nodes, and registers up to the last stage that reads them. */
static int find_cuts(prover *p) {
    const cb_netlist *g = p->g;
    int32_t *last = cb_verilog_last_stages(g);
    int rc = last ? 0 : -1;
    for (int k = 0; is_shared(p) && k <= cb_netlist_phase_delay(g) && !rc; k++)
        rc = cb_cuts_add(&p->cuts, CB_CUT_PHASE, k ? k : -1, cb_netlist_phase_bits(g));
    for (int32_t i = 0; i < g->n && !rc; i++) {
        if (g->node[i].kind == CB_NODE_CONST || p->plan.chain[i].absorbed) continue;
        rc = cb_cuts_add(&p->cuts, i, -1, p->plan.chain[i].width);
        if (!rc) p->cuts.cut[p->cuts.n - 1].keeps = g->node[i].kind == CB_NODE_HOLD;
        for (int s = g->node[i].stage + 1; !p->comb && s <= last[i] && !rc; s++) rc = cb_cuts_add(&p->cuts, i, s, p->plan.chain[i].width);
    }
    free(last);
    return rc;
}

static int import(prover *p, const char *text, const char *module, const cb_prove_tools *tools, bool cells) {
    cb_text t = {0};
    uint32_t cut = (uint32_t)p->cuts.bits, inp = (uint32_t)(p->g->n_input * p->g->input_bits), score = (uint32_t)(CB_SCORE_BITS * p->g->n_output);
    uint32_t in = inp + (is_shared(p) ? 1 + score : 0), out = score + is_shared(p);
    if (cb_cut_verilog(text, module, &p->cuts, &t)) return cb_text_free(&t), -1;
    cb_lit *x = cb_alloc((size_t)cut + in, sizeof *x);
    p->cut_out = cb_alloc((size_t)cut + out, sizeof *p->cut_out);
    int rc = x && p->cut_out && !t.failed ? cb_claims_begin(p->c, cut + in) : -1;
    for (uint32_t k = 0; k < cut + in && !rc; k++) x[k] = 2 * (k + 1);
    if (!rc) rc = cb_claims_import_verilog(p->c, t.s, module, cells, x, cut + in, p->cut_out, cut + out, &tools->limits, tools->scratch);
    p->cut_in = x;
    if (!rc) p->model_inp = x + cut, p->model_out = p->cut_out + cut;
    if (!rc && is_shared(p)) p->sync = x[cut + inp], p->model_out_was = x + cut + inp + 1, p->valid = p->model_out[score];
    cb_text_free(&t);
    return rc;
}

static int make_claims(prover *p) {
    for (int32_t i = 0; i < p->g->n; i++)
        if (claim_node(p, i)) return -1;
    for (int64_t k = 0; k < p->cuts.n; k++)
        if (p->cuts.cut[k].stage >= 0 && claim_copy(p, &p->cuts.cut[k])) return -1;
    for (int o = 0; o < p->g->n_output; o++)
        if (claim_output(p, o)) return -1;
    return is_shared(p) && (claim_phase(p) || claim_valid(p)) ? -1 : 0;
}

/* ---- what a counterexample says ---- */

static int64_t number_on(const prover *p, const cb_cut *c) {
    const cb_chain *w = &p->plan.chain[c->node];
    uint64_t v = 0;
    for (int k = 0; k < c->width; k++) v |= (uint64_t)p->c->counterexample[c->at + k] << k;
    if (w->is_signed && c->width < 64 && v >> (c->width - 1)) v -= (uint64_t)1 << c->width;
    for (int32_t k = w->guest; k >= 0; k = p->plan.guest[k].next) {
        const cb_guest *e = &p->plan.guest[k];
        const cb_cut *from = cb_cut_find(&p->cuts, e->node, stage_of(p, c->node) == stage_of(p, e->node) ? -1 : stage_of(p, c->node));
        uint64_t bit = from ? (uint64_t)p->c->counterexample[from->at + e->bit] << e->shift : 0;
        v -= e->minus ? -bit : bit;
    }
    return (int64_t)v - w->offset;
}

/* Wires that node n reads at a stage, through sums that were absorbed. */
static void list_operands(const prover *p, int32_t n, int reader, cb_proof_example *x) {
    int32_t in[CB_GATE_INPUTS];
    int count = cb_node_operands(&p->g->node[n], in);
    for (int k = 0; k < count; k++) {
        const cb_node *a = &p->g->node[in[k]];
        bool known = a->kind == CB_NODE_CONST;
        for (int j = 0; j < x->n_operand; j++) known |= x->operand[j] == in[k];
        if (known) continue;
        if (p->plan.chain[in[k]].absorbed) {
            list_operands(p, in[k], reader, x);
            continue;
        }
        const cb_cut *c = cb_cut_find(&p->cuts, in[k], reader == stage_of(p, in[k]) ? -1 : reader);
        if (!c || x->n_operand == CB_PROOF_OPERANDS) continue;
        x->operand[x->n_operand] = in[k];
        x->value[x->n_operand++] = number_on(p, c);
    }
}

static int explain(const prover *p, cb_proof_example *x) {
    const cb_claim *bad = &p->c->claim[p->c->first_refuted];
    char text[512] = "";
    size_t used = 0;
    *x = (cb_proof_example){.node = bad->subject, .part = bad->part};
    if (bad->subject == CB_CUT_PHASE)
        return cb_fail("%s does not count the clocks of an event: %lld of %lld claims refuted", bad->part == CB_PART_OUTPUT ? "valid" : "phase",
                       (long long)p->c->refuted, (long long)p->c->n);
    if (bad->part == CB_PART_OUTPUT) return cb_fail("model_out is not n%d: %lld of %lld claims refuted", (int)bad->subject,
                                                    (long long)p->c->refuted, (long long)p->c->n);
    if (bad->part >= 0) return cb_fail("register n%d_s%d does not take the value before it: %lld of %lld claims refuted", (int)bad->subject,
                                       bad->part, (long long)p->c->refuted, (long long)p->c->n);
    list_operands(p, bad->subject, cb_node_read_stage(p->g, &p->g->node[bad->subject]), x);
    for (int k = 0; k < x->n_operand && used < sizeof text - 40; k++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%sn%d = %lld", k ? ", " : "", (int)x->operand[k], (long long)x->value[k]);
    return cb_fail("n%d does not carry what node %d of the netlist says for %s: %lld of %lld claims refuted", (int)bad->subject,
                   (int)bad->subject, text[0] ? text : "some input", (long long)p->c->refuted, (long long)p->c->n);
}

int cb_prove_nodes(const cb_netlist *g, bool comb, bool cells, const char *file, const cb_prove_tools *tools, cb_claims *c, cb_proof_example *x) {
    prover p = {.g = g, .comb = comb || !g->n_stage, .cells = cells, .c = c};
    char module[80];
    cb_proof_example local;
    cb_emit_identifier(g->name, module);
    if (p.comb) strcat(module, "_comb");
    char *text = cb_file_read(file, NULL);
    *c = (cb_claims){.first_refuted = -1};
    int rc = !text || cb_chains_plan(g, p.comb, &p.plan) || cb_prove_chains(g, &p.plan) || find_cuts(&p) || import(&p, text, module, tools, cells) || make_claims(&p) ||
                     cb_claims_decide(c, &tools->limits, tools->scratch)
                 ? -1
                 : 0;
    if (!rc && c->refuted) rc = explain(&p, x ? x : &local);
    free(text);
    free(p.cut_in);
    free(p.cut_out);
    cb_cuts_free(&p.cuts);
    cb_chains_free(&p.plan);
    return rc ? cb_fail_in("%s", cb_basename(file)) : 0;
}
