#include "hgq_train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/adam.h"
#include "nn/dense.h"
#include "quant/hgq_lanes.h"

/* Sums of one shard; each lies on its own cache lines. */
typedef struct {
    double mae;
    double *sum, *square;              /* [n_flat][16] of dense1's quantized input */
    float *di[CB_HGQ_LAYERS], *df[CB_HGQ_LAYERS]; /* [elements of iq][16] */
    float *dconv;                      /* [taps*filters][16] */
    float *dk1, *do1, *dk2;            /* [n_flat*hidden], [hidden], [hidden] */
    float *peak[CB_HGQ_LAYERS];        /* the same: largest |q| (WRAP data only) */
    float *scratch;                    /* [max(image, n_flat)][16] */
    uint16_t *keep;                    /* [max(n_flat, hidden)] lane bits */
    float *zero_from;                  /* all of the above floats: one block, cleared each step */
    size_t n_zero;
} shard;

/* What one batch needs; all of it allocated once. */
typedef struct cb_hgq_work {
    size_t n_block, image; /* room; features of the input */
    float *x0;             /* [block][image][16] quantized input of the conv */
    float *h0, *x1, *g1;   /* [block][n_flat][16]: input of dense1 raw, quantized; its gradient */
    float *h1, *x2, *g2;   /* [block][hidden][16]: the same for dense2; g2 ends as that of dense1's sums */
    cb_hgq_format *iq[CB_HGQ_LAYERS]; /* per element */
    cb_hgq_format *kq[CB_HGQ_LAYERS], *bq; /* per variable */
    float *kernel[CB_HGQ_LAYERS]; /* quantized */
    float *fused, *fused_bias, *bias, *g_bias;
    double *scale;                         /* s of the fold */
    float *mean, *variance, *mu, *shift, *slope; /* [n_flat] */
    float *dk, *track;                     /* gradients of a quantized kernel; scratch */
    float *adam_grad, *m, *v;
    shard part[CB_SHARDS];
} work;

/* ---- memory ---- */

/* n floats (or doubles) each; NULL marks failure, found at the end by the caller. */
static void *need(bool *bad, size_t n, size_t size) {
    void *p = cb_alloc_aligned(n ? n : 1, size);
    if (!p) *bad = true;
    return p;
}

static void shard_new(shard *p, const cb_hgq_student *s, bool *bad) {
    size_t h = (size_t)s->d.hidden, flat = (size_t)s->n_flat, image = (size_t)(s->d.height * s->d.width), n = 0;
    size_t part[16], k = 0;
    float **at[16];
    for (int l = 0; l < CB_HGQ_LAYERS; l++) {
        size_t e = l < s->first ? 0 : s->iq[l].n;
        at[k] = &p->di[l], part[k++] = e * 16;
        at[k] = &p->df[l], part[k++] = e * 16;
        at[k] = &p->peak[l], part[k++] = e * 16;
    }
    at[k] = &p->dconv, part[k++] = (size_t)(s->d.size * s->d.size * s->d.filters) * 16;
    at[k] = &p->dk1, part[k++] = flat * h;
    at[k] = &p->do1, part[k++] = h;
    at[k] = &p->dk2, part[k++] = h;
    for (size_t j = 0; j < k; j++) n += (part[j] + 15) / 16 * 16;
    p->zero_from = need(bad, n, sizeof(float));
    p->n_zero = n;
    float *next = p->zero_from;
    for (size_t j = 0; next && j < k; next += (part[j] + 15) / 16 * 16, j++) *at[j] = next;
    p->sum = need(bad, flat * 16, sizeof(double));
    p->square = need(bad, flat * 16, sizeof(double));
    size_t most = image > flat ? image : flat;
    p->keep = need(bad, most > h ? most : h, sizeof *p->keep);
    p->scratch = need(bad, (most > h ? most : h) * 16, sizeof(float));
}

