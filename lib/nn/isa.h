/* isa.h - which build of the kernels runs on this processor.
 *
 * Every file in lib/(folder)/isa is compiled once per instruction-set level (mk/isa.mk):
 * on x86-64 the psABI levels v2 (SSE4), v3 (AVX2 and FMA) and v4 (AVX-512), elsewhere
 * only one: neon on aarch64, portable on any other processor. All levels give
 * the same bytes, so the choice is one of speed; CB_ISA=v2|v3|v4 in the environment
 * forces one. A name that is unknown, or a level that the processor lacks, is
 * answered with a warning and the best level there is.
 *
 * Inside such a file CB_ISA_FN(cb_dense_forward) is the name cb_dense_forward_v3 (say);
 * CB_ISA_DECLARE declares and CB_ISA_TABLE lists that name for every level that was built,
 * and cb_isa() is the index of the one to use:
 *
 *     CB_ISA_DECLARE(void, cb_adam_update, float *w, ...);
 *     static const cb_adam_fn table[] = CB_ISA_TABLE(cb_adam_update);
 *     table[cb_isa()](...);
 */
#ifndef CB_NN_ISA_H
#define CB_NN_ISA_H

#define CB_ISA_PASTE2(a, b) a##_##b
#define CB_ISA_PASTE(a, b) CB_ISA_PASTE2(a, b)
#ifdef CB_ISA_NAME
#define CB_ISA_FN(name) CB_ISA_PASTE(name, CB_ISA_NAME)
#endif

#ifdef CB_HAVE_ISA_v4
#define CB_ISA_TABLE(name) {name##_v2, name##_v3, name##_v4}
#define CB_ISA_DECLARE(type, name, ...)                          \
    type name##_v2(__VA_ARGS__);                                 \
    type name##_v3(__VA_ARGS__);                                 \
    type name##_v4(__VA_ARGS__)
enum { CB_ISA_LEVELS = 3 };
#else /* CB_ISA_ONLY: the name of the one level, from mk/isa.mk */
#define CB_ISA_TABLE(name) {CB_ISA_PASTE(name, CB_ISA_ONLY)}
#define CB_ISA_DECLARE(type, name, ...) type CB_ISA_PASTE(name, CB_ISA_ONLY)(__VA_ARGS__)
enum { CB_ISA_LEVELS = 1 };
#endif

/* Index of the level in use, 0 .. CB_ISA_LEVELS-1. */
int cb_isa(void);
/* Its name, "v2" .. "v4", "neon" or "portable", or of any index. */
const char *cb_isa_name(int level);
/* The best level that this processor has. */
int cb_isa_best(void);
/* Chooses a level (tests); one that the processor lacks is refused with -1. */
int cb_isa_force(int level);
/* Checks that the kernels of every level that this processor has compute as the determinism
 * rules need (base/numerics.h). Returns 0, or -1 with the level and what is wrong. */
int cb_isa_check(void) __attribute__((warn_unused_result));

#endif
