/* student_profile.h - where the time of a student's training goes, by kind of work.
 *
 * Wall time of the threads, taken a few times a block of 16 events: the clock must be cheap, a
 * block takes 10 us. So it is exact on a quiet machine only. All functions take NULL as "off".
 * What the passes do not explain (weights, sums between the passes, waiting) is the rest of
 * threads x wall time. Times go to the log only.
 */
#ifndef CB_QUANT_STUDENT_PROFILE_H
#define CB_QUANT_STUDENT_PROFILE_H

#include "base/threads.h"

typedef enum {
    CB_STEP_LOAD,     /* images into lanes */
    CB_STEP_DROPOUT,  /* random numbers */
    CB_STEP_FIRST,    /* convolution with its quantizers; v1: input quantizer */
    CB_STEP_DENSE,    /* dense forward, moments */
    CB_STEP_LOSS,     /* hidden units, score, loss and back */
    CB_STEP_BACK,     /* dense input gradient */
    CB_STEP_FIRST_BACK, /* convolution and quantizer gradients */
    CB_STEP_WEIGHTS,  /* dense weight gradient */
    CB_STEPS
} cb_step;

typedef struct {
    double seconds[CB_SHARDS][CB_STEPS], all, began;
} cb_student_profile;

/* A lap: start, then stop after each piece of work of one shard. */
double cb_step_start(const cb_student_profile *p);
void cb_step_stop(cb_student_profile *p, int shard, cb_step what, double *lap);
/* Around a whole step, outside parallel regions. */
void cb_student_profile_begin(cb_student_profile *p);
void cb_student_profile_end(cb_student_profile *p);
/* One line a kind of work: seconds, percent. */
void cb_student_profile_log(const cb_student_profile *p);

#endif
