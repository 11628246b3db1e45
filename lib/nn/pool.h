/* pool.h - 2x2 average pooling and nearest 2x2 upsampling, one block in event lanes.
 *
 * Keras' AveragePooling2D((2,2)) and UpSampling2D((2,2)); the latter only where no convolution follows (phases.h).
 * x [h*w][c][16]; where a side of a pool is odd its last row or column belongs to none and its gradient is 0. Sums run
 * over dy, dx ascending: ((a+b)+c)+d, times 0.25 for the pool. Each has a plain-C `_ref` twin with equal bytes.
 */
#ifndef CB_NN_POOL_H
#define CB_NN_POOL_H

#include "nn/lanes.h"

/* large [h*w][c][16] -> small [h/2*w/2][c][16]; scale 0.25 pools, 1 is the input gradient of upsampling. */
void cb_pool_sum(const float *large, int h, int w, int c, float scale, float *small);
/* small [h/2*w/2][c][16] -> large, each value times scale: 1 upsamples, 0.25 is the input gradient of pooling. */
void cb_pool_spread(const float *small, int h, int w, int c, float scale, float *large);

void cb_pool_sum_ref(const float *large, int h, int w, int c, float scale, float *small);
void cb_pool_spread_ref(const float *small, int h, int w, int c, float scale, float *large);

#endif
