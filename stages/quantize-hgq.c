/* quantize-hgq: trains a student with HGQ's trainable widths and writes its integer programme, or a front of them. */
#include <string.h>

#include "quant/hgq_calibrate.h"
#include "quant/hgq_export.h"
#include "quant/hgq_fit.h"
#include "quant/hgq_front.h"
#include "trainer.h"

/* The trainer; freed in one place. */
static struct {
    cb_hgq_student *s;                    /* the student, or where the first training of a front starts */
    cb_hgq_student *more[CB_FRONT_BETAS]; /* [n_more] its other starts */
    int n_more;
    cb_hgq_history history;
    cb_hgq_model model;
    cb_beta_pid_rule pid;
} w;

static cb_hgq_design design_of(const cb_config *c, const cb_student_set *set) {
    bool v2 = !strcmp(cb_config_text(c, "student", "architecture"), "v2");
    int hidden = (int)cb_config_int(c, "student", "hidden");
    cb_hgq_flavour bits = strcmp(cb_config_text(c, "hgq", "bits"), "2025") ? CB_HGQ_HEAD : CB_HGQ_2025;
    cb_hgq_flavour bias = strcmp(cb_config_text(c, "hgq", "bias_bits"), "2025") ? CB_HGQ_HEAD : CB_HGQ_2025;
    cb_hgq_design design = v2 ? cb_hgq_design_v2(set->height, set->width, (int)cb_config_int(c, "student", "kernel"),
                                                 (int)cb_config_int(c, "student", "filters"), hidden, bits, bias)
                              : cb_hgq_design_v1(set->height, set->width, hidden, bits, bias);
    cb_hgq_place *place[] = {&design.iq[0], &design.iq[1], &design.iq[2], &design.kq[0],
                             &design.kq[1], &design.kq[2], &design.bq};
    float factor = (float)cb_config_real(c, "hgq", "regularizer");
    for (int k = 0; k < 7; k++) {
        place[k]->rules.l1_w = factor;
        if (place[k]->rules.kind == CB_KIF) place[k]->rules.l1_i = factor;
        else place[k]->rules.i_min = (float)cb_config_real(c, "hgq", "weight_range_min");
    }
    design.saturate = !strcmp(cb_config_text(c, "hgq", "range"), "tracked");
    for (int l = 0; design.saturate && l < CB_HGQ_LAYERS; l++) design.iq[l].rules.overflow = CB_WRAP;
    const char *fold = cb_config_text(c, "hgq", "fold");
    design.fold = !strcmp(fold, "exact") ? CB_HGQ_FOLD_EXACT : !strcmp(fold, "centred") ? CB_HGQ_FOLD_CENTRED : CB_HGQ_FOLD_UPSTREAM;
    return design;
}

static const cb_beta_pid_rule *pid_of(const cb_config *c, cb_beta_pid_rule *r) {
    double k[3] = {0};
    cb_config_reals(c, "hgq", "pid", k, 3);
    *r = (cb_beta_pid_rule){.target = cb_config_real(c, "hgq", "target_ebops"),
                            .p = k[0], .i = k[1], .d = k[2],
                            .linear = cb_config_bool(c, "hgq", "pid_linear"),
                            .warmup = (int)cb_config_int(c, "hgq", "pid_warmup"),
                            .min = cb_config_real(c, "hgq", "beta_min"),
                            .max = cb_config_real(c, "hgq", "beta_max"),
                            .damp = cb_config_real(c, "hgq", "pid_damp")};
    return r->target > 0 ? r : NULL;
}

static cb_hgq_plan plan_of(const cb_config *c, cb_beta_pid_rule *pid) {
    return (cb_hgq_plan){.epochs = (int)cb_config_int(c, "student", "epochs"),
                         .batch = (uint32_t)cb_config_int(c, "student", "batch"),
                         .learning_rate = cb_config_real(c, "student", "learning_rate"),
                         .rate_end = cb_config_real(c, "hgq", "rate_end"),
                         .beta = cb_config_real(c, "hgq", "beta"),
                         .beta_end = cb_config_real(c, "hgq", "beta_end"),
                         .ramp_start = cb_config_real(c, "hgq", "ramp_start"),
                         .ramp_stop = cb_config_real(c, "hgq", "ramp_stop"),
                         .seed = (uint64_t)cb_config_int(c, "student", "seed"),
                         .trace = (uint32_t)cb_config_int(c, "hgq", "calibrate"),
                         .no_dropout = !cb_config_bool(c, "hgq", "dropout"),
                         .average = cb_config_real(c, "hgq", "average"),
                         .recentre = (uint32_t)cb_config_int(c, "hgq", "recentre"),
                         .cycle = (int)cb_config_int(c, "hgq", "cycle"),
                         .pid = pid_of(c, pid),
                         .profile = cb_trainer_file.profile != NULL};
}

