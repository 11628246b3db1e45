#include "base/config.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct cb_config {
    int n;
    char **text; /* one per schema row */
};

static int schema_size(void) {
    int n = 0;
    while (cb_config_schema[n].section) n++;
    return n;
}

static int find(const char *section, const char *key) {
    for (int i = 0; cb_config_schema[i].section; i++)
        if (!strcmp(cb_config_schema[i].section, section) && !strcmp(cb_config_schema[i].key, key))
            return i;
    return -1;
}

static bool has_section(const char *section) {
    for (int i = 0; cb_config_schema[i].section; i++)
        if (!strcmp(cb_config_schema[i].section, section)) return true;
    return false;
}

static int check_number(const cb_config_key *k, const char *text, const char **rest) {
    errno = 0;
    char *end;
    double v = k->type == CB_KEY_INT ? (double)strtoll(text, &end, 10) : strtod(text, &end);
    if (end == text || errno || !isfinite(v) || (*end && !isspace((unsigned char)*end)))
        return cb_fail("%s.%s: '%s' is not %s", k->section, k->key, text,
                       k->type == CB_KEY_INT ? "an integer" : "a number");
    if (v < k->lo || v > k->hi)
        return cb_fail("%s.%s: %s is out of range %g to %g (%s)", k->section, k->key, text, k->lo,
                       k->hi, k->help);
    while (isspace((unsigned char)*end)) end++;
    *rest = end;
    return 0;
}

static int check(const cb_config_key *k, const char *text) {
    const char *rest = "";
    switch (k->type) {
    case CB_KEY_INT:
    case CB_KEY_REAL:
        if (check_number(k, text, &rest)) return -1;
        if (*rest) return cb_fail("%s.%s: one number wanted, not '%s'", k->section, k->key, text);
        return 0;
    case CB_KEY_REALS:
        for (rest = text; *rest;)
            if (check_number(k, rest, &rest)) return -1;
        return 0;
    case CB_KEY_BOOL:
        if (strcmp(text, "yes") && strcmp(text, "no"))
            return cb_fail("%s.%s: '%s' is neither yes nor no", k->section, k->key, text);
        return 0;
    case CB_KEY_CHOICE: {
        size_t n = strlen(text);
        for (const char *c = k->choices; c; c = strchr(c, ' ') ? strchr(c, ' ') + 1 : NULL)
            if (n && !strncmp(c, text, n) && (c[n] == ' ' || !c[n])) return 0;
        return cb_fail("%s.%s: '%s' is none of: %s", k->section, k->key, text, k->choices);
    }
    case CB_KEY_TEXT: return 0;
    }
    return 0;
}

/* The canonical form: numbers are printed anew, so that 1e-3 and 0.001 agree. */
static char *canonical(const cb_config_key *k, const char *text) {
    switch (k->type) {
    case CB_KEY_INT: return cb_textf("%lld", strtoll(text, NULL, 10));
    case CB_KEY_REAL: return cb_textf("%.17g", strtod(text, NULL));
    case CB_KEY_REALS: {
        char *all = cb_strdup(""), *end;
        for (const char *c = text; all && *c; c = end) {
            double v = strtod(c, &end);
            while (isspace((unsigned char)*end)) end++;
            char *more = cb_textf("%s%s%.17g", all, *all ? " " : "", v);
            free(all);
            all = more;
        }
        return all;
    }
    default: return cb_strdup(text);
    }
}

static int assign(cb_config *c, const char *section, const char *key, const char *value) {
    int i = find(section, key);
    if (i < 0)
        return has_section(section) ? cb_fail("unknown key '%s' in section [%s]", key, section)
                                    : cb_fail("unknown section [%s] (key '%s')", section, key);
    if (check(&cb_config_schema[i], value)) return -1;
    char *text = canonical(&cb_config_schema[i], value);
    if (!text) return -1;
    free(c->text[i]);
    c->text[i] = text;
    return 0;
}

