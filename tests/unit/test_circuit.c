/* Circuits of look-up tables, comparators and weighted bit sums, and the programme made of them. */
#include "base/rng.h"
#include "nn/isa.h"
#include "quant/bit_tape.h"
#include "quant/bits.h"
#include "quant/circuit_prove.h"
#include "quant/programme.h"
#include "data/dataset.h"
#include "unit.h"

enum { INPUTS = 37, GATES = 300, OUTPUTS = 50 };

/* Random tables of 0 to 6 inputs with constants, repeated inputs, wires and inverters among them. */
static void random_circuit(cb_circuit *c, uint64_t seed, int n_gate) {
    cb_rng r = cb_rng_at(seed, "test-circuit", 0);
    UNIT_OK(cb_circuit_new(c, INPUTS, OUTPUTS));
    for (int g = 0; g < n_gate; g++) {
        int k = (int)cb_rng_below(&r, 7);
        int32_t in[6];
        for (int j = 0; j < k; j++) in[j] = (int32_t)cb_rng_below(&r, (uint32_t)(INPUTS + g));
        if (k > 2 && cb_rng_below(&r, 3) == 0) in[k - 1] = in[0];
        uint64_t table = cb_rng_u64(&r);
        if (cb_rng_below(&r, 3) == 0) table &= table >> 1, table &= table << 4;
        CU_ASSERT_EQUAL(cb_circuit_gate(c, k, in, table), INPUTS + g);
    }
    for (int o = 0; o < OUTPUTS; o++) c->output[o] = (int32_t)cb_rng_below(&r, (uint32_t)(INPUTS + n_gate));
}

static int bit_of(const uint64_t *row, int32_t signal, int e) { return (int)(row[signal * CB_CIRCUIT_WORDS + e / 64] >> e % 64 & 1); }

/* Signals of event e by the plain definition. */
static void trace(const cb_circuit *c, const uint64_t *row, int e, uint8_t *signal) {
    for (int i = 0; i < c->n_input; i++) signal[i] = (uint8_t)bit_of(row, i, e);
    cb_circuit_trace(c, signal);
}

/* Events (of every seventh) whose weighted sum is not that of the plain definition, at every instruction set. */
static int wrong_sums(const cb_circuit *c, const int32_t *weight, uint64_t seed) {
    cb_bit_tape t;
    cb_bit_work w;
    int32_t sum[CB_CIRCUIT_EVENTS];
    int wrong = 0;
    cb_rng r = cb_rng_at(seed, "test-rows", 0);
    uint8_t *signal = cb_alloc((size_t)(c->n_input + c->n) + 1, 1);
    UNIT_OK(cb_bit_tape_new(&t, c, weight));
    UNIT_OK(cb_bit_work_new(&w, &t));
    for (int i = 0; i < c->n_input * CB_CIRCUIT_WORDS; i++) w.row[i] = cb_rng_u64(&r);
    for (int level = 0; level <= cb_isa_best(); level++) {
        UNIT_OK(cb_isa_force(level));
        memset(sum, 0, sizeof sum);
        cb_bit_tape_sums(&t, &w, sum);
        for (int e = 0; e < CB_CIRCUIT_EVENTS; e += 7) {
            int64_t want = 0;
            trace(c, w.row, e, signal);
            for (int o = 0; o < c->n_output; o++) want += weight[o] * signal[c->output[o]];
            wrong += sum[e] != want;
        }
    }
    free(signal);
    cb_bit_work_free(&w);
    cb_bit_tape_free(&t);
    return wrong;
}

/* Tables of every number of inputs, of many pieces, with weights of both signs, zero, one. */
static void test_tape(void) {
    for (uint64_t seed = 1; seed <= 8; seed++) {
        cb_circuit c;
        int32_t weight[OUTPUTS];
        cb_rng r = cb_rng_at(seed, "test-weights", 0);
        random_circuit(&c, seed, seed == 8 ? 0 : seed > 4 ? 10 * GATES : GATES);
        for (int o = 0; o < OUTPUTS; o++)
            weight[o] = seed == 1 ? 1 : seed == 2 ? 0 : (int32_t)cb_rng_below(&r, 2001) - 1000 * (seed > 3);
        CU_ASSERT_EQUAL(wrong_sums(&c, weight, seed), 0);
        cb_circuit_free(&c);
    }
}

