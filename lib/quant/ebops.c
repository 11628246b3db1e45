#include "ebops.h"

#include <stdlib.h>

/* Mean width of the bias, and its gradient when each unit of the mean costs `count`. */
static double bias_cost(const cb_ebops_bits *b, double count) {
    if (!b->n_bias) return 0;
    double sum = 0;
    for (int o = 0; o < b->n_bias; o++) {
        sum += b->bias[o];
        if (b->d_bias) b->d_bias[o] += count / b->n_bias;
    }
    return sum / b->n_bias * count;
}

double cb_ebops_dense(const cb_dense_shape *s, const cb_ebops_bits *b) {
    double factor = s->parallel ? (double)s->parallel / s->n_pos : 1, sum = 0;
    for (int p = 0; p < s->n_pos; p++)
        for (int c = 0; c < s->n_in; c++) {
            size_t e = (size_t)p * s->n_in + c;
            const float *bk = b->kernel + (size_t)c * s->n_out;
            double *dk = b->d_kernel ? b->d_kernel + (size_t)c * s->n_out : NULL;
            double row = 0, bi = b->input[e];
            for (int o = 0; o < s->n_out; o++) {
                row += bk[o];
                if (dk) dk[o] += bi * factor;
            }
            sum += bi * row;
            if (b->d_input) b->d_input[e] += row * factor;
        }
    return sum * factor + bias_cost(b, (double)s->n_pos * s->n_out * factor);
}

static void output_axis(int n, int k, int stride, bool same, int *out, int *before) {
    *out = same ? (n + stride - 1) / stride : (n - k) / stride + 1;
    int pad = (*out - 1) * stride + k - n;
    *before = same && pad > 0 ? pad / 2 : 0;
}

void cb_conv_output(const cb_conv_shape *s, int *oh, int *ow, int *top, int *left) {
    output_axis(s->h, s->kh, s->sy, s->same, oh, top);
    output_axis(s->w, s->kw, s->sx, s->same, ow, left);
}

/* One tap (dy, dx) at one output position: all input channels against all filters. */
static double conv_tap(const cb_conv_shape *s, const cb_ebops_bits *b, size_t pixel, size_t tap, double factor) {
    double sum = 0;
    for (int c = 0; c < s->c_in; c++) {
        size_t e = pixel * (size_t)s->c_in + (size_t)c, k = (tap * (size_t)s->c_in + (size_t)c) * (size_t)s->c_out;
        double row = 0, bi = b->input[e];
        for (int o = 0; o < s->c_out; o++) {
            row += b->kernel[k + (size_t)o];
            if (b->d_kernel) b->d_kernel[k + (size_t)o] += bi * factor;
        }
        sum += bi * row;
        if (b->d_input) b->d_input[e] += row * factor;
    }
    return sum;
}

double cb_ebops_conv(const cb_conv_shape *s, const cb_ebops_bits *b) {
    int oh, ow, top, left;
    cb_conv_output(s, &oh, &ow, &top, &left);
    double factor = s->parallel ? (double)s->parallel / (oh * ow) : 1, sum = 0;
    for (int y = 0; y < oh; y++)
        for (int x = 0; x < ow; x++)
            for (int dy = 0; dy < s->kh; dy++)
                for (int dx = 0; dx < s->kw; dx++) {
                    int iy = y * s->sy + dy - top, ix = x * s->sx + dx - left;
                    if (iy < 0 || iy >= s->h || ix < 0 || ix >= s->w) continue;
                    sum += conv_tap(s, b, (size_t)(iy * s->w + ix), (size_t)(dy * s->kw + dx), factor);
                }
    return sum * factor + bias_cost(b, (double)s->h * s->w * s->c_out);
}

void cb_ebops_widths(const cb_hgq_quantizer *q, const uint32_t *map, size_t n, float *bits) {
    for (size_t e = 0; e < n; e++) bits[e] = cb_hgq_width(q, map ? map[e] : e);
}

void cb_ebops_backward(const cb_hgq_quantizer *q, const uint32_t *map, size_t n, const double *d_bits, double scale,
                       double *di, double *dw) {
    for (size_t e = 0; e < n; e++) {
        size_t v = map ? map[e] : e;
        cb_hgq_width_gradient(q, v, scale * d_bits[e], &di[v], &dw[v]);
    }
}

int cb_bit_span(int64_t w) {
    uint64_t u = w < 0 ? -(uint64_t)w : (uint64_t)w;
    if (!u) return 0;
    while (!(u & 1)) u >>= 1;
    int n = 0;
    for (; u; u >>= 1) n++;
    return n;
}

enum { INPUT_BITS = 10 };

/* Bits of element e of the tensor that op k reads. */
static int input_bits(const cb_programme *p, int k, int64_t e) {
    if (k == 0) return INPUT_BITS;
    const cb_op *q = &p->op[k - 1];
    if (q->kind == CB_OP_LOGIC || q->kind == CB_OP_COMPARE) return 1;
    if (q->kind != CB_OP_QUANT) return 0;
    return cb_format_width(q->format[q->n_format == 1 ? 0 : e]);
}

double cb_programme_ebops_exact(const cb_programme *p) {
    double sum = 0;
    for (int k = 0; k < p->n_op; k++) {
        const cb_op *op = &p->op[k];
        if (op->kind != CB_OP_DENSE && op->kind != CB_OP_CONV2D) continue;
        for (int pos = 0; pos < op->out_h * op->out_w; pos++)
            for (int dy = 0; dy < op->kh; dy++)
                for (int x = 0; x < op->kw * op->in_c; x++) {
                    int64_t row = pos / op->out_w * op->sy + dy, column = pos % op->out_w * op->sx * op->in_c + x;
                    int bits = input_bits(p, k, row * op->in_w * op->in_c + column);
                    const int32_t *w = op->w + ((int64_t)dy * op->kw * op->in_c + x) * op->out_c;
                    for (int o = 0; o < op->out_c; o++) sum += bits * cb_bit_span(w[o]);
                }
    }
    return sum;
}
