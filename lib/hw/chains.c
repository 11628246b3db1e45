#include "hw/chains.h"

#include <stdlib.h>
#include <string.h>

enum { WIDEST = 62 };

/* Wires of a sum: its value; what its fields add up to; that and a one in the chain's carry input, which costs nothing and
 * may leave a constant with fewer ones to be subtracted later; that and ones where a bit stands alone and inverted, which saves
 * the inverters. */
enum { EXACT, OFFSET, OFFSET_CARRY, OFFSET_FILL, CHOICES };

/* ---- sums: the terms of every node, after absorption ---- */

typedef struct {
    int n;
    cb_field term[CB_CHAIN_FIELDS];
    int64_t constant; /* in units of the node */
} sum;

typedef struct {
    const cb_netlist *g;
    bool comb, ternary;
    sum *sum;
    int32_t *users, *user; /* number of users; the only one */
    int32_t *reader, *first_reader; /* sums that read a node: reader[first_reader[n] ... first_reader[n+1]-1] */
    bool *must;            /* exact wires demanded */
    uint8_t *offset;       /* the choice: EXACT... */
    cb_chain *chain;
} planner;

static bool is_sum(const cb_node *x) { return x->kind == CB_NODE_ADD || x->kind == CB_NODE_NEG; }

static void term_put(sum *s, const cb_netlist *g, int32_t node, int shift, bool minus) {
    const cb_node *x = &g->node[node];
    if (x->kind == CB_NODE_CONST) s->constant += (minus ? -x->lo : x->lo) * ((int64_t)1 << shift);
    else s->term[s->n++] = (cb_field){.node = node, .shift = (int16_t)shift, .minus = minus};
}

static void own_sum(const cb_netlist *g, int32_t i, sum *s) {
    const cb_node *x = &g->node[i];
    *s = (sum){0};
    if (!is_sum(x)) return;
    bool neg = x->kind == CB_NODE_NEG;
    term_put(s, g, x->a, neg ? 0 : x->sa, neg);
    if (!neg) term_put(s, g, x->b, x->sb, x->sub);
}

/* ---- absorption: sums of one user go into the user's chain, at most three fields ---- */

static int top_of(const cb_netlist *g, const cb_field *t) { return t->shift + cb_node_width(&g->node[t->node]); }

/* LUTs of a chain of the terms, roughly: from the place where a second operand begins to where the
 * second longest one ends. */
static int rough_cost(const cb_netlist *g, const sum *s) {
    int low[3] = {1 << 20, 1 << 20, 1 << 20}, top[3] = {0, 0, 0};
    if (s->n < 2) return 0;
    for (int k = 0; k < s->n; k++) { /* the two lowest beginnings, the two highest ends */
        int b = s->term[k].shift, e = top_of(g, &s->term[k]);
        if (b < low[0]) low[1] = low[0], low[0] = b;
        else if (b < low[1]) low[1] = b;
        if (e > top[0]) top[1] = top[0], top[0] = e;
        else if (e > top[1]) top[1] = e;
    }
    int cost = top[1] - low[1] + (s->n > 2);
    return cost > 0 ? cost : 0;
}

/* The sum of n with the sum of its term k in place of that term. */
static bool merged(const planner *p, const sum *of, int k, sum *out) {
    const cb_field t = of->term[k];
    const sum *child = &p->sum[t.node];
    *out = *of;
    if (of->n - 1 + child->n > CB_CHAIN_FIELDS) return false;
    out->term[k] = out->term[--out->n];
    for (int j = 0; j < child->n; j++) {
        cb_field c = child->term[j];
        c.shift = (int16_t)(c.shift + t.shift);
        c.minus ^= t.minus;
        if (c.shift >= WIDEST) return false;
        out->term[out->n++] = c;
    }
    __int128 constant = (__int128)child->constant * ((__int128)1 << t.shift) * (t.minus ? -1 : 1) + of->constant;
    out->constant = (int64_t)constant;
    return constant < (__int128)1 << WIDEST && constant > -((__int128)1 << WIDEST);
}

static bool may_absorb(const planner *p, int32_t parent, int32_t child) {
    const cb_node *x = &p->g->node[child], *y = &p->g->node[parent];
    return is_sum(x) && p->users[child] == 1 && p->user[child] == parent && (p->comb || x->stage == y->stage);
}

