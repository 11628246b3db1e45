/* nextpnr_report.h - the report of nextpnr-ecp5 (--report, JSON).
 *
 *   {"utilization": {BEL: {"used", "available"}},
 *    "fmax": {CLOCK: {"achieved", "constraint"}},             MHz
 *    "critical_paths": [{"from", "to", "path": [{"from": {"cell"}, "to": {"cell"}, ...}]}]}
 * (nextpnr docs/report.md; version 0.11.1.) A design of one clock is expected. Errors name the file.
 */
#ifndef CB_HW_NEXTPNR_REPORT_H
#define CB_HW_NEXTPNR_REPORT_H

#include <stdint.h>

#include "base/error.h"

typedef struct {
    int64_t comb;            /* TRELLIS_COMB: 4-input LUTs, a carry bit among them, as placed */
    int64_t ff, dsp, ram18, pins;
    double achieved_mhz; /* of the one clock, after routing */
    char from[128], to[128]; /* cells at the ends of the slowest path between registers; "" if not told */
} cb_nextpnr_result;

int cb_nextpnr_report_read(const char *path, cb_nextpnr_result *r) CB_MUST;

#endif
