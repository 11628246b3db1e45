#include "hw/share.h"

#include <stdlib.h>
#include <string.h>

bool *cb_netlist_standing(const cb_netlist *g) {
    bool *stands = cb_alloc((size_t)g->n + 1, sizeof *stands);
    for (int32_t i = 0; stands && i < g->n; i++) {
        const cb_node *x = &g->node[i];
        int32_t in[CB_GATE_INPUTS];
        stands[i] = x->kind != CB_NODE_SELECT && (x->kind != CB_NODE_HOLD || x->phase < 0);
        for (int k = x->kind == CB_NODE_HOLD ? 0 : cb_node_operands(x, in); k > 0; k--) stands[i] = stands[i] && stands[in[k - 1]];
    }
    return stands;
}

bool *cb_netlist_phased(const cb_netlist *g) {
    bool *phased = cb_alloc((size_t)g->n + 1, sizeof *phased);
    for (int32_t i = 0; phased && i < g->n; i++) {
        const cb_node *x = &g->node[i];
        int32_t in[CB_GATE_INPUTS];
        phased[i] = x->kind == CB_NODE_SELECT;
        for (int k = x->kind == CB_NODE_HOLD ? 0 : cb_node_operands(x, in); k > 0; k--) phased[i] = phased[i] || phased[in[k - 1]];
    }
    return phased;
}

/* ---- unfolding ---- */

typedef struct {
    const cb_netlist *g;
    cb_netlist *flat;
    bool *phased;
    int32_t *copies; /* of each node: phases 0 .. copies-1; 1 of nodes that are not phased */
    size_t *first, n; /* of its copies in `to`; of all */
    int32_t *to;     /* the copy in `flat` */
} unfolding;

/* Only the phases that a HOLD takes are needed. */
static int count_copies(unfolding *u) {
    const cb_netlist *g = u->g;
    size_t all = 0;
    for (int32_t i = g->n - 1; i >= 0; i--) {
        const cb_node *x = &g->node[i];
        int32_t in[CB_GATE_INPUTS], n = cb_node_operands(x, in);
        for (int k = 0; k < n; k++) {
            if (x->kind == CB_NODE_HOLD && x->phase < 0 && u->phased[in[k]])
                return cb_fail("netlist %s: node %d: a HOLD of no phase takes what has another value in every phase", g->name, (int)i);
            int32_t need = !u->phased[in[k]] ? 1 : x->kind == CB_NODE_HOLD ? x->phase + 1 : u->copies[i];
            if (need > u->copies[in[k]]) u->copies[in[k]] = need;
        }
        if (!u->copies[i]) u->copies[i] = 1; /* an output, or not needed */
    }
    for (int32_t i = 0; i < g->n; i++) u->first[i] = all, all += (size_t)u->copies[i];
    u->n = all;
    return (u->to = cb_alloc(all + 1, sizeof *u->to)) ? 0 : -1;
}

static int32_t copy_of(const unfolding *u, int32_t n, int phase) { return u->to[u->first[n] + (size_t)(u->phased[n] ? phase : 0)]; }

static int32_t unfold_quant(unfolding *u, const cb_node *x, int phase) {
    cb_netlist *f = u->flat;
    int32_t a = copy_of(u, x->a, phase);
    int frac = u->g->node[x->a].frac;
    const cb_node *p = &f->node[a];
    if (p->kind == CB_NODE_CONST) /* all operands are constants in this phase */
        return cb_netlist_const(f, cb_node_quantize(x, frac, p->lo * ((int64_t)1 << (p->lo ? frac - p->frac : 0))), x->format.f);
    if (x->round != CB_ROUND_EVEN_BIASED) return cb_netlist_quant(f, a, x->format, (cb_round)x->round, (cb_overflow)x->overflow, x->relu);
    return cb_netlist_quant_biased(f, cb_netlist_align(f, a, frac), x->format, (cb_overflow)x->overflow, x->relu);
}

static int32_t unfold_add(unfolding *u, const cb_node *x, int phase) {
    const cb_netlist *g = u->g;
    int32_t n = cb_netlist_add(u->flat, copy_of(u, x->a, phase), g->node[x->a].frac + x->sa - x->frac, copy_of(u, x->b, phase),
                               g->node[x->b].frac + x->sb - x->frac, x->sub);
    if (n >= 0 && u->flat->node[n].kind == CB_NODE_ADD && u->flat->node[n].frac == x->frac)
        cb_netlist_narrow(u->flat, n, x->lo, x->hi);
    return n;
}

static int32_t unfold_node(unfolding *u, int32_t i, int phase) {
    const cb_node *x = &u->g->node[i];
    cb_netlist *f = u->flat;
    int32_t in[CB_GATE_INPUTS];
    switch ((cb_node_kind)x->kind) {
    case CB_NODE_INPUT: return cb_netlist_input(f, x->a);
    case CB_NODE_CONST: return cb_netlist_const(f, x->lo, x->frac);
    case CB_NODE_ADD: return unfold_add(u, x, phase);
    case CB_NODE_NEG: return cb_netlist_neg(f, copy_of(u, x->a, phase));
    case CB_NODE_QUANT: return unfold_quant(u, x, phase);
    case CB_NODE_TABLE:
        for (int k = 0; k < x->n_in; k++) in[k] = copy_of(u, x->in[k], phase);
        return cb_netlist_table(f, x->n_in, in, x->table);
    case CB_NODE_SELECT: return copy_of(u, phase >> x->phase & 1 ? x->b : x->a, phase);
    case CB_NODE_HOLD: return copy_of(u, x->a, x->phase);
    }
    return -1;
}

