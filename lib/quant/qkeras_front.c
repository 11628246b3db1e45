#include "quant/qkeras_front.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quant/ebops.h"
#include "quant/qkeras_export.h"

/* ---- widths ---- */

/* One number of at most two digits; advances *at. */
static int digits(const char **at, const char *end, int *v) {
    const char *start = *at;
    for (*v = 0; *at < end && isdigit((unsigned char)**at) && *at - start < 2; ++*at) *v = 10 * *v + (**at - '0');
    return *at > start ? 0 : -1;
}

static int item(cb_qkeras_bits *b, const char **at, const char *end) {
    cb_qbits *weight[] = {&b->conv, &b->dense, &b->bias, &b->out};
    cb_qrelu *relu[] = {&b->relu_conv, &b->relu_dense};
    static const char letter[] = "cdborswag";
    const char *which = strchr(letter, **at);
    int bits, integer = -1, k = which ? (int)(which - letter) : -1;
    if (*(*at)++ == 'n') {
        b->dropout = 0;
        return 0;
    }
    if (k < 0 || digits(at, end, &bits)) return -1;
    if (k == 8) {
        b->gamma = bits;
        return bits > 0 ? 0 : -1;
    }
    if (*at < end && **at == '.' && (++*at, digits(at, end, &integer))) return -1;
    for (int q = 0; q < 6; q++) {
        bool mine = q == k || (k == 6 && q < 4) || (k == 7 && q >= 4);
        int *to[2] = {q < 4 ? &weight[q]->bits : &relu[q - 4]->bits, q < 4 ? &weight[q]->integer : &relu[q - 4]->integer};
        if (mine) *to[0] = bits;
        if (mine && integer >= 0) *to[1] = integer;
    }
    return 0;
}

int cb_qkeras_bits_word(cb_qkeras_bits *b, const char *word, size_t n) {
    const char *at = word, *end = word + n;
    while (at < end)
        if (item(b, &at, end))
            return cb_fail("bit widths '%.*s': a letter of cdborswag and a number, such as w6a8 or d4.0, or n, expected at '%.*s'", (int)n,
                           word, (int)(end - at + 1), at - 1);
    return 0;
}

int cb_qkeras_bits_check(const cb_qkeras_bits *b) {
    const struct { const char *name; int bits, integer, least; } q[] = {
        {"conv", b->conv.bits, b->conv.integer, 2},  {"dense", b->dense.bits, b->dense.integer, 2},
        {"bias", b->bias.bits, b->bias.integer, 2},  {"out", b->out.bits, b->out.integer, 2},
        {"relu_conv", b->relu_conv.bits, b->relu_conv.integer, 1}, {"relu_dense", b->relu_dense.bits, b->relu_dense.integer, 1}};
    for (int k = 0; k < 6; k++) {
        if (q[k].bits < q[k].least || q[k].bits > 16)
            return cb_fail("qkeras.%s: %d bits, %d to 16 expected", q[k].name, q[k].bits, q[k].least);
        if (q[k].integer < 0 || q[k].integer > 10)
            return cb_fail("qkeras.%s: %d integer bits, 0 to 10 expected", q[k].name, q[k].integer);
    }
    return 0;
}

/* ---- training ---- */

typedef struct {
    const cb_qkeras_shape *shape;
    const cb_student_set *set;
    const cb_qkeras_plan *plan;
    cb_qkeras_bits bits[CB_FRONT_WIDTHS];
    char label[CB_FRONT_WIDTHS][sizeof((cb_front_run *)0)->label];
} scan;

static void release(void *state) {
    if (state) cb_qkeras_student_free(state);
    free(state);
}

