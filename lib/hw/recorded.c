#include "hw/recorded.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "data/layouts.h"

/* The scores of n events. */
static int read_scores(const char *path, uint16_t *code, size_t n) {
    static const char head[] = "event,score_raw\n";
    char *text = cb_file_read(path, NULL);
    if (!text) return -1;
    int rc = strncmp(text, head, strlen(head)) ? cb_fail("%s:1: 'event,score_raw' wanted", path) : 0;
    const char *line = text + (rc ? 0 : strlen(head));
    for (size_t k = 0; k < n && !rc; k++) {
        unsigned long long event;
        unsigned raw = 0;
        int used = 0, shown = (int)strcspn(line, "\n");
        if (sscanf(line, "%20llu,%7u%n", &event, &raw, &used) != 2 || (line[used] && line[used] != '\n') || event != k || raw > UINT16_MAX)
            rc = cb_fail("%s:%zu: '%.*s': event %zu and a score of 0 to 65535 wanted", path, k + 2, shown < 40 ? shown : 40, line, k);
        code[k] = (uint16_t)raw;
        line += used + (line[used] == '\n');
    }
    if (!rc && *line) rc = cb_fail("%s:%zu: more lines than the %zu events", path, n + 2, n);
    free(text);
    return rc;
}

/* Room for n more. */
static int grow(cb_recorded *r, size_t n) {
    uint16_t *et = cb_realloc(r->et, r->n + n, (size_t)r->n_input * sizeof *et);
    if (et) r->et = et;
    uint16_t *code = et ? cb_realloc(r->code, r->n + n, sizeof *code) : NULL;
    if (!code) return -1;
    r->code = code;
    return 0;
}

static int add(cb_recorded *r, const char *events, const char *scores) {
    cb_images m;
    if (cb_images_load(&m, events)) return -1;
    size_t cells = (size_t)m.height * (size_t)m.width, n = (size_t)m.n;
    int rc = 0;
    if (cells != (size_t)r->n_input)
        rc = cb_fail("%s: the images have %d x %d regions, the student has %d inputs", events, m.height, m.width, r->n_input);
    if (!rc) rc = !n ? cb_fail("%s: no events", events) : grow(r, n) || read_scores(scores, r->code + r->n, n) ? -1 : 0;
    if (!rc) {
        memcpy(r->et + r->n * cells, m.et, n * cells * sizeof *m.et);
        r->n += n;
    }
    cb_images_free(&m);
    return rc;
}

/* One line of the list. */
static int add_pair(cb_recorded *r, const char *line, size_t size) {
    char *pair = cb_textf("%.*s", (int)size, line), *equals = pair ? strchr(pair, '=') : NULL;
    char **file = pair ? cb_realloc(r->file, r->n_file + 1, 2 * sizeof *file) : NULL;
    if (file) r->file = file;
    if (!file || !equals || equals == pair || !equals[1]) {
        int rc = !file ? -1 : cb_fail("%s: EVENTS=SCORES wanted, two files", pair);
        return free(pair), rc;
    }
    *equals = 0;
    file[2 * r->n_file] = pair;
    file[2 * r->n_file++ + 1] = equals + 1;
    return add(r, pair, equals + 1);
}

int cb_recorded_read(cb_recorded *r, const char *list, int n_input) {
    *r = (cb_recorded){.n_input = n_input};
    for (size_t size; *list; list += size + (list[size] == '\n')) {
        size = strcspn(list, "\n");
        if (add_pair(r, list, size)) return cb_recorded_free(r), -1;
    }
    return 0;
}

void cb_recorded_free(cb_recorded *r) {
    for (size_t k = 0; k < r->n_file; k++) free(r->file[2 * k]); /* the second name lies behind the first */
    free(r->file);
    free(r->et);
    free(r->code);
    *r = (cb_recorded){0};
}
