#include "hw/cost.h"

#include <stdlib.h>
#include <string.h>

#include "hw/chains.h"
#include "hw/share.h"
#include "hw/timing.h"

const char cb_cost_span_accuracy[] =
    "Vivado post-route LUTs were 0.97 to 1.13 times this sum (mean 1.05) on 20 published designs of 35k to 296k LUT";
const char cb_cost_sites_accuracy[] =
    "LUT, FF and CARRY4 within 2 % of the packed count of Yosys 0.23 on the pipelined firmware networks v1p1p2 and "
    "v2p1p2; unplaced, delays for ranking only";

static int max_int(int a, int b) { return a > b ? a : b; }
static int blocks(int bits) { return (bits + 3) / 4; }

/* LUT6 that combine n signals into one. */
static int tree_luts(int n) { return n > 1 ? (n + 3) / 5 : 0; }

static int trailing_zeros(int64_t v) {
    int k = 0;
    while (v && !(v & 1)) v /= 2, k++;
    return v ? k : 63;
}

/* Top bit of the wider operand down to the LSB of the coarser one, sign included. */
static int adder_span(const cb_node *a, int sa, const cb_node *b, int sb) {
    bool sign = a->lo < 0 || b->lo < 0;
    int top = max_int(cb_interval_width(a->lo, a->hi) - (a->lo < 0) + sa, cb_interval_width(b->lo, b->hi) - (b->lo < 0) + sb);
    int span = sign + top - max_int(sa, sb);
    return span > 0 ? span : 0;
}

/* First position above the bits of an operand that are not constant, at most `width`. */
static int top_of(const cb_node *x, int shift, int width) {
    if (x->kind == CB_NODE_CONST) return 0;
    int top = x->lo < 0 ? width : cb_node_width(x) + shift; /* sign bits repeat to the top */
    return top < width ? top : width;
}

void cb_cost_measure_adder(const cb_netlist *g, const cb_node *n, int *chain, int *sites) {
    const cb_node *a = &g->node[n->a], *b = &g->node[n->b];
    int sa = n->sa + (a->kind == CB_NODE_CONST ? trailing_zeros(a->lo) : 0);
    int sb = n->sb + (b->kind == CB_NODE_CONST ? trailing_zeros(b->lo) : 0);
    int wires = n->sub ? sb : max_int(sa, sb), width = cb_node_width(n);
    *chain = max_int(0, width - wires);
    *sites = max_int(0, max_int(top_of(a, n->sa, width), top_of(b, n->sb, width)) - wires);
}

static void cost_add(const cb_netlist *g, const cb_node *n, cb_node_cost *c) {
    int chain;
    cb_cost_measure_adder(g, n, &chain, &c->sites);
    c->span = adder_span(&g->node[n->a], n->sa, &g->node[n->b], n->sb);
    c->carry = chain > 2 ? blocks(chain) : 0;
}

static void cost_neg(const cb_netlist *g, const cb_node *n, cb_node_cost *c) {
    int chain = cb_node_width(n);
    c->span = chain;
    c->sites = top_of(&g->node[n->a], 0, chain);
    c->carry = chain > 2 ? blocks(chain) : 0;
}

/* Bits left of the dot after the drop, above the format, that decide saturation;
 * the sign of a ReLU's operand is looked at once, in the output LUTs. */
static int bits_above(const cb_node *in, const cb_node *n, int drop) {
    if (n->overflow == CB_WRAP) return 0;
    int above = cb_node_width(in) - drop - cb_format_width(n->format) + (n->format.k && in->lo < 0);
    return above > 0 ? above : 1;
}

/* The graph keeps four roundings (netlist.h): a slice; the second half of
 * half-to-even, bit 0 cleared when all dropped bits are 0; and, for signed values
 * only, the modes that round towards or away from zero, an incrementer each. */
static void cost_quant(const cb_netlist *g, const cb_node *n, cb_node_cost *c) {
    const cb_node *in = &g->node[n->a];
    int drop = in->frac - n->format.f, out = cb_node_width(n);
    bool even = n->round == CB_ROUND_EVEN_BIASED, increments = n->round != CB_TRN && !even;
    int chain = increments ? out : 0, dropped = even || increments ? drop : 0;
    int above = bits_above(in, n, drop > 0 ? drop : 0);
    int select = n->relu || above ? out : even; /* even alone: the LUT of bit 0 */
    c->sites = tree_luts(dropped) + tree_luts(above) + chain + (select + 1) / 2;
    c->span = chain + (n->relu ? (out + 1) / 2 : 0) + (above ? (out + 1) / 2 : 0);
    c->carry = chain > 2 ? blocks(chain) : 0;
}

