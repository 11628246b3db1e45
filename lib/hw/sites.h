/* sites.h - counts a mapped Xilinx netlist (Yosys `json`) as a vendor would.
 *
 * Vivado reports LUT sites, Yosys cells; the two differ because two small LUTs can
 * share a site and because a carry bit without a LUT occupies one. Rules:
 *   1 every connected S pin of a CARRY4 takes a whole site: the LUT or INV that
 *     drives it (a LUT that drives S pins of several bits is needed at each), or
 *   2 a route-through when something else drives it. Constant S pins take none.
 *   3 other LUT1..5 pair greedily while the union of their inputs is at most five,
 *     largest first, partner = most shared inputs, then first in the file; LUT6 = 1.
 *   4 an INV that drives no S pin is absorbed; MUXF7/8 are free.
 *   5 SRLC32E takes one site, two SRL16E share one.
 *   6 LUT6_2 (a place of a ternary adder) takes one site. Its second output and the sum of
 *     that place want the same output multiplexer, unless the sum goes into a flip-flop only:
 *     then a placer needs a second site, which `packed` does not count.
 */
#ifndef CB_HW_SITES_H
#define CB_HW_SITES_H

#include <stdint.h>

#include "base/error.h"

typedef struct {
    int64_t lut[7];  /* LUT1..LUT6 at [1..6]; ECP5: LUT4 */
    int64_t lut62;   /* LUT6_2: one LUT with two outputs */
    int64_t inv, carry4 /* CARRY4; ECP5: CCU2C */, muxf, ff, srl16, srl32, dsp, ram18, ram36, lutram, other;
} cb_cell_count;

typedef struct {
    cb_cell_count cells;
    int64_t carry_lut;      /* sites by rule 1 */
    int64_t route_through;  /* sites by rule 2 */
    int64_t pairs;          /* of rule 3 */
    int64_t memory;         /* sites of shift registers and LUT RAM */
    int64_t packed;         /* estimate: rules 1 to 5 */
    int64_t packed_lower;   /* no route-throughs, and rule 3 as if any two LUT1..5 could pair */
} cb_site_count;

/* LUT1..6 + LUT6_2 + INV: the plain cell count that other tools' figures use. */
int64_t cb_cells_raw_lut(const cb_cell_count *c);
/* Adds n cells of one type by name ("LUT4", "FDRE", "CARRY4", ...). */
void cb_cells_add(cb_cell_count *c, const char *type, int64_t n);

/* File written by Yosys `stat -json` (single design). Errors name the file. */
int cb_stat_read(const char *path, cb_cell_count *c) CB_MUST;
/* File written by Yosys `json` with one module of mapped cells. */
int cb_sites_read(const char *path, cb_site_count *c) CB_MUST;

#endif
