#include "base/rng.h"
#include "base/threads.h"
#include "stats/emd.h"
#include "stats/interval.h"
#include "stats/roc.h"
#include "stats/table.h"
#include "unit.h"

static cb_sample sample(const float *v, size_t n) {
    cb_sample s;
    UNIT_OK(cb_sample_make(&s, v, n, "test"));
    return s;
}

/* Scores with many ties, some below zero. */
static void draw(cb_rng *r, float *v, size_t n, unsigned levels, float shift) {
    for (size_t i = 0; i < n; i++) v[i] = (float)cb_rng_below(r, levels) / 8 - 1 + shift;
}

static void test_sample(void) {
    float v[] = {3, 0.0f, 1e-30f, -2.5f, -0.0f, 3, -1e30f, 65535};
    float want[] = {-1e30f, -2.5f, 0, 0, 1e-30f, 3, 3, 65535};
    uint32_t event[] = {6, 3, 1, 4, 2, 0, 5, 7};
    cb_sample s = sample(v, 8);
    for (int i = 0; i < 8; i++) CU_ASSERT(s.value[i] == want[i] && s.event[i] == event[i]);
    CU_ASSERT_EQUAL(cb_sample_accepted(&s, 3), 3);
    CU_ASSERT_EQUAL(cb_sample_accepted(&s, nextafterf(3, 4)), 1);
    CU_ASSERT_EQUAL(cb_sample_accepted(&s, 0), 6);
    CU_ASSERT_EQUAL(cb_sample_accepted(&s, -INFINITY), 8);
    CU_ASSERT_EQUAL(cb_sample_accepted(&s, INFINITY), 0);
    cb_sample_free(&s);
    v[4] = NAN;
    UNIT_FAILS(cb_sample_make(&s, v, 8, "scores.h5: qkeras/zb"), "scores.h5: qkeras/zb: score 4");
    v[4] = INFINITY;
    UNIT_FAILS(cb_sample_make(&s, v, 8, "x"), "score 4");
    CU_ASSERT_PTR_NULL(s.value);
    s = sample(v, 0);
    CU_ASSERT_EQUAL(cb_sample_accepted(&s, 0), 0);
    cb_sample_free(&s);
}

/* AUC and DeLong's variance by their definitions, over all pairs. */
static void check_auc(const float *s, size_t n, const float *b, size_t m) {
    uint64_t twice_u = 0;
    double row[64] = {0}, column[64] = {0}, vs = 0, vb = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < m; j++) {
            int w = 2 * (s[i] > b[j]) + (s[i] == b[j]);
            twice_u += (uint64_t)w;
            row[i] += w / 2.0 / (double)m;
            column[j] += w / 2.0 / (double)n;
        }
    cb_sample x = sample(s, n), y = sample(b, m);
    cb_auc a = cb_roc_auc(&x, &y), mirror = cb_roc_auc(&y, &x);
    CU_ASSERT_EQUAL(a.twice_u, twice_u);
    CU_ASSERT_EQUAL(a.twice_u + mirror.twice_u, 2 * n * m);
    CU_ASSERT_EQUAL(a.auc, (double)twice_u / (2.0 * (double)(n * m)));
    if (n > 1 && m > 1) {
        for (size_t i = 0; i < n; i++) vs += (row[i] - a.auc) * (row[i] - a.auc);
        for (size_t j = 0; j < m; j++) vb += (column[j] - a.auc) * (column[j] - a.auc);
        double half = CB_Z_95 * sqrt(vs / (double)(n * (n - 1)) + vb / (double)(m * (m - 1)));
        CU_ASSERT_DOUBLE_EQUAL(a.lo, fmax(0, a.auc - half), 1e-12);
        CU_ASSERT_DOUBLE_EQUAL(a.hi, fmin(1, a.auc + half), 1e-12);
    } else CU_ASSERT(a.lo == 0 && a.hi == 1);
    cb_sample_free(&x);
    cb_sample_free(&y);
}

