/* log.h - what a person sees on stderr while a stage works.
 *
 * Lines look like "[distill 12.3s] text". Nothing of the log enters an artifact.
 * Progress with an ETA appears only on a terminal, and is wiped when done.
 */
#ifndef CB_BASE_LOG_H
#define CB_BASE_LOG_H

#include "base/error.h"

typedef enum { CB_SILENT = -1, CB_QUIET = 0, CB_NORMAL = 1, CB_VERBOSE = 2 } cb_verbosity;

/* Names the stage and starts the clock; call once, from main. */
void cb_log_begin(const char *stage, cb_verbosity level);
void cb_log_level(cb_verbosity level);

void cb_info(const char *format, ...) CB_PRINTF(1, 2);    /* normal and verbose */
void cb_detail(const char *format, ...) CB_PRINTF(1, 2);  /* verbose only */
void cb_warn(const char *format, ...) CB_PRINTF(1, 2);    /* always, but when silent */

/* Seconds since cb_log_begin (wall clock; for the log only). */
double cb_log_seconds(void);

/* Progress of one long loop; cheap to call often. Silent inside a parallel region, where several
 * loops would overwrite each other's line. `note` (may be NULL) is a few words such as the current loss. */
void cb_progress(const char *what, double done, double total, const char *note);
void cb_progress_end(void);

#endif
