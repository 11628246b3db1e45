/* bench: the machine's peak, then every kernel and every training loop, in one table. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/threads.h"
#include "measure.h"
#include "nn/isa.h"
#include "stage.h"

#ifdef __clang__
#define COMPILER __VERSION__
#else
#define COMPILER "gcc " __VERSION__
#endif

static const char *out, *loops, *only, *seconds = "1", *runs = "7", *data = "data";
static const cb_option options[] = {
    {"out", 'o', "FILE", "also write the table here, tab-separated", &out, CB_OPTIONAL},
    {"loops", 'l', "FILE", "also write here what each training and scoring loop gains from the threads, and its rate against "
                           "the fastest Python peer", &loops, CB_OPTIONAL},
    {"only", 'O', "PATTERN", "measure what matches this extended regular expression, e.g. 'dense|hgq'; the peak of the "
                             "kernels in use is always measured", &only, CB_OPTIONAL},
    {"seconds", 's', "S", "time of each measurement, all runs together (1)", &seconds, CB_OPTIONAL},
    {"runs", 'r', "N", "runs of each measurement, at least 5; their median counts (7)", &runs, CB_OPTIONAL},
    {"data", 'd', "DIR", "folder with library/library.h5 and firmware/ (data)", &data, CB_OPTIONAL},
    {0}};

static double number(const cb_stage *st, const char *name, const char *text, double lo, double hi) {
    char *end;
    double v = strtod(text, &end);
    if (end == text || *end || !(v >= lo && v <= hi)) cb_stage_usage(st, "--%s %s: %g to %g wanted", name, text, lo, hi);
    return v;
}

/* "model name" of /proc/cpuinfo, cores and compiler, without tabs. */
static void describe_machine(char *text, size_t n) {
    char line[256], model[128] = "unknown processor";
    FILE *f = fopen("/proc/cpuinfo", "r");
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, "model name", 10) && strchr(line, ':')) {
            snprintf(model, sizeof model, "%.100s", strchr(line, ':') + 2);
            break;
        }
    if (f) fclose(f);
    for (char *p = model; *p; p++)
        if (*p == '\t' || *p == '\n') *p = ' ';
    for (size_t k = strlen(model); k && model[k - 1] == ' '; k--) model[k - 1] = 0;
    snprintf(text, n, "%s, %ld cores, " COMPILER, model, sysconf(_SC_NPROCESSORS_ONLN));
}

static void prepare(const cb_stage *st, bench *b) {
    b->data = data;
    b->seconds = number(st, "seconds", seconds, 1e-4, 3600);
    b->runs = (int)number(st, "runs", runs, BENCH_MIN_RUNS, 1001);
    b->threads = cb_threads();
    b->filtered = only != NULL;
    int rc = only ? regcomp(&b->only, only, REG_EXTENDED | REG_NOSUB) : 0;
    char why[128];
    if (rc) {
        regerror(rc, &b->only, why, sizeof why);
        cb_stage_usage(st, "--only %s: %s", only, why);
    }
    describe_machine(b->machine, sizeof b->machine);
}

static int write_table(const char *path, char *(*make)(const bench *), const bench *b) {
    char *text = path ? make(b) : NULL;
    int rc = path ? text ? cb_file_write(path, text) : -1 : 0;
    free(text);
    return rc;
}

static int run(bench *b) {
    cb_info("%s; kernels %s, %d threads", b->machine, cb_isa_name(cb_isa()), b->threads);
    if (bench_peaks(b)) return -1;
    int peaks = b->n_row;
    if (bench_layers(b) || bench_pieces(b) || bench_teacher(b) || bench_students(b) || bench_logic(b) || bench_integers(b)) return -1;
    bool anything = b->n_row > peaks || !b->filtered;
    for (int k = 0; k < peaks; k++) anything |= bench_wanted(b, "%s", b->row[k].c.name);
    if (!anything) return cb_fail("--only %s: no measurement has such a name", only);
    cb_threads_set(b->threads);
    if (b->n_row > peaks && bench_peak_again(b)) return -1;
    bench_loops_print(b);
    return write_table(out, bench_table, b) || write_table(loops, bench_loops_table, b) ? -1 : 0;
}

int main(int argc, char **argv) {
    cb_stage st = {.name = "bench", .options = options,
                   .summary = "Measures the peak of this machine, then every kernel and every training and scoring loop: "
                              "events/s, nominal GFLOP/s, percent of the peak. Loops are measured with 1 thread and with "
                              "--threads."};
    cb_stage_begin(&st, argc, argv);
    bench b = {0};
    prepare(&st, &b);
    int rc = run(&b);
    if (b.filtered) regfree(&b.only);
    cb_dataset_free(&b.events);
    free(b.row);
    return cb_stage_end(&st, rc);
}
