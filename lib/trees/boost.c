#include "trees/boost.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"

enum { CODE = 256 };
static const double NOISE = 1e-9; /* of the sums: less is no gain */

typedef struct {
    int64_t g, w; /* sums of weight * gradient, of weight */
} cell;

/* The best question about one feature. */
typedef struct {
    double gain;
    int32_t cut;
} question;

typedef struct {
    const cb_tree_events *x;
    int32_t *gradient;       /* weighted */
    const uint16_t *weight;
    uint8_t *leaf;           /* [n] of each event so far */
    int n_leaf;
    double prior;
    question *best;          /* [n_feature] */
    cell *cells;             /* [threads][n_leaf * CB_TREE_BINS] */
} grower;

static double worth(const cell *c, double prior) { return c->w ? (double)c->g * (double)c->g / ((double)c->w + prior) : 0; }

static void fill(const grower *q, int feature, cell *c) {
    const uint8_t *bin = q->x->bin + (size_t)feature * q->x->n;
    memset(c, 0, (size_t)q->n_leaf * CB_TREE_BINS * sizeof *c);
    for (uint32_t e = 0; e < q->x->n; e++) {
        cell *to = &c[q->leaf[e] * CB_TREE_BINS + bin[e]];
        to->g += q->gradient[e], to->w += q->weight[e];
    }
}

/* Cells -> the cut with the most to gain. */
static question ask(const grower *q, int feature, cell *c) {
    question best = {0, -1};
    cell below[CB_TREE_LEAVES] = {{0}}, all[CB_TREE_LEAVES] = {{0}};
    for (int l = 0; l < q->n_leaf; l++)
        for (int b = 0; b < q->x->n_bin[feature]; b++) all[l].g += c[l * CB_TREE_BINS + b].g, all[l].w += c[l * CB_TREE_BINS + b].w;
    for (int b = 0; b + 1 < q->x->n_bin[feature]; b++) {
        double gain = 0;
        for (int l = 0; l < q->n_leaf; l++) {
            below[l].g += c[l * CB_TREE_BINS + b].g, below[l].w += c[l * CB_TREE_BINS + b].w;
            cell above = {all[l].g - below[l].g, all[l].w - below[l].w};
            gain += worth(&below[l], q->prior) + worth(&above, q->prior);
        }
        if (gain > best.gain) best = (question){gain, b};
    }
    return best;
}

static void ask_all(grower *q) {
    long parts = cb_threads();
#pragma omp parallel for schedule(static)
    for (long t = 0; t < parts; t++) {
        cell *c = q->cells + (size_t)t * CB_TREE_LEAVES * CB_TREE_BINS;
        for (long f = t * q->x->n_feature / parts; f < (t + 1) * q->x->n_feature / parts; f++) {
            fill(q, (int)f, c);
            q->best[f] = ask(q, (int)f, c);
        }
    }
}

static double present_worth(const grower *q, cell sum[CB_TREE_LEAVES]) {
    double worths = 0;
    memset(sum, 0, CB_TREE_LEAVES * sizeof *sum);
    for (uint32_t e = 0; e < q->x->n; e++) sum[q->leaf[e]].g += q->gradient[e], sum[q->leaf[e]].w += q->weight[e];
    for (int l = 0; l < q->n_leaf; l++) worths += worth(&sum[l], q->prior);
    return worths;
}

/* One level more; false: no question gains anything. */
static bool deepen(grower *q, cb_tree *t) {
    cell sum[CB_TREE_LEAVES];
    double now = present_worth(q, sum);
    int best = -1;
    ask_all(q);
    for (int f = 0; f < q->x->n_feature; f++)
        if (q->best[f].cut >= 0 && q->best[f].gain > (best < 0 ? now * (1 + NOISE) : q->best[best].gain)) best = f;
    if (best < 0) return false;
    t->feature[t->depth] = best, t->cut[t->depth] = q->best[best].cut;
    const uint8_t *bin = q->x->bin + (size_t)best * q->x->n;
    for (uint32_t e = 0; e < q->x->n; e++) q->leaf[e] = (uint8_t)(2 * q->leaf[e] + (bin[e] > q->best[best].cut));
    t->depth++, q->n_leaf *= 2;
    return true;
}

