/* plus_calibrate.h - start values of an hgq+ student from data.
 *
 * From n training events, evenly spaced over the set (zero bias and outliers in proportion), layer by layer:
 *   views    the step of view v is the power of two below the quantile[v] of all regions' counts, with bits[v] bits:
 *            fine enough that a fraction 1 - quantile of the regions counts at all
 *   data     i holds the largest value met; f keeps every bit of the tile sums, and `width` bits of hidden units
 *   weights  with two hidden layers or more, sum k of the first starts as the sum of view k mod n_view: the weights
 *            of the other views are a quarter of a unit with no width yet; hinges: the bias of unit h of the last
 *            hidden layer puts its relu at the (h + 1/2)/H quantile of its sum, so the units cover the spectrum from the
 *            start; the last layer's weights are equal but for the noise, with the mean of the output on that of the targets
 *   widths   `weight_bits` significant bits a weight, i = floor(log2 |w|) + 1
 * Factors of weights are uniform in 0.75 ... 1.25 (stream "plus-init"); widths get an offset within half a bit
 * (stream "plus-widths") so that they do not all flip in one step.
 */
#ifndef CB_QUANT_PLUS_CALIBRATE_H
#define CB_QUANT_PLUS_CALIBRATE_H

#include "quant/plus_student.h"
#include "quant/student_data.h"

typedef struct {
    double quantile[CB_PLUS_VIEWS];
    int bits[CB_PLUS_VIEWS];
    int width, weight_bits;
    uint32_t n;
    uint64_t seed;
} cb_plus_start;

int cb_plus_calibrate(cb_plus_student *s, const cb_student_set *set, const cb_plus_start *p) CB_MUST;

#endif