/* A network of two-input gates as they are trained, all of its outputs counted: many are computed two at a time. */
static void test_layers(void) {
    enum { WIDE = 1500 };
    cb_circuit c;
    cb_rng r = cb_rng_at(3, "test-layers", 0);
    UNIT_OK(cb_circuit_new(&c, INPUTS, WIDE));
    int32_t first = 0, n = INPUTS, one[WIDE];
    for (int l = 0; l < 3; l++) {
        int32_t next = c.n_input + c.n;
        for (int k = 0; k < WIDE; k++) {
            int32_t in[2] = {first + (int32_t)cb_rng_below(&r, (uint32_t)n), first + (int32_t)cb_rng_below(&r, (uint32_t)n)};
            CU_ASSERT(cb_circuit_gate(&c, 2, in, cb_rng_below(&r, 16)) >= 0);
        }
        first = next, n = WIDE;
    }
    for (int o = 0; o < WIDE; o++) c.output[o] = first + o, one[o] = 1;
    CU_ASSERT_EQUAL(wrong_sums(&c, one, 1), 0);
    cb_bit_tape t;
    UNIT_OK(cb_bit_tape_new(&t, &c, one));
    CU_ASSERT(t.n_fused > 50 && t.n_gate < c.n && t.n_row < c.n / 2);
    cb_bit_tape_free(&t);
    cb_circuit_free(&c);
}

/* All 16 gates of two inputs. */
static void test_gates(void) {
    for (unsigned t = 0; t < 16; t++) {
        cb_circuit c;
        UNIT_OK(cb_circuit_new(&c, 2, 1));
        c.output[0] = cb_circuit_gate(&c, 2, (int32_t[]){0, 1}, t);
        CU_ASSERT_EQUAL(wrong_sums(&c, (int32_t[]){1}, 5), 0);
        CU_ASSERT_EQUAL(wrong_sums(&c, (int32_t[]){-3}, 5), 0);
        cb_circuit_free(&c);
    }
}

static void test_large_weights(void) {
    cb_circuit c;
    cb_bit_tape t;
    UNIT_OK(cb_circuit_new(&c, 2, 2));
    c.output[1] = 1;
    CU_ASSERT_EQUAL(wrong_sums(&c, (int32_t[]){1 << 30, -(1 << 30) + 1}, 1), 0);
    CU_ASSERT_EQUAL(wrong_sums(&c, (int32_t[]){-INT32_MAX, 0}, 1), 0);
    UNIT_FAILS(cb_bit_tape_new(&t, &c, (int32_t[]){1 << 30, -(1 << 30)}), "2^31");
    cb_circuit_free(&c);
}

static void test_simplify(void) {
    for (uint64_t seed = 1; seed <= 20; seed++) {
        cb_circuit c, small;
        random_circuit(&c, seed, seed == 20 ? 0 : GATES);
        UNIT_OK(cb_circuit_copy(&small, &c));
        UNIT_OK(cb_circuit_simplify(&small));
        UNIT_OK(cb_circuit_check(&small, "simplified"));
        CU_ASSERT(small.n <= c.n);
        uint64_t row[INPUTS * CB_CIRCUIT_WORDS];
        cb_rng r = cb_rng_at(seed, "test-rows", 0);
        for (int i = 0; i < INPUTS * CB_CIRCUIT_WORDS; i++) row[i] = cb_rng_u64(&r);
        int wrong = 0;
        for (int e = 0; e < CB_CIRCUIT_EVENTS; e++) {
            uint8_t a[INPUTS + GATES], b[INPUTS + GATES];
            trace(&c, row, e, a);
            trace(&small, row, e, b);
            for (int o = 0; o < OUTPUTS; o++) wrong += a[c.output[o]] != b[small.output[o]];
        }
        CU_ASSERT_EQUAL(wrong, 0);
        int32_t once = small.n; /* nothing is left for a second time */
        UNIT_OK(cb_circuit_simplify(&small));
        CU_ASSERT_EQUAL(small.n, once);
        cb_circuit_free(&c);
        cb_circuit_free(&small);
    }
}

