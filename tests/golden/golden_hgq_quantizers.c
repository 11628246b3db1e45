/* HGQ: quantizers row by row, trainable quantizers and the EBOPs of single layers.
 * Rules: data/golden/README.md. Every line counts elements out of their tolerance. */
#include "golden.h"
#include "quant/ebops.h"

/* A broken file ends the program: nothing after it would mean anything. */
static void require(bool good, const char *what) {
    if (good) return;
    fprintf(stderr, "%s: %s\n", what, cb_error());
    exit(1);
}

/* A whole dataset of any shape; *n its number of elements. Absent: NULL. */
static void *read_all(cb_h5 *f, const char *group, const char *name, cb_type t, size_t *n) {
    char path[256];
    uint64_t dims[CB_MAX_RANK] = {0};
    int rank = 0;
    snprintf(path, sizeof path, "%s/%s", group, name);
    if (!cb_h5_exists(f, path)) return NULL;
    void *p = cb_h5_shape(f, path, &rank, dims) ? NULL : cb_h5_read(f, path, t, -1, dims);
    require(p != NULL, path);
    *n = 1;
    for (int a = 0; a < rank; a++) *n *= dims[a];
    return p;
}

/* ---- stateless ---- */

typedef struct {
    int8_t *round, *overflow, *k, *i, *f;
    float *x, *q_train, *q_infer, *dq_dx, *dq_di, *dq_df;
    double *di64, *df64;
} rows;

/* The recorded WRAP outputs contain -0; ours never do. */
static bool same(float a, float want) { return a == want && (a != 0 || !signbit(a)); }

enum { RULES = 7 };

/* Adds the rules that row r breaks; subnormals (flushed upstream) are left out. */
static void check_row(const rows *d, size_t r, int bad[RULES], int *skipped) {
    cb_round round = (cb_round)d->round[r];
    cb_overflow o = (cb_overflow)d->overflow[r];
    float x = d->x[r], dx;
    double di, df;
    if ((x != 0 && fabsf(x) < 0x1p-126f) || (x != 0 && fabs(ldexp(x, d->f[r])) < 0x1p-126)) {
        ++*skipped;
        return;
    }
    cb_hgq_format t = cb_hgq_format_make(d->k[r], d->i[r], d->f[r], o);
    float q = cb_hgq_round(&t, round, x);
    cb_hgq_partials(&t, x, q, &dx, &di, &df);
    double scale = fabs(x) + fabs(q) + t.step, si = scale + fabs(d->di64[r]), sf = scale + fabs(d->df64[r]);
    bad[0] += !same(q, d->q_train[r]);
    bad[1] += !same(cb_hgq_infer(&t, round, o, x), d->q_infer[r]);
    bad[2] += dx != d->dq_dx[r];
    bad[3] += !(fabs(di - d->di64[r]) <= 1e-9 * si);
    bad[4] += !(fabs(df - d->df64[r]) <= 1e-9 * sf);
    bad[5] += !(fabs(di - d->dq_di[r]) <= 4e-7 * si);
    bad[6] += !(fabs(df - d->dq_df[r]) <= 4e-7 * sf);
}

