/* Interpreter of the graph: a plain reference, and the same in lanes of events (netlist_tape.h). */
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "hw/mutation.h"
#include "hw/netlist.h"
#include "hw/netlist_tape.h"
#include "hw/share.h"
#include "nn/isa.h"

int64_t cb_node_value(const cb_netlist *g, int32_t n, const uint16_t *et, const int64_t *value) {
    const cb_node *x = &g->node[n];
    switch (x->kind) {
    case CB_NODE_INPUT: return et[x->a];
    case CB_NODE_CONST: return x->lo;
    case CB_NODE_ADD: {
        int64_t p = value[x->a] * ((int64_t)1 << x->sa), q = value[x->b] * ((int64_t)1 << x->sb);
        return x->sub ? p - q : p + q;
    }
    case CB_NODE_NEG: return -value[x->a];
    case CB_NODE_TABLE: {
        unsigned index = 0;
        for (int j = 0; j < x->n_in; j++) index = 2 * index + (unsigned)value[x->in[j]];
        return (int64_t)(x->table >> index & 1);
    }
    default: return cb_node_quantize(x, g->node[x->a].frac, value[x->a]);
    }
}

void cb_netlist_trace(const cb_netlist *g, const uint16_t *et, int64_t *value) {
    for (int32_t i = 0; i < g->n; i++) value[i] = cb_node_value(g, i, et, value);
}

/* ---- lanes ---- */

CB_ISA_DECLARE(void, cb_tape_run, const cb_tape *t, char *arena);
CB_ISA_DECLARE(void, cb_tape_load, const uint16_t *et, int64_t stride, int n_input, char *arena);
static cb_tape_kernel *const runs[] = CB_ISA_TABLE(cb_tape_run);
static cb_tape_loader *const loads[] = CB_ISA_TABLE(cb_tape_load);

typedef struct {
    const cb_netlist *g;
    cb_tape tape;
    const uint16_t *et;
    size_t n, stride; /* of images that are copied, in counts */
    uint16_t *code;
} score_job;

/* The last images of the array are copied: the loader may read a little past an image. */
static void load_block(const score_job *j, size_t first, size_t count, char *arena, uint16_t *copy) {
    size_t n_input = (size_t)j->g->n_input;
    const uint16_t *et = j->et + first * n_input;
    if ((first + CB_TAPE_EVENTS) * n_input + 8 <= j->n * n_input) {
        loads[cb_isa()](et, (int64_t)n_input, (int)n_input, arena);
        return;
    }
    memset(copy, 0, CB_TAPE_EVENTS * j->stride * sizeof *copy);
    for (size_t e = 0; e < count; e++) memcpy(copy + e * j->stride, et + e * n_input, n_input * sizeof *et);
    loads[cb_isa()](copy, (int64_t)j->stride, (int)n_input, arena);
}

/* One block; outputs of event e at code[e * n_output]. */
static void score_block(const score_job *j, size_t first, char *arena, uint16_t *copy) {
    size_t count = j->n - first < CB_TAPE_EVENTS ? j->n - first : CB_TAPE_EVENTS, n_output = (size_t)j->g->n_output;
    load_block(j, first, count, arena, copy);
    runs[cb_isa()](&j->tape, arena);
    for (size_t o = 0; o < n_output; o++) {
        const int16_t *row = (const void *)(arena + j->tape.out[o]);
        for (size_t e = 0; e < count; e++) j->code[(first + e) * n_output + o] = (uint16_t)row[e];
    }
}

static int score_blocks(const score_job *j) {
    long n_block = (long)((j->n + CB_TAPE_EVENTS - 1) / CB_TAPE_EVENTS), n_part = cb_threads();
    size_t each = j->tape.arena + (CB_TAPE_EVENTS * j->stride * sizeof *j->et + 63) / 64 * 64;
    char *scratch = cb_alloc_aligned((size_t)n_part, each);
    if (!scratch) return -1;
#pragma omp parallel for schedule(static)
    for (long part = 0; part < n_part; part++) {
        char *arena = scratch + (size_t)part * each;
        cb_tape_begin(&j->tape, arena);
        for (long b = part * n_block / n_part; b < (part + 1) * n_block / n_part; b++)
            score_block(j, (size_t)b * CB_TAPE_EVENTS, arena, (uint16_t *)(void *)(arena + j->tape.arena));
    }
    free(scratch);
    return 0;
}

static int score_unfolded(const cb_netlist *g, const uint16_t *et, size_t n, uint16_t *code) {
    cb_netlist flat;
    int rc = cb_netlist_unfold(g, &flat) || cb_netlist_score(&flat, et, n, code) ? -1 : 0;
    cb_netlist_free(&flat);
    return rc;
}

int cb_netlist_score(const cb_netlist *g, const uint16_t *et, size_t n, uint16_t *code) {
    if (g->ii > 1) return score_unfolded(g, et, n, code);
    size_t even = ((size_t)g->n_input + 1) / 2 * 2;
    score_job j = {.g = g, .et = et, .n = n, .stride = even < 8 ? 8 : even, .code = code};
    int rc = cb_tape_make(&j.tape, g) || score_blocks(&j) ? -1 : 0;
    cb_tape_free(&j.tape);
    return rc;
}

/* ---- with a fault: the plain reference ---- */

size_t cb_netlist_fault_room(const cb_netlist *g) { return ((size_t)g->n + 1) * sizeof(int64_t); }

static int64_t broken(const cb_node *x, const cb_fault *f, int64_t v) {
    int width = cb_node_width(x);
    uint64_t bit = (uint64_t)1 << f->bit, u = (uint64_t)v & (((uint64_t)1 << width) - 1);
    u = f->kind == 2 ? u ^ bit : f->kind ? u | bit : u & ~bit;
    return x->lo < 0 ? (int64_t)(u << (64 - width)) >> (64 - width) : (int64_t)u;
}

bool cb_netlist_fault_seen(const cb_netlist *g, const cb_fault *f, const uint16_t *et, const uint16_t *expected, size_t n, void *scratch) {
    int64_t *value = scratch;
    for (size_t e = 0; e < n; e++) {
        for (int32_t i = 0; i < g->n; i++) {
            value[i] = cb_node_value(g, i, et + e * (size_t)g->n_input, value);
            if (i == f->node) value[i] = broken(&g->node[i], f, value[i]);
        }
        for (int o = 0; o < g->n_output; o++)
            if ((uint16_t)value[g->output[o]] != expected[e * (size_t)g->n_output + (size_t)o]) return true;
    }
    return false;
}
