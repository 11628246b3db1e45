/* Geometry of convolutions: what each tap meets, and which positions are alike. */
#include <stdlib.h>

#include "nn/conv.h"

/* ---- taps of an axis ---- */

static int floor_divide(int a, int b) { return a >= 0 ? a / b : -((b - 1 - a) / b); }
/* Outputs after which the taps fall on source pixels in the same way again. */
static int period_of(const cb_conv *cv) { return cv->stride % cv->upsample ? cv->upsample : 1; }

/* Drops the outputs at both ends whose source lies outside the image. */
static void line_clip(cb_tap_line *l, int n_source) {
    for (; l->n && l->from < 0; l->n--) {
        l->to += l->to_step;
        l->from += l->from_step;
    }
    while (l->n && l->from + (l->n - 1) * l->from_step >= n_source) l->n--;
}

/* The taps of one axis. Output d reads the (upsampled) pixels d*stride - pad + k; those of one source pixel are
 * one tap. How they fall on source pixels repeats with the outputs: with a period of two where every second output
 * starts amid a pixel. Returns the number of taps, phase after phase. */
static int axis_lines(const cb_conv *cv, int n_source, int n_out, int pad, cb_tap_line *line) {
    int up = cv->upsample, period = period_of(cv), n = 0;
    for (int q = 0; q < period; q++)
        for (int k = 0, end; k < cv->kernel; k = end) {
            int from = floor_divide(q * cv->stride - pad + k, up);
            for (end = k + 1; end < cv->kernel && floor_divide(q * cv->stride - pad + end, up) == from;) end++;
            line[n] = (cb_tap_line){.kernel = k, .n_kernel = end - k, .phase = q, .to = q, .to_step = period, .from = from,
                                    .from_step = cv->stride * period / up, .n = (n_out - q + period - 1) / period};
            line_clip(&line[n++], n_source);
        }
    return n;
}

/* Both axes, and their pairs: phases ascending, within a phase rows, then columns. */
static int taps_plan(cb_conv *cv) {
    int period = period_of(cv), most = period * cv->kernel, n = 0;
    cv->line = cb_alloc(2 * (size_t)most, sizeof *cv->line);
    cv->tap = cb_alloc((size_t)most * (size_t)most, sizeof *cv->tap);
    if (!cv->line || !cv->tap) return -1;
    int ny = cv->n_line_y = axis_lines(cv, cv->height, cv->out_height, cv->pad_y, cv->line);
    const cb_tap_line *y = cv->line, *x = y + ny;
    int nx = cv->n_line_x = axis_lines(cv, cv->width, cv->out_width, cv->pad_x, cv->line + ny);
    for (int q = 0; q < period * period; q++) {
        cv->phase[q] = n;
        for (int ty = 0; ty < ny; ty++)
            for (int tx = 0; tx < nx; tx++)
                if (y[ty].phase == q / period && x[tx].phase == q % period) cv->tap[n++] = (cb_tap){y + ty, x + tx};
    }
    cv->n_phase = period * period;
    cv->phase[cv->n_phase] = cv->n_tap = n;
    return 0;
}

/* ---- positions that are alike ---- */

/* The destinations of an axis and the taps that reach them. */
typedef struct {
    int n, n_tap, n_class;
    const cb_tap_line *line; /* [n_tap] */
    int *taps;               /* [n][n_tap] source of each tap, -1 = none */
    int *class, *lead;       /* [n] class of each; [n_class] its first member */
} axis;

/* Two destinations are alike when the same taps hit, at the same distances. */
static bool axis_alike(const int *a, const int *b, int n_tap) {
    int shift = 0;
    bool known = false;
    for (int k = 0; k < n_tap; k++) {
        if ((a[k] < 0) != (b[k] < 0)) return false;
        if (a[k] < 0) continue;
        if (known && b[k] - a[k] != shift) return false;
        shift = b[k] - a[k];
        known = true;
    }
    return true;
}

static void axis_sources(const axis *a, bool down) {
    for (int i = 0; i < a->n * a->n_tap; i++) a->taps[i] = -1;
    for (int t = 0; t < a->n_tap; t++)
        for (int j = 0; j < a->line[t].n; j++) {
            int to = a->line[t].to + j * a->line[t].to_step, from = a->line[t].from + j * a->line[t].from_step;
            a->taps[(down ? to : from) * a->n_tap + t] = down ? from : to;
        }
}

