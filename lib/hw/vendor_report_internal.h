/* vendor_report_internal.h - what the readers of the vendors' reports share. */
#ifndef CB_HW_VENDOR_REPORT_INTERNAL_H
#define CB_HW_VENDOR_REPORT_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

/* The next line, NULL behind the last. */
const char *cb_report_next_line(const char *c);
/* A number and nothing else, not negative unless `sign`. */
bool cb_report_number(const char *text, bool sign, double *v);
/* One cell of a "| a | b |" line, trimmed, without footnote stars; the position of the next
 * cell, NULL if there is none here. */
const char *cb_report_cell(const char *line, char *out, size_t size);

#endif
