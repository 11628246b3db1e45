/* netlist_tape.h - the graph compiled for the interpreter: a list of operations on
 * rows of CB_TAPE_EVENTS lanes, lane = event, in int16, int32 or int64.
 *
 * The type of a value is the narrowest that its interval fits, or narrower: sums are exact
 * modulo 2^bits, so a value that only feeds sums of 16 bits (or slices of its low bits) is kept
 * modulo 2^16 whatever its interval. A QUANT with rounding, clamp or ReLU gets its operand
 * exact. Where types differ, the value is converted once and shared. Rows are reused after
 * their last reader, so that what is alive stays in the nearest cache.
 *
 * Built by netlist_eval.c's cb_netlist_score, read by isa/netlist_tape.c.
 */
#ifndef CB_HW_NETLIST_TAPE_H
#define CB_HW_NETLIST_TAPE_H

#include "hw/netlist.h"

enum { CB_TAPE_EVENTS = 128 };
typedef enum { CB_TAPE_16, CB_TAPE_32, CB_TAPE_64, CB_TAPE_TYPES } cb_tape_type;

typedef enum {
    CB_TAPE_ADD,     /* (a << sa) + (b << sb), three of each kind: by type */
    CB_TAPE_SUB = CB_TAPE_ADD + CB_TAPE_TYPES,
    CB_TAPE_ADD_A = CB_TAPE_SUB + CB_TAPE_TYPES, /* sb = 0 */
    CB_TAPE_ADD_B = CB_TAPE_ADD_A + CB_TAPE_TYPES, /* sa = 0 */
    CB_TAPE_SUB_A = CB_TAPE_ADD_B + CB_TAPE_TYPES,
    CB_TAPE_SUB_B = CB_TAPE_SUB_A + CB_TAPE_TYPES,
    CB_TAPE_CLAMP = CB_TAPE_SUB_B + CB_TAPE_TYPES,       /* a >> sa, clamped to lo..hi */
    CB_TAPE_CLAMP_EVEN = CB_TAPE_CLAMP + CB_TAPE_TYPES, /* ... bit 0 cleared first if all dropped bits are 0 */
    CB_TAPE_WRAP = CB_TAPE_CLAMP_EVEN + CB_TAPE_TYPES, /* max(a, lo) >> sa, & mask, ^ sign, - sign */
    CB_TAPE_WRAP_EVEN = CB_TAPE_WRAP + CB_TAPE_TYPES,
    CB_TAPE_CONVERT = CB_TAPE_WRAP_EVEN + CB_TAPE_TYPES, /* from type / to type: + 3 from + to */
    CB_TAPE_LOOKUP = CB_TAPE_CONVERT + CB_TAPE_TYPES * CB_TAPE_TYPES, /* bit a of mask; 16 bits. The index is made by additions */
    CB_TAPE_SLOW, /* cb_node_quantize in int64 */
} cb_tape_code;

typedef struct {
    int16_t code;
    int8_t sa, sb;
    int32_t a, b, y; /* rows: byte offsets in the arena */
    int32_t node;    /* CB_TAPE_SLOW */
    int64_t lo, hi;  /* CLAMP; WRAP: lo alone */
    int64_t mask, sign; /* WRAP; LOOKUP: mask is the table */
} cb_tape_op;

typedef struct {
    int32_t row;
    cb_tape_type type;
    int64_t value;
} cb_tape_const;

typedef struct {
    const cb_netlist *net;
    int32_t n_op, n_const;
    cb_tape_op *op;
    cb_tape_const *constant;
    int32_t *out;        /* [n_output] rows of 16-bit lanes */
    size_t arena;        /* bytes; the inputs lie first, n_input rows of 16-bit lanes */
} cb_tape;

int cb_tape_make(cb_tape *t, const cb_netlist *g) CB_MUST;
void cb_tape_free(cb_tape *t);

/* Constants into an arena, once. */
void cb_tape_begin(const cb_tape *t, char *arena);
/* CB_TAPE_EVENTS events, inputs already in their rows. */
typedef void cb_tape_kernel(const cb_tape *t, char *arena);
/* CB_TAPE_EVENTS images, `stride` counts apart, into the rows of the inputs; each image is readable to 8
 * counts and to the word (two counts) of its last input. */
typedef void cb_tape_loader(const uint16_t *et, int64_t stride, int n_input, char *arena);

#endif
