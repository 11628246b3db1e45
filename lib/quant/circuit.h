/* circuit.h - a network of look-up tables on bits: what a trained logic gate network *is*.
 *
 * Signals 0 .. n_input-1 are the inputs, signal n_input + g is the output of gate g. A gate has
 * k = 0..6 inputs, all of them earlier signals, and a truth table of 2^k bits: bit i of `table` is
 * the output where the inputs read as a binary number, in[0] the most significant digit, are i
 * (torchlogix' order; 2-input gate id 1 = A & B is table 0b1000). k = 0 is a constant. Outputs are
 * any signals, repeated or not; what they mean (weights, a sum) is the business of the programme
 * (quant/programme.h), in which a circuit is the operation LOGIC.
 *
 * Storage in a file (group G): G/gate_inputs i32 (n, 6), unused entries -1; G/gate_table u64 (n);
 * G/outputs i32 (n_output). k of a gate is the number of leading entries >= 0.
 */
#ifndef CB_QUANT_CIRCUIT_H
#define CB_QUANT_CIRCUIT_H

#include <stdint.h>

#include "base/error.h"
#include "data/artifact.h"

enum { CB_GATE_INPUTS = 6 };

typedef struct {
    int32_t k, in[CB_GATE_INPUTS];
    uint64_t table; /* bits beyond 2^k are 0 */
} cb_gate;

typedef struct {
    int32_t n_input, n, room; /* gates held, gates that fit */
    cb_gate *gate;
    int32_t n_output;
    int32_t *output;
} cb_circuit;

/* No gates yet; the outputs are signal 0 until set. */
int cb_circuit_new(cb_circuit *c, int32_t n_input, int32_t n_output) CB_MUST;
void cb_circuit_free(cb_circuit *c);
/* Appends a gate and returns its signal, or -1. in[0..k-1] must be earlier signals. */
int32_t cb_circuit_gate(cb_circuit *c, int k, const int32_t *in, uint64_t table) CB_MUST;
/* Checks what the comment above asks for; `what` names the circuit in the error. */
int cb_circuit_check(const cb_circuit *c, const char *what) CB_MUST;
int cb_circuit_copy(cb_circuit *to, const cb_circuit *from) CB_MUST;

/* The same outputs for every input with fewer gates: constants fold, inputs on which a table does not
 * depend and inputs given twice vanish, wires and inverters are absorbed by their readers,
 * equal (or opposite) gates merge, gates that no output needs go. Outputs may
 * become inputs or be shared. Number and order of the outputs stay. Always proven (circuit_prove.h). */
int cb_circuit_simplify(cb_circuit *c) CB_MUST;
/* Signals get new numbers to[n_input + n], in their order; those of -1, which nobody reads, go. n_input: inputs that are left. */
void cb_circuit_renumber(cb_circuit *c, int32_t n_input, const int32_t *to);

/* Plain definition, one event: signal[n_input + n], the first n_input given. */
void cb_circuit_trace(const cb_circuit *c, uint8_t *signal);

/* Bit-sliced events: a row of eight words, event e at bit e % 64 of word e / 64 (bits.h, bit_tape.h). */
enum { CB_CIRCUIT_WORDS = 8, CB_CIRCUIT_EVENTS = 512 };

int cb_circuit_write(const cb_circuit *c, cb_h5 *f, const char *group) CB_MUST;
int cb_circuit_read(cb_circuit *c, int32_t n_input, cb_h5 *f, const char *group) CB_MUST;

#endif
