#include "nn/teacher.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LAYERS = 16, MAX_TENSORS = 2 * MAX_LAYERS };

static int describe(const char *architecture, const int width[3], int height, int width_cells, cb_layer_spec *s) {
    bool revised = !strcmp(architecture, "cicada-revised");
    int a = width[0], b = width[1], latent = width[2], n = 0;
    if (!revised && strcmp(architecture, "cicada"))
        return cb_fail("teacher architecture '%s': cicada or cicada-revised wanted", architecture);
    for (int k = 0; k < 3; k++)
        if (width[k] < 1 || width[k] > 4096) return cb_fail("teacher width %d: 1 to 4096 wanted", width[k]);
    s[n++] = (cb_layer_spec){.name = "conv1", .kind = CB_CONV2D, .filters = a, .kernel = 3, .stride = 1, .relu = true};
    s[n++] = (cb_layer_spec){.kind = CB_AVGPOOL};
    s[n++] = (cb_layer_spec){.name = "conv2", .kind = CB_CONV2D, .filters = b, .kernel = 3, .stride = 1, .relu = true};
    s[n++] = (cb_layer_spec){.name = "latent", .kind = CB_DENSE, .filters = latent, .relu = true};
    s[n++] = (cb_layer_spec){.name = "dense", .kind = CB_DENSE, .filters = b, .relu = true, .height = height / 2, .width = width_cells / 2};
    s[n++] = (cb_layer_spec){.name = "conv3", .kind = CB_CONV2D, .filters = b, .kernel = 3, .stride = 1, .relu = true};
    if (revised)
        s[n++] = (cb_layer_spec){.name = "deconv", .kind = CB_DECONV2D, .filters = b, .kernel = 3, .stride = 2};
    else s[n++] = (cb_layer_spec){.kind = CB_UPSAMPLE};
    s[n++] = (cb_layer_spec){.name = "conv4", .kind = CB_CONV2D, .filters = a, .kernel = 3, .stride = 1, .relu = true};
    s[n++] = (cb_layer_spec){.name = "out", .kind = CB_CONV2D, .filters = 1, .kernel = 3, .stride = 1, .relu = true};
    return n;
}

cb_teacher *cb_teacher_new(const char *architecture, const int width[3], int height, int width_cells) {
    cb_layer_spec spec[MAX_LAYERS];
    int h = height + height % 2, w = width_cells + width_cells % 2;
    int n = describe(architecture, width, h, w, spec);
    cb_teacher *t = n < 0 ? NULL : cb_alloc(1, sizeof *t);
    if (!t) return NULL;
    strncpy(t->architecture, architecture, sizeof t->architecture - 1);
    memcpy(t->width, width, sizeof t->width);
    t->image_height = height;
    t->image_width = width_cells;
    if ((t->net = cb_network_new(spec, n, h, w, 1))) return t;
    cb_fail_in("teacher '%s'", architecture);
    cb_teacher_free(t);
    return NULL;
}

void cb_teacher_free(cb_teacher *t) {
    if (!t) return;
    cb_network_free(t->net);
    free(t->train_mse);
    free(t->val_mse);
    free(t);
}

void cb_teacher_pad(const cb_teacher *t, uint16_t *et, size_t n) {
    size_t h = (size_t)t->image_height, w = (size_t)t->image_width, wide = w + w % 2;
    if (h * w == t->net->n_input) return;
    for (size_t k = n; k-- > 0;) { /* from behind: what moves never lands on what has still to move */
        uint16_t *to = et + k * t->net->n_input;
        const uint16_t *from = et + k * h * w;
        if (h % 2) memset(to + h * wide, 0, wide * sizeof *to);
        for (size_t y = h; y-- > 0;) {
            memmove(to + y * wide, from + y * w, w * sizeof *to);
            if (w % 2) to[y * wide + w] = 0;
        }
    }
}

typedef struct {
    const cb_teacher *t;
    cb_images_fn *get;
    void *context;
} source;

static int get_padded(void *context, uint64_t first, uint64_t n, uint16_t *et) {
    const source *s = context;
    if (s->get(s->context, first, n, et)) return -1;
    cb_teacher_pad(s->t, et, n);
    return 0;
}

