/* Shared hardware: any convolution at any interval gives the programme's scores, in the interpreter and, clock by
 * clock, in Verilog; cuts by the clock keep to it. */
#include "base/log.h"
#include "base/rng.h"
#include "hw/cost.h"
#include "hw/emit.h"
#include "hw/pipeline.h"
#include "hw/process.h"
#include "hw/share.h"
#include "hw/verify.h"
#include "quant/firmware_import.h"
#include "unit.h"

static void random_weights(cb_rng *r, cb_op *op, int n_w) {
    op->w_frac = (int)cb_rng_below(r, 5);
    for (int i = 0; i < n_w; i++) op->w[i] = cb_rng_below(r, 4) ? (int32_t)cb_rng_below(r, 31) - 15 : 0;
    op->bias_frac = op->in_frac;
    for (int o = 0; op->bias && o < op->out_c; o++) op->bias[o] = (int64_t)cb_rng_below(r, 41) - 20;
}

/* mixed: one of two formats for each position, so that only some positions are alike. */
static void random_quant(cb_rng *r, cb_programme *p, const char *name, bool mixed) {
    const cb_op *before = &p->op[p->n_op - 1];
    int n = mixed ? before->out_h * before->out_w * before->out_c : 1, c = before->out_c;
    cb_op *op = cb_programme_quant(p, name, n);
    static const cb_round modes[] = {CB_RND_CONV, CB_TRN, CB_RND, CB_RND_INF, CB_TRN_ZERO};
    op->relu = cb_rng_below(r, 4), op->round = modes[cb_rng_below(r, 5)], op->overflow = (cb_overflow)cb_rng_below(r, 2);
    int16_t i = (int16_t)(3 + cb_rng_below(r, 6)), f = (int16_t)cb_rng_below(r, 3);
    int8_t k = (int8_t)(cb_rng_below(r, 3) == 0);
    for (int e = 0; e < n; e++) op->format[e] = (cb_format){k, i, (int16_t)(f + (mixed && e / c % 3 == 1))};
}

enum { KINDS = 5 };

/* conv quant (conv quant)? dense quant; kind 1: formats differ, 2: two convolutions, 3: overlapping windows, 4: an input quantizer. */
static int random_student(cb_programme *p, cb_rng *r, int kind) {
    *p = (cb_programme){.name = "shared", .family = "test"};
    p->input_h = 3 + (int)cb_rng_below(r, 4), p->input_w = 4 + (int)cb_rng_below(r, 4);
    if (kind == 4) {
        cb_op *q = cb_programme_quant(p, "in", 1);
        q->relu = false, q->round = CB_TRN, q->overflow = CB_SAT, q->format[0] = (cb_format){0, 7, 0};
    }
    int stride = kind == 3 ? 1 : 2, n_filter = 1 + (int)cb_rng_below(r, 3);
    cb_op *op = cb_programme_conv2d(p, "conv", 2, 2, 1, stride, n_filter, cb_rng_below(r, 2));
    random_weights(r, op, 4 * n_filter);
    random_quant(r, p, "relu", kind == 1);
    if (kind == 2) {
        op = cb_programme_conv2d(p, "conv2", 2, 1, 1, 1, 2, true);
        random_weights(r, op, 2 * n_filter * 2);
        random_quant(r, p, "relu2", false);
    }
    const cb_op *last = &p->op[p->n_op - 1];
    int n = last->out_h * last->out_w * last->out_c;
    op = cb_programme_dense(p, "dense", 1, true);
    random_weights(r, op, n);
    op = cb_programme_quant(p, "score", 1);
    op->round = CB_RND_CONV, op->overflow = CB_SAT, op->format[0] = (cb_format){0, 8, 8};
    return cb_programme_finish(p);
}

static uint16_t *random_events(cb_rng *r, size_t n, size_t n_in) {
    uint16_t *et = calloc(n * n_in, sizeof *et);
    for (size_t i = 0; i < n * n_in; i++) et[i] = (uint16_t)cb_rng_below(r, i / n_in % 3 ? 1024 : 24);
    for (size_t i = 0; i < n_in; i++) et[n_in + i] = 1023;
    return et;
}

/* Registered Verilog of the shared netlist. */
static int simulate(const cb_netlist *shared, const uint16_t *et, const uint16_t *code, size_t n, cb_check *c) {
    static char dir[512], scratch[600];
    snprintf(dir, sizeof dir, "%s", unit_scratch("share"));
    snprintf(scratch, sizeof scratch, "%s/sim", dir);
    cb_netlist flat;
    UNIT_OK(cb_netlist_unfold(shared, &flat));
    cb_emit e = {.net = &flat, .shared = shared, .dir = dir, .clock_ns = 6.25, .et = et, .code = code, .n_event = n, .n_simulation = n};
    UNIT_OK(cb_emit_verilog(&e));
    int rc = cb_verify_verilog(&e, scratch, false, c);
    cb_netlist_free(&flat);
    UNIT_OK(cb_remove_tree(dir));
    return rc;
}

