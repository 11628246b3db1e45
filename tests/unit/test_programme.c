/* The integer programme: recorded firmware, random programmes in lanes against the
 * plain definition, the accumulator proof, student files good and bad. */
#include <limits.h>

#include "base/rng.h"
#include "base/threads.h"
#include "data/artifact.h"
#include "data/layouts.h"
#include "nn/isa.h"
#include "quant/firmware_import.h"
#include "quant/pairs_plan.h"
#include "quant/programme.h"
#include "unit.h"

/* ---- recorded firmware ---- */

/* "event,score_raw" lines; returns the count. */
static size_t read_scores(const char *path, uint16_t *score, size_t room) {
    char *text = cb_file_read(path, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    size_t n = 0;
    for (char *line = strchr(text, '\n'); line && line[1]; line = strchr(line + 1, '\n')) {
        unsigned event, raw;
        if (sscanf(line + 1, "%u,%u", &event, &raw) != 2 || event != n || n == room) break;
        score[n++] = (uint16_t)raw;
    }
    free(text);
    return n;
}

static void check_recorded(const char *arch, const char *version) {
    static uint16_t want[4096], got[4096];
    char path[256];
    cb_programme p;
    snprintf(path, sizeof path, "data/firmware/%s", version);
    UNIT_OK(cb_firmware_import(&p, arch, version, path, NULL));
    snprintf(path, sizeof path, "data/firmware/%s/CICADA_%s_random4096.csv", version, version);
    CU_ASSERT_EQUAL(read_scores(path, want, 4096), 4096);
    cb_h5 *f = cb_h5_open("data/firmware/inputs_random4096.h5", NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    uint64_t dims[3] = {4096, 18, 14};
    uint16_t *et = cb_h5_read(f, "CaloRegions", CB_U16, 3, dims);
    CU_ASSERT_PTR_NOT_NULL_FATAL(et);
    cb_h5_close(&f);
    UNIT_OK(cb_pairs_score(&p, et, 1, got)); /* 0: the deployed firmware has a plan in pairs */
    for (int level = 0; level <= cb_isa_best(); level++)
        for (int use = CB_PAIRS_ON; use <= CB_PAIRS_OFF; use++) {
            UNIT_OK(cb_isa_force(level));
            cb_pairs_force((cb_pairs_use)use);
            memset(got, 0xAA, sizeof got);
            UNIT_OK(cb_programme_score(&p, et, 4096, got));
            CU_ASSERT_EQUAL(memcmp(want, got, sizeof want), 0);
        }
    cb_pairs_force(CB_PAIRS_ON);
    for (int e = 0; e < 4096; e += 37) { /* the plain definition too */
        int64_t score;
        int64_t *value[CB_MAX_OPS] = {0};
        value[p.n_op - 1] = &score;
        UNIT_OK(cb_programme_trace(&p, et + 252 * e, value));
        CU_ASSERT_EQUAL(score, want[e]);
    }
    free(et);
    cb_programme_free(&p);
}

static void test_recorded(void) {
    check_recorded("v1", "v1p1p2");
    check_recorded("v2", "v2p1p2");
    check_recorded("v2", "v2p2p0");
}

/* The 256 events as the card got them, our scores, and the words that the card sent:
 * score nibbles in bits 31..28 of words 0..3 of an event's six. */
static void check_card(const char *arch, const char *version) {
    static uint16_t want[256], got[256];
    char path[256];
    cb_programme p;
    cb_images m;
    snprintf(path, sizeof path, "data/firmware/%s", version);
    UNIT_OK(cb_firmware_import(&p, arch, version, path, NULL));
    UNIT_OK(cb_images_load(&m, "data/firmware/testvectors_in.txt"));
    CU_ASSERT_EQUAL_FATAL(m.n, 256);
    UNIT_OK(cb_programme_score(&p, m.et, m.n, got));
    snprintf(path, sizeof path, "data/firmware/%s/CICADA_%s_events256.csv", version, version);
    CU_ASSERT_EQUAL(read_scores(path, want, 256), 256);
    CU_ASSERT_EQUAL(memcmp(want, got, sizeof want), 0);
    snprintf(path, sizeof path, "data/firmware/%s/testvectors_out.txt", version);
    char *text = cb_file_read(path, NULL), *at = text ? strstr(text, "#BeginData") : NULL;
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    at = strchr(at, '\n');
    unsigned n = 0, word, counter;
    memset(want, 0, sizeof want);
    for (int used; at && n < 6 * 256 && sscanf(at, " 0x%x 0x%x%n", &counter, &word, &used) == 2; at += used, n++)
        if (n % 6 < 4) want[n / 6] = (uint16_t)(want[n / 6] << 4 | word >> 28);
    CU_ASSERT_EQUAL(n, 6 * 256);
    CU_ASSERT_EQUAL(memcmp(want, got, sizeof want), 0);
    free(text);
    cb_images_free(&m);
    cb_programme_free(&p);
}

static void test_card(void) {
    check_card("v1", "v1p1p2");
    check_card("v2", "v2p1p2");
}

/* ---- random programmes: lanes = plain ---- */

static int range(cb_rng *r, int lo, int hi) { return lo + (int)cb_rng_below(r, (uint32_t)(hi - lo + 1)); }

static int64_t outputs(const cb_op *op) { return (int64_t)op->out_h * op->out_w * op->out_c; }

static void random_quant(cb_programme *p, cb_rng *r, const char *name) {
    const cb_op *last = p->n_op ? &p->op[p->n_op - 1] : NULL;
    int n = last ? (int)outputs(last) : p->input_h * p->input_w;
    cb_op *op = cb_programme_quant(p, name, range(r, 0, 1) ? n : 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(op);
    op->relu = range(r, 0, 1);
    op->round = (cb_round)range(r, CB_TRN, CB_RND_INF);
    op->overflow = (cb_overflow)range(r, CB_WRAP, CB_SAT_SYM);
    for (int e = 0; e < op->n_format; e++) {
        op->format[e] = (cb_format){(int8_t)range(r, 0, 1), (int16_t)range(r, -1, 9), (int16_t)range(r, -3, 6)};
        if (!range(r, 0, 9)) op->format[e] = (cb_format){1, -3, 2}; /* no bits */
    }
}

static void random_weights(cb_op *op, cb_rng *r, int bits) {
    CU_ASSERT_PTR_NOT_NULL_FATAL(op);
    int n = op->kh * op->kw * op->in_c * op->out_c, most = (1 << bits) - 1;
    for (int i = 0; i < n; i++) op->w[i] = range(r, 0, 2) ? range(r, -most, most) : 0;
    op->w_frac = range(r, -2, 8);
    op->bias_frac = -6; /* no sum is coarser: 3 of an activation, 2 of the weights */
    for (int o = 0; op->bias && o < op->out_c; o++) op->bias[o] = range(r, -9, 9);
}

/* Input quantizer, convolution, quantizer, dense layers, score. */
static void random_programme(cb_programme *p, uint64_t seed, int bits) {
    cb_rng r = cb_rng_at(seed, "random programme", (uint64_t)bits);
    memset(p, 0, sizeof *p);
    strcpy(p->name, "random");
    strcpy(p->family, "test");
    p->ebops = 12.5;
    p->input_h = range(&r, 2, 9), p->input_w = range(&r, 2, 9);
    if (range(&r, 0, 1)) random_quant(p, &r, "input");
    if (range(&r, 0, 1)) {
        random_weights(cb_programme_conv2d(p, "conv", range(&r, 1, 2), range(&r, 1, 2), range(&r, 1, 2), range(&r, 1, 2),
                                           range(&r, 1, 3), range(&r, 0, 1)), &r, bits);
        random_quant(p, &r, "conv_q");
    }
    random_weights(cb_programme_dense(p, "dense1", range(&r, 1, 7), range(&r, 0, 1)), &r, bits);
    random_quant(p, &r, "dense1_q");
    random_weights(cb_programme_dense(p, "dense2", 1, true), &r, bits);
    p->op[p->n_op - 1].bias[0] = range(&r, -5, 5);
    cb_op *last = cb_programme_quant(p, "score", 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(last);
    last->relu = range(&r, 0, 1);
    last->round = (cb_round)range(&r, CB_TRN, CB_RND_INF);
    last->overflow = (cb_overflow)range(&r, CB_WRAP, CB_SAT);
    last->format[0] = (cb_format){0, 8, 8};
}

/* Scores in lanes and pairs at every level and with 1 and 3 threads = the plain definition;
 * every intermediate value lies within the proven bounds. */
static int check_lanes(const cb_programme *p, uint64_t seed, int *planned) {
    enum { N = 71 }; /* two whole blocks of pairs and a part of one */
    static uint16_t et[N * 81], code[N];
    cb_rng r = cb_rng_at(seed, "events", 0);
    int n_in = p->input_h * p->input_w, bad = 0;
    for (int i = 0; i < N * n_in; i++) et[i] = (uint16_t)(range(&r, 0, 3) ? range(&r, 0, 1023) : range(&r, 0, 1) * 1023);
    int64_t *value[CB_MAX_OPS] = {0}, score[N];
    for (int k = 0; k < p->n_op; k++) value[k] = malloc((size_t)outputs(&p->op[k]) * sizeof **value);
    for (int e = 0; e < N; e++) {
        bad += cb_programme_trace(p, et + e * n_in, value) != 0;
        score[e] = value[p->n_op - 1][0];
        for (int k = 0; k < p->n_op; k++)
            for (int64_t i = 0; i < outputs(&p->op[k]); i++)
                bad += value[k][i] < p->op[k].lo[i] || value[k][i] > p->op[k].hi[i];
    }
    for (int k = 0; k < p->n_op; k++) free(value[k]);
    for (int way = 0; way < (cb_isa_best() + 1) * 6; way++) {
        bad += cb_isa_force(way / 6) != 0;
        cb_threads_set(way % 2 ? 3 : 1);
        cb_pairs_force((cb_pairs_use)(way / 2 % 3));
        memset(code, 0xAA, sizeof code);
        bad += cb_programme_score(p, et, N, code) != 0;
        for (int e = 0; e < N; e++) bad += code[e] != score[e];
    }
    cb_pairs_force(CB_PAIRS_ON);
    *planned += cb_pairs_score(p, et, N, code) == 0;
    return bad;
}

static void test_lanes(void) {
    int bad = 0, planned = 0;
    for (uint64_t seed = 0; seed < 300; seed++) {
        cb_programme p;
        random_programme(&p, seed, seed % 3 == 2 ? 28 : seed % 3 == 1 ? 12 : 4); /* int64 lanes, both, int32 lanes */
        UNIT_OK(cb_programme_finish(&p));
        bad += check_lanes(&p, seed, &planned);
        cb_programme_free(&p);
    }
    CU_ASSERT_EQUAL(bad, 0);
    CU_ASSERT(planned > 50 && planned < 250); /* pairs and wide lanes are both tried */
}

/* ---- one quantizer, value by value ---- */

/* sum = x0 + 1024 x1 - offset, in units of 2^-frac; q; score = q in units of its grid + 32768. */
static void sweep_programme(cb_programme *p, cb_format t, cb_round r, cb_overflow o, bool relu, int frac, int64_t offset) {
    memset(p, 0, sizeof *p);
    strcpy(p->name, "sweep");
    p->input_h = 1, p->input_w = 2;
    cb_op *op = cb_programme_dense(p, "sum", 1, true);
    CU_ASSERT_PTR_NOT_NULL_FATAL(op);
    op->w[0] = 1, op->w[1] = 1024, op->w_frac = op->bias_frac = frac, op->bias[0] = -offset;
    op = cb_programme_quant(p, "q", 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(op);
    op->format[0] = t, op->round = r, op->overflow = o, op->relu = relu;
    int grid = cb_op_quant_frac(op);
    op = cb_programme_dense(p, "shift", 1, true);
    CU_ASSERT_PTR_NOT_NULL_FATAL(op);
    op->w[0] = 1, op->w_frac = CB_SCORE_FRAC - grid, op->bias_frac = CB_SCORE_FRAC, op->bias[0] = 32768;
    op = cb_programme_quant(p, "score", 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(op);
    op->overflow = CB_SAT;
    op->format[0] = (cb_format){0, 8, 8};
    UNIT_OK(cb_programme_finish(p));
}

/* Sums near the ends, near 0, and near every multiple of half a unit or of the wrap. */
static int64_t sweep_value(cb_rng *r, int k, int right, int width) {
    int64_t all = (1 << 20) - 1, step = (int64_t)1 << (range(r, 0, 1) ? right : right + width < 20 ? right + width : 19);
    int64_t v = k < 8 ? k : k < 16 ? all - (k - 8) : (int64_t)cb_rng_below(r, (uint32_t)(all / step) + 1) * step +
                                                         step / 2 * range(r, 0, 1) + range(r, -2, 2);
    return v < 0 ? 0 : v > all ? all : v;
}

static int sweep(const cb_programme *p, cb_rng *r, int right) {
    enum { N = 256 };
    static uint16_t et[2 * N], code[N];
    const cb_op *q = &p->op[1];
    cb_format t = q->format[0];
    int64_t want[N], offset = -p->op[0].bias[0];
    int bad = 0;
    for (int k = 0; k < N; k++) {
        int64_t v = sweep_value(r, k, right, cb_format_width(t));
        if (k % 4 == 3 && v % (1 << right) == 0) v = v + offset % (1 << right); /* multiples of the grid after the offset too */
        if (v > (1 << 20) - 1) v = (1 << 20) - 1;
        et[2 * k] = (uint16_t)(v % 1024), et[2 * k + 1] = (uint16_t)(v / 1024);
        v -= offset;
        want[k] = cb_fixed_quantize(q->relu && v < 0 ? 0 : v, q->in_frac, t, q->round, q->overflow) + 32768;
        want[k] = want[k] < 0 ? 0 : want[k] > 65535 ? 65535 : want[k];
    }
    for (int level = 0; level <= cb_isa_best(); level++)
        for (int use = CB_PAIRS_ON; use <= CB_PAIRS_OFF; use++) {
            bad += cb_isa_force(level) != 0;
            cb_pairs_force((cb_pairs_use)use);
            bad += cb_programme_score(p, et, N, code) != 0;
            for (int k = 0; k < N; k++) bad += code[k] != want[k];
        }
    cb_pairs_force(CB_PAIRS_ON);
    return bad;
}

static void test_sweep(void) {
    int bad = 0, planned = 0;
    cb_threads_set(1);
    for (int mode = 0; mode < 7 * 3 * 2 * 6; mode++) {
        cb_rng r = cb_rng_at((uint64_t)mode, "sweep", 0);
        cb_programme p;
        int right = mode % 6 ? range(&r, 0, 12) : -range(&r, 1, 3), width = range(&r, 1, 16), frac = range(&r, -2, 6);
        cb_format t = {(int8_t)range(&r, 0, 1), 0, (int16_t)(frac - right)};
        t.i = (int16_t)(width - t.k - t.f);
        sweep_programme(&p, t, (cb_round)(mode / 6 % 7), (cb_overflow)(mode / 42 % 3), mode / 126, frac,
                        range(&r, 0, 2) * (int64_t)cb_rng_below(&r, 1 << 19));
        bad += sweep(&p, &r, right < 0 ? 0 : right);
        uint16_t et[2] = {0}, code;
        planned += cb_pairs_score(&p, et, 1, &code) == 0;
        cb_programme_free(&p);
    }
    CU_ASSERT_EQUAL(bad, 0);
    CU_ASSERT(planned > 200);
}

/* ---- the proof ---- */

/* A 1 x n image, dense n -> 1 with weights w, score. */
static void small_programme(cb_programme *p, int n, const int *w, int w_frac, int64_t bias, cb_format acc) {
    memset(p, 0, sizeof *p);
    strcpy(p->name, "small");
    strcpy(p->family, "test");
    p->input_h = 1, p->input_w = n;
    p->ebops = NAN;
    cb_op *op = cb_programme_dense(p, "sum", 1, true);
    CU_ASSERT_PTR_NOT_NULL_FATAL(op);
    for (int i = 0; i < n; i++) op->w[i] = w[i];
    op->w_frac = w_frac;
    op->bias[0] = bias;
    op->acc = acc;
    op = cb_programme_quant(p, "score", 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(op);
    op->relu = true, op->round = CB_RND_CONV, op->overflow = CB_SAT;
    op->format[0] = (cb_format){0, 8, 8};
}

static void test_bounds(void) {
    cb_programme p;
    /* -1023 - 2 = -1025 ... 3*1023 - 2 = 3067 quarters */
    small_programme(&p, 2, (int[]){3, -1}, 2, -2, (cb_format){1, 10, 2});
    p.op[0].bias_frac = 2;
    UNIT_OK(cb_programme_finish(&p));
    CU_ASSERT(p.op[0].lo[0] == -1025 && p.op[0].hi[0] == 3067);
    CU_ASSERT(p.op[1].lo[0] == 0 && p.op[1].hi[0] == 65535);
    CU_ASSERT_EQUAL(p.op[1].out_frac, 8);
    p.op[0].acc = (cb_format){1, 9, 2}; /* holds -2048 ... 2047 quarters */
    UNIT_FAILS(cb_programme_finish(&p), "operation 0 'sum': output 0 can reach -256.25 to 766.75");
    p.op[0].acc = (cb_format){1, 10, 3}; /* one bit finer, same range */
    UNIT_OK(cb_programme_finish(&p));
    p.op[0].acc = (cb_format){1, 12, 1};
    UNIT_FAILS(cb_programme_finish(&p), "accumulator has 1 fraction bits");
    p.op[0].acc = (cb_format){1, 60, 4};
    UNIT_FAILS(cb_programme_finish(&p), "at most 62 bits");
    p.op[0].acc = (cb_format){0};
    p.op[0].bias_frac = 3;
    UNIT_FAILS(cb_programme_finish(&p), "bias has 3 fraction bits");
    p.op[0].bias_frac = -61;
    UNIT_FAILS(cb_programme_finish(&p), "its sums do not fit 62 bits");
    p.op[0].bias_frac = 2;
    p.op[1].format[0] = (cb_format){0, 7, 8};
    UNIT_FAILS(cb_programme_finish(&p), "last operation must quantize one element");
    cb_programme_free(&p);
    /* exactly the ends of the accumulator: 8191 = 8*1023 + 7 and -8192 = -8*1023 - 8 */
    small_programme(&p, 1, (int[]){8}, 0, 7, (cb_format){1, 13, 0});
    UNIT_OK(cb_programme_finish(&p));
    p.op[0].bias[0] = 8;
    UNIT_FAILS(cb_programme_finish(&p), "holds -8192 to 8191");
    p.op[0].w[0] = -8, p.op[0].bias[0] = -8;
    UNIT_OK(cb_programme_finish(&p));
    p.op[0].bias[0] = -9;
    UNIT_FAILS(cb_programme_finish(&p), "output 0 can reach -8193");
    cb_programme_free(&p);
    UNIT_FAILS(cb_programme_finish(&p), "last operation");
}

static void test_formats(void) {
    static const cb_format bad[] = {{0, 60, 8}, {2, 4, 4}, {0, 65, -60}, {0, -60, 65}};
    cb_programme p = {.name = "f", .input_h = 1, .input_w = 1};
    cb_op *op = cb_programme_quant(&p, "in", 1), *last = cb_programme_quant(&p, "score", 1);
    CU_ASSERT_FATAL(op && last);
    last->format[0] = (cb_format){0, 8, 8};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        op->format[0] = bad[i];
        UNIT_FAILS(cb_programme_finish(&p), "operation 0 'in': format 0 is");
    }
    op->format[0] = (cb_format){0, -20, 64};
    op->overflow = CB_SAT;
    UNIT_FAILS(cb_programme_finish(&p), "does not fit 62 bits");
    op->format[0] = (cb_format){0, 10, 0};
    UNIT_OK(cb_programme_finish(&p));
    cb_programme_free(&p);
}

static void test_wide(void) {
    cb_programme p;
    small_programme(&p, 1, (int[]){INT_MIN}, 0, 0, (cb_format){0});
    cb_op *more[3];
    free(p.op[1].format);
    p.n_op = 1;
    for (int k = 0; k < 3; k++) {
        more[k] = cb_programme_dense(&p, "again", 1, false);
        CU_ASSERT_PTR_NOT_NULL_FATAL(more[k]);
        more[k]->w[0] = INT_MAX;
    }
    cb_op *op = cb_programme_quant(&p, "score", 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(op);
    op->format[0] = (cb_format){0, 8, 8};
    UNIT_FAILS(cb_programme_finish(&p), "operation 1 'again': its sums do not fit 62 bits");
    cb_programme_free(&p);
}

static void test_counts(void) {
    cb_programme p;
    uint16_t code[3], et[6] = {0, 1, 2, 1023, 1024, 5};
    small_programme(&p, 2, (int[]){1, 1}, 0, 0, (cb_format){0});
    UNIT_OK(cb_programme_finish(&p));
    UNIT_OK(cb_programme_score(&p, et, 2, code));
    CU_ASSERT(code[0] == 256 && code[1] == 65535);
    UNIT_FAILS(cb_programme_score(&p, et, 3, code), "event 2, region 0: E_T is 1024");
    UNIT_OK(cb_programme_score(&p, et, 0, code));
    cb_programme_free(&p);
}

static void test_builder(void) {
    cb_programme p = {.name = "b", .input_h = 4, .input_w = 3};
    CU_ASSERT_PTR_NULL(cb_programme_quant(&p, "q", 7));
    CU_ASSERT_PTR_NOT_NULL(strstr(cb_error(), "7 formats, 1 or 12"));
    CU_ASSERT_PTR_NULL(cb_programme_conv2d(&p, "c", 5, 1, 1, 1, 1, false));
    CU_ASSERT_PTR_NOT_NULL(strstr(cb_error(), "does not fit an input of 4 x 3"));
    CU_ASSERT_PTR_NULL(cb_programme_dense(&p, "d", 0, false));
    CU_ASSERT_PTR_NULL(cb_programme_dense(&p, "a name that is much longer than the room for it", 1, false));
    const cb_op *op = cb_programme_conv2d(&p, "c", 2, 2, 2, 1, 5, true);
    CU_ASSERT_FATAL(op != NULL);
    CU_ASSERT(op->out_h == 2 && op->out_w == 2 && op->out_c == 5);
    for (int k = 1; k < CB_MAX_OPS; k++) CU_ASSERT_PTR_NOT_NULL(cb_programme_quant(&p, "q", 1));
    CU_ASSERT_PTR_NULL(cb_programme_quant(&p, "q", 1));
    cb_programme_free(&p);
}

/* ---- student files ---- */

static void write_programme(const cb_programme *p, const char *path) {
    cb_h5 *f = cb_h5_create(path, CB_STUDENT_SCHEMA, "test", "");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    UNIT_OK(cb_programme_write(p, f));
    UNIT_OK(cb_h5_commit(&f));
}

/* The grid of a QUANT may be coarser than 1; a bias finer than the sums is refused. An
 * exporter that took 0 for the grid of all-negative f once made such a bias. */
static void test_coarse_grid(void) {
    cb_programme p = {.input_h = 1, .input_w = 2};
    cb_op *q = cb_programme_quant(&p, "in", 2);
    CU_ASSERT_PTR_NOT_NULL_FATAL(q);
    q->format[0] = (cb_format){0, 10, -3};
    q->format[1] = (cb_format){0, 0, 0}; /* no width: does not count */
    CU_ASSERT_EQUAL(cb_op_quant_frac(q), -3);
    cb_op *d = cb_programme_dense(&p, "dense", 1, true);
    CU_ASSERT_PTR_NOT_NULL_FATAL(d);
    d->w[0] = 1, d->w_frac = 5, d->bias[0] = 1, d->bias_frac = 3;
    cb_op *score = cb_programme_quant(&p, "score", 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(score);
    score->format[0] = (cb_format){0, 8, 8};
    UNIT_FAILS(cb_programme_finish(&p), "the bias has 3 fraction bits, the sums only 2");
    p.op[1].bias_frac = 2;
    UNIT_OK(cb_programme_finish(&p));
    CU_ASSERT_EQUAL(p.op[0].out_frac, -3);
    cb_programme_free(&p);
}

static void test_round_trip(void) {
    for (uint64_t seed = 0; seed < 8; seed++) {
        cb_programme p, q;
        const char *path = unit_scratch("student.h5"), *again = unit_scratch("again.h5");
        random_programme(&p, seed, 6);
        UNIT_OK(cb_programme_finish(&p));
        p.seed = -3, p.parameters = 77;
        write_programme(&p, path);
        UNIT_OK(cb_programme_read(&q, path));
        CU_ASSERT(q.seed == -3 && q.parameters == 77 && q.ebops == 12.5 && q.n_op == p.n_op);
        int planned = 0;
        CU_ASSERT_EQUAL(check_lanes(&q, seed, &planned), 0);
        for (int k = 0; k < p.n_op; k++)
            CU_ASSERT_EQUAL(memcmp(p.op[k].hi, q.op[k].hi, (size_t)outputs(&p.op[k]) * sizeof(int64_t)), 0);
        write_programme(&q, again);
        char a[65], b[65];
        UNIT_OK(cb_sha256_file(path, a));
        UNIT_OK(cb_sha256_file(again, b));
        CU_ASSERT_STRING_EQUAL(a, b);
        cb_programme_free(&p);
        cb_programme_free(&q);
        remove(path);
        remove(again);
    }
}

enum { GOOD, NO_GROUP, NAN_WEIGHT, OFF_GRID, BIG_WEIGHT, WRONG_INPUTS, BAD_KIND, BAD_ROUND, BAD_SIGN, BAD_WIDTH, BAD_COLUMNS,
       SHORT_BIAS, BAD_ACC, BAD_HEIGHT, BAD_COUNT, NOT_SCORE, EMPTY_WEIGHTS, RELU_TWO, N_BAD };
static const char *const bad_texts[N_BAD] = {
    [NO_GROUP] = "op1", [NAN_WEIGHT] = "/op0/w", [OFF_GRID] = "/op0/w", [BIG_WEIGHT] = "/op0/w",
    [WRONG_INPUTS] = "3 inputs, 4 expected", [BAD_KIND] = "kind 'softmax'", [BAD_ROUND] = "rounding mode 'NEAREST'",
    [BAD_SIGN] = "row 0: sign flag k is 2", [BAD_WIDTH] = "to (k, i, f) = (0, 8, 8)", [BAD_COLUMNS] = "/op1/format",
    [SHORT_BIAS] = "/op0/bias", [BAD_ACC] = "output 0 can reach", [BAD_HEIGHT] = "attribute input_h is 0",
    [BAD_COUNT] = "attribute n_ops is 17", [NOT_SCORE] = "last operation must quantize", [EMPTY_WEIGHTS] = "axis 1 has 0 entries",
    [RELU_TWO] = "attribute relu is 2"};

/* A student of one dense layer 4 -> 1 and the score, written by hand with one fault. */
static int write_by_hand(cb_h5 *f, int fault) {
    double w[4] = {1, -2, fault == NAN_WEIGHT ? NAN : fault == BIG_WEIGHT ? 1e10 : 3, fault == OFF_GRID ? 0.5 : 4};
    uint64_t w_dims[2] = {fault == WRONG_INPUTS ? 3 : 4, fault == EMPTY_WEIGHTS ? 0 : 1}, bias_dims[1] = {fault == SHORT_BIAS ? 2 : 1};
    int64_t bias[2] = {1, 1};
    int16_t acc[3] = {1, fault == BAD_ACC ? 6 : 16, 0}, format[4] = {fault == BAD_SIGN ? 2 : 0, fault == BAD_WIDTH ? 60 : fault == NOT_SCORE ? 7 : 8, 8, 0};
    uint64_t format_dims[2] = {1, fault == BAD_COLUMNS ? 4 : 3}, acc_dims[1] = {3};
    if (cb_h5_set_text(f, "/", "name", "hand") || cb_h5_set_text(f, "/", "family", "test") || cb_h5_set_i64(f, "/", "seed", 0) ||
        cb_h5_set_i64(f, "/", "n_ops", fault == BAD_COUNT ? 17 : 2) || cb_h5_set_f64(f, "/", "ebops", -1) ||
        cb_h5_set_i64(f, "/", "parameters", 5) || cb_h5_set_i64(f, "/", "input_h", fault == BAD_HEIGHT ? 0 : 2) ||
        cb_h5_set_i64(f, "/", "input_w", 2) || cb_h5_group(f, "/op0") ||
        cb_h5_set_text(f, "/op0", "kind", fault == BAD_KIND ? "softmax" : "dense") || cb_h5_set_text(f, "/op0", "name", "d") ||
        cb_h5_set_i64(f, "/op0", "w_frac", 0) || cb_h5_write(f, "/op0/w", CB_F64, 2, w_dims, w) ||
        cb_h5_set_i64(f, "/op0", "bias_frac", 0) || cb_h5_write(f, "/op0/bias", CB_I64, 1, bias_dims, bias) ||
        cb_h5_write(f, "/op0/acc", CB_I16, 1, acc_dims, acc))
        return -1;
    if (fault == NO_GROUP) return 0;
    return cb_h5_group(f, "/op1") || cb_h5_set_text(f, "/op1", "kind", "quant") || cb_h5_set_text(f, "/op1", "name", "q") ||
           cb_h5_set_i64(f, "/op1", "relu", fault == RELU_TWO ? 2 : 1) ||
           cb_h5_set_text(f, "/op1", "round", fault == BAD_ROUND ? "NEAREST" : "RND_CONV") ||
           cb_h5_set_text(f, "/op1", "overflow", "SAT") || cb_h5_write(f, "/op1/format", CB_I16, 2, format_dims, format);
}

static void test_bad_files(void) {
    for (int fault = GOOD; fault < N_BAD; fault++) {
        const char *path = unit_scratch("bad.h5");
        cb_programme p;
        cb_h5 *f = cb_h5_create(path, CB_STUDENT_SCHEMA, "test", "");
        CU_ASSERT_PTR_NOT_NULL_FATAL(f);
        UNIT_OK(write_by_hand(f, fault));
        UNIT_OK(cb_h5_commit(&f));
        if (fault == GOOD) {
            UNIT_OK(cb_programme_read(&p, path));
            CU_ASSERT_EQUAL(p.op[0].w[1], -2);
            cb_programme_free(&p);
        } else
            UNIT_FAILS(cb_programme_read(&p, path), bad_texts[fault]);
        remove(path);
    }
    cb_programme p;
    UNIT_FAILS(cb_programme_read(&p, "data/firmware/inputs_random4096.h5"), "inputs_random4096.h5");
    UNIT_FAILS(cb_programme_read(&p, "data/firmware/absent.h5"), "absent.h5");
}

/* ---- import ---- */

static void test_published_bounds(void) {
    cb_programme p;
    UNIT_OK(cb_firmware_import(&p, "v2", "x", "data/firmware/v2p1p2", NULL));
    double lo = 0, hi = 0;
    for (int64_t e = 0; e < outputs(&p.op[0]); e++) {
        lo = fmin(lo, (double)p.op[0].lo[e] / 256);
        hi = fmax(hi, (double)p.op[0].hi[e] / 256);
    }
    CU_ASSERT(lo < -1573 && lo > -1575 && hi > 3276 && hi < 3278); /* as worked out by others for these weights */
    cb_programme_free(&p);
}

static void test_json(void) {
    cb_programme p;
    cb_firmware_files files;
    UNIT_OK(cb_firmware_import(&p, "v2", "q", "data/published/qkeras_models/cicada-v2_folded_int.json", &files));
    CU_ASSERT(files.n == 1 && p.n_op == 6 && p.op[0].w_frac == 8);
    cb_programme_free(&p);
    cb_firmware_files_free(&files);
    UNIT_OK(cb_firmware_import(&p, "v1", "q", "data/published/qkeras_models/cicada-v1_folded_int.json", NULL));
    cb_programme_free(&p);
    UNIT_FAILS(cb_firmware_import(&p, "v1", "q", "data/published/qkeras_models/cicada-v2_folded_int.json", NULL), "not v1");
    UNIT_FAILS(cb_firmware_import(&p, "v2", "q", "data/published/qkeras_models/cicada-v1_folded_int.json", NULL), "conv_kernel_q8_tap_filter");
    UNIT_FAILS(cb_firmware_import(&p, "v3", "q", "data", NULL), "v1 or v2");
}

/* The folder may hold left-overs of another architecture and any layer numbers. */
static void test_left_overs(void) {
    char dir[512], command[2048];
    snprintf(dir, sizeof dir, "%s", unit_scratch("weights"));
    snprintf(command, sizeof command,
             "mkdir -p %s && cd %s && for f in w2 b2 w5 b5; do cp ../../../data/firmware/v1p1p2/$f.txt .; done && "
             "cp ../../../data/firmware/v2p1p2/w3.txt w03.txt && cp ../../../data/firmware/v2p1p2/b3.txt b03.txt && "
             "for f in w b; do cp ../../../data/firmware/v2p1p2/${f}7.txt ${f}11.txt; cp ../../../data/firmware/v2p1p2/${f}10.txt ${f}100.txt; done",
             dir, dir);
    CU_ASSERT_EQUAL_FATAL(system(command), 0);
    cb_programme p, q;
    UNIT_OK(cb_firmware_import(&p, "v2", "a", dir, NULL));
    UNIT_OK(cb_firmware_import(&q, "v2", "a", "data/firmware/v2p1p2", NULL));
    for (int k = 0; k < p.n_op; k += 2)
        CU_ASSERT_EQUAL(memcmp(p.op[k].w, q.op[k].w, (size_t)(p.op[k].kh * p.op[k].kw * p.op[k].in_c * p.op[k].out_c) * 4), 0);
    cb_programme_free(&p);
    cb_programme_free(&q);
    UNIT_FAILS(cb_firmware_import(&p, "v1", "a", dir, NULL), "3 ways to find architecture v1");
    UNIT_OK(cb_remove_tree(dir));
}

UNIT_MAIN("programme", {"recorded firmware, 4096 events", test_recorded}, {"recorded firmware, 256 events, and the words of the card", test_card},
          {"random programmes: lanes = plain", test_lanes}, {"quantizers value by value", test_sweep},
          {"bounds and accumulators", test_bounds}, {"formats out of range", test_formats},
          {"sums that int64 cannot hold", test_wide}, {"counts above 1023", test_counts},
          {"building", test_builder}, {"grids coarser than 1", test_coarse_grid}, {"files: round trip", test_round_trip}, {"files: bad ones", test_bad_files},
          {"bounds of v2p1p2", test_published_bounds}, {"integer weights in JSON", test_json}, {"left-over layers", test_left_overs})
