/* NaN, infinity, overflow and subnormal gradients stop every training with a message that says where; elsewhere subnormal
 * numbers are ordinary and give the same bytes on every instruction set. */
#include <fenv.h>

#include "base/fmath.h"
#include "base/log.h"
#include "base/rng.h"
#include "logic/student.h"
#include "nn/adam.h"
#include "nn/autoencoder.h"
#include "nn/conv.h"
#include "nn/dense.h"
#include "nn/finite.h"
#include "nn/isa.h"
#include "nn/teacher.h"
#include "quant/hgq_fit.h"
#include "quant/qkeras_train.h"
#include "unit.h"
#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

/* ---- subnormal numbers ---- */

/* Magnitudes around the smallest normal number and its square root: sums, products and results are subnormal. */
static void fill(cb_rng *r, float *x, size_t n) {
    static const float scale[] = {0x1p-126f, 0x1p-140f, 0x1p-149f, 0x1p-63f, 0x1p-70f, 0x1p-65f};
    for (size_t i = 0; i < n; i++) x[i] = (float)((2 * cb_rng_f64(r) - 1) * scale[cb_rng_below(r, 6)]);
}

static float *numbers(cb_rng *r, size_t n) {
    float *x = cb_alloc_aligned(n, sizeof *x);
    CU_ASSERT_PTR_NOT_NULL_FATAL(x);
    fill(r, x, n);
    return x;
}

static size_t count_subnormal(const float *x, size_t n) {
    size_t count = 0;
    for (size_t i = 0; i < n; i++) count += fpclassify(x[i]) == FP_SUBNORMAL;
    return count;
}

static void check_conv(cb_rng *r) {
    enum { H = 6, W = 5, A = 3, B = 7, N = H * W * 16 };
    cb_conv *cv = cb_conv_new(H, W, A, B, 3, 1, true);
    CU_ASSERT_PTR_NOT_NULL_FATAL(cv);
    size_t n = cb_conv_weights(cv);
    float *x = numbers(r, N * A), *y = numbers(r, N * B), *k = numbers(r, n), *kt = numbers(r, n), *bias = numbers(r, B);
    float *got = numbers(r, N * B), *want = numbers(r, N * B), *acc = cb_alloc(n * 16, sizeof *acc);
    cb_conv_swap(k, 9, A, B, kt);
    cb_conv_down(cv, x, k, bias, false, got);
    cb_conv_down_ref(cv, x, k, bias, want);
    CU_ASSERT(!memcmp(got, want, N * B * sizeof *got) && count_subnormal(got, N * B) > 100);
    cb_conv_up(cv, y, kt, NULL, false, got);
    cb_conv_up_ref(cv, y, kt, NULL, want);
    CU_ASSERT(!memcmp(got, want, N * A * sizeof *got) && count_subnormal(got, N * A) > 10);
    cb_conv_gradient_add(cv, x, y, acc);
    cb_conv_gradient_end(cv, acc, got);
    cb_conv_gradient_ref(cv, x, N * A, y, N * B, 1, want);
    CU_ASSERT(!memcmp(got, want, n * sizeof *got));
    float *all[] = {x, y, k, kt, bias, got, want, acc};
    for (int i = 0; i < 8; i++) free(all[i]);
    cb_conv_free(cv);
}

static void check_dense(cb_rng *r) {
    enum { IN = 300, OUT = 7 };
    float *x = numbers(r, IN * 16), *w = numbers(r, IN * OUT), *b = numbers(r, OUT), *dy = numbers(r, OUT * 16);
    float *got = numbers(r, IN * 16), *want = numbers(r, IN * 16);
    for (int large = 0; large < 2; large++) { /* the second time subnormal inputs meet weights of ordinary size */
        for (int i = 0; large && i < IN * OUT; i++) w[i] = ldexpf(w[i], 64);
        cb_dense_forward(x, w, b, IN, OUT, got);
        cb_dense_forward_ref(x, w, b, IN, OUT, want);
        CU_ASSERT(!memcmp(got, want, OUT * 16 * sizeof *got));
        cb_dense_backward(dy, w, IN, OUT, got);
        cb_dense_backward_ref(dy, w, IN, OUT, want);
        CU_ASSERT(!memcmp(got, want, IN * 16 * sizeof *got) && count_subnormal(got, IN * 16) > 100);
    }
    float g[2][IN * OUT] = {{0}}, gb[2][OUT] = {{0}};
    cb_dense_gradient(x, IN * 16, dy, OUT * 16, 1, IN, OUT, g[0], gb[0]);
    cb_dense_gradient_ref(x, IN * 16, dy, OUT * 16, 1, IN, OUT, g[1], gb[1]);
    CU_ASSERT(!memcmp(g[0], g[1], sizeof g[0]) && !memcmp(gb[0], gb[1], sizeof gb[0]));
    float *all[] = {x, w, b, dy, got, want};
    for (int i = 0; i < 6; i++) free(all[i]);
}

