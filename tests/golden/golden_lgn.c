/* Logic gate networks: recorded values of torchlogix 0.2.2 (double precision). Nodes, gates, initial weights,
 * Walsh transform, group sums, thermometers, learnable wiring, convolution and pooling, and ten Adam steps of
 * ten small networks with the hardened networks after them. Rules: data/golden/README.md. */
#include "golden.h"
#include "logic/encode.h"
#include "logic/reference.h"
#include "logic/wiring.h"

enum { CELLS = 252, FEW = 256, ROWS = 4352, BATCH = 64, STEPS = 10, PACKED = 512 };

static int32_t *read_i32(golden *g, const char *group, const char *name, uint64_t *n) {
    double *x = golden_f64(g, group, name, n);
    int32_t *out = x ? cb_alloc((size_t)*n, sizeof *out) : NULL;
    for (uint64_t e = 0; out && e < *n; e++) out[e] = (int32_t)x[e];
    free(x);
    return out;
}

/* ---- single nodes ---- */

static void check_gates(golden *g) {
    if (!golden_has(g, "gates")) return;
    uint64_t n = 0, nb = 0;
    double *a = golden_f64(g, "gates", "a", &n), *b = golden_f64(g, "gates", "b", &nb);
    double *y = malloc(16 * (n + 1) * sizeof *y * 3), *da = y + 16 * n, *db = da + 16 * n;
    for (int k = 0; a && b && n == nb && k < 16; k++)
        for (uint64_t e = 0; e < n; e++) {
            cb_node_rule rule = {CB_LOGIC_RAW, 2, 1, true};
            double w[16] = {[0] = 0}, x[2] = {a[e], b[e]}, dv[64] = {0}, dx[2] = {0};
            cb_node node;
            w[k] = 1;
            cb_node_prepare(&node, &rule, w, NULL);
            y[(uint64_t)k * n + e] = cb_node_forward(&node, x);
            cb_node_backward(&node, x, 1, dv, dx);
            da[(uint64_t)k * n + e] = dx[0], db[(uint64_t)k * n + e] = dx[1];
        }
    golden_compare(g, "gates", "y", GOLDEN_ABS, y, 16 * n, 1e-13);
    golden_compare(g, "gates", "dy_da", GOLDEN_ABS, da, 16 * n, 1e-13);
    golden_compare(g, "gates", "dy_db", GOLDEN_ABS, db, 16 * n, 1e-13);
    free(a), free(b), free(y);
}

enum { NODES = 24, EVENTS = 20 };
static const char *const kind_names[] = {"raw", "light", "warp"};

/* One recorded forward and backward pass of 24 nodes on 20 events. */
static void check_mode(golden *g, const char *group, const char *mode, cb_node_rule rule, const double *w, const double *x,
                       const double *up) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", group, mode);
    if (!golden_has(g, path)) return;
    int k = cb_node_parameters(rule.kind, rule.rank), r = rule.rank;
    double *y = calloc(EVENTS * NODES, sizeof *y), *dw = calloc((size_t)(NODES * k), sizeof *dw);
    double *dx = calloc((size_t)(EVENTS * r * NODES), sizeof *dx);
    for (int n = 0; n < NODES; n++) {
        cb_node node;
        double dv[CB_LOGIC_PARAMETERS] = {0};
        cb_node_prepare(&node, &rule, w + n * k, NULL);
        for (int e = 0; e < EVENTS; e++) {
            double in[CB_LOGIC_RANK], d[CB_LOGIC_RANK] = {0};
            for (int j = 0; j < r; j++) in[j] = x[(e * r + j) * NODES + n];
            y[e * NODES + n] = cb_node_forward(&node, in);
            cb_node_backward(&node, in, up[e * NODES + n], dv, d);
            for (int j = 0; j < r; j++) dx[(e * r + j) * NODES + n] = d[j];
        }
        cb_node_weights(&node, dv, dw + n * k);
    }
    golden_compare(g, path, "y", GOLDEN_ABS, y, EVENTS * NODES, 1e-12);
    golden_compare(g, path, "dL_dw", GOLDEN_ABS, dw, (uint64_t)(NODES * k), 1e-12);
    golden_compare(g, path, "dL_dx", GOLDEN_ABS, dx, (uint64_t)(EVENTS * r * NODES), 1e-12);
    free(y), free(dw), free(dx);
}

