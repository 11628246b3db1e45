/* plus_loss.h - the loss of hgq+ on one batch; formulas in plus_train.h. Serial, in ascending events.
 */
#ifndef CB_QUANT_PLUS_LOSS_H
#define CB_QUANT_PLUS_LOSS_H

#include <stdint.h>

#include "quant/student_data.h"

typedef struct {
    double tail_from, tail_weight, spread;
} cb_plus_loss;

/* Earth mover's distance of two samples of n scores, sum |a_(r) - b_(r)| / n over ranks. order: scratch of 2 n.
 * grad (NULL: not wanted): factor * d distance / d a, added; through max(a, 0) as in plus_train.h. */
double cb_plus_distance(const float *a, const float *b, uint32_t n, uint64_t *order, double factor, float *grad);
/* Target value that a fraction q of the zero bias training events stays below; INFINITY for q >= 1. */
int cb_plus_target_quantile(const cb_student_set *set, double q, double *value) CB_MUST;
/* Weighted L1 of n events, and its gradient (set). sum: last sums before relu. */
double cb_plus_task(const cb_plus_loss *rule, const float *sum, const float *y, uint32_t n, float *grad);

#endif
