#include "hgq_lanes.h"

#include <math.h>

#include "nn/isa.h"

/* ---- the build for this processor ---- */

CB_ISA_DECLARE(void, cb_hgq_lanes_quantize, const cb_hgq_format *, int, const float *, float *, float *, bool);
CB_ISA_DECLARE(void, cb_hgq_lanes_moments, const float *, size_t, size_t, int, double *, double *, float *);
CB_ISA_DECLARE(void, cb_hgq_head_block, const cb_hgq_head *, float *, uint16_t *, const float *, int, float *, float *,
               float *, cb_hgq_head_sums *);
CB_ISA_DECLARE(void, cb_hgq_first_forward, const cb_hgq_first *, const float *, const uint16_t *, float *, float *,
               uint16_t *, float *);
CB_ISA_DECLARE(void, cb_hgq_first_block, const cb_hgq_first *, const float *, const float *, const float *,
               const uint16_t *, int, const float *, cb_hgq_first_sums *);
CB_ISA_DECLARE(void, cb_hgq_totals, const float *const *, int, size_t, size_t, double *);
CB_ISA_DECLARE(void, cb_hgq_totals64, const double *const *, int, size_t, size_t, double *);
CB_ISA_DECLARE(void, cb_hgq_peaks, const float *const *, int, size_t, size_t, float *);
CB_ISA_DECLARE(void, cb_hgq_shards, const float *const *, int, size_t, size_t, float *);
CB_ISA_DECLARE(bool, cb_hgq_weights_quantize, const float *, const float *, const float *, size_t, float *);
CB_ISA_DECLARE(void, cb_hgq_weights_backward, const float *, const float *, const float *, const float *, const float *,
               size_t, float *, double *, double *);

void cb_hgq_lanes_quantize(const cb_hgq_format *t, int n, const float *x, float *q, float *peak, bool open) {
    static void (*const table[])(const cb_hgq_format *, int, const float *, float *, float *, bool) =
        CB_ISA_TABLE(cb_hgq_lanes_quantize);
    table[cb_isa()](t, n, x, q, peak, open);
}

void cb_hgq_lanes_moments(const float *q, size_t stride, size_t n_block, int n, double *sum, double *square, float *peak) {
    static void (*const table[])(const float *, size_t, size_t, int, double *, double *, float *) =
        CB_ISA_TABLE(cb_hgq_lanes_moments);
    table[cb_isa()](q, stride, n_block, n, sum, square, peak);
}

void cb_hgq_head_block(const cb_hgq_head *p, float *h, uint16_t *keep, const float *y, int live, float *q, float *out,
                       float *g, cb_hgq_head_sums *sums) {
    static void (*const table[])(const cb_hgq_head *, float *, uint16_t *, const float *, int, float *, float *, float *,
                                 cb_hgq_head_sums *) = CB_ISA_TABLE(cb_hgq_head_block);
    table[cb_isa()](p, h, keep, y, live, q, out, g, sums);
}

void cb_hgq_first_forward(const cb_hgq_first *p, const float *x, const uint16_t *keep, float *raw, float *q, uint16_t *on,
                          float *peak) {
    static void (*const table[])(const cb_hgq_first *, const float *, const uint16_t *, float *, float *, uint16_t *,
                                 float *) = CB_ISA_TABLE(cb_hgq_first_forward);
    table[cb_isa()](p, x, keep, raw, q, on, peak);
}

void cb_hgq_first_block(const cb_hgq_first *p, const float *x, const float *raw, const float *q, const uint16_t *on,
                        int live, const float *g, cb_hgq_first_sums *sums) {
    static void (*const table[])(const cb_hgq_first *, const float *, const float *, const float *, const uint16_t *, int,
                                 const float *, cb_hgq_first_sums *) = CB_ISA_TABLE(cb_hgq_first_block);
    table[cb_isa()](p, x, raw, q, on, live, g, sums);
}

