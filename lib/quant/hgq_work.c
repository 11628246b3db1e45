#include "quant/hgq_work.h"

#include <stdlib.h>

/* n floats (or doubles) each; NULL marks failure, found at the end by the caller. */
static void *need(bool *bad, size_t n, size_t size) {
    void *p = cb_alloc_aligned(n ? n : 1, size);
    if (!p) *bad = true;
    return p;
}

static void shard_new(cb_hgq_shard *p, const cb_hgq_student *s, bool *bad) {
    size_t h = (size_t)s->d.hidden, flat = (size_t)s->n_flat, n = 0, part[20], k = 0;
    float **at[20];
    for (int l = s->first; l < CB_HGQ_LAYERS; l++) at[k] = &p->df[l], part[k++] = s->iq[l].n * 16;
    at[k] = &p->dconv, part[k++] = (size_t)(s->d.size * s->d.size * s->d.filters) * 16;
    at[k] = &p->dk1, part[k++] = flat * h;
    at[k] = &p->do1, part[k++] = h;
    at[k] = &p->dk2, part[k++] = h * 16;
    at[k] = &p->peak[0], part[k++] = s->d.conv ? s->iq[0].n * 16 : 0;
    at[k] = &p->peak[2], part[k++] = h * 16;
    size_t zero = k;
    at[k] = &p->peak[1], part[k++] = flat * 16;
    for (int l = s->first; l < CB_HGQ_LAYERS; l++) at[k] = &p->di[l], part[k++] = s->iq[l].n * 16;
    at[k] = &p->g1, part[k++] = flat * 16;
    for (size_t j = 0; j < k; j++) {
        if (j == zero) p->n_zero = n;
        n += (part[j] + 15) / 16 * 16;
    }
    p->zero_from = need(bad, n, sizeof(float));
    float *next = p->zero_from;
    for (size_t j = 0; next && j < k; next += (part[j] + 15) / 16 * 16, j++) *at[j] = next;
    p->sum = need(bad, flat * 16, sizeof(double));
    p->square = need(bad, flat * 16, sizeof(double));
    p->keep = need(bad, h, sizeof *p->keep);
}

/* Elements of the largest operand. */
static size_t most_elements(const cb_hgq_student *s) {
    size_t most = (size_t)s->n_flat * (size_t)s->d.hidden;
    for (int l = s->first; l < CB_HGQ_LAYERS; l++) {
        if (s->kq[l].n > most) most = s->kq[l].n;
        if (s->iq[l].n > most) most = s->iq[l].n;
        if (s->iq[l].q.n > most) most = s->iq[l].q.n;
    }
    return most;
}

cb_hgq_work *cb_hgq_work_new(const cb_hgq_student *s, uint32_t batch) {
    cb_hgq_work *w = cb_alloc(1, sizeof *w);
    if (!w) return NULL;
    bool bad = false;
    size_t h = (size_t)s->d.hidden, flat = (size_t)s->n_flat, most = most_elements(s);
    w->n_block = cb_blocks(batch);
    w->image = (size_t)(s->d.height * s->d.width);
    if (s->d.conv) w->h0 = need(&bad, w->n_block * flat * 16, sizeof(float));
    if (s->d.conv) w->on = need(&bad, w->n_block * flat, sizeof *w->on);
    w->x1 = need(&bad, w->n_block * flat * 16, sizeof(float));
    float **hidden[] = {&w->h1, &w->x2, &w->g2};
    for (int k = 0; k < 3; k++) *hidden[k] = need(&bad, w->n_block * h * 16, sizeof(float));
    for (int l = s->first; l < CB_HGQ_LAYERS; l++) {
        w->iq[l] = need(&bad, s->iq[l].n, sizeof(cb_hgq_format));
        w->kq[l] = need(&bad, s->kq[l].q.n, sizeof(cb_hgq_format));
        w->kernel[l] = need(&bad, s->kq[l].n, sizeof(float));
    }
    w->bq = need(&bad, s->bq.q.n, sizeof(cb_hgq_format));
    w->fused = need(&bad, flat * h, sizeof(float));
    float **per_unit[] = {&w->fused_bias, &w->bias, &w->g_bias};
    for (int k = 0; k < 3; k++) *per_unit[k] = need(&bad, h, sizeof(float));
    w->scale = need(&bad, flat, sizeof(double));
    w->offset = need(&bad, CB_SHARDS * h, sizeof(double));
    float **per_feature[] = {&w->mean, &w->variance, &w->mu, &w->shift, &w->slope};
    for (int k = 0; k < 5; k++) *per_feature[k] = need(&bad, flat, sizeof(float));
    w->dk = need(&bad, most, sizeof(float));
    w->track = need(&bad, most, sizeof(float));
    w->peak = need(&bad, CB_HGQ_LAYERS * most, sizeof(float));
    w->rows_alone = cb_hgq_student_rows_alone(s);
    w->most = most;
    w->total = need(&bad, CB_HGQ_LAYERS * most, sizeof(double));
    float **per_value[] = {&w->adam_grad, &w->m, &w->v};
    for (int k = 0; k < 3; k++) *per_value[k] = need(&bad, s->n_value, sizeof(float));
    for (int k = 0; k < CB_SHARDS; k++) shard_new(&w->part[k], s, &bad);
    if (!bad) return w;
    cb_hgq_work_free(w);
    return NULL;
}

void cb_hgq_work_free(cb_hgq_work *w) {
    if (!w) return;
    void *all[] = {w->h0, w->on, w->x1, w->h1, w->x2, w->g2, w->bq, w->fused, w->fused_bias, w->bias, w->g_bias, w->scale,
                   w->offset, w->mean, w->variance, w->mu, w->shift, w->slope, w->dk, w->track, w->peak, w->total, w->adam_grad,
                   w->m, w->v};
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
        free(w->part[k].keep);
    }
    free(w);
}
