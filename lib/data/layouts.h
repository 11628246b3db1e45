/* layouts.h - every form in which images of calorimeter regions are passed around.
 *
 * cb_images_load finds the form itself, from the content and never from the name:
 *
 *   open-data    HDF5: `et` (N,H,W), with `taubit` and `egbit` (N,H,W), 0 or 1, or with
 *                neither; `bits` u8 (dataset.h) instead of the two is read as well
 *   CaloRegions  HDF5: `CaloRegions` (N,H,W), integer or float (the CICADA training
 *                files), or a group of that name with et, taubit, egbit
 *   compound     HDF5: one compound dataset with members et, taubit, egbit: (N,H,W) of
 *                scalars, or (N) with array members (H,W); named `CaloRegions`, or the only
 *                compound dataset of the file
 *   card         text, the trigger card's test vectors: after "#BeginData" rows of a
 *                counter and 36 words, 4 rows an event; 18 x 14
 *                (Princeton-AD/ctp7cpp, src/algo_unpacked.cpp)
 *   CSV          text: 252 integers a line, index phi*14 + eta; 18 x 14. Lines that are
 *                empty or start with # are skipped
 *
 * In the HDF5 forms H x W comes from the data; a trailing axis of length 1 and rows of 252
 * (= 18 x 14) are accepted. All of them may carry `AcceptanceFlag` (N), 0 or 1, and `split`
 * (N), 0 train, 1 val, 2 test. Counts are whole numbers 0..1023; anything else, NaN, and
 * a file without events are errors that name file, dataset, event and region.
 */
#ifndef CB_DATA_LAYOUTS_H
#define CB_DATA_LAYOUTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "data/artifact.h"

enum { CB_PHI = 18, CB_ETA = 14, CB_REGIONS = CB_PHI * CB_ETA };
enum { CB_BIT_TAU = 1, CB_BIT_EG = 2 };

typedef struct {
    const char *layout; /* name of the form that was found; static */
    uint64_t n;
    int height, width;
    uint16_t *et;       /* [n][height*width] */
    uint8_t *bits;      /* same shape: CB_BIT_TAU | CB_BIT_EG; NULL if the input has none */
    uint8_t *split;     /* [n], or NULL */
    uint8_t *accept;    /* [n] AcceptanceFlag, or NULL */
} cb_images;

int cb_images_load(cb_images *m, const char *path) CB_MUST;
void cb_images_free(cb_images *m);

/* The images (et alone) in order, at most `events` at a time: take(context, part, first event of the
 * part) for each part, which it must not keep; it returns 0, or -1 to end with its error. HDF5 and
 * CSV are read part by part, so that memory does not grow with the file; card text is read whole. */
typedef int cb_images_taker(void *context, const cb_images *part, uint64_t first);
int cb_images_each(const char *path, uint64_t events, cb_images_taker *take, void *context) CB_MUST;

/* The open-data layout as an artifact (schema cicada-bench/images/1), filled in rows:
 * `et` int16, `taubit` and `egbit` u8 if with_bits, `split` u8 if with_split. The caller
 * commits. Buffers that do not belong to the layout may be NULL. */
#define CB_IMAGES_SCHEMA "cicada-bench/images/1"
typedef struct {
    cb_h5 *file;
    uint64_t n, cells;
    bool with_bits, with_split;
    int height, width;
} cb_opendata;
int cb_opendata_begin(cb_opendata *w, const char *path, const char *stage, const char *config) CB_MUST;
int cb_opendata_rows(cb_opendata *w, uint64_t first, uint64_t n, const uint16_t *et,
                     const uint8_t *bits, const uint8_t *split) CB_MUST;

/* Inverse writers. The card form holds 18 x 14 images only; what it does not know (split,
 * acceptance) is not written, and the position bits of a region (12..15) are 0. */
int cb_images_save_opendata(const cb_images *m, const char *path, const char *stage,
                            const char *config, const char *input) CB_MUST;
int cb_images_save_card(const cb_images *m, const char *path) CB_MUST;

/* A whole text file; NULL also if it holds a zero byte, where it would seem to end. free(). */
char *cb_layout_text(const char *path) CB_MUST;

/* The readers behind cb_images_load; path is a text, f an HDF5 file. */
int cb_layout_hdf5(cb_images *m, cb_h5 *f) CB_MUST;
int cb_layout_card(cb_images *m, const char *path) CB_MUST;
int cb_layout_csv(cb_images *m, const char *path) CB_MUST;
int cb_layout_hdf5_each(cb_h5 *f, uint64_t events, cb_images_taker *take, void *context) CB_MUST;
int cb_layout_csv_each(const char *path, uint64_t events, cb_images_taker *take, void *context) CB_MUST;

#endif
