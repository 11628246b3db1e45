/* Dense layer kernels; contract and order of sums in nn/dense.h and nn/lanes.h.
 * Register blocks hold V16_ACC accumulators: forward and backward several features of
 * one event block, the weight gradient rows (inputs) x vectors of outputs. */
#include <stdint.h>

#include "nn/lanes.h"

#include "nn/isa.h"
#include "nn/vec16.h"

#define dense_forward CB_ISA_FN(cb_dense_forward)
#define dense_backward CB_ISA_FN(cb_dense_backward)
#define dense_gradient CB_ISA_FN(cb_dense_gradient)
void dense_forward(const float *x, const float *w, const float *bias, int n_in, int n_out, float *y);
void dense_backward(const float *dy, const float *w, int n_in, int n_out, float *dx);
void dense_gradient(const float *x, size_t x_stride, const float *dy, size_t dy_stride, size_t n_block, int n_in,
                    int n_out, float *dw, float *db);

#if V16_ACC >= 16
enum { TILE = 16, GROW = 12, GVEC = 2 };
#elif V16_ACC >= 6
enum { TILE = 6, GROW = 3, GVEC = 2 };
#else
enum { TILE = 4, GROW = 2, GVEC = 2 };
#endif

enum { AHEAD = 12 }; /* rows whose weights are fetched ahead: they come from the second-level cache or beyond */

/* y[k] = bias[k] + sum_i x[i] w[i*step + k*pitch], k < n, in pieces (lanes.h). Forward: step
 * n_out, pitch 1; input gradient: step 1, pitch n_out. n is a constant wherever this is inlined. */
V16_INLINE void tile_sum(const float *x, const float *w, size_t step, size_t pitch, const float *bias, int n_sum,
                         float *y, int n) {
    vec16 acc[TILE];
    size_t ahead = step > 512 ? 2 * TILE - 1 : AHEAD * step; /* rows far apart: the end of the next tile, else rows to come */
    for (int from = 0; from == 0 || from < n_sum; from += CB_SUM_PIECE) {
        int end = n_sum - from < CB_SUM_PIECE ? n_sum : from + CB_SUM_PIECE;
        V16_UNROLL
        for (int k = 0; k < n; k++) acc[k] = v16_all(bias && !from ? bias[k] : 0);
        for (int i = from; i < end; i++) {
            vec16 xi = v16_load(x + (size_t)i * 16);
            const float *wi = w + (size_t)i * step;
            if (pitch == 1) __builtin_prefetch((const void *)((uintptr_t)wi + ahead * sizeof *wi)); /* perhaps past the end */
            V16_UNROLL
            for (int k = 0; k < n; k++) acc[k] = v16_fma(xi, v16_all(wi[(size_t)k * pitch]), acc[k]);
        }
        V16_UNROLL
        for (int k = 0; k < n; k++)
            v16_store(y + (size_t)k * 16, from ? v16_add(v16_load(y + (size_t)k * 16), acc[k]) : acc[k]);
    }
}

void dense_forward(const float *x, const float *w, const float *bias, int n_in, int n_out, float *y) {
    size_t step = (size_t)n_out;
    int o = 0;
    for (; o + TILE <= n_out; o += TILE)
        tile_sum(x, w + o, step, 1, bias ? bias + o : NULL, n_in, y + (size_t)o * 16, TILE);
    for (; o + TILE / 2 <= n_out; o += TILE / 2)
        tile_sum(x, w + o, step, 1, bias ? bias + o : NULL, n_in, y + (size_t)o * 16, TILE / 2);
    for (; o < n_out; o++) tile_sum(x, w + o, step, 1, bias ? bias + o : NULL, n_in, y + (size_t)o * 16, 1);
}

void dense_backward(const float *dy, const float *w, int n_in, int n_out, float *dx) {
    size_t pitch = (size_t)n_out;
    int i = 0;
    for (; i + TILE <= n_in; i += TILE)
        tile_sum(dy, w + (size_t)i * pitch, 1, pitch, NULL, n_out, dx + (size_t)i * 16, TILE);
    for (; i + TILE / 2 <= n_in; i += TILE / 2)
        tile_sum(dy, w + (size_t)i * pitch, 1, pitch, NULL, n_out, dx + (size_t)i * 16, TILE / 2);
    for (; i < n_in; i++) tile_sum(dy, w + (size_t)i * pitch, 1, pitch, NULL, n_out, dx + (size_t)i * 16, 1);
}

enum { CHUNK = 4 }; /* event blocks transposed at a time */

/* rows of dw (inputs i .. i+rows-1) x vecs vectors of outputs from column o; t holds dy
 * with outputs contiguous: t[event][GVEC*16]. The last vector has `last` valid outputs. */
