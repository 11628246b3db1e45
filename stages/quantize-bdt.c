/* quantize-bdt: trains boosted decision trees on sums of regions and writes them as an integer programme. */
#include <string.h>

#include "base/log.h"
#include "trainer.h"
#include "trees/student.h"

/* The trainer; freed in one place. */
static struct {
    cb_tree_student s;
    cb_history history;
} w;

static int whole(const cb_config *c, const char *key) { return (int)cb_config_int(c, "bdt", key); }
static double real(const cb_config *c, const char *key) { return cb_config_real(c, "bdt", key); }

static cb_regions regions_of(const cb_config *c, int height, int width) {
    double from[CB_TREE_VIEWS], bits[CB_TREE_VIEWS], side[2 * CB_TREE_TILINGS];
    cb_regions r = {.height = height, .width = width, .wrap = cb_config_bool(c, "bdt", "view_wrap")};
    r.n_view = cb_config_reals(c, "bdt", "view_from", from, CB_TREE_VIEWS);
    cb_config_reals(c, "bdt", "view_bits", bits, CB_TREE_VIEWS);
    for (int v = 0; v < r.n_view; v++) r.from[v] = (int)from[v], r.bits[v] = (int)bits[v];
    r.n_tiling = cb_config_reals(c, "bdt", "tiles", side, 2 * CB_TREE_TILINGS) / 2;
    for (int t = 0; t < r.n_tiling; t++) r.tile_h[t] = (int)side[2 * t], r.tile_w[t] = (int)side[2 * t + 1];
    return r;
}

static cb_tree_plan plan_of(const cb_config *c) {
    return (cb_tree_plan){.trees = whole(c, "trees"),
                          .recipe = {.depth = whole(c, "depth"), .leaf_bits = whole(c, "leaf_bits"), .frac = whole(c, "leaf_frac"),
                                     .rate = real(c, "rate"), .clip = real(c, "clip"), .prior = real(c, "prior")},
                          .tail_from = real(c, "tail_from"),
                          .tail_weight = real(c, "tail_weight")};
}

static int train(cb_trainer *t) {
    cb_tree_plan plan = plan_of(t->config);
    cb_regions regions = regions_of(t->config, t->set.height, t->set.width);
    return cb_tree_fit(&w.s, &regions, &t->set, &plan, &w.history);
}

static int export(cb_trainer *t) {
    const cb_config *c = t->config;
    if (cb_tree_programme(&t->p, &w.s, cb_config_text(c, "student", "name"), cb_config_int(c, "student", "seed")) ||
        cb_tree_check(&w.s, &t->p, &t->set, &t->checked, &t->mismatches))
        return -1;
    const cb_op *questions = &t->p.op[t->p.n_op - 4];
    cb_info("%d comparators of %d sums, %d tables", questions->out_c, questions->in_c, questions[1].circuit.n);
    return 0;
}

static int write_state(const cb_trainer *t, cb_h5 *f) {
    (void)t;
    return cb_history_write(&w.history, f, "/history") || cb_tree_student_write(&w.s, f, "/trees") ? -1 : 0;
}

static void release(void) {
    cb_history_free(&w.history);
    cb_tree_student_free(&w.s);
}

static const cb_trainer_family family = {
    .name = "bdt", .sections = "student bdt", .train = train, .export = export, .write_state = write_state, .release = release};

/* A list of whole numbers of at most `most` entries; returns how many. */
static int check_list(const cb_stage *st, const char *key, int most) {
    double list[2 * CB_TREE_TILINGS + 1];
    const char *text = cb_config_text(st->config, "bdt", key);
    int n = cb_config_reals(st->config, "bdt", key, list, most + 1);
    for (int i = 0; i < n && i <= most; i++)
        if (list[i] != (int)list[i]) cb_stage_usage(st, "bdt.%s = %s: whole numbers wanted", key, text);
    if (n < 1 || n > most) cb_stage_usage(st, "bdt.%s = '%s': 1 to %d numbers wanted", key, text, most);
    return n;
}

static void check_usage(const cb_stage *st) {
    const cb_config *c = st->config;
    if (check_list(st, "view_from", CB_TREE_VIEWS) != check_list(st, "view_bits", CB_TREE_VIEWS))
        cb_stage_usage(st, "bdt.view_from = %s, bdt.view_bits = %s: the same number of values wanted", cb_config_text(c, "bdt", "view_from"),
                       cb_config_text(c, "bdt", "view_bits"));
    if (check_list(st, "tiles", 2 * CB_TREE_TILINGS) % 2)
        cb_stage_usage(st, "bdt.tiles = %s: height and width of each tiling wanted", cb_config_text(c, "bdt", "tiles"));
    if (cb_config_int(c, "front", "points")) cb_stage_usage(st, "front.points = %s: trees have no front", cb_config_text(c, "front", "points"));
}

static const cb_option options[] = {
    CB_TRAINER_OPTIONS,
    {0}};

int main(int argc, char **argv) {
    cb_stage st = {.name = "quantize-bdt", .options = options,
                   .summary = "Trains gradient-boosted decision trees on sums of regions, selects their number on the quantized score, and "
                              "writes them as an integer programme. Sections [student] and [bdt]."};
    return cb_trainer_main(&st, argc, argv, &family, check_usage);
}
