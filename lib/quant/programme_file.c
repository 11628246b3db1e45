/* Student files: schema in programme.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quant/programme.h"
#include "quant/programme_internal.h"

static const char *const kind_names[] = {"quant", "dense", "conv2d", "compare", "logic"};

/* ---- writing ---- */

static int write_format_rows(cb_h5 *f, const char *name, const cb_format *t, int n, bool vector) {
    int16_t *rows = cb_alloc((size_t)n * 3, sizeof *rows);
    if (!rows) return -1;
    for (int e = 0; e < n; e++) rows[3 * e] = t[e].k, rows[3 * e + 1] = t[e].i, rows[3 * e + 2] = t[e].f;
    uint64_t dims[2] = {(uint64_t)n, 3};
    int rc = vector ? cb_h5_write(f, name, CB_I16, 1, dims + 1, rows) : cb_h5_write(f, name, CB_I16, 2, dims, rows);
    free(rows);
    return rc;
}

static int write_quant(const cb_op *op, cb_h5 *f, const char *group) {
    char name[32];
    snprintf(name, sizeof name, "%s/format", group);
    return cb_h5_set_i64(f, group, "relu", op->relu) || cb_h5_set_text(f, group, "round", cb_round_name(op->round)) ||
           cb_h5_set_text(f, group, "overflow", cb_overflow_name(op->overflow)) ||
           write_format_rows(f, name, op->format, op->n_format, false);
}

static int write_linear(const cb_op *op, cb_h5 *f, const char *group) {
    char name[32];
    bool conv = op->kind == CB_OP_CONV2D;
    uint64_t dims[4] = {(uint64_t)op->kh, (uint64_t)op->kw, (uint64_t)op->in_c, (uint64_t)op->out_c};
    uint64_t flat[2] = {dims[0] * dims[1] * dims[2], dims[3]};
    if (cb_h5_set_i64(f, group, "w_frac", op->w_frac)) return -1;
    if (conv && (cb_h5_set_i64(f, group, "stride_y", op->sy) || cb_h5_set_i64(f, group, "stride_x", op->sx))) return -1;
    snprintf(name, sizeof name, "%s/w", group);
    if (cb_h5_write(f, name, CB_I32, conv ? 4 : 2, conv ? dims : flat, op->w)) return -1;
    if (op->bias) {
        snprintf(name, sizeof name, "%s/bias", group);
        if (cb_h5_set_i64(f, group, "bias_frac", op->bias_frac) || cb_h5_write(f, name, CB_I64, 1, dims + 3, op->bias))
            return -1;
    }
    snprintf(name, sizeof name, "%s/acc", group);
    return cb_format_width(op->acc) ? write_format_rows(f, name, &op->acc, 1, true) : 0;
}

int cb_programme_write(const cb_programme *p, cb_h5 *f) { return cb_programme_write_at(p, f, "/"); }

/* Name of operation k below `root` ("/" or "/p012"). */
static void op_group(char group[24], const char *root, int k) {
    snprintf(group, 24, "%s/op%d", strcmp(root, "/") ? root : "", k);
}

int cb_programme_write_at(const cb_programme *p, cb_h5 *f, const char *root) {
    if (cb_h5_set_text(f, root, "name", p->name) || cb_h5_set_text(f, root, "family", p->family) ||
        cb_h5_set_i64(f, root, "seed", p->seed) || cb_h5_set_i64(f, root, "n_ops", p->n_op) ||
        cb_h5_set_f64(f, root, "ebops", isnan(p->ebops) ? -1 : p->ebops) ||
        cb_h5_set_i64(f, root, "parameters", p->parameters) || cb_h5_set_i64(f, root, "input_h", p->input_h) ||
        cb_h5_set_i64(f, root, "input_w", p->input_w))
        return -1;
    for (int k = 0; k < p->n_op; k++) {
        const cb_op *op = &p->op[k];
        char group[24];
        op_group(group, root, k);
        if (cb_h5_group(f, group) || cb_h5_set_text(f, group, "kind", kind_names[op->kind]) ||
            cb_h5_set_text(f, group, "name", op->name) ||
            (op->kind == CB_OP_QUANT ? write_quant : cb_op_bits(op) ? cb_bits_write : write_linear)(op, f, group))
            return -1;
    }
    return 0;
}

/* ---- reading ---- */

/* An integer attribute within lo..hi. */
static int read_int(cb_h5 *f, const char *object, const char *name, int64_t lo, int64_t hi, int64_t *v) {
    if (cb_h5_get_i64(f, object, name, v)) return -1;
    if (*v < lo || *v > hi)
        return cb_fail("%s: %s: attribute %s is %lld, %lld to %lld expected", cb_h5_path(f), object, name, (long long)*v,
                       (long long)lo, (long long)hi);
    return 0;
}

