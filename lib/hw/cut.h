/* cut.h - the emitted Verilog, cut open at the wires of its nodes, so that each can be proven alone.
 *
 * The text that is handed over is rewritten word by word, never printed again: of a wire n<i> (or a register
 * n<i>_s<k>) the place where it gets its value becomes n<i>_o, every place that reads it n<i>_i. All n<i>_i
 * become inputs of the module, all n<i>_o outputs: its ports are x = cuts, model_inp and y = cuts, model_out, from bit 0, in the
 * order of the cuts. Clocked blocks become combinational, so that n<i>_s<k>_o is what the register
 * takes at the next edge. Helper modules stay as they are.
 *
 * Shared hardware (share.h) has more registers: phase and phase_s<k>, which are cuts of "node" CB_CUT_PHASE, HOLD nodes,
 * and model_out with valid. Those with an enable have their old value where the block gives them none. Behind model_inp, x
 * has sync and the old model_out; behind model_out, y has valid.
 *
 * A text that does not look as expected (a cut without definition, another width) is an error.
 */
#ifndef CB_HW_CUT_H
#define CB_HW_CUT_H

#include "hw/text.h"

enum { CB_CUT_PHASE = -1 };

typedef struct {
    int32_t node;
    int stage;      /* of a register n<node>_s<stage>; -1: the wire n<node> */
    bool keeps;     /* a register that keeps its value where the clocked block gives it none */
    int width;
    int64_t at;     /* first bit in x and y */
    bool seen;      /* defined in the text; set by cb_cut_verilog */
} cb_cut;

typedef struct {
    int64_t n, room, bits;
    cb_cut *cut; /* ordered by node, then stage */
} cb_cuts;

int cb_cuts_add(cb_cuts *c, int32_t node, int stage, int width) CB_MUST;
const cb_cut *cb_cut_find(const cb_cuts *c, int32_t node, int stage);
void cb_cuts_free(cb_cuts *c);

/* text: the file's contents with the module `module`; the rewritten text is appended to out. */
int cb_cut_verilog(const char *text, const char *module, cb_cuts *c, cb_text *out) CB_MUST;

#endif
