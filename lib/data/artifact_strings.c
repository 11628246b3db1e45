/* Lists of strings, and the names in a group. */
#include <stdlib.h>
#include <string.h>

#include "data/artifact_internal.h"

int cb_h5_write_strings(cb_h5 *f, const char *name, uint64_t n, const char *const *s) {
    size_t longest = 1;
    for (uint64_t i = 0; i < n; i++)
        if (strlen(s[i]) > longest) longest = strlen(s[i]);
    char *block = cb_alloc(n * longest, 1);
    if (!block) return -1;
    for (uint64_t i = 0; i < n; i++) memcpy(block + i * longest, s[i], strlen(s[i]));
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, longest);
    H5Tset_strpad(type, H5T_STR_NULLPAD);
    hid_t set = cb_h5_create_dataset(f, name, type, 1, &n);
    int rc = set < 0 ? -1 : 0;
    if (!rc && n && H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, block) < 0)
        rc = cb_h5_fail(f, name, "cannot write");
    if (set >= 0 && H5Dclose(set) < 0 && !rc) rc = cb_h5_fail(f, name, "cannot write");
    H5Tclose(type);
    free(block);
    return rc;
}

/* n strings of at most `width` bytes each (not terminated) -> one block to free. */
static char **pack_strings(const char *block, uint64_t n, size_t width) {
    char **list = cb_alloc(n * (sizeof(char *) + width + 1) + 1, 1);
    if (!list) return NULL;
    char *to = (char *)(list + n);
    for (uint64_t i = 0; i < n; i++, to += width + 1) {
        memcpy(to, block + i * width, width);
        list[i] = to;
    }
    return list;
}

static char **read_fixed(cb_h5 *f, const char *name, cb_h5_source *s, uint64_t n) {
    char *block = cb_alloc(n * s->size, 1);
    char **list = NULL;
    if (block && n && H5Dread(s->set, s->type, H5S_ALL, H5S_ALL, H5P_DEFAULT, block) < 0)
        cb_h5_fail(f, name, "cannot read");
    else if (block)
        list = pack_strings(block, n, s->size);
    free(block);
    return list;
}

static char **read_variable(cb_h5 *f, const char *name, cb_h5_source *s, uint64_t n) {
    char **raw = cb_alloc(n, sizeof *raw), **list = NULL;
    if (raw && n && H5Dread(s->set, s->type, H5S_ALL, H5S_ALL, H5P_DEFAULT, raw) < 0) {
        cb_h5_fail(f, name, "cannot read");
    } else if (raw) {
        size_t width = 1;
        for (uint64_t i = 0; i < n; i++)
            if (raw[i] && strlen(raw[i]) > width) width = strlen(raw[i]);
        char *block = cb_alloc(n * width, 1);
        for (uint64_t i = 0; block && i < n; i++)
            if (raw[i]) memcpy(block + i * width, raw[i], strlen(raw[i]));
        if (block) list = pack_strings(block, n, width);
        free(block);
        H5Dvlen_reclaim(s->type, s->space, H5P_DEFAULT, raw);
    }
    free(raw);
    return list;
}

char **cb_h5_read_strings(cb_h5 *f, const char *name, uint64_t *n) {
    cb_h5_source s;
    if (cb_h5_source_open(f, name, &s)) return NULL;
    char **list = NULL;
    *n = s.rank ? s.dims[0] : 1;
    if (s.class != H5T_STRING || s.rank > 1)
        cb_fail("%s: dataset %s: a list of strings wanted", f->path, name);
    else
        list = H5Tis_variable_str(s.type) > 0 ? read_variable(f, name, &s, *n) : read_fixed(f, name, &s, *n);
    cb_h5_source_close(&s);
    return list;
}

char **cb_h5_list(cb_h5 *f, const char *group, uint64_t *n) {
    hid_t g = cb_h5_exists(f, group) ? H5Gopen2(f->file, group, H5P_DEFAULT) : -1;
    H5G_info_t info;
    if (g < 0 || H5Gget_info(g, &info) < 0) return cb_fail_null("%s: no group %s", f->path, group);
    size_t width = 1;
    char *block = NULL, **list = NULL;
    for (hsize_t i = 0; i < info.nlinks; i++) {
        ssize_t k = H5Lget_name_by_idx(g, ".", H5_INDEX_NAME, H5_ITER_INC, i, NULL, 0, H5P_DEFAULT);
        if (k > (ssize_t)width) width = (size_t)k;
    }
    block = cb_alloc(info.nlinks * (width + 1) + 1, 1);
    bool bad = !block;
    for (hsize_t i = 0; i < info.nlinks && !bad; i++)
        bad = H5Lget_name_by_idx(g, ".", H5_INDEX_NAME, H5_ITER_INC, i, block + i * (width + 1),
                                 width + 1, H5P_DEFAULT) < 0;
    if (bad && block) cb_fail("%s: group %s: cannot list", f->path, group);
    if (!bad) list = pack_strings(block, info.nlinks, width + 1);
    *n = info.nlinks;
    free(block);
    H5Gclose(g);
    return list;
}
