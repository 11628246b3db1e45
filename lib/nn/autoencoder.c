#include "nn/autoencoder.h"

#include <inttypes.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/ranks.h"
#include "base/threads.h"
#include "nn/adam.h"
#include "nn/finite.h"

struct cb_fit {
    cb_network *net;
    double learning_rate;
    size_t batch;
    int n_thread;
    cb_workspace **ws;       /* [n_thread] */
    cb_profile **profile;    /* [n_thread], each NULL while off */
    float *shard;            /* [CB_SHARDS][n_weight] */
    float *g, *m, *v;        /* [n_weight] */
    float *mse;              /* [batch] */
    const uint32_t *number;  /* [batch] what messages call the events, or NULL */
    uint64_t steps;
};

static void free_workspaces(cb_workspace **ws, int n) {
    for (int i = 0; ws && i < n; i++) cb_workspace_free(ws[i]);
    free(ws);
}

static cb_workspace **new_workspaces(const cb_network *net, int n, int slots) {
    cb_workspace **ws = cb_alloc((size_t)n, sizeof *ws);
    for (int i = 0; ws && i < n; i++)
        if (!(ws[i] = cb_workspace_new(net, slots))) {
            free_workspaces(ws, n);
            return NULL;
        }
    return ws;
}

cb_fit *cb_fit_new(cb_network *net, size_t batch, double learning_rate) {
    cb_fit *fit = cb_alloc(1, sizeof *fit);
    if (!fit) return NULL;
    int slots = (int)((cb_blocks(batch) + CB_SHARDS - 1) / CB_SHARDS);
    *fit = (cb_fit){.net = net, .batch = batch, .learning_rate = learning_rate, .n_thread = cb_threads()};
    fit->ws = new_workspaces(net, fit->n_thread, slots);
    fit->profile = cb_alloc((size_t)fit->n_thread, sizeof(cb_profile *));
    fit->shard = cb_alloc_aligned(net->n_weight * CB_SHARDS, sizeof(float));
    fit->g = cb_alloc_aligned(net->n_weight, sizeof(float));
    fit->m = cb_alloc_aligned(net->n_weight, sizeof(float));
    fit->v = cb_alloc_aligned(net->n_weight, sizeof(float));
    fit->mse = cb_alloc(batch, sizeof(float));
    if (fit->ws && fit->profile && fit->shard && fit->g && fit->m && fit->v && fit->mse) return fit;
    cb_fit_free(fit);
    return NULL;
}

void cb_fit_free(cb_fit *fit) {
    if (!fit) return;
    free_workspaces(fit->ws, fit->n_thread);
    for (int i = 0; fit->profile && i < fit->n_thread; i++) cb_profile_free(fit->profile[i]);
    free(fit->profile);
    free(fit->shard);
    free(fit->g);
    free(fit->m);
    free(fit->v);
    free(fit->mse);
    free(fit);
}

const float *cb_fit_gradient(const cb_fit *fit) { return fit->g; }
void cb_fit_numbers(cb_fit *fit, const uint32_t *number) { fit->number = number; }
uint64_t *cb_fit_steps(cb_fit *fit) { return &fit->steps; }
float *cb_fit_m(cb_fit *fit) { return fit->m; }
float *cb_fit_v(cb_fit *fit) { return fit->v; }

int cb_fit_profile(cb_fit *fit) {
    for (int i = 0; i < fit->n_thread; i++) {
        if (!fit->profile[i] && !(fit->profile[i] = cb_profile_new(fit->net->n_layer))) return -1;
        cb_workspace_profile(fit->ws[i], fit->profile[i]);
    }
    return 0;
}

static void log_layers(const cb_network *net, const cb_profile *p, double total) {
    static const char *const unnamed[] = {[CB_AVGPOOL] = "pooling", [CB_UPSAMPLE] = "upsampling"};
    cb_info("CPU time of the steps      forward  d input  d weight   (%% of %.1f s)", total);
    for (int i = 0; i < net->n_layer; i++) {
        const cb_layer_spec *s = &net->layer[i].spec;
        const double *t = p->seconds[i];
        cb_info("  %2d %-20s %8.1f %8.1f %9.1f", i + 1, s->name ? s->name : unnamed[s->kind],
                100 * t[CB_PASS_FORWARD] / total, 100 * t[CB_PASS_INPUT_GRADIENT] / total,
                100 * t[CB_PASS_WEIGHT_GRADIENT] / total);
    }
}

void cb_fit_profile_log(const cb_fit *fit) {
    static const char *const other[] = {"loading", "loss", "sum of shards", "Adam, checks"};
    const cb_network *net = fit->net;
    cb_profile *p = cb_profile_new(net->n_layer);
    for (int i = 0; i < fit->n_thread; i++) cb_profile_add(p, fit->profile[i]);
    double total = cb_profile_total(p);
    if (total > 0) {
        log_layers(net, p, total);
        for (int k = 0; k < CB_PROFILE_OTHER; k++)
            cb_info("     %-20s %8.1f", other[k], 100 * p->seconds[net->n_layer + k][CB_PASS_FORWARD] / total);
    }
    cb_profile_free(p);
}

