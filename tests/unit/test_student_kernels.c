/* Kernels of student training: every instruction-set level against the plain references, byte for byte,
 * over random shapes. */
#include "base/rng.h"
#include "nn/isa.h"
#include "quant/student_kernels.h"
#include "unit.h"

enum { MOST = 24 * 24 * 16, TRIALS = 12 };

static float a[2][MOST], b[2][MOST], c[2][MOST], in[MOST], more[MOST];
static double sum[2][3 * MOST];
static uint16_t bits[2][MOST], kept[MOST];

static void fill(float *x, size_t n, float scale, cb_rng *r) {
    for (size_t e = 0; e < n; e++) x[e] = cb_rng_below(r, 8) ? scale * (cb_rng_f32(r) - 0.4f) : 0;
}

static void fill_bits(uint16_t *x, size_t n, cb_rng *r) {
    for (size_t e = 0; e < n; e++) x[e] = (uint16_t)cb_rng_u32(r);
}

static int pick(cb_rng *r, int lo, int hi) { return lo + (int)cb_rng_below(r, (uint32_t)(hi - lo + 1)); }

/* The same start for the kernel (0) and its reference (1). */
static void twins(cb_rng *r) {
    fill(a[0], MOST, 3, r), memcpy(a[1], a[0], sizeof a[0]);
    fill(b[0], MOST, 3, r), memcpy(b[1], b[0], sizeof b[0]);
    fill(c[0], MOST, 3, r), memcpy(c[1], c[0], sizeof c[0]);
    fill_bits(bits[0], MOST, r), memcpy(bits[1], bits[0], sizeof bits[0]);
    for (size_t e = 0; e < 3 * MOST; e++) sum[0][e] = sum[1][e] = 0.25 * (double)(e % 7);
    fill(in, MOST, 50, r), fill(more, MOST, 2, r), fill_bits(kept, MOST, r);
}

static bool equal(void) {
    return !memcmp(a[0], a[1], sizeof a[0]) && !memcmp(b[0], b[1], sizeof b[0]) && !memcmp(c[0], c[1], sizeof c[0]) &&
           !memcmp(sum[0], sum[1], sizeof sum[0]) && !memcmp(bits[0], bits[1], sizeof bits[0]);
}

static cb_relu_rule some_rule(cb_rng *r) {
    if (cb_rng_below(r, 3) == 0) return (cb_relu_rule){.top = INFINITY};
    int f = pick(r, 0, 8), n = pick(r, 2, 16);
    float step = ldexpf(1, -f), last = ldexpf(1, n) - 1;
    return (cb_relu_rule){ldexpf(1, f), step, last, last * step, true};
}

static void check_pointwise(cb_rng *r) {
    cb_relu_rule q = some_rule(r);
    int n = pick(r, 1, 300);
    uint32_t key[2] = {cb_rng_u32(r), cb_rng_u32(r)}, threshold = cb_rng_below(r, 65537);
    uint64_t index = cb_rng_u64(r);
    const uint16_t *keep = cb_rng_below(r, 2) ? kept : NULL;
    for (int e = 0; e < n; e++) in[e] = q.quantized ? q.step * (float)pick(r, -3, 40) / 2 : in[e]; /* ties and both ends */
    in[0] = q.top;
    cb_relu_drop(&q, in, keep, 1.125f, n, a[0], bits[0]);
    cb_relu_drop_ref(&q, in, keep, 1.125f, n, a[1], bits[1]);
    CU_ASSERT(equal());
    cb_dropout_bits(key, index, threshold, n, bits[0]);
    cb_dropout_bits_ref(key, index, threshold, n, bits[1]);
    CU_ASSERT(equal());
}

static void check_tile(cb_rng *r) {
    bool cicada = cb_rng_below(r, 3) == 0;
    cb_tile_conv t = {.width = pick(r, 6, 20), .kernel = cicada ? 2 : pick(r, 1, 3), .filters = cicada ? 4 : pick(r, 1, 7)};
    t.ow = t.width / t.kernel;
    t.oh = pick(r, 1, 4);
    cb_relu_rule q = some_rule(r);
    const uint16_t *keep = cb_rng_below(r, 2) ? kept : NULL;
    cb_tile_forward(&t, &q, in, more, keep, 1.125f, a[0], bits[0]);
    cb_tile_forward_ref(&t, &q, in, more, keep, 1.125f, a[1], bits[1]);
    CU_ASSERT(equal());
    cb_tile_forward(&t, &q, in, more, keep, 1.5f, a[0], NULL);
    cb_tile_forward_ref(&t, &q, in, more, keep, 1.5f, a[1], NULL);
    cb_tile_gradient(&t, in, a[0], bits[0], 1.125f, b[0]);
    cb_tile_gradient_ref(&t, in, a[1], bits[1], 1.125f, b[1]);
    CU_ASSERT(equal());
}

