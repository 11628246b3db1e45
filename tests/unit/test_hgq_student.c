/* HGQ students: recorded training, kernels of every level against the plain rules, threads,
 * schedule, calibration, export. */
#define GOLDEN_PART
#include "../golden/golden_hgq.c"

#include "base/log.h"
#include "base/rng.h"
#include "base/threads.h"
#include "nn/isa.h"
#include "quant/ebops.h"
#include "quant/hgq_calibrate.h"
#include "quant/hgq_export.h"
#include "quant/hgq_fit.h"
#include "quant/hgq_lanes.h"
#include "unit.h"

static void test_recorded(void) {
    golden tally;
    CU_ASSERT_EQUAL(hgq_train(unit_golden("."), true, &tally), 0);
    CU_ASSERT(tally.ok > 1400 || tally.skipped);
}

/* ---- kernels ---- */

enum { N = 40 };

static void random_formats(cb_hgq_format *t, cb_rng *r) {
    for (int e = 0; e < N; e++) {
        cb_overflow o = (cb_overflow)cb_rng_below(r, 3);
        t[e] = cb_hgq_format_make((int)cb_rng_below(r, 2), (int)cb_rng_below(r, 10) - 3, (int)cb_rng_below(r, 10) - 4, o);
    }
}

/* Ties, range ends and ordinary values. */
static float some_value(cb_rng *r, const cb_hgq_format *t) {
    float unit = t->step * (float)((int)cb_rng_below(r, 81) - 40);
    switch (cb_rng_below(r, 4)) {
    case 0: return unit + t->step / 2;
    case 1: return isinf(t->hi) ? unit : t->hi;
    case 2: return isinf(t->lo) ? unit : t->lo;
    default: return 100 * (cb_rng_f32(r) - 0.5f);
    }
}

static void check_lanes_level(cb_rng *r) {
    static float x[N * 16], q[N * 16], g[N * 16], dx[N * 16], di[N * 16], df[N * 16];
    static double sum[N * 16], square[N * 16];
    cb_hgq_format t[N];
    int bad = 0;
    random_formats(t, r);
    for (int e = 0; e < N * 16; e++) {
        x[e] = some_value(r, &t[e / 16]);
        g[e] = cb_rng_f32(r) - 0.5f;
        di[e] = df[e] = 1;
        sum[e] = square[e] = 2;
    }
    cb_hgq_lanes_quantize(t, N, x, q);
    cb_hgq_lanes_moments(q, N, sum, square);
    cb_hgq_lanes_backward(t, N, x, q, g, dx, di, df);
    for (int e = 0; e < N * 16; e++) {
        const cb_hgq_format *f = &t[e / 16];
        float px, want = cb_hgq_round(f, CB_RND, x[e]);
        double pi, pf;
        cb_hgq_partials(f, x[e], want, &px, &pi, &pf);
        bad += q[e] != want || signbit(q[e]) != signbit(want);
        bad += sum[e] != 2 + (double)q[e] || square[e] != 2 + (double)q[e] * q[e] || dx[e] != g[e] * px;
        bad += !(fabs(di[e] - 1 - g[e] * pi) <= 1e-6 * (1 + fabs(pi)));
        bad += !(fabs(df[e] - 1 - g[e] * pf) <= 1e-6 * (1 + fabs(pf) + fabs(x[e])));
    }
    CU_ASSERT_EQUAL(bad, 0);
}

