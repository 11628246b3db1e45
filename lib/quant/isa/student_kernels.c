/* Inner loops of student training; contract in quant/student_kernels.h. */
#include "quant/student_kernels.h"

#include "nn/isa.h"

void CB_ISA_FN(cb_tile_conv_forward)(const cb_tile_conv *c, const float *image, const float *w, float *out);
void CB_ISA_FN(cb_tile_conv_gradient)(const cb_tile_conv *c, const float *image, const float *d_out, float *lanes);
void CB_ISA_FN(cb_dropout_fill)(const uint32_t key[2], uint64_t index, float p, float scale, float *mask, size_t n);
void CB_ISA_FN(cb_relu_drop)(const cb_relu_rule *q, const float *x, const float *mask, float *value, float *slope,
                             size_t n);

/* Image row of 16 lanes under tap t of output pixel (y, x). */
static inline const float *under(const cb_tile_conv *c, const float *image, int y, int x, int t) {
    return image + ((y * c->kernel + t / c->kernel) * c->width + x * c->kernel + t % c->kernel) * CB_LANES;
}

void CB_ISA_FN(cb_tile_conv_forward)(const cb_tile_conv *c, const float *image, const float *w, float *out) {
    int taps = c->kernel * c->kernel;
    for (int y = 0; y < c->oh; y++)
        for (int x = 0; x < c->ow; x++)
            for (int f = 0; f < c->filters; f++, out += CB_LANES) {
                float acc[CB_LANES] = {0};
                for (int t = 0; t < taps; t++) {
                    const float *in = under(c, image, y, x, t), wt = w[t * c->filters + f];
                    for (int l = 0; l < CB_LANES; l++) acc[l] += in[l] * wt;
                }
                for (int l = 0; l < CB_LANES; l++) out[l] = acc[l];
            }
}

void CB_ISA_FN(cb_tile_conv_gradient)(const cb_tile_conv *c, const float *image, const float *d_out, float *lanes) {
    int taps = c->kernel * c->kernel;
    for (int t = 0; t < taps; t++)
        for (int f = 0; f < c->filters; f++) {
            float acc[CB_LANES], *sum = lanes + (t * c->filters + f) * CB_LANES;
            for (int l = 0; l < CB_LANES; l++) acc[l] = sum[l];
            for (int y = 0; y < c->oh; y++)
                for (int x = 0; x < c->ow; x++) {
                    const float *in = under(c, image, y, x, t);
                    const float *d = d_out + ((y * c->ow + x) * c->filters + f) * CB_LANES;
                    for (int l = 0; l < CB_LANES; l++) acc[l] += d[l] * in[l];
                }
            for (int l = 0; l < CB_LANES; l++) sum[l] = acc[l];
        }
}

/* Adding and subtracting 1.5 * 2^23 rounds |v| < 2^22 to the nearest integer, ties to even. */
void CB_ISA_FN(cb_relu_drop)(const cb_relu_rule *q, const float *x, const float *mask, float *value, float *slope,
                             size_t n) {
    const float magic = 12582912, top = q->top, scale = q->scale, last = q->last, step = q->step;
    for (size_t e = 0; e < n; e += CB_LANES) {
        float in[CB_LANES], keep[CB_LANES];
        for (int l = 0; l < CB_LANES; l++) in[l] = x[e + (size_t)l], keep[l] = mask[e + (size_t)l];
        for (int l = 0; l < CB_LANES; l++) slope[e + (size_t)l] = (float)((in[l] > 0) & (in[l] <= top)) * keep[l];
        for (int l = 0; l < CB_LANES; l++) in[l] = in[l] > 0 ? in[l] : 0;
        if (q->quantized)
            for (int l = 0; l < CB_LANES; l++) {
                float v = in[l] * scale;
                v = v < last ? v : last;
                in[l] = ((v + magic) - magic) * step;
            }
        for (int l = 0; l < CB_LANES; l++) value[e + (size_t)l] = in[l] * keep[l];
    }
}

/* ---- Philox4x32-10 (base/rng.h) of WIDE consecutive counters side by side ---- */

enum { WIDE = 16, DRAWS = WIDE * 8 };

static void philox_wide(const uint32_t key[2], uint64_t index, uint64_t first, uint32_t c[4][WIDE]) {
    uint32_t k0 = key[0], k1 = key[1];
    for (int b = 0; b < WIDE; b++) {
        c[0][b] = (uint32_t)(first + (uint64_t)b);
        c[1][b] = (uint32_t)((first + (uint64_t)b) >> 32);
        c[2][b] = (uint32_t)index;
        c[3][b] = (uint32_t)(index >> 32);
    }
    for (int round = 0; round < 10; round++, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u)
        for (int b = 0; b < WIDE; b++) {
            uint64_t p0 = (uint64_t)0xD2511F53u * c[0][b], p1 = (uint64_t)0xCD9E8D57u * c[2][b];
            c[0][b] = (uint32_t)(p1 >> 32) ^ c[1][b] ^ k0;
            c[2][b] = (uint32_t)(p0 >> 32) ^ c[3][b] ^ k1;
            c[1][b] = (uint32_t)p1;
            c[3][b] = (uint32_t)p0;
        }
}

void CB_ISA_FN(cb_dropout_fill)(const uint32_t key[2], uint64_t index, float p, float scale, float *mask, size_t n) {
    uint32_t c[4][WIDE], half[DRAWS];
    for (size_t first = 0; first < n; first += DRAWS) {
        philox_wide(key, index, first / 8, c);
        for (int b = 0; b < WIDE; b++)
            for (int w = 0; w < 4; w++) {
                half[b * 8 + w * 2] = c[w][b] & 0xFFFF;
                half[b * 8 + w * 2 + 1] = c[w][b] >> 16;
            }
        size_t m = n - first < DRAWS ? n - first : DRAWS;
        for (size_t i = 0; i < m; i++) mask[first + i] = (float)(int32_t)half[i] * 0x1p-16f >= p ? scale : 0;
    }
}
