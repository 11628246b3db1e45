/* hgq_fit.h - a whole training of an HGQ student: epochs, schedule of beta, best epoch.
 */
#ifndef CB_QUANT_HGQ_FIT_H
#define CB_QUANT_HGQ_FIT_H

#include "quant/hgq_train.h"

typedef struct {
    int epochs;
    uint32_t batch;
    double learning_rate, rate_end; /* of Adam; log-linear over the epochs to rate_end x learning_rate (1: constant) */
    double beta, beta_end;        /* loss per EBOP; beta_end 0: constant */
    double ramp_start, ramp_stop; /* fractions of the epochs: beta until start, beta_end from stop on */
    uint64_t seed;
    uint32_t trace;               /* WRAP data: training events that fix the ranges for validation and export */
} cb_hgq_plan;

typedef struct {
    int n, best;                           /* epochs; index of the kept one */
    double *loss, *val_mae, *ebops, *beta; /* [n]: mean training loss; validation; EBOPs; beta used */
} cb_hgq_history;

/* beta of epoch 0, 1, ...: beta, then log-linear from ramp_start to ramp_stop, then beta_end. The
 * last epoch always has beta_end. */
double cb_hgq_beta(const cb_hgq_plan *p, int epoch);

/* Trains s and leaves the best epoch in it, the ranges of WRAP quantizers traced. Best: smallest validation
 * MAE + beta EBOPs, the objective of the training, among the epochs whose beta is the final one
 * (all, if it is constant). By MAE alone an early, wide student would win whenever beta matters.
 * h (not initialised) receives the history; the caller frees it. */
int cb_hgq_fit(cb_hgq_student *s, const cb_student_set *set, const cb_hgq_plan *p, cb_hgq_history *h) CB_MUST;
int cb_hgq_history_write(const cb_hgq_history *h, cb_h5 *f) CB_MUST; /* group /history */
void cb_hgq_history_free(cb_hgq_history *h);

#endif
