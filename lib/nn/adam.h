/* adam.h - Adam as in Keras 2.15 / 3 (keras/optimizers/adam.py): epsilon outside
 * the bias correction, beta1 0.9, beta2 0.999, epsilon 1e-7.
 *   a = lr sqrt(1 - b2^t) / (1 - b1^t)   (float64, powers by squaring; rounded to float).
 *       Here b1, b2 are float32(0.9), float32(0.999): Keras casts the Python numbers to float32 before
 *       the powers, in float64 runs too (recorded: with 0.9 and 0.999 themselves the weights are
 *       7e-9 off after one step and a relu's edge apart after five).
 *   m += (g - m)(1 - b1); v += (g*g - v)(1 - b2); w -= a m / (sqrt(v) + eps),
 *       with 1 - b1 and 1 - b2 taken in float64 and rounded to float
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
