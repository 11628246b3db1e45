/* phases.h - upsampling 2x2 followed by a convolution, without the upsampled image.
 *
 * In the upsampled image each source pixel stands 2x2 times, so that several entries of the kernel meet the same source
 * pixel. Which ones depends on the parity of the output's row and column alone: along each axis of a 3x3 kernel with
 * padding "same", even outputs see the entries {0}, {1,2} on two source pixels and odd ones {0,1}, {2}. Their sums are
 * the phase kernels: 4 of 2x2 instead of one 3x3, 4 products an output instead of 9; the input gradient takes 16 a source
 * pixel instead of 36. Any kernel, stride and padding; where the stride is even there is one phase only.
 * (The sub-pixel view of such layers: Shi et al., arXiv:1609.05158 and 1609.07009.)
 *
 * The taps of a phase convolution (cb_conv_new_upsampled) are numbered phase after phase (row parity, then column
 * parity), within a phase by row, then column, of the source pixel. A phase kernel has their weights, [n_tap][c_large][c_small].
 *
 * Declared order of sums; it differs from upsampling first by rounding only, and in exact arithmetic not at all:
 *   phase kernel     sum over the entries (ky, kx) ascending, plain additions that begin with the first
 *   forward          acc = bias[o]; taps of the output's phase ascending, i ascending: fmaf(x, phase kernel, acc)
 *   input gradient   acc = 0; taps ascending (all phases), o ascending: fmaf(dy, phase kernel, acc)
 *   weight gradient  that of the phase kernel as in lanes.h (lanes, blocks, positions of the phase ascending, lane tree);
 *                    then each entry of the kernel adds up its taps, phases ascending, beginning with the first
 *                    (each phase has it once), in each shard
 * Taps that fall outside the image are skipped: a source pixel is outside with all its entries or with none.
 *
 * Forward is cb_conv_down on the phase kernels, the input gradient cb_conv_up on the swapped ones; the weight gradient
 * cb_conv_gradient_add/_end, which ends with the kernel's own entries.
 */
#ifndef CB_NN_PHASES_H
#define CB_NN_PHASES_H

#include "nn/conv.h"

/* w [ky][kx][c_large][c_small] -> folded, cb_conv_tap_weights() floats. After every change of w. */
void cb_phases_fold(const cb_conv *cv, const float *w, float *folded);

/* Plain C from the kernel itself, by the definition above and without the tables of cb_conv. x [height*width][c_large][16],
 * y and dy [out_height*out_width][c_small][16]. */
void cb_phases_forward_ref(const cb_conv *cv, const float *x, const float *w, const float *bias, float *y);
void cb_phases_input_gradient_ref(const cb_conv *cv, const float *dy, const float *w, float *dx);
/* n_block blocks at the given strides (floats) -> dw. */
void cb_phases_weight_gradient_ref(const cb_conv *cv, const float *x, size_t x_stride, const float *dy, size_t dy_stride,
                                   size_t n_block, float *dw);

#endif
