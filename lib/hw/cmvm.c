/* The search: several attempts, the cheapest graph wins (cmvm.h). */
#include "hw/cmvm.h"

#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "hw/cmvm_internal.h"

static int ceil_log2(int v) { return v <= 1 ? 0 : 32 - __builtin_clz((unsigned)v - 1); }

/* ---- the problem, checked and with constant inputs taken out ---- */

typedef struct {
    cb_cmvm_problem p;  /* w without rows of constant inputs */
    int64_t *w, *constant;
    int64_t *centred;   /* columns without their common power of two */
    int *column_shift;
    int least_depth;
} task;

static int check(const cb_cmvm_problem *p) {
    const __int128 limit = (__int128)1 << 54;
    for (int i = 0; i < p->n_in; i++)
        if (p->lo[i] > p->hi[i] || (p->exp && (p->exp[i] < 0 || p->exp[i] > 40)))
            return cb_fail("constant matrix: input %d has no valid range or exponent", i);
    for (int o = 0; o < p->n_out; o++) {
        __int128 sum = p->constant ? p->constant[o] : 0;
        if (sum < 0) sum = -sum;
        for (int i = 0; i < p->n_in; i++) {
            __int128 w = p->w[(int64_t)i * p->n_out + o], x = p->hi[i] > -p->lo[i] ? p->hi[i] : -(__int128)p->lo[i];
            sum += (w < 0 ? -w : w) * (x ? x : 1) * ((__int128)1 << (p->exp ? p->exp[i] : 0));
        }
        if (sum >= limit)
            return cb_fail("constant matrix: output %d may need more than 54 bits; use narrower weights or inputs", o);
    }
    return 0;
}

static int csd_count(int64_t w) {
    uint8_t shift[64];
    int8_t sign[64];
    return cb_csd(w, shift, sign);
}

static int least_depth(const cb_cmvm_problem *p) {
    int depth = 0;
    for (int o = 0; o < p->n_out; o++) {
        int digits = p->constant && p->constant[o];
        for (int i = 0; i < p->n_in; i++) digits += csd_count(p->w[(int64_t)i * p->n_out + o]);
        if (ceil_log2(digits) > depth) depth = ceil_log2(digits);
    }
    return depth;
}

static int prepare(task *t, const cb_cmvm_problem *p) {
    if (check(p)) return -1;
    size_t n = (size_t)p->n_in * (size_t)p->n_out;
    t->p = *p;
    t->w = cb_alloc(n + 1, sizeof *t->w);
    t->centred = cb_alloc(n + 1, sizeof *t->centred);
    t->constant = cb_alloc((size_t)p->n_out + 1, sizeof *t->constant);
    t->column_shift = cb_alloc((size_t)p->n_out + 1, sizeof *t->column_shift);
    if (!t->w || !t->centred || !t->constant || !t->column_shift) return -1;
    for (int o = 0; o < p->n_out; o++) {
        uint64_t any = 0;
        t->constant[o] = p->constant ? p->constant[o] : 0;
        for (int i = 0; i < p->n_in; i++) {
            int64_t w = p->w[(int64_t)i * p->n_out + o];
            if (p->lo[i] == p->hi[i]) { /* a constant input */
                t->constant[o] += w * p->lo[i] * ((int64_t)1 << (p->exp ? p->exp[i] : 0));
                w = 0;
            }
            t->w[(int64_t)i * p->n_out + o] = w;
            any |= (uint64_t)w;
        }
        int s = t->column_shift[o] = any ? __builtin_ctzll(any) : 0;
        for (int i = 0; i < p->n_in; i++)
            t->centred[(int64_t)i * p->n_out + o] = t->w[(int64_t)i * p->n_out + o] / ((int64_t)1 << s);
    }
    t->p.w = t->w;
    t->p.constant = t->constant;
    t->least_depth = least_depth(&t->p);
    return 0;
}

static void task_free(task *t) {
    free(t->w);
    free(t->centred);
    free(t->constant);
    free(t->column_shift);
}

/* ---- one attempt ---- */

