#include "hw/aig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

/* ---- graph ---- */

static uint32_t hash(cb_lit x, cb_lit y) {
    uint64_t h = ((uint64_t)x << 32 | y) * 0x9e3779b97f4a7c15u;
    return (uint32_t)(h >> 32);
}

static void slot_put(cb_aig *a, uint32_t v) {
    uint32_t h = hash(a->in[v][0], a->in[v][1]) & (a->n_slot - 1);
    while (a->slot[h]) h = (h + 1) & (a->n_slot - 1);
    a->slot[h] = v;
}

static bool grow(cb_aig *a) {
    if (a->room >= 1u << 29) return false;
    uint32_t room = a->room * 2;
    cb_lit(*in)[2] = cb_realloc(a->in, room, sizeof *in);
    if (!in) return false;
    a->in = in, a->room = room;
    uint32_t *slot = cb_alloc((size_t)room * 2, sizeof *slot);
    if (!slot) return false;
    free(a->slot);
    a->slot = slot, a->n_slot = room * 2;
    for (uint32_t v = a->n_in + 1; v < a->n; v++) slot_put(a, v);
    return true;
}

int cb_aig_begin(cb_aig *a, uint32_t n_in) {
    uint32_t room = 1024;
    while (room <= n_in && room < 1u << 30) room *= 2;
    *a = (cb_aig){.n_in = n_in, .n = n_in + 1, .room = room, .n_slot = 2 * room};
    a->in = cb_alloc(room, sizeof *a->in);
    a->slot = cb_alloc(a->n_slot, sizeof *a->slot);
    return a->in && a->slot ? 0 : -1;
}

void cb_aig_free(cb_aig *a) {
    free(a->in);
    free(a->slot);
    memset(a, 0, sizeof *a);
}

cb_lit cb_aig_and(cb_aig *a, cb_lit x, cb_lit y) {
    if (x > y) {
        cb_lit t = x;
        x = y, y = t;
    }
    if (x == 0 || x == (y ^ 1)) return 0;
    if (x == 1 || x == y) return y;
    if (a->n >= a->room && !grow(a)) return a->failed = true, 0;
    uint32_t h = hash(x, y) & (a->n_slot - 1);
    for (; a->slot[h]; h = (h + 1) & (a->n_slot - 1))
        if (a->in[a->slot[h]][0] == x && a->in[a->slot[h]][1] == y) return 2 * a->slot[h];
    a->slot[h] = a->n;
    a->in[a->n][0] = x, a->in[a->n][1] = y;
    return 2 * a->n++;
}

cb_lit cb_aig_or(cb_aig *a, cb_lit x, cb_lit y) { return cb_aig_and(a, x ^ 1, y ^ 1) ^ 1; }

cb_lit cb_aig_xor(cb_aig *a, cb_lit x, cb_lit y) {
    return cb_aig_and(a, cb_aig_and(a, x, y) ^ 1, cb_aig_and(a, x ^ 1, y ^ 1) ^ 1);
}

cb_lit cb_aig_choose(cb_aig *a, cb_lit c, cb_lit yes, cb_lit no) {
    return cb_aig_or(a, cb_aig_and(a, c, yes), cb_aig_and(a, c ^ 1, no));
}

/* ---- files ---- */

typedef struct {
    const unsigned char *s, *end;
    bool bad;
} reader;

static uint32_t read_delta(reader *r) {
    uint32_t v = 0;
    for (int shift = 0; shift < 35; shift += 7) {
        if (r->s >= r->end) break;
        unsigned char c = *r->s++;
        v |= (uint32_t)(c & 127) << shift;
        if (!(c & 128)) return v;
    }
    r->bad = true;
    return 0;
}

static uint32_t read_line(reader *r) {
    uint64_t v = 0;
    const unsigned char *first = r->s;
    while (r->s < r->end && *r->s >= '0' && *r->s <= '9' && v < 1u << 31) v = 10 * v + *r->s++ - '0';
    if (r->s == first || r->s >= r->end || *r->s++ != '\n') r->bad = true;
    return (uint32_t)v;
}

static int import_text(cb_aig *a, const char *text, size_t size, const cb_lit *in, uint32_t n_in, cb_lit *out, uint32_t n_out) {
    unsigned most, inputs, latches, outputs, ands;
    int used = 0;
    if (sscanf(text, "aig %u %u %u %u %u%n", &most, &inputs, &latches, &outputs, &ands, &used) != 5 || text[used] != '\n')
        return cb_fail("no binary AIGER header");
    if (latches || inputs != n_in || outputs != n_out || most < inputs || most - inputs != ands || most > 1u << 29)
        return cb_fail("%u inputs, %u latches, %u outputs; %u, 0, %u expected", inputs, latches, outputs, n_in, n_out);
    reader r = {(const unsigned char *)text + used + 1, (const unsigned char *)text + size, false};
    cb_lit *of = cb_alloc((size_t)most + 1, sizeof *of);
    if (!of) return -1;
    for (uint32_t i = 0; i < n_in; i++) of[i + 1] = in[i];
    for (uint32_t o = 0; o < n_out; o++) out[o] = read_line(&r);
    for (uint32_t v = inputs + 1; v <= most && !r.bad; v++) {
        uint32_t x = 2 * v - read_delta(&r), y = x - read_delta(&r);
        if (x >= 2 * v || y > x) r.bad = true;
        else of[v] = cb_aig_and(a, of[x / 2] ^ (x & 1), of[y / 2] ^ (y & 1));
    }
    for (uint32_t o = 0; o < n_out; o++) {
        if (out[o] > 2 * most + 1) r.bad = true;
        else out[o] = of[out[o] / 2] ^ (out[o] & 1);
    }
    free(of);
    return r.bad ? cb_fail("broken AIGER file") : 0;
}

