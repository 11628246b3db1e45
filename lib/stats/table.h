/* table.h - result tables: tab-separated text, one header line, sorted by key.
 *
 * A row is printf'ed with its columns separated by tabs. Real numbers are printed with
 * CB_CELL ("%.17g"; float32 columns: "%.9g"), so that a missing value is "nan" on
 * every machine. Rows are sorted by the bytes of their first n_key columns; rows
 * of equal key keep the order in which they were added.
 */
#ifndef CB_STATS_TABLE_H
#define CB_STATS_TABLE_H

#include "base/error.h"

typedef struct {
    int n_key;
    size_t n, room;
    char *header, **row;
} cb_table;

/* header: column names separated by tabs, without newline. */
int cb_table_begin(cb_table *t, const char *header, int n_key) CB_MUST;
/* The formatted text must have as many columns as the header. */
int cb_table_row(cb_table *t, const char *format, ...) CB_PRINTF(2, 3) CB_MUST;
/* Sorts and writes the file atomically. */
int cb_table_write(cb_table *t, const char *path) CB_MUST;
void cb_table_free(cb_table *t);

/* "%.17g", or "nan". The text lives in `cell`. */
typedef struct { char text[32]; } cb_cell_text;
const char *cb_cell(cb_cell_text *cell, double v);
#define CB_CELL(v) cb_cell(&(cb_cell_text){{0}}, v)

/* ---- reading small text tables ---- */
/* Splits a line in place at `separator` into at most max fields; returns the count. */
int cb_split(char *line, char separator, char **field, int max);

#endif
