#include "hw/emit_common.h"

#include <ctype.h>
#include <stdio.h>

void cb_emit_identifier(const char *name, char out[64]) {
    size_t n = 0;
    if (!isalpha((unsigned char)name[0])) out[n++] = 'm';
    for (; *name && n < 63; name++) out[n++] = isalnum((unsigned char)*name) ? *name : '_';
    out[n] = 0;
}

bool cb_node_is_zero(const cb_netlist *g, int32_t n) {
    return g->node[n].kind == CB_NODE_CONST && g->node[n].lo == 0;
}

int cb_quant_form_of(const cb_netlist *g, int32_t n, cb_quant_form *q) {
    const cb_node *x = &g->node[n], *a = &g->node[x->a];
    *q = (cb_quant_form){.relu = x->relu && a->lo < 0, .shift = a->frac - x->format.f, .round = x->round,
                         .min = cb_format_min(x->format, (cb_overflow)x->overflow), .max = cb_format_max(x->format),
                         .width = cb_node_width(a) + (a->lo >= 0), .bits = cb_format_width(x->format), .sign = x->format.k};
    if (q->shift > 62) q->shift = 62; /* the same: |a| < 2^62 */
    if (q->width - (q->shift < 0 ? q->shift : 0) > 62)
        return cb_fail("netlist %s: node %d: more than 62 bits before its quantizer clips them", g->name, (int)n);
    int64_t lo = q->relu ? 0 : a->lo, hi = a->hi > lo ? a->hi : lo;
    cb_node exact = *x; /* the same rounding in a format that holds everything */
    exact.relu = 0;
    exact.overflow = CB_WRAP;
    exact.format.k = 1;
    exact.format.i = (int16_t)(62 - x->format.f);
    lo = cb_node_quantize(&exact, a->frac, lo);
    hi = cb_node_quantize(&exact, a->frac, hi);
    bool below = lo < q->min, above = hi > q->max;
    q->low = below && x->overflow != CB_WRAP;
    q->high = above && x->overflow != CB_WRAP;
    q->wrap = (below || above) && x->overflow == CB_WRAP;
    return 0;
}

/* Entries first .. first + 2^k - 1 of the table as a function of its last k operands. */
static void put_choice(cb_text *t, const cb_node *x, int k, unsigned first) {
    uint64_t mask = k < 6 ? ((uint64_t)1 << (1u << k)) - 1 : ~(uint64_t)0, part = x->table >> first & mask;
    int half = k ? 1 << (k - 1) : 0;
    uint64_t low = k ? part & (((uint64_t)1 << half) - 1) : 0, high = k ? part >> half : 0;
    if (part == 0 || part == mask) cb_text_add(t, "%d", part != 0);
    else if (low == high) put_choice(t, x, k - 1, first);
    else if (k == 1) cb_text_add(t, high ? "(n%d != 0)" : "(n%d == 0)", (int)x->in[x->n_in - 1]);
    else {
        cb_text_add(t, "(n%d != 0 ? ", (int)x->in[x->n_in - k]);
        put_choice(t, x, k - 1, first + (unsigned)half);
        cb_text_put(t, " : ");
        put_choice(t, x, k - 1, first);
        cb_text_put(t, ")");
    }
}

void cb_put_table(cb_text *t, const cb_node *x) { put_choice(t, x, x->n_in, 0); }
