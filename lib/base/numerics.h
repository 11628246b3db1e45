/* numerics.h - does this build compute as the determinism rules need?
 *
 * cb_numerics_fault() is compiled into every file that includes it, with that file's
 * flags: once in base/fmath.c, and once an instruction-set level (nn/isa/numerics.c),
 * because a compiler contracts a*b + c only where the level has a fused instruction. All
 * operands come from volatile variables, so nothing is computed at compile time. */
#ifndef CB_BASE_NUMERICS_H
#define CB_BASE_NUMERICS_H

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { CB_NUMERICS_N = 64 };

static inline uint32_t cb_numerics_bits(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* (1+e)(1-e) - 1 is 0 when the product is rounded, -e^2 when it is not; in vectors, too. */
static inline int cb_numerics_contracts(void) {
    volatile float epsilon = FLT_EPSILON, minus = -1;
    float a[CB_NUMERICS_N], b[CB_NUMERICS_N], c[CB_NUMERICS_N], wrong = 0;
    for (int i = 0; i < CB_NUMERICS_N; i++) a[i] = 1 + epsilon, b[i] = 1 - epsilon, c[i] = minus;
    for (int i = 0; i < CB_NUMERICS_N; i++) c[i] = a[i] * b[i] + c[i];
    for (int i = 0; i < CB_NUMERICS_N; i++) wrong = c[i] != 0 ? 1 : wrong;
    float x = a[0], y = b[0], z = minus;
    return wrong > 0 || x * y + z != 0;
}

/* In order, 2^24 swallows every 1 that follows; a sum in vectors, or (big + 1) - big made 1, does not. */
static inline int cb_numerics_reorders(void) {
    volatile float source = 16777216, source1 = 1;
    float big = source, one = source1, x[CB_NUMERICS_N], sum = 0;
    for (int i = 0; i < CB_NUMERICS_N; i++) x[i] = source1;
    x[0] = source;
    x[CB_NUMERICS_N - 1] = -source;
    for (int i = 0; i < CB_NUMERICS_N; i++) sum += x[i];
    return sum != 0 || (big + one) - big != 0;
}

/* x/y as x*(1/y), or 1/sqrt(x) by an approximation: the last bit of some of these is another one. */
static inline int cb_numerics_approximates(void) {
    volatile float source = 3, quotient, root;
    float y = source, x[CB_NUMERICS_N], q[CB_NUMERICS_N], r[CB_NUMERICS_N];
    int wrong = 0;
    for (int i = 0; i < CB_NUMERICS_N; i++) x[i] = source + (float)i;
    for (int i = 0; i < CB_NUMERICS_N; i++) q[i] = x[i] / y;
    for (int i = 0; i < CB_NUMERICS_N; i++) r[i] = 1 / sqrtf(x[i]);
    for (int i = 0; i < CB_NUMERICS_N; i++) {
        quotient = x[i] / source;
        root = sqrtf(x[i]);
        wrong |= q[i] != quotient;
        quotient = 1 / root;
        wrong |= r[i] != quotient;
    }
    return wrong;
}

/* NULL, or what is wrong with the arithmetic of the file that calls it. */
static inline const char *cb_numerics_fault(void) {
    volatile float tiny = FLT_MIN, half = 0.5f, subnormal = 1e-40f, two = 2, zero = 0, e = FLT_EPSILON;
    if (tiny * half == 0 || subnormal * two == 0)
        return "subnormal numbers are flushed to zero (FTZ/DAZ): -ffast-math, in this build or in a linked library";
    if (cb_numerics_contracts())
        return "the compiler contracts a*b+c to a fused multiply-add: build with -ffp-contract=off, as the Makefile does";
    if (cb_numerics_reorders())
        return "the compiler reorders sums or keeps floats in more than 24 bits: build without -ffast-math and -fassociative-math";
    if (cb_numerics_approximates())
        return "the compiler approximates divisions or roots: build without -ffast-math and -freciprocal-math";
    float nan = zero / zero, difference = 0.0f - zero; /* +0, but -0 if taken for -zero */
    if (nan == nan) return "the compiler assumes that there is no NaN: build without -ffast-math and -ffinite-math-only";
    if (cb_numerics_bits(difference))
        return "the compiler ignores the sign of zero: build without -ffast-math and -fno-signed-zeros";
    if (fmaf(1 + e, 1 - e, -1) != -(e * e)) return "fmaf rounds twice: a C library with a correct fmaf is needed";
    return NULL;
}

#endif
