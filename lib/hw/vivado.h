/* vivado.h - scripts for AMD's tools, and running them where they are installed.
 *
 * Written here, with da4ml's steps and margins (codegen/rtl/common_source): vivado.tcl and clock.xdc, out-of-context synthesis,
 * placement, routing and reports of the Verilog. They hold no paths:
 *     vivado -mode batch -source vivado.tcl -tclargs FIRMWARE_FOLDER
 * The Vitis HLS project in hls4ml's manner (project.tcl, build_prj.tcl) comes with
 * the C++ sources in the firmware folder's hls/ (emit.h); it is run in a copy.
 */
#ifndef CB_HW_VIVADO_H
#define CB_HW_VIVADO_H

#include "hw/synth_report.h"

typedef struct {
    const char *firmware;  /* folder with verilog/ and hls/ */
    const char *verilog;   /* name of the design's file in verilog/ */
    const char *top;       /* Verilog module */
    const char *dir;       /* existing folder: the scripts stay, tool output is removed */
    double wall_s;         /* limits of one run */
    int64_t memory_mib;
    double cycles, ii;     /* of the Verilog design */
} cb_vendor_job;

/* Writes the scripts into job->dir. */
int cb_vendor_scripts(const cb_vendor_job *job, const cb_part *part) CB_MUST;
/* Runs vitis_hls (row csynth and, where that is good, co-simulation: the testbench on the RTL that it made) and vivado (rows vivado-synth, vivado-route) and adds
 * the rows, "not run: ..." where the tool is not on PATH, "failed: ..." where it
 * or its report is broken. -1 only if the folder cannot be used. */
int cb_vendor_run(const cb_vendor_job *job, cb_synth_report *r) CB_MUST;

#endif