void cb_hgq_totals(const float *const *part, int n_part, size_t from, size_t to, double *out) {
    static void (*const table[])(const float *const *, int, size_t, size_t, double *) = CB_ISA_TABLE(cb_hgq_totals);
    table[cb_isa()](part, n_part, from, to, out);
}

void cb_hgq_totals64(const double *const *part, int n_part, size_t from, size_t to, double *out) {
    static void (*const table[])(const double *const *, int, size_t, size_t, double *) = CB_ISA_TABLE(cb_hgq_totals64);
    table[cb_isa()](part, n_part, from, to, out);
}

void cb_hgq_peaks(const float *const *part, int n_part, size_t from, size_t to, float *out) {
    static void (*const table[])(const float *const *, int, size_t, size_t, float *) = CB_ISA_TABLE(cb_hgq_peaks);
    table[cb_isa()](part, n_part, from, to, out);
}

void cb_hgq_shards(const float *const *part, int n_part, size_t from, size_t to, float *out) {
    static void (*const table[])(const float *const *, int, size_t, size_t, float *) = CB_ISA_TABLE(cb_hgq_shards);
    table[cb_isa()](part, n_part, from, to, out);
}

bool cb_hgq_weights_quantize(const float *b, const float *i, const float *x, size_t n, float *y) {
    static bool (*const table[])(const float *, const float *, const float *, size_t, float *) =
        CB_ISA_TABLE(cb_hgq_weights_quantize);
    return table[cb_isa()](b, i, x, n, y);
}

void cb_hgq_weights_backward(const float *b, const float *i, const float *x, const float *y, const float *g, size_t n,
                             float *dx, double *di, double *db) {
    static void (*const table[])(const float *, const float *, const float *, const float *, const float *, size_t, float *,
                                 double *, double *) = CB_ISA_TABLE(cb_hgq_weights_backward);
    table[cb_isa()](b, i, x, y, g, n, dx, di, db);
}

/* ---- plain references ---- */

static float larger(float a, float b) { return a > b ? a : b; }

void cb_hgq_lanes_quantize_ref(const cb_hgq_format *t, int n, const float *x, float *q, float *peak, bool open) {
    for (int e = 0; e < n * CB_LANES; e++) {
        q[e] = cb_hgq_round(&t[e / CB_LANES], CB_RND, x[e]);
        if (peak) peak[e] = larger(fabsf(q[e]), peak[e]);
    }
}

void cb_hgq_lanes_moments_ref(const float *q, size_t stride, size_t n_block, int n, double *sum, double *square,
                              float *peak) {
    for (int e = 0; e < n * CB_LANES; e++) {
        sum[e] = square[e] = peak[e] = 0;
        for (size_t b = 0; b < n_block; b++) {
            double v = q[b * stride + (size_t)e];
            sum[e] += v;
            square[e] += v * v;
            peak[e] = larger(fabsf((float)v), peak[e]);
        }
    }
}

/* One element: adds to the sums, returns dL/dx. */
static float element_gradient(const cb_hgq_format *t, float x, float q, float g, float *di, float *df) {
    bool above = x > t->hi, below = x < t->lo;
    *df = fmaf(g, above ? t->df_hi : below ? t->df_lo : (float)CB_LN2 * (x - q), *df);
    if (!isinf(t->hi)) *di = fmaf(g, above ? t->di_hi : below ? t->di_lo : 0, *di);
    return above || below ? 0 : g;
}

