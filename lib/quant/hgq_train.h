/* hgq_train.h - one training step of an HGQ student.
 *
 * Loss = mean |out - y| + beta sum of EBOPs + MonoL1; order of a step as in Keras: forward
 * (batch statistics, tracked integer bits), cost, gradients, Adam on every trained variable,
 * constraints on the widths. Three passes over the blocks, with the arithmetic over weights between them:
 * images -> quantized input of dense1 and its moments; dense1 -> loss -> gradient of its sums; back to the image.
 * Kernels and sums in event lanes; weight gradients and batch sums per shard (nn/lanes.h), combined in float64:
 * per lane the shards ascending, then the tree over the lanes. The offset of the fold is summed over the features
 * of each of CB_SHARDS parts, then over the parts. So results do not depend on threads.
 */
#ifndef CB_QUANT_HGQ_TRAIN_H
#define CB_QUANT_HGQ_TRAIN_H

#include "quant/hgq_student.h"
#include "quant/student_profile.h"

/* Lane bits of what dropout keeps in one block: layer 0 after flatten, 1 after dense1's relu. */
typedef void cb_hgq_mask_fn(void *context, uint16_t *keep, int layer, int n_feature, uint64_t step, size_t block);

typedef struct cb_hgq_trainer {
    cb_hgq_student *s; /* borrowed, trained in place */
    double learning_rate;
    uint64_t seed, step; /* updates done */
    cb_hgq_mask_fn *mask; /* NULL: no dropout */
    void *mask_context;
    /* of the last gradient: */
    double loss, mae, regularizer, ebops[CB_HGQ_LAYERS];
    double *grad;        /* like s->value; 0 for what is not trained */
    float *out;          /* [blocks*16] training-mode outputs */
    cb_student_profile *profile; /* NULL, or borrowed: where the time goes */
    struct cb_hgq_work *work;
} cb_hgq_trainer;

/* For batches of at most `batch` events. Dropout masks come from cb_dropout_keep with streams
 * "hgq-dropout-flatten" and "hgq-dropout-hidden" (v1 has the second only). */
cb_hgq_trainer *cb_hgq_trainer_new(cb_hgq_student *s, uint32_t batch, double learning_rate, uint64_t seed) CB_MUST;
void cb_hgq_trainer_free(cb_hgq_trainer *t);

/* Forward and backward of one batch: updates moving statistics and tracked bits, sets loss ... out. Blocks of b that were
 * only chosen are loaded on the way. */
void cb_hgq_gradient(cb_hgq_trainer *t, cb_student_batch *b, double beta);
/* Adam with the last gradient, then constraints. */
void cb_hgq_update(cb_hgq_trainer *t);

#endif
