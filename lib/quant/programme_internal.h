/* programme_internal.h - what the files of the programme share. */
#ifndef CB_QUANT_PROGRAMME_INTERNAL_H
#define CB_QUANT_PROGRAMME_INTERNAL_H

#include "quant/programme.h"

/* Elements of the input and output tensors of an operation. */
int64_t cb_op_inputs(const cb_op *op);
int64_t cb_op_outputs(const cb_op *op);

#endif
