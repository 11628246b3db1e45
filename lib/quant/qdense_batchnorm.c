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
    l->k = cb_alloc_aligned(n * (size_t)n_in, sizeof(float));
    if (!l->mean || !l->variance || !l->mu || !l->s || !l->r || !l->c || !l->rho || !l->k) {
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
    *l = (cb_qdense_bn){0};
}

/* ---- forward ---- */

/* Lanes in use in block b of n events. */
static int lanes_of(size_t b, size_t n) { return n - b * CB_LANES < CB_LANES ? (int)(n - b * CB_LANES) : CB_LANES; }

static double lane_total(const double acc[CB_LANES]) {
    double sum = 0;
    for (int k = 0; k < CB_LANES; k++) sum += acc[k];
    return sum;
}

/* Batch mean and population variance of column j, in two passes. */
static void moments(const float *z, int j, int n_out, size_t n, double *mean, double *variance) {
    size_t stride = (size_t)n_out * CB_LANES, blocks = cb_blocks(n);
    double acc[CB_LANES] = {0};
    z += j * CB_LANES;
    for (size_t b = 0; b < blocks; b++)
        for (int k = 0, m = lanes_of(b, n); k < m; k++) acc[k] += z[b * stride + (size_t)k];
    *mean = lane_total(acc) / (double)n;
    for (int k = 0; k < CB_LANES; k++) acc[k] = 0;
    for (size_t b = 0; b < blocks; b++)
        for (int k = 0, m = lanes_of(b, n); k < m; k++) {
            double d = z[b * stride + (size_t)k] - *mean;
            acc[k] += d * d;
        }
    *variance = lane_total(acc) / (double)n;
}

static double folded_code(cb_qbits q, double x) {
    return cb_quantized_bits_code(q, x) * cb_pow2(-cb_qbits_fraction(q));
}

void cb_qdense_bn_fold_batch(cb_qdense_bn *l, const float *z, size_t n_event) {
    l->frozen = l->freeze_delay >= 0 && l->calls - 1 > l->freeze_delay; /* the package's counter starts at -1 */
    l->calls++;
    for (int j = 0; j < l->n_out; j++) {
        double variance;
        moments(z, j, l->n_out, n_event, &l->mu[j], &variance);
        if (!l->frozen) { /* before the folding below, which sees the new averages */
            l->mean[j] -= (l->mean[j] - l->mu[j]) * decay;
            l->variance[j] -= (l->variance[j] - variance) * decay;
        }
        l->r[j] = sqrt(l->variance[j] + epsilon);
        l->s[j] = sqrt(variance + epsilon);
        double centre = l->frozen ? l->mean[j] : l->mu[j], width = l->frozen ? l->r[j] : l->s[j];
        bool by_batch = l->folding == CB_FOLD_BATCH && !l->frozen;
        double scale = l->gamma[j] / (by_batch ? l->s[j] : l->r[j]);
        double bias = l->gamma[j] * (l->b[j] - centre) / width + l->beta[j];
        l->rho[j] = l->frozen || by_batch ? 1 : (float)(l->r[j] / l->s[j]);
        l->c[j] = (float)(l->quantized ? folded_code(l->bias, bias) : bias);
        for (size_t e = (size_t)j; e < (size_t)l->n_in * (size_t)l->n_out; e += (size_t)l->n_out)
            l->k[e] = (float)(l->quantized ? folded_code(l->kernel, scale * l->w[e]) : scale * l->w[e]);
    }
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

typedef struct {
    double g, ga, gz; /* sums of G, G a, G (z - m) */
} column_sums;

static column_sums sum_column(const float *z, const float *a, const float *g, size_t stride, size_t blocks, double m) {
    double sg[CB_LANES] = {0}, sa[CB_LANES] = {0}, sz[CB_LANES] = {0};
    for (size_t b = 0; b < blocks; b++, z += stride, a += stride, g += stride)
        for (int k = 0; k < CB_LANES; k++) { /* dead lanes have G = 0 */
            double d = g[k];
            sg[k] += d;
            sa[k] += d * a[k];
            sz[k] += d * (z[k] - m);
        }
    return (column_sums){lane_total(sg), lane_total(sa), lane_total(sz)};
}

static void backward_column(cb_qdense_bn *l, int j, float *z, float *a, float *g, size_t n) {
    size_t stride = (size_t)l->n_out * CB_LANES, blocks = cb_blocks(n);
    double m = l->frozen ? l->mean[j] : l->mu[j], h = l->frozen ? l->r[j] : l->s[j], gamma = l->gamma[j];
    column_sums sum = sum_column(z, a, g, stride, blocks, m);
    l->dbeta[j] = (float)sum.g;
    l->dgamma[j] = (float)(sum.gz / h);
    l->db[j] = l->frozen ? (float)(gamma * sum.g / h) : 0;
    double dmu = 0, dvar = 0, rho = l->rho[j], direct = gamma / h;
    if (!l->frozen) {
        double part = l->folding == CB_FOLD_EMA ? l->r[j] * sum.ga + gamma * (l->b[j] - m) * sum.g : gamma * sum.gz;
        dvar = -0.5 / (h * h * h) * part * 2 / (double)n;
        dmu = -gamma * sum.g / h / (double)n;
    }
    for (size_t b = 0; b < blocks; b++, z += stride, a += stride, g += stride)
        for (int k = 0, live = lanes_of(b, n); k < CB_LANES; k++) {
            double dz = k < live ? dmu + dvar * (z[k] - m) : 0;
            a[k] = (float)(direct * g[k] + dz);
            z[k] = (float)dz;
            g[k] = (float)(rho * g[k]);
        }
}

void cb_qdense_bn_backward(cb_qdense_bn *l, float *z, float *a, float *g, size_t n_event) {
    for (int j = 0; j < l->n_out; j++)
        backward_column(l, j, z + j * CB_LANES, a + j * CB_LANES, g + j * CB_LANES, n_event);
}
