/* fmath.h - the few transcendental functions whose results are stored.
 *
 * libm may give other bits on another processor (glibc's double log and exp do,
 * depending on whether the CPU has FMA), so these are ours: only + - * / sqrt in
 * a fixed order, no contraction. Known values are tested in tests/unit/base.
 * Largest error seen against long double: log 0.9 ulp, exp 1.0 ulp.
 */
#ifndef CB_BASE_FMATH_H
#define CB_BASE_FMATH_H

#include <stdint.h>

/* Natural logarithm. log(0) = -inf, log(x<0) = NaN. */
double cb_log(double x);
/* e^x; 0 below -745, inf above 709.78. */
double cb_exp(double x);
/* cb_log rounded to float. */
static inline float cb_logf(float x) { return (float)cb_log((double)x); }
/* 2^n exactly, for n in -1022..1023. */
double cb_pow2(int n);
/* x^n by repeated multiplication in a fixed order, n >= 0. */
double cb_powi(double x, uint64_t n);

/* Checks that this process computes as the determinism rules need (base/numerics.h): round to
 * nearest, no flush to zero, no contraction of a*b+c by the compiler, sums in order, exact division.
 * Returns 0, or -1 with what is wrong. The kernels have a check of their own: cb_isa_check(). */
int cb_numerics_check(void) __attribute__((warn_unused_result));

#endif
