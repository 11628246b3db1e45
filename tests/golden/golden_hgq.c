/* HGQ: seven recorded students: single training steps, inference and tracing from stored states,
 * and twenty Adam steps. Rules: data/golden/README.md.
 * Quantizers and EBOPs: golden_hgq_quantizers.c. */
#include <jansson.h>

#include "golden.h"
#include "quant/hgq_model.h"
#include "quant/hgq_train.h"

enum { STEPS = 20, BATCH = 128, EVAL = 256, PIXELS = 252, HIDDEN = 16, SHOWN = 32 };

typedef struct {
    uint16_t *x, *eval_x;
    double *y;
    uint8_t *keep[2];
} recorded_inputs;

static bool read_inputs(golden *g, recorded_inputs *in) {
    in->x = cb_h5_read(g->h5, "inputs/x", CB_U16, 3, (uint64_t[]){STEPS, BATCH, PIXELS});
    in->eval_x = cb_h5_read(g->h5, "inputs/eval_x", CB_U16, 2, (uint64_t[]){EVAL, PIXELS});
    in->y = cb_h5_read(g->h5, "inputs/y", CB_F64, 2, (uint64_t[]){STEPS, BATCH});
    in->keep[0] = cb_h5_read(g->h5, "inputs/keep0", CB_U8, 3, (uint64_t[]){STEPS, BATCH, 32});
    in->keep[1] = cb_h5_read(g->h5, "inputs/keep1", CB_U8, 3, (uint64_t[]){STEPS, BATCH, 2});
    if (in->x && in->eval_x && in->y && in->keep[0] && in->keep[1]) return true;
    golden_broken(g, "inputs", "-");
    return false;
}

typedef struct {
    golden *g;
    const recorded_inputs *in;
    const char *group;
    cb_hgq_student *m;
    cb_hgq_trainer *t;
    cb_student_batch batch;
    double beta, rate;
    int step; /* whose recorded masks are used */
} student;

/* ---- rebuilding a student from its recorded settings ---- */

/* A number in a Python literal: "4", "True", "{'l1': 1e-08}", "{'min_value': -24.0, 'max_value': 24.0}". */
static double setting(json_t *j, const char *name, const char *key, double missing) {
    const char *text = json_string_value(json_object_get(j, name));
    if (!text || !strcmp(text, "None")) return missing;
    if (!strcmp(text, "True")) return 1;
    if (!strcmp(text, "False")) return 0;
    const char *at = key ? strstr(text, key) : text;
    if (key && at) at = strchr(at, ':') + 1;
    return at ? strtod(at, NULL) : missing;
}

static bool read_rules(cb_hgq_quantizer *q, json_t *j) {
    const char *type = json_string_value(json_object_get(j, "q_type"));
    const char *over = json_string_value(json_object_get(j, "overflow_mode"));
    const char *round = json_string_value(json_object_get(j, "round_mode"));
    cb_overflow o;
    if (!type || !over || !round || cb_overflow_parse(over, &o)) return false;
    bool kif = !strcmp(type, "kif");
    *q = cb_hgq_defaults(kif ? CB_KIF : CB_KBI, o, setting(j, "is_weight", NULL, 0) != 0);
    if (cb_round_parse(round, &q->round)) return false;
    q->decay = (float)setting(j, "i_decay_speed", NULL, NAN); /* strtod reads "inf" */
    q->w_min = (float)setting(j, kif ? "fc" : "bc", "min_value", -INFINITY);
    q->w_max = (float)setting(j, kif ? "fc" : "bc", "max_value", INFINITY);
    q->i_min = (float)setting(j, "ic", "min_value", -INFINITY);
    q->i_max = (float)setting(j, "ic", "max_value", INFINITY);
    q->l1_w = (float)setting(j, kif ? "fr" : "br", "l1", 0);
    q->l1_i = (float)setting(j, "ir", "l1", 0);
    return true;
}

