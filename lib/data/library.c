#include "data/library.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "data/artifact.h"
#include "data/layouts.h"

typedef unsigned long long ull;

void cb_library_free(cb_library *lib) {
    free(lib->process);
    free(lib->first_event);
    free(lib->event_offset);
    free(lib->hit);
    *lib = (cb_library){0};
}

/* Offsets rise from 0 to `end`. */
static int check_offsets(cb_h5 *f, const char *name, const uint32_t *v, uint64_t n, uint64_t end) {
    for (uint64_t i = 0; i <= n; i++)
        if ((i == 0 && v[0]) || (i && v[i] < v[i - 1]) || (i == n && v[i] != end))
            return cb_fail("%s: dataset %s[%llu] is %u; offsets that rise from 0 to %llu wanted", cb_h5_path(f),
                           name, (ull)i, v[i], (ull)end);
    return 0;
}

static int read_index(cb_library *lib, cb_h5 *f) {
    uint64_t n = 0;
    if (!(lib->process = cb_h5_read_strings(f, "process", &lib->n_process))) return -1;
    n = lib->n_process + 1;
    if (!(lib->first_event = cb_h5_read(f, "first_event", CB_U32, 1, &n))) return -1;
    n = 0;
    if (!(lib->event_offset = cb_h5_read(f, "event_offset", CB_U32, 1, &n))) return -1;
    if (n < 1) return cb_fail("%s: dataset event_offset is empty", cb_h5_path(f));
    lib->n_event = n - 1;
    lib->n_hit = lib->event_offset[n - 1];
    if (check_offsets(f, "first_event", lib->first_event, lib->n_process, lib->n_event)) return -1;
    return check_offsets(f, "event_offset", lib->event_offset, lib->n_event, lib->n_hit);
}

/* A hit's region is the previous one's of the event + gap, from -1. */
static int unpack_event(cb_library *lib, cb_h5 *f, uint64_t e, const uint8_t *gap, const uint8_t *bits,
                        const uint16_t *et) {
    int region = -1;
    for (uint32_t k = lib->event_offset[e]; k < lib->event_offset[e + 1]; k++) {
        region += gap[k];
        if (gap[k] < 1 || region >= CB_REGIONS)
            return cb_fail("%s: dataset gap[%u]: event %llu leaves the %d regions", cb_h5_path(f), k, (ull)e,
                           CB_REGIONS);
        if (bits[k] > 3) return cb_fail("%s: dataset bits[%u] is %d; 0 to 3 wanted", cb_h5_path(f), k, bits[k]);
        lib->hit[k] = (cb_hit){(uint8_t)region, bits[k], et[k]};
    }
    return 0;
}

static int read_hits(cb_library *lib, cb_h5 *f) {
    uint64_t n = lib->n_hit;
    uint8_t *gap = NULL, *bits = NULL;
    uint16_t *et = NULL;
    int rc = -1;
    if ((gap = cb_h5_read(f, "gap", CB_U8, 1, &n)) && (bits = cb_h5_read(f, "bits", CB_U8, 1, &n)) &&
        (et = cb_h5_read(f, "et", CB_U16, 1, &n)) && (lib->hit = cb_alloc(n, sizeof *lib->hit)))
        rc = 0;
    for (uint64_t e = 0; e < lib->n_event && !rc; e++) rc = unpack_event(lib, f, e, gap, bits, et);
    free(gap);
    free(bits);
    free(et);
    return rc;
}

static int check_probabilities(cb_h5 *f, const char *name, const float *p, uint64_t n) {
    for (uint64_t i = 0; i < n; i++)
        if (!(p[i] >= 0 && p[i] <= 1))
            return cb_fail("%s: dataset %s: element %llu is %g; a probability wanted", cb_h5_path(f), name,
                           (ull)i, p[i]);
    return 0;
}

