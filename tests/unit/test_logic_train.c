/* The fast trainer: kernels against their plain twins byte for byte, the whole against the double reference,
 * the same bytes for any number of threads, learning. */
#include "base/threads.h"
#include "logic/reference.h"
#include "logic/train.h"
#include "logic/wiring.h"
#include "nn/isa.h"
#include "unit.h"

enum { E = CB_LOGIC_SHARD };

static void fill(float *x, size_t n, cb_rng *r, float lo, float hi) {
    for (size_t e = 0; e < n; e++) x[e] = lo + (hi - lo) * cb_rng_f32(r);
}

typedef struct {
    cb_logic_view view;
    size_t n_block, n_w, n_c;
    int32_t *wire;
    float *w, *noise, *soft, *coef, *x, *y, *g, *dx, *dc, *m, *v;
} layer;

static float *floats(size_t n, cb_rng *r, float lo, float hi) {
    float *x = cb_alloc_aligned(n + 16, sizeof *x);
    fill(x, n, r, lo, hi);
    return x;
}

static void make_layer(layer *l, cb_logic_kind kind, int rank, int pool, int hard, int n_set, int n_pos, cb_rng *r) {
    *l = (layer){.n_block = ((size_t)n_set + 15) / 16};
    int n_in = 30, n_par = pool ? 0 : cb_node_parameters(kind, rank);
    l->view = (cb_logic_view){.kind = kind, .pool = pool, .hard = hard, .rank = rank, .n_in = n_in, .n_set = n_set,
                              .n_pos = n_pos, .n_par = n_par, .n_coef = pool ? 0 : 1 << rank, .temperature = 0.7f};
    size_t out = (size_t)(n_set * n_pos);
    l->wire = cb_alloc(out * (size_t)rank, sizeof *l->wire);
    for (size_t s = 0; s < out * (size_t)rank; s++) l->wire[s] = (int32_t)cb_rng_below(r, (uint32_t)n_in + 1);
    l->view.wire = l->wire;
    l->n_w = l->n_block * (size_t)n_par * 16, l->n_c = l->n_block * (size_t)l->view.n_coef * 16;
    l->w = floats(l->n_w, r, -4, 4), l->noise = floats(l->n_w, r, -1, 1);
    l->soft = floats(l->n_w, r, 0, 0), l->coef = floats(l->n_c, r, 0, 0);
    l->x = floats((size_t)(n_in + 1) * E, r, hard ? 0 : -0.2f, hard ? 1 : 1.2f);
    for (size_t e = 0; hard && e < (size_t)(n_in + 1) * E; e++) l->x[e] = l->x[e] > 0.5f;
    l->y = floats(out * E, r, 0, 0), l->g = floats(out * E, r, -1, 1), l->dx = floats((size_t)(n_in + 1) * E, r, -1, 1);
    l->dc = floats(3 * l->n_c, r, -1, 1), l->m = floats(l->n_w, r, -1, 1), l->v = floats(l->n_w, r, 0, 1);
    l->view.coef = l->coef;
    l->view.noise = kind == CB_LOGIC_WARP ? l->noise : NULL;
    l->view.entropy = n_set > 16 ? 0.3f : 0;
}

static void free_layer(layer *l) {
    float *const all[] = {l->w, l->noise, l->soft, l->coef, l->x, l->y, l->g, l->dx, l->dc, l->m, l->v};
    for (int k = 0; k < 11; k++) free(all[k]);
    free(l->wire);
}

/* Everything one layer does, by the kernels or by their twins. */
static void run_layer(layer *l, bool plain) {
    const float *noise = l->view.kind == CB_LOGIC_WARP ? NULL : l->noise;
    cb_logic_adam a = {0.01f, 0.9f, 0.999f, 1.5f, 1e-8f};
    if (!l->view.pool)
        (plain ? cb_logic_values_ref : cb_logic_values)(&l->view, l->w, noise, 0, l->n_block, l->soft, l->coef);
    (plain ? cb_logic_forward_ref : cb_logic_forward)(&l->view, l->x, l->y);
    (plain ? cb_logic_backward_ref : cb_logic_backward)(&l->view, l->x, l->y, l->g, l->dx, l->dc);
    if (!l->view.pool)
        (plain ? cb_logic_update_ref : cb_logic_update)(&l->view, &a, l->dc, 3, l->n_c, l->soft, 0, l->n_block, l->w, l->m, l->v);
}

