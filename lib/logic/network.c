#include "logic/network.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_OUTPUTS = 1 << 24 };

void cb_logic_net_new(cb_logic_net *n, cb_logic_image input) {
    *n = (cb_logic_net){.n_input = input.c * input.h * input.w * input.d, .image = input, .head = {1, 1, 0}};
}

void cb_logic_net_free(cb_logic_net *n) {
    for (int l = 0; l < n->n_layer; l++) free(n->layer[l].wire), free(n->layer[l].choice);
    *n = (cb_logic_net){0};
}

int cb_logic_outputs(const cb_logic_net *n) { return n->n_layer ? n->layer[n->n_layer - 1].n_out : n->n_input; }
size_t cb_logic_head_parameters(const cb_logic_net *n) { return cb_logic_head_size(&n->head, cb_logic_outputs(n)); }

static cb_logic_layer *append(cb_logic_net *n, cb_logic_kind kind, int rank, int64_t n_set, int64_t n_pos, bool pool) {
    int most = pool ? 64 : CB_LOGIC_RANK;
    if (n->n_layer >= CB_LOGIC_LAYERS)
        return cb_fail_null("logic network: more than %d layers (each level of a tree is one)", CB_LOGIC_LAYERS);
    if (rank < 1 || rank > most || (kind == CB_LOGIC_RAW && rank != 2 && !pool))
        return cb_fail_null("logic layer %d: nodes of %d inputs; 1 to %d expected, 2 for raw nodes", n->n_layer, rank, most);
    if (n_set < 1 || n_pos < 1 || n_set > MAX_OUTPUTS / n_pos)
        return cb_fail_null("logic layer %d: %lld x %lld nodes, 1 to %d expected", n->n_layer, (long long)n_set,
                            (long long)n_pos, MAX_OUTPUTS);
    cb_logic_layer *l = &n->layer[n->n_layer];
    *l = (cb_logic_layer){.pool = pool, .kind = kind, .rank = rank, .n_in = cb_logic_outputs(n), .n_set = (int)n_set,
                          .n_pos = (int)n_pos, .n_out = (int)(n_set * n_pos), .first = n->n_weight};
    l->n_par = pool ? 0 : cb_node_parameters(kind, rank);
    l->wire = cb_alloc((size_t)l->n_out, (size_t)rank * sizeof *l->wire);
    if (!l->wire) return NULL;
    n->n_weight += (size_t)l->n_set * (size_t)l->n_par;
    n->n_layer++;
    return l;
}

cb_logic_layer *cb_logic_shared(cb_logic_net *n, cb_logic_kind kind, int rank, int n_set, int n_pos) {
    cb_logic_layer *l = append(n, kind, rank, n_set, n_pos, false);
    if (l) n->image = (cb_logic_image){n_set, n_pos, 1, 1};
    return l;
}

cb_logic_layer *cb_logic_dense(cb_logic_net *n, cb_logic_kind kind, int rank, int n_out) {
    return cb_logic_shared(n, kind, rank, n_out, 1);
}

int cb_logic_choices(cb_logic_net *n, int n_choice) {
    cb_logic_layer *l = &n->layer[n->n_layer - 1];
    size_t slots = (size_t)l->n_out * (size_t)l->rank;
    if (n_choice < 2 || n_choice > MAX_OUTPUTS / 4 || slots > MAX_OUTPUTS / (size_t)n_choice)
        return cb_fail("logic layer %d: %d candidates for each of %zu inputs; at least 2, and %d in all at most",
                       n->n_layer - 1, n_choice, slots, MAX_OUTPUTS);
    if (!(l->choice = cb_alloc(slots * (size_t)n_choice, sizeof *l->choice))) return -1;
    l->n_choice = n_choice;
    l->first_choice = n->n_choice;
    n->n_choice += slots * (size_t)n_choice;
    return 0;
}

int cb_logic_leaves(const cb_logic_conv *c) {
    int64_t n = 1;
    for (int l = 1; l < c->levels && n < MAX_OUTPUTS; l++) n *= c->rank;
    return (int)n;
}

