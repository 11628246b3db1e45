/* Scoring with integers: programme and netlist of the deployed firmware; and the simulation of events. */
#include <stdio.h>
#include <stdlib.h>

#include "base/threads.h"
#include "data/layouts.h"
#include "data/overlay.h"
#include "hw/netlist.h"
#include "measure.h"
#include "nn/isa.h"
#include "quant/firmware_import.h"

enum { OVERLAID = 4096 };

typedef struct {
    const cb_dataset *d;
    cb_programme p;
    cb_netlist g;
    uint16_t *code; /* [d->n] */
} score_work;

static int score_programme(void *context) {
    score_work *w = context;
    return cb_programme_score(&w->p, w->d->et, w->d->n, w->code);
}

static int score_netlist(void *context) {
    score_work *w = context;
    return cb_netlist_score(&w->g, w->d->et, w->d->n, w->code);
}

/* Multiply-adds of the layers, two operations each. */
static double operations(const cb_programme *p) {
    double sum = 0;
    for (const cb_op *op = p->op; op < p->op + p->n_op; op++) {
        double out = (double)op->out_h * op->out_w * op->out_c;
        if (op->kind == CB_OP_DENSE) sum += out * op->in_h * op->in_w * op->in_c;
        if (op->kind == CB_OP_CONV2D) sum += out * op->kh * op->kw * op->in_c;
    }
    return 2 * sum;
}

static int measure_scores(bench *b, score_work *w, const char *arch) {
    bench_case c = {.isa = cb_isa_name(cb_isa()), .events = (double)w->d->n, .flop = operations(&w->p),
                    .bytes = 2 * CB_REGIONS + 2, .loop = true, .context = w};
    for (int k = 0; (c.threads = bench_threads(b, k)); k++) {
        cb_threads_set(c.threads);
        c.work = score_programme;
        snprintf(c.name, sizeof c.name, "programme-%s/score", arch);
        if (bench_measure(b, &c)) return -1;
        c.work = score_netlist;
        snprintf(c.name, sizeof c.name, "netlist-%s/score", arch);
        if (bench_measure(b, &c)) return -1;
    }
    return 0;
}

static int measure_firmware(bench *b, const char *arch, const char *folder) {
    if (!bench_wanted(b, "programme-%s/score", arch) && !bench_wanted(b, "netlist-%s/score", arch)) return 0;
    score_work w = {.d = bench_events(b)};
    char *in = cb_textf("%s/firmware/%s", b->data, folder);
    int rc = w.d && in && !cb_firmware_import(&w.p, arch, arch, in, NULL) && !cb_netlist_lower(&w.g, &w.p, 1) &&
                     (w.code = cb_alloc(w.d->n, sizeof *w.code))
                 ? measure_scores(b, &w, arch)
                 : -1;
    free(in);
    free(w.code);
    cb_netlist_free(&w.g);
    cb_programme_free(&w.p);
    return rc;
}

/* ---- simulate ---- */

typedef struct {
    cb_overlay o;
    uint16_t *et;
    uint8_t *bits;
    uint64_t next;
} overlay_work;

static int overlay(void *context) {
    overlay_work *w = context;
    cb_overlay_events(&w->o, CB_TRAIN, w->next, OVERLAID, w->et, w->bits);
    w->next += OVERLAID;
    return 0;
}

static int measure_overlay(bench *b, overlay_work *w, const cb_library *lib, const char *sample) {
    const double fraction[3] = {0.5, 0.1, 0.4};
    bench_case c = {.isa = cb_isa_name(cb_isa()), .events = OVERLAID, .loop = true, .work = overlay, .context = w};
    snprintf(c.name, sizeof c.name, "simulate/%s", sample);
    int rc = cb_overlay_new(&w->o, lib, sample, fraction, 1) || cb_overlay_check(&w->o, CB_TRAIN) ? -1 : 0;
    for (int k = 0; !rc && (c.threads = bench_threads(b, k)); k++) {
        cb_threads_set(c.threads);
        rc = bench_measure(b, &c);
    }
    cb_overlay_free(&w->o);
    return rc;
}

static int measure_simulation(bench *b) {
    if (!bench_wanted(b, "simulate/zb") && !bench_wanted(b, "simulate/tt_had")) return 0;
    cb_library lib = {0};
    overlay_work w = {.et = cb_alloc(OVERLAID * CB_REGIONS, sizeof *w.et), .bits = cb_alloc(OVERLAID, CB_REGIONS)};
    char *path = cb_textf("%s/library/library.h5", b->data);
    int rc = w.et && w.bits && path ? cb_library_read(&lib, path) : -1;
    if (!rc) {
        rc = measure_overlay(b, &w, &lib, "zb") || measure_overlay(b, &w, &lib, "tt_had") ? -1 : 0;
        cb_library_free(&lib);
    }
    free(path);
    free(w.et);
    free(w.bits);
    return rc;
}

int bench_integers(bench *b) {
    return measure_firmware(b, "v1", "v1p1p2") || measure_firmware(b, "v2", "v2p1p2") || measure_simulation(b) ? -1 : 0;
}
