/* Scoring of 32 events in 16-bit pairs, compiled once an instruction set (mk/isa.mk); contract in
 * quant/pairs_plan.h. */
#include "nn/isa.h"
#include "quant/pairs_plan.h"
#include "quant/pairs_register.h"

uint32_t CB_ISA_FN(cb_pairs_block)(const cb_pairs_plan *plan, const uint16_t *et, int64_t stride, const uint16_t *next,
                                   int32_t *x, int32_t *y, uint16_t *code);

enum { PAIRS_GROUPS = CB_PAIRS_EVENTS / REG_LANES };

#define PAIRS_FN(name) CB_ISA_PASTE(name, madd)
#define PAIRS_DOT reg_madd
#include "quant/pairs_kernel.h"

#ifdef __AVX512BW__
#undef PAIRS_FN
#undef PAIRS_DOT
#define PAIRS_FN(name) CB_ISA_PASTE(name, dot)
#define PAIRS_DOT reg_vnni
#include "quant/pairs_kernel.h"
#endif

uint32_t CB_ISA_FN(cb_pairs_block)(const cb_pairs_plan *plan, const uint16_t *et, int64_t stride, const uint16_t *next,
                                   int32_t *x, int32_t *y, uint16_t *code) {
#ifdef __AVX512BW__
    if (plan->dot) return score_dot(plan, et, stride, next, x, y, code);
#endif
    return score_madd(plan, et, stride, next, x, y, code);
}
