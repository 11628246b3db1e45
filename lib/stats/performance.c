#include "stats/performance.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "stats/emd.h"
#include "stats/interval.h"
#include "stats/roc.h"

/* What all rows share. */
typedef struct {
    cb_performance *out;
    const cb_event_set *set;
    const cb_performance_options *o;
    const cb_scored *teacher;
    cb_sample *teacher_sample; /* [n_process] */
} context;

static size_t count_of(const cb_event_set *set, int p) { return set->first[p + 1] - set->first[p]; }

static int begin_tables(cb_performance *out, const cb_performance_options *o) {
    char header[2048], *h = header;
    h += sprintf(h, "student\tfamily\tseed\tprocess\tn\tauc\tauc_lo\tauc_hi\temd\temd_lo\temd_hi\tmae");
    for (int r = 0; r < o->n_rate; r++) {
        double v = o->rate_khz[r];
        h += sprintf(h, "\teff_%.9gkhz\teff_%.9gkhz_lo\teff_%.9gkhz_hi", v, v, v);
    }
    return cb_table_begin(&out->performance, header, 4) ||
                   cb_table_begin(&out->roc, "student\tprocess\trate_khz\tefficiency", 2) ||
                   cb_table_begin(&out->histograms, "student\tprocess\tbin_lo\tbin_hi\tcount", 2)
               ? -1
               : 0;
}

/* emd, its interval and mae as table cells. */
static int distance_cells(const context *c, const cb_scored *s, const cb_sample *sample, int p, char cells[160]) {
    double emd = NAN, lo = NAN, hi = NAN, mae = NAN, error = 0;
    if (s->teacher_scale) {
        const cb_sample *reference = &c->teacher_sample[p];
        char stream[128];
        snprintf(stream, sizeof stream, "emd/%s", c->set->process[p]);
        emd = cb_emd(sample, reference);
        if (s != c->teacher &&
            cb_emd_bootstrap(sample, reference, c->o->seed, stream, c->o->n_bootstrap, &error))
            return -1;
        lo = fmax(0, emd - CB_Z_95 * error);
        hi = emd + CB_Z_95 * error;
        size_t first = c->set->first[p];
        mae = cb_mean_absolute_error(s->score + first, c->teacher->score + first, sample->n);
    }
    snprintf(cells, 160, "%s\t%s\t%s\t%s", CB_CELL(emd), CB_CELL(lo), CB_CELL(hi), CB_CELL(mae));
    return 0;
}

static int performance_row(const context *c, const cb_scored *s, const cb_sample *sample, const cb_sample *zb, int p) {
    const cb_performance_options *o = c->o;
    bool signal = p != c->set->zero_bias;
    cb_auc auc = {0, NAN, NAN, NAN};
    if (signal) auc = cb_roc_auc(sample, zb);
    char distance[160], rates[CB_MAX_RATES * 90] = "", *q = rates;
    if (distance_cells(c, s, sample, p, distance)) return -1;
    for (int r = 0; r < o->n_rate; r++) {
        cb_efficiency e = {.value = NAN, .lo = NAN, .hi = NAN};
        if (signal) e = cb_roc_efficiency(sample, zb, o->rate_khz[r], o->crossing_rate_khz);
        q += sprintf(q, "\t%s\t%s\t%s", CB_CELL(e.value), CB_CELL(e.lo), CB_CELL(e.hi));
    }
    return cb_table_row(&c->out->performance, "%s\t%s\t%lld\t%s\t%zu\t%s\t%s\t%s\t%s%s", s->student, s->family,
                        (long long)s->seed, c->set->process[p], sample->n, CB_CELL(auc.auc), CB_CELL(auc.lo),
                        CB_CELL(auc.hi), distance, rates);
}

static int roc_rows(const context *c, const cb_scored *s, const cb_sample *sample, const cb_sample *zb, int p) {
    enum { MAX_POINTS = 1024 };
    cb_roc_point point[MAX_POINTS];
    size_t n = cb_roc_curve(sample, zb, CB_ROC_PER_DECADE, point, MAX_POINTS);
    for (size_t i = 0; i < n; i++) {
        double rate = (double)point[i].background / (double)zb->n * c->o->crossing_rate_khz;
        double efficiency = (double)point[i].signal / (double)sample->n;
        if (cb_table_row(&c->out->roc, "%s\t%s\t%s\t%s", s->student, c->set->process[p], CB_CELL(rate),
                         CB_CELL(efficiency)))
            return -1;
    }
    return 0;
}

