#include "base/error.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local char text[2048];

static void record(const char *format, va_list ap) {
    char fresh[sizeof text]; /* the arguments may point into the old text */
    vsnprintf(fresh, sizeof fresh, format, ap);
    memcpy(text, fresh, sizeof text);
}

int cb_fail(const char *format, ...) {
    va_list ap;
    va_start(ap, format);
    record(format, ap);
    va_end(ap);
    return -1;
}

void *cb_fail_null(const char *format, ...) {
    va_list ap;
    va_start(ap, format);
    record(format, ap);
    va_end(ap);
    return NULL;
}

int cb_fail_in(const char *format, ...) {
    char where[512];
    va_list ap;
    va_start(ap, format);
    vsnprintf(where, sizeof where, format, ap);
    va_end(ap);
    return cb_fail("%s: %s", where, text);
}

const char *cb_error(void) { return text; }
void cb_error_clear(void) { text[0] = 0; }

void *cb_alloc(size_t n, size_t size) {
    void *p = calloc(n ? n : 1, size ? size : 1);
    return p ? p : cb_fail_null("out of memory: %zu x %zu bytes", n, size);
}

void *cb_realloc(void *p, size_t n, size_t size) {
    if (size && n > SIZE_MAX / size) return cb_fail_null("out of memory: %zu x %zu bytes", n, size);
    size_t bytes = n * size;
    void *q = realloc(p, bytes ? bytes : 1);
    return q ? q : cb_fail_null("out of memory: %zu x %zu bytes", n, size);
}

void *cb_alloc_aligned(size_t n, size_t size) {
    if (size && n > (SIZE_MAX - 64) / size)
        return cb_fail_null("out of memory: %zu x %zu bytes", n, size);
    size_t bytes = (n * size + 63) / 64 * 64;
    void *p = aligned_alloc(64, bytes ? bytes : 64);
    if (!p) return cb_fail_null("out of memory: %zu x %zu bytes", n, size);
    return memset(p, 0, bytes ? bytes : 64);
}

char *cb_strdup(const char *s) {
    size_t n = strlen(s) + 1;
    char *p = cb_alloc(n, 1);
    return p ? memcpy(p, s, n) : NULL;
}

char *cb_textf(const char *format, ...) {
    va_list ap, again;
    va_start(ap, format);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, format, ap);
    va_end(ap);
    char *p = n < 0 ? NULL : cb_alloc((size_t)n + 1, 1);
    if (p) vsnprintf(p, (size_t)n + 1, format, again);
    va_end(again);
    return p;
}
