#include "trees/regions.h"

#include <stdio.h>
#include <string.h>

#include "data/dataset.h"

enum { COUNT_BITS = 10 };

/* One tile of one tiling and a view: what feature f is. */
typedef struct {
    int tiling, y, x, view;
} place;

static int gcd(int a, int b) { return b ? gcd(b, a % b) : a; }

static int tiles(const cb_regions *r, int t) { return r->height / r->tile_h[t] * (r->width / r->tile_w[t]); }

static bool wraps(const cb_regions *r, int view) { return r->wrap && view + 1 < r->n_view; }

int cb_regions_check(const cb_regions *r) {
    if (r->n_view < 1 || r->n_view > CB_TREE_VIEWS || r->n_tiling < 1 || r->n_tiling > CB_TREE_TILINGS)
        return cb_fail("trees: %d views and %d tilings; 1 to %d and 1 to %d expected", r->n_view, r->n_tiling, CB_TREE_VIEWS, CB_TREE_TILINGS);
    for (int v = 0; v < r->n_view; v++)
        if (r->from[v] < 0 || r->bits[v] < 1 || r->from[v] + r->bits[v] > COUNT_BITS)
            return cb_fail("trees: view %d has %d bits from bit %d on; they must lie in the %d bits of a count", v + 1, r->bits[v],
                           r->from[v], COUNT_BITS);
    for (int t = 0; t < r->n_tiling; t++)
        if (r->tile_h[t] < 1 || r->tile_w[t] < 1 || r->height % r->tile_h[t] || r->width % r->tile_w[t])
            return cb_fail("trees: tiles of %d x %d regions do not divide the image of %d x %d", r->tile_h[t], r->tile_w[t], r->height,
                           r->width);
    if (cb_regions_features(r) > CB_TREE_FEATURES)
        return cb_fail("trees: %d sums of regions, at most %d", cb_regions_features(r), CB_TREE_FEATURES);
    return 0;
}

int cb_regions_features(const cb_regions *r) {
    int n = 0;
    for (int t = 0; t < r->n_tiling; t++) n += tiles(r, t) * r->n_view;
    return n;
}

static place place_of(const cb_regions *r, int f) {
    int t = 0;
    for (; f >= tiles(r, t) * r->n_view; t++) f -= tiles(r, t) * r->n_view;
    int across = r->width / r->tile_w[t], tile = f / r->n_view;
    return (place){t, tile / across, tile % across, f % r->n_view};
}

static int32_t viewed(const cb_regions *r, int view, int32_t et) {
    int32_t most = (1 << r->bits[view]) - 1, v = et >> r->from[view];
    return wraps(r, view) ? v & most : v < most ? v : most;
}

void cb_regions_values(const cb_regions *r, const uint16_t *et, int32_t *value) {
    memset(value, 0, (size_t)cb_regions_features(r) * sizeof *value);
    for (int t = 0; t < r->n_tiling; t++) {
        int across = r->width / r->tile_w[t];
        for (int y = 0; y < r->height; y++)
            for (int x = 0; x < r->width; x++) {
                int32_t *sum = value + (y / r->tile_h[t] * across + x / r->tile_w[t]) * r->n_view;
                for (int v = 0; v < r->n_view; v++) sum[v] += viewed(r, v, et[y * r->width + x]);
            }
        value += tiles(r, t) * r->n_view;
    }
}

int32_t cb_regions_most(const cb_regions *r, int f) {
    place p = place_of(r, f);
    return ((1 << r->bits[p.view]) - 1) * r->tile_h[p.tiling] * r->tile_w[p.tiling];
}

void cb_regions_name(const cb_regions *r, int f, char name[48]) {
    place p = place_of(r, f);
    snprintf(name, 48, "%dx%d+%d,%d/%d", r->tile_h[p.tiling], r->tile_w[p.tiling], p.y, p.x, p.view);
}

/* ---- as operations ---- */

