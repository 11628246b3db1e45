/* The overlay: statistics of data/library/targets.csv, splits that share nothing, threads. */
#include "base/rng.h"
#include "base/threads.h"
#include "data/dataset.h"
#include "data/layouts.h"
#include "data/overlay.h"
#include "unit.h"

enum { BATCHES = 40, BATCH = 100, EVENTS = BATCHES * BATCH };
static cb_library lib;
static const double everything[3] = {1, 0, 0}, shares[3] = {0.5, 0.1, 0.4};

static int open_library(void) { return lib.n_process ? 0 : cb_library_read(&lib, "data/library/library.h5"); }

/* ---- the quantities of targets.csv, over events first..first+n-1 ---- */
static int ascending(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* Linear interpolation between order statistics, as numpy's default. */
static double quantile(const uint32_t *sorted, int n, double q) {
    double at = q * (n - 1);
    int low = (int)at;
    return low + 1 < n ? sorted[low] + (at - low) * ((double)sorted[low + 1] - sorted[low]) : sorted[low];
}

static double event_quantile(const uint16_t *et, int n, double q, bool maximum) {
    static uint32_t v[EVENTS];
    for (int e = 0; e < n; e++) {
        v[e] = 0;
        for (int i = 0; i < CB_REGIONS; i++) {
            uint32_t x = et[e * CB_REGIONS + i];
            v[e] = maximum ? (x > v[e] ? x : v[e]) : v[e] + x;
        }
    }
    qsort(v, (size_t)n, sizeof *v, ascending);
    return quantile(v, n, q);
}

/* Over the regions of a column (distance from the centre; -1: all) with lo <= E_T <= hi. */
typedef struct { double regions, counts, inside, tau, eg; } tally;
static tally count(const uint16_t *et, const uint8_t *bits, int n, int column, int lo, int hi) {
    tally t = {0};
    for (int i = 0; i < n * CB_REGIONS; i++) {
        int eta = i % CB_ETA, distance = eta < 7 ? 6 - eta : eta - 7;
        if (column >= 0 && distance != column) continue;
        t.regions++;
        t.counts += et[i];
        if (et[i] < lo || et[i] > hi) continue;
        t.inside++;
        t.tau += bits[i] & CB_BIT_TAU;
        t.eg += (bits[i] & CB_BIT_EG) != 0;
    }
    return t;
}

static double measure(const char *what, const uint16_t *et, const uint8_t *bits, int n) {
    int a, b;
    if (!strcmp(what, "total_mean")) return count(et, bits, n, -1, 0, 0).counts / n;
    if (sscanf(what, "total_q%d", &a) == 1) return event_quantile(et, n, a / 100.0, false);
    if (sscanf(what, "max_q%d", &a) == 1) return event_quantile(et, n, a / 100.0, true);
    tally t;
    if (sscanf(what, "p_et%d", &a) == 1) return t = count(et, bits, n, -1, a, a), t.inside / t.regions;
    if (!strcmp(what, "occupancy")) return t = count(et, bits, n, -1, 1, 1023), t.inside / t.regions;
    if (sscanf(what, "occupancy_eta%d", &a) == 1) return t = count(et, bits, n, a, 1, 1023), t.inside / t.regions;
    if (sscanf(what, "mean_eta%d", &a) == 1) return t = count(et, bits, n, a, 0, 0), t.counts / t.regions;
    if (sscanf(what, "tau_et%d_%d", &a, &b) == 2) return t = count(et, bits, n, -1, a, b), t.tau / t.inside;
    if (sscanf(what, "eg_et%d_%d", &a, &b) == 2) return t = count(et, bits, n, -1, a, b), t.eg / t.inside;
    return NAN;
}

/* Statistical error of a measurement on all events, from its spread over batches; of a veto
 * fraction, which rare regions leave undefined in many batches, from their number. */
static double sigma_of(const char *what, const uint16_t *et, const uint8_t *bits) {
    double sum = 0, square = 0;
    int a, b;
    if (sscanf(what, "tau_et%d_%d", &a, &b) == 2 || sscanf(what, "eg_et%d_%d", &a, &b) == 2) {
        tally t = count(et, bits, EVENTS, -1, a, b);
        double p = (*what == 't' ? t.tau : t.eg) / t.inside;
        return sqrt(p * (1 - p) / t.inside);
    }
    for (b = 0; b < BATCHES; b++) {
        double x = measure(what, et + b * BATCH * CB_REGIONS, bits + b * BATCH * CB_REGIONS, BATCH);
        sum += x;
        square += x * x;
    }
    double mean = sum / BATCHES, variance = (square - BATCHES * mean * mean) / (BATCHES - 1);
    return sqrt(variance > 0 ? variance / BATCHES : 0);
}

/* README: with the tower simulation within 5 %; occupancies and outer quantiles 15 %. Where
 * the reference overlay itself lies outside, its own distance is the band. */
static double band_of(const char *what, double tower, double reference) {
    bool wide = strncmp(what, "total_mean", 10) && strcmp(what, "total_q25") && strcmp(what, "total_q50") &&
                strcmp(what, "total_q75");
    double band = (wide ? 0.15 : 0.05) * fabs(tower), own = fabs(reference - tower);
    return own > band ? own : band;
}

typedef struct { uint16_t *et; uint8_t *bits; char sample[16]; } simulated;

static int simulate(simulated *s, const char *sample) {
    if (!strcmp(s->sample, sample)) return 0;
    cb_overlay o;
    if (cb_overlay_new(&o, &lib, sample, everything, 1) || cb_overlay_check(&o, 0)) return -1;
    cb_overlay_events(&o, 0, 0, EVENTS, s->et, s->bits);
    cb_overlay_free(&o);
    snprintf(s->sample, sizeof s->sample, "%s", sample);
    return 0;
}

static void test_targets(void) {
    UNIT_OK(open_library());
    simulated s = {cb_alloc(EVENTS * CB_REGIONS, 2), cb_alloc(EVENTS * CB_REGIONS, 1), ""};
    FILE *f = fopen("data/library/targets.csv", "r");
    CU_ASSERT_FATAL(f && s.et && s.bits);
    char line[256], sample[16], what[32];
    double tower, reference, worst = 0;
    int rows = 0;
    CU_ASSERT_PTR_NOT_NULL_FATAL(fgets(line, sizeof line, f));
    while (fgets(line, sizeof line, f)) {
        CU_ASSERT_EQUAL_FATAL(sscanf(line, "%15[^,],%31[^,],%lf,%lf", sample, what, &tower, &reference), 4);
        CU_ASSERT_EQUAL_FATAL(simulate(&s, sample), 0);
        double x = measure(what, s.et, s.bits, EVENTS), sigma = sqrt(2) * sigma_of(what, s.et, s.bits);
        double step = strstr(what, "_q") ? 1 : 0; /* quantiles of whole numbers move in steps of one */
        double off = fabs(x - reference) - step, pull = off > 0 ? off / (sigma + 1e-12) : 0;
        bool near = pull < 5, inside = fabs(x - tower) <= band_of(what, tower, reference) + 5 * sigma + step;
        if (!near || !inside)
            fprintf(stderr, "\n  %s %s: %g +- %g, overlay %g, towers %g", sample, what, x, sigma, reference, tower);
        CU_ASSERT(near && inside);
        if (pull > worst) worst = pull;
        rows++;
    }
    fclose(f);
    CU_ASSERT_EQUAL(rows, 500);
    printf("(%d quantities, largest deviation %.1f sigma) ", rows, worst);
    free(s.et);
    free(s.bits);
}

/* Every entry in exactly one split, in about the wanted shares, whatever the sample. */
static void test_division(void) {
    UNIT_OK(open_library());
    cb_overlay o;
    UNIT_OK(cb_overlay_new(&o, &lib, "tt_had", shares, 1));
    uint8_t *seen = cb_alloc(lib.n_event, 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(seen);
    for (int s = 0; s < 3; s++)
        for (int k = 0; k < CB_POOLS; k++) {
            uint32_t all = o.n_pool[0][k] + o.n_pool[1][k] + o.n_pool[2][k];
            CU_ASSERT_DOUBLE_EQUAL(o.n_pool[s][k] / (double)all, shares[s], 0.03);
            for (uint32_t i = 0; i < o.n_pool[s][k]; i++) seen[o.pool[s][k][i]]++;
        }
    uint32_t once = 0, more = 0;
    for (uint64_t e = 0; e < lib.n_event; e++) {
        once += seen[e] == 1;
        more += seen[e] > 1;
    }
    CU_ASSERT_EQUAL(more, 0);
    CU_ASSERT_EQUAL(once, 19990 + 2201 + 4000);
    cb_overlay p; /* the division of pile-up is common to all samples and seeds */
    UNIT_OK(cb_overlay_new(&p, &lib, "zb", shares, 99));
    for (int s = 0; s < 3; s++) {
        CU_ASSERT_EQUAL_FATAL(p.n_pool[s][0], o.n_pool[s][0]);
        CU_ASSERT(!memcmp(p.pool[s][0], o.pool[s][0], 4 * p.n_pool[s][0]));
        CU_ASSERT(!memcmp(p.pool[s][1], o.pool[s][1], 4 * p.n_pool[s][1]));
    }
    free(seen);
    cb_overlay_free(&o);
    cb_overlay_free(&p);
}

static void test_independence(void) {
    UNIT_OK(open_library());
    enum { N = 300 };
    static uint16_t et[2][N * CB_REGIONS];
    static uint8_t bits[2][N * CB_REGIONS];
    cb_overlay o;
    UNIT_OK(cb_overlay_new(&o, &lib, "haa4b", shares, 7));
    int threads = cb_threads();
    cb_threads_set(1);
    cb_overlay_events(&o, 2, 0, N, et[0], bits[0]);
    cb_threads_set(3);
    for (int at = 0; at < N; at += 50) /* in pieces, backwards, by three threads */
        cb_overlay_events(&o, 2, (uint64_t)(N - 50 - at), 50, et[1] + (N - 50 - at) * CB_REGIONS,
                          bits[1] + (N - 50 - at) * CB_REGIONS);
    cb_threads_set(threads);
    CU_ASSERT(!memcmp(et[0], et[1], sizeof et[0]) && !memcmp(bits[0], bits[1], sizeof bits[0]));
    cb_overlay_events(&o, 0, 0, N, et[1], bits[1]);
    int same = 0;
    for (int i = 0; i < N; i++) same += !memcmp(et[0] + i * CB_REGIONS, et[1] + i * CB_REGIONS, 2 * CB_REGIONS);
    CU_ASSERT_EQUAL(same, 0); /* another split, other events */
    cb_overlay_free(&o);
}

/* Bits: none below 2 counts; noise alone gives single counts. */
static void test_rules(void) {
    UNIT_OK(open_library());
    cb_overlay o;
    UNIT_OK(cb_overlay_new(&o, &lib, "suep", everything, 1));
    uint16_t et[CB_REGIONS];
    uint8_t bits[CB_REGIONS];
    int saturated = 0, bad = 0;
    for (uint64_t e = 0; e < 3000; e++) {
        cb_overlay_event(&o, 0, e, et, bits);
        for (int i = 0; i < CB_REGIONS; i++) {
            saturated += et[i] == CB_ET_MAX;
            bad += et[i] > CB_ET_MAX || bits[i] > 3 || (et[i] <= 1 && bits[i]);
        }
    }
    CU_ASSERT(saturated > 0 && bad == 0);
    cb_overlay_free(&o);
}

static void test_bad(void) {
    UNIT_OK(open_library());
    cb_overlay o;
    UNIT_FAILS(cb_overlay_new(&o, &lib, "higgs", shares, 1), "unknown sample higgs: zb, zb_low");
    UNIT_FAILS(cb_overlay_new(&o, &lib, "minbias", shares, 1), "this one is pile-up");
    UNIT_FAILS(cb_overlay_new(&o, &lib, "zb", (double[]){0.5, 0.5, 0.5}, 1), "three fractions with sum 1");
    UNIT_OK(cb_overlay_new(&o, &lib, "nu", everything, 1));
    UNIT_OK(cb_overlay_check(&o, CB_TRAIN));
    UNIT_FAILS(cb_overlay_check(&o, CB_TEST), "no events of minbias for test");
    cb_overlay_free(&o);
    cb_library l;
    UNIT_FAILS(cb_library_read(&l, "data/published/scores.h5"), "dataset process is missing");
    UNIT_FAILS(cb_library_read(&l, "data/none.h5"), "cannot open");
}

/* A small library of our own with one thing wrong. */
static int tiny_library(const char *path, const char *wrong) {
    cb_h5 *f = cb_h5_create(path, "x/1", "test", "");
    if (!f) return -1;
    uint32_t first[] = {0, 1, 2}, offset[] = {0, 2, 3};
    uint8_t gap[] = {1, 251, 3}, bits[] = {0, 3, 1};
    uint16_t et[] = {5, 6, 700}, bin[] = {1, 5};
    float prob[3 * 2 * 4] = {0.5f, 0.5f}, noise[3 * 7] = {0.1f};
    if (!strcmp(wrong, "offset")) offset[1] = 4;
    if (!strcmp(wrong, "first")) first[2] = 3;
    if (!strcmp(wrong, "gap")) gap[1] = 252;
    if (!strcmp(wrong, "zero gap")) gap[1] = 0;
    if (!strcmp(wrong, "bits")) bits[2] = 4;
    if (!strcmp(wrong, "prob")) prob[3] = 1.5f;
    if (!strcmp(wrong, "noise")) noise[20] = -0.5f;
    if (!strcmp(wrong, "bin")) bin[1] = 1;
    const char *names[] = {"minbias", strcmp(wrong, "name") ? "mbtail" : "other"};
    static const char *const number[] = {"mu_low", "mu_high", "mu_mc", "overlay_rel_zb", "fraction_low", "overlay_rel_mc", "p_tail"};
    int rc = cb_h5_write_strings(f, "process", 2, names) || cb_h5_write(f, "first_event", CB_U32, 1, (uint64_t[]){3}, first) ||
             cb_h5_write(f, "event_offset", CB_U32, 1, (uint64_t[]){3}, offset) ||
             cb_h5_write(f, "gap", CB_U8, 1, (uint64_t[]){3}, gap) || cb_h5_write(f, "bits", CB_U8, 1, (uint64_t[]){3}, bits) ||
             cb_h5_write(f, "et", CB_U16, 1, (uint64_t[]){strcmp(wrong, "short") ? 3 : 2}, et) ||
             cb_h5_write(f, "bit_bin", CB_U16, 1, (uint64_t[]){2}, bin) ||
             cb_h5_write(f, "bits_prob", CB_F32, 3, (uint64_t[]){3, 2, 4}, prob) ||
             cb_h5_write(f, "noise_prob", CB_F32, 2, (uint64_t[]){3, 7}, noise);
    for (int i = 0; i < 7 && !rc; i++)
        if (strcmp(wrong, number[i])) rc = cb_h5_set_f64(f, "/", number[i], strcmp(wrong, "negative") ? 0.5 : -1);
    if (!rc) return cb_h5_commit(&f);
    cb_h5_close(&f);
    return -1;
}

static void test_bad_library(void) {
    static const char *const table[][2] = {
        {"offset", "event_offset[2] is 3; offsets that rise"}, {"first", "first_event[2] is 3; offsets"},
        {"gap", "gap[1]: event 0 leaves the 252 regions"}, {"zero gap", "gap[1]: event 0 leaves"},
        {"bits", "bits[2] is 4; 0 to 3 wanted"}, {"prob", "bits_prob: element 3 is 1.5; a probability"},
        {"noise", "noise_prob: element 20 is -0.5"}, {"bin", "bit_bin[1]: edges must rise"},
        {"name", "no process mbtail"}, {"short", "dataset et has shape (2), (3) wanted"},
        {"p_tail", "attribute p_tail of /: missing"}, {"negative", "attribute mu_low is -1; 0 to 500 wanted"}};
    const char *path = unit_scratch("library.h5");
    cb_library l;
    UNIT_OK(tiny_library(path, ""));
    UNIT_OK(cb_library_read(&l, path));
    CU_ASSERT(l.n_hit == 3 && l.hit[1].region == 251 && l.hit[2].region == 2 && l.hit[2].et == 700);
    cb_library_free(&l);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        UNIT_OK(tiny_library(path, table[i][0]));
        UNIT_FAILS(cb_library_read(&l, path), table[i][1]);
    }
    unlink(path);
}

/* One collision of two hits: all 18 rotations and both mirror images, about equally often. */
static void test_orientations(void) {
    const char *path = unit_scratch("library.h5");
    cb_library l;
    cb_overlay o;
    UNIT_OK(tiny_library(path, ""));
    UNIT_OK(cb_library_read(&l, path));
    UNIT_OK(cb_overlay_new(&o, &l, "nu", everything, 1));
    uint16_t et[CB_REGIONS];
    uint8_t bits[CB_REGIONS];
    int found[18][2] = {{0}}, alone = 0;
    for (uint64_t e = 0; e < 20000; e++) {
        cb_overlay_event(&o, 0, e, et, bits);
        unsigned sum = 0;
        int five = -1, six = -1;
        for (int i = 0; i < CB_REGIONS; i++) {
            sum += et[i];
            if (et[i] == 5) five = i;
            if (et[i] == 6) six = i;
        }
        if (sum != 11 || five < 0 || six < 0) continue;
        alone++; /* hits of the library: phi 0 eta 0, and phi 17 eta 13 */
        int phi = five / 14, mirror = five % 14 == 13;
        CU_ASSERT(five % 14 == (mirror ? 13 : 0) && six == (phi + 17) % 18 * 14 + (mirror ? 0 : 13));
        found[phi][mirror]++;
    }
    CU_ASSERT(alone > 2000);
    for (int i = 0; i < 36; i++) CU_ASSERT_DOUBLE_EQUAL(found[i / 2][i % 2], alone / 36.0, 5 * sqrt(alone / 36.0));
    cb_overlay_free(&o);
    cb_library_free(&l);
    unlink(path);
}

static void test_close(void) { cb_library_free(&lib); }

UNIT_MAIN("overlay", {"statistics of targets.csv", test_targets}, {"division of the library", test_division},
          {"threads, order and number of events", test_independence}, {"saturation and veto bits", test_rules},
          {"bad samples and splits", test_bad}, {"bad libraries", test_bad_library},
          {"rotations and mirror images", test_orientations}, {"library released", test_close})
