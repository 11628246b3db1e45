/* Building a programme, its proof (cb_programme_finish) and its plain definition
 * (cb_programme_trace). Fast scoring: programme_score.c; files: programme_file.c. */
#include "quant/programme.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/dataset.h"
#include "quant/programme_internal.h"

enum { MAX_SIDE = 4096, MAX_ELEMENTS = 1 << 20, MAX_WEIGHTS = 1 << 26, MAX_FRAC = 96, MAX_WIDTH = 48 };
static const int64_t limit = (int64_t)1 << 62;

/* ---- building ---- */

cb_op *cb_op_append(cb_programme *p, cb_op_kind kind, const char *name) {
    if (p->n_op >= CB_MAX_OPS)
        return cb_fail_null("student '%s': operation '%s' is one more than the %d that fit", p->name, name, CB_MAX_OPS);
    if (p->input_h < 1 || p->input_w < 1 || p->input_h > MAX_SIDE || p->input_w > MAX_SIDE)
        return cb_fail_null("student '%s': input of %d x %d regions, 1 to %d each way expected", p->name, p->input_h,
                            p->input_w, MAX_SIDE);
    cb_op *op = &p->op[p->n_op], *last = p->n_op ? op - 1 : NULL;
    memset(op, 0, sizeof *op);
    if (strlen(name) >= sizeof op->name)
        return cb_fail_null("student '%s': operation name '%s' is longer than %zu characters", p->name, name,
                            sizeof op->name - 1);
    strcpy(op->name, name);
    op->kind = kind;
    op->in_h = last ? last->out_h : p->input_h;
    op->in_w = last ? last->out_w : p->input_w;
    op->in_c = last ? last->out_c : 1;
    return op;
}

static void op_free(cb_op *op) {
    free(op->format);
    free(op->w);
    free(op->bias);
    free(op->source);
    free(op->threshold);
    free(op->mask);
    cb_circuit_free(&op->circuit);
    free(op->lo);
    free(op->hi);
    memset(op, 0, sizeof *op);
}

int64_t cb_op_inputs(const cb_op *op) { return (int64_t)op->in_h * op->in_w * op->in_c; }
int64_t cb_op_outputs(const cb_op *op) { return (int64_t)op->out_h * op->out_w * op->out_c; }

cb_op *cb_programme_quant(cb_programme *p, const char *name, int n_format) {
    cb_op *op = cb_op_append(p, CB_OP_QUANT, name);
    if (!op) return NULL;
    op->out_h = op->in_h, op->out_w = op->in_w, op->out_c = op->in_c;
    if (n_format != 1 && n_format != cb_op_outputs(op))
        return cb_fail_null("student '%s': operation '%s': %d formats, 1 or %lld (the elements) expected", p->name, name,
                            n_format, (long long)cb_op_outputs(op));
    op->n_format = n_format;
    op->format = cb_alloc((size_t)n_format, sizeof *op->format);
    if (!op->format) return NULL;
    p->n_op++;
    return op;
}

/* Weights and bias of a linear operation whose shapes are set. */
static cb_op *op_weights(cb_programme *p, cb_op *op, bool bias) {
    int64_t n = (int64_t)op->kh * op->kw * op->in_c * op->out_c;
    if (op->out_c < 1 || op->out_c > MAX_SIDE || cb_op_outputs(op) > MAX_ELEMENTS || n > MAX_WEIGHTS)
        return cb_fail_null("student '%s': operation '%s': %d outputs of %lld weights in all; at most %d and %d", p->name,
                            op->name, op->out_c, (long long)n, MAX_SIDE, MAX_WEIGHTS);
    op->w = cb_alloc((size_t)n, sizeof *op->w);
    op->bias = bias ? cb_alloc((size_t)op->out_c, sizeof *op->bias) : NULL;
    if (!op->w || (bias && !op->bias)) {
        op_free(op);
        return NULL;
    }
    p->n_op++;
    return op;
}

cb_op *cb_programme_dense(cb_programme *p, const char *name, int n_out, bool bias) {
    cb_op *op = cb_op_append(p, CB_OP_DENSE, name);
    if (!op) return NULL;
    /* A dense layer is a convolution whose kernel covers its whole input. */
    op->kh = op->sy = op->in_h;
    op->kw = op->sx = op->in_w;
    op->out_h = op->out_w = 1;
    op->out_c = n_out;
    return op_weights(p, op, bias);
}

