/* front.h - the Pareto front of (EBOPs, validation error) over checkpoints of one or more runs.
 *
 * The rule is HGQ's ParetoFront callback (calad0i/HGQ, utils): a checkpoint is rejected when a kept one
 * is at least as good in both numbers (ties are rejected), and it removes every kept one that is not better than
 * it in either. Kept points are in ascending cost, so their errors descend. What a checkpoint holds is its
 * family's business: `state` belongs to the front from cb_front_add on.
 *
 * Cost is the exact EBOPs of the integer programme (ebops.h), the same count for every family, or, where a family
 * trains for LUTs and is asked to, the estimate of its netlist's LUTs (`in_lut`); the
 * error is the mean absolute error of the validation split. The test split takes no part.
 */
#ifndef CB_QUANT_FRONT_H
#define CB_QUANT_FRONT_H

#include <stdbool.h>

#include "quant/programme.h"

typedef struct {
    int run, epoch; /* from 0 */
    double cost, error, ebops; /* ebops: as the family's package counts them */
    void *state;
} cb_front_point;

typedef struct {
    int n, room;
    cb_front_point *point; /* ascending cost */
    bool in_lut;           /* cost is in LUTs instead of exact EBOPs; for messages */
    void (*release)(void *state);
} cb_front;

/* Would this checkpoint enter? (Before its state is copied.) */
bool cb_front_wants(const cb_front *f, double cost, double error);
/* Adds p, which the front wants, and releases what it dominates. On failure p.state is released. */
int cb_front_add(cb_front *f, const cb_front_point *p) CB_MUST;
/* Moves what `to` wants of `from`, in order; `from` is then empty. */
int cb_front_merge(cb_front *to, cb_front *from) CB_MUST;
/* Leaves out points with an error above worst x the smallest, then, until at most n are left (n 0: any number),
 * the inner one whose neighbours are closest in log cost. Both ends stay. */
void cb_front_thin(cb_front *f, int n, double worst);
void cb_front_free(cb_front *f);

/* ---- what one run did, epoch by epoch ---- */
typedef struct {
    char label[64];  /* "beta 1e-06 to 0.001", "dense 6 1" */
    int n;           /* epochs */
    double *beta, *loss, *val_mae, *ebops, *exact; /* [n]; exact: of the programme; beta, exact NULL: not known */
} cb_front_run;

void cb_front_run_free(cb_front_run *r);

/* ---- several runs side by side ----
 * train(context, k, ...) is one training of its own: it fills front (empty, with its release) and run (zeroed). */
typedef int (*cb_front_train)(void *context, int k, cb_front *front, cb_front_run *run);
/* n runs share the processors one thread each (base/threads.h); their checkpoints compete in `front`. front and run[n] are
 * overwritten (run may hold nothing before); the caller frees them, also after a failure. */
int cb_front_scan(int n, cb_front_train train, void *context, void (*release)(void *state), cb_front *front,
                  cb_front_run *run) CB_MUST;

/* ---- file: schema "cicada-bench/front/1" ----
 * Root: name, family (text), seed, n_points, n_runs (i64). /run0, /run1 ...: attribute label, datasets epoch i32 (from
 * 1), beta, loss, val_mae, ebops, ebops_exact f64 (beta of HGQ and hgq+ only; ebops_exact where it was counted each epoch). /points: run, epoch i32, val_mae f64, one a point. /p000, /p001
 * ...: the students, each exactly what a student file has at its root (programme.h; checked, mismatches, ebops_exact). */
#define CB_FRONT_SCHEMA "cicada-bench/front/1"
enum { CB_FRONT_MAX = 1000, CB_FRONT_BETAS = 64 }; /* points or runs of a file; betas of a scan */

int cb_front_write_runs(cb_h5 *f, const char *name, const char *family, int64_t seed, int n_run,
                        const cb_front_run *run) CB_MUST;
/* What a family makes of a checkpoint: the programme called name, compared with its trainer on the validation events. */
typedef int (*cb_front_programme)(const void *context, void *state, const char *name, cb_programme *p, int64_t *checked,
                                  int64_t *mismatches);
/* After the runs: which epochs the points are, and their students, named "NAME.pNNN" in ascending cost. A student that
 * differs from its trainer is a failure. */
int cb_front_write(cb_h5 *f, const cb_front *front, const char *name, cb_front_programme programme, const void *context) CB_MUST;

/* A front file as others read it. */
typedef struct {
    char name[64], family[16];
    int64_t seed;
    int n_point, n_run;
    int32_t *run, *epoch;      /* [n_point], from 0, from 1 */
    double *val_mae, *exact;   /* [n_point] */
    int64_t *checked, *mismatches;
    cb_programme *programme;   /* [n_point] */
    cb_front_run *history;     /* [n_run] */
} cb_front_file;

int cb_front_read(cb_front_file *f, const char *path) CB_MUST;
void cb_front_file_free(cb_front_file *f);

#endif