/* Truth table entry i of a table word as the records number it. */
static void check_tables(golden *g, const char *group, cb_logic_kind kind, int rank, const double *w) {
    int k = cb_node_parameters(kind, rank), corners = 1 << rank;
    double *lut = calloc((size_t)(NODES * corners), sizeof *lut), id[NODES] = {0}, *y = calloc(EVENTS * NODES, sizeof *y);
    double *x = golden_f64n(g, group, "eval_x_bits", (uint64_t)(EVENTS * rank * NODES));
    for (int n = 0; n < NODES && x; n++) {
        uint64_t table = cb_node_table(kind, rank, w + n * k);
        for (int i = 0; i < corners; i++) {
            lut[n * corners + i] = (double)(table >> i & 1);
            id[n] = 2 * id[n] + (double)(table >> i & 1);
        }
        for (int e = 0; e < EVENTS; e++) {
            int index = 0;
            for (int j = 0; j < rank; j++) index = 2 * index + (x[(e * rank + j) * NODES + n] != 0);
            y[e * NODES + n] = (double)(table >> index & 1);
        }
    }
    golden_compare(g, group, "eval_lut", GOLDEN_EXACT, lut, (uint64_t)(NODES * corners), 0);
    golden_compare(g, group, "eval_y_bits", GOLDEN_EXACT, y, EVENTS * NODES, 0);
    if (rank <= 4) golden_compare(g, group, "eval_id", GOLDEN_EXACT, id, NODES, 0);
    free(lut), free(y), free(x);
}

static void check_nodes(golden *g) {
    for (int kind = 0; kind < 3; kind++)
        for (int rank = 1; rank <= CB_LOGIC_RANK; rank++) {
            char group[64];
            snprintf(group, sizeof group, "node/%s_rank%d", kind_names[kind], rank);
            if (!cb_h5_exists(g->h5, group)) continue;
            int k = cb_node_parameters((cb_logic_kind)kind, rank);
            double *w = golden_f64n(g, group, "w", (uint64_t)(NODES * k));
            double *x = golden_f64n(g, group, "x", (uint64_t)(EVENTS * rank * NODES));
            double *up = golden_f64n(g, group, "upstream", EVENTS * NODES);
            if (w && x && up) {
                cb_node_rule rule = {(cb_logic_kind)kind, rank, 1, false};
                check_mode(g, group, "soft_T1.0", rule, w, x, up);
                rule.temperature = 0.5;
                check_mode(g, group, "soft_T0.5", rule, w, x, up);
                rule.temperature = 1, rule.hard = true;
                check_mode(g, group, "hard_T1.0", rule, w, x, up);
                check_tables(g, group, (cb_logic_kind)kind, rank, w);
            }
            free(w), free(x), free(up);
        }
}

static void check_init(golden *g) {
    if (!golden_has(g, "init")) return;
    uint64_t np = 0, nt = 0;
    double *p = golden_f64(g, "init", "probability", &np), *t = golden_f64(g, "init", "temperature", &nt);
    static const struct {
        const char *name;
        cb_logic_kind kind;
        int rank;
    } row[] = {{"raw_rank2_residual", CB_LOGIC_RAW, 2}, {"warp_rank2_residual", CB_LOGIC_WARP, 2},
               {"warp_rank4_residual", CB_LOGIC_WARP, 4}, {"warp_rank6_residual", CB_LOGIC_WARP, 6}};
    for (int k = 0; p && t && k < 4; k++) {
        uint64_t n = (uint64_t)cb_node_parameters(row[k].kind, row[k].rank);
        double *w = calloc(np * nt * n, sizeof *w);
        for (uint64_t a = 0; a < np; a++)
            for (uint64_t b = 0; b < nt; b++)
                cb_node_residual(row[k].kind, row[k].rank, p[a], t[b], NULL, w + (a * nt + b) * n);
        golden_compare(g, "init", row[k].name, GOLDEN_ABS, w, np * nt * n, 1e-6);
        free(w);
    }
    free(p), free(t);
}

