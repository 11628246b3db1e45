/* Learnable wires and thresholds: kernels against their plain twins byte for byte, one step against the double
 * reference, the same bytes for threads and instruction sets, what is learnt is what the hardware gets. */
#include "base/threads.h"
#include "logic/reference.h"
#include "logic/train.h"
#include "logic/wiring.h"
#include "nn/isa.h"
#include "unit.h"

enum { E = CB_LOGIC_SHARD };

static float *floats(size_t n, cb_rng *r, float lo, float hi) {
    float *x = cb_alloc_aligned(n + 16, sizeof *x);
    for (size_t e = 0; e < n; e++) x[e] = lo + (hi - lo) * cb_rng_f32(r);
    return x;
}

/* ---- kernels ---- */

enum { SLOTS = 45, CHOICES = 7, ROWS = 20, SHARDS = 3, WEIGHTS = SLOTS * CHOICES };

typedef struct {
    float *x, *g, *p, *dx, *d, *w, *m, *v;
} buffers;

static void fill(buffers *b) {
    cb_rng r = cb_rng_at(1, "test-choice", 0);
    b->x = floats(ROWS * E, &r, 0, 1), b->g = floats(SLOTS * E, &r, -1, 1), b->p = floats(WEIGHTS, &r, -0.5f, 0.5f);
    for (int k = 0; k < WEIGHTS; k++) b->p[k] = b->p[k] > 0 ? b->p[k] : 0;
    b->dx = floats(ROWS * E, &r, -1, 1), b->d = floats(SHARDS * WEIGHTS, &r, -1, 1);
    b->w = floats(WEIGHTS, &r, 0, 1), b->m = floats(WEIGHTS, &r, -1, 1), b->v = floats(WEIGHTS, &r, 0, 1);
}

static void empty(buffers *b) {
    float *const all[] = {b->x, b->g, b->p, b->dx, b->d, b->w, b->m, b->v};
    for (int k = 0; k < 8; k++) free(all[k]);
}

static void test_kernels(void) {
    int32_t wire[WEIGHTS];
    cb_rng r = cb_rng_at(2, "test-choice", 0);
    for (int k = 0; k < WEIGHTS; k++) wire[k] = (int32_t)cb_rng_below(&r, ROWS);
    cb_choice l = {SLOTS, CHOICES, wire};
    cb_logic_adam a = {0.01f, 0.9f, 0.999f, 1.5f, 1e-8f};
    buffers want, got;
    fill(&want);
    cb_choice_backward_ref(&l, want.x, want.g, want.p, want.dx, want.d);
    cb_choice_update_ref(&a, want.d, SHARDS, WEIGHTS, 3, WEIGHTS, want.w, want.m, want.v);
    for (int level = 0; level <= cb_isa_best(); level++) {
        UNIT_OK(cb_isa_force(level));
        fill(&got);
        cb_choice_backward(&l, got.x, got.g, got.p, got.dx, got.d);
        cb_choice_update(&a, got.d, SHARDS, WEIGHTS, 3, WEIGHTS, got.w, got.m, got.v);
        CU_ASSERT_EQUAL(memcmp(want.dx, got.dx, ROWS * E * 4) | memcmp(want.d, got.d, SHARDS * WEIGHTS * 4), 0);
        CU_ASSERT_EQUAL(memcmp(want.w, got.w, WEIGHTS * 4) | memcmp(want.m, got.m, WEIGHTS * 4) | memcmp(want.v, got.v, WEIGHTS * 4), 0);
        empty(&got);
    }
    empty(&want);
}

/* The largest weight is read, the first of equals; p is the softmax. */
static void test_choose(void) {
    int32_t wire[8] = {3, 1, 4, 2, 9, 8, 7, 6}, read[2];
    float w[8] = {0.5f, 0.7f, 0.7f, 0.1f, 2, 1, 0, -900}, p[8];
    cb_choice_choose(&(cb_choice){2, 4, wire}, w, 1, 0, 2, read, p);
    CU_ASSERT(read[0] == 1 && read[1] == 9 && p[7] == 0);
    double sum = exp(-0.2) + 2 + exp(-0.6);
    CU_ASSERT_DOUBLE_EQUAL((double)p[0], exp(-0.2) / sum, 1e-7);
    CU_ASSERT_DOUBLE_EQUAL((double)p[1] + (double)p[0] + (double)p[2] + (double)p[3], 1, 1e-6);
}

