/* Images in bounded memory: the same rows from memory, from a scratch file and from a dataset that stays closed. */
#include <signal.h>
#include <sys/resource.h>

#include "base/rng.h"
#include "base/threads.h"
#include "data/dataset.h"
#include "nn/lanes.h"
#include "quant/student_data.h"
#include "unit.h"

enum { N = 3000, H = 5, W = 3, CELLS = H * W };

static uint16_t et[N * CELLS];

static void make_images(void) {
    cb_rng r = cb_rng_at(8, "test-rows", 0);
    for (int i = 0; i < N * CELLS; i++) et[i] = (uint16_t)cb_rng_below(&r, CB_ET_MAX + 1);
}

/* All rows appended in pieces of `piece`. */
static cb_rows *make_rows(const cb_rows_place *place, uint64_t piece) {
    cb_rows *r = cb_rows_new(CELLS, place);
    CU_ASSERT_PTR_NOT_NULL_FATAL(r);
    for (uint64_t at = 0, n; at < N; at += n) {
        n = N - at < piece ? N - at : piece;
        UNIT_OK(cb_rows_append(r, et + at * CELLS, n));
    }
    return r;
}

static void check_rows(const cb_rows *r, bool memory) {
    static uint16_t copy[N * CELLS];
    uint16_t buffer[CELLS];
    uint32_t back[N];
    CU_ASSERT(cb_rows_count(r) == N && cb_rows_features(r) == CELLS && cb_rows_in_memory(r) == memory);
    for (uint32_t k = 0; k < N; k++) back[k] = N - 1 - k;
    for (uint32_t k = 0; k < N; k += 7) CU_ASSERT(!memcmp(cb_rows_at(r, k, buffer), et + k * CELLS, sizeof buffer));
    UNIT_OK(cb_rows_copy(r, NULL, 0, N, copy));
    CU_ASSERT(!memcmp(copy, et, sizeof et));
    UNIT_OK(cb_rows_copy(r, back, 0, N, copy));
    for (int k = 0; k < N; k++) CU_ASSERT(!memcmp(copy + k * CELLS, et + (N - 1 - k) * CELLS, CELLS * sizeof *et));
    UNIT_OK(cb_rows_check(r));
}

static void test_places(void) {
    make_images();
    char near[512];
    snprintf(near, sizeof near, "%s", unit_scratch("rows.h5"));
    cb_rows *r = make_rows(NULL, 100);
    check_rows(r, true);
    cb_rows_free(r);
    uint64_t bytes = sizeof et;
    for (uint64_t piece = 1; piece <= N; piece = piece * 13 + 1) {
        r = make_rows(&(cb_rows_place){bytes, near}, piece); /* just fits */
        check_rows(r, true);
        cb_rows_free(r);
        r = make_rows(&(cb_rows_place){bytes - 1, near}, piece);
        check_rows(r, false);
        cb_rows_free(r);
    }
    uint32_t third[N / 3];
    for (uint32_t k = 0; k < N / 3; k++) third[k] = 3 * k;
    r = cb_rows_view(et, third, N / 3, CELLS);
    CU_ASSERT_PTR_NOT_NULL_FATAL(r);
    CU_ASSERT_PTR_EQUAL(cb_rows_at(r, 5, NULL), et + 15 * CELLS);
    cb_rows_free(r);
}

static void test_trouble(void) {
    make_images();
    cb_rows *r = cb_rows_new(CELLS, &(cb_rows_place){64, "build/no/such/folder/x.h5"});
    CU_ASSERT_PTR_NOT_NULL_FATAL(r);
    UNIT_FAILS(cb_rows_append(r, et, N), "build/no/such/folder: cannot make a scratch file there");
    cb_rows_free(r);
    /* no room in the file system (here: the file size limit) */
    char near[512];
    snprintf(near, sizeof near, "%s", unit_scratch("rows.h5"));
    struct rlimit old, little;
    getrlimit(RLIMIT_FSIZE, &old);
    little = old;
    little.rlim_cur = 4096;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &little);
    r = cb_rows_new(CELLS, &(cb_rows_place){64, near});
    CU_ASSERT_PTR_NOT_NULL_FATAL(r);
    UNIT_FAILS(cb_rows_append(r, et, N), "free some space or raise run.image_memory_mib");
    setrlimit(RLIMIT_FSIZE, &old);
    cb_rows_free(r);
    /* a row that is not there: zeros, and said afterwards */
    r = make_rows(&(cb_rows_place){64, near}, N);
    uint16_t buffer[CELLS] = {7, 7};
    const uint16_t *x = cb_rows_at(r, N, buffer);
    for (int c = 0; c < CELLS; c++) CU_ASSERT_EQUAL(x[c], 0);
    UNIT_FAILS(cb_rows_check(r), "cannot read it");
    cb_rows_free(r);
}

