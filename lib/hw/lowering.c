#include "hw/lowering.h"

#include <stdlib.h>
#include <string.h>

cb_held cb_held_of(const cb_netlist *g, int32_t n) {
    cb_held h = {.node = n, .exponent = g->node[n].frac};
    for (;;) {
        const cb_node *x = &g->node[h.node];
        bool multiple = x->kind == CB_NODE_ADD && g->node[x->b].kind == CB_NODE_CONST && g->node[x->b].lo == 0;
        if (!multiple && x->kind != CB_NODE_NEG) break;
        if (multiple) h.exponent -= x->sa;
        else h.neg = !h.neg;
        h.node = x->a;
    }
    const cb_node *x = &g->node[h.node];
    if (x->kind == CB_NODE_CONST) h.constant = h.neg ? -x->lo : x->lo, h.node = CB_HELD_CONSTANT;
    return h;
}

static cb_held *held(const cb_netlist *g, const int32_t *node, int64_t n) {
    cb_held *h = cb_alloc((size_t)n + 1, sizeof *h);
    for (int64_t i = 0; h && i < n; i++) h[i] = cb_held_of(g, node[i]);
    return h;
}

int cb_lowering_tensor(cb_lowering *map, const cb_netlist *g, const cb_programme *p, int op, const int32_t *node) {
    map->n_value[op] = (int64_t)p->op[op].out_h * p->op[op].out_w * p->op[op].out_c;
    map->value[op] = held(g, node, map->n_value[op]);
    return map->value[op] ? 0 : -1;
}

int cb_lowering_signals(cb_lowering *map, const cb_netlist *g, const int32_t *node, int64_t n) {
    free(map->signal);
    map->n_signal = n;
    map->signal = held(g, node, n);
    return map->signal ? 0 : -1;
}

int cb_lowering_group(cb_lowering *map, const cb_bit_group *x) {
    cb_bit_group *group = cb_realloc(map->group, (size_t)map->n_group + 1, sizeof *group);
    if (!group) return -1;
    map->group = group;
    group[map->n_group++] = *x;
    return 0;
}

static void renumber(cb_held *h, int64_t n, const int32_t *to) {
    for (int64_t i = 0; i < n; i++)
        if (h[i].node >= 0) h[i].node = to[h[i].node] < 0 ? CB_HELD_DROPPED : to[h[i].node];
}

void cb_lowering_renumber(cb_lowering *map, const int32_t *to) {
    for (int k = 0; k < CB_MAX_OPS; k++)
        if (map->value[k]) renumber(map->value[k], map->n_value[k], to);
    renumber(map->signal, map->n_signal, to);
    for (int64_t i = 0; i < map->n_group; i++) {
        renumber(&map->group[i].number, 1, to);
        renumber(map->group[i].bit, map->group[i].n, to);
    }
}

void cb_lowering_free(cb_lowering *map) {
    for (int k = 0; k < CB_MAX_OPS; k++) free(map->value[k]);
    free(map->signal);
    free(map->group);
    memset(map, 0, sizeof *map);
}
