/* prove_network.h - a whole network, proven for all inputs: trained gates = programme = netlist = emitted Verilog.
 *
 *   trained -> programme   Of a logic gate network: the hardened gates, as trained, are those of the programme after
 *                          simplification, each by its whole truth table, and weigh the same in every sum.
 *   programme -> netlist   Sums are multiplied out over the elements of the tensor before (linear_form.h): every
 *                          coefficient is the programme's, every interval holds. Quantizers, comparators, gates and the tables
 *                          that count bits are claims that SAT decides (claims.h), each with its operand free within
 *                          its interval. Folding, merging, dropped bits and the half unit inside a sum
 *                          are thereby covered, whatever pass made them.
 *   netlist -> Verilog     The file that is handed over is cut at the wires of the nodes (cut.h). Every wire must
 *                          carry what the graph says of its operands, for all values of those: offsets, inverted
 *                          fields, chains of two and three operands, slices and saturation. Every pipeline register
 *                          must take the value before it, the output ports the score. With `cells` the branch for
 *                          7 series is proven, through Yosys' models of LUT6_2 and CARRY4.
 *   shared netlist         Hardware that positions share (share.h) is proven by its unfolding, which is the netlist above: in
 *                          every phase each shared node has the value of its copy there (sums multiplied out, rules by
 *                          SAT), and a schedule says, clock by clock and for all events of a stream, that every HOLD and
 *                          the output read the value of the right phase and event, before anything overwrites it.
 *                          The registered Verilog is then that of the shared netlist: phase counter, HOLD registers with
 *                          their enables, `valid`, everything, register by register.
 * The links compose: intervals are proven in the order of the graph, each from those before it. A claim that
 * needs more conflicts than allowed is open, and the table says so.
 */
#ifndef CB_HW_PROVE_NETWORK_H
#define CB_HW_PROVE_NETWORK_H

#include "hw/claims.h"
#include "hw/lowering.h"
#include "hw/share.h"

typedef struct {
    cb_claim_limits limits;
    const char *scratch; /* an existing folder for files of the tools */
} cb_prove_tools;

/* Values of the wires that node `node` reads for which its own wire is wrong; part as in cb_claim. */
enum { CB_PART_OUTPUT = -2, CB_PROOF_OPERANDS = 12 };
typedef struct {
    int32_t node;
    int part, n_operand;
    int32_t operand[CB_PROOF_OPERANDS];
    int64_t value[CB_PROOF_OPERANDS];
} cb_proof_example;

/* One link each; the caller frees *c also after a failure. -1: refuted (with the sentence; *x, if not NULL, is set where a wire
 * is wrong), or a tool failed. */
int cb_prove_layers(const cb_programme *programme, const cb_netlist *g, const cb_lowering *map, const cb_prove_tools *tools, cb_claims *c,
                    int64_t *sums) CB_MUST;
int cb_prove_nodes(const cb_netlist *g, bool comb, bool cells, const char *file, const cb_prove_tools *tools, cb_claims *c,
                   cb_proof_example *x) CB_MUST;

/* Shared netlist -> its unfolding `flat`; identities: what needed no solver. */
int cb_prove_phases(const cb_netlist *shared, const cb_netlist *flat, const cb_unfolding *u, const cb_prove_tools *tools, cb_claims *c,
                    int64_t *identities) CB_MUST;
/* The stages of the shared netlist; reads: HOLD nodes and outputs, which read the right value at the right time. */
int cb_prove_schedule(const cb_netlist *shared, const cb_unfolding *u, int64_t *reads) CB_MUST;

typedef struct {
    const char *from, *to, *method, *covers; /* covers: the passes of the compiler whose work the row proves */
    int64_t claims, proved, open, refuted;
} cb_proof_row;

enum { CB_PROOF_ROWS = 12 };
typedef struct {
    int n;
    cb_proof_row row[CB_PROOF_ROWS];
} cb_proof;

/* What was made of a programme, with the maps that say where everything went. */
typedef struct {
    const cb_programme *programme;
    const cb_netlist *net;
    const cb_lowering *map;     /* into net */
    const cb_netlist *shared;   /* pipelined; net is then its unfolding. NULL: none */
    const cb_unfolding *unfolding;
} cb_proof_subject;

/* All links of an emitted folder `dir` (with verilog/). Rows are filled as far as the proofs got. Fails where a claim is
 * refuted, and without Yosys and ABC. scratch is made and removed. */
int cb_prove_network(const cb_proof_subject *s, const char *dir, const cb_claim_limits *limits, const char *scratch, cb_proof *proof) CB_MUST;

/* The same for whoever has no maps: lowers again, to the same netlist. shared may be NULL. */
int cb_prove_student(const cb_programme *programme, const cb_netlist *net, const cb_netlist *shared, int extra_levels, const char *dir,
                     const cb_claim_limits *limits, const char *scratch, cb_proof *proof) CB_MUST;

/* A first row for a link that was proven before: hardened gates = programme (logic/student_proof.h), so many claims. */
void cb_proof_trained(cb_proof *proof, int64_t claims);

/* name, from, to, method, claims, proved, open, refuted, covers: a row a link, tab-separated. */
int cb_proof_write(const cb_proof *proof, const char *name, const char *path) CB_MUST;

#endif
