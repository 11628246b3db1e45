#include "data/dataset.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned long long ull;

void cb_dataset_free(cb_dataset *d) {
    free(d->et);
    free(d->bits);
    free(d->split);
    free(d->process);
    free(d->process_name);
    cb_h5_close(&d->file);
    *d = (cb_dataset){0};
}

/* et: events first .. first+n-1. */
static int check_counts(const cb_dataset *d, const char *path, uint64_t first, uint64_t n, const uint16_t *et) {
    uint64_t cells = (uint64_t)d->height * (uint64_t)d->width;
    for (uint64_t i = 0; i < n * cells; i++)
        if (et[i] > CB_ET_MAX)
            return cb_fail("%s: dataset et: event %llu region %llu: %d counts; 0 to %d wanted", path,
                           (ull)(first + i / cells), (ull)(i % cells), et[i], CB_ET_MAX);
    return 0;
}

static int check_cells(const cb_dataset *d, const char *path) {
    uint64_t cells = (uint64_t)d->height * (uint64_t)d->width;
    if (check_counts(d, path, 0, d->n, d->et)) return -1;
    for (uint64_t i = 0; d->bits && i < d->n * cells; i++)
        if (d->bits[i] > 3)
            return cb_fail("%s: dataset bits: event %llu region %llu: %d; 0 to 3 wanted", path,
                           (ull)(i / cells), (ull)(i % cells), d->bits[i]);
    return 0;
}

static int check_events(const cb_dataset *d, const char *path) {
    for (uint64_t i = 0; i < d->n; i++) {
        if (d->split[i] > CB_TEST)
            return cb_fail("%s: dataset split: event %llu: %d; 0, 1 or 2 wanted", path, (ull)i, d->split[i]);
        if (d->process[i] >= d->n_process)
            return cb_fail("%s: dataset process: event %llu: %d; there are %llu processes", path, (ull)i,
                           d->process[i], (ull)d->n_process);
        if (i && (d->process[i] < d->process[i - 1] ||
                  (d->process[i] == d->process[i - 1] && d->split[i] < d->split[i - 1])))
            return cb_fail("%s: event %llu: events are not sorted by process and split", path, (ull)i);
    }
    return 0;
}

/* All but the images. */
static int read_events(cb_dataset *d, cb_h5 *f) {
    uint64_t image[CB_MAX_RANK] = {0}, n_process = 0;
    int rank;
    if (cb_h5_shape(f, "et", &rank, image)) return -1;
    if (rank != 3) return cb_fail("%s: dataset et: rank %d; (events, height, width) wanted", cb_h5_path(f), rank);
    if (!image[1] || !image[2] || image[1] > 4096 || image[2] > 4096)
        return cb_fail("%s: dataset et: images of %llu x %llu; 1 to 4096 wanted", cb_h5_path(f),
                       (ull)image[1], (ull)image[2]);
    d->n = image[0];
    d->height = (int)image[1];
    d->width = (int)image[2];
    if (!d->n) return cb_fail("%s: dataset et: no events", cb_h5_path(f));
    if (!(d->split = cb_h5_read(f, "split", CB_U8, 1, image))) return -1;
    if (!(d->process = cb_h5_read(f, "process", CB_U8, 1, image))) return -1;
    if (!(d->process_name = cb_h5_read_strings(f, "process_name", &n_process))) return -1;
    d->n_process = n_process;
    return check_events(d, cb_h5_path(f));
}

static int read_all(cb_dataset *d, cb_h5 *f) {
    if (read_events(d, f)) return -1;
    uint64_t image[3] = {d->n, (uint64_t)d->height, (uint64_t)d->width};
    if (!(d->et = cb_h5_read(f, "et", CB_U16, 3, image))) return -1;
    if (cb_h5_exists(f, "bits") && !(d->bits = cb_h5_read(f, "bits", CB_U8, 3, image))) return -1;
    return check_cells(d, cb_h5_path(f));
}

int cb_dataset_read(cb_dataset *d, const char *path) {
    *d = (cb_dataset){0};
    cb_h5 *f = cb_h5_open(path, CB_DATASET_SCHEMA);
    if (!f) return -1;
    int rc = read_all(d, f);
    cb_h5_close(&f);
    if (rc) cb_dataset_free(d);
    return rc;
}

