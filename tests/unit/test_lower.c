/* Constant matrices and the lowering of programmes: the graph gives the programme's score. */
#include "base/rng.h"
#include "base/threads.h"
#include "hw/cmvm.h"
#include "hw/lowering.h"
#include "hw/netlist.h"
#include "hw/prove.h"
#include "quant/firmware_import.h"
#include "unit.h"

/* ---- constant matrices ---- */

/* Every node within its interval, every output exact. */
static int wrong_products(const cb_cmvm_problem *p, const cb_cmvm_graph *g, cb_rng *r) {
    int64_t x[64], y[64];
    int wrong = 0;
    for (int e = 0; e < 30; e++) {
        for (int i = 0; i < p->n_in; i++)
            x[i] = e == 0 ? p->lo[i] : e == 1 ? p->hi[i] : p->lo[i] + (int64_t)cb_rng_below(r, (uint32_t)(p->hi[i] - p->lo[i] + 1));
        UNIT_OK(cb_cmvm_eval(g, x, y));
        for (int o = 0; o < p->n_out; o++) {
            int64_t sum = p->constant[o];
            for (int i = 0; i < p->n_in; i++) sum += p->w[i * p->n_out + o] * x[i] * (1 << p->exp[i]);
            wrong += sum != y[o];
        }
    }
    return wrong;
}

static void test_random_matrices(void) {
    for (uint64_t trial = 0; trial < 120; trial++) {
        cb_rng r = cb_rng_at(9, "matrices", trial);
        int n_in = 1 + (int)cb_rng_below(&r, 12), n_out = 1 + (int)cb_rng_below(&r, 8), bits = 1 + (int)cb_rng_below(&r, 11);
        int64_t w[96], lo[12], hi[12], constant[8];
        int exp[12];
        for (int i = 0; i < n_in; i++) {
            lo[i] = -(int64_t)cb_rng_below(&r, 300) * (int64_t)cb_rng_below(&r, 2);
            hi[i] = lo[i] + (int64_t)cb_rng_below(&r, 2) * (int64_t)cb_rng_below(&r, 1000); /* some are constants */
            exp[i] = (int)cb_rng_below(&r, 4);
        }
        uint32_t zeros = cb_rng_below(&r, 100);
        for (int i = 0; i < n_in * n_out; i++)
            w[i] = cb_rng_below(&r, 100) < zeros ? 0 : (int64_t)cb_rng_below(&r, 2u << bits) - (1 << bits);
        for (int o = 0; o < n_out; o++) constant[o] = cb_rng_below(&r, 3) ? (int64_t)cb_rng_below(&r, 4000) - 2000 : 0;
        cb_cmvm_problem p = {.n_in = n_in, .n_out = n_out, .w = w, .lo = lo, .hi = hi, .exp = exp, .constant = constant,
                             .max_depth = (int)cb_rng_below(&r, 4) - 1, .effort = trial % 16 == 0, .most_pairs = trial % 4 ? 0 : 20};
        cb_cmvm_graph g;
        UNIT_OK(cb_cmvm_solve(&p, &g));
        UNIT_OK(cb_prove_matrix(&p, &g));
        CU_ASSERT_EQUAL(wrong_products(&p, &g, &r), 0);
        cb_cmvm_free(&g);
    }
}

/* Fewest adders, whatever they cost. */
static int64_t fewest(const cb_cmvm_graph *g, void *context) {
    ++*(int *)context;
    return g->adders;
}

static bool same_graph(const cb_cmvm_graph *x, const cb_cmvm_graph *y) {
    bool same = x->n == y->n && x->n_out == y->n_out && x->cost == y->cost;
    for (int32_t i = 0; i < x->n && same; i++) {
        const cb_cmvm_node *a = &x->node[i], *b = &y->node[i];
        same = a->a == b->a && a->b == b->b && a->sa == b->sa && a->sb == b->sb && a->sub == b->sub && a->lo == b->lo && a->hi == b->hi;
    }
    for (int o = 0; o < x->n_out && same; o++)
        same = x->out[o].node == y->out[o].node && x->out[o].shift == y->out[o].shift && x->out[o].neg == y->out[o].neg;
    return same;
}

