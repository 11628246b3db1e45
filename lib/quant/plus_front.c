#include "quant/plus_front.h"

#include <math.h>
#include <stdio.h>

#include "quant/plus_export.h"

static void release(void *student) { cb_plus_student_free(student); }

/* What the runs of a scan share. */
typedef struct {
    const cb_plus_student *start;
    const cb_student_set *set;
    const cb_plus_plan *plan;
    int n_beta;
    const double *beta;
} scan;

static double *take(double **column) {
    double *v = *column;
    *column = NULL;
    return v;
}

/* Takes over those arrays of a history that a run has. */
static void run_of(cb_front_run *r, cb_plus_history *h, const cb_plus_plan *p) {
    *r = (cb_front_run){.n = h->n, .beta = take(&h->beta), .loss = take(&h->loss), .val_mae = take(&h->val_mae_all),
                        .ebops = take(&h->ebops), .exact = take(&h->exact)};
    if (p->gain > 0) snprintf(r->label, sizeof r->label, "%.6g LUT", p->lut);
    else snprintf(r->label, sizeof r->label, "beta %.3g", r->beta[0]);
}

static int train_one(void *context, int k, cb_front *front, cb_front_run *run) {
    scan *c = context;
    cb_plus_plan plan = *c->plan;
    cb_plus_history history = {0};
    if (c->n_beta) {
        plan.beta = c->beta[k];
        plan.beta_least = 0;
        plan.beta_most = INFINITY;
        plan.gain = 0;
        plan.estimate = NULL;
    }
    plan.front = front;
    cb_plus_student *s = cb_plus_student_new(&c->start->d);
    if (!s) return -1;
    cb_plus_student_copy(s, c->start);
    int rc = cb_plus_fit(s, c->set, &plan, &history);
    if (!rc) run_of(run, &history, &plan);
    cb_plus_history_free(&history);
    cb_plus_student_free(s);
    return rc;
}

int cb_plus_front_train(const cb_plus_student *start, const cb_student_set *set, const cb_plus_plan *plan, int n_beta,
                        const double *beta, cb_front *front, cb_front_run *run) {
    scan c = {start, set, plan, n_beta, beta};
    int rc = cb_front_scan(n_beta ? n_beta : 1, train_one, &c, release, front, run);
    front->in_lut = plan->price != NULL;
    return rc;
}

typedef struct {
    const cb_student_set *set;
    int64_t seed;
} origin;

static int programme(const void *context, void *state, const char *name, cb_programme *p, int64_t *checked, int64_t *mismatches) {
    const origin *o = context;
    cb_plus_model m;
    if (cb_plus_model_new(&m, state)) return -1;
    int rc = cb_plus_programme(p, &m, name, o->seed) || cb_plus_check(&m, p, o->set, checked, mismatches) ? -1 : 0;
    cb_plus_model_free(&m);
    return rc;
}

int cb_plus_front_write(const cb_front *front, const cb_student_set *set, const char *name, int64_t seed, cb_h5 *f) {
    return cb_front_write(f, front, name, programme, &(origin){set, seed});
}
