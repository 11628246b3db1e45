/* The teacher: agreement with recorded Keras training, gradients against finite
 * differences, and the same bytes for any threads, instruction set or interruption. */
#include "base/config.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/threads.h"
#include "nn/autoencoder.h"
#include "nn/isa.h"
#include "nn/targets.h"
#include "nn/teacher.h"
#include "unit.h"

/* ---- recorded training (reference: golden README, rows "teacher f32" and "target") ---- */

/* Deviation of this build (dev) and of the recorded float32 run (rec) from the float64 record, over the
 * elements of one or several tensors. */
typedef struct {
    double dev, rec, dev2, rec2, top;
    size_t n;
} deviation;

static void deviation_add(deviation *d, double mine, double f32, double f64) {
    double a = fabs(mine - f64), b = fabs(f32 - f64);
    d->dev = fmax(d->dev, a);
    d->rec = fmax(d->rec, b);
    d->dev2 += a * a;
    d->rec2 += b * b;
    d->top = fmax(d->top, fabs(f64));
    d->n++;
}

/* The rule: at most four times the deviation of the float32 record. `floor` is what the
 * record's own digits can resolve, relative to the largest element. */
static void deviation_check(const char *group, const char *what, deviation d, double recorded, double floor) {
    double tolerance = 4 * fmax(recorded, floor * d.top);
    printf("\n    %-15s %-12s %7zu values, deviation %.2e, tolerance %.2e", group, what, d.n, d.dev, tolerance);
    CU_ASSERT(d.n > 0);
    CU_ASSERT(d.dev <= tolerance);
}

/* Adds tensor `name` under <group>/f32 and /f64 (either whole or every stride-th element). */
static int compare(cb_h5 *f, const char *group, const char *name, const float *mine, size_t n, deviation *d) {
    char p32[96], p64[96];
    snprintf(p32, sizeof p32, "%s/f32/%s", group, name);
    snprintf(p64, sizeof p64, "%s/f64/%s", group, name);
    if (!cb_h5_exists(f, p32) || !cb_h5_exists(f, p64)) return 0;
    int64_t stride = 1;
    if (cb_h5_has_attribute(f, p32, "stride")) UNIT_OK(cb_h5_get_i64(f, p32, "stride", &stride));
    uint64_t dims[CB_MAX_RANK] = {0}, dims64[CB_MAX_RANK] = {0};
    int rank;
    UNIT_OK(cb_h5_shape(f, p32, &rank, dims));
    float *a = cb_h5_read(f, p32, CB_F32, -1, dims);
    double *b = cb_h5_read(f, p64, CB_F64, -1, dims64);
    CU_ASSERT_FATAL(a && b);
    size_t count = 1;
    for (int k = 0; k < rank; k++) count *= dims[k];
    CU_ASSERT_EQUAL_FATAL(count, (n + (size_t)stride - 1) / (size_t)stride);
    for (size_t i = 0; i < count; i++) deviation_add(d, mine[i * (size_t)stride], a[i], b[i]);
    free(a);
    free(b);
    return 1;
}

/* The runs diverge after some steps: a unit next to a relu's edge, or a gradient next to 0 in Adam's first
 * steps, goes one way in one float32 run and the other way in the next (of the two recorded runs one
 * met this, the other did not). So 20 steps are held to four times the larger deviation of the two. */
static double recorded_either(cb_h5 *f, const char *name) {
    static const char *const groups[] = {"teacher", "teacher_revised"};
    double largest = 0;
    for (int g = 0; g < 2; g++) {
        char path[96];
        uint64_t dims[CB_MAX_RANK] = {0};
        snprintf(path, sizeof path, "%s/f32/%s", groups[g], name);
        float *a = cb_h5_read(f, path, CB_F32, -1, dims);
        CU_ASSERT_PTR_NOT_NULL_FATAL(a);
        deviation d = {0};
        size_t n = dims[0] * (dims[1] ? dims[1] : 1);
        CU_ASSERT_EQUAL(compare(f, groups[g], name, a, n, &d), 1);
        largest = fmax(largest, d.rec);
        free(a);
    }
    return largest;
}

