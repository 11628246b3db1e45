/* hgq_student.h - CICADA students with trainable widths (HGQ): state and start values.
 *
 *   v1:  counts -> [iq] dense1 (batch norm, hidden, relu) -> dropout 1/8 -> [iq] dense2 (1, relu)
 *   v2:  counts -> [iq] conv (square, stride = size, relu, no bias) -> dropout 1/9 -> dense1 ... as v1
 *
 * Every layer quantizes its own input (iq) and kernel (kq); dense1 also its bias (bq).
 * relu outputs stay exact sums until the next iq, so the student's own output is an
 * unquantized sum; the integer programme rounds it to the 1/256 grid of the score.
 *
 * dense1 normalises its *input* features (HGQ2 layers/core/dense.py, QBatchNormDense):
 *     s = gamma / sqrt(v + 1e-3),  Kq = kq(diag(s) K),  bq(bias - mu K)
 * with mu, v of the quantized input: of the batch in training, moving averages (0.99) at
 * inference. The offset mu K lacks the factor s; that is upstream's rule and the default here
 * (CB_HGQ_FOLD_UPSTREAM). CB_HGQ_FOLD_EXACT: bias - mu diag(s) K, a true batch norm. In both the
 * offset follows the unquantized kernel while the sums follow the quantized one, so it is off by
 * mu (Kq - diag(s) K), which moves with every weight that crosses a rounding threshold. Ours,
 * CB_HGQ_FOLD_CENTRED: bias - mu Kq, with mu the moving mean and v as it started, in training and
 * inference alike and constants to the gradient: the layer sums (x - mu) Kq.
 *
 * All real values of a student (weights, statistics, raw bit variables) lie in one array
 * `value`, cut into named tensors: <layer>_kernel, dense1_bias, dense1_bn_gamma,
 * dense1_moving_mean, dense1_moving_variance, <layer>_<iq|kq|bq>_<i|f|b>, with layer conv,
 * dense1, dense2; the sign flags <layer>_<..>_k in `sign`. Kernels: conv [dy][dx][filter],
 * dense [in][out]; flatten index (oy*ow+ox)*filters+filter.
 */
#ifndef CB_QUANT_HGQ_STUDENT_H
#define CB_QUANT_HGQ_STUDENT_H

#include "quant/hgq_quantizer.h"
#include "quant/student_data.h"
#include "quant/student_kernels.h"

enum { CB_HGQ_CONV, CB_HGQ_DENSE1, CB_HGQ_DENSE2, CB_HGQ_LAYERS };
enum { CB_HGQ_TENSORS = 32 };
#define CB_HGQ_BN_EPSILON 1e-3

typedef enum { CB_HGQ_FOLD_UPSTREAM, CB_HGQ_FOLD_EXACT, CB_HGQ_FOLD_CENTRED } cb_hgq_fold;

/* One quantizer as it is to be made. */
typedef struct {
    cb_hgq_quantizer rules; /* cb_hgq_defaults, changed as wanted; n and arrays unused */
    int k;                  /* start values */
    float i, w;
    int rank;               /* shape of the bit variables without the batch axis; */
    uint64_t shape[4];      /* rank 0: one variable an element */
} cb_hgq_place;

typedef struct {
    bool conv; /* v2 */
    int height, width, size, filters, hidden;
    cb_hgq_fold fold;
    bool saturate; /* WRAP data: ranges follow the data in training, and saturate at inference */
    cb_hgq_place iq[CB_HGQ_LAYERS], kq[CB_HGQ_LAYERS], bq;
} cb_hgq_design;

/* Start widths as in HGQ2: "2025" (mid-2025: data 4+2 bits, weights b 4, i 2) or "head"
 * (0.2.0: data 2+6, weights b 8, i 2); the bias quantizer in the SAT_SYM (2025) or the WRAP
 * (head) flavour. Data SAT_SYM, k = 1 in both, one format a data element and a weight. */
typedef enum { CB_HGQ_2025, CB_HGQ_HEAD } cb_hgq_flavour;
cb_hgq_design cb_hgq_design_v2(int height, int width, int size, int filters, int hidden, cb_hgq_flavour bits,
                               cb_hgq_flavour bias);
cb_hgq_design cb_hgq_design_v1(int height, int width, int hidden, cb_hgq_flavour bits, cb_hgq_flavour bias);

