#include "hgq_train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ranks.h"
#include "nn/adam.h"
#include "nn/dense.h"
#include "quant/hgq_lanes.h"
#include "quant/hgq_work.h"

typedef cb_hgq_work work;
typedef cb_hgq_shard shard;

static void own_mask(void *context, uint16_t *keep, int layer, int n_feature, uint64_t step, size_t block) {
    const cb_hgq_trainer *t = context;
    cb_dropout_keep(keep, n_feature, layer ? 1.0f / 8 : 1.0f / 9, t->seed,
                    layer ? "hgq-dropout-hidden" : "hgq-dropout-flatten", step, block);
}

cb_hgq_trainer *cb_hgq_trainer_new(cb_hgq_student *s, uint32_t batch, double learning_rate, uint64_t seed) {
    cb_hgq_trainer *t = cb_alloc(1, sizeof *t);
    if (!t) return NULL;
    *t = (cb_hgq_trainer){.s = s, .learning_rate = learning_rate, .seed = seed, .mask = own_mask, .mask_context = t};
    t->work = cb_hgq_work_new(s, batch);
    t->grad = cb_alloc(s->n_value, sizeof *t->grad);
    t->out = cb_alloc_aligned(cb_blocks(batch) * CB_LANES, sizeof *t->out);
    if (t->work && t->grad && t->out) return t;
    cb_hgq_trainer_free(t);
    return NULL;
}

void cb_hgq_trainer_free(cb_hgq_trainer *t) {
    if (!t) return;
    cb_hgq_work_free(t->work);
    free(t->grad);
    free(t->out);
    free(t);
}

/* ---- parts: elements of an array of n dealt to CB_SHARDS parts, worked on by any thread ---- */

static size_t part_from(size_t n, int k) { return cb_shard_first(n, k); }

/* Formats of the data quantizers, gradients from 0. */
static void prepare_part(cb_hgq_trainer *t, int k) {
    work *w = t->work;
    const cb_hgq_student *s = t->s;
    for (int l = s->first; l < CB_HGQ_LAYERS; l++) {
        const cb_hgq_site *site = &s->iq[l];
        for (size_t e = part_from(site->n, k); e < part_from(site->n, k + 1); e++) {
            cb_format r = cb_hgq_rounded(&site->q, site->map ? site->map[e] : e);
            w->iq[l][e] = cb_hgq_format_make(r.k, r.i, r.f, site->q.overflow);
        }
    }
    size_t from = part_from(s->n_value, k), to = part_from(s->n_value, k + 1);
    memset(t->grad + from, 0, (to - from) * sizeof *t->grad);
}

/* Quantized weights by the general rules; tracks i of WRAP. */
static void quantize_weights(work *w, cb_hgq_site *site, cb_hgq_format *t, const float *x, float *y) {
    cb_hgq_forward_with(&site->q, x, site->map, site->n, y, t, w->track);
}

/* Whether cb_hgq_weights_quantize knows the rules. */
static bool plain_weights(const cb_hgq_site *site) {
    const cb_hgq_quantizer *q = &site->q;
    bool good = !site->map && q->kind == CB_KBI && q->overflow == CB_SAT_SYM && q->round == CB_RND;
    for (size_t v = 0; good && v < q->n; v++) good = q->k[v] == 1;
    return good;
}

/* ---- forward ---- */

/* WRAP data are not clipped in training, and their ranges are tracked. */
static bool is_open(const cb_hgq_student *s, int l) { return s->iq[l].q.overflow == CB_WRAP; }

static cb_hgq_first first_of(const cb_hgq_trainer *t) {
    const work *w = t->work;
    const cb_hgq_student *s = t->s;
    return (cb_hgq_first){.conv = s->d.conv,
                          .tile = {s->d.width, s->d.size, s->d.filters, s->oh, s->ow},
                          .n_flat = s->n_flat,
                          .iq0 = w->iq[0],
                          .iq1 = w->iq[1],
                          .kernel = w->kernel[0],
                          .mean = w->mu,
                          .shift = w->shift,
                          .slope = w->slope,
                          .factor = t->mask ? 9.0f / 8 : 1,
                          .open = is_open(s, 1) && (!s->d.conv || is_open(s, 0))};
}

