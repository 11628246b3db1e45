#include "quant/qkeras_student.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fmath.h"
#include "base/ranks.h"
#include "base/rng.h"
#include "base/threads.h"
#include "nn/adam.h"
#include "nn/dense.h"

/* ---- state ---- */

const cb_qkeras_bits cb_qkeras_deployed = {{12, 3, true, true}, {8, 1, true, true}, {8, 3, true, true}, {12, 3, true, true},
                                           {10, 6}, {10, 6}, 1, 1};

cb_qkeras_shape cb_qkeras_cicada(bool v2, int height, int width) {
    return (cb_qkeras_shape){.height = height,
                             .width = width,
                             .conv = v2,
                             .filters = 4,
                             .kernel = 2,
                             .hidden = 16,
                             .quantized = true,
                             .bits = cb_qkeras_deployed,
                             .drop_flat = 1.0f / 9,
                             .drop_hidden = 1.0f / 8,
                             .freeze_delay = -1,
                             .seed = 1};
}

/* he_normal: truncated normal, redrawn outside two sigma (Keras VarianceScaling). */
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
    l->kernel = m->shape.bits.dense;
    l->bias = m->shape.bits.bias;
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
    for (size_t j = 0; j < hidden; j++) m->gamma[j] = (float)shape->bits.gamma;
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

static size_t scratch_size(const cb_qkeras_student *m) {
    return (4 * (size_t)m->shape.hidden + (size_t)m->n_flat) * CB_LANES;
}

int cb_qkeras_work_new(cb_qkeras_work *w, const cb_qkeras_student *m, uint32_t room) {
    *w = (cb_qkeras_work){.room = cb_blocks(room)};
    size_t row = w->room * CB_LANES, hidden = (size_t)m->shape.hidden, flat = m->shape.conv ? (size_t)m->n_flat : 0;
    struct {
        void *p;
        size_t n, size;
    } want[] = {{&w->flat, row * flat, sizeof(float)},
                {&w->slope, w->room * flat, sizeof(uint16_t)},
                {&w->z, row * hidden, sizeof(float)},
                {&w->g, row * hidden, sizeof(float)},
                {&w->score, row, sizeof(float)},
                {&w->shard, CB_SHARDS * m->n_weight, sizeof(float)},
                {&w->sums, CB_SHARDS * 5 * hidden * CB_LANES, sizeof(double)},
                {&w->lanes, CB_SHARDS * (m->n_conv + hidden) * CB_LANES, sizeof(float)},
                {&w->scratch, CB_SHARDS * scratch_size(m), sizeof(float)},
                {&w->keep, CB_SHARDS * hidden, sizeof(uint16_t)},
                {&w->operands, 2 * flat * hidden, sizeof(float)},
                {&w->conv_q, m->n_conv, sizeof(float)},
                {&w->out_q, hidden, sizeof(float)}};
    for (size_t k = 0; k < sizeof want / sizeof *want; k++) {
        void *p = cb_alloc_aligned(want[k].n + 1, want[k].size);
        if (!p) {
            cb_qkeras_work_free(w);
            return -1;
        }
        memcpy(want[k].p, &p, sizeof p);
    }
    return 0;
}

void cb_qkeras_work_free(cb_qkeras_work *w) {
    void *const all[] = {w->flat, w->slope, w->z,    w->g,        w->score,  w->shard, w->sums,
                         w->lanes, w->scratch, w->keep, w->operands, w->conv_q, w->out_q};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) free(all[k]);
    *w = (cb_qkeras_work){0};
}

/* ---- what a step needs to know ---- */

static cb_relu_rule relu_rule_of(cb_qrelu q, bool quantized) {
    return (cb_relu_rule){(float)cb_pow2(q.bits - q.integer), (float)cb_pow2(q.integer - q.bits),
                          (float)(cb_pow2(q.bits) - 1), quantized ? (float)cb_qrelu_top(q) : INFINITY, quantized};
}

static cb_tile_conv tile_conv(const cb_qkeras_student *m) {
    return (cb_tile_conv){m->shape.width, m->shape.kernel, m->shape.filters, m->oh, m->ow};
}

