/* Logic gate networks in hardware: look-up nodes, comparators, weighted sums of bits, whole programmes against
 * netlist and Verilog; and what the published C++ form of such networks computes. */
#include "base/rng.h"
#include "hw/cost.h"
#include "hw/lower_logic.h"
#include "hw/process.h"
#include "hw/verify.h"
#include "logic/gates.h"
#include "unit.h"

/* ---- nodes ---- */

enum { INPUTS = 7, STEPS = 120 };

/* Random tables of random bits, constants and repeated operands among them, against the truth table itself. */
static void test_tables(void) {
    for (uint64_t trial = 0; trial < 20; trial++) {
        cb_rng r = cb_rng_at(5, "tables", trial);
        cb_netlist g = {.name = "tables", .n_input = INPUTS, .input_bits = 1};
        int32_t x[STEPS];
        int bit[STEPS][128] = {{0}}, wrong = 0;
        for (int k = 0; k < STEPS; k++) {
            int32_t in[6];
            int from[6], n = (int)cb_rng_below(&r, 7);
            uint64_t table = cb_rng_u64(&r);
            if (n < 6) table &= ((uint64_t)1 << (1 << n)) - 1;
            for (int j = 0; j < n; j++) from[j] = k ? (int)cb_rng_below(&r, (uint32_t)k) : 0, in[j] = k ? x[from[j]] : 0;
            x[k] = k < INPUTS ? cb_netlist_input(&g, k) : cb_netlist_table(&g, n, in, table);
            CU_ASSERT_FATAL(x[k] >= 0);
            for (int e = 0; e < 128; e++) {
                int index = 0;
                for (int j = 0; k >= INPUTS && j < n; j++) index = 2 * index + bit[from[j]][e];
                bit[k][e] = k < INPUTS ? e >> k & 1 : (int)(table >> index & 1);
            }
        }
        int64_t *value = calloc((size_t)g.n, sizeof *value);
        for (int e = 0; e < 128; e++) {
            uint16_t et[INPUTS];
            for (int k = 0; k < INPUTS; k++) et[k] = (uint16_t)(e >> k & 1);
            cb_netlist_trace(&g, et, value);
            for (int k = 0; k < STEPS; k++) wrong += value[x[k]] != bit[k][e];
        }
        CU_ASSERT_EQUAL(wrong, 0);
        int32_t out[STEPS];
        uint16_t et[128 * INPUTS], code[128 * STEPS];
        memcpy(out, x, sizeof out);
        g.output = out, g.n_output = STEPS; /* the fast interpreter */
        for (int e = 0; e < 128; e++)
            for (int k = 0; k < INPUTS; k++) et[e * INPUTS + k] = (uint16_t)(e >> k & 1);
        UNIT_OK(cb_netlist_score(&g, et, 128, code));
        for (int e = 0; e < 128; e++)
            for (int k = 0; k < STEPS; k++) wrong += code[e * STEPS + k] != bit[k][e];
        CU_ASSERT_EQUAL(wrong, 0);
        g.output = NULL;
        free(value);
        cb_netlist_free(&g);
    }
}

static void test_folding(void) {
    cb_netlist g = {.name = "fold", .n_input = 3, .input_bits = 1};
    int32_t a = cb_netlist_input(&g, 0), b = cb_netlist_input(&g, 1), one = cb_netlist_const(&g, 1, 0);
    int32_t and = cb_netlist_table(&g, 2, (int32_t[]){a, b}, 8);
    CU_ASSERT_EQUAL(cb_netlist_table(&g, 2, (int32_t[]){a, b}, 8), and);
    CU_ASSERT_EQUAL(cb_netlist_table(&g, 3, (int32_t[]){a, b, one}, 0x80), and);
    CU_ASSERT_EQUAL(cb_netlist_table(&g, 2, (int32_t[]){a, one}, 8), a);
    CU_ASSERT_EQUAL(cb_netlist_table(&g, 2, (int32_t[]){a, a}, 8), a);
    CU_ASSERT_EQUAL(cb_netlist_table(&g, 2, (int32_t[]){a, b}, 12), a);
    CU_ASSERT_EQUAL(g.node[cb_netlist_table(&g, 2, (int32_t[]){a, a}, 6)].kind, CB_NODE_CONST);
    int32_t wide = cb_netlist_add(&g, a, 0, b, 0, false);
    UNIT_FAILS(cb_netlist_table(&g, 1, &wide, 2) < 0, "not a bit");
    cb_netlist_free(&g);
}

