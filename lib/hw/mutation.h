/* mutation.h - how many faults of a netlist the vectors of its test bench would see.
 *
 * A fault is one bit of one node stuck at 0, stuck at 1 or inverted, for the whole run. Faults
 * are put into the interpreter of the graph, one after the other, and the scores of the vectors
 * compared with those expected: caught if one differs. Bits that no vector can bring to the score (as the
 * top bits of intervals that are safe but not reached, or low bits that every rounding drops) survive.
 */
#ifndef CB_HW_MUTATION_H
#define CB_HW_MUTATION_H

#include "hw/netlist.h"

typedef struct {
    int32_t node;
    int bit;
    uint8_t kind; /* 0, 1: stuck at; 2: inverted */
} cb_fault;

typedef struct {
    int64_t tried, caught;
    int n_survivor;
    cb_fault survivor[8]; /* the first ones */
} cb_mutation;

/* n faults, drawn without favour from (seed, "mutation"), on n_event events. Threads. */
int cb_mutation_score(const cb_netlist *g, const uint16_t *et, const uint16_t *code, size_t n_event, int64_t n, uint64_t seed,
                      cb_mutation *m) CB_MUST;
/* Says in the log how many were caught, and the survivors. */
void cb_mutation_log(const cb_mutation *m, size_t n_event);
/* Scores with the fault (netlist_eval.c); stops behind the first event that differs from
 * `expected` and says whether there was one. value: scratch of cb_netlist_fault_room() bytes. */
bool cb_netlist_fault_seen(const cb_netlist *g, const cb_fault *f, const uint16_t *et, const uint16_t *expected, size_t n, void *value);
size_t cb_netlist_fault_room(const cb_netlist *g);

#endif
