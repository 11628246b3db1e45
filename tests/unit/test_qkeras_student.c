/* Student data, the QKeras trainer, export to the integer programme, the float student. */
#include "base/rng.h"
#include "base/threads.h"
#include "quant/ebops.h"
#include "quant/qkeras_export.h"
#include "quant/student_check.h"
#include "quant/qkeras_train.h"
#include "unit.h"

enum { H = 6, W = 4, PIXELS = H * W, N = 1500, N_OUTLIER = 40 };

/* A small dataset whose target is a smooth function of the image. */
typedef struct {
    cb_dataset d;
    uint16_t code[N], outlier_et[N_OUTLIER * PIXELS], outlier_code[N_OUTLIER];
    uint8_t outlier_split[N_OUTLIER];
    cb_outliers outliers;
    char *names[2];
} fake;

static uint16_t fake_event(uint16_t *et, cb_rng *r) {
    uint32_t sum = 0, scale = 1 + cb_rng_below(r, 60);
    for (int e = 0; e < PIXELS; e++) sum += et[e] = (uint16_t)cb_rng_below(r, scale);
    return (uint16_t)(sum * 16 > 65535 ? 65535 : sum * 16);
}

static fake *fake_new(void) {
    fake *f = cb_alloc(1, sizeof *f);
    cb_rng r = cb_rng_at(5, "test-student", 0);
    f->d = (cb_dataset){.n = N, .height = H, .width = W, .n_process = 2, .process_name = f->names};
    f->names[0] = "zb", f->names[1] = "tt";
    f->d.et = cb_alloc(N * PIXELS, sizeof *f->d.et);
    f->d.split = cb_alloc(N, 1);
    f->d.process = cb_alloc(N, 1);
    for (int e = 0; e < N; e++) {
        f->code[e] = fake_event(f->d.et + e * PIXELS, &r);
        f->d.split[e] = (uint8_t)(e % 10 < 7 ? CB_TRAIN : e % 10 < 9 ? CB_VAL : CB_TEST);
        f->d.process[e] = (uint8_t)(e >= 1400);
    }
    for (int e = 0; e < N_OUTLIER; e++) {
        f->outlier_code[e] = fake_event(f->outlier_et + e * PIXELS, &r);
        f->outlier_split[e] = e % 4 == 0;
    }
    f->outliers = (cb_outliers){N_OUTLIER, cb_rows_view(f->outlier_et, NULL, N_OUTLIER, PIXELS), f->outlier_code, f->outlier_split};
    return f;
}

static void fake_free(fake *f) {
    cb_rows_free((cb_rows *)f->outliers.image);
    free(f->d.et), free(f->d.split), free(f->d.process);
    free(f);
}

static void test_set(void) {
    fake *f = fake_new();
    cb_student_set s;
    UNIT_OK(cb_student_set_new(&s, &f->d, f->code, &f->outliers));
    CU_ASSERT_EQUAL(s.n[CB_TRAIN], 980 + 30);
    CU_ASSERT_EQUAL(s.n[CB_VAL], 280 + 10);
    CU_ASSERT(!memcmp(cb_rows_at(s.image[CB_TRAIN], 7, NULL), f->d.et + 10 * PIXELS, PIXELS * 2) && s.code[CB_TRAIN][7] == f->code[10]);
    CU_ASSERT(!memcmp(cb_rows_at(s.image[CB_VAL], 280, NULL), f->outlier_et, PIXELS * 2) && s.code[CB_VAL][280] == f->outlier_code[0]);
    cb_student_set_free(&s);
    f->outlier_split[3] = CB_TEST;
    UNIT_FAILS(cb_student_set_new(&s, &f->d, f->code, &f->outliers), "outlier 3: split 2");
    for (int e = 0; e < N; e++) f->d.split[e] = CB_TEST;
    UNIT_FAILS(cb_student_set_new(&s, &f->d, f->code, NULL), "train set is empty");
    fake_free(f);
}

