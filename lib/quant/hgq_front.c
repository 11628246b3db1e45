#include "quant/hgq_front.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/threads.h"
#include "quant/hgq_export.h"

static void release(void *student) { cb_hgq_student_free(student); }

/* What the pieces of a scan share, and what each makes. */
typedef struct {
    const cb_hgq_student *start;
    const cb_student_set *set;
    const cb_hgq_plan *plan;
    int n_beta;
    const double *beta;
    cb_front *front;          /* one a run */
    cb_hgq_history *history;
} scan;

static int train_one(void *context, int k) {
    scan *c = context;
    cb_hgq_plan plan = *c->plan;
    if (c->n_beta) {
        plan.beta = c->beta[k];
        plan.beta_end = 0;
        plan.pid = NULL;
    }
    c->front[k] = (cb_front){.release = release};
    plan.front = &c->front[k];
    cb_hgq_student *s = cb_hgq_student_new(&c->start->d, 0);
    if (!s) return -1;
    cb_hgq_student_copy(s, c->start);
    int rc = cb_hgq_fit(s, c->set, &plan, &c->history[k]);
    for (int i = 0; i < c->front[k].n; i++) c->front[k].point[i].run = k;
    cb_hgq_student_free(s);
    return rc;
}

/* Takes over the arrays of a history. */
static void run_of(cb_front_run *r, cb_hgq_history *h, const cb_hgq_plan *p, double beta) {
    cb_front_run_free(r);
    *r = (cb_front_run){.n = h->n, .beta = h->beta, .loss = h->loss, .val_mae = h->val_mae, .ebops = h->ebops, .exact = h->exact};
    if (p->pid) snprintf(r->label, sizeof r->label, "%.6g EBOPs", p->pid->target);
    else if (p->beta_end > 0 && beta < 0) snprintf(r->label, sizeof r->label, "beta %.3g to %.3g", p->beta, p->beta_end);
    else snprintf(r->label, sizeof r->label, "beta %.3g", beta < 0 ? p->beta : beta);
    *h = (cb_hgq_history){0};
}

int cb_hgq_front_train(const cb_hgq_student *start, const cb_student_set *set, const cb_hgq_plan *plan, int n_beta,
                       const double *beta, cb_front *front, cb_front_run *run) {
    int n = n_beta ? n_beta : 1;
    scan c = {start, set, plan, n_beta, beta, cb_alloc((size_t)n, sizeof *c.front), cb_alloc((size_t)n, sizeof *c.history)};
    *front = (cb_front){.release = release};
    int rc = c.front && c.history ? cb_threads_each(n, train_one, &c) : -1;
    int seen = 0;
    for (int k = 0; k < n && c.front && c.history; k++) {
        seen += c.front[k].n;
        if (!rc) rc = cb_front_merge(front, &c.front[k]);
        cb_front_free(&c.front[k]);
        if (!rc) run_of(&run[k], &c.history[k], plan, n_beta ? beta[k] : -1);
        cb_hgq_history_free(&c.history[k]);
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
    cb_hgq_model m;
    if (cb_hgq_model_new(&m, state)) return -1;
    int rc = cb_hgq_programme(p, &m, name, o->seed) || cb_hgq_check(&m, p, o->set, checked, mismatches) ? -1 : 0;
    cb_hgq_model_free(&m);
    return rc;
}

int cb_hgq_front_write(const cb_front *front, const cb_student_set *set, const char *name, int64_t seed, cb_h5 *f) {
    return cb_front_write(f, front, name, programme, &(origin){set, seed});
}
