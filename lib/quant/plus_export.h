/* plus_export.h - from an hgq+ student to its integer programme.
 *
 *   conv2d "copies"     1 x 1, one channel a view, weights 1                  (more than one view)
 *   quant  "slices"     WRAP formats of the views that wrap                   (wrap_views)
 *   quant  "views"      one format an element (TRN or RND, SAT)
 *   conv2d "sums"       tiles, weights 1 per view, in units of 2^4 counts
 *   quant  "dense<l>_in", dense "dense<l>"   for every dense layer: relu, TRN, SAT
 *   quant  "score"      relu, ap_ufixed<16,8,RND_CONV,SAT>
 */
#ifndef CB_QUANT_PLUS_EXPORT_H
#define CB_QUANT_PLUS_EXPORT_H

#include "quant/plus_model.h"
#include "quant/programme.h"

/* p is overwritten; the caller frees it. family "hgq+". Fails if a weight does not fit 32 bits on the common grid. */
int cb_plus_programme(cb_programme *p, const cb_plus_model *m, const char *name, int64_t seed) CB_MUST;
/* Exact evaluation of the model against the programme (student_check.h). */
int cb_plus_check(const cb_plus_model *m, const cb_programme *p, const cb_student_set *set, int64_t *checked,
                  int64_t *mismatches) CB_MUST;

#endif
