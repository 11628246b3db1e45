/* hgq+: kernels of every level against the plain rules, the slopes of the cost, the distance in the loss, training
 * over threads, calibration, export, bad designs. */
#include "base/log.h"
#include "base/rng.h"
#include "base/threads.h"
#include "nn/isa.h"
#include "quant/plus_calibrate.h"
#include "quant/plus_export.h"
#include "quant/ebops.h"
#include "quant/plus_fit.h"
#include "quant/plus_front.h"
#include "stats/emd.h"
#include "unit.h"

enum { H = 6, W = 4, EVENTS = 700, OUTLIERS_FROM = 600 };

#include "toy.h"

/* Images with a steep spectrum and a target that depends on them; the last hundred are outliers: hotter. */
static void toy_new(toy *t) {
    cb_rng r = cb_rng_at(3, "toy", 0);
    for (int e = 0; e < EVENTS; e++) {
        double sum = 0;
        for (int c = 0; c < H * W; c++) {
            uint32_t v = cb_rng_below(&r, 32) * cb_rng_below(&r, 32) >> 5;
            if (e >= OUTLIERS_FROM && c % 7 == e % 7) v += 40;
            t->et[e * H * W + c] = (uint16_t)v;
            sum += (double)v * v;
        }
        t->code[e] = (uint16_t)(sum > 60000 ? 60000 : sum);
    }
    cb_rows *image = cb_rows_view(t->et + OUTLIERS_FROM * H * W, NULL, EVENTS - OUTLIERS_FROM, H * W);
    CU_ASSERT_PTR_NOT_NULL_FATAL(image);
    cb_outliers outliers = {EVENTS - OUTLIERS_FROM, image, t->code + OUTLIERS_FROM, t->split + OUTLIERS_FROM};
    toy_open(t, OUTLIERS_FROM, &outliers);
    CU_ASSERT(t->set.n[0] + t->set.n[1] == EVENTS && t->set.n_zero_bias[0] + t->set.n_zero_bias[1] == OUTLIERS_FROM);
    cb_rows_free(image);
}

static cb_plus_design some_design(void) {
    return (cb_plus_design){.height = H, .width = W, .n_view = 2, .pool_h = 3, .pool_w = 2, .columns = true,
                            .train_ranges = true, .train_sums = true, .last_bias = true, .weight_most = {8, 8, 8},
                            .n_dense = 3, .n_out = {2, 4, 1}};
}

static const cb_plus_start start = {.quantile = {0.5, 0.9}, .bits = {2, 2}, .width = 7, .weight_bits = 4, .n = 300, .seed = 1};

static cb_plus_student *toy_student(const toy *t, const cb_plus_design *d) {
    cb_plus_student *s = cb_plus_student_new(d);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    UNIT_OK(cb_plus_calibrate(s, &t->set, &start));
    return s;
}

/* Widths and weights thrown about, as a long training leaves them. */
static void shake(cb_plus_student *s, uint64_t seed) {
    cb_rng r = cb_rng_at(seed, "shake", 0);
    for (size_t v = 0; v < s->view.n; v++) {
        s->view.i[v] = (float)cb_rng_below(&r, 11);
        s->view.w[v] = -(float)cb_rng_below(&r, 6);
    }
    for (int l = 0; l < s->d.n_dense; l++) {
        cb_plus_layer *y = &s->layer[l];
        for (size_t v = 0; v < y->iq.n; v++) {
            y->iq.i[v] = (float)cb_rng_below(&r, 10) - 2;
            y->iq.w[v] = (float)cb_rng_below(&r, 9) - 4;
        }
        for (size_t v = 0; v < y->kq.n; v++) {
            y->kernel[v] = 4 * cb_rng_f32(&r) - 2;
            y->kq.w[v] = (float)cb_rng_below(&r, 7);
            y->kq.i[v] = (float)cb_rng_below(&r, 4) - 1;
        }
        for (int o = 0; o < y->n_out; o++) y->bias[o] = 10 * cb_rng_f32(&r) - 5;
    }
    cb_plus_student_constrain(s);
}

/* ---- kernels ---- */

static float plain_quantize(const cb_hgq_format *t, int32_t wrap, float half, float x) {
    if (wrap >= 0) return (float)((int)floorf(x * t->scale + half) & wrap) * t->step;
    float v = x > 0 ? x : 0;
    v = v < t->hi ? v : t->hi;
    return floorf(v * t->scale + half) * t->step;
}

