#include "hw/timing.h"

#include <stdlib.h>
#include <string.h>

#include "hw/cost.h"

/* ps, per bit of a carry chain: operand bit -> net, LUT -> S; then S to its sum bit
 * (s_o) or into the carry (s_co), per_bit along the chain, and out of it (ci_o). o5: LUT whose second output
 * is a saved carry. */
typedef struct {
    const char *family;
    int clock_to_q, net, lut, o5, s_o, s_co, per_bit, ci_o;
} arcs;

static const arcs arc_table[] = {
    /* cells_sim.v of Yosys 0.23: FDRE C->Q 303; LUT2..6, their fast pin 124..127; CARRY4
     * S->O 223, S->CO3 378..528, CI->CO3 114 for four bits, CI->O 222..334 */
    {"xc7", 303, 500, 124, 150, 223, 380, 28, 300},
    /* split so that an adder of n bits has 1.09375 ns + (n - 1) 25.4 ps, UltraScale+ -2 */
    {"xcup", 110, 450, 150, 180, 494, 320, 25, 200},
};

static const arcs *arcs_of(const char *family) {
    for (size_t i = 1; i < sizeof arc_table / sizeof *arc_table; i++)
        if (!strcmp(arc_table[i].family, family)) return &arc_table[i];
    return &arc_table[0];
}

enum { BITS = 64, NEVER = -1 }; /* NEVER: a constant bit */

struct cb_timer {
    const cb_netlist *g;
    const arcs *t;
    const cb_chains *plan; /* NULL: a chain an adder */
    cb_chains own;         /* of cb_timer_new */
    int32_t *at;           /* [n][BITS], ps after the clock edge of the node's stage */
    int32_t stage;
};

static int32_t later(int32_t a, int32_t b) { return a > b ? a : b; }
static int32_t plus(int32_t a, int32_t ps) { return a == NEVER ? NEVER : a + ps; }

/* Arrival of bit j of (node << shift) in the present stage. */
static int32_t bit_at(const cb_timer *w, int32_t node, int shift, int j) {
    const cb_node *n = &w->g->node[node];
    int k = j - shift, width = cb_node_width(n);
    if (k < 0 || n->kind == CB_NODE_CONST || (k >= width && n->lo >= 0) || !width) return NEVER;
    if (n->stage != w->stage) return w->t->clock_to_q;
    return w->at[(size_t)node * BITS + (size_t)(k < width ? k : width - 1)];
}

/* A carry chain from place `from` on, wires below it; own[j]: last operand bit of the place. Saved carries (three
 * operands) come from the places below. */
static void time_chain(const cb_timer *w, const int32_t *own, int from, int width, bool saved, int32_t *out) {
    int32_t carry = NEVER;
    for (int j = 0; j < width; j++) {
        if (j < from) {
            out[j] = own[j];
            continue;
        }
        int32_t s = plus(own[j], w->t->net + w->t->lut);
        if (saved && j > from) s = later(s, plus(own[j - 1], w->t->net + w->t->o5 + w->t->net + w->t->lut));
        out[j] = later(plus(s, w->t->s_o), plus(carry, w->t->ci_o));
        carry = later(plus(s, w->t->s_co), plus(carry, w->t->per_bit));
    }
}

/* Arrival of the bit that the chain of node i borrows. */
static int32_t borrowed_at(const cb_timer *w, int32_t i) {
    const cb_chain *x = w->plan ? &w->plan->chain[i] : NULL;
    return x && x->carry_node >= 0 ? bit_at(w, x->carry_node, 0, x->carry_bit) : NEVER;
}

static void time_add(const cb_timer *w, int32_t i, int from, int32_t *out) {
    const cb_node *n = &w->g->node[i];
    int32_t own[BITS];
    int width = cb_node_width(n);
    for (int j = 0; j < width; j++)
        own[j] = n->kind == CB_NODE_NEG ? bit_at(w, n->a, 0, j) : later(bit_at(w, n->a, n->sa, j), bit_at(w, n->b, n->sb, j));
    if (from < width) own[from] = later(own[from], borrowed_at(w, i));
    time_chain(w, own, from, width, false, out);
}

/* Is the chain of this sum, in the present stage, one of three operands? */
static bool is_ternary(const cb_timer *w, int32_t i) {
    const cb_node *n = &w->g->node[i];
    if (!w->plan || !w->plan->chain[i].ternary || w->plan->chain[i].absorbed) return false;
    for (int k = 0; k < 2; k++) { /* an operand that a cut keeps apart has its own chain */
        int32_t c = k ? n->b : n->a;
        if (c >= 0 && w->plan->chain[c].absorbed && w->g->node[c].stage != n->stage) return false;
    }
    return true;
}

static void time_ternary(const cb_timer *w, int32_t i, int32_t *out) {
    const cb_chain *x = &w->plan->chain[i];
    int32_t own[BITS];
    for (int j = 0; j < x->width; j++) {
        own[j] = NEVER;
        for (int k = 0; k < x->n_field; k++) own[j] = later(own[j], bit_at(w, x->field[k].node, x->field[k].shift, j));
    }
    time_chain(w, own, x->low, x->width, true, out);
    if (x->correction) {
        memcpy(own, out, sizeof own);
        time_chain(w, own, __builtin_ctzll(x->correction), x->width, false, out);
    }
    for (int j = x->width; j < BITS; j++) out[j] = out[x->width - 1];
}

/* Levels of LUT6 that combine n signals into one. */
static int tree_levels(int n) {
    int levels = 0;
    for (; n > 1; n = (n + 5) / 6) levels++;
    return levels;
}