static bool work_new(work *w, const cb_hgq_student *s, uint32_t batch) {
    bool bad = false;
    size_t h = (size_t)s->d.hidden, flat = (size_t)s->n_flat;
    w->n_block = cb_blocks(batch);
    w->image = (size_t)(s->d.height * s->d.width);
    if (s->d.conv) w->x0 = need(&bad, w->n_block * w->image * 16, sizeof(float));
    if (s->d.conv) w->h0 = need(&bad, w->n_block * flat * 16, sizeof(float));
    w->x1 = need(&bad, w->n_block * flat * 16, sizeof(float));
    w->g1 = need(&bad, w->n_block * flat * 16, sizeof(float));
    w->h1 = need(&bad, w->n_block * h * 16, sizeof(float));
    w->x2 = need(&bad, w->n_block * h * 16, sizeof(float));
    w->g2 = need(&bad, w->n_block * h * 16, sizeof(float));
    size_t most = flat * h;
    for (int l = s->first; l < CB_HGQ_LAYERS; l++) {
        w->iq[l] = need(&bad, s->iq[l].n, sizeof(cb_hgq_format));
        w->kq[l] = need(&bad, s->kq[l].q.n, sizeof(cb_hgq_format));
        w->kernel[l] = need(&bad, s->kq[l].n, sizeof(float));
        if (s->kq[l].n > most) most = s->kq[l].n;
        if (s->iq[l].q.n > most) most = s->iq[l].q.n;
    }
    w->bq = need(&bad, s->bq.q.n, sizeof(cb_hgq_format));
    w->fused = need(&bad, flat * h, sizeof(float));
    w->fused_bias = need(&bad, h, sizeof(float));
    w->bias = need(&bad, h, sizeof(float));
    w->g_bias = need(&bad, h, sizeof(float));
    w->scale = need(&bad, flat, sizeof(double));
    float **per_feature[] = {&w->mean, &w->variance, &w->mu, &w->shift, &w->slope};
    for (int k = 0; k < 5; k++) *per_feature[k] = need(&bad, flat, sizeof(float));
    w->dk = need(&bad, most, sizeof(float));
    w->track = need(&bad, most, sizeof(float));
    w->adam_grad = need(&bad, s->n_value, sizeof(float));
    w->m = need(&bad, s->n_value, sizeof(float));
    w->v = need(&bad, s->n_value, sizeof(float));
    for (int k = 0; k < CB_SHARDS; k++) shard_new(&w->part[k], s, &bad);
    return !bad;
}

static void work_free(work *w) {
    void *all[] = {w->x0, w->h0, w->x1, w->g1, w->h1, w->x2, w->g2, w->bq, w->fused, w->fused_bias, w->bias, w->g_bias, w->scale,
                   w->mean, w->variance, w->mu, w->shift, w->slope, w->dk, w->track, w->adam_grad, w->m, w->v};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) free(all[k]);
    for (int l = 0; l < CB_HGQ_LAYERS; l++) {
        free(w->iq[l]);
        free(w->kq[l]);
        free(w->kernel[l]);
    }
    for (int k = 0; k < CB_SHARDS; k++) {
        free(w->part[k].zero_from);
        free(w->part[k].sum);
        free(w->part[k].square);
        free(w->part[k].scratch);
        free(w->part[k].keep);
    }
    free(w);
}

static void own_mask(void *context, uint16_t *keep, int layer, int n_feature, uint64_t step, size_t block) {
    const cb_hgq_trainer *t = context;
    cb_dropout_keep(keep, n_feature, layer ? 1.0f / 8 : 1.0f / 9, t->seed,
                    layer ? "hgq-dropout-hidden" : "hgq-dropout-flatten", step, block);
}

cb_hgq_trainer *cb_hgq_trainer_new(cb_hgq_student *s, uint32_t batch, double learning_rate, uint64_t seed) {
    cb_hgq_trainer *t = cb_alloc(1, sizeof *t);
    if (!t) return NULL;
    *t = (cb_hgq_trainer){.s = s, .learning_rate = learning_rate, .seed = seed, .mask = own_mask, .mask_context = t};
    t->work = cb_alloc(1, sizeof *t->work);
    t->grad = cb_alloc(s->n_value, sizeof *t->grad);
    t->out = cb_alloc_aligned(cb_blocks(batch) * CB_LANES, sizeof *t->out);
    if (t->work && t->grad && t->out && work_new(t->work, s, batch)) return t;
    cb_hgq_trainer_free(t);
    return NULL;
}