/* Lane bits of a block: recorded, drawn, or all. */
static void fill_keep(const cb_qkeras_student *m, const uint16_t *recorded, int n, float p, const char *stream,
                      size_t block, uint16_t *keep) {
    if (recorded) memcpy(keep, recorded + block * (size_t)n, (size_t)n * sizeof *keep);
    else if (p > 0) cb_dropout_keep(keep, n, p, m->shape.seed, stream, m->step, block);
    else memset(keep, 0xFF, (size_t)n * sizeof *keep);
}

static const float *flat_block(const cb_qkeras_student *m, const cb_qkeras_work *w, const cb_student_batch *b,
                               size_t k) {
    return (m->shape.conv ? w->flat : b->x) + k * (size_t)m->n_flat * CB_LANES;
}

static double *sums_of(const cb_qkeras_student *m, const cb_qkeras_work *w, int shard, int which) {
    return w->sums + ((size_t)shard * 5 + (size_t)which) * (size_t)m->shape.hidden * CB_LANES;
}

static float *lanes_of(const cb_qkeras_student *m, const cb_qkeras_work *w, int shard) {
    return w->lanes + (size_t)shard * (m->n_conv + (size_t)m->shape.hidden) * CB_LANES;
}

static void quantize_kernels(const cb_qkeras_student *m, cb_qkeras_work *w) {
    bool q = m->shape.quantized;
    const cb_qkeras_bits *bits = &m->shape.bits;
    for (size_t e = 0; e < m->n_conv; e++) w->conv_q[e] = q ? cb_quantized_bits(bits->conv, m->conv[e]) : m->conv[e];
    for (int j = 0; j < m->shape.hidden; j++) w->out_q[j] = q ? cb_quantized_bits(bits->out, m->out[j]) : m->out[j];
}

/* ---- the three passes, one shard each ---- */

/* Image -> flat -> z and its moments. */
static void forward_shard(cb_qkeras_student *m, cb_qkeras_work *w, cb_student_batch *b, bool load, int s) {
    size_t flat = (size_t)m->n_flat, hidden = (size_t)m->shape.hidden * CB_LANES;
    double *sum = sums_of(m, w, s, 0), *square = sums_of(m, w, s, 1);
    cb_relu_rule relu = relu_rule_of(m->shape.bits.relu_conv, m->shape.quantized);
    cb_tile_conv c = tile_conv(m);
    memset(sum, 0, 2 * hidden * sizeof *sum);
    for (size_t k = cb_shard_first(b->n_block, s); k < cb_shard_first(b->n_block, s + 1); k++) {
        double lap = cb_step_start(w->profile);
        if (load) cb_student_batch_block(b, k);
        cb_step_stop(w->profile, s, CB_STEP_LOAD, &lap);
        if (m->shape.conv) {
            uint16_t *slope = w->slope + k * flat;
            fill_keep(m, w->keep_flat, m->n_flat, m->shape.drop_flat, "dropout-flat", k, slope);
            cb_step_stop(w->profile, s, CB_STEP_DROPOUT, &lap);
            cb_tile_forward(&c, &relu, b->x + k * (size_t)b->n_feature * CB_LANES, w->conv_q, slope,
                            cb_dropout_factor(m->shape.drop_flat), w->flat + k * flat * CB_LANES, slope);
            cb_step_stop(w->profile, s, CB_STEP_FIRST, &lap);
        }
        cb_dense_forward(flat_block(m, w, b, k), m->kernel, m->bias, m->n_flat, m->shape.hidden, w->z + k * hidden);
        cb_column_moments(w->z + k * hidden, m->shape.hidden, cb_student_lanes(b, k), sum, square);
        cb_step_stop(w->profile, s, CB_STEP_DENSE, &lap);
    }
}

