/* Order, rows and runs of a tape; the kernels are in isa/bit_tape.c.
 *
 * Operands of CB_BIT_SUM: for every plane p the number of rows of weight 2^p and of those to be inverted, then these rows, plane
 * by plane, plain ones first. */
#include "quant/bit_tape.h"

#include <stdlib.h>
#include <string.h>

#include "nn/isa.h"

enum { PIECE = 384 }; /* gates of a piece */

typedef struct {
    const cb_bit_graph *g;
    cb_bit_tape *t;
    int32_t *readers, *partner; /* [n]: of a node; with whom it is computed (0: alone; < 0: inside its reader) */
    int32_t *order, n_order;    /* nodes to compute, inputs first */
    int32_t *level, *last;      /* [n]: within the piece; when it is read last: 2 * place in order, or 2 * end - 1 of a piece */
    int32_t *row, *spare, n_spare;
    int32_t room_run, room_operand;
} plan;

static int plan_new(plan *p, const cb_bit_graph *g, cb_bit_tape *t) {
    *p = (plan){.g = g, .t = t};
    int32_t **want[] = {&p->readers, &p->partner, &p->order, &p->level, &p->last, &p->row, &p->spare};
    for (int k = 0; k < 7; k++)
        if (!(*want[k] = cb_alloc((size_t)g->n + 1, sizeof **want[k]))) return -1;
    return 0;
}

static void plan_free(plan *p) {
    int32_t *const all[] = {p->readers, p->partner, p->order, p->level, p->last, p->row, p->spare};
    for (int k = 0; k < 7; k++) free(all[k]);
}

/* ---- which gates are needed, and which are computed together ---- */

static void count_readers(plan *p) {
    const cb_bit_graph *g = p->g;
    for (int32_t k = g->n - 1; k > g->n_input; k--) {
        p->readers[k] += g->weight[k] != 0;
        for (int j = 0; p->readers[k] && j < cb_bit_arity(g, k); j++) p->readers[g->node[k].in[j]]++;
    }
}

/* A two-input gate takes in one of its operands that is such a gate, has no other reader and is not taken yet. */
static void fuse(plan *p) {
    const cb_bit_graph *g = p->g;
    for (int32_t k = g->n_input + 1; k < g->n; k++)
        for (int j = 0; p->readers[k] && cb_bit_arity(g, k) == 2 && j < 2; j++) {
            int32_t in = g->node[k].in[j];
            if (cb_bit_arity(g, in) != 2 || p->readers[in] != 1 || g->weight[in] || p->partner[in]) continue;
            p->partner[k] = in, p->partner[in] = -1;
            break;
        }
}

/* Rows that computing node k reads: c, a, b of a fused pair. */
static int operands_of(const plan *p, int32_t k, int32_t in[3]) {
    const cb_bit_node *n = &p->g->node[k], *inner = &p->g->node[p->partner[k]];
    if (p->partner[k] <= 0) {
        memcpy(in, n->in, sizeof n->in);
        return cb_bit_arity(p->g, k);
    }
    in[0] = n->in[n->in[0] == p->partner[k]], in[1] = inner->in[0], in[2] = inner->in[1];
    return 3;
}

static int kind_of(const plan *p, int32_t k) {
    const cb_bit_node *n = &p->g->node[k];
    if (p->partner[k] <= 0) return n->kind;
    int first = n->in[0] == p->partner[k];
    int outer = n->kind == CB_BIT_AND ? 0 : n->kind == CB_BIT_ANDN ? (first ? 1 : 2) : n->kind == CB_BIT_OR ? 3 : 4;
    return CB_BIT_FUSED + 4 * outer + p->g->node[p->partner[k]].kind;
}

/* ---- order ---- */

/* Depth first from a node, operands before their readers; `level` marks what is in the order, `stack` has room for all. */
static void visit(plan *p, int32_t top, int32_t *stack) {
    int32_t n = 0, in[3];
    for (stack[n++] = top; n;) {
        int32_t k = stack[n - 1];
        int wait = 0, arity = k > p->g->n_input && !p->level[k] ? operands_of(p, k, in) : 0;
        for (int j = arity - 1; j >= 0; j--)
            if (in[j] > p->g->n_input && !p->level[in[j]]) stack[n++] = in[j], wait = 1;
        if (wait) continue;
        n--;
        if (arity) p->order[p->n_order++] = k, p->level[k] = 1;
    }
}

static int make_order(plan *p) {
    /* a node is on the stack at most once for each of its readers' operands */
    int32_t *stack = cb_alloc(3 * (size_t)p->g->n + 4, sizeof *stack);
    if (!stack) return -1;
    for (int32_t k = 1; k < p->g->n; k++)
        if (p->g->weight[k]) visit(p, k, stack);
    free(stack);
    return 0;
}

