#include "logic/reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fmath.h"
#include "logic/wiring.h"

int cb_logic_ref_new(cb_logic_ref *r, const cb_logic_net *net) {
    *r = (cb_logic_ref){.net = net, .temperature = 1, .choice_tau = 1e-3};
    size_t sets = 0, n = net->n_weight + 1, u = net->n_choice + 1;
    r->first_node = cb_alloc(CB_LOGIC_LAYERS, sizeof *r->first_node);
    int rc = r->first_node ? 0 : -1;
    for (int l = 0; !rc && l <= net->n_layer; l++) {
        size_t out = (size_t)(l ? net->layer[l - 1].n_out : net->n_input) + 1;
        r->act[l] = cb_alloc(out, sizeof(double));
        r->d_act[l] = cb_alloc(out, sizeof(double));
        if (!r->act[l] || !r->d_act[l]) rc = -1;
        const cb_logic_layer *y = &net->layer[l];
        if (l < net->n_layer && y->n_choice && !(r->chosen[l] = cb_alloc((size_t)y->n_out * (size_t)y->rank, sizeof *y->wire))) rc = -1;
        if (l < net->n_layer) r->first_node[l] = sets, sets += (size_t)net->layer[l].n_set;
    }
    double **want[] = {&r->w, &r->grad, &r->m, &r->v, &r->u, &r->u_grad, &r->u_m, &r->u_v, &r->dv, &r->c};
    size_t size[] = {n, n, n, n, u, u, u, u, sets * CB_LOGIC_PARAMETERS + 1, (size_t)cb_logic_outputs(net)};
    for (int k = 0; !rc && k < 10; k++)
        if (!(*want[k] = cb_alloc(size[k], sizeof(double)))) rc = -1;
    if (!rc && !(r->node = cb_alloc(sets + 1, sizeof *r->node))) rc = -1;
    if (rc) cb_logic_ref_free(r);
    return rc;
}

void cb_logic_ref_free(cb_logic_ref *r) {
    for (int l = 0; l <= CB_LOGIC_LAYERS; l++) free(r->act[l]), free(r->d_act[l]);
    for (int l = 0; l < CB_LOGIC_LAYERS; l++) free(r->chosen[l]);
    double *const all[] = {r->w, r->grad, r->m, r->v, r->u, r->u_grad, r->u_m, r->u_v, r->dv, r->c};
    for (int k = 0; k < 10; k++) free(all[k]);
    free(r->node);
    free(r->first_node);
    *r = (cb_logic_ref){0};
}

/* The wires of largest weight. */
static void choose(cb_logic_ref *r, int l) {
    const cb_logic_layer *y = &r->net->layer[l];
    for (int s = 0; y->n_choice && s < y->n_out * y->rank; s++)
        r->chosen[l][s] = y->choice[s * y->n_choice + cb_wire_choice(r->u + y->first_choice + s * y->n_choice, y->n_choice, 1)];
}

void cb_logic_ref_prepare(cb_logic_ref *r) {
    for (int l = 0; l < r->net->n_layer; l++) {
        const cb_logic_layer *y = &r->net->layer[l];
        choose(r, l);
        cb_node_rule rule = {y->kind, y->rank, r->temperature, r->hard};
        for (int s = 0; !y->pool && s < y->n_set; s++)
            cb_node_prepare(&r->node[r->first_node[l] + (size_t)s], &rule, r->w + y->first + (size_t)s * (size_t)y->n_par, NULL);
    }
}

static const int32_t *wires_of(const cb_logic_ref *r, int l) { return r->chosen[l] ? r->chosen[l] : r->net->layer[l].wire; }

static void gather(const cb_logic_ref *r, int l, int e, double *x) {
    int rank = r->net->layer[l].rank;
    for (int j = 0; j < rank; j++) x[j] = r->act[l][wires_of(r, l)[(size_t)e * (size_t)rank + (size_t)j]];
}

/* The gradient of what node e of layer l read. */
static void scatter(cb_logic_ref *r, int l, int e, const double *dx) {
    const cb_logic_layer *y = &r->net->layer[l];
    for (int j = 0; j < y->rank; j++) {
        size_t s = (size_t)e * (size_t)y->rank + (size_t)j, at = y->first_choice + s * (size_t)y->n_choice;
        if (!y->n_choice) r->d_act[l][wires_of(r, l)[s]] += dx[j];
        else
            cb_wire_backward(r->act[l], y->choice + s * (size_t)y->n_choice, r->u + at, y->n_choice, 1, r->choice_tau, dx[j],
                             r->u_grad + at, r->d_act[l]);
    }
}