/* conv forward and backward with a ragged image (7 x 5, patches of 2) in plain loops. */
static void plain_conv(const cb_hgq_patch *p, const float *x, const float *k, const float *mask, float *y, float *g,
                       float *dk, float *dx) {
    int oh = p->h / p->size, ow = p->w / p->size, nf = p->filters;
    memset(dx, 0, (size_t)(p->h * p->w) * 16 * sizeof *dx);
    for (int o = 0; o < oh * ow * 16; o++)
        for (int f = 0; f < nf; f++) {
            int lane = o % 16, oy = o / 16 / ow, ox = o / 16 % ow, at = ((oy * ow + ox) * nf + f) * 16 + lane;
            float acc = 0;
            for (int tap = 0; tap < p->size * p->size; tap++) {
                int pixel = (oy * p->size + tap / p->size) * p->w + ox * p->size + tap % p->size;
                acc = fmaf(x[pixel * 16 + lane], k[tap * nf + f], acc);
            }
            y[at] = acc > 0 ? acc * mask[at] : 0;
            g[at] = y[at] > 0 ? g[at] * 1.25f : 0;
            for (int tap = 0; tap < p->size * p->size; tap++) {
                int pixel = ((oy * p->size + tap / p->size) * p->w + ox * p->size + tap % p->size) * 16 + lane;
                dk[(tap * nf + f) * 16 + lane] = fmaf(g[at], x[pixel], dk[(tap * nf + f) * 16 + lane]);
                dx[pixel] = fmaf(g[at], k[tap * nf + f], dx[pixel]);
            }
        }
}

static void check_conv_level(cb_rng *r) {
    cb_hgq_patch p = {7, 5, 2, 6};
    enum { PIX = 35 * 16, OUT = 6 * 6 * 16, TAP = 24 };
    static float x[PIX], k[TAP], mask[OUT], y[2][OUT], g[2][OUT], dk[2][TAP * 16], dx[2][PIX];
    for (int e = 0; e < PIX; e++) x[e] = cb_rng_f32(r) * 9;
    for (int e = 0; e < TAP; e++) k[e] = cb_rng_f32(r) - 0.4f;
    for (int e = 0; e < OUT; e++) {
        mask[e] = cb_rng_below(r, 5) ? 1.25f : 0;
        g[0][e] = g[1][e] = cb_rng_f32(r) - 0.5f;
    }
    memset(dk, 0, sizeof dk);
    cb_hgq_lanes_conv(&p, x, k, mask, y[0]);
    cb_hgq_lanes_conv_backward(&p, x, k, y[0], 1.25f, g[0], dk[0], dx[0]);
    plain_conv(&p, x, k, mask, y[1], g[1], dk[1], dx[1]);
    CU_ASSERT(!memcmp(y[0], y[1], sizeof y[0]) && !memcmp(g[0], g[1], sizeof g[0]));
    CU_ASSERT(!memcmp(dk[0], dk[1], sizeof dk[0]) && !memcmp(dx[0], dx[1], sizeof dx[0]));
}

static void test_kernels(void) {
    int before = cb_isa();
    for (int level = 0; level <= cb_isa_best(); level++) {
        UNIT_OK(cb_isa_force(level));
        cb_rng r = cb_rng_at(5, "hgq-kernels", 0);
        for (int trial = 0; trial < 20; trial++) check_lanes_level(&r);
        for (int trial = 0; trial < 5; trial++) check_conv_level(&r);
    }
    UNIT_OK(cb_isa_force(before));
}

/* ---- students ---- */

enum { H = 6, W = 4, EVENTS = 700 };

/* Images of H x W with a steep spectrum and a target that depends on them; 500 train, 200 val. */
typedef struct {
    cb_dataset d;
    cb_student_set set;
    uint16_t et[EVENTS * H * W], code[EVENTS];
    uint8_t split[EVENTS], process[EVENTS];
} toy;

static void toy_new(toy *t) {
    static char *name[1] = {"zb"};
    cb_rng r = cb_rng_at(3, "toy", 0);
    for (int e = 0; e < EVENTS; e++) {
        double sum = 0;
        for (int c = 0; c < H * W; c++) {
            uint32_t v = (uint32_t)((uint64_t)cb_rng_below(&r, 1024) * cb_rng_below(&r, 1024) * cb_rng_below(&r, 1024) >> 20);
            t->et[e * H * W + c] = (uint16_t)v;
            sum += v;
        }
        t->code[e] = (uint16_t)(sum > 4000 ? 16000 : sum * 4);
        t->split[e] = e % 7 < 5 ? CB_TRAIN : CB_VAL;
    }
    t->d = (cb_dataset){.n = EVENTS, .height = H, .width = W, .et = t->et, .split = t->split, .process = t->process,
                        .n_process = 1, .process_name = name};
    UNIT_OK(cb_student_set_new(&t->set, &t->d, t->code, NULL));
}

