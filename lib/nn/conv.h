/* conv.h - 2D convolutions and transposed convolutions in event lanes.
 *
 * A cb_conv is the geometry between a large image (height x width, c_large channels) and
 * the small image (out_height x out_width, c_small channels) that a convolution
 * makes of it. All four passes of Conv2D and Conv2DTranspose are one of two gathers:
 *
 *     down: small[p][o] = bias[o] + sum over (ky,kx,i) of large[p*stride - pad + k][i] w[ky][kx][i][o]
 *     up:   large[q][i] = bias[i] + sum over (ky,kx,o) of small[(q + pad - k)/stride][o] wt[ky][kx][o][i]
 *
 * Conv2D forward is down and its input gradient up; Conv2DTranspose forward is up and
 * its input gradient down. Kernels are stored [ky][kx][c_large][c_small] (Keras'
 * layout for both layers); up wants the last two axes swapped: cb_conv_swap().
 * Sums run over ky, kx, channel ascending, one fmaf a product; taps that fall
 * outside the image, or between the strides, are skipped. Padding "same" is TensorFlow's:
 * the smaller half before, the larger behind.
 *
 * Weight gradient: w[ky][kx][i][o] collects fmaf(small, large, acc) per lane, blocks
 * ascending, positions of the small image ascending, then the lane tree. Bias
 * gradient: the same with plain sums over the positions of the layer's output.
 * Each pass has a plain-C `_ref` twin with equal bytes.
 *
 * Upsampling 2x2 followed by a convolution is one cb_conv as well, between the image before the upsampling
 * (here still called large) and the result. It works with phase kernels instead of the kernel: phases.h.
 */
#ifndef CB_NN_CONV_H
#define CB_NN_CONV_H

#include <stdbool.h>

#include "base/error.h"
#include "nn/lanes.h"

/* What a tap meets along one axis: the outputs (of the small image) to + j*to_step read the sources
 * from + j*from_step, j < n. It stands for the entries kernel .. kernel+n_kernel-1 of the kernel's axis. */
typedef struct {
    int kernel, n_kernel, phase;
    int to, to_step, from, from_step, n;
} cb_tap_line;

typedef struct {
    const cb_tap_line *y, *x;
} cb_tap;

/* Positions that see the same taps. Position indices are y*width + x. */
typedef struct {
    int n_tap, n_pos;
    const int *tap;    /* [n_tap] number of the tap, ascending */
    const int *offset; /* [n_tap] source position minus base */
    const int *dst;    /* [n_pos] destination position, ascending */
    const int *base;   /* [n_pos]; base + offset is inside the source image */
} cb_tap_group;

typedef struct {
    cb_tap_group *group;
    int n_group;
    int *storage;
} cb_gather;

typedef struct {
    int height, width, c_large;
    int out_height, out_width, c_small;
    int kernel, stride, pad_y, pad_x; /* pad: rows/columns before the (upsampled) image */
    int upsample;                     /* 1, or 2: height and width are those before the upsampling */
    int n_tap, n_phase, phase[5];     /* taps of phase q: phase[q] .. phase[q+1]-1; one phase without upsampling */
    cb_tap *tap;                      /* [n_tap]; without upsampling tap ky*kernel + kx */
    cb_tap_line *line;                /* [n_line_y] rows, [n_line_x] columns */
    int n_line_y, n_line_x;
    cb_gather down, up;
} cb_conv;

/* Fails if the kernel is larger than a "valid" image. Upsampled: the image is height x width before it is
 * upsampled 2x2, and the convolution works on the result. */
cb_conv *cb_conv_new(int height, int width, int c_large, int c_small, int kernel, int stride, bool same) CB_MUST;
cb_conv *cb_conv_new_upsampled(int height, int width, int c_large, int c_small, int kernel, int stride, bool same) CB_MUST;
void cb_conv_free(cb_conv *cv);
/* Weights of the kernel as it is trained, and of what the passes below take for w: the same but for phases. */
static inline size_t cb_conv_weights(const cb_conv *cv) {
    return (size_t)cv->kernel * (size_t)cv->kernel * (size_t)cv->c_large * (size_t)cv->c_small;
}
static inline size_t cb_conv_tap_weights(const cb_conv *cv) {
    return (size_t)cv->n_tap * (size_t)cv->c_large * (size_t)cv->c_small;
}
/* Multiply-adds of down (and of up) for one event, as they are executed. */
double cb_conv_products(const cb_conv *cv);

/* One block each. large [height*width][c_large][16], small [out_height*out_width][c_small][16];
 * w [n_tap][c_large][c_small], wt [n_tap][c_small][c_large]; bias may be NULL (0). relu: cb_relu() on the result. */
void cb_conv_down(const cb_conv *cv, const float *large, const float *w, const float *bias, bool relu, float *small);
void cb_conv_up(const cb_conv *cv, const float *small, const float *wt, const float *bias, bool relu, float *large);
/* w [taps][a][b] -> wt [taps][b][a]. */
void cb_conv_swap(const float *w, int taps, int a, int b, float *wt);

/* Lane sums of the weight gradient, cb_conv_tap_weights()*16 floats that the caller zeroes at the
 * start of a shard; their order inside is the kernels' own. `add` takes one block,
 * `end` writes the tree over the lanes to dw [ky][kx][c_large][c_small]. */
void cb_conv_gradient_add(const cb_conv *cv, const float *large, const float *small, float *acc);
void cb_conv_gradient_end(const cb_conv *cv, const float *acc, float *dw);
/* acc [c][16] += sum over positions of dy [n_pos][c][16]; then db[c] = tree(acc). y: the rectified outputs, whose
 * gradient dy becomes first (cb_relu_gradient()); NULL: there is no rectifier. */
void cb_bias_gradient_add(float *dy, const float *y, int n_pos, int c, float *acc);
void cb_bias_gradient_end(const float *acc, int c, float *db);

/* For a cb_conv without upsampling; phases.h has the others. */
void cb_conv_down_ref(const cb_conv *cv, const float *large, const float *w, const float *bias, float *small);
void cb_conv_up_ref(const cb_conv *cv, const float *small, const float *wt, const float *bias, float *large);
void cb_bias_gradient_add_ref(float *dy, const float *y, int n_pos, int c, float *acc);
/* n_block blocks at the given strides (floats) -> dw, all in one. */
void cb_conv_gradient_ref(const cb_conv *cv, const float *large, size_t large_stride, const float *small,
                          size_t small_stride, size_t n_block, float *dw);

#endif
