/* hgq_quantizer.h - the quantizers of HGQ2: fixed point with trainable widths.
 *
 * Source: calad0i/quantizers (fixed_point/_fixed_point_ops.py) and calad0i/HGQ2
 * (quantizer/internal/fixed_point_quantizer.py); the rules stand here in our words.
 *
 * Format (k, i, f): sign flag, integer bits without sign, fraction bits. The guard
 * ie = max(i, -f) keeps the width i + f from being negative.
 *     hi = 2^ie - 2^-f;  lo = -k 2^ie (SAT, WRAP) or -k (2^ie - 2^-f) (SAT_SYM)
 *     SAT, SAT_SYM: clip to [lo, hi], then round; WRAP: round, and at inference wrap
 * Everything is evaluated in float32 (u = x 2^f, u + 0.5f), as upstream does; 2^n is exact.
 * Surrogate gradients of q(x, i, f):
 *     lo <= x <= hi, or WRAP   dq/dx = 1, dq/df = ln2 (x - q),       dq/di = 0
 *     x > hi                   dq/dx = 0, dq/df = ln2 2^-f,          dq/di = ln2 2^ie
 *     x < lo, SAT_SYM          dq/dx = 0, dq/df = -k ln2 2^-f,       dq/di = -k ln2 2^ie
 *     x < lo, SAT              dq/dx = 0, dq/df = 0,                 dq/di = -k ln2 2^ie
 *
 * A trainable quantizer keeps its widths as real numbers, rounded to nearest even on
 * use with identity gradient: KIF stores (i, f); KBI stores (b, i), f = b - i. One
 * variable may serve many elements; map[e] is the variable of element e (NULL: e), and
 * its gradient is the plain sum over them.
 *
 * ceil(log2) is taken exactly from the exponent (frexp), where upstream's float32 log2
 * errs by one next to some powers of two (recorded: 6 of 80 powers one too high).
 */
#ifndef CB_QUANT_HGQ_QUANTIZER_H
#define CB_QUANT_HGQ_QUANTIZER_H

#include <stddef.h>

#include "quant/fixed.h"

#define CB_LN2 0.69314718055994530942

/* ---- stateless ---- */
/* A format made ready for many elements. */
typedef struct {
    int k, i, f;         /* i before the guard */
    float scale, step;   /* 2^f, 2^-f */
    float lo, hi;        /* -inf and +inf where nothing is clipped (WRAP) */
    float di_hi, di_lo;  /* dq/di above hi, below lo */
    float df_hi, df_lo;  /* dq/df above hi, below lo */
} cb_hgq_format;

cb_hgq_format cb_hgq_format_make(int k, int i, int f, cb_overflow o);

/* x rounded and clipped (SAT modes) or rounded only (WRAP): training's output. */
float cb_hgq_round(const cb_hgq_format *t, cb_round r, float x);
/* The same, and wrapped if the mode is WRAP: inference. No zero-width rule. */
float cb_hgq_infer(const cb_hgq_format *t, cb_round r, cb_overflow o, float x);
/* Partials of cb_hgq_round; q is its value. */
void cb_hgq_partials(const cb_hgq_format *t, float x, float q, float *dx, double *di, double *df);

/* Smallest n with v <= 2^n, v > 0 (exact). */
int cb_ceil_log2(double v);
/* Integer bits that hold magnitudes up to m: KIF on a grid of 2^-f, KBI with width b. */
int cb_hgq_need_kif(float m, int f);
int cb_hgq_need_kbi(float m, int b);

/* ---- trainable ---- */
typedef enum { CB_KIF, CB_KBI } cb_hgq_kind;

typedef struct {
    cb_hgq_kind kind;
    cb_round round;
    cb_overflow overflow;
    bool weight;           /* WRAP weights do not wrap at inference (KIF; KBI with RND) */
    float decay;           /* WRAP: integer bits lost per training pass; INFINITY: jump */
    float w_min, w_max;    /* constraint of f (KIF) or b (KBI) */
    float i_min, i_max;    /* constraint of i */
    float l1_w, l1_i;      /* MonoL1 factors */
    size_t n;              /* bit variables */
    uint8_t *k;
    float *i, *w;          /* raw; w is f (KIF) or b (KBI) */
} cb_hgq_quantizer;

