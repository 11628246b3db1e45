#include "hw/synth_report.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/version.h"

cb_synth_row *cb_synth_row_add(cb_synth_report *r, const char *step, const char *tool, const char *rule) {
    if (r->n >= CB_SYNTH_MAX_ROWS) return cb_fail_null("synthesis report: more than %d rows", CB_SYNTH_MAX_ROWS);
    cb_synth_row *row = &r->row[r->n++];
    *row = (cb_synth_row){.lut = NAN, .ff = NAN, .dsp = NAN, .bram = NAN, .carry = NAN,
                          .cycles = NAN, .ii = NAN, .fmax_mhz = NAN, .status = "ok"};
    snprintf(row->step, sizeof row->step, "%s", step);
    snprintf(row->tool, sizeof row->tool, "%s", tool);
    snprintf(row->rule, sizeof row->rule, "%s", rule);
    return row;
}

/* A word that names a file of this machine or of this run: only its last part is kept. */
static bool is_path(const char *word, size_t n) {
    size_t at = strspn(word, "\"'([{<");
    if (at < n && word[at] == '/') return true;
    char copy[256];
    snprintf(copy, sizeof copy, "%.*s", (int)n, word);
    return strstr(copy, "../") || (strchr(copy, '/') && strstr(copy, ".tmp."));
}

/* Tool output may be anything: keep printable ASCII, so that the JSON stays valid
 * and the table keeps one line a row. */
static void plain_text(char *to, size_t size, const char *from) {
    static const char blank[] = " \t\r\n\v\f";
    size_t n = 0;
    for (from += strspn(from, blank); *from && n + 1 < size; from += strspn(from, blank)) {
        size_t word = strcspn(from, blank), skip = 0;
        if (is_path(from, word))
            for (size_t i = 0; i < word; i++)
                if (from[i] == '/') skip = i + 1;
        if (n) to[n++] = ' ';
        for (size_t i = skip; i < word && n + 1 < size; i++) {
            unsigned char c = (unsigned char)from[i];
            to[n++] = c < 32 || c > 126 ? '?' : (char)c;
        }
        from += word;
    }
    to[n] = 0;
}

void cb_synth_row_fail(cb_synth_row *row, const char *text) {
    char clean[CB_SYNTH_STATUS - 16];
    plain_text(clean, sizeof clean, text);
    snprintf(row->status, sizeof row->status, "failed: %s", clean);
}

const char *cb_synth_reason(const char *dir) {
    const char *text = cb_error();
    size_t n = strlen(dir);
    return strncmp(text, dir, n) ? text : text + n + (text[n] == '/');
}

void cb_synth_row_fail_in(cb_synth_row *row, const char *dir) {
    cb_synth_row_fail(row, cb_synth_reason(dir));
    cb_warn("%s: %s", row->step, row->status);
}

void cb_synth_check_capacity(cb_synth_report *r) {
    for (int i = 0; i < r->n; i++) {
        cb_synth_row *row = &r->row[i];
        if (strcmp(row->status, "ok")) continue;
        const struct { const char *what; double used, has; } check[] = {
            {"LUT", row->lut, r->part.lut}, {"FF", row->ff, r->part.ff},
            {"DSP", row->dsp, r->part.dsp}, {"BRAM", row->bram, r->part.bram},
            {"pins", r->part.pins > 0 ? r->pins : 0, r->part.pins}};
        size_t at = 0;
        for (size_t k = 0; k < sizeof check / sizeof *check; k++)
            if (check[k].used > check[k].has && at < sizeof row->status)
                at += (size_t)snprintf(row->status + at, sizeof row->status - at, "%s%.0f %s of %.0f",
                                       at ? ", " : "does not fit: ", check[k].used, check[k].what, check[k].has);
    }
}

static json_t *number(double v) {
    if (isnan(v)) return json_null();
    return v == floor(v) && fabs(v) < 1e15 ? json_integer((json_int_t)v) : json_real(v);
}

