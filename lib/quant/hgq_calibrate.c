#include "hgq_calibrate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "quant/hgq_model.h"

/* i and f (or b) of one data quantizer from the largest value of each element. */
static void fit_input(cb_hgq_site *site, const double *peak, int bits, bool counts) {
    for (size_t v = 0; v < site->q.n; v++) site->q.i[v] = -INFINITY;
    for (size_t e = 0; e < site->n; e++) {
        size_t v = site->map ? site->map[e] : e;
        /* the range must hold peak + one step of the format that follows */
        int i = peak[e] > 0 ? cb_ceil_log2(counts ? peak[e] + 1 : peak[e]) : 0;
        if ((float)i > site->q.i[v]) site->q.i[v] = (float)i;
    }
    for (size_t v = 0; v < site->q.n; v++) {
        site->q.k[v] = 0;
        site->q.w[v] = counts ? 0 : (float)bits - site->q.i[v];
        if (counts && site->q.i[v] < 1) site->q.i[v] = 1;
    }
    cb_hgq_constrain(&site->q);
}

/* KBI: b = bits, i from the largest |w| that the variable serves. */
static void fit_weights(cb_hgq_site *site, const float *w, int bits) {
    if (site->q.kind != CB_KBI) return;
    for (size_t v = 0; v < site->q.n; v++) {
        site->q.i[v] = -INFINITY;
        site->q.w[v] = (float)bits;
    }
    for (size_t e = 0; e < site->n; e++) {
        size_t v = site->map ? site->map[e] : e;
        int i = -8; /* a zero weight: no range to speak of */
        if (w[e] != 0) frexpf(w[e], &i);
        if ((float)i > site->q.i[v]) site->q.i[v] = (float)i;
    }
}

/* Event e of n, evenly spaced over the training set: zero bias and outliers in proportion. */
static const uint16_t *sample(const cb_student_set *set, uint32_t n, uint32_t e, uint16_t *row) {
    return cb_rows_at(set->image[CB_TRAIN], (uint64_t)e * set->n[CB_TRAIN] / n, row);
}

/* Over the events: largest element of dense1's and dense2's inputs (`hidden` NULL: only the first), and
 * the moments of dense1's quantized input. */
typedef struct {
    double *flat, *hidden, *peak_flat, *peak_hidden;
    float *image;
    uint16_t *row;
} events;

static void load(events *w, const cb_student_set *set, uint32_t n, uint32_t e) {
    const uint16_t *x = sample(set, n, e, w->row);
    for (int c = 0; c < set->n_feature; c++) w->image[c] = x[c];
}

static void scan(events *w, const cb_hgq_model *m, const cb_student_set *set, uint32_t n) {
    int flat = m->s->n_flat, h = m->s->d.hidden;
    for (uint32_t e = 0; e < n; e++) {
        load(w, set, n, e);
        cb_hgq_model_event(m, w->image, w->flat, w->hidden);
        for (int c = 0; c < flat; c++) w->peak_flat[c] = fmax(w->peak_flat[c], w->flat[c]);
        for (int o = 0; o < h; o++) w->peak_hidden[o] = fmax(w->peak_hidden[o], w->hidden[o]);
    }
}

static void set_moments(events *w, cb_hgq_student *s, const cb_hgq_model *m, const cb_student_set *set, uint32_t n) {
    double *sum = w->peak_flat, *square = w->flat + s->n_flat; /* peaks are no longer needed */
    memset(sum, 0, (size_t)s->n_flat * sizeof *sum);
    memset(square, 0, (size_t)s->n_flat * sizeof *square);
    for (uint32_t e = 0; e < n; e++) {
        load(w, set, n, e);
        cb_hgq_model_event(m, w->image, w->flat, w->hidden);
        for (int c = 0; c < s->n_flat; c++) {
            double q = cb_hgq_round(&m->iq[CB_HGQ_DENSE1][c], CB_RND, (float)w->flat[c]);
            sum[c] += q;
            square[c] += q * q;
        }
    }
    for (int c = 0; c < s->n_flat; c++) {
        double mu = sum[c] / n;
        s->mean[c] = (float)mu;
        s->variance[c] = (float)fmax(square[c] / n - mu * mu, 0);
    }
}

