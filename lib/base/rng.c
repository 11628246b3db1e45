#include "base/rng.h"

#include <math.h>
#include <string.h>

#include "base/fmath.h"

void cb_philox(const uint32_t ctr[4], const uint32_t key[2], uint32_t out[4]) {
    uint32_t c0 = ctr[0], c1 = ctr[1], c2 = ctr[2], c3 = ctr[3], k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        uint32_t d0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, d2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        c0 = d0;
        c2 = d2;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

static uint64_t mix(uint64_t z) { /* splitmix64 finaliser */
    z += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static uint64_t fnv(const void *bytes, size_t n) {
    const unsigned char *p = bytes;
    uint64_t h = 0xCBF29CE484222325u;
    for (size_t i = 0; i < n; i++) h = (h ^ p[i]) * 0x100000001B3u;
    return h;
}

cb_rng cb_rng_at(uint64_t seed, const char *stream, uint64_t index) {
    uint64_t k = mix(mix(seed) ^ fnv(stream, strlen(stream)));
    return (cb_rng){.key = {(uint32_t)k, (uint32_t)(k >> 32)}, .index = index, .used = 4};
}

uint32_t cb_rng_u32(cb_rng *r) {
    if (r->used == 4) {
        uint32_t ctr[4] = {(uint32_t)r->block, (uint32_t)(r->block >> 32), (uint32_t)r->index,
                           (uint32_t)(r->index >> 32)};
        cb_philox(ctr, r->key, r->out);
        r->block++;
        r->used = 0;
    }
    return r->out[r->used++];
}

uint64_t cb_rng_u64(cb_rng *r) {
    uint64_t low = cb_rng_u32(r);
    return low | (uint64_t)cb_rng_u32(r) << 32;
}

float cb_rng_f32(cb_rng *r) { return (float)(cb_rng_u32(r) >> 8) * 0x1p-24f; }
double cb_rng_f64(cb_rng *r) { return (double)(cb_rng_u64(r) >> 11) * 0x1p-53; }

uint32_t cb_rng_below(cb_rng *r, uint32_t n) { /* Lemire's method */
    uint64_t m = (uint64_t)cb_rng_u32(r) * n;
    if ((uint32_t)m < n) {
        uint32_t least = -n % n;
        while ((uint32_t)m < least) m = (uint64_t)cb_rng_u32(r) * n;
    }
    return (uint32_t)(m >> 32);
}

double cb_rng_normal(cb_rng *r) {
    for (;;) {
        double u = 2 * cb_rng_f64(r) - 1, v = 2 * cb_rng_f64(r) - 1, s = u * u + v * v;
        if (s < 1 && s > 0) return u * sqrt(-2 * cb_log(s) / s);
    }
}

unsigned cb_rng_poisson(cb_rng *r, double mu) { /* Knuth's product of uniforms */
    double limit = cb_exp(-mu), product = cb_rng_f64(r);
    unsigned k = 0;
    while (product > limit) {
        product *= cb_rng_f64(r);
        k++;
    }
    return k;
}

void cb_rng_permutation(cb_rng *r, uint32_t *p, size_t n) {
    for (size_t i = 0; i < n; i++) p[i] = (uint32_t)i;
    for (size_t i = n; i > 1; i--) {
        uint32_t j = cb_rng_below(r, (uint32_t)i), t = p[i - 1];
        p[i - 1] = p[j];
        p[j] = t;
    }
}

double cb_hash_unit(uint64_t seed, const char *stream, const void *bytes, size_t n) {
    uint64_t h = mix(mix(seed) ^ fnv(stream, strlen(stream)));
    const unsigned char *p = bytes;
    for (; n >= 8; p += 8, n -= 8) {
        uint64_t word = 0;
        for (int i = 7; i >= 0; i--) word = word << 8 | p[i]; /* little endian everywhere */
        h = mix(h ^ word);
    }
    uint64_t word = n;
    for (size_t i = 0; i < n; i++) word = word << 8 | p[i];
    h = mix(h ^ word);
    return (double)(h >> 11) * 0x1p-53;
}
