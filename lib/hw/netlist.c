/* Construction of the graph: folding, hash-consing, exact intervals. */
#include "hw/share.h"

#include <stdlib.h>
#include <string.h>

typedef __int128 wide; /* bounds are formed here before they are checked */

int cb_interval_width(int64_t lo, int64_t hi) {
    uint64_t top = hi > 0 ? (uint64_t)hi : 0;
    if (lo < 0 && ~(uint64_t)lo > top) top = ~(uint64_t)lo; /* -lo - 1 needs as many bits */
    return (lo < 0) + (top ? 64 - __builtin_clzll(top) : 0);
}

int cb_node_width(const cb_node *n) { return cb_interval_width(n->lo, n->hi); }

/* ---- hash-consing ---- */

static uint64_t mix(uint64_t h, uint64_t v) {
    h ^= v;
    h *= 0x9e3779b97f4a7c15u;
    return h ^ h >> 29;
}

/* What makes two nodes equal: everything but what is derived from the operands. */
static uint64_t hash_node(const cb_node *n) {
    uint64_t h = mix(1, (uint64_t)n->kind | (uint64_t)n->sub << 8 | (uint64_t)n->relu << 16 |
                            (uint64_t)n->round << 24 | (uint64_t)n->overflow << 32 |
                            (uint64_t)(uint8_t)n->sa << 40 | (uint64_t)(uint8_t)n->sb << 48);
    h = mix(h, (uint64_t)(uint16_t)n->frac | (uint64_t)(uint8_t)n->format.k << 16 |
                   (uint64_t)(uint16_t)n->format.i << 24 | (uint64_t)(uint16_t)n->format.f << 40);
    h = mix(h, (uint64_t)(uint32_t)n->a | (uint64_t)(uint32_t)n->b << 32);
    if (n->kind == CB_NODE_TABLE) {
        h = mix(h, n->table);
        for (int j = 2; j < n->n_in; j++) h = mix(h, (uint64_t)n->in[j]);
    }
    if (n->kind == CB_NODE_SELECT || n->kind == CB_NODE_HOLD) h = mix(h, (uint64_t)(uint16_t)n->phase);
    return n->kind == CB_NODE_CONST ? mix(h, (uint64_t)n->lo) : h;
}

static bool equal_node(const cb_node *x, const cb_node *y) {
    return x->kind == y->kind && x->sub == y->sub && x->relu == y->relu && x->round == y->round &&
           x->overflow == y->overflow && x->sa == y->sa && x->sb == y->sb && x->frac == y->frac && x->phase == y->phase &&
           x->a == y->a && x->b == y->b && x->format.k == y->format.k && x->format.i == y->format.i &&
           x->format.f == y->format.f && (x->kind != CB_NODE_CONST || x->lo == y->lo) &&
           (x->kind != CB_NODE_TABLE ||
            (x->n_in == y->n_in && x->table == y->table && !memcmp(x->in, y->in, sizeof x->in)));
}

static void slot_put(cb_netlist *g, int32_t n) {
    uint64_t h = hash_node(&g->node[n]);
    while (g->slot[h % (uint64_t)g->n_slot]) h++;
    g->slot[h % (uint64_t)g->n_slot] = n + 1;
}

static int grow(cb_netlist *g) {
    int32_t room = g->room ? 2 * g->room : 1024;
    cb_node *node = cb_realloc(g->node, (size_t)room, sizeof *node);
    if (!node) return -1;
    g->node = node;
    g->room = room;
    int32_t *slot = cb_alloc((size_t)room * 2, sizeof *slot);
    if (!slot) return -1;
    free(g->slot);
    g->slot = slot;
    g->n_slot = 2 * room;
    for (int32_t i = 0; i < g->n; i++) slot_put(g, i);
    return 0;
}

static int32_t intern(cb_netlist *g, const cb_node *x) {
    const int64_t limit = (int64_t)1 << CB_NETLIST_BITS;
    if (x->lo < -limit || x->hi > limit)
        return cb_fail("netlist %s: a value needs more than %d bits", g->name, CB_NETLIST_BITS);
    if ((g->n >= g->room || !g->slot) && grow(g)) return -1;
    for (uint64_t h = hash_node(x);; h++) {
        int32_t s = g->slot[h % (uint64_t)g->n_slot];
        if (!s) break;
        if (equal_node(&g->node[s - 1], x)) return s - 1;
    }
    g->node[g->n] = *x;
    slot_put(g, g->n);
    return g->n++;
}

