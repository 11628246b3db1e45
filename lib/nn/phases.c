#include "nn/phases.h"

#include <math.h>
#include <string.h>

void cb_phases_fold(const cb_conv *cv, const float *w, float *folded) {
    size_t n = (size_t)cv->c_large * (size_t)cv->c_small;
    for (const cb_tap *t = cv->tap; t < cv->tap + cv->n_tap; t++, folded += n)
        for (int ky = t->y->kernel; ky < t->y->kernel + t->y->n_kernel; ky++)
            for (int kx = t->x->kernel; kx < t->x->kernel + t->x->n_kernel; kx++) {
                const float *from = w + (size_t)(ky * cv->kernel + kx) * n;
                if (ky == t->y->kernel && kx == t->x->kernel) memcpy(folded, from, n * sizeof *folded);
                else
                    for (size_t i = 0; i < n; i++) folded[i] += from[i];
            }
}

/* ---- plain C ---- */

/* Entries k .. end-1 of the kernel's axis that output d of an axis finds on source pixel s. */
static void entries(const cb_conv *cv, int d, int pad, int s, int *k, int *end) {
    int first = d * cv->stride - pad; /* upsampled pixel under entry 0 */
    *k = 2 * s - first;
    *end = *k + 2;
    if (*k < 0) *k = 0;
    if (*end > cv->kernel) *end = cv->kernel;
}

/* Weight of channels i, o between output (y, x) and source pixel (sy, sx); false: they do not meet. */
static bool phase_weight(const cb_conv *cv, const float *w, int y, int x, int sy, int sx, int i, int o, float *sum) {
    int ky, kx, end_y, end_x;
    bool met = false;
    entries(cv, y, cv->pad_y, sy, &ky, &end_y);
    entries(cv, x, cv->pad_x, sx, &kx, &end_x);
    for (int r = ky; r < end_y; r++)
        for (int c = kx; c < end_x; c++) {
            float v = w[((r * cv->kernel + c) * cv->c_large + i) * cv->c_small + o];
            *sum = met ? *sum + v : v;
            met = true;
        }
    return met;
}

void cb_phases_forward_ref(const cb_conv *cv, const float *x, const float *w, const float *bias, float *y) {
    int cl = cv->c_large, cs = cv->c_small;
    for (int oy = 0; oy < cv->out_height; oy++)
        for (int ox = 0; ox < cv->out_width; ox++)
            for (int o = 0; o < cs; o++) {
                float acc[CB_LANES], p;
                for (int lane = 0; lane < CB_LANES; lane++) acc[lane] = bias ? bias[o] : 0;
                for (int s = 0; s < cv->height * cv->width; s++)
                    for (int i = 0; i < cl; i++) {
                        if (!phase_weight(cv, w, oy, ox, s / cv->width, s % cv->width, i, o, &p)) break;
                        for (int lane = 0; lane < CB_LANES; lane++)
                            acc[lane] = fmaf(x[(s * cl + i) * CB_LANES + lane], p, acc[lane]);
                    }
                memcpy(y + ((oy * cv->out_width + ox) * cs + o) * CB_LANES, acc, sizeof acc);
            }
}

/* Number of phases along an axis: parities of d*stride. */
static int parities(const cb_conv *cv) { return cv->stride % 2 ? 2 : 1; }

/* One phase of the sums of one source pixel and channel: outputs descending, since the source's tap then ascends. */
static void input_gradient_phase(const cb_conv *cv, const float *dy, const float *w, int qy, int qx, int sy, int sx, int i,
                                 float acc[CB_LANES]) {
    int cs = cv->c_small, step = parities(cv);
    float p;
    for (int oy = cv->out_height - 1; oy >= 0; oy--)
        for (int ox = cv->out_width - 1; ox >= 0; ox--)
            for (int o = 0; o < cs; o++) {
                if (oy % step != qy || ox % step != qx || !phase_weight(cv, w, oy, ox, sy, sx, i, o, &p)) break;
                for (int lane = 0; lane < CB_LANES; lane++)
                    acc[lane] = fmaf(dy[((oy * cv->out_width + ox) * cs + o) * CB_LANES + lane], p, acc[lane]);
            }
}

void cb_phases_input_gradient_ref(const cb_conv *cv, const float *dy, const float *w, float *dx) {
    for (int s = 0; s < cv->height * cv->width; s++)
        for (int i = 0; i < cv->c_large; i++, dx += CB_LANES) {
            memset(dx, 0, CB_LANES * sizeof *dx);
            for (int qy = 0; qy < parities(cv); qy++)
                for (int qx = 0; qx < parities(cv); qx++)
                    input_gradient_phase(cv, dy, w, qy, qx, s / cv->width, s % cv->width, i, dx);
        }
}

/* Gradient of channels i, o of the phase kernel (qy, qx) where it holds entry (ky, kx): over the outputs of the phase and
 * the source pixel that each of them has under the entry. */
static float entry_gradient(const cb_conv *cv, const float *x, size_t x_stride, const float *dy, size_t dy_stride,
                            size_t n_block, int qy, int qx, int ky, int kx, int i, int o) {
    float acc[CB_LANES] = {0};
    int step = parities(cv);
    for (size_t b = 0; b < n_block; b++)
        for (int oy = qy; oy < cv->out_height; oy += step)
            for (int ox = qx; ox < cv->out_width; ox += step) {
                int y = oy * cv->stride - cv->pad_y + ky, c = ox * cv->stride - cv->pad_x + kx;
                if (y < 0 || y >= 2 * cv->height || c < 0 || c >= 2 * cv->width) continue;
                const float *from = x + b * x_stride + ((y / 2 * cv->width + c / 2) * cv->c_large + i) * CB_LANES;
                const float *d = dy + b * dy_stride + ((oy * cv->out_width + ox) * cv->c_small + o) * CB_LANES;
                for (int lane = 0; lane < CB_LANES; lane++) acc[lane] = fmaf(d[lane], from[lane], acc[lane]);
            }
    return cb_lanes_sum(acc);
}

void cb_phases_weight_gradient_ref(const cb_conv *cv, const float *x, size_t x_stride, const float *dy, size_t dy_stride,
                                   size_t n_block, float *dw) {
    int step = parities(cv);
    for (int k = 0; k < cv->kernel * cv->kernel; k++)
        for (int i = 0; i < cv->c_large; i++)
            for (int o = 0; o < cv->c_small; o++, dw++)
                for (int q = 0; q < step * step; q++) {
                    float g = entry_gradient(cv, x, x_stride, dy, dy_stride, n_block, q / step, q % step, k / cv->kernel,
                                             k % cv->kernel, i, o);
                    *dw = q ? *dw + g : g;
                }
}