static void check_adam(cb_rng *r) {
    enum { N = 1000 };
    float w[2][N], g[N], m[2][N], v[2][N];
    fill(r, w[0], N), fill(r, g, N), fill(r, m[0], N), fill(r, v[0], N);
    for (int i = 0; i < N; i++) v[0][i] = fabsf(v[0][i]);
    memcpy(w[1], w[0], sizeof w[0]), memcpy(m[1], m[0], sizeof m[0]), memcpy(v[1], v[0], sizeof v[0]);
    for (int t = 0; t < 5; t++) {
        cb_adam_update(w[0], g, m[0], v[0], N, 1e-3f);
        cb_adam_update_ref(w[1], g, m[1], v[1], N, 1e-3f);
    }
    CU_ASSERT(!memcmp(w[0], w[1], sizeof w[0]) && !memcmp(m[0], m[1], sizeof m[0]) && !memcmp(v[0], v[1], sizeof v[0]));
    CU_ASSERT(count_subnormal(m[0], N) > 100 && count_subnormal(v[0], N) > 100);
}

static void test_subnormal(void) {
    UNIT_OK(cb_numerics_check());
    for (int level = 0; level <= cb_isa_best(); level++) {
        UNIT_OK(cb_isa_force(level));
        cb_rng r = cb_rng_at(40, "test-subnormal", 0);
        check_conv(&r);
        check_dense(&r);
        check_adam(&r);
    }
    UNIT_OK(cb_isa_force(cb_isa_best()));
}

/* A process that flushes them, or rounds otherwise, is refused. */
static void test_refused(void) {
#if defined(__SSE2__)
    unsigned old = _mm_getcsr();
    _mm_setcsr(old | 0x8000); /* FTZ */
    int flushed = cb_numerics_check();
    _mm_setcsr(old | 0x0040); /* DAZ */
    int ignored = cb_numerics_check();
    _mm_setcsr(old);
    CU_ASSERT(flushed && ignored && strstr(cb_error(), "flushed to zero"));
#endif
    int mode = fegetround();
    fesetround(FE_UPWARD);
    int refused = cb_numerics_check();
    fesetround(mode);
    CU_ASSERT(refused && strstr(cb_error(), "not round-to-nearest"));
    UNIT_OK(cb_numerics_check());
}

/* ---- numbers that are none ---- */

static void test_check(void) {
    enum { N = 1000 };
    static const float bad[] = {NAN, INFINITY, -INFINITY, 0x1p64f, -0x1p64f};
    float x[N];
    for (int i = 0; i < N; i++) x[i] = (float)(i - 500) * 0x1p53f;
    x[7] = CB_LARGEST;
    x[8] = 1e-40f;
    CU_ASSERT_EQUAL(cb_first_beyond(x, N), N);
    for (size_t at = 0; at < N; at += 83)
        for (int k = 0; k < 5; k++) {
            float keep = x[at];
            x[at] = bad[k];
            CU_ASSERT_EQUAL(cb_first_beyond(x, N), at);
            CU_ASSERT_EQUAL(cb_first_beyond(x, at), at);
            x[at] = keep;
        }
    CU_ASSERT_EQUAL(cb_first_beyond(x, 0), 0);
    x[999] = INFINITY;
    UNIT_FAILS(cb_finite_check("gradient of", "kernel", x, N), "gradient of kernel is inf at index 999");
    UNIT_FAILS(cb_gradient_check("kernel", x, N), "gradient of kernel is inf at index 999");
    x[999] = 0;
    UNIT_FAILS(cb_gradient_check("kernel", x, N), "gradient of kernel is 9.99995e-41 at index 8, below");
    x[8] = -0x1p-126f;
    UNIT_OK(cb_gradient_check("kernel", x, N));
    double y[3] = {0, -0x1p-126, 1};
    UNIT_OK(cb_gradient_check_f64("bits", y, 3));
    y[1] /= 2;
    UNIT_FAILS(cb_gradient_check_f64("bits", y, 3), "gradient of bits is -5.87747e-39 at index 1, below");
}

enum { H = 6, W = 4, N_EVENT = 200 };
static uint16_t et[N_EVENT * H * W], code[N_EVENT];
static uint8_t split[N_EVENT], process[N_EVENT];

