#include "logic/node.h"

#include <string.h>

#include "base/fmath.h"

int cb_node_parameters(cb_logic_kind kind, int rank) { return kind == CB_LOGIC_RAW ? 16 : 1 << rank; }

static double sigmoid(double x) { return 1 / (1 + cb_exp(-x)); }

/* Value of gate k at corner i = 2a + b. */
static int gate_bit(int k, int i) { return k >> (3 - i) & 1; }

void cb_walsh(double *x, int rank) {
    for (int step = 1; step < 1 << rank; step *= 2)
        for (int i = 0; i < 1 << rank; i++)
            if (!(i & step)) {
                double a = x[i], b = x[i + step];
                x[i] = a + b, x[i + step] = a - b;
            }
}

static int largest(const double *w, int n) {
    int best = 0;
    for (int k = 1; k < n; k++)
        if (w[k] > w[best]) best = k;
    return best;
}

static void prepare_raw(cb_node *n, const double *w, const double *noise) {
    double z[16], sum = 0;
    for (int k = 0; k < 16; k++) z[k] = (w[k] + (noise ? noise[k] : 0)) / n->rule.temperature;
    int best = largest(z, 16);
    for (int k = 0; k < 16; k++) sum += n->soft[k] = cb_exp(z[k] - z[best]);
    for (int k = 0; k < 16; k++) n->soft[k] /= sum;
    for (int i = 0; i < 4; i++) {
        n->v[i] = 0;
        for (int k = 0; k < 16; k++) n->v[i] += n->soft[k] * gate_bit(k, i);
        if (n->rule.hard) n->v[i] = gate_bit(best, i);
    }
}

void cb_node_prepare(cb_node *n, const cb_node_rule *rule, const double *w, const double *noise) {
    int corners = 1 << rule->rank;
    n->rule = *rule;
    n->noise = 0;
    if (rule->kind == CB_LOGIC_RAW) prepare_raw(n, w, noise);
    else if (rule->kind == CB_LOGIC_WARP) {
        memcpy(n->v, w, (size_t)corners * sizeof *w);
        if (noise) n->noise = noise[0];
    } else
        for (int i = 0; i < corners; i++) {
            n->soft[i] = sigmoid((w[i] + (noise ? noise[i] : 0)) / rule->temperature);
            n->v[i] = rule->hard ? n->soft[i] > 0.5 : n->soft[i];
        }
}

/* What v[i] is multiplied with, without the factor of input `skip` (-1: all of them). */
static double basis(const cb_node_rule *rule, const double *x, int i, int skip) {
    double w = 1;
    for (int j = 0; j < rule->rank; j++) {
        int bit = i >> (rule->rank - 1 - j) & 1;
        if (j == skip) continue;
        if (rule->kind == CB_LOGIC_WARP) w *= bit ? 1 - 2 * x[j] : 1;
        else w *= bit ? x[j] : 1 - x[j];
    }
    return w;
}

/* d basis / dx[j]. */
static double basis_slope(const cb_node_rule *rule, const double *x, int i, int j) {
    int bit = i >> (rule->rank - 1 - j) & 1;
    if (rule->kind == CB_LOGIC_WARP) return bit ? -2 * basis(rule, x, i, j) : 0;
    return bit ? basis(rule, x, i, j) : -basis(rule, x, i, j);
}

static double interpolate(const cb_node *n, const double *x) {
    double u = 0;
    for (int i = 0; i < 1 << n->rule.rank; i++) u += n->v[i] * basis(&n->rule, x, i, -1);
    return u;
}

static double soft_warp(const cb_node *n, const double *x) {
    return sigmoid((n->noise - interpolate(n, x)) / n->rule.temperature);
}

double cb_node_forward(const cb_node *n, const double *x) {
    if (n->rule.kind != CB_LOGIC_WARP) return interpolate(n, x);
    double y = soft_warp(n, x);
    return n->rule.hard ? y > 0.5 : y;
}

void cb_node_backward(const cb_node *n, const double *x, double g, double *dv, double *dx) {
    int rank = n->rule.rank;
    if (n->rule.kind == CB_LOGIC_WARP) {
        double y = soft_warp(n, x);
        g *= -y * (1 - y) / n->rule.temperature;
    }
    for (int i = 0; i < 1 << rank; i++) {
        dv[i] += g * basis(&n->rule, x, i, -1);
        for (int j = 0; dx && j < rank; j++) dx[j] += g * (n->v[i] * basis_slope(&n->rule, x, i, j));
    }
}

void cb_node_weights(const cb_node *n, const double *dv, double *dw) {
    int corners = 1 << n->rule.rank;
    double T = n->rule.temperature, h[CB_LOGIC_PARAMETERS], mean = 0;
    if (n->rule.kind == CB_LOGIC_RAW) {
        for (int k = 0; k < 16; k++) {
            h[k] = 0;
            for (int i = 0; i < 4; i++) h[k] += dv[i] * gate_bit(k, i);
            mean += n->soft[k] * h[k];
        }
        for (int k = 0; k < 16; k++) dw[k] += n->soft[k] * (h[k] - mean) / T;
    } else if (n->rule.kind == CB_LOGIC_LIGHT)
        for (int i = 0; i < corners; i++) dw[i] += dv[i] * n->soft[i] * (1 - n->soft[i]) / T;
    else
        for (int i = 0; i < corners; i++) dw[i] += dv[i];
}

double cb_node_entropy(const cb_node *n) {
    double sum = 0;
    for (int k = 0; n->rule.kind == CB_LOGIC_RAW && k < 16; k++) sum -= n->soft[k] * cb_log(n->soft[k] + 1e-10);
    return sum;
}

void cb_node_entropy_weights(const cb_node *n, double factor, double *dw) {
    double h[16], mean = 0;
    if (n->rule.kind != CB_LOGIC_RAW) return;
    for (int k = 0; k < 16; k++) {
        double q = n->soft[k] + 1e-10;
        h[k] = -(cb_log(q) + n->soft[k] / q);
        mean += n->soft[k] * h[k];
    }
    for (int k = 0; k < 16; k++) dw[k] += factor * n->soft[k] * (h[k] - mean) / n->rule.temperature;
}

uint64_t cb_node_table(cb_logic_kind kind, int rank, const double *w) {
    uint64_t table = 0;
    double v[CB_LOGIC_PARAMETERS];
    int best = kind == CB_LOGIC_RAW ? largest(w, 16) : 0;
    memcpy(v, w, (size_t)cb_node_parameters(kind, rank) * sizeof *v);
    if (kind == CB_LOGIC_WARP) cb_walsh(v, rank);
    for (int i = 0; i < 1 << rank; i++) {
        int bit = kind == CB_LOGIC_RAW ? gate_bit(best, i) : kind == CB_LOGIC_LIGHT ? w[i] > 0 : v[i] < 0;
        table |= (uint64_t)bit << i;
    }
    return table;
}

void cb_node_residual(cb_logic_kind kind, int rank, double p, double temperature, cb_rng *r, double *w) {
    int n = cb_node_parameters(kind, rank);
    for (int k = 0; k < n; k++) w[k] = 0;
    if (kind == CB_LOGIC_RAW) w[3] = temperature * (cb_log(15 * p - 7) - cb_log(1 - p));
    else if (kind == CB_LOGIC_WARP) w[n / 2] = temperature * cb_log(p / (1 - p));
    else
        for (int k = 0; k < n; k++) w[k] = cb_rng_normal(r) + (k >= n / 2 ? 3 : -3);
}