cb_op *cb_programme_conv2d(cb_programme *p, const char *name, int kh, int kw, int sy, int sx, int filters, bool bias) {
    cb_op *op = cb_op_append(p, CB_OP_CONV2D, name);
    if (!op) return NULL;
    if (kh < 1 || kw < 1 || kh > op->in_h || kw > op->in_w || sy < 1 || sx < 1 || sy > MAX_SIDE || sx > MAX_SIDE)
        return cb_fail_null("student '%s': operation '%s': kernel %d x %d with stride %d x %d does not fit an input of %d x %d",
                            p->name, name, kh, kw, sy, sx, op->in_h, op->in_w);
    op->kh = kh, op->kw = kw, op->sy = sy, op->sx = sx;
    op->out_h = (op->in_h - kh) / sy + 1;
    op->out_w = (op->in_w - kw) / sx + 1;
    op->out_c = filters;
    return op_weights(p, op, bias);
}

void cb_programme_free(cb_programme *p) {
    for (int k = 0; k < p->n_op; k++) op_free(&p->op[k]);
    memset(p, 0, sizeof *p);
}

/* ---- the proof ---- */

static int op_fail(const cb_programme *p, int k, const char *text) {
    return cb_fail("student '%s': operation %d '%s': %s", p->name, k, p->op[k].name, text);
}

/* |v| 2^up, or 2^62 if that or more. */
static int64_t magnitude_shifted(int64_t v, int up) {
    if (v < 0) v = -v;
    return v && (up > 62 || v >= limit >> up) ? limit : v << (v ? up : 0);
}

static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

int cb_op_quant_frac(const cb_op *op) {
    int frac = 0;
    bool any = false;
    for (int e = 0; e < op->n_format; e++) {
        if (!cb_format_width(op->format[e])) continue;
        if (!any || op->format[e].f > frac) frac = op->format[e].f;
        any = true;
    }
    return frac;
}

static int quant_formats(cb_programme *p, int k) {
    cb_op *op = &p->op[k];
    for (int e = 0; e < op->n_format; e++) {
        cb_format t = op->format[e];
        if ((t.k != 0 && t.k != 1) || abs(t.i) > 64 || abs(t.f) > 64 || cb_format_width(t) > MAX_WIDTH)
            return cb_fail("student '%s': operation %d '%s': format %d is (k, i, f) = (%d, %d, %d); k 0 or 1, |i|, |f| <= 64 "
                           "and at most %d bits expected", p->name, k, op->name, e, t.k, t.i, t.f, MAX_WIDTH);
    }
    op->out_frac = cb_op_quant_frac(op);
    return 0;
}

/* Interval of one element. All roundings are monotonic, so the ends of the input
 * interval give the ends of the output interval unless a wrap happens between. */
static int quant_interval(cb_programme *p, int k, int64_t e, int64_t lo, int64_t hi) {
    cb_op *op = &p->op[k];
    cb_format t = op->format[op->n_format == 1 ? 0 : e];
    if (op->relu) lo = larger(lo, 0), hi = larger(hi, 0);
    op->lo[e] = op->hi[e] = 0;
    if (!cb_format_width(t)) return 0;
    int up = t.f > op->in_frac ? t.f - op->in_frac : 0, last = op->out_frac - t.f;
    if (magnitude_shifted(larger(llabs(lo), llabs(hi)), up) >= limit)
        return op_fail(p, k, "a value with the fraction bits of its format does not fit 62 bits");
    int64_t a = cb_fixed_quantize(lo, op->in_frac, t, op->round, op->overflow);
    int64_t b = cb_fixed_quantize(hi, op->in_frac, t, op->round, op->overflow);
    if (op->overflow == CB_WRAP) {
        cb_format wide = {1, (int16_t)(62 - t.f), t.f}; /* the same rounding without an overflow */
        if (cb_fixed_quantize(lo, op->in_frac, wide, op->round, CB_SAT) != a ||
            cb_fixed_quantize(hi, op->in_frac, wide, op->round, CB_SAT) != b)
            a = cb_format_min(t, CB_WRAP), b = cb_format_max(t);
    }
    if (magnitude_shifted(larger(llabs(a), llabs(b)), last) >= limit)
        return op_fail(p, k, "values in units of the finest format do not fit 62 bits");
    op->lo[e] = a * ((int64_t)1 << (last > 62 ? 0 : last));
    op->hi[e] = b * ((int64_t)1 << (last > 62 ? 0 : last));
    return 0;
}

static int64_t clamp_sum(int64_t a, int64_t b) { return a + b >= limit ? limit : a + b; }

