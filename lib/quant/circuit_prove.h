/* circuit_prove.h - that a simplified circuit has the outputs of the one it was made of, for all inputs.
 *
 * By induction over the gates, each by its whole truth table: if the inputs of an old gate are the literals that the
 * map says, so is its output. A gate has at most six inputs, so that there is nothing to search and no solver: some
 * microseconds a gate. cb_circuit_simplify does it always; a failure is an error of this program.
 */
#ifndef CB_QUANT_CIRCUIT_PROVE_H
#define CB_QUANT_CIRCUIT_PROVE_H

#include "quant/circuit.h"

/* What an old signal is in the new circuit: signal >= 0, inverted or not; signal -1: the constant `invert`. */
typedef struct {
    int32_t signal;
    uint8_t invert;
} cb_circuit_literal;

/* known[from->n_input + from->n]: inputs, gates and outputs of `to` are those of `from`. Fails, naming gate or output. */
int cb_circuit_prove_simplified(const cb_circuit *from, const cb_circuit *to, const cb_circuit_literal *known) CB_MUST;
/* `to` is `from` with numbers[] (cb_circuit_renumber). */
int cb_circuit_prove_renumbered(const cb_circuit *from, const cb_circuit *to, const int32_t *numbers) CB_MUST;

#endif
