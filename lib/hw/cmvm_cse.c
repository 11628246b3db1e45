/* Stage 2: greedy sharing of two-term subexpressions, then trees (cmvm.h).
 *
 * Counts of patterns are kept exactly: a digit that comes or goes changes the count
 * of its pattern with each other digit of the same row by one. Candidates wait in a
 * heap; an entry whose count is out of date is corrected when it comes to the top. */
#include <stdlib.h>
#include <string.h>

#include "hw/cmvm_internal.h"
#include "hw/netlist.h"

/* first + second << shift (or -): first < second, or equal with shift > 0. */
typedef struct {
    int32_t first, second;
    int shift;
    bool sub;
} pattern;

typedef struct {
    uint64_t key; /* pattern packed, 0 = free */
    int32_t count;
    int32_t queued; /* highest count with an entry in the heap, at least `count` from 2 on */
} cell;

typedef struct {
    int64_t score;
    uint64_t key;
    int32_t count;
} candidate;

typedef struct {
    cb_build *b;
    cb_row *row;
    int n_row;
    const cb_attempt *how;
    cell *cell;
    size_t n_cell, used;
    candidate *heap;
    size_t n_heap, heap_room;
    bool starting;
    int32_t *block, n_block, block_room; /* digits of nodes of different blocks form no pairs */
} state;

static uint64_t pack(pattern p) {
    return (uint64_t)1 << 63 | (uint64_t)p.first << 36 | (uint64_t)p.second << 9 | (uint64_t)(p.shift + 128) << 1 | p.sub;
}

static pattern unpack(uint64_t k) {
    pattern p = {(int32_t)(k >> 36 & 0x7ffffff), (int32_t)(k >> 9 & 0x7ffffff), (int)(k >> 1 & 255) - 128, k & 1};
    return p;
}

static pattern relation(const cb_digit *x, const cb_digit *y) {
    if (x->node > y->node || (x->node == y->node && x->shift > y->shift)) {
        const cb_digit *t = x;
        x = y, y = t;
    }
    pattern p = {x->node, y->node, y->shift - x->shift, x->sign != y->sign};
    return p;
}

/* ---- the table of counts ---- */

static cell *find(const state *s, uint64_t key) {
    uint64_t h = key * 0x9e3779b97f4a7c15u;
    h ^= h >> 31;
    cell *c = &s->cell[h & (s->n_cell - 1)];
    while (c->key && c->key != key) c = c + 1 < s->cell + s->n_cell ? c + 1 : s->cell;
    return c;
}

static int enlarge(state *s) {
    cell *old = s->cell;
    size_t n = s->n_cell;
    s->n_cell = n ? 2 * n : 1 << 12;
    if (!(s->cell = cb_alloc(s->n_cell, sizeof *s->cell))) return free(old), -1;
    for (size_t i = 0; i < n; i++)
        if (old[i].key) *find(s, old[i].key) = old[i];
    free(old);
    return 0;
}

/* ---- the heap ---- */

static bool better(const candidate *x, const candidate *y) {
    return x->score != y->score ? x->score > y->score : x->key > y->key;
}

static int push(state *s, candidate c) {
    if (s->n_heap == s->heap_room) {
        size_t room = s->heap_room ? 2 * s->heap_room : 1024;
        candidate *h = cb_realloc(s->heap, room, sizeof *h);
        if (!h) return -1;
        s->heap = h;
        s->heap_room = room;
    }
    size_t i = s->n_heap++;
    for (; i && better(&c, &s->heap[(i - 1) / 2]); i = (i - 1) / 2) s->heap[i] = s->heap[(i - 1) / 2];
    s->heap[i] = c;
    return 0;
}

static candidate pop(state *s) {
    candidate top = s->heap[0], last = s->heap[--s->n_heap];
    size_t i = 0;
    for (size_t c; (c = 2 * i + 1) < s->n_heap; i = c) {
        if (c + 1 < s->n_heap && better(&s->heap[c + 1], &s->heap[c])) c++;
        if (!better(&s->heap[c], &last)) break;
        s->heap[i] = s->heap[c];
    }
    s->heap[i] = last;
    return top;
}

/* Bits in which the shifted operands overlap, and the carry bits of their sum. */
static int overlap(const cb_cmvm_node *x, const cb_cmvm_node *y, int shift) {
    int top = cb_interval_width(x->lo, x->hi), other = cb_interval_width(y->lo, y->hi) + shift;
    int bits = (top < other ? top : other) - (shift > 0 ? shift : 0);
    return bits < 1 ? 1 : bits;
}

