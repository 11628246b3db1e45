/* Proofs by SAT: programme = netlist = Verilog holds for what the compiler makes, and every change of a node, of the text or
 * of the programme is refuted, with values that the interpreter confirms. */
#include "base/log.h"
#include "base/rng.h"
#include "hw/add3_bits.h"
#include "hw/emit.h"
#include "hw/pipeline.h"
#include "hw/prove_network.h"
#include "unit.h"

static const cb_claim_limits limits = {.conflicts = 100000, .wall_s = 300, .memory_mib = 4000};

static bool possible(void) {
    if (cb_claims_possible()) return true;
    fprintf(stderr, "\n  yosys and yosys-abc are not installed: not proven\n");
    return false;
}

/* ---- numbers ---- */

/* Words against integers, by setting all inputs of the graph to constants. */
static void test_words(void) {
    cb_rng r = cb_rng_at(3, "words", 0);
    cb_aig a;
    UNIT_OK(cb_aig_begin(&a, 4));
    int wrong = 0;
    for (int k = 0; k < 2000; k++) {
        int64_t x = (int64_t)cb_rng_below(&r, 4001) - 2000, y = (int64_t)cb_rng_below(&r, 4001) - 2000;
        int up = (int)cb_rng_below(&r, 12) - 6;
        cb_word p = cb_word_constant(x), q = cb_word_constant(y), want[4], have[4];
        want[0] = cb_word_constant(x + y), have[0] = cb_word_add(&a, &p, &q);
        want[1] = cb_word_constant(x - y), have[1] = cb_word_sub(&a, &p, &q);
        want[2] = cb_word_constant(up < 0 ? x >> -up : x * (1 << up)), have[2] = cb_word_shift(&a, &p, up);
        want[3] = cb_word_constant(x * y), have[3] = cb_word_times(&a, &p, y);
        for (int j = 0; j < 4; j++) wrong += cb_word_differ(&a, &want[j], &have[j]) != 0;
        wrong += cb_word_less(&a, &p, &q) != (x < y);
        wrong += cb_word_outside(&a, &p, -5, y) != (x < -5 || x > y);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT(!a.failed && a.n == 5); /* nothing but constants */
    cb_aig_free(&a);
}

/* Sums of three vectors, in both forms, against integers. */
static void test_add3(void) {
    cb_rng r = cb_rng_at(4, "add3", 0);
    cb_aig a;
    UNIT_OK(cb_aig_begin(&a, 4));
    int wrong = 0;
    for (int k = 0; k < 600; k++) {
        int width = 1 + (int)cb_rng_below(&r, 20);
        cb_add3 x = {.width = width, .top = (int)cb_rng_below(&r, (uint32_t)width + 1), .carry_in = (int)cb_rng_below(&r, 3)};
        uint64_t sum = (uint64_t)x.carry_in, more = cb_rng_below(&r, 1000), mask = ((uint64_t)1 << width) - 1;
        for (int v = 0; v < 3; v++)
            for (int b = 0; b < width; b++) {
                x.bit[v][b] = (cb_lit)cb_rng_below(&r, 2), x.invert[v][b] = cb_rng_below(&r, 2);
                sum += (uint64_t)(x.bit[v][b] ^ x.invert[v][b]) << b;
            }
        for (int cells = 0; cells < 2; cells++) {
            cb_lit y[CB_ADD3_BITS];
            uint64_t have = 0;
            cb_add3_sum(&a, &x, cells, y);
            cb_bits_add_constant(&a, y, width, more);
            for (int b = 0; b < width; b++) have |= (uint64_t)y[b] << b;
            wrong += have != ((sum + more) & mask);
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT(!a.failed && a.n == 5);
    cb_aig_free(&a);
}

/* x + y = y + x is proved, x + y = x - y refuted with values that show it, the constants decided without a solver. */
static void test_claims(void) {
    if (!possible()) return;
    cb_claims c;
    cb_lit bit[16];
    const char *scratch = unit_scratch("claims");
    UNIT_OK(cb_mkdirs(scratch));
    UNIT_OK(cb_claims_begin(&c, 16));
    for (uint32_t k = 0; k < 16; k++) bit[k] = 2 * (k + 1);
    cb_word x = cb_word_of(&c.aig, bit, 8, true), y = cb_word_of(&c.aig, bit + 8, 8, false), sum[3];
    sum[0] = cb_word_add(&c.aig, &x, &y), sum[1] = cb_word_add(&c.aig, &y, &x), sum[2] = cb_word_sub(&c.aig, &x, &y);
    UNIT_OK(cb_claim_add(&c, cb_word_differ(&c.aig, &sum[0], &sum[1]), 0, -1));
    UNIT_OK(cb_claim_add(&c, cb_word_differ(&c.aig, &sum[0], &sum[2]), 1, -1));
    UNIT_OK(cb_claim_add(&c, 0, 2, -1));
    UNIT_OK(cb_claims_decide(&c, &limits, scratch));
    CU_ASSERT(c.proved == 2 && c.refuted == 1 && c.open == 0 && c.first_refuted == 1);
    int64_t v = 0, w = 0;
    for (int k = 0; k < 8; k++) v += (int64_t)c.counterexample[k] << k, w += (int64_t)c.counterexample[8 + k] << k;
    CU_ASSERT(w != 0 && v >= 0); /* x + y and x - y differ where y is not 0 */
    cb_claims_free(&c);
    UNIT_OK(cb_remove_tree(scratch));
}

/* (x * y) mod 2^14 = (y * x) mod 2^14 needs more than ten conflicts: left open, and said so. */
static void test_limit(void) {
    if (!possible()) return;
    cb_claims c;
    cb_claim_limits few = {.conflicts = 10, .wall_s = 100, .memory_mib = 4000};
    const char *scratch = unit_scratch("limit");
    UNIT_OK(cb_mkdirs(scratch));
    UNIT_OK(cb_claims_begin(&c, 14));
    cb_word product[2] = {cb_word_constant(0), cb_word_constant(0)};
    for (int side = 0; side < 2; side++)
        for (uint32_t k = 0; k < 7; k++) {
            cb_lit row[7];
            for (uint32_t j = 0; j < 7; j++) row[j] = cb_aig_and(&c.aig, 2 * (1 + k + (side ? 7 : 0)), 2 * (1 + j + (side ? 0 : 7)));
            cb_word part = cb_word_of(&c.aig, row, 7, false);
            part = cb_word_shift(&c.aig, &part, (int)k);
            product[side] = cb_word_add(&c.aig, &product[side], &part);
        }
    UNIT_OK(cb_claim_add(&c, cb_word_differ(&c.aig, &product[0], &product[1]), 0, -1));
    UNIT_OK(cb_claims_decide(&c, &few, scratch));
    CU_ASSERT(c.open == 1 && c.proved == 0 && c.refuted == 0);
    cb_claims_free(&c);
    UNIT_OK(cb_remove_tree(scratch));
}

/* ---- networks ---- */

/* Two layers; a wide range of weights, a bias, an input that nobody reads, a neuron that is always 0. */
static void small_student(cb_programme *p) {
    *p = (cb_programme){.name = "small", .family = "test", .input_h = 1, .input_w = 5};
    static const int w[15] = {5, -3, 0, 2, 7, 0, -6, 1, 0, 3, -4, 0, 0, 0, 0};
    cb_op *d = cb_programme_dense(p, "dense1", 3, true);
    CU_ASSERT_PTR_NOT_NULL_FATAL(d);
    for (int i = 0; i < 15; i++) d->w[i] = w[i];
    d->w_frac = 3, d->bias[0] = 21, d->bias[2] = -9, d->bias_frac = 3, d->acc = (cb_format){1, 20, 8};
    cb_op *q = cb_programme_quant(p, "relu1", 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(q);
    q->relu = true, q->round = CB_RND_CONV, q->overflow = CB_SAT, q->format[0] = (cb_format){0, 8, 0};
    d = cb_programme_dense(p, "dense2", 1, false);
    CU_ASSERT_PTR_NOT_NULL_FATAL(d);
    d->w[0] = 3, d->w[1] = -5, d->w[2] = 7, d->w_frac = 5, d->acc = (cb_format){1, 20, 8};
    q = cb_programme_quant(p, "relu2", 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(q);
    q->relu = true, q->round = CB_RND_CONV, q->overflow = CB_SAT, q->format[0] = (cb_format){0, 8, 8};
    UNIT_OK(cb_programme_finish(p));
}

/* Comparators, gates of all widths (wires, constants, repeated operands among them), a weighted sum of bits. */
static void logic_student(cb_programme *p, uint64_t trial) {
    enum { BITS = 12, GATES = 30, SUMMED = 14 };
    cb_rng r = cb_rng_at(7, "logic-student", trial);
    cb_circuit c;
    *p = (cb_programme){.name = "logic", .family = "test", .input_h = 1, .input_w = 4};
    cb_op *op = cb_programme_compare(p, "bits", BITS);
    CU_ASSERT_PTR_NOT_NULL_FATAL(op);
    for (int j = 0; j < BITS; j++) op->source[j] = j % 4, op->threshold[j] = (int32_t)cb_rng_below(&r, 1023);
    UNIT_OK(cb_circuit_new(&c, BITS, SUMMED));
    for (int k = 0; k < GATES; k++) {
        int32_t in[CB_GATE_INPUTS];
        int n = (int)cb_rng_below(&r, 7);
        uint64_t table = cb_rng_u64(&r);
        if (k % 5 == 0) n = 1, table = 2; /* a wire */
        if (n < 6) table &= ((uint64_t)1 << (1 << n)) - 1;
        for (int j = 0; j < n; j++) in[j] = (int32_t)cb_rng_below(&r, (uint32_t)(BITS + k));
        CU_ASSERT_FATAL(cb_circuit_gate(&c, n, in, table) >= 0);
    }
    for (int o = 0; o < SUMMED; o++) c.output[o] = BITS + GATES - 1 - o;
    CU_ASSERT_PTR_NOT_NULL_FATAL(cb_programme_logic(p, "gates", &c));
    cb_circuit_free(&c);
    op = cb_programme_dense(p, "sum", 1, true);
    CU_ASSERT_PTR_NOT_NULL_FATAL(op);
    for (int i = 0; i < SUMMED; i++) op->w[i] = (int32_t)cb_rng_below(&r, 200) - 70;
    op->w_frac = 2, op->bias[0] = 37, op->bias_frac = 2;
    op = cb_programme_quant(p, "score", 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(op);
    op->relu = true, op->round = CB_RND, op->overflow = CB_SAT, op->format[0] = (cb_format){0, 8, 8};
    UNIT_OK(cb_programme_finish(p));
}

/* A sum of two counts in three bits, and its thermometer: above 3 is a bit of it, which the other comparators read too. */
static void thermometer_student(cb_programme *p) {
    cb_circuit c;
    *p = (cb_programme){.name = "thermometer", .family = "test", .input_h = 1, .input_w = 2};
    cb_op *op = cb_programme_dense(p, "sums", 1, false);
    CU_ASSERT_PTR_NOT_NULL_FATAL(op);
    op->w[0] = op->w[1] = 1, op->w_frac = 4;
    CU_ASSERT_PTR_NOT_NULL_FATAL(op = cb_programme_quant(p, "views", 1));
    op->round = CB_TRN, op->overflow = CB_SAT, op->format[0] = (cb_format){0, 1, 2};
    CU_ASSERT_PTR_NOT_NULL_FATAL(op = cb_programme_compare(p, "bits", 3));
    op->threshold[0] = 0, op->threshold[1] = 3, op->threshold[2] = 4;
    UNIT_OK(cb_circuit_new(&c, 3, 3));
    for (int o = 0; o < 3; o++) c.output[o] = o;
    CU_ASSERT_PTR_NOT_NULL_FATAL(cb_programme_logic(p, "gates", &c));
    cb_circuit_free(&c);
    CU_ASSERT_PTR_NOT_NULL_FATAL(op = cb_programme_dense(p, "sum", 1, false));
    for (int i = 0; i < 3; i++) op->w[i] = 3 + 2 * i;
    op->w_frac = 2;
    CU_ASSERT_PTR_NOT_NULL_FATAL(op = cb_programme_quant(p, "score", 1));
    op->relu = true, op->overflow = CB_SAT, op->format[0] = (cb_format){0, 8, 8};
    UNIT_OK(cb_programme_finish(p));
}

static int prove(const cb_programme *p, int levels, bool ternary, cb_proof *proof) {
    static char scratch[600];
    const char *dir = unit_scratch("network");
    cb_netlist g;
    cb_lowering map;
    uint16_t et[5] = {0}, code[1] = {0};
    snprintf(scratch, sizeof scratch, "%s/prove", dir);
    UNIT_OK(cb_netlist_lower_map(&g, p, 1, &map));
    UNIT_OK(cb_netlist_pipeline(&g, levels));
    g.ternary = ternary;
    cb_emit e = {.programme = p, .net = &g, .dir = dir, .clock_ns = 6.25, .et = et, .code = code, .n_event = 1, .n_simulation = 1};
    UNIT_OK(cb_emit_verilog(&e));
    const cb_proof_subject s = {.programme = p, .net = &g, .map = &map};
    int rc = cb_prove_network(&s, dir, &limits, scratch, proof);
    UNIT_OK(cb_remove_tree(dir));
    cb_lowering_free(&map);
    cb_netlist_free(&g);
    return rc;
}

static void test_students(void) {
    if (!possible()) return;
    cb_log_level(CB_QUIET);
    for (int k = 0; k < 6; k++) {
        cb_programme p;
        cb_proof proof;
        if (k < 2) small_student(&p);
        else if (k == 5) thermometer_student(&p);
        else logic_student(&p, (uint64_t)k);
        UNIT_OK(prove(&p, k % 2 ? 2 : 0, k == 1, &proof));
        CU_ASSERT_EQUAL(proof.n, k == 1 ? 6 : k % 2 ? 4 : 3);
        for (int r = 0; r < proof.n; r++)
            CU_ASSERT(proof.row[r].claims > 0 && proof.row[r].proved == proof.row[r].claims && !proof.row[r].open && !proof.row[r].refuted);
        cb_programme_free(&p);
    }
}

/* A chain of three operands with one bit inverted, in the form for any tool and in the cells of 7 series. */
static void test_chain_faults(void) {
    if (!possible()) return;
    const char *scratch = unit_scratch("chains");
    char file[600];
    snprintf(file, sizeof file, "%s/small_comb.v", scratch);
    const cb_prove_tools tools = {limits, scratch};
    cb_programme p;
    cb_netlist g;
    small_student(&p);
    UNIT_OK(cb_netlist_lower(&g, &p, 1));
    g.ternary = true;
    for (int cells = 0; cells < 2; cells++)
        for (int fault = 0; fault < 2; fault++) {
            cb_claims c;
            UNIT_OK(cb_verilog_module(&g, true, scratch, "small_comb.v"));
            char *text = cb_file_read(file, NULL), *at = text ? strstr(text, ".IC(64'h") : NULL;
            CU_ASSERT_PTR_NOT_NULL_FATAL(at);
            at[8] = fault ? at[8] == '1' ? '0' : '1' : at[8];
            UNIT_OK(cb_file_write(file, text));
            int rc = cb_prove_nodes(&g, true, cells, file, &tools, &c, NULL);
            CU_ASSERT_EQUAL(rc, fault ? -1 : 0);
            CU_ASSERT(c.open == 0 && (fault ? c.refuted == 1 : c.proved == c.n));
            cb_claims_free(&c);
            free(text);
        }
    cb_netlist_free(&g);
    cb_programme_free(&p);
    UNIT_OK(cb_remove_tree(scratch));
}

/* A carry input that takes another bit than the one lent. */
static void test_loan_faults(void) {
    if (!possible()) return;
    const char *scratch = unit_scratch("loans");
    char file[600];
    snprintf(file, sizeof file, "%s/t_comb.v", scratch);
    const cb_prove_tools tools = {limits, scratch};
    cb_netlist g = {.name = "t", .n_input = 4, .input_bits = 10};
    int32_t x[4];
    for (int k = 0; k < 4; k++) x[k] = cb_netlist_input(&g, k);
    x[0] = cb_netlist_add(&g, x[0], 0, x[1], 0, false), x[0] = cb_netlist_add(&g, x[0], 1, x[2], 0, false);
    x[0] = cb_netlist_add(&g, x[0], 0, x[3], 0, false), x[0] = cb_netlist_quant(&g, x[0], (cb_format){0, 12, 0}, CB_TRN, CB_SAT, true);
    g.output = calloc(1, sizeof *g.output);
    g.output[g.n_output++] = x[0];
    for (int fault = 0; fault < 2; fault++) {
        cb_claims c;
        UNIT_OK(cb_verilog_module(&g, true, scratch, "t_comb.v"));
        char *text = cb_file_read(file, NULL), *at = text ? strstr(text, ".ci(n") : NULL;
        at = at ? strchr(at, '[') : NULL;
        CU_ASSERT_PTR_NOT_NULL_FATAL(at);
        at[1] = (char)(at[1] + fault);
        UNIT_OK(cb_file_write(file, text));
        if (fault) UNIT_FAILS(cb_prove_nodes(&g, true, false, file, &tools, &c, NULL), "does not carry what node");
        else UNIT_OK(cb_prove_nodes(&g, true, false, file, &tools, &c, NULL));
        CU_ASSERT(c.open == 0 && (fault ? c.refuted == 1 : c.proved == c.n));
        cb_claims_free(&c);
        free(text);
    }
    cb_netlist_free(&g);
    UNIT_OK(cb_remove_tree(scratch));
}

/* ---- shared hardware ---- */

/* A convolution with six positions, a dense layer; ii = 4: two engines, one of them with two phases only. */
static void shared_student(cb_programme *p) {
    *p = (cb_programme){.name = "shared", .family = "test", .input_h = 4, .input_w = 6};
    static const int w[4] = {3, -2, 5, 1};
    cb_op *op = cb_programme_conv2d(p, "conv", 2, 2, 2, 2, 1, true);
    CU_ASSERT_PTR_NOT_NULL_FATAL(op);
    for (int i = 0; i < 4; i++) op->w[i] = w[i];
    op->w_frac = 3, op->bias[0] = 7, op->bias_frac = 1;
    op = cb_programme_quant(p, "relu", 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(op);
    op->relu = true, op->round = CB_RND_CONV, op->overflow = CB_SAT, op->format[0] = (cb_format){0, 7, 0};
    op = cb_programme_dense(p, "dense", 1, false);
    CU_ASSERT_PTR_NOT_NULL_FATAL(op);
    for (int i = 0; i < 6; i++) op->w[i] = 2 * i - 5;
    op->w_frac = 2;
    op = cb_programme_quant(p, "score", 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(op);
    op->relu = true, op->round = CB_RND_CONV, op->overflow = CB_SAT, op->format[0] = (cb_format){0, 8, 8};
    UNIT_OK(cb_programme_finish(p));
}

typedef struct {
    cb_programme p;
    cb_netlist shared, flat;
    cb_lowering map;
    cb_unfolding unfolding;
} shared_work;

static void shared_make(shared_work *w, int ii) {
    shared_student(&w->p);
    UNIT_OK(cb_netlist_lower_shared_map(&w->shared, &w->p, 1, ii, &w->map));
    CU_ASSERT_EQUAL_FATAL(w->shared.ii, ii);
    UNIT_OK(cb_netlist_unfold_map(&w->shared, &w->flat, &w->unfolding));
    cb_lowering_unfold(&w->map, &w->shared, &w->unfolding);
    UNIT_OK(cb_netlist_pipeline(&w->shared, 2));
}

static void shared_free(shared_work *w) {
    cb_programme_free(&w->p);
    cb_netlist_free(&w->shared);
    cb_netlist_free(&w->flat);
    cb_lowering_free(&w->map);
    cb_unfolding_free(&w->unfolding);
}

static void test_shared(void) {
    if (!possible()) return;
    static char scratch[600];
    const char *dir = unit_scratch("shared");
    snprintf(scratch, sizeof scratch, "%s/prove", dir);
    for (int k = 0; k < 2; k++) {
        shared_work w;
        cb_proof proof;
        uint16_t et[24] = {0}, code[1] = {0};
        shared_make(&w, k ? 4 : 3);
        cb_emit e = {.programme = &w.p, .net = &w.flat, .shared = &w.shared, .dir = dir, .clock_ns = 6.25, .et = et, .code = code, .n_event = 1,
                     .n_simulation = 1};
        const cb_proof_subject s = {&w.p, &w.flat, &w.map, &w.shared, &w.unfolding};
        UNIT_OK(cb_emit_verilog(&e));
        UNIT_OK(cb_prove_network(&s, dir, &limits, scratch, &proof));
        CU_ASSERT_EQUAL(proof.n, 7);
        for (int r = 0; r < proof.n; r++)
            CU_ASSERT(proof.row[r].claims > 0 && proof.row[r].proved == proof.row[r].claims && !proof.row[r].open && !proof.row[r].refuted);
        shared_free(&w);
    }
    UNIT_OK(cb_remove_tree(dir));
}

/* Faults in the shared netlist: operands of a multiplexer exchanged, a weight of the engine, a HOLD of another phase; in its stages: a
 * value a clock early, registers overwritten before they are read. */
static void test_shared_faults(void) {
    if (!possible()) return;
    const char *scratch = unit_scratch("phases");
    const cb_prove_tools tools = {limits, scratch};
    UNIT_OK(cb_mkdirs(scratch));
    int done[5] = {0};
    for (int fault = 0; fault < 5; fault++) {
        shared_work w;
        cb_claims c;
        int64_t n;
        shared_make(&w, 4);
        UNIT_OK(cb_prove_schedule(&w.shared, &w.unfolding, &n));
        CU_ASSERT_EQUAL(n, 7); /* six HOLD nodes and the score */
        for (int32_t i = w.shared.n - 1; i >= 0 && !done[fault]; i--) {
            cb_node *x = &w.shared.node[i];
            if (x->kind == CB_NODE_SELECT && fault == 0) x->a ^= x->b, x->b ^= x->a, x->a ^= x->b, done[0]++;
            if (x->kind == CB_NODE_ADD && x->sa && w.unfolding.phased[i] && fault == 1) x->sa++, done[1]++;
            if (x->kind == CB_NODE_HOLD && x->phase == 1 && fault == 2) x->phase = 0, done[2]++;
            if (x->kind == CB_NODE_HOLD && fault == 3) x->stage--, done[3]++;
            if (x->kind == CB_NODE_HOLD && fault == 4) x->stage += 4, done[4]++;
        }
        CU_ASSERT_EQUAL(done[fault], 1);
        if (fault < 3) {
            UNIT_FAILS(cb_prove_phases(&w.shared, &w.flat, &w.unfolding, &tools, &c, &n), "the unfolding has another value");
            cb_claims_free(&c);
        } else UNIT_FAILS(cb_prove_schedule(&w.shared, &w.unfolding, &n), fault == 3 ? "takes" : "");
        shared_free(&w);
    }
    UNIT_OK(cb_remove_tree(scratch));
}

/* Its text with one word changed. */
static void test_shared_text(void) {
    if (!possible()) return;
    static const struct { const char *find, *put, *said; } change[] = {
        {"if (phase == 2) n", "if (phase == 1) n", "does not carry what node"},                  /* another phase */
        {"if (phase == 2) n", "if (1) n", "does not carry what node"},                           /* nothing is held */
        {") model_out", " || 1) model_out", "model_out is not"},
        {"sync || phase == 3 ? 0", "phase == 3 ? 0", "phase does not count"},
        {"valid <= phase", "valid <= ~phase", "valid does not count"}};
    const char *scratch = unit_scratch("shared-text");
    char file[600];
    snprintf(file, sizeof file, "%s/shared.v", scratch);
    const cb_prove_tools tools = {limits, scratch};
    shared_work w;
    shared_make(&w, 4);
    for (size_t k = 0; k < sizeof change / sizeof *change; k++) {
        cb_claims c;
        UNIT_OK(cb_verilog_module(&w.shared, false, scratch, "shared.v"));
        char *text = cb_file_read(file, NULL), *at = text ? strstr(text, change[k].find) : NULL;
        CU_ASSERT_PTR_NOT_NULL_FATAL(at);
        char *other = cb_textf("%.*s%s%s", (int)(at - text), text, change[k].put, at + strlen(change[k].find));
        CU_ASSERT_PTR_NOT_NULL_FATAL(other);
        UNIT_OK(cb_file_write(file, other));
        UNIT_FAILS(cb_prove_nodes(&w.shared, false, false, file, &tools, &c, NULL), change[k].said);
        cb_claims_free(&c);
        free(text), free(other);
    }
    shared_free(&w);
    UNIT_OK(cb_remove_tree(scratch));
}

/* The netlist of one programme is not another one's: a weight, a rounding, a threshold, a gate. */
static void test_other_programme(void) {
    if (!possible()) return;
    const char *scratch = unit_scratch("programme");
    const cb_prove_tools tools = {limits, scratch};
    UNIT_OK(cb_mkdirs(scratch));
    for (int change = 0; change < 5; change++) {
        cb_programme p;
        cb_netlist g;
        cb_lowering map;
        cb_claims c;
        int64_t sums;
        if (change < 3) small_student(&p);
        else logic_student(&p, 1);
        UNIT_OK(cb_netlist_lower_map(&g, &p, 1, &map));
        UNIT_OK(cb_prove_layers(&p, &g, &map, &tools, &c, &sums));
        CU_ASSERT(c.proved == c.n);
        cb_claims_free(&c);
        static const char *const said[] = {"has another weight", "is not what the programme says", "is not what the programme says",
                                           "is not what the programme says", "is not what the programme says"};
        if (change == 0) p.op[0].w[4] += 1;
        if (change == 1) p.op[1].round = CB_RND;
        if (change == 2) p.op[0].bias[1] += 1;
        for (int j = 0; change == 3; j++) /* the first comparator that somebody needs */
            if (map.value[0][j].node >= 0) {
                p.op[0].threshold[j] += 1;
                break;
            }
        for (int32_t i = 0; change == 4 && i < map.n_signal - 12; i++) /* the first gate that somebody needs */
            if (map.signal[12 + i].node >= 0) {
                p.op[1].circuit.gate[i].table ^= 1;
                break;
            }
        UNIT_FAILS(cb_prove_layers(&p, &g, &map, &tools, &c, &sums), said[change]);
        if (!c.refuted && change) fprintf(stderr, "\n  change %d was not seen\n", change);
        cb_claims_free(&c);
        cb_lowering_free(&map);
        cb_netlist_free(&g);
        cb_programme_free(&p);
    }
    UNIT_OK(cb_remove_tree(scratch));
}

/* ---- wires ---- */

/* Sums of quantized sums in every rounding and overflow mode, and a table. */
static void mixed_graph(cb_netlist *g) {
    *g = (cb_netlist){.name = "mixed", .n_input = 4, .input_bits = 5};
    int32_t x[4], out[24], n = 0;
    for (int k = 0; k < 4; k++) x[k] = cb_netlist_input(g, k);
    for (int round = 0; round < 7; round++)
        for (int overflow = 0; overflow < 3; overflow++) {
            int32_t sum = cb_netlist_add(g, cb_netlist_add(g, x[round % 4], 2, x[(round + 1) % 4], 0, true), 0, x[(round + 2 + overflow) % 4], 1, overflow == 1);
            out[n++] = cb_netlist_quant(g, sum, (cb_format){1, 5, -2}, (cb_round)round, (cb_overflow)overflow, overflow == 2);
        }
    int32_t bit[2] = {cb_netlist_bit(g, x[0], 2), cb_netlist_bit(g, x[1], 4)};
    int32_t total = cb_netlist_table(g, 2, bit, 6);
    for (int k = 0; k < n; k++) total = cb_netlist_add(g, total, 0, out[k], k % 3, k % 2);
    g->output = calloc(1, sizeof *g->output);
    g->output[0] = cb_netlist_quant(g, total, (cb_format){0, 15, 0}, CB_RND, CB_SAT, true);
    g->n_output = 1;
    CU_ASSERT_FATAL(g->output[0] >= 0);
}

/* The interpreter at node n of g and of h, with the operands of a counterexample. */
static bool confirmed(const cb_netlist *g, const cb_netlist *h, const cb_proof_example *x) {
    const uint16_t et[4] = {0};
    int64_t *value = calloc((size_t)g->n, sizeof *value);
    for (int32_t i = 0; i < x->node; i++) {
        bool given = false;
        for (int k = 0; k < x->n_operand; k++)
            if (x->operand[k] == i) value[i] = x->value[k], given = true;
        if (!given) value[i] = cb_node_value(g, i, et, value); /* constants; sums that a chain absorbed */
    }
    bool differ = cb_node_value(g, x->node, et, value) != cb_node_value(h, x->node, et, value);
    free(value);
    return differ;
}

/* Every kind of fault in the netlist that the Verilog is printed from. */
static bool mutate(cb_node *x, int kind) {
    switch (kind) {
    case 0: return x->kind == CB_NODE_ADD && x->b >= 0 && x->lo != x->hi ? x->sub ^= 1, true : false;
    case 1: return x->kind == CB_NODE_QUANT && x->overflow == CB_SAT ? x->overflow = CB_WRAP, true : false;
    case 2: return x->kind == CB_NODE_QUANT && x->round == CB_ROUND_EVEN_BIASED ? x->round = CB_TRN, true : false;
    case 3: return x->kind == CB_NODE_QUANT && x->overflow == CB_SAT ? x->overflow = CB_SAT_SYM, true : false;
    case 4: return x->kind == CB_NODE_TABLE ? x->table ^= 1, true : false;
    default: return x->kind == CB_NODE_QUANT && x->round == CB_RND_INF ? x->round = CB_RND_ZERO, true : false;
    }
}

/* The Verilog of the graph with the fault `kind` (-1: none) at the last node that has it, but for `skip` of them; *at: that node.
 * False if there is none. */
static bool print_mutant(cb_netlist *h, int kind, int skip, const char *dir, int32_t *at) {
    bool done = kind < 0;
    mixed_graph(h);
    UNIT_OK(cb_netlist_pipeline(h, 2));
    for (int32_t i = h->n - 1; i >= 0 && !done; i--) {
        cb_node was = h->node[i];
        done = !cb_node_is_wire(h, i) && mutate(&h->node[i], kind) && skip-- == 0;
        if (done) *at = i;
        else h->node[i] = was;
    }
    UNIT_OK(cb_verilog_module(h, false, dir, "mixed.v"));
    return done;
}

static void test_mutations(void) {
    if (!possible()) return;
    const char *scratch = unit_scratch("mutations");
    char file[600];
    snprintf(file, sizeof file, "%s/mixed.v", scratch);
    const cb_prove_tools tools = {limits, scratch};
    cb_netlist g, h;
    cb_claims c;
    cb_proof_example x;
    UNIT_OK(cb_mkdirs(scratch));
    mixed_graph(&g);
    UNIT_OK(cb_netlist_pipeline(&g, 2));
    for (int kind = -1, skip = 0; kind < 6; kind++, skip = 0) {
        int32_t at = -1;
        CU_ASSERT_FATAL(print_mutant(&h, kind, skip, scratch, &at));
        int rc = cb_prove_nodes(&g, false, false, file, &tools, &c, &x);
        /* the fault changed the width of a wire (refused) or, by another plan of the chains, what other wires carry */
        while (rc && (c.n ? x.node != at : strstr(cb_error(), "expected") != NULL)) {
            cb_claims_free(&c);
            cb_netlist_free(&h);
            CU_ASSERT_FATAL(print_mutant(&h, kind, ++skip, scratch, &at));
            rc = cb_prove_nodes(&g, false, false, file, &tools, &c, &x);
        }
        CU_ASSERT_EQUAL(rc, kind < 0 ? 0 : -1);
        CU_ASSERT(c.open == 0 && c.proved + c.refuted == c.n && c.n > 60);
        if (kind >= 0) CU_ASSERT(strstr(cb_error(), "refuted") && c.refuted > 0 && x.n_operand > 0 && confirmed(&g, &h, &x));
        cb_claims_free(&c);
        cb_netlist_free(&h);
    }
    cb_netlist_free(&g);
    UNIT_OK(cb_remove_tree(scratch));
}

/* The text itself: one word changed in the file. */
static void test_text(void) {
    if (!possible()) return;
    static const struct { const char *find, *put, *said; } change[] = {
        {"subm", "addm", "refuted"}, {"_s1 <= n", "_s1 <= ~n", "does not take the value before it"},
        {"model_out[15:0] <= {", "model_out[15:0] <= ~{", "model_out is not"}, {"wire [4:0] n0 ", "wire [5:0] n0 ", "has 6 bits, 5 expected"},
        {"wire [4:0] n0 ", "wire [4:0] m0 ", "is not declared"}, {"endmodule\n\nmodule mixed (", "endmodule\n\nmodule mixer (", "no whole module mixed"}};
    const char *scratch = unit_scratch("text");
    char file[600];
    snprintf(file, sizeof file, "%s/mixed.v", scratch);
    const cb_prove_tools tools = {limits, scratch};
    cb_netlist g;
    mixed_graph(&g);
    UNIT_OK(cb_netlist_pipeline(&g, 2));
    for (size_t k = 0; k < sizeof change / sizeof *change; k++) {
        cb_claims c;
        UNIT_OK(cb_verilog_module(&g, false, scratch, "mixed.v"));
        char *text = cb_file_read(file, NULL), *at = text ? strstr(text, change[k].find) : NULL;
        if (k == 0 && at) at = strstr(at + 60, change[k].find); /* the first is the helper module */
        CU_ASSERT_PTR_NOT_NULL_FATAL(at);
        char *other = cb_textf("%.*s%s%s", (int)(at - text), text, change[k].put, at + strlen(change[k].find));
        CU_ASSERT_PTR_NOT_NULL_FATAL(other);
        UNIT_OK(cb_file_write(file, other));
        UNIT_FAILS(cb_prove_nodes(&g, false, false, file, &tools, &c, NULL), change[k].said);
        cb_claims_free(&c);
        free(text), free(other);
    }
    cb_netlist_free(&g);
    UNIT_OK(cb_remove_tree(scratch));
}

UNIT_MAIN("prove_sat", {"words", test_words}, {"sums of three", test_add3}, {"claims", test_claims}, {"limit", test_limit}, {"students", test_students}, {"chain faults", test_chain_faults}, {"loan faults", test_loan_faults}, {"shared", test_shared},
          {"shared faults", test_shared_faults}, {"shared text", test_shared_text},
          {"other programme", test_other_programme}, {"mutations", test_mutations}, {"text", test_text})