static cb_op *add_quant(cb_programme *p, const char *name, int n, cb_overflow overflow) {
    cb_op *op = cb_programme_quant(p, name, n);
    if (op) op->round = CB_TRN, op->overflow = overflow;
    return op;
}

/* A quantizer behind a sum that changes nothing: as many bits as the largest image needs. */
static int add_exact(cb_programme *p, const char *name, const cb_regions *r) {
    cb_op *op = add_quant(p, name, 1, CB_SAT);
    int16_t bits = COUNT_BITS, f = 0;
    while ((1 << (bits - COUNT_BITS)) < r->height * r->width) bits++;
    for (int v = 0; v < r->n_view; v++)
        if (v == 0 || -r->from[v] > f) f = (int16_t)-r->from[v];
    if (op) op->format[0] = (cb_format){0, bits, f};
    return op ? 0 : -1;
}

/* The views side by side: [y][x][view]. */
static int add_views(cb_programme *p, const cb_regions *r) {
    int n = r->height * r->width * r->n_view;
    cb_op *op;
    if (r->n_view > 1) {
        if (!(op = cb_programme_conv2d(p, "copies", 1, 1, 1, 1, r->n_view, false))) return -1;
        for (int v = 0; v < r->n_view; v++) op->w[v] = 1;
    }
    if (r->wrap && r->n_view > 1) {
        if (!(op = add_quant(p, "slices", n, CB_WRAP))) return -1;
        for (int e = 0; e < n; e++) {
            int v = e % r->n_view;
            op->format[e] = wraps(r, v) ? (cb_format){0, (int16_t)(r->from[v] + r->bits[v]), (int16_t)-r->from[v]}
                                        : (cb_format){0, COUNT_BITS, 0};
        }
    }
    if (!(op = add_quant(p, "views", n, CB_SAT))) return -1;
    for (int e = 0; e < n; e++) {
        int v = e % r->n_view;
        op->format[e] = (cb_format){0, (int16_t)(r->from[v] + r->bits[v]), (int16_t)-r->from[v]};
    }
    return 0;
}

static int add_tiles(cb_programme *p, const cb_regions *r, int h, int w) {
    int n = r->n_view;
    cb_op *op = cb_programme_conv2d(p, "tiles", h, w, h, w, n, false);
    for (int tap = 0; op && tap < h * w; tap++)
        for (int v = 0; v < n; v++) op->w[(tap * n + v) * n + v] = 1;
    return op ? add_exact(p, "tile_sums", r) : -1;
}

/* Tile sums -> features, tile by tile of h x w regions. */
static int add_regions(cb_programme *p, const cb_regions *r, const int32_t *feature, int n, int h, int w) {
    cb_op *op = cb_programme_dense(p, "regions", n, false);
    if (!op) return -1;
    int across = r->width / w;
    for (int k = 0; k < n; k++) {
        place f = place_of(r, feature[k]);
        int rows = r->tile_h[f.tiling] / h, columns = r->tile_w[f.tiling] / w;
        for (int y = f.y * rows; y < (f.y + 1) * rows; y++)
            for (int x = f.x * columns; x < (f.x + 1) * columns; x++)
                op->w[((y * across + x) * r->n_view + f.view) * n + k] = 1;
    }
    return add_exact(p, "region_sums", r);
}

int cb_regions_programme(const cb_regions *r, const int32_t *feature, int n, cb_programme *p, int32_t *unit) {
    int h = 0, w = 0, frac = 0;
    for (int t = 0; t < r->n_tiling; t++) h = gcd(r->tile_h[t], h), w = gcd(r->tile_w[t], w);
    for (int v = 0; v < r->n_view; v++)
        if (v == 0 || -r->from[v] > frac) frac = -r->from[v];
    if (add_views(p, r) || add_tiles(p, r, h, w) || add_regions(p, r, feature, n, h, w)) return -1;
    for (int k = 0; k < n; k++) unit[k] = 1 << (frac + r->from[place_of(r, feature[k]).view]);
    return 0;
}
