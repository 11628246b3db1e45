/* Carry chains: offsets and three operands give the same values as the graph, on plain Verilog and on
 * the cells of 7 series; costs of cases counted by hand. */
#include "base/log.h"
#include "base/rng.h"
#include "hw/chains.h"
#include "hw/emit.h"
#include "hw/process.h"
#include "hw/prove.h"
#include "quant/firmware_import.h"
#include "unit.h"

static cb_netlist graph(bool ternary) {
    return (cb_netlist){.name = "t", .n_input = 8, .input_bits = 10, .ternary = ternary};
}

static int32_t in(cb_netlist *g, int i) {
    int32_t n = cb_netlist_input(g, i);
    CU_ASSERT_FATAL(n >= 0);
    return n;
}

static int32_t add(cb_netlist *g, int32_t a, int sa, int32_t b, int sb, bool sub) {
    int32_t n = cb_netlist_add(g, a, sa, b, sb, sub);
    CU_ASSERT_FATAL(n >= 0);
    return n;
}

static void output(cb_netlist *g, int32_t n) {
    if (!g->output) g->output = malloc(sizeof *g->output);
    g->output[0] = n;
    g->n_output = 1;
}

/* raw and sites of the chain of n, and how many sums went into others. */
static void expect(cb_netlist *g, int32_t n, int raw, int sites, int64_t fused) {
    cb_chains c;
    output(g, n);
    UNIT_OK(cb_chains_plan(g, true, &c));
    const cb_chain *x = &c.chain[n];
    if (x->raw != raw || x->sites != sites) fprintf(stderr, "\n  raw %d sites %d\n", x->raw, x->sites);
    CU_ASSERT(x->raw == raw && x->sites == sites && c.fused == fused);
    cb_chains_free(&c);
}

static void test_costs(void) {
    cb_netlist g = graph(false);
    int32_t x = in(&g, 0), y = in(&g, 1), z = in(&g, 2);
    expect(&g, add(&g, x, 0, y, 0, false), 10, 10, 0);
    expect(&g, add(&g, x, 0, y, 4, false), 6, 10, 0);  /* 4 wires, 6 pairs, 4 bits of y alone: no LUT, but a site */
    expect(&g, add(&g, x, 0, y, 10, false), 0, 0, 0);  /* side by side */
    expect(&g, add(&g, x, 0, y, 0, true), 10, 10, 0);  /* the sign comes out of the chain */
    int32_t eight = cb_netlist_const(&g, 8, 0);
    expect(&g, add(&g, x, 0, eight, 0, false), 0, 7, 0); /* a carry into place 3 */
    cb_chains c;
    int32_t s;
    cb_netlist_free(&g);

    g = graph(true);
    x = in(&g, 0), y = in(&g, 1), z = in(&g, 2);
    /* 10 places of LUT6_2 and one for the last saved carry */
    expect(&g, add(&g, add(&g, x, 0, y, 0, false), 0, z, 0, false), 11, 11, 1);
    /* a sum that is used twice stays */
    s = add(&g, x, 0, y, 0, false);
    int32_t a = add(&g, s, 0, z, 0, false), b = add(&g, s, 0, in(&g, 3), 0, false);
    output(&g, add(&g, a, 0, b, 12, false));
    UNIT_OK(cb_chains_plan(&g, true, &c));
    CU_ASSERT(c.fused <= 2 && !c.chain[s].absorbed);
    cb_chains_free(&c);
    cb_netlist_free(&g);
}

/* Loans of the sum n, planned with or without registers; how many sums borrow `from`, or any other bit. */
static int64_t loans(cb_netlist *g, int32_t n, bool comb, int32_t from, int bit) {
    cb_chains c;
    int borrowers = 0;
    output(g, n);
    UNIT_OK(cb_chains_plan(g, comb, &c));
    UNIT_OK(cb_prove_chains(g, &c));
    for (int32_t i = 0; i < g->n; i++) {
        borrowers += c.chain[i].carry_node >= 0;
        if (c.chain[i].carry_node >= 0 && from >= 0) CU_ASSERT(c.chain[i].carry_node == from && c.chain[i].carry_bit == bit);
    }
    CU_ASSERT(borrowers == c.loans);
    int64_t made = c.loans;
    cb_chains_free(&c);
    return made;
}