/* Which of the terms of node i to absorb for the largest saving of its tree; trees are
 * settled from the leaves: keep[n] is the best saving below n if n absorbs nothing. */
static void choose(const planner *p, int32_t i, const int *keep, const int *best, int *saving, int *which) {
    const sum *s = &p->sum[i];
    int base = 0;
    for (int k = 0; k < s->n; k++)
        if (may_absorb(p, i, s->term[k].node)) base += best[s->term[k].node];
    *saving = base;
    *which = -1;
    for (int k = 0; k < s->n; k++) {
        int32_t c = s->term[k].node;
        sum m;
        if (!may_absorb(p, i, c) || !merged(p, s, k, &m)) continue;
        bool free_of_charge = s->n == 1 || p->sum[c].n == 1; /* a constant or a multiple */
        if (!p->ternary && m.n > 2) continue;
        int gain = free_of_charge ? 1 : rough_cost(p->g, s) + rough_cost(p->g, &p->sum[c]) - rough_cost(p->g, &m);
        int total = base - best[c] + keep[c] + gain;
        if (gain > 0 && total > *saving) *saving = total, *which = k;
    }
}

static int absorb(planner *p) {
    const cb_netlist *g = p->g;
    int *keep = cb_alloc((size_t)g->n + 1, sizeof *keep), *best = cb_alloc((size_t)g->n + 1, sizeof *best);
    int *which = cb_alloc((size_t)g->n + 1, sizeof *which);
    bool ok = keep && best && which;
    for (int32_t i = 0; ok && i < g->n; i++) {
        if (!is_sum(&g->node[i])) continue;
        choose(p, i, keep, best, &best[i], &which[i]);
        for (int k = 0; k < p->sum[i].n; k++)
            if (may_absorb(p, i, p->sum[i].term[k].node)) keep[i] += best[p->sum[i].term[k].node];
    }
    for (int32_t i = g->n - 1; ok && i >= 0; i--) {
        if (!is_sum(&g->node[i]) || p->chain[i].absorbed || which[i] < 0) continue;
        int32_t c = p->sum[i].term[which[i]].node;
        sum m;
        if (!merged(p, &p->sum[i], which[i], &m)) continue;
        p->sum[i] = m;
        p->chain[c].absorbed = true;
    }
    free(keep);
    free(best);
    free(which);
    return ok ? 0 : -1;
}

/* ---- one chain ---- */

/* What stands at each place of a chain. */
typedef struct {
    int width;
    int8_t count[64];    /* fields */
    int8_t inverted[64]; /* of them inverted */
} places;

static uint64_t ones(int n) { return n >= 64 ? ~(uint64_t)0 : ((uint64_t)1 << n) - 1; }

static bool field_inverts(const cb_chain *from, const cb_field *f, int bit) {
    return f->minus != (from->is_signed && !f->extend && bit == from->width - 1);
}

static int field_end(const cb_chain *from, const cb_field *f, int width) {
    int end = f->extend ? width : f->shift + from->width;
    return end < width ? end : width;
}

static void lay(const cb_chain *all, const cb_field *field, int n, int width, places *y) {
    memset(y, 0, sizeof *y);
    y->width = width;
    for (int k = 0; k < n; k++) {
        const cb_chain *from = &all[field[k].node];
        int end = field_end(from, &field[k], width);
        for (int at = field[k].shift; at < end; at++) {
            int bit = at - field[k].shift < from->width ? at - field[k].shift : from->width - 1;
            y->count[at]++;
            y->inverted[at] = (int8_t)(y->inverted[at] + field_inverts(from, &field[k], bit));
        }
    }
}

/* Sum of the fields minus the value of the node. */
static __int128 excess(const cb_chain *all, const sum *s, const cb_field *field) {
    __int128 d = -(__int128)s->constant;
    for (int k = 0; k < s->n; k++) {
        const cb_chain *from = &all[field[k].node];
        __int128 unit = (__int128)1 << field[k].shift, own = from->offset;
        if (from->is_signed) own = field[k].extend ? 0 : (__int128)1 << (from->width - 1);
        if (field[k].minus) own = (from->is_signed && field[k].extend ? -1 : ((__int128)1 << from->width) - 1) - own;
        d += own * unit;
    }
    return d;
}

