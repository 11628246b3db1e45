/* published - the paper's table (results_df.csv) from the paper's per-event scores
 * (scores.h5), to every printed digit. What reproduces it, all 41 rows:
 *   roc_auc               AUC of the process against zero bias, both scored by the model, ties half;
 *                         in the zero bias rows the paper prints 0.0 for "none": it is 1/2 by
 *                         definition and not compared
 *   wasserstein_distance  EMD of the model's and the teacher's scores of the same process
 * both rounded to two digits after the point. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/artifact.h"
#include "stage.h"
#include "stats/emd.h"
#include "stats/roc.h"
#include "stats/table.h"

static const char *scores_path, *table_path, *out_path;
static const cb_option options[] = {
    {"scores", 's', "FILE", "per-event scores: /<model>/<process> (HDF5)", &scores_path, CB_REQUIRED},
    {"table", 't', "FILE", "printed values: student_label,process,wasserstein_distance,roc_auc (CSV)",
     &table_path, CB_REQUIRED},
    {"out", 'o', "FILE", "table to write", &out_path, CB_REQUIRED},
    {0}};

#define ZERO_BIAS "ZeroBias"
#define TEACHER "teacher"
#define CSV_HEADER "student_label,process,wasserstein_distance,roc_auc"
enum { MAX_SAMPLES = 256, DIGITS = 2 };

/* Samples read so far; a file of 7 models and 6 processes has 42. */
static struct { char name[128]; cb_sample sample; } cache[MAX_SAMPLES];
static int n_cached;

static const cb_sample *sample_of(cb_h5 *f, const char *model, const char *process) {
    char name[sizeof cache[0].name];
    if (snprintf(name, sizeof name, "%s/%s", model, process) >= (int)sizeof name)
        return cb_fail_null("%s: the name '%s/%s' is too long", table_path, model, process);
    for (int i = 0; i < n_cached; i++)
        if (!strcmp(cache[i].name, name)) return &cache[i].sample;
    if (n_cached == MAX_SAMPLES) return cb_fail_null("%s: more than %d samples", table_path, MAX_SAMPLES);
    uint64_t n = 0;
    float *score = cb_h5_read(f, name, CB_F32, 1, &n);
    if (!score) return NULL;
    char *what = cb_textf("%s: dataset %s", scores_path, name);
    int rc = what && !cb_sample_make(&cache[n_cached].sample, score, n, what) ? 0 : -1;
    free(what);
    free(score);
    if (rc) return NULL;
    strcpy(cache[n_cached].name, name);
    return &cache[n_cached++].sample;
}

/* "Zero Bias" -> "ZeroBias"; "Teacher" -> "teacher": how scores.h5 names them. */
static void dataset_names(char *model, char *process) {
    if (!strcmp(model, "Teacher")) strcpy(model, TEACHER);
    char *q = process;
    for (const char *p = process; *p; p++)
        if (*p != ' ') *q++ = *p;
    *q = 0;
}

/* 0 if v rounds to the printed value, 1 if not. */
static int differs(const char *model, const char *process, const char *column, double v, double printed) {
    char a[64], b[64];
    snprintf(a, sizeof a, "%.*f", DIGITS, v);
    snprintf(b, sizeof b, "%.*f", DIGITS, printed);
    if (!strcmp(a, b)) return 0;
    cb_warn("%s %s: %s %s (%.17g), printed %s", model, process, column, a, v, b);
    return 1;
}

static int number(const char *text, int line, double *v) {
    char *end;
    *v = strtod(text, &end);
    return *text && !*end ? 0 : cb_fail("%s:%d: '%s' is not a number", table_path, line, text);
}

/* One line of the printed table; counts values that were compared and that differ. */
static int add_row(cb_table *t, cb_h5 *f, char *text, int line, int *compared, int *different) {
    char *field[5];
    double printed_emd, printed_auc;
    if (cb_split(text, ',', field, 5) != 4)
        return cb_fail("%s:%d: four columns wanted: " CSV_HEADER, table_path, line);
    if (number(field[2], line, &printed_emd) || number(field[3], line, &printed_auc)) return -1;
    dataset_names(field[0], field[1]);
    const char *model = field[0], *process = field[1];
    const cb_sample *score = sample_of(f, model, process), *zb = sample_of(f, model, ZERO_BIAS);
    const cb_sample *teacher = sample_of(f, TEACHER, process);
    if (!score || !zb || !teacher) return cb_fail_in("%s:%d", table_path, line);
    bool has_auc = strcmp(process, ZERO_BIAS) != 0;
    cb_auc auc = cb_roc_auc(score, zb);
    double emd = cb_emd(score, teacher);
    *compared += 1 + has_auc;
    *different += differs(model, process, "wasserstein_distance", emd, printed_emd);
    if (has_auc) *different += differs(model, process, "roc_auc", auc.auc, printed_auc);
    return cb_table_row(t, "%s\t%s\t%zu\t%llu\t%s\t%s\t%s\t%s\t%s", model, process, score->n,
                        (unsigned long long)auc.twice_u, CB_CELL(auc.auc), CB_CELL(emd), field[3], field[2],
                        has_auc ? "auc emd" : "emd");
}

static int compare(cb_table *t, cb_h5 *f, char *csv) {
    int line = 0, compared = 0, different = 0;
    for (char *next = csv, *text; (text = next) && *text;) {
        next = strchr(text, '\n');
        if (next) *next++ = 0;
        text[strcspn(text, "\r")] = 0;
        line++;
        if (line == 1 && strcmp(text, CSV_HEADER))
            return cb_fail("%s:1: header '%s', wanted '" CSV_HEADER "'", table_path, text);
        if (line > 1 && *text && add_row(t, f, text, line, &compared, &different)) return -1;
    }
    if (!compared) return cb_fail("%s: no rows", table_path);
    if (different)
        return cb_fail("%s: %d of %d printed values differ from those of %s", table_path, different, compared,
                       scores_path);
    cb_info("%s: all %d printed values are reproduced", table_path, compared);
    return 0;
}

static int run(void) {
    cb_table t = {0};
    char *csv = cb_file_read(table_path, NULL);
    cb_h5 *f = csv ? cb_h5_open(scores_path, NULL) : NULL;
    int rc = f && !cb_table_begin(&t, "model\tprocess\tn\ttwice_u\tauc\temd\tprinted_auc\tprinted_emd\tcompared", 2) &&
                     !compare(&t, f, csv) && !cb_table_write(&t, out_path) ? 0 : -1;
    cb_table_free(&t);
    cb_h5_close(&f);
    free(csv);
    while (n_cached) cb_sample_free(&cache[--n_cached].sample);
    return rc;
}

int main(int argc, char **argv) {
    cb_stage st = {.name = "published", .options = options,
                   .summary = "Recomputes the published table from the published scores; fails if a printed "
                              "digit differs."};
    cb_stage_begin(&st, argc, argv);
    return cb_stage_end(&st, run());
}