/* Refinement: the same matrix, never dearer than without and mostly cheaper, never deeper than allowed, the same for any
 * number of threads, chosen by the judge if there is one. */
static void test_refinement(void) {
    int64_t w[480], lo[30], hi[30], constant[16], plain_cost = 0, refined_cost = 0;
    for (int i = 0; i < 30; i++) lo[i] = i % 5 ? 0 : -512, hi[i] = i % 5 ? 1023 : 511;
    for (uint64_t trial = 0; trial < 12; trial++) {
        cb_rng r = cb_rng_at(21, "refinement", trial);
        int n_in = 4 + (int)cb_rng_below(&r, 27), n_out = 1 + (int)cb_rng_below(&r, 16), asked = 0, threads = cb_threads();
        for (int i = 0; i < n_in * n_out; i++) w[i] = (int64_t)cb_rng_below(&r, trial % 2 ? 15 : 511) - (trial % 2 ? 7 : 255);
        for (int o = 0; o < n_out; o++) constant[o] = (int64_t)cb_rng_below(&r, 2000) - 1000;
        cb_cmvm_problem p = {.n_in = n_in, .n_out = n_out, .w = w, .lo = lo, .hi = hi, .constant = constant,
                             .max_depth = (int)(trial % 4) - 1};
        cb_cmvm_graph plain, refined, again, judged;
        UNIT_OK(cb_cmvm_solve(&p, &plain));
        p.effort = 2;
        UNIT_OK(cb_cmvm_solve(&p, &refined));
        UNIT_OK(cb_prove_matrix(&p, &refined));
        CU_ASSERT(refined.cost <= plain.cost && (p.max_depth < 0 || refined.depth <= plain.depth || refined.cost == plain.cost));
        plain_cost += plain.cost, refined_cost += refined.cost;
        cb_threads_set(threads > 1 ? 1 : 3);
        UNIT_OK(cb_cmvm_solve(&p, &again));
        cb_threads_set(threads);
        CU_ASSERT(same_graph(&again, &refined));
        p.judge = fewest, p.judge_context = &asked;
        UNIT_OK(cb_cmvm_solve(&p, &judged));
        UNIT_OK(cb_prove_matrix(&p, &judged));
        CU_ASSERT(asked >= 3 && (p.max_depth >= 0 || judged.adders <= refined.adders));
        cb_cmvm_free(&plain), cb_cmvm_free(&refined), cb_cmvm_free(&again), cb_cmvm_free(&judged);
    }
    CU_ASSERT(refined_cost < 0.99 * plain_cost);
}

static void test_csd(void) {
    uint8_t shift[64];
    int8_t sign[64];
    for (int64_t w = -3000; w <= 3000; w++) {
        int n = cb_csd(w, shift, sign);
        int64_t sum = 0;
        bool adjacent = false;
        for (int k = 0; k < n; k++) {
            sum += sign[k] * ((int64_t)1 << shift[k]);
            adjacent |= k && shift[k] < shift[k - 1] + 2;
        }
        CU_ASSERT_FATAL(sum == w && !adjacent);
    }
}

/* Known small optima and the rules of the cost. */
static void test_costs(void) {
    int64_t w[4] = {1, 1, 1, -1}, lo[2] = {0, 0}, hi[2] = {255, 255};
    cb_cmvm_problem p = {.n_in = 2, .n_out = 2, .w = w, .lo = lo, .hi = hi, .max_depth = -1};
    cb_cmvm_graph g;
    UNIT_OK(cb_cmvm_solve(&p, &g)); /* butterfly: a + b and a - b */
    CU_ASSERT(g.adders == 2 && g.depth == 1 && g.cost == 18);
    cb_cmvm_free(&g);
    int64_t seven[1] = {7};
    p = (cb_cmvm_problem){.n_in = 1, .n_out = 1, .w = seven, .lo = lo, .hi = hi, .max_depth = -1};
    UNIT_OK(cb_cmvm_solve(&p, &g)); /* 8x - x, known to be positive: 11 bits */
    CU_ASSERT(g.adders == 1 && g.node[g.out[0].node].hi == 7 * 255 && g.node[g.out[0].node].lo == 0);
    cb_cmvm_free(&g);
    CU_ASSERT_EQUAL(cb_adder_cost(0, 15, 0, 0, 15, 4, false, 0, 255), 0); /* concatenation */
    CU_ASSERT_EQUAL(cb_adder_cost(0, 15, 0, 0, 15, 3, false, 0, 135), 5);
    CU_ASSERT_EQUAL(cb_adder_cost(0, 15, 0, 0, 15, 3, true, -120, 15), 5);
    CU_ASSERT_EQUAL(cb_adder_cost(0, 15, 3, 0, 15, 0, true, -15, 120), 8);
    int64_t huge[1] = {(int64_t)1 << 50};
    p.w = huge;
    UNIT_FAILS(cb_cmvm_solve(&p, &g), "54 bits");
}