static int fit_all(events *w, cb_hgq_model *m, cb_hgq_student *s, const cb_student_set *set, uint32_t n, int bits) {
    int image = s->d.height * s->d.width, first = s->first;
    for (uint32_t e = 0; e < n; e++) {
        load(w, set, n, e);
        for (int c = 0; c < image; c++) w->peak_flat[c] = fmax(w->peak_flat[c], w->image[c]);
    }
    fit_input(&s->iq[first], w->peak_flat, bits, true);
    if (s->d.conv) {
        fit_weights(&s->kq[0], s->kernel[0], bits);
        cb_hgq_model_update(m);
        memset(w->peak_flat, 0, (size_t)s->n_flat * sizeof *w->peak_flat);
        scan(w, m, set, n);
        fit_input(&s->iq[1], w->peak_flat, bits, false);
    }
    cb_hgq_model_update(m);
    set_moments(w, s, m, set, n);
    cb_hgq_student_fuse(s, s->mean, s->variance, m->fused, m->fused_bias, NULL);
    fit_weights(&s->kq[1], m->fused, bits);
    cb_hgq_student_fuse(s, s->mean, s->variance, m->fused, m->fused_bias, NULL); /* a centred offset follows these widths */
    fit_weights(&s->bq, m->fused_bias, bits);
    fit_weights(&s->kq[2], s->kernel[2], bits);
    if (cb_hgq_student_trace_bias(s)) return -1;
    cb_hgq_model_update(m);
    memset(w->peak_hidden, 0, (size_t)s->d.hidden * sizeof *w->peak_hidden);
    scan(w, m, set, n);
    fit_input(&s->iq[2], w->peak_hidden, bits, false);
    return 0;
}

/* The rounded width stays: offsets in [-0.45, 0.45). */
static void jitter(cb_hgq_quantizer *q, uint64_t seed, uint64_t index) {
    cb_rng r = cb_rng_at(seed, "hgq-widths", index);
    for (size_t v = 0; v < q->n; v++) q->w[v] = (float)(q->w[v] + 0.9 * (cb_rng_f64(&r) - 0.5));
}

int cb_hgq_calibrate(cb_hgq_student *s, const cb_student_set *set, uint32_t n, int bits, uint64_t seed) {
    size_t image = (size_t)(s->d.height * s->d.width), flat = (size_t)s->n_flat, h = (size_t)s->d.hidden;
    size_t most = image > flat ? image : flat;
    cb_hgq_model m;
    if (bits < 1 || bits > 20) return cb_fail("HGQ start widths: %d significant bits, 1 to 20 expected", bits);
    if (n > set->n[CB_TRAIN]) n = set->n[CB_TRAIN];
    if (cb_hgq_model_new(&m, s)) return -1;
    events w = {cb_alloc(2 * flat, sizeof(double)), cb_alloc(h, sizeof(double)), cb_alloc(most, sizeof(double)),
                cb_alloc(h, sizeof(double)), cb_alloc(image, sizeof(float)), cb_alloc(image, sizeof(uint16_t))};
    bool good = w.flat && w.hidden && w.peak_flat && w.peak_hidden && w.image && w.row;
    int rc = good ? fit_all(&w, &m, s, set, n, bits) || cb_student_set_check(set) : -1;
    for (int l = s->first; !rc && l < CB_HGQ_LAYERS; l++) {
        jitter(&s->iq[l].q, seed, (uint64_t)l);
        jitter(&s->kq[l].q, seed, (uint64_t)l + 8);
    }
    free(w.flat);
    free(w.hidden);
    free(w.peak_flat);
    free(w.peak_hidden);
    free(w.image);
    free(w.row);
    cb_hgq_model_free(&m);
    return rc ? -1 : 0;
}
