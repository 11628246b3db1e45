/* roc.h - how well a score separates signal from zero bias.
 *
 * AUC is exact: the integer twice_u = sum over (signal, background) pairs of
 * 2 [s > b] + [s == b] (Mann-Whitney U, ties counted half, times two), and
 * auc = twice_u / (2 n_signal n_background).
 *
 * A trigger accepts if score >= t; ties are counted. At a rate r of the
 * crossing rate R it may accept at most k = floor(n r / R) of n zero bias events;
 * its threshold is the smallest float32 with at most k accepted. Where several
 * events share the score at the edge, all of them are left out (a trigger cannot
 * accept half a tie), so the real rate is below r; a score that saturates may have
 * no threshold at all, and then accepts nothing.
 */
#ifndef CB_STATS_ROC_H
#define CB_STATS_ROC_H

#include "stats/sample.h"

typedef struct {
    uint64_t twice_u;
    double auc;    /* NaN if a sample is empty */
    double lo, hi; /* 95 %: DeLong's variance (Biometrics 44 (1988) 837), normal, cut to
                      [0,1]; [0,1] if a sample has fewer than two events */
} cb_auc;

cb_auc cb_roc_auc(const cb_sample *signal, const cb_sample *background);

/* Threshold that accepts at most `allowed` events of the sample (see above). */
float cb_roc_threshold(const cb_sample *background, uint64_t allowed);
/* floor(n * rate / crossing_rate), at most n: rates in any common unit. */
uint64_t cb_roc_allowed(size_t n, double rate, double crossing_rate);

typedef struct {
    uint64_t background, signal; /* accepted events */
    double value;                /* signal efficiency */
    double lo, hi;
} cb_efficiency;

/* Signal efficiency at a rate. [lo, hi] covers at least 95 %: Wilson's interval of the
 * signal count at 97.5 %, joined with the 97.5 % distribution-free (order statistics)
 * interval of the threshold. The second part says how well n zero bias events fix a
 * threshold at all: where fewer than about four events are allowed, no sample bounds the
 * threshold from above, and lo is 0. */
cb_efficiency cb_roc_efficiency(const cb_sample *signal, const cb_sample *background, double rate,
                                double crossing_rate);

/* The curve, from tight to loose: exact counts at thresholds that allow k = 0, 1, 2, ...,
 * n background events, thinned to about per_decade values of k a factor of ten; equal
 * points appear once. Returns the number of points, at most `max`. */
typedef struct { uint64_t background, signal; } cb_roc_point;
size_t cb_roc_curve(const cb_sample *signal, const cb_sample *background, int per_decade,
                    cb_roc_point *point, size_t max);

#endif
