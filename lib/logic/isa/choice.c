/* Learnable wires; contract and order of sums in logic/choice.h. */
#include "logic/choice.h"

#include "logic/vec16_logic.h"
#include "nn/isa.h"

#define choice_backward CB_ISA_FN(cb_choice_backward)
#define choice_update CB_ISA_FN(cb_choice_update)
void choice_backward(const cb_choice *l, const float *x, const float *g, const float *p, float *dx, float *d);
void choice_update(const cb_logic_adam *a, const float *d, size_t n_shard, size_t stride, size_t first, size_t end,
                   float *weight, float *m, float *v);

enum { E = CB_LOGIC_SHARD, BLOCKS = E / 16 };

void choice_backward(const cb_choice *l, const float *x, const float *g, const float *p, float *dx, float *d) {
    for (size_t s = 0; s < l->n_slot; s++, g += E) {
        vec16 part[BLOCKS], sum = v16_zero();
        for (int b = 0; b < BLOCKS; b++) part[b] = v16_load(g + b * 16), sum = v16_add(sum, part[b]);
        float all = v16_sum(sum);
        for (size_t at = s * (size_t)l->c; at < (s + 1) * (size_t)l->c; at++) {
            size_t row = (size_t)l->wire[at] * E;
            sum = v16_mul(v16_load(x + row), part[0]);
            for (int b = 1; b < BLOCKS; b++) sum = v16_fma(v16_load(x + row + b * 16), part[b], sum);
            d[at] = 2 * v16_sum(sum) - all;
            for (int b = 0; dx && p[at] > 0 && b < BLOCKS; b++)
                v16_store(dx + row + b * 16, v16_fma(v16_all(p[at]), part[b], v16_load(dx + row + b * 16)));
        }
    }
}

/* Sixteen weights, or the last few. */
void choice_update(const cb_logic_adam *a, const float *d, size_t n_shard, size_t stride, size_t first, size_t end,
                   float *weight, float *m, float *v) {
    for (size_t k = first; k < end; k += 16) {
        int n = end - k < 16 ? (int)(end - k) : 16;
        vec16 g = v16_zero(), w = v16_load_part(weight + k, n), mean = v16_load_part(m + k, n), square = v16_load_part(v + k, n);
        for (size_t s = 0; s < n_shard; s++) g = v16_add(g, v16_load_part(d + s * stride + k, n));
        v16_adam(a, g, &w, &mean, &square);
        v16_store_part(weight + k, w, n);
        v16_store_part(m + k, mean, n);
        v16_store_part(v + k, square, n);
    }
}
