/* rows.h - the images of a training set by row number, in bounded memory.
 *
 *     cb_rows *r = cb_rows_new(n_feature, &place);
 *     while (...) cb_rows_append(r, et, n);       // in order, once
 *     const uint16_t *image = cb_rows_at(r, row, buffer);
 *
 * Up to place->memory bytes they lie in memory. Beyond that all of them lie uncompressed in a
 * scratch file beside the output, and each look reads one row of it (pread: 0.5 to 2 us where the
 * file is still in the system's cache): what the process holds no longer depends on the number
 * of events, and shuffled access costs the same as ordered access. The scratch file has no name
 * (O_TMPFILE, or unlinked at once), so nothing is left of it however the process ends.
 */
#ifndef CB_DATA_ROWS_H
#define CB_DATA_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct cb_rows cb_rows;

/* Where rows may lie. */
typedef struct {
    uint64_t memory;  /* bytes; 0: as much as it takes, never a file */
    const char *near; /* the scratch file goes into the folder of this path; borrowed */
} cb_rows_place;

/* place NULL: in memory. Copies what it needs of place. */
cb_rows *cb_rows_new(size_t n_feature, const cb_rows_place *place) CB_MUST;
/* A view of an array that the caller keeps: row k is et + event[k] * n_feature (event NULL: k).
 * Nothing may be appended to it. */
cb_rows *cb_rows_view(const uint16_t *et, const uint32_t *event, uint64_t n, size_t n_feature) CB_MUST;
/* n more rows, et[n][n_feature]. */
int cb_rows_append(cb_rows *r, const uint16_t *et, uint64_t n) CB_MUST;
void cb_rows_free(cb_rows *r);

uint64_t cb_rows_count(const cb_rows *r);
size_t cb_rows_features(const cb_rows *r);
/* Do the rows lie in memory? Then cb_rows_at needs no buffer, and what it returns stays. */
int cb_rows_in_memory(const cb_rows *r);

/* Row k: a pointer into memory, or into buffer[n_feature]. Any thread. A read error gives a row of
 * zeros and is remembered for cb_rows_check, so that parallel loops need no way out. */
const uint16_t *cb_rows_at(const cb_rows *r, uint64_t k, uint16_t *buffer);
/* n rows, row[k] or first + k (row NULL), into out[n][n_feature]. Threads. */
int cb_rows_copy(const cb_rows *r, const uint32_t *row, uint64_t first, size_t n, uint16_t *out) CB_MUST;
/* Fails if any look so far could not be served. To be called after loops over cb_rows_at. */
int cb_rows_check(const cb_rows *r) CB_MUST;

#endif
