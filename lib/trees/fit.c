/* Training of a tree student. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/threads.h"
#include "trees/student.h"

enum { CHUNK = 4096, CODES = 65536 };

/* One split: bins, how far the score still is from the target, weights. */
typedef struct {
    cb_tree_events x;
    uint8_t *bin;
    int32_t *residual; /* codes */
    uint16_t *weight;
} events;

typedef struct {
    cb_tree_student *s;
    const cb_student_set *set;
    const cb_tree_plan *plan;
    int *n_bin;
    events split[2];   /* CB_TRAIN, CB_VAL */
    uint16_t *et;      /* CHUNK images and their features */
    int32_t *value;
} fit;

/* ---- features ---- */

/* Features of n events from `first` on. */
static int chunk_values(fit *f, int split, uint32_t first, uint32_t n) {
    size_t pixels = (size_t)f->set->n_feature, features = (size_t)f->s->n_feature;
    if (cb_rows_copy(f->set->image[split], NULL, first, n, f->et)) return -1;
#pragma omp parallel for schedule(static)
    for (uint32_t e = 0; e < n; e++) cb_regions_values(&f->s->regions, f->et + e * pixels, f->value + e * features);
    return 0;
}

static uint32_t chunk_at(const fit *f, int split, uint32_t first) {
    return f->set->n[split] - first < CHUNK ? f->set->n[split] - first : CHUNK;
}

/* How often each feature has each value in the training events: count + at[feature]. */
static int count_values(fit *f, uint32_t *count, const size_t *at) {
    size_t features = (size_t)f->s->n_feature;
    for (uint32_t first = 0; first < f->set->n[CB_TRAIN]; first += CHUNK) {
        uint32_t n = chunk_at(f, CB_TRAIN, first);
        if (chunk_values(f, CB_TRAIN, first, n)) return -1;
#pragma omp parallel for schedule(static)
        for (size_t k = 0; k < features; k++)
            for (uint32_t e = 0; e < n; e++) count[at[k] + (size_t)f->value[e * features + k]]++;
    }
    return 0;
}

static int make_cuts(fit *f) {
    cb_tree_student *s = f->s;
    size_t *at = cb_alloc((size_t)s->n_feature + 1, sizeof *at);
    if (!at) return -1;
    for (int k = 0; k < s->n_feature; k++) at[k + 1] = at[k] + (size_t)cb_regions_most(&s->regions, k) + 1;
    uint32_t *count = cb_alloc(at[s->n_feature], sizeof *count);
    int rc = count ? count_values(f, count, at) : -1;
    for (int k = 0; k < s->n_feature && !rc; k++) {
        s->n_cut[k] = cb_tree_cuts(count + at[k], cb_regions_most(&s->regions, k), s->cut + (size_t)k * CB_TREE_BINS);
        f->n_bin[k] = s->n_cut[k] + 1;
    }
    free(count);
    free(at);
    return rc;
}

static int make_bins(fit *f, int split) {
    const cb_tree_student *s = f->s;
    size_t features = (size_t)s->n_feature, all = f->set->n[split];
    events *x = &f->split[split];
    for (uint32_t first = 0; first < all; first += CHUNK) {
        uint32_t n = chunk_at(f, split, first);
        if (chunk_values(f, split, first, n)) return -1;
#pragma omp parallel for schedule(static)
        for (size_t k = 0; k < features; k++)
            for (uint32_t e = 0; e < n; e++)
                x->bin[k * all + first + e] = cb_tree_bin(s->cut + k * CB_TREE_BINS, s->n_cut[k], f->value[e * features + k]);
    }
    return 0;
}

/* ---- start ---- */

static int events_new(fit *f, int split) {
    events *x = &f->split[split];
    uint32_t n = f->set->n[split];
    x->bin = cb_alloc((size_t)n, (size_t)f->s->n_feature);
    x->residual = cb_alloc(n, sizeof *x->residual);
    x->weight = cb_alloc(n, sizeof *x->weight);
    x->x = (cb_tree_events){f->s->n_feature, n, x->bin, f->n_bin};
    if (!x->bin || !x->residual || !x->weight) return -1;
    for (uint32_t e = 0; e < n; e++) {
        bool tail = f->set->code[split][e] >= f->plan->tail_from * 256;
        x->weight[e] = tail ? (uint16_t)rint(f->plan->tail_weight * CB_TREE_WEIGHT) : CB_TREE_WEIGHT;
    }
    return 0;
}

/* Weighted median of the targets, in steps of 2^-frac. */
static int find_start(fit *f) {
    const events *x = &f->split[CB_TRAIN];
    int64_t *weight = cb_alloc(CODES, sizeof *weight), all = 0, seen = 0;
    int32_t median = 0;
    if (!weight) return -1;
    for (uint32_t e = 0; e < x->x.n; e++) weight[f->set->code[CB_TRAIN][e]] += x->weight[e], all += x->weight[e];
    while (median < CODES - 1 && 2 * (seen += weight[median]) < all) median++;
    f->s->start = (int32_t)rint((double)median / (256 >> f->s->frac));
    free(weight);
    for (int split = 0; split < 2; split++)
        for (uint32_t e = 0; e < f->set->n[split]; e++)
            f->split[split].residual[e] = f->set->code[split][e] - f->s->start * (256 >> f->s->frac);
    return 0;
}

