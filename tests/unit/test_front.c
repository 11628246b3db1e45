/* Fronts: the Pareto rule, thinning, front files, BetaPID, rates, bit width words, means over seeds. */
#include "base/rng.h"
#include "quant/ebops.h"
#include "quant/front.h"
#include "quant/hgq_fit.h"
#include "quant/hgq_pid.h"
#include "quant/qkeras_front.h"
#include "quant/student_check.h"
#include "stats/front_mean.h"
#include "unit.h"

static int released;
static void release(void *state) { released += state != NULL; }

static int offer(cb_front *f, double cost, double error) {
    if (!cb_front_wants(f, cost, error)) return 0;
    UNIT_OK(cb_front_add(f, &(cb_front_point){.cost = cost, .error = error, .state = f}));
    return 1;
}

static void test_rule(void) {
    cb_front f = {.release = release};
    released = 0;
    CU_ASSERT_EQUAL(offer(&f, 10, 5), 1);
    CU_ASSERT_EQUAL(offer(&f, 10, 5), 0); /* a tie */
    CU_ASSERT_EQUAL(offer(&f, 11, 5), 0);
    CU_ASSERT_EQUAL(offer(&f, 10, 6), 0);
    CU_ASSERT_EQUAL(offer(&f, 20, 3), 1);
    CU_ASSERT_EQUAL(offer(&f, 5, 9), 1);
    CU_ASSERT_EQUAL(offer(&f, 10, 4), 1); /* removes (10, 5) */
    CU_ASSERT_EQUAL(f.n, 3);
    CU_ASSERT_EQUAL(released, 1);
    CU_ASSERT_EQUAL(offer(&f, NAN, 1), 0);
    CU_ASSERT_EQUAL(offer(&f, 1, INFINITY), 0);
    CU_ASSERT_EQUAL(offer(&f, 4, 2), 1); /* dominates all */
    CU_ASSERT_EQUAL(f.n, 1);
    CU_ASSERT_EQUAL(released, 4);
    cb_front_free(&f);
    CU_ASSERT_EQUAL(released, 5);
}

/* Against the definition: a point stays if no other is at least as good in both and better in one. */
static void test_random_points(void) {
    enum { N = 300 };
    double cost[N], error[N];
    cb_front f = {.release = NULL}, half[2] = {{0}, {0}};
    cb_rng r = cb_rng_at(3, "test-front", 0);
    for (int k = 0; k < N; k++) {
        cost[k] = 1 + cb_rng_below(&r, 60);
        error[k] = 1 + cb_rng_below(&r, 60);
        offer(&f, cost[k], error[k]);
        offer(&half[k % 2], cost[k], error[k]);
    }
    int expected = 0;
    for (int k = 0; k < N; k++) {
        int best = 1;
        for (int j = 0; j < N; j++)
            if (cost[j] <= cost[k] && error[j] <= error[k] && (cost[j] < cost[k] || error[j] < error[k] || j < k)) best = 0;
        expected += best;
        int found = 0;
        for (int j = 0; j < f.n; j++) found += f.point[j].cost == cost[k] && f.point[j].error == error[k];
        CU_ASSERT(!best || found == 1);
    }
    CU_ASSERT_EQUAL(f.n, expected);
    for (int k = 1; k < f.n; k++) CU_ASSERT(f.point[k].cost > f.point[k - 1].cost && f.point[k].error < f.point[k - 1].error);
    UNIT_OK(cb_front_merge(&half[0], &half[1])); /* two runs merged are one */
    CU_ASSERT_EQUAL(half[0].n, f.n);
    CU_ASSERT_EQUAL(half[1].n, 0);
    for (int k = 0; k < f.n && half[0].n == f.n; k++) CU_ASSERT_EQUAL(half[0].point[k].cost, f.point[k].cost);
    cb_front_free(&f);
    cb_front_free(&half[0]);
    cb_front_free(&half[1]);
}

