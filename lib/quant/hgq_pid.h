/* hgq_pid.h - beta steered to a number of EBOPs (HGQ2 utils/sugar/beta_pid.py BetaPID).
 *
 * With E the EBOPs at the end of the last epoch and E* the target, once an epoch:
 *     e = log10(E / E*)   (linear: e = E / E* - 1)
 *     I += e,  u = p e + i I + d (e - e of the epoch before),  beta = 10^u   (linear: u)
 *     beta *= 1 - damp while E < E*;  then beta is cut to [min, max]
 * In the first step (epoch == warmup) I is set so that u gives the beta that was in use. Linear mode does
 * this with the other sign of e, as HGQ2 does.
 */
#ifndef CB_QUANT_HGQ_PID_H
#define CB_QUANT_HGQ_PID_H

#include <stdbool.h>

typedef struct {
    double target;    /* EBOPs, > 0 */
    double p, i, d;   /* i > 0 */
    bool linear;
    int warmup;       /* epochs before the first step, >= 1 */
    double min, max, damp;
} cb_beta_pid_rule;

typedef struct {
    double sum, last;
} cb_beta_pid; /* zeroed at the start */

/* Beta of an epoch from that of the last one and the EBOPs at its end; before the warm-up's end, unchanged. */
double cb_beta_pid_next(const cb_beta_pid_rule *r, cb_beta_pid *s, int epoch, double ebops, double beta);

#endif