static int acc_check(const cb_programme *p, int k, int64_t e) {
    const cb_op *op = &p->op[k];
    cb_format t = op->acc;
    if (cb_format_width(t) == 0) return 0;
    if (t.f < op->out_frac)
        return cb_fail("student '%s': operation %d '%s': the accumulator has %d fraction bits, its sums have %d: "
                       "declare at least that many", p->name, k, op->name, t.f, op->out_frac);
    int up = t.f - op->out_frac < 62 ? t.f - op->out_frac : 62;
    int64_t min = -(-cb_format_min(t, CB_WRAP) >> up), max = cb_format_max(t) >> up;
    if (op->lo[e] < min || op->hi[e] > max)
        return cb_fail("student '%s': operation %d '%s': output %lld can reach %.9g to %.9g, the accumulator "
                       "ap_%sfixed<%d,%d> holds %.9g to %.9g: declare a wider one or retrain with smaller weights",
                       p->name, k, op->name, (long long)e, ldexp((double)op->lo[e], -op->out_frac),
                       ldexp((double)op->hi[e], -op->out_frac), t.k ? "" : "u", cb_format_width(t), t.k + t.i,
                       ldexp((double)cb_format_min(t, CB_WRAP), -t.f), ldexp((double)cb_format_max(t), -t.f));
    return 0;
}

/* Exact worst case of one sum: every input at the end of its interval that is worst. */
static int linear_interval(cb_programme *p, int k, int oy, int ox, int o, const int64_t *lo, const int64_t *hi) {
    cb_op *op = &p->op[k];
    int up = op->out_frac - op->bias_frac;
    int64_t bias = op->bias ? op->bias[o] : 0, total = magnitude_shifted(bias, op->bias ? up : 0);
    int64_t low = 0, high = 0;
    const int32_t *w = op->w + o;
    for (int dy = 0; dy < op->kh; dy++)
        for (int x = 0; x < op->kw * op->in_c; x++, w += op->out_c) {
            int64_t i = ((int64_t)(oy * op->sy + dy) * op->in_w + ox * op->sx) * op->in_c + x, a, b, size;
            if (!*w) continue;
            if (__builtin_mul_overflow(larger(llabs(lo[i]), llabs(hi[i])), llabs((int64_t)*w), &size)) size = limit;
            total = clamp_sum(total, size < limit ? size : limit);
            if (total >= limit) return op_fail(p, k, "its sums do not fit 62 bits: fewer bits in weights or inputs");
            a = *w * (*w > 0 ? lo[i] : hi[i]);
            b = *w * (*w > 0 ? hi[i] : lo[i]);
            low += a, high += b;
        }
    if (total >= limit) return op_fail(p, k, "its bias does not fit 62 bits");
    if (bias) low += bias * ((int64_t)1 << up), high += bias * ((int64_t)1 << up);
    int64_t e = ((int64_t)oy * op->out_w + ox) * op->out_c + o;
    op->lo[e] = low, op->hi[e] = high;
    return acc_check(p, k, e);
}

static int linear_finish(cb_programme *p, int k, const int64_t *lo, const int64_t *hi) {
    cb_op *op = &p->op[k];
    op->out_frac = op->in_frac + op->w_frac;
    if (abs(op->w_frac) > MAX_FRAC || abs(op->bias_frac) > MAX_FRAC || abs(op->out_frac) > MAX_FRAC)
        return op_fail(p, k, "fractions of weights, bias and sums must lie in -96 to 96");
    if (op->bias && op->bias_frac > op->out_frac)
        return cb_fail("student '%s': operation %d '%s': the bias has %d fraction bits, the sums only %d", p->name, k,
                       op->name, op->bias_frac, op->out_frac);
    cb_format t = op->acc;
    if ((t.k != 0 && t.k != 1) || abs(t.i) > 64 || abs(t.f) > MAX_FRAC || cb_format_width(t) > 62)
        return op_fail(p, k, "the accumulator must have at most 62 bits");
    for (int oy = 0; oy < op->out_h; oy++)
        for (int ox = 0; ox < op->out_w; ox++)
            for (int o = 0; o < op->out_c; o++)
                if (linear_interval(p, k, oy, ox, o, lo, hi)) return -1;
    return 0;
}

