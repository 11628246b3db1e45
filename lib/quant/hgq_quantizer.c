#include "hgq_quantizer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* 2^n in float, saturating where float ends (formats never go there in training). */
static float pow2f(int n) {
    if (n > 127) return INFINITY;
    if (n < -126) return ldexpf(1, n);
    uint32_t bits = (uint32_t)(n + 127) << 23;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

cb_hgq_format cb_hgq_format_make(int k, int i, int f, cb_overflow o) {
    int ie = i > -f ? i : -f;
    cb_hgq_format t = {.k = k, .i = i, .f = f, .scale = pow2f(f), .step = pow2f(-f)};
    float top = pow2f(ie), hi = top - t.step;
    if (o == CB_WRAP) {
        t.hi = INFINITY;
        t.lo = -INFINITY;
        return t;
    }
    t.hi = hi;
    t.lo = !k ? 0 : o == CB_SAT ? -top : 0 - hi; /* never -0 */
    t.di_hi = (float)(CB_LN2 * top);
    t.df_hi = (float)(CB_LN2 * t.step);
    t.di_lo = -(float)k * t.di_hi;
    t.df_lo = o == CB_SAT_SYM ? -(float)k * t.df_hi : 0;
    return t;
}

/* u + 0.5 is a float sum: upstream's result where that sum is inexact. */
static float round_unit(float u, cb_round r) {
    switch (r) {
    case CB_TRN: return floorf(u);
    case CB_RND: return floorf(u + 0.5f);
    case CB_RND_CONV: return rintf(u);
    case CB_TRN_ZERO: return truncf(u);
    case CB_RND_ZERO: return copysignf(-floorf(-fabsf(u) + 0.5f), u);
    case CB_RND_MIN_INF: return -floorf(-u + 0.5f);
    case CB_RND_INF: return copysignf(floorf(fabsf(u) + 0.5f), u);
    }
    return u;
}

/* The closing + 0 turns -0 into 0: no quantizer output is -0. */
float cb_hgq_round(const cb_hgq_format *t, cb_round r, float x) {
    float c = x > t->hi ? t->hi : x < t->lo ? t->lo : x;
    if (c != x) return c + 0.0f;
    return round_unit(x * t->scale, r) * t->step + 0.0f;
}

float cb_hgq_infer(const cb_hgq_format *t, cb_round r, cb_overflow o, float x) {
    float q = cb_hgq_round(t, r, x);
    if (o != CB_WRAP) return q;
    int ie = t->i > -t->f ? t->i : -t->f;
    float m = pow2f(ie + t->k), b = (float)t->k * m / 2, v = fmodf(q + b, m); /* float sum, as upstream */
    return (v < 0 ? v + m : v) - b + 0.0f;
}

void cb_hgq_partials(const cb_hgq_format *t, float x, float q, float *dx, double *di, double *df) {
    *dx = 0;
    if (x > t->hi || x < t->lo) {
        int ie = t->i > -t->f ? t->i : -t->f, sign = x > t->hi ? 1 : -t->k;
        *di = sign * CB_LN2 * (double)pow2f(ie);
        *df = x > t->hi || t->df_lo != 0 ? sign * CB_LN2 * (double)t->step : 0;
        return;
    }
    *dx = 1;
    *di = 0;
    *df = CB_LN2 * ((double)x - q);
}

int cb_ceil_log2(double v) {
    int e;
    return frexp(v, &e) == 0.5 ? e - 1 : e;
}

int cb_hgq_need_kif(float m, int f) {
    return m > 0 ? cb_ceil_log2((double)m + ldexp(1, -f)) : -f;
}

/* e guards the logarithm upstream; kept because it decides values next to the range's end. */
int cb_hgq_need_kbi(float m, int b) {
    const float e = 1e-7f;
    if (b <= 0) return 32;
    return cb_ceil_log2((m + e) / (1 - pow2f(-b) + e));
}

cb_hgq_quantizer cb_hgq_defaults(cb_hgq_kind kind, cb_overflow o, bool weight) {
    bool kif = kind == CB_KIF;
    return (cb_hgq_quantizer){.kind = kind, .round = CB_RND, .overflow = o, .weight = weight,
                              .decay = weight ? INFINITY : 0.01f, .w_min = kif ? -24 : 0,
                              .w_max = kif || !weight ? 24 : 23, .i_min = kif ? -23 : -INFINITY,
                              .i_max = kif ? 23 : INFINITY, .l1_w = 1e-8f, .l1_i = kif ? 1e-8f : 0};
}

int cb_hgq_quantizer_init(cb_hgq_quantizer *q, cb_hgq_kind kind, cb_overflow o, bool weight, size_t n, int k,
                          float i, float w) {
    *q = cb_hgq_defaults(kind, o, weight);
    q->n = n;
    q->k = cb_alloc(n, 1);
    q->i = cb_alloc(n, sizeof *q->i);
    q->w = cb_alloc(n, sizeof *q->w);
    if (!q->k || !q->i || !q->w) return -1;
    for (size_t v = 0; v < n; v++) {
        q->k[v] = (uint8_t)k;
        q->i[v] = i;
        q->w[v] = w;
    }
    return 0;
}

void cb_hgq_quantizer_free(cb_hgq_quantizer *q) {
    free(q->k);
    free(q->i);
    free(q->w);
    q->k = NULL;
    q->i = q->w = NULL;
}

cb_format cb_hgq_rounded(const cb_hgq_quantizer *q, size_t v) {
    int i = (int)rintf(q->i[v]), w = (int)rintf(q->w[v]);
    return (cb_format){(int8_t)q->k[v], (int16_t)i, (int16_t)(q->kind == CB_KIF ? w : w - i)};
}

void cb_hgq_prepare(const cb_hgq_quantizer *q, cb_hgq_format *t) {
    for (size_t v = 0; v < q->n; v++) {
        cb_format r = cb_hgq_rounded(q, v);
        t[v] = cb_hgq_format_make(r.k, r.i, r.f, q->overflow);
    }
}

float cb_hgq_apply(const cb_hgq_quantizer *q, const cb_hgq_format *t, float x) {
    bool unwrapped = q->weight && (q->kind == CB_KIF || q->round == CB_RND);
    /* A WRAP weight in KIF form escapes the zero-width rule too (recorded). */
    bool kept = q->weight && q->kind == CB_KIF && q->overflow == CB_WRAP;
    if (t->k + t->i + t->f <= 0 && !kept) return 0;
    return unwrapped ? cb_hgq_round(t, q->round, x) : cb_hgq_infer(t, q->round, q->overflow, x);
}

void cb_hgq_track(cb_hgq_quantizer *q, const float *m) {
    if (q->overflow != CB_WRAP) return;
    for (size_t v = 0; v < q->n; v++) {
        int w = (int)rintf(q->w[v]);
        float need = (float)(q->kind == CB_KIF ? cb_hgq_need_kif(m[v], w) : cb_hgq_need_kbi(m[v], w));
        float i = q->i[v] - q->decay;
        i = i > need ? i : need;
        if (q->kind == CB_KBI) i = i < q->i_min ? q->i_min : i > q->i_max ? q->i_max : i;
        q->i[v] = i;
    }
}

/* Largest |x| (KIF: |rounded x|) and smallest of each variable; least may be NULL. */
static void measure(const cb_hgq_quantizer *q, const cb_hgq_format *t, const float *x, const uint32_t *map,
                    size_t n, float *m, float *least) {
    for (size_t e = 0; e < n; e++) {
        size_t v = map ? map[e] : e;
        float a = q->kind == CB_KIF ? cb_hgq_round(&t[v], q->round, x[e]) : x[e];
        if (fabsf(a) > m[v]) m[v] = fabsf(a);
        if (least && a < least[v]) least[v] = a;
    }
}

/* Formats (n), then two arrays of n floats, in one allocation. */
static cb_hgq_format *scratch(const cb_hgq_quantizer *q, float **m, float **least) {
    cb_hgq_format *t = cb_alloc(q->n, sizeof *t + 2 * sizeof(float));
    if (!t) return NULL;
    *m = (float *)(t + q->n);
    *least = *m + q->n;
    cb_hgq_prepare(q, t);
    return t;
}

void cb_hgq_forward_with(cb_hgq_quantizer *q, const float *x, const uint32_t *map, size_t n, float *y,
                         cb_hgq_format *t, float *m) {
    cb_hgq_prepare(q, t);
    if (q->overflow == CB_WRAP) {
        memset(m, 0, q->n * sizeof *m);
        measure(q, t, x, map, n, m, NULL);
        cb_hgq_track(q, m);
        cb_hgq_prepare(q, t);
    }
    for (size_t e = 0; e < n; e++) y[e] = cb_hgq_round(&t[map ? map[e] : e], q->round, x[e]);
}

void cb_hgq_backward_with(const cb_hgq_quantizer *q, const cb_hgq_format *t, const float *x, const float *y,
                          const float *g, const uint32_t *map, size_t n, float *dx, double *di, double *dw) {
    for (size_t e = 0; e < n; e++) {
        size_t v = map ? map[e] : e;
        float px;
        double pi, pf, ge = g[e];
        cb_hgq_partials(&t[v], x[e], y[e], &px, &pi, &pf);
        if (dx) dx[e] = g[e] * px;
        dw[v] += ge * pf;
        if (cb_hgq_trains_i(q)) di[v] += ge * (q->kind == CB_KIF ? pi : pi - pf);
    }
}

int cb_hgq_forward(cb_hgq_quantizer *q, const float *x, const uint32_t *map, size_t n, float *y) {
    float *m, *least;
    cb_hgq_format *t = scratch(q, &m, &least);
    if (!t) return -1;
    cb_hgq_forward_with(q, x, map, n, y, t, m);
    free(t);
    return 0;
}

int cb_hgq_backward(const cb_hgq_quantizer *q, const float *x, const float *y, const float *g,
                    const uint32_t *map, size_t n, float *dx, double *di, double *dw) {
    float *m, *least;
    cb_hgq_format *t = scratch(q, &m, &least);
    if (!t) return -1;
    cb_hgq_backward_with(q, t, x, y, g, map, n, dx, di, dw);
    free(t);
    return 0;
}

void cb_hgq_trace_begin(cb_hgq_quantizer *q) {
    if (q->overflow != CB_WRAP) return;
    for (size_t v = 0; v < q->n; v++) {
        q->i[v] = -1e9f;
        q->k[v] = 0;
    }
}

static float clamp_i(const cb_hgq_quantizer *q, float i) {
    return i < q->i_min ? q->i_min : i > q->i_max ? q->i_max : i;
}

void cb_hgq_trace_update(cb_hgq_quantizer *q, const float *m, const float *least) {
    if (q->overflow != CB_WRAP) return;
    for (size_t v = 0; v < q->n; v++) {
        int w = (int)rintf(q->w[v]);
        float i = rintf(q->i[v]);
        if (q->kind == CB_KIF) {
            float need = clamp_i(q, (float)cb_hgq_need_kif(m[v], w));
            q->i[v] = i > need ? i : need;
            q->k[v] |= least[v] < 0;
        } else {
            float need = (float)cb_hgq_need_kbi(m[v], w);
            q->i[v] = clamp_i(q, i > need ? i : need);
            cb_format r = cb_hgq_rounded(q, v);
            cb_hgq_format t = cb_hgq_format_make(r.k, r.i, r.f, CB_WRAP);
            q->k[v] |= w > 0 && cb_hgq_round(&t, q->round, least[v]) < 0;
        }
    }
}

int cb_hgq_trace(cb_hgq_quantizer *q, const float *x, const uint32_t *map, size_t n, float *y) {
    float *m, *least;
    cb_hgq_format *t = scratch(q, &m, &least);
    if (!t) return -1;
    measure(q, t, x, map, n, m, least);
    cb_hgq_trace_update(q, m, least);
    cb_hgq_prepare(q, t);
    for (size_t e = 0; e < n; e++) y[e] = cb_hgq_round(&t[map ? map[e] : e], q->round, x[e]);
    free(t);
    return 0;
}

float cb_hgq_width(const cb_hgq_quantizer *q, size_t v) {
    float w = rintf(q->w[v]);
    if (q->kind == CB_KIF) w = fmaxf(w + rintf(q->i[v]), 0);
    return q->overflow == CB_SAT ? w + (float)q->k[v] : w;
}

void cb_hgq_width_gradient(const cb_hgq_quantizer *q, size_t v, double c, double *di, double *dw) {
    if (q->kind == CB_KIF) {
        if (rintf(q->i[v]) + rintf(q->w[v]) <= 0) return;
        if (cb_hgq_trains_i(q)) *di += c;
    }
    *dw += c;
}

cb_hgq_quantizer cb_hgq_part(const cb_hgq_quantizer *q, size_t from, size_t to) {
    cb_hgq_quantizer part = *q;
    part.n = to - from;
    part.w += from;
    part.i += from;
    part.k += from;
    return part;
}

double cb_hgq_regularizer(const cb_hgq_quantizer *q) {
    double sum = 0;
    for (size_t v = 0; v < q->n; v++) {
        sum += (double)q->l1_w * q->w[v];
        if (cb_hgq_trains_i(q)) sum += (double)q->l1_i * q->i[v];
    }
    return sum;
}

void cb_hgq_constrain(cb_hgq_quantizer *q) {
    for (size_t v = 0; v < q->n; v++) {
        q->w[v] = q->w[v] < q->w_min ? q->w_min : q->w[v] > q->w_max ? q->w_max : q->w[v];
        if (cb_hgq_trains_i(q)) q->i[v] = clamp_i(q, q->i[v]);
    }
}

uint32_t *cb_hgq_map(int rank, const uint64_t *x, int v_rank, const uint64_t *v) {
    size_t n = 1;
    for (int a = 0; a < rank; a++) n *= x[a];
    if (v_rank > rank) return cb_fail_null("bit widths of rank %d for a tensor of rank %d", v_rank, rank);
    for (int a = 0; a < v_rank; a++) {
        uint64_t want = x[a + rank - v_rank];
        if (v[a] != 1 && v[a] != want)
            return cb_fail_null("bit widths: axis %d is %llu, expected 1 or %llu", a, (unsigned long long)v[a],
                                (unsigned long long)want);
    }
    uint32_t *map = cb_alloc(n ? n : 1, sizeof *map);
    for (size_t e = 0; map && e < n; e++) {
        size_t rest = e, index = 0, stride = 1;
        for (int a = rank - 1; a >= 0; a--) {
            size_t c = rest % x[a];
            rest /= x[a];
            int b = a - (rank - v_rank);
            if (b < 0) break;
            if (v[b] != 1) index += c * stride;
            stride *= v[b];
        }
        map[e] = (uint32_t)index;
    }
    return map;
}
