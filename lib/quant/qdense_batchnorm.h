/* qdense_batchnorm.h - QDenseBatchnorm: a dense layer whose batch norm is folded into
 * quantized weights already in training (spec qkeras 2.4; julesmuhizi/qkeras branch
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
 * These are the formulas of spec 2.4 with sum_i dK_ij W_ij = rho sum_b G (z - b) put in.
 *
 * Statistics, folding and column sums are float64; a sum over a batch runs block by
 * block in 16 lanes, then over the lanes ascending, one thread: it is a few per cent of a step, and a
 * parallel loop costs more than it saves when cores are shared.
 */
#ifndef CB_QUANT_QDENSE_BATCHNORM_H
#define CB_QUANT_QDENSE_BATCHNORM_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "quant/qkeras.h"

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
    float *k, *c, *rho;      /* folded kernel [n_in][n_out], folded bias, correction */
} cb_qdense_bn;

/* Sizes and owned arrays; mean 0, variance 1. The caller sets the borrowed arrays. */
int cb_qdense_bn_new(cb_qdense_bn *l, int n_in, int n_out) CB_MUST;
void cb_qdense_bn_free(cb_qdense_bn *l);

/* Training forward, step 1: from z [n_block][n_out][16] of n_event events: statistics, then K, c, rho. */
void cb_qdense_bn_fold_batch(cb_qdense_bn *l, const float *z, size_t n_event);
/* Inference: folded kernel and bias before (kf, bf) and after (kq, bq) the quantizers; any may be NULL. */
void cb_qdense_bn_fold(const cb_qdense_bn *l, double *kf, double *bf, double *kq, double *bq);

/* Training backward: from z, a = x K and G (all [n_block][n_out][16], dead lanes of G zero) sets dgamma, dbeta, db and
 * overwrites  a := e (zero in dead lanes), z := dz (likewise), g := rho G. */
void cb_qdense_bn_backward(cb_qdense_bn *l, float *z, float *a, float *g, size_t n_event);

#endif
