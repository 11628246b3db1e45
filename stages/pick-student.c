/* pick-student: one student of a front as a file of its own. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quant/front.h"
#include "quant/student_check.h"
#include "stage.h"

static const char *in, *out, *name, *point, *ebops, *error;

/* A finite number, or wrong usage. */
static double number(const cb_stage *st, const char *option, const char *text, double least) {
    char *end;
    double v = strtod(text, &end);
    if (end == text || *end || !isfinite(v) || v < least)
        cb_stage_usage(st, "--%s %s: a number of at least %g wanted", option, text, least);
    return v;
}

/* The index asked for, or -1 with what the front has. */
static int choose(const cb_front_file *f, const cb_stage *st) {
    int n = f->n_point;
    if (point) {
        double k = number(st, "point", point, 0);
        if (k < n && k == floor(k)) return (int)k;
        return cb_fail("%s: point %s: the front has points 0 to %d", in, point, n - 1);
    }
    if (ebops) { /* ascending EBOPs, descending error */
        double most = number(st, "max-ebops", ebops, 0);
        for (int k = n - 1; k >= 0; k--)
            if (f->exact[k] <= most) return k;
        cb_warn("%s: no point has at most %s exact EBOPs: the cheapest is taken, %.0f", in, ebops, f->exact[0]);
        return 0;
    }
    double most = number(st, "max-error", error, 1) * f->val_mae[n - 1];
    for (int k = 0; k < n; k++)
        if (f->val_mae[k] <= most) return k;
    return n - 1;
}

static int write_student(const cb_front_file *t, int k, const char *config) {
    cb_h5 *f = cb_h5_create(out, CB_STUDENT_SCHEMA, "pick-student", config);
    if (!f) return -1;
    int rc = cb_h5_input(f, "front", in) || cb_student_write(&t->programme[k], t->checked[k], t->mismatches[k], f) ||
             cb_h5_set_text(f, "/", "front", t->name) || cb_h5_set_i64(f, "/", "point", k) || cb_h5_commit(&f);
    cb_h5_close(&f);
    return rc ? -1 : 0;
}

static int run(const cb_stage *st) {
    cb_front_file t = {0};
    if (cb_output_check(out) || cb_front_read(&t, in)) return -1;
    int k = choose(&t, st), rc = k < 0 ? -1 : 0;
    if (!rc && name && strlen(name) >= sizeof t.programme[k].name)
        rc = cb_fail("--name %s: longer than %zu characters", name, sizeof t.programme[k].name - 1);
    if (!rc) {
        if (name) strcpy(t.programme[k].name, name);
        char *config = cb_textf("[pick-student]\npoint = %d\n", k);
        rc = config ? write_student(&t, k, config) : -1;
        free(config);
    }
    if (!rc)
        cb_info("%s: point %d of %d: %.0f exact EBOPs, validation MAE %.4f", t.programme[k].name, k, t.n_point, t.exact[k],
                t.val_mae[k]);
    cb_front_file_free(&t);
    return rc;
}

static const cb_option options[] = {
    {"in", 'i', "FILE", "front (quantize-hgq or quantize-qkeras with front.points > 0)", &in, CB_REQUIRED},
    {"out", 'o', "FILE", "student to write", &out, CB_REQUIRED},
    {"name", 'n', "NAME", "its name in the tables; NAME.pNNN of the front otherwise", &name, CB_OPTIONAL},
    {"point", 'p', "K", "point K, from 0, in ascending exact EBOPs", &point, CB_OPTIONAL},
    {"max-ebops", 'e', "N", "the point of smallest validation error with at most N exact EBOPs; the cheapest if all have more", &ebops, CB_OPTIONAL},
    {"max-error", 'm', "X", "the cheapest point with at most X times the smallest validation error of the front", &error,
     CB_OPTIONAL},
    {0}};

int main(int argc, char **argv) {
    cb_stage st = {.name = "pick-student", .options = options,
                   .summary = "Writes one student of a front as a student file. The choice is by what the validation split "
                              "says; one of --point, --max-ebops, --max-error."};
    cb_stage_begin(&st, argc, argv);
    if (!!point + !!ebops + !!error != 1) cb_stage_usage(&st, "one of --point, --max-ebops, --max-error is wanted");
    return cb_stage_end(&st, run(&st));
}