static void test_thin(void) {
    cb_front f = {0};
    const double cost[] = {1, 100, 101, 1000, 10000, 11000};
    for (int k = 0; k < 6; k++) offer(&f, cost[k], 32 - 5 * k); /* errors 32 ... 7 */
    cb_front_thin(&f, 0, 4); /* more than 28 is left out */
    CU_ASSERT_EQUAL(f.n, 5);
    CU_ASSERT_EQUAL(f.point[0].cost, 100);
    cb_front_thin(&f, 4, 100); /* neighbours of 101: 100 and 1000, of 10000: 1000 and 11000, of 1000: 101 and 10000 */
    CU_ASSERT_EQUAL(f.n, 4);
    CU_ASSERT(f.point[0].cost == 100 && f.point[1].cost == 1000 && f.point[2].cost == 10000 && f.point[3].cost == 11000);
    cb_front_thin(&f, 2, 100);
    CU_ASSERT(f.n == 2 && f.point[0].cost == 100 && f.point[1].cost == 11000);
    cb_front_thin(&f, 1, 100);
    CU_ASSERT(f.n == 1 && f.point[0].cost == 11000);
    cb_front_free(&f);
    cb_front_thin(&f, 3, 2);
    CU_ASSERT_EQUAL(f.n, 0);
}

/* ---- files ---- */

/* dense 4 -> 1 with weights w, 2w, 3w, 4w. */
static void small(cb_programme *p, int w) {
    *p = (cb_programme){.name = "tiny", .family = "hgq", .seed = 3, .input_h = 2, .input_w = 2, .parameters = 4, .ebops = 10.5 * w};
    cb_op *op = cb_programme_dense(p, "dense", 1, false);
    for (int e = 0; op && e < 4; e++) op->w[e] = w * (e + 1);
    op = cb_programme_quant(p, "score", 1);
    if (op) op->relu = true, op->format[0] = (cb_format){0, 8, 8}, op->round = CB_RND_CONV, op->overflow = CB_SAT;
    UNIT_OK(cb_programme_finish(p));
}

/* A family whose checkpoints are weights. */
typedef struct {
    const char *name;
    int64_t mismatches;
} family;

static int programme(const void *context, void *state, const char *name, cb_programme *p, int64_t *checked, int64_t *mismatches) {
    const family *f = context;
    small(p, *(int *)state);
    snprintf(p->name, sizeof p->name, "%s", f->name ? f->name : name);
    *checked = 7;
    *mismatches = f->mismatches;
    return 0;
}

static void write_front(const char *path, int epoch) {
    double v[3] = {1e-5, 2e-5, 3e-5}, mae[3] = {9, 8, 7};
    cb_front_run run = {.label = "beta 1e-05", .n = 3, .beta = v, .loss = mae, .val_mae = mae, .ebops = mae};
    cb_front front = {0};
    int w[2] = {1, 2};
    for (int k = 0; k < 2; k++)
        UNIT_OK(cb_front_add(&front, &(cb_front_point){.run = 0, .epoch = epoch - k, .error = 8 - k, .cost = 100 * (k + 1), .state = &w[k]}));
    cb_h5 *f = cb_h5_create(path, CB_FRONT_SCHEMA, "test", "");
    UNIT_OK(cb_front_write_runs(f, "tiny", "hgq", 3, 1, &run) || cb_front_write(f, &front, "tiny", programme, &(family){0}));
    UNIT_OK(cb_h5_commit(&f));
    cb_front_free(&front);
}

