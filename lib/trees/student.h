/* student.h - boosted decision trees as a student: training, model selection, programme.
 *
 *   counts -> views -> sums over tiles (regions.h) -> comparators -> one table a tree -> sum -> score
 *
 * Gradient-boosted symmetric trees (boost.h) regress the teacher's score on sums of regions: what can be had without a network.
 * Training set and targets are those of every student (quant/student_data.h). Thresholds are whole numbers and leaves lie on a
 * grid, so the trained score is the hardware's: the sum of the leaves, 0 where it is negative, 65535 / 256 at most. After each tree that score
 * is taken on the validation events; the number of trees with the least mean absolute error, weighted as in training, is
 * kept.
 *
 * Nothing is random. Memory: one byte an event and feature.
 */
#ifndef CB_TREES_STUDENT_H
#define CB_TREES_STUDENT_H

#include "quant/student_data.h"
#include "trees/boost.h"
#include "trees/regions.h"

typedef struct {
    int trees;                     /* at most */
    cb_tree_recipe recipe;
    double tail_from, tail_weight; /* events with target >= tail_from have this weight, in steps of 1 / CB_TREE_WEIGHT */
} cb_tree_plan;

typedef struct {
    cb_regions regions;
    int frac;           /* leaves and start in steps of 2^-frac */
    int32_t start;      /* weighted median of the targets */
    int n_tree;
    cb_tree *tree;
    int n_feature;
    int *n_cut;         /* [n_feature] */
    int32_t *cut;       /* [n_feature][CB_TREE_BINS] */
} cb_tree_student;

/* Trains. Also after a failure: _free. */
int cb_tree_fit(cb_tree_student *s, const cb_regions *regions, const cb_student_set *set, const cb_tree_plan *plan,
                cb_history *history) CB_MUST;
void cb_tree_student_free(cb_tree_student *s);

/* Score code of an image whose features are value[n_feature]: the plain definition. */
uint16_t cb_tree_student_code(const cb_tree_student *s, const int32_t *value);

/* The integer programme: the sums that are asked about, each comparator once, a table for each binary digit of each tree. */
int cb_tree_programme(cb_programme *p, const cb_tree_student *s, const char *name, int64_t seed) CB_MUST;
/* Every validation event and random images (student_check.h): the trees against the programme. */
int cb_tree_check(const cb_tree_student *s, const cb_programme *p, const cb_student_set *set, int64_t *checked,
                  int64_t *mismatches) CB_MUST;
/* Group with one row a tree: feature i32 (trees, 6) and threshold i32 (trees, 6), -1 where a tree is less deep, value i32 (trees, 64) in steps of
 * 2^-frac; attributes start, frac. */
int cb_tree_student_write(const cb_tree_student *s, cb_h5 *f, const char *group) CB_MUST;

#endif
