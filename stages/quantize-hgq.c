/* quantize-hgq: trains a student with HGQ's trainable widths and writes its integer programme. */
#include <stdlib.h>
#include <string.h>

#include "nn/targets.h"
#include "quant/hgq_calibrate.h"
#include "quant/hgq_export.h"
#include "quant/hgq_fit.h"
#include "quant/student_check.h"
#include "stage.h"

static const char *data, *targets, *out;

/* Everything the stage holds; freed in one place. */
typedef struct {
    cb_dataset d;
    cb_targets t;
    cb_student_set set;
    cb_hgq_student *s;
    cb_hgq_history history;
    cb_hgq_model model;
    cb_programme p;
    int64_t checked, mismatches;
} work;

static cb_hgq_design design_of(const cb_config *c, const cb_dataset *d) {
    bool v2 = !strcmp(cb_config_text(c, "student", "architecture"), "v2");
    int hidden = (int)cb_config_int(c, "student", "hidden");
    cb_hgq_flavour bits = strcmp(cb_config_text(c, "hgq", "bits"), "2025") ? CB_HGQ_HEAD : CB_HGQ_2025;
    cb_hgq_flavour bias = strcmp(cb_config_text(c, "hgq", "bias_bits"), "2025") ? CB_HGQ_HEAD : CB_HGQ_2025;
    cb_hgq_design design = v2 ? cb_hgq_design_v2(d->height, d->width, (int)cb_config_int(c, "student", "kernel"),
                                                 (int)cb_config_int(c, "student", "filters"), hidden, bits, bias)
                              : cb_hgq_design_v1(d->height, d->width, hidden, bits, bias);
    cb_hgq_place *place[] = {&design.iq[0], &design.iq[1], &design.iq[2], &design.kq[0],
                             &design.kq[1], &design.kq[2], &design.bq};
    float factor = (float)cb_config_real(c, "hgq", "regularizer");
    for (int k = 0; k < 7; k++) {
        place[k]->rules.l1_w = factor;
        if (place[k]->rules.kind == CB_KIF) place[k]->rules.l1_i = factor;
    }
    design.saturate = !strcmp(cb_config_text(c, "hgq", "range"), "tracked");
    for (int l = 0; design.saturate && l < CB_HGQ_LAYERS; l++) design.iq[l].rules.overflow = CB_WRAP;
    design.exact_fold = !strcmp(cb_config_text(c, "hgq", "fold"), "exact");
    return design;
}

static cb_hgq_plan plan_of(const cb_config *c) {
    return (cb_hgq_plan){.epochs = (int)cb_config_int(c, "student", "epochs"),
                         .batch = (uint32_t)cb_config_int(c, "student", "batch"),
                         .learning_rate = cb_config_real(c, "student", "learning_rate"),
                         .rate_end = cb_config_real(c, "hgq", "rate_end"),
                         .beta = cb_config_real(c, "hgq", "beta"),
                         .beta_end = cb_config_real(c, "hgq", "beta_end"),
                         .ramp_start = cb_config_real(c, "hgq", "ramp_start"),
                         .ramp_stop = cb_config_real(c, "hgq", "ramp_stop"),
                         .seed = (uint64_t)cb_config_int(c, "student", "seed"),
                         .trace = (uint32_t)cb_config_int(c, "hgq", "calibrate")};
}

static int train(work *w, const cb_config *c) {
    cb_hgq_plan plan = plan_of(c);
    if (cb_output_check(out) || cb_dataset_read(&w->d, data) || cb_targets_read(&w->t, targets, &w->d) ||
        cb_h5_made_from(targets, "dataset", data))
        return -1;
    cb_outliers extra = {w->t.n_outlier, w->t.outlier_et, w->t.outlier_target, w->t.outlier_split};
    cb_hgq_design design = design_of(c, &w->d);
    if (cb_student_set_new(&w->set, &w->d, w->t.target, &extra)) return -1;
    if (!(w->s = cb_hgq_student_new(&design, plan.seed))) return -1;
    if (!strcmp(cb_config_text(c, "hgq", "bits"), "data") &&
        cb_hgq_calibrate(w->s, &w->set, (uint32_t)cb_config_int(c, "hgq", "calibrate"),
                         (int)cb_config_int(c, "hgq", "start_bits"), plan.seed))
        return -1;
    return cb_hgq_fit(w->s, &w->set, &plan, &w->history);
}

