/* Kernels for the machine's instruction set, and their plain twins. */
#include "logic/kernels.h"

#include <math.h>
#include <string.h>

#include "nn/isa.h"
#include "nn/lanes.h"

CB_ISA_DECLARE(void, cb_logic_values, const cb_logic_view *l, const float *w, const float *noise, size_t first, size_t end,
               float *soft, float *coef);
CB_ISA_DECLARE(void, cb_logic_forward, const cb_logic_view *l, const float *x, float *y);
CB_ISA_DECLARE(void, cb_logic_backward, const cb_logic_view *l, const float *x, const float *y, const float *g, float *dx,
               float *dc);
CB_ISA_DECLARE(void, cb_logic_update, const cb_logic_view *l, const cb_logic_adam *a, const float *dc, size_t n_shard,
               size_t stride, const float *soft, size_t first, size_t end, float *w, float *m, float *v);
typedef void values_fn(const cb_logic_view *l, const float *w, const float *noise, size_t first, size_t end, float *soft,
                       float *coef);
typedef void forward_fn(const cb_logic_view *l, const float *x, float *y);
typedef void backward_fn(const cb_logic_view *l, const float *x, const float *y, const float *g, float *dx, float *dc);
typedef void update_fn(const cb_logic_view *l, const cb_logic_adam *a, const float *dc, size_t n_shard, size_t stride,
                       const float *soft, size_t first, size_t end, float *w, float *m, float *v);
static values_fn *const values_table[] = CB_ISA_TABLE(cb_logic_values);
static forward_fn *const forward_table[] = CB_ISA_TABLE(cb_logic_forward);
static backward_fn *const backward_table[] = CB_ISA_TABLE(cb_logic_backward);
static update_fn *const update_table[] = CB_ISA_TABLE(cb_logic_update);

void cb_logic_values(const cb_logic_view *l, const float *w, const float *noise, size_t first, size_t end, float *soft,
                     float *coef) {
    values_table[cb_isa()](l, w, noise, first, end, soft, coef);
}
void cb_logic_forward(const cb_logic_view *l, const float *x, float *y) { forward_table[cb_isa()](l, x, y); }
void cb_logic_backward(const cb_logic_view *l, const float *x, const float *y, const float *g, float *dx, float *dc) {
    backward_table[cb_isa()](l, x, y, g, dx, dc);
}
void cb_logic_update(const cb_logic_view *l, const cb_logic_adam *a, const float *dc, size_t n_shard, size_t stride,
                     const float *soft, size_t first, size_t end, float *w, float *m, float *v) {
    update_table[cb_isa()](l, a, dc, n_shard, stride, soft, first, end, w, m, v);
}

/* ---- plain twins: one set, one event at a time ---- */

enum { E = CB_LOGIC_SHARD };

static float exp_plain(float x) {
    static const float c[] = {1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1, 1};
    x = x > 87 ? 87 : x;
    x = -87 > x ? -87 : x;
    float k = fmaf(x, 1.44269504f, 12582912) - 12582912, r = fmaf(-k, -2.12194440e-4f, fmaf(-k, 0.693359375f, x)), p = c[0];
    for (int i = 1; i < 7; i++) p = fmaf(p, r, c[i]);
    return p * ldexpf(1, (int)k);
}

static float log_plain(float x) {
    int32_t bits;
    memcpy(&bits, &x, sizeof bits);
    int32_t e = (bits - 0x3f3504f3) >> 23;
    bits -= e * (1 << 23);
    memcpy(&x, &bits, sizeof bits);
    float f = x - 1, s = f / (2 + f), z = s * s, p = 2.0f / 9;
    p = fmaf(p, z, 2.0f / 7), p = fmaf(p, z, 2.0f / 5), p = fmaf(p, z, 2.0f / 3);
    return fmaf((float)e, 0.693359375f, fmaf((float)e, -2.12194440e-4f, fmaf(s * z, p, 2 * s)));
}

static float fall_plain(float x) { return 1 / (1 + exp_plain(x)); }

static void raw_plain(const cb_logic_view *l, const float *w, const float *noise, float *soft, float v[4]) {
    float z[16], sum = 0;
    int best = 0;
    for (int k = 0; k < 16; k++) {
        z[k] = (noise ? w[k * 16] + noise[k * 16] : w[k * 16]) / l->temperature;
        if (z[k] > z[best]) best = k;
    }
    for (int k = 0; k < 16; k++) soft[k * 16] = exp_plain(z[k] - z[best]), sum += soft[k * 16];
    for (int i = 0; i < 4; i++) v[i] = l->hard ? (float)(best >> (3 - i) & 1) : 0;
    for (int k = 0; k < 16; k++) {
        soft[k * 16] /= sum;
        for (int i = 0; !l->hard && i < 4; i++)
            if (k >> (3 - i) & 1) v[i] += soft[k * 16];
    }
}