static void draw(cb_hgq_trainer *t, int layer, int n, size_t block, uint16_t *keep) {
    if (t->mask) t->mask(t->mask_context, keep, layer, n, t->step, block);
    else memset(keep, 0xFF, (size_t)n * sizeof *keep);
}

/* Up to the quantized input of dense1, and its moments; one shard. */
static void forward_first(cb_hgq_trainer *t, cb_student_batch *b, bool load, int part) {
    work *w = t->work;
    const cb_hgq_student *s = t->s;
    shard *p = &w->part[part];
    size_t flat = (size_t)s->n_flat, image = w->image * CB_LANES;
    size_t first = cb_shard_first(b->n_block, part), last = cb_shard_first(b->n_block, part + 1);
    cb_hgq_first f = first_of(t);
    memset(p->zero_from, 0, p->n_zero * sizeof *p->zero_from);
    for (int l = s->first; l < CB_HGQ_LAYERS; l++)
        if (cb_hgq_trains_i(&s->iq[l].q)) memset(p->di[l], 0, s->iq[l].n * CB_LANES * sizeof *p->di[l]);
    for (size_t k = first; k < last; k++) {
        double lap = cb_step_start(t->profile);
        if (load) cb_student_batch_block(b, k);
        cb_step_stop(t->profile, part, CB_STEP_LOAD, &lap);
        const float *x = b->x + k * image;
        float *x1 = w->x1 + k * flat * CB_LANES;
        if (s->d.conv) {
            uint16_t *on = w->on + k * flat;
            draw(t, 0, s->n_flat, k, on);
            cb_step_stop(t->profile, part, CB_STEP_DROPOUT, &lap);
            cb_hgq_first_forward(&f, x, on, w->h0 + k * flat * CB_LANES, x1, on, is_open(s, 0) ? p->peak[0] : NULL);
        } else cb_hgq_lanes_quantize(w->iq[1], s->n_flat, x, x1, NULL, is_open(s, 1));
        cb_step_stop(t->profile, part, CB_STEP_FIRST, &lap);
    }
    double lap = cb_step_start(t->profile);
    cb_hgq_lanes_moments(w->x1 + first * flat * CB_LANES, flat * CB_LANES, last - first, s->n_flat, p->sum, p->square,
                         p->peak[1]);
    cb_step_stop(t->profile, part, CB_STEP_DENSE, &lap);
}

/* Batch mean and population variance of some features of dense1's input, moving averages, their rows of the fused kernel
 * (quantized, if the rules are plain) and their share of the offset. */
static void fuse_part(cb_hgq_trainer *t, uint32_t n, int k) {
    work *w = t->work;
    cb_hgq_student *s = t->s;
    size_t from = part_from((size_t)s->n_flat, k), to = part_from((size_t)s->n_flat, k + 1), h = (size_t)s->d.hidden;
    const double *sum[CB_SHARDS], *square[CB_SHARDS];
    double *total = w->total, *total2 = w->total + s->n_flat, *offset = w->offset + (size_t)k * h;
    bool centred = s->d.fold == CB_HGQ_FOLD_CENTRED;
    for (int p = 0; p < CB_SHARDS; p++) sum[p] = w->part[p].sum, square[p] = w->part[p].square;
    cb_hgq_totals64(sum, CB_SHARDS, from, to, total);
    cb_hgq_totals64(square, CB_SHARDS, from, to, total2);
    for (size_t c = from; c < to; c++) {
        double mu = total[c] / n, var = total2[c] / n - mu * mu;
        if (var < 0) var = 0; /* rounding of a constant feature */
        s->mean[c] = (float)(0.99 * s->mean[c] + 0.01 * mu);
        if (centred && fabsf(s->mean[c]) < 0x1p-40f) s->mean[c] = 0; /* a dead feature: no subnormal products later */
        if (!centred) s->variance[c] = (float)(0.99 * s->variance[c] + 0.01 * var);
        w->mean[c] = centred ? s->mean[c] : (float)mu;
        w->variance[c] = centred ? s->variance[c] : (float)var;
    }
    for (size_t j = 0; j < h; j++) offset[j] = 0;
    cb_hgq_student_fuse_rows(s, w->mean, w->variance, from, to, w->fused, offset, w->scale);
    const cb_hgq_quantizer *q = &s->kq[1].q;
    w->part_plain[k] = w->plain && cb_hgq_weights_quantize(q->w + from * h, q->i + from * h, w->fused + from * h,
                                                           (to - from) * h, w->kernel[1] + from * h);
    if (centred && w->part_plain[k]) cb_hgq_student_centre_rows(s, w->mean, w->kernel[1], from, to, offset);
}