/* Rows of stage 0: the digits of every column of m0. */
static int first_rows(const task *t, const int64_t *m0, int columns, cb_row *row) {
    const cb_cmvm_problem *p = &t->p;
    for (int c = 0; c < columns; c++)
        for (int i = 0; i < p->n_in; i++) {
            uint8_t shift[64];
            int8_t sign[64];
            int n = cb_csd(m0[(int64_t)i * p->n_out + c], shift, sign);
            for (int k = 0; k < n; k++)
                if (cb_row_put(&row[c], i, shift[k] + (p->exp ? p->exp[i] : 0), sign[k])) return -1;
        }
    return 0;
}

/* Rows of stage 1: sums of columns of m0; a column with one user hands its digits
 * over, so that the last trees (and the constants) see all of them. */
static int second_rows(cb_build *b, const task *t, const int8_t *m1, int columns, cb_row *row0, cb_row *row,
                       const cb_attempt *how) {
    int n_out = t->p.n_out;
    for (int c = 0; c < columns; c++) {
        int users = 0;
        for (int o = 0; o < n_out; o++) users += m1[c * n_out + o] != 0;
        cb_cmvm_ref ref = {-1, 0, false};
        if (users > 1 && cb_row_sum(b, &row0[c], how, &ref)) return -1;
        for (int o = 0; o < n_out; o++) {
            int sign = m1[c * n_out + o], up = t->column_shift[o];
            if (!sign) continue;
            if (ref.node >= 0 && cb_row_put(&row[o], ref.node, ref.shift + up, ref.neg ? -sign : sign)) return -1;
            for (int k = 0; users == 1 && k < row0[c].n; k++) {
                const cb_digit *d = &row0[c].d[k];
                if (d->sign && cb_row_put(&row[o], d->node, d->shift + up, sign * d->sign)) return -1;
            }
        }
    }
    for (int o = 0; o < n_out; o++) row[o].constant = t->constant[o];
    return 0;
}

/* Keeps what the outputs need; counts. */
static int finish(cb_build *b, cb_cmvm_graph *g) {
    int n_in = b->p->n_in;
    int32_t *to = cb_alloc((size_t)b->n + 1, sizeof *to);
    if (!to) return -1;
    for (int o = 0; o < g->n_out; o++)
        if (g->out[o].node >= 0) to[g->out[o].node] = 1;
    for (int32_t i = b->n - 1; i >= 0; i--)
        if (to[i] && b->node[i].a >= 0) to[b->node[i].a] = to[b->node[i].b] = 1;
    int32_t n = 0;
    for (int32_t i = 0; i < b->n; i++) {
        if (!to[i] && i >= n_in) continue;
        cb_cmvm_node x = b->node[i];
        if (x.a >= 0) x.a = to[x.a], x.b = to[x.b];
        to[i] = n;
        b->node[n++] = x;
        if (i >= n_in && x.cost) g->adders++;
        g->cost += x.cost;
        /* depth: inputs count only if used, which `to` no longer tells; adders suffice */
        if (i >= n_in && x.level > g->depth) g->depth = x.level;
    }
    for (int o = 0; o < g->n_out; o++) {
        cb_cmvm_ref *r = &g->out[o];
        if (r->node < 0) continue;
        r->node = to[r->node];
        const cb_cmvm_node *x = &b->node[r->node];
        if (!r->neg) continue;
        g->adders++;
        g->cost += cb_adder_cost(0, 0, 0, x->lo, x->hi, 0, true, -x->hi, -x->lo);
        if (x->level + 1 > g->depth) g->depth = x->level + 1;
    }
    free(to);
    g->n = n;
    g->node = b->node;
    b->node = NULL;
    return 0;
}

