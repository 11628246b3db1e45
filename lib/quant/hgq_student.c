#include "hgq_student.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "quant/ebops.h"

static const char *const layer_name[] = {"conv", "dense1", "dense2"};

/* ---- designs ---- */

static cb_hgq_design common_design(int height, int width, int hidden, cb_hgq_flavour bits, cb_hgq_flavour bias) {
    cb_hgq_design d = {.height = height, .width = width, .size = 1, .filters = 1, .hidden = hidden};
    bool head = bits == CB_HGQ_HEAD;
    for (int l = 0; l < CB_HGQ_LAYERS; l++) {
        d.iq[l] = (cb_hgq_place){.rules = cb_hgq_defaults(CB_KIF, CB_SAT_SYM, false), .k = 1, .i = head ? 2 : 4, .w = head ? 6 : 2};
        d.kq[l] = (cb_hgq_place){.rules = cb_hgq_defaults(CB_KBI, CB_SAT_SYM, true), .k = 1, .i = 2, .w = head ? 8 : 4};
    }
    d.bq = d.kq[0];
    d.bq.rules = cb_hgq_defaults(CB_KBI, bias == CB_HGQ_HEAD ? CB_WRAP : CB_SAT_SYM, false);
    if (bias == CB_HGQ_2025) d.bq.rules.w_max = 23; /* then a copy of the weights' entry */
    return d;
}

cb_hgq_design cb_hgq_design_v2(int height, int width, int size, int filters, int hidden, cb_hgq_flavour bits,
                               cb_hgq_flavour bias) {
    cb_hgq_design d = common_design(height, width, hidden, bits, bias);
    d.conv = true;
    d.size = size;
    d.filters = filters;
    return d;
}

cb_hgq_design cb_hgq_design_v1(int height, int width, int hidden, cb_hgq_flavour bits, cb_hgq_flavour bias) {
    return common_design(height, width, hidden, bits, bias);
}

/* ---- layout ----
 * Built twice by the same code: first with s->value NULL to count, then to set pointers. */

static float *cut(cb_hgq_student *s, size_t n, const char *layer, const char *name) {
    cb_hgq_tensor *t = &s->tensor[s->n_tensor++];
    snprintf(t->name, sizeof t->name, "%s_%s", layer, name);
    t->first = s->n_value;
    t->n = n;
    s->n_value += n;
    return s->value ? s->value + t->first : NULL;
}

static uint8_t *cut_sign(cb_hgq_student *s, size_t n, const char *layer, const char *name) {
    cb_hgq_tensor *t = &s->sign_tensor[s->n_sign_tensor++];
    snprintf(t->name, sizeof t->name, "%s_%s_k", layer, name);
    t->first = s->n_sign;
    t->n = n;
    s->n_sign += n;
    return s->sign ? s->sign + t->first : NULL;
}

/* A quantizer of elements of shape x[rank]. */
static int lay_site(cb_hgq_student *s, cb_hgq_site *site, const cb_hgq_place *p, int rank, const uint64_t *x,
                    const char *layer, const char *name) {
    char full[8];
    size_t n_var = 1;
    site->n = 1;
    for (int a = 0; a < rank; a++) site->n *= x[a];
    for (int a = 0; a < p->rank; a++) n_var *= p->shape[a];
    if (!p->rank) n_var = site->n;
    site->q = p->rules;
    site->q.n = n_var;
    snprintf(full, sizeof full, "%s_%c", name, p->rules.kind == CB_KIF ? 'f' : 'b');
    site->q.w = cut(s, n_var, layer, full);
    snprintf(full, sizeof full, "%s_i", name);
    site->q.i = cut(s, n_var, layer, full);
    site->q.k = cut_sign(s, n_var, layer, name);
    if (!s->value) return 0;
    for (size_t v = 0; v < n_var; v++) {
        site->q.w[v] = p->w;
        site->q.i[v] = p->i;
        site->q.k[v] = (uint8_t)p->k;
    }
    if (!p->rank || n_var == site->n) return 0;
    site->map = cb_hgq_map(rank, x, p->rank, p->shape);
    return site->map ? 0 : cb_fail_in("%s_%s", layer, name);
}

