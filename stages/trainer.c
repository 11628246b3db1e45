#include "trainer.h"

#include <stdlib.h>
#include <string.h>

#include "base/ranks.h"
#include "nn/lanes.h"

cb_trainer_files cb_trainer_file;

bool cb_trainer_wants_front(const cb_trainer *t) { return cb_config_int(t->config, "front", "points") > 0; }

int cb_trainer_betas(cb_trainer *t, double *beta) {
    int n = cb_config_reals(t->config, "front", "betas", beta, CB_FRONT_BETAS);
    t->n_run = (n ? n : 1) * (int)cb_config_int(t->config, "front", "starts");
    return n;
}

static int train(cb_trainer *t, const cb_stage *st, const cb_trainer_family *family) {
    cb_rows_place place;
    if (cb_stage_place(st, cb_trainer_file.out, &place) ||
        cb_student_set_read(&t->set, cb_trainer_file.data, cb_trainer_file.targets, &place))
        return -1;
    return family->train(t);
}

static int write_student(const cb_trainer *t, const cb_trainer_family *family, cb_h5 *f) {
    return cb_student_write(&t->p, t->checked, t->mismatches, f) || family->write_state(t, f) ? -1 : 0;
}

static int write_front(const cb_trainer *t, const cb_trainer_family *family, cb_h5 *f) {
    const char *name = cb_config_text(t->config, "student", "name");
    int64_t seed = cb_config_int(t->config, "student", "seed");
    return cb_front_write_runs(f, name, family->name, seed, t->n_run, t->runs) || family->write_front(t, name, seed, f) ? -1 : 0;
}

/* Checks the student, or thins the front, and writes the artifact. */
static int finish(cb_trainer *t, const cb_stage *st, const cb_trainer_family *family, bool front, const char *config) {
    if (front)
        cb_front_thin(&t->front, (int)cb_config_int(t->config, "front", "points"), cb_config_real(t->config, "front", "worst"));
    else if (family->export(t) || cb_student_verdict(&t->p, t->checked, t->mismatches))
        return -1;
    cb_h5 *f = cb_h5_create(cb_trainer_file.out, front ? CB_FRONT_SCHEMA : CB_STUDENT_SCHEMA, st->name, config);
    if (!f) return -1;
    int rc = cb_h5_input(f, "dataset", cb_trainer_file.data) || cb_h5_input(f, "targets", cb_trainer_file.targets) ||
             (front ? write_front(t, family, f) : write_student(t, family, f)) || cb_h5_commit(&f);
    cb_h5_close(&f);
    return rc ? -1 : 0;
}

static int run(const cb_stage *st, const cb_trainer_family *family) {
    static cb_trainer t;
    t.config = st->config;
    bool front = family->front_sections && cb_trainer_wants_front(&t);
    char *config = cb_config_canonical(st->config, front ? family->front_sections : family->sections);
    int rc = config ? train(&t, st, family) : -1;
    if (!rc && !cb_rank()) rc = finish(&t, st, family, front, config);
    cb_front_free(&t.front);
    for (int k = 0; k < t.n_run; k++) cb_front_run_free(&t.runs[k]);
    cb_programme_free(&t.p);
    family->release();
    cb_student_set_free(&t.set);
    free(config);
    return rc;
}

static void check_student(const cb_stage *st, const cb_trainer_family *family) {
    const cb_config *c = st->config;
    const char *asked = cb_config_text(c, "student", "family");
    if (strcmp(asked, family->name)) cb_stage_usage(st, "student.family = %s: quantize-%s trains it", asked, asked);
    if (cb_config_int(c, "student", "batch") % CB_LANES)
        cb_stage_usage(st, "student.batch = %s: a multiple of %d wanted", cb_config_text(c, "student", "batch"), CB_LANES);
    if (strcmp(family->name, "plus") && !strcmp(cb_config_text(c, "front", "cost"), "lut"))
        cb_stage_usage(st, "front.cost = lut: only hgq+ is priced so");
    if (strcmp(family->name, "hgq") && cb_config_int(c, "front", "starts") > 1)
        cb_stage_usage(st, "front.starts: only HGQ has several");
}

void cb_trainer_check_betas(const cb_stage *st) {
    double betas[CB_FRONT_BETAS + 1];
    int n = cb_config_reals(st->config, "front", "betas", betas, CB_FRONT_BETAS + 1);
    int starts = (int)cb_config_int(st->config, "front", "starts");
    if (n > CB_FRONT_BETAS) cb_stage_usage(st, "front.betas: more than %d values", CB_FRONT_BETAS);
    if (n * starts > CB_FRONT_BETAS)
        cb_stage_usage(st, "front.starts = %d times %d front.betas: more than %d trainings", starts, n, CB_FRONT_BETAS);
    if (n && !cb_config_int(st->config, "front", "points")) cb_stage_usage(st, "front.betas: a scan needs front.points > 0");
    if (starts > 1 && !cb_config_int(st->config, "front", "points")) cb_stage_usage(st, "front.starts needs front.points > 0");
}

int cb_trainer_main(cb_stage *st, int argc, char **argv, const cb_trainer_family *family, void (*check_usage)(const cb_stage *st)) {
    cb_stage_begin(st, argc, argv);
    check_student(st, family);
    check_usage(st);
    return cb_stage_end(st, run(st, family));
}
