/* student_data.h - what every student is trained on, and the small pieces that all
 * student trainers share: batches, dropout masks, the MAE loss, the history.
 *
 * Training set of a student (Princeton-AD/cicada, cicada-training.py): zero bias of the train split plus the
 * outliers of the train split; validation likewise. Targets are codes on the 1/256
 * grid, value = code / 256. The images are copied to where the dataset's place says (data/rows.h):
 * into memory, or beyond run.image_memory_mib into a scratch file, so that memory does not grow
 * with the number of events but for 6 bytes each (target, order). Dataset and targets need not outlive
 * the set.
 *
 *     cb_student_set set;
 *     cb_student_set_new(&set, &dataset, code, &outliers);
 *     cb_student_order order;
 *     cb_student_order_new(&order, &set, batch, seed);
 *     cb_student_batch b;
 *     cb_student_batch_new(&b, &set, order.batch);
 *     for (epoch...) {
 *         cb_student_order_shuffle(&order, epoch);
 *         for (uint32_t k = 0; k < order.n_batch; k++)
 *             cb_student_batch_load(&b, &set, CB_TRAIN, order.event + k * order.batch, order.batch);
 *     }
 *
 * After the three _new calls nothing here allocates.
 */
#ifndef CB_QUANT_STUDENT_DATA_H
#define CB_QUANT_STUDENT_DATA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ranks.h"
#include "base/threads.h"
#include "data/dataset.h"
#include "nn/lanes.h"

/* Extra events for train and val only; all borrowed, n may be 0. */
typedef struct {
    uint64_t n;
    const cb_rows *image; /* [n] */
    const uint16_t *code; /* [n] targets */
    const uint8_t *split; /* [n] CB_TRAIN or CB_VAL */
} cb_outliers;

typedef struct {
    int height, width, n_feature;
    uint32_t n[2];            /* events of CB_TRAIN and CB_VAL: zero bias first, then outliers */
    uint32_t n_zero_bias[2];  /* of them zero bias */
    cb_rows *image[2];        /* [n] rows of n_feature counts */
    uint16_t *code[2];        /* [n] targets */
} cb_student_set;

/* code[d->n]: target of every dataset event. Fails if train or val would be empty. */
int cb_student_set_new(cb_student_set *s, const cb_dataset *d, const uint16_t *code,
                       const cb_outliers *outliers) CB_MUST;
/* From the files of preprocess and distill, which must belong together; rows lie where place says. */
int cb_student_set_read(cb_student_set *s, const char *data, const char *targets, const cb_rows_place *place) CB_MUST;
/* Fails if an image could not be read back: to be called after every loop over them. */
int cb_student_set_check(const cb_student_set *s) CB_MUST;
void cb_student_set_free(cb_student_set *s);

/* ---- order: one permutation an epoch, stream "student-shuffle" ---- */
typedef struct {
    uint64_t seed;
    uint32_t n_event, batch; /* batch: as asked, or n_event if that is less */
    uint32_t n_batch;        /* whole batches; the rest of a permutation is left out */
    uint32_t *event;         /* [n_event] the permutation of this epoch */
} cb_student_order;

int cb_student_order_new(cb_student_order *o, const cb_student_set *s, uint32_t batch, uint64_t seed) CB_MUST;
void cb_student_order_shuffle(cb_student_order *o, uint64_t epoch);
void cb_student_order_free(cb_student_order *o);

/* ---- a batch in event lanes (nn/lanes.h) ---- */
typedef struct {
    uint32_t room, n_event; /* events that fit, events held */
    size_t n_block;         /* blocks held */
    int n_feature;
    float *x;               /* [n_block][n_feature][16] counts */
    float *y;               /* [n_block][16] target values */
    /* where they come from, while cb_student_batch_block has still to be called */
    const cb_student_set *set;
    const uint32_t *event;
    int split;
    uint16_t *image;        /* [room][n_feature] where images come from a file, else NULL */
} cb_student_batch;

int cb_student_batch_new(cb_student_batch *b, const cb_student_set *s, uint32_t room) CB_MUST;
/* Events event[0..n-1] of a split (event == NULL: 0..n-1), n <= room. Lanes beyond
 * the last event are zero images with target 0. Threads over blocks. */
void cb_student_batch_load(cb_student_batch *b, const cb_student_set *s, int split,
                           const uint32_t *event, uint32_t n);
/* The same in two parts, for a trainer that loads each block where it first needs it (one
 * parallel loop less): choose the events, then fill block k, any thread. */
void cb_student_batch_choose(cb_student_batch *b, const cb_student_set *s, int split, const uint32_t *event,
                             uint32_t n);
void cb_student_batch_block(cb_student_batch *b, size_t k);
/* Events in a block: 16, fewer in the last one. */
static inline int cb_student_lanes(const cb_student_batch *b, size_t block) {
    uint32_t left = b->n_event - (uint32_t)block * CB_LANES;
    return left < CB_LANES ? (int)left : CB_LANES;
}
void cb_student_batch_free(cb_student_batch *b);

/* First block of shard s (0..CB_SHARDS) of n_block blocks, as lanes.h declares. */
static inline size_t cb_shard_first(size_t n_block, int s) { return n_block * (size_t)s / CB_SHARDS; }

/* n images into a block (the other lanes 0); one image into one lane of a block. */
void cb_lanes_set_images(float *block, const uint16_t *const image[CB_LANES], int n, int n_feature);
void cb_lanes_set_u16(float *block, int lane, const uint16_t *image, int n_feature);

/* ---- dropout (Keras: keep if u >= p, kept values times 1/(1-p) in float32) ----
 * keep[n_feature] receives lane bits (student_kernels.h), u on the grid of 2^-16 from the Philox stream (seed, stream,
 * step*4096+block). */
void cb_dropout_keep(uint16_t *keep, int n_feature, float p, uint64_t seed, const char *stream, uint64_t step,
                     size_t block);
static inline float cb_dropout_factor(float p) { return (float)(1 / (1 - (double)p)); }

/* ---- loss (Keras "mae") ----
 * Sum over the first n lanes of |out - y| (float64, lanes ascending);
 * grad[lane] = sign(out - y) * inverse_batch, 0 for the other lanes and at equality. */
double cb_mae_block(const float *out, const float *y, int n, float inverse_batch, float *grad);

/* ---- history and the best epoch ---- */
typedef struct {
    int n, room, best; /* epochs held; index of the best epoch, -1 if none */
    double *loss, *val_loss;
} cb_history;

int cb_history_new(cb_history *h, int room) CB_MUST;
/* Appends; true when val_loss is strictly below every earlier one (Keras'
 * ModelCheckpoint): the caller then keeps a copy of its weights. */
bool cb_history_add(cb_history *h, double loss, double val_loss);
/* Group `group` with epoch, loss, val_loss and attribute best_epoch (counted from 1). */
int cb_history_write(const cb_history *h, cb_h5 *f, const char *group) CB_MUST;
void cb_history_free(cb_history *h);

#endif