static int read_name(cb_h5 *f, const char *object, const char *name, char *out, size_t room) {
    char *text = cb_h5_get_text(f, object, name);
    if (!text) return -1;
    int rc = strlen(text) < room ? 0 : cb_fail("%s: %s: attribute %s is longer than %zu characters", cb_h5_path(f), object,
                                               name, room - 1);
    if (!rc) strcpy(out, text);
    free(text);
    return rc;
}

static int set_format(cb_h5 *f, const char *name, int e, const int16_t *row, cb_format *t) {
    if (row[0] < 0 || row[0] > 1)
        return cb_fail("%s: %s: row %d: sign flag k is %d, 0 or 1 expected", cb_h5_path(f), name, e, row[0]);
    *t = (cb_format){(int8_t)row[0], row[1], row[2]};
    return 0;
}

static int read_quant(cb_programme *p, cb_h5 *f, const char *group, const char *op_name) {
    char name[32], word[16];
    int64_t relu;
    cb_round round;
    cb_overflow overflow;
    if (read_int(f, group, "relu", 0, 1, &relu) || read_name(f, group, "round", word, sizeof word)) return -1;
    if (cb_round_parse(word, &round)) return cb_fail_in("%s: %s", cb_h5_path(f), group);
    if (read_name(f, group, "overflow", word, sizeof word)) return -1;
    if (cb_overflow_parse(word, &overflow)) return cb_fail_in("%s: %s", cb_h5_path(f), group);
    snprintf(name, sizeof name, "%s/format", group);
    uint64_t dims[2] = {0, 3};
    int16_t *rows = cb_h5_read(f, name, CB_I16, 2, dims);
    if (!rows) return -1;
    cb_op *op = cb_programme_quant(p, op_name, dims[0] > INT32_MAX ? -1 : (int)dims[0]);
    int rc = op ? 0 : cb_fail_in("%s: %s", cb_h5_path(f), name);
    for (int e = 0; !rc && e < op->n_format; e++) rc = set_format(f, name, e, rows + 3 * e, &op->format[e]);
    if (!rc) op->relu = relu, op->round = round, op->overflow = overflow;
    free(rows);
    return rc;
}

/* The operation with its shapes, from the shape of its weights. */
static cb_op *new_linear(cb_programme *p, cb_h5 *f, const char *group, const char *op_name, bool conv, bool bias,
                         const uint64_t *dims) {
    int64_t sy, sx;
    for (int d = 0; d < (conv ? 4 : 2); d++)
        if (dims[d] < 1 || dims[d] > 1 << 20)
            return cb_fail_null("%s: %s/w: axis %d has %llu entries, 1 to %d expected", cb_h5_path(f), group, d,
                                (unsigned long long)dims[d], 1 << 20);
    if (conv && (read_int(f, group, "stride_y", 1, 4096, &sy) || read_int(f, group, "stride_x", 1, 4096, &sx)))
        return NULL;
    cb_op *op = conv ? cb_programme_conv2d(p, op_name, (int)dims[0], (int)dims[1], (int)sy, (int)sx, (int)dims[3], bias)
                     : cb_programme_dense(p, op_name, (int)dims[1], bias);
    if (!op) cb_fail_in("%s: %s", cb_h5_path(f), group);
    return op;
}

static int read_bias(cb_op *op, cb_h5 *f, const char *group) {
    char name[32];
    int64_t frac;
    uint64_t dims[1] = {(uint64_t)op->out_c};
    snprintf(name, sizeof name, "%s/bias", group);
    int64_t *bias = cb_h5_read(f, name, CB_I64, 1, dims);
    if (!bias) return -1;
    memcpy(op->bias, bias, (size_t)op->out_c * sizeof *bias);
    free(bias);
    int rc = 0;
    for (int o = 0; o < op->out_c && !rc; o++)
        if (op->bias[o] <= -((int64_t)1 << 62) || op->bias[o] >= (int64_t)1 << 62)
            rc = cb_fail("%s: %s: value %d is outside +-2^62", cb_h5_path(f), name, o);
    if (!rc) rc = read_int(f, group, "bias_frac", -96, 96, &frac);
    if (!rc) op->bias_frac = (int)frac;
    return rc;
}

static int read_acc(cb_op *op, cb_h5 *f, const char *group) {
    char name[32];
    snprintf(name, sizeof name, "%s/acc", group);
    if (!cb_h5_exists(f, name)) return 0;
    uint64_t dims[1] = {3};
    int16_t *row = cb_h5_read(f, name, CB_I16, 1, dims);
    if (!row) return -1;
    int rc = set_format(f, name, 0, row, &op->acc);
    free(row);
    return rc;
}