void cb_hgq_trainer_free(cb_hgq_trainer *t) {
    if (!t) return;
    if (t->work) work_free(t->work);
    free(t->grad);
    free(t->out);
    free(t);
}

/* ---- forward ---- */

static const cb_relu_rule relu = {.top = INFINITY};

static void prepare_input(work *w, const cb_hgq_student *s, int l) {
    const cb_hgq_site *site = &s->iq[l];
    for (size_t e = 0; e < site->n; e++) {
        cb_format r = cb_hgq_rounded(&site->q, site->map ? site->map[e] : e);
        w->iq[l][e] = cb_hgq_format_make(r.k, r.i, r.f, site->q.overflow);
    }
}

/* Quantized weights; tracks i of WRAP. */
static void quantize_weights(work *w, cb_hgq_site *site, cb_hgq_format *t, const float *x, float *y) {
    cb_hgq_forward_with(&site->q, x, site->map, site->n, y, t, w->track);
}

static void note_peak(const cb_hgq_student *s, int l, shard *p, const float *q) {
    if (s->iq[l].q.overflow != CB_WRAP) return;
    cb_hgq_lanes_peak(q, (int)s->iq[l].n, p->peak[l]);
}

/* Up to the quantized input of dense1, and its moments. */
static void forward_first(cb_hgq_trainer *t, const cb_student_batch *b, shard *p, size_t first, size_t last) {
    work *w = t->work;
    const cb_hgq_student *s = t->s;
    size_t flat = (size_t)s->n_flat * CB_LANES, image = w->image * CB_LANES;
    cb_tile_conv tile = {s->d.width, s->d.size, s->d.filters, s->oh, s->ow};
    memset(p->zero_from, 0, p->n_zero * sizeof *p->zero_from);
    memset(p->sum, 0, flat * sizeof *p->sum);
    memset(p->square, 0, flat * sizeof *p->square);
    for (size_t k = first; k < last; k++) {
        const float *x = b->x + k * image;
        if (s->d.conv) {
            cb_hgq_lanes_quantize(w->iq[0], (int)w->image, x, w->x0 + k * image);
            note_peak(s, 0, p, w->x0 + k * image);
            if (t->mask) t->mask(t->mask_context, p->keep, 0, s->n_flat, t->step, k);
            cb_tile_forward(&tile, &relu, w->x0 + k * image, w->kernel[0], t->mask ? p->keep : NULL, t->mask ? 9.0f / 8 : 1,
                            w->h0 + k * flat, p->keep);
            x = w->h0 + k * flat;
        }
        cb_hgq_lanes_quantize(w->iq[1], s->n_flat, x, w->x1 + k * flat);
        note_peak(s, 1, p, w->x1 + k * flat);
        cb_hgq_lanes_moments(w->x1 + k * flat, s->n_flat, p->sum, p->square);
    }
}

/* Sum over shards and lanes of [f][16] arrays at offset `at` of each shard. */
static double lane_total(const double *const part[CB_SHARDS], size_t f) {
    double sum = 0;
    for (int k = 0; k < CB_SHARDS; k++) {
        double x[CB_LANES];
        memcpy(x, part[k] + f * CB_LANES, sizeof x);
        for (int half = CB_LANES / 2; half; half /= 2)
            for (int lane = 0; lane < half; lane++) x[lane] += x[lane + half];
        sum += x[0];
    }
    return sum;
}

/* Batch mean and population variance of dense1's input, moving averages, fused weights. */
static void fuse_batch(cb_hgq_trainer *t, uint32_t n) {
    work *w = t->work;
    cb_hgq_student *s = t->s;
    const double *sum[CB_SHARDS], *square[CB_SHARDS];
    for (int k = 0; k < CB_SHARDS; k++) sum[k] = w->part[k].sum, square[k] = w->part[k].square;
    for (int c = 0; c < s->n_flat; c++) {
        double mu = lane_total(sum, (size_t)c) / n, var = lane_total(square, (size_t)c) / n - mu * mu;
        if (var < 0) var = 0; /* rounding of a constant feature */
        w->mean[c] = (float)mu;
        w->variance[c] = (float)var;
        s->mean[c] = (float)(0.99 * s->mean[c] + 0.01 * mu);
        s->variance[c] = (float)(0.99 * s->variance[c] + 0.01 * var);
    }
    cb_hgq_student_fuse(s, w->mean, w->variance, w->fused, w->fused_bias, w->scale);
    quantize_weights(w, &s->kq[1], w->kq[1], w->fused, w->kernel[1]);
    quantize_weights(w, &s->bq, w->bq, w->fused_bias, w->bias);
}

