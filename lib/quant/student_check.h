/* student_check.h - the trainer's own score against the integer programme, event by event.
 *
 * Events: all validation events of a student set, then CB_CHECK_IMAGES random images (stream
 * "student-check"): uniform, steeply falling, sparse with saturated regions, constant.
 */
#ifndef CB_QUANT_STUDENT_CHECK_H
#define CB_QUANT_STUDENT_CHECK_H

#include "quant/programme.h"
#include "quant/student_data.h"

enum { CB_CHECK_IMAGES = 4096, CB_CHECK_EVENTS = 4096 /* a call of cb_code_fn at most */ };

/* Codes of n images et[n][features] by the trainer's evaluation. */
typedef int cb_code_fn(void *context, const uint16_t *et, uint32_t n, uint16_t *code);

int cb_student_check(const cb_programme *p, const cb_student_set *set, uint64_t seed, cb_code_fn *score, void *context,
                     int64_t *checked, int64_t *mismatches) CB_MUST;
/* The same for all events of a split (CB_TRAIN, CB_VAL) and no random images. */
int cb_student_check_split(const cb_programme *p, const cb_student_set *set, int split, cb_code_fn *score, void *context,
                           int64_t *checked, int64_t *mismatches) CB_MUST;

/* What is done with the counts: an error if any event differs, else a line in the log. */
int cb_student_verdict(const cb_programme *p, int64_t checked, int64_t mismatches) CB_MUST;
/* The programme into an open student file, with the root attributes checked, mismatches and
 * ebops_exact (ebops.h). */
int cb_student_write(const cb_programme *p, int64_t checked, int64_t mismatches, cb_h5 *f) CB_MUST;
/* The same in a group of a file of several students (front.h). */
int cb_student_write_at(const cb_programme *p, int64_t checked, int64_t mismatches, cb_h5 *f, const char *root) CB_MUST;

#endif
