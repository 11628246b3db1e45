/* All representations of an emitted folder, one after the other. */
#include "hw/verify.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/log.h"

static int report(const cb_check *c, int rc) {
    if (!rc && c->checked)
        cb_info("%-12s %llu mismatches of %llu%s%s", c->what, (unsigned long long)c->mismatches,
                (unsigned long long)c->checked, c->tool[0] ? ", " : "", c->tool);
    else if (!rc) cb_warn("%s: %s", c->what, c->status);
    return rc;
}

int cb_verify(const cb_emit *e, const char *scratch, cb_check check[CB_CHECKS], int *n_check) {
    cb_check *c = check;
    int rc = report(c, cb_verify_interpreter(e, c));
    if (!rc) c++, rc = report(c, cb_verify_hls_cpp(e, scratch, c));
    if (!rc) c++, rc = report(c, cb_verify_emulator(e, scratch, c));
    if (!rc) c++, rc = report(c, cb_verify_ctp7(e, scratch, c));
    for (int comb = e->net->n_stage ? 0 : 1; comb < 2 && !rc && e->simulate; comb++)
        c++, rc = report(c, cb_verify_verilog(e, scratch, comb, c));
    *n_check = (int)(c - check) + 1;
    return cb_remove_tree(scratch) || rc ? -1 : 0;
}