void cb_logic_values_ref(const cb_logic_view *l, const float *w, const float *noise, size_t first, size_t end, float *soft,
                         float *coef) {
    for (size_t set = first * 16; set < end * 16; set++) {
        size_t at = set / 16 * (size_t)l->n_par * 16 + set % 16;
        float v[CB_LOGIC_PARAMETERS], *c = coef + set / 16 * (size_t)l->n_coef * 16 + set % 16;
        if (l->kind == CB_LOGIC_RAW) raw_plain(l, w + at, noise ? noise + at : NULL, soft + at, v);
        for (int i = 0; i < l->n_coef; i++) {
            size_t k = at + (size_t)i * 16;
            if (l->kind == CB_LOGIC_WARP) v[i] = w[k];
            if (l->kind != CB_LOGIC_LIGHT) continue;
            soft[k] = fall_plain(0 - (noise ? w[k] + noise[k] : w[k]) / l->temperature);
            v[i] = l->hard ? soft[k] > 0.5f : soft[k];
        }
        for (int step = 1; l->kind != CB_LOGIC_WARP && step < l->n_coef; step *= 2)
            for (int i = 0; i < l->n_coef; i++)
                if (!(i & step)) v[i + step] -= v[i];
        for (int i = 0; i < l->n_coef; i++) c[i * 16] = v[i];
    }
}

/* One node on one event: operands z, levels L_j at lev + (1 << j); returns u. */
static float fold_plain(const cb_logic_view *l, int set, const int32_t *wire, const float *x, float *z, float *lev) {
    const float *c = l->coef + (size_t)(set / 16) * (size_t)l->n_coef * 16 + set % 16;
    for (int i = 0; i < l->n_coef; i++) lev[l->n_coef + i] = c[i * 16];
    for (int j = l->rank - 1; j >= 0; j--) {
        float in = x[(size_t)wire[j] * E];
        z[j] = l->kind == CB_LOGIC_WARP ? fmaf(-2, in, 1) : in;
        for (int i = 0; i < 1 << j; i++) lev[(1 << j) + i] = fmaf(z[j], lev[(2 << j) + 2 * i + 1], lev[(2 << j) + 2 * i]);
    }
    return lev[1];
}

static float warp_plain(const cb_logic_view *l, int set, float u) {
    float scale = 1 / l->temperature;
    return fall_plain(u * scale - (l->noise ? l->noise[set] * scale : 0));
}

void cb_logic_forward_ref(const cb_logic_view *l, const float *x, float *y) {
    for (int o = 0; o < l->n_set * l->n_pos; o++)
        for (int e = 0; e < E; e++) {
            const int32_t *wire = l->wire + (size_t)o * (size_t)l->rank;
            float z[CB_LOGIC_RANK], lev[2 * CB_LOGIC_PARAMETERS], u = x[(size_t)wire[0] * E + (size_t)e];
            for (int j = 1; l->pool && j < l->rank; j++)
                if (x[(size_t)wire[j] * E + (size_t)e] > u) u = x[(size_t)wire[j] * E + (size_t)e];
            if (!l->pool) u = fold_plain(l, o / l->n_pos, wire, x + e, z, lev);
            if (!l->pool && l->kind == CB_LOGIC_WARP) {
                u = warp_plain(l, o / l->n_pos, u);
                if (l->hard) u = u > 0.5f;
            }
            y[(size_t)o * E + (size_t)e] = u;
        }
}

