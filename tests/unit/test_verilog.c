/* Verilog: simulated against the interpreter and the programme; a changed bit is seen. */
#include "base/rng.h"
#include "base/log.h"
#include "hw/check_events.h"
#include "hw/process.h"
#include "hw/verify.h"
#include "quant/firmware_import.h"
#include "unit.h"

enum { EVENTS = 60 };

/* Emits a netlist with `levels` per stage, simulates it, returns the check's status code. */
static int simulate(cb_netlist *g, int levels, const uint16_t *et, const uint16_t *code, size_t n, bool comb, cb_check *c) {
    static char dir[512], scratch[600];
    snprintf(dir, sizeof dir, "%s", unit_scratch("verilog"));
    snprintf(scratch, sizeof scratch, "%s/sim", dir);
    UNIT_OK(cb_netlist_pipeline(g, levels));
    cb_emit e = {.net = g, .dir = dir, .clock_ns = 6.25, .et = et, .code = code, .n_event = n, .n_simulation = n};
    UNIT_OK(cb_emit_verilog(&e));
    int rc = cb_verify_verilog(&e, scratch, comb, c);
    if (!getenv("KEEP")) UNIT_OK(cb_remove_tree(dir));
    return rc;
}

/* A graph of nodes of all kinds: sums of random quantized values, every mode, some saturating. */
static void random_graph(cb_rng *r, cb_netlist *g) {
    enum { STEPS = 60 };
    int32_t x[STEPS];
    for (int k = 0; k < STEPS; k++) {
        if (k < g->n_input) {
            x[k] = cb_netlist_input(g, k);
            continue;
        }
        int32_t a = x[cb_rng_below(r, (uint32_t)k)], b = x[cb_rng_below(r, (uint32_t)k)];
        const cb_node *p = &g->node[a], *q = &g->node[b];
        uint32_t kind = cb_rng_below(r, 12);
        if (kind == 0) x[k] = cb_netlist_const(g, (int64_t)cb_rng_below(r, 200) - 100, (int)cb_rng_below(r, 4));
        else if (kind == 1) x[k] = cb_netlist_neg(g, a);
        else if (kind < 7 && cb_node_width(p) < 20 && cb_node_width(q) < 20 && abs(p->frac - q->frac) < 9)
            x[k] = cb_netlist_add(g, a, (int)cb_rng_below(r, 7) - 3, b, (int)cb_rng_below(r, 7) - 3, cb_rng_below(r, 2));
        else {
            int top = cb_node_width(p) - p->frac, f = p->frac + 1 - (int)cb_rng_below(r, 6);
            cb_format t = {.k = (int8_t)cb_rng_below(r, 2), .i = (int16_t)(top - (int)cb_rng_below(r, 4)), .f = (int16_t)f};
            x[k] = cb_netlist_quant(g, a, t, (cb_round)cb_rng_below(r, 7), (cb_overflow)cb_rng_below(r, 3), cb_rng_below(r, 2));
        }
        CU_ASSERT_FATAL(x[k] >= 0);
    }
    enum { OUT = 24 }; /* the low 16 bits of many nodes, so that every kind is seen */
    g->output = calloc(OUT, sizeof *g->output);
    for (int o = 0; o < OUT; o++) {
        int32_t n = x[STEPS - 1 - o];
        while (cb_node_width(&g->node[n]) > 15 || g->node[n].lo < 0) /* an unsigned code of at most 16 bits */
            n = cb_netlist_quant(g, n, (cb_format){0, (int16_t)(15 - g->node[n].frac), g->node[n].frac}, CB_TRN, CB_WRAP, false);
        g->output[o] = n;
    }
    g->n_output = OUT;
}

static void test_random_graphs(void) {
    if (!cb_process_exists("iverilog")) {
        fprintf(stderr, "\n  iverilog is not installed: not simulated\n");
        return;
    }
    for (uint64_t trial = 0; trial < 8; trial++) {
        cb_rng r = cb_rng_at(21, "verilog", trial);
        cb_netlist g = {.name = "random-graph", .n_input = 6, .input_bits = 5};
        random_graph(&r, &g);
        uint16_t et[EVENTS * 6];
        uint16_t *code = calloc(EVENTS * (size_t)g.n_output, sizeof *code);
        for (int i = 0; i < EVENTS * 6; i++) et[i] = i < 6 ? 0 : i < 12 ? 31 : (uint16_t)cb_rng_below(&r, 32);
        UNIT_OK(cb_netlist_score(&g, et, EVENTS, code));
        cb_check c;
        for (int comb = 0; comb < 2; comb++) {
            UNIT_OK(simulate(&g, 1 + (int)trial % 3, et, code, EVENTS, comb, &c));
            CU_ASSERT(c.checked == EVENTS && c.mismatches == 0);
        }
        free(code);
        cb_netlist_free(&g);
    }
}

