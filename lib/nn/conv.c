#include "nn/conv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/isa.h"

/* ---- geometry ---- */

/* The taps k of one axis that reach destination d: source index per tap, -1 = none. */
static void axis_taps(const cb_conv *cv, bool down, int d, int pad, int n_src, int *src) {
    for (int k = 0; k < cv->kernel; k++) {
        int s = down ? d * cv->stride - pad + k : d + pad - k;
        bool hit = down || (s >= 0 && s % cv->stride == 0);
        if (!down) s /= cv->stride;
        src[k] = hit && s >= 0 && s < n_src ? s : -1;
    }
}

/* Two destinations are alike when the same taps hit, at the same distances. */
static bool axis_alike(const int *a, const int *b, int kernel) {
    int shift = 0;
    bool known = false;
    for (int k = 0; k < kernel; k++) {
        if ((a[k] < 0) != (b[k] < 0)) return false;
        if (a[k] < 0) continue;
        if (known && b[k] - a[k] != shift) return false;
        shift = b[k] - a[k];
        known = true;
    }
    return true;
}

typedef struct {
    int n, n_class;   /* destinations of the axis, classes of them */
    int *taps;        /* [n][kernel] */
    int *class, *lead; /* [n] class of each; [n_class] its first member */
} axis;

static int axis_begin(axis *a, const cb_conv *cv, bool down, int n, int pad, int n_src) {
    *a = (axis){.n = n};
    a->taps = cb_alloc((size_t)n * (size_t)cv->kernel, sizeof *a->taps);
    a->class = cb_alloc((size_t)n, sizeof *a->class);
    a->lead = cb_alloc((size_t)n, sizeof *a->lead);
    if (!a->taps || !a->class || !a->lead) return -1;
    for (int d = 0; d < n; d++) {
        axis_taps(cv, down, d, pad, n_src, a->taps + d * cv->kernel);
        int c = 0;
        while (c < a->n_class && !axis_alike(a->taps + a->lead[c] * cv->kernel, a->taps + d * cv->kernel, cv->kernel))
            c++;
        if (c == a->n_class) a->lead[a->n_class++] = d;
        a->class[d] = c;
    }
    return 0;
}

static void axis_end(axis *a) {
    free(a->taps);
    free(a->class);
    free(a->lead);
}

/* Source index of the first tap that hits, 0 if none does. */
static int axis_base(const axis *a, int d, int kernel) {
    for (int k = 0; k < kernel; k++)
        if (a->taps[d * kernel + k] >= 0) return a->taps[d * kernel + k];
    return 0;
}

/* One group: class cy of rows with class cx of columns. Returns the storage used. */
static int *group_fill(cb_tap_group *g, const cb_conv *cv, const axis *ay, const axis *ax, int cy, int cx, int src_width,
                       int *store) {
    int kernel = cv->kernel, ly = ay->lead[cy], lx = ax->lead[cx];
    int base = axis_base(ay, ly, kernel) * src_width + axis_base(ax, lx, kernel);
    int *tap = store, *offset = store + kernel * kernel, *pos = store + 2 * kernel * kernel;
    for (int ky = 0; ky < kernel; ky++)
        for (int kx = 0; kx < kernel; kx++) {
            int sy = ay->taps[ly * kernel + ky], sx = ax->taps[lx * kernel + kx];
            if (sy < 0 || sx < 0) continue;
            tap[g->n_tap] = ky * kernel + kx;
            offset[g->n_tap++] = sy * src_width + sx - base;
        }
    for (int y = 0; y < ay->n; y++)
        for (int x = 0; x < ax->n; x++) g->n_pos += ay->class[y] == cy && ax->class[x] == cx;
    int *first = pos, *dst = pos, *from = pos + g->n_pos;
    for (int y = 0; y < ay->n; y++)
        for (int x = 0; x < ax->n; x++)
            if (ay->class[y] == cy && ax->class[x] == cx) {
                *dst++ = y * ax->n + x;
                *from++ = axis_base(ay, y, kernel) * src_width + axis_base(ax, x, kernel);
            }
    g->tap = tap;
    g->offset = offset;
    g->dst = first;
    g->base = first + g->n_pos;
    return from;
}

