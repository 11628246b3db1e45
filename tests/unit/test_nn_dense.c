/* Dense and Adam kernels against their plain references, byte for byte, on every
 * instruction-set level of this processor; and against known answers. */
#include "base/rng.h"
#include "nn/adam.h"
#include "nn/dense.h"
#include "nn/isa.h"
#include "unit.h"

/* Magnitudes over many binades, zeros and sparse bits: what rounding mistakes show on. */
static float *random_floats(cb_rng *r, size_t n) {
    float *x = cb_alloc_aligned(n ? n : 1, sizeof *x);
    CU_ASSERT_PTR_NOT_NULL_FATAL(x);
    for (size_t i = 0; i < n; i++) {
        uint32_t kind = cb_rng_below(r, 8);
        float u = 2 * cb_rng_f32(r) - 1;
        x[i] = kind == 0 ? 0 : kind == 1 ? (float)((int)cb_rng_below(r, 2048) - 1024) : kind == 2 ? u * 1e-20f : u;
    }
    return x;
}

static void same(const char *what, const float *a, const float *b, size_t n) {
    size_t bad = 0;
    while (bad < n && !memcmp(a + bad, b + bad, sizeof *a)) bad++;
    if (bad < n) fprintf(stderr, "\n  %s, level %s: element %zu of %zu: %a, reference %a\n", what,
                         cb_isa_name(cb_isa()), bad, n, a[bad], b[bad]);
    CU_ASSERT_EQUAL(bad, n);
}