static int check_block(const cb_plus_model *m, cb_rng *r) {
    enum { E = H * W * 2, G = 8 };
    static float x[H * W * 16], u[G * 16], g[G * 16], di[E * 16], df[E * 16];
    int bad = 0;
    for (int e = 0; e < H * W * 16; e++) x[e] = (float)(cb_rng_below(r, 4) ? cb_rng_below(r, 20) : cb_rng_below(r, 1024));
    for (int e = 0; e < G * 16; e++) g[e] = cb_rng_f32(r) - 0.5f;
    for (int e = 0; e < E * 16; e++) di[e] = df[e] = 1;
    cb_plus_lanes_sums(&m->sums, x, u);
    cb_plus_lanes_sums_backward(&m->sums, x, g, di, df);
    for (int k = 0; k < 16; k++) {
        float sum[G] = {0};
        for (int e = 0; e < E; e++) {
            const cb_hgq_format *t = &m->view[e];
            float v = x[e / 2 * 16 + k], q = plain_quantize(t, m->wrap[e], m->sums.half, v);
            float gk = g[m->s->group[e] * 16 + k] * m->sums.unit, px, i = 1, f = 1;
            double pi, pf;
            cb_hgq_partials(t, v, q, &px, &pi, &pf);
            if (t->hi > 0 || m->wrap[e] >= 0) sum[m->s->group[e]] += q;
            if (m->wrap[e] < 0) {
                f += gk * (v > t->hi ? t->df_hi : (float)CB_LN2 * (v - q));
                i += gk * (float)pi;
            }
            bad += i != di[e * 16 + k] || f != df[e * 16 + k];
        }
        for (int t = 0; t < G; t++) bad += sum[t] * m->sums.unit != u[t * 16 + k];
    }
    return bad;
}

static int check_hidden(cb_rng *r) {
    enum { N = 21 };
    static float x[N * 16], q[N * 16], g[N * 16], dx[N * 16], di[N * 16], df[N * 16];
    cb_hgq_format t[N];
    int bad = 0;
    for (int e = 0; e < N; e++) t[e] = cb_hgq_format_make(0, (int)cb_rng_below(r, 9) - 2, (int)cb_rng_below(r, 8) - 3, CB_SAT);
    for (int e = 0; e < N * 16; e++) {
        float edge = cb_rng_below(r, 2) ? t[e / 16].hi : t[e / 16].step * (float)cb_rng_below(r, 9);
        x[e] = cb_rng_below(r, 2) ? edge : 80 * (cb_rng_f32(r) - 0.5f);
        g[e] = cb_rng_f32(r) - 0.5f;
        di[e] = df[e] = 2;
    }
    cb_plus_lanes_quantize(t, N, 0, x, q);
    cb_plus_lanes_backward(t, N, x, q, g, dx, di, df);
    for (int e = 0; e < N * 16; e++) {
        const cb_hgq_format *f = &t[e / 16];
        bool over = x[e] > f->hi, under = !(x[e] > 0);
        bad += q[e] != plain_quantize(f, -1, 0, x[e]) || dx[e] != (over || under ? 0 : g[e]);
        float gk = under ? 0 : g[e];
        bad += df[e] != 2 + gk * (over ? f->df_hi : (float)CB_LN2 * (x[e] - q[e])) || di[e] != 2 + gk * (over ? f->di_hi : 0);
    }
    return bad;
}

static void test_kernels(void) {
    int before = cb_isa();
    for (int level = 0; level < CB_ISA_LEVELS; level++) {
        if (cb_isa_force(level)) continue;
        for (uint64_t seed = 0; seed < 12; seed++) {
            cb_plus_design d = some_design();
            cb_rng r = cb_rng_at(seed, "kernels", 0);
            d.columns = seed % 2;
            d.wrap_views = seed % 4 > 1;
            d.round_views = seed % 3 == 2;
            cb_plus_student *s = cb_plus_student_new(&d);
            cb_plus_model m;
            CU_ASSERT_PTR_NOT_NULL_FATAL(s);
            shake(s, seed);
            UNIT_OK(cb_plus_model_new(&m, s));
            CU_ASSERT_EQUAL(check_block(&m, &r), 0);
            CU_ASSERT_EQUAL(check_hidden(&r), 0);
            cb_plus_model_free(&m);
            cb_plus_student_free(s);
        }
    }
    UNIT_OK(cb_isa_force(before));
}

