#include "hw/pipeline.h"

#include <stdint.h>
#include <stdlib.h>

#include "hw/cost.h"
#include "hw/share.h"
#include "hw/timing.h"

/* ---- pieces: what lies between one layer of HOLD nodes and the next ---- */

typedef struct {
    int depth;    /* adder levels */
    int n_stage, first_stage;
    int gap;      /* clocks from its last stage to the first stage of the next piece */
    int *reach;   /* [depth + 1] last level that fits into a stage of level p + 1 and those above */
} piece;

typedef struct {
    cb_netlist *g;
    const cb_pipeline_rules *r;
    int32_t *piece_of, *level; /* of each node: its piece, its level there */
    piece *piece;
    int n_piece;
} cutter;

static int cutter_begin(cutter *c) {
    const cb_netlist *g = c->g;
    c->piece_of = cb_alloc((size_t)g->n + 1, sizeof *c->piece_of);
    c->level = cb_alloc((size_t)g->n + 1, sizeof *c->level);
    if (!c->piece_of || !c->level) return -1;
    c->n_piece = 1;
    for (int32_t i = 0; i < g->n; i++) {
        const cb_node *x = &g->node[i];
        int32_t in[CB_GATE_INPUTS], before = 0;
        int n = cb_node_operands(x, in);
        for (int k = 0; k < n; k++)
            if (c->piece_of[in[k]] > c->piece_of[i]) c->piece_of[i] = c->piece_of[in[k]];
        if (x->kind == CB_NODE_HOLD) c->piece_of[i]++;
        if (c->piece_of[i] >= c->n_piece) c->n_piece = c->piece_of[i] + 1;
        c->level[i] = x->level;
        for (int k = 0; k < n && c->piece_of[i]; k++) { /* levels count from the HOLD nodes */
            if (g->node[in[k]].level > before) before = g->node[in[k]].level;
            if (!k) c->level[i] = 0;
            if (c->piece_of[in[k]] == c->piece_of[i] && c->level[in[k]] > c->level[i]) c->level[i] = c->level[in[k]];
        }
        if (c->piece_of[i]) c->level[i] += x->level - before;
    }
    if (!(c->piece = cb_alloc((size_t)c->n_piece, sizeof *c->piece))) return -1;
    for (int32_t i = 0; i < g->n; i++) {
        piece *p = &c->piece[c->piece_of[i]];
        if (c->level[i] > p->depth) p->depth = c->level[i];
        if (g->node[i].kind == CB_NODE_HOLD) {
            int clocks = g->node[i].phase < 0 ? 1 : g->ii;
            if (clocks > p[-1].gap) p[-1].gap = clocks;
        }
    }
    return 0;
}

static void cutter_free(cutter *c) {
    for (int s = 0; c->piece && s < c->n_piece; s++) free(c->piece[s].reach);
    free(c->piece);
    free(c->piece_of);
    free(c->level);
}

/* ---- how far a stage may reach ---- */

static int reach_by_levels(cutter *c, piece *p) {
    for (int from = 0; from <= p->depth; from++)
        p->reach[from] = from + c->r->levels < p->depth ? from + c->r->levels : p->depth;
    return 0;
}

/* limit: the longest path of a stage, ps. */
static int reach_by_delay(cutter *c, cb_timer *timer, int s, int32_t limit) {
    piece *p = &c->piece[s];
    cb_netlist *g = c->g;
    int32_t *latest = cb_alloc((size_t)p->depth + 1, sizeof *latest), slowest = 0;
    if (!latest) return -1;
    for (int from = 0; from <= p->depth; from++) {
        for (int32_t i = 0; i < g->n; i++) g->node[i].stage = c->piece_of[i] == s && c->level[i] > from;
        cb_timer_stage(timer, 1, c->level, p->depth, latest);
        p->reach[from] = from;
        while (p->reach[from] < p->depth && latest[p->reach[from] + 1] <= limit) p->reach[from]++;
        if (from < p->depth && latest[from + 1] > slowest) slowest = latest[from + 1];
    }
    free(latest);
    if (slowest <= limit) return 0;
    return cb_fail("clock of %.9g ns: one adder level alone takes %.3f ns by the delay model", c->r->clock_ns, slowest / 1000.0);
}

