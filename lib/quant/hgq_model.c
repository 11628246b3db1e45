#include "hgq_model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ranks.h"
#include "nn/dense.h"
#include "quant/hgq_lanes.h"

/* ---- building ---- */

static void apply_site(const cb_hgq_site *site, const float *x, float *y) {
    for (size_t e = 0; e < site->n; e++) {
        cb_format r = cb_hgq_rounded(&site->q, site->map ? site->map[e] : e);
        cb_hgq_format t = cb_hgq_format_make(r.k, r.i, r.f, site->q.overflow);
        y[e] = cb_hgq_apply(&site->q, &t, x[e]);
    }
}

static void input_formats(const cb_hgq_site *site, cb_overflow o, cb_hgq_format *t) {
    for (size_t e = 0; e < site->n; e++) {
        cb_format r = cb_hgq_rounded(&site->q, site->map ? site->map[e] : e);
        t[e] = cb_hgq_format_make(r.k, r.i, r.f, o);
        if (r.k + r.i + r.f <= 0) t[e].lo = t[e].hi = 0; /* zero width */
    }
}

bool cb_hgq_model_wraps(const cb_hgq_model *m, int layer) {
    return m->s->iq[layer].q.overflow == CB_WRAP && !m->s->d.saturate;
}

void cb_hgq_model_update(cb_hgq_model *m) {
    const cb_hgq_student *s = m->s;
    for (int l = s->first; l < CB_HGQ_LAYERS; l++) {
        input_formats(&s->iq[l], cb_hgq_model_wraps(m, l) ? CB_WRAP : s->iq[l].q.overflow == CB_SAT ? CB_SAT : CB_SAT_SYM,
                      m->iq[l]);
        if (l != CB_HGQ_DENSE1) apply_site(&s->kq[l], s->kernel[l], m->kernel[l]);
    }
    cb_hgq_student_fuse(s, s->mean, s->variance, m->fused, m->fused_bias, NULL);
    apply_site(&s->kq[CB_HGQ_DENSE1], m->fused, m->kernel[CB_HGQ_DENSE1]);
    apply_site(&s->bq, m->fused_bias, m->bias);
}

int cb_hgq_model_new(cb_hgq_model *m, const cb_hgq_student *s) {
    *m = (cb_hgq_model){.s = s};
    bool bad = false;
    size_t h = (size_t)s->d.hidden;
    for (int l = s->first; l < CB_HGQ_LAYERS; l++) {
        m->iq[l] = cb_alloc_aligned(s->iq[l].n, sizeof *m->iq[l]);
        m->kernel[l] = cb_alloc_aligned(s->kq[l].n, sizeof *m->kernel[l]);
        bad |= !m->iq[l] || !m->kernel[l];
    }
    m->bias = cb_alloc_aligned(h, sizeof *m->bias);
    m->fused = cb_alloc_aligned((size_t)s->n_flat * h, sizeof *m->fused);
    m->fused_bias = cb_alloc_aligned(h, sizeof *m->fused_bias);
    if (bad || !m->bias || !m->fused || !m->fused_bias) {
        cb_hgq_model_free(m);
        return -1;
    }
    cb_hgq_model_update(m);
    return 0;
}

void cb_hgq_model_free(cb_hgq_model *m) {
    for (int l = 0; l < CB_HGQ_LAYERS; l++) {
        free(m->iq[l]);
        free(m->kernel[l]);
    }
    free(m->bias);
    free(m->fused);
    free(m->fused_bias);
    *m = (cb_hgq_model){0};
}

/* ---- exact evaluation ---- */

/* cb_hgq_infer with rounding RND in float64, exact for |x| 2^f < 2^52. */
static double quantize64(const cb_hgq_format *t, bool wrap, double x) {
    if (t->lo == 0 && t->hi == 0) return 0;
    if (x > t->hi) return t->hi;
    if (x < t->lo) return t->lo;
    double q = floor(x * (double)t->scale + 0.5);
    if (wrap) {
        int ie = t->i > -t->f ? t->i : -t->f;
        double m = ldexp(1, ie + t->k + t->f), b = t->k * m / 2;
        q = q + b - m * floor((q + b) / m) - b;
    }
    return q * (double)t->step + 0.0;
}

