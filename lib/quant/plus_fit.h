/* plus_fit.h - a whole hgq+ training: a LUT budget that shrinks, fine tuning, the best epoch.
 *
 * Epochs 0 .. E-1, learning rate log-linear from learning_rate to rate_end times it.
 *   budget   LUTs allowed after epoch e: log-linear from the start value to `lut` at shrink * E, then constant
 *   beta     loss per LUT; after each epoch beta *= 2^clip(gain * (estimate / budget - 1), -1, 1), within limits
 *   widths   train until freeze * E; then weights and biases only
 *   estimate the netlist's own LUT estimate where the caller gives a function for it (asked every `ask` epochs),
 *            with plus_cost.h in between, scaled to the last answer; else plus_cost.h alone
 *   kept     the epoch with the smallest validation loss (task + spread of the whole validation set) among those whose
 *            estimate is within the budget `lut`; if none is, the one with the smallest estimate
 *   front    where the caller wants one, every epoch's programme is built and competes (front.h), at its exact EBOPs or,
 *            with price, at its LUTs
 */
#ifndef CB_QUANT_PLUS_FIT_H
#define CB_QUANT_PLUS_FIT_H

#include "quant/front.h"
#include "quant/plus_train.h"

/* LUTs of the student as it is; negative on failure. */
typedef double cb_plus_lut_fn(void *context, const cb_plus_model *m);

typedef struct {
    int epochs, ask;
    uint32_t batch;
    double learning_rate, rate_end;
    double beta, beta_least, beta_most, gain;
    double lut, shrink, freeze;
    cb_plus_loss loss;
    uint64_t seed;
    cb_plus_lut_fn *estimate; /* or NULL */
    void *context;
    cb_plus_lut_fn *price; /* of the front; NULL: exact EBOPs */
    cb_front *front; /* not NULL: receives every epoch on the front of this run; state: cb_plus_student */
} cb_plus_plan;

typedef struct {
    int n, best;
    double *loss, *val_loss;   /* [n] mean of the training; task + spread of the validation set */
    double *val_mae, *val_emd; /* of its zero bias */
    double *val_auc;           /* outliers against zero bias; -1 without outliers */
    double *cost, *lut, *beta; /* plus_cost.h; its estimate of LUTs; beta used */
    /* not in the file: the front's error, the mean absolute error of the whole validation set; with a front, else 0:
     * EBOPs of the widths, exact EBOPs of the programme */
    double *val_mae_all, *ebops, *exact;
} cb_plus_history;

/* Leaves the kept epoch in s. h (not initialised) receives the history; the caller frees it. */
int cb_plus_fit(cb_plus_student *s, const cb_student_set *set, const cb_plus_plan *p, cb_plus_history *h) CB_MUST;
int cb_plus_history_write(const cb_plus_history *h, cb_h5 *f) CB_MUST; /* group /history */
void cb_plus_history_free(cb_plus_history *h);

#endif