static int find_reach(cutter *c, int32_t limit) {
    cb_timer *timer = c->r->levels < 0 ? cb_timer_new(c->g, c->r->family) : NULL;
    int rc = c->r->levels < 0 && !timer ? -1 : 0;
    for (int s = 0; s < c->n_piece && !rc; s++) {
        piece *p = &c->piece[s];
        free(p->reach);
        p->reach = cb_alloc((size_t)p->depth + 1, sizeof *p->reach);
        if (!p->reach) rc = -1;
        else rc = timer ? reach_by_delay(c, timer, s, limit) : reach_by_levels(c, p);
    }
    cb_timer_free(timer);
    return rc;
}

/* ---- cuts ---- */

/* live[k]: bits of all values of piece s made at level <= k and used above it. */
static int64_t *live_bits(const cutter *c, int s) {
    const cb_netlist *g = c->g;
    int depth = c->piece[s].depth;
    int64_t *live = cb_alloc((size_t)depth + 1, sizeof *live);
    int32_t *last = cb_alloc((size_t)g->n + 1, sizeof *last);
    if (!live || !last) return free(live), free(last), NULL;
    for (int32_t i = 0; i < g->n; i++) {
        const cb_node *x = &g->node[i];
        int32_t in[CB_GATE_INPUTS], at = c->piece_of[i] == s ? c->level[i] : 0;
        if (x->kind == CB_NODE_HOLD && c->piece_of[i] == s + 1) at = depth; /* reads in the last stage */
        for (int k = cb_node_operands(x, in) - 1; k >= 0; k--)
            if (at > last[in[k]]) last[in[k]] = at;
    }
    for (int32_t i = 0; i < g->n; i++)
        for (int k = c->piece_of[i] == s ? c->level[i] : 0; k < last[i] && g->node[i].kind != CB_NODE_CONST; k++)
            live[k] += cb_node_width(&g->node[i]);
    free(last);
    return live;
}

/* cut[k], k = 0..n_cut-1: last level of stage k. Fewest live bits; at equal bits the later cut.
 * best[k][c]: least sum of live bits of k cuts, the k-th behind level c. */
static int place_cuts(const int64_t *live, const piece *x, int n_cut, int *cut) {
    int depth = x->depth, row = depth + 1;
    int64_t *best = cb_alloc((size_t)(n_cut + 1) * (size_t)row, sizeof *best);
    int *from = cb_alloc((size_t)(n_cut + 1) * (size_t)row, sizeof *from);
    if (!best || !from) return free(best), free(from), -1;
    for (int i = 1; i < (n_cut + 1) * row; i++) best[i] = INT64_MAX;
    for (int k = 1; k <= n_cut; k++)
        for (int c = 1; c <= depth; c++)
            for (int p = 0; p < c; p++) {
                int64_t before = best[(k - 1) * row + p];
                if (c > x->reach[p] || before == INT64_MAX || before + live[c] > best[k * row + c]) continue;
                best[k * row + c] = before + live[c];
                from[k * row + c] = p;
            }
    int end = -1; /* the last stage reaches the end */
    for (int c = 0; c < depth; c++)
        if (x->reach[c] == depth && best[n_cut * row + c] < INT64_MAX &&
            (end < 0 || best[n_cut * row + c] <= best[n_cut * row + end])) end = c;
    for (int k = n_cut; k > 0; k--) {
        cut[k - 1] = end;
        end = from[k * row + end];
    }
    free(best);
    free(from);
    return 0;
}

static int cut_piece(cutter *c, int s) {
    const piece *p = &c->piece[s];
    int n_cut = p->n_stage - 1;
    int64_t *live = live_bits(c, s);
    int *cut = cb_alloc((size_t)n_cut + 1, sizeof *cut);
    int rc = live && cut ? place_cuts(live, p, n_cut, cut) : -1;
    for (int32_t i = 0; i < c->g->n && !rc; i++) {
        int stage = 0;
        if (c->piece_of[i] != s) continue;
        while (stage < n_cut && c->level[i] > cut[stage]) stage++;
        c->g->node[i].stage = p->first_stage + stage;
    }
    free(live);
    free(cut);
    return rc;
}

/* ---- stages ---- */

