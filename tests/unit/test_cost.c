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
    cb_cost_node(g, n, "xc7", &c);
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
    expect(&g, add(&g, x, 0, y, 0, false), 10, 11, 3); /* 0..2046: 11 bits */
    expect(&g, add(&g, x, 0, y, 3, false), 10, 11, 3); /* 14 bits, 3 of them wires */
    expect(&g, add(&g, x, 0, y, 3, true), 10, 11, 3);  /* a - (b << 3): the same */
    expect(&g, add(&g, x, 3, y, 0, true), 10, 14, 4);  /* (a << 3) - b: the borrow ripples */
    expect(&g, add(&g, x, 0, y, 10, false), 0, 0, 0);  /* disjoint: concatenation */
    CU_ASSERT_EQUAL(cost_of(&g, add(&g, x, 0, y, 10, false)).delay_ps, 0);
    int32_t d = add(&g, x, 0, y, 0, true);             /* -1023..1023: 11 bits, signed */
    expect(&g, add(&g, d, 0, x, 1, false), 11, 12, 3); /* -1023..3069: 13 bits, 1 wire */
    int32_t neg = cb_netlist_neg(&g, x);
    expect(&g, neg, 11, 11, 3);
    int32_t eight = cb_netlist_const(&g, 8, 0);
    expect(&g, add(&g, x, 0, eight, 0, false), 7, 8, 2); /* 11 bits, the low 3 stay */
    expect(&g, x, 0, 0, 0);
    cb_netlist_free(&g);
}

/* Longer chains are slower; a chain of more than two bits is a carry chain. */
static void test_delays(void) {
    cb_netlist g = graph();
    int32_t x = in(&g, 0), y = in(&g, 1);
    cb_node_cost three = cost_of(&g, add(&g, x, 0, y, 0, false)), four = cost_of(&g, add(&g, x, 3, y, 0, true)), fast;
    CU_ASSERT_EQUAL(three.delay_ps, 500 + 124 + 508 + 114 + 313);
    CU_ASSERT_EQUAL(four.delay_ps, three.delay_ps + 114);
    cb_cost_node(&g, add(&g, x, 0, y, 0, false), "xcup", &fast);
    CU_ASSERT(fast.delay_ps > 1094 && fast.delay_ps < 1094 + 12 * 26);
    cb_netlist_free(&g);
}

static void test_quantizers(void) {
    cb_netlist g = graph();
    int32_t x = in(&g, 0), y = in(&g, 1), d = add(&g, x, 0, y, 0, true);
    cb_format narrow = {0, 6, 0}, wide = {0, 10, 0};
    int32_t cut = cb_netlist_quant(&g, d, (cb_format){1, 10, -2}, CB_TRN, CB_WRAP, false);
    expect(&g, cut, 0, 0, 0); /* a slice */
    int32_t relu = cb_netlist_quant(&g, d, wide, CB_TRN, CB_SAT, true);
    expect(&g, relu, 5, 10, 0); /* one LUT an output bit */
    int32_t sat = cb_netlist_quant(&g, x, narrow, CB_TRN, CB_SAT, false);
    expect(&g, sat, 3, 1 + 6, 0); /* OR of the 4 bits above, 6 output LUTs */
    cb_cost c;
    g.output = malloc(sizeof *g.output);
    g.output[0] = relu;
    g.n_output = 1;
    UNIT_OK(cb_cost_estimate(&g, "xc7", &c));
    CU_ASSERT_EQUAL(c.adders, 1);
    CU_ASSERT_EQUAL(c.quantizers, 2);
    CU_ASSERT_EQUAL(c.quant_sites, 17);
    CU_ASSERT_EQUAL(c.sites, 11 + 17);
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
    CU_ASSERT_EQUAL(cut.cycles, 2);
    CU_ASSERT_EQUAL(cut.sites, whole.sites);
    CU_ASSERT(cut.path_ns < whole.path_ns && cut.fmax_mhz > whole.fmax_mhz);
    CU_ASSERT_DOUBLE_EQUAL(cut.path_ns, 0.303 + (500 + 124 + 508 + 114 + 313) / 1000.0, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(whole.path_ns - 0.303, 2 * (cut.path_ns - 0.303), 1e-9);
    cb_netlist_free(&g);
}

UNIT_MAIN("cost", {"adders", test_adders}, {"delays", test_delays}, {"quantizers", test_quantizers},
          {"registers", test_registers})
