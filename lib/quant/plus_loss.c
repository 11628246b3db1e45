#include "quant/plus_loss.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static float relu(float x) { return x > 0 ? x : 0; }

/* Pushes an event with last sum `sum` towards `want`. */
static float direction(float sum, float want) {
    float out = relu(sum);
    return out > want ? 1 : out < want ? -1 : 0;
}

double cb_plus_task(const cb_plus_loss *rule, const float *sum, const float *y, uint32_t n, float *grad) {
    double total = 0;
    for (uint32_t e = 0; e < n; e++) {
        double w = y[e] > rule->tail_from ? rule->tail_weight : 1;
        total += w * fabs((double)relu(sum[e]) - y[e]);
        grad[e] = (float)(w / n) * direction(sum[e], y[e]);
    }
    return total / n;
}

/* Non-negative floats sort as their bit patterns; the low half keeps the event, so ties have one order. */
static void sort_keys(const float *x, uint32_t n, uint64_t *key) {
    for (uint32_t e = 0; e < n; e++) {
        float v = relu(x[e]);
        uint32_t bits;
        memcpy(&bits, &v, sizeof bits);
        key[e] = (uint64_t)bits << 32 | e;
    }
}

static int ascending(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

double cb_plus_distance(const float *a, const float *b, uint32_t n, uint64_t *order, double factor, float *grad) {
    double total = 0;
    if (!n) return 0;
    sort_keys(a, n, order);
    sort_keys(b, n, order + n);
    qsort(order, n, sizeof *order, ascending);
    qsort(order + n, n, sizeof *order, ascending);
    for (uint32_t r = 0; r < n; r++) {
        uint32_t e = (uint32_t)order[r], f = (uint32_t)order[n + r];
        total += fabs((double)relu(a[e]) - relu(b[f]));
        if (grad) grad[e] += (float)(factor / n) * direction(a[e], relu(b[f]));
    }
    return total / n;
}

static int by_code(const void *a, const void *b) { return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b; }

int cb_plus_target_quantile(const cb_student_set *set, double q, double *value) {
    uint64_t n = set->n_zero_bias[CB_TRAIN], at = (uint64_t)(q * (double)n);
    *value = INFINITY;
    if (q >= 1) return 0;
    uint16_t *code = cb_alloc(n, sizeof *code);
    if (!code) return -1;
    memcpy(code, set->code[CB_TRAIN], n * sizeof *code);
    qsort(code, n, sizeof *code, by_code);
    *value = code[at < n ? at : n - 1] / 256.0;
    free(code);
    return 0;
}
