#include "plus_lanes.h"

#include "nn/isa.h"

CB_ISA_DECLARE(void, cb_plus_lanes_sums, const cb_plus_sums *, const float *, float *);
CB_ISA_DECLARE(void, cb_plus_lanes_sums_backward, const cb_plus_sums *, const float *, const float *, float *, float *);
CB_ISA_DECLARE(void, cb_plus_lanes_quantize, const cb_hgq_format *, int, float, const float *, float *);
CB_ISA_DECLARE(void, cb_plus_lanes_backward, const cb_hgq_format *, int, const float *, const float *, const float *,
               float *, float *, float *);

void cb_plus_lanes_sums(const cb_plus_sums *p, const float *x, float *u) {
    static void (*const table[])(const cb_plus_sums *, const float *, float *) = CB_ISA_TABLE(cb_plus_lanes_sums);
    table[cb_isa()](p, x, u);
}

void cb_plus_lanes_sums_backward(const cb_plus_sums *p, const float *x, const float *g, float *di, float *df) {
    static void (*const table[])(const cb_plus_sums *, const float *, const float *, float *, float *) =
        CB_ISA_TABLE(cb_plus_lanes_sums_backward);
    table[cb_isa()](p, x, g, di, df);
}

void cb_plus_lanes_quantize(const cb_hgq_format *t, int n, float half, const float *x, float *q) {
    static void (*const table[])(const cb_hgq_format *, int, float, const float *, float *) =
        CB_ISA_TABLE(cb_plus_lanes_quantize);
    table[cb_isa()](t, n, half, x, q);
}

void cb_plus_lanes_backward(const cb_hgq_format *t, int n, const float *x, const float *q, const float *g, float *dx,
                            float *di, float *df) {
    static void (*const table[])(const cb_hgq_format *, int, const float *, const float *, const float *, float *,
                                 float *, float *) = CB_ISA_TABLE(cb_plus_lanes_backward);
    table[cb_isa()](t, n, x, q, g, dx, di, df);
}
