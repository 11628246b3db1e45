/* Scoring of 16 events in lanes, compiled once an instruction set (mk/isa.mk). */
#include <stdint.h>

#include "nn/isa.h"
#include "quant/lanes_plan.h"

/* What one register holds. */
#if defined __AVX512F__
#define VECTOR_BYTES 64
#elif defined __AVX2__
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif

#define LANE int32_t
#define VECTOR v32
#define FN(name) CB_ISA_PASTE(name, 32)
#include "quant/lanes_kernel.h"
#undef LANE
#undef VECTOR
#undef FN
#define LANE int64_t
#define VECTOR v64
#define FN(name) CB_ISA_PASTE(name, 64)
#include "quant/lanes_kernel.h"

void CB_ISA_FN(cb_plan_score)(const cb_plan *plan, const uint16_t *et, int n, void *x, void *y, uint16_t *code) {
    (plan->narrow ? score_32 : score_64)(plan, et, n, x, y, code);
}

void CB_ISA_FN(cb_plan_bits)(const cb_plan *plan, const uint16_t *et, int n, void *x, void *y, const cb_plan_cuts *cuts, uint16_t *bit) {
    (plan->narrow ? bits_32 : bits_64)(plan, et, n, x, y, cuts, bit);
}