/* One student at one interval. */
static void check_student(const cb_programme *p, int ii, int extra_levels, cb_rng *r, bool verilog, int *shared) {
    enum { EVENTS = 300, SIMULATED = 24 };
    cb_netlist g, flat;
    UNIT_OK(cb_netlist_lower_shared(&g, p, extra_levels, ii));
    UNIT_OK(cb_netlist_unfold(&g, &flat));
    uint16_t *et = random_events(r, EVENTS, (size_t)g.n_input), code[EVENTS], got[EVENTS];
    UNIT_OK(cb_programme_score(p, et, EVENTS, code));
    UNIT_OK(cb_netlist_score(&g, et, EVENTS, got));
    CU_ASSERT(!memcmp(code, got, sizeof code));
    int64_t *value = calloc((size_t)flat.n + 1, sizeof *value);
    int wrong = 0;
    for (int e = 0; e < 40; e++) { /* the plain reference, and bounds */
        cb_netlist_trace(&flat, et + e * g.n_input, value);
        wrong += value[flat.output[0]] != code[e];
        for (int32_t i = 0; i < flat.n; i++) wrong += value[i] < flat.node[i].lo || value[i] > flat.node[i].hi;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    *shared += g.ii > 1;
    g.ternary = cb_rng_below(r, 3) == 0;
    cb_cost cost;
    UNIT_OK(cb_netlist_pipeline(&g, 1 + (int)cb_rng_below(r, 3)));
    UNIT_OK(cb_cost_estimate(&g, "xc7", &cost));
    cb_check c;
    if (verilog) {
        UNIT_OK(simulate(&g, et, code, SIMULATED, &c));
        CU_ASSERT(c.checked == SIMULATED && c.mismatches == 0);
    }
    free(value);
    free(et);
    cb_netlist_free(&flat);
    cb_netlist_free(&g);
}

static void test_random_students(void) {
    int shared = 0, done = 0;
    bool tool = cb_process_exists("iverilog");
    if (!tool) fprintf(stderr, "\n  iverilog is not installed: not simulated\n");
    cb_log_level(CB_QUIET);
    for (uint64_t trial = 0; trial < 45; trial++) {
        cb_rng r = cb_rng_at(31, "share", trial);
        cb_programme p;
        if (!random_student(&p, &r, (int)(trial % KINDS))) {
            const cb_op *conv = &p.op[trial % KINDS == 4];
            int most = conv->out_h * conv->out_w, ii = 2 + (int)(trial / KINDS % 4);
            if (ii == 5 || ii > most) ii = most; /* one engine */
            check_student(&p, ii, (int)cb_rng_below(&r, 3) - 1, &r, tool && trial < 20, &shared);
            done++;
        }
        cb_programme_free(&p);
    }
    CU_ASSERT(done > 38 && shared > 34);
}

static int count_kind(const cb_netlist *g, cb_node_kind kind) {
    int n = 0;
    for (int32_t i = 0; i < g->n; i++) n += g->node[i].kind == kind;
    return n;
}

/* The deployed network: 16 engines for 63 positions, a quarter of the convolution's adders, the same function. */
static void test_firmware(void) {
    cb_programme p;
    cb_netlist one, four, flat, back;
    cb_cost cost[2];
    cb_log_level(CB_QUIET);
    UNIT_OK(cb_firmware_import(&p, "v2", "v2", "data/firmware/v2p1p2", NULL));
    UNIT_OK(cb_netlist_lower(&one, &p, 1));
    UNIT_OK(cb_netlist_lower_shared(&four, &p, 1, 4));
    UNIT_OK(cb_netlist_unfold(&four, &flat));
    CU_ASSERT(four.ii == 4 && one.ii == 1 && flat.ii < 2 && flat.n == one.n);
    CU_ASSERT_EQUAL(count_kind(&four, CB_NODE_HOLD), 252);
    CU_ASSERT_EQUAL(count_kind(&four, CB_NODE_SELECT), (15 * 3 + 2) * 4);
    UNIT_OK(cb_netlist_pipeline(&one, 3));
    UNIT_OK(cb_netlist_pipeline(&four, 3));
    UNIT_OK(cb_cost_estimate(&one, "xc7", &cost[0]));
    UNIT_OK(cb_cost_estimate(&four, "xc7", &cost[1]));
    CU_ASSERT(cost[1].sites < cost[0].sites / 2 && cost[1].ff < cost[0].ff && cost[1].select_sites > 500 && cost[1].select_sites < 800);
    CU_ASSERT(four.n_stage >= one.n_stage + 3 && four.n_stage <= one.n_stage + 5);
    const char *path = unit_scratch("shared.h5");
    cb_h5 *f = cb_h5_create(path, CB_NETLIST_SCHEMA, "test", "");
    UNIT_OK(f ? cb_netlist_write(&four, f) : -1);
    UNIT_OK(cb_h5_commit(&f));
    UNIT_OK(cb_netlist_read(&back, path));
    unlink(path);
    cb_cost again;
    UNIT_OK(cb_cost_estimate(&back, "xc7", &again));
    CU_ASSERT(again.sites == cost[1].sites && again.ff == cost[1].ff && again.path_ns == cost[1].path_ns && back.ii == 4);
    uint16_t et[64 * 252], code[64], got[64];
    cb_rng r = cb_rng_at(32, "v2", 0);
    for (int i = 0; i < 64 * 252; i++) et[i] = (uint16_t)cb_rng_below(&r, i / 252 % 2 ? 1024 : 20);
    UNIT_OK(cb_programme_score(&p, et, 64, code));
    UNIT_OK(cb_netlist_score(&back, et, 64, got));
    CU_ASSERT(!memcmp(code, got, sizeof code));
    cb_netlist none;
    UNIT_FAILS(cb_netlist_lower_shared(&none, &p, 1, 64), "layer conv has 63 positions");
    UNIT_FAILS(cb_netlist_pipeline(&four, 0), "needs registers");
    cb_netlist_free(&one), cb_netlist_free(&four), cb_netlist_free(&flat), cb_netlist_free(&back);
    cb_programme_free(&p);
}

/* Without positions there is nothing to share. */
static void test_nothing_to_share(void) {
    cb_programme p;
    cb_netlist g;
    UNIT_OK(cb_firmware_import(&p, "v1", "v1", "data/firmware/v1p1p2", NULL));
    UNIT_OK(cb_netlist_lower_shared(&g, &p, 1, 4));
    CU_ASSERT(g.ii == 1 && !count_kind(&g, CB_NODE_SELECT) && !count_kind(&g, CB_NODE_HOLD));
    cb_netlist_free(&g);
    cb_programme_free(&p);
}

/* A register that takes the wrong phase, or a multiplexer turned round, is seen. */
static void test_mutation(void) {
    cb_programme p;
    cb_netlist g;
    cb_rng r = cb_rng_at(33, "share", 0);
    if (!cb_process_exists("iverilog")) return;
    cb_log_level(CB_QUIET);
    UNIT_OK(random_student(&p, &r, 0));
    UNIT_OK(cb_netlist_lower_shared(&g, &p, 1, 2));
    UNIT_OK(cb_netlist_pipeline(&g, 2));
    uint16_t *et = random_events(&r, 20, (size_t)g.n_input), code[20];
    UNIT_OK(cb_programme_score(&p, et, 20, code));
    cb_check c;
    UNIT_OK(simulate(&g, et, code, 20, &c));
    for (int kind = CB_NODE_SELECT; kind <= CB_NODE_HOLD; kind++) {
        int32_t n = 0;
        while (g.node[n].kind != kind) n++;
        cb_node was = g.node[n];
        if (kind == CB_NODE_HOLD) g.node[n].phase ^= 1;
        else g.node[n].a = was.b, g.node[n].b = was.a;
        UNIT_FAILS(simulate(&g, et, code, 20, &c), "differ from the integer programme");
        g.node[n] = was;
    }
    free(et);
    cb_netlist_free(&g);
    cb_programme_free(&p);
}

/* A file with phases that cannot be. */
static void test_damaged(void) {
    cb_programme p;
    cb_netlist g, back;
    cb_log_level(CB_QUIET);
    cb_rng r = cb_rng_at(34, "share", 0);
    UNIT_OK(random_student(&p, &r, 0));
    UNIT_OK(cb_netlist_lower_shared(&g, &p, 1, 3));
    UNIT_OK(cb_netlist_pipeline(&g, 2));
    static const struct { cb_node_kind kind; int phase, ii; const char *error; } bad[] = {
        {CB_NODE_SELECT, 2, 3, "phase out of range"}, {CB_NODE_SELECT, -1, 3, "phase out of range"},
        {CB_NODE_HOLD, 3, 3, "phase out of range"},   {CB_NODE_HOLD, -2, 3, "phase out of range"},
        {CB_NODE_HOLD, 0, 5000, "ii 5000: 2 to 4096 expected"}, {CB_NODE_HOLD, 0, 1, "without an initiation interval"}};
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        int32_t n = 0;
        while (g.node[n].kind != bad[k].kind) n++;
        cb_node was = g.node[n];
        int ii = g.ii;
        g.node[n].phase = (int16_t)bad[k].phase, g.ii = bad[k].ii;
        const char *path = unit_scratch("bad-share.h5");
        cb_h5 *f = cb_h5_create(path, CB_NETLIST_SCHEMA, "test", "");
        UNIT_OK(f ? cb_netlist_write(&g, f) : -1);
        UNIT_OK(cb_h5_commit(&f));
        UNIT_FAILS(cb_netlist_read(&back, path), bad[k].error);
        unlink(path);
        g.node[n] = was, g.ii = ii;
    }
    cb_netlist_free(&g);
    cb_programme_free(&p);
}

