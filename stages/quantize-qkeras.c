/* quantize-qkeras: trains a student with QKeras rules and writes its integer programme. */
#include <stdlib.h>
#include <string.h>

#include "base/ranks.h"
#include "nn/targets.h"
#include "quant/qkeras_export.h"
#include "quant/qkeras_train.h"
#include "quant/student_check.h"
#include "stage.h"

static const char *data, *targets, *out;

/* Everything the stage holds; freed in one place. */
typedef struct {
    cb_dataset d;
    cb_targets t;
    cb_student_set set;
    cb_qkeras_student m;
    cb_history history;
    cb_qkeras_folded folded;
    cb_programme p;
    int64_t checked, mismatches;
} work;

static cb_qkeras_shape shape_of(const cb_config *c, const cb_dataset *d) {
    cb_qkeras_shape s = cb_qkeras_cicada(!strcmp(cb_config_text(c, "student", "architecture"), "v2"), d->height, d->width);
    s.filters = (int)cb_config_int(c, "student", "filters");
    s.kernel = (int)cb_config_int(c, "student", "kernel");
    s.hidden = (int)cb_config_int(c, "student", "hidden");
    s.seed = (uint64_t)cb_config_int(c, "student", "seed");
    return s;
}

static int train(work *w, const cb_stage *st) {
    const cb_config *c = st->config;
    cb_qkeras_plan plan = {.epochs = (int)cb_config_int(c, "student", "epochs"),
                           .batch = (uint32_t)cb_config_int(c, "student", "batch"),
                           .learning_rate = cb_config_real(c, "student", "learning_rate")};
    if (cb_stage_open(st, &w->d, data, out) || cb_targets_read(&w->t, targets, &w->d) ||
        cb_h5_made_from(targets, "dataset", data))
        return -1;
    cb_outliers extra = {w->t.n_outlier, w->t.outliers, w->t.outlier_target, w->t.outlier_split};
    cb_qkeras_shape shape = shape_of(c, &w->d);
    return cb_student_set_new(&w->set, &w->d, w->t.target, &extra) || cb_qkeras_student_new(&w->m, &shape) ||
                   cb_qkeras_train(&w->m, &w->set, &plan, &w->history)
               ? -1
               : 0;
}

static int export(work *w, const cb_config *c) {
    if (cb_qkeras_folded_new(&w->folded, &w->m) ||
        cb_qkeras_programme(&w->p, &w->folded, cb_config_text(c, "student", "name")) ||
        cb_qkeras_check(&w->folded, &w->p, &w->set, &w->checked, &w->mismatches))
        return -1;
    return cb_student_verdict(&w->p, w->checked, w->mismatches);
}

static int write_student(const work *w, const char *config) {
    cb_h5 *f = cb_h5_create(out, CB_STUDENT_SCHEMA, "quantize-qkeras", config);
    if (!f) return -1;
    int rc = cb_h5_input(f, "dataset", data) || cb_h5_input(f, "targets", targets) ||
             cb_student_write(&w->p, w->checked, w->mismatches, f) ||
             cb_history_write(&w->history, f, "/history") || cb_qkeras_student_write(&w->m, f, "/float") ||
             cb_h5_commit(&f);
    cb_h5_close(&f);
    return rc ? -1 : 0;
}

static int run(const cb_stage *st) {
    static work w;
    char *config = cb_config_canonical(st->config, "student");
    int rc = config ? train(&w, st) : -1;
    if (!rc && !cb_rank()) rc = export(&w, st->config) || write_student(&w, config) ? -1 : 0;
    cb_programme_free(&w.p);
    cb_qkeras_folded_free(&w.folded);
    cb_history_free(&w.history);
    cb_qkeras_student_free(&w.m);
    cb_student_set_free(&w.set);
    cb_targets_free(&w.t);
    cb_dataset_free(&w.d);
    free(config);
    return rc;
}

static const cb_option options[] = {
    {"data", 'd', "FILE", "dataset written by preprocess", &data, CB_REQUIRED},
    {"targets", 't', "FILE", "targets written by distill", &targets, CB_REQUIRED},
    {"out", 'o', "FILE", "student to write", &out, CB_REQUIRED},
    {0}};

int main(int argc, char **argv) {
    cb_stage st = {.name = "quantize-qkeras", .options = options, .ranks = true,
                   .summary = "Trains a student (CICADA v1 or v2) with the quantizers of QKeras and writes it as an integer "
                              "programme. Section [student]."};
    cb_stage_begin(&st, argc, argv);
    const char *family = cb_config_text(st.config, "student", "family");
    if (strcmp(family, "qkeras")) cb_stage_usage(&st, "student.family = %s: quantize-%s trains it", family, family);
    if (cb_config_int(st.config, "student", "batch") % CB_LANES)
        cb_stage_usage(&st, "student.batch = %s: a multiple of %d wanted", cb_config_text(st.config, "student", "batch"), CB_LANES);
    return cb_stage_end(&st, run(&st));
}