/* da4ml's formula of the cost of a graph: overlap of the operands (_binary/cmvm/state_opr.cc cost_add). */
static double span_cost(const cb_cmvm_graph *g) {
    double cost = 0;
    for (int32_t i = g->n_in; i < g->n; i++) {
        const cb_cmvm_node *x = &g->node[i], *a = &g->node[x->a], *b = &g->node[x->b];
        int sign = a->lo < 0 || b->lo < 0, low = x->sa > x->sb ? x->sa : x->sb;
        int ta = cb_interval_width(a->lo, a->hi) - (a->lo < 0) + x->sa, tb = cb_interval_width(b->lo, b->hi) - (b->lo < 0) + x->sb;
        cost += sign + (ta > tb ? ta : tb) - low;
    }
    return cost;
}

static int wrong_plain(const cb_cmvm_problem *p, const cb_cmvm_graph *g, cb_rng *r) {
    int64_t x[256], y[64];
    int wrong = 0;
    for (int e = 0; e < 4; e++) {
        for (int i = 0; i < p->n_in; i++) x[i] = p->lo[i] + (int64_t)cb_rng_below(r, (uint32_t)(p->hi[i] - p->lo[i] + 1));
        UNIT_OK(cb_cmvm_eval(g, x, y));
        for (int o = 0; o < p->n_out; o++) {
            int64_t sum = 0;
            for (int i = 0; i < p->n_in; i++) sum += p->w[i * p->n_out + o] * x[i];
            wrong += sum != y[o];
        }
    }
    return wrong;
}

/* The recorded matrices of at most 160 entries: exact, and in sum cheaper than da4ml's graphs by
 * its own formula, at any depth (-1) and one level above the least (1). */
