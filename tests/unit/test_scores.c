#include "base/rng.h"
#include "base/threads.h"
#include "quant/firmware_import.h"
#include "quant/scores.h"
#include "stats/emd.h"
#include "stats/reports.h"
#include "stats/roc.h"
#include "unit.h"

enum { CELLS = 18 * 14, ZB = 300, SIGNAL = 120, TRAIN = 40, N = TRAIN + ZB + SIGNAL };

/* Sparse images: zero bias (train, then test) soft, the signal harder; a third process is empty. */
typedef struct {
    cb_dataset d;
    cb_targets t;
    uint16_t et[N * CELLS], target[N];
    uint8_t split[N], process[N];
    float mse[N], floating[N];
    char *names[3];
} fixture;

static fixture *make_fixture(void) {
    static char zb[] = "zb", sig[] = "sig", none[] = "none";
    fixture *x = cb_alloc(1, sizeof *x);
    if (!x) abort();
    *x = (fixture){.names = {zb, sig, none}};
    x->d = (cb_dataset){.n = N, .height = 18, .width = 14, .et = x->et, .split = x->split, .process = x->process,
                        .n_process = 3, .process_name = x->names};
    x->t = (cb_targets){.n = N, .mse = x->mse, .target = x->target, .float_score = x->floating, .height = 18, .width = 14};
    cb_rng r = cb_rng_at(1, "test/scores", 0);
    for (int i = 0; i < N; i++) {
        bool signal = i >= TRAIN + ZB;
        x->process[i] = signal;
        x->split[i] = i < TRAIN ? CB_TRAIN : CB_TEST;
        for (int k = 0; k < 20; k++)
            x->et[i * CELLS + (int)cb_rng_below(&r, CELLS)] = (uint16_t)cb_rng_below(&r, signal ? 200 : 60);
        x->mse[i] = 1 + (float)cb_rng_below(&r, signal ? 2000 : 300);
        x->target[i] = cb_target_code(x->mse[i]);
        x->floating[i] = (float)x->target[i] / 256 + cb_rng_f32(&r);
    }
    return x;
}

static cb_programme firmware(const char *arch) {
    cb_programme p = {0};
    char in[64], name[32];
    snprintf(in, sizeof in, "data/firmware/%sp1p2", arch);
    snprintf(name, sizeof name, "cicada-%s", arch);
    UNIT_OK(cb_firmware_import(&p, arch, name, in, NULL));
    return p;
}

static const float *row_of(const cb_scores *s, const char *name) {
    for (int i = 0; i < s->n; i++)
        if (!strcmp(s->row[i].student, name)) return s->row[i].score;
    return NULL;
}

static void test_rows(void) {
    fixture *x = make_fixture();
    cb_programme p = firmware("v2");
    cb_scores s;
    UNIT_OK(cb_scores_begin(&s, &x->d, &x->t, 7));
    UNIT_OK(cb_scores_add(&s, &p));
    CU_ASSERT_EQUAL(s.n, 6);
    CU_ASSERT(s.first[1] == ZB && s.first[2] == ZB + SIGNAL && s.first[3] == ZB + SIGNAL);
    static uint16_t code[N];
    UNIT_OK(cb_programme_score(&p, x->et, N, code));
    const float *teacher = row_of(&s, "teacher"), *mse = row_of(&s, "teacher-mse"), *floating = row_of(&s, "float");
    const float *total = row_of(&s, "total-et"), *highest = row_of(&s, "max-et"), *student = row_of(&s, "cicada-v2");
    CU_ASSERT_FATAL(teacher && mse && floating && total && highest && student);
    for (int k = 0; k < ZB + SIGNAL; k++) {
        int i = TRAIN + k; /* the train events are left out */
        unsigned sum = 0, top = 0;
        for (int c = 0; c < CELLS; c++) {
            unsigned v = x->et[i * CELLS + c];
            sum += v;
            top = v > top ? v : top;
        }
        CU_ASSERT(teacher[k] == (float)x->target[i] / 256 && mse[k] == x->mse[i] && floating[k] == x->floating[i]);
        CU_ASSERT(total[k] == (float)sum / 2 && highest[k] == (float)top / 2);
        CU_ASSERT_EQUAL(student[k], (float)code[i] / 256);
    }
    cb_programme_free(&p);
    cb_scores_free(&s);
    free(x);
}

