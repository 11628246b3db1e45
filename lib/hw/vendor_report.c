#include "hw/vendor_report.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

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

/* A number and nothing else, not negative unless `sign`. */
static bool parse_number(const char *text, bool sign, double *v) {
    char *end;
    errno = 0;
    *v = strtod(text, &end);
    return end != text && !*end && !errno && isfinite(*v) && (sign || *v >= 0);
}

typedef struct {
    const char *path, *older; /* older: the name in earlier versions, or NULL */
    const char *name;         /* hls4ml's */
} csynth_key;

static const csynth_key csynth_keys[] = {
    {"UserAssignments/TargetClockPeriod", NULL, "TargetClockPeriod"},
    {"PerformanceEstimates/SummaryOfTimingAnalysis/EstimatedClockPeriod", NULL, "EstimatedClockPeriod"},
    {"PerformanceEstimates/SummaryOfOverallLatency/Best-caseLatency", NULL, "BestLatency"},
    {"PerformanceEstimates/SummaryOfOverallLatency/Worst-caseLatency", NULL, "WorstLatency"},
    {"PerformanceEstimates/SummaryOfOverallLatency/Interval-min", NULL, "IntervalMin"},
    {"PerformanceEstimates/SummaryOfOverallLatency/Interval-max", NULL, "IntervalMax"},
    {"AreaEstimates/Resources/BRAM_18K", NULL, "BRAM_18K"},
    {"AreaEstimates/Resources/DSP", "AreaEstimates/Resources/DSP48E", "DSP"},
    {"AreaEstimates/Resources/FF", NULL, "FF"},
    {"AreaEstimates/Resources/LUT", NULL, "LUT"},
    {"AreaEstimates/AvailableResources/BRAM_18K", NULL, "AvailableBRAM_18K"},
    {"AreaEstimates/AvailableResources/DSP", "AreaEstimates/AvailableResources/DSP48E", "AvailableDSP"},
    {"AreaEstimates/AvailableResources/FF", NULL, "AvailableFF"},
    {"AreaEstimates/AvailableResources/LUT", NULL, "AvailableLUT"},
};
static const csynth_key csynth_uram[] = { /* only for parts that have them */
    {"AreaEstimates/Resources/URAM", NULL, "URAM"},
    {"AreaEstimates/AvailableResources/URAM", NULL, "AvailableURAM"},
};

/* Copies one value to names; its number to *v when v is given. */
static int csynth_value(const char *file, const char *xml, const csynth_key *k, json_t *names, double *v) {
    char text[64];
    double number;
    if (!find_text(xml, k->path, text, sizeof text) && !(k->older && find_text(xml, k->older, text, sizeof text)))
        return cb_fail("%s: no element %s: not a complete csynth.xml of Vitis HLS", file, k->path);
    bool latency = strstr(k->path, "OverallLatency") != NULL; /* may read "undef" or "?" */
    if (!parse_number(text, false, &number)) {
        if (!latency) return cb_fail("%s: %s: '%s' is not a count", file, k->path, text);
        number = NAN;
    }
    if (v) *v = number;
    return json_object_set_new(names, k->name, json_string(text)) ? cb_fail("%s: %s: text is not UTF-8", file, k->path) : 0;
}

static int csynth_parse(const char *file, const char *xml, cb_synth_row *row, json_t *names) {
    double value[sizeof csynth_keys / sizeof *csynth_keys];
    for (size_t i = 0; i < sizeof csynth_keys / sizeof *csynth_keys; i++)
        if (csynth_value(file, xml, &csynth_keys[i], names, &value[i])) return -1;
    char text[48];
    for (size_t i = 0; i < 2; i++)
        if (find_text(xml, csynth_uram[i].path, text, sizeof text) &&
            csynth_value(file, xml, &csynth_uram[i], names, NULL))
            return -1;
    if (find_text(xml, "ReportVersion/Version", text, sizeof text))
        snprintf(row->version, sizeof row->version, "%s", text);
    if (value[1] <= 0) return cb_fail("%s: EstimatedClockPeriod %g ns", file, value[1]);
    row->fmax_mhz = 1000 / value[1];
    row->cycles = value[3];
    row->ii = value[5];
    row->bram = value[6] / 2;
    row->dsp = value[7];
    row->ff = value[8];
    row->lut = value[9];
    return 0;
}

int cb_csynth_read(const char *path, cb_synth_row *row, json_t **names) {
    *names = NULL;
    char *xml = cb_file_read(path, NULL);
    json_t *found = xml ? json_object() : NULL;
    int rc = found ? csynth_parse(path, xml, row, found) : -1;
    if (!rc) *names = found;
    else json_decref(found);
    free(xml);
    return rc;
}

/* ---- Vivado's text tables ---- */

/* Calls row(name, used) for "| name | used | ..." lines until it returns true. */
typedef struct {
    const char *name; /* as in the report, without leading blanks and trailing '*' */
    double *value;
    bool must, found;
} table_row;

/* One cell of a "| a | b |" line, trimmed, without footnote stars. */
static const char *table_cell(const char *line, char *out, size_t size) {
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

static void scan_table(const char *text, table_row *rows, int n) {
    for (const char *line = text; line && *line; line = strchr(line, '\n'), line += line != NULL) {
        char name[64], used[64];
        const char *rest = table_cell(line, name, sizeof name);
        if (!rest || !table_cell(rest, used, sizeof used)) continue;
        double v;
        if (!parse_number(used, false, &v)) continue;
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
    size_t n = strcspn(at, " \n");
    if (n < sizeof row->version) snprintf(row->version, sizeof row->version, "%.*s", (int)n, at);
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

static const char *next_line(const char *c) {
    c = strchr(c, '\n');
    return c ? c + 1 : NULL;
}

/* The line of numbers two below the header that starts with WNS(ns). */
static const char *timing_line(const char *text) {
    const char *at = strstr(text, "WNS(ns)");
    for (int i = 0; at && i < 2; i++) at = next_line(at);
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
        if (!at || sscanf(at, " %31s%n", word, &used) != 1 || (!parse_number(word, true, &v) && strcmp(word, "NA")))
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
