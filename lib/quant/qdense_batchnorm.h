/* qdense_batchnorm.h - QDenseBatchnorm: a dense layer whose batch norm is folded into
 * quantized weights already in training (julesmuhizi/qkeras branch
 * qdense_batchnorm). This file holds what happens per column (output unit); the
 * matrix products are dense.h and belong to the caller.
 *
 *     z = x W + b ; mu, var over the batch ; moving averages updated
 *     r = sqrt(moving variance + eps), s = sqrt(var + eps)
 *     ema folding:   K = q(gamma W / r),  c = q(gamma (b - mu)/s + beta),  y = (x K) r/s + c
 *     batch folding: K = q(gamma W / s),  the same c,                      y = x K + c
 *     frozen:        K = q(gamma W / r),  c = q(gamma (b - mean)/r + beta), y = x K + c
 *     inference: as frozen. The quantizers pass gradients straight through.
 *
 * With G = dL/dy, and h = s (training) or r (frozen), all gradients come from three sums over
 * the batch per column and one weight gradient product:
 *     dbeta = sum G,  dgamma = sum G (z - m) / h          (m = mu or moving mean)
 *     dL/dW = x^T e,  e = gamma/h G + dz,  dz = dmu/B + 2 dvar (z - mu)/B  (frozen: 0)
 *     dL/dx = (rho G) K^T + dz W^T,        rho = r/s with ema folding, else 1
 *     dmu = -gamma dbeta/s
 *     dvar = -1/2 s^-3 (r sum G a + gamma (b - mu) dbeta)   ema folding, a = x K
 *     dvar = -1/2 s^-3 gamma sum G (z - mu)                 batch folding
 *     db = 0 (exactly, unless frozen: gamma dbeta / r)
 * These are the derivatives of the forward pass with sum_i dK_ij W_ij = rho sum_b G (z - b) put in.
 *
 * Statistics, folding and column sums are float64. A sum over a batch runs per shard and lane, blocks
 * ascending (student_kernels.h); then the lanes ascending, then the shards ascending. The variance comes from the
 * sums of z and z^2, which float64 carries without loss that matters: the error is 1e-16 of mu^2.
 *
 * One training call:  per block z, cb_column_moments  ->  cb_qdense_bn_statistics  ->  cb_qdense_bn_fold_rows (any
 * thread, any split of the rows)  ->  per block a, G, the column sums  ->  cb_qdense_bn_columns  ->  per block
 * cb_column_gradient, which gives e and the two operands of dL/dx.
 */
#ifndef CB_QUANT_QDENSE_BATCHNORM_H
#define CB_QUANT_QDENSE_BATCHNORM_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "quant/qkeras.h"
#include "quant/student_kernels.h"

typedef enum { CB_FOLD_EMA, CB_FOLD_BATCH } cb_folding;

typedef struct {
    int n_in, n_out;
    cb_folding folding;
    int64_t freeze_delay;   /* < 0: never; D: the first D+2 training calls update the statistics */
    bool quantized;         /* false: K and c stay real (the float student) */
    cb_qbits kernel, bias;  /* quantizers of K and c */
    float *w, *b, *gamma, *beta;         /* borrowed: [n_in][n_out], [n_out] each */
    float *dw, *db, *dgamma, *dbeta;     /* gradients; dw is the caller's business */
    double *mean, *variance;             /* moving statistics, owned */
    int64_t calls;                       /* training calls so far */
    /* of the current training call, owned */
    bool frozen;
    double *mu, *s, *r;      /* batch mean, sqrt(batch variance + eps), sqrt(moving variance + eps) */
    double *scale;           /* gamma / r, or gamma / s with batch folding */
    float *k, *c, *rho;      /* folded kernel [n_in][n_out], folded bias, correction */
    cb_column *column;       /* [n_out]: mean after the statistics, the rest after the columns */
} cb_qdense_bn;

/* Sizes and owned arrays; mean 0, variance 1. The caller sets the borrowed arrays. */
int cb_qdense_bn_new(cb_qdense_bn *l, int n_in, int n_out) CB_MUST;
void cb_qdense_bn_free(cb_qdense_bn *l);

/* Training forward from the moments of n_event events, n_part pairs of [n_out][16]: moving averages, then mu, s, r,
 * scale, c, rho. */
void cb_qdense_bn_statistics(cb_qdense_bn *l, const double *const *sum, const double *const *square, int n_part,
                             size_t n_event);
/* Rows first .. last-1 of k. */
void cb_qdense_bn_fold_rows(cb_qdense_bn *l, int first, int last);
/* Inference: folded kernel and bias before (kf, bf) and after (kq, bq) the quantizers; any may be NULL. */
void cb_qdense_bn_fold(const cb_qdense_bn *l, double *kf, double *bf, double *kq, double *bq);

/* Training backward from the sums of G, G a, G (z - mean), n_part arrays of [3][n_out][16]: dgamma, dbeta, db and the
 * numbers of cb_column_gradient. */
void cb_qdense_bn_columns(cb_qdense_bn *l, const double *const *sums, int n_part, size_t n_event);

#endif