static void check_shape(cb_rng *r, int n_in, int n_out, size_t n_block) {
    size_t nx = (size_t)n_in * 16, ny = (size_t)n_out * 16, nw = (size_t)n_in * (size_t)n_out;
    float *x = random_floats(r, nx * n_block), *dy = random_floats(r, ny * n_block), *w = random_floats(r, nw);
    float *bias = random_floats(r, (size_t)n_out), *dw = random_floats(r, nw), *db = random_floats(r, (size_t)n_out);
    float *a = cb_alloc(nw + nx + ny, sizeof *a), *b = cb_alloc(nw + nx + ny, sizeof *b);
    CU_ASSERT_FATAL(a && b);
    cb_dense_forward(x, w, bias, n_in, n_out, a);
    cb_dense_forward_ref(x, w, bias, n_in, n_out, b);
    same("forward", a, b, ny);
    cb_dense_forward(x, w, NULL, n_in, n_out, a);
    cb_dense_forward_ref(x, w, NULL, n_in, n_out, b);
    same("forward without bias", a, b, ny);
    cb_dense_backward(dy, w, n_in, n_out, a);
    cb_dense_backward_ref(dy, w, n_in, n_out, b);
    same("backward", a, b, nx);
    memcpy(a, dw, nw * sizeof *a);
    memcpy(b, dw, nw * sizeof *b);
    memcpy(a + nw, db, (size_t)n_out * sizeof *a);
    memcpy(b + nw, db, (size_t)n_out * sizeof *b);
    cb_dense_gradient(x, nx, dy, ny, n_block, n_in, n_out, a, a + nw);
    cb_dense_gradient_ref(x, nx, dy, ny, n_block, n_in, n_out, b, b + nw);
    same("gradient", a, b, nw + (size_t)n_out);
    float *all[] = {x, dy, w, bias, dw, db, a, b};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

static void test_dense(void) {
    static const int shape[][3] = {{1, 1, 1}, {252, 16, 3}, {16, 1, 2}, {7, 17, 5}, {33, 80, 1}, {5, 47, 9}, {40, 31, 4}, {256, 3, 1}, {257, 2, 1}, {3, 513, 1}, {1100, 5, 2}, {80, 70, 5}};
    for (int level = 0; level <= cb_isa_best(); level++) {
        UNIT_OK(cb_isa_force(level));
        cb_rng r = cb_rng_at(11, "test-dense", 0);
        for (size_t s = 0; s < sizeof shape / sizeof *shape; s++)
            check_shape(&r, shape[s][0], shape[s][1], (size_t)shape[s][2]);
        for (int k = 0; k < 12; k++)
            check_shape(&r, 1 + (int)cb_rng_below(&r, 40), 1 + (int)cb_rng_below(&r, 40), 1 + cb_rng_below(&r, 6));
        for (int n = 1; n <= 33; n++) check_shape(&r, n, 1 + n * 7 % 33, 1 + (size_t)(n % 3));
    }
    UNIT_OK(cb_isa_force(cb_isa_best()));
    UNIT_FAILS(cb_isa_force(17), "kernel level");
}

/* One product per sum: the kernel's v16_fma must be fmaf for any bits, also subnormal,
 * infinite, cancelling and double-rounding cases. */
static void test_fma_bits(void) {
    for (int level = 0; level <= cb_isa_best(); level++) {
        UNIT_OK(cb_isa_force(level));
        cb_rng r = cb_rng_at(12, "test-fma", 0);
        size_t bad = 0;
        for (int round = 0; round < 20000; round++) {
            float x[16], y[16], w, bias, ref;
            uint32_t bits = cb_rng_u32(&r) & (cb_rng_u32(&r) | 0xff800000u);
            memcpy(&w, &bits, sizeof w);
            bits = cb_rng_u32(&r);
            memcpy(&bias, &bits, sizeof bias);
            for (int lane = 0; lane < 16; lane++) {
                bits = cb_rng_u32(&r) & (cb_rng_u32(&r) | 0xff800000u);
                memcpy(&x[lane], &bits, sizeof bits);
                /* products near the bias, so that the sum cancels or ties */
                if (lane & 1 && isfinite(bias / w)) x[lane] = lane & 2 ? -bias / w : bias / w * 0x1p-24f;
            }
            cb_dense_forward(x, &w, &bias, 1, 1, y);
            for (int lane = 0; lane < 16; lane++) {
                ref = fmaf(x[lane], w, bias);
                bad += isnan(ref) ? !isnan(y[lane]) : memcmp(&ref, &y[lane], sizeof ref) != 0;
            }
        }
        CU_ASSERT_EQUAL(bad, 0);
    }
    UNIT_OK(cb_isa_force(cb_isa_best()));
}

static void test_adam(void) {
    CU_ASSERT_DOUBLE_EQUAL(cb_adam_rate(1e-3, 1), 1e-3 * sqrt(1 - 0.999) / (1 - 0.9), 1e-8);
    CU_ASSERT_DOUBLE_EQUAL(cb_adam_rate(1e-3, 20), 1e-3 * sqrt(1 - pow(0.999, 20)) / (1 - pow(0.9, 20)), 1e-8);
    double b1 = 0.9f, b2 = 0.999f; /* as Keras has them */
    CU_ASSERT_DOUBLE_EQUAL(cb_adam_rate(1e-3, 1), 1e-3 * sqrt(1 - b2) / (1 - b1), 3e-11);
    for (int level = 0; level <= cb_isa_best(); level++) {
        UNIT_OK(cb_isa_force(level));
        cb_rng r = cb_rng_at(13, "test-adam", 0);
        for (size_t n = 1; n < 70; n += 3) {
            float *w = random_floats(&r, n), *m = random_floats(&r, n), *v = cb_alloc(n, sizeof *v);
            float *w2 = cb_alloc(n, sizeof *w), *m2 = cb_alloc(n, sizeof *w), *v2 = cb_alloc(n, sizeof *w);
            CU_ASSERT_FATAL(v && w2 && m2 && v2);
            memcpy(w2, w, n * sizeof *w);
            memcpy(m2, m, n * sizeof *m);
            for (uint64_t t = 1; t < 4; t++) {
                float *g = random_floats(&r, n);
                cb_adam_update(w, g, m, v, n, cb_adam_rate(1e-3, t));
                cb_adam_update_ref(w2, g, m2, v2, n, cb_adam_rate(1e-3, t));
                free(g);
            }
            same("adam w", w, w2, n);
            same("adam m", m, m2, n);
            same("adam v", v, v2, n);
            float *all[] = {w, m, v, w2, m2, v2};
            for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
        }
    }
    UNIT_OK(cb_isa_force(cb_isa_best()));
    float w = 1, g = -3, m = 0, v = 0; /* first step: rate * g / |g| */
    cb_adam_update(&w, &g, &m, &v, 1, cb_adam_rate(1e-3, 1));
    CU_ASSERT_DOUBLE_EQUAL(w, 1.001, 2e-7);
}

static void test_lanes(void) {
    uint16_t et[3 * 2] = {1, 2, 3, 4, 5, 1023};
    uint32_t event[2] = {2, 0};
    float block[2 * 16];
    memset(block, 0xff, sizeof block);
    cb_lanes_load_u16(block, et, event, 2, 2);
    CU_ASSERT(block[0] == 5 && block[1] == 1 && block[16] == 1023 && block[17] == 2);
    for (int lane = 2; lane < 16; lane++) CU_ASSERT(block[lane] == 0 && block[16 + lane] == 0);
    float x[16]; /* 2^24 + 1 rounds to 2^24: the order shows */
    for (int i = 0; i < 16; i++) x[i] = 1;
    x[0] = 16777216;
    CU_ASSERT_EQUAL(cb_lanes_sum(x), 16777216 + 14); /* (2^24+1)->2^24, then +2, +4, +8 */
    CU_ASSERT_EQUAL(cb_blocks(0), 0);
    CU_ASSERT_EQUAL(cb_blocks(17), 2);
}

UNIT_MAIN("nn dense", {"lanes", test_lanes}, {"dense equals reference", test_dense},
          {"fma bits", test_fma_bits}, {"adam", test_adam})
