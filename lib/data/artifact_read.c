#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/artifact_internal.h"

void cb_h5_source_close(cb_h5_source *s) {
    if (s->space >= 0) H5Sclose(s->space);
    if (s->type >= 0) H5Tclose(s->type);
    if (s->set >= 0) H5Dclose(s->set);
}

static int source_shape(cb_h5 *f, const char *name, cb_h5_source *s) {
    s->rank = H5Sget_simple_extent_ndims(s->space);
    if (s->rank < 0 || s->rank > CB_MAX_RANK || H5Sget_simple_extent_type(s->space) == H5S_NULL)
        return cb_fail("%s: dataset %s: rank 0 to %d wanted", f->path, name, CB_MAX_RANK);
    if (H5Sget_simple_extent_dims(s->space, s->dims, NULL) < 0)
        return cb_h5_fail(f, name, "cannot read its shape");
    s->row = 1;
    double total = (double)s->size;
    for (int k = 0; k < s->rank; k++) {
        total *= (double)s->dims[k];
        if (k) s->row *= s->dims[k];
    }
    /* Deflate packs at most 1032 : 1; a header that claims far more is damaged, and
     * believing it would ask for memory that no machine has. */
    if (total > 4096.0 * (double)f->file_bytes + 1048576)
        return cb_fail("%s: dataset %s: claims %.3g bytes, more than the file can hold; make it again",
                       f->path, name, total);
    return 0;
}

int cb_h5_source_open(cb_h5 *f, const char *name, cb_h5_source *s) {
    *s = (cb_h5_source){.set = -1, .type = -1, .space = -1};
    if (!cb_h5_exists(f, name)) return cb_fail("%s: dataset %s is missing", f->path, name);
    s->set = H5Dopen2(f->file, name, H5P_DEFAULT);
    if (s->set < 0) return cb_fail("%s: %s is not a dataset", f->path, name);
    s->type = H5Dget_type(s->set);
    s->space = H5Dget_space(s->set);
    if (s->type < 0 || s->space < 0) {
        cb_h5_fail(f, name, "cannot read its header");
        cb_h5_source_close(s);
        return -1;
    }
    s->class = H5Tget_class(s->type);
    s->size = H5Tget_size(s->type);
    hid_t base = s->class == H5T_ENUM ? H5Tget_super(s->type) : H5Tcopy(s->type);
    if (s->class == H5T_ENUM) s->class = H5T_INTEGER; /* h5py's booleans */
    s->is_unsigned = s->class == H5T_INTEGER && H5Tget_sign(base) == H5T_SGN_NONE;
    H5Tclose(base);
    if (source_shape(f, name, s)) {
        cb_h5_source_close(s);
        return -1;
    }
    return 0;
}

bool cb_h5_exists(cb_h5 *f, const char *name) {
    char part[1024];
    size_t n = strlen(name);
    if (n >= sizeof part) return false;
    if (!strcmp(name, "/")) return true;
    for (size_t i = 1; i <= n; i++) { /* every parent must exist before H5Lexists may be asked */
        if (name[i] && name[i] != '/') continue;
        memcpy(part, name, i);
        part[i] = 0;
        if (H5Lexists(f->file, part, H5P_DEFAULT) <= 0) return false;
    }
    return H5Oexists_by_name(f->file, name, H5P_DEFAULT) > 0;
}

int cb_h5_shape(cb_h5 *f, const char *name, int *rank, uint64_t dims[CB_MAX_RANK]) {
    cb_h5_source s;
    if (cb_h5_source_open(f, name, &s)) return -1;
    *rank = s.rank;
    for (int k = 0; k < s.rank; k++) dims[k] = s.dims[k];
    cb_h5_source_close(&s);
    return 0;
}

/* "name[i,j,k]" of a flat index, for messages. */
static const char *where(const cb_h5_source *s, const char *name, uint64_t flat) {
    static _Thread_local char text[512];
    uint64_t index[CB_MAX_RANK] = {0};
    for (int k = s->rank - 1; k >= 0; k--) {
        index[k] = s->dims[k] ? flat % s->dims[k] : 0;
        flat /= s->dims[k] ? s->dims[k] : 1;
    }
    int at = snprintf(text, sizeof text - 120, "%s", name);
    if (at < 0 || at > (int)sizeof text - 121) at = (int)sizeof text - 121;
    for (int k = 0; k < s->rank; k++)
        at += sprintf(text + at, "%s%llu", k ? "," : "[", (unsigned long long)index[k]);
    if (s->rank) strcpy(text + at, "]");
    return text;
}

