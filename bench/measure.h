/* measure.h - how the benchmark times things, and its table.
 *
 * A measurement repeats one piece of work often enough for a run to last a share of
 * --seconds, does 5 or more runs, and keeps the median and the smallest wall time and the
 * median CPU time of all threads (CLOCK_PROCESS_CPUTIME_ID). On a machine that others use
 * too, events per CPU second and percent_peak_cpu are the figures that hold.
 *
 * FLOP are nominal: two for each multiply-add of the plain definition, padded taps
 * included, nothing else (a kernel that skips padded taps, or computes by phases, can so exceed 100 %); executed
 * FLOP count the multiply-adds that are done. Bytes
 * are those of the operands, each counted once. Percent of the peak compares the median
 * with the best run of the register loops (peak.c) at the beginning of the same table, for the
 * same instruction-set level and number of threads; percent_peak_cpu compares FLOP per CPU
 * second with that of one thread. percent_triad compares bytes with the best run of the memory triad
 * of the same table and number of threads; more than 100 % comes from caches.
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <regex.h>
#include <stdbool.h>

#include "base/error.h"
#include "data/dataset.h"

enum { BENCH_MIN_RUNS = 5, BENCH_EVENTS = 16384 };

typedef struct {
    char name[64];         /* group/what/pass */
    const char *isa;       /* level of the kernels, "v2" .. "v4" */
    int threads;
    double events;         /* of one repetition */
    double flop, bytes;    /* per event; 0 = not defined */
    double executed;       /* FLOP done, per event; 0 = flop */
    bool loop;             /* a whole training or scoring loop: measured with 1 and with all threads */
    int (*work)(void *context); /* one repetition; 0 or -1 with cb_error() */
    void *context;
} bench_case;

typedef struct {
    bench_case c;
    double wall, wall_min, cpu, cpu_min; /* seconds of one repetition: medians and smallest */
} bench_row;

typedef struct {
    const char *data;      /* folder with library/ and firmware/ */
    double seconds;        /* of one measurement */
    int runs, threads;     /* threads: loops are measured with 1 and with this many */
    bool filtered;
    regex_t only;
    char machine[160];
    int n_row, room;
    bench_row *row;
    bool printed;          /* header of the table on stdout */
    cb_dataset events;     /* BENCH_EVENTS simulated zero bias events, made when first asked for */
} bench;

/* Whether --only lets a name pass. */
bool bench_wanted(const bench *b, const char *format, ...) CB_PRINTF(2, 3);
/* The k-th number of threads to measure with: 1, then b->threads if that is more; 0 behind the last. */
int bench_threads(const bench *b, int k);
/* Measures if wanted, adds a row and prints it. */
int bench_measure(bench *b, const bench_case *c) CB_MUST;
/* The same without asking --only. */
int bench_always(bench *b, const bench_case *c) CB_MUST;
/* Peak of a level with so many threads: the best register loop. Per wall or per CPU second. GFLOP/s, 0 if unknown. */
double bench_peak(const bench *b, const char *isa, int threads);
double bench_peak_cpu(const bench *b, const char *isa);
/* The table as tab-separated text; free(). */
char *bench_table(const bench *b) CB_MUST;
/* loops.c: a line a loop: all threads against one, beside the same ratio of the peak (which clock and
 * neighbours of the machine bound), and against the fastest peer, whose recorded rate is scaled by
 * the peak of as many threads. As text for a file, free(); and for people on stdout. */
char *bench_loops_table(const bench *b) CB_MUST;
void bench_loops_print(const bench *b);
/* Zero bias events in a dataset of three quarters train and one quarter validation events. NULL on failure. */
const cb_dataset *bench_events(bench *b) CB_MUST;

/* ---- what is measured; each adds its rows ---- */
int bench_peaks(bench *b) CB_MUST;     /* peak.c: register loops and memory bandwidth */
int bench_peak_again(bench *b) CB_MUST; /* the same loop after everything else: rows peak-end/ */
int bench_layers(bench *b) CB_MUST;    /* layers.c: kernels of lib/nn at the teacher's shapes */
int bench_pieces(bench *b) CB_MUST;    /* pieces.c: loading, Adam, kernels of student training */
int bench_teacher(bench *b) CB_MUST;   /* teacher.c: training step and scoring */
int bench_students(bench *b) CB_MUST;  /* students.c: training steps */
int bench_logic(bench *b) CB_MUST;    /* logic.c: logic gate networks */
int bench_integers(bench *b) CB_MUST;  /* integers.c: programme, netlist, simulate */

#endif
