/* C/RTL co-simulation as Vitis HLS reports it: <top>_cosim.rpt, a table with one line a language. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "hw/vendor_report.h"
#include "hw/vendor_report_internal.h"

/* Columns of a line: language, status, then cycles. */
enum { RTL, STATUS, LATENCY_MIN, LATENCY_AVG, LATENCY_MAX, II_MIN, II_AVG, II_MAX, COLUMNS };

static const char *const names_of[COLUMNS] = {"RTL", "Status", "LatencyMin", "LatencyAvg", "LatencyMax",
                                              "IntervalMin", "IntervalAvg", "IntervalMax"}; /* hls4ml's, with the averages */

/* The line of the language that was simulated, the other one says NA; 1 if there is none. */
static int find_line(const char *text, char cell[COLUMNS][64]) {
    for (const char *line = text; line && *line; line = cb_report_next_line(line)) {
        const char *at = line;
        int n = 0;
        while (n < COLUMNS && (at = cb_report_cell(at, cell[n], sizeof *cell))) n++;
        if (n == COLUMNS && (!strcmp(cell[RTL], "Verilog") || !strcmp(cell[RTL], "VHDL")) && strcmp(cell[STATUS], "NA")) return 0;
    }
    return 1;
}

/* A number of cycles; NA (a design that was called once has no interval) is NAN. */
static int cycles(const char *path, int column, const char *cell, double *v) {
    if (!strcmp(cell, "NA")) return *v = NAN, 0;
    return cb_report_number(cell, false, v) ? 0 : cb_fail("%s: %s: '%s' is not a number of cycles", path, names_of[column], cell);
}

static int parse(const char *path, const char *text, cb_synth_row *row, json_t *names) {
    char cell[COLUMNS][64];
    double v[COLUMNS];
    const char *head = strstr(text, "+  Status  +");
    if (!head || find_line(head, cell))
        return cb_fail("%s: no line of Verilog or VHDL with a status: not a complete cosim.rpt of Vitis HLS", path);
    for (int k = 0; k < COLUMNS; k++) {
        if (k > STATUS && cycles(path, k, cell[k], &v[k])) return -1;
        if (json_object_set_new(names, names_of[k], json_string(cell[k]))) return cb_fail("%s: %s: text is not UTF-8", path, names_of[k]);
    }
    if (strcmp(cell[STATUS], "Pass")) return cb_fail("%s: status of the %s simulation: %s", path, cell[RTL], cell[STATUS]);
    if (v[LATENCY_MIN] > v[LATENCY_MAX] || v[II_MIN] > v[II_MAX]) return cb_fail("%s: a least number of cycles above the most", path);
    row->cycles = v[LATENCY_MAX];
    row->ii = v[II_MAX];
    return 0;
}

int cb_cosim_read(const char *path, cb_synth_row *row, json_t **names) {
    char *text = cb_file_read(path, NULL);
    *names = text ? json_object() : NULL;
    int rc = *names ? parse(path, text, row, *names) : -1;
    if (rc) {
        json_decref(*names);
        *names = NULL;
    }
    free(text);
    return rc;
}