/* The rest of the fold, where the parts meet. */
static void fuse_end(cb_hgq_trainer *t) {
    work *w = t->work;
    cb_hgq_student *s = t->s;
    size_t h = (size_t)s->d.hidden, flat = (size_t)s->n_flat;
    for (int k = 0; k < CB_SHARDS; k++) w->plain = w->plain && w->part_plain[k];
    if (!w->plain) quantize_weights(w, &s->kq[1], w->kq[1], w->fused, w->kernel[1]);
    for (int k = 0; !w->plain && s->d.fold == CB_HGQ_FOLD_CENTRED && k < CB_SHARDS; k++) {
        double *offset = w->offset + (size_t)k * h;
        for (size_t j = 0; j < h; j++) offset[j] = 0;
        cb_hgq_student_centre_rows(s, w->mean, w->kernel[1], part_from(flat, k), part_from(flat, k + 1), offset);
    }
    for (size_t j = 0; j < h; j++) {
        double o = s->bias[j];
        for (size_t k = 0; k < CB_SHARDS; k++) o -= w->offset[k * h + j];
        w->fused_bias[j] = (float)o;
    }
    quantize_weights(w, &s->bq, w->bq, w->fused_bias, w->bias);
}

/* From dense1 to the loss and back to the gradient of its sums; dense1's weight gradients. One shard. */
static void middle(cb_hgq_trainer *t, const cb_student_batch *b, int part) {
    work *w = t->work;
    cb_hgq_student *s = t->s;
    shard *p = &w->part[part];
    int hidden = s->d.hidden;
    size_t flat = (size_t)s->n_flat * CB_LANES, h = (size_t)hidden * CB_LANES;
    size_t first = cb_shard_first(b->n_block, part), last = cb_shard_first(b->n_block, part + 1);
    cb_hgq_head head = {hidden, w->iq[2], w->kernel[2], t->mask ? 8.0f / 7 : 1, 1.0f / (float)b->n_event};
    cb_hgq_head_sums sums = {0, p->dk2, p->peak[2], {p->di[2], p->df[2]}};
    for (size_t k = first; k < last; k++) {
        float *h1 = w->h1 + k * h;
        double lap = cb_step_start(t->profile);
        cb_dense_forward(w->x1 + k * flat, w->kernel[1], w->bias, s->n_flat, hidden, h1);
        cb_step_stop(t->profile, part, CB_STEP_DENSE, &lap);
        draw(t, 1, hidden, k, p->keep);
        cb_hgq_head_block(&head, h1, p->keep, b->y + k * CB_LANES, cb_student_lanes(b, k), w->x2 + k * h,
                          t->out + k * CB_LANES, w->g2 + k * h, &sums);
        cb_step_stop(t->profile, part, CB_STEP_LOSS, &lap);
    }
    p->mae = sums.loss;
    double lap = cb_step_start(t->profile);
    if (first < last)
        cb_dense_gradient(w->x1 + first * flat, flat, w->g2 + first * h, h, last - first, s->n_flat, hidden, p->dk1, p->do1);
    cb_step_stop(t->profile, part, CB_STEP_WEIGHTS, &lap);
}

/* ---- backward ---- */

static double *grad_of(cb_hgq_trainer *t, const float *value) { return t->grad + (value - t->s->value); }

