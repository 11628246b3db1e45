/* A logic student as integer programme, and the check of it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fmath.h"
#include "logic/student.h"
#include "quant/student_check.h"

enum { MOST_FRAC = 16 };

/* The circuit and its head while they are put together: score = sum w[o] output[o] + bias, in units of 2^-frac. */
typedef struct {
    cb_circuit c;
    int64_t *w, bias;
    int frac;
} body;

/* Smallest frac with all head weights integer; the bias is rounded to that grid, or to 1/256. */
static int head_grid(const cb_logic_student *s, body *b) {
    int n = cb_logic_outputs(&s->net);
    for (b->frac = 0; b->frac <= MOST_FRAC; b->frac++) {
        bool good = true;
        for (int o = 0; o < n && good; o++) {
            double v = (double)s->c[o] * cb_pow2(b->frac);
            good = v == rint(v) && fabs(v) < 0x1p30;
        }
        if (good) break;
    }
    if (b->frac > MOST_FRAC)
        return cb_fail("logic student: 1/lgn.tau = %.9g is no multiple of 2^-%d, so that the head has no exact integer form; take a power of two",
                       (double)s->c[0], MOST_FRAC);
    for (int o = 0; o < n; o++) b->w[o] = (int64_t)((double)s->c[o] * cb_pow2(b->frac));
    b->bias = (int64_t)rint((double)s->c[n] * cb_pow2(b->frac));
    return 0;
}

/* Outputs that are constant go into the bias, equal ones become one, those of weight 0 go. At least one stays. */
static int merge_outputs(body *b) {
    cb_circuit *c = &b->c;
    int32_t *slot = cb_alloc((size_t)c->n_input + (size_t)c->n, sizeof *slot), n = 0;
    if (!slot) return -1;
    for (int32_t o = 0; o < c->n_output; o++) {
        int32_t signal = c->output[o];
        const cb_gate *g = signal < c->n_input ? NULL : &c->gate[signal - c->n_input];
        int64_t w = b->w[o];
        if (g && g->k == 0) b->bias += g->table & 1 ? w : 0;
        else if (slot[signal]) b->w[slot[signal] - 1] += w;
        else b->w[n] = w, c->output[n] = signal, slot[signal] = ++n;
    }
    int32_t kept = 0;
    for (int32_t o = 0; o < n; o++)
        if (b->w[o]) b->w[kept] = b->w[o], c->output[kept++] = c->output[o];
    if (!kept) c->output[0] = 0, b->w[0] = 0, kept = 1;
    c->n_output = kept;
    free(slot);
    return cb_circuit_simplify(c);
}

/* Comparators that gates or outputs read; the circuit's inputs become those. Returns how many. */
static int32_t used_inputs(cb_circuit *c, int32_t *old) {
    int32_t *to = cb_alloc((size_t)c->n_input, sizeof *to), n = 0;
    if (!to) return -1;
    for (int32_t g = 0; g < c->n; g++)
        for (int j = 0; j < c->gate[g].k; j++)
            if (c->gate[g].in[j] < c->n_input) to[c->gate[g].in[j]] = 1;
    for (int32_t o = 0; o < c->n_output; o++)
        if (c->output[o] < c->n_input) to[c->output[o]] = 1;
    for (int32_t i = 0; i < c->n_input; i++)
        if (to[i]) old[n] = i, to[i] = n++;
    if (!n) n = 1, old[0] = 0; /* a constant score */
    int32_t less = c->n_input - n;
    for (int32_t g = 0; g < c->n; g++)
        for (int j = 0; j < c->gate[g].k; j++)
            c->gate[g].in[j] = c->gate[g].in[j] < c->n_input ? to[c->gate[g].in[j]] : c->gate[g].in[j] - less;
    for (int32_t o = 0; o < c->n_output; o++)
        c->output[o] = c->output[o] < c->n_input ? to[c->output[o]] : c->output[o] - less;
    c->n_input = n;
    free(to);
    return n;
}

