/* The register loops of the peak: nothing but multiply-adds on registers, once per level. */
#include "../peak.h"

#include "nn/isa.h"
#include "nn/vec16.h"

#define peak_fma CB_ISA_FN(bench_peak_fma)
#define peak_mul_add CB_ISA_FN(bench_peak_mul_add)
float peak_fma(long n, float x, float y);
float peak_mul_add(long n, float x, float y);

/* Independent chains: enough to cover latency x ports, few enough to stay in registers. */
#if V16_ACC >= 24
enum { CHAINS = 16 };
#elif V16_ACC >= 6
enum { CHAINS = 6 };
#else
enum { CHAINS = 3 };
#endif

/* `step` CHAINS times a turn; the sum keeps the compiler from dropping any. */
#define LOOP(step)                                                          \
    vec16 a[CHAINS], vx = v16_all(x), vy = v16_all(y), sum = v16_zero();    \
    for (int k = 0; k < CHAINS; k++) a[k] = v16_all((float)k);              \
    for (long i = 0; i < n; i += CHAINS)                                    \
        V16_UNROLL for (int k = 0; k < CHAINS; k++) a[k] = step;         \
    for (int k = 0; k < CHAINS; k++) sum = v16_add(sum, a[k]);              \
    float out[16];                                                          \
    v16_store(out, sum);                                                    \
    return out[0]

float peak_fma(long n, float x, float y) { LOOP(v16_fma(a[k], vx, vy)); }
float peak_mul_add(long n, float x, float y) { LOOP(v16_add(v16_mul(a[k], vx), vy)); }
