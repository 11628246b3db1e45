#include "nn/finite.h"

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

int cb_finite_check_f64(const char *what, const char *tensor, const double *x, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!(fabs(x[i]) <= CB_LARGEST))
            return cb_fail("%s %s is %g at index %zu; lower the learning rate", what, tensor, x[i], i);
    return 0;
}
