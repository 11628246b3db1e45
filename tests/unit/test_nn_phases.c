/* Upsampling and convolution as phase convolutions: byte for byte against the plain definition on every
 * instruction-set level, and against upsampling first: exactly on small integers, closely on floats. */
#include "base/rng.h"
#include "nn/isa.h"
#include "nn/network.h"
#include "nn/phases.h"
#include "nn/pool.h"
#include "unit.h"

enum { BLOCKS = 2 };

/* One layer, its operands, and the four results of the passes. */
typedef struct {
    cb_conv *cv;
    size_t n_x, n_y, n_w, n_tap; /* floats of a block of input and output; weights; weights of the phase kernels */
    float *x, *dy, *w, *bias;    /* [BLOCKS][n_x], [BLOCKS][n_y], [n_w], [c_small] */
    float *folded, *swapped, *lanes;
    float *y, *dx, *dw;
} layer;

/* Zeros too; integers of -3 to 3, or floats of -1 to 1. */
static float *numbers(cb_rng *r, size_t n, bool integers) {
    float *x = cb_alloc_aligned(n, sizeof *x);
    CU_ASSERT_PTR_NOT_NULL_FATAL(x);
    for (size_t i = 0; i < n; i++)
        x[i] = integers ? (float)cb_rng_below(r, 7) - 3 : cb_rng_below(r, 5) ? 2 * cb_rng_f32(r) - 1 : 0;
    return x;
}

static layer make_layer(cb_rng *r, cb_conv *cv, bool integers) {
    CU_ASSERT_PTR_NOT_NULL_FATAL(cv);
    layer l = {.cv = cv, .n_x = (size_t)(cv->height * cv->width * cv->c_large) * 16, .n_w = cb_conv_weights(cv),
               .n_y = (size_t)(cv->out_height * cv->out_width * cv->c_small) * 16, .n_tap = cb_conv_tap_weights(cv)};
    l.x = numbers(r, BLOCKS * l.n_x, integers);
    l.dy = numbers(r, BLOCKS * l.n_y, integers);
    l.w = numbers(r, l.n_w, integers);
    l.bias = numbers(r, (size_t)cv->c_small, integers);
    l.folded = cb_alloc(l.n_tap, sizeof(float));
    l.swapped = cb_alloc(l.n_tap, sizeof(float));
    l.lanes = cb_alloc(l.n_tap * 16, sizeof(float));
    l.y = cb_alloc(l.n_y, sizeof(float));
    l.dx = cb_alloc(l.n_x, sizeof(float));
    l.dw = cb_alloc(l.n_w, sizeof(float));
    CU_ASSERT_FATAL(l.folded && l.swapped && l.lanes && l.y && l.dx && l.dw);
    return l;
}

static void free_layer(layer *l) {
    float *all[] = {l->x, l->dy, l->w, l->bias, l->folded, l->swapped, l->lanes, l->y, l->dx, l->dw};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    cb_conv_free(l->cv);
}

static void run(layer *l) {
    cb_phases_fold(l->cv, l->w, l->folded);
    cb_conv_swap(l->folded, l->cv->n_tap, l->cv->c_large, l->cv->c_small, l->swapped);
    cb_conv_down(l->cv, l->x, l->folded, l->bias, false, l->y);
    cb_conv_up(l->cv, l->dy, l->swapped, NULL, false, l->dx);
    memset(l->lanes, 0, l->n_tap * 16 * sizeof *l->lanes);
    for (size_t b = 0; b < BLOCKS; b++) cb_conv_gradient_add(l->cv, l->x + b * l->n_x, l->dy + b * l->n_y, l->lanes);
    cb_conv_gradient_end(l->cv, l->lanes, l->dw);
}

/* `margin` 0: the same bytes, but for the sign of 0 where `numbers` is set. */
static void close_to(const char *what, const layer *l, const float *mine, const float *other, size_t n, double margin, bool as_numbers) {
    const cb_conv *cv = l->cv;
    size_t bad = 0;
    while (bad < n && (!memcmp(mine + bad, other + bad, sizeof *mine) || (as_numbers && fabs((double)mine[bad] - (double)other[bad]) <= margin)))
        bad++;
    if (bad < n)
        fprintf(stderr, "\n  %s, level %s, %dx%dx%d k%d s%d pad %d,%d -> %dx%dx%d: element %zu of %zu: %a, wanted %a\n", what,
                cb_isa_name(cb_isa()), cv->height, cv->width, cv->c_large, cv->kernel, cv->stride, cv->pad_y, cv->pad_x,
                cv->out_height, cv->out_width, cv->c_small, bad, n, (double)mine[bad], (double)other[bad]);
    CU_ASSERT_EQUAL(bad, n);
}

