/* The numerics guard of one instruction-set level: base/numerics.h with its flags, and its v16_fma against fmaf. */
#include "base/numerics.h"

#include "nn/isa.h"
#include "nn/vec16.h"

#define fault CB_ISA_FN(cb_isa_fault)
const char *fault(void);

/* Factors and addends whose exact sums lie on, and next to, the middle between two floats. */
static int fma_differs(void) {
    volatile float one = 1, e = FLT_EPSILON;
    float a[16], b[16], c[16], r[16];
    for (int i = 0; i < 16; i++) {
        a[i] = one + (float)i * e;
        b[i] = i % 2 ? one - (float)i * e : e / 2 * (one + (float)(i % 3 - 1) * e);
        c[i] = i % 4 < 2 ? -one : one + e;
    }
    v16_store(r, v16_fma(v16_load(a), v16_load(b), v16_load(c)));
    int wrong = 0;
    for (int i = 0; i < 16; i++) {
        volatile float x = a[i], y = b[i], z = c[i];
        wrong |= cb_numerics_bits(r[i]) != cb_numerics_bits(fmaf(x, y, z));
    }
    return wrong;
}

const char *fault(void) {
    const char *why = cb_numerics_fault();
    return why ? why : fma_differs() ? "its fused multiply-add is not that of fmaf" : NULL;
}
