/* plus_student.h - the students of our own recipe (hgq+): state, layout, start values.
 *
 * What the published recipe spends most of its LUTs on is not in its cost: rounding and saturating 252
 * ten-bit regions for every use, and adder trees that grow with each weight of its own. Here
 *
 *   counts -> [views] sums -> [iq] dense 1 -> relu [iq] dense 2 -> ... -> dense L (1) -> score
 *
 *   views   every region is looked at through n_view quantizers side by side, each with trainable (i, f)
 *           (HGQ's KIF, truncating, saturating at the top). A fine one that saturates early measures
 *           pile-up, a coarse one is zero but for hot regions: floor(E_T / 2^k) is a convex function
 *           that costs no logic. Together they stand for the square in the teacher's error.
 *           With wrap_views, all views but the last keep their bits modulo 2^i instead: plain wires, no logic at
 *           all. A hot region then shows its low bits there, which the coarse view outweighs.
 *   sums    per view, over tiles of pool_h x pool_w regions, all weights 1, in units of `unit`
 *   dense   as in HGQ: per-weight widths (KBI, SAT_SYM, RND) of the kernel, per-element (i, f) of the data,
 *           truncated; a bias on a fixed grid, which truncation and relu need anyway, so it is free
 *
 * Formats of the views belong to an element, or to a column of the image (all phi alike). No batch norm and no
 * dropout: training and inference are the same function, so nothing is folded or traced.
 *
 * All values lie in one array `value`, cut into: view_f, view_i [variables]; for dense l = 1..L
 * dense<l>_iq_f, _iq_i [n_in], _kernel [n_in][n_out], _kq_b, _kq_i [n_in][n_out], _bias [n_out].
 * Order of elements: views [y][x][view], tiles [ty][tx][view].
 */
#ifndef CB_QUANT_PLUS_STUDENT_H
#define CB_QUANT_PLUS_STUDENT_H

#include "quant/hgq_quantizer.h"
#include "quant/hgq_student.h"

enum { CB_PLUS_DENSE = 4, CB_PLUS_VIEWS = 4, CB_PLUS_TENSORS = 2 + 6 * CB_PLUS_DENSE };
enum { CB_PLUS_UNIT = 4, CB_PLUS_BIAS_FRAC = 6 }; /* sums in units of 2^4 counts; bias on a grid of 2^-6 */

typedef struct {
    int height, width;
    int n_view, pool_h, pool_w; /* tiles divide the image */
    bool columns;               /* view formats shared over the rows (phi) of a column */
    bool ebops_cost;            /* widths are charged by EBOPs alone (plus_cost.h), to see what the LUT cost gives */
    bool train_steps, train_ranges; /* whether f, i of the views train */
    bool wrap_views;            /* views but the last wrap; their formats do not train */
    bool round_views;           /* half up instead of truncation: an adder a region and view */
    bool train_sums;            /* whether the integer bits of the tile sums train; else they never saturate */
    bool last_bias;             /* whether the last layer has a bias */
    int n_dense, n_out[CB_PLUS_DENSE]; /* units of each dense layer; the last one has 1 */
    int weight_most[CB_PLUS_DENSE]; /* largest width of its weights; 1: signed powers of two, one adder term each */
} cb_plus_design;

typedef struct {
    int n_in, n_out;
    cb_hgq_quantizer iq, kq; /* arrays inside the student's */
    float *kernel, *bias;
} cb_plus_layer;

typedef struct {
    cb_plus_design d;
    int n_pixel, n_view;         /* regions; elements of the views = regions x views */
    int n_group;                 /* tiles x views */
    uint32_t *group;             /* [n_view] tile sum that an element goes to */
    uint32_t *map;               /* [n_view] variable of its format */
    cb_hgq_quantizer view;
    cb_plus_layer layer[CB_PLUS_DENSE];
    size_t n_value;
    float *value;
    uint8_t *sign;               /* k of every quantizer: 0 for data, 1 for weights */
    int n_tensor;
    cb_hgq_tensor tensor[CB_PLUS_TENSORS];
} cb_plus_student;

/* Weights 0, widths 0: cb_plus_calibrate gives start values. Fails if the tiles do not divide the image. */
cb_plus_student *cb_plus_student_new(const cb_plus_design *d) CB_MUST;
void cb_plus_student_free(cb_plus_student *s);
/* All values; both of the same design. */
void cb_plus_student_copy(cb_plus_student *to, const cb_plus_student *from);
/* Number of weights and biases (not widths). */
int64_t cb_plus_student_parameters(const cb_plus_student *s);
/* Whether a view (0 .. n_view - 1) wraps. */
static inline bool cb_plus_wraps(const cb_plus_design *d, int view) { return d->wrap_views && view < d->n_view - 1; }
/* The bias as it is used: half up to the grid. */
float cb_plus_bias(float bias);
/* Format of one data element: of the views, or of layer l's input. */
cb_hgq_format cb_plus_view_format(const cb_plus_student *s, int element);
cb_hgq_format cb_plus_input_format(const cb_plus_student *s, int layer, int element);
/* Keeps the widths in their range, after each optimiser step. */
void cb_plus_student_constrain(cb_plus_student *s);
/* Every tensor under `group` of an artifact. */
int cb_plus_student_write(const cb_plus_student *s, cb_h5 *f, const char *group) CB_MUST;

#endif