static int attempt(const task *t, const cb_attempt *how, cb_cmvm_graph *g) {
    int n_in = t->p.n_in, n_out = t->p.n_out, rc = -1;
    cb_build b = {0};
    *g = (cb_cmvm_graph){.n_in = n_in, .n_out = n_out};
    int64_t *m0 = cb_alloc((size_t)n_in * (size_t)n_out + 1, sizeof *m0);
    int8_t *m1 = cb_alloc((size_t)n_out * (size_t)n_out + 1, 1);
    cb_row *row = cb_alloc(2 * (size_t)n_out + 1, sizeof *row);
    g->out = cb_alloc((size_t)n_out + 1, sizeof *g->out);
    int columns = -1;
    if (m0 && m1 && row && g->out) columns = cb_decompose(t->centred, n_in, n_out, how->dc, m0, m1);
    if (columns >= 0 && !cb_build_begin(&b, &t->p) && !first_rows(t, m0, columns, row) &&
        !cb_cse(&b, row, columns, how) && !second_rows(&b, t, m1, columns, row, row + n_out, how))
        rc = cb_cse(&b, row + n_out, n_out, how);
    cb_attempt final = *how;
    final.positive = true;
    for (int o = 0; o < n_out && !rc; o++) rc = cb_row_sum(&b, &row[n_out + o], &final, &g->out[o]);
    if (!rc) rc = finish(&b, g);
    for (int o = 0; row && o < 2 * n_out; o++) free(row[o].d);
    free(row);
    free(m0);
    free(m1);
    cb_build_free(&b);
    return rc;
}

/* ---- the search ---- */

enum { MOST_PAIRS = 8000000 };
enum { MAX_TREES = 12, STRICT = 3, MAX_ATTEMPTS = 4 * MAX_TREES + STRICT };

/* Does the spanning tree of limit dc differ from that of dc - 1? */
static bool another_tree(const task *t, int dc, int64_t *m0, int64_t *before, int8_t *m1, int8_t *m1_before) {
    int n_in = t->p.n_in, n_out = t->p.n_out;
    size_t n0 = (size_t)n_in * (size_t)n_out * sizeof *m0, n1 = (size_t)n_out * (size_t)n_out;
    int c = cb_decompose(t->centred, n_in, n_out, dc, m0, m1);
    int c_before = cb_decompose(t->centred, n_in, n_out, dc - 1, before, m1_before);
    return c != c_before || memcmp(m0, before, n0) || memcmp(m1, m1_before, n1);
}

/* Depth limits of the spanning tree that give different trees; -1 (none) is one. */
static int tree_limits(const task *t, int *dc) {
    int n = 0, most = ceil_log2(t->p.n_in), n_in = t->p.n_in, n_out = t->p.n_out;
    int last = t->p.max_depth >= 0 && t->p.max_depth < most ? t->p.max_depth : most;
    size_t n0 = (size_t)n_in * (size_t)n_out + 1, n1 = (size_t)n_out * (size_t)n_out + 1;
    int64_t *m0 = cb_alloc(2 * n0, sizeof *m0);
    int8_t *m1 = cb_alloc(2 * n1, 1);
    dc[n++] = -1;
    for (int d = 0; d <= last && d < MAX_TREES - 1 && n_out > 1 && m0 && m1; d++)
        if (another_tree(t, d, m0, m0 + n0, m1, m1 + n1)) dc[n++] = d;
    free(m0);
    free(m1);
    return m0 && m1 ? n : -1;
}

static int64_t all_digits(const task *t) {
    int64_t n = 0;
    for (int64_t i = 0; i < (int64_t)t->p.n_in * t->p.n_out; i++) n += csd_count(t->w[i]);
    return n;
}

/* The attempts: every tree with several scores; of a large matrix, for which the tree matters
 * most, only decomposed ones with the two scores that win most often. */
static int plan(const task *t, int limit, cb_attempt *how) {
    static const cb_attempt any[] = {{.by_saving = true, .latency_weight = 4, .narrow_first = true},
                                     {.narrow_first = true},
                                     {.by_saving = true, .narrow_first = true},
                                     {.by_saving = true, .latency_weight = 4}};
    static const cb_attempt shallow[] = {{.by_saving = true, .latency_weight = 4, .narrow_first = true},
                                         {.by_saving = true, .latency_weight = 256, .narrow_first = true},
                                         {.latency_weight = 4, .narrow_first = true},
                                         {.latency_weight = 4096}}; /* shares only within a level */
    int dc[MAX_TREES], n = 0, trees = tree_limits(t, dc);
    bool large = all_digits(t) > 1500 && trees > 1;
    for (int i = large; i < trees; i++)
        for (int k = 0; k < (large ? 2 : 4); k++) {
            how[n] = limit < 0 ? any[k] : shallow[k];
            how[n].most_pairs = t->p.most_pairs > 0 ? t->p.most_pairs : MOST_PAIRS;
            how[n].limit = limit;
            how[n++].dc = dc[i];
        }
    return trees < 0 ? -1 : n;
}

