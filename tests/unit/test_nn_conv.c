/* Convolution kernels against their plain references, byte for byte, on every
 * instruction-set level; geometry against worked examples. */
#include "base/rng.h"
#include "nn/conv.h"
#include "nn/isa.h"
#include "nn/relu.h"
#include "unit.h"

static float *random_floats(cb_rng *r, size_t n) {
    float *x = cb_alloc_aligned(n, sizeof *x);
    CU_ASSERT_PTR_NOT_NULL_FATAL(x);
    for (size_t i = 0; i < n; i++) x[i] = cb_rng_below(r, 5) ? 2 * cb_rng_f32(r) - 1 : 0;
    return x;
}

static void same(const char *what, const cb_conv *cv, const float *a, const float *b, size_t n) {
    size_t bad = 0;
    while (bad < n && !memcmp(a + bad, b + bad, sizeof *a)) bad++;
    if (bad < n)
        fprintf(stderr, "\n  %s, level %s, %dx%dx%d k%d s%d pad %d -> %d: element %zu of %zu: %a, reference %a\n", what,
                cb_isa_name(cb_isa()), cv->height, cv->width, cv->c_large, cv->kernel, cv->stride, cv->pad_y,
                cv->c_small, bad, n, a[bad], b[bad]);
    CU_ASSERT_EQUAL(bad, n);
}

static void check_shape(cb_rng *r, int h, int w, int cl, int cs, int kernel, int stride, bool is_same) {
    cb_conv *cv = cb_conv_new(h, w, cl, cs, kernel, stride, is_same);
    CU_ASSERT_PTR_NOT_NULL_FATAL(cv);
    size_t nl = (size_t)(h * w * cl) * 16, ns = (size_t)(cv->out_height * cv->out_width * cs) * 16;
    size_t nw = cb_conv_weights(cv), blocks = 2;
    float *large = random_floats(r, nl * blocks), *small = random_floats(r, ns * blocks), *k = random_floats(r, nw);
    float *kt = random_floats(r, nw), *bias = random_floats(r, (size_t)(cl + cs));
    float *a = cb_alloc(nl + ns + nw * 16, sizeof *a), *b = cb_alloc(nl + ns + nw, sizeof *b), *acc = cb_alloc(nw * 16, sizeof *acc);
    CU_ASSERT_FATAL(a && b && acc);
    cb_conv_swap(k, kernel * kernel, cl, cs, kt);
    cb_conv_down(cv, large, k, bias, false, a);
    cb_conv_down_ref(cv, large, k, bias, b);
    same("down", cv, a, b, ns);
    cb_conv_down(cv, large, k, bias, true, a);
    cb_relu(b, ns);
    same("down, rectified", cv, a, b, ns);
    cb_conv_up(cv, small, kt, NULL, false, a);
    cb_conv_up_ref(cv, small, kt, NULL, b);
    same("up", cv, a, b, nl);
    cb_conv_up(cv, small, kt, bias, false, a);
    cb_conv_up_ref(cv, small, kt, bias, b);
    same("up with bias", cv, a, b, nl);
    cb_conv_up(cv, small, kt, bias, true, a);
    cb_relu(b, nl);
    same("up, rectified", cv, a, b, nl);
    for (size_t i = 0; i < blocks; i++) cb_conv_gradient_add(cv, large + i * nl, small + i * ns, acc);
    cb_conv_gradient_end(cv, acc, a);
    cb_conv_gradient_ref(cv, large, nl, small, ns, blocks, b);
    same("weight gradient", cv, a, b, nw);
    float *all[] = {large, small, k, kt, bias, a, b, acc};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    cb_conv_free(cv);
}

