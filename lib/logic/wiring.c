#include "logic/wiring.h"

#include <stdlib.h>

#include "base/fmath.h"

/* Slot s repeats an input of its node. */
static int repeats(const int32_t *wire, int64_t s, int rank) {
    int64_t first = s / rank * rank;
    for (int64_t t = first; t < first + rank; t++)
        if (t != s && wire[t] == wire[s]) return 1;
    return 0;
}

static void exchange(int32_t *wire, int64_t s, int64_t t) {
    int32_t swap = wire[s];
    wire[s] = wire[t], wire[t] = swap;
}

static void separate(cb_rng *r, int32_t *wire, int64_t n, int rank) {
    for (int64_t s = 0; s < n; s++)
        for (int tries = 0; tries < 100 && repeats(wire, s, rank); tries++) {
            int64_t t = cb_rng_below(r, (uint32_t)n);
            exchange(wire, s, t);
            if (repeats(wire, t, rank)) exchange(wire, s, t);
        }
}

int cb_wires_random(cb_rng *r, int n_in, int n_out, int rank, int distinct, int32_t *wire) {
    size_t n = (size_t)n_out * (size_t)rank;
    uint32_t *slot = cb_alloc(n, sizeof *slot), *input = cb_alloc((size_t)n_in, sizeof *input);
    int rc = slot && input ? 0 : -1;
    if (!rc) {
        cb_rng_permutation(r, slot, n);
        cb_rng_permutation(r, input, (size_t)n_in);
        for (size_t s = 0; s < n; s++) wire[s] = (int32_t)input[slot[s] % (uint32_t)n_in];
        if (distinct) separate(r, wire, (int64_t)n, rank);
    }
    free(slot);
    free(input);
    return rc;
}

int cb_wires_unique(cb_rng *r, int n_in, int n_out, int32_t *wire) {
    if ((int64_t)n_in * (n_in - 1) / 2 < n_out)
        return cb_fail("unique wiring: %d nodes, but %d inputs have only %lld pairs", n_out, n_in,
                       (long long)n_in * (n_in - 1) / 2);
    int o = 0;
    for (int start = 0; start < 2; start++)
        for (int a = start; a + 1 < n_in && o < n_out; a += 2, o++) wire[2 * o] = a, wire[2 * o + 1] = a + 1;
    for (int far = 2; far < n_in; far++)
        for (int a = 0; a + far < n_in && o < n_out; a++, o++) wire[2 * o] = a, wire[2 * o + 1] = a + far;
    for (int k = n_out - 1; k > 0; k--) {
        int64_t m = cb_rng_below(r, (uint32_t)k + 1);
        exchange(wire, 2 * k, 2 * m);
        exchange(wire, 2 * k + 1, 2 * m + 1);
    }
    return 0;
}

void cb_wires_leaves(cb_rng *r, int rank, int kernels, int leaves, const int field[3], int channels, int group,
                     int32_t *leaf) {
    if (group < 1 || group > channels) group = channels;
    for (int j = 0; j < rank; j++)
        for (int k = 0; k < kernels; k++)
            for (int l = 0; l < leaves; l++, leaf += 4) {
                for (int a = 0; a < 3; a++) leaf[a] = (int32_t)cb_rng_below(r, (uint32_t)field[a]);
                leaf[3] = (int32_t)cb_rng_below(r, (uint32_t)group) + k % (channels - group + 1);
            }
}

int cb_wire_choice(const double *weight, int c, int step) {
    int best = 0;
    for (int i = 1; i < c; i++)
        if (weight[i * step] > weight[best * step]) best = i;
    return best;
}

void cb_wire_backward(const double *x, const int32_t *candidate, const double *weight, int c, int step, double tau,
                      double g, double *d_weight, double *dx) {
    double top = weight[cb_wire_choice(weight, c, step) * step], sum = 0;
    for (int i = 0; i < c; i++) sum += cb_exp((weight[i * step] - top) / tau);
    for (int i = 0; i < c; i++) {
        int32_t from = candidate[i * step];
        d_weight[i * step] += (2 * x[from] - 1) * g;
        dx[from] += cb_exp((weight[i * step] - top) / tau) / sum * g;
    }
}
