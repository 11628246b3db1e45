/* emd.h - how far a student's scores are from the teacher's.
 *
 * The earth mover's distance is the 1-D Wasserstein distance of two empirical
 * distributions, the integral of |F_a - F_b|, as scipy.stats.wasserstein_distance:
 * in units of the score. Sums run in ascending score, in double, one thread.
 */
#ifndef CB_STATS_EMD_H
#define CB_STATS_EMD_H

#include "stats/sample.h"

/* NaN if a sample is empty. The samples may differ in size. */
double cb_emd(const cb_sample *a, const cb_sample *b);

/* Bootstrap of the EMD of two scores of the *same* n events (event index e of a and b is
 * one event): resample r draws n events with replacement from the random stream (seed, stream, r)
 * and takes both scores of each. Returns the standard deviation over the resamples in *error
 * (0 for fewer than two resamples or no events). Parallel over resamples; the result does
 * not depend on the thread count. */
int cb_emd_bootstrap(const cb_sample *a, const cb_sample *b, uint64_t seed, const char *stream,
                     int n_resample, double *error) CB_MUST;

/* Mean of |a[i] - b[i]|, summed in event order; NaN if n = 0. */
double cb_mean_absolute_error(const float *a, const float *b, size_t n);

#endif
