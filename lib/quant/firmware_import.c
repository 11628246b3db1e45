#include "quant/firmware_import.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"

enum { HEIGHT = 18, WIDTH = 14, FILTERS = 4, HIDDEN = 16, TAPS = 4, MAX_LAYERS = 3, MAX_FOUND = 64, MAX_VALUES = 1 << 20 };

typedef struct {
    const char *name;
    bool conv;
    int n_out, n_w;
    cb_format w, b, acc, out; /* b of no bits: no bias */
    const char *json_w, *json_b;
} layer_type;

typedef struct {
    const char *name;
    int n_layer;
    int64_t parameters; /* trainable, with the batch norm that was folded */
    layer_type layer[MAX_LAYERS];
} arch_type;

#define CONV {"conv", true, FILTERS, TAPS * FILTERS, {1, 3, 8}, {0, 0, 0}, {1, 21, 8}, {0, 6, 4}, "conv_kernel_q8_tap_filter", NULL}
#define DENSE1(acc_i, acc_f)                                                                            \
    {"dense1", false, HIDDEN, HEIGHT * WIDTH * HIDDEN, {1, 1, 6}, {1, 3, 4}, {1, acc_i, acc_f}, {0, 6, 4}, \
     "dense1_kernel_q6_row_major_in_out", "dense1_bias_q4"}
#define DENSE2 {"dense2", false, 1, HIDDEN, {1, 3, 8}, {0, 0, 0}, {1, 13, 12}, {0, 8, 8}, "dense2_kernel_q8", NULL}

static const arch_type archs[] = {{"v1", 2, 4096, {DENSE1(19, 6), DENSE2}}, {"v2", 3, 4112, {CONV, DENSE1(13, 12), DENSE2}}};

/* ---- numbers ---- */

/* "file: number 17 is 0.3, ..." unless v * 2^f is an integer of the type. */
static int to_integer(const char *where, int index, double v, cb_format t, int64_t *n) {
    double scaled = ldexp(v, t.f);
    if (!cb_format_width(t)) {
        if (v != 0) return cb_fail("%s: number %d is %.17g; this layer has no bias in the architecture, so 0 expected", where, index, v);
    } else if (!isfinite(v) || scaled != nearbyint(scaled))
        return cb_fail("%s: number %d is %.17g, not a multiple of 2^-%d as ap_fixed<%d,%d> wants it", where, index, v, t.f,
                       cb_format_width(t), t.k + t.i);
    else if (scaled < (double)cb_format_min(t, CB_SAT) || scaled > (double)cb_format_max(t))
        return cb_fail("%s: number %d is %.17g, outside ap_fixed<%d,%d> (%.9g to %.9g)", where, index, v, cb_format_width(t),
                       t.k + t.i, ldexp((double)cb_format_min(t, CB_SAT), -t.f), ldexp((double)cb_format_max(t), -t.f));
    *n = (int64_t)scaled;
    return 0;
}

/* All numbers of a text file; *n receives the count. */
static double *read_numbers(const char *path, int *n) {
    size_t size;
    char *text = cb_file_read(path, &size);
    double *v = text ? cb_alloc(size / 2 + 1, sizeof *v) : NULL;
    *n = 0;
    for (char *at = text, *end; v; at = end) {
        while (isspace((unsigned char)*at) || *at == ',') at++;
        if (!*at) break;
        v[*n] = strtod(at, &end);
        if (end == at || (*end && !isspace((unsigned char)*end) && *end != ',')) {
            cb_fail("%s: number %d: '%.16s' is not a number", path, *n, at);
            free(v);
            v = NULL;
            break;
        }
        ++*n;
    }
    if (v && text && strlen(text) != size) {
        cb_fail("%s: holds a zero byte; text expected", path);
        free(v);
        v = NULL;
    }
    free(text);
    return v;
}

/* ---- a folder of text files ---- */

typedef struct {
    int number, n_w, n_b; /* n_b -1: no bias file */
    char *w_path, *b_path;
} layer_files;

typedef struct {
    int n;
    layer_files layer[MAX_FOUND];
} folder;

