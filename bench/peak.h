/* peak.h - n multiply-adds of 16 floats on registers: a = a x + y in independent chains.
 *
 * One build per instruction-set level (bench/isa/peak.c). fma is v16_fma of nn/vec16.h: the
 * instruction where there is one, its exact emulation where not (v2); mul_add rounds twice.
 */
#ifndef BENCH_PEAK_H
#define BENCH_PEAK_H

#include "nn/isa.h"

enum { BENCH_PEAK_STEPS = 48 * 65536 }; /* a multiple of every level's chains; about a millisecond */

CB_ISA_DECLARE(float, bench_peak_fma, long n, float x, float y);
CB_ISA_DECLARE(float, bench_peak_mul_add, long n, float x, float y);

#endif