/* ---- inputs, constants ---- */

int32_t cb_netlist_input(cb_netlist *g, int index) {
    if (index < 0 || index >= g->n_input)
        return cb_fail("netlist %s: input %d of %d", g->name, index, g->n_input);
    cb_node x = {.kind = CB_NODE_INPUT, .a = index, .b = -1, .hi = ((int64_t)1 << g->input_bits) - 1};
    return intern(g, &x);
}

int32_t cb_netlist_const(cb_netlist *g, int64_t value, int frac) {
    while (value && !(value & 1)) value /= 2, frac--;
    cb_node x = {.kind = CB_NODE_CONST, .a = -1, .b = -1, .lo = value, .hi = value,
                 .frac = (int16_t)(value ? frac : 0)};
    return intern(g, &x);
}

/* ---- additions ---- */

static bool is_const(const cb_netlist *g, int32_t n) { return g->node[n].kind == CB_NODE_CONST; }
static bool is_zero(const cb_netlist *g, int32_t n) { return is_const(g, n) && g->node[n].lo == 0; }

/* a * 2^shift */
static int32_t rescale(cb_netlist *g, int32_t a, int shift) {
    if (!shift || is_zero(g, a)) return a;
    if (is_const(g, a)) return cb_netlist_const(g, g->node[a].lo, g->node[a].frac - shift);
    cb_node x = g->node[a];
    if (x.kind == CB_NODE_ADD && is_zero(g, x.b)) { /* a multiple of a multiple */
        a = x.a;
        shift += g->node[a].frac - x.frac + x.sa;
        if (!shift) return a;
        x = g->node[a];
    }
    int32_t zero = cb_netlist_const(g, 0, 0);
    if (zero < 0) return -1;
    cb_node y = {.kind = CB_NODE_ADD, .a = a, .b = zero, .frac = (int16_t)(g->node[a].frac - shift),
                 .lo = x.lo, .hi = x.hi, .level = x.level};
    return intern(g, &y);
}

int32_t cb_netlist_neg(cb_netlist *g, int32_t a) {
    if (a < 0) return -1;
    cb_node x = g->node[a];
    if (x.kind == CB_NODE_CONST) return cb_netlist_const(g, -x.lo, x.frac);
    if (x.kind == CB_NODE_NEG) return x.a;
    cb_node y = {.kind = CB_NODE_NEG, .a = a, .b = -1, .frac = x.frac, .lo = -x.hi, .hi = -x.lo,
                 .level = x.level + 1};
    return intern(g, &y);
}

/* (ma << sa) +- (mb << sb), both wide enough to check. */
static int bounds(const cb_netlist *g, cb_node *x) {
    const cb_node *a = &g->node[x->a], *b = &g->node[x->b];
    if (x->sa + cb_node_width(a) > CB_NETLIST_BITS + 1 || x->sb + cb_node_width(b) > CB_NETLIST_BITS + 1)
        return cb_fail("netlist %s: a sum needs more than %d bits", g->name, CB_NETLIST_BITS);
    wide one = 1, lo = a->lo * (one << x->sa), hi = a->hi * (one << x->sa);
    wide blo = b->lo * (one << x->sb), bhi = b->hi * (one << x->sb);
    lo += x->sub ? -bhi : blo;
    hi += x->sub ? -blo : bhi;
    x->lo = (int64_t)lo;
    x->hi = (int64_t)hi;
    return 0;
}

/* Low operand a entirely below the lowest bit of b, or the other way round. */
static bool disjoint(const cb_node *a, int sa, const cb_node *b, int sb) {
    return (a->lo >= 0 && sa + cb_node_width(a) <= sb) || (b->lo >= 0 && sb + cb_node_width(b) <= sa);
}

int32_t cb_netlist_align(cb_netlist *g, int32_t a, int frac) {
    if (a < 0) return -1;
    cb_node x = g->node[a];
    int up = frac - x.frac;
    if (!up || is_zero(g, a)) return a;
    if (up < 0 || up + cb_node_width(&x) > CB_NETLIST_BITS)
        return cb_fail("netlist %s: %d fraction bits cannot be written as %d", g->name, x.frac, frac);
    int32_t zero = cb_netlist_const(g, 0, 0);
    if (zero < 0) return -1;
    cb_node y = {.kind = CB_NODE_ADD, .a = a, .b = zero, .sa = (int8_t)up, .frac = (int16_t)frac,
                 .lo = x.lo * ((int64_t)1 << up), .hi = x.hi * ((int64_t)1 << up), .level = x.level};
    return intern(g, &y);
}