static void folder_free(folder *d) {
    for (int i = 0; i < d->n; i++) {
        free(d->layer[i].w_path);
        free(d->layer[i].b_path);
    }
}

static int by_number(const void *a, const void *b) {
    return ((const layer_files *)a)->number - ((const layer_files *)b)->number;
}

/* w<k>.txt -> k, else -1. */
static int weight_number(const char *name) {
    char *end;
    if (name[0] != 'w' || !isdigit((unsigned char)name[1])) return -1;
    long k = strtol(name + 1, &end, 10);
    return strcmp(end, ".txt") || k > 1000000 ? -1 : (int)k;
}

static int count_numbers(const char *path) {
    int n;
    double *v = read_numbers(path, &n);
    free(v);
    return v ? n : -1;
}

static int folder_add(folder *d, const char *dir, const char *name, int number) {
    if (d->n == MAX_FOUND) return cb_fail("%s: more than %d files w<k>.txt", dir, MAX_FOUND);
    layer_files *l = &d->layer[d->n++];
    *l = (layer_files){.number = number, .n_b = -1};
    l->w_path = cb_textf("%s/%s", dir, name);
    l->b_path = cb_textf("%s/b%s", dir, name + 1);
    if (!l->w_path || !l->b_path || (l->n_w = count_numbers(l->w_path)) < 0) return -1;
    return cb_file_exists(l->b_path) && (l->n_b = count_numbers(l->b_path)) < 0 ? -1 : 0;
}

static int folder_read(folder *d, const char *dir) {
    DIR *handle = opendir(dir);
    if (!handle) return cb_fail("%s: %s; a folder with w<k>.txt and b<k>.txt expected", dir, strerror(errno));
    int rc = 0;
    for (struct dirent *e; !rc && (e = readdir(handle));) {
        int number = weight_number(e->d_name);
        if (number >= 0) rc = folder_add(d, dir, e->d_name, number);
    }
    closedir(handle);
    qsort(d->layer, (size_t)d->n, sizeof *d->layer, by_number);
    return rc;
}

/* Could these files be that layer? Biases that the architecture lacks may be absent. */
static bool layer_fits(const layer_files *l, const layer_type *t) {
    return l->n_w == t->n_w && (l->n_b == t->n_out || (l->n_b < 0 && !cb_format_width(t->b)));
}

/* Ways to choose layers a.. of the architecture, in order, from files from.. on;
 * the last way found is left in `chosen`. */
static int choose_layers(const folder *d, const arch_type *arch, int layer, int from, int *trial, int *chosen) {
    int ways = 0;
    if (layer == arch->n_layer || layer >= MAX_LAYERS) {
        memcpy(chosen, trial, sizeof(int) * MAX_LAYERS);
        return 1;
    }
    for (int i = from; i < d->n; i++)
        if (layer_fits(&d->layer[i], &arch->layer[layer])) {
            trial[layer] = i;
            ways += choose_layers(d, arch, layer + 1, i + 1, trial, chosen);
        }
    return ways;
}

/* "w2.txt 4032 + b2.txt 16, ..." for messages. */
static void folder_describe(const folder *d, char *text, size_t room) {
    size_t at = 0;
    text[0] = 0;
    for (int i = 0; i < d->n && at + 64 < room; i++)
        at += (size_t)snprintf(text + at, room - at, "%sw%d %d + b%d %d", i ? ", " : "", d->layer[i].number, d->layer[i].n_w,
                               d->layer[i].number, d->layer[i].n_b < 0 ? 0 : d->layer[i].n_b);
}

static int folder_match(const folder *d, const char *dir, const arch_type *arch, int chosen[MAX_LAYERS]) {
    char found[1024], wanted[256];
    int trial[MAX_LAYERS];
    int ways = choose_layers(d, arch, 0, 0, trial, chosen);
    if (ways == 1) return 0;
    if (d->n == 0) return cb_fail("%s: no file w<k>.txt in this folder", dir);
    folder_describe(d, found, sizeof found);
    size_t at = 0;
    for (int l = 0; l < arch->n_layer; l++)
        at += (size_t)snprintf(wanted + at, sizeof wanted - at, "%s%s of %d weights + %d biases", l ? ", " : "",
                               arch->layer[l].name, arch->layer[l].n_w, arch->layer[l].n_out);
    if (ways)
        return cb_fail("%s: %d ways to find architecture %s (%s) among %s: leave one version in the folder", dir, ways,
                       arch->name, wanted, found);
    return cb_fail("%s: architecture %s needs, in the order of the file numbers, %s; found %s", dir, arch->name, wanted, found);
}

