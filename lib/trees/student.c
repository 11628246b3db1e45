/* A tree student as integer programme, the check of it, and its file group. */
#include "trees/student.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quant/student_check.h"

void cb_tree_student_free(cb_tree_student *s) {
    free(s->tree);
    free(s->n_cut);
    free(s->cut);
    *s = (cb_tree_student){0};
}

static int32_t threshold_of(const cb_tree_student *s, const cb_tree *t, int level) {
    return s->cut[t->feature[level] * CB_TREE_BINS + t->cut[level]];
}

uint16_t cb_tree_student_code(const cb_tree_student *s, const int32_t *value) {
    int64_t sum = s->start;
    for (int k = 0; k < s->n_tree; k++) {
        const cb_tree *t = &s->tree[k];
        int leaf = 0;
        for (int d = 0; d < t->depth; d++) leaf = 2 * leaf + (value[t->feature[d]] > threshold_of(s, t, d));
        sum += cb_tree_leaf_value(t, leaf);
    }
    sum *= 256 >> s->frac;
    return (uint16_t)(sum < 0 ? 0 : sum > 65535 ? 65535 : sum);
}

/* ---- the programme ---- */

/* A comparator: feature > threshold. */
typedef struct {
    int32_t feature, threshold;
} asked;

typedef struct {
    asked *question; /* [n_question] ascending, each once: inputs of the circuit */
    int32_t n_question;
    int32_t *feature, *unit, n_feature; /* ascending, each once */
    cb_circuit c;
    int64_t *w, bias; /* [c.n_output], steps of 2^-frac */
} body;

static int by_question(const void *p, const void *q) {
    const asked *a = p, *b = q;
    return a->feature != b->feature ? (a->feature < b->feature ? -1 : 1) : (a->threshold > b->threshold) - (a->threshold < b->threshold);
}

/* Questions of all trees, each once, and what they are about. A student that asks nothing asks one all the same. */
static int collect(const cb_tree_student *s, body *b) {
    size_t room = (size_t)s->n_tree * CB_TREE_DEPTH + 1;
    int32_t n = 0;
    b->question = cb_alloc(room, sizeof *b->question);
    b->feature = cb_alloc(room, sizeof *b->feature);
    b->unit = cb_alloc(room, sizeof *b->unit);
    if (!b->question || !b->feature || !b->unit) return -1;
    for (int k = 0; k < s->n_tree; k++)
        for (int d = 0; d < s->tree[k].depth; d++) b->question[n++] = (asked){s->tree[k].feature[d], threshold_of(s, &s->tree[k], d)};
    if (!n) n = 1;
    qsort(b->question, (size_t)n, sizeof *b->question, by_question);
    for (int32_t k = 0; k < n; k++) {
        if (k && !by_question(&b->question[k], &b->question[b->n_question - 1])) continue;
        if (!k || b->question[k].feature != b->feature[b->n_feature - 1]) b->feature[b->n_feature++] = b->question[k].feature;
        b->question[b->n_question++] = b->question[k];
    }
    return 0;
}

static int32_t question_at(const body *b, asked q) {
    const asked *found = bsearch(&q, b->question, (size_t)b->n_question, sizeof q, by_question);
    return (int32_t)(found - b->question);
}

/* A table for each binary digit of the tree's leaves. */
static int add_tree(const cb_tree_student *s, const cb_tree *t, body *b) {
    int32_t in[CB_TREE_DEPTH];
    for (int d = 0; d < t->depth; d++) in[d] = question_at(b, (asked){t->feature[d], threshold_of(s, t, d)});
    for (int digit = 0; digit < cb_tree_digits(t); digit++) {
        uint64_t table = 0;
        for (int l = 0; l < 1 << t->depth; l++) table |= (uint64_t)(t->leaf[l] >> digit & 1) << l;
        int32_t signal = cb_circuit_gate(&b->c, t->depth, in, table);
        if (signal < 0) return -1;
        b->c.output[b->c.n_output] = signal;
        b->w[b->c.n_output++] = (int64_t)1 << (t->shift + digit);
    }
    b->bias += (int64_t)t->base * (1 << t->shift);
    return 0;
}

static int make_circuit(const cb_tree_student *s, body *b) {
    int32_t n = 1;
    for (int k = 0; k < s->n_tree; k++) n += cb_tree_digits(&s->tree[k]);
    b->w = cb_alloc((size_t)n, sizeof *b->w);
    if (!b->w || cb_circuit_new(&b->c, b->n_question, n)) return -1;
    b->c.n_output = 0, b->bias = s->start;
    for (int k = 0; k < s->n_tree; k++)
        if (add_tree(s, &s->tree[k], b)) return -1;
    if (!b->c.n_output) b->c.output[b->c.n_output++] = 0; /* a constant score: a bit of weight 0 */
    return cb_circuit_simplify(&b->c);
}

