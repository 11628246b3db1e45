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
#include "quant/hgq_front.h"
#include "quant/hgq_lanes.h"
#include "quant/hgq_recentre.h"
#include "unit.h"

static void test_recorded(void) {
    golden tally;
    CU_ASSERT_EQUAL(hgq_train(unit_golden("."), true, &tally), 0);
    CU_ASSERT(tally.ok > 1400 || tally.skipped);
}

/* ---- kernels ---- */

enum { N = 40 };

/* open: none that clips; returns it. */
static bool random_formats(cb_hgq_format *t, cb_rng *r, bool open) {
    for (int e = 0; e < N; e++) {
        cb_overflow o = open ? CB_WRAP : (cb_overflow)cb_rng_below(r, 3);
        t[e] = cb_hgq_format_make((int)cb_rng_below(r, 2), (int)cb_rng_below(r, 10) - 3, (int)cb_rng_below(r, 10) - 4, o);
    }
    return open;
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

enum { MOST = 300 * 16, PARTS = 3 };

/* Twice the same arrays: for a kernel and for its reference. */
typedef struct {
    float a[MOST], b[MOST], c[MOST], d[MOST], e[MOST], f[MOST];
    double x[MOST], y[MOST];
    uint16_t bits[MOST];
    double loss;
} twin;

static twin two[2];
static float in[4][MOST];
static uint16_t kept[MOST];

static void start(cb_rng *r) {
    for (int e = 0; e < MOST; e++) {
        for (int k = 0; k < 4; k++) in[k][e] = 3 * (cb_rng_f32(r) - 0.4f);
        two[0].a[e] = two[0].b[e] = two[0].c[e] = two[0].d[e] = two[0].e[e] = two[0].f[e] = cb_rng_f32(r) - 0.5f;
        two[0].x[e] = two[0].y[e] = cb_rng_f64(r);
        two[0].bits[e] = kept[e] = (uint16_t)cb_rng_u32(r);
    }
    two[0].loss = 1;
    memcpy(&two[1], &two[0], sizeof two[0]);
}

static bool equal(void) { return !memcmp(&two[0], &two[1], sizeof two[0]); }

static void check_quantize(cb_rng *r) {
    cb_hgq_format t[N];
    bool open = random_formats(t, r, cb_rng_below(r, 2));
    for (int e = 0; e < N * 16; e++) in[0][e] = some_value(r, &t[e / 16]);
    cb_hgq_lanes_quantize(t, N, in[0], two[0].a, two[0].b, open);
    cb_hgq_lanes_quantize_ref(t, N, in[0], two[1].a, two[1].b, open);
    cb_hgq_lanes_quantize(t, N, in[0], two[0].d, NULL, open);
    cb_hgq_lanes_quantize_ref(t, N, in[0], two[1].d, NULL, open);
    CU_ASSERT(equal());
    cb_hgq_lanes_moments(in[1], 5 * 16, 7, 4, two[0].x, two[0].y, two[0].c);
    cb_hgq_lanes_moments_ref(in[1], 5 * 16, 7, 4, two[1].x, two[1].y, two[1].c);
    CU_ASSERT(equal());
}

static void check_head(cb_rng *r) {
    cb_hgq_format t[N];
    random_formats(t, r, cb_rng_below(r, 2));
    int n = 1 + (int)cb_rng_below(r, N), live = cb_rng_below(r, 2) ? 16 : 1 + (int)cb_rng_below(r, 15);
    cb_hgq_head p = {n, t, in[1], 8.0f / 7, 1.0f / 512};
    for (int k = 0; k < 2; k++) {
        twin *w = &two[k];
        cb_hgq_head_sums sums = {w->loss, w->c, w->d, {w->e, w->f}};
        (k ? cb_hgq_head_block_ref : cb_hgq_head_block)(&p, w->a, w->bits, in[2], live, w->b, w->a + 100 * 16, w->b + 100 * 16,
                                                        &sums);
        w->loss = sums.loss;
    }
    CU_ASSERT(equal());
}

/* CICADA's shape with all sums in registers, ragged images of other shapes, and v1. */
static void check_first(cb_rng *r) {
    static cb_hgq_format t[2][MOST / 16];
    bool cicada = cb_rng_below(r, 2), open = cb_rng_below(r, 2), peak = cb_rng_below(r, 2), conv = cb_rng_below(r, 3) != 0;
    int size = cicada ? 2 : 1 + (int)cb_rng_below(r, 3), nf = cicada ? 4 : 1 + (int)cb_rng_below(r, 6);
    cb_tile_conv tile = {size * 3 + 1, size, nf, 2, 3};
    int live = cb_rng_below(r, 2) ? 16 : 1 + (int)cb_rng_below(r, 15);
    for (int k = 0; k < 2; k++)
        for (int e = 0; e + N <= MOST / 16; e += N) random_formats(t[k] + e, r, open);
    cb_hgq_first p = {conv, tile, 6 * nf, t[0], t[1], in[0] + 1000, in[1] + 1000, in[2] + 1000, in[3] + 1000, 9.0f / 8, open};
    for (int k = 0; k < 2; k++) {
        twin *w = &two[k];
        if (conv)
            (k ? cb_hgq_first_forward_ref : cb_hgq_first_forward)(&p, in[0], w->bits, w->f, w->f + 2000, w->bits,
                                                                   peak ? w->f + 4000 - 64 * 16 : NULL);
        cb_hgq_first_sums sums = {w->a, {w->b, w->c}, {w->d, w->e}};
        (k ? cb_hgq_first_block_ref : cb_hgq_first_block)(&p, in[0], in[1], in[2], conv ? kept : NULL, live, in[3], &sums);
    }
    CU_ASSERT(equal());
}

static void check_weights(cb_rng *r) {
    enum { W = 50 };
    const float *part[PARTS] = {in[0], in[1], in[2]};
    const double *part64[PARTS] = {two[1].x, two[1].y, two[1].x + 640};
    float b[W], i[W];
    cb_hgq_totals(part, PARTS, 3, 37, two[0].x), cb_hgq_totals_ref(part, PARTS, 3, 37, two[1].x);
    CU_ASSERT(equal());
    cb_hgq_totals64(part64, PARTS, 1, 30, two[0].y), cb_hgq_totals64_ref(part64, PARTS, 1, 30, two[1].y);
    CU_ASSERT(!memcmp(two[0].y, two[1].y, 30 * sizeof(double)));
    memcpy(two[0].y, two[1].y, sizeof two[0].y);
    cb_hgq_peaks(part, PARTS, 2, 40, two[0].a), cb_hgq_peaks_ref(part, PARTS, 2, 40, two[1].a);
    cb_hgq_shards(part, PARTS, 5, 333, two[0].b), cb_hgq_shards_ref(part, PARTS, 5, 333, two[1].b);
    CU_ASSERT(equal());
    int n = 1 + (int)cb_rng_below(r, W);
    for (int e = 0; e < n; e++) {
        b[e] = cb_rng_below(r, 7) ? 24 * cb_rng_f32(r) : (float)cb_rng_below(r, 12) + 0.5f; /* ties of the widths too */
        i[e] = cb_rng_below(r, 7) ? 8 * cb_rng_f32(r) - 4 : (float)cb_rng_below(r, 4) - 0.5f;
        cb_hgq_format t = cb_hgq_format_make(1, (int)rintf(i[e]), (int)rintf(b[e]) - (int)rintf(i[e]), CB_SAT_SYM);
        in[0][e] = some_value(r, &t);
    }
    CU_ASSERT(cb_hgq_weights_quantize(b, i, in[0], (size_t)n, two[0].c) &&
              cb_hgq_weights_quantize_ref(b, i, in[0], (size_t)n, two[1].c));
    CU_ASSERT(equal());
    cb_hgq_weights_backward(b, i, in[0], two[0].c, in[1], (size_t)n, two[0].d, two[0].x, two[0].y);
    cb_hgq_weights_backward_ref(b, i, in[0], two[1].c, in[1], (size_t)n, two[1].d, two[1].x, two[1].y);
    CU_ASSERT(equal());
    for (int e = 0; e < n; e++) { /* the general rules, in float64 */
        cb_hgq_format t = cb_hgq_format_make(1, (int)rintf(i[e]), (int)rintf(b[e]) - (int)rintf(i[e]), CB_SAT_SYM);
        float px;
        double pi, pf;
        cb_hgq_partials(&t, in[0][e], two[0].c[e], &px, &pi, &pf);
        CU_ASSERT(two[0].d[e] == in[1][e] * px);
    }
    i[n / 2] = cb_rng_below(r, 2) ? 60 : -61;
    CU_ASSERT(!cb_hgq_weights_quantize(b, i, in[0], (size_t)n, two[0].c));
    CU_ASSERT(!cb_hgq_weights_quantize_ref(b, i, in[0], (size_t)n, two[1].c));
}

static void test_kernels(void) {
    int before = cb_isa();
    for (int level = 0; level <= cb_isa_best(); level++) {
        UNIT_OK(cb_isa_force(level));
        cb_rng r = cb_rng_at(5, "hgq-kernels", 0);
        for (int trial = 0; trial < 12; trial++) {
            void (*const check[])(cb_rng *) = {check_quantize, check_head, check_first, check_weights};
            for (int k = 0; k < 4; k++) start(&r), check[k](&r);
        }
    }
    UNIT_OK(cb_isa_force(before));
}

/* ---- students ---- */

enum { H = 6, W = 4, EVENTS = 700 };

#include "toy.h"

/* Images of H x W with a steep spectrum and a target that depends on them; 500 train, 200 val. */
static void toy_new(toy *t) {
    cb_rng r = cb_rng_at(3, "toy", 0);
    for (int e = 0; e < EVENTS; e++) {
        double sum = 0;
        for (int c = 0; c < H * W; c++) {
            uint32_t v = (uint32_t)((uint64_t)cb_rng_below(&r, 1024) * cb_rng_below(&r, 1024) * cb_rng_below(&r, 1024) >> 20);
            t->et[e * H * W + c] = (uint16_t)v;
            sum += v;
        }
        t->code[e] = (uint16_t)(sum > 4000 ? 16000 : sum * 4);
    }
    toy_open(t, EVENTS, NULL);
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

/* ours: the centred fold, no dropout, checkpoints of running means with means of their own. */
static cb_hgq_student *toy_fit(const toy *t, bool v2, bool ours, int threads, cb_hgq_history *h) {
    cb_hgq_student *s = toy_student(t, v2, 7);
    if (ours) s->d.fold = CB_HGQ_FOLD_CENTRED;
    cb_hgq_plan p = {.epochs = 4, .batch = 96, .learning_rate = 0.01, .rate_end = 0.5, .beta = 1e-5, .beta_end = 1e-3,
                     .ramp_start = 0.25, .ramp_stop = 0.75, .seed = 2, .trace = 300, .no_dropout = ours,
                     .average = ours ? 0.9 : 0, .recentre = ours ? 200 : 0};
    int before = cb_threads();
    cb_threads_set(threads);
    cb_log_level(CB_QUIET);
    UNIT_OK(cb_hgq_fit(s, &t->set, &p, h));
    cb_threads_set(before);
    return s;
}

static void check_threads(const toy *t, bool v2, bool ours) {
    cb_hgq_history h[2];
    cb_hgq_student *s[2];
    for (int k = 0; k < 2; k++) s[k] = toy_fit(t, v2, ours, k ? 3 : 1, &h[k]);
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
    for (int k = 0; k < 4; k++) check_threads(&t, k & 1, k & 2);
    cb_student_set_free(&t.set);
}

/* ---- the centred fold ---- */

static cb_hgq_student *centred_student(const toy *t, bool v2, int bits) {
    cb_hgq_student *s = toy_student(t, v2, bits);
    s->d.fold = CB_HGQ_FOLD_CENTRED;
    UNIT_OK(cb_hgq_student_trace_bias(s));
    return s;
}

/* The training set in one batch of 512 events. */
static cb_hgq_trainer *centred_trainer(cb_hgq_student *s, const toy *t, cb_student_order *o, cb_student_batch *b) {
    UNIT_OK(cb_student_order_new(o, &t->set, 496, 1));
    UNIT_OK(cb_student_batch_new(b, &t->set, 496));
    cb_hgq_trainer *w = cb_hgq_trainer_new(s, 496, 1e-3, 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(w);
    w->mask = NULL;
    return w;
}

/* Training computes what inference computes, coarse weights included: the offset follows the quantized kernel. The other
 * folds differ by their batch statistics. */
static void check_centred_inference(const toy *t, bool v2) {
    cb_hgq_student *s = centred_student(t, v2, 3);
    cb_student_order o;
    cb_student_batch b;
    cb_hgq_trainer *w = centred_trainer(s, t, &o, &b);
    cb_hgq_model m;
    double flat[H * W * 2], hidden[5], worst = 0, largest = 0;
    for (int k = 0; k < 3; k++) {
        cb_student_batch_choose(&b, &t->set, CB_TRAIN, o.event, 496);
        cb_hgq_gradient(w, &b, 0);
    }
    UNIT_OK(cb_hgq_model_new(&m, s));
    for (int e = 0; e < 496; e++) {
        float x[H * W];
        for (int c = 0; c < H * W; c++) x[c] = cb_rows_at(t->set.image[CB_TRAIN], o.event[e], NULL)[c];
        double out = cb_hgq_model_event(&m, x, flat, hidden);
        worst = fmax(worst, fabs(out - fmax(0, w->out[e])));
        largest = fmax(largest, out);
    }
    CU_ASSERT(largest > 0.1 && worst < 1e-5 * largest);
    cb_hgq_model_free(&m);
    cb_hgq_trainer_free(w);
    cb_student_batch_free(&b);
    cb_student_order_free(&o);
    cb_hgq_student_free(s);
}

/* One gradient of the batch at the student `at`, moved by step x direction. */
static void gradient_at(cb_hgq_trainer *w, const cb_hgq_student *at, cb_student_batch *b, const toy *t, const cb_student_order *o,
                        const cb_hgq_tensor *x, double step, const double *direction) {
    cb_hgq_student_copy(w->s, at);
    for (size_t e = 0; x && e < x->n; e++) w->s->value[x->first + e] += (float)(step * direction[x->first + e]);
    cb_student_batch_choose(b, &t->set, CB_TRAIN, o->event, 496);
    cb_hgq_gradient(w, b, 0);
}

/* With 20 bits a quantizer is smooth enough: the loss along the gradient of each tensor; and the general code of the
 * weights against the fast one. */
static void test_centred_gradient(void) {
    static toy t;
    toy_new(&t);
    cb_hgq_student *s = centred_student(&t, true, 20), *at = centred_student(&t, true, 20);
    cb_student_order o;
    cb_student_batch b;
    cb_hgq_trainer *w = centred_trainer(s, &t, &o, &b);
    double *fast = cb_alloc(s->n_value, sizeof *fast);
    CU_ASSERT_PTR_NOT_NULL_FATAL(fast);
    gradient_at(w, at, &b, &t, &o, NULL, 0, NULL);
    memcpy(fast, w->grad, s->n_value * sizeof *fast);
    double loss = w->loss;
    int seen = 0;
    for (int k = 0; k < s->n_tensor; k++) {
        const cb_hgq_tensor *x = &s->tensor[k];
        double square = 0, h = 5e-3;
        if (!strstr(x->name, "kernel") && !strstr(x->name, "bias") && !strstr(x->name, "gamma")) continue;
        for (size_t e = 0; e < x->n; e++) square += fast[x->first + e] * fast[x->first + e];
        h /= sqrt(square);
        gradient_at(w, at, &b, &t, &o, x, h, fast);
        double up = w->mae;
        gradient_at(w, at, &b, &t, &o, x, -h, fast);
        CU_ASSERT_DOUBLE_EQUAL((up - w->mae) / (2 * h), square, 0.1 * square);
        seen += square > 0;
    }
    CU_ASSERT_EQUAL(seen, 5);
    s->kq[1].q.round = at->kq[1].q.round = CB_RND_CONV; /* ties are rare: the general code path for the same numbers */
    gradient_at(w, at, &b, &t, &o, NULL, 0, NULL);
    CU_ASSERT_DOUBLE_EQUAL(w->loss, loss, 1e-9 * loss);
    for (size_t e = 0; e < s->n_value; e++) CU_ASSERT_DOUBLE_EQUAL(w->grad[e], fast[e], 1e-5 * fabs(fast[e]) + 1e-6);
    free(fast);
    cb_hgq_trainer_free(w);
    cb_student_batch_free(&b);
    cb_student_order_free(&o);
    cb_hgq_student_free(s);
    cb_hgq_student_free(at);
    cb_student_set_free(&t.set);
}

static void test_centred(void) {
    static toy t;
    toy_new(&t);
    check_centred_inference(&t, true);
    check_centred_inference(&t, false);
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

/* The means of n events against the float64 evaluation of each of them; widths and means were thrown about before. */
static void check_recentre(const toy *t, bool v2, uint32_t n) {
    cb_hgq_student *s = centred_student(t, v2, 6), *twice = centred_student(t, v2, 6);
    cb_rng r = cb_rng_at(n, "shake", v2);
    shake(s, &r);
    cb_hgq_student_copy(twice, s);
    cb_hgq_model m, other;
    double flat[H * W * 2], hidden[5], sum[H * W * 2] = {0};
    uint32_t all = t->set.n[CB_TRAIN], used = n < all ? n : all;
    UNIT_OK(cb_hgq_model_new(&m, s));
    UNIT_OK(cb_hgq_model_new(&other, twice));
    for (uint32_t e = 0; e < used; e++) {
        float x[H * W];
        for (int c = 0; c < H * W; c++) x[c] = cb_rows_at(t->set.image[CB_TRAIN], (uint64_t)e * all / used, NULL)[c];
        cb_hgq_model_event(&m, x, flat, hidden);
        for (int c = 0; c < s->n_flat; c++) sum[c] += (double)cb_hgq_round(&m.iq[1][c], CB_RND, (float)flat[c]);
    }
    int before = cb_threads(), moved = 0;
    cb_threads_set(1);
    UNIT_OK(cb_hgq_recentre(s, &m, &t->set, n));
    cb_threads_set(3);
    UNIT_OK(cb_hgq_recentre(twice, &other, &t->set, n));
    cb_threads_set(before);
    CU_ASSERT(!memcmp(s->value, twice->value, s->n_value * sizeof *s->value));
    CU_ASSERT(!memcmp(m.bias, other.bias, 5 * sizeof *m.bias));
    for (int c = 0; c < s->n_flat; c++) {
        double want = m.iq[1][c].lo == 0 && m.iq[1][c].hi == 0 ? 0 : sum[c] / used; /* zero width: nothing passes */
        CU_ASSERT_DOUBLE_EQUAL(s->mean[c], want, 1e-6 * want + 1e-12);
        moved += want > 0;
    }
    CU_ASSERT(moved > (used > 30 ? s->n_flat / 2 : 0));
    cb_hgq_model_free(&m);
    cb_hgq_model_free(&other);
    cb_hgq_student_free(s);
    cb_hgq_student_free(twice);
}

static void test_recentre(void) {
    static toy t;
    toy_new(&t);
    for (int v2 = 0; v2 < 2; v2++)
        for (uint32_t n = 1; n < 1000; n = 6 * n + 31) check_recentre(&t, v2, n); /* 1, 37, 253, and all 500 */
    check_recentre(&t, true, 1000000000);
    cb_student_set_free(&t.set);
}

/* A front of two starts is the front of all checkpoints that each of them has alone. */
static void test_starts(void) {
    static toy t;
    toy_new(&t);
    cb_hgq_plan p = {.epochs = 6, .batch = 96, .learning_rate = 0.02, .rate_end = 1, .beta = 1e-6, .beta_end = 1e-2,
                     .ramp_stop = 1, .seed = 9, .trace = 300};
    cb_hgq_student *s = toy_student(&t, true, 5), *second = toy_student(&t, true, 4);
    cb_hgq_start start[2] = {{s, cb_hgq_start_seed(9, 0)}, {second, cb_hgq_start_seed(9, 1)}};
    cb_front both, alone[2];
    cb_front_run run[2], single[2];
    CU_ASSERT_EQUAL(start[0].seed, 9);
    CU_ASSERT(start[1].seed != 9 && start[1].seed != cb_hgq_start_seed(9, 2) && start[1].seed != cb_hgq_start_seed(10, 1));
    cb_log_level(CB_QUIET);
    UNIT_OK(cb_hgq_front_train(start, 2, &t.set, &p, 0, NULL, &both, run));
    for (int k = 0; k < 2; k++) UNIT_OK(cb_hgq_front_train(&start[k], 1, &t.set, &p, 0, NULL, &alone[k], &single[k]));
    for (int k = 0; k < 2; k++) {
        CU_ASSERT(!memcmp(run[k].val_mae, single[k].val_mae, 6 * sizeof *run[k].val_mae));
        CU_ASSERT_PTR_NOT_NULL(strstr(run[k].label, k ? ", start 2" : ", start 1"));
        CU_ASSERT_PTR_NULL(strstr(single[k].label, "start"));
    }
    CU_ASSERT(memcmp(run[0].val_mae, run[1].val_mae, 6 * sizeof *run[0].val_mae));
    UNIT_OK(cb_front_merge(&alone[0], &alone[1]));
    CU_ASSERT_EQUAL_FATAL(both.n, alone[0].n);
    for (int k = 0; k < both.n; k++) CU_ASSERT(both.point[k].error == alone[0].point[k].error && both.point[k].cost == alone[0].point[k].cost);
    for (int k = 0; k < 2; k++) {
        cb_front_run_free(&run[k]);
        cb_front_run_free(&single[k]);
        cb_front_free(&alone[k]);
    }
    cb_front_free(&both);
    cb_hgq_student_free(s);
    cb_hgq_student_free(second);
    cb_student_set_free(&t.set);
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

/* EBOPs of the two published start states: 323,712 and 121,408. */
static void test_start(void) {
    double e[CB_HGQ_LAYERS];
    cb_hgq_design d = cb_hgq_design_v2(18, 14, 2, 4, 16, CB_HGQ_HEAD, CB_HGQ_HEAD);
    cb_hgq_student *s = cb_hgq_student_new(&d, 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT_EQUAL(cb_hgq_student_ebops(s, e), 323712);
    CU_ASSERT_EQUAL(cb_hgq_student_parameters(s), 16 + 252 * 16 + 16 + 252 + 16);
    cb_hgq_student_free(s);
    d = cb_hgq_design_v2(18, 14, 2, 4, 16, CB_HGQ_2025, CB_HGQ_2025);
    s = cb_hgq_student_new(&d, 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT_EQUAL(cb_hgq_student_ebops(s, e), 121408);
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
          {"threads", test_threads}, {"centred fold", test_centred}, {"its gradient", test_centred_gradient},
          {"means of a checkpoint", test_recentre}, {"several starts", test_starts}, {"integer programme", test_export}, {"two evaluations", test_model},
          {"saturation", test_saturation}, {"calibration", test_calibration}, {"schedule of beta", test_schedule}, {"start states", test_start})