static void check_walsh(golden *g) {
    if (!golden_has(g, "walsh")) return;
    for (int rank = 1; rank <= CB_LOGIC_RANK; rank++) {
        char in[32], out[32];
        uint64_t n = 0;
        snprintf(in, sizeof in, "in_rank%d", rank);
        snprintf(out, sizeof out, "out_rank%d", rank);
        char path[64];
        snprintf(path, sizeof path, "walsh/%s", in);
        if (!cb_h5_exists(g->h5, path)) continue;
        double *x = golden_f64(g, "walsh", in, &n);
        for (uint64_t e = 0; x && e < n >> rank; e++) cb_walsh(x + (e << rank), rank);
        if (x) golden_compare(g, "walsh", out, GOLDEN_ABS, x, n, 1e-12);
        free(x);
    }
}

static void check_groupsum(golden *g) {
    for (int k = 0; k < 4; k++) {
        char group[32];
        double groups = 0, tau = 1, beta = 0;
        snprintf(group, sizeof group, "groupsum/case%d", k);
        if (!golden_has(g, group)) continue;
        if (cb_h5_get_f64(g->h5, group, "k", &groups) || cb_h5_get_f64(g->h5, group, "tau", &tau) ||
            cb_h5_get_f64(g->h5, group, "beta", &beta)) {
            golden_broken(g, group, "attributes");
            continue;
        }
        uint64_t n = 0, n_up = 0;
        double *x = golden_f64(g, group, "x", &n), *up = golden_f64(g, group, "upstream", &n_up);
        uint64_t rows = 8, each = n / rows / (uint64_t)groups;
        double *y = calloc(n_up + 1, sizeof *y), *dx = calloc(n + 1, sizeof *dx);
        for (uint64_t o = 0; x && up && o < n_up; o++) {
            double sum = 0;
            for (uint64_t i = 0; i < each; i++) sum += x[o * each + i], dx[o * each + i] = up[o] / tau;
            y[o] = (sum + beta) / tau;
        }
        golden_compare(g, group, "y", GOLDEN_ABS, y, n_up, 1e-12);
        golden_compare(g, group, "dL_dx", GOLDEN_ABS, dx, n, 1e-12);
        free(x), free(up), free(y), free(dx);
    }
}

/* ---- thermometers ---- */

/* Recorded firmware inputs, in the working folder's data/firmware. */
static double *read_events(golden *g, const char *name, const char *dataset, int rows) {
    char path[1024];
    snprintf(path, sizeof path, "data/firmware/%s", name);
    cb_h5 *f = cb_h5_open(path, NULL);
    uint64_t dims[CB_MAX_RANK] = {0};
    double *x = f ? cb_h5_read(f, dataset, CB_F64, -1, dims) : NULL;
    if (f && x && dims[0] != (uint64_t)rows) free(x), x = NULL;
    if (!x) golden_broken(g, "inputs", name);
    cb_h5_close(&f);
    return x;
}

static void check_thresholds(golden *g, const double *x) {
    static const int count[] = {3, 5};
    for (int k = 0; k < 2; k++)
        for (int global = 0; global < 2; global++) {
            int T = count[k], n = global ? T : CELLS * T;
            double t[CELLS * 5];
            char name[64];
            cb_thresholds_uniform(x, FEW, CELLS, T, global, t);
            snprintf(name, sizeof name, "uniform_%s_%d", global ? "global" : "feature", T);
            golden_compare(g, "binarization", name, GOLDEN_ABS, t, (uint64_t)n, 1e-12);
            if (cb_thresholds_distributive(x, FEW, CELLS, T, global, t)) continue;
            snprintf(name, sizeof name, "distributive_%s_%d", global ? "global" : "feature", T);
            golden_compare(g, "binarization", name, GOLDEN_EXACT, t, (uint64_t)n, 0);
        }
}

