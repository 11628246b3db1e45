/* preprocess: splits without leakage, copies, acceptance, order, processes of several files. */
#include "base/log.h"
#include "base/rng.h"
#include "base/threads.h"
#include "data/dataset.h"
#include "data/layouts.h"
#include "data/prepare.h"
#include "unit.h"

static const cb_prepare_options plain = {{0.5, 0.1, 0.4}, true, ""};

/* n images of 3 x 4; event i holds the numbers of identity id[i] (or i). */
typedef struct {
    int n;
    const int *id;
    const uint8_t *split, *accept;
    bool bits;
    int width;
} recipe;

static void fill_image(uint16_t *et, int id, int cells) {
    cb_rng r = cb_rng_at(5, "test prepare", (uint64_t)id);
    for (int i = 0; i < cells; i++) et[i] = (uint16_t)cb_rng_below(&r, 1024);
}

static void make_input(const char *path, recipe r) {
    int cells = 3 * r.width;
    cb_images m = {.n = (uint64_t)r.n, .height = 3, .width = r.width};
    m.et = cb_alloc((size_t)(r.n * cells), 2);
    if (r.bits) m.bits = cb_alloc((size_t)(r.n * cells), 1);
    CU_ASSERT_FATAL(m.et && (!r.bits || m.bits));
    for (int i = 0; i < r.n; i++) fill_image(m.et + i * cells, r.id ? r.id[i] : i, cells);
    for (int i = 0; i < r.n * cells && r.bits; i++) m.bits[i] = m.et[i] & 3;
    m.split = (uint8_t *)r.split;
    m.accept = (uint8_t *)r.accept;
    UNIT_OK(cb_images_save_opendata(&m, path, "test", "", NULL));
    free(m.et);
    free(m.bits);
}

static int id_of(const cb_dataset *d, uint64_t event, int ids) {
    uint16_t image[64];
    int cells = d->height * d->width;
    for (int id = 0; id < ids; id++) {
        fill_image(image, id, cells);
        if (!memcmp(image, d->et + event * (uint64_t)cells, 2 * (size_t)cells)) return id;
    }
    return -1;
}

/* Without a given split: the image decides, in every file and process. */
static void test_hash_split(void) {
    enum { N = 3000 };
    cb_log_level(CB_QUIET);
    const char *a = unit_scratch("a.h5"), *b = unit_scratch("b.h5"), *out = unit_scratch("out.h5");
    static int id[2 * N];
    for (int i = 0; i < 2 * N; i++) id[i] = i % N;
    make_input(a, (recipe){.n = N, .bits = true, .width = 4});
    make_input(b, (recipe){.n = 2 * N, .id = id, .bits = true, .width = 4});
    cb_prepare_input in[] = {{"zb", a}, {"sig", b}};
    cb_prepare_counts c;
    UNIT_OK(cb_prepare(out, in, 2, &plain, &c));
    CU_ASSERT(c.read == 3 * N && c.kept == 3 * N && c.crossing == 0 && c.copies == 2 * N);
    cb_dataset d;
    UNIT_OK(cb_dataset_read(&d, out));
    CU_ASSERT_FATAL(d.n == 3 * N && d.height == 3 && d.width == 4 && d.bits && d.n_process == 2);
    CU_ASSERT(cb_dataset_process(&d, "sig") == 1);
    UNIT_FAILS(cb_dataset_process(&d, "tt"), "no process tt; it has: zb sig");
    double wanted[3] = {0.5, 0.1, 0.4};
    for (int s = 0; s < 3; s++) {
        uint64_t n, m;
        free(cb_dataset_select(&d, 0, s, &n));
        free(cb_dataset_select(&d, 1, s, &m));
        CU_ASSERT_DOUBLE_EQUAL(n / (double)N, wanted[s], 0.03);
        CU_ASSERT_EQUAL(m, 2 * n); /* the same images, twice */
    }
    for (uint64_t i = 0; i < d.n; i += 7) {
        CU_ASSERT_EQUAL(d.split[i], cb_split_of_image(d.et + i * 12, 12, wanted));
        CU_ASSERT_EQUAL(d.bits[i * 12 + 3], d.et[i * 12 + 3] & 3);
    }
    cb_dataset_free(&d);
    unlink(a);
    unlink(b);
    unlink(out);
}

/* With given splits: one split per image, decided by the first occurrence. */
static void test_given_split(void) {
    const char *a = unit_scratch("a.h5"), *b = unit_scratch("b.h5"), *out = unit_scratch("out.h5");
    make_input(a, (recipe){.n = 6, .id = (int[]){0, 1, 2, 0, 1, 0}, .split = (uint8_t[]){2, 0, 0, 2, 1, 0}, .width = 4});
    make_input(b, (recipe){.n = 4, .id = (int[]){2, 3, 3, 0}, .split = (uint8_t[]){2, 2, 0, 2}, .width = 4});
    cb_prepare_input in[] = {{"zb", a}, {"sig", b}};
    cb_prepare_counts c;
    UNIT_OK(cb_prepare(out, in, 2, &plain, &c));
    /* dropped: zb 4 (image 1 in val), zb 5 (image 0 in train), sig 0 (image 2 in test), sig 2 (image 3 in train) */
    CU_ASSERT(c.crossing == 4 && c.copies == 2 && c.kept == 6);
    cb_dataset d;
    UNIT_OK(cb_dataset_read(&d, out));
    CU_ASSERT_EQUAL_FATAL(d.n, 6);
    static const uint8_t split[6] = {0, 0, 2, 2, 2, 2}, process[6] = {0, 0, 0, 0, 1, 1};
    static const int id[6] = {1, 2, 0, 0, 3, 0};
    CU_ASSERT(!memcmp(d.split, split, 6) && !memcmp(d.process, process, 6));
    for (uint64_t i = 0; i < 6; i++) CU_ASSERT_EQUAL(id_of(&d, i, 4), id[i]);
    cb_dataset_free(&d);
    unlink(a);
    unlink(b);
    unlink(out);
}