static void test_loans(void) {
    cb_netlist g = graph(false);
    int32_t x = in(&g, 0), y = in(&g, 1), z = in(&g, 2), s = add(&g, x, 0, y, 0, false);
    int32_t u = add(&g, s, 0, z, 0, false);
    CU_ASSERT_EQUAL(loans(&g, u, true, z, 0), 1);
    expect(&g, u, 9, 10, 0); /* of 10 pairs and the single top bit of s the lowest pair is gone */
    expect(&g, s, 10, 10, 0); /* now an output: it keeps its value */
    CU_ASSERT_EQUAL(loans(&g, add(&g, u, 0, s, 0, false), true, -1, 0), 1); /* s has two users, u one */
    cb_netlist_free(&g);

    g = graph(false);
    x = in(&g, 0), y = in(&g, 1), z = in(&g, 2), s = add(&g, x, 0, y, 0, false);
    CU_ASSERT_EQUAL(loans(&g, add(&g, s, 2, z, 0, false), true, z, 2), 1);
    cb_netlist_free(&g);
    for (int k = 0; k < 4; k++) { /* s begins below the pair, s is subtracted, z is, chains of three */
        g = graph(k == 3);
        x = in(&g, 0), y = in(&g, 1), z = in(&g, 2), s = add(&g, x, 0, y, 0, false);
        CU_ASSERT_EQUAL(loans(&g, k == 1 ? add(&g, z, 0, s, 0, true) : add(&g, s, 0, z, k == 0, k == 2), true, -1, 0), 0);
        cb_netlist_free(&g);
    }
    /* with registers: not across a cut, and only what is there early enough */
    for (int cut = 0; cut < 2; cut++) {
        g = graph(false);
        x = in(&g, 0), y = in(&g, 1), z = in(&g, 2), s = add(&g, x, 0, y, 0, false);
        u = add(&g, s, 0, z, 0, false);
        int32_t pair = add(&g, in(&g, 3), 0, in(&g, 4), 0, false), sum = add(&g, u, 1, pair, 1, false);
        g.n_stage = 2, g.node[sum].stage = cut, g.node[u].stage = cut;
        CU_ASSERT_EQUAL(loans(&g, u, false, z, 0), !cut);
        CU_ASSERT_EQUAL(loans(&g, sum, false, -1, 0), 1); /* z to s; else the bit of `pair`, a stage early, to u */
        cb_netlist_free(&g);
    }
    g = graph(false); /* two sums of one level: the bit of one is late for the other */
    s = add(&g, in(&g, 0), 0, in(&g, 1), 0, false), u = add(&g, in(&g, 2), 0, in(&g, 3), 0, false), z = add(&g, s, 0, u, 0, false);
    g.n_stage = 1;
    CU_ASSERT_EQUAL(loans(&g, z, true, -1, 0), 1);
    CU_ASSERT_EQUAL(loans(&g, z, false, -1, 0), 0);
    cb_netlist_free(&g);
}

static void random_tree(cb_rng *r, cb_netlist *g, int leaves);

/* Of many trees the plan is what the graph says. */
static void test_trees(void) {
    int64_t lent = 0;
    for (uint64_t trial = 0; trial < 1000; trial++) {
        cb_rng r = cb_rng_at(33, "trees", trial);
        cb_netlist g = {.name = "t", .n_input = 6, .input_bits = 4};
        cb_chains c;
        random_tree(&r, &g, trial % 8 ? 3 + (int)trial % 6 : 40);
        UNIT_OK(cb_chains_plan(&g, true, &c));
        UNIT_OK(cb_prove_chains(&g, &c));
        lent += c.loans;
        cb_chains_free(&c);
        cb_netlist_free(&g);
    }
    CU_ASSERT(lent > 1000);
}