/* ---- networks ---- */

enum { H = 5, W = 4, CELLS = H * W, PLANES = 3, EVENTS = 150, OUT = 24, CANDIDATES = 6, TOP = 40 };

typedef struct {
    cb_logic_net net;
    cb_logic_code code;
    float *w, *u;
    uint16_t et[EVENTS][CELLS];
    const uint16_t *image[EVENTS];
    float target[EVENTS];
} problem;

/* Two dense layers, both with learnable wires (candidates > 1); the target counts cells above TOP. */
static void make_problem(problem *p, cb_logic_kind kind, int rank, int candidates) {
    static const int32_t threshold[PLANES] = {3, 12, 100};
    cb_rng r = cb_rng_at(3, "test-learn", 0);
    memset(p, 0, sizeof *p);
    UNIT_OK(cb_logic_code_planes(&p->code, CELLS, threshold, PLANES));
    cb_logic_net_new(&p->net, (cb_logic_image){PLANES, H, W, 1});
    for (int k = 0; k < 2; k++) {
        int n = k ? OUT : 40;
        cb_logic_layer *l = cb_logic_dense(&p->net, kind, rank, n);
        if (candidates > 1) UNIT_OK(cb_logic_choices(&p->net, candidates));
        UNIT_OK(cb_wires_random(&r, l->n_in, n, rank, 1, l->wire));
        for (int s = 0; candidates > 1 && s < n * rank * candidates; s++) l->choice[s] = (int32_t)cb_rng_below(&r, (uint32_t)l->n_in);
    }
    p->w = floats(p->net.n_weight, &r, -2, 2);
    p->u = floats(p->net.n_choice, &r, 0, 1);
    for (int e = 0; e < EVENTS; e++) {
        uint32_t top = 1u << cb_rng_below(&r, 10);
        int sum = 0;
        for (int f = 0; f < CELLS; f++) p->et[e][f] = (uint16_t)cb_rng_below(&r, top + 1), sum += p->et[e][f] > TOP;
        p->image[e] = p->et[e];
        p->target[e] = (float)sum;
    }
}

static void free_problem(problem *p) {
    cb_logic_net_free(&p->net);
    cb_logic_code_free(&p->code);
    free(p->w), free(p->u);
}

/* OUT nodes that pass on their one input: bit `cell % CELLS` of the first plane, or, with learnable wires, one of all cells' bits.
 * The target counts cells above TOP, or four times those of the first six. */
static void make_wires(problem *p, bool learnable) {
    make_problem(p, CB_LOGIC_LIGHT, 1, 1);
    cb_logic_net_free(&p->net);
    cb_logic_net_new(&p->net, (cb_logic_image){PLANES, H, W, 1});
    cb_logic_layer *l = cb_logic_dense(&p->net, CB_LOGIC_LIGHT, 1, OUT);
    if (learnable) UNIT_OK(cb_logic_choices(&p->net, CELLS));
    for (int o = 0; o < OUT; o++) {
        l->wire[o] = o % CELLS;
        for (int i = 0; learnable && i < CELLS; i++) l->choice[o * CELLS + i] = i;
        p->w[2 * o] = -6, p->w[2 * o + 1] = 6;
    }
    for (int e = 0; e < EVENTS; e++) {
        int sum = 0;
        for (int f = 0; f < CELLS; f++)
            if (learnable) p->et[e][f] = e * 7 % 150 * (f + 3) % 11 < 4 ? 50 : 0, sum += f < 6 ? 4 * (p->et[e][f] > 0) : 0;
            else sum += (f < OUT - CELLS ? 2 : 1) * (p->et[e][f] > TOP);
        p->target[e] = 0.75f * (float)sum - 4;
    }
    free(p->u);
    p->u = floats(p->net.n_choice, &(cb_rng){0}, 0, 1);
}

static void start(cb_logic_trainer *t, const problem *p) {
    UNIT_OK(cb_logic_trainer_new(t, &p->net, &p->code, CELLS, EVENTS));
    cb_logic_weights_set(t, p->w);
    cb_logic_choices_set(t, p->u);
    for (int o = 0; o < OUT; o++) t->c[o] = 0.75f;
    t->c[OUT] = -4;
}

