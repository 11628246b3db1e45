/* ranks.h - several processes (MPI ranks) at one training, with the bytes of one.
 *
 * `make MPI=1` builds with it; without, there is one rank and every function here is empty. The
 * pieces of a batch whose sums have a declared order (the CB_SHARDS shards, nn/lanes.h) are dealt to
 * the ranks; each computes its own, all get all of them, and every rank adds them up in the declared
 * order. MPI never adds anything, so results do not depend on the number of ranks. All ranks hold the same weights and
 * take the same steps; rank 0 alone writes files and the log.
 *
 * Every rank must make the same calls in the same order, from its main thread, outside parallel
 * regions. A rank that fails says so, and all end with its status: cb_ranks_end, or cb_ranks_stop
 * where there is no way back.
 */
#ifndef CB_BASE_RANKS_H
#define CB_BASE_RANKS_H

#include <stddef.h>

enum { CB_RANKS_MAX = 256 };

#ifdef CB_MPI

/* Rank of this process, 0 .. cb_ranks() - 1. 0 of 1 before cb_ranks_begin. */
int cb_rank(void);
int cb_ranks(void);
/* Joins the others if a launcher (mpirun, srun) started this process. Call once, first. */
void cb_ranks_begin(void);
/* Ends this process' part. Status 0: waits, asleep, until all ranks came here. Another: prints `message` (one
 * rank alone, however many fail) and ends all ranks with the status; does not return. */
void cb_ranks_end(int status, const char *message);
/* Every rank receives the items of all: base[n items of `size` bytes], of which rank r has set
 * first[r] .. first[r+1]-1; first[cb_ranks()+1]. */
void cb_ranks_gather(void *base, size_t size, const size_t *first);
/* The bytes of rank 0 to all. */
void cb_ranks_broadcast(void *data, size_t bytes);

#else

static inline int cb_rank(void) { return 0; }
static inline int cb_ranks(void) { return 1; }
static inline void cb_ranks_begin(void) {}
static inline void cb_ranks_end(int status, const char *message) { (void)status, (void)message; }
static inline void cb_ranks_gather(void *base, size_t size, const size_t *first) { (void)base, (void)size, (void)first; }
static inline void cb_ranks_broadcast(void *data, size_t bytes) { (void)data, (void)bytes; }

#endif

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
