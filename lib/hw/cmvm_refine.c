/* A finished graph made better piece by piece (ruin and recreate).
 *
 * The graph is kept as sums: every shared value and every output is a row of terms (inputs and shared
 * values), values with one user have none of their own. A step takes something apart, a shared value
 * into all its users, one use of it, or a coefficient written with other digits, shares greedily what then occurs
 * twice (scores disturbed at random), and is undone if the adders became dearer than the falling threshold
 * allows. Greedy sharing alone ends where nothing occurs twice any more; most of its early
 * choices were between equals, and this is how they are revised. */
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "hw/cmvm_internal.h"
#include "hw/netlist.h"

/* An input, an output or a shared value. */
typedef struct {
    cb_row sum;
    int64_t lo, hi, cost;
    int uses, level;
    bool output, live, touched, seen; /* live: a shared value that exists */
} item;

/* What a step did, to be undone backwards. */
typedef enum { ADDED, REMOVED, MADE, FREED } deed;
typedef struct {
    deed what;
    int32_t row;
    cb_digit digit;
} record;

typedef struct {
    int32_t first, second;
    int shift;
    bool sub;
} pattern;

typedef uint64_t cell; /* key << 16 | count; 0 = free */

typedef struct {
    const cb_cmvm_problem *p;
    int limit;
    int32_t n, room, first_shared; /* items: inputs, outputs, shared values */
    item *item;
    int64_t *coef;                 /* [room][n_in] */
    int32_t *vacant, n_vacant;
    cell *tables, *cell;           /* two tables of n_cell; the one in use */
    size_t n_cell, used;
    record *journal;
    size_t n_journal, journal_room;
    uint64_t *offer;
    size_t n_offer, offer_room;
    int32_t *touched, n_touched;
    int64_t work;                  /* comparisons of digits so far */
    bool too_wide;                 /* a term of the step has more than MOST_BITS bits */
    cb_rng rng;
} state;

static int64_t *coefs(const state *s, int32_t i) { return s->coef + (int64_t)i * s->p->n_in; }

/* ---- counts of patterns ---- */

/* Graphs of at most 30000 nodes come here (cmvm.c): a pattern occurs less than 2^16 times. */
enum { COUNT_BITS = 16, NODE_BITS = 19, COUNT = (1 << COUNT_BITS) - 1 };

static uint64_t pack(const cb_digit *x, const cb_digit *y) {
    if (x->node > y->node || (x->node == y->node && x->shift > y->shift)) {
        const cb_digit *t = x;
        x = y, y = t;
    }
    int shift = y->shift - x->shift;
    if (shift > 120 || shift < -120) return 0;
    return (((uint64_t)x->node << NODE_BITS | (uint64_t)y->node) << 9 | (uint64_t)(shift + 128) << 1 | (x->sign != y->sign)) << COUNT_BITS;
}

static pattern unpack(uint64_t k) {
    int32_t mask = (1 << NODE_BITS) - 1;
    k >>= COUNT_BITS;
    return (pattern){(int32_t)(k >> (9 + NODE_BITS)) & mask, (int32_t)(k >> 9) & mask, (int)(k >> 1 & 255) - 128, k & 1};
}

static cell *find(const state *s, uint64_t key) {
    uint64_t h = key * 0x9e3779b97f4a7c15u;
    h ^= h >> 31;
    cell *c = &s->cell[h & (s->n_cell - 1)];
    while (*c && (*c & ~(uint64_t)COUNT) != key) c = c + 1 < s->cell + s->n_cell ? c + 1 : s->cell;
    return c;
}

/* A larger table, or the same size without the patterns that are gone (into the other of two tables). */
static int enlarge(state *s) {
    size_t n = s->n_cell, live = 0;
    cell *old = s->cell, *grown = NULL;
    for (size_t i = 0; i < n; i++) live += (old[i] & COUNT) != 0;
    while (s->n_cell < 1024 || 3 * live > s->n_cell) s->n_cell = s->n_cell ? 2 * s->n_cell : 1024;
    if (s->n_cell > n) {
        if (!(grown = cb_alloc(2 * s->n_cell, sizeof *grown))) return -1;
        s->cell = grown;
    } else {
        s->cell = old == s->tables ? old + n : s->tables;
        memset(s->cell, 0, n * sizeof *s->cell);
    }
    s->used = live;
    for (size_t i = 0; i < n; i++)
        if (old[i] & COUNT) *find(s, old[i] & ~(uint64_t)COUNT) = old[i];
    if (grown) {
        free(s->tables);
        s->tables = grown;
    }
    return 0;
}