/* Folded dense layer -> score -> loss, and back to G = d loss / d dense output. */
static double head_shard(cb_qkeras_student *m, cb_qkeras_work *w, const cb_student_batch *b, int s) {
    int n = m->shape.hidden;
    size_t hidden = (size_t)n * CB_LANES;
    float *a = w->scratch + (size_t)s * scratch_size(m);
    uint16_t *keep = w->keep + (size_t)s * (size_t)n;
    cb_head h = {n, m->bn.rho, m->bn.c, w->out_q, m->bn.column, relu_rule_of(m->shape.bits.relu_dense, m->shape.quantized),
                 relu_rule_of(cb_qrelu_16_8, m->shape.quantized), cb_dropout_factor(m->shape.drop_hidden),
                 1.0f / (float)b->n_event};
    cb_head_sums sums = {0, sums_of(m, w, s, 2), lanes_of(m, w, s) + m->n_conv * CB_LANES};
    memset(sums.column, 0, 3 * hidden * sizeof *sums.column);
    memset(sums.out, 0, hidden * sizeof *sums.out);
    for (size_t k = cb_shard_first(b->n_block, s); k < cb_shard_first(b->n_block, s + 1); k++) {
        double lap = cb_step_start(w->profile);
        cb_dense_forward(flat_block(m, w, b, k), m->bn.k, NULL, m->n_flat, n, a);
        cb_step_stop(w->profile, s, CB_STEP_DENSE, &lap);
        fill_keep(m, w->keep_hidden, n, m->shape.drop_hidden, "dropout-hidden", k, keep);
        cb_head_block(&h, a, w->z + k * hidden, keep, b->y + k * CB_LANES, cb_student_lanes(b, k), a + hidden,
                      w->score + k * CB_LANES, w->g + k * hidden, w->dense ? w->dense + k * hidden : NULL, &sums);
        cb_step_stop(w->profile, s, CB_STEP_LOSS, &lap);
    }
    return sums.loss;
}

/* Through the dense layer into the convolution; all weight gradients of the shard. */
static void backward_shard(cb_qkeras_student *m, cb_qkeras_work *w, const cb_student_batch *b, int s) {
    size_t flat = (size_t)m->n_flat * CB_LANES, hidden = (size_t)m->shape.hidden * CB_LANES;
    size_t first = cb_shard_first(b->n_block, s), last = cb_shard_first(b->n_block, s + 1);
    float *part = w->shard + (size_t)s * m->n_weight, *lanes = lanes_of(m, w, s);
    float *pair = w->scratch + (size_t)s * scratch_size(m), *dx = pair + 2 * hidden;
    cb_tile_conv c = tile_conv(m);
    memset(part, 0, m->n_weight * sizeof *part);
    memset(lanes, 0, m->n_conv * CB_LANES * sizeof *lanes);
    for (size_t k = first; k < last; k++) {
        double lap = cb_step_start(w->profile);
        cb_column_gradient(m->bn.column, w->z + k * hidden, m->shape.hidden, cb_student_lanes(b, k), w->g + k * hidden, pair);
        if (!m->shape.conv) continue;
        cb_dense_backward(pair, w->operands, m->n_flat, 2 * m->shape.hidden, dx);
        cb_step_stop(w->profile, s, CB_STEP_BACK, &lap);
        cb_tile_gradient(&c, b->x + k * (size_t)b->n_feature * CB_LANES, dx, w->slope + k * (size_t)m->n_flat,
                         cb_dropout_factor(m->shape.drop_flat), lanes);
        cb_step_stop(w->profile, s, CB_STEP_FIRST_BACK, &lap);
    }
    double lap = cb_step_start(w->profile);
    if (first < last)
        cb_dense_gradient(flat_block(m, w, b, first), flat, w->g + first * hidden, hidden, last - first, m->n_flat,
                          m->shape.hidden, part + (m->kernel - m->weight), NULL);
    cb_step_stop(w->profile, s, CB_STEP_WEIGHTS, &lap);
    for (size_t e = 0; e < m->n_conv; e++) part[e] = cb_lanes_sum(lanes + e * CB_LANES);
    float *out = part + (m->out - m->weight);
    for (int j = 0; j < m->shape.hidden; j++) out[j] = cb_lanes_sum(lanes + (m->n_conv + (size_t)j) * CB_LANES);
}

/* ---- between the passes ---- */

