/* A logic student as integer programme. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fmath.h"
#include "logic/student.h"
#include "quant/circuit_prove.h"

enum { MOST_FRAC = 16, HINGE_BITS = 40 };

/* The circuit and the sums of its outputs while they are put together: S_u = sum w[o][u] output[o] + bias[u], in units of 2^-frac. */
typedef struct {
    cb_circuit c;
    int units, frac;
    int64_t *w, bias[CB_LOGIC_UNITS];
} body;

/* Smallest frac with n values whole; -1: none up to MOST_FRAC. */
static int grid_of(const float *x, size_t n) {
    for (int frac = 0; frac <= MOST_FRAC; frac++) {
        size_t e = 0;
        while (e < n && (double)x[e] * cb_pow2(frac) == rint((double)x[e] * cb_pow2(frac)) && fabs((double)x[e]) < 0x1p14) e++;
        if (e == n) return frac;
    }
    return -1;
}

/* Without hinges the head's constant is the sum's, rounded to its grid. */
static int sums_of(const cb_logic_student *s, body *b) {
    const cb_logic_head *h = &s->net.head;
    int n = cb_logic_outputs(&s->net);
    size_t weights = cb_logic_head_weights(h, n);
    b->units = h->units;
    b->frac = grid_of(s->c, weights);
    if (b->frac < 0)
        return cb_fail("logic student: 1/lgn.tau = %.9g is no multiple of 2^-%d, so that the head has no exact integer form; take a power of two",
                       (double)s->c[0], MOST_FRAC);
    b->w = cb_alloc((size_t)n * (size_t)b->units, sizeof *b->w);
    if (!b->w) return -1;
    for (int o = 0; o < n; o++)
        b->w[o * b->units + cb_logic_head_unit(h, o)] = (int64_t)((double)s->c[o / h->share] * cb_pow2(b->frac));
    if (!h->hinges) b->bias[0] = (int64_t)rint((double)s->c[weights] * cb_pow2(b->frac));
    return 0;
}

static bool any_weight(const body *b, int32_t o) {
    bool any = false;
    for (int u = 0; u < b->units; u++) any |= b->w[o * b->units + u] != 0;
    return any;
}

/* What the signals of the circuit weigh in sum u: weight[signal], constants and the bias in weight[signals]; times `sign`. */
static void add_weights(const body *b, int u, int sign, int64_t *weight) {
    const cb_circuit *c = &b->c;
    int64_t *constant = &weight[c->n_input + c->n];
    *constant += sign * b->bias[u];
    for (int32_t o = 0; o < c->n_output; o++) {
        int32_t signal = c->output[o];
        const cb_gate *g = signal < c->n_input ? NULL : &c->gate[signal - c->n_input];
        bool known = g && g->k == 0;
        *(known ? constant : &weight[signal]) += sign * (known && !(g->table & 1) ? 0 : b->w[o * b->units + u]);
    }
}

/* Outputs that are constant go into the biases, equal ones become one, those of weight 0 go. At least one stays. */
static int merge_outputs(body *b) {
    size_t row = (size_t)b->units;
    cb_circuit *c = &b->c;
    int32_t *slot = cb_alloc((size_t)c->n_input + (size_t)c->n, sizeof *slot), n = 0;
    if (!slot) return -1;
    for (int32_t o = 0; o < c->n_output; o++) {
        int32_t signal = c->output[o];
        const cb_gate *g = signal < c->n_input ? NULL : &c->gate[signal - c->n_input];
        const int64_t *w = b->w + (size_t)o * row;
        if (g && g->k == 0)
            for (int u = 0; u < b->units; u++) b->bias[u] += g->table & 1 ? w[u] : 0;
        else if (slot[signal])
            for (int u = 0; u < b->units; u++) b->w[(size_t)(slot[signal] - 1) * row + (size_t)u] += w[u];
        else {
            memmove(b->w + (size_t)n * row, w, row * sizeof *w);
            c->output[n] = signal, slot[signal] = ++n;
        }
    }
    int32_t kept = 0;
    for (int32_t o = 0; o < n; o++)
        if (any_weight(b, o)) {
            memmove(b->w + (size_t)kept * row, b->w + (size_t)o * row, row * sizeof *b->w);
            c->output[kept++] = c->output[o];
        }
    if (!kept) c->output[0] = 0, memset(b->w, 0, row * sizeof *b->w), kept = 1;
    c->n_output = kept;
    free(slot);
    return 0;
}

