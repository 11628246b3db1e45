#include "data/artifact.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/version.h"
#include "data/artifact_internal.h"

size_t cb_type_size(cb_type t) {
    static const size_t size[] = {1, 1, 2, 2, 4, 4, 8, 8, 4, 8};
    return size[t];
}

const char *cb_type_name(cb_type t) {
    static const char *const name[] = {"u8", "i8", "u16", "i16", "u32", "i32", "u64", "i64", "f32", "f64"};
    return name[t];
}

bool cb_type_is_float(cb_type t) { return t == CB_F32 || t == CB_F64; }

hid_t cb_type_disk(cb_type t) {
    switch (t) {
    case CB_U8: return H5T_STD_U8LE;
    case CB_I8: return H5T_STD_I8LE;
    case CB_U16: return H5T_STD_U16LE;
    case CB_I16: return H5T_STD_I16LE;
    case CB_U32: return H5T_STD_U32LE;
    case CB_I32: return H5T_STD_I32LE;
    case CB_U64: return H5T_STD_U64LE;
    case CB_I64: return H5T_STD_I64LE;
    case CB_F32: return H5T_IEEE_F32LE;
    case CB_F64: return H5T_IEEE_F64LE;
    }
    return H5I_INVALID_HID;
}

hid_t cb_type_memory(cb_type t) {
    switch (t) {
    case CB_U8: return H5T_NATIVE_UINT8;
    case CB_I8: return H5T_NATIVE_INT8;
    case CB_U16: return H5T_NATIVE_UINT16;
    case CB_I16: return H5T_NATIVE_INT16;
    case CB_U32: return H5T_NATIVE_UINT32;
    case CB_I32: return H5T_NATIVE_INT32;
    case CB_U64: return H5T_NATIVE_UINT64;
    case CB_I64: return H5T_NATIVE_INT64;
    case CB_F32: return H5T_NATIVE_FLOAT;
    case CB_F64: return H5T_NATIVE_DOUBLE;
    }
    return H5I_INVALID_HID;
}

/* Walking upward begins at the innermost frame: keep the first. Of a failed system call only
 * the system's own words are kept ("... errno = 28, error message = 'No space ...', ..."). */
static herr_t keep_first(unsigned depth, const H5E_error2_t *e, void *text) {
    (void)depth;
    char *t = text;
    if (*t || !e->desc) return 0;
    const char *words = strstr(e->desc, "error message = '");
    words = words ? words + strlen("error message = '") : e->desc;
    size_t n = words == e->desc ? strlen(words) : strcspn(words, "'");
    snprintf(t, 256, "%.*s", (int)(n < 255 ? n : 255), words);
    return 0;
}

const char *cb_h5_reason(void) {
    static _Thread_local char text[256];
    text[0] = 0;
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_first, text);
    return text;
}

int cb_h5_fail(const cb_h5 *f, const char *name, const char *what) {
    const char *why = cb_h5_reason();
    return cb_fail("%s: %s%s%s%s%s%s%s", f->path, name ? "dataset " : "", name ? name : "",
                   name ? ": " : "", what, *why ? " (HDF5: " : "", why, *why ? ")" : "");
}

/* No printing by HDF5 (its errors go into ours), and no clean-up at exit: after a
 * full disk HDF5 would try again to flush what it could not write. */
