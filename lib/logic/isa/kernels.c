/* Inner loops of logic gate training; contract and order of sums in logic/kernels.h. */
#include "logic/kernels.h"

#include "logic/vec16_logic.h"
#include "nn/isa.h"

#define logic_values CB_ISA_FN(cb_logic_values)
#define logic_forward CB_ISA_FN(cb_logic_forward)
#define logic_backward CB_ISA_FN(cb_logic_backward)
#define logic_update CB_ISA_FN(cb_logic_update)
void logic_values(const cb_logic_view *l, const float *w, const float *noise, size_t first, size_t end, float *soft,
                  float *coef);
void logic_forward(const cb_logic_view *l, const float *x, float *y);
void logic_backward(const cb_logic_view *l, const float *x, const float *y, const float *g, float *dx, float *dc);
void logic_update(const cb_logic_view *l, const cb_logic_adam *a, const float *dc, size_t n_shard, size_t stride,
                  const float *soft, size_t first, size_t end, float *w, float *m, float *v);

enum { E = CB_LOGIC_SHARD, BLOCKS = E / 16 };

/* ---- values of the tables ---- */

static void raw_values(const cb_logic_view *l, const float *w, const float *noise, float *soft, vec16 v[4]) {
    vec16 z[16], t = v16_all(l->temperature), top, sum = v16_zero(), zero = v16_zero();
    for (int k = 0; k < 16; k++) {
        z[k] = v16_load(w + k * 16);
        if (noise) z[k] = v16_add(z[k], v16_load(noise + k * 16));
        z[k] = v16_div(z[k], t);
    }
    top = z[0];
    for (int i = 0; i < 4; i++) v[i] = zero;
    for (int k = 1; k < 16; k++) {
        for (int i = 0; l->hard && i < 4; i++) v[i] = v16_select_gt(z[k], top, v16_all((float)(k >> (3 - i) & 1)), v[i]);
        top = v16_select_gt(z[k], top, z[k], top);
    }
    for (int k = 0; k < 16; k++) z[k] = v16_exp(v16_sub(z[k], top)), sum = v16_add(sum, z[k]);
    for (int k = 0; k < 16; k++) {
        z[k] = v16_div(z[k], sum);
        v16_store(soft + k * 16, z[k]);
        for (int i = 0; !l->hard && i < 4; i++)
            if (k >> (3 - i) & 1) v[i] = v16_add(v[i], z[k]);
    }
}

static void light_values(const cb_logic_view *l, const float *w, const float *noise, float *soft, vec16 *v) {
    vec16 t = v16_all(l->temperature), half = v16_all(0.5f), one = v16_all(1), zero = v16_zero();
    for (int i = 0; i < l->n_coef; i++) {
        vec16 z = v16_load(w + i * 16);
        if (noise) z = v16_add(z, v16_load(noise + i * 16));
        z = v16_fall(v16_sub(zero, v16_div(z, t)));
        v16_store(soft + i * 16, z);
        v[i] = l->hard ? v16_select_gt(z, half, one, zero) : z;
    }
}

void logic_values(const cb_logic_view *l, const float *w, const float *noise, size_t first, size_t end, float *soft,
                  float *coef) {
    for (size_t b = first; b < end; b++) {
        size_t at = b * (size_t)l->n_par * 16;
        float *c = coef + b * (size_t)l->n_coef * 16;
        vec16 v[CB_LOGIC_PARAMETERS];
        if (l->kind == CB_LOGIC_WARP) {
            memcpy(c, w + at, (size_t)l->n_coef * 16 * sizeof *c);
            continue;
        }
        (l->kind == CB_LOGIC_RAW ? raw_values : light_values)(l, w + at, noise ? noise + at : NULL, soft + at, v);
        for (int step = 1; step < l->n_coef; step *= 2)
            for (int i = 0; i < l->n_coef; i++)
                if (!(i & step)) v[i + step] = v16_sub(v[i + step], v[i]);
        for (int i = 0; i < l->n_coef; i++) v16_store(c + i * 16, v[i]);
    }
}

