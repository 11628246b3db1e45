/* qkeras_front.h - the front of QKeras: students of several bit widths, trained side by side.
 *
 * A width word changes some quantizers of the description it starts from. It is a row of items, each a letter, the
 * bits, and if wanted ".integer":
 *     c  conv kernel   d  dense kernel   b  dense bias   o  last kernel   w  all four of them
 *     r  relu after the convolution      s  relu after the dense layer    a  both
 *     g  start value of the batch norm's gamma: at few bits the folded kernel, |K| < 0.1 with gamma 1 on region energies, would
 *        round to zeros altogether and never train
 *     n  without dropout; no number. Few bits are noise enough
 * "w6a8": six bits for every weight, eight for every activation, ranges as they were. "d4.0o6": the dense kernel
 * quantized_bits(4, 0), the last one six bits. Later items win.
 */
#ifndef CB_QUANT_QKERAS_FRONT_H
#define CB_QUANT_QKERAS_FRONT_H

#include "quant/front.h"
#include "quant/qkeras_train.h"

enum { CB_FRONT_WIDTHS = CB_FRONT_BETAS }; /* each a run of the front */

/* Applies one word of n characters. The widths are checked by cb_qkeras_bits_check. */
int cb_qkeras_bits_word(cb_qkeras_bits *b, const char *word, size_t n) CB_MUST;
/* Weights and bias: 2 to 16 bits; relus: 1 to 16; integers 0 to 10. The error names the quantizer. */
int cb_qkeras_bits_check(const cb_qkeras_bits *b) CB_MUST;

/* Trains one student for each word of `widths` (separated by blanks), the best epoch of each a candidate for the front. front and
 * run[CB_FRONT_WIDTHS]: cb_front_scan; *n_run is set. */
int cb_qkeras_front_train(const cb_qkeras_shape *shape, const cb_student_set *set, const cb_qkeras_plan *plan,
                          const char *widths, cb_front *front, cb_front_run *run, int *n_run) CB_MUST;
/* As cb_hgq_front_write. */
int cb_qkeras_front_write(const cb_front *front, const cb_student_set *set, const char *name, cb_h5 *f) CB_MUST;

#endif
