#include "plus_train.h"

#include <stdlib.h>
#include <string.h>

#include "nn/adam.h"
#include "nn/dense.h"

/* Sums of one shard, one block of memory cleared each step. */
typedef struct {
    float *all, *view_i, *view_f;      /* [elements][16] */
    float *iq_i[CB_PLUS_DENSE], *iq_f[CB_PLUS_DENSE]; /* [n_in][16] */
    float *kernel[CB_PLUS_DENSE], *bias[CB_PLUS_DENSE];
    size_t n;
} shard;

typedef struct cb_plus_work {
    cb_plus_model model;
    size_t n_block, n_value;        /* room; values of an event */
    float *value, *q, *g;           /* [block][n_value][16] */
    float *dk;                      /* gradient of one quantized kernel */
    float *adam_grad, *m, *v;
    float *out, *y, *g_out;         /* [events of a batch] */
    float *zb_out, *zb_y, *zb_g;
    uint64_t *order;
    shard part[CB_SHARDS];
} work;

/* ---- memory ---- */

static bool shard_new(shard *p, const cb_plus_student *s) {
    size_t n = 0, part[2 + 4 * CB_PLUS_DENSE], k = 0;
    float **at[2 + 4 * CB_PLUS_DENSE];
    at[k] = &p->view_i, part[k++] = (size_t)s->n_view * CB_LANES;
    at[k] = &p->view_f, part[k++] = (size_t)s->n_view * CB_LANES;
    for (int l = 0; l < s->d.n_dense; l++) {
        size_t in = (size_t)s->layer[l].n_in, out = (size_t)s->layer[l].n_out;
        at[k] = &p->iq_i[l], part[k++] = in * CB_LANES;
        at[k] = &p->iq_f[l], part[k++] = in * CB_LANES;
        at[k] = &p->kernel[l], part[k++] = in * out;
        at[k] = &p->bias[l], part[k++] = out;
    }
    for (size_t j = 0; j < k; j++) n += (part[j] + 15) / 16 * 16;
    float *next = p->all = cb_alloc_aligned(n, sizeof *next);
    p->n = n;
    for (size_t j = 0; next && j < k; next += (part[j] + 15) / 16 * 16, j++) *at[j] = next;
    return p->all;
}

static bool work_new(work *w, const cb_plus_student *s, uint32_t batch) {
    w->n_block = cb_blocks(batch);
    w->n_value = cb_plus_model_values(s);
    size_t room = w->n_block * w->n_value * CB_LANES, events = w->n_block * CB_LANES, most = 0;
    for (int l = 0; l < s->d.n_dense; l++) most = s->layer[l].kq.n > most ? s->layer[l].kq.n : most;
    float **three[] = {&w->value, &w->q, &w->g};
    float **event[] = {&w->out, &w->y, &w->g_out, &w->zb_out, &w->zb_y, &w->zb_g};
    float **value[] = {&w->adam_grad, &w->m, &w->v};
    bool good = (w->dk = cb_alloc(most, sizeof *w->dk)) && (w->order = cb_alloc(2 * events, sizeof *w->order));
    for (int k = 0; k < 3; k++) good &= (*three[k] = cb_alloc_aligned(room, sizeof(float))) != NULL;
    for (int k = 0; k < 6; k++) good &= (*event[k] = cb_alloc_aligned(events, sizeof(float))) != NULL;
    for (int k = 0; k < 3; k++) {
        good &= (*value[k] = cb_alloc_aligned(s->n_value, sizeof(float))) != NULL;
        if (*value[k]) memset(*value[k], 0, s->n_value * sizeof(float));
    }
    for (int k = 0; k < CB_SHARDS; k++) good &= shard_new(&w->part[k], s);
    return good && !cb_plus_model_new(&w->model, s);
}

static void work_free(work *w) {
    void *all[] = {w->value, w->q, w->g, w->dk, w->adam_grad, w->m, w->v, w->out, w->y, w->g_out, w->zb_out, w->zb_y,
                   w->zb_g, w->order};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) free(all[k]);
    for (int k = 0; k < CB_SHARDS; k++) free(w->part[k].all);
    cb_plus_model_free(&w->model);
    free(w);
}

