/* kernels.h - the inner loops of logic gate training in float32, with the order of every sum.
 *
 * Parameters in blocks of 16 sets: w[block][k][16], lane = set within the block (sets beyond the last are
 * zero). Events of a shard: E = CB_LOGIC_SHARD, a row of E floats an input or output.
 * Polynomial coefficients: a node of rank r is u = sum_i c[i] prod_{j: bit j of i} z_j, input 0 the most
 * significant digit of i; RAW, LIGHT: z = x, c = Moebius transform of the corner values v; WARP: z = 1 - 2x, c = w.
 *
 *   values   RAW   p = softmax((w+noise)/T): largest k ascending, exponentials, sum k ascending, quotient;
 *                  v[i] = sum of p_k, k ascending, with gate bit 3-i of k; hard: bit of the first largest
 *            LIGHT s = 1/(1+exp(-(w+noise)/T)); v = s, hard: s > 0.5 ? 1 : 0
 *            Moebius: steps 1, 2, 4 ...: c[i+step] -= c[i] where i lacks the bit
 *   forward  L_r = c; L_j[i] = fma(z_j, L_{j+1}[2i+1], L_{j+1}[2i]), j = r-1 .. 0; u = L_0
 *            WARP: y = 1/(1+exp(u/T - noise/T)), hard: y > 0.5
 *   backward A_0 = g (WARP: g * ((y*(y-1)) * (1/T)), y soft); A_{j+1}[2i] = A_j[i], A_{j+1}[2i+1] = A_j[i] z_j;
 *            dz_j = sum_i A_j[i] L_{j+1}[2i+1], i ascending, first term a product, then fma;
 *            dx row of input j (its slot's: node * rank + j) += dz_j (WARP: fma(-2, dz_j, row)), nodes ascending, j ascending;
 *            dc[i] of a set: per lane positions ascending, then the shard's blocks of 16 events ascending,
 *            sum + A_r[i]; then the lane tree (nn/lanes.h)
 *   pooling  y = largest input, j ascending; the gradient goes to the first largest
 *   update   dc summed over shards ascending; Moebius transposed: steps 1, 2, ...: d[i] -= d[i+step];
 *            RAW: h_k = sum of d[i], i ascending; with entropy q = p + 1e-10, h_k = fma(-entropy, ln q + p/q, h_k);
 *            mean = fma over k; dw = (p (h - mean)) / T
 *            LIGHT: dw = (d (s (1-s))) / T; then Adam as in reference.h, with
 *            m = fma(b1, m, (1-b1) g), v = fma(b2, v, ((1-b2) g) g), w -= (rate m) / fma(sqrt v, 1/root, eps)
 *   exp      x clamped to +-87; k = (x log2e + 1.5 2^23) - 1.5 2^23; r = fma(-k, ln2_lo, fma(-k, ln2_hi, x));
 *            degree 6 Horner by fma; times 2^k
 *   ln       x = 2^e m, m in [sqrt(1/2), sqrt 2); s = (m-1)/(2+(m-1)), z = s s; p = Horner of 2/9, 2/7, 2/5, 2/3 in z by
 *            fma; fma(e, ln2_hi, fma(e, ln2_lo, fma(s z, p, 2 s)))
 * The `_ref` twins are plain C and give the same bytes (tests/unit/test_logic_train.c).
 */
#ifndef CB_LOGIC_KERNELS_H
#define CB_LOGIC_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "logic/node.h"

enum { CB_LOGIC_SHARD = 64 };

/* One layer as the kernels see it. */
typedef struct {
    cb_logic_kind kind;
    int pool, hard, rank, n_in, n_set, n_pos, n_par;
    int slots;             /* backward: dx has a row for every input of every node, in place of those of the layer before */
    int n_coef;            /* 2^rank */
    float temperature;
    float entropy;         /* RAW: factor of the entropy of p in the loss */
    const int32_t *wire;   /* [n_set * n_pos][rank] */
    const float *coef;     /* [block][n_coef][16] */
    const float *noise;    /* WARP: [block][16] or NULL */
} cb_logic_view;

typedef struct {
    float rate, b1, b2, inverse_root, eps;
} cb_logic_adam;

/* w[n_block][n_par][16] -> soft (p or s; not for WARP), coef[n_block][n_coef][16]. noise like w, or NULL. */
void cb_logic_values(const cb_logic_view *l, const float *w, const float *noise, size_t first, size_t end, float *soft,
                     float *coef);
/* x[n_in + 1][E], the last row 0 -> y[n_out][E]. */
void cb_logic_forward(const cb_logic_view *l, const float *x, float *y);
/* g[n_out][E]: adds to dx[n_in + 1][E] (NULL: not wanted), overwrites dc[n_block][n_coef][16]. */
void cb_logic_backward(const cb_logic_view *l, const float *x, const float *y, const float *g, float *dx, float *dc);
/* dc of n_shard shards, `stride` floats apart -> one Adam step of blocks first..end-1. */
void cb_logic_update(const cb_logic_view *l, const cb_logic_adam *a, const float *dc, size_t n_shard, size_t stride,
                     const float *soft, size_t first, size_t end, float *w, float *m, float *v);

void cb_logic_values_ref(const cb_logic_view *l, const float *w, const float *noise, size_t first, size_t end, float *soft,
                         float *coef);
void cb_logic_forward_ref(const cb_logic_view *l, const float *x, float *y);
void cb_logic_backward_ref(const cb_logic_view *l, const float *x, const float *y, const float *g, float *dx, float *dc);
void cb_logic_update_ref(const cb_logic_view *l, const cb_logic_adam *a, const float *dc, size_t n_shard, size_t stride,
                         const float *soft, size_t first, size_t end, float *w, float *m, float *v);

#endif