static void test_recorded_matrices(void) {
    cb_h5 *f = cb_h5_open(unit_golden("cmvm.h5"), NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    uint64_t n = 0, m = 0, n1 = 0, n4[2] = {0, 4};
    int32_t *n_in = cb_h5_read(f, "/n_in", CB_I32, 1, &n), *n_out = cb_h5_read(f, "/n_out", CB_I32, 1, &n);
    int32_t *lo = cb_h5_read(f, "/in_lo", CB_I32, 1, &n), *hi = cb_h5_read(f, "/in_hi", CB_I32, 1, &n);
    int64_t *w = cb_h5_read(f, "/matrices", CB_I64, 1, &m), *offset = cb_h5_read(f, "/offset", CB_I64, 1, &n1);
    double *theirs = cb_h5_read(f, "/lut/cost", CB_F64, 2, n4);
    cb_h5_close(&f);
    CU_ASSERT_FATAL(n_in && n_out && lo && hi && w && offset && theirs && n == 146);
    cb_rng r = cb_rng_at(10, "recorded", 0);
    for (int depth = -1; depth < 2; depth += 2) {
        double ours = 0, da4ml = 0;
        int cases = 0, wrong = 0;
        for (uint64_t k = 0; k < n; k++) {
            int64_t l[256], h[256];
            if (n_in[k] * n_out[k] > 160) continue;
            for (int i = 0; i < n_in[k]; i++) l[i] = lo[k], h[i] = hi[k];
            cb_cmvm_problem p = {.n_in = n_in[k], .n_out = n_out[k], .w = w + offset[k], .lo = l, .hi = h, .max_depth = depth};
            cb_cmvm_graph g;
            UNIT_OK(cb_cmvm_solve(&p, &g));
            wrong += wrong_plain(&p, &g, &r);
            ours += span_cost(&g);
            da4ml += theirs[4 * k + (uint64_t)(depth + 1) / 2 * 2];
            cases++;
            cb_cmvm_free(&g);
        }
        CU_ASSERT(cases > 50 && wrong == 0);
        CU_ASSERT(ours < 0.95 * da4ml);
    }
    free(n_in), free(n_out), free(lo), free(hi), free(w), free(offset), free(theirs);
}

/* ---- programmes ---- */

static void random_format(cb_rng *r, cb_op *op) {
    op->relu = cb_rng_below(r, 2);
    op->round = (cb_round)cb_rng_below(r, 7);
    op->overflow = (cb_overflow)cb_rng_below(r, 3);
    for (int e = 0; e < op->n_format; e++) {
        cb_format t = {.k = (int8_t)cb_rng_below(r, 2), .i = (int16_t)((int)cb_rng_below(r, 12) - 2)};
        t.f = (int16_t)((int)cb_rng_below(r, 10) - 3);
        op->format[e] = t; /* width 0 and less happen */
    }
}

static void random_weights(cb_rng *r, cb_op *op, int n_w) {
    op->w_frac = (int)cb_rng_below(r, 6);
    for (int i = 0; i < n_w; i++) op->w[i] = cb_rng_below(r, 3) ? (int32_t)cb_rng_below(r, 63) - 31 : 0;
    op->bias_frac = op->in_frac;
    for (int o = 0; op->bias && o < op->out_c; o++) op->bias[o] = (int64_t)cb_rng_below(r, 41) - 20;
}

/* quant? (conv quant)? dense quant? dense quant(0,8,8) */
static void random_programme(cb_rng *r, cb_programme *p) {
    memset(p, 0, sizeof *p);
    strcpy(p->name, "random");
    strcpy(p->family, "test");
    p->input_h = 2 + (int)cb_rng_below(r, 3), p->input_w = 2 + (int)cb_rng_below(r, 3);
    int n = p->input_h * p->input_w;
    cb_op *op;
    if (cb_rng_below(r, 2)) random_format(r, op = cb_programme_quant(p, "in", cb_rng_below(r, 2) ? n : 1));
    if (cb_rng_below(r, 2)) {
        op = cb_programme_conv2d(p, "conv", 2, 2, 1 + (int)cb_rng_below(r, 2), 1, 2, cb_rng_below(r, 2));
        random_weights(r, op, op->kh * op->kw * op->in_c * op->out_c);
        n = op->out_h * op->out_w * op->out_c;
        random_format(r, cb_programme_quant(p, "conv_relu", cb_rng_below(r, 2) ? n : 1));
    }
    op = cb_programme_dense(p, "dense1", 3, cb_rng_below(r, 2));
    random_weights(r, op, n * 3);
    if (cb_rng_below(r, 4)) random_format(r, cb_programme_quant(p, "relu1", cb_rng_below(r, 2) ? 3 : 1));
    op = cb_programme_dense(p, "dense2", 1, cb_rng_below(r, 2));
    random_weights(r, op, 3);
    op = cb_programme_quant(p, "score", 1);
    random_format(r, op);
    op->format[0] = (cb_format){0, 8, 8};
}

static int mismatches(const cb_programme *p, const cb_netlist *g, cb_rng *r, size_t n) {
    size_t n_in = (size_t)g->n_input, wrong = 0;
    uint16_t *et = calloc(n * n_in, sizeof *et), *want = calloc(n, sizeof *want), *got = calloc(n, sizeof *got);
    for (size_t e = 0; e < n; e++)
        for (size_t i = 0; i < n_in; i++) {
            uint32_t most = e % 3 == 0 ? 1023 : e % 3 == 1 ? 31 : 3;
            et[e * n_in + i] = e == 0 ? 0 : e == 1 ? 1023 : (uint16_t)cb_rng_below(r, most + 1);
        }
    UNIT_OK(cb_programme_score(p, et, n, want));
    UNIT_OK(cb_netlist_score(g, et, n, got));
    int64_t *value = calloc((size_t)g->n, sizeof *value);
    for (size_t e = 0; e < n; e++) {
        wrong += want[e] != got[e];
        if (e >= 40) continue;
        cb_netlist_trace(g, et + e * n_in, value); /* bounds hold too */
        for (int32_t i = 0; i < g->n; i++) wrong += value[i] < g->node[i].lo || value[i] > g->node[i].hi;
    }
    free(et), free(want), free(got), free(value);
    return (int)wrong;
}

static void test_random_programmes(void) {
    int done = 0, alive = 0;
    for (uint64_t trial = 0; trial < 300; trial++) {
        cb_rng r = cb_rng_at(11, "programmes", trial);
        cb_programme p;
        cb_netlist g;
        random_programme(&r, &p);
        if (!cb_programme_finish(&p)) {
            const cb_lowering_rules rules = {.extra_levels = (int)cb_rng_below(&r, 3) - 1, .ternary = trial % 4 == 1, .effort = trial % 10 ? 1 : 0};
            UNIT_OK(cb_netlist_lower_by(&g, &p, &rules, NULL));
            CU_ASSERT_EQUAL(g.ternary, rules.ternary);
            int wrong = mismatches(&p, &g, &r, 120);
            if (wrong) fprintf(stderr, "\n  trial %d: %d mismatches\n", (int)trial, wrong);
            CU_ASSERT_EQUAL(wrong, 0);
            done++;
            alive += g.node[g.output[0]].kind != CB_NODE_CONST;
            cb_netlist_free(&g);
        }
        cb_programme_free(&p);
    }
    CU_ASSERT(done > 250 && alive > 120);
}

/* Field by field: the struct has padding. */
static bool same_node(const cb_node *x, const cb_node *y) {
    return x->kind == y->kind && x->sub == y->sub && x->relu == y->relu && x->round == y->round && x->overflow == y->overflow &&
           x->sa == y->sa && x->sb == y->sb && x->n_in == y->n_in && x->frac == y->frac && x->a == y->a && x->b == y->b &&
           x->format.k == y->format.k && x->format.i == y->format.i && x->format.f == y->format.f && x->lo == y->lo &&
           x->hi == y->hi && x->table == y->table && !memcmp(x->in, y->in, sizeof x->in) && x->level == y->level &&
           x->stage == y->stage;
}

/* The deployed nets, lowered: same scores as the programme, adders near da4ml's 922 (few levels) and 2,403
 * (any depth), the file form is lossless, and the pipeline keeps its promises. */
static void firmware(const char *arch, const char *folder, int extra_levels, int most_adders) {
    cb_programme p;
    cb_netlist g, back;
    UNIT_OK(cb_firmware_import(&p, arch, folder, folder, NULL));
    UNIT_OK(cb_netlist_lower(&g, &p, extra_levels));
    cb_rng r = cb_rng_at(13, folder, 0);
    CU_ASSERT_EQUAL(mismatches(&p, &g, &r, 3000), 0);
    int adders = 0;
    for (int32_t i = 0; i < g.n; i++)
        adders += (g.node[i].kind == CB_NODE_ADD || g.node[i].kind == CB_NODE_NEG) && !cb_node_is_wire(&g, i);
    CU_ASSERT(adders > 100 && adders <= most_adders);
    const char *path = unit_scratch("netlist.h5");
    cb_h5 *f = cb_h5_create(path, CB_NETLIST_SCHEMA, "test", "");
    UNIT_OK(f ? cb_netlist_write(&g, f) : -1);
    UNIT_OK(cb_h5_commit(&f));
    UNIT_OK(cb_netlist_read(&back, path));
    unlink(path);
    CU_ASSERT_EQUAL_FATAL(back.n, g.n);
    for (int32_t i = 0; i < g.n; i++) CU_ASSERT(same_node(&g.node[i], &back.node[i]));
    CU_ASSERT_EQUAL(mismatches(&p, &back, &r, 100), 0);
    cb_netlist_free(&back);
    cb_netlist_free(&g);
    cb_programme_free(&p);
}

static void test_v1(void) { firmware("v1", "data/firmware/v1p1p2", 1, 880); }
static void test_v2(void) { firmware("v2", "data/firmware/v2p1p2", -1, 2450); }

UNIT_MAIN("lower", {"signed digits", test_csd}, {"costs", test_costs}, {"random matrices", test_random_matrices}, {"refinement", test_refinement},
          {"recorded matrices", test_recorded_matrices}, {"random programmes", test_random_programmes}, {"v1p1p2", test_v1}, {"v2p1p2", test_v2})