/* A tree of sums that have one reader each: where bits are lent most, several on one way. */
static void random_tree(cb_rng *r, cb_netlist *g, int leaves) {
    int32_t x[40];
    for (int k = 0; k < leaves; k++) {
        x[k] = cb_netlist_input(g, k % g->n_input);
        if (!cb_rng_below(r, 3)) { /* a narrow signed value, whose sign bit repeats */
            x[k] = cb_netlist_add(g, x[k], 0, cb_netlist_input(g, (k + 1) % g->n_input), 0, true);
            x[k] = cb_netlist_quant(g, x[k], (cb_format){1, 2, 0}, CB_TRN, CB_SAT, false);
        }
        CU_ASSERT_FATAL(x[k] >= 0);
    }
    for (int n = leaves; n > 1; n--) {
        int i = (int)cb_rng_below(r, (uint32_t)n), j = (i + 1 + (int)cb_rng_below(r, (uint32_t)n - 1)) % n;
        int shift = cb_rng_below(r, 3) ? 0 : (int)cb_rng_below(r, 5);
        int32_t s = cb_netlist_add(g, x[i], 0, x[j], shift, cb_rng_below(r, 4) == 0);
        CU_ASSERT_FATAL(s >= 0);
        x[i] = s, x[j] = x[n - 1];
    }
    g->output = calloc(1, sizeof *g->output);
    g->output[0] = cb_netlist_quant(g, x[0], (cb_format){0, 15, 0}, CB_TRN, CB_WRAP, false);
    CU_ASSERT_FATAL(g->output[0] >= 0);
    g->n_output = 1;
}

/* Sums of sums with all signs and shifts, and constants. */
static void random_sums(cb_rng *r, cb_netlist *g) {
    enum { STEPS = 70, OUT = 30 };
    int32_t x[STEPS];
    for (int k = 0; k < STEPS; k++) {
        if (k < g->n_input) x[k] = cb_netlist_input(g, k);
        else if (k % 9 == 0) x[k] = cb_netlist_const(g, (int64_t)cb_rng_below(r, 500) - 250, 0);
        else {
            int32_t a = x[cb_rng_below(r, (uint32_t)k)], b = x[k - 1 - (int)cb_rng_below(r, 6) % k];
            int wide = cb_node_width(&g->node[a]) > 30 || cb_node_width(&g->node[b]) > 30;
            x[k] = wide ? cb_netlist_input(g, k % g->n_input)
                        : cb_netlist_add(g, a, (int)cb_rng_below(r, 7), b, (int)cb_rng_below(r, 7), cb_rng_below(r, 2));
            if (cb_rng_below(r, 12) == 0 && x[k] >= 0) x[k] = cb_netlist_neg(g, x[k]);
        }
        CU_ASSERT_FATAL(x[k] >= 0);
    }
    g->output = calloc(OUT, sizeof *g->output);
    for (int o = 0; o < OUT; o++) { /* the low 15 bits, so that inner sums keep their offsets elsewhere */
        int32_t n = x[STEPS - 1 - o];
        int f = g->node[n].frac;
        g->output[o] = cb_netlist_quant(g, n, (cb_format){0, (int16_t)(15 - f), (int16_t)f}, CB_TRN, CB_WRAP, false);
        CU_ASSERT_FATAL(g->output[o] >= 0);
    }
    g->n_output = OUT;
}

/* Compiles and runs the bench, with -DCB_XC7 on the cells of Yosys's library; the last line. */
static void run_bench(const char *dir, bool cells, const char *expected) {
    static const char library[] = "/usr/share/yosys/xilinx/cells_sim.v";
    if (cells && !cb_file_exists(library)) return;
    char v[600], tb[600];
    snprintf(v, sizeof v, "%s/verilog/t_comb.v", dir);
    snprintf(tb, sizeof tb, "%s/verilog/t_comb_tb.v", dir);
    char vvp[600];
    snprintf(vvp, sizeof vvp, "%s/verilog/sim", dir);
    const char *const compile[] = {"iverilog", "-g2005", cells ? "-DCB_XC7" : "-DCB_PLAIN", "-o", vvp, v, tb, cells ? library : NULL, NULL};
    char where[600];
    snprintf(where, sizeof where, "%s/verilog", dir);
    const char *const run[] = {"vvp", "-n", "sim", NULL};
    cb_process_end end;
    UNIT_OK(cb_process_run(&(cb_process){.argv = compile, .wall_s = 60}, NULL));
    UNIT_OK(cb_process_run(&(cb_process){.argv = run, .dir = where, .wall_s = 60}, &end));
    if (!strstr(end.tail, expected)) fprintf(stderr, "\n  %s\n", end.tail);
    CU_ASSERT_PTR_NOT_NULL(strstr(end.tail, expected));
}

