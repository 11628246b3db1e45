/* The rectifier; contract in nn/relu.h. Plain C that the compiler turns into vectors. */
#include "nn/relu.h"

#include "nn/isa.h"

#define relu CB_ISA_FN(cb_relu)
#define relu_gradient CB_ISA_FN(cb_relu_gradient)
void relu(float *x, size_t n);
void relu_gradient(float *dy, const float *y, size_t n);

void relu(float *x, size_t n) {
    for (size_t i = 0; i < n; i++) x[i] = x[i] > 0 || x[i] != x[i] ? x[i] : 0;
}

void relu_gradient(float *restrict dy, const float *restrict y, size_t n) {
    for (size_t i = 0; i < n; i++) dy[i] = y[i] > 0 ? dy[i] : 0;
}
