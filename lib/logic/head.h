/* head.h - from the output bits of a logic gate network to the score: one weighted sum, or hinges of several.
 *
 *   S_u = sum c_p x_o          over the outputs o of unit u; p = o / share is the weight of output o (the outputs of a set
 *                              that is used at `share` positions have one weight: their number is what counts), u = p mod units
 *   y   = S_0 + b                                             hinges = 0 (one unit)
 *   y   = sum_k a_k max(sum_u v_ku S_u + t_k, 0)              else
 *
 * The teacher's score is 32 times the logarithm of a sum over regions: the sum is what a layer of tables with one
 * weighted sum can learn, the logarithm needs the hinges.
 *
 * Parameters in one array: c[weights], then b, or v[hinges][units], t[hinges], a[hinges].
 * As used they lie on grids (straight-through): c on a grid of its own, v and a on another, t on that of v S, b on that of c;
 * a head that is not trained is used as it is.
 *
 * Sums in float32: outputs ascending in pieces of CB_SUM_PIECE, pieces ascending; then units, hinges ascending; gradients of
 * the parameters per lane (nn/lanes.h) over the outputs and blocks ascending, then the lane tree.
 */
#ifndef CB_LOGIC_HEAD_H
#define CB_LOGIC_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/rng.h"
#include "logic/kernels.h"

enum { CB_LOGIC_UNITS = 8, CB_LOGIC_HINGES = 16 };

typedef struct {
    int share, units, hinges;
} cb_logic_head;

/* Multiples of 2^-frac up to (2^(bits-1) - 1) 2^-frac in magnitude; bits = 1: signed powers of two from 2^-frac to 2, and 0. */
typedef struct {
    int bits, frac;
} cb_logic_grid;
float cb_logic_on_grid(cb_logic_grid g, float x);

/* Of a head on n outputs: weights c, and all parameters. */
static inline size_t cb_logic_head_weights(const cb_logic_head *h, int n) { return (size_t)(n / h->share); }
static inline size_t cb_logic_head_size(const cb_logic_head *h, int n) {
    return cb_logic_head_weights(h, n) + (h->hinges ? (size_t)(h->hinges * (h->units + 2)) : 1);
}
static inline int cb_logic_head_unit(const cb_logic_head *h, int output) { return output / h->share % h->units; }

/* c = 1 / tau; y = middle where half of the outputs are on. Hinges: the k-th from S = k middle on, at weight 1 for k = 0,
 * else 0. */
void cb_logic_head_start(const cb_logic_head *h, int n, double tau, double middle, cb_rng *r, float *theta);
/* theta is limited to its grids; used: theta on them. */
void cb_logic_head_round(const cb_logic_head *h, int n, cb_logic_grid c, cb_logic_grid hinge, float *theta, float *used);

/* Steps of parameter p against those of c: t has farther to go, v and a move everything at once. */
float cb_logic_head_stride(const cb_logic_head *h, int n, size_t p);

/* One shard of E = CB_LOGIC_SHARD events. */
typedef struct {
    float sum[CB_LOGIC_UNITS][CB_LOGIC_SHARD], hinge[CB_LOGIC_HINGES][CB_LOGIC_SHARD]; /* hinge before max */
} cb_logic_head_work;

void cb_logic_head_forward(const cb_logic_head *h, int n, const float *used, const float *x, cb_logic_head_work *w, float *y);
/* After forward: dy[E] -> g[n][E], the gradient of the outputs (set), and grad[size] of the parameters (set; NULL: not wanted). */
void cb_logic_head_backward(const cb_logic_head *h, int n, const float *used, const float *x, const cb_logic_head_work *w,
                            const float *dy, float *g, float *grad);
/* The plain definition: n output bits of one event. */
double cb_logic_head_plain(const cb_logic_head *h, int n, const float *used, const unsigned char *bit);

#endif
