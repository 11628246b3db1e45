#include "hgq_lanes.h"

#include "nn/isa.h"

CB_ISA_DECLARE(void, cb_hgq_lanes_quantize, const cb_hgq_format *, int, const float *, float *);
CB_ISA_DECLARE(void, cb_hgq_lanes_moments, const float *, int, double *, double *);
CB_ISA_DECLARE(void, cb_hgq_lanes_peak, const float *, int, float *);
CB_ISA_DECLARE(void, cb_hgq_lanes_normalise, const float *, int, const float *, const float *, const float *, float *);
CB_ISA_DECLARE(void, cb_hgq_lanes_backward, const cb_hgq_format *, int, const float *, const float *, const float *,
               float *, float *, float *);
CB_ISA_DECLARE(void, cb_hgq_lanes_conv, const cb_hgq_patch *, const float *, const float *, const float *, float *);
CB_ISA_DECLARE(void, cb_hgq_lanes_conv_backward, const cb_hgq_patch *, const float *, const float *, const float *,
               float, float *, float *, float *);

void cb_hgq_lanes_quantize(const cb_hgq_format *t, int n, const float *x, float *q) {
    static void (*const table[])(const cb_hgq_format *, int, const float *, float *) =
        CB_ISA_TABLE(cb_hgq_lanes_quantize);
    table[cb_isa()](t, n, x, q);
}

void cb_hgq_lanes_moments(const float *q, int n, double *sum, double *square) {
    static void (*const table[])(const float *, int, double *, double *) = CB_ISA_TABLE(cb_hgq_lanes_moments);
    table[cb_isa()](q, n, sum, square);
}

void cb_hgq_lanes_peak(const float *q, int n, float *peak) {
    static void (*const table[])(const float *, int, float *) = CB_ISA_TABLE(cb_hgq_lanes_peak);
    table[cb_isa()](q, n, peak);
}

void cb_hgq_lanes_normalise(const float *q, int n, const float *mean, const float *shift, const float *slope,
                            float *g) {
    static void (*const table[])(const float *, int, const float *, const float *, const float *, float *) =
        CB_ISA_TABLE(cb_hgq_lanes_normalise);
    table[cb_isa()](q, n, mean, shift, slope, g);
}

void cb_hgq_lanes_backward(const cb_hgq_format *t, int n, const float *x, const float *q, const float *g, float *dx,
                           float *di, float *df) {
    static void (*const table[])(const cb_hgq_format *, int, const float *, const float *, const float *, float *,
                                 float *, float *) = CB_ISA_TABLE(cb_hgq_lanes_backward);
    table[cb_isa()](t, n, x, q, g, dx, di, df);
}

void cb_hgq_lanes_conv(const cb_hgq_patch *p, const float *x, const float *k, const float *mask, float *y) {
    static void (*const table[])(const cb_hgq_patch *, const float *, const float *, const float *, float *) =
        CB_ISA_TABLE(cb_hgq_lanes_conv);
    table[cb_isa()](p, x, k, mask, y);
}

void cb_hgq_lanes_conv_backward(const cb_hgq_patch *p, const float *x, const float *k, const float *y, float scale,
                                float *g, float *dk, float *dx) {
    static void (*const table[])(const cb_hgq_patch *, const float *, const float *, const float *, float, float *,
                                 float *, float *) = CB_ISA_TABLE(cb_hgq_lanes_conv_backward);
    table[cb_isa()](p, x, k, y, scale, g, dk, dx);
}