static int differ(const layer *a, const layer *b) {
    size_t out = (size_t)(a->view.n_set * a->view.n_pos) * E, in = (size_t)(a->view.n_in + 1) * E;
    return memcmp(a->coef, b->coef, a->n_c * 4) || memcmp(a->soft, b->soft, a->n_w * 4) || memcmp(a->y, b->y, out * 4) ||
           memcmp(a->dx, b->dx, in * 4) || memcmp(a->dc, b->dc, a->n_c * 4) || memcmp(a->w, b->w, a->n_w * 4) ||
           memcmp(a->m, b->m, a->n_w * 4) || memcmp(a->v, b->v, a->n_w * 4);
}

static void test_kernels(void) {
    for (int kind = 0; kind < 3; kind++)
        for (int rank = kind ? 1 : 2; rank <= (kind ? 6 : 2); rank++)
            for (int mode = 0; mode < 4; mode++) {
                layer want;
                cb_rng r = cb_rng_at(1, "test-kernels", (uint64_t)(kind * 100 + rank * 10 + mode));
                int n_set = mode == 3 ? 37 : 16, n_pos = mode == 2 ? 5 : 1;
                make_layer(&want, (cb_logic_kind)kind, rank, 0, mode & 1, n_set, n_pos, &r);
                run_layer(&want, true);
                for (int level = 0; level <= cb_isa_best(); level++) {
                    layer got;
                    UNIT_OK(cb_isa_force(level));
                    r = cb_rng_at(1, "test-kernels", (uint64_t)(kind * 100 + rank * 10 + mode));
                    make_layer(&got, (cb_logic_kind)kind, rank, 0, mode & 1, n_set, n_pos, &r);
                    run_layer(&got, false);
                    CU_ASSERT_FALSE(differ(&want, &got));
                    free_layer(&got);
                }
                free_layer(&want);
            }
}

static void test_pooling(void) {
    layer want, got;
    cb_rng r = cb_rng_at(2, "test-kernels", 0), q = r;
    make_layer(&want, CB_LOGIC_LIGHT, 4, 1, 0, 3, 7, &r);
    run_layer(&want, true);
    for (int level = 0; level <= cb_isa_best(); level++) {
        UNIT_OK(cb_isa_force(level));
        r = q;
        make_layer(&got, CB_LOGIC_LIGHT, 4, 1, 0, 3, 7, &r);
        run_layer(&got, false);
        CU_ASSERT_FALSE(differ(&want, &got));
        free_layer(&got);
    }
    free_layer(&want);
}

/* ---- whole networks ---- */

enum { H = 6, W = 5, CELLS = H * W, EVENTS = 150 };

typedef struct {
    cb_logic_net net;
    cb_logic_code code;
    float *w;
    uint16_t et[EVENTS][CELLS];
    const uint16_t *image[EVENTS];
    float target[EVENTS];
} problem;

