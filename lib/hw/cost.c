#include "hw/cost.h"

#include <stdlib.h>
#include <string.h>

const char cb_cost_span_accuracy[] =
    "Vivado post-route LUTs were 0.97 to 1.13 times this sum (mean 1.05) on 20 published designs of 35k to 296k LUT";
const char cb_cost_sites_accuracy[] =
    "carry-chain sites with route-throughs, unplaced; delays without placement, for ranking only";

/* ps. An adder of c blocks of four bits takes net + lut + one_block, or
 * net + lut + first + (c - 2) * middle + last. */
typedef struct {
    const char *family;
    int clock_to_q, net, lut, one_block, first, middle, last;
} arcs;

static const arcs arc_table[] = {
    /* cells_sim.v of Yosys 0.23: FDRE C->Q 303, LUT2..6 fast pin 124..127, CARRY4
     * S->O at most 618, S->CO3 508, CI->CO3 114, CI->O3 313 */
    {"xc7", 303, 500, 124, 618, 508, 114, 313},
    /* fitted to 1.09375 ns + 25.4 ps per bit, UltraScale+ -2 */
    {"xcup", 110, 450, 150, 494, 446, 102, 150},
};

static const arcs *arcs_of(const char *family) {
    for (size_t i = 1; i < sizeof arc_table / sizeof *arc_table; i++)
        if (!strcmp(arc_table[i].family, family)) return &arc_table[i];
    return &arc_table[0];
}

static int max_int(int a, int b) { return a > b ? a : b; }
static int blocks(int bits) { return (bits + 3) / 4; }

/* Chains of up to two bits become plain LUTs. */
static int chain_delay(const arcs *t, int bits) {
    int c = blocks(bits);
    if (bits <= 2) return t->net + t->lut;
    return t->net + t->lut + (c == 1 ? t->one_block : t->first + (c - 2) * t->middle + t->last);
}

/* LUT6 that combine n signals into one, and their levels. */
static int tree_luts(int n) { return n > 1 ? (n + 3) / 5 : 0; }
static int tree_levels(int n) {
    int levels = 0;
    for (; n > 1; n = (n + 5) / 6) levels++;
    return levels;
}

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

/* Result bits that need a carry bit. A constant starts at its lowest set bit. */
static int adder_chain(const cb_netlist *g, const cb_node *n) {
    const cb_node *a = &g->node[n->a], *b = &g->node[n->b];
    int sa = n->sa + (a->kind == CB_NODE_CONST ? trailing_zeros(a->lo) : 0);
    int sb = n->sb + (b->kind == CB_NODE_CONST ? trailing_zeros(b->lo) : 0);
    int wires = n->sub ? sb : max_int(sa, sb);
    return max_int(0, cb_node_width(n) - wires);
}