static int lay_layer(cb_hgq_student *s, int l) {
    const cb_hgq_design *d = &s->d;
    const char *name = layer_name[l];
    uint64_t n_in = l == CB_HGQ_DENSE1 ? (uint64_t)s->n_flat : (uint64_t)d->hidden;
    uint64_t n_out = l == CB_HGQ_DENSE1 ? (uint64_t)d->hidden : 1, f = (uint64_t)d->filters, z = (uint64_t)d->size;
    uint64_t image[3] = {(uint64_t)d->height, (uint64_t)d->width, 1}, taps[4] = {z, z, 1, f}, matrix[2] = {n_in, n_out};
    bool conv = l == CB_HGQ_CONV;
    s->kernel[l] = cut(s, conv ? z * z * f : n_in * n_out, name, "kernel");
    if (l == CB_HGQ_DENSE1) {
        s->bias = cut(s, n_out, name, "bias");
        s->gamma = cut(s, n_in, name, "bn_gamma");
        s->mean = cut(s, n_in, name, "moving_mean");
        s->variance = cut(s, n_in, name, "moving_variance");
        if (lay_site(s, &s->bq, &d->bq, 1, &n_out, name, "bq")) return -1;
    }
    if (lay_site(s, &s->iq[l], &d->iq[l], conv ? 3 : 1, conv ? image : matrix, name, "iq")) return -1;
    return lay_site(s, &s->kq[l], &d->kq[l], conv ? 4 : 2, conv ? taps : matrix, name, "kq");
}

static int lay_out(cb_hgq_student *s) {
    s->n_tensor = s->n_sign_tensor = 0;
    s->n_value = s->n_sign = 0;
    for (int l = s->first; l < CB_HGQ_LAYERS; l++)
        if (lay_layer(s, l)) return -1;
    return 0;
}

static void glorot(float *k, size_t n, int fan_in, int fan_out, uint64_t seed, int layer) {
    cb_rng r = cb_rng_at(seed, "hgq-init", (uint64_t)layer);
    double limit = sqrt(6.0 / (fan_in + fan_out));
    for (size_t e = 0; e < n; e++) k[e] = (float)(limit * (2 * cb_rng_f64(&r) - 1));
}

static void start_values(cb_hgq_student *s, uint64_t seed) {
    const cb_hgq_design *d = &s->d;
    int area = d->size * d->size;
    if (d->conv) glorot(s->kernel[0], (size_t)(area * d->filters), area, area * d->filters, seed, 0);
    glorot(s->kernel[1], (size_t)s->n_flat * (size_t)d->hidden, s->n_flat, d->hidden, seed, 1);
    glorot(s->kernel[2], (size_t)d->hidden, d->hidden, 1, seed, 2);
    for (int c = 0; c < s->n_flat; c++) s->gamma[c] = s->variance[c] = 1;
}

/* Elements of a layer's operands; their sum is the size of the scratch. */
static size_t operands(const cb_hgq_student *s, int l) {
    return s->iq[l].n + s->kq[l].n + (l == CB_HGQ_DENSE1 ? s->bq.n : 0);
}

