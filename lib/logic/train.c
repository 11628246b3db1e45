#include "logic/train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fmath.h"
#include "base/threads.h"
#include "data/dataset.h"
#include "nn/lanes.h"

enum { E = CB_LOGIC_SHARD, COUNTS = CB_ET_MAX + 1 };

/* ---- input code ---- */

int cb_logic_code_planes(cb_logic_code *c, int n_feature, const int32_t *threshold, int T) {
    size_t n = (size_t)n_feature * (size_t)T;
    *c = (cb_logic_code){.n_input = (int)n, .n_plane = T};
    c->source = cb_alloc(n, sizeof *c->source);
    c->threshold = cb_alloc(n, sizeof *c->threshold);
    c->plane = cb_alloc(n, sizeof *c->plane);
    c->mask = cb_alloc(n, sizeof *c->mask);
    if (!c->source || !c->threshold || !c->plane || !c->mask) return cb_logic_code_free(c), -1;
    for (size_t j = 0; j < n; j++) {
        c->source[j] = (int32_t)(j % (size_t)n_feature);
        c->plane[j] = (int32_t)(j / (size_t)n_feature);
        c->threshold[j] = threshold[c->plane[j]];
        c->mask[j] = CB_ET_MAX;
    }
    return 0;
}

void cb_logic_code_free(cb_logic_code *c) {
    free(c->source);
    free(c->threshold);
    free(c->plane);
    free(c->mask);
    free(c->table);
    *c = (cb_logic_code){0};
}

/* ---- memory ---- */

static void place(cb_logic_trainer *t) {
    const cb_logic_net *net = t->net;
    size_t rows = (size_t)net->n_input + 1, most = rows;
    for (int l = 0; l < net->n_layer; l++) {
        const cb_logic_layer *y = &net->layer[l];
        cb_logic_stage *s = &t->stage[l];
        int n_coef = y->pool ? 0 : 1 << y->rank;
        *s = (cb_logic_stage){.n_block = ((size_t)y->n_set + 15) / 16, .at = t->n_weight, .coef_at = t->n_coef};
        s->view = (cb_logic_view){.kind = y->kind, .pool = y->pool, .rank = y->rank, .n_in = y->n_in, .n_set = y->n_set,
                                  .n_pos = y->n_pos, .n_par = y->n_par, .n_coef = n_coef, .wire = y->wire};
        t->n_weight += s->n_block * (size_t)y->n_par * 16;
        t->n_coef += s->n_block * (size_t)n_coef * 16;
        if (y->n_choice) {
            size_t slots = (size_t)y->n_out * (size_t)y->rank;
            s->choice = (cb_choice){slots, y->n_choice, y->choice};
            s->choice_at = y->first_choice, s->slot_at = t->n_slot;
            t->n_slot += slots;
            t->slot_max = slots > t->slot_max ? slots : t->slot_max;
        }
        size_t out = (size_t)y->n_out + 1;
        rows += out;
        most = out > most ? out : most;
    }
    t->act_size = rows * E;
    t->row_max = most * E;
}