/* Errors of the first n lanes; dy (may be NULL) receives the loss gradient, 0 in the other lanes. */
static void block_error(const float *x, const float *y, size_t n_cell, size_t n, float scale, float *dy, float *mse) {
    double sum[CB_LANES] = {0};
    for (size_t i = 0; i < n_cell * CB_LANES; i += CB_LANES)
        for (size_t lane = 0; lane < n; lane++) {
            float d = y[i + lane] - x[i + lane];
            sum[lane] += (double)d * (double)d; /* the product is exact */
            if (dy) dy[i + lane] = d * scale;
        }
    for (size_t i = 0; dy && n < CB_LANES && i < n_cell * CB_LANES; i += CB_LANES)
        for (size_t lane = n; lane < CB_LANES; lane++) dy[i + lane] = 0;
    for (size_t lane = 0; lane < n; lane++) mse[lane] = (float)(sum[lane] / (double)n_cell);
}

/* Which layer first gave a value that is not finite for this event: for the message. */
static int fail_not_finite(const cb_network *net, const uint16_t *et, uint32_t event, uint64_t number, float value) {
    cb_workspace *ws = cb_workspace_new(net, 0);
    if (!ws) return -1;
    cb_lanes_load_u16(cb_workspace_input(ws, 0), et, &event, 1, (int)net->n_input);
    cb_network_forward(net, ws, 0);
    const char *name = "loss";
    for (int i = net->n_layer - 1; i >= 0; i--) {
        const float *y = cb_workspace_activation(ws, i, 0);
        for (size_t k = 0; k < net->layer[i].n_out; k++)
            if (!isfinite(y[k * CB_LANES])) {
                name = net->layer[i].spec.name ? net->layer[i].spec.name : "pooling";
                break;
            }
    }
    cb_workspace_free(ws);
    return cb_fail("event %" PRIu64 ": the error is %g, first in layer %s; lower the learning rate", number,
                   (double)value, name);
}

static int check_gradient(const cb_network *net, const float *g) {
    cb_tensor t[64];
    int n = cb_network_tensors(net, t, 64);
    for (int k = 0; k < n; k++)
        if (cb_gradient_check(t[k].name, g + t[k].at, t[k].n)) return -1;
    return 0;
}

static void shard_gradient(cb_fit *fit, int s, const uint16_t *et, const uint32_t *event, size_t n) {
    const cb_network *net = fit->net;
    cb_workspace *ws = fit->ws[omp_get_thread_num()];
    cb_profile *profile = fit->profile[omp_get_thread_num()];
    size_t blocks = cb_blocks(n), first = (size_t)s * blocks / CB_SHARDS, end = (size_t)(s + 1) * blocks / CB_SHARDS;
    float scale = (float)(2.0 / ((double)n * (double)net->n_output));
    cb_network_gradient_begin(net, ws);
    for (size_t b = first; b < end; b++) {
        int slot = (int)(b - first);
        size_t at = b * CB_LANES, k = n - at < CB_LANES ? n - at : CB_LANES;
        float *x = cb_workspace_input(ws, slot);
        double start = cb_profile_start(profile);
        cb_lanes_load_u16(x, et, event + at, k, (int)net->n_input);
        cb_profile_stop_other(profile, CB_PROFILE_LOAD, start);
        const float *y = cb_network_forward(net, ws, slot);
        start = cb_profile_start(profile);
        block_error(x, y, net->n_output, k, scale, cb_workspace_output_gradient(net, ws, slot), fit->mse + at);
        cb_profile_stop_other(profile, CB_PROFILE_LOSS, start);
        cb_network_backward(net, ws, slot);
    }
    cb_network_gradient_end(net, ws, (int)(end - first), fit->shard + (size_t)s * net->n_weight);
}

/* g = sum of the shards in order; then Adam, in pieces that any thread may take. */
static void combine_and_update(cb_fit *fit) {
    enum { PIECE = 4096 };
    size_t n = fit->net->n_weight;
    float rate = cb_adam_rate(fit->learning_rate, ++fit->steps);
#pragma omp parallel for schedule(static) num_threads(fit->n_thread)
    for (size_t from = 0; from < n; from += PIECE) {
        size_t k = n - from < PIECE ? n - from : PIECE;
        float *g = fit->g + from;
        cb_profile *profile = fit->profile[omp_get_thread_num()];
        double start = cb_profile_start(profile);
        memcpy(g, fit->shard + from, k * sizeof *g);
        for (size_t s = 1; s < CB_SHARDS; s++) {
            const float *p = fit->shard + s * n + from;
            for (size_t i = 0; i < k; i++) g[i] += p[i];
        }
        cb_profile_stop_other(profile, CB_PROFILE_SUM, start);
        start = cb_profile_start(profile);
        cb_adam_update(fit->net->w + from, g, fit->m + from, fit->v + from, k, rate);
        cb_profile_stop_other(profile, CB_PROFILE_ADAM, start);
    }
}