/* Latest of bits from..to-1 of the operand through a tree of LUT6. */
static int32_t time_tree(const cb_timer *w, int32_t node, int from, int to) {
    int32_t t = NEVER;
    for (int j = from; j < to; j++) t = later(t, bit_at(w, node, 0, j));
    return plus(t, tree_levels(to - from) * (w->t->net + w->t->lut));
}

static void time_quant(const cb_timer *w, const cb_node *n, int32_t *out) {
    const cb_node *in = &w->g->node[n->a];
    int drop = in->frac - n->format.f, low = drop > 0 ? drop : 0, width = cb_node_width(n), top = cb_node_width(in);
    bool even = n->round == CB_ROUND_EVEN_BIASED, rounds = n->round != CB_TRN && !even;
    int32_t select = n->relu ? bit_at(w, n->a, 0, top - 1) : NEVER, tie = even ? time_tree(w, n->a, 0, low) : NEVER;
    if (n->overflow != CB_WRAP) select = later(select, time_tree(w, n->a, low + cb_format_width(n->format), top));
    if (rounds) /* an incrementer of the kept bits that knows all dropped ones */
        select = later(select, plus(time_tree(w, n->a, 0, top), w->t->s_co + width * w->t->per_bit + w->t->ci_o));
    for (int j = 0; j < width; j++) {
        int32_t other = later(select, j ? NEVER : tie), own = bit_at(w, n->a, 0, j + drop);
        out[j] = other == NEVER ? own : plus(later(own, other), w->t->net + w->t->lut);
    }
}

static void time_sum(const cb_timer *w, int32_t i, int32_t *out) {
    const cb_node *n = &w->g->node[i];
    int chain, sites, width = cb_node_width(n);
    if (is_ternary(w, i)) {
        time_ternary(w, i, out);
        return;
    }
    if (n->kind == CB_NODE_NEG) {
        time_add(w, i, 0, out);
        return;
    }
    cb_cost_measure_adder(w->g, n, &chain, &sites);
    time_add(w, i, cb_node_is_wire(w->g, i) ? BITS : width - chain, out);
}

/* Fills the row of a node, whose operands in its stage are timed; its last bit. */
static int32_t time_node(cb_timer *w, int32_t i) {
    const cb_node *n = &w->g->node[i];
    int32_t *out = w->at + (size_t)i * BITS, worst = 0;
    int width = cb_node_width(n);
    w->stage = n->stage;
    switch ((cb_node_kind)n->kind) {
    case CB_NODE_QUANT: time_quant(w, n, out); break;
    case CB_NODE_ADD:
    case CB_NODE_NEG: time_sum(w, i, out); break;
    case CB_NODE_TABLE:
        out[0] = NEVER;
        for (int k = 0; k < n->n_in; k++) out[0] = later(out[0], bit_at(w, n->in[k], 0, 0));
        out[0] = plus(out[0], w->t->net + w->t->lut);
        break;
    case CB_NODE_SELECT: /* the phase comes out of a register; an upper bit of the phase is a faster way of its own */
        for (int j = 0; j < width; j++)
            out[j] = plus(later(w->t->clock_to_q, later(bit_at(w, n->a, n->sa, j), bit_at(w, n->b, n->sb, j))),
                          n->phase ? 0 : w->t->net + w->t->lut);
        break;
    default:
        for (int j = 0; j < width; j++) out[j] = n->kind == CB_NODE_CONST ? NEVER : w->t->clock_to_q;
    }
    for (int j = 0; j < width; j++) worst = later(worst, out[j]);
    return worst;
}

/* Times all nodes; their last bit. Borrowed bits may come from nodes that are timed later: the sum of their arrivals, which
 * only grows from one pass to the next, tells when no pass is needed any more. */
static int32_t time_nodes(cb_timer *w, int64_t *borrowed) {
    int32_t worst = 0;
    for (int32_t i = 0; i < w->g->n; i++)
        if (!w->plan || !w->g->ternary || !w->plan->chain[i].absorbed) worst = later(worst, time_node(w, i));
    *borrowed = 0;
    for (int32_t i = 0; w->plan && i < w->g->n; i++) {
        w->stage = w->g->node[i].stage;
        *borrowed += later(0, borrowed_at(w, i));
    }
    return worst;
}

double cb_timing_path(const cb_netlist *g, const char *family, const cb_chains *plan) {
    cb_timer w = {.g = g, .t = arcs_of(family), .plan = plan, .at = cb_alloc((size_t)g->n * BITS, sizeof *w.at)};
    int64_t before, borrowed = -1;
    int32_t worst = 0;
    if (!w.at) return -1;
    do {
        before = borrowed;
        worst = time_nodes(&w, &borrowed);
    } while (plan && plan->loans && borrowed != before);
    free(w.at);
    return worst;
}

cb_timer *cb_timer_new(const cb_netlist *g, const char *family) {
    cb_timer *w = cb_alloc(1, sizeof *w);
    if (!w) return NULL;
    *w = (cb_timer){.g = g, .t = arcs_of(family), .at = cb_alloc((size_t)g->n * BITS, sizeof *w->at)};
    if (!w->at || (g->ternary && cb_chains_plan(g, true, &w->own))) return cb_timer_free(w), NULL;
    if (g->ternary) w->plan = &w->own;
    return w;
}

void cb_timer_stage(cb_timer *w, int stage, const int32_t *level, int depth, int32_t *latest) {
    memset(latest, 0, ((size_t)depth + 1) * sizeof *latest);
    for (int32_t i = 0; i < w->g->n; i++)
        if (w->g->node[i].stage == stage) latest[level[i]] = later(latest[level[i]], time_node(w, i));
}

void cb_timer_free(cb_timer *w) {
    if (!w) return;
    cb_chains_free(&w->own);
    free(w->at);
    free(w);
}
