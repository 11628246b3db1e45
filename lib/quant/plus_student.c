#include "plus_student.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- layout: built twice, to count and to set pointers ---- */

static float *cut(cb_plus_student *s, size_t n, const char *name, int layer) {
    cb_hgq_tensor *t = &s->tensor[s->n_tensor++];
    if (layer) snprintf(t->name, sizeof t->name, "dense%d_%s", layer, name);
    else snprintf(t->name, sizeof t->name, "%s", name);
    t->first = s->n_value;
    t->n = n;
    s->n_value += n;
    return s->value ? s->value + t->first : NULL;
}

static void lay_out(cb_plus_student *s) {
    size_t n_var = s->d.columns ? (size_t)(s->d.width * s->d.n_view) : (size_t)s->n_view;
    s->n_tensor = 0;
    s->n_value = 0;
    s->view.n = n_var;
    s->view.w = cut(s, n_var, "view_f", 0);
    s->view.i = cut(s, n_var, "view_i", 0);
    for (int l = 0; l < s->d.n_dense; l++) {
        cb_plus_layer *y = &s->layer[l];
        size_t n = (size_t)y->n_in, m = (size_t)y->n_out;
        y->iq.n = n;
        y->kq.n = n * m;
        y->iq.w = cut(s, n, "iq_f", l + 1);
        y->iq.i = cut(s, n, "iq_i", l + 1);
        y->kernel = cut(s, n * m, "kernel", l + 1);
        y->kq.w = cut(s, n * m, "kq_b", l + 1);
        y->kq.i = cut(s, n * m, "kq_i", l + 1);
        y->bias = cut(s, m, "bias", l + 1);
    }
}

/* Data: counts are whole numbers below 1024, so f of a view is at most 0 and i at most 10. */
static void set_rules(cb_plus_student *s) {
    s->view = cb_hgq_defaults(CB_KIF, CB_SAT, false);
    s->view.w_min = -10, s->view.w_max = 0, s->view.i_min = -1, s->view.i_max = 10;
    for (int l = 0; l < s->d.n_dense; l++) {
        cb_plus_layer *y = &s->layer[l];
        y->iq = cb_hgq_defaults(CB_KIF, CB_SAT, false);
        y->iq.w_min = -8, y->iq.w_max = 8, y->iq.i_min = -4, y->iq.i_max = 12;
        y->kq = cb_hgq_defaults(CB_KBI, CB_SAT_SYM, true);
        y->kq.w_max = (float)s->d.weight_most[l], y->kq.i_min = -8, y->kq.i_max = 8;
    }
}

static void set_signs(cb_plus_student *s, size_t n_data) {
    s->view.k = s->sign;
    for (int l = 0; l < s->d.n_dense; l++) {
        s->layer[l].iq.k = s->sign;          /* all 0 */
        s->layer[l].kq.k = s->sign + n_data; /* all 1 */
    }
}

static void set_maps(cb_plus_student *s) {
    const cb_plus_design *d = &s->d;
    for (int e = 0; e < s->n_view; e++) {
        int v = e % d->n_view, x = e / d->n_view % d->width, y = e / d->n_view / d->width;
        int tile = y / d->pool_h * (d->width / d->pool_w) + x / d->pool_w;
        s->group[e] = (uint32_t)(tile * d->n_view + v);
        s->map[e] = (uint32_t)(d->columns ? x * d->n_view + v : e);
    }
}

static int check(const cb_plus_design *d) {
    if (d->n_view < 1 || d->n_view > CB_PLUS_VIEWS)
        return cb_fail("hgq+: %d views, 1 to %d expected", d->n_view, CB_PLUS_VIEWS);
    if (d->pool_h < 1 || d->pool_w < 1 || d->height % d->pool_h || d->width % d->pool_w)
        return cb_fail("hgq+: tiles of %d x %d regions do not divide an image of %d x %d; change plus.pool", d->pool_h,
                       d->pool_w, d->height, d->width);
    if (d->n_dense < 1 || d->n_dense > CB_PLUS_DENSE || d->n_out[d->n_dense - 1] != 1)
        return cb_fail("hgq+: %d dense layers, 1 to %d expected, the last with one unit", d->n_dense, CB_PLUS_DENSE);
    for (int l = 0; l < d->n_dense; l++)
        if (d->n_out[l] < 1) return cb_fail("hgq+: dense layer %d has %d units", l + 1, d->n_out[l]);
    return 0;
}

