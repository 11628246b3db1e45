/* CSV: 252 integers a line, separated by commas (blanks around them are fine). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "data/dataset.h"
#include "data/layouts.h"

typedef unsigned long long ull;

static const char *skip(const char *p) { return p + strspn(p, " \t\r"); }

/* A whole number 0..1023 at *at; the comma behind it (none after the last) is passed. */
static int parse_cell(const char *path, uint64_t line, int region, const char **at, uint16_t *v) {
    const char *p = skip(*at);
    if (!*p || *p == '\n') /* before strtol, which would go on to the next line */
        return cb_fail("%s:%llu: %d numbers, %d wanted", path, (ull)line, region, CB_REGIONS);
    char *end;
    long x = strtol(p, &end, 10);
    const char *rest = skip(end);
    bool last = region == CB_REGIONS - 1;
    if (end == p || !strchr(",\n", *rest)) /* strchr also finds the terminating 0 */
        return cb_fail("%s:%llu: region %d: '%.*s' is not a whole number", path, (ull)line, region,
                       (int)strcspn(p, ",\n") > 24 ? 24 : (int)strcspn(p, ",\n"), p);
    if (x < 0 || x > CB_ET_MAX)
        return cb_fail("%s:%llu: region %d is %ld; 0 to %d wanted", path, (ull)line, region, x, CB_ET_MAX);
    if (!last && *rest != ',')
        return cb_fail("%s:%llu: %d numbers, %d wanted", path, (ull)line, region + 1, CB_REGIONS);
    if (last && *rest == ',') return cb_fail("%s:%llu: more than %d numbers", path, (ull)line, CB_REGIONS);
    *v = (uint16_t)x;
    *at = rest + (*rest == ',');
    return 0;
}

/* A line that is no event: empty, or a remark. */
static bool no_event(const char *line) {
    const char *at = skip(line);
    return !*at || *at == '\n' || *at == '#';
}

static int parse_line(const char *path, uint64_t number, const char *line, uint16_t *et) {
    const char *at = skip(line);
    for (int i = 0; i < CB_REGIONS; i++)
        if (parse_cell(path, number, i, &at, et + i)) return -1;
    return 0;
}

/* Lines of f into parts of `events`. */
static int parse_file(FILE *f, const char *path, cb_images *part, uint64_t events, cb_images_taker *take, void *context) {
    char *line = NULL;
    size_t room = 0;
    ssize_t size;
    uint64_t first = 0;
    int rc = 0;
    for (uint64_t number = 1; !rc && (size = getline(&line, &room, f)) > 0; number++) {
        if (strlen(line) != (size_t)size) rc = cb_fail("%s:%llu: a zero byte: not text", path, (ull)number);
        if (rc || no_event(line)) continue;
        rc = parse_line(path, number, line, part->et + part->n * CB_REGIONS);
        if (rc || ++part->n < events) continue;
        rc = take(context, part, first);
        first += part->n;
        part->n = 0;
    }
    if (!rc && ferror(f)) rc = cb_fail("%s: cannot read: %s", path, strerror(errno));
    if (!rc && part->n) rc = take(context, part, first);
    else if (!rc && !first) rc = cb_fail("%s: no events", path);
    free(line);
    return rc;
}

int cb_layout_csv_each(const char *path, uint64_t events, cb_images_taker *take, void *context) {
    cb_images part = {.layout = "CSV", .height = CB_PHI, .width = CB_ETA};
    FILE *f = fopen(path, "r");
    if (!f) return cb_fail("%s: cannot open: %s", path, strerror(errno));
    part.et = cb_alloc_aligned(events * CB_REGIONS, sizeof *part.et);
    int rc = part.et ? parse_file(f, path, &part, events, take, context) : -1;
    free(part.et);
    fclose(f);
    return rc;
}

/* The whole file: parts appended. */
typedef struct {
    cb_images *m;
    uint64_t room;
} gathering;

static int gather(void *context, const cb_images *part, uint64_t first) {
    gathering *g = context;
    if (first + part->n > g->room) {
        g->room = 2 * (first + part->n);
        uint16_t *more = cb_realloc(g->m->et, g->room * CB_REGIONS, sizeof *more);
        if (!more) return -1;
        g->m->et = more;
    }
    memcpy(g->m->et + first * CB_REGIONS, part->et, part->n * CB_REGIONS * sizeof *part->et);
    g->m->n = first + part->n;
    return 0;
}

int cb_layout_csv(cb_images *m, const char *path) {
    gathering g = {.m = m};
    m->layout = "CSV";
    m->height = CB_PHI;
    m->width = CB_ETA;
    return cb_layout_csv_each(path, 1024, gather, &g);
}
