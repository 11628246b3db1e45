#include <stdlib.h>
#include <string.h>

#include "data/prepare.h"
#include "stage.h"

static const char *out;
static const cb_option options[] = {
    {"out", 'o', "FILE", "dataset to write", &out, CB_REQUIRED},
    {0}};

/* "NAME=FILE" cut at the first '='. */
static void parse_input(const cb_stage *st, char *argument, cb_prepare_input *input) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.+";
    char *equals = strchr(argument, '=');
    if (!equals || equals == argument || !equals[1])
        cb_stage_usage(st, "'%s': NAME=FILE wanted, e.g. zb=zerobias.h5", argument);
    *equals = 0;
    if (strspn(argument, letters) != strlen(argument) || strlen(argument) > 63)
        cb_stage_usage(st, "process name '%s': up to 63 letters, digits and _-.+ wanted", argument);
    *input = (cb_prepare_input){argument, equals + 1};
}

static int run(const cb_stage *st, const cb_prepare_input *input, cb_prepare_options *o) {
    char *config = cb_config_canonical(st->config, "preprocess");
    if (!config) return -1;
    o->config = config;
    cb_prepare_counts c;
    int rc = cb_prepare(out, input, st->n_arguments, o, &c);
    free(config);
    if (rc) return -1;
    cb_info("%llu of %llu events kept; dropped: %llu not accepted, %llu copies across splits; "
            "%llu copies within a split",
            (unsigned long long)c.kept, (unsigned long long)c.read, (unsigned long long)c.not_accepted,
            (unsigned long long)c.crossing, (unsigned long long)c.copies);
    return 0;
}

int main(int argc, char **argv) {
    cb_stage st = {.name = "preprocess", .options = options, .arguments = "NAME=FILE...", .min_arguments = 1,
                   .max_arguments = 1000,
                   .summary = "Makes one dataset of image files: open data, CaloRegions, compound HDF5, "
                              "trigger-card text, CSV. The process called zb is zero bias."};
    cb_stage_begin(&st, argc, argv);
    cb_prepare_options o = {0};
    o.require_acceptance = cb_config_bool(st.config, "preprocess", "require_acceptance");
    double f[4], sum = 0;
    int n = cb_config_reals(st.config, "preprocess", "split", f, 4);
    for (int i = 0; i < n && i < 3; i++) sum += o.fraction[i] = f[i];
    if (n != 3 || sum > 1 + 1e-9 || sum < 1 - 1e-9)
        cb_stage_usage(&st, "preprocess.split: three fractions (train, val, test) with sum 1 wanted, not '%s'",
                       cb_config_text(st.config, "preprocess", "split"));
    cb_prepare_input *input = cb_alloc((size_t)st.n_arguments, sizeof *input);
    if (!input) return cb_stage_end(&st, -1);
    for (int i = 0; i < st.n_arguments; i++) parse_input(&st, st.argument[i], &input[i]);
    int rc = run(&st, input, &o);
    free(input);
    return cb_stage_end(&st, rc);
}