static cb_hgq_student *toy_student(const toy *t, bool v2, int bits) {
    cb_hgq_design d = v2 ? cb_hgq_design_v2(H, W, 2, 3, 5, CB_HGQ_HEAD, CB_HGQ_HEAD)
                         : cb_hgq_design_v1(H, W, 5, CB_HGQ_HEAD, CB_HGQ_2025);
    d.saturate = !v2; /* v1: ranges that follow the data; v2: trained ranges */
    for (int l = 0; d.saturate && l < CB_HGQ_LAYERS; l++) d.iq[l].rules.overflow = CB_WRAP;
    cb_hgq_student *s = cb_hgq_student_new(&d, 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    if (bits) UNIT_OK(cb_hgq_calibrate(s, &t->set, 300, bits, 1));
    return s;
}

static cb_hgq_student *toy_fit(const toy *t, bool v2, int threads, cb_hgq_history *h) {
    cb_hgq_student *s = toy_student(t, v2, 7);
    cb_hgq_plan p = {.epochs = 4, .batch = 96, .learning_rate = 0.01, .rate_end = 0.5, .beta = 1e-5, .beta_end = 1e-3,
                     .ramp_start = 0.25, .ramp_stop = 0.75, .seed = 2, .trace = 300};
    int before = cb_threads();
    cb_threads_set(threads);
    cb_log_level(CB_QUIET);
    UNIT_OK(cb_hgq_fit(s, &t->set, &p, h));
    cb_threads_set(before);
    return s;
}

static void check_threads(const toy *t, bool v2) {
    cb_hgq_history h[2];
    cb_hgq_student *s[2];
    for (int k = 0; k < 2; k++) s[k] = toy_fit(t, v2, k ? 3 : 1, &h[k]);
    CU_ASSERT(!memcmp(s[0]->value, s[1]->value, s[0]->n_value * sizeof *s[0]->value));
    CU_ASSERT(!memcmp(s[0]->sign, s[1]->sign, s[0]->n_sign));
    CU_ASSERT(!memcmp(h[0].val_mae, h[1].val_mae, 4 * sizeof *h[0].val_mae));
    CU_ASSERT(h[0].best == 3 || h[0].best == 2); /* an epoch with the final beta */
    CU_ASSERT(h[0].val_mae[3] < h[0].val_mae[0]);
    for (int k = 0; k < 2; k++) {
        cb_hgq_history_free(&h[k]);
        cb_hgq_student_free(s[k]);
    }
}

static void test_threads(void) {
    static toy t;
    toy_new(&t);
    check_threads(&t, true);
    check_threads(&t, false);
    cb_student_set_free(&t.set);
}

/* A student whose widths and weights were thrown about, as a long training leaves them. */
static void shake(cb_hgq_student *s, cb_rng *r) {
    for (int l = s->first; l < CB_HGQ_LAYERS; l++) {
        for (size_t v = 0; v < s->iq[l].q.n; v++) {
            s->iq[l].q.i[v] = (float)cb_rng_below(r, 12) - 1;
            s->iq[l].q.w[v] = (float)cb_rng_below(r, 8) - 4;
        }
        for (size_t v = 0; v < s->kq[l].q.n; v++) {
            s->kq[l].q.w[v] = (float)cb_rng_below(r, 9);
            s->kq[l].q.i[v] = (float)cb_rng_below(r, 6) - 4;
        }
    }
    for (int c = 0; c < s->n_flat; c++) s->mean[c] = 30 * cb_rng_f32(r);
}

static void check_export(const toy *t, bool v2, uint64_t seed) {
    cb_hgq_student *s = toy_student(t, v2, 6);
    cb_rng r = cb_rng_at(seed, "shake", v2);
    if (seed) shake(s, &r);
    cb_hgq_model m;
    cb_programme p;
    int64_t checked = 0, mismatches = 1;
    UNIT_OK(cb_hgq_student_trace_bias(s));
    UNIT_OK(cb_hgq_model_new(&m, s));
    UNIT_OK(cb_hgq_programme(&p, &m, "toy", 7));
    UNIT_OK(cb_hgq_check(&m, &p, &t->set, &checked, &mismatches));
    CU_ASSERT_EQUAL(mismatches, 0);
    CU_ASSERT_EQUAL(checked, t->set.n[CB_VAL] + 4096);
    CU_ASSERT(p.ebops > 0 && cb_programme_ebops_exact(&p) <= p.ebops);
    cb_programme_free(&p);
    cb_hgq_model_free(&m);
    cb_hgq_student_free(s);
}

static void test_export(void) {
    static toy t;
    toy_new(&t);
    for (uint64_t seed = 0; seed < 6; seed++) {
        check_export(&t, true, seed);
        check_export(&t, false, seed);
    }
    cb_hgq_design d = cb_hgq_design_v1(H, W, 3, CB_HGQ_HEAD, CB_HGQ_HEAD);
    d.iq[1].rules.overflow = CB_WRAP;
    cb_hgq_student *s = cb_hgq_student_new(&d, 1);
    cb_hgq_model m;
    cb_programme p;
    cb_hgq_history h;
    cb_hgq_plan plan = {.epochs = 1, .batch = 16, .learning_rate = 0.01, .rate_end = 1};
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    UNIT_OK(cb_hgq_model_new(&m, s));
    UNIT_FAILS(cb_hgq_programme(&p, &m, "toy", 7), "wrap");
    UNIT_FAILS(cb_hgq_fit(s, &t.set, &plan, &h), "saturating");
    cb_hgq_history_free(&h);
    cb_hgq_model_free(&m);
    cb_hgq_student_free(s);
    cb_student_set_free(&t.set);
}

/* Ranges that follow the data clip at inference: an image ten times beyond training scores like
 * the largest one, where a wrapping format would start from zero again. */
static void test_saturation(void) {
    static toy t;
    toy_new(&t);
    cb_hgq_student *s = toy_student(&t, false, 7);
    cb_hgq_model m;
    UNIT_OK(cb_hgq_model_new(&m, s));
    double flat[H * W], hidden[5], first[5];
    float big[H * W], bigger[H * W];
    for (int c = 0; c < H * W; c++) bigger[c] = 10 * (big[c] = 1023);
    cb_hgq_model_event(&m, big, flat, first);
    cb_hgq_model_event(&m, bigger, flat, hidden);
    CU_ASSERT(!memcmp(first, hidden, sizeof first));
    s->d.saturate = false;
    cb_hgq_model_update(&m);
    cb_hgq_model_event(&m, bigger, flat, hidden);
    CU_ASSERT(memcmp(first, hidden, sizeof first));
    cb_hgq_model_free(&m);
    cb_hgq_student_free(s);
    cb_student_set_free(&t.set);
}

/* float32 lanes and float64 events agree where nothing sits on a tie. */
static void test_model(void) {
    static toy t;
    toy_new(&t);
    cb_hgq_student *s = toy_student(&t, true, 7);
    cb_hgq_model m;
    UNIT_OK(cb_hgq_model_new(&m, s));
    double mae = 0, sum = 0, flat[H * W], hidden[5];
    float x[H * W];
    UNIT_OK(cb_hgq_model_mae(&m, &t.set, CB_VAL, &mae));
    for (uint32_t e = 0; e < t.set.n[CB_VAL]; e++) {
        for (int c = 0; c < H * W; c++) x[c] = cb_rows_at(t.set.image[CB_VAL], (uint64_t)e, NULL)[c];
        sum += fabs(cb_hgq_model_event(&m, x, flat, hidden) - t.set.code[CB_VAL][e] / 256.0);
    }
    CU_ASSERT_DOUBLE_EQUAL(mae, sum / t.set.n[CB_VAL], 1e-3);
    CU_ASSERT(cb_hgq_score_code(0.001953125) == 0 && cb_hgq_score_code(0.005859375) == 2 && cb_hgq_score_code(1e9) == 65535);
    cb_hgq_model_free(&m);
    cb_hgq_student_free(s);
    cb_student_set_free(&t.set);
}

/* No calibration event is clipped, and no format has a sign. */
static void test_calibration(void) {
    static toy t;
    toy_new(&t);
    cb_hgq_student *s = toy_student(&t, false, 6);
    for (uint32_t e = 0; e < 300; e++)
        for (int c = 0; c < H * W; c++) {
            cb_format f = cb_hgq_rounded(&s->iq[1].q, (size_t)c);
            cb_hgq_format g = cb_hgq_format_make(f.k, f.i, f.f, CB_SAT_SYM);
            float x = cb_rows_at(t.set.image[CB_TRAIN], (uint64_t)e, NULL)[c];
            CU_ASSERT(f.k == 0 && cb_hgq_round(&g, CB_RND, x) == x);
        }
    UNIT_FAILS(cb_hgq_calibrate(s, &t.set, 300, 0, 1), "1 to 20");
    cb_hgq_student_free(s);
    cb_student_set_free(&t.set);
}

static void test_schedule(void) {
    cb_hgq_plan p = {.epochs = 21, .beta = 1e-6, .beta_end = 1e-4, .ramp_start = 0, .ramp_stop = 20.0 / 21};
    CU_ASSERT_EQUAL(cb_hgq_beta(&p, 0), 1e-6);
    CU_ASSERT_DOUBLE_EQUAL(cb_hgq_beta(&p, 10), 1e-5, 1e-17);
    CU_ASSERT_EQUAL(cb_hgq_beta(&p, 20), 1e-4);
    p.beta_end = 0;
    for (int e = 0; e < 21; e++) CU_ASSERT_EQUAL(cb_hgq_beta(&p, e), 1e-6);
    p = (cb_hgq_plan){.epochs = 1, .beta = 1e-6, .beta_end = 1e-4, .ramp_start = 0.5, .ramp_stop = 1};
    CU_ASSERT_EQUAL(cb_hgq_beta(&p, 0), 1e-4); /* one epoch: there must be one with the final beta */
}

/* EBOPs of the two published start states (spec: 323,712 and 121,408). */
static void test_start(void) {
    double e[CB_HGQ_LAYERS];
    cb_hgq_design d = cb_hgq_design_v2(18, 14, 2, 4, 16, CB_HGQ_HEAD, CB_HGQ_HEAD);
    cb_hgq_student *s = cb_hgq_student_new(&d, 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT_EQUAL(cb_hgq_student_ebops(s, e, 0, NULL), 323712);
    CU_ASSERT_EQUAL(cb_hgq_student_parameters(s), 16 + 252 * 16 + 16 + 252 + 16);
    cb_hgq_student_free(s);
    d = cb_hgq_design_v2(18, 14, 2, 4, 16, CB_HGQ_2025, CB_HGQ_2025);
    s = cb_hgq_student_new(&d, 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT_EQUAL(cb_hgq_student_ebops(s, e, 0, NULL), 121408);
    cb_hgq_student_free(s);
    d.size = 19;
    CU_ASSERT_PTR_NULL(cb_hgq_student_new(&d, 1));
    CU_ASSERT_PTR_NOT_NULL(strstr(cb_error(), "kernel size 19"));
    d = cb_hgq_design_v1(18, 14, 4, CB_HGQ_HEAD, CB_HGQ_HEAD);
    d.iq[1].rules.round = CB_TRN;
    CU_ASSERT_PTR_NULL(cb_hgq_student_new(&d, 1));
    d = cb_hgq_design_v1(18, 14, 4, CB_HGQ_HEAD, CB_HGQ_HEAD);
    d.kq[1].rank = 2;
    d.kq[1].shape[0] = 3;
    d.kq[1].shape[1] = 1;
    CU_ASSERT_PTR_NULL(cb_hgq_student_new(&d, 1));
    CU_ASSERT_PTR_NOT_NULL(strstr(cb_error(), "dense1_kq"));
}

UNIT_MAIN("hgq students", {"recorded training and inference", test_recorded}, {"kernels of every level", test_kernels},
          {"threads", test_threads}, {"integer programme", test_export}, {"two evaluations", test_model}, {"saturation", test_saturation},
          {"calibration", test_calibration}, {"schedule of beta", test_schedule}, {"start states", test_start})
