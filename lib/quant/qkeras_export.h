/* qkeras_export.h - from a trained QKeras student to its integer programme.
 *
 * With the deployed widths (cb_qkeras_deployed):
 *   conv2d "conv"   kernel (12,3): units 1/256                       (v2)
 *   quant  "relu_conv"   relu, ap_ufixed<10,6,RND_CONV,SAT>
 *   dense  "dense1" folded kernel (8,1): 1/64, folded bias (8,3): 1/16
 *   quant  "relu_dense1" the same
 *   dense  "dense2" kernel (12,3)
 *   quant  "relu_dense2" relu, ap_ufixed<16,8,RND_CONV,SAT>: the score
 *
 * Accumulators are those of the firmware (Princeton-AD/cicada, compile-to-cpp.py: conv ap_fixed<30,22>, dense1 <26,20> in v1 and <26,14> in
 * v2, dense2 <26,14>); where the exact worst case of a student does not fit, as few integer bits are added as
 * are needed, and the log says so. cb_programme_finish proves them in either case. Students of other widths declare no
 * accumulators: there is no firmware to follow.
 *
 * EBOPs follow the definition of ebops.h (HGQ2), so that both families share an axis. The widths of QKeras are
 * uniform: unsigned activations have all their bits, the input 10, a weight or bias its bits without the
 * sign, b-1, whatever its value. `exact` instead counts each multiplication with the span of ones of the constant (HGQ quantizer/quantizer.py;
 * zero weights are free) and no biases.
 */
#ifndef CB_QUANT_QKERAS_EXPORT_H
#define CB_QUANT_QKERAS_EXPORT_H

#include "quant/programme.h"
#include "quant/qkeras_student.h"

/* p is overwritten; the caller frees it. Includes ebops, seed, parameters. */
int cb_qkeras_programme(cb_programme *p, const cb_qkeras_folded *f, const char *name) CB_MUST;

/* The uniform-width EBOPs of an architecture; negative without memory. */
double cb_qkeras_ebops(const cb_qkeras_student *m);

/* The trainer's scores against the programme's codes: student_check.h. */
int cb_qkeras_check(const cb_qkeras_folded *f, const cb_programme *p, const cb_student_set *set, int64_t *checked,
                    int64_t *mismatches) CB_MUST;

#endif
