#define _GNU_SOURCE /* nftw */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <nettle/sha2.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Temporary files that a signal must remove. A slot's name is published last. */
enum { SLOTS = 64 };
static char slot_name[SLOTS][1024];
static atomic_int slot_used[SLOTS]; /* 0 free, 1 being filled, 2 live */

/* In a signal handler neither opendir nor nftw may be called; fork and exec may. */
static void remove_folder_now(const char *name) {
    pid_t pid = fork();
    if (pid == 0) {
        execl("/bin/rm", "rm", "-rf", "--", name, (char *)NULL);
        _exit(127);
    }
    if (pid > 0) waitpid(pid, NULL, 0);
}

static void clean_and_die(int sig) {
    for (int i = 0; i < SLOTS; i++)
        if (atomic_load(&slot_used[i]) == 2 && unlink(slot_name[i]) && (errno == EISDIR || errno == EPERM))
            remove_folder_now(slot_name[i]);
    signal(sig, SIG_DFL);
    raise(sig);
}

static void install_handlers(void) {
    static atomic_flag once = ATOMIC_FLAG_INIT;
    if (atomic_flag_test_and_set(&once)) return;
    int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGXFSZ, SIGXCPU};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct sigaction old;
        sigaction(signals[i], NULL, &old);
        if (old.sa_handler == SIG_DFL) signal(signals[i], clean_and_die);
    }
    signal(SIGXFSZ, SIG_IGN); /* a write beyond the limit fails with EFBIG: a clear error */
}

static int slot_take(const char *name) {
    install_handlers();
    if (strlen(name) >= sizeof slot_name[0]) return -1;
    for (int i = 0; i < SLOTS; i++) {
        int expected = 0;
        if (atomic_compare_exchange_strong(&slot_used[i], &expected, 1)) {
            strcpy(slot_name[i], name);
            atomic_store(&slot_used[i], 2);
            return i;
        }
    }
    return -1;
}

static void forget(cb_atomic *a) {
    if (a->slot >= 0 && a->path) atomic_store(&slot_used[a->slot], 0);
    free(a->path);
    free(a->tmp);
    *a = (cb_atomic){.slot = -1};
}

static char *parent_of(const char *path) {
    const char *slash = strrchr(path, '/');
    if (!slash) return cb_strdup(".");
    if (slash == path) return cb_strdup("/");
    char *p = cb_strdup(path);
    if (p) p[slash - path] = 0;
    return p;
}

/* A process that can still write. A zombie cannot: where init reaps late, one may stay
 * for seconds. Where there is no /proc, whoever answers to kill counts as alive. */
static bool is_alive(long pid) {
    char path[64], line[512] = "";
    if (kill((pid_t)pid, 0) && errno == ESRCH) return false;
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *f = fopen(path, "r");
    if (!f) return true;
    size_t n = fread(line, 1, sizeof line - 1, f);
    fclose(f);
    line[n] = 0;
    const char *state = strrchr(line, ')'); /* "pid (name) state ..." */
    return !state || !strchr("ZX", state[1] ? state[2] : ' ');
}

/* Removes "<base>.tmp.<pid>" and "<base>.tmp.<pid>.old" of processes that are gone. */
static void remove_stale_in(const char *dir, const char *base) {
    DIR *d = opendir(dir);
    if (!d) return;
    size_t n = strlen(base);
    for (struct dirent *e; (e = readdir(d));) {
        if (strncmp(e->d_name, base, n) || strncmp(e->d_name + n, ".tmp.", 5)) continue;
        char *end;
        long pid = strtol(e->d_name + n + 5, &end, 10);
        if ((*end && strcmp(end, ".old")) || pid <= 0 || pid == getpid()) continue;
        if (is_alive(pid)) continue;
        char *stale = cb_textf("%s/%s", dir, e->d_name);
        if (stale && cb_remove_tree(stale)) cb_error_clear();
        free(stale);
    }
    closedir(d);
}

/* What lies at path may be replaced: nothing, or a file (folder) like the new one; never
 * a device, a pipe, or a folder in the place of a file. */
static int check_target(const char *path, bool folder) {
    struct stat st;
    if (!*cb_basename(path)) return cb_fail("'%s': the name of a file wanted", path);
    if (stat(path, &st)) return 0;
    if (folder ? S_ISDIR(st.st_mode) : S_ISREG(st.st_mode)) return 0;
    return cb_fail("%s: cannot be replaced: it is not a %s", path, folder ? "folder" : "regular file");
}