/* Settings from the attribute, shape of the variables from the recorded ones. */
static bool read_place(student *s, cb_hgq_place *p, const char *layer, const char *which) {
    char name[64], path[160];
    uint64_t dims[CB_MAX_RANK] = {0};
    int rank, batch_axis = which[0] == 'i';
    snprintf(name, sizeof name, "%s_%s", layer, which);
    snprintf(path, sizeof path, "%s/init/%s_i", s->group, name);
    char *text = cb_h5_get_text(s->g->h5, s->group, name);
    json_t *j = text ? json_loads(text, 0, NULL) : NULL;
    bool good = j && read_rules(&p->rules, j) && !cb_h5_shape(s->g->h5, path, &rank, dims);
    for (int a = 0; good && a < rank - batch_axis; a++) p->shape[a] = dims[a + batch_axis];
    if (good) p->rank = rank - batch_axis;
    json_decref(j);
    free(text);
    return good;
}

static bool read_design(student *s, cb_hgq_design *d) {
    static const char *const layer[] = {"conv", "dense1", "dense2"};
    char *arch = cb_h5_get_text(s->g->h5, s->group, "arch");
    if (!arch) return false;
    *d = strcmp(arch, "v2") ? cb_hgq_design_v1(18, 14, HIDDEN, CB_HGQ_HEAD, CB_HGQ_HEAD)
                            : cb_hgq_design_v2(18, 14, 2, 4, HIDDEN, CB_HGQ_HEAD, CB_HGQ_HEAD);
    free(arch);
    bool good = read_place(s, &d->bq, "dense1", "bq");
    for (int l = d->conv ? 0 : 1; l < CB_HGQ_LAYERS; l++)
        good = good && read_place(s, &d->iq[l], layer[l], "iq") && read_place(s, &d->kq[l], layer[l], "kq");
    return good && !cb_h5_get_f64(s->g->h5, s->group, "beta", &s->beta) &&
           !cb_h5_get_f64(s->g->h5, s->group, "learning_rate", &s->rate);
}

static void recorded_mask(void *context, uint16_t *mask, int layer, int n, uint64_t step, size_t block) {
    const student *s = context;
    (void)step;
    int bytes = layer ? 2 : 32;
    const uint8_t *keep = s->in->keep[layer] + (size_t)s->step * BATCH * (size_t)bytes;
    for (int f = 0; f < n; f++) {
        unsigned bits = 0;
        for (unsigned lane = 0; lane < CB_LANES; lane++) {
            size_t e = block * CB_LANES + lane;
            bits |= (keep[e * (size_t)bytes + (size_t)(f / 8)] >> (7 - f % 8) & 1u) << lane;
        }
        mask[f] = (uint16_t)bits;
    }
}

/* ---- states ---- */

static bool load_state(student *s, const char *state) {
    char group[128];
    snprintf(group, sizeof group, "%s/%s", s->group, state);
    for (int k = 0; k < s->m->n_tensor + s->m->n_sign_tensor; k++) {
        bool sign = k >= s->m->n_tensor;
        const cb_hgq_tensor *t = sign ? &s->m->sign_tensor[k - s->m->n_tensor] : &s->m->tensor[k];
        double *v = golden_f64n(s->g, group, t->name, t->n);
        for (size_t e = 0; v && e < t->n; e++)
            if (sign) s->m->sign[t->first + e] = (uint8_t)v[e];
            else s->m->value[t->first + e] = (float)v[e];
        if (!v) return false;
        free(v);
    }
    return true;
}

static void load_batch(student *s, int step) {
    const uint16_t *x = s->in->x + (size_t)step * BATCH * PIXELS;
    for (int e = 0; e < BATCH; e++) {
        cb_lanes_set_u16(s->batch.x + (e / CB_LANES) * PIXELS * CB_LANES, e % CB_LANES, x + e * PIXELS, PIXELS);
        s->batch.y[e] = (float)s->in->y[step * BATCH + e];
    }
    s->batch.n_event = BATCH;
    s->batch.n_block = BATCH / CB_LANES;
    s->step = step;
}

static double *widened(const float *x, size_t n) {
    double *d = malloc((n + 1) * sizeof *d);
    for (size_t e = 0; d && e < n; e++) d[e] = x[e];
    return d;
}

static void compare_f32(student *s, const char *group, const char *name, golden_rule rule, const float *x, size_t n,
                        double tolerance) {
    double *d = widened(x, n);
    if (d) golden_compare(s->g, group, name, rule, d, n, tolerance);
    free(d);
}

