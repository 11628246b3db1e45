/* trainer.h - what the programs that train students (quantize-*) have in common: their files, what each of them holds beside
 * its own trainer, and the order of the work: images, training, integer programme and its check, one artifact.
 *
 * A program describes its family and calls cb_trainer_main from main():
 *
 *     static const cb_option options[] = {CB_TRAINER_OPTIONS, {0}};
 *     static const cb_trainer_family family = {.name = "bdt", .sections = "student bdt", .train = train, .export = export,
 *                                              .write_state = write_state, .release = release};
 *     int main(int argc, char **argv) {
 *         cb_stage st = {.name = "quantize-bdt", .options = options, .summary = "..."};
 *         return cb_trainer_main(&st, argc, argv, &family, check_usage);
 *     }
 */
#ifndef CB_TRAINER_H
#define CB_TRAINER_H

#include "quant/front.h"
#include "quant/student_check.h"
#include "stage.h"

/* The files named on the command line; profile: NULL or "yes". */
typedef struct {
    const char *data, *targets, *out, *profile;
} cb_trainer_files;
extern cb_trainer_files cb_trainer_file;

#define CB_TRAINER_OPTIONS                                                                                     \
    {"data", 'd', "FILE", "dataset written by preprocess", &cb_trainer_file.data, CB_REQUIRED},                \
    {"targets", 't', "FILE", "targets written by distill", &cb_trainer_file.targets, CB_REQUIRED},             \
    {"out", 'o', "FILE", "student to write", &cb_trainer_file.out, CB_REQUIRED}
#define CB_TRAINER_PROFILE                                                                                     \
    {"profile", 'P', NULL, "say at the end how the time of the training splits over its kinds of work",        \
     &cb_trainer_file.profile, CB_FLAG}

/* What is trained on and what comes out. */
typedef struct {
    const cb_config *config;
    cb_student_set set;
    cb_programme p;
    int64_t checked, mismatches; /* of p, against the trainer's own score */
    cb_front front;              /* with n_run runs, where a front was asked for */
    cb_front_run runs[CB_FRONT_BETAS];
    int n_run;
} cb_trainer;

/* A family; its functions return 0 or -1 with cb_error, and keep their trainer in the program's own variables. */
typedef struct {
    const char *name;           /* "hgq": of the student files; the stage is quantize-hgq */
    const char *sections;       /* of the configuration that a student depends on ... */
    const char *front_sections; /* ... and a front; NULL: the family has none */
    int (*train)(cb_trainer *t);                    /* the student, or, with [front] points, front, runs, n_run */
    int (*export)(cb_trainer *t);                   /* p, checked, mismatches of the trained student */
    int (*write_state)(const cb_trainer *t, cb_h5 *f); /* what a student's file has beside the programme */
    int (*write_front)(const cb_trainer *t, const char *name, int64_t seed, cb_h5 *f); /* the front's points */
    void (*release)(void);                          /* frees the trainer, however far it came */
} cb_trainer_family;

/* Is a front asked for? */
bool cb_trainer_wants_front(const cb_trainer *t);
/* [front] betas into beta[CB_FRONT_BETAS]; sets n_run to the trainings they are, one where there are none, times [front] starts.
 * Returns how many betas. */
int cb_trainer_betas(cb_trainer *t, double *beta);

/* main() of such a program: begins the stage, checks what concerns [student] in all families (the family's name, whole event
 * blocks) and then check_usage, trains, checks the programme event by event, writes the student or the front. A front is thinned to
 * [front] points first. Returns the exit status. */
int cb_trainer_main(cb_stage *st, int argc, char **argv, const cb_trainer_family *family, void (*check_usage)(const cb_stage *st));
/* For check_usage where a family scans betas: their number, that of all trainings, and that they come with front.points.
 * Misuse exits 2. */
void cb_trainer_check_betas(const cb_stage *st);

#endif
