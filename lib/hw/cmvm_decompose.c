/* Stage 1: columns as differences of similar columns (cmvm.h). */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "hw/cmvm_internal.h"

static int digits_of(int64_t w) {
    /* CSD weight: ones of (3w xor w) / 2 */
    uint64_t u = w < 0 ? (uint64_t)-w : (uint64_t)w;
    return __builtin_popcountll((3 * u) ^ u);
}

static int ceil_log2(int v) { return v <= 1 ? 0 : 32 - __builtin_clz((unsigned)v - 1); }

/* Vertex 0 is the zero column, vertex j+1 column j. */
typedef struct {
    int n;          /* vertices */
    int *cost;      /* [n][n] digits of col_a -+ col_b, the better sign */
    int8_t *sign;   /* [n][n] */
} distances;

static int64_t entry(const int64_t *w, int n_out, int i, int v) { return v ? w[(int64_t)i * n_out + v - 1] : 0; }

static int measure(distances *d, const int64_t *w, int n_in, int n_out) {
    d->n = n_out + 1;
    d->cost = cb_alloc((size_t)d->n * (size_t)d->n, sizeof *d->cost);
    d->sign = cb_alloc((size_t)d->n * (size_t)d->n, 1);
    if (!d->cost || !d->sign) return -1;
    for (int a = 0; a < d->n; a++)
        for (int b = 0; b < d->n; b++) {
            int minus = 0, plus = 0;
            for (int i = 0; i < n_in; i++) {
                int64_t x = entry(w, n_out, i, a), y = entry(w, n_out, i, b);
                minus += digits_of(x - y);
                plus += digits_of(x + y);
            }
            d->cost[a * d->n + b] = plus < minus ? plus : minus;
            d->sign[a * d->n + b] = plus < minus ? -1 : 1;
        }
    return 0;
}

/* Prim's algorithm from the zero column; edges that would exceed the depth limit
 * are taken only when nothing else is left. order[] receives the vertices as they join. */
static int span(const distances *d, int dc, int *parent, int *order) {
    int n = d->n, longest = 0;
    int *lat = cb_alloc((size_t)n, sizeof *lat);
    bool *in = cb_alloc((size_t)n, sizeof *in);
    if (!lat || !in) return free(lat), free(in), -1;
    for (int j = 1; j < n; j++)
        if (d->cost[j] > longest) longest = d->cost[j];
    int limit = dc < 0 ? INT_MAX / 2 : (1 << (dc > 20 ? 20 : dc)) - 1 + ceil_log2(longest);
    in[0] = true;
    for (int k = 1; k < n; k++) {
        int best = INT_MAX, from = 0, to = 0;
        for (int i = 1; i < n; i++)
            for (int j = 0; j < n && !in[i]; j++) {
                if (!in[j]) continue;
                int cost = d->cost[i * n + j], depth = ceil_log2(cost);
                if ((depth > lat[j] ? depth : lat[j]) + 1 > limit) cost = INT_MAX / 2 + (j ? 1 : 0);
                if (cost < best) best = cost, to = i, from = j;
            }
        int depth = ceil_log2(d->cost[to * n + from]);
        lat[to] = (depth > lat[from] ? depth : lat[from]) + 1;
        in[to] = true;
        parent[to] = from;
        order[k - 1] = to;
    }
    free(lat);
    free(in);
    return 0;
}

/* Follows the tree: one column of m0 for every non-zero difference. */
static int build(const distances *d, const int64_t *w, int n_in, int n_out, const int *parent, const int *order,
                 int64_t *m0, int8_t *m1) {
    int columns = 0;
    for (int k = 0; k < n_out; k++) {
        int i = order[k], j = parent[i], sign = d->sign[i * d->n + j];
        bool any = false;
        for (int r = 0; r < n_in; r++) {
            int64_t diff = entry(w, n_out, r, i) - sign * entry(w, n_out, r, j);
            m0[(int64_t)r * n_out + columns] = diff;
            any |= diff != 0;
        }
        for (int c = 0; j && c < columns; c++)
            m1[c * n_out + i - 1] = (int8_t)(sign * m1[c * n_out + j - 1]);
        if (any) m1[columns++ * n_out + i - 1] = 1;
    }
    return columns;
}

int cb_decompose(const int64_t *w, int n_in, int n_out, int dc, int64_t *m0, int8_t *m1) {
    memset(m1, 0, (size_t)n_out * (size_t)n_out);
    if (dc < 0) {
        memcpy(m0, w, (size_t)n_in * (size_t)n_out * sizeof *w);
        for (int o = 0; o < n_out; o++) m1[o * n_out + o] = 1;
        return n_out;
    }
    memset(m0, 0, (size_t)n_in * (size_t)n_out * sizeof *m0);
    distances d = {0};
    int *parent = cb_alloc((size_t)n_out + 1, sizeof *parent), *order = cb_alloc((size_t)n_out + 1, sizeof *order);
    int columns = -1;
    if (parent && order && !measure(&d, w, n_in, n_out) && !span(&d, dc, parent, order))
        columns = build(&d, w, n_in, n_out, parent, order, m0, m1);
    free(parent);
    free(order);
    free(d.cost);
    free(d.sign);
    return columns;
}
