/* Batch scoring: plans (pairs_plan.h, or lanes_plan.h where that one does not do) and their
 * kernels for the machine's instruction set. */
#include <stdlib.h>

#include "base/threads.h"
#include "data/dataset.h"
#include "nn/isa.h"
#include "quant/lanes_plan.h"
#include "quant/pairs_plan.h"
#include "quant/programme.h"
#include "quant/programme_internal.h"

CB_ISA_DECLARE(void, cb_plan_score, const cb_plan *plan, const uint16_t *et, int n, void *x, void *y, uint16_t *code);
static cb_plan_kernel *const kernels[] = CB_ISA_TABLE(cb_plan_score);

/* ---- the plan ---- */

static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

/* A bound on every number that the kernel forms in the operation, taps included. */
static int64_t plan_magnitude(const cb_op *op, const cb_plan_op *q, const int64_t *lo, const int64_t *hi) {
    int64_t most = 0;
    for (int64_t e = 0; e < cb_op_outputs(op); e++) most = larger(most, larger(llabs(op->lo[e]), llabs(op->hi[e])));
    if (q->quant) {
        for (int e = 0; e < q->n_out; e++) {
            int64_t low = q->relu ? larger(lo[e], 0) : lo[e], high = q->relu ? larger(hi[e], 0) : hi[e];
            most = larger(most, larger(llabs(low), llabs(high)) * ((int64_t)1 << q->step[e].left));
            most = larger(most, larger(-q->step[e].min, q->step[e].max));
        }
        return most;
    }
    for (int pos = 0; pos < q->n_pos; pos++)
        for (int o = 0; o < q->n_channel; o++) {
            int64_t sum = llabs(q->bias[o]);
            for (int32_t t = q->first[o]; t < q->first[o + 1]; t++) {
                int64_t i = q->base[pos] + q->tap[t].offset;
                sum += larger(llabs(lo[i]), llabs(hi[i])) * llabs((int64_t)q->tap[t].w);
                most = larger(most, llabs((int64_t)q->tap[t].w));
            }
            most = larger(most, sum);
        }
    return most;
}

static cb_plan_step plan_step(const cb_op *op, int64_t e) {
    cb_format t = op->format[op->n_format == 1 ? 0 : e];
    if (!cb_format_width(t)) return (cb_plan_step){0}; /* clamped to 0..0 */
    int s = op->in_frac - t.f, last = op->out_frac - t.f;
    cb_plan_step q = {.right = (int8_t)(s < 0 ? 0 : s > 63 ? 63 : s),
                      .left = (int8_t)(s < 0 ? (-s > 62 ? 0 : -s) : 0), /* more only if the input is always 0 */
                      .last = (int8_t)(last > 62 ? 0 : last),
                      .sign = t.k, .min = cb_format_min(t, op->overflow), .max = cb_format_max(t)};
    if (op->overflow == CB_WRAP) q.width = (int8_t)cb_format_width(t);
    return q;
}

static int plan_quant(const cb_op *op, cb_plan_op *q) {
    q->quant = 1;
    q->relu = op->relu;
    q->round = op->round;
    q->step = cb_alloc((size_t)q->n_out, sizeof *q->step);
    if (!q->step) return -1;
    for (int e = 0; e < q->n_out; e++) q->step[e] = plan_step(op, e);
    return 0;
}

static int plan_sums(const cb_op *op, cb_plan_op *q) {
    int per_row = op->kw * op->in_c, n_tap = op->kh * per_row;
    q->n_pos = op->out_h * op->out_w;
    q->n_channel = op->out_c;
    q->base = cb_alloc((size_t)q->n_pos, sizeof *q->base);
    q->first = cb_alloc((size_t)op->out_c + 1, sizeof *q->first);
    q->tap = cb_alloc((size_t)n_tap * (size_t)op->out_c, sizeof *q->tap);
    q->bias = cb_alloc((size_t)op->out_c, sizeof *q->bias);
    if (!q->base || !q->first || !q->tap || !q->bias) return -1;
    for (int pos = 0; pos < q->n_pos; pos++)
        q->base[pos] = (pos / op->out_w * op->sy * op->in_w + pos % op->out_w * op->sx) * op->in_c;
    int32_t n = 0;
    for (int o = 0; o < op->out_c; o++) {
        q->first[o] = n;
        for (int t = 0; t < n_tap; t++) {
            int32_t w = op->w[t * op->out_c + o];
            if (w) q->tap[n++] = (cb_plan_tap){t / per_row * op->in_w * op->in_c + t % per_row, w};
        }
        if (op->bias && op->bias[o]) q->bias[o] = op->bias[o] * ((int64_t)1 << (op->out_frac - op->bias_frac));
    }
    q->first[op->out_c] = n;
    return 0;
}

