/* Interpreter of the graph: a plain reference, and the same in lanes of events. */
#include <stdlib.h>

#include "base/threads.h"
#include "hw/netlist.h"

enum { LANES = 16 };

static int64_t eval_node(const cb_netlist *g, const cb_node *x, const uint16_t *et, const int64_t *value) {
    switch (x->kind) {
    case CB_NODE_INPUT: return et[x->a];
    case CB_NODE_CONST: return x->lo;
    case CB_NODE_ADD: {
        int64_t p = value[x->a] * ((int64_t)1 << x->sa), q = value[x->b] * ((int64_t)1 << x->sb);
        return x->sub ? p - q : p + q;
    }
    case CB_NODE_NEG: return -value[x->a];
    default: return cb_node_quantize(x, g->node[x->a].frac, value[x->a]);
    }
}

void cb_netlist_trace(const cb_netlist *g, const uint16_t *et, int64_t *value) {
    for (int32_t i = 0; i < g->n; i++) value[i] = eval_node(g, &g->node[i], et, value);
}

/* QUANT of the two rounding modes that construction leaves nearly everywhere. */
static void quant_lanes(const cb_node *q, int frac, const int64_t *restrict a, int64_t *restrict y) {
    int s = frac - q->format.f, width = cb_format_width(q->format);
    if (s < 0 || s > CB_NETLIST_BITS || width > CB_NETLIST_BITS ||
        (q->round != CB_TRN && q->round != CB_ROUND_EVEN_BIASED)) {
        for (int l = 0; l < LANES; l++) y[l] = cb_node_quantize(q, frac, a[l]);
        return;
    }
    int64_t floor0 = q->relu ? 0 : INT64_MIN, low = ((int64_t)1 << s) - 1;
    int64_t even = q->round == CB_ROUND_EVEN_BIASED && s ? 1 : 0;
    for (int l = 0; l < LANES; l++) {
        int64_t v = a[l] > floor0 ? a[l] : floor0;
        y[l] = (v >> s) & ~((v & low) == 0 ? even : 0);
    }
    if (q->overflow == CB_WRAP) {
        int up = 64 - width;
        for (int l = 0; l < LANES; l++) {
            uint64_t bits = (uint64_t)y[l] << up;
            y[l] = q->format.k ? (int64_t)bits >> up : (int64_t)(bits >> up);
        }
        return;
    }
    int64_t max = cb_format_max(q->format), min = cb_format_min(q->format, (cb_overflow)q->overflow);
    for (int l = 0; l < LANES; l++) y[l] = y[l] > max ? max : y[l] < min ? min : y[l];
}

static void node_lanes(const cb_netlist *g, int32_t i, const uint16_t *et, size_t n, int64_t (*value)[LANES]) {
    const cb_node *x = &g->node[i];
    int64_t *restrict y = value[i];
    switch (x->kind) {
    case CB_NODE_INPUT:
        for (size_t l = 0; l < LANES; l++) y[l] = l < n ? et[l * (size_t)g->n_input + (size_t)x->a] : 0;
        break;
    case CB_NODE_CONST:
        for (int l = 0; l < LANES; l++) y[l] = x->lo;
        break;
    case CB_NODE_ADD: {
        const int64_t *a = value[x->a], *b = value[x->b];
        int64_t p = (int64_t)1 << x->sa, q = (int64_t)1 << x->sb;
        if (x->sub) q = -q;
        for (int l = 0; l < LANES; l++) y[l] = a[l] * p + b[l] * q;
        break;
    }
    case CB_NODE_NEG:
        for (int l = 0; l < LANES; l++) y[l] = -value[x->a][l];
        break;
    default: quant_lanes(x, g->node[x->a].frac, value[x->a], y);
    }
}

/* One block of at most LANES events; outputs of event e at code[e * n_output]. */
static void score_block(const cb_netlist *g, const uint16_t *et, size_t n, uint16_t *code, int64_t (*value)[LANES]) {
    for (int32_t i = 0; i < g->n; i++) node_lanes(g, i, et, n, value);
    for (size_t e = 0; e < n; e++)
        for (int o = 0; o < g->n_output; o++)
            code[e * (size_t)g->n_output + (size_t)o] = (uint16_t)value[g->output[o]][e];
}

int cb_netlist_score(const cb_netlist *g, const uint16_t *et, size_t n, uint16_t *code) {
    int64_t block = (int64_t)((n + LANES - 1) / LANES);
    int bad = 0;
#pragma omp parallel
    {
        int64_t(*value)[LANES] = cb_alloc_aligned((size_t)g->n + 1, sizeof *value);
        if (!value) {
#pragma omp atomic write
            bad = 1;
        }
#pragma omp for schedule(static)
        for (int64_t b = 0; b < block; b++) {
            size_t first = (size_t)b * LANES, count = n - first < LANES ? n - first : LANES;
            if (value)
                score_block(g, et + first * (size_t)g->n_input, count, code + first * (size_t)g->n_output, value);
        }
        free(value);
    }
    return bad ? cb_fail("netlist %s: no memory for the interpreter (%d values)", g->name, (int)g->n) : 0;
}
