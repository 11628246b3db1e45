/* performance.h - the result tables of a set of scores: AUC, EMD, efficiency, curves.
 *
 * Tables (columns; every lo, hi is a 95 % interval, see roc.h and emd.h):
 *   performance  student family seed process n auc auc_lo auc_hi emd emd_lo emd_hi mae
 *                eff_<rate>khz eff_<rate>khz_lo eff_<rate>khz_hi ...    one row a student and process
 *   roc          student process rate_khz efficiency      thinned: about 12 points a decade of rate
 *   histograms   student process bin_lo bin_hi count      64 bins of 4 over the score range 0..256
 *
 * auc and eff are against zero bias and therefore nan in the zero bias row. emd and mae are
 * the distance to the teacher on the same events; emd_lo/hi = emd -+ 1.96 bootstrap standard errors
 * (lo at least 0). emd, mae and histogram exist only where score and teacher share a scale
 * (cb_scored.teacher_scale); else emd and mae are nan. Thresholds count ties: score >= t.
 */
#ifndef CB_STATS_PERFORMANCE_H
#define CB_STATS_PERFORMANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "stats/table.h"

enum { CB_MAX_RATES = 16, CB_SCORE_BINS = 64, CB_SCORE_BIN_WIDTH = 4, CB_ROC_PER_DECADE = 12 };

/* The events: process p has those with indices first[p] .. first[p+1]-1. */
typedef struct {
    int n_process, zero_bias;
    const char *const *process;
    const size_t *first;
} cb_event_set;

typedef struct {
    char student[64], family[16];
    int64_t seed;
    bool teacher_scale; /* 0..256, trained to be the teacher's score */
    float *score;       /* [first[n_process]] */
} cb_scored;

typedef struct {
    uint64_t seed;      /* of the bootstrap; streams "emd/<process>", common to all students */
    int n_bootstrap;
    int n_rate;
    double rate_khz[CB_MAX_RATES], crossing_rate_khz;
} cb_performance_options;

typedef struct { cb_table performance, roc, histograms; } cb_performance;

/* scored[teacher] is the reference. Fails on two students of one name, scores that are not finite
 * and zero bias without events; a process without events is left out with a warning.
 * The caller releases with cb_performance_free, whatever is returned. */
int cb_performance_make(cb_performance *p, const cb_event_set *set, const cb_scored *scored, int n_scored,
                        int teacher, const cb_performance_options *o) CB_MUST;
void cb_performance_free(cb_performance *p);

#endif