/* v1p1p2 on its recorded kind of input; then one changed node must be caught. */
static void test_firmware_and_mutation(void) {
    if (!cb_process_exists("iverilog")) return;
    cb_programme p;
    cb_netlist g;
    UNIT_OK(cb_firmware_import(&p, "v1", "cicada-v1", "data/firmware/v1p1p2", NULL));
    UNIT_OK(cb_netlist_lower(&g, &p, 1));
    uint16_t et[40 * 252], code[40];
    cb_rng r = cb_rng_at(22, "v1", 0);
    for (int e = 0; e < 40; e++)
        for (int i = 0; i < 252; i++)
            et[e * 252 + i] = e == 0 ? 0 : e == 1 ? 1023 : (uint16_t)cb_rng_below(&r, e % 2 ? 1024 : 12);
    UNIT_OK(cb_programme_score(&p, et, 40, code));
    cb_check c;
    UNIT_OK(simulate(&g, 3, et, code, 40, false, &c));
    CU_ASSERT(c.checked == 40 && c.mismatches == 0 && !strcmp(c.status, "ok"));
    int32_t n = g.n - 1;
    while (g.node[n].kind != CB_NODE_ADD || cb_node_is_wire(&g, n)) n--;
    g.node[n].sub ^= 1; /* an adder of the last sum becomes a subtractor */
    UNIT_FAILS(simulate(&g, 3, et, code, 40, false, &c), "differ from the integer programme; first: event");
    CU_ASSERT(c.mismatches > 0 && c.first_bad >= 0 && c.expected != c.got);
    g.node[n].sub ^= 1;
    code[17] ^= 1; /* one bit of one expected score */
    UNIT_FAILS(simulate(&g, 3, et, code, 40, false, &c), "1 of 40 events differ");
    CU_ASSERT(c.first_bad == 17);
    cb_netlist_free(&g);
    cb_programme_free(&p);
}

/* Stages hold at most `levels` levels, operands never come from a later stage. */
static void test_pipeline(void) {
    cb_programme p;
    cb_netlist g;
    UNIT_OK(cb_firmware_import(&p, "v2", "v2", "data/firmware/v2p1p2", NULL));
    UNIT_OK(cb_netlist_lower(&g, &p, 1));
    int64_t before = INT64_MAX;
    for (int levels = 1; levels < 8; levels++) {
        UNIT_OK(cb_netlist_pipeline(&g, levels));
        int low[64], high[64], wrong = 0, depth = 0;
        for (int s = 0; s < 64; s++) low[s] = 1 << 20, high[s] = 0;
        for (int32_t i = 0; i < g.n; i++) {
            const cb_node *x = &g.node[i];
            int s = x->stage;
            depth = x->level > depth ? x->level : depth;
            if (x->level && x->level < low[s]) low[s] = x->level;
            if (x->level > high[s]) high[s] = x->level;
            if (x->kind != CB_NODE_INPUT && x->kind != CB_NODE_CONST)
                wrong += g.node[x->a].stage > s || (x->b >= 0 && g.node[x->b].stage > s);
        }
        for (int s = 0; s < g.n_stage; s++) wrong += high[s] - low[s] >= levels;
        CU_ASSERT(wrong == 0 && g.n_stage == (depth + levels - 1) / levels);
        int64_t bits = cb_netlist_register_bits(&g);
        CU_ASSERT(bits > 1000 && bits < before);
        before = bits;
    }
    UNIT_OK(cb_netlist_pipeline(&g, 0));
    CU_ASSERT(g.n_stage == 0 && cb_netlist_register_bits(&g) == 0);
    cb_netlist_free(&g);
    cb_programme_free(&p);
}

