/* student_proof.h - that the programme in a student's file is the logic gate network that was trained for it, for all inputs
 * (cb_logic_prove of student.h, for those who know nothing of logic layers). */
#ifndef CB_LOGIC_STUDENT_PROOF_H
#define CB_LOGIC_STUDENT_PROOF_H

#include "quant/programme.h"

/* *found: false, and nothing is proven, if another stage than quantize-lgn wrote the file. Else so many gates and sums were. */
int cb_logic_prove_file(const char *path, const cb_programme *p, bool *found, int64_t *gates, int64_t *sums) CB_MUST;

#endif
