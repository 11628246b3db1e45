/* Targets artifact and outlier exposure. */
#include "nn/outliers.h"
#include "unit.h"

enum { H = 4, W = 2, N = 60 };
static uint16_t et[N * H * W];
static uint8_t split[N], process[N];
static char *names[] = {"zb", "sig"};

/* 0..39 zb (24 train, 8 val, 8 test), 40..59 sig (10 train, 5 val, 5 test). Cell 0 holds the index. */
static cb_dataset make_dataset(void) {
    for (int i = 0; i < N; i++) {
        split[i] = (uint8_t)(i < 24 ? 0 : i < 32 ? 1 : i < 40 ? 2 : i < 50 ? 0 : i < 55 ? 1 : 2);
        process[i] = i >= 40;
        for (int k = 0; k < H * W; k++) et[i * H * W + k] = (uint16_t)(k ? 150 * k : i);
    }
    return (cb_dataset){.n = N, .height = H, .width = W, .et = et, .split = split, .process = process, .n_process = 2, .process_name = names};
}

/* Cell c of outlier k. */
static int cell(const cb_targets *t, uint64_t k, int c) { return cb_rows_at(t->outliers, k, NULL)[c]; }

static void test_modes(void) {
    cb_dataset d = make_dataset();
    cb_targets t = {.height = H, .width = W};
    cb_outlier_plan plan = {.mode = "none", .process = "sig", .fraction = 0.2, .seed = 4};
    UNIT_OK(cb_outliers_make(&t, &d, &plan));
    CU_ASSERT_EQUAL(t.n_outlier, 0);

    plan.mode = "signal"; /* 0.2/0.8 * 24 = 6 and 2 */
    UNIT_OK(cb_outliers_make(&t, &d, &plan));
    CU_ASSERT_EQUAL_FATAL(t.n_outlier, 8);
    for (int k = 0; k < 8; k++) {
        int event = cell(&t, (uint64_t)k, 0);
        CU_ASSERT_EQUAL(t.outlier_split[k], k >= 6);
        CU_ASSERT(event >= 40 && split[event] == t.outlier_split[k]);
        if (k && k != 6) CU_ASSERT(event > cell(&t, (uint64_t)k - 1, 0)); /* no event twice */
    }
    cb_targets_free(&t);

    plan.mode = "dummy";
    UNIT_OK(cb_outliers_make(&t, &d, &plan));
    CU_ASSERT_EQUAL_FATAL(t.n_outlier, 8);
    double sum = 0;
    for (int k = 0; k < 8 * H * W; k++) {
        int x = cell(&t, (uint64_t)(k / (H * W)), k % (H * W));
        CU_ASSERT(x < 1000);
        sum += x;
    }
    CU_ASSERT_DOUBLE_EQUAL(sum / (8 * H * W), 499.5, 150);
    cb_targets_free(&t);

    plan.mode = "augment";
    UNIT_OK(cb_outliers_make(&t, &d, &plan));
    CU_ASSERT_EQUAL_FATAL(t.n_outlier, 8);
    CU_ASSERT(cell(&t, 0, 1) == 300 && cell(&t, 0, 7) == 1023); /* sums; 2100 saturates */
    CU_ASSERT(cell(&t, 0, 0) <= 46);                               /* two train indices */
    int s16 = 0;
    for (int s = 24; s <= 128; s++) s16 += (150 * s + 8) / 16 == cell(&t, 1, 1);
    CU_ASSERT(s16 > 0);
    cb_targets_free(&t);

    plan.mode = "signal";
    plan.fraction = 0.5;
    UNIT_FAILS(cb_outliers_make(&t, &d, &plan), "wants 24 train events of 'sig', the dataset has 10");
    cb_targets_free(&t);
    plan.process = "none of these";
    UNIT_FAILS(cb_outliers_make(&t, &d, &plan), "none of these");
    cb_targets_free(&t);
    plan.mode = "some";
    UNIT_FAILS(cb_outliers_make(&t, &d, &plan), "augment wanted");
    cb_targets_free(&t);
}

static void write_targets(const cb_targets *t, const char *path) {
    cb_h5 *f = cb_h5_create(path, CB_TARGETS_SCHEMA, "test", "");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    UNIT_OK(cb_targets_write(t, "signal", f));
    UNIT_OK(cb_h5_commit(&f));
}

static void test_file(void) {
    cb_dataset d = make_dataset();
    const char *path = unit_scratch("targets.h5");
    float mse[N];
    uint16_t target[N];
    for (int i = 0; i < N; i++) target[i] = cb_target_code(mse[i] = 1 + (float)i);
    cb_targets t = {.n = N, .mse = mse, .target = target, .height = H, .width = W}, back;
    write_targets(&t, path);
    UNIT_OK(cb_targets_read(&back, path, &d));
    CU_ASSERT(back.n_outlier == 0 && !back.float_score && !memcmp(back.target, target, sizeof target));
    CU_ASSERT(!memcmp(back.mse, mse, sizeof mse));
    cb_targets_free(&back);
    uint16_t label[2] = {7, 8};
    uint8_t where[2] = {0, 1};
    t.n_outlier = 2;
    t.outliers = cb_rows_view(et, NULL, 2, H * W);
    t.outlier_target = label;
    t.outlier_split = where;
    write_targets(&t, path);
    UNIT_OK(cb_targets_read(&back, path, &d));
    CU_ASSERT(back.n_outlier == 2 && back.outlier_target[1] == 8 && back.outlier_split[1] == 1);
    CU_ASSERT(!memcmp(cb_rows_at(back.outliers, 0, NULL), et, 2 * H * W * sizeof *et));
    cb_targets_free(&back);
    d.n = N - 1;
    UNIT_FAILS(cb_targets_read(&back, path, &d), "run distill again");
    d.n = N;
    where[1] = 2;
    write_targets(&t, path);
    UNIT_FAILS(cb_targets_read(&back, path, &d), "index 1 is 2");
    UNIT_FAILS(cb_targets_read(&back, "build/no/such.h5", &d), "no/such.h5");
    cb_rows_free(t.outliers);
    unlink(path);
}

UNIT_MAIN("targets", {"outlier modes", test_modes}, {"file", test_file})