/* LUTs of the chain from `low` on with those constants; -1 if a place has too many bits.
 * A pair of inverted bits needs an inverter for the carry multiplexer, which is fed by one of them as it is.
 * Cost of a ternary place: one LUT6_2 up to `top`, the place after it takes the last saved carry. */
static int price(const places *y, int low, uint64_t constant, int carry_in, int vectors, cb_chain *x) {
    int raw = 0, sites = 0, top = low;
    for (int at = 0; at < low; at++) {
        if (y->count[at] + (int)(constant >> at & 1) > 1) return -1;
        raw += y->inverted[at];
    }
    for (int at = low; at < y->width; at++) {
        int bits = y->count[at] + (int)(constant >> at & 1);
        if (bits > vectors) return -1;
        if (bits > 1) top = at + 1;
    }
    for (int at = low; at < y->width; at++) {
        bool one = constant >> at & 1, pair = y->count[at] > 1;
        if (vectors == 3 && at <= top) raw += y->count[at] > 0 || at == top, sites += y->count[at] > 0 || at == top;
        else raw += pair ? 1 + (y->inverted[at] > 1) : (y->count[at] && y->inverted[at] != one), sites += y->count[at] > 0;
    }
    x->low = low, x->top = top, x->constant = constant, x->carry_in = carry_in;
    x->raw = raw, x->sites = sites;
    x->carry = y->width - low > 2 ? (y->width - low + 3) / 4 : 0;
    return raw;
}

static int weight(const cb_chain *x) { return 2 * x->raw + x->sites; }

/* The cheapest way to add constant c (mod 2^width) in the free places of the chain; false if none. */
static bool place_constant(const places *y, uint64_t c, int vectors, cb_chain *x) {
    uint64_t all = ones(y->width), candidates = 0;
    int first = 0;
    bool any = false;
    while (first < y->width && y->count[first] < 2) first++;
    if (first < y->width) candidates |= (uint64_t)1 << first;
    for (int at = 0; at <= first && at < y->width; at++) /* where a one would have to go into the chain */
        if ((c >> at & 1) && y->count[at]) { candidates |= (uint64_t)1 << at; break; }
    for (int at = 1; at <= first && at < y->width; at++)
        if (y->count[at] != y->count[at - 1]) candidates |= (uint64_t)1 << at;
    if (first == y->width || !candidates) { /* perhaps wires only */
        cb_chain z = *x;
        if (price(y, y->width, c & all, 0, vectors, &z) >= 0) *x = z, any = true;
    }
    if (y->count[0]) candidates |= 1;
    for (int low = 0; low <= first && low < y->width; low++) {
        if (!(candidates >> low & 1)) continue;
        for (int in = 0; in < vectors; in++) { /* one carry in, and one saved carry of a ternary chain */
            cb_chain z = *x;
            uint64_t rest = (c - ((uint64_t)in << low)) & all;
            if (price(y, low, rest, in, vectors, &z) < 0) continue;
            if (!any || weight(&z) < weight(x)) *x = z, any = true;
        }
    }
    return any;
}

/* Fields of a ternary chain leave places free for any constant only where there are two. */
static bool settle(const planner *p, const sum *s, const places *y, uint64_t c, cb_chain *x) {
    cb_chain z = *x;
    bool found = false;
    x->correction = 0;
    for (int vectors = s->n > 2 ? 3 : 2; vectors <= (p->ternary ? 3 : 2); vectors++) {
        z = *x;
        z.ternary = vectors == 3;
        z.correction = 0;
        if (place_constant(y, c, vectors, &z) && (!found || weight(&z) < weight(x))) *x = z, found = true;
    }
    if (!c) return found;
    /* or a chain of its own, but for ones in all places from `top` on, above the shorter operand */
    for (int top = y->width; top >= 0 && (top == y->width || y->count[top] < 2); top--) {
        uint64_t here = ones(y->width) & ~ones(top), rest = (c - here) & ones(y->width);
        if (!rest) continue;
        int from = __builtin_ctzll(rest), length = y->width - from;
        if (found && 2 * __builtin_popcountll(rest) + length >= weight(x)) continue; /* dearer by itself */
        z.correction = rest;
        z.ternary = s->n > 2;
        if (!place_constant(y, here, z.ternary ? 3 : 2, &z)) continue;
        z.raw += __builtin_popcountll(rest);
        z.sites += length;
        z.carry += length > 2 ? (length + 3) / 4 : 0;
        if (!found || weight(&z) < weight(x)) *x = z, found = true;
    }
    return found;
}