static int export(work *w, const cb_config *c) {
    if (cb_hgq_model_new(&w->model, w->s) ||
        cb_hgq_programme(&w->p, &w->model, cb_config_text(c, "student", "name"), cb_config_int(c, "student", "seed")) ||
        cb_hgq_check(&w->model, &w->p, &w->set, &w->checked, &w->mismatches))
        return -1;
    return cb_student_verdict(&w->p, w->checked, w->mismatches);
}

static int write_student(const work *w, const char *config) {
    cb_h5 *f = cb_h5_create(out, CB_STUDENT_SCHEMA, "quantize-hgq", config);
    if (!f) return -1;
    int rc = cb_h5_input(f, "dataset", data) || cb_h5_input(f, "targets", targets) ||
             cb_student_write(&w->p, w->checked, w->mismatches, f) ||
             cb_hgq_history_write(&w->history, f) || cb_hgq_student_write(w->s, f, "/float") || cb_h5_commit(&f);
    cb_h5_close(&f);
    return rc ? -1 : 0;
}

static int run(const cb_stage *st) {
    static work w;
    char *config = cb_config_canonical(st->config, "student hgq");
    int rc = config ? train(&w, st->config) : -1;
    if (!rc) rc = export(&w, st->config);
    if (!rc) rc = write_student(&w, config);
    cb_programme_free(&w.p);
    cb_hgq_model_free(&w.model);
    cb_hgq_history_free(&w.history);
    cb_hgq_student_free(w.s);
    cb_student_set_free(&w.set);
    cb_targets_free(&w.t);
    cb_dataset_free(&w.d);
    free(config);
    return rc;
}

/* What single keys cannot say. */
static void check_usage(const cb_stage *st) {
    const cb_config *c = st->config;
    const char *family = cb_config_text(c, "student", "family");
    if (strcmp(family, "hgq")) cb_stage_usage(st, "student.family = %s: quantize-%s trains it", family, family);
    if (cb_config_int(c, "student", "batch") % CB_LANES)
        cb_stage_usage(st, "student.batch = %s: a multiple of %d wanted", cb_config_text(c, "student", "batch"), CB_LANES);
    double beta = cb_config_real(c, "hgq", "beta"), end = cb_config_real(c, "hgq", "beta_end");
    if (end > 0 && beta <= 0) cb_stage_usage(st, "hgq.beta_end = %g: a ramp needs hgq.beta > 0", end);
    if (end > 0 && cb_config_real(c, "hgq", "ramp_stop") < cb_config_real(c, "hgq", "ramp_start"))
        cb_stage_usage(st, "hgq.ramp_stop lies before hgq.ramp_start");
}

static const cb_option options[] = {
    {"data", 'd', "FILE", "dataset written by preprocess", &data, CB_REQUIRED},
    {"targets", 't', "FILE", "targets written by distill", &targets, CB_REQUIRED},
    {"out", 'o', "FILE", "student to write", &out, CB_REQUIRED},
    {0}};

int main(int argc, char **argv) {
    cb_stage st = {.name = "quantize-hgq", .options = options,
                   .summary = "Trains a student (CICADA v1 or v2) whose bit widths are trained with its weights (HGQ) "
                              "and writes it as an integer programme. Sections [student] and [hgq]."};
    cb_stage_begin(&st, argc, argv);
    check_usage(&st);
    return cb_stage_end(&st, run(&st));
}