/* From dense1 to the loss and back to the gradient of dense1's input (batch norm part missing). */
static void middle(cb_hgq_trainer *t, const cb_student_batch *b, shard *p, size_t first, size_t last) {
    work *w = t->work;
    cb_hgq_student *s = t->s;
    int hidden = s->d.hidden;
    size_t flat = (size_t)s->n_flat * CB_LANES, h = (size_t)hidden * CB_LANES;
    float scale = t->mask ? 8.0f / 7 : 1, share = 1.0f / (float)b->n_event;
    p->mae = 0;
    for (size_t k = first; k < last; k++) {
        float *h1 = w->h1 + k * h, *x2 = w->x2 + k * h, *g2 = w->g2 + k * h, *out = t->out + k * CB_LANES, g[CB_LANES];
        cb_dense_forward(w->x1 + k * flat, w->kernel[1], w->bias, s->n_flat, hidden, h1);
        if (t->mask) t->mask(t->mask_context, p->keep, 1, hidden, t->step, k);
        cb_relu_drop(&relu, h1, t->mask ? p->keep : NULL, scale, hidden, h1, p->keep);
        cb_hgq_lanes_quantize(w->iq[2], hidden, h1, x2);
        note_peak(s, 2, p, x2);
        cb_dense_forward(x2, w->kernel[2], NULL, hidden, 1, out);
        for (int lane = 0; lane < CB_LANES; lane++) out[lane] = out[lane] > 0 ? out[lane] : 0;
        p->mae += cb_mae_block(out, b->y + k * CB_LANES, cb_student_lanes(b, k), share, g);
        for (int lane = 0; lane < CB_LANES; lane++) g[lane] = out[lane] > 0 ? g[lane] : 0;
        cb_dense_gradient(x2, h, g, CB_LANES, 1, hidden, 1, p->dk2, NULL);
        cb_dense_backward(g, w->kernel[2], hidden, 1, g2);
        cb_hgq_lanes_backward(w->iq[2], hidden, h1, x2, g2, g2, p->di[2], p->df[2]);
        for (size_t e = 0; e < h; e++) g2[e] = h1[e] > 0 ? g2[e] * scale : 0;
        cb_dense_backward(g2, w->kernel[1], s->n_flat, hidden, w->g1 + k * flat);
    }
    cb_dense_gradient(w->x1 + first * flat, flat, w->g2 + first * h, h, last - first, s->n_flat, hidden, p->dk1, p->do1);
}

/* ---- backward ---- */

static double *grad_of(cb_hgq_trainer *t, const float *value) { return t->grad + (value - t->s->value); }

/* dense1's weights from the gradients of its quantized, fused kernel and bias; leaves the batch norm
 * part of the input gradient in mu, shift, slope. */