static void event_conv(const cb_hgq_model *m, const float *image, double *flat) {
    const cb_hgq_student *s = m->s;
    int z = s->d.size, nf = s->d.filters;
    bool wrap = cb_hgq_model_wraps(m, 0);
    for (int oy = 0; oy < s->oh; oy++)
        for (int ox = 0; ox < s->ow; ox++) {
            double *sum = flat + (oy * s->ow + ox) * nf;
            for (int f = 0; f < nf; f++) sum[f] = 0;
            for (int tap = 0; tap < z * z; tap++) {
                int pixel = (oy * z + tap / z) * s->d.width + ox * z + tap % z;
                double x = quantize64(&m->iq[0][pixel], wrap, image[pixel]);
                for (int f = 0; f < nf; f++) sum[f] += x * m->kernel[0][tap * nf + f];
            }
            for (int f = 0; f < nf; f++) sum[f] = sum[f] > 0 ? sum[f] : 0;
        }
}

double cb_hgq_model_event(const cb_hgq_model *m, const float *image, double *flat, double *hidden) {
    const cb_hgq_student *s = m->s;
    int h = s->d.hidden;
    if (s->d.conv) event_conv(m, image, flat);
    else
        for (int c = 0; c < s->n_flat; c++) flat[c] = image[c];
    for (int o = 0; o < h; o++) hidden[o] = m->bias[o];
    for (int c = 0; c < s->n_flat; c++) {
        double x = quantize64(&m->iq[1][c], cb_hgq_model_wraps(m, 1), flat[c]);
        const float *k = m->kernel[1] + (size_t)c * (size_t)h;
        for (int o = 0; x != 0 && o < h; o++) hidden[o] += x * k[o];
    }
    double out = 0;
    for (int o = 0; o < h; o++) {
        hidden[o] = hidden[o] > 0 ? hidden[o] : 0;
        out += quantize64(&m->iq[2][o], cb_hgq_model_wraps(m, 2), hidden[o]) * m->kernel[2][o];
    }
    return out > 0 ? out : 0;
}

uint16_t cb_hgq_score_code(double out) {
    double code = rint(out * 256);
    return code > 65535 ? 65535 : (uint16_t)code;
}

/* ---- lanes ---- */

size_t cb_hgq_model_scratch(const cb_hgq_model *m) {
    const cb_hgq_student *s = m->s;
    size_t image = (size_t)(s->d.height * s->d.width);
    return (image + 2 * (size_t)s->n_flat + 2 * (size_t)s->d.hidden) * CB_LANES;
}

float *cb_hgq_model_dense1_input(const cb_hgq_model *m, const float *x, float *scratch) {
    const cb_hgq_student *s = m->s;
    int image = s->d.height * s->d.width;
    float *flat = scratch + image * CB_LANES, *q1 = flat + s->n_flat * CB_LANES;
    if (s->d.conv) {
        cb_tile_conv tile = {s->d.width, s->d.size, s->d.filters, s->oh, s->ow};
        cb_relu_rule relu = {.top = INFINITY};
        cb_hgq_lanes_quantize(m->iq[0], image, x, scratch, NULL, false);
        cb_tile_forward(&tile, &relu, scratch, m->kernel[0], NULL, 1, flat, NULL);
        x = flat;
    }
    cb_hgq_lanes_quantize(m->iq[1], s->n_flat, x, q1, NULL, false);
    return q1;
}

