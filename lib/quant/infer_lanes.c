#include "quant/infer_lanes.h"

#include "nn/isa.h"

CB_ISA_DECLARE(void, cb_infer_relu, const cb_infer_rule *, int, double *);
CB_ISA_DECLARE(void, cb_infer_conv, const cb_tile_conv *, const double *, const double *, double *);
CB_ISA_DECLARE(void, cb_infer_dense, const double *, const double *, const double *, int, int, double *);

void cb_infer_relu(const cb_infer_rule *q, int n, double *x) {
    static void (*const table[])(const cb_infer_rule *, int, double *) = CB_ISA_TABLE(cb_infer_relu);
    table[cb_isa()](q, n, x);
}

void cb_infer_conv(const cb_tile_conv *c, const double *image, const double *w, double *out) {
    static void (*const table[])(const cb_tile_conv *, const double *, const double *, double *) =
        CB_ISA_TABLE(cb_infer_conv);
    table[cb_isa()](c, image, w, out);
}

void cb_infer_dense(const double *x, const double *w, const double *bias, int n_in, int n_out, double *y) {
    static void (*const table[])(const double *, const double *, const double *, int, int, double *) =
        CB_ISA_TABLE(cb_infer_dense);
    table[cb_isa()](x, w, bias, n_in, n_out, y);
}