static int assemble(cb_programme *p, const cb_logic_student *s, const body *b, const int32_t *old, int32_t n) {
    cb_op *op = cb_programme_compare(p, "thermometer", n);
    if (!op) return -1;
    for (int32_t j = 0; j < n; j++) op->source[j] = s->code.source[old[j]], op->threshold[j] = s->code.threshold[old[j]];
    if (!cb_programme_logic(p, "gates", &b->c) || !(op = cb_programme_dense(p, "head", 1, true))) return -1;
    for (int o = 0; o < b->c.n_output; o++) op->w[o] = (int32_t)b->w[o];
    op->w_frac = op->bias_frac = b->frac;
    op->bias[0] = b->bias;
    if (!(op = cb_programme_quant(p, "score", 1))) return -1;
    op->relu = true, op->round = CB_RND, op->overflow = CB_SAT;
    op->format[0] = (cb_format){0, CB_SCORE_BITS - CB_SCORE_FRAC, CB_SCORE_FRAC};
    return cb_programme_finish(p);
}

int cb_logic_programme(cb_programme *p, const cb_logic_student *s, const char *name, int64_t seed) {
    body b = {.w = cb_alloc((size_t)cb_logic_outputs(&s->net), sizeof *b.w)};
    int32_t *old = cb_alloc((size_t)s->net.n_input, sizeof *old);
    memset(p, 0, sizeof *p);
    strncpy(p->name, name, sizeof p->name - 1);
    strcpy(p->family, "lgn");
    p->seed = seed, p->input_h = s->height, p->input_w = s->width, p->ebops = NAN;
    p->parameters = (int64_t)s->net.n_weight;
    int rc = b.w && old && !head_grid(s, &b) && !cb_logic_harden(&s->net, s->w, &b.c) && !cb_circuit_simplify(&b.c) &&
                     !merge_outputs(&b)
                 ? 0
                 : -1;
    int32_t n = rc ? -1 : used_inputs(&b.c, old);
    if (n < 0 || assemble(p, s, &b, old, n)) {
        cb_programme_free(p);
        rc = -1;
    }
    cb_circuit_free(&b.c);
    free(b.w);
    free(old);
    return rc;
}

/* ---- check ---- */

typedef struct {
    const cb_logic_student *s;
    cb_circuit c;
} plain;

static int plain_codes(void *context, const uint16_t *et, uint32_t n, uint16_t *code) {
    const plain *q = context;
    const cb_logic_student *s = q->s;
    size_t pixels = (size_t)s->height * (size_t)s->width, signals = (size_t)q->c.n_input + (size_t)q->c.n;
    int bad = 0;
#pragma omp parallel
    {
        uint8_t *signal = malloc(signals);
#pragma omp for schedule(static)
        for (uint32_t e = 0; e < n; e++) {
            double y = rint((double)s->c[q->c.n_output] * 0x1p16) * 0x1p-16;
            if (!signal) {
#pragma omp atomic write
                bad = 1;
                continue;
            }
            for (int j = 0; j < q->c.n_input; j++) signal[j] = et[e * pixels + (size_t)s->code.source[j]] > s->code.threshold[j];
            cb_circuit_trace(&q->c, signal);
            for (int o = 0; o < q->c.n_output; o++) y += (double)s->c[o] * signal[q->c.output[o]];
            y = floor(y * 256 + 0.5);
            code[e] = (uint16_t)(y < 0 ? 0 : y > 65535 ? 65535 : y);
        }
        free(signal);
    }
    return bad ? cb_fail("out of memory") : 0;
}

int cb_logic_check(const cb_logic_student *s, const cb_programme *p, const cb_student_set *set, int64_t *checked,
                   int64_t *mismatches) {
    plain q = {.s = s};
    if (cb_logic_harden(&s->net, s->w, &q.c)) return -1;
    int rc = cb_student_check(p, set, s->design.seed, plain_codes, &q, checked, mismatches);
    cb_circuit_free(&q.c);
    return rc;
}
