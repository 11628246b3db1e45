/* quantize-qkeras: trains a student with QKeras rules and writes its integer programme, or a front of several widths. */
#include <string.h>

#include "quant/qkeras_export.h"
#include "quant/qkeras_front.h"
#include "quant/qkeras_train.h"
#include "trainer.h"

/* The trainer; freed in one place. */
static struct {
    cb_qkeras_student m;
    cb_history history;
    cb_qkeras_folded folded;
} w;

/* The two numbers of a key of [qkeras]. */
static void widths_of(const cb_config *c, const char *key, int *bits, int *integer) {
    double v[2] = {0};
    cb_config_reals(c, "qkeras", key, v, 2);
    *bits = (int)v[0];
    *integer = (int)v[1];
}

static cb_qkeras_bits bits_of(const cb_config *c) {
    cb_qkeras_bits b = cb_qkeras_deployed;
    widths_of(c, "conv", &b.conv.bits, &b.conv.integer);
    widths_of(c, "dense", &b.dense.bits, &b.dense.integer);
    widths_of(c, "bias", &b.bias.bits, &b.bias.integer);
    widths_of(c, "out", &b.out.bits, &b.out.integer);
    widths_of(c, "relu_conv", &b.relu_conv.bits, &b.relu_conv.integer);
    widths_of(c, "relu_dense", &b.relu_dense.bits, &b.relu_dense.integer);
    b.gamma = cb_config_real(c, "qkeras", "gamma");
    return b;
}

static cb_qkeras_shape shape_of(const cb_config *c, const cb_student_set *set) {
    cb_qkeras_shape s = cb_qkeras_cicada(!strcmp(cb_config_text(c, "student", "architecture"), "v2"), set->height, set->width);
    s.filters = (int)cb_config_int(c, "student", "filters");
    s.kernel = (int)cb_config_int(c, "student", "kernel");
    s.hidden = (int)cb_config_int(c, "student", "hidden");
    s.bits = bits_of(c);
    s.seed = (uint64_t)cb_config_int(c, "student", "seed");
    return s;
}

static int train(cb_trainer *t) {
    const cb_config *c = t->config;
    cb_qkeras_plan plan = {.epochs = (int)cb_config_int(c, "student", "epochs"),
                           .batch = (uint32_t)cb_config_int(c, "student", "batch"),
                           .learning_rate = cb_config_real(c, "student", "learning_rate"),
                           .profile = cb_trainer_file.profile != NULL};
    cb_qkeras_shape shape = shape_of(c, &t->set);
    if (!cb_trainer_wants_front(t))
        return cb_qkeras_student_new(&w.m, &shape) || cb_qkeras_train(&w.m, &t->set, &plan, &w.history) ? -1 : 0;
    return cb_qkeras_front_train(&shape, &t->set, &plan, cb_config_text(c, "front", "widths"), &t->front, t->runs, &t->n_run);
}

static int export(cb_trainer *t) {
    return cb_qkeras_folded_new(&w.folded, &w.m) ||
                   cb_qkeras_programme(&t->p, &w.folded, cb_config_text(t->config, "student", "name")) ||
                   cb_qkeras_check(&w.folded, &t->p, &t->set, &t->checked, &t->mismatches)
               ? -1 : 0;
}

static int write_state(const cb_trainer *t, cb_h5 *f) {
    (void)t;
    return cb_history_write(&w.history, f, "/history") || cb_qkeras_student_write(&w.m, f, "/float") ? -1 : 0;
}

static int write_front(const cb_trainer *t, const char *name, int64_t seed, cb_h5 *f) {
    (void)seed; /* every student of the front carries its own */
    return cb_qkeras_front_write(&t->front, &t->set, name, f);
}

static void release(void) {
    cb_qkeras_folded_free(&w.folded);
    cb_history_free(&w.history);
    cb_qkeras_student_free(&w.m);
}

static const cb_trainer_family family = {
    .name = "qkeras", .sections = "student qkeras", .front_sections = "student qkeras front", .train = train,
    .export = export, .write_state = write_state, .write_front = write_front, .release = release};

/* What single keys cannot say. */
static void check_usage(const cb_stage *st) {
    const cb_config *c = st->config;
    static const char *const key[] = {"conv", "dense", "bias", "out", "relu_conv", "relu_dense"};
    for (int k = 0; k < 6; k++) {
        double v[3];
        if (cb_config_reals(c, "qkeras", key[k], v, 3) != 2 || v[0] != (int)v[0] || v[1] != (int)v[1])
            cb_stage_usage(st, "qkeras.%s = %s: two whole numbers wanted, bits and integer", key[k], cb_config_text(c, "qkeras", key[k]));
    }
    cb_qkeras_bits bits = bits_of(c);
    if (cb_qkeras_bits_check(&bits)) cb_stage_usage(st, "%s", cb_error());
    if (!*cb_config_text(c, "front", "widths") != !cb_config_int(c, "front", "points"))
        cb_stage_usage(st, "a front of QKeras needs front.points and front.widths");
}

static const cb_option options[] = {
    CB_TRAINER_OPTIONS,
    CB_TRAINER_PROFILE,
    {0}};

int main(int argc, char **argv) {
    cb_stage st = {.name = "quantize-qkeras", .options = options, .ranks = true,
                   .summary = "Trains a student (CICADA v1 or v2) with the quantizers of QKeras and writes it as an integer "
                              "programme. Section [student]."};
    return cb_trainer_main(&st, argc, argv, &family, check_usage);
}
