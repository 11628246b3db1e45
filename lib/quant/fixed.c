#include "quant/fixed.h"

#include <string.h>

static const char *const round_names[] = {"TRN", "RND", "RND_CONV", "TRN_ZERO", "RND_ZERO", "RND_MIN_INF", "RND_INF"};
static const char *const overflow_names[] = {"WRAP", "SAT", "SAT_SYM"};

int cb_format_width(cb_format t) {
    int width = t.k + t.i + t.f;
    return width > 0 ? width : 0;
}

/* Magnitude bits; 62 is as much as a value |v| < 2^62 can ever need. */
static int magnitude_bits(cb_format t) {
    int b = t.i + t.f;
    return b < 0 ? 0 : b > 62 ? 62 : b;
}

int64_t cb_format_max(cb_format t) {
    return cb_format_width(t) ? ((int64_t)1 << magnitude_bits(t)) - 1 : 0;
}

int64_t cb_format_min(cb_format t, cb_overflow o) {
    if (!t.k || !cb_format_width(t)) return 0;
    return o == CB_SAT_SYM ? -cb_format_max(t) : -((int64_t)1 << magnitude_bits(t));
}

/* v / 2^s as an integer, 1 <= s <= 63. */
static int64_t shift_right_rounded(int64_t v, int s, cb_round mode) {
    int64_t q = v >> s; /* floor: gcc and clang shift arithmetically */
    uint64_t rest = (uint64_t)v & (((uint64_t)1 << s) - 1), half = (uint64_t)1 << (s - 1);
    bool above = rest > half, tie = rest == half;
    switch (mode) {
    case CB_TRN: return q;
    case CB_RND: return q + (above || tie);
    case CB_RND_CONV: return q + (above || (tie && (q & 1)));
    case CB_TRN_ZERO: return q + (v < 0 && rest);
    case CB_RND_ZERO: return q + (above || (tie && v < 0));
    case CB_RND_MIN_INF: return q + above;
    case CB_RND_INF: return q + (above || (tie && v >= 0));
    }
    return q;
}

static int64_t wrap(uint64_t bits, cb_format t) {
    int width = cb_format_width(t);
    if (width >= 64) return (int64_t)bits;
    bits &= ((uint64_t)1 << width) - 1;
    if (t.k && bits >> (width - 1)) bits -= (uint64_t)1 << width; /* sign bit set */
    return (int64_t)bits;
}

int64_t cb_fixed_quantize(int64_t v, int frac, cb_format t, cb_round r, cb_overflow o) {
    if (!cb_format_width(t)) return 0;
    int s = frac - t.f;
    if (s > 0) v = shift_right_rounded(v, s > 63 ? 63 : s, r);
    int up = s < 0 ? (-s > 63 ? 63 : -s) : 0;
    if (o == CB_WRAP) return wrap((uint64_t)v << up, t);
    int64_t max = cb_format_max(t), min = cb_format_min(t, o);
    if (v > max >> up) return max;
    if (v < 0 && -v > -min >> up) return min; /* compared as magnitudes: >> floors */
    return v * ((int64_t)1 << (v ? up : 0));
}

const char *cb_round_name(cb_round r) { return round_names[r]; }
const char *cb_overflow_name(cb_overflow o) { return overflow_names[o]; }

int cb_round_parse(const char *name, cb_round *r) {
    for (int i = 0; i < (int)(sizeof round_names / sizeof *round_names); i++)
        if (!strcmp(name, round_names[i])) return *r = (cb_round)i, 0;
    return cb_fail("rounding mode '%s': TRN, RND, RND_CONV, TRN_ZERO, RND_ZERO, RND_MIN_INF or RND_INF wanted", name);
}

int cb_overflow_parse(const char *name, cb_overflow *o) {
    for (int i = 0; i < (int)(sizeof overflow_names / sizeof *overflow_names); i++)
        if (!strcmp(name, overflow_names[i])) return *o = (cb_overflow)i, 0;
    return cb_fail("overflow mode '%s': WRAP, SAT or SAT_SYM wanted", name);
}