static void test_bad_events(void) {
    fixture *x = make_fixture();
    cb_scores s;
    cb_programme p = firmware("v1");
    UNIT_OK(cb_scores_begin(&s, &x->d, &x->t, 7));
    x->d.height = 17;
    UNIT_FAILS(cb_scores_add(&s, &p), "images of 18 x 14, the dataset has 17 x 14");
    x->d.height = 18;
    cb_scores_free(&s);
    x->names[0] = x->names[2];
    UNIT_FAILS(cb_scores_begin(&s, &x->d, &x->t, 7), "no process zb");
    cb_programme_free(&p);
    free(x);
}

static const cb_performance_options few = {.seed = 3, .n_bootstrap = 20, .n_rate = 2, .rate_khz = {0.3, 3000},
                                           .crossing_rate_khz = 28610};

/* All three tables as one text. */
static char *tables(const cb_scores *s) {
    cb_performance p;
    UNIT_OK(cb_performance_make(&p, &s->set, s->row, s->n, 0, &few));
    const char *a = unit_scratch("p.tsv"), *b = unit_scratch("r.tsv"), *c = unit_scratch("h.tsv");
    UNIT_OK(cb_table_write(&p.performance, a));
    UNIT_OK(cb_table_write(&p.roc, b));
    UNIT_OK(cb_table_write(&p.histograms, c));
    char *x = cb_file_read(a, NULL), *y = cb_file_read(b, NULL), *z = cb_file_read(c, NULL);
    char *all = cb_textf("%s%s%s", x, y, z);
    free(x), free(y), free(z);
    unlink(a), unlink(b), unlink(c);
    cb_performance_free(&p);
    return all;
}

/* Column of the row whose student and process are given; NaN if there is none. */
static double cell(const char *text, const char *student, const char *process, int column) {
    char *copy = cb_strdup(text), *field[32];
    double v = -1e9;
    for (char *next = copy, *at; (at = next) && *at;) {
        next = strchr(at, '\n');
        if (next) *next++ = 0;
        if (cb_split(at, '\t', field, 32) == 18 && !strcmp(field[0], student) && !strcmp(field[3], process)) {
            v = strtod(field[column], NULL);
            break;
        }
    }
    free(copy);
    return v;
}

static void test_tables(void) {
    enum { COLUMN_N = 4, AUC, AUC_LO, AUC_HI, EMD, EMD_LO, EMD_HI, MAE, EFF_03, EFF_3000 = EFF_03 + 3 };
    fixture *x = make_fixture();
    cb_programme p = firmware("v2");
    cb_scores s;
    UNIT_OK(cb_scores_begin(&s, &x->d, &x->t, 7));
    UNIT_OK(cb_scores_add(&s, &p));
    cb_threads_set(1);
    char *one = tables(&s);
    cb_threads_set(2);
    char *two = tables(&s);
    cb_threads_set(0);
    CU_ASSERT_STRING_EQUAL(one, two); /* bytes do not depend on threads */
    cb_sample zb, sig, teacher;
    UNIT_OK(cb_sample_make(&zb, row_of(&s, "cicada-v2"), ZB, "zb"));
    UNIT_OK(cb_sample_make(&sig, row_of(&s, "cicada-v2") + ZB, SIGNAL, "sig"));
    UNIT_OK(cb_sample_make(&teacher, row_of(&s, "teacher") + ZB, SIGNAL, "sig"));
    CU_ASSERT_EQUAL(cell(one, "cicada-v2", "sig", COLUMN_N), SIGNAL);
    CU_ASSERT_EQUAL(cell(one, "cicada-v2", "sig", AUC), cb_roc_auc(&sig, &zb).auc);
    CU_ASSERT_EQUAL(cell(one, "cicada-v2", "sig", EMD), cb_emd(&sig, &teacher));
    CU_ASSERT(cell(one, "cicada-v2", "sig", EMD_LO) < cell(one, "cicada-v2", "sig", EMD));
    CU_ASSERT_EQUAL(cell(one, "cicada-v2", "sig", EFF_3000), cb_roc_efficiency(&sig, &zb, 3000, 28610).value);
    CU_ASSERT_EQUAL(cell(one, "cicada-v2", "sig", EFF_03 + 1), 0); /* 300 events do not fix 0.3 kHz */
    CU_ASSERT(isnan(cell(one, "cicada-v2", "zb", AUC)) && cell(one, "cicada-v2", "zb", MAE) > 0);
    CU_ASSERT(isnan(cell(one, "total-et", "sig", EMD)) && isnan(cell(one, "teacher-mse", "sig", MAE)));
    CU_ASSERT(cell(one, "total-et", "sig", AUC) > 0.9);
    CU_ASSERT(cell(one, "teacher", "sig", EMD) == 0 && cell(one, "teacher", "sig", EMD_HI) == 0);
    CU_ASSERT_EQUAL(cell(one, "cicada-v2", "none", AUC), -1e9); /* no events, no row */
    CU_ASSERT_PTR_NOT_NULL(strstr(one, "eff_0.3khz\teff_0.3khz_lo\teff_0.3khz_hi\teff_3000khz\t"));
    free(one), free(two);
    cb_sample_free(&zb), cb_sample_free(&sig), cb_sample_free(&teacher);
    cb_programme_free(&p);
    cb_scores_free(&s);
    free(x);
}

