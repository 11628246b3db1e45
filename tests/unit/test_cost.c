/* The cost model on graphs small enough to count by hand. */
#include "hw/cost.h"
#include "unit.h"

static cb_netlist graph(void) { return (cb_netlist){.name = "t", .n_input = 8, .input_bits = 10}; }

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

static cb_node_cost cost_of(const cb_netlist *g, int32_t n) {
    cb_node_cost c;
    cb_cost_node(g, n, &c);
    return c;
}

static void expect(const cb_netlist *g, int32_t n, int span, int sites, int carry) {
    cb_node_cost c = cost_of(g, n);
    CU_ASSERT_EQUAL(c.span, span);
    CU_ASSERT_EQUAL(c.sites, sites);
    CU_ASSERT_EQUAL(c.carry, carry);
}

/* Inputs are unsigned, 10 bits. */
static void test_adders(void) {
    cb_netlist g = graph();
    int32_t x = in(&g, 0), y = in(&g, 1);
    expect(&g, add(&g, x, 0, y, 0, false), 10, 10, 3); /* 0..2046: 11 bits, the top one is the carry out */
    expect(&g, add(&g, x, 0, y, 3, false), 10, 10, 3); /* 14 bits: 3 wires, carry out */
    expect(&g, add(&g, x, 0, y, 3, true), 10, 10, 3);  /* a - (b << 3): the same, sign for carry out */
    expect(&g, add(&g, x, 3, y, 0, true), 10, 13, 4);  /* (a << 3) - b: the borrow ripples */
    expect(&g, add(&g, x, 0, y, 10, false), 0, 0, 0);  /* disjoint: concatenation */
    int32_t d = add(&g, x, 0, y, 0, true);             /* -1023..1023: 11 bits, signed */
    expect(&g, add(&g, d, 0, x, 1, false), 11, 12, 3); /* -1023..3069: 13 bits, 1 wire, sign bits to the top */
    expect(&g, cb_netlist_neg(&g, x), 11, 10, 3);
    int32_t eight = cb_netlist_const(&g, 8, 0);
    expect(&g, add(&g, x, 0, eight, 0, false), 7, 7, 2); /* 11 bits: the low 3 stay, carry out */
    expect(&g, x, 0, 0, 0);
    cb_netlist_free(&g);
}

static double path_of(cb_netlist *g, int32_t output, const char *family) {
    cb_cost c;
    if (!g->output) g->output = malloc(sizeof *g->output);
    g->output[0] = output;
    g->n_output = 1;
    UNIT_OK(cb_cost_estimate(g, family, &c));
    return c.path_ns;
}

