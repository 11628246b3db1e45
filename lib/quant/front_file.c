/* Front files: schema in front.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "quant/ebops.h"
#include "quant/front.h"
#include "quant/student_check.h"

/* ---- writing ---- */

static int write_run(cb_h5 *f, int k, const cb_front_run *r) {
    char group[32], name[64];
    uint64_t n = (uint64_t)r->n;
    int32_t *epoch = cb_alloc((size_t)r->n + 1, sizeof *epoch);
    if (!epoch) return -1;
    for (int e = 0; e < r->n; e++) epoch[e] = e + 1;
    snprintf(group, sizeof group, "/run%d", k);
    snprintf(name, sizeof name, "%s/epoch", group);
    int rc = cb_h5_group(f, group) || cb_h5_set_text(f, group, "label", r->label) ||
             cb_h5_write(f, name, CB_I32, 1, &n, epoch);
    const struct { const char *name; const double *v; } column[] = {
        {"beta", r->beta}, {"loss", r->loss}, {"val_mae", r->val_mae}, {"ebops", r->ebops}, {"ebops_exact", r->exact}};
    for (int c = 0; c < 5 && !rc; c++) {
        snprintf(name, sizeof name, "%s/%s", group, column[c].name);
        if (column[c].v) rc = cb_h5_write(f, name, CB_F64, 1, &n, column[c].v);
    }
    free(epoch);
    return rc ? -1 : 0;
}

int cb_front_write_runs(cb_h5 *f, const char *name, const char *family, int64_t seed, int n_run, const cb_front_run *run) {
    int rc = cb_h5_set_text(f, "/", "name", name) || cb_h5_set_text(f, "/", "family", family) ||
             cb_h5_set_i64(f, "/", "seed", seed) || cb_h5_set_i64(f, "/", "n_runs", n_run);
    for (int k = 0; k < n_run && !rc; k++) rc = write_run(f, k, &run[k]);
    return rc ? -1 : 0;
}

static int write_points(cb_h5 *f, const cb_front *front) {
    uint64_t n = (uint64_t)front->n;
    int32_t *run = cb_alloc(n + 1, sizeof *run), *epoch = cb_alloc(n + 1, sizeof *epoch);
    double *error = cb_alloc(n + 1, sizeof *error);
    int rc = run && epoch && error ? 0 : -1;
    for (int k = 0; k < front->n && !rc; k++) {
        run[k] = front->point[k].run;
        epoch[k] = front->point[k].epoch + 1;
        error[k] = front->point[k].error;
    }
    if (!rc)
        rc = cb_h5_set_i64(f, "/", "n_points", front->n) || cb_h5_group(f, "/points") ||
             cb_h5_write(f, "/points/run", CB_I32, 1, &n, run) || cb_h5_write(f, "/points/epoch", CB_I32, 1, &n, epoch) ||
             cb_h5_write(f, "/points/val_mae", CB_F64, 1, &n, error);
    free(run);
    free(epoch);
    free(error);
    return rc ? -1 : 0;
}

static int write_student(cb_h5 *f, int k, cb_programme *p, int64_t checked, int64_t mismatches) {
    char group[16], suffix[16];
    if (mismatches)
        return cb_fail("front '%s': point %d: the integer programme differs from the trained student on %lld of %lld events",
                       p->name, k, (long long)mismatches, (long long)checked);
    snprintf(suffix, sizeof suffix, ".p%03d", k);
    if (strlen(p->name) + strlen(suffix) >= sizeof p->name)
        return cb_fail("front '%s': the name leaves no room for the suffix %s (%zu characters)", p->name, suffix,
                       sizeof p->name - 1);
    strcat(p->name, suffix);
    snprintf(group, sizeof group, "/p%03d", k);
    return cb_h5_group(f, group) || cb_student_write_at(p, checked, mismatches, f, group) ? -1 : 0;
}

int cb_front_write(cb_h5 *f, const cb_front *front, const char *name, cb_front_programme programme, const void *context) {
    int rc = write_points(f, front);
    for (int k = 0; k < front->n && !rc; k++) {
        cb_programme p = {0};
        int64_t checked = 0, mismatches = 0;
        rc = programme(context, front->point[k].state, name, &p, &checked, &mismatches);
        if (!rc) rc = write_student(f, k, &p, checked, mismatches);
        cb_programme_free(&p);
        cb_progress("checks", k + 1, front->n, NULL);
    }
    cb_progress_end();
    if (!rc)
        cb_info("%s: %d points, %.0f to %.0f %s, validation MAE %.4f to %.4f; programmes equal trainers", name, front->n,
                front->point[0].cost, front->point[front->n - 1].cost, front->in_lut ? "LUT (estimate)" : "exact EBOPs",
                front->point[front->n - 1].error, front->point[0].error);
    return rc;
}

/* ---- reading ---- */

static int read_text(cb_h5 *f, const char *object, const char *name, char *to, size_t room) {
    char *text = cb_h5_get_text(f, object, name);
    if (!text) return -1;
    int rc = strlen(text) < room ? 0 : cb_fail("%s: %s: attribute %s is longer than %zu characters", cb_h5_path(f), object,
                                               name, room - 1);
    if (!rc) strcpy(to, text);
    free(text);
    return rc;
}

