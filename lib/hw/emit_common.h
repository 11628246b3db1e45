/* emit_common.h - what the printers of C and C++ share. */
#ifndef CB_HW_EMIT_COMMON_H
#define CB_HW_EMIT_COMMON_H

#include "hw/emit.h"
#include "hw/text.h"

/* A name as a C identifier: other characters become '_', a digit in front gets
 * 'm', a word reserved in Verilog, C or C++ ('small') gets '_' behind. */
void cb_emit_identifier(const char *name, char out[64]);

/* A QUANT node taken apart: relu, then shift (right > 0 rounded, left < 0), then clamp
 * to min (low) and max (high) or wrap; each only if some input of the interval needs it. */
typedef struct {
    bool relu, low, high, wrap;
    int shift;
    uint8_t round;
    int64_t min, max;
    int width;   /* of the operand: bits as a signed number */
    int bits, sign; /* of the format, for wrap */
} cb_quant_form;

/* Fails where a shifted value would not fit 62 bits. */
int cb_quant_form_of(const cb_netlist *g, int32_t n, cb_quant_form *q) CB_MUST;

/* A table as an expression of C and C++: nested choices between its operands, 0 or 1. */
void cb_put_table(cb_text *t, const cb_node *x);

/* Is the node the constant 0? */
bool cb_node_is_zero(const cb_netlist *g, int32_t n);

/* Writes a fixed text to dir/name. */
int cb_emit_text(const char *dir, const char *name, const char *text) CB_MUST;

/* The first n events as hls4ml's testbench reads them: dir/events, the counts of an event a line, and
 * dir/scores, a score (code / 256) a line. */
int cb_emit_vectors(const cb_emit *e, size_t n, const char *dir, const char *events, const char *scores) CB_MUST;

/* Are the images the trigger card's, so that there is a ctp7/? */
bool cb_emit_has_card(const cb_emit *e);

/* The library interface of the emulator, into dir (emit_abi.c). */
int cb_emit_abi(const cb_emit *e, const char *dir) CB_MUST;

/* The graph as one C++ function (emit_graph_cpp.c): writes dir/defines.h, the types, and
 * dir/<name>_graph.h. */
int cb_emit_graph_header(const cb_emit *e, const char *dir) CB_MUST;

#endif