/* Index of (c, h, w, d) in the tensor, or that of the constant 0 outside of it. */
static int32_t element(const cb_logic_image *m, int c, int h, int w, int d) {
    if (h < 0 || w < 0 || d < 0 || h >= m->h || w >= m->w || d >= m->d) return m->c * m->h * m->w * m->d;
    return ((c * m->h + h) * m->w + w) * m->d + d;
}

static void wire_leaves(cb_logic_layer *l, const cb_logic_conv *c, const int32_t *leaf, const cb_logic_image *in,
                        const cb_logic_image *out) {
    int leaves = cb_logic_leaves(c), pad = c->padding, pad_d = in->d > 1 ? pad : 0;
    int32_t *wire = l->wire;
    for (int s = 0; s < l->n_set; s++)
        for (int h = 0; h < out->h; h++)
            for (int w = 0; w < out->w; w++)
                for (int d = 0; d < out->d; d++)
                    for (int j = 0; j < c->rank; j++) {
                        int node = s / c->kernels, kernel = s % c->kernels;
                        const int32_t *o = leaf + (((size_t)j * (size_t)c->kernels + (size_t)kernel) * (size_t)leaves +
                                                   (size_t)node) * 4;
                        *wire++ = element(in, o[3], h * c->stride[0] - pad + o[0], w * c->stride[1] - pad + o[1],
                                          d * c->stride[2] - pad_d + o[2]);
                    }
}

static int conv_shape(const cb_logic_net *n, const cb_logic_conv *c, cb_logic_image *out) {
    const cb_logic_image *in = &n->image;
    int size[3] = {in->h + 2 * c->padding, in->w + 2 * c->padding, in->d + (in->d > 1 ? 2 * c->padding : 0)}, made[3];
    if (c->kernels < 1 || c->levels < 1 || c->padding < 0)
        return cb_fail("logic convolution: %d kernels of %d levels with padding %d", c->kernels, c->levels, c->padding);
    for (int a = 0; a < 3; a++) {
        if (c->field[a] < 1 || c->stride[a] < 1 || c->field[a] > size[a])
            return cb_fail("logic convolution: a field of %d with stride %d does not fit %d padded places", c->field[a],
                           c->stride[a], size[a]);
        made[a] = (size[a] - c->field[a]) / c->stride[a] + 1;
    }
    *out = (cb_logic_image){c->kernels, made[0], made[1], made[2]};
    return 0;
}

static int check_leaves(const cb_logic_net *n, const cb_logic_conv *c, const int32_t *leaf) {
    int total = c->rank * c->kernels * cb_logic_leaves(c);
    for (int e = 0; e < total; e++)
        for (int a = 0; a < 4; a++) {
            int end = a == 3 ? n->image.c : c->field[a];
            if (leaf[e * 4 + a] < 0 || leaf[e * 4 + a] >= end)
                return cb_fail("logic convolution: leaf %d, axis %d: offset %d, 0 to %d expected", e, a, leaf[e * 4 + a], end - 1);
        }
    return 0;
}

int cb_logic_conv_add(cb_logic_net *n, const cb_logic_conv *c, const int32_t *leaf) {
    cb_logic_image in = n->image, out;
    if (c->rank < 1 || c->rank > CB_LOGIC_RANK) return cb_fail("logic convolution: nodes of %d inputs", c->rank);
    if (conv_shape(n, c, &out) || check_leaves(n, c, leaf)) return -1;
    int64_t nodes = cb_logic_leaves(c), n_pos = (int64_t)out.h * out.w * out.d;
    for (int level = 0; level < c->levels; level++, nodes /= c->rank) {
        cb_logic_layer *l = append(n, c->kind, c->rank, nodes * c->kernels, n_pos, false);
        if (!l) return -1;
        l->tree = true;
        if (level == 0) {
            wire_leaves(l, c, leaf, &in, &out);
            continue;
        }
        for (int e = 0; e < l->n_out; e++)
            for (int j = 0; j < c->rank; j++) {
                int set = e / l->n_pos, pos = e % l->n_pos, node = set / c->kernels, kernel = set % c->kernels;
                l->wire[e * c->rank + j] = ((node * c->rank + j) * c->kernels + kernel) * l->n_pos + pos;
            }
    }
    n->image = out;
    return 0;
}

