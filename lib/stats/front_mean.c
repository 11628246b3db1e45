#include "stats/front_mean.h"

#include <math.h>
#include <stdlib.h>

#include "base/fmath.h"

double cb_student_t(int degrees) {
    static const double t[] = {12.7062047, 4.30265273, 3.18244631, 2.77644511, 2.57058184, 2.44691185, 2.36462425, 2.30600414,
                               2.26215716, 2.22813885, 2.20098516, 2.17881283, 2.16036866, 2.14478669, 2.13144955, 2.11990530,
                               2.10981558, 2.10092204, 2.09302405, 2.08596345, 2.07961384, 2.07387307, 2.06865761, 2.06389856,
                               2.05953855, 2.05552944, 2.05183052, 2.04840714, 2.04522964, 2.04227246};
    return degrees < 1 ? NAN : degrees <= 30 ? t[degrees - 1] : 1.95996398;
}

typedef struct {
    double x, error, y; /* x = log cost */
} knot;

static int ascending(const void *a, const void *b) {
    const knot *p = a, *q = b;
    if (p->x != q->x) return p->x < q->x ? -1 : 1;
    return p->error < q->error ? -1 : p->error > q->error;
}

/* The points that no cheaper or equal one beats; returns their number. */
static int knots_of(const cb_front_curve *c, knot *k) {
    int n = 0, kept = 0;
    for (int i = 0; i < c->n; i++)
        if (c->cost[i] > 0 && isfinite(c->cost[i]) && isfinite(c->value[i]))
            k[n++] = (knot){cb_log(c->cost[i]), c->error[i], c->value[i]};
    qsort(k, (size_t)n, sizeof *k, ascending);
    for (int i = 0; i < n; i++)
        if (!kept || k[i].error < k[kept - 1].error) k[kept++] = k[i];
    return kept;
}

static double read_at(const knot *k, int n, double x) {
    int j = 1;
    if (x >= k[n - 1].x) return k[n - 1].y;
    while (j < n - 1 && k[j].x < x) j++;
    if (n == 1 || k[j].x == k[j - 1].x) return k[0].y;
    return k[j - 1].y + (k[j].y - k[j - 1].y) * (x - k[j - 1].x) / (k[j].x - k[j - 1].x);
}

static cb_front_mean mean_at(const knot *const *k, const int *n, int curves, double x) {
    cb_front_mean m = {.least = INFINITY, .most = -INFINITY, .lo = NAN, .hi = NAN};
    double square = 0;
    for (int c = 0; c < curves; c++) {
        double y = read_at(k[c], n[c], x);
        m.mean += y / curves;
        m.least = y < m.least ? y : m.least;
        m.most = y > m.most ? y : m.most;
    }
    for (int c = 0; c < curves; c++) {
        double d = read_at(k[c], n[c], x) - m.mean;
        square += d * d;
    }
    if (curves > 1) {
        double half = cb_student_t(curves - 1) * sqrt(square / (curves - 1) / curves);
        m.lo = m.mean - half;
        m.hi = m.mean + half;
    }
    return m;
}

/* Rows at the grid costs between from and to (logarithms). */
static int fill(cb_front_mean *row, int max, const knot *const *k, const int *n, int curves, double from, double to) {
    const double step = 2.302585092994045684 / CB_FRONT_PER_DECADE;
    int rows = 0;
    for (int g = (int)ceil(from / step); g * step <= to && rows < max; g++) {
        row[rows] = mean_at(k, n, curves, g * step);
        row[rows++].cost = cb_exp(g * step);
    }
    return rows;
}

int cb_front_mean_make(cb_front_mean *row, int max, const cb_front_curve *curve, int n_curve) {
    knot **k = cb_alloc((size_t)n_curve + 1, sizeof *k);
    int *n = cb_alloc((size_t)n_curve + 1, sizeof *n), rows = k && n ? 0 : -1;
    double from = -INFINITY, to = -INFINITY;
    for (int c = 0; c < n_curve && rows == 0; c++) {
        if (!(k[c] = cb_alloc((size_t)curve[c].n + 1, sizeof **k))) rows = -1;
        else if (!(n[c] = knots_of(&curve[c], k[c]))) from = INFINITY; /* nothing to read */
        else from = fmax(from, k[c][0].x), to = fmax(to, k[c][n[c] - 1].x);
    }
    if (rows == 0 && n_curve && from <= to) rows = fill(row, max, (const knot *const *)k, n, n_curve, from, to);
    for (int c = 0; k && c < n_curve; c++) free(k[c]);
    free(k);
    free(n);
    return rows;
}