int cb_teacher_score(const cb_teacher *t, cb_images_fn *get, void *context, size_t n, const char *what, float *mse) {
    source s = {t, get, context};
    return cb_autoencoder_mse_each(t->net, get_padded, &s, n, what, mse);
}

static int read_weights(cb_teacher *t, cb_h5 *f) {
    cb_tensor tensor[MAX_TENSORS];
    int n = cb_network_tensors(t->net, tensor, MAX_TENSORS);
    for (int k = 0; k < n; k++) {
        char name[64];
        snprintf(name, sizeof name, "weights/%.40s", tensor[k].name);
        float *w = cb_h5_read(f, name, CB_F32, tensor[k].rank, tensor[k].dims);
        if (!w) return -1;
        memcpy(t->net->w + tensor[k].at, w, tensor[k].n * sizeof *w);
        free(w);
    }
    cb_network_refresh(t->net);
    return 0;
}

static int read_history(cb_teacher *t, cb_h5 *f) {
    uint64_t rows[1] = {0};
    int64_t best;
    if (!(t->train_mse = cb_h5_read(f, "history/train_mse", CB_F64, 1, rows)) ||
        !(t->val_mse = cb_h5_read(f, "history/val_mse", CB_F64, 1, rows)) ||
        cb_h5_get_i64(f, "/", "best_epoch", &best))
        return -1;
    if (best < 1 || (uint64_t)best > rows[0])
        return cb_fail("%s: attribute best_epoch is %lld; 1 to %llu wanted", cb_h5_path(f), (long long)best,
                       (unsigned long long)rows[0]);
    t->epochs = (int)rows[0];
    t->best_epoch = (int)best;
    return 0;
}

cb_teacher *cb_teacher_read(const char *path) {
    cb_h5 *f = cb_h5_open(path, CB_TEACHER_SCHEMA);
    if (!f) return NULL;
    uint64_t three[1] = {3}, two[1] = {2};
    char *architecture = cb_h5_get_text(f, "/", "architecture");
    int32_t *width = architecture ? cb_h5_read(f, "width", CB_I32, 1, three) : NULL;
    int32_t *image = width ? cb_h5_read(f, "image", CB_I32, 1, two) : NULL;
    cb_teacher *t = image ? cb_teacher_new(architecture, (int[]){width[0], width[1], width[2]}, image[0], image[1]) : NULL;
    if (image && !t) cb_fail_in("%s", path);
    if (t && (read_weights(t, f) || read_history(t, f))) {
        cb_teacher_free(t);
        t = NULL;
    }
    free(architecture);
    free(width);
    free(image);
    cb_h5_close(&f);
    return t;
}

int cb_teacher_write(const cb_teacher *t, cb_h5 *f) {
    cb_tensor tensor[MAX_TENSORS];
    int n = cb_network_tensors(t->net, tensor, MAX_TENSORS);
    int32_t width[3] = {t->width[0], t->width[1], t->width[2]}, image[2] = {t->image_height, t->image_width};
    uint64_t three[1] = {3}, two[1] = {2}, epochs[1] = {(uint64_t)t->epochs};
    if (cb_h5_set_text(f, "/", "architecture", t->architecture) || cb_h5_set_i64(f, "/", "best_epoch", t->best_epoch) ||
        cb_h5_write(f, "width", CB_I32, 1, three, width) || cb_h5_write(f, "image", CB_I32, 1, two, image) ||
        cb_h5_group(f, "weights"))
        return -1;
    for (int k = 0; k < n; k++) {
        char name[64];
        snprintf(name, sizeof name, "weights/%.40s", tensor[k].name);
        if (cb_h5_write(f, name, CB_F32, tensor[k].rank, tensor[k].dims, t->net->w + tensor[k].at)) return -1;
    }
    return cb_h5_group(f, "history") || cb_h5_write(f, "history/train_mse", CB_F64, 1, epochs, t->train_mse) ||
                   cb_h5_write(f, "history/val_mse", CB_F64, 1, epochs, t->val_mse)
               ? -1
               : 0;
}