static void backward_node(const cb_logic_view *l, int o, const float *x, float y, float g, float *dx, float *sum) {
    const int32_t *wire = l->wire + (size_t)o * (size_t)l->rank;
    float z[CB_LOGIC_RANK], lev[2 * CB_LOGIC_PARAMETERS], up[CB_LOGIC_PARAMETERS] = {g};
    float u = fold_plain(l, o / l->n_pos, wire, x, z, lev);
    if (l->kind == CB_LOGIC_WARP) {
        if (l->hard) y = warp_plain(l, o / l->n_pos, u);
        up[0] = g * (y * (y - 1) * (1 / l->temperature));
    }
    for (int j = 0; j < l->rank; j++) {
        float d = up[0] * lev[(2 << j) + 1];
        for (int i = 1; i < 1 << j; i++) d = fmaf(up[i], lev[(2 << j) + 2 * i + 1], d);
        float *row = dx ? dx + (l->slots ? (size_t)o * (size_t)l->rank + (size_t)j : (size_t)wire[j]) * E : NULL;
        if (row) *row = l->kind == CB_LOGIC_WARP ? fmaf(-2, d, *row) : *row + d;
        for (int i = (1 << j) - 1; i >= 0; i--) up[2 * i + 1] = up[i] * z[j], up[2 * i] = up[i];
    }
    for (int i = 0; i < l->n_coef; i++) sum[i * 16] += up[i];
}

void cb_logic_backward_ref(const cb_logic_view *l, const float *x, const float *y, const float *g, float *dx, float *dc) {
    for (int s = 0; s < l->n_set; s++) {
        float sum[CB_LOGIC_PARAMETERS * 16] = {0};
        for (int pos = 0; pos < l->n_pos; pos++)
            for (int e = 0; e < E; e++) {
                int o = s * l->n_pos + pos;
                const int32_t *wire = l->wire + (size_t)o * (size_t)l->rank;
                size_t at = (size_t)o * E + (size_t)e;
                if (!l->pool) {
                    backward_node(l, o, x + e, y[at], g[at], dx ? dx + e : NULL, sum + e % 16);
                    continue;
                }
                int top = 0;
                for (int j = 1; j < l->rank; j++)
                    if (x[(size_t)wire[j] * E + (size_t)e] > x[(size_t)wire[top] * E + (size_t)e]) top = j;
                if (dx) dx[(size_t)wire[top] * E + (size_t)e] += g[at];
            }
        for (int i = 0; !l->pool && i < l->n_coef; i++)
            dc[((size_t)(s / 16) * (size_t)l->n_coef + (size_t)i) * 16 + (size_t)(s % 16)] = cb_lanes_sum(sum + i * 16);
    }
}

static void adam_plain(const cb_logic_adam *a, float g, float *w, float *m, float *v) {
    *m = fmaf(a->b1, *m, (1 - a->b1) * g);
    *v = fmaf(a->b2, *v, (1 - a->b2) * g * g);
    *w -= a->rate * *m / fmaf(sqrtf(*v), a->inverse_root, a->eps);
}

void cb_logic_update_ref(const cb_logic_view *l, const cb_logic_adam *a, const float *dc, size_t n_shard, size_t stride,
                         const float *soft, size_t first, size_t end, float *w, float *m, float *v) {
    for (size_t set = first * 16; set < end * 16; set++) {
        float d[CB_LOGIC_PARAMETERS], g[CB_LOGIC_PARAMETERS], h[16], mean = 0;
        size_t at = set / 16 * (size_t)l->n_par * 16 + set % 16;
        for (int i = 0; i < l->n_coef; i++) {
            d[i] = 0;
            for (size_t s = 0; s < n_shard; s++)
                d[i] += dc[s * stride + (set / 16 * (size_t)l->n_coef + (size_t)i) * 16 + set % 16];
        }
        for (int step = 1; l->kind != CB_LOGIC_WARP && step < l->n_coef; step *= 2)
            for (int i = 0; i < l->n_coef; i++)
                if (!(i & step)) d[i] -= d[i + step];
        for (int k = 0; l->kind == CB_LOGIC_RAW && k < 16; k++) {
            h[k] = 0;
            for (int i = 0; i < 4; i++)
                if (k >> (3 - i) & 1) h[k] += d[i];
            float p = soft[at + (size_t)k * 16], q = p + 1e-10f;
            if (l->entropy > 0) h[k] = fmaf(-l->entropy, log_plain(q) + p / q, h[k]);
            mean = fmaf(soft[at + (size_t)k * 16], h[k], mean);
        }
        for (int k = 0; k < l->n_par; k++) {
            float s = l->kind == CB_LOGIC_WARP ? 0 : soft[at + (size_t)k * 16];
            g[k] = l->kind == CB_LOGIC_RAW     ? s * (h[k] - mean) / l->temperature
                   : l->kind == CB_LOGIC_LIGHT ? d[k] * (s * (1 - s)) / l->temperature
                                               : d[k];
            adam_plain(a, g[k], w + at + k * 16, m + at + k * 16, v + at + k * 16);
        }
    }
}
