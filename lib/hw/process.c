#define _DEFAULT_SOURCE /* wait4 */
#define _GNU_SOURCE /* pipe2 */
#include "hw/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "base/file.h"

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double cpu_of(const struct rusage *u) {
    return (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) + 1e-6 * (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec);
}

/* Resident memory of a process now; 0 where the system does not say. */
static int64_t resident_mib(pid_t pid) {
    char path[64], text[64] = "";
    long long total, resident = 0;
    snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
    int f = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = f >= 0 ? read(f, text, sizeof text - 1) : -1;
    if (f >= 0) close(f);
    if (n <= 0 || sscanf(text, "%lld %lld", &total, &resident) != 2) return 0;
    return resident * sysconf(_SC_PAGESIZE) >> 20;
}

bool cb_process_exists(const char *program) {
    if (strchr(program, '/')) return access(program, X_OK) == 0;
    const char *path = getenv("PATH");
    while (path && *path) {
        int n = (int)strcspn(path, ":");
        char full[4096];
        if (snprintf(full, sizeof full, "%.*s/%s", n, path, program) < (int)sizeof full && access(full, X_OK) == 0)
            return true;
        path += n + (path[n] == ':');
    }
    return false;
}

extern char **environ;

/* Is NAME=value for a name that one of the list sets? */
static bool names_one(const char *const *list, const char *pair) {
    size_t n = strcspn(pair, "=") + 1;
    for (; list && *list; list++)
        if (!strncmp(*list, pair, n)) return true;
    return false;
}

/* This process's environment with p->environment instead or beside; free() the list, not the strings. */
static char **environment_of(const cb_process *p) {
    size_t n = 0, more = 0, at = 0;
    while (environ && environ[n]) n++;
    while (p->environment && p->environment[more]) more++;
    char **list = cb_alloc(n + more + 1, sizeof *list);
    for (size_t i = 0; list && i < n; i++)
        if (!names_one(p->environment, environ[i])) list[at++] = environ[i];
    for (size_t i = 0; list && i < more; i++) list[at++] = (char *)p->environment[i];
    return list;
}

/* Between fork and exec: only async-signal-safe calls. */
static void child(const cb_process *p, char **environment, int output, int report) {
    setpgid(0, 0);
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    struct sigaction plain = {.sa_handler = SIG_DFL};
    const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
    for (int i = 0; i < 4; i++) sigaction(signals[i], &plain, NULL);
    if (p->memory_mib) {
        struct rlimit limit = {(rlim_t)p->memory_mib << 20, (rlim_t)p->memory_mib << 20};
        setrlimit(RLIMIT_AS, &limit);
    }
    struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    int null = open("/dev/null", O_RDONLY);
    if (null >= 0) dup2(null, 0);
    dup2(output, 1);
    dup2(output, 2);
    if (p->dir && chdir(p->dir)) goto failed;
    environ = environment;
    execvp(p->argv[0], (char *const *)p->argv);
failed:;
    int why = errno;
    if (write(report, &why, sizeof why) < 0) _exit(126);
    _exit(127);
}

static void keep_tail(cb_process_end *end, const char *s, size_t n) {
    size_t room = sizeof end->tail - 1, have = strlen(end->tail);
    for (size_t i = 0; i < n; i++) { /* text only */
        char c = s[i];
        if (have == room) {
            memmove(end->tail, end->tail + room / 2, have -= room / 2);
        }
        if (c) end->tail[have++] = c;
        end->tail[have] = 0;
    }
}

typedef struct {
    pid_t pid;
    double deadline;
    int64_t resident_mib; /* limit, 0 = none */
    double next_look;     /* at the memory */
} watch;

/* Is a limit passed? The time is looked at always, the memory ten times a second. */
static bool over(watch *w, cb_process_end *end) {
    double t = now();
    if (t >= w->deadline) end->timed_out = true;
    else if (w->resident_mib && t >= w->next_look) {
        w->next_look = t + 0.1;
        if (resident_mib(w->pid) > w->resident_mib) end->out_of_memory = true;
    }
    return end->timed_out || end->out_of_memory;
}

/* Copies the child's output until it closes or a limit is passed. */
static void collect(int from, int log, watch *w, cb_process_end *end) {
    char s[4096];
    while (!over(w, end)) {
        double left = w->deadline - now(), most = w->resident_mib ? 0.1 : 1000;
        struct pollfd p = {.fd = from, .events = POLLIN};
        int ready = poll(&p, 1, (int)((left < 0 ? 0 : left < most ? left : most) * 1000) + 1);
        if (ready < 0 && errno != EINTR) return;
        if (ready <= 0) continue;
        ssize_t n = read(from, s, sizeof s);
        if (n <= 0) return;
        keep_tail(end, s, (size_t)n);
        for (ssize_t done = 0; log >= 0 && done < n;) {
            ssize_t put = write(log, s + done, (size_t)(n - done));
            if (put <= 0) break;
            done += put;
        }
    }
}

