#include "quant/plus_config.h"

#include <string.h>

static int reals(const cb_config *c, const char *key, double *v, int max) { return cb_config_reals(c, "plus", key, v, max); }

cb_plus_design cb_plus_config_design(const cb_config *c, int height, int width) {
    double v[16];
    cb_plus_design p = {.height = height, .width = width};
    p.n_view = reals(c, "views", v, 16);
    reals(c, "pool", v, 16);
    p.pool_h = (int)v[0];
    p.pool_w = (int)v[1];
    p.columns = !strcmp(cb_config_text(c, "plus", "view_formats"), "column");
    p.train_steps = !strcmp(cb_config_text(c, "plus", "view_train"), "all");
    p.train_ranges = strcmp(cb_config_text(c, "plus", "view_train"), "none");
    p.wrap_views = cb_config_bool(c, "plus", "view_wrap");
    p.train_sums = cb_config_bool(c, "plus", "sum_range");
    p.last_bias = cb_config_bool(c, "plus", "last_bias");
    p.ebops_cost = !strcmp(cb_config_text(c, "plus", "cost"), "ebops");
    p.round_views = cb_config_bool(c, "plus", "view_round");
    int n = reals(c, "units", v, CB_PLUS_DENSE - 1);
    for (int l = 0; l < n; l++) p.n_out[l] = (int)v[l];
    p.n_out[n] = 1;
    p.n_dense = n + 1;
    int m = reals(c, "weight_most", v, 16);
    for (int l = 0; l < p.n_dense; l++) p.weight_most[l] = (int)v[l < m ? l : m - 1];
    return p;
}

cb_plus_start cb_plus_config_start(const cb_config *c) {
    double v[16];
    cb_plus_start p = {.width = (int)cb_config_int(c, "plus", "width"), .n = (uint32_t)cb_config_int(c, "hgq", "calibrate"),
                       .weight_bits = (int)cb_config_int(c, "plus", "weight_bits"),
                       .seed = (uint64_t)cb_config_int(c, "student", "seed")};
    reals(c, "views", p.quantile, CB_PLUS_VIEWS);
    int n = reals(c, "view_bits", v, CB_PLUS_VIEWS);
    for (int k = 0; k < n; k++) p.bits[k] = (int)v[k];
    return p;
}