/* ---- forward ---- */

/* Input of a node as the polynomial wants it. */
V16_INLINE vec16 operand(const float *x, int warp) {
    return warp ? v16_fma(v16_all(-2), v16_load(x), v16_all(1)) : v16_load(x);
}

/* Levels L_rank-1 .. L_0 of the folding in lev, L_j at lev + (1 << j): u = lev[1]. Coefficients stand 16 apart. */
V16_INLINE void fold(const float *c, const vec16 *z, int rank, vec16 *lev) {
    for (int i = 0; i < 1 << (rank - 1); i++)
        lev[(1 << (rank - 1)) + i] = v16_fma(z[rank - 1], v16_all(c[(2 * i + 1) * 16]), v16_all(c[2 * i * 16]));
    for (int j = rank - 2; j >= 0; j--)
        for (int i = 0; i < 1 << j; i++)
            lev[(1 << j) + i] = v16_fma(z[j], lev[(2 << j) + 2 * i + 1], lev[(2 << j) + 2 * i]);
}

V16_INLINE void forward_rank(const cb_logic_view *l, const float *x, float *y, int rank, int warp) {
    float scale = 1 / l->temperature;
    for (int s = 0; s < l->n_set; s++) {
        const float *c = l->coef + (size_t)(s / 16) * (size_t)(16 << rank) + s % 16;
        vec16 shift = v16_all(warp && l->noise ? l->noise[s] * scale : 0);
        for (int pos = 0; pos < l->n_pos; pos++) {
            size_t out = (size_t)s * (size_t)l->n_pos + (size_t)pos;
            const int32_t *wire = l->wire + out * (size_t)rank;
            for (int b = 0; b < BLOCKS; b++) {
                vec16 z[CB_LOGIC_RANK], lev[CB_LOGIC_PARAMETERS];
                for (int j = 0; j < rank; j++) z[j] = operand(x + (size_t)wire[j] * E + b * 16, warp);
                fold(c, z, rank, lev);
                vec16 u = lev[1];
                if (warp) {
                    u = v16_fall(v16_sub(v16_mul(u, v16_all(scale)), shift));
                    if (l->hard) u = v16_select_gt(u, v16_all(0.5f), v16_all(1), v16_zero());
                }
                v16_store(y + out * E + b * 16, u);
            }
        }
    }
}

static void forward_pool(const cb_logic_view *l, const float *x, float *y) {
    for (int o = 0; o < l->n_set * l->n_pos; o++)
        for (int b = 0; b < BLOCKS; b++) {
            const int32_t *wire = l->wire + (size_t)o * (size_t)l->rank;
            vec16 top = v16_load(x + (size_t)wire[0] * E + b * 16);
            for (int j = 1; j < l->rank; j++) {
                vec16 z = v16_load(x + (size_t)wire[j] * E + b * 16);
                top = v16_select_gt(z, top, z, top);
            }
            v16_store(y + (size_t)o * E + b * 16, top);
        }
}

#define EACH_RANK(call)                        \
    switch (l->rank) {                         \
    case 1: call(1); break;                    \
    case 2: call(2); break;                    \
    case 3: call(3); break;                    \
    case 4: call(4); break;                    \
    case 5: call(5); break;                    \
    default: call(6); break;                   \
    }

void logic_forward(const cb_logic_view *l, const float *x, float *y) {
    if (l->pool) {
        forward_pool(l, x, y);
        return;
    }
#define POLYNOMIAL(r) forward_rank(l, x, y, r, 0)
#define WALSH(r) forward_rank(l, x, y, r, 1)
    if (l->kind == CB_LOGIC_WARP) {
        EACH_RANK(WALSH)
    } else {
        EACH_RANK(POLYNOMIAL)
    }
#undef POLYNOMIAL
#undef WALSH
}

