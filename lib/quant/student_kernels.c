#include "quant/student_kernels.h"

#include <math.h>

#include "base/rng.h"
#include "nn/isa.h"

/* ---- the build for this processor ---- */

CB_ISA_DECLARE(void, cb_dropout_bits, const uint32_t[2], uint64_t, uint32_t, int, uint16_t *);
CB_ISA_DECLARE(void, cb_relu_drop, const cb_relu_rule *, const float *, const uint16_t *, float, int, float *, uint16_t *);
CB_ISA_DECLARE(void, cb_tile_forward, const cb_tile_conv *, const cb_relu_rule *, const float *, const float *,
               const uint16_t *, float, float *, uint16_t *);
CB_ISA_DECLARE(void, cb_tile_gradient, const cb_tile_conv *, const float *, const float *, const uint16_t *, float, float *);
CB_ISA_DECLARE(void, cb_column_moments, const float *, int, int, double *, double *);
CB_ISA_DECLARE(void, cb_fold_rows, const float *, const double *, double, double, int, int, float *);
CB_ISA_DECLARE(void, cb_column_gradient, const cb_column *, const float *, int, int, float *, float *);
CB_ISA_DECLARE(void, cb_head_block, const cb_head *, const float *, const float *, uint16_t *, const float *, int, float *,
               float *, float *, float *, cb_head_sums *);

void cb_dropout_bits(const uint32_t key[2], uint64_t index, uint32_t threshold, int n, uint16_t *keep) {
    static void (*const table[])(const uint32_t[2], uint64_t, uint32_t, int, uint16_t *) = CB_ISA_TABLE(cb_dropout_bits);
    table[cb_isa()](key, index, threshold, n, keep);
}

void cb_relu_drop(const cb_relu_rule *q, const float *x, const uint16_t *keep, float factor, int n, float *value,
                  uint16_t *slope) {
    static void (*const table[])(const cb_relu_rule *, const float *, const uint16_t *, float, int, float *, uint16_t *) =
        CB_ISA_TABLE(cb_relu_drop);
    table[cb_isa()](q, x, keep, factor, n, value, slope);
}

void cb_tile_forward(const cb_tile_conv *c, const cb_relu_rule *q, const float *image, const float *w,
                     const uint16_t *keep, float factor, float *out, uint16_t *slope) {
    static void (*const table[])(const cb_tile_conv *, const cb_relu_rule *, const float *, const float *,
                                 const uint16_t *, float, float *, uint16_t *) = CB_ISA_TABLE(cb_tile_forward);
    table[cb_isa()](c, q, image, w, keep, factor, out, slope);
}

void cb_tile_gradient(const cb_tile_conv *c, const float *image, const float *d, const uint16_t *slope, float factor,
                      float *lanes) {
    static void (*const table[])(const cb_tile_conv *, const float *, const float *, const uint16_t *, float, float *) =
        CB_ISA_TABLE(cb_tile_gradient);
    table[cb_isa()](c, image, d, slope, factor, lanes);
}

void cb_column_moments(const float *z, int n, int live, double *sum, double *square) {
    static void (*const table[])(const float *, int, int, double *, double *) = CB_ISA_TABLE(cb_column_moments);
    table[cb_isa()](z, n, live, sum, square);
}

void cb_fold_rows(const float *w, const double *scale, double step, double last, int rows, int n, float *k) {
    static void (*const table[])(const float *, const double *, double, double, int, int, float *) =
        CB_ISA_TABLE(cb_fold_rows);
    table[cb_isa()](w, scale, step, last, rows, n, k);
}

void cb_column_gradient(const cb_column *c, const float *z, int n, int live, float *g, float *pair) {
    static void (*const table[])(const cb_column *, const float *, int, int, float *, float *) =
        CB_ISA_TABLE(cb_column_gradient);
    table[cb_isa()](c, z, n, live, g, pair);
}

void cb_head_block(const cb_head *h, const float *a, const float *z, uint16_t *keep, const float *y, int live,
                   float *hidden, float *score, float *g, float *dense, cb_head_sums *sums) {
    static void (*const table[])(const cb_head *, const float *, const float *, uint16_t *, const float *, int, float *,
                                 float *, float *, float *, cb_head_sums *) = CB_ISA_TABLE(cb_head_block);
    table[cb_isa()](h, a, z, keep, y, live, hidden, score, g, dense, sums);
}

/* ---- plain references ---- */

void cb_dropout_bits_ref(const uint32_t key[2], uint64_t index, uint32_t threshold, int n, uint16_t *keep) {
    for (int f = 0; f < n; f++) {
        unsigned bits = 0;
        for (int l = 0; l < CB_LANES; l++) {
            uint32_t counter[4] = {(uint32_t)(f / 8 * CB_LANES + l), 0, (uint32_t)index, (uint32_t)(index >> 32)}, out[4];
            cb_philox(counter, key, out);
            uint32_t u = f % 2 ? out[f % 8 / 2] >> 16 : out[f % 8 / 2] & 0xFFFF;
            bits |= (unsigned)(u >= threshold) << l;
        }
        keep[f] = (uint16_t)bits;
    }
}

/* One value; *slope: whether its slope is 1. */
static float relu_one(const cb_relu_rule *q, float factor, float x, bool keep, bool *slope) {
    *slope = keep && x > 0 && !(x > q->top);
    if (!keep) return 0;
    float v = x > 0 ? x : 0;
    if (!q->quantized) return v * factor;
    v *= q->scale;
    return rintf(v < q->last ? v : q->last) * (q->step * factor);
}

