/* The rectifier, pooling and upsampling: every build of the kernels against their definition. */
#include "base/rng.h"
#include "nn/isa.h"
#include "nn/pool.h"
#include "nn/relu.h"
#include "unit.h"

enum { N = 35 * CB_LANES };

/* Any bits: both zeros, subnormal and infinite values, NaN. */
static void fill(cb_rng *r, float *x, size_t n) {
    static const float special[] = {0.0f, -0.0f, 1e-40f, -1e-40f, INFINITY, -INFINITY, NAN};
    for (size_t i = 0; i < n; i++) {
        uint32_t k = cb_rng_below(r, 21);
        x[i] = k < 7 ? special[k] : (float)cb_rng_normal(r);
    }
}

/* Bytes equal, or both not a number. */
static size_t differences(const float *a, const float *b, size_t n) {
    size_t bad = 0;
    for (size_t i = 0; i < n; i++) bad += isnan(a[i]) ? !isnan(b[i]) : memcmp(&a[i], &b[i], sizeof *a) != 0;
    return bad;
}

static void test_relu(void) {
    float x[N], y[N], want[N], dy[N];
    for (int level = 0; level <= cb_isa_best(); level++) {
        UNIT_OK(cb_isa_force(level));
        cb_rng r = cb_rng_at(31, "test-relu", 0);
        fill(&r, x, N);
        memcpy(y, x, sizeof y);
        cb_relu(y, N);
        size_t n_nan = 0;
        for (int i = 0; i < N; i++) {
            want[i] = isnan(x[i]) ? x[i] : x[i] > 0 ? x[i] : 0.0f;
            n_nan += isnan(x[i]) != 0;
        }
        CU_ASSERT(n_nan > 5);
        CU_ASSERT_EQUAL(differences(want, y, N), 0);
        fill(&r, dy, N);
        for (int i = 0; i < N; i++) want[i] = y[i] > 0 ? dy[i] : 0.0f;
        cb_relu_gradient(dy, y, N);
        CU_ASSERT_EQUAL(differences(want, dy, N), 0);
        cb_relu(x, 0); /* nothing to do */
    }
    UNIT_OK(cb_isa_force(cb_isa_best()));
}

static void test_pool(void) {
    enum { H = 6, W = 4, C = 3, BIG = H * W * C * CB_LANES, SMALL = BIG / 4 };
    float big[BIG], small[SMALL], got[BIG], want[BIG];
    for (int level = 0; level <= cb_isa_best(); level++) {
        UNIT_OK(cb_isa_force(level));
        cb_rng r = cb_rng_at(32, "test-pool", 0);
        fill(&r, big, BIG);
        fill(&r, small, SMALL);
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++)
                for (int i = 0; i < C * CB_LANES; i++) {
                    int s = (y / 2 * (W / 2) + x / 2) * C * CB_LANES + i, at = (y * W + x) * C * CB_LANES + i;
                    want[at] = small[s] * 0.25f;
                }
        cb_pool_spread(small, H, W, C, 0.25f, got);
        CU_ASSERT_EQUAL(differences(want, got, BIG), 0);
        int row = W * C * CB_LANES, cell = C * CB_LANES;
        for (int s = 0; s < SMALL; s++) {
            int p = s / cell, at = p / (W / 2) * 2 * row + p % (W / 2) * 2 * cell + s % cell;
            want[s] = (((big[at] + big[at + cell]) + big[at + row]) + big[at + row + cell]) * 0.25f;
        }
        cb_pool_sum(big, H, W, C, 0.25f, got);
        CU_ASSERT_EQUAL(differences(want, got, SMALL), 0);
    }
    UNIT_OK(cb_isa_force(cb_isa_best()));
}

/* Random images, odd sides too, 1 to 33 channels, against the plain reference; and nothing beyond the end. */
static void test_pool_shapes(void) {
    enum { SIDE = 9, CELL = 33 * CB_LANES, ROOM = SIDE * SIDE * CELL + 1 };
    float *in = cb_alloc(ROOM, sizeof *in), *got = cb_alloc(ROOM, sizeof *got), *want = cb_alloc(ROOM, sizeof *want);
    CU_ASSERT_FATAL(in && got && want);
    for (int level = 0; level <= cb_isa_best(); level++) {
        UNIT_OK(cb_isa_force(level));
        cb_rng r = cb_rng_at(33, "test-pool-shapes", 0);
        fill(&r, in, ROOM);
        for (int k = 0; k < 12; k++) {
            int h = 1 + (int)cb_rng_below(&r, SIDE), w = 1 + (int)cb_rng_below(&r, SIDE), c = 1 + (int)cb_rng_below(&r, 33);
            size_t big = (size_t)(h * w * c) * CB_LANES, small = (size_t)(h / 2 * (w / 2) * c) * CB_LANES;
            for (size_t i = 0; i < ROOM; i++) got[i] = want[i] = 77;
            cb_pool_sum(in, h, w, c, 0.25f, got);
            cb_pool_sum_ref(in, h, w, c, 0.25f, want);
            CU_ASSERT(!differences(want, got, ROOM) && got[small] == 77);
            cb_pool_spread(in, h, w, c, 0.25f, got);
            cb_pool_spread_ref(in, h, w, c, 0.25f, want);
            CU_ASSERT(!differences(want, got, ROOM) && got[big] == 77);
        }
    }
    UNIT_OK(cb_isa_force(cb_isa_best()));
    free(in);
    free(got);
    free(want);
}

UNIT_MAIN("nn pointwise", {"rectifier", test_relu}, {"pooling and upsampling", test_pool},
          {"pooling of any shape", test_pool_shapes})