/* ---- backward ---- */

/* Gradient of the output of a WARP node -> of u. y as stored (soft), or recomputed from u where the forward was hard. */
V16_INLINE vec16 through_sigmoid(const cb_logic_view *l, vec16 g, vec16 u, const float *y, vec16 shift) {
    vec16 scale = v16_all(1 / l->temperature);
    vec16 soft = l->hard ? v16_fall(v16_sub(v16_mul(u, scale), shift)) : v16_load(y);
    return v16_mul(g, v16_mul(v16_mul(soft, v16_sub(soft, v16_all(1))), scale));
}

/* L_{j+1}[2i+1]: a coefficient at the last level. */
V16_INLINE vec16 upper(const vec16 *lev, const float *c, int rank, int j, int i) {
    if (j + 1 == rank) return v16_all(c[(2 * i + 1) * 16]);
    return lev[(2 << j) + 2 * i + 1];
}

V16_INLINE void backward_rank(const cb_logic_view *l, const float *x, const float *y, const float *g, float *dx, float *dc,
                              int rank, int warp) {
    const int slots = l->slots;
    for (int s = 0; s < l->n_set; s++) {
        size_t at = (size_t)(s / 16) * (size_t)(16 << rank) + (size_t)(s % 16);
        vec16 sum[CB_LOGIC_PARAMETERS], shift = v16_all(warp && l->noise ? l->noise[s] * (1 / l->temperature) : 0);
        for (int i = 0; i < 1 << rank; i++) sum[i] = v16_zero();
        for (int pos = 0; pos < l->n_pos; pos++) {
            size_t out = (size_t)s * (size_t)l->n_pos + (size_t)pos;
            const int32_t *wire = l->wire + out * (size_t)rank;
            float *row[CB_LOGIC_RANK]; /* gradient of each input: found once, the stores below may alias what it is found from */
            for (int j = 0; j < rank; j++)
                row[j] = dx ? dx + (slots ? out * (size_t)rank + (size_t)j : (size_t)wire[j]) * E : NULL;
            for (int b = 0; b < BLOCKS; b++) {
                vec16 z[CB_LOGIC_RANK], lev[CB_LOGIC_PARAMETERS], up[CB_LOGIC_PARAMETERS];
                for (int j = 0; j < rank; j++) z[j] = operand(x + (size_t)wire[j] * E + b * 16, warp);
                fold(l->coef + at, z, rank, lev);
                up[0] = v16_load(g + out * E + b * 16);
                if (warp) up[0] = through_sigmoid(l, up[0], lev[1], y + out * E + b * 16, shift);
                for (int j = 0; j < rank; j++) {
                    vec16 d = v16_zero();
                    for (int i = 0; i < 1 << j; i++) {
                        vec16 high = upper(lev, l->coef + at, rank, j, i);
                        d = i ? v16_fma(up[i], high, d) : v16_mul(up[i], high);
                    }
                    if (dx) {
                        float *to = row[j] + b * 16;
                        v16_store(to, warp ? v16_fma(v16_all(-2), d, v16_load(to)) : v16_add(v16_load(to), d));
                    }
                    for (int i = (1 << j) - 1; i >= 0; i--) {
                        up[2 * i + 1] = v16_mul(up[i], z[j]);
                        up[2 * i] = up[i];
                    }
                }
                for (int i = 0; i < 1 << rank; i++) sum[i] = v16_add(sum[i], up[i]);
            }
        }
        for (int i = 0; i < 1 << rank; i++) dc[at + (size_t)i * 16] = v16_sum(sum[i]);
    }
}

