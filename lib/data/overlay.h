/* overlay.h - events from the library: pile-up, a hard process, noise, veto bits.
 *
 * The recipe (data/library/README.md, derived for the towers of that simulation):
 *  1 zero bias draws its run period (low with fraction_low), then mu = period mean x
 *    N(1, overlay_rel_zb); simulated samples mu_mc x N(1, overlay_rel_mc); mu is clipped to
 *    1..90; k = Poisson(mu);
 *  2 k times a random collision: of mbtail with p_tail, else of minbias; rotated by 0..17 phi
 *    steps, eta mirrored with probability 1/2; counts add up;
 *  3 a signal adds one event of its process, rotated and mirrored likewise;
 *  4 one count more per region with noise_prob (period, distance from the centre);
 *  5 saturation at 1023;
 *  6 veto bits: none for 0 or 1 count; where one mbtail or signal event makes 3/4 or more of the
 *    sum, its recorded bits; else drawn from bits_prob in the bin of the summed counts.
 *
 * Samples: zb, zb_low, zb_high (one period), nu (pile-up alone), and every process of the
 * library beyond minbias and mbtail. Event i of a split is a function of (library, fractions,
 * seed, sample, split, i) alone: not of the thread, nor of how many events are asked for.
 */
#ifndef CB_DATA_OVERLAY_H
#define CB_DATA_OVERLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "data/library.h"

enum { CB_POOLS = 3 }; /* minbias, mbtail, signal */

typedef struct {
    const cb_library *lib; /* must outlive the overlay */
    uint64_t seed;
    int period;            /* a cb_period, or -1: drawn per event */
    bool signal;
    uint32_t *pool[3][CB_POOLS];    /* [split]: library events, in library order */
    uint32_t n_pool[3][CB_POOLS];
    char stream[3][80];             /* names of the random streams */
    uint32_t noise[CB_PERIODS][CB_HALF_ETA];              /* thresholds on 32 bits */
    uint32_t bits[CB_PERIODS][CB_LIBRARY_BINS][3];        /* cumulative, the same */
} cb_overlay;

/* fraction: of the library for train, val, test; 0..1, sum 1. */
int cb_overlay_new(cb_overlay *o, const cb_library *lib, const char *sample, const double fraction[3],
                   uint64_t seed) CB_MUST;
void cb_overlay_free(cb_overlay *o);
/* An error if events of this split cannot be made because its share of the library is empty. */
int cb_overlay_check(const cb_overlay *o, int split) CB_MUST;

/* Event `index` of a split: et[252] counts, bits[252]. Thread-safe. The split must have
 * passed cb_overlay_check. */
void cb_overlay_event(const cb_overlay *o, int split, uint64_t index, uint16_t *et, uint8_t *bits);
/* Events first..first+n-1 by all threads. */
void cb_overlay_events(const cb_overlay *o, int split, uint64_t first, uint64_t n, uint16_t *et, uint8_t *bits);

#endif