/* Edges belong to the bin above; what lies outside the range goes to the first and last bin. */
static void test_histogram(void) {
    static float score[] = {-3, 0, 3.99f, 4, 7.5f, 8, 255.99f, 300, 1, 2};
    static const char *const name[] = {"zb"};
    size_t first[] = {0, 10};
    cb_event_set set = {1, 0, name, first};
    cb_scored row = {.student = "a", .family = "f", .teacher_scale = true, .score = score};
    cb_performance p;
    UNIT_OK(cb_performance_make(&p, &set, &row, 1, 0, &few));
    CU_ASSERT_EQUAL_FATAL(p.histograms.n, CB_SCORE_BINS);
    CU_ASSERT_STRING_EQUAL(p.histograms.row[0], "a\tzb\t0\t4\t5");
    CU_ASSERT_STRING_EQUAL(p.histograms.row[1], "a\tzb\t4\t8\t2");
    CU_ASSERT_STRING_EQUAL(p.histograms.row[2], "a\tzb\t8\t12\t1");
    CU_ASSERT_STRING_EQUAL(p.histograms.row[63], "a\tzb\t252\t256\t2");
    cb_performance_free(&p);
}

static void test_bad_scores(void) {
    fixture *x = make_fixture();
    cb_programme p = firmware("v2");
    cb_scores s;
    cb_performance t;
    UNIT_OK(cb_scores_begin(&s, &x->d, &x->t, 7));
    UNIT_OK(cb_scores_add(&s, &p));
    s.row[1].score[ZB + 5] = NAN;
    UNIT_FAILS(cb_performance_make(&t, &s.set, s.row, s.n, 0, &few), "scores of teacher-mse on sig: score 5");
    cb_performance_free(&t);
    s.row[1].score[ZB + 5] = 1;
    UNIT_OK(cb_scores_add(&s, &p));
    UNIT_FAILS(cb_performance_make(&t, &s.set, s.row, s.n, 0, &few), "two students are named 'cicada-v2'");
    cb_performance_free(&t);
    cb_scores_free(&s);
    for (int i = 0; i < TRAIN + ZB; i++) x->split[i] = CB_TRAIN;
    UNIT_OK(cb_scores_begin(&s, &x->d, &x->t, 7));
    UNIT_FAILS(cb_performance_make(&t, &s.set, s.row, s.n, 0, &few), "no zero bias events");
    cb_performance_free(&t);
    cb_scores_free(&s);
    cb_programme_free(&p);
    free(x);
}

