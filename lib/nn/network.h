/* network.h - a feed-forward network from a layer description, in event lanes.
 *
 * Weights lie in one array `w` of n_weight floats: per layer kernel, then bias, in Keras' layouts
 * (conv [ky][kx][in][out], transposed conv [ky][kx][out][in], dense [in][out]; images
 * flatten as (y*W+x)*C+c). Gradients and optimiser state use the same order. Order of sums: lanes.h, phases.h.
 *
 * A network is read-only while it works; everything that changes sits in a workspace,
 * one per thread. A workspace holds the activations of one block, and, for
 * training, `slots` blocks of what the dense layers need, so that a shard of a batch is
 *
 *     cb_network_gradient_begin(net, ws);
 *     for (slot = 0; slot < n; slot++) {
 *         fill cb_workspace_input(ws, slot);
 *         y = cb_network_forward(net, ws, slot);
 *         fill cb_workspace_output_gradient(net, ws, slot);
 *         cb_network_backward(net, ws, slot);
 *     }
 *     cb_network_gradient_end(net, ws, n, g);
 */
#ifndef CB_NN_NETWORK_H
#define CB_NN_NETWORK_H

#include <stdbool.h>

#include "nn/conv.h"
#include "nn/profile.h"

typedef enum { CB_CONV2D, CB_DECONV2D, CB_AVGPOOL, CB_UPSAMPLE, CB_DENSE } cb_layer_kind;

typedef struct {
    const char *name; /* weights are "<name>_kernel", "<name>_bias"; NULL without weights. Static text. */
    cb_layer_kind kind;
    int filters;        /* output channels; dense: units */
    int kernel, stride; /* conv and deconv, padding "same" */
    bool relu;
    int height, width;  /* dense only: shape of the output, filters = units/(height*width); 0 = flat */
} cb_layer_spec;

typedef struct {
    cb_layer_spec spec;
    bool upsampled;             /* a conv whose input is upsampled 2x2 first (phases.h) */
    int in_h, in_w, in_c, out_h, out_w, out_c; /* in: before the upsampling */
    size_t n_in, n_out;         /* features in and out */
    cb_conv *cv;                /* conv and deconv */
    size_t kernel, n_kernel;    /* place in w */
    size_t bias, n_bias;
    size_t folded, swapped;     /* conv: places in derived of the phase kernels, and of what up takes */
} cb_layer;

typedef struct {
    int n_layer;
    cb_layer *layer;
    size_t n_input, n_output; /* features */
    size_t n_weight;
    float *w;
    float *derived; /* what the convolutions take in place of w: phase kernels, kernels with the channel axes swapped */
} cb_network;

typedef struct cb_workspace cb_workspace;

/* Shapes follow from the input image; fails where they do not fit (odd sides at a pool, ...). An upsampling
 * and the convolution behind it become one layer, under the name of the convolution. */
cb_network *cb_network_new(const cb_layer_spec *spec, int n_layer, int height, int width, int channels) CB_MUST;
void cb_network_free(cb_network *net);
/* Glorot uniform kernels (limit sqrt(6/(fan_in+fan_out))) from stream "<stream>/<name>_kernel", zero biases;
 * -1 only when out of memory. Refreshes. */
int cb_network_init(cb_network *net, uint64_t seed, const char *stream) CB_MUST;
/* After every change of w. */
void cb_network_refresh(cb_network *net);

/* The weight tensors in order of w, for files and messages. Returns the count stored (<= max). */
typedef struct {
    char name[48];
    int rank;
    uint64_t dims[4];
    size_t at, n;
} cb_tensor;
int cb_network_tensors(const cb_network *net, cb_tensor *t, int max);

/* slots = 0: forward only (slot is then always 0). */
cb_workspace *cb_workspace_new(const cb_network *net, int slots) CB_MUST;
void cb_workspace_free(cb_workspace *ws);
/* The passes below add their times to p (borrowed; NULL: none), the activation with its layer. */
void cb_workspace_profile(cb_workspace *ws, cb_profile *p);
float *cb_workspace_input(cb_workspace *ws, int slot);                                  /* [n_input][16] */
float *cb_workspace_output_gradient(const cb_network *net, cb_workspace *ws, int slot); /* [n_output][16] */
/* Output of layer `layer` of the last forward. */
const float *cb_workspace_activation(const cb_workspace *ws, int layer, int slot);

const float *cb_network_forward(const cb_network *net, cb_workspace *ws, int slot); /* [n_output][16] */
void cb_network_gradient_begin(const cb_network *net, cb_workspace *ws);
void cb_network_backward(const cb_network *net, cb_workspace *ws, int slot);
/* g [n_weight] = gradient of the n slots done since begin (overwritten). */
void cb_network_gradient_end(const cb_network *net, cb_workspace *ws, int n, float *g);

#endif
