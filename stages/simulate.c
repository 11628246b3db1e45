#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "data/layouts.h"
#include "data/overlay.h"
#include "stage.h"

enum { BLOCK = 8192 }; /* events between two writes */

static const char *library, *sample, *out;
static const cb_option options[] = {
    {"library", 'l', "FILE", "event library (data/library/library.h5)", &library, CB_REQUIRED},
    {"sample", 's', "NAME", "zb, zb_low, zb_high, nu, or a signal process of the library", &sample, CB_REQUIRED},
    {"out", 'o', "FILE", "images to write, open-data layout with split", &out, CB_REQUIRED},
    {0}};

typedef struct {
    cb_library lib;
    cb_overlay overlay;
    cb_opendata writer;
    uint64_t count[3]; /* events of train, val, test */
    uint16_t *et;
    uint8_t *bits, *split;
} job;

static int count_events(const cb_stage *st, job *j) {
    static const char *const key[2][3] = {{"signal_train", "signal_val", "signal_test"},
                                          {"zb_train", "zb_val", "zb_test"}};
    bool zb = !strncmp(sample, "zb", 2);
    for (int s = 0; s < 3; s++) {
        j->count[s] = (uint64_t)cb_config_int(st->config, "simulate", key[zb][s]);
        if (j->count[s] && cb_overlay_check(&j->overlay, s)) return -1;
        j->writer.n += j->count[s];
    }
    if (j->writer.n) return 0;
    return cb_fail("[simulate] asks for no events of %s: raise %s_test", sample, zb ? "zb" : "signal");
}

static int prepare(const cb_stage *st, job *j, const double fraction[3]) {
    uint64_t seed = (uint64_t)cb_config_int(st->config, "run", "seed");
    if (cb_library_read(&j->lib, library)) return -1;
    if (cb_overlay_new(&j->overlay, &j->lib, sample, fraction, seed)) return -1;
    j->writer = (cb_opendata){.height = CB_PHI, .width = CB_ETA, .with_bits = true, .with_split = true};
    if (count_events(st, j)) return -1;
    j->et = cb_alloc(BLOCK * CB_REGIONS, sizeof *j->et);
    j->bits = cb_alloc(BLOCK * CB_REGIONS, 1);
    j->split = cb_alloc(BLOCK, 1);
    if (!j->et || !j->bits || !j->split) return -1;
    char *config = cb_config_canonical(st->config, "simulate");
    int rc = !config || cb_opendata_begin(&j->writer, out, "simulate", config);
    free(config);
    if (rc) return -1;
    return cb_h5_set_text(j->writer.file, "/", "sample", sample) ||
                   cb_h5_set_i64(j->writer.file, "/", "seed", (int64_t)seed) ||
                   cb_h5_input(j->writer.file, "library", library)
               ? -1
               : 0;
}

static int make_events(job *j) {
    uint64_t row = 0;
    for (int s = 0; s < 3; s++) {
        memset(j->split, s, BLOCK);
        for (uint64_t at = 0; at < j->count[s]; at += BLOCK) {
            uint64_t n = at + BLOCK <= j->count[s] ? BLOCK : j->count[s] - at;
            cb_overlay_events(&j->overlay, s, at, n, j->et, j->bits);
            if (cb_opendata_rows(&j->writer, row, n, j->et, j->bits, j->split)) return -1;
            row += n;
            cb_progress(sample, (double)row, (double)j->writer.n, NULL);
        }
    }
    cb_progress_end();
    return 0;
}

static int run(const cb_stage *st, const double fraction[3]) {
    job j = {0};
    int rc = prepare(st, &j, fraction) || make_events(&j) || cb_h5_commit(&j.writer.file) ? -1 : 0;
    cb_h5_close(&j.writer.file);
    if (!rc)
        cb_info("%s: %llu train, %llu val, %llu test events", sample, (unsigned long long)j.count[0],
                (unsigned long long)j.count[1], (unsigned long long)j.count[2]);
    free(j.et);
    free(j.bits);
    free(j.split);
    cb_overlay_free(&j.overlay);
    cb_library_free(&j.lib);
    return rc;
}

int main(int argc, char **argv) {
    cb_stage st = {.name = "simulate", .options = options,
                   .summary = "Overlays collisions of the event library: zero bias, or a process in pile-up. "
                              "Event counts and the division of the library come from [simulate]."};
    cb_stage_begin(&st, argc, argv);
    double fraction[4] = {0};
    int n = cb_config_reals(st.config, "simulate", "library_split", fraction, 4);
    double sum = fraction[0] + fraction[1] + fraction[2];
    if (n != 3 || sum > 1 + 1e-9 || sum < 1 - 1e-9)
        cb_stage_usage(&st, "simulate.library_split: three fractions (train, val, test) with sum 1 "
                       "wanted, not '%s'",
                       cb_config_text(st.config, "simulate", "library_split"));
    return cb_stage_end(&st, run(&st, fraction));
}
