/* Pooling and upsampling; contract in nn/pool.h. Plain C that the compiler turns into vectors. */
#include "nn/pool.h"

#include <string.h>

#include "nn/isa.h"

#define pool_sum CB_ISA_FN(cb_pool_sum)
#define pool_spread CB_ISA_FN(cb_pool_spread)
void pool_sum(const float *large, int h, int w, int c, float scale, float *small);
void pool_spread(const float *small, int h, int w, int c, float scale, float *large);

void pool_sum(const float *restrict large, int h, int w, int c, float scale, float *restrict small) {
    size_t n = (size_t)c * CB_LANES, row = (size_t)w * n;
    for (int y = 0; y + 1 < h; y += 2)
        for (int x = 0; x + 1 < w; x += 2, small += n) {
            const float *a = large + ((size_t)y * (size_t)w + (size_t)x) * n;
            for (size_t i = 0; i < n; i++)
                small[i] = (((a[i] + a[n + i]) + a[row + i]) + a[row + n + i]) * scale;
        }
}

void pool_spread(const float *restrict small, int h, int w, int c, float scale, float *restrict large) {
    size_t n = (size_t)c * CB_LANES, row = (size_t)w * n;
    if (w % 2) /* the column and the row that belong to no pool */
        for (int y = 0; y < h; y++) memset(large + (size_t)(y + 1) * row - n, 0, n * sizeof *large);
    if (h % 2) memset(large + (size_t)(h - 1) * row, 0, row * sizeof *large);
    for (int y = 0; y + 1 < h; y += 2)
        for (int x = 0; x + 1 < w; x += 2, small += n) {
            float *a = large + ((size_t)y * (size_t)w + (size_t)x) * n;
            for (size_t i = 0; i < n; i++) a[i] = a[n + i] = a[row + i] = a[row + n + i] = small[i] * scale;
        }
}
