/* QKeras: quantizers row by row; six recorded students: single steps and inference from
 * stored states, and twenty Adam steps. Rules: data/golden/README.md. */
#include <float.h>

#include "base/fmath.h"
#include "golden.h"
#include "quant/qkeras_student.h"

/* ---- quantizers.h5 ---- */

static void check_bits(golden *g) {
    const char *group = "qkeras_quantized_bits";
    static const char *const column[] = {"bits", "integer", "symmetric", "keep_negative", "x", "q", "dq_dx"};
    double *v[7] = {0};
    uint64_t n = 0, bad_q = 0, bad_slope = 0, bad_code = 0;
    if (!golden_has(g, group)) return;
    for (int c = 0; c < 7; c++)
        if (!(v[c] = c ? golden_f64n(g, group, column[c], n) : golden_f64(g, group, column[c], &n))) goto done;
    for (uint64_t e = 0; e < n; e++) {
        cb_qbits q = {(int)v[0][e], (int)v[1][e], v[2][e] != 0, v[3][e] != 0};
        float x = (float)v[4][e];
        bad_q += cb_quantized_bits(q, x) != (float)v[5][e];
        bad_slope += cb_quantized_bits_slope(q, x) != (float)v[6][e];
        if (cb_qbits_magnitude(q) > 0 && fabs(v[4][e]) < 0x1p24 * cb_pow2(-cb_qbits_fraction(q)))
            bad_code += cb_quantized_bits_code(q, x) * cb_pow2(-cb_qbits_fraction(q)) != v[5][e];
    }
    golden_row(g, group, "q", (double)bad_q, 0);
    golden_row(g, group, "dq_dx", (double)bad_slope, 0);
    golden_row(g, group, "q (integer code)", (double)bad_code, 0);
done:
    for (int c = 0; c < 7; c++) free(v[c]);
}

static void check_relu(golden *g) {
    const char *group = "qkeras_quantized_relu";
    static const char *const column[] = {"bits", "integer", "x", "q", "dq_dx"};
    double *v[5] = {0};
    uint64_t n = 0, bad_q = 0, bad_slope = 0;
    if (!golden_has(g, group)) return;
    for (int c = 0; c < 5; c++)
        if (!(v[c] = c ? golden_f64n(g, group, column[c], n) : golden_f64(g, group, column[c], &n))) goto done;
    for (uint64_t e = 0; e < n; e++) {
        cb_qrelu q = {(int)v[0][e], (int)v[1][e]};
        bad_q += cb_quantized_relu(q, (float)v[2][e]) != (float)v[3][e];
        bad_slope += cb_quantized_relu_slope(q, (float)v[2][e]) != (float)v[4][e];
    }
    golden_row(g, group, "q", (double)bad_q, 0);
    golden_row(g, group, "dq_dx", (double)bad_slope, 0);
done:
    for (int c = 0; c < 5; c++) free(v[c]);
}

static void check_auto_kernel(golden *g, const char *group, int n_in, int n_out) {
    uint64_t n = (uint64_t)n_in * (uint64_t)n_out;
    int64_t bits = 0, integer = 0;
    bool po2 = strstr(group, "po2") != NULL;
    double *x = golden_f64n(g, group, "x", n), *dx = golden_f64n(g, group, "dL_dx", n), *grad = golden_f64n(g, group, "G", n);
    float *xf = malloc(n * sizeof *xf), *q = malloc(n * sizeof *q), scale[64];
    double *mine = malloc(n * sizeof *mine);
    if (!x || !dx || !grad || !xf || !q || !mine || n_out > 64) goto done;
    if (cb_h5_get_i64(g->h5, group, "bits", &bits) || cb_h5_get_i64(g->h5, group, "integer", &integer)) {
        golden_broken(g, group, "bits, integer");
        goto done;
    }
    for (uint64_t e = 0; e < n; e++) xf[e] = (float)x[e];
    cb_quantized_bits_auto((cb_qbits){(int)bits, (int)integer, true, true}, po2, xf, n_in, n_out, q, scale);
    for (uint64_t e = 0; e < n; e++) mine[e] = q[e];
    golden_compare(g, group, "q", po2 ? GOLDEN_EXACT : GOLDEN_ABS, mine, n, po2 ? 0 : 3e-7);
    for (int o = 0; o < n_out; o++) mine[o] = scale[o];
    golden_compare(g, group, "scale", po2 ? GOLDEN_EXACT : GOLDEN_REL, mine, (uint64_t)n_out, po2 ? 0 : 3e-7);
    golden_row(g, group, "dL_dx", golden_deviation(GOLDEN_EXACT, grad, dx, n), 0);
done:
    free(x), free(dx), free(grad), free(xf), free(q), free(mine);
}