int cb_logic_trainer_new(cb_logic_trainer *t, const cb_logic_net *net, const cb_logic_code *code, int n_feature,
                         uint32_t batch) {
    *t = (cb_logic_trainer){.net = net, .code = code, .n_feature = n_feature, .n_choice = net->n_choice};
    if (net->n_input != code->n_input || !net->n_layer)
        return cb_fail("logic trainer: %d layers on %d inputs, the code makes %d", net->n_layer, net->n_input, code->n_input);
    place(t);
    t->room = (batch + E - 1) / E;
    t->threads = (size_t)cb_threads();
    t->recipe = (cb_logic_recipe){.learning_rate = 0.01, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .temperature = 1,
                                  .head_rate = 1, .choice_tau = 1e-3, .choice_rate = 1, .threshold_rate = 1};
    size_t out = t->n_head = cb_logic_head_parameters(net);
    struct {
        float **p;
        size_t n;
    } want[] = {{&t->w, t->n_weight},     {&t->m, t->n_weight},    {&t->v, t->n_weight},
                {&t->soft, t->n_weight},  {&t->noise, t->n_weight}, {&t->coef, t->n_coef},
                {&t->c, out},             {&t->c_used, out},       {&t->c_m, out},
                {&t->c_v, out},           {&t->dc, t->room * t->n_coef}, {&t->d_head, t->room * out},
                {&t->u, t->n_choice},     {&t->u_m, t->n_choice},  {&t->u_v, t->n_choice},
                {&t->p, t->n_choice},     {&t->du, t->room * t->n_choice}, {&t->d_ladder, t->room * CB_LOGIC_THRESHOLDS},
                {&t->slot_grad, t->threads * t->slot_max * E},
                {&t->act, t->threads * t->act_size}, {&t->grad, t->threads * 2 * t->row_max}};
    int rc = 0;
    for (size_t k = 0; k < sizeof want / sizeof *want; k++)
        if (!(*want[k].p = cb_alloc_aligned(want[k].n + 1, sizeof(float)))) rc = -1;
    t->loss = cb_alloc(t->room, sizeof *t->loss);
    t->column = cb_alloc_aligned(t->threads * (size_t)n_feature * E, sizeof *t->column);
    t->read = cb_alloc(t->n_slot + 1, sizeof *t->read);
    if (rc || !t->loss || !t->column || !t->read) return cb_logic_trainer_free(t), -1;
    for (int l = 0; l < net->n_layer; l++)
        if (t->stage[l].choice.c) t->stage[l].view.wire = t->read + t->stage[l].slot_at;
    return 0;
}

void cb_logic_trainer_free(cb_logic_trainer *t) {
    float *const all[] = {t->w, t->m, t->v, t->soft, t->noise, t->coef, t->c, t->c_used, t->c_m, t->c_v, t->dc, t->d_head,
                          t->act, t->grad, t->u, t->u_m, t->u_v, t->p, t->du, t->d_ladder, t->slot_grad};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) free(all[k]);
    free(t->loss);
    free(t->column);
    free(t->read);
    cb_ladder_free(&t->ladder);
    *t = (cb_logic_trainer){0};
}

/* Padded place of parameter k of set s of a layer. */
static size_t padded(const cb_logic_stage *s, int set, int k) {
    return s->at + ((size_t)(set / 16) * (size_t)s->view.n_par + (size_t)k) * 16 + (size_t)(set % 16);
}

void cb_logic_weights_set(cb_logic_trainer *t, const float *w) {
    for (int l = 0; l < t->net->n_layer; l++)
        for (int s = 0; s < t->stage[l].view.n_set; s++)
            for (int k = 0; k < t->stage[l].view.n_par; k++)
                t->w[padded(&t->stage[l], s, k)] = w[t->net->layer[l].first + (size_t)s * (size_t)t->stage[l].view.n_par + (size_t)k];
}

void cb_logic_weights_get(const cb_logic_trainer *t, float *w) {
    for (int l = 0; l < t->net->n_layer; l++)
        for (int s = 0; s < t->stage[l].view.n_set; s++)
            for (int k = 0; k < t->stage[l].view.n_par; k++)
                w[t->net->layer[l].first + (size_t)s * (size_t)t->stage[l].view.n_par + (size_t)k] = t->w[padded(&t->stage[l], s, k)];
}

void cb_logic_choices_set(cb_logic_trainer *t, const float *u) {
    if (t->n_choice) memcpy(t->u, u, t->n_choice * sizeof *u);
}

void cb_logic_choices_get(const cb_logic_trainer *t, float *u) {
    if (t->n_choice) memcpy(u, t->u, t->n_choice * sizeof *u);
}

void cb_logic_choices_apply(const cb_logic_trainer *t, cb_logic_net *net) {
    for (int l = 0; l < net->n_layer; l++)
        if (t->stage[l].choice.c)
            memcpy(net->layer[l].wire, t->read + t->stage[l].slot_at, t->stage[l].choice.n_slot * sizeof *t->read);
}

