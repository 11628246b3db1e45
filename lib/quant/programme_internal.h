/* programme_internal.h - what the files of the programme share. */
#ifndef CB_QUANT_PROGRAMME_INTERNAL_H
#define CB_QUANT_PROGRAMME_INTERNAL_H

#include "quant/programme.h"

/* Elements of the input and output tensors of an operation. */
int64_t cb_op_inputs(const cb_op *op);
int64_t cb_op_outputs(const cb_op *op);

/* An operation appended, shapes of its input set; NULL with an error. n_op is not yet counted up. */
cb_op *cb_op_append(cb_programme *p, cb_op_kind kind, const char *name);

/* All counts 0..CB_ET_MAX, or an error that names the first event and region where not. */
int cb_counts_check(const cb_programme *p, const uint16_t *et, size_t n) CB_MUST;

/* The plain definition of one QUANT, DENSE or CONV2D. */
void cb_op_plain(const cb_op *op, const int64_t *x, int64_t *y);

/* ---- COMPARE and LOGIC (programme_bits.c) ---- */
static inline bool cb_op_bits(const cb_op *op) { return op->kind == CB_OP_COMPARE || op->kind == CB_OP_LOGIC; }
int cb_bits_finish(cb_programme *p, int k, const int64_t *lo, const int64_t *hi) CB_MUST;
int cb_bits_plain(const cb_op *op, const int64_t *x, int64_t *y) CB_MUST;
/* Index of the first COMPARE, n_op if there is none. */
int cb_bits_at(const cb_programme *p);
/* cb_programme_score of a programme that has a COMPARE (programme_bits_score.c); counts are checked. */
int cb_bits_score(const cb_programme *p, const uint16_t *et, size_t n, uint16_t *code) CB_MUST;
int cb_bits_write(const cb_op *op, cb_h5 *f, const char *group) CB_MUST;
int cb_bits_read(cb_programme *p, cb_h5 *f, const char *group, const char *op_name, cb_op_kind kind) CB_MUST;

#endif
