/* Design and start of a logic student, and its file group. Training: fit.c; programme: export.c. */
#include "logic/student.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fmath.h"
#include "logic/wiring.h"

enum { COUNTS = CB_ET_MAX + 1 };

/* ---- input ---- */

static double log1p_of(double x) { return cb_log(1 + x); }

static double transform(const cb_logic_design *d, int plane, int count) {
    int t = d->threshold[plane], next = plane + 1 < d->planes ? d->threshold[plane + 1] : 1024;
    double above = count > t ? count - t : 0, ramp = above / (next > t ? next - t : 1);
    switch (d->input) {
    case CB_CODE_LT: return log1p_of(above / 2);
    case CB_CODE_LOG: return log1p_of(count) / 2;
    case CB_CODE_RAMP: return ramp < 1 ? ramp : 1;
    case CB_CODE_BITS: case CB_CODE_BINARY: break;
    }
    return count > t;
}

/* Plane by plane, all but the last: single bits of the counts. */
static int binary_code(cb_logic_student *s) {
    for (int j = 0; j < s->code.n_input; j++) {
        int32_t plane = s->code.plane[j], t = s->design.threshold[plane];
        if (t & (t - 1)) return cb_fail("logic student: threshold %d is %d; powers of two expected for binary input", plane, t);
        if (plane == s->design.planes - 1) s->code.threshold[j] = t - 1;
        else s->code.threshold[j] = 0, s->code.mask[j] = t;
    }
    return 0;
}

static int make_code(cb_logic_student *s) {
    const cb_logic_design *d = &s->design;
    for (int i = 0; i < d->planes; i++)
        if (d->threshold[i] < 0 || d->threshold[i] >= CB_ET_MAX || (i && d->threshold[i] <= d->threshold[i - 1]))
            return cb_fail("logic student: threshold %d is %d; ascending ones of 0 to %d expected", i, d->threshold[i], CB_ET_MAX - 1);
    if (cb_logic_code_planes(&s->code, s->height * s->width, d->threshold, d->planes)) return -1;
    for (int j = 0; s->front && j < s->code.n_input; j++)
        s->code.threshold[j] = cb_front_end_threshold(s->front, s->code.source[j], s->code.threshold[j]);
    if (d->input == CB_CODE_BITS) return 0;
    if (d->input == CB_CODE_BINARY) return binary_code(s);
    s->code.table = cb_alloc((size_t)d->planes * COUNTS, sizeof *s->code.table);
    if (!s->code.table) return -1;
    for (int i = 0; i < d->planes; i++)
        for (int x = 0; x < COUNTS; x++) s->code.table[i * COUNTS + x] = (float)transform(d, i, x);
    return 0;
}

/* ---- wires ---- */

/* A bit of the window at (y, x): index among the inputs. The image closes on itself in phi. */
static int32_t bit_of(const cb_logic_student *s, int plane, int y, int x) {
    return (plane * s->height + y % s->height) * s->width + x;
}

/* Each node reads `rank` different bits of one window of the image, all planes; windows are visited in turn. Shared nodes read
 * the same bits of windows at all phi. */
static void wires_local(const cb_logic_student *s, cb_rng *r, cb_logic_layer *l) {
    const cb_logic_design *d = &s->design;
    int rows = d->window < s->height ? d->window : s->height, columns = d->window_eta < s->width ? d->window_eta : s->width;
    int turns = l->n_pos > 1 ? 1 : s->height, windows = turns * (s->width - columns + 1), room = rows * columns * d->planes;
    for (int set = 0; set < l->n_set; set++) {
        int at = (int)((int64_t)set * windows / l->n_set), x = at / turns, pick[CB_LOGIC_RANK];
        for (int j = 0; j < l->rank;) {
            bool again = false;
            pick[j] = (int)cb_rng_below(r, (uint32_t)room);
            for (int q = 0; q < j; q++) again |= pick[q] == pick[j];
            j += !again || room < l->rank;
        }
        for (int pos = 0; pos < l->n_pos; pos++)
            for (int j = 0; j < l->rank; j++) {
                int cell = pick[j] / d->planes, y = (l->n_pos > 1 ? pos : at % turns) + cell / columns;
                l->wire[(set * l->n_pos + pos) * l->rank + j] = bit_of(s, pick[j] % d->planes, y, x + cell % columns);
            }
    }
}

