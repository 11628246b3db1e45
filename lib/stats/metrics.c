#include "stats/metrics.h"

#include <math.h>
#include <stdlib.h>

#include "stats/emd.h"

int cb_metrics_begin(cb_metrics_reference *r, const cb_event_set *set, const float *teacher) {
    *r = (cb_metrics_reference){.set = set, .teacher = teacher};
    r->sample = cb_alloc((size_t)set->n_process, sizeof *r->sample);
    int rc = r->sample ? 0 : -1;
    for (int p = 0; p < set->n_process && !rc; p++)
        rc = cb_sample_make(&r->sample[p], teacher + set->first[p], set->first[p + 1] - set->first[p], "teacher");
    if (rc) cb_metrics_end(r);
    return rc;
}

void cb_metrics_end(cb_metrics_reference *r) {
    for (int p = 0; r->sample && p < r->set->n_process; p++) cb_sample_free(&r->sample[p]);
    free(r->sample);
    *r = (cb_metrics_reference){0};
}

static int one_process(cb_metrics *m, const cb_metrics_reference *r, const float *score, int p, const cb_sample *zb,
                       const char *what) {
    const cb_event_set *set = r->set;
    size_t first = set->first[p], n = set->first[p + 1] - first;
    cb_sample own = {0};
    const cb_sample *sample = zb;
    if (p != set->zero_bias) {
        if (cb_sample_make(&own, score + first, n, what)) return -1;
        sample = &own;
    }
    *m = (cb_metrics){.n = n, .auc = NAN, .auc_lo = NAN, .auc_hi = NAN, .emd = cb_emd(sample, &r->sample[p])};
    m->mae = cb_mean_absolute_error(score + first, r->teacher + first, n);
    for (int k = 0; k < r->n_rate; k++) m->eff[k] = (cb_efficiency){.value = NAN, .lo = NAN, .hi = NAN};
    if (p != set->zero_bias) {
        cb_auc a = cb_roc_auc(sample, zb);
        m->auc = a.auc, m->auc_lo = a.lo, m->auc_hi = a.hi;
        for (int k = 0; k < r->n_rate; k++) m->eff[k] = cb_roc_efficiency(sample, zb, r->rate_khz[k], r->crossing_rate_khz);
    }
    cb_sample_free(&own);
    return 0;
}

int cb_metrics_make(cb_metrics *m, const cb_metrics_reference *r, const float *score, const char *what) {
    const cb_event_set *set = r->set;
    int z = set->zero_bias, rc = 0;
    cb_sample zb;
    if (cb_sample_make(&zb, score + set->first[z], set->first[z + 1] - set->first[z], what)) return -1;
    for (int p = 0; p < set->n_process && !rc; p++) rc = one_process(&m[p], r, score, p, &zb, what);
    cb_sample_free(&zb);
    return rc;
}
