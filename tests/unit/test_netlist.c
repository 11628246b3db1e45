/* The graph: construction against plain arithmetic, exact bounds, the interpreter, child processes. */
#include "base/rng.h"
#include "base/threads.h"
#include "hw/netlist.h"
#include "hw/process.h"
#include "hw/text.h"
#include "nn/isa.h"
#include "unit.h"

enum { N_INPUT = 6, BITS = 5, EVENTS = 140 /* a block of lanes and a part of one */ };

/* A value computed twice: by the graph and here, as v * 2^-frac. */
typedef struct {
    int32_t node;
    int frac;
    int64_t v[EVENTS];
} both;

static cb_netlist fresh(void) {
    cb_netlist g = {.name = "t", .n_input = N_INPUT, .input_bits = BITS};
    return g;
}

static bool same(int64_t v, int frac, int64_t w, int frac2) {
    int f = frac > frac2 ? frac : frac2;
    return v * ((int64_t)1 << (f - frac)) == w * ((int64_t)1 << (f - frac2));
}

static void random_add(cb_netlist *g, cb_rng *r, both *y, const both *a, const both *b) {
    int sa = (int)cb_rng_below(r, 7) - 3, sb = (int)cb_rng_below(r, 7) - 3;
    bool sub = cb_rng_below(r, 2);
    y->node = cb_netlist_add(g, a->node, sa, b->node, sb, sub);
    int fa = a->frac - sa, fb = b->frac - sb;
    y->frac = fa > fb ? fa : fb;
    for (int e = 0; e < EVENTS; e++) {
        int64_t v = a->v[e] * ((int64_t)1 << (y->frac - fa)), w = b->v[e] * ((int64_t)1 << (y->frac - fb));
        y->v[e] = sub ? v - w : v + w;
    }
}

static void random_quant(cb_netlist *g, cb_rng *r, both *y, const both *a) {
    cb_format t = {.k = (int8_t)cb_rng_below(r, 2), .i = (int16_t)((int)cb_rng_below(r, 12) - 2)};
    t.f = (int16_t)(a->frac + 2 - (int)cb_rng_below(r, 10));
    if (cb_format_width(t) > 24) t.i = (int16_t)(24 - t.f - t.k);
    cb_round round = (cb_round)cb_rng_below(r, 7);
    cb_overflow overflow = (cb_overflow)cb_rng_below(r, 3);
    bool relu = cb_rng_below(r, 2);
    y->node = cb_netlist_quant(g, a->node, t, round, overflow, relu);
    y->frac = t.f;
    for (int e = 0; e < EVENTS; e++) {
        int64_t v = relu && a->v[e] < 0 ? 0 : a->v[e];
        y->v[e] = cb_fixed_quantize(v, a->frac, t, round, overflow);
    }
}

/* Interpreter in lanes against the plain one, at every level and with 1 and 3 threads: all nodes as
 * outputs, which wants every value exact to 16 bits, then the last alone, which leaves types the most room. */
static int lanes_differ(cb_netlist *g, const uint16_t *et, size_t n) {
    size_t nodes = (size_t)g->n;
    int64_t *value = malloc(nodes * sizeof *value);
    uint16_t *want = malloc(n * nodes * sizeof *want), *code = malloc(n * nodes * sizeof *code);
    int32_t *output = malloc(nodes * sizeof *output);
    int bad = 0;
    CU_ASSERT_FATAL(value && want && code && output);
    for (size_t e = 0; e < n; e++) {
        cb_netlist_trace(g, et + e * (size_t)g->n_input, value);
        for (size_t i = 0; i < nodes; i++) want[e * nodes + i] = (uint16_t)value[i];
    }
    for (size_t i = 0; i < nodes; i++) output[i] = (int32_t)i;
    for (int way = 0; way < (cb_isa_best() + 1) * 2; way++) {
        UNIT_OK(cb_isa_force(way / 2));
        cb_threads_set(way % 2 ? 3 : 1);
        g->output = output, g->n_output = g->n;
        UNIT_OK(cb_netlist_score(g, et, n, code));
        bad += memcmp(code, want, n * nodes * sizeof *code) != 0;
        g->output = output + nodes - 1, g->n_output = 1;
        UNIT_OK(cb_netlist_score(g, et, n, code));
        for (size_t e = 0; e < n; e++) bad += code[e] != want[e * nodes + nodes - 1];
    }
    g->output = NULL, g->n_output = 0;
    free(value);
    free(want);
    free(code);
    free(output);
    return bad;
}

/* Random expressions of every kind: node values equal plain arithmetic, stay in their bounds,
 * and the lanes agree with the plain reference. */