static int begin(cb_atomic *a, const char *path, bool folder) {
    *a = (cb_atomic){.slot = -1};
    if (check_target(path, folder)) return -1;
    char *dir = parent_of(path);
    if (!dir) return -1;
    if (cb_mkdirs(dir)) {
        free(dir);
        return -1;
    }
    if (access(dir, W_OK | X_OK)) {
        cb_fail("%s: cannot write there: folder %s: %s", path, dir, strerror(errno));
        free(dir);
        return -1;
    }
    remove_stale_in(dir, cb_basename(path));
    free(dir);
    a->path = cb_strdup(path);
    a->tmp = cb_textf("%s.tmp.%ld", path, (long)getpid());
    if (!a->path || !a->tmp) {
        forget(a);
        return -1;
    }
    a->slot = slot_take(a->tmp);
    return 0;
}

int cb_atomic_begin(cb_atomic *a, const char *path) { return begin(a, path, false); }

int cb_output_check(const char *path) {
    cb_atomic a;
    if (cb_atomic_begin(&a, path)) return -1;
    int fd = open(a.tmp, O_WRONLY | O_CREAT, 0666);
    int rc = fd < 0 || close(fd) ? cb_fail("%s: cannot write: %s", path, strerror(errno)) : 0;
    cb_atomic_abort(&a);
    return rc;
}

static int sync_path(const char *path, int flags) {
    int fd = open(path, flags);
    if (fd < 0) return cb_fail("%s: %s", path, strerror(errno));
    int bad = fsync(fd) && errno != EINVAL && errno != EROFS;
    int why = errno;
    if (close(fd) && !bad) {
        bad = 1;
        why = errno;
    }
    return bad ? cb_fail("%s: cannot write to disk: %s", path, strerror(why)) : 0;
}

static int sync_parent(const char *path) {
    char *dir = parent_of(path);
    if (!dir) return -1;
    int rc = sync_path(dir, O_RDONLY | O_DIRECTORY);
    free(dir);
    return rc;
}

/* Once more when the output is in place: a killed process, or a compiler it had started,
 * may still have been dying when this one began. */
static void remove_stale(const char *path) {
    char *dir = parent_of(path);
    if (dir) remove_stale_in(dir, cb_basename(path));
    free(dir);
}

int cb_atomic_commit(cb_atomic *a) {
    if (sync_path(a->tmp, O_RDWR)) {
        cb_atomic_abort(a);
        return -1;
    }
    if (rename(a->tmp, a->path)) {
        cb_fail("%s: cannot rename %s to it: %s", a->path, a->tmp, strerror(errno));
        cb_atomic_abort(a);
        return -1;
    }
    remove_stale(a->path);
    int rc = sync_parent(a->path);
    forget(a);
    return rc;
}

void cb_atomic_abort(cb_atomic *a) {
    if (!a->path) return;
    char *kept = cb_strdup(cb_error()); /* removing must not hide the first error */
    if (cb_remove_tree(a->tmp)) cb_error_clear();
    if (kept && *kept) cb_fail("%s", kept);
    free(kept);
    forget(a);
}

/* Is folder `path` absent, empty, or an output with the file `mark`? */
static int check_replaceable(const char *path, const char *mark) {
    DIR *d = opendir(path);
    if (!d) return 0;
    bool empty = true, marked = false;
    for (struct dirent *e; (e = readdir(d));) {
        if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..")) empty = false;
        if (!strcmp(e->d_name, mark)) marked = true;
    }
    closedir(d);
    if (empty || marked) return 0;
    return cb_fail("%s: this folder holds other files and would be replaced whole (an earlier output has %s in it); "
                   "choose another name or remove it", path, mark);
}

int cb_atomic_dir_begin(cb_atomic *a, const char *path, const char *mark) {
    *a = (cb_atomic){.slot = -1};
    char *name = cb_strdup(path);
    if (!name) return -1;
    for (size_t n = strlen(name); n > 1 && name[n - 1] == '/';) name[--n] = 0;
    int rc = check_replaceable(name, mark) || begin(a, name, true);
    free(name);
    if (rc) return -1;
    if (cb_remove_tree(a->tmp)) {
        forget(a);
        return -1;
    }
    if (mkdir(a->tmp, 0777)) {
        cb_fail("%s: cannot make folder: %s", a->tmp, strerror(errno));
        forget(a);
        return -1;
    }
    return 0;
}

/* Puts a->tmp in the place of a->path, which may exist; at no moment is there
 * neither, where the system can exchange two names. */