static void test_conv(void) {
    for (int level = 0; level <= cb_isa_best(); level++) {
        UNIT_OK(cb_isa_force(level));
        cb_rng r = cb_rng_at(21, "test-conv", 0);
        check_shape(&r, 9, 7, 3, 11, 3, 1, true);
        check_shape(&r, 18, 14, 1, 4, 2, 2, false);
        check_shape(&r, 6, 8, 7, 6, 3, 2, true);
        check_shape(&r, 2, 2, 1, 1, 5, 1, true); /* kernel larger than the image */
        check_shape(&r, 18, 14, 5, 6, 3, 1, true); /* weight gradient in several strips of rows */
        check_shape(&r, 45, 37, 6, 5, 3, 2, true);
        for (int n = 0; n < 25; n++) {
            int kernel = 1 + (int)cb_rng_below(&r, 4), stride = 1 + (int)cb_rng_below(&r, 3);
            int h = kernel + (int)cb_rng_below(&r, 6), w = kernel + (int)cb_rng_below(&r, 6);
            check_shape(&r, h, w, 1 + (int)cb_rng_below(&r, 7), 1 + (int)cb_rng_below(&r, 7), kernel, stride, n % 2);
        }
        for (int n = 1; n <= 42; n += 5) { /* a single channel on one side */
            check_shape(&r, 6, 7, 1, n, 3, 1, true);
            check_shape(&r, 6, 7, n, 1, 3, 1, n % 2);
        }
        for (int n = 0; n < 33; n++) { /* every channel count up to 33 on each side: the rests of all register blocks */
            int kernel = 1 + n % 3, stride = 1 + (int)cb_rng_below(&r, 2), h = kernel + (int)cb_rng_below(&r, 3);
            check_shape(&r, h, 3 + n % 4, 1 + n, 1 + n * 5 % 33, kernel, stride, n % 4 != 0);
        }
    }
    UNIT_OK(cb_isa_force(cb_isa_best()));
}

/* up is the transpose of down: <down(x), y> = <x, up(y)>, exact for small integers. */
static void test_adjoint(void) {
    cb_rng r = cb_rng_at(22, "test-adjoint", 0);
    for (int n = 0; n < 20; n++) {
        int kernel = 1 + (int)cb_rng_below(&r, 3), stride = 1 + (int)cb_rng_below(&r, 2), cl = 3, cs = 4;
        cb_conv *cv = cb_conv_new(5 + n % 4, 6, cl, cs, kernel, stride, n % 2);
        CU_ASSERT_PTR_NOT_NULL_FATAL(cv);
        size_t nl = (size_t)(cv->height * cv->width * cl) * 16, ns = (size_t)(cv->out_height * cv->out_width * cs) * 16;
        float *x = cb_alloc(nl, 4), *y = cb_alloc(ns, 4), *dx = cb_alloc(nl, 4), *dy = cb_alloc(ns, 4);
        float *w = cb_alloc(cb_conv_weights(cv), 4), *wt = cb_alloc(cb_conv_weights(cv), 4);
        CU_ASSERT_FATAL(x && y && dx && dy && w && wt);
        for (size_t i = 0; i < nl; i++) x[i] = (float)cb_rng_below(&r, 4);
        for (size_t i = 0; i < ns; i++) y[i] = (float)cb_rng_below(&r, 4);
        for (size_t i = 0; i < cb_conv_weights(cv); i++) w[i] = (float)cb_rng_below(&r, 5) - 2;
        cb_conv_swap(w, kernel * kernel, cl, cs, wt);
        cb_conv_down(cv, x, w, NULL, false, dy);
        cb_conv_up(cv, y, wt, NULL, false, dx);
        double left = 0, right = 0;
        for (size_t i = 0; i < ns; i++) left += (double)y[i] * (double)dy[i];
        for (size_t i = 0; i < nl; i++) right += (double)x[i] * (double)dx[i];
        CU_ASSERT_EQUAL(left, right);
        float *all[] = {x, y, dx, dy, w, wt};
        for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
        cb_conv_free(cv);
    }
}

