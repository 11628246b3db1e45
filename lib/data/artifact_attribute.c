#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/artifact_internal.h"

static int attribute_fail(const cb_h5 *f, const char *object, const char *name, const char *what) {
    return cb_fail("%s: attribute %s of %s: %s", f->path, name, object, what);
}

static int set_attribute(cb_h5 *f, const char *object, const char *name, hid_t disk, hid_t memory,
                         const void *value) {
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t a = H5Acreate_by_name(f->file, object, name, disk, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    int rc = 0;
    if (a < 0 || H5Awrite(a, memory, value) < 0) {
        const char *why = cb_h5_reason();
        rc = cb_fail("%s: attribute %s of %s: cannot write (HDF5: %s)", f->path, name, object, why);
    }
    if (a >= 0) H5Aclose(a);
    H5Sclose(space);
    return rc;
}

int cb_h5_set_text(cb_h5 *f, const char *object, const char *name, const char *text) {
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, strlen(text) + 1);
    int rc = set_attribute(f, object, name, type, type, text);
    H5Tclose(type);
    return rc;
}

int cb_h5_set_i64(cb_h5 *f, const char *object, const char *name, int64_t v) {
    return set_attribute(f, object, name, H5T_STD_I64LE, H5T_NATIVE_INT64, &v);
}

int cb_h5_set_f64(cb_h5 *f, const char *object, const char *name, double v) {
    return set_attribute(f, object, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &v);
}

bool cb_h5_has_attribute(cb_h5 *f, const char *object, const char *name) {
    return cb_h5_exists(f, object) && H5Aexists_by_name(f->file, object, name, H5P_DEFAULT) > 0;
}

/* Opens an attribute; *n = number of its elements. -1 with a message. */
static hid_t open_attribute(cb_h5 *f, const char *object, const char *name, hid_t *type, uint64_t *n) {
    if (!cb_h5_has_attribute(f, object, name)) return attribute_fail(f, object, name, "missing");
    hid_t a = H5Aopen_by_name(f->file, object, name, H5P_DEFAULT, H5P_DEFAULT);
    if (a < 0) return attribute_fail(f, object, name, "cannot open; the file is damaged");
    *type = H5Aget_type(a);
    hid_t space = H5Aget_space(a);
    hssize_t count = H5Sget_simple_extent_npoints(space);
    H5Sclose(space);
    *n = count > 0 ? (uint64_t)count : 0;
    return a;
}

static char *read_variable(hid_t a, hid_t type) {
    char *raw = NULL, *text = NULL;
    if (H5Aread(a, type, &raw) < 0) return NULL;
    text = cb_strdup(raw ? raw : "");
    H5free_memory(raw);
    return text;
}

static char *read_fixed(hid_t a, hid_t type) {
    char *text = cb_alloc(H5Tget_size(type) + 1, 1);
    if (text && H5Aread(a, type, text) < 0) {
        free(text);
        return NULL;
    }
    return text;
}

char *cb_h5_get_text(cb_h5 *f, const char *object, const char *name) {
    hid_t type;
    uint64_t n;
    hid_t a = open_attribute(f, object, name, &type, &n);
    if (a < 0) return NULL;
    char *text = NULL;
    if (H5Tget_class(type) != H5T_STRING || n != 1) {
        attribute_fail(f, object, name, "one string wanted");
    } else {
        text = H5Tis_variable_str(type) > 0 ? read_variable(a, type) : read_fixed(a, type);
        if (!text) attribute_fail(f, object, name, "cannot read");
    }
    H5Tclose(type);
    H5Aclose(a);
    return text;
}

bool cb_h5_is_number(hid_t type) {
    H5T_class_t c = H5Tget_class(type);
    return c == H5T_INTEGER || c == H5T_FLOAT || c == H5T_ENUM;
}

int cb_h5_get_f64s(cb_h5 *f, const char *object, const char *name, double *v, int max) {
    hid_t type;
    uint64_t n;
    hid_t a = open_attribute(f, object, name, &type, &n);
    if (a < 0) return -1;
    int rc = (int)n;
    if (!cb_h5_is_number(type) || n > (uint64_t)max) {
        rc = cb_fail("%s: attribute %s of %s: %llu elements; at most %d numbers wanted", f->path, name,
                     object, (unsigned long long)n, max);
    } else if (n && H5Aread(a, H5T_NATIVE_DOUBLE, v) < 0) {
        rc = attribute_fail(f, object, name, "cannot read");
    }
    for (int i = 0; i < rc; i++)
        if (!isfinite(v[i])) rc = attribute_fail(f, object, name, "NaN or infinite; a finite number wanted");
    H5Tclose(type);
    H5Aclose(a);
    return rc;
}

int cb_h5_get_f64(cb_h5 *f, const char *object, const char *name, double *v) {
    int n = cb_h5_get_f64s(f, object, name, v, 1);
    if (n < 0) return -1;
    return n == 1 ? 0 : attribute_fail(f, object, name, "one number wanted");
}

int cb_h5_get_i64(cb_h5 *f, const char *object, const char *name, int64_t *v) {
    hid_t type;
    uint64_t n;
    hid_t a = open_attribute(f, object, name, &type, &n);
    if (a < 0) return -1;
    int rc = 0;
    double x = 0;
    if (!cb_h5_is_number(type) || n != 1) {
        rc = attribute_fail(f, object, name, "one number wanted");
    } else if (H5Tget_class(type) == H5T_FLOAT) {
        if (H5Aread(a, H5T_NATIVE_DOUBLE, &x) < 0 || !(fabs(x) < 0x1p63) || x != floor(x))
            rc = attribute_fail(f, object, name, "a whole number wanted");
        else
            *v = (int64_t)x;
    } else if (H5Aread(a, H5T_NATIVE_INT64, v) < 0) {
        rc = attribute_fail(f, object, name, "cannot read");
    }
    H5Tclose(type);
    H5Aclose(a);
    return rc;
}

int cb_h5_made_from(const char *artifact, const char *role, const char *path) {
    char hex[65];
    cb_h5 *f = cb_h5_open(artifact, NULL);
    char *inputs = f ? cb_h5_get_text(f, "/", "inputs") : NULL, *stage = inputs ? cb_h5_get_text(f, "/", "stage") : NULL;
    char *line = stage && !cb_sha256_file(path, hex) ? cb_textf("%s %s\n", role, hex) : NULL;
    int rc = line ? 0 : -1;
    if (line && !strstr(inputs, line))
        rc = cb_fail("%s: made from another %s than %s; run %s again on it", artifact, role, path, stage);
    free(line), free(stage), free(inputs);
    cb_h5_close(&f);
    return rc;
}