static void backward_pool(const cb_logic_view *l, const float *x, const float *g, float *dx) {
    for (int o = 0; o < l->n_set * l->n_pos; o++)
        for (int e = 0; e < E; e++) {
            const int32_t *wire = l->wire + (size_t)o * (size_t)l->rank;
            int top = 0;
            for (int j = 1; j < l->rank; j++)
                if (x[(size_t)wire[j] * E + (size_t)e] > x[(size_t)wire[top] * E + (size_t)e]) top = j;
            dx[(size_t)wire[top] * E + (size_t)e] += g[(size_t)o * E + (size_t)e];
        }
}

void logic_backward(const cb_logic_view *l, const float *x, const float *y, const float *g, float *dx, float *dc) {
    if (l->pool) {
        if (dx) backward_pool(l, x, g, dx);
        return;
    }
#define POLYNOMIAL(r) backward_rank(l, x, y, g, dx, dc, r, 0)
#define WALSH(r) backward_rank(l, x, y, g, dx, dc, r, 1)
    if (l->kind == CB_LOGIC_WARP) {
        EACH_RANK(WALSH)
    } else {
        EACH_RANK(POLYNOMIAL)
    }
#undef POLYNOMIAL
#undef WALSH
}

/* ---- update ---- */

V16_INLINE void adam(const cb_logic_adam *a, vec16 g, float *w, float *m, float *v) {
    vec16 weight = v16_load(w), mean = v16_load(m), square = v16_load(v);
    v16_adam(a, g, &weight, &mean, &square);
    v16_store(w, weight);
    v16_store(m, mean);
    v16_store(v, square);
}

static void raw_update(const cb_logic_view *l, const cb_logic_adam *a, const vec16 *d, const float *soft, float *w, float *m,
                       float *v) {
    vec16 h[16], mean = v16_zero(), t = v16_all(l->temperature);
    for (int k = 0; k < 16; k++) {
        h[k] = v16_zero();
        for (int i = 0; i < 4; i++)
            if (k >> (3 - i) & 1) h[k] = v16_add(h[k], d[i]);
        vec16 p = v16_load(soft + k * 16), q = v16_add(p, v16_all(1e-10f));
        if (l->entropy > 0) h[k] = v16_fma(v16_all(-l->entropy), v16_add(v16_log(q), v16_div(p, q)), h[k]);
        mean = v16_fma(p, h[k], mean);
    }
    for (int k = 0; k < 16; k++) {
        vec16 g = v16_div(v16_mul(v16_load(soft + k * 16), v16_sub(h[k], mean)), t);
        adam(a, g, w + k * 16, m + k * 16, v + k * 16);
    }
}

void logic_update(const cb_logic_view *l, const cb_logic_adam *a, const float *dc, size_t n_shard, size_t stride,
                  const float *soft, size_t first, size_t end, float *w, float *m, float *v) {
    for (size_t b = first; b < end; b++) {
        vec16 d[CB_LOGIC_PARAMETERS], t = v16_all(l->temperature);
        size_t at = b * (size_t)l->n_par * 16;
        for (int i = 0; i < l->n_coef; i++) {
            d[i] = v16_zero();
            for (size_t s = 0; s < n_shard; s++)
                d[i] = v16_add(d[i], v16_load(dc + s * stride + (b * (size_t)l->n_coef + (size_t)i) * 16));
        }
        for (int step = 1; l->kind != CB_LOGIC_WARP && step < l->n_coef; step *= 2)
            for (int i = 0; i < l->n_coef; i++)
                if (!(i & step)) d[i] = v16_sub(d[i], d[i + step]);
        if (l->kind == CB_LOGIC_RAW) {
            raw_update(l, a, d, soft + at, w + at, m + at, v + at);
            continue;
        }
        for (int i = 0; i < l->n_coef; i++) {
            if (l->kind == CB_LOGIC_LIGHT) {
                vec16 s = v16_load(soft + at + i * 16);
                d[i] = v16_div(v16_mul(d[i], v16_mul(s, v16_sub(v16_all(1), s))), t);
            }
            adam(a, d[i], w + at + i * 16, m + at + i * 16, v + at + i * 16);
        }
    }
}
