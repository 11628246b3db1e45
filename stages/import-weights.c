/* import-weights: published firmware weights -> student. */
#include <stdio.h>
#include <string.h>

#include "quant/firmware_import.h"
#include "stage.h"

static const char *arch, *in, *out, *name;

static int write_student(const cb_programme *p, const cb_firmware_files *files) {
    cb_h5 *f = cb_h5_create(out, CB_STUDENT_SCHEMA, "import-weights", "");
    if (!f) return -1;
    int rc = 0;
    for (int i = 0; i < files->n && !rc; i++) rc = cb_h5_input(f, files->role[i], files->path[i]);
    if (!rc) rc = cb_programme_write(p, f);
    if (!rc) rc = cb_h5_commit(&f);
    cb_h5_close(&f);
    return rc;
}

static int run(void) {
    cb_programme p;
    cb_firmware_files files;
    char fallback[64];
    snprintf(fallback, sizeof fallback, "cicada-%s", arch);
    if (cb_firmware_import(&p, arch, name ? name : fallback, in, &files)) return -1;
    const cb_op *last = &p.op[p.n_op - 2];
    cb_info("%s: %d operations, sums of %s within %lld to %lld / %d", p.name, p.n_op, last->name, (long long)last->lo[0],
            (long long)last->hi[0], 1 << last->out_frac);
    int rc = write_student(&p, &files);
    cb_firmware_files_free(&files);
    cb_programme_free(&p);
    return rc;
}

static const cb_option options[] = {
    {"arch", 'a', "v1|v2", "architecture of the weights", &arch, CB_REQUIRED},
    {"in", 'i', "DIR", "folder with w<k>.txt and b<k>.txt, or a JSON file of integers", &in, CB_REQUIRED},
    {"out", 'o', "FILE", "student to write", &out, CB_REQUIRED},
    {"name", 'n', "NAME", "name of the student; default cicada-v1 or cicada-v2", &name, CB_OPTIONAL},
    {0}};

int main(int argc, char **argv) {
    cb_stage st = {.name = "import-weights", .options = options,
                   .summary = "Makes a student (an integer programme) of published CICADA firmware weights."};
    cb_stage_begin(&st, argc, argv);
    if (strcmp(arch, "v1") && strcmp(arch, "v2")) cb_stage_usage(&st, "--arch %s: v1 or v2 wanted", arch);
    return cb_stage_end(&st, run());
}
