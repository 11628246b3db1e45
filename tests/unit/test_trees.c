/* Boosted trees: questions and leaves worked by hand, bins, sums of regions against their operations, the student's score as
 * programme and netlist, falling loss, same trees for any threads, bad designs. */
#include "base/log.h"
#include "base/rng.h"
#include "base/threads.h"
#include "hw/netlist.h"
#include "trees/student.h"
#include "unit.h"

enum { H = 6, W = 4, EVENTS = 900, IMAGES = 700 };

#include "toy.h"

/* ---- one tree ---- */

enum { FEW = 8, CODE = 256 };
static const int four_bins[2] = {4, 4};
static const uint16_t even[FEW] = {16, 16, 16, 16, 16, 16, 16, 16};

/* Residuals in units of score. */
static cb_tree grown(const cb_tree_recipe *r, int n_feature, const uint8_t *bin, const int *units, const uint16_t *weight) {
    cb_tree t;
    int32_t residual[FEW];
    cb_tree_events x = {n_feature, FEW, bin, four_bins};
    for (int e = 0; e < FEW; e++) residual[e] = units[e] * CODE;
    UNIT_OK(cb_tree_grow(&t, &x, r, residual, weight));
    return t;
}

/* One question: bins 0 and 1 lack -2, bins 2 and 3 lack 6. */
static void test_leaves(void) {
    static const uint8_t bin[FEW] = {0, 0, 1, 1, 2, 2, 3, 3};
    static const int lacks[FEW] = {-2, -2, -2, -2, 6, 6, 6, 6};
    cb_tree_recipe r = {.depth = 1, .leaf_bits = 4, .frac = 0, .rate = 1, .clip = 16, .prior = 0};
    cb_tree t = grown(&r, 1, bin, lacks, even);
    CU_ASSERT(t.depth == 1 && t.feature[0] == 0 && t.cut[0] == 1);
    CU_ASSERT(t.base == -2 && t.shift == 0 && t.leaf[0] == 0 && t.leaf[1] == 8 && cb_tree_digits(&t) == 4);
    r.leaf_bits = 3; /* 8 steps apart do not fit three digits: steps of 2 */
    t = grown(&r, 1, bin, lacks, even);
    CU_ASSERT(t.base == -1 && t.shift == 1 && t.leaf[1] == 4 && cb_tree_leaf_value(&t, 0) == -2 && cb_tree_leaf_value(&t, 1) == 6);
    r.leaf_bits = 4, r.clip = 4; /* 4 of 6 count */
    t = grown(&r, 1, bin, lacks, even);
    CU_ASSERT(cb_tree_leaf_value(&t, 0) == -2 && cb_tree_leaf_value(&t, 1) == 4);
    r.clip = 16, r.prior = 4; /* four events of each leaf and four without a gradient */
    t = grown(&r, 1, bin, lacks, even);
    CU_ASSERT(cb_tree_leaf_value(&t, 0) == -1 && cb_tree_leaf_value(&t, 1) == 3);
    r.prior = 0, r.rate = 0.5, r.frac = 1;
    t = grown(&r, 1, bin, lacks, even);
    CU_ASSERT(cb_tree_leaf_value(&t, 0) == -2 && cb_tree_leaf_value(&t, 1) == 6); /* halves */
    r.depth = 3; /* nothing else to ask */
    CU_ASSERT_EQUAL(grown(&r, 1, bin, lacks, even).depth, 1);
}

/* Two features: the one that matters more first, the first answer the most significant digit; weights. */
static void test_levels(void) {
    static const uint8_t bin[2 * FEW] = {0, 0, 1, 1, 2, 2, 3, 3, /* feature 1: */ 0, 3, 0, 3, 0, 3, 0, 3};
    static const int lacks[FEW] = {0, 1, 0, 1, 8, 11, 8, 11};
    static const uint16_t uneven[FEW] = {16, 16, 16, 16, 16, 48, 48, 48};
    cb_tree_recipe r = {.depth = 2, .leaf_bits = 6, .frac = 0, .rate = 1, .clip = 64, .prior = 0};
    cb_tree t = grown(&r, 2, bin, lacks, even);
    CU_ASSERT(t.depth == 2 && t.feature[0] == 0 && t.cut[0] == 1 && t.feature[1] == 1 && t.cut[1] == 0);
    CU_ASSERT(cb_tree_leaf_value(&t, 0) == 0 && cb_tree_leaf_value(&t, 1) == 1 && cb_tree_leaf_value(&t, 2) == 8 && cb_tree_leaf_value(&t, 3) == 11);
    cb_tree_events x = {2, FEW, bin, four_bins};
    for (uint32_t e = 0; e < FEW; e++) CU_ASSERT_EQUAL(cb_tree_value(&t, &x, e), lacks[e]);
    r.depth = 1; /* above the cut: (8 + 3*11 + 3*8 + 3*11) / 10 = 9.8 */
    t = grown(&r, 2, bin, lacks, uneven);
    CU_ASSERT(cb_tree_leaf_value(&t, 1) == 10);
    static const int32_t residual[2] = {-3 * CODE, 10 * CODE};
    /* 9/2 at full weight; 4 * 10 - 4 * 4 / 2 = 32 three times */
    CU_ASSERT_DOUBLE_EQUAL(cb_tree_loss(residual, uneven + 4, 2, 4 * CODE) / (16.0 * CODE * CODE), 4.5 + 3 * 32, 0);
}