static void test_auc(void) {
    cb_rng r = cb_rng_at(1, "test/auc", 0);
    float s[64], b[64];
    for (int k = 0; k < 400; k++) {
        size_t n = 1 + cb_rng_below(&r, 64), m = 1 + cb_rng_below(&r, 64);
        unsigned levels = 1 + cb_rng_below(&r, 40);
        draw(&r, s, n, levels, 0.5f);
        draw(&r, b, m, levels, 0);
        check_auc(s, n, b, m);
    }
    cb_sample empty = {0}, one = sample((float[]){1}, 1);
    CU_ASSERT(isnan(cb_roc_auc(&empty, &one).auc));
    CU_ASSERT_EQUAL(cb_roc_auc(&one, &one).auc, 0.5);
    cb_sample_free(&one);
}

/* The multiset of scores decides, not its order. */
static void test_permutation(void) {
    enum { N = 3000 };
    static float s[N], b[N], ps[N], pb[N];
    static uint32_t p[N];
    cb_rng r = cb_rng_at(2, "test/permutation", 0);
    draw(&r, s, N, 500, 3);
    draw(&r, b, N, 500, 0);
    cb_rng_permutation(&r, p, N);
    for (int i = 0; i < N; i++) ps[i] = s[p[i]], pb[i] = b[p[i]];
    cb_sample a[4] = {sample(s, N), sample(b, N), sample(ps, N), sample(pb, N)};
    cb_auc x = cb_roc_auc(&a[0], &a[1]), y = cb_roc_auc(&a[2], &a[3]);
    CU_ASSERT(x.twice_u == y.twice_u && x.lo == y.lo && x.hi == y.hi);
    CU_ASSERT_EQUAL(cb_emd(&a[0], &a[1]), cb_emd(&a[2], &a[3]));
    cb_efficiency e = cb_roc_efficiency(&a[0], &a[1], 10, 1000), f = cb_roc_efficiency(&a[2], &a[3], 10, 1000);
    CU_ASSERT(e.value == f.value && e.lo == f.lo && e.hi == f.hi);
    for (int i = 0; i < 4; i++) cb_sample_free(&a[i]);
}

static void test_threshold(void) {
    float b[] = {0, 1, 2, 3, 4, 5, 5, 5, 8, 9};
    cb_sample z = sample(b, 10);
    uint64_t accepted[] = {0, 1, 2, 2, 2, 5, 6, 7, 8, 9, 10};
    for (uint64_t k = 0; k <= 10; k++) CU_ASSERT_EQUAL(cb_sample_accepted(&z, cb_roc_threshold(&z, k)), accepted[k]);
    /* the smallest such float: one step lower accepts too many */
    CU_ASSERT(cb_sample_accepted(&z, nextafterf(cb_roc_threshold(&z, 4), 0)) == 5);
    CU_ASSERT_EQUAL(cb_roc_allowed(50000, 0.3, 28610), 0);
    CU_ASSERT_EQUAL(cb_roc_allowed(50000, 3, 28610), 5);
    CU_ASSERT_EQUAL(cb_roc_allowed(50000, 28610, 28610), 50000);
    CU_ASSERT_EQUAL(cb_roc_allowed(50000, 1e9, 28610), 50000);
    float s[] = {4, 5, 5.5f, 8.5f, 20};
    cb_sample x = sample(s, 5);
    cb_efficiency e = cb_roc_efficiency(&x, &z, 2, 10);
    CU_ASSERT(e.background == 2 && e.signal == 3 && e.value == 0.6);
    CU_ASSERT(e.lo >= 0 && e.lo < 0.6 && e.hi > 0.6 && e.hi <= 1);
    e = cb_roc_efficiency(&x, &z, 10, 10);
    CU_ASSERT(e.background == 10 && e.signal == 5 && e.value == 1);
    /* a saturating score: half of zero bias at the top leaves no threshold */
    float top[] = {255, 255, 255, 0, 1, 2};
    cb_sample t = sample(top, 6);
    e = cb_roc_efficiency(&t, &t, 2, 6);
    CU_ASSERT(e.background == 0 && e.signal == 0 && e.value == 0);
    cb_sample_free(&x);
    cb_sample_free(&z);
    cb_sample_free(&t);
}

