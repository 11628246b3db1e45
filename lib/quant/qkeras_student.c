#include "quant/qkeras_student.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fmath.h"
#include "base/rng.h"
#include "base/threads.h"
#include "nn/adam.h"
#include "nn/dense.h"
#include "quant/student_kernels.h"

/* ---- state ---- */

cb_qkeras_shape cb_qkeras_cicada(bool v2, int height, int width) {
    return (cb_qkeras_shape){.height = height,
                             .width = width,
                             .conv = v2,
                             .filters = 4,
                             .kernel = 2,
                             .hidden = 16,
                             .quantized = true,
                             .drop_flat = 1.0f / 9,
                             .drop_hidden = 1.0f / 8,
                             .freeze_delay = -1,
                             .seed = 1};
}

/* he_normal: truncated normal, redrawn outside two sigma (spec qkeras 2.1). */
static void he_normal(float *w, size_t n, int fan_in, uint64_t seed, const char *stream) {
    double sigma = sqrt(2.0 / fan_in) / 0.87962566103423978;
    cb_rng r = cb_rng_at(seed, stream, 0);
    for (size_t e = 0; e < n; e++) {
        double x;
        do x = cb_rng_normal(&r);
        while (x < -2 || x > 2);
        w[e] = (float)(sigma * x);
    }
}

static void place(float *base, const cb_qkeras_student *m, float *part[6]) {
    size_t hidden = (size_t)m->shape.hidden;
    part[0] = base;
    part[1] = part[0] + m->n_conv;
    part[2] = part[1] + (size_t)m->n_flat * hidden;
    for (int k = 3; k < 6; k++) part[k] = part[k - 1] + hidden;
}

static void place_all(cb_qkeras_student *m) {
    float *w[6], *d[6];
    place(m->weight, m, w);
    place(m->gradient, m, d);
    m->conv = w[0], m->kernel = w[1], m->bias = w[2], m->gamma = w[3], m->beta = w[4], m->out = w[5];
    m->d_conv = d[0], m->d_kernel = d[1], m->d_bias = d[2], m->d_gamma = d[3], m->d_beta = d[4], m->d_out = d[5];
    cb_qdense_bn *l = &m->bn;
    l->w = m->kernel, l->b = m->bias, l->gamma = m->gamma, l->beta = m->beta;
    l->dw = m->d_kernel, l->db = m->d_bias, l->dgamma = m->d_gamma, l->dbeta = m->d_beta;
    l->folding = m->shape.folding;
    l->freeze_delay = m->shape.freeze_delay;
    l->quantized = m->shape.quantized;
}

int cb_qkeras_student_new(cb_qkeras_student *m, const cb_qkeras_shape *shape) {
    *m = (cb_qkeras_student){.shape = *shape, .n_flat = shape->height * shape->width};
    if (shape->conv) {
        if (shape->kernel > shape->height || shape->kernel > shape->width)
            return cb_fail("student: a %dx%d convolution does not fit an image of %dx%d; lower student.kernel",
                           shape->kernel, shape->kernel, shape->height, shape->width);
        m->oh = shape->height / shape->kernel;
        m->ow = shape->width / shape->kernel;
        m->n_flat = m->oh * m->ow * shape->filters;
        m->n_conv = (size_t)(shape->kernel * shape->kernel * shape->filters);
    }
    size_t hidden = (size_t)shape->hidden;
    m->n_weight = m->n_conv + (size_t)m->n_flat * hidden + 4 * hidden;
    m->weight = cb_alloc_aligned(m->n_weight, sizeof(float));
    m->gradient = cb_alloc_aligned(m->n_weight, sizeof(float));
    m->adam_m = cb_alloc_aligned(m->n_weight, sizeof(float));
    m->adam_v = cb_alloc_aligned(m->n_weight, sizeof(float));
    if (!m->weight || !m->gradient || !m->adam_m || !m->adam_v ||
        cb_qdense_bn_new(&m->bn, m->n_flat, shape->hidden)) {
        cb_qkeras_student_free(m);
        return -1;
    }
    place_all(m);
    he_normal(m->conv, m->n_conv, shape->kernel * shape->kernel, shape->seed, "init-conv");
    he_normal(m->kernel, (size_t)m->n_flat * hidden, m->n_flat, shape->seed, "init-dense");
    he_normal(m->out, hidden, shape->hidden, shape->seed, "init-out");
    for (size_t j = 0; j < hidden; j++) m->gamma[j] = 1;
    return 0;
}

void cb_qkeras_student_free(cb_qkeras_student *m) {
    free(m->weight);
    free(m->gradient);
    free(m->adam_m);
    free(m->adam_v);
    cb_qdense_bn_free(&m->bn);
    *m = (cb_qkeras_student){0};
}

