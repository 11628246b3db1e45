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
    case CB_CODE_BITS: break;
    }
    return count > t;
}

static int make_code(cb_logic_student *s) {
    const cb_logic_design *d = &s->design;
    for (int i = 0; i < d->planes; i++)
        if (d->threshold[i] < 0 || d->threshold[i] >= CB_ET_MAX || (i && d->threshold[i] <= d->threshold[i - 1]))
            return cb_fail("logic student: threshold %d is %d; ascending ones of 0 to %d expected", i, d->threshold[i], CB_ET_MAX - 1);
    if (cb_logic_code_planes(&s->code, s->height * s->width, d->threshold, d->planes)) return -1;
    if (d->input == CB_CODE_BITS) return 0;
    s->code.table = cb_alloc((size_t)d->planes * COUNTS, sizeof *s->code.table);
    if (!s->code.table) return -1;
    for (int i = 0; i < d->planes; i++)
        for (int x = 0; x < COUNTS; x++) s->code.table[i * COUNTS + x] = (float)transform(d, i, x);
    return 0;
}

/* ---- wires ---- */

/* Each node reads `rank` different bits of one window of the image, all planes; windows are visited in turn. */
static void wires_local(const cb_logic_student *s, cb_rng *r, cb_logic_layer *l) {
    const cb_logic_design *d = &s->design;
    int rows = d->window < s->height ? d->window : s->height, columns = d->window < s->width ? d->window : s->width;
    int n_pos = s->height * (s->width - columns + 1); /* the image closes on itself in phi */
    for (int o = 0; o < l->n_out; o++) {
        int pos = (int)((int64_t)o * n_pos / l->n_out), y = pos % s->height, x = pos / s->height;
        for (int j = 0; j < l->rank;) {
            int cell = (y + (int)cb_rng_below(r, (uint32_t)rows)) % s->height * s->width + x + (int)cb_rng_below(r, (uint32_t)columns);
            int32_t bit = (int32_t)cb_rng_below(r, (uint32_t)d->planes) * s->height * s->width + cell;
            int again = 0;
            for (int q = 0; q < j; q++) again |= l->wire[o * l->rank + q] == bit;
            if (again && rows * columns * d->planes >= l->rank) continue;
            l->wire[o * l->rank + j++] = bit;
        }
    }
}

static int draw_wires(cb_logic_student *s, cb_rng *r, cb_logic_layer *l, bool first) {
    const cb_logic_design *d = &s->design;
    if (d->wiring == CB_WIRE_LOCAL && first && !d->conv.kernels) return wires_local(s, r, l), 0;
    if (d->wiring == CB_WIRE_UNIQUE && d->rank == 2) return cb_wires_unique(r, l->n_in, l->n_out, l->wire);
    return cb_wires_random(r, l->n_in, l->n_out, d->rank, d->wiring != CB_WIRE_RANDOM, l->wire);
}

/* Candidates of an input are as many draws of its wire. */
static int make_dense(cb_logic_student *s, cb_rng *r, int n_out, bool first) {
    int candidates = s->design.candidates;
    cb_logic_layer *l = cb_logic_dense(&s->net, s->design.kind, s->design.rank, n_out);
    if (!l) return -1;
    if (candidates < 2) return draw_wires(s, r, l, first);
    if (cb_logic_choices(&s->net, candidates)) return -1;
    for (int i = 0; i < candidates; i++) {
        if (draw_wires(s, r, l, first)) return -1;
        for (int k = 0; k < n_out * l->rank; k++) l->choice[(size_t)k * (size_t)candidates + (size_t)i] = l->wire[k];
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
    return 0;
}

/* ---- weights ---- */

static void start_weights(cb_logic_student *s) {
    const cb_logic_design *d = &s->design;
    for (int l = 0; l < s->net.n_layer; l++) {
        const cb_logic_layer *y = &s->net.layer[l];
        for (int set = 0; set < (y->pool ? 0 : y->n_set); set++) {
            cb_rng r = cb_rng_at(d->seed, "logic-start", (uint64_t)l << 32 | (uint64_t)set);
            double w[CB_LOGIC_PARAMETERS];
            for (int k = 0; k < y->n_par; k++) w[k] = cb_rng_normal(&r);
            if (d->residual) {
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

/* Half of the outputs on = `middle`. */
static void start_head(cb_logic_student *s) {
    const cb_logic_design *d = &s->design;
    int n = cb_logic_outputs(&s->net);
    double sum = 0;
    for (int o = 0; o < n; o++) sum += s->c[o] = (float)(1 / d->tau);
    s->c[n] = (float)(d->middle - sum / 2);
}

int cb_logic_student_new(cb_logic_student *s, const cb_logic_design *d, int height, int width) {
    *s = (cb_logic_student){.design = *d, .height = height, .width = width};
    if (d->n_dense < 1 && !d->conv.kernels) return cb_fail("logic student: neither trees nor dense layers");
    if (make_code(s) || make_net(s) || !(s->w = cb_alloc(s->net.n_weight + 1, sizeof *s->w)) ||
        !(s->u = cb_alloc(s->net.n_choice + 1, sizeof *s->u)) ||
        !(s->c = cb_alloc((size_t)cb_logic_outputs(&s->net) + 1, sizeof *s->c))) {
        cb_logic_student_free(s);
        return -1;
    }
    start_weights(s);
    start_choices(s);
    start_head(s);
    return 0;
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
    uint64_t head[1] = {(uint64_t)cb_logic_outputs(&s->net) + 1};
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