static json_t *row_json(const cb_synth_report *r, const cb_synth_row *row) {
    json_t *j = row->detail ? json_deep_copy(row->detail) : json_object();
    const char *version = *row->version ? row->version : "unknown";
    json_t *own = json_pack("{ss ss ss ss ss ss so so so so so so so so ss}", "student", r->student,
                            "step", row->step, "tool", row->tool, "version", version, "part", r->part.name,
                            "rule", row->rule, "lut", number(row->lut), "ff", number(row->ff), "dsp",
                            number(row->dsp), "bram", number(row->bram), "carry", number(row->carry),
                            "cycles", number(row->cycles), "ii", number(row->ii), "fmax_mhz",
                            number(row->fmax_mhz), "status", row->status);
    if (!j || !own || json_object_update(j, own)) {
        json_decref(j);
        j = NULL;
    }
    json_decref(own);
    return j;
}

/* The last good row of a step (raw counts come first, so prefer the first one). */
static const cb_synth_row *good_row(const cb_synth_report *r, const char *step) {
    for (int i = 0; i < r->n; i++)
        if (!strcmp(r->row[i].step, step) && strncmp(r->row[i].status, "failed", 6) &&
            strncmp(r->row[i].status, "not run", 7))
            return &r->row[i];
    return NULL;
}

static json_t *count_text(double v, double scale) {
    char text[32] = "";
    if (!isnan(v)) snprintf(text, sizeof text, "%.0f", v * scale);
    return json_string(text);
}

/* The names (and text values) of hls4ml's VivadoSynthReport, from the best source there is. */
static json_t *vivado_names(const cb_synth_report *r) {
    static const char *const order[] = {"vivado-synth", "yosys-synth", "estimate"};
    const cb_synth_row *row = NULL;
    for (int i = 0; i < 3 && !row; i++) row = good_row(r, order[i]);
    if (!row) return json_object();
    return json_pack("{so so so ss so ss ss ss}", "LUT", count_text(row->lut, 1), "FF", count_text(row->ff, 1),
                     "BRAM_18K", count_text(row->bram, 2), "URAM", "0", "DSP48E", count_text(row->dsp, 1),
                     "tool", row->tool, "step", row->step, "count_rule", row->rule);
}

static json_t *inputs_json(int n, const char *const (*inputs)[2]) {
    json_t *list = json_array();
    for (int i = 0; list && i < n; i++) {
        char hex[65];
        if (cb_sha256_file(inputs[i][1], hex) ||
            json_array_append_new(list, json_pack("{ss ss}", "role", inputs[i][0], "sha256", hex))) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *report_json(const cb_synth_report *r, const char *config, json_t *inputs) {
    json_t *rows = json_array();
    for (int i = 0; rows && i < r->n; i++)
        if (json_array_append_new(rows, row_json(r, &r->row[i]))) {
            json_decref(rows);
            rows = NULL;
        }
    const cb_part *p = &r->part;
    json_t *j = json_pack("{ss ss ss ss ss s{ss ss so so so so so} so so so}", "schema", CB_SYNTHESIS_SCHEMA,
                          "stage", "synthesize", "version", CB_VERSION, "config", config, "student", r->student,
                          "part", "name", p->name, "family", p->family, "lut", number(p->lut), "ff",
                          number(p->ff), "dsp", number(p->dsp), "bram", number(p->bram), "clock_ns",
                          number(p->clock_ns), "inputs", inputs, "rows", rows, "VivadoSynthReport",
                          vivado_names(r));
    if (j && r->csynth) json_object_set(j, "CSynthesisReport", r->csynth);
    if (j && r->cosim) json_object_set(j, "CosimReport", r->cosim);
    if (j && r->timing) json_object_set(j, "TimingReport", r->timing);
    return j;
}

int cb_synth_report_write(const cb_synth_report *r, const char *path, const char *config, int n,
                          const char *const (*inputs)[2]) {
    json_t *in = inputs_json(n, inputs);
    if (!in) return -1;
    json_t *j = report_json(r, config, in);
    char *text = j ? json_dumps(j, JSON_SORT_KEYS | JSON_INDENT(2) | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(j);
    char *line = text ? cb_textf("%s\n", text) : NULL;
    free(text);
    int rc = line ? cb_file_write(path, line) : cb_fail("%s: cannot build the report (out of memory or text that is not UTF-8)", path);
    free(line);
    return rc;
}

void cb_synth_report_free(cb_synth_report *r) {
    for (int i = 0; i < r->n; i++) json_decref(r->row[i].detail);
    json_decref(r->csynth);
    json_decref(r->cosim);
    json_decref(r->timing);
    *r = (cb_synth_report){0};
}
