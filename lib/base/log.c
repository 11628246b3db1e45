#include "base/log.h"

#include <omp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *stage = "cicada-bench";
static cb_verbosity level = CB_NORMAL;
static struct timespec start;

/* progress line state */
static bool shown;
static double shown_at, began_at, began_done;
static char shown_what[64];

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void cb_log_begin(const char *name, cb_verbosity l) {
    stage = name;
    level = l;
    clock_gettime(CLOCK_MONOTONIC, &start);
}

void cb_log_level(cb_verbosity l) { level = l; }

double cb_log_seconds(void) {
    return now() - ((double)start.tv_sec + 1e-9 * (double)start.tv_nsec);
}

static void wipe(void) {
    if (shown) fputs("\r\033[K", stderr);
    shown = false;
}

static void line(const char *mark, const char *format, va_list ap) {
    char text[2048];
    vsnprintf(text, sizeof text, format, ap);
    flockfile(stderr); /* guards the progress line too: several trainings may write at once */
    wipe();
    fprintf(stderr, "[%s %.1fs] %s%s\n", stage, cb_log_seconds(), mark, text);
    funlockfile(stderr);
}

void cb_info(const char *format, ...) {
    if (level < CB_NORMAL) return;
    va_list ap;
    va_start(ap, format);
    line("", format, ap);
    va_end(ap);
}

void cb_detail(const char *format, ...) {
    if (level < CB_VERBOSE) return;
    va_list ap;
    va_start(ap, format);
    line("", format, ap);
    va_end(ap);
}

void cb_warn(const char *format, ...) {
    if (level < CB_QUIET) return;
    va_list ap;
    va_start(ap, format);
    line("warning: ", format, ap);
    va_end(ap);
}

void cb_progress(const char *what, double done, double total, const char *note) {
    if (level < CB_NORMAL || omp_in_parallel() || !isatty(STDERR_FILENO)) return;
    double t = now();
    if (strncmp(what, shown_what, sizeof shown_what - 1)) {
        snprintf(shown_what, sizeof shown_what, "%s", what);
        began_at = t;
        began_done = done;
    }
    if (shown && t - shown_at < 0.2) return;
    double rate = (done - began_done) / (t - began_at + 1e-9);
    fprintf(stderr, "\r\033[K[%s] %s %3.0f %%", stage, what, total > 0 ? 100 * done / total : 0);
    if (rate > 0 && t - began_at > 1) {
        int left = (int)((total - done) / rate + 0.5);
        fprintf(stderr, ", %d:%02d left", left / 60, left % 60);
    }
    if (note) fprintf(stderr, ", %s", note);
    fflush(stderr);
    shown = true;
    shown_at = t;
}

void cb_progress_end(void) {
    if (omp_in_parallel()) return;
    wipe();
    shown_what[0] = 0;
}
