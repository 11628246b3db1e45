/* reference.h - the plain definition of logic gate network training, in double precision.
 *
 * One event at a time, no lanes, no threads: what the fast trainer (train.h) is compared
 * with, and what agrees with torchlogix step by step (`make golden`, lgn.h5 train/).
 * The entropy of the gates' choices (node.h), summed over the parameter sets of dense layers and of trees, can be
 * added to the loss with a factor each.
 * Learnable wires (network.h): wiring.h, the wires chosen anew by every prepare.
 * Head: y = sum_o c_o x_o + b over the outputs of the last layer (a group sum: c = 1/tau,
 * b = beta/tau); loss = mean over the batch of |y - target|. Adam as in PyTorch:
 *   m = b1 m + (1-b1) g; v = b2 v + (1-b2) g^2;
 *   w -= lr / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + eps)
 */
#ifndef CB_LOGIC_REFERENCE_H
#define CB_LOGIC_REFERENCE_H

#include "logic/network.h"

typedef struct {
    const cb_logic_net *net;      /* borrowed */
    double temperature;
    bool hard;
    double *w, *grad, *m, *v;     /* [n_weight] */
    double *u, *u_grad, *u_m, *u_v; /* [n_choice]: candidate wires */
    double choice_tau;            /* 1e-3 at first */
    int32_t *chosen[CB_LOGIC_LAYERS]; /* the wires of layers that learn them; else NULL */
    double *c, b;                 /* head: c[outputs] */
    double entropy, entropy_tree; /* factors, 0 at first */
    uint64_t step;
    /* scratch of one event */
    cb_node *node;                /* of every parameter set */
    size_t *first_node;           /* [n_layer] */
    double *act[CB_LOGIC_LAYERS + 1], *d_act[CB_LOGIC_LAYERS + 1], *dv;
} cb_logic_ref;

int cb_logic_ref_new(cb_logic_ref *r, const cb_logic_net *net) CB_MUST;
void cb_logic_ref_free(cb_logic_ref *r);
/* After w, temperature or hard changed. */
void cb_logic_ref_prepare(cb_logic_ref *r);
/* Score of one event; act[l + 1] holds the outputs of layer l. */
double cb_logic_ref_forward(cb_logic_ref *r, const double *x);
/* After the forward pass of the same event: adds to the gradients of v. d_act[n_layer] holds
 * the gradient of the outputs; d_act[0] receives that of the inputs. */
void cb_logic_ref_backward(cb_logic_ref *r);
/* Gradients of v summed so far -> grad (overwritten), and clears them; adds that of the entropy. Those of u add up in
 * u_grad until cb_logic_ref_adam. */
void cb_logic_ref_gradient(cb_logic_ref *r);
/* Gradient of the loss of n events x[n][n_input]; returns their mean absolute error (without entropy). y may be NULL. */
double cb_logic_ref_batch(cb_logic_ref *r, const double *x, const double *target, int n, double *y);
void cb_logic_ref_adam(cb_logic_ref *r, double lr, double beta1, double beta2, double eps);

#endif
