/* A logic student's configuration, and its file read back. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "logic/student.h"
#include "logic/student_proof.h"
#include "quant/student_check.h"

static int whole(const cb_config *c, const char *key) { return (int)cb_config_int(c, "lgn", key); }
static double real(const cb_config *c, const char *key) { return cb_config_real(c, "lgn", key); }

cb_logic_design cb_logic_design_of(const cb_config *c) {
    double list[CB_LOGIC_PLANES];
    int field = whole(c, "field"), stride = whole(c, "stride");
    cb_logic_design d = {.input = (cb_logic_input)cb_config_choice(c, "lgn", "input"),
                         .kind = (cb_logic_kind)cb_config_choice(c, "lgn", "nodes"),
                         .rank = whole(c, "inputs"),
                         .wiring = (cb_logic_wiring)cb_config_choice(c, "lgn", "wiring"),
                         .window = whole(c, "window"),
                         .window_eta = whole(c, "window_eta") ? whole(c, "window_eta") : whole(c, "window"),
                         .candidates = whole(c, "candidates"),
                         .learn_thresholds = cb_config_choice(c, "lgn", "learn_thresholds") > 0,
                         .log_thresholds = cb_config_choice(c, "lgn", "learn_thresholds") == 1,
                         .threshold_width = real(c, "threshold_width"),
                         .group = whole(c, "channel_group"),
                         .pool = whole(c, "pool"),
                         .start = (cb_logic_start)cb_config_choice(c, "lgn", "start"),
                         .probability = real(c, "residual_probability"),
                         .start_noise = real(c, "start_noise"),
                         .weighted = cb_config_choice(c, "lgn", "head") == 1,
                         .units = whole(c, "units"),
                         .hinges = whole(c, "hinges"),
                         .count = cb_config_bool(c, "lgn", "count"),
                         .grid = {whole(c, "head_bits"), whole(c, "head_frac")},
                         .hinge_grid = {whole(c, "hinge_bits"), whole(c, "hinge_frac")},
                         .tau = real(c, "tau"),
                         .middle = real(c, "middle"),
                         .seed = (uint64_t)cb_config_int(c, "student", "seed")};
    d.conv = (cb_logic_conv){d.kind, d.rank, whole(c, "kernels"), whole(c, "levels"), {field, field, 1}, {stride, stride, 1},
                             whole(c, "padding")};
    d.planes = cb_config_reals(c, "lgn", "thresholds", list, CB_LOGIC_PLANES);
    for (int i = 0; i < d.planes; i++) d.threshold[i] = (int32_t)list[i];
    d.n_dense = cb_config_reals(c, "lgn", "layers", list, CB_LOGIC_DENSE);
    for (int k = 0; k < d.n_dense; k++) d.dense[k] = (int)list[k];
    return d;
}

static int read_layer(cb_logic_student *s, cb_h5 *f, int l) {
    cb_logic_layer *y = &s->net.layer[l];
    uint64_t wires[2] = {(uint64_t)y->n_out, (uint64_t)y->rank}, w[2] = {(uint64_t)y->n_set, (uint64_t)y->n_par};
    char name[64];
    snprintf(name, sizeof name, "/float/wires%d", l);
    int32_t *wire = cb_h5_read(f, name, CB_I32, 2, wires);
    if (!wire) return -1;
    for (uint64_t k = 0; k < wires[0] * wires[1]; k++)
        if (wire[k] < 0 || wire[k] > y->n_in) {
            int bad = wire[k];
            free(wire);
            return cb_fail("%s: %s: wire %llu is %d, 0 to %d expected", cb_h5_path(f), name, (unsigned long long)k, bad, y->n_in);
        }
    memcpy(y->wire, wire, (size_t)(wires[0] * wires[1]) * sizeof *wire);
    free(wire);
    snprintf(name, sizeof name, "/float/w%d", l);
    float *v = y->pool ? NULL : cb_h5_read(f, name, CB_F32, 2, w);
    if (v) memcpy(s->w + y->first, v, (size_t)(w[0] * w[1]) * sizeof *v);
    bool ok = y->pool || v;
    free(v);
    return ok ? 0 : -1;
}

static int read_float(cb_logic_student *s, cb_h5 *f) {
    uint64_t n[1] = {(uint64_t)cb_logic_head_parameters(&s->net)};
    for (int l = 0; l < s->net.n_layer; l++)
        if (read_layer(s, f, l)) return -1;
    float *head = cb_h5_read(f, "/float/head", CB_F32, 1, n);
    if (!head) return -1;
    memcpy(s->c, head, (size_t)n[0] * sizeof *head);
    free(head);
    return 0;
}

/* A student of that design before what the file f holds of its training; front: of the programme p, where the design has one. */
static int start_of(cb_logic_student *s, cb_front_end *front, const cb_config *c, const cb_programme *p) {
    cb_logic_design d = cb_logic_design_of(c);
    const char *layer = cb_config_text(c, "lgn", "front_layer");
    if (!*layer) return cb_logic_student_new(s, &d, p->input_h, p->input_w);
    return cb_front_end_new(front, p, layer) || cb_logic_student_behind(s, &d, front) ? -1 : 0;
}

int cb_logic_student_read(cb_logic_student *s, cb_front_end *front, const char *path, const cb_programme *p, bool *found) {
    *s = (cb_logic_student){0}, *front = (cb_front_end){0};
    cb_h5 *f = cb_h5_open(path, CB_STUDENT_SCHEMA);
    char *stage = f ? cb_h5_get_text(f, "/", "stage") : NULL, *text = stage ? cb_h5_get_text(f, "/", "config") : NULL;
    *found = stage && !strcmp(stage, "quantize-lgn");
    int rc = text ? 0 : -1;
    if (!rc && *found) {
        cb_config *c = cb_config_new();
        rc = c ? cb_config_read_text(c, text, "its configuration") : -1;
        if (!rc) rc = start_of(s, front, c, p) || read_float(s, f) ? -1 : 0;
        cb_config_free(c);
    }
    free(stage);
    free(text);
    cb_h5_close(&f);
    if (rc) cb_logic_student_free(s), cb_front_end_free(front);
    return rc ? cb_fail_in("%s: the network as trained", path) : 0;
}

int cb_logic_prove_file(const char *path, const cb_programme *p, bool *found, int64_t *gates, int64_t *sums) {
    cb_logic_student s;
    cb_front_end front;
    *gates = *sums = 0;
    if (cb_logic_student_read(&s, &front, path, p, found)) return -1;
    int rc = *found ? cb_logic_prove(&s, p, gates, sums) : 0;
    cb_logic_student_free(&s);
    cb_front_end_free(&front);
    return rc;
}