int cb_qkeras_work_new(cb_qkeras_work *w, const cb_qkeras_student *m, uint32_t room) {
    *w = (cb_qkeras_work){.room = cb_blocks(room)};
    size_t row = w->room * CB_LANES, hidden = (size_t)m->shape.hidden, flat = m->shape.conv ? (size_t)m->n_flat : 0;
    struct {
        float **p;
        size_t n;
    } want[] = {{&w->flat, row * flat},         {&w->flat_slope, row * flat},
                {&w->z, row * hidden},          {&w->a, row * hidden},
                {&w->g, row * hidden},          {&w->slope, row * hidden},
                {&w->hidden, row * hidden},     {&w->score, row},
                {&w->d_score, row},             {&w->shard, CB_SHARDS * m->n_weight},
                {&w->conv_lanes, CB_SHARDS * m->n_conv * CB_LANES},
                {&w->d_flat, CB_SHARDS * 2 * flat * CB_LANES},
                {&w->conv_q, m->n_conv},        {&w->out_q, hidden}};
    for (size_t k = 0; k < sizeof want / sizeof *want; k++) {
        *want[k].p = cb_alloc_aligned(want[k].n + 1, sizeof(float));
        if (!*want[k].p) {
            cb_qkeras_work_free(w);
            return -1;
        }
    }
    return 0;
}

void cb_qkeras_work_free(cb_qkeras_work *w) {
    float *const all[] = {w->flat,  w->flat_slope, w->z,          w->a,      w->g,      w->slope, w->hidden,
                          w->score, w->d_score,    w->shard,      w->conv_lanes, w->d_flat, w->conv_q, w->out_q};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) free(all[k]);
    *w = (cb_qkeras_work){0};
}

/* ---- relu with dropout ---- */

static cb_relu_rule relu_rule_of(cb_qrelu q, bool quantized) {
    return (cb_relu_rule){(float)cb_pow2(q.bits - q.integer), (float)cb_pow2(q.integer - q.bits),
                          (float)(cb_pow2(q.bits) - 1), quantized ? (float)cb_qrelu_top(q) : INFINITY, quantized};
}

/* Fills mask[n][16] of a block: recorded, drawn, or ones. */
static void fill_mask(const cb_qkeras_student *m, const float *recorded, int n, float p, const char *stream,
                      size_t block, float *mask) {
    if (recorded) memcpy(mask, recorded + block * (size_t)n * CB_LANES, (size_t)n * CB_LANES * sizeof *mask);
    else if (p > 0)
        cb_dropout_mask(mask, n, p, (float)(1 / (1 - (double)p)), m->shape.seed, stream, m->step, block);
    else
        for (int e = 0; e < n * CB_LANES; e++) mask[e] = 1;
}

/* ---- convolution, stride = kernel size ---- */

static cb_tile_conv tile_conv(const cb_qkeras_student *m) {
    return (cb_tile_conv){m->shape.width, m->shape.kernel, m->shape.filters, m->oh, m->ow};
}

/* slope holds the dropout mask before, d flat / d convolution after. */
static void conv_forward(const cb_qkeras_student *m, const cb_qkeras_work *w, const float *image, float *flat,
                         float *slope) {
    cb_relu_rule relu = relu_rule_of(cb_qrelu_10_6, m->shape.quantized);
    cb_tile_conv c = tile_conv(m);
    cb_tile_conv_forward(&c, image, w->conv_q, flat);
    cb_relu_drop(&relu, flat, slope, flat, slope, (size_t)m->n_flat * CB_LANES);
}

/* ---- one step ---- */

static const float *flat_block(const cb_qkeras_student *m, const cb_qkeras_work *w, const cb_student_batch *b,
                               size_t k) {
    return (m->shape.conv ? w->flat : b->x) + k * (size_t)m->n_flat * CB_LANES;
}

static void quantize_kernels(const cb_qkeras_student *m, cb_qkeras_work *w) {
    bool q = m->shape.quantized;
    for (size_t e = 0; e < m->n_conv; e++) w->conv_q[e] = q ? cb_quantized_bits(cb_qbits_12_3, m->conv[e]) : m->conv[e];
    for (int j = 0; j < m->shape.hidden; j++) w->out_q[j] = q ? cb_quantized_bits(cb_qbits_12_3, m->out[j]) : m->out[j];
}

