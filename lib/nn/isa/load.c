/* Rows of counts into event lanes; contract in nn/lanes.h. */
#include "nn/lanes.h"

#include "nn/isa.h"
#include "nn/vec16_bits.h"

#define lanes_load_rows CB_ISA_FN(cb_lanes_load_rows)
void lanes_load_rows(float *block, const uint16_t *const row[CB_LANES], int n_feature);

void lanes_load_rows(float *block, const uint16_t *const row[CB_LANES], int n_feature) {
    if (n_feature < 16) {
        for (int f = 0; f < n_feature; f++)
            for (int l = 0; l < CB_LANES; l++) block[f * CB_LANES + l] = row[l][f];
        return;
    }
    for (int f = 0; f + 16 <= n_feature; f += 16) v16_load_counts(row, f, block + f * CB_LANES);
    int last = n_feature - 16; /* the end once more, overlapping */
    if (n_feature % 16) v16_load_counts(row, last, block + last * CB_LANES);
}
