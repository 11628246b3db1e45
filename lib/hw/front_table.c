#include "hw/front_table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/threads.h"
#include "quant/ebops.h"
#include "stats/front_mean.h"

static const char *const split_name[CB_FRONT_SPLITS] = {"val", "test"};

/* ---- measuring ---- */

int cb_front_table_begin(cb_front_table *t, const cb_dataset *data, const cb_targets *targets, const cb_performance_options *o,
                         const cb_hardware_rules *rules) {
    *t = (cb_front_table){.rules = *rules};
    for (int s = 0; s < CB_FRONT_SPLITS; s++) {
        cb_metrics_reference *r = &t->reference[s];
        if (cb_scores_teacher(&t->scores[s], data, targets, s ? CB_TEST : CB_VAL, (int64_t)o->seed) ||
            cb_metrics_begin(r, &t->scores[s].set, t->scores[s].row[0].score)) {
            cb_front_table_free(t);
            return -1;
        }
        r->n_rate = o->n_rate;
        r->crossing_rate_khz = o->crossing_rate_khz;
        memcpy(r->rate_khz, o->rate_khz, sizeof r->rate_khz);
    }
    return 0;
}

typedef struct {
    const cb_front_table *t;
    cb_front_entry *e;
} job;

static int measure(void *context, int k) {
    const job *j = context;
    const cb_programme *p = &j->e->file.programme[k];
    cb_front_measure *m = &j->e->point[k];
    if (cb_estimate_programme(p, &j->t->rules, &m->cost)) return cb_fail_in("%s", p->name);
    for (int s = 0; s < CB_FRONT_SPLITS; s++) {
        const cb_scores *scores = &j->t->scores[s];
        float *score = cb_alloc(scores->first[scores->set.n_process] + 1, sizeof *score);
        m->metrics[s] = cb_alloc((size_t)scores->set.n_process, sizeof *m->metrics[s]);
        int rc = score && m->metrics[s] ? 0 : -1;
        rc = rc || cb_scores_of(scores, p, score) || cb_metrics_make(m->metrics[s], &j->t->reference[s], score, p->name);
        free(score);
        if (rc) return -1;
    }
    return 0;
}

static int refuse_twin(const cb_front_table *t, const cb_front_file *f, const char *path) {
    for (int k = 0; k < t->n; k++)
        if (!strcmp(t->entry[k].file.name, f->name)) return cb_fail("%s: a front named '%s' was given before", path, f->name);
    return 0;
}

int cb_front_table_add(cb_front_table *t, const char *path) {
    cb_front_entry *more = cb_realloc(t->entry, (size_t)t->n + 1, sizeof *more);
    if (!more) return -1;
    t->entry = more;
    cb_front_entry *e = more + t->n;
    *e = (cb_front_entry){0};
    if (cb_front_read(&e->file, path) || refuse_twin(t, &e->file, path)) {
        cb_front_file_free(&e->file);
        return -1;
    }
    t->n++;
    e->point = cb_alloc((size_t)e->file.n_point, sizeof *e->point);
    if (!e->point) return -1;
    for (int k = 0; k < e->file.n_point; k++) e->point[k].lut_yosys = NAN;
    job j = {t, e};
    if (cb_threads_each(e->file.n_point, measure, &j)) return cb_fail_in("%s", path);
    cb_info("%s: %d points measured", e->file.name, e->file.n_point);
    return 0;
}

int cb_front_table_pick(cb_front_table *t, const char *student, double lut) {
    cb_h5 *f = cb_h5_open(student, CB_STUDENT_SCHEMA);
    char *front = f ? cb_h5_get_text(f, "/", "front") : NULL;
    int64_t point = -1;
    int rc = front && !cb_h5_get_i64(f, "/", "point", &point) ? 1 : -1;
    cb_h5_close(&f);
    for (int k = 0; k < t->n && rc > 0; k++)
        if (!strcmp(t->entry[k].file.name, front) && point >= 0 && point < t->entry[k].file.n_point) {
            t->entry[k].point[point].lut_yosys = lut;
            t->entry[k].point[point].picked = true;
            rc = 0;
        }
    if (rc > 0) rc = cb_fail("%s: no front named '%s' with a point %lld was given", student, front, (long long)point);
    free(front);
    return rc;
}

