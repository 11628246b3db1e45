#include "quant/bits.h"

#include <stdlib.h>

#include "data/dataset.h"
#include "nn/isa.h"

CB_ISA_DECLARE(void, cb_bit_code_kernel, const cb_bit_code *c, const uint16_t *et, size_t n, uint64_t *row);
typedef void kernel_fn(const cb_bit_code *c, const uint16_t *et, size_t n, uint64_t *row);
static kernel_fn *const kernels[] = CB_ISA_TABLE(cb_bit_code_kernel);

void cb_bit_code_events(const cb_bit_code *c, const uint16_t *et, size_t n, uint64_t *row) { kernels[cb_isa()](c, et, n, row); }

static void new_sheet(cb_bit_code *c, int32_t first) {
    cb_bit_sheet *s = &c->sheet[c->n_sheet++];
    int32_t left = c->n_feature - first;
    *s = (cb_bit_sheet){.first = first, .n = left < CB_BIT_SHEET ? left : CB_BIT_SHEET};
    for (int i = 0; i < CB_BIT_SHEET; i++) s->threshold[i] = s->mask[i] = INT16_MAX, s->row[i] = -1;
}

/* depth[f]: comparators of feature f placed so far. */
static void place(cb_bit_code *c, const int32_t *first_sheet, int32_t *depth, int32_t source, int32_t threshold, int32_t mask, int32_t j) {
    cb_bit_sheet *s = &c->sheet[first_sheet[source / CB_BIT_SHEET] + depth[source]++];
    s->threshold[source % CB_BIT_SHEET] = (int16_t)threshold;
    s->mask[source % CB_BIT_SHEET] = (int16_t)mask;
    s->masked |= mask != INT16_MAX;
    s->row[source % CB_BIT_SHEET] = j;
}

/* All bits that a count has. */
static int32_t mask_of(const int32_t *mask, int32_t j) { return mask && mask[j] != CB_ET_MAX ? mask[j] & INT16_MAX : INT16_MAX; }

int cb_bit_code_new(cb_bit_code *c, int n_feature, const int32_t *source, const int32_t *threshold, const int32_t *mask, int32_t n) {
    *c = (cb_bit_code){.n_feature = n_feature};
    int32_t words = (n_feature + CB_BIT_SHEET - 1) / CB_BIT_SHEET, total = 0;
    int32_t *depth = cb_alloc((size_t)n_feature + 1, sizeof *depth), *first = cb_alloc((size_t)words + 1, sizeof *first);
    int rc = depth && first ? 0 : -1;
    for (int32_t j = 0; !rc && j < n; j++) {
        if (source[j] < 0 || source[j] >= n_feature || threshold[j] < -1 || threshold[j] > INT16_MAX)
            rc = cb_fail("comparator %d: input %d > %d; inputs 0 to %d and thresholds -1 to %d expected", j, source[j],
                         threshold[j], n_feature - 1, INT16_MAX);
        else depth[source[j]]++;
    }
    for (int32_t w = 0; !rc && w < words; w++) { /* as many sheets as the feature with the most comparators has */
        int32_t most = 0;
        for (int32_t f = w * CB_BIT_SHEET; f < n_feature && f < (w + 1) * CB_BIT_SHEET; f++) {
            most = depth[f] > most ? depth[f] : most;
            depth[f] = 0;
        }
        first[w] = total, total += most;
        first[w + 1] = total;
    }
    if (!rc && !(c->sheet = cb_alloc((size_t)total + 1, sizeof *c->sheet))) rc = -1;
    for (int32_t w = 0; !rc && w < words; w++)
        while (c->n_sheet < first[w + 1]) new_sheet(c, w * CB_BIT_SHEET);
    for (int32_t j = 0; !rc && j < n; j++) place(c, first, depth, source[j], threshold[j], mask_of(mask, j), j);
    free(depth);
    free(first);
    if (rc) cb_bit_code_free(c);
    return rc;
}

void cb_bit_code_free(cb_bit_code *c) {
    free(c->sheet);
    *c = (cb_bit_code){0};
}
