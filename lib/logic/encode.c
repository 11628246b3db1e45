#include "logic/encode.h"

#include <math.h>
#include <stdlib.h>

#include "base/fmath.h"

void cb_thresholds_uniform(const double *x, size_t n, int n_feature, int T, int global, double *threshold) {
    double all_lo = INFINITY, all_hi = -INFINITY;
    for (int f = 0; f < n_feature; f++) {
        double lo = INFINITY, hi = -INFINITY;
        for (size_t e = 0; e < n; e++) {
            double v = x[e * (size_t)n_feature + (size_t)f];
            lo = v < lo ? v : lo, hi = v > hi ? v : hi;
        }
        all_lo = lo < all_lo ? lo : all_lo, all_hi = hi > all_hi ? hi : all_hi;
        for (int i = 0; i < T; i++) threshold[f * T + i] = lo + (hi - lo) * (i + 1) / (T + 1);
    }
    for (int e = 0; global && e < n_feature * T; e++) threshold[e] = all_lo + (all_hi - all_lo) * (e % T + 1) / (T + 1);
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int cb_thresholds_distributive(const double *x, size_t n, int n_feature, int T, int global, double *threshold) {
    size_t count = global ? n * (size_t)n_feature : n;
    double *sorted = cb_alloc(count, sizeof *sorted);
    if (!sorted) return -1;
    for (int f = 0; f < (global ? 1 : n_feature); f++) {
        for (size_t e = 0; e < count; e++) sorted[e] = global ? x[e] : x[e * (size_t)n_feature + (size_t)f];
        qsort(sorted, count, sizeof *sorted, ascending);
        for (int i = 0; i < T; i++) threshold[f * T + i] = sorted[count * (size_t)(i + 1) / (size_t)(T + 1)];
    }
    for (int e = T; global && e < n_feature * T; e++) threshold[e] = threshold[e % T];
    free(sorted);
    return 0;
}

static double sigmoid(double x) { return 1 / (1 + cb_exp(-x)); }

void cb_thermometer(const double *x, size_t n, int n_feature, int T, const double *threshold, double Ts, double *out) {
    for (size_t e = 0; e < n; e++)
        for (int f = 0; f < n_feature; f++, x++)
            for (int i = 0; i < T; i++) {
                double d = *x - threshold[f * T + i];
                *out++ = Ts > 0 ? sigmoid(d / Ts) : d > 0;
            }
}

static double softplus(double x) { return x > 20 ? x : cb_log(1 + cb_exp(x)); }

void cb_thresholds_ordered(const double *diff, int T, double Tp, double *threshold) {
    Tp += 1e-6;
    threshold[0] = diff[0];
    for (int i = 1; i < T; i++) threshold[i] = threshold[i - 1] + Tp * softplus(diff[i] / Tp);
}

void cb_thresholds_differences(const double *threshold, int T, double Tp, double *diff) {
    Tp += 1e-6;
    diff[0] = threshold[0];
    for (int i = 1; i < T; i++) {
        double y = (threshold[i] - threshold[i - 1]) / Tp;
        diff[i] = Tp * (y > 20 ? y : cb_log(cb_exp(y) - 1));
    }
}

void cb_thresholds_chain(const double *diff, int T, double Tp, const double *d_threshold, double norm, double *grad) {
    double sum = 0, square = 0;
    Tp += 1e-6;
    for (int i = T - 1; i >= 0; i--) { /* a difference moves its threshold and all above */
        sum += d_threshold[i];
        grad[i] = i == 0 || diff[i] / Tp > 20 ? sum : sum * sigmoid(diff[i] / Tp);
        square += grad[i] * grad[i];
    }
    double factor = norm / (sqrt(square) + 1e-6);
    for (int i = 0; i < T && factor < 1; i++) grad[i] *= factor;
}

void cb_thresholds_gradient(const double *x, size_t n, int n_feature, int T, const double *diff, double Ts, double Tp,
                            const double *upstream, double norm, double *grad) {
    double t[CB_LOGIC_THRESHOLDS], dt[CB_LOGIC_THRESHOLDS] = {0};
    cb_thresholds_ordered(diff, T, Tp, t);
    for (size_t e = 0; e < n * (size_t)n_feature; e++)
        for (int i = 0; i < T; i++) {
            double y = sigmoid((x[e] - t[i]) / Ts);
            dt[i] -= *upstream++ * y * (1 - y) / Ts;
        }
    cb_thresholds_chain(diff, T, Tp, dt, norm, grad);
}