/* Numbers of one file as integers of type t, n of them as counted before. */
static int integers_read(const char *path, cb_format t, int expected, int64_t *out) {
    int n;
    double *v = read_numbers(path, &n);
    int rc = v ? 0 : -1;
    if (!rc && n != expected) rc = cb_fail("%s: %d numbers, %d expected", path, n, expected);
    for (int i = 0; i < n && !rc; i++) rc = to_integer(path, i, v[i], t, &out[i]);
    free(v);
    return rc;
}

static int files_add(cb_firmware_files *files, const char *path, const char *role) {
    if (!files) return 0;
    char *copy = cb_strdup(path);
    if (!copy) return -1;
    files->path[files->n] = copy;
    snprintf(files->role[files->n++], sizeof files->role[0], "%s", role);
    return 0;
}

void cb_firmware_files_free(cb_firmware_files *files) {
    for (int i = 0; i < files->n; i++) free(files->path[i]);
    files->n = 0;
}

typedef struct {
    int64_t *w, *b; /* w in the programme's order; b of n_out */
} layer_values;

static int folder_layer(const layer_files *l, const layer_type *t, layer_values *v, cb_firmware_files *files) {
    if (integers_read(l->w_path, t->w, t->n_w, v->w) || files_add(files, l->w_path, cb_basename(l->w_path))) return -1;
    if (l->n_b >= 0 && (integers_read(l->b_path, t->b, t->n_out, v->b) || files_add(files, l->b_path, cb_basename(l->b_path))))
        return -1;
    if (t->conv) { /* filter-major -> tap-major */
        int64_t filter_major[TAPS * FILTERS];
        memcpy(filter_major, v->w, sizeof filter_major);
        for (int f = 0; f < FILTERS; f++)
            for (int tap = 0; tap < TAPS; tap++) v->w[tap * FILTERS + f] = filter_major[f * TAPS + tap];
    }
    return 0;
}

static int import_folder(const arch_type *arch, const char *dir, layer_values *v, cb_firmware_files *files) {
    folder d = {0};
    int chosen[MAX_LAYERS] = {0};
    int rc = folder_read(&d, dir) || folder_match(&d, dir, arch, chosen) ? -1 : 0;
    for (int l = 0; l < arch->n_layer && !rc; l++) rc = folder_layer(&d.layer[chosen[l]], &arch->layer[l], &v[l], files);
    folder_free(&d);
    return rc;
}

/* ---- a JSON file of integers ---- */

static int json_integers(const json_t *root, const char *path, const char *key, cb_format t, int expected, int64_t *out) {
    const json_t *array = json_object_get(root, key);
    if (!json_is_array(array)) return cb_fail("%s: no list '%s'; is it the other architecture?", path, key);
    if (json_array_size(array) != (size_t)expected)
        return cb_fail("%s: list '%s' has %zu numbers, %d expected", path, key, json_array_size(array), expected);
    for (int i = 0; i < expected; i++) {
        const json_t *e = json_array_get(array, (size_t)i);
        if (!json_is_integer(e)) return cb_fail("%s: list '%s': entry %d is not an integer", path, key, i);
        out[i] = json_integer_value(e);
        if (out[i] < cb_format_min(t, CB_SAT) || out[i] > cb_format_max(t))
            return cb_fail("%s: list '%s': entry %d is %lld, outside %lld to %lld", path, key, i, (long long)out[i],
                           (long long)cb_format_min(t, CB_SAT), (long long)cb_format_max(t));
    }
    return 0;
}