static void test_bins(void) {
    enum { MOST = 5000 };
    static uint32_t count[MOST + 1];
    int32_t cut[CB_TREE_BINS];
    count[3] = 5, count[7] = 1, count[4000] = 2;
    CU_ASSERT_EQUAL(cb_tree_cuts(count, MOST, cut), 2);
    CU_ASSERT(cut[0] == 3 && cut[1] == 7);
    CU_ASSERT(cb_tree_bin(cut, 2, 0) == 0 && cb_tree_bin(cut, 2, 3) == 0 && cb_tree_bin(cut, 2, 4) == 1 && cb_tree_bin(cut, 2, 8) == 2);
    memset(count, 0, sizeof count);
    count[9] = 4;
    CU_ASSERT_EQUAL(cb_tree_cuts(count, MOST, cut), 0); /* one value: nothing to ask */
    for (int v = 0; v <= MOST; v++) count[v] = 1;
    count[100] = 2000; /* takes many quantiles at once */
    int n = cb_tree_cuts(count, MOST, cut);
    CU_ASSERT(n > 150 && n < CB_TREE_BINS);
    for (int c = 1; c < n; c++) CU_ASSERT(cut[c] > cut[c - 1] && cut[c] - cut[c - 1] <= 7001 / CB_TREE_BINS + 1);
    for (int32_t v = 0, b = 0; v <= MOST; v++) {
        CU_ASSERT_EQUAL(cb_tree_bin(cut, n, v), b);
        if (b < n && v == cut[b]) b++;
    }
}

/* ---- sums of regions ---- */

static void test_regions_by_hand(void) {
    static const uint16_t et[4] = {5, 17, 64, 3};
    cb_regions r = {.height = 2, .width = 2, .n_view = 2, .from = {2, 4}, .bits = {2, 2}, .wrap = true, .n_tiling = 2,
                    .tile_h = {2, 2}, .tile_w = {1, 2}};
    static const int32_t wrapped[6] = {1, 3, 0, 1, 1, 4}, saturated[6] = {4, 3, 3, 1, 7, 4};
    int32_t value[6];
    char name[48];
    UNIT_OK(cb_regions_check(&r));
    CU_ASSERT_EQUAL(cb_regions_features(&r), 6);
    cb_regions_values(&r, et, value);
    CU_ASSERT_EQUAL(memcmp(value, wrapped, sizeof value), 0);
    r.wrap = false;
    cb_regions_values(&r, et, value);
    CU_ASSERT_EQUAL(memcmp(value, saturated, sizeof value), 0);
    CU_ASSERT(cb_regions_most(&r, 1) == 6 && cb_regions_most(&r, 4) == 12);
    cb_regions_name(&r, 3, name);
    CU_ASSERT_STRING_EQUAL(name, "2x1+0,1/1");
    r.tile_w[0] = 3;
    UNIT_FAILS(cb_regions_check(&r), "2 x 3 regions do not divide");
    r.tile_w[0] = 1, r.bits[1] = 7;
    UNIT_FAILS(cb_regions_check(&r), "view 2 has 7 bits from bit 4");
}

static void random_images(uint16_t *et, int n, uint64_t seed) {
    cb_rng r = cb_rng_at(seed, "images", 0);
    for (int i = 0; i < n * H * W; i++) et[i] = (uint16_t)(cb_rng_below(&r, 1024) >> cb_rng_below(&r, 11));
}

