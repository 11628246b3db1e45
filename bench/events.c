/* The events of the loops: zero bias from the event library. */
#include <stdlib.h>
#include <string.h>

#include "data/layouts.h"
#include "data/overlay.h"
#include "measure.h"

static int simulate(cb_dataset *d, const char *path) {
    const double fraction[3] = {0.5, 0.1, 0.4};
    cb_library lib;
    cb_overlay overlay;
    if (cb_library_read(&lib, path)) return -1;
    int rc = cb_overlay_new(&overlay, &lib, "zb", fraction, 1);
    if (!rc && !(rc = cb_overlay_check(&overlay, CB_TRAIN))) cb_overlay_events(&overlay, CB_TRAIN, 0, d->n, d->et, d->bits);
    cb_overlay_free(&overlay);
    cb_library_free(&lib);
    return rc;
}

static int make(cb_dataset *d, const char *path) {
    *d = (cb_dataset){.n = BENCH_EVENTS, .height = CB_PHI, .width = CB_ETA, .n_process = 1};
    d->et = cb_alloc(BENCH_EVENTS * CB_REGIONS, sizeof *d->et);
    d->bits = cb_alloc(BENCH_EVENTS, CB_REGIONS);
    d->split = cb_alloc(BENCH_EVENTS, 1);
    d->process = cb_alloc(BENCH_EVENTS, 1);
    d->process_name = cb_alloc(1, sizeof *d->process_name);
    if (!d->et || !d->bits || !d->split || !d->process || !d->process_name || !(*d->process_name = cb_strdup("zb"))) return -1;
    memset(d->split + BENCH_EVENTS / 4 * 3, CB_VAL, BENCH_EVENTS / 4);
    return simulate(d, path);
}

const cb_dataset *bench_events(bench *b) {
    if (b->events.n) return &b->events;
    char *path = cb_textf("%s/library/library.h5", b->data);
    int rc = path ? make(&b->events, path) : -1;
    free(path);
    if (!rc) return &b->events;
    cb_dataset_free(&b->events);
    b->events = (cb_dataset){0};
    return NULL;
}
