/* hgq_calibrate.h - start widths from data instead of one constant for all.
 *
 * HGQ2's constants (range 4 or 16) suit standardised inputs; region energies reach 1023
 * counts, so nearly everything clips, and the ranges then grow by one learning rate a step.
 * Here, from n training events, layer by layer:
 *   data     i = bits that hold the largest value met, k = 0 (counts and relu outputs are never
 *            negative); f = 0 for the counts (they are integers), `bits` - i after that
 *   weights  HGQ v1's rule: `bits` significant bits each, i = floor(log2 |w|) + 1, f = bits - i
 *   dense1   moving mean and variance are set to those of the events, as weights are measured
 *            after the fold
 * Every width (b of weights, f of data) then gets a uniform offset within half a bit (stream
 * "hgq-widths"): its rounded value stays, but the widths do not all flip in the same step.
 * A data element that only met zeros, or a zero weight, gets the smallest range, and can grow.
 */
#ifndef CB_QUANT_HGQ_CALIBRATE_H
#define CB_QUANT_HGQ_CALIBRATE_H

#include "quant/hgq_student.h"

/* Uses min(n, all) training events, evenly spaced over the set. bits: 1 to 20. */
int cb_hgq_calibrate(cb_hgq_student *s, const cb_student_set *set, uint32_t n, int bits, uint64_t seed) CB_MUST;

#endif