/* Stages as long as the clock allows, with chains of two and of three operands; latencies to order. */
static void test_cut_by_delay(void) {
    cb_programme p;
    cb_netlist g;
    cb_cost cost;
    cb_log_level(CB_QUIET);
    UNIT_OK(cb_firmware_import(&p, "v1", "v1", "data/firmware/v1p1p2", NULL));
    UNIT_OK(cb_netlist_lower(&g, &p, 1));
    int stages[2][3];
    for (int ternary = 0; ternary < 2; ternary++)
        for (int k = 0; k < 3; k++) {
            static const double clock[] = {4, 6.25, 12.5};
            g.ternary = ternary;
            UNIT_OK(cb_netlist_cut(&g, &(cb_pipeline_rules){.levels = CB_BY_DELAY, .clock_ns = clock[k], .family = "xc7"}));
            UNIT_OK(cb_cost_estimate(&g, "xc7", &cost));
            CU_ASSERT(cost.path_ns <= clock[k] && cost.path_ns > 0.3 * clock[k]);
            stages[ternary][k] = g.n_stage;
        }
    CU_ASSERT(stages[0][0] > stages[0][1] && stages[0][1] > stages[0][2]);
    CU_ASSERT(stages[1][0] >= stages[0][0] && stages[1][1] >= stages[0][1]); /* three operands are slower */
    g.ternary = false;
    int least = stages[0][1];
    for (int latency = least; latency < least + 40; latency += 13) {
        UNIT_OK(cb_netlist_cut(&g, &(cb_pipeline_rules){CB_BY_DELAY, 6.25, "xc7", latency}));
        UNIT_OK(cb_cost_estimate(&g, "xc7", &cost));
        CU_ASSERT(g.n_stage == latency && cost.path_ns <= 6.25);
    }
    char text[64];
    snprintf(text, sizeof text, "%d are the shortest at 6.25 ns", least);
    UNIT_FAILS(cb_netlist_cut(&g, &(cb_pipeline_rules){CB_BY_DELAY, 6.25, "xc7", least - 1}), text);
    UNIT_FAILS(cb_netlist_cut(&g, &(cb_pipeline_rules){CB_BY_DELAY, 0.5, "xc7", 0}), "one adder level alone takes");
    UNIT_FAILS(cb_netlist_cut(&g, &(cb_pipeline_rules){3, 6.25, "xc7", 2}), "with 3 adder levels a stage");
    UNIT_FAILS(cb_netlist_cut(&g, &(cb_pipeline_rules){0, 6.25, "xc7", 2}), "needs registers");
    cb_netlist_free(&g);
    cb_programme_free(&p);
}

/* A register of no phase behind an engine would take each of its values. */
static void test_hold_of_no_phase(void) {
    cb_netlist g = {.name = "held", .n_input = 2, .input_bits = 10, .ii = 2}, flat;
    const int32_t in[2] = {cb_netlist_input(&g, 0), cb_netlist_input(&g, 1)};
    int32_t engine = cb_netlist_neg(&g, cb_netlist_select(&g, 2, in));
    g.output = calloc(1, sizeof *g.output);
    g.n_output = 1;
    g.output[0] = cb_netlist_hold(&g, engine, 1);
    UNIT_OK(cb_netlist_unfold(&g, &flat));
    cb_netlist_free(&flat);
    g.output[0] = cb_netlist_hold(&g, engine, -1);
    UNIT_FAILS(cb_netlist_unfold(&g, &flat), "netlist held: node ");
    CU_ASSERT(!flat.node && !flat.output);
    cb_netlist_free(&g);
}

UNIT_MAIN("share", {"a hold of no phase", test_hold_of_no_phase}, {"random students", test_random_students}, {"v2p1p2", test_firmware}, {"nothing to share", test_nothing_to_share},
          {"mutation", test_mutation}, {"damaged files", test_damaged}, {"cuts by delay", test_cut_by_delay})
