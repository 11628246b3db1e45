#include "hw/sites.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

int64_t cb_cells_raw_lut(const cb_cell_count *c) {
    int64_t n = c->inv + c->lut62;
    for (int k = 1; k <= 6; k++) n += c->lut[k];
    return n;
}

static bool begins(const char *text, const char *start) { return !strncmp(text, start, strlen(start)); }

void cb_cells_add(cb_cell_count *c, const char *type, int64_t n) {
    const struct { const char *start; int64_t *count; } kinds[] = {
        {"INV", &c->inv}, {"LUT6_2", &c->lut62}, {"CARRY", &c->carry4}, {"MUXF", &c->muxf}, {"FD", &c->ff}, {"LD", &c->ff},
        {"SRL16", &c->srl16}, {"SRLC16", &c->srl16}, {"SRLC32", &c->srl32}, {"DSP", &c->dsp},
        {"RAMB18", &c->ram18}, {"RAMB36", &c->ram36}, {"FIFO18", &c->ram18}, {"FIFO36", &c->ram36},
        {"RAM", &c->lutram},
        {"CCU2C", &c->carry4}, {"PFUMX", &c->muxf}, {"L6MUX21", &c->muxf}, {"TRELLIS_FF", &c->ff}, {"MULT18X18D", &c->dsp},
        {"ALU54B", &c->dsp}, {"DP16KD", &c->ram18}, {"TRELLIS_DPR16X4", &c->lutram}};
    if (begins(type, "LUT") && type[3] >= '1' && type[3] <= '6' && !type[4]) {
        c->lut[type[3] - '0'] += n;
        return;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (begins(type, kinds[i].start)) {
            *kinds[i].count += n;
            return;
        }
    c->other += n; /* BUFG, IBUF, ... */
}

static json_t *load(const char *path) {
    json_error_t e;
    json_t *j = json_load_file(path, JSON_DISABLE_EOF_CHECK, &e);
    if (!j) return cb_fail_null("%s:%d: not the JSON of a whole netlist: %s", path, e.line, e.text);
    return j;
}

int cb_stat_read(const char *path, cb_cell_count *c) {
    *c = (cb_cell_count){0};
    json_t *j = load(path);
    if (!j) return -1;
    json_t *types = json_object_get(json_object_get(j, "design"), "num_cells_by_type");
    int rc = json_is_object(types) ? 0 : cb_fail("%s: no design.num_cells_by_type", path);
    const char *type;
    json_t *n;
    if (!rc) json_object_foreach(types, type, n) {
        if (json_is_integer(n) && json_integer_value(n) >= 0) cb_cells_add(c, type, json_integer_value(n));
        else rc = cb_fail("%s: cell type %s: a count was expected", path, type);
    }
    json_decref(j);
    return rc;
}

/* ---- the netlist ---- */

enum { MAX_IN = 6, CONSTANT = -1, NONE = -2 };

typedef struct {
    int64_t in[MAX_IN]; /* nets, ascending */
    int64_t out;
    int8_t n_in;
    bool inv, two, carry, paired;
} lut;

typedef struct {
    const char *path;
    lut *cell;
    int64_t n, room;
    int64_t *s_pin; /* nets on connected S pins of carry blocks */
    int64_t n_s, room_s;
    int64_t max_net;
} mapped;

/* The net of a one-bit connection; CONSTANT for "0", "1", "x". */
static int64_t net_of(const json_t *bits, size_t i) {
    const json_t *b = json_array_get(bits, i);
    return json_is_integer(b) ? json_integer_value(b) : b ? CONSTANT : NONE;
}

static int push_lut(mapped *m, const char *type, const json_t *pins) {
    if (m->n == m->room) {
        lut *more = cb_realloc(m->cell, (size_t)(m->room = m->room ? 2 * m->room : 1024), sizeof *more);
        if (!more) return -1;
        m->cell = more;
    }
    lut *l = &m->cell[m->n++];
    bool two = begins(type, "LUT6_2"); /* its second output drives no S pin; it is never paired */
    *l = (lut){.inv = begins(type, "INV"), .two = two, .out = net_of(json_object_get(pins, two ? "O6" : "O"), 0)};
    int k = l->inv ? 1 : type[3] - '0';
    for (int i = 0; i < k; i++) {
        char pin[3] = {'I', (char)('0' + i), 0};
        if (l->inv) pin[1] = 0;
        int64_t net = net_of(json_object_get(pins, pin), 0);
        if (net == NONE || net > (1 << 28) || l->out > (1 << 28))
            return cb_fail("%s: a %s has no usable pin %s", m->path, type, pin);
        int at = l->n_in;
        bool known = net == CONSTANT;
        for (int q = 0; q < l->n_in; q++) known |= l->in[q] == net;
        if (known) continue; /* constants and repeats need no input */
        for (; at > 0 && l->in[at - 1] > net; at--) l->in[at] = l->in[at - 1];
        l->in[at] = net;
        l->n_in++;
    }
    if (l->out < 0) return cb_fail("%s: a %s has no output net", m->path, type);
    for (int q = 0; q < l->n_in; q++)
        if (l->in[q] > m->max_net) m->max_net = l->in[q];
    if (l->out > m->max_net) m->max_net = l->out;
    return 0;
}

static int push_carry(mapped *m, const json_t *pins) {
    const json_t *s = json_object_get(pins, "S");
    if (!json_is_array(s)) return cb_fail("%s: a carry block has no pins S", m->path);
    for (size_t i = 0; i < json_array_size(s); i++) {
        int64_t net = net_of(s, i);
        if (net == CONSTANT) continue;
        if (net < 0 || net > (1 << 28)) return cb_fail("%s: a carry block has a bad net on S", m->path);
        if (m->n_s == m->room_s) {
            int64_t *more = cb_realloc(m->s_pin, (size_t)(m->room_s = m->room_s ? 2 * m->room_s : 1024), sizeof *more);
            if (!more) return -1;
            m->s_pin = more;
        }
        m->s_pin[m->n_s++] = net;
        if (net > m->max_net) m->max_net = net;
    }
    return 0;
}

static int collect(mapped *m, const json_t *cells, cb_cell_count *count) {
    const char *name;
    json_t *cell;
    json_object_foreach((json_t *)cells, name, cell) {
        const char *type = json_string_value(json_object_get(cell, "type"));
        const json_t *pins = json_object_get(cell, "connections");
        if (!type || !json_is_object(pins)) return cb_fail("%s: cell %s: no type or connections", m->path, name);
        cb_cell_count before = *count;
        cb_cells_add(count, type, 1);
        bool is_lut = count->inv != before.inv || count->lut62 != before.lut62 || memcmp(count->lut, before.lut, sizeof before.lut) != 0;
        if (is_lut && push_lut(m, type, pins)) return -1;
        if (count->carry4 != before.carry4 && push_carry(m, pins)) return -1;
    }
    return 0;
}

/* Rules 1 and 2. */
static int place_carry(mapped *m, cb_site_count *c) {
    int8_t *driven = cb_alloc((size_t)m->max_net + 1, 1); /* 1 a LUT drives it, 2 and an S pin reads it */
    if (!driven) return -1;
    for (int64_t i = 0; i < m->n; i++) driven[m->cell[i].out] = 1;
    for (int64_t i = 0; i < m->n_s; i++) {
        if (driven[m->s_pin[i]]) {
            driven[m->s_pin[i]] = 2;
            c->carry_lut++;
        } else c->route_through++;
    }
    for (int64_t i = 0; i < m->n; i++) m->cell[i].carry = driven[m->cell[i].out] == 2;
    free(driven);
    return 0;
}

static int shared(const lut *a, const lut *b) {
    int n = 0;
    for (int i = 0, k = 0; i < a->n_in && k < b->n_in;) {
        if (a->in[i] == b->in[k]) n++, i++, k++;
        else if (a->in[i] < b->in[k]) i++;
        else k++;
    }
    return n;
}

/* Which free LUTs read a net: list heads per net, chains per (LUT, input). */
typedef struct {
    int32_t *head, *next;
} readers;

static bool is_free(const lut *l) { return !l->inv && !l->two && !l->carry && !l->paired && l->n_in <= 5; }

static int build_readers(const mapped *m, readers *r) {
    r->head = cb_alloc((size_t)m->max_net + 1, sizeof *r->head);
    r->next = cb_alloc((size_t)m->n * MAX_IN, sizeof *r->next);
    if (!r->head || !r->next) return -1;
    for (int64_t i = m->n; i-- > 0;) /* heads end up at the first LUT of the file */
        if (is_free(&m->cell[i]))
            for (int k = 0; k < m->cell[i].n_in; k++) {
                r->next[i * MAX_IN + k] = r->head[m->cell[i].in[k]];
                r->head[m->cell[i].in[k]] = (int32_t)(i * MAX_IN + k) + 1;
            }
    return 0;
}

/* The free LUT with most inputs in common that fits beside cell i; -1 if none
 * shares any. Nets read by very many LUTs are looked at only in part. */
static int64_t best_partner(const mapped *m, const readers *r, int64_t i) {
    enum { LOOK = 256 };
    const lut *a = &m->cell[i];
    int64_t best = -1;
    int most = 0;
    for (int k = 0; k < a->n_in; k++) {
        int looked = 0;
        for (int32_t at = r->head[a->in[k]]; at && looked < LOOK; at = r->next[at - 1], looked++) {
            int64_t j = (at - 1) / MAX_IN;
            const lut *b = &m->cell[j];
            if (j == i || !is_free(b)) continue;
            int common = shared(a, b);
            if (a->n_in + b->n_in - common > 5) continue;
            if (common > most || (common == most && j < best)) {
                most = common;
                best = j;
            }
        }
    }
    return best;
}

/* Left-overs without a common input: n + k <= 5. */
static int64_t pair_strangers(int64_t left[6]) {
    int64_t pairs = 0;
    for (int big = 4; big >= 1; big--)
        for (int small = 5 - big < big ? 5 - big : big; small >= 0; small--) {
            int64_t n = big == small ? left[big] / 2 : left[big] < left[small] ? left[big] : left[small];
            left[big] -= n;
            left[small] -= n;
            pairs += n;
        }
    return pairs;
}

/* Rule 3; returns the number of pairs or -1. */
static int64_t pair_luts(mapped *m) {
    readers r = {0};
    int64_t pairs = -1, left[6] = {0};
    if (!build_readers(m, &r)) {
        pairs = 0;
        for (int size = 5; size >= 1; size--)
            for (int64_t i = 0; i < m->n; i++) {
                if (!is_free(&m->cell[i]) || m->cell[i].n_in != size) continue;
                int64_t j = best_partner(m, &r, i);
                if (j < 0) continue;
                m->cell[i].paired = m->cell[j].paired = true;
                pairs++;
            }
        for (int64_t i = 0; i < m->n; i++)
            if (is_free(&m->cell[i])) left[m->cell[i].n_in]++;
        pairs += pair_strangers(left);
    }
    free(r.head);
    free(r.next);
    return pairs;
}

static int count_sites(mapped *m, cb_site_count *c) {
    if (place_carry(m, c)) return -1;
    int64_t plain = 0, small = 0;
    for (int64_t i = 0; i < m->n; i++) {
        const lut *l = &m->cell[i];
        if (l->inv || l->carry) continue;
        plain++;
        small += l->n_in <= 5 && !l->two;
    }
    if ((c->pairs = pair_luts(m)) < 0) return -1;
    c->memory = c->cells.srl32 + (c->cells.srl16 + 1) / 2 + c->cells.lutram;
    c->packed = c->carry_lut + c->route_through + plain - c->pairs + c->memory;
    c->packed_lower = c->carry_lut + plain - small / 2 + c->memory;
    return 0;
}

int cb_sites_read(const char *path, cb_site_count *c) {
    *c = (cb_site_count){0};
    json_t *j = load(path);
    if (!j) return -1;
    const json_t *modules = json_object_get(j, "modules");
    void *only = json_object_size(modules) == 1 ? json_object_iter((json_t *)modules) : NULL;
    const json_t *cells = only ? json_object_get(json_object_iter_value(only), "cells") : NULL;
    mapped m = {.path = path};
    int rc = json_is_object(cells) ? 0 : cb_fail("%s: one module with cells was expected", path);
    if (!rc) rc = collect(&m, cells, &c->cells) || count_sites(&m, c) ? -1 : 0;
    free(m.cell);
    free(m.s_pin);
    json_decref(j);
    return rc;
}
