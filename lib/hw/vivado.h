/* vivado.h - scripts for AMD's tools, and running them where they are installed.
 *
 * Scripts (spec/rtl.md 2.5, 3.1), complete and free of paths: every one takes the
 * firmware folder as its argument, so a copy of both folders can go to a machine
 * that has the tools.
 *   vivado.tcl, clock.xdc       out-of-context synthesis, placement, routing, reports:
 *                               vivado -mode batch -source vivado.tcl -tclargs FIRMWARE
 *   project.tcl, build_prj.tcl  hls4ml's manner, with its switches:
 *                               vitis_hls -f build_prj.tcl "firmware=FIRMWARE csim=1 synth=1 cosim=0"
 */
#ifndef CB_HW_VIVADO_H
#define CB_HW_VIVADO_H

#include "hw/synth_report.h"

typedef struct {
    const char *firmware;  /* folder with verilog/ and hls/ */
    const char *verilog;   /* name of the design's file in verilog/ */
    const char *top;       /* Verilog module */
    const char *hls_top;   /* C++ function, NULL: no HLS sources, csynth is not run */
    const char *dir;       /* existing folder: the scripts stay, tool output is removed */
    double wall_s;         /* limits of one run */
    int64_t memory_mib;
    double cycles, ii;     /* of the Verilog design */
} cb_vendor_job;

/* Writes the scripts into job->dir. */
int cb_vendor_scripts(const cb_vendor_job *job, const cb_part *part) CB_MUST;
/* Runs vitis_hls (row csynth) and vivado (rows vivado-synth, vivado-route) and adds
 * the rows, "not run: ..." where the tool is not on PATH, "failed: ..." where it
 * or its report is broken. -1 only if the folder cannot be used. */
int cb_vendor_run(const cb_vendor_job *job, cb_synth_report *r) CB_MUST;

#endif