double cb_logic_ref_forward(cb_logic_ref *r, const double *input) {
    const cb_logic_net *net = r->net;
    memcpy(r->act[0], input, (size_t)net->n_input * sizeof *input);
    for (int l = 0; l < net->n_layer; l++) {
        const cb_logic_layer *y = &net->layer[l];
        double x[64];
        r->act[l][y->n_in] = 0;
        for (int e = 0; e < y->n_out; e++) {
            gather(r, l, e, x);
            double top = x[0];
            for (int j = 1; y->pool && j < y->rank; j++) top = x[j] > top ? x[j] : top;
            r->act[l + 1][e] = y->pool ? top : cb_node_forward(&r->node[r->first_node[l] + (size_t)(e / y->n_pos)], x);
        }
    }
    double sum = 0;
    for (int o = 0; o < cb_logic_outputs(net); o++) sum += r->c[o] * r->act[net->n_layer][o];
    return sum + r->b;
}

void cb_logic_ref_backward(cb_logic_ref *r) {
    for (int l = r->net->n_layer - 1; l >= 0; l--) {
        const cb_logic_layer *y = &r->net->layer[l];
        double x[64], dx[64];
        memset(r->d_act[l], 0, ((size_t)y->n_in + 1) * sizeof *r->d_act[l]);
        for (int e = 0; e < y->n_out; e++) {
            size_t set = r->first_node[l] + (size_t)(e / y->n_pos);
            double g = r->d_act[l + 1][e];
            gather(r, l, e, x);
            memset(dx, 0, sizeof dx);
            if (y->pool) { /* to the first of the largest */
                int top = 0;
                for (int j = 1; j < y->rank; j++) top = x[j] > x[top] ? j : top;
                dx[top] = g;
            } else
                cb_node_backward(&r->node[set], x, g, r->dv + set * CB_LOGIC_PARAMETERS, dx);
            scatter(r, l, e, dx);
        }
    }
}

void cb_logic_ref_gradient(cb_logic_ref *r) {
    memset(r->grad, 0, r->net->n_weight * sizeof *r->grad);
    for (int l = 0; l < r->net->n_layer; l++) {
        const cb_logic_layer *y = &r->net->layer[l];
        for (int s = 0; !y->pool && s < y->n_set; s++) {
            size_t set = r->first_node[l] + (size_t)s;
            cb_node_weights(&r->node[set], r->dv + set * CB_LOGIC_PARAMETERS, r->grad + y->first + (size_t)s * (size_t)y->n_par);
            memset(r->dv + set * CB_LOGIC_PARAMETERS, 0, CB_LOGIC_PARAMETERS * sizeof *r->dv);
            cb_node_entropy_weights(&r->node[set], y->tree ? r->entropy_tree : r->entropy,
                                    r->grad + y->first + (size_t)s * (size_t)y->n_par);
        }
    }
}

double cb_logic_ref_batch(cb_logic_ref *r, const double *x, const double *target, int n, double *y) {
    int n_out = cb_logic_outputs(r->net);
    double loss = 0;
    cb_logic_ref_prepare(r);
    for (int e = 0; e < n; e++) {
        double out = cb_logic_ref_forward(r, x + (size_t)e * (size_t)r->net->n_input), d = out - target[e];
        if (y) y[e] = out;
        loss += fabs(d);
        double g = d > 0 ? 1.0 / n : d < 0 ? -1.0 / n : 0;
        for (int o = 0; o < n_out; o++) r->d_act[r->net->n_layer][o] = g * r->c[o];
        cb_logic_ref_backward(r);
    }
    cb_logic_ref_gradient(r);
    return loss / n;
}

void cb_logic_ref_adam(cb_logic_ref *r, double lr, double beta1, double beta2, double eps) {
    r->step++;
    double rate = lr / (1 - cb_powi(beta1, r->step)), root = sqrt(1 - cb_powi(beta2, r->step));
    double *const set[2][4] = {{r->w, r->grad, r->m, r->v}, {r->u, r->u_grad, r->u_m, r->u_v}};
    for (int k = 0; k < 2; k++)
        for (size_t e = 0; e < (k ? r->net->n_choice : r->net->n_weight); e++) {
            double g = set[k][1][e], *m = set[k][2] + e, *v = set[k][3] + e;
            *m = beta1 * *m + (1 - beta1) * g;
            *v = beta2 * *v + (1 - beta2) * g * g;
            set[k][0][e] -= rate * *m / (sqrt(*v) / root + eps);
        }
    memset(r->u_grad, 0, r->net->n_choice * sizeof *r->u_grad);
}
