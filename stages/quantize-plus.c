/* quantize-plus: trains a student by our own recipe (hgq+) and writes its integer programme, or a front of them. */
#include <stdlib.h>
#include <string.h>

#include "hw/estimate.h"
#include "quant/plus_config.h"
#include "quant/plus_export.h"
#include "quant/plus_front.h"
#include "quant/student_check.h"
#include "stage.h"

static const char *data, *targets, *out;

/* Everything the stage holds; freed in one place. */
typedef struct {
    const cb_config *c;
    cb_student_set set;
    cb_plus_student *s;
    cb_plus_history history;
    cb_plus_model model;
    cb_programme p;
    int64_t checked, mismatches;
    cb_front front;
    cb_front_run runs[CB_FRONT_BETAS];
    int n_run;
} work;

static int reals(const cb_config *c, const char *key, double *v, int max) { return cb_config_reals(c, "plus", key, v, max); }

/* LUT sites of the netlist as emit-hls would make it. */
static double netlist_luts(void *context, const cb_plus_model *m) {
    const cb_config *c = context;
    cb_hardware_rules rules = cb_hardware_rules_of(c);
    cb_programme p;
    cb_cost cost;
    if (cb_plus_programme(&p, m, "estimate", 0)) return -1;
    int rc = cb_estimate_programme(&p, &rules, &cost);
    cb_programme_free(&p);
    return rc ? -1 : (double)cost.sites;
}

static int plan_of(const work *w, cb_plus_plan *p) {
    const cb_config *c = w->c;
    bool netlist = !strcmp(cb_config_text(c, "plus", "estimate"), "netlist");
    *p = (cb_plus_plan){.epochs = (int)cb_config_int(c, "student", "epochs"), .ask = (int)cb_config_int(c, "plus", "ask"),
                        .batch = (uint32_t)cb_config_int(c, "student", "batch"),
                        .learning_rate = cb_config_real(c, "student", "learning_rate"),
                        .rate_end = cb_config_real(c, "hgq", "rate_end"), .beta = cb_config_real(c, "plus", "beta"),
                        .beta_least = 1e-7, .beta_most = 1, .gain = cb_config_real(c, "plus", "gain"),
                        .lut = cb_config_real(c, "plus", "lut"), .shrink = cb_config_real(c, "plus", "shrink"),
                        .freeze = cb_config_real(c, "plus", "freeze"),
                        .seed = (uint64_t)cb_config_int(c, "student", "seed"),
                        .estimate = netlist ? netlist_luts : NULL, .context = (void *)c};
    if (!strcmp(cb_config_text(c, "front", "cost"), "lut")) p->price = netlist_luts;
    p->loss.tail_weight = cb_config_real(c, "plus", "tail_weight");
    p->loss.spread = cb_config_real(c, "plus", "spread");
    return cb_plus_target_quantile(&w->set, cb_config_real(c, "plus", "tail_quantile"), &p->loss.tail_from);
}

static int train(work *w, const cb_stage *st) {
    cb_rows_place place;
    cb_plus_plan plan;
    if (cb_stage_place(st, out, &place) || cb_student_set_read(&w->set, data, targets, &place)) return -1;
    cb_plus_design design = cb_plus_config_design(w->c, w->set.height, w->set.width);
    cb_plus_start start = cb_plus_config_start(w->c);
    if (!(w->s = cb_plus_student_new(&design)) || cb_plus_calibrate(w->s, &w->set, &start) || plan_of(w, &plan)) return -1;
    int points = (int)cb_config_int(w->c, "front", "points");
    if (!points) return cb_plus_fit(w->s, &w->set, &plan, &w->history);
    double beta[CB_FRONT_BETAS];
    int n_beta = cb_config_reals(w->c, "front", "betas", beta, CB_FRONT_BETAS);
    w->n_run = n_beta ? n_beta : 1;
    if (cb_plus_front_train(w->s, &w->set, &plan, n_beta, beta, &w->front, w->runs)) return -1;
    cb_front_thin(&w->front, points, cb_config_real(w->c, "front", "worst"));
    return 0;
}

static int export(work *w) {
    const cb_config *c = w->c;
    if (cb_plus_model_new(&w->model, w->s) ||
        cb_plus_programme(&w->p, &w->model, cb_config_text(c, "student", "name"), cb_config_int(c, "student", "seed")) ||
        cb_plus_check(&w->model, &w->p, &w->set, &w->checked, &w->mismatches))
        return -1;
    return cb_student_verdict(&w->p, w->checked, w->mismatches);
}

