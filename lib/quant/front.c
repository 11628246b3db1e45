#include "quant/front.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fmath.h"
#include "base/log.h"
#include "base/threads.h"

bool cb_front_wants(const cb_front *f, double cost, double error) {
    if (!isfinite(cost) || !isfinite(error)) return false;
    for (int k = 0; k < f->n && f->point[k].cost <= cost; k++)
        if (f->point[k].error <= error) return false;
    return true;
}

static void drop(cb_front *f, int first, int n) {
    if (!n) return;
    for (int k = first; k < first + n; k++)
        if (f->release) f->release(f->point[k].state);
    memmove(f->point + first, f->point + first + n, (size_t)(f->n - first - n) * sizeof *f->point);
    f->n -= n;
}

int cb_front_add(cb_front *f, const cb_front_point *p) {
    int at = 0, worse = 0;
    while (at < f->n && f->point[at].cost < p->cost) at++;
    while (at + worse < f->n && f->point[at + worse].error >= p->error) worse++;
    drop(f, at, worse);
    if (f->n == f->room) {
        int room = f->room ? 2 * f->room : 32;
        cb_front_point *more = cb_realloc(f->point, (size_t)room, sizeof *more);
        if (!more) {
            if (f->release) f->release(p->state);
            return -1;
        }
        f->point = more;
        f->room = room;
    }
    memmove(f->point + at + 1, f->point + at, (size_t)(f->n - at) * sizeof *f->point);
    f->point[at] = *p;
    f->n++;
    return 0;
}

int cb_front_merge(cb_front *to, cb_front *from) {
    int rc = 0;
    for (int k = 0; k < from->n; k++) {
        const cb_front_point *p = &from->point[k];
        if (!rc && cb_front_wants(to, p->cost, p->error)) rc = cb_front_add(to, p);
        else if (from->release) from->release(p->state);
    }
    from->n = 0;
    return rc;
}

void cb_front_thin(cb_front *f, int n, double worst) {
    if (!f->n) return;
    int over = 0;
    while (f->point[over].error > worst * f->point[f->n - 1].error) over++;
    drop(f, 0, over);
    while (n > 0 && f->n > n && f->n > 2) {
        int closest = 1;
        double least = INFINITY;
        for (int k = 1; k + 1 < f->n; k++) { /* a cost of 0 is left of everything */
            double before = f->point[k - 1].cost, gap = before > 0 ? cb_log(f->point[k + 1].cost / before) : INFINITY;
            if (gap < least) least = gap, closest = k;
        }
        drop(f, closest, 1);
    }
    if (n > 0 && f->n > n) drop(f, 0, f->n - n); /* n = 1: the best error */
}

void cb_front_free(cb_front *f) {
    drop(f, 0, f->n);
    free(f->point);
    *f = (cb_front){0};
}

void cb_front_run_free(cb_front_run *r) {
    free(r->beta);
    free(r->loss);
    free(r->val_mae);
    free(r->ebops);
    free(r->exact);
    *r = (cb_front_run){0};
}

/* ---- several runs side by side ---- */

typedef struct {
    cb_front_train train;
    void *context;
    cb_front *front; /* one a run */
    cb_front_run *run;
} scan;

static int train_one(void *context, int k) {
    scan *s = context;
    int rc = s->train(s->context, k, &s->front[k], &s->run[k]);
    for (int i = 0; i < s->front[k].n; i++) s->front[k].point[i].run = k;
    return rc;
}

int cb_front_scan(int n, cb_front_train train, void *context, void (*release)(void *state), cb_front *front,
                  cb_front_run *run) {
    scan s = {train, context, cb_alloc((size_t)n, sizeof *s.front), run};
    *front = (cb_front){.release = release};
    memset(run, 0, (size_t)n * sizeof *run);
    if (!s.front) return -1;
    for (int k = 0; k < n; k++) s.front[k].release = release;
    int rc = cb_threads_each(n, train_one, &s), seen = 0;
    for (int k = 0; k < n; k++) {
        seen += s.front[k].n;
        if (!rc) rc = cb_front_merge(front, &s.front[k]);
        cb_front_free(&s.front[k]);
    }
    if (!rc && n > 1) cb_info("%d checkpoints on the fronts of %d runs, %d on the front of all", seen, n, front->n);
    free(s.front);
    return rc;
}