static int gather_plan(cb_gather *g, const cb_conv *cv, bool down) {
    int dh = down ? cv->out_height : cv->height, dw = down ? cv->out_width : cv->width;
    int sh = down ? cv->height : cv->out_height, sw = down ? cv->width : cv->out_width;
    axis ay = {0}, ax = {0};
    int rc = -1;
    if (axis_begin(&ay, cv, down, dh, cv->pad_y, sh) || axis_begin(&ax, cv, down, dw, cv->pad_x, sw)) goto out;
    size_t groups = (size_t)ay.n_class * (size_t)ax.n_class, taps = (size_t)cv->kernel * (size_t)cv->kernel;
    g->group = cb_alloc(groups, sizeof *g->group);
    g->storage = cb_alloc(groups * 2 * taps + 2 * (size_t)dh * (size_t)dw, sizeof *g->storage);
    if (!g->group || !g->storage) goto out;
    int *store = g->storage;
    for (int cy = 0; cy < ay.n_class; cy++)
        for (int cx = 0; cx < ax.n_class; cx++)
            store = group_fill(&g->group[g->n_group++], cv, &ay, &ax, cy, cx, sw, store);
    rc = 0;
out:
    axis_end(&ay);
    axis_end(&ax);
    return rc;
}

/* TensorFlow's "same": ceil(n/stride) outputs, smaller half of the padding before. */
static int same_pad(int n, int kernel, int stride) {
    int out = (n + stride - 1) / stride, total = (out - 1) * stride + kernel - n;
    return total > 0 ? total / 2 : 0;
}

cb_conv *cb_conv_new(int height, int width, int c_large, int c_small, int kernel, int stride, bool same) {
    if (height < 1 || width < 1 || c_large < 1 || c_small < 1 || kernel < 1 || stride < 1)
        return cb_fail_null("convolution of a %dx%dx%d image with %d filters %dx%d, stride %d: all must be positive",
                            height, width, c_large, c_small, kernel, kernel, stride);
    if (!same && (kernel > height || kernel > width))
        return cb_fail_null("convolution %dx%d without padding does not fit a %dx%d image", kernel, kernel, height, width);
    cb_conv *cv = cb_alloc(1, sizeof *cv);
    if (!cv) return NULL;
    *cv = (cb_conv){.height = height, .width = width, .c_large = c_large, .c_small = c_small, .kernel = kernel, .stride = stride};
    cv->out_height = same ? (height + stride - 1) / stride : (height - kernel) / stride + 1;
    cv->out_width = same ? (width + stride - 1) / stride : (width - kernel) / stride + 1;
    cv->pad_y = same ? same_pad(height, kernel, stride) : 0;
    cv->pad_x = same ? same_pad(width, kernel, stride) : 0;
    if (gather_plan(&cv->down, cv, true) || gather_plan(&cv->up, cv, false)) {
        cb_conv_free(cv);
        return NULL;
    }
    return cv;
}

void cb_conv_free(cb_conv *cv) {
    if (!cv) return;
    free(cv->down.group);
    free(cv->down.storage);
    free(cv->up.group);
    free(cv->up.storage);
    free(cv);
}

/* ---- dispatch ---- */

CB_ISA_DECLARE(void, cb_conv_gather, const cb_gather *, const float *, const float *, const float *, int, int, float *);
CB_ISA_DECLARE(void, cb_conv_gradient_add, const cb_conv *, const float *, const float *, float *);
CB_ISA_DECLARE(void, cb_conv_gradient_end, const cb_conv *, const float *, float *);

static void gather(const cb_gather *g, const float *src, const float *w, const float *bias, int c_src, int c_dst,
                   float *dst) {
    static void (*const table[])(const cb_gather *, const float *, const float *, const float *, int, int, float *) =
        CB_ISA_TABLE(cb_conv_gather);
    table[cb_isa()](g, src, w, bias, c_src, c_dst, dst);
}

void cb_conv_down(const cb_conv *cv, const float *large, const float *w, const float *bias, float *small) {
    gather(&cv->down, large, w, bias, cv->c_large, cv->c_small, small);
}

void cb_conv_up(const cb_conv *cv, const float *small, const float *wt, const float *bias, float *large) {
    gather(&cv->up, small, wt, bias, cv->c_small, cv->c_large, large);
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

/* ---- plain C ---- */

void cb_conv_swap(const float *w, int taps, int a, int b, float *wt) {
    for (int t = 0; t < taps; t++, w += a * b, wt += a * b)
        for (int i = 0; i < a; i++)
            for (int o = 0; o < b; o++) wt[o * a + i] = w[i * b + o];
}

void cb_bias_gradient_add(const float *dy, int n_pos, int c, float *acc) {
    for (int p = 0; p < n_pos; p++)
        for (int i = 0; i < c * CB_LANES; i++) acc[i] += *dy++;
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