int cb_logic_ladder_start(cb_logic_trainer *t, bool log_axis, double width) {
    const cb_logic_code *c = t->code;
    int32_t threshold[CB_LOGIC_THRESHOLDS] = {0};
    if (c->table) return cb_fail("logic trainer: thresholds are trained on bits, not on a table of inputs");
    for (int j = 0; j < c->n_input; j++)
        if (c->mask[j] != CB_ET_MAX) return cb_fail("logic trainer: thresholds are trained on E_T > t, not on single bits of it");
    for (int j = 0; j < c->n_input && c->n_plane <= CB_LOGIC_THRESHOLDS; j++) threshold[c->plane[j]] = c->threshold[j];
    return cb_ladder_new(&t->ladder, threshold, c->n_plane, log_axis, width);
}

/* ---- values of a step ---- */

/* Logistic noise ln u - ln(1-u), Gumbel noise -ln(-ln u); block of 16 parameters k of the stream of a step. */
static void draw_noise(cb_logic_trainer *t, size_t first, size_t n, bool gumbel) {
    float scale = (float)t->recipe.noise;
    cb_rng r = cb_rng_at(t->recipe.seed, "logic-noise", t->step * 65536 + first / 4096);
    for (size_t e = first; e < first + n; e++) {
        double u = (cb_rng_u32(&r) + 0.5) * 0x1p-32;
        t->noise[e] = scale * (float)(gumbel ? -cb_log(-cb_log(u)) : cb_log(u) - cb_log(1 - u));
    }
}

static void noise_of_step(cb_logic_trainer *t) {
    for (int l = 0; l < t->net->n_layer; l++) {
        const cb_logic_stage *s = &t->stage[l];
        size_t n = s->n_block * (size_t)s->view.n_par * 16, pieces = (n + 4095) / 4096;
        bool gumbel = s->view.kind == CB_LOGIC_RAW;
#pragma omp parallel for schedule(static)
        for (size_t p = 0; p < pieces; p++) draw_noise(t, s->at + p * 4096, n - p * 4096 < 4096 ? n - p * 4096 : 4096, gumbel);
    }
}

static void round_head(cb_logic_trainer *t) {
    if (t->recipe.train_head)
        cb_logic_head_round(&t->net->head, cb_logic_outputs(t->net), t->recipe.grid, t->recipe.hinge_grid, t->c, t->c_used);
    else memcpy(t->c_used, t->c, t->n_head * sizeof *t->c);
}

static void choose_wires(cb_logic_trainer *t) {
    for (int l = 0; l < t->net->n_layer; l++) {
        const cb_logic_stage *s = &t->stage[l];
        size_t n = s->choice.n_slot, parts = n < 1024 ? 1 : 16;
#pragma omp parallel for schedule(static)
        for (size_t p = 0; p < parts; p++)
            cb_choice_choose(&s->choice, t->u + s->choice_at, t->recipe.choice_tau, p * n / parts, (p + 1) * n / parts,
                             t->read + s->slot_at, t->p + s->choice_at);
    }
}

static void refresh(cb_logic_trainer *t, bool noisy) {
    for (int l = 0; l < t->net->n_layer; l++) {
        cb_logic_stage *s = &t->stage[l];
        s->view.hard = t->recipe.hard;
        s->view.temperature = (float)t->recipe.temperature;
        s->view.entropy = (float)(t->net->layer[l].tree ? t->recipe.entropy_tree : t->recipe.entropy);
        s->view.coef = t->coef + s->coef_at;
        s->view.noise = noisy && s->view.kind == CB_LOGIC_WARP ? t->noise + s->at : NULL;
        if (s->view.pool) continue;
        const float *noise = noisy && s->view.kind != CB_LOGIC_WARP ? t->noise + s->at : NULL;
        size_t parts = s->n_block < 64 ? 1 : 16;
#pragma omp parallel for schedule(static)
        for (size_t p = 0; p < parts; p++)
            cb_logic_values(&s->view, t->w + s->at, noise, p * s->n_block / parts, (p + 1) * s->n_block / parts,
                            t->soft + s->at, t->coef + s->coef_at);
    }
    if (t->n_choice) choose_wires(t);
    if (t->ladder.n) cb_ladder_refresh(&t->ladder, t->recipe.hard);
    round_head(t);
}