static int read_linear(cb_programme *p, cb_h5 *f, const char *group, const char *op_name, bool conv) {
    char name[32], bias[32];
    int64_t w_frac;
    uint64_t dims[4] = {0, 0, 0, 0};
    snprintf(name, sizeof name, "%s/w", group);
    snprintf(bias, sizeof bias, "%s/bias", group);
    if (read_int(f, group, "w_frac", -96, 96, &w_frac)) return -1;
    int32_t *w = cb_h5_read(f, name, CB_I32, conv ? 4 : 2, dims);
    if (!w) return -1;
    cb_op *op = new_linear(p, f, group, op_name, conv, cb_h5_exists(f, bias), dims);
    int rc = op ? 0 : -1;
    uint64_t n_in = rc ? 0 : (uint64_t)op->kh * (uint64_t)op->kw * (uint64_t)op->in_c;
    if (!rc && (conv ? dims[2] != (uint64_t)op->in_c : dims[0] != n_in))
        rc = cb_fail("%s: %s: %llu %s, %llu expected (what the operation before gives)", cb_h5_path(f), name,
                     (unsigned long long)(conv ? dims[2] : dims[0]), conv ? "input channels" : "inputs",
                     conv ? (unsigned long long)op->in_c : (unsigned long long)n_in);
    if (!rc) {
        memcpy(op->w, w, (size_t)n_in * (size_t)op->out_c * sizeof *w);
        op->w_frac = (int)w_frac;
        rc = (op->bias && read_bias(op, f, group)) || read_acc(op, f, group) ? -1 : 0;
    }
    free(w);
    return rc;
}

static int read_op(cb_programme *p, cb_h5 *f, const char *root, int k) {
    char group[24], kind[16], name[sizeof p->op[0].name];
    op_group(group, root, k);
    if (!cb_h5_exists(f, group))
        return cb_fail("%s: group %s is missing; the file says it has %d operations or more", cb_h5_path(f), group, k + 1);
    if (read_name(f, group, "kind", kind, sizeof kind) || read_name(f, group, "name", name, sizeof name)) return -1;
    if (!strcmp(kind, kind_names[CB_OP_QUANT])) return read_quant(p, f, group, name);
    if (!strcmp(kind, kind_names[CB_OP_DENSE])) return read_linear(p, f, group, name, false);
    if (!strcmp(kind, kind_names[CB_OP_CONV2D])) return read_linear(p, f, group, name, true);
    if (!strcmp(kind, kind_names[CB_OP_COMPARE])) return cb_bits_read(p, f, group, name, CB_OP_COMPARE);
    if (!strcmp(kind, kind_names[CB_OP_LOGIC])) return cb_bits_read(p, f, group, name, CB_OP_LOGIC);
    return cb_fail("%s: %s: kind '%s'; quant, dense, conv2d, compare or logic expected", cb_h5_path(f), group, kind);
}

static int read_all(cb_programme *p, cb_h5 *f, const char *root) {
    int64_t n_ops, height, width;
    if (read_name(f, root, "name", p->name, sizeof p->name) || read_name(f, root, "family", p->family, sizeof p->family) ||
        cb_h5_get_i64(f, root, "seed", &p->seed) || read_int(f, root, "n_ops", 1, CB_MAX_OPS, &n_ops) ||
        cb_h5_get_f64(f, root, "ebops", &p->ebops) || cb_h5_get_i64(f, root, "parameters", &p->parameters) ||
        read_int(f, root, "input_h", 1, 4096, &height) || read_int(f, root, "input_w", 1, 4096, &width))
        return -1;
    if (p->ebops < 0) p->ebops = NAN;
    p->input_h = (int)height, p->input_w = (int)width;
    for (int k = 0; k < (int)n_ops; k++)
        if (read_op(p, f, root, k)) return -1;
    return cb_programme_finish(p) ? cb_fail_in("%s", cb_h5_path(f)) : 0;
}

int cb_programme_read(cb_programme *p, const char *path) {
    memset(p, 0, sizeof *p);
    cb_h5 *f = cb_h5_open(path, CB_STUDENT_SCHEMA);
    if (!f) return -1;
    int rc = cb_programme_read_at(p, f, "/");
    cb_h5_close(&f);
    return rc;
}

int cb_programme_read_at(cb_programme *p, cb_h5 *f, const char *root) {
    memset(p, 0, sizeof *p);
    int rc = read_all(p, f, root);
    if (rc) cb_programme_free(p);
    return rc;
}