/* The cases with one result that is no addition; -2 if it is one. */
static int32_t fold(cb_netlist *g, int32_t a, int sa, int32_t b, int sb, bool sub) {
    if (is_zero(g, b)) return rescale(g, a, sa);
    if (is_zero(g, a)) {
        if (sub && (b = cb_netlist_neg(g, b)) < 0) return -1;
        return rescale(g, b, sb);
    }
    const cb_node *x = &g->node[a], *y = &g->node[b];
    if (is_const(g, a) && is_const(g, b)) {
        int fa = x->frac - sa, fb = y->frac - sb, frac = fa > fb ? fa : fb;
        if (frac - fa + cb_node_width(x) > CB_NETLIST_BITS || frac - fb + cb_node_width(y) > CB_NETLIST_BITS)
            return cb_fail("netlist %s: a constant needs more than %d bits", g->name, CB_NETLIST_BITS);
        int64_t v = x->lo * ((int64_t)1 << (frac - fa)), w = y->lo * ((int64_t)1 << (frac - fb));
        return cb_netlist_const(g, sub ? v - w : v + w, frac);
    }
    if (a == b && sa == sb) return sub ? cb_netlist_const(g, 0, 0) : rescale(g, a, sa + 1);
    if (a == b && sub && sa == sb + 1) return rescale(g, a, sb);
    return -2;
}

/* The node behind a multiple 2^k of it. */
static int32_t see_through(const cb_netlist *g, int32_t a, int *shift) {
    const cb_node *x = &g->node[a];
    if (x->kind != CB_NODE_ADD || !is_zero(g, x->b)) return a;
    *shift += g->node[x->a].frac - x->frac + x->sa;
    return x->a;
}

int32_t cb_netlist_add(cb_netlist *g, int32_t a, int sa, int32_t b, int sb, bool sub) {
    if (a < 0 || b < 0) return -1;
    a = see_through(g, a, &sa);
    b = see_through(g, b, &sb);
    int32_t folded = fold(g, a, sa, b, sb, sub);
    if (folded != -2) return folded;
    if (g->node[b].kind == CB_NODE_NEG) return cb_netlist_add(g, a, sa, g->node[b].a, sb, !sub);
    if (g->node[a].kind == CB_NODE_NEG && !sub) return cb_netlist_add(g, b, sb, g->node[a].a, sa, true);
    int fa = g->node[a].frac - sa, fb = g->node[b].frac - sb, frac = fa > fb ? fa : fb;
    if (frac - fa > CB_NETLIST_BITS || frac - fb > CB_NETLIST_BITS)
        return cb_fail("netlist %s: operands are %d bits apart", g->name, fa > fb ? fa - fb : fb - fa);
    cb_node x = {.kind = CB_NODE_ADD, .sub = sub, .a = a, .b = b, .frac = (int16_t)frac,
                 .sa = (int8_t)(frac - fa), .sb = (int8_t)(frac - fb)};
    if (!sub && (a > b || (a == b && x.sa > x.sb))) { /* commutative: one order */
        x.a = b, x.b = a;
        int8_t s = x.sa;
        x.sa = x.sb, x.sb = s;
    }
    if (bounds(g, &x)) return -1;
    const cb_node *p = &g->node[x.a], *q = &g->node[x.b];
    x.level = p->level > q->level ? p->level : q->level;
    if (sub || !disjoint(p, x.sa, q, x.sb)) x.level++;
    return intern(g, &x);
}

void cb_netlist_narrow(cb_netlist *g, int32_t n, int64_t lo, int64_t hi) {
    cb_node *x = &g->node[n];
    if (x->kind == CB_NODE_CONST) return;
    if (lo > x->lo) x->lo = lo;
    if (hi < x->hi) x->hi = hi;
}

/* ---- quantizers ---- */

int64_t cb_node_quantize(const cb_node *q, int frac, int64_t v) {
    if (q->relu && v < 0) v = 0;
    if (q->round != CB_ROUND_EVEN_BIASED)
        return cb_fixed_quantize(v, frac, q->format, (cb_round)q->round, (cb_overflow)q->overflow);
    int s = frac - q->format.f; /* > 0 by construction */
    if (s > CB_NETLIST_BITS + 1) s = CB_NETLIST_BITS + 1; /* the same: |v| <= 2^61 */
    int64_t r = v >> s;
    if (!(v & (((int64_t)1 << s) - 1))) r &= ~(int64_t)1;
    return cb_fixed_quantize(r, q->format.f, q->format, CB_TRN, (cb_overflow)q->overflow);
}