/* Waits for the child, at most until a limit is passed; then kills its group. */
static int reap(watch *w, struct rusage *use, cb_process_end *end) {
    int status = 0;
    while (!over(w, end)) {
        pid_t got = wait4(w->pid, &status, WNOHANG, use);
        if (got == w->pid) return kill(-w->pid, SIGKILL), status; /* stray grandchildren too */
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
    kill(-w->pid, SIGKILL);
    while (wait4(w->pid, &status, 0, use) < 0 && errno == EINTR) {}
    return status;
}

static void judge(int status, cb_process_end *end) {
    end->exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    end->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    bool well = !end->timed_out && !end->out_of_memory && end->exit_status == 0;
    if (end->out_of_memory) return; /* found over its limit, and killed for it */
    end->out_of_memory = !well && !end->timed_out &&
                         (end->signal == SIGKILL || strstr(end->tail, "bad_alloc") || strstr(end->tail, "out of memory") ||
                          strstr(end->tail, "Out of memory") || strstr(end->tail, "Cannot allocate memory") || strstr(end->tail, "memory exhausted"));
}

static int verdict(const cb_process *p, const cb_process_end *end, int why) {
    const char *tool = p->argv[0];
    if (why) return cb_fail("%s: cannot be started: %s", tool, strerror(why));
    if (!end->timed_out && !end->out_of_memory && end->exit_status == 0) return 0;
    const char *tail = end->tail;
    size_t n = strlen(tail);
    if (n > 1000) tail += n - 1000;
    if (end->timed_out) return cb_fail("%s: stopped after %g s (the time limit); last output:\n%s", tool, p->wall_s, tail);
    if (end->out_of_memory)
        return cb_fail("%s: out of memory (limit %lld MiB); last output:\n%s", tool, (long long)(p->resident_mib ? p->resident_mib : p->memory_mib), tail);
    if (end->signal) return cb_fail("%s: ended by signal %d; last output:\n%s", tool, end->signal, tail);
    return cb_fail("%s: exit status %d; last output:\n%s", tool, end->exit_status, tail);
}

/* A pipe that no other child inherits, not even one that another thread starts just now: its end would
 * be waited for. */
static int closed_pipe(int end[2]) {
#ifdef __linux__
    return pipe2(end, O_CLOEXEC);
#else
    return pipe(end) || fcntl(end[0], F_SETFD, FD_CLOEXEC) || fcntl(end[1], F_SETFD, FD_CLOEXEC) ? -1 : 0;
#endif
}

int cb_process_run(const cb_process *p, cb_process_end *given) {
    cb_process_end local, *end = given ? given : &local;
    memset(end, 0, sizeof *end);
    end->exit_status = -1;
    int output[2] = {-1, -1}, report[2] = {-1, -1}, log = -1, why = 0;
    char **environment = environment_of(p);
    if (!environment) return -1;
    if (p->log && (log = open(p->log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)) < 0) {
        free(environment);
        return cb_fail("%s: %s", p->log, strerror(errno));
    }
    double start = now();
    watch w = {.pid = -1, .deadline = p->wall_s > 0 ? start + p->wall_s : 1e300, .resident_mib = p->resident_mib};
    if (!closed_pipe(output) && !closed_pipe(report)) w.pid = fork();
    if (w.pid == 0) child(p, environment, output[1], report[0] >= 0 ? report[1] : -1);
    if (w.pid < 0) why = errno;
    if (w.pid > 0) setpgid(w.pid, w.pid); /* whoever comes first */
    close(output[1]);
    close(report[1]);
    if (w.pid > 0) {
        struct rusage use = {0};
        if (read(report[0], &why, sizeof why) != sizeof why) why = 0; /* closed by exec: started */
        collect(output[0], log, &w, end);
        judge(reap(&w, &use, end), end);
        end->cpu_s = cpu_of(&use);
        end->rss_kib = use.ru_maxrss;
    }
    free(environment);
    close(output[0]);
    close(report[0]);
    if (log >= 0) close(log);
    end->wall_s = now() - start;
    return verdict(p, end, why);
}

/* The first word of s outside parentheses that is a number, an initial v left out:
 * "g++ (Debian 12.2.0-14+deb12u1) 12.2.0" has 12.2.0, "Vivado v2021.1 (64-bit)" 2021.1. */
static const char *version_number(const char *s) {
    static const char blank[] = " \t\r\n";
    for (int depth = 0; *(s += strspn(s, blank)); s += strcspn(s, blank)) {
        const char *number = s + (*s == 'v');
        if (!depth && *number >= '0' && *number <= '9') return number;
        for (const char *at = s; !strchr(blank, *at); at++) depth += (*at == '(') - (*at == ')' && depth);
    }
    return s;
}

void cb_process_version(const char *program, const char *argument, char *version, size_t size) {
    const char *const argv[] = {program, argument, NULL};
    cb_process_end end;
    if (cb_process_run(&(cb_process){.argv = argv, .wall_s = 30}, &end) && end.exit_status < 0) end.tail[0] = 0;
    const char *number = version_number(end.tail);
    snprintf(version, size, "%.*s", (int)strcspn(number, " \t\r\n,"), number);
}

void cb_process_title(const char *program, const char *argument, char *title, size_t size) {
    char version[32];
    cb_process_version(program, argument, version, sizeof version);
    snprintf(title, size, "%s%s%s", program, version[0] ? " " : "", version);
}
