#include "nn/network.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "nn/dense.h"
#include "nn/phases.h"
#include "nn/pool.h"
#include "nn/relu.h"

/* ---- description -> layers ---- */

static int shape_conv(cb_layer *l) {
    const cb_layer_spec *s = &l->spec;
    bool up = s->kind == CB_DECONV2D;
    l->out_c = s->filters;
    if (up) l->cv = cb_conv_new(l->in_h * s->stride, l->in_w * s->stride, l->out_c, l->in_c, s->kernel, s->stride, true);
    else if (l->upsampled) l->cv = cb_conv_new_upsampled(l->in_h, l->in_w, l->in_c, l->out_c, s->kernel, s->stride, true);
    else l->cv = cb_conv_new(l->in_h, l->in_w, l->in_c, l->out_c, s->kernel, s->stride, true);
    if (!l->cv) return -1;
    l->out_h = up ? l->cv->height : l->cv->out_height;
    l->out_w = up ? l->cv->width : l->cv->out_width;
    l->n_kernel = cb_conv_weights(l->cv);
    l->n_bias = (size_t)l->out_c;
    return 0;
}

static int shape_resize(cb_layer *l) {
    bool up = l->spec.kind == CB_UPSAMPLE;
    if (!up && (l->in_h % 2 || l->in_w % 2))
        return cb_fail("average pooling halves the image, but it has %d x %d cells; this architecture needs even sides",
                       l->in_h, l->in_w);
    l->out_h = up ? 2 * l->in_h : l->in_h / 2;
    l->out_w = up ? 2 * l->in_w : l->in_w / 2;
    l->out_c = l->in_c;
    return 0;
}

static int shape_dense(cb_layer *l) {
    const cb_layer_spec *s = &l->spec;
    l->out_h = s->height ? s->height : 1;
    l->out_w = s->width ? s->width : 1;
    l->out_c = s->filters;
    l->n_bias = (size_t)l->out_h * (size_t)l->out_w * (size_t)l->out_c;
    l->n_kernel = l->n_in * l->n_bias;
    return 0;
}

static int layer_shape(cb_layer *l, int h, int w, int c) {
    l->in_h = h;
    l->in_w = w;
    l->in_c = c;
    l->n_in = (size_t)h * (size_t)w * (size_t)c;
    int rc = -1;
    switch (l->spec.kind) {
    case CB_CONV2D:
    case CB_DECONV2D: rc = shape_conv(l); break;
    case CB_AVGPOOL:
    case CB_UPSAMPLE: rc = shape_resize(l); break;
    case CB_DENSE: rc = shape_dense(l); break;
    }
    l->n_out = (size_t)l->out_h * (size_t)l->out_w * (size_t)l->out_c;
    return rc;
}

cb_network *cb_network_new(const cb_layer_spec *spec, int n_layer, int height, int width, int channels) {
    cb_network *net = cb_alloc(1, sizeof *net);
    if (!net) return NULL;
    net->layer = cb_alloc((size_t)n_layer, sizeof *net->layer);
    int h = height, w = width, c = channels;
    size_t derived = 0;
    for (int i = 0; net->layer && i < n_layer; i++) {
        cb_layer *l = &net->layer[net->n_layer++];
        l->upsampled = spec[i].kind == CB_UPSAMPLE && i + 1 < n_layer && spec[i + 1].kind == CB_CONV2D;
        l->spec = spec[l->upsampled ? ++i : i];
        if (layer_shape(l, h, w, c)) {
            cb_fail_in("layer %d (%s) on a %d x %d x %d image", i + 1, spec[i].name ? spec[i].name : "no weights", h, w, c);
            goto fail;
        }
        l->kernel = net->n_weight;
        l->bias = l->kernel + l->n_kernel;
        net->n_weight = l->bias + l->n_bias;
        if (l->cv) {
            l->folded = derived;
            l->swapped = derived + (l->upsampled ? cb_conv_tap_weights(l->cv) : 0);
            derived = l->swapped + cb_conv_tap_weights(l->cv);
        }
        h = l->out_h;
        w = l->out_w;
        c = l->out_c;
    }
    net->n_input = (size_t)height * (size_t)width * (size_t)channels;
    net->n_output = (size_t)h * (size_t)w * (size_t)c;
    net->w = cb_alloc_aligned(net->n_weight, sizeof *net->w);
    net->derived = cb_alloc_aligned(derived, sizeof *net->derived);
    if (net->layer && net->w && net->derived) return net;
fail:
    cb_network_free(net);
    return NULL;
}

