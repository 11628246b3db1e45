/* The head of logic gate networks: forward against the plain definition, gradients against differences, grids. */
#include <math.h>
#include <string.h>

#include "logic/head.h"
#include "unit.h"

enum { E = CB_LOGIC_SHARD, OUT = 300, MOST = OUT + CB_LOGIC_HINGES * (CB_LOGIC_UNITS + 2) + 1 };

typedef struct {
    cb_logic_head h;
    float theta[MOST], x[OUT * E], y[E], dy[E], g[OUT * E], grad[MOST];
    unsigned char bit[OUT];
} problem;

static void make(problem *p, cb_logic_head h, uint64_t seed) {
    cb_rng r = cb_rng_at(seed, "test-head", 0);
    memset(p, 0, sizeof *p);
    p->h = h;
    cb_logic_head_start(&h, OUT, 2, 20, &r, p->theta);
    for (size_t e = 0; e < cb_logic_head_size(&h, OUT); e++) p->theta[e] += (float)cb_rng_normal(&r) / 4;
    for (int e = 0; e < OUT * E; e++) p->x[e] = (float)cb_rng_below(&r, 2);
    for (int e = 0; e < E; e++) p->dy[e] = (float)cb_rng_normal(&r);
}

static double score_of(problem *p, int event) {
    for (int o = 0; o < OUT; o++) p->bit[o] = p->x[o * E + event] > 0;
    return cb_logic_head_plain(&p->h, OUT, p->theta, p->bit);
}

/* sum dy y, by the plain definition. */
static double total(problem *p) {
    double sum = 0;
    for (int e = 0; e < E; e++) sum += (double)p->dy[e] * score_of(p, e);
    return sum;
}

static const cb_logic_head heads[] = {{1, 1, 0}, {6, 1, 0}, {1, 1, 4}, {10, 2, 5}, {5, 8, 16}};

static void test_forward_and_gradients(void) {
    static problem p;
    for (size_t k = 0; k < sizeof heads / sizeof *heads; k++) {
        cb_logic_head_work w;
        int off = 0;
        make(&p, heads[k], k);
        cb_logic_head_forward(&p.h, OUT, p.theta, p.x, &w, p.y);
        for (int e = 0; e < E; e++) CU_ASSERT_DOUBLE_EQUAL((double)p.y[e], score_of(&p, e), 1e-2);
        cb_logic_head_backward(&p.h, OUT, p.theta, p.x, &w, p.dy, p.g, p.grad);
        for (size_t i = 0; i < cb_logic_head_size(&p.h, OUT); i++) {
            float old = p.theta[i], step = 0x1p-12f;
            p.theta[i] = old + step;
            double up = total(&p);
            p.theta[i] = old - step;
            double want = (up - total(&p)) / (2 * (double)step);
            p.theta[i] = old;
            off += fabs((double)p.grad[i] - want) > 0.01 * fabs(want) + 0.05;
        }
        CU_ASSERT(off <= 2); /* a hinge may lie between the two */
        for (int i = 0; i < OUT / p.h.share; i++) { /* an output enters like its weight: g = c d, grad = sum of d x */
            double along = 0, want = (double)p.theta[i] * (double)p.grad[i];
            for (int o = i * p.h.share; o < (i + 1) * p.h.share; o++)
                for (int e = 0; e < E; e++) along += (double)p.g[o * E + e] * (double)p.x[o * E + e];
            CU_ASSERT_DOUBLE_EQUAL(along, want, 1e-3 * fabs(want) + 1e-3);
        }
        for (int o = 0; o < OUT; o += 37) {
            double c = (double)p.theta[o / p.h.share];
            for (int e = 0; e < E; e += 11) {
                float old = p.x[o * E + e];
                double on, without;
                p.x[o * E + e] = 1, on = score_of(&p, e);
                p.x[o * E + e] = 0, without = score_of(&p, e);
                p.x[o * E + e] = old;
                if (p.h.hinges) CU_ASSERT(fabs((double)p.g[o * E + e]) <= 64 * fabs(c * (double)p.dy[e]) + 1e-6);
                if (!p.h.hinges) CU_ASSERT_DOUBLE_EQUAL((double)p.g[o * E + e], (double)p.dy[e] * (on - without), 1e-3);
            }
        }
    }
}

static void test_grids(void) {
    cb_logic_grid half = {5, 1}, power = {1, 3};
    const float in[] = {0.2f, 0.3f, -0.3f, 7.3f, 99, -99}, want[] = {0, 0.5f, -0.5f, 7.5f, 7.5f, -7.5f};
    for (int k = 0; k < 6; k++) CU_ASSERT_EQUAL(cb_logic_on_grid(half, in[k]), want[k]);
    const float from[] = {0.05f, 0.07f, 0.18f, 0.2f, 0.74f, -0.76f, 1.4f, 1.6f, -50}, to[] = {0, 0.125f, 0.125f, 0.25f, 0.5f, -1, 1, 2, -2};
    for (int k = 0; k < 9; k++) CU_ASSERT_EQUAL(cb_logic_on_grid(power, from[k]), to[k]);
}

static void test_rounding(void) {
    static problem p;
    static float used[MOST];
    make(&p, (cb_logic_head){10, 2, 5}, 3);
    p.theta[0] = 100;
    cb_logic_head_round(&p.h, OUT, (cb_logic_grid){5, 1}, (cb_logic_grid){1, 2}, p.theta, used);
    CU_ASSERT_EQUAL(p.theta[0], 7.5f);
    for (int o = 0; o < OUT / 10; o++) CU_ASSERT_EQUAL(used[o] * 2, rintf(used[o] * 2));
    for (size_t k = OUT / 10; k < cb_logic_head_size(&p.h, OUT); k++) CU_ASSERT_EQUAL(used[k] * 8, rintf(used[k] * 8));
    make(&p, (cb_logic_head){10, 1, 5}, 3); /* one unit: the hinges' weights on it are 1 */
    cb_logic_head_round(&p.h, OUT, (cb_logic_grid){5, 1}, (cb_logic_grid){1, 2}, p.theta, used);
    for (int k = 0; k < 5; k++) CU_ASSERT_EQUAL(used[OUT / 10 + k], 1);
}

UNIT_MAIN("logic head", {"forward and gradients", test_forward_and_gradients}, {"grids", test_grids}, {"rounding", test_rounding})