static int histogram_rows(const context *c, const cb_scored *s, const cb_sample *sample, int p) {
    for (int b = 0; b < CB_SCORE_BINS; b++) {
        int lo = b * CB_SCORE_BIN_WIDTH, hi = lo + CB_SCORE_BIN_WIDTH;
        /* the first and the last bin also hold what lies outside */
        size_t above_lo = b ? cb_sample_accepted(sample, (float)lo) : sample->n;
        size_t above_hi = b + 1 < CB_SCORE_BINS ? cb_sample_accepted(sample, (float)hi) : 0;
        if (cb_table_row(&c->out->histograms, "%s\t%s\t%d\t%d\t%zu", s->student, c->set->process[p], lo, hi,
                         above_lo - above_hi))
            return -1;
    }
    return 0;
}

static int sample_of(const context *c, const cb_scored *s, int p, cb_sample *sample) {
    char what[160];
    snprintf(what, sizeof what, "scores of %s on %s", s->student, c->set->process[p]);
    return cb_sample_make(sample, s->score + c->set->first[p], count_of(c->set, p), what);
}

static int process_rows(const context *c, const cb_scored *s, const cb_sample *zb, int p) {
    cb_sample sample;
    if (sample_of(c, s, p, &sample)) return -1;
    int rc = performance_row(c, s, &sample, zb, p);
    if (!rc && p != c->set->zero_bias) rc = roc_rows(c, s, &sample, zb, p);
    if (!rc && s->teacher_scale) rc = histogram_rows(c, s, &sample, p);
    cb_sample_free(&sample);
    return rc;
}

static int student_rows(const context *c, const cb_scored *s) {
    cb_sample zb;
    if (sample_of(c, s, c->set->zero_bias, &zb)) return -1;
    int rc = 0;
    for (int p = 0; p < c->set->n_process && !rc; p++)
        if (count_of(c->set, p)) rc = process_rows(c, s, &zb, p);
    cb_sample_free(&zb);
    return rc;
}

static int check_input(const cb_event_set *set, const cb_scored *scored, int n) {
    for (int i = 0; i < n; i++)
        for (int k = 0; k < i; k++)
            if (!strcmp(scored[i].student, scored[k].student))
                return cb_fail("two students are named '%s' (seeds %lld and %lld): give one another name "
                               "([student] name), or pass the file once",
                               scored[i].student, (long long)scored[k].seed, (long long)scored[i].seed);
    if (!count_of(set, set->zero_bias)) return cb_fail("no zero bias events to score: the test split is empty");
    for (int p = 0; p < set->n_process; p++)
        if (!count_of(set, p)) cb_warn("process %s has no events to score: left out", set->process[p]);
    return 0;
}

int cb_performance_make(cb_performance *out, const cb_event_set *set, const cb_scored *scored, int n_scored,
                        int teacher, const cb_performance_options *o) {
    *out = (cb_performance){0};
    if (check_input(set, scored, n_scored) || begin_tables(out, o)) return -1;
    context c = {out, set, o, &scored[teacher], cb_alloc((size_t)set->n_process, sizeof(cb_sample))};
    if (!c.teacher_sample) return -1;
    int rc = 0;
    for (int p = 0; p < set->n_process && !rc; p++) rc = sample_of(&c, c.teacher, p, &c.teacher_sample[p]);
    for (int i = 0; i < n_scored && !rc; i++) {
        cb_progress("statistics", i, n_scored, scored[i].student);
        rc = student_rows(&c, &scored[i]);
    }
    cb_progress_end();
    for (int p = 0; p < set->n_process; p++) cb_sample_free(&c.teacher_sample[p]);
    free(c.teacher_sample);
    return rc;
}

void cb_performance_free(cb_performance *p) {
    cb_table_free(&p->performance);
    cb_table_free(&p->roc);
    cb_table_free(&p->histograms);
}
