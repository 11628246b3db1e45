/* Images of other shapes than 18 x 14, few events and empty splits on the whole way from an
 * image file to targets and float student. */
#include "base/log.h"
#include "base/rng.h"
#include "data/layouts.h"
#include "data/prepare.h"
#include "nn/autoencoder.h"
#include "nn/outliers.h"
#include "nn/teacher.h"
#include "quant/qkeras_train.h"
#include "unit.h"

static const char *make_images(uint64_t n, int height, int width) {
    const char *path = unit_scratch("images.h5");
    uint64_t cells = (uint64_t)height * (uint64_t)width;
    cb_images m = {.n = n, .height = height, .width = width, .et = cb_alloc(n * cells, 2)};
    CU_ASSERT_PTR_NOT_NULL_FATAL(m.et);
    cb_rng r = cb_rng_at(3, "test shapes", cells);
    for (uint64_t i = 0; i < n * cells; i++) m.et[i] = (uint16_t)cb_rng_poisson(&r, 2);
    UNIT_OK(cb_images_save_opendata(&m, path, "test", "", NULL));
    cb_images_free(&m);
    return path;
}

static cb_dataset prepare(const char *images, double train, double val, double test) {
    char in[512], out[512];
    snprintf(in, sizeof in, "%s", images);
    snprintf(out, sizeof out, "%s", unit_scratch("dataset.h5"));
    cb_prepare_input input = {"zb", in};
    cb_prepare_options o = {{train, val, test}, true, ""};
    cb_prepare_counts c;
    cb_dataset d = {0};
    cb_log_level(CB_QUIET);
    UNIT_OK(cb_prepare(out, &input, 1, &o, &c));
    UNIT_OK(cb_dataset_read(&d, out));
    unlink(in);
    unlink(out);
    return d;
}

/* The teacher after one epoch; NULL if it refuses. */
static cb_teacher *teach(const cb_dataset *d, size_t batch) {
    cb_teacher *t = cb_teacher_new("cicada", (int[]){2, 3, 4}, d->height, d->width);
    if (!t) return NULL;
    cb_teacher_fit o = {.epochs = 1, .batch = batch, .learning_rate = 1e-3, .seed = 1, .identity = ""};
    size_t cells = (size_t)d->height * (size_t)d->width;
    cb_rows *train = cb_rows_new(cells, NULL), *val = cb_rows_new(cells, NULL);
    CU_ASSERT_FATAL(train && val);
    UNIT_OK(cb_dataset_pour(d, 0, CB_TRAIN, train));
    UNIT_OK(cb_dataset_pour(d, 0, CB_VAL, val));
    if (cb_teacher_train(t, &o, train, val)) {
        cb_teacher_free(t);
        t = NULL;
    }
    cb_rows_free(train);
    cb_rows_free(val);
    return t;
}

static int images(void *d, uint64_t first, uint64_t n, uint16_t *et) { return cb_dataset_images(d, first, n, et); }

/* Teacher's errors, outliers and a float student in batches of more events than there are. */
static void distill(const cb_dataset *d, const cb_teacher *t) {
    float *mse = cb_alloc(d->n, sizeof *mse);
    uint16_t *target = cb_alloc(d->n, sizeof *target);
    CU_ASSERT_FATAL(mse && target);
    UNIT_OK(cb_teacher_score(t, images, (void *)d, d->n, NULL, mse));
    for (uint64_t i = 0; i < d->n; i++) target[i] = cb_target_code(mse[i]);
    cb_targets extra = {.height = d->height, .width = d->width};
    cb_outlier_plan plan = {.mode = "augment", .fraction = 0.2, .seed = 1};
    UNIT_OK(cb_outliers_make(&extra, d, &plan));
    CU_ASSERT(extra.n_outlier > 0);
    cb_outliers out = {extra.n_outlier, extra.outliers, extra.outlier_target, extra.outlier_split};
    cb_student_set set;
    UNIT_OK(cb_student_set_new(&set, d, target, &out));
    cb_float_student s;
    cb_qkeras_plan fit = {.epochs = 2, .batch = 4096, .learning_rate = 1e-3};
    UNIT_OK(cb_float_student_new(&s, d, &set, &fit, 1));
    CU_ASSERT_EQUAL_FATAL(s.n_score, d->n);
    for (uint64_t i = 0; i < d->n; i++) CU_ASSERT(isfinite(s.score[i]));
    cb_float_student_free(&s);
    cb_student_set_free(&set);
    cb_targets_free(&extra);
    free(mse);
    free(target);
}