static hid_t select_rows(const cb_h5_source *s, uint64_t first, uint64_t n) {
    if (s->rank == 0) return H5Screate(H5S_SCALAR);
    hsize_t start[CB_MAX_RANK] = {first}, count[CB_MAX_RANK];
    memcpy(count, s->dims, sizeof count);
    count[0] = n;
    H5Sselect_hyperslab(s->space, H5S_SELECT_SET, start, NULL, count, NULL);
    return H5Screate_simple(s->rank, count, NULL);
}

static int read_as(cb_h5 *f, const char *name, cb_h5_source *s, hid_t memory_type, uint64_t first, uint64_t n,
                   void *buffer) {
    hid_t memory = select_rows(s, first, n);
    int rc = 0;
    if (H5Dread(s->set, memory_type, memory, s->rank ? s->space : H5S_ALL, H5P_DEFAULT, buffer) < 0)
        rc = cb_h5_fail(f, name, "cannot read; the file is damaged, make it again");
    H5Sclose(memory);
    return rc;
}

static int check_finite(cb_h5 *f, const char *name, const cb_h5_source *s, cb_type t, uint64_t first,
                        uint64_t n, const void *v) {
    for (uint64_t i = 0; i < n; i++) {
        double x = t == CB_F32 ? (double)((const float *)v)[i] : ((const double *)v)[i];
        if (!isfinite(x))
            return cb_fail("%s: dataset %s is %s; a finite number wanted", f->path,
                           where(s, name, first + i), isnan(x) ? "NaN" : "infinite or beyond f32");
    }
    return 0;
}

/* True if every value of the source type is a value of t. */
static bool always_fits(const cb_h5_source *s, cb_type t) {
    if (s->class == H5T_FLOAT) return cb_type_is_float(t);
    if (t == CB_F64) return s->size <= 4;
    if (t == CB_F32) return s->size <= 2;
    bool t_unsigned = t == CB_U8 || t == CB_U16 || t == CB_U32 || t == CB_U64;
    if (s->is_unsigned == t_unsigned) return s->size <= cb_type_size(t);
    return s->is_unsigned && s->size < cb_type_size(t);
}

static void store_signed(void *to, cb_type t, uint64_t i, int64_t v) {
    switch (t) {
    case CB_U8: ((uint8_t *)to)[i] = (uint8_t)v; break;
    case CB_I8: ((int8_t *)to)[i] = (int8_t)v; break;
    case CB_U16: ((uint16_t *)to)[i] = (uint16_t)v; break;
    case CB_I16: ((int16_t *)to)[i] = (int16_t)v; break;
    case CB_U32: ((uint32_t *)to)[i] = (uint32_t)v; break;
    case CB_I32: ((int32_t *)to)[i] = (int32_t)v; break;
    case CB_U64: ((uint64_t *)to)[i] = (uint64_t)v; break;
    case CB_I64: ((int64_t *)to)[i] = v; break;
    case CB_F32: ((float *)to)[i] = (float)v; break;
    case CB_F64: ((double *)to)[i] = (double)v; break;
    }
}

static bool int_fits(cb_type t, int64_t v) {
    switch (t) {
    case CB_U8: return v >= 0 && v <= UINT8_MAX;
    case CB_I8: return v >= INT8_MIN && v <= INT8_MAX;
    case CB_U16: return v >= 0 && v <= UINT16_MAX;
    case CB_I16: return v >= INT16_MIN && v <= INT16_MAX;
    case CB_U32: return v >= 0 && v <= UINT32_MAX;
    case CB_I32: return v >= INT32_MIN && v <= INT32_MAX;
    case CB_U64: return v >= 0;
    case CB_I64: return true;
    case CB_F32: return v >= -(1 << 24) && v <= 1 << 24;
    case CB_F64: return v >= -(INT64_C(1) << 53) && v <= INT64_C(1) << 53;
    }
    return false;
}

/* One block through int64 (integers) or double (floats), value by value. */
static int convert_block(cb_h5 *f, const char *name, const cb_h5_source *s, cb_type t, uint64_t first,
                         uint64_t n, const void *wide, void *to) {
    for (uint64_t i = 0; i < n; i++) {
        int64_t v = 0;
        bool fits;
        if (s->class == H5T_FLOAT) {
            double x = ((const double *)wide)[i];
            fits = x >= -0x1p63 && x < 0x1p63 && x == floor(x);
            if (fits) v = (int64_t)x;
            fits = fits && int_fits(t, v);
            if (!fits)
                return cb_fail("%s: dataset %s is %g; a whole number that fits %s wanted", f->path,
                               where(s, name, first + i), x, cb_type_name(t));
        } else {
            v = ((const int64_t *)wide)[i];
            bool huge = s->is_unsigned && v < 0; /* read as u64 */
            fits = huge ? t == CB_U64 : int_fits(t, v);
            if (!fits && huge)
                return cb_fail("%s: dataset %s is %llu; a number that fits %s wanted", f->path,
                               where(s, name, first + i), (unsigned long long)v, cb_type_name(t));
            if (!fits)
                return cb_fail("%s: dataset %s is %lld; a number that fits %s wanted", f->path,
                               where(s, name, first + i), (long long)v, cb_type_name(t));
        }
        store_signed(to, t, i, v);
    }
    return 0;
}

