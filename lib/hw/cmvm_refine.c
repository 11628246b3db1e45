/* A finished graph made better piece by piece (ruin and recreate).
 *
 * A step takes something apart, a shared value into all its users, one use of it, or a coefficient written with other
 * digits, shares greedily what then occurs twice (scores disturbed at random), and is undone if the adders became dearer than
 * the falling threshold allows. Greedy sharing alone ends where nothing occurs twice any more; most of its early
 * choices were between equals, and this is how they are revised. */
#include <stdlib.h>
#include <string.h>

#include "hw/cmvm_refine.h"

/* ---- steps ---- */

/* A digit somewhere whose node is a shared value: its row and place. */
static bool some_use(cb_refine_state *s, int32_t *row, int *at) {
    for (int tries = 0; tries < 64; tries++) {
        int32_t r = s->p->n_in + (int32_t)cb_rng_below(&s->rng, (uint32_t)(s->n - s->p->n_in));
        if (!s->item[r].sum.n) continue;
        *row = r, *at = (int)cb_rng_below(&s->rng, (uint32_t)s->item[r].sum.n);
        if (s->item[s->item[r].sum.d[*at].node].live) return true;
    }
    return false;
}

static int32_t some_shared(cb_refine_state *s) {
    for (int tries = 0; tries < 64 && s->n > s->first_shared; tries++) {
        int32_t i = s->first_shared + (int32_t)cb_rng_below(&s->rng, (uint32_t)(s->n - s->first_shared));
        if (s->item[i].live) return i;
    }
    return -1;
}

/* x << k as x << (k+1) - x << k. */
static int rewrite(cb_refine_state *s) {
    int32_t r = s->p->n_in + (int32_t)cb_rng_below(&s->rng, (uint32_t)(s->n - s->p->n_in));
    if (!s->item[r].sum.n) return 0;
    int i = (int)cb_rng_below(&s->rng, (uint32_t)s->item[r].sum.n);
    cb_digit d = s->item[r].sum.d[i];
    return cb_refine_take(s, r, i) || cb_refine_put(s, r, d.node, d.shift + 1, d.sign) || cb_refine_put(s, r, d.node, d.shift, -d.sign) ? -1 : 0;
}

enum { MOST_RUINS = 2 }; /* in one step */

static int ruin(cb_refine_state *s) {
    int times = 1 + (int)cb_rng_below(&s->rng, MOST_RUINS);
    for (int k = 0; k < times; k++) {
        int32_t row;
        int at;
        switch (cb_rng_below(&s->rng, 3)) {
        case 0:
            if (some_use(s, &row, &at) && cb_refine_expand(s, row, at)) return -1;
            break;
        case 1:
            if (rewrite(s)) return -1;
            break;
        default:
            if ((row = some_shared(s)) >= 0 && cb_refine_dissolve(s, row)) return -1;
        }
    }
    return 0;
}

static void settle(cb_refine_state *s) {
    for (int k = 0; k < s->n_touched; k++) {
        cb_refine_item *x = &s->item[s->touched[k]];
        x->cost = cb_refine_row_cost(s, s->touched[k]);
    }
    for (size_t k = 0; k < s->n_journal; k++)
        if (s->journal[k].what == CB_VALUE_FREED) s->vacant[s->n_vacant++] = s->journal[k].row;
}

static int64_t touched_cost(cb_refine_state *s) {
    int64_t change = 0;
    for (int k = 0; k < s->n_touched; k++) {
        cb_refine_item *x = &s->item[s->touched[k]];
        change += cb_refine_row_cost(s, s->touched[k]) - x->cost;
    }
    return change;
}

static bool too_deep(cb_refine_state *s) { return s->limit >= 0 && cb_refine_deepest(s) > s->limit; }

enum { STEP = 16 }; /* work of a step that changes nothing */

/* One step; `allowed`: by how much the cost may rise. */
static int step(cb_refine_state *s, int64_t allowed) {
    s->n_journal = s->n_offer = 0;
    s->n_touched = 0;
    s->too_wide = false;
    if (ruin(s) || cb_refine_recreate(s)) return -1;
    int rc = 0;
    if (!s->too_wide && touched_cost(s) <= allowed && !too_deep(s)) settle(s);
    else rc = cb_refine_undo(s);
    for (int k = 0; k < s->n_touched; k++) s->item[s->touched[k]].touched = false;
    return rc;
}