static void test_order(void) {
    fake *f = fake_new();
    cb_student_set s;
    cb_student_order o;
    cb_student_batch b;
    UNIT_OK(cb_student_set_new(&s, &f->d, f->code, NULL));
    UNIT_OK(cb_student_order_new(&o, &s, 128, 3));
    CU_ASSERT(o.n_event == 980 && o.batch == 128 && o.n_batch == 7);
    uint32_t first[980];
    uint8_t seen[980] = {0};
    cb_student_order_shuffle(&o, 0);
    memcpy(first, o.event, sizeof first);
    for (int e = 0; e < 980; e++) seen[o.event[e]]++;
    for (int e = 0; e < 980; e++) CU_ASSERT_EQUAL(seen[e], 1);
    cb_student_order_shuffle(&o, 1);
    CU_ASSERT_NOT_EQUAL(memcmp(first, o.event, sizeof first), 0);
    cb_student_order_shuffle(&o, 0);
    CU_ASSERT_EQUAL(memcmp(first, o.event, sizeof first), 0);
    UNIT_OK(cb_student_batch_new(&b, &s, 40));
    cb_student_batch_load(&b, &s, CB_TRAIN, o.event, 37);
    CU_ASSERT(b.n_block == 3 && cb_student_lanes(&b, 2) == 5);
    for (int e = 0; e < 48; e++)
        for (int p = 0; p < PIXELS; p++)
            CU_ASSERT_EQUAL(b.x[((e / 16) * PIXELS + p) * 16 + e % 16], e < 37 ? cb_rows_at(s.image[CB_TRAIN], o.event[e], NULL)[p] : 0);
    CU_ASSERT_EQUAL(b.y[36], s.code[CB_TRAIN][o.event[36]] / 256.0f);
    cb_student_batch_free(&b), cb_student_order_free(&o), cb_student_set_free(&s);
    UNIT_OK(cb_student_set_new(&s, &f->d, f->code, NULL));
    UNIT_OK(cb_student_order_new(&o, &s, 4096, 3)); /* fewer events than a batch */
    CU_ASSERT(o.batch == 980 && o.n_batch == 1);
    cb_student_order_free(&o), cb_student_set_free(&s), fake_free(f);
}

/* Lane bits against the stream as it is declared, and the kept fraction. */
static void test_dropout(void) {
    enum { FEATURES = 37 };
    uint16_t keep[FEATURES];
    int kept = 0;
    cb_dropout_keep(keep, FEATURES, 0.25f, 9, "test-drop", 11, 3);
    for (int l = 0; l < CB_LANES; l++)
        for (int g = 0; g < FEATURES; g += 8) {
            cb_rng r = cb_rng_at(9, "test-drop", 11 * 4096 + 3);
            r.block = (uint64_t)(g / 8 * CB_LANES + l);
            for (int f = g; f < g + 8 && f < FEATURES; f += 2) {
                uint32_t word = cb_rng_u32(&r);
                for (int k = 0; k < 2 && f + k < FEATURES; k++) {
                    float u = (float)(word >> (16 * k) & 0xFFFF) / 65536;
                    CU_ASSERT_EQUAL(keep[f + k] >> l & 1, u >= 0.25f);
                    kept += keep[f + k] >> l & 1;
                }
            }
        }
    CU_ASSERT_DOUBLE_EQUAL(kept / (double)(FEATURES * CB_LANES), 0.75, 0.06);
    CU_ASSERT_EQUAL(cb_dropout_factor(1.0f / 8), 8.0f / 7);
}

static void test_mae(void) {
    float out[CB_LANES] = {1, 2, 3, 4}, y[CB_LANES] = {2, 2, 1, 0}, grad[CB_LANES];
    CU_ASSERT_EQUAL(cb_mae_block(out, y, 3, 0.5f, grad), 3); /* the fourth event is not in use */
    CU_ASSERT(grad[0] == -0.5f && grad[1] == 0 && grad[2] == 0.5f && grad[3] == 0);
    cb_history h;
    UNIT_OK(cb_history_new(&h, 3));
    CU_ASSERT(cb_history_add(&h, 9, 5) && !cb_history_add(&h, 8, 5) && cb_history_add(&h, 8, 4) && h.best == 2);
    CU_ASSERT(!cb_history_add(&h, 1, 1) && h.n == 3);
    cb_history_free(&h);
}

/* Standard deviation and bounds of he_normal (Keras VarianceScaling). */
static void test_init(void) {
    cb_qkeras_student m;
    cb_qkeras_shape shape = cb_qkeras_cicada(true, 18, 14);
    UNIT_OK(cb_qkeras_student_new(&m, &shape));
    CU_ASSERT(m.n_weight == 4112 && m.n_flat == 252 && m.oh == 9 && m.ow == 7);
    double square = 0, largest = 0;
    for (int e = 0; e < 4032; e++) {
        square += (double)m.kernel[e] * m.kernel[e];
        largest = fmax(largest, fabs(m.kernel[e]));
    }
    CU_ASSERT_DOUBLE_EQUAL(sqrt(square / 4032), sqrt(2.0 / 252), 0.002);
    CU_ASSERT(largest <= 0.202561 && largest > 0.19);
    CU_ASSERT(m.gamma[15] == 1 && m.beta[15] == 0 && m.bias[0] == 0 && m.bn.variance[3] == 1);
    CU_ASSERT_DOUBLE_EQUAL(cb_qkeras_ebops(&m), 252 * 4 * 10 * 11 + 252 * 16 * 10 * 7 + 7 * 16 + 16 * 10 * 11, 0);
    cb_qkeras_student_free(&m);
    shape.kernel = 15;
    UNIT_FAILS(cb_qkeras_student_new(&m, &shape), "does not fit an image of 18x14");
}