/* Largest and r.m.s. deviation of the float32 weights after 20 steps, from the attribute. */
static void recorded_weights(cb_h5 *f, double *max, double *rms) {
    static const char *const groups[] = {"teacher", "teacher_revised"};
    *max = *rms = 0;
    for (int g = 0; g < 2; g++) {
        char *text = cb_h5_get_text(f, groups[g], "f32_minus_f64_weights_max_rms_fraction_above_1e-5");
        CU_ASSERT_PTR_NOT_NULL_FATAL(text);
        const char *at = strstr(text, "\"step20\": [");
        double a = 0, b = 0;
        CU_ASSERT_FATAL(at && sscanf(at, "\"step20\": [%lf, %lf", &a, &b) == 2);
        *max = fmax(*max, a);
        *rms = fmax(*rms, b);
        free(text);
    }
}

/* latent, recon and event_mse of batch 0; suffix 0 or 20. */
static void check_forward(cb_h5 *f, const char *group, cb_teacher *t, const uint16_t *x, const char *suffix) {
    enum { N = 64, LATENT = 3 };
    float *latent = cb_alloc(N * 80, 4), *recon = cb_alloc(N * 252, 4), *mse = cb_alloc(N, 4);
    cb_workspace *ws = cb_workspace_new(t->net, 0);
    CU_ASSERT_FATAL(latent && recon && mse && ws);
    for (uint32_t b = 0; b < N; b += 16) {
        uint32_t event[16];
        for (uint32_t k = 0; k < 16; k++) event[k] = b + k;
        cb_lanes_load_u16(cb_workspace_input(ws, 0), x, event, 16, 252);
        const float *y = cb_network_forward(t->net, ws, 0), *z = cb_workspace_activation(ws, LATENT, 0);
        for (uint32_t k = 0; k < 16; k++) {
            for (uint32_t i = 0; i < 252; i++) recon[(b + k) * 252 + i] = y[i * 16 + k];
            for (uint32_t i = 0; i < 80; i++) latent[(b + k) * 80 + i] = z[i * 16 + k];
        }
    }
    UNIT_OK(cb_autoencoder_mse(t->net, x, NULL, N, NULL, mse));
    struct { const char *name; const float *data; size_t n; } part[] = {{"latent", latent, N * 80}, {"recon", recon, N * 252}, {"event_mse", mse, N}};
    for (int k = 0; k < 3; k++) {
        char name[32];
        deviation d = {0};
        snprintf(name, sizeof name, "%s%s", part[k].name, suffix);
        if (compare(f, group, name, part[k].data, part[k].n, &d))
            deviation_check(group, name, d, strcmp(suffix, "20") ? d.rec : recorded_either(f, name), 1e-7);
    }
    cb_workspace_free(ws);
    free(latent);
    free(recon);
    free(mse);
}

/* All weights (or gradients) of a snapshot together. */
static void check_snapshot(cb_h5 *f, const char *group, const cb_network *net, const char *snapshot, const float *w,
                           bool relative) {
    cb_tensor t[32];
    int n = cb_network_tensors(net, t, 32);
    deviation all = {0};
    for (int k = 0; k < n; k++) {
        char name[96];
        deviation d = {0};
        snprintf(name, sizeof name, "%s/%.40s", snapshot, t[k].name);
        if (!compare(f, group, name, w + t[k].at, t[k].n, &d)) continue;
        double scale = relative ? 1 / d.top : 1;
        all.dev = fmax(all.dev, d.dev * scale);
        all.rec = fmax(all.rec, d.rec * scale);
        all.dev2 += d.dev2;
        all.rec2 += d.rec2;
        all.n += d.n;
    }
    if (!all.n) return; /* not in the cut */
    double rms = sqrt(all.rec2 / (double)all.n);
    if (!strcmp(snapshot, "step20")) recorded_weights(f, &all.rec, &rms);
    deviation_check(group, snapshot, all, all.rec, 0);
    if (!relative) CU_ASSERT(sqrt(all.dev2 / (double)all.n) <= 4 * rms);
}

