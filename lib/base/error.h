/* error.h - how every library function says what went wrong.
 *
 * A function that can fail returns 0 or -1 (or a pointer or NULL) and leaves a
 * sentence in the calling thread's error text. The sentence names file, dataset,
 * index and remedy, where there are such. Library code never prints or exits;
 * the stage that called it prints cb_error() and ends with status 1.
 *
 *     if (n > CB_MAX)
 *         return cb_fail("%s: dataset et: %zu events, at most %d", path, n, CB_MAX);
 *
 * In a parallel loop the text belongs to the worker thread: copy it out there and
 * record it again in the caller with cb_fail("%s", copy).
 */
#ifndef CB_BASE_ERROR_H
#define CB_BASE_ERROR_H

#include <stddef.h>

#define CB_MUST __attribute__((warn_unused_result))
#define CB_PRINTF(a, b) __attribute__((format(printf, a, b)))

/* Records the sentence and returns -1. */
int cb_fail(const char *format, ...) CB_PRINTF(1, 2);

/* The same for functions that return a pointer: records and returns NULL. */
void *cb_fail_null(const char *format, ...) CB_PRINTF(1, 2);

/* Puts "format: " before the recorded sentence and returns -1. */
int cb_fail_in(const char *format, ...) CB_PRINTF(1, 2);

/* The calling thread's last sentence, "" if none. Valid until the next failure. */
const char *cb_error(void);
void cb_error_clear(void);

/* malloc/calloc/realloc that record a failure; sizes are checked for overflow. */
void *cb_alloc(size_t n, size_t size) CB_MUST;   /* zeroed */
void *cb_realloc(void *p, size_t n, size_t size) CB_MUST;
/* Zeroed and 64-byte aligned, for SIMD; release with free(). */
void *cb_alloc_aligned(size_t n, size_t size) CB_MUST;
char *cb_strdup(const char *text) CB_MUST;
/* printf into a fresh string, NULL on failure. */
char *cb_textf(const char *format, ...) CB_PRINTF(1, 2) CB_MUST;

#endif
