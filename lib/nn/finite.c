#include "nn/finite.h"

#include <float.h>
#include <math.h>

size_t cb_first_beyond(const float *x, size_t n) {
    enum { BLOCK = 256 }; /* whole blocks first: no way out of the loop, so it runs in SIMD lanes */
    size_t at = 0;
    for (; at + BLOCK <= n; at += BLOCK) {
        int beyond = 0;
        for (int k = 0; k < BLOCK; k++) beyond |= !(fabsf(x[at + (size_t)k]) <= CB_LARGEST);
        if (beyond) break;
    }
    while (at < n && fabsf(x[at]) <= CB_LARGEST) at++;
    return at;
}

int cb_finite_check(const char *what, const char *tensor, const float *x, size_t n) {
    size_t i = cb_first_beyond(x, n);
    if (i == n) return 0;
    return cb_fail("%s %s is %g at index %zu; lower the learning rate", what, tensor, (double)x[i], i);
}

static int fail_subnormal(const char *tensor, double x, size_t i) {
    return cb_fail("gradient of %s is %g at index %zu, below the smallest normal number of float32: bits of it are lost; "
                   "look for weights or a learning rate of a wrong scale", tensor, x, i);
}

int cb_gradient_check(const char *tensor, const float *x, size_t n) {
    if (cb_finite_check("gradient of", tensor, x, n)) return -1;
    int small = 0; /* first whether, in SIMD lanes, then where */
    for (size_t i = 0; i < n; i++) small |= (fabsf(x[i]) < FLT_MIN) & (x[i] != 0);
    for (size_t i = 0; small && i < n; i++)
        if (x[i] != 0 && fabsf(x[i]) < FLT_MIN) return fail_subnormal(tensor, (double)x[i], i);
    return 0;
}

int cb_gradient_check_f64(const char *tensor, const double *x, size_t n) {
    if (cb_finite_check_f64("gradient of", tensor, x, n)) return -1;
    for (size_t i = 0; i < n; i++)
        if (x[i] != 0 && fabs(x[i]) < (double)FLT_MIN) return fail_subnormal(tensor, x[i], i);
    return 0;
}

int cb_finite_check_f64(const char *what, const char *tensor, const double *x, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!(fabs(x[i]) <= CB_LARGEST))
            return cb_fail("%s %s is %g at index %zu; lower the learning rate", what, tensor, x[i], i);
    return 0;
}