static int draw_wires(cb_logic_student *s, cb_rng *r, cb_logic_layer *l, bool first) {
    const cb_logic_design *d = &s->design;
    if (first && !d->conv.kernels && (d->wiring == CB_WIRE_LOCAL || d->wiring == CB_WIRE_RING)) return wires_local(s, r, l), 0;
    if (d->wiring == CB_WIRE_UNIQUE && d->rank == 2) return cb_wires_unique(r, l->n_in, l->n_out, l->wire);
    return cb_wires_random(r, l->n_in, l->n_out, d->rank, d->wiring != CB_WIRE_RANDOM, l->wire);
}

/* Candidates of an input are as many draws of its wire. */
static int make_dense(cb_logic_student *s, cb_rng *r, int n_out, bool first) {
    const cb_logic_design *d = &s->design;
    bool ring = first && !d->conv.kernels && d->wiring == CB_WIRE_RING;
    cb_logic_layer *l = cb_logic_shared(&s->net, d->kind, d->rank, n_out, ring ? s->height : 1);
    if (!l) return -1;
    if (d->candidates < 2) return draw_wires(s, r, l, first);
    if (cb_logic_choices(&s->net, d->candidates)) return -1;
    for (int i = 0; i < d->candidates; i++) {
        if (draw_wires(s, r, l, first)) return -1;
        for (int k = 0; k < n_out * l->rank; k++) l->choice[(size_t)k * (size_t)d->candidates + (size_t)i] = l->wire[k];
    }
    return 0;
}

static int make_net(cb_logic_student *s) {
    const cb_logic_design *d = &s->design;
    cb_rng r = cb_rng_at(d->seed, "logic-wires", 0);
    cb_logic_net_new(&s->net, (cb_logic_image){d->planes, s->height, s->width, 1});
    if (d->conv.kernels) {
        int leaves = cb_logic_leaves(&d->conv);
        int32_t *leaf = cb_alloc((size_t)d->conv.rank * (size_t)d->conv.kernels * (size_t)leaves, 4 * sizeof *leaf);
        if (!leaf) return -1;
        cb_wires_leaves(&r, d->conv.rank, d->conv.kernels, leaves, d->conv.field, d->planes, d->group, leaf);
        int rc = cb_logic_conv_add(&s->net, &d->conv, leaf);
        free(leaf);
        if (rc || (d->pool && cb_logic_pool_add(&s->net, d->pool, d->pool))) return -1;
    }
    for (int k = 0; k < d->n_dense; k++)
        if (make_dense(s, &r, d->dense[k], k == 0)) return -1;
    s->net.head = (cb_logic_head){d->count ? s->net.layer[s->net.n_layer - 1].n_pos : 1, d->hinges ? d->units : 1, d->hinges};
    return 0;
}

/* ---- weights ---- */

/* E_T of the bits of corner i that a node reads: region by region, the sum of its bits (binary) or its highest threshold. */
static double corner_et(const cb_logic_student *s, const int32_t *wire, int rank, int i) {
    const cb_logic_design *d = &s->design;
    const int cells = s->height * s->width, inputs = d->planes * cells; /* beyond: the 0 of the padding */
    double sum = 0;
    for (int j = 0; j < rank; j++) {
        if (wire[j] >= inputs || !(i >> (rank - 1 - j) & 1)) continue;
        bool below = false; /* another bit of the region says more */
        for (int q = 0; q < rank; q++)
            below |= i >> (rank - 1 - q) & 1 && wire[q] < inputs && wire[q] % cells == wire[j] % cells && wire[q] > wire[j];
        if (!below || d->input == CB_CODE_BINARY) sum += d->threshold[wire[j] / cells] + (d->input != CB_CODE_BINARY);
    }
    return sum;
}

/* Adds 3 or takes it off where the E_T read is above or below a threshold of the node's own. */
static void start_threshold(const cb_logic_student *s, const cb_logic_layer *l, int set, cb_rng *r, double *w) {
    const cb_logic_design *d = &s->design;
    double low = d->threshold[0] > 1 ? d->threshold[0] : 1, high = d->threshold[d->planes - 1];
    double t = low * cb_exp(cb_log(high / low) * cb_rng_f32(r));
    const int32_t *wire = l->wire + (size_t)set * (size_t)l->n_pos * (size_t)l->rank;
    for (int i = 0; i < l->n_par; i++) w[i] = cb_rng_normal(r) * d->start_noise + (corner_et(s, wire, l->rank, i) >= t ? 3 : -3);
}

