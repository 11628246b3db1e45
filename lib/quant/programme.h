/* programme.h - the integer programme: what a student *is*.
 *
 * Whoever trained it (QKeras, HGQ, logic gate networks, imported firmware weights), a student is this list of integer operations from region E_T counts
 * to the score code, score = code / 256. Emulator, netlist and tables all start
 * from it; there is no other definition of the score.
 *
 * Tensors are int64 in units of 2^-frac, one frac a tensor, index (y*W+x)*C+c.
 * The input is unsigned, 10 bits (counts), frac 0. Operations:
 *   QUANT   out[e] = quantize(relu ? max(in[e],0) : in[e]) to format[e] (or the
 *           one format of all), then expressed in units of 2^-out_frac, with
 *           out_frac = the largest f of a format of positive width (0 if none)
 *   DENSE   out[o] = sum_i in[i] * w[i*n_out+o] + bias[o]
 *   CONV2D  "valid", out[y][x][o] = sum w[((dy*kw+dx)*c_in+i)*c_out+o] in[y*sy+dy][x*sx+dx][i] + bias[o]
 *           For both: out_frac = in_frac + w_frac, and bias is stored in units of
 *           2^-bias_frac with bias_frac <= out_frac.
 *   COMPARE out[j] = (in[source[j]] & mask[j]) > threshold[j] ? 1 : 0: a thermometer code (mask 1023) or single bits of the
 *           counts (mask 2^k, threshold 0). The first operation; or, once, behind a QUANT whose elements are never negative:
 *           in[source[j]] > threshold[j] in units of 2^-in_frac, without masks (mask is NULL)
 *   LOGIC   out = the outputs of a circuit (circuit.h) on bits; directly after COMPARE
 *           Both give frac 0 and no accumulator. A logic gate network is COMPARE, LOGIC, DENSE (the sum of
 *           weighted bits), QUANT; so are decision trees (lib/trees), with QUANT and sums of regions before.
 * Accumulators: exact. acc, if acc.k+i+f > 0, declares the signed hardware type;
 * cb_programme_finish proves from the weights and the input formats that no input
 * can exceed it (and that int64 suffices), or fails naming layer, output and bound.
 *
 * Schema "cicada-bench/student/1": root attributes name, family (text), seed, n_ops,
 * parameters, input_h, input_w (i64), ebops (f64, -1 if not defined); groups /op0, /op1, ... with
 *   QUANT   attributes kind = "quant", name, relu (0/1), round, overflow (names of fixed.h);
 *           dataset format i16 (n_format, 3): columns k, i, f
 *   DENSE   kind = "dense", name, w_frac; w i32 (n_in, n_out)
 *   CONV2D  kind = "conv2d", name, w_frac, stride_y, stride_x; w i32 (kh, kw, c_in, c_out)
 *   COMPARE kind = "compare", name; source i32 (n_out), threshold i32 (n_out), mask i32 (n_out) unless all are 1023 (never
 *           behind a QUANT)
 *   LOGIC   kind = "logic", name; gate_inputs, gate_table, outputs as in circuit.h
 *           DENSE, CONV2D: bias i64 (n_out) with attribute bias_frac of the group, if there is a bias;
 *           acc i16 (3): k, i, f of the declared accumulator, if one is declared
 * Shapes follow from input_h, input_w and the operations, and are checked.
 * Trainers may add further groups (history, float weights) that others ignore.
 *
 * Limits (cb_programme_finish checks): formats with k 0 or 1, |i|, |f| <= 64 and at
 * most 48 bits, fractions |frac| <= 96, values below 2^62 in magnitude.
 */
#ifndef CB_QUANT_PROGRAMME_H
#define CB_QUANT_PROGRAMME_H

#include <stddef.h>

#include "data/artifact.h"
#include "quant/circuit.h"
#include "quant/fixed.h"

#define CB_STUDENT_SCHEMA "cicada-bench/student/1"
enum { CB_SCORE_FRAC = 8, CB_SCORE_BITS = 16, CB_MAX_OPS = 16 };

