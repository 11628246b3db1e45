/* boost.h - gradient boosting of symmetric trees on binned features, all in integers.
 *
 * Friedman, "Greedy function approximation", Ann. Stat. 29 (2001), with Huber's loss; histograms of the gradient over bins as in
 * LightGBM (Ke et al., NIPS 2017); symmetric ("oblivious") trees as in CatBoost (Prokhorenkova et al., NeurIPS 2018): all nodes of
 * a level ask the same question, bin(feature) > cut, so a tree of depth d is d comparators and one table of 2^d leaves. Leaf i: the
 * answers as a binary number, the first level the most significant digit (as the gates of quant/circuit.h).
 *
 * An event has a residual (target - score so far, codes of 1/256), of which at most `clip` to either side counts: Huber's gradient.
 * A level takes the question with the largest sum over leaves of G^2 / (W + prior), G and W the sums of weight * gradient and of weight in
 * the leaf; of equals the lowest feature, then the lowest cut. The value of a leaf is rate * G / (W + prior), rounded to a
 * multiple of 2^shift steps of 2^-frac, shift being the least with which the tree's values differ by less than 2^leaf_bits such
 * multiples. With rate <= 1 no tree makes the (clipped) loss of the events that it was grown on larger.
 *
 * Sums are exact integers, so threads (over features) do not change a bit.
 */
#ifndef CB_TREES_BOOST_H
#define CB_TREES_BOOST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum { CB_TREE_DEPTH = 6, CB_TREE_LEAVES = 64, CB_TREE_BINS = 256, CB_TREE_WEIGHT = 16, CB_TREE_HEAVIEST = 16000 };

typedef struct {
    int depth;                                          /* 0: nothing to ask; one leaf */
    int32_t feature[CB_TREE_DEPTH], cut[CB_TREE_DEPTH]; /* bin(feature) > cut */
    int32_t base, shift;                                /* leaf value = (base + leaf) * 2^shift * 2^-frac */
    int32_t leaf[CB_TREE_LEAVES];                       /* 0 .. 2^leaf_bits - 1, one of them 0 */
} cb_tree;

/* Events by features: bin[f * n + e], below n_bin[f] <= CB_TREE_BINS. */
typedef struct {
    int n_feature;
    uint32_t n;
    const uint8_t *bin;
    const int *n_bin;
} cb_tree_events;

typedef struct {
    int depth, leaf_bits, frac;  /* 1 to 6; 1 to 12; 0 to 8 */
    double rate, clip, prior;    /* clip: units of score; prior: events without gradient added to each leaf */
} cb_tree_recipe;

/* residual[n] in codes, weight[n] in units of 1 / CB_TREE_WEIGHT, at most CB_TREE_HEAVIEST. Fails only without memory. */
int cb_tree_grow(cb_tree *t, const cb_tree_events *x, const cb_tree_recipe *r, const int32_t *residual, const uint16_t *weight) CB_MUST;

/* Value of event e in steps of 2^-frac. */
int32_t cb_tree_value(const cb_tree *t, const cb_tree_events *x, uint32_t e);
static inline int32_t cb_tree_leaf_value(const cb_tree *t, int leaf) { return (t->base + t->leaf[leaf]) * (1 << t->shift); }
/* Binary digits of the largest leaf. */
int cb_tree_digits(const cb_tree *t);

/* `clip` in codes. */
int32_t cb_tree_clip(const cb_tree_recipe *r);
/* Sum over events of weight times Huber's loss of the residual: r^2 / 2 to |r| = clip, clip |r| - clip^2 / 2 beyond. */
double cb_tree_loss(const int32_t *residual, const uint16_t *weight, uint32_t n, int32_t clip);

/* Cuts of a feature, of whose values v = 0 .. most there are count[v]; cut[c] asks "value > cut[c]". At every value that occurs but the
 * largest, or, where that are more than CB_TREE_BINS - 1, at the quantiles k / CB_TREE_BINS. Returns how many. The bin
 * of a value is the number of cuts below it. */
int cb_tree_cuts(const uint32_t *count, int32_t most, int32_t cut[CB_TREE_BINS]);
uint8_t cb_tree_bin(const int32_t *cut, int n_cut, int32_t value);

#endif
