/* Where the registers go: cuts between adder levels with the fewest live bits. */
#include <stdint.h>
#include <stdlib.h>

#include "hw/netlist.h"

/* live[c]: bits of all values made at level <= c and used above it. */
static int64_t *live_bits(const cb_netlist *g, int depth) {
    int64_t *live = cb_alloc((size_t)depth + 1, sizeof *live);
    int32_t *last = cb_alloc((size_t)g->n + 1, sizeof *last);
    if (!live || !last) return free(live), free(last), NULL;
    for (int32_t i = 0; i < g->n; i++) {
        const cb_node *x = &g->node[i];
        int32_t in[CB_GATE_INPUTS];
        for (int k = cb_node_operands(x, in) - 1; k >= 0; k--)
            if (x->level > last[in[k]]) last[in[k]] = x->level;
    }
    for (int32_t i = 0; i < g->n; i++)
        for (int c = g->node[i].level; c < last[i] && g->node[i].kind != CB_NODE_CONST; c++)
            live[c] += cb_node_width(&g->node[i]);
    free(last);
    return live;
}

/* cut[k], k = 0..n-2: last level of stage k. Fewest stages, then fewest live bits; at equal bits the
 * later cut. best[k][c]: least sum of live bits of k cuts, the k-th behind level c. */
static int place_cuts(const int64_t *live, int depth, int levels, int n_cut, int *cut) {
    int64_t *best = cb_alloc((size_t)(n_cut + 1) * (size_t)(depth + 1), sizeof *best);
    int *from = cb_alloc((size_t)(n_cut + 1) * (size_t)(depth + 1), sizeof *from);
    if (!best || !from) return free(best), free(from), -1;
    int row = depth + 1;
    for (int i = 1; i < (n_cut + 1) * row; i++) best[i] = INT64_MAX;
    for (int k = 1; k <= n_cut; k++)
        for (int c = 1; c <= depth; c++)
            for (int p = c > levels ? c - levels : 0; p < c; p++) {
                int64_t before = best[(k - 1) * row + p];
                if (before == INT64_MAX || before + live[c] > best[k * row + c]) continue;
                best[k * row + c] = before + live[c];
                from[k * row + c] = p;
            }
    int end = -1; /* the last stage has at most `levels` levels too */
    for (int c = depth - levels > 0 ? depth - levels : 0; c < depth; c++)
        if (best[n_cut * row + c] < INT64_MAX && (end < 0 || best[n_cut * row + c] <= best[n_cut * row + end])) end = c;
    for (int k = n_cut; k > 0; k--) {
        cut[k - 1] = end;
        end = from[k * row + end];
    }
    free(best);
    free(from);
    return 0;
}

int cb_netlist_pipeline(cb_netlist *g, int levels) {
    int depth = 0;
    for (int32_t i = 0; i < g->n; i++) {
        g->node[i].stage = 0;
        if (g->node[i].level > depth) depth = g->node[i].level;
    }
    g->n_stage = 0;
    if (levels <= 0) return 0;
    g->n_stage = depth > levels ? (depth + levels - 1) / levels : 1;
    int n_cut = g->n_stage - 1;
    int64_t *live = live_bits(g, depth);
    int *cut = cb_alloc((size_t)n_cut + 1, sizeof *cut);
    int rc = live && cut ? place_cuts(live, depth, levels, n_cut, cut) : -1;
    for (int32_t i = 0; i < g->n && !rc; i++)
        while (g->node[i].stage < n_cut && g->node[i].level > cut[g->node[i].stage]) g->node[i].stage++;
    free(live);
    free(cut);
    return rc;
}

int64_t cb_netlist_register_bits(const cb_netlist *g) {
    if (!g->n_stage) return 0;
    int32_t *last = cb_alloc((size_t)g->n + 1, sizeof *last);
    if (!last) return -1;
    int64_t bits = 0;
    for (int o = 0; o < g->n_output; o++) bits += cb_node_width(&g->node[g->output[o]]);
    for (int32_t i = g->n - 1; i >= 0; i--) {
        const cb_node *x = &g->node[i];
        if (x->kind == CB_NODE_CONST) continue;
        if (last[i] > x->stage) bits += (int64_t)(last[i] - x->stage) * cb_node_width(x);
        int32_t in[CB_GATE_INPUTS];
        for (int k = cb_node_operands(x, in) - 1; k >= 0; k--)
            if (x->stage > last[in[k]]) last[in[k]] = x->stage;
    }
    free(last);
    return bits;
}
