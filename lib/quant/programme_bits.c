/* The bit operations of a programme, COMPARE and LOGIC: building, bounds, plain definition, files, and
 * scoring of the usual form COMPARE, LOGIC, DENSE and a little more, 512 events at a time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "data/dataset.h"
#include "quant/bit_tape.h"
#include "quant/bits.h"
#include "quant/programme.h"
#include "quant/programme_internal.h"

enum { MAX_BITS = 1 << 20, MOST_SUMS = 16 };

/* ---- building ---- */

cb_op *cb_programme_compare(cb_programme *p, const char *name, int n_out) {
    if (p->n_op) return cb_fail_null("student '%s': operation '%s' compares; only the first operation can", p->name, name);
    if (n_out < 1 || n_out > MAX_BITS)
        return cb_fail_null("student '%s': operation '%s': %d comparators, 1 to %d expected", p->name, name, n_out, MAX_BITS);
    cb_op *op = cb_op_append(p, CB_OP_COMPARE, name);
    if (!op) return NULL;
    op->out_h = op->out_w = 1, op->out_c = n_out;
    op->source = cb_alloc((size_t)n_out, sizeof *op->source);
    op->threshold = cb_alloc((size_t)n_out, sizeof *op->threshold);
    op->mask = cb_alloc((size_t)n_out, sizeof *op->mask);
    p->n_op++; /* so that cb_programme_free finds what there is */
    for (int j = 0; op->mask && j < n_out; j++) op->mask[j] = CB_ET_MAX;
    return op->source && op->threshold && op->mask ? op : NULL;
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

int cb_bits_finish(cb_programme *p, int k, const int64_t *lo, const int64_t *hi) {
    cb_op *op = &p->op[k];
    op->out_frac = 0;
    for (int j = 0; j < op->out_c; j++) op->lo[j] = 0, op->hi[j] = 1;
    if (op->kind == CB_OP_LOGIC) {
        char what[160];
        snprintf(what, sizeof what, "student '%s': operation %d '%s'", p->name, k, op->name);
        return cb_circuit_check(&op->circuit, what);
    }
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
        for (int j = 0; j < op->out_c; j++) y[j] = (x[op->source[j]] & op->mask[j]) > op->threshold[j];
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

/* ---- scoring ---- */

/* The usual form made ready; threads share it. */
typedef struct {
    const cb_programme *p;
    cb_bit_code code;
    cb_bit_tape *tape;  /* [n_sum]: one for each sum of the DENSE on the bits; each works only the gates that it needs */
    int n_sum;
    uint16_t *table;    /* one sum: [2^n_plane] scores, from the smallest sum on; NULL where events are fewer */
} scorer;

/* What follows the sums: a handful of operations on a handful of values. sum: destroyed. */
static uint16_t score_of(const cb_programme *p, int64_t *sum) {
    const cb_op *head = &p->op[2];
    int64_t other[MOST_SUMS], *x = sum, *y = other;
    for (int u = 0; head->bias && u < head->out_c; u++) x[u] += head->bias[u] * ((int64_t)1 << (head->out_frac - head->bias_frac));
    for (int k = 3; k < p->n_op; k++) {
        int64_t *swap = x;
        cb_op_plain(&p->op[k], x, y);
        x = y, y = swap;
    }
    return (uint16_t)x[0];
}

static int make_tapes(scorer *s, const cb_programme *p) {
    const cb_circuit *c = &p->op[1].circuit;
    int32_t *weight = cb_alloc((size_t)c->n_output + 1, sizeof *weight);
    if (!weight || !(s->tape = cb_alloc((size_t)p->op[2].out_c, sizeof *s->tape))) return free(weight), -1;
    int rc = 0;
    for (int u = 0; !rc && u < p->op[2].out_c; u++) {
        for (int o = 0; o < c->n_output; o++) weight[o] = p->op[2].w[(size_t)o * (size_t)p->op[2].out_c + (size_t)u];
        rc = cb_bit_tape_new(&s->tape[u], c, weight);
        if (!rc) s->n_sum = u + 1;
    }
    free(weight);
    return rc;
}

/* Scores of all sums, where that is less work than the events. */
static int make_table(scorer *s, size_t n) {
    size_t sums = (size_t)1 << s->tape[0].n_plane;
    if (s->n_sum > 1 || sums > n) return 0;
    if (!(s->table = cb_alloc(sums, sizeof *s->table))) return -1;
    for (size_t v = 0; v < sums; v++) {
        int64_t sum[MOST_SUMS] = {s->tape[0].offset + (int64_t)v};
        s->table[v] = score_of(s->p, sum);
    }
    return 0;
}

static int scorer_new(scorer *s, const cb_programme *p, size_t n) {
    const cb_op *compare = &p->op[0];
    *s = (scorer){.p = p};
    if (cb_bit_code_new(&s->code, p->input_h * p->input_w, compare->source, compare->threshold, compare->mask, compare->out_c) ||
        make_tapes(s, p))
        return -1;
    return make_table(s, n);
}

static void scorer_free(scorer *s) {
    for (int u = 0; u < s->n_sum; u++) cb_bit_tape_free(&s->tape[u]);
    cb_bit_code_free(&s->code);
    free(s->tape);
    free(s->table);
}

/* Working memory of a thread: that of each tape, whose inputs are the same rows. */
static int worker_new(cb_bit_work *w, const scorer *s) {
    for (int u = 0; u < s->n_sum; u++)
        if (cb_bit_work_new(&w[u], &s->tape[u])) return -1;
    return 0;
}

static void score_512(const scorer *s, cb_bit_work *w, const uint16_t *et, size_t n, uint16_t *code) {
    int32_t sum[MOST_SUMS][CB_CIRCUIT_EVENTS];
    cb_bit_code_events(&s->code, et, n, w[0].row);
    for (int u = 0; u < s->n_sum; u++) {
        if (u) memcpy(w[u].row, w[0].row, (size_t)s->tape[0].n_input * CB_CIRCUIT_WORDS * sizeof *w[0].row);
        cb_bit_tape_sums(&s->tape[u], &w[u], sum[u]);
    }
    for (size_t e = 0; e < n; e++) {
        int64_t x[MOST_SUMS];
        for (int u = 0; u < s->n_sum; u++) x[u] = sum[u][e];
        code[e] = s->table ? s->table[sum[0][e] - s->tape[0].offset] : score_of(s->p, x);
    }
}

static bool usual_form(const cb_programme *p) {
    if (p->n_op < 4 || p->op[1].kind != CB_OP_LOGIC || p->op[2].kind != CB_OP_DENSE) return false;
    for (int k = 2; k < p->n_op; k++)
        if (p->op[k].out_c > MOST_SUMS) return false;
    for (int u = 0; u < p->op[2].out_c; u++) {
        int64_t total = 0;
        for (int i = 0; i < p->op[2].in_c; i++) total += llabs((int64_t)p->op[2].w[i * p->op[2].out_c + u]);
        if (total >= (int64_t)1 << 31) return false;
    }
    return true;
}

/* Any other form: event by event. */
static int score_traced(const cb_programme *p, const uint16_t *et, size_t n, uint16_t *code) {
    size_t pixels = (size_t)p->input_h * (size_t)p->input_w;
    int bad = 0;
#pragma omp parallel for schedule(static)
    for (size_t e = 0; e < n; e++) {
        int64_t v = 0, *want[CB_MAX_OPS] = {0};
        want[p->n_op - 1] = &v;
        if (cb_programme_trace(p, et + e * pixels, want)) {
#pragma omp atomic write
            bad = 1;
        }
        code[e] = (uint16_t)v;
    }
    return bad ? cb_fail("student '%s': out of memory while scoring", p->name) : 0;
}

int cb_bits_score(const cb_programme *p, const uint16_t *et, size_t n, uint16_t *code) {
    if (!usual_form(p)) return score_traced(p, et, n, code);
    size_t pixels = (size_t)p->input_h * (size_t)p->input_w;
    long parts = cb_threads(), blocks = (long)((n + CB_CIRCUIT_EVENTS - 1) / CB_CIRCUIT_EVENTS);
    scorer s;
    int sums = p->op[2].out_c;
    cb_bit_work *w = cb_alloc((size_t)(parts * sums), sizeof *w);
    int rc = w ? scorer_new(&s, p, n) : -1;
    for (long t = 0; !rc && t < parts; t++) rc = worker_new(&w[t * sums], &s);
    if (!rc) {
#pragma omp parallel for schedule(static)
        for (long t = 0; t < parts; t++)
            for (long b = t * blocks / parts; b < (t + 1) * blocks / parts; b++) {
                size_t first = (size_t)b * CB_CIRCUIT_EVENTS, left = n - first;
                score_512(&s, &w[t * sums], et + first * pixels, left < CB_CIRCUIT_EVENTS ? left : CB_CIRCUIT_EVENTS, code + first);
            }
    }
    for (long t = 0; w && t < parts * sums; t++) cb_bit_work_free(&w[t]);
    if (w) scorer_free(&s);
    free(w);
    return rc;
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
    for (int j = 0; j < op->out_c; j++) masked |= op->mask[j] != CB_ET_MAX;
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
