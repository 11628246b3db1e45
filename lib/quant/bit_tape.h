/* bit_tape.h - circuits with weighted outputs on 512 events at a time: how hardened logic networks are scored.
 *
 * The gates (quant/bit_graph.h) are put in an order that keeps what is alive in the nearest cache: depth first
 * from the outputs, cut into pieces; inside a piece by level and kind, so that one loop without a
 * branch does many gates of a kind (a run); rows are reused after their last reader. A gate with
 * one reader is computed together with it. Weighted outputs are added bit-sliced, by carry-save
 * adders, at the end of the piece that computes them.
 *
 * Rows are 8 words, event e at bit e % 64 of word e / 64 (quant/circuit.h). Bits only: every instruction set
 * gives the same.
 */
#ifndef CB_QUANT_BIT_TAPE_H
#define CB_QUANT_BIT_TAPE_H

#include "quant/bit_graph.h"

/* Kinds of runs. Operands of a basic kind: row of the result, a, b (and c). Of a fused kind
 * f(g(a, b), c): result, c, a, b. CB_BIT_SUM: see bit_tape.c. */
enum {
    CB_BIT_FUSED = CB_BIT_BASIC, /* + 4 * outer + inner; inner: AND .. XOR; outer: g & c, g & ~c, c & ~g, g | c, g ^ c */
    CB_BIT_SUM = CB_BIT_FUSED + 20,
    CB_BIT_PLANES = 32
};

typedef struct {
    int32_t kind, n; /* gates; CB_BIT_SUM: rows given */
} cb_bit_run;

/* Read-only once made: any number of threads. */
typedef struct {
    int32_t n_input, n_row;    /* rows of 8 words wanted as `row` below */
    int32_t n_plane;           /* binary digits of a sum */
    int32_t most_rows;         /* given to one CB_BIT_SUM */
    int64_t offset;            /* sum of events = planes + offset */
    int32_t n_run, n_operand;
    cb_bit_run *run;
    uint32_t *operand;
    int64_t n_gate, n_fused;   /* evaluated; of these two at a time */
} cb_bit_tape;

/* weight[o] of the outputs of c; |weights| add up to less than 2^31. */
int cb_bit_tape_new(cb_bit_tape *t, const cb_circuit *c, const int32_t *weight) CB_MUST;
void cb_bit_tape_free(cb_bit_tape *t);

/* Working memory of one thread: row[0 .. n_input-1] are the inputs', kept as they are. */
typedef struct {
    uint64_t *row, *carry;
} cb_bit_work;

int cb_bit_work_new(cb_bit_work *w, const cb_bit_tape *t) CB_MUST;
void cb_bit_work_free(cb_bit_work *w);
/* sum[e] = sum_o weight[o] y_o of 512 events, given w->row of the inputs. */
void cb_bit_tape_sums(const cb_bit_tape *t, cb_bit_work *w, int32_t sum[CB_CIRCUIT_EVENTS]);

#endif