static void quiet(void) {
    static atomic_flag once = ATOMIC_FLAG_INIT;
    if (!atomic_flag_test_and_set(&once)) H5dont_atexit();
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

static cb_h5 *new_handle(const char *path) {
    quiet();
    cb_h5 *f = cb_alloc(1, sizeof *f);
    if (!f) return NULL;
    f->file = H5I_INVALID_HID;
    f->out.slot = -1;
    f->path = cb_strdup(path);
    if (!f->path) {
        free(f);
        return NULL;
    }
    return f;
}

static void free_handle(cb_h5 *f) {
    for (cb_h5_pending *p = f->pending; p;) {
        cb_h5_pending *next = p->next;
        free(p->name);
        free(p);
        p = next;
    }
    free(f->inputs);
    free(f->path);
    free(f);
}

static hid_t create_file(const char *path) {
    hid_t fcpl = H5Pcreate(H5P_FILE_CREATE), fapl = H5Pcreate(H5P_FILE_ACCESS);
    hid_t file = H5I_INVALID_HID;
    if (fcpl >= 0 && fapl >= 0 && H5Pset_obj_track_times(fcpl, 0) >= 0 &&
        H5Pset_libver_bounds(fapl, H5F_LIBVER_V18, H5F_LIBVER_V18) >= 0)
        file = H5Fcreate(path, H5F_ACC_TRUNC, fcpl, fapl);
    const char *why = file < 0 ? cb_h5_reason() : "";
    H5Pclose(fcpl);
    H5Pclose(fapl);
    if (file < 0) cb_fail("%s: cannot create (HDF5: %s)", path, why);
    return file;
}

cb_h5 *cb_h5_create(const char *path, const char *schema, const char *stage, const char *config) {
    cb_h5 *f = new_handle(path);
    if (!f) return NULL;
    f->writing = true;
    f->inputs = cb_strdup("");
    if (!f->inputs || cb_atomic_begin(&f->out, path)) {
        free_handle(f);
        return NULL;
    }
    f->file = create_file(f->out.tmp);
    if (f->file < 0 || cb_h5_set_text(f, "/", "schema", schema) ||
        cb_h5_set_text(f, "/", "stage", stage) || cb_h5_set_text(f, "/", "version", CB_VERSION) ||
        cb_h5_set_text(f, "/", "config", config))
        cb_h5_close(&f);
    return f;
}

int cb_h5_input(cb_h5 *f, const char *role, const char *path) {
    char hex[65];
    if (cb_sha256_file(path, hex)) return -1;
    char *more = cb_textf("%s%s %s\n", f->inputs, role, hex);
    if (!more) return -1;
    free(f->inputs);
    f->inputs = more;
    return 0;
}

static int check_complete(const cb_h5 *f) {
    for (const cb_h5_pending *p = f->pending; p; p = p->next)
        if (p->written != p->rows)
            return cb_fail("%s: dataset %s: %llu of %llu rows written", f->path, p->name,
                           (unsigned long long)p->written, (unsigned long long)p->rows);
    return 0;
}

int cb_h5_commit(cb_h5 **pf) {
    cb_h5 *f = *pf;
    *pf = NULL;
    int rc = check_complete(f) || cb_h5_set_text(f, "/", "inputs", f->inputs) ? -1 : 0;
    if (!rc && H5Fflush(f->file, H5F_SCOPE_GLOBAL) < 0)
        rc = cb_h5_fail(f, NULL, "cannot write: is the disk full?");
    if (H5Fclose(f->file) < 0 && !rc) rc = cb_h5_fail(f, NULL, "cannot write: is the disk full?");
    f->file = H5I_INVALID_HID;
    if (rc)
        cb_atomic_abort(&f->out);
    else
        rc = cb_atomic_commit(&f->out);
    free_handle(f);
    return rc;
}

static int check_schema(cb_h5 *f, const char *schema) {
    if (!cb_h5_has_attribute(f, "/", "schema"))
        return cb_fail("%s: no attribute schema: not an artifact of this project; %s wanted", f->path,
                       schema);
    char *found = cb_h5_get_text(f, "/", "schema");
    if (!found) return -1;
    int rc = strcmp(found, schema) ? cb_fail("%s: schema is %s, %s wanted", f->path, found, schema) : 0;
    free(found);
    return rc;
}

static int open_file(cb_h5 *f) {
    struct stat st;
    if (stat(f->path, &st) || access(f->path, R_OK))
        return cb_fail("%s: cannot open: %s", f->path, strerror(errno));
    if (!S_ISREG(st.st_mode)) return cb_fail("%s: not a regular file", f->path);
    f->file_bytes = (uint64_t)st.st_size;
    if (H5Fis_hdf5(f->path) <= 0) return cb_fail("%s: not an HDF5 file", f->path);
    f->file = H5Fopen(f->path, H5F_ACC_RDONLY, H5P_DEFAULT);
    return f->file < 0 ? cb_h5_fail(f, NULL, "cannot open; make it again") : 0;
}

cb_h5 *cb_h5_open(const char *path, const char *schema) {
    cb_h5 *f = new_handle(path);
    if (f && (open_file(f) || (schema && check_schema(f, schema)))) cb_h5_close(&f);
    return f;
}

const char *cb_h5_path(const cb_h5 *f) { return f->path; }

void cb_h5_close(cb_h5 **pf) {
    cb_h5 *f = *pf;
    *pf = NULL;
    if (!f) return;
    if (f->file >= 0) H5Fclose(f->file);
    if (f->writing) cb_atomic_abort(&f->out);
    free_handle(f);
}