cb_config *cb_config_new(void) {
    cb_config *c = cb_alloc(1, sizeof *c);
    if (!c) return NULL;
    c->n = schema_size();
    c->text = cb_alloc((size_t)c->n, sizeof *c->text);
    for (int i = 0; c->text && i < c->n; i++) {
        const cb_config_key *k = &cb_config_schema[i];
        if (assign(c, k->section, k->key, k->value)) {
            cb_fail_in("default of the schema");
            cb_config_free(c);
            return NULL;
        }
    }
    return c;
}

typedef struct {
    cb_config *c;
    const char *path;
    bool failed;
    int line;
    bool continued; /* the piece begins with a blank: not the first of its value */
    int last;       /* schema row of the value before, -1 if none */
} reader;

/* inih (built without line numbers on Debian) calls this once per key, and again
 * for each further piece of the value; the line is the one its stream reader reached. */
static int on_key(void *user, const char *section, const char *key, const char *value) {
    reader *r = user;
    if (r->failed) return 0;
    int at = find(section, key);
    bool more = r->continued && at >= 0 && at == r->last;
    char *joined = more ? cb_textf("%s %s", r->c->text[at], value) : NULL;
    if ((more && !joined) || assign(r->c, section, key, joined ? joined : value)) {
        cb_fail_in("%s:%d", r->path, r->line);
        r->failed = true;
    }
    r->last = at;
    free(joined);
    return !r->failed;
}

typedef struct {
    FILE *f;
    reader *r;
    char *line, *rest; /* rest: what of the line is still to be handed out */
    size_t room;
    int *line_of, n_piece; /* where each piece that inih saw stands in the file */
} stream;

/* inih tells of keys only: a misspelt section without any would go unnoticed. */
static int check_section(const stream *s) {
    size_t n = strcspn(s->line, "]");
    if (*s->line != '[' || s->line[n] != ']') return 0;
    char *name = cb_textf("%.*s", (int)n - 1, s->line + 1);
    int rc = !name ? -1 : has_section(name) ? 0 : cb_fail("%s:%d: unknown section [%s]", s->r->path, s->r->line, name);
    free(name);
    s->r->failed = rc != 0;
    return rc;
}

/* The next line without comment and line end; false at the end of the file. */
static bool fetch_line(stream *s) {
    ssize_t n = getline(&s->line, &s->room, s->f);
    if (n < 0) return false;
    s->r->line++;
    if (strlen(s->line) != (size_t)n) {
        cb_fail("%s:%d: a zero byte: not a text file", s->r->path, s->r->line);
        s->r->failed = true;
        return false;
    }
    while (n && isspace((unsigned char)s->line[n - 1])) s->line[--n] = 0;
    for (char *c = s->line; *c; c++)
        if ((*c == ';' && (c == s->line || isspace((unsigned char)c[-1]))) || (*c == '#' && c == s->line)) {
            *c = 0;
            break;
        }
    s->rest = s->line;
    s->r->continued = isspace((unsigned char)*s->line);
    return !check_section(s);
}

/* inih takes at most 199 characters a line, but joins lines that begin with a
 * blank to the value above: longer lines are handed to it in such pieces. */
static char *next_line(char *buffer, int size, void *user) {
    stream *s = user;
    bool first = !s->rest;
    if (first && !fetch_line(s)) return NULL;
    size_t n = strlen(s->rest), most = (size_t)size - 3;
    if (n > most)
        for (n = most; n && !isspace((unsigned char)s->rest[n]);) n--;
    int *line_of = cb_realloc(s->line_of, (size_t)s->n_piece + 1, sizeof *line_of);
    if (line_of) (s->line_of = line_of)[s->n_piece++] = s->r->line;
    else s->r->failed = true;
    if (!n && *s->rest && !s->r->failed) {
        cb_fail("%s:%d: a word of more than %zu characters", s->r->path, s->r->line, most);
        s->r->failed = true;
    }
    if (s->r->failed) return NULL;
    if (!first) s->r->continued = true;
    snprintf(buffer, (size_t)size, "%s%.*s\n", first ? "" : " ", (int)n, s->rest);
    s->rest += n;
    while (isspace((unsigned char)*s->rest)) s->rest++;
    if (!*s->rest) s->rest = NULL;
    return buffer;
}

