/* artifact.h - HDF5 artifacts: the same content gives the same bytes.
 *
 * Written with times off, format bounds V18..V18, little-endian types, chunks of
 * at most 1 MiB with shuffle+deflate(4) for datasets of 1 KiB and more (smaller
 * ones contiguous), no order tracking, no links to anything outside. Objects
 * appear in the order in which they are created, which the caller keeps fixed.
 * Root attributes: first schema, stage, version, config; by cb_h5_commit, last,
 * inputs ("name sha256\n" lines; name is the role, e.g. "dataset", never a path).
 * The file is written through cb_atomic: whole or absent.
 *
 * A dataset made by cb_h5_new must have received all its rows before the commit.
 *
 * Reading: every failure names the file, the dataset, the first offending index
 * and what was expected. Float data with NaN or infinity is refused.
 */
#ifndef CB_DATA_ARTIFACT_H
#define CB_DATA_ARTIFACT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef enum { CB_U8, CB_I8, CB_U16, CB_I16, CB_U32, CB_I32, CB_U64, CB_I64, CB_F32, CB_F64 } cb_type;
enum { CB_MAX_RANK = 5 };

typedef struct cb_h5 cb_h5;

/* ---- writing ---- */
/* schema e.g. "cicada-bench/dataset/1"; config: canonical text ("" if none). */
cb_h5 *cb_h5_create(const char *path, const char *schema, const char *stage, const char *config) CB_MUST;
/* Adds "role sha256" of an input file to the attribute `inputs`. */
int cb_h5_input(cb_h5 *f, const char *role, const char *path) CB_MUST;
int cb_h5_group(cb_h5 *f, const char *name) CB_MUST; /* parents must exist */
int cb_h5_write(cb_h5 *f, const char *name, cb_type t, int rank, const uint64_t *dims,
                const void *data) CB_MUST;
/* A dataset filled piece by piece along axis 0 (all other axes whole). */
int cb_h5_new(cb_h5 *f, const char *name, cb_type t, int rank, const uint64_t *dims) CB_MUST;
int cb_h5_write_rows(cb_h5 *f, const char *name, cb_type t, uint64_t first, uint64_t n,
                     const void *data) CB_MUST;
/* Attributes of an object ("/" is the root). */
int cb_h5_set_text(cb_h5 *f, const char *object, const char *name, const char *text) CB_MUST;
int cb_h5_set_i64(cb_h5 *f, const char *object, const char *name, int64_t v) CB_MUST;
int cb_h5_set_f64(cb_h5 *f, const char *object, const char *name, double v) CB_MUST;
/* Fixed-length strings as a dataset S<longest>. */
int cb_h5_write_strings(cb_h5 *f, const char *name, uint64_t n, const char *const *s) CB_MUST;
/* Closes, syncs, renames; *f = NULL whatever happens. */
int cb_h5_commit(cb_h5 **f) CB_MUST;

/* ---- reading ---- */
/* schema NULL: any HDF5 file; else the attribute must be equal. */
cb_h5 *cb_h5_open(const char *path, const char *schema) CB_MUST;
bool cb_h5_exists(cb_h5 *f, const char *name);
bool cb_h5_has_attribute(cb_h5 *f, const char *object, const char *name);
/* Rank and dims of a dataset. */
int cb_h5_shape(cb_h5 *f, const char *name, int *rank, uint64_t dims[CB_MAX_RANK]) CB_MUST;
/* The whole dataset, converted to t (values that do not fit are an error), in a
 * fresh buffer (64-byte aligned, free()). rank and dims must match; a dims entry
 * of 0 accepts any length and receives it. rank < 0: any rank, dims receives. */
void *cb_h5_read(cb_h5 *f, const char *name, cb_type t, int rank, uint64_t *dims) CB_MUST;
/* Rows first..first+n-1 along axis 0 into buffer. */
int cb_h5_read_rows(cb_h5 *f, const char *name, cb_type t, uint64_t first, uint64_t n,
                    void *buffer) CB_MUST;
/* Was this artifact made from that very file? Fails unless its `inputs` hold role with the
 * SHA-256 of path; the message tells to run the artifact's stage again. */
int cb_h5_made_from(const char *artifact, const char *role, const char *path) CB_MUST;
char *cb_h5_get_text(cb_h5 *f, const char *object, const char *name) CB_MUST; /* free() */
int cb_h5_get_i64(cb_h5 *f, const char *object, const char *name, int64_t *v) CB_MUST;
int cb_h5_get_f64(cb_h5 *f, const char *object, const char *name, double *v) CB_MUST;
/* Numeric attribute array -> doubles; returns the count stored (<= max) or -1. */
int cb_h5_get_f64s(cb_h5 *f, const char *object, const char *name, double *v, int max) CB_MUST;
char **cb_h5_read_strings(cb_h5 *f, const char *name, uint64_t *n) CB_MUST; /* one free() */
/* Names of the members of a group, sorted; one free(). */
char **cb_h5_list(cb_h5 *f, const char *group, uint64_t *n) CB_MUST;
const char *cb_h5_path(const cb_h5 *f);

/* Reading: closes. Writing: abandons, the file does not appear. NULL is fine. */
void cb_h5_close(cb_h5 **f);

#endif