static void cost_add(const cb_netlist *g, const cb_node *n, const arcs *t, cb_node_cost *c) {
    int chain = adder_chain(g, n);
    c->span = adder_span(&g->node[n->a], n->sa, &g->node[n->b], n->sb);
    c->sites = chain;
    c->carry = chain > 2 ? blocks(chain) : 0;
    c->delay_ps = chain_delay(t, chain);
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
static void cost_quant(const cb_netlist *g, const cb_node *n, const arcs *t, cb_node_cost *c) {
    const cb_node *in = &g->node[n->a];
    int drop = in->frac - n->format.f, out = cb_node_width(n);
    bool even = n->round == CB_ROUND_EVEN_BIASED, increments = n->round != CB_TRN && !even;
    int chain = increments ? out : 0, dropped = even || increments ? drop : 0;
    int above = bits_above(in, n, drop > 0 ? drop : 0);
    int select = n->relu || above ? out : even; /* even alone: the LUT of bit 0 */
    c->sites = tree_luts(dropped) + tree_luts(above) + chain + select;
    c->span = chain + (n->relu ? (out + 1) / 2 : 0) + (above ? (out + 1) / 2 : 0);
    c->carry = chain > 2 ? blocks(chain) : 0;
    int levels = max_int(tree_levels(dropped), tree_levels(above)) + (select > 0);
    c->delay_ps = levels * (t->net + t->lut) + (chain ? chain_delay(t, chain) : 0);
}

void cb_cost_node(const cb_netlist *g, int32_t node, const char *family, cb_node_cost *cost) {
    const cb_node *n = &g->node[node];
    const arcs *t = arcs_of(family);
    *cost = (cb_node_cost){0};
    if (cb_node_is_wire(g, node)) return;
    switch ((cb_node_kind)n->kind) {
    case CB_NODE_ADD: cost_add(g, n, t, cost); break;
    case CB_NODE_NEG:
        cost->span = cost->sites = cb_interval_width(n->lo, n->hi);
        cost->carry = cost->sites > 2 ? blocks(cost->sites) : 0;
        cost->delay_ps = chain_delay(t, cost->sites);
        break;
    case CB_NODE_QUANT: cost_quant(g, n, t, cost); break;
    case CB_NODE_INPUT:
    case CB_NODE_CONST: break;
    }
}

/* Flip-flops: every value lives in registers from its stage to its last reader. */
static int count_registers(const cb_netlist *g, cb_cost *cost) {
    int32_t *last = cb_alloc((size_t)g->n, sizeof *last);
    if (!last) return -1;
    for (int32_t i = 0; i < g->n; i++) {
        const cb_node *n = &g->node[i];
        last[i] = n->stage;
        const int32_t operand[2] = {n->kind == CB_NODE_INPUT ? -1 : n->a, n->kind == CB_NODE_ADD ? n->b : -1};
        for (int k = 0; k < 2; k++)
            if (operand[k] >= 0 && last[operand[k]] < n->stage) last[operand[k]] = n->stage;
    }
    for (int k = 0; k < g->n_output; k++)
        if (last[g->output[k]] < g->n_stage) last[g->output[k]] = g->n_stage;
    for (int32_t i = 0; i < g->n; i++)
        if (g->node[i].kind != CB_NODE_CONST)
            cost->ff += (int64_t)(last[i] - g->node[i].stage) * cb_node_width(&g->node[i]);
    free(last);
    return 0;
}

static int find_path(const cb_netlist *g, const char *family, cb_cost *cost) {
    int64_t *at = cb_alloc((size_t)g->n, sizeof *at), worst = 0;
    if (!at) return -1;
    int64_t start = arcs_of(family)->clock_to_q;
    for (int32_t i = 0; i < g->n; i++) {
        const cb_node *n = &g->node[i];
        const int32_t operand[2] = {n->kind == CB_NODE_INPUT ? -1 : n->a, n->kind == CB_NODE_ADD ? n->b : -1};
        at[i] = n->kind == CB_NODE_CONST ? 0 : start;
        for (int k = 0; k < 2; k++)
            if (operand[k] >= 0 && g->node[operand[k]].stage == n->stage && at[operand[k]] > at[i])
                at[i] = at[operand[k]];
        cb_node_cost c;
        cb_cost_node(g, i, family, &c);
        at[i] += c.delay_ps;
        if (at[i] > worst) worst = at[i];
    }
    free(at);
    cost->path_ns = (double)worst / 1000;
    cost->fmax_mhz = worst ? 1e6 / (double)worst : 0;
    return 0;
}

int cb_cost_estimate(const cb_netlist *g, const char *family, cb_cost *cost) {
    *cost = (cb_cost){.cycles = g->n_stage};
    for (int32_t i = 0; i < g->n; i++) {
        const cb_node *n = &g->node[i];
        cb_node_cost c;
        cb_cost_node(g, i, family, &c);
        cost->span += c.span;
        cost->sites += c.sites;
        cost->carry += c.carry;
        if (n->kind == CB_NODE_ADD || n->kind == CB_NODE_NEG) cost->adders++;
        if (n->kind == CB_NODE_QUANT) {
            cost->quant_sites += c.sites;
            cost->quantizers += c.sites > 0;
        }
        if (n->level > cost->levels) cost->levels = n->level;
    }
    return count_registers(g, cost) || find_path(g, family, cost) ? -1 : 0;
}
