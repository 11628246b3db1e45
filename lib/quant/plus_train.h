/* plus_train.h - one training step of an hgq+ student.
 *
 * Loss of a batch of n events, out = max(last sum, 0), y = target:
 *     (1/n) sum w |out - y|                          w = tail_weight where y > tail_from, else 1
 *   + spread * (1/n0) sum |out_(r) - y_(r)|          over the n0 zero bias events, both sorted: the earth mover's
 *                                                    distance of the batch, which L1 alone does not care for
 *   + beta * cost                                    plus_cost.h
 * The gradient of |out - y| goes through the last relu where out > 0, and also where the relu holds an event down that
 * wants to go up (out = 0, y > 0); else events that fall below once never come back.
 *
 * Parallel over the fixed shards of nn/lanes.h; sums of a shard in ascending blocks, shards ascending; the loss
 * is serial. Results do not depend on the thread count.
 */
#ifndef CB_QUANT_PLUS_TRAIN_H
#define CB_QUANT_PLUS_TRAIN_H

#include "quant/plus_cost.h"
#include "quant/plus_loss.h"
#include "quant/plus_model.h"

typedef struct {
    cb_plus_student *s; /* borrowed */
    cb_plus_loss rule;
    uint32_t n_zero_bias;  /* training events below this index are zero bias */
    bool train_bits;       /* whether widths move */
    double learning_rate;
    uint64_t step;
    double *grad;          /* [n_value] of the last cb_plus_gradient */
    double task, spread, loss;
    struct cb_plus_work *work;
} cb_plus_trainer;

cb_plus_trainer *cb_plus_trainer_new(cb_plus_student *s, uint32_t batch, uint32_t n_zero_bias,
                                     const cb_plus_loss *rule) CB_MUST;
/* Forward and backward of a batch that was chosen, not loaded (student_data.h); weights stay. */
void cb_plus_gradient(cb_plus_trainer *t, cb_student_batch *b, double beta);
/* Adam with that gradient, then the constraints. */
void cb_plus_update(cb_plus_trainer *t);
void cb_plus_trainer_free(cb_plus_trainer *t);

#endif
