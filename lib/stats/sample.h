/* sample.h - the scores of one set of events, in total order.
 *
 * Every statistic of this folder starts from a sorted sample, so it depends on
 * the multiset of scores alone: not on the order of events, not on threads.
 * Scores are float32. Integer scores up to 2^24 (16-bit codes, sums of E_T
 * counts) and codes / 256 are exact in float32 and may be passed as such.
 */
#ifndef CB_STATS_SAMPLE_H
#define CB_STATS_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef struct {
    size_t n;
    float *value;    /* [n] ascending; -0 counts as 0 */
    uint32_t *event; /* [n] index in the input of value[k]; ties in input order */
} cb_sample;

/* Sorts a copy of score[n]. Fails on NaN or infinity, naming `what` and the index,
 * and on n >= 2^32. An empty sample is allowed. Release with cb_sample_free. */
int cb_sample_make(cb_sample *s, const float *score, size_t n, const char *what) CB_MUST;
void cb_sample_free(cb_sample *s);

/* Number of scores >= t: what a trigger with threshold t accepts. This is the
 * one threshold convention of the project: accept if score >= t, ties counted. */
size_t cb_sample_accepted(const cb_sample *s, float t);

#endif
