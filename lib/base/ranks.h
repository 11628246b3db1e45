/* ranks.h - several processes (MPI ranks) at one training, with the bytes of one.
 *
 * `make MPI=1` links the MPI side of ranks.c; else there is one rank and every function is empty. The
 * pieces of a batch whose sums have a declared order (the CB_SHARDS shards, nn/lanes.h) are dealt to
 * the ranks; each computes its own, all get all of them, and every rank adds them up in the declared
 * order. MPI never adds anything, so results do not depend on the number of ranks. All ranks hold the same weights and
 * take the same steps; rank 0 alone writes files and the log.
 *
 * Every rank must make the same calls in the same order, one at a time: outside parallel regions or in an
 * `omp single`. A rank that cannot go on ends all of them: cb_ranks_speaker, message, cb_ranks_end (stages/stage.c).
 */
#ifndef CB_BASE_RANKS_H
#define CB_BASE_RANKS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum { CB_RANKS_MAX = 256 };

/* Rank of this process, 0 .. cb_ranks() - 1; 0 of 1 before cb_ranks_begin. */
int cb_rank(void);
int cb_ranks(void);
/* Joins the ranks that the launcher (mpirun, srun) started. Call once, first. Fails on every rank if there are too many of
 * them or MPI cannot serve threads. */
int cb_ranks_begin(void) CB_MUST;
/* At the end of every rank's work: waits, asleep, for all others. */
void cb_ranks_leave(void);
/* Of all ranks that fail, is this the one that says why? True for exactly one of them; always for a single rank. */
bool cb_ranks_speaker(void);
/* The speaker ends all ranks with the status; another one waits for that. Nothing where there is one rank. */
void cb_ranks_end(bool speaker, int status);
/* Every rank receives the items of all: base[n items of `size` bytes], of which rank r has set
 * first[r] .. first[r+1]-1; first[cb_ranks()+1]. */
void cb_ranks_gather(void *base, size_t size, const size_t *first);
/* The same for n parts of `bytes` each that lie apart; rank r has set parts cb_deal(n, r) .. cb_deal(n, r + 1) - 1, n at most
 * CB_RANKS_MAX. */
void cb_ranks_share(void *const *part, int n, size_t bytes);
/* The bytes of rank 0 to all. */
void cb_ranks_broadcast(void *data, size_t bytes);

/* Of n items in a row, dealt evenly: the first of rank r; of this rank, and the one behind its last. */
static inline size_t cb_deal(size_t n, int r) { return n * (size_t)r / (size_t)cb_ranks(); }
static inline size_t cb_deal_first(size_t n) { return cb_deal(n, cb_rank()); }
static inline size_t cb_deal_end(size_t n) { return cb_deal(n, cb_rank() + 1); }
/* cb_ranks_gather of n items dealt evenly. */
static inline void cb_ranks_gather_even(void *base, size_t size, size_t n) {
    size_t first[CB_RANKS_MAX + 1];
    if (cb_ranks() == 1) return;
    for (int r = 0; r <= cb_ranks(); r++) first[r] = cb_deal(n, r);
    cb_ranks_gather(base, size, first);
}

#endif