/* The kernel's share of the gradient through the offset of a centred fold: rows from..to-1. */
static void centre_gradient(work *w, const cb_hgq_student *s, size_t from, size_t to) {
    size_t h = (size_t)s->d.hidden;
    if (s->d.fold != CB_HGQ_FOLD_CENTRED) return;
    for (size_t c = from; c < to; c++)
        for (size_t j = 0; j < h; j++) w->dk[c * h + j] -= w->mean[c] * w->fused_bias[j];
}

/* Gradient of dense1's offset -> fused_bias; and of its whole kernel, unless the rules are plain. */
static void backward_offset(cb_hgq_trainer *t) {
    work *w = t->work;
    cb_hgq_student *s = t->s;
    const float *part[CB_SHARDS];
    const cb_hgq_quantizer *kq = &s->kq[1].q, *bq = &s->bq.q;
    for (int k = 0; k < CB_SHARDS; k++) part[k] = w->part[k].do1;
    cb_hgq_shards(part, CB_SHARDS, 0, (size_t)s->d.hidden, w->g_bias);
    cb_hgq_backward_with(bq, w->bq, w->fused_bias, w->bias, w->g_bias, s->bq.map, (size_t)s->d.hidden, w->fused_bias,
                         grad_of(t, bq->i), grad_of(t, bq->w));
    double *db = grad_of(t, s->bias);
    for (int o = 0; o < s->d.hidden; o++) db[o] = w->fused_bias[o];
    if (w->plain) return;
    for (int k = 0; k < CB_SHARDS; k++) part[k] = w->part[k].dk1;
    cb_hgq_shards(part, CB_SHARDS, 0, s->kq[1].n, w->dk);
    centre_gradient(w, s, 0, (size_t)s->n_flat);
    cb_hgq_backward_with(kq, w->kq[1], w->fused, w->kernel[1], w->dk, s->kq[1].map, s->kq[1].n, w->dk, grad_of(t, kq->i),
                         grad_of(t, kq->w));
}

/* One feature's kernel row, gamma, and the batch norm's part of its input gradient. */
static void backward_row(cb_hgq_trainer *t, int c, uint32_t n) {
    work *w = t->work;
    cb_hgq_student *s = t->s;
    int h = s->d.hidden;
    const float *k = s->kernel[1] + (size_t)c * (size_t)h, *dkf = w->dk + (size_t)c * (size_t)h, *d_o = w->fused_bias;
    double *dk = grad_of(t, k), ds = 0, along = 0, root = sqrt(w->variance[c] + CB_HGQ_BN_EPSILON), mu = w->mean[c];
    double factor = s->d.fold == CB_HGQ_FOLD_EXACT ? w->scale[c] : s->d.fold == CB_HGQ_FOLD_CENTRED ? 0 : 1;
    for (int o = 0; o < h; o++) {
        ds += (double)dkf[o] * k[o];
        along += (double)k[o] * d_o[o];
        dk[o] = w->scale[c] * dkf[o] - factor * mu * d_o[o];
    }
    if (s->d.fold == CB_HGQ_FOLD_EXACT) ds -= mu * along;
    *grad_of(t, &s->gamma[c]) = ds / root;
    double dv = s->d.fold == CB_HGQ_FOLD_CENTRED ? 0 : -0.5 * s->gamma[c] / (root * root * root) * ds;
    w->mu[c] = w->mean[c];
    w->shift[c] = (float)(-factor * along / n);
    w->slope[c] = (float)(2 * dv / n);
}

