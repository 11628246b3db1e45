#include "hw/check_events.h"

#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

enum { CANDIDATES = 1500, N_CONDITION = 4, N_KIND = 5 };
enum { TIE_EVEN, TIE_ODD, SATURATED, NEGATIVE };

/* Image number k of the stream: one of several kinds, from empty to full. */
static void random_image(uint64_t seed, const char *stream, uint64_t k, uint16_t *et, int n, int bits) {
    cb_rng r = cb_rng_at(seed, stream, k);
    uint32_t most = 1u << bits, kind = (uint32_t)(k % N_KIND), limit = 1 + cb_rng_below(&r, most);
    for (int i = 0; i < n; i++) {
        uint32_t v = 0;
        if (kind == 0) v = cb_rng_below(&r, most);                                        /* anything */
        else if (kind == 1) v = cb_rng_below(&r, 16);                                     /* soft */
        else if (kind == 2) v = cb_rng_below(&r, 8) ? 0 : cb_rng_below(&r, limit);        /* sparse */
        else if (kind == 3) v = cb_rng_below(&r, 2) ? cb_rng_below(&r, limit) : most - 1; /* hard */
        else v = cb_rng_below(&r, limit);                                                 /* some scale */
        et[i] = (uint16_t)v;
    }
}

/* Which conditions the event meets that were not met before; marks them. */
static uint64_t news(const cb_netlist *g, const uint16_t *et, int64_t *value, uint8_t *met) {
    uint64_t n = 0;
    cb_netlist_trace(g, et, value);
    for (int32_t i = 0; i < g->n; i++) {
        const cb_node *x = &g->node[i];
        if (x->kind != CB_NODE_QUANT) continue;
        int s = g->node[x->a].frac - x->format.f;
        int64_t v = value[x->a], unit = s > 0 && s < 62 ? (int64_t)1 << s : 1;
        uint8_t now = 0;
        if (x->round == CB_ROUND_EVEN_BIASED && !(v & (unit - 1)))
            now |= v & unit ? 1 << TIE_ODD : 1 << TIE_EVEN;
        if (x->overflow != CB_WRAP && value[i] == cb_format_max(x->format)) now |= 1 << SATURATED;
        if (x->relu && v < 0) now |= 1 << NEGATIVE;
        n += (uint64_t)__builtin_popcount(now & ~met[i]);
        met[i] |= now;
    }
    return n;
}

static uint64_t conditions(const cb_netlist *g) {
    uint64_t n = 0;
    for (int32_t i = 0; i < g->n; i++) {
        const cb_node *x = &g->node[i];
        if (x->kind != CB_NODE_QUANT) continue;
        n += (x->round == CB_ROUND_EVEN_BIASED ? 2 : 0) + (x->overflow != CB_WRAP) + x->relu;
    }
    return n;
}

static int directed(cb_check_events *c, const cb_netlist *g, uint64_t seed) {
    size_t n_in = (size_t)g->n_input, room = c->n;
    uint16_t full = (uint16_t)((1 << g->input_bits) - 1);
    int64_t *value = cb_alloc((size_t)g->n + 1, sizeof *value);
    uint8_t *met = cb_alloc((size_t)g->n + 1, 1);
    if (!value || !met) return free(value), free(met), -1;
    c->conditions = conditions(g);
    for (size_t k = 0; k < 2 + n_in + CANDIDATES && c->n_directed < room; k++) {
        uint16_t *et = c->et + c->n_directed * n_in;
        memset(et, 0, n_in * sizeof *et);
        for (size_t i = 0; k == 1 && i < n_in; i++) et[i] = full;
        if (k >= 2 && k < 2 + n_in) et[k - 2] = full;
        if (k >= 2 + n_in) random_image(seed, "hardware-search", k, et, g->n_input, g->input_bits);
        uint64_t more = news(g, et, value, met);
        c->covered += more;
        if (k < 2 + n_in || more) c->n_directed++;
    }
    free(value);
    free(met);
    return 0;
}

/* Behind the directed events. */
static int add_recorded(cb_check_events *c, const cb_recorded *recorded, size_t n_in, size_t prefix) {
    if (!recorded || !recorded->n) return 0;
    if (c->n_directed + recorded->n > prefix)
        return cb_fail("%zu recorded events behind %zu directed ones: hardware.check_simulation is %zu and must be at least %zu", recorded->n,
                       c->n_directed, prefix, c->n_directed + recorded->n);
    memcpy(c->et + c->n_directed * n_in, recorded->et, recorded->n * n_in * sizeof *c->et);
    c->n_recorded = recorded->n;
    return 0;
}

int cb_check_events_make(cb_check_events *c, const cb_netlist *g, const cb_dataset *data, const cb_recorded *recorded, size_t n,
                         size_t prefix, uint64_t seed) {
    size_t n_in = (size_t)g->n_input;
    *c = (cb_check_events){.n = n};
    if (data && (size_t)data->height * (size_t)data->width != n_in)
        return cb_fail("the images have %d x %d regions, the student has %d inputs", data->height, data->width, g->n_input);
    if (!(c->et = cb_alloc(n * n_in + 1, sizeof *c->et))) return -1;
    if (directed(c, g, seed) || add_recorded(c, recorded, n_in, prefix)) return cb_check_events_free(c), -1;
    size_t first = c->n_directed + c->n_recorded, rest = n - first, from_data = rest - rest / 4;
    if (!data) from_data = 0;
    else if (data->n < from_data) from_data = data->n;
    for (size_t k = first; k < n; k++) {
        uint16_t *et = c->et + k * n_in;
        bool turn = (k - first) % 4 != 3; /* three to one while there are data */
        if (turn && c->n_data < from_data) {
            size_t event = (size_t)((unsigned __int128)c->n_data++ * data->n / from_data);
            memcpy(et, data->et + event * n_in, n_in * sizeof *et);
        } else random_image(seed, "hardware-check", c->n_random++, et, g->n_input, g->input_bits);
    }
    return 0;
}

void cb_check_events_free(cb_check_events *c) {
    free(c->et);
    memset(c, 0, sizeof *c);
}
