/* stage.h - what every stage program has in common: options, configuration,
 * log, exit status. A stage's main() is
 *
 *     static const char *data, *out;
 *     static const cb_option options[] = {
 *         {"data", 'd', "FILE", "dataset written by preprocess", &data, CB_REQUIRED},
 *         {"out", 'o', "FILE", "teacher to write", &out, CB_REQUIRED},
 *         {0}};
 *     int main(int argc, char **argv) {
 *         cb_stage st = {.name = "train-teacher", .options = options,
 *                        .summary = "Trains the autoencoder on zero bias."};
 *         cb_stage_begin(&st, argc, argv);
 *         return cb_stage_end(&st, run(&st));
 *     }
 *
 * All have --config FILE, --student FILE (a second INI read over the first),
 * --set SECTION.KEY=VALUE (repeatable), --threads N, --verbose, --quiet,
 * --help, --version. Exit status: 0 done, 1 failed, 2 wrong usage (also a bad
 * configuration). stdout carries only what was asked for.
 */
#ifndef CB_STAGE_H
#define CB_STAGE_H

#include <stdbool.h>

#include "base/config.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "data/dataset.h"

enum { CB_OPTIONAL = 0, CB_REQUIRED = 1, CB_FLAG = 2, CB_LIST = 3 };

typedef struct {
    const char *name;   /* long option without -- ; NULL ends the table */
    char letter;        /* short option or 0 */
    const char *arg;    /* name of the value in --help; NULL for CB_FLAG */
    const char *help;
    const char **value; /* set to the argument (a flag: to "yes"; a list: to all of
                           them, each followed by a newline) */
    int kind;           /* CB_OPTIONAL, CB_REQUIRED, CB_FLAG, or CB_LIST: may be repeated */
} cb_option;

typedef struct {
    const char *name, *summary; /* summary: one or a few sentences for --help */
    const cb_option *options;
    const char *arguments;      /* e.g. "NAME=FILE..." or NULL for none */
    int min_arguments, max_arguments;
    bool ranks;                 /* works on several MPI ranks; else rank 0 works alone, the others wait */
    /* set by cb_stage_begin */
    cb_config *config;
    char **argument;
    int n_arguments;
} cb_stage;

/* Checks the numerics of this build, parses, loads the configuration. Exits (0, 1 or 2) itself; must come
 * first in main, since it may start the program again with OMP_WAIT_POLICY=passive. */
void cb_stage_begin(cb_stage *st, int argc, char **argv);
/* Prints cb_error() if rc != 0 and the closing log line; returns the exit status. */
int cb_stage_end(cb_stage *st, int rc);
/* What a training stage begins with: can `out` be written? Rows of images may lie in run.image_memory_mib of memory or
 * beside `out`, which must outlive the place. */
int cb_stage_place(const cb_stage *st, const char *out, cb_rows_place *place) CB_MUST;
/* With it the events of the dataset, images staying in the file. */
int cb_stage_open(const cb_stage *st, cb_dataset *d, const char *data, const char *out) CB_MUST;
/* For what only the stage can see to be misuse: prints, exits 2. */
void cb_stage_usage(const cb_stage *st, const char *format, ...) CB_PRINTF(2, 3)
    __attribute__((noreturn));

#endif