static int offer(state *s, uint64_t key) {
    if (s->n_offer == s->offer_room) {
        size_t room = s->offer_room ? 2 * s->offer_room : 256;
        uint64_t *o = cb_realloc(s->offer, room, sizeof *o);
        if (!o) return -1;
        s->offer = o, s->offer_room = room;
    }
    s->offer[s->n_offer++] = key;
    return 0;
}

static int change(state *s, const cb_digit *x, const cb_digit *y, int by) {
    uint64_t key = pack(x, y);
    if (!key) return 0;
    if (2 * s->used >= s->n_cell && enlarge(s)) return -1;
    cell *c = find(s, key);
    if (!*c) *c = key, s->used++;
    *c += (uint64_t)by;
    return by > 0 && (*c & COUNT) >= 2 ? offer(s, key) : 0;
}

/* ---- rows and the journal ---- */

static int note(state *s, deed what, int32_t row, cb_digit digit) {
    if (s->n_journal == s->journal_room) {
        size_t room = s->journal_room ? 2 * s->journal_room : 1024;
        record *j = cb_realloc(s->journal, room, sizeof *j);
        if (!j) return -1;
        s->journal = j, s->journal_room = room;
    }
    s->journal[s->n_journal++] = (record){what, row, digit};
    if (row >= 0 && !s->item[row].touched) s->item[row].touched = true, s->touched[s->n_touched++] = row;
    return 0;
}

static int count_with(state *s, int32_t row, const cb_digit *d, int by) {
    const cb_row *r = &s->item[row].sum;
    s->work += r->n;
    for (int j = 0; j < r->n; j++)
        if (&r->d[j] != d && change(s, d, &r->d[j], by)) return -1;
    return 0;
}

static int insert(state *s, int32_t row, cb_digit d) {
    cb_row *r = &s->item[row].sum;
    if (r->n == r->room) {
        int room = r->room ? 2 * r->room : 8;
        cb_digit *more = cb_realloc(r->d, (size_t)room, sizeof *more);
        if (!more) return -1;
        r->d = more, r->room = room;
    }
    r->d[r->n++] = d;
    s->item[d.node].uses++;
    return count_with(s, row, &r->d[r->n - 1], +1);
}

static int delete(state *s, int32_t row, int i) {
    cb_row *r = &s->item[row].sum;
    int rc = count_with(s, row, &r->d[i], -1);
    s->item[r->d[i].node].uses--;
    r->d[i] = r->d[--r->n];
    return rc;
}

static int index_of(const cb_row *r, int32_t node, int shift) {
    int i = 0;
    while (i < r->n && (r->d[i].node != node || r->d[i].shift != shift)) i++;
    return i < r->n ? i : -1;
}

static int take(state *s, int32_t row, int i) {
    return note(s, REMOVED, row, s->item[row].sum.d[i]) || delete(s, row, i) ? -1 : 0;
}

enum { MOST_BITS = 53 }; /* of a term: a sum of MOST_PARTS stays exact */

static int put(state *s, int32_t row, int32_t node, int shift, int sign) {
    s->too_wide |= shift + cb_interval_width(s->item[node].lo, s->item[node].hi) > MOST_BITS;
    int i = index_of(&s->item[row].sum, node, shift);
    if (i >= 0) { /* x - x = 0, x + x = x << 1 */
        bool cancels = s->item[row].sum.d[i].sign != sign;
        if (take(s, row, i)) return -1;
        return cancels ? 0 : put(s, row, node, shift + 1, sign);
    }
    cb_digit d = {node, (int16_t)shift, (int8_t)sign, false};
    return note(s, ADDED, row, d) || insert(s, row, d) ? -1 : 0;
}

