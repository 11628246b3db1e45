/* threads.h - OpenMP with results that do not depend on the thread count.
 *
 * Parallel loops use `#pragma omp parallel for schedule(static)` over
 * independent outputs, or over CB_SHARDS fixed shards whose partial sums are
 * combined in shard order by one thread. Never a reduction clause, never
 * dynamic scheduling over sums.
 */
#ifndef CB_BASE_THREADS_H
#define CB_BASE_THREADS_H

enum { CB_SHARDS = 8 };

/* n threads for what follows; 0 = as many as the machine has (or
 * OMP_NUM_THREADS says). */
void cb_threads_set(int n);
int cb_threads(void);

#endif
