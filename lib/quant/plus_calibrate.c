#include "plus_calibrate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "quant/plus_model.h"

typedef struct {
    cb_plus_student *s;
    const cb_student_set *set;
    const cb_plus_start *p;
    cb_plus_model m;
    uint32_t n;
    size_t n_value;
    double *value; /* [n][n_value] */
    double *one;   /* [n] scratch */
    uint16_t *et;  /* [n][features] the events */
    cb_rng rng;
} work;

/* Event e of n, evenly spaced over the training set. */
static uint32_t event_of(const work *w, uint32_t e) { return (uint32_t)((uint64_t)e * w->set->n[CB_TRAIN] / w->n); }

static int take_events(work *w) {
    uint32_t *event = cb_alloc(w->n, sizeof *event);
    for (uint32_t e = 0; event && e < w->n; e++) event[e] = event_of(w, e);
    int rc = event ? cb_rows_copy(w->set->image[CB_TRAIN], event, 0, w->n, w->et) : -1;
    free(event);
    return rc;
}

/* Power of two below the count that a fraction q of all regions stays below. */
static int step_of(const work *w, double q) {
    uint64_t count[CB_ET_MAX + 1] = {0}, all = (uint64_t)w->n * (uint64_t)w->set->n_feature, below = 0;
    for (uint64_t c = 0; c < all; c++) count[w->et[c]]++;
    int et = 0, shift = 0;
    while (et < CB_ET_MAX && (double)(below += count[et]) < q * (double)all) et++;
    while (2 << shift <= et) shift++;
    return shift;
}

static void start_views(work *w) {
    cb_plus_student *s = w->s;
    for (int v = 0; v < s->d.n_view; v++) {
        int shift = step_of(w, w->p->quantile[v]);
        for (size_t k = (size_t)v; k < s->view.n; k += (size_t)s->d.n_view) {
            s->view.w[k] = (float)-shift;
            s->view.i[k] = (float)(shift + w->p->bits[v]);
        }
        for (int g = v; g < s->n_group; g += s->d.n_view) s->layer[0].iq.w[g] = (float)(CB_PLUS_UNIT - shift);
    }
    cb_plus_student_constrain(s);
}

static void evaluate(work *w) {
    cb_plus_model_update(&w->m);
    for (uint32_t e = 0; e < w->n; e++)
        cb_plus_model_event(&w->m, w->et + (size_t)e * (size_t)w->set->n_feature, w->value + e * w->n_value);
}

/* i (and f where width > 0) of the inputs of layer l from the largest values met. */
static void fit_inputs(work *w, int l, int width) {
    cb_plus_layer *y = &w->s->layer[l];
    size_t first = cb_plus_model_first(w->s, l);
    for (int i = 0; i < y->n_in; i++) {
        double peak = 0;
        for (uint32_t e = 0; e < w->n; e++) peak = fmax(peak, w->value[e * w->n_value + first + (size_t)i]);
        int bits = peak > 0 ? cb_ceil_log2(peak * (1 + 1.0 / 64)) : 0;
        y->iq.i[i] = (float)bits;
        if (width) y->iq.w[i] = (float)(width - bits);
    }
    cb_hgq_constrain(&y->iq);
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Biases of layer l: each relu opens at a quantile of its sum. */
static void set_hinges(work *w, int l) {
    cb_plus_layer *y = &w->s->layer[l];
    size_t next = cb_plus_model_first(w->s, l + 1);
    for (int o = 0; o < y->n_out; o++) {
        for (uint32_t e = 0; e < w->n; e++) w->one[e] = w->value[e * w->n_value + next + (size_t)o];
        qsort(w->one, w->n, sizeof *w->one, by_value);
        y->bias[o] = -(float)w->one[(size_t)((o + 0.5) / y->n_out * w->n)];
    }
}

/* Whether sum o of the first layer starts with the views of tile sum i. */
static bool own_view(const work *w, int l, int i, int o) {
    return l || w->s->d.n_dense < 3 || i % w->s->d.n_view == o % w->s->d.n_view;
}

static void fit_weights(work *w, int l) {
    cb_plus_layer *y = &w->s->layer[l];
    for (int e = 0; e < y->n_in * y->n_out; e++) {
        int i = -8;
        if (y->kernel[e] != 0) frexpf(y->kernel[e], &i);
        y->kq.i[e] = (float)i;
        y->kq.w[e] = own_view(w, l, e / y->n_out, e % y->n_out) ? (float)w->p->weight_bits : 0;
    }
    cb_hgq_constrain(&y->kq);
}

static void start_kernel(work *w, int l) {
    cb_plus_layer *y = &w->s->layer[l];
    for (int i = 0; i < y->n_in; i++)
        for (int o = 0; o < y->n_out; o++) {
            double noise = 0.75 + 0.5 * cb_rng_f64(&w->rng);
            y->kernel[i * y->n_out + o] = (float)(noise * (own_view(w, l, i, o) ? 1 : 0.25));
        }
    fit_weights(w, l);
}

/* The last layer: mean output = mean target. */
static void scale_last(work *w) {
    cb_plus_layer *y = &w->s->layer[w->s->d.n_dense - 1];
    double out = 0, want = 0;
    for (uint32_t e = 0; e < w->n; e++) {
        out += w->value[(e + 1) * w->n_value - 1];
        want += w->set->code[CB_TRAIN][event_of(w, e)] / 256.0;
    }
    for (int i = 0; i < y->n_in && out > 0; i++) y->kernel[i] = (float)(y->kernel[i] * want / out);
    fit_weights(w, w->s->d.n_dense - 1);
}

static void jitter(cb_hgq_quantizer *q, cb_rng *r) {
    for (size_t v = 0; v < q->n; v++) q->w[v] = (float)(q->w[v] + 0.9 * (cb_rng_f64(r) - 0.5));
}

static void start_all(work *w) {
    cb_plus_student *s = w->s;
    start_views(w);
    evaluate(w);
    fit_inputs(w, 0, 0);
    for (int l = 0; l < s->d.n_dense; l++) {
        start_kernel(w, l);
        evaluate(w);
        if (l == s->d.n_dense - 2) set_hinges(w, l);
        if (l + 1 == s->d.n_dense) break;
        evaluate(w);
        fit_inputs(w, l + 1, w->p->width);
    }
    evaluate(w);
    scale_last(w);
    cb_rng r = cb_rng_at(w->p->seed, "plus-widths", 0);
    jitter(&s->view, &r);
    for (int l = 0; l < s->d.n_dense; l++) jitter(&s->layer[l].iq, &r), jitter(&s->layer[l].kq, &r);
    cb_plus_student_constrain(s);
}

int cb_plus_calibrate(cb_plus_student *s, const cb_student_set *set, const cb_plus_start *p) {
    work w = {.s = s, .set = set, .p = p, .rng = cb_rng_at(p->seed, "plus-init", 0)};
    w.n = p->n < set->n[CB_TRAIN] ? p->n : set->n[CB_TRAIN];
    w.n_value = cb_plus_model_values(s);
    if (cb_plus_model_new(&w.m, s)) return -1;
    w.value = cb_alloc((size_t)w.n * w.n_value, sizeof *w.value);
    w.one = cb_alloc(w.n, sizeof *w.one);
    w.et = cb_alloc((size_t)w.n * (size_t)set->n_feature, sizeof *w.et);
    int rc = w.value && w.one && w.et ? take_events(&w) : -1;
    if (!rc) start_all(&w);
    free(w.value);
    free(w.one);
    free(w.et);
    cb_plus_model_free(&w.m);
    return rc;
}
