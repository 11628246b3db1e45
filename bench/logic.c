/* Logic gate networks: training steps of the published dense and convolutional shapes on random wires, and
 * the hardened dense network on packed bits (gates and popcount) and from counts. FLOP are not defined: a
 * gate is a handful of operations, mostly loads. Peers: spec of the networks in README. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "logic/train.h"
#include "logic/wiring.h"
#include "measure.h"
#include "nn/isa.h"
#include "quant/bits.h"

enum { CELLS = 252, MOST = 512 };

typedef struct {
    cb_logic_net net;
    cb_logic_code code;
    cb_logic_trainer t;
    cb_circuit circuit;
    cb_bit_sum sum;
    uint16_t *column;
    uint64_t *signal;
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

static int make_hard(logic_work *w) {
    if (cb_logic_harden(&w->net, w->w, &w->circuit)) return -1;
    size_t n = (size_t)w->circuit.n_input + (size_t)w->circuit.n;
    int32_t weight[2048];
    for (int o = 0; o < 2048; o++) weight[o] = 1;
    w->signal = cb_alloc_aligned(n * CB_CIRCUIT_WORDS, sizeof *w->signal);
    w->column = cb_alloc_aligned((size_t)CELLS * 64, sizeof *w->column);
    return w->signal && w->column ? cb_bit_sum_new(&w->sum, w->circuit.output, weight, 2048) : -1;
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
    int64_t sum[CB_CIRCUIT_EVENTS];
    cb_circuit_words(&w->circuit, w->signal);
    cb_bit_sum_events(&w->sum, w->signal, sum);
    return sum[0] >= 0 ? 0 : cb_fail("count %lld", (long long)sum[0]);
}

static int hard_counts(void *context) {
    logic_work *w = context;
    w->next = (w->next + MOST) % BENCH_EVENTS;
    cb_bits_compare(w->d->et + (size_t)w->next * CELLS, MOST, CELLS, w->code.source, w->code.threshold, w->code.n_input,
                    w->column, w->signal);
    return hard_packed(context);
}

static void work_free(logic_work *w) {
    cb_logic_trainer_free(&w->t);
    cb_logic_net_free(&w->net);
    cb_logic_code_free(&w->code);
    cb_circuit_free(&w->circuit);
    cb_bit_sum_free(&w->sum);
    free(w->column);
    free(w->signal);
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
    if (!rc) rc = make_net(w, k->kind, k->conv) || (k->batch ? make_trainer(w) : make_hard(w)) ? -1 : 0;
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
