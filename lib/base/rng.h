/* rng.h - counter-based random numbers: Philox4x32-10.
 *
 * Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11. A draw is
 * a pure function of (seed, stream, index, position), so results do not depend
 * on threads or on the order of work. Every consumer has a stream name of its
 * own, e.g. cb_rng_at(seed, "overlay", event). Known answers in tests/unit/base.
 */
#ifndef CB_BASE_RNG_H
#define CB_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint32_t key[2];
    uint64_t index;   /* high half of the counter */
    uint64_t block;   /* low half: blocks of four words drawn so far */
    uint32_t out[4];
    unsigned used;
} cb_rng;

/* One Philox4x32-10 block (for tests and for hashing). */
void cb_philox(const uint32_t ctr[4], const uint32_t key[2], uint32_t out[4]);

/* Generator at the start of (seed, stream, index). */
cb_rng cb_rng_at(uint64_t seed, const char *stream, uint64_t index);

uint32_t cb_rng_u32(cb_rng *r);
uint64_t cb_rng_u64(cb_rng *r);
float cb_rng_f32(cb_rng *r);                   /* [0,1), multiples of 2^-24 */
double cb_rng_f64(cb_rng *r);                  /* [0,1), multiples of 2^-53 */
uint32_t cb_rng_below(cb_rng *r, uint32_t n);  /* 0..n-1 without bias, n > 0 */
double cb_rng_normal(cb_rng *r);               /* mean 0, variance 1 (polar method) */
unsigned cb_rng_poisson(cb_rng *r, double mu); /* 0 <= mu <= 500 */

/* Fisher-Yates permutation of 0..n-1 into p. */
void cb_rng_permutation(cb_rng *r, uint32_t *p, size_t n);

/* A uniform number in [0,1) that is a hash of bytes: same bytes, same number. */
double cb_hash_unit(uint64_t seed, const char *stream, const void *bytes, size_t n);

#endif