static void test_file(void) {
    const char *path = unit_scratch("front.h5");
    cb_front_file t;
    write_front(path, 2);
    UNIT_OK(cb_front_read(&t, path));
    CU_ASSERT(t.n_point == 2 && t.n_run == 1 && t.seed == 3 && !strcmp(t.name, "tiny") && !strcmp(t.family, "hgq"));
    CU_ASSERT(t.epoch[0] == 3 && t.epoch[1] == 2 && t.run[1] == 0 && t.val_mae[0] == 8 && t.checked[1] == 7);
    CU_ASSERT(!strcmp(t.programme[0].name, "tiny.p000") && !strcmp(t.programme[1].name, "tiny.p001"));
    CU_ASSERT(t.programme[1].op[0].w[3] == 8 && t.programme[0].ebops == 10.5);
    CU_ASSERT_EQUAL(t.exact[0], cb_programme_ebops_exact(&t.programme[0]));
    CU_ASSERT(t.history[0].n == 3 && t.history[0].beta[2] == 3e-5 && !t.history[0].exact && !strcmp(t.history[0].label, "beta 1e-05"));
    cb_front_file_free(&t);
    unlink(path);
}

static void test_bad_file(void) {
    const char *path = unit_scratch("bad.h5");
    cb_front_file t;
    write_front(path, 4); /* an epoch that the run does not have */
    UNIT_FAILS(cb_front_read(&t, path), "points/epoch: row 0 is 5");
    CU_ASSERT_EQUAL(t.n_point, 0);
    cb_h5 *f = cb_h5_create(path, CB_FRONT_SCHEMA, "test", "");
    UNIT_OK(cb_h5_set_text(f, "/", "name", "x") || cb_h5_set_text(f, "/", "family", "hgq") || cb_h5_set_i64(f, "/", "seed", 1) ||
            cb_h5_set_i64(f, "/", "n_points", 100000) || cb_h5_set_i64(f, "/", "n_runs", 1));
    UNIT_OK(cb_h5_commit(&f));
    UNIT_FAILS(cb_front_read(&t, path), "n_points is 100000");
    f = cb_h5_create(path, CB_STUDENT_SCHEMA, "test", "");
    UNIT_OK(cb_h5_commit(&f));
    UNIT_FAILS(cb_front_read(&t, path), "cicada-bench/front/1 wanted");
    unlink(path);
}

static void refuse(const family *what, const char *why) {
    const char *path = unit_scratch("refused.h5");
    cb_front front = {0};
    int w = 1;
    UNIT_OK(cb_front_add(&front, &(cb_front_point){.error = 1, .cost = 1, .state = &w}));
    cb_h5 *f = cb_h5_create(path, CB_FRONT_SCHEMA, "test", "");
    UNIT_FAILS(cb_front_write(f, &front, "tiny", programme, what), why);
    cb_h5_close(&f);
    CU_ASSERT(access(path, F_OK) != 0);
    cb_front_free(&front);
}

static void test_refused(void) {
    char name[sizeof((cb_programme *)0)->name];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = 0;
    refuse(&(family){.name = name}, "leaves no room");
    refuse(&(family){.mismatches = 2}, "differs from the trained student on 2 of 7 events");
}

/* ---- schedules ---- */

/* Recorded values: HGQ2's BetaPID, log, p 1, i 2e-3, target 1000. */
static void test_pid(void) {
    static const double ebops[] = {4000, 3500, 3000, 2000, 1500, 1000, 900},
                        want[] = {1.0000e-5, 8.77195e-6, 7.53535e-6, 5.03054e-6, 3.77596e-6, 2.51731e-6, 2.26510e-6};
    cb_beta_pid_rule r = {.target = 1000, .p = 1, .i = 2e-3, .warmup = 10, .max = 1};
    cb_beta_pid s = {0};
    double beta = 1e-5;
    for (int e = 1; e < 10; e++) CU_ASSERT_EQUAL(cb_beta_pid_next(&r, &s, e, 1e9, beta), 1e-5);
    for (int e = 0; e < 7; e++) {
        beta = cb_beta_pid_next(&r, &s, 10 + e, ebops[e], beta);
        CU_ASSERT_DOUBLE_EQUAL(beta / want[e], 1, 2e-5);
    }
    r.damp = 0.5, r.max = 1e-6;
    CU_ASSERT_EQUAL(cb_beta_pid_next(&r, &s, 30, 5000, beta), 1e-6); /* cut */
    r.max = 1, r.min = 1e-3;
    CU_ASSERT_EQUAL(cb_beta_pid_next(&r, &s, 31, 0, beta), 1e-3); /* a dead student */
    cb_beta_pid_rule linear = {.target = 1000, .p = 1, .i = 0.5, .linear = true, .warmup = 1, .max = 100};
    cb_beta_pid l = {0};
    double e0 = 1 - 2.0, sum = (0.25 - e0) / 0.5 - e0; /* the preset has the other sign */
    CU_ASSERT_DOUBLE_EQUAL(cb_beta_pid_next(&linear, &l, 1, 2000, 0.25), 1 + 0.5 * (sum + 1), 1e-12);
}

