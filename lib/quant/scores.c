#include "quant/scores.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t total(const cb_scores *s) { return s->first[s->set.n_process]; }
static size_t events(const cb_scores *s, int p) { return s->first[p + 1] - s->first[p]; }
static const uint16_t *images(const cb_scores *s, int p) {
    return s->data->et + s->first_event[p] * (uint64_t)(s->data->height * s->data->width);
}

static int find_events(cb_scores *s) {
    const cb_dataset *d = s->data;
    int zb = cb_dataset_process(d, "zb");
    s->first = cb_alloc(d->n_process + 1, sizeof *s->first);
    s->first_event = cb_alloc(d->n_process, sizeof *s->first_event);
    if (zb < 0 || !s->first || !s->first_event) return -1;
    for (uint64_t p = 0; p < d->n_process; p++) {
        uint64_t n = 0;
        uint32_t *event = cb_dataset_select(d, (int)p, s->split, &n);
        if (!event) return -1;
        s->first_event[p] = n ? event[0] : 0;
        s->first[p + 1] = s->first[p] + n;
        free(event);
    }
    s->set = (cb_event_set){(int)d->n_process, zb, (const char *const *)d->process_name, s->first};
    return 0;
}

static cb_scored *add_row(cb_scores *s, const char *student, const char *family, int64_t seed, bool teacher_scale) {
    cb_scored *row = cb_realloc(s->row, (size_t)s->n + 1, sizeof *row);
    if (!row) return NULL;
    s->row = row;
    row += s->n;
    *row = (cb_scored){.seed = seed, .teacher_scale = teacher_scale};
    snprintf(row->student, sizeof row->student, "%s", student);
    snprintf(row->family, sizeof row->family, "%s", family);
    row->score = cb_alloc(total(s), sizeof *row->score);
    if (!row->score) return NULL;
    s->n++;
    return row;
}

/* The test events of a score of all events of the dataset. */
static void take(const cb_scores *s, cb_scored *row, const float *all) {
    for (int p = 0; p < s->set.n_process; p++)
        memcpy(row->score + s->first[p], all + s->first_event[p], events(s, p) * sizeof *all);
}

static int add_targets(cb_scores *s, const cb_targets *t, int64_t seed) {
    cb_scored *row = add_row(s, "teacher", "teacher", seed, true);
    if (!row) return -1;
    for (int p = 0; p < s->set.n_process; p++)
        for (size_t i = 0; i < events(s, p); i++)
            row->score[s->first[p] + i] = (float)t->target[s->first_event[p] + i] / CB_TARGET_ONE;
    return 0;
}

static int add_teacher(cb_scores *s, const cb_targets *t, int64_t seed) {
    if (add_targets(s, t, seed)) return -1;
    cb_scored *row = add_row(s, "teacher-mse", "teacher", seed, false);
    if (!row) return -1;
    take(s, row, t->mse);
    row = t->float_score ? add_row(s, "float", "float", seed, true) : NULL;
    if (t->float_score && !row) return -1;
    if (row) take(s, row, t->float_score);
    return 0;
}

/* Total and highest E_T in GeV; exact in float32. */
static int add_plain(cb_scores *s) {
    cb_scored *r = add_row(s, "total-et", "plain", 0, false);
    float *sum = r ? r->score : NULL;
    r = sum ? add_row(s, "max-et", "plain", 0, false) : NULL;
    if (!r) return -1;
    size_t cells = (size_t)(s->data->height * s->data->width);
    for (int p = 0; p < s->set.n_process; p++)
        for (size_t i = 0; i < events(s, p); i++) {
            const uint16_t *et = images(s, p) + i * cells;
            uint32_t all = 0, highest = 0;
            for (size_t k = 0; k < cells; k++) {
                all += et[k];
                if (et[k] > highest) highest = et[k];
            }
            sum[s->first[p] + i] = (float)all / 2;
            r->score[s->first[p] + i] = (float)highest / 2;
        }
    return 0;
}

int cb_scores_begin(cb_scores *s, const cb_dataset *data, const cb_targets *targets, int64_t seed) {
    *s = (cb_scores){.data = data, .split = CB_TEST};
    if (!find_events(s) && !add_teacher(s, targets, seed) && !add_plain(s)) return 0;
    cb_scores_free(s);
    return -1;
}

int cb_scores_teacher(cb_scores *s, const cb_dataset *data, const cb_targets *targets, int split, int64_t seed) {
    *s = (cb_scores){.data = data, .split = split};
    if (!find_events(s) && !add_targets(s, targets, seed)) return 0;
    cb_scores_free(s);
    return -1;
}

int cb_scores_of(const cb_scores *s, const cb_programme *p, float *score) {
    if (p->input_h != s->data->height || p->input_w != s->data->width)
        return cb_fail("student %s reads images of %d x %d, the dataset has %d x %d", p->name, p->input_h, p->input_w,
                       s->data->height, s->data->width);
    uint16_t *code = cb_alloc(total(s), sizeof *code);
    int rc = code ? 0 : -1;
    for (int k = 0; k < s->set.n_process && !rc; k++)
        rc = cb_programme_score(p, images(s, k), events(s, k), code + s->first[k]);
    for (size_t i = 0; !rc && i < total(s); i++) score[i] = (float)code[i] / (1 << CB_SCORE_FRAC);
    free(code);
    return rc;
}

int cb_scores_add(cb_scores *s, const cb_programme *p) {
    cb_scored *row = add_row(s, p->name, p->family, p->seed, true);
    return row ? cb_scores_of(s, p, row->score) : -1;
}

int cb_scores_write(const cb_scores *s, cb_h5 *f) {
    for (int i = 0; i < s->n; i++) {
        if (cb_h5_group(f, s->row[i].student)) return -1;
        for (int p = 0; p < s->set.n_process; p++) {
            uint64_t n = events(s, p);
            char *name = cb_textf("%s/%s", s->row[i].student, s->set.process[p]);
            int rc = name ? cb_h5_write(f, name, CB_F32, 1, &n, s->row[i].score + s->first[p]) : -1;
            free(name);
            if (rc) return -1;
        }
    }
    return 0;
}

void cb_scores_free(cb_scores *s) {
    for (int i = 0; i < s->n; i++) free(s->row[i].score);
    free(s->row);
    free(s->first);
    free(s->first_event);
    *s = (cb_scores){0};
}