/* ---- from a graph and back ---- */

/* Every adder of the graph as a shared value of two terms, constants left out; cb_refine_recreate then leaves those with several users. */
static int import_graph(cb_refine_state *s, const cb_cmvm_graph *g) {
    int n_in = s->p->n_in, n_out = s->p->n_out;
    while (s->room < g->n + n_out)
        if (s->n = s->room, cb_refine_reserve(s)) return -1;
    s->n = g->n + n_out, s->first_shared = n_in + n_out;
    for (int i = 0; i < n_in; i++) {
        memset(cb_refine_coefs(s, i), 0, (size_t)n_in * sizeof *s->coef);
        cb_refine_coefs(s, i)[i] = 1;
        s->item[i].lo = s->p->lo[i], s->item[i].hi = s->p->hi[i], s->item[i].level = s->p->level ? s->p->level[i] : 0;
    }
    for (int32_t i = n_in; i < g->n; i++) {
        const cb_cmvm_node *x = &g->node[i];
        int32_t to = i + n_out;
        s->item[to].live = true;
        memset(cb_refine_coefs(s, to), 0, (size_t)n_in * sizeof *s->coef);
        if (x->a < 0) continue; /* a constant: no terms */
        int32_t a = x->a < n_in ? x->a : x->a + n_out, b = x->b < n_in ? x->b : x->b + n_out;
        if (cb_refine_put(s, to, a, x->sa, 1) || cb_refine_put(s, to, b, x->sb, x->sub ? -1 : 1)) return -1;
        int64_t up = (int64_t)1 << x->sa, other = x->sub ? -((int64_t)1 << x->sb) : (int64_t)1 << x->sb;
        for (int k = 0; k < n_in; k++) cb_refine_coefs(s, to)[k] = cb_refine_coefs(s, a)[k] * up + cb_refine_coefs(s, b)[k] * other;
        cb_refine_find_range(s, to);
    }
    for (int o = 0; o < n_out; o++) {
        const cb_cmvm_ref *r = &g->out[o];
        s->item[n_in + o].output = true;
        if (r->node >= 0 && cb_refine_put(s, n_in + o, r->node < n_in ? r->node : r->node + n_out, r->shift, r->neg ? -1 : 1)) return -1;
    }
    return 0;
}

/* The node of an item in the graph that is built; done[i].shift < 0: not yet. */
static int export_item(cb_refine_state *s, cb_build *b, const cb_attempt *how, int32_t i, cb_cmvm_ref *done) {
    const cb_refine_item *x = &s->item[i];
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
    if (how->limit >= 0 && !x->output) own.limit = cb_refine_level(s, i);
    if (!rc) rc = cb_row_sum(b, &row, &own, &done[i]);
    free(row.d);
    return rc;
}

static int export_graph(cb_refine_state *s, cb_build *b, const cb_attempt *how, cb_cmvm_ref *out) {
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

int cb_refine(cb_build *b, const cb_cmvm_graph *g, const cb_attempt *how, const cb_refine_rules *rules, cb_cmvm_ref *out) {
    cb_refine_state s = {.p = b->p, .limit = -1, .rng = cb_rng_at(how->seed, "refine", 0)};
    int rc = import_graph(&s, g) || cb_refine_recreate(&s) ? -1 : 0;
    for (int32_t i = s.p->n_in; i < s.n && !rc; i++) s.item[i].cost = cb_refine_row_cost(&s, i), s.item[i].touched = false;
    if (!rc && how->limit >= 0) {
        int now = cb_refine_deepest(&s);
        s.limit = now > how->limit ? now : how->limit;
    }
    bool narrow = !s.too_wide; /* else the values leave no room for other digits: the graph stays */
    for (s.work = 0; s.work < rules->work && narrow && !rc;) {
        int64_t u = cb_rng_below(&s.rng, 1024), heat = rules->heat * (rules->work - s.work) / rules->work;
        s.work += STEP;
        rc = step(&s, heat * u * u * u >> 30);
    }
    if (!rc) rc = export_graph(&s, b, how, out);
    cb_refine_state_free(&s);
    return rc;
}