/* The inputs of an event as the trainer has them: [CELLS][PLANES] for encode.h, and in the order of the network. */
static void inputs_of(const problem *p, const double *t, double width, int e, double *soft) {
    for (int j = 0; j < p->net.n_input; j++) {
        double x = p->et[e][p->code.source[j]], z = (x - t[p->code.plane[j]]) / width;
        soft[j] = 1 / (1 + exp(-z));
    }
}

/* Weights, wires and thresholds after one step on soft inputs agree with the double reference. */
static void test_against_reference(void) {
    for (int kind = 0; kind < 3; kind++) {
        static problem p;
        double width = 2, eps = 1e-3, threshold[PLANES], grad[PLANES], diff[PLANES], loss = 0;
        double *x = cb_alloc(EVENTS * CELLS * PLANES, sizeof *x), *up = cb_alloc(EVENTS * CELLS * PLANES, sizeof *up);
        double *cells = cb_alloc(EVENTS * CELLS, sizeof *cells);
        cb_logic_trainer t;
        cb_logic_ref ref;
        make_problem(&p, (cb_logic_kind)kind, kind ? 3 : 2, CANDIDATES);
        start(&t, &p);
        UNIT_OK(cb_logic_ladder_start(&t, false, width));
        UNIT_OK(cb_logic_ref_new(&ref, &p.net));
        t.recipe.eps = eps, t.recipe.choice_tau = ref.choice_tau = 0.2, t.recipe.choice_rate = 1;
        memcpy(diff, t.ladder.diff, sizeof diff);
        cb_thresholds_ordered(diff, PLANES, width, threshold);
        CU_ASSERT(threshold[0] == 3.5 && fabs(threshold[2] - 100.5) < 1e-9);
        for (size_t e = 0; e < p.net.n_weight; e++) ref.w[e] = (double)p.w[e];
        for (size_t e = 0; e < p.net.n_choice; e++) ref.u[e] = (double)p.u[e];
        for (int o = 0; o < OUT; o++) ref.c[o] = 0.75;
        ref.b = -4;
        cb_logic_ref_prepare(&ref);
        for (int e = 0; e < EVENTS; e++) {
            inputs_of(&p, threshold, width, e, x);
            double d = cb_logic_ref_forward(&ref, x) - (double)p.target[e];
            loss += fabs(d) / EVENTS;
            for (int o = 0; o < OUT; o++) ref.d_act[2][o] = (d > 0 ? 1.0 : -1.0) / EVENTS * ref.c[o];
            cb_logic_ref_backward(&ref);
            for (int f = 0; f < CELLS; f++) cells[e * CELLS + f] = p.et[e][f];
            for (int j = 0; j < p.net.n_input; j++)
                up[((size_t)e * CELLS + (size_t)p.code.source[j]) * PLANES + (size_t)p.code.plane[j]] = ref.d_act[0][j];
        }
        cb_logic_ref_gradient(&ref);
        cb_logic_ref_adam(&ref, 0.01, 0.9, 0.999, eps);
        cb_thresholds_gradient(cells, EVENTS, CELLS, PLANES, diff, width, width, up, 1e-3, grad);
        CU_ASSERT_DOUBLE_EQUAL(cb_logic_step(&t, p.image, p.target, NULL, EVENTS), loss, 1e-5);
        float *w = floats(p.net.n_weight, &(cb_rng){0}, 0, 0), *u = floats(p.net.n_choice, &(cb_rng){0}, 0, 0);
        cb_logic_weights_get(&t, w), cb_logic_choices_get(&t, u);
        double worst = 0, moved = 0;
        for (size_t e = 0; e < p.net.n_weight; e++) worst = fmax(worst, fabs(ref.w[e] - (double)w[e]));
        for (size_t e = 0; e < p.net.n_choice; e++) {
            worst = fmax(worst, fabs(ref.u[e] - (double)u[e]));
            moved = fmax(moved, fabs(ref.u[e] - (double)p.u[e]));
        }
        CU_ASSERT(worst < 2e-5 && moved > 1e-3);
        for (int i = 0; i < PLANES; i++) {
            double want = diff[i] - 0.01 * grad[i] / (fabs(grad[i]) + eps);
            CU_ASSERT(fabs(t.ladder.diff[i] - want) < 2e-5);
            moved = i ? fmin(moved, fabs(want - diff[i])) : fabs(want - diff[i]);
        }
        CU_ASSERT(moved > 1e-5);
        free(x), free(up), free(cells), free(w), free(u);
        cb_logic_ref_free(&ref);
        cb_logic_trainer_free(&t);
        free_problem(&p);
    }
}

