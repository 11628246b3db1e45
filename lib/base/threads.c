#include "base/threads.h"

#include <omp.h>
#include <stdio.h>

#include "base/ranks.h"

void cb_threads_set(int n) { omp_set_num_threads(n > 0 ? n : omp_get_max_threads()); }
int cb_threads(void) { return omp_get_max_threads(); }

int cb_threads_each(int n, int (*work)(void *context, int k), void *context) {
    char why[2048] = "";
    int failed = n;
    if (n == 1) return work(context, 0);
    if (cb_ranks() > 1) { /* the ranks exchange shards inside a piece, all in the same order */
        for (int k = 0; k < n; k++)
            if (work(context, k)) return -1;
        return 0;
    }
#pragma omp parallel for schedule(dynamic, 1)
    for (int k = 0; k < n; k++) {
        int mine;
        omp_set_num_threads(1); /* of this piece only; the caller's number stays */
#pragma omp critical(cb_threads_each)
        mine = k < failed;
        if (!mine || !work(context, k)) continue;
#pragma omp critical(cb_threads_each)
        if (k < failed) {
            failed = k;
            snprintf(why, sizeof why, "%s", cb_error()); /* of this thread */
        }
    }
    return failed == n ? 0 : cb_fail("%s", why);
}
