/* plus_front.h - the front of an hgq+ student: several constant betas side by side, or one run by the plan.
 *
 * As hgq_front.h, for our own recipe: beta is the loss per LUT (plus_cost.h), each beta of a scan gets a training of its
 * own from the same start, the runs share the processors one thread each (base/threads.h), and all their epochs compete in
 * one front of mean absolute error of the validation set against exact EBOPs (front.h) or against LUTs (the plan's price).
 * The widths are trained for LUTs, and a point good in LUTs may lose in EBOPs: the copies that give each view its
 * own format count as products with 1 although they are wires (regions x views x 10 EBOPs, a constant).
 */
#ifndef CB_QUANT_PLUS_FRONT_H
#define CB_QUANT_PLUS_FRONT_H

#include "quant/front.h"
#include "quant/plus_fit.h"

/* Trains copies of `start`: with n_beta 0 one by the plan, else one for each constant beta, without a budget and without
 * asking the plan's estimate. front and run[n_beta ? n_beta : 1]: cb_front_scan. */
int cb_plus_front_train(const cb_plus_student *start, const cb_student_set *set, const cb_plus_plan *plan, int n_beta,
                        const double *beta, cb_front *front, cb_front_run *run) CB_MUST;

/* Points and students of a thinned front into a file that has its runs. Every programme is compared with its
 * trainer on all validation events (student_check.h); a difference is a failure. */
int cb_plus_front_write(const cb_front *front, const cb_student_set *set, const char *name, int64_t seed, cb_h5 *f) CB_MUST;

#endif