static int fit_new(fit *f) {
    cb_tree_student *s = f->s;
    size_t features = (size_t)s->n_feature;
    s->n_cut = cb_alloc(features, sizeof *s->n_cut);
    s->cut = cb_alloc(features, CB_TREE_BINS * sizeof *s->cut);
    s->tree = cb_alloc((size_t)f->plan->trees, sizeof *s->tree);
    f->n_bin = cb_alloc(features, sizeof *f->n_bin);
    f->et = cb_alloc(CHUNK, (size_t)f->set->n_feature * sizeof *f->et);
    f->value = cb_alloc(CHUNK, features * sizeof *f->value);
    if (!s->n_cut || !s->cut || !s->tree || !f->n_bin || !f->et || !f->value) return -1;
    return events_new(f, CB_TRAIN) || events_new(f, CB_VAL) || make_cuts(f) || make_bins(f, CB_TRAIN) || make_bins(f, CB_VAL) ||
                   find_start(f)
               ? -1
               : 0;
}

static void fit_free(fit *f) {
    for (int split = 0; split < 2; split++) {
        free(f->split[split].bin);
        free(f->split[split].residual);
        free(f->split[split].weight);
    }
    free(f->n_bin);
    free(f->et);
    free(f->value);
}

/* ---- trees ---- */

static void add_tree(fit *f, const cb_tree *t) {
    for (int split = 0; split < 2; split++) {
        events *x = &f->split[split];
#pragma omp parallel for schedule(static)
        for (uint32_t e = 0; e < x->x.n; e++) x->residual[e] -= cb_tree_value(t, &x->x, e) * (256 >> f->s->frac);
    }
}

/* Weighted mean absolute error of the score (limited to its 16 bits) on the validation events. */
static double validate(const fit *f) {
    const events *x = &f->split[CB_VAL];
    int64_t sum = 0, weights = 0;
    for (uint32_t e = 0; e < x->x.n; e++) {
        int32_t y = f->set->code[CB_VAL][e], score = y - x->residual[e];
        score = score < 0 ? 0 : score > CODES - 1 ? CODES - 1 : score;
        sum += (int64_t)x->weight[e] * abs(score - y);
        weights += x->weight[e];
    }
    return weights ? (double)sum / (256 * (double)weights) : 0;
}

/* "18x1+2,0/1 > 3, ...": what a tree asks, for the log. */
static char *questions_of(const cb_tree_student *s, const cb_tree *t) {
    char *text = cb_strdup("");
    for (int d = 0; d < t->depth && text; d++) {
        char name[48];
        cb_regions_name(&s->regions, t->feature[d], name);
        char *more = cb_textf("%s%s%s > %d", text, d ? ", " : "", name, (int)s->cut[t->feature[d] * CB_TREE_BINS + t->cut[d]]);
        free(text);
        text = more;
    }
    return text;
}

static int grow_all(fit *f, cb_history *history) {
    cb_tree_student *s = f->s;
    const events *x = &f->split[CB_TRAIN];
    int32_t clip = cb_tree_clip(&f->plan->recipe);
    for (int k = 0; k < f->plan->trees; k++) {
        char note[96];
        if (cb_tree_grow(&s->tree[k], &x->x, &f->plan->recipe, x->residual, x->weight)) return -1;
        add_tree(f, &s->tree[k]);
        double loss = cb_tree_loss(x->residual, x->weight, x->x.n, clip) / (65536.0 * CB_TREE_WEIGHT * x->x.n), error = validate(f);
        if (cb_history_add(history, loss, error)) s->n_tree = k + 1;
        snprintf(note, sizeof note, "loss %.4f, validation %.4f, depth %d, leaves of %d digits", loss, error, s->tree[k].depth,
                 cb_tree_digits(&s->tree[k]));
        cb_progress("tree", k + 1, f->plan->trees, note);
        cb_detail("tree %d: %s", k + 1, note);
        if (!s->tree[k].depth) break; /* nothing left to ask */
    }
    cb_progress_end();
    char *asked = questions_of(s, &s->tree[0]);
    if (!asked) return -1;
    cb_info("the first tree asks: %s (tile + place / view)", *asked ? asked : "nothing");
    free(asked);
    cb_info("%d of %d trees on %d sums of regions: mean absolute error %.4f", s->n_tree, f->plan->trees, s->n_feature,
            history->val_loss[history->best]);
    return 0;
}

int cb_tree_fit(cb_tree_student *s, const cb_regions *regions, const cb_student_set *set, const cb_tree_plan *plan,
                cb_history *history) {
    *s = (cb_tree_student){.regions = *regions, .frac = plan->recipe.frac};
    if (cb_regions_check(regions)) return -1;
    if (plan->tail_weight * CB_TREE_WEIGHT > CB_TREE_HEAVIEST)
        return cb_fail("trees: tail weight %.9g, at most %d", plan->tail_weight, CB_TREE_HEAVIEST / CB_TREE_WEIGHT);
    if (set->height != regions->height || set->width != regions->width)
        return cb_fail("trees: regions of %d x %d images, events of %d x %d", regions->height, regions->width, set->height, set->width);
    s->n_feature = cb_regions_features(regions);
    fit f = {.s = s, .set = set, .plan = plan};
    int rc = cb_history_new(history, plan->trees) || fit_new(&f) || cb_student_set_check(set) || grow_all(&f, history) ? -1 : 0;
    fit_free(&f);
    return rc;
}