static void check_learnable_thresholds(golden *g, const double *x, double Ts, double Tp) {
    enum { T = 5, ROWS16 = 16, BITS = ROWS16 * CELLS * T };
    char group[64];
    double norm = 0, t[T], all[CELLS * T], grad[T];
    snprintf(group, sizeof group, "binarization/learnable_Ts%.1f_Tp%.1f", Ts, Tp);
    if (!golden_has(g, group)) return;
    double *diff = golden_f64n(g, group, "raw_diffs", T), *up = golden_f64n(g, group, "upstream", BITS);
    double *out = calloc(BITS, sizeof *out);
    if (diff && up && !cb_h5_get_f64(g->h5, group, "max_grad_norm", &norm)) {
        cb_thresholds_ordered(diff, T, Tp, t);
        golden_compare(g, group, "thresholds_used", GOLDEN_ABS, t, T, 1e-9);
        for (int e = 0; e < CELLS * T; e++) all[e] = t[e % T];
        cb_thermometer(x, ROWS16, CELLS, T, all, Ts, out);
        golden_compare(g, group, "train", GOLDEN_ABS, out, BITS, 1e-9);
        cb_thermometer(x, ROWS16, CELLS, T, all, 0, out);
        golden_compare(g, group, "eval_bits", GOLDEN_EXACT, out, BITS, 0);
        cb_thresholds_gradient(x, ROWS16, CELLS, T, diff, Ts, Tp, up, norm, grad);
        golden_compare(g, group, "grad_raw_diffs_clipped", GOLDEN_ABS, grad, T, 1e-9);
    }
    free(diff), free(up), free(out);
}

static void check_binarization(golden *g) {
    enum { T = 5, BITS = 16 * CELLS * T };
    if (!golden_has(g, "binarization")) return;
    double *x = read_events(g, "inputs_events256.h5", "et", FEW), all[CELLS * T];
    double *t = golden_f64n(g, "binarization", "thresholds", T), *out = calloc(BITS, sizeof *out);
    if (x && t) {
        check_thresholds(g, x);
        for (int e = 0; e < CELLS * T; e++) all[e] = t[e % T];
        cb_thermometer(x, 16, CELLS, T, all, 0, out);
        golden_compare(g, "binarization", "fixed_bits", GOLDEN_EXACT, out, BITS, 0);
        golden_compare(g, "binarization", "soft_eval_bits", GOLDEN_EXACT, out, BITS, 0);
        cb_thermometer(x, 16, CELLS, T, all, 0.7, out);
        golden_compare(g, "binarization", "soft_T0.7_train", GOLDEN_ABS, out, BITS, 1e-12);
        check_learnable_thresholds(g, x, 0.1, 0.1);
        check_learnable_thresholds(g, x, 1.0, 0.5);
    }
    free(x), free(t), free(out);
}

/* ---- wiring, convolution, pooling ---- */

static void check_wiring(golden *g) {
    enum { C = 4, OUT = 12, SLOTS = 2 * OUT, N = 10, IN = 20 };
    const char *group = "learnable_wiring";
    if (!golden_has(g, group)) return;
    uint64_t n = 0;
    double tau = 1, y[N * SLOTS], resolved[SLOTS], dw[C * SLOTS] = {0}, dx[N * IN] = {0};
    double *x = golden_f64n(g, group, "x", N * IN), *w = golden_f64n(g, group, "weights", C * SLOTS);
    double *up = golden_f64n(g, group, "upstream", N * SLOTS);
    int32_t *candidate = read_i32(g, group, "candidates", &n);
    if (x && w && up && candidate && !cb_h5_get_f64(g->h5, group, "temperature", &tau)) {
        for (int s = 0; s < SLOTS; s++) {
            int32_t from = candidate[cb_wire_choice(w + s, C, SLOTS) * SLOTS + s];
            resolved[s] = from;
            for (int e = 0; e < N; e++) {
                y[e * SLOTS + s] = x[e * IN + from];
                cb_wire_backward(x + e * IN, candidate + s, w + s, C, SLOTS, tau, up[e * SLOTS + s], dw + s, dx + e * IN);
            }
        }
        golden_compare(g, group, "resolved", GOLDEN_EXACT, resolved, SLOTS, 0);
        golden_compare(g, group, "y", GOLDEN_ABS, y, N * SLOTS, 1e-12);
        golden_compare(g, group, "dL_dw", GOLDEN_ABS, dw, C * SLOTS, 1e-12);
        golden_compare(g, group, "dL_dx", GOLDEN_ABS, dx, N * IN, 1e-12);
    }
    free(x), free(w), free(up), free(candidate);
}

