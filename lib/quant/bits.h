/* bits.h - comparators and weighted sums on bit-sliced events (512 a row, circuit.h).
 *
 * What the integer programme and the trainer of logic gate networks share to score
 * hardened networks: counts -> rows of bits -> circuit -> exact integer sums.
 */
#ifndef CB_QUANT_BITS_H
#define CB_QUANT_BITS_H

#include "quant/circuit.h"

/* row[j] of 8 words = et[e][source[j]] > threshold[j] of n <= 512 events et[n][n_feature] (0 beyond n).
 * column: scratch of n_feature * 64 counts. Counts below 2^15. */
void cb_bits_compare(const uint16_t *et, size_t n, int n_feature, const int32_t *source, const int32_t *threshold,
                     int n_compare, uint16_t *column, uint64_t *row);

/* sum_i weight[i] * bit of signal[i], prepared: weights split into binary digits, negative ones turned
 * into positive ones of the inverted bit. */
typedef struct {
    int n_plane;
    int32_t *row;       /* signals by plane; plane p is row[first[p]] .. row[first[p+1]-1] */
    uint8_t *invert;
    int32_t first[34];
    int64_t offset;     /* what the inversions owe */
    uint64_t *scratch;  /* not shared between threads */
} cb_bit_sum;

/* Fails where |weights| add up to 2^31 or more. */
int cb_bit_sum_new(cb_bit_sum *s, const int32_t *signal, const int32_t *weight, int n) CB_MUST;
void cb_bit_sum_free(cb_bit_sum *s);
/* sum[512] of rows of signals. */
void cb_bit_sum_events(cb_bit_sum *s, const uint64_t *signal, int64_t *sum);

#endif
