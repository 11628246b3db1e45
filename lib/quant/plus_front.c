#include "quant/plus_front.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/threads.h"
#include "quant/plus_export.h"

static void release(void *student) { cb_plus_student_free(student); }

/* What the pieces of a scan share, and what each makes. */
typedef struct {
    const cb_plus_student *start;
    const cb_student_set *set;
    const uint64_t *n_zero_bias;
    const cb_plus_plan *plan;
    int n_beta;
    const double *beta;
    cb_front *front; /* one a run */
    cb_plus_history *history;
} scan;

static int train_one(void *context, int k) {
    scan *c = context;
    cb_plus_plan plan = *c->plan;
    if (c->n_beta) {
        plan.beta = c->beta[k];
        plan.beta_least = 0;
        plan.beta_most = INFINITY;
        plan.gain = 0;
        plan.estimate = NULL;
    }
    c->front[k] = (cb_front){.release = release};
    plan.front = &c->front[k];
    cb_plus_student *s = cb_plus_student_new(&c->start->d);
    if (!s) return -1;
    cb_plus_student_copy(s, c->start);
    int rc = cb_plus_fit(s, c->set, c->n_zero_bias, &plan, &c->history[k]);
    for (int i = 0; i < c->front[k].n; i++) c->front[k].point[i].run = k;
    cb_plus_student_free(s);
    return rc;
}

static double *take(double **column) {
    double *v = *column;
    *column = NULL;
    return v;
}

/* Takes over those arrays of a history that a run has. */
static void run_of(cb_front_run *r, cb_plus_history *h, const cb_plus_plan *p, int n_beta) {
    cb_front_run_free(r);
    *r = (cb_front_run){.n = h->n, .beta = take(&h->beta), .loss = take(&h->loss), .val_mae = take(&h->val_mae_all),
                        .ebops = take(&h->ebops), .exact = take(&h->exact)};
    if (!n_beta && p->gain > 0) snprintf(r->label, sizeof r->label, "%.6g LUT", p->lut);
    else snprintf(r->label, sizeof r->label, "beta %.3g", r->beta[0]);
}

int cb_plus_front_train(const cb_plus_student *start, const cb_student_set *set, const uint64_t n_zero_bias[2],
                        const cb_plus_plan *plan, int n_beta, const double *beta, cb_front *front, cb_front_run *run) {
    int n = n_beta ? n_beta : 1, seen = 0;
    scan c = {start, set, n_zero_bias, plan, n_beta, beta, cb_alloc((size_t)n, sizeof *c.front),
              cb_alloc((size_t)n, sizeof *c.history)};
    *front = (cb_front){.release = release};
    int rc = c.front && c.history ? cb_threads_each(n, train_one, &c) : -1;
    for (int k = 0; k < n && c.front && c.history; k++) {
        seen += c.front[k].n;
        if (!rc) rc = cb_front_merge(front, &c.front[k]);
        cb_front_free(&c.front[k]);
        if (!rc) run_of(&run[k], &c.history[k], plan, n_beta);
        cb_plus_history_free(&c.history[k]);
    }
    if (!rc && n > 1) cb_info("%d checkpoints on the fronts of %d runs, %d on the front of all", seen, n, front->n);
    free(c.front);
    free(c.history);
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