/* Forward and backward of a network on recorded inputs and upstream gradients. */
static void pass(golden *g, cb_logic_ref *r, const double *x, const double *up, int n, double *y, double *dx) {
    int n_in = r->net->n_input, n_out = cb_logic_outputs(r->net);
    (void)g;
    cb_logic_ref_prepare(r);
    for (int e = 0; e < n; e++) {
        cb_logic_ref_forward(r, x + e * n_in);
        memcpy(y + e * n_out, r->act[r->net->n_layer], (size_t)n_out * sizeof *y);
        memcpy(r->d_act[r->net->n_layer], up + e * n_out, (size_t)n_out * sizeof *up);
        cb_logic_ref_backward(r);
        memcpy(dx + e * n_in, r->d_act[0], (size_t)n_in * sizeof *dx);
    }
    cb_logic_ref_gradient(r);
}

static void check_conv3d(golden *g) {
    enum { K = 3, LEAVES = 2, N = 5, IN = 2 * 6 * 5 * 4, OUT = K * 4 * 4 * 3 };
    const char *group = "conv3d";
    if (!golden_has(g, group)) return;
    cb_logic_net net;
    cb_logic_ref r = {0};
    cb_logic_conv c = {CB_LOGIC_RAW, 2, K, 2, {3, 2, 2}, {1, 1, 1}, 0};
    uint64_t n = 0;
    cb_logic_net_new(&net, (cb_logic_image){2, 6, 5, 4});
    int32_t *leaf = read_i32(g, group, "leaf_hwdc", &n);
    double *x = golden_f64n(g, group, "x", N * IN), *up = golden_f64n(g, group, "upstream", N * OUT);
    double *w0 = golden_f64n(g, group, "w0", LEAVES * K * 16), *w1 = golden_f64n(g, group, "w1", K * 16);
    static double y[N * OUT], dx[N * IN];
    if (leaf && n == 2 * K * LEAVES * 4 && x && up && w0 && w1 && !cb_logic_conv_add(&net, &c, leaf) &&
        cb_logic_outputs(&net) == OUT && !cb_logic_ref_new(&r, &net)) {
        memcpy(r.w, w0, LEAVES * K * 16 * sizeof *w0);
        memcpy(r.w + LEAVES * K * 16, w1, K * 16 * sizeof *w1);
        pass(g, &r, x, up, N, y, dx);
        golden_compare(g, group, "y", GOLDEN_ABS, y, N * OUT, 1e-12);
        golden_compare(g, group, "dL_dx", GOLDEN_ABS, dx, N * IN, 1e-12);
        golden_compare(g, group, "dL_dw0", GOLDEN_ABS, r.grad, LEAVES * K * 16, 1e-12);
        golden_compare(g, group, "dL_dw1", GOLDEN_ABS, r.grad + LEAVES * K * 16, K * 16, 1e-12);
    } else
        golden_broken(g, group, "network");
    free(leaf), free(x), free(up), free(w0), free(w1);
    cb_logic_ref_free(&r);
    cb_logic_net_free(&net);
}

static void check_orpool(golden *g) {
    enum { N = 4, IN = 3 * 9 * 7, OUT = 3 * 4 * 3 };
    if (!golden_has(g, "orpool")) return;
    cb_logic_net net;
    cb_logic_ref r = {0};
    cb_logic_net_new(&net, (cb_logic_image){3, 9, 7, 1});
    double *x = golden_f64n(g, "orpool", "x", N * IN), *up = golden_f64n(g, "orpool", "upstream", N * OUT);
    double y[N * OUT], dx[N * IN];
    if (x && up && !cb_logic_pool_add(&net, 2, 2) && cb_logic_outputs(&net) == OUT && !cb_logic_ref_new(&r, &net)) {
        pass(g, &r, x, up, N, y, dx);
        golden_compare(g, "orpool", "y", GOLDEN_EXACT, y, N * OUT, 0);
        golden_compare(g, "orpool", "dL_dx", GOLDEN_ABS, dx, N * IN, 2e-7); /* recorded in float32 */
    } else
        golden_broken(g, "orpool", "network");
    free(x), free(up);
    cb_logic_ref_free(&r);
    cb_logic_net_free(&net);
}

/* ---- ten training steps ---- */

typedef struct {
    const char *name;
    cb_logic_kind kind;
    int rank;                  /* of every layer but the last of a convolutional case (2) */
    bool hard;
    double temperature;
    int hidden, outputs;       /* dense layers; hidden 0: a convolution first */
    cb_logic_conv conv;
    bool pool;
    double tolerance;          /* weights after ten steps */
} train_case;

