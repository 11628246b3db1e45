/* HDF5 artifacts: same bytes, conversions, everything that can be wrong with a file. */
#include <hdf5.h>
#include <time.h>

#include "data/artifact.h"
#include "unit.h"

/* HDF5 1.10 itself forgets a few buffers when it refuses damaged metadata; in the
 * build with AddressSanitizer that is not our leak. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) { return "leak:libhdf5"; }

static int write_sample(const char *path) {
    cb_h5 *f = cb_h5_create(path, "cicada-bench/sample/1", "test", "[a]\nb = 1\n");
    if (!f) return -1;
    static uint16_t big[3000 * 9];
    for (int i = 0; i < 3000 * 9; i++) big[i] = (uint16_t)(i * 7919);
    float small[4] = {1, -2.5f, 0, 3e-20f};
    double scalar = 0.1;
    const char *names[] = {"zb", "tt_had"};
    int rc = cb_h5_input(f, "library", "data/library/targets.csv") || cb_h5_group(f, "g") ||
             cb_h5_group(f, "g/h") || cb_h5_write(f, "g/h/small", CB_F32, 1, (uint64_t[]){4}, small) ||
             cb_h5_write(f, "big", CB_U16, 2, (uint64_t[]){3000, 9}, big) ||
             cb_h5_write(f, "scalar", CB_F64, 0, NULL, &scalar) ||
             cb_h5_write(f, "none", CB_U8, 2, (uint64_t[]){0, 3}, NULL) ||
             cb_h5_new(f, "rows", CB_U16, 2, (uint64_t[]){3000, 9}) ||
             cb_h5_write_rows(f, "rows", CB_U16, 0, 1000, big) ||
             cb_h5_write_rows(f, "rows", CB_U16, 1000, 2000, big + 9000) ||
             cb_h5_write_strings(f, "names", 2, names) || cb_h5_set_text(f, "g", "note", "") ||
             cb_h5_set_i64(f, "g/h/small", "count", -5) || cb_h5_set_f64(f, "/", "lsb_gev", 0.5);
    if (rc) {
        cb_h5_close(&f);
        return -1;
    }
    return cb_h5_commit(&f);
}

/* Times in the file would differ after more than a second. */
static void test_same_bytes(void) {
    const char *a = unit_scratch("a.h5"), *b = unit_scratch("b.h5");
    char ha[65], hb[65];
    UNIT_OK(write_sample(a));
    nanosleep(&(struct timespec){1, 100000000}, NULL);
    UNIT_OK(write_sample(b));
    UNIT_OK(cb_sha256_file(a, ha));
    UNIT_OK(cb_sha256_file(b, hb));
    CU_ASSERT_STRING_EQUAL(ha, hb);
    unlink(a);
    unlink(b);
}

static void test_round_trip(void) {
    const char *path = unit_scratch("r.h5");
    UNIT_OK(write_sample(path));
    cb_h5 *f = cb_h5_open(path, "cicada-bench/sample/1");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    uint64_t dims[CB_MAX_RANK] = {0, 9};
    uint32_t *big = cb_h5_read(f, "big", CB_U32, 2, dims), *rows = cb_h5_read(f, "rows", CB_U32, 2, dims);
    CU_ASSERT(big && rows && dims[0] == 3000);
    CU_ASSERT(big && rows && !memcmp(big, rows, 3000 * 9 * 4) && big[26999] == (26999 * 7919 & 65535));
    free(big);
    free(rows);
    float part[18];
    UNIT_OK(cb_h5_read_rows(f, "big", CB_F32, 5, 2, part));
    CU_ASSERT_EQUAL(part[17], (float)(62 * 7919 & 65535));
    double *scalar = cb_h5_read(f, "scalar", CB_F64, 0, NULL);
    CU_ASSERT(scalar && *scalar == 0.1);
    free(scalar);
    uint64_t n;
    char **names = cb_h5_read_strings(f, "names", &n);
    CU_ASSERT(names && n == 2 && !strcmp(names[0], "zb") && !strcmp(names[1], "tt_had"));
    free(names);
    char **list = cb_h5_list(f, "/", &n);
    CU_ASSERT(list && n == 6 && !strcmp(list[0], "big") && !strcmp(list[5], "scalar"));
    free(list);
    int64_t count;
    UNIT_OK(cb_h5_get_i64(f, "g/h/small", "count", &count));
    CU_ASSERT_EQUAL(count, -5);
    char *inputs = cb_h5_get_text(f, "/", "inputs"), *note = cb_h5_get_text(f, "g", "note");
    CU_ASSERT(inputs && !strncmp(inputs, "library ", 8) && strlen(inputs) == 8 + 64 + 1);
    CU_ASSERT(note && !*note);
    free(inputs);
    free(note);
    CU_ASSERT(cb_h5_exists(f, "g/h/small") && !cb_h5_exists(f, "g/x/small") && !cb_h5_exists(f, "g/h/x"));
    int rank;
    UNIT_OK(cb_h5_shape(f, "none", &rank, dims));
    CU_ASSERT(rank == 2 && dims[0] == 0 && dims[1] == 3);
    cb_h5_close(&f);
    unlink(path);
}

