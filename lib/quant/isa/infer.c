/* Exact inference of QKeras students in float64 lanes; contract in quant/infer_lanes.h. Plain C that the compiler
 * turns into vectors: products and sums are rounded one by one, in the order of the index. */
#include "quant/infer_lanes.h"

#include "nn/isa.h"
#include "nn/lanes.h"

#define infer_relu CB_ISA_FN(cb_infer_relu)
#define infer_conv CB_ISA_FN(cb_infer_conv)
#define infer_dense CB_ISA_FN(cb_infer_dense)
void infer_relu(const cb_infer_rule *q, int n, double *x);
void infer_conv(const cb_tile_conv *c, const double *image, const double *w, double *out);
void infer_dense(const double *x, const double *w, const double *bias, int n_in, int n_out, double *y);

void infer_relu(const cb_infer_rule *q, int n, double *x) {
    const double magic = 6755399441055744; /* 1.5 * 2^52: rounds to the nearest integer, ties to even */
    double scale = q->scale, last = q->last, step = q->step;
    for (int e = 0; e < n * CB_LANES; e++) {
        double v = x[e] > 0 ? x[e] : 0;
        if (q->quantized) {
            v *= scale;
            v = v < last ? v : last;
            v = ((v + magic) - magic) * step;
        }
        x[e] = v;
    }
}

void infer_conv(const cb_tile_conv *c, const double *image, const double *w, double *out) {
    for (int p = 0; p < c->oh * c->ow; p++)
        for (int f = 0; f < c->filters; f++, out += CB_LANES) {
            double acc[CB_LANES] = {0};
            for (int t = 0; t < c->kernel * c->kernel; t++) {
                int y = p / c->ow * c->kernel + t / c->kernel, x = p % c->ow * c->kernel + t % c->kernel;
                const double *in = image + (size_t)(y * c->width + x) * CB_LANES, wt = w[t * c->filters + f];
                for (int l = 0; l < CB_LANES; l++) acc[l] += in[l] * wt;
            }
            for (int l = 0; l < CB_LANES; l++) out[l] = acc[l];
        }
}

void infer_dense(const double *x, const double *w, const double *bias, int n_in, int n_out, double *y) {
    int j = 0;
    for (; j + 4 <= n_out; j += 4) {
        double a[CB_LANES], b[CB_LANES], c[CB_LANES], d[CB_LANES];
        for (int l = 0; l < CB_LANES; l++) a[l] = bias[j], b[l] = bias[j + 1], c[l] = bias[j + 2], d[l] = bias[j + 3];
        for (int i = 0; i < n_in; i++) {
            const double *in = x + (size_t)i * CB_LANES, *k = w + (size_t)i * (size_t)n_out + (size_t)j;
            double k0 = k[0], k1 = k[1], k2 = k[2], k3 = k[3];
            for (int l = 0; l < CB_LANES; l++) a[l] += in[l] * k0;
            for (int l = 0; l < CB_LANES; l++) b[l] += in[l] * k1;
            for (int l = 0; l < CB_LANES; l++) c[l] += in[l] * k2;
            for (int l = 0; l < CB_LANES; l++) d[l] += in[l] * k3;
        }
        double *out = y + (size_t)j * CB_LANES;
        for (int l = 0; l < CB_LANES; l++) out[l] = a[l];
        for (int l = 0; l < CB_LANES; l++) out[CB_LANES + l] = b[l];
        for (int l = 0; l < CB_LANES; l++) out[2 * CB_LANES + l] = c[l];
        for (int l = 0; l < CB_LANES; l++) out[3 * CB_LANES + l] = d[l];
    }
    for (; j < n_out; j++) {
        double a[CB_LANES];
        for (int l = 0; l < CB_LANES; l++) a[l] = bias[j];
        for (int i = 0; i < n_in; i++)
            for (int l = 0; l < CB_LANES; l++) a[l] += x[(size_t)i * CB_LANES + (size_t)l] * w[(size_t)i * (size_t)n_out + (size_t)j];
        for (int l = 0; l < CB_LANES; l++) y[(size_t)j * CB_LANES + (size_t)l] = a[l];
    }
}