/* dense1's weights from the gradients of its quantized, fused kernel; some rows. */
static void backward_part(cb_hgq_trainer *t, uint32_t n, int k) {
    work *w = t->work;
    cb_hgq_student *s = t->s;
    size_t h = (size_t)s->d.hidden, from = part_from((size_t)s->n_flat, k), to = part_from((size_t)s->n_flat, k + 1);
    const cb_hgq_quantizer *q = &s->kq[1].q;
    const float *part[CB_SHARDS];
    for (int p = 0; p < CB_SHARDS; p++) part[p] = w->part[p].dk1;
    if (w->plain) {
        cb_hgq_shards(part, CB_SHARDS, from * h, to * h, w->dk);
        centre_gradient(w, s, from, to);
        cb_hgq_weights_backward(q->w + from * h, q->i + from * h, w->fused + from * h, w->kernel[1] + from * h,
                                w->dk + from * h, (to - from) * h, w->dk + from * h, grad_of(t, q->i + from * h),
                                grad_of(t, q->w + from * h));
    }
    for (size_t c = from; c < to; c++) backward_row(t, (int)c, n);
}

/* dense1's input gradient, through its iq, dropout, relu, conv, to the first iq; one shard. */
static void backward_first(cb_hgq_trainer *t, const cb_student_batch *b, int part) {
    work *w = t->work;
    const cb_hgq_student *s = t->s;
    shard *p = &w->part[part];
    size_t flat = (size_t)s->n_flat, h = (size_t)s->d.hidden * CB_LANES;
    cb_hgq_first f = first_of(t);
    cb_hgq_first_sums sums = {p->dconv, {p->di[0], p->df[0]}, {p->di[1], p->df[1]}};
    for (size_t k = cb_shard_first(b->n_block, part); k < cb_shard_first(b->n_block, part + 1); k++) {
        const float *x = b->x + k * w->image * CB_LANES;
        double lap = cb_step_start(t->profile);
        cb_dense_backward(w->g2 + k * h, w->kernel[1], s->n_flat, s->d.hidden, p->g1);
        cb_step_stop(t->profile, part, CB_STEP_BACK, &lap);
        cb_hgq_first_block(&f, x, s->d.conv ? w->h0 + k * flat * CB_LANES : x, w->x1 + k * flat * CB_LANES,
                           s->d.conv ? w->on + k * flat : NULL, cb_student_lanes(b, k), p->g1, &sums);
        cb_step_stop(t->profile, part, CB_STEP_FIRST_BACK, &lap);
    }
}

/* ---- the quantizers' variables ---- */

/* Shards of some elements of an input quantizer -> its variables (KIF). With a map elements share variables: one caller. */
static void collect_input(cb_hgq_trainer *t, int l, size_t from, size_t to) {
    work *w = t->work;
    const cb_hgq_site *site = &t->s->iq[l];
    double *di = grad_of(t, site->q.i), *dw = grad_of(t, site->q.w), *total = w->total + (size_t)l * w->most;
    const float *part[CB_SHARDS];
    for (int k = 0; k < CB_SHARDS; k++) part[k] = w->part[k].df[l];
    cb_hgq_totals(part, CB_SHARDS, from, to, total);
    for (size_t e = from; e < to; e++) dw[site->map ? site->map[e] : e] += total[e];
    if (!cb_hgq_trains_i(&site->q)) return;
    for (int k = 0; k < CB_SHARDS; k++) part[k] = w->part[k].di[l];
    cb_hgq_totals(part, CB_SHARDS, from, to, total);
    for (size_t e = from; e < to; e++) di[site->map ? site->map[e] : e] += total[e];
}

static void collect_kernel(cb_hgq_trainer *t, int l) {
    work *w = t->work;
    const cb_hgq_site *site = &t->s->kq[l];
    const float *part[CB_SHARDS];
    for (int k = 0; k < CB_SHARDS; k++) part[k] = l == CB_HGQ_CONV ? w->part[k].dconv : w->part[k].dk2;
    cb_hgq_totals(part, CB_SHARDS, 0, site->n, w->total);
    for (size_t e = 0; e < site->n; e++) w->dk[e] = (float)w->total[e];
    cb_hgq_backward_with(&site->q, w->kq[l], t->s->kernel[l], w->kernel[l], w->dk, site->map, site->n, w->dk,
                         grad_of(t, site->q.i), grad_of(t, site->q.w));
    double *dk = grad_of(t, t->s->kernel[l]);
    for (size_t e = 0; e < site->n; e++) dk[e] = w->dk[e];
}

