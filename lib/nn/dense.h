/* dense.h - dense layer kernels in event lanes; order of sums: lanes.h.
 *
 * w is [n_in][n_out] row-major, bias [n_out] or NULL. Blocks: x [n_in][16],
 * y and dy [n_out][16]. Each has a plain-C `_ref` twin with equal bytes.
 */
#ifndef CB_NN_DENSE_H
#define CB_NN_DENSE_H

#include "nn/lanes.h"

/* y = x w + bias for one block. */
void cb_dense_forward(const float *x, const float *w, const float *bias, int n_in, int n_out, float *y);
/* dx = dy w^T for one block. */
void cb_dense_backward(const float *dy, const float *w, int n_in, int n_out, float *dx);
/* dw += sum over the events of n_block blocks of x dy^T, db += sum of dy (db may be NULL);
 * events in ascending order. x is [n_block][n_in][16] (strides in floats between blocks given),
 * one shard's worth; the caller combines shards. */
void cb_dense_gradient(const float *x, size_t x_stride, const float *dy, size_t dy_stride, size_t n_block,
                       int n_in, int n_out, float *dw, float *db);

void cb_dense_forward_ref(const float *x, const float *w, const float *bias, int n_in, int n_out, float *y);
void cb_dense_backward_ref(const float *dy, const float *w, int n_in, int n_out, float *dx);
void cb_dense_gradient_ref(const float *x, size_t x_stride, const float *dy, size_t dy_stride, size_t n_block,
                           int n_in, int n_out, float *dw, float *db);

#endif