static void test_random_graphs(void) {
    enum { STEPS = 40 };
    int wrong = 0, outside = 0, lanes = 0;
    both *x = calloc(STEPS, sizeof *x);
    for (uint64_t trial = 0; trial < 120; trial++) {
        cb_rng r = cb_rng_at(5, "graphs", trial);
        cb_netlist g = fresh();
        uint16_t et[EVENTS][N_INPUT];
        for (int e = 0; e < EVENTS; e++)
            for (int i = 0; i < N_INPUT; i++)
                et[e][i] = e == 0 ? 0 : e == 1 ? 31 : (uint16_t)cb_rng_below(&r, 1 << BITS);
        for (int k = 0; k < STEPS; k++) {
            if (k < N_INPUT) {
                x[k].node = cb_netlist_input(&g, k);
                x[k].frac = 0;
                for (int e = 0; e < EVENTS; e++) x[k].v[e] = et[e][k];
                continue;
            }
            const both *a = &x[cb_rng_below(&r, (uint32_t)k)], *b = &x[cb_rng_below(&r, (uint32_t)k)];
            uint32_t kind = cb_rng_below(&r, 10);
            if (kind == 0) { /* a constant */
                int64_t c = (int64_t)cb_rng_below(&r, 200) - 100;
                x[k].node = cb_netlist_const(&g, c, x[k].frac = (int)cb_rng_below(&r, 4));
                for (int e = 0; e < EVENTS; e++) x[k].v[e] = c;
            } else if (kind == 1) {
                x[k].node = cb_netlist_neg(&g, a->node);
                x[k].frac = a->frac;
                for (int e = 0; e < EVENTS; e++) x[k].v[e] = -a->v[e];
            } else if (kind < 6 && a->frac < 20 && b->frac < 20 && abs(a->frac - b->frac) < 12 &&
                       cb_node_width(&g.node[a->node]) < 28 && cb_node_width(&g.node[b->node]) < 28) {
                random_add(&g, &r, &x[k], a, b);
            } else {
                random_quant(&g, &r, &x[k], a);
            }
            CU_ASSERT_FATAL(x[k].node >= 0);
        }
        int64_t *value = calloc((size_t)g.n, sizeof *value);
        for (int e = 0; e < EVENTS; e++) {
            cb_netlist_trace(&g, et[e], value);
            for (int k = 0; k < STEPS; k++)
                wrong += !same(value[x[k].node], g.node[x[k].node].frac, x[k].v[e], x[k].frac);
            for (int32_t i = 0; i < g.n; i++) outside += value[i] < g.node[i].lo || value[i] > g.node[i].hi;
        }
        lanes += lanes_differ(&g, et[0], EVENTS);
        free(value);
        cb_netlist_free(&g);
    }
    free(x);
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(outside, 0);
    CU_ASSERT_EQUAL(lanes, 0);
}

/* Inputs of all 16 bits; sums of 17 to 61 bits that end in slices, clamps or single bits; shifts beyond the
 * 16 or 32 bits of a narrow lane. */
static void test_types(void) {
    enum { N = 200, IN = 9 };
    static uint16_t et[N * IN];
    int bad = 0;
    for (uint64_t trial = 0; trial < 60; trial++) {
        cb_rng r = cb_rng_at(6, "types", trial);
        cb_netlist g = {.name = "t", .n_input = IN, .input_bits = 16};
        int32_t x[40];
        for (int i = 0; i < N * IN; i++) et[i] = (uint16_t)(cb_rng_below(&r, 4) ? cb_rng_below(&r, 65536) : cb_rng_below(&r, 2) * 65535);
        for (int k = 0; k < 40; k++) {
            int32_t a = k ? x[cb_rng_below(&r, (uint32_t)k)] : -1, b = k ? x[cb_rng_below(&r, (uint32_t)k)] : -1;
            int wa = k ? cb_node_width(&g.node[a]) : 0, wb = k ? cb_node_width(&g.node[b]) : 0;
            int sa = (int)cb_rng_below(&r, 40), sb = (int)cb_rng_below(&r, 40);
            uint32_t kind = cb_rng_below(&r, 4);
            if (k < IN) {
                x[k] = cb_netlist_input(&g, k);
            } else if (kind < 2 && abs(g.node[a].frac - g.node[b].frac) < 8 && wa + sa < 50 && wb + sb < 50) {
                x[k] = cb_netlist_add(&g, a, sa, b, sb, kind);
            } else if (kind == 2) {
                x[k] = cb_netlist_neg(&g, a);
            } else { /* any slice of a, or a clamp to a few of its bits */
                int low = (int)cb_rng_below(&r, (uint32_t)wa + 1), width = 1 + (int)cb_rng_below(&r, 24);
                cb_format t = {(int8_t)cb_rng_below(&r, 2), 0, (int16_t)(g.node[a].frac - low)};
                t.i = (int16_t)(width - t.k - t.f);
                x[k] = cb_netlist_quant(&g, a, t, cb_rng_below(&r, 2) ? CB_TRN : CB_RND_CONV,
                                        cb_rng_below(&r, 3) ? CB_WRAP : CB_SAT, cb_rng_below(&r, 4) == 0);
            }
            CU_ASSERT_FATAL(x[k] >= 0);
        }
        bad += lanes_differ(&g, et, N);
        cb_netlist_free(&g);
    }
    CU_ASSERT_EQUAL(bad, 0);
}

