#include "hw/vendor_report.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "hw/vendor_report_internal.h"

bool cb_report_number(const char *text, bool sign, double *v) {
    char *end;
    errno = 0;
    *v = strtod(text, &end);
    return end != text && !*end && !errno && isfinite(*v) && (sign || *v >= 0);
}

const char *cb_report_cell(const char *line, char *out, size_t size) {
    if (*line != '|') return NULL;
    const char *from = line + 1, *to = from + strcspn(from, "|\n"), *next = to;
    if (*next != '|') return NULL;
    while (from < to && isspace((unsigned char)*from)) from++;
    while (to > from && (isspace((unsigned char)to[-1]) || to[-1] == '*')) to--;
    size_t n = (size_t)(to - from) < size - 1 ? (size_t)(to - from) : size - 1;
    memcpy(out, from, n);
    out[n] = 0;
    return next;
}

/* ---- Vivado's text tables ---- */

/* A wanted "| name | used | ..." line. */
typedef struct {
    const char *name; /* as in the report, without leading blanks and trailing '*' */
    double *value;
    bool must, found;
} table_row;

static void scan_table(const char *text, table_row *rows, int n) {
    for (const char *line = text; line && *line; line = strchr(line, '\n'), line += line != NULL) {
        char name[64], used[64];
        const char *rest = cb_report_cell(line, name, sizeof name);
        if (!rest || !cb_report_cell(rest, used, sizeof used)) continue;
        double v;
        if (!cb_report_number(used, false, &v)) continue;
        for (int i = 0; i < n; i++)
            if (!rows[i].found && !strcmp(rows[i].name, name)) {
                *rows[i].value = v;
                rows[i].found = true;
            }
    }
}

/* "| Tool Version : Vivado v.2021.1 (lin64) Build ..." -> "2021.1" */
static void vivado_version(const char *text, cb_synth_row *row) {
    const char *at = strstr(text, "Vivado v.");
    if (!at) return;
    at += strlen("Vivado v.");
    size_t n = strspn(at, "0123456789.");
    if (n && n < sizeof row->version) snprintf(row->version, sizeof row->version, "%.*s", (int)n, at);
}

static int utilization_parse(const char *path, const char *text, cb_synth_row *row) {
    double slice = NAN, clb = NAN, slice_ff = NAN, clb_ff = NAN, carry4 = NAN, carry8 = NAN;
    table_row rows[] = {
        {"Slice LUTs", &slice, false, false}, {"CLB LUTs", &clb, false, false},
        {"Slice Registers", &slice_ff, false, false}, {"CLB Registers", &clb_ff, false, false},
        {"DSPs", &row->dsp, true, false}, {"Block RAM Tile", &row->bram, true, false},
        {"CARRY4", &carry4, false, false}, {"CARRY8", &carry8, false, false}};
    int n = (int)(sizeof rows / sizeof *rows);
    scan_table(text, rows, n);
    for (int i = 0; i < n; i++)
        if (rows[i].must && !rows[i].found)
            return cb_fail("%s: no row '%s': not a complete utilization report of Vivado", path, rows[i].name);
    row->lut = isnan(slice) ? clb : slice;
    row->ff = isnan(slice) ? clb_ff : slice_ff;
    if (isnan(row->lut) || isnan(row->ff))
        return cb_fail("%s: no rows 'Slice LUTs' and 'Slice Registers' (or 'CLB ...')", path);
    row->carry = isnan(carry8) ? carry4 : carry8;
    vivado_version(text, row);
    return 0;
}

int cb_utilization_read(const char *path, cb_synth_row *row) {
    char *text = cb_file_read(path, NULL);
    int rc = text ? utilization_parse(path, text, row) : -1;
    free(text);
    return rc;
}

const char *cb_report_next_line(const char *c) {
    c = strchr(c, '\n');
    return c ? c + 1 : NULL;
}

/* The line of numbers two below the header that starts with WNS(ns). */
static const char *timing_line(const char *text) {
    const char *at = strstr(text, "WNS(ns)");
    for (int i = 0; at && i < 2; i++) at = cb_report_next_line(at);
    return at;
}

static int timing_parse(const char *path, const char *text, double clock_ns, cb_synth_row *row, json_t *names) {
    static const char *const column[12] = {"WNS", "TNS", NULL, NULL, "WHS", "THS", NULL, NULL, "WPWS", "TPWS", NULL, NULL};
    const char *at = timing_line(text);
    double wns = NAN;
    for (int i = 0; i < 12; i++) {
        char word[32];
        int used = 0;
        double v;
        if (!at || sscanf(at, " %31s%n", word, &used) != 1 || (!cb_report_number(word, true, &v) && strcmp(word, "NA")))
            return cb_fail("%s: no table of WNS(ns) ... TPWS Total Endpoints: not a complete timing summary of Vivado", path);
        at += used;
        if (i == 0 && strcmp(word, "NA")) wns = v;
        if (column[i] && json_object_set_new(names, column[i], json_string(word))) return cb_fail("out of memory");
    }
    if (isnan(wns)) return 0;
    if (clock_ns - wns <= 0) return cb_fail("%s: WNS %g ns with a clock of %g ns", path, wns, clock_ns);
    row->fmax_mhz = 1000 / (clock_ns - wns);
    if (wns < 0)
        snprintf(row->status, sizeof row->status, "misses timing: WNS %.3f ns at %.3f ns", wns, clock_ns);
    return 0;
}

int cb_timing_read(const char *path, double clock_ns, cb_synth_row *row, json_t **names) {
    *names = NULL;
    char *text = cb_file_read(path, NULL);
    json_t *found = text ? json_object() : NULL;
    int rc = found ? timing_parse(path, text, clock_ns, row, found) : -1;
    if (!rc) *names = found;
    else json_decref(found);
    free(text);
    return rc;
}
