/* The integer programme: recorded firmware, random programmes in lanes against the
 * plain definition, the accumulator proof, student files good and bad. */
#include <limits.h>

#include "base/rng.h"
#include "base/threads.h"
#include "data/artifact.h"
#include "nn/isa.h"
#include "quant/firmware_import.h"
#include "quant/programme.h"
#include "unit.h"

/* ---- recorded firmware ---- */

/* "event,score_raw" lines; returns the count. */
static size_t read_scores(const char *path, uint16_t *score, size_t room) {
    char *text = cb_file_read(path, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    size_t n = 0;
    for (char *line = strchr(text, '\n'); line && line[1]; line = strchr(line + 1, '\n')) {
        unsigned event, raw;
        if (sscanf(line + 1, "%u,%u", &event, &raw) != 2 || event != n || n == room) break;
        score[n++] = (uint16_t)raw;
    }
    free(text);
    return n;
}

static void check_recorded(const char *arch, const char *version) {
    static uint16_t want[4096], got[4096];
    char path[256];
    cb_programme p;
    snprintf(path, sizeof path, "data/firmware/%s", version);
    UNIT_OK(cb_firmware_import(&p, arch, version, path, NULL));
    snprintf(path, sizeof path, "data/firmware/%s/CICADA_%s_random4096.csv", version, version);
    CU_ASSERT_EQUAL(read_scores(path, want, 4096), 4096);
    cb_h5 *f = cb_h5_open("data/firmware/inputs_random4096.h5", NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    uint64_t dims[3] = {4096, 18, 14};
    uint16_t *et = cb_h5_read(f, "CaloRegions", CB_U16, 3, dims);
    CU_ASSERT_PTR_NOT_NULL_FATAL(et);
    cb_h5_close(&f);
    for (int level = 0; level <= cb_isa_best(); level++) {
        UNIT_OK(cb_isa_force(level));
        UNIT_OK(cb_programme_score(&p, et, 4096, got));
        CU_ASSERT_EQUAL(memcmp(want, got, sizeof want), 0);
    }
    for (int e = 0; e < 4096; e += 37) { /* the plain definition too */
        int64_t score;
        int64_t *value[CB_MAX_OPS] = {0};
        value[p.n_op - 1] = &score;
        UNIT_OK(cb_programme_trace(&p, et + 252 * e, value));
        CU_ASSERT_EQUAL(score, want[e]);
    }
    free(et);
    cb_programme_free(&p);
}

static void test_recorded(void) {
    check_recorded("v1", "v1p1p2");
    check_recorded("v2", "v2p1p2");
}

UNIT_MAIN("programme", {"recorded firmware, 4096 events", test_recorded})
