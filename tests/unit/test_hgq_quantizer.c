/* The HGQ quantizers and their cost: recorded values (tests/golden), known answers, properties. */
#define GOLDEN_PART
#include "../golden/golden_hgq_quantizers.c"

#include "unit.h"

static void test_recorded_quantizers(void) {
    golden tally;
    CU_ASSERT_EQUAL(hgq_quantizers(unit_golden("."), true, &tally), 0);
    CU_ASSERT(tally.ok == RULES + 1 + 56 || tally.skipped);
}

static void test_recorded_ebops(void) {
    golden tally;
    CU_ASSERT_EQUAL(hgq_ebops(unit_golden("."), true, &tally), 0);
    CU_ASSERT(tally.ok == 32 || tally.skipped);
}

/* ---- known answers of the rules, independent of the recordings ---- */

static void test_integer_bits(void) {
    static const struct { float m; int f, i; } kif[] = {{0, 3, -3},  {.125f, 3, -2}, {.875f, 3, 0}, {1, 3, 1},
                                                        {7.875f, 3, 3}, {8, 3, 4},  {3, 0, 2},     {3, -1, 3}};
    static const struct { float m; int b, i; } kbi[] = {{.5f, 4, 0}, {.9375f, 4, 0}, {.94f, 4, 1}, {1, 4, 1}, {.2f, 1, -1},
                                                        {.51f, 1, 1}, {3, 8, 2}, {1, 0, 32}, {0, 4, -23}};
    for (size_t r = 0; r < sizeof kif / sizeof *kif; r++) CU_ASSERT_EQUAL(cb_hgq_need_kif(kif[r].m, kif[r].f), kif[r].i);
    for (size_t r = 0; r < sizeof kbi / sizeof *kbi; r++) CU_ASSERT_EQUAL(cb_hgq_need_kbi(kbi[r].m, kbi[r].b), kbi[r].i);
    for (int n = -60; n < 60; n++) {
        CU_ASSERT_EQUAL(cb_ceil_log2(ldexp(1, n)), n);
        CU_ASSERT_EQUAL(cb_ceil_log2(nextafter(ldexp(1, n), INFINITY)), n + 1);
        CU_ASSERT_EQUAL(cb_ceil_log2(nextafter(ldexp(1, n), 0)), n);
    }
}

static void test_span(void) {
    static const int w[] = {0, 1, -1, 2, 6, -6, 5, 12, 255, 256, 1 << 20}, span[] = {0, 1, 1, 1, 2, 2, 3, 2, 8, 1, 1};
    for (size_t r = 0; r < sizeof w / sizeof *w; r++) CU_ASSERT_EQUAL(cb_bit_span(w[r]), span[r]);
    CU_ASSERT_EQUAL(cb_bit_span(INT64_MIN), 1);
}

/* A finer format never has the larger rounding error, and the range holds its ends. */
static void test_properties(void) {
    for (int f = -3; f < 8; f++)
        for (int i = -4; i < 6; i++) {
            cb_hgq_format t = cb_hgq_format_make(1, i, f, CB_SAT_SYM), fine = cb_hgq_format_make(1, i, f + 1, CB_SAT_SYM);
            CU_ASSERT(t.lo == -t.hi && cb_hgq_round(&t, CB_RND, t.hi) == t.hi && cb_hgq_round(&t, CB_RND, t.lo) == t.lo);
            for (float x = -20; x < 20; x += 0.171875f) {
                float q = cb_hgq_round(&t, CB_RND, x);
                CU_ASSERT(q >= t.lo && q <= t.hi && rintf(q * t.scale) == q * t.scale);
                if (i > -f) CU_ASSERT(fabsf(cb_hgq_round(&fine, CB_RND, x) - x) <= fabsf(q - x));
            }
        }
}

static void test_bad_map(void) {
    CU_ASSERT_PTR_NULL(cb_hgq_map(2, (uint64_t[]){4, 3}, 2, (uint64_t[]){2, 3}));
    CU_ASSERT_PTR_NOT_NULL(strstr(cb_error(), "axis 0 is 2, expected 1 or 4"));
    CU_ASSERT_PTR_NULL(cb_hgq_map(1, (uint64_t[]){4}, 2, (uint64_t[]){1, 4}));
}

UNIT_MAIN("hgq quantizers", {"recorded quantizers", test_recorded_quantizers}, {"recorded EBOPs of layers", test_recorded_ebops},
          {"integer bits, exact", test_integer_bits}, {"span of a constant", test_span},
          {"range and rounding", test_properties}, {"shapes that do not fit", test_bad_map})