static int undo(state *s) {
    while (s->n_journal) {
        record *j = &s->journal[--s->n_journal];
        item *x = &s->item[j->row];
        if (j->what == ADDED && delete(s, j->row, index_of(&x->sum, j->digit.node, j->digit.shift))) return -1;
        if (j->what == REMOVED && insert(s, j->row, j->digit)) return -1;
        if (j->what == MADE) s->vacant[s->n_vacant++] = j->row, x->live = false;
        if (j->what == FREED) x->live = true;
    }
    return 0;
}

/* ---- shared values ---- */

static void find_range(state *s, int32_t i) {
    const int64_t *c = coefs(s, i);
    int64_t lo = 0, hi = 0;
    for (int k = 0; k < s->p->n_in; k++) {
        if (!c[k]) continue;
        lo += c[k] * (c[k] > 0 ? s->p->lo[k] : s->p->hi[k]);
        hi += c[k] * (c[k] > 0 ? s->p->hi[k] : s->p->lo[k]);
    }
    s->item[i].lo = lo, s->item[i].hi = hi;
}

static int reserve(state *s) {
    if (s->n < s->room) return 0;
    int32_t room = s->room ? 2 * s->room : s->p->n_in + s->p->n_out + 256;
    item *x = cb_realloc(s->item, (size_t)room, sizeof *x);
    if (x) s->item = x, memset(x + s->room, 0, (size_t)(room - s->room) * sizeof *x);
    int64_t *c = x ? cb_realloc(s->coef, (size_t)room * (size_t)s->p->n_in + 1, sizeof *c) : NULL;
    if (c) s->coef = c;
    int32_t *v = c ? cb_realloc(s->vacant, (size_t)room, sizeof *v) : NULL, *t = NULL;
    if (v) s->vacant = v, t = cb_realloc(s->touched, (size_t)room, sizeof *t);
    if (!t) return -1;
    s->touched = t, s->room = room;
    return 0;
}

/* first << up +- second << up', the value of the pattern with its lower shift at 0. */
static int32_t make(state *s, pattern p) {
    int sa = p.shift < 0 ? -p.shift : 0, sb = p.shift > 0 ? p.shift : 0;
    if (!s->n_vacant && reserve(s)) return -1;
    int32_t i = s->n_vacant ? s->vacant[--s->n_vacant] : s->n++;
    int64_t *c = coefs(s, i), up = (int64_t)1 << sa, other = p.sub ? -((int64_t)1 << sb) : (int64_t)1 << sb;
    for (int k = 0; k < s->p->n_in; k++) c[k] = coefs(s, p.first)[k] * up + coefs(s, p.second)[k] * other;
    s->item[i].live = true;
    find_range(s, i);
    if (note(s, MADE, i, (cb_digit){0}) || put(s, i, p.first, sa, 1) || put(s, i, p.second, sb, p.sub ? -1 : 1)) return -1;
    return i;
}

/* The terms of item `node` in place of digit i of the row. */
static int expand(state *s, int32_t row, int i) {
    cb_digit d = s->item[row].sum.d[i];
    if (take(s, row, i)) return -1;
    for (int k = 0; k < s->item[d.node].sum.n; k++) {
        cb_digit t = s->item[d.node].sum.d[k];
        if (put(s, row, t.node, t.shift + d.shift, t.sign * d.sign)) return -1;
    }
    return 0;
}

static int dissolve(state *s, int32_t node) {
    for (int32_t r = s->p->n_in; r < s->n && s->item[node].uses; r++)
        for (int i = 0; i < s->item[r].sum.n; i++)
            if (s->item[r].sum.d[i].node == node) {
                if (expand(s, r, i)) return -1;
                i = -1;
            }
    while (s->item[node].sum.n)
        if (take(s, node, s->item[node].sum.n - 1)) return -1;
    if (note(s, FREED, node, (cb_digit){0})) return -1;
    s->item[node].live = false;
    return 0;
}

static bool useless(const state *s, int32_t i) { return s->item[i].live && (s->item[i].uses < 2 || s->item[i].sum.n < 2); }

/* ---- sharing ---- */

static int partner(const cb_row *r, int i, pattern p) {
    int j = index_of(r, p.second, r->d[i].shift + p.shift);
    return j >= 0 && j != i && (r->d[j].sign != r->d[i].sign) == p.sub ? j : -1;
}