/* The k-th of CB_SHARDS parts of the rows of the folded kernel, and of the operands. */
static void fold_part(cb_qkeras_student *m, cb_qkeras_work *w, int k) {
    size_t n = (size_t)m->shape.hidden;
    int first = (int)cb_shard_first((size_t)m->n_flat, k), last = (int)cb_shard_first((size_t)m->n_flat, k + 1);
    cb_qdense_bn_fold_rows(&m->bn, first, last);
    for (size_t i = (size_t)first; m->shape.conv && i < (size_t)last; i++) {
        memcpy(w->operands + 2 * i * n, m->bn.k + i * n, n * sizeof(float));
        memcpy(w->operands + (2 * i + 1) * n, m->kernel + i * n, n * sizeof(float));
    }
}

/* Shards ascending -> gradients from..to-1; bias, gamma and beta (between kernel and out) came from the columns. */
static void sum_part(cb_qkeras_student *m, const cb_qkeras_work *w, size_t from, size_t to) {
    size_t column = (size_t)(m->bias - m->weight), out = (size_t)(m->out - m->weight);
    for (size_t e = from; e < to; e++) {
        if (e >= column && e < out) continue;
        float sum = 0;
        for (int s = 0; s < CB_SHARDS; s++) sum += w->shard[(size_t)s * m->n_weight + e];
        m->gradient[e] = sum;
    }
}

/* The sums of all shards from the ranks that made them. */
static void share_sums(const cb_qkeras_student *m, cb_qkeras_work *w) {
    cb_ranks_gather_even(w->sums, 5 * (size_t)m->shape.hidden * CB_LANES * sizeof *w->sums, CB_SHARDS);
}

double cb_qkeras_gradients(cb_qkeras_student *m, cb_qkeras_work *w, cb_student_batch *b) {
    double loss[CB_SHARDS] = {0}, total = 0;
    const double *part[3][CB_SHARDS];
    bool load = b->set != NULL;
    int first = (int)cb_deal_first(CB_SHARDS), last = (int)cb_deal_end(CB_SHARDS); /* this rank's shards */
    for (int s = 0; s < CB_SHARDS; s++)
        for (int k = 0; k < 3; k++) part[k][s] = sums_of(m, w, s, k);
    cb_student_profile_begin(w->profile);
    quantize_kernels(m, w);
#pragma omp parallel
    {
#pragma omp for schedule(static)
        for (int s = first; s < last; s++) forward_shard(m, w, b, load, s);
#pragma omp single
        {
            share_sums(m, w);
            cb_qdense_bn_statistics(&m->bn, part[0], part[1], CB_SHARDS, b->n_event);
        }
#pragma omp for schedule(static)
        for (int s = 0; s < CB_SHARDS; s++) fold_part(m, w, s);
#pragma omp for schedule(static)
        for (int s = first; s < last; s++) loss[s] = head_shard(m, w, b, s);
#pragma omp single
        {
            share_sums(m, w);
            cb_qdense_bn_columns(&m->bn, part[2], CB_SHARDS, b->n_event);
        }
#pragma omp for schedule(static)
        for (int s = first; s < last; s++) backward_shard(m, w, b, s);
        if (cb_ranks() > 1) {
#pragma omp single
            cb_ranks_gather_even(w->shard, m->n_weight * sizeof *w->shard, CB_SHARDS);
        }
#pragma omp for schedule(static)
        for (int s = 0; s < CB_SHARDS; s++)
            sum_part(m, w, cb_shard_first(m->n_weight, s), cb_shard_first(m->n_weight, s + 1));
    }
    b->set = NULL;
    cb_ranks_gather_even(loss, sizeof *loss, CB_SHARDS);
    cb_student_profile_end(w->profile);
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
    clip(m->conv, m->n_conv, cb_qbits_limit(m->shape.bits.conv));
    clip(m->kernel, (size_t)m->n_flat * hidden, cb_qbits_limit(m->shape.bits.dense));
    clip(m->bias, hidden, cb_qbits_limit(m->shape.bits.bias));
    clip(m->out, hidden, cb_qbits_limit(m->shape.bits.out));
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
