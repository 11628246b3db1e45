/* finite.h - a training stops at numbers that are none.
 *
 * NaN, infinity and what float32 cannot square (beyond CB_LARGEST: Adam squares gradients, and an
 * infinite second moment would freeze a weight in silence) in weights, gradients, Adam's state or loss end the teacher's
 * and every student's training; the message names epoch, batch, step, tensor and index. Images cannot hold such
 * numbers: they are counts, and the layouts refuse anything else (data/artifact.h, layouts.h).
 *
 * A gradient that is subnormal (not 0, below FLT_MIN = 2^-126) ends a training as well: bits of it are lost, and no step of a
 * sound training comes near it. Elsewhere subnormal numbers are numbers: they appear in every long training (the first
 * moment of a weight that gets no gradient any more shrinks by 0.9 a step), nothing flushes them to zero
 * (cb_numerics_check refuses a process that would), and every kernel gives the same bytes for them on every instruction
 * set (tests/unit/test_finite.c). Logic gate networks check weights, head and loss only: the slope of a saturated
 * sigmoid may become as small as it likes.
 */
#ifndef CB_NN_FINITE_H
#define CB_NN_FINITE_H

#include <stddef.h>

#include "base/error.h"

#define CB_LARGEST 0x1p63f

/* Index of the first x[i] that is not within -CB_LARGEST .. CB_LARGEST; n if there is none. */
size_t cb_first_beyond(const float *x, size_t n);
/* Fails with "<what> <tensor> is <number> at index <i>" if there is one. */
int cb_finite_check(const char *what, const char *tensor, const float *x, size_t n) CB_MUST;
int cb_finite_check_f64(const char *what, const char *tensor, const double *x, size_t n) CB_MUST;

/* The same for gradients, which must not be subnormal either; those in double precision become float32 in Adam. */
int cb_gradient_check(const char *tensor, const float *x, size_t n) CB_MUST;
int cb_gradient_check_f64(const char *tensor, const double *x, size_t n) CB_MUST;

#endif
