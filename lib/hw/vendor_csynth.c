/* C synthesis as Vitis HLS reports it: <top>_csynth.xml, or the text <top>_csynth.rpt. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "hw/vendor_report.h"
#include "hw/vendor_report_internal.h"

/* ---- what both hold ---- */

enum { TARGET, ESTIMATED, BEST, WORST, II_MIN, II_MAX, BRAM, DSP, FF, LUT, HAS_BRAM, HAS_DSP, HAS_FF, HAS_LUT, MUST, URAM = MUST, HAS_URAM, KEYS };

typedef struct {
    char text[KEYS][64]; /* as printed; "" = not in the report */
    char version[48];
} csynth;

static const char *const names_of[KEYS] = {"TargetClockPeriod", "EstimatedClockPeriod", "BestLatency", "WorstLatency", "IntervalMin",
                                           "IntervalMax", "BRAM_18K", "DSP", "FF", "LUT", "AvailableBRAM_18K", "AvailableDSP",
                                           "AvailableFF", "AvailableLUT", "URAM", "AvailableURAM"}; /* hls4ml's */

static int fill(const char *file, const csynth *c, cb_synth_row *row, json_t *names) {
    double value[KEYS];
    for (int k = 0; k < KEYS; k++) {
        if (!c->text[k][0]) continue; /* URAM, which older parts lack */
        bool latency = k >= BEST && k <= II_MAX; /* may read "undef" or "?" */
        if (!cb_report_number(c->text[k], false, &value[k])) {
            if (!latency) return cb_fail("%s: %s: '%s' is not a count", file, names_of[k], c->text[k]);
            value[k] = NAN;
        }
        if (json_object_set_new(names, names_of[k], json_string(c->text[k])))
            return cb_fail("%s: %s: text is not UTF-8", file, names_of[k]);
    }
    if (value[ESTIMATED] <= 0) return cb_fail("%s: EstimatedClockPeriod %g ns", file, value[ESTIMATED]);
    if (c->version[0]) snprintf(row->version, sizeof row->version, "%s", c->version);
    row->fmax_mhz = 1000 / value[ESTIMATED];
    row->cycles = value[WORST];
    row->ii = value[II_MAX];
    row->bram = value[BRAM] / 2;
    row->dsp = value[DSP];
    row->ff = value[FF];
    row->lut = value[LUT];
    return 0;
}

typedef int parser(const char *file, const char *text, csynth *c);

static int read_with(parser *parse, const char *path, cb_synth_row *row, json_t **names) {
    *names = NULL;
    csynth c = {0};
    char *text = cb_file_read(path, NULL);
    json_t *found = text ? json_object() : NULL;
    int rc = found && !parse(path, text, &c) ? fill(path, &c, row, found) : -1;
    if (!rc) *names = found;
    else json_decref(found);
    free(text);
    return rc;
}

/* ---- csynth.xml: elements without attributes, found by their path ---- */

typedef struct {
    const char *from, *to;
} span;

/* The inside of the first <name>...</name> of s; from = NULL if there is none. */
static span element(span s, const char *name, size_t n) {
    for (const char *c = s.from; c && c < s.to && (c = memchr(c, '<', (size_t)(s.to - c))); c++) {
        if ((size_t)(s.to - c) < n + 2 || memcmp(c + 1, name, n) || c[n + 1] != '>') continue;
        const char *inside = c + n + 2;
        for (const char *e = inside; (e = memchr(e, '<', (size_t)(s.to - e))); e++)
            if ((size_t)(s.to - e) >= n + 3 && e[1] == '/' && !memcmp(e + 2, name, n) && e[n + 2] == '>')
                return (span){inside, e};
        break;
    }
    return (span){0};
}

/* path = "A/B/C"; copies the text of the element. */
static bool find_text(const char *xml, const char *path, char *out, size_t size) {
    span s = {xml, xml + strlen(xml)};
    for (const char *name = path; s.from && *name;) {
        size_t n = strcspn(name, "/");
        s = element(s, name, n);
        name += n + (name[n] == '/');
    }
    if (!s.from) return false;
    while (s.from < s.to && isspace((unsigned char)*s.from)) s.from++;
    while (s.to > s.from && isspace((unsigned char)s.to[-1])) s.to--;
    size_t n = (size_t)(s.to - s.from);
    if (n >= size || memchr(s.from, '<', n)) return false;
    memcpy(out, s.from, n);
    out[n] = 0;
    return true;
}

static const struct { const char *path, *older; } xml_keys[KEYS] = { /* older: the name in earlier versions, or NULL */
    {"UserAssignments/TargetClockPeriod", NULL},
    {"PerformanceEstimates/SummaryOfTimingAnalysis/EstimatedClockPeriod", NULL},
    {"PerformanceEstimates/SummaryOfOverallLatency/Best-caseLatency", NULL},
    {"PerformanceEstimates/SummaryOfOverallLatency/Worst-caseLatency", NULL},
    {"PerformanceEstimates/SummaryOfOverallLatency/Interval-min", NULL},
    {"PerformanceEstimates/SummaryOfOverallLatency/Interval-max", NULL},
    {"AreaEstimates/Resources/BRAM_18K", NULL},
    {"AreaEstimates/Resources/DSP", "AreaEstimates/Resources/DSP48E"},
    {"AreaEstimates/Resources/FF", NULL},
    {"AreaEstimates/Resources/LUT", NULL},
    {"AreaEstimates/AvailableResources/BRAM_18K", NULL},
    {"AreaEstimates/AvailableResources/DSP", "AreaEstimates/AvailableResources/DSP48E"},
    {"AreaEstimates/AvailableResources/FF", NULL},
    {"AreaEstimates/AvailableResources/LUT", NULL},
    {"AreaEstimates/Resources/URAM", NULL},
    {"AreaEstimates/AvailableResources/URAM", NULL},
};

