/* quantize-lgn: trains a logic gate network and writes the hardened network as an integer programme. */
#include <string.h>

#include "logic/student.h"
#include "trainer.h"

/* The student whose first operations the network reads; NULL: it reads counts. */
static const char *front_file;

/* The trainer; freed in one place. */
static struct {
    cb_programme front_student;
    cb_front_end front;
    cb_student_set features;
    cb_logic_student s;
    cb_history history;
} w;

static int whole(const cb_config *c, const char *key) { return (int)cb_config_int(c, "lgn", key); }
static double real(const cb_config *c, const char *key) { return cb_config_real(c, "lgn", key); }

static cb_logic_plan plan_of(const cb_config *c) {
    return (cb_logic_plan){.epochs = (int)cb_config_int(c, "student", "epochs"),
                           .batch = (uint32_t)cb_config_int(c, "student", "batch"),
                           .learning_rate = cb_config_real(c, "student", "learning_rate"),
                           .rate_end = real(c, "rate_end"),
                           .temperature = real(c, "temperature"),
                           .temperature_end = real(c, "temperature_end"),
                           .noise = real(c, "noise"),
                           .noise_end = real(c, "noise_end"),
                           .hard = cb_config_choice(c, "lgn", "forward") == 1,
                           .soft_steps = cb_config_int(c, "lgn", "soft_steps"),
                           .clamp_after = cb_config_int(c, "lgn", "clamp_after"),
                           .wire_rate = real(c, "wire_rate"),
                           .threshold_rate = real(c, "threshold_rate"),
                           .entropy = real(c, "entropy"),
                           .entropy_tree = real(c, "entropy_tree"),
                           .entropy_every = cb_config_int(c, "lgn", "entropy_every"),
                           .floor = cb_config_bool(c, "lgn", "floor"),
                           .tail_from = real(c, "tail_from"),
                           .tail_weight = real(c, "tail_weight")};
}

/* Behind a front end it is trained on features. */
static int train_behind(cb_trainer *t, const cb_logic_design *design, const cb_logic_plan *plan) {
    if (cb_programme_read(&w.front_student, front_file) ||
        cb_front_end_new(&w.front, &w.front_student, cb_config_text(t->config, "lgn", "front_layer")) ||
        cb_front_end_set(&w.front, &t->set, &w.features))
        return -1;
    cb_info("front end of '%s': %d features of %d elements", w.front_student.name, w.front.n,
            w.front_student.op[w.front.op].out_h * w.front_student.op[w.front.op].out_w * w.front_student.op[w.front.op].out_c);
    return cb_logic_student_behind(&w.s, design, &w.front) || cb_logic_fit(&w.s, &w.features, plan, &w.history) ? -1 : 0;
}

static int train(cb_trainer *t) {
    cb_logic_plan plan = plan_of(t->config);
    cb_logic_design design = cb_logic_design_of(t->config);
    if (front_file) return train_behind(t, &design, &plan);
    if (cb_logic_student_new(&w.s, &design, t->set.height, t->set.width)) return -1;
    return cb_logic_fit(&w.s, &t->set, &plan, &w.history);
}

static int export(cb_trainer *t) {
    const cb_config *c = t->config;
    if (cb_logic_programme(&t->p, &w.s, cb_config_text(c, "student", "name"), cb_config_int(c, "student", "seed")) ||
        cb_logic_check(&w.s, &t->p, &t->set, &t->checked, &t->mismatches))
        return -1;
    int nodes = 0, gates = 0;
    while (t->p.op[gates].kind != CB_OP_LOGIC) gates++;
    for (int l = 0; l < w.s.net.n_layer; l++) nodes += w.s.net.layer[l].n_out;
    cb_info("%d nodes hardened to %d tables, %d comparators, %d weighted bits", nodes, t->p.op[gates].circuit.n,
            t->p.op[gates - 1].out_c, t->p.op[gates].out_c);
    return 0;
}

static int write_state(const cb_trainer *t, cb_h5 *f) {
    (void)t;
    if (front_file && cb_h5_input(f, "front_end", front_file)) return -1;
    return cb_history_write(&w.history, f, "/history") || cb_logic_student_write(&w.s, f, "/float") ? -1 : 0;
}

static void release(void) {
    cb_history_free(&w.history);
    cb_logic_student_free(&w.s);
    cb_student_set_free(&w.features);
    cb_front_end_free(&w.front);
    cb_programme_free(&w.front_student);
}