/* A match of the pattern in the row (the lowest), or -1. */
static int match(const cb_row *r, pattern p, int *other) {
    int best = -1;
    for (int i = 0; i < r->n; i++) {
        if (r->d[i].node != p.first || (best >= 0 && r->d[i].shift > r->d[best].shift)) continue;
        int j = partner(r, i, p);
        if (j >= 0) best = i, *other = j;
    }
    return best;
}

/* Puts the value of the pattern, which a shared item may be already, in place of all its matches. */
static int share(state *s, pattern p) {
    int32_t node = -1;
    int other;
    for (int32_t r = s->first_shared; r < s->n && node < 0; r++)
        if (s->item[r].sum.n == 2 && match(&s->item[r].sum, p, &other) >= 0) node = r;
    cb_digit is = {0}; /* the digit of p.first in the item */
    if (node < 0 && (node = make(s, p)) < 0) return -1;
    is = s->item[node].sum.d[match(&s->item[node].sum, p, &other)];
    for (int32_t r = s->p->n_in; r < s->n; r++) {
        if (r == node) continue;
        for (int i; (i = match(&s->item[r].sum, p, &other)) >= 0;) {
            cb_digit d = s->item[r].sum.d[i], e = s->item[r].sum.d[other];
            if (take(s, r, index_of(&s->item[r].sum, d.node, d.shift)) || take(s, r, index_of(&s->item[r].sum, e.node, e.shift)) ||
                put(s, r, node, d.shift - is.shift, d.sign * is.sign)) return -1;
        }
    }
    return 0;
}

/* Disjoint matches of x + x << shift: a chain of n+1 equally spaced digits has (n+1)/2. */
static int matches_of_itself(state *s, pattern p) {
    int n = 0;
    for (int32_t r = s->p->n_in; r < s->n; r++) {
        const cb_row *row = &s->item[r].sum;
        int last = -1000;
        for (int i; ; ) {
            int best = -1;
            for (i = 0; i < row->n; i++)
                if (row->d[i].node == p.first && row->d[i].shift > last && (best < 0 || row->d[i].shift < row->d[best].shift) &&
                    partner(row, i, p) >= 0) best = i;
            if (best < 0) break;
            n++;
            last = row->d[best].shift + p.shift;
        }
    }
    return n;
}

enum { NOISE = 64 }; /* of 256: how much a score is disturbed */

static int64_t gain(state *s, pattern p, int count) {
    const item *x = &s->item[p.first], *y = &s->item[p.second];
    int top = cb_interval_width(x->lo, x->hi), other = cb_interval_width(y->lo, y->hi) + p.shift;
    int cost = (top > other ? top : other) + 1 - abs(p.shift);
    return (int64_t)(count - 1) * (cost < 1 ? 1 : cost) * (256 + cb_rng_below(&s->rng, NOISE));
}

/* Shares the best of what is on offer until nothing occurs twice. */
static int share_all(state *s) {
    while (s->n_offer && !s->too_wide) {
        int64_t most = -1;
        size_t best = 0, kept = 0;
        for (size_t k = 0; k < s->n_offer; k++) {
            int count = (int)(*find(s, s->offer[k]) & COUNT);
            if (count < 2) continue;
            s->offer[kept] = s->offer[k];
            int64_t v = gain(s, unpack(s->offer[k]), count);
            if (v > most) most = v, best = kept;
            kept++;
        }
        s->n_offer = kept;
        if (!kept) break;
        pattern p = unpack(s->offer[best]);
        s->offer[best] = s->offer[--s->n_offer];
        if (p.first == p.second && matches_of_itself(s, p) < 2) continue;
        if (share(s, p)) return -1;
    }
    return 0;
}

/* Values that lost their users go, those with one user or term are no values of their own. */
static int tidy(state *s) {
    for (int32_t i = s->first_shared; i < s->n; i++) {
        if (!useless(s, i)) continue;
        if (dissolve(s, i)) return -1;
        i = s->first_shared - 1;
    }
    return 0;
}

static int recreate(state *s) {
    do {
        if (share_all(s) || tidy(s)) return -1;
    } while (s->n_offer && !s->too_wide);
    return 0;
}

/* ---- cost ---- */

typedef struct {
    int64_t lo, hi;
    int shift, top;
    bool neg;
} part;

enum { MOST_PARTS = 512 }; /* of a longer row only so many are looked at */

