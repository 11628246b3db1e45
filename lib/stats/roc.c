#include "stats/roc.h"

#include <math.h>

#include "stats/interval.h"

/* One run of equal scores in the merged order of two samples. */
typedef struct {
    const cb_sample *s, *b;
    size_t i, j;   /* events below the run */
    size_t ns, nb; /* events in the run */
} run;

static bool next_run(run *r) {
    r->i += r->ns;
    r->j += r->nb;
    if (r->i == r->s->n && r->j == r->b->n) return false;
    bool from_s = r->j == r->b->n || (r->i < r->s->n && r->s->value[r->i] <= r->b->value[r->j]);
    float v = from_s ? r->s->value[r->i] : r->b->value[r->j];
    for (r->ns = 0; r->i + r->ns < r->s->n && r->s->value[r->i + r->ns] == v;) r->ns++;
    for (r->nb = 0; r->j + r->nb < r->b->n && r->b->value[r->j + r->nb] == v;) r->nb++;
    return true;
}

cb_auc cb_roc_auc(const cb_sample *signal, const cb_sample *background) {
    size_t n = signal->n, m = background->n;
    cb_auc a = {0, NAN, 0, 1};
    if (!n || !m) return a;
    for (run r = {signal, background, 0, 0, 0, 0}; next_run(&r);)
        a.twice_u += (uint64_t)r.ns * (2 * (uint64_t)r.j + r.nb);
    a.auc = (double)a.twice_u / (2 * (double)n * (double)m);
    if (n < 2 || m < 2) return a;
    /* placements: the fraction of the other sample below (above) each event */
    double vs = 0, vb = 0;
    for (run r = {signal, background, 0, 0, 0, 0}; next_run(&r);) {
        double below = (2 * (double)r.j + (double)r.nb) / (2 * (double)m) - a.auc;
        double above = (2 * (double)(n - r.i - r.ns) + (double)r.ns) / (2 * (double)n) - a.auc;
        vs += (double)r.ns * (below * below);
        vb += (double)r.nb * (above * above);
    }
    double variance = vs / (double)(n - 1) / (double)n + vb / (double)(m - 1) / (double)m;
    double half = CB_Z_95 * sqrt(variance);
    a.lo = a.auc - half > 0 ? a.auc - half : 0;
    a.hi = a.auc + half < 1 ? a.auc + half : 1;
    return a;
}

float cb_roc_threshold(const cb_sample *background, uint64_t allowed) {
    if (allowed >= background->n) return -INFINITY;
    /* everything above the first event that must stay out */
    return nextafterf(background->value[background->n - 1 - allowed], INFINITY);
}

uint64_t cb_roc_allowed(size_t n, double rate, double crossing_rate) {
    double k = floor((double)n * rate / crossing_rate);
    return k >= (double)n ? n : (uint64_t)k;
}

static uint64_t accepted_at(const cb_sample *signal, const cb_sample *background, uint64_t allowed) {
    return cb_sample_accepted(signal, cb_roc_threshold(background, allowed));
}

cb_efficiency cb_roc_efficiency(const cb_sample *signal, const cb_sample *background, double rate,
                                double crossing_rate) {
    cb_efficiency e = {.value = NAN, .lo = 0, .hi = 1};
    if (!signal->n || !background->n) return e;
    uint64_t n = background->n, allowed = cb_roc_allowed(n, rate, crossing_rate), lo, hi;
    float t = cb_roc_threshold(background, allowed);
    e.background = cb_sample_accepted(background, t);
    e.signal = cb_sample_accepted(signal, t);
    e.value = (double)e.signal / (double)signal->n;
    /* K, the events above the true threshold, is binomial: K >= lo puts the threshold below the
     * lo-th highest event, K <= hi puts it above the (hi+1)-th, each with probability 98.75 %. */
    double p = rate < crossing_rate ? rate / crossing_rate : 1, none;
    cb_binomial_range(n, p, (1 - 0.975) / 2, &lo, &hi);
    if (lo > 0) cb_wilson(accepted_at(signal, background, lo - 1), signal->n, CB_Z_975, &e.lo, &none);
    cb_wilson(accepted_at(signal, background, hi), signal->n, CB_Z_975, &none, &e.hi);
    return e;
}

size_t cb_roc_curve(const cb_sample *signal, const cb_sample *background, int per_decade,
                    cb_roc_point *point, size_t max) {
    size_t count = 0;
    double growth = 1 + 2.302585092994046 / per_decade; /* a factor of ten in about per_decade steps */
    for (uint64_t k = 0; count < max;) {
        float t = cb_roc_threshold(background, k);
        cb_roc_point p = {cb_sample_accepted(background, t), cb_sample_accepted(signal, t)};
        if (!count || p.background != point[count - 1].background || p.signal != point[count - 1].signal)
            point[count++] = p;
        if (k >= background->n) break;
        uint64_t next = (uint64_t)((double)k * growth);
        k = next > k ? next : k + 1;
        if (k > background->n) k = background->n;
    }
    return count;
}
