/* threads.h - OpenMP with results that do not depend on the thread count.
 *
 * Parallel loops use `#pragma omp parallel for schedule(static)` over
 * independent outputs, or over CB_SHARDS fixed shards whose partial sums are
 * combined in shard order by one thread. Never a reduction clause, never
 * dynamic scheduling over sums.
 */
#ifndef CB_BASE_THREADS_H
#define CB_BASE_THREADS_H

#include "base/error.h"

enum { CB_SHARDS = 8 };

/* n threads for what follows; 0 = as many as the machine has (or
 * OMP_NUM_THREADS says). */
void cb_threads_set(int n);
int cb_threads(void);

/* work(context, k) for k = 0 .. n-1 side by side, each piece on one thread: several students
 * (seeds, betas) at once, which scales better than one training over all threads. A piece must
 * depend on nothing but k and what is constant, so the results do not depend on who ran it
 * when. Parallel loops inside a piece run on its own thread; no HDF5 inside (that library is not
 * safe for threads). A single piece (n = 1) has all threads; where
 * several ranks work on each piece (base/ranks.h) they come one after another. 0, or -1 with the error of the first
 * piece (smallest k) that failed. */
int cb_threads_each(int n, int (*work)(void *context, int k), void *context) CB_MUST;

#endif
