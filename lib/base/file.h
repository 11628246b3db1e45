/* file.h - files that are either whole or absent.
 *
 * An output is written under "<path>.tmp.<pid>", synced and renamed. Whatever
 * ends the process on the way (error, Ctrl-C, SIGTERM) removes the temporary
 * file; what SIGKILL leaves is removed by the next run that writes <path>.
 */
#ifndef CB_BASE_FILE_H
#define CB_BASE_FILE_H

#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"

typedef struct cb_atomic {
    char *path, *tmp;
    int slot; /* place in the table that the signal handler cleans */
} cb_atomic;

/* Chooses the temporary name, makes missing parent folders, removes stale
 * temporaries. Nothing is opened: write to a->tmp. Refuses a path where
 * something else than a regular file is (a device, a folder). */
int cb_atomic_begin(cb_atomic *a, const char *path) CB_MUST;
/* Syncs a->tmp (closed by the caller) and renames it; frees the names. */
int cb_atomic_commit(cb_atomic *a) CB_MUST;
/* Removes a->tmp; frees the names. Safe after commit and on a zeroed struct. */
void cb_atomic_abort(cb_atomic *a);

/* Before hours of work: could <path> be written? Makes missing parent folders. */
int cb_output_check(const char *path) CB_MUST;

/* Folders: the same with a directory as the unit. a->tmp is created empty;
 * commit replaces an existing folder <path> ("/" at its end is ignored). So that nobody's
 * own files are lost, begin refuses a folder that is neither empty nor holds a file `mark`,
 * by which an earlier output is known. */
int cb_atomic_dir_begin(cb_atomic *a, const char *path, const char *mark) CB_MUST;
int cb_atomic_dir_commit(cb_atomic *a) CB_MUST;

/* A text file in one call: the bytes of `text`, atomically. */
int cb_file_write(const char *path, const char *text) CB_MUST;
/* The whole file, 0-terminated; *size without the terminator (may be NULL). */
char *cb_file_read(const char *path, size_t *size) CB_MUST;
bool cb_file_exists(const char *path);
int cb_mkdirs(const char *path) CB_MUST;   /* mkdir -p */
int cb_remove_tree(const char *path) CB_MUST; /* rm -rf */
/* Part of path after the last '/'. */
const char *cb_basename(const char *path);

/* SHA-256 in lower-case hex, hex[64] = 0. */
int cb_sha256_file(const char *path, char hex[65]) CB_MUST;

#endif
