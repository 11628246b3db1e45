#include "logic/choice.h"

#include <math.h>

#include "base/fmath.h"
#include "nn/isa.h"
#include "nn/lanes.h"

enum { E = CB_LOGIC_SHARD };

CB_ISA_DECLARE(void, cb_choice_backward, const cb_choice *l, const float *x, const float *g, const float *p, float *dx,
               float *d);
CB_ISA_DECLARE(void, cb_choice_update, const cb_logic_adam *a, const float *d, size_t n_shard, size_t stride, size_t first,
               size_t end, float *weight, float *m, float *v);
typedef void backward_fn(const cb_choice *l, const float *x, const float *g, const float *p, float *dx, float *d);
typedef void update_fn(const cb_logic_adam *a, const float *d, size_t n_shard, size_t stride, size_t first, size_t end,
                       float *weight, float *m, float *v);
static backward_fn *const backward_table[] = CB_ISA_TABLE(cb_choice_backward);
static update_fn *const update_table[] = CB_ISA_TABLE(cb_choice_update);

void cb_choice_backward(const cb_choice *l, const float *x, const float *g, const float *p, float *dx, float *d) {
    backward_table[cb_isa()](l, x, g, p, dx, d);
}
void cb_choice_update(const cb_logic_adam *a, const float *d, size_t n_shard, size_t stride, size_t first, size_t end,
                      float *weight, float *m, float *v) {
    update_table[cb_isa()](a, d, n_shard, stride, first, end, weight, m, v);
}

void cb_choice_choose(const cb_choice *l, const float *weight, double tau, size_t first, size_t end, int32_t *read, float *p) {
    for (size_t s = first; s < end; s++) {
        const float *w = weight + s * (size_t)l->c;
        float *out = p + s * (size_t)l->c;
        int top = 0;
        double sum = 0;
        for (int i = 1; i < l->c; i++)
            if (w[i] > w[top]) top = i;
        for (int i = 0; i < l->c; i++) {
            double z = ((double)w[i] - (double)w[top]) / tau;
            if (z >= -80) sum += cb_exp(z);
        }
        for (int i = 0; i < l->c; i++) {
            double z = ((double)w[i] - (double)w[top]) / tau;
            out[i] = z < -80 ? 0 : (float)(cb_exp(z) / sum);
        }
        read[s] = l->wire[s * (size_t)l->c + (size_t)top];
    }
}

/* ---- plain twins ---- */

void cb_choice_backward_ref(const cb_choice *l, const float *x, const float *g, const float *p, float *dx, float *d) {
    for (size_t s = 0; s < l->n_slot; s++, g += E) {
        float all[CB_LANES] = {0};
        for (int e = 0; e < E; e++) all[e % CB_LANES] += g[e];
        for (int i = 0; i < l->c; i++) {
            size_t at = s * (size_t)l->c + (size_t)i, row = (size_t)l->wire[at] * E;
            float lane[CB_LANES];
            for (int e = 0; e < E; e++)
                lane[e % CB_LANES] = e < CB_LANES ? x[row + (size_t)e] * g[e] : fmaf(x[row + (size_t)e], g[e], lane[e % CB_LANES]);
            d[at] = 2 * cb_lanes_sum(lane) - cb_lanes_sum(all);
            for (int e = 0; dx && p[at] > 0 && e < E; e++) dx[row + (size_t)e] = fmaf(p[at], g[e], dx[row + (size_t)e]);
        }
    }
}

void cb_choice_update_ref(const cb_logic_adam *a, const float *d, size_t n_shard, size_t stride, size_t first, size_t end,
                          float *weight, float *m, float *v) {
    for (size_t k = first; k < end; k++) {
        float g = 0;
        for (size_t s = 0; s < n_shard; s++) g += d[s * stride + k];
        m[k] = fmaf(a->b1, m[k], (1 - a->b1) * g);
        v[k] = fmaf(a->b2, v[k], (1 - a->b2) * g * g);
        weight[k] -= a->rate * m[k] / fmaf(sqrtf(v[k]), a->inverse_root, a->eps);
    }
}
