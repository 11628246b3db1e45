/* prepare.h - from input files to the one dataset file: checks, splits, order.
 *
 * Inputs are NAME=FILE in any form of layouts.h; several files of one NAME make one process.
 * All images must have one shape. Events whose AcceptanceFlag is 0 are dropped if wanted.
 *
 * Split of an event: the one its file gives (`split`), else a hash of the image alone (no
 * seed, no position): the same image is in the same split in every run, file and process, so
 * copies stay on one side by construction.
 *
 * Where a file gives the split, equal images may lie in two splits. Then the split of the
 * first occurrence (inputs in the order given, zero bias first by custom) keeps the image, and
 * the copies in other splits are dropped and counted, also across processes: a network must not
 * be tested on an image that it was trained on, whatever the image was called. Copies inside
 * one split stay: how often an image occurs is part of the sample. In simulated samples only
 * nearly empty events could repeat, fewer than one in 100,000, so no efficiency moves.
 *
 * The result (dataset.h) is sorted by process (order of first mention), split, input order.
 */
#ifndef CB_DATA_PREPARE_H
#define CB_DATA_PREPARE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef struct {
    const char *name, *path;
} cb_prepare_input;

typedef struct {
    double fraction[3];      /* train, val, test, for inputs without split; sum 1 */
    bool require_acceptance;
    const char *config;      /* canonical text, recorded */
} cb_prepare_options;

/* What happened, for the log and the tests. */
typedef struct {
    uint64_t read, kept, not_accepted, crossing; /* crossing: copies dropped */
    uint64_t copies;                             /* kept events that are not the first of their image */
} cb_prepare_counts;

int cb_prepare(const char *out, const cb_prepare_input *input, int n_input, const cb_prepare_options *options,
               cb_prepare_counts *counts) CB_MUST;

/* The split that the hash of an image gives. */
int cb_split_of_image(const uint16_t *et, uint64_t cells, const double fraction[3]);

#endif