/* The same, proven: every signal weighs what it did, in every sum. */
static int merge_proven(body *b) {
    size_t room = (size_t)b->c.n_input + (size_t)b->c.n + 1;
    int64_t *weight = cb_alloc(room * (size_t)b->units, sizeof *weight);
    int rc = weight ? 0 : -1;
    for (int u = 0; u < b->units && !rc; u++) add_weights(b, u, 1, weight + (size_t)u * room);
    if (!rc) rc = merge_outputs(b);
    for (int u = 0; u < b->units && !rc; u++) add_weights(b, u, -1, weight + (size_t)u * room);
    for (size_t k = 0; !rc && k < room * (size_t)b->units; k++)
        if (weight[k]) rc = cb_fail("logic student: merged outputs weigh something else");
    free(weight);
    return rc ? -1 : cb_circuit_simplify(&b->c);
}

/* Comparators that gates or outputs read; the circuit's inputs become those, which is proven. Returns how many. */
static int32_t used_inputs(cb_circuit *c, int32_t *old) {
    cb_circuit before = {0};
    int32_t *to = cb_alloc((size_t)c->n_input + (size_t)c->n, sizeof *to), n = 0;
    if (!to || cb_circuit_copy(&before, c)) return free(to), -1;
    for (int32_t g = 0; g < c->n; g++)
        for (int j = 0; j < c->gate[g].k; j++) to[c->gate[g].in[j]] = 1;
    for (int32_t o = 0; o < c->n_output; o++) to[c->output[o]] = 1;
    for (int32_t i = 0; i < c->n_input; i++)
        if (to[i]) old[n] = i, to[i] = n++;
        else to[i] = -1;
    if (!n) n = 1, old[0] = 0, to[0] = 0; /* a constant score */
    for (int32_t g = 0; g < c->n; g++) to[c->n_input + g] = n + g;
    cb_circuit_renumber(c, n, to);
    int rc = cb_circuit_prove_renumbered(&before, c, to);
    cb_circuit_free(&before);
    free(to);
    return rc ? -1 : n;
}

/* The hinges: weights on the sums and thresholds, max(., 0), weights on them and the constant. */
static int add_hinges(cb_programme *p, const cb_logic_student *s, const body *b) {
    const cb_logic_head *h = &s->net.head;
    const float *v = s->c + cb_logic_head_weights(h, cb_logic_outputs(&s->net)), *t = v + h->hinges * h->units, *a = t + h->hinges;
    cb_op *op = cb_programme_quant(p, "sums", 1); /* exact: what is behind a linear layer */
    if (!op) return -1;
    op->round = CB_TRN, op->overflow = CB_SAT;
    op->format[0] = (cb_format){1, (int16_t)(HINGE_BITS - b->frac), (int16_t)b->frac};
    op = cb_programme_dense(p, "hinges", h->hinges, true);
    int v_frac = grid_of(v, (size_t)(h->hinges * h->units)), a_frac = grid_of(a, (size_t)h->hinges), t_frac = grid_of(t, (size_t)h->hinges);
    if (!op || v_frac < 0 || a_frac < 0 || t_frac < 0) return op ? cb_fail("logic student: hinges off their grids") : -1;
    op->bias_frac = t_frac, op->w_frac = v_frac > t_frac - b->frac ? v_frac : t_frac - b->frac;
    for (int k = 0; k < h->hinges; k++) {
        for (int u = 0; u < h->units; u++)
            op->w[u * h->hinges + k] = (int32_t)((double)v[k * h->units + u] * cb_pow2(op->w_frac));
        op->bias[k] = (int64_t)((double)t[k] * cb_pow2(t_frac));
    }
    int frac = b->frac + op->w_frac;
    if (!(op = cb_programme_quant(p, "above", 1))) return -1;
    op->relu = true, op->round = CB_TRN, op->overflow = CB_SAT;
    op->format[0] = (cb_format){0, (int16_t)(HINGE_BITS - frac), (int16_t)frac};
    if (!(op = cb_programme_dense(p, "sum", 1, false))) return -1;
    op->w_frac = a_frac;
    for (int k = 0; k < h->hinges; k++) op->w[k] = (int32_t)((double)a[k] * cb_pow2(op->w_frac));
    return 0;
}

static int assemble(cb_programme *p, const cb_logic_student *s, const cb_front_end *front, const body *b, const int32_t *old, int32_t n) {
    if (front && cb_front_end_begin(front, p)) return -1;
    cb_op *op = cb_programme_compare(p, "thermometer", n);
    if (!op) return -1;
    for (int32_t j = 0; j < n; j++) {
        int32_t source = s->code.source[old[j]];
        op->source[j] = front ? front->element[source] : source, op->threshold[j] = s->code.threshold[old[j]];
        if (op->mask) op->mask[j] = s->code.mask[old[j]];
    }
    if (!cb_programme_logic(p, "gates", &b->c) || !(op = cb_programme_dense(p, "head", b->units, true))) return -1;
    for (int e = 0; e < b->c.n_output * b->units; e++) op->w[e] = (int32_t)b->w[e];
    op->w_frac = op->bias_frac = b->frac;
    memcpy(op->bias, b->bias, (size_t)b->units * sizeof *op->bias);
    if (s->net.head.hinges && add_hinges(p, s, b)) return -1;
    if (!(op = cb_programme_quant(p, "score", 1))) return -1;
    op->relu = true, op->overflow = CB_SAT;
    op->round = s->net.head.hinges ? CB_TRN : CB_RND; /* the constant of a rounding would be one more operand of the last sum */
    op->format[0] = (cb_format){0, CB_SCORE_BITS - CB_SCORE_FRAC, CB_SCORE_FRAC};
    return cb_programme_finish(p);
}