static void test_rate(void) {
    cb_hgq_plan p = {.epochs = 41, .learning_rate = 0.01, .rate_end = 0.01, .cycle = 0};
    CU_ASSERT_EQUAL(cb_hgq_rate(&p, 0), 0.01);
    CU_ASSERT_DOUBLE_EQUAL(cb_hgq_rate(&p, 20), 1e-3, 1e-15);
    CU_ASSERT_DOUBLE_EQUAL(cb_hgq_rate(&p, 40), 1e-4, 1e-16);
    p.rate_end = 1, p.cycle = 11;
    for (int e = 0; e < 41; e++) {
        double want = 0.01 * fmax(0.05, 0.5 * (1 + cos(3.14159265358979323846 * (e % 11) / 10)));
        CU_ASSERT_DOUBLE_EQUAL(cb_hgq_rate(&p, e), want, 1e-12);
    }
}

/* ---- words of widths ---- */

static int word(cb_qkeras_bits *b, const char *text) { return cb_qkeras_bits_word(b, text, strlen(text)); }

static void test_words(void) {
    cb_qkeras_bits b = cb_qkeras_deployed;
    UNIT_OK(word(&b, "c12d8o12a10"));
    CU_ASSERT(!memcmp(&b, &cb_qkeras_deployed, sizeof b));
    UNIT_OK(word(&b, "w6.0a8d4c5.2s9.7g16"));
    CU_ASSERT(b.conv.bits == 5 && b.conv.integer == 2 && b.dense.bits == 4 && b.dense.integer == 0 && b.bias.bits == 6 &&
              b.out.bits == 6 && b.out.integer == 0 && b.gamma == 16);
    CU_ASSERT(b.dropout == 1);
    UNIT_OK(word(&b, "nw6.0na8d4c5.2s9.7n")); /* letters, no number */
    CU_ASSERT(b.dropout == 0 && b.conv.bits == 5 && b.dense.bits == 4 && b.out.bits == 6 && b.gamma == 16);
    UNIT_FAILS(word(&b, "n6"), "expected at '6'");
    CU_ASSERT(b.relu_conv.bits == 8 && b.relu_conv.integer == 6 && b.relu_dense.bits == 9 && b.relu_dense.integer == 7);
    UNIT_OK(cb_qkeras_bits_check(&b));
    UNIT_FAILS(word(&b, "x6"), "'x6'");
    UNIT_FAILS(word(&b, "w"), "'w'");
    UNIT_FAILS(word(&b, "w6."), "'w6.'");
    UNIT_FAILS(word(&b, "w6.1z"), "expected at 'z'");
    UNIT_FAILS(word(&b, "w123"), "'w123'");
    UNIT_FAILS(word(&b, "g0"), "'g0'");
    UNIT_OK(word(&b, "d1"));
    UNIT_FAILS(cb_qkeras_bits_check(&b), "qkeras.dense: 1 bits");
    UNIT_OK(word(&b, "d8r4.12"));
    UNIT_FAILS(cb_qkeras_bits_check(&b), "qkeras.relu_conv: 12 integer");
}

/* ---- means ---- */

