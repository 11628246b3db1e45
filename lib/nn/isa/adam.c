/* Adam's element-wise update; contract in nn/adam.h. */
#include <stddef.h>

#include "nn/isa.h"
#include "nn/vec16.h"

#define adam_update CB_ISA_FN(cb_adam_update)
void adam_update(float *w, const float *g, float *m, float *v, size_t n, float rate);

void adam_update(float *w, const float *g, float *m, float *v, size_t n, float rate) {
    vec16 b1 = v16_all((float)(1 - 0.9)), b2 = v16_all((float)(1 - 0.999)), eps = v16_all(1e-7f);
    vec16 a = v16_all(rate);
    for (size_t i = 0; i < n; i += 16) {
        int k = n - i < 16 ? (int)(n - i) : 16;
        vec16 gi = v16_load_part(g + i, k), mi = v16_load_part(m + i, k), vi = v16_load_part(v + i, k);
        mi = v16_add(mi, v16_mul(v16_sub(gi, mi), b1));
        vi = v16_add(vi, v16_mul(v16_sub(v16_mul(gi, gi), vi), b2));
        vec16 step = v16_div(v16_mul(a, mi), v16_add(v16_sqrt(vi), eps));
        v16_store_part(m + i, mi, k);
        v16_store_part(v + i, vi, k);
        v16_store_part(w + i, v16_sub(v16_load_part(w + i, k), step), k);
    }
}
