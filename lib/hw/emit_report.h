/* emit_report.h - report.json of a firmware folder.
 *
 * Keys (sorted in the file): schema "cicada-bench/firmware/1", version, config, inputs {role: sha256},
 * student, family; adders (with logic; negations included), constants_added, nodes, depth (adder levels),
 * quantizers (with logic), tables (if there are any); stages, latency_cycles, latency_ns (at clock_ns), ii, clock_ns, part,
 * register_bits; estimate {family, lut_sites, ff, srl, path_ns, fmax_mhz} of the delay and cost model; where hardware is shared
 * (ii > 1): engines' input multiplexers `selects`, `holds`; input {regions, bits, layout}, output {bits, fraction_bits};
 * check_events {directed, recorded (if there are any), data, random, conditions, covered}; recorded [{events, scores}]: SHA-256;
 * checks [{representation, tool, status, checked, mismatches}]. No time, no path.
 */
#ifndef CB_HW_EMIT_REPORT_H
#define CB_HW_EMIT_REPORT_H

#include "hw/check_events.h"
#include "hw/cost.h"
#include "hw/verify.h"

typedef struct {
    const cb_cost *cost;                /* estimate of the hardware, for `family` */
    const char *family;
    const char *config;                 /* canonical text */
    int n_input_file;                   /* what was read: role and file */
    const char *role[4], *file[4];
    const cb_check_events *events;
    const cb_recorded *recorded;        /* what of them was recorded; NULL: nothing */
    const cb_check *check;
    int n_check;
} cb_emit_record;

/* Writes <e->dir>/report.json. */
int cb_emit_report(const cb_emit *e, const cb_emit_record *r) CB_MUST;

#endif