/* The untrained student of a seed, its widths set; or NULL. */
static cb_hgq_student *student_of(const cb_trainer *t, uint64_t seed) {
    const cb_config *c = t->config;
    cb_hgq_design design = design_of(c, &t->set);
    cb_hgq_student *s = cb_hgq_student_new(&design, seed);
    if (s && !strcmp(cb_config_text(c, "hgq", "bits"), "data") &&
        cb_hgq_calibrate(s, &t->set, (uint32_t)cb_config_int(c, "hgq", "calibrate"), (int)cb_config_int(c, "hgq", "start_bits"),
                         seed)) {
        cb_hgq_student_free(s);
        return NULL;
    }
    return s;
}

static int train_front(cb_trainer *t, const cb_hgq_plan *plan) {
    cb_hgq_start start[CB_FRONT_BETAS] = {{w.s, plan->seed}};
    double beta[CB_FRONT_BETAS];
    int n_beta = cb_trainer_betas(t, beta), n_start = (int)cb_config_int(t->config, "front", "starts");
    for (int k = 1; k < n_start; k++) {
        uint64_t seed = cb_hgq_start_seed(plan->seed, k);
        if (!(w.more[w.n_more] = student_of(t, seed))) return -1;
        start[k] = (cb_hgq_start){w.more[w.n_more++], seed};
    }
    return cb_hgq_front_train(start, n_start, &t->set, plan, n_beta, beta, &t->front, t->runs);
}

static int train(cb_trainer *t) {
    cb_hgq_plan plan = plan_of(t->config, &w.pid);
    if (!(w.s = student_of(t, plan.seed))) return -1;
    return cb_trainer_wants_front(t) ? train_front(t, &plan) : cb_hgq_fit(w.s, &t->set, &plan, &w.history);
}

static int export(cb_trainer *t) {
    const cb_config *c = t->config;
    return cb_hgq_model_new(&w.model, w.s) ||
                   cb_hgq_programme(&t->p, &w.model, cb_config_text(c, "student", "name"), cb_config_int(c, "student", "seed")) ||
                   cb_hgq_check(&w.model, &t->p, &t->set, &t->checked, &t->mismatches)
               ? -1 : 0;
}

static int write_state(const cb_trainer *t, cb_h5 *f) {
    (void)t;
    return cb_hgq_history_write(&w.history, f) || cb_hgq_student_write(w.s, f, "/float") ? -1 : 0;
}

static int write_front(const cb_trainer *t, const char *name, int64_t seed, cb_h5 *f) {
    return cb_hgq_front_write(&t->front, &t->set, name, seed, f);
}

static void release(void) {
    cb_hgq_model_free(&w.model);
    cb_hgq_history_free(&w.history);
    cb_hgq_student_free(w.s);
    for (int k = 0; k < w.n_more; k++) cb_hgq_student_free(w.more[k]);
}

static const cb_trainer_family family = {
    .name = "hgq", .sections = "student hgq", .front_sections = "student hgq front", .train = train,
    .export = export, .write_state = write_state, .write_front = write_front, .release = release};

/* What single keys cannot say. */
static void check_usage(const cb_stage *st) {
    const cb_config *c = st->config;
    double beta = cb_config_real(c, "hgq", "beta"), end = cb_config_real(c, "hgq", "beta_end");
    if (end > 0 && beta <= 0) cb_stage_usage(st, "hgq.beta_end = %g: a ramp needs hgq.beta > 0", end);
    if (end > 0 && cb_config_real(c, "hgq", "ramp_stop") < cb_config_real(c, "hgq", "ramp_start"))
        cb_stage_usage(st, "hgq.ramp_stop lies before hgq.ramp_start");
    if (cb_config_int(c, "hgq", "recentre") && strcmp(cb_config_text(c, "hgq", "fold"), "centred"))
        cb_stage_usage(st, "hgq.recentre: only hgq.fold = centred has means to set");
    double pid[4];
    int n = cb_config_reals(c, "hgq", "pid", pid, 4);
    if (cb_config_real(c, "hgq", "target_ebops") > 0 && (n != 3 || pid[1] <= 0 || beta <= 0))
        cb_stage_usage(st, "hgq.target_ebops: hgq.pid must be three numbers, the second above 0, and hgq.beta above 0");
    cb_trainer_check_betas(st);
}

static const cb_option options[] = {
    CB_TRAINER_OPTIONS,
    CB_TRAINER_PROFILE,
    {0}};

int main(int argc, char **argv) {
    cb_stage st = {.name = "quantize-hgq", .options = options, .ranks = true,
                   .summary = "Trains a student (CICADA v1 or v2) whose bit widths are trained with its weights (HGQ) "
                              "and writes it as an integer programme. Sections [student] and [hgq]."};
    return cb_trainer_main(&st, argc, argv, &family, check_usage);
}
