/* The checks of emulator/ and cmssw/: both libraries are built and loaded as the folder's own Makefile does
 * it, and their test programs score every check event. */
#define _XOPEN_SOURCE 700 /* realpath */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "hw/emit_common.h"
#include "hw/process.h"
#include "hw/verify.h"

enum { BUILD_LIMIT_S = 600, MEMORY_MIB = 4096 };

/* "N mismatches of M" and, before it, the first one. */
static int read_result(const char *tail, cb_check *c) {
    const char *first = strstr(tail, "first mismatch: event "), *of = strstr(tail, " mismatches of ");
    while (of && of > tail && of[-1] >= '0' && of[-1] <= '9') of--;
    unsigned long long bad, checked;
    long long event;
    if (!of || sscanf(of, "%llu mismatches of %llu", &bad, &checked) != 2) return -1;
    c->mismatches = bad;
    c->checked = checked;
    if (first && sscanf(first, "first mismatch: event %lld expected %u got %u", &event, &c->expected, &c->got) == 3)
        c->first_bad = event;
    return 0;
}

/* scratch as the Makefile in `dir` sees it: below it a relative name, which may hold blanks above. */
static char *build_folder(const char *dir, const char *scratch) {
    size_t n = strlen(dir);
    if (!strncmp(scratch, dir, n) && scratch[n] == '/') return cb_strdup(scratch + n + 1);
    char whole[PATH_MAX];
    return realpath(scratch, whole) ? cb_strdup(whole) : cb_fail_null("%s: no such folder", scratch);
}

/* make TARGET with the compilers cc and cxx; nothing of a make around us, or of the environment, comes in. */
static int run_make(const cb_emit *e, const char *scratch, const char *target, const char *cc, const char *cxx, cb_check *c) {
    char *o = build_folder(e->dir, scratch);
    char *word[5] = {o ? cb_textf("O=%s", o) : NULL, o ? cb_textf("EVENTS=%s/events.dat", o) : NULL,
                     o ? cb_textf("SCORES=%s/scores.dat", o) : NULL, cb_textf("CC=%s", cc), cb_textf("CXX=%s", cxx)};
    const char *const argv[] = {"env", "-u", "MAKEFLAGS", "-u", "MFLAGS", "-u", "MAKEOVERRIDES", "make", "-s", "-C", e->dir, word[0],
                                word[1], word[2], word[3], word[4], "CFLAGS=-O0", "CXXFLAGS=-O0", "LDFLAGS=", "HLS4ML=cmssw",
                                "AP_TYPES=cmssw/standin", target, NULL};
    cb_process_end end = {0};
    int rc = -1;
    if (word[0] && word[1] && word[2] && word[3] && word[4])
        rc = cb_process_run(&(cb_process){.argv = argv, .wall_s = BUILD_LIMIT_S, .memory_mib = MEMORY_MIB}, &end);
    if (read_result(end.tail, c) && !rc) rc = cb_fail("make %s: the test program does not say how many events it ran", target);
    else if (c->mismatches)
        rc = cb_fail("%llu mismatches of %llu; first at event %lld: %u expected, %u came", (unsigned long long)c->mismatches,
                     (unsigned long long)c->checked, (long long)c->first_bad, c->expected, c->got);
    free(o);
    for (int i = 0; i < 5; i++) free(word[i]);
    return rc;
}

/* compiler: the one of the two that the report names. */
static int check_target(const cb_emit *e, const char *scratch, const char *target, const char *compiler, const char *cc, const char *cxx,
                        cb_check *c) {
    const char *missing = !cb_process_exists("make") ? "make" : !cb_process_exists(cc) ? cc : !cb_process_exists(compiler) ? compiler : NULL;
    if (missing) {
        snprintf(c->status, sizeof c->status, "not run: %s is not installed", missing);
        return 0;
    }
    cb_process_title(compiler, "--version", c->tool, sizeof c->tool);
    int rc = run_make(e, scratch, target, cc, cxx, c);
    snprintf(c->status, sizeof c->status, "%s", !rc ? "ok" : c->mismatches ? "mismatch" : "failed");
    return rc ? cb_fail_in("%s: %s", e->net->name, c->what) : 0;
}

int cb_verify_libraries(const cb_emit *e, const char *scratch, cb_check c[2]) {
    const char *cc = cb_process_exists("gcc") ? "gcc" : "cc", *cxx = cb_process_exists("g++") ? "g++" : "c++";
    c[0] = (cb_check){.what = "emulator", .first_bad = -1};
    c[1] = (cb_check){.what = "cmssw", .first_bad = -1};
    int rc = cb_mkdirs(scratch) || cb_emit_vectors(e, e->n_event, scratch, "events.dat", "scores.dat") ||
                     check_target(e, scratch, "check-emulator", cc, cc, cxx, &c[0]) ||
                     check_target(e, scratch, "check-cmssw", cxx, cc, cxx, &c[1])
                 ? -1
                 : 0;
    return cb_remove_tree(scratch) || rc ? -1 : 0;
}
