/* Every layer of the teacher, pass by pass: one thread, operands in cache, 16 events a repetition. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "measure.h"
#include "nn/dense.h"
#include "nn/isa.h"
#include "nn/pool.h"
#include "nn/teacher.h"

enum { SHARD_BLOCKS = 8 }; /* blocks of a shard: batch 1024 */

/* Operands of one layer: blocks of input and output, weights, sums. */
typedef struct {
    const cb_layer *l;
    float *x, *y;      /* [SHARD_BLOCKS][n_in|n_out][16] */
    float *w, *wt, *bias, *dw; /* [n_ready], swapped; [n_bias]; [n_kernel + n_bias] */
    size_t n_ready;    /* weights as the kernels take them: those of the phases after an upsampling */
    float *lanes;      /* [n_ready + n_bias][16] */
} layer_work;

static void fill(float *p, size_t n, const char *stream, float scale) {
    cb_rng r = cb_rng_at(1, stream, 0);
    for (size_t i = 0; i < n; i++) p[i] = scale * (cb_rng_f32(&r) + 1e-3f);
}

static void layer_free(layer_work *k) {
    free(k->x);
    free(k->y);
    free(k->w);
    free(k->wt);
    free(k->bias);
    free(k->dw);
    free(k->lanes);
}

static int layer_new(layer_work *k, const cb_layer *l) {
    size_t n_ready = l->cv ? cb_conv_tap_weights(l->cv) : l->n_kernel;
    size_t blocks = SHARD_BLOCKS * CB_LANES, n_weight = n_ready + l->n_bias + 1;
    *k = (layer_work){.l = l, .n_ready = n_ready};
    k->x = cb_alloc_aligned(blocks * l->n_in, sizeof *k->x);
    k->y = cb_alloc_aligned(blocks * l->n_out, sizeof *k->y);
    k->w = cb_alloc_aligned(n_weight, sizeof *k->w);
    k->wt = cb_alloc_aligned(n_weight, sizeof *k->wt);
    k->bias = cb_alloc_aligned(l->n_bias + 1, sizeof *k->bias);
    k->dw = cb_alloc_aligned(n_weight, sizeof *k->dw);
    k->lanes = cb_alloc_aligned(l->cv ? n_weight * CB_LANES : 1, sizeof *k->lanes);
    if (!k->x || !k->y || !k->w || !k->wt || !k->bias || !k->dw || !k->lanes) return -1;
    fill(k->x, blocks * l->n_in, "bench/x", 1);
    fill(k->y, blocks * l->n_out, "bench/y", 1);
    fill(k->w, n_ready, "bench/w", 0.1f);
    memcpy(k->wt, k->w, n_ready * sizeof *k->wt);
    return 0;
}

static int forward(void *context) {
    layer_work *k = context;
    const cb_layer *l = k->l;
    switch (l->spec.kind) {
    case CB_CONV2D: cb_conv_down(l->cv, k->x, k->w, k->bias, false, k->y); break;
    case CB_DECONV2D: cb_conv_up(l->cv, k->x, k->wt, k->bias, false, k->y); break;
    case CB_AVGPOOL: cb_pool_sum(k->x, l->in_h, l->in_w, l->in_c, 0.25f, k->y); break;
    case CB_UPSAMPLE: cb_pool_spread(k->x, l->out_h, l->out_w, l->in_c, 1, k->y); break;
    case CB_DENSE: cb_dense_forward(k->x, k->w, k->bias, (int)l->n_in, (int)l->n_out, k->y); break;
    }
    return 0;
}

static int backward(void *context) {
    layer_work *k = context;
    const cb_layer *l = k->l;
    switch (l->spec.kind) {
    case CB_CONV2D: cb_conv_up(l->cv, k->y, k->wt, NULL, false, k->x); break;
    case CB_DECONV2D: cb_conv_down(l->cv, k->y, k->w, NULL, false, k->x); break;
    case CB_AVGPOOL: cb_pool_spread(k->y, l->in_h, l->in_w, l->in_c, 0.25f, k->x); break;
    case CB_UPSAMPLE: cb_pool_sum(k->y, l->out_h, l->out_w, l->in_c, 1, k->x); break;
    case CB_DENSE: cb_dense_backward(k->y, k->w, (int)l->n_in, (int)l->n_out, k->x); break;
    }
    return 0;
}

/* Weight and bias gradient: conv adds one block to its lane sums, dense does a whole shard. */
static int gradient(void *context) {
    layer_work *k = context;
    const cb_layer *l = k->l;
    if (l->cv) {
        bool up = l->spec.kind == CB_DECONV2D;
        cb_conv_gradient_add(l->cv, up ? k->y : k->x, up ? k->x : k->y, k->lanes);
        cb_bias_gradient_add(k->y, NULL, l->out_h * l->out_w, l->out_c, k->lanes + k->n_ready * CB_LANES);
    } else {
        memset(k->dw, 0, (l->n_kernel + l->n_bias) * sizeof *k->dw);
        cb_dense_gradient(k->x, l->n_in * CB_LANES, k->y, l->n_out * CB_LANES, SHARD_BLOCKS, (int)l->n_in, (int)l->n_out,
                          k->dw, k->dw + l->n_kernel);
    }
    return 0;
}