static void head_lane(const cb_hgq_head *p, float *h, uint16_t *keep, const float *y, int l, bool live, float *q, float *out,
                      float *g, cb_hgq_head_sums *sums) {
    float acc = 0, d = 0;
    for (int j = 0; j < p->n; j++) {
        int at = j * CB_LANES + l;
        bool kept = keep[j] >> l & 1, on = kept && h[at] > 0;
        keep[j] = (uint16_t)((keep[j] & ~(1u << l)) | (unsigned)on << l);
        h[at] = on ? h[at] * p->factor : 0;
        q[at] = cb_hgq_round(&p->iq[j], CB_RND, h[at]);
        sums->peak[at] = larger(fabsf(q[at]), sums->peak[at]);
        acc = fmaf(q[at], p->kernel[j], acc);
    }
    out[l] = acc > 0 ? acc : 0;
    float e = out[l] - y[l];
    if (live) sums->loss += fabs((double)e);
    if (live && out[l] > 0) d = e > 0 ? p->share : e < 0 ? -p->share : 0;
    for (int j = 0; j < p->n; j++) {
        int at = j * CB_LANES + l;
        sums->kernel[at] = fmaf(q[at], d, sums->kernel[at]);
        float gj = element_gradient(&p->iq[j], h[at], q[at], d * p->kernel[j], &sums->iq.di[at], &sums->iq.df[at]);
        g[at] = keep[j] >> l & 1 ? gj * p->factor : 0;
    }
}

void cb_hgq_head_block_ref(const cb_hgq_head *p, float *h, uint16_t *keep, const float *y, int live, float *q, float *out,
                           float *g, cb_hgq_head_sums *sums) {
    for (int l = 0; l < CB_LANES; l++) head_lane(p, h, keep, y, l, l < live, q, out, g, sums);
}

void cb_hgq_first_forward_ref(const cb_hgq_first *p, const float *x, const uint16_t *keep, float *raw, float *q,
                              uint16_t *on, float *peak) {
    int nf = p->tile.filters, size = p->tile.kernel;
    for (int at = 0; at < p->tile.oh * p->tile.ow * nf; at++) {
        int o = at / nf, f = at % nf;
        unsigned bits = 0;
        for (int l = 0; l < CB_LANES; l++) {
            float acc = 0;
            for (int t = 0; t < size * size; t++) {
                int row = o / p->tile.ow * size + t / size, pixel = row * p->tile.width + o % p->tile.ow * size + t % size;
                float r = cb_hgq_round(&p->iq0[pixel], CB_RND, x[pixel * CB_LANES + l]);
                if (peak) peak[pixel * CB_LANES + l] = larger(fabsf(r), peak[pixel * CB_LANES + l]);
                acc = fmaf(r, p->kernel[t * nf + f], acc);
            }
            bool alive = keep[at] >> l & 1 && acc > 0;
            bits |= (unsigned)alive << l;
            raw[at * CB_LANES + l] = alive ? acc * p->factor : 0;
            q[at * CB_LANES + l] = cb_hgq_round(&p->iq1[at], CB_RND, raw[at * CB_LANES + l]);
        }
        on[at] = (uint16_t)bits;
    }
}

static float flat_gradient(const cb_hgq_first *p, int f, int l, bool live, const float *raw, const float *q, const float *g,
                           const cb_hgq_sums *sums) {
    int at = f * CB_LANES + l;
    float a = live ? g[at] + fmaf(p->slope[f], q[at] - p->mean[f], p->shift[f]) : 0;
    return element_gradient(&p->iq1[f], raw[at], q[at], a, &sums->di[at], &sums->df[at]);
}

/* All of one output pixel o of the convolution in one lane. */
static void first_pixel(const cb_hgq_first *p, int o, int l, bool live, const float *x, const float *raw, const float *q,
                        const uint16_t *on, const float *g, cb_hgq_first_sums *sums) {
    int nf = p->tile.filters, size = p->tile.kernel;
    float d[CB_TILE_FILTERS];
    for (int f = 0; f < nf; f++) {
        float v = flat_gradient(p, o * nf + f, l, live, raw, q, g, &sums->iq1) * p->factor;
        d[f] = on[o * nf + f] >> l & 1 ? v : 0;
    }
    for (int t = 0; t < size * size; t++) {
        int row = o / p->tile.ow * size + t / size, column = o % p->tile.ow * size + t % size;
        int pixel = row * p->tile.width + column, at = pixel * CB_LANES + l;
        float r = cb_hgq_round(&p->iq0[pixel], CB_RND, x[at]), sum = 0;
        for (int f = 0; f < nf; f++) {
            float *dk = &sums->kernel[(t * nf + f) * CB_LANES + l];
            *dk = fmaf(d[f], r, *dk);
            sum = fmaf(d[f], p->kernel[t * nf + f], sum);
        }
        (void)element_gradient(&p->iq0[pixel], x[at], r, sum, &sums->iq0.di[at], &sums->iq0.df[at]);
    }
}

