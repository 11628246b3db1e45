#include "quant/student_kernels.h"

#include "nn/isa.h"

CB_ISA_DECLARE(void, cb_tile_conv_forward, const cb_tile_conv *, const float *, const float *, float *);
CB_ISA_DECLARE(void, cb_tile_conv_gradient, const cb_tile_conv *, const float *, const float *, float *);
CB_ISA_DECLARE(void, cb_dropout_fill, const uint32_t[2], uint64_t, float, float, float *, size_t);
CB_ISA_DECLARE(void, cb_relu_drop, const cb_relu_rule *, const float *, const float *, float *, float *, size_t);

void cb_tile_conv_forward(const cb_tile_conv *c, const float *image, const float *w, float *out) {
    static void (*const table[])(const cb_tile_conv *, const float *, const float *, float *) =
        CB_ISA_TABLE(cb_tile_conv_forward);
    table[cb_isa()](c, image, w, out);
}

void cb_tile_conv_gradient(const cb_tile_conv *c, const float *image, const float *d_out, float *lanes) {
    static void (*const table[])(const cb_tile_conv *, const float *, const float *, float *) =
        CB_ISA_TABLE(cb_tile_conv_gradient);
    table[cb_isa()](c, image, d_out, lanes);
}

void cb_dropout_fill(const uint32_t key[2], uint64_t index, float p, float scale, float *mask, size_t n) {
    static void (*const table[])(const uint32_t[2], uint64_t, float, float, float *, size_t) =
        CB_ISA_TABLE(cb_dropout_fill);
    table[cb_isa()](key, index, p, scale, mask, n);
}

void cb_relu_drop(const cb_relu_rule *q, const float *x, const float *mask, float *value, float *slope, size_t n) {
    static void (*const table[])(const cb_relu_rule *, const float *, const float *, float *, float *, size_t) =
        CB_ISA_TABLE(cb_relu_drop);
    table[cb_isa()](q, x, mask, value, slope, n);
}