static int write_student(const work *w, const char *config) {
    cb_h5 *f = cb_h5_create(out, CB_STUDENT_SCHEMA, "quantize-plus", config);
    if (!f) return -1;
    int rc = cb_h5_input(f, "dataset", data) || cb_h5_input(f, "targets", targets) ||
             cb_student_write(&w->p, w->checked, w->mismatches, f) || cb_plus_history_write(&w->history, f) ||
             cb_plus_student_write(w->s, f, "/float") || cb_h5_commit(&f);
    cb_h5_close(&f);
    return rc ? -1 : 0;
}

static int write_front(const work *w, const char *config) {
    const char *name = cb_config_text(w->c, "student", "name");
    int64_t seed = cb_config_int(w->c, "student", "seed");
    cb_h5 *f = cb_h5_create(out, CB_FRONT_SCHEMA, "quantize-plus", config);
    if (!f) return -1;
    int rc = cb_h5_input(f, "dataset", data) || cb_h5_input(f, "targets", targets) ||
             cb_front_write_runs(f, name, "plus", seed, w->n_run, w->runs) ||
             cb_plus_front_write(&w->front, &w->set, name, seed, f) || cb_h5_commit(&f);
    cb_h5_close(&f);
    return rc ? -1 : 0;
}

static int run(const cb_stage *st) {
    work w = {.c = st->config};
    bool front = cb_config_int(st->config, "front", "points") > 0;
    char *config = cb_config_canonical(st->config, front ? "student plus hgq hardware front" : "student plus hgq hardware");
    int rc = config ? train(&w, st) : -1;
    if (!rc && front) rc = write_front(&w, config);
    if (!rc && !front) rc = export(&w) || write_student(&w, config) ? -1 : 0;
    cb_front_free(&w.front);
    for (int k = 0; k < w.n_run; k++) cb_front_run_free(&w.runs[k]);
    cb_programme_free(&w.p);
    cb_plus_model_free(&w.model);
    cb_plus_history_free(&w.history);
    cb_plus_student_free(w.s);
    cb_student_set_free(&w.set);
    free(config);
    return rc;
}

/* What single keys cannot say. */
static void check_usage(const cb_stage *st) {
    const cb_config *c = st->config;
    double v[16];
    cb_stage_check_student(st, "plus");
    int n = reals(c, "views", v, 16);
    if (n < 1 || n > CB_PLUS_VIEWS || reals(c, "view_bits", v, 16) != n)
        cb_stage_usage(st, "plus.views and plus.view_bits: the same number of values wanted, 1 to %d", CB_PLUS_VIEWS);
    if (reals(c, "pool", v, 16) != 2 || v[0] != (int)v[0] || v[1] != (int)v[1])
        cb_stage_usage(st, "plus.pool = %s: height and width wanted", cb_config_text(c, "plus", "pool"));
    n = reals(c, "units", v, 16);
    int most = reals(c, "weight_most", v, 16);
    if (most < 1 || (most > 1 && most != n + 1))
        cb_stage_usage(st, "plus.weight_most: one value, or one for each of the %d layers wanted", n + 1);
    if (n < 1 || n > CB_PLUS_DENSE - 1) cb_stage_usage(st, "plus.units: 1 to %d layers wanted", CB_PLUS_DENSE - 1);
    cb_stage_check_betas(st);
}

static const cb_option options[] = {
    {"data", 'd', "FILE", "dataset written by preprocess", &data, CB_REQUIRED},
    {"targets", 't', "FILE", "targets written by distill", &targets, CB_REQUIRED},
    {"out", 'o', "FILE", "student to write", &out, CB_REQUIRED},
    {0}};

int main(int argc, char **argv) {
    cb_stage st = {.name = "quantize-plus", .options = options,
                   .summary = "Trains a student by our own recipe (hgq+): several truncated views of each region, sums, small "
                              "dense layers with trained widths, within a LUT budget. Sections [student] and [plus]; [hgq] "
                              "calibrate and rate_end; [hardware] for the estimate; [front] for a front."};
    cb_stage_begin(&st, argc, argv);
    check_usage(&st);
    return cb_stage_end(&st, run(&st));
}