static void copy_fields(cb_chain *x, const sum *s, unsigned extend, const cb_chain *all) {
    x->n_field = s->n;
    for (int k = 0; k < s->n; k++) {
        x->field[k] = s->term[k];
        x->field[k].extend = all[s->term[k].node].is_signed && (extend >> k & 1);
    }
}

/* The cheapest chain with exact wires. */
static void make_exact(const planner *p, int32_t i, cb_chain *x) {
    const cb_node *n = &p->g->node[i];
    const sum *s = &p->sum[i];
    cb_chain best = {0}, base = {.width = cb_node_width(n), .is_signed = n->lo < 0};
    bool found = false;
    for (unsigned extend = 0; extend < 1u << s->n; extend++) {
        bool useless = false;
        for (int k = 0; k < s->n; k++) useless |= (extend >> k & 1) && !p->chain[s->term[k].node].is_signed;
        if (useless) continue;
        cb_chain z = base;
        places y;
        copy_fields(&z, s, extend, p->chain);
        lay(p->chain, z.field, s->n, z.width, &y);
        uint64_t c = (uint64_t)-excess(p->chain, s, z.field) & ones(z.width);
        if (settle(p, s, &y, c, &z) && (!found || weight(&z) < weight(&best))) best = z, found = true;
    }
    *x = best;
}

/* The lowest place of two bits, or -1. */
static int first_pair(const places *y) {
    int at = 0;
    while (at < y->width && y->count[at] < 2) at++;
    return at < y->width ? at : -1;
}

/* The ones that OFFSET_CARRY or OFFSET_FILL add to the sum of the fields; 0: none. */
static uint64_t further_offset(const places *y, int choice) {
    int pair = first_pair(y);
    uint64_t c = 0;
    if (pair < 0) return 0;
    if (choice == OFFSET_CARRY) return (uint64_t)1 << pair;
    for (int at = pair + 1; at < y->width; at++) c |= (uint64_t)(y->count[at] == 1 && y->inverted[at]) << at;
    return c;
}

/* Wires with an offset; false if they would be too wide, or if the choice has nothing to add. */
static bool make_offset(const planner *p, int32_t i, cb_chain *x) {
    const cb_node *n = &p->g->node[i];
    const sum *s = &p->sum[i];
    cb_chain z = {0};
    places y;
    copy_fields(&z, s, 0, p->chain);
    __int128 d = excess(p->chain, s, z.field), hi = (__int128)n->hi + d, lo = (__int128)n->lo + d;
    if (hi <= 0 || hi >= (__int128)1 << WIDEST || lo <= -((__int128)1 << WIDEST)) return false;
    z.offset = (int64_t)d;
    z.width = cb_interval_width(0, (int64_t)hi);
    lay(p->chain, z.field, s->n, z.width, &y);
    uint64_t more = 0;
    if (p->offset[i] != OFFSET) {
        more = further_offset(&y, (int)p->offset[i]);
        if (!more || hi + (__int128)more >= (__int128)1 << WIDEST) return false;
        z.offset += (int64_t)more;
        z.width = cb_interval_width(0, (int64_t)hi + (int64_t)more);
        lay(p->chain, z.field, s->n, z.width, &y);
    }
    if (!settle(p, s, &y, more, &z) || z.correction) return false;
    *x = z;
    return true;
}

static void make_chain(planner *p, int32_t i) {
    cb_chain *x = &p->chain[i], z;
    if (p->offset[i] != EXACT && !p->must[i] && make_offset(p, i, &z)) *x = z;
    else make_exact(p, i, x);
}

/* ---- the search ---- */

static int64_t evaluate_all(planner *p) {
    int64_t total = 0;
    for (int32_t i = 0; i < p->g->n; i++) {
        if (!is_sum(&p->g->node[i]) || p->chain[i].absorbed) continue;
        make_chain(p, i);
        total += weight(&p->chain[i]);
    }
    return total;
}

static bool same_wires(const cb_chain *x, const cb_chain *y) {
    return x->offset == y->offset && x->width == y->width && x->is_signed == y->is_signed;
}

/* Chains that change when the choice at one node changes, with their old state. */
typedef struct {
    int32_t *node;
    cb_chain *old;
    int n;
    bool *queued;
} undo;

