#include "quant/qkeras_export.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fmath.h"
#include "base/log.h"
#include "base/rng.h"
#include "quant/ebops.h"

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

static int add_layers(cb_programme *p, const cb_qkeras_folded *f) {
    const cb_qkeras_shape *s = &f->m->shape;
    int wide = cb_qbits_fraction(cb_qbits_12_3), bias = cb_qbits_fraction(cb_qbits_8_3);
    if (s->conv) {
        cb_op *op = cb_programme_conv2d(p, "conv", s->kernel, s->kernel, s->kernel, s->kernel, s->filters, false);
        if (!op) return -1;
        set_weights(op, f->conv, f->m->n_conv, wide, (cb_format){1, 21, 8});
        if (add_relu(p, "relu_conv", cb_qrelu_10_6)) return -1;
    }
    cb_op *op = cb_programme_dense(p, "dense1", s->hidden, true);
    if (!op) return -1;
    set_weights(op, f->kernel, (size_t)f->m->n_flat * (size_t)s->hidden, cb_qbits_fraction(cb_qbits_8_1),
                s->conv ? (cb_format){1, 13, 12} : (cb_format){1, 19, 6});
    for (int j = 0; j < s->hidden; j++) op->bias[j] = (int64_t)(f->bias[j] * cb_pow2(bias));
    op->bias_frac = bias;
    if (add_relu(p, "relu_dense1", cb_qrelu_10_6)) return -1;
    if (!(op = cb_programme_dense(p, "dense2", 1, false))) return -1;
    set_weights(op, f->out, (size_t)s->hidden, wide, (cb_format){1, 13, 12});
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
        if (op->kind == CB_OP_QUANT) continue;
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

static double dense_ebops(int n_in, int n_out, int weight_bits, int bias_bits) {
    float *in = uniform((size_t)n_in, INPUT_BITS), *w = uniform((size_t)n_in * (size_t)n_out, weight_bits);
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
    float *in = uniform((size_t)(c.h * c.w), INPUT_BITS), *w = uniform(m->n_conv, cb_qbits_magnitude(cb_qbits_12_3));
    cb_ebops_bits bits = {.input = in, .kernel = w};
    double e = in && w ? cb_ebops_conv(&c, &bits) : -1;
    free(in);
    free(w);
    return e;
}

double cb_qkeras_ebops(const cb_qkeras_student *m) {
    int wide = cb_qbits_magnitude(cb_qbits_12_3);
    double conv = m->shape.conv ? conv_ebops(m) : 0;
    double first = dense_ebops(m->n_flat, m->shape.hidden, cb_qbits_magnitude(cb_qbits_8_1), cb_qbits_magnitude(cb_qbits_8_3));
    double second = dense_ebops(m->shape.hidden, 1, wide, 0);
    return conv < 0 || first < 0 || second < 0 ? -1 : conv + first + second;
}

/* Bits of element e of the tensor that op k reads. */
static int input_bits(const cb_programme *p, int k, int64_t e) {
    if (k == 0) return INPUT_BITS;
    const cb_op *q = &p->op[k - 1];
    if (q->kind != CB_OP_QUANT) return 0;
    return cb_format_width(q->format[q->n_format == 1 ? 0 : e]);
}

double cb_programme_ebops_exact(const cb_programme *p) {
    double sum = 0;
    for (int k = 0; k < p->n_op; k++) {
        const cb_op *op = &p->op[k];
        if (op->kind == CB_OP_QUANT) continue;
        for (int pos = 0; pos < op->out_h * op->out_w; pos++)
            for (int dy = 0; dy < op->kh; dy++)
                for (int x = 0; x < op->kw * op->in_c; x++) {
                    int64_t row = pos / op->out_w * op->sy + dy, column = pos % op->out_w * op->sx * op->in_c + x;
                    int bits = input_bits(p, k, row * op->in_w * op->in_c + column);
                    const int32_t *w = op->w + ((int64_t)dy * op->kw * op->in_c + x) * op->out_c;
                    for (int o = 0; o < op->out_c; o++) sum += bits * cb_bit_span(w[o]);
                }
    }
    return sum;
}

/* ---- the check ---- */

static void random_image(uint16_t *image, int n, uint64_t seed, uint32_t index) {
    cb_rng r = cb_rng_at(seed, "student-check", index);
    uint32_t level = cb_rng_below(&r, CB_ET_MAX + 1);
    for (int e = 0; e < n; e++) {
        uint32_t a = cb_rng_below(&r, CB_ET_MAX + 1), b = cb_rng_below(&r, CB_ET_MAX + 1), c = cb_rng_below(&r, CB_ET_MAX + 1);
        switch (index % 4) {
        case 0: image[e] = (uint16_t)a; break;
        case 1: image[e] = (uint16_t)((uint64_t)a * b * c >> 20); break;
        case 2: image[e] = (uint16_t)(a * 32 < level ? CB_ET_MAX : b < 100 ? c & 3 : 0); break;
        default: image[e] = (uint16_t)level; break;
        }
    }
}

/* n images: rows of et, pointed to by image as well. */
static int compare(const cb_qkeras_folded *f, const cb_programme *p, const uint16_t *et, const uint16_t *const *image,
                   uint32_t n, double *score, uint16_t *code, int64_t *mismatches) {
    cb_qkeras_infer(f, image, n, score, NULL);
    if (cb_programme_score(p, et, n, code)) return -1;
    for (uint32_t e = 0; e < n; e++) *mismatches += score[e] * 256 != code[e];
    return 0;
}

int cb_qkeras_check(const cb_qkeras_folded *f, const cb_programme *p, const cb_student_set *set, int64_t *checked,
                    int64_t *mismatches) {
    enum { CHUNK = 4096 };
    size_t pixels = (size_t)set->n_feature;
    uint16_t *et = cb_alloc(CHUNK * pixels, sizeof *et), *code = cb_alloc(CHUNK, sizeof *code);
    const uint16_t **image = cb_alloc(CHUNK, sizeof *image);
    double *score = cb_alloc(CHUNK, sizeof *score);
    uint64_t total = (uint64_t)set->n[CB_VAL] + CB_CHECK_RANDOM;
    int rc = et && code && image && score ? 0 : -1;
    *checked = *mismatches = 0;
    for (uint64_t first = 0; first < total && !rc; first += CHUNK) {
        uint32_t n = total - first < CHUNK ? (uint32_t)(total - first) : CHUNK;
        for (uint32_t k = 0; k < n; k++) {
            uint16_t *row = et + k * pixels;
            uint64_t e = first + k;
            image[k] = row;
            if (e < set->n[CB_VAL]) memcpy(row, set->image[CB_VAL][e], pixels * sizeof *row);
            else random_image(row, set->n_feature, f->m->shape.seed, (uint32_t)(e - set->n[CB_VAL]));
        }
        rc = compare(f, p, et, image, n, score, code, mismatches);
        *checked += n;
    }
    free(et);
    free(code);
    free(image);
    free(score);
    return rc;
}
