/* scores.h - every score of every test event: what the result tables are made from.
 *
 * Rows: "teacher" (target code / 256, the reference), "teacher-mse" (its error before the target
 * grid), "float" (the unquantized student, where distill trained one), the plain sums "total-et"
 * and "max-et" (GeV: sum and highest of the regions), and one row a student (score code / 256).
 * Events: one split (the test split for the result tables), all processes of the dataset, in its order.
 */
#ifndef CB_QUANT_SCORES_H
#define CB_QUANT_SCORES_H

#include "data/dataset.h"
#include "nn/targets.h"
#include "quant/programme.h"
#include "stats/performance.h"

#define CB_SCORES_SCHEMA "cicada-bench/scores/1"

typedef struct {
    const cb_dataset *data;  /* borrowed */
    int split;
    cb_event_set set;
    size_t *first;           /* [n_process + 1] of set */
    uint64_t *first_event;   /* [n_process] first such event in the dataset; they are contiguous */
    int n;                   /* rows; row 0 is the teacher */
    cb_scored *row;
} cb_scores;

/* Teacher, float, plain rows. The dataset must have the process "zb" and outlive s. */
int cb_scores_begin(cb_scores *s, const cb_dataset *data, const cb_targets *targets, int64_t seed) CB_MUST;
/* The teacher's row alone, for CB_VAL or CB_TEST: for those who score students one by one. */
int cb_scores_teacher(cb_scores *s, const cb_dataset *data, const cb_targets *targets, int split, int64_t seed) CB_MUST;
/* Score code / 256 of every event of the set into score[first[n_process]]; s is only read: any thread. */
int cb_scores_of(const cb_scores *s, const cb_programme *p, float *score) CB_MUST;
/* Scores the events with the integer programme. Fails if the image shape differs. */
int cb_scores_add(cb_scores *s, const cb_programme *p) CB_MUST;
/* /<student>/<process> f32, in row order. */
int cb_scores_write(const cb_scores *s, cb_h5 *f) CB_MUST;
void cb_scores_free(cb_scores *s);

#endif
