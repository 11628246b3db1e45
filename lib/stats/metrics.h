/* metrics.h - one score against the teacher and against zero bias, process by process, as numbers.
 *
 * The definitions of performance.h without its tables and bootstrap, for many students at once (fronts): auc and eff
 * are against zero bias (NaN in its own entry), emd and mae the distance to the teacher's scores of the same events.
 */
#ifndef CB_STATS_METRICS_H
#define CB_STATS_METRICS_H

#include "stats/performance.h"
#include "stats/roc.h"

typedef struct {
    size_t n;
    double auc, auc_lo, auc_hi, emd, mae;
    cb_efficiency eff[CB_MAX_RATES];
} cb_metrics;

/* What all students are compared with: the teacher's sorted scores; borrowed set and teacher. */
typedef struct {
    const cb_event_set *set;
    const float *teacher;
    cb_sample *sample; /* [n_process] */
    int n_rate;
    double rate_khz[CB_MAX_RATES], crossing_rate_khz;
} cb_metrics_reference;

/* Sorts the teacher's scores; rates are then set by the caller. */
int cb_metrics_begin(cb_metrics_reference *r, const cb_event_set *set, const float *teacher) CB_MUST;
/* score[first[n_process]] -> m[n_process]. r is only read: any thread. `what` names the student in messages. */
int cb_metrics_make(cb_metrics *m, const cb_metrics_reference *r, const float *score, const char *what) CB_MUST;
void cb_metrics_end(cb_metrics_reference *r);

#endif