typedef struct {
    int32_t level, kind, place, node;
} item;

static int earlier(const void *a, const void *b) {
    const item *x = a, *y = b;
    if (x->level != y->level) return x->level < y->level ? -1 : 1;
    if (x->kind != y->kind) return x->kind < y->kind ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place);
}

/* Inside a piece: by level, kind, place. level of nodes outside the piece is 0 here. */
static void sort_piece(plan *p, int32_t first, int32_t end) {
    item list[PIECE];
    int32_t in[3];
    for (int32_t i = first; i < end; i++) {
        int32_t k = p->order[i], level = 0;
        int arity = operands_of(p, k, in);
        for (int j = 0; j < arity; j++) level = p->level[in[j]] > level ? p->level[in[j]] : level;
        p->level[k] = level + 1;
        list[i - first] = (item){level + 1, kind_of(p, k), i, k};
    }
    qsort(list, (size_t)(end - first), sizeof *list, earlier);
    for (int32_t i = first; i < end; i++) p->order[i] = list[i - first].node;
    for (int32_t i = first; i < end; i++) p->level[p->order[i]] = 0;
}

/* ---- rows and runs ---- */

static int put(plan *p, uint32_t x) {
    cb_bit_tape *t = p->t;
    if (t->n_operand == p->room_operand) {
        int32_t room = p->room_operand ? 2 * p->room_operand : 4096;
        uint32_t *more = cb_realloc(t->operand, (size_t)room, sizeof *more);
        if (!more) return -1;
        t->operand = more, p->room_operand = room;
    }
    t->operand[t->n_operand++] = x;
    return 0;
}

/* One more gate of a kind: of the last run, or of a new one. */
static int add_run(plan *p, int kind, int32_t n) {
    cb_bit_tape *t = p->t;
    if (t->n_run && t->run[t->n_run - 1].kind == kind && kind != CB_BIT_SUM) {
        t->run[t->n_run - 1].n += n;
        return 0;
    }
    if (t->n_run == p->room_run) {
        int32_t room = p->room_run ? 2 * p->room_run : 256;
        cb_bit_run *more = cb_realloc(t->run, (size_t)room, sizeof *more);
        if (!more) return -1;
        t->run = more, p->room_run = room;
    }
    t->run[t->n_run++] = (cb_bit_run){kind, n};
    return 0;
}

/* The row of an operand, free again if it is read for the last time. */
static uint32_t take(plan *p, int32_t node, int32_t when) {
    if (node > p->g->n_input && p->last[node] == when) p->last[node] = -1, p->spare[p->n_spare++] = p->row[node];
    return (uint32_t)p->row[node];
}

static int emit_gate(plan *p, int32_t place) {
    int32_t k = p->order[place], in[3];
    uint32_t row[3];
    int arity = operands_of(p, k, in), bad = add_run(p, kind_of(p, k), 1);
    for (int j = 0; j < arity; j++) row[j] = take(p, in[j], 2 * place);
    p->row[k] = p->n_spare ? p->spare[--p->n_spare] : p->t->n_row++;
    bad |= put(p, (uint32_t)p->row[k]);
    for (int j = 0; j < arity; j++) bad |= put(p, row[j]);
    return bad;
}

/* Weighted nodes among list[n]: |weight| in binary digits, those of negative weights inverted: -w x = w ~x - w. */
static int emit_sum(plan *p, const int32_t *list, int32_t n, int32_t when) {
    const cb_bit_graph *g = p->g;
    int32_t rows = 0, head = p->t->n_operand;
    int bad = 0;
    for (int b = 0; b < 2 * p->t->n_plane; b++) bad |= put(p, 0);
    for (int b = 0; !bad && b < p->t->n_plane; b++)
        for (int inverted = 0; inverted < 2; inverted++)
            for (int32_t i = 0; i < n; i++) {
                int64_t w = g->weight[list[i]];
                if ((w < 0) != inverted || !(llabs(w) >> b & 1)) continue;
                bad |= put(p, (uint32_t)p->row[list[i]]);
                if (!bad) p->t->operand[head + 2 * b + inverted]++;
                rows++;
            }
    if (bad || !rows) return p->t->n_operand = head, bad;
    for (int32_t i = 0; i < n; i++)
        if (g->weight[list[i]]) take(p, list[i], when);
    p->t->most_rows = rows > p->t->most_rows ? rows : p->t->most_rows;
    return add_run(p, CB_BIT_SUM, rows);
}

