/* The programme of a logic student against the network as trained. */
#include <math.h>
#include <stdlib.h>

#include "logic/student.h"
#include "quant/student_check.h"

/* Code of a score before it is rounded: what the programme does behind its head. */
static uint16_t code_of(const cb_logic_student *s, const uint8_t *output) {
    const cb_logic_head *h = &s->net.head;
    double y = cb_logic_head_plain(h, cb_logic_outputs(&s->net), s->c, output) * 256;
    y = floor(h->hinges ? y : y + 0.5);
    return (uint16_t)(y < 0 ? 0 : y > 65535 ? 65535 : y);
}

/* What the network reads of n images: the images, or features of its front end in feature[CB_CHECK_EVENTS][features]. NULL: failed. */
static const uint16_t *read_by(const cb_logic_student *s, const uint16_t *et, uint32_t n, uint16_t *feature) {
    if (!s->front) return et;
    return cb_front_end_features(s->front, et, n, feature) ? NULL : feature;
}

static uint16_t *feature_room(const cb_logic_student *s) {
    return cb_alloc(s->front ? (size_t)CB_CHECK_EVENTS * (size_t)s->front->n : 1, sizeof(uint16_t));
}

/* ---- gate by gate ---- */

typedef struct {
    const cb_logic_student *s;
    cb_circuit c;
    uint16_t *feature;
} gates;

static int gate_codes(void *context, const uint16_t *et, uint32_t n, uint16_t *code) {
    const gates *q = context;
    const cb_logic_student *s = q->s;
    size_t pixels = (size_t)s->height * (size_t)s->width, signals = (size_t)q->c.n_input + (size_t)q->c.n;
    int bad = 0;
    if (!(et = read_by(s, et, n, q->feature))) return -1;
#pragma omp parallel
    {
        uint8_t *signal = malloc(signals + (size_t)q->c.n_output), *output = signal ? signal + signals : NULL;
#pragma omp for schedule(static)
        for (uint32_t e = 0; e < n; e++) {
            if (!signal) {
#pragma omp atomic write
                bad = 1;
                continue;
            }
            for (int j = 0; j < q->c.n_input; j++) signal[j] = (et[e * pixels + (size_t)s->code.source[j]] & s->code.mask[j]) > s->code.threshold[j];
            cb_circuit_trace(&q->c, signal);
            for (int o = 0; o < q->c.n_output; o++) output[o] = signal[q->c.output[o]];
            code[e] = code_of(s, output);
        }
        free(signal);
    }
    return bad ? cb_fail("out of memory") : 0;
}

static int check_gates(const cb_logic_student *s, const cb_programme *p, const cb_student_set *set, int64_t *checked, int64_t *mismatches) {
    gates q = {.s = s, .feature = feature_room(s)};
    int rc = !q.feature || cb_logic_harden(&s->net, s->w, &q.c) ? -1 : cb_student_check(p, set, s->design.seed, gate_codes, &q, checked, mismatches);
    cb_circuit_free(&q.c);
    free(q.feature);
    return rc;
}

/* ---- the trainer's kernels ---- */

typedef struct {
    const cb_logic_student *s;
    cb_logic_net net;    /* of s, its wires fixed where they were learnt */
    cb_logic_code code;  /* of s, bits where training had a table */
    cb_logic_trainer t;
    const uint16_t **image;
    uint8_t *output;     /* [CB_CHECK_EVENTS][outputs] */
    uint16_t *feature;
} kernels;

static int kernel_codes(void *context, const uint16_t *et, uint32_t n, uint16_t *code) {
    kernels *q = context;
    size_t pixels = (size_t)q->s->height * (size_t)q->s->width, outputs = (size_t)cb_logic_outputs(&q->net);
    if (!(et = read_by(q->s, et, n, q->feature))) return -1;
    for (uint32_t e = 0; e < n; e++) q->image[e] = et + e * pixels;
    cb_logic_bits(&q->t, q->image, n, q->output);
#pragma omp parallel for schedule(static)
    for (uint32_t e = 0; e < n; e++) code[e] = code_of(q->s, q->output + e * outputs);
    return 0;
}

/* A trainer of the hardware's view: nothing soft, no noise. */
static int kernels_new(kernels *q, const cb_logic_student *s) {
    *q = (kernels){.s = s, .net = s->net, .code = s->code};
    q->net.n_choice = 0;
    for (int l = 0; l < q->net.n_layer; l++) q->net.layer[l].n_choice = 0;
    q->code.table = NULL;
    if (cb_logic_trainer_new(&q->t, &q->net, &q->code, s->height * s->width, CB_CHECK_EVENTS)) return -1;
    q->image = cb_alloc(CB_CHECK_EVENTS, sizeof *q->image);
    q->output = cb_alloc(CB_CHECK_EVENTS, (size_t)cb_logic_outputs(&q->net));
    q->feature = feature_room(s);
    if (!q->image || !q->output || !q->feature) return -1;
    q->t.recipe.hard = true;
    cb_logic_weights_set(&q->t, s->w);
    cb_logic_refresh(&q->t);
    return 0;
}

static int check_kernels(const cb_logic_student *s, const cb_programme *p, const cb_student_set *set, int64_t *checked, int64_t *mismatches) {
    kernels q;
    int64_t n = 0, wrong = 0;
    int rc = kernels_new(&q, s) || cb_student_check(p, set, s->design.seed, kernel_codes, &q, checked, mismatches) ||
                     cb_student_check_split(p, set, CB_TRAIN, kernel_codes, &q, &n, &wrong)
                 ? -1
                 : 0;
    *checked += n, *mismatches += wrong;
    cb_logic_trainer_free(&q.t);
    free(q.image);
    free(q.output);
    free(q.feature);
    return rc;
}

int cb_logic_check(const cb_logic_student *s, const cb_programme *p, const cb_student_set *set, int64_t *checked,
                   int64_t *mismatches) {
    int64_t n = 0, wrong = 0;
    if (check_gates(s, p, set, &n, &wrong) || check_kernels(s, p, set, checked, mismatches)) return -1;
    *mismatches += wrong;
    return 0;
}