cb_hgq_student *cb_hgq_student_new(const cb_hgq_design *d, uint64_t seed) {
    for (int l = 0; l < CB_HGQ_LAYERS; l++)
        if (d->iq[l].rules.round != CB_RND || d->iq[l].rules.kind != CB_KIF)
            return cb_fail_null("HGQ student: data quantizers are KIF with rounding RND");
    if (d->size < 1 || d->size > d->height || d->size > d->width || d->filters < 1 || d->filters > CB_TILE_FILTERS ||
        d->hidden < 1)
        return cb_fail_null("HGQ student: kernel size %d, filters %d, hidden %d do not fit images of %d x %d", d->size,
                            d->filters, d->hidden, d->height, d->width);
    cb_hgq_student *s = cb_alloc(1, sizeof *s);
    if (!s) return NULL;
    s->d = *d;
    s->first = d->conv ? CB_HGQ_CONV : CB_HGQ_DENSE1;
    s->oh = d->height / d->size;
    s->ow = d->width / d->size;
    s->n_flat = s->oh * s->ow * d->filters;
    bool bad = lay_out(s); /* counts */
    s->value = bad ? NULL : cb_alloc_aligned(s->n_value, sizeof *s->value);
    s->sign = bad ? NULL : cb_alloc(s->n_sign, 1);
    size_t most = 0;
    for (int l = s->first; !bad && l < CB_HGQ_LAYERS; l++) most = operands(s, l) > most ? operands(s, l) : most;
    s->work_bits = cb_alloc(most, sizeof *s->work_bits);
    s->work_grad = cb_alloc(most, sizeof *s->work_grad);
    if (!s->value || !s->sign || !s->work_bits || !s->work_grad || lay_out(s)) {
        cb_hgq_student_free(s);
        return NULL;
    }
    start_values(s, seed);
    return s;
}

void cb_hgq_student_free(cb_hgq_student *s) {
    if (!s) return;
    for (int l = 0; l < CB_HGQ_LAYERS; l++) {
        free(s->iq[l].map);
        free(s->kq[l].map);
    }
    free(s->bq.map);
    free(s->value);
    free(s->sign);
    free(s->work_bits);
    free(s->work_grad);
    free(s);
}

void cb_hgq_student_copy(cb_hgq_student *to, const cb_hgq_student *from) {
    memcpy(to->value, from->value, from->n_value * sizeof *to->value);
    memcpy(to->sign, from->sign, from->n_sign);
}

int64_t cb_hgq_student_parameters(const cb_hgq_student *s) {
    int64_t n = (int64_t)s->n_flat * s->d.hidden + s->d.hidden + s->n_flat + s->d.hidden;
    return n + (s->d.conv ? s->d.size * s->d.size * s->d.filters : 0);
}

/* ---- cost ---- */

/* Operands of one layer, or of some rows of dense1. */
typedef struct {
    cb_hgq_site iq, kq, bq; /* bq.n = 0: no bias */
    size_t scratch;         /* where its own part of work_bits and work_grad starts */
} operands_of;

/* Elements from..to-1; all of them, or of a site with one variable an element. */
static cb_hgq_site cut_site(const cb_hgq_site *site, size_t from, size_t to) {
    if (from == 0 && to == site->n) return *site;
    return (cb_hgq_site){.q = cb_hgq_part(&site->q, from, to), .n = to - from};
}

/* Rows from..to-1 of a dense layer; all of a convolution. */
static operands_of layer_rows(const cb_hgq_student *s, int l, size_t from, size_t to) {
    size_t n_out = l == CB_HGQ_DENSE1 ? (size_t)s->d.hidden : 1;
    if (l == CB_HGQ_CONV) return (operands_of){.iq = s->iq[l], .kq = s->kq[l]};
    return (operands_of){.iq = cut_site(&s->iq[l], from, to),
                         .kq = cut_site(&s->kq[l], from * n_out, to * n_out),
                         .scratch = from * (1 + n_out)};
}

