/* unit.h - a CUnit test program in one include.
 *
 *     static void test_x(void) { CU_ASSERT_EQUAL(1 + 1, 2); }
 *     UNIT_MAIN("base", {"arithmetic", test_x}, {"more", test_y})
 *
 * Exit status 1 if any assertion failed. Scratch files go under unit_scratch().
 */
#ifndef CB_UNIT_H
#define CB_UNIT_H

#include <CUnit/Basic.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"

#define UNIT_MAIN(suite_name, ...)                                                     \
    int main(void) {                                                                   \
        CU_TestInfo tests[] = {__VA_ARGS__, CU_TEST_INFO_NULL};                        \
        CU_SuiteInfo suites[] = {{suite_name, NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL}; \
        if (CU_initialize_registry() || CU_register_suites(suites)) return 1;          \
        CU_basic_set_mode(CU_BRM_NORMAL);                                              \
        CU_basic_run_tests();                                                          \
        int bad = CU_get_number_of_failures() != 0;                                    \
        CU_cleanup_registry();                                                         \
        return bad;                                                                    \
    }

/* Asserts that a call returned 0, printing cb_error() if not. */
#define UNIT_OK(call)                                            \
    do {                                                         \
        int unit_rc = (call);                                    \
        if (unit_rc) fprintf(stderr, "\n  %s: %s\n", #call, cb_error()); \
        CU_ASSERT_EQUAL(unit_rc, 0);                             \
    } while (0)
/* The call must fail with a text that contains `part`. */
#define UNIT_FAILS(call, part)                                                          \
    do {                                                                                \
        cb_error_clear();                                                               \
        CU_ASSERT_NOT_EQUAL((call), 0);                                                 \
        if (!strstr(cb_error(), part)) fprintf(stderr, "\n  error was: %s\n", cb_error()); \
        CU_ASSERT_PTR_NOT_NULL(strstr(cb_error(), part));                               \
    } while (0)

/* A fresh path under build/scratch (static buffer, 4 in rotation). */
static inline const char *unit_scratch(const char *name) {
    static char path[4][512];
    static int k;
    k = (k + 1) % 4;
    if (cb_mkdirs("build/scratch")) abort();
    snprintf(path[k], sizeof path[k], "build/scratch/%ld-%s", (long)getpid(), name);
    return path[k];
}

/* Where the recorded data is: $GOLDEN or data/golden. */
static inline const char *unit_golden(const char *file) {
    static char path[4][512];
    static int k;
    k = (k + 1) % 4;
    const char *dir = getenv("GOLDEN");
    snprintf(path[k], sizeof path[k], "%s/%s", dir && *dir ? dir : "data/golden", file);
    return path[k];
}

#endif
