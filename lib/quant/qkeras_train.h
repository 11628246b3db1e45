/* qkeras_train.h - the training loop of a QKeras student, and the float student.
 *
 * Every epoch: one permutation of the training events in whole batches (the rest is
 * left out, as Princeton-AD/cicada does), then the loss of all validation events in inference
 * mode. The best validation epoch is kept (strictly lower, Keras' ModelCheckpoint).
 */
#ifndef CB_QUANT_QKERAS_TRAIN_H
#define CB_QUANT_QKERAS_TRAIN_H

#include "quant/qkeras_student.h"

typedef struct {
    int epochs;
    uint32_t batch; /* multiple of 16 */
    double learning_rate;
    bool profile; /* say at the end where the time went */
} cb_qkeras_plan;

/* Trains m (fresh or warm) on set; h (not initialised) receives the history, the caller frees it. On return m
 * holds the weights and statistics of the best epoch. Says events/s at the end (log). */
int cb_qkeras_train(cb_qkeras_student *m, const cb_student_set *set, const cb_qkeras_plan *plan, cb_history *h) CB_MUST;

/* The float student, the ceiling of what quantized students of this architecture can
 * reach: the v2 layers without a quantizer, constraint or saturation. */
typedef struct {
    cb_qkeras_student model;
    cb_history history;
    uint64_t n_score;
    float *score; /* [n_score] of every dataset event: real, not on the 1/256 grid */
} cb_float_student;

int cb_float_student_new(cb_float_student *s, const cb_dataset *d, const cb_student_set *set, const cb_qkeras_plan *plan,
                         uint64_t seed) CB_MUST;
/* Group `group`: weights, `group`/history, `group`/score f32 (n). */
int cb_float_student_write(const cb_float_student *s, cb_h5 *f, const char *group) CB_MUST;
void cb_float_student_free(cb_float_student *s);

#endif