/* Constants fold, duplicates and opposites merge, dead gates go: a case by hand. */
static void test_simplify_by_hand(void) {
    cb_circuit c;
    UNIT_OK(cb_circuit_new(&c, 2, 4));
    int32_t one = cb_circuit_gate(&c, 0, NULL, 1), and = cb_circuit_gate(&c, 2, (int32_t[]){0, 1}, 8);
    int32_t nand = cb_circuit_gate(&c, 2, (int32_t[]){1, 0}, 7), same = cb_circuit_gate(&c, 2, (int32_t[]){0, 0}, 6);
    int32_t wire = cb_circuit_gate(&c, 2, (int32_t[]){nand, one}, 8); /* = nand */
    int32_t dead = cb_circuit_gate(&c, 2, (int32_t[]){0, 1}, 6);
    CU_ASSERT(dead > 0);
    c.output[0] = wire, c.output[1] = same, c.output[2] = and, c.output[3] = 1;
    UNIT_OK(cb_circuit_simplify(&c));
    CU_ASSERT_EQUAL(c.n, 3); /* and, its inverse, the constant 0 (x ^ x) */
    CU_ASSERT_EQUAL(c.gate[c.output[0] - 2].table, 7);
    CU_ASSERT_EQUAL(c.gate[c.output[1] - 2].k, 0);
    CU_ASSERT_EQUAL(c.gate[c.output[1] - 2].table, 0);
    CU_ASSERT_EQUAL(c.gate[c.output[2] - 2].table, 8);
    CU_ASSERT_EQUAL(c.output[3], 1);
    cb_circuit_free(&c);
}

/* Every change of a simplified circuit, and of what is claimed about it, is seen. */
static void test_proof(void) {
    cb_circuit c, made;
    UNIT_OK(cb_circuit_new(&c, 3, 3));
    int32_t g[4] = {cb_circuit_gate(&c, 2, (int32_t[]){0, 1}, 7), cb_circuit_gate(&c, 2, (int32_t[]){1, 0}, 8), 0, 0};
    g[2] = cb_circuit_gate(&c, 3, (int32_t[]){g[0], 2, g[1]}, 0xCA); /* g0 ? ~: g1 has the sense of ~g0 */
    g[3] = cb_circuit_gate(&c, 2, (int32_t[]){g[0], g[1]}, 6);       /* always 1 */
    c.output[0] = g[0], c.output[1] = g[2], c.output[2] = g[3];
    UNIT_OK(cb_circuit_new(&made, 3, 3));
    int32_t and = cb_circuit_gate(&made, 2, (int32_t[]){0, 1}, 8);
    int32_t other = cb_circuit_gate(&made, 2, (int32_t[]){2, and}, 0xB - 9); /* 2: ~in2 & and, changed below */
    int32_t nand = cb_circuit_gate(&made, 2, (int32_t[]){0, 1}, 7), one = cb_circuit_gate(&made, 0, NULL, 1);
    uint64_t table = 0; /* of g2 over (in2, and) */
    for (int i = 0; i < 4; i++) {
        int in2 = i >> 1, is = i & 1, index = (!is) << 2 | in2 << 1 | is;
        table |= (uint64_t)(0xCA >> index & 1) << i;
    }
    made.gate[other - 3].table = table;
    made.output[0] = nand, made.output[1] = other, made.output[2] = one;
    cb_circuit_literal known[7] = {{0, 0}, {1, 0}, {2, 0}, {and, 1}, {and, 0}, {other, 0}, {-1, 1}};
    UNIT_OK(cb_circuit_prove_simplified(&c, &made, known));
    for (int k = 0; k < 7; k++) {
        known[k].invert ^= 1;
        UNIT_FAILS(cb_circuit_prove_simplified(&c, &made, known), k < 3 ? "input" : "gate");
        known[k].invert ^= 1;
    }
    for (int32_t k = 0; k < made.n; k++) {
        made.gate[k].table ^= 1;
        UNIT_FAILS(cb_circuit_prove_simplified(&c, &made, known), k < 2 ? "gate" : "output");
        made.gate[k].table ^= 1;
    }
    made.output[0] = and;
    UNIT_FAILS(cb_circuit_prove_simplified(&c, &made, known), "output 0 is simplified to another function");
    cb_circuit_free(&made);

    int32_t to[7] = {0, 1, 2, 3, -1, 4, 5}; /* gate 1 is read by gates 2 and 3: it may not go */
    UNIT_OK(cb_circuit_copy(&made, &c));
    cb_circuit_renumber(&made, 3, to);
    UNIT_FAILS(cb_circuit_prove_renumbered(&c, &made, to), "gate 2 is another with its new number");
    cb_circuit_free(&made);
    for (int k = 0; k < 7; k++) to[k] = k;
    UNIT_OK(cb_circuit_prove_renumbered(&c, &c, to));
    UNIT_OK(cb_circuit_copy(&made, &c));
    made.gate[2].in[1] = 1;
    UNIT_FAILS(cb_circuit_prove_renumbered(&c, &made, to), "gate 2");
    cb_circuit_free(&made);
    cb_circuit_free(&c);
}