/* Image -> flat -> z, block by block. */
static void forward_to_z(cb_qkeras_student *m, cb_qkeras_work *w, cb_student_batch *b) {
    size_t flat = (size_t)m->n_flat * CB_LANES, hidden = (size_t)m->shape.hidden * CB_LANES;
#pragma omp parallel for schedule(static)
    for (size_t k = 0; k < b->n_block; k++) {
        if (b->set) cb_student_batch_block(b, k);
        if (m->shape.conv) {
            fill_mask(m, w->keep_flat, m->n_flat, m->shape.drop_flat, "dropout-flat", k, w->flat_slope + k * flat);
            conv_forward(m, w, b->x + k * (size_t)b->n_feature * CB_LANES, w->flat + k * flat,
                         w->flat_slope + k * flat);
        }
        cb_dense_forward(flat_block(m, w, b, k), m->kernel, m->bias, m->n_flat, m->shape.hidden, w->z + k * hidden);
    }
    b->set = NULL;
}

/* Folded dense layer -> score -> loss, and back to G = d loss / d dense output; one block. */
static double block_loss(cb_qkeras_student *m, cb_qkeras_work *w, const cb_student_batch *b, size_t k) {
    int hidden = m->shape.hidden;
    size_t row = k * (size_t)hidden * CB_LANES;
    cb_relu_rule relu = relu_rule_of(cb_qrelu_10_6, m->shape.quantized);
    cb_relu_rule last = relu_rule_of(cb_qrelu_16_8, m->shape.quantized);
    cb_dense_forward(flat_block(m, w, b, k), m->bn.k, NULL, m->n_flat, hidden, w->a + row);
    fill_mask(m, w->keep_hidden, hidden, m->shape.drop_hidden, "dropout-hidden", k, w->slope + row);
    for (int j = 0; j < hidden; j++)
        for (int l = 0; l < CB_LANES; l++) {
            size_t e = row + (size_t)(j * CB_LANES + l);
            w->hidden[e] = w->a[e] * m->bn.rho[j] + m->bn.c[j];
        }
    if (w->dense) memcpy(w->dense + row, w->hidden + row, (size_t)hidden * CB_LANES * sizeof *w->dense);
    cb_relu_drop(&relu, w->hidden + row, w->slope + row, w->hidden + row, w->slope + row, (size_t)hidden * CB_LANES);
    float o[CB_LANES], one[CB_LANES], *d = w->d_score + k * CB_LANES;
    for (int l = 0; l < CB_LANES; l++) one[l] = 1;
    cb_dense_forward(w->hidden + row, w->out_q, NULL, hidden, 1, o);
    cb_relu_drop(&last, o, one, w->score + k * CB_LANES, one, CB_LANES);
    double sum = cb_mae_block(w->score + k * CB_LANES, b->y + k * CB_LANES, cb_student_lanes(b, k),
                              1.0f / (float)b->n_event, d);
    for (int l = 0; l < CB_LANES; l++) d[l] *= one[l];
    for (int j = 0; j < hidden; j++)
        for (int l = 0; l < CB_LANES; l++) {
            size_t e = row + (size_t)(j * CB_LANES + l);
            w->g[e] = d[l] * w->out_q[j] * w->slope[e];
        }
    return sum;
}

/* Through the dense layer into the convolution; one shard of blocks. */
static void conv_backward_shard(cb_qkeras_student *m, cb_qkeras_work *w, const cb_student_batch *b, int s,
                                float *gradient) {
    size_t flat = (size_t)m->n_flat * CB_LANES, hidden = (size_t)m->shape.hidden * CB_LANES;
    float *lanes = w->conv_lanes + (size_t)s * m->n_conv * CB_LANES, *dx = w->d_flat + (size_t)s * 2 * flat;
    cb_tile_conv c = tile_conv(m);
    memset(lanes, 0, m->n_conv * CB_LANES * sizeof *lanes);
    for (size_t k = cb_shard_first(b->n_block, s); k < cb_shard_first(b->n_block, s + 1); k++) {
        cb_dense_backward(w->g + k * hidden, m->bn.k, m->n_flat, m->shape.hidden, dx);
        cb_dense_backward(w->z + k * hidden, m->kernel, m->n_flat, m->shape.hidden, dx + flat);
        float *d = w->flat_slope + k * flat;
        for (size_t e = 0; e < flat; e++) d[e] *= dx[e] + dx[flat + e];
        cb_tile_conv_gradient(&c, b->x + k * (size_t)b->n_feature * CB_LANES, d, lanes);
    }
    for (size_t e = 0; e < m->n_conv; e++) gradient[e] = cb_lanes_sum(lanes + e * CB_LANES);
}

