#include "plus_export.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quant/hgq_model.h"
#include "quant/plus_cost.h"
#include "quant/student_check.h"

static int add_quant(cb_programme *p, const char *name, const cb_hgq_format *t, int n, bool relu, bool round) {
    cb_op *op = cb_programme_quant(p, name, n);
    if (!op) return -1;
    op->relu = relu;
    op->round = round ? CB_RND : CB_TRN;
    op->overflow = CB_SAT;
    for (int e = 0; e < n; e++)
        op->format[e] = t[e].hi <= 0 ? (cb_format){0, 0, 0} : (cb_format){0, (int16_t)t[e].i, (int16_t)t[e].f};
    return 0;
}

static int add_copies(cb_programme *p, const cb_plus_student *s) {
    if (s->d.n_view == 1) return 0;
    cb_op *op = cb_programme_conv2d(p, "copies", 1, 1, 1, 1, s->d.n_view, false);
    for (int v = 0; op && v < s->d.n_view; v++) op->w[v] = 1;
    return op ? 0 : -1;
}

/* The bits of the views that wrap; the others pass as they are. */
static int add_slices(cb_programme *p, const cb_plus_model *m) {
    const cb_plus_student *s = m->s;
    if (!s->d.wrap_views || s->d.n_view == 1) return 0;
    cb_op *op = cb_programme_quant(p, "slices", s->n_view);
    if (!op) return -1;
    op->round = s->d.round_views ? CB_RND : CB_TRN;
    op->overflow = CB_WRAP;
    for (int e = 0; e < s->n_view; e++) {
        const cb_hgq_format *t = &m->view[e];
        op->format[e] = m->wrap[e] < 0   ? (cb_format){0, 10, 0}
                        : m->wrap[e] > 0 ? (cb_format){0, (int16_t)t->i, (int16_t)t->f}
                                         : (cb_format){0, 0, 0};
    }
    return 0;
}

static int add_sums(cb_programme *p, const cb_plus_student *s) {
    int n = s->d.n_view;
    cb_op *op = cb_programme_conv2d(p, "sums", s->d.pool_h, s->d.pool_w, s->d.pool_h, s->d.pool_w, n, false);
    if (!op) return -1;
    for (int tap = 0; tap < s->d.pool_h * s->d.pool_w; tap++)
        for (int v = 0; v < n; v++) op->w[(tap * n + v) * n + v] = 1;
    op->w_frac = CB_PLUS_UNIT;
    return 0;
}

/* Smallest f >= least with every x 2^f an integer. */
static int grid(const float *x, size_t n, int least) {
    int f = least;
    for (size_t e = 0; e < n; e++)
        while (ldexp(x[e], f) != rint(ldexp(x[e], f))) f++;
    return f;
}

static int add_dense(cb_programme *p, const cb_plus_model *m, int l) {
    const cb_plus_layer *y = &m->s->layer[l];
    char name[32];
    sprintf(name, "dense%d_in", l + 1);
    if (add_quant(p, name, m->iq[l], y->n_in, l > 0, false)) return -1;
    sprintf(name, "dense%d", l + 1);
    int in_frac = cb_op_quant_frac(&p->op[p->n_op - 1]);
    cb_op *op = cb_programme_dense(p, name, y->n_out, true);
    if (!op) return -1;
    op->bias_frac = grid(m->bias[l], (size_t)y->n_out, 0);
    op->w_frac = grid(m->kernel[l], y->kq.n, op->bias_frac - in_frac); /* the bias grid must not be the finer one */
    for (size_t e = 0; e < y->kq.n; e++) {
        double v = ldexp(m->kernel[l][e], op->w_frac);
        if (fabs(v) > INT32_MAX)
            return cb_fail("student '%s': %s: weight %zu = %.9g does not fit 32 bits in units of 2^-%d", p->name, name, e,
                           (double)m->kernel[l][e], op->w_frac);
        op->w[e] = (int32_t)v;
    }
    for (int o = 0; o < y->n_out; o++) op->bias[o] = (int64_t)ldexp(m->bias[l][o], op->bias_frac);
    return 0;
}

static int add_all(cb_programme *p, const cb_plus_model *m) {
    const cb_plus_student *s = m->s;
    if (add_copies(p, s) || add_slices(p, m) ||
        add_quant(p, "views", m->view, s->n_view, false, s->d.round_views) || add_sums(p, s))
        return -1;
    for (int l = 0; l < s->d.n_dense; l++)
        if (add_dense(p, m, l)) return -1;
    cb_op *op = cb_programme_quant(p, "score", 1);
    if (!op) return -1;
    op->relu = true;
    op->round = CB_RND_CONV;
    op->overflow = CB_SAT;
    op->format[0] = (cb_format){0, CB_SCORE_BITS - CB_SCORE_FRAC, CB_SCORE_FRAC};
    return 0;
}

int cb_plus_programme(cb_programme *p, const cb_plus_model *m, const char *name, int64_t seed) {
    memset(p, 0, sizeof *p);
    if (strlen(name) >= sizeof p->name)
        return cb_fail("student name '%s' is longer than %zu characters", name, sizeof p->name - 1);
    strcpy(p->name, name);
    strcpy(p->family, "hgq+");
    p->seed = seed;
    p->input_h = m->s->d.height;
    p->input_w = m->s->d.width;
    p->parameters = cb_plus_student_parameters(m->s);
    p->ebops = cb_plus_ebops(m->s);
    if (!add_all(p, m) && !cb_programme_finish(p)) return 0;
    cb_programme_free(p);
    return -1;
}

static int model_codes(void *context, const uint16_t *et, uint32_t n, uint16_t *code) {
    const cb_plus_model *m = context;
    double *value = cb_alloc(cb_plus_model_values(m->s), sizeof *value);
    if (!value) return -1;
    for (uint32_t e = 0; e < n; e++)
        code[e] = cb_hgq_score_code(cb_plus_model_event(m, et + (size_t)e * (size_t)m->s->n_pixel, value));
    free(value);
    return 0;
}

int cb_plus_check(const cb_plus_model *m, const cb_programme *p, const cb_student_set *set, int64_t *checked,
                  int64_t *mismatches) {
    return cb_student_check(p, set, (uint64_t)p->seed, model_codes, (void *)m, checked, mismatches);
}