int cb_logic_pool_add(cb_logic_net *n, int size, int stride) {
    cb_logic_image in = n->image;
    if (size < 1 || size > 8 || stride < 1 || size > in.h || size > in.w)
        return cb_fail("logic pooling: windows of %d with stride %d on %d x %d; 1 to 8 expected", size, stride, in.h, in.w);
    cb_logic_image out = {in.c, (in.h - size) / stride + 1, (in.w - size) / stride + 1, in.d};
    cb_logic_layer *l = append(n, CB_LOGIC_LIGHT, size * size, in.c, (int64_t)out.h * out.w * out.d, true);
    if (!l) return -1;
    int32_t *wire = l->wire;
    for (int c = 0; c < out.c; c++)
        for (int h = 0; h < out.h; h++)
            for (int w = 0; w < out.w; w++)
                for (int d = 0; d < out.d; d++)
                    for (int k = 0; k < size * size; k++)
                        *wire++ = element(&in, c, h * stride + k / size, w * stride + k % size, d);
    n->image = out;
    return 0;
}

/* ---- hardening ---- */

/* OR of n signals, six at a time. */
static int32_t or_tree(cb_circuit *c, int32_t *in, int n) {
    while (n > 1) {
        int m = 0;
        for (int i = 0; i < n;) {
            int k = n - i < CB_GATE_INPUTS ? n - i : CB_GATE_INPUTS;
            int32_t s = k == 1 ? in[i] : cb_circuit_gate(c, k, in + i, ~(uint64_t)1);
            if (s < 0) return -1;
            in[m++] = s;
            i += k;
        }
        n = m;
    }
    return in[0];
}

static uint64_t node_table(const cb_logic_layer *l, size_t first, const float *w, const double *w64) {
    double t[CB_LOGIC_PARAMETERS];
    for (int k = 0; k < l->n_par; k++) t[k] = w ? w[first + (size_t)k] : w64[first + (size_t)k];
    return cb_node_table(l->kind, l->rank, t);
}

/* Gates of a layer; before[i] is the signal of input i of the layer, before[n_in] the constant 0. */
static int harden_layer(const cb_logic_layer *l, const float *w, const double *w64, const int32_t *before, int32_t *after,
                        cb_circuit *c) {
    for (int e = 0; e < l->n_out; e++) {
        int32_t in[64];
        for (int j = 0; j < l->rank; j++) in[j] = before[l->wire[(size_t)e * (size_t)l->rank + (size_t)j]];
        if (l->pool) after[e] = or_tree(c, in, l->rank);
        else
            after[e] = cb_circuit_gate(c, l->rank, in,
                                       node_table(l, l->first + (size_t)(e / l->n_pos) * (size_t)l->n_par, w, w64));
        if (after[e] < 0) return -1;
    }
    return 0;
}

static int harden(const cb_logic_net *n, const float *w, const double *w64, cb_circuit *c) {
    int most = n->n_input;
    for (int l = 0; l < n->n_layer; l++)
        if (n->layer[l].n_out > most) most = n->layer[l].n_out;
    if (cb_circuit_new(c, n->n_input, cb_logic_outputs(n))) return -1;
    int32_t *x = cb_alloc((size_t)most + 1, sizeof *x), *y = cb_alloc((size_t)most + 1, sizeof *y);
    int32_t zero = x && y ? cb_circuit_gate(c, 0, NULL, 0) : -1;
    int rc = zero < 0 ? -1 : 0;
    for (int i = 0; !rc && i < n->n_input; i++) x[i] = i;
    for (int l = 0; !rc && l < n->n_layer; l++) {
        x[n->layer[l].n_in] = zero;
        rc = harden_layer(&n->layer[l], w, w64, x, y, c);
        int32_t *swap = x;
        x = y, y = swap;
    }
    if (!rc) memcpy(c->output, x, (size_t)c->n_output * sizeof *x);
    free(x);
    free(y);
    if (rc) cb_circuit_free(c);
    return rc;
}

int cb_logic_harden(const cb_logic_net *n, const float *w, cb_circuit *c) { return harden(n, w, NULL, c); }
int cb_logic_harden_f64(const cb_logic_net *n, const double *w, cb_circuit *c) { return harden(n, NULL, w, c); }
