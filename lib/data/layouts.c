#include "data/layouts.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "data/dataset.h"

void cb_images_free(cb_images *m) {
    free(m->et);
    free(m->bits);
    free(m->split);
    free(m->accept);
    *m = (cb_images){0};
}

typedef enum { FORM_HDF5, FORM_CARD, FORM_CSV } form;

/* The card's files begin with a rule of = and the column heads, or with the marker. */
static bool looks_like_card(const char *head) {
    return strstr(head, "#BeginData") || !strncmp(head, "====", 4) || !strncmp(head, "WordCnt", 7);
}

static int find_form(const char *path, form *found) {
    static const unsigned char hdf5[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
    char head[4096];
    struct stat st;
    if (!stat(path, &st) && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) /* it is read twice; a pipe may block */
        return cb_fail("%s: not a regular file", path);
    FILE *f = fopen(path, "rb");
    if (!f) return cb_fail("%s: cannot open: %s", path, strerror(errno));
    size_t n = fread(head, 1, sizeof head - 1, f);
    int why = ferror(f) ? errno : 0;
    fclose(f);
    if (why) return cb_fail("%s: cannot read: %s", path, strerror(why));
    if (!n) return cb_fail("%s: the file is empty", path);
    head[n] = 0;
    if (n >= 8 && !memcmp(head, hdf5, 8)) {
        *found = FORM_HDF5;
        return 0;
    }
    if (n >= 2 && (unsigned char)head[0] == 0x1f && (unsigned char)head[1] == 0x8b)
        return cb_fail("%s: compressed by gzip; gunzip it first", path);
    for (size_t i = 0; i < n; i++)
        if (!isprint((unsigned char)head[i]) && !isspace((unsigned char)head[i]))
            return cb_fail("%s: neither HDF5 nor text (byte %zu); open-data or CaloRegions HDF5, "
                           "trigger-card text or CSV wanted", path, i);
    *found = looks_like_card(head) ? FORM_CARD : FORM_CSV;
    return 0;
}

char *cb_layout_text(const char *path) {
    size_t size;
    char *text = cb_file_read(path, &size);
    if (!text || strlen(text) == size) return text;
    cb_fail("%s: a zero byte at %zu: not text", path, strlen(text));
    free(text);
    return NULL;
}

static int load_hdf5(cb_images *m, const char *path) {
    cb_h5 *f = cb_h5_open(path, NULL);
    int rc = f ? cb_layout_hdf5(m, f) : -1;
    cb_h5_close(&f);
    return rc;
}

int cb_images_load(cb_images *m, const char *path) {
    *m = (cb_images){0};
    form found;
    if (find_form(path, &found)) return -1;
    int rc = found == FORM_HDF5   ? load_hdf5(m, path)
             : found == FORM_CARD ? cb_layout_card(m, path)
                                  : cb_layout_csv(m, path);
    if (!rc && !m->n) rc = cb_fail("%s: no events", path);
    if (rc) cb_images_free(m);
    return rc;
}

/* Card text: all of it, handed on in parts. */
static int card_each(const char *path, uint64_t events, cb_images_taker *take, void *context) {
    cb_images m = {0};
    int rc = cb_layout_card(&m, path);
    if (!rc && !m.n) rc = cb_fail("%s: no events", path);
    for (uint64_t at = 0; at < m.n && !rc; at += events) {
        cb_images part = {.layout = m.layout, .n = m.n - at < events ? m.n - at : events, .height = m.height,
                          .width = m.width, .et = m.et + at * CB_REGIONS};
        rc = take(context, &part, at);
    }
    cb_images_free(&m);
    return rc;
}

static int hdf5_each(const char *path, uint64_t events, cb_images_taker *take, void *context) {
    cb_h5 *f = cb_h5_open(path, NULL);
    int rc = f ? cb_layout_hdf5_each(f, events, take, context) : -1;
    cb_h5_close(&f);
    return rc;
}

int cb_images_each(const char *path, uint64_t events, cb_images_taker *take, void *context) {
    form found;
    if (find_form(path, &found)) return -1;
    return (found == FORM_HDF5   ? hdf5_each
            : found == FORM_CARD ? card_each
                                 : cb_layout_csv_each)(path, events, take, context);
}

int cb_images_read(cb_dataset *d, const char *path) {
    *d = (cb_dataset){0};
    cb_images m;
    if (cb_images_load(&m, path)) return -1;
    *d = (cb_dataset){.n = m.n, .height = m.height, .width = m.width,
                      .et = m.et, .bits = m.bits, .split = m.split};
    free(m.accept);
    return 0;
}