/* Shards and event errors of a batch of n from the ranks that computed them. */
static void exchange(cb_fit *fit, size_t n) {
    size_t first[CB_RANKS_MAX + 1], blocks = cb_blocks(n);
    if (cb_ranks() == 1) return;
    for (int r = 0; r <= cb_ranks(); r++) {
        first[r] = cb_deal(CB_SHARDS, r) * blocks / CB_SHARDS * CB_LANES;
        if (first[r] > n) first[r] = n;
    }
    cb_ranks_gather(fit->mse, sizeof *fit->mse, first);
    cb_ranks_gather_even(fit->shard, fit->net->n_weight * sizeof *fit->shard, CB_SHARDS);
}

int cb_fit_step(cb_fit *fit, const uint16_t *et, const uint32_t *event, size_t n, double *loss) {
    if (!n || n > fit->batch) return cb_fail("a training step of %zu events; 1 to %zu wanted", n, fit->batch);
    int last = (int)cb_deal_end(CB_SHARDS);
#pragma omp parallel for schedule(static) num_threads(fit->n_thread)
    for (int s = (int)cb_deal_first(CB_SHARDS); s < last; s++) shard_gradient(fit, s, et, event, n);
    exchange(fit, n);
    double sum = 0;
    for (size_t k = 0; k < n; k++) {
        if (!isfinite(fit->mse[k])) return fail_not_finite(fit->net, et, event[k], (fit->number ? fit->number : event)[k], fit->mse[k]);
        sum += (double)fit->mse[k];
    }
    *loss = sum / (double)n;
    combine_and_update(fit);
    double start = cb_profile_start(fit->profile[0]);
    if (check_gradient(fit->net, fit->g)) return -1;
    cb_network_refresh(fit->net);
    cb_profile_stop_other(fit->profile[0], CB_PROFILE_ADAM, start);
    return 0;
}

static void block_mse(const cb_network *net, cb_workspace *ws, const uint16_t *et, const uint32_t *event, size_t at,
                      size_t n, float *mse) {
    uint32_t row[CB_LANES];
    size_t k = n - at < CB_LANES ? n - at : CB_LANES;
    for (size_t lane = 0; lane < k; lane++) row[lane] = event ? event[at + lane] : (uint32_t)(at + lane);
    float *x = cb_workspace_input(ws, 0);
    cb_lanes_load_u16(x, et, row, k, (int)net->n_input);
    block_error(x, cb_network_forward(net, ws, 0), net->n_output, k, 0, NULL, mse + at);
}

/* Errors of events that may be part of a longer list: `number` is that of the first in messages (event NULL). */
static int mse_of(const cb_network *net, cb_workspace **ws, int n_thread, const uint16_t *et, const uint32_t *event,
                  uint64_t number, size_t n, float *mse) {
#pragma omp parallel for schedule(static) num_threads(n_thread)
    for (size_t b = 0; b < cb_blocks(n); b++)
        block_mse(net, ws[omp_get_thread_num()], et, event, b * CB_LANES, n, mse);
    for (size_t k = 0; k < n; k++)
        if (!isfinite(mse[k]))
            return fail_not_finite(net, et, event ? event[k] : (uint32_t)k, event ? event[k] : number + k, mse[k]);
    return 0;
}

int cb_autoencoder_mse(const cb_network *net, const uint16_t *et, const uint32_t *event, size_t n, const char *what,
                       float *mse) {
    enum { PORTION = 8192 }; /* events between two progress lines */
    int n_thread = cb_threads(), rc = 0;
    cb_workspace **ws = new_workspaces(net, n_thread, 0);
    if (!ws) return -1;
    for (size_t from = 0; from < n && !rc; from += PORTION) {
        size_t k = n - from < PORTION ? n - from : PORTION;
        if (what) cb_progress(what, (double)from, (double)n, NULL);
        rc = mse_of(net, ws, n_thread, event ? et : et + from * net->n_input, event ? event + from : NULL, from, k, mse + from);
    }
    if (what) cb_progress_end();
    free_workspaces(ws, n_thread);
    return rc;
}

int cb_autoencoder_mse_each(const cb_network *net, cb_images_fn *get, void *context, size_t n, const char *what,
                            float *mse) {
    enum { PORTION = 1024 };
    int n_thread = cb_threads(), rc = -1;
    size_t from = cb_deal_first(n), end = cb_deal_end(n);
    cb_workspace **ws = new_workspaces(net, n_thread, 0);
    uint16_t *et = cb_alloc(PORTION, net->n_input * sizeof *et);
    if (ws && et) rc = 0;
    for (size_t at = from, k; at < end && !rc; at += k) {
        k = PORTION - at % PORTION; /* as the chunks of a file lie */
        if (k > end - at) k = end - at;
        if (what) cb_progress(what, (double)(at - from), (double)(end - from), NULL);
        rc = get(context, at, k, et) || mse_of(net, ws, n_thread, et, NULL, at, k, mse + at) ? -1 : 0;
    }
    if (what) cb_progress_end();
    if (!rc) cb_ranks_gather_even(mse, sizeof *mse, n);
    free_workspaces(ws, n_thread);
    free(et);
    return rc;
}
