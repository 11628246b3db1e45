/* CSV: 252 integers a line, separated by commas (blanks around them are fine). */
#include <stdlib.h>
#include <string.h>

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

static int parse(cb_images *m, const char *path, const char *text) {
    uint64_t room = 0, line = 1;
    for (const char *p = text; *p; line++) {
        const char *at = skip(p), *next = p + strcspn(p, "\n");
        next += *next == '\n';
        if (*at && *at != '\n' && *at != '#') {
            if (m->n == room) {
                room = room ? 2 * room : 1024;
                uint16_t *more = cb_realloc(m->et, room * CB_REGIONS, sizeof *more);
                if (!more) return -1;
                m->et = more;
            }
            for (int i = 0; i < CB_REGIONS; i++)
                if (parse_cell(path, line, i, &at, m->et + m->n * CB_REGIONS + i)) return -1;
            m->n++;
        }
        p = next;
    }
    return 0;
}

int cb_layout_csv(cb_images *m, const char *path) {
    m->layout = "CSV";
    m->height = CB_PHI;
    m->width = CB_ETA;
    char *text = cb_layout_text(path);
    if (!text) return -1;
    int rc = parse(m, path, text);
    free(text);
    return rc;
}
