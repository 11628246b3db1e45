/* text.h - a growing text, for the back ends that print source code.
 *
 *     cb_text t = {0};
 *     cb_text_add(&t, "wire [%d:0] n%d;\n", w - 1, i);
 *     return cb_text_write(&t, dir, "model.v");    // writes and frees
 *
 * Additions never report: a failed allocation is remembered and comes out of
 * cb_text_write, so that printing code reads like printing.
 */
#ifndef CB_HW_TEXT_H
#define CB_HW_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct {
    char *s; /* 0-terminated once something was added */
    size_t n, room;
    bool failed;
} cb_text;

void cb_text_add(cb_text *t, const char *format, ...) CB_PRINTF(2, 3);
/* The text as it is, without a format. */
void cb_text_put(cb_text *t, const char *s);
/* `bits` bits of little-endian words as hexadecimal digits, most significant first. */
void cb_text_hex(cb_text *t, const uint64_t *words, int bits);
/* Writes dir/name (missing folders are made) and frees the text, whatever happens. */
int cb_text_write(cb_text *t, const char *dir, const char *name) CB_MUST;
void cb_text_free(cb_text *t);

#endif
