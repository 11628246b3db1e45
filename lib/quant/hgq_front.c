#include "quant/hgq_front.h"

#include <stdio.h>

#include "base/rng.h"
#include "quant/hgq_export.h"

static void release(void *student) { cb_hgq_student_free(student); }

/* What the runs of a scan share. */
typedef struct {
    const cb_hgq_start *start;
    const cb_student_set *set;
    const cb_hgq_plan *plan;
    int n_start, n_beta;
    const double *beta;
} scan;

/* Takes over the arrays of a history. start: its number, 0 where there is only one. */
static void run_of(cb_front_run *r, cb_hgq_history *h, const cb_hgq_plan *p, int start) {
    char of_start[24] = "";
    if (start) snprintf(of_start, sizeof of_start, ", start %d", start);
    *r = (cb_front_run){.n = h->n, .beta = h->beta, .loss = h->loss, .val_mae = h->val_mae, .ebops = h->ebops, .exact = h->exact};
    if (p->pid) snprintf(r->label, sizeof r->label, "%.6g EBOPs%s", p->pid->target, of_start);
    else if (p->beta_end > 0) snprintf(r->label, sizeof r->label, "beta %.3g to %.3g%s", p->beta, p->beta_end, of_start);
    else snprintf(r->label, sizeof r->label, "beta %.3g%s", p->beta, of_start);
    *h = (cb_hgq_history){0};
}

uint64_t cb_hgq_start_seed(uint64_t seed, int start) {
    cb_rng r = cb_rng_at(seed, "hgq-starts", (uint64_t)start);
    return start ? cb_rng_u64(&r) : seed;
}

static int train_one(void *context, int k, cb_front *front, cb_front_run *run) {
    scan *c = context;
    const cb_hgq_start *start = &c->start[k % c->n_start];
    cb_hgq_plan plan = *c->plan;
    cb_hgq_history history = {0};
    plan.seed = start->seed;
    if (c->n_beta) {
        plan.beta = c->beta[k / c->n_start];
        plan.beta_end = 0;
        plan.pid = NULL;
    }
    plan.front = front;
    cb_hgq_student *s = cb_hgq_student_new(&start->student->d, 0);
    if (!s) return -1;
    cb_hgq_student_copy(s, start->student);
    int rc = cb_hgq_fit(s, c->set, &plan, &history);
    if (!rc) run_of(run, &history, &plan, c->n_start > 1 ? k % c->n_start + 1 : 0);
    cb_hgq_history_free(&history);
    cb_hgq_student_free(s);
    return rc;
}

int cb_hgq_front_train(const cb_hgq_start *start, int n_start, const cb_student_set *set, const cb_hgq_plan *plan, int n_beta,
                       const double *beta, cb_front *front, cb_front_run *run) {
    scan c = {start, set, plan, n_start, n_beta, beta};
    return cb_front_scan(n_start * (n_beta ? n_beta : 1), train_one, &c, release, front, run);
}

typedef struct {
    const cb_student_set *set;
    int64_t seed;
} origin;

static int programme(const void *context, void *state, const char *name, cb_programme *p, int64_t *checked, int64_t *mismatches) {
    const origin *o = context;
    cb_hgq_model m;
    if (cb_hgq_model_new(&m, state)) return -1;
    int rc = cb_hgq_programme(p, &m, name, o->seed) || cb_hgq_check(&m, p, o->set, checked, mismatches) ? -1 : 0;
    cb_hgq_model_free(&m);
    return rc;
}

int cb_hgq_front_write(const cb_front *front, const cb_student_set *set, const char *name, int64_t seed, cb_h5 *f) {
    return cb_front_write(f, front, name, programme, &(origin){set, seed});
}
