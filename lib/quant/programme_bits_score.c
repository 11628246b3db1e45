/* Scoring of programmes with a COMPARE, 512 events at a time: in the usual form COMPARE, LOGIC, DENSE and a little more, or
 * that form behind QUANT and sums, whose comparators are worked out in lanes (lanes_plan.h). */
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "nn/isa.h"
#include "quant/bit_tape.h"
#include "quant/bits.h"
#include "quant/lanes_plan.h"
#include "quant/programme.h"
#include "quant/programme_internal.h"

CB_ISA_DECLARE(void, cb_plan_bits, const cb_plan *plan, const uint16_t *et, int n, void *x, void *y, const cb_plan_cuts *cuts,
               uint16_t *bit);
static cb_plan_bits_kernel *const kernels[] = CB_ISA_TABLE(cb_plan_bits);

enum { MOST_SUMS = 16 };

/* The usual form made ready; threads share it. */
typedef struct {
    const cb_programme *p;
    const cb_op *op;    /* COMPARE; LOGIC and DENSE follow */
    cb_bit_code code;   /* of counts */
    cb_plan before;     /* of sums: the operations before COMPARE */
    cb_plan_cuts cuts;
    cb_bit_tape *tape;  /* [n_sum]: one for each sum of the DENSE on the bits; each works only the gates that it needs */
    int n_sum;
    uint16_t *table;    /* one sum: [2^n_plane] scores, from the smallest sum on; NULL where events are fewer */
} scorer;

/* Working memory of a thread. */
typedef struct {
    cb_bit_work *tape;  /* [n_sum]; the inputs of all are the same rows */
    char *lanes;        /* two tensors of `before` */
    uint16_t *bit;      /* [n of cuts] */
} worker;

/* What follows the sums: a handful of operations on a handful of values. sum: destroyed. */
static uint16_t score_of(const scorer *s, int64_t *sum) {
    const cb_programme *p = s->p;
    const cb_op *head = s->op + 2;
    int64_t other[MOST_SUMS], *x = sum, *y = other;
    for (int u = 0; head->bias && u < head->out_c; u++) x[u] += head->bias[u] * ((int64_t)1 << (head->out_frac - head->bias_frac));
    for (const cb_op *op = head + 1; op < p->op + p->n_op; op++) {
        int64_t *swap = x;
        cb_op_plain(op, x, y);
        x = y, y = swap;
    }
    return (uint16_t)x[0];
}

static int make_tapes(scorer *s) {
    const cb_circuit *c = &s->op[1].circuit;
    const cb_op *head = s->op + 2;
    int32_t *weight = cb_alloc((size_t)c->n_output + 1, sizeof *weight);
    if (!weight || !(s->tape = cb_alloc((size_t)head->out_c, sizeof *s->tape))) return free(weight), -1;
    int rc = 0;
    for (int u = 0; !rc && u < head->out_c; u++) {
        for (int o = 0; o < c->n_output; o++) weight[o] = head->w[(size_t)o * (size_t)head->out_c + (size_t)u];
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
        s->table[v] = score_of(s, sum);
    }
    return 0;
}

static int scorer_new(scorer *s, const cb_programme *p, size_t n) {
    int at = cb_bits_at(p);
    const cb_op *compare = &p->op[at];
    *s = (scorer){.p = p, .op = compare, .cuts = {compare->out_c, compare->source, compare->threshold}};
    if (at ? cb_plan_make(p, at, &s->before)
           : cb_bit_code_new(&s->code, p->input_h * p->input_w, compare->source, compare->threshold, compare->mask, compare->out_c))
        return -1;
    return make_tapes(s) ? -1 : make_table(s, n);
}

static void scorer_free(scorer *s) {
    for (int u = 0; u < s->n_sum; u++) cb_bit_tape_free(&s->tape[u]);
    cb_bit_code_free(&s->code);
    cb_plan_free(&s->before);
    free(s->tape);
    free(s->table);
}

static size_t tensor_bytes(const scorer *s) { return (size_t)s->before.room * CB_PLAN_LANES * sizeof(int64_t); }

static int worker_new(worker *w, const scorer *s) {
    if (!(w->tape = cb_alloc((size_t)s->n_sum, sizeof *w->tape))) return -1;
    for (int u = 0; u < s->n_sum; u++)
        if (cb_bit_work_new(&w->tape[u], &s->tape[u])) return -1;
    if (!s->before.n_op) return 0;
    w->lanes = cb_alloc_aligned(2, tensor_bytes(s));
    w->bit = cb_alloc((size_t)s->cuts.n, sizeof *w->bit);
    return w->lanes && w->bit ? 0 : -1;
}