static void check_auto(golden *g) {
    uint64_t n = 0;
    if (!golden_has(g, "qkeras_auto")) return;
    char **name = cb_h5_list(g->h5, "qkeras_auto", &n);
    if (!name) golden_broken(g, "qkeras_auto", "members");
    for (uint64_t k = 0; name && k < n; k++) {
        char group[128], x[160];
        uint64_t dims[CB_MAX_RANK] = {0};
        int rank = 0;
        snprintf(group, sizeof group, "qkeras_auto/%s", name[k]);
        snprintf(x, sizeof x, "%s/x", group);
        if (cb_h5_shape(g->h5, x, &rank, dims) || rank != 2) golden_broken(g, group, "x");
        else check_auto_kernel(g, group, (int)dims[0], (int)dims[1]);
    }
    free(name);
}

/* ---- qkeras_train.h5 ---- */

enum { STEPS = 20, BATCH = 128, EVAL = 256, PIXELS = 252, HIDDEN = 16, BLOCKS = BATCH / CB_LANES };

typedef struct {
    uint16_t *x, *eval_x;
    double *y, *eval_y;
    uint8_t *keep0, *keep1;
} recorded_inputs;

static void free_inputs(recorded_inputs *in) {
    free(in->x), free(in->eval_x), free(in->y), free(in->eval_y), free(in->keep0), free(in->keep1);
}

static bool read_inputs(golden *g, recorded_inputs *in) {
    in->x = cb_h5_read(g->h5, "inputs/x", CB_U16, 3, (uint64_t[]){STEPS, BATCH, PIXELS});
    in->eval_x = cb_h5_read(g->h5, "inputs/eval_x", CB_U16, 2, (uint64_t[]){EVAL, PIXELS});
    in->y = cb_h5_read(g->h5, "inputs/y", CB_F64, 2, (uint64_t[]){STEPS, BATCH});
    in->eval_y = cb_h5_read(g->h5, "inputs/eval_y", CB_F64, 1, (uint64_t[]){EVAL});
    in->keep0 = cb_h5_read(g->h5, "inputs/keep0", CB_U8, 3, (uint64_t[]){STEPS, BATCH, 32});
    in->keep1 = cb_h5_read(g->h5, "inputs/keep1", CB_U8, 3, (uint64_t[]){STEPS, BATCH, 2});
    if (in->x && in->eval_x && in->y && in->eval_y && in->keep0 && in->keep1) return true;
    golden_broken(g, "inputs", "-");
    return false;
}

/* One recorded student, rebuilt here. */
typedef struct {
    golden *g;
    const recorded_inputs *in;
    char group[64];
    bool cold, drop, frozen_case;
    cb_qkeras_student m;
    cb_qkeras_work w;
    cb_student_batch batch;
    uint16_t *mask0, *mask1; /* lane bits [block][n] */
    float *dense;
} student;

/* Packed bits of BATCH events -> lane bits mask[block][n]. */
static void unpack_mask(const uint8_t *bits, int bytes, int n, uint16_t *mask) {
    memset(mask, 0, (size_t)(BLOCKS * n) * sizeof *mask);
    for (int e = 0; e < BATCH; e++)
        for (int f = 0; f < n; f++) {
            int bit = bits[e * bytes + f / 8] >> (7 - f % 8) & 1;
            mask[e / CB_LANES * n + f] |= (uint16_t)(bit << e % CB_LANES);
        }
}

static void load_batch(student *s, int step) {
    const uint16_t *x = s->in->x + (size_t)step * BATCH * PIXELS;
    for (int e = 0; e < BATCH; e++) {
        cb_lanes_set_u16(s->batch.x + (e / CB_LANES) * PIXELS * CB_LANES, e % CB_LANES, x + e * PIXELS, PIXELS);
        s->batch.y[e] = (float)s->in->y[step * BATCH + e];
    }
    s->batch.n_event = BATCH;
    s->batch.n_block = BLOCKS;
    unpack_mask(s->in->keep0 + step * BATCH * 32, 32, PIXELS, s->mask0);
    unpack_mask(s->in->keep1 + step * BATCH * 2, 2, HIDDEN, s->mask1);
}

static bool load_tensor(student *s, const char *state, const char *name, float *w, double *d, uint64_t n) {
    char group[128];
    snprintf(group, sizeof group, "%s/%s", s->group, state);
    double *v = golden_f64n(s->g, group, name, n);
    if (!v) return false;
    for (uint64_t e = 0; e < n; e++) {
        if (w) w[e] = (float)v[e];
        if (d) d[e] = v[e];
    }
    free(v);
    return true;
}