void cb_network_free(cb_network *net) {
    if (!net) return;
    for (int i = 0; net->layer && i < net->n_layer; i++) cb_conv_free(net->layer[i].cv);
    free(net->layer);
    free(net->w);
    free(net->derived);
    free(net);
}

/* The kernel that cb_conv_down takes. */
static const float *straight(const cb_network *net, const cb_layer *l) {
    return l->upsampled ? net->derived + l->folded : net->w + l->kernel;
}

void cb_network_refresh(cb_network *net) {
    for (const cb_layer *l = net->layer; l < net->layer + net->n_layer; l++) {
        if (!l->cv) continue;
        if (l->upsampled) cb_phases_fold(l->cv, net->w + l->kernel, net->derived + l->folded);
        cb_conv_swap(straight(net, l), l->cv->n_tap, l->cv->c_large, l->cv->c_small, net->derived + l->swapped);
    }
}

static double glorot_limit(const cb_layer *l) {
    size_t taps = l->cv ? (size_t)l->cv->kernel * (size_t)l->cv->kernel : 1;
    size_t fan = l->cv ? taps * (size_t)(l->in_c + l->out_c) : l->n_in + l->n_out;
    return sqrt(6.0 / (double)fan);
}

int cb_network_init(cb_network *net, uint64_t seed, const char *stream) {
    memset(net->w, 0, net->n_weight * sizeof *net->w);
    for (const cb_layer *l = net->layer; l < net->layer + net->n_layer; l++) {
        if (!l->n_kernel) continue;
        char *name = cb_textf("%s/%s_kernel", stream, l->spec.name);
        if (!name) return -1;
        cb_rng r = cb_rng_at(seed, name, 0);
        double limit = glorot_limit(l);
        for (size_t i = 0; i < l->n_kernel; i++) net->w[l->kernel + i] = (float)(limit * (2 * cb_rng_f64(&r) - 1));
        free(name);
    }
    cb_network_refresh(net);
    return 0;
}

static void tensor_dims(const cb_layer *l, cb_tensor *t) {
    if (l->cv) {
        t->rank = 4;
        t->dims[0] = t->dims[1] = (uint64_t)l->cv->kernel;
        t->dims[2] = (uint64_t)l->cv->c_large;
        t->dims[3] = (uint64_t)l->cv->c_small;
    } else {
        t->rank = 2;
        t->dims[0] = l->n_in;
        t->dims[1] = l->n_out;
    }
}

int cb_network_tensors(const cb_network *net, cb_tensor *t, int max) {
    int n = 0;
    for (const cb_layer *l = net->layer; l < net->layer + net->n_layer; l++) {
        if (!l->n_kernel || n + 2 > max) continue;
        t[n] = (cb_tensor){.at = l->kernel, .n = l->n_kernel};
        snprintf(t[n].name, sizeof t[n].name, "%s_kernel", l->spec.name);
        tensor_dims(l, &t[n++]);
        t[n] = (cb_tensor){.rank = 1, .dims = {l->n_bias}, .at = l->bias, .n = l->n_bias};
        snprintf(t[n].name, sizeof t[n].name, "%s_bias", l->spec.name);
        n++;
    }
    return n;
}

/* ---- workspace ---- */

struct cb_workspace {
    int n_layer;
    float **act;      /* [n_layer+1]: input of each layer, then the output */
    size_t *stride;   /* [n_layer+1]: floats from slot to slot, 0 if one block is enough */
    float **grad;     /* [n_layer]: gradient of each layer's output; two buffers in turn, own slots for dense */
    size_t *grad_stride;
    float *pong[2];
    float **lanes;    /* [n_layer]: lane sums of conv kernels and biases */
    cb_profile *profile; /* borrowed, or NULL */
};

static float *floats(size_t n) { return cb_alloc_aligned(n, sizeof(float)); }

/* Lane sums of a convolution: its taps, then its biases. */
static size_t n_tap_lanes(const cb_layer *l) { return cb_conv_tap_weights(l->cv) * CB_LANES; }
static size_t n_lanes(const cb_layer *l) { return n_tap_lanes(l) + l->n_bias * CB_LANES; }

