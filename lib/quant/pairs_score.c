/* Batch scoring in 16-bit pairs: blocks of 32 events over threads, kernels of the machine's
 * instruction set. */
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "data/dataset.h"
#include "nn/isa.h"
#include "quant/pairs_plan.h"
#include "quant/programme_internal.h"

CB_ISA_DECLARE(uint32_t, cb_pairs_block, const cb_pairs_plan *plan, const uint16_t *et, int64_t stride,
               const uint16_t *next, int32_t *x, int32_t *y, uint16_t *code);
static cb_pairs_kernel *const kernels[] = CB_ISA_TABLE(cb_pairs_block);

_Static_assert((CB_ET_MAX & (CB_ET_MAX + 1)) == 0, "counts or'ed together exceed it where one of them does");

typedef struct {
    const cb_programme *p;
    cb_pairs_plan plan;
    const uint16_t *et;
    size_t n;
    uint16_t *code;
    int64_t stride;      /* of copied images, in counts */
    size_t room, images; /* bytes of a tensor and of 32 copied images */
} pairs_job;

/* Whether 32 whole images, as far as the kernel reads, lie in the array. */
static bool pairs_in_place(const pairs_job *j, size_t first) {
    size_t n_in = (size_t)j->plan.n_in, end = (first + CB_PAIRS_EVENTS) * n_in;
    if (j->n - first < CB_PAIRS_EVENTS) return false;
    return end + 8 <= j->n * n_in || (n_in % 2 == 0 && n_in >= 8);
}

/* One block; returns its counts or'ed. scratch: two tensors, then images. */
static uint32_t pairs_block(const pairs_job *j, size_t first, char *scratch) {
    size_t n_in = (size_t)j->plan.n_in, left = j->n - first, count = left < CB_PAIRS_EVENTS ? left : CB_PAIRS_EVENTS;
    const uint16_t *et = j->et + first * n_in;
    int32_t *x = (int32_t *)(void *)scratch, *y = (int32_t *)(void *)(scratch + j->room);
    uint16_t *copy = (uint16_t *)(void *)(scratch + 2 * j->room), code[CB_PAIRS_EVENTS];
    int64_t stride = j->plan.n_in;
    if (!pairs_in_place(j, first)) {
        memset(copy, 0, j->images);
        for (size_t e = 0; e < count; e++) memcpy(copy + e * (size_t)j->stride, et + e * n_in, n_in * sizeof *et);
        et = copy, stride = j->stride;
    }
    const uint16_t *next = left >= 2 * CB_PAIRS_EVENTS ? et + CB_PAIRS_EVENTS * n_in : NULL;
    uint32_t any = kernels[cb_isa()](&j->plan, et, stride, next, x, y, code);
    memcpy(j->code + first, code, count * sizeof *code);
    return any;
}

static int score_pairs(pairs_job *j) {
    long n_block = (long)((j->n + CB_PAIRS_EVENTS - 1) / CB_PAIRS_EVENTS), n_part = cb_threads();
    j->stride = j->plan.n_word > 4 ? 2 * j->plan.n_word : 8;
    j->room = (size_t)j->plan.room * CB_PAIRS_EVENTS * sizeof(int32_t);
    j->images = (size_t)j->stride * CB_PAIRS_EVENTS * sizeof(uint16_t);
    char *scratch = cb_alloc_aligned((size_t)n_part, 2 * j->room + j->images);
    int above = 0;
    if (!scratch) return -1;
#pragma omp parallel for schedule(static)
    for (long part = 0; part < n_part; part++) {
        uint32_t any = 0;
        for (long b = part * n_block / n_part; b < (part + 1) * n_block / n_part; b++)
            any |= pairs_block(j, (size_t)b * CB_PAIRS_EVENTS, scratch + (size_t)part * (2 * j->room + j->images));
        if (any > CB_ET_MAX) {
#pragma omp atomic write
            above = 1;
        }
    }
    free(scratch);
    return above ? cb_counts_check(j->p, j->et, j->n) : 0;
}

int cb_pairs_score(const cb_programme *p, const uint16_t *et, size_t n, uint16_t *code) {
    pairs_job j = {.p = p, .et = et, .n = n, .code = code};
    int rc = cb_pairs_forced() == CB_PAIRS_OFF ? 1 : cb_pairs_plan_make(p, &j.plan);
    if (!rc) rc = score_pairs(&j);
    cb_pairs_plan_free(&j.plan);
    return rc;
}