static const cb_regions designs[] = {
    {.height = H, .width = W, .n_view = 1, .bits = {10}, .n_tiling = 2, .tile_h = {6, 6}, .tile_w = {1, 4}},
    {.height = H, .width = W, .n_view = 2, .from = {2, 4}, .bits = {2, 3}, .wrap = true, .n_tiling = 2, .tile_h = {6, 2}, .tile_w = {1, 2}},
    {.height = H, .width = W, .n_view = 3, .from = {1, 3, 6}, .bits = {2, 1, 4}, .n_tiling = 3, .tile_h = {3, 2, 1}, .tile_w = {4, 2, 1}}};
enum { DESIGNS = sizeof designs / sizeof *designs };

/* The operations give the features asked for, times their unit. */
static void test_regions_programme(void) {
    static uint16_t et[50 * H * W];
    random_images(et, 50, 1);
    for (int k = 0; k < DESIGNS; k++) {
        const cb_regions *r = &designs[k];
        int n = cb_regions_features(r), wrong = 0;
        int32_t feature[200], unit[200], value[200];
        for (int f = 0; f < n; f++) feature[f] = f;
        cb_programme p = {.name = "regions", .input_h = H, .input_w = W};
        UNIT_OK(cb_regions_check(r));
        UNIT_OK(cb_regions_programme(r, feature, n, &p, unit));
        cb_op *op = cb_programme_dense(&p, "any", 1, false); /* a programme ends with a score */
        op = op ? cb_programme_quant(&p, "score", 1) : NULL;
        CU_ASSERT_PTR_NOT_NULL_FATAL(op);
        op->relu = true, op->overflow = CB_SAT, op->format[0] = (cb_format){0, 8, 8};
        UNIT_OK(cb_programme_finish(&p));
        int at = p.n_op - 3, frac = p.op[at].out_frac;
        int64_t sum[200], *want[CB_MAX_OPS] = {[0] = NULL};
        want[at] = sum;
        for (int e = 0; e < 50; e++) {
            cb_regions_values(r, et + e * H * W, value);
            UNIT_OK(cb_programme_trace(&p, et + e * H * W, want));
            for (int f = 0; f < n; f++) wrong += sum[f] != (int64_t)value[f] * unit[f] || value[f] > cb_regions_most(r, f);
        }
        CU_ASSERT_EQUAL(wrong, 0);
        CU_ASSERT(frac <= 0 && p.op[at].out_c == n);
        cb_programme_free(&p);
    }
}

/* ---- the student ---- */

static void toy_new(toy *t, int flat) {
    random_images(t->et, EVENTS, 3);
    for (int e = 0; e < EVENTS; e++) {
        double sum = 0;
        for (int c = 0; c < H * W; c++) sum += t->et[e * H * W + c] * 6.0 + (t->et[e * H * W + c] > 100 ? 700 : 0);
        t->code[e] = (uint16_t)(flat ? 2000 : sum > 65535 ? 65535 : sum);
    }
    toy_open(t, EVENTS, NULL);
}

static const cb_tree_plan plan = {.trees = 12, .recipe = {.depth = 3, .leaf_bits = 4, .frac = 2, .rate = 0.7, .clip = 32, .prior = 3},
                                  .tail_from = 100, .tail_weight = 2.5};

static void check_history(const cb_history *h, int kept) {
    int best = 0;
    for (int k = 1; k < h->n; k++) {
        CU_ASSERT(h->loss[k] <= h->loss[k - 1]);
        if (h->val_loss[k] < h->val_loss[best]) best = k;
    }
    CU_ASSERT(h->n > 3 && kept == best + 1 && h->loss[h->n - 1] < 0.7 * h->loss[0]);
}