/* Two bits of the phase are in one LUT6, four values to a bit; a third and fourth are MUXF7 and MUXF8. */
static void cost_select(const cb_netlist *g, const cb_node *n, cb_node_cost *c) {
    int width = cb_node_width(n);
    if (n->phase > 1) return;
    c->sites = n->phase ? width : (width + 1) / 2;
    for (int k = 0; k < 2 && n->phase; k++) { /* what was counted of the bit below */
        const cb_node *in = &g->node[k ? n->b : n->a];
        if (in->kind == CB_NODE_SELECT) c->sites -= (cb_node_width(in) + 1) / 2;
    }
    c->sites = max_int(0, c->sites);
    c->span = c->sites;
}

void cb_cost_node(const cb_netlist *g, int32_t node, cb_node_cost *cost) {
    const cb_node *n = &g->node[node];
    *cost = (cb_node_cost){0};
    if (cb_node_is_wire(g, node)) return;
    switch ((cb_node_kind)n->kind) {
    case CB_NODE_ADD: cost_add(g, n, cost); break;
    case CB_NODE_NEG: cost_neg(g, n, cost); break;
    case CB_NODE_QUANT: cost_quant(g, n, cost); break;
    case CB_NODE_TABLE: cost->span = cost->sites = 1; break;
    case CB_NODE_SELECT: cost_select(g, n, cost); break;
    case CB_NODE_HOLD:
    case CB_NODE_INPUT:
    case CB_NODE_CONST: break;
    }
}

/* ---- registers: bits that are wires of another value share its delay line ---- */

enum { BITS = 64, NOTHING = -1 };
enum { SHIFT_REGISTER = 3 }; /* the least length that the tools make an SRL of */

typedef struct {
    const cb_netlist *g;
    int64_t *source; /* [n][BITS]: node * BITS + bit that makes it, NOTHING for a constant */
    uint8_t *read;   /* [n][BITS][row]: is that bit read in the stage? As bits */
    size_t row;
} lines;

/* The maker of bit j of (node << shift). */
static int64_t source_of(const lines *l, int32_t node, int shift, int j) {
    const cb_node *n = &l->g->node[node];
    int k = j - shift, width = cb_node_width(n);
    if (k < 0 || n->kind == CB_NODE_CONST || !width || (k >= width && n->lo >= 0)) return NOTHING;
    return l->source[(size_t)node * BITS + (size_t)(k < width ? k : width - 1)];
}

static void mark(lines *l, int64_t source, int stage) {
    if (source != NOTHING) l->read[(size_t)source * l->row + (size_t)stage / 8] |= (uint8_t)(1 << stage % 8);
}

static bool is_read(const lines *l, int64_t source, int stage) {
    return l->read[(size_t)source * l->row + (size_t)stage / 8] >> stage % 8 & 1;
}

static void trace_add(lines *l, int32_t i, int64_t *out) {
    const cb_node *n = &l->g->node[i];
    int chain, sites, width = cb_node_width(n);
    cb_cost_measure_adder(l->g, n, &chain, &sites);
    int wires = cb_node_is_wire(l->g, i) ? width : width - chain;
    for (int j = 0; j < width; j++) {
        int64_t a = source_of(l, n->a, n->sa, j), b = source_of(l, n->b, n->sb, j);
        if (j < wires) out[j] = a != NOTHING ? a : b;
        else mark(l, a, n->stage), mark(l, b, n->stage);
    }
}

static void trace_quant(lines *l, int32_t i, int64_t *out) {
    const cb_node *n = &l->g->node[i], *in = &l->g->node[n->a];
    int drop = in->frac - n->format.f;
    if (cb_node_is_wire(l->g, i)) {
        for (int j = 0; j < cb_node_width(n); j++) out[j] = source_of(l, n->a, 0, j + drop);
        return;
    }
    for (int j = n->round == CB_TRN && drop > 0 ? drop : 0; j < cb_node_width(in); j++)
        mark(l, source_of(l, n->a, 0, j), n->stage);
}

static void trace_node(lines *l, int32_t i) {
    const cb_node *n = &l->g->node[i];
    int64_t *out = l->source + (size_t)i * BITS;
    for (int j = 0; j < BITS; j++) out[j] = (int64_t)i * BITS + j;
    if (n->kind == CB_NODE_ADD) trace_add(l, i, out);
    if (n->kind == CB_NODE_QUANT) trace_quant(l, i, out);
    for (int k = 0; k < n->n_in; k++) mark(l, source_of(l, n->in[k], 0, 0), n->stage);
    if (n->kind == CB_NODE_NEG || n->kind == CB_NODE_HOLD)
        for (int j = 0; j < cb_node_width(&l->g->node[n->a]); j++) mark(l, source_of(l, n->a, 0, j), cb_node_read_stage(l->g, n));
    for (int j = 0; n->kind == CB_NODE_SELECT && j < cb_node_width(n); j++)
        mark(l, source_of(l, n->a, n->sa, j), n->stage), mark(l, source_of(l, n->b, n->sb, j), n->stage);
}