static double layer_ebops(const cb_hgq_student *s, int l, const operands_of *o, double factor, double *grad) {
    const cb_hgq_site *site[3] = {&o->iq, &o->kq, &o->bq};
    float *bits[3], *free_bits = s->work_bits + o->scratch;
    double *d_bits[3], *free_grad = s->work_grad + o->scratch;
    for (int k = 0; k < 3; free_bits += site[k]->n, free_grad += site[k]->n, k++) {
        bits[k] = free_bits;
        d_bits[k] = free_grad;
        cb_ebops_widths(&site[k]->q, site[k]->map, site[k]->n, bits[k]);
    }
    memset(d_bits[0], 0, (size_t)(free_grad - d_bits[0]) * sizeof *free_grad);
    cb_ebops_bits b = {bits[0], bits[1], bits[2], (int)o->bq.n, d_bits[0], d_bits[1], d_bits[2]};
    cb_conv_shape conv = {s->d.height, s->d.width, 1, s->d.size, s->d.size, s->d.filters, s->d.size, s->d.size, false, 0};
    cb_dense_shape dense = {1, (int)o->iq.n, l == CB_HGQ_DENSE1 ? s->d.hidden : 1, 0};
    double e = l == CB_HGQ_CONV ? cb_ebops_conv(&conv, &b) : cb_ebops_dense(&dense, &b);
    for (int k = 0; grad && k < 3; k++)
        if (site[k]->n)
            cb_ebops_backward(&site[k]->q, site[k]->map, site[k]->n, d_bits[k], factor, grad + (site[k]->q.i - s->value),
                              grad + (site[k]->q.w - s->value));
    return e;
}

/* MonoL1 of the variables of some operands. */
static double layer_regularizer(const cb_hgq_student *s, const operands_of *o, double *grad) {
    const cb_hgq_site *site[3] = {&o->iq, &o->kq, &o->bq};
    double sum = 0;
    for (int k = 0; k < 3; k++) {
        const cb_hgq_quantizer *q = &site[k]->q;
        for (size_t v = 0; v < q->n; v++) {
            grad[q->w - s->value + (ptrdiff_t)v] += q->l1_w;
            if (cb_hgq_trains_i(q)) grad[q->i - s->value + (ptrdiff_t)v] += q->l1_i;
        }
        sum += cb_hgq_regularizer(q);
    }
    return sum;
}

static size_t rows(const cb_hgq_student *s, int l) { return s->iq[l].n; }

double cb_hgq_student_ebops(const cb_hgq_student *s, double ebops[CB_HGQ_LAYERS]) {
    double sum = 0;
    for (int l = 0; l < CB_HGQ_LAYERS; l++) {
        operands_of o = layer_rows(s, l, 0, rows(s, l));
        if (l == CB_HGQ_DENSE1) o.bq = s->bq;
        ebops[l] = l < s->first ? 0 : layer_ebops(s, l, &o, 0, NULL);
        sum += ebops[l];
    }
    return sum;
}

bool cb_hgq_student_rows_alone(const cb_hgq_student *s) { return !s->iq[CB_HGQ_DENSE1].map && !s->kq[CB_HGQ_DENSE1].map; }

void cb_hgq_student_cost_rows(const cb_hgq_student *s, size_t from, size_t to, double factor, double *grad, cb_hgq_cost *c) {
    operands_of o = layer_rows(s, CB_HGQ_DENSE1, from, to);
    *c = (cb_hgq_cost){.regularizer = layer_regularizer(s, &o, grad)};
    c->ebops[CB_HGQ_DENSE1] = layer_ebops(s, CB_HGQ_DENSE1, &o, factor, grad);
}

void cb_hgq_student_cost_rest(const cb_hgq_student *s, size_t done, double factor, double *grad, cb_hgq_cost *c) {
    *c = (cb_hgq_cost){0};
    for (int l = s->first; l < CB_HGQ_LAYERS; l++) {
        operands_of o = layer_rows(s, l, l == CB_HGQ_DENSE1 ? done : 0, rows(s, l));
        if (l == CB_HGQ_DENSE1) o.bq = s->bq;
        c->regularizer += layer_regularizer(s, &o, grad);
        c->ebops[l] = layer_ebops(s, l, &o, factor, grad);
    }
}

/* ---- the batch norm of dense1 ---- */

