#include "data/prepare.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/rng.h"
#include "data/dataset.h"
#include "data/layouts.h"

typedef unsigned long long ull;
enum { MAX_PROCESS = 255, BLOCK = 4096, DROPPED = 255 };

typedef struct {
    int n_input, n_process;
    const cb_prepare_input *input;
    cb_images *images;        /* [n_input] */
    uint8_t *process;         /* [n_input] */
    const char **name;        /* [n_process] */
    uint64_t *first;          /* [n_input + 1]: number of the first event of an input */
    uint64_t n, cells;
    double *unit;             /* [n] hash of the image in [0,1) */
    uint8_t *split;           /* [n]; DROPPED: not in the dataset */
    uint32_t *order;          /* [kept] event numbers, sorted */
    uint64_t kept;
} work;

static int split_of_unit(double u, const double fraction[3]) {
    if (u < fraction[0]) return CB_TRAIN;
    if (u < fraction[0] + fraction[1] || fraction[2] <= 0) return fraction[1] > 0 ? CB_VAL : CB_TRAIN;
    return CB_TEST;
}

/* uint16 as stored on a little-endian machine, so that the hash is the same everywhere. */
static double unit_of_image(const uint16_t *et, uint64_t cells) {
    return cb_hash_unit(0, "split", et, cells * sizeof *et);
}

int cb_split_of_image(const uint16_t *et, uint64_t cells, const double fraction[3]) {
    return split_of_unit(unit_of_image(et, cells), fraction);
}

static int input_of(const work *w, uint64_t event) {
    int k = 0;
    while (event >= w->first[k + 1]) k++;
    return k;
}

static const uint16_t *image_of(const work *w, uint64_t event) {
    int k = input_of(w, event);
    return w->images[k].et + (event - w->first[k]) * w->cells;
}

/* ---- reading ---- */
static int allocate(work *w, const cb_prepare_input *input, int n_input) {
    w->input = input;
    w->n_input = n_input;
    w->images = cb_alloc((size_t)n_input, sizeof *w->images);
    w->process = cb_alloc((size_t)n_input, 1);
    w->name = cb_alloc((size_t)n_input, sizeof *w->name);
    w->first = cb_alloc((size_t)n_input + 1, sizeof *w->first);
    return w->images && w->process && w->name && w->first ? 0 : -1;
}

static void release(work *w) {
    for (int k = 0; w->images && k < w->n_input; k++) cb_images_free(&w->images[k]);
    free(w->images);
    free(w->process);
    free(w->name);
    free(w->first);
    free(w->unit);
    free(w->split);
    free(w->order);
}

static int name_process(work *w, int k) {
    int p = 0;
    while (p < w->n_process && strcmp(w->name[p], w->input[k].name)) p++;
    if (p == w->n_process) {
        if (p == MAX_PROCESS) return cb_fail("more than %d processes", MAX_PROCESS);
        w->name[w->n_process++] = w->input[k].name;
    }
    w->process[k] = (uint8_t)p;
    return 0;
}

static int load_inputs(work *w) {
    for (int k = 0; k < w->n_input; k++) {
        cb_images *m = &w->images[k];
        const cb_images *m0 = &w->images[0];
        if (name_process(w, k) || cb_images_load(m, w->input[k].path)) return -1;
        if (m->height != m0->height || m->width != m0->width)
            return cb_fail("%s: images of %d x %d, but %s has %d x %d; one dataset holds one shape",
                           w->input[k].path, m->height, m->width, w->input[0].path, m0->height, m0->width);
        cb_detail("%s: %s, %llu events of %d x %d%s%s", w->input[k].path, m->layout, (ull)m->n, m->height,
                  m->width, m->split ? ", split given" : "", m->accept ? ", acceptance flags" : "");
        w->first[k + 1] = w->first[k] + m->n;
    }
    w->n = w->first[w->n_input];
    w->cells = (uint64_t)w->images[0].height * (uint64_t)w->images[0].width;
    if (w->n >= UINT32_MAX) return cb_fail("%llu events; at most %u fit one dataset", (ull)w->n, UINT32_MAX - 1);
    return 0;
}

/* ---- split ---- */
static int assign_splits(work *w, const cb_prepare_options *o, cb_prepare_counts *c) {
    w->unit = cb_alloc(w->n, sizeof *w->unit);
    w->split = cb_alloc(w->n, 1);
    if (!w->unit || !w->split) return -1;
    for (int k = 0; k < w->n_input; k++) {
        const cb_images *m = &w->images[k];
#pragma omp parallel for schedule(static)
        for (int64_t i = 0; i < (int64_t)m->n; i++) {
            uint64_t e = w->first[k] + (uint64_t)i;
            w->unit[e] = unit_of_image(m->et + (uint64_t)i * w->cells, w->cells);
            w->split[e] = m->split ? m->split[i] : (uint8_t)split_of_unit(w->unit[e], o->fraction);
        }
        for (uint64_t i = 0; i < m->n && o->require_acceptance && m->accept; i++)
            if (!m->accept[i]) {
                w->split[w->first[k] + i] = DROPPED;
                c->not_accepted++;
            }
    }
    return 0;
}

/* Drops copies of an image outside the split of its first occurrence. */
static int part_copies(work *w, cb_prepare_counts *c) {
    uint64_t room = 1;
    while (room < 2 * w->n) room *= 2;
    uint32_t *slot = cb_alloc(room, sizeof *slot); /* event + 1; 0 = free */
    if (!slot) return -1;
    for (uint64_t e = 0; e < w->n; e++) {
        if (w->split[e] == DROPPED) continue;
        uint64_t at = (uint64_t)(w->unit[e] * 0x1p53) & (room - 1);
        const uint16_t *image = image_of(w, e);
        while (slot[at] && (w->unit[slot[at] - 1] != w->unit[e] ||
                            memcmp(image_of(w, slot[at] - 1), image, w->cells * sizeof *image)))
            at = (at + 1) & (room - 1);
        if (!slot[at]) {
            slot[at] = (uint32_t)e + 1;
        } else if (w->split[slot[at] - 1] == w->split[e]) {
            c->copies++;
        } else {
            w->split[e] = DROPPED;
            c->crossing++;
        }
    }
    free(slot);
    return 0;
}