static void test_mean(void) {
    /* value = log10 cost + offset: straight over log cost, so interpolation is exact */
    const double cost[3][4] = {{10, 100, 1000, 5000}, {2000, 20, 300, 5}, {1, 9000, 50, 400}};
    double error[3][4], value[3][4];
    cb_front_curve c[3];
    for (int s = 0; s < 3; s++) {
        for (int k = 0; k < 4; k++) value[s][k] = log10(cost[s][k]) + s, error[s][k] = 10 - value[s][k];
        c[s] = (cb_front_curve){4, cost[s], error[s], value[s]};
    }
    cb_front_mean row[240];
    int n = cb_front_mean_make(row, 240, c, 3);
    CU_ASSERT_EQUAL(n, 36); /* 10^(12/12) ... 10^(47/12) < 9000 */
    for (int k = 28; k < n; k++) { /* beyond 10^(39/12) < 2000: seed 1 stays at 2000, beyond 5000 seed 0 as well */
        double x = 1 + k / 12.0, x0 = fmin(x, log10(5000)), x1 = log10(2000);
        CU_ASSERT_DOUBLE_EQUAL(row[k].mean, (x0 + x1 + x) / 3 + 1, 1e-9);
        CU_ASSERT_DOUBLE_EQUAL(row[k].least, fmin(x0, x1 + 1), 1e-9);
    }
    n = 28;
    for (int k = 0; k < n; k++) {
        double x = 1 + k / 12.0;
        CU_ASSERT_DOUBLE_EQUAL(row[k].cost / pow(10, x), 1, 1e-12);
        CU_ASSERT_DOUBLE_EQUAL(row[k].mean, x + 1, 1e-9);
        CU_ASSERT_DOUBLE_EQUAL(row[k].hi - row[k].mean, 4.30265273 / sqrt(3), 1e-8); /* s = 1 */
        CU_ASSERT_DOUBLE_EQUAL(row[k].mean - row[k].lo, 4.30265273 / sqrt(3), 1e-8);
        CU_ASSERT_DOUBLE_EQUAL(row[k].least, x, 1e-9);
        CU_ASSERT_DOUBLE_EQUAL(row[k].most, x + 2, 1e-9);
    }
    n = cb_front_mean_make(row, 240, c, 1);
    CU_ASSERT(n > 0 && isnan(row[0].lo) && row[0].mean == row[0].least);
    error[0][1] = 100; /* beaten in both: skipped */
    value[0][1] = 77;
    n = cb_front_mean_make(row, 240, c, 1);
    CU_ASSERT_DOUBLE_EQUAL(row[12].mean, 2, 1e-9);
    const double far[2] = {9e5, 1.1e6}, less[2] = {2, 1}, same[2] = {7, 7}, zero[1] = {0};
    c[1] = (cb_front_curve){2, far, less, same};
    n = cb_front_mean_make(row, 240, c, 2); /* all points of the first seed are cheaper: it stays at its last one */
    CU_ASSERT_EQUAL_FATAL(n, 1);
    CU_ASSERT(fabs(row[0].cost - 1e6) < 1e-3 && fabs(row[0].mean - (7 + log10(5000)) / 2) < 1e-9);
    c[1] = (cb_front_curve){1, zero, far, far};
    CU_ASSERT_EQUAL(cb_front_mean_make(row, 240, c, 2), 0);
    CU_ASSERT_EQUAL(cb_front_mean_make(row, 240, c, 0), 0);
    CU_ASSERT(isnan(cb_student_t(0)) && cb_student_t(2) == 4.30265273 && cb_student_t(1000) == 1.95996398);
}

UNIT_MAIN("front", {"Pareto rule", test_rule}, {"random points, merged runs", test_random_points}, {"thinning", test_thin},
          {"front file", test_file}, {"bad front files", test_bad_file}, {"fronts that are refused", test_refused}, {"BetaPID: recorded values", test_pid},
          {"learning rate", test_rate}, {"bit width words", test_words}, {"means over seeds", test_mean})
