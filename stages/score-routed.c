/* score-routed - the table of post-route figures, from synthesize's reports for an ECP5 (lib/stats/reports.h). They
 * stand apart from resources.tsv: another step, another family, LUTs of four inputs. */
#include <stdio.h>

#include "stage.h"
#include "stats/reports.h"

static const char *out_path;
static const cb_option options[] = {{"out", 'o', "FILE", "table to write (.tsv)", &out_path, CB_REQUIRED}, {0}};

static int run(const cb_stage *st) {
    cb_table t;
    if (cb_table_begin(&t, CB_ROUTED_HEADER, CB_ROUTED_KEYS)) return -1;
    int rc = 0;
    for (int i = 0; i < st->n_arguments && !rc; i++) rc = cb_reports_routed(&t, st->argument[i]);
    if (!rc) rc = cb_table_write(&t, out_path);
    cb_table_free(&t);
    return rc;
}

int main(int argc, char **argv) {
    cb_stage st = {.name = "score-routed", .options = options, .arguments = "REPORT.json...", .min_arguments = 1, .max_arguments = 4096,
                   .summary = "Writes the table of post-route figures."};
    cb_stage_begin(&st, argc, argv);
    return cb_stage_end(&st, run(&st));
}