static void backward(cb_qkeras_student *m, cb_qkeras_work *w, const cb_student_batch *b) {
    size_t hidden = (size_t)m->shape.hidden * CB_LANES, flat = (size_t)m->n_flat * CB_LANES;
    size_t at_kernel = (size_t)(m->kernel - m->weight), at_out = (size_t)(m->out - m->weight);
#pragma omp parallel for schedule(static)
    for (int s = 0; s < CB_SHARDS; s++) {
        size_t first = cb_shard_first(b->n_block, s), n = cb_shard_first(b->n_block, s + 1) - first;
        float *part = w->shard + (size_t)s * m->n_weight;
        memset(part, 0, m->n_weight * sizeof *part);
        if (!n) continue;
        cb_dense_gradient(flat_block(m, w, b, first), flat, w->a + first * hidden, hidden, n, m->n_flat,
                          m->shape.hidden, part + at_kernel, NULL);
        cb_dense_gradient(w->hidden + first * hidden, hidden, w->d_score + first * CB_LANES, CB_LANES, n,
                          m->shape.hidden, 1, part + at_out, NULL);
        if (m->shape.conv) conv_backward_shard(m, w, b, s, part);
    }
    /* bias, gamma and beta (between kernel and out) came from the columns */
    size_t column = (size_t)(m->bias - m->weight);
    for (size_t e = 0; e < m->n_weight; e++) {
        if (e >= column && e < at_out) continue;
        float sum = 0;
        for (int s = 0; s < CB_SHARDS; s++) sum += w->shard[(size_t)s * m->n_weight + e];
        m->gradient[e] = sum;
    }
}

double cb_qkeras_gradients(cb_qkeras_student *m, cb_qkeras_work *w, cb_student_batch *b) {
    double loss[CB_SHARDS] = {0}, total = 0;
    quantize_kernels(m, w);
    forward_to_z(m, w, b);
    cb_qdense_bn_fold_batch(&m->bn, w->z, b->n_event);
#pragma omp parallel for schedule(static)
    for (int s = 0; s < CB_SHARDS; s++)
        for (size_t k = cb_shard_first(b->n_block, s); k < cb_shard_first(b->n_block, s + 1); k++)
            loss[s] += block_loss(m, w, b, k);
    cb_qdense_bn_backward(&m->bn, w->z, w->a, w->g, b->n_event);
    backward(m, w, b);
    for (int s = 0; s < CB_SHARDS; s++) total += loss[s];
    return total / b->n_event;
}

static void clip(float *w, size_t n, double limit) {
    float c = (float)limit;
    for (size_t e = 0; e < n; e++) w[e] = w[e] < -c ? -c : w[e] > c ? c : w[e];
}

void cb_qkeras_update(cb_qkeras_student *m, double learning_rate) {
    size_t hidden = (size_t)m->shape.hidden;
    cb_adam_update(m->weight, m->gradient, m->adam_m, m->adam_v, m->n_weight,
                   cb_adam_rate_f32(learning_rate, ++m->step));
    if (!m->shape.quantized) return;
    clip(m->conv, m->n_conv, cb_qbits_limit(cb_qbits_12_3));
    clip(m->kernel, (size_t)m->n_flat * hidden, cb_qbits_limit(cb_qbits_8_1));
    clip(m->bias, hidden, cb_qbits_limit(cb_qbits_8_3));
    clip(m->out, hidden, cb_qbits_limit(cb_qbits_12_3));
}

int cb_qkeras_student_write(const cb_qkeras_student *m, cb_h5 *f, const char *group) {
    uint64_t hidden = (uint64_t)m->shape.hidden, k = (uint64_t)m->shape.kernel;
    uint64_t conv[4] = {k, k, 1, (uint64_t)m->shape.filters}, dense[2] = {(uint64_t)m->n_flat, hidden}, out[2] = {hidden, 1};
    struct {
        const char *name;
        cb_type type;
        int rank;
        const uint64_t *dims;
        const void *data;
    } tensor[] = {{"conv_kernel", CB_F32, 4, conv, m->conv},
                  {"dense1_kernel", CB_F32, 2, dense, m->kernel},
                  {"dense1_bias", CB_F32, 1, &hidden, m->bias},
                  {"dense1_gamma", CB_F32, 1, &hidden, m->gamma},
                  {"dense1_beta", CB_F32, 1, &hidden, m->beta},
                  {"dense1_moving_mean", CB_F64, 1, &hidden, m->bn.mean},
                  {"dense1_moving_variance", CB_F64, 1, &hidden, m->bn.variance},
                  {"dense2_kernel", CB_F32, 2, out, m->out}};
    if (cb_h5_group(f, group)) return -1;
    for (size_t t = m->shape.conv ? 0 : 1; t < sizeof tensor / sizeof *tensor; t++) {
        char name[256];
        snprintf(name, sizeof name, "%s/%s", group, tensor[t].name);
        if (cb_h5_write(f, name, tensor[t].type, tensor[t].rank, tensor[t].dims, tensor[t].data)) return -1;
    }
    return 0;
}
