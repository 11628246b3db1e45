/* All representations of an emitted folder, side by side. */
#include "hw/verify.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/log.h"
#include "base/threads.h"

/* Pieces of work, the longest first; each fills its places of `check`, which keep one order. */
typedef enum { VERILATOR, COMBINATIONAL, PIPELINED, LIBRARIES, CARD, HLS, INTERPRETER, PIECES } piece;
enum { AT_INTERPRETER, AT_HLS, AT_LIBRARIES, AT_CARD = AT_LIBRARIES + 2, AT_VERILOG };

typedef struct {
    const cb_emit *e;
    const char *scratch;
    cb_check *check;
} job;

/* Variants that Icarus simulates: with registers, where there are some, then without. */
static int n_icarus(const cb_emit *e) { return e->simulate ? 1 + (cb_emit_hardware(e)->n_stage > 0) : 0; }

static int run_piece(const job *j, piece p, const char *scratch) {
    const cb_emit *e = j->e;
    switch (p) {
    case VERILATOR: return e->verilator ? cb_verify_verilator(e, scratch, &j->check[AT_VERILOG + n_icarus(e)]) : 0;
    case COMBINATIONAL: return e->simulate ? cb_verify_verilog(e, scratch, true, &j->check[AT_VERILOG + n_icarus(e) - 1]) : 0;
    case PIPELINED: return e->simulate && cb_emit_hardware(e)->n_stage ? cb_verify_verilog(e, scratch, false, &j->check[AT_VERILOG]) : 0;
    case LIBRARIES: return cb_verify_libraries(e, scratch, &j->check[AT_LIBRARIES]);
    case CARD: return cb_verify_ctp7(e, scratch, &j->check[AT_CARD]);
    case HLS: return cb_verify_hls_cpp(e, scratch, &j->check[AT_HLS]);
    default: return cb_verify_interpreter(e, &j->check[AT_INTERPRETER]);
    }
}

static int work(void *context, int k) {
    const job *j = context;
    char *scratch = cb_textf("%s/%d", j->scratch, k);
    int rc = scratch ? run_piece(j, (piece)k, scratch) : -1;
    free(scratch);
    return rc;
}

static void report(const cb_check *c) {
    if (c->checked)
        cb_info("%-12s %llu mismatches of %llu%s%s", c->what, (unsigned long long)c->mismatches,
                (unsigned long long)c->checked, c->tool[0] ? ", " : "", c->tool);
    else cb_warn("%s: %s", c->what, c->status);
}

int cb_verify(const cb_emit *e, const char *scratch, cb_check check[CB_CHECKS], int *n_check) {
    const int first = e->n_recorded ? 1 : 0;
    if (first && cb_verify_programme(e, check)) return -1;
    job j = {.e = e, .scratch = scratch, .check = check + first};
    *n_check = first + AT_VERILOG + n_icarus(e) + e->verilator;
    int rc = cb_mkdirs(scratch) || cb_threads_each(PIECES, work, &j) ? -1 : 0;
    for (int k = 0; k < *n_check && !rc; k++) report(&check[k]);
    return cb_remove_tree(scratch) || rc ? -1 : 0;
}
