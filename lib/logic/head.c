#include "logic/head.h"

#include <math.h>
#include <string.h>

#include "base/fmath.h"
#include "nn/lanes.h"

enum { E = CB_LOGIC_SHARD, T_STRIDE = 8 };
static const float v_stride = 0.125f;

/* Where the parameters of the hinges lie. */
typedef struct {
    size_t c, b, v, t, a, end; /* c: also the number of weights c */
} places;

static places places_of(const cb_logic_head *h, int n) {
    size_t c = cb_logic_head_weights(h, n), k = (size_t)h->hinges;
    return (places){c, c, c, c + k * (size_t)h->units, c + k * (size_t)(h->units + 1), c + k * (size_t)(h->units + 2)};
}

void cb_logic_head_start(const cb_logic_head *h, int n, double tau, double middle, cb_rng *r, float *theta) {
    places at = places_of(h, n);
    double first = middle - n / tau / 2;
    for (size_t p = 0; p < at.c; p++) theta[p] = (float)(1 / tau);
    for (int k = 0; k < h->hinges; k++) {
        for (int u = 0; u < h->units; u++) {
            float *v = &theta[at.v + (size_t)(k * h->units + u)];
            *v = 1;
            if (h->units > 1) *v += (float)cb_rng_normal(r) / 4;
        }
        theta[at.t + (size_t)k] = (float)(-middle * k);
        theta[at.a + (size_t)k] = k == 0;
    }
    if (!h->hinges) theta[at.b] = (float)first;
}

/* Largest magnitude of a grid. */
static float largest(cb_logic_grid g) { return g.bits == 1 ? 2 : (float)((double)((1 << (g.bits - 1)) - 1) * cb_pow2(-g.frac)); }

static float limited(float x, cb_logic_grid g) {
    float most = largest(g);
    return x > most ? most : x < -most ? -most : x;
}

static float rounded(float x, int frac) { return rintf(x * (float)cb_pow2(frac)) * (float)cb_pow2(-frac); }

float cb_logic_on_grid(cb_logic_grid g, float x) {
    if (g.bits > 1) return rounded(limited(x, g), g.frac);
    int e;
    float m = frexpf(fabsf(limited(x, g)), &e), y = (float)cb_pow2(m < 0.75f ? e - 1 : e); /* m in [1/2, 1) */
    if (fabsf(x) < (float)cb_pow2(-g.frac - 1)) return 0;
    return copysignf(y < (float)cb_pow2(-g.frac) ? (float)cb_pow2(-g.frac) : y, x);
}

/* The finest place of a product of one of each. */
static int product_frac(const cb_logic_head *h, cb_logic_grid c, cb_logic_grid hinge) { return c.frac + (h->units > 1 ? hinge.frac : 0); }

void cb_logic_head_round(const cb_logic_head *h, int n, cb_logic_grid c, cb_logic_grid hinge, float *theta, float *used) {
    places at = places_of(h, n);
    for (size_t p = 0; p < at.c; p++) used[p] = cb_logic_on_grid(c, theta[p] = limited(theta[p], c));
    if (!h->hinges) used[at.b] = rounded(theta[at.b], c.frac);
    for (size_t p = at.v; p < at.t; p++) {
        if (h->units == 1) theta[p] = 1; /* the weights c have the scale already */
        used[p] = cb_logic_on_grid(hinge, theta[p] = limited(theta[p], hinge));
    }
    for (size_t p = at.t; p < at.a; p++) used[p] = rounded(theta[p], product_frac(h, c, hinge));
    for (size_t p = at.a; p < at.end; p++) used[p] = cb_logic_on_grid(hinge, theta[p] = limited(theta[p], hinge));
}

float cb_logic_head_stride(const cb_logic_head *h, int n, size_t p) {
    places at = places_of(h, n);
    return p < at.c || !h->hinges ? 1 : p >= at.t && p < at.a ? T_STRIDE : v_stride;
}

static void add_scaled(float *to, float factor, const float *x) {
    for (int e = 0; e < E; e++) to[e] += factor * x[e];
}

/* Outputs of unit u among from..end-1 into sum. */
static void unit_piece(const cb_logic_head *h, const float *used, const float *x, int u, int from, int end, float *sum) {
    for (int o = from; o < end; o++)
        if (cb_logic_head_unit(h, o) == u) add_scaled(sum, used[o / h->share], x + (size_t)o * E);
}