/* A convolution with pooling and two dense layers, or two dense layers. */
static void make_problem(problem *p, cb_logic_kind kind, bool conv) {
    static const int32_t threshold[] = {0, 10, 100};
    cb_rng r = cb_rng_at(3, "test-problem", 0);
    memset(p, 0, sizeof *p);
    UNIT_OK(cb_logic_code_planes(&p->code, CELLS, threshold, 3));
    cb_logic_net_new(&p->net, (cb_logic_image){3, H, W, 1});
    if (conv) {
        int rank = kind == CB_LOGIC_RAW ? 2 : 3;
        cb_logic_conv c = {kind, rank, 5, 2, {2, 2, 1}, {1, 1, 1}, 1};
        int32_t leaf[5 * 9 * 4];
        cb_wires_leaves(&r, rank, 5, cb_logic_leaves(&c), c.field, 3, 0, leaf);
        UNIT_OK(cb_logic_conv_add(&p->net, &c, leaf));
        UNIT_OK(cb_logic_pool_add(&p->net, 2, 2));
    }
    for (int k = 0; k < 2; k++) {
        int rank = kind == CB_LOGIC_RAW ? 2 : 4 - 2 * k, n = k ? 40 : 90;
        cb_logic_layer *l = cb_logic_dense(&p->net, kind, rank, n);
        UNIT_OK(cb_wires_random(&r, l->n_in, n, rank, 1, l->wire));
    }
    p->w = cb_alloc(p->net.n_weight, sizeof *p->w);
    for (size_t e = 0; e < p->net.n_weight; e++) p->w[e] = (float)cb_rng_normal(&r);
    for (int e = 0; e < EVENTS; e++) {
        uint32_t top = 1u << cb_rng_below(&r, 11);
        int sum = 0;
        for (int f = 0; f < CELLS; f++) p->et[e][f] = (uint16_t)cb_rng_below(&r, top), sum += p->et[e][f] > 10;
        p->image[e] = p->et[e];
        p->target[e] = (float)sum;
    }
}

static void free_problem(problem *p) {
    cb_logic_net_free(&p->net);
    cb_logic_code_free(&p->code);
    free(p->w);
}

static void set_head(const problem *p, float *c) {
    int n = cb_logic_outputs(&p->net);
    for (int o = 0; o < n; o++) c[o] = 0.5f;
    c[n] = -3;
}

/* Loss, scores and the weights after one step agree with the double reference to float32 precision. */
static void test_against_reference(void) {
    for (int kind = 0; kind < 3; kind++)
        for (int hard = 0; hard < 2; hard++) {
            static problem p;
            make_problem(&p, (cb_logic_kind)kind, true);
            cb_logic_trainer t;
            cb_logic_ref ref;
            UNIT_OK(cb_logic_trainer_new(&t, &p.net, &p.code, CELLS, EVENTS));
            UNIT_OK(cb_logic_ref_new(&ref, &p.net));
            t.recipe.temperature = ref.temperature = 0.8;
            t.recipe.hard = ref.hard = hard;
            t.recipe.entropy = ref.entropy = 0.002;
            t.recipe.entropy_tree = ref.entropy_tree = 0.01;
            t.recipe.eps = 1e-3; /* so that the rounding of a gradient of zero is not turned into a step */
            cb_logic_weights_set(&t, p.w);
            set_head(&p, t.c);
            for (size_t e = 0; e < p.net.n_weight; e++) ref.w[e] = p.w[e];
            int n_out = cb_logic_outputs(&p.net);
            for (int o = 0; o < n_out; o++) ref.c[o] = 0.5;
            ref.b = -3;
            double *x = calloc((size_t)(EVENTS * p.net.n_input), sizeof *x), y[EVENTS], target[EVENTS];
            for (int e = 0; e < EVENTS; e++) {
                target[e] = p.target[e];
                for (int j = 0; j < p.net.n_input; j++)
                    x[e * p.net.n_input + j] = p.et[e][p.code.source[j]] > p.code.threshold[j];
            }
            double loss = cb_logic_ref_batch(&ref, x, target, EVENTS, y);
            cb_logic_refresh(&t);
            float score[EVENTS], *w = malloc(p.net.n_weight * sizeof *w);
            cb_logic_scores(&t, p.image, EVENTS, score);
            double worst = 0;
            for (int e = 0; e < EVENTS; e++) worst = fmax(worst, fabs(y[e] - (double)score[e]));
            CU_ASSERT(worst < 1e-4);
            CU_ASSERT_DOUBLE_EQUAL(cb_logic_step(&t, p.image, p.target, NULL, EVENTS), loss, 1e-5);
            cb_logic_ref_adam(&ref, t.recipe.learning_rate, 0.9, 0.999, t.recipe.eps);
            cb_logic_weights_get(&t, w);
            worst = 0;
            for (size_t e = 0; e < p.net.n_weight; e++) worst = fmax(worst, fabs(ref.w[e] - (double)w[e]));
            CU_ASSERT(worst < 2e-5);
            free(x), free(w);
            cb_logic_ref_free(&ref);
            cb_logic_trainer_free(&t);
            free_problem(&p);
        }
}