/* The interval by its definition: Wilson at the thresholds that order statistics allow. */
static void test_efficiency_interval(void) {
    enum { N = 1000, M = 400 };
    static float b[N], s[M];
    for (int i = 0; i < N; i++) b[i] = (float)i;
    for (int i = 0; i < M; i++) s[i] = (float)(N - M) + (float)i + 0.5f; /* 400 half steps up to the top */
    cb_sample x = sample(s, M), z = sample(b, N);
    double rate = 20, crossing = 1000, lo, hi, none;
    uint64_t k_lo, k_hi;
    cb_binomial_range(N, rate / crossing, 0.0125, &k_lo, &k_hi);
    CU_ASSERT(k_lo > 3 && k_hi > 30);
    cb_efficiency e = cb_roc_efficiency(&x, &z, rate, crossing);
    /* above the k-th highest background score 1000 - k lie k signals; above the (k+1)-th, k + 1 */
    CU_ASSERT_EQUAL(e.signal, 21);
    cb_wilson(k_lo, M, CB_Z_975, &lo, &none);
    cb_wilson(k_hi + 1, M, CB_Z_975, &none, &hi);
    CU_ASSERT(e.lo == lo && e.hi == hi);
    cb_sample_free(&x);
    cb_sample_free(&z);
}

static void test_curve(void) {
    enum { N = 5000 };
    static float s[N], b[N];
    static cb_roc_point p[N + 2];
    cb_rng r = cb_rng_at(3, "test/curve", 0);
    for (int i = 0; i < N; i++) { /* ties within each sample, none between them */
        s[i] = (float)(floor(1024 * cb_rng_normal(&r)) / 1024 + 1 + 1.0 / 2048);
        b[i] = (float)(floor(1024 * cb_rng_normal(&r)) / 1024);
    }
    cb_sample x = sample(s, N), z = sample(b, N);
    size_t thin = cb_roc_curve(&x, &z, 12, p, N + 2);
    CU_ASSERT(thin > 30 && thin < 80);
    CU_ASSERT(p[0].background == 0 && p[thin - 1].background == N && p[thin - 1].signal == N);
    for (size_t i = 1; i < thin; i++)
        CU_ASSERT(p[i].background >= p[i - 1].background && p[i].signal >= p[i - 1].signal);
    /* with every point, the area of the steps is the AUC */
    size_t all = cb_roc_curve(&x, &z, 1000000, p, N + 2);
    double area = 0;
    for (size_t i = 1; i < all; i++)
        area += (double)p[i - 1].signal * (double)(p[i].background - p[i - 1].background);
    CU_ASSERT_EQUAL(2 * area, (double)cb_roc_auc(&x, &z).twice_u);
    CU_ASSERT_EQUAL(cb_roc_curve(&x, &z, 12, p, 7), 7);
    cb_sample_free(&x);
    cb_sample_free(&z);
}

/* Values of Newcombe, Stat. Med. 17 (1998) 857, table I, method 3. */
static void test_wilson(void) {
    struct { uint64_t k, n; double lo, hi; } known[] = {
        {81, 263, 0.2553, 0.3662}, {15, 148, 0.0624, 0.1605}, {0, 20, 0, 0.1611}, {1, 29, 0.0061, 0.1718}};
    for (int i = 0; i < 4; i++) {
        double lo, hi;
        cb_wilson(known[i].k, known[i].n, CB_Z_95, &lo, &hi);
        CU_ASSERT_DOUBLE_EQUAL(lo, known[i].lo, 5e-5);
        CU_ASSERT_DOUBLE_EQUAL(hi, known[i].hi, 5e-5);
        cb_wilson(known[i].n - known[i].k, known[i].n, CB_Z_95, &lo, &hi);
        CU_ASSERT_DOUBLE_EQUAL(1 - lo, known[i].hi, 5e-5);
    }
    double lo, hi;
    cb_wilson(0, 0, CB_Z_95, &lo, &hi);
    CU_ASSERT(lo == 0 && hi == 1);
    cb_wilson(20, 20, CB_Z_95, &lo, &hi);
    CU_ASSERT(hi == 1 && lo < 1);
}

