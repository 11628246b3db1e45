#include "nn/pool.h"

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
