#include <stdlib.h>
#include <string.h>

#include "data/artifact_internal.h"

enum { SMALL_BYTES = 1024, CHUNK_BYTES = 512 * 1024, DEFLATE = 4 };

int cb_h5_group(cb_h5 *f, const char *name) {
    hid_t gcpl = H5Pcreate(H5P_GROUP_CREATE);
    H5Pset_obj_track_times(gcpl, 0);
    hid_t g = H5Gcreate2(f->file, name, H5P_DEFAULT, gcpl, H5P_DEFAULT);
    int rc = g < 0 ? cb_h5_fail(f, name, "cannot make the group") : 0;
    if (g >= 0) H5Gclose(g);
    H5Pclose(gcpl);
    return rc;
}

/* Rows a chunk: a power of two with at most CHUNK_BYTES; one row too large is
 * halved along its own axes. A function of type and dims only. */
static void chunk_shape(size_t size, int rank, const hsize_t *dims, hsize_t *chunk) {
    memcpy(chunk, dims, (size_t)rank * sizeof *chunk);
    for (int axis = 1; axis < rank; axis++) {
        hsize_t row = size;
        for (int k = 1; k < rank; k++) row *= chunk[k];
        while (row > CHUNK_BYTES && chunk[axis] > 1) {
            row = row / chunk[axis] * ((chunk[axis] + 1) / 2);
            chunk[axis] = (chunk[axis] + 1) / 2;
        }
    }
    hsize_t row = size, n = 1;
    for (int k = 1; k < rank; k++) row *= chunk[k];
    while (2 * n * row <= CHUNK_BYTES && 2 * n <= dims[0]) n *= 2;
    chunk[0] = n * row * 2 <= CHUNK_BYTES && n < dims[0] ? dims[0] : n;
}

static hid_t creation_list(size_t size, int rank, const hsize_t *dims) {
    hid_t p = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_obj_track_times(p, 0);
    H5Pset_fill_time(p, H5D_FILL_TIME_ALLOC);
    hsize_t bytes = size;
    for (int k = 0; k < rank; k++) bytes *= dims[k];
    if (rank == 0 || bytes < SMALL_BYTES) return p;
    hsize_t chunk[CB_MAX_RANK];
    chunk_shape(size, rank, dims, chunk);
    H5Pset_chunk(p, rank, chunk);
    H5Pset_alloc_time(p, H5D_ALLOC_TIME_INCR);
    H5Pset_shuffle(p);
    H5Pset_deflate(p, DEFLATE);
    return p;
}

hid_t cb_h5_create_dataset(cb_h5 *f, const char *name, hid_t type, int rank, const uint64_t *dims) {
    hsize_t d[CB_MAX_RANK] = {0};
    if (rank < 0 || rank > CB_MAX_RANK)
        return cb_fail("%s: dataset %s: rank %d, 0 to %d wanted", f->path, name, rank, CB_MAX_RANK);
    for (int k = 0; k < rank; k++) d[k] = dims[k];
    hid_t dcpl = creation_list(H5Tget_size(type), rank, d);
    hid_t space = rank ? H5Screate_simple(rank, d, NULL) : H5Screate(H5S_SCALAR);
    hid_t set = H5Dcreate2(f->file, name, type, space, H5P_DEFAULT, dcpl, H5P_DEFAULT);
    if (set < 0) cb_h5_fail(f, name, "cannot make the dataset");
    H5Sclose(space);
    H5Pclose(dcpl);
    return set;
}

int cb_h5_write(cb_h5 *f, const char *name, cb_type t, int rank, const uint64_t *dims,
                const void *data) {
    hid_t set = cb_h5_create_dataset(f, name, cb_type_disk(t), rank, dims);
    if (set < 0) return -1;
    uint64_t n = 1;
    for (int k = 0; k < rank; k++) n *= dims[k];
    int rc = 0;
    if (n && H5Dwrite(set, cb_type_memory(t), H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0)
        rc = cb_h5_fail(f, name, "cannot write");
    if (H5Dclose(set) < 0 && !rc) rc = cb_h5_fail(f, name, "cannot write");
    return rc;
}

int cb_h5_new(cb_h5 *f, const char *name, cb_type t, int rank, const uint64_t *dims) {
    if (rank < 1) return cb_fail("%s: dataset %s: a scalar has no rows", f->path, name);
    hid_t set = cb_h5_create_dataset(f, name, cb_type_disk(t), rank, dims);
    if (set < 0) return -1;
    if (H5Dclose(set) < 0) return cb_h5_fail(f, name, "cannot make the dataset");
    cb_h5_pending *p = cb_alloc(1, sizeof *p);
    char *copy = cb_strdup(name);
    if (!p || !copy) {
        free(p);
        free(copy);
        return -1;
    }
    *p = (cb_h5_pending){copy, dims[0], 0, f->pending};
    f->pending = p;
    return 0;
}

static int write_slab(cb_h5 *f, const char *name, hid_t set, cb_type t, uint64_t first, uint64_t n,
                      const void *data) {
    hid_t space = H5Dget_space(set);
    hsize_t start[CB_MAX_RANK] = {first}, count[CB_MAX_RANK] = {0};
    int rank = H5Sget_simple_extent_dims(space, count, NULL), rc = 0;
    if (rank < 1 || first > count[0] || n > count[0] - first) {
        rc = cb_fail("%s: dataset %s: rows %llu to %llu are outside", f->path, name,
                     (unsigned long long)first, (unsigned long long)(first + n));
    } else if (n) {
        count[0] = n;
        hid_t memory = H5Screate_simple(rank, count, NULL);
        if (H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) < 0 ||
            H5Dwrite(set, cb_type_memory(t), memory, space, H5P_DEFAULT, data) < 0)
            rc = cb_h5_fail(f, name, "cannot write");
        H5Sclose(memory);
    }
    H5Sclose(space);
    return rc;
}

int cb_h5_write_rows(cb_h5 *f, const char *name, cb_type t, uint64_t first, uint64_t n,
                     const void *data) {
    cb_h5_pending *p = f->pending;
    while (p && strcmp(p->name, name)) p = p->next;
    if (!p) return cb_fail("%s: dataset %s was not made by cb_h5_new", f->path, name);
    hid_t set = H5Dopen2(f->file, name, H5P_DEFAULT);
    if (set < 0) return cb_h5_fail(f, name, "cannot open");
    int rc = write_slab(f, name, set, t, first, n, data);
    if (H5Dclose(set) < 0 && !rc) rc = cb_h5_fail(f, name, "cannot write");
    if (!rc) p->written += n;
    return rc;
}
