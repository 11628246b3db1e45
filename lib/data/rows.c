#define _GNU_SOURCE /* O_TMPFILE */
#include "data/rows.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct cb_rows {
    size_t n_feature;
    uint64_t n, room;      /* rows held; rows that memory has been asked for */
    uint64_t limit;        /* most rows in memory */
    uint16_t *own;         /* [room], NULL for a view or a file */
    const uint16_t *et;    /* own, the array of a view, or NULL for a file */
    const uint32_t *event; /* of a view */
    char *folder;          /* of the scratch file */
    int fd;                /* scratch file, -1: none */
    atomic_int trouble;    /* errno of a read that failed */
};

static char *folder_of(const char *near) {
    const char *slash = near ? strrchr(near, '/') : NULL;
    if (!slash) return cb_strdup(".");
    char *folder = cb_strdup(near);
    if (folder) folder[slash == near ? 1 : slash - near] = 0;
    return folder;
}

cb_rows *cb_rows_new(size_t n_feature, const cb_rows_place *place) {
    cb_rows *r = cb_alloc(1, sizeof *r);
    if (!r) return NULL;
    r->n_feature = n_feature;
    r->fd = -1;
    r->limit = place && place->memory ? place->memory / (n_feature * sizeof *r->own) : UINT64_MAX;
    if ((r->folder = folder_of(place ? place->near : NULL))) return r;
    cb_rows_free(r);
    return NULL;
}

cb_rows *cb_rows_view(const uint16_t *et, const uint32_t *event, uint64_t n, size_t n_feature) {
    cb_rows *r = cb_rows_new(n_feature, NULL);
    if (!r) return NULL;
    r->et = et;
    r->event = event;
    r->n = n;
    return r;
}

void cb_rows_free(cb_rows *r) {
    if (!r) return;
    if (r->fd >= 0) close(r->fd);
    free(r->own);
    free(r->folder);
    free(r);
}

uint64_t cb_rows_count(const cb_rows *r) { return r->n; }
size_t cb_rows_features(const cb_rows *r) { return r->n_feature; }
int cb_rows_in_memory(const cb_rows *r) { return r->fd < 0; }

/* A file without a name; where the file system knows no such thing, one that loses it at once. */
static int scratch_open(const char *folder) {
    int fd = -1;
#ifdef O_TMPFILE
    fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
#endif
    if (fd >= 0) return fd;
    char *name = cb_textf("%s/cicada-rows.XXXXXX", folder);
    if (!name) return -1;
    fd = mkstemp(name);
    if (fd < 0) cb_fail("%s: cannot make a scratch file there: %s", folder, strerror(errno));
    else unlink(name);
    free(name);
    return fd;
}

static int write_rows(cb_rows *r, const uint16_t *et, uint64_t n) {
    size_t row = r->n_feature * sizeof *et;
    const char *from = (const char *)et;
    uint64_t at = r->n * row, left = n * row;
    while (left) {
        ssize_t done = pwrite(r->fd, from, left < 1 << 30 ? left : 1 << 30, (off_t)at);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0)
            return cb_fail("%s: scratch file of the training images, %llu bytes so far: %s; free some space or raise "
                           "run.image_memory_mib", r->folder, (unsigned long long)at, strerror(errno));
        from += done;
        at += (uint64_t)done;
        left -= (uint64_t)done;
    }
    return 0;
}

/* From memory to the file. */
static int spill(cb_rows *r) {
    uint64_t n = r->n;
    r->fd = scratch_open(r->folder);
    if (r->fd < 0) return -1;
    r->n = 0;
    if (n && write_rows(r, r->own, n)) return -1;
    r->n = n;
    free(r->own);
    r->own = NULL;
    r->et = NULL;
    return 0;
}

static int append_memory(cb_rows *r, const uint16_t *et, uint64_t n) {
    if (r->n + n > r->room) {
        uint64_t room = r->n + n > 2 * r->room ? r->n + n : 2 * r->room;
        uint16_t *own = cb_realloc(r->own, room, r->n_feature * sizeof *own);
        if (!own) return -1;
        r->own = own;
        r->et = own;
        r->room = room;
    }
    memcpy(r->own + r->n * r->n_feature, et, n * r->n_feature * sizeof *et);
    r->n += n;
    return 0;
}

int cb_rows_append(cb_rows *r, const uint16_t *et, uint64_t n) {
    if (!n) return 0;
    if (r->fd < 0 && n <= r->limit && r->n <= r->limit - n) return append_memory(r, et, n);
    if (r->fd < 0 && spill(r)) return -1;
    if (write_rows(r, et, n)) return -1;
    r->n += n;
    return 0;
}

const uint16_t *cb_rows_at(const cb_rows *r, uint64_t k, uint16_t *buffer) {
    if (r->fd < 0) return r->et + (r->event ? r->event[k] : k) * r->n_feature;
    size_t size = r->n_feature * sizeof *buffer, done = 0;
    while (done < size) {
        ssize_t n = pread(r->fd, (char *)buffer + done, size - done, (off_t)(k * size + done));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            atomic_store(&((cb_rows *)r)->trouble, n ? errno : EIO);
            memset(buffer, 0, size);
            break;
        }
        done += (size_t)n;
    }
    return buffer;
}

int cb_rows_copy(const cb_rows *r, const uint32_t *row, uint64_t first, size_t n, uint16_t *out) {
#pragma omp parallel for schedule(static)
    for (size_t k = 0; k < n; k++) {
        uint16_t *to = out + k * r->n_feature;
        const uint16_t *from = cb_rows_at(r, row ? row[k] : first + k, to);
        if (from != to) memcpy(to, from, r->n_feature * sizeof *to);
    }
    return cb_rows_check(r);
}

int cb_rows_check(const cb_rows *r) {
    int why = atomic_load(&r->trouble);
    return why ? cb_fail("%s: scratch file of the training images: cannot read it: %s", r->folder, strerror(why)) : 0;
}