static void test_other_shapes(void) {
    static const int shape[][2] = {{72, 56}, {20, 12}, {2, 2}};
    for (size_t k = 0; k < sizeof shape / sizeof *shape; k++) {
        cb_dataset d = prepare(make_images(120, shape[k][0], shape[k][1]), 0.5, 0.3, 0.2);
        CU_ASSERT_FATAL(d.n == 120 && d.height == shape[k][0] && d.width == shape[k][1]);
        cb_teacher *t = teach(&d, 16);
        CU_ASSERT_PTR_NOT_NULL_FATAL(t);
        CU_ASSERT(t->net->n_output == t->net->n_input && t->image_height == d.height && t->image_width == d.width);
        distill(&d, t);
        cb_teacher_free(t);
        cb_dataset_free(&d);
    }
}

/* Odd sides: the teacher sees a last row and column of zeros. */
static void test_odd_sides(void) {
    static const int shape[][2] = {{19, 13}, {18, 13}, {19, 14}, {1, 1}, {3, 2}};
    for (size_t k = 0; k < sizeof shape / sizeof *shape; k++) {
        int h = shape[k][0], w = shape[k][1], wide = w + w % 2;
        cb_dataset d = prepare(make_images(200, h, w), 0.5, 0.3, 0.2);
        cb_teacher *t = teach(&d, 16);
        CU_ASSERT_PTR_NOT_NULL_FATAL(t);
        CU_ASSERT(t->image_height == h && t->image_width == w && t->net->n_input == (size_t)((h + h % 2) * wide));
        uint16_t *et = cb_alloc(7 * t->net->n_input, sizeof *et);
        CU_ASSERT_PTR_NOT_NULL_FATAL(et);
        memset(et, 0xFF, 7 * t->net->n_input * sizeof *et);
        UNIT_OK(cb_dataset_images(&d, 0, 7, et));
        cb_teacher_pad(t, et, 7);
        for (int e = 0; e < 7; e++)
            for (int y = 0; y < h + h % 2; y++)
                for (int x = 0; x < wide; x++)
                    CU_ASSERT_EQUAL(et[(size_t)e * t->net->n_input + (size_t)(y * wide + x)],
                                    y < h && x < w ? d.et[(e * h + y) * w + x] : 0);
        free(et);
        if (h > 1) distill(&d, t);
        cb_teacher_free(t);
        cb_dataset_free(&d);
    }
}

static void test_few_events(void) {
    cb_dataset d = prepare(make_images(1, 18, 14), 1, 0, 0);
    CU_ASSERT_PTR_NULL(teach(&d, 16));
    CU_ASSERT_PTR_NOT_NULL(strstr(cb_error(), "1 training events are less than one batch of 16"));
    cb_dataset_free(&d);
    d = prepare(make_images(40, 18, 14), 1, 0, 0);
    CU_ASSERT_PTR_NULL(teach(&d, 16));
    CU_ASSERT_PTR_NOT_NULL(strstr(cb_error(), "no validation events"));
    cb_dataset_free(&d);
    d = prepare(make_images(40, 18, 14), 0, 0, 1); /* one empty split beside another */
    CU_ASSERT_PTR_NULL(teach(&d, 16));
    CU_ASSERT_PTR_NOT_NULL(strstr(cb_error(), "0 training events"));
    cb_dataset_free(&d);
}

UNIT_MAIN("shapes", {"other shapes to the float student", test_other_shapes}, {"odd sides", test_odd_sides},
          {"few events and empty splits", test_few_events})
