#include "base/ranks.h"

#ifdef CB_MPI

#include <mpi.h>
#include <time.h>

static int rank, ranks = 1;
static MPI_Win claim;  /* an int on rank 0: 1 + the rank that speaks for all, 0: none yet */
static int *claimed;

int cb_rank(void) { return rank; }
int cb_ranks(void) { return ranks; }

int cb_ranks_begin(void) {
    int level;
    MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &level);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    MPI_Win_allocate(rank ? 0 : sizeof *claimed, sizeof *claimed, MPI_INFO_NULL, MPI_COMM_WORLD, &claimed, &claim);
    if (!rank) *claimed = 0;
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_Win_lock_all(0, claim);
    if (ranks > CB_RANKS_MAX) return cb_fail("MPI: %d ranks, at most %d wanted", ranks, CB_RANKS_MAX);
    if (level < MPI_THREAD_SERIALIZED) return cb_fail("MPI: thread level %d, at least %d wanted", level, MPI_THREAD_SERIALIZED);
    return 0;
}

static void nap(void) { nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL); }

/* The first here. Without waiting for a rank that may be in the middle of anything. */
bool cb_ranks_speaker(void) {
    int mine = rank + 1, none = 0, was = 0;
    if (ranks == 1) return true;
    MPI_Compare_and_swap(&mine, &none, &was, MPI_INT, 0, 0, claim);
    MPI_Win_flush(0, claim);
    return was == 0;
}

void cb_ranks_end(bool speaker, int status) {
    if (ranks == 1) return;
    if (speaker) MPI_Abort(MPI_COMM_WORLD, status);
    for (;;) nap(); /* the speaker ends this process too */
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

int cb_rank(void) { return 0; }
int cb_ranks(void) { return 1; }
int cb_ranks_begin(void) { return 0; }
void cb_ranks_leave(void) {}
bool cb_ranks_speaker(void) { return true; }
void cb_ranks_end(bool speaker, int status) { (void)speaker, (void)status; }
void cb_ranks_gather(void *base, size_t size, const size_t *first) { (void)base, (void)size, (void)first; }
void cb_ranks_share(void *const *part, int n, size_t bytes) { (void)part, (void)n, (void)bytes; }
void cb_ranks_broadcast(void *data, size_t bytes) { (void)data, (void)bytes; }

#endif
