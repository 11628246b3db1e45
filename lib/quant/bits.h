/* bits.h - counts -> rows of bits (x & mask) > threshold, 512 events a row (quant/circuit.h).
 *
 * How the integer programme of a logic gate network reads its counts (programme_bits.c). Sixty-four
 * features of an event are compared at once with a threshold each, which gives a word of the event; words of 64 events are then
 * transposed. Comparators are laid out in sheets: a sheet has at most one for each of 64 neighbouring features.
 */
#ifndef CB_QUANT_BITS_H
#define CB_QUANT_BITS_H

#include <stdbool.h>

#include "quant/circuit.h"

enum { CB_BIT_SHEET = 64 };

typedef struct {
    int32_t first, n;                 /* features first .. first+n-1 */
    bool masked;                      /* any mask but 0x7fff */
    int16_t threshold[CB_BIT_SHEET], mask[CB_BIT_SHEET];
    int32_t row[CB_BIT_SHEET];        /* of the comparator; -1: none */
} cb_bit_sheet;

/* Read-only once made: any number of threads. */
typedef struct {
    int32_t n_feature, n_sheet;
    cb_bit_sheet *sheet;              /* in ascending order of first */
} cb_bit_code;

/* Row j is (et[source[j]] & mask[j]) > threshold[j]; thresholds -1 .. 2^15-1. mask NULL: all bits. */
int cb_bit_code_new(cb_bit_code *c, int n_feature, const int32_t *source, const int32_t *threshold, const int32_t *mask, int32_t n) CB_MUST;
void cb_bit_code_free(cb_bit_code *c);
/* The rows (64-byte aligned, 8 words each) of n <= 512 events et[n][n_feature], counts below 2^15; bits of events beyond n are 0. */
void cb_bit_code_events(const cb_bit_code *c, const uint16_t *et, size_t n, uint64_t *row);

#endif
