/* vendor_report.h - reads the report files of Vitis HLS and Vivado.
 *
 * Each reader fills what its report knows into a row (synth_report.h) and leaves
 * the rest; a file that is cut off, of another kind or without the wanted rows is
 * an error that names the file and the missing element. Nothing is guessed.
 */
#ifndef CB_HW_VENDOR_REPORT_H
#define CB_HW_VENDOR_REPORT_H

#include "hw/synth_report.h"

/* <prj>_csynth.xml: lut, ff, dsp, bram, cycles (worst case), ii (largest), fmax_mhz
 * from the estimated clock period, version. *names receives the object that hls4ml
 * calls CSynthesisReport (values as text); owned by the caller. */
int cb_csynth_read(const char *path, cb_synth_row *row, json_t **names) CB_MUST;
/* The same from the text report <prj>_csynth.rpt, for where only that was kept. */
int cb_csynth_rpt_read(const char *path, cb_synth_row *row, json_t **names) CB_MUST;

/* <prj>_cosim.rpt, the testbench on the generated RTL: cycles and ii, the most of each that was seen. *names receives
 * hls4ml's CosimReport {RTL, Status, LatencyMin, ...} and the averages; owned by the caller. A simulation that did not pass
 * is an error. The report says neither version nor resources. */
int cb_cosim_read(const char *path, cb_synth_row *row, json_t **names) CB_MUST;

/* report_utilization text of 7 series ("Slice LUTs") or UltraScale ("CLB LUTs"):
 * lut, ff, dsp, bram, carry (CARRY4 or CARRY8), version. */
int cb_utilization_read(const char *path, cb_synth_row *row) CB_MUST;

/* report_timing_summary text: fmax_mhz = 1000 / (clock_ns - WNS), and *names the
 * object TimingReport {WNS, TNS, WHS, THS, WPWS, TPWS}. A negative WNS sets status
 * "misses timing: ..."; a design without timing paths (NA) leaves fmax_mhz. */
int cb_timing_read(const char *path, double clock_ns, cb_synth_row *row, json_t **names) CB_MUST;

#endif