static part part_of(int64_t lo, int64_t hi, int shift, bool neg) {
    return (part){lo, hi, shift, cb_interval_width(lo, hi) + shift, neg};
}

/* x +- y, as rows are summed: the positive one is the minuend, unless it is shifted the further (then the sum waits
 * with a minus sign). */
static int add_parts(const part *x, const part *y, bool last, part *sum) {
    const part *p = x, *q = y;
    if (x->neg != y->neg) {
        const part *plus = x->neg ? y : x, *minus = x->neg ? x : y;
        bool turn = !last && plus->shift > minus->shift + 1;
        p = turn ? minus : plus, q = turn ? plus : minus;
    }
    bool sub = p->neg != q->neg;
    int low = p->shift < q->shift ? p->shift : q->shift, sa = p->shift - low, sb = q->shift - low;
    int64_t up = (int64_t)1 << sa, down = (int64_t)1 << sb;
    int64_t lo = p->lo * up + (sub ? -q->hi : q->lo) * down, hi = p->hi * up + (sub ? -q->lo : q->hi) * down;
    int cost = cb_adder_cost(p->lo, p->hi, sa, q->lo, q->hi, sb, sub, lo, hi);
    *sum = part_of(lo, hi, low, p->neg);
    return cost;
}

/* The constant joins the part with which it costs least. */
static int64_t join_constant(part *x, int n, int64_t value) {
    part c = part_of(value, value, 0, false), sum, best_sum = c;
    int best = -1, least = 0;
    int shift = __builtin_ctzll((uint64_t)value);
    value /= (int64_t)1 << shift;
    c = part_of(value, value, shift, false);
    for (int i = 0; i < n; i++) {
        int cost = add_parts(&c, &x[i], n == 1, &sum);
        if (best < 0 || cost < least) best = i, least = cost, best_sum = sum;
    }
    if (best >= 0) x[best] = best_sum;
    return least;
}

/* Adders of a row, its narrowest terms first. */
static int64_t row_cost(const state *s, int32_t row) {
    const cb_row *r = &s->item[row].sum;
    part x[MOST_PARTS];
    int64_t cost = 0, constant = s->item[row].output ? s->p->constant[row - s->p->n_in] : 0;
    int n = r->n < MOST_PARTS ? r->n : MOST_PARTS;
    for (int i = 0; i < n; i++) {
        const item *y = &s->item[r->d[i].node];
        x[i] = part_of(y->lo, y->hi, r->d[i].shift, r->d[i].sign < 0);
    }
    if (constant && n) cost += join_constant(x, n, constant);
    while (n > 1) {
        int a = 0, b = 1;
        if (x[b].top < x[a].top) a = 1, b = 0;
        for (int i = 2; i < n; i++) {
            if (x[i].top < x[a].top) b = a, a = i;
            else if (x[i].top < x[b].top) b = i;
        }
        cost += add_parts(&x[a], &x[b], n == 2, &x[a]);
        x[b] = x[--n];
    }
    if (n && x[0].neg && s->item[row].output) cost += cb_interval_width(x[0].lo, x[0].hi);
    return cost;
}

static int64_t touched_cost(state *s) {
    int64_t change = 0;
    for (int k = 0; k < s->n_touched; k++) {
        item *x = &s->item[s->touched[k]];
        change += row_cost(s, s->touched[k]) - x->cost;
    }
    return change;
}

static int level_of(state *s, int32_t i) {
    item *x = &s->item[i];
    if (i < s->p->n_in || x->seen) return x->level;
    uint64_t places = 0;
    for (int k = 0; k < x->sum.n; k++) {
        int l = level_of(s, x->sum.d[k].node);
        places += (uint64_t)1 << (l > 57 ? 57 : l);
    }
    if (x->output && s->p->constant && s->p->constant[i - s->p->n_in]) places++;
    x->seen = true;
    return x->level = places <= 1 ? 0 : 64 - __builtin_clzll(places - 1);
}

static int deepest(state *s) {
    int level = 0;
    for (int32_t i = s->p->n_in; i < s->n; i++) s->item[i].seen = false;
    for (int o = 0; o < s->p->n_out; o++) {
        int l = level_of(s, s->p->n_in + o);
        if (l > level) level = l;
    }
    return level;
}

