#include "nn/profile.h"

#include <stdlib.h>
#include <time.h>

cb_profile *cb_profile_new(int n_layer) {
    cb_profile *p = cb_alloc(1, sizeof *p);
    if (!p) return NULL;
    p->n_layer = n_layer;
    p->seconds = cb_alloc((size_t)n_layer + CB_PROFILE_OTHER, sizeof *p->seconds);
    if (p->seconds) return p;
    free(p);
    return NULL;
}

void cb_profile_free(cb_profile *p) {
    if (p) free(p->seconds);
    free(p);
}

static double thread_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double cb_profile_start(const cb_profile *p) { return p ? thread_seconds() : 0; }

void cb_profile_stop(cb_profile *p, int row, cb_pass pass, double start) {
    if (p) p->seconds[row][pass] += thread_seconds() - start;
}

void cb_profile_stop_other(cb_profile *p, int other, double start) {
    if (p) cb_profile_stop(p, p->n_layer + other, CB_PASS_FORWARD, start);
}

void cb_profile_add(cb_profile *to, const cb_profile *from) {
    for (int i = 0; to && from && i < to->n_layer + CB_PROFILE_OTHER; i++)
        for (int k = 0; k < CB_PASSES; k++) to->seconds[i][k] += from->seconds[i][k];
}

double cb_profile_total(const cb_profile *p) {
    double sum = 0;
    for (int i = 0; p && i < p->n_layer + CB_PROFILE_OTHER; i++)
        for (int k = 0; k < CB_PASSES; k++) sum += p->seconds[i][k];
    return sum;
}