/* Leaf values on the coarsest grid that the digits ask for. */
static void set_leaves(cb_tree *t, const grower *q, const cb_tree_recipe *r) {
    cell sum[CB_TREE_LEAVES];
    int32_t v[CB_TREE_LEAVES], least = 0, most = 0;
    present_worth(q, sum);
    for (t->shift = 0;; t->shift++) {
        double step = (double)(CODE >> r->frac) * (double)(1 << t->shift);
        for (int l = 0; l < q->n_leaf; l++) {
            v[l] = sum[l].w ? (int32_t)rint(r->rate * (double)sum[l].g / ((double)sum[l].w + q->prior) / step) : 0;
            if (l == 0 || v[l] < least) least = v[l];
            if (l == 0 || v[l] > most) most = v[l];
        }
        if (most - least < 1 << r->leaf_bits) break;
    }
    t->base = least;
    for (int l = 0; l < q->n_leaf; l++) t->leaf[l] = v[l] - least;
}

int32_t cb_tree_clip(const cb_tree_recipe *r) { return (int32_t)rint(r->clip * CODE); }

static int32_t clipped(int32_t residual, int32_t clip) { return residual > clip ? clip : residual < -clip ? -clip : residual; }

static int grower_new(grower *q, const cb_tree_events *x) {
    q->x = x, q->n_leaf = 1;
    q->gradient = cb_alloc((size_t)x->n + 1, sizeof *q->gradient);
    q->leaf = cb_alloc((size_t)x->n + 1, sizeof *q->leaf);
    q->best = cb_alloc((size_t)x->n_feature, sizeof *q->best);
    q->cells = cb_alloc((size_t)cb_threads() * CB_TREE_LEAVES * CB_TREE_BINS, sizeof *q->cells);
    return q->gradient && q->leaf && q->best && q->cells ? 0 : -1;
}

static void grower_free(grower *q) {
    free(q->gradient);
    free(q->leaf);
    free(q->best);
    free(q->cells);
}

int cb_tree_grow(cb_tree *t, const cb_tree_events *x, const cb_tree_recipe *r, const int32_t *residual, const uint16_t *weight) {
    grower q = {.weight = weight, .prior = r->prior * CB_TREE_WEIGHT};
    int32_t clip = cb_tree_clip(r);
    *t = (cb_tree){0};
    int rc = grower_new(&q, x);
    for (uint32_t e = 0; !rc && e < x->n; e++) q.gradient[e] = weight[e] * clipped(residual[e], clip);
    while (!rc && t->depth < r->depth && deepen(&q, t)) {}
    if (!rc) set_leaves(t, &q, r);
    grower_free(&q);
    return rc;
}

int32_t cb_tree_value(const cb_tree *t, const cb_tree_events *x, uint32_t e) {
    int leaf = 0;
    for (int k = 0; k < t->depth; k++) leaf = 2 * leaf + (x->bin[(size_t)t->feature[k] * x->n + e] > t->cut[k]);
    return cb_tree_leaf_value(t, leaf);
}

int cb_tree_digits(const cb_tree *t) {
    int32_t any = 0;
    int digits = 0;
    for (int l = 0; l < 1 << t->depth; l++) any |= t->leaf[l];
    while (any >> digits) digits++;
    return digits;
}

double cb_tree_loss(const int32_t *residual, const uint16_t *weight, uint32_t n, int32_t clip) {
    double sum = 0;
    for (uint32_t e = 0; e < n; e++) {
        int64_t r = residual[e] < 0 ? -(int64_t)residual[e] : residual[e];
        sum += (double)(weight[e] * (r <= clip ? r * r : clip * (2 * r - clip)));
    }
    return sum / 2;
}

/* ---- bins ---- */

int cb_tree_cuts(const uint32_t *count, int32_t most, int32_t cut[CB_TREE_BINS]) {
    int64_t distinct = 0, n = 0, seen = 0, next = 1;
    int n_cut = 0;
    for (int32_t v = 0; v <= most; v++) n += count[v], distinct += count[v] > 0;
    for (int32_t v = 0; v <= most; v++) {
        seen += count[v];
        if (!count[v] || seen == n || (distinct > CB_TREE_BINS && seen * CB_TREE_BINS < next * n)) continue;
        cut[n_cut++] = v;
        next = seen * CB_TREE_BINS / n + 1;
    }
    return n_cut;
}

uint8_t cb_tree_bin(const int32_t *cut, int n_cut, int32_t value) {
    int low = 0, high = n_cut;
    while (low < high) {
        int middle = (low + high) / 2;
        if (value > cut[middle]) low = middle + 1;
        else high = middle;
    }
    return (uint8_t)low;
}
