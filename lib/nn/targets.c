#include "nn/targets.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/fmath.h"

uint16_t cb_target_code(float mse) {
    float code = rintf(8192.0f * cb_logf(mse)); /* 32*256: exact, so only ln rounds */
    return code >= CB_TARGET_MAX ? CB_TARGET_MAX : code > 0 ? (uint16_t)code : 0;
}

static int read_outlier_images(cb_targets *t, cb_h5 *f, const cb_dataset *d) {
    uint64_t most = cb_dataset_portion(d), cells = (uint64_t)t->height * (uint64_t)t->width, dims[CB_MAX_RANK];
    int rank;
    if (cb_h5_shape(f, "outlier_et", &rank, dims)) return -1;
    if (rank != 3 || dims[0] != t->n_outlier || dims[1] != (uint64_t)t->height || dims[2] != (uint64_t)t->width)
        return cb_fail("%s: dataset outlier_et: (%" PRIu64 ",%d,%d) wanted", cb_h5_path(f), t->n_outlier, t->height, t->width);
    uint16_t *et = cb_alloc(most * cells, sizeof *et);
    t->outliers = cb_rows_new(cells, &d->place);
    int rc = et && t->outliers ? 0 : -1;
    for (uint64_t at = 0, n; at < t->n_outlier && !rc; at += n) {
        n = t->n_outlier - at < most ? t->n_outlier - at : most;
        rc = cb_h5_read_rows(f, "outlier_et", CB_U16, at, n, et) || cb_rows_append(t->outliers, et, n) ? -1 : 0;
    }
    free(et);
    return rc;
}

static int read_outliers(cb_targets *t, cb_h5 *f, const cb_dataset *d) {
    int64_t m;
    if (cb_h5_get_i64(f, "/", "n_outlier", &m)) return -1;
    t->n_outlier = (uint64_t)m;
    if (!m) return 0;
    uint64_t rows[1] = {t->n_outlier};
    if (read_outlier_images(t, f, d)) return -1;
    t->outlier_target = cb_h5_read(f, "outlier_target", CB_U16, 1, rows);
    t->outlier_split = cb_h5_read(f, "outlier_split", CB_U8, 1, rows);
    if (!t->outlier_target || !t->outlier_split) return -1;
    for (uint64_t i = 0; i < t->n_outlier; i++)
        if (t->outlier_split[i] > CB_VAL)
            return cb_fail("%s: dataset outlier_split: index %" PRIu64 " is %d; 0 (train) or 1 (val) wanted",
                           cb_h5_path(f), i, t->outlier_split[i]);
    return 0;
}

int cb_targets_read(cb_targets *t, const char *path, const cb_dataset *d) {
    *t = (cb_targets){.n = d->n, .height = d->height, .width = d->width};
    cb_h5 *f = cb_h5_open(path, CB_TARGETS_SCHEMA);
    if (!f) return -1;
    uint64_t rows[1] = {0};
    int rc = -1;
    t->mse = cb_h5_read(f, "mse", CB_F32, 1, rows);
    if (!t->mse) goto out;
    if (rows[0] != d->n) {
        cb_fail("%s: dataset mse: %" PRIu64 " events, the dataset has %" PRIu64
                "; run distill again on this dataset", path, rows[0], d->n);
        goto out;
    }
    t->target = cb_h5_read(f, "target", CB_U16, 1, rows);
    if (!t->target || read_outliers(t, f, d)) goto out;
    if (cb_h5_exists(f, "float/score") && !(t->float_score = cb_h5_read(f, "float/score", CB_F32, 1, rows))) goto out;
    rc = 0;
out:
    cb_h5_close(&f);
    if (rc) cb_targets_free(t);
    return rc;
}

static int write_outlier_images(const cb_targets *t, cb_h5 *f) {
    enum { PORTION = 1024 };
    uint64_t image[3] = {t->n_outlier, (uint64_t)t->height, (uint64_t)t->width};
    uint16_t *et = cb_alloc(PORTION * image[1] * image[2], sizeof *et);
    int rc = et ? cb_h5_new(f, "outlier_et", CB_U16, 3, image) : -1;
    for (uint64_t at = 0, n; at < t->n_outlier && !rc; at += n) {
        n = t->n_outlier - at < PORTION ? t->n_outlier - at : PORTION;
        rc = cb_rows_copy(t->outliers, NULL, at, n, et) || cb_h5_write_rows(f, "outlier_et", CB_U16, at, n, et) ? -1 : 0;
    }
    free(et);
    return rc;
}

int cb_targets_write(const cb_targets *t, const char *outlier_mode, cb_h5 *f) {
    uint64_t rows[1] = {t->n}, m[1] = {t->n_outlier};
    if (cb_h5_set_text(f, "/", "outlier", outlier_mode) || cb_h5_set_i64(f, "/", "n_outlier", (int64_t)t->n_outlier) ||
        cb_h5_write(f, "mse", CB_F32, 1, rows, t->mse) || cb_h5_write(f, "target", CB_U16, 1, rows, t->target))
        return -1;
    if (!t->n_outlier) return 0;
    return write_outlier_images(t, f) ||
                   cb_h5_write(f, "outlier_target", CB_U16, 1, m, t->outlier_target) ||
                   cb_h5_write(f, "outlier_split", CB_U8, 1, m, t->outlier_split)
               ? -1
               : 0;
}

void cb_targets_free(cb_targets *t) {
    free(t->mse);
    free(t->target);
    cb_rows_free(t->outliers);
    free(t->outlier_target);
    free(t->outlier_split);
    free(t->float_score);
    *t = (cb_targets){0};
}
