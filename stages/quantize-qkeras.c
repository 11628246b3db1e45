/* quantize-qkeras: trains a student with QKeras rules and writes its integer programme, or a front of several widths. */
#include <stdlib.h>
#include <string.h>

#include "base/ranks.h"
#include "quant/qkeras_export.h"
#include "quant/qkeras_front.h"
#include "quant/qkeras_train.h"
#include "quant/student_check.h"
#include "stage.h"

static const char *data, *targets, *out, *profile;

/* Everything the stage holds; freed in one place. */
typedef struct {
    cb_student_set set;
    cb_qkeras_student m;
    cb_history history;
    cb_qkeras_folded folded;
    cb_programme p;
    int64_t checked, mismatches;
    cb_front front;
    cb_front_run runs[CB_FRONT_WIDTHS];
    int n_run;
} work;

/* The two numbers of a key of [qkeras]. */
static void widths_of(const cb_config *c, const char *key, int *bits, int *integer) {
    double v[2] = {0};
    cb_config_reals(c, "qkeras", key, v, 2);
    *bits = (int)v[0];
    *integer = (int)v[1];
}

static cb_qkeras_bits bits_of(const cb_config *c) {
    cb_qkeras_bits b = cb_qkeras_deployed;
    widths_of(c, "conv", &b.conv.bits, &b.conv.integer);
    widths_of(c, "dense", &b.dense.bits, &b.dense.integer);
    widths_of(c, "bias", &b.bias.bits, &b.bias.integer);
    widths_of(c, "out", &b.out.bits, &b.out.integer);
    widths_of(c, "relu_conv", &b.relu_conv.bits, &b.relu_conv.integer);
    widths_of(c, "relu_dense", &b.relu_dense.bits, &b.relu_dense.integer);
    b.gamma = cb_config_real(c, "qkeras", "gamma");
    return b;
}

static cb_qkeras_shape shape_of(const cb_config *c, const cb_student_set *set) {
    cb_qkeras_shape s = cb_qkeras_cicada(!strcmp(cb_config_text(c, "student", "architecture"), "v2"), set->height, set->width);
    s.filters = (int)cb_config_int(c, "student", "filters");
    s.kernel = (int)cb_config_int(c, "student", "kernel");
    s.hidden = (int)cb_config_int(c, "student", "hidden");
    s.bits = bits_of(c);
    s.seed = (uint64_t)cb_config_int(c, "student", "seed");
    return s;
}

static int train(work *w, const cb_stage *st) {
    cb_rows_place place;
    const cb_config *c = st->config;
    cb_qkeras_plan plan = {.epochs = (int)cb_config_int(c, "student", "epochs"),
                           .batch = (uint32_t)cb_config_int(c, "student", "batch"),
                           .learning_rate = cb_config_real(c, "student", "learning_rate"),
                           .profile = profile != NULL};
    if (cb_stage_place(st, out, &place) || cb_student_set_read(&w->set, data, targets, &place)) return -1;
    cb_qkeras_shape shape = shape_of(c, &w->set);
    int points = (int)cb_config_int(c, "front", "points");
    if (!points) return cb_qkeras_student_new(&w->m, &shape) || cb_qkeras_train(&w->m, &w->set, &plan, &w->history) ? -1 : 0;
    if (cb_qkeras_front_train(&shape, &w->set, &plan, cb_config_text(c, "front", "widths"), &w->front, w->runs, &w->n_run)) return -1;
    cb_front_thin(&w->front, points, cb_config_real(c, "front", "worst"));
    return 0;
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

static int write_front(const work *w, const char *config, const cb_config *c) {
    const char *name = cb_config_text(c, "student", "name");
    cb_h5 *f = cb_h5_create(out, CB_FRONT_SCHEMA, "quantize-qkeras", config);
    if (!f) return -1;
    int rc = cb_h5_input(f, "dataset", data) || cb_h5_input(f, "targets", targets) ||
             cb_front_write_runs(f, name, "qkeras", cb_config_int(c, "student", "seed"), w->n_run, w->runs) ||
             cb_qkeras_front_write(&w->front, &w->set, name, f) || cb_h5_commit(&f);
    cb_h5_close(&f);
    return rc ? -1 : 0;
}

static int run(const cb_stage *st) {
    static work w;
    bool front = cb_config_int(st->config, "front", "points") > 0;
    char *config = cb_config_canonical(st->config, front ? "student qkeras front" : "student qkeras");
    int rc = config ? train(&w, st) : -1;
    if (!rc && front && !cb_rank()) rc = write_front(&w, config, st->config);
    if (!rc && !front && !cb_rank()) rc = export(&w, st->config) || write_student(&w, config) ? -1 : 0;
    cb_front_free(&w.front);
    for (int k = 0; k < w.n_run; k++) cb_front_run_free(&w.runs[k]);
    cb_programme_free(&w.p);
    cb_qkeras_folded_free(&w.folded);
    cb_history_free(&w.history);
    cb_qkeras_student_free(&w.m);
    cb_student_set_free(&w.set);
    free(config);
    return rc;
}

/* What single keys cannot say. */
static void check_usage(const cb_stage *st) {
    const cb_config *c = st->config;
    static const char *const key[] = {"conv", "dense", "bias", "out", "relu_conv", "relu_dense"};
    cb_stage_check_student(st, "qkeras");
    for (int k = 0; k < 6; k++) {
        double v[3];
        if (cb_config_reals(c, "qkeras", key[k], v, 3) != 2 || v[0] != (int)v[0] || v[1] != (int)v[1])
            cb_stage_usage(st, "qkeras.%s = %s: two whole numbers wanted, bits and integer", key[k], cb_config_text(c, "qkeras", key[k]));
    }
    cb_qkeras_bits bits = bits_of(c);
    if (cb_qkeras_bits_check(&bits)) cb_stage_usage(st, "%s", cb_error());
    if (!*cb_config_text(c, "front", "widths") != !cb_config_int(c, "front", "points"))
        cb_stage_usage(st, "a front of QKeras needs front.points and front.widths");
}

static const cb_option options[] = {
    {"data", 'd', "FILE", "dataset written by preprocess", &data, CB_REQUIRED},
    {"targets", 't', "FILE", "targets written by distill", &targets, CB_REQUIRED},
    {"out", 'o', "FILE", "student to write", &out, CB_REQUIRED},
    {"profile", 'P', NULL, "say at the end how the time of the training splits over its kinds of work", &profile, CB_FLAG},
    {0}};

int main(int argc, char **argv) {
    cb_stage st = {.name = "quantize-qkeras", .options = options, .ranks = true,
                   .summary = "Trains a student (CICADA v1 or v2) with the quantizers of QKeras and writes it as an integer "
                              "programme. Section [student]."};
    cb_stage_begin(&st, argc, argv);
    check_usage(&st);
    return cb_stage_end(&st, run(&st));
}