/* WRAP data: tracked integer bits of some elements from the largest values of the batch; all elements, where elements
 * share variables. */
static void track_input(cb_hgq_trainer *t, int l, size_t from, size_t to) {
    cb_hgq_site *site = &t->s->iq[l];
    cb_hgq_quantizer q = site->map ? site->q : cb_hgq_part(&site->q, from, to);
    float *m = t->work->track, *peak = t->work->peak + (size_t)l * t->work->most;
    const float *part[CB_SHARDS];
    if (q.overflow != CB_WRAP) return;
    for (int k = 0; k < CB_SHARDS; k++) part[k] = t->work->part[k].peak[l];
    cb_hgq_peaks(part, CB_SHARDS, from, to, peak);
    if (site->map) {
        memset(m, 0, q.n * sizeof *m);
        for (size_t e = from; e < to; e++) m[site->map[e]] = peak[e] > m[site->map[e]] ? peak[e] : m[site->map[e]];
    }
    cb_hgq_track(&q, site->map ? m : peak + from);
}

/* Elements of unshared input quantizers, and the cost of dense1's rows. */
static void collect_part(cb_hgq_trainer *t, double beta, int k) {
    for (int l = t->s->first; l < CB_HGQ_LAYERS; l++) {
        size_t n = t->s->iq[l].n, from = part_from(n, k), to = part_from(n, k + 1);
        if (t->s->iq[l].map) continue;
        collect_input(t, l, from, to);
        track_input(t, l, from, to);
    }
    size_t rows = (size_t)t->s->n_flat;
    if (t->work->rows_alone)
        cb_hgq_student_cost_rows(t->s, part_from(rows, k), part_from(rows, k + 1), beta, t->grad, &t->work->cost[k]);
}

/* What is left for one thread: small kernels, shared quantizers, the cost but for dense1's rows; the sums. */
static void collect_rest(cb_hgq_trainer *t, uint32_t n, double beta) {
    const cb_hgq_student *s = t->s;
    work *w = t->work;
    for (int l = s->first; l < CB_HGQ_LAYERS; l++) {
        if (s->iq[l].map) {
            collect_input(t, l, 0, s->iq[l].n);
            track_input(t, l, 0, s->iq[l].n);
        }
        if (l != CB_HGQ_DENSE1) collect_kernel(t, l);
    }
    t->mae = 0;
    for (int k = 0; k < CB_SHARDS; k++) t->mae += w->part[k].mae;
    t->mae /= n;
    cb_hgq_cost sum;
    cb_hgq_student_cost_rest(s, w->rows_alone ? (size_t)s->n_flat : 0, beta, t->grad, &sum);
    for (int k = 0; w->rows_alone && k < CB_SHARDS; k++) {
        sum.regularizer += w->cost[k].regularizer;
        sum.ebops[CB_HGQ_DENSE1] += w->cost[k].ebops[CB_HGQ_DENSE1];
    }
    double ebops = 0;
    for (int l = 0; l < CB_HGQ_LAYERS; l++) ebops += t->ebops[l] = sum.ebops[l];
    t->regularizer = sum.regularizer;
    t->loss = t->mae + beta * ebops + t->regularizer;
}

/* ---- ranks: what the next phase needs of the shards that other ranks made (base/ranks.h) ---- */

static void share_moments(work *w, int n_flat) {
    void *sum[CB_SHARDS], *square[CB_SHARDS];
    size_t bytes = (size_t)n_flat * CB_LANES * sizeof(double);
    for (int k = 0; k < CB_SHARDS; k++) sum[k] = w->part[k].sum, square[k] = w->part[k].square;
    cb_ranks_share(sum, CB_SHARDS, bytes);
    cb_ranks_share(square, CB_SHARDS, bytes);
}

/* dense1's kernel and offset: do1 lies behind dk1. */
static void share_dense1(work *w, int hidden) {
    void *part[CB_SHARDS];
    for (int k = 0; k < CB_SHARDS; k++) part[k] = w->part[k].dk1;
    cb_ranks_share(part, CB_SHARDS, (size_t)(w->part[0].do1 + hidden - w->part[0].dk1) * sizeof(float));
}