static bool contains(const char *text, const char *part) { return strstr(text, part) != NULL; }
static bool is_width(const char *name) {
    return contains(name, "_iq_") || contains(name, "_kq_") || contains(name, "_bq_");
}

/* ---- checks ---- */

/* Gradients: bq_*, iq_f and kq_i of the record carry float32 cancellation. */
static void check_gradients(student *s, const char *group) {
    for (int k = 0; k < s->m->n_tensor; k++) {
        const cb_hgq_tensor *t = &s->m->tensor[k];
        char name[64], path[192];
        snprintf(name, sizeof name, "grad_%s", t->name);
        snprintf(path, sizeof path, "%s/%s", group, name);
        if (!cb_h5_exists(s->g->h5, path)) continue; /* not trained */
        bool noisy = contains(t->name, "_bq_") || contains(t->name, "_iq_f") || contains(t->name, "_kq_i");
        golden_compare(s->g, group, name, GOLDEN_PEAK, s->t->grad + t->first, t->n, noisy ? 1e-2 : 1e-4);
    }
}

static void check_probe(student *s, const char *state) {
    char group[128];
    snprintf(group, sizeof group, "%s/probe_%s", s->group, state);
    if (!golden_has(s->g, group) || !load_state(s, state)) return;
    load_batch(s, 0);
    cb_hgq_gradient(s->t, &s->batch, s->beta);
    golden_compare(s->g, group, "loss", GOLDEN_REL, &s->t->loss, 1, 1e-6);
    golden_compare(s->g, group, "mae", GOLDEN_REL, &s->t->mae, 1, 1e-6);
    compare_f32(s, group, "out", GOLDEN_PEAK, s->t->out, BATCH, 1e-6);
    check_gradients(s, group);
    for (int k = 0; k < s->m->n_tensor; k++) {
        const cb_hgq_tensor *t = &s->m->tensor[k];
        char name[64], path[192];
        snprintf(name, sizeof name, "after_%s", t->name);
        snprintf(path, sizeof path, "%s/%s", group, name);
        if (cb_h5_exists(s->g->h5, path))
            compare_f32(s, group, name, contains(t->name, "moving") ? GOLDEN_PEAK : GOLDEN_ABS, s->m->value + t->first,
                        t->n, contains(t->name, "moving") ? 1e-6 : 1e-5);
    }
}

/* Inference of the eval images with the student's present values. */
static void compare_inference(student *s, const char *group) {
    static double flat[PIXELS], hidden[EVAL * HIDDEN], conv[SHOWN * PIXELS], out[EVAL];
    static float image[PIXELS];
    cb_hgq_model m;
    if (cb_hgq_model_new(&m, s->m)) {
        golden_broken(s->g, group, "memory");
        return;
    }
    for (int e = 0; e < EVAL; e++) {
        for (int c = 0; c < PIXELS; c++) image[c] = s->in->eval_x[e * PIXELS + c];
        out[e] = cb_hgq_model_event(&m, image, flat, hidden + e * HIDDEN);
        if (e < SHOWN) memcpy(conv + e * PIXELS, flat, sizeof flat);
    }
    if (s->m->d.conv) {
        compare_f32(s, group, "conv_qkernel", GOLDEN_EXACT, m.kernel[0], s->m->kq[0].n, 0);
        golden_compare(s->g, group, "out_conv", GOLDEN_PEAK, conv, SHOWN * PIXELS, 1e-6);
    }
    compare_f32(s, group, "dense1_qkernel", GOLDEN_EXACT, m.kernel[1], s->m->kq[1].n, 0);
    compare_f32(s, group, "dense1_qbias", GOLDEN_EXACT, m.bias, HIDDEN, 0);
    compare_f32(s, group, "dense2_qkernel", GOLDEN_EXACT, m.kernel[2], HIDDEN, 0);
    golden_compare(s->g, group, "out_dense1", GOLDEN_PEAK, hidden, EVAL * HIDDEN, 1e-6);
    golden_compare(s->g, group, "out_dense2", GOLDEN_PEAK, out, EVAL, 1e-6);
    cb_hgq_model_free(&m);
}

