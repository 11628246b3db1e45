/* plus_cost.h - what a student will cost in LUTs, as a function of its trainable widths.
 *
 * EBOPs charge products only. Of a student with 1-bit weights the adders and the saturation of its inputs are
 * most of the LUTs, so they are charged here, by the rules that hw/cost.h was fitted with (an adder costs its bits,
 * a saturation one LUT to see the overflow and half a LUT per kept bit), with b = width, bw = width of a weight:
 *     a view that keeps b > 0 bits and saturates   1 + b/2            (nothing if i = 10, the input's own)
 *     its place in the tile sum                    b + 0.8            (carries grow by less than a bit an input)
 *     rounding instead of truncation               10                 (an adder on the input)
 *     a term of a dense layer                      digits(bw) (b + 1), digits = bw up to 1, then (bw + 1)/2
 *     relu and saturation of a hidden unit         1 + b/2
 * A tile nobody uses costs nothing: its views and sum count min(1, sum of bw over the units).
 * With design.ebops_cost the sum is EBOPs instead: b for a view in its tile sum, b bw for a term, nothing else.
 * Shared subexpressions and bits of the weights that are zero are not seen; the caller scales the sum to the
 * netlist's own estimate (plus_fit.h).
 */
#ifndef CB_QUANT_PLUS_COST_H
#define CB_QUANT_PLUS_COST_H

#include "quant/plus_student.h"

typedef struct {
    double views, sums, dense, units; /* saturation of views, tile sums, dense terms, hidden quantizers */
    double total;
} cb_plus_lut;

/* grad: NULL, or an array like s->value to which factor * d total / d(raw bit) is added. Bits are rounded on use with
 * identity gradient, as everywhere; slopes are those towards fewer bits. */
cb_plus_lut cb_plus_cost(const cb_plus_student *s, double factor, double *grad);
/* EBOPs by HGQ's rules (ebops.h): the tile sums as products with 1-bit weights, then the dense layers. */
double cb_plus_ebops(const cb_plus_student *s);

#endif