static void load_init(cb_h5 *f, const char *group, cb_network *net) {
    cb_tensor t[32];
    int n = cb_network_tensors(net, t, 32);
    for (int k = 0; k < n; k++) {
        char name[96];
        snprintf(name, sizeof name, "%s/init/%.40s", group, t[k].name);
        if (!cb_h5_exists(f, name)) snprintf(name, sizeof name, "teacher/init/%.40s", t[k].name); /* shared start */
        float *w = cb_h5_read(f, name, CB_F32, t[k].rank, t[k].dims);
        CU_ASSERT_PTR_NOT_NULL_FATAL(w);
        memcpy(net->w + t[k].at, w, t[k].n * sizeof *w);
        free(w);
    }
    cb_network_refresh(net);
}

static void golden_teacher(cb_h5 *f, const char *group, const char *architecture) {
    enum { STEPS = 20, BATCH = 64 };
    uint64_t dims[3] = {STEPS, BATCH, 252}, steps[1] = {STEPS};
    uint16_t *x = cb_h5_read(f, "inputs/x", CB_U16, 3, dims);
    cb_teacher *t = cb_teacher_new(architecture, (int[]){20, 30, 80}, 18, 14);
    CU_ASSERT_FATAL(x && t);
    load_init(f, group, t->net);
    check_forward(f, group, t, x, "0");
    cb_fit *fit = cb_fit_new(t->net, BATCH, 1e-3);
    CU_ASSERT_PTR_NOT_NULL_FATAL(fit);
    float mine[STEPS];
    for (uint32_t s = 0; s < STEPS; s++) {
        uint32_t event[BATCH];
        double loss;
        for (uint32_t k = 0; k < BATCH; k++) event[k] = s * BATCH + k;
        UNIT_OK(cb_fit_step(fit, x, event, BATCH, &loss));
        mine[s] = (float)loss;
        if (s == 0) check_snapshot(f, group, t->net, "grad0", cb_fit_gradient(fit), true);
        if (s == 0) check_snapshot(f, group, t->net, "step1", t->net->w, false);
    }
    check_snapshot(f, group, t->net, "step20", t->net->w, false);
    check_forward(f, group, t, x, "20");
    deviation d = {0};
    CU_ASSERT_EQUAL(compare(f, group, "loss", mine, steps[0], &d), 1);
    deviation_check(group, "loss", d, recorded_either(f, "loss"), 1e-7);
    cb_fit_free(fit);
    cb_teacher_free(t);
    free(x);
}

