#include "stats/reports.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static json_t *load(const char *path) {
    json_error_t e;
    json_t *j = json_load_file(path, JSON_REJECT_DUPLICATES, &e);
    if (!j) return cb_fail_null("%s:%d: %s", path, e.line, e.text);
    if (!json_is_object(j)) {
        json_decref(j);
        return cb_fail_null("%s: a JSON object is wanted", path);
    }
    return j;
}

/* NAN for null and absent; an error for anything else that is not a number. */
static int number_of(const char *path, const json_t *object, const char *key, double *v) {
    const json_t *j = json_object_get(object, key);
    *v = json_is_number(j) ? json_number_value(j) : NAN;
    if (!j || json_is_null(j) || json_is_number(j)) return 0;
    return cb_fail("%s: '%s' is not a number", path, key);
}

/* Text for one cell: tabs and line breaks become blanks. */
static int text_of(const char *path, const json_t *object, const char *key, char *to, size_t size) {
    const char *s = json_string_value(json_object_get(object, key));
    if (!s || !*s) return cb_fail("%s: text '%s' is missing", path, key);
    if (strlen(s) >= size) return cb_fail("%s: '%s' is longer than %zu characters", path, key, size - 1);
    size_t i = 0;
    for (; s[i]; i++) to[i] = s[i] == '\t' || s[i] == '\n' || s[i] == '\r' ? ' ' : s[i];
    to[i] = 0;
    return 0;
}

static int add_row(cb_table *t, const char *path, const json_t *row) {
    static const char *const text_key[] = {"student", "step", "tool", "version", "part", "rule", "status"};
    static const char *const number_key[] = {"lut", "ff", "dsp", "bram", "carry", "cycles", "ii", "fmax_mhz"};
    char text[7][600];
    double v[8];
    for (int i = 0; i < 7; i++)
        if (text_of(path, row, text_key[i], text[i], sizeof text[i])) return -1;
    for (int i = 0; i < 8; i++)
        if (number_of(path, row, number_key[i], &v[i])) return -1;
    return cb_table_row(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s", text[0], text[1], text[2],
                        text[3], text[4], text[5], CB_CELL(v[0]), CB_CELL(v[1]), CB_CELL(v[2]), CB_CELL(v[3]),
                        CB_CELL(v[4]), CB_CELL(v[5]), CB_CELL(v[6]), CB_CELL(v[7]), text[6]);
}

int cb_reports_resources(cb_table *t, const char *path) {
    json_t *j = load(path), *rows = json_object_get(j, "rows");
    if (!j) return -1;
    int rc = json_array_size(rows) ? 0 : cb_fail("%s: no rows: not a report of synthesize", path);
    for (size_t i = 0; i < json_array_size(rows) && !rc; i++)
        if (add_row(t, path, json_array_get(rows, i))) rc = cb_fail_in("row %zu", i);
    json_decref(j);
    return rc;
}

/* ---- post-route ---- */

enum { MAX_SEEDS = 64 };

typedef struct {
    char student[64], tool[64], version[64], part[64], status[600];
    double lut, ff, ff_shell, carry, dsp, bram, pins, cycles, ii, clock_mhz;
    double fmax[MAX_SEEDS]; /* ascending */
    int seeds;
} routed;

/* Adds one row of the report: a seed. */
static int add_seed(routed *s, const char *path, const json_t *row) {
    struct { const char *key; double *to; } of[] = {
        {"lut", &s->lut}, {"ff", &s->ff}, {"shell_ff", &s->ff_shell}, {"carry", &s->carry}, {"dsp", &s->dsp}, {"bram", &s->bram},
        {"pins", &s->pins}, {"cycles", &s->cycles}, {"ii", &s->ii}, {"clock_mhz", &s->clock_mhz}};
    char status[600];
    double v, fmax;
    if (text_of(path, row, "student", s->student, sizeof s->student) || text_of(path, row, "tool", s->tool, sizeof s->tool) ||
        text_of(path, row, "version", s->version, sizeof s->version) || text_of(path, row, "part", s->part, sizeof s->part) ||
        text_of(path, row, "status", status, sizeof status) || number_of(path, row, "fmax_mhz", &fmax))
        return -1;
    if ((!strncmp(status, "failed", 6) || !strncmp(status, "not run", 7)) && !*s->status) memcpy(s->status, status, sizeof status);
    if (isnan(fmax)) return 0; /* nothing was routed */
    if (s->seeds == MAX_SEEDS) return cb_fail("%s: more than %d placements", path, MAX_SEEDS);
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        if (number_of(path, row, of[i].key, &v)) return -1;
        if (!(*of[i].to >= v)) *of[i].to = v;
    }
    int at = s->seeds++;
    for (; at > 0 && s->fmax[at - 1] > fmax; at--) s->fmax[at] = s->fmax[at - 1];
    s->fmax[at] = fmax;
    return 0;
}

