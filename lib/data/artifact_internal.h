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

/* Integer, float or enumeration (h5py's booleans). */
bool cb_h5_is_number(hid_t type);

/* An open dataset with its shape. */
typedef struct {
    hid_t set, type, space;
    H5T_class_t class; /* of the base type: INTEGER, FLOAT, or another */
    size_t size;
    bool is_unsigned;
    int rank;
    hsize_t dims[CB_MAX_RANK];
    uint64_t row; /* elements a row (the whole of a scalar) */
} cb_h5_source;

/* Opens a dataset for reading and checks its header; close on success only. */
int cb_h5_source_open(cb_h5 *f, const char *name, cb_h5_source *s);
void cb_h5_source_close(cb_h5_source *s);

/* A new dataset with the creation properties of artifact.h; < 0 with a message. */
hid_t cb_h5_create_dataset(cb_h5 *f, const char *name, hid_t type, int rank, const uint64_t *dims);

#endif