/* A bit is delayed from its stage to its last reader; a piece of the delay line that
 * nobody reads in between and is long enough goes into a shift register. */
static void count_line(const lines *l, int32_t i, int j, cb_cost *cost) {
    int from = l->g->node[i].stage;
    cost->ff += l->g->node[i].kind == CB_NODE_HOLD && j < cb_node_width(&l->g->node[i]);
    for (int stage = from + 1; stage <= l->g->n_stage; stage++) {
        if (!is_read(l, (int64_t)i * BITS + j, stage)) continue;
        if (stage - from >= SHIFT_REGISTER) cost->srl++;
        else cost->ff += stage - from;
        from = stage;
    }
}

static int count_registers(const cb_netlist *g, cb_cost *cost) {
    lines l = {.g = g, .row = (size_t)g->n_stage / 8 + 1};
    l.source = cb_alloc((size_t)g->n * BITS, sizeof *l.source);
    l.read = cb_alloc((size_t)g->n * BITS, l.row);
    int rc = l.source && l.read ? 0 : -1;
    for (int32_t i = 0; i < g->n && !rc; i++) trace_node(&l, i);
    for (int k = 0; k < g->n_output && !rc; k++)
        for (int j = 0; j < cb_node_width(&g->node[g->output[k]]); j++)
            mark(&l, source_of(&l, g->output[k], 0, j), g->n_stage);
    for (int32_t i = 0; i < g->n && !rc; i++)
        for (int j = 0; j < BITS; j++) count_line(&l, i, j, cost);
    cost->sites += (cost->srl + 1) / 2;
    free(l.source);
    free(l.read);
    return rc;
}

/* ---- the whole ---- */

/* The adders as they are laid out in Verilog, in place of one chain a node. */
static int plan_chains(const cb_netlist *g, const char *family, cb_cost *cost) {
    cb_chains plan;
    if (cb_chains_plan(g, !g->n_stage, &plan)) return -1;
    cost->raw = plan.raw;
    cost->sites = cost->quant_sites + plan.sites;
    cost->carry += plan.carry - cost->adder_carry;
    cost->fused = plan.fused;
    double path_ps = cb_timing_path(g, family, &plan);
    cost->path_ns = path_ps / 1000;
    cost->fmax_mhz = path_ps > 0 ? 1e6 / path_ps : 0;
    cb_chains_free(&plan);
    return path_ps < 0 ? -1 : 0;
}

/* The graph may come from a file: no value may be read before it is there. */
static int check_stages(const cb_netlist *g) {
    enum { MOST = 4096 };
    if (g->n_stage < 0 || g->n_stage > MOST)
        return cb_fail("netlist %s: %d stages, 0 to %d expected", g->name, g->n_stage, MOST);
    for (int32_t i = 0; i < g->n; i++) {
        const cb_node *n = &g->node[i];
        int32_t in[CB_GATE_INPUTS];
        bool early = false;
        for (int k = cb_node_operands(n, in) - 1; k >= 0; k--) early |= g->node[in[k]].stage > cb_node_read_stage(g, n);
        if (early || n->stage < 0 || (n->stage && n->stage >= g->n_stage))
            return cb_fail("netlist %s: node %d: stage %d of %d is not possible", g->name, (int)i, (int)n->stage, g->n_stage);
    }
    return 0;
}

int cb_cost_estimate(const cb_netlist *g, const char *family, cb_cost *cost) {
    *cost = (cb_cost){.cycles = g->n_stage};
    if (check_stages(g)) return -1;
    for (int32_t i = 0; i < g->n; i++) {
        const cb_node *n = &g->node[i];
        cb_node_cost c;
        cb_cost_node(g, i, &c);
        cost->span += c.span;
        cost->sites += c.sites;
        cost->carry += c.carry;
        if (n->kind == CB_NODE_ADD || n->kind == CB_NODE_NEG) cost->adders++, cost->adder_carry += c.carry;
        if (n->kind == CB_NODE_QUANT) {
            cost->quant_sites += c.sites;
            cost->quantizers += c.sites > 0;
        }
        if (n->kind == CB_NODE_TABLE) cost->quant_sites++, cost->tables++;
        if (n->kind == CB_NODE_SELECT) cost->quant_sites += c.sites, cost->select_sites += c.sites;
        if (n->level > cost->levels) cost->levels = n->level;
    }
    return plan_chains(g, family, cost) || count_registers(g, cost) ? -1 : 0;
}