static int add_routed(cb_table *t, const routed *s) {
    int n = s->seeds;
    double median = !n ? NAN : 0.5 * (s->fmax[(n - 1) / 2] + s->fmax[n / 2]);
    const char *status = *s->status ? s->status : !(median >= s->clock_mhz) ? "misses timing" : "meets timing";
    return cb_table_row(t, "%s\tnextpnr-route\t%s\t%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s",
                        s->student, s->tool, s->version, s->part, n, CB_CELL(s->lut), CB_CELL(s->ff), CB_CELL(s->ff_shell),
                        CB_CELL(s->carry), CB_CELL(s->dsp), CB_CELL(s->bram), CB_CELL(s->pins), CB_CELL(s->cycles), CB_CELL(s->ii),
                        CB_CELL(s->clock_mhz), CB_CELL(n ? s->fmax[0] : NAN), CB_CELL(median), CB_CELL(n ? s->fmax[n - 1] : NAN),
                        CB_CELL(s->cycles * 1000 / median), status);
}

int cb_reports_routed(cb_table *t, const char *path) {
    json_t *j = load(path), *rows = json_object_get(j, "rows");
    if (!j) return -1;
    routed s = {.lut = NAN, .ff = NAN, .ff_shell = NAN, .carry = NAN, .dsp = NAN, .bram = NAN, .pins = NAN, .cycles = NAN, .ii = NAN,
                .clock_mhz = NAN};
    int rc = 0;
    for (size_t i = 0; i < json_array_size(rows) && !rc; i++) {
        const json_t *row = json_array_get(rows, i);
        const char *step = json_string_value(json_object_get(row, "step"));
        if (step && !strcmp(step, "nextpnr-route") && add_seed(&s, path, row)) rc = cb_fail_in("row %zu", i);
    }
    if (!rc && !*s.student) rc = cb_fail("%s: no row of nextpnr-route: not a report of synthesize for an ECP5", path);
    if (!rc) rc = add_routed(t, &s);
    json_decref(j);
    return rc;
}

int cb_reports_lut(const char *path, const char *step, const char *rule, char student[64], double *lut) {
    json_t *j = load(path), *rows = json_object_get(j, "rows");
    if (!j) return -1;
    *lut = NAN;
    int rc = text_of(path, j, "student", student, 64);
    for (size_t i = 0; i < json_array_size(rows) && !rc && isnan(*lut); i++) {
        char text[3][600];
        const json_t *row = json_array_get(rows, i);
        rc = text_of(path, row, "step", text[0], sizeof text[0]) || text_of(path, row, "rule", text[1], sizeof text[1]) ||
                     text_of(path, row, "status", text[2], sizeof text[2])
                 ? -1
                 : 0;
        if (!rc && !strcmp(text[0], step) && !strcmp(text[1], rule) && strncmp(text[2], "failed", 6) &&
            strncmp(text[2], "not run", 7))
            rc = number_of(path, row, "lut", lut);
    }
    json_decref(j);
    return rc;
}

static int read_checks(cb_hardware_summary *h, const char *path, const json_t *checks) {
    for (size_t i = 0; i < json_array_size(checks); i++) {
        double checked, mismatches;
        const json_t *c = json_array_get(checks, i);
        if (number_of(path, c, "checked", &checked) || number_of(path, c, "mismatches", &mismatches)) return -1;
        if (isnan(checked) || isnan(mismatches)) continue; /* this one was not run */
        h->checked = !isnan(h->checked) ? h->checked + checked : checked;
        h->mismatches = !isnan(h->mismatches) ? h->mismatches + mismatches : mismatches;
    }
    return 0;
}

int cb_reports_hardware(cb_hardware_summary *h, const char *path) {
    *h = (cb_hardware_summary){.checked = NAN, .mismatches = NAN};
    json_t *j = load(path);
    if (!j) return -1;
    int rc = text_of(path, j, "student", h->student, sizeof h->student) ||
                     number_of(path, j, "adders", &h->adders) || number_of(path, j, "depth", &h->depth) ||
                     read_checks(h, path, json_object_get(j, "checks"))
                 ? -1
                 : 0;
    json_decref(j);
    return rc;
}