/* A quantizer with the elements it serves. */
typedef struct {
    cb_hgq_quantizer q; /* arrays inside the student's */
    uint32_t *map;      /* [n] or NULL */
    size_t n;
} cb_hgq_site;

typedef struct {
    char name[32];
    size_t first, n; /* in value or sign */
} cb_hgq_tensor;

typedef struct {
    cb_hgq_design d;
    int first;                      /* first layer: CB_HGQ_CONV or CB_HGQ_DENSE1 */
    int oh, ow, n_flat;             /* conv output; inputs of dense1 */
    cb_hgq_site iq[CB_HGQ_LAYERS], kq[CB_HGQ_LAYERS], bq;
    float *kernel[CB_HGQ_LAYERS];
    float *bias, *gamma, *mean, *variance; /* of dense1 */
    size_t n_value, n_sign;
    float *value;
    uint8_t *sign;
    int n_tensor, n_sign_tensor;
    cb_hgq_tensor tensor[CB_HGQ_TENSORS], sign_tensor[CB_HGQ_TENSORS];
    float *work_bits;               /* scratch of the cost: widths of one layer's operands */
    double *work_grad;
} cb_hgq_student;

/* Kernels Glorot uniform (stream "hgq-init"), bias 0, gamma 1, mean 0, variance 1, widths as
 * in the design. NULL on failure. */
cb_hgq_student *cb_hgq_student_new(const cb_hgq_design *d, uint64_t seed) CB_MUST;
void cb_hgq_student_free(cb_hgq_student *s);
/* All values and signs; both of the same design. */
void cb_hgq_student_copy(cb_hgq_student *to, const cb_hgq_student *from);

/* EBOPs of each layer (0 for a missing one) with the current widths; returns the sum. */
double cb_hgq_student_ebops(const cb_hgq_student *s, double ebops[CB_HGQ_LAYERS]);

/* What a training step pays beside its loss: EBOPs and the sum of MonoL1 over the quantizers. */
typedef struct {
    double ebops[CB_HGQ_LAYERS], regularizer;
} cb_hgq_cost;

/* The cost in pieces that threads may work on at once: rows from..to-1 of dense1 (its quantizers of input and kernel), if
 * every element there has variables of its own (rows_alone), and all but the first `done` rows of dense1 (0 or n_flat).
 * Writes the piece to *c, adds factor * dE/d(raw bit) and the slope of MonoL1 to grad, an array like `value`. A piece uses
 * its own part of the student's scratch. */
bool cb_hgq_student_rows_alone(const cb_hgq_student *s);
void cb_hgq_student_cost_rows(const cb_hgq_student *s, size_t from, size_t to, double factor, double *grad, cb_hgq_cost *c);
void cb_hgq_student_cost_rest(const cb_hgq_student *s, size_t done, double factor, double *grad, cb_hgq_cost *c);
/* Number of weights, biases and gammas (not widths). */
int64_t cb_hgq_student_parameters(const cb_hgq_student *s);

/* dense1 as it is computed with statistics mean, variance: fused kernel [n_flat][hidden] and bias
 * [hidden] before quantization; scale[n_flat] = s (may be NULL). float64, rounded once. */
void cb_hgq_student_fuse(const cb_hgq_student *s, const float *mean, const float *variance, float *kernel, float *bias,
                         double *scale);

/* Rows from..to-1 of it (all of scale's), and their share of the offset: added to offset[hidden], which the bias is
 * reduced by; a centred fold has none here. */
void cb_hgq_student_fuse_rows(const cb_hgq_student *s, const float *mean, const float *variance, size_t from, size_t to,
                              float *kernel, double *offset, double *scale);

/* The share of rows from..to-1 in the offset of a centred fold; kernel: the whole quantized one. */
void cb_hgq_student_centre_rows(const cb_hgq_student *s, const float *mean, const float *kernel, size_t from, size_t to,
                                double *offset);

/* Fits the bias format of a WRAP bq (k and i) to the bias at inference: what min/max tracing
 * gives. Nothing else is traced here; see hgq_model.h. */
int cb_hgq_student_trace_bias(cb_hgq_student *s) CB_MUST;

/* Every tensor under `group` of an artifact. */
int cb_hgq_student_write(const cb_hgq_student *s, cb_h5 *f, const char *group) CB_MUST;

#endif