/* Takes f over; NULL: could not be opened. */
static int read_stream(cb_config *c, FILE *f, const char *path) {
    reader r = {.c = c, .path = path, .last = -1};
    stream s = {.f = f, .r = &r};
    if (!s.f) return cb_fail("%s: cannot open: %s", path, strerror(errno));
    int at = ini_parse_stream(next_line, &s, on_key, &r);
    bool unreadable = ferror(s.f) != 0;
    fclose(s.f);
    int rc = r.failed ? -1 : unreadable ? cb_fail("%s: cannot read", path) : 0;
    if (!rc && at)
        rc = cb_fail("%s:%d: not 'key = value', '[section]' or a comment", path, at <= s.n_piece && at > 0 ? s.line_of[at - 1] : at);
    free(s.line);
    free(s.line_of);
    return rc;
}

int cb_config_read(cb_config *c, const char *path) { return read_stream(c, fopen(path, "r"), path); }

int cb_config_read_text(cb_config *c, const char *text, const char *name) {
    return *text ? read_stream(c, fmemopen((void *)text, strlen(text), "r"), name) : 0;
}

int cb_config_set(cb_config *c, const char *assignment) {
    const char *equals = strchr(assignment, '='), *dot = strchr(assignment, '.');
    if (!equals || !dot || dot > equals)
        return cb_fail("--set %s: section.key=value wanted", assignment);
    char *section = cb_strdup(assignment);
    if (!section) return -1;
    section[dot - assignment] = 0;
    section[equals - assignment] = 0;
    int rc = assign(c, section, section + (dot - assignment) + 1, equals + 1);
    if (rc) cb_fail_in("--set %s", assignment);
    free(section);
    return rc;
}

void cb_config_free(cb_config *c) {
    if (!c) return;
    for (int i = 0; c->text && i < c->n; i++) free(c->text[i]);
    free(c->text);
    free(c);
}

static const char *value_of(const cb_config *c, const char *section, const char *key) {
    int i = find(section, key);
    assert(i >= 0 && "key is not in the schema");
    return c->text[i];
}

int64_t cb_config_int(const cb_config *c, const char *section, const char *key) {
    return strtoll(value_of(c, section, key), NULL, 10);
}

double cb_config_real(const cb_config *c, const char *section, const char *key) {
    return strtod(value_of(c, section, key), NULL);
}

bool cb_config_bool(const cb_config *c, const char *section, const char *key) {
    return !strcmp(value_of(c, section, key), "yes");
}

const char *cb_config_text(const cb_config *c, const char *section, const char *key) {
    return value_of(c, section, key);
}

int cb_config_choice(const cb_config *c, const char *section, const char *key) {
    const char *value = value_of(c, section, key), *at = cb_config_schema[find(section, key)].choices;
    for (int k = 0;; k++) {
        size_t n = strcspn(at, " ");
        if (strlen(value) == n && !strncmp(value, at, n)) return k;
        if (!at[n]) return 0;
        at += n + 1;
    }
}

int cb_config_reals(const cb_config *c, const char *section, const char *key, double *v, int max) {
    int n = 0;
    char *end;
    for (const char *t = value_of(c, section, key); *t; t = end) {
        double x = strtod(t, &end);
        if (n < max) v[n] = x;
        n++;
        while (*end == ' ') end++;
    }
    return n;
}

static bool listed(const char *words, const char *word) {
    size_t n = strlen(word);
    for (const char *w = words; w; w = strchr(w, ' ') ? strchr(w, ' ') + 1 : NULL)
        if (!strncmp(w, word, n) && (w[n] == ' ' || !w[n])) return true;
    return false;
}

char *cb_config_canonical(const cb_config *c, const char *sections) {
    char *all = cb_strdup("");
    const char *last = "";
    for (int i = 0; all && i < c->n; i++) {
        const cb_config_key *k = &cb_config_schema[i];
        if (!listed(sections, k->section)) continue;
        bool fresh = strcmp(last, k->section) != 0;
        char *more = cb_textf("%s%s%s%s%s = %s\n", all, fresh ? "[" : "", fresh ? k->section : "",
                               fresh ? "]\n" : "", k->key, c->text[i]);
        free(all);
        all = more;
        last = k->section;
    }
    return all;
}