void cb_logic_refresh(cb_logic_trainer *t) { refresh(t, false); }

/* ---- one shard ---- */

static void load(const cb_logic_trainer *t, const uint16_t *const *image, uint32_t n, uint16_t *column, float *x) {
    const cb_logic_code *c = t->code;
    for (int f = 0; f < t->n_feature; f++)
        for (uint32_t e = 0; e < E; e++) column[f * E + (int)e] = e < n ? image[e][f] : 0;
    for (int j = 0; j < c->n_input; j++, x += E) {
        const uint16_t *from = column + c->source[j] * E;
        int32_t threshold = c->threshold[j], mask = c->mask[j];
        const float *tables = t->ladder.n ? t->ladder.table : c->table;
        if (tables) {
            const float *table = tables + (size_t)c->plane[j] * COUNTS;
            for (int e = 0; e < E; e++) x[e] = table[from[e]];
        } else
            for (int e = 0; e < E; e++) x[e] = (from[e] & mask) > threshold;
    }
    memset(x, 0, E * sizeof *x); /* the constant 0 */
}

/* Forward pass of a shard; x of every layer one after the other in act. Returns the outputs. */
static float *forward(const cb_logic_trainer *t, float *act) {
    float *x = act;
    for (int l = 0; l < t->net->n_layer; l++) {
        float *y = x + ((size_t)t->net->layer[l].n_in + 1) * E;
        cb_logic_forward(&t->stage[l].view, x, y);
        memset(y + (size_t)t->net->layer[l].n_out * E, 0, E * sizeof *y);
        x = y;
    }
    return x;
}

/* Loss of a shard and its gradient with respect to y. */
static double loss_of(const cb_logic_trainer *t, const float *y, const float *target, const float *weight, uint32_t n,
                      float inverse, float *d) {
    double sum = 0;
    for (uint32_t e = 0; e < E; e++) {
        d[e] = 0;
        if (e >= n) continue;
        float w = weight ? weight[e] : 1, out = y[e];
        bool outside = t->recipe.clamp && (out < 0 || out > 256);
        if (outside) out = out < 0 ? 0 : 256;
        if (t->recipe.floor && out < 0) out = 0;
        sum += (double)w * fabs((double)out - (double)target[e]);
        if (!outside) d[e] = out > target[e] ? w * inverse : out < target[e] ? -w * inverse : 0;
    }
    return sum;
}

/* Gradient of the inputs dx[n_input][E] -> that of the trained thresholds. */
static void threshold_gradient(const cb_logic_trainer *t, const uint16_t *column, const float *dx, float *d) {
    const cb_logic_code *c = t->code;
    float lane[CB_LOGIC_THRESHOLDS][CB_LANES] = {{0}};
    for (int j = 0; j < c->n_input; j++, dx += E) {
        const uint16_t *from = column + c->source[j] * E;
        const float *slope = t->ladder.slope + (size_t)c->plane[j] * COUNTS;
        float *sum = lane[c->plane[j]];
        for (int e = 0; e < E; e++) sum[e % CB_LANES] += dx[e] * slope[from[e]];
    }
    for (int p = 0; p < t->ladder.n; p++) d[p] = cb_lanes_sum(lane[p]);
}

/* Layer l of shard k: in, out and g are its inputs, outputs and their gradient; adds to dx (NULL: not wanted). */
static void backward_layer(cb_logic_trainer *t, int l, size_t k, size_t thread, const float *in, const float *out, const float *g,
                           float *dx) {
    const cb_logic_stage *s = &t->stage[l];
    float *dc = t->dc + k * t->n_coef + s->coef_at, *slot = t->slot_grad + thread * t->slot_max * E;
    if (!s->choice.c) {
        cb_logic_backward(&s->view, in, out, g, dx, dc);
        return;
    }
    cb_logic_view view = s->view;
    view.slots = 1;
    memset(slot, 0, s->choice.n_slot * E * sizeof *slot);
    cb_logic_backward(&view, in, out, g, slot, dc);
    cb_choice_backward(&s->choice, in, slot, t->p + s->choice_at, dx, t->du + k * t->n_choice + s->choice_at);
}

