/* Trigger-card test vectors (Princeton-AD/ctp7cpp, src/algo_unpacked_tb.cpp). Link 2p carries eta 0..6 of row phi = p, link
 * 2p+1 eta 7..13. Cycle c of an event's four rows gives bits 32c..32c+31 of each link's
 * 128-bit word; region k of the link is its bits 8+16k..23+16k: counts in the low 10, then
 * e/gamma veto, tau veto, and 4 bits with the position of the hottest tower. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "data/layouts.h"

typedef unsigned long long ull;
enum { LINKS = 36, ROWS = 4, PER_LINK = 7 };

/* ---- 128-bit link words <-> regions ---- */
static int region_shift(int k) { return 8 + 16 * k; }

static unsigned region_bits(const uint32_t word[ROWS], int k) {
    int at = region_shift(k);
    uint64_t wide = word[at / 32] | (uint64_t)(at / 32 + 1 < ROWS ? word[at / 32 + 1] : 0) << 32;
    return (unsigned)(wide >> at % 32) & 0xffff;
}

static void decode_event(const uint32_t word[LINKS][ROWS], uint16_t *et, uint8_t *bits) {
    for (int link = 0; link < LINKS; link++)
        for (int k = 0; k < PER_LINK; k++) {
            unsigned r = region_bits(word[link], k);
            int i = PER_LINK * link + k;
            et[i] = r & 0x3ff;
            bits[i] = (uint8_t)((r >> 10 & 1 ? CB_BIT_EG : 0) | (r >> 11 & 1 ? CB_BIT_TAU : 0));
        }
}

static void encode_event(const uint16_t *et, const uint8_t *bits, uint32_t word[LINKS][ROWS]) {
    memset(word, 0, sizeof(uint32_t) * LINKS * ROWS);
    for (int link = 0; link < LINKS; link++)
        for (int k = 0; k < PER_LINK; k++) {
            int i = PER_LINK * link + k, at = region_shift(k);
            unsigned b = bits ? bits[i] : 0;
            uint64_t r = et[i] | (b & CB_BIT_EG ? 1u << 10 : 0) | (b & CB_BIT_TAU ? 1u << 11 : 0);
            r <<= at % 32;
            word[link][at / 32] |= (uint32_t)r;
            if (at / 32 + 1 < ROWS) word[link][at / 32 + 1] |= (uint32_t)(r >> 32);
        }
}

/* ---- reading ---- */
typedef struct {
    const char *path;
    char *line, *next; /* current line (0-terminated), rest of the text */
    uint64_t number;   /* of the line, from 1 */
} reader;

static bool next_line(reader *r) {
    if (!*r->next) return false;
    r->line = r->next;
    size_t n = strcspn(r->next, "\n");
    r->next += n + (r->next[n] == '\n');
    r->line[n] = 0;
    r->number++;
    return true;
}

static int parse_word(reader *r, char **at, const char *what, int column, uint32_t *v) {
    errno = 0;
    char *end;
    char *start = *at + strspn(*at, " \t\r");
    unsigned long long x = strtoull(start, &end, 16);
    if (end == start || *start == '-' || *start == '+' || errno || x > UINT32_MAX || !strchr(" \t\r", *end))
        return cb_fail("%s:%llu: %s %d: '%.24s' is not a 32-bit hexadecimal word", r->path, (ull)r->number,
                       what, column, start);
    *v = (uint32_t)x;
    *at = end;
    return 0;
}

/* One row into words [link][row of the event]. */
static int parse_row(reader *r, uint64_t row, uint32_t word[LINKS][ROWS]) {
    char *at = r->line;
    uint32_t counter;
    if (parse_word(r, &at, "counter of row", (int)(row & 0x7fffffff), &counter)) return -1;
    if (counter != (uint32_t)row && counter != (row & 0xffff)) /* the card's counter may wrap at 16 bits */
        return cb_fail("%s:%llu: counter 0x%04" PRIx32 ", 0x%04llx wanted: rows are missing or out of order",
                       r->path, (ull)r->number, counter, (ull)row);
    for (int link = 0; link < LINKS; link++)
        if (parse_word(r, &at, "link", link, &word[link][row % ROWS])) return -1;
    if (at[strspn(at, " \t\r")])
        return cb_fail("%s:%llu: more than %d link words", r->path, (ull)r->number, LINKS);
    return 0;
}

