/* QKeras: every recorded row and student (tests/golden/golden_qkeras.c), gradients
 * against finite differences of an independent float64 forward pass, determinism. */
#define GOLDEN_PART
#include "../golden/golden_qkeras.c"
#include "base/rng.h"
#include "nn/dense.h"
#include "base/threads.h"
#include "unit.h"

static void run_golden(int (*check)(const char *, bool, golden *), int least) {
    golden tally;
    const char *dir = getenv("GOLDEN");
    CU_ASSERT_EQUAL(check(dir && *dir ? dir : "data/golden", true, &tally), 0);
    CU_ASSERT_EQUAL(tally.failed, 0);
    CU_ASSERT(!tally.h5 && (tally.ok >= least || tally.ok == 0)); /* 0: the folder is absent, and was said to be */
}

static void test_golden_quantizers(void) { run_golden(qkeras_quantizers, 5 + 18); }
static void test_golden_students(void) { run_golden(qkeras_train, 350); }

/* Vectors of qkeras 0.9.0, and what holds for every format. */
static void test_quantizers(void) {
    static const float v[][2] = {{0.0078125f, 0}, {0.0234375f, 0.03125f}, {0.0390625f, 0.03125f}, {-0.0234375f, -0.03125f},
                                 {1.99f, 1.984375f}, {2, 1.984375f}, {-2, -1.984375f}, {5, 1.984375f}};
    for (size_t k = 0; k < sizeof v / sizeof *v; k++) CU_ASSERT_EQUAL(cb_quantized_bits(cb_qbits_8_1, v[k][0]), v[k][1]);
    static const float r[][2] = {{-1, 0}, {0.03125f, 0}, {0.09375f, 0.125f}, {0.15625f, 0.125f}, {63.9375f, 63.9375f}, {100, 63.9375f}};
    for (size_t k = 0; k < sizeof r / sizeof *r; k++) CU_ASSERT_EQUAL(cb_quantized_relu(cb_qrelu_10_6, r[k][0]), r[k][1]);
    cb_rng g = cb_rng_at(1, "test-qkeras", 0);
    for (int e = 0; e < 20000; e++) {
        int bits = 2 + (int)cb_rng_below(&g, 14), integer = (int)cb_rng_below(&g, 6);
        cb_qbits q = {bits, integer, cb_rng_below(&g, 2), cb_rng_below(&g, 2)};
        float x = (float)(cb_rng_normal(&g) * cb_pow2(integer));
        float y = cb_quantized_bits(q, x), step = (float)cb_pow2(-cb_qbits_fraction(q));
        CU_ASSERT_EQUAL(cb_quantized_bits(q, y), y); /* idempotent */
        cb_format t = cb_qbits_format(q);
        int64_t code = cb_quantized_bits_code(q, x);
        CU_ASSERT_EQUAL((float)code * step, y);
        CU_ASSERT(code <= cb_format_max(t) && code >= cb_format_min(t, CB_SAT) + (q.keep_negative && q.symmetric));
        if (q.symmetric || !q.keep_negative) /* the integer quantizer of the programme agrees */
            CU_ASSERT_EQUAL(code, cb_fixed_quantize((int64_t)((double)x * 0x1p40), 40, t, CB_RND_CONV,
                                                    q.keep_negative ? CB_SAT_SYM : CB_SAT));
    }
}

/* ---- the layer's gradient against finite differences ---- */

enum { N_IN = 6, N_OUT = 3, N_EVENT = 20 };

/* sum of weight * y over a batch, in float64, straight from the definition with q(u) = u + shift. */
typedef struct {
    double w[N_IN * N_OUT], b[N_OUT], gamma[N_OUT], beta[N_OUT];
} layer_weights;

static double objective(const layer_weights *p, const float *x, const float *g, const float *kshift, const double *mv,
                        cb_folding folding) {
    double sum = 0;
    for (int j = 0; j < N_OUT; j++) {
        double z[N_EVENT], mu = 0, var = 0;
        for (int e = 0; e < N_EVENT; e++) {
            z[e] = p->b[j];
            for (int i = 0; i < N_IN; i++) z[e] += x[e * N_IN + i] * p->w[i * N_OUT + j];
            mu += z[e] / N_EVENT;
        }
        for (int e = 0; e < N_EVENT; e++) var += (z[e] - mu) * (z[e] - mu) / N_EVENT;
        double s = sqrt(var + 1e-3), r = sqrt(mv[j] + 1e-3), h = folding == CB_FOLD_EMA ? r : s;
        double bias = p->gamma[j] * (p->b[j] - mu) / s + p->beta[j], rho = folding == CB_FOLD_EMA ? r / s : 1;
        for (int e = 0; e < N_EVENT; e++) {
            double a = 0;
            for (int i = 0; i < N_IN; i++)
                a += x[e * N_IN + i] * (p->gamma[j] * p->w[i * N_OUT + j] / h + kshift[i * N_OUT + j]);
            sum += g[e * N_OUT + j] * (a * rho + bias);
        }
    }
    return sum;
}

static void to_lanes(float *lanes, const float *x, int n) {
    memset(lanes, 0, cb_blocks(N_EVENT) * (size_t)n * CB_LANES * sizeof *lanes);
    for (int e = 0; e < N_EVENT; e++)
        for (int f = 0; f < n; f++) lanes[((e / CB_LANES) * n + f) * CB_LANES + e % CB_LANES] = x[e * n + f];
}

enum { BN_BLOCKS = 2, SUMS = N_OUT * CB_LANES };