/* Trains `steps` with hard forward; wires and thresholds -> the network and the code of the problem. */
static double train(problem *p, int threads, int level, bool ladder, int steps, float *w, float *u, double *diff, float *score) {
    cb_logic_trainer t;
    cb_threads_set(threads);
    UNIT_OK(cb_isa_force(level));
    start(&t, p);
    if (ladder) UNIT_OK(cb_logic_ladder_start(&t, true, 0.5));
    t.recipe.learning_rate = 0.02, t.recipe.hard = true;
    double loss = 0;
    for (int s = 0; s < steps; s++) loss = cb_logic_step(&t, p->image, p->target, NULL, EVENTS);
    cb_logic_refresh(&t);
    cb_logic_scores(&t, p->image, EVENTS, score);
    cb_logic_weights_get(&t, w), cb_logic_choices_get(&t, u);
    memcpy(diff, t.ladder.diff, PLANES * sizeof *diff);
    cb_logic_choices_apply(&t, &p->net);
    for (int j = 0; ladder && j < p->code.n_input; j++) p->code.threshold[j] = t.ladder.count[p->code.plane[j]];
    cb_logic_trainer_free(&t);
    cb_threads_set(0);
    return loss;
}

static void test_same_bytes(void) {
    for (int kind = 0; kind < 3; kind++) {
        static problem p;
        float score[EVENTS], again[EVENTS], *w[2], *u[2];
        double diff[2][PLANES], loss = 0;
        cb_rng r = {0};
        for (int threads = 1; threads <= 3; threads++) {
            make_problem(&p, (cb_logic_kind)kind, kind ? 4 : 2, CANDIDATES);
            int k = threads > 1;
            w[k] = floats(p.net.n_weight, &r, 0, 0), u[k] = floats(p.net.n_choice, &r, 0, 0);
            double now = train(&p, threads, k ? cb_isa_best() : 0, true, 5, w[k], u[k], diff[k], k ? again : score);
            if (k) {
                CU_ASSERT(now == loss && !memcmp(diff[0], diff[1], sizeof diff[0]) && !memcmp(score, again, sizeof score));
                CU_ASSERT_EQUAL(memcmp(w[0], w[1], p.net.n_weight * 4) | memcmp(u[0], u[1], p.net.n_choice * 4), 0);
                free(w[1]), free(u[1]);
            } else
                loss = now;
            free_problem(&p);
        }
        free(w[0]), free(u[0]);
    }
}

/* Scores of the hardened network on integer thresholds. */
static double score_of(const problem *p, const cb_circuit *c, int e, uint8_t *signal) {
    double y = -4;
    for (int j = 0; j < p->net.n_input; j++) signal[j] = p->et[e][p->code.source[j]] > p->code.threshold[j];
    cb_circuit_trace(c, signal);
    for (int o = 0; o < c->n_output; o++) y += 0.75 * signal[c->output[o]];
    return y;
}

/* Every event on which hardened network and trained scores differ. */
static int differing(const problem *p, const float *w, const float *score) {
    cb_circuit c;
    int wrong = 0;
    UNIT_OK(cb_logic_harden(&p->net, w, &c));
    uint8_t *signal = cb_alloc((size_t)(c.n_input + c.n), 1);
    for (int e = 0; e < EVENTS; e++) wrong += score_of(p, &c, e, signal) != (double)score[e];
    free(signal);
    cb_circuit_free(&c);
    return wrong;
}

/* What was trained with hard forward is what the hardware computes: weights, wires and thresholds together. */
static void test_hardware(void) {
    static problem p;
    float score[EVENTS];
    double diff[PLANES];
    cb_rng r = {0};
    make_problem(&p, CB_LOGIC_LIGHT, 4, CANDIDATES);
    float *w = floats(p.net.n_weight, &r, 0, 0), *u = floats(p.net.n_choice, &r, 0, 0);
    train(&p, 2, cb_isa_best(), true, 100, w, u, diff, score);
    CU_ASSERT_EQUAL(differing(&p, w, score), 0);
    CU_ASSERT(p.code.threshold[0] != 3 || p.code.threshold[CELLS] != 12);
    free(w), free(u);
    free_problem(&p);
}