/* ---- cost ---- */

/* One bit less of any variable with two bits or more changes the cost by its slope. */
static void test_cost_slopes(void) {
    for (uint64_t seed = 0; seed < 6; seed++) {
        cb_plus_design d = some_design();
        d.columns = seed % 2;
        d.ebops_cost = seed > 3;
        cb_plus_student *s = cb_plus_student_new(&d);
        CU_ASSERT_PTR_NOT_NULL_FATAL(s);
        shake(s, seed);
        double *grad = cb_alloc(s->n_value, sizeof *grad);
        CU_ASSERT_PTR_NOT_NULL_FATAL(grad);
        double before = cb_plus_cost(s, 1, grad).total, sum = 0;
        cb_plus_lut part = cb_plus_cost(s, 0, NULL);
        CU_ASSERT_DOUBLE_EQUAL(part.views + part.sums + part.dense + part.units, before, 1e-9 * before);
        for (int l = -1; l < d.n_dense; l++) {
            cb_hgq_quantizer *q[2] = {l < 0 ? &s->view : &s->layer[l].iq, l < 0 ? NULL : &s->layer[l].kq};
            for (int k = 0; k < 2 && q[k]; k++)
                for (size_t v = 0; v < q[k]->n; v++) {
                    if (cb_hgq_width(q[k], v) < 2) continue;
                    double slope = grad[q[k]->w + v - s->value];
                    q[k]->w[v] -= 1;
                    CU_ASSERT_DOUBLE_EQUAL(before - cb_plus_cost(s, 0, NULL).total, slope, 1e-6);
                    q[k]->w[v] += 1;
                    sum += slope;
                }
        }
        CU_ASSERT(sum > 0);
        free(grad);
        cb_plus_student_free(s);
    }
}

/* Tiles that no weight uses are free, whatever their views. */
static void test_cost_unused(void) {
    cb_plus_design d = some_design();
    cb_plus_student *s = cb_plus_student_new(&d);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    shake(s, 1);
    for (size_t v = 0; v < s->layer[0].kq.n; v++) s->layer[0].kq.w[v] = 0;
    cb_plus_lut c = cb_plus_cost(s, 0, NULL);
    CU_ASSERT_EQUAL(c.views, 0);
    CU_ASSERT_EQUAL(c.sums, 0);
    CU_ASSERT(c.dense > 0);
    cb_plus_student_free(s);
}

/* ---- loss ---- */

static void test_distance(void) {
    enum { N = 300 };
    static float a[N], b[N], grad[N];
    static uint64_t order[2 * N];
    cb_rng r = cb_rng_at(5, "distance", 0);
    for (int e = 0; e < N; e++) {
        a[e] = (float)cb_rng_below(&r, 40) / 4;
        b[e] = cb_rng_below(&r, 3) ? 12 * cb_rng_f32(&r) : 0;
    }
    cb_sample sa, sb;
    UNIT_OK(cb_sample_make(&sa, a, N, "a"));
    UNIT_OK(cb_sample_make(&sb, b, N, "b"));
    memset(grad, 0, sizeof grad);
    double d = cb_plus_distance(a, b, N, order, 2, grad), sum = 0;
    CU_ASSERT_DOUBLE_EQUAL(d, cb_emd(&sa, &sb), 1e-9);
    for (int e = 0; e < N; e++) { /* a small step downhill makes it smaller */
        sum += fabs(grad[e]);
        a[e] -= 0.01f * grad[e];
    }
    CU_ASSERT(sum > 0.5 && sum < 2.001);
    CU_ASSERT(cb_plus_distance(a, b, N, order, 0, NULL) < d);
    CU_ASSERT_EQUAL(cb_plus_distance(b, b, N, order, 0, NULL), 0);
    cb_sample_free(&sa);
    cb_sample_free(&sb);
}

static void test_task(void) {
    const cb_plus_loss rule = {.tail_from = 5, .tail_weight = 3};
    const float sum[6] = {-2, -2, 1, 4, 9, 7}, y[6] = {0, 2, 1, 3, 6, 8};
    float grad[6];
    CU_ASSERT_DOUBLE_EQUAL(cb_plus_task(&rule, sum, y, 6, grad), (0 + 2 + 0 + 1 + 9 + 3) / 6.0, 1e-12);
    const float want[6] = {0, -1, 0, 1, 3, -3};
    for (int e = 0; e < 6; e++) CU_ASSERT_DOUBLE_EQUAL(grad[e], want[e] / 6, 1e-7);
}

