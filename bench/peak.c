/* The machine: FMA rate of the registers, and bandwidth of the memory. */
#include "peak.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "measure.h"

typedef float loop_fn(long n, float x, float y);

typedef struct {
    loop_fn *loop;
    int threads;
    volatile float x, y, result; /* x = 1/2, y = 1: the chains settle at 2, far from denormals */
} peak_work;

static int run_peak(void *context) {
    peak_work *w = context;
#pragma omp parallel num_threads(w->threads)
    {
        float r = w->loop(BENCH_PEAK_STEPS, w->x, w->y);
        if (!omp_get_thread_num()) w->result = r;
    }
    return w->result > 0 ? 0 : cb_fail("the register loop computed nothing");
}

static int measure_peak(bench *b, const char *group, const char *what, loop_fn *loop, int level, int threads) {
    peak_work w = {.loop = loop, .threads = threads, .x = 0.5f, .y = 1};
    bench_case c = {.isa = cb_isa_name(level), .threads = threads, .events = threads, .work = run_peak, .context = &w,
                    .flop = 2.0 * 16 * BENCH_PEAK_STEPS};
    snprintf(c.name, sizeof c.name, "%s/%s", group, what);
    return level == cb_isa() ? bench_always(b, &c) : bench_measure(b, &c);
}

static int measure_level(bench *b, const char *group, int level, int threads) {
    static loop_fn *const fma[] = CB_ISA_TABLE(bench_peak_fma), *const mul_add[] = CB_ISA_TABLE(bench_peak_mul_add);
    return measure_peak(b, group, "fma", fma[level], level, threads) ||
                   measure_peak(b, group, "mul-add", mul_add[level], level, threads)
               ? -1
               : 0;
}

/* ---- memory: a = b + s c, as in STREAM; 12 bytes and 2 FLOP an element ---- */

typedef struct {
    float *a, *b, *c;
    size_t n;
    int threads;
} triad_work;

static int run_triad(void *context) {
    triad_work *w = context;
    long n = (long)w->n;
#pragma omp parallel for schedule(static) num_threads(w->threads)
    for (long i = 0; i < n; i++) w->a[i] = w->b[i] + 3 * w->c[i];
    return 0;
}

/* Elements of an array: all three are four times the last-level cache, if memory allows. */
static size_t triad_size(void) {
    double cache = (double)sysconf(_SC_LEVEL3_CACHE_SIZE), page = (double)sysconf(_SC_PAGESIZE);
    double memory = (double)sysconf(_SC_PHYS_PAGES) * page, bytes = 4 * cache;
    if (bytes < 256e6) bytes = 256e6;
    if (memory > 0 && bytes > memory / 8) bytes = memory / 8;
    return (size_t)(bytes / 12) / 16 * 16;
}

static int measure_triad(bench *b, int threads) {
    triad_work w = {.n = triad_size(), .threads = threads};
    w.a = cb_alloc_aligned(w.n, sizeof *w.a);
    w.b = cb_alloc_aligned(w.n, sizeof *w.b);
    w.c = cb_alloc_aligned(w.n, sizeof *w.c);
    bench_case c = {.name = "memory/triad", .isa = cb_isa_name(0), .threads = threads, .events = (double)w.n, .flop = 2,
                    .bytes = 12, .work = run_triad, .context = &w};
    int rc = w.a && w.b && w.c ? bench_measure(b, &c) : -1;
    free(w.a);
    free(w.b);
    free(w.c);
    return rc;
}

int bench_peaks(bench *b) {
    for (int level = 0; level <= cb_isa_best(); level++)
        for (int k = 0; bench_threads(b, k); k++)
            if (measure_level(b, "peak", level, bench_threads(b, k))) return -1;
    for (int k = 0; bench_threads(b, k) && bench_wanted(b, "memory/triad"); k++)
        if (measure_triad(b, bench_threads(b, k))) return -1;
    return 0;
}

int bench_peak_again(bench *b) { return measure_level(b, "peak-end", cb_isa(), 1); }