int cb_aig_import(cb_aig *a, const char *path, const cb_lit *in, uint32_t n_in, cb_lit *out, uint32_t n_out) {
    size_t size = 0;
    char *text = cb_file_read(path, &size);
    int rc = text ? import_text(a, text, size, in, n_in, out, n_out) : -1;
    if (text && rc) rc = cb_fail_in("%s", cb_basename(path));
    free(text);
    return rc;
}

static void put_delta(FILE *f, uint32_t v) {
    for (; v > 127; v >>= 7) putc((int)(v & 127) | 128, f);
    putc((int)v, f);
}

int cb_aig_write(const char *path, uint32_t n_in, uint32_t n_and, cb_lit (*and)[2], uint32_t n_out, const cb_lit *out) {
    FILE *f = fopen(path, "wb");
    if (!f) return cb_fail("%s: cannot be written", path);
    fprintf(f, "aig %u %u 0 %u %u\n", n_in + n_and, n_in, n_out, n_and);
    for (uint32_t o = 0; o < n_out; o++) fprintf(f, "%u\n", out[o]);
    for (uint32_t k = 0; k < n_and; k++) {
        cb_lit high = and[k][0] > and[k][1] ? and[k][0] : and[k][1], low = and[k][0] ^ and[k][1] ^ high;
        put_delta(f, 2 * (n_in + 1 + k) - high);
        put_delta(f, high - low);
    }
    bool bad = ferror(f) != 0;
    return fclose(f) || bad ? cb_fail("%s: cannot be written", path) : 0;
}

/* ---- words ---- */

static cb_lit at(const cb_word *x, int k) { return x->bit[k < x->n ? k : x->n - 1]; }

static cb_word sized(cb_aig *a, int n) {
    cb_word y;
    y.n = n;
    if (n > CB_WORD_BITS) a->failed = true, y.n = CB_WORD_BITS;
    return y;
}

/* Repeated signs say nothing. */
static cb_word trimmed(cb_word x) {
    while (x.n > 1 && x.bit[x.n - 1] == x.bit[x.n - 2]) x.n--;
    return x;
}

cb_word cb_word_constant(int64_t v) {
    cb_word y = {.n = 64};
    for (int k = 0; k < 64; k++) y.bit[k] = (cb_lit)((uint64_t)v >> k & 1);
    return trimmed(y);
}

cb_word cb_word_of(cb_aig *a, const cb_lit *bit, int n, bool is_signed) {
    cb_word y = sized(a, is_signed ? n : n + 1);
    for (int k = 0; k < n && k < y.n; k++) y.bit[k] = bit[k];
    if (!is_signed) y.bit[y.n - 1] = 0;
    return trimmed(y);
}

static cb_word add(cb_aig *a, const cb_word *x, const cb_word *y, cb_lit invert) {
    cb_word z = sized(a, (x->n > y->n ? x->n : y->n) + 1);
    cb_lit carry = invert;
    for (int k = 0; k < z.n; k++) {
        cb_lit p = at(x, k), q = at(y, k) ^ invert, either = cb_aig_xor(a, p, q);
        z.bit[k] = cb_aig_xor(a, either, carry);
        carry = cb_aig_or(a, cb_aig_and(a, p, q), cb_aig_and(a, either, carry));
    }
    return trimmed(z);
}

cb_word cb_word_add(cb_aig *a, const cb_word *x, const cb_word *y) { return add(a, x, y, 0); }
cb_word cb_word_sub(cb_aig *a, const cb_word *x, const cb_word *y) { return add(a, x, y, 1); }

cb_word cb_word_shift(cb_aig *a, const cb_word *x, int up) {
    int n = x->n + up < 1 ? 1 : x->n + up;
    cb_word y = sized(a, n);
    for (int k = 0; k < y.n; k++) y.bit[k] = k < up ? 0 : at(x, k - up);
    return trimmed(y);
}

cb_word cb_word_times(cb_aig *a, const cb_word *x, int64_t factor) {
    cb_word sum = cb_word_constant(0);
    uint64_t m = factor < 0 ? 0 - (uint64_t)factor : (uint64_t)factor;
    for (int k = 0; k < 64; k++) {
        if (!(m >> k & 1)) continue;
        cb_word part = cb_word_shift(a, x, k);
        sum = cb_word_add(a, &sum, &part);
    }
    if (factor >= 0) return sum;
    cb_word zero = cb_word_constant(0);
    return cb_word_sub(a, &zero, &sum);
}

cb_word cb_word_choose(cb_aig *a, cb_lit c, const cb_word *yes, const cb_word *no) {
    cb_word y = sized(a, yes->n > no->n ? yes->n : no->n);
    for (int k = 0; k < y.n; k++) y.bit[k] = cb_aig_choose(a, c, at(yes, k), at(no, k));
    return trimmed(y);
}

cb_lit cb_word_less(cb_aig *a, const cb_word *x, const cb_word *y) {
    cb_word d = cb_word_sub(a, x, y);
    return d.bit[d.n - 1];
}

cb_lit cb_word_differ(cb_aig *a, const cb_word *x, const cb_word *y) {
    cb_lit differ = 0;
    for (int k = 0; k < x->n || k < y->n; k++) differ = cb_aig_or(a, differ, cb_aig_xor(a, at(x, k), at(y, k)));
    return differ;
}

cb_lit cb_word_outside(cb_aig *a, const cb_word *x, int64_t lo, int64_t hi) {
    cb_word least = cb_word_constant(lo), most = cb_word_constant(hi);
    return cb_aig_or(a, cb_word_less(a, x, &least), cb_word_less(a, &most, x));
}