static void check_stateless(golden *t) {
    size_t n = 0;
    const char *g = "hgq_stateless";
    if (!golden_has(t, g)) return;
    cb_h5 *f = t->h5;
    rows d = {.round = read_all(f, g, "round", CB_I8, &n), .overflow = read_all(f, g, "overflow", CB_I8, &n),
              .k = read_all(f, g, "k", CB_I8, &n), .i = read_all(f, g, "i", CB_I8, &n), .f = read_all(f, g, "f", CB_I8, &n),
              .x = read_all(f, g, "x", CB_F32, &n), .q_train = read_all(f, g, "q_train", CB_F32, &n),
              .q_infer = read_all(f, g, "q_infer", CB_F32, &n), .dq_dx = read_all(f, g, "dq_dx", CB_F32, &n),
              .dq_di = read_all(f, g, "dq_di", CB_F32, &n), .dq_df = read_all(f, g, "dq_df", CB_F32, &n),
              .di64 = read_all(f, g, "dq_di64", CB_F64, &n), .df64 = read_all(f, g, "dq_df64", CB_F64, &n)};
    static const char *const rule[RULES] = {"q_train", "q_infer", "dq_dx", "dq_di64", "dq_df64", "dq_di", "dq_df"};
    int bad[RULES] = {0}, skipped = 0;
    for (size_t r = 0; r < n; r++) check_row(&d, r, bad, &skipped);
    for (int k = 0; k < RULES; k++) golden_row(t, g, rule[k], bad[k], 0);
    golden_row(t, g, "rows left out (subnormals), share", skipped / (double)n, 0.1);
    void *all[] = {d.round, d.overflow, d.k, d.i, d.f, d.x, d.q_train, d.q_infer, d.dq_dx, d.dq_di, d.dq_df, d.di64, d.df64};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

/* ---- trainable ---- */

typedef struct {
    cb_h5 *f;
    char group[128];
    cb_hgq_quantizer q;
    uint32_t *map;
    size_t n; /* elements */
    float *x, *g;
    const char *wname; /* "f" or "b" */
} trainable;

static bool text_is(cb_h5 *f, const char *group, const char *name, const char *want) {
    char *t = cb_h5_get_text(f, group, name);
    bool is = t && !strcmp(t, want);
    free(t);
    return is;
}

static void load_shape(trainable *c) {
    double b[CB_MAX_RANK], x[CB_MAX_RANK];
    uint64_t bs[CB_MAX_RANK], xs[CB_MAX_RANK];
    int nb = cb_h5_get_f64s(c->f, c->group, "bw_shape", b, CB_MAX_RANK);
    int nx = cb_h5_get_f64s(c->f, c->group, "x_shape", x, CB_MAX_RANK);
    for (int a = 0; a < nb; a++) bs[a] = (uint64_t)b[a];
    for (int a = 0; a < nx; a++) xs[a] = (uint64_t)x[a];
    c->map = cb_hgq_map(nx, xs, nb, bs);
    require(c->map != NULL, "shape");
}

static void load_trainable(trainable *c) {
    size_t nv;
    int64_t weight;
    double decay;
    char *round = cb_h5_get_text(c->f, c->group, "round"), *over = cb_h5_get_text(c->f, c->group, "overflow");
    cb_hgq_kind kind = text_is(c->f, c->group, "q_type", "kif") ? CB_KIF : CB_KBI;
    cb_overflow o = CB_WRAP;
    cb_round r = CB_RND;
    require(!cb_overflow_parse(over, &o), "settings");
    require(!cb_round_parse(round, &r), "settings");
    require(!cb_h5_get_i64(c->f, c->group, "is_weight", &weight), "settings");
    bool jumps = cb_h5_get_f64(c->f, c->group, "i_decay_speed", &decay); /* infinite: refused by the reader */
    require(!jumps || strstr(cb_error(), "infinite"), "i_decay_speed");
    if (jumps) decay = INFINITY;
    c->wname = kind == CB_KIF ? "f" : "b";
    uint8_t *k = read_all(c->f, c->group, "k", CB_U8, &nv);
    require(!cb_hgq_quantizer_init(&c->q, kind, o, weight, nv, 1, 0, 0), "settings");
    free(c->q.k);
    free(c->q.i);
    free(c->q.w);
    c->q.round = r;
    c->q.k = k;
    c->q.i = read_all(c->f, c->group, "i", CB_F32, &nv);
    c->q.w = read_all(c->f, c->group, c->wname, CB_F32, &nv);
    c->x = read_all(c->f, c->group, "x", CB_F32, &c->n);
    c->g = read_all(c->f, c->group, "G", CB_F32, &c->n);
    load_shape(c);
    free(round);
    free(over);
}

/* Elements that differ from the recorded ones (by more than tolerance[e], NULL: at all). */
static int differ(trainable *c, const char *name, const double *v, const double *tolerance) {
    size_t n;
    int bad = 0;
    float *want = read_all(c->f, c->group, name, CB_F32, &n);
    if (!want) return 0;
    for (size_t e = 0; e < n; e++) bad += !(fabs(v[e] - want[e]) <= (tolerance ? tolerance[e] : 0));
    if (bad) fprintf(stderr, "\n  %s/%s: %d of %zu differ\n", c->group, name, bad, n);
    free(want);
    return bad;
}

static int differ_f(trainable *c, const char *name, const float *v, size_t n, double tolerance) {
    double *d = cb_alloc(n, sizeof *d), *t = cb_alloc(n, sizeof *t);
    for (size_t e = 0; e < n; e++) {
        d[e] = v[e];
        t[e] = tolerance * (1 + fabs(d[e]));
    }
    int bad = differ(c, name, d, t);
    free(d);
    free(t);
    return bad;
}

static int check_gradients(trainable *c, const float *y) {
    size_t nv = c->q.n;
    double *di = cb_alloc(nv, sizeof *di), *dw = cb_alloc(nv, sizeof *dw), *t = cb_alloc(nv, sizeof *t);
    float *dx = cb_alloc(c->n, sizeof *dx);
    cb_hgq_format *format = cb_alloc(nv, sizeof *format);
    require(!cb_hgq_backward(&c->q, c->x, y, c->g, c->map, c->n, dx, di, dw), "settings");
    cb_hgq_prepare(&c->q, format);
    for (size_t e = 0; e < c->n; e++) {
        const cb_hgq_format *s = &format[c->map[e]];
        double pi, pf;
        float px;
        cb_hgq_partials(s, c->x[e], y[e], &px, &pi, &pf);
        t[c->map[e]] += 1e-6 * fabs(c->g[e]) * (fabs(c->x[e]) + fabs(y[e]) + s->step + fabs(pi));
    }
    char name[32];
    snprintf(name, sizeof name, "train/dL_d%s", c->wname);
    int bad = differ(c, name, dw, t);
    if (cb_hgq_trains_i(&c->q)) bad += differ(c, "train/dL_di", di, t);
    bad += differ_f(c, "train/dL_dx", dx, c->n, 1e-6);
    free(di);
    free(dw);
    free(t);
    free(dx);
    free(format);
    return bad;
}

static int check_cost(trainable *c) {
    size_t nv = c->q.n, n;
    double *di = cb_alloc(nv, sizeof *di), *dw = cb_alloc(nv, sizeof *dw);
    float *bits = cb_alloc(nv, sizeof *bits), *factor = read_all(c->f, c->group, "C", CB_F32, &n);
    char name[32];
    cb_ebops_widths(&c->q, NULL, nv, bits);
    for (size_t v = 0; v < nv; v++) cb_hgq_width_gradient(&c->q, v, factor[v], &di[v], &dw[v]);
    int bad = differ_f(c, "bits", bits, nv, 0) + differ(c, "dbits_di", di, NULL);
    snprintf(name, sizeof name, "dbits_d%s", c->wname);
    bad += differ(c, name, dw, NULL);
    double *reg = read_all(c->f, c->group, "reg_loss", CB_F64, &n);
    bad += !(fabs(cb_hgq_regularizer(&c->q) - *reg) <= 1e-6 * (fabs(*reg) + 1e-8));
    cb_hgq_constrain(&c->q);
    snprintf(name, sizeof name, "constrained_%s", c->wname);
    bad += differ_f(c, name, c->q.w, nv, 0) + differ_f(c, "constrained_i", c->q.i, nv, 0);
    free(reg);
    free(di);
    free(dw);
    free(bits);
    free(factor);
    return bad;
}

static int check_trace(trainable *c, float *y) {
    if (c->q.overflow != CB_WRAP) return 0;
    size_t n;
    char group[160];
    snprintf(group, sizeof group, "%s/trace", c->group);
    uint8_t *k = read_all(c->f, group, "k", CB_U8, &n);
    cb_hgq_trace_begin(&c->q);
    require(!cb_hgq_trace(&c->q, c->x, c->map, c->n, y), "settings");
    int bad = differ_f(c, "trace/y", y, c->n, 0) + differ_f(c, "trace/i", c->q.i, c->q.n, 0);
    bad += memcmp(k, c->q.k, c->q.n) != 0;
    free(k);
    return bad;
}

static int check_trainable(trainable *c) {
    float *y = cb_alloc(c->n, sizeof *y), *i0 = cb_alloc(c->q.n, sizeof *i0);
    cb_hgq_format *t = cb_alloc(c->q.n, sizeof *t);
    memcpy(i0, c->q.i, c->q.n * sizeof *i0);
    cb_hgq_prepare(&c->q, t);
    for (size_t e = 0; e < c->n; e++) y[e] = cb_hgq_apply(&c->q, &t[c->map[e]], c->x[e]);
    int bad = differ_f(c, "infer/y", y, c->n, 0);
    require(!cb_hgq_forward(&c->q, c->x, c->map, c->n, y), "settings");
    bad += differ_f(c, "train/y", y, c->n, 0) + differ_f(c, "train/i_after", c->q.i, c->q.n, 1e-5);
    bad += check_gradients(c, y);
    memcpy(c->q.i, i0, c->q.n * sizeof *i0);
    bad += check_trace(c, y);
    memcpy(c->q.i, i0, c->q.n * sizeof *i0);
    bad += check_cost(c);
    free(y);
    free(i0);
    free(t);
    return bad;
}

static void check_trainables(golden *g) {
    uint64_t n = 0;
    if (!golden_has(g, "hgq_trainable")) return;
    char **name = cb_h5_list(g->h5, "hgq_trainable", &n);
    require(name != NULL, "hgq_trainable");
    for (uint64_t k = 0; k < n; k++) {
        trainable c = {.f = g->h5};
        snprintf(c.group, sizeof c.group, "hgq_trainable/%s", name[k]);
        load_trainable(&c);
        golden_row(g, c.group, "all tensors", check_trainable(&c), 0);
        free(c.map);
        free(c.x);
        free(c.g);
        cb_hgq_quantizer_free(&c.q);
    }
    free(name);
}

/* ---- cost ---- */

typedef struct {
    cb_hgq_quantizer q;
    uint32_t *map;
    size_t n;
    float *bits;
    double *d_bits, *di, *dw;
} operand;

static void load_operand(operand *p, cb_h5 *f, const char *group, const char *which, cb_overflow o, int rank,
                         const uint64_t *shape, int drop) {
    char name[64], path[192];
    size_t nv;
    uint64_t dims[CB_MAX_RANK] = {0};
    int vr;
    snprintf(name, sizeof name, "%s_f", which);
    snprintf(path, sizeof path, "%s/%s", group, name);
    bool kif = cb_h5_exists(f, path);
    if (!kif) snprintf(name, sizeof name, "%s_b", which);
    p->q = (cb_hgq_quantizer){.kind = kif ? CB_KIF : CB_KBI, .overflow = o};
    p->q.w = read_all(f, group, name, CB_F32, &nv);
    snprintf(name, sizeof name, "%s_i", which);
    p->q.i = read_all(f, group, name, CB_F32, &nv);
    snprintf(path, sizeof path, "%s/%s", group, name);
    require(!cb_h5_shape(f, path, &vr, dims), "settings");
    snprintf(name, sizeof name, "%s_k", which);
    p->q.k = read_all(f, group, name, CB_U8, &nv);
    p->q.n = nv;
    p->map = cb_hgq_map(rank, shape, vr - drop, dims + drop); /* inputs carry a batch axis of 1 */
    require(p->map != NULL, "shape");
    p->n = 1;
    for (int a = 0; a < rank; a++) p->n *= shape[a];
    p->bits = cb_alloc(p->n, sizeof *p->bits);
    p->d_bits = cb_alloc(p->n, sizeof *p->d_bits);
    p->di = cb_alloc(nv, sizeof *p->di);
    p->dw = cb_alloc(nv, sizeof *p->dw);
    cb_ebops_widths(&p->q, p->map, p->n, p->bits);
}

static int check_operand(operand *p, cb_h5 *f, const char *group, const char *which) {
    int bad = 0;
    cb_ebops_backward(&p->q, p->map, p->n, p->d_bits, 1, p->di, p->dw);
    for (int v = 0; v < 2; v++) {
        char name[64];
        size_t n;
        snprintf(name, sizeof name, "grad_%s_%s", which, v ? "i" : p->q.kind == CB_KIF ? "f" : "b");
        float *want = read_all(f, group, name, CB_F32, &n);
        const double *got = v ? p->di : p->dw;
        double top = 0;
        for (size_t e = 0; want && e < n; e++) top = fmax(top, fabs(want[e]));
        for (size_t e = 0; want && e < n; e++) bad += !(fabs(got[e] - want[e]) <= 2e-6 * (1 + top));
        bad += !want && !(v && p->q.overflow == CB_WRAP);
        free(want);
    }
    cb_hgq_quantizer_free(&p->q);
    void *all[] = {p->map, p->bits, p->d_bits, p->di, p->dw};
    for (int i = 0; i < 5; i++) free(all[i]);
    return bad;
}

static double layer_cost(cb_h5 *f, const char *group, const uint64_t *x, int xr, const int32_t *k, int pf,
                         const cb_ebops_bits *b) {
    if (xr < 3) {
        cb_dense_shape s = {xr == 2 ? (int)x[0] : 1, (int)x[xr - 1], k[1], pf};
        return cb_ebops_dense(&s, b);
    }
    int stride = text_is(f, group, "strides", "2") ? 2 : 1;
    cb_conv_shape s = {(int)x[0], (int)x[1], (int)x[2], k[0], k[1], k[3], stride, stride,
                       text_is(f, group, "padding", "same"), pf};
    return cb_ebops_conv(&s, b);
}

static int check_layer(cb_h5 *f, const char *group) {
    double xd[CB_MAX_RANK], pf;
    uint64_t x[CB_MAX_RANK], ks[CB_MAX_RANK];
    size_t kr, n;
    int xr = cb_h5_get_f64s(f, group, "x_shape", xd, CB_MAX_RANK);
    int32_t *k = read_all(f, group, "kernel_shape", CB_I32, &kr);
    for (int a = 0; a < xr; a++) x[a] = (uint64_t)xd[a];
    for (size_t a = 0; a < kr; a++) ks[a] = (uint64_t)k[a];
    require(!cb_h5_get_f64(f, group, "parallelization_factor", &pf), "settings");
    char *over = cb_h5_get_text(f, group, "overflow");
    cb_overflow o = CB_WRAP;
    require(!cb_overflow_parse(over, &o), "settings");
    operand in = {0}, kernel = {0}, bias = {0};
    load_operand(&in, f, group, "iq", o, xr, x, 1);
    load_operand(&kernel, f, group, "kq", o, (int)kr, ks, 0);
    load_operand(&bias, f, group, "bq", o, 1, &ks[kr - 1], 0);
    cb_ebops_bits b = {in.bits, kernel.bits, bias.bits, (int)bias.n, in.d_bits, kernel.d_bits, bias.d_bits};
    double e = layer_cost(f, group, x, xr, k, (int)pf, &b);
    float *want = read_all(f, group, "ebops", CB_F32, &n);
    int bad = !(fabs(e - *want) <= 2e-6 * *want);
    bad += check_operand(&in, f, group, "iq") + check_operand(&kernel, f, group, "kq") + check_operand(&bias, f, group, "bq");
    if (bad) fprintf(stderr, "\n  %s: %d rules broken (ebops %.9g, recorded %.9g)\n", group, bad, e, (double)*want);
    free(want);
    free(k);
    free(over);
    return bad;
}

static void check_ebops(golden *g) {
    uint64_t n = 0;
    char group[128];
    if (!golden_has(g, "ebops_unit")) return;
    char **name = cb_h5_list(g->h5, "ebops_unit", &n);
    require(name != NULL, "ebops_unit");
    for (uint64_t k = 0; k < n; k++) {
        snprintf(group, sizeof group, "ebops_unit/%s", name[k]);
        golden_row(g, group, "EBOPs and gradients", check_layer(g->h5, group), 0);
    }
    free(name);
}

GOLDEN_FILE(hgq_quantizers, "quantizers.h5", check_stateless, check_trainables)
GOLDEN_FILE(hgq_ebops, "hgq_train.h5", check_ebops)
GOLDEN_MAIN(hgq_quantizers, hgq_ebops)