/* Makes the chain of i anew and those of all that read changed wires, in the order of the nodes; the
 * change of the weight. */
static int64_t ripple(planner *p, int32_t i, undo *u) {
    int64_t change = 0;
    int32_t last = i;
    u->n = 0;
    u->queued[i] = true;
    for (int32_t k = i; k <= last; k++) {
        if (!u->queued[k]) continue;
        u->queued[k] = false;
        u->node[u->n] = k;
        u->old[u->n] = p->chain[k];
        make_chain(p, k);
        const cb_chain *was = &u->old[u->n++], *is = &p->chain[k];
        change += weight(is) - weight(was);
        if (same_wires(was, is)) continue;
        for (int32_t r = p->first_reader[k]; r < p->first_reader[k + 1]; r++) {
            u->queued[p->reader[r]] = true;
            if (p->reader[r] > last) last = p->reader[r];
        }
    }
    return change;
}

static bool try_turn(planner *p, int32_t i, undo *u) {
    uint8_t was = p->offset[i];
    for (int turn = 1; turn < CHOICES; turn++) {
        p->offset[i] = (uint8_t)((was + turn) % CHOICES);
        if (ripple(p, i, u) < 0) return true;
        for (int k = u->n - 1; k >= 0; k--) p->chain[u->node[k]] = u->old[k];
    }
    p->offset[i] = was;
    return false;
}

enum { PASSES = 4 };

static void improve(planner *p, undo *u) {
    for (int pass = 0; pass < PASSES; pass++) {
        int64_t turned = 0;
        for (int32_t k = 0; k < p->g->n; k++) {
            int32_t i = pass % 2 ? p->g->n - 1 - k : k;
            if (is_sum(&p->g->node[i]) && !p->chain[i].absorbed && !p->must[i]) turned += try_turn(p, i, u);
        }
        if (!turned) break;
    }
}

static int64_t total_weight(const planner *p) {
    int64_t total = 0;
    for (int32_t i = 0; i < p->g->n; i++) total += weight(&p->chain[i]);
    return total;
}

/* From all offsets and from none; the better end. */
static int search(planner *p) {
    size_t n = (size_t)p->g->n + 1;
    undo u = {cb_alloc(n, sizeof *u.node), cb_alloc(n, sizeof *u.old), 0, cb_alloc(n, sizeof *u.queued)};
    uint8_t *other = cb_alloc(n, sizeof *other);
    int rc = u.node && u.old && u.queued && other ? 0 : -1;
    if (!rc) {
        evaluate_all(p);
        improve(p, &u);
        int64_t from_none = total_weight(p);
        memcpy(other, p->offset, n * sizeof *other);
        for (size_t i = 0; i < n; i++) p->offset[i] = OFFSET;
        evaluate_all(p);
        improve(p, &u);
        if (total_weight(p) > from_none) {
            memcpy(p->offset, other, n * sizeof *other);
            evaluate_all(p);
        }
    }
    free(u.node);
    free(u.old);
    free(u.queued);
    free(other);
    return rc;
}

/* ---- the plan ---- */

/* Users of every node; sums that quantizers, tables and outputs read must be exact. */
static int survey(planner *p) {
    const cb_netlist *g = p->g;
    for (int32_t i = 0; i < g->n; i++) {
        const cb_node *x = &g->node[i];
        own_sum(g, i, &p->sum[i]);
        int32_t in[CB_GATE_INPUTS];
        for (int k = cb_node_operands(x, in) - 1; k >= 0; k--) {
            p->users[in[k]]++, p->user[in[k]] = i;
            if (!is_sum(x)) p->must[in[k]] = true;
        }
    }
    for (int o = 0; o < g->n_output; o++) p->users[g->output[o]] += 2, p->must[g->output[o]] = true;
    return absorb(p);
}