static int programme(cb_programme *p, const cb_logic_student *s, const cb_front_end *front, const char *name, int64_t seed) {
    body b = {0};
    int32_t *old = cb_alloc((size_t)s->net.n_input, sizeof *old);
    memset(p, 0, sizeof *p);
    strncpy(p->name, name, sizeof p->name - 1);
    strcpy(p->family, "lgn");
    p->seed = seed, p->input_h = s->height, p->input_w = s->width, p->ebops = NAN;
    p->parameters = (int64_t)s->net.n_weight;
    int rc = old && !sums_of(s, &b) && !cb_logic_harden(&s->net, s->w, &b.c) && !cb_circuit_simplify(&b.c) && !merge_proven(&b) ? 0 : -1;
    int32_t n = rc ? -1 : used_inputs(&b.c, old);
    if (n < 0 || assemble(p, s, front, &b, old, n)) {
        cb_programme_free(p);
        rc = -1;
    }
    cb_circuit_free(&b.c);
    free(b.w);
    free(old);
    return rc;
}

int cb_logic_programme(cb_programme *p, const cb_logic_student *s, const char *name, int64_t seed) { return programme(p, s, s->front, name, seed); }

int cb_logic_programme_of_features(cb_programme *p, const cb_logic_student *s) { return programme(p, s, NULL, "hardened", 0); }

/* ---- proof ---- */

static bool same_circuit(const cb_circuit *x, const cb_circuit *y) {
    bool same = x->n_input == y->n_input && x->n == y->n && x->n_output == y->n_output &&
                !memcmp(x->output, y->output, (size_t)x->n_output * sizeof *x->output);
    for (int32_t g = 0; same && g < x->n; g++)
        same = x->gate[g].k == y->gate[g].k && x->gate[g].table == y->gate[g].table && !memcmp(x->gate[g].in, y->gate[g].in, sizeof x->gate[g].in);
    return same;
}

static bool same_numbers(const void *x, const void *y, int n, size_t size) {
    return n == 0 || !x == !y ? !x || !memcmp(x, y, (size_t)n * size) : false;
}

/* Trained thresholds stand in the programme alone. */
static bool same_operation(const cb_op *x, const cb_op *y, bool trained_thresholds) {
    if (x->kind != y->kind || x->in_h * x->in_w * x->in_c != y->in_h * y->in_w * y->in_c || x->out_c != y->out_c) return false;
    switch (x->kind) {
    case CB_OP_COMPARE:
        return same_numbers(x->source, y->source, x->out_c, sizeof *x->source) && same_numbers(x->mask, y->mask, x->out_c, sizeof *x->mask) &&
               (trained_thresholds || same_numbers(x->threshold, y->threshold, x->out_c, sizeof *x->threshold));
    case CB_OP_LOGIC: return same_circuit(&x->circuit, &y->circuit);
    case CB_OP_DENSE:
        return x->w_frac == y->w_frac && x->bias_frac == y->bias_frac &&
               same_numbers(x->w, y->w, x->in_h * x->in_w * x->in_c * x->out_c, sizeof *x->w) && same_numbers(x->bias, y->bias, x->out_c, sizeof *x->bias);
    default: return x->relu == y->relu && x->round == y->round && x->overflow == y->overflow && !memcmp(x->format, y->format, sizeof *x->format);
    }
}

int cb_logic_prove(const cb_logic_student *s, const cb_programme *p, int64_t *gates, int64_t *sums) {
    cb_circuit hard;
    cb_programme again;
    *gates = *sums = 0;
    if (cb_logic_harden(&s->net, s->w, &hard)) return -1;
    *gates = hard.n;
    cb_circuit_free(&hard);
    if (cb_logic_programme(&again, s, p->name, p->seed)) return -1;
    int rc = again.n_op == p->n_op ? 0 : cb_fail("%d operations, %d expected", p->n_op, again.n_op);
    for (int k = s->front ? s->front->op + 1 : 0; k < p->n_op && !rc; k++)
        if (!same_operation(&again.op[k], &p->op[k], s->design.learn_thresholds)) rc = cb_fail("operation %s is another", p->op[k].name);
    *sums = s->net.head.units;
    cb_programme_free(&again);
    return rc ? cb_fail_in("student '%s': the programme is not that of the trained gates", p->name) : 0;
}
