/* hgq_export.h - from a trained HGQ student to its integer programme.
 *
 *   quant  "conv_in"    formats of conv's iq, one an element (RND, SAT)          (v2)
 *   conv2d "conv"       quantized kernel on a common grid                        (v2)
 *   quant  "dense1_in"  relu (v2), formats of dense1's iq
 *   dense  "dense1"     fused quantized kernel, quantized bias
 *   quant  "dense2_in"  relu, formats of dense2's iq
 *   dense  "dense2"
 *   quant  "score"      relu, ap_ufixed<16,8,RND_CONV,SAT>
 *
 * HGQ's own output is the unrounded sum before the last operation; the 16-bit score is that sum
 * on the 1/256 grid, as for every student here. Data are never negative (counts, relu), so the
 * formats are written without their sign, where SAT and SAT_SYM are the same.
 *
 * ebops is HGQ2's count of the current widths (ebops.h); the exact count by the span of each
 * weight's ones is cb_programme_ebops_exact, the same for every family.
 */
#ifndef CB_QUANT_HGQ_EXPORT_H
#define CB_QUANT_HGQ_EXPORT_H

#include "quant/hgq_model.h"
#include "quant/programme.h"

/* p is overwritten; the caller frees it. name: row in the tables; seed: of the student. Fails if
 * data formats wrap or a weight does not fit 32 bits on the common grid. */
int cb_hgq_programme(cb_programme *p, const cb_hgq_model *m, const char *name, int64_t seed) CB_MUST;
/* Exact evaluation of the model against the programme (student_check.h). */
int cb_hgq_check(const cb_hgq_model *m, const cb_programme *p, const cb_student_set *set, int64_t *checked,
                 int64_t *mismatches) CB_MUST;

#endif