/* ---- training ---- */

static double some_luts(void *context, const cb_plus_model *m) {
    ++*(int *)context;
    return 0.5 * cb_plus_cost(m->s, 0, NULL).total;
}

static cb_plus_student *toy_fit(const toy *t, int threads, bool wrap, double lut, int *asked, cb_plus_history *h) {
    cb_plus_design d = some_design();
    d.wrap_views = wrap;
    cb_plus_student *s = toy_student(t, &d);
    cb_plus_plan p = {.epochs = 14, .ask = 3, .batch = 96, .learning_rate = 0.02, .rate_end = 0.2, .beta = 1e-4,
                      .beta_least = 1e-7, .beta_most = 1, .gain = 2, .lut = lut, .shrink = 0.5, .freeze = 0.7, .seed = 2,
                      .loss = {.tail_from = 60, .tail_weight = 2, .spread = 0.5}, .estimate = some_luts, .context = asked};
    int before = cb_threads();
    cb_threads_set(threads);
    cb_log_level(CB_QUIET);
    UNIT_OK(cb_plus_fit(s, &t->set, &p, h));
    cb_threads_set(before);
    return s;
}

static void test_training(void) {
    static toy t;
    toy_new(&t);
    for (int wrap = 0; wrap < 2; wrap++) {
        cb_plus_history h[2];
        cb_plus_student *s[2];
        int asked[2] = {0};
        for (int k = 0; k < 2; k++) s[k] = toy_fit(&t, k ? 3 : 1, wrap, 1e6, &asked[k], &h[k]);
        CU_ASSERT(!memcmp(s[0]->value, s[1]->value, s[0]->n_value * sizeof *s[0]->value));
        CU_ASSERT(!memcmp(h[0].val_loss, h[1].val_loss, 14 * sizeof *h[0].val_loss));
        CU_ASSERT(h[0].val_loss[h[0].best] < 0.8 * h[0].val_loss[0]);
        CU_ASSERT(h[0].val_auc[h[0].best] > 0.8);
        CU_ASSERT_DOUBLE_EQUAL(h[0].lut[0], 0.5 * h[0].cost[0], 1e-9);
        CU_ASSERT_EQUAL(asked[0], 8); /* epochs 1, 4, 7, 10, and all from the freeze on: 11 to 14 */
        CU_ASSERT_EQUAL(h[0].cost[13], h[0].cost[11]); /* widths stay */
        for (int k = 0; k < 2; k++) {
            cb_plus_history_free(&h[k]);
            cb_plus_student_free(s[k]);
        }
    }
    cb_student_set_free(&t.set);
}

/* A budget far below the start: beta rises, LUTs fall, the kept epoch has the fewest if none fits. */
/* ---- front ---- */

static int toy_front(const toy *t, int threads, int n_beta, cb_front *front, cb_front_run *run) {
    static const double beta[3] = {1e-5, 1e-3, 3e-2};
    cb_plus_design d = some_design();
    cb_plus_student *s = toy_student(t, &d);
    int asked = 0, before = cb_threads();
    cb_plus_plan p = {.epochs = 6, .ask = 1, .batch = 96, .learning_rate = 0.03, .rate_end = 0.5, .beta = 1e-3,
                      .beta_least = 1e-7, .beta_most = 1, .gain = 2, .lut = 200, .shrink = 0.5, .freeze = 1, .seed = 2,
                      .loss = {.tail_from = 60, .tail_weight = 2, .spread = 0.5}, .estimate = some_luts, .context = &asked};
    cb_threads_set(threads);
    cb_log_level(CB_QUIET);
    UNIT_OK(cb_plus_front_train(s, &t->set, &p, n_beta, beta, front, run));
    cb_threads_set(before);
    cb_plus_student_free(s);
    return asked;
}

