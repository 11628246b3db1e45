/* The bit operations of a programme, COMPARE and LOGIC: building, bounds, plain definition, files.
 * Scoring: programme_bits_score.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/dataset.h"
#include "quant/programme.h"
#include "quant/programme_internal.h"

enum { MAX_BITS = 1 << 20 };

/* ---- building ---- */

int cb_bits_at(const cb_programme *p) {
    int k = 0;
    while (k < p->n_op && p->op[k].kind != CB_OP_COMPARE) k++;
    return k;
}

cb_op *cb_programme_compare(cb_programme *p, const char *name, int n_out) {
    if (p->n_op && (p->op[p->n_op - 1].kind != CB_OP_QUANT || cb_bits_at(p) < p->n_op))
        return cb_fail_null("student '%s': operation '%s' compares; only the first operation can, or once one behind a quantizer",
                            p->name, name);
    if (n_out < 1 || n_out > MAX_BITS)
        return cb_fail_null("student '%s': operation '%s': %d comparators, 1 to %d expected", p->name, name, n_out, MAX_BITS);
    cb_op *op = cb_op_append(p, CB_OP_COMPARE, name);
    if (!op) return NULL;
    op->out_h = op->out_w = 1, op->out_c = n_out;
    op->source = cb_alloc((size_t)n_out, sizeof *op->source);
    op->threshold = cb_alloc((size_t)n_out, sizeof *op->threshold);
    bool first = p->n_op++ == 0; /* counted now, so that cb_programme_free finds what there is */
    if (first) op->mask = cb_alloc((size_t)n_out, sizeof *op->mask);
    for (int j = 0; op->mask && j < n_out; j++) op->mask[j] = CB_ET_MAX;
    return op->source && op->threshold && (op->mask || !first) ? op : NULL;
}

cb_op *cb_programme_logic(cb_programme *p, const char *name, const cb_circuit *c) {
    if (!p->n_op || p->op[p->n_op - 1].kind != CB_OP_COMPARE)
        return cb_fail_null("student '%s': logic '%s' must follow a compare operation", p->name, name);
    cb_op *op = cb_op_append(p, CB_OP_LOGIC, name);
    if (!op) return NULL;
    if (c->n_input != op->in_c)
        return cb_fail_null("student '%s': logic '%s' has %d inputs, the operation before %d outputs", p->name, name,
                            c->n_input, op->in_c);
    op->out_h = op->out_w = 1, op->out_c = c->n_output;
    if (cb_circuit_copy(&op->circuit, c)) return NULL;
    p->n_op++;
    return op;
}

/* ---- bounds ---- */

/* Comparators of values that a quantizer gives. */
static int finish_values(cb_programme *p, int k, const int64_t *lo, const int64_t *hi) {
    cb_op *op = &p->op[k];
    for (int j = 0; j < op->out_c; j++) {
        int32_t s = op->source[j], t = op->threshold[j];
        if (s < 0 || s >= cb_op_inputs(op) || t < 0)
            return cb_fail("student '%s': operation %d '%s': comparator %d: value %d > %d; values 0 to %lld and thresholds of at "
                           "least 0 expected", p->name, k, op->name, j, s, t, (long long)cb_op_inputs(op) - 1);
        if (lo[s] < 0)
            return cb_fail("student '%s': operation %d '%s': comparator %d: value %d can be negative, down to %lld", p->name, k,
                           op->name, j, s, (long long)lo[s]);
        op->lo[j] = lo[s] > t, op->hi[j] = hi[s] > t;
    }
    return 0;
}

int cb_bits_finish(cb_programme *p, int k, const int64_t *lo, const int64_t *hi) {
    cb_op *op = &p->op[k];
    op->out_frac = 0;
    for (int j = 0; j < op->out_c; j++) op->lo[j] = 0, op->hi[j] = 1;
    if (op->kind == CB_OP_LOGIC) {
        char what[160];
        snprintf(what, sizeof what, "student '%s': operation %d '%s'", p->name, k, op->name);
        return cb_circuit_check(&op->circuit, what);
    }
    if (!op->mask) return finish_values(p, k, lo, hi);
    for (int j = 0; j < op->out_c; j++) {
        int32_t s = op->source[j], t = op->threshold[j], m = op->mask[j];
        if (s < 0 || s >= cb_op_inputs(op) || t < 0 || t >= CB_ET_MAX || m < 1 || m > CB_ET_MAX)
            return cb_fail("student '%s': operation %d '%s': comparator %d: input %d & %d > %d; inputs 0 to %lld, masks 1 to %d "
                           "and thresholds 0 to %d expected", p->name, k, op->name, j, s, m, t, (long long)cb_op_inputs(op) - 1,
                           CB_ET_MAX, CB_ET_MAX - 1);
        op->lo[j] = m == CB_ET_MAX && lo[s] > t, op->hi[j] = m == CB_ET_MAX ? hi[s] > t : m > t;
    }
    return 0;
}