static void check_reference(layer *l) {
    size_t n = l->n_x + l->n_y + l->n_w;
    float *want = cb_alloc(n, sizeof *want);
    CU_ASSERT_PTR_NOT_NULL_FATAL(want);
    run(l);
    cb_phases_forward_ref(l->cv, l->x, l->w, l->bias, want);
    close_to("forward", l, l->y, want, l->n_y, 0, false);
    cb_phases_input_gradient_ref(l->cv, l->dy, l->w, want);
    close_to("input gradient", l, l->dx, want, l->n_x, 0, false);
    cb_phases_weight_gradient_ref(l->cv, l->x, l->n_x, l->dy, l->n_y, BLOCKS, want);
    close_to("weight gradient", l, l->dw, want, l->n_w, 0, false);
    free(want);
}

/* The same layer done in two: the upsampled image, then the convolution. */
static void check_unfused(layer *l, bool integers) {
    const cb_conv *c = l->cv;
    bool same = c->out_height == (2 * c->height + c->stride - 1) / c->stride;
    cb_conv *plain = cb_conv_new(2 * c->height, 2 * c->width, c->c_large, c->c_small, c->kernel, c->stride, same);
    float *image = cb_alloc(4 * BLOCKS * l->n_x, sizeof *image), *y = cb_alloc(l->n_y, sizeof *y);
    float *wide = cb_alloc(4 * l->n_x, sizeof *wide), *dx = cb_alloc(l->n_x, sizeof *dx), *dw = cb_alloc(l->n_w, sizeof *dw);
    float *wt = cb_alloc(l->n_w, sizeof *wt);
    CU_ASSERT_FATAL(plain && image && y && wide && dx && dw && wt);
    CU_ASSERT_FATAL(plain->out_height == c->out_height && plain->out_width == c->out_width);
    for (size_t b = 0; b < BLOCKS; b++)
        cb_pool_spread_ref(l->x + b * l->n_x, 2 * c->height, 2 * c->width, c->c_large, 1, image + 4 * b * l->n_x);
    cb_conv_swap(l->w, plain->n_tap, c->c_large, c->c_small, wt);
    cb_conv_down_ref(plain, image, l->w, l->bias, y);
    cb_conv_up_ref(plain, l->dy, wt, NULL, wide);
    cb_pool_sum_ref(wide, 2 * c->height, 2 * c->width, c->c_large, 1, dx);
    cb_conv_gradient_ref(plain, image, 4 * l->n_x, l->dy, l->n_y, BLOCKS, dw);
    run(l);
    close_to("forward, unfused", l, l->y, y, l->n_y, integers ? 0 : 1e-4, true);
    close_to("input gradient, unfused", l, l->dx, dx, l->n_x, integers ? 0 : 1e-4, true);
    close_to("weight gradient, unfused", l, l->dw, dw, l->n_w, integers ? 0 : 5e-4, true);
    float *all[] = {image, y, wide, dx, dw, wt};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    cb_conv_free(plain);
}

/* Kernels of 1 to 6, strides of 1 to 3, images of 1x1 to 10x8 (before the upsampling), both paddings. */
static cb_conv *random_shape(cb_rng *r, int n) {
    int kernel = 1 + (int)cb_rng_below(r, 6), stride = n % 3 ? 1 : 1 + (int)cb_rng_below(r, 3);
    bool same = n % 4 != 0;
    int least = same ? 1 : (kernel + 1) / 2, h = least + (int)cb_rng_below(r, 8), w = least + (int)cb_rng_below(r, 6);
    return cb_conv_new_upsampled(h, w, 1 + (int)cb_rng_below(r, 8), 1 + (int)cb_rng_below(r, 8), kernel, stride, same);
}

