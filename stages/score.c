/* score - per-event scores of the teacher, the float student, every integer student and two
 * plain sums on the test events, and the result tables made from them
 * (columns and definitions: lib/stats/performance.h). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quant/scores.h"
#include "stage.h"
#include "stats/performance.h"
#include "stats/reports.h"

static const char *data_path, *targets_path, *out_path, *scores_path, *reports, *hardware;
static const cb_option options[] = {
    {"data", 'd', "FILE", "dataset written by preprocess", &data_path, CB_REQUIRED},
    {"targets", 't', "FILE", "targets written by distill", &targets_path, CB_REQUIRED},
    {"out", 'o', "DIR", "folder of the tables", &out_path, CB_REQUIRED},
    {"scores-out", 's', "FILE", "also write every score: /<student>/<process> f32", &scores_path, CB_OPTIONAL},
    {"report", 'r', "FILE", "report of synthesize; may be repeated", &reports, CB_LIST},
    {"hardware", 'w', "FILE", "report.json of emit-hls; may be repeated", &hardware, CB_LIST},
    {0}};

typedef struct {
    cb_dataset data;
    cb_targets targets;
    cb_scores scores;
    cb_table students;
} study;

static int find_hardware(const char *student, cb_hardware_summary *h) {
    *h = (cb_hardware_summary){.adders = NAN, .depth = NAN, .mismatches = NAN, .checked = NAN};
    char path[4096];
    for (const char *p = hardware; p && *p; p += strlen(path) + 1) {
        snprintf(path, sizeof path, "%.*s", (int)strcspn(p, "\n"), p);
        cb_hardware_summary found;
        if (cb_reports_hardware(&found, path)) return -1;
        if (!strcmp(found.student, student)) *h = found;
    }
    return 0;
}

static int student_row(cb_table *t, const cb_programme *p) {
    cb_hardware_summary h;
    if (find_hardware(p->name, &h)) return -1;
    return cb_table_row(t, "%s\t%s\t%lld\t%s\t%s\t%s\t%lld\t%s\t%s", p->name, p->family, (long long)p->seed,
                        CB_CELL(p->ebops), CB_CELL(h.adders), CB_CELL(h.depth), (long long)p->parameters,
                        CB_CELL(h.mismatches), CB_CELL(h.checked));
}

static int add_student(study *s, const char *path) {
    cb_programme p = {0};
    if (cb_programme_read(&p, path)) return -1;
    int rc = cb_scores_add(&s->scores, &p) ? cb_fail_in("%s", path) : student_row(&s->students, &p);
    cb_programme_free(&p);
    return rc;
}

static int write_scores(const study *s, const cb_stage *st) {
    char *config = cb_config_canonical(st->config, "score");
    cb_h5 *f = config ? cb_h5_create(scores_path, CB_SCORES_SCHEMA, "score", config) : NULL;
    free(config);
    int rc = f && !cb_h5_input(f, "dataset", data_path) && !cb_h5_input(f, "targets", targets_path) ? 0 : -1;
    for (int i = 0; i < st->n_arguments && !rc; i++) rc = cb_h5_input(f, "student", st->argument[i]);
    if (!rc && !cb_scores_write(&s->scores, f)) return cb_h5_commit(&f);
    cb_h5_close(&f);
    return -1;
}

static int write_table(cb_table *t, const char *name) {
    char *path = cb_textf("%s/%s", out_path, name);
    int rc = path ? cb_table_write(t, path) : -1;
    free(path);
    return rc;
}

static int write_resources(void) {
    cb_table t;
    char path[4096];
    int rc = cb_table_begin(&t, CB_RESOURCES_HEADER, CB_RESOURCES_KEYS);
    for (const char *p = reports; p && *p && !rc; p += strlen(path) + 1) {
        snprintf(path, sizeof path, "%.*s", (int)strcspn(p, "\n"), p);
        rc = cb_reports_resources(&t, path);
    }
    if (!rc) rc = write_table(&t, "resources.tsv");
    cb_table_free(&t);
    return rc;
}

static int write_all(study *s, const cb_stage *st) {
    cb_performance_options o = {.seed = (uint64_t)cb_config_int(st->config, "run", "seed"),
                                .n_bootstrap = (int)cb_config_int(st->config, "score", "bootstrap"),
                                .crossing_rate_khz = cb_config_real(st->config, "score", "crossing_rate_khz")};
    o.n_rate = cb_config_reals(st->config, "score", "rates_khz", o.rate_khz, CB_MAX_RATES);
    cb_performance p;
    /* performance.tsv comes last: where it is, the others are */
    int rc = cb_performance_make(&p, &s->scores.set, s->scores.row, s->scores.n, 0, &o) ||
                     (scores_path && write_scores(s, st)) || write_table(&p.roc, "roc.tsv") ||
                     write_table(&p.histograms, "histograms.tsv") || write_table(&s->students, "students.tsv") ||
                     write_resources() || write_table(&p.performance, "performance.tsv")
                 ? -1
                 : 0;
    cb_performance_free(&p);
    return rc;
}

static int load(study *s, int64_t seed) {
    return cb_dataset_read(&s->data, data_path) || cb_targets_read(&s->targets, targets_path, &s->data) ||
                   cb_scores_begin(&s->scores, &s->data, &s->targets, seed) ||
                   cb_h5_made_from(targets_path, "dataset", data_path) ||
                   cb_table_begin(&s->students, "student\tfamily\tseed\tebops\tadders\tdepth\tparameters\t"
                                                "mismatches\tchecked", 1)
               ? -1
               : 0;
}

static int run(const cb_stage *st) {
    study s = {0};
    int rc = load(&s, cb_config_int(st->config, "run", "seed"));
    for (int i = 0; i < st->n_arguments && !rc; i++) {
        cb_progress("scores", i, st->n_arguments, cb_basename(st->argument[i]));
        rc = add_student(&s, st->argument[i]);
    }
    cb_progress_end();
    if (!rc) rc = write_all(&s, st);
    cb_scores_free(&s.scores);
    cb_targets_free(&s.targets);
    cb_table_free(&s.students);
    cb_dataset_free(&s.data);
    return rc;
}

int main(int argc, char **argv) {
    cb_stage st = {.name = "score", .options = options, .arguments = "STUDENT.h5...", .max_arguments = 4096,
                   .summary = "Scores the test events and writes the result tables."};
    cb_stage_begin(&st, argc, argv);
    return cb_stage_end(&st, run(&st));
}
