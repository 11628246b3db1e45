/* adam.h - Adam as in Keras 2.15 / 3 (spec qkeras 2.5, hgq 5.1): epsilon outside
 * the bias correction, beta1 0.9, beta2 0.999, epsilon 1e-7.
 *   a = lr sqrt(1 - b2^t) / (1 - b1^t)   (float64, powers by repeated multiplication; rounded to float)
 *   m += (g - m)(1 - b1); v += (g*g - v)(1 - b2); w -= a m / (sqrt(v) + eps)
 */
#ifndef CB_NN_ADAM_H
#define CB_NN_ADAM_H

#include <stddef.h>
#include <stdint.h>

/* Step size of step t = 1, 2, ... */
float cb_adam_rate(double lr, uint64_t t);
/* The same in float32 throughout, as Keras computes it on TensorFlow and jax: 1 - 0.999f^t is off by
 * 1e-5 of itself in the first steps, which shows after 20 recorded steps (powers: float64, rounded). */
float cb_adam_rate_f32(double lr, uint64_t t);
/* One update of n weights. Element-wise, so any split over threads gives the same. */
void cb_adam_update(float *w, const float *g, float *m, float *v, size_t n, float rate);
/* The same in plain C, byte for byte. */
void cb_adam_update_ref(float *w, const float *g, float *m, float *v, size_t n, float rate);

#endif