static int read_checked(cb_h5 *f, const char *name, cb_h5_source *s, cb_type t, uint64_t first, uint64_t n,
                        char *to) {
    uint64_t step = s->row ? 65536 / s->row : 1;
    if (!step) step = 1;
    if (step > n) step = n;
    void *wide = cb_alloc(step * s->row, 8);
    if (!wide) return -1;
    hid_t type = s->class == H5T_FLOAT ? H5T_NATIVE_DOUBLE
                 : s->is_unsigned      ? H5T_NATIVE_UINT64
                                       : H5T_NATIVE_INT64;
    int rc = 0;
    for (uint64_t at = 0; at < n && !rc; at += step) {
        uint64_t k = at + step <= n ? step : n - at;
        rc = read_as(f, name, s, type, first + at, k, wide);
        if (!rc)
            rc = convert_block(f, name, s, t, (first + at) * s->row, k * s->row, wide,
                               to + at * s->row * cb_type_size(t));
    }
    free(wide);
    return rc;
}

static int read_rows(cb_h5 *f, const char *name, cb_h5_source *s, cb_type t, uint64_t first, uint64_t n,
                     void *to) {
    if (s->class != H5T_INTEGER && s->class != H5T_FLOAT)
        return cb_fail("%s: dataset %s does not hold numbers", f->path, name);
    if (n == 0 || s->row == 0) return 0;
    if (!always_fits(s, t)) return read_checked(f, name, s, t, first, n, to);
    if (read_as(f, name, s, cb_type_memory(t), first, n, to)) return -1;
    if (s->class != H5T_FLOAT) return 0;
    return check_finite(f, name, s, t, first * s->row, n * s->row, to);
}

int cb_h5_read_rows(cb_h5 *f, const char *name, cb_type t, uint64_t first, uint64_t n, void *buffer) {
    cb_h5_source s;
    if (cb_h5_source_open(f, name, &s)) return -1;
    uint64_t rows = s.rank ? s.dims[0] : 1;
    int rc;
    if (first > rows || n > rows - first)
        rc = cb_fail("%s: dataset %s: rows %llu to %llu wanted, there are %llu", f->path, name,
                     (unsigned long long)first, (unsigned long long)(first + n),
                     (unsigned long long)rows);
    else
        rc = read_rows(f, name, &s, t, first, n, buffer);
    cb_h5_source_close(&s);
    return rc;
}

/* "(a,b,*)" into a rotating buffer; a 0 in a wanted shape prints as *. */
static const char *shape_text(int rank, const uint64_t *dims, bool wanted) {
    static _Thread_local char text[2][160];
    char *t = text[wanted];
    int at = sprintf(t, "(");
    for (int k = 0; k < rank; k++) {
        if (wanted && !dims[k])
            at += sprintf(t + at, "%s*", k ? "," : "");
        else
            at += sprintf(t + at, "%s%llu", k ? "," : "", (unsigned long long)dims[k]);
    }
    strcpy(t + at, ")");
    return t;
}

static int match_shape(cb_h5 *f, const char *name, const cb_h5_source *s, int rank, uint64_t *dims) {
    uint64_t found[CB_MAX_RANK];
    bool same = rank < 0 || rank == s->rank;
    for (int k = 0; k < s->rank; k++) {
        found[k] = s->dims[k];
        if (rank == s->rank && dims[k] && dims[k] != found[k]) same = false;
    }
    if (!same)
        return cb_fail("%s: dataset %s has shape %s, %s wanted", f->path, name,
                       shape_text(s->rank, found, false), shape_text(rank, dims, true));
    if (dims)
        for (int k = 0; k < s->rank; k++) dims[k] = found[k];
    return 0;
}

void *cb_h5_read(cb_h5 *f, const char *name, cb_type t, int rank, uint64_t *dims) {
    cb_h5_source s;
    if (cb_h5_source_open(f, name, &s)) return NULL;
    void *data = NULL;
    uint64_t rows = s.rank ? s.dims[0] : 1;
    if (!match_shape(f, name, &s, rank, dims)) data = cb_alloc_aligned(rows * s.row, cb_type_size(t));
    if (data && read_rows(f, name, &s, t, 0, rows, data)) {
        free(data);
        data = NULL;
    }
    cb_h5_source_close(&s);
    return data;
}