static int op_finish(cb_programme *p, int k, const int64_t *lo, const int64_t *hi) {
    cb_op *op = &p->op[k];
    op->in_frac = k ? op[-1].out_frac : 0;
    free(op->lo);
    free(op->hi);
    op->lo = cb_alloc((size_t)cb_op_outputs(op), sizeof *op->lo);
    op->hi = cb_alloc((size_t)cb_op_outputs(op), sizeof *op->hi);
    if (!op->lo || !op->hi) return -1;
    if (cb_op_bits(op)) return cb_bits_finish(p, k, lo, hi);
    if (op->kind != CB_OP_QUANT) return linear_finish(p, k, lo, hi);
    if (quant_formats(p, k)) return -1;
    for (int64_t e = 0; e < cb_op_outputs(op); e++)
        if (quant_interval(p, k, e, lo[e], hi[e])) return -1;
    return 0;
}

int cb_programme_finish(cb_programme *p) {
    const cb_op *last = p->n_op ? &p->op[p->n_op - 1] : NULL;
    if (!last || last->kind != CB_OP_QUANT || cb_op_outputs(last) != 1 || last->format[0].k != 0 ||
        last->format[0].i != CB_SCORE_BITS - CB_SCORE_FRAC || last->format[0].f != CB_SCORE_FRAC)
        return cb_fail("student '%s': the last operation must quantize one element to (k, i, f) = (0, %d, %d)", p->name,
                       CB_SCORE_BITS - CB_SCORE_FRAC, CB_SCORE_FRAC);
    size_t n = (size_t)p->input_h * (size_t)p->input_w;
    int64_t *ends = cb_alloc(2 * n, sizeof *ends), *lo = ends, *hi = ends ? ends + n : NULL;
    if (!ends) return -1;
    for (size_t i = 0; i < n; i++) hi[i] = CB_ET_MAX;
    int rc = 0;
    for (int k = 0; k < p->n_op && !rc; k++) {
        rc = op_finish(p, k, lo, hi);
        lo = p->op[k].lo, hi = p->op[k].hi;
    }
    free(ends);
    return rc;
}

/* ---- the plain definition ---- */

static void quant_plain(const cb_op *op, const int64_t *x, int64_t *y) {
    for (int64_t e = 0; e < cb_op_outputs(op); e++) {
        cb_format t = op->format[op->n_format == 1 ? 0 : e];
        int64_t q = cb_fixed_quantize(op->relu && x[e] < 0 ? 0 : x[e], op->in_frac, t, op->round, op->overflow);
        y[e] = q ? q * ((int64_t)1 << (op->out_frac - t.f)) : 0;
    }
}

static void linear_plain(const cb_op *op, const int64_t *x, int64_t *y) {
    for (int oy = 0; oy < op->out_h; oy++)
        for (int ox = 0; ox < op->out_w; ox++)
            for (int o = 0; o < op->out_c; o++) {
                int64_t sum = op->bias && op->bias[o] ? op->bias[o] * ((int64_t)1 << (op->out_frac - op->bias_frac)) : 0;
                for (int dy = 0; dy < op->kh; dy++)
                    for (int dx = 0; dx < op->kw; dx++)
                        for (int i = 0; i < op->in_c; i++)
                            sum += op->w[((dy * op->kw + dx) * op->in_c + i) * op->out_c + o] *
                                   x[((oy * op->sy + dy) * op->in_w + ox * op->sx + dx) * op->in_c + i];
                y[(oy * op->out_w + ox) * op->out_c + o] = sum;
            }
}

void cb_op_plain(const cb_op *op, const int64_t *x, int64_t *y) { (op->kind == CB_OP_QUANT ? quant_plain : linear_plain)(op, x, y); }

int cb_programme_trace(const cb_programme *p, const uint16_t *et, int64_t *const value[CB_MAX_OPS]) {
    int64_t n_in = (int64_t)p->input_h * p->input_w, room = n_in;
    for (int k = 0; k < p->n_op; k++) room = larger(room, cb_op_outputs(&p->op[k]));
    int64_t *x = cb_alloc((size_t)room, sizeof *x), *y = cb_alloc((size_t)room, sizeof *y);
    int rc = x && y ? 0 : -1;
    for (int64_t i = 0; i < n_in && !rc; i++) x[i] = et[i];
    for (int k = 0; k < p->n_op && !rc; k++) {
        const cb_op *op = &p->op[k];
        if (cb_op_bits(op)) rc = cb_bits_plain(op, x, y);
        else cb_op_plain(op, x, y);
        if (value[k] && !rc) memcpy(value[k], y, (size_t)cb_op_outputs(op) * sizeof *y);
        int64_t *swap = x;
        x = y, y = swap;
    }
    free(x);
    free(y);
    return rc;
}
