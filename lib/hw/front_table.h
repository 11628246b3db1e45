/* front_table.h - fronts measured: every point's resources and scores, and the mean over seeds.
 *
 * Tables (all tab-separated, lib/stats/table.h):
 *   fronts         one row a point: front family seed point student run epoch beta ebops ebops_exact val_mae parameters
 *                  adders levels cycles lut_span lut_sites ff fmax_mhz lut_yosys
 *                  lut_*, ff, fmax: estimates of the cost model (cost.h), not synthesis, after a shorter search than emit-hls makes; lut_yosys: post-synthesis packed count
 *                  of the points that were synthesised, else nan. val_mae: the selection error of the training
 *                  (validation events with outliers).
 *   front_scores   one row a point, split and process: front seed point split process n auc auc_lo auc_hi emd mae
 *                  eff_<rate>khz, _lo, _hi ... (metrics.h). The split is val or test. Points were chosen by the training's
 *                  validation error alone; nothing is chosen by a row of this table.
 *   front_means    front family axis cost split process metric n_seeds mean lo hi least most: front_mean.h, axis
 *                  ebops (exact) or lut (lut_sites), metric auc (tt ... against zero bias), emd, mae. A front and its seeds
 *                  belong together by name: NAME and NAME@SEED.
 *   front_runs     the training: front seed run label epoch beta loss val_mae ebops ebops_exact
 *   front_bits     of the synthesised points: student layer kind y x channel bits. kind data: the width of each element that a
 *                  quantizer makes; kind weights: conv2d: bit span (ebops.h) of each tap (y, x) and filter (channel); dense: sum
 *                  of the spans of all weights that an input element meets.
 */
#ifndef CB_HW_FRONT_TABLE_H
#define CB_HW_FRONT_TABLE_H

#include "hw/estimate.h"
#include "quant/front.h"
#include "quant/scores.h"
#include "stats/metrics.h"

enum { CB_FRONT_SPLITS = 2 }; /* val, test */

typedef struct {
    cb_cost cost;
    cb_metrics *metrics[CB_FRONT_SPLITS]; /* [n_process] each */
    double lut_yosys;
    bool picked;
} cb_front_measure;

typedef struct {
    cb_front_file file;
    cb_front_measure *point; /* [file.n_point] */
} cb_front_entry;

typedef struct {
    cb_scores scores[CB_FRONT_SPLITS];
    cb_metrics_reference reference[CB_FRONT_SPLITS];
    cb_hardware_rules rules;
    int n, room;
    cb_front_entry *entry;
} cb_front_table;

/* Teacher scores of both splits. data must outlive t. Rates: as in the configuration. */
int cb_front_table_begin(cb_front_table *t, const cb_dataset *data, const cb_targets *targets, const cb_performance_options *o,
                         const cb_hardware_rules *rules) CB_MUST;
/* Reads a front and measures all of its points, side by side. */
int cb_front_table_add(cb_front_table *t, const char *path) CB_MUST;
/* Marks the point that a student file of pick-student came from, with its post-synthesis LUTs (NaN: not known). Fails if no
 * front has it. */
int cb_front_table_pick(cb_front_table *t, const char *student, double lut) CB_MUST;
/* The tables into folder dir; fronts.tsv is written last. */
int cb_front_table_write(const cb_front_table *t, const char *dir) CB_MUST;
void cb_front_table_free(cb_front_table *t);

#endif