/* What operands of different levels cost. */
static int64_t penalty(const state *s, const cb_cmvm_node *x, const cb_cmvm_node *y) {
    int late = x->level - y->level;
    return (int64_t)s->how->latency_weight * 1024 * (late < 0 ? -late : late);
}

static int64_t score(const state *s, pattern p, int32_t count) {
    const cb_cmvm_node *x = &s->b->node[p.first], *y = &s->b->node[p.second];
    int64_t v = (int64_t)count * overlap(x, y, p.shift);
    if (s->how->by_saving) {
        int top = cb_interval_width(x->lo, x->hi), other = cb_interval_width(y->lo, y->hi) + p.shift;
        int cost = (top > other ? top : other) + 1 - abs(p.shift);
        v = (int64_t)(count - 1) * (cost < 1 ? 1 : cost);
    }
    return v * 1024 - penalty(s, x, y);
}
static int offer(state *s, cell *c) {
    if (c->count < 2 || c->queued >= c->count) return 0;
    c->queued = c->count;
    return push(s, (candidate){score(s, unpack(c->key), c->count), c->key, c->count});
}

/* The pattern of two digits of one row appears (+1) or disappears (-1). The first count of all
 * (`starting`) goes without the heap. */
static int change(state *s, const cb_digit *x, const cb_digit *y, int by) {
    pattern p = relation(x, y);
    if (p.shift > 120 || p.shift < -120 || s->block[p.first] != s->block[p.second]) return 0;
    if (2 * s->used >= s->n_cell && enlarge(s)) return -1;
    uint64_t key = pack(p);
    cell *c = find(s, key);
    if (!c->key) {
        c->key = key;
        s->used++;
    }
    c->count += by;
    return by > 0 && !s->starting ? offer(s, c) : 0;
}

/* ---- rows ---- */

int cb_row_put(cb_row *r, int32_t node, int shift, int sign) {
    for (int i = 0; i < r->n; i++) {
        cb_digit *d = &r->d[i];
        if (!d->sign || d->node != node || d->shift != shift) continue;
        bool cancels = d->sign != sign; /* x - x = 0, x + x = x << 1 */
        d->sign = 0;
        return cancels ? 0 : cb_row_put(r, node, shift + 1, sign);
    }
    if (r->n == r->room) {
        int room = r->room ? 2 * r->room : 16;
        cb_digit *d = cb_realloc(r->d, (size_t)room, sizeof *d);
        if (!d) return -1;
        r->d = d;
        r->room = room;
    }
    r->d[r->n++] = (cb_digit){node, (int16_t)shift, (int8_t)sign, false};
    return 0;
}

static int count_with(state *s, const cb_row *r, int i, int by) {
    for (int j = 0; j < r->n; j++)
        if (j != i && r->d[j].sign && change(s, &r->d[i], &r->d[j], by)) return -1;
    return 0;
}

static int take(state *s, cb_row *r, int i) {
    int rc = count_with(s, r, i, -1);
    r->d[i].sign = 0;
    return rc;
}

static int put(state *s, cb_row *r, int32_t node, int shift, int sign) {
    int i = 0;
    while (i < r->n && !(r->d[i].sign && r->d[i].node == node && r->d[i].shift == shift)) i++;
    if (i < r->n) { /* there already: x - x = 0, x + x = x << 1 */
        bool cancels = r->d[i].sign != sign;
        if (take(s, r, i)) return -1;
        return cancels ? 0 : put(s, r, node, shift + 1, sign);
    }
    i = 0;
    while (i < r->n && r->d[i].sign) i++; /* a used-up place */
    if (i == r->n && cb_row_put(r, node, shift, sign)) return -1;
    r->d[i] = (cb_digit){node, (int16_t)shift, (int8_t)sign, false};
    return count_with(s, r, i, +1);
}

/* The digit of p.second that goes with digit i of p.first, or -1. */
static int partner(const cb_row *r, int i, pattern p) {
    for (int j = 0; j < r->n; j++)
        if (j != i && r->d[j].sign && r->d[j].node == p.second && r->d[j].shift == r->d[i].shift + p.shift &&
            (r->d[j].sign != r->d[i].sign) == p.sub)
            return j;
    return -1;
}