static int fewest_stages(const piece *p) {
    int n = 1;
    for (int at = p->reach[0]; at < p->depth; at = p->reach[at]) n++;
    return n;
}

/* Stages of every piece; more than the fewest go where stages are longest. Clocks left over delay the score. */
static int share_latency(cutter *c, int *delay) {
    int total = 0;
    for (int s = 0; s < c->n_piece; s++) {
        c->piece[s].n_stage = fewest_stages(&c->piece[s]);
        total += c->piece[s].n_stage + (s + 1 < c->n_piece ? c->piece[s].gap - 1 : 0);
    }
    *delay = c->r->latency ? c->r->latency - total : 0;
    if (*delay < 0 && c->r->levels < 0)
        return cb_fail("latency of %d clocks: %d are the shortest at %.9g ns a clock by the delay model", c->r->latency, total,
                       c->r->clock_ns);
    if (*delay < 0)
        return cb_fail("latency of %d clocks: %d are the shortest with %d adder levels a stage", c->r->latency, total, c->r->levels);
    for (piece *longest = c->piece; *delay; (*delay)--) {
        for (int s = 0; s < c->n_piece; s++) {
            piece *p = &c->piece[s];
            if (p->depth * longest->n_stage > longest->depth * p->n_stage) longest = p;
        }
        if (longest->n_stage >= longest->depth) break;
        longest->n_stage++;
    }
    for (int s = 1; s < c->n_piece; s++)
        c->piece[s].first_stage = c->piece[s - 1].first_stage + c->piece[s - 1].n_stage - 1 + c->piece[s - 1].gap;
    return 0;
}

static int cut_all(cutter *c, int32_t limit) {
    int delay;
    if (find_reach(c, limit) || share_latency(c, &delay)) return -1;
    for (int s = 0; s < c->n_piece; s++)
        if (cut_piece(c, s)) return -1;
    const piece *last = &c->piece[c->n_piece - 1];
    c->g->n_stage = last->first_stage + last->n_stage + delay;
    return 0;
}

/* With chains of three operands the plan of the chains depends on the cuts: the limit is tightened until the
 * result keeps to the clock. */
static int cut_by_delay(cutter *c) {
    enum { TRIES = 6 };
    double clock = c->r->clock_ns * 1000, limit = clock;
    for (int k = 0; k < TRIES; k++) {
        cb_cost cost;
        if (cut_all(c, (int32_t)limit) || cb_cost_estimate(c->g, c->r->family, &cost)) return -1;
        if (cost.path_ns * 1000 <= clock) return 0;
        limit *= 0.98 * clock / (cost.path_ns * 1000);
    }
    return cb_fail("clock of %.9g ns: no cut keeps to it by the delay model", c->r->clock_ns);
}

int cb_netlist_cut(cb_netlist *g, const cb_pipeline_rules *r) {
    for (int32_t i = 0; i < g->n; i++) g->node[i].stage = 0;
    g->n_stage = 0;
    if (!r->levels && g->ii > 1) return cb_fail("netlist %s: an initiation interval of %d clocks needs registers", g->name, g->ii);
    if (!r->levels && r->latency) return cb_fail("netlist %s: a latency of %d clocks needs registers", g->name, r->latency);
    if (!r->levels) return 0;
    cutter c = {.g = g, .r = r};
    int rc = cutter_begin(&c) ? -1 : r->levels < 0 ? cut_by_delay(&c) : cut_all(&c, 0);
    cutter_free(&c);
    return rc ? cb_fail_in("netlist %s", g->name) : 0;
}

int cb_netlist_pipeline(cb_netlist *g, int levels) {
    return cb_netlist_cut(g, &(cb_pipeline_rules){.levels = levels > 0 ? levels : 0});
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
        if (x->kind == CB_NODE_HOLD) bits += cb_node_width(x);
        if (last[i] > x->stage) bits += (int64_t)(last[i] - x->stage) * cb_node_width(x);
        int32_t in[CB_GATE_INPUTS], at = cb_node_read_stage(g, x);
        for (int k = cb_node_operands(x, in) - 1; k >= 0; k--)
            if (at > last[in[k]]) last[in[k]] = at;
    }
    free(last);
    return bits;
}