cb_round cb_round_unsigned(cb_round r) {
    return r == CB_TRN_ZERO ? CB_TRN : r == CB_RND_INF ? CB_RND : r == CB_RND_ZERO ? CB_RND_MIN_INF : r;
}

int64_t cb_netlist_rounding(int frac, cb_format t, cb_round r) {
    int s = frac - t.f;
    if (s <= 0 || s > CB_NETLIST_BITS) return 0;
    int64_t half = (int64_t)1 << (s - 1);
    return r == CB_RND || r == CB_RND_CONV ? half : r == CB_RND_MIN_INF ? half - 1 : 0;
}

/* Does any value of [lo, hi] (monotone rounding) leave the format? */
static bool overflows(const cb_node *q, int frac, int64_t lo, int64_t hi) {
    cb_node exact = *q;
    exact.overflow = CB_WRAP;
    exact.format.i = (int16_t)(CB_NETLIST_BITS - q->format.f); /* as wide as possible */
    exact.format.k = 1;
    int up = q->format.f - frac;
    if (up > 0 && cb_interval_width(lo, hi) + up > CB_NETLIST_BITS) return true;
    int64_t first = cb_node_quantize(&exact, frac, lo), last = cb_node_quantize(&exact, frac, hi);
    return first < cb_format_min(q->format, (cb_overflow)q->overflow) || last > cb_format_max(q->format);
}

/* q: relu, round, overflow, format set; makes the node or something simpler. */
static int32_t finish_quant(cb_netlist *g, int32_t a, cb_node q) {
    const cb_node x = g->node[a];
    q.kind = CB_NODE_QUANT;
    q.a = a, q.b = -1;
    q.frac = q.format.f;
    if (cb_format_width(q.format) == 0 || (q.relu && x.hi <= 0))
        return cb_netlist_const(g, 0, 0);
    if (x.kind == CB_NODE_CONST) return cb_netlist_const(g, cb_node_quantize(&q, x.frac, x.lo), q.format.f);
    if (!q.format.k && q.overflow != CB_WRAP) q.relu = true; /* saturation at 0 is a ReLU */
    if (x.lo >= 0) q.relu = false;
    int64_t lo = q.relu ? 0 : x.lo, hi = x.hi < lo ? lo : x.hi;
    bool clipped = overflows(&q, x.frac, lo, hi);
    if (!clipped) q.overflow = CB_WRAP;
    if (!clipped && !q.relu && x.frac <= q.format.f) return a; /* nothing changes */
    bool wraps = clipped && q.overflow == CB_WRAP;
    q.lo = wraps ? cb_format_min(q.format, CB_WRAP) : cb_node_quantize(&q, x.frac, lo);
    q.hi = wraps ? cb_format_max(q.format) : cb_node_quantize(&q, x.frac, hi);
    if (q.lo == q.hi) return cb_netlist_const(g, q.lo, q.frac);
    bool logic = q.relu || q.overflow != CB_WRAP || q.round != CB_TRN;
    q.level = x.level + logic;
    return intern(g, &q);
}

int32_t cb_netlist_quant_biased(cb_netlist *g, int32_t a, cb_format t, cb_overflow o, bool relu) {
    if (a < 0) return -1;
    cb_node q = {.relu = relu, .round = g->node[a].frac > t.f ? CB_ROUND_EVEN_BIASED : CB_TRN,
                 .overflow = (uint8_t)o, .format = t};
    return finish_quant(g, a, q);
}

int32_t cb_netlist_quant(cb_netlist *g, int32_t a, cb_format t, cb_round r, cb_overflow o, bool relu) {
    if (a < 0) return -1;
    int frac = g->node[a].frac, s = frac - t.f;
    if (s <= 0) r = CB_TRN; /* no bit is dropped */
    if (cb_format_width(t) && s > 0 && s <= CB_NETLIST_BITS && !is_const(g, a)) {
        if (!t.k && o != CB_WRAP) relu = true;
        if (relu || g->node[a].lo >= 0) r = cb_round_unsigned(r);
        if (r == CB_RND || r == CB_RND_CONV || r == CB_RND_MIN_INF) {
            int32_t c = cb_netlist_const(g, cb_netlist_rounding(frac, t, r), frac);
            a = c < 0 ? -1 : cb_netlist_add(g, a, 0, c, 0, false);
            if (a < 0) return -1;
            if (r == CB_RND_CONV) return cb_netlist_quant_biased(g, a, t, o, relu);
            r = CB_TRN;
        }
    }
    cb_node q = {.relu = relu, .round = (uint8_t)r, .overflow = (uint8_t)o, .format = t};
    return finish_quant(g, a, q);
}

