#include "logic/front_end.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK = 8192 };

static int64_t elements(const cb_op *op) { return (int64_t)op->out_h * op->out_w * op->out_c; }

/* The QUANT of that name; -1 with an error that lists those there are. */
static int find(const cb_programme *p, const char *layer) {
    char names[CB_MAX_OPS * sizeof p->op[0].name + 1] = "";
    for (int k = 0; k + 1 < p->n_op; k++) { /* the last one is the score */
        if (p->op[k].kind == CB_OP_COMPARE) break;
        if (p->op[k].kind != CB_OP_QUANT) continue;
        if (!strcmp(p->op[k].name, layer)) return k;
        strcat(strcat(names, " "), p->op[k].name);
    }
    return cb_fail("student '%s' has no quantizer '%s' to read features from; it has:%s", p->name, layer, *names ? names : " none");
}

int cb_front_end_new(cb_front_end *f, const cb_programme *student, const char *layer) {
    *f = (cb_front_end){.student = student, .op = find(student, layer)};
    if (f->op < 0) return -1;
    const cb_op *op = &student->op[f->op];
    int64_t n = elements(op);
    f->element = cb_alloc((size_t)n, sizeof *f->element);
    f->largest = cb_alloc((size_t)n, sizeof *f->largest);
    int rc = f->element && f->largest ? 0 : -1;
    for (int64_t e = 0; e < n && !rc; e++) {
        if (op->lo[e] < 0 || op->hi[e] > CB_ET_MAX)
            rc = cb_fail("student '%s': element %lld of '%s' is %lld to %lld in units of 2^%d; 0 to %d can be read by tables: take another layer",
                         student->name, (long long)e, layer, (long long)op->lo[e], (long long)op->hi[e], -op->out_frac, CB_ET_MAX);
        if (op->hi[e] > 0) f->element[f->n] = (int32_t)e, f->largest[f->n++] = (int32_t)op->hi[e];
    }
    if (!rc && !f->n) rc = cb_fail("student '%s': every element of '%s' is always 0", student->name, layer);
    if (rc) cb_front_end_free(f);
    return rc;
}

void cb_front_end_free(cb_front_end *f) {
    free(f->element);
    free(f->largest);
    *f = (cb_front_end){0};
}

int cb_front_end_features(const cb_front_end *f, const uint16_t *et, uint32_t n, uint16_t *feature) {
    const cb_programme *p = f->student;
    size_t pixels = (size_t)p->input_h * (size_t)p->input_w;
    int bad = 0;
#pragma omp parallel
    {
        int64_t *value[CB_MAX_OPS] = {0}, *y = value[f->op] = malloc((size_t)elements(&p->op[f->op]) * sizeof *y);
        int mine = !y;
#pragma omp for schedule(static)
        for (uint32_t e = 0; e < n; e++) {
            if (mine || (mine = cb_programme_trace(p, et + e * pixels, value) != 0)) continue;
            for (int i = 0; i < f->n; i++) feature[(size_t)e * (size_t)f->n + (size_t)i] = (uint16_t)y[f->element[i]];
        }
        if (mine) {
#pragma omp atomic write
            bad = 1;
        }
        free(y);
    }
    return bad ? cb_fail("features of student '%s': out of memory", p->name) : 0;
}

static int map_split(const cb_front_end *f, const cb_student_set *images, int split, cb_student_set *features) {
    uint32_t total = images->n[split];
    uint16_t *et = cb_alloc(CHUNK * (size_t)images->n_feature, sizeof *et), *x = cb_alloc(CHUNK * (size_t)f->n, sizeof *x);
    features->n[split] = total, features->n_zero_bias[split] = images->n_zero_bias[split];
    features->image[split] = cb_rows_new((size_t)f->n, NULL);
    features->code[split] = cb_alloc(total, sizeof **features->code);
    int rc = et && x && features->image[split] && features->code[split] ? 0 : -1;
    for (uint32_t first = 0; first < total && !rc; first += CHUNK) {
        uint32_t n = total - first < CHUNK ? total - first : CHUNK;
        rc = cb_rows_copy(images->image[split], NULL, first, n, et) || cb_front_end_features(f, et, n, x) ||
                     cb_rows_append(features->image[split], x, n)
                 ? -1
                 : 0;
    }
    if (!rc) memcpy(features->code[split], images->code[split], total * sizeof **features->code);
    free(et);
    free(x);
    return rc;
}

int cb_front_end_set(const cb_front_end *f, const cb_student_set *images, cb_student_set *features) {
    const cb_programme *p = f->student;
    *features = (cb_student_set){.height = 1, .width = f->n, .n_feature = f->n};
    if (p->input_h != images->height || p->input_w != images->width)
        return cb_fail("student '%s' reads %d x %d regions, the dataset has %d x %d", p->name, p->input_h, p->input_w, images->height, images->width);
    if (!map_split(f, images, CB_TRAIN, features) && !map_split(f, images, CB_VAL, features)) return 0;
    cb_student_set_free(features);
    return -1;
}

int32_t cb_front_end_threshold(const cb_front_end *f, int feature, int32_t threshold) { return threshold * f->largest[feature] / CB_ET_MAX; }

static int copy_linear(cb_programme *p, const cb_op *from) {
    cb_op *op = from->kind == CB_OP_DENSE ? cb_programme_dense(p, from->name, from->out_c, from->bias != NULL)
                                          : cb_programme_conv2d(p, from->name, from->kh, from->kw, from->sy, from->sx, from->out_c, from->bias != NULL);
    if (!op) return -1;
    memcpy(op->w, from->w, (size_t)(op->kh * op->kw * op->in_c * op->out_c) * sizeof *op->w);
    if (from->bias) memcpy(op->bias, from->bias, (size_t)op->out_c * sizeof *op->bias);
    op->w_frac = from->w_frac, op->bias_frac = from->bias_frac, op->acc = from->acc;
    return 0;
}

static int copy_quant(cb_programme *p, const cb_op *from) {
    cb_op *op = cb_programme_quant(p, from->name, from->n_format);
    if (!op) return -1;
    op->relu = from->relu, op->round = from->round, op->overflow = from->overflow;
    memcpy(op->format, from->format, (size_t)from->n_format * sizeof *op->format);
    return 0;
}

int cb_front_end_begin(const cb_front_end *f, cb_programme *p) {
    p->input_h = f->student->input_h, p->input_w = f->student->input_w;
    for (int k = 0; k <= f->op; k++) {
        const cb_op *op = &f->student->op[k];
        if (op->kind == CB_OP_QUANT ? copy_quant(p, op) : copy_linear(p, op)) return -1;
    }
    return 0;
}