static const train_case cases[] = {
    {"dense_raw_random", CB_LOGIC_RAW, 2, false, 1, 400, 224, {0}, false, 1e-8},
    {"dense_raw_residual", CB_LOGIC_RAW, 2, false, 1, 400, 224, {0}, false, 1e-8},
    {"dense_raw_hard", CB_LOGIC_RAW, 2, true, 1, 400, 224, {0}, false, 1e-8},
    {"dense_light_residual", CB_LOGIC_LIGHT, 2, false, 1, 400, 224, {0}, false, 1e-8},
    {"dense_warp_residual", CB_LOGIC_WARP, 2, false, 0.8, 400, 224, {0}, false, 1e-8},
    {"dense_light_rank4", CB_LOGIC_LIGHT, 4, false, 1, 240, 224, {0}, false, 1e-8},
    {"dense_warp_rank6", CB_LOGIC_WARP, 6, false, 1, 160, 224, {0}, false, 1e-8},
    {"conv_raw_random", CB_LOGIC_RAW, 2, false, 1, 0, 256, {CB_LOGIC_RAW, 2, 4, 3, {4, 4, 1}, {2, 2, 1}, 0}, false, 1e-8},
    {"conv_light_residual", CB_LOGIC_LIGHT, 2, false, 1, 0, 256, {CB_LOGIC_LIGHT, 2, 4, 3, {3, 3, 1}, {1, 1, 1}, 1}, true, 1e-8},
    {"conv_warp_rank4", CB_LOGIC_WARP, 4, false, 1, 0, 256, {CB_LOGIC_WARP, 4, 6, 2, {4, 4, 1}, {2, 2, 1}, 0}, false, 1e-8}};

/* Wires recorded as (rank, out). */
static int read_wires(golden *g, const char *group, int index, cb_logic_layer *l) {
    char name[32];
    uint64_t n = 0;
    snprintf(name, sizeof name, "wires%d", index);
    int32_t *w = read_i32(g, group, name, &n);
    int rc = w && n == (uint64_t)l->n_out * (uint64_t)l->rank ? 0 : -1;
    for (int o = 0; !rc && o < l->n_out; o++)
        for (int j = 0; j < l->rank; j++) l->wire[o * l->rank + j] = w[j * l->n_out + o];
    free(w);
    return rc;
}

/* conv0_leaf_hwc (rank, kernel, leaf, 3) is relative to the padded image at position 0. */
static int read_conv(golden *g, const char *group, const train_case *t, cb_logic_net *net) {
    uint64_t n = 0;
    int32_t *hwc = read_i32(g, group, "conv0_leaf_hwc", &n), *leaf = hwc ? cb_alloc((size_t)n / 3 * 4, sizeof *leaf) : NULL;
    for (uint64_t e = 0; leaf && e < n / 3; e++) {
        leaf[4 * e] = hwc[3 * e], leaf[4 * e + 1] = hwc[3 * e + 1], leaf[4 * e + 3] = hwc[3 * e + 2];
    }
    int rc = leaf && n == (uint64_t)(t->rank * t->conv.kernels * cb_logic_leaves(&t->conv) * 3)
                 ? cb_logic_conv_add(net, &t->conv, leaf)
                 : -1;
    if (!rc && t->pool) rc = cb_logic_pool_add(net, 2, 2);
    free(hwc), free(leaf);
    return rc;
}

static int build_case(golden *g, const char *group, const train_case *t, cb_logic_net *net) {
    cb_logic_net_new(net, (cb_logic_image){3, 18, 14, 1});
    if (t->hidden) {
        cb_logic_layer *l = cb_logic_dense(net, t->kind, t->rank, t->hidden);
        if (!l || read_wires(g, group, 0, l)) return -1;
    } else if (read_conv(g, group, t, net)) return -1;
    cb_logic_layer *l = cb_logic_dense(net, t->kind, t->hidden ? t->rank : 2, t->outputs);
    return l && !read_wires(g, group, t->hidden ? 1 : t->pool ? 3 : 2, l) ? 0 : -1;
}

