/* node.h - one trainable look-up table: three parametrisations, in double precision, as a plain definition.
 *
 * A node has r = 1..6 inputs x[0..r-1], x[0] the most significant digit of an index i, and is
 * multilinear, u(x) = sum_i v[i] B_i(x), in its corner values (RAW, LIGHT) or its Walsh coefficients (WARP):
 *
 *   RAW    y = u,  B_i = prod_j (bit j of i ? x[j] : 1 - x[j]),  v = sum_k p_k gate_k, p = softmax(w / T) over the 16 gates of two inputs (r = 2 only).
 *          Petersen et al., NeurIPS 2022; difflogic functional.py. gate_k(i) = bit 3-i of k.
 *   LIGHT  the same with v[i] = sigmoid(w[i] / T).               arXiv 2510.03250; torchlogix parametrization.py
 *   WARP   y = sigmoid(-u / T), v = w, B_i = prod_j (bit j of i ? 1 - 2 x[j] : 1): 1, B, A, AB for two inputs.
 *          Its value at the corners is the Walsh-Hadamard transform of w.   arXiv 2510.15655; torchlogix
 *
 * Hard forward (straight-through): RAW takes the gate of the largest weight, LIGHT rounds each v, WARP rounds y;
 * the gradient with respect to w is that of the soft p, sigmoid or y, the gradient with respect to x
 * that of the function evaluated (WARP: of the soft y). Noise (Gumbel forms) is added to w (RAW,
 * LIGHT: one number a weight) or to -u (WARP: one number a node).
 * The hardened table: RAW gate of argmax w; LIGHT w[i] > 0; WARP corner value < 0.
 * All of it agrees with torchlogix 0.2.2 on recorded values: `make golden`, lgn.h5.
 */
#ifndef CB_LOGIC_NODE_H
#define CB_LOGIC_NODE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"

typedef enum { CB_LOGIC_RAW, CB_LOGIC_LIGHT, CB_LOGIC_WARP } cb_logic_kind;
enum { CB_LOGIC_RANK = 6, CB_LOGIC_PARAMETERS = 64 };

typedef struct {
    cb_logic_kind kind;
    int rank;
    double temperature;
    bool hard;
} cb_node_rule;

/* 16 (RAW) or 2^rank. */
int cb_node_parameters(cb_logic_kind kind, int rank);

/* A node with weights w and noise (NULL: none), ready for many events. */
typedef struct {
    cb_node_rule rule;
    double v[CB_LOGIC_PARAMETERS];    /* as used forward */
    double soft[CB_LOGIC_PARAMETERS]; /* RAW: p; LIGHT: sigmoid(w / T) */
    double noise;                     /* WARP */
} cb_node;

void cb_node_prepare(cb_node *n, const cb_node_rule *rule, const double *w, const double *noise);
double cb_node_forward(const cb_node *n, const double *x);
/* Adds g dy/dx to dx[rank] (not if NULL) and g dy/dv to dv[2^rank]. */
void cb_node_backward(const cb_node *n, const double *x, double g, double *dv, double *dx);
/* Adds the gradient with respect to the weights, given that with respect to v summed over events. */
void cb_node_weights(const cb_node *n, const double *dv, double *dw);

/* Entropy of the choice of gates, -sum_k p_k ln(p_k + 1e-10) (RAW; others: 0), and `factor` times its gradient
 * with respect to the weights, added to dw. The penalty of ml4physics-paper-plots train-lgn-model.py. */
double cb_node_entropy(const cb_node *n);
void cb_node_entropy_weights(const cb_node *n, double factor, double *dw);

/* Hardened truth table, bit i = value at corner i (the form of quant/circuit.h). */
uint64_t cb_node_table(cb_logic_kind kind, int rank, const double *w);

/* In place: out[i] = sum_j (-1)^popcount(i & j) in[j]. */
void cb_walsh(double *x, int rank);

/* Residual start: the hardened node is its first input, with probability p a table entry
 * (torchlogix residual_probability). RAW: z_3 = T [ln(15p - 7) - ln(1-p)]; WARP: T ln(p/(1-p)) at
 * the first input's coefficient; LIGHT: N(0,1), -3 on entries with first input 0, +3 with 1. */
void cb_node_residual(cb_logic_kind kind, int rank, double p, double temperature, cb_rng *r, double *w);

#endif