static void test_folding(void) {
    cb_netlist g = fresh();
    int32_t a = cb_netlist_input(&g, 0), b = cb_netlist_input(&g, 1), zero = cb_netlist_const(&g, 0, 3);
    int32_t sum = cb_netlist_add(&g, a, 0, b, 2, false);
    CU_ASSERT_EQUAL(sum, cb_netlist_add(&g, b, 2, a, 0, false)); /* one order */
    CU_ASSERT_EQUAL(a, cb_netlist_input(&g, 0));
    CU_ASSERT_EQUAL(a, cb_netlist_add(&g, a, 0, zero, 5, true));
    CU_ASSERT_EQUAL(cb_netlist_add(&g, a, 1, a, 1, true), zero);
    CU_ASSERT_EQUAL(cb_netlist_add(&g, a, 1, a, 0, true), a);
    CU_ASSERT_EQUAL(cb_netlist_neg(&g, cb_netlist_neg(&g, sum)), sum);
    CU_ASSERT_EQUAL(cb_netlist_const(&g, 12, 2), cb_netlist_const(&g, 3, 0));
    /* concatenation is no adder: a below b << 5 */
    int32_t joined = cb_netlist_add(&g, a, 0, b, 5, false);
    CU_ASSERT(cb_node_is_wire(&g, joined) && g.node[joined].level == 0);
    CU_ASSERT(!cb_node_is_wire(&g, sum) && g.node[sum].level == 1);
    CU_ASSERT(g.node[sum].lo == 0 && g.node[sum].hi == 31 + 4 * 31 && cb_node_width(&g.node[sum]) == 8);
    /* a quantizer that changes nothing is its operand; one that cannot saturate is a slice */
    CU_ASSERT_EQUAL(cb_netlist_quant(&g, a, (cb_format){0, 5, 0}, CB_RND_CONV, CB_SAT, true), a);
    int32_t q = cb_netlist_quant(&g, sum, (cb_format){0, 8, -2}, CB_TRN, CB_SAT, true);
    CU_ASSERT(cb_node_is_wire(&g, q) && g.node[q].hi == 38);
    CU_ASSERT_EQUAL(cb_netlist_quant(&g, sum, (cb_format){1, -3, 2}, CB_RND, CB_SAT, false), zero);
    UNIT_FAILS(cb_netlist_input(&g, N_INPUT) >= 0 ? 0 : -1, "input 6 of 6");
    cb_netlist_free(&g);
}

static void test_limits(void) {
    cb_netlist g = fresh();
    int32_t a = cb_netlist_input(&g, 0), x = a;
    UNIT_FAILS(cb_netlist_add(&g, a, 70, a, 0, false) >= 0 ? 0 : -1, "bits apart");
    UNIT_FAILS(cb_netlist_add(&g, a, 59, a, 0, false) >= 0 ? 0 : -1, "more than 61 bits");
    for (int k = 0; k < 40 && x >= 0; k++) x = cb_netlist_add(&g, x, 2, x, 0, false);
    CU_ASSERT(x < 0); /* 5 + 40 * 2.3 bits */
    CU_ASSERT_EQUAL(cb_interval_width(0, 0), 0);
    CU_ASSERT_EQUAL(cb_interval_width(-1, 0), 1);
    CU_ASSERT_EQUAL(cb_interval_width(-4, 3), 3);
    CU_ASSERT_EQUAL(cb_interval_width(-5, 3), 4);
    CU_ASSERT_EQUAL(cb_interval_width(0, 4), 3);
    cb_netlist_free(&g);
}

/* A graph written with one wrong field is refused with the node's number. */
static void refuse(cb_netlist *g, const char *part) {
    const char *path = unit_scratch("bad.h5");
    cb_h5 *f = cb_h5_create(path, CB_NETLIST_SCHEMA, "test", "");
    UNIT_OK(f ? cb_netlist_write(g, f) : -1);
    UNIT_OK(cb_h5_commit(&f));
    cb_netlist back;
    UNIT_FAILS(cb_netlist_read(&back, path), part);
    unlink(path);
}