static void start_weights(cb_logic_student *s) {
    const cb_logic_design *d = &s->design;
    for (int l = 0; l < s->net.n_layer; l++) {
        const cb_logic_layer *y = &s->net.layer[l];
        for (int set = 0; set < (y->pool ? 0 : y->n_set); set++) {
            cb_rng r = cb_rng_at(d->seed, "logic-start", (uint64_t)l << 32 | (uint64_t)set);
            double w[CB_LOGIC_PARAMETERS];
            for (int k = 0; k < y->n_par; k++) w[k] = cb_rng_normal(&r);
            if (d->start == CB_START_THRESHOLD && l == 0 && d->kind == CB_LOGIC_LIGHT) start_threshold(s, y, set, &r, w);
            else if (d->start != CB_START_RANDOM) {
                cb_node_residual(d->kind, y->rank, d->probability, 1, &r, w);
                for (int k = 0; k < y->n_par; k++) w[k] += d->start_noise * cb_rng_normal(&r);
            }
            for (int k = 0; k < y->n_par; k++) s->w[y->first + (size_t)set * (size_t)y->n_par + (size_t)k] = (float)w[k];
        }
    }
}

/* Uniform in 0 .. 1, as torchlogix has it. */
static void start_choices(cb_logic_student *s) {
    cb_rng r = cb_rng_at(s->design.seed, "logic-choices", 0);
    for (size_t e = 0; e < s->net.n_choice; e++) s->u[e] = cb_rng_f32(&r);
}

static int student_new(cb_logic_student *s) {
    const cb_logic_design *d = &s->design;
    if (d->n_dense < 1 && !d->conv.kernels) return cb_fail("logic student: neither trees nor dense layers");
    if (d->units < 1 || d->units > CB_LOGIC_UNITS || d->hinges < 0 || d->hinges > CB_LOGIC_HINGES)
        return cb_fail("logic student: %d units, %d hinges; 1 to %d and 0 to %d expected", d->units, d->hinges, CB_LOGIC_UNITS, CB_LOGIC_HINGES);
    if (make_code(s) || make_net(s) || !(s->w = cb_alloc(s->net.n_weight + 1, sizeof *s->w)) ||
        !(s->u = cb_alloc(s->net.n_choice + 1, sizeof *s->u)) ||
        !(s->c = cb_alloc(cb_logic_head_parameters(&s->net), sizeof *s->c))) {
        cb_logic_student_free(s);
        return -1;
    }
    start_weights(s);
    start_choices(s);
    cb_rng r = cb_rng_at(d->seed, "logic-head", 0);
    cb_logic_head_start(&s->net.head, cb_logic_outputs(&s->net), d->tau, d->middle, &r, s->c);
    return 0;
}

int cb_logic_student_new(cb_logic_student *s, const cb_logic_design *d, int height, int width) {
    *s = (cb_logic_student){.design = *d, .height = height, .width = width};
    return student_new(s);
}

int cb_logic_student_behind(cb_logic_student *s, const cb_logic_design *d, const cb_front_end *front) {
    *s = (cb_logic_student){.design = *d, .height = 1, .width = front->n, .front = front};
    if (d->input != CB_CODE_BITS || d->learn_thresholds || d->conv.kernels || d->wiring == CB_WIRE_LOCAL || d->wiring == CB_WIRE_RING)
        return cb_fail("logic student: features of a front end are no image of counts: bits with fixed thresholds, dense layers and "
                       "wiring without windows expected");
    return student_new(s);
}

void cb_logic_student_free(cb_logic_student *s) {
    cb_logic_code_free(&s->code);
    cb_logic_net_free(&s->net);
    free(s->w);
    free(s->u);
    free(s->c);
    *s = (cb_logic_student){0};
}

int cb_logic_student_write(const cb_logic_student *s, cb_h5 *f, const char *group) {
    char name[128];
    uint64_t head[1] = {(uint64_t)cb_logic_head_parameters(&s->net)};
    if (cb_h5_group(f, group)) return -1;
    for (int l = 0; l < s->net.n_layer; l++) {
        const cb_logic_layer *y = &s->net.layer[l];
        uint64_t wires[2] = {(uint64_t)y->n_out, (uint64_t)y->rank}, w[2] = {(uint64_t)y->n_set, (uint64_t)y->n_par};
        snprintf(name, sizeof name, "%s/wires%d", group, l);
        if (cb_h5_write(f, name, CB_I32, 2, wires, y->wire)) return -1;
        snprintf(name, sizeof name, "%s/w%d", group, l);
        if (!y->pool && cb_h5_write(f, name, CB_F32, 2, w, s->w + y->first)) return -1;
    }
    snprintf(name, sizeof name, "%s/head", group);
    return cb_h5_write(f, name, CB_F32, 1, head, s->c);
}