/* Splits the words into labels and widths; returns their number. */
static int parse(scan *c, const char *widths) {
    int n = 0;
    for (const char *w = widths + strspn(widths, " "); *w; w += strspn(w, " "), n++) {
        size_t length = strcspn(w, " ");
        if (n == CB_FRONT_WIDTHS) return cb_fail("front.widths: more than %d words", CB_FRONT_WIDTHS);
        if (length >= sizeof c->label[n]) return cb_fail("front.widths: a word of %zu characters", length);
        snprintf(c->label[n], sizeof c->label[n], "%.*s", (int)length, w);
        c->bits[n] = c->shape->bits;
        if (cb_qkeras_bits_word(&c->bits[n], w, length) || cb_qkeras_bits_check(&c->bits[n])) return cb_fail_in("front.widths");
        w += length;
    }
    return n ? n : cb_fail("front.widths names no widths");
}

/* The best epoch of a trained student, which the front takes over. */
static int offer(cb_front *front, cb_qkeras_student *m, const cb_history *h, const char *name, double *ebops) {
    cb_front_point point = {.epoch = h->best, .error = h->val_loss[h->best], .state = m};
    cb_qkeras_folded folded;
    cb_programme p = {0};
    int rc = cb_qkeras_folded_new(&folded, m);
    if (!rc) {
        rc = cb_qkeras_programme(&p, &folded, name);
        if (!rc) point.cost = cb_programme_ebops_exact(&p), point.ebops = *ebops = p.ebops;
        cb_programme_free(&p);
        cb_qkeras_folded_free(&folded);
    }
    if (!rc && cb_front_wants(front, point.cost, point.error)) return cb_front_add(front, &point);
    release(m);
    return rc;
}

/* The history as a run; every epoch has the same EBOPs. */
static int run_of(cb_front_run *run, cb_history *h, double ebops) {
    double *column = cb_alloc((size_t)h->n, sizeof *column);
    if (!column) return -1;
    for (int e = 0; e < h->n; e++) column[e] = ebops;
    run->n = h->n, run->loss = h->loss, run->val_mae = h->val_loss, run->ebops = column;
    *h = (cb_history){0};
    return 0;
}

static int train_one(void *context, int k, cb_front *front, cb_front_run *run) {
    const scan *c = context;
    cb_qkeras_shape shape = *c->shape;
    cb_history history = {0};
    double ebops = 0;
    snprintf(run->label, sizeof run->label, "%s", c->label[k]);
    shape.bits = c->bits[k];
    shape.drop_flat *= (float)shape.bits.dropout;
    shape.drop_hidden *= (float)shape.bits.dropout;
    cb_qkeras_student *m = cb_alloc(1, sizeof *m);
    int rc = !m || cb_qkeras_student_new(m, &shape) || cb_qkeras_train(m, c->set, c->plan, &history) ? -1 : 0;
    if (rc) release(m);
    else rc = offer(front, m, &history, run->label, &ebops) || run_of(run, &history, ebops) ? -1 : 0;
    cb_history_free(&history);
    return rc;
}

int cb_qkeras_front_train(const cb_qkeras_shape *shape, const cb_student_set *set, const cb_qkeras_plan *plan,
                          const char *widths, cb_front *front, cb_front_run *run, int *n_run) {
    scan *c = cb_alloc(1, sizeof *c);
    *front = (cb_front){.release = release};
    *n_run = 0;
    if (!c) return -1;
    c->shape = shape, c->set = set, c->plan = plan;
    int n = parse(c, widths), rc = n < 0 ? -1 : cb_front_scan(n, train_one, c, release, front, run);
    *n_run = n < 0 ? 0 : n;
    free(c);
    return rc;
}

/* ---- writing ---- */

static int programme(const void *set, void *state, const char *name, cb_programme *p, int64_t *checked, int64_t *mismatches) {
    cb_qkeras_folded folded;
    if (cb_qkeras_folded_new(&folded, state)) return -1;
    int rc = cb_qkeras_programme(p, &folded, name) || cb_qkeras_check(&folded, p, set, checked, mismatches) ? -1 : 0;
    cb_qkeras_folded_free(&folded);
    return rc;
}

int cb_qkeras_front_write(const cb_front *front, const cb_student_set *set, const char *name, cb_h5 *f) {
    return cb_front_write(f, front, name, programme, set);
}
