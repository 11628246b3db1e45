/* emit.h - the back ends: one netlist, several printers.
 *
 * Each writes a sub-folder of e->dir, deterministic text only. All print the same
 * graph; the score of event k is the unsigned code of the single output.
 *
 *   verilog/    <name>.v pipelined and <name>_comb.v, testbenches, vectors (hex)
 *   hls/        C++ for Vitis HLS and plain g++                 (emit_hls_cpp.c)
 *   emulator/   integer C, compiles anywhere, and a library with a stable interface
 *                                                               (emit_emulator.c, emit_abi.c)
 *   cmssw/      plug-in for CMSSW's hls4ml emulator loader      (emit_cmssw.c)
 *   ctp7/       trigger-card wrapper algo_unpacked            (emit_ctp7.c)
 *   vivado/, Makefile, README.md   for who takes the folder     (emit_folder.c)
 */
#ifndef CB_HW_EMIT_H
#define CB_HW_EMIT_H

#include <stddef.h>
#include <stdint.h>

#include "hw/netlist.h"
#include "quant/programme.h"

typedef struct {
    const cb_programme *programme;
    const cb_netlist *net;  /* pipeline stages set */
    const cb_netlist *shared; /* hardware used several times an event (share.h), pipelined; net is then its unfolding. NULL: none */
    const char *dir;        /* the firmware folder being filled */
    const char *part;       /* e.g. "xc7vx690tffg1927-2" */
    double clock_ns;
    const uint16_t *et;     /* check events [n_event][n_input], directed ones first */
    const uint16_t *code;   /* [n_event][n_output] score of each by the integer programme, or as recorded */
    size_t n_event;
    size_t n_recorded;      /* how many of the first n_simulation have a recorded score; the programme is then checked too */
    size_t n_simulation;    /* the first so many are written as vectors, at least 1 */
    bool simulate;          /* ... and simulated by cb_verify in Icarus Verilog */
    bool verilator;         /* ... and in Verilator, which takes minutes to compile a large network, then seconds for 100,000 events */
} cb_emit;

int cb_emit_verilog(const cb_emit *e) CB_MUST;
/* The netlist of the registered Verilog: shared or net. */
const cb_netlist *cb_emit_hardware(const cb_emit *e);
/* One module file; the module is cb_emit_identifier(g->name), comb adds "_comb". */
int cb_verilog_module(const cb_netlist *g, bool comb, const char *dir, const char *file) CB_MUST;
/* Last stage in which each node is read: [g->n], the caller frees; NULL without memory. Registers n<i>_s<k>
 * of the pipelined module exist from the stage behind the node's own to this one. */
int32_t *cb_verilog_last_stages(const cb_netlist *g) CB_MUST;
int cb_emit_hls_cpp(const cb_emit *e) CB_MUST;
int cb_emit_emulator(const cb_emit *e) CB_MUST;
int cb_emit_cmssw(const cb_emit *e) CB_MUST;
/* The trigger-card wrapper; writes nothing for images other than the card's 18 x 14. */
int cb_emit_ctp7(const cb_emit *e) CB_MUST;
/* Makefile (builds and checks the above), README.md, vivado/. */
int cb_emit_folder(const cb_emit *e) CB_MUST;
/* All of the above. */
int cb_emit_all(const cb_emit *e) CB_MUST;

#endif