void cb_logic_head_forward(const cb_logic_head *h, int n, const float *used, const float *x, cb_logic_head_work *w, float *y) {
    places at = places_of(h, n);
    for (int u = 0; u < h->units; u++) {
        memset(w->sum[u], 0, sizeof w->sum[u]);
        for (int from = 0; from < n; from += CB_SUM_PIECE) {
            float piece[E] = {0};
            unit_piece(h, used, x, u, from, from + CB_SUM_PIECE < n ? from + CB_SUM_PIECE : n, piece);
            for (int e = 0; e < E; e++) w->sum[u][e] += piece[e];
        }
    }
    for (int e = 0; e < E; e++) y[e] = h->hinges ? 0 : used[at.b] + w->sum[0][e];
    for (int k = 0; k < h->hinges; k++) {
        float *s = w->hinge[k], a = used[at.a + (size_t)k];
        for (int e = 0; e < E; e++) s[e] = used[at.t + (size_t)k];
        for (int u = 0; u < h->units; u++) add_scaled(s, used[at.v + (size_t)(k * h->units + u)], w->sum[u]);
        for (int e = 0; e < E; e++) y[e] += a * (s[e] > 0 ? s[e] : 0);
    }
}

/* f[e] x[e] of the events added to their lanes. */
static void add_products(const float *f, const float *x, float *lane) {
    for (int b = 0; b < E; b += CB_LANES)
        for (int k = 0; k < CB_LANES; k++) lane[k] += f[b + k] * x[b + k];
}

/* Sum of f[e] x[e] over the events (x NULL: of f). */
static float event_sum(const float *f, const float *x) {
    float lane[CB_LANES] = {0};
    if (x) add_products(f, x, lane);
    else
        for (int e = 0; e < E; e++) lane[e % CB_LANES] += f[e];
    return cb_lanes_sum(lane);
}

/* Gradients of the hinges' parameters, and of the units' sums. */
static void hinges_backward(const cb_logic_head *h, const places *at, const float *used, const cb_logic_head_work *w,
                            const float *dy, float (*d_sum)[E], float *grad) {
    for (int u = 0; u < h->units; u++) memset(d_sum[u], 0, sizeof d_sum[u]);
    for (int k = 0; k < h->hinges; k++) {
        float a = used[at->a + (size_t)k], on[E], d[E];
        for (int e = 0; e < E; e++) on[e] = w->hinge[k][e] > 0 ? dy[e] : 0, d[e] = a * on[e];
        for (int u = 0; u < h->units; u++) add_scaled(d_sum[u], used[at->v + (size_t)(k * h->units + u)], d);
        if (!grad) continue;
        grad[at->a + (size_t)k] = event_sum(on, w->hinge[k]);
        grad[at->t + (size_t)k] = event_sum(d, NULL);
        for (int u = 0; u < h->units; u++) grad[at->v + (size_t)(k * h->units + u)] = event_sum(d, w->sum[u]);
    }
}

void cb_logic_head_backward(const cb_logic_head *h, int n, const float *used, const float *x, const cb_logic_head_work *w,
                            const float *dy, float *g, float *grad) {
    places at = places_of(h, n);
    float d_sum[CB_LOGIC_UNITS][E];
    if (h->hinges) hinges_backward(h, &at, used, w, dy, d_sum, grad);
    else memcpy(d_sum[0], dy, sizeof d_sum[0]);
    if (grad && !h->hinges) grad[at.b] = event_sum(dy, NULL);
    for (size_t p = 0; p < at.c; p++) {
        float lane[CB_LANES] = {0}, c = used[p];
        const float *d = d_sum[p % (size_t)h->units];
        for (size_t o = p * (size_t)h->share; o < (p + 1) * (size_t)h->share; o++) {
            for (size_t e = 0; e < E; e++) g[o * E + e] = c * d[e];
            if (grad) add_products(d, x + o * E, lane);
        }
        if (grad) grad[p] = cb_lanes_sum(lane);
    }
}

double cb_logic_head_plain(const cb_logic_head *h, int n, const float *used, const unsigned char *bit) {
    places at = places_of(h, n);
    double sum[CB_LOGIC_UNITS] = {0}, y = 0;
    for (int o = 0; o < n; o++)
        if (bit[o]) sum[cb_logic_head_unit(h, o)] += (double)used[o / h->share];
    for (int k = 0; k < h->hinges; k++) {
        double s = (double)used[at.t + (size_t)k];
        for (int u = 0; u < h->units; u++) s += (double)used[at.v + (size_t)(k * h->units + u)] * sum[u];
        y += s > 0 ? (double)used[at.a + (size_t)k] * s : 0;
    }
    return h->hinges ? y : (double)used[at.b] + sum[0];
}