/* All other sums, up to the scratch at the end of the block. */
static void share_rest(work *w) {
    void *part[CB_SHARDS], *mae[CB_SHARDS];
    for (int k = 0; k < CB_SHARDS; k++) part[k] = w->part[k].zero_from, mae[k] = &w->part[k].mae;
    cb_ranks_share(part, CB_SHARDS, (size_t)(w->part[0].g1 - w->part[0].zero_from) * sizeof(float));
    cb_ranks_share(mae, CB_SHARDS, sizeof(double));
}

void cb_hgq_gradient(cb_hgq_trainer *t, cb_student_batch *b, double beta) {
    work *w = t->work;
    cb_hgq_student *s = t->s;
    bool load = b->set != NULL, many = cb_ranks() > 1;
    int first = (int)cb_deal_first(CB_SHARDS), last = (int)cb_deal_end(CB_SHARDS); /* this rank's shards */
    cb_student_profile_begin(t->profile);
    w->plain = plain_weights(&s->kq[1]);
    if (s->d.conv) quantize_weights(w, &s->kq[0], w->kq[0], s->kernel[0], w->kernel[0]);
    quantize_weights(w, &s->kq[2], w->kq[2], s->kernel[2], w->kernel[2]);
#pragma omp parallel
    {
#pragma omp for schedule(static)
        for (int k = 0; k < CB_SHARDS; k++) prepare_part(t, k);
#pragma omp for schedule(static)
        for (int k = first; k < last; k++) forward_first(t, b, load, k);
        if (many) {
#pragma omp single
            share_moments(w, s->n_flat);
        }
#pragma omp for schedule(static)
        for (int k = 0; k < CB_SHARDS; k++) fuse_part(t, b->n_event, k);
#pragma omp single
        fuse_end(t);
#pragma omp for schedule(static)
        for (int k = first; k < last; k++) middle(t, b, k);
#pragma omp single
        {
            if (many) share_dense1(w, s->d.hidden);
            backward_offset(t);
        }
#pragma omp for schedule(static)
        for (int k = 0; k < CB_SHARDS; k++) backward_part(t, b->n_event, k);
#pragma omp for schedule(static)
        for (int k = first; k < last; k++) backward_first(t, b, k);
        if (many) {
#pragma omp single
            share_rest(w);
        }
#pragma omp for schedule(static)
        for (int k = 0; k < CB_SHARDS; k++) collect_part(t, beta, k);
    }
    collect_rest(t, b->n_event, beta);
    b->set = NULL;
    cb_student_profile_end(t->profile);
}

/* Adam on some values. */
static void update_part(cb_hgq_trainer *t, float rate, int k) {
    work *w = t->work;
    size_t n = t->s->n_value, from = part_from(n, k), to = part_from(n, k + 1);
    for (size_t v = from; v < to; v++) w->adam_grad[v] = (float)t->grad[v];
    cb_adam_update(t->s->value + from, w->adam_grad + from, w->m + from, w->v + from, to - from, rate);
}

static void constrain_part(cb_hgq_quantizer *q, int k) {
    cb_hgq_quantizer part = cb_hgq_part(q, part_from(q->n, k), part_from(q->n, k + 1));
    cb_hgq_constrain(&part);
}

void cb_hgq_update(cb_hgq_trainer *t) {
    cb_hgq_student *s = t->s;
    float rate = cb_adam_rate(t->learning_rate, ++t->step);
#pragma omp parallel
    {
#pragma omp for schedule(static)
        for (int k = 0; k < CB_SHARDS; k++) update_part(t, rate, k);
#pragma omp for schedule(static)
        for (int k = 0; k < CB_SHARDS; k++) {
            for (int l = s->first; l < CB_HGQ_LAYERS; l++) {
                constrain_part(&s->iq[l].q, k);
                constrain_part(&s->kq[l].q, k);
            }
            constrain_part(&s->bq.q, k);
        }
    }
}
