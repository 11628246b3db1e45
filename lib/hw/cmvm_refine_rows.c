/* Rows of a refinement (cmvm_refine.h): patterns of two terms are counted exactly, as terms come and go. */
#include <stdlib.h>
#include <string.h>

#include "hw/cmvm_refine.h"
#include "hw/netlist.h"

typedef struct {
    int32_t first, second;
    int shift;
    bool sub;
} pattern;

typedef uint64_t cell; /* key << 16 | count; 0 = free */

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

static cell *find(const cb_refine_state *s, uint64_t key) {
    uint64_t h = key * 0x9e3779b97f4a7c15u;
    h ^= h >> 31;
    cell *c = &s->cell[h & (s->n_cell - 1)];
    while (*c && (*c & ~(uint64_t)COUNT) != key) c = c + 1 < s->cell + s->n_cell ? c + 1 : s->cell;
    return c;
}

/* A larger table, or the same size without the patterns that are gone (into the other of two tables). */
static int enlarge(cb_refine_state *s) {
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

static int offer(cb_refine_state *s, uint64_t key) {
    if (s->n_offer == s->offer_room) {
        size_t room = s->offer_room ? 2 * s->offer_room : 256;
        uint64_t *o = cb_realloc(s->offer, room, sizeof *o);
        if (!o) return -1;
        s->offer = o, s->offer_room = room;
    }
    s->offer[s->n_offer++] = key;
    return 0;
}

static int change(cb_refine_state *s, const cb_digit *x, const cb_digit *y, int by) {
    uint64_t key = pack(x, y);
    if (!key) return 0;
    if (2 * s->used >= s->n_cell && enlarge(s)) return -1;
    cell *c = find(s, key);
    if (!*c) *c = key, s->used++;
    *c += (uint64_t)by;
    return by > 0 && (*c & COUNT) >= 2 ? offer(s, key) : 0;
}

/* ---- rows and the journal ---- */

static int note(cb_refine_state *s, int what, int32_t row, cb_digit digit) {
    if (s->n_journal == s->journal_room) {
        size_t room = s->journal_room ? 2 * s->journal_room : 1024;
        cb_refine_record *j = cb_realloc(s->journal, room, sizeof *j);
        if (!j) return -1;
        s->journal = j, s->journal_room = room;
    }
    s->journal[s->n_journal++] = (cb_refine_record){what, row, digit};
    if (row >= 0 && !s->item[row].touched) s->item[row].touched = true, s->touched[s->n_touched++] = row;
    return 0;
}

static int count_with(cb_refine_state *s, int32_t row, const cb_digit *d, int by) {
    const cb_row *r = &s->item[row].sum;
    s->work += r->n;
    for (int j = 0; j < r->n; j++)
        if (&r->d[j] != d && change(s, d, &r->d[j], by)) return -1;
    return 0;
}

static int insert(cb_refine_state *s, int32_t row, cb_digit d) {
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

static int delete(cb_refine_state *s, int32_t row, int i) {
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

int cb_refine_take(cb_refine_state *s, int32_t row, int i) {
    return note(s, CB_TERM_REMOVED, row, s->item[row].sum.d[i]) || delete(s, row, i) ? -1 : 0;
}

int cb_refine_put(cb_refine_state *s, int32_t row, int32_t node, int shift, int sign) {
    s->too_wide |= shift + cb_interval_width(s->item[node].lo, s->item[node].hi) > CB_REFINE_BITS;
    int i = index_of(&s->item[row].sum, node, shift);
    if (i >= 0) { /* x - x = 0, x + x = x << 1 */
        bool cancels = s->item[row].sum.d[i].sign != sign;
        if (cb_refine_take(s, row, i)) return -1;
        return cancels ? 0 : cb_refine_put(s, row, node, shift + 1, sign);
    }
    cb_digit d = {node, (int16_t)shift, (int8_t)sign, false};
    return note(s, CB_TERM_ADDED, row, d) || insert(s, row, d) ? -1 : 0;
}

int cb_refine_undo(cb_refine_state *s) {
    while (s->n_journal) {
        cb_refine_record *j = &s->journal[--s->n_journal];
        cb_refine_item *x = &s->item[j->row];
        if (j->what == CB_TERM_ADDED && delete(s, j->row, index_of(&x->sum, j->digit.node, j->digit.shift))) return -1;
        if (j->what == CB_TERM_REMOVED && insert(s, j->row, j->digit)) return -1;
        if (j->what == CB_VALUE_MADE) s->vacant[s->n_vacant++] = j->row, x->live = false;
        if (j->what == CB_VALUE_FREED) x->live = true;
    }
    return 0;
}

/* ---- shared values ---- */

void cb_refine_find_range(cb_refine_state *s, int32_t i) {
    const int64_t *c = cb_refine_coefs(s, i);
    int64_t lo = 0, hi = 0;
    for (int k = 0; k < s->p->n_in; k++) {
        if (!c[k]) continue;
        lo += c[k] * (c[k] > 0 ? s->p->lo[k] : s->p->hi[k]);
        hi += c[k] * (c[k] > 0 ? s->p->hi[k] : s->p->lo[k]);
    }
    s->item[i].lo = lo, s->item[i].hi = hi;
}

int cb_refine_reserve(cb_refine_state *s) {
    if (s->n < s->room) return 0;
    int32_t room = s->room ? 2 * s->room : s->p->n_in + s->p->n_out + 256;
    cb_refine_item *x = cb_realloc(s->item, (size_t)room, sizeof *x);
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
static int32_t make(cb_refine_state *s, pattern p) {
    int sa = p.shift < 0 ? -p.shift : 0, sb = p.shift > 0 ? p.shift : 0;
    if (!s->n_vacant && cb_refine_reserve(s)) return -1;
    int32_t i = s->n_vacant ? s->vacant[--s->n_vacant] : s->n++;
    int64_t *c = cb_refine_coefs(s, i), up = (int64_t)1 << sa, other = p.sub ? -((int64_t)1 << sb) : (int64_t)1 << sb;
    for (int k = 0; k < s->p->n_in; k++) c[k] = cb_refine_coefs(s, p.first)[k] * up + cb_refine_coefs(s, p.second)[k] * other;
    s->item[i].live = true;
    cb_refine_find_range(s, i);
    if (note(s, CB_VALUE_MADE, i, (cb_digit){0}) || cb_refine_put(s, i, p.first, sa, 1) || cb_refine_put(s, i, p.second, sb, p.sub ? -1 : 1)) return -1;
    return i;
}

/* The terms of item `node` in place of digit i of the row. */
int cb_refine_expand(cb_refine_state *s, int32_t row, int i) {
    cb_digit d = s->item[row].sum.d[i];
    if (cb_refine_take(s, row, i)) return -1;
    for (int k = 0; k < s->item[d.node].sum.n; k++) {
        cb_digit t = s->item[d.node].sum.d[k];
        if (cb_refine_put(s, row, t.node, t.shift + d.shift, t.sign * d.sign)) return -1;
    }
    return 0;
}

int cb_refine_dissolve(cb_refine_state *s, int32_t node) {
    for (int32_t r = s->p->n_in; r < s->n && s->item[node].uses; r++)
        for (int i = 0; i < s->item[r].sum.n; i++)
            if (s->item[r].sum.d[i].node == node) {
                if (cb_refine_expand(s, r, i)) return -1;
                i = -1;
            }
    while (s->item[node].sum.n)
        if (cb_refine_take(s, node, s->item[node].sum.n - 1)) return -1;
    if (note(s, CB_VALUE_FREED, node, (cb_digit){0})) return -1;
    s->item[node].live = false;
    return 0;
}

static bool useless(const cb_refine_state *s, int32_t i) { return s->item[i].live && (s->item[i].uses < 2 || s->item[i].sum.n < 2); }

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
static int share(cb_refine_state *s, pattern p) {
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
            if (cb_refine_take(s, r, index_of(&s->item[r].sum, d.node, d.shift)) || cb_refine_take(s, r, index_of(&s->item[r].sum, e.node, e.shift)) ||
                cb_refine_put(s, r, node, d.shift - is.shift, d.sign * is.sign)) return -1;
        }
    }
    return 0;
}

/* Disjoint matches of x + x << shift: a chain of n+1 equally spaced digits has (n+1)/2. */
static int matches_of_itself(cb_refine_state *s, pattern p) {
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

static int64_t gain(cb_refine_state *s, pattern p, int count) {
    const cb_refine_item *x = &s->item[p.first], *y = &s->item[p.second];
    int top = cb_interval_width(x->lo, x->hi), other = cb_interval_width(y->lo, y->hi) + p.shift;
    int cost = (top > other ? top : other) + 1 - abs(p.shift);
    return (int64_t)(count - 1) * (cost < 1 ? 1 : cost) * (256 + cb_rng_below(&s->rng, NOISE));
}

/* Shares the best of what is on offer until nothing occurs twice. */
static int share_all(cb_refine_state *s) {
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
static int tidy(cb_refine_state *s) {
    for (int32_t i = s->first_shared; i < s->n; i++) {
        if (!useless(s, i)) continue;
        if (cb_refine_dissolve(s, i)) return -1;
        i = s->first_shared - 1;
    }
    return 0;
}

int cb_refine_recreate(cb_refine_state *s) {
    do {
        if (share_all(s) || tidy(s)) return -1;
    } while (s->n_offer && !s->too_wide);
    return 0;
}

void cb_refine_state_free(cb_refine_state *s) {
    for (int32_t i = 0; i < s->room; i++) free(s->item[i].sum.d);
    free(s->item), free(s->coef), free(s->vacant), free(s->tables), free(s->journal), free(s->offer), free(s->touched);
}
