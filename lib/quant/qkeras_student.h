/* qkeras_student.h - CICADA's students v1 and v2 with QKeras rules: state, one training
 * step, inference (google/qkeras 0.9.0; Princeton-AD/cicada models.py).
 *
 *   v1: image -> QDenseBatchnorm -> relu -> dropout 1/8 -> QDense 1 -> relu
 *   v2: image -> QConv2D k x k stride k -> relu -> dropout 1/9 -> the same
 *
 * CICADA: k 2, 4 filters, 16 hidden units. Quantizers (cb_qkeras_bits; these are the deployed ones): conv and last kernel
 * (12,3), dense kernel (8,1), folded bias (8,3), relus (10,6); the last relu is (16,8), the score. With quantized = false every quantizer is the identity, a
 * relu is max(x, 0), and there is no weight constraint: the float student.
 *
 * One step, as Keras 2.15 makes it: forward with batch statistics, mae, backward, Adam on all weights, then the
 * Clip constraints. Training is float32 in event lanes (orders: nn/lanes.h, quant/student_kernels.h; the gradient of
 * the last kernel is summed like that of the convolution), statistics and folding float64. Three passes over the blocks, with the
 * batch sums between them: images -> z; folded kernel -> loss -> G; gradients. Sums run per shard and then over the
 * shards ascending, so any number of threads gives the same bytes. Inference is float64 on the quantized weights and thus exact
 * (all sums are below 2^53 units): its scores are those of the integer programme.
 *
 * Weights live in one array, in this order: conv [k][k][1][filters] (v2), kernel [n_flat][hidden], bias,
 * gamma, beta [hidden], out [hidden][1]. n_flat index: (y*ow+x)*filters+f.
 */
#ifndef CB_QUANT_QKERAS_STUDENT_H
#define CB_QUANT_QKERAS_STUDENT_H

#include "data/artifact.h"
#include "quant/qdense_batchnorm.h"
#include "quant/student_data.h"
#include "quant/student_profile.h"

/* One quantizer a layer. Kernels and bias: quantized_bits, symmetric, 2 to 16 bits; relus: quantized_relu, 1 to 16 bits. */
typedef struct {
    cb_qbits conv, dense, bias, out;
    cb_qrelu relu_conv, relu_dense;
    double gamma; /* start value of the batch norm's gamma (Keras: 1); larger ones bring the folded kernel into a coarse grid's range */
    double dropout; /* fronts: the dropout of the shape times this, 1 or 0 */
} cb_qkeras_bits;

extern const cb_qkeras_bits cb_qkeras_deployed;

typedef struct {
    int height, width;      /* image */
    bool conv;              /* v2 */
    int filters, kernel;    /* of the convolution */
    int hidden;
    bool quantized;
    cb_qkeras_bits bits;
    float drop_flat, drop_hidden; /* dropout after flatten (v2) and after the hidden relu; 0 = off */
    cb_folding folding;
    int64_t freeze_delay;   /* see qdense_batchnorm.h */
    uint64_t seed;          /* initial weights, dropout, shuffling */
} cb_qkeras_shape;

/* CICADA's v1 ("v1") or v2 ("v2") for an image size, seed 1. */
cb_qkeras_shape cb_qkeras_cicada(bool v2, int height, int width);

typedef struct {
    cb_qkeras_shape shape;
    int oh, ow, n_flat;      /* after the convolution; v1: n_flat = height*width */
    size_t n_conv, n_weight; /* floats in conv and in all */
    float *weight, *gradient, *adam_m, *adam_v; /* [n_weight] each */
    float *conv, *kernel, *bias, *gamma, *beta, *out;           /* into weight */
    float *d_conv, *d_kernel, *d_bias, *d_gamma, *d_beta, *d_out; /* into gradient */
    cb_qdense_bn bn;
    uint64_t step; /* Adam steps done */
} cb_qkeras_student;

/* Allocates and initialises (he_normal, gamma 1, the rest 0; streams "init-conv", "init-dense", "init-out"). */
int cb_qkeras_student_new(cb_qkeras_student *m, const cb_qkeras_shape *shape) CB_MUST;
void cb_qkeras_student_free(cb_qkeras_student *m);

/* Buffers for batches of at most `room` events. */
typedef struct {
    size_t room;               /* blocks */
    float *flat;               /* v2: [block][n_flat][16] input of the dense layer */
    uint16_t *slope;           /* v2: [block][n_flat] lane bits: dropout, then d flat / d convolution */
    float *z, *g;              /* [block][hidden][16]; see qdense_batchnorm.h */
    float *score;              /* [block][16] */
    float *shard;              /* [CB_SHARDS][n_weight] partial gradients */
    double *sums;              /* [CB_SHARDS][5][hidden][16]: z, z^2; G, G a, G (z - m) */
    float *lanes;              /* [CB_SHARDS][n_conv + hidden][16] gradients of conv and out */
    float *scratch;            /* [CB_SHARDS][4 hidden + n_flat][16] */
    uint16_t *keep;            /* [CB_SHARDS][hidden] */
    float *operands;           /* v2: [n_flat][2][hidden] K and W side by side: d loss / d flat is one product */
    float *conv_q, *out_q;     /* quantized kernels of this step */
    float *dense;              /* NULL, or [block][hidden][16] to receive the dense output (for comparisons) */
    const uint16_t *keep_flat, *keep_hidden; /* NULL, or lane bits [block][n] to use instead of drawing them */
    cb_student_profile *profile; /* NULL, or borrowed: where the time goes */
} cb_qkeras_work;

int cb_qkeras_work_new(cb_qkeras_work *w, const cb_qkeras_student *m, uint32_t room) CB_MUST;
void cb_qkeras_work_free(cb_qkeras_work *w);

/* Forward in training mode and all gradients of the batch; updates the moving statistics. Returns the
 * loss (mean |score - target|). Blocks of b that were only chosen are loaded on the way. */
double cb_qkeras_gradients(cb_qkeras_student *m, cb_qkeras_work *w, cb_student_batch *b);
/* Adam with these gradients, then the constraints. */
void cb_qkeras_update(cb_qkeras_student *m, double learning_rate);

/* ---- inference ---- */

/* What inference uses: quantized, batch norm folded; float64. */
typedef struct {
    const cb_qkeras_student *m;
    double *conv, *kernel, *bias, *out; /* layouts as in the student */
    double *scratch;                    /* [CB_SHARDS][...] */
    uint16_t *row;                      /* [CB_SHARDS][16][height*width] images from a file */
} cb_qkeras_folded;

int cb_qkeras_folded_new(cb_qkeras_folded *f, const cb_qkeras_student *m) CB_MUST;
void cb_qkeras_fold(cb_qkeras_folded *f); /* from the student's present weights */
void cb_qkeras_folded_free(cb_qkeras_folded *f);

/* n images image[e] (rows of height*width counts) -> score[n]; dense (may be NULL): [n][hidden] dense outputs.
 * Threads. */
void cb_qkeras_infer(const cb_qkeras_folded *f, const uint16_t *const *image, uint32_t n, double *score,
                     double *dense);
/* Mean |score - target| over a split: per shard of blocks, events ascending. */
double cb_qkeras_evaluate(const cb_qkeras_folded *f, const cb_student_set *s, int split);

/* Group `group`: the float weights and moving statistics. */
int cb_qkeras_student_write(const cb_qkeras_student *m, cb_h5 *f, const char *group) CB_MUST;

#endif
