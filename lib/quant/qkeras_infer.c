/* Inference of a QKeras student in float64: exact, because every value is a multiple of a
 * power of two and every sum stays below 2^53 units. */
#include <stdlib.h>
#include <string.h>

#include "base/fmath.h"
#include "base/ranks.h"
#include "base/threads.h"
#include "quant/infer_lanes.h"
#include "quant/qkeras_student.h"

static size_t scratch_size(const cb_qkeras_student *m) {
    size_t image = (size_t)(m->shape.height * m->shape.width);
    return (image + (size_t)m->n_flat + 2 * (size_t)m->shape.hidden) * CB_LANES;
}

int cb_qkeras_folded_new(cb_qkeras_folded *f, const cb_qkeras_student *m) {
    size_t hidden = (size_t)m->shape.hidden;
    *f = (cb_qkeras_folded){.m = m};
    f->conv = cb_alloc(m->n_conv + 1, sizeof(double));
    f->kernel = cb_alloc(hidden * (size_t)m->n_flat, sizeof(double));
    f->bias = cb_alloc(hidden, sizeof(double));
    f->out = cb_alloc(hidden, sizeof(double));
    f->scratch = cb_alloc_aligned(CB_SHARDS * scratch_size(m), sizeof(double));
    f->row = cb_alloc((size_t)(CB_SHARDS * CB_LANES * m->shape.height * m->shape.width), sizeof *f->row);
    if (f->conv && f->kernel && f->bias && f->out && f->scratch && f->row) {
        cb_qkeras_fold(f);
        return 0;
    }
    cb_qkeras_folded_free(f);
    return -1;
}

static double weight(const cb_qkeras_student *m, cb_qbits q, float w) {
    return m->shape.quantized ? cb_quantized_bits_code(q, w) * cb_pow2(-cb_qbits_fraction(q)) : w;
}

void cb_qkeras_fold(cb_qkeras_folded *f) {
    const cb_qkeras_student *m = f->m;
    for (size_t e = 0; e < m->n_conv; e++) f->conv[e] = weight(m, m->shape.bits.conv, m->conv[e]);
    for (int j = 0; j < m->shape.hidden; j++) f->out[j] = weight(m, m->shape.bits.out, m->out[j]);
    cb_qdense_bn_fold(&m->bn, NULL, NULL, f->kernel, f->bias);
}

void cb_qkeras_folded_free(cb_qkeras_folded *f) {
    free(f->conv);
    free(f->kernel);
    free(f->bias);
    free(f->out);
    free(f->scratch);
    free(f->row);
    *f = (cb_qkeras_folded){0};
}

static cb_infer_rule rule_of(const cb_qkeras_student *m, cb_qrelu q) {
    return (cb_infer_rule){cb_pow2(q.bits - q.integer), cb_pow2(q.integer - q.bits), cb_pow2(q.bits) - 1,
                           m->shape.quantized};
}

/* n <= 16 images; score[16], dense [hidden][16]. */
static void infer_block(const cb_qkeras_folded *f, double *scratch, const uint16_t *const *image, int n, double *score,
                        double *dense) {
    const cb_qkeras_student *m = f->m;
    int pixels = m->shape.height * m->shape.width, hidden = m->shape.hidden;
    double *x = scratch, *flat = x + pixels * CB_LANES, *h = flat + m->n_flat * CB_LANES, zero = 0;
    cb_infer_rule first = rule_of(m, m->shape.bits.relu_conv), second = rule_of(m, m->shape.bits.relu_dense),
                  last = rule_of(m, cb_qrelu_16_8);
    for (int l = 0; l < CB_LANES; l++)
        for (int e = 0; e < pixels; e++) x[e * CB_LANES + l] = l < n ? image[l][e] : 0;
    if (m->shape.conv) {
        cb_tile_conv c = {m->shape.width, m->shape.kernel, m->shape.filters, m->oh, m->ow};
        cb_infer_conv(&c, x, f->conv, flat);
        cb_infer_relu(&first, m->n_flat, flat);
    } else flat = x;
    cb_infer_dense(flat, f->kernel, f->bias, m->n_flat, hidden, dense);
    memcpy(h, dense, (size_t)hidden * CB_LANES * sizeof *h);
    cb_infer_relu(&second, hidden, h);
    cb_infer_dense(h, f->out, &zero, hidden, 1, score);
    cb_infer_relu(&last, 1, score);
}

void cb_qkeras_infer(const cb_qkeras_folded *f, const uint16_t *const *image, uint32_t n, double *score,
                     double *dense) {
    size_t blocks = cb_blocks(n), size = scratch_size(f->m), hidden = (size_t)f->m->shape.hidden;
#pragma omp parallel for schedule(static)
    for (int s = 0; s < CB_SHARDS; s++)
        for (size_t k = cb_shard_first(blocks, s); k < cb_shard_first(blocks, s + 1); k++) {
            double out[CB_LANES], *scratch = f->scratch + (size_t)s * size, *d = scratch + size - hidden * CB_LANES;
            size_t first = k * CB_LANES;
            int live = n - first < CB_LANES ? (int)(n - first) : CB_LANES;
            infer_block(f, scratch, image + first, live, out, d);
            for (int l = 0; l < live; l++) {
                score[first + (size_t)l] = out[l];
                for (size_t j = 0; dense && j < hidden; j++)
                    dense[(first + (size_t)l) * hidden + j] = d[j * CB_LANES + (size_t)l];
            }
        }
}

/* Adds |score - target| of the events first ... of a block to *sum, in the workspace of shard s. */
static void add_errors(const cb_qkeras_folded *f, const cb_student_set *set, int split, size_t first, int s, double *sum) {
    size_t n = set->n[split], size = scratch_size(f->m), row = (size_t)set->n_feature;
    int live = n - first < CB_LANES ? (int)(n - first) : CB_LANES;
    double out[CB_LANES], *scratch = f->scratch + (size_t)s * size;
    const uint16_t *image[CB_LANES];
    for (int l = 0; l < live; l++)
        image[l] = cb_rows_at(set->image[split], first + (size_t)l, f->row + (size_t)(s * CB_LANES + l) * row);
    infer_block(f, scratch, image, live, out, scratch + size - (size_t)f->m->shape.hidden * CB_LANES);
    for (int l = 0; l < live; l++) {
        double d = out[l] - set->code[split][first + (size_t)l] / 256.0;
        *sum += d < 0 ? -d : d;
    }
}

double cb_qkeras_evaluate(const cb_qkeras_folded *f, const cb_student_set *set, int split) {
    size_t blocks = cb_blocks(set->n[split]);
    double sum[CB_SHARDS] = {0}, total = 0;
    int last = (int)cb_deal_end(CB_SHARDS);
#pragma omp parallel for schedule(static)
    for (int s = (int)cb_deal_first(CB_SHARDS); s < last; s++)
        for (size_t k = cb_shard_first(blocks, s); k < cb_shard_first(blocks, s + 1); k++)
            add_errors(f, set, split, k * CB_LANES, s, &sum[s]);
    cb_ranks_gather_even(sum, sizeof *sum, CB_SHARDS);
    for (int s = 0; s < CB_SHARDS; s++) total += sum[s];
    return total / (double)set->n[split];
}
