#include "data/overlay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/threads.h"
#include "data/dataset.h"
#include "data/layouts.h"

enum { MINBIAS, MBTAIL, SIGNAL };
static const char *const split_name[3] = {"train", "val", "test"};

/* ---- setting up ---- */
static int fill_pool(cb_overlay *o, int which, int process, const double fraction[3]) {
    const cb_library *lib = o->lib;
    uint32_t first = lib->first_event[process], n = lib->first_event[process + 1] - first;
    for (int s = 0; s < 3; s++)
        if (!(o->pool[s][which] = cb_alloc(n, sizeof(uint32_t)))) return -1;
    for (uint32_t i = 0; i < n; i++) {
        int s = cb_library_split(lib, process, i, fraction);
        o->pool[s][which][o->n_pool[s][which]++] = first + i;
    }
    return 0;
}

/* p as a threshold t with P(u32 < t) = p; 1 becomes 2^32 - 1. */
static uint32_t threshold(double p) { return p >= 1 ? UINT32_MAX : p <= 0 ? 0 : (uint32_t)(p * 0x1p32); }

static void fill_thresholds(cb_overlay *o) {
    for (int period = 0; period < CB_PERIODS; period++) {
        for (int d = 0; d < CB_HALF_ETA; d++) o->noise[period][d] = threshold(o->lib->noise_prob[period][d]);
        for (int b = 0; b < o->lib->n_bin; b++) {
            double sum = 0;
            for (int k = 0; k < 3; k++)
                o->bits[period][b][k] = threshold(sum += o->lib->bits_prob[period][b][k]);
        }
    }
}

static int choose_sample(cb_overlay *o, const char *sample, const double fraction[3]) {
    o->period = !strcmp(sample, "zb")        ? -1
                : !strcmp(sample, "zb_low")  ? CB_PERIOD_LOW
                : !strcmp(sample, "zb_high") ? CB_PERIOD_HIGH
                                             : CB_PERIOD_MC;
    if (o->period != CB_PERIOD_MC || !strcmp(sample, "nu")) return 0;
    int process = cb_library_process(o->lib, sample);
    if (process < 0 || !strcmp(sample, "minbias") || !strcmp(sample, "mbtail"))
        return cb_fail("unknown sample %s: zb, zb_low, zb_high, nu or a signal process wanted (%s)", sample,
                       process < 0 ? cb_error() : "this one is pile-up");
    o->signal = true;
    return fill_pool(o, SIGNAL, process, fraction);
}

int cb_overlay_new(cb_overlay *o, const cb_library *lib, const char *sample, const double fraction[3],
                   uint64_t seed) {
    *o = (cb_overlay){.lib = lib, .seed = seed};
    double sum = fraction[0] + fraction[1] + fraction[2];
    if (!(fraction[0] >= 0 && fraction[1] >= 0 && fraction[2] >= 0 && sum > 1 - 1e-9 && sum < 1 + 1e-9))
        return cb_fail("library_split %g %g %g: three fractions with sum 1 wanted", fraction[0],
                       fraction[1], fraction[2]);
    for (int s = 0; s < 3; s++)
        snprintf(o->stream[s], sizeof o->stream[s], "overlay %.48s %s", sample, split_name[s]);
    fill_thresholds(o);
    if (fill_pool(o, MINBIAS, cb_library_process(lib, "minbias"), fraction) ||
        fill_pool(o, MBTAIL, cb_library_process(lib, "mbtail"), fraction) ||
        choose_sample(o, sample, fraction)) {
        cb_overlay_free(o);
        return -1;
    }
    return 0;
}

void cb_overlay_free(cb_overlay *o) {
    for (int s = 0; s < 3; s++)
        for (int k = 0; k < CB_POOLS; k++) free(o->pool[s][k]);
    *o = (cb_overlay){0};
}

int cb_overlay_check(const cb_overlay *o, int split) {
    static const char *const name[CB_POOLS] = {"minbias", "mbtail", "the signal"};
    for (int k = 0; k < (o->signal ? 3 : 2); k++)
        if (!o->n_pool[split][k])
            return cb_fail("the library has no events of %s for %s: raise its fraction in [simulate] "
                           "library_split or ask for no such events", name[k], split_name[split]);
    return 0;
}

/* ---- one event ---- */
typedef struct {
    uint32_t sum[CB_REGIONS];
    uint32_t largest[CB_REGIONS]; /* share of the hottest mbtail or signal event there */
    uint8_t its_bits[CB_REGIONS];
} canvas;

