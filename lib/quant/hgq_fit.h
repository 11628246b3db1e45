/* hgq_fit.h - a whole training of an HGQ student: epochs, schedule of beta, best epoch or front.
 */
#ifndef CB_QUANT_HGQ_FIT_H
#define CB_QUANT_HGQ_FIT_H

#include "quant/front.h"
#include "quant/hgq_pid.h"
#include "quant/hgq_train.h"

typedef struct {
    int epochs;
    uint32_t batch;
    double learning_rate, rate_end; /* of Adam; log-linear over the epochs to rate_end x learning_rate (1: constant) */
    double beta, beta_end;        /* loss per EBOP; beta_end 0: constant */
    double ramp_start, ramp_stop; /* fractions of the epochs: beta until start, beta_end from stop on */
    uint64_t seed;
    uint32_t trace;               /* WRAP data: training events that fix the ranges for validation and export */
    bool no_dropout;
    double average;               /* what is validated and kept: the running mean of all values over about 1 / (1 - average) */
                                  /* steps, fewer near the start; 0: the values themselves */
    uint32_t recentre;            /* training events that set the means of each checkpoint (hgq_recentre.h); 0: moving means */
    int cycle;                    /* epochs of a cosine cycle of the rate below its log-linear envelope; 0: none */
    const cb_beta_pid_rule *pid;  /* not NULL: beta after the warm-up is steered to a number of EBOPs */
    cb_front *front;              /* not NULL: receives every epoch on the front of this run; state: cb_hgq_student */
    bool profile;                 /* say at the end where the time went */
} cb_hgq_plan;

typedef struct {
    int n, best;                           /* epochs; index of the kept one */
    double *loss, *val_mae, *ebops, *beta; /* [n]: mean training loss; validation; EBOPs; beta used */
    double *exact;                         /* [n]: exact EBOPs of the programme, if the plan has a front; else 0 */
} cb_hgq_history;

/* beta of epoch 0, 1, ...: beta, then log-linear from ramp_start to ramp_stop, then beta_end. The
 * last epoch always has beta_end. */
double cb_hgq_beta(const cb_hgq_plan *p, int epoch);
/* Adam's rate of an epoch: the log-linear envelope, times (1 + cos(pi t)) / 2 within a cycle, t = 0 ... 1 from its first
 * to its last epoch, but at least a twentieth (HGQ's training scripts). Every checkpoint of a front is
 * one epoch of one run: those at the end of a cycle have settled. */
double cb_hgq_rate(const cb_hgq_plan *p, int epoch);

/* Trains s and leaves the best epoch in it, the ranges of WRAP quantizers traced. Best: smallest validation
 * MAE + beta EBOPs, the objective of the training, among the epochs whose beta is the final one
 * (all, if it is constant). By MAE alone an early, wide student would win whenever beta matters. With a pid: the
 * smallest MAE among the epochs within the target, or the fewest EBOPs if none is, with a warning.
 * h (not initialised) receives the history; the caller frees it. */
int cb_hgq_fit(cb_hgq_student *s, const cb_student_set *set, const cb_hgq_plan *p, cb_hgq_history *h) CB_MUST;
int cb_hgq_history_write(const cb_hgq_history *h, cb_h5 *f) CB_MUST; /* group /history */
void cb_hgq_history_free(cb_hgq_history *h);

#endif
