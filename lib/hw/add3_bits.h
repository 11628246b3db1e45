/* add3_bits.h - the sum of three vectors as logic, for claims about carry chains of three operands.
 *
 * Exact for every input, modulo 2^width: two ripple adders one behind the other, or (cells) one place of carry-save
 * and then the multiplexer carries of CARRY4. Addition being associative both are the same number, which SAT
 * takes minutes to see; a claim is therefore made with that form that the hardware has. What such a sum is to
 * the netlist is plain algebra (cb_prove_chains).
 */
#ifndef CB_HW_ADD3_BITS_H
#define CB_HW_ADD3_BITS_H

#include "hw/aig.h"

enum { CB_ADD3_BITS = 64 };

typedef struct {
    int width;
    int top;      /* places below it have up to three bits; as the cells are laid out, no assumption */
    int carry_in; /* 0, 1, 2: ones added at place 0 */
    cb_lit bit[3][CB_ADD3_BITS];
    bool invert[3][CB_ADD3_BITS];
} cb_add3;

void cb_add3_sum(cb_aig *a, const cb_add3 *x, bool cells, cb_lit *y);
/* y[0..n-1] += x + carry, modulo 2^n, as a ripple adder. */
void cb_bits_add(cb_aig *a, cb_lit *y, const cb_lit *x, int n, cb_lit carry);
/* y[0..n-1] + constant, modulo 2^n. */
void cb_bits_add_constant(cb_aig *a, cb_lit *y, int n, uint64_t constant);

#endif
