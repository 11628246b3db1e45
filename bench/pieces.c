/* What training does besides the layers: loading, Adam; and the kernels of student training. One thread. */
#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"
#include "measure.h"
#include "nn/adam.h"
#include "nn/isa.h"
#include "quant/student_data.h"
#include "quant/student_kernels.h"

enum { N_FEATURE = 252, N_ADAM = 323731, FILTERS = 4, HIDDEN = 16 };

typedef struct {
    float *w, *g, *m, *v;   /* [N_ADAM] */
    float *block, *flat, *lanes; /* [N_FEATURE][16], twice; [4 taps][FILTERS][16] */
    uint16_t *et;           /* [16][N_FEATURE] */
    cb_tile_conv conv;
    cb_relu_rule relu;
    uint64_t draw;
    uint16_t keep[N_FEATURE], slope[N_FEATURE];
} pieces;

static int adam(void *context) {
    pieces *p = context;
    cb_adam_update(p->w, p->g, p->m, p->v, N_ADAM, 1e-3f);
    return 0;
}

static int load(void *context) {
    static const uint32_t event[CB_LANES] = {3, 1, 4, 15, 9, 2, 6, 5, 0, 7, 8, 10, 11, 12, 13, 14};
    pieces *p = context;
    cb_lanes_load_u16(p->block, p->et, event, CB_LANES, N_FEATURE);
    return 0;
}

static int load_images(void *context) {
    pieces *p = context;
    const uint16_t *image[CB_LANES];
    for (int lane = 0; lane < CB_LANES; lane++) image[lane] = p->et + lane * N_FEATURE;
    cb_lanes_set_images(p->block, image, CB_LANES, N_FEATURE);
    return 0;
}

static int tile_forward(void *context) {
    pieces *p = context;
    cb_tile_forward(&p->conv, &p->relu, p->block, p->w, p->keep, 9.0f / 8, p->flat, p->slope);
    return 0;
}

static int tile_gradient(void *context) {
    pieces *p = context;
    cb_tile_gradient(&p->conv, p->block, p->flat, p->slope, 9.0f / 8, p->lanes);
    return 0;
}

static int dropout(void *context) {
    static const uint32_t key[2] = {1, 2};
    pieces *p = context;
    cb_dropout_bits(key, p->draw++, 8192, N_FEATURE, p->keep);
    return 0;
}

static int pieces_new(pieces *p) {
    enum { BLOCK = N_FEATURE * CB_LANES };
    float **array[] = {&p->w, &p->g, &p->m, &p->v, &p->block, &p->flat, &p->lanes};
    size_t size[] = {N_ADAM, N_ADAM, N_ADAM, N_ADAM, BLOCK, BLOCK, 4 * FILTERS * CB_LANES};
    cb_rng r = cb_rng_at(1, "bench/pieces", 0);
    for (int k = 0; k < 7; k++) {
        if (!(*array[k] = cb_alloc_aligned(size[k], sizeof(float)))) return -1;
        for (size_t i = 0; i < size[k]; i++) (*array[k])[i] = 0.01f + cb_rng_f32(&r);
    }
    if (!(p->et = cb_alloc(BLOCK, sizeof *p->et))) return -1;
    for (int i = 0; i < BLOCK; i++) p->et[i] = (uint16_t)cb_rng_below(&r, 1024);
    p->conv = (cb_tile_conv){.width = 14, .kernel = 2, .filters = FILTERS, .oh = 9, .ow = 7};
    p->relu = (cb_relu_rule){.scale = 16, .step = 1 / 16.0f, .last = 1023, .top = 1023 / 16.0f, .quantized = true};
    return 0;
}

static int measure_all(bench *b, pieces *p) {
    const double conv = 2.0 * 63 * 4 * FILTERS, image = 4 * N_FEATURE;
    const bench_case all[] = {
        {.name = "kernel/adam", .events = 1, .flop = 10.0 * N_ADAM, .bytes = 28.0 * N_ADAM, .work = adam},
        {.name = "kernel/load", .events = CB_LANES, .bytes = 1.5 * image, .work = load},
        {.name = "student/load", .events = CB_LANES, .bytes = 1.5 * image, .work = load_images},
        {.name = "student/conv/forward", .events = CB_LANES, .flop = conv, .bytes = 2 * image, .work = tile_forward},
        {.name = "student/conv/gradient", .events = CB_LANES, .flop = conv, .bytes = 2 * image, .work = tile_gradient},
        {.name = "student/dropout", .events = CB_LANES, .bytes = image / 32, .work = dropout}};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
        bench_case c = all[k];
        c.isa = cb_isa_name(cb_isa());
        c.threads = 1;
        c.context = p;
        if (bench_measure(b, &c)) return -1;
    }
    return 0;
}

int bench_pieces(bench *b) {
    pieces p = {0};
    int rc = pieces_new(&p) || measure_all(b, &p) ? -1 : 0;
    free(p.w);
    free(p.g);
    free(p.m);
    free(p.v);
    free(p.block);
    free(p.flat);
    free(p.lanes);
    free(p.et);
    return rc;
}