/* Attributes may be longer than the 64 KiB that an object header holds. */
static void test_long_text(void) {
    const char *path = unit_scratch("long.h5");
    static char text[100001];
    memset(text, 'x', 100000);
    cb_h5 *f = cb_h5_create(path, "x/1", "test", text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    UNIT_OK(cb_h5_commit(&f));
    f = cb_h5_open(path, "x/1");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    char *back = cb_h5_get_text(f, "/", "config");
    CU_ASSERT(back && !strcmp(back, text));
    free(back);
    cb_h5_close(&f);
    unlink(path);
}

static int read_fails(cb_h5 *f, const char *name, cb_type t, int rank, uint64_t *dims) {
    void *p = cb_h5_read(f, name, t, rank, dims);
    free(p);
    return p ? 0 : -1;
}

static void test_misfits(void) {
    const char *path = unit_scratch("m.h5");
    cb_h5 *f = cb_h5_create(path, "x/1", "test", "");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    int32_t ints[6] = {0, 1, 2, 3, -4, 70000};
    float nan[3] = {1, NAN, 2}, fraction[2] = {3, 1.5f};
    double large[1] = {1e300};
    uint64_t huge[1] = {UINT64_MAX};
    UNIT_OK(cb_h5_write(f, "ints", CB_I32, 2, (uint64_t[]){2, 3}, ints));
    UNIT_OK(cb_h5_write(f, "nan", CB_F32, 1, (uint64_t[]){3}, nan));
    UNIT_OK(cb_h5_write(f, "fraction", CB_F32, 1, (uint64_t[]){2}, fraction));
    UNIT_OK(cb_h5_write(f, "large", CB_F64, 1, (uint64_t[]){1}, large));
    UNIT_OK(cb_h5_write(f, "huge", CB_U64, 1, (uint64_t[]){1}, huge));
    UNIT_OK(cb_h5_write_strings(f, "text", 1, (const char *[]){"abc"}));
    UNIT_FAILS(cb_h5_write(f, "ints", CB_I32, 2, (uint64_t[]){2, 3}, ints), "ints");
    UNIT_OK(cb_h5_commit(&f));
    f = cb_h5_open(path, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    uint64_t d[CB_MAX_RANK] = {0, 0};
    UNIT_FAILS(read_fails(f, "ints", CB_U16, 2, d), "ints[1,1] is -4; a number that fits u16 wanted");
    UNIT_FAILS(read_fails(f, "ints", CB_I16, 2, d), "ints[1,2] is 70000");
    UNIT_FAILS(read_fails(f, "nan", CB_F32, 1, (uint64_t[]){0}), "nan[1] is NaN");
    UNIT_FAILS(read_fails(f, "nan", CB_F64, 1, (uint64_t[]){3}), "nan[1] is NaN");
    UNIT_FAILS(read_fails(f, "nan", CB_U8, 1, (uint64_t[]){3}), "nan[1] is nan; a whole number");
    UNIT_FAILS(read_fails(f, "fraction", CB_I32, 1, (uint64_t[]){0}), "fraction[1] is 1.5; a whole number");
    UNIT_FAILS(read_fails(f, "large", CB_F32, 1, (uint64_t[]){0}), "large[0]");
    UNIT_FAILS(read_fails(f, "huge", CB_I64, 1, (uint64_t[]){0}), "huge[0] is 18446744073709551615");
    UNIT_FAILS(read_fails(f, "ints", CB_I32, 2, (uint64_t[]){0, 4}), "shape (2,3), (*,4) wanted");
    UNIT_FAILS(read_fails(f, "ints", CB_I32, 1, (uint64_t[]){0}), "shape (2,3), (*) wanted");
    UNIT_FAILS(read_fails(f, "absent", CB_I32, 1, d), "m.h5: dataset absent is missing");
    UNIT_FAILS(read_fails(f, "text", CB_U8, 1, (uint64_t[]){0}), "does not hold numbers");
    UNIT_FAILS(cb_h5_read_rows(f, "ints", CB_I32, 1, 2, ints), "there are 2");
    int64_t i;
    UNIT_FAILS(cb_h5_get_i64(f, "/", "seed", &i), "attribute seed of /: missing");
    UNIT_FAILS(cb_h5_get_i64(f, "/", "schema", &i), "one number wanted");
    uint64_t n;
    UNIT_FAILS(cb_h5_read_strings(f, "ints", &n) ? 0 : -1, "a list of strings wanted");
    UNIT_FAILS(cb_h5_list(f, "nowhere", &n) ? 0 : -1, "no group nowhere");
    float ok[6];
    UNIT_OK(cb_h5_read_rows(f, "ints", CB_F32, 0, 2, ok));
    CU_ASSERT(ok[4] == -4 && ok[5] == 70000);
    cb_h5_close(&f);
    unlink(path);
}

static int open_fails(const char *path, const char *schema) {
    cb_h5 *f = cb_h5_open(path, schema);
    if (!f) return -1;
    cb_h5_close(&f);
    return 0;
}

/* Cut at every length: an error each time, never a crash. */
static void test_damaged(void) {
    const char *path = unit_scratch("d.h5"), *cut = unit_scratch("cut.h5");
    UNIT_OK(write_sample(path));
    UNIT_FAILS(open_fails(path, "cicada-bench/dataset/1"), "schema is cicada-bench/sample/1, cicada-bench/dataset/1 wanted");
    UNIT_FAILS(open_fails("build/no/such.h5", NULL), "such.h5: cannot open");
    UNIT_FAILS(open_fails("build", NULL), "not a regular file");
    UNIT_FAILS(open_fails("Makefile", NULL), "not an HDF5 file");
    size_t size;
    char *bytes = cb_file_read(path, &size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
    int survived = 0;
    for (size_t n = 0; n < size; n += 997) {
        FILE *out = fopen(cut, "wb");
        CU_ASSERT_FATAL(out && fwrite(bytes, 1, n, out) == n && !fclose(out));
        survived += !open_fails(cut, NULL);
    }
    CU_ASSERT_EQUAL(survived, 0);
    UNIT_FAILS(open_fails(cut, NULL), "truncated file");
    free(bytes);
    unlink(path);
    unlink(cut);
}

/* Random single-byte damage may go unseen, but must never crash or hang. */
static void test_flipped(void) {
    const char *path = unit_scratch("f.h5"), *bad = unit_scratch("bad.h5");
    UNIT_OK(write_sample(path));
    size_t size;
    char *bytes = cb_file_read(path, &size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
    int refused = 0;
    for (size_t at = 0; at < size; at += 1 + size / 150) {
        bytes[at] = (char)~bytes[at];
        FILE *out = fopen(bad, "wb");
        CU_ASSERT_FATAL(out && fwrite(bytes, 1, size, out) == size && !fclose(out));
        cb_h5 *f = cb_h5_open(bad, "cicada-bench/sample/1");
        uint64_t d[CB_MAX_RANK] = {0};
        refused += !f || read_fails(f, "big", CB_U16, 2, d) || read_fails(f, "rows", CB_F64, 2, (uint64_t[]){0, 0});
        cb_h5_close(&f);
        bytes[at] = (char)~bytes[at];
    }
    CU_ASSERT(refused > 30); /* deflate's checksum sees damage in the data */
    free(bytes);
    unlink(path);
    unlink(bad);
}

static void test_not_written(void) {
    const char *path = unit_scratch("n.h5");
    cb_h5 *f = cb_h5_create(path, "x/1", "test", "");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    uint8_t v[4] = {0};
    UNIT_OK(cb_h5_new(f, "v", CB_U8, 1, (uint64_t[]){4}));
    UNIT_OK(cb_h5_write_rows(f, "v", CB_U8, 0, 3, v));
    UNIT_FAILS(cb_h5_write_rows(f, "v", CB_U8, 3, 2, v), "outside");
    UNIT_FAILS(cb_h5_write_rows(f, "w", CB_U8, 3, 2, v), "not made by cb_h5_new");
    UNIT_FAILS(cb_h5_commit(&f), "3 of 4 rows written");
    CU_ASSERT(!cb_file_exists(path));
    f = cb_h5_create(path, "x/1", "test", "");
    cb_h5_close(&f);
    CU_ASSERT(!cb_file_exists(path));
    UNIT_FAILS(cb_h5_create("/proc/no/x.h5", "x/1", "test", "") ? 0 : -1, "/proc/no");
}

/* Files of h5py: variable-length strings, boolean enums, lists, scalars. */
static void test_foreign(void) {
    cb_h5 *f = cb_h5_open("data/published/scores.h5", NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    char *text = cb_h5_get_text(f, "/", "source");
    CU_ASSERT(text && strlen(text) > 3);
    free(text);
    uint64_t n = 0, dims[CB_MAX_RANK] = {0};
    char **list = cb_h5_list(f, "qkeras", &n);
    CU_ASSERT(list && n == 6 && !strcmp(list[0], "QCD"));
    free(list);
    UNIT_FAILS(read_fails(f, "qkeras", CB_F32, 1, dims), "qkeras is not a dataset");
    cb_h5_close(&f);
    f = cb_h5_open(unit_golden("quantizers.h5"), NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    double shape[4];
    CU_ASSERT_EQUAL(cb_h5_get_f64s(f, "hgq_trainable/36_kif_WRAP_RND_axis012_perchannel", "bw_shape", shape, 4), 4);
    int8_t *i = cb_h5_read(f, "hgq_stateless/i", CB_I8, 1, dims);
    double *loss = cb_h5_read(f, "hgq_trainable/00_kif_WRAP_RND_weight/reg_loss", CB_F64, -1, dims);
    CU_ASSERT(i && loss && isfinite(*loss));
    free(i);
    free(loss);
    cb_h5_close(&f);
    f = cb_h5_open("data/library/library.h5", NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    list = cb_h5_read_strings(f, "process", &n);
    CU_ASSERT(list && n == 8 && !strcmp(list[0], "minbias") && !strcmp(list[7], "suep"));
    free(list);
    cb_h5_close(&f);
}

/* A header may claim any size; believing it must not exhaust the memory. */
static void test_claims(void) {
    const char *path = unit_scratch("claim.h5");
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hsize_t dims[2] = {1 << 30, 1 << 20}, chunk[2] = {1, 1024};
    hid_t space = H5Screate_simple(2, dims, NULL), list = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(list, 2, chunk);
    hid_t set = H5Dcreate2(file, "v", H5T_STD_U8LE, space, H5P_DEFAULT, list, H5P_DEFAULT);
    H5Dclose(set);
    H5Pclose(list);
    H5Sclose(space);
    H5Fclose(file);
    cb_h5 *f = cb_h5_open(path, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    UNIT_FAILS(read_fails(f, "v", CB_U8, 2, (uint64_t[]){0, 0}), "more than the file can hold");
    cb_h5_close(&f);
    unlink(path);
}

UNIT_MAIN("artifact", {"same bytes", test_same_bytes}, {"round trip", test_round_trip},
          {"long texts", test_long_text},
          {"values and shapes that do not fit", test_misfits}, {"truncated files", test_damaged},
          {"damaged bytes", test_flipped}, {"unfinished files", test_not_written},
          {"files of other programs", test_foreign}, {"impossible claims", test_claims})
