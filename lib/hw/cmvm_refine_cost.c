/* What the sums of a refinement cost (cmvm_refine.h). */
#include "hw/cmvm_refine.h"
#include "hw/netlist.h"

typedef struct {
    int64_t lo, hi;
    int shift, top;
    bool neg;
} part;

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

int64_t cb_refine_row_cost(const cb_refine_state *s, int32_t row) {
    const cb_row *r = &s->item[row].sum;
    part x[CB_REFINE_PARTS];
    int64_t cost = 0, constant = s->item[row].output ? s->p->constant[row - s->p->n_in] : 0;
    int n = r->n < CB_REFINE_PARTS ? r->n : CB_REFINE_PARTS;
    for (int i = 0; i < n; i++) {
        const cb_refine_item *y = &s->item[r->d[i].node];
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

int cb_refine_level(cb_refine_state *s, int32_t i) {
    cb_refine_item *x = &s->item[i];
    if (i < s->p->n_in || x->seen) return x->level;
    uint64_t places = 0;
    for (int k = 0; k < x->sum.n; k++) {
        int l = cb_refine_level(s, x->sum.d[k].node);
        places += (uint64_t)1 << (l > 57 ? 57 : l);
    }
    if (x->output && s->p->constant[i - s->p->n_in]) places++;
    x->seen = true;
    return x->level = places <= 1 ? 0 : 64 - __builtin_clzll(places - 1);
}

int cb_refine_deepest(cb_refine_state *s) {
    int level = 0;
    for (int32_t i = s->p->n_in; i < s->n; i++) s->item[i].seen = false;
    for (int o = 0; o < s->p->n_out; o++) {
        int l = cb_refine_level(s, s->p->n_in + o);
        if (l > level) level = l;
    }
    return level;
}