/* Multiply-adds of one event in one pass, padded taps included. */
static double products(const cb_layer *l) {
    if (l->cv) return (double)l->n_kernel * l->cv->out_height * l->cv->out_width;
    return (double)l->n_kernel;
}

static const char *label(const cb_layer *l) {
    if (l->spec.name) return l->spec.name;
    return l->spec.kind == CB_AVGPOOL ? "pool" : "upsample";
}

static int measure_passes(bench *b, layer_work *k, bool first) {
    const cb_layer *l = k->l;
    double data = 4.0 * (double)(l->n_in + l->n_out), weight = 4.0 * (double)(l->n_kernel + l->n_bias);
    bench_case c = {.isa = cb_isa_name(cb_isa()), .threads = 1, .events = CB_LANES, .flop = 2 * products(l), .context = k};
    if (l->cv) c.executed = 2 * cb_conv_products(l->cv);
    c.bytes = data + weight / CB_LANES;
    c.work = forward;
    snprintf(c.name, sizeof c.name, "kernel/%s/forward", label(l));
    if (bench_measure(b, &c)) return -1;
    c.work = backward;
    snprintf(c.name, sizeof c.name, "kernel/%s/backward", label(l));
    if (!first && bench_measure(b, &c)) return -1; /* nobody asks for the gradient of the image */
    if (!l->n_kernel) return 0;
    c.work = gradient;
    snprintf(c.name, sizeof c.name, "kernel/%s/gradient", label(l));
    if (l->cv) c.bytes = data + weight; /* the sums are as wide as the block */
    else {
        c.events = SHARD_BLOCKS * CB_LANES;
        c.bytes = data + weight / c.events;
    }
    return bench_measure(b, &c);
}

/* Layers of the teacher; of the revised one only its transposed convolution. */
static int measure_teacher(bench *b, const char *architecture, bool deconv_only) {
    int width[3] = {20, 30, 80}, rc = 0;
    cb_teacher *t = cb_teacher_new(architecture, width, 18, 14);
    if (!t) return -1;
    for (int i = 0; i < t->net->n_layer && !rc; i++) {
        const cb_layer *l = &t->net->layer[i];
        if (deconv_only && l->spec.kind != CB_DECONV2D) continue;
        layer_work k;
        rc = layer_new(&k, l) || measure_passes(b, &k, !i);
        layer_free(&k);
    }
    cb_teacher_free(t);
    return rc ? -1 : 0;
}

/* What other nets ask of the same kernels: upsampling without a convolution behind it, strides, 2x2 and 1x1
 * windows, odd channel counts, finer towers. */
static int measure_shapes(bench *b) {
    static const struct {
        cb_layer_spec spec;
        int height, width, channels;
    } shape[] = {{{NULL, CB_UPSAMPLE, 0, 0, 0, false, 0, 0}, 9, 7, 30},
                 {{"conv3x3-stride2", CB_CONV2D, 30, 3, 2, false, 0, 0}, 18, 14, 20},
                 {{"conv2x2", CB_CONV2D, 16, 2, 1, false, 0, 0}, 18, 14, 16},
                 {{"conv2x2-stride2", CB_CONV2D, 16, 2, 2, false, 0, 0}, 18, 14, 16},
                 {{"conv1x1", CB_CONV2D, 20, 1, 1, false, 0, 0}, 18, 14, 30},
                 {{"conv3x3-odd", CB_CONV2D, 23, 3, 1, false, 0, 0}, 17, 13, 7},
                 {{"deconv2x2", CB_DECONV2D, 20, 2, 2, false, 0, 0}, 9, 7, 30},
                 {{"conv3x3-towers", CB_CONV2D, 20, 3, 1, false, 0, 0}, 72, 56, 8}};
    int rc = 0;
    for (size_t s = 0; s < sizeof shape / sizeof *shape && !rc; s++) {
        cb_network *net = cb_network_new(&shape[s].spec, 1, shape[s].height, shape[s].width, shape[s].channels);
        layer_work k;
        rc = net ? layer_new(&k, &net->layer[0]) || measure_passes(b, &k, false) : -1;
        if (net) layer_free(&k);
        cb_network_free(net);
    }
    return rc ? -1 : 0;
}

int bench_layers(bench *b) {
    return measure_teacher(b, "cicada", false) || measure_teacher(b, "cicada-revised", true) || measure_shapes(b) ? -1 : 0;
}
