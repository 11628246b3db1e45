/* reports.h - what score takes from the JSON reports of emit-hls and synthesize.
 *
 * Numbers that a report does not know (null or absent) become nan in the tables.
 */
#ifndef CB_STATS_REPORTS_H
#define CB_STATS_REPORTS_H

#include "stats/table.h"

#define CB_RESOURCES_HEADER                                                                                     \
    "student\tstep\ttool\tversion\tpart\trule\tlut\tff\tdsp\tbram\tcarry\tcycles\tii\tfmax_mhz\tstatus"
enum { CB_RESOURCES_KEYS = 6 };

/* Adds the rows of a synthesis report ("rows": [{...}]) to a table with the header above. */
int cb_reports_resources(cb_table *t, const char *path) CB_MUST;

/* Post-route figures of an ECP5 (lib/hw/nextpnr.h), a table of their own. One row a report: counts as placed (the greatest
 * of all seeds; lut4 are four-input LUTs, ff without the shell's shift register, which is ff_shell), least, median and
 * greatest clock of the seeds that were routed, and the latency at the median. status: that of the first row that failed or
 * was not run, else "meets timing" or "misses timing" of the median against clock_mhz. */
#define CB_ROUTED_HEADER                                                                                             \
    "student\tstep\ttool\tversion\tpart\tseeds\tlut4\tff\tff_shell\tcarry\tdsp\tbram\tpins\tcycles\tii\tclock_mhz\t"    \
    "fmax_min_mhz\tfmax_median_mhz\tfmax_max_mhz\tlatency_ns\tstatus"
enum { CB_ROUTED_KEYS = 5 };
int cb_reports_routed(cb_table *t, const char *path) CB_MUST;

/* LUTs of one student by one step and counting rule: the first such row of a synthesis report whose status says
 * that it ran. Sets *lut to NaN if there is none. */
int cb_reports_lut(const char *path, const char *step, const char *rule, char student[64], double *lut) CB_MUST;

/* From the report of emit-hls: adders and depth of the netlist, and the comparison of every
 * representation that ran with the integer programme ("checks": [{checked, mismatches}...]),
 * summed over representations. NaN: not in the report. */
typedef struct {
    char student[64];
    double adders, depth, mismatches, checked;
} cb_hardware_summary;

int cb_reports_hardware(cb_hardware_summary *h, const char *path) CB_MUST;

#endif
