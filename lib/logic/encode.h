/* encode.h - thermometer codes: counts -> bits x > t, thresholds fixed, from the data, or trained.
 *
 * Thresholds are per feature, threshold[f*T + i], ascending in i; a global set is copied to every
 * feature. Order of the bits of an event: i*n_feature + f (threshold plane by plane, what the
 * published networks use and what logic/network.h calls C x H x W), or feature by feature, threshold
 * fastest (torchlogix binarization.py). Rules of torchlogix 0.2.2, agreeing with recorded values:
 *   uniform       t_i = min + (max - min) i / (T + 1), i = 1..T
 *   distributive  t_i = sorted[floor(n i / (T + 1))]
 *   soft          sigmoid((x - t) / Ts)
 *   learnable     t = cumsum(d_0, Tp softplus(d_i / Tp), ...), softplus linear above 20;
 *                 Tp + 1e-6 stands for Tp, as recorded
 * In hardware x is an integer: x > t is x > floor(t), and a threshold below 0 or at least 1023 is a constant.
 */
#ifndef CB_LOGIC_ENCODE_H
#define CB_LOGIC_ENCODE_H

#include <stddef.h>

#include "base/error.h"

enum { CB_LOGIC_THRESHOLDS = 64 };

/* Of n events x[n][n_feature]; global: one set from all values of all features. */
void cb_thresholds_uniform(const double *x, size_t n, int n_feature, int T, int global, double *threshold);
int cb_thresholds_distributive(const double *x, size_t n, int n_feature, int T, int global, double *threshold) CB_MUST;

/* out[n][n_feature][T] = sigmoid((x - t) / Ts); Ts = 0: x > t. */
void cb_thermometer(const double *x, size_t n, int n_feature, int T, const double *threshold, double Ts, double *out);

/* Trained thresholds, one set for all features: from raw differences, and the gradient of the loss with
 * respect to them, its norm clipped to `norm` (torch.nn.utils.clip_grad_norm_). */
void cb_thresholds_ordered(const double *diff, int T, double Tp, double *threshold);
/* Raw differences of given ascending thresholds. */
void cb_thresholds_differences(const double *threshold, int T, double Tp, double *diff);
/* From the gradient with respect to the thresholds to that with respect to the raw differences, clipped. */
void cb_thresholds_chain(const double *diff, int T, double Tp, const double *d_threshold, double norm, double *grad);
void cb_thresholds_gradient(const double *x, size_t n, int n_feature, int T, const double *diff, double Ts, double Tp,
                            const double *upstream, double norm, double *grad);

#endif
