/* Logic gate networks: recorded values of torchlogix (tests/golden), gradients by finite differences,
 * wiring, shapes, hardening. */
#define GOLDEN_PART
#include "../golden/golden_lgn.c"

#include "unit.h"

static void test_recorded(void) {
    golden tally;
    CU_ASSERT_EQUAL(lgn(unit_golden("."), true, &tally), 0);
    CU_ASSERT(tally.ok == 267 || tally.skipped);
}

/* Gradients of every kind and rank against central differences, inside and outside [0,1]. */
static void test_differences(void) {
    cb_rng r = cb_rng_at(1, "test-node", 0);
    double worst = 0;
    for (int kind = 0; kind < 3; kind++)
        for (int rank = kind ? 1 : 2; rank <= (kind ? 6 : 2); rank++) {
            cb_node_rule rule = {(cb_logic_kind)kind, rank, 0.7, false};
            int n = cb_node_parameters(rule.kind, rank);
            double w[64], noise[64], x[6], dx[6] = {0}, dv[64] = {0}, dw[64] = {0}, h = 1e-5;
            for (int k = 0; k < n; k++) w[k] = cb_rng_normal(&r), noise[k] = cb_rng_normal(&r) / 3;
            for (int j = 0; j < rank; j++) x[j] = cb_rng_f64(&r) * 1.5 - 0.25;
            cb_node node;
            cb_node_prepare(&node, &rule, w, noise);
            cb_node_backward(&node, x, 1.5, dv, dx);
            cb_node_weights(&node, dv, dw);
            for (int k = 0; k < n + rank; k++) {
                double *p = k < n ? &w[k] : &x[k - n], keep = *p, y[2];
                for (int s = 0; s < 2; s++) {
                    *p = keep + (s ? h : -h);
                    cb_node_prepare(&node, &rule, w, noise);
                    y[s] = cb_node_forward(&node, x);
                }
                *p = keep;
                worst = fmax(worst, fabs(1.5 * (y[1] - y[0]) / (2 * h) - (k < n ? dw[k] : dx[k - n])));
            }
        }
    CU_ASSERT(worst < 1e-8);
}

/* The gradient of the entropy; a node that has chosen has none, one that knows nothing has ln 16. */
static void test_entropy(void) {
    cb_node_rule rule = {CB_LOGIC_RAW, 2, 0.7, false};
    cb_rng r = cb_rng_at(2, "test-entropy", 0);
    double w[16], dw[16] = {0}, h = 1e-5, worst = 0, same[16] = {0}, sure[16] = {[5] = 40};
    cb_node node;
    for (int k = 0; k < 16; k++) w[k] = 2 * cb_rng_normal(&r);
    cb_node_prepare(&node, &rule, w, NULL);
    cb_node_entropy_weights(&node, 3, dw);
    for (int k = 0; k < 16; k++) {
        double keep = w[k], y[2];
        for (int s = 0; s < 2; s++) {
            w[k] = keep + (s ? h : -h);
            cb_node_prepare(&node, &rule, w, NULL);
            y[s] = cb_node_entropy(&node);
        }
        w[k] = keep;
        worst = fmax(worst, fabs(3 * (y[1] - y[0]) / (2 * h) - dw[k]));
    }
    CU_ASSERT(worst < 1e-8);
    cb_node_prepare(&node, &rule, same, NULL);
    CU_ASSERT_DOUBLE_EQUAL(cb_node_entropy(&node), log(16), 1e-8);
    cb_node_prepare(&node, &rule, sure, NULL);
    CU_ASSERT_DOUBLE_EQUAL(cb_node_entropy(&node), 0, 1e-8);
    rule.kind = CB_LOGIC_LIGHT;
    cb_node_prepare(&node, &rule, w, NULL);
    CU_ASSERT_EQUAL(cb_node_entropy(&node), 0);
}

/* A residual start hardens to its first input, whatever the kind. */
static void test_residual(void) {
    cb_rng r = cb_rng_at(2, "test-residual", 0);
    for (int kind = 0; kind < 3; kind++)
        for (int rank = kind ? 1 : 2; rank <= (kind ? 6 : 2); rank++) {
            double w[64];
            cb_node_residual((cb_logic_kind)kind, rank, 0.951, 1, &r, w);
            uint64_t table = cb_node_table((cb_logic_kind)kind, rank, w), want = 0;
            for (int i = 1 << (rank - 1); i < 1 << rank; i++) want |= (uint64_t)1 << i;
            if (kind != CB_LOGIC_LIGHT) CU_ASSERT_EQUAL(table, want); /* light has noise of one sigma at three */
        }
}

static void test_wires(void) {
    enum { IN = 60, OUT = 100, RANK = 3 };
    int32_t wire[OUT * RANK], unique[2 * OUT];
    int used[IN] = {0}, twice = 0, same = 0;
    cb_rng r = cb_rng_at(3, "test-wires", 0);
    UNIT_OK(cb_wires_random(&r, IN, OUT, RANK, 1, wire));
    for (int s = 0; s < OUT * RANK; s++) {
        used[wire[s]]++;
        for (int t = s / RANK * RANK; t < s; t++) twice += wire[t] == wire[s];
    }
    for (int i = 0; i < IN; i++) CU_ASSERT_EQUAL(used[i], OUT * RANK / IN);
    CU_ASSERT_EQUAL(twice, 0);
    UNIT_OK(cb_wires_unique(&r, 20, OUT, unique));
    for (int a = 0; a < OUT; a++) {
        CU_ASSERT(unique[2 * a] < unique[2 * a + 1] && unique[2 * a + 1] < 20);
        for (int b = 0; b < a; b++) same += unique[2 * a] == unique[2 * b] && unique[2 * a + 1] == unique[2 * b + 1];
    }
    CU_ASSERT_EQUAL(same, 0);
    UNIT_FAILS(cb_wires_unique(&r, 14, OUT, unique), "91 pairs");
}

static void test_bad_shapes(void) {
    cb_logic_net net;
    cb_logic_net_new(&net, (cb_logic_image){2, 6, 5, 1});
    cb_logic_conv c = {CB_LOGIC_LIGHT, 2, 1, 1, {7, 2, 1}, {1, 1, 1}, 0};
    int32_t leaf[8] = {0};
    UNIT_FAILS(cb_logic_conv_add(&net, &c, leaf), "field of 7");
    c.field[0] = 2;
    leaf[3] = 2;
    UNIT_FAILS(cb_logic_conv_add(&net, &c, leaf), "offset 2");
    UNIT_FAILS(cb_logic_pool_add(&net, 6, 1), "pooling");
    CU_ASSERT_PTR_NULL(cb_logic_dense(&net, CB_LOGIC_RAW, 3, 10));
    CU_ASSERT_PTR_NULL(cb_logic_dense(&net, CB_LOGIC_LIGHT, 7, 10));
    CU_ASSERT_PTR_NULL(cb_logic_dense(&net, CB_LOGIC_LIGHT, 2, 0));
    cb_logic_net_free(&net);
}

UNIT_MAIN("logic", {"recorded values of torchlogix", test_recorded}, {"gradients by finite differences", test_differences},
          {"entropy of the gates", test_entropy}, {"residual start", test_residual},
          {"random and unique wiring", test_wires}, {"bad shapes", test_bad_shapes})