static void shard(cb_logic_trainer *t, size_t k, size_t thread, const uint16_t *const *image, const float *target,
                  const float *weight, uint32_t n, float inverse) {
    const cb_logic_net *net = t->net;
    int n_out = cb_logic_outputs(net);
    float *act = t->act + thread * t->act_size, *g = t->grad + thread * 2 * t->row_max, *next = g + t->row_max;
    float y[E], d[E];
    cb_logic_head_work work;
    load(t, image, n, t->column + thread * (size_t)t->n_feature * E, act);
    const float *x = forward(t, act);
    cb_logic_head_forward(&net->head, n_out, t->c_used, x, &work, y);
    t->loss[k] = loss_of(t, y, target, weight, n, inverse, d);
    cb_logic_head_backward(&net->head, n_out, t->c_used, x, &work, d, g, t->recipe.train_head ? t->d_head + k * t->n_head : NULL);
    for (int l = net->n_layer - 1; l >= 0; l--) {
        size_t rows = (size_t)net->layer[l].n_in + 1;
        const float *in = x - rows * E;
        bool wanted = l || t->ladder.n;
        if (wanted) memset(next, 0, rows * E * sizeof *next);
        backward_layer(t, l, k, thread, in, x, g, wanted ? next : NULL);
        float *swap = g;
        g = next, next = swap;
        x = in;
    }
    if (t->ladder.n)
        threshold_gradient(t, t->column + thread * (size_t)t->n_feature * E, g, t->d_ladder + k * CB_LOGIC_THRESHOLDS);
}

/* ---- one step ---- */

static void update_head(cb_logic_trainer *t, const cb_logic_adam *a, size_t n_shard) {
    size_t n = t->n_head;
    float rate = a->rate * (float)t->recipe.head_rate;
    for (size_t o = 0; o < n; o++) {
        float g = 0;
        for (size_t k = 0; k < n_shard; k++) g += t->d_head[k * n + o];
        t->c_m[o] = fmaf(a->b1, t->c_m[o], (1 - a->b1) * g);
        t->c_v[o] = fmaf(a->b2, t->c_v[o], (1 - a->b2) * g * g);
        t->c[o] -= cb_logic_head_stride(&t->net->head, cb_logic_outputs(t->net), o) * rate * t->c_m[o] / fmaf(sqrtf(t->c_v[o]), a->inverse_root, a->eps);
    }
}

static void update_wires(cb_logic_trainer *t, cb_logic_adam a, size_t n_shard) {
    size_t parts = t->n_choice < 4096 ? 1 : 16;
    a.rate *= (float)t->recipe.choice_rate;
#pragma omp parallel for schedule(static)
    for (size_t p = 0; p < parts; p++)
        cb_choice_update(&a, t->du, n_shard, t->n_choice, p * t->n_choice / parts, (p + 1) * t->n_choice / parts, t->u, t->u_m, t->u_v);
}

static void update_ladder(cb_logic_trainer *t, size_t n_shard) {
    const cb_logic_recipe *r = &t->recipe;
    double d[CB_LOGIC_THRESHOLDS];
    for (int p = 0; p < t->ladder.n; p++) {
        d[p] = 0;
        for (size_t k = 0; k < n_shard; k++) d[p] += (double)t->d_ladder[k * CB_LOGIC_THRESHOLDS + (size_t)p];
    }
    cb_ladder_step(&t->ladder, d, r->learning_rate * r->threshold_rate, r->beta1, r->beta2, r->eps, t->step);
}

