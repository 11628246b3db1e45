#include "nn/lanes.h"

#include <string.h>

#include "nn/isa.h"

CB_ISA_DECLARE(void, cb_lanes_load_rows, float *, const uint16_t *const[CB_LANES], int);

void cb_lanes_load_rows(float *block, const uint16_t *const row[CB_LANES], int n_feature) {
    static void (*const table[])(float *, const uint16_t *const[CB_LANES], int) = CB_ISA_TABLE(cb_lanes_load_rows);
    table[cb_isa()](block, row, n_feature);
}

void cb_lanes_load_u16(float *block, const uint16_t *et, const uint32_t *event, size_t n, int n_feature) {
    if (n == CB_LANES) {
        const uint16_t *row[CB_LANES];
        for (size_t lane = 0; lane < n; lane++) row[lane] = et + (size_t)event[lane] * (size_t)n_feature;
        cb_lanes_load_rows(block, row, n_feature);
        return;
    }
    memset(block, 0, (size_t)n_feature * CB_LANES * sizeof *block);
    for (size_t lane = 0; lane < n; lane++) {
        const uint16_t *row = et + (size_t)event[lane] * (size_t)n_feature;
        for (int f = 0; f < n_feature; f++) block[f * CB_LANES + (int)lane] = row[f];
    }
}

float cb_lanes_sum(const float x[CB_LANES]) {
    float t[CB_LANES];
    memcpy(t, x, sizeof t);
    for (int half = CB_LANES / 2; half; half /= 2)
        for (int lane = 0; lane < half; lane++) t[lane] += t[lane + half];
    return t[0];
}
