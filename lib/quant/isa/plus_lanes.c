/* Kernels of hgq+ training; contract in quant/plus_lanes.h. Loops over 16 lanes that any compiler
 * turns into vectors; a value below 2^24 is floored by way of an integer. */
#include "quant/plus_lanes.h"

#include <string.h>

#include "nn/isa.h"

#define lanes_sums CB_ISA_FN(cb_plus_lanes_sums)
#define lanes_sums_backward CB_ISA_FN(cb_plus_lanes_sums_backward)
#define lanes_quantize CB_ISA_FN(cb_plus_lanes_quantize)
#define lanes_backward CB_ISA_FN(cb_plus_lanes_backward)
void lanes_sums(const cb_plus_sums *p, const float *x, float *u);
void lanes_sums_backward(const cb_plus_sums *p, const float *x, const float *g, float *di, float *df);
void lanes_quantize(const cb_hgq_format *t, int n, float half, const float *x, float *q);
void lanes_backward(const cb_hgq_format *t, int n, const float *x, const float *q, const float *g, float *dx, float *di,
                    float *df);

enum { LANES = 16 };

static inline float quantize(float x, float hi, float scale, float step, float half) {
    float v = x > 0 ? x : 0;
    v = v < hi ? v : hi;
    return (float)(int)(v * scale + half) * step;
}

void lanes_sums(const cb_plus_sums *p, const float *x, float *u) {
    memset(u, 0, (size_t)p->n_group * LANES * sizeof *u);
    for (int e = 0; e < p->n_pixel * p->n_view; e++) {
        const cb_hgq_format *t = &p->format[e];
        const float *in = x + e / p->n_view * LANES;
        float *sum = u + p->group[e] * LANES, hi = t->hi, scale = t->scale, step = t->step, half = p->half;
        int mask = p->wrap[e];
        if (mask >= 0)
            for (int k = 0; k < LANES; k++) sum[k] += (float)((int)(in[k] * scale + half) & mask) * step;
        else if (hi > 0)
            for (int k = 0; k < LANES; k++) sum[k] += quantize(in[k], hi, scale, step, half);
    }
    for (int k = 0; k < p->n_group * LANES; k++) u[k] *= p->unit;
}

void lanes_sums_backward(const cb_plus_sums *p, const float *x, const float *g, float *restrict di, float *restrict df) {
    const float ln2 = (float)CB_LN2;
    for (int e = 0; e < p->n_pixel * p->n_view; e++, di += LANES, df += LANES) {
        const cb_hgq_format *t = &p->format[e];
        const float *in = x + e / p->n_view * LANES, *gu = g + p->group[e] * LANES;
        if (p->wrap[e] >= 0) continue;
        float hi = t->hi, scale = t->scale, step = t->step, half = p->half, top_i = t->di_hi, top_f = t->df_hi;
        for (int k = 0; k < LANES; k++) {
            float v = in[k], gk = gu[k] * p->unit, q = quantize(v, hi, scale, step, half);
            float pf = v > hi ? top_f : ln2 * (v - q), pi = v > hi ? top_i : 0;
            df[k] += gk * pf;
            di[k] += gk * pi;
        }
    }
}

void lanes_quantize(const cb_hgq_format *t, int n, float half, const float *x, float *q) {
    for (int e = 0; e < n; e++, x += LANES, q += LANES) {
        float hi = t[e].hi, scale = t[e].scale, step = t[e].step;
        for (int k = 0; k < LANES; k++) q[k] = quantize(x[k], hi, scale, step, half);
    }
}

void lanes_backward(const cb_hgq_format *t, int n, const float *x, const float *q, const float *g, float *dx,
                    float *restrict di, float *restrict df) {
    const float ln2 = (float)CB_LN2;
    for (int e = 0; e < n; e++, x += LANES, q += LANES, g += LANES, dx += LANES, di += LANES, df += LANES) {
        float hi = t[e].hi, top_i = t[e].di_hi, top_f = t[e].df_hi;
        for (int k = 0; k < LANES; k++) {
            float v = x[k], gk = v > 0 ? g[k] : 0;
            float pf = v > hi ? top_f : ln2 * (v - q[k]), pi = v > hi ? top_i : 0;
            df[k] += gk * pf;
            di[k] += gk * pi;
            dx[k] = v > hi ? 0 : gk;
        }
    }
}
