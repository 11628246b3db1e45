/* score-fronts: every point of every front measured on validation and test events, and the mean over seeds. */

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "hw/front_table.h"
#include "stage.h"
#include "stats/reports.h"

static const char *data, *targets, *out, *part, *picks, *reports;
static const cb_option options[] = {
    {"data", 'd', "FILE", "dataset written by preprocess", &data, CB_REQUIRED},
    {"targets", 't', "FILE", "targets written by distill", &targets, CB_REQUIRED},
    {"out", 'o', "DIR", "folder of the tables", &out, CB_REQUIRED},
    {"part", 'p', "FILE", "device description (INI), read over the configuration", &part, CB_OPTIONAL},
    {"pick", 'k', "FILE", "student of pick-student that was synthesised; may be repeated", &picks, CB_LIST},
    {"report", 'r', "FILE", "its report of synthesize, in the same order", &reports, CB_LIST},
    {0}};

/* The next of a list of lines, or NULL. */
static const char *next_line(const char **list, char line[4096]) {
    if (!*list || !**list) return NULL;
    size_t n = strcspn(*list, "\n");
    snprintf(line, 4096, "%.*s", (int)n, *list);
    *list += n + ((*list)[n] == '\n');
    return line;
}

/* Each pick with its post-synthesis LUTs. */
static int add_picks(cb_front_table *t) {
    char student[4096], report[4096], name[64];
    while (next_line(&picks, student)) {
        double lut = NAN;
        cb_programme p = {0};
        if (next_line(&reports, report)) {
            if (cb_programme_read(&p, student) || cb_reports_lut(report, "yosys-synth", "packed", name, &lut)) return -1;
            int rc = strcmp(p.name, name) ? cb_fail("%s: of student '%s', not '%s' of %s", report, name, p.name, student) : 0;
            cb_programme_free(&p);
            if (rc) return -1;
        }
        if (cb_front_table_pick(t, student, lut)) return -1;
    }
    return 0;
}

enum { QUICK = 2 }; /* search for each of hundreds of points: an eighth of what emit-hls does (front_table.h) */

static int run(const cb_stage *st) {
    const cb_config *c = st->config;
    cb_dataset d = {0};
    cb_targets y = {0};
    cb_front_table t = {0};
    cb_performance_options o = {.seed = (uint64_t)cb_config_int(c, "run", "seed"),
                                .crossing_rate_khz = cb_config_real(c, "score", "crossing_rate_khz")};
    o.n_rate = cb_config_reals(c, "score", "rates_khz", o.rate_khz, CB_MAX_RATES);
    cb_hardware_rules rules = cb_hardware_rules_of(c);
    rules.effort = QUICK;
    int rc = cb_dataset_read(&d, data) || cb_targets_read(&y, targets, &d) || cb_h5_made_from(targets, "dataset", data) ||
             cb_front_table_begin(&t, &d, &y, &o, &rules);
    for (int i = 0; i < st->n_arguments && !rc; i++) {
        cb_progress("fronts", i, st->n_arguments, cb_basename(st->argument[i]));
        rc = cb_front_table_add(&t, st->argument[i]);
    }
    cb_progress_end();
    if (!rc) rc = add_picks(&t) || cb_front_table_write(&t, out);
    cb_front_table_free(&t);
    cb_targets_free(&y);
    cb_dataset_free(&d);
    return rc ? -1 : 0;
}

int main(int argc, char **argv) {
    cb_stage st = {.name = "score-fronts", .options = options, .arguments = "FRONT.h5...", .min_arguments = 1,
                   .max_arguments = 4096,
                   .summary = "Scores validation and test events with every student of every front, estimates its resources, and "
                              "writes the tables of the fronts and their means over seeds."};
    cb_stage_begin(&st, argc, argv);
    if (part && cb_config_read(st.config, part)) cb_stage_usage(&st, "%s", cb_error());
    return cb_stage_end(&st, run(&st));
}