/* ---- order ---- */
static int sort_events(work *w) {
    uint64_t count[MAX_PROCESS][3] = {{0}}, at[MAX_PROCESS][3];
    for (int k = 0; k < w->n_input; k++)
        for (uint64_t e = w->first[k]; e < w->first[k + 1]; e++)
            if (w->split[e] != DROPPED) count[w->process[k]][w->split[e]]++;
    for (int p = 0; p < w->n_process; p++) {
        uint64_t before = w->kept;
        for (int s = 0; s < 3; s++) {
            at[p][s] = w->kept;
            w->kept += count[p][s];
        }
        cb_info("%-8s %8llu train %8llu val %8llu test", w->name[p], (ull)count[p][0], (ull)count[p][1],
                (ull)count[p][2]);
        if (w->kept == before) return cb_fail("process %s: no events are left: all were not accepted (preprocess.require_acceptance) or "
                           "copies of events in another split", w->name[p]);
    }
    w->order = cb_alloc(w->kept, sizeof *w->order);
    if (!w->order) return -1;
    for (int k = 0; k < w->n_input; k++)
        for (uint64_t e = w->first[k]; e < w->first[k + 1]; e++)
            if (w->split[e] != DROPPED) w->order[at[w->process[k]][w->split[e]]++] = (uint32_t)e;
    return 0;
}

/* ---- writing ---- */
static bool all_have_bits(const work *w) {
    int with = 0;
    for (int k = 0; k < w->n_input; k++) with += w->images[k].bits != NULL;
    if (with && with < w->n_input)
        cb_warn("veto bits are left out: only %d of %d inputs have them", with, w->n_input);
    return with == w->n_input;
}

static int write_images(const work *w, cb_h5 *f, const char *name, cb_type t, size_t size) {
    uint64_t dims[3] = {w->kept, (uint64_t)w->images[0].height, (uint64_t)w->images[0].width};
    char *block = cb_alloc(BLOCK * w->cells, size);
    int rc = block ? cb_h5_new(f, name, t, 3, dims) : -1;
    for (uint64_t at = 0; at < w->kept && !rc; at += BLOCK) {
        uint64_t n = at + BLOCK <= w->kept ? BLOCK : w->kept - at;
        for (uint64_t i = 0; i < n; i++) {
            uint64_t e = w->order[at + i];
            int k = input_of(w, e);
            const char *from = t == CB_U16 ? (const char *)w->images[k].et : (const char *)w->images[k].bits;
            memcpy(block + i * w->cells * size, from + (e - w->first[k]) * w->cells * size, w->cells * size);
        }
        rc = cb_h5_write_rows(f, name, t, at, n, block);
        cb_progress("writing", (double)(at + n), (double)w->kept, name);
    }
    cb_progress_end();
    free(block);
    return rc;
}

static int write_columns(const work *w, cb_h5 *f) {
    uint8_t *split = cb_alloc(w->kept, 1), *process = cb_alloc(w->kept, 1);
    int rc = split && process ? 0 : -1;
    for (uint64_t i = 0; i < w->kept && !rc; i++) {
        split[i] = w->split[w->order[i]];
        process[i] = w->process[input_of(w, w->order[i])];
    }
    if (!rc)
        rc = cb_h5_write(f, "split", CB_U8, 1, &w->kept, split) ||
             cb_h5_write(f, "process", CB_U8, 1, &w->kept, process) ||
             cb_h5_write_strings(f, "process_name", (uint64_t)w->n_process, w->name);
    free(split);
    free(process);
    return rc ? -1 : 0;
}

static int write_all(const work *w, const char *out, const cb_prepare_options *o, const cb_prepare_counts *c) {
    cb_h5 *f = cb_h5_create(out, CB_DATASET_SCHEMA, "preprocess", o->config);
    if (!f) return -1;
    int rc = cb_h5_set_f64(f, "/", "lsb_gev", 0.5) ||
             cb_h5_set_i64(f, "/", "not_accepted", (int64_t)c->not_accepted) ||
             cb_h5_set_i64(f, "/", "copies_dropped", (int64_t)c->crossing);
    for (int k = 0; k < w->n_input && !rc; k++) rc = cb_h5_input(f, w->input[k].name, w->input[k].path);
    if (!rc) rc = write_images(w, f, "et", CB_U16, sizeof(uint16_t));
    if (!rc && all_have_bits(w)) rc = write_images(w, f, "bits", CB_U8, 1);
    if (!rc) rc = write_columns(w, f);
    if (!rc) return cb_h5_commit(&f);
    cb_h5_close(&f);
    return -1;
}

int cb_prepare(const char *out, const cb_prepare_input *input, int n_input, const cb_prepare_options *o,
               cb_prepare_counts *c) {
    work w = {0};
    *c = (cb_prepare_counts){0};
    int rc = n_input < 1 ? cb_fail("no input files") : 0;
    if (!rc)
        rc = allocate(&w, input, n_input) || load_inputs(&w) || assign_splits(&w, o, c) ||
             part_copies(&w, c) || sort_events(&w);
    c->read = w.n;
    c->kept = w.kept;
    if (!rc) rc = write_all(&w, out, o, c);
    release(&w);
    return rc ? -1 : 0;
}
