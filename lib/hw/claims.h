/* claims.h - statements about bits that must hold for every input, decided by SAT.
 *
 * A claim is a literal `bad` of an and-inverter graph that must be 0 whatever the inputs are. ABC (yosys-abc)
 * decides each alone: proved (no input sets it), refuted (with an input that does), or
 * open, when the limit of conflicts is reached. The limit counts conflicts, not seconds: the same
 * answers on every machine. Wall clock and memory are limited too; if one of them ends a tool, that is an error of
 * the tool, with its last lines. Claims of the same logic (the positions of a convolution) are decided once.
 */
#ifndef CB_HW_CLAIMS_H
#define CB_HW_CLAIMS_H

#include "hw/aig.h"

typedef enum { CB_CLAIM_OPEN, CB_CLAIM_PROVED, CB_CLAIM_REFUTED } cb_verdict;

typedef struct {
    cb_lit bad;
    int32_t subject; /* what is claimed of, as the maker of the claim counts: a node, an element */
    int part;        /* of the subject, e.g. the stage of a register, or -1 */
    cb_verdict verdict;
} cb_claim;

typedef struct {
    cb_aig aig;
    int64_t n, room;
    cb_claim *claim;
    /* after cb_claims_decide */
    int64_t proved, refuted, open, distinct; /* distinct: cones that were given to the solver */
    int64_t first_refuted;                   /* -1: none */
    uint8_t *counterexample;                 /* value of each input of the graph that refutes it; NULL if none */
} cb_claims;

typedef struct {
    int64_t conflicts;  /* for each claim */
    double wall_s;      /* of one tool */
    int64_t memory_mib;
} cb_claim_limits;

int cb_claims_begin(cb_claims *c, uint32_t n_in) CB_MUST;
int cb_claim_add(cb_claims *c, cb_lit bad, int32_t subject, int part) CB_MUST;
/* Decides all; scratch files go under `scratch`, which exists. */
int cb_claims_decide(cb_claims *c, const cb_claim_limits *limits, const char *scratch) CB_MUST;
/* Are the tools installed? */
bool cb_claims_possible(void);
void cb_claims_free(cb_claims *c);

/* Verilog -> its logic: the combinational module `top` with one input and one output vector.
 * cells: it uses those of 7 series (CB_XC7 is defined, Yosys' models are read). */
int cb_claims_import_verilog(cb_claims *c, const char *text, const char *top, bool cells, const cb_lit *in, uint32_t n_in,
                             cb_lit *out, uint32_t n_out, const cb_claim_limits *limits, const char *scratch) CB_MUST;

#endif
