/* The training and scoring loops side by side: threads against one thread, and ours against the best peer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure.h"
#include "nn/isa.h"

/* The fastest of the Python peers for the same work, measured elsewhere with 2 threads on cores whose register
 * loop gave 151 GFLOP/s: events/s, and how many times as fast we want to be. */
typedef struct {
    const char *loop, *name;
    double rate, asked, goal;
} peer;
enum { PEER_CORE_GFLOPS = 151, PEER_THREADS = 2 };
static const peer peers[] = {
    {"teacher/train-1024", "TensorFlow 2.15 + oneDNN, batch 1024", 5100, 3, 4},
    {"teacher/score", "TensorFlow 2.15 + oneDNN", 15100, 3, 4},
    {"qkeras-v2/train-1024", "QKeras on TensorFlow 2.15, batch 1024", 89000, 15, 25},
    {"hgq-v2/train-1024", "HGQ2 on JAX, jit step, batch 1024", 38000, 20, 40},
    {"lgn-lt2-raw/train-512", "torchlogix 0.2.2 on PyTorch, batch 512", 2460, 80, 0},
    {"programme-v2/score", "HGQ2 on JAX, float", 203000, 50, 0}};

static const peer *peer_of(const char *loop) {
    for (size_t k = 0; k < sizeof peers / sizeof *peers; k++)
        if (!strcmp(peers[k].loop, loop)) return &peers[k];
    return NULL;
}

/* The row of a loop with so many threads, or NULL. */
static const bench_row *row_of(const bench *b, const char *name, int threads) {
    for (const bench_row *r = b->row; r < b->row + b->n_row; r++)
        if (!strcmp(r->c.name, name) && r->c.threads == threads) return r;
    return NULL;
}

static void put(FILE *f, double v) {
    if (v > 0) fprintf(f, "\t%.6g", v);
    else fputs("\tnan", f);
}

/* One loop: `one` its row with one thread, `all` that with most threads (the same one where there is one core). */
static void put_loop(const bench *b, FILE *f, const bench_row *one, const bench_row *all) {
    double peak_one = bench_peak(b, one->c.isa, 1), peak_all = bench_peak(b, all->c.isa, all->c.threads);
    double rate_one = one->c.events / one->wall, rate = all->c.events / all->wall, scaling = rate / rate_one;
    double peak_scaling = peak_one > 0 && peak_all > 0 ? peak_all / peak_one : 0;
    const peer *p = peer_of(all->c.name);
    double theirs = p && peak_all > 0 ? p->rate * peak_all / (PEER_CORE_GFLOPS * PEER_THREADS) : 0;
    double column[] = {rate_one, rate, scaling, peak_scaling, peak_scaling > 0 ? scaling / peak_scaling : 0,
                       peak_all > 0 ? 100 * rate * all->c.flop * 1e-9 / peak_all : 0, peak_all,
                       p ? p->rate : 0, theirs, theirs > 0 ? rate / theirs : 0, p ? p->asked : 0, p ? p->goal : 0,
                       peak_all > 0 && all->c.executed > 0 ? 100 * rate * all->c.executed * 1e-9 / peak_all : 0};
    fprintf(f, "%s\t%s\t%d", all->c.name, all->c.isa, all->c.threads);
    for (size_t k = 0; k < sizeof column / sizeof *column; k++) put(f, column[k]);
    fprintf(f, "\t%s\t%s\n", p ? p->name : "-", b->machine);
}

char *bench_loops_table(const bench *b) {
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    if (!f) return cb_fail_null("out of memory");
    fputs("loop\tisa\tthreads\tevents_per_s_1\tevents_per_s\tscaling\tpeak_scaling\tscaling_of_peak\tpercent_peak\tpeak_gflops\t"
          "peer_events_per_s\tpeer_scaled_events_per_s\tfactor\tasked\tgoal\tpercent_peak_executed\tpeer\tmachine\n", f);
    for (const bench_row *r = b->row; r < b->row + b->n_row; r++) {
        const bench_row *all = row_of(b, r->c.name, b->threads);
        if (r->c.loop && r->c.threads == 1 && all) put_loop(b, f, r, all);
    }
    if (!fclose(f)) return text;
    free(text);
    return cb_fail_null("out of memory");
}

void bench_loops_print(const bench *b) {
    bool begun = false;
    for (const bench_row *r = b->row; r < b->row + b->n_row; r++) {
        const bench_row *all = row_of(b, r->c.name, b->threads);
        const peer *p = peer_of(r->c.name);
        if (!r->c.loop || r->c.threads != 1 || !all) continue;
        double peak_one = bench_peak(b, r->c.isa, 1), peak = bench_peak(b, r->c.isa, b->threads);
        double rate = all->c.events / all->wall, theirs = p ? p->rate * peak / (PEER_CORE_GFLOPS * PEER_THREADS) : 0;
        if (!begun)
            printf("\n%-24s %7s %13s %8s %8s   %s\n", "loop", "threads", "events/s", "x 1 thr.", "(peak)", "best peer at this peak");
        begun = true;
        printf("%-24s %7d %13.0f %8.2f %8.2f", r->c.name, b->threads, rate, rate * r->wall / r->c.events,
               peak_one > 0 ? peak / peak_one : 0);
        if (theirs > 0) printf("   %.0f events/s: factor %.1f, %g asked", theirs, rate / theirs, p->asked);
        putchar('\n');
    }
}
