/* yosys.h - open synthesis for 7 series and UltraScale+, guarded.
 *
 * The script keeps adders: every adder is a module of its own until alumacc has
 * turned it into one carry chain, and only then is the design flattened. Flattened
 * first, alumacc merges adders into compressors, 20 % more LUTs.
 * Without -nodsp, so that "0 DSP" is a finding and not an option; without -nosrl,
 * as Vivado also makes shift registers of delay lines; -noiopad, as the trigger
 * card's shell has the pins. Published figures of other tools were made the same way.
 */
#ifndef CB_HW_YOSYS_H
#define CB_HW_YOSYS_H

#include "hw/process.h"
#include "hw/sites.h"
#include "hw/synth_report.h"

typedef struct {
    const char *verilog;   /* file with all modules */
    const char *top;
    const char *dir;       /* existing folder: the script stays, all else is removed */
    double wall_s;         /* limits of the run, 0 = none */
    int64_t memory_mib;
    double cycles, ii;     /* of the design, for the rows */
    cb_process_end *end;   /* receives time and memory of the tool; may be NULL */
} cb_yosys_job;

/* The script for a Verilog file in the working folder; free(). */
char *cb_yosys_script(const char *verilog, const char *top, const char *family) CB_MUST;

/* A link to a Verilog file beside a script, so that neither script nor messages hold a path of this
 * machine. Replaces `link`. */
int cb_verilog_link(const char *verilog, const char *link) CB_MUST;

/* Writes DIR/yosys.ys, runs it and adds three rows (rules raw-cells, packed,
 * packed-lower; sites.h). Whatever goes wrong with the tool is one row with status
 * "not run: ..." or "failed: ..." and return 0; -1 only if the folder cannot be used. */
int cb_yosys_run(const cb_yosys_job *job, cb_synth_report *r) CB_MUST;

#endif
