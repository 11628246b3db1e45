#include "nn/relu.h"

#include "nn/isa.h"

CB_ISA_DECLARE(void, cb_relu, float *, size_t);
CB_ISA_DECLARE(void, cb_relu_gradient, float *, const float *, size_t);

void cb_relu(float *x, size_t n) {
    static void (*const table[])(float *, size_t) = CB_ISA_TABLE(cb_relu);
    table[cb_isa()](x, n);
}

void cb_relu_gradient(float *dy, const float *y, size_t n) {
    static void (*const table[])(float *, const float *, size_t) = CB_ISA_TABLE(cb_relu_gradient);
    table[cb_isa()](dy, y, n);
}
