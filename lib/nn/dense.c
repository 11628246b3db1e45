#include "nn/dense.h"

#include <math.h>

#include "nn/isa.h"

CB_ISA_DECLARE(void, cb_dense_forward, const float *, const float *, const float *, int, int, float *);
CB_ISA_DECLARE(void, cb_dense_backward, const float *, const float *, int, int, float *);
CB_ISA_DECLARE(void, cb_dense_gradient, const float *, size_t, const float *, size_t, size_t, int, int, float *,
               float *);

void cb_dense_forward(const float *x, const float *w, const float *bias, int n_in, int n_out, float *y) {
    static void (*const table[])(const float *, const float *, const float *, int, int, float *) =
        CB_ISA_TABLE(cb_dense_forward);
    table[cb_isa()](x, w, bias, n_in, n_out, y);
}

void cb_dense_backward(const float *dy, const float *w, int n_in, int n_out, float *dx) {
    static void (*const table[])(const float *, const float *, int, int, float *) = CB_ISA_TABLE(cb_dense_backward);
    table[cb_isa()](dy, w, n_in, n_out, dx);
}

void cb_dense_gradient(const float *x, size_t x_stride, const float *dy, size_t dy_stride, size_t n_block, int n_in,
                       int n_out, float *dw, float *db) {
    static void (*const table[])(const float *, size_t, const float *, size_t, size_t, int, int, float *, float *) =
        CB_ISA_TABLE(cb_dense_gradient);
    table[cb_isa()](x, x_stride, dy, dy_stride, n_block, n_in, n_out, dw, db);
}

/* start + sum of x[i][0] w[i*step], i < n, in pieces. */
static float sum_pieces(const float *x, const float *w, int step, float start, int n) {
    float total = 0, acc = start;
    for (int i = 0; i < n; i++) {
        if (i && i % CB_SUM_PIECE == 0) {
            total = i == CB_SUM_PIECE ? acc : total + acc;
            acc = 0;
        }
        acc = fmaf(x[i * CB_LANES], w[i * step], acc);
    }
    return n > CB_SUM_PIECE ? total + acc : acc;
}

void cb_dense_forward_ref(const float *x, const float *w, const float *bias, int n_in, int n_out, float *y) {
    for (int o = 0; o < n_out; o++)
        for (int lane = 0; lane < CB_LANES; lane++)
            y[o * CB_LANES + lane] = sum_pieces(x + lane, w + o, n_out, bias ? bias[o] : 0, n_in);
}

void cb_dense_backward_ref(const float *dy, const float *w, int n_in, int n_out, float *dx) {
    for (int i = 0; i < n_in; i++)
        for (int lane = 0; lane < CB_LANES; lane++)
            dx[i * CB_LANES + lane] = sum_pieces(dy + lane, w + i * n_out, 1, 0, n_out);
}

void cb_dense_gradient_ref(const float *x, size_t x_stride, const float *dy, size_t dy_stride, size_t n_block,
                           int n_in, int n_out, float *dw, float *db) {
    for (size_t b = 0; b < n_block; b++)
        for (int lane = 0; lane < CB_LANES; lane++) {
            const float *xb = x + b * x_stride + lane, *dyb = dy + b * dy_stride + lane;
            for (int i = 0; i < n_in; i++)
                for (int o = 0; o < n_out; o++)
                    dw[i * n_out + o] = fmaf(xb[i * CB_LANES], dyb[o * CB_LANES], dw[i * n_out + o]);
            for (int o = 0; db && o < n_out; o++) db[o] += dyb[o * CB_LANES];
        }
}