static void check_infer(student *s, const char *state) {
    char group[128];
    snprintf(group, sizeof group, "%s/infer_%s", s->group, state);
    if (golden_has(s->g, group) && load_state(s, state)) compare_inference(s, group);
}

/* Rounded formats of one quantizer after tracing. */
static void compare_formats(student *s, const char *group, const cb_hgq_quantizer *q, const char *name) {
    double *v[3];
    char full[64];
    static const char part[3] = {'k', 'i', 'f'};
    for (int c = 0; c < 3; c++) v[c] = malloc((q->n + 1) * sizeof **v);
    for (size_t e = 0; e < q->n && v[0] && v[1] && v[2]; e++) {
        cb_format t = cb_hgq_rounded(q, e);
        v[0][e] = t.k, v[1][e] = t.i, v[2][e] = t.f;
    }
    for (int c = 0; c < 3; c++) {
        snprintf(full, sizeof full, "%s_%c", name, part[c]);
        if (v[c]) golden_compare(s->g, group, full, GOLDEN_EXACT, v[c], q->n, 0);
        free(v[c]);
    }
}

static void check_traced(student *s) {
    static const char *const layer[] = {"conv", "dense1", "dense2"};
    char group[128], name[32];
    snprintf(group, sizeof group, "%s/traced", s->group);
    if (!golden_has(s->g, group) || !load_state(s, "step20")) return;
    float *x = malloc(sizeof *x * BATCH * PIXELS);
    for (int e = 0; x && e < BATCH * PIXELS; e++) x[e] = s->in->x[e];
    if (!x || cb_hgq_trace_student(s->m, x, BATCH, BATCH, true)) golden_broken(s->g, group, "tracing");
    free(x);
    for (int l = s->m->first; l < CB_HGQ_LAYERS; l++) {
        snprintf(name, sizeof name, "%s_iq", layer[l]);
        compare_formats(s, group, &s->m->iq[l].q, name);
        snprintf(name, sizeof name, "%s_kq", layer[l]);
        compare_formats(s, group, &s->m->kq[l].q, name);
    }
    compare_formats(s, group, &s->m->bq.q, "dense1_bq");
    double ebops[CB_HGQ_LAYERS];
    cb_hgq_student_ebops(s->m, ebops);
    for (int l = 0; l < CB_HGQ_LAYERS; l++) ebops[l] = floor(ebops[l]);
    golden_compare(s->g, group, "ebops", GOLDEN_EXACT, ebops + s->m->first, (uint64_t)(CB_HGQ_LAYERS - s->m->first), 0);
    snprintf(group, sizeof group, "%s/traced/infer", s->group);
    compare_inference(s, group);
}

/* Widths after n steps: Adam turns the record's cancellation noise into sign flips of single steps, so
 * few may be off by more than 0.1 lr n and none by more than 2 lr n; bias widths only the latter. */
static void compare_widths(student *s, const char *group, const cb_hgq_tensor *t, int n) {
    double *want = golden_f64n(s->g, group, t->name, t->n), unit = s->rate * n, most = 0, off = 0;
    char name[64];
    for (size_t e = 0; want && e < t->n; e++) {
        double d = fabs(s->m->value[t->first + e] - want[e]);
        most = fmax(most, d);
        off += d > 0.1 * unit;
    }
    snprintf(name, sizeof name, "%s (largest)", t->name);
    if (want) golden_row(s->g, group, name, most, 2 * unit);
    snprintf(name, sizeof name, "%s (share off)", t->name);
    bool counted = contains(t->name, "dense1_kq") || contains(t->name, "_iq_") || contains(t->name, "dense2_kq");
    if (want && counted) golden_row(s->g, group, name, off / (double)t->n, 0.005);
    free(want);
}

static void compare_state(student *s, int n) {
    char group[128];
    snprintf(group, sizeof group, "%s/step%d", s->group, n);
    for (int k = 0; k < s->m->n_tensor; k++) {
        const cb_hgq_tensor *t = &s->m->tensor[k];
        const float *x = s->m->value + t->first;
        if (is_width(t->name)) compare_widths(s, group, t, n);
        else if (contains(t->name, "moving")) compare_f32(s, group, t->name, GOLDEN_PEAK, x, t->n, n > 5 ? 1e-3 : 1e-6);
        else compare_f32(s, group, t->name, GOLDEN_ABS, x, t->n, n > 5 ? 1e-3 : 2e-5);
    }
}