static void worker_free(worker *w, const scorer *s) {
    for (int u = 0; w->tape && u < s->n_sum; u++) cb_bit_work_free(&w->tape[u]);
    free(w->tape);
    free(w->lanes);
    free(w->bit);
}

/* Rows of the comparators of sums: 16 events at a time are a quarter of a word. */
static void compare_sums(const scorer *s, worker *w, const uint16_t *et, size_t n, uint64_t *row) {
    memset(row, 0, (size_t)s->cuts.n * CB_CIRCUIT_WORDS * sizeof *row);
    for (size_t e = 0; e < n; e += CB_PLAN_LANES) {
        int count = n - e < CB_PLAN_LANES ? (int)(n - e) : CB_PLAN_LANES;
        kernels[cb_isa()](&s->before, et + e * (size_t)s->before.n_in, count, w->lanes, w->lanes + tensor_bytes(s), &s->cuts, w->bit);
        for (int32_t j = 0; j < s->cuts.n; j++) row[(size_t)j * CB_CIRCUIT_WORDS + e / 64] |= (uint64_t)w->bit[j] << e % 64;
    }
}

static void score_512(const scorer *s, worker *w, const uint16_t *et, size_t n, uint16_t *code) {
    int32_t sum[MOST_SUMS][CB_CIRCUIT_EVENTS];
    uint64_t *row = w->tape[0].row;
    if (s->before.n_op) compare_sums(s, w, et, n, row);
    else cb_bit_code_events(&s->code, et, n, row);
    for (int u = 0; u < s->n_sum; u++) {
        if (u) memcpy(w->tape[u].row, row, (size_t)s->tape[0].n_input * CB_CIRCUIT_WORDS * sizeof *row);
        cb_bit_tape_sums(&s->tape[u], &w->tape[u], sum[u]);
    }
    for (size_t e = 0; e < n; e++) {
        int64_t x[MOST_SUMS];
        for (int u = 0; u < s->n_sum; u++) x[u] = sum[u][e];
        code[e] = s->table ? s->table[sum[0][e] - s->tape[0].offset] : score_of(s, x);
    }
}

static bool usual_form(const cb_programme *p) {
    int at = cb_bits_at(p);
    if (p->n_op < at + 4 || p->op[at + 1].kind != CB_OP_LOGIC || p->op[at + 2].kind != CB_OP_DENSE) return false;
    const cb_op *head = &p->op[at + 2];
    for (const cb_op *op = head; op < p->op + p->n_op; op++)
        if (op->out_c > MOST_SUMS) return false;
    for (int u = 0; u < head->out_c; u++) {
        int64_t total = 0;
        for (int i = 0; i < head->in_c; i++) total += llabs((int64_t)head->w[i * head->out_c + u]);
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

static void score_parts(const scorer *s, worker *w, long parts, const uint16_t *et, size_t n, uint16_t *code) {
    size_t pixels = (size_t)s->p->input_h * (size_t)s->p->input_w;
    long blocks = (long)((n + CB_CIRCUIT_EVENTS - 1) / CB_CIRCUIT_EVENTS);
#pragma omp parallel for schedule(static)
    for (long t = 0; t < parts; t++)
        for (long b = t * blocks / parts; b < (t + 1) * blocks / parts; b++) {
            size_t first = (size_t)b * CB_CIRCUIT_EVENTS, left = n - first;
            score_512(s, &w[t], et + first * pixels, left < CB_CIRCUIT_EVENTS ? left : CB_CIRCUIT_EVENTS, code + first);
        }
}

int cb_bits_score(const cb_programme *p, const uint16_t *et, size_t n, uint16_t *code) {
    if (!usual_form(p)) return score_traced(p, et, n, code);
    scorer s;
    long parts = cb_threads();
    worker *w = cb_alloc((size_t)parts, sizeof *w);
    if (!w) return -1;
    int rc = scorer_new(&s, p, n);
    for (long t = 0; !rc && t < parts; t++) rc = worker_new(&w[t], &s);
    if (!rc) score_parts(&s, w, parts, et, n, code);
    for (long t = 0; t < parts; t++) worker_free(&w[t], &s);
    scorer_free(&s);
    free(w);
    return rc;
}