void cb_hgq_first_block_ref(const cb_hgq_first *p, const float *x, const float *raw, const float *q, const uint16_t *on,
                            int live, const float *g, cb_hgq_first_sums *sums) {
    for (int l = 0; l < CB_LANES; l++)
        if (!p->conv)
            for (int f = 0; f < p->n_flat; f++) (void)flat_gradient(p, f, l, l < live, raw, q, g, &sums->iq1);
        else
            for (int o = 0; o < p->tile.oh * p->tile.ow; o++) first_pixel(p, o, l, l < live, x, raw, q, on, g, sums);
}

static double tree(double x[CB_LANES]) {
    for (int half = CB_LANES / 2; half; half /= 2)
        for (int l = 0; l < half; l++) x[l] += x[l + half];
    return x[0];
}

void cb_hgq_totals_ref(const float *const *part, int n_part, size_t from, size_t to, double *out) {
    for (size_t row = from; row < to; row++) {
        double x[CB_LANES] = {0};
        for (int e = 0; e < n_part * CB_LANES; e++) x[e % CB_LANES] += part[e / CB_LANES][row * CB_LANES + (size_t)(e % CB_LANES)];
        out[row] = tree(x);
    }
}

void cb_hgq_totals64_ref(const double *const *part, int n_part, size_t from, size_t to, double *out) {
    for (size_t row = from; row < to; row++) {
        double x[CB_LANES] = {0};
        for (int e = 0; e < n_part * CB_LANES; e++) x[e % CB_LANES] += part[e / CB_LANES][row * CB_LANES + (size_t)(e % CB_LANES)];
        out[row] = tree(x);
    }
}

void cb_hgq_peaks_ref(const float *const *part, int n_part, size_t from, size_t to, float *out) {
    for (size_t row = from; row < to; row++) {
        out[row] = part[0][row * CB_LANES];
        for (int e = 1; e < n_part * CB_LANES; e++)
            out[row] = larger(part[e / CB_LANES][row * CB_LANES + (size_t)(e % CB_LANES)], out[row]);
    }
}

void cb_hgq_shards_ref(const float *const *part, int n_part, size_t from, size_t to, float *out) {
    for (size_t e = from; e < to; e++) {
        double sum = 0;
        for (int p = 0; p < n_part; p++) sum += part[p][e];
        out[e] = (float)sum;
    }
}

/* Format of weight e. */
static cb_hgq_format weight_format(const float *b, const float *i, size_t e) {
    int ri = (int)rintf(i[e]), rb = (int)rintf(b[e]);
    return cb_hgq_format_make(1, ri, rb - ri, CB_SAT_SYM);
}

bool cb_hgq_weights_quantize_ref(const float *b, const float *i, const float *x, size_t n, float *y) {
    for (size_t e = 0; e < n; e++)
        if (!(fabsf(b[e]) < 60 && fabsf(i[e]) < 60)) return false;
    for (size_t e = 0; e < n; e++) {
        cb_hgq_format t = weight_format(b, i, e);
        y[e] = cb_hgq_round(&t, CB_RND, x[e]);
    }
    return true;
}

void cb_hgq_weights_backward_ref(const float *b, const float *i, const float *x, const float *y, const float *g,
                                 size_t n, float *dx, double *di, double *db) {
    for (size_t e = 0; e < n; e++) {
        cb_hgq_format t = weight_format(b, i, e);
        float side = x[e] > t.hi ? 1 : x[e] < t.lo ? -1 : 0;
        float pf = g[e] * (side != 0 ? side * t.df_hi : (float)CB_LN2 * (x[e] - y[e]));
        db[e] += pf;
        di[e] += g[e] * (side * t.di_hi) - pf;
        dx[e] = side != 0 ? 0 : g[e];
    }
}
