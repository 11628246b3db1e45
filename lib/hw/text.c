#include "hw/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

static bool make_room(cb_text *t, size_t more) {
    if (t->failed) return false;
    if (t->n + more + 1 <= t->room) return true;
    size_t room = 2 * (t->n + more + 1);
    char *s = cb_realloc(t->s, room, 1);
    if (!s) return t->failed = true, false;
    t->s = s;
    t->room = room;
    return true;
}

void cb_text_add(cb_text *t, const char *format, ...) {
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(NULL, 0, format, ap);
    va_end(ap);
    if (n < 0 || !make_room(t, (size_t)n)) return;
    va_start(ap, format);
    vsnprintf(t->s + t->n, (size_t)n + 1, format, ap);
    va_end(ap);
    t->n += (size_t)n;
}

void cb_text_put(cb_text *t, const char *s) {
    size_t n = strlen(s);
    if (!make_room(t, n)) return;
    memcpy(t->s + t->n, s, n + 1);
    t->n += n;
}

void cb_text_hex(cb_text *t, const uint64_t *words, int bits) {
    int digits = (bits + 3) / 4;
    if (!make_room(t, (size_t)digits)) return;
    for (int d = digits - 1; d >= 0; d--) t->s[t->n++] = "0123456789abcdef"[words[d / 16] >> d % 16 * 4 & 15];
    t->s[t->n] = 0;
}

int cb_text_write(cb_text *t, const char *dir, const char *name) {
    int rc = -1;
    char *path = cb_textf("%s/%s", dir, name);
    if (path && !t->failed) rc = cb_file_write(path, t->s ? t->s : "");
    free(path);
    cb_text_free(t);
    return rc;
}

void cb_text_free(cb_text *t) {
    free(t->s);
    memset(t, 0, sizeof *t);
}