void cb_front_table_free(cb_front_table *t) {
    for (int k = 0; k < t->n; k++) {
        cb_front_entry *e = &t->entry[k];
        for (int i = 0; e->point && i < e->file.n_point; i++)
            for (int s = 0; s < CB_FRONT_SPLITS; s++) free(e->point[i].metrics[s]);
        free(e->point);
        cb_front_file_free(&e->file);
    }
    free(t->entry);
    for (int s = 0; s < CB_FRONT_SPLITS; s++) {
        cb_metrics_end(&t->reference[s]);
        cb_scores_free(&t->scores[s]);
    }
    *t = (cb_front_table){0};
}

/* ---- tables ---- */

static int point_rows(cb_table *out, const cb_front_entry *e) {
    const cb_front_file *f = &e->file;
    for (int k = 0; k < f->n_point; k++) {
        const cb_front_measure *m = &e->point[k];
        const cb_programme *p = &f->programme[k];
        const cb_front_run *r = &f->history[f->run[k]];
        if (cb_table_row(out, "%s\t%s\t%lld\t%03d\t%s\t%d\t%d\t%s\t%s\t%s\t%s\t%lld\t%lld\t%d\t%d\t%lld\t%lld\t%lld\t%s\t%s",
                         f->name, f->family, (long long)f->seed, k, p->name, f->run[k], f->epoch[k],
                         CB_CELL(r->beta ? r->beta[f->epoch[k] - 1] : NAN), CB_CELL(p->ebops), CB_CELL(f->exact[k]),
                         CB_CELL(f->val_mae[k]), (long long)p->parameters, (long long)m->cost.adders, m->cost.levels,
                         m->cost.cycles, (long long)m->cost.span, (long long)m->cost.sites, (long long)m->cost.ff,
                         CB_CELL(m->cost.fmax_mhz), CB_CELL(m->lut_yosys)))
            return -1;
    }
    return 0;
}

static int score_rows(cb_table *out, const cb_front_table *t, const cb_front_entry *e, int k, int s) {
    const cb_metrics_reference *r = &t->reference[s];
    for (int p = 0; p < r->set->n_process; p++) {
        const cb_metrics *m = &e->point[k].metrics[s][p];
        char rates[CB_MAX_RATES * 90] = "", *q = rates;
        if (!m->n) continue;
        for (int i = 0; i < r->n_rate; i++)
            q += sprintf(q, "\t%s\t%s\t%s", CB_CELL(m->eff[i].value), CB_CELL(m->eff[i].lo), CB_CELL(m->eff[i].hi));
        if (cb_table_row(out, "%s\t%lld\t%03d\t%s\t%s\t%zu\t%s\t%s\t%s\t%s\t%s%s", e->file.name, (long long)e->file.seed, k,
                         split_name[s], r->set->process[p], m->n, CB_CELL(m->auc), CB_CELL(m->auc_lo), CB_CELL(m->auc_hi),
                         CB_CELL(m->emd), CB_CELL(m->mae), rates))
            return -1;
    }
    return 0;
}

static int run_rows(cb_table *out, const cb_front_file *f) {
    for (int r = 0; r < f->n_run; r++)
        for (int e = 0; e < f->history[r].n; e++) {
            const cb_front_run *h = &f->history[r];
            if (cb_table_row(out, "%s\t%lld\t%02d\t%s\t%05d\t%s\t%s\t%s\t%s\t%s", f->name, (long long)f->seed, r, h->label, e + 1,
                             CB_CELL(h->beta ? h->beta[e] : NAN), CB_CELL(h->loss[e]), CB_CELL(h->val_mae[e]),
                             CB_CELL(h->ebops[e]), CB_CELL(h->exact ? h->exact[e] : NAN)))
                return -1;
        }
    return 0;
}

/* ---- widths ---- */

