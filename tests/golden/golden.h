/* golden.h - programs that compare the library with recorded runs of the Python
 * packages (data/golden, README there: "How to compare").
 *
 * A program golden_X.c holds static check functions and ends with
 *
 *     GOLDEN_FILE(qkeras_train, "qkeras_train.h5", check_probes, check_steps)
 *     GOLDEN_MAIN(qkeras_quantizers, qkeras_train)
 *
 * `build/obj/golden/X DIR` prints one line a tensor, separated by tabs,
 *
 *     file  group  tensor  max_deviation  tolerance  ok|FAIL|skipped
 *
 * and ends with 1 if any line says FAIL, with GOLDEN_NOTHING if no tensor was compared
 * (no such folder, none of the files). A missing file or group is skipped, and said. max_deviation is in the unit of the tolerance (absolute, relative, or
 * "elements that differ" with tolerance 0). Unit tests include the same file with
 * GOLDEN_PART defined: then there is no main, and they call the functions made by
 * GOLDEN_FILE: int qkeras_train(const char *dir, bool quiet, golden *tally).
 */
#ifndef CB_GOLDEN_H
#define CB_GOLDEN_H

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "data/artifact.h"

/* One recorded file and the tally of what was compared with it. */
typedef struct {
    const char *file; /* name without folder */
    cb_h5 *h5;
    int ok, failed, skipped;
    bool quiet;       /* print only what is not ok */
} golden;

typedef void golden_check(golden *g);

enum { GOLDEN_NOTHING = 77 }; /* exit status */

static inline void golden_line(golden *g, const char *group, const char *tensor, double deviation,
                               double tolerance, bool good) {
    if (good) g->ok++;
    else g->failed++;
    if (!good || !g->quiet)
        printf("%s\t%s\t%s\t%.3g\t%.3g\t%s\n", g->file, group, tensor, deviation, tolerance, good ? "ok" : "FAIL");
}

/* deviation <= tolerance (NaN fails). */
static inline void golden_row(golden *g, const char *group, const char *tensor, double deviation, double tolerance) {
    golden_line(g, group, tensor, deviation, tolerance, deviation <= tolerance);
}

static inline void golden_skip(golden *g, const char *group, const char *why) {
    g->skipped++;
    printf("%s\t%s\t%s\t-\t-\tskipped\n", g->file, group, why);
}

/* A tensor that the rules leave out. */
static inline void golden_leave_out(golden *g, const char *group, const char *why) {
    g->skipped++;
    if (!g->quiet) printf("%s\t%s\t%s\t-\t-\tskipped\n", g->file, group, why);
}

/* Something that should be there could not be read: cb_error() says what. */
static inline void golden_broken(golden *g, const char *group, const char *tensor) {
    fflush(stdout);
    fprintf(stderr, "%s\n", cb_error());
    golden_line(g, group, tensor, NAN, 0, false);
}

/* True if the file has the group; else says "skipped". */
static inline bool golden_has(golden *g, const char *group) {
    if (cb_h5_exists(g->h5, group)) return true;
    golden_skip(g, group, "not in this file");
    return false;
}

/* Dataset group/name as float64, *n elements in all; NULL (and a FAIL line) if it cannot be read. free(). */
static inline double *golden_f64(golden *g, const char *group, const char *name, uint64_t *n) {
    char path[256];
    uint64_t dims[CB_MAX_RANK] = {0};
    int rank = 0;
    snprintf(path, sizeof path, "%s/%s", group, name);
    double *x = NULL;
    if (!cb_h5_shape(g->h5, path, &rank, dims)) x = cb_h5_read(g->h5, path, CB_F64, -1, dims);
    if (!x) {
        golden_broken(g, group, name);
        return NULL;
    }
    *n = 1;
    for (int r = 0; r < rank; r++) *n *= dims[r];
    return x;
}

/* The same with a fixed number of elements. */
static inline double *golden_f64n(golden *g, const char *group, const char *name, uint64_t want) {
    uint64_t n = 0;
    double *x = golden_f64(g, group, name, &n);
    if (x && n != want) {
        (void)cb_fail("%s: %s/%s: %llu elements, expected %llu", g->file, group, name, (unsigned long long)n,
                      (unsigned long long)want);
        golden_broken(g, group, name);
        free(x);
        return NULL;
    }
    return x;
}

