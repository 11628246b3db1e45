/* library.h - the event library of the overlay: data/library/library.h5.
 *
 * Simulated collisions as sparse maps of calorimeter regions (18 phi x 14 eta, counts of
 * 0.5 GeV before saturation), by process: minbias and its hard tail mbtail for pile-up,
 * then the signals. Format, recipe and physics: data/library/README.md.
 *
 * The entries of each process are divided between train, val and test by a hash of their
 * identity (process name and number in the process; no seed), so that no collision and no
 * signal event serves two splits, whatever is simulated from them and how much of it.
 */
#ifndef CB_DATA_LIBRARY_H
#define CB_DATA_LIBRARY_H

#include <stdint.h>

#include "base/error.h"

/* Pile-up of a run period: rows of bits_prob and noise_prob. */
typedef enum { CB_PERIOD_LOW, CB_PERIOD_HIGH, CB_PERIOD_MC, CB_PERIODS } cb_period;
enum { CB_LIBRARY_BINS = 64, CB_HALF_ETA = 7 };

typedef struct {
    uint8_t region;   /* iphi*14 + ieta */
    uint8_t bits;     /* bit 0 tau veto, bit 1 e/gamma veto */
    uint16_t et;      /* counts, before saturation */
} cb_hit;

typedef struct {
    uint64_t n_process, n_event, n_hit;
    char **process;         /* names */
    uint32_t *first_event;  /* [n_process + 1] */
    uint32_t *event_offset; /* [n_event + 1]: hits of an event */
    cb_hit *hit;            /* [n_hit] */
    int n_bin;
    uint16_t bit_bin[CB_LIBRARY_BINS];                    /* lower edges, ascending */
    float bits_prob[CB_PERIODS][CB_LIBRARY_BINS][4];      /* P(bits = 0..3) of pile-up regions */
    float noise_prob[CB_PERIODS][CB_HALF_ETA];            /* P(one extra count); 0 = ieta 6, 7 */
    double mu_low, mu_high, fraction_low, overlay_rel_zb; /* zero bias */
    double mu_mc, overlay_rel_mc;                         /* simulated samples */
    double p_tail;                                        /* P(a collision is of mbtail) */
} cb_library;

int cb_library_read(cb_library *lib, const char *path) CB_MUST;
void cb_library_free(cb_library *lib);
/* Index of a process; -1 with an error that lists the names. */
int cb_library_process(const cb_library *lib, const char *name) CB_MUST;

/* The split of entry i of a process under the fractions of train, val, test. */
int cb_library_split(const cb_library *lib, int process, uint32_t i, const double fraction[3]);

#endif