/* Adds library event e, rotated and mirrored at random. `marks`: it may own a region. */
static void add_event(canvas *c, const cb_library *lib, uint32_t e, cb_rng *r, bool marks) {
    int turn = (int)cb_rng_below(r, CB_PHI), mirror = (int)cb_rng_below(r, 2);
    for (uint32_t k = lib->event_offset[e]; k < lib->event_offset[e + 1]; k++) {
        const cb_hit h = lib->hit[k];
        int phi = h.region / CB_ETA + turn, eta = h.region % CB_ETA;
        int i = (phi < CB_PHI ? phi : phi - CB_PHI) * CB_ETA + (mirror ? CB_ETA - 1 - eta : eta);
        c->sum[i] += h.et;
        if (marks && h.et > c->largest[i]) {
            c->largest[i] = h.et;
            c->its_bits[i] = h.bits;
        }
    }
}

static double draw_mu(const cb_overlay *o, cb_rng *r, int *period) {
    const cb_library *lib = o->lib;
    *period = o->period >= 0                          ? o->period
              : cb_rng_f64(r) < lib->fraction_low     ? CB_PERIOD_LOW
                                                      : CB_PERIOD_HIGH;
    double mean[CB_PERIODS] = {lib->mu_low, lib->mu_high, lib->mu_mc};
    double spread = *period == CB_PERIOD_MC ? lib->overlay_rel_mc : lib->overlay_rel_zb;
    double mu = mean[*period] * (1 + spread * cb_rng_normal(r));
    return mu < 1 ? 1 : mu > 90 ? 90 : mu;
}

static void add_pile_up(const cb_overlay *o, int split, double mu, cb_rng *r, canvas *c) {
    for (unsigned k = cb_rng_poisson(r, mu); k; k--) {
        int which = cb_rng_f64(r) < o->lib->p_tail ? MBTAIL : MINBIAS;
        uint32_t e = o->pool[split][which][cb_rng_below(r, o->n_pool[split][which])];
        add_event(c, o->lib, e, r, which == MBTAIL);
    }
}

static uint8_t draw_bits(const cb_overlay *o, int period, uint32_t sum, cb_rng *r) {
    int bin = o->lib->n_bin - 1;
    while (bin > 0 && sum < o->lib->bit_bin[bin]) bin--;
    const uint32_t *t = o->bits[period][bin], u = cb_rng_u32(r);
    return (uint8_t)(u < t[0] ? 0 : u < t[1] ? 1 : u < t[2] ? 2 : 3);
}

void cb_overlay_event(const cb_overlay *o, int split, uint64_t index, uint16_t *et, uint8_t *bits) {
    canvas c;
    memset(&c, 0, sizeof c);
    cb_rng r = cb_rng_at(o->seed, o->stream[split], index);
    int period;
    double mu = draw_mu(o, &r, &period);
    add_pile_up(o, split, mu, &r, &c);
    if (o->signal) {
        uint32_t e = o->pool[split][SIGNAL][cb_rng_below(&r, o->n_pool[split][SIGNAL])];
        add_event(&c, o->lib, e, &r, true);
    }
    for (int i = 0; i < CB_REGIONS; i++) {
        int eta = i % CB_ETA, distance = eta < CB_HALF_ETA ? CB_HALF_ETA - 1 - eta : eta - CB_HALF_ETA;
        c.sum[i] += cb_rng_u32(&r) < o->noise[period][distance];
    }
    for (int i = 0; i < CB_REGIONS; i++) {
        et[i] = (uint16_t)(c.sum[i] < CB_ET_MAX ? c.sum[i] : CB_ET_MAX);
        bits[i] = 0;
        if (c.sum[i] <= 1) continue;
        bool owned = c.largest[i] && 4 * (uint64_t)c.largest[i] >= 3 * (uint64_t)c.sum[i];
        bits[i] = owned ? c.its_bits[i] : draw_bits(o, period, c.sum[i], &r);
    }
}

void cb_overlay_events(const cb_overlay *o, int split, uint64_t first, uint64_t n, uint16_t *et,
                       uint8_t *bits) {
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < (int64_t)n; i++)
        cb_overlay_event(o, split, first + (uint64_t)i, et + i * CB_REGIONS, bits + i * CB_REGIONS);
}
