#include "quant/qkeras_export.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fmath.h"
#include "base/log.h"
#include "quant/ebops.h"
#include "quant/student_check.h"

enum { INPUT_BITS = 10 };

/* ---- the programme ---- */

static int add_relu(cb_programme *p, const char *name, cb_qrelu q) {
    cb_op *op = cb_programme_quant(p, name, 1);
    if (!op) return -1;
    op->relu = true;
    op->round = CB_RND_CONV;
    op->overflow = CB_SAT;
    op->format[0] = cb_qrelu_format(q);
    return 0;
}

/* Integer weights of a linear operation: w[n] real, all multiples of 2^-frac. */
static void set_weights(cb_op *op, const double *w, size_t n, int frac, cb_format acc) {
    for (size_t e = 0; e < n; e++) op->w[e] = (int32_t)(w[e] * cb_pow2(frac));
    op->w_frac = frac;
    op->acc = acc;
}

/* Weights on a grid 2^-up finer, where the bias needs it: no value changes. */
static int refine(cb_op *op, int up) {
    for (int e = 0; up > 0 && e < op->in_h * op->in_w * op->in_c * op->out_c; e++) {
        if (up > 30 || llabs((int64_t)op->w[e]) > INT32_MAX >> up)
            return cb_fail("%s: the bias has %d more fraction bits than the sum, too many for weight %d: fewer bits in qkeras.bias",
                           op->name, up, e);
        op->w[e] *= 1 << up;
    }
    if (up > 0) op->w_frac += up;
    return 0;
}

static bool is_deployed(const cb_qkeras_bits *b) {
    const cb_qkeras_bits *d = &cb_qkeras_deployed;
    const cb_qbits *own[] = {&b->conv, &b->dense, &b->bias, &b->out}, *theirs[] = {&d->conv, &d->dense, &d->bias, &d->out};
    for (int k = 0; k < 4; k++)
        if (own[k]->bits != theirs[k]->bits || own[k]->integer != theirs[k]->integer) return false;
    return b->relu_conv.bits == d->relu_conv.bits && b->relu_conv.integer == d->relu_conv.integer &&
           b->relu_dense.bits == d->relu_dense.bits && b->relu_dense.integer == d->relu_dense.integer;
}

static int add_layers(cb_programme *p, const cb_qkeras_folded *f) {
    const cb_qkeras_shape *s = &f->m->shape;
    const cb_qkeras_bits *b = &s->bits;
    bool deployed = is_deployed(b);
    cb_format none = {0, 0, 0}, dense1 = s->conv ? (cb_format){1, 13, 12} : (cb_format){1, 19, 6};
    int bias = cb_qbits_fraction(b->bias);
    if (s->conv) {
        cb_op *op = cb_programme_conv2d(p, "conv", s->kernel, s->kernel, s->kernel, s->kernel, s->filters, false);
        if (!op) return -1;
        set_weights(op, f->conv, f->m->n_conv, cb_qbits_fraction(b->conv), deployed ? (cb_format){1, 21, 8} : none);
        if (add_relu(p, "relu_conv", b->relu_conv)) return -1;
    }
    cb_op *op = cb_programme_dense(p, "dense1", s->hidden, true);
    if (!op) return -1;
    set_weights(op, f->kernel, (size_t)f->m->n_flat * (size_t)s->hidden, cb_qbits_fraction(b->dense),
                deployed ? dense1 : none);
    for (int j = 0; j < s->hidden; j++) op->bias[j] = (int64_t)(f->bias[j] * cb_pow2(bias));
    op->bias_frac = bias;
    if (refine(op, bias - op->w_frac - (s->conv ? cb_op_quant_frac(op - 1) : 0))) return -1;
    if (add_relu(p, "relu_dense1", b->relu_dense)) return -1;
    if (!(op = cb_programme_dense(p, "dense2", 1, false))) return -1;
    set_weights(op, f->out, (size_t)s->hidden, cb_qbits_fraction(b->out), deployed ? (cb_format){1, 13, 12} : none);
    return add_relu(p, "relu_dense2", cb_qrelu_16_8);
}

/* Do all outputs fit the declared accumulator (which has at least their fraction bits)? */
static bool holds(const cb_op *op) {
    int up = op->acc.f - op->out_frac;
    int64_t min = -(-cb_format_min(op->acc, CB_WRAP) >> up), max = cb_format_max(op->acc) >> up;
    for (int e = 0; e < op->out_h * op->out_w * op->out_c; e++)
        if (op->lo[e] < min || op->hi[e] > max) return false;
    return true;
}

