/* emulate: the score of every event of a file, by the integer programme. */
#include <stdio.h>
#include <stdlib.h>

#include "data/layouts.h"
#include "quant/programme.h"
#include "stage.h"

static int print_scores(const uint16_t *code, uint64_t n) {
    for (uint64_t e = 0; e < n; e++)
        if (printf("%llu\t%u\n", (unsigned long long)e, (unsigned)code[e]) < 0)
            return cb_fail("standard output: write failed");
    return 0;
}

static int score(const cb_programme *p, const cb_images *m, const char *path) {
    if (m->height != p->input_h || m->width != p->input_w)
        return cb_fail("%s: images of %d x %d regions; student '%s' takes %d x %d", path, m->height, m->width, p->name,
                       p->input_h, p->input_w);
    uint16_t *code = cb_alloc(m->n, sizeof *code);
    int rc = code ? cb_programme_score(p, m->et, m->n, code) : -1;
    if (!rc) {
        cb_info("%llu events in the %s layout", (unsigned long long)m->n, m->layout);
        rc = print_scores(code, m->n);
    }
    free(code);
    return rc;
}

static int run(char **argument) {
    cb_programme p;
    cb_images m;
    if (cb_programme_read(&p, argument[0])) return -1;
    int rc = cb_images_load(&m, argument[1]);
    if (!rc) {
        rc = score(&p, &m, argument[1]);
        cb_images_free(&m);
    }
    cb_programme_free(&p);
    return rc;
}

int main(int argc, char **argv) {
    cb_stage st = {.name = "emulate",
                   .summary = "Prints event<TAB>score_raw, one line an event; score = score_raw / 256. EVENTS: any input "
                              "that preprocess reads (HDF5 layouts, trigger-card text, CSV).",
                   .arguments = "STUDENT EVENTS", .min_arguments = 2, .max_arguments = 2};
    cb_stage_begin(&st, argc, argv);
    return cb_stage_end(&st, run(st.argument));
}
