/* fixed.h - fixed-point formats and the one integer quantizer of the project.
 *
 * A format is (k, i, f): sign flag, integer bits without the sign, fraction
 * bits; i and f may be negative; magnitude width b = i + f. It is
 * ap_[u]fixed<k+i+f, k+i>. Values are n * 2^-f.
 */
#ifndef CB_QUANT_FIXED_H
#define CB_QUANT_FIXED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef enum { CB_TRN, CB_RND, CB_RND_CONV, CB_TRN_ZERO, CB_RND_ZERO, CB_RND_MIN_INF, CB_RND_INF } cb_round;
typedef enum { CB_WRAP, CB_SAT, CB_SAT_SYM } cb_overflow;

typedef struct {
    int8_t k;
    int16_t i, f;
} cb_format; /* k + i + f <= 0: the value is always 0 */

/* Largest and smallest integer of the format in units of 2^-f. */
int64_t cb_format_max(cb_format t);
int64_t cb_format_min(cb_format t, cb_overflow o);
/* Bits in hardware, k + i + f, at least 0. */
int cb_format_width(cb_format t);

/* v * 2^-frac -> integer in units of 2^-t.f. Exact for |v| < 2^62. */
int64_t cb_fixed_quantize(int64_t v, int frac, cb_format t, cb_round r, cb_overflow o);

const char *cb_round_name(cb_round r);         /* "RND_CONV", ... as in ap_fixed */
const char *cb_overflow_name(cb_overflow o);
int cb_round_parse(const char *name, cb_round *r) CB_MUST;
int cb_overflow_parse(const char *name, cb_overflow *o) CB_MUST;

#endif
