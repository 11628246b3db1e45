#include "stats/interval.h"

#include <math.h>

void cb_wilson(uint64_t k, uint64_t n, double z, double *lo, double *hi) {
    *lo = 0;
    *hi = 1;
    if (!n) return;
    double m = (double)n, p = (double)k / m, z2 = z * z;
    double centre = p + z2 / (2 * m);
    double half = z * sqrt(p * (1 - p) / m + z2 / (4 * m * m));
    double scale = 1 + z2 / m;
    /* the ends at k = 0 and k = n are exact; rounding must not spoil them */
    if (k > 0) *lo = (centre - half) / scale;
    if (k < n) *hi = (centre + half) / scale;
}

/* Weights relative to the mode (weight 1) keep clear of underflow for every n and p. */
typedef struct { double odds; uint64_t n, k; double w; } walk;

static void step_up(walk *s) { /* k -> k + 1 */
    s->w *= (double)(s->n - s->k) / (double)(s->k + 1) * s->odds;
    s->k++;
}
static void step_down(walk *s) { /* k -> k - 1 */
    s->w *= (double)s->k / ((double)(s->n - s->k + 1) * s->odds);
    s->k--;
}

enum { NEGLIGIBLE_BITS = 80 };

void cb_binomial_range(uint64_t n, double p, double tail, uint64_t *lo, uint64_t *hi) {
    *lo = 0;
    *hi = n;
    if (n == 0 || p >= 1) { *lo = n; return; }
    if (p <= 0) { *hi = 0; return; }
    uint64_t mode = (uint64_t)floor((double)(n + 1) * p);
    if (mode > n) mode = n;
    const double negligible = ldexp(1, -NEGLIGIBLE_BITS);
    walk start = {p / (1 - p), n, mode, 1}, s = start;
    double total = 1;
    while (s.k < n && s.w > negligible) { step_up(&s); total += s.w; }
    walk top = s;
    s = start;
    while (s.k > 0 && s.w > negligible) { step_down(&s); total += s.w; }
    /* from the far ends inwards, until the tail is full */
    double sum = s.w;
    while (s.k < n && sum <= tail * total) { step_up(&s); sum += s.w; }
    *lo = s.k;
    sum = top.w;
    while (top.k > 0 && sum <= tail * total) { step_down(&top); sum += top.w; }
    *hi = top.k;
}
