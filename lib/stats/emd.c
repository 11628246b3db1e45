#include "stats/emd.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/threads.h"

double cb_emd(const cb_sample *a, const cb_sample *b) {
    if (!a->n || !b->n) return NAN;
    size_t i = 0, j = 0;
    double sum = 0, last = 0, na = (double)a->n, nb = (double)b->n;
    while (i < a->n || j < b->n) {
        bool from_a = j == b->n || (i < a->n && a->value[i] <= b->value[j]);
        double v = from_a ? a->value[i] : b->value[j];
        /* |F_a - F_b| na nb is an exact integer below 2^53 for samples up to 9e7 events */
        if (i + j) sum += fabs((double)i * nb - (double)j * na) * (v - last);
        last = v;
        if (from_a) i++;
        else j++;
    }
    return sum / (na * nb);
}

/* Both samples merged: at step k the event `event` of side `side` is passed, and then the
 * score grows by `gap` before the next one. */
typedef struct {
    double gap;
    uint32_t event_side; /* event * 2 + side */
} merged;

static merged *merge(const cb_sample *a, const cb_sample *b) {
    size_t n = a->n + b->n, i = 0, j = 0;
    merged *m = cb_alloc(n, sizeof *m);
    double last = 0;
    for (size_t k = 0; m && k < n; k++) {
        bool from_a = j == b->n || (i < a->n && a->value[i] <= b->value[j]);
        double v = from_a ? a->value[i] : b->value[j];
        m[k].event_side = from_a ? a->event[i++] * 2 : b->event[j++] * 2 + 1;
        if (k) m[k - 1].gap = v - last;
        last = v;
    }
    return m;
}

/* One resample; times[e] = how often event e was drawn (2^16 times: never, the mean is 1). */
static double resampled(const merged *m, size_t n, uint16_t *times, cb_rng r) {
    memset(times, 0, n * sizeof *times);
    for (size_t i = 0; i < n; i++) times[cb_rng_below(&r, (uint32_t)n)]++;
    int64_t above = 0; /* n (F_a - F_b) */
    double sum = 0;
    for (size_t k = 0; k < 2 * n; k++) {
        int64_t t = times[m[k].event_side >> 1];
        above += m[k].event_side & 1 ? -t : t;
        sum += (double)(above < 0 ? -above : above) * m[k].gap;
    }
    return sum / (double)n;
}

static double deviation(const double *x, int n) {
    double mean = 0, square = 0;
    for (int i = 0; i < n; i++) mean += x[i] / n;
    for (int i = 0; i < n; i++) square += (x[i] - mean) * (x[i] - mean);
    return sqrt(square / (n - 1));
}

int cb_emd_bootstrap(const cb_sample *a, const cb_sample *b, uint64_t seed, const char *stream,
                     int n_resample, double *error) {
    *error = 0;
    size_t n = a->n;
    if (b->n != n) return cb_fail("EMD bootstrap: %zu and %zu events, the same events wanted", n, b->n);
    if (n >= (size_t)1 << 31) return cb_fail("EMD bootstrap: %zu events, at most 2^31", n);
    if (!n || n_resample < 2) return 0;
    int threads = cb_threads() < n_resample ? cb_threads() : n_resample;
    merged *m = merge(a, b);
    uint16_t *times = cb_alloc((size_t)threads, n * sizeof *times);
    double *emd = cb_alloc((size_t)n_resample, sizeof *emd);
    int rc = m && times && emd ? 0 : -1;
    if (!rc) {
#pragma omp parallel for schedule(static) num_threads(threads)
        for (int t = 0; t < threads; t++)
            for (int r = t; r < n_resample; r += threads)
                emd[r] = resampled(m, n, times + (size_t)t * n, cb_rng_at(seed, stream, (uint64_t)r));
        *error = deviation(emd, n_resample);
    }
    free(m);
    free(times);
    free(emd);
    return rc;
}

double cb_mean_absolute_error(const float *a, const float *b, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += fabs((double)a[i] - (double)b[i]);
    return n ? sum / (double)n : NAN;
}