static double train(problem *p, int threads, int level, bool noisy, int steps, float *w) {
    cb_logic_trainer t;
    cb_threads_set(threads);
    UNIT_OK(cb_isa_force(level));
    UNIT_OK(cb_logic_trainer_new(&t, &p->net, &p->code, CELLS, EVENTS));
    t.recipe.learning_rate = 0.02;
    t.recipe.noise = noisy;
    t.recipe.train_head = noisy;
    t.recipe.grid = (cb_logic_grid){12, 4}, t.recipe.hinge_grid = (cb_logic_grid){1, 3};
    t.recipe.hard = noisy;
    cb_logic_weights_set(&t, p->w);
    cb_rng r = cb_rng_at(4, "test-head", 0);
    if (p->net.head.hinges) cb_logic_head_start(&p->net.head, cb_logic_outputs(&p->net), 2, 20, &r, t.c);
    else set_head(p, t.c);
    double loss = 0;
    for (int s = 0; s < steps; s++) loss = cb_logic_step(&t, p->image, p->target, NULL, EVENTS);
    cb_logic_weights_get(&t, w);
    memcpy(w + p->net.n_weight, t.c, t.n_head * sizeof *w);
    cb_logic_trainer_free(&t);
    cb_threads_set(0);
    return loss;
}

static void test_same_bytes(void) {
    for (int kind = 0; kind < 3; kind++)
        for (int noisy = 0; noisy < 2; noisy++) {
            static problem p;
            make_problem(&p, (cb_logic_kind)kind, kind != 1);
            if (noisy) p.net.head = (cb_logic_head){1, 2, 3};
            size_t n = p.net.n_weight + cb_logic_head_parameters(&p.net);
            float *want = malloc(n * sizeof *want), *got = malloc(n * sizeof *got);
            double loss = train(&p, 1, 0, noisy, 5, want);
            for (int threads = 1; threads <= 3; threads++) {
                CU_ASSERT_EQUAL(train(&p, threads, cb_isa_best(), noisy, 5, got), loss);
                CU_ASSERT_EQUAL(memcmp(want, got, n * sizeof *want), 0);
            }
            free(want), free(got);
            free_problem(&p);
        }
}

/* The loss falls to less than half, and what is hardened follows. */
static void test_learning(void) {
    static problem p;
    make_problem(&p, CB_LOGIC_LIGHT, false);
    float *w = malloc((p.net.n_weight + 41) * sizeof *w);
    double first = train(&p, 2, cb_isa_best(), false, 1, w), last = train(&p, 2, cb_isa_best(), false, 300, w);
    CU_ASSERT(last < first / 2);
    cb_circuit c;
    UNIT_OK(cb_logic_harden(&p.net, w, &c));
    double sum = 0;
    uint8_t *signal = malloc((size_t)(c.n_input + c.n));
    for (int e = 0; e < EVENTS; e++) {
        double y = -3;
        for (int j = 0; j < p.net.n_input; j++) signal[j] = p.et[e][p.code.source[j]] > p.code.threshold[j];
        cb_circuit_trace(&c, signal);
        for (int o = 0; o < c.n_output; o++) y += 0.5 * signal[c.output[o]];
        sum += fabs(y - (double)p.target[e]) / EVENTS;
    }
    CU_ASSERT(sum < first);
    free(signal), free(w);
    cb_circuit_free(&c);
    free_problem(&p);
}

UNIT_MAIN("logic training", {"kernels equal their plain twins", test_kernels}, {"pooling", test_pooling},
          {"one step equals the double reference", test_against_reference},
          {"same bytes for threads and instruction sets", test_same_bytes}, {"learning", test_learning})