static int find_readers(planner *p) {
    const cb_netlist *g = p->g;
    p->first_reader = cb_alloc((size_t)g->n + 2, sizeof *p->first_reader);
    p->reader = cb_alloc((size_t)g->n * CB_CHAIN_FIELDS + 1, sizeof *p->reader);
    if (!p->first_reader || !p->reader) return -1;
    for (int pass = 0; pass < 2; pass++) {
        for (int32_t i = g->n - 1; i >= 0; i--) {
            if (!is_sum(&g->node[i]) || p->chain[i].absorbed) continue;
            for (int k = 0; k < p->sum[i].n; k++) {
                int32_t *at = &p->first_reader[p->sum[i].term[k].node + (pass ? 0 : 1)];
                if (pass) p->reader[--*at] = i;
                else ++*at;
            }
        }
        for (int32_t i = 0; i <= g->n && !pass; i++) p->first_reader[i + 1] += p->first_reader[i];
        for (int32_t i = 0; i <= g->n && !pass; i++) p->first_reader[i] = p->first_reader[i + 1]; /* ends, then filled downwards */
    }
    return 0;
}

int cb_chains_plan(const cb_netlist *g, bool comb, cb_chains *c) {
    size_t n = (size_t)g->n + 1;
    planner p = {.g = g, .comb = comb, .ternary = g->ternary, .sum = cb_alloc(n, sizeof *p.sum), .users = cb_alloc(n, sizeof *p.users),
                 .user = cb_alloc(n, sizeof *p.user), .must = cb_alloc(n, sizeof *p.must), .offset = cb_alloc(n, sizeof *p.offset),
                 .chain = cb_alloc(n, sizeof *p.chain)};
    *c = (cb_chains){.n = g->n};
    int rc = p.sum && p.users && p.user && p.must && p.offset && p.chain ? 0 : -1;
    for (int32_t i = 0; i < g->n && !rc; i++)
        p.chain[i] = (cb_chain){.width = cb_node_width(&g->node[i]), .is_signed = g->node[i].lo < 0};
    if (!rc) rc = survey(&p) || find_readers(&p) || search(&p) ? -1 : 0;
    c->chain = p.chain;
    if (!rc) rc = cb_chains_lend(g, comb, p.users, p.user, c);
    for (int32_t i = 0; i < g->n && !rc; i++) {
        c->raw += p.chain[i].raw;
        c->sites += p.chain[i].sites;
        c->carry += p.chain[i].carry;
        c->fused += p.chain[i].absorbed;
    }
    if (rc) cb_chains_free(c);
    free(p.sum);
    free(p.users);
    free(p.user);
    free(p.must);
    free(p.offset);
    free(p.reader);
    free(p.first_reader);
    return rc;
}

void cb_chains_free(cb_chains *c) {
    free(c->chain);
    free(c->guest);
    memset(c, 0, sizeof *c);
}

/* ---- for the printer ---- */

static int inversions(const cb_chains *c, const cb_field *f) {
    return f->minus ? 100 : c->chain[f->node].is_signed && !f->extend;
}

void cb_chain_vectors(const cb_chains *c, const cb_chain *x, cb_place vector[CB_CHAIN_FIELDS][64]) {
    int order[CB_CHAIN_FIELDS] = {0, 1, 2}, vectors = x->ternary ? 3 : 2;
    for (int k = 1; k < x->n_field; k++) /* those with fewer inversions first */
        for (int j = k; j > 0 && inversions(c, &x->field[order[j]]) < inversions(c, &x->field[order[j - 1]]); j--) {
            int t = order[j];
            order[j] = order[j - 1], order[j - 1] = t;
        }
    for (int at = 0; at < x->width; at++) {
        int v = 0;
        for (int k = 0; k < CB_CHAIN_FIELDS; k++) vector[k][at] = (cb_place){.field = -1};
        for (int k = 0; k < x->n_field; k++) {
            const cb_field *f = &x->field[order[k]];
            const cb_chain *from = &c->chain[f->node];
            bool lent = order[k] == x->lent && at >= x->lent_from && at < x->lent_to;
            if (at < f->shift || at >= field_end(from, f, x->width) || lent) {
                v++;
                continue;
            }
            int bit = at - f->shift < from->width ? at - f->shift : from->width - 1;
            vector[v++][at] = (cb_place){(int8_t)order[k], field_inverts(from, f, bit), (int16_t)bit};
        }
        for (int k = 0; k < vectors && (x->constant >> at & 1); k++)
            if (vector[k][at].field < 0) {
                vector[k][at].invert = true;
                break;
            }
        if (!x->ternary && vector[0][at].field >= 0 && vector[0][at].invert && vector[1][at].field >= 0 && !vector[1][at].invert) {
            cb_place t = vector[0][at]; /* the first also feeds the multiplexer */
            vector[0][at] = vector[1][at], vector[1][at] = t;
        }
    }
}