void cb_hgq_model_block(const cb_hgq_model *m, const float *x, float *scratch, float *out) {
    const cb_hgq_student *s = m->s;
    int h = s->d.hidden;
    float *q1 = cb_hgq_model_dense1_input(m, x, scratch), *hidden = q1 + s->n_flat * CB_LANES;
    cb_dense_forward(q1, m->kernel[1], m->bias, s->n_flat, h, hidden);
    for (int e = 0; e < h * CB_LANES; e++) hidden[e] = hidden[e] > 0 ? hidden[e] : 0;
    cb_hgq_lanes_quantize(m->iq[2], h, hidden, hidden + h * CB_LANES, NULL, false);
    cb_dense_forward(hidden + h * CB_LANES, m->kernel[2], NULL, h, 1, out);
    for (int l = 0; l < CB_LANES; l++) out[l] = out[l] > 0 ? out[l] : 0;
}

/* Sum of |out - target| of one block. */
static double block_mae(const cb_hgq_model *m, const cb_student_set *set, int split, size_t block, float *scratch,
                        uint16_t *row) {
    float out[CB_LANES], y[CB_LANES] = {0}, grad[CB_LANES], *x = scratch;
    uint32_t first = (uint32_t)block * CB_LANES, left = set->n[split] - first;
    int lanes = left < CB_LANES ? (int)left : CB_LANES;
    if (lanes < CB_LANES) memset(x, 0, (size_t)set->n_feature * CB_LANES * sizeof *x);
    for (int l = 0; l < lanes; l++) {
        cb_lanes_set_u16(x, l, cb_rows_at(set->image[split], first + (uint32_t)l, row), set->n_feature);
        y[l] = (float)set->code[split][first + (uint32_t)l] / 256;
    }
    cb_hgq_model_block(m, x, x + set->n_feature * CB_LANES, out);
    return cb_mae_block(out, y, lanes, 1, grad);
}

int cb_hgq_model_mae(const cb_hgq_model *m, const cb_student_set *set, int split, double *mae) {
    size_t n_block = cb_blocks(set->n[split]), room = cb_hgq_model_scratch(m) + (size_t)set->n_feature * CB_LANES;
    room = (room + 15) / 16 * 16;
    double *sum = cb_alloc(n_block, sizeof *sum);
    float *scratch = cb_alloc_aligned(CB_SHARDS * room, sizeof *scratch);
    uint16_t *row = cb_alloc(CB_SHARDS * (size_t)set->n_feature, sizeof *row);
    int rc = sum && scratch && row ? 0 : -1, last = (int)cb_deal_end(CB_SHARDS);
#pragma omp parallel for schedule(static) if (!rc)
    for (int k = (int)cb_deal_first(CB_SHARDS); k < last; k++)
        for (size_t b = cb_shard_first(n_block, k); !rc && b < cb_shard_first(n_block, k + 1); b++)
            sum[b] = block_mae(m, set, split, b, scratch + (size_t)k * room, row + (size_t)(k * set->n_feature));
    if (!rc) {
        size_t first[CB_RANKS_MAX + 1];
        for (int r = 0; r <= cb_ranks(); r++) first[r] = cb_shard_first(n_block, (int)cb_deal(CB_SHARDS, r));
        cb_ranks_gather(sum, sizeof *sum, first);
        *mae = 0;
        for (size_t b = 0; b < n_block; b++) *mae += sum[b];
        *mae /= set->n[split];
        rc = cb_student_set_check(set);
    }
    free(sum);
    free(scratch);
    free(row);
    return rc;
}

/* ---- tracing ---- */

typedef struct {
    cb_hgq_student *s;
    size_t n;                  /* events of this batch */
    float *x, *y;              /* [n][elements], before and after a quantizer */
    float *kernel, *fused, *bias;
} tracing;

/* One batch through an iq: x -> y, [n][elements]. */
static int trace_input(tracing *t, int l) {
    cb_hgq_site *site = &t->s->iq[l];
    uint32_t *map = cb_alloc(t->n * site->n, sizeof *map);
    if (!map) return -1;
    for (size_t e = 0; e < t->n * site->n; e++)
        map[e] = site->map ? site->map[e % site->n] : (uint32_t)(e % site->n);
    int rc = site->q.overflow == CB_WRAP ? cb_hgq_trace(&site->q, t->x, map, t->n * site->n, t->y)
                                         : cb_hgq_forward(&site->q, t->x, map, t->n * site->n, t->y);
    free(map);
    return rc;
}