/* Weights, statistics and the call counter of a recorded state. */
static bool load_state(student *s, const char *state) {
    cb_qkeras_student *m = &s->m;
    double calls = 0;
    bool good = (!m->shape.conv || load_tensor(s, state, "conv_kernel", m->conv, NULL, m->n_conv)) &&
                load_tensor(s, state, "dense1_kernel", m->kernel, NULL, PIXELS * HIDDEN) &&
                load_tensor(s, state, "dense1_bias", m->bias, NULL, HIDDEN) &&
                load_tensor(s, state, "dense1_gamma", m->gamma, NULL, HIDDEN) &&
                load_tensor(s, state, "dense1_beta", m->beta, NULL, HIDDEN) &&
                load_tensor(s, state, "dense1_moving_mean", NULL, m->bn.mean, HIDDEN) &&
                load_tensor(s, state, "dense1_moving_variance", NULL, m->bn.variance, HIDDEN) &&
                load_tensor(s, state, "dense2_kernel", m->out, NULL, HIDDEN) &&
                load_tensor(s, state, "iteration", NULL, &calls, 1);
    m->bn.calls = (int64_t)calls + 1; /* the package counts from -1 */
    return good;
}

static void compare_f32(student *s, const char *group, const char *name, golden_rule rule, const float *mine,
                        uint64_t n, double tolerance) {
    double *d = malloc((n + 1) * sizeof *d);
    for (uint64_t e = 0; d && e < n; e++) d[e] = mine[e];
    if (d) golden_compare(s->g, group, name, rule, d, n, tolerance);
    free(d);
}

/* [block][n][16] -> [event][n] */
static double *from_lanes(const float *lanes, int n) {
    double *x = malloc((size_t)(BATCH * n) * sizeof *x);
    for (int e = 0; x && e < BATCH; e++)
        for (int f = 0; f < n; f++) x[e * n + f] = lanes[((e / CB_LANES) * n + f) * CB_LANES + e % CB_LANES];
    return x;
}

static void compare_scores(student *s, const char *group, const double *mine, bool drop, uint64_t n) {
    double *want = golden_f64n(s->g, group, "out_outputs", n), different = 0, largest = 0;
    for (uint64_t e = 0; want && e < n; e++) {
        double d = fabs(mine[e] - want[e]);
        different += d != 0;
        largest = fmax(largest, d);
    }
    if (want && !drop) golden_row(s->g, group, "out_outputs", different, 0);
    if (want && drop) {
        golden_row(s->g, group, "out_outputs (size)", largest, 1.0 / 256);
        golden_row(s->g, group, "out_outputs (events)", different / (double)n, 0.04);
    }
    free(want);
}

/* The convolution's relu in 1/16, where dropout kept it. */
static void compare_relu0(student *s, const char *group) {
    double *want = golden_f64n(s->g, group, "out_relu0_times16", BATCH * PIXELS), *mine = from_lanes(s->w.flat, PIXELS);
    double different = 0;
    for (int e = 0; want && mine && e < BATCH * PIXELS; e++)
        if (!s->drop || s->mask0[e / PIXELS / CB_LANES * PIXELS + e % PIXELS] >> (e / PIXELS % CB_LANES) & 1)
            different += mine[e] * 16 / (s->drop ? 9.0 / 8 : 1) != want[e];
    if (want && mine) golden_row(s->g, group, "out_relu0_times16", different, 0);
    free(want), free(mine);
}

static void compare_gradients(student *s, const char *group, bool after20) {
    cb_qkeras_student *m = &s->m;
    if (m->shape.conv) compare_f32(s, group, "grad_conv_kernel", GOLDEN_PEAK, m->d_conv, m->n_conv, 2e-6);
    compare_f32(s, group, "grad_dense1_kernel", GOLDEN_PEAK, m->d_kernel, PIXELS * HIDDEN, 2e-6);
    compare_f32(s, group, "grad_dense1_beta", GOLDEN_PEAK, m->d_beta, HIDDEN, 2e-6);
    compare_f32(s, group, "grad_dense2_kernel", GOLDEN_PEAK, m->d_out, HIDDEN, 2e-6);
    if (m->bn.frozen) compare_f32(s, group, "grad_dense1_bias", GOLDEN_PEAK, m->d_bias, HIDDEN, 2e-6);
    else golden_leave_out(s->g, group, "grad_dense1_bias (0 but for rounding)");
    if (s->cold && !m->shape.conv && after20) golden_leave_out(s->g, group, "grad_dense1_gamma (all K = 0)");
    else compare_f32(s, group, "grad_dense1_gamma", GOLDEN_PEAK, m->d_gamma, HIDDEN, 2e-6);
}

