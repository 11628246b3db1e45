/* hgq_model.h - an HGQ student at inference: fixed kernels and formats.
 *
 * With design.saturate a WRAP data format keeps its tracked or traced range but clips instead of
 * wrapping: an event beyond everything seen in training must not turn into a small number.
 * Made from a student's current values: moving statistics folded, weights and bias quantized
 * by the inference rules (zero-width elements are 0, WRAP wraps). Two evaluations:
 *   cb_hgq_model_event  float64, exact (all values lie on binary grids well within 53 bits);
 *                       the trainer's own definition of the score, compared with the programme
 *   cb_hgq_model_block  float32 in event lanes, fast, for validation during training
 *                       (data formats of the SAT modes only)
 */
#ifndef CB_QUANT_HGQ_MODEL_H
#define CB_QUANT_HGQ_MODEL_H

#include "quant/hgq_student.h"

typedef struct {
    const cb_hgq_student *s; /* borrowed */
    cb_hgq_format *iq[CB_HGQ_LAYERS]; /* per element; a zero-width one has lo = hi = 0 */
    float *kernel[CB_HGQ_LAYERS];     /* quantized; dense1's is the fused one */
    float *bias;                      /* quantized bias of dense1 [hidden] */
    float *fused, *fused_bias;        /* before quantization */
} cb_hgq_model;

int cb_hgq_model_new(cb_hgq_model *m, const cb_hgq_student *s) CB_MUST;
/* Whether the data of a layer wrap at inference. */
bool cb_hgq_model_wraps(const cb_hgq_model *m, int layer);
/* After the student's values changed. */
void cb_hgq_model_update(cb_hgq_model *m);
void cb_hgq_model_free(cb_hgq_model *m);

/* One image of counts: the output (relu of the last sum). flat[n_flat] and hidden[hidden] receive the
 * inputs of dense1 and dense2 before their quantization (v1: flat is the image); both are scratch
 * of the caller. */
double cb_hgq_model_event(const cb_hgq_model *m, const float *image, double *flat, double *hidden);
/* Score code of an output: rounded to the 1/256 grid, ties to even, clipped to 16 bits. */
uint16_t cb_hgq_score_code(double out);

/* One block x[h*w][16] -> out[16]; scratch of cb_hgq_model_scratch floats. */
size_t cb_hgq_model_scratch(const cb_hgq_model *m);
void cb_hgq_model_block(const cb_hgq_model *m, const float *x, float *scratch, float *out);
/* The first part of it: x[h*w][16] -> the quantized input of dense1 [n_flat][16], which lies in scratch. */
float *cb_hgq_model_dense1_input(const cb_hgq_model *m, const float *x, float *scratch);
/* Mean |out - target| over a split of the set. Threads; the sum runs over blocks in order. */
int cb_hgq_model_mae(const cb_hgq_model *m, const cb_student_set *set, int split, double *mae) CB_MUST;

/* Min/max tracing (HGQ2 trace_minmax): k and i of every WRAP quantizer from n events x[n][h*w], in
 * batches; SAT quantizers stay. Dropout off, moving statistics. Reset first if `reset`. */
int cb_hgq_trace_student(cb_hgq_student *s, const float *x, size_t n, size_t batch, bool reset) CB_MUST;

#endif