static void backward_fused(cb_hgq_trainer *t, uint32_t n) {
    work *w = t->work;
    cb_hgq_student *s = t->s;
    int h = s->d.hidden;
    size_t nk = s->kq[1].n;
    for (size_t e = 0; e < nk; e++) {
        double sum = 0;
        for (int k = 0; k < CB_SHARDS; k++) sum += w->part[k].dk1[e];
        w->dk[e] = (float)sum;
    }
    for (int o = 0; o < h; o++) {
        double sum = 0;
        for (int k = 0; k < CB_SHARDS; k++) sum += w->part[k].do1[o];
        w->g_bias[o] = (float)sum;
    }
    const cb_hgq_quantizer *kq = &s->kq[1].q, *bq = &s->bq.q;
    cb_hgq_backward_with(kq, w->kq[1], w->fused, w->kernel[1], w->dk, s->kq[1].map, nk, w->dk, grad_of(t, kq->i),
                         grad_of(t, kq->w));
    cb_hgq_backward_with(bq, w->bq, w->fused_bias, w->bias, w->g_bias, s->bq.map, (size_t)h, w->fused_bias,
                         grad_of(t, bq->i), grad_of(t, bq->w));
    const float *d_o = w->fused_bias; /* now the gradient of the offset */
    double *dk = grad_of(t, s->kernel[1]), *dg = grad_of(t, s->gamma), *db = grad_of(t, s->bias);
    for (int o = 0; o < h; o++) db[o] = d_o[o];
    for (int c = 0; c < s->n_flat; c++) {
        const float *k = s->kernel[1] + (size_t)c * (size_t)h, *dkf = w->dk + (size_t)c * (size_t)h;
        double ds = 0, along = 0, root = sqrt(w->variance[c] + CB_HGQ_BN_EPSILON), mu = w->mean[c];
        double factor = s->d.exact_fold ? w->scale[c] : 1;
        for (int o = 0; o < h; o++) {
            ds += (double)dkf[o] * k[o];
            along += (double)k[o] * d_o[o];
            dk[(size_t)c * (size_t)h + (size_t)o] = w->scale[c] * dkf[o] - factor * mu * d_o[o];
        }
        if (s->d.exact_fold) ds -= mu * along;
        dg[c] = ds / root;
        double dv = -0.5 * s->gamma[c] / (root * root * root) * ds;
        w->mu[c] = w->mean[c];
        w->shift[c] = (float)(-factor * along / n);
        w->slope[c] = (float)(2 * dv / n);
    }
}

/* dense1's input gradient completed, through its iq, dropout, relu, conv, to the first iq. */
static void backward_first(cb_hgq_trainer *t, const cb_student_batch *b, shard *p, size_t first, size_t last) {
    work *w = t->work;
    const cb_hgq_student *s = t->s;
    size_t flat = (size_t)s->n_flat * CB_LANES, image = w->image * CB_LANES;
    cb_hgq_patch patch = {s->d.height, s->d.width, s->d.size, s->d.filters};
    for (size_t k = first; k < last; k++) {
        float *g = w->g1 + k * flat;
        const float *x1 = w->x1 + k * flat, *raw = s->d.conv ? w->h0 + k * flat : b->x + k * image;
        cb_hgq_lanes_normalise(x1, s->n_flat, w->mu, w->shift, w->slope, g);
        int lanes = cb_student_lanes(b, k);
        for (int c = 0; lanes < CB_LANES && c < s->n_flat; c++) /* lanes beyond the last event */
            memset(g + c * CB_LANES + lanes, 0, (size_t)(CB_LANES - lanes) * sizeof *g);
        cb_hgq_lanes_backward(w->iq[1], s->n_flat, raw, x1, g, g, p->di[1], p->df[1]);
        if (!s->d.conv) continue;
        cb_hgq_lanes_conv_backward(&patch, w->x0 + k * image, w->kernel[0], raw, t->mask ? 9.0f / 8 : 1, g, p->dconv,
                                   p->scratch);
        cb_hgq_lanes_backward(w->iq[0], (int)w->image, b->x + k * image, w->x0 + k * image, p->scratch, p->scratch,
                              p->di[0], p->df[0]);
    }
}

/* Shards of an input quantizer's gradient -> its variables (KIF). */
static void collect_input(cb_hgq_trainer *t, int l) {
    const cb_hgq_site *site = &t->s->iq[l];
    double *di = grad_of(t, site->q.i), *dw = grad_of(t, site->q.w);
    for (size_t e = 0; e < site->n; e++) {
        size_t v = site->map ? site->map[e] : e;
        for (int k = 0; k < CB_SHARDS; k++) {
            const shard *p = &t->work->part[k];
            dw[v] += cb_lanes_sum(p->df[l] + e * CB_LANES);
            if (cb_hgq_trains_i(&site->q)) di[v] += cb_lanes_sum(p->di[l] + e * CB_LANES);
        }
    }
}

