/* Logic gate networks: training steps of the published dense and convolutional shapes on random wires, and
 * the published dense network lt2, hardened, from packed bits and from counts to the number of outputs that are on. FLOP are not defined: a
 * gate is a handful of operations, mostly loads. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "logic/gates.h"
#include "logic/train.h"
#include "logic/wiring.h"
#include "measure.h"
#include "nn/isa.h"
#include "quant/bit_tape.h"
#include "quant/bits.h"

enum { CELLS = 252, MOST = 512 };

typedef struct {
    cb_logic_net net;
    cb_logic_code code;
    cb_logic_trainer t;
    cb_bit_code bits;
    cb_bit_tape tape;
    cb_bit_work rows;
    const cb_dataset *d;
    const uint16_t *image[MOST];
    float target[MOST], *w;
    uint32_t batch, next;
} logic_work;

static int dense(logic_work *w, cb_logic_kind kind, int n, cb_rng *r) {
    cb_logic_layer *l = cb_logic_dense(&w->net, kind, 2, n);
    return l ? cb_wires_random(r, l->n_in, n, 2, 0, l->wire) : -1;
}

/* lt2: 504 bits, 4000-2000-1000-2048. Convolution: 3 planes, 4 trees of 127 gates on 4 x 4, 1000-1000-2048. */
static int make_net(logic_work *w, cb_logic_kind kind, bool conv) {
    static const int32_t threshold[] = {0, 2, 4};
    cb_rng r = cb_rng_at(1, "bench-logic", 0);
    int planes = conv ? 3 : 2;
    if (cb_logic_code_planes(&w->code, CELLS, threshold, planes)) return -1;
    cb_logic_net_new(&w->net, (cb_logic_image){planes, 18, 14, 1});
    if (conv) {
        cb_logic_conv c = {kind, 2, 4, 7, {4, 4, 1}, {1, 1, 1}, 0};
        static int32_t leaf[2 * 4 * 64 * 4];
        cb_wires_leaves(&r, 2, 4, 64, c.field, planes, 0, leaf);
        if (cb_logic_conv_add(&w->net, &c, leaf)) return -1;
    } else if (dense(w, kind, 4000, &r) || dense(w, kind, 2000, &r))
        return -1;
    if (dense(w, kind, 1000, &r) || (conv && dense(w, kind, 1000, &r)) || dense(w, kind, 2048, &r)) return -1;
    if (!(w->w = cb_alloc(w->net.n_weight, sizeof *w->w))) return -1;
    for (size_t e = 0; e < w->net.n_weight; e++) w->w[e] = (float)cb_rng_normal(&r);
    return 0;
}

static int make_trainer(logic_work *w) {
    int n = cb_logic_outputs(&w->net);
    if (cb_logic_trainer_new(&w->t, &w->net, &w->code, CELLS, w->batch)) return -1;
    cb_logic_weights_set(&w->t, w->w);
    for (int o = 0; o < n; o++) w->t.c[o] = 0.5f;
    w->t.c[n] = -480;
    for (uint32_t e = 0; e < w->batch; e++) w->target[e] = (float)(e % 32);
    return 0;
}

static int make_hard(logic_work *w, const char *data) {
    static const int32_t threshold[] = {0, 2};
    cb_circuit c;
    int32_t one[2048];
    char path[1024];
    snprintf(path, sizeof path, "%s/published/lgn_lt2_gates.txt", data);
    for (int o = 0; o < 2048; o++) one[o] = 1;
    if (cb_logic_code_planes(&w->code, CELLS, threshold, 2) || cb_gates_read(&c, path)) return -1;
    int rc = c.n_input != w->code.n_input || c.n_output != 2048
                 ? cb_fail("%s: 504 inputs and 2048 outputs expected", path)
                 : cb_bit_tape_new(&w->tape, &c, one) || cb_bit_work_new(&w->rows, &w->tape) ||
                       cb_bit_code_new(&w->bits, CELLS, w->code.source, w->code.threshold, w->code.mask, w->code.n_input);
    cb_circuit_free(&c);
    if (!rc) cb_bit_code_events(&w->bits, w->d->et, MOST, w->rows.row);
    return rc ? -1 : 0;
}

static int step(void *context) {
    logic_work *w = context;
    for (uint32_t e = 0; e < w->batch; e++, w->next = (w->next + 1) % BENCH_EVENTS)
        w->image[e] = w->d->et + (size_t)w->next * CELLS;
    double loss = cb_logic_step(&w->t, w->image, w->target, NULL, w->batch);
    return loss >= 0 ? 0 : cb_fail("loss %g", loss);
}

static int hard_packed(void *context) {
    logic_work *w = context;
    int32_t sum[CB_CIRCUIT_EVENTS];
    cb_bit_tape_sums(&w->tape, &w->rows, sum);
    return sum[0] >= 0 ? 0 : cb_fail("%d outputs are on", sum[0]);
}

static int hard_counts(void *context) {
    logic_work *w = context;
    w->next = (w->next + MOST) % BENCH_EVENTS;
    cb_bit_code_events(&w->bits, w->d->et + (size_t)w->next * CELLS, MOST, w->rows.row);
    return hard_packed(context);
}

static void work_free(logic_work *w) {
    cb_logic_trainer_free(&w->t);
    cb_logic_net_free(&w->net);
    cb_logic_code_free(&w->code);
    cb_bit_code_free(&w->bits);
    cb_bit_tape_free(&w->tape);
    cb_bit_work_free(&w->rows);
    free(w->w);
    free(w);
}

typedef struct {
    const char *name;
    cb_logic_kind kind;
    bool conv;
    uint32_t batch; /* 0: hardened */
    int (*work)(void *);
} logic_case;

static int measure(bench *b, const logic_case *k, int threads) {
    bench_case c = {.isa = cb_isa_name(cb_isa()), .threads = threads, .loop = k->batch > 0, .events = k->batch ? k->batch : MOST, .work = k->work};
    snprintf(c.name, sizeof c.name, "%s", k->name);
    if (!bench_wanted(b, "%s", c.name) || (!k->batch && threads > 1)) return 0;
    logic_work *w = cb_alloc(1, sizeof *w);
    cb_threads_set(threads);
    int rc = w && (w->d = bench_events(b)) ? 0 : -1;
    if (!rc) w->batch = k->batch, c.context = w;
    if (!rc && k->batch) rc = make_net(w, k->kind, k->conv) || make_trainer(w) ? -1 : 0;
    if (!rc && !k->batch) rc = make_hard(w, b->data);
    if (!rc) rc = bench_measure(b, &c);
    if (w) work_free(w);
    return rc;
}

int bench_logic(bench *b) {
    static const logic_case kind[] = {{"lgn-lt2-raw/train-512", CB_LOGIC_RAW, false, 512, step},
                                      {"lgn-lt2-raw/train-128", CB_LOGIC_RAW, false, 128, step},
                                      {"lgn-lt2-light/train-512", CB_LOGIC_LIGHT, false, 512, step},
                                      {"lgn-lt2-warp/train-512", CB_LOGIC_WARP, false, 512, step},
                                      {"clgn-raw/train-128", CB_LOGIC_RAW, true, 128, step},
                                      {"lgn-lt2/hardened-bits", CB_LOGIC_LIGHT, false, 0, hard_packed},
                                      {"lgn-lt2/hardened-counts", CB_LOGIC_LIGHT, false, 0, hard_counts}};
    for (int k = 0, t; (t = bench_threads(b, k)); k++)
        for (size_t s = 0; s < sizeof kind / sizeof *kind; s++)
            if (measure(b, &kind[s], t)) return -1;
    return 0;
}
