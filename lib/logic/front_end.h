/* front_end.h - what a logic gate network may read instead of region counts: the elements of a quantizer in another student's
 * programme, so that sums with trained bit widths (HGQ, hgq+) come first and look-up tables behind them.
 *
 * Features are the elements of one QUANT that can be above 0, in units of 2^-out_frac. They are never negative, and at most
 * 1023, so that training sees them as it sees counts: an image of 1 x n. Thresholds of the network are for a feature that reaches
 * 1023; where it reaches less they shrink with it (cb_front_end_threshold).
 *
 *     cb_front_end f;
 *     cb_front_end_new(&f, &student, "dense1_in");    // the student must outlive f
 *     cb_front_end_set(&f, &images, &features);       // what the network is trained on
 *     cb_logic_student_behind(&s, &design, &f);       // logic/student.h
 */
#ifndef CB_LOGIC_FRONT_END_H
#define CB_LOGIC_FRONT_END_H

#include "quant/programme.h"
#include "quant/student_data.h"

typedef struct {
    const cb_programme *student; /* borrowed, finished */
    int op;                      /* index of the QUANT */
    int n;                       /* features */
    int32_t *element;            /* [n]: of the QUANT's output, ascending */
    int32_t *largest;            /* [n]: 1 .. 1023, by the exact bounds of the programme */
} cb_front_end;

/* Fails, naming student and layer, if there is no such QUANT, bits have been compared before it, an element can be negative
 * or above 1023, or none can be above 0. */
int cb_front_end_new(cb_front_end *f, const cb_programme *student, const char *layer) CB_MUST;
void cb_front_end_free(cb_front_end *f);

/* et[n][input_h*input_w] -> feature[n][f->n], by the plain definition of the operations. Threads. */
int cb_front_end_features(const cb_front_end *f, const uint16_t *et, uint32_t n, uint16_t *feature) CB_MUST;
/* The features of all images of a set, with their targets, in memory. */
int cb_front_end_set(const cb_front_end *f, const cb_student_set *images, cb_student_set *features) CB_MUST;
/* A threshold, 0 .. 1022, for a feature: threshold * largest / 1023, rounded down. */
int32_t cb_front_end_threshold(const cb_front_end *f, int feature, int32_t threshold);
/* Copies the operations up to the QUANT into an empty programme and sets its input. */
int cb_front_end_begin(const cb_front_end *f, cb_programme *p) CB_MUST;

#endif