/* Clock to output, net, LUT, into the carry at bit 0, along it, out at the top bit. */
static void test_delays(void) {
    cb_netlist g = graph();
    int32_t x = in(&g, 0), y = in(&g, 1), s = add(&g, x, 0, y, 0, false);
    CU_ASSERT_DOUBLE_EQUAL(path_of(&g, s, "xc7"), (303 + 500 + 124 + 380 + 9 * 28 + 300) / 1000.0, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(path_of(&g, s, "xcup"), (110 + 450 + 150 + 320 + 9 * 25 + 200) / 1000.0, 1e-9);
    /* the next adder starts with the low bits: less than twice the time */
    int32_t t = add(&g, s, 0, in(&g, 2), 0, false);
    double one = path_of(&g, t, "xc7");
    CU_ASSERT(one > 0.303 + 1.556 && one < 0.303 + 2 * 1.556);
    int32_t wire = add(&g, x, 0, y, 10, false);
    CU_ASSERT_DOUBLE_EQUAL(path_of(&g, wire, "xc7"), one, 1e-9); /* no slower */
    cb_netlist_free(&g);
}

static void test_quantizers(void) {
    cb_netlist g = graph();
    int32_t x = in(&g, 0), y = in(&g, 1), d = add(&g, x, 0, y, 0, true);
    cb_format narrow = {0, 6, 0}, wide = {0, 10, 0};
    int32_t cut = cb_netlist_quant(&g, d, (cb_format){1, 10, -2}, CB_TRN, CB_WRAP, false);
    expect(&g, cut, 0, 0, 0); /* a slice */
    int32_t relu = cb_netlist_quant(&g, d, wide, CB_TRN, CB_SAT, true);
    expect(&g, relu, 5, 5, 0); /* two output bits a site */
    int32_t sat = cb_netlist_quant(&g, x, narrow, CB_TRN, CB_SAT, false);
    expect(&g, sat, 3, 1 + 3, 0); /* OR of the 4 bits above, 6 output bits */
    cb_cost c;
    g.output = malloc(sizeof *g.output);
    g.output[0] = relu;
    g.n_output = 1;
    UNIT_OK(cb_cost_estimate(&g, "xc7", &c));
    CU_ASSERT_EQUAL(c.adders, 1);
    CU_ASSERT_EQUAL(c.quantizers, 2);
    CU_ASSERT_EQUAL(c.quant_sites, 9);
    CU_ASSERT_EQUAL(c.sites, 10 + 9);
    CU_ASSERT_EQUAL(c.ff, 0);
    CU_ASSERT_EQUAL(c.cycles, 0);
    cb_netlist_free(&g);
}

/* in0 + in1 in stage 0, + in2 in stage 1, output register 2. */
static void test_registers(void) {
    cb_netlist g = graph();
    int32_t s = add(&g, in(&g, 0), 0, in(&g, 1), 0, false), third = in(&g, 2), t = add(&g, s, 0, third, 0, false);
    g.output = malloc(sizeof *g.output);
    g.output[0] = t;
    g.n_output = 1;
    cb_cost whole, cut;
    UNIT_OK(cb_cost_estimate(&g, "xc7", &whole));
    g.node[t].stage = 1;
    g.n_stage = 2;
    UNIT_OK(cb_cost_estimate(&g, "xc7", &cut));
    CU_ASSERT_EQUAL(whole.ff, 0);
    CU_ASSERT_EQUAL(cut.ff, 11 /* s */ + 10 /* in2 waits */ + 12 /* output */);
    CU_ASSERT_EQUAL(cut.srl, 0);
    CU_ASSERT_EQUAL(cut.cycles, 2);
    CU_ASSERT_EQUAL(cut.sites, whole.sites + 1); /* without registers s takes the lowest bit of in2 at its carry input */
    CU_ASSERT(cut.path_ns < whole.path_ns && cut.fmax_mhz > whole.fmax_mhz);
    CU_ASSERT_DOUBLE_EQUAL(cut.path_ns, (303 + 500 + 124 + 380 + 10 * 28 + 300) / 1000.0, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(cut.path_ns * cut.fmax_mhz, 1000, 1e-6);
    cb_cost late;
    g.node[t].stage = 3; /* s and in2 now wait three stages: shift registers */
    g.n_stage = 4;
    UNIT_OK(cb_cost_estimate(&g, "xc7", &late));
    CU_ASSERT_EQUAL(late.ff, 12);
    CU_ASSERT_EQUAL(late.srl, 11 + 10);
    CU_ASSERT_EQUAL(late.sites, cut.sites + 11);
    g.n_stage = 100; /* the output waits 97 stages */
    UNIT_OK(cb_cost_estimate(&g, "xc7", &late));
    CU_ASSERT(late.ff == 0 && late.srl == 11 + 10 + 12);
    g.node[t].stage = 100;
    UNIT_FAILS(cb_cost_estimate(&g, "xc7", &late), "stage 100 of 100");
    g.node[t].stage = 1;
    g.node[s].stage = 2;
    UNIT_FAILS(cb_cost_estimate(&g, "xc7", &late), "stage 1 of 100");
    cb_netlist_free(&g);
}

/* y = x + (in1 << 4): its low 4 bits are x's, so registers for both hold them once. */
static void test_shared_bits(void) {
    cb_netlist g = graph();
    int32_t x = in(&g, 0), y = add(&g, x, 0, in(&g, 1), 4, false);
    g.output = malloc(2 * sizeof *g.output);
    g.output[0] = x;
    g.output[1] = y;
    g.n_output = 2;
    g.n_stage = 1;
    cb_cost c;
    UNIT_OK(cb_cost_estimate(&g, "xc7", &c));
    CU_ASSERT_EQUAL(c.ff, 10 + 15 - 4);
    int32_t cut = cb_netlist_quant(&g, y, (cb_format){0, 13, -2}, CB_TRN, CB_WRAP, false);
    g.output[0] = cut; /* a slice of y: nothing of its own */
    UNIT_OK(cb_cost_estimate(&g, "xc7", &c));
    CU_ASSERT_EQUAL(c.ff, 15);
    cb_netlist_free(&g);
}

UNIT_MAIN("cost", {"adders", test_adders}, {"delays", test_delays}, {"quantizers", test_quantizers},
          {"registers", test_registers},
          {"shared bits", test_shared_bits})
