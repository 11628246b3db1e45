/* Bits that one chain lends to the carry input of another (chains.h).
 *
 * A full adder takes three bits and the lowest place of a chain has two. In a tree of sums that nobody else reads
 * it does not matter where a bit is added: each chain of the tree can take the lowest bit of an operand that is added
 * further up. Until then all sums on the way carry it as a guest.
 * No wires depend on themselves: at the chain that lends, everything below the operand lent from comes before
 * everything below the other operand, and nobody else reads the latter. */
#include <stdlib.h>

#include "hw/chains.h"

typedef __int128 wide;

typedef struct {
    const cb_netlist *g;
    bool comb;
    const int32_t *users, *user;
    cb_chains *c;
    int64_t *above, *below; /* what the guests of a sum add to its largest and take from its least value */
    uint8_t *guests;
    bool failed;
} lender;

/* A bit looking for a carry input. */
typedef struct {
    int32_t node, lender; /* lender: the chain that lends it */
    int bit, place;       /* place: in units of the lender */
} loan;

bool cb_chain_in_loan(const cb_chain *x) { return x->guest >= 0 || x->lent_from < x->lent_to; }

static bool is_sum(const cb_node *x) { return x->kind == CB_NODE_ADD || x->kind == CB_NODE_NEG; }

/* Is sum i of the chain of `reader` a private one, whose wires may carry another bit at the place? */
static bool may_host(const lender *l, int32_t i, int32_t reader, int place, bool minus) {
    const cb_node *n = &l->g->node[i];
    const cb_chain *x = &l->c->chain[i];
    if (!is_sum(n) || l->users[i] != 1 || l->user[i] != reader || place < 0 || l->guests[i] >= CB_CHAIN_GUESTS) return false;
    if (!l->comb && n->stage != l->g->node[reader].stage) return false;
    wide unit = (wide)1 << place, hi = (wide)n->hi + x->offset + l->above[i], lo = (wide)n->lo + x->offset - l->below[i];
    minus ? (lo -= unit) : (hi += unit);
    return lo >= (x->is_signed ? -((wide)1 << (x->width - 1)) : 0) && hi < (wide)1 << (x->width - x->is_signed);
}

/* `hops`: chains from i to the lender. */
static bool may_borrow(const lender *l, int32_t i, int place, int hops, const loan *b) {
    const cb_chain *x = &l->c->chain[i];
    const cb_node *from = &l->g->node[b->node];
    if (x->absorbed || x->n_field < 2 || x->low != place || x->low >= x->width || x->carry_in || x->carry_node >= 0) return false;
    if (x->correction || x->lent_from < x->lent_to) return false;
    return l->comb || from->stage < l->g->node[i].stage || from->level + hops + 1 <= l->g->node[b->lender].level;
}

static void host(lender *l, int32_t i, const loan *b, int place, bool minus) {
    cb_chains *c = l->c;
    if (c->n_guest == c->guest_room) {
        int32_t room = c->guest_room ? 2 * c->guest_room : 64;
        cb_guest *more = cb_realloc(c->guest, (size_t)room, sizeof *more);
        if (!more) {
            l->failed = true;
            return;
        }
        c->guest = more, c->guest_room = room;
    }
    c->guest[c->n_guest] = (cb_guest){b->node, c->chain[i].guest, (int16_t)b->bit, (int16_t)place, minus};
    c->chain[i].guest = c->n_guest++;
    l->guests[i]++;
    *(minus ? &l->below[i] : &l->above[i]) += (int64_t)1 << place;
}

/* Lends the bit to a sum at or below i, the deepest first, for those can lend nothing themselves. `shift`: of i in the chain that
 * lends; minus: i is subtracted there. */
static bool lend_below(lender *l, int32_t i, int32_t reader, int shift, bool minus, int hops, const loan *b) {
    int place = b->place - shift;
    if (!may_host(l, i, reader, place, minus)) return false;
    cb_chain *x = &l->c->chain[i];
    bool lent = false;
    for (int k = 0; k < x->n_field && !lent; k++)
        lent = lend_below(l, x->field[k].node, i, shift + x->field[k].shift, minus != x->field[k].minus, hops + 1, b);
    if (!lent && !minus && may_borrow(l, i, place, hops, b)) {
        x->carry_node = b->node, x->carry_bit = b->bit;
        lent = true;
    }
    if (lent) host(l, i, b, place, minus);
    return lent;
}

/* The bit of field `from` at the lowest place of chain i goes somewhere below field `to`. */
static bool lend_bit(lender *l, int32_t i, int from, int to) {
    cb_chain *x = &l->c->chain[i];
    const cb_field *f = &x->field[from], *t = &x->field[to];
    int place = x->lent_to > x->lent_from ? x->lent_to : x->low;
    int bit = place - f->shift, last = l->c->chain[f->node].width - 1; /* a sign bit repeats */
    loan b = {f->node, i, bit < last ? bit : last, place};
    if (!lend_below(l, t->node, i, t->shift, false, 1, &b)) return false;
    if (x->lent_from == x->lent_to) x->lent = from, x->lent_from = place;
    x->lent_to = place + 1;
    return true;
}

/* Two bits at the place and two above it, none of these inverted: it may become a wire. */
static bool place_is_plain(const cb_chain *x, cb_place (*v)[64], int at) {
    for (int k = at; k < at + 2; k++)
        if (k >= x->width || v[0][k].field < 0 || v[1][k].field < 0) return false;
    return !v[0][at].invert && !v[1][at].invert;
}

/* Lends as many of the lowest bits of one operand as find a carry input. */
static void lend_from(lender *l, int32_t i) {
    cb_chain *x = &l->c->chain[i];
    if (x->absorbed || x->n_field != 2 || x->ternary || x->carry_in || x->carry_node >= 0) return;
    cb_place v[CB_CHAIN_FIELDS][64];
    cb_chain_vectors(l->c, x, v);
    int side = -1, at = x->low;
    for (; at < x->width && place_is_plain(x, v, at); at++) {
        bool lent = false;
        for (int to = 0; to < 2 && !lent; to++)
            if (side < 0 || side == to) lent = lend_bit(l, i, 1 - to, to), side = lent ? to : side;
        if (!lent) break;
    }
    int n = at - x->low, length = x->width - at;
    x->low = at, x->raw -= n, x->sites -= n;
    x->carry = length > 2 ? (length + 3) / 4 : 0;
    l->c->loans += n;
}

int cb_chains_lend(const cb_netlist *g, bool comb, const int32_t *users, const int32_t *user, cb_chains *c) {
    size_t n = (size_t)g->n + 1;
    lender l = {.g = g, .comb = comb, .users = users, .user = user, .c = c, .above = cb_alloc(n, sizeof *l.above),
                .below = cb_alloc(n, sizeof *l.below), .guests = cb_alloc(n, sizeof *l.guests)};
    for (int32_t i = 0; i < g->n; i++) c->chain[i].carry_node = c->chain[i].guest = -1;
    l.failed = !l.above || !l.below || !l.guests;
    for (int32_t i = g->n - 1; i >= 0 && !g->ternary && !l.failed; i--)
        if (is_sum(&g->node[i])) lend_from(&l, i);
    free(l.above), free(l.below), free(l.guests);
    return l.failed ? -1 : 0;
}
