/* distill: dataset + teacher -> targets of the students. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/ranks.h"
#include "nn/autoencoder.h"
#include "nn/outliers.h"
#include "nn/teacher.h"
#include "quant/qkeras_train.h"
#include "stage.h"

static const char *data, *teacher_file, *out;
static const cb_option options[] = {
    {"data", 'd', "FILE", "dataset written by preprocess", &data, CB_REQUIRED},
    {"teacher", 't', "FILE", "teacher written by train-teacher", &teacher_file, CB_REQUIRED},
    {"out", 'o', "FILE", "targets to write", &out, CB_REQUIRED},
    {0}};

static int dataset_images(void *d, uint64_t first, uint64_t n, uint16_t *et) { return cb_dataset_images(d, first, n, et); }
static int outlier_images(void *rows, uint64_t first, uint64_t n, uint16_t *et) {
    return cb_rows_copy(rows, NULL, first, n, et);
}

/* Teacher's errors and codes of n images. */
static int label(const cb_teacher *t, cb_images_fn *get, void *from, uint64_t n, const char *what, float *mse,
                 uint16_t *target) {
    if (cb_teacher_score(t, get, from, n, what, mse)) return cb_fail_in("%s", what);
    for (uint64_t i = 0; i < n; i++) target[i] = cb_target_code(mse[i]);
    return 0;
}

static int make_targets(cb_targets *t, const cb_dataset *d, const cb_teacher *teacher, const cb_config *c) {
    *t = (cb_targets){.n = d->n, .height = d->height, .width = d->width};
    cb_outlier_plan plan = {.mode = cb_config_text(c, "distill", "outlier"),
                            .process = cb_config_text(c, "distill", "outlier_process"),
                            .fraction = cb_config_real(c, "distill", "outlier_fraction"),
                            .seed = (uint64_t)cb_config_int(c, "run", "seed")};
    t->mse = cb_alloc(d->n, sizeof *t->mse);
    t->target = cb_alloc(d->n, sizeof *t->target);
    if (!t->mse || !t->target || cb_outliers_make(t, d, &plan)) return -1;
    float *mse = cb_alloc(t->n_outlier + 1, sizeof *mse);
    int rc = mse ? 0 : -1;
    if (!rc) rc = label(teacher, outlier_images, t->outliers, t->n_outlier, "labelling outliers", mse, t->outlier_target);
    free(mse);
    if (!rc) rc = label(teacher, dataset_images, (void *)d, d->n, "scoring events", t->mse, t->target);
    if (!rc) cb_info("%" PRIu64 " events scored, %" PRIu64 " outliers (%s)", d->n, t->n_outlier, plan.mode);
    return rc;
}

/* The settings that the targets depend on. */
static char *settings(const cb_config *c) {
    char *section = cb_config_canonical(c, "distill");
    char *text = section ? cb_textf("%s[run]\nseed = %" PRId64 "\n", section, cb_config_int(c, "run", "seed")) : NULL;
    free(section);
    return text;
}

/* The float student on the same events and targets; none if float_epochs is 0. */
static int train_float(cb_float_student *s, const cb_dataset *d, const cb_targets *t, const cb_config *c) {
    cb_qkeras_plan plan = {.epochs = (int)cb_config_int(c, "distill", "float_epochs"),
                           .batch = (uint32_t)cb_config_int(c, "distill", "float_batch"),
                           .learning_rate = 0.001};
    cb_outliers extra = {t->n_outlier, t->outliers, t->outlier_target, t->outlier_split};
    cb_student_set set;
    if (!plan.epochs) return 0;
    if (cb_student_set_new(&set, d, t->target, &extra)) return -1;
    int rc = cb_float_student_new(s, d, &set, &plan, (uint64_t)cb_config_int(c, "run", "seed"));
    cb_student_set_free(&set);
    return rc;
}

static int write_targets(const cb_targets *t, const cb_float_student *s, const cb_config *c) {
    char *config = settings(c);
    cb_h5 *f = config ? cb_h5_create(out, CB_TARGETS_SCHEMA, "distill", config) : NULL;
    free(config);
    if (!f) return -1;
    if (cb_h5_input(f, "dataset", data) || cb_h5_input(f, "teacher", teacher_file) ||
        cb_targets_write(t, cb_config_text(c, "distill", "outlier"), f) ||
        (s->score && cb_float_student_write(s, f, "/float"))) {
        cb_h5_close(&f);
        return -1;
    }
    return cb_h5_commit(&f);
}

static int run(const cb_stage *st) {
    const cb_config *c = st->config;
    cb_dataset d = {0};
    cb_targets t = {0};
    cb_float_student s = {0};
    int rc = cb_stage_open(st, &d, data, out);
    cb_teacher *teacher = rc ? NULL : cb_teacher_read(teacher_file);
    if (!teacher) rc = -1;
    if (!rc && (d.height != teacher->image_height || d.width != teacher->image_width))
        rc = cb_fail("%s: images of %d x %d; the teacher %s was trained on %d x %d: train it on this dataset", data,
                     d.height, d.width, teacher_file, teacher->image_height, teacher->image_width);
    if (!rc) rc = make_targets(&t, &d, teacher, c);
    if (!rc) rc = train_float(&s, &d, &t, c);
    if (!rc && !cb_rank()) rc = write_targets(&t, &s, c);
    cb_float_student_free(&s);
    cb_targets_free(&t);
    cb_dataset_free(&d);
    cb_teacher_free(teacher);
    return rc;
}

int main(int argc, char **argv) {
    cb_stage st = {.name = "distill", .options = options, .ranks = true,
                   .summary = "Scores every event with the teacher, puts the scores on the students' target grid, "
                              "adds outlier exposure and trains the float student (distill.float_epochs)."};
    cb_stage_begin(&st, argc, argv);
    if (cb_config_int(st.config, "distill", "float_batch") % CB_LANES)
        cb_stage_usage(&st, "distill.float_batch = %s: a multiple of %d wanted",
                       cb_config_text(st.config, "distill", "float_batch"), CB_LANES);
    return cb_stage_end(&st, run(&st));
}