/* Ranges computed with scipy.stats.binom. */
static void test_binomial(void) {
    struct { uint64_t n; double p, tail; uint64_t lo, hi; } known[] = {
        {50000, 0.3 / 28610, .0125, 0, 3}, {50000, 3.0 / 28610, .0125, 1, 11}, {50000, 10.0 / 28610, .0125, 9, 27},
        {451636, 10.0 / 28610, .0125, 130, 187}, {20, 0.5, .025, 6, 14}, {10, 0.9, .025, 7, 10},
        {1000000, 0.25, .0125, 249030, 250971}, {5, 0.001, .01, 0, 0}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        uint64_t lo, hi;
        cb_binomial_range(known[i].n, known[i].p, known[i].tail, &lo, &hi);
        CU_ASSERT_EQUAL(lo, known[i].lo);
        CU_ASSERT_EQUAL(hi, known[i].hi);
    }
    uint64_t lo, hi;
    cb_binomial_range(7, 0, 0.01, &lo, &hi);
    CU_ASSERT(lo == 0 && hi == 0);
    cb_binomial_range(7, 1, 0.01, &lo, &hi);
    CU_ASSERT(lo == 7 && hi == 7);
    cb_binomial_range(0, 0.5, 0.01, &lo, &hi);
    CU_ASSERT(lo == 0 && hi == 0);
}

/* Exponential scores, the signal three times as long: at acceptance p the true efficiency
 * is p^(1/3), and the interval must hold it in at least 95 % of the experiments. */
static void test_coverage(void) {
    enum { N = 2000, TRIALS = 200 };
    static float s[N], b[N];
    int inside = 0, bounded = 0;
    for (int k = 0; k < TRIALS; k++) {
        cb_rng r = cb_rng_at(4, "test/coverage", (uint64_t)k);
        for (int i = 0; i < N; i++) {
            b[i] = (float)-log(1 - cb_rng_f64(&r));
            s[i] = (float)(-3 * log(1 - cb_rng_f64(&r)));
        }
        cb_sample x = sample(s, N), z = sample(b, N);
        cb_efficiency e = cb_roc_efficiency(&x, &z, 4, 1000);
        double truth = cbrt(0.004);
        inside += e.lo <= truth && truth <= e.hi;
        bounded += e.lo > 0 && e.hi < 0.5;
        e = cb_roc_efficiency(&x, &z, 1, 1000); /* two events allowed: no lower bound */
        CU_ASSERT(e.lo == 0 && e.hi > e.value);
        cb_sample_free(&x);
        cb_sample_free(&z);
    }
    CU_ASSERT(inside >= 190);
    CU_ASSERT(bounded == TRIALS);
}

/* Integral of |F_a - F_b| on the grid of eighths that draw() uses. */
static double emd_by_grid(const float *a, size_t n, const float *b, size_t m) {
    double sum = 0;
    for (int g = -100; g < 200; g++) {
        double fa = 0, fb = 0, x = g / 8.0;
        for (size_t i = 0; i < n; i++) fa += a[i] <= x;
        for (size_t i = 0; i < m; i++) fb += b[i] <= x;
        sum += fabs(fa / (double)n - fb / (double)m) / 8;
    }
    return sum;
}

static void test_emd(void) {
    cb_rng r = cb_rng_at(5, "test/emd", 0);
    float a[64], b[64];
    for (int k = 0; k < 100; k++) {
        size_t n = 1 + cb_rng_below(&r, 64), m = 1 + cb_rng_below(&r, 64);
        draw(&r, a, n, 60, 1);
        draw(&r, b, m, 90, 0);
        cb_sample x = sample(a, n), y = sample(b, m);
        CU_ASSERT_DOUBLE_EQUAL(cb_emd(&x, &y), emd_by_grid(a, n, b, m), 1e-11);
        CU_ASSERT_EQUAL(cb_emd(&x, &x), 0);
        cb_sample_free(&x);
        cb_sample_free(&y);
    }
    /* scipy.stats.wasserstein_distance */
    cb_sample x = sample((float[]){0.5f, 0.5f, 2, 9.25f, -3}, 5), y = sample((float[]){1, 1, 7, -2.5f}, 4), none = {0};
    CU_ASSERT_DOUBLE_EQUAL(cb_emd(&x, &y), 1.275, 1e-15);
    CU_ASSERT(isnan(cb_emd(&x, &none)));
    cb_sample_free(&x);
    cb_sample_free(&y);
    CU_ASSERT_EQUAL(cb_mean_absolute_error((float[]){1, 2, 3}, (float[]){2, 2, -3}, 3), 7 / 3.0);
    CU_ASSERT(isnan(cb_mean_absolute_error(NULL, NULL, 0)));
}