/* The library's default rules without variables: RND, KIF i in [-23,23], f in [-24,24]; KBI b
 * in [0,23] for weights, [0,24] for others, i free; MonoL1 1e-8 on f, i (KIF) or b (KBI);
 * decay 0.01, weights infinite. */
cb_hgq_quantizer cb_hgq_defaults(cb_hgq_kind kind, cb_overflow o, bool weight);
/* The same with n variables, all k, i, w as given. */
int cb_hgq_quantizer_init(cb_hgq_quantizer *q, cb_hgq_kind kind, cb_overflow o, bool weight, size_t n, int k,
                          float i, float w) CB_MUST;
void cb_hgq_quantizer_free(cb_hgq_quantizer *q);
/* Whether i is trained (SAT modes) or tracked (WRAP). */
static inline bool cb_hgq_trains_i(const cb_hgq_quantizer *q) { return q->overflow != CB_WRAP; }

/* Rounded variables of element v as a format. */
cb_format cb_hgq_rounded(const cb_hgq_quantizer *q, size_t v);
/* Formats of all variables, t[q->n]; inference: WRAP quantizers that do not wrap and
 * zero-width elements are left to cb_hgq_apply. */
void cb_hgq_prepare(const cb_hgq_quantizer *q, cb_hgq_format *t);
/* Inference of one element, with the zero-width rule (k + i + f <= 0 gives 0). */
float cb_hgq_apply(const cb_hgq_quantizer *q, const cb_hgq_format *t, float x);

/* WRAP: i <- max(i - decay, need(m[v])), m the largest magnitude each variable met:
 * of rounded values (KIF), of inputs (KBI). Does nothing in SAT modes. */
void cb_hgq_track(cb_hgq_quantizer *q, const float *m);
/* Training pass over n elements: tracks i (WRAP), then y = quantized x. t[q->n] receives the
 * formats used; m[q->n] is scratch. */
void cb_hgq_forward_with(cb_hgq_quantizer *q, const float *x, const uint32_t *map, size_t n, float *y,
                         cb_hgq_format *t, float *m);
/* Its gradient with the formats t of that pass; see cb_hgq_backward. */
void cb_hgq_backward_with(const cb_hgq_quantizer *q, const cb_hgq_format *t, const float *x, const float *y,
                          const float *g, const uint32_t *map, size_t n, float *dx, double *di, double *dw);
/* The same two with scratch of their own. */
int cb_hgq_forward(cb_hgq_quantizer *q, const float *x, const uint32_t *map, size_t n, float *y) CB_MUST;
/* g = dL/dy -> dx (may be NULL or g) and sums added to di, dw [q->n] (raw variables). */
int cb_hgq_backward(const cb_hgq_quantizer *q, const float *x, const float *y, const float *g,
                    const uint32_t *map, size_t n, float *dx, double *di, double *dw) CB_MUST;

/* Min/max tracing (WRAP): start, then any number of passes. The output is rounded, not wrapped. */
void cb_hgq_trace_begin(cb_hgq_quantizer *q);
int cb_hgq_trace(cb_hgq_quantizer *q, const float *x, const uint32_t *map, size_t n, float *y) CB_MUST;
/* The same from what a pass met: m as in cb_hgq_track, least[v] the smallest value of that kind. */
void cb_hgq_trace_update(cb_hgq_quantizer *q, const float *m, const float *least);

/* Width in the cost: KIF max(i+f, 0), KBI b; SAT adds the sign. */
float cb_hgq_width(const cb_hgq_quantizer *q, size_t v);
/* Adds c dwidth/draw to *di, *dw. */
void cb_hgq_width_gradient(const cb_hgq_quantizer *q, size_t v, double c, double *di, double *dw);

/* Variables from..to-1 as a quantizer of their own, in the same arrays: threads work on parts. */
cb_hgq_quantizer cb_hgq_part(const cb_hgq_quantizer *q, size_t from, size_t to);
double cb_hgq_regularizer(const cb_hgq_quantizer *q); /* sum of MonoL1 over trained variables */
void cb_hgq_constrain(cb_hgq_quantizer *q);           /* after each optimiser step */

/* Broadcasting: map[e] of the elements of shape x onto variables of shape v (each axis of v
 * equal to x's or 1; v may have fewer axes, aligned at the end). free(). */
uint32_t *cb_hgq_map(int rank, const uint64_t *x, int v_rank, const uint64_t *v) CB_MUST;

#endif