static int axis_begin(axis *a, const cb_tap_line *line, int n_tap, bool down, int n) {
    *a = (axis){.n = n, .n_tap = n_tap, .line = line};
    a->taps = cb_alloc((size_t)n * (size_t)n_tap, sizeof *a->taps);
    a->class = cb_alloc((size_t)n, sizeof *a->class);
    a->lead = cb_alloc((size_t)n, sizeof *a->lead);
    if (!a->taps || !a->class || !a->lead) return -1;
    axis_sources(a, down);
    for (int d = 0; d < n; d++) {
        int c = 0;
        while (c < a->n_class && !axis_alike(a->taps + a->lead[c] * n_tap, a->taps + d * n_tap, n_tap)) c++;
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

/* Source of tap line l at destination d, -1 if none. */
static int axis_source(const axis *a, int d, const cb_tap_line *l) { return a->taps[d * a->n_tap + (int)(l - a->line)]; }

/* Source index of the first tap that hits, 0 if none does. */
static int axis_base(const axis *a, int d) {
    for (int k = 0; k < a->n_tap; k++)
        if (a->taps[d * a->n_tap + k] >= 0) return a->taps[d * a->n_tap + k];
    return 0;
}

/* ---- gathers ---- */

/* One group: class cy of rows with class cx of columns. Returns the storage behind it. */
static int *group_fill(cb_tap_group *g, const cb_conv *cv, const axis *ay, const axis *ax, int cy, int cx, int src_width,
                       int *store) {
    int ly = ay->lead[cy], lx = ax->lead[cx], base = axis_base(ay, ly) * src_width + axis_base(ax, lx);
    int *tap = store, *offset = store + cv->n_tap, *pos = store + 2 * cv->n_tap;
    for (int t = 0; t < cv->n_tap; t++) {
        int sy = axis_source(ay, ly, cv->tap[t].y), sx = axis_source(ax, lx, cv->tap[t].x);
        if (sy < 0 || sx < 0) continue;
        tap[g->n_tap] = t;
        offset[g->n_tap++] = sy * src_width + sx - base;
    }
    for (int y = 0; y < ay->n; y++)
        for (int x = 0; x < ax->n; x++) g->n_pos += ay->class[y] == cy && ax->class[x] == cx;
    int *first = pos, *dst = pos, *from = pos + g->n_pos;
    for (int y = 0; y < ay->n; y++)
        for (int x = 0; x < ax->n; x++)
            if (ay->class[y] == cy && ax->class[x] == cx) {
                *dst++ = y * ax->n + x;
                *from++ = axis_base(ay, y) * src_width + axis_base(ax, x);
            }
    g->tap = tap;
    g->offset = offset;
    g->dst = first;
    g->base = first + g->n_pos;
    return from;
}

static int gather_plan(cb_gather *g, const cb_conv *cv, bool down) {
    int dh = down ? cv->out_height : cv->height, dw = down ? cv->out_width : cv->width;
    int sw = down ? cv->width : cv->out_width, rc = -1;
    int ny = cv->n_line_y, nx = cv->n_line_x;
    axis ay = {0}, ax = {0};
    if (axis_begin(&ay, cv->line, ny, down, dh) || axis_begin(&ax, cv->line + ny, nx, down, dw)) goto out;
    size_t groups = (size_t)ay.n_class * (size_t)ax.n_class;
    g->group = cb_alloc(groups, sizeof *g->group);
    g->storage = cb_alloc(groups * 2 * (size_t)cv->n_tap + 2 * (size_t)dh * (size_t)dw, sizeof *g->storage);
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

double cb_conv_products(const cb_conv *cv) {
    double n = 0;
    for (const cb_tap_group *g = cv->down.group; g < cv->down.group + cv->down.n_group; g++)
        n += (double)g->n_tap * (double)g->n_pos;
    return n * cv->c_large * cv->c_small;
}

/* ---- convolutions ---- */

/* TensorFlow's "same": ceil(n/stride) outputs, smaller half of the padding before. */
static int same_pad(int n, int kernel, int stride) {
    int out = (n + stride - 1) / stride, total = (out - 1) * stride + kernel - n;
    return total > 0 ? total / 2 : 0;
}

static cb_conv *conv_new(int height, int width, int c_large, int c_small, int kernel, int stride, bool same, int upsample) {
    if (height < 1 || width < 1 || c_large < 1 || c_small < 1 || kernel < 1 || stride < 1)
        return cb_fail_null("convolution of a %dx%dx%d image with %d filters %dx%d, stride %d: all must be positive",
                            height, width, c_large, c_small, kernel, kernel, stride);
    int h = upsample * height, w = upsample * width;
    if (!same && (kernel > h || kernel > w))
        return cb_fail_null("convolution %dx%d without padding does not fit a %dx%d image", kernel, kernel, h, w);
    cb_conv *cv = cb_alloc(1, sizeof *cv);
    if (!cv) return NULL;
    *cv = (cb_conv){.height = height, .width = width, .c_large = c_large, .c_small = c_small, .kernel = kernel,
                    .stride = stride, .upsample = upsample};
    cv->out_height = same ? (h + stride - 1) / stride : (h - kernel) / stride + 1;
    cv->out_width = same ? (w + stride - 1) / stride : (w - kernel) / stride + 1;
    cv->pad_y = same ? same_pad(h, kernel, stride) : 0;
    cv->pad_x = same ? same_pad(w, kernel, stride) : 0;
    if (taps_plan(cv) || gather_plan(&cv->down, cv, true) || gather_plan(&cv->up, cv, false)) {
        cb_conv_free(cv);
        return NULL;
    }
    return cv;
}

cb_conv *cb_conv_new(int height, int width, int c_large, int c_small, int kernel, int stride, bool same) {
    return conv_new(height, width, c_large, c_small, kernel, stride, same, 1);
}

cb_conv *cb_conv_new_upsampled(int height, int width, int c_large, int c_small, int kernel, int stride, bool same) {
    return conv_new(height, width, c_large, c_small, kernel, stride, same, 2);
}

void cb_conv_free(cb_conv *cv) {
    if (!cv) return;
    free(cv->line);
    free(cv->tap);
    free(cv->down.group);
    free(cv->down.storage);
    free(cv->up.group);
    free(cv->up.storage);
    free(cv);
}