static int workspace_activations(cb_workspace *ws, const cb_network *net, int slots) {
    for (int i = 0; i <= net->n_layer; i++) {
        size_t n = (i < net->n_layer ? net->layer[i].n_in : net->n_output) * CB_LANES;
        bool keep = slots && i < net->n_layer && net->layer[i].spec.kind == CB_DENSE;
        ws->stride[i] = keep ? n : 0;
        if (!(ws->act[i] = floats(keep ? n * (size_t)slots : n))) return -1;
    }
    return 0;
}

static int workspace_gradients(cb_workspace *ws, const cb_network *net, int slots) {
    size_t most = net->n_input;
    for (int i = 0; i < net->n_layer; i++)
        if (net->layer[i].n_out > most) most = net->layer[i].n_out;
    for (int k = 0; k < 2; k++)
        if (!(ws->pong[k] = floats(most * CB_LANES))) return -1;
    for (int i = 0; i < net->n_layer; i++) {
        const cb_layer *l = &net->layer[i];
        ws->grad[i] = ws->pong[i % 2];
        if (l->spec.kind == CB_DENSE) {
            ws->grad_stride[i] = l->n_out * CB_LANES;
            if (!(ws->grad[i] = floats(l->n_out * CB_LANES * (size_t)slots))) return -1;
        }
        if (l->cv && !(ws->lanes[i] = floats(n_lanes(l)))) return -1;
    }
    return 0;
}

cb_workspace *cb_workspace_new(const cb_network *net, int slots) {
    cb_workspace *ws = cb_alloc(1, sizeof *ws);
    if (!ws) return NULL;
    size_t n = (size_t)net->n_layer + 1;
    ws->n_layer = net->n_layer;
    ws->act = cb_alloc(n, sizeof *ws->act);
    ws->stride = cb_alloc(n, sizeof *ws->stride);
    ws->grad = cb_alloc(n, sizeof *ws->grad);
    ws->grad_stride = cb_alloc(n, sizeof *ws->grad_stride);
    ws->lanes = cb_alloc(n, sizeof *ws->lanes);
    if (ws->act && ws->stride && ws->grad && ws->grad_stride && ws->lanes && !workspace_activations(ws, net, slots) &&
        (!slots || !workspace_gradients(ws, net, slots)))
        return ws;
    cb_workspace_free(ws);
    return NULL;
}

void cb_workspace_free(cb_workspace *ws) {
    if (!ws) return;
    for (int i = 0; i <= ws->n_layer; i++) {
        if (ws->act) free(ws->act[i]);
        if (ws->lanes) free(ws->lanes[i]);
        if (ws->grad && ws->grad[i] != ws->pong[i % 2]) free(ws->grad[i]);
    }
    free(ws->pong[0]);
    free(ws->pong[1]);
    free(ws->act);
    free(ws->stride);
    free(ws->grad);
    free(ws->grad_stride);
    free(ws->lanes);
    free(ws);
}

static float *activation(const cb_workspace *ws, int i, int slot) { return ws->act[i] + ws->stride[i] * (size_t)slot; }
static float *gradient(const cb_workspace *ws, int i, int slot) {
    return ws->grad[i] + ws->grad_stride[i] * (size_t)slot;
}

void cb_workspace_profile(cb_workspace *ws, cb_profile *p) { ws->profile = p; }
float *cb_workspace_input(cb_workspace *ws, int slot) { return activation(ws, 0, slot); }
float *cb_workspace_output_gradient(const cb_network *net, cb_workspace *ws, int slot) {
    return gradient(ws, net->n_layer - 1, slot);
}
const float *cb_workspace_activation(const cb_workspace *ws, int layer, int slot) {
    return activation(ws, layer + 1, slot);
}

/* ---- passes ---- */