void cb_plan_free(cb_plan *plan) {
    for (int k = 0; plan->op && k < plan->n_op; k++) {
        free(plan->op[k].step);
        free(plan->op[k].base);
        free(plan->op[k].first);
        free(plan->op[k].tap);
        free(plan->op[k].bias);
    }
    free(plan->op);
}

/* Shifts for int32 lanes: what is shifted down by more is 0 or -1 anyway, what is
 * shifted up by more is always 0. */
static void plan_narrow(cb_plan *plan) {
    for (int k = 0; k < plan->n_op; k++)
        for (int e = 0; plan->op[k].quant && e < plan->op[k].n_out; e++) {
            cb_plan_step *s = &plan->op[k].step[e];
            if (s->right > 31) s->right = 31;
            if (s->left > 30) s->left = 0;
            if (s->last > 30) s->last = 0;
        }
}

int cb_plan_make(const cb_programme *p, int n_op, cb_plan *plan) {
    *plan = (cb_plan){.n_op = n_op, .n_in = p->input_h * p->input_w, .narrow = 1};
    plan->room = plan->n_in;
    plan->op = cb_alloc((size_t)n_op, sizeof *plan->op);
    int64_t *ends = cb_alloc(2 * (size_t)plan->n_in, sizeof *ends);
    int rc = plan->op && ends ? 0 : -1;
    for (int i = 0; !rc && i < plan->n_in; i++) ends[plan->n_in + i] = CB_ET_MAX;
    const int64_t *lo = ends, *hi = ends + plan->n_in;
    for (int k = 0; k < n_op && !rc; k++) {
        const cb_op *op = &p->op[k];
        plan->op[k].n_out = (int)cb_op_outputs(op);
        plan->room = larger(plan->room, cb_op_outputs(op));
        rc = (op->kind == CB_OP_QUANT ? plan_quant : plan_sums)(op, &plan->op[k]);
        /* 30 bits, not 31: half of a shift by 31 must stay above every value. */
        if (!rc && plan_magnitude(op, &plan->op[k], lo, hi) >= 1 << 30) plan->narrow = 0;
        lo = op->lo, hi = op->hi;
    }
    if (!rc && plan->narrow) plan_narrow(plan);
    free(ends);
    return rc;
}

/* ---- scoring ---- */

int cb_counts_check(const cb_programme *p, const uint16_t *et, size_t n) {
    size_t n_in = (size_t)p->input_h * (size_t)p->input_w;
    uint16_t most = 0;
    for (size_t i = 0; i < n * n_in; i++) most = et[i] > most ? et[i] : most;
    for (size_t i = 0; most > CB_ET_MAX && i < n * n_in; i++)
        if (et[i] > CB_ET_MAX)
            return cb_fail("student '%s': event %zu, region %zu: E_T is %d counts, at most %d expected", p->name, i / n_in,
                           i % n_in, et[i], CB_ET_MAX);
    return 0;
}

static void score_blocks(const cb_plan *plan, const uint16_t *et, size_t n, uint16_t *code, char *scratch, size_t each) {
    cb_plan_kernel *score = kernels[cb_isa()];
    long n_block = (long)((n + CB_PLAN_LANES - 1) / CB_PLAN_LANES), n_part = cb_threads();
#pragma omp parallel for schedule(static)
    for (long part = 0; part < n_part; part++) {
        char *x = scratch + (size_t)part * 2 * each;
        for (long b = part * n_block / n_part; b < (part + 1) * n_block / n_part; b++) {
            size_t first = (size_t)b * CB_PLAN_LANES, left = n - first;
            score(plan, et + first * (size_t)plan->n_in, left < CB_PLAN_LANES ? (int)left : CB_PLAN_LANES, x, x + each,
                  code + first);
        }
    }
}

static int score_wide(const cb_programme *p, const uint16_t *et, size_t n, uint16_t *code) {
    cb_plan plan;
    if (cb_counts_check(p, et, n)) return -1;
    if (cb_bits_at(p) < p->n_op) return cb_bits_score(p, et, n, code);
    int rc = cb_plan_make(p, p->n_op, &plan);
    size_t each = (size_t)plan.room * CB_PLAN_LANES * sizeof(int64_t);
    char *scratch = rc ? NULL : cb_alloc_aligned((size_t)cb_threads() * 2, each);
    if (scratch) score_blocks(&plan, et, n, code, scratch, each);
    else rc = -1;
    free(scratch);
    cb_plan_free(&plan);
    return rc;
}

int cb_programme_score(const cb_programme *p, const uint16_t *et, size_t n, uint16_t *code) {
    int rc = cb_pairs_score(p, et, n, code);
    return rc > 0 ? score_wide(p, et, n, code) : rc;
}
