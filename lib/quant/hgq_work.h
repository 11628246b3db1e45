/* hgq_work.h - what a training step of an HGQ student works in; for hgq_train.c only. */
#ifndef CB_QUANT_HGQ_WORK_H
#define CB_QUANT_HGQ_WORK_H

#include "quant/hgq_train.h"

/* Sums of one shard; each lies on its own cache lines. */
typedef struct {
    double mae;
    double *sum, *square;              /* [n_flat][16] of dense1's quantized input */
    float *df[CB_HGQ_LAYERS], *di[CB_HGQ_LAYERS]; /* [elements of iq][16] */
    float *dconv, *dk2;                /* [taps*filters][16], [hidden][16] */
    float *dk1, *do1;                  /* [n_flat*hidden], [hidden] */
    float *peak[CB_HGQ_LAYERS];        /* as df: largest |q| */
    float *g1;                         /* [n_flat][16] scratch */
    float *zero_from;                  /* all of the above floats, in one block whose first n_zero are cleared each step */
    size_t n_zero;                     /* (not peak[1], nor di of WRAP data, nor the scratch) */
    uint16_t *keep;                    /* [hidden] lane bits */
} cb_hgq_shard;

/* What one batch needs; all of it allocated once. */
typedef struct cb_hgq_work {
    size_t n_block, image; /* room; features of the input */
    float *h0, *x1;        /* [block][n_flat][16]: input of dense1 raw (v2), quantized */
    uint16_t *on;          /* [block][n_flat] lane bits: slopes of h0 */
    float *h1, *x2, *g2;   /* [block][hidden][16]: input of dense2 raw, quantized; gradient of dense1's sums */
    cb_hgq_format *iq[CB_HGQ_LAYERS]; /* per element */
    cb_hgq_format *kq[CB_HGQ_LAYERS], *bq; /* per variable */
    float *kernel[CB_HGQ_LAYERS]; /* quantized */
    bool plain;            /* dense1's kernel went through cb_hgq_weights_quantize, all parts of it */
    bool part_plain[CB_SHARDS];
    float *fused, *fused_bias, *bias, *g_bias;
    double *scale, *offset;                /* s of the fold; [CB_SHARDS][hidden] parts of the folded offset */
    float *mean, *variance, *mu, *shift, *slope; /* [n_flat] */
    float *dk, *track;                     /* gradients of a quantized kernel; scratch */
    float *peak;                           /* [CB_HGQ_LAYERS][most] largest values of WRAP data */
    bool rows_alone;                       /* dense1's cost is worked out by parts: */
    cb_hgq_cost cost[CB_SHARDS];
    double *total;                         /* [CB_HGQ_LAYERS][most] scratch of sums, most: elements of the largest operand */
    size_t most;
    float *adam_grad, *m, *v;
    cb_hgq_shard part[CB_SHARDS];
} cb_hgq_work;

/* For batches of up to `batch` events; NULL without memory. free: NULL is allowed. */
cb_hgq_work *cb_hgq_work_new(const cb_hgq_student *s, uint32_t batch) CB_MUST;
void cb_hgq_work_free(cb_hgq_work *w);

#endif