/* The lowest digit of p.first above `from` that has a partner, or -1. */
static int next_match(const cb_row *r, pattern p, int from, int *other) {
    int best = -1;
    for (int i = 0; i < r->n; i++) {
        const cb_digit *d = &r->d[i];
        if (!d->sign || d->node != p.first || d->shift <= from || (best >= 0 && d->shift >= r->d[best].shift)) continue;
        int j = partner(r, i, p);
        if (j >= 0) best = i, *other = j;
    }
    return best;
}

/* Disjoint matches in all rows. */
static int matches(const state *s, pattern p) {
    int n = 0;
    for (int o = 0; o < s->n_row; o++) {
        cb_row *r = &s->row[o];
        int j, last = -1000, blocked = -1000;
        for (int i; (i = next_match(r, p, last, &j)) >= 0; last = r->d[i].shift) {
            if (p.first == p.second && r->d[i].shift == blocked) continue; /* its digit is a partner already */
            blocked = r->d[j].shift;
            n++;
        }
    }
    return n;
}

static int assign_block(state *s, int32_t node, int32_t block) {
    if (node < s->n_block) return 0; /* there before */
    if (node >= s->block_room) {
        int32_t room = 2 * node + 64;
        int32_t *more = cb_realloc(s->block, (size_t)room, sizeof *more);
        if (!more) return -1;
        s->block = more;
        s->block_room = room;
    }
    while (s->n_block <= node) s->block[s->n_block++] = block;
    return 0;
}

/* One block where all pairs fit, else as many as are needed, neighbours together. */
static int make_blocks(state *s) {
    int64_t pairs = 0, n = s->b->n;
    for (int o = 0; o < s->n_row; o++) pairs += (int64_t)s->row[o].n * s->row[o].n / 2;
    int64_t blocks = pairs / s->how->most_pairs + 1;
    if (blocks > n) blocks = n;
    for (int64_t i = 0; i < n; i++)
        if (assign_block(s, (int32_t)i, (int32_t)(i * blocks / n))) return -1;
    return 0;
}

/* Does a tree of the row's terms still keep to the limit with terms i and j replaced by their sum, of that level? */
static bool leaves_room(const state *s, const cb_row *r, int i, int j, int level) {
    int limit = s->how->limit;
    if (!s->how->strict || limit > 60) return true;
    if (level > limit) return false;
    uint64_t now = cb_row_places(s->b, r), all = (uint64_t)1 << limit;
    uint64_t then = now - ((uint64_t)1 << s->b->node[r->d[i].node].level) - ((uint64_t)1 << s->b->node[r->d[j].node].level) + ((uint64_t)1 << level);
    return then <= now || then + s->how->constants <= all;
}

/* Replaces every match by a digit of the new node. */
static int replace(state *s, pattern p) {
    /* the unshifted operand is the minuend: its low bits are wires then */
    bool swap = p.sub && p.shift < 0;
    int sa = p.shift < 0 ? -p.shift : 0, sb = p.shift > 0 ? p.shift : 0;
    int32_t node = swap ? cb_build_add(s->b, p.second, sb, p.first, sa, true)
                        : cb_build_add(s->b, p.first, sa, p.second, sb, p.sub);
    if (node < 0 || assign_block(s, node, s->block[p.first])) return -1;
    for (int o = 0; o < s->n_row; o++) {
        cb_row *r = &s->row[o];
        int j, last = -1000;
        for (int i; (i = next_match(r, p, last, &j)) >= 0;) {
            last = r->d[i].shift;
            if (!leaves_room(s, r, i, j, s->b->node[node].level)) continue;
            int sign = swap ? r->d[j].sign : r->d[i].sign, shift = r->d[i].shift < r->d[j].shift ? r->d[i].shift : r->d[j].shift;
            if (take(s, r, i) || take(s, r, j) || put(s, r, node, shift, sign)) return -1;
        }
    }
    return 0;
}

/* Counts everything, then queues what occurs twice. */
static int start(state *s) {
    s->starting = true;
    for (int o = 0; o < s->n_row; o++)
        for (int i = 1; i < s->row[o].n; i++)
            for (int j = 0; j < i; j++)
                if (change(s, &s->row[o].d[i], &s->row[o].d[j], +1)) return -1;
    s->starting = false;
    for (size_t i = 0; i < s->n_cell; i++)
        if (s->cell[i].key && offer(s, &s->cell[i])) return -1;
    return 0;
}

