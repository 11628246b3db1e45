#include "hw/nextpnr_report.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Adds the used blocks of one kind. A kind the report lacks is an error only if it is `needed`. */
static int add_used(const char *path, const json_t *utilization, const char *bel, int needed, int64_t *n) {
    const json_t *j = json_object_get(utilization, bel), *used = json_object_get(j, "used");
    if (!j && !needed) return 0;
    if (!json_is_integer(used) || json_integer_value(used) < 0) return cb_fail("%s: utilization.%s.used: a count was expected", path, bel);
    *n += json_integer_value(used);
    return 0;
}

static int read_utilization(const char *path, const json_t *report, cb_nextpnr_result *r) {
    const json_t *u = json_object_get(report, "utilization");
    if (!json_is_object(u)) return cb_fail("%s: no utilization: not a report of nextpnr", path);
    return add_used(path, u, "TRELLIS_COMB", 1, &r->comb) || add_used(path, u, "TRELLIS_FF", 1, &r->ff) ||
                   add_used(path, u, "TRELLIS_IO", 1, &r->pins) || add_used(path, u, "MULT18X18D", 0, &r->dsp) ||
                   add_used(path, u, "ALU54B", 0, &r->dsp) || add_used(path, u, "DP16KD", 0, &r->ram18)
               ? -1
               : 0;
}

static int read_clock(const char *path, json_t *report, cb_nextpnr_result *r, const char **clock) {
    json_t *fmax = json_object_get(report, "fmax");
    if (json_object_size(fmax) != 1) return cb_fail("%s: fmax: one clock was expected, there are %zu", path, json_object_size(fmax));
    void *entry = json_object_iter(fmax);
    *clock = json_object_iter_key(entry);
    const json_t *achieved = json_object_get(json_object_iter_value(entry), "achieved"),
                 *constraint = json_object_get(json_object_iter_value(entry), "constraint");
    r->achieved_mhz = json_number_value(achieved);
    if (!json_is_number(achieved) || !json_is_number(constraint) || !(r->achieved_mhz > 0) || !isfinite(r->achieved_mhz))
        return cb_fail("%s: fmax.%s: achieved and constraint were expected, in MHz", path, *clock);
    return 0;
}

static void copy_cell(const json_t *end, char *to, size_t size) {
    const char *cell = json_string_value(json_object_get(end, "cell"));
    snprintf(to, size, "%s", cell ? cell : "");
}

/* The slowest path from the clock to itself; its ends are told where the report has it. */
static void read_path(const json_t *report, const char *clock, cb_nextpnr_result *r) {
    size_t i;
    const json_t *p;
    json_array_foreach(json_object_get(report, "critical_paths"), i, p) {
        const char *from = json_string_value(json_object_get(p, "from")), *to = json_string_value(json_object_get(p, "to"));
        const json_t *steps = json_object_get(p, "path");
        size_t n = json_array_size(steps);
        if (!from || !to || !n || !strstr(from, clock) || !strstr(to, clock)) continue;
        copy_cell(json_object_get(json_array_get(steps, 0), "from"), r->from, sizeof r->from);
        copy_cell(json_object_get(json_array_get(steps, n - 1), "to"), r->to, sizeof r->to);
        return;
    }
}

int cb_nextpnr_report_read(const char *path, cb_nextpnr_result *r) {
    *r = (cb_nextpnr_result){0};
    json_error_t e;
    json_t *j = json_load_file(path, JSON_REJECT_DUPLICATES, &e);
    if (!j) return cb_fail("%s:%d: %s", path, e.line, e.text);
    const char *clock = NULL;
    int rc = read_utilization(path, j, r) || read_clock(path, j, r, &clock) ? -1 : 0;
    if (!rc) read_path(j, clock, r);
    json_decref(j);
    return rc;
}
