/* The quantizer against a slow definition that shares nothing with it: exact reals
 * (doubles with few bits), floor, and repeated addition for the wrap. */
#include "quant/fixed.h"
#include "unit.h"

static double slow_round(double u, cb_round mode) {
    double down = floor(u), rest = u - down;
    bool odd = fmod(down, 2) != 0, up;
    switch (mode) {
    case CB_TRN: up = false; break;
    case CB_RND: up = rest >= 0.5; break;
    case CB_RND_CONV: up = rest > 0.5 || (rest == 0.5 && odd); break;
    case CB_TRN_ZERO: up = u < 0 && rest > 0; break;
    case CB_RND_ZERO: up = rest > 0.5 || (rest == 0.5 && u < 0); break;
    case CB_RND_MIN_INF: up = rest > 0.5; break;
    default: up = rest > 0.5 || (rest == 0.5 && u > 0); break; /* RND_INF: away from zero */
    }
    return down + up;
}

static double slow_quantize(int v, int frac, cb_format t, cb_round r, cb_overflow o) {
    if (t.k + t.i + t.f <= 0) return 0;
    double q = slow_round(ldexp(v, t.f - frac), r), span = ldexp(1, t.i + t.f);
    double max = span - 1, min = t.k ? -span : 0;
    if (o == CB_SAT_SYM && t.k) min = -max;
    if (o != CB_WRAP) return q > max ? max : q < min ? min : q;
    double period = t.k ? 2 * span : span; /* 2^width */
    q -= period * floor((q - min) / period);
    return q;
}

static void test_all_codes(void) {
    static const struct { int frac; cb_format t; } cases[] = {
        {4, {0, 6, 4}}, {12, {0, 6, 4}},   {10, {0, 6, 4}}, {12, {0, 8, 8}}, {3, {1, 4, 7}},  {8, {1, 2, 5}},   {8, {1, 0, 0}}, {5, {1, -2, 4}},
        {2, {0, 5, -3}}, {0, {1, 9, -8}},  {6, {0, -3, 9}}, {0, {0, 0, 0}},  {6, {1, -2, 1}}, {15, {1, -8, 14}}, {1, {1, 14, 2}}, {70, {1, 3, 4}}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
        for (int r = 0; r <= CB_RND_INF; r++)
            for (int o = 0; o <= CB_SAT_SYM; o++) {
                int bad = 0;
                for (int v = -32768; v < 32768; v++)
                    bad += (double)cb_fixed_quantize(v, cases[c].frac, cases[c].t, (cb_round)r, (cb_overflow)o) !=
                           slow_quantize(v, cases[c].frac, cases[c].t, (cb_round)r, (cb_overflow)o);
                CU_ASSERT_EQUAL(bad, 0);
                if (bad) fprintf(stderr, "\n  case %zu %s %s: %d of 65536 differ\n", c, cb_round_name(r), cb_overflow_name(o), bad);
            }
}

static void test_extremes(void) {
    int64_t big = ((int64_t)1 << 62) - 1;
    cb_format wide = {1, 61, 0}, narrow = {1, 3, 4}, fine = {0, 8, 60}, coarse = {1, 64, -60};
    CU_ASSERT_EQUAL(cb_fixed_quantize(big, 0, wide, CB_TRN, CB_SAT), ((int64_t)1 << 61) - 1);
    CU_ASSERT_EQUAL(cb_fixed_quantize(-big, 0, wide, CB_TRN, CB_SAT), -((int64_t)1 << 61));
    CU_ASSERT_EQUAL(cb_fixed_quantize(big, 0, narrow, CB_TRN, CB_SAT), 127);
    CU_ASSERT_EQUAL(cb_fixed_quantize(-big, 0, narrow, CB_TRN, CB_SAT_SYM), -127);
    CU_ASSERT_EQUAL(cb_fixed_quantize(-big, 100, narrow, CB_TRN, CB_SAT), -1);
    CU_ASSERT_EQUAL(cb_fixed_quantize(-big, 100, narrow, CB_RND, CB_SAT), 0);
    CU_ASSERT_EQUAL(cb_fixed_quantize(3, -70, narrow, CB_RND, CB_SAT), 127);
    CU_ASSERT_EQUAL(cb_fixed_quantize(-3, -70, narrow, CB_RND, CB_SAT), -128);
    CU_ASSERT_EQUAL(cb_fixed_quantize(0, -70, narrow, CB_RND, CB_SAT), 0);
    CU_ASSERT_EQUAL(cb_fixed_quantize(3, -70, narrow, CB_RND, CB_WRAP), 0);
    CU_ASSERT_EQUAL(cb_fixed_quantize(3, 0, fine, CB_RND, CB_SAT), (int64_t)3 << 60);
    CU_ASSERT_EQUAL(cb_fixed_quantize(((int64_t)1 << 59) + 1, 0, coarse, CB_RND, CB_SAT), 1);
    CU_ASSERT_EQUAL(cb_format_width((cb_format){1, -4, 2}), 0);
    CU_ASSERT_EQUAL(cb_format_max((cb_format){1, -4, 2}), 0);
    CU_ASSERT_EQUAL(cb_format_min((cb_format){1, -2, 2}, CB_SAT), -1);
    CU_ASSERT_EQUAL(cb_format_min((cb_format){0, 8, 8}, CB_SAT), 0);
}

static void test_names(void) {
    cb_round r;
    cb_overflow o;
    for (int i = 0; i <= CB_RND_INF; i++) {
        UNIT_OK(cb_round_parse(cb_round_name((cb_round)i), &r));
        CU_ASSERT_EQUAL((int)r, i);
    }
    for (int i = 0; i <= CB_SAT_SYM; i++) {
        UNIT_OK(cb_overflow_parse(cb_overflow_name((cb_overflow)i), &o));
        CU_ASSERT_EQUAL((int)o, i);
    }
    UNIT_FAILS(cb_round_parse("AP_RND", &r), "rounding mode 'AP_RND'");
    UNIT_FAILS(cb_overflow_parse("sat", &o), "WRAP, SAT or SAT_SYM");
}

UNIT_MAIN("fixed", {"all codes of 16 formats in 21 modes", test_all_codes}, {"extremes", test_extremes}, {"names", test_names})