static int run(state *s) {
    if (start(s)) return -1;
    while (s->n_heap) {
        candidate c = pop(s);
        cell *now = find(s, c.key);
        if (c.count != now->queued) continue; /* a better entry came later */
        if (now->count < c.count) {           /* matches were used up meanwhile */
            now->queued = 0;
            if (offer(s, now)) return -1;
            continue;
        }
        if (c.score < 0 && s->how->latency_weight >= 4096) break; /* what is left would cost levels */
        pattern p = unpack(c.key);
        if (p.first == p.second && matches(s, p) < 2) continue; /* x + x<<s + x<<2s: one use only */
        now->queued = 0;
        if (replace(s, p)) return -1;
    }
    return 0;
}

int cb_cse(cb_build *b, cb_row *row, int n_row, const cb_attempt *how) {
    state s = {.b = b, .row = row, .n_row = n_row, .how = how};
    int rc = make_blocks(&s) || run(&s) ? -1 : 0;
    free(s.block);
    free(s.cell);
    free(s.heap);
    return rc;
}

/* ---- trees ---- */

/* Order in which a tree takes its terms. */
static int64_t urgency(const cb_build *b, const cb_digit *d, const cb_attempt *how) {
    const cb_cmvm_node *x = &b->node[d->node];
    int64_t top = cb_interval_width(x->lo, x->hi) + d->shift, level = how->narrow_first ? 0 : x->level;
    return (level << 40) + ((int64_t)(d->sign < 0) << 39) * !how->narrow_first + (top << 24) + d->shift;
}

/* The most urgent term but `not` and those set aside, or -1. */
static int earliest(const cb_build *b, const cb_row *r, const cb_attempt *how, int not) {
    int best = -1;
    int64_t least = 0;
    for (int i = 0; i < r->n; i++) {
        if (!r->d[i].sign || i == not || r->d[i].aside) continue;
        int64_t u = urgency(b, &r->d[i], how);
        if (best < 0 || u < least || (u == least && r->d[i].node < r->d[best].node)) best = i, least = u;
    }
    return best;
}

/* x + y -> a digit of a new node; positive if that is possible and this is the last sum. */
static int combine(cb_build *b, cb_digit x, cb_digit y, bool last, cb_digit *sum) {
    int low = x.shift < y.shift ? x.shift : y.shift;
    if (x.sign != y.sign) {
        /* the positive term is the minuend, unless it is shifted the further: a minuend
         * with the lower bits passes them as wires, and the sign waits for its consumer */
        cb_digit *plus = x.sign > 0 ? &x : &y, *minus = x.sign > 0 ? &y : &x;
        bool turn = !last && plus->shift > minus->shift + 1;
        if ((turn ? minus : plus) == &y) {
            cb_digit t = x;
            x = y, y = t;
        }
    }
    int32_t n = cb_build_add(b, x.node, x.shift - low, y.node, y.shift - low, x.sign != y.sign);
    if (n < 0) return -1;
    *sum = (cb_digit){n, (int16_t)low, x.sign, false};
    return 0;
}

uint64_t cb_row_places(const cb_build *b, const cb_row *r) {
    uint64_t places = 0;
    for (int k = 0; k < r->n; k++)
        if (r->d[k].sign) places += (uint64_t)1 << b->node[r->d[k].node].level;
    return places;
}

/* The constant joins the term with which it costs least; strictly, the least one that the limit allows. */
static int join_constant(cb_build *b, cb_row *r, const cb_attempt *how) {
    int64_t value = r->constant;
    int shift = value ? __builtin_ctzll((uint64_t)value) : 0, best = -1, least = 0;
    value /= (int64_t)1 << shift;
    int left = 0;
    bool strict = how->strict && how->limit <= 60;
    uint64_t places = strict ? cb_row_places(b, r) : 0;
    for (int i = 0; i < r->n; i++) {
        const cb_digit *d = &r->d[i];
        if (!d->sign) continue;
        left++;
        const cb_cmvm_node *x = &b->node[d->node];
        bool late = strict && places + ((uint64_t)1 << x->level) > (uint64_t)1 << how->limit;
        int low = d->shift < shift ? d->shift : shift, top = cb_interval_width(x->lo, x->hi) + d->shift - low;
        int sc = shift - low, sx = d->shift - low, ctop = cb_interval_width(value, value) + sc;
        int width = (top > ctop ? top : ctop) + 1;
        bool apart = d->sign > 0 && ((value > 0 && ctop <= sx) || (x->lo >= 0 && top <= sc));
        int cost = apart ? 0 : width - (d->sign > 0 ? (sc > sx ? sc : sx) : sx);
        cost = late ? (1 << 20) + x->level : cost * 64 + x->level;
        if (best < 0 || cost < least) best = i, least = cost;
    }
    int32_t c = cb_build_const(b, value);
    if (c < 0) return -1;
    cb_digit term = {c, (int16_t)shift, 1, false};
    r->constant = 0;
    if (best < 0) return cb_row_put(r, term.node, term.shift, 1);
    return combine(b, term, r->d[best], left == 1, &r->d[best]);
}

