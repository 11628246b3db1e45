#include "hw/add3_bits.h"

#include <string.h>

#include "hw/rule_bits.h"

void cb_bits_add(cb_aig *a, cb_lit *y, const cb_lit *x, int n, cb_lit carry) {
    for (int k = 0; k < n; k++) {
        cb_lit either = cb_aig_xor(a, y[k], x[k]), both = cb_aig_and(a, y[k], x[k]);
        y[k] = cb_aig_xor(a, either, carry);
        carry = cb_aig_or(a, both, cb_aig_and(a, either, carry));
    }
}

void cb_bits_add_constant(cb_aig *a, cb_lit *y, int n, uint64_t constant) {
    cb_lit x[CB_ADD3_BITS];
    for (int k = 0; k < n; k++) x[k] = constant >> k & 1;
    cb_bits_add(a, y, x, n, 0);
}

static cb_lit bit_of(const cb_add3 *x, int v, int k) { return x->bit[v][k] ^ x->invert[v][k]; }

static void sum_one_by_one(cb_aig *a, const cb_add3 *x, cb_lit *y) {
    cb_lit next[CB_ADD3_BITS];
    for (int k = 0; k < x->width; k++) y[k] = bit_of(x, 0, k);
    for (int v = 1; v < 3; v++) {
        for (int k = 0; k < x->width; k++) next[k] = bit_of(x, v, k);
        cb_bits_add(a, y, next, x->width, 0);
    }
    for (int c = 0; c < 2; c++) cb_bits_add_constant(a, y, x->width, x->carry_in > c);
}

/* Entry i of the table of a LUT with the place's bits (a the least digit, then b, c and the saved carry). */
static bool table_entry(const cb_add3 *x, int k, int i, bool majority) {
    int p = (i & 1) ^ x->invert[0][k], q = (i >> 1 & 1) ^ x->invert[1][k], r = (i >> 2 & 1) ^ x->invert[2][k];
    return majority ? p + q + r > 1 : (p ^ q ^ r ^ (i >> 3)) & 1;
}

static cb_lit table_of(cb_aig *a, const cb_add3 *x, int k, cb_lit saved, bool majority) {
    uint64_t table = 0;
    for (int i = 0; i < 16; i++) table |= (uint64_t)table_entry(x, k, i, majority) << i;
    const cb_lit in[4] = {saved, x->bit[2][k], x->bit[1][k], x->bit[0][k]};
    return cb_rule_table(a, table, 4, in);
}

/* A place saves one carry for the next and passes on another. */
static void sum_by_cells(cb_aig *a, const cb_add3 *x, cb_lit *y) {
    cb_lit carry = x->carry_in > 0, saved = x->carry_in > 1;
    for (int k = 0; k < x->width; k++) {
        cb_lit p = bit_of(x, 0, k), q = bit_of(x, 1, k), r = bit_of(x, 2, k), sum, next;
        if (k < x->top) sum = table_of(a, x, k, saved, false), next = table_of(a, x, k, saved, true);
        else {
            sum = cb_aig_xor(a, cb_aig_xor(a, cb_aig_xor(a, p, q), r), saved);
            next = cb_aig_or(a, cb_aig_or(a, cb_aig_and(a, p, q), cb_aig_and(a, p, r)), cb_aig_and(a, q, r));
        }
        y[k] = cb_aig_xor(a, sum, carry);
        carry = cb_aig_choose(a, sum, carry, saved);
        saved = next;
    }
}

void cb_add3_sum(cb_aig *a, const cb_add3 *x, bool cells, cb_lit *y) {
    if (cells) sum_by_cells(a, x, y);
    else sum_one_by_one(a, x, y);
}
