/* verify.h - runs every representation of an emitted folder on the check events.
 *
 * The integer programme's score is the definition (cb_emit.code), of recorded events the recorded score, which the
 * programme must give too; each representation is compared with it event by event. Software ones are compiled
 * with the C/C++ compiler found on PATH (gcc/cc, g++/c++; never flags of the build machine; not optimised: to
 * compile costs more than to run, and test_emit runs them optimised under the undefined-behaviour sanitizer),
 * the Verilog runs in Icarus Verilog, on request in Verilator too, as child processes. A missing tool gives the status
 * "not run: ..." and is no failure; a mismatch, a compile error, a timeout is.
 */
#ifndef CB_HW_VERIFY_H
#define CB_HW_VERIFY_H

#include "hw/emit.h"

typedef struct {
    const char *what;      /* "programme" (where scores were recorded), "interpreter", "hls_cpp", "emulator", "cmssw", "ctp7", "verilog", "verilog_comb", "verilog_verilator" */
    char tool[128];        /* name and version, "" for the interpreter */
    char status[256];      /* "ok", "mismatch", "not run: iverilog is not installed" */
    uint64_t checked, mismatches;
    int64_t first_bad;     /* event index, -1 if none; with what was expected and what came */
    uint32_t expected, got;
} cb_check;

enum { CB_CHECKS = 9 };

/* Fills check[], several at once on cb_threads() threads, always in the same order; returns -1 (with the
 * sentence) at a mismatch or a failure of a tool. Scratch files go under `scratch` (made, removed). */
int cb_verify(const cb_emit *e, const char *scratch, cb_check check[CB_CHECKS], int *n_check) CB_MUST;

/* Single representations, for the above. */
int cb_verify_programme(const cb_emit *e, cb_check *c) CB_MUST;
int cb_verify_interpreter(const cb_emit *e, cb_check *c) CB_MUST;
int cb_verify_hls_cpp(const cb_emit *e, const char *scratch, cb_check *c) CB_MUST;
/* The emulator library through its interface, and CMSSW's plug-in opened with dlopen() through every pair of
 * types it takes: built by the folder's Makefile, run by the folder's test programs. c[0], c[1]. */
int cb_verify_libraries(const cb_emit *e, const char *scratch, cb_check c[2]) CB_MUST;
/* The trigger-card wrapper's testbench on the n_simulation events of its data folder;
 * "not run" where the student is not for the card's regions. */
int cb_verify_ctp7(const cb_emit *e, const char *scratch, cb_check *c) CB_MUST;
/* Both Verilog variants: pipelined (comb = false) and combinational. */
int cb_verify_verilog(const cb_emit *e, const char *scratch, bool comb, cb_check *c) CB_MUST;

/* The pipelined variant, or the combinational one of a design without registers, in Verilator (cb_emit.verilator). */
int cb_verify_verilator(const cb_emit *e, const char *scratch, cb_check *c) CB_MUST;

#endif
