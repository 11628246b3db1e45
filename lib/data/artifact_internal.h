/* artifact_internal.h - what the files artifact*.c share. Not for others. */
#ifndef CB_DATA_ARTIFACT_INTERNAL_H
#define CB_DATA_ARTIFACT_INTERNAL_H

#include <hdf5.h>

#include "base/file.h"
#include "data/artifact.h"

/* A dataset that is filled piece by piece: the rows still to come. */
typedef struct cb_h5_pending {
    char *name;
    uint64_t rows, written;
    struct cb_h5_pending *next;
} cb_h5_pending;

struct cb_h5 {
    char *path;
    hid_t file;
    bool writing;
    uint64_t file_bytes; /* reading: size of the file */
    cb_atomic out;       /* writing */
    char *inputs;        /* writing: text of the attribute, set by commit */
    cb_h5_pending *pending;
};

size_t cb_type_size(cb_type t);
const char *cb_type_name(cb_type t);
bool cb_type_is_float(cb_type t);
hid_t cb_type_disk(cb_type t);   /* little-endian type, not to be closed */
hid_t cb_type_memory(cb_type t); /* native type, not to be closed */

/* "path: dataset name: what (HDF5's innermost reason)"; name may be NULL. To be
 * called right after the HDF5 call that failed, before any other. Returns -1. */
int cb_h5_fail(const cb_h5 *f, const char *name, const char *what);
/* The innermost description on HDF5's error stack, "" if there is none. */
const char *cb_h5_reason(void);

/* Any integer or float of HDF5 as double, int64 or uint64; see artifact_read.c. */
bool cb_h5_is_number(hid_t type);

#endif
