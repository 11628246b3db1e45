/* regions.h - what decision trees look at: sums of E_T over tiles of the image, in whole numbers.
 *
 * A view is part of each region's count: view v is floor(E_T / 2^from), limited to `bits` bits: by saturation, or,
 * with wrap, modulo 2^bits (every view but the last: plain wires in hardware, as in quant/plus_student.h). The one view {0, 10} is
 * E_T itself. A feature is the sum of one view over one tile; tilings may overlap: rings in phi (18 x 1), blocks, the whole image.
 * Features are ordered tiling by tiling, in it [tile y][tile x][view], and counted in units of 2^from of their view.
 *
 * The integer programme computes the same sums in two steps: over the largest tiles of which all tilings are made (each side
 * the greatest common divisor), then over those.
 */
#ifndef CB_TREES_REGIONS_H
#define CB_TREES_REGIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "quant/programme.h"

enum { CB_TREE_VIEWS = 4, CB_TREE_TILINGS = 8, CB_TREE_FEATURES = 4096 };

typedef struct {
    int height, width;
    int n_view, from[CB_TREE_VIEWS], bits[CB_TREE_VIEWS]; /* from + bits <= 10 */
    bool wrap;
    int n_tiling, tile_h[CB_TREE_TILINGS], tile_w[CB_TREE_TILINGS];
} cb_regions;

/* Fails, naming view or tiling, unless views fit ten bits and tiles divide the image. */
int cb_regions_check(const cb_regions *r) CB_MUST;
int cb_regions_features(const cb_regions *r);
/* The plain definition: one image -> value[features]. */
void cb_regions_values(const cb_regions *r, const uint16_t *et, int32_t *value);
/* Largest value that feature f can have. */
int32_t cb_regions_most(const cb_regions *r, int f);
/* "18x1+2,0/1": tile, place of the tile, view. */
void cb_regions_name(const cb_regions *r, int f, char name[48]);

/* Appends the operations that give the n features listed (ascending) to an empty programme of that image shape. Element k of the last one is
 * feature[k] * unit[k] in the units of its tensor; unit[k] is set here. */
int cb_regions_programme(const cb_regions *r, const int32_t *feature, int n, cb_programme *p, int32_t *unit) CB_MUST;

#endif