/* The student's own score = programme = that of its file = netlist. */
static void check_scores(const cb_tree_student *s, const cb_programme *p) {
    static uint16_t et[IMAGES * H * W], code[IMAGES], again[IMAGES];
    cb_programme q;
    cb_netlist g;
    int wrong = 0, varied = 0;
    random_images(et, IMAGES, 9);
    UNIT_OK(cb_programme_score(p, et, IMAGES, code));
    for (int e = 0; e < IMAGES; e++) {
        int32_t value[200];
        int64_t v, *want[CB_MAX_OPS] = {NULL};
        want[p->n_op - 1] = &v;
        cb_regions_values(&s->regions, et + e * H * W, value);
        UNIT_OK(cb_programme_trace(p, et + e * H * W, want));
        wrong += code[e] != cb_tree_student_code(s, value) || v != code[e];
        varied += code[e] != code[0];
    }
    CU_ASSERT(wrong == 0 && varied > IMAGES / 2);
    const char *path = unit_scratch("trees.h5");
    cb_h5 *f = cb_h5_create(path, CB_STUDENT_SCHEMA, "test", "");
    UNIT_OK(cb_programme_write(p, f));
    UNIT_OK(cb_tree_student_write(s, f, "/trees"));
    UNIT_OK(cb_h5_commit(&f));
    UNIT_OK(cb_programme_read(&q, path));
    UNIT_OK(cb_programme_score(&q, et, IMAGES, again));
    CU_ASSERT_EQUAL(memcmp(code, again, sizeof code), 0);
    UNIT_OK(cb_netlist_from_programme(&g, &q));
    UNIT_OK(cb_netlist_score(&g, et, IMAGES, again));
    CU_ASSERT_EQUAL(memcmp(code, again, sizeof code), 0);
    cb_netlist_free(&g);
    cb_programme_free(&q);
}

static void test_student(void) {
    static toy t;
    cb_log_level(CB_QUIET);
    toy_new(&t, 0);
    for (int k = 0; k < DESIGNS; k++) {
        cb_tree_student s, other;
        cb_history h, again;
        cb_programme p;
        int64_t checked, mismatches;
        cb_threads_set(1);
        UNIT_OK(cb_tree_fit(&s, &designs[k], &t.set, &plan, &h));
        cb_threads_set(3);
        UNIT_OK(cb_tree_fit(&other, &designs[k], &t.set, &plan, &again));
        cb_threads_set(0);
        CU_ASSERT(s.n_tree == other.n_tree && !memcmp(s.tree, other.tree, (size_t)s.n_tree * sizeof *s.tree));
        check_history(&h, s.n_tree);
        UNIT_OK(cb_tree_programme(&p, &s, "trees", 1));
        UNIT_OK(cb_tree_check(&s, &p, &t.set, &checked, &mismatches));
        CU_ASSERT(checked > 4096 && mismatches == 0);
        check_scores(&s, &p);
        cb_programme_free(&p);
        UNIT_FAILS(cb_tree_programme(&p, &s, "a name of more than sixty-three characters is longer than what a student file has", 1),
                   "longer than 63");
        cb_tree_student_free(&s);
        cb_tree_student_free(&other);
        cb_history_free(&h);
        cb_history_free(&again);
    }
    cb_student_set_free(&t.set);
}

/* Targets that are all the same leave nothing to ask: the score is their value. */
static void test_constant(void) {
    static toy t;
    cb_tree_student s;
    cb_history h;
    cb_programme p;
    static uint16_t code[EVENTS];
    cb_log_level(CB_QUIET);
    toy_new(&t, 1);
    UNIT_OK(cb_tree_fit(&s, &designs[0], &t.set, &plan, &h));
    CU_ASSERT_EQUAL(h.n, 1);
    UNIT_OK(cb_tree_programme(&p, &s, "constant", 1));
    UNIT_OK(cb_programme_score(&p, t.et, EVENTS, code));
    for (int e = 0; e < EVENTS; e++) CU_ASSERT_EQUAL(code[e], 1984); /* 2000 on the grid of 64 codes */
    cb_programme_free(&p);
    cb_tree_student_free(&s);
    cb_history_free(&h);
    cb_regions bad = designs[0];
    bad.tile_h[1] = 4;
    UNIT_FAILS(cb_tree_fit(&s, &bad, &t.set, &plan, &h), "do not divide");
    cb_tree_student_free(&s);
    bad = designs[0], bad.height = 12;
    UNIT_FAILS(cb_tree_fit(&s, &bad, &t.set, &plan, &h), "12 x 4 images");
    cb_tree_student_free(&s);
    cb_student_set_free(&t.set);
}

/* ---- comparators of sums ---- */