cb_plus_trainer *cb_plus_trainer_new(cb_plus_student *s, uint32_t batch, uint32_t n_zero_bias,
                                     const cb_plus_loss *rule) {
    cb_plus_trainer *t = cb_alloc(1, sizeof *t);
    if (!t) return NULL;
    *t = (cb_plus_trainer){.s = s, .rule = *rule, .n_zero_bias = n_zero_bias, .train_bits = true,
                           .learning_rate = 1e-3};
    t->work = cb_alloc(1, sizeof *t->work);
    t->grad = cb_alloc(s->n_value, sizeof *t->grad);
    if (t->work) *t->work = (work){0};
    if (t->work && t->grad && work_new(t->work, s, batch)) return t;
    cb_plus_trainer_free(t);
    return NULL;
}

void cb_plus_trainer_free(cb_plus_trainer *t) {
    if (!t) return;
    if (t->work) work_free(t->work);
    free(t->grad);
    free(t);
}

/* ---- the passes ---- */

static void forward(cb_plus_trainer *t, cb_student_batch *b, int k) {
    work *w = t->work;
    size_t room = w->n_value * CB_LANES;
    memset(w->part[k].all, 0, w->part[k].n * sizeof(float));
    for (size_t block = cb_shard_first(b->n_block, k); block < cb_shard_first(b->n_block, k + 1); block++) {
        float *value = w->value + block * room;
        cb_student_batch_block(b, block);
        cb_plus_model_block(&w->model, b->x + block * (size_t)b->n_feature * CB_LANES, value, w->q + block * room);
        memcpy(w->out + block * CB_LANES, value + room - CB_LANES, CB_LANES * sizeof(float));
    }
}

/* Loss and its gradient at the last sums, w->g_out. */
static void loss(cb_plus_trainer *t, const cb_student_batch *b) {
    work *w = t->work;
    uint32_t n = b->n_event, n0 = 0;
    memset(w->g_out, 0, b->n_block * CB_LANES * sizeof(float));
    t->task = cb_plus_task(&t->rule, w->out, b->y, n, w->g_out);
    t->spread = 0;
    if (t->rule.spread <= 0) return;
    for (uint32_t e = 0; e < n; e++) {
        if (b->event[e] >= t->n_zero_bias) continue;
        w->zb_out[n0] = w->out[e];
        w->zb_y[n0] = b->y[e];
        w->zb_g[n0++] = 0;
    }
    t->spread = cb_plus_distance(w->zb_out, w->zb_y, n0, w->order, t->rule.spread, w->zb_g);
    for (uint32_t e = 0, k = 0; e < n; e++)
        if (b->event[e] < t->n_zero_bias) w->g_out[e] += w->zb_g[k++];
}

static void backward(cb_plus_trainer *t, const cb_student_batch *b, int k) {
    work *w = t->work;
    const cb_plus_student *s = t->s;
    shard *p = &w->part[k];
    size_t room = w->n_value * CB_LANES;
    for (size_t block = cb_shard_first(b->n_block, k); block < cb_shard_first(b->n_block, k + 1); block++) {
        float *g = w->g + block * room;
        memcpy(g + room - CB_LANES, w->g_out + block * CB_LANES, CB_LANES * sizeof(float));
        for (int l = s->d.n_dense - 1; l >= 0; l--) {
            const cb_plus_layer *y = &s->layer[l];
            size_t at = cb_plus_model_first(s, l) * CB_LANES, next = at + (size_t)y->n_in * CB_LANES;
            const float *q = w->q + block * room + at, *x = w->value + block * room + at;
            cb_dense_gradient(q, room, g + next, room, 1, y->n_in, y->n_out, p->kernel[l], p->bias[l]);
            cb_dense_backward(g + next, w->model.kernel[l], y->n_in, y->n_out, g + at);
            cb_plus_lanes_backward(w->model.iq[l], y->n_in, x, q, g + at, g + at, p->iq_i[l], p->iq_f[l]);
        }
        cb_plus_lanes_sums_backward(&w->model.sums, b->x + block * (size_t)b->n_feature * CB_LANES, g, p->view_i, p->view_f);
    }
}

/* ---- shards together ---- */

static double *grad_of(cb_plus_trainer *t, const float *value) { return t->grad + (value - t->s->value); }