/* Every point is the epoch it says: its programme costs what the run says, and errs by what the run says. */
static void check_point(const toy *t, const cb_front *front, int k, const cb_front_run *run) {
    static float score[EVENTS];
    const cb_front_point *p = &front->point[k];
    cb_plus_model m;
    cb_programme programme;
    double mae = 0;
    UNIT_OK(cb_plus_model_new(&m, p->state));
    UNIT_OK(cb_plus_programme(&programme, &m, "point", 0));
    UNIT_OK(cb_plus_model_scores(&m, &t->set, CB_VAL, score));
    for (uint32_t e = 0; e < t->set.n[CB_VAL]; e++) mae += fabs((double)score[e] - t->set.code[CB_VAL][e] / 256.0);
    CU_ASSERT_EQUAL(p->cost, cb_programme_ebops_exact(&programme));
    CU_ASSERT_EQUAL(p->cost, run[p->run].exact[p->epoch]);
    CU_ASSERT_EQUAL(p->ebops, run[p->run].ebops[p->epoch]);
    CU_ASSERT_EQUAL(p->error, run[p->run].val_mae[p->epoch]);
    CU_ASSERT_DOUBLE_EQUAL(p->error, mae / t->set.n[CB_VAL], 1e-9);
    if (k) CU_ASSERT(p->cost > p[-1].cost && p->error < p[-1].error);
    cb_programme_free(&programme);
    cb_plus_model_free(&m);
}

static void test_front(void) {
    static toy t;
    toy_new(&t);
    cb_front front[2];
    cb_front_run run[2][3] = {0};
    for (int k = 0; k < 2; k++) CU_ASSERT_EQUAL(toy_front(&t, k ? 3 : 1, 3, &front[k], run[k]), 0); /* no LUTs asked for */
    CU_ASSERT_FATAL(front[0].n > 1 && front[0].n == front[1].n);
    for (int k = 0; k < front[0].n; k++) {
        const cb_plus_student *a = front[0].point[k].state, *b = front[1].point[k].state;
        check_point(&t, &front[0], k, run[0]);
        CU_ASSERT(!memcmp(a->value, b->value, a->n_value * sizeof *a->value));
    }
    for (int r = 0; r < 3; r++)
        for (int e = 0; e < run[0][r].n; e++) { /* nobody on a run beats the front */
            CU_ASSERT(!cb_front_wants(&front[0], run[0][r].exact[e], run[0][r].val_mae[e]));
            CU_ASSERT_EQUAL(run[0][r].beta[e], run[0][r].beta[0]);
        }
    CU_ASSERT(run[0][2].exact[5] < run[0][0].exact[5] && !strcmp(run[0][2].label, "beta 0.03"));
    for (int k = 0; k < 2; k++) {
        cb_front_free(&front[k]);
        for (int r = 0; r < 3; r++) cb_front_run_free(&run[k][r]);
    }
    CU_ASSERT(toy_front(&t, 2, 0, &front[0], run[0]) > 0); /* one run by the plan: beta follows the budget */
    CU_ASSERT(run[0][0].n == 6 && run[0][0].beta[5] != run[0][0].beta[0] && !strcmp(run[0][0].label, "200 LUT"));
    for (int k = 0; k < front[0].n; k++) check_point(&t, &front[0], k, run[0]);
    cb_front_free(&front[0]);
    cb_front_run_free(&run[0][0]);
    cb_student_set_free(&t.set);
}

static void test_budget(void) {
    static toy t;
    toy_new(&t);
    cb_plus_history h;
    int asked = 0;
    cb_plus_student *s = toy_fit(&t, 2, false, 1, &asked, &h);
    CU_ASSERT(h.beta[13] > 20 * h.beta[0]);
    CU_ASSERT(h.lut[13] < h.lut[0]);
    for (int e = 0; e < h.n; e++) CU_ASSERT(h.lut[h.best] <= h.lut[e]);
    cb_plus_history_free(&h);
    cb_plus_student_free(s);
    cb_student_set_free(&t.set);
}

/* A number that is none stops the training at its step. */
static void test_finite(void) {
    static toy t;
    toy_new(&t);
    cb_plus_design d = some_design();
    cb_plus_plan p = {.epochs = 2, .batch = 96, .learning_rate = 0.02, .rate_end = 1, .beta = 1e-4, .beta_least = 1e-7, .beta_most = 1,
                      .gain = 2, .lut = 1e6, .shrink = 0.5, .freeze = 1, .seed = 2, .loss = {.tail_from = 60, .tail_weight = 2}};
    for (int k = 0; k < 99; k++) {
        cb_plus_student *s = toy_student(&t, &d);
        cb_plus_history h;
        char where[128];
        if (k >= s->n_tensor) {
            cb_plus_student_free(s);
            break;
        }
        s->value[s->tensor[k].first] = k % 2 ? NAN : -INFINITY;
        snprintf(where, sizeof where, "(step 1): value of %s is %s at index 0", s->tensor[k].name, k % 2 ? "nan" : "-inf");
        UNIT_FAILS(cb_plus_fit(s, &t.set, &p, &h), where);
        cb_plus_history_free(&h);
        cb_plus_student_free(s);
    }
    cb_student_set_free(&t.set);
}