static void test_scores_file(void) {
    fixture *x = make_fixture();
    const char *path = unit_scratch("scores.h5");
    cb_scores s;
    UNIT_OK(cb_scores_begin(&s, &x->d, &x->t, 7));
    cb_h5 *f = cb_h5_create(path, CB_SCORES_SCHEMA, "score", "");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    UNIT_OK(cb_scores_write(&s, f));
    UNIT_OK(cb_h5_commit(&f));
    f = cb_h5_open(path, CB_SCORES_SCHEMA);
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    uint64_t n = SIGNAL;
    float *score = cb_h5_read(f, "max-et/sig", CB_F32, 1, &n);
    CU_ASSERT_PTR_NOT_NULL_FATAL(score);
    CU_ASSERT(!memcmp(score, row_of(&s, "max-et") + ZB, SIGNAL * sizeof *score));
    free(score);
    cb_h5_close(&f);
    unlink(path);
    cb_scores_free(&s);
    free(x);
}

/* ---- reports ---- */
#define ROW "{\"student\": \"a\", \"step\": \"estimate\", \"tool\": \"t\", \"version\": \"1\", \"part\": \"p\", \"rule\": \"r\", "

static int resources(const char *json, cb_table *t) {
    const char *path = unit_scratch("synthesis.json");
    UNIT_OK(cb_file_write(path, json));
    UNIT_OK(cb_table_begin(t, CB_RESOURCES_HEADER, CB_RESOURCES_KEYS));
    int rc = cb_reports_resources(t, path);
    unlink(path);
    return rc;
}

static void test_resources(void) {
    cb_table t;
    UNIT_OK(resources("{\"rows\": [" ROW "\"lut\": 12, \"ff\": null, \"bram\": 0.5, \"status\": \"failed: a\\tb\"}]}", &t));
    CU_ASSERT_EQUAL(t.n, 1);
    CU_ASSERT_STRING_EQUAL(t.row[0], "a\testimate\tt\t1\tp\tr\t12\tnan\tnan\t0.5\tnan\tnan\tnan\tnan\tfailed: a b");
    cb_table_free(&t);
    const char *const bad[][2] = {{"{\"rows\": []}", "no rows"}, {"[]", "object"}, {"{\"rows\": [", "synthesis.json:1"},
                                  {"{\"rows\": [" ROW "\"lut\": \"x\", \"status\": \"ok\"}]}", "'lut' is not a number"},
                                  {"{\"rows\": [{\"student\": \"a\"}]}", "text 'step' is missing"},
                                  {"{\"rows\": [3]}", "text 'student' is missing"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        UNIT_FAILS(resources(bad[i][0], &t), bad[i][1]);
        cb_table_free(&t);
    }
}

static int hardware(const char *json, cb_hardware_summary *h) {
    const char *path = unit_scratch("report.json");
    UNIT_OK(cb_file_write(path, json));
    int rc = cb_reports_hardware(h, path);
    unlink(path);
    return rc;
}

static void test_hardware(void) {
    cb_hardware_summary h;
    UNIT_OK(hardware("{\"student\": \"a\", \"adders\": 321, \"depth\": 14, \"checks\": [{\"checked\": 10000, \"mismatches\": 0},"
                     " {\"checked\": null, \"mismatches\": null, \"status\": \"not run\"}, {\"checked\": 500, \"mismatches\": 2}]}", &h));
    CU_ASSERT(!strcmp(h.student, "a") && h.adders == 321 && h.depth == 14 && h.checked == 10500 && h.mismatches == 2);
    UNIT_OK(hardware("{\"student\": \"a\"}", &h));
    CU_ASSERT(isnan(h.adders) && isnan(h.depth) && isnan(h.checked) && isnan(h.mismatches));
    UNIT_FAILS(hardware("{\"adders\": 3}", &h), "text 'student' is missing");
    UNIT_FAILS(hardware("", &h), "report.json");
    UNIT_FAILS(cb_reports_hardware(&h, "build/no/report.json"), "build/no/report.json");
}

UNIT_MAIN("scores", {"rows", test_rows}, {"bad events", test_bad_events}, {"tables", test_tables}, {"histogram", test_histogram},
          {"bad scores", test_bad_scores}, {"scores file", test_scores_file}, {"synthesis reports", test_resources},
          {"hardware reports", test_hardware})
