/* dataset.h - calorimeter images as everything after preprocess sees them.
 *
 * Schema "cicada-bench/dataset/1":
 *   /et        u16 (N,H,W)   region E_T in counts of 0.5 GeV, 0..1023, index phi*W+eta
 *   /bits      u8  (N,H,W)   optional: bit 0 tau veto, bit 1 e/gamma veto
 *   /split     u8  (N)       0 train, 1 val, 2 test
 *   /process   u8  (N)       index into /process_name
 *   /process_name S (P)      "zb" is zero bias; others are signals
 * Events are sorted by (process, split, source order). Attributes lsb_gev 0.5.
 */
#ifndef CB_DATA_DATASET_H
#define CB_DATA_DATASET_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "data/artifact.h"
#include "data/rows.h"

#define CB_DATASET_SCHEMA "cicada-bench/dataset/1"
enum { CB_ET_MAX = 1023 };
enum { CB_TRAIN = 0, CB_VAL = 1, CB_TEST = 2 };

typedef struct {
    uint64_t n;
    int height, width;       /* phi, eta */
    uint16_t *et;            /* [n][height*width], or NULL: read by cb_dataset_images */
    uint8_t *bits;           /* same shape, or NULL */
    uint8_t *split, *process; /* [n] */
    uint64_t n_process;
    char **process_name;
    cb_h5 *file;             /* of cb_dataset_open */
    cb_rows_place place;     /* where rows taken from it may lie */
} cb_dataset;

/* Everything into memory. */
int cb_dataset_read(cb_dataset *d, const char *path) CB_MUST;
/* All but the images (et, bits stay NULL): for training, whose memory does not grow with the
 * images. The file stays open until cb_dataset_free. `place`: where rows taken from it may lie. */
int cb_dataset_open(cb_dataset *d, const char *path, const cb_rows_place *place) CB_MUST;
/* Images of events first .. first+n-1 into et[n][height*width], checked; from memory or file.
 * From one thread (HDF5); reading in order costs least, the images are packed in chunks. */
int cb_dataset_images(const cb_dataset *d, uint64_t first, uint64_t n, uint16_t *et) CB_MUST;
/* The images of (process or -1 = all, split or -1 = all), events ascending, at the end of `to`. */
int cb_dataset_pour(const cb_dataset *d, int process, int split, cb_rows *to) CB_MUST;
/* Events to read at a time: about 1 MiB of images. */
uint64_t cb_dataset_portion(const cb_dataset *d);
int cb_dataset_write(const cb_dataset *d, cb_h5 *f) CB_MUST;
void cb_dataset_free(cb_dataset *d);

/* Index of a process, -1 (with an error that lists the names) if absent. */
int cb_dataset_process(const cb_dataset *d, const char *name) CB_MUST;
/* Event indices of (process or -1 = all, split or -1 = all), ascending. free(). */
uint32_t *cb_dataset_select(const cb_dataset *d, int process, int split, uint64_t *n) CB_MUST;

/* Images from any input form that preprocess reads (layouts.h finds it out):
 * used by emulate and emit-hls too. Only et (and bits if present) are set, and split when
 * the input carries one. */
int cb_images_read(cb_dataset *d, const char *path) CB_MUST;

#endif
