/* aig.h - and-inverter graphs: logic as SAT solvers read it, and signed integers as words of its bits.
 *
 * A literal is 2 * variable + (inverted); variable 0 is the constant 0, so literal 0 is false and 1 true.
 * Variables 1 .. n_in are the inputs, the others two-input ands, each after its operands; equal ands exist once.
 * Files: AIGER 1.9, binary, combinational (https://fmv.jku.at/aiger/FORMAT.aiger).
 *
 * Words are signed numbers as wide as they need to be: no operation wraps, whatever the bits. Building
 * never reports: what fails (memory, a word above CB_WORD_BITS) sets `failed`, to be asked for at the end.
 */
#ifndef CB_HW_AIG_H
#define CB_HW_AIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef uint32_t cb_lit;

typedef struct {
    uint32_t n_in, n, room;  /* inputs; variables in use with the constant, variables that fit */
    cb_lit (*in)[2];         /* operands of variable v > n_in, the smaller first */
    uint32_t *slot, n_slot;  /* hash table of the ands */
    bool failed;
} cb_aig;

int cb_aig_begin(cb_aig *a, uint32_t n_in) CB_MUST;
void cb_aig_free(cb_aig *a);
cb_lit cb_aig_and(cb_aig *a, cb_lit x, cb_lit y);
cb_lit cb_aig_or(cb_aig *a, cb_lit x, cb_lit y);
cb_lit cb_aig_xor(cb_aig *a, cb_lit x, cb_lit y);
cb_lit cb_aig_choose(cb_aig *a, cb_lit c, cb_lit yes, cb_lit no);
/* The logic of a file, its inputs being the literals in[n_in]; out[n_out] receives its outputs. */
int cb_aig_import(cb_aig *a, const char *path, const cb_lit *in, uint32_t n_in, cb_lit *out, uint32_t n_out) CB_MUST;
/* Writes a file: and[k] are the operands of variable n_in + 1 + k. */
int cb_aig_write(const char *path, uint32_t n_in, uint32_t n_and, cb_lit (*and)[2], uint32_t n_out, const cb_lit *out) CB_MUST;

/* ---- signed numbers ---- */

enum { CB_WORD_BITS = 200 };

typedef struct {
    int n; /* at least 1; bit[n-1] is the sign */
    cb_lit bit[CB_WORD_BITS];
} cb_word;

cb_word cb_word_constant(int64_t v);
/* n literals, least significant first, as a signed or unsigned number. */
cb_word cb_word_of(cb_aig *a, const cb_lit *bit, int n, bool is_signed);
cb_word cb_word_add(cb_aig *a, const cb_word *x, const cb_word *y);
cb_word cb_word_sub(cb_aig *a, const cb_word *x, const cb_word *y);
cb_word cb_word_shift(cb_aig *a, const cb_word *x, int up); /* up < 0: floor(x / 2^-up) */
cb_word cb_word_times(cb_aig *a, const cb_word *x, int64_t factor);
cb_word cb_word_choose(cb_aig *a, cb_lit c, const cb_word *yes, const cb_word *no);
cb_lit cb_word_less(cb_aig *a, const cb_word *x, const cb_word *y);
cb_lit cb_word_differ(cb_aig *a, const cb_word *x, const cb_word *y);
/* x < lo or x > hi */
cb_lit cb_word_outside(cb_aig *a, const cb_word *x, int64_t lo, int64_t hi);

#endif