void cb_hgq_student_fuse_rows(const cb_hgq_student *s, const float *mean, const float *variance, size_t from, size_t to,
                              float *kernel, double *offset, double *scale) {
    size_t h = (size_t)s->d.hidden;
    for (size_t c = from; c < to; c++) {
        const float *k = s->kernel[CB_HGQ_DENSE1] + c * h;
        double sc = s->gamma[c] / sqrt(variance[c] + CB_HGQ_BN_EPSILON);
        double shift = s->d.fold == CB_HGQ_FOLD_EXACT ? sc * mean[c] : s->d.fold == CB_HGQ_FOLD_CENTRED ? 0 : mean[c];
        if (scale) scale[c] = sc;
        for (size_t j = 0; j < h; j++) {
            kernel[c * h + j] = (float)(sc * k[j]);
            offset[j] += shift * k[j];
        }
    }
}

void cb_hgq_student_centre_rows(const cb_hgq_student *s, const float *mean, const float *kernel, size_t from, size_t to,
                                double *offset) {
    size_t h = (size_t)s->d.hidden;
    for (size_t c = from; c < to; c++)
        for (size_t j = 0; j < h; j++) offset[j] += (double)mean[c] * kernel[c * h + j];
}

/* The same from the kernel before quantization, by the rules of inference. */
static void centre(const cb_hgq_student *s, const float *mean, const float *fused, double *offset) {
    size_t h = (size_t)s->d.hidden;
    const cb_hgq_site *site = &s->kq[CB_HGQ_DENSE1];
    for (size_t e = 0; e < site->n; e++) {
        cb_format r = cb_hgq_rounded(&site->q, site->map ? site->map[e] : e);
        cb_hgq_format t = cb_hgq_format_make(r.k, r.i, r.f, site->q.overflow);
        offset[e % h] += (double)mean[e / h] * cb_hgq_apply(&site->q, &t, fused[e]);
    }
}

void cb_hgq_student_fuse(const cb_hgq_student *s, const float *mean, const float *variance, float *kernel, float *bias,
                         double *scale) {
    double *o = s->work_grad;
    for (int j = 0; j < s->d.hidden; j++) o[j] = 0;
    cb_hgq_student_fuse_rows(s, mean, variance, 0, (size_t)s->n_flat, kernel, o, scale);
    if (s->d.fold == CB_HGQ_FOLD_CENTRED) centre(s, mean, kernel, o);
    for (int j = 0; j < s->d.hidden; j++) bias[j] = (float)(s->bias[j] - o[j]);
}

int cb_hgq_student_trace_bias(cb_hgq_student *s) {
    if (s->bq.q.overflow != CB_WRAP) return 0;
    size_t h = (size_t)s->d.hidden;
    float *kernel = cb_alloc((size_t)s->n_flat * h, sizeof *kernel), *bias = cb_alloc(2 * h, sizeof *bias);
    int rc = -1;
    if (kernel && bias) {
        cb_hgq_student_fuse(s, s->mean, s->variance, kernel, bias, NULL);
        cb_hgq_trace_begin(&s->bq.q);
        rc = cb_hgq_trace(&s->bq.q, bias, s->bq.map, h, bias + h);
    }
    free(kernel);
    free(bias);
    return rc;
}

/* ---- file ---- */

int cb_hgq_student_write(const cb_hgq_student *s, cb_h5 *f, const char *group) {
    char name[96];
    int rc = cb_h5_group(f, group);
    for (int t = 0; !rc && t < s->n_tensor; t++) {
        uint64_t n = s->tensor[t].n;
        snprintf(name, sizeof name, "%s/%s", group, s->tensor[t].name);
        rc = cb_h5_write(f, name, CB_F32, 1, &n, s->value + s->tensor[t].first);
    }
    for (int t = 0; !rc && t < s->n_sign_tensor; t++) {
        uint64_t n = s->sign_tensor[t].n;
        snprintf(name, sizeof name, "%s/%s", group, s->sign_tensor[t].name);
        rc = cb_h5_write(f, name, CB_U8, 1, &n, s->sign + s->sign_tensor[t].first);
    }
    return rc;
}