/* Phase after phase of a run of phased nodes, an engine, so that a position's nodes stay together. */
static int unfold_all(unfolding *u) {
    for (int32_t i = 0, end; i < u->g->n; i = end) {
        int32_t most = 0;
        for (end = i; end < u->g->n && (end == i || (u->phased[i] && u->phased[end])); end++)
            if (u->copies[end] > most) most = u->copies[end];
        for (int32_t phase = 0; phase < most; phase++)
            for (int32_t k = i; k < end; k++) {
                if (phase >= u->copies[k]) continue;
                int32_t n = unfold_node(u, k, phase);
                if (n < 0) return -1;
                u->to[u->first[k] + (size_t)phase] = n;
            }
    }
    return 0;
}

static void held_renumber(cb_held *h, size_t n, const int32_t *to) {
    for (size_t i = 0; i < n; i++)
        if (h[i].node >= 0) h[i].node = to[h[i].node] < 0 ? CB_HELD_DROPPED : to[h[i].node];
}

/* Drops what no output needs; what is left of the copies into the map, if one is wanted. */
static int prune(unfolding *u, cb_unfolding *map) {
    if (!map) return cb_netlist_prune(u->flat);
    *map = (cb_unfolding){.n = u->n, .value = cb_alloc(u->n + 1, sizeof *map->value)};
    for (size_t k = 0; map->value && k < u->n; k++) map->value[k] = cb_held_of(u->flat, u->to[k]);
    int32_t *to = map->value ? cb_netlist_prune_to(u->flat) : NULL;
    if (to) held_renumber(map->value, u->n, to);
    free(to);
    if (!to) return cb_unfolding_free(map), -1;
    map->phased = u->phased, map->copies = u->copies, map->first = u->first;
    u->phased = NULL, u->copies = NULL, u->first = NULL;
    return 0;
}

static int unfold(const cb_netlist *g, cb_netlist *flat, cb_unfolding *map) {
    size_t n = (size_t)g->n + 1;
    *flat = (cb_netlist){.n_input = g->n_input, .input_bits = g->input_bits, .ternary = g->ternary};
    memcpy(flat->name, g->name, sizeof flat->name);
    unfolding u = {.g = g, .flat = flat, .phased = cb_netlist_phased(g), .copies = cb_alloc(n, sizeof *u.copies),
                   .first = cb_alloc(n, sizeof *u.first)};
    int rc = u.phased && u.copies && u.first && (flat->output = cb_alloc((size_t)g->n_output + 1, sizeof *flat->output)) ? 0 : -1;
    if (!rc) rc = count_copies(&u) || unfold_all(&u) ? -1 : 0;
    for (int o = 0; o < g->n_output && !rc; o++) {
        flat->output[o] = cb_netlist_align(flat, copy_of(&u, g->output[o], 0), g->node[g->output[o]].frac);
        if (flat->output[o] < 0) rc = -1;
    }
    flat->n_output = g->n_output;
    if (!rc) rc = prune(&u, map);
    free(u.phased);
    free(u.copies);
    free(u.first);
    free(u.to);
    if (rc) cb_netlist_free(flat);
    return rc;
}

int cb_netlist_unfold(const cb_netlist *g, cb_netlist *flat) { return unfold(g, flat, NULL); }

int cb_netlist_unfold_map(const cb_netlist *g, cb_netlist *flat, cb_unfolding *u) {
    *u = (cb_unfolding){0};
    return unfold(g, flat, u);
}

void cb_unfolding_free(cb_unfolding *u) {
    free(u->phased), free(u->copies), free(u->first), free(u->value);
    *u = (cb_unfolding){0};
}

const cb_held *cb_unfolding_at(const cb_unfolding *u, int32_t n, int phase) {
    return &u->value[u->first[n] + (size_t)(u->phased[n] ? phase : 0)];
}

/* What holds the value that h holds in the shared netlist. */
static cb_held held_unfolded(const cb_held *h, const cb_netlist *g, const cb_unfolding *u) {
    if (h->node < 0) return *h;
    cb_held to = *cb_unfolding_at(u, h->node, 0);
    to.exponent += h->exponent - g->node[h->node].frac;
    if (h->neg) to.neg = !to.neg, to.constant = -to.constant;
    return to;
}

static void unfold_list(cb_held *h, int64_t n, const cb_netlist *g, const cb_unfolding *u) {
    for (int64_t i = 0; i < n; i++) h[i] = held_unfolded(&h[i], g, u);
}

void cb_lowering_unfold(cb_lowering *map, const cb_netlist *g, const cb_unfolding *u) {
    for (int k = 0; k < CB_MAX_OPS; k++)
        if (map->value[k]) unfold_list(map->value[k], map->n_value[k], g, u);
    unfold_list(map->signal, map->n_signal, g, u);
    for (int64_t i = 0; i < map->n_group; i++) {
        unfold_list(&map->group[i].number, 1, g, u);
        unfold_list(map->group[i].bit, map->group[i].n, g, u);
    }
}

/* ---- clocks ---- */

int cb_hold_clock(const cb_netlist *g, const cb_node *x) {
    return (cb_node_read_stage(g, x) + (x->phase < 0 ? 0 : x->phase)) % g->ii;
}

int cb_netlist_phase_bits(const cb_netlist *g) { return 32 - __builtin_clz((unsigned)g->ii - 1); }

int cb_netlist_phase_delay(const cb_netlist *g) {
    int late = 0;
    for (int32_t i = 0; i < g->n; i++)
        if (g->node[i].kind == CB_NODE_SELECT && g->node[i].stage % g->ii > late) late = g->node[i].stage % g->ii;
    return late;
}
