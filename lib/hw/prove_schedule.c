/* When which value stands where in shared hardware: clock by clock, for all events of a stream at once.
 *
 * prove_nodes.c proves of every wire what it carries in a clock, of what other wires carry in that clock, and of every
 * register what it takes at the next edge. Here these are put together: each node gets, for every clock of an
 * initiation interval, the event and the phase whose value it has. Event e holds the inputs in the clocks
 * e ii ... e ii + ii - 1; everything repeats after ii clocks with the next event, so that one interval says it
 * for all. A value made of two events or of two phases is nobody's; none may reach a HOLD or an output.
 * What event e + 1 does to registers that event e still needs is thereby seen. */
#include <stdlib.h>
#include <string.h>

#include "hw/prove_network.h"

typedef enum { ANYBODYS, WHOLE, OF_PHASE, NOBODYS } tag_kind; /* a constant; the same in all phases; of one phase; mixed */

typedef struct {
    uint8_t kind;
    int16_t phase;
    int32_t event; /* of the clocks 0 .. ii-1, in which event 0 holds the inputs */
} tag;

typedef struct {
    const cb_netlist *g;
    const cb_unfolding *u;
    tag *at; /* [g->n][ii] */
    int64_t reads;
} schedule;

/* Node n as it is read `late` clocks after it had the value, in clock t. */
static tag tag_read(const schedule *s, int32_t n, int late, int t) {
    int ii = s->g->ii, from = t - late, back = from < 0 ? (-from + ii - 1) / ii : 0;
    tag x = s->at[(size_t)n * (size_t)ii + (size_t)((from + back * ii) % ii)];
    x.event += from >= 0 ? from / ii : -back;
    return x;
}

static tag read_at(const schedule *s, int32_t n, int stage, int t) {
    const cb_node *x = &s->g->node[n];
    if (x->kind == CB_NODE_CONST) return (tag){.kind = ANYBODYS};
    if (stage < x->stage) return (tag){.kind = NOBODYS};
    return tag_read(s, n, stage - x->stage, t);
}

static tag both(tag x, tag y) {
    if (x.kind == NOBODYS || y.kind == ANYBODYS) return x;
    if (y.kind == NOBODYS || x.kind == ANYBODYS) return y;
    if (x.event != y.event || (x.kind == OF_PHASE && y.kind == OF_PHASE && x.phase != y.phase)) return (tag){.kind = NOBODYS};
    return x.kind == OF_PHASE ? x : y;
}

static tag tag_select(const schedule *s, const cb_node *x, int t) {
    int ii = s->g->ii, phase = ((t - x->stage) % ii + ii) % ii;
    tag from = read_at(s, phase >> x->phase & 1 ? x->b : x->a, x->stage, t);
    if (from.kind == NOBODYS || (from.kind == OF_PHASE && from.phase != phase)) return (tag){.kind = NOBODYS};
    return (tag){.kind = OF_PHASE, .phase = (int16_t)phase, .event = from.event};
}

static void tag_node(schedule *s, int32_t n) {
    const cb_node *x = &s->g->node[n];
    int ii = s->g->ii;
    for (int t = 0; t < ii; t++) {
        tag *to = &s->at[(size_t)n * (size_t)ii + (size_t)t];
        int32_t in[CB_GATE_INPUTS];
        *to = (tag){.kind = x->kind == CB_NODE_INPUT ? WHOLE : ANYBODYS};
        if (x->kind == CB_NODE_SELECT) *to = tag_select(s, x, t);
        else
            for (int k = cb_node_operands(x, in); k > 0; k--) *to = both(*to, read_at(s, in[k - 1], x->stage, t));
        /* a phase that nobody needs is not proven (prove_phases.c) */
        if (to->kind == OF_PHASE && to->phase >= s->u->copies[n]) to->kind = NOBODYS;
    }
}

/* Takes its operand in one clock of an interval, and has it from the next on for ii clocks. */
static int tag_hold(schedule *s, int32_t n) {
    const cb_node *x = &s->g->node[n];
    int ii = s->g->ii, stage = cb_node_read_stage(s->g, x), clock = cb_hold_clock(s->g, x);
    tag from = read_at(s, x->a, stage, clock);
    s->reads++;
    if (from.kind == NOBODYS) return cb_fail("node %d takes, in clock %d of an event, the value of node %d when it has none of one event and phase", (int)n, clock, (int)x->a);
    if (from.kind == OF_PHASE && from.phase != x->phase)
        return cb_fail("node %d takes the value of node %d of phase %d, %d expected", (int)n, (int)x->a, from.phase, x->phase);
    for (int t = clock + 1; t <= clock + ii; t++)
        s->at[(size_t)n * (size_t)ii + (size_t)(t % ii)] = (tag){.kind = WHOLE, .event = from.event - t / ii};
    return 0;
}

/* model_out takes the score of the event whose first clock was n_stage - 1 clocks ago. */
static int check_output(schedule *s, int o) {
    int last = s->g->n_stage - 1;
    tag x = read_at(s, s->g->output[o], last, last);
    s->reads++;
    if (x.kind == ANYBODYS || (x.kind == WHOLE && x.event == 0)) return 0;
    return cb_fail("output %d takes, %d clocks after the first of an event, %s", o, last,
                   x.kind == NOBODYS ? "a value of no one event" : x.kind == OF_PHASE ? "the value of one phase" : "that of another event");
}

int cb_prove_schedule(const cb_netlist *shared, const cb_unfolding *u, int64_t *reads) {
    schedule s = {.g = shared, .u = u, .at = cb_alloc((size_t)shared->n * (size_t)shared->ii + 1, sizeof *s.at)};
    int rc = s.at ? 0 : -1;
    for (int32_t n = 0; n < shared->n && !rc; n++) {
        if (shared->node[n].kind == CB_NODE_HOLD) rc = tag_hold(&s, n);
        else tag_node(&s, n);
    }
    for (int o = 0; o < shared->n_output && !rc; o++) rc = check_output(&s, o);
    *reads = s.reads;
    free(s.at);
    return rc ? cb_fail_in("schedule of shared netlist %s", shared->name) : 0;
}