/* ---- the plain definition ---- */

int cb_bits_plain(const cb_op *op, const int64_t *x, int64_t *y) {
    if (op->kind == CB_OP_COMPARE) {
        for (int j = 0; j < op->out_c; j++) y[j] = (op->mask ? x[op->source[j]] & op->mask[j] : x[op->source[j]]) > op->threshold[j];
        return 0;
    }
    const cb_circuit *c = &op->circuit;
    uint8_t *signal = cb_alloc((size_t)c->n_input + (size_t)c->n + 1, sizeof *signal);
    if (!signal) return -1;
    for (int32_t i = 0; i < c->n_input; i++) signal[i] = (uint8_t)x[i];
    cb_circuit_trace(c, signal);
    for (int32_t o = 0; o < c->n_output; o++) y[o] = signal[c->output[o]];
    free(signal);
    return 0;
}

/* ---- files ---- */

int cb_bits_write(const cb_op *op, cb_h5 *f, const char *group) {
    char name[64];
    uint64_t dims[1] = {(uint64_t)op->out_c};
    if (op->kind == CB_OP_LOGIC) return cb_circuit_write(&op->circuit, f, group);
    snprintf(name, sizeof name, "%s/source", group);
    if (cb_h5_write(f, name, CB_I32, 1, dims, op->source)) return -1;
    snprintf(name, sizeof name, "%s/threshold", group);
    if (cb_h5_write(f, name, CB_I32, 1, dims, op->threshold)) return -1;
    bool masked = false;
    for (int j = 0; op->mask && j < op->out_c; j++) masked |= op->mask[j] != CB_ET_MAX;
    snprintf(name, sizeof name, "%s/mask", group);
    return masked ? cb_h5_write(f, name, CB_I32, 1, dims, op->mask) : 0;
}

static int read_logic(cb_programme *p, cb_h5 *f, const char *group, const char *op_name) {
    cb_circuit c;
    if (!p->n_op) return cb_fail("%s: %s: logic must follow a compare operation", cb_h5_path(f), group);
    if (cb_circuit_read(&c, p->op[p->n_op - 1].out_c, f, group)) return -1;
    int rc = cb_programme_logic(p, op_name, &c) ? 0 : cb_fail_in("%s: %s", cb_h5_path(f), group);
    cb_circuit_free(&c);
    return rc;
}

int cb_bits_read(cb_programme *p, cb_h5 *f, const char *group, const char *op_name, cb_op_kind kind) {
    char name[64];
    uint64_t dims[1] = {0};
    if (kind == CB_OP_LOGIC) return read_logic(p, f, group, op_name);
    snprintf(name, sizeof name, "%s/source", group);
    int32_t *source = cb_h5_read(f, name, CB_I32, 1, dims);
    snprintf(name, sizeof name, "%s/threshold", group);
    int32_t *threshold = source ? cb_h5_read(f, name, CB_I32, 1, dims) : NULL;
    snprintf(name, sizeof name, "%s/mask", group);
    bool masked = threshold && cb_h5_exists(f, name);
    if (masked && p->n_op) {
        free(source), free(threshold);
        return cb_fail("%s: %s: masks are for comparators of counts, the first operation", cb_h5_path(f), name);
    }
    int32_t *mask = masked ? cb_h5_read(f, name, CB_I32, 1, dims) : NULL;
    cb_op *op = threshold && (mask || !masked) ? cb_programme_compare(p, op_name, dims[0] > MAX_BITS ? -1 : (int)dims[0]) : NULL;
    int rc = op ? 0 : threshold && (mask || !masked) ? cb_fail_in("%s: %s", cb_h5_path(f), group) : -1;
    if (!rc) {
        if (mask) memcpy(op->mask, mask, dims[0] * sizeof *mask);
        memcpy(op->source, source, dims[0] * sizeof *source);
        memcpy(op->threshold, threshold, dims[0] * sizeof *threshold);
    }
    free(source);
    free(threshold);
    free(mask);
    return rc;
}