static void collect_kernel(cb_hgq_trainer *t, int l) {
    work *w = t->work;
    const cb_hgq_site *site = &t->s->kq[l];
    for (size_t e = 0; e < site->n; e++) {
        double sum = 0;
        for (int k = 0; k < CB_SHARDS; k++)
            sum += l == CB_HGQ_CONV ? cb_lanes_sum(w->part[k].dconv + e * CB_LANES) : w->part[k].dk2[e];
        w->dk[e] = (float)sum;
    }
    cb_hgq_backward_with(&site->q, w->kq[l], t->s->kernel[l], w->kernel[l], w->dk, site->map, site->n, w->dk,
                         grad_of(t, site->q.i), grad_of(t, site->q.w));
    double *dk = grad_of(t, t->s->kernel[l]);
    for (size_t e = 0; e < site->n; e++) dk[e] = w->dk[e];
}

/* WRAP data: tracked integer bits from the largest values of the batch. */
static void track_input(cb_hgq_trainer *t, int l) {
    cb_hgq_site *site = &t->s->iq[l];
    float *m = t->work->track;
    if (site->q.overflow != CB_WRAP) return;
    memset(m, 0, site->q.n * sizeof *m);
    for (size_t e = 0; e < site->n; e++)
        for (int k = 0; k < CB_SHARDS * CB_LANES; k++) {
            size_t v = site->map ? site->map[e] : e;
            float peak = t->work->part[k / CB_LANES].peak[l][e * CB_LANES + (size_t)(k % CB_LANES)];
            m[v] = peak > m[v] ? peak : m[v];
        }
    cb_hgq_track(&site->q, m);
}

void cb_hgq_gradient(cb_hgq_trainer *t, const cb_student_batch *b, double beta) {
    work *w = t->work;
    cb_hgq_student *s = t->s;
    memset(t->grad, 0, s->n_value * sizeof *t->grad);
    for (int l = s->first; l < CB_HGQ_LAYERS; l++) prepare_input(w, s, l);
    if (s->d.conv) quantize_weights(w, &s->kq[0], w->kq[0], s->kernel[0], w->kernel[0]);
    quantize_weights(w, &s->kq[2], w->kq[2], s->kernel[2], w->kernel[2]);
#pragma omp parallel for schedule(static)
    for (int k = 0; k < CB_SHARDS; k++)
        forward_first(t, b, &w->part[k], cb_shard_first(b->n_block, k), cb_shard_first(b->n_block, k + 1));
    fuse_batch(t, b->n_event);
#pragma omp parallel for schedule(static)
    for (int k = 0; k < CB_SHARDS; k++)
        middle(t, b, &w->part[k], cb_shard_first(b->n_block, k), cb_shard_first(b->n_block, k + 1));
    backward_fused(t, b->n_event);
#pragma omp parallel for schedule(static)
    for (int k = 0; k < CB_SHARDS; k++)
        backward_first(t, b, &w->part[k], cb_shard_first(b->n_block, k), cb_shard_first(b->n_block, k + 1));
    for (int l = s->first; l < CB_HGQ_LAYERS; l++) {
        collect_input(t, l);
        if (l != CB_HGQ_DENSE1) collect_kernel(t, l);
        track_input(t, l);
    }
    t->mae = 0;
    for (int k = 0; k < CB_SHARDS; k++) t->mae += w->part[k].mae;
    t->mae /= b->n_event;
    t->regularizer = cb_hgq_student_regularizer(s, t->grad);
    t->loss = t->mae + beta * cb_hgq_student_ebops(s, t->ebops, beta, t->grad) + t->regularizer;
}

void cb_hgq_update(cb_hgq_trainer *t) {
    work *w = t->work;
    cb_hgq_student *s = t->s;
    for (size_t k = 0; k < s->n_value; k++) w->adam_grad[k] = (float)t->grad[k];
    cb_adam_update(s->value, w->adam_grad, w->m, w->v, s->n_value, cb_adam_rate(t->learning_rate, ++t->step));
    for (int l = s->first; l < CB_HGQ_LAYERS; l++) {
        cb_hgq_constrain(&s->iq[l].q);
        cb_hgq_constrain(&s->kq[l].q);
    }
    cb_hgq_constrain(&s->bq.q);
}
