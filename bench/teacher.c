/* The teacher: one training step (forward, backward, gradients, Adam), and scoring. */
#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"
#include "base/threads.h"
#include "measure.h"
#include "nn/autoencoder.h"
#include "nn/isa.h"
#include "nn/teacher.h"

enum { SCORED = 4096 };

typedef struct {
    const cb_dataset *d;
    cb_teacher *t;
    cb_fit *fit;
    size_t batch;
    uint32_t *order, at; /* [d->n] a permutation, and where the next batch starts */
    float *mse;          /* [SCORED] */
} teacher_work;

static int step(void *context) {
    teacher_work *w = context;
    double loss;
    if (w->at + w->batch > w->d->n) w->at = 0;
    w->at += (uint32_t)w->batch;
    return cb_fit_step(w->fit, w->d->et, w->order + w->at - w->batch, w->batch, &loss);
}

static int score(void *context) {
    teacher_work *w = context;
    return cb_autoencoder_mse(w->t->net, w->d->et, w->order, SCORED, NULL, w->mse);
}

/* Multiply-adds of one event forward: nominal (padded taps included, upsampling before convolutions), and as
 * they are done; [1] of the first layer, whose input needs no gradient. */
typedef struct {
    double nominal[2], done[2];
} products;

static products products_of(const cb_network *net) {
    products p = {0};
    for (int i = 0; i < net->n_layer; i++) {
        const cb_layer *l = &net->layer[i];
        double n = (double)l->n_kernel * (l->cv ? l->cv->out_height * l->cv->out_width : 1);
        double done = l->cv ? cb_conv_products(l->cv) : n;
        if (!i) p.nominal[1] = n, p.done[1] = done;
        p.nominal[0] += n;
        p.done[0] += done;
    }
    return p;
}

static int measure_loop(bench *b, teacher_work *w, const char *name, int threads) {
    products p = products_of(w->t->net);
    bench_case c = {.isa = cb_isa_name(cb_isa()), .threads = threads, .loop = true, .context = w};
    snprintf(c.name, sizeof c.name, "%s/train-%zu", name, w->batch);
    c.events = (double)w->batch;
    c.flop = 2 * (3 * p.nominal[0] - p.nominal[1]);
    c.executed = 2 * (3 * p.done[0] - p.done[1]);
    c.work = step;
    if (bench_wanted(b, "%s", c.name) && (!(w->fit = cb_fit_new(w->t->net, w->batch, 1e-3)) || bench_measure(b, &c))) return -1;
    snprintf(c.name, sizeof c.name, "%s/score", name);
    c.events = SCORED;
    c.flop = 2 * p.nominal[0];
    c.executed = 2 * p.done[0];
    c.work = score;
    return w->batch == 512 ? bench_measure(b, &c) : 0;
}

static int measure(bench *b, const char *name, const char *architecture, size_t batch, int threads) {
    if (!bench_wanted(b, "%s/train-%zu", name, batch) && !bench_wanted(b, "%s/score", name)) return 0;
    int width[3] = {20, 30, 80}, rc = -1;
    teacher_work w = {.d = bench_events(b), .batch = batch};
    cb_threads_set(threads);
    if (w.d && (w.t = cb_teacher_new(architecture, width, w.d->height, w.d->width)) &&
        (w.order = cb_alloc(w.d->n, sizeof *w.order)) && (w.mse = cb_alloc(SCORED, sizeof *w.mse)) &&
        !cb_network_init(w.t->net, 1, "teacher")) {
        cb_rng r = cb_rng_at(1, "bench/order", 0);
        cb_rng_permutation(&r, w.order, w.d->n);
        rc = measure_loop(b, &w, name, threads);
    }
    cb_fit_free(w.fit);
    cb_teacher_free(w.t);
    free(w.order);
    free(w.mse);
    return rc;
}

int bench_teacher(bench *b) {
    for (int k = 0, t; (t = bench_threads(b, k)); k++)
        if (measure(b, "teacher", "cicada", 512, t) || measure(b, "teacher", "cicada", 1024, t) ||
            measure(b, "teacher-revised", "cicada-revised", 512, t))
            return -1;
    return 0;
}
