/* targets.h - what the students learn: the teacher's error on the target grid.
 *
 * Schema "cicada-bench/targets/1", written by distill:
 *   /mse            f32 (N)      teacher's mean squared error of every dataset event, counts^2
 *   /target         u16 (N)      256 * y, y = round_to_even(32*ln(mse)*256)/256 clipped to
 *                                [0, 256 - 1/256], in float32 arithmetic (Princeton-AD/cicada)
 *   /outlier_et     u16 (M,H,W)  outlier exposure images, absent when M = 0
 *   /outlier_target u16 (M)      the same teacher's label of them
 *   /outlier_split  u8  (M)      0 train, 1 val
 *   /float/...                   the float student; /float/score f32 (N) its unquantized score
 * Attributes of /: outlier (mode), n_outlier. Order of the events: that of the dataset.
 */
#ifndef CB_NN_TARGETS_H
#define CB_NN_TARGETS_H

#include <stdint.h>

#include "data/artifact.h"
#include "data/dataset.h"

#define CB_TARGETS_SCHEMA "cicada-bench/targets/1"
enum { CB_TARGET_ONE = 256, CB_TARGET_MAX = 65535 }; /* codes: 256 to the unit */

typedef struct {
    uint64_t n;
    float *mse;               /* [n] */
    uint16_t *target;         /* [n] */
    uint64_t n_outlier;
    int height, width;
    cb_rows *outliers;        /* [n_outlier] images */
    uint16_t *outlier_target; /* [n_outlier] */
    uint8_t *outlier_split;   /* [n_outlier] CB_TRAIN or CB_VAL */
    float *float_score;       /* [n], NULL when distill trained no float student */
} cb_targets;

/* The code of one teacher error >= 0; 0 for mse <= 1, 65535 from about e^8 = 2981. */
uint16_t cb_target_code(float mse);

/* Reads and checks against the dataset (same number of events, same image). The images of the
 * outliers lie where d->place says. */
int cb_targets_read(cb_targets *t, const char *path, const cb_dataset *d) CB_MUST;
/* mse, target and outliers into an open artifact. /float is written by its trainer. */
int cb_targets_write(const cb_targets *t, const char *outlier_mode, cb_h5 *f) CB_MUST;
void cb_targets_free(cb_targets *t);

#endif