static cb_dataset make_dataset(void) {
    static char *name[1] = {"zb"};
    cb_log_level(CB_QUIET);
    cb_rng r = cb_rng_at(41, "test-finite", 0);
    for (int i = 0; i < N_EVENT * H * W; i++) et[i] = (uint16_t)(20 + cb_rng_below(&r, 500));
    for (int i = 0; i < N_EVENT; i++) {
        split[i] = i < 160 ? CB_TRAIN : CB_VAL;
        code[i] = (uint16_t)cb_rng_below(&r, 20000);
    }
    return (cb_dataset){.n = N_EVENT, .height = H, .width = W, .et = et, .split = split, .process = process, .n_process = 1, .process_name = name};
}

/* A weight of each tensor in turn. */
static void test_teacher(void) {
    make_dataset();
    cb_teacher *t = cb_teacher_new("cicada", (int[]){3, 4, 5}, H, W);
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    cb_tensor tensor[32];
    int n = cb_network_tensors(t->net, tensor, 32);
    uint32_t event[64];
    for (uint32_t k = 0; k < 64; k++) event[k] = k;
    for (int k = 0; k < n; k++) {
        cb_fit *fit = cb_fit_new(t->net, 64, 1e-3);
        CU_ASSERT_PTR_NOT_NULL_FATAL(fit);
        UNIT_OK(cb_network_init(t->net, 5, "test"));
        for (size_t i = 0; i < t->net->n_weight; i++) t->net->w[i] += 0.02f; /* every unit alive */
        t->net->w[tensor[k].at + tensor[k].n / 2] = k % 2 ? NAN : INFINITY;
        cb_network_refresh(t->net);
        char layer[64];
        double loss;
        snprintf(layer, sizeof layer, "in layer %.*s;", (int)(strrchr(tensor[k].name, '_') - tensor[k].name), tensor[k].name);
        UNIT_FAILS(cb_fit_step(fit, et, event, 64, &loss), layer);
        CU_ASSERT_PTR_NOT_NULL(strstr(cb_error(), "event "));
        cb_fit_free(fit);
    }
    /* weights too large: the errors are finite still when a gradient cannot be squared any more */
    int rc = 0;
    for (float factor = 10; !rc && factor < 1e6f; factor *= 1.1f) {
        cb_fit *fit = cb_fit_new(t->net, 64, 1e-3);
        CU_ASSERT_PTR_NOT_NULL_FATAL(fit);
        double loss;
        UNIT_OK(cb_network_init(t->net, 5, "test"));
        for (size_t i = 0; i < t->net->n_weight; i++) t->net->w[i] = fabsf(t->net->w[i]) * factor;
        cb_network_refresh(t->net);
        rc = cb_fit_step(fit, et, event, 64, &loss);
        cb_fit_free(fit);
    }
    CU_ASSERT(rc && strstr(cb_error(), "gradient of conv1_kernel is "));
    /* the last kernel so small that what comes back through it is subnormal */
    cb_fit *fit = cb_fit_new(t->net, 64, 1e-3);
    CU_ASSERT_PTR_NOT_NULL_FATAL(fit);
    double loss;
    UNIT_OK(cb_network_init(t->net, 5, "test"));
    int last = n - 1;
    while (!strstr(tensor[last].name, "kernel")) last--;
    for (size_t i = 0; i < tensor[last].n; i++) t->net->w[tensor[last].at + i] = 1e-43f;
    cb_network_refresh(t->net);
    UNIT_FAILS(cb_fit_step(fit, et, event, 64, &loss), "below the smallest normal number of float32");
    cb_fit_free(fit);
    cb_teacher_free(t);
}

static int train_student(bool quantized, size_t at, float value, double learning_rate) {
    cb_dataset d = make_dataset();
    cb_qkeras_shape shape = cb_qkeras_cicada(true, H, W);
    shape.quantized = quantized;
    cb_qkeras_student m;
    cb_student_set set;
    cb_history h;
    cb_qkeras_plan plan = {.epochs = 2, .batch = 64, .learning_rate = learning_rate};
    UNIT_OK(cb_student_set_new(&set, &d, code, NULL));
    UNIT_OK(cb_qkeras_student_new(&m, &shape));
    CU_ASSERT_EQUAL(m.n_weight, 16 + 24 * 16 + 4 * 16);
    if (at < m.n_weight) m.weight[at] = value;
    int rc = cb_qkeras_train(&m, &set, &plan, &h);
    cb_history_free(&h);
    cb_qkeras_student_free(&m);
    cb_student_set_free(&set);
    return rc;
}

