/* gates.h - a hardened dense network of two-input gates from a text file (data/published/lgn_lt2_gates.txt).
 *
 * Lines that begin with # are comments. Then "layers N0 N1 ... Nk" (inputs and nodes of each layer), then a line
 * "gate a b" for each node, layer by layer: gate = its truth table as id (logic/node.h: bit 3-i of
 * the id is the output at i = 2a + b), a and b = indices in the layer before.
 */
#ifndef CB_LOGIC_GATES_H
#define CB_LOGIC_GATES_H

#include "quant/circuit.h"

/* The circuit, gate by gate as listed, its outputs those of the last layer. */
int cb_gates_read(cb_circuit *c, const char *path) CB_MUST;

#endif