static void test_reference(void) {
    for (int level = 0; level <= cb_isa_best(); level++) {
        UNIT_OK(cb_isa_force(level));
        cb_rng r = cb_rng_at(23, "test-phases", 0);
        for (int n = 0; n < 60; n++) {
            layer l = make_layer(&r, n ? random_shape(&r, n) : cb_conv_new_upsampled(9, 7, 11, 12, 3, 1, true), false);
            check_reference(&l);
            free_layer(&l);
        }
        for (int n = 20; n <= 23; n += 3) { /* a single channel on one side */
            layer l = make_layer(&r, cb_conv_new_upsampled(3, 4, n, 1, 3, 1, true), false);
            check_reference(&l);
            free_layer(&l);
            l = make_layer(&r, cb_conv_new_upsampled(3, 4, 1, n, 3, 1, true), false);
            check_reference(&l);
            free_layer(&l);
        }
        for (int n = 1; n <= 17; n++) { /* the rests of all register blocks, and several strips of rows */
            layer l = make_layer(&r, cb_conv_new_upsampled(2 + n % 3, 16 + n % 3, n, 18 - n, 3, 1, true), false);
            check_reference(&l);
            free_layer(&l);
        }
    }
    UNIT_OK(cb_isa_force(cb_isa_best()));
}

static void test_unfused(void) {
    cb_rng r = cb_rng_at(24, "test-phases", 0);
    for (int n = 0; n < 120; n++) {
        layer l = make_layer(&r, random_shape(&r, n / 2), n % 2);
        check_unfused(&l, n % 2);
        free_layer(&l);
    }
}

/* The worked example of the header: entries of the kernel on each tap, and what they cost. */
static void test_geometry(void) {
    static const int entries[4][2] = {{0, 1}, {1, 2}, {0, 2}, {2, 1}};
    cb_conv *cv = cb_conv_new_upsampled(9, 7, 30, 20, 3, 1, true);
    CU_ASSERT_PTR_NOT_NULL_FATAL(cv);
    CU_ASSERT(cv->out_height == 18 && cv->out_width == 14 && cv->n_tap == 16 && cv->n_phase == 4);
    for (int q = 0; q <= 4; q++) CU_ASSERT_EQUAL(cv->phase[q], 4 * q);
    for (int t = 0; t < 16; t++) {
        const int *y = entries[t / 8 * 2 + t / 2 % 2], *x = entries[t / 4 % 2 * 2 + t % 2];
        CU_ASSERT(cv->tap[t].y->kernel == y[0] && cv->tap[t].y->n_kernel == y[1]);
        CU_ASSERT(cv->tap[t].x->kernel == x[0] && cv->tap[t].x->n_kernel == x[1]);
    }
    CU_ASSERT_EQUAL(cb_conv_products(cv), 600.0 * 34 * 26); /* rows: 2 taps an output, 1 at both ends; so with columns */
    cb_conv_free(cv);
    cv = cb_conv_new_upsampled(4, 4, 1, 1, 4, 2, true); /* even stride: one phase */
    CU_ASSERT_PTR_NOT_NULL_FATAL(cv);
    CU_ASSERT(cv->n_phase == 1 && cv->n_tap == 9 && cv->out_height == 4);
    cb_conv_free(cv);
    CU_ASSERT_PTR_NULL(cb_conv_new_upsampled(2, 2, 1, 1, 5, 1, false));
    CU_ASSERT_PTR_NOT_NULL(strstr(cb_error(), "does not fit a 4x4 image"));
}

/* A network takes upsampling and convolution as one layer, and only those. */
static void test_network(void) {
    const cb_layer_spec conv = {.name = "c", .kind = CB_CONV2D, .filters = 3, .kernel = 3, .stride = 1}, up = {.kind = CB_UPSAMPLE};
    const cb_layer_spec spec[] = {conv, up, up, conv, up};
    cb_network *net = cb_network_new(spec, 5, 3, 2, 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(net);
    CU_ASSERT_EQUAL_FATAL(net->n_layer, 4);
    CU_ASSERT(net->layer[1].spec.kind == CB_UPSAMPLE && !net->layer[1].upsampled);
    CU_ASSERT(net->layer[2].spec.kind == CB_CONV2D && net->layer[2].upsampled && net->layer[2].in_h == 6);
    CU_ASSERT(net->layer[3].spec.kind == CB_UPSAMPLE && net->layer[3].out_h == 24 && net->layer[3].out_w == 16);
    CU_ASSERT(net->layer[2].n_kernel == 81 && net->n_output == 24 * 16 * 3);
    cb_network_free(net);
    CU_ASSERT_PTR_NULL(cb_network_new((cb_layer_spec[]){up, {.name = "c", .kind = CB_CONV2D, .kernel = 3, .stride = 1}}, 2, 3, 2, 1));
    CU_ASSERT_PTR_NOT_NULL(strstr(cb_error(), "layer 2 (c) on a 3 x 2 x 1 image"));
}

UNIT_MAIN("nn phases", {"geometry", test_geometry}, {"phases equal reference", test_reference},
          {"phases equal upsampling and convolution", test_unfused}, {"network", test_network})