/* What is not a number passes the rectifier, -0 does not. */
static void test_rectified(void) {
    const float in[] = {NAN, -0.0f, 0, -1, 1, 1e-45f, -1e-45f, INFINITY, -INFINITY};
    for (int level = 0; level <= cb_isa_best(); level++) {
        UNIT_OK(cb_isa_force(level));
        cb_conv *cv = cb_conv_new(1, 1, 1, 3, 1, 1, true);
        CU_ASSERT_PTR_NOT_NULL_FATAL(cv);
        float x[16] = {0}, w[3] = {1, 1, 1}, bias[3] = {-0.0f, -0.0f, -0.0f}, y[48], want[48];
        memcpy(x, in, sizeof in);
        cb_conv_down_ref(cv, x, w, bias, want);
        cb_relu(want, 48);
        cb_conv_down(cv, x, w, bias, true, y);
        CU_ASSERT(isnan(y[0]) && isnan(want[0]) && !signbit(y[16 + 1]) && y[32 + 4] == 1 && y[5] > 0);
        for (int i = 0; i < 48; i++) CU_ASSERT((isnan(y[i]) && isnan(want[i])) || !memcmp(y + i, want + i, sizeof *y));
        cb_conv_free(cv);
    }
    UNIT_OK(cb_isa_force(cb_isa_best()));
}

/* Bias gradient, with the rectifier's gradient and without, at every number of channels up to 33. */
static void test_bias(void) {
    enum { POSITIONS = 7, MOST = 33 };
    for (int level = 0; level <= cb_isa_best(); level++) {
        UNIT_OK(cb_isa_force(level));
        cb_rng r = cb_rng_at(25, "test-bias", 0);
        for (int c = 1; c <= MOST; c++) {
            size_t n = (size_t)(POSITIONS * c) * 16;
            float *dy = random_floats(&r, n), *y = random_floats(&r, n), *copy = cb_alloc(n, sizeof *copy);
            float *a = random_floats(&r, (size_t)c * 16), *b = cb_alloc((size_t)c * 16, sizeof *b);
            CU_ASSERT_FATAL(copy && b);
            memcpy(copy, dy, n * sizeof *dy);
            memcpy(b, a, (size_t)c * 16 * sizeof *a);
            cb_bias_gradient_add(dy, c % 3 ? y : NULL, POSITIONS, c, a);
            cb_bias_gradient_add_ref(copy, c % 3 ? y : NULL, POSITIONS, c, b);
            CU_ASSERT(!memcmp(a, b, (size_t)c * 16 * sizeof *a) && !memcmp(dy, copy, n * sizeof *dy));
            float *all[] = {dy, y, copy, a, b};
            for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
        }
    }
    UNIT_OK(cb_isa_force(cb_isa_best()));
}

static void test_geometry(void) {
    cb_conv *cv = cb_conv_new(18, 14, 30, 30, 3, 2, true); /* the transposed layer: out = 2 in + k */
    CU_ASSERT_PTR_NOT_NULL_FATAL(cv);
    CU_ASSERT(cv->out_height == 9 && cv->out_width == 7 && cv->pad_y == 0 && cv->pad_x == 0);
    cb_conv_free(cv);
    cv = cb_conv_new(18, 14, 1, 20, 3, 1, true);
    CU_ASSERT_PTR_NOT_NULL_FATAL(cv);
    CU_ASSERT(cv->out_height == 18 && cv->out_width == 14 && cv->pad_y == 1 && cv->pad_x == 1);
    CU_ASSERT(cv->down.n_group == 9); /* corners, edges, inside */
    cb_conv_free(cv);
    CU_ASSERT_PTR_NULL(cb_conv_new(2, 2, 1, 1, 3, 1, false));
    CU_ASSERT_PTR_NOT_NULL(strstr(cb_error(), "does not fit a 2x2 image"));
    CU_ASSERT_PTR_NULL(cb_conv_new(2, 2, 1, 0, 3, 1, true));
}

UNIT_MAIN("nn conv", {"geometry", test_geometry}, {"conv equals reference", test_conv}, {"rectified outputs", test_rectified},
          {"bias gradient", test_bias}, {"up is the transpose of down", test_adjoint})