/* ---- tables ---- */

/* The table where operand j is value: one operand less. */
static uint64_t cofactor(uint64_t table, int k, int j, int value) {
    int p = k - 1 - j;
    uint64_t out = 0;
    for (int i = 0; i < 1 << (k - 1); i++) {
        int from = (i >> p) << (p + 1) | value << p | (i & ((1 << p) - 1));
        out |= (table >> from & 1) << i;
    }
    return out;
}

/* The table where operand l is what j is: the entries in which both agree. */
static uint64_t merged(uint64_t table, int k, int j, int l) {
    uint64_t zero = cofactor(table, k, l, 0), one = cofactor(table, k, l, 1), out = 0;
    int p = k - 2 - j; /* j < l: its digit in a table of k-1 operands */
    for (int i = 0; i < 1 << (k - 1); i++) out |= ((i >> p & 1 ? one : zero) >> i & 1) << i;
    return out;
}

static void drop_operand(cb_node *x, int j, uint64_t table) {
    memmove(x->in + j, x->in + j + 1, (size_t)(x->n_in - 1 - j) * sizeof *x->in);
    x->in[--x->n_in] = 0;
    x->table = table;
}

int32_t cb_netlist_table(cb_netlist *g, int n_in, const int32_t *in, uint64_t table) {
    cb_node x = {.kind = CB_NODE_TABLE, .n_in = (int8_t)n_in, .table = table, .hi = 1};
    if (n_in < 0 || n_in > CB_GATE_INPUTS) return cb_fail("netlist %s: a table of %d operands", g->name, n_in);
    for (int j = 0; j < n_in; j++) {
        if (in[j] < 0) return -1;
        if (g->node[in[j]].lo < 0 || g->node[in[j]].hi > 1)
            return cb_fail("netlist %s: operand %d of a table is not a bit", g->name, j);
        x.in[j] = in[j];
    }
    for (int j = 0; j < x.n_in;) {
        const cb_node *a = &g->node[x.in[j]];
        int same = j + 1;
        while (same < x.n_in && x.in[same] != x.in[j]) same++;
        if (a->lo == a->hi) drop_operand(&x, j, cofactor(x.table, x.n_in, j, (int)a->lo));
        else if (same < x.n_in) drop_operand(&x, same, merged(x.table, x.n_in, j, same));
        else if (cofactor(x.table, x.n_in, j, 0) == cofactor(x.table, x.n_in, j, 1))
            drop_operand(&x, j, cofactor(x.table, x.n_in, j, 0));
        else j++;
    }
    if (!x.n_in) return cb_netlist_const(g, (int64_t)(x.table & 1), 0);
    if (x.n_in == 1 && x.table == 2 && g->node[x.in[0]].frac == 0) return x.in[0];
    x.a = x.in[0], x.b = x.n_in > 1 ? x.in[1] : -1;
    for (int j = 0; j < x.n_in; j++)
        if (g->node[x.in[j]].level >= x.level) x.level = g->node[x.in[j]].level + 1;
    return intern(g, &x);
}

int32_t cb_netlist_bit(cb_netlist *g, int32_t a, int k) {
    if (a < 0) return -1;
    cb_format t = {0, (int16_t)(k + 1 - g->node[a].frac), (int16_t)(g->node[a].frac - k)};
    return cb_netlist_quant(g, a, t, CB_TRN, CB_WRAP, false);
}

/* ---- sharing ---- */

/* The operand on the side of a SELECT: its value in units of the node. */
static int8_t select_shift(const cb_node *x, int frac) { return (int8_t)(frac - x->frac); }

static int32_t select_two(cb_netlist *g, int32_t a, int32_t b, int bit) {
    if (a < 0 || b < 0) return -1;
    if (a == b) return a;
    const cb_node *p = &g->node[a], *q = &g->node[b];
    int frac = p->frac > q->frac ? p->frac : q->frac;
    if (frac - p->frac + cb_node_width(p) > CB_NETLIST_BITS || frac - q->frac + cb_node_width(q) > CB_NETLIST_BITS)
        return cb_fail("netlist %s: shared values are %d bits apart", g->name, abs(p->frac - q->frac));
    cb_node x = {.kind = CB_NODE_SELECT, .a = a, .b = b, .sa = select_shift(p, frac), .sb = select_shift(q, frac),
                 .frac = (int16_t)frac, .phase = (int16_t)bit};
    int64_t ka = (int64_t)1 << x.sa, kb = (int64_t)1 << x.sb;
    x.lo = p->lo * ka < q->lo * kb ? p->lo * ka : q->lo * kb;
    x.hi = p->hi * ka > q->hi * kb ? p->hi * ka : q->hi * kb;
    x.level = (p->level > q->level ? p->level : q->level) + !bit; /* two bits of the phase are one LUT6 */
    return intern(g, &x);
}

