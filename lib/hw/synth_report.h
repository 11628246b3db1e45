/* synth_report.h - the report of `synthesize`: one row per step, tool and counting rule.
 *
 * A hardware number means nothing without who counted it, when and how, so each
 * row carries step, tool, version and rule; numbers of different steps are never
 * mixed. Steps: estimate (cost model), yosys-synth,
 * csynth (Vitis HLS's own estimate), co-simulation (cycles of its RTL as simulated), vivado-synth, vivado-route; for an ECP5, whose LUTs have four
 * inputs, instead of all these: yosys-ecp5, nextpnr-route (nextpnr.h).
 *
 * The file is JSON with sorted keys (schema "cicada-bench/synthesis/1"):
 *   schema, stage, version, config, student, part {...}, inputs [{role, sha256}],
 *   rows [{student, step, tool, version, part, rule, lut, ff, dsp, bram, carry,
 *          cycles, ii, fmax_mhz, status, ...}],
 *   CSynthesisReport, CosimReport, VivadoSynthReport, TimingReport: the keys that hls4ml's
 *          parse_vivado_report gives, so that existing scripts can read them.
 *          VivadoSynthReport falls back to Yosys and then to the estimate; its
 *          own keys "tool", "step" and "count_rule" say which.
 * lut counts 6-input LUT sites or cells as `rule` says, bram 36-kbit blocks
 * (halves for 18 kbit), carry CARRY4 (UltraScale: as the tool reports), cycles
 * from input to output, ii clocks between events, null = this step does not say.
 * status is "ok", "does not fit: ...", "not run: ..." or "failed: ...".
 * No times, hosts or paths: the same inputs and tools give the same bytes.
 */
#ifndef CB_HW_SYNTH_REPORT_H
#define CB_HW_SYNTH_REPORT_H

#include <jansson.h>

#include "base/error.h"

#define CB_SYNTHESIS_SCHEMA "cicada-bench/synthesis/1"
enum { CB_SYNTH_MAX_ROWS = 16, CB_SYNTH_STATUS = 512 };

/* What the device is, and how much of everything it has ([part] of the configuration). */
typedef struct {
    const char *name, *family; /* family: xc7, xcup or ecp5 */
    double lut, ff, dsp, bram;
    double clock_ns;           /* target of the constraints */
    double pins;               /* for users; 0: not said, and not asked for but on an ECP5 */
} cb_part;

typedef struct {
    char step[16], tool[24], version[48], rule[24];
    double lut, ff, dsp, bram, carry, cycles, ii, fmax_mhz; /* NAN: not known */
    char status[CB_SYNTH_STATUS];
    json_t *detail; /* object merged into the row (cell counts, accuracy); owned; may be NULL */
} cb_synth_row;

typedef struct {
    char student[64];
    cb_part part;
    double pins;               /* what the design needs of them at least */
    int n;
    cb_synth_row row[CB_SYNTH_MAX_ROWS];
    json_t *csynth, *cosim, *timing; /* vendor reports in hls4ml's names; owned; may be NULL */
} cb_synth_report;

/* A new row with every number NAN and status "ok"; NULL if there is no room. */
cb_synth_row *cb_synth_row_add(cb_synth_report *r, const char *step, const char *tool, const char *rule) CB_MUST;
/* status = "failed: <text>" on one line of printable ASCII, file names without folders. */
void cb_synth_row_fail(cb_synth_row *row, const char *text);
/* cb_error() without the folder of this run in front. */
const char *cb_synth_reason(const char *dir);
/* A row that failed for that reason, and a warning. */
void cb_synth_row_fail_in(cb_synth_row *row, const char *dir);
/* "does not fit: ..." for every row whose counts exceed the part, and for all if its pins are too few. */
void cb_synth_check_capacity(cb_synth_report *r);
/* inputs: n pairs {role, path}. config: canonical text. Atomic. */
int cb_synth_report_write(const cb_synth_report *r, const char *path, const char *config, int n,
                          const char *const (*inputs)[2]) CB_MUST;
void cb_synth_report_free(cb_synth_report *r);

#endif