static void test_values(void) {
    enum { EVENTS = 80 };
    if (!cb_process_exists("iverilog")) {
        fprintf(stderr, "\n  iverilog is not installed: not simulated\n");
        return;
    }
    int64_t lent = 0;
    for (uint64_t trial = 0; trial < 12; trial++) {
        cb_rng r = cb_rng_at(31, "chains", trial);
        cb_netlist g = {.name = "t", .n_input = 6, .input_bits = 4, .ternary = trial < 8 && trial % 2};
        cb_chains c;
        if (trial < 8) random_sums(&r, &g);
        else random_tree(&r, &g, 40);
        UNIT_OK(cb_chains_plan(&g, true, &c));
        lent += c.loans;
        cb_chains_free(&c);
        uint16_t et[EVENTS * 6];
        uint16_t *code = calloc(EVENTS * (size_t)g.n_output, sizeof *code);
        for (int i = 0; i < EVENTS * 6; i++) et[i] = i < 6 ? 0 : i < 12 ? 15 : (uint16_t)cb_rng_below(&r, 16);
        UNIT_OK(cb_netlist_score(&g, et, EVENTS, code));
        cb_emit e = {.net = &g, .dir = unit_scratch("chains"), .clock_ns = 6.25, .et = et, .code = code, .n_event = EVENTS, .n_simulation = EVENTS};
        char dir[512];
        snprintf(dir, sizeof dir, "%s", e.dir);
        e.dir = dir;
        UNIT_OK(cb_emit_verilog(&e));
        run_bench(dir, false, "checked 80 mismatches 0");
        run_bench(dir, g.ternary, "checked 80 mismatches 0");
        UNIT_OK(cb_remove_tree(dir));
        free(code);
        cb_netlist_free(&g);
    }
    CU_ASSERT(lent > 20);
}

/* On a deployed network: three operands save a third of the LUTs, offsets a few percent. */
static void test_deployed(void) {
    cb_programme p;
    cb_netlist g;
    cb_chains c[2];
    UNIT_OK(cb_firmware_import(&p, "v1", "cicada-v1", "data/firmware/v1p1p2", NULL));
    UNIT_OK(cb_netlist_from_programme(&g, &p));
    int64_t plain = 0;
    for (int32_t i = 0; i < g.n; i++) { /* one adder a node, sign-extended */
        const cb_node *x = &g.node[i];
        if (x->kind == CB_NODE_ADD && !cb_node_is_wire(&g, i)) plain += cb_node_width(x) - (x->sub || x->sb > x->sa ? x->sb : x->sa);
    }
    for (int ternary = 0; ternary < 2; ternary++) {
        g.ternary = ternary;
        UNIT_OK(cb_chains_plan(&g, true, &c[ternary]));
    }
    CU_ASSERT(c[0].raw < plain * 95 / 100 && c[0].sites <= plain && c[0].loans > 100 && !c[1].loans);
    CU_ASSERT(c[1].raw * 10 < c[0].raw * 7 && c[1].sites * 10 < c[0].sites * 7);
    for (int k = 0; k < 2; k++) cb_chains_free(&c[k]);
    cb_netlist_free(&g);
    cb_programme_free(&p);
}

UNIT_MAIN("chains", {"costs", test_costs}, {"loans", test_loans}, {"trees", test_trees}, {"values", test_values}, {"deployed", test_deployed})
