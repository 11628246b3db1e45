#include "quant/qdense_batchnorm.h"

#include <math.h>
#include <stdlib.h>

#include "base/fmath.h"
#include "nn/lanes.h"

static const double epsilon = 1e-3, decay = 0.01; /* Keras: momentum 0.99 */

int cb_qdense_bn_new(cb_qdense_bn *l, int n_in, int n_out) {
    size_t n = (size_t)n_out;
    *l = (cb_qdense_bn){.n_in = n_in,
                        .n_out = n_out,
                        .freeze_delay = -1,
                        .quantized = true,
                        .kernel = cb_qbits_8_1,
                        .bias = cb_qbits_8_3};
    l->mean = cb_alloc(n, sizeof(double));
    l->variance = cb_alloc(n, sizeof(double));
    l->mu = cb_alloc(n, sizeof(double));
    l->s = cb_alloc(n, sizeof(double));
    l->r = cb_alloc(n, sizeof(double));
    l->c = cb_alloc(n, sizeof(float));
    l->rho = cb_alloc(n, sizeof(float));
    l->scale = cb_alloc(n, sizeof(double));
    l->column = cb_alloc(n, sizeof *l->column);
    l->k = cb_alloc_aligned(n * (size_t)n_in, sizeof(float));
    if (!l->mean || !l->variance || !l->mu || !l->s || !l->r || !l->c || !l->rho || !l->k ||
        !l->scale || !l->column) {
        cb_qdense_bn_free(l);
        return -1;
    }
    for (int j = 0; j < n_out; j++) l->variance[j] = 1;
    return 0;
}

void cb_qdense_bn_free(cb_qdense_bn *l) {
    free(l->mean);
    free(l->variance);
    free(l->mu);
    free(l->s);
    free(l->r);
    free(l->c);
    free(l->rho);
    free(l->k);
    free(l->scale);
    free(l->column);
    *l = (cb_qdense_bn){0};
}

/* ---- forward ---- */

/* Row `row` of [..][16] in each part: lanes ascending, parts ascending. */
static double total(const double *const *part, int n_part, size_t row) {
    double all = 0;
    for (int p = 0; p < n_part; p++) {
        double sum = 0;
        for (size_t k = 0; k < CB_LANES; k++) sum += part[p][row * CB_LANES + k];
        all += sum;
    }
    return all;
}

static double folded_code(cb_qbits q, double x) {
    return cb_quantized_bits_code(q, x) * cb_pow2(-cb_qbits_fraction(q));
}

void cb_qdense_bn_statistics(cb_qdense_bn *l, const double *const *sum, const double *const *square, int n_part,
                             size_t n_event) {
    l->frozen = l->freeze_delay >= 0 && l->calls - 1 > l->freeze_delay; /* the package's counter starts at -1 */
    l->calls++;
    for (int j = 0; j < l->n_out; j++) {
        l->mu[j] = total(sum, n_part, (size_t)j) / (double)n_event;
        double variance = total(square, n_part, (size_t)j) / (double)n_event - l->mu[j] * l->mu[j];
        if (variance < 0) variance = 0; /* rounding of a constant column */
        if (!l->frozen) { /* before the folding below, which sees the new averages */
            l->mean[j] -= (l->mean[j] - l->mu[j]) * decay;
            l->variance[j] -= (l->variance[j] - variance) * decay;
        }
        l->r[j] = sqrt(l->variance[j] + epsilon);
        l->s[j] = sqrt(variance + epsilon);
        double centre = l->frozen ? l->mean[j] : l->mu[j], width = l->frozen ? l->r[j] : l->s[j];
        bool by_batch = l->folding == CB_FOLD_BATCH && !l->frozen;
        l->scale[j] = l->gamma[j] / (by_batch ? l->s[j] : l->r[j]);
        double bias = l->gamma[j] * (l->b[j] - centre) / width + l->beta[j];
        l->rho[j] = l->frozen || by_batch ? 1 : (float)(l->r[j] / l->s[j]);
        l->c[j] = (float)(l->quantized ? folded_code(l->bias, bias) : bias);
        l->column[j].mean = (float)centre;
    }
}

void cb_qdense_bn_fold_rows(cb_qdense_bn *l, int first, int last) {
    size_t at = (size_t)first * (size_t)l->n_out;
    double step = cb_pow2(-cb_qbits_fraction(l->kernel)), top = cb_pow2(cb_qbits_magnitude(l->kernel)) - 1;
    cb_fold_rows(l->w + at, l->scale, step, l->quantized ? top : -1, last - first, l->n_out, l->k + at);
}

void cb_qdense_bn_fold(const cb_qdense_bn *l, double *kf, double *bf, double *kq, double *bq) {
    for (int j = 0; j < l->n_out; j++) {
        double r = sqrt(l->variance[j] + epsilon), scale = l->gamma[j] / r;
        double bias = l->gamma[j] * (l->b[j] - l->mean[j]) / r + l->beta[j];
        if (bf) bf[j] = bias;
        if (bq) bq[j] = l->quantized ? folded_code(l->bias, bias) : bias;
        for (size_t e = (size_t)j; e < (size_t)l->n_in * (size_t)l->n_out; e += (size_t)l->n_out) {
            if (kf) kf[e] = scale * l->w[e];
            if (kq) kq[e] = l->quantized ? folded_code(l->kernel, scale * l->w[e]) : scale * l->w[e];
        }
    }
}

/* ---- backward ---- */

void cb_qdense_bn_columns(cb_qdense_bn *l, const double *const *sums, int n_part, size_t n_event) {
    for (int j = 0; j < l->n_out; j++) {
        cb_column *c = &l->column[j];
        double m = l->frozen ? l->mean[j] : l->mu[j], h = l->frozen ? l->r[j] : l->s[j], gamma = l->gamma[j];
        size_t row = (size_t)j, plane = (size_t)l->n_out;
        double g = total(sums, n_part, row), ga = total(sums, n_part, row + plane);
        double gz = total(sums, n_part, row + 2 * plane) + (c->mean - m) * g; /* about m, not its float32 */
        l->dbeta[j] = (float)g;
        l->dgamma[j] = (float)(gz / h);
        l->db[j] = l->frozen ? (float)(gamma * g / h) : 0;
        double dmu = 0, dvar = 0;
        if (!l->frozen) {
            double part = l->folding == CB_FOLD_EMA ? l->r[j] * ga + gamma * (l->b[j] - m) * g : gamma * gz;
            dvar = -0.5 / (h * h * h) * part * 2 / (double)n_event;
            dmu = -gamma * g / h / (double)n_event + dvar * (c->mean - m);
        }
        c->dmu = (float)dmu;
        c->dvar = (float)dvar;
        c->direct = (float)(gamma / h);
        c->rho = l->rho[j];
    }
}
