/* chains.h - how the sums of a netlist are laid onto carry chains.
 *
 * The graph says what is added, this plan says with which wires. A chain adds two (or, with
 * cb_netlist.ternary, three) fields: the bits of an operand at their places, each perhaps inverted.
 * What makes it cheaper than an adder with sign-extended operands:
 *
 *   offsets    A sum need not be on its wires as itself: wires carry value + offset >= 0.
 *              -x is then ~x (offset 2^w - 1), a signed x is x with its sign bit inverted
 *              (offset 2^(w-1)), and above the top of the shorter operand a carry chain
 *              needs no LUT, for there is nothing to extend. Constants, as the bias, are
 *              only a change of the offset. Where the value itself is needed (quantizers,
 *              outputs) the sum of all offsets is subtracted at once, in the free places of
 *              the last chain where they suffice, else by a chain of its own. An offset sum may also
 *              take a one at its carry input, for nothing: another offset, perhaps with fewer ones.
 *   ternary    a sum with one user is added in its user's chain (7 series: LUT6_2 with
 *              sum and saved carry, CARRY4 behind it).
 *   loans      The lowest place of a chain has two bits and a carry input that is idle. Of u = s + t
 *              the lowest bit of t may instead enter the carry input of s, or of a sum below s, that nobody else
 *              reads: the place of u is then a wire, one LUT less (loans.c; chains of two operands only).
 *
 * Which sums are exact and which have an offset is found by a local search on the
 * number of LUTs (raw, as Yosys counts LUT1..6 + INV) plus sites (with route-throughs).
 * Facts about 7 series: a chain bit of two operand bits is one LUT; of one operand bit and
 * a constant 0 none (the carry multiplexer's select is the bit itself), but a site; of one
 * operand bit and a constant 1 an inverter. Sources: Yosys, techlibs/xilinx/arith_map.v; ternary
 * adders: Xilinx UG474 (LUT6_2), Kumm and Zipf, "Efficient high speed compression trees on
 * Xilinx FPGAs", MBMV 2014. A 7-series slice has one output multiplexer per bit for the saved
 * carry and for the sum: a ternary adder whose sum is not registered may need a
 * second site for each bit after placement.
 */
#ifndef CB_HW_CHAINS_H
#define CB_HW_CHAINS_H

#include "hw/netlist.h"

enum { CB_CHAIN_FIELDS = 3 };

/* wires of `node` << shift; minus: inverted. Of a signed node the sign bit is either
 * repeated to the top of the chain (extend) or inverted, and the field ends with it. */
typedef struct {
    int32_t node;
    int16_t shift;
    bool minus, extend;
} cb_field;

/* A bit of `node` that the wires of a sum carry beside value and offset, at place `shift`. */
typedef struct {
    int32_t node, next; /* next: of the same sum, or -1 */
    int16_t bit, shift;
    bool minus;
} cb_guest;

typedef struct {
    int n_field;                     /* 0: the node is not a sum, or was absorbed by its user */
    cb_field field[CB_CHAIN_FIELDS];
    bool absorbed, ternary;          /* ternary: three vectors, printed as add3 */
    uint64_t constant;               /* ones in places that a vector has free */
    int low;                         /* places below are wires; low = width: nothing is added */
    int top;                         /* ternary: last place + 1 with more than one bit to add */
    int carry_in;                    /* ones added at `low` */
    int32_t carry_node;              /* or, unless -1, a bit of that node */
    int carry_bit;
    int lent, lent_from, lent_to;    /* places of field `lent` that enter carry inputs elsewhere; none: lent_from = lent_to */
    uint64_t correction;             /* then added by a chain of its own; 0 = none */
    /* the wires of the node, of all kinds of nodes */
    int64_t offset;                  /* they carry value + offset + guests */
    int32_t guest;                   /* the first, in cb_chains.guest; -1: none */
    int width;
    bool is_signed;
    int raw, sites, carry;           /* LUT1..6 + INV; with route-throughs; CARRY4 */
} cb_chain;

typedef struct {
    int32_t n;
    cb_chain *chain; /* [n], as the nodes */
    cb_guest *guest; /* [n_guest] */
    int32_t n_guest, guest_room;
    int64_t raw, sites, carry, fused, loans;
} cb_chains;

enum { CB_CHAIN_GUESTS = 16 }; /* of one sum, at most */

/* g->ternary decides about chains of three operands. comb: as if there were no stages. */
int cb_chains_plan(const cb_netlist *g, bool comb, cb_chains *c) CB_MUST;
void cb_chains_free(cb_chains *c);
/* The last step of a plan of chains of two operands. user[n]: the node that reads n if users[n] is 1.
 * A bit is lent inside a stage only, and where there are registers only if no path becomes longer by a chain. */
int cb_chains_lend(const cb_netlist *g, bool comb, const int32_t *users, const int32_t *user, cb_chains *c) CB_MUST;
/* Is the chain of node i part of a loan: do its wires carry more than value and offset, or does it lack a bit? */
bool cb_chain_in_loan(const cb_chain *x);

/* One place of one vector of a chain. */
typedef struct {
    int8_t field;  /* -1: constant */
    bool invert;   /* of a constant: its value */
    int16_t bit;   /* of the field's wires */
} cb_place;
/* vector[v][p] for v < 2 (ternary: 3) and p < width of the chain. Inverted bits gather in the
 * later vectors: the first one also feeds the carry multiplexers. */
void cb_chain_vectors(const cb_chains *c, const cb_chain *x, cb_place vector[CB_CHAIN_FIELDS][64]);

#endif