static inline double golden_max_abs(const double *x, uint64_t n) {
    double m = 0;
    for (uint64_t e = 0; e < n; e++) m = fmax(m, fabs(x[e]));
    return m;
}

/* Largest |a - b|; infinity if either is not finite where the other differs. */
static inline double golden_max_diff(const double *a, const double *b, uint64_t n) {
    double m = 0;
    for (uint64_t e = 0; e < n; e++) {
        double d = a[e] == b[e] ? 0 : fabs(a[e] - b[e]);
        if (!(d <= m)) m = isnan(d) ? INFINITY : d;
    }
    return m;
}

/* Compares mine[n] with the recorded tensor. GOLDEN_EXACT counts differing elements;
 * GOLDEN_ABS: largest |difference|; GOLDEN_PEAK: that, over the record's largest
 * element; GOLDEN_REL: largest |difference| / |recorded| element by element. */
typedef enum { GOLDEN_EXACT, GOLDEN_ABS, GOLDEN_PEAK, GOLDEN_REL } golden_rule;

static inline double golden_deviation(golden_rule rule, const double *mine, const double *want, uint64_t n) {
    double m = 0;
    if (rule == GOLDEN_ABS) return golden_max_diff(mine, want, n);
    if (rule == GOLDEN_PEAK) {
        double d = golden_max_diff(mine, want, n), peak = golden_max_abs(want, n);
        return d == 0 ? 0 : d / peak;
    }
    for (uint64_t e = 0; e < n; e++) {
        double d = mine[e] == want[e] ? 0 : rule == GOLDEN_EXACT ? 1 : fabs(mine[e] - want[e]) / fabs(want[e]);
        if (rule == GOLDEN_EXACT) m += d;
        else if (!(d <= m)) m = isnan(d) ? INFINITY : d;
    }
    return m;
}

static inline void golden_compare(golden *g, const char *group, const char *name, golden_rule rule,
                                  const double *mine, uint64_t n, double tolerance) {
    double *want = golden_f64n(g, group, name, n);
    if (want) golden_row(g, group, name, golden_deviation(rule, mine, want, n), tolerance);
    free(want);
}

static inline int golden_run_file(golden *g, const char *dir, golden_check *const *check, int n) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", dir, g->file);
    if (!cb_file_exists(path)) {
        golden_skip(g, "-", "no such file");
        return 0;
    }
    g->h5 = cb_h5_open(path, NULL);
    if (!g->h5) {
        golden_broken(g, "-", "open");
        return 1;
    }
    for (int k = 0; k < n; k++) check[k](g);
    cb_h5_close(&g->h5);
    return g->failed != 0;
}

/* Defines `name`: runs the checks on one file; 0, or 1 if anything failed. */
#define GOLDEN_FILE(name, file_name, ...)                                                          \
    static int name(const char *dir, bool quiet, golden *g) {                                      \
        static golden_check *const checks[] = {__VA_ARGS__};                                       \
        *g = (golden){.file = file_name, .quiet = quiet};                                          \
        return golden_run_file(g, dir, checks, (int)(sizeof checks / sizeof *checks));             \
    }

#ifdef GOLDEN_PART
#define GOLDEN_MAIN(...)
#else
#define GOLDEN_MAIN(...)                                                                           \
    int main(int argc, char **argv) {                                                              \
        static int (*const run[])(const char *, bool, golden *) = {__VA_ARGS__};                   \
        golden tally;                                                                              \
        int bad = 0, compared = 0;                                                                 \
        for (size_t k = 0; k < sizeof run / sizeof *run; k++) {                                    \
            bad |= run[k](argc > 1 ? argv[1] : "data/golden", false, &tally);                      \
            compared += tally.ok + tally.failed;                                                   \
        }                                                                                          \
        return compared ? bad : GOLDEN_NOTHING;                                                    \
    }
#endif

#endif