static void test_acceptance(void) {
    const char *a = unit_scratch("a.h5"), *out = unit_scratch("out.h5");
    make_input(a, (recipe){.n = 4, .split = (uint8_t[]){0, 0, 1, 2}, .accept = (uint8_t[]){0, 1, 1, 1}, .width = 4});
    cb_prepare_input in[] = {{"zb", a}};
    cb_prepare_counts c;
    UNIT_OK(cb_prepare(out, in, 1, &plain, &c));
    CU_ASSERT(c.not_accepted == 1 && c.kept == 3);
    cb_prepare_options all = plain;
    all.require_acceptance = false;
    UNIT_OK(cb_prepare(out, in, 1, &all, &c));
    CU_ASSERT(c.not_accepted == 0 && c.kept == 4);
    make_input(a, (recipe){.n = 2, .accept = (uint8_t[]){0, 0}, .width = 4});
    unlink(out);
    UNIT_FAILS(cb_prepare(out, in, 1, &plain, &c), "process zb: no events are left");
    CU_ASSERT(!cb_file_exists(out));
    unlink(a);
}

/* Two files of one name are one process; bits only where all have them; threads do not matter. */
static void test_several_files(void) {
    const char *a = unit_scratch("a.h5"), *b = unit_scratch("b.h5"), *out = unit_scratch("out.h5");
    static const int other[3] = {500, 501, 502};
    make_input(a, (recipe){.n = 400, .bits = true, .width = 4});
    make_input(b, (recipe){.n = 3, .id = other, .width = 4});
    cb_prepare_input in[] = {{"zb", a}, {"nu", b}, {"zb", b}};
    cb_prepare_counts c;
    char h1[65], h2[65];
    int threads = cb_threads();
    cb_threads_set(1);
    UNIT_OK(cb_prepare(out, in, 3, &plain, &c));
    UNIT_OK(cb_sha256_file(out, h1));
    cb_threads_set(3);
    UNIT_OK(cb_prepare(out, in, 3, &plain, &c));
    UNIT_OK(cb_sha256_file(out, h2));
    cb_threads_set(threads);
    CU_ASSERT_STRING_EQUAL(h1, h2);
    cb_dataset d;
    UNIT_OK(cb_dataset_read(&d, out));
    uint64_t n;
    free(cb_dataset_select(&d, 0, -1, &n));
    CU_ASSERT(d.n == 406 && d.n_process == 2 && !d.bits && n == 403);
    cb_dataset_free(&d);
    make_input(b, (recipe){.n = 3, .width = 5});
    UNIT_FAILS(cb_prepare(out, in, 2, &plain, &c), "images of 3 x 5");
    cb_prepare_input none[] = {{"zb", "build/none.h5"}};
    UNIT_FAILS(cb_prepare(out, none, 1, &plain, &c), "none.h5: cannot open");
    unlink(a);
    unlink(b);
    unlink(out);
}

/* dataset.c refuses what preprocess would never write. */
static void dataset_with(const char *path, uint16_t et, uint8_t split, uint8_t process, const char *message) {
    uint16_t image[8] = {0, 1, 2, 3, 4, 5, 6, et};
    uint8_t splits[2] = {0, split}, processes[2] = {0, process};
    char *names[] = {"zb"};
    cb_dataset d = {.n = 2, .height = 2, .width = 2, .et = image, .split = splits, .process = processes, .n_process = 1,
                    .process_name = names};
    cb_h5 *f = cb_h5_create(path, CB_DATASET_SCHEMA, "test", "");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    UNIT_OK(cb_dataset_write(&d, f));
    UNIT_OK(cb_h5_commit(&f));
    cb_dataset r;
    if (*message) {
        UNIT_FAILS(cb_dataset_read(&r, path), message);
    } else {
        UNIT_OK(cb_dataset_read(&r, path));
        cb_dataset_free(&r);
    }
}

static void test_bad_dataset(void) {
    const char *path = unit_scratch("d.h5");
    dataset_with(path, 1023, 2, 0, "");
    dataset_with(path, 1024, 2, 0, "dataset et: event 1 region 3: 1024 counts; 0 to 1023 wanted");
    dataset_with(path, 7, 3, 0, "dataset split: event 1: 3; 0, 1 or 2 wanted");
    dataset_with(path, 7, 2, 1, "dataset process: event 1: 1; there are 1 processes");
    cb_dataset d;
    UNIT_FAILS(cb_dataset_read(&d, "data/library/library.h5"), "no attribute schema: not an artifact of this project");
    unlink(path);
}

UNIT_MAIN("prepare", {"split by the image's hash", test_hash_split}, {"given splits and copies", test_given_split},
          {"acceptance flags", test_acceptance}, {"several files", test_several_files}, {"bad datasets", test_bad_dataset})