static int read_bit_table(cb_library *lib, cb_h5 *f) {
    uint64_t n = 0;
    uint16_t *edge = cb_h5_read(f, "bit_bin", CB_U16, 1, &n);
    uint64_t dims[3] = {CB_PERIODS, n, 4};
    float *p = edge ? cb_h5_read(f, "bits_prob", CB_F32, 3, dims) : NULL;
    int rc = p ? check_probabilities(f, "bits_prob", p, CB_PERIODS * n * 4) : -1;
    if (!rc && (n < 1 || n > CB_LIBRARY_BINS || edge[0] > 1))
        rc = cb_fail("%s: dataset bit_bin: 1 to %d edges from 0 or 1 wanted", cb_h5_path(f), CB_LIBRARY_BINS);
    for (uint64_t i = 0; i < n && !rc; i++) {
        if (i && edge[i] <= edge[i - 1])
            rc = cb_fail("%s: dataset bit_bin[%llu]: edges must rise", cb_h5_path(f), (ull)i);
        lib->bit_bin[i] = edge[i];
        for (int period = 0; period < CB_PERIODS; period++)
            memcpy(lib->bits_prob[period][i], p + ((uint64_t)period * n + i) * 4, 4 * sizeof *p);
    }
    lib->n_bin = (int)n;
    free(edge);
    free(p);
    return rc;
}

static int read_noise(cb_library *lib, cb_h5 *f) {
    uint64_t dims[2] = {CB_PERIODS, CB_HALF_ETA};
    float *p = cb_h5_read(f, "noise_prob", CB_F32, 2, dims);
    if (!p) return -1;
    int rc = check_probabilities(f, "noise_prob", p, CB_PERIODS * CB_HALF_ETA);
    memcpy(lib->noise_prob, p, sizeof lib->noise_prob);
    free(p);
    return rc;
}

static int read_numbers(cb_library *lib, cb_h5 *f) {
    const struct { const char *name; double *to, hi; } row[] = {
        {"mu_low", &lib->mu_low, 500},         {"mu_high", &lib->mu_high, 500},
        {"mu_mc", &lib->mu_mc, 500},           {"overlay_rel_zb", &lib->overlay_rel_zb, 10},
        {"fraction_low", &lib->fraction_low, 1}, {"overlay_rel_mc", &lib->overlay_rel_mc, 10},
        {"p_tail", &lib->p_tail, 1}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        if (cb_h5_get_f64(f, "/", row[i].name, row[i].to)) return -1;
        if (*row[i].to < 0 || *row[i].to > row[i].hi)
            return cb_fail("%s: attribute %s is %g; 0 to %g wanted", cb_h5_path(f), row[i].name,
                           *row[i].to, row[i].hi);
    }
    return 0;
}

int cb_library_read(cb_library *lib, const char *path) {
    *lib = (cb_library){0};
    cb_h5 *f = cb_h5_open(path, NULL);
    if (!f) return -1;
    int rc = read_index(lib, f) || read_hits(lib, f) || read_bit_table(lib, f) || read_noise(lib, f) ||
             read_numbers(lib, f);
    if (!rc && (cb_library_process(lib, "minbias") < 0 || cb_library_process(lib, "mbtail") < 0))
        rc = cb_fail_in("%s", path);
    cb_h5_close(&f);
    if (rc) cb_library_free(lib);
    return rc ? -1 : 0;
}

int cb_library_process(const cb_library *lib, const char *name) {
    char names[1024] = "";
    for (uint64_t p = 0; p < lib->n_process; p++) {
        if (!strcmp(lib->process[p], name)) return (int)p;
        if (strlen(names) + strlen(lib->process[p]) + 2 < sizeof names)
            strcat(strcat(names, " "), lib->process[p]);
    }
    return cb_fail("the event library has no process %s; it has:%s", name, names);
}

int cb_library_split(const cb_library *lib, int process, uint32_t i, const double fraction[3]) {
    uint8_t number[4] = {(uint8_t)i, (uint8_t)(i >> 8), (uint8_t)(i >> 16), (uint8_t)(i >> 24)};
    double u = cb_hash_unit(0, lib->process[process], number, sizeof number);
    if (u < fraction[0]) return 0;
    if (u < fraction[0] + fraction[1] || fraction[2] <= 0) return fraction[1] > 0 ? 1 : 0;
    return 2;
}