static int data_rows(cb_table *out, const char *student, const cb_op *op) {
    for (int e = 0; e < op->out_h * op->out_w * op->out_c; e++) {
        int c = op->out_c, width = cb_format_width(op->format[op->n_format > 1 ? e : 0]);
        if (cb_table_row(out, "%s\t%s\tdata\t%03d\t%03d\t%03d\t%d", student, op->name, e / c / op->out_w, e / c % op->out_w,
                         e % c, width))
            return -1;
    }
    return 0;
}

static int weight_rows(cb_table *out, const char *student, const cb_op *op) {
    bool conv = op->kind == CB_OP_CONV2D;
    int n = conv ? op->kh * op->kw * op->in_c : op->in_h * op->in_w * op->in_c, h = conv ? op->out_c : 1;
    for (int e = 0; e < n * h; e++) {
        int bits = 0, at = e / h; /* conv: one row a weight; dense: one row an input */
        for (int o = 0; o < op->out_c; o++)
            if (!conv || o == e % h) bits += cb_bit_span(op->w[at * op->out_c + o]);
        int c = op->in_c, w = conv ? op->kw : op->in_w;
        if (cb_table_row(out, "%s\t%s\tweights\t%03d\t%03d\t%03d\t%d", student, op->name, at / c / w, at / c % w,
                         conv ? e % h : at % c, bits))
            return -1;
    }
    return 0;
}

static int bit_rows(cb_table *out, const cb_front_entry *e) {
    for (int k = 0; k < e->file.n_point; k++) {
        const cb_programme *p = &e->file.programme[k];
        for (int o = 0; o < p->n_op && e->point[k].picked; o++) {
            const cb_op *op = &p->op[o];
            bool linear = op->kind == CB_OP_DENSE || op->kind == CB_OP_CONV2D;
            if ((op->kind == CB_OP_QUANT && data_rows(out, p->name, op)) || (linear && weight_rows(out, p->name, op))) return -1;
        }
    }
    return 0;
}

/* ---- means over seeds ---- */

/* Length of the part of a front's name that its seeds share. */
static size_t base_length(const char *name) { return strcspn(name, "@"); }

static bool same_front(const char *a, const char *b) {
    return base_length(a) == base_length(b) && !strncmp(a, b, base_length(a));
}

enum { EBOPS, LUT, AXES };
enum { AUC, EMD, MAE, METRICS };
static const char *const axis_name[AXES] = {"ebops", "lut"}, *const metric_name[METRICS] = {"auc", "emd", "mae"};

/* One seed's curve; buffers of 3 n doubles. */
static cb_front_curve curve_of(const cb_front_entry *e, int axis, int s, int process, int metric, double *buffer) {
    int n = e->file.n_point;
    double *cost = buffer, *value = buffer + n;
    for (int k = 0; k < n; k++) {
        const cb_metrics *m = &e->point[k].metrics[s][process];
        cost[k] = axis == EBOPS ? e->file.exact[k] : (double)e->point[k].cost.sites;
        value[k] = metric == AUC ? m->auc : metric == EMD ? m->emd : m->mae;
    }
    return (cb_front_curve){n, cost, e->file.val_mae, value};
}

static int mean_rows(cb_table *out, const cb_front_table *t, int first, int axis, int s, int process, int metric) {
    enum { MAX = 240 };
    const cb_front_file *head = &t->entry[first].file;
    cb_front_mean row[MAX];
    cb_front_curve *curve = cb_alloc((size_t)t->n, sizeof *curve);
    double *buffer = cb_alloc((size_t)t->n * 2 * CB_FRONT_MAX, sizeof *buffer);
    int n = 0, rc = curve && buffer ? 0 : -1;
    for (int k = first; k < t->n && !rc; k++)
        if (same_front(head->name, t->entry[k].file.name)) {
            curve[n] = curve_of(&t->entry[k], axis, s, process, metric, buffer + (size_t)n * 2 * CB_FRONT_MAX);
            n++;
        }
    int rows = rc ? -1 : cb_front_mean_make(row, MAX, curve, n);
    for (int k = 0; k < rows && rc == 0; k++)
        rc = cb_table_row(out, "%.*s\t%s\t%s\t%s\t%s\t%03d\t%d\t%s\t%s\t%s\t%s\t%s\t%s", (int)base_length(head->name), head->name,
                          axis_name[axis], split_name[s], t->reference[s].set->process[process], metric_name[metric], k, n,
                          CB_CELL(row[k].cost), CB_CELL(row[k].mean), CB_CELL(row[k].lo), CB_CELL(row[k].hi),
                          CB_CELL(row[k].least), CB_CELL(row[k].most));
    free(curve);
    free(buffer);
    return rows < 0 ? -1 : rc;
}