static int replace_folder(cb_atomic *a) {
#ifdef RENAME_EXCHANGE
    if (!renameat2(AT_FDCWD, a->tmp, AT_FDCWD, a->path, RENAME_EXCHANGE)) return cb_remove_tree(a->tmp);
#endif
    char *old = cb_textf("%s.tmp.%ld.old", a->path, (long)getpid());
    if (!old) return -1;
    int rc = 0, had = rename(a->path, old) == 0;
    if (rename(a->tmp, a->path)) {
        rc = cb_fail("%s: cannot rename %s to it: %s", a->path, a->tmp, strerror(errno));
        if (had && rename(old, a->path)) rc = cb_fail_in("%s: lost", a->path);
    } else if (had) {
        rc = cb_remove_tree(old);
    }
    free(old);
    return rc;
}

int cb_atomic_dir_commit(cb_atomic *a) {
    if (replace_folder(a)) {
        cb_atomic_abort(a);
        return -1;
    }
    remove_stale(a->path);
    int rc = sync_parent(a->path);
    forget(a);
    return rc;
}

int cb_file_write(const char *path, const char *text) {
    cb_atomic a;
    if (cb_atomic_begin(&a, path)) return -1;
    FILE *f = fopen(a.tmp, "wb");
    if (!f) {
        cb_fail("%s: cannot write: %s", path, strerror(errno));
        cb_atomic_abort(&a);
        return -1;
    }
    int bad = fputs(text, f) < 0 || fflush(f);
    int why = errno;
    if (fclose(f) && !bad) {
        bad = 1;
        why = errno;
    }
    if (bad) {
        cb_fail("%s: cannot write: %s", path, strerror(why));
        cb_atomic_abort(&a);
        return -1;
    }
    return cb_atomic_commit(&a);
}

char *cb_file_read(const char *path, size_t *size) {
    FILE *f = fopen(path, "rb");
    if (!f) return cb_fail_null("%s: cannot open: %s", path, strerror(errno));
    size_t n = 0, room = 1 << 16;
    char *text = cb_alloc(room, 1);
    while (text) {
        n += fread(text + n, 1, room - n - 1, f);
        if (n < room - 1) break;
        char *more = cb_realloc(text, room *= 2, 1);
        if (!more) free(text);
        text = more;
    }
    if (text && ferror(f)) {
        cb_fail("%s: cannot read: %s", path, strerror(errno));
        free(text);
        text = NULL;
    }
    fclose(f);
    if (!text) return NULL;
    text[n] = 0;
    if (size) *size = n;
    return text;
}

bool cb_file_exists(const char *path) { return access(path, F_OK) == 0; }

int cb_mkdirs(const char *path) {
    char *p = cb_strdup(path);
    if (!p) return -1;
    for (char *c = p + 1;; c++) {
        if (*c && *c != '/') continue;
        char was = *c;
        *c = 0;
        struct stat st;
        if (mkdir(p, 0777) && !(errno == EEXIST && stat(p, &st) == 0 && S_ISDIR(st.st_mode))) {
            cb_fail("%s: cannot make folder: %s", p, strerror(errno));
            free(p);
            return -1;
        }
        *c = was;
        if (!was) break;
    }
    free(p);
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at) {
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

int cb_remove_tree(const char *path) {
    struct stat st;
    if (lstat(path, &st)) return errno == ENOENT ? 0 : cb_fail("%s: %s", path, strerror(errno));
    if (!S_ISDIR(st.st_mode))
        return unlink(path) ? cb_fail("%s: cannot remove: %s", path, strerror(errno)) : 0;
    if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS))
        return cb_fail("%s: cannot remove folder: %s", path, strerror(errno));
    return 0;
}

const char *cb_basename(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void to_hex(const uint8_t digest[SHA256_DIGEST_SIZE], char hex[65]) {
    for (int i = 0; i < SHA256_DIGEST_SIZE; i++) snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

int cb_sha256_file(const char *path, char hex[65]) {
    FILE *f = fopen(path, "rb");
    if (!f) return cb_fail("%s: cannot open: %s", path, strerror(errno));
    struct sha256_ctx ctx;
    sha256_init(&ctx);
    static _Thread_local uint8_t buffer[1 << 16];
    for (size_t n; (n = fread(buffer, 1, sizeof buffer, f));) sha256_update(&ctx, n, buffer);
    int bad = ferror(f);
    int why = errno;
    fclose(f);
    if (bad) return cb_fail("%s: cannot read: %s", path, strerror(why));
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_digest(&ctx, sizeof digest, digest);
    to_hex(digest, hex);
    return 0;
}