V16_INLINE void tile_gradient(const float *x, size_t x_stride, const float *t, int n_block, float *dw, size_t n_out,
                              int last, int rows, int vecs) {
    vec16 acc[GROW][GVEC];
    V16_UNROLL
    for (int r = 0; r < rows; r++)
        V16_UNROLL
        for (int v = 0; v < vecs; v++)
            acc[r][v] = v16_load_part(dw + (size_t)r * n_out + v * 16, v == vecs - 1 ? last : 16);
    for (int b = 0; b < n_block; b++)
        for (int lane = 0; lane < 16; lane++) {
            const float *tb = t + (size_t)(b * 16 + lane) * (GVEC * 16), *xb = x + (size_t)b * x_stride + lane;
            vec16 d[GVEC];
            V16_UNROLL
            for (int v = 0; v < vecs; v++) d[v] = v16_load(tb + v * 16);
            V16_UNROLL
            for (int r = 0; r < rows; r++) {
                vec16 xr = v16_all(xb[r * 16]);
                V16_UNROLL
                for (int v = 0; v < vecs; v++) acc[r][v] = v16_fma(xr, d[v], acc[r][v]);
            }
        }
    V16_UNROLL
    for (int r = 0; r < rows; r++)
        V16_UNROLL
        for (int v = 0; v < vecs; v++)
            v16_store_part(dw + (size_t)r * n_out + v * 16, acc[r][v], v == vecs - 1 ? last : 16);
}

/* All inputs against one panel of at most GVEC*16 outputs: GROW rows at a time, then fewer and fewer. */
static void panel_gradient(const float *x, size_t x_stride, const float *t, int n_block, int n_in, int width,
                           float *dw, size_t n_out) {
    int vecs = (width + 15) / 16, last = width - (vecs - 1) * 16, i = 0;
#define ROWS(n)                                                                            \
    for (; i + (n) <= n_in; i += (n), x += (n) * 16, dw += (n) * n_out)                    \
        if (vecs == GVEC) tile_gradient(x, x_stride, t, n_block, dw, n_out, last, n, GVEC); \
        else tile_gradient(x, x_stride, t, n_block, dw, n_out, last, n, 1)
    ROWS(GROW);
#if V16_ACC >= 16
    ROWS(8);
    ROWS(4);
#endif
    ROWS(2);
    ROWS(1);
#undef ROWS
}

/* db += the events of a panel in order, outputs in lanes. */
static void panel_bias(const float *t, int n_block, int width, float *db) {
    int vecs = (width + 15) / 16, last = width - (vecs - 1) * 16;
    vec16 acc[GVEC];
    for (int v = 0; v < vecs; v++) acc[v] = v16_load_part(db + v * 16, v == vecs - 1 ? last : 16);
    for (int e = 0; e < n_block * 16; e++)
        for (int v = 0; v < vecs; v++) acc[v] = v16_add(acc[v], v16_load(t + e * GVEC * 16 + v * 16));
    for (int v = 0; v < vecs; v++) v16_store_part(db + v * 16, acc[v], v == vecs - 1 ? last : 16);
}

typedef float f4 __attribute__((vector_size(16), aligned(4), may_alias));

/* t[event][GVEC*16] = dy[output][event], zeros from output `width` on: 4 x 4 at a time, in registers. */
static void panel_transpose(const float *dy, int width, float *t) {
    enum { PITCH = GVEC * 16 };
    int k = 0;
    for (; k + 4 <= width; k += 4)
        for (int e = 0; e < 16; e += 4) {
            f4 r[4], u[4];
            V16_UNROLL
            for (int i = 0; i < 4; i++) r[i] = *(const f4 *)(dy + (k + i) * 16 + e);
            u[0] = __builtin_shufflevector(r[0], r[1], 0, 4, 1, 5);
            u[1] = __builtin_shufflevector(r[2], r[3], 0, 4, 1, 5);
            u[2] = __builtin_shufflevector(r[0], r[1], 2, 6, 3, 7);
            u[3] = __builtin_shufflevector(r[2], r[3], 2, 6, 3, 7);
            *(f4 *)(t + (e + 0) * PITCH + k) = __builtin_shufflevector(u[0], u[1], 0, 1, 4, 5);
            *(f4 *)(t + (e + 1) * PITCH + k) = __builtin_shufflevector(u[0], u[1], 2, 3, 6, 7);
            *(f4 *)(t + (e + 2) * PITCH + k) = __builtin_shufflevector(u[2], u[3], 0, 1, 4, 5);
            *(f4 *)(t + (e + 3) * PITCH + k) = __builtin_shufflevector(u[2], u[3], 2, 3, 6, 7);
        }
    for (; k < PITCH; k++)
        for (int e = 0; e < 16; e++) t[e * PITCH + k] = k < width ? dy[k * 16 + e] : 0;
}

void dense_gradient(const float *x, size_t x_stride, const float *dy, size_t dy_stride, size_t n_block, int n_in,
                    int n_out, float *dw, float *db) {
    float t[CHUNK * 16 * GVEC * 16];
    for (int o = 0; o < n_out; o += GVEC * 16) {
        int width = n_out - o < GVEC * 16 ? n_out - o : GVEC * 16;
        for (size_t b0 = 0; b0 < n_block; b0 += CHUNK) {
            int n = n_block - b0 < CHUNK ? (int)(n_block - b0) : CHUNK;
            for (int b = 0; b < n; b++)
                panel_transpose(dy + (b0 + (size_t)b) * dy_stride + (size_t)o * 16, width, t + b * 16 * GVEC * 16);
            if (db) panel_bias(t, n, width, db + o);
            panel_gradient(x + b0 * x_stride, x_stride, t, n, n_in, width, dw + o, (size_t)n_out);
        }
    }
}