static bool is_first(const cb_front_table *t, int k) {
    for (int j = 0; j < k; j++)
        if (same_front(t->entry[j].file.name, t->entry[k].file.name)) return false;
    return true;
}

static int all_means(cb_table *out, const cb_front_table *t) {
    for (int k = 0; k < t->n; k++)
        for (int s = 0; s < CB_FRONT_SPLITS && is_first(t, k); s++)
            for (int p = 0; p < t->reference[s].set->n_process; p++)
                for (int c = 0; c < AXES * METRICS; c++)
                    if ((c % METRICS != AUC || p != t->reference[s].set->zero_bias) && t->entry[k].point[0].metrics[s][p].n &&
                        mean_rows(out, t, k, c / METRICS, s, p, c % METRICS))
                        return -1;
    return 0;
}

/* ---- writing ---- */

static int write_table(cb_table *t, int rc, const char *dir, const char *name) {
    char *path = rc ? NULL : cb_textf("%s/%s.tsv", dir, name);
    rc = path ? cb_table_write(t, path) : -1;
    free(path);
    cb_table_free(t);
    return rc;
}

static int write_scores(const cb_front_table *t, const char *dir) {
    char header[2048], *h = header;
    h += sprintf(h, "front\tseed\tpoint\tsplit\tprocess\tn\tauc\tauc_lo\tauc_hi\temd\tmae");
    for (int i = 0; i < t->reference[0].n_rate; i++) {
        double v = t->reference[0].rate_khz[i];
        h += sprintf(h, "\teff_%.9gkhz\teff_%.9gkhz_lo\teff_%.9gkhz_hi", v, v, v);
    }
    cb_table out;
    int rc = cb_table_begin(&out, header, 5);
    for (int k = 0; k < t->n && !rc; k++)
        for (int i = 0; i < t->entry[k].file.n_point * CB_FRONT_SPLITS && !rc; i++)
            rc = score_rows(&out, t, &t->entry[k], i / CB_FRONT_SPLITS, i % CB_FRONT_SPLITS);
    return write_table(&out, rc, dir, "front_scores");
}

int cb_front_table_write(const cb_front_table *t, const char *dir) {
    cb_table out;
    int rc = cb_table_begin(&out, "front\tseed\trun\tlabel\tepoch\tbeta\tloss\tval_mae\tebops\tebops_exact", 5);
    for (int k = 0; k < t->n && !rc; k++) rc = run_rows(&out, &t->entry[k].file);
    if (write_table(&out, rc, dir, "front_runs") || write_scores(t, dir)) return -1;
    rc = cb_table_begin(&out, "front\taxis\tsplit\tprocess\tmetric\tk\tn_seeds\tcost\tmean\tlo\thi\tleast\tmost", 6);
    if (!rc) rc = all_means(&out, t);
    if (write_table(&out, rc, dir, "front_means")) return -1;
    rc = cb_table_begin(&out, "student\tlayer\tkind\ty\tx\tchannel\tbits", 6);
    for (int k = 0; k < t->n && !rc; k++) rc = bit_rows(&out, &t->entry[k]);
    if (write_table(&out, rc, dir, "front_bits")) return -1;
    rc = cb_table_begin(&out, "front\tfamily\tseed\tpoint\tstudent\trun\tepoch\tbeta\tebops\tebops_exact\tval_mae\tparameters\t"
                              "adders\tlevels\tcycles\tlut_span\tlut_sites\tff\tfmax_mhz\tlut_yosys", 4);
    for (int k = 0; k < t->n && !rc; k++) rc = point_rows(&out, &t->entry[k]);
    return write_table(&out, rc, dir, "fronts");
}