static bool too_deep(state *s) { return s->limit >= 0 && deepest(s) > s->limit; }

/* ---- steps ---- */

/* A digit somewhere whose node is a shared value: its row and place. */
static bool some_use(state *s, int32_t *row, int *at) {
    for (int tries = 0; tries < 64; tries++) {
        int32_t r = s->p->n_in + (int32_t)cb_rng_below(&s->rng, (uint32_t)(s->n - s->p->n_in));
        if (!s->item[r].sum.n) continue;
        *row = r, *at = (int)cb_rng_below(&s->rng, (uint32_t)s->item[r].sum.n);
        if (s->item[s->item[r].sum.d[*at].node].live) return true;
    }
    return false;
}

static int32_t some_shared(state *s) {
    for (int tries = 0; tries < 64 && s->n > s->first_shared; tries++) {
        int32_t i = s->first_shared + (int32_t)cb_rng_below(&s->rng, (uint32_t)(s->n - s->first_shared));
        if (s->item[i].live) return i;
    }
    return -1;
}

/* x << k as x << (k+1) - x << k. */
static int rewrite(state *s) {
    int32_t r = s->p->n_in + (int32_t)cb_rng_below(&s->rng, (uint32_t)(s->n - s->p->n_in));
    if (!s->item[r].sum.n) return 0;
    int i = (int)cb_rng_below(&s->rng, (uint32_t)s->item[r].sum.n);
    cb_digit d = s->item[r].sum.d[i];
    return take(s, r, i) || put(s, r, d.node, d.shift + 1, d.sign) || put(s, r, d.node, d.shift, -d.sign) ? -1 : 0;
}

enum { MOST_RUINS = 2 }; /* in one step */

static int ruin(state *s) {
    int times = 1 + (int)cb_rng_below(&s->rng, MOST_RUINS);
    for (int k = 0; k < times; k++) {
        int32_t row;
        int at;
        switch (cb_rng_below(&s->rng, 3)) {
        case 0:
            if (some_use(s, &row, &at) && expand(s, row, at)) return -1;
            break;
        case 1:
            if (rewrite(s)) return -1;
            break;
        default:
            if ((row = some_shared(s)) >= 0 && dissolve(s, row)) return -1;
        }
    }
    return 0;
}

static void settle(state *s) {
    for (int k = 0; k < s->n_touched; k++) {
        item *x = &s->item[s->touched[k]];
        x->cost = row_cost(s, s->touched[k]);
    }
    for (size_t k = 0; k < s->n_journal; k++)
        if (s->journal[k].what == FREED) s->vacant[s->n_vacant++] = s->journal[k].row;
}

enum { STEP = 16 }; /* work of a step that changes nothing */

/* One step; `allowed`: by how much the cost may rise. */
static int step(state *s, int64_t allowed) {
    s->n_journal = s->n_offer = 0;
    s->n_touched = 0;
    s->too_wide = false;
    if (ruin(s) || recreate(s)) return -1;
    int rc = 0;
    if (!s->too_wide && touched_cost(s) <= allowed && !too_deep(s)) settle(s);
    else rc = undo(s);
    for (int k = 0; k < s->n_touched; k++) s->item[s->touched[k]].touched = false;
    return rc;
}

/* ---- from a graph and back ---- */

/* Every adder of the graph as a shared value of two terms, constants left out; tidy() then leaves those with several users. */
static int import_graph(state *s, const cb_cmvm_graph *g) {
    int n_in = s->p->n_in, n_out = s->p->n_out;
    while (s->room < g->n + n_out)
        if (s->n = s->room, reserve(s)) return -1;
    s->n = g->n + n_out, s->first_shared = n_in + n_out;
    for (int i = 0; i < n_in; i++) {
        memset(coefs(s, i), 0, (size_t)n_in * sizeof *s->coef);
        coefs(s, i)[i] = 1;
        s->item[i].lo = s->p->lo[i], s->item[i].hi = s->p->hi[i], s->item[i].level = s->p->level ? s->p->level[i] : 0;
    }
    for (int32_t i = n_in; i < g->n; i++) {
        const cb_cmvm_node *x = &g->node[i];
        int32_t to = i + n_out;
        s->item[to].live = true;
        memset(coefs(s, to), 0, (size_t)n_in * sizeof *s->coef);
        if (x->a < 0) continue; /* a constant: no terms */
        int32_t a = x->a < n_in ? x->a : x->a + n_out, b = x->b < n_in ? x->b : x->b + n_out;
        if (put(s, to, a, x->sa, 1) || put(s, to, b, x->sb, x->sub ? -1 : 1)) return -1;
        int64_t up = (int64_t)1 << x->sa, other = x->sub ? -((int64_t)1 << x->sb) : (int64_t)1 << x->sb;
        for (int k = 0; k < n_in; k++) coefs(s, to)[k] = coefs(s, a)[k] * up + coefs(s, b)[k] * other;
        find_range(s, to);
    }
    for (int o = 0; o < n_out; o++) {
        const cb_cmvm_ref *r = &g->out[o];
        s->item[n_in + o].output = true;
        if (r->node >= 0 && put(s, n_in + o, r->node < n_in ? r->node : r->node + n_out, r->shift, r->neg ? -1 : 1)) return -1;
    }
    return 0;
}

