#include "stats/sample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Order-preserving bijection from finite floats to integers. */
static uint32_t key_of(float v) {
    uint32_t u;
    v += 0.0f; /* -0 becomes +0: they compare equal, so they must sort as equal */
    memcpy(&u, &v, sizeof u);
    return u & 0x80000000u ? ~u : u | 0x80000000u;
}

static float value_of(uint32_t key) {
    uint32_t u = key & 0x80000000u ? key & 0x7fffffffu : ~key;
    float v;
    memcpy(&v, &u, sizeof v);
    return v;
}

/* Stable radix sort of (key << 32 | index) by key, 11 bits at a time; the result is in a. */
static void sort_keys(uint64_t *a, uint64_t *b, size_t n) {
    enum { BITS = 11, BUCKETS = 1 << BITS, PASSES = 3 };
    for (int pass = 0; pass < PASSES; pass++) {
        size_t start[BUCKETS + 1] = {0};
        int shift = 32 + pass * BITS;
        for (size_t i = 0; i < n; i++) start[(a[i] >> shift & (BUCKETS - 1)) + 1]++;
        for (int k = 0; k < BUCKETS; k++) start[k + 1] += start[k];
        for (size_t i = 0; i < n; i++) b[start[a[i] >> shift & (BUCKETS - 1)]++] = a[i];
        uint64_t *t = a;
        a = b;
        b = t;
    }
    /* three passes leave the result in the second buffer: the first one of the caller is now b */
    memcpy(b, a, n * sizeof *a);
}

int cb_sample_make(cb_sample *s, const float *score, size_t n, const char *what) {
    *s = (cb_sample){0};
    if (n >= UINT32_MAX) return cb_fail("%s: %zu scores, at most 2^32 - 2 can be ranked", what, n);
    for (size_t i = 0; i < n; i++)
        if (!isfinite(score[i])) return cb_fail("%s: score %zu is not a finite number", what, i);
    uint64_t *key = cb_alloc(n, sizeof *key), *other = cb_alloc(n, sizeof *other);
    s->value = cb_alloc(n, sizeof *s->value);
    s->event = cb_alloc(n, sizeof *s->event);
    int rc = key && other && s->value && s->event ? 0 : -1;
    if (!rc) {
        for (size_t i = 0; i < n; i++) key[i] = (uint64_t)key_of(score[i]) << 32 | i;
        sort_keys(key, other, n);
        for (size_t i = 0; i < n; i++) {
            s->value[i] = value_of((uint32_t)(key[i] >> 32));
            s->event[i] = (uint32_t)key[i];
        }
        s->n = n;
    }
    free(key);
    free(other);
    if (rc) cb_sample_free(s);
    return rc;
}

void cb_sample_free(cb_sample *s) {
    free(s->value);
    free(s->event);
    *s = (cb_sample){0};
}

size_t cb_sample_accepted(const cb_sample *s, float t) {
    size_t lo = 0, hi = s->n; /* first index whose value is >= t */
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (s->value[mid] < t) lo = mid + 1;
        else hi = mid;
    }
    return s->n - lo;
}