static void collect_data(cb_plus_trainer *t, const cb_hgq_quantizer *q, const uint32_t *map, int n,
                         const float *(*part)(const shard *, int, bool), int l) {
    double *di = grad_of(t, q->i), *df = grad_of(t, q->w);
    for (int e = 0; e < n; e++) {
        size_t v = map ? map[e] : (size_t)e;
        for (int k = 0; k < CB_SHARDS; k++) {
            di[v] += cb_lanes_sum(part(&t->work->part[k], l, true) + (size_t)e * CB_LANES);
            df[v] += cb_lanes_sum(part(&t->work->part[k], l, false) + (size_t)e * CB_LANES);
        }
    }
}

static const float *view_part(const shard *p, int l, bool i) { return i ? p->view_i : p->view_f; }
static const float *input_part(const shard *p, int l, bool i) { return i ? p->iq_i[l] : p->iq_f[l]; }

static void collect_weights(cb_plus_trainer *t, int l) {
    work *w = t->work;
    const cb_plus_layer *y = &t->s->layer[l];
    for (size_t e = 0; e < y->kq.n; e++) {
        double sum = 0;
        for (int k = 0; k < CB_SHARDS; k++) sum += w->part[k].kernel[l][e];
        w->dk[e] = (float)sum;
    }
    cb_hgq_backward_with(&y->kq, w->model.kq[l], y->kernel, w->model.kernel[l], w->dk, NULL, y->kq.n, w->dk,
                         grad_of(t, y->kq.i), grad_of(t, y->kq.w));
    for (size_t e = 0; e < y->kq.n; e++) grad_of(t, y->kernel)[e] = w->dk[e];
    for (int o = 0; o < y->n_out; o++)
        for (int k = 0; k < CB_SHARDS; k++) grad_of(t, y->bias)[o] += w->part[k].bias[l][o];
}

void cb_plus_gradient(cb_plus_trainer *t, cb_student_batch *b, double beta) {
    const cb_plus_student *s = t->s;
    memset(t->grad, 0, s->n_value * sizeof *t->grad);
    cb_plus_model_update(&t->work->model);
#pragma omp parallel for schedule(static)
    for (int k = 0; k < CB_SHARDS; k++) forward(t, b, k);
    loss(t, b);
#pragma omp parallel for schedule(static)
    for (int k = 0; k < CB_SHARDS; k++) backward(t, b, k);
    collect_data(t, &s->view, s->map, s->n_view, view_part, 0);
    for (int l = 0; l < s->d.n_dense; l++) {
        collect_data(t, &s->layer[l].iq, NULL, s->layer[l].n_in, input_part, l);
        collect_weights(t, l);
    }
    t->loss = t->task + t->rule.spread * t->spread + beta * cb_plus_cost(s, beta, t->grad).total;
}

/* Widths that do not train get no gradient and, as Adam's moments would go on, none from before. */
static void stop(cb_plus_trainer *t, const float *value, size_t n) {
    size_t first = (size_t)(value - t->s->value);
    memset(t->work->adam_grad + first, 0, n * sizeof(float));
    memset(t->work->m + first, 0, n * sizeof(float));
}

static void freeze(cb_plus_trainer *t, const cb_hgq_quantizer *q) {
    stop(t, q->i, q->n);
    stop(t, q->w, q->n);
}

void cb_plus_update(cb_plus_trainer *t) {
    work *w = t->work;
    cb_plus_student *s = t->s;
    for (size_t k = 0; k < s->n_value; k++) w->adam_grad[k] = (float)t->grad[k];
    if (!s->d.train_steps) stop(t, s->view.w, s->view.n);
    if (!s->d.train_ranges) stop(t, s->view.i, s->view.n);
    for (size_t v = 0; v < s->view.n; v++)
        if (cb_plus_wraps(&s->d, (int)(v % (size_t)s->d.n_view))) stop(t, s->view.w + v, 1), stop(t, s->view.i + v, 1);
    if (!s->d.train_sums) stop(t, s->layer[0].iq.i, s->layer[0].iq.n);
    if (!s->d.last_bias) stop(t, s->layer[s->d.n_dense - 1].bias, 1);
    if (!t->train_bits) {
        freeze(t, &s->view);
        for (int l = 0; l < s->d.n_dense; l++) freeze(t, &s->layer[l].iq), freeze(t, &s->layer[l].kq);
    }
    cb_adam_update(s->value, w->adam_grad, w->m, w->v, s->n_value, cb_adam_rate(t->learning_rate, ++t->step));
    cb_plus_student_constrain(s);
}
