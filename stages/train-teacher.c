/* train-teacher: dataset -> autoencoder trained on the zero bias events of its train split. */
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/ranks.h"
#include "data/dataset.h"
#include "nn/isa.h"
#include "nn/teacher.h"
#include "stage.h"

static const char *data, *out, *profile;
static const cb_option options[] = {
    {"data", 'd', "FILE", "dataset written by preprocess", &data, CB_REQUIRED},
    {"out", 'o', "FILE", "teacher to write; FILE.ckpt keeps the state of an interrupted run", &out, CB_REQUIRED},
    {"profile", 'P', NULL, "say at the end how the CPU time splits over layers and passes", &profile, CB_FLAG},
    {0}};

/* The settings that the teacher depends on. */
static char *settings(const cb_config *c) {
    char *section = cb_config_canonical(c, "teacher");
    char *text = section ? cb_textf("%s[run]\nseed = %" PRId64 "\n", section, cb_config_int(c, "run", "seed")) : NULL;
    free(section);
    return text;
}

static int write_teacher(const cb_teacher *t, const char *config) {
    cb_h5 *f = cb_h5_create(out, CB_TEACHER_SCHEMA, "train-teacher", config);
    if (!f) return -1;
    if (cb_h5_input(f, "dataset", data) || cb_teacher_write(t, f)) {
        cb_h5_close(&f);
        return -1;
    }
    return cb_h5_commit(&f);
}

static int train(const cb_config *c, const cb_dataset *d, cb_teacher *t, const char *config, const char *checkpoint) {
    char sha[65];
    if (cb_sha256_file(data, sha)) return -1;
    char *identity = cb_textf("%sdataset %s\n", config, sha);
    size_t cells = (size_t)d->height * (size_t)d->width;
    cb_rows *rows[2] = {cb_rows_new(cells, &d->place), cb_rows_new(cells, &d->place)};
    int zb = cb_dataset_process(d, "zb"), rc = -1;
    if (identity && rows[0] && rows[1] && zb >= 0 && !cb_dataset_pour(d, zb, CB_TRAIN, rows[0]) &&
        !cb_dataset_pour(d, zb, CB_VAL, rows[1])) {
        cb_teacher_fit fit = {.epochs = (int)cb_config_int(c, "teacher", "epochs"),
                              .batch = (size_t)cb_config_int(c, "teacher", "batch"),
                              .learning_rate = cb_config_real(c, "teacher", "learning_rate"),
                              .seed = (uint64_t)cb_config_int(c, "run", "seed"),
                              .checkpoint = checkpoint,
                              .profile = profile != NULL,
                              .identity = identity};
        cb_info("%zu weights, %" PRIu64 " training and %" PRIu64 " validation events, kernels %s", t->net->n_weight,
                cb_rows_count(rows[0]), cb_rows_count(rows[1]), cb_isa_name(cb_isa()));
        rc = cb_teacher_train(t, &fit, rows[0], rows[1]);
        if (rc) cb_fail_in("%s", data);
    }
    free(identity);
    cb_rows_free(rows[0]);
    cb_rows_free(rows[1]);
    return rc;
}

static int run(const cb_stage *st) {
    cb_dataset d;
    if (cb_stage_open(st, &d, data, out)) return -1;
    double w[3];
    int n = cb_config_reals(st->config, "teacher", "width", w, 3), width[3] = {0};
    for (int k = 0; k < n && k < 3; k++) width[k] = (int)w[k];
    char *config = settings(st->config), *checkpoint = cb_textf("%s.ckpt", out);
    cb_teacher *t = cb_teacher_new(cb_config_text(st->config, "teacher", "architecture"), width, d.height, d.width);
    int rc = config && checkpoint && t ? train(st->config, &d, t, config, checkpoint) : -1;
    if (!rc && !cb_rank()) rc = write_teacher(t, config);
    if (!rc) {
        cb_info("best epoch %d: val mse %.6g", t->best_epoch, t->val_mse[t->best_epoch - 1]);
        if (!cb_rank()) unlink(checkpoint);
    }
    cb_teacher_free(t);
    cb_dataset_free(&d);
    free(config);
    free(checkpoint);
    return rc;
}

int main(int argc, char **argv) {
    cb_stage st = {.name = "train-teacher", .options = options, .ranks = true,
                   .summary = "Trains the autoencoder on the zero bias events of the train split and keeps the "
                              "weights of the best validation epoch."};
    cb_stage_begin(&st, argc, argv);
    if (cb_config_int(st.config, "teacher", "batch") % 16)
        cb_stage_usage(&st, "teacher.batch = %" PRId64 ": a multiple of 16 wanted", cb_config_int(st.config, "teacher", "batch"));
    double w[4];
    if (cb_config_reals(st.config, "teacher", "width", w, 4) != 3 || w[0] != (int)w[0] || w[1] != (int)w[1] ||
        w[2] != (int)w[2])
        cb_stage_usage(&st, "teacher.width: three whole numbers wanted (filters of conv 1, conv 2, latent size)");
    return cb_stage_end(&st, run(&st));
}
