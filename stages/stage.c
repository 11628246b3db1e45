#include "stage.h"

#include <argp.h>
#include <fcntl.h>
#include <stdarg.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fmath.h"
#include "base/ranks.h"
#include "base/threads.h"
#include "base/version.h"
#include "nn/isa.h"

enum { KEY_CONFIG = 1000, KEY_STUDENT, KEY_SET, KEY_THREADS, KEY_OWN };

typedef struct {
    cb_stage *st;
    const char *config, *student;
    char **set;
    int n_set, threads;
    cb_verbosity level;
} parse_state;

/* Lists live as long as the process. */
static void append(const char **list, const char *arg) {
    char *longer = cb_textf("%s%s\n", *list ? *list : "", arg);
    if (!longer) abort();
    if (*list) free((char *)*list);
    *list = longer;
}

static error_t on_option(int key, char *arg, struct argp_state *as) {
    parse_state *ps = as->input;
    cb_stage *st = ps->st;
    switch (key) {
    case KEY_CONFIG: ps->config = arg; return 0;
    case KEY_STUDENT: ps->student = arg; return 0;
    case KEY_SET: ps->set[ps->n_set++] = arg; return 0;
    case 'v': ps->level = CB_VERBOSE; return 0;
    case 'q': ps->level = CB_QUIET; return 0;
    case KEY_THREADS: {
        char *end;
        long n = strtol(arg, &end, 10);
        if (end == arg || *end || n < 0 || n > 1024) argp_error(as, "--threads %s: 0 to 1024 wanted", arg);
        ps->threads = (int)n;
        return 0;
    }
    case ARGP_KEY_ARG:
        if (st->n_arguments >= st->max_arguments) argp_error(as, "unexpected argument '%s'", arg);
        st->argument[st->n_arguments++] = arg;
        return 0;
    case ARGP_KEY_END:
        for (const cb_option *o = st->options; o && o->name; o++)
            if (o->kind == CB_REQUIRED && !*o->value) argp_error(as, "--%s is required", o->name);
        if (st->n_arguments < st->min_arguments)
            argp_error(as, "%s wanted", st->arguments);
        return 0;
    default:
        for (const cb_option *o = st->options; o && o->name; o++)
            if (key == o->letter || key == KEY_OWN + (int)(o - st->options)) {
                if (o->kind == CB_LIST) append(o->value, arg);
                else *o->value = arg ? arg : "yes";
                return 0;
            }
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option common[] = {
    {"config", KEY_CONFIG, "FILE", 0, "configuration (INI); default: built-in values", 1},
    {"student", KEY_STUDENT, "FILE", 0, "student description (INI), read over the configuration", 1},
    {"set", KEY_SET, "SECTION.KEY=VALUE", 0, "override one value; may be repeated", 1},
    {"threads", KEY_THREADS, "N", 0, "threads, 0 = all; results do not depend on it", 1},
    {"verbose", 'v', 0, 0, "more log", 1},
    {"quiet", 'q', 0, 0, "only warnings and errors", 1},
    {0}};

static struct argp_option *option_table(const cb_stage *st) {
    size_t own = 0, n_common = sizeof common / sizeof *common;
    while (st->options && st->options[own].name) own++;
    struct argp_option *t = calloc(own + n_common, sizeof *t);
    if (!t) abort();
    for (size_t i = 0; i < own; i++) {
        const cb_option *o = &st->options[i];
        t[i] = (struct argp_option){.name = o->name,
                                    .key = o->letter ? o->letter : KEY_OWN + (int)i,
                                    .arg = o->kind == CB_FLAG ? NULL : o->arg,
                                    .doc = o->help};
    }
    memcpy(t + own, common, sizeof common);
    return t;
}

static void load_config(parse_state *ps) {
    cb_config *c = cb_config_new();
    int bad = !c || (ps->config && cb_config_read(c, ps->config)) ||
              (ps->student && cb_config_read(c, ps->student));
    for (int i = 0; !bad && i < ps->n_set; i++) bad = cb_config_set(c, ps->set[i]);
    if (bad) {
        fprintf(stderr, "%s: %s\n", ps->st->name, cb_error());
        exit(2);
    }
    ps->st->config = c;
}

static bool same_file(const struct stat *out, const char *path) {
    struct stat st;
    return path && !stat(path, &st) && st.st_dev == out->st_dev && st.st_ino == out->st_ino;
}

/* --out of a file that is also read would replace it, perhaps somebody's only copy. */
static void refuse_output_on_input(const cb_stage *st) {
    const char *path = NULL;
    struct stat out;
    for (const cb_option *o = st->options; o && o->name; o++)
        if (!strcmp(o->name, "out")) path = *o->value;
    if (!path || stat(path, &out)) return;
    for (const cb_option *o = st->options; o && o->name; o++)
        if (strcmp(o->name, "out") && same_file(&out, *o->value))
            cb_stage_usage(st, "--out %s is the file of --%s: it would be replaced", path, o->name);
    for (int i = 0; i < st->n_arguments; i++) {
        const char *equals = strchr(st->argument[i], '='); /* NAME=FILE */
        if (same_file(&out, st->argument[i]) || (equals && same_file(&out, equals + 1)))
            cb_stage_usage(st, "--out %s is the input %s: it would be replaced", path, st->argument[i]);
    }
}

/* Threads that wait in a barrier must soon sleep: by default they spin for milliseconds, which
 * on a busy machine costs ten times the work; never to spin costs a student's training step 40 %
 * of its speed on two cores. libgomp reads its environment before main
 * (and has no call for it), so the program starts itself again with the policy set: the same
 * process, some milliseconds. Who sets OMP_WAIT_POLICY decides; if exec fails, only speed is lost. */
static void wait_briefly(char **argv) {
    char self[4096];
    if (getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT") || getenv("KMP_BLOCKTIME")) return;
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n < 1 || n >= (ssize_t)sizeof self - 1) return;
    if (setenv("OMP_WAIT_POLICY", "passive", 1) || setenv("GOMP_SPINCOUNT", "10000", 1)) return;
    self[n] = 0;
    execv(self, argv);
}

/* Several ranks read the same options: one of them is enough to say what is wrong. Returns what stderr was. */
static int mute_others(void) {
    if (!cb_rank()) return -1;
    int kept = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY);
    if (kept >= 0 && null >= 0) {
        dup2(null, STDERR_FILENO);
        dup2(null, STDOUT_FILENO);
    }
    if (null >= 0) close(null);
    return kept;
}

static void unmute(int kept) {
    if (kept < 0) return;
    dup2(kept, STDERR_FILENO);
    close(kept);
    cb_log_level(CB_SILENT);
}

void cb_stage_begin(cb_stage *st, int argc, char **argv) {
    if (cb_numerics_check() || cb_isa_check()) exit(cb_stage_end(st, -1));
    wait_briefly(argv);
    if (cb_ranks_begin()) exit(cb_stage_end(st, -1));
    atexit(cb_ranks_leave); /* while options are read, every rank ends the same way */
    int kept = mute_others();
    signal(SIGXFSZ, SIG_IGN); /* beyond the file size limit a write fails, and that is said; also on stdout */
    static char version[64];
    snprintf(version, sizeof version, "%s (cicada-bench) %s", st->name, CB_VERSION);
    argp_program_version = version;
    argp_err_exit_status = 2;
    parse_state ps = {.st = st, .level = CB_NORMAL, .set = calloc((size_t)argc, sizeof(char *))};
    st->argument = calloc((size_t)argc, sizeof(char *));
    struct argp_option *table = option_table(st);
    struct argp argp = {table, on_option, st->arguments, st->summary, 0, 0, 0};
    argp_parse(&argp, argc, argv, 0, 0, &ps);
    refuse_output_on_input(st);
    free(table);
    cb_log_begin(st->name, ps.level);
    load_config(&ps);
    free(ps.set);
    unmute(kept);
    if (cb_rank() && !st->ranks) exit(0);
    cb_threads_set(ps.threads);
}

int cb_stage_end(cb_stage *st, int rc) {
    cb_progress_end();
    if (rc) {
        bool speaker = cb_ranks_speaker();
        if (speaker) fprintf(stderr, "%s: %s\n", st->name, cb_error());
        cb_ranks_end(speaker, 1);
    }
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    double cpu = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
                 1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
    if (!rc)
        cb_info("done: %.1f s wall, %.1f s CPU, %.0f MiB", cb_log_seconds(), cpu,
                (double)u.ru_maxrss / 1024);
    if (!rc && fflush(stdout)) {
        fprintf(stderr, "%s: standard output: write failed\n", st->name);
        rc = -1;
    }
    cb_config_free(st->config);
    free(st->argument);
    st->config = NULL;
    st->argument = NULL;
    return rc ? 1 : 0;
}

int cb_stage_place(const cb_stage *st, const char *out, cb_rows_place *place) {
    *place = (cb_rows_place){(uint64_t)cb_config_int(st->config, "run", "image_memory_mib") << 20, out};
    return !cb_rank() && cb_output_check(out) ? -1 : 0;
}

int cb_stage_open(const cb_stage *st, cb_dataset *d, const char *data, const char *out) {
    cb_rows_place place;
    return cb_stage_place(st, out, &place) || cb_dataset_open(d, data, &place) ? -1 : 0;
}

void cb_stage_usage(const cb_stage *st, const char *format, ...) {
    va_list ap;
    if (cb_rank()) exit(2); /* rank 0 says it */
    va_start(ap, format);
    fprintf(stderr, "%s: ", st->name);
    vfprintf(stderr, format, ap);
    va_end(ap);
    fprintf(stderr, "\nTry '%s --help'.\n", st->name);
    exit(2);
}