/* Every threshold near a power of two and random ones, of a 15-bit sum in units of 4: programme = netlist. */
static void test_comparators(void) {
    enum { N = 60 };
    static uint16_t et[IMAGES * H * W], code[IMAGES], again[IMAGES];
    cb_regions r = {.height = H, .width = W, .n_view = 1, .from = {2}, .bits = {8}, .n_tiling = 1, .tile_h = {H}, .tile_w = {W}};
    cb_programme p = {.name = "sums", .input_h = H, .input_w = W};
    int32_t feature = 0, unit;
    cb_netlist g;
    cb_circuit c;
    cb_rng rng = cb_rng_at(2, "cuts", 0);
    UNIT_OK(cb_regions_programme(&r, &feature, 1, &p, &unit));
    cb_op *op = cb_programme_compare(&p, "cuts", N);
    CU_ASSERT_PTR_NOT_NULL_FATAL(op);
    CU_ASSERT_PTR_NULL(op->mask);
    for (int j = 0; j < N; j++) op->threshold[j] = j < 39 ? (1 << (j / 3)) - 1 + j % 3 : (int32_t)cb_rng_below(&rng, 8000);
    UNIT_OK(cb_circuit_new(&c, N, N));
    for (int o = 0; o < N; o++) c.output[o] = o;
    CU_ASSERT_PTR_NOT_NULL(cb_programme_logic(&p, "wires", &c));
    cb_circuit_free(&c);
    op = cb_programme_dense(&p, "count", 1, false);
    for (int o = 0; o < N; o++) op->w[o] = 1 + o % 5;
    op = cb_programme_quant(&p, "score", 1);
    op->relu = true, op->overflow = CB_SAT, op->format[0] = (cb_format){0, 8, 8};
    UNIT_OK(cb_programme_finish(&p));
    cb_rng image = cb_rng_at(3, "cuts", 0);
    for (int e = 0; e < IMAGES; e++) /* from dim to bright, so that sums meet every threshold */
        for (int i = 0; i < H * W; i++) et[e * H * W + i] = (uint16_t)(cb_rng_below(&image, 1024) >> (e % 11));
    UNIT_OK(cb_programme_score(&p, et, IMAGES, code));
    UNIT_OK(cb_netlist_from_programme(&g, &p));
    UNIT_OK(cb_netlist_score(&g, et, IMAGES, again));
    CU_ASSERT_EQUAL(memcmp(code, again, sizeof code), 0);
    int wrong = 0;
    for (int e = 0; e < IMAGES; e++) {
        int64_t sum = 0, score = 0;
        const cb_op *cuts = &p.op[p.n_op - 4];
        for (int i = 0; i < H * W; i++) sum += et[e * H * W + i] / 4 * unit;
        for (int j = 0; j < N; j++) score += sum > cuts->threshold[j] ? 1 + j % 5 : 0;
        wrong += code[e] != score * 256;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    cb_netlist_free(&g);
    p.op[p.n_op - 4].threshold[5] = -1;
    UNIT_FAILS(cb_programme_finish(&p), "comparator 5");
    p.op[p.n_op - 4].threshold[5] = 1, p.op[p.n_op - 4].source[6] = 1;
    UNIT_FAILS(cb_programme_finish(&p), "comparator 6");
    CU_ASSERT_PTR_NULL(cb_programme_compare(&p, "again", 1)); /* once only */
    cb_programme_free(&p);
}

/* Values with sign are refused. */
static void test_signed(void) {
    cb_programme p = {.name = "signed", .input_h = 1, .input_w = 2};
    cb_op *op = cb_programme_dense(&p, "difference", 1, false);
    CU_ASSERT_PTR_NOT_NULL_FATAL(op);
    op->w[0] = 1, op->w[1] = -1;
    CU_ASSERT_PTR_NULL(cb_programme_compare(&p, "early", 1)); /* behind a sum, not a quantizer */
    op = cb_programme_quant(&p, "exact", 1);
    op->overflow = CB_SAT, op->format[0] = (cb_format){1, 10, 0};
    CU_ASSERT_PTR_NOT_NULL(cb_programme_compare(&p, "cut", 1));
    cb_circuit c;
    UNIT_OK(cb_circuit_new(&c, 1, 1));
    CU_ASSERT_PTR_NOT_NULL(cb_programme_logic(&p, "wire", &c));
    cb_circuit_free(&c);
    CU_ASSERT_PTR_NOT_NULL(cb_programme_dense(&p, "head", 1, false));
    op = cb_programme_quant(&p, "score", 1);
    op->overflow = CB_SAT, op->format[0] = (cb_format){0, 8, 8};
    UNIT_FAILS(cb_programme_finish(&p), "can be negative, down to -1023");
    cb_programme_free(&p);
}

UNIT_MAIN("trees", {"leaves by hand", test_leaves}, {"levels by hand", test_levels}, {"bins", test_bins},
          {"regions by hand", test_regions_by_hand}, {"regions as operations", test_regions_programme}, {"student", test_student},
          {"constant targets, bad designs", test_constant}, {"comparators of sums", test_comparators}, {"values with sign", test_signed})
