#include "base/ranks.h"

#ifdef CB_MPI

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static int rank, ranks = 1;
static MPI_Win claim;  /* an int on rank 0: 1 + the rank that speaks for all, 0: none yet */
static int *claimed;

int cb_rank(void) { return rank; }
int cb_ranks(void) { return ranks; }

void cb_ranks_begin(void) {
    int level;
    MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &level);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    if (ranks > CB_RANKS_MAX || level < MPI_THREAD_SERIALIZED) {
        if (!rank) fprintf(stderr, "MPI: %d ranks, thread level %d; at most %d, at least %d wanted\n", ranks, level,
                           CB_RANKS_MAX, MPI_THREAD_SERIALIZED);
        MPI_Abort(MPI_COMM_WORLD, 2);
    }
    MPI_Win_allocate(rank ? 0 : sizeof *claimed, sizeof *claimed, MPI_INFO_NULL, MPI_COMM_WORLD, &claimed, &claim);
    if (!rank) *claimed = 0;
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_Win_lock_all(0, claim);
}

static void nap(void) { nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL); }

/* Of all ranks that fail, one may speak: the first here. Without waiting for a rank that may be in
 * the middle of anything. */
static int may_speak(void) {
    int mine = rank + 1, none = 0, was = 0;
    MPI_Compare_and_swap(&mine, &none, &was, MPI_INT, 0, 0, claim);
    MPI_Win_flush(0, claim);
    return was == 0;
}

void cb_ranks_stop(const char *who, const char *why) {
    if (may_speak()) {
        fprintf(stderr, "%s: %s\n", who, why);
        fflush(stderr);
        MPI_Abort(MPI_COMM_WORLD, 1);
    }
    for (;;) nap(); /* the one that spoke ends this process too */
}

void cb_ranks_leave(void) {
    MPI_Request all;
    int done = 0;
    MPI_Ibarrier(MPI_COMM_WORLD, &all);
    while (MPI_Test(&all, &done, MPI_STATUS_IGNORE), !done) nap(); /* MPI's own waiting burns a processor */
    MPI_Win_unlock_all(claim);
    MPI_Win_free(&claim);
    MPI_Finalize();
}

void cb_ranks_gather(void *base, size_t size, const size_t *first) {
    int count[CB_RANKS_MAX], at[CB_RANKS_MAX];
    MPI_Datatype item;
    if (ranks == 1) return;
    for (int r = 0; r < ranks; r++) {
        count[r] = (int)(first[r + 1] - first[r]);
        at[r] = (int)first[r];
    }
    MPI_Type_contiguous((int)size, MPI_BYTE, &item);
    MPI_Type_commit(&item);
    MPI_Allgatherv(MPI_IN_PLACE, 0, item, base, count, at, item, MPI_COMM_WORLD);
    MPI_Type_free(&item);
}

void cb_ranks_share(void *const *part, int n, size_t bytes) {
    MPI_Request wait[CB_RANKS_MAX];
    if (ranks == 1) return;
    for (int r = 0; r < ranks; r++)
        for (size_t k = cb_deal((size_t)n, r); k < cb_deal((size_t)n, r + 1); k++)
            MPI_Ibcast(part[k], (int)bytes, MPI_BYTE, r, MPI_COMM_WORLD, &wait[k]);
    MPI_Waitall(n, wait, MPI_STATUSES_IGNORE);
}

void cb_ranks_broadcast(void *data, size_t bytes) {
    enum { PIECE = 1 << 30 };
    for (size_t at = 0; ranks > 1 && at < bytes; at += PIECE)
        MPI_Bcast((char *)data + at, (int)(bytes - at < PIECE ? bytes - at : PIECE), MPI_BYTE, 0, MPI_COMM_WORLD);
}

#else /* one rank */

#include <stdio.h>
#include <stdlib.h>

int cb_rank(void) { return 0; }
int cb_ranks(void) { return 1; }
void cb_ranks_begin(void) {}
void cb_ranks_leave(void) {}
void cb_ranks_gather(void *base, size_t size, const size_t *first) { (void)base, (void)size, (void)first; }
void cb_ranks_share(void *const *part, int n, size_t bytes) { (void)part, (void)n, (void)bytes; }
void cb_ranks_broadcast(void *data, size_t bytes) { (void)data, (void)bytes; }

void cb_ranks_stop(const char *who, const char *why) {
    fprintf(stderr, "%s: %s\n", who, why);
    exit(1);
}

#endif
