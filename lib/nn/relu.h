/* relu.h - the rectifier in event lanes, n floats (a multiple of 16), element by element.
 *
 * Forward: x where x > 0 or x is not a number (so that a broken network is noticed), else +0.
 * Gradient: dy where the *output* y is above 0, else 0.
 */
#ifndef CB_NN_RELU_H
#define CB_NN_RELU_H

#include "nn/lanes.h"

void cb_relu(float *x, size_t n);
void cb_relu_gradient(float *dy, const float *y, size_t n);

#endif
