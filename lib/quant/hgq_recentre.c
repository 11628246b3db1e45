#include "quant/hgq_recentre.h"

#include <stdlib.h>
#include <string.h>

#include "base/ranks.h"

/* What one shard works with. */
typedef struct {
    double *sum;  /* [n_flat] of dense1's quantized input */
    float *x;     /* one block of images, then the model's scratch */
    uint16_t *row;
} shard;

/* One block of events, evenly spaced over the training set; lanes beyond the last event are zero and add nothing. */
static void add_block(shard *p, const cb_hgq_model *m, const cb_student_set *set, uint32_t n, size_t block) {
    uint32_t first = (uint32_t)block * CB_LANES, left = n - first, lanes = left < CB_LANES ? left : CB_LANES;
    size_t image = (size_t)set->n_feature * CB_LANES;
    if (lanes < CB_LANES) memset(p->x, 0, image * sizeof *p->x);
    for (uint32_t l = 0; l < lanes; l++)
        cb_lanes_set_u16(p->x, (int)l, cb_rows_at(set->image[CB_TRAIN], (uint64_t)(first + l) * set->n[CB_TRAIN] / n, p->row),
                         set->n_feature);
    const float *q = cb_hgq_model_dense1_input(m, p->x, p->x + image);
    for (int c = 0; c < m->s->n_flat; c++) p->sum[c] += cb_lanes_sum(q + (size_t)c * CB_LANES);
}

static void set_means(cb_hgq_student *s, const shard *part, uint32_t n) {
    for (int c = 0; c < s->n_flat; c++) {
        double sum = 0;
        for (int k = 0; k < CB_SHARDS; k++) sum += part[k].sum[c];
        s->mean[c] = (float)(sum / n);
    }
}

int cb_hgq_recentre(cb_hgq_student *s, cb_hgq_model *m, const cb_student_set *set, uint32_t n) {
    if (n > set->n[CB_TRAIN]) n = set->n[CB_TRAIN];
    size_t n_block = cb_blocks(n), flat = (size_t)s->n_flat;
    size_t room = ((size_t)set->n_feature * CB_LANES + cb_hgq_model_scratch(m) + 15) / 16 * 16;
    double *sum = cb_alloc(CB_SHARDS * flat, sizeof *sum);
    float *x = cb_alloc_aligned(CB_SHARDS * room, sizeof *x);
    uint16_t *row = cb_alloc(CB_SHARDS * (size_t)set->n_feature, sizeof *row);
    int rc = sum && x && row ? 0 : -1, last = (int)cb_deal_end(CB_SHARDS);
    shard part[CB_SHARDS];
    for (size_t k = 0; !rc && k < CB_SHARDS; k++)
        part[k] = (shard){sum + k * flat, x + k * room, row + k * (size_t)set->n_feature};
#pragma omp parallel for schedule(static) if (!rc)
    for (int k = (int)cb_deal_first(CB_SHARDS); k < last; k++)
        for (size_t b = cb_shard_first(n_block, k); !rc && b < cb_shard_first(n_block, k + 1); b++)
            add_block(&part[k], m, set, n, b);
    if (!rc) {
        cb_ranks_gather_even(sum, flat * sizeof *sum, CB_SHARDS);
        set_means(s, part, n);
        cb_hgq_model_update(m);
        rc = cb_student_set_check(set);
    }
    free(sum);
    free(x);
    free(row);
    return rc;
}
