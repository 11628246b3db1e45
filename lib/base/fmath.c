#include "base/fmath.h"

#include <fenv.h>
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/error.h"
#include "base/numerics.h"

_Static_assert(FLT_EVAL_METHOD == 0, "needs float arithmetic in float (no x87)");

static const double ln2_hi = 6.93147180369123816490e-01; /* low 32 bits zero */
static const double ln2_lo = 1.90821492927058770002e-10;

double cb_pow2(int n) {
    uint64_t bits = (uint64_t)(n + 1023) << 52;
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* x = 2^k m, m in [sqrt(1/2), sqrt(2)); log m = 2 atanh(s), s = (m-1)/(m+1),
 * written as f - (hfsq - s(hfsq + R)) with f = m - 1, hfsq = f^2/2 to keep the
 * leading term exact (the form used since 4.3BSD's log). */
double cb_log(double x) {
    if (!(x > 0)) return x == 0 ? -INFINITY : NAN;
    if (isinf(x)) return x;
    int k;
    double m = frexp(x, &k);
    if (m < 0.70710678118654752440) {
        m *= 2;
        k--;
    }
    double f = m - 1, s = f / (2 + f), z = s * s, half = 0.5 * f * f;
    double r = 0; /* sum of 2 s^2n / (2n+1), n = 12..1 */
    for (int n = 12; n >= 1; n--) r = (r + 2.0 / (2 * n + 1)) * z;
    return k * ln2_hi - ((half - (s * (half + r) + k * ln2_lo)) - f);
}

/* x = k ln2 + r, |r| <= ln2/2; Taylor series of degree 14 in r. */
double cb_exp(double x) {
    if (isnan(x)) return x;
    if (x > 709.782712893384) return INFINITY;
    if (x < -745.2) return 0;
    double k = rint(x * 1.44269504088896338700);
    double r = (x - k * ln2_hi) - k * ln2_lo;
    double sum = 1;
    for (int n = 14; n >= 1; n--) sum = 1 + r * sum / n;
    return ldexp(sum, (int)k);
}

double cb_powi(double x, uint64_t n) {
    double y = 1;
    for (; n; n >>= 1) {
        if (n & 1) y *= x;
        x *= x;
    }
    return y;
}

int cb_numerics_check(void) {
    if (fegetround() != FE_TONEAREST)
        return cb_fail("the rounding mode is not round-to-nearest; a linked library changed it");
    const char *fault = cb_numerics_fault();
    return fault ? cb_fail("results would not be the same bytes as elsewhere: %s", fault) : 0;
}