static const cb_trainer_family family = {
    .name = "lgn", .sections = "student lgn", .train = train, .export = export, .write_state = write_state, .release = release};

static void check_front_end(const cb_stage *st) {
    const cb_config *c = st->config;
    const char *name = cb_config_text(c, "lgn", "front_end"), *wiring = cb_config_text(c, "lgn", "wiring");
    if (!*name != !*cb_config_text(c, "lgn", "front_layer")) cb_stage_usage(st, "lgn.front_end and lgn.front_layer go together");
    if (*name && !front_file) cb_stage_usage(st, "lgn.front_end = %s: --front-end wants the file of that student", name);
    if (!*name && front_file) cb_stage_usage(st, "--front-end %s: lgn.front_end is empty", front_file);
    if (!*name) return;
    if (strcmp(cb_config_text(c, "lgn", "input"), "bits") || cb_config_choice(c, "lgn", "learn_thresholds"))
        cb_stage_usage(st, "lgn.front_end: needs lgn.input = bits and lgn.learn_thresholds = no");
    if (!strcmp(wiring, "local") || !strcmp(wiring, "ring") || whole(c, "kernels"))
        cb_stage_usage(st, "lgn.front_end: features lie on no image; lgn.wiring = random, distinct or unique and lgn.kernels = 0 wanted");
}

/* What single keys cannot say. */
static void check_usage(const cb_stage *st) {
    const cb_config *c = st->config;
    double list[CB_LOGIC_PLANES];
    check_front_end(st);
    if (!strcmp(cb_config_text(c, "lgn", "nodes"), "raw") && whole(c, "inputs") != 2)
        cb_stage_usage(st, "lgn.inputs = %d: raw nodes have 2", whole(c, "inputs"));
    if (strcmp(cb_config_text(c, "lgn", "nodes"), "raw") && (real(c, "entropy") > 0 || real(c, "entropy_tree") > 0))
        cb_stage_usage(st, "lgn.entropy and lgn.entropy_tree: only raw nodes choose among gates; take lgn.nodes = raw or 0");
    if (cb_config_choice(c, "lgn", "learn_thresholds") && strcmp(cb_config_text(c, "lgn", "input"), "bits"))
        cb_stage_usage(st, "lgn.learn_thresholds = %s: thresholds are trained with lgn.input = bits only", cb_config_text(c, "lgn", "learn_thresholds"));
    if (!strcmp(cb_config_text(c, "lgn", "wiring"), "ring") && whole(c, "candidates") > 1)
        cb_stage_usage(st, "lgn.candidates = %d: wires of shared tables (lgn.wiring = ring) are fixed", whole(c, "candidates"));
    if (!strcmp(cb_config_text(c, "lgn", "head"), "sum") && whole(c, "hinges"))
        cb_stage_usage(st, "lgn.hinges = %d: hinges need lgn.head = weighted", whole(c, "hinges"));
    int n = cb_config_reals(c, "lgn", "thresholds", list, CB_LOGIC_PLANES);
    for (int i = 0; i < n; i++)
        if (list[i] != (int)list[i] || (i && list[i] <= list[i - 1]))
            cb_stage_usage(st, "lgn.thresholds = %s: ascending whole numbers wanted", cb_config_text(c, "lgn", "thresholds"));
    for (int i = 0; i < n && !strcmp(cb_config_text(c, "lgn", "input"), "binary"); i++)
        if ((int)list[i] < 1 || ((int)list[i] & ((int)list[i] - 1)))
            cb_stage_usage(st, "lgn.thresholds = %s: powers of two wanted for lgn.input = binary", cb_config_text(c, "lgn", "thresholds"));
    if (n < 1 || (!strcmp(cb_config_text(c, "lgn", "input"), "log") && n != 1))
        cb_stage_usage(st, "lgn.thresholds = '%s': at least one wanted, exactly one for lgn.input = log",
                       cb_config_text(c, "lgn", "thresholds"));
}

static const cb_option options[] = {
    CB_TRAINER_OPTIONS,
    {"front-end", 'f', "FILE", "student of lgn.front_end, whose first operations come before the tables", &front_file, CB_OPTIONAL},
    {0}};

int main(int argc, char **argv) {
    cb_stage st = {.name = "quantize-lgn", .options = options,
                   .summary = "Trains a logic gate network (dense or convolutional), selects on the hardened network and "
                              "writes that as an integer programme. Sections [student] and [lgn]."};
    return cb_trainer_main(&st, argc, argv, &family, check_usage);
}
