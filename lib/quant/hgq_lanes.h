/* hgq_lanes.h - the inner loops of HGQ training that are compiled once per instruction set
 * (nn/isa.h): blocks of 16 event lanes, and the arithmetic over weights between the passes.
 *
 * Shapes are [feature][16] as in nn/lanes.h; formats t[n] one a feature. Rounding is RND,
 * the mode of all data in HGQ. Every operation is lane by lane in a written order, so each build
 * (quant/isa/hgq_lanes.c) gives the same bytes. Plain twins `_ref` stand in hgq_lanes.c.
 */
#ifndef CB_QUANT_HGQ_LANES_H
#define CB_QUANT_HGQ_LANES_H

#include "quant/hgq_quantizer.h"
#include "quant/student_kernels.h"

/* q = quantized x; formats as cb_hgq_round takes them. peak: NULL, or [n][16] := max(peak, |q|). open: the
 * caller knows that no format clips (WRAP in training). */
void cb_hgq_lanes_quantize(const cb_hgq_format *t, int n, const float *x, float *q, float *peak, bool open);

/* n_block blocks, `stride` floats apart: sum, square (float64) and peak (|q|), each [n][16], over the blocks ascending
 * from 0. */
void cb_hgq_lanes_moments(const float *q, size_t stride, size_t n_block, int n, double *sum, double *square, float *peak);

/* Sums of a quantizer's gradient, [n][16] each, added to: df += g dq/df, and di += g dq/di where the format clips
 * (elsewhere that is 0). */
typedef struct {
    float *di, *df;
} cb_hgq_sums;

/* ---- dense1's sums -> loss -> their gradient; one block ---- */
typedef struct {
    int n;                     /* hidden units */
    const cb_hgq_format *iq;   /* [n] of dense2's input */
    const float *kernel;       /* [n] of dense2 */
    float factor, share;       /* of kept units; of an event in the loss */
} cb_hgq_head;

typedef struct {
    double loss;               /* |out - y| */
    float *kernel;             /* [n][16] of input x gradient of the sum */
    float *peak;               /* [n][16] of the quantized input */
    cb_hgq_sums iq;
} cb_hgq_head_sums;

/* h[n][16]: sums of dense1, after relu and dropout on return; keep[n] (slopes on return); target y[16] of `live`
 * events; q[n][16] scratch -> out[16], g[n][16] = d loss / d sums. Units ascending, fmaf. */
void cb_hgq_head_block(const cb_hgq_head *p, float *h, uint16_t *keep, const float *y, int live, float *q, float *out,
                       float *g, cb_hgq_head_sums *sums);

/* ---- from the gradient of dense1's quantized input back to the image; one block ----
 * The batch norm's share is added, then the input quantizer of dense1, and in v2 dropout and relu (lane bits),
 * the convolution and its input quantizer. */
typedef struct {
    bool conv;
    cb_tile_conv tile;         /* v2 */
    int n_flat;
    const cb_hgq_format *iq0, *iq1;
    const float *kernel;       /* v2: [tap][filter] */
    const float *mean, *shift, *slope; /* [n_flat] g += shift + slope (q - mean) in live lanes, 0 in dead ones */
    float factor;              /* of kept features */
    bool open;                 /* the caller knows that no format clips */
} cb_hgq_first;

typedef struct {
    float *kernel;             /* [tap][filter][16], added to: positions ascending */
    cb_hgq_sums iq0, iq1;
} cb_hgq_first_sums;

/* v2 forward: x quantized, convolved (taps ascending from 0, fmaf), relu and dropout by lane bits keep -> raw and its
 * slopes on (may be keep), quantized -> q. peak: NULL, or [pixel][16] := max(peak, |quantized x|) of the pixels under a
 * tap. mean, shift and slope are not used. */
void cb_hgq_first_forward(const cb_hgq_first *p, const float *x, const uint16_t *keep, float *raw, float *q, uint16_t *on,
                          float *peak);
/* x: image (v2) or dense1's raw input; raw, q: dense1's input before and after its quantizer (v1: raw is x);
 * on: slopes of raw (v2); g: gradient of q. */
void cb_hgq_first_block(const cb_hgq_first *p, const float *x, const float *raw, const float *q, const uint16_t *on,
                        int live, const float *g, cb_hgq_first_sums *sums);

/* ---- over weights ---- */
/* out[row] = sum over parts ascending (per lane), then the binary tree over the lanes; float64, rows from..to-1. */
void cb_hgq_totals(const float *const *part, int n_part, size_t from, size_t to, double *out);
void cb_hgq_totals64(const double *const *part, int n_part, size_t from, size_t to, double *out);
/* out[row] = largest value of all parts and lanes. */
void cb_hgq_peaks(const float *const *part, int n_part, size_t from, size_t to, float *out);
/* out[e] = sum over parts ascending, float64, rounded once; elements from..to-1. */
void cb_hgq_shards(const float *const *part, int n_part, size_t from, size_t to, float *out);

/* Weights whose quantizer is KBI, SAT_SYM, RND, signed, one variable an element: y = quantized x with raw widths b and i.
 * False, nothing said about y, if a rounded width lies beyond +-60: then the general functions are needed. */
bool cb_hgq_weights_quantize(const float *b, const float *i, const float *x, size_t n, float *y);
/* Its gradient, float32: dx = g in range, else 0 (may be g); di, db are added to. */
void cb_hgq_weights_backward(const float *b, const float *i, const float *x, const float *y, const float *g, size_t n,
                             float *dx, double *di, double *db);

void cb_hgq_lanes_quantize_ref(const cb_hgq_format *t, int n, const float *x, float *q, float *peak, bool open);
void cb_hgq_lanes_moments_ref(const float *q, size_t stride, size_t n_block, int n, double *sum, double *square,
                              float *peak);
void cb_hgq_head_block_ref(const cb_hgq_head *p, float *h, uint16_t *keep, const float *y, int live, float *q, float *out,
                           float *g, cb_hgq_head_sums *sums);
void cb_hgq_first_forward_ref(const cb_hgq_first *p, const float *x, const uint16_t *keep, float *raw, float *q,
                              uint16_t *on, float *peak);
void cb_hgq_first_block_ref(const cb_hgq_first *p, const float *x, const float *raw, const float *q, const uint16_t *on,
                            int live, const float *g, cb_hgq_first_sums *sums);
void cb_hgq_totals_ref(const float *const *part, int n_part, size_t from, size_t to, double *out);
void cb_hgq_totals64_ref(const double *const *part, int n_part, size_t from, size_t to, double *out);
void cb_hgq_peaks_ref(const float *const *part, int n_part, size_t from, size_t to, float *out);
void cb_hgq_shards_ref(const float *const *part, int n_part, size_t from, size_t to, float *out);
bool cb_hgq_weights_quantize_ref(const float *b, const float *i, const float *x, size_t n, float *y);
void cb_hgq_weights_backward_ref(const float *b, const float *i, const float *x, const float *y, const float *g,
                                 size_t n, float *dx, double *di, double *db);

#endif