int cb_dataset_open(cb_dataset *d, const char *path, const cb_rows_place *place) {
    *d = (cb_dataset){.place = *place};
    if ((d->file = cb_h5_open(path, CB_DATASET_SCHEMA)) && !read_events(d, d->file)) return 0;
    cb_dataset_free(d);
    return -1;
}

int cb_dataset_images(const cb_dataset *d, uint64_t first, uint64_t n, uint16_t *et) {
    size_t cells = (size_t)d->height * (size_t)d->width;
    if (d->et) {
        memcpy(et, d->et + first * cells, n * cells * sizeof *et);
        return 0;
    }
    return cb_h5_read_rows(d->file, "et", CB_U16, first, n, et) ||
                   check_counts(d, cb_h5_path(d->file), first, n, et)
               ? -1
               : 0;
}

uint64_t cb_dataset_portion(const cb_dataset *d) {
    uint64_t row = (uint64_t)d->height * (uint64_t)d->width * sizeof *d->et, n = 1;
    while (2 * n * row <= 1 << 20) n *= 2; /* as artifacts are chunked: no chunk is unpacked twice */
    return n;
}

static bool wanted(const cb_dataset *d, uint64_t e, int process, int split) {
    return (process < 0 || d->process[e] == process) && (split < 0 || d->split[e] == split);
}

int cb_dataset_pour(const cb_dataset *d, int process, int split, cb_rows *to) {
    uint64_t most = cb_dataset_portion(d), n = 0;
    uint16_t *et = cb_alloc(most * (uint64_t)d->height * (uint64_t)d->width, sizeof *et);
    int rc = et ? 0 : -1;
    for (uint64_t e = 0; e < d->n && !rc; e += n ? n : 1) {
        uint64_t end = (e / most + 1) * most; /* whole chunks of the file */
        for (n = 0; e + n < end && e + n < d->n && wanted(d, e + n, process, split); n++) continue;
        if (n) rc = cb_dataset_images(d, e, n, et) || cb_rows_append(to, et, n) ? -1 : 0;
    }
    free(et);
    return rc;
}

int cb_dataset_write(const cb_dataset *d, cb_h5 *f) {
    uint64_t image[3] = {d->n, (uint64_t)d->height, (uint64_t)d->width};
    if (cb_h5_set_f64(f, "/", "lsb_gev", 0.5) || cb_h5_write(f, "et", CB_U16, 3, image, d->et)) return -1;
    if (d->bits && cb_h5_write(f, "bits", CB_U8, 3, image, d->bits)) return -1;
    if (cb_h5_write(f, "split", CB_U8, 1, image, d->split) ||
        cb_h5_write(f, "process", CB_U8, 1, image, d->process))
        return -1;
    return cb_h5_write_strings(f, "process_name", d->n_process, (const char *const *)d->process_name);
}

int cb_dataset_process(const cb_dataset *d, const char *name) {
    size_t room = 1;
    for (uint64_t p = 0; p < d->n_process; p++) {
        if (!strcmp(d->process_name[p], name)) return (int)p;
        room += strlen(d->process_name[p]) + 1;
    }
    char *names = cb_alloc(room, 1);
    if (!names) return -1;
    for (uint64_t p = 0; p < d->n_process; p++) strcat(strcat(names, " "), d->process_name[p]);
    cb_fail("the dataset has no process %s; it has:%s", name, names);
    free(names);
    return -1;
}

uint32_t *cb_dataset_select(const cb_dataset *d, int process, int split, uint64_t *n) {
    uint64_t count = 0;
    for (int pass = 0;; pass++) {
        uint32_t *list = pass ? cb_alloc(count, sizeof *list) : NULL;
        if (pass && !list) return NULL;
        count = 0;
        for (uint64_t i = 0; i < d->n; i++) {
            if (!wanted(d, i, process, split)) continue;
            if (list) list[count] = (uint32_t)i;
            count++;
        }
        *n = count;
        if (pass) return list;
    }
}
