#include "nn/pool.h"

#include <stdbool.h>

#include "nn/isa.h"

CB_ISA_DECLARE(void, cb_pool_sum, const float *, int, int, int, float, float *);
CB_ISA_DECLARE(void, cb_pool_spread, const float *, int, int, int, float, float *);
typedef void pool_fn(const float *, int, int, int, float, float *);

void cb_pool_sum(const float *large, int h, int w, int c, float scale, float *small) {
    static pool_fn *const table[] = CB_ISA_TABLE(cb_pool_sum);
    table[cb_isa()](large, h, w, c, scale, small);
}

void cb_pool_spread(const float *small, int h, int w, int c, float scale, float *large) {
    static pool_fn *const table[] = CB_ISA_TABLE(cb_pool_spread);
    table[cb_isa()](small, h, w, c, scale, large);
}

/* ---- plain C ---- */

void cb_pool_sum_ref(const float *large, int h, int w, int c, float scale, float *small) {
    int cell = c * CB_LANES;
    for (int y = 0; y < h / 2; y++)
        for (int x = 0; x < w / 2; x++)
            for (int i = 0; i < cell; i++) {
                const float *a = large + (2 * y * w + 2 * x) * cell + i, *b = a + w * cell;
                small[(y * (w / 2) + x) * cell + i] = (((a[0] + a[cell]) + b[0]) + b[cell]) * scale;
            }
}

void cb_pool_spread_ref(const float *small, int h, int w, int c, float scale, float *large) {
    int cell = c * CB_LANES;
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
            for (int i = 0; i < cell; i++) {
                bool pooled = y / 2 < h / 2 && x / 2 < w / 2;
                large[(y * w + x) * cell + i] = pooled ? small[(y / 2 * (w / 2) + x / 2) * cell + i] * scale : 0;
            }
}
