/* outliers.h - outlier exposure: extra images that the students (never the teacher) see in
 * training and validation, labelled by the teacher (Princeton-AD/cicada, generator.py).
 *
 * In each of train and val their number is the wanted fraction f of (zero bias +
 * outliers): round(f/(1-f) * n_zero_bias). Modes:
 *   none     nothing
 *   signal   that many events of a simulated process, drawn from its own events of the
 *            same split without repetition (stream "outlier/signal", index = split)
 *   dummy    independent uniform cells 0..999 (stream "outlier/dummy")
 *   augment  from zero bias of the same split (stream "outlier/augment"): even ones overlay two
 *            events (sum of the cells), odd ones scale one event by 24/16 to 128/16 (uniform
 *            in sixteenths, rounded half up); both saturate at 1023
 */
#ifndef CB_NN_OUTLIERS_H
#define CB_NN_OUTLIERS_H

#include "nn/targets.h"

typedef struct {
    const char *mode;    /* none, signal, dummy or augment */
    const char *process; /* of mode signal */
    double fraction;     /* 0 <= f < 1 */
    uint64_t seed;
} cb_outlier_plan;

/* Fills outlier_et and outlier_split of t (train first, then val) and n_outlier; the targets are
 * still to be set. Fails, with the remedy, when there are too few signal events. */
int cb_outliers_make(cb_targets *t, const cb_dataset *d, const cb_outlier_plan *plan) CB_MUST;

#endif
