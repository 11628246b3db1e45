/* process.h - runs a tool as a child, with limits, and says how it ended.
 *
 * The child is the leader of a process group of its own; when the wall clock limit is
 * over the whole group is killed, and the child dies with this process. The memory limit is
 * the address space of each process of the tool; for tools that reserve much more than they
 * use (WebAssembly reserves gigabytes) there is a limit on the resident memory of the tool's
 * first process instead, looked at ten times a second. stdout and stderr go together
 * into a log file (or nowhere); their last lines are kept for the error text. Several
 * threads may run tools at once.
 */
#ifndef CB_HW_PROCESS_H
#define CB_HW_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef struct {
    const char *const *argv;   /* NULL-terminated; argv[0] is looked for on PATH */
    const char *dir;           /* working folder, NULL = this one */
    const char *log;           /* file that receives stdout and stderr (whole), NULL = none */
    double wall_s;             /* 0 = no limit */
    int64_t memory_mib;        /* address space, 0 = no limit */
    int64_t resident_mib;      /* resident memory, 0 = no limit */
    const char *const *environment; /* "NAME=value" instead of or beside those of this process, NULL-terminated; may be NULL */
} cb_process;

typedef struct {
    int exit_status;   /* 0..255; -1 if it did not exit by itself */
    int signal;        /* that ended it, or 0 */
    bool timed_out, out_of_memory;
    double wall_s, cpu_s;   /* for the log, never for an artifact of deterministic content */
    int64_t rss_kib;        /* largest resident set of the tool or a child of it */
    char tail[4096];        /* last output, whole lines */
} cb_process_end;

/* 0 when the tool ran and exited with 0; else -1 and a sentence with the tool's name,
 * how it ended and its last lines. *end (may be NULL) is filled in both cases. */
int cb_process_run(const cb_process *p, cb_process_end *end) CB_MUST;
/* Is there such a program on PATH? */
bool cb_process_exists(const char *program);
/* The version number in what `program argument` prints, e.g. "12.2.0"; "" if there is none. */
void cb_process_version(const char *program, const char *argument, char *version, size_t size);
/* Its name and that version, "g++ 12.2.0". */
void cb_process_title(const char *program, const char *argument, char *title, size_t size);

#endif
