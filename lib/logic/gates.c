#include "logic/gates.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"

enum { LAYERS = 16, MOST = 1 << 20 };

typedef struct {
    const char *path;
    char *next;
    int line;
} reader;

/* The next line that is no comment, ended by 0; NULL at the end of the file. */
static char *next_line(reader *r) {
    for (;;) {
        char *line = r->next;
        if (!*line) return NULL;
        size_t n = strcspn(line, "\n");
        r->next = line + n + (line[n] == '\n');
        line[n] = 0, r->line++;
        if (*line != '#' && *line) return line;
    }
}

/* The next number of a line, lo .. hi. */
static int next_number(reader *r, char **at, long lo, long hi, long *value) {
    char *end;
    *value = strtol(*at, &end, 10);
    if (end == *at || *value < lo || *value > hi)
        return cb_fail("%s: line %d: '%.20s': a number of %ld to %ld expected", r->path, r->line, *at, lo, hi);
    *at = end;
    return 0;
}

static int read_sizes(reader *r, long size[LAYERS]) {
    char *at = next_line(r);
    int n = 0;
    if (!at || strncmp(at, "layers ", 7))
        return cb_fail("%s: line %d: 'layers' and the sizes expected", r->path, r->line);
    for (at += 7; *at; at += strspn(at, " "), n++) {
        if (n == LAYERS) return cb_fail("%s: line %d: more than %d layers", r->path, r->line, LAYERS - 1);
        if (next_number(r, &at, 1, MOST, &size[n])) return -1;
    }
    return n > 1 ? n : cb_fail("%s: line %d: at least two sizes expected", r->path, r->line);
}

static int read_gate(reader *r, cb_circuit *c, long before, int32_t first) {
    char *at = next_line(r);
    long v[3];
    if (!at) return cb_fail("%s: ends at line %d; one more gate expected", r->path, r->line);
    for (int j = 0; j < 3; j++)
        if (next_number(r, &at, 0, j ? before - 1 : 15, &v[j])) return -1;
    uint64_t table = 0;
    for (int i = 0; i < 4; i++) table |= (uint64_t)(v[0] >> (3 - i) & 1) << i;
    return cb_circuit_gate(c, 2, (int32_t[]){first + (int32_t)v[1], first + (int32_t)v[2]}, table) < 0 ? -1 : 0;
}

static int read_layers(reader *r, cb_circuit *c) {
    long size[LAYERS];
    int n = read_sizes(r, size), rc = 0;
    int32_t first = 0;
    if (n < 0 || cb_circuit_new(c, (int32_t)size[0], (int32_t)size[n - 1])) return -1;
    for (int l = 1; l < n; l++) {
        int32_t next = c->n_input + c->n;
        for (long k = 0; !rc && k < size[l]; k++) rc = read_gate(r, c, size[l - 1], first);
        first = next;
    }
    if (!rc && next_line(r)) rc = cb_fail("%s: line %d: more gates than the sizes say", r->path, r->line);
    for (int32_t o = 0; o < c->n_output; o++) c->output[o] = first + o;
    return rc;
}

int cb_gates_read(cb_circuit *c, const char *path) {
    char *text = cb_file_read(path, NULL);
    *c = (cb_circuit){0};
    if (!text) return -1;
    int rc = read_layers(&(reader){.path = path, .next = text}, c);
    if (rc) cb_circuit_free(c);
    free(text);
    return rc;
}