static int assemble(cb_programme *p, const cb_tree_student *s, body *b) {
    if (cb_regions_programme(&s->regions, b->feature, b->n_feature, p, b->unit)) return -1;
    cb_op *op = cb_programme_compare(p, "questions", b->n_question);
    for (int32_t j = 0, k = 0; op && j < b->n_question; j++) {
        while (b->feature[k] != b->question[j].feature) k++;
        op->source[j] = k;
        op->threshold[j] = b->question[j].threshold * b->unit[k] + b->unit[k] - 1; /* v unit > this where v > threshold */
    }
    if (!op || !cb_programme_logic(p, "trees", &b->c) || !(op = cb_programme_dense(p, "leaves", 1, true))) return -1;
    for (int32_t o = 0; o < b->c.n_output; o++) op->w[o] = (int32_t)b->w[o];
    op->w_frac = op->bias_frac = s->frac, op->bias[0] = b->bias;
    if (!(op = cb_programme_quant(p, "score", 1))) return -1;
    op->relu = true, op->round = CB_TRN, op->overflow = CB_SAT;
    op->format[0] = (cb_format){0, CB_SCORE_BITS - CB_SCORE_FRAC, CB_SCORE_FRAC};
    return cb_programme_finish(p);
}

int cb_tree_programme(cb_programme *p, const cb_tree_student *s, const char *name, int64_t seed) {
    body b = {0};
    memset(p, 0, sizeof *p);
    if (strlen(name) >= sizeof p->name)
        return cb_fail("student name '%s' is longer than %zu characters", name, sizeof p->name - 1);
    strcpy(p->name, name);
    strcpy(p->family, "bdt");
    p->seed = seed, p->input_h = s->regions.height, p->input_w = s->regions.width, p->ebops = NAN;
    for (int k = 0; k < s->n_tree; k++) p->parameters += s->tree[k].depth + (1 << s->tree[k].depth);
    int rc = collect(s, &b) || make_circuit(s, &b) || assemble(p, s, &b) ? -1 : 0;
    if (rc) cb_programme_free(p);
    cb_circuit_free(&b.c);
    free(b.question);
    free(b.feature);
    free(b.unit);
    free(b.w);
    return rc;
}

/* ---- check ---- */

static int plain_codes(void *context, const uint16_t *et, uint32_t n, uint16_t *code) {
    const cb_tree_student *s = context;
    int32_t *value = cb_alloc((size_t)s->n_feature, sizeof *value);
    if (!value) return -1;
    for (uint32_t e = 0; e < n; e++) {
        cb_regions_values(&s->regions, et + (size_t)e * (size_t)(s->regions.height * s->regions.width), value);
        code[e] = cb_tree_student_code(s, value);
    }
    free(value);
    return 0;
}

int cb_tree_check(const cb_tree_student *s, const cb_programme *p, const cb_student_set *set, int64_t *checked,
                  int64_t *mismatches) {
    return cb_student_check(p, set, (uint64_t)p->seed, plain_codes, (void *)s, checked, mismatches);
}

/* ---- file ---- */

int cb_tree_student_write(const cb_tree_student *s, cb_h5 *f, const char *group) {
    char name[64];
    size_t n = (size_t)s->n_tree;
    uint64_t asks[2] = {n, CB_TREE_DEPTH}, leaves[2] = {n, CB_TREE_LEAVES};
    int32_t *feature = cb_alloc(n * CB_TREE_DEPTH + 1, sizeof *feature), *threshold = cb_alloc(n * CB_TREE_DEPTH + 1, sizeof *threshold),
            *value = cb_alloc(n * CB_TREE_LEAVES + 1, sizeof *value);
    int rc = feature && threshold && value ? 0 : -1;
    for (size_t k = 0; !rc && k < n; k++) {
        const cb_tree *t = &s->tree[k];
        for (int d = 0; d < CB_TREE_DEPTH; d++) {
            feature[k * CB_TREE_DEPTH + (size_t)d] = d < t->depth ? t->feature[d] : -1;
            threshold[k * CB_TREE_DEPTH + (size_t)d] = d < t->depth ? threshold_of(s, t, d) : -1;
        }
        for (int l = 0; l < 1 << t->depth; l++) value[k * CB_TREE_LEAVES + (size_t)l] = cb_tree_leaf_value(t, l);
    }
    if (!rc) rc = cb_h5_group(f, group) || cb_h5_set_i64(f, group, "start", s->start) || cb_h5_set_i64(f, group, "frac", s->frac);
    snprintf(name, sizeof name, "%s/feature", group);
    if (!rc) rc = cb_h5_write(f, name, CB_I32, 2, asks, feature);
    snprintf(name, sizeof name, "%s/threshold", group);
    if (!rc) rc = cb_h5_write(f, name, CB_I32, 2, asks, threshold);
    snprintf(name, sizeof name, "%s/value", group);
    if (!rc) rc = cb_h5_write(f, name, CB_I32, 2, leaves, value);
    free(feature);
    free(threshold);
    free(value);
    return rc ? -1 : 0;
}