/* b = a + d with independent d > 0: the EMD is the mean of d, its error s_d / sqrt(n). */
static void test_bootstrap(void) {
    enum { N = 4000 };
    static float a[N], b[N];
    cb_rng r = cb_rng_at(6, "test/bootstrap", 0);
    for (int i = 0; i < N; i++) {
        a[i] = 20 * cb_rng_f32(&r);
        b[i] = a[i] + 50 + (float)cb_rng_normal(&r);
    }
    cb_sample x = sample(a, N), y = sample(b, N);
    double error[3];
    for (int k = 0; k < 3; k++) {
        cb_threads_set((int[]){1, 2, 3}[k]);
        UNIT_OK(cb_emd_bootstrap(&x, &y, 1, "emd/test", 300, &error[k]));
    }
    cb_threads_set(0);
    CU_ASSERT(error[0] == error[1] && error[0] == error[2]);
    CU_ASSERT_DOUBLE_EQUAL(error[0], 1 / sqrt(N), 0.12 / sqrt(N));
    UNIT_OK(cb_emd_bootstrap(&x, &y, 2, "emd/test", 300, &error[1]));
    CU_ASSERT_NOT_EQUAL(error[0], error[1]);
    UNIT_OK(cb_emd_bootstrap(&x, &y, 1, "emd/test", 1, &error[1]));
    CU_ASSERT_EQUAL(error[1], 0);
    y.n = N - 1;
    UNIT_FAILS(cb_emd_bootstrap(&x, &y, 1, "emd/test", 300, &error[0]), "same events");
    cb_sample_free(&x);
    cb_sample_free(&y);
}

static void test_table(void) {
    const char *path = unit_scratch("t.tsv");
    cb_table t;
    UNIT_OK(cb_table_begin(&t, "student\tn\tauc", 2));
    UNIT_OK(cb_table_row(&t, "b\t1\t%s", CB_CELL(0.1)));
    UNIT_OK(cb_table_row(&t, "a-1\t2\t%s", CB_CELL(-NAN)));
    UNIT_OK(cb_table_row(&t, "a\t2\tsecond"));
    UNIT_OK(cb_table_row(&t, "a\t2\talso"));
    UNIT_OK(cb_table_row(&t, "a\t1\tfirst"));
    UNIT_FAILS(cb_table_row(&t, "a\t1"), "2 columns, wanted 3");
    UNIT_FAILS(cb_table_row(&t, "a\t1\t2\n"), "columns");
    UNIT_OK(cb_table_write(&t, path));
    char *text = cb_file_read(path, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    CU_ASSERT_STRING_EQUAL(text, "student\tn\tauc\na\t1\tfirst\na\t2\tsecond\na\t2\talso\na-1\t2\tnan\n"
                                 "b\t1\t0.10000000000000001\n");
    char *field[4];
    CU_ASSERT_EQUAL(cb_split(text, '\n', field, 4), 4);
    CU_ASSERT_STRING_EQUAL(field[1], "a\t1\tfirst");
    free(text);
    unlink(path);
    cb_table_free(&t);
}

UNIT_MAIN("stats", {"samples", test_sample}, {"AUC by definition", test_auc}, {"order of events", test_permutation},
          {"thresholds", test_threshold},
          {"efficiency interval", test_efficiency_interval}, {"ROC curve", test_curve}, {"Wilson", test_wilson},
          {"binomial range", test_binomial}, {"coverage", test_coverage}, {"EMD", test_emd},
          {"bootstrap", test_bootstrap}, {"tables", test_table})