static int live(size_t k) { return N_EVENT - (int)k * CB_LANES < CB_LANES ? N_EVENT - (int)k * CB_LANES : CB_LANES; }

static void fold(cb_qdense_bn *l, const float *z) {
    double sum[2 * SUMS] = {0};
    const double *first = sum, *second = sum + SUMS;
    for (size_t k = 0; k < BN_BLOCKS; k++) cb_column_moments(z + k * SUMS, N_OUT, live(k), sum, sum + SUMS);
    cb_qdense_bn_statistics(l, &first, &second, 1, N_EVENT);
    cb_qdense_bn_fold_rows(l, 0, N_IN / 2);
    cb_qdense_bn_fold_rows(l, N_IN / 2, N_IN);
}

/* g becomes e. */
static void backward(cb_qdense_bn *l, const float *z, const float *a, float *g) {
    double sums[3 * SUMS] = {0};
    const double *part = sums;
    float pair[2 * SUMS];
    for (int e = 0; e < BN_BLOCKS * SUMS; e++) {
        int at = e % SUMS, j = at / CB_LANES;
        sums[at] += g[e];
        sums[SUMS + at] += (double)g[e] * a[e];
        sums[2 * SUMS + at] += (double)g[e] * ((double)z[e] - l->column[j].mean);
    }
    cb_qdense_bn_columns(l, &part, 1, N_EVENT);
    for (size_t k = 0; k < BN_BLOCKS; k++)
        cb_column_gradient(l->column, z + k * SUMS, N_OUT, live(k), g + k * SUMS, pair);
}

static void differences(cb_folding folding) {
    enum { BLOCK2 = 2 * CB_LANES };
    float x[N_EVENT * N_IN], g[N_EVENT * N_OUT], w[N_IN * N_OUT], b[N_OUT], gamma[N_OUT], beta[N_OUT], shift[N_IN * N_OUT];
    float dw[N_IN * N_OUT], db[N_OUT], dgamma[N_OUT], dbeta[N_OUT];
    float xl[BLOCK2 * N_IN], z[BLOCK2 * N_OUT], a[BLOCK2 * N_OUT], gl[BLOCK2 * N_OUT];
    layer_weights p;
    cb_qdense_bn l;
    cb_rng r = cb_rng_at(2, "test-bn", 0);
    for (int e = 0; e < N_EVENT * N_IN; e++) x[e] = (float)cb_rng_below(&r, 8);
    for (int e = 0; e < N_EVENT * N_OUT; e++) g[e] = (float)cb_rng_normal(&r);
    for (int e = 0; e < N_IN * N_OUT; e++) p.w[e] = w[e] = (float)cb_rng_normal(&r) * 0.3f;
    for (int j = 0; j < N_OUT; j++) {
        p.b[j] = b[j] = (float)cb_rng_normal(&r), p.beta[j] = beta[j] = (float)cb_rng_normal(&r);
        p.gamma[j] = gamma[j] = 0.5f + cb_rng_f32(&r);
    }
    UNIT_OK(cb_qdense_bn_new(&l, N_IN, N_OUT));
    l.folding = folding;
    l.w = w, l.b = b, l.gamma = gamma, l.beta = beta, l.dw = dw, l.db = db, l.dgamma = dgamma, l.dbeta = dbeta;
    to_lanes(xl, x, N_IN);
    to_lanes(gl, g, N_OUT);
    for (size_t k = 0; k < 2; k++) cb_dense_forward(xl + k * N_IN * CB_LANES, w, b, N_IN, N_OUT, z + k * N_OUT * CB_LANES);
    fold(&l, z);
    for (int i = 0; i < N_IN; i++)
        for (int j = 0; j < N_OUT; j++)
            shift[i * N_OUT + j] = (float)(l.k[i * N_OUT + j] -
                                           gamma[j] * w[i * N_OUT + j] / (folding == CB_FOLD_EMA ? l.r[j] : l.s[j]));
    for (size_t k = 0; k < 2; k++) cb_dense_forward(xl + k * N_IN * CB_LANES, l.k, NULL, N_IN, N_OUT, a + k * N_OUT * CB_LANES);
    backward(&l, z, a, gl);
    memset(dw, 0, sizeof dw);
    cb_dense_gradient(xl, N_IN * CB_LANES, gl, N_OUT * CB_LANES, 2, N_IN, N_OUT, dw, NULL);
    double h = 1e-5;
    struct {
        double *v;
        const float *got;
        int n;
    } part[] = {{p.w, dw, N_IN * N_OUT}, {p.gamma, dgamma, N_OUT}, {p.beta, dbeta, N_OUT}, {p.b, db, N_OUT}};
    for (int t = 0; t < 4; t++)
        for (int e = 0; e < part[t].n; e++) {
            double keep = part[t].v[e], up, down;
            part[t].v[e] = keep + h, up = objective(&p, x, g, shift, l.variance, folding);
            part[t].v[e] = keep - h, down = objective(&p, x, g, shift, l.variance, folding);
            part[t].v[e] = keep;
            CU_ASSERT_DOUBLE_EQUAL(part[t].got[e], (up - down) / (2 * h), 2e-4);
        }
    cb_qdense_bn_free(&l);
}

static void test_gradients(void) {
    differences(CB_FOLD_EMA);
    differences(CB_FOLD_BATCH);
}

UNIT_MAIN("qkeras", {"quantizers", test_quantizers}, {"gradients by differences", test_gradients},
          {"recorded quantizers", test_golden_quantizers}, {"recorded students", test_golden_students})