static void test_students(void) {
    UNIT_OK(train_student(true, SIZE_MAX, 0, 1e-3));
    UNIT_OK(train_student(false, SIZE_MAX, 0, 1e-3));
    UNIT_FAILS(train_student(true, 3, NAN, 1e-3), "QKeras student: epoch 1, batch 1 of 2 (step 1): weight conv_kernel is nan at index 3");
    UNIT_FAILS(train_student(true, 16 + 30, INFINITY, 1e-3), "(step 1): weight dense1_kernel is inf at index 30");
    UNIT_FAILS(train_student(false, 16 + 384 + 2, -INFINITY, 1e-3), "float student: epoch 1, batch 1 of 2 (step 1): weight dense1_bias is -inf at index 2");
    UNIT_FAILS(train_student(false, 16 + 400 + 16 + 16 + 5, NAN, 1e-3), "weight dense2_kernel is nan at index 5");
    UNIT_FAILS(train_student(false, 16 + 400 + 16 + 16 + 5, 1e-42f, 1e-3), "(step 1): gradient of dense1_");
    UNIT_FAILS(train_student(false, SIZE_MAX, 0, 1e37), "float student: epoch 1, batch 2 of 2 (step 2): weight "); /* overshot */
}

static int train_hgq(size_t tensor, float value, double learning_rate) {
    cb_dataset d = make_dataset();
    cb_student_set set;
    cb_hgq_history h;
    cb_hgq_design design = cb_hgq_design_v2(H, W, 2, 3, 5, CB_HGQ_HEAD, CB_HGQ_HEAD);
    cb_hgq_plan p = {.epochs = 2, .batch = 64, .learning_rate = learning_rate, .rate_end = 1, .beta = 1e-5, .seed = 2, .trace = 100};
    UNIT_OK(cb_student_set_new(&set, &d, code, NULL));
    cb_hgq_student *s = cb_hgq_student_new(&design, 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    if (tensor < (size_t)s->n_tensor) s->value[s->tensor[tensor].first] = value;
    int rc = cb_hgq_fit(s, &set, &p, &h);
    cb_hgq_history_free(&h);
    cb_hgq_student_free(s);
    cb_student_set_free(&set);
    return rc;
}

static void test_hgq(void) {
    cb_hgq_design design = cb_hgq_design_v2(H, W, 2, 3, 5, CB_HGQ_HEAD, CB_HGQ_HEAD);
    cb_hgq_student *s = cb_hgq_student_new(&design, 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    UNIT_OK(train_hgq(SIZE_MAX, 0, 1e-3));
    for (int k = 0; k < s->n_tensor; k++) {
        char where[128];
        snprintf(where, sizeof where, "HGQ student: epoch 1, batch 1 of 2 (step 1): value of %s is ", s->tensor[k].name);
        UNIT_FAILS(train_hgq((size_t)k, k % 2 ? NAN : INFINITY, 1e-3), where);
    }
    UNIT_FAILS(train_hgq(SIZE_MAX, 0, 1e37), "HGQ student: epoch 1, batch 2 of 2 (step 2): ");
    cb_hgq_student_free(s);
}

static int train_logic(size_t at, float value, double learning_rate) {
    cb_dataset d = make_dataset();
    cb_student_set set;
    cb_history h;
    cb_logic_design design = {.planes = 2, .threshold = {100, 300}, .rank = 2, .n_dense = 2, .dense = {48, 32}, .start = CB_START_RESIDUAL, .units = 1,
                              .probability = 0.9, .tau = 0.5, .middle = 40, .grid = {8, 2}, .seed = 3};
    cb_logic_plan p = {.epochs = 2, .batch = 64, .learning_rate = learning_rate, .rate_end = 1, .temperature = 1,
                       .temperature_end = 1, .clamp_after = -1, .entropy_every = 1, .tail_from = 1e9, .tail_weight = 1};
    cb_logic_student s;
    UNIT_OK(cb_student_set_new(&set, &d, code, NULL));
    UNIT_OK(cb_logic_student_new(&s, &design, H, W));
    if (at < s.net.n_weight) s.w[at] = value;
    int rc = cb_logic_fit(&s, &set, &p, &h);
    cb_history_free(&h);
    cb_logic_student_free(&s);
    cb_student_set_free(&set);
    return rc;
}

static void test_logic(void) {
    UNIT_OK(train_logic(SIZE_MAX, 0, 1e-2));
    UNIT_FAILS(train_logic(5, NAN, 1e-2), "logic gate network: epoch 1, batch 1 of 2 (step 1): layer 1: a weight is nan");
    UNIT_FAILS(train_logic(48 * 16 + 7, NAN, 1e-2), "logic gate network: epoch 1, batch 1 of 2 (step 1): layer ");
    UNIT_FAILS(train_logic(SIZE_MAX, 0, 1e37), "logic gate network: epoch 1, batch 1 of 2 (step 1): layer ");
}

UNIT_MAIN("finite", {"subnormal numbers", test_subnormal}, {"processes that flush or round otherwise", test_refused},
          {"the check", test_check}, {"teacher", test_teacher}, {"QKeras and float students", test_students}, {"HGQ students", test_hgq},
          {"logic gate networks", test_logic})
