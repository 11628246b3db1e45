/* teacher.h - the convolutional autoencoder of CICADA (Princeton-AD/cicada, models.py TeacherAutoencoder).
 *
 * Architecture "cicada", for an image H x W and widths a, b, c (20, 30, 80); an odd side is made even by a last row or
 * column of zeros, which belongs to the image also where errors are averaged:
 *   conv1 a 3x3 relu, average pool 2x2, conv2 b 3x3 relu, flatten, latent dense c relu,
 *   dense H/2*W/2*b, reshape, relu, conv3 b 3x3 relu, upsampling 2x2, conv4 a 3x3 relu, out 1 3x3 relu
 * "cicada-revised" has a transposed convolution deconv b 3x3 stride 2 (linear) for the upsampling.
 * Padding "same", raw counts in, raw counts out; 323,731 and 331,861 weights on 18 x 14.
 *
 * Schema "cicada-bench/teacher/1": attributes architecture, best_epoch (from 1); datasets
 * width i32 (3), image i32 (2), weights/<tensor> f32 in Keras' shapes (those of the best epoch),
 * history/train_mse, history/val_mse f64 (epochs).
 */
#ifndef CB_NN_TEACHER_H
#define CB_NN_TEACHER_H

#include "base/config.h"
#include "data/artifact.h"
#include "data/rows.h"
#include "nn/autoencoder.h"

#define CB_TEACHER_SCHEMA "cicada-bench/teacher/1"
#define CB_TEACHER_CHECKPOINT_SCHEMA "cicada-bench/teacher-checkpoint/1"

typedef struct {
    char architecture[32];
    int width[3];
    int image_height, image_width;
    cb_network *net;
    int epochs, best_epoch;         /* of the training; 0 before it */
    double *train_mse, *val_mse;    /* [epochs] */
} cb_teacher;

/* Zero weights. Fails on an unknown architecture or widths out of range. */
cb_teacher *cb_teacher_new(const char *architecture, const int width[3], int height, int width_cells) CB_MUST;
void cb_teacher_free(cb_teacher *t);
/* n images [H*W] at the start of et[n][net->n_input] -> the network's inputs, in place: zeros where a side is odd. */
void cb_teacher_pad(const cb_teacher *t, uint16_t *et, size_t n);
/* Errors of n images that get(context, first, n, et) reads in portions (autoencoder.h); et has [H*W] cells an image. */
int cb_teacher_score(const cb_teacher *t, cb_images_fn *get, void *context, size_t n, const char *what, float *mse) CB_MUST;
cb_teacher *cb_teacher_read(const char *path) CB_MUST;
int cb_teacher_write(const cb_teacher *t, cb_h5 *f) CB_MUST;

/* ---- training (teacher_train.c) ---- */

typedef struct {
    int epochs;
    size_t batch;
    double learning_rate;
    uint64_t seed;          /* streams "teacher/<tensor>", "teacher/shuffle" (index = epoch) */
    const char *checkpoint; /* file, NULL = none */
    bool profile;           /* the log ends with where the CPU time went */
    const char *identity;   /* configuration and inputs as text; a checkpoint with another one is not used */
} cb_teacher_fit;

/* Trains from the beginning, or from the checkpoint, on the images `train`, batches of `batch` in a
 * fresh random order each epoch, the remainder dropped; after each epoch the error of the images `val`
 * decides (strictly smaller) which weights are kept, and the checkpoint
 * is written. Leaves the checkpoint: remove it when the result is safe. The result is the same
 * bytes however often the run was interrupted. Fails when a loss or gradient is not finite,
 * naming epoch, step, batch, event and layer. Memory: linear in the batch and the weights, 4 bytes an event
 * for the order, and what the rows hold. */
int cb_teacher_train(cb_teacher *t, const cb_teacher_fit *fit, const cb_rows *train, const cb_rows *val) CB_MUST;

#endif
