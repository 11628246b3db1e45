/* hgq_front.h - the front of an HGQ student: one run along a rising beta, or several constant betas side by side.
 *
 * Beta rises over the epochs of one training, so that its checkpoints walk from wide to narrow (HGQ's released scripts,
 * calad0i/HGQ-demos); every epoch is validated, its programme built and its exact EBOPs counted. A scan
 * gives each beta a training of its own from the same start; the runs share the processors one thread each
 * (base/threads.h), and their checkpoints compete in one front. So do those of several starts (other initial weights, another order
 * of the events): which weights die early is chance, and the validation error of a training with it.
 */
#ifndef CB_QUANT_HGQ_FRONT_H
#define CB_QUANT_HGQ_FRONT_H

#include "quant/front.h"
#include "quant/hgq_fit.h"

/* Where a training begins: the untrained student, and the seed of the order of its events and of its dropout. */
typedef struct {
    const cb_hgq_student *student; /* borrowed */
    uint64_t seed;
} cb_hgq_start;

/* Seed of start 0, 1, ... of a front: the front's own, then numbers drawn from it (stream "hgq-starts"). */
uint64_t cb_hgq_start_seed(uint64_t seed, int start);

/* Trains copies of every start: with n_beta 0 one by the plan, else one for each constant beta. The seed of the plan is not used.
 * front and run[n_start x (n_beta ? n_beta : 1)], the starts of a beta side by side: cb_front_scan. */
int cb_hgq_front_train(const cb_hgq_start *start, int n_start, const cb_student_set *set, const cb_hgq_plan *plan, int n_beta,
                       const double *beta, cb_front *front, cb_front_run *run) CB_MUST;

/* Points and students of a thinned front into a file that has its runs. Every programme is compared with its
 * trainer on all validation events (student_check.h); a difference is a failure. */
int cb_hgq_front_write(const cb_front *front, const cb_student_set *set, const char *name, int64_t seed, cb_h5 *f) CB_MUST;

#endif