static void test_bad_circuits(void) {
    cb_circuit c;
    UNIT_FAILS(cb_circuit_new(&c, 0, 1), "inputs");
    UNIT_OK(cb_circuit_new(&c, 2, 1));
    CU_ASSERT_EQUAL(cb_circuit_gate(&c, 7, (int32_t[]){0, 0, 0, 0, 0, 0, 0}, 0), -1);
    CU_ASSERT_EQUAL(cb_circuit_gate(&c, 1, (int32_t[]){2}, 0), -1); /* itself */
    CU_ASSERT_EQUAL(cb_circuit_gate(&c, 1, (int32_t[]){-1}, 0), -1);
    c.output[0] = 2;
    UNIT_FAILS(cb_circuit_check(&c, "mine"), "mine: output 0 is signal 2");
    cb_circuit_free(&c);
}

/* Comparators of every kind of layout: none, few and many of a feature, a last group of features that is short; events that end
 * within a row. */
static void test_comparators(void) {
    enum { FEATURES = 150, MOST = 900, EVENTS = 700 };
    cb_rng r = cb_rng_at(9, "test-comparators", 0);
    static uint16_t et[EVENTS * FEATURES];
    static int32_t source[MOST], threshold[MOST], mask[MOST];
    uint64_t *row = cb_alloc_aligned(MOST * CB_CIRCUIT_WORDS, sizeof *row);
    for (int i = 0; i < EVENTS * FEATURES; i++) et[i] = (uint16_t)(cb_rng_below(&r, 1024) >> cb_rng_below(&r, 10));
    for (int round = 0; round < 4; round++) {
        int features = round == 1 ? 1 : round == 2 ? 64 : FEATURES, n = round == 1 ? 20 : MOST, wrong = 0;
        cb_bit_code c;
        for (int j = 0; j < n; j++) {
            source[j] = (int32_t)cb_rng_below(&r, (uint32_t)(round == 3 && j % 2 ? 3 : features));
            mask[j] = j % 3 ? 1 << cb_rng_below(&r, 10) : CB_ET_MAX;
            threshold[j] = j == 5 ? -1 : j == 6 ? INT16_MAX : (int32_t)(cb_rng_below(&r, 1024) >> cb_rng_below(&r, 10));
        }
        UNIT_OK(cb_bit_code_new(&c, features, source, threshold, round % 2 ? mask : NULL, n));
        for (int level = 0; level <= cb_isa_best(); level++) {
            UNIT_OK(cb_isa_force(level));
            for (int some = 0; some < 4; some++) { /* whole rows, parts, one event, none */
                int count = some == 0 ? 512 : some == 1 ? 188 : 2 - some + 1;
                memset(row, 0xAA, (size_t)n * 64);
                cb_bit_code_events(&c, et + some * features, (size_t)count, row);
                for (int j = 0; j < n; j++)
                    for (int e = 0; e < CB_CIRCUIT_EVENTS; e++)
                        wrong += bit_of(row, j, e) != (e < count && (et[(some + e) * features + source[j]] & (round % 2 ? mask[j] : CB_ET_MAX)) > threshold[j]);
            }
        }
        CU_ASSERT_EQUAL(wrong, 0);
        cb_bit_code_free(&c);
    }
    cb_bit_code c;
    source[3] = FEATURES;
    UNIT_FAILS(cb_bit_code_new(&c, FEATURES, source, threshold, NULL, 10), "comparator 3");
    free(row);
}

/* ---- as a programme ---- */

enum { H = 6, W = 5 };