/* Attempts that keep to the limit whatever it costs, but for negated outputs; for when no other does. */
static int plan_strict(const task *t, int limit, cb_attempt *how) {
    static const cb_attempt each[STRICT] = {{.by_saving = true, .latency_weight = 4, .narrow_first = true},
                                            {.by_saving = true, .latency_weight = 256, .narrow_first = true},
                                            {.latency_weight = 4, .narrow_first = true}};
    bool constants = false;
    for (int o = 0; o < t->p.n_out; o++) constants |= t->constant[o] != 0;
    for (int k = 0; k < STRICT; k++) {
        how[k] = each[k];
        how[k].most_pairs = t->p.most_pairs > 0 ? t->p.most_pairs : MOST_PAIRS;
        how[k].dc = -1, how[k].limit = limit, how[k].strict = true, how[k].constants = constants;
    }
    return STRICT;
}

/* Levels of the adders alone: a negated output, the last resort of a sum without a positive term, does not count. */
static int levels_of(const cb_cmvm_graph *g) {
    int levels = 0;
    for (int32_t i = g->n_in; i < g->n; i++)
        if (g->node[i].level > levels) levels = g->node[i].level;
    return levels;
}

/* Is x to be preferred? Depth first while the limit is exceeded, then cost, adders, depth. */
static bool prefer(const cb_cmvm_graph *x, const cb_cmvm_graph *y, int limit) {
    bool deep_x = limit >= 0 && levels_of(x) > limit, deep_y = limit >= 0 && levels_of(y) > limit;
    if (deep_x != deep_y) return deep_y;
    int ex = limit >= 0 && x->depth > limit ? x->depth : 0, ey = limit >= 0 && y->depth > limit ? y->depth : 0;
    if (ex != ey) return ex < ey;
    if (x->cost != y->cost) return x->cost < y->cost;
    if (x->depth != y->depth) return x->depth < y->depth;
    return x->adders < y->adders;
}

/* ---- refinement ---- */

enum { MOST_RUNS = 8, MOST_REFINED = 30000 }; /* runs; adders: of larger graphs patterns and their counts do not fit a word */

static int refine(const task *t, int limit, const cb_cmvm_graph *from, const cb_refine_rules *rules, uint64_t seed, cb_cmvm_graph *made) {
    cb_build b = {0};
    cb_attempt how = {.limit = limit, .seed = seed};
    *made = (cb_cmvm_graph){.n_in = t->p.n_in, .n_out = t->p.n_out, .out = cb_alloc((size_t)t->p.n_out + 1, sizeof *made->out)};
    int rc = !made->out || cb_build_begin(&b, &t->p) || cb_refine(&b, from, &how, rules, made->out) || finish(&b, made) ? -1 : 0;
    cb_build_free(&b);
    return rc;
}

/* What the caller would rather have: -1 if it cannot say. */
static int64_t worth(const task *t, const cb_cmvm_graph *g) { return t->p.judge ? t->p.judge(g, t->p.judge_context) : 0; }

enum { NEAR = 24 }; /* a level less is worth this part of the whole, where the caller judges and depth is limited: it is also registers */

static bool better(const cb_cmvm_graph *x, int64_t worth_x, const cb_cmvm_graph *y, int64_t worth_y, int limit) {
    int64_t apart = worth_x > worth_y ? worth_x - worth_y : worth_y - worth_x;
    if (limit >= 0 && worth_y > 0 && x->depth != y->depth && apart * NEAR <= worth_y) return x->depth < y->depth;
    bool deep = limit >= 0 && (x->depth > limit || y->depth > limit);
    return !deep && worth_x != worth_y ? worth_x < worth_y : prefer(x, y, limit);
}