static void test_calibrate(void) {
    static toy t;
    toy_new(&t);
    cb_plus_design d = some_design();
    cb_plus_student *s = toy_student(&t, &d);
    /* the steps: powers of two below the quantiles of all regions; the median of a*b/32 is 4 */
    CU_ASSERT_EQUAL(rintf(s->view.w[0]), -2);
    CU_ASSERT_EQUAL(s->view.i[0], 4);
    CU_ASSERT_EQUAL(rintf(s->view.w[1]), -4);
    CU_ASSERT_EQUAL(s->view.i[1], 6);
    CU_ASSERT(s->layer[1].bias[0] > s->layer[1].bias[3]); /* hinges from low to high */
    CU_ASSERT_EQUAL(s->layer[0].kq.w[1], 0);              /* sum 1 does not start with view 0 */
    cb_plus_student_free(s);
    cb_student_set_free(&t.set);
}

/* ---- export ---- */

static void test_export(void) {
    static toy t;
    toy_new(&t);
    for (uint64_t seed = 0; seed < 12; seed++) {
        cb_plus_design d = some_design();
        d.columns = seed % 2;
        d.wrap_views = seed % 4 > 1;
        d.round_views = seed % 3 == 1;
        if (seed % 5 == 4) d.n_view = 1;
        cb_plus_student *s = cb_plus_student_new(&d);
        cb_plus_model m;
        cb_programme p;
        int64_t checked, mismatches;
        CU_ASSERT_PTR_NOT_NULL_FATAL(s);
        shake(s, seed);
        UNIT_OK(cb_plus_model_new(&m, s));
        UNIT_OK(cb_plus_programme(&p, &m, "toy", 1));
        UNIT_OK(cb_plus_check(&m, &p, &t.set, &checked, &mismatches));
        CU_ASSERT(checked > 4096);
        CU_ASSERT_EQUAL(mismatches, 0);
        CU_ASSERT(p.ebops == cb_plus_ebops(s));
        /* the lanes agree with the exact evaluation */
        static float out[EVENTS];
        double value[64];
        uint16_t row[H * W];
        int bad = 0;
        CU_ASSERT_FATAL(cb_plus_model_values(s) <= 64);
        UNIT_OK(cb_plus_model_scores(&m, &t.set, CB_VAL, out));
        for (uint32_t e = 0; e < t.set.n[CB_VAL]; e++)
            bad += fabs(out[e] - cb_plus_model_event(&m, cb_rows_at(t.set.image[CB_VAL], e, row), value)) > 1e-3 * (1 + out[e]);
        CU_ASSERT_EQUAL(bad, 0);
        cb_programme_free(&p);
        cb_plus_model_free(&m);
        cb_plus_student_free(s);
    }
    cb_student_set_free(&t.set);
}

static void test_bad(void) {
    cb_plus_design d = some_design();
    d.pool_h = 4;
    UNIT_FAILS(cb_plus_student_new(&d) == NULL, "do not divide");
    d = some_design();
    d.n_view = 9;
    UNIT_FAILS(cb_plus_student_new(&d) == NULL, "views");
    d = some_design();
    d.n_out[2] = 2;
    UNIT_FAILS(cb_plus_student_new(&d) == NULL, "the last with one unit");
    d = some_design();
    d.n_out[1] = 0;
    UNIT_FAILS(cb_plus_student_new(&d) == NULL, "dense layer 2");
}

UNIT_MAIN("plus", {"kernels", test_kernels}, {"cost: slopes", test_cost_slopes}, {"cost: unused tiles", test_cost_unused},
          {"distance", test_distance}, {"task", test_task}, {"training", test_training}, {"front", test_front}, {"budget", test_budget},
          {"numbers that are none", test_finite}, {"calibrate", test_calibrate}, {"export", test_export}, {"bad designs", test_bad})