static void test_golden(void) {
    if (!cb_file_exists(unit_golden("teacher_train.h5"))) {
        printf("skipped: %s is absent ", unit_golden("teacher_train.h5"));
        return;
    }
    cb_h5 *f = cb_h5_open(unit_golden("teacher_train.h5"), NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    golden_teacher(f, "teacher", "cicada");
    golden_teacher(f, "teacher_revised", "cicada-revised");
    cb_h5_close(&f);
}

static void test_golden_target(void) {
    if (!cb_file_exists(unit_golden("teacher_train.h5"))) {
        printf("skipped: %s is absent ", unit_golden("teacher_train.h5"));
        return;
    }
    cb_h5 *f = cb_h5_open(unit_golden("teacher_train.h5"), NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    uint64_t n[1] = {0};
    float *mse = cb_h5_read(f, "target/mse", CB_F32, 1, n), *y = cb_h5_read(f, "target/y", CB_F32, 1, n);
    uint8_t *near_tie = cb_h5_read(f, "target/near_tie", CB_U8, 1, n);
    CU_ASSERT_FATAL(mse && y && near_tie);
    size_t wrong = 0, far = 0, ties = 0;
    for (uint64_t i = 0; i < n[0]; i++) {
        int off = abs((int)cb_target_code(mse[i]) - (int)(256 * y[i]));
        ties += near_tie[i];
        wrong += !near_tie[i] && off;
        far += off > 1;
    }
    printf("\n    target: %zu of %llu rows off (%zu near a tie may be one step off)", wrong, (unsigned long long)n[0], ties);
    CU_ASSERT(n[0] > 4000 && wrong == 0 && far == 0);
    CU_ASSERT(cb_target_code(0) == 0 && cb_target_code(1) == 0 && cb_target_code(3000) == 65535);
    CU_ASSERT(cb_target_code(INFINITY) == 65535);
    free(mse);
    free(y);
    free(near_tie);
    cb_h5_close(&f);
}

/* ---- gradients against finite differences of a forward pass in double ---- */

static double *layer_double(const cb_layer *l, const double *w, const double *x) {
    double *y = cb_alloc(l->n_out, sizeof *y);
    const double *k = w + l->kernel, *b = w + l->bias;
    int ic = l->in_c, oc = l->out_c;
    if (!y) abort();
    for (int oy = 0; oy < l->out_h; oy++)
        for (int ox = 0; ox < l->out_w; ox++)
            for (int o = 0; o < oc; o++) {
                double s = l->n_bias ? b[l->cv ? o : (oy * l->out_w + ox) * oc + o] : 0;
                if (l->spec.kind == CB_DENSE)
                    for (size_t i = 0; i < l->n_in; i++) s += x[i] * k[i * l->n_out + (size_t)((oy * l->out_w + ox) * oc + o)];
                else if (l->spec.kind == CB_UPSAMPLE) s = x[((oy / 2) * l->in_w + ox / 2) * ic + o];
                else if (l->spec.kind == CB_AVGPOOL)
                    for (int q = 0; q < 4; q++) s += x[((2 * oy + q / 2) * l->in_w + 2 * ox + q % 2) * ic + o] / 4;
                else
                    for (int iy = 0; iy < l->in_h << l->upsampled; iy++)
                        for (int ix = 0; ix < l->in_w << l->upsampled; ix++) {
                            bool up = l->spec.kind == CB_DECONV2D; /* out = 2 in + k, or in = out - 1 + k */
                            int ky = up ? oy - 2 * iy : iy - oy + 1, kx = up ? ox - 2 * ix : ix - ox + 1;
                            if (ky < 0 || kx < 0 || ky > 2 || kx > 2) continue;
                            for (int i = 0; i < ic; i++)
                                s += x[((iy >> l->upsampled) * l->in_w + (ix >> l->upsampled)) * ic + i] *
                                     (up ? k[((ky * 3 + kx) * oc + o) * ic + i] : k[((ky * 3 + kx) * ic + i) * oc + o]);
                        }
                y[(oy * l->out_w + ox) * oc + o] = l->spec.relu && s < 0 ? 0 : s;
            }
    return y;
}

static double loss_double(const cb_network *net, const double *w, const uint16_t *et, int n) {
    double sum = 0;
    for (int e = 0; e < n; e++) {
        double *x = cb_alloc(net->n_input, sizeof *x);
        if (!x) abort();
        for (size_t i = 0; i < net->n_input; i++) x[i] = et[(size_t)e * net->n_input + i];
        for (int i = 0; i < net->n_layer; i++) {
            double *y = layer_double(&net->layer[i], w, x);
            free(x);
            x = y;
        }
        for (size_t i = 0; i < net->n_output; i++) {
            double d = x[i] - et[(size_t)e * net->n_input + i];
            sum += d * d / (double)net->n_output / n;
        }
        free(x);
    }
    return sum;
}

static void check_gradient_of(const char *architecture, int n) {
    cb_teacher *t = cb_teacher_new(architecture, (int[]){3, 4, 5}, 6, 4);
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    uint16_t et[40 * 24];
    cb_rng r = cb_rng_at(31, "test-gradient", 0);
    for (int i = 0; i < 40 * 24; i++) et[i] = (uint16_t)cb_rng_below(&r, 8);
    UNIT_OK(cb_network_init(t->net, 5, "test"));
    for (size_t i = 0; i < t->net->n_weight; i++) t->net->w[i] += 0.02f; /* biases too, more units alive */
    cb_network_refresh(t->net);
    double *w = cb_alloc(t->net->n_weight, sizeof *w), loss, worst = 0, top = 0;
    CU_ASSERT_PTR_NOT_NULL_FATAL(w);
    for (size_t i = 0; i < t->net->n_weight; i++) w[i] = t->net->w[i];
    cb_fit *fit = cb_fit_new(t->net, 40, 1e-3);
    uint32_t event[40];
    for (uint32_t i = 0; i < 40; i++) event[i] = i;
    CU_ASSERT_PTR_NOT_NULL_FATAL(fit);
    UNIT_OK(cb_fit_step(fit, et, event, (size_t)n, &loss));
    CU_ASSERT_DOUBLE_EQUAL(loss, loss_double(t->net, w, et, n), 1e-5 * loss);
    for (size_t i = 0; i < t->net->n_weight; i += 2) {
        double h = 1e-6, keep = w[i];
        w[i] = keep + h;
        double up = loss_double(t->net, w, et, n);
        w[i] = keep - h;
        double g = (up - loss_double(t->net, w, et, n)) / (2 * h);
        w[i] = keep;
        worst = fmax(worst, fabs(g - (double)cb_fit_gradient(fit)[i]));
        top = fmax(top, fabs(g));
    }
    CU_ASSERT(top > 0.1);
    CU_ASSERT(worst < 2e-6 * top + 1e-7);
    cb_fit_free(fit);
    cb_teacher_free(t);
    free(w);
}

static void test_gradient(void) {
    check_gradient_of("cicada", 8);
    check_gradient_of("cicada-revised", 19); /* a part-filled block */
}

/* ---- same bytes ---- */

enum { H = 6, W = 4, N_TRAIN = 150, N_VAL = 21 };

static uint16_t images[(N_TRAIN + N_VAL) * H * W];
static uint32_t train_events[N_TRAIN], val_events[N_VAL];

static void make_images(void) {
    cb_log_level(CB_QUIET);
    cb_rng r = cb_rng_at(32, "test-images", 0);
    for (size_t i = 0; i < sizeof images / sizeof *images; i++) images[i] = (uint16_t)cb_rng_below(&r, 30);
    for (uint32_t i = 0; i < N_TRAIN; i++) train_events[i] = i;
    for (uint32_t i = 0; i < N_VAL; i++) val_events[i] = N_TRAIN + i;
}

/* cb_teacher_train on the first n_train and n_val of the events. */
static int train(cb_teacher *t, const cb_teacher_fit *o, size_t n_train, size_t n_val) {
    cb_rows *x = cb_rows_view(images, train_events, n_train, H * W), *y = cb_rows_view(images, val_events, n_val, H * W);
    CU_ASSERT_FATAL(x && y);
    int rc = cb_teacher_train(t, o, x, y);
    cb_rows_free(x);
    cb_rows_free(y);
    return rc;
}

static void train_to_file(int epochs, const char *checkpoint, const char *identity, const char *path, char sha[65]) {
    cb_teacher *t = cb_teacher_new("cicada", (int[]){3, 6, 5}, H, W);
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    cb_teacher_fit o = {.epochs = epochs, .batch = 32, .learning_rate = 1e-3, .seed = 9, .checkpoint = checkpoint, .identity = identity};
    UNIT_OK(train(t, &o, N_TRAIN, N_VAL));
    cb_h5 *f = cb_h5_create(path, CB_TEACHER_SCHEMA, "test", "");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    UNIT_OK(cb_teacher_write(t, f));
    UNIT_OK(cb_h5_commit(&f));
    UNIT_OK(cb_sha256_file(path, sha));
    cb_teacher_free(t);
}

static void test_same_bytes(void) {
    make_images();
    const char *path = unit_scratch("teacher.h5");
    char one[65], other[65];
    train_to_file(2, NULL, "", path, one);
    int threads = cb_threads();
    cb_threads_set(3);
    train_to_file(2, NULL, "", path, other);
    CU_ASSERT_STRING_EQUAL(one, other);
    cb_threads_set(1);
    train_to_file(2, NULL, "", path, other);
    CU_ASSERT_STRING_EQUAL(one, other);
    cb_threads_set(threads);
    for (int level = 0; level <= cb_isa_best(); level++) {
        UNIT_OK(cb_isa_force(level));
        train_to_file(2, NULL, "", path, other);
        CU_ASSERT_STRING_EQUAL(one, other);
    }
    unlink(path);
}

static void test_resume(void) {
    make_images();
    const char *path = unit_scratch("teacher.h5"), *checkpoint = unit_scratch("teacher.h5.ckpt");
    char whole[65], other[65];
    train_to_file(4, NULL, "", path, whole);
    train_to_file(1, checkpoint, "a", path, other);
    CU_ASSERT_STRING_NOT_EQUAL(whole, other);
    train_to_file(3, checkpoint, "a", path, other);
    train_to_file(4, checkpoint, "a", path, other);
    CU_ASSERT_STRING_EQUAL(whole, other);
    train_to_file(2, checkpoint, "b", path, other); /* another identity: not used, replaced */
    CU_ASSERT_STRING_NOT_EQUAL(whole, other);
    train_to_file(4, checkpoint, "b", path, other);
    CU_ASSERT_STRING_EQUAL(whole, other);
    CU_ASSERT_EQUAL(truncate(checkpoint, 3000), 0); /* damaged: not used */
    train_to_file(4, checkpoint, "b", path, other);
    CU_ASSERT_STRING_EQUAL(whole, other);
    cb_teacher *t = cb_teacher_read(path);
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    CU_ASSERT(t->epochs == 4 && t->best_epoch >= 1 && t->val_mse[t->best_epoch - 1] <= t->val_mse[0]);
    float mse[N_VAL]; /* the stored weights are those of the best epoch */
    UNIT_OK(cb_autoencoder_mse(t->net, images, val_events, N_VAL, NULL, mse));
    double sum = 0;
    for (int i = 0; i < N_VAL; i++) sum += mse[i];
    CU_ASSERT_EQUAL(sum / N_VAL, t->val_mse[t->best_epoch - 1]);
    cb_teacher_free(t);
    unlink(path);
    unlink(checkpoint);
}

static void test_bad_input(void) {
    make_images();
    const int width[3] = {3, 6, 5};
    CU_ASSERT_PTR_NULL(cb_teacher_new("resnet", width, 6, 4));
    CU_ASSERT_PTR_NOT_NULL(strstr(cb_error(), "cicada-revised wanted"));
    cb_teacher *t = cb_teacher_new("cicada", width, H, W);
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    cb_teacher_fit o = {.epochs = 2, .batch = 32, .learning_rate = 1e30, .seed = 9, .identity = ""};
    UNIT_FAILS(train(t, &o, N_TRAIN, N_VAL), "epoch 1, batch 2 of 4 (step 2)");
    CU_ASSERT_PTR_NOT_NULL(strstr(cb_error(), "in layer"));
    o.learning_rate = 1e-3;
    UNIT_FAILS(train(t, &o, 31, N_VAL), "lower teacher.batch");
    UNIT_FAILS(train(t, &o, N_TRAIN, 0), "no validation events");
    cb_teacher_free(t);
    CU_ASSERT_PTR_NULL(cb_teacher_read("build/no/such.h5"));
    const char *path = unit_scratch("nan.h5");
    t = cb_teacher_new("cicada", width, H, W);
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    double history[1] = {1};
    t->train_mse = t->val_mse = history;
    t->epochs = t->best_epoch = 1;
    t->net->w[t->net->layer[2].kernel + 17] = NAN;
    cb_h5 *f = cb_h5_create(path, CB_TEACHER_SCHEMA, "test", "");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    int refused = cb_teacher_write(t, f); /* by the writer or, if it takes it, by the reader */
    if (!refused) UNIT_OK(cb_h5_commit(&f));
    cb_h5_close(&f);
    if (!refused) CU_ASSERT_PTR_NULL(cb_teacher_read(path));
    CU_ASSERT_PTR_NOT_NULL(strstr(cb_error(), "weights/conv2_kernel"));
    t->train_mse = t->val_mse = NULL;
    cb_teacher_free(t);
    unlink(path);
}

UNIT_MAIN("teacher", {"recorded training", test_golden}, {"recorded targets", test_golden_target},
          {"gradients against finite differences", test_gradient}, {"same bytes", test_same_bytes},
          {"resume", test_resume}, {"bad input", test_bad_input})
