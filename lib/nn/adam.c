#include "nn/adam.h"

#include <math.h>

#include "base/fmath.h"
#include "nn/isa.h"

CB_ISA_DECLARE(void, cb_adam_update, float *, const float *, float *, float *, size_t, float);

float cb_adam_rate(double lr, uint64_t t) {
    return (float)(lr * sqrt(1 - cb_powi((double)0.999f, t)) / (1 - cb_powi((double)0.9f, t)));
}

float cb_adam_rate_f32(double lr, uint64_t t) {
    return (float)lr * sqrtf(1 - (float)cb_powi((double)0.999f, t)) / (1 - (float)cb_powi((double)0.9f, t));
}

void cb_adam_update(float *w, const float *g, float *m, float *v, size_t n, float rate) {
    static void (*const table[])(float *, const float *, float *, float *, size_t, float) =
        CB_ISA_TABLE(cb_adam_update);
    table[cb_isa()](w, g, m, v, n, rate);
}

void cb_adam_update_ref(float *w, const float *g, float *m, float *v, size_t n, float rate) {
    const float b1 = (float)(1 - 0.9), b2 = (float)(1 - 0.999);
    for (size_t i = 0; i < n; i++) {
        m[i] += (g[i] - m[i]) * b1;
        v[i] += (g[i] * g[i] - v[i]) * b2;
        w[i] -= rate * m[i] / (sqrtf(v[i]) + 1e-7f);
    }
}
