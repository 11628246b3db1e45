/* emulate: the score of every event of a file, by the integer programme, a part of the file at a time. */
#include <stdio.h>
#include <stdlib.h>

#include "data/layouts.h"
#include "quant/programme.h"
#include "stage.h"

enum { PART = 16384, LINE = 32 }; /* events; bytes of a line at most */

typedef struct {
    const cb_programme *p;
    const char *path, *layout;
    uint64_t n;
    uint16_t *code; /* [PART] */
    char *text;     /* [PART * LINE] */
} work;

/* The decimal digits of v and a character behind them; returns where to go on. */
static char *digits(char *at, uint64_t v, char behind) {
    char reversed[20];
    int n = 0;
    do reversed[n++] = (char)('0' + v % 10);
    while (v /= 10);
    while (n) *at++ = reversed[--n];
    *at++ = behind;
    return at;
}

static int print_scores(const work *w, uint64_t first, uint64_t n) {
    char *end = w->text;
    for (uint64_t e = 0; e < n; e++) end = digits(digits(end, first + e, '\t'), w->code[e], '\n');
    size_t size = (size_t)(end - w->text);
    return fwrite(w->text, 1, size, stdout) == size && !fflush(stdout) ? 0 : cb_fail("standard output: write failed");
}

static int score(void *context, const cb_images *m, uint64_t first) {
    work *w = context;
    const cb_programme *p = w->p;
    if (m->height != p->input_h || m->width != p->input_w)
        return cb_fail("%s: images of %d x %d regions; student '%s' takes %d x %d", w->path, m->height, m->width, p->name,
                       p->input_h, p->input_w);
    w->layout = m->layout;
    w->n = first + m->n;
    return cb_programme_score(p, m->et, m->n, w->code) || print_scores(w, first, m->n) ? -1 : 0;
}

static int run(char **argument) {
    cb_programme p;
    if (cb_programme_read(&p, argument[0])) return -1;
    work w = {.p = &p, .path = argument[1], .code = cb_alloc(PART, sizeof *w.code), .text = cb_alloc(PART, LINE)};
    int rc = w.code && w.text ? cb_images_each(argument[1], PART, score, &w) : -1;
    if (!rc) cb_info("%llu events in the %s layout", (unsigned long long)w.n, w.layout);
    free(w.code);
    free(w.text);
    cb_programme_free(&p);
    return rc;
}

int main(int argc, char **argv) {
    cb_stage st = {.name = "emulate",
                   .summary = "Prints event<TAB>score_raw, one line an event; score = score_raw / 256. EVENTS: any input "
                              "that preprocess reads (HDF5 layouts, trigger-card text, CSV). HDF5 and CSV are read in "
                              "parts of 16384 events: scores before a bad event have been printed.",
                   .arguments = "STUDENT EVENTS", .min_arguments = 2, .max_arguments = 2};
    cb_stage_begin(&st, argc, argv);
    return cb_stage_end(&st, run(st.argument));
}