static void set_bit(uint16_t *bits, int lane, bool on) {
    *bits = (uint16_t)((*bits & ~(1u << lane)) | (unsigned)on << lane);
}

void cb_relu_drop_ref(const cb_relu_rule *q, const float *x, const uint16_t *keep, float factor, int n, float *value,
                      uint16_t *slope) {
    for (int f = 0; f < n; f++) {
        uint16_t kept = keep ? keep[f] : 0xFFFF;
        for (int l = 0; l < CB_LANES; l++) {
            bool on;
            value[f * CB_LANES + l] = relu_one(q, factor, x[f * CB_LANES + l], kept >> l & 1, &on);
            set_bit(&slope[f], l, on);
        }
    }
}

/* Image row of 16 lanes under tap t of output pixel p. */
static const float *under(const cb_tile_conv *c, const float *image, int p, int t) {
    int row = p / c->ow * c->kernel + t / c->kernel, column = p % c->ow * c->kernel + t % c->kernel;
    return image + (row * c->width + column) * CB_LANES;
}

void cb_tile_forward_ref(const cb_tile_conv *c, const cb_relu_rule *q, const float *image, const float *w,
                         const uint16_t *keep, float factor, float *out, uint16_t *slope) {
    for (int p = 0; p < c->oh * c->ow; p++)
        for (int f = 0; f < c->filters; f++) {
            int at = p * c->filters + f;
            for (int l = 0; l < CB_LANES; l++) {
                float acc = 0;
                for (int t = 0; t < c->kernel * c->kernel; t++)
                    acc = fmaf(under(c, image, p, t)[l], w[t * c->filters + f], acc);
                out[at * CB_LANES + l] = acc;
            }
            uint16_t on;
            cb_relu_drop_ref(q, out + at * CB_LANES, keep ? keep + at : NULL, factor, 1, out + at * CB_LANES, &on);
            if (slope) slope[at] = on;
        }
}

void cb_tile_gradient_ref(const cb_tile_conv *c, const float *image, const float *d, const uint16_t *slope,
                          float factor, float *lanes) {
    for (int p = 0; p < c->oh * c->ow; p++)
        for (int t = 0; t < c->kernel * c->kernel; t++)
            for (int f = 0; f < c->filters; f++)
                for (int l = 0; l < CB_LANES; l++) {
                    int at = p * c->filters + f;
                    float g = slope[at] >> l & 1 ? d[at * CB_LANES + l] * factor : 0;
                    float *sum = &lanes[(t * c->filters + f) * CB_LANES + l];
                    *sum = fmaf(g, under(c, image, p, t)[l], *sum);
                }
}

void cb_column_moments_ref(const float *z, int n, int live, double *sum, double *square) {
    for (int j = 0; j < n; j++)
        for (int l = 0; l < live; l++) {
            double v = z[j * CB_LANES + l];
            sum[j * CB_LANES + l] += v;
            square[j * CB_LANES + l] += v * v;
        }
}

void cb_fold_rows_ref(const float *w, const double *scale, double step, double last, int rows, int n, float *k) {
    for (int e = 0; e < rows * n; e++) {
        double v = scale[e % n] * w[e];
        if (last >= 0) v = rint(fmax(-last, fmin(last, v / step))) * step + 0.0; /* never -0 */
        k[e] = (float)v;
    }
}

void cb_column_gradient_ref(const cb_column *c, const float *z, int n, int live, float *g, float *pair) {
    for (int j = 0; j < n; j++)
        for (int l = 0; l < CB_LANES; l++) {
            int e = j * CB_LANES + l;
            float d = l < live ? fmaf(c[j].dvar, z[e] - c[j].mean, c[j].dmu) : 0, was = g[e];
            g[e] = fmaf(c[j].direct, was, d);
            pair[e] = c[j].rho * was;
            pair[n * CB_LANES + e] = d;
        }
}

/* One event, lane l. */
static void head_lane(const cb_head *h, const float *a, const float *z, uint16_t *keep, const float *y, int l, bool live,
                      float *hidden, float *score, float *g, float *dense, cb_head_sums *sums) {
    float acc = 0, d = 0;
    int plane = h->n * CB_LANES;
    for (int j = 0; j < h->n; j++) {
        float v = fmaf(a[j * CB_LANES + l], h->rho[j], h->bias[j]);
        bool on;
        if (dense) dense[j * CB_LANES + l] = v;
        hidden[j * CB_LANES + l] = v = relu_one(&h->relu, h->factor, v, keep[j] >> l & 1, &on);
        set_bit(&keep[j], l, on);
        acc = fmaf(v, h->out[j], acc);
    }
    bool end;
    score[l] = relu_one(&h->last, 1, acc, true, &end);
    float e = score[l] - y[l];
    if (live) sums->loss += fabs((double)e);
    if (live && end) d = e > 0 ? h->share : e < 0 ? -h->share : 0;
    for (int j = 0; j < h->n; j++) {
        int at = j * CB_LANES + l;
        double aj = a[at], mean = h->column[j].mean;
        sums->out[at] = fmaf(hidden[at], d, sums->out[at]);
        g[at] = keep[j] >> l & 1 ? d * h->out[j] * h->factor : 0;
        sums->column[at] += g[at];
        sums->column[plane + at] += g[at] * aj;
        sums->column[2 * plane + at] += g[at] * (z[at] - mean);
    }
}

void cb_head_block_ref(const cb_head *h, const float *a, const float *z, uint16_t *keep, const float *y, int live,
                       float *hidden, float *score, float *g, float *dense, cb_head_sums *sums) {
    for (int l = 0; l < CB_LANES; l++) head_lane(h, a, z, keep, y, l, l < live, hidden, score, g, dense, sums);
}
