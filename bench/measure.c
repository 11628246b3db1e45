#include "measure.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>


static double now(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

bool bench_wanted(const bench *b, const char *format, ...) {
    char name[96];
    va_list ap;
    va_start(ap, format);
    vsnprintf(name, sizeof name, format, ap);
    va_end(ap);
    return !b->filtered || !regexec(&b->only, name, 0, NULL, 0);
}

int bench_threads(const bench *b, int k) { return k == 0 ? 1 : k == 1 && b->threads > 1 ? b->threads : 0; }

/* Seconds of `repeat` repetitions. */
static int time_run(const bench_case *c, double repeat, double *wall, double *cpu) {
    double w = now(CLOCK_MONOTONIC), p = now(CLOCK_PROCESS_CPUTIME_ID);
    for (double k = 0; k < repeat; k++)
        if (c->work(c->context)) return cb_fail_in("%s", c->name);
    *wall = now(CLOCK_MONOTONIC) - w;
    *cpu = now(CLOCK_PROCESS_CPUTIME_ID) - p;
    return 0;
}

/* Repetitions that fill one run; warms caches and thread pool on the way. */
static int choose_repeat(const bench_case *c, double target, double *repeat) {
    double wall, cpu;
    *repeat = 1;
    if (time_run(c, 1, &wall, &cpu)) return -1;
    for (;;) {
        if (time_run(c, *repeat, &wall, &cpu)) return -1;
        if (wall >= 0.7 * target) return 0;
        double factor = wall > 0 ? target / wall : 100;
        *repeat *= factor > 100 ? 100 : factor < 1.5 ? 1.5 : factor;
        *repeat = (double)(long long)(*repeat + 0.5);
    }
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *x, int n) {
    qsort(x, (size_t)n, sizeof *x, ascending);
    return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}

static double peak_of(const bench *b, const char *isa, int threads, bool cpu) {
    double best = 0;
    for (const bench_row *r = b->row; r < b->row + b->n_row; r++) {
        double rate = r->c.events * r->c.flop / (cpu ? r->cpu_min : r->wall_min) * 1e-9;
        if (!strncmp(r->c.name, "peak/", 5) && !strcmp(r->c.isa, isa) && r->c.threads == threads && rate > best)
            best = rate;
    }
    return best;
}

/* Best bandwidth of the triad with so many threads, GB/s; 0 if it was not measured. */
static double bandwidth_of(const bench *b, int threads) {
    double best = 0;
    for (const bench_row *r = b->row; r < b->row + b->n_row; r++) {
        double rate = r->c.events * r->c.bytes / r->wall_min * 1e-9;
        if (!strcmp(r->c.name, "memory/triad") && r->c.threads == threads && rate > best) best = rate;
    }
    return best;
}

double bench_peak(const bench *b, const char *isa, int threads) { return peak_of(b, isa, threads, false); }
double bench_peak_cpu(const bench *b, const char *isa) { return peak_of(b, isa, 1, true); }

/* Derived figures of a row, in the order of the columns. */
typedef struct {
    double rate, rate_best, rate_cpu, gflops, gbytes, percent, percent_cpu, percent_memory, executed, percent_executed;
} figures;

static double ratio(double a, double b) { return b > 0 && a > 0 ? a / b : 0; }

static figures figures_of(const bench *b, const bench_row *r) {
    figures f = {.rate = r->c.events / r->wall, .rate_best = r->c.events / r->wall_min, .rate_cpu = r->c.events / r->cpu};
    f.gflops = f.rate * r->c.flop * 1e-9;
    f.gbytes = f.rate * r->c.bytes * 1e-9;
    f.percent = 100 * ratio(f.gflops, bench_peak(b, r->c.isa, r->c.threads));
    f.percent_memory = 100 * ratio(f.gbytes, bandwidth_of(b, r->c.threads));
    f.executed = r->c.executed > 0 ? r->c.executed : r->c.flop;
    f.percent_executed = 100 * ratio(f.rate * f.executed * 1e-9, bench_peak(b, r->c.isa, r->c.threads));
    f.percent_cpu = 100 * ratio(f.rate_cpu * r->c.flop * 1e-9, bench_peak_cpu(b, r->c.isa));
    return f;
}

/* "-" where a figure is not defined. */
static const char *cell(char text[32], const char *format, double v) {
    if (v > 0) snprintf(text, 32, format, v);
    else strcpy(text, "-");
    return text;
}

static void print_row(bench *b, const bench_row *r) {
    figures f = figures_of(b, r);
    char t[7][32];
    if (!b->printed)
        printf("%-30s %-3s %7s %13s %13s %9s %8s %7s %7s %9s %7s %9s\n", "name", "isa", "threads", "events/s", "events/CPU s",
               "GFLOP/s", "GB/s", "% peak", "% done", "% CPUpeak", "% triad", "min/median");
    b->printed = true;
    printf("%-30s %-3s %7d %13s %13.0f %9s %8s %7s %7s %9s %7s %9.2f\n", r->c.name, r->c.isa, r->c.threads,
           cell(t[0], "%.0f", f.rate), f.rate_cpu, cell(t[1], "%.2f", f.gflops), cell(t[2], "%.2f", f.gbytes),
           cell(t[3], "%.1f", f.percent), cell(t[6], "%.1f", f.percent_executed), cell(t[4], "%.1f", f.percent_cpu), cell(t[5], "%.1f", f.percent_memory), r->wall_min / r->wall);
    fflush(stdout);
}

static bench_row *new_row(bench *b) {
    if (b->n_row == b->room) {
        int room = b->room ? 2 * b->room : 64;
        bench_row *row = cb_realloc(b->row, (size_t)room, sizeof *row);
        if (!row) return NULL;
        b->row = row;
        b->room = room;
    }
    return &b->row[b->n_row];
}

int bench_always(bench *b, const bench_case *c) {
    double repeat, *wall = cb_alloc((size_t)b->runs, sizeof *wall), *cpu = cb_alloc((size_t)b->runs, sizeof *cpu);
    bench_row *r = new_row(b);
    int rc = !wall || !cpu || !r || choose_repeat(c, b->seconds / b->runs, &repeat) ? -1 : 0;
    for (int k = 0; k < b->runs && !rc; k++) rc = time_run(c, repeat, &wall[k], &cpu[k]);
    if (!rc) {
        *r = (bench_row){.c = *c, .wall = median(wall, b->runs) / repeat, .cpu = median(cpu, b->runs) / repeat};
        r->wall_min = wall[0] / repeat;
        r->cpu_min = cpu[0] / repeat;
        b->n_row++;
        print_row(b, r);
    }
    free(wall);
    free(cpu);
    return rc;
}

int bench_measure(bench *b, const bench_case *c) { return bench_wanted(b, "%s", c->name) ? bench_always(b, c) : 0; }

char *bench_table(const bench *b) {
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    if (!f) return cb_fail_null("out of memory");
    fputs("name\tisa\tthreads\tevents\truns\twall_s\twall_min_s\tcpu_s\tcpu_min_s\tevents_per_s\tevents_per_s_best\t"
          "events_per_cpu_s\tflop_per_event\tbytes_per_event\tgflops\tgbytes_per_s\tpercent_peak\tpercent_peak_cpu\tpercent_triad\t"
          "executed_flop_per_event\tpercent_peak_executed\tmachine\n", f);
    for (const bench_row *r = b->row; r < b->row + b->n_row; r++) {
        figures v = figures_of(b, r);
        double column[] = {r->wall, r->wall_min, r->cpu, r->cpu_min, v.rate, v.rate_best, v.rate_cpu, r->c.flop, r->c.bytes,
                           v.gflops, v.gbytes, v.percent, v.percent_cpu, v.percent_memory, v.executed, v.percent_executed};
        fprintf(f, "%s\t%s\t%d\t%.0f\t%d", r->c.name, r->c.isa, r->c.threads, r->c.events, b->runs);
        for (size_t k = 0; k < sizeof column / sizeof *column; k++)
            if (column[k] > 0) fprintf(f, "\t%.6g", column[k]);
            else fputs("\tnan", f);
        fprintf(f, "\t%s\n", b->machine);
    }
    if (!fclose(f)) return text;
    free(text);
    return cb_fail_null("out of memory");
}