int32_t cb_netlist_select(cb_netlist *g, int n, const int32_t *in) {
    if (n == 1) return in[0];
    int bit = 31 - __builtin_clz((unsigned)n - 1), half = 1 << bit;
    return select_two(g, cb_netlist_select(g, half, in), cb_netlist_select(g, n - half, in + half), bit);
}

int32_t cb_netlist_hold(cb_netlist *g, int32_t a, int phase) {
    if (a < 0 || is_const(g, a)) return a;
    const cb_node *p = &g->node[a];
    cb_node x = {.kind = CB_NODE_HOLD, .a = a, .b = -1, .phase = (int16_t)phase, .frac = p->frac, .lo = p->lo, .hi = p->hi,
                 .level = p->level};
    return intern(g, &x);
}

int cb_node_read_stage(const cb_netlist *g, const cb_node *x) {
    if (x->kind != CB_NODE_HOLD) return x->stage;
    return x->phase < 0 ? x->stage - 1 : x->stage - g->ii;
}

/* ---- readers' helpers ---- */

int cb_node_operands(const cb_node *x, int32_t in[CB_GATE_INPUTS]) {
    if (x->kind == CB_NODE_INPUT || x->kind == CB_NODE_CONST) return 0;
    if (x->kind == CB_NODE_TABLE) return memcpy(in, x->in, sizeof x->in), x->n_in;
    in[0] = x->a, in[1] = x->b;
    return x->b >= 0 ? 2 : 1;
}

bool cb_node_is_wire(const cb_netlist *g, int32_t n) {
    const cb_node *x = &g->node[n];
    switch (x->kind) {
    case CB_NODE_ADD:
        return is_zero(g, x->b) || (!x->sub && disjoint(&g->node[x->a], x->sa, &g->node[x->b], x->sb));
    case CB_NODE_NEG:
    case CB_NODE_SELECT:
    case CB_NODE_HOLD:
    case CB_NODE_TABLE: return false;
    case CB_NODE_QUANT: return !x->relu && x->overflow == CB_WRAP && x->round == CB_TRN;
    default: return true;
    }
}

int32_t *cb_netlist_prune_to(cb_netlist *g) {
    int32_t *to = cb_alloc((size_t)g->n + 1, sizeof *to), n = 0;
    if (!to) return NULL;
    for (int o = 0; o < g->n_output; o++) to[g->output[o]] = 1;
    for (int32_t i = g->n - 1; i >= 0; i--) {
        const cb_node *x = &g->node[i];
        if (!to[i] || x->kind == CB_NODE_INPUT || x->kind == CB_NODE_CONST) continue;
        int32_t in[CB_GATE_INPUTS];
        for (int k = cb_node_operands(x, in) - 1; k >= 0; k--) to[in[k]] = 1;
    }
    for (int32_t i = 0; i < g->n; i++) {
        if (!to[i]) {
            to[i] = -1;
            continue;
        }
        cb_node x = g->node[i];
        if (x.kind != CB_NODE_INPUT && x.a >= 0) x.a = to[x.a];
        if (x.b >= 0) x.b = to[x.b];
        for (int k = 0; k < x.n_in; k++) x.in[k] = to[x.in[k]];
        to[i] = n;
        g->node[n++] = x;
    }
    for (int o = 0; o < g->n_output; o++) g->output[o] = to[g->output[o]];
    g->n = n;
    free(g->slot); /* construction may go on: the table is made anew */
    g->slot = NULL;
    return to;
}

int cb_netlist_prune(cb_netlist *g) {
    int32_t *to = cb_netlist_prune_to(g);
    free(to);
    return to ? 0 : -1;
}

void cb_netlist_free(cb_netlist *g) {
    free(g->node);
    free(g->slot);
    free(g->output);
    memset(g, 0, sizeof *g);
}

int cb_netlist_interval(const cb_netlist *g) { return g->ii > 1 ? g->ii : 1; }