/* Finds the bounds without declared accumulators, widens those that are too narrow, proves all. */
static int fit_accumulators(cb_programme *p) {
    cb_format acc[CB_MAX_OPS];
    for (int k = 0; k < p->n_op; k++) {
        acc[k] = p->op[k].acc;
        p->op[k].acc = (cb_format){0, 0, 0};
    }
    if (cb_programme_finish(p)) return -1;
    for (int k = 0; k < p->n_op; k++) {
        cb_op *op = &p->op[k];
        if (op->kind == CB_OP_QUANT || !cb_format_width(acc[k])) continue;
        op->acc = acc[k];
        while (!holds(op)) op->acc.i++;
        if (op->acc.i != acc[k].i)
            cb_info("%s: sums of %s need ap_fixed<%d,%d>, the firmware has <%d,%d>", p->name, op->name,
                    cb_format_width(op->acc), op->acc.i + 1, cb_format_width(acc[k]), acc[k].i + 1);
    }
    return cb_programme_finish(p);
}

int cb_qkeras_programme(cb_programme *p, const cb_qkeras_folded *f, const char *name) {
    const cb_qkeras_student *m = f->m;
    memset(p, 0, sizeof *p);
    if (strlen(name) >= sizeof p->name)
        return cb_fail("student name '%s' is longer than %zu characters", name, sizeof p->name - 1);
    strcpy(p->name, name);
    strcpy(p->family, "qkeras");
    p->seed = (int64_t)m->shape.seed;
    p->input_h = m->shape.height;
    p->input_w = m->shape.width;
    p->parameters = (int64_t)m->n_weight;
    p->ebops = cb_qkeras_ebops(m);
    if (p->ebops >= 0 && !add_layers(p, f) && !fit_accumulators(p)) return 0;
    cb_programme_free(p);
    return -1;
}

/* ---- EBOPs ---- */

/* n widths of `bits`. */
static float *uniform(size_t n, int bits) {
    float *w = cb_alloc(n, sizeof *w);
    for (size_t e = 0; w && e < n; e++) w[e] = (float)bits;
    return w;
}

static double dense_ebops(int n_in, int n_out, int data_bits, int weight_bits, int bias_bits) {
    float *in = uniform((size_t)n_in, data_bits), *w = uniform((size_t)n_in * (size_t)n_out, weight_bits);
    float bias = (float)bias_bits;
    cb_ebops_bits bits = {.input = in, .kernel = w, .bias = bias_bits ? &bias : NULL, .n_bias = bias_bits ? 1 : 0};
    double e = in && w ? cb_ebops_dense(&(cb_dense_shape){.n_pos = 1, .n_in = n_in, .n_out = n_out}, &bits) : -1;
    free(in);
    free(w);
    return e;
}

static double conv_ebops(const cb_qkeras_student *m) {
    const cb_qkeras_shape *s = &m->shape;
    cb_conv_shape c = {.h = s->height, .w = s->width, .c_in = 1, .kh = s->kernel, .kw = s->kernel,
                       .c_out = s->filters, .sy = s->kernel, .sx = s->kernel};
    float *in = uniform((size_t)(c.h * c.w), INPUT_BITS), *w = uniform(m->n_conv, cb_qbits_magnitude(s->bits.conv));
    cb_ebops_bits bits = {.input = in, .kernel = w};
    double e = in && w ? cb_ebops_conv(&c, &bits) : -1;
    free(in);
    free(w);
    return e;
}

double cb_qkeras_ebops(const cb_qkeras_student *m) {
    const cb_qkeras_bits *b = &m->shape.bits;
    double conv = m->shape.conv ? conv_ebops(m) : 0;
    double first = dense_ebops(m->n_flat, m->shape.hidden, m->shape.conv ? b->relu_conv.bits : INPUT_BITS,
                               cb_qbits_magnitude(b->dense), cb_qbits_magnitude(b->bias));
    double second = dense_ebops(m->shape.hidden, 1, b->relu_dense.bits, cb_qbits_magnitude(b->out), 0);
    return conv < 0 || first < 0 || second < 0 ? -1 : conv + first + second;
}

/* ---- the check ---- */

/* The trainer's own codes of n images. */
static int folded_codes(void *context, const uint16_t *et, uint32_t n, uint16_t *code) {
    const cb_qkeras_folded *f = context;
    size_t pixels = (size_t)f->m->shape.height * (size_t)f->m->shape.width;
    const uint16_t **image = cb_alloc(n, sizeof *image);
    double *score = cb_alloc(n, sizeof *score);
    int rc = image && score ? 0 : -1;
    for (uint32_t e = 0; !rc && e < n; e++) image[e] = et + e * pixels;
    if (!rc) cb_qkeras_infer(f, image, n, score, NULL);
    for (uint32_t e = 0; !rc && e < n; e++) {
        code[e] = (uint16_t)(score[e] * 256);
        if (code[e] != score[e] * 256) rc = cb_fail("score %.17g is not on the grid of 1/256", score[e]);
    }
    free(image);
    free(score);
    return rc;
}

int cb_qkeras_check(const cb_qkeras_folded *f, const cb_programme *p, const cb_student_set *set, int64_t *checked,
                    int64_t *mismatches) {
    return cb_student_check(p, set, f->m->shape.seed, folded_codes, (void *)f, checked, mismatches);
}
