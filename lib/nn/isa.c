#include "nn/isa.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"

#ifdef CB_HAVE_ISA_v4
static const char *const names[] = {"v2", "v3", "v4"};
#define KNOWN "v2, v3, v4"
#else
#define TEXT(name) #name
#define NAME(name) TEXT(name)
#define KNOWN NAME(CB_ISA_ONLY)
static const char *const names[] = {KNOWN};
#endif
static _Atomic int chosen = -1;

const char *cb_isa_name(int level) { return names[level]; }

int cb_isa_best(void) {
#ifdef CB_HAVE_ISA_v4
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("bmi2"))
        return 0;
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
        !__builtin_cpu_supports("avx512cd") || !__builtin_cpu_supports("avx512dq") ||
        !__builtin_cpu_supports("avx512vl"))
        return 1;
    return 2;
#else
    return 0;
#endif
}

static int choose(void) {
    int best = cb_isa_best();
    const char *wanted = getenv("CB_ISA");
    if (!wanted || !*wanted) return best;
    for (int level = 0; level < CB_ISA_LEVELS; level++)
        if (!strcmp(wanted, names[level])) {
            if (level <= best) return level;
            cb_warn("CB_ISA=%s: this processor lacks it; using %s", wanted, names[best]);
            return best;
        }
    cb_warn("CB_ISA=%s is not the name of a kernel build (" KNOWN "); using %s", wanted, names[best]);
    return best;
}

int cb_isa(void) {
    int level = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (level >= 0) return level;
    int unset = -1; /* several threads may ask first: all take the same answer */
    level = choose();
    atomic_compare_exchange_strong(&chosen, &unset, level);
    return atomic_load(&chosen);
}

int cb_isa_force(int level) {
    if (level < 0 || level > cb_isa_best())
        return cb_fail("kernel level %d: this processor has 0 to %d", level, cb_isa_best());
    atomic_store(&chosen, level);
    return 0;
}

CB_ISA_DECLARE(const char *, cb_isa_fault, void);

int cb_isa_check(void) {
    static const char *(*const fault[])(void) = CB_ISA_TABLE(cb_isa_fault);
    for (int level = 0; level <= cb_isa_best(); level++) {
        const char *why = fault[level]();
        if (why) return cb_fail("results would not be the same bytes as elsewhere: kernels %s: %s", names[level], why);
    }
    return 0;
}