static void check_probe(student *s, const char *state) {
    char group[128];
    snprintf(group, sizeof group, "%s/probe_%s", s->group, state);
    if (!golden_has(s->g, group) || !load_state(s, state)) return;
    load_batch(s, 0);
    double loss = cb_qkeras_gradients(&s->m, &s->w, &s->batch);
    golden_compare(s->g, group, "loss", GOLDEN_ABS, &loss, 1, s->drop ? 0.04 / 256 : 1e-5);
    double *dense = from_lanes(s->dense, HIDDEN), *score = from_lanes(s->w.score, 1);
    if (dense) golden_compare(s->g, group, "out_dense1", GOLDEN_ABS, dense, BATCH * HIDDEN, s->cold ? 2e-5 : 6e-4);
    if (score) compare_scores(s, group, score, s->drop, BATCH);
    free(dense), free(score);
    if (s->m.shape.conv) compare_relu0(s, group);
    compare_gradients(s, group, !strcmp(state, "step20"));
    golden_compare(s->g, group, "after_dense1_moving_mean", GOLDEN_PEAK, s->m.bn.mean, HIDDEN, 1e-6);
    golden_compare(s->g, group, "after_dense1_moving_variance", GOLDEN_PEAK, s->m.bn.variance, HIDDEN, 1e-6);
}

static void check_infer(student *s, const char *state) {
    static double kf[PIXELS * HIDDEN], bf[HIDDEN], score[EVAL], dense[EVAL * HIDDEN];
    const uint16_t *image[EVAL];
    cb_qkeras_folded f;
    char group[128];
    snprintf(group, sizeof group, "%s/infer_%s", s->group, state);
    if (!golden_has(s->g, group) || !load_state(s, state)) return;
    if (cb_qkeras_folded_new(&f, &s->m)) {
        golden_broken(s->g, group, "memory");
        return;
    }
    for (int e = 0; e < EVAL; e++) image[e] = s->in->eval_x + e * PIXELS;
    cb_qdense_bn_fold(&s->m.bn, kf, bf, NULL, NULL);
    cb_qkeras_infer(&f, image, EVAL, score, dense);
    double loss = 0;
    for (int e = 0; e < EVAL; e++) loss += fabs(score[e] - s->in->eval_y[e]) / EVAL;
    golden_compare(s->g, group, "folded_kernel_f", GOLDEN_PEAK, kf, PIXELS * HIDDEN, 1e-6);
    golden_compare(s->g, group, "folded_bias_f", GOLDEN_PEAK, bf, HIDDEN, 1e-6);
    golden_compare(s->g, group, "folded_kernel_q", GOLDEN_EXACT, f.kernel, PIXELS * HIDDEN, 0);
    golden_compare(s->g, group, "folded_bias_q", GOLDEN_EXACT, f.bias, HIDDEN, 0);
    golden_compare(s->g, group, "out_dense1", GOLDEN_EXACT, dense, EVAL * HIDDEN, 0);
    compare_scores(s, group, score, false, EVAL);
    golden_compare(s->g, group, "loss", GOLDEN_REL, &loss, 1, 1e-6);
    cb_qkeras_folded_free(&f);
}

/* The recorded bias drifts on rounding noise (its gradient is 0), and the batch mean of
 * z = x W + b with it: the largest drift, over the largest mean. */
static double bias_drift(student *s, const char *group) {
    double *b = golden_f64n(s->g, group, "dense1_bias", HIDDEN), drift = 0;
    for (int j = 0; b && j < HIDDEN; j++) drift = fmax(drift, fabs(b[j] - s->m.bias[j]));
    free(b);
    return drift / golden_max_abs(s->m.bn.mean, HIDDEN);
}

static void compare_state(student *s, const char *state) {
    cb_qkeras_student *m = &s->m;
    char group[128];
    snprintf(group, sizeof group, "%s/%s", s->group, state);
    if (m->shape.conv) compare_f32(s, group, "conv_kernel", GOLDEN_ABS, m->conv, m->n_conv, 1e-5);
    compare_f32(s, group, "dense1_kernel", GOLDEN_ABS, m->kernel, PIXELS * HIDDEN, 1e-5);
    compare_f32(s, group, "dense1_gamma", GOLDEN_ABS, m->gamma, HIDDEN, 3e-5);
    compare_f32(s, group, "dense1_beta", GOLDEN_ABS, m->beta, HIDDEN, 5e-6);
    compare_f32(s, group, "dense2_kernel", GOLDEN_ABS, m->out, HIDDEN, 1e-5);
    compare_f32(s, group, "dense1_bias", GOLDEN_ABS, m->bias, HIDDEN, s->frozen_case ? 1e-4 : 1e-3);
    golden_compare(s->g, group, "dense1_moving_mean", GOLDEN_PEAK, m->bn.mean, HIDDEN, 1e-6 + bias_drift(s, group));
    golden_compare(s->g, group, "dense1_moving_variance", GOLDEN_PEAK, m->bn.variance, HIDDEN, 1e-6);
}

