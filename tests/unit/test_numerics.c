/* The run-time guard: it accepts this build and refuses a changed floating-point environment. Builds with
 * wrong compiler flags are tried by tests/system/guard.sh. */
#include <fenv.h>
#ifdef __x86_64__
#include <xmmintrin.h>
#endif

#include "base/fmath.h"
#include "base/numerics.h"
#include "nn/isa.h"
#include "unit.h"

static void test_this_build(void) {
    UNIT_OK(cb_numerics_check());
    UNIT_OK(cb_isa_check());
    CU_ASSERT_PTR_NULL(cb_numerics_fault()); /* also with the flags of the tests */
}

static void test_rounding_mode(void) {
    CU_ASSERT_EQUAL(fesetround(FE_UPWARD), 0);
    UNIT_FAILS(cb_numerics_check(), "round-to-nearest");
    CU_ASSERT_EQUAL(fesetround(FE_TONEAREST), 0);
    UNIT_OK(cb_numerics_check());
}

static void test_flush_to_zero(void) {
#ifdef __x86_64__
    unsigned before = _mm_getcsr();
    const unsigned bit[] = {0x8000, 0x0040}; /* FTZ, DAZ */
    for (int k = 0; k < 2; k++) {
        _mm_setcsr(before | bit[k]);
        UNIT_FAILS(cb_numerics_check(), "flushed to zero");
        UNIT_FAILS(cb_isa_check(), "kernels v2: subnormal numbers are flushed to zero");
        _mm_setcsr(before);
    }
#endif
    UNIT_OK(cb_numerics_check());
}

UNIT_MAIN("numerics", {"this build", test_this_build}, {"rounding mode", test_rounding_mode},
          {"flush to zero", test_flush_to_zero})