/* zb: two thirds train, one third val; then a signal. */
static cb_dataset write_dataset(const char *path) {
    static uint8_t split[N], process[N];
    static char *names[] = {"zb", "sig"};
    for (int k = 0; k < N; k++) {
        process[k] = k >= 2400;
        split[k] = k < 1600 ? CB_TRAIN : k < 2400 ? CB_VAL : CB_TEST;
    }
    cb_dataset d = {.n = N, .height = H, .width = W, .et = et, .split = split, .process = process, .n_process = 2, .process_name = names};
    cb_h5 *f = cb_h5_create(path, CB_DATASET_SCHEMA, "test", "");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    UNIT_OK(cb_dataset_write(&d, f));
    UNIT_OK(cb_h5_commit(&f));
    return d;
}

static void test_dataset(void) {
    make_images();
    char path[512];
    snprintf(path, sizeof path, "%s", unit_scratch("d.h5"));
    cb_dataset whole = write_dataset(path), d;
    static uint16_t some[700 * CELLS];
    for (uint64_t memory = 64; memory <= 1 << 20; memory <<= 14) { /* from a file, from memory */
        UNIT_OK(cb_dataset_open(&d, path, &(cb_rows_place){memory, path}));
        CU_ASSERT(!d.et && d.n == N && d.height == H && d.width == W && !memcmp(d.split, whole.split, N));
        UNIT_OK(cb_dataset_images(&d, 1111, 700, some));
        CU_ASSERT(!memcmp(some, et + 1111 * CELLS, sizeof some));
        uint16_t code[N];
        for (int k = 0; k < N; k++) code[k] = (uint16_t)k;
        cb_student_set set, ref;
        cb_student_batch a, b;
        UNIT_OK(cb_student_set_new(&set, &d, code, NULL));
        UNIT_OK(cb_student_set_new(&ref, &whole, code, NULL));
        CU_ASSERT(set.n[0] == 1600 && set.n[1] == 800 && cb_rows_in_memory(set.image[0]) == (memory > 64));
        UNIT_OK(cb_student_batch_new(&a, &set, 80));
        UNIT_OK(cb_student_batch_new(&b, &ref, 80));
        uint32_t event[77];
        for (uint32_t k = 0; k < 77; k++) event[k] = (k * 521) % 1600;
        cb_student_batch_load(&a, &set, CB_TRAIN, event, 77);
        cb_student_batch_load(&b, &ref, CB_TRAIN, event, 77);
        CU_ASSERT(!memcmp(a.x, b.x, 80 * CELLS * sizeof *a.x) && !memcmp(a.y, b.y, 80 * sizeof *a.y));
        UNIT_OK(cb_student_set_check(&set));
        cb_student_batch_free(&a), cb_student_batch_free(&b);
        cb_student_set_free(&set), cb_student_set_free(&ref);
        cb_dataset_free(&d);
    }
    et[2399 * CELLS + 4] = CB_ET_MAX + 1; /* what is not looked at at the start is checked when it is read */
    write_dataset(path);
    UNIT_OK(cb_dataset_open(&d, path, &(cb_rows_place){0, path}));
    UNIT_OK(cb_dataset_images(&d, 0, 2000, et));
    UNIT_FAILS(cb_dataset_images(&d, 2390, 20, some), "event 2399 region 4: 1024 counts");
    cb_rows *r = cb_rows_new(CELLS, NULL);
    UNIT_FAILS(cb_dataset_pour(&d, 0, CB_VAL, r), "event 2399 region 4: 1024 counts");
    cb_rows_free(r);
    cb_dataset_free(&d);
    unlink(path);
}

UNIT_MAIN("rows", {"memory and scratch file", test_places}, {"trouble", test_trouble}, {"dataset", test_dataset})
