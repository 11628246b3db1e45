#include "nn/conv.h"

#include <math.h>

#include "nn/isa.h"

/* ---- dispatch ---- */

CB_ISA_DECLARE(void, cb_conv_gather, const cb_gather *, const float *, const float *, const float *, bool, int, int, float *);
CB_ISA_DECLARE(void, cb_bias_gradient_add, float *, const float *, int, int, float *);
CB_ISA_DECLARE(void, cb_conv_gradient_add, const cb_conv *, const float *, const float *, float *);
CB_ISA_DECLARE(void, cb_conv_gradient_end, const cb_conv *, const float *, float *);

static void gather(const cb_gather *g, const float *src, const float *w, const float *bias, bool relu, int c_src, int c_dst,
                   float *dst) {
    static void (*const table[])(const cb_gather *, const float *, const float *, const float *, bool, int, int, float *) =
        CB_ISA_TABLE(cb_conv_gather);
    table[cb_isa()](g, src, w, bias, relu, c_src, c_dst, dst);
}

void cb_conv_down(const cb_conv *cv, const float *large, const float *w, const float *bias, bool relu, float *small) {
    gather(&cv->down, large, w, bias, relu, cv->c_large, cv->c_small, small);
}

void cb_conv_up(const cb_conv *cv, const float *small, const float *wt, const float *bias, bool relu, float *large) {
    gather(&cv->up, small, wt, bias, relu, cv->c_small, cv->c_large, large);
}

void cb_conv_gradient_add(const cb_conv *cv, const float *large, const float *small, float *acc) {
    static void (*const table[])(const cb_conv *, const float *, const float *, float *) =
        CB_ISA_TABLE(cb_conv_gradient_add);
    table[cb_isa()](cv, large, small, acc);
}

void cb_conv_gradient_end(const cb_conv *cv, const float *acc, float *dw) {
    static void (*const table[])(const cb_conv *, const float *, float *) = CB_ISA_TABLE(cb_conv_gradient_end);
    table[cb_isa()](cv, acc, dw);
}

void cb_bias_gradient_add(float *dy, const float *y, int n_pos, int c, float *acc) {
    static void (*const table[])(float *, const float *, int, int, float *) = CB_ISA_TABLE(cb_bias_gradient_add);
    table[cb_isa()](dy, y, n_pos, c, acc);
}

/* ---- plain C ---- */

void cb_bias_gradient_add_ref(float *dy, const float *y, int n_pos, int c, float *acc) {
    for (int p = 0; p < n_pos; p++)
        for (int i = 0; i < c * CB_LANES; i++, dy++) {
            if (y && !(*y++ > 0)) *dy = 0;
            acc[i] += *dy;
        }
}

void cb_conv_swap(const float *w, int taps, int a, int b, float *wt) {
    for (int t = 0; t < taps; t++, w += a * b, wt += a * b)
        for (int i = 0; i < a; i++)
            for (int o = 0; o < b; o++) wt[o * a + i] = w[i * b + o];
}

void cb_bias_gradient_end(const float *acc, int c, float *db) {
    for (int i = 0; i < c; i++) db[i] = cb_lanes_sum(acc + i * CB_LANES);
}

void cb_conv_down_ref(const cb_conv *cv, const float *large, const float *w, const float *bias, float *small) {
    int cl = cv->c_large, cs = cv->c_small;
    for (int oy = 0; oy < cv->out_height; oy++)
        for (int ox = 0; ox < cv->out_width; ox++)
            for (int o = 0; o < cs; o++)
                for (int lane = 0; lane < CB_LANES; lane++) {
                    float acc = bias ? bias[o] : 0;
                    for (int ky = 0; ky < cv->kernel; ky++)
                        for (int kx = 0; kx < cv->kernel; kx++) {
                            int y = oy * cv->stride - cv->pad_y + ky, x = ox * cv->stride - cv->pad_x + kx;
                            if (y < 0 || y >= cv->height || x < 0 || x >= cv->width) continue;
                            const float *from = large + (y * cv->width + x) * cl * CB_LANES + lane;
                            const float *wk = w + (ky * cv->kernel + kx) * cl * cs + o;
                            for (int i = 0; i < cl; i++) acc = fmaf(from[i * CB_LANES], wk[i * cs], acc);
                        }
                    small[((oy * cv->out_width + ox) * cs + o) * CB_LANES + lane] = acc;
                }
}

void cb_conv_up_ref(const cb_conv *cv, const float *small, const float *wt, const float *bias, float *large) {
    int cl = cv->c_large, cs = cv->c_small;
    for (int y = 0; y < cv->height; y++)
        for (int x = 0; x < cv->width; x++)
            for (int i = 0; i < cl; i++)
                for (int lane = 0; lane < CB_LANES; lane++) {
                    float acc = bias ? bias[i] : 0;
                    for (int ky = 0; ky < cv->kernel; ky++)
                        for (int kx = 0; kx < cv->kernel; kx++) {
                            int sy = y + cv->pad_y - ky, sx = x + cv->pad_x - kx;
                            if (sy < 0 || sx < 0 || sy % cv->stride || sx % cv->stride) continue;
                            sy /= cv->stride;
                            sx /= cv->stride;
                            if (sy >= cv->out_height || sx >= cv->out_width) continue;
                            const float *from = small + (sy * cv->out_width + sx) * cs * CB_LANES + lane;
                            const float *wk = wt + (ky * cv->kernel + kx) * cl * cs + i;
                            for (int o = 0; o < cs; o++) acc = fmaf(from[o * CB_LANES], wk[o * cl], acc);
                        }
                    large[((y * cv->width + x) * cl + i) * CB_LANES + lane] = acc;
                }
}

/* Lane sums of one weight over all blocks and positions. */
static void weight_lanes(const cb_conv *cv, const float *large, size_t large_stride, const float *small,
                         size_t small_stride, size_t n_block, int ky, int kx, int i, int o, float acc[CB_LANES]) {
    for (size_t b = 0; b < n_block; b++)
        for (int oy = 0; oy < cv->out_height; oy++)
            for (int ox = 0; ox < cv->out_width; ox++) {
                int y = oy * cv->stride - cv->pad_y + ky, x = ox * cv->stride - cv->pad_x + kx;
                if (y < 0 || y >= cv->height || x < 0 || x >= cv->width) continue;
                const float *l = large + b * large_stride + ((y * cv->width + x) * cv->c_large + i) * CB_LANES;
                const float *s = small + b * small_stride + ((oy * cv->out_width + ox) * cv->c_small + o) * CB_LANES;
                for (int lane = 0; lane < CB_LANES; lane++) acc[lane] = fmaf(s[lane], l[lane], acc[lane]);
            }
}

void cb_conv_gradient_ref(const cb_conv *cv, const float *large, size_t large_stride, const float *small,
                          size_t small_stride, size_t n_block, float *dw) {
    for (int ky = 0; ky < cv->kernel; ky++)
        for (int kx = 0; kx < cv->kernel; kx++)
            for (int i = 0; i < cv->c_large; i++)
                for (int o = 0; o < cv->c_small; o++) {
                    float acc[CB_LANES] = {0};
                    weight_lanes(cv, large, large_stride, small, small_stride, n_block, ky, kx, i, o, acc);
                    *dw++ = cb_lanes_sum(acc);
                }
}
