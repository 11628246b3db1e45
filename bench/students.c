/* Training steps of the students: QKeras, float, HGQ; batch 1024, all that a step of their epochs does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "measure.h"
#include "nn/isa.h"
#include "nn/targets.h"
#include "quant/hgq_calibrate.h"
#include "quant/hgq_train.h"
#include "quant/qkeras_student.h"

enum { BATCH = 1024 };

typedef struct {
    uint16_t *code; /* targets of the dataset */
    cb_student_set set;
    cb_student_order order;
    cb_student_batch batch;
    uint32_t next;  /* batch of the order */
    cb_qkeras_student q;
    cb_qkeras_work work;
    cb_hgq_student *h;
    cb_hgq_trainer *trainer;
} student_work;

static const uint32_t *next_batch(student_work *w) {
    if (w->next == w->order.n_batch) w->next = 0;
    return w->order.event + (size_t)w->next++ * w->order.batch;
}

static int qkeras_step(void *context) {
    student_work *w = context;
    cb_student_batch_choose(&w->batch, &w->set, CB_TRAIN, next_batch(w), w->order.batch);
    double loss = cb_qkeras_gradients(&w->q, &w->work, &w->batch);
    cb_qkeras_update(&w->q, 1e-3);
    return loss >= 0 ? 0 : cb_fail("loss %g", loss);
}

static int hgq_step(void *context) {
    student_work *w = context;
    cb_student_batch_choose(&w->batch, &w->set, CB_TRAIN, next_batch(w), w->order.batch);
    cb_hgq_gradient(w->trainer, &w->batch, 1e-5);
    cb_hgq_update(w->trainer);
    return w->trainer->loss >= 0 ? 0 : cb_fail("loss %g", w->trainer->loss);
}

/* Targets: the error that a teacher which answers 0 would have. */
static uint16_t *make_codes(const cb_dataset *d) {
    uint16_t *code = cb_alloc(d->n, sizeof *code);
    size_t n = (size_t)d->height * (size_t)d->width;
    for (size_t e = 0; code && e < d->n; e++) {
        double sum = 0;
        for (size_t i = 0; i < n; i++) sum += (double)d->et[e * n + i] * d->et[e * n + i];
        code[e] = cb_target_code((float)(sum / (double)n));
    }
    return code;
}

static int work_new(student_work *w, const cb_dataset *d) {
    if (!(w->code = make_codes(d)) || cb_student_set_new(&w->set, d, w->code, &(cb_outliers){0}) ||
        cb_student_order_new(&w->order, &w->set, BATCH, 1) || cb_student_batch_new(&w->batch, &w->set, BATCH))
        return -1;
    cb_student_order_shuffle(&w->order, 0);
    return 0;
}

static void work_free(student_work *w) {
    cb_hgq_trainer_free(w->trainer);
    cb_hgq_student_free(w->h);
    cb_qkeras_work_free(&w->work);
    cb_qkeras_student_free(&w->q);
    cb_student_batch_free(&w->batch);
    cb_student_order_free(&w->order);
    cb_student_set_free(&w->set);
    free(w->code);
}

static int qkeras_new(student_work *w, bool v2, bool quantized) {
    cb_qkeras_shape shape = cb_qkeras_cicada(v2, w->set.height, w->set.width);
    shape.quantized = quantized;
    return cb_qkeras_student_new(&w->q, &shape) || cb_qkeras_work_new(&w->work, &w->q, BATCH) ? -1 : 0;
}

/* Widths and ranges as in configs/students/hgq-*.ini. */
static int hgq_new(student_work *w, bool v2) {
    cb_hgq_design d = v2 ? cb_hgq_design_v2(w->set.height, w->set.width, 2, 4, 16, CB_HGQ_HEAD, CB_HGQ_HEAD)
                         : cb_hgq_design_v1(w->set.height, w->set.width, 16, CB_HGQ_HEAD, CB_HGQ_HEAD);
    d.saturate = true;
    d.fold = CB_HGQ_FOLD_EXACT;
    for (int l = 0; l < CB_HGQ_LAYERS; l++) d.iq[l].rules.overflow = CB_WRAP;
    if (!(w->h = cb_hgq_student_new(&d, 1)) || cb_hgq_calibrate(w->h, &w->set, 4096, 6, 1)) return -1;
    return (w->trainer = cb_hgq_trainer_new(w->h, BATCH, 1e-3, 1)) ? 0 : -1;
}

typedef struct {
    const char *name;
    bool hgq, v2, quantized;
} student_kind;

/* Nominal FLOP of a step: 3 x forward less the gradient of the image; forward: conv 63 x 4 x 4, dense 252 x 16 and 16. */
static double step_flop(const student_kind *k) {
    double conv = 63 * 4 * 4, dense1 = 252 * 16, dense2 = 16, forward = (k->v2 ? conv : 0) + dense1 + dense2;
    return 2 * (3 * forward - (k->v2 ? conv : dense1));
}

static int measure(bench *b, const student_kind *k, int threads) {
    bench_case c = {.isa = cb_isa_name(cb_isa()), .threads = threads, .loop = true, .events = BATCH, .flop = step_flop(k),
                    .work = k->hgq ? hgq_step : qkeras_step};
    snprintf(c.name, sizeof c.name, "%s/train-%d", k->name, BATCH);
    if (!bench_wanted(b, "%s", c.name)) return 0;
    student_work *w = cb_alloc(1, sizeof *w);
    const cb_dataset *d = w ? bench_events(b) : NULL;
    cb_threads_set(threads);
    int rc = !d || work_new(w, d) || (k->hgq ? hgq_new(w, k->v2) : qkeras_new(w, k->v2, k->quantized)) ? -1 : 0;
    c.context = w;
    if (!rc) rc = bench_measure(b, &c);
    if (w) work_free(w);
    free(w);
    return rc;
}

int bench_students(bench *b) {
    static const student_kind kind[] = {{"qkeras-v1", false, false, true}, {"qkeras-v2", false, true, true},
                                        {"float-v2", false, true, false}, {"hgq-v1", true, false, true},
                                        {"hgq-v2", true, true, true}};
    for (int k = 0, t; (t = bench_threads(b, k)); k++)
        for (size_t s = 0; s < sizeof kind / sizeof *kind; s++)
            if (measure(b, &kind[s], t)) return -1;
    return 0;
}