static void compare_losses(student *s, const double *loss, const double *ebops) {
    double *want = golden_f64n(s->g, s->group, "loss", STEPS), early = 0, late = 0, cost_early = 0, cost_late = 0, apart = 0;
    uint64_t layers = (uint64_t)(CB_HGQ_LAYERS - s->m->first);
    double *cost = golden_f64n(s->g, s->group, "ebops", STEPS * layers);
    for (int k = 0; want && cost && k < STEPS; k++) {
        double d = fabs(loss[k] / want[k] - 1), *most = k < 5 ? &early : &late, *cost_most = k < 5 ? &cost_early : &cost_late;
        *most = fmax(*most, d);
        if (k >= 5) apart += d > 1e-6;
        for (uint64_t l = 0; l < layers; l++) {
            double a = floor(ebops[(uint64_t)k * layers + l]), b = cost[(uint64_t)k * layers + l];
            *cost_most = fmax(*cost_most, k < 5 ? fabs(a - b) : fabs(a - b) / b);
        }
    }
    golden_row(s->g, s->group, "loss (steps 1-5)", early, 1e-5);
    golden_row(s->g, s->group, "loss (steps 6-20)", late, 2e-2);
    golden_row(s->g, s->group, "loss (steps 6-20, share off by 1e-6)", apart / (STEPS - 5), 0.5);
    golden_row(s->g, s->group, "ebops (steps 1-5)", cost_early, 0);
    golden_row(s->g, s->group, "ebops (steps 6-20)", cost_late, 2e-4);
    free(want);
    free(cost);
}

static void check_steps(student *s) {
    double loss[STEPS], ebops[STEPS * CB_HGQ_LAYERS];
    int layers = CB_HGQ_LAYERS - s->m->first;
    if (!load_state(s, "init")) return;
    for (int k = 0; k < STEPS; k++) {
        load_batch(s, k);
        cb_hgq_gradient(s->t, &s->batch, s->beta);
        loss[k] = s->t->loss;
        for (int l = 0; l < layers; l++) ebops[k * layers + l] = s->t->ebops[s->m->first + l];
        cb_hgq_update(s->t);
        if (k == 0 || k == 1 || k == 4 || k == 19) compare_state(s, k + 1);
    }
    compare_losses(s, loss, ebops);
}

static void check_student(golden *g, const recorded_inputs *in, const char *group) {
    student s = {.g = g, .in = in, .group = group};
    cb_hgq_design d;
    cb_student_set set = {.n_feature = PIXELS};
    int64_t drop = 0;
    if (!golden_has(g, group)) return;
    if (!read_design(&s, &d) || cb_h5_get_i64(g->h5, group, "dropout", &drop) || !(s.m = cb_hgq_student_new(&d, 1)) ||
        !(s.t = cb_hgq_trainer_new(s.m, BATCH, s.rate, 1)) || cb_student_batch_new(&s.batch, &set, BATCH)) {
        golden_broken(g, group, "settings");
    } else {
        s.t->mask = drop ? recorded_mask : NULL;
        s.t->mask_context = &s;
        check_probe(&s, "init"), check_probe(&s, "step20");
        check_infer(&s, "init"), check_infer(&s, "step20");
        check_traced(&s);
        check_steps(&s);
    }
    cb_student_batch_free(&s.batch);
    cb_hgq_trainer_free(s.t);
    cb_hgq_student_free(s.m);
}

static void check_students(golden *g) {
    static const char *const name[] = {"v2_cicada_defaults", "v2_cicada_2025", "v2_wide_drop",   "v2_wrap",
                                       "v2_kif_weights",     "v2_shared_axes", "v1_sat_unsigned"};
    recorded_inputs in = {0};
    if (golden_has(g, "inputs") && read_inputs(g, &in))
        for (size_t k = 0; k < sizeof name / sizeof *name; k++) check_student(g, &in, name[k]);
    free(in.x), free(in.eval_x), free(in.y), free(in.keep[0]), free(in.keep[1]);
}

GOLDEN_FILE(hgq_train, "hgq_train.h5", check_students)
GOLDEN_MAIN(hgq_train)