/* Recorded weights of a state, layer by layer without pooling; into r->w, or compared with x. */
static void weights(golden *g, const char *group, const char *state, const cb_logic_net *net, double *load, const double *x,
                    double tolerance) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", group, state);
    for (int l = 0, k = 0; l < net->n_layer; l++) {
        const cb_logic_layer *y = &net->layer[l];
        char name[16];
        if (y->pool) continue;
        snprintf(name, sizeof name, "w%d", k++);
        uint64_t n = (uint64_t)y->n_set * (uint64_t)y->n_par;
        if (x) golden_compare(g, path, name, GOLDEN_ABS, x + y->first, n, tolerance);
        double *w = load ? golden_f64n(g, path, name, n) : NULL;
        if (w) memcpy(load + y->first, w, n * sizeof *w);
        free(w);
    }
}

/* Bits of the recorded events, plane by plane. */
static double *encode(golden *g, const char *group, int rows, const double *et) {
    double t[8];
    int T = cb_h5_get_f64s(g->h5, group, "thresholds", t, 8);
    double *x = T == 3 ? malloc((size_t)rows * 3 * CELLS * sizeof *x) : NULL;
    for (int e = 0; x && e < rows; e++)
        for (int i = 0; i < T; i++)
            for (int f = 0; f < CELLS; f++) x[(e * T + i) * CELLS + f] = et[e * CELLS + f] > t[i];
    return x;
}

static void check_steps(golden *g, const char *group, const train_case *t, cb_logic_ref *r, const double *x) {
    uint64_t n = 0;
    double loss[STEPS], y[BATCH], out[BATCH], target[BATCH], lr = 0, b1 = 0, b2 = 0, eps = 0;
    size_t bits = (size_t)r->net->n_input;
    int32_t *rows = read_i32(g, group, "batch_rows", &n);
    double *all = golden_f64n(g, "", "target_v2p1p2_events256", FEW), *batch = malloc(BATCH * bits * sizeof *batch);
    if (!rows || n != STEPS * BATCH || !all || cb_h5_get_f64(g->h5, group, "lr", &lr) ||
        cb_h5_get_f64(g->h5, group, "beta1", &b1) || cb_h5_get_f64(g->h5, group, "beta2", &b2) ||
        cb_h5_get_f64(g->h5, group, "eps", &eps)) {
        golden_broken(g, group, "batches");
        n = 0;
    }
    weights(g, group, "step0", r->net, r->w, NULL, 0);
    for (int s = 0; n && s < STEPS; s++) {
        for (int e = 0; e < BATCH; e++) {
            memcpy(batch + (size_t)e * bits, x + (size_t)rows[s * BATCH + e] * bits, bits * sizeof *x);
            target[e] = all[rows[s * BATCH + e]];
        }
        loss[s] = cb_logic_ref_batch(r, batch, target, BATCH, s ? out : y);
        if (s == 0) {
            golden_compare(g, group, "y_first_batch", GOLDEN_ABS, y, BATCH, 1e-9);
            weights(g, group, "grad_first_batch", r->net, NULL, r->grad, 1e-12);
        }
        cb_logic_ref_adam(r, lr, b1, b2, eps);
        char state[16];
        snprintf(state, sizeof state, "step%d", s + 1);
        char path[128];
        snprintf(path, sizeof path, "%s/%s", group, state);
        if (cb_h5_exists(g->h5, path)) weights(g, group, state, r->net, NULL, r->w, t->tolerance);
    }
    if (n) golden_compare(g, group, "loss", GOLDEN_REL, loss, STEPS, 1e-9);
    free(rows), free(all), free(batch);
}

