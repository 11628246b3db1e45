#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/config.h"
#include "base/fmath.h"
#include "base/rng.h"
#include "base/threads.h"
#include "unit.h"

/* Known answers of Random123's kat_vectors for philox4x32-10. */
static void test_philox(void) {
    uint32_t out[4];
    cb_philox((uint32_t[]){0, 0, 0, 0}, (uint32_t[]){0, 0}, out);
    CU_ASSERT(out[0] == 0x6627e8d5 && out[1] == 0xe169c58d && out[2] == 0xbc57ac4c && out[3] == 0x9b00dbd8);
    cb_philox((uint32_t[]){~0u, ~0u, ~0u, ~0u}, (uint32_t[]){~0u, ~0u}, out);
    CU_ASSERT(out[0] == 0x408f276d && out[1] == 0x41c83b0e && out[2] == 0xa20bc7c6 && out[3] == 0x6d5451fd);
    cb_philox((uint32_t[]){0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
              (uint32_t[]){0xa4093822, 0x299f31d0}, out);
    CU_ASSERT(out[0] == 0xd16cfe09 && out[1] == 0x94fdcceb && out[2] == 0x5001e420 && out[3] == 0x24126ea1);
}

/* What an artifact holds of its configuration is read back by the reader of files: also a list longer than the 199 characters
 * that inih takes in a line. */
static void test_config_text(void) {
    char many[16 + 60 * sizeof "60.5e-2 "] = "front.betas=";
    for (int k = 1; k <= 60; k++) sprintf(many + strlen(many), "%d.5e-2 ", k);
    cb_config *c = cb_config_new(), *again = cb_config_new();
    UNIT_OK(cb_config_set(c, many) || cb_config_set(c, "student.epochs=7"));
    char *text = cb_config_canonical(c, "student front lgn");
    UNIT_OK(cb_config_read_text(again, text, "its configuration") || cb_config_read_text(again, "", "nothing"));
    char *back = cb_config_canonical(again, "student front lgn");
    double beta[64];
    CU_ASSERT_STRING_EQUAL(back, text);
    CU_ASSERT(cb_config_reals(again, "front", "betas", beta, 64) == 60 && beta[59] == 60.5e-2);
    UNIT_FAILS(cb_config_read_text(again, "[student]\nepoch = 3\n", "its configuration"), "its configuration:2: unknown key 'epoch'");
    free(text), free(back);
    cb_config_free(c);
    cb_config_free(again);
}

static void test_streams(void) {
    cb_rng a = cb_rng_at(1, "a", 7), b = cb_rng_at(1, "a", 7), c = cb_rng_at(1, "b", 7);
    uint64_t x = cb_rng_u64(&a);
    CU_ASSERT_EQUAL(x, cb_rng_u64(&b));
    CU_ASSERT_NOT_EQUAL(x, cb_rng_u64(&c));
    double sum = 0, square = 0, poisson = 0;
    for (int i = 0; i < 20000; i++) {
        double n = cb_rng_normal(&a);
        sum += n;
        square += n * n;
        poisson += cb_rng_poisson(&b, 40);
    }
    CU_ASSERT_DOUBLE_EQUAL(sum / 20000, 0, 0.03);
    CU_ASSERT_DOUBLE_EQUAL(square / 20000, 1, 0.04);
    CU_ASSERT_DOUBLE_EQUAL(poisson / 20000, 40, 0.2);
    uint32_t p[100];
    uint8_t seen[100] = {0};
    cb_rng_permutation(&a, p, 100);
    for (int i = 0; i < 100; i++) seen[p[i]] = 1;
    for (int i = 0; i < 100; i++) CU_ASSERT_EQUAL(seen[i], 1);
}

static void test_fmath(void) {
    double worst_log = 0, worst_exp = 0;
    cb_rng r = cb_rng_at(3, "fmath", 0);
    for (int i = 0; i < 200000; i++) {
        double x = cb_pow2((int)cb_rng_below(&r, 200) - 100) * (1 + cb_rng_f64(&r));
        double e = fabs((double)(((long double)cb_log(x) - logl(x)) / logl(x)));
        if (fabs(x - 1) > 1e-9 && e > worst_log) worst_log = e;
        double y = 1400 * cb_rng_f64(&r) - 700;
        e = fabs((double)(((long double)cb_exp(y) - expl(y)) / expl(y)));
        if (e > worst_exp) worst_exp = e;
    }
    CU_ASSERT(worst_log < 3e-16);
    CU_ASSERT(worst_exp < 3e-16);
    CU_ASSERT(cb_log(1) == 0 && isinf(cb_log(0)) && isnan(cb_log(-1)));
    CU_ASSERT(cb_exp(0) == 1 && cb_exp(-800) == 0 && isinf(cb_exp(800)));
    UNIT_OK(cb_numerics_check());
}

static void write_text(const char *path, const char *text) { UNIT_OK(cb_file_write(path, text)); }

static void test_config(void) {
    const char *path = unit_scratch("c.ini");
    cb_config *c = cb_config_new();
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    write_text(path, "[teacher]\nepochs = 3\nlearning_rate = 1e-3 ; comment\n");
    UNIT_OK(cb_config_read(c, path));
    CU_ASSERT_EQUAL(cb_config_int(c, "teacher", "epochs"), 3);
    char *canonical = cb_config_canonical(c, "teacher");
    CU_ASSERT_PTR_NOT_NULL(strstr(canonical, "learning_rate = 0.001\n"));
    free(canonical);
    write_text(path, "[teacher]\n\nepoch = 3\n");
    UNIT_FAILS(cb_config_read(c, path), ":3: unknown key 'epoch'");
    write_text(path, "[teachers]\nepochs = 3\n");
    UNIT_FAILS(cb_config_read(c, path), ":1: unknown section [teachers]");
    write_text(path, "[run]\n; nothing\n[teachers]\n");
    UNIT_FAILS(cb_config_read(c, path), ":3: unknown section [teachers]");
    write_text(path, "[teacher]\nepochs = 0\n");
    UNIT_FAILS(cb_config_read(c, path), "out of range");
    write_text(path, "[teacher]\nepochs\n");
    UNIT_FAILS(cb_config_read(c, path), ":2: not 'key = value'");
    char longer[1000] = "; comment ";
    for (int i = 0; i < 60; i++) strcat(longer, "words ");
    strcat(longer, "\n[run]\n  students = first");
    for (int i = 0; i < 60; i++) strcat(longer, " st@2");
    strcat(longer, " last ; comment\n  next\n[teacher]\nepochs = 7\nepoch\n");
    write_text(path, longer);
    UNIT_FAILS(cb_config_read(c, path), ":7: not 'key = value'");
    const char *students = cb_config_text(c, "run", "students");
    CU_ASSERT_EQUAL(strlen(students), strlen("first last next") + 60 * 5);
    CU_ASSERT_PTR_NOT_NULL(strstr(students, "st@2 st@2 last next"));
    CU_ASSERT_EQUAL(cb_config_int(c, "teacher", "epochs"), 7);
    memset(longer, 'x', sizeof longer - 1);
    memcpy(longer, "[run]\nstudents = ", 17);
    longer[sizeof longer - 1] = 0;
    write_text(path, longer);
    UNIT_FAILS(cb_config_read(c, path), ":2: a word of more than");
    UNIT_FAILS(cb_config_set(c, "teacher.epochs=many"), "not an integer");
    UNIT_FAILS(cb_config_set(c, "nonsense"), "section.key=value");
    UNIT_FAILS(cb_config_read(c, "build/no/such.ini"), "cannot open");
    unlink(path);
    cb_config_free(c);
}

static void test_files(void) {
    const char *path = unit_scratch("f.txt");
    write_text(path, "abc");
    char hex[65];
    UNIT_OK(cb_sha256_file(path, hex));
    CU_ASSERT_STRING_EQUAL(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    size_t n;
    char *text = cb_file_read(path, &n);
    CU_ASSERT(n == 3 && !strcmp(text, "abc"));
    free(text);
    cb_atomic a;
    UNIT_OK(cb_atomic_begin(&a, path));
    cb_atomic_abort(&a);
    CU_ASSERT(cb_file_exists(path));
    UNIT_FAILS(cb_file_write("/proc/no/such/file", "x"), "/proc");
    unlink(path);
}

/* Only a regular file is ever replaced: renaming over a device would destroy it. */
static void test_targets_of_files(void) {
    const char *path = unit_scratch("pipe");
    UNIT_OK(cb_remove_tree(path));
    CU_ASSERT_EQUAL(mkfifo(path, 0600), 0);
    UNIT_FAILS(cb_file_write(path, "x"), "it is not a regular file");
    UNIT_FAILS(cb_output_check(path), "it is not a regular file");
    struct stat st;
    CU_ASSERT(!lstat(path, &st) && S_ISFIFO(st.st_mode));
    UNIT_OK(cb_remove_tree(path));
    UNIT_OK(cb_output_check(path)); /* tried, and nothing left */
    CU_ASSERT(lstat(path, &st) != 0);
    UNIT_OK(cb_mkdirs(path));
    UNIT_FAILS(cb_file_write(path, "x"), "it is not a regular file");
    UNIT_OK(cb_remove_tree(path));
    UNIT_FAILS(cb_output_check("/proc/file.h5"), "/proc/file.h5");
    UNIT_FAILS(cb_file_write("", "x"), "the name of a file wanted");
    UNIT_FAILS(cb_file_write("build/scratch/", "x"), "the name of a file wanted");
}

static int fill_folder(const char *path, const char *file, const char *mark) {
    cb_atomic a;
    if (cb_atomic_dir_begin(&a, path, mark)) return -1;
    char name[700];
    snprintf(name, sizeof name, "%s/%s", a.tmp, file);
    UNIT_OK(cb_file_write(name, file));
    return cb_atomic_dir_commit(&a);
}

/* A folder is replaced whole; what a killed process left is removed, also when it
 * was killed by a signal with the folder half filled. */
static void test_folders(void) {
    char path[512], name[600], left[600];
    snprintf(path, sizeof path, "%s", unit_scratch("folder"));
    UNIT_OK(fill_folder(path, "one", "one"));
    snprintf(left, sizeof left, "%s.tmp.%d.old", path, 4194305); /* beyond any process id of Linux */
    UNIT_OK(cb_mkdirs(left));
    snprintf(name, sizeof name, "%s//", path);
    UNIT_FAILS(fill_folder(name, "two", "three"), "holds other files"); /* not ours: stays */
    UNIT_OK(fill_folder(name, "two", "one")); /* "/" at the end means the same folder */
    CU_ASSERT(!cb_file_exists(left));
    snprintf(name, sizeof name, "%s/one", path);
    CU_ASSERT(!cb_file_exists(name));
    snprintf(name, sizeof name, "%s/two", path);
    CU_ASSERT(cb_file_exists(name));
    pid_t pid = fork();
    if (pid == 0) {
        cb_atomic a;
        if (cb_atomic_dir_begin(&a, path, "two")) _exit(9);
        snprintf(name, sizeof name, "%s/half", a.tmp);
        if (cb_file_write(name, "half")) _exit(9);
        raise(SIGTERM);
        _exit(8);
    }
    int status;
    CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
    CU_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    snprintf(left, sizeof left, "%s.tmp.%ld", path, (long)pid);
    CU_ASSERT(!cb_file_exists(left));
    CU_ASSERT(cb_file_exists(path));
    UNIT_OK(cb_remove_tree(path));
    UNIT_OK(cb_file_write(path, "a file"));
    UNIT_FAILS(fill_folder(path, "x", "x"), "it is not a folder");
    UNIT_OK(cb_remove_tree(path));
}

/* ---- pieces side by side ---- */

typedef struct {
    uint64_t sum[40];
    int threads[40], bad;
} pieces;

static int piece(void *context, int k) {
    pieces *p = context;
    cb_rng r = cb_rng_at(3, "pieces", (uint64_t)k);
    p->threads[k] = cb_threads();
    for (int i = 0; i < 1000 * (1 + k % 5); i++) p->sum[k] += cb_rng_u32(&r);
    return k % 7 == p->bad ? cb_fail("piece %d", k) : 0;
}

static void test_pieces(void) {
    pieces one = {.bad = -1}, more = {.bad = -1};
    int before = cb_threads();
    cb_threads_set(1);
    UNIT_OK(cb_threads_each(40, piece, &one));
    cb_threads_set(3);
    UNIT_OK(cb_threads_each(40, piece, &more));
    CU_ASSERT_EQUAL(cb_threads(), 3);
    CU_ASSERT(!memcmp(one.sum, more.sum, sizeof one.sum));
    for (int k = 0; k < 40; k++) CU_ASSERT_EQUAL(more.threads[k], 1);
    UNIT_OK(cb_threads_each(1, piece, &more));
    CU_ASSERT_EQUAL(more.threads[0], 3);
    UNIT_OK(cb_threads_each(0, piece, &more));
    more.bad = 5;
    UNIT_FAILS(cb_threads_each(40, piece, &more), "piece 5");
    cb_threads_set(before);
}

UNIT_MAIN("base", {"philox known answers", test_philox}, {"configuration of an artifact", test_config_text}, {"streams", test_streams},
          {"log and exp", test_fmath}, {"configuration", test_config}, {"atomic files", test_files},
          {"pieces side by side", test_pieces}, {"what a file may replace", test_targets_of_files}, {"atomic folders", test_folders})