/* An output is read at the end of its piece. */
static void find_last(plan *p) {
    int32_t in[3];
    for (int32_t i = 0; i < p->n_order; i++) {
        int arity = operands_of(p, p->order[i], in);
        for (int j = 0; j < arity; j++) p->last[in[j]] = 2 * i;
    }
    for (int32_t first = 0; first < p->n_order; first += PIECE) {
        int32_t end = first + PIECE < p->n_order ? first + PIECE : p->n_order;
        for (int32_t i = first; i < end; i++)
            if (p->g->weight[p->order[i]] && p->last[p->order[i]] < 2 * end) p->last[p->order[i]] = 2 * end - 1;
    }
}

static int emit(plan *p) {
    const cb_bit_graph *g = p->g;
    cb_bit_tape *t = p->t;
    t->n_row = t->n_input = g->n_input;
    for (int32_t i = 1; i <= g->n_input; i++) p->row[i] = i - 1;
    int32_t *inputs = cb_alloc((size_t)g->n_input, sizeof *inputs);
    if (!inputs) return -1;
    for (int32_t i = 0; i < g->n_input; i++) inputs[i] = i + 1;
    int bad = emit_sum(p, inputs, g->n_input, -1);
    free(inputs);
    for (int32_t first = 0; !bad && first < p->n_order; first += PIECE) {
        int32_t end = first + PIECE < p->n_order ? first + PIECE : p->n_order;
        sort_piece(p, first, end);
    }
    find_last(p);
    for (int32_t first = 0; !bad && first < p->n_order; first += PIECE) {
        int32_t end = first + PIECE < p->n_order ? first + PIECE : p->n_order;
        for (int32_t i = first; !bad && i < end; i++) bad = emit_gate(p, i);
        if (!bad) bad = emit_sum(p, p->order + first, end - first, 2 * end - 1);
    }
    return bad ? -1 : 0;
}

static void set_sums(cb_bit_tape *t, const cb_bit_graph *g) {
    int64_t total = 0;
    t->offset = g->offset;
    for (int32_t k = 1; k < g->n; k++) {
        total += llabs(g->weight[k]);
        if (g->weight[k] < 0) t->offset += g->weight[k];
    }
    for (t->n_plane = 1; total >> t->n_plane;) t->n_plane++;
}

int cb_bit_tape_new(cb_bit_tape *t, const cb_circuit *c, const int32_t *weight) {
    cb_bit_graph g;
    plan p;
    *t = (cb_bit_tape){0};
    if (cb_bit_graph_new(&g, c, weight)) return -1;
    set_sums(t, &g);
    int rc = plan_new(&p, &g, t);
    if (!rc) {
        count_readers(&p);
        fuse(&p);
        rc = make_order(&p);
    }
    if (!rc) {
        memset(p.level, 0, (size_t)g.n * sizeof *p.level);
        rc = emit(&p);
    }
    for (int32_t i = 0; i < p.n_order; i++) t->n_fused += p.partner[p.order[i]] > 0;
    t->n_gate = p.n_order + t->n_fused;
    plan_free(&p);
    cb_bit_graph_free(&g);
    if (rc) cb_bit_tape_free(t);
    return rc;
}

void cb_bit_tape_free(cb_bit_tape *t) {
    free(t->run);
    free(t->operand);
    *t = (cb_bit_tape){0};
}

/* ---- events ---- */

int cb_bit_work_new(cb_bit_work *w, const cb_bit_tape *t) {
    w->row = cb_alloc_aligned((size_t)t->n_row * CB_CIRCUIT_WORDS, sizeof *w->row);
    /* two buffers of carries: half of the rows and carries that come in, and one left over for each plane and sense */
    w->carry = cb_alloc_aligned(2 * ((size_t)t->most_rows + 4) * CB_CIRCUIT_WORDS, sizeof *w->carry);
    if (w->row && w->carry) return 0;
    cb_bit_work_free(w);
    return -1;
}

void cb_bit_work_free(cb_bit_work *w) {
    free(w->row);
    free(w->carry);
    *w = (cb_bit_work){0};
}

CB_ISA_DECLARE(void, cb_bit_tape_kernel, const cb_bit_tape *t, uint64_t *row, uint64_t *carry, int32_t *sum);
typedef void kernel_fn(const cb_bit_tape *t, uint64_t *row, uint64_t *carry, int32_t *sum);
static kernel_fn *const kernels[] = CB_ISA_TABLE(cb_bit_tape_kernel);

void cb_bit_tape_sums(const cb_bit_tape *t, cb_bit_work *w, int32_t sum[CB_CIRCUIT_EVENTS]) {
    kernels[cb_isa()](t, w->row, w->carry, sum);
}
