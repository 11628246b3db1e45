#include "hw/mutation.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/rng.h"
#include "base/threads.h"

/* Fault number k: a bit of an adder or quantizer. */
static cb_fault draw(const cb_netlist *g, const int32_t *node, int32_t n, uint64_t seed, int64_t k) {
    cb_rng r = cb_rng_at(seed, "mutation", (uint64_t)k);
    cb_fault f = {.node = node[cb_rng_below(&r, (uint32_t)n)], .kind = (uint8_t)cb_rng_below(&r, 3)};
    f.bit = (int)cb_rng_below(&r, (uint32_t)cb_node_width(&g->node[f.node]));
    return f;
}

static int try_all(const cb_netlist *g, const int32_t *node, int32_t n_node, const uint16_t *et, const uint16_t *code, size_t n_event,
                   int64_t n, uint64_t seed, uint8_t *seen) {
    int bad = 0;
#pragma omp parallel
    {
        void *value = cb_alloc_aligned(cb_netlist_fault_room(g), 1);
        if (!value) {
#pragma omp atomic write
            bad = 1;
        }
#pragma omp for schedule(static)
        for (int64_t k = 0; k < n; k++) {
            cb_fault f = draw(g, node, n_node, seed, k);
            if (value) seen[k] = cb_netlist_fault_seen(g, &f, et, code, n_event, value);
        }
        free(value);
    }
    return bad ? cb_fail("netlist %s: no memory for faults", g->name) : 0;
}

int cb_mutation_score(const cb_netlist *g, const uint16_t *et, const uint16_t *code, size_t n_event, int64_t n, uint64_t seed,
                      cb_mutation *m) {
    *m = (cb_mutation){0};
    int32_t *node = cb_alloc((size_t)g->n + 1, sizeof *node), n_node = 0;
    uint8_t *seen = cb_alloc((size_t)n + 1, 1);
    for (int32_t i = 0; node && i < g->n; i++)
        if (!cb_node_is_wire(g, i) && cb_node_width(&g->node[i])) node[n_node++] = i;
    int rc = node && seen ? 0 : -1;
    if (!rc && n_node) rc = try_all(g, node, n_node, et, code, n_event, n, seed, seen);
    for (int64_t k = 0; k < n && n_node && !rc; k++) {
        m->tried++;
        m->caught += seen[k];
        if (!seen[k] && m->n_survivor < 8) m->survivor[m->n_survivor++] = draw(g, node, n_node, seed, k);
    }
    free(node);
    free(seen);
    return rc;
}

void cb_mutation_log(const cb_mutation *m, size_t n_event) {
    cb_info("mutation: %lld of %lld faults caught by %zu vectors (score %.4f)", (long long)m->caught, (long long)m->tried, n_event,
            m->tried ? (double)m->caught / (double)m->tried : 1.0);
    for (int k = 0; k < m->n_survivor; k++)
        cb_info("mutation: survivor: node %d bit %d %s", (int)m->survivor[k].node, m->survivor[k].bit,
                m->survivor[k].kind == 2 ? "inverted" : m->survivor[k].kind ? "stuck at 1" : "stuck at 0");
}
