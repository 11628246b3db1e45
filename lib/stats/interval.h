/* interval.h - intervals for counts, from + - * / sqrt alone.
 *
 * No libm, no incomplete beta function: every interval is the same bytes on every
 * machine. Two-sided confidence is given as the matching normal quantile z:
 */
#ifndef CB_STATS_INTERVAL_H
#define CB_STATS_INTERVAL_H

#include <stdint.h>

/* P(|N(0,1)| < z) = 0.95 and 0.975. */
#define CB_Z_95 1.9599639845400542
#define CB_Z_975 2.2414027276049464

/* Wilson's score interval for k successes of n (Wilson, J. Am. Stat. Assoc. 22 (1927)
 * 209). Inside [0,1]; contains k/n; [0,1] for n = 0. */
void cb_wilson(uint64_t k, uint64_t n, double z, double *lo, double *hi);

/* The range a Binomial(n, p) count stays in: the largest *lo with P(K < *lo) <= tail
 * and the smallest *hi with P(K > *hi) <= tail. 0 <= p <= 1, 0 < tail < 0.5. */
void cb_binomial_range(uint64_t n, double p, double tail, uint64_t *lo, uint64_t *hi);

#endif