/* The node of an item in the graph that is built; done[i].shift < 0: not yet. */
static int export_item(state *s, cb_build *b, const cb_attempt *how, int32_t i, cb_cmvm_ref *done) {
    const item *x = &s->item[i];
    if (i < s->p->n_in || done[i].shift >= 0) return 0;
    cb_row row = {.constant = x->output ? s->p->constant[i - s->p->n_in] : 0};
    int rc = 0;
    for (int k = 0; k < x->sum.n && !rc; k++) {
        const cb_digit *d = &x->sum.d[k];
        if (export_item(s, b, how, d->node, done)) rc = -1;
        else if (d->node < s->p->n_in) rc = cb_row_put(&row, d->node, d->shift, d->sign);
        else if (done[d->node].node >= 0)
            rc = cb_row_put(&row, done[d->node].node, d->shift + done[d->node].shift, done[d->node].neg ? -d->sign : d->sign);
    }
    cb_attempt own = *how;
    own.positive = x->output;
    own.strict = how->limit >= 0;
    own.narrow_first = true;
    if (how->limit >= 0 && !x->output) own.limit = level_of(s, i);
    if (!rc) rc = cb_row_sum(b, &row, &own, &done[i]);
    free(row.d);
    return rc;
}

static int export_graph(state *s, cb_build *b, const cb_attempt *how, cb_cmvm_ref *out) {
    cb_cmvm_ref *done = cb_alloc((size_t)s->n + 1, sizeof *done);
    int rc = done ? 0 : -1;
    for (int32_t i = 0; i < s->n && !rc; i++) done[i].shift = -1, s->item[i].seen = false;
    for (int o = 0; o < s->p->n_out && !rc; o++) {
        rc = export_item(s, b, how, s->p->n_in + o, done);
        out[o] = done[s->p->n_in + o];
    }
    free(done);
    return rc;
}

static void state_free(state *s) {
    for (int32_t i = 0; i < s->room; i++) free(s->item[i].sum.d);
    free(s->item), free(s->coef), free(s->vacant), free(s->tables), free(s->journal), free(s->offer), free(s->touched);
}

int cb_refine(cb_build *b, const cb_cmvm_graph *g, const cb_attempt *how, const cb_refine_rules *rules, cb_cmvm_ref *out) {
    state s = {.p = b->p, .limit = -1, .rng = cb_rng_at(how->seed, "refine", 0)};
    int rc = import_graph(&s, g) || recreate(&s) ? -1 : 0;
    for (int32_t i = s.p->n_in; i < s.n && !rc; i++) s.item[i].cost = row_cost(&s, i), s.item[i].touched = false;
    if (!rc && how->limit >= 0) {
        int now = deepest(&s);
        s.limit = now > how->limit ? now : how->limit;
    }
    bool narrow = !s.too_wide; /* else the values leave no room for other digits: the graph stays */
    for (s.work = 0; s.work < rules->work && narrow && !rc;) {
        int64_t u = cb_rng_below(&s.rng, 1024), heat = rules->heat * (rules->work - s.work) / rules->work;
        s.work += STEP;
        rc = step(&s, heat * u * u * u >> 30);
    }
    if (!rc) rc = export_graph(&s, b, how, out);
    state_free(&s);
    return rc;
}
