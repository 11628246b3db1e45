/* Writer of the open-data layout. */
#include <stdlib.h>

#include "data/dataset.h"
#include "data/layouts.h"

static int describe(cb_h5 *f) {
    return cb_h5_set_f64(f, "/", "lsb_gev", 0.5) || cb_h5_set_i64(f, "/", "valid_max", CB_ET_MAX) ||
                   cb_h5_set_text(f, "/", "axes", "event phi eta")
               ? -1
               : 0;
}

int cb_opendata_begin(cb_opendata *w, const char *path, const char *stage, const char *config) {
    uint64_t image[3] = {w->n, (uint64_t)w->height, (uint64_t)w->width};
    w->cells = image[1] * image[2];
    w->file = cb_h5_create(path, CB_IMAGES_SCHEMA, stage, config);
    if (!w->file) return -1;
    int rc = describe(w->file) || cb_h5_new(w->file, "et", CB_I16, 3, image);
    if (!rc && w->with_bits)
        rc = cb_h5_new(w->file, "taubit", CB_U8, 3, image) || cb_h5_new(w->file, "egbit", CB_U8, 3, image);
    if (!rc && w->with_split) rc = cb_h5_new(w->file, "split", CB_U8, 1, image);
    if (rc) cb_h5_close(&w->file);
    return rc ? -1 : 0;
}

static int write_bit(cb_opendata *w, const char *name, uint64_t first, uint64_t n, const uint8_t *bits,
                     int mask, uint8_t *flag) {
    for (uint64_t i = 0; i < n * w->cells; i++) flag[i] = (bits[i] & mask) != 0;
    return cb_h5_write_rows(w->file, name, CB_U8, first, n, flag);
}

int cb_opendata_rows(cb_opendata *w, uint64_t first, uint64_t n, const uint16_t *et, const uint8_t *bits,
                     const uint8_t *split) {
    /* 0..1023 are the same bits in int16 and uint16. */
    if (cb_h5_write_rows(w->file, "et", CB_I16, first, n, et)) return -1;
    if (w->with_bits) {
        uint8_t *flag = cb_alloc(n * w->cells, 1);
        int rc = !flag || write_bit(w, "taubit", first, n, bits, CB_BIT_TAU, flag) ||
                 write_bit(w, "egbit", first, n, bits, CB_BIT_EG, flag);
        free(flag);
        if (rc) return -1;
    }
    return w->with_split ? cb_h5_write_rows(w->file, "split", CB_U8, first, n, split) : 0;
}

int cb_images_save_opendata(const cb_images *m, const char *path, const char *stage, const char *config,
                            const char *input) {
    cb_opendata w = {.n = m->n, .height = m->height, .width = m->width,
                     .with_bits = m->bits != NULL, .with_split = m->split != NULL};
    if (cb_opendata_begin(&w, path, stage, config)) return -1;
    int rc = (input && cb_h5_input(w.file, "images", input)) ||
             cb_opendata_rows(&w, 0, m->n, m->et, m->bits, m->split) ||
             (m->accept && cb_h5_write(w.file, "AcceptanceFlag", CB_U8, 1, &m->n, m->accept));
    if (!rc) return cb_h5_commit(&w.file);
    cb_h5_close(&w.file);
    return -1;
}