static int parse_xml(const char *file, const char *xml, csynth *c) {
    const size_t size = sizeof *c->text;
    for (int k = 0; k < KEYS; k++)
        if (!find_text(xml, xml_keys[k].path, c->text[k], size) &&
            !(xml_keys[k].older && find_text(xml, xml_keys[k].older, c->text[k], size)) && k < MUST)
            return cb_fail("%s: no element %s: not a complete csynth.xml of Vitis HLS", file, xml_keys[k].path);
    if (!find_text(xml, "ReportVersion/Version", c->version, sizeof c->version)) c->version[0] = 0;
    c->version[strspn(c->version, "0123456789.")] = 0;
    return 0;
}

int cb_csynth_read(const char *path, cb_synth_row *row, json_t **names) { return read_with(parse_xml, path, row, names); }

/* ---- csynth.rpt: text tables under headings ---- */

/* The first n cells of a table line, trimmed; false if it has fewer. */
static bool row_cells(const char *line, int n, char cell[][64]) {
    line += strspn(line, " \t");
    for (int i = 0; i < n; i++)
        if (!(line = cb_report_cell(line, cell[i], sizeof *cell))) return false;
    return true;
}

/* From the heading on, the first line whose cell `at` is a number (or, in the latency table, may be one). */
static bool row_of_numbers(const char *text, const char *heading, int n, int at, char cell[][64]) {
    const char *line = strstr(text, heading);
    for (double v; line && (line = cb_report_next_line(line));) {
        if (line[0] == '=') return false; /* the next chapter */
        if (!row_cells(line, n, cell)) continue;
        size_t digits = strspn(cell[at], "0123456789.");
        char number[64];
        snprintf(number, sizeof number, "%.*s", (int)digits, cell[at]);
        if (cb_report_number(number, false, &v) || !strcmp(cell[at], "?") || !strcmp(cell[at], "undef")) return true;
    }
    return false;
}

/* "6.25 ns" -> "6.25" */
static void without_unit(const char *cell, char *to, size_t size) { snprintf(to, size, "%.*s", (int)strcspn(cell, " "), cell); }

/* Cycles and interval; between them, since 2020, two times. */
static bool parse_latency(const char *text, csynth *c) {
    char cell[6][64];
    int interval = 4;
    if (!row_of_numbers(text, "+ Latency", 6, 0, cell)) {
        interval = 2;
        if (!row_of_numbers(text, "+ Latency", 4, 0, cell)) return false;
    }
    for (int k = 0; k < 4; k++) snprintf(c->text[BEST + k], sizeof *c->text, "%s", cell[k < 2 ? k : interval + k - 2]);
    return true;
}

/* Columns BRAM_18K, DSP (or DSP48E), FF, LUT and perhaps URAM of the lines Total and Available. */
static bool parse_area(const char *text, csynth *c) {
    enum { COLUMNS = 6 };
    char head[COLUMNS][64], cell[COLUMNS][64];
    const char *line = strstr(text, "== Utilization Estimates");
    int found = 0, columns = 0;
    while (line && found < 2 && (line = cb_report_next_line(line))) {
        int n = row_cells(line, COLUMNS, cell) ? COLUMNS : row_cells(line, COLUMNS - 1, cell) ? COLUMNS - 1 : 0;
        if (n && !columns && !strcmp(cell[0], "Name")) memcpy(head, cell, sizeof head), columns = n;
        if (!n || n != columns) continue;
        bool total = !strcmp(cell[0], "Total");
        if (!total && strcmp(cell[0], "Available")) continue;
        int first = total ? BRAM : HAS_BRAM;
        static const char *const wanted[5] = {"BRAM_18K", "DSP", "FF", "LUT", "URAM"};
        for (int i = 1; i < n; i++)
            for (int k = 0; k < 5; k++)
                if (!strncmp(head[i], wanted[k], strlen(wanted[k])))
                    snprintf(c->text[k < 4 ? first + k : first == BRAM ? URAM : HAS_URAM], sizeof *c->text, "%s", cell[i]);
        found++;
    }
    return found == 2;
}

static int parse_rpt(const char *file, const char *text, csynth *c) {
    char cell[4][64];
    const char *at = strstr(text, "* Version:");
    const char *missing = !strstr(text, "HLS Report for") ? "heading 'HLS Report for'" : NULL;
    if (!missing && !row_of_numbers(text, "+ Timing", 4, 1, cell)) missing = "clock under '+ Timing'";
    if (!missing) {
        without_unit(cell[1], c->text[TARGET], sizeof *c->text);
        without_unit(cell[2], c->text[ESTIMATED], sizeof *c->text);
        if (!parse_latency(text, c)) missing = "line of cycles under '+ Latency'";
    }
    if (!missing && !parse_area(text, c)) missing = "lines Total and Available under '== Utilization Estimates'";
    for (int k = 0; k < MUST && !missing; k++)
        if (!c->text[k][0]) missing = names_of[k];
    if (missing) return cb_fail("%s: no %s: not a complete csynth.rpt of Vitis HLS", file, missing);
    if (at && sscanf(at, "* Version: %40[0-9.]", c->version) != 1) c->version[0] = 0;
    return 0;
}

int cb_csynth_rpt_read(const char *path, cb_synth_row *row, json_t **names) { return read_with(parse_rpt, path, row, names); }