/* Would a tree of what is left, with terms i and j added first, fit into the limit? Terms of level
 * l fill 2^l of the 2^limit places of a balanced tree (Kraft). */
static bool fits(const cb_build *b, const cb_row *r, int i, int j, int limit) {
    uint64_t places = 0;
    for (int k = 0; k < r->n; k++)
        if (r->d[k].sign && k != i && k != j) places += (uint64_t)1 << b->node[r->d[k].node].level;
    int li = b->node[r->d[i].node].level, lj = b->node[r->d[j].node].level;
    places += (uint64_t)2 << (li > lj ? li : lj);
    return places <= (uint64_t)1 << limit;
}

/* The next two terms to add: the two most urgent, if the limit allows. False: fewer than two are left. */
static bool next_pair(const cb_build *b, cb_row *r, const cb_attempt *how, int *i, int *j) {
    cb_attempt soon = *how;
    soon.narrow_first = false;
    if ((*i = earliest(b, r, how, -1)) < 0 || (*j = earliest(b, r, how, *i)) < 0) return false;
    if (how->limit < 0 || how->limit > 60 || !how->narrow_first) return true;
    for (int a = 0; a < r->n; a++) r->d[a].aside = 0;
    while (!fits(b, r, *i, *j, how->limit)) { /* another partner for the narrowest, then for the second narrowest... */
        r->d[*j].aside = 1;
        int k = earliest(b, r, how, *i);
        if (k < 0) break;
        *j = k;
    }
    bool good = fits(b, r, *i, *j, how->limit);
    for (int a = 0; a < r->n; a++) r->d[a].aside = 0;
    if (!good) { /* the two earliest always fit, if anything does */
        *i = earliest(b, r, &soon, -1);
        *j = earliest(b, r, &soon, *i);
    }
    return true;
}

/* A node with the value -n at the same level, or -1 if there is none within `deep` nodes: a subtraction
 * turned round; a sum one of whose terms can be negated. */
static int32_t negated(cb_build *b, int32_t n, int deep) {
    cb_cmvm_node x = b->node[n];
    if (x.a < 0 || !deep) return -1;
    if (x.sub) return cb_build_add(b, x.b, x.sb, x.a, x.sa, true);
    int32_t minus = negated(b, x.a, deep - 1);
    if (minus >= 0) return cb_build_add(b, minus, x.sa, x.b, x.sb, true);
    minus = negated(b, x.b, deep - 1);
    return minus < 0 ? -1 : cb_build_add(b, minus, x.sb, x.a, x.sa, true);
}

int cb_row_sum(cb_build *b, cb_row *r, const cb_attempt *how, cb_cmvm_ref *out) {
    if (r->constant && join_constant(b, r, how)) return -1;
    int left = 0, i, j;
    for (int k = 0; k < r->n; k++) left += r->d[k].sign != 0;
    for (; next_pair(b, r, how, &i, &j); left--) {
        cb_digit x = r->d[i];
        r->d[i].sign = 0;
        if (combine(b, x, r->d[j], left == 2, &r->d[j])) return -1;
    }
    if (i >= 0 && r->d[i].sign < 0 && how->positive) {
        int32_t n = negated(b, r->d[i].node, 3);
        if (n >= 0) r->d[i].node = n, r->d[i].sign = 1;
    }
    *out = i < 0 ? (cb_cmvm_ref){-1, 0, false} : (cb_cmvm_ref){r->d[i].node, r->d[i].shift, r->d[i].sign < 0};
    return 0;
}