static int read_count(cb_h5 *f, const char *name, int least, int *n) {
    int64_t v;
    if (cb_h5_get_i64(f, "/", name, &v)) return -1;
    if (v < least || v > CB_FRONT_MAX)
        return cb_fail("%s: attribute %s is %lld, %d to %d expected", cb_h5_path(f), name, (long long)v, least, CB_FRONT_MAX);
    *n = (int)v;
    return 0;
}

static int read_run(cb_h5 *f, int k, cb_front_run *r) {
    char group[32], name[64];
    uint64_t n = 0;
    snprintf(group, sizeof group, "/run%d", k);
    if (read_text(f, group, "label", r->label, sizeof r->label)) return -1;
    const struct { const char *name; double **v; bool optional; } column[] = {
        {"loss", &r->loss, false}, {"val_mae", &r->val_mae, false}, {"ebops", &r->ebops, false},
        {"ebops_exact", &r->exact, true}, {"beta", &r->beta, true}};
    for (int c = 0; c < 5; c++) {
        snprintf(name, sizeof name, "%s/%s", group, column[c].name);
        if (column[c].optional && !cb_h5_exists(f, name)) continue;
        if (!(*column[c].v = cb_h5_read(f, name, CB_F64, 1, &n))) return -1;
    }
    r->n = (int)n;
    return 0;
}

static int read_points(cb_front_file *t, cb_h5 *f) {
    uint64_t n = (uint64_t)t->n_point;
    t->run = cb_h5_read(f, "/points/run", CB_I32, 1, &n);
    t->epoch = t->run ? cb_h5_read(f, "/points/epoch", CB_I32, 1, &n) : NULL;
    t->val_mae = t->epoch ? cb_h5_read(f, "/points/val_mae", CB_F64, 1, &n) : NULL;
    if (!t->val_mae) return -1;
    for (int k = 0; k < t->n_point; k++) {
        if (t->run[k] < 0 || t->run[k] >= t->n_run)
            return cb_fail("%s: dataset points/run: row %d is %d, 0 to %d expected", cb_h5_path(f), k, t->run[k], t->n_run - 1);
        if (t->epoch[k] < 1 || t->epoch[k] > t->history[t->run[k]].n)
            return cb_fail("%s: dataset points/epoch: row %d is %d, 1 to %d expected", cb_h5_path(f), k, t->epoch[k],
                           t->history[t->run[k]].n);
    }
    return 0;
}

static int read_student(cb_front_file *t, cb_h5 *f, int k) {
    char group[16];
    snprintf(group, sizeof group, "/p%03d", k);
    return cb_programme_read_at(&t->programme[k], f, group) || cb_h5_get_f64(f, group, "ebops_exact", &t->exact[k]) ||
                   cb_h5_get_i64(f, group, "checked", &t->checked[k]) ||
                   cb_h5_get_i64(f, group, "mismatches", &t->mismatches[k])
               ? -1
               : 0;
}

static int read_all(cb_front_file *t, cb_h5 *f) {
    int points = 0, runs = 0;
    if (read_text(f, "/", "name", t->name, sizeof t->name) || read_text(f, "/", "family", t->family, sizeof t->family) ||
        cb_h5_get_i64(f, "/", "seed", &t->seed) || read_count(f, "n_points", 1, &points) || read_count(f, "n_runs", 1, &runs))
        return -1;
    t->programme = cb_alloc((size_t)points, sizeof *t->programme);
    t->history = cb_alloc((size_t)runs, sizeof *t->history);
    t->exact = cb_alloc((size_t)points, sizeof *t->exact);
    t->checked = cb_alloc((size_t)points, sizeof *t->checked);
    t->mismatches = cb_alloc((size_t)points, sizeof *t->mismatches);
    if (!t->programme || !t->history || !t->exact || !t->checked || !t->mismatches) return -1;
    t->n_point = points;
    t->n_run = runs;
    for (int k = 0; k < runs; k++)
        if (read_run(f, k, &t->history[k])) return -1;
    if (read_points(t, f)) return -1;
    for (int k = 0; k < points; k++)
        if (read_student(t, f, k)) return -1;
    return 0;
}

int cb_front_read(cb_front_file *t, const char *path) {
    *t = (cb_front_file){0};
    cb_h5 *f = cb_h5_open(path, CB_FRONT_SCHEMA);
    int rc = f ? read_all(t, f) : -1;
    cb_h5_close(&f);
    if (rc) cb_front_file_free(t);
    return rc;
}

void cb_front_file_free(cb_front_file *t) {
    for (int k = 0; k < t->n_point; k++) cb_programme_free(&t->programme[k]);
    for (int k = 0; k < t->n_run; k++) cb_front_run_free(&t->history[k]);
    free(t->programme);
    free(t->history);
    free(t->run);
    free(t->epoch);
    free(t->val_mae);
    free(t->exact);
    free(t->checked);
    free(t->mismatches);
    *t = (cb_front_file){0};
}
