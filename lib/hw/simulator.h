/* simulator.h - is the Verilog simulator at hand right? A recorded design whose result is known is run first.
 *
 * Some versions miscompile the style of our Verilog (Verilator before 5.048, according to alkaid, codegen/rtl/_utils.py). The
 * design has what the emitted modules have: sign extension by replication, inverted fields, parameterised adders of two and three
 * operands, slices across a wide vector, reductions, saturation by choice, a clocked delay. Its inputs are a
 * counter-driven generator; what it must print was computed with the same arithmetic in C (cb_simulator_expected).
 */
#ifndef CB_HW_SIMULATOR_H
#define CB_HW_SIMULATOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* Compiles and runs the design with Icarus Verilog (iverilog, vvp) or Verilator (with its C++ compiler); fails, naming tool,
 * version, the two results and the remedy, if they differ. scratch: an existing folder. */
int cb_simulator_check(bool verilator, const char *scratch) CB_MUST;
/* The word that the design prints: the sum of all its outputs, mixed clock by clock. */
uint32_t cb_simulator_expected(void);

#endif