static cb_logic_adam adam_of(const cb_logic_trainer *t) {
    const cb_logic_recipe *r = &t->recipe;
    return (cb_logic_adam){.rate = (float)(r->learning_rate / (1 - cb_powi(r->beta1, t->step))), .b1 = (float)r->beta1,
                           .b2 = (float)r->beta2, .inverse_root = (float)(1 / sqrt(1 - cb_powi(r->beta2, t->step))),
                           .eps = (float)r->eps};
}

double cb_logic_step(cb_logic_trainer *t, const uint16_t *const *image, const float *target, const float *weight,
                     uint32_t n) {
    size_t n_shard = (n + E - 1) / E, threads = t->threads < n_shard ? t->threads : n_shard;
    float inverse = 1.0f / (float)n;
    double loss = 0;
    t->step++;
    if (t->recipe.noise > 0) noise_of_step(t);
    refresh(t, t->recipe.noise > 0);
#pragma omp parallel for schedule(static, 1)
    for (size_t thread = 0; thread < threads; thread++)
        for (size_t k = thread * n_shard / threads; k < (thread + 1) * n_shard / threads; k++) {
            uint32_t from = (uint32_t)(k * E), left = n - from < E ? n - from : E;
            shard(t, k, thread, image + from, target + from, weight ? weight + from : NULL, left, inverse);
        }
    for (size_t k = 0; k < n_shard; k++) loss += t->loss[k];
    cb_logic_adam a = adam_of(t);
    for (int l = 0; l < t->net->n_layer; l++) {
        cb_logic_stage *s = &t->stage[l];
        size_t parts = s->n_block < 64 ? 1 : 16;
        if (s->view.pool) continue;
#pragma omp parallel for schedule(static)
        for (size_t p = 0; p < parts; p++)
            cb_logic_update(&s->view, &a, t->dc + s->coef_at, n_shard, t->n_coef, t->soft + s->at, p * s->n_block / parts,
                            (p + 1) * s->n_block / parts, t->w + s->at, t->m + s->at, t->v + s->at);
    }
    if (t->recipe.train_head) update_head(t, &a, n_shard);
    if (t->n_choice) update_wires(t, a, n_shard);
    if (t->ladder.n) update_ladder(t, n_shard);
    return loss / n;
}

/* Outputs [outputs][E] of a shard of n events. */
static const float *outputs_of(cb_logic_trainer *t, size_t thread, const uint16_t *const *image, uint32_t n) {
    float *act = t->act + thread * t->act_size;
    load(t, image, n, t->column + thread * (size_t)t->n_feature * E, act);
    return forward(t, act);
}

void cb_logic_scores(cb_logic_trainer *t, const uint16_t *const *image, uint32_t n, float *score) {
    size_t n_shard = (n + E - 1) / E, threads = t->threads < n_shard ? t->threads : n_shard;
#pragma omp parallel for schedule(static, 1)
    for (size_t thread = 0; thread < threads; thread++)
        for (size_t k = thread * n_shard / threads; k < (thread + 1) * n_shard / threads; k++) {
            uint32_t from = (uint32_t)(k * E), left = n - from < E ? n - from : E;
            float y[E];
            cb_logic_head_work work;
            cb_logic_head_forward(&t->net->head, cb_logic_outputs(t->net), t->c_used, outputs_of(t, thread, image + from, left), &work, y);
            memcpy(score + from, y, left * sizeof *y);
        }
}

void cb_logic_bits(cb_logic_trainer *t, const uint16_t *const *image, uint32_t n, uint8_t *output) {
    size_t n_shard = (n + E - 1) / E, threads = t->threads < n_shard ? t->threads : n_shard, outputs = (size_t)cb_logic_outputs(t->net);
#pragma omp parallel for schedule(static, 1)
    for (size_t thread = 0; thread < threads; thread++)
        for (size_t k = thread * n_shard / threads; k < (thread + 1) * n_shard / threads; k++) {
            uint32_t from = (uint32_t)(k * E), left = n - from < E ? n - from : E;
            const float *x = outputs_of(t, thread, image + from, left);
            for (size_t e = 0; e < left; e++)
                for (size_t o = 0; o < outputs; o++) output[(from + e) * outputs + o] = x[o * E + e] > 0.5f;
        }
}