/* Refines *best a few times from the same start, the smaller the oftener, and keeps the best of all. */
static int refine_best(const task *t, int limit, cb_cmvm_graph *best) {
    static const int heat[] = {14, 10, 6, 4};
    cb_cmvm_graph made[MOST_RUNS];
    int rc[MOST_RUNS], bad = 0, runs = best->adders < 60 ? MOST_RUNS : best->adders < 200 ? 4 : 2;
#pragma omp parallel for schedule(dynamic, 1)
    for (int k = 0; k < runs; k++) {
        cb_refine_rules rules = {.work = (int64_t)t->p.effort * best->adders * 1000, .heat = heat[k % 4]};
        rc[k] = refine(t, limit, best, &rules, (uint64_t)k + 1, &made[k]);
    }
    for (int k = 0; k < runs; k++) bad |= rc[k];
    int64_t least = bad ? 0 : worth(t, best);
    for (int k = 0; k < runs && !bad; k++) {
        int64_t w = worth(t, &made[k]);
        bad = w < 0 || least < 0;
        if (bad || !better(&made[k], w, best, least, limit)) continue;
        cb_cmvm_graph old = *best;
        *best = made[k], made[k] = old;
        least = w;
    }
    for (int k = 0; k < runs; k++) cb_cmvm_free(&made[k]);
    return bad;
}

int cb_cmvm_solve(const cb_cmvm_problem *p, cb_cmvm_graph *g) {
    task t = {0};
    cb_attempt how[MAX_ATTEMPTS];
    cb_cmvm_graph made[MAX_ATTEMPTS];
    int rc[MAX_ATTEMPTS], best = -1;
    memset(g, 0, sizeof *g);
    if (prepare(&t, p)) return task_free(&t), -1;
    int limit = p->max_depth;
    for (int i = 0; i < p->n_in && limit >= 0 && p->level; i++)
        if (p->level[i] + p->max_depth > limit) limit = p->level[i] + p->max_depth;
    if (limit >= 0) limit += t.least_depth;
    int n = plan(&t, limit, how);
    if (n < 0) return task_free(&t), -1;
    for (int first = 0, end = n; first < end; first = end, end = n) {
#pragma omp parallel for schedule(static, 1)
        for (int k = first; k < end; k++) rc[k] = attempt(&t, &how[k], &made[k]);
        for (int k = first; k < end; k++)
            if (!rc[k] && (best < 0 || prefer(&made[k], &made[best], limit))) best = k;
        if (!first && limit >= 0 && best >= 0 && levels_of(&made[best]) > limit) n += plan_strict(&t, limit, how + n);
    }
    for (int k = 0; k < n; k++)
        if (rc[k]) best = -1; /* all or nothing: the choice must not depend on memory */
    if (best >= 0) {
        *g = made[best];
        made[best] = (cb_cmvm_graph){0};
        if (p->effort > 0 && g->adders > 1 && g->n < MOST_REFINED && refine_best(&t, limit, g)) best = -1, cb_cmvm_free(g);
    }
    for (int k = 0; k < n; k++)
        if (best < 0 || k != best) cb_cmvm_free(&made[k]);
    task_free(&t);
    return best < 0 ? cb_fail("constant matrix %d x %d: no memory", p->n_in, p->n_out) : 0;
}

int cb_cmvm_eval(const cb_cmvm_graph *g, const int64_t *x, int64_t *y) {
    int64_t *v = cb_alloc((size_t)g->n + 1, sizeof *v);
    if (!v) return -1;
    for (int32_t i = 0; i < g->n; i++) {
        const cb_cmvm_node *n = &g->node[i];
        if (i < g->n_in) v[i] = x[i];
        else if (n->a < 0) v[i] = n->lo;
        else {
            int64_t a = v[n->a] * ((int64_t)1 << n->sa), b = v[n->b] * ((int64_t)1 << n->sb);
            v[i] = n->sub ? a - b : a + b;
        }
    }
    for (int o = 0; o < g->n_out; o++) {
        cb_cmvm_ref r = g->out[o];
        y[o] = r.node < 0 ? 0 : v[r.node] * ((int64_t)1 << r.shift) * (r.neg ? -1 : 1);
    }
    free(v);
    return 0;
}

void cb_cmvm_free(cb_cmvm_graph *g) {
    free(g->node);
    free(g->out);
    memset(g, 0, sizeof *g);
}
