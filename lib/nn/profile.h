/* profile.h - where the CPU time of a training goes, by layer and pass.
 *
 * One profile a thread, added up at the end; the clock is the thread's CPU time. All
 * functions take NULL as "off", which costs a comparison a pass. Times go to the log only.
 */
#ifndef CB_NN_PROFILE_H
#define CB_NN_PROFILE_H

#include "base/error.h"

typedef enum { CB_PASS_FORWARD, CB_PASS_INPUT_GRADIENT, CB_PASS_WEIGHT_GRADIENT, CB_PASSES } cb_pass;

/* Rows behind those of the layers. */
enum { CB_PROFILE_LOAD, CB_PROFILE_LOSS, CB_PROFILE_SUM, CB_PROFILE_ADAM, CB_PROFILE_OTHER };

typedef struct {
    int n_layer;
    double (*seconds)[CB_PASSES]; /* [n_layer + CB_PROFILE_OTHER] */
} cb_profile;

cb_profile *cb_profile_new(int n_layer) CB_MUST;
void cb_profile_free(cb_profile *p);
/* Start of a measurement, for stop. */
double cb_profile_start(const cb_profile *p);
void cb_profile_stop(cb_profile *p, int row, cb_pass pass, double start);
/* Work that belongs to no layer: other is CB_PROFILE_LOAD ... */
void cb_profile_stop_other(cb_profile *p, int other, double start);
void cb_profile_add(cb_profile *to, const cb_profile *from);
double cb_profile_total(const cb_profile *p);

#endif