cb_plus_student *cb_plus_student_new(const cb_plus_design *d) {
    if (check(d)) return NULL;
    cb_plus_student *s = cb_alloc(1, sizeof *s);
    if (!s) return NULL;
    s->d = *d;
    s->n_pixel = d->height * d->width;
    s->n_view = s->n_pixel * d->n_view;
    s->n_group = s->n_view / (d->pool_h * d->pool_w);
    size_t n_data = (size_t)s->n_view, n_weight = 0;
    for (int l = 0; l < d->n_dense; l++) {
        s->layer[l].n_in = l ? d->n_out[l - 1] : s->n_group;
        s->layer[l].n_out = d->n_out[l];
        size_t n = (size_t)s->layer[l].n_in, m = n * (size_t)d->n_out[l];
        n_data = n > n_data ? n : n_data;
        n_weight = m > n_weight ? m : n_weight;
    }
    set_rules(s);
    lay_out(s); /* counts */
    s->value = cb_alloc_aligned(s->n_value, sizeof *s->value);
    s->sign = cb_alloc(n_data + n_weight, 1);
    s->group = cb_alloc((size_t)s->n_view, sizeof *s->group);
    s->map = cb_alloc((size_t)s->n_view, sizeof *s->map);
    if (!s->value || !s->sign || !s->group || !s->map) return cb_plus_student_free(s), NULL;
    memset(s->value, 0, s->n_value * sizeof *s->value);
    memset(s->sign + n_data, 1, n_weight);
    lay_out(s);
    set_signs(s, n_data);
    set_maps(s);
    return s;
}

void cb_plus_student_free(cb_plus_student *s) {
    if (!s) return;
    free(s->value);
    free(s->sign);
    free(s->group);
    free(s->map);
    free(s);
}

void cb_plus_student_copy(cb_plus_student *to, const cb_plus_student *from) {
    memcpy(to->value, from->value, from->n_value * sizeof *to->value);
}

int64_t cb_plus_student_parameters(const cb_plus_student *s) {
    int64_t n = 0;
    for (int l = 0; l < s->d.n_dense; l++) n += (int64_t)(s->layer[l].n_in + 1) * s->layer[l].n_out;
    return n;
}

float cb_plus_bias(float bias) {
    return ldexpf(floorf(ldexpf(bias, CB_PLUS_BIAS_FRAC) + 0.5f), -CB_PLUS_BIAS_FRAC);
}

static cb_hgq_format format_of(const cb_hgq_quantizer *q, size_t v) {
    cb_format r = cb_hgq_rounded(q, v);
    return cb_hgq_format_make(r.k, r.i, r.f, CB_SAT);
}

cb_hgq_format cb_plus_view_format(const cb_plus_student *s, int element) { return format_of(&s->view, s->map[element]); }

cb_hgq_format cb_plus_input_format(const cb_plus_student *s, int layer, int element) {
    return format_of(&s->layer[layer].iq, (size_t)element);
}

void cb_plus_student_constrain(cb_plus_student *s) {
    cb_hgq_constrain(&s->view);
    for (int l = 0; l < s->d.n_dense; l++) {
        cb_hgq_constrain(&s->layer[l].iq);
        cb_hgq_constrain(&s->layer[l].kq);
    }
}

int cb_plus_student_write(const cb_plus_student *s, cb_h5 *f, const char *group) {
    char name[96];
    int rc = cb_h5_group(f, group);
    for (int t = 0; !rc && t < s->n_tensor; t++) {
        uint64_t n = s->tensor[t].n;
        snprintf(name, sizeof name, "%s/%s", group, s->tensor[t].name);
        rc = cb_h5_write(f, name, CB_F32, 1, &n, s->value + s->tensor[t].first);
    }
    return rc;
}