static void check_steps(student *s) {
    double loss[STEPS];
    if (!load_state(s, "init")) return;
    for (int k = 0; k < STEPS; k++) {
        load_batch(s, k);
        loss[k] = cb_qkeras_gradients(&s->m, &s->w, &s->batch);
        cb_qkeras_update(&s->m, 0.001);
        if (k == 0) compare_state(s, "step1");
        if (k == 1) compare_state(s, "step2");
        if (k == 4) compare_state(s, "step5");
        if (k == 19) compare_state(s, "step20");
    }
    golden_compare(s->g, s->group, "loss", GOLDEN_ABS, loss, STEPS, 1e-3);
}

static bool student_shape(student *s, cb_qkeras_shape *shape) {
    int64_t drop = 0, freeze = -1;
    char *arch = cb_h5_get_text(s->g->h5, s->group, "arch"), *folding = cb_h5_get_text(s->g->h5, s->group, "folding_mode");
    bool good = arch && folding && !cb_h5_get_i64(s->g->h5, s->group, "dropout", &drop) &&
                !cb_h5_get_i64(s->g->h5, s->group, "ema_freeze_delay", &freeze);
    if (good) {
        *shape = cb_qkeras_cicada(!strcmp(arch, "v2"), 18, 14);
        if (!drop) shape->drop_flat = shape->drop_hidden = 0; /* else the recorded masks, with CICADA's factors */
        shape->folding = strcmp(folding, "batch_stats_folding") ? CB_FOLD_EMA : CB_FOLD_BATCH;
        shape->freeze_delay = freeze;
        s->drop = drop != 0;
        s->frozen_case = freeze >= 0;
        s->cold = strstr(s->group, "cold") != NULL;
    } else golden_broken(s->g, s->group, "attributes");
    free(arch), free(folding);
    return good;
}

static void check_student(golden *g, const recorded_inputs *in, const char *group) {
    student s = {.g = g, .in = in};
    cb_qkeras_shape shape;
    cb_student_set set = {.n_feature = PIXELS};
    snprintf(s.group, sizeof s.group, "%s", group);
    if (!golden_has(g, group) || !student_shape(&s, &shape)) return;
    s.mask0 = malloc(sizeof *s.mask0 * BLOCKS * PIXELS);
    s.mask1 = malloc(sizeof *s.mask1 * BLOCKS * HIDDEN);
    s.dense = malloc(sizeof(float) * BATCH * HIDDEN);
    if (!s.mask0 || !s.mask1 || !s.dense || cb_qkeras_student_new(&s.m, &shape) ||
        cb_qkeras_work_new(&s.w, &s.m, BATCH) || cb_student_batch_new(&s.batch, &set, BATCH))
        golden_broken(g, group, "memory");
    else {
        s.w.dense = s.dense;
        if (s.drop) s.w.keep_flat = s.mask0, s.w.keep_hidden = s.mask1;
        check_probe(&s, "init"), check_probe(&s, "step20");
        check_infer(&s, "init"), check_infer(&s, "step20");
        check_steps(&s);
    }
    cb_student_batch_free(&s.batch);
    cb_qkeras_work_free(&s.w);
    cb_qkeras_student_free(&s.m);
    free(s.mask0), free(s.mask1), free(s.dense);
}

static void check_students(golden *g) {
    static const char *const name[] = {"v1_cold_nodrop", "v1_warm_drop", "v1_warm_freeze3",
                                       "v1_warm_batchfold", "v2_cold_drop", "v2_warm_nodrop"};
    recorded_inputs in = {0};
    if (golden_has(g, "inputs") && read_inputs(g, &in))
        for (size_t k = 0; k < sizeof name / sizeof *name; k++) check_student(g, &in, name[k]);
    free_inputs(&in);
}

GOLDEN_FILE(qkeras_quantizers, "quantizers.h5", check_bits, check_relu, check_auto)
GOLDEN_FILE(qkeras_train, "qkeras_train.h5", check_students)
GOLDEN_MAIN(qkeras_quantizers, qkeras_train)