static int import_json(const arch_type *arch, const char *path, layer_values *v, cb_firmware_files *files) {
    json_error_t error;
    json_t *root = json_load_file(path, 0, &error);
    if (!root) return cb_fail("%s: line %d: %s", path, error.line, error.text);
    int rc = files_add(files, path, "weights.json");
    if (!rc && strcmp(arch->name, "v1") == 0 && json_object_get(root, archs[1].layer[0].json_w))
        rc = cb_fail("%s: holds conv weights, so it is architecture v2, not v1", path);
    for (int l = 0; l < arch->n_layer && !rc; l++) {
        const layer_type *t = &arch->layer[l];
        rc = json_integers(root, path, t->json_w, t->w, t->n_w, v[l].w);
        if (!rc && t->json_b) rc = json_integers(root, path, t->json_b, t->b, t->n_out, v[l].b);
    }
    json_decref(root);
    return rc;
}

/* ---- the programme ---- */

static int add_layer(cb_programme *p, const layer_type *t, const layer_values *v) {
    char name[32];
    bool bias = cb_format_width(t->b) > 0;
    cb_op *op = t->conv ? cb_programme_conv2d(p, t->name, 2, 2, 2, 2, FILTERS, bias) : cb_programme_dense(p, t->name, t->n_out, bias);
    if (!op) return -1;
    for (int i = 0; i < t->n_w; i++) op->w[i] = (int32_t)v->w[i];
    for (int o = 0; bias && o < t->n_out; o++) op->bias[o] = v->b[o];
    op->w_frac = t->w.f;
    op->bias_frac = t->b.f;
    op->acc = t->acc;
    snprintf(name, sizeof name, "relu_%s", t->name);
    cb_op *relu = cb_programme_quant(p, name, 1);
    if (!relu) return -1;
    relu->relu = true;
    relu->round = CB_RND_CONV;
    relu->overflow = CB_SAT;
    relu->format[0] = t->out;
    return 0;
}

static int build(cb_programme *p, const arch_type *arch, const char *name, const layer_values *v) {
    memset(p, 0, sizeof *p);
    if (strlen(name) >= sizeof p->name) return cb_fail("student name '%s' is longer than %zu characters", name, sizeof p->name - 1);
    strcpy(p->name, name);
    strcpy(p->family, "firmware");
    p->input_h = HEIGHT, p->input_w = WIDTH;
    p->ebops = NAN;
    p->parameters = arch->parameters;
    int rc = 0;
    for (int l = 0; l < arch->n_layer && !rc; l++) rc = add_layer(p, &arch->layer[l], &v[l]);
    if (!rc) rc = cb_programme_finish(p);
    if (rc) cb_programme_free(p);
    return rc;
}

static int import_form(const arch_type *arch, const char *in, layer_values *v, cb_firmware_files *files) {
    struct stat st;
    if (stat(in, &st)) return cb_fail("%s: %s; a folder of w<k>.txt, b<k>.txt or a .json file expected", in, strerror(errno));
    return (S_ISDIR(st.st_mode) ? import_folder : import_json)(arch, in, v, files);
}

int cb_firmware_import(cb_programme *p, const char *arch_name, const char *name, const char *in, cb_firmware_files *files) {
    const arch_type *arch = NULL;
    for (int i = 0; i < 2; i++)
        if (!strcmp(arch_name, archs[i].name)) arch = &archs[i];
    memset(p, 0, sizeof *p);
    if (files) memset(files, 0, sizeof *files);
    if (!arch) return cb_fail("architecture '%s': v1 or v2 expected", arch_name);
    layer_values v[MAX_LAYERS] = {{0}};
    int rc = 0;
    for (int l = 0; l < arch->n_layer && !rc; l++) {
        v[l].w = cb_alloc((size_t)arch->layer[l].n_w, sizeof *v[l].w);
        v[l].b = cb_alloc((size_t)arch->layer[l].n_out, sizeof *v[l].b);
        if (!v[l].w || !v[l].b) rc = -1;
    }
    if (!rc) rc = import_form(arch, in, v, files);
    if (!rc) rc = build(p, arch, name, v);
    for (int l = 0; l < MAX_LAYERS; l++) {
        free(v[l].w);
        free(v[l].b);
    }
    if (rc && files) cb_firmware_files_free(files);
    return rc;
}
