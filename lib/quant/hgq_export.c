#include "hgq_export.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "quant/student_check.h"

static int add_input(cb_programme *p, const char *name, const cb_hgq_model *m, int l, bool relu) {
    const cb_hgq_site *site = &m->s->iq[l];
    if (cb_hgq_model_wraps(m, l)) return cb_fail("student '%s': %s: data formats that wrap are not exported", p->name, name);
    cb_op *op = cb_programme_quant(p, name, (int)site->n);
    if (!op) return -1;
    op->relu = relu;
    op->round = CB_RND;
    op->overflow = CB_SAT;
    for (size_t e = 0; e < site->n; e++) {
        const cb_hgq_format *t = &m->iq[l][e];
        bool zero = t->hi == 0; /* no width: always 0 */
        op->format[e] = zero ? (cb_format){0, 0, 0} : (cb_format){0, (int16_t)t->i, (int16_t)t->f};
    }
    return 0;
}

/* Smallest f >= 0 with every x 2^f an integer. */
static int grid(const float *x, size_t n) {
    int f = 0;
    for (size_t e = 0; e < n; e++)
        while (ldexp(x[e], f) != rint(ldexp(x[e], f))) f++;
    return f;
}

static int set_weights(cb_op *op, const char *student, const float *w, size_t n) {
    op->w_frac = grid(w, n);
    for (size_t e = 0; e < n; e++) {
        double v = ldexp(w[e], op->w_frac);
        if (fabs(v) > INT32_MAX)
            return cb_fail("student '%s': %s: weight %zu = %.9g does not fit 32 bits in units of 2^-%d", student, op->name,
                           e, (double)w[e], op->w_frac);
        op->w[e] = (int32_t)v;
    }
    return 0;
}

static int add_layers(cb_programme *p, const cb_hgq_model *m) {
    const cb_hgq_student *s = m->s;
    if (s->d.conv) {
        if (add_input(p, "conv_in", m, CB_HGQ_CONV, false)) return -1;
        cb_op *op = cb_programme_conv2d(p, "conv", s->d.size, s->d.size, s->d.size, s->d.size, s->d.filters, false);
        if (!op || set_weights(op, p->name, m->kernel[0], s->kq[0].n)) return -1;
    }
    if (add_input(p, "dense1_in", m, CB_HGQ_DENSE1, s->d.conv)) return -1;
    cb_op *op = cb_programme_dense(p, "dense1", s->d.hidden, true);
    if (!op || set_weights(op, p->name, m->kernel[1], s->kq[1].n)) return -1;
    int in_frac = cb_op_quant_frac(op - 1); /* the bias grid must not be finer than the sum's */
    op->bias_frac = grid(m->bias, (size_t)s->d.hidden);
    if (op->bias_frac > in_frac + op->w_frac) { /* a finer weight grid changes no value */
        int up = op->bias_frac - in_frac - op->w_frac;
        for (size_t e = 0; e < s->kq[1].n; e++) {
            if (llabs((int64_t)op->w[e]) > INT32_MAX >> up)
                return cb_fail("student '%s': dense1: the bias needs a grid of 2^-%d, too fine for weight %zu", p->name,
                               op->bias_frac, e);
            op->w[e] *= 1 << up;
        }
        op->w_frac += up;
    }
    for (int o = 0; o < s->d.hidden; o++) op->bias[o] = (int64_t)ldexp(m->bias[o], op->bias_frac);
    if (add_input(p, "dense2_in", m, CB_HGQ_DENSE2, true)) return -1;
    op = cb_programme_dense(p, "dense2", 1, false);
    if (!op || set_weights(op, p->name, m->kernel[2], s->kq[2].n)) return -1;
    if (!(op = cb_programme_quant(p, "score", 1))) return -1;
    op->relu = true;
    op->round = CB_RND_CONV;
    op->overflow = CB_SAT;
    op->format[0] = (cb_format){0, CB_SCORE_BITS - CB_SCORE_FRAC, CB_SCORE_FRAC};
    return 0;
}

int cb_hgq_programme(cb_programme *p, const cb_hgq_model *m, const char *name, int64_t seed) {
    double ebops[CB_HGQ_LAYERS];
    memset(p, 0, sizeof *p);
    if (strlen(name) >= sizeof p->name)
        return cb_fail("student name '%s' is longer than %zu characters", name, sizeof p->name - 1);
    strcpy(p->name, name);
    strcpy(p->family, "hgq");
    p->seed = seed;
    p->input_h = m->s->d.height;
    p->input_w = m->s->d.width;
    p->parameters = cb_hgq_student_parameters(m->s);
    p->ebops = cb_hgq_student_ebops(m->s, ebops);
    if (!add_layers(p, m) && !cb_programme_finish(p)) return 0;
    cb_programme_free(p);
    return -1;
}

/* ---- the check ---- */

static int model_codes(void *context, const uint16_t *et, uint32_t n, uint16_t *code) {
    const cb_hgq_model *m = context;
    size_t image = (size_t)(m->s->d.height * m->s->d.width), flat = (size_t)m->s->n_flat, h = (size_t)m->s->d.hidden;
    float *x = cb_alloc(image, sizeof *x);
    double *work = cb_alloc(flat + h, sizeof *work);
    int rc = x && work ? 0 : -1;
    for (uint32_t e = 0; e < n && !rc; e++) {
        for (size_t c = 0; c < image; c++) x[c] = et[e * image + c];
        code[e] = cb_hgq_score_code(cb_hgq_model_event(m, x, work, work + flat));
    }
    free(x);
    free(work);
    return rc;
}

int cb_hgq_check(const cb_hgq_model *m, const cb_programme *p, const cb_student_set *set, int64_t *checked,
                 int64_t *mismatches) {
    return cb_student_check(p, set, (uint64_t)p->seed, model_codes, (void *)m, checked, mismatches);
}
