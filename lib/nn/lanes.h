/* lanes.h - the event-lane layout of all training code.
 *
 * Events are worked on in blocks of 16: a block of a tensor with n features is
 * float x[n][16], lane = event within the block (a short last block is filled
 * with zero events whose gradient is zero). SIMD runs over lanes, i.e. over
 * independent events, so forward and input gradients need no reduction and are
 * bit-equal to scalar code. Feature order of an image: (y*W+x)*C+c, as in Keras.
 *
 * Declared order of every sum (this is the specification; kernels and plain
 * references both follow it, with one fmaf per product):
 *   conv forward   (upsampled: last line) acc = bias[o]; for ky, kx, i ascending: acc = fmaf(x, w, acc); padded taps skipped
 *   dense forward  acc = bias[o]; for i ascending: acc = fmaf(x, w, acc); long sums in
 *                   pieces of CB_SUM_PIECE terms, each piece but the first from 0, y = ((p0+p1)+p2)...
 *   input gradient acc = 0; contributions in ascending (o) for dense (same pieces), (ky,kx,o) for conv
 *   weight gradient conv: per shard and lane, blocks ascending, positions ascending,
 *                   fmaf(dy, x, acc); then the binary tree over the 16 lanes
 *                   (l += l+8, +4, +2, +1), then shards ascending
 *                   conv bias: the same with dy + acc for the fmaf
 *                   dense: per shard, events ascending: acc = fmaf(x, dy, acc); shards ascending
 *   upsampling 2x2 with a convolution behind it: as phase convolutions; phases.h has all three orders
 * A batch of B blocks is cut into CB_SHARDS contiguous shards: shard s has blocks
 * [s*B/CB_SHARDS, (s+1)*B/CB_SHARDS).
 */
#ifndef CB_NN_LANES_H
#define CB_NN_LANES_H

#include <stddef.h>
#include <stdint.h>

enum { CB_LANES = 16 };
/* Float32 sums of thousands of terms lose digits; pieces keep the error near that of a tree. */
enum { CB_SUM_PIECE = 256 };

static inline size_t cb_blocks(size_t n_event) { return (n_event + CB_LANES - 1) / CB_LANES; }

/* et rows (by event index) -> one block; events beyond n are zero. */
void cb_lanes_load_u16(float *block, const uint16_t *et, const uint32_t *event, size_t n, int n_feature);
/* Sixteen rows -> one block. */
void cb_lanes_load_rows(float *block, const uint16_t *const row[CB_LANES], int n_feature);
/* Binary tree over the lanes. */
float cb_lanes_sum(const float x[CB_LANES]);

#endif
