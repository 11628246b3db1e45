/* hgq_recentre.h - a checkpoint's means of dense1's input, measured with its own quantizers.
 *
 * The centred fold (hgq_student.h) subtracts moving means that training gathers while widths and weights move. A checkpoint, and
 * a running mean of all values more so, has other quantizers than the steps before it had: each input whose format rounds
 * differently moves the sums of dense1 by its shifted mean, and the validation error jumps from epoch to epoch. So the means are
 * taken again, as the batch statistics of averaged weights are in P. Izmailov et al., "Averaging Weights Leads to Wider Optima
 * and Better Generalization" (2018), section 3.2.
 */
#ifndef CB_QUANT_HGQ_RECENTRE_H
#define CB_QUANT_HGQ_RECENTRE_H

#include "quant/hgq_model.h"

/* Sets the means of m's student s to those of min(n, all) training events, evenly spaced over the set (zero bias and outliers in
 * proportion), and updates m; the bias quantizer is not traced again. n > 0; m was made from s. Blocks in CB_SHARDS shards, each
 * a float64 sum in block order, shards ascending: results depend on neither threads nor ranks. */
int cb_hgq_recentre(cb_hgq_student *s, cb_hgq_model *m, const cb_student_set *set, uint32_t n) CB_MUST;

#endif