static int trace_weights(cb_hgq_site *site, const float *x, float *y) {
    return site->q.overflow == CB_WRAP ? cb_hgq_trace(&site->q, x, site->map, site->n, y)
                                       : cb_hgq_forward(&site->q, x, site->map, site->n, y);
}

static void trace_conv(tracing *t) {
    const cb_hgq_student *s = t->s;
    int z = s->d.size, nf = s->d.filters, image = s->d.height * s->d.width;
    for (size_t e = 0; e < t->n; e++)
        for (int o = 0; o < s->oh * s->ow; o++)
            for (int f = 0; f < nf; f++) {
                double sum = 0;
                for (int tap = 0; tap < z * z; tap++)
                    sum += (double)t->y[e * (size_t)image + (size_t)((o / s->ow * z + tap / z) * s->d.width + o % s->ow * z + tap % z)] *
                           t->kernel[tap * nf + f];
                t->x[e * (size_t)s->n_flat + (size_t)(o * nf + f)] = (float)(sum > 0 ? sum : 0);
            }
}

static void trace_dense1(tracing *t) {
    const cb_hgq_student *s = t->s;
    int h = s->d.hidden;
    for (size_t e = 0; e < t->n; e++)
        for (int o = 0; o < h; o++) {
            double sum = t->bias[o];
            for (int c = 0; c < s->n_flat; c++) sum += (double)t->y[e * (size_t)s->n_flat + (size_t)c] * t->kernel[c * h + o];
            t->x[e * (size_t)h + (size_t)o] = (float)(sum > 0 ? sum : 0);
        }
}

static int trace_batch(tracing *t, const float *x) {
    cb_hgq_student *s = t->s;
    memcpy(t->x, x, t->n * (size_t)(s->d.height * s->d.width) * sizeof *x);
    if (s->d.conv) {
        if (trace_input(t, 0) || trace_weights(&s->kq[0], s->kernel[0], t->kernel)) return -1;
        trace_conv(t);
    }
    cb_hgq_student_fuse(s, s->mean, s->variance, t->fused, t->bias, NULL);
    if (trace_input(t, 1) || trace_weights(&s->kq[1], t->fused, t->kernel)) return -1;
    if (trace_weights(&s->bq, t->bias, t->bias)) return -1;
    trace_dense1(t);
    return trace_input(t, 2) || trace_weights(&s->kq[2], s->kernel[2], t->kernel) ? -1 : 0;
}

int cb_hgq_trace_student(cb_hgq_student *s, const float *x, size_t n, size_t batch, bool reset) {
    size_t image = (size_t)(s->d.height * s->d.width), h = (size_t)s->d.hidden, most = image, taps = s->kq[0].n;
    most = (size_t)s->n_flat > most ? (size_t)s->n_flat : most;
    most = h > most ? h : most;
    if (s->kq[1].n > taps) taps = s->kq[1].n;
    tracing t = {s, 0, cb_alloc(batch * most, sizeof(float)), cb_alloc(batch * most, sizeof(float)),
                 cb_alloc(taps, sizeof(float)), cb_alloc(s->kq[1].n, sizeof(float)), cb_alloc(h, sizeof(float))};
    int rc = t.x && t.y && t.kernel && t.fused && t.bias ? 0 : -1;
    for (int l = s->first; reset && l < CB_HGQ_LAYERS; l++) {
        cb_hgq_trace_begin(&s->iq[l].q);
        cb_hgq_trace_begin(&s->kq[l].q);
    }
    if (reset) cb_hgq_trace_begin(&s->bq.q);
    for (size_t e = 0; !rc && e < n; e += batch) {
        t.n = n - e < batch ? n - e : batch;
        rc = trace_batch(&t, x + e * image);
    }
    float *all[] = {t.x, t.y, t.kernel, t.fused, t.bias};
    for (int k = 0; k < 5; k++) free(all[k]);
    return rc;
}
