/* plus_model.h - an hgq+ student as a function: formats and quantized weights of its current values.
 *
 * Two evaluations: cb_plus_model_event in float64, exact (every value lies on a binary grid well within 53 bits), the
 * trainer's own definition of the score; and in float32 event lanes, fast, the one training uses.
 */
#ifndef CB_QUANT_PLUS_MODEL_H
#define CB_QUANT_PLUS_MODEL_H

#include "quant/plus_lanes.h"
#include "quant/plus_student.h"
#include "quant/student_data.h"

typedef struct {
    const cb_plus_student *s;         /* borrowed */
    cb_hgq_format *view;              /* [n_view] per element */
    int32_t *wrap;                    /* the same: plus_lanes.h */
    cb_hgq_format *iq[CB_PLUS_DENSE]; /* [n_in] */
    cb_hgq_format *kq[CB_PLUS_DENSE]; /* [n_in*n_out] */
    float *kernel[CB_PLUS_DENSE];     /* [n_in][n_out] quantized */
    float *bias[CB_PLUS_DENSE];       /* [n_out] on its grid */
    cb_plus_sums sums;                /* of the kernels in lanes */
} cb_plus_model;

int cb_plus_model_new(cb_plus_model *m, const cb_plus_student *s) CB_MUST;
/* After the student's values changed. */
void cb_plus_model_update(cb_plus_model *m);
void cb_plus_model_free(cb_plus_model *m);

/* Values of one event: the inputs of every dense layer before their quantization, and the last sum. */
size_t cb_plus_model_values(const cb_plus_student *s);
/* First value of dense layer l's input (l = n_dense: the last sum). */
size_t cb_plus_model_first(const cb_plus_student *s, int l);

/* One image of counts -> value[cb_plus_model_values]; returns max(last sum, 0). */
double cb_plus_model_event(const cb_plus_model *m, const uint16_t *et, double *value);
/* One block x[n_pixel][16] -> value[cb_plus_model_values][16], quantized q[the same]. */
void cb_plus_model_block(const cb_plus_model *m, const float *x, float *value, float *q);
/* max(last sum, 0) of every event of a split -> out[n]. Threads. */
int cb_plus_model_scores(const cb_plus_model *m, const cb_student_set *set, int split, float *out) CB_MUST;

#endif