static void check_columns(cb_rng *r) {
    enum { N = 20 };
    int n = pick(r, 1, N), live = cb_rng_below(r, 2) ? 16 : pick(r, 1, 15), rows = pick(r, 1, 40);
    cb_column column[N];
    double scale[N];
    for (int j = 0; j < N; j++) {
        column[j] = (cb_column){more[j], more[j + N], more[j + 2 * N], more[j + 3 * N], more[j + 4 * N]};
        scale[j] = more[j] * 3;
    }
    cb_column_moments(in, n, live, sum[0], sum[0] + MOST);
    cb_column_moments_ref(in, n, live, sum[1], sum[1] + MOST);
    cb_column_gradient(column, in, n, live, a[0], b[0]);
    cb_column_gradient_ref(column, in, n, live, a[1], b[1]);
    CU_ASSERT(equal());
    for (int k = 0; k < 2; k++) {
        cb_fold_rows(in, scale, 1.0 / 64, k ? 127 : -1, rows, n, a[0]);
        cb_fold_rows_ref(in, scale, 1.0 / 64, k ? 127 : -1, rows, n, a[1]);
        CU_ASSERT(equal());
    }
}

static void check_head(cb_rng *r) {
    enum { N = 20 };
    int n = pick(r, 1, N), live = cb_rng_below(r, 2) ? 16 : pick(r, 1, 15);
    cb_column column[N];
    for (int j = 0; j < N; j++) column[j].mean = more[j];
    cb_head h = {n, more, more + N, more + 2 * N, column, some_rule(r), some_rule(r), 8.0f / 7, 1.0f / 1024};
    cb_head_sums sums[2] = {{1, sum[0], b[0]}, {1, sum[1], b[1]}};
    size_t g = 40 * 16, d = 80 * 16, score = 120 * 16;
    cb_head_block(&h, in, in + MOST / 2, bits[0], more + 5 * N, live, a[0], a[0] + score, a[0] + g, a[0] + d, &sums[0]);
    cb_head_block_ref(&h, in, in + MOST / 2, bits[1], more + 5 * N, live, a[1], a[1] + score, a[1] + g, a[1] + d, &sums[1]);
    CU_ASSERT(equal());
    CU_ASSERT_EQUAL(sums[0].loss, sums[1].loss);
    cb_head_block(&h, a[0] + g, in, bits[0], more, live, c[0], a[0] + score, a[0] + g, NULL, &sums[0]); /* g in place of a */
    cb_head_block_ref(&h, a[1] + g, in, bits[1], more, live, c[1], a[1] + score, a[1] + g, NULL, &sums[1]);
    CU_ASSERT(equal());
}

static void check_load(cb_rng *r) {
    static uint16_t image[16][300];
    const uint16_t *row[16];
    int n = pick(r, 1, 300);
    for (int l = 0; l < 16; l++)
        for (int f = 0; f < n; f++) image[l][f] = (uint16_t)cb_rng_u32(r);
    for (int l = 0; l < 16; l++) row[l] = image[(l * 5 + 3) % 16];
    cb_lanes_load_rows(a[0], row, n);
    int bad = 0;
    for (int e = 0; e < n * 16; e++) bad += a[0][e] != row[e % 16][e / 16];
    CU_ASSERT_EQUAL(bad, 0);
    CU_ASSERT_EQUAL(a[0][n * 16], a[1][n * 16]); /* nothing beyond the block */
}

static void each_level(void (*check)(cb_rng *r)) {
    int before = cb_isa();
    for (int level = 0; level <= cb_isa_best(); level++) {
        UNIT_OK(cb_isa_force(level));
        cb_rng r = cb_rng_at(7, "student-kernels", 0);
        for (int k = 0; k < TRIALS; k++) {
            twins(&r);
            check(&r);
        }
    }
    UNIT_OK(cb_isa_force(before));
}

static void test_pointwise(void) { each_level(check_pointwise); }
static void test_tile(void) { each_level(check_tile); }
static void test_columns(void) { each_level(check_columns); }
static void test_head(void) { each_level(check_head); }
static void test_load(void) { each_level(check_load); }

UNIT_MAIN("student kernels", {"relu and dropout", test_pointwise}, {"convolution", test_tile}, {"columns", test_columns},
          {"head", test_head}, {"rows into lanes", test_load})
