#include <string.h>

#include "data/layouts.h"
#include "stage.h"

static const char *in, *format, *out;
static const cb_option options[] = {
    {"in", 'i', "FILE", "images in any form that preprocess reads, or a dataset", &in, CB_REQUIRED},
    {"format", 'f', "opendata|card", "open-data HDF5, or the trigger card's test vectors", &format, CB_REQUIRED},
    {"out", 'o', "FILE", "file to write", &out, CB_REQUIRED},
    {0}};

static int run(void) {
    cb_images m;
    if (cb_images_load(&m, in)) return -1;
    int rc = !strcmp(format, "card") ? cb_images_save_card(&m, out)
                                     : cb_images_save_opendata(&m, out, "export-data", "", in);
    if (!rc) cb_info("%s: %s, %llu events of %d x %d", in, m.layout, (unsigned long long)m.n, m.height, m.width);
    cb_images_free(&m);
    return rc;
}

int main(int argc, char **argv) {
    cb_stage st = {.name = "export-data", .options = options,
                   .summary = "Writes images in the open-data layout or as trigger-card text."};
    cb_stage_begin(&st, argc, argv);
    if (strcmp(format, "card") && strcmp(format, "opendata"))
        cb_stage_usage(&st, "--format %s: opendata or card wanted", format);
    return cb_stage_end(&st, run());
}
