#include "stats/table.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

static int tabs(const char *s) {
    int n = 0;
    for (; *s; s++) n += *s == '\t';
    return n;
}

int cb_table_begin(cb_table *t, const char *header, int n_key) {
    *t = (cb_table){.n_key = n_key, .header = cb_strdup(header)};
    return t->header ? 0 : -1;
}

int cb_table_row(cb_table *t, const char *format, ...) {
    char text[2048];
    va_list ap;
    va_start(ap, format);
    int length = vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    if (length < 0 || (size_t)length >= sizeof text)
        return cb_fail("table row of %d characters, at most %zu: %.60s...", length, sizeof text - 1, text);
    if (tabs(text) != tabs(t->header) || strchr(text, '\n'))
        return cb_fail("table row has %d columns, wanted %d: %s", tabs(text) + 1, tabs(t->header) + 1, text);
    if (t->n == t->room) {
        size_t room = t->room ? 2 * t->room : 64;
        char **row = cb_realloc(t->row, room, sizeof *row);
        if (!row) return -1;
        t->row = row;
        t->room = room;
    }
    t->row[t->n] = cb_strdup(text);
    return t->row[t->n] ? (t->n++, 0) : -1;
}

/* Bytes of the first n_key columns; a shorter column sorts first. */
static int compare_keys(const char *a, const char *b, int n_key) {
    while (n_key) {
        unsigned char x = (unsigned char)*a++, y = (unsigned char)*b++;
        if (x != y) return x == '\t' || !x ? -1 : y == '\t' || !y ? 1 : x < y ? -1 : 1;
        if (x == '\t') n_key--;
        if (!x) break;
    }
    return 0;
}

/* Merge sort: stable, n log n, and no global state for the number of keys. */
static void sort_rows(char **row, char **scratch, size_t n, int n_key) {
    if (n < 2) return;
    size_t half = n / 2, i = 0, j = half, k = 0;
    sort_rows(row, scratch, half, n_key);
    sort_rows(row + half, scratch, n - half, n_key);
    while (i < half && j < n)
        scratch[k++] = compare_keys(row[j], row[i], n_key) < 0 ? row[j++] : row[i++];
    while (i < half) scratch[k++] = row[i++];
    while (j < n) scratch[k++] = row[j++];
    memcpy(row, scratch, n * sizeof *row);
}

int cb_table_write(cb_table *t, const char *path) {
    char **scratch = cb_alloc(t->n, sizeof *scratch);
    if (!scratch) return -1;
    sort_rows(t->row, scratch, t->n, t->n_key);
    free(scratch);
    size_t size = strlen(t->header) + 2;
    for (size_t i = 0; i < t->n; i++) size += strlen(t->row[i]) + 1;
    char *text = cb_alloc(size, 1), *p = text;
    if (!text) return -1;
    p += sprintf(p, "%s\n", t->header);
    for (size_t i = 0; i < t->n; i++) p += sprintf(p, "%s\n", t->row[i]);
    int rc = cb_file_write(path, text);
    free(text);
    return rc;
}

void cb_table_free(cb_table *t) {
    for (size_t i = 0; i < t->n; i++) free(t->row[i]);
    free(t->row);
    free(t->header);
    *t = (cb_table){0};
}

const char *cb_cell(cb_cell_text *cell, double v) {
    snprintf(cell->text, sizeof cell->text, isnan(v) ? "nan" : "%.17g", v);
    return cell->text;
}

int cb_split(char *line, char separator, char **field, int max) {
    int n = 0;
    while (n < max) {
        field[n++] = line;
        line = strchr(line, separator);
        if (!line) break;
        *line++ = 0;
    }
    return n;
}