/* Small students through every back end: one whose score never changes, one of a single sum. */
static void test_small_students(void) {
    cb_log_level(CB_QUIET);
    for (int dead = 0; dead < 2; dead++) {
        cb_programme p = {.name = "2nd small/student", .family = "test", .input_h = 1, .input_w = 3};
        cb_op *d = cb_programme_dense(&p, "dense", 1, true);
        for (int i = 0; i < 3; i++) d->w[i] = dead ? 0 : 5 - 3 * i;
        d->w_frac = 3, d->bias[0] = 21, d->bias_frac = 3;
        cb_op *q = cb_programme_quant(&p, "score", 1);
        q->relu = true, q->round = CB_RND_CONV, q->overflow = CB_SAT, q->format[0] = (cb_format){0, 8, 8};
        UNIT_OK(cb_programme_finish(&p));
        cb_netlist g;
        UNIT_OK(cb_netlist_from_programme(&g, &p));
        UNIT_OK(cb_netlist_pipeline(&g, 2));
        cb_check_events v;
        UNIT_OK(cb_check_events_make(&v, &g, NULL, NULL, 80, 80, 1));
        uint16_t code[80];
        UNIT_OK(cb_programme_score(&p, v.et, 80, code));
        CU_ASSERT(code[0] == 21 * 32 && dead == (code[1] == code[0])); /* 1023 * (5 + 2 - 1) / 8 saturates */
        CU_ASSERT(dead || code[1] == 65535);
        char dir[512], scratch[600];
        snprintf(dir, sizeof dir, "%s", unit_scratch("small"));
        snprintf(scratch, sizeof scratch, "%s/sim", dir);
        cb_emit e = {.programme = &p, .net = &g, .dir = dir, .part = "xc7vx690tffg1927-2", .clock_ns = 6.25, .et = v.et,
                     .code = code, .n_event = 80, .n_simulation = 80, .simulate = true};
        cb_check check[CB_CHECKS];
        int n_check;
        UNIT_OK(cb_emit_all(&e));
        UNIT_OK(cb_verify(&e, scratch, check, &n_check));
        CU_ASSERT_EQUAL(n_check, CB_CHECKS - 2); /* all but Verilator, which test_simulator has, and nothing is recorded */
        for (int k = 0; k < n_check; k++) CU_ASSERT(check[k].mismatches == 0);
        UNIT_OK(cb_remove_tree(dir));
        cb_check_events_free(&v);
        cb_netlist_free(&g);
        cb_programme_free(&p);
    }
}

/* The chosen events: corners first, nearly every condition of the quantizers met, reproducible. */
static void test_check_events(void) {
    cb_programme p;
    cb_netlist g;
    UNIT_OK(cb_firmware_import(&p, "v2", "v2", "data/firmware/v2p1p2", NULL));
    UNIT_OK(cb_netlist_lower(&g, &p, 0));
    cb_dataset data = {.n = 3, .height = 18, .width = 14, .et = calloc(3 * 252, 2)};
    for (int i = 0; i < 3 * 252; i++) data.et[i] = (uint16_t)(i % 777);
    cb_check_events a, b;
    UNIT_OK(cb_check_events_make(&a, &g, &data, NULL, 600, 600, 1));
    UNIT_OK(cb_check_events_make(&b, &g, &data, NULL, 600, 600, 1));
    CU_ASSERT(a.n_directed + a.n_data + a.n_random == 600 && a.n_data == 3 && a.n_directed >= 254);
    CU_ASSERT(a.conditions > 1000 && a.covered >= a.conditions - 4 && a.covered <= a.conditions);
    CU_ASSERT(a.et[0] == 0 && a.et[252 + 251] == 1023 && a.et[2 * 252] == 1023 && a.et[2 * 252 + 1] == 0);
    CU_ASSERT(!memcmp(a.et + a.n_directed * 252, data.et, 252 * sizeof *data.et));
    CU_ASSERT(!memcmp(a.et, b.et, 600 * 252 * sizeof *a.et));
    data.width = 13;
    cb_check_events_free(&b);
    UNIT_FAILS(cb_check_events_make(&b, &g, &data, NULL, 600, 600, 1), "18 x 13 regions, the student has 252 inputs");
    free(data.et);
    cb_check_events_free(&a);
    cb_netlist_free(&g);
    cb_programme_free(&p);
}

UNIT_MAIN("verilog", {"random graphs simulated", test_random_graphs}, {"firmware and mutations", test_firmware_and_mutation},
          {"pipeline", test_pipeline}, {"small students, all forms", test_small_students},
          {"check events", test_check_events})