/* Trains with so many threads and stores everything. */
static void train_to(fake *f, bool v2, bool quantized, int threads, const char *path) {
    cb_student_set s;
    cb_qkeras_student m;
    cb_history h = {0};
    cb_qkeras_shape shape = cb_qkeras_cicada(v2, H, W);
    cb_qkeras_plan plan = {.epochs = 10, .batch = 64, .learning_rate = 0.01};
    shape.quantized = quantized;
    shape.hidden = 5;
    cb_threads_set(threads);
    UNIT_OK(cb_student_set_new(&s, &f->d, f->code, &f->outliers));
    UNIT_OK(cb_qkeras_student_new(&m, &shape));
    UNIT_OK(cb_qkeras_train(&m, &s, &plan, &h));
    CU_ASSERT(h.n == 10 && h.val_loss[h.best] < 0.7 * h.val_loss[0]);
    cb_qkeras_folded folded;
    UNIT_OK(cb_qkeras_folded_new(&folded, &m));
    CU_ASSERT_DOUBLE_EQUAL(cb_qkeras_evaluate(&folded, &s, CB_VAL), h.val_loss[h.best], 0); /* the best epoch is what is left */
    cb_h5 *out = cb_h5_create(path, "test/1", "test", "");
    UNIT_OK(!out);
    if (quantized) {
        cb_programme p;
        int64_t checked, mismatches;
        UNIT_OK(cb_qkeras_programme(&p, &folded, "student"));
        UNIT_OK(cb_qkeras_check(&folded, &p, &s, &checked, &mismatches));
        CU_ASSERT(checked == s.n[CB_VAL] + CB_CHECK_IMAGES && mismatches == 0);
        CU_ASSERT(cb_programme_ebops_exact(&p) > 0 && cb_programme_ebops_exact(&p) < p.ebops);
        p.op[v2 ? 2 : 0].bias[1] += 16; /* one unit off must be seen */
        UNIT_OK(cb_programme_finish(&p));
        UNIT_OK(cb_qkeras_check(&folded, &p, &s, &checked, &mismatches));
        CU_ASSERT(mismatches > 0);
        cb_programme_free(&p);
    }
    UNIT_OK(cb_history_write(&h, out, "/history"));
    UNIT_OK(cb_qkeras_student_write(&m, out, "/float"));
    UNIT_OK(cb_h5_commit(&out));
    cb_qkeras_folded_free(&folded), cb_history_free(&h), cb_qkeras_student_free(&m), cb_student_set_free(&s);
}

static void test_threads(void) {
    fake *f = fake_new();
    for (int kind = 0; kind < 3; kind++) {
        char a[65], b[65];
        const char *one = unit_scratch("student-1.h5"), *three = unit_scratch("student-3.h5");
        train_to(f, kind > 0, kind < 2, 1, one);
        train_to(f, kind > 0, kind < 2, 3, three);
        UNIT_OK(cb_sha256_file(one, a));
        UNIT_OK(cb_sha256_file(three, b));
        CU_ASSERT_STRING_EQUAL(a, b);
        remove(one), remove(three);
    }
    cb_threads_set(0);
    fake_free(f);
}

static void test_float(void) {
    fake *f = fake_new();
    cb_student_set s;
    cb_float_student t;
    cb_qkeras_plan plan = {.epochs = 2, .batch = 64, .learning_rate = 0.01};
    UNIT_OK(cb_student_set_new(&s, &f->d, f->code, NULL));
    UNIT_OK(cb_float_student_new(&t, &f->d, &s, &plan, 4));
    double mae = 0;
    int off_grid = 0;
    for (int e = 0; e < N; e++) {
        if (f->d.process[e] == 0 && f->d.split[e] == CB_VAL) mae += fabs(t.score[e] - f->code[e] / 256.0) / s.n[CB_VAL];
        off_grid += t.score[e] * 256 != rint(t.score[e] * 256);
    }
    CU_ASSERT(t.n_score == N && off_grid > N / 2);
    CU_ASSERT_DOUBLE_EQUAL(mae, t.history.val_loss[t.history.best], 1e-5);
    cb_float_student_free(&t), cb_student_set_free(&s), fake_free(f);
}

static void test_verdict(void) {
    cb_programme p = {.name = "one", .parameters = 4096, .ebops = 5};
    UNIT_OK(cb_student_verdict(&p, 10, 0));
    UNIT_FAILS(cb_student_verdict(&p, 10, 3), "student 'one': the integer programme differs from the trained student on 3 of 10");
}

UNIT_MAIN("qkeras students", {"set", test_set}, {"order and batches", test_order}, {"dropout", test_dropout},
          {"loss and history", test_mae}, {"initial weights", test_init}, {"threads, export", test_threads},
          {"float student", test_float}, {"verdict of the check", test_verdict})