/* Every threshold at every count. */
static void test_comparators(void) {
    enum { T = 1023, COUNTS = 1024 };
    static int32_t source[T], threshold[T], mask[T], out[T];
    cb_netlist g = {.name = "compare", .n_input = 1, .input_bits = 10};
    cb_op op = {.kind = CB_OP_COMPARE, .out_c = T, .source = source, .threshold = threshold, .mask = mask};
    for (int t = 0; t < T; t++) threshold[t] = t, mask[t] = 1023;
    int32_t in = cb_netlist_input(&g, 0);
    UNIT_OK(cb_lower_compare(&g, &op, &in, out));
    int64_t *value = calloc((size_t)g.n, sizeof *value);
    int wrong = 0, tables = 0;
    for (uint16_t x = 0; x < COUNTS; x++) {
        cb_netlist_trace(&g, &x, value);
        for (int t = 0; t < T; t++) wrong += value[out[t]] != (x > t);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    for (int t = 0; t < T; t++) CU_ASSERT(g.node[out[t]].level <= 2);
    for (int32_t i = 0; i < g.n; i++) tables += g.node[i].kind == CB_NODE_TABLE;
    CU_ASSERT(tables < T + 33); /* the tables of the low bits are shared */
    free(value);
    cb_netlist_free(&g);
}

/* Bits of a count under masks: single ones are wires, more are one table. */
static void test_masks(void) {
    enum { N = 14, COUNTS = 1024 };
    static int32_t source[N], threshold[N], out[N];
    int32_t mask[N] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 0x3f, 0x380, 0x155, 0x2aa};
    cb_netlist g = {.name = "masks", .n_input = 1, .input_bits = 10};
    cb_op op = {.kind = CB_OP_COMPARE, .out_c = N, .source = source, .threshold = threshold, .mask = mask};
    threshold[10] = 20, threshold[12] = 0x44, threshold[13] = 0x2a8;
    int32_t in = cb_netlist_input(&g, 0);
    UNIT_OK(cb_lower_compare(&g, &op, &in, out));
    int64_t *value = calloc((size_t)g.n, sizeof *value);
    int wrong = 0, tables = 0;
    for (uint16_t x = 0; x < COUNTS; x++) {
        cb_netlist_trace(&g, &x, value);
        for (int j = 0; j < N; j++) wrong += value[out[j]] != ((x & mask[j]) > threshold[j]);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    for (int32_t i = 0; i < g.n; i++) tables += g.node[i].kind == CB_NODE_TABLE;
    CU_ASSERT_EQUAL(tables, 4);
    mask[0] = 0x3fe;
    UNIT_FAILS(cb_lower_compare(&g, &op, &in, out), "more than six bits");
    free(value);
    cb_netlist_free(&g);
}

/* ---- programmes ---- */

enum { H = 4, W = 5, BITS = 40, GATES = 80, OUTPUTS = 45, EVENTS = 2000, FEW = 60 };

static void make_programme(cb_programme *p, uint64_t seed) {
    cb_rng r = cb_rng_at(seed, "logic-programme", 0);
    memset(p, 0, sizeof *p);
    strcpy(p->name, "logic"); /* a reserved word of SystemVerilog */
    strcpy(p->family, "lgn");
    p->input_h = H, p->input_w = W, p->ebops = NAN;
    cb_op *op = cb_programme_compare(p, "thermometer", BITS);
    for (int j = 0; j < BITS; j++) op->source[j] = (int32_t)cb_rng_below(&r, H * W), op->threshold[j] = (int32_t)(cb_rng_below(&r, 1023) >> cb_rng_below(&r, 10));
    cb_circuit c;
    UNIT_OK(cb_circuit_new(&c, BITS, OUTPUTS));
    for (int k = 0; k < GATES; k++) {
        int32_t in[6];
        int n = (int)cb_rng_below(&r, 7);
        for (int j = 0; j < n; j++) in[j] = (int32_t)cb_rng_below(&r, (uint32_t)(BITS + k));
        CU_ASSERT(cb_circuit_gate(&c, n, in, cb_rng_u64(&r)) >= 0);
    }
    for (int o = 0; o < OUTPUTS; o++) c.output[o] = (int32_t)cb_rng_below(&r, BITS + GATES);
    CU_ASSERT_PTR_NOT_NULL(cb_programme_logic(p, "gates", &c));
    cb_circuit_free(&c);
    op = cb_programme_dense(p, "head", 1, true);
    op->w_frac = seed == 2 ? 10 : 1, op->bias_frac = 0, op->bias[0] = 9;
    for (int o = 0; o < OUTPUTS; o++) op->w[o] = seed == 3 ? 1 : ((int32_t)cb_rng_below(&r, 31) - 10) * (seed == 2 ? 300 : 1);
    op = cb_programme_quant(p, "score", 1);
    op->relu = true, op->round = CB_RND, op->overflow = CB_SAT, op->format[0] = (cb_format){0, 8, 8};
    UNIT_OK(cb_programme_finish(p));
}

static void check_verilog(cb_netlist *g, const uint16_t *et, const uint16_t *code) {
    char dir[512], scratch[600];
    if (!cb_process_exists("iverilog")) return;
    snprintf(dir, sizeof dir, "%s", unit_scratch("logic-verilog"));
    snprintf(scratch, sizeof scratch, "%s/sim", dir);
    cb_emit e = {.net = g, .dir = dir, .clock_ns = 6.25, .et = et, .code = code, .n_event = FEW, .n_simulation = FEW};
    UNIT_OK(cb_emit_verilog(&e));
    for (int comb = 0; comb < 2; comb++) {
        cb_check c;
        UNIT_OK(cb_verify_verilog(&e, scratch, comb, &c));
        CU_ASSERT(c.checked == FEW && c.mismatches == 0);
    }
    UNIT_OK(cb_remove_tree(dir));
}

static void test_programmes(void) {
    static uint16_t et[EVENTS * H * W], code[EVENTS], net[EVENTS];
    cb_rng r = cb_rng_at(1, "logic-events", 0);
    for (int i = 0; i < EVENTS * H * W; i++) et[i] = (uint16_t)(cb_rng_below(&r, 1024) >> cb_rng_below(&r, 10));
    for (uint64_t seed = 1; seed <= 4; seed++) {
        cb_programme p;
        cb_netlist g, again;
        make_programme(&p, seed);
        UNIT_OK(cb_programme_score(&p, et, EVENTS, code));
        UNIT_OK(cb_netlist_from_programme(&g, &p));
        UNIT_OK(cb_netlist_pipeline(&g, 3));
        UNIT_OK(cb_netlist_score(&g, et, EVENTS, net));
        CU_ASSERT_EQUAL(memcmp(code, net, sizeof code), 0);
        int varied = 0;
        for (int e = 0; e < EVENTS; e++) varied += code[e] != code[0];
        CU_ASSERT(varied > EVENTS / 2);
        const char *path = unit_scratch("logic-netlist.h5");
        cb_h5 *f = cb_h5_create(path, CB_NETLIST_SCHEMA, "test", "");
        UNIT_OK(cb_netlist_write(&g, f));
        UNIT_OK(cb_h5_commit(&f));
        UNIT_OK(cb_netlist_read(&again, path));
        UNIT_OK(cb_netlist_score(&again, et, EVENTS, net));
        CU_ASSERT_EQUAL(memcmp(code, net, sizeof code), 0);
        cb_cost cost;
        UNIT_OK(cb_cost_estimate(&again, "xc7", &cost));
        CU_ASSERT(cost.tables > 0 && cost.sites >= cost.tables && cost.path_ns > 0 && cost.cycles == g.n_stage);
        check_verilog(&again, et, code);
        cb_netlist_free(&g);
        cb_netlist_free(&again);
        cb_programme_free(&p);
    }
}

/* A table whose operand is no bit, or comes later, is refused. */
static void test_damaged_file(void) {
    cb_netlist g = {.name = "damaged", .n_input = 2, .input_bits = 1}, back;
    int32_t in[2] = {cb_netlist_input(&g, 0), cb_netlist_input(&g, 1)};
    int32_t t = cb_netlist_table(&g, 2, in, 8);
    g.output = cb_alloc(1, sizeof *g.output);
    g.output[0] = t, g.n_output = 1;
    for (int k = 0; k < 3; k++) {
        cb_node keep = g.node[t], low = g.node[0];
        if (k == 0) g.node[t].in[1] = t;
        if (k == 1) g.node[t].n_in = 7;
        if (k == 2) g.node[0].hi = 3;
        const char *path = unit_scratch("damaged.h5");
        cb_h5 *f = cb_h5_create(path, CB_NETLIST_SCHEMA, "test", "");
        UNIT_OK(cb_netlist_write(&g, f));
        UNIT_OK(cb_h5_commit(&f));
        UNIT_FAILS(cb_netlist_read(&back, path), "node 2");
        g.node[t] = keep, g.node[0] = low;
    }
    cb_netlist_free(&g);
}

/* ---- the published C++ form ---- */

/* Gates as ml4physics-paper-plots prints them (hls_syn_lgn_*): bool variables and the bitwise ~. */
static const char *const published[16] = {"0",        "a & b",  "a & ~b", "a",      "~a & b",   "b",      "a ^ b",  "a | b",
                                          "~(a | b)", "~(a ^ b)", "~b",   "a | ~b", "~a",       "~a | b", "~(a & b)", "1"};

/* ~ of a bool is -1 or -2, which is true again: seven of the gates become the constant 1, so the published
 * netlists are not the trained networks. What this project prints for the same tables is right. */
static void test_published_form(void) {
    char dir[512], source[600], program[600], text[8192];
    int n = 0;
    if (!cb_process_exists("g++")) return;
    snprintf(dir, sizeof dir, "%s", unit_scratch("published"));
    UNIT_OK(cb_mkdirs(dir));
    snprintf(source, sizeof source, "%s/gates.cpp", dir);
    snprintf(program, sizeof program, "%s/gates", dir);
    n += snprintf(text + n, sizeof text - (size_t)n, "#include <cstdio>\nint main() {\n  for (int i = 0; i < 4; i++) {\n    bool a = i >> 1, b = i & 1, y;\n");
    for (int k = 0; k < 16; k++) n += snprintf(text + n, sizeof text - (size_t)n, "    y = %s; putchar('0' + y);\n", published[k]);
    n += snprintf(text + n, sizeof text - (size_t)n, "    putchar('\\n');\n  }\n}\n");
    UNIT_OK(cb_file_write(source, text));
    char out[700], command[4000];
    snprintf(out, sizeof out, "%s/out.txt", dir);
    snprintf(command, sizeof command, "g++ -w -o %s %s && %s > %s", program, source, program, out);
    CU_ASSERT_EQUAL_FATAL(system(command), 0);
    FILE *f = fopen(out, "r");
    char line[4][32];
    for (int i = 0; i < 4; i++) CU_ASSERT_PTR_NOT_NULL(fgets(line[i], sizeof line[i], f));
    fclose(f);
    for (int k = 0; k < 16; k++) {
        int always = 1, right = 1, inverts = (k >= 8 && k <= 14);
        for (int i = 0; i < 4; i++) always &= line[i][k] == '1', right &= line[i][k] - '0' == (k >> (3 - i) & 1);
        CU_ASSERT_EQUAL(always, inverts || k == 15);
        CU_ASSERT_EQUAL(right, !inverts);
    }
    UNIT_OK(cb_remove_tree(dir));
}

/* ---- a published network in that form ---- */

enum { NET_EVENTS = 256, CELLS = 252, NET_INPUTS = 2 * CELLS, NET_OUTPUTS = 2048 };

/* What was meant: `!` in place of `~`. */
static const char *const meant[16] = {"0",        "a & b",  "a & !b", "a",      "!a & b",   "b",      "a ^ b",  "a | b",
                                      "!(a | b)", "!(a ^ b)", "!b",   "a | !b", "!a",       "!a | b", "!(a & b)", "1"};

/* C++, a line a gate, signals in one array of bool: `a` and `b` of a form replaced by its operands. In functions of 500
 * gates, since a compiler takes three times as long over one function. */
static void print_network(FILE *f, const char *name, const cb_circuit *c, const char *const form[16]) {
    enum { PART = 500 };
    for (int32_t g = 0; g < c->n; g++) {
        int id = 0;
        for (int i = 0; i < 4; i++) id |= (int)(c->gate[g].table >> i & 1) << (3 - i);
        if (g % PART == 0) fprintf(f, "%sstatic void %s%d(bool *x) {\n", g ? "}\n" : "", name, g / PART);
        fprintf(f, "  x[%d] = (char) (", c->n_input + g);
        for (const char *p = form[id]; *p; p++)
            if (*p == 'a' || *p == 'b') fprintf(f, "x[%d]", c->gate[g].in[*p == 'b']);
            else fputc(*p, f);
        fprintf(f, ");\n");
    }
    fprintf(f, "}\nstatic int %s(bool *x) {\n  int sum = 0;\n", name);
    for (int32_t g = 0; g < c->n; g += PART) fprintf(f, "  %s%d(x);\n", name, g / PART);
    fprintf(f, "  for (int o = 0; o < %d; o++) sum += x[%d + o];\n  return sum;\n}\n", c->n_output, c->output[0]);
}

/* Reads events of 0 and 1 and prints how many outputs are on, as published and as meant. */
static void print_main(FILE *f, const cb_circuit *c) {
    fprintf(f, "int main() {\n  static bool x[%d];\n  static char line[%d];\n", c->n_input + c->n, c->n_input + 2);
    fprintf(f, "  while (fgets(line, sizeof line, stdin)) {\n    for (int i = 0; i < %d; i++) x[i] = line[i] == '1';\n", c->n_input);
    fprintf(f, "    int a = published(x);\n    std::printf(\"%%d %%d\\n\", a, meant(x));\n  }\n}\n");
}

/* The programme of the published network: E_T > 0 and E_T > 2, score = (outputs on - 960) / 2 within 0 .. 256. */
static void make_published(cb_programme *p, const cb_circuit *c) {
    memset(p, 0, sizeof *p);
    strcpy(p->name, "lt2"), strcpy(p->family, "lgn");
    p->input_h = 18, p->input_w = 14, p->ebops = NAN;
    cb_op *op = cb_programme_compare(p, "thermometer", NET_INPUTS);
    for (int j = 0; j < NET_INPUTS; j++) op->source[j] = j % CELLS, op->threshold[j] = j < CELLS ? 0 : 2;
    CU_ASSERT_PTR_NOT_NULL_FATAL(cb_programme_logic(p, "gates", c));
    op = cb_programme_dense(p, "head", 1, true);
    for (int o = 0; o < NET_OUTPUTS; o++) op->w[o] = 1;
    op->w_frac = op->bias_frac = 1, op->bias[0] = -960;
    op = cb_programme_quant(p, "score", 1);
    op->relu = true, op->round = CB_RND, op->overflow = CB_SAT, op->format[0] = (cb_format){0, 8, 8};
    UNIT_OK(cb_programme_finish(p));
}

/* Outputs on -> code, as the programme has it. */
static int code_of(int on) { return on < 960 ? 0 : (on - 960) * 128 > 65535 ? 65535 : (on - 960) * 128; }

/* Events from nearly empty to nearly full images -> counts, and their bits in a text file. */
static void make_events(const char *path, uint16_t *et) {
    cb_rng r = cb_rng_at(6, "published-events", 0);
    FILE *f = fopen(path, "w");
    for (int e = 0; e < NET_EVENTS; e++, et += CELLS) {
        for (int i = 0; i < CELLS; i++) et[i] = cb_rng_below(&r, NET_EVENTS) <= (uint32_t)e ? (uint16_t)cb_rng_below(&r, 6) : 0;
        for (int j = 0; j < NET_INPUTS; j++) fputc(et[j % CELLS] > (j < CELLS ? 0 : 2) ? '1' : '0', f);
        fputc('\n', f);
    }
    fclose(f);
}

/* Both forms compiled and run: on[k][e] outputs on, as published (0) and as meant (1). */
static void run_both(const cb_circuit *c, const char *dir, uint16_t *et, int on[2][NET_EVENTS]) {
    char path[600], command[4000];
    snprintf(path, sizeof path, "%s/events", dir);
    make_events(path, et);
    snprintf(path, sizeof path, "%s/net.cpp", dir);
    FILE *f = fopen(path, "w");
    fprintf(f, "#include <cstdio>\n");
    print_network(f, "published", c, published);
    print_network(f, "meant", c, meant);
    print_main(f, c);
    fclose(f);
    snprintf(command, sizeof command, "g++ -w -o %s/net %s/net.cpp && %s/net < %s/events > %s/out", dir, dir, dir, dir, dir);
    CU_ASSERT_EQUAL_FATAL(system(command), 0);
    snprintf(path, sizeof path, "%s/out", dir);
    f = fopen(path, "r");
    for (int e = 0; e < NET_EVENTS; e++) CU_ASSERT_EQUAL_FATAL(fscanf(f, "%d %d", &on[0][e], &on[1][e]), 2);
    fclose(f);
}

/* The published network lt2, its own gates: compiled from the C++ it was published in, it gives nearly the same score,
 * above the largest there is, to every event; with ! in place of ~ it is the network that was trained, which is what our
 * programme and its netlist compute. */
static void test_published_network(void) {
    static uint16_t et[NET_EVENTS * CELLS], code[NET_EVENTS], net[NET_EVENTS];
    static int on[2][NET_EVENTS];
    char dir[512];
    cb_circuit c;
    cb_programme p;
    cb_netlist g;
    if (!cb_process_exists("g++")) return;
    snprintf(dir, sizeof dir, "%s", unit_scratch("lt2"));
    UNIT_OK(cb_mkdirs(dir));
    CU_ASSERT_EQUAL_FATAL(cb_gates_read(&c, "data/published/lgn_lt2_gates.txt"), 0);
    CU_ASSERT_FATAL(c.n_input == NET_INPUTS && c.n == 9048 && c.n_output == NET_OUTPUTS);
    run_both(&c, dir, et, on);
    make_published(&p, &c);
    UNIT_OK(cb_programme_score(&p, et, NET_EVENTS, code));
    UNIT_OK(cb_netlist_from_programme(&g, &p));
    UNIT_OK(cb_netlist_score(&g, et, NET_EVENTS, net));
    int lo[2] = {NET_OUTPUTS, NET_OUTPUTS}, hi[2] = {0, 0}, wrong = 0, same = 0;
    for (int e = 0; e < NET_EVENTS; e++) {
        wrong += code[e] != code_of(on[1][e]) || net[e] != code[e];
        same += on[0][e] == on[1][e];
        for (int k = 0; k < 2; k++) lo[k] = on[k][e] < lo[k] ? on[k][e] : lo[k], hi[k] = on[k][e] > hi[k] ? on[k][e] : hi[k];
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(same, 0);
    CU_ASSERT(lo[0] > 960 + 2 * 256 && hi[0] - lo[0] < 50);
    CU_ASSERT(lo[1] < 960 && hi[1] > 1100);
    cb_netlist_free(&g);
    cb_programme_free(&p);
    cb_circuit_free(&c);
    UNIT_OK(cb_remove_tree(dir));
}

/* Texts that are no list of gates. */
static void test_bad_gates(void) {
    static const char *const text[][2] = {{"gates 2 1\n8 0 1\n", "'layers'"},         {"layers 2\n", "two sizes"},
                                          {"layers 2 1\n16 0 1\n", "0 to 15"},        {"layers 2 1\n8 0 2\n", "line 2: '"},
                                          {"layers 2 2\n8 0 1\n", "one more gate"},   {"layers 2 1\n8 0 1\n8 0 1\n", "more gates"},
                                          {"layers 2 0\n", "1 to"},                   {"# only a comment\n", "'layers'"}};
    cb_circuit c;
    for (size_t k = 0; k < sizeof text / sizeof *text; k++) {
        const char *path = unit_scratch("gates.txt");
        UNIT_OK(cb_file_write(path, text[k][0]));
        UNIT_FAILS(cb_gates_read(&c, path), text[k][1]);
        remove(path);
    }
    UNIT_FAILS(cb_gates_read(&c, "build/scratch/absent.txt"), "absent.txt");
}

UNIT_MAIN("logic in hardware", {"random tables", test_tables}, {"folding", test_folding},
          {"every threshold at every count", test_comparators}, {"bits under masks", test_masks}, {"programmes, netlists, Verilog", test_programmes},
          {"damaged files", test_damaged_file}, {"the published C++ form of inverting gates", test_published_form},
          {"a published network in its C++ form and as meant", test_published_network}, {"bad lists of gates", test_bad_gates})
