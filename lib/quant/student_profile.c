#include "quant/student_profile.h"

#include <time.h>

#include "base/log.h"

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double cb_step_start(const cb_student_profile *p) { return p ? now() : 0; }

void cb_step_stop(cb_student_profile *p, int shard, cb_step what, double *lap) {
    if (!p) return;
    double t = now();
    p->seconds[shard][what] += t - *lap;
    *lap = t;
}

void cb_student_profile_begin(cb_student_profile *p) {
    if (p) p->began = now();
}

void cb_student_profile_end(cb_student_profile *p) {
    if (p) p->all += (now() - p->began) * cb_threads();
}

void cb_student_profile_log(const cb_student_profile *p) {
    static const char *const name[CB_STEPS] = {"images",        "dropout",       "first layer",          "dense",
                                               "hidden and loss", "dense backward", "first layer backward", "dense weights"};
    double rest = p->all, share = p->all > 0 ? 100 / p->all : 0;
    for (int k = 0; k < CB_STEPS; k++) {
        double sum = 0;
        for (int s = 0; s < CB_SHARDS; s++) sum += p->seconds[s][k];
        cb_info("profile: %-22s %8.3f s %5.1f %%", name[k], sum, share * sum);
        rest -= sum;
    }
    cb_info("profile: %-22s %8.3f s %5.1f %%", "between and waiting", rest, share * rest);
}