static void layer_forward(const cb_network *net, const cb_layer *l, const float *x, float *y) {
    const float *k = net->w + l->kernel, *b = net->w + l->bias;
    bool relu = l->spec.relu;
    switch (l->spec.kind) {
    case CB_CONV2D: cb_conv_down(l->cv, x, straight(net, l), b, relu, y); break;
    case CB_DECONV2D: cb_conv_up(l->cv, x, net->derived + l->swapped, b, relu, y); break;
    case CB_AVGPOOL: cb_pool_sum(x, l->in_h, l->in_w, l->in_c, 0.25f, y); break;
    case CB_UPSAMPLE: cb_pool_spread(x, l->out_h, l->out_w, l->in_c, 1, y); break;
    case CB_DENSE: cb_dense_forward(x, k, b, (int)l->n_in, (int)l->n_out, y); break;
    }
    if (relu && !l->cv) cb_relu(y, l->n_out * CB_LANES);
}

const float *cb_network_forward(const cb_network *net, cb_workspace *ws, int slot) {
    for (int i = 0; i < net->n_layer; i++) {
        double start = cb_profile_start(ws->profile);
        layer_forward(net, &net->layer[i], activation(ws, i, slot), activation(ws, i + 1, slot));
        cb_profile_stop(ws->profile, i, CB_PASS_FORWARD, start);
    }
    return activation(ws, net->n_layer, slot);
}

void cb_network_gradient_begin(const cb_network *net, cb_workspace *ws) {
    for (int i = 0; i < net->n_layer; i++)
        if (ws->lanes[i])
            memset(ws->lanes[i], 0, n_lanes(&net->layer[i]) * sizeof(float));
}

static void layer_input_gradient(const cb_network *net, const cb_layer *l, const float *dy, float *dx) {
    switch (l->spec.kind) {
    case CB_CONV2D: cb_conv_up(l->cv, dy, net->derived + l->swapped, NULL, false, dx); break;
    case CB_DECONV2D: cb_conv_down(l->cv, dy, straight(net, l), NULL, false, dx); break;
    case CB_AVGPOOL: cb_pool_spread(dy, l->in_h, l->in_w, l->in_c, 0.25f, dx); break;
    case CB_UPSAMPLE: cb_pool_sum(dy, l->out_h, l->out_w, l->in_c, 1, dx); break;
    case CB_DENSE: cb_dense_backward(dy, net->w + l->kernel, (int)l->n_in, (int)l->n_out, dx); break;
    }
}

void cb_network_backward(const cb_network *net, cb_workspace *ws, int slot) {
    for (int i = net->n_layer - 1; i >= 0; i--) {
        const cb_layer *l = &net->layer[i];
        const float *x = activation(ws, i, slot), *y = activation(ws, i + 1, slot);
        float *dy = gradient(ws, i, slot);
        double start = cb_profile_start(ws->profile);
        if (l->cv) {
            bool up = l->spec.kind == CB_DECONV2D;
            cb_bias_gradient_add(dy, l->spec.relu ? y : NULL, l->out_h * l->out_w, l->out_c, ws->lanes[i] + n_tap_lanes(l));
            cb_conv_gradient_add(l->cv, up ? dy : x, up ? x : dy, ws->lanes[i]);
        } else if (l->spec.relu) cb_relu_gradient(dy, y, l->n_out * CB_LANES);
        cb_profile_stop(ws->profile, i, CB_PASS_WEIGHT_GRADIENT, start);
        start = cb_profile_start(ws->profile);
        if (i) layer_input_gradient(net, l, dy, gradient(ws, i - 1, slot));
        cb_profile_stop(ws->profile, i, CB_PASS_INPUT_GRADIENT, start);
    }
}

void cb_network_gradient_end(const cb_network *net, cb_workspace *ws, int n, float *g) {
    for (int i = 0; i < net->n_layer; i++) {
        const cb_layer *l = &net->layer[i];
        double start = cb_profile_start(ws->profile);
        if (l->cv) {
            cb_conv_gradient_end(l->cv, ws->lanes[i], g + l->kernel);
            cb_bias_gradient_end(ws->lanes[i] + n_tap_lanes(l), l->out_c, g + l->bias);
        } else if (l->spec.kind == CB_DENSE) {
            memset(g + l->kernel, 0, (l->n_kernel + l->n_bias) * sizeof *g);
            cb_dense_gradient(ws->act[i], ws->stride[i], ws->grad[i], ws->grad_stride[i], (size_t)n, (int)l->n_in,
                              (int)l->n_out, g + l->kernel, g + l->bias);
        }
        cb_profile_stop(ws->profile, i, CB_PASS_WEIGHT_GRADIENT, start);
    }
}