typedef enum { CB_OP_QUANT, CB_OP_DENSE, CB_OP_CONV2D, CB_OP_COMPARE, CB_OP_LOGIC } cb_op_kind;

typedef struct {
    cb_op_kind kind;
    char name[32];
    int in_h, in_w, in_c, out_h, out_w, out_c; /* a vector is 1 x 1 x n */
    /* QUANT */
    bool relu;
    cb_round round;
    cb_overflow overflow;
    int n_format; /* 1 or the number of elements */
    cb_format *format;
    /* DENSE, CONV2D */
    int kh, kw, sy, sx;
    int32_t *w;
    int w_frac;
    int64_t *bias; /* [out_c] or NULL */
    int bias_frac;
    cb_format acc;
    /* COMPARE */
    int32_t *source, *threshold, *mask; /* [out_c]; of counts: threshold 0 .. 1022, mask 1 .. 1023; of sums: mask NULL */
    /* LOGIC */
    cb_circuit circuit;
    /* derived by cb_programme_finish */
    int in_frac, out_frac;
    int64_t *lo, *hi; /* exact reachable bounds a priori, per output element, units 2^-out_frac */
} cb_op;

typedef struct {
    char name[64], family[16]; /* "qkeras", "hgq", "firmware", ... */
    int64_t seed;
    int input_h, input_w;
    int n_op;
    cb_op op[CB_MAX_OPS];
    double ebops;        /* as the trainer's package counts them; NaN = not defined (stored as -1) */
    int64_t parameters;  /* trainable weights of the float model */
} cb_programme;

/* Appends an operation whose shape follows from the last one; returns it zeroed
 * but for shapes and w/bias/format arrays allocated (to be filled), or NULL. */
cb_op *cb_programme_quant(cb_programme *p, const char *name, int n_format) CB_MUST;
cb_op *cb_programme_dense(cb_programme *p, const char *name, int n_out, bool bias) CB_MUST;
cb_op *cb_programme_conv2d(cb_programme *p, const char *name, int kh, int kw, int sy, int sx, int filters,
                           bool bias) CB_MUST;
/* n_out comparators with source and threshold to be filled. The programme must be empty (masks are 1023 then), or the last operation
 * a QUANT and none before a COMPARE. */
cb_op *cb_programme_compare(cb_programme *p, const char *name, int n_out) CB_MUST;
/* A copy of a circuit with as many inputs as COMPARE has outputs. */
cb_op *cb_programme_logic(cb_programme *p, const char *name, const cb_circuit *c) CB_MUST;
/* out_frac of a QUANT from its formats (may be negative), before cb_programme_finish. */
int cb_op_quant_frac(const cb_op *op);
/* Fills the derived fields and proves the accumulators. The last op must be a
 * QUANT to one element of format (0, 8, 8). */
int cb_programme_finish(cb_programme *p) CB_MUST;

/* et[n][h*w], 0..1023 -> code[n] (0..65535). Threads; exact; events in lanes: pairs of int16
 * where the bounds allow it (pairs_plan.h), else int32 or int64 (lanes_plan.h). */
int cb_programme_score(const cb_programme *p, const uint16_t *et, size_t n, uint16_t *code) CB_MUST;
/* One event with every intermediate tensor: value[k] receives op k's output
 * (caller-allocated out_h*out_w*out_c each; NULL entries are skipped). The plain
 * definition of the operations: no lanes, no threads. Fails only without memory. */
int cb_programme_trace(const cb_programme *p, const uint16_t *et, int64_t *const value[CB_MAX_OPS]);

/* Inside an already created/opened student file. */
int cb_programme_write(const cb_programme *p, cb_h5 *f) CB_MUST;
/* A student file: checks everything and calls cb_programme_finish. */
int cb_programme_read(cb_programme *p, const char *path) CB_MUST;
/* The same for a file that holds several students (front.h): `root` is a group of at most 8 characters that takes the
 * place of "/"; it exists. */
int cb_programme_write_at(const cb_programme *p, cb_h5 *f, const char *root) CB_MUST;
int cb_programme_read_at(cb_programme *p, cb_h5 *f, const char *root) CB_MUST;
void cb_programme_free(cb_programme *p);

#endif