/* Wires alone find the six cells that count; the threshold alone finds TOP. */
static void test_learning(void) {
    for (int wires = 0; wires < 2; wires++) {
        static problem p;
        float score[EVENTS], w[2 * OUT], *u;
        double diff[PLANES];
        int found = 0;
        make_wires(&p, wires);
        u = cb_alloc(p.net.n_choice + 1, sizeof *u);
        double first = train(&p, 2, cb_isa_best(), !wires, 1, w, u, diff, score);
        for (int j = 0; j < p.code.n_input; j++) p.code.threshold[j] = (int[]){3, 12, 100}[p.code.plane[j]];
        double last = train(&p, 2, cb_isa_best(), !wires, 300, w, u, diff, score);
        for (int o = 0; o < OUT; o++) found += p.net.layer[0].wire[o] < 6;
        CU_ASSERT(last < 0.3 * first);
        CU_ASSERT(wires ? found > OUT / 2 : p.code.threshold[0] > TOP / 2 && p.code.threshold[0] < 2 * TOP);
        CU_ASSERT_EQUAL(differing(&p, w, score), 0);
        free(u);
        free_problem(&p);
    }
}

/* ---- thresholds ---- */

static void test_ladder(void) {
    static const int32_t at[] = {0, 1, 7, 500, 1022};
    for (int log_axis = 0; log_axis < 2; log_axis++) {
        cb_ladder l;
        UNIT_OK(cb_ladder_new(&l, at, 5, log_axis, log_axis ? 0.25 : 3));
        CU_ASSERT_EQUAL(memcmp(l.count, at, sizeof at), 0);
        cb_ladder_refresh(&l, false);
        for (int p = 0; p < 5; p++) {
            const float *t = l.table + p * 1024, *s = l.slope + p * 1024;
            CU_ASSERT(t[at[p]] < 0.5f && t[at[p] + 1] > 0.5f && s[at[p]] < 0);
            for (int x = 1; x < 1024; x++) CU_ASSERT_FATAL(t[x] >= t[x - 1]);
        }
        double up[5] = {1, 0, 0, 0, 0}; /* all of them move down */
        for (uint64_t k = 1; k <= 50; k++) cb_ladder_step(&l, up, 0.3, 0.9, 0.999, 1e-8, k);
        cb_ladder_refresh(&l, true);
        CU_ASSERT(l.count[0] == 0 && l.count[4] < 1022 && l.table[0] == 0 && l.table[1023] == 1);
        for (int p = 1; p < 5; p++) CU_ASSERT(l.count[p] >= l.count[p - 1]);
        cb_ladder_free(&l);
    }
    cb_ladder l;
    UNIT_FAILS(cb_ladder_new(&l, (int32_t[]){3, 3}, 2, true, 1), "threshold 1 starts at 3");
    UNIT_FAILS(cb_ladder_new(&l, (int32_t[]){1023}, 1, true, 1), "0 to 1022");
    UNIT_FAILS(cb_ladder_new(&l, at, 0, true, 1), "1 to 64");
    double d[4], t[4] = {3, 3.001, 5, 90}, back[4];
    cb_thresholds_differences(t, 4, 0.5, d);
    cb_thresholds_ordered(d, 4, 0.5, back);
    for (int i = 0; i < 4; i++) CU_ASSERT_DOUBLE_EQUAL(back[i], t[i], 1e-9);
}

static void test_refused(void) {
    cb_logic_net n;
    cb_logic_net_new(&n, (cb_logic_image){2, 3, 3, 1});
    CU_ASSERT_PTR_NOT_NULL(cb_logic_dense(&n, CB_LOGIC_LIGHT, 4, 10));
    UNIT_FAILS(cb_logic_choices(&n, 1), "at least 2");
    UNIT_FAILS(cb_logic_choices(&n, 1 << 20), "candidates");
    cb_logic_net_free(&n);
}

UNIT_MAIN("learnable wires and thresholds", {"kernels equal their plain twins", test_kernels}, {"choice", test_choose},
          {"one step equals the double reference", test_against_reference},
          {"same bytes for threads and instruction sets", test_same_bytes}, {"training = hardware", test_hardware}, {"learning", test_learning},
          {"ordered thresholds", test_ladder}, {"refused", test_refused})