static void test_damaged_files(void) {
    cb_netlist g = fresh();
    int32_t a = cb_netlist_input(&g, 0), b = cb_netlist_input(&g, 1), s = cb_netlist_add(&g, a, 0, b, 3, true);
    int32_t q = cb_netlist_quant(&g, s, (cb_format){0, 3, -1}, CB_RND_CONV, CB_SAT, true);
    g.output = &q, g.n_output = 1;
    cb_node was = g.node[s], quant = g.node[q];
    g.node[s].a = s;
    refuse(&g, "node 2: operand is not an earlier node");
    g.node[s] = was;
    g.node[s].sb = 62;
    refuse(&g, "node 2: shift out of range");
    g.node[s] = was;
    g.node[s].lo = was.hi + 1;
    refuse(&g, "node 2: bounds out of range");
    g.node[s] = was;
    g.node[q].round = 9;
    refuse(&g, "not a quantizer");
    g.node[q] = quant;
    g.node[a].a = N_INPUT;
    refuse(&g, "node 0: no such input");
    g.node[a].a = 0;
    q = 1000;
    refuse(&g, "output 0: no such node");
    UNIT_FAILS(cb_netlist_read(&(cb_netlist){0}, "build/no/such.h5"), "build/no/such.h5");
    g.output = NULL;
    cb_netlist_free(&g);
}

static void test_process(void) {
    cb_process_end end;
    const char *const good[] = {"sh", "-c", "echo one; echo two >&2", NULL};
    UNIT_OK(cb_process_run(&(cb_process){.argv = good, .wall_s = 20}, &end));
    CU_ASSERT_STRING_EQUAL(end.tail, "one\ntwo\n");
    const char *const bad[] = {"sh", "-c", "echo reason; exit 3", NULL};
    UNIT_FAILS(cb_process_run(&(cb_process){.argv = bad}, &end), "exit status 3; last output:\nreason");
    CU_ASSERT_EQUAL(end.exit_status, 3);
    const char *const slow[] = {"sh", "-c", "sleep 30 & sleep 30", NULL};
    UNIT_FAILS(cb_process_run(&(cb_process){.argv = slow, .wall_s = 0.2}, &end), "time limit");
    CU_ASSERT(end.timed_out && end.wall_s < 10);
    const char *const killed[] = {"sh", "-c", "kill -SEGV $$", NULL};
    UNIT_FAILS(cb_process_run(&(cb_process){.argv = killed}, &end), "signal 11");
    const char *const none[] = {"no-such-program-at-all", NULL};
    UNIT_FAILS(cb_process_run(&(cb_process){.argv = none}, &end), "cannot be started");
    CU_ASSERT(cb_process_exists("sh") && !cb_process_exists("no-such-program-at-all"));
}

/* What tools print about themselves. */
static void test_version(void) {
    static const struct { const char *printed, *version; } tool[] = {
        {"g++ (Debian 12.2.0-14+deb12u1) 12.2.0\nCopyright (C) 2022", "12.2.0"},
        {"Debian clang version 14.0.6\nTarget: x86_64-pc-linux-gnu", "14.0.6"},
        {"Icarus Verilog version 11.0 (stable) ()", "11.0"},
        {"Yosys 0.23 (git sha1 7ce5011c24b)", "0.23"},
        {"Vivado v2021.1 (64-bit)", "2021.1"},
        {"\n****** Vitis HLS - High-Level Synthesis from C, C++ and OpenCL v2021.1 (64-bit)", "2021.1"},
        {"(a (b) 1.0) 2.0, of today", "2.0"},
        {"very old ) (", ""},
        {"", ""}};
    char version[16];
    for (size_t i = 0; i < sizeof tool / sizeof *tool; i++) {
        const char *path = unit_scratch("version.txt");
        UNIT_OK(cb_file_write(path, tool[i].printed));
        cb_process_version("cat", path, version, sizeof version);
        CU_ASSERT_STRING_EQUAL(version, tool[i].version);
    }
    cb_process_version("no-such-program-at-all", "-V", version, sizeof version);
    CU_ASSERT_STRING_EQUAL(version, "");
    char small[3];
    cb_process_version("echo", "12.5", small, sizeof small);
    CU_ASSERT_STRING_EQUAL(small, "12");
}

static void test_text(void) {
    cb_text t = {0};
    cb_text_add(&t, "a%d ", 7);
    cb_text_hex(&t, (uint64_t[]){0x0123456789abcdefu, 0x2}, 66);
    CU_ASSERT_STRING_EQUAL(t.s, "a7 20123456789abcdef");
    UNIT_FAILS(cb_text_write(&t, "/proc/no", "x"), "/proc");
    CU_ASSERT_PTR_NULL(t.s);
}

UNIT_MAIN("netlist", {"random graphs against plain arithmetic", test_random_graphs}, {"types of lanes", test_types}, {"folding", test_folding},
          {"limits", test_limits}, {"damaged files", test_damaged_files}, {"child processes", test_process}, {"versions of tools", test_version}, {"text", test_text})
