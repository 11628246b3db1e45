/* train.h - the fast trainer of logic gate networks: float32, events in lanes, fixed shards.
 *
 * A batch is cut into shards of 64 events (the last one filled with events of weight 0); one thread
 * works a shard through the whole network, so that gradients of shared inputs are plain sums in a fixed order,
 * and shards are added in ascending order: any number of threads, any instruction set, same bytes
 * (orders: kernels.h). What is computed is reference.h with these additions:
 *   input    bit x > threshold of a cell, or a value of a table of 1024 (the published soft transforms), or trained
 *            thresholds (ladder.h), whose gradient is, per plane and lane, inputs ascending, then blocks of 16 ascending: sum + dx slope;
 *            lane tree; shards ascending in double
 *   wires    learnable ones: choice.h
 *   head     head.h, as net->head says; fixed, or trained on its grids
 *   loss     sum of weight |y - target| / batch; with clamp, y limited to [0, 256] (no gradient outside); with floor,
 *            y below 0 counts as 0, and still rises where the target is above
 *   entropy  of the choice of gates (RAW), summed over parameter sets, times a factor for dense layers and one for trees;
 *            in the gradient, not in the loss reported
 *   noise    Gumbel (RAW) or logistic (LIGHT, WARP) noise on the weights, times `noise`, drawn anew every step
 */
#ifndef CB_LOGIC_TRAIN_H
#define CB_LOGIC_TRAIN_H

#include "logic/choice.h"
#include "logic/kernels.h"
#include "logic/ladder.h"
#include "logic/network.h"

/* How counts become inputs: input j is (et[source[j]] & mask[j]) > threshold[j], or table[plane[j]][et]. */
typedef struct {
    int n_input, n_plane;
    int32_t *source, *threshold, *mask, *plane; /* [n_input] */
    float *table;                        /* [n_plane][1024], NULL: bits */
} cb_logic_code;

/* All cells > each of T thresholds, plane by plane (index t*n_feature + cell). */
int cb_logic_code_planes(cb_logic_code *c, int n_feature, const int32_t *threshold, int T) CB_MUST;
void cb_logic_code_free(cb_logic_code *c);

typedef struct {
    double learning_rate, beta1, beta2, eps, temperature, noise;
    bool hard;             /* straight-through */
    bool clamp, floor;
    bool train_head;
    cb_logic_grid grid, hinge_grid; /* of a trained head */
    double head_rate;      /* learning rate of the head / learning_rate */
    double choice_tau;     /* of the softmax over candidate wires in the gradient */
    double choice_rate, threshold_rate; /* as head_rate */
    double entropy, entropy_tree;
    uint64_t seed;         /* of the noise */
} cb_logic_recipe;

typedef struct {
    cb_logic_view view;
    size_t n_block, at;    /* of weights: at .. at + n_block*n_par*16 */
    size_t coef_at;
    cb_choice choice;      /* c = 0: wires are fixed */
    size_t choice_at, slot_at;
} cb_logic_stage;

typedef struct {
    const cb_logic_net *net;   /* borrowed, as is code */
    const cb_logic_code *code;
    cb_logic_recipe recipe;
    cb_logic_stage stage[CB_LOGIC_LAYERS];
    size_t n_weight, n_coef;   /* padded */
    size_t n_head;
    float *w, *m, *v, *soft, *noise, *coef;
    float *c, *c_used, *c_m, *c_v; /* head [n_head]: head.h */
    size_t n_choice, n_slot;   /* learnable wires: weights and slots of all layers */
    float *u, *u_m, *u_v, *p;  /* [n_choice] */
    int32_t *read;             /* [n_slot]: the wires chosen */
    cb_ladder ladder;          /* trained thresholds */
    uint64_t step;
    /* buffers */
    size_t room, threads, act_size, row_max;
    float *dc, *d_head;        /* [room shards][n_coef], [room][n_head] */
    float *du, *d_ladder;      /* [room][n_choice], [room][CB_LOGIC_THRESHOLDS] */
    float *slot_grad;          /* [threads][slots of a layer][64] */
    size_t slot_max;
    double *loss;              /* [room] */
    float *act, *grad;         /* [threads][...] */
    uint16_t *column;          /* [threads][64][features] transposed */
    int n_feature;
} cb_logic_trainer;

/* batch: events at most. Weights start at 0. */
int cb_logic_trainer_new(cb_logic_trainer *t, const cb_logic_net *net, const cb_logic_code *code, int n_feature,
                         uint32_t batch) CB_MUST;
void cb_logic_trainer_free(cb_logic_trainer *t);

/* Between the plain order [set][n_par] of network.h and the blocks of 16. */
void cb_logic_weights_set(cb_logic_trainer *t, const float *w);
void cb_logic_weights_get(const cb_logic_trainer *t, float *w);

/* Weights of candidate wires, [n_choice] in the order of network.h; those of a new trainer are 0. */
void cb_logic_choices_set(cb_logic_trainer *t, const float *u);
void cb_logic_choices_get(const cb_logic_trainer *t, float *u);
/* The wires chosen at present -> `wire` of the layers that learn them. Call after cb_logic_refresh. */
void cb_logic_choices_apply(const cb_logic_trainer *t, cb_logic_net *net);
/* From now on the thresholds of the code's planes are trained (ladder.h); those in use: t->ladder.count. */
int cb_logic_ladder_start(cb_logic_trainer *t, bool log_axis, double width) CB_MUST;

/* One step on n events image[e] with targets (in units of 1) and weights (NULL: 1). Returns the loss
 * before the step, summed over the batch and divided by n. */
double cb_logic_step(cb_logic_trainer *t, const uint16_t *const *image, const float *target, const float *weight,
                     uint32_t n);
/* Scores of n events by the network as trained (no noise; hard as in the recipe). Call after cb_logic_refresh. */
void cb_logic_scores(cb_logic_trainer *t, const uint16_t *const *image, uint32_t n, float *score);
/* The same events' outputs of the last layer, output[n][outputs]: 1 above one half, else 0. */
void cb_logic_bits(cb_logic_trainer *t, const uint16_t *const *image, uint32_t n, uint8_t *output);
/* Values of the tables for the present weights and recipe (without noise). */
void cb_logic_refresh(cb_logic_trainer *t);

#endif