static void make_programme(cb_programme *p, uint64_t seed) {
    cb_rng r = cb_rng_at(seed, "test-programme", 0);
    memset(p, 0, sizeof *p);
    strcpy(p->name, "bits");
    strcpy(p->family, "lgn");
    p->input_h = H, p->input_w = W, p->ebops = NAN;
    cb_op *op = cb_programme_compare(p, "thermometer", INPUTS);
    for (int j = 0; j < INPUTS; j++) {
        op->source[j] = (int32_t)cb_rng_below(&r, H * W);
        op->threshold[j] = (int32_t)(j == 0 ? 1022 : j == 1 ? 0 : cb_rng_below(&r, 1023));
    }
    cb_circuit c;
    random_circuit(&c, seed, GATES);
    CU_ASSERT_PTR_NOT_NULL(cb_programme_logic(p, "gates", &c));
    cb_circuit_free(&c);
    op = cb_programme_dense(p, "head", 1, true);
    op->w_frac = 3, op->bias_frac = 2, op->bias[0] = -77;
    for (int o = 0; o < OUTPUTS; o++) op->w[o] = (int32_t)cb_rng_below(&r, 101) - 20;
    op = cb_programme_quant(p, "score", 1);
    op->relu = true, op->round = CB_RND, op->overflow = CB_SAT, op->format[0] = (cb_format){0, 8, 8};
}

static void random_events(uint16_t *et, int n) {
    cb_rng r = cb_rng_at(1, "test-events", 0);
    for (int i = 0; i < n * H * W; i++) et[i] = (uint16_t)(cb_rng_below(&r, 4) ? cb_rng_below(&r, 1024) : (uint32_t)(i % 2 * 1023));
}

static void test_programme(void) {
    enum { N = 1300 };
    static uint16_t et[N * H * W], code[N], again[N];
    random_events(et, N);
    for (uint64_t seed = 1; seed <= 4; seed++) {
        cb_programme p, q;
        make_programme(&p, seed);
        UNIT_OK(cb_programme_finish(&p));
        int wrong = 0, varied = 0;
        UNIT_OK(cb_programme_score(&p, et, N, code));
        for (int e = 0; e < N; e++) {
            int64_t v, *want[CB_MAX_OPS] = {[3] = &v};
            UNIT_OK(cb_programme_trace(&p, et + e * H * W, want));
            wrong += v != code[e];
            varied += code[e] != code[0];
        }
        CU_ASSERT_EQUAL(wrong, 0);
        CU_ASSERT(varied > N / 2);
        const char *path = unit_scratch("bits.h5");
        cb_h5 *f = cb_h5_create(path, CB_STUDENT_SCHEMA, "test", "");
        UNIT_OK(cb_programme_write(&p, f));
        UNIT_OK(cb_h5_commit(&f));
        UNIT_OK(cb_programme_read(&q, path));
        UNIT_OK(cb_programme_score(&q, et, N, again));
        CU_ASSERT_EQUAL(memcmp(code, again, sizeof code), 0);
        cb_programme_free(&p);
        cb_programme_free(&q);
    }
}

static void test_bad_programme(void) {
    cb_programme p;
    make_programme(&p, 1);
    p.op[0].threshold[3] = 1023;
    UNIT_FAILS(cb_programme_finish(&p), "comparator 3");
    p.op[0].threshold[3] = 5;
    p.op[0].source[4] = H * W;
    UNIT_FAILS(cb_programme_finish(&p), "comparator 4");
    p.op[0].source[4] = 0;
    p.op[1].circuit.gate[7].k = 1;
    p.op[1].circuit.gate[7].in[0] = INPUTS + 7;
    UNIT_FAILS(cb_programme_finish(&p), "gate 7");
    cb_programme_free(&p);
    memset(&p, 0, sizeof p);
    p.input_h = H, p.input_w = W;
    CU_ASSERT_PTR_NOT_NULL(cb_programme_dense(&p, "first", 3, false));
    CU_ASSERT_PTR_NULL(cb_programme_compare(&p, "late", 3));
    cb_programme_free(&p);
}

UNIT_MAIN("circuit", {"16 gates", test_gates}, {"512 events at a time equal the plain definition", test_tape},
          {"layers of two-input gates", test_layers}, {"large weights", test_large_weights},
          {"simplified circuits compute the same", test_simplify}, {"simplification by hand", test_simplify_by_hand}, {"proof of simplification", test_proof},
          {"bad circuits", test_bad_circuits}, {"comparators", test_comparators},
          {"programme of comparators, logic and a weighted sum", test_programme}, {"bad programmes", test_bad_programme})
