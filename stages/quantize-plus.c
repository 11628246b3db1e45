/* quantize-plus: trains a student by our own recipe (hgq+) and writes its integer programme, or a front of them. */
#include <string.h>

#include "hw/estimate.h"
#include "quant/plus_config.h"
#include "quant/plus_export.h"
#include "quant/plus_front.h"
#include "trainer.h"

/* The trainer; freed in one place. */
static struct {
    cb_plus_student *s;
    cb_plus_history history;
    cb_plus_model model;
} w;

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

static int plan_of(const cb_trainer *t, cb_plus_plan *p) {
    const cb_config *c = t->config;
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
    return cb_plus_target_quantile(&t->set, cb_config_real(c, "plus", "tail_quantile"), &p->loss.tail_from);
}

static int train(cb_trainer *t) {
    cb_plus_plan plan;
    cb_plus_design design = cb_plus_config_design(t->config, t->set.height, t->set.width);
    cb_plus_start start = cb_plus_config_start(t->config);
    if (!(w.s = cb_plus_student_new(&design)) || cb_plus_calibrate(w.s, &t->set, &start) || plan_of(t, &plan)) return -1;
    if (!cb_trainer_wants_front(t)) return cb_plus_fit(w.s, &t->set, &plan, &w.history);
    double beta[CB_FRONT_BETAS];
    int n_beta = cb_trainer_betas(t, beta);
    return cb_plus_front_train(w.s, &t->set, &plan, n_beta, beta, &t->front, t->runs);
}

static int export(cb_trainer *t) {
    const cb_config *c = t->config;
    return cb_plus_model_new(&w.model, w.s) ||
                   cb_plus_programme(&t->p, &w.model, cb_config_text(c, "student", "name"), cb_config_int(c, "student", "seed")) ||
                   cb_plus_check(&w.model, &t->p, &t->set, &t->checked, &t->mismatches)
               ? -1 : 0;
}

static int write_state(const cb_trainer *t, cb_h5 *f) {
    (void)t;
    return cb_plus_history_write(&w.history, f) || cb_plus_student_write(w.s, f, "/float") ? -1 : 0;
}

static int write_front(const cb_trainer *t, const char *name, int64_t seed, cb_h5 *f) {
    return cb_plus_front_write(&t->front, &t->set, name, seed, f);
}

static void release(void) {
    cb_plus_model_free(&w.model);
    cb_plus_history_free(&w.history);
    cb_plus_student_free(w.s);
}

static const cb_trainer_family family = {
    .name = "plus", .sections = "student plus hgq hardware", .front_sections = "student plus hgq hardware front", .train = train,
    .export = export, .write_state = write_state, .write_front = write_front, .release = release};

/* What single keys cannot say. */
static void check_usage(const cb_stage *st) {
    const cb_config *c = st->config;
    double v[16];
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
    cb_trainer_check_betas(st);
}

static const cb_option options[] = {
    CB_TRAINER_OPTIONS,
    {0}};

int main(int argc, char **argv) {
    cb_stage st = {.name = "quantize-plus", .options = options,
                   .summary = "Trains a student by our own recipe (hgq+): several truncated views of each region, sums, small "
                              "dense layers with trained widths, within a LUT budget. Sections [student] and [plus]; [hgq] "
                              "calibrate and rate_end; [hardware] for the estimate; [front] for a front."};
    return cb_trainer_main(&st, argc, argv, &family, check_usage);
}