/* Tables, bits, counts and scores of the network hardened from the recorded weights. */
static void check_hard(golden *g, const char *group, cb_logic_ref *r, double tau, double beta, const double *x) {
    char path[128];
    cb_circuit c;
    snprintf(path, sizeof path, "%s/hard", group);
    weights(g, group, "step10", r->net, r->w, NULL, 0);
    int n_in = r->net->n_input, n_out = cb_logic_outputs(r->net);
    double *count = calloc(ROWS, sizeof *count), *score = calloc(ROWS, sizeof *score);
    double *packed = calloc((size_t)(PACKED * n_out / 8), sizeof *packed);
    if (cb_logic_harden_f64(r->net, r->w, &c) || cb_circuit_simplify(&c)) {
        golden_broken(g, path, "circuit");
    } else {
        uint8_t *signal = malloc((size_t)(c.n_input + c.n) + 1);
        for (int e = 0; e < ROWS; e++) {
            for (int i = 0; i < n_in; i++) signal[i] = x[(size_t)e * (size_t)n_in + (size_t)i] != 0;
            cb_circuit_trace(&c, signal);
            for (int o = 0; o < n_out; o++) {
                count[e] += signal[c.output[o]];
                if (e < PACKED) packed[(e * n_out + o) / 8] += signal[c.output[o]] << (7 - o % 8);
            }
            score[e] = (float)((count[e] + beta) / tau); /* recorded in float32 */
        }
        golden_compare(g, path, "count", GOLDEN_EXACT, count, ROWS, 0);
        golden_compare(g, path, "score", GOLDEN_EXACT, score, ROWS, 0);
        golden_compare(g, path, "bits_packed", GOLDEN_EXACT, packed, (uint64_t)(PACKED * n_out / 8), 0);
        free(signal);
        cb_circuit_free(&c);
    }
    free(count), free(score), free(packed);
}

/* Recorded truth tables: lut<k> of the dense layers, conv0_lut_level<l> of the trees. */
static void check_luts(golden *g, const char *group, const train_case *t, const cb_logic_ref *r) {
    char path[128];
    snprintf(path, sizeof path, "%s/hard", group);
    for (int l = 0, k = 0; l < r->net->n_layer; l++) {
        const cb_logic_layer *y = &r->net->layer[l];
        char name[32];
        if (y->pool) continue;
        if (!t->hidden && k < t->conv.levels) snprintf(name, sizeof name, "conv0_lut_level%d", k);
        else snprintf(name, sizeof name, "lut%d", t->hidden ? k : t->pool ? 3 : 2);
        k++;
        int corners = 1 << y->rank;
        double *lut = calloc((size_t)(y->n_set * corners), sizeof *lut);
        for (int s = 0; s < y->n_set; s++) {
            uint64_t table = cb_node_table(y->kind, y->rank, r->w + y->first + (size_t)(s * y->n_par));
            for (int i = 0; i < corners; i++) lut[s * corners + i] = (double)(table >> i & 1);
        }
        golden_compare(g, path, name, GOLDEN_EXACT, lut, (uint64_t)(y->n_set * corners), 0);
        free(lut);
    }
}

static void check_training(golden *g) {
    double *few = read_events(g, "inputs_events256.h5", "et", FEW);
    double *many = read_events(g, "inputs_random4096.h5", "CaloRegions", ROWS - FEW);
    double *et = few && many ? malloc(ROWS * CELLS * sizeof *et) : NULL;
    if (et) {
        memcpy(et, few, FEW * CELLS * sizeof *et);
        memcpy(et + FEW * CELLS, many, (ROWS - FEW) * CELLS * sizeof *et);
    }
    for (size_t k = 0; et && k < sizeof cases / sizeof *cases; k++) {
        char group[64];
        double tau = 1, beta = 0;
        cb_logic_net net;
        cb_logic_ref r = {0};
        snprintf(group, sizeof group, "train/%s", cases[k].name);
        if (!golden_has(g, group)) continue;
        double *x = encode(g, group, ROWS, et);
        if (x && !build_case(g, group, &cases[k], &net) && !cb_logic_ref_new(&r, &net) &&
            !cb_h5_get_f64(g->h5, group, "tau", &tau) && !cb_h5_get_f64(g->h5, group, "head_beta", &beta)) {
            r.temperature = cases[k].temperature, r.hard = cases[k].hard;
            for (int o = 0; o < cb_logic_outputs(&net); o++) r.c[o] = 1 / tau;
            r.b = beta / tau;
            check_steps(g, group, &cases[k], &r, x);
            check_hard(g, group, &r, tau, beta, x);
            check_luts(g, group, &cases[k], &r);
        } else
            golden_broken(g, group, "network");
        free(x);
        cb_logic_ref_free(&r);
        cb_logic_net_free(&net);
    }
    free(few), free(many), free(et);
}

GOLDEN_FILE(lgn, "lgn.h5", check_gates, check_nodes, check_init, check_walsh, check_groupsum, check_binarization,
            check_wiring, check_conv3d, check_orpool, check_training)
GOLDEN_MAIN(lgn)
