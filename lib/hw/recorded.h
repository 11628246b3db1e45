/* recorded.h - events whose scores somebody else recorded: what deployed firmware gave for them.
 *
 * As check events (check_events.h) they bring their recorded score with them: every representation is then compared
 * with the record itself, not only with the integer programme; so is the programme (cb_emit.n_recorded).
 */
#ifndef CB_HW_RECORDED_H
#define CB_HW_RECORDED_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct {
    size_t n;
    int n_input;
    uint16_t *et;   /* [n][n_input] */
    uint16_t *code; /* [n] */
    size_t n_file;
    char **file;    /* [n_file][2]: events, scores */
} cb_recorded;

/* list: "EVENTS=SCORES" lines, as a CB_LIST option gives them. EVENTS is any events file (data/layouts.h) of
 * n_input regions; SCORES is text: the line "event,score_raw", then number (0, 1, ...) and 16-bit score of every event.
 * Errors name file and line. An empty record after failure. */
int cb_recorded_read(cb_recorded *r, const char *list, int n_input) CB_MUST;
void cb_recorded_free(cb_recorded *r);

#endif