static bool blank(const char *line) { return !line[strspn(line, " \t\r")]; }

static int grow(cb_images *m, uint64_t *room) {
    if (m->n < *room) return 0;
    *room = *room ? 2 * *room : 1024;
    uint16_t *et = cb_realloc(m->et, *room * CB_REGIONS, sizeof *et);
    if (et) m->et = et;
    uint8_t *bits = et ? cb_realloc(m->bits, *room * CB_REGIONS, 1) : NULL;
    if (bits) m->bits = bits;
    return bits ? 0 : -1;
}

static int parse_rows(cb_images *m, reader *r) {
    uint32_t word[LINKS][ROWS];
    uint64_t row = 0, room = 0;
    while (next_line(r)) {
        if (blank(r->line)) continue;
        if (parse_row(r, row, word)) return -1;
        if (++row % ROWS) continue;
        if (grow(m, &room)) return -1;
        decode_event((const uint32_t(*)[ROWS])word, m->et + m->n * CB_REGIONS, m->bits + m->n * CB_REGIONS);
        m->n++;
    }
    if (row % ROWS)
        return cb_fail("%s: %llu rows after #BeginData; a multiple of %d wanted (the last event is cut)",
                       r->path, (ull)row, ROWS);
    return 0;
}

int cb_layout_card(cb_images *m, const char *path) {
    m->layout = "trigger card";
    m->height = CB_PHI;
    m->width = CB_ETA;
    char *text = cb_layout_text(path);
    if (!text) return -1;
    reader r = {.path = path, .next = text};
    bool found = false;
    while (!found && next_line(&r)) found = !strncmp(r.line, "#BeginData", 10);
    int rc = found ? parse_rows(m, &r) : cb_fail("%s: no line #BeginData", path);
    free(text);
    return rc;
}

/* ---- writing ---- */
static void write_head(FILE *f) {
    for (int i = 0; i < 1061; i++) fputc('=', f);
    fputs("\nWordCnt\t", f);
    for (int link = 0; link < LINKS; link++)
        fprintf(f, link + 1 < LINKS ? "LINK_%02d         " : "LINK_%02d", link);
    fputs("\n#BeginData\n", f);
}

static void write_event(FILE *f, uint64_t event, const uint32_t word[LINKS][ROWS]) {
    for (uint64_t row = 0; row < ROWS; row++) {
        fprintf(f, "0x%04llx", (ull)(ROWS * event + row));
        for (int link = 0; link < LINKS; link++) fprintf(f, "\t0x%08" PRIx32, word[link][row]);
        fputs("\t\n", f); /* as the card's own files */
    }
}

int cb_images_save_card(const cb_images *m, const char *path) {
    if (m->height != CB_PHI || m->width != CB_ETA)
        return cb_fail("%s: images of %d x %d; the trigger card takes %d x %d", path, m->height, m->width,
                       CB_PHI, CB_ETA);
    if (m->n > UINT32_MAX / ROWS) return cb_fail("%s: too many events for the counter of the rows", path);
    cb_atomic a;
    if (cb_atomic_begin(&a, path)) return -1;
    FILE *f = fopen(a.tmp, "wb");
    if (!f) {
        cb_fail("%s: cannot write: %s", path, strerror(errno));
        cb_atomic_abort(&a);
        return -1;
    }
    write_head(f);
    for (uint64_t e = 0; e < m->n && !ferror(f); e++) {
        uint32_t word[LINKS][ROWS];
        encode_event(m->et + e * CB_REGIONS, m->bits ? m->bits + e * CB_REGIONS : NULL, word);
        write_event(f, e, (const uint32_t(*)[ROWS])word);
    }
    int bad = ferror(f) | fflush(f), why = errno;
    if (fclose(f) && !bad) {
        bad = 1;
        why = errno;
    }
    if (!bad) return cb_atomic_commit(&a);
    cb_fail("%s: cannot write: %s", path, strerror(why));
    cb_atomic_abort(&a);
    return -1;
}
