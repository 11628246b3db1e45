#include "quant/bits.h"

#include <stdlib.h>
#include <string.h>

#include "nn/isa.h"

CB_ISA_DECLARE(void, cb_columns_kernel, const uint16_t *et, size_t n, size_t n_feature, uint16_t *column);
CB_ISA_DECLARE(uint64_t, cb_compare_kernel, const uint16_t *count, uint16_t threshold);
CB_ISA_DECLARE(void, cb_planes_kernel, const uint64_t *signal, const int32_t *row_of, const uint8_t *invert,
               const int32_t *first, int n_plane, uint64_t *plane, uint64_t *scratch);
typedef uint64_t compare_fn(const uint16_t *count, uint16_t threshold);
typedef void planes_fn(const uint64_t *signal, const int32_t *row_of, const uint8_t *invert, const int32_t *first,
                       int n_plane, uint64_t *plane, uint64_t *scratch);
typedef void columns_fn(const uint16_t *et, size_t n, size_t n_feature, uint16_t *column);
static columns_fn *const columns_kernels[] = CB_ISA_TABLE(cb_columns_kernel);
static compare_fn *const compare_kernels[] = CB_ISA_TABLE(cb_compare_kernel);
static planes_fn *const planes_kernels[] = CB_ISA_TABLE(cb_planes_kernel);

void cb_bits_compare(const uint16_t *et, size_t n, int n_feature, const int32_t *source, const int32_t *threshold,
                     int n_compare, uint16_t *column, uint64_t *row) {
    compare_fn *compare = compare_kernels[cb_isa()];
    for (size_t w = 0; w < CB_CIRCUIT_WORDS; w++) {
        size_t first = w * 64 < n ? w * 64 : n;
        columns_kernels[cb_isa()](et + first * (size_t)n_feature, n - first, (size_t)n_feature, column);
        for (int j = 0; j < n_compare; j++)
            row[(size_t)j * CB_CIRCUIT_WORDS + w] =
                threshold[j] < 0 ? ~(uint64_t)0 : compare(column + source[j] * 64, (uint16_t)threshold[j]);
    }
}

int cb_bit_sum_new(cb_bit_sum *s, const int32_t *signal, const int32_t *weight, int n) {
    *s = (cb_bit_sum){0};
    int64_t total = 0, rows = 0;
    for (int i = 0; i < n; i++) total += llabs((int64_t)weight[i]);
    if (total >= (int64_t)1 << 31) return cb_fail("weights of a sum of bits add up to %lld, less than 2^31 expected", (long long)total);
    for (s->n_plane = 1; total >> s->n_plane;) s->n_plane++;
    for (int i = 0; i < n; i++) rows += __builtin_popcountll((uint64_t)llabs((int64_t)weight[i]));
    s->row = cb_alloc((size_t)rows + 1, sizeof *s->row);
    s->invert = cb_alloc((size_t)rows + 1, sizeof *s->invert);
    s->scratch = cb_alloc_aligned(8 * ((size_t)rows + (size_t)s->n_plane + 8), sizeof *s->scratch);
    if (!s->row || !s->invert || !s->scratch) return cb_bit_sum_free(s), -1;
    int32_t at = 0;
    for (int p = 0; p < s->n_plane; p++) {
        s->first[p] = at;
        for (int i = 0; i < n; i++)
            if (llabs((int64_t)weight[i]) >> p & 1) s->row[at] = signal[i], s->invert[at++] = weight[i] < 0;
    }
    s->first[s->n_plane] = at;
    for (int i = 0; i < n; i++)
        if (weight[i] < 0) s->offset += weight[i];
    return 0;
}

void cb_bit_sum_free(cb_bit_sum *s) {
    free(s->row);
    free(s->invert);
    free(s->scratch);
    *s = (cb_bit_sum){0};
}

void cb_bit_sum_events(cb_bit_sum *s, const uint64_t *signal, int64_t *sum) {
    _Alignas(64) uint64_t plane[33 * CB_CIRCUIT_WORDS];
    planes_kernels[cb_isa()](signal, s->row, s->invert, s->first, s->n_plane, plane, s->scratch);
    for (int w = 0; w < CB_CIRCUIT_WORDS; w++) {
        uint32_t lane[64] = {0};
        for (int p = 0; p < s->n_plane; p++) {
            uint64_t bits = plane[p * CB_CIRCUIT_WORDS + w];
            for (int b = 0; b < 64; b++) lane[b] += (uint32_t)(bits >> b & 1) << p;
        }
        for (int b = 0; b < 64; b++) sum[w * 64 + b] = (int64_t)lane[b] + s->offset;
    }
}
