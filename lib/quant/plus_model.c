#include "plus_model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/dense.h"

int cb_plus_model_new(cb_plus_model *m, const cb_plus_student *s) {
    *m = (cb_plus_model){.s = s, .view = cb_alloc((size_t)s->n_view, sizeof *m->view),
                         .wrap = cb_alloc((size_t)s->n_view, sizeof *m->wrap)};
    bool bad = !m->view || !m->wrap;
    for (int l = 0; l < s->d.n_dense; l++) {
        size_t n = (size_t)s->layer[l].n_in, k = s->layer[l].kq.n;
        m->iq[l] = cb_alloc(n, sizeof *m->iq[l]);
        m->kq[l] = cb_alloc(k, sizeof *m->kq[l]);
        m->kernel[l] = cb_alloc_aligned(k, sizeof *m->kernel[l]);
        m->bias[l] = cb_alloc_aligned((size_t)s->layer[l].n_out, sizeof *m->bias[l]);
        bad |= !m->iq[l] || !m->kq[l] || !m->kernel[l] || !m->bias[l];
    }
    if (bad) return cb_plus_model_free(m), -1;
    m->sums = (cb_plus_sums){s->n_pixel, s->d.n_view, s->n_group, s->group, m->view, m->wrap, s->d.round_views ? 0.5f : 0,
                             ldexpf(1, -CB_PLUS_UNIT)};
    cb_plus_model_update(m);
    return 0;
}

void cb_plus_model_free(cb_plus_model *m) {
    free(m->view);
    free(m->wrap);
    for (int l = 0; l < CB_PLUS_DENSE; l++) {
        free(m->iq[l]);
        free(m->kq[l]);
        free(m->kernel[l]);
        free(m->bias[l]);
    }
    *m = (cb_plus_model){0};
}

void cb_plus_model_update(cb_plus_model *m) {
    const cb_plus_student *s = m->s;
    for (int e = 0; e < s->n_view; e++) {
        cb_hgq_format *t = &m->view[e];
        *t = cb_plus_view_format(s, e);
        m->wrap[e] = cb_plus_wraps(&s->d, e % s->d.n_view) ? (1 << (t->i + t->f > 0 ? t->i + t->f : 0)) - 1 : -1;
    }
    for (int l = 0; l < s->d.n_dense; l++) {
        const cb_plus_layer *y = &s->layer[l];
        for (int i = 0; i < y->n_in; i++) m->iq[l][i] = cb_plus_input_format(s, l, i);
        cb_hgq_prepare(&y->kq, m->kq[l]);
        for (size_t e = 0; e < y->kq.n; e++) m->kernel[l][e] = cb_hgq_round(&m->kq[l][e], CB_RND, y->kernel[e]);
        for (int o = 0; o < y->n_out; o++) m->bias[l][o] = cb_plus_bias(y->bias[o]);
    }
}

size_t cb_plus_model_first(const cb_plus_student *s, int l) {
    size_t n = 0;
    for (int k = 0; k < l; k++) n += (size_t)s->layer[k].n_in;
    return n;
}

size_t cb_plus_model_values(const cb_plus_student *s) { return cb_plus_model_first(s, s->d.n_dense) + 1; }

/* ---- exact ---- */

static double quantize64(const cb_hgq_format *t, double half, double x) {
    double v = x > 0 ? x : 0;
    v = v < t->hi ? v : t->hi;
    return floor(v * t->scale + half) * t->step;
}

static double view64(const cb_plus_model *m, int e, double et) {
    const cb_hgq_format *t = &m->view[e];
    if (m->wrap[e] >= 0) return ((int)floor(et * t->scale + m->sums.half) & m->wrap[e]) * (double)t->step;
    return t->hi > 0 ? quantize64(t, m->sums.half, et) : 0;
}

double cb_plus_model_event(const cb_plus_model *m, const uint16_t *et, double *value) {
    const cb_plus_student *s = m->s;
    memset(value, 0, (size_t)s->n_group * sizeof *value);
    for (int e = 0; e < s->n_view; e++) value[s->group[e]] += view64(m, e, et[e / s->d.n_view]);
    for (int g = 0; g < s->n_group; g++) value[g] *= m->sums.unit;
    for (int l = 0; l < s->d.n_dense; l++) {
        const cb_plus_layer *y = &s->layer[l];
        double *next = value + y->n_in;
        for (int o = 0; o < y->n_out; o++) {
            next[o] = m->bias[l][o];
            for (int i = 0; i < y->n_in; i++) next[o] += quantize64(&m->iq[l][i], 0, value[i]) * m->kernel[l][i * y->n_out + o];
        }
        value = next;
    }
    return value[0] > 0 ? value[0] : 0;
}

/* ---- lanes ---- */

void cb_plus_model_block(const cb_plus_model *m, const float *x, float *value, float *q) {
    const cb_plus_student *s = m->s;
    cb_plus_lanes_sums(&m->sums, x, value);
    for (int l = 0; l < s->d.n_dense; l++) {
        const cb_plus_layer *y = &s->layer[l];
        size_t n = (size_t)y->n_in * CB_LANES;
        cb_plus_lanes_quantize(m->iq[l], y->n_in, 0, value, q);
        cb_dense_forward(q, m->kernel[l], m->bias[l], y->n_in, y->n_out, value + n);
        value += n;
        q += n;
    }
}

static void score_block(const cb_plus_model *m, const cb_student_set *set, int split, size_t block, float *x, uint16_t *row,
                        float *out) {
    size_t n = cb_plus_model_values(m->s), first = block * CB_LANES, left = set->n[split] - first;
    float *value = x + (size_t)m->s->n_pixel * CB_LANES, *last = value + (n - 1) * CB_LANES;
    if (left < CB_LANES) memset(x, 0, (size_t)m->s->n_pixel * CB_LANES * sizeof *x);
    for (size_t k = 0; k < CB_LANES && k < left; k++)
        cb_lanes_set_u16(x, (int)k, cb_rows_at(set->image[split], first + k, row), set->n_feature);
    cb_plus_model_block(m, x, value, value + n * CB_LANES);
    for (size_t k = 0; k < CB_LANES && k < left; k++) out[first + k] = last[k] > 0 ? last[k] : 0;
}

int cb_plus_model_scores(const cb_plus_model *m, const cb_student_set *set, int split, float *out) {
    size_t n_block = cb_blocks(set->n[split]);
    size_t room = ((size_t)m->s->n_pixel + 2 * cb_plus_model_values(m->s)) * CB_LANES;
    float *scratch = cb_alloc_aligned(CB_SHARDS * room, sizeof *scratch);
    uint16_t *row = cb_alloc(CB_SHARDS * (size_t)set->n_feature, sizeof *row);
    if (!scratch || !row) return free(scratch), free(row), -1;
#pragma omp parallel for schedule(static)
    for (int k = 0; k < CB_SHARDS; k++)
        for (size_t b = cb_shard_first(n_block, k); b < cb_shard_first(n_block, k + 1); b++)
            score_block(m, set, split, b, scratch + (size_t)k * room, row + (size_t)(k * set->n_feature), out);
    free(scratch);
    free(row);
    return cb_student_set_check(set);
}
