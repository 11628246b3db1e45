/* Verilog-2001: one flat module, exact widths, every adder in a tiny module of its own
 * (addm, subm, add3) so that the synthesiser keeps it a carry chain (yosys.h).
 * Which bits a chain adds, and what its wires carry, is planned in chains.h; what the phases of a shared
 * netlist are, in share.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hw/chains.h"
#include "hw/emit_common.h"
#include "hw/prove.h"
#include "hw/share.h"

typedef struct {
    cb_text t;
    const cb_netlist *g;
    cb_chains plan;
    bool comb;
} printer;

static int stage_of(const printer *p, int32_t n) { return p->comb ? 0 : p->g->node[n].stage; }

/* ---- bits of values ---- */

/* A source of bits: a node as stage `stage` sees it, or a named wire. */
typedef struct {
    char name[40];
    int width;
    bool is_signed, is_const;
    int64_t value;
} source;

static source node_at(const printer *p, int32_t n, int stage) {
    const cb_node *x = &p->g->node[n];
    const cb_chain *w = &p->plan.chain[n];
    source s = {.width = w->width, .is_signed = w->is_signed, .is_const = x->kind == CB_NODE_CONST, .value = x->lo};
    if (stage == stage_of(p, n)) snprintf(s.name, sizeof s.name, "n%d", (int)n);
    else snprintf(s.name, sizeof s.name, "n%d_s%d", (int)n, stage);
    return s;
}

static void literal(cb_text *t, int64_t v, int width) {
    if (width < 64) v &= ((int64_t)1 << width) - 1;
    cb_text_add(t, "%d'h%llx", width, (unsigned long long)v);
}

/* Bits low ... low+width-1 of the endless two's complement form of s << shift, width > 0. */
static void bits(cb_text *t, const source *s, int shift, int low, int width) {
    int zeros = shift - low < 0 ? 0 : shift - low > width ? width : shift - low;
    int from = low - shift > 0 ? low - shift : 0, want = width - zeros;
    if (zeros == width) {
        literal(t, 0, width);
        return;
    }
    if (zeros) cb_text_put(t, "{");
    if (s->is_const) literal(t, s->value >> (from > 63 ? 63 : from), want);
    else {
        int have = s->width - from;
        have = have < 0 ? 0 : have > want ? want : have;
        int pad = want - have;
        if (pad && have) cb_text_put(t, "{");
        if (pad && s->is_signed) cb_text_add(t, "{%d{%s[%d]}}", pad, s->name, s->width - 1);
        else if (pad) literal(t, 0, pad);
        if (pad && have) cb_text_put(t, ", ");
        if (have == s->width) cb_text_put(t, s->name);
        else if (have == 1) cb_text_add(t, "%s[%d]", s->name, from);
        else if (have) cb_text_add(t, "%s[%d:%d]", s->name, from + have - 1, from);
        if (pad && have) cb_text_put(t, "}");
    }
    if (zeros) {
        cb_text_put(t, ", ");
        literal(t, 0, zeros);
        cb_text_put(t, "}");
    }
}

/* ---- nodes ---- */

/* Places from..to-1 of a vector, highest first, as a concatenation; with `turn` inverted,
 * with `plain` as if nothing were inverted. */
static void put_places(printer *p, int32_t i, const cb_chain *x, const cb_place *at, int from, int to, bool turn, bool plain) {
    cb_text *t = &p->t;
    cb_text_put(t, "{");
    for (int hi = to - 1, lo; hi >= from; hi = lo - 1) {
        const cb_place *first = &at[hi];
        if (hi < to - 1) cb_text_put(t, ", ");
        lo = hi;
        if (first->field < 0) {
            uint64_t v = 0;
            for (lo = hi + 1; lo > from && at[lo - 1].field < 0;) lo--;
            for (int k = hi; k >= lo; k--) v = v << 1 | (at[k].invert != turn);
            literal(t, (int64_t)v, hi - lo + 1);
            continue;
        }
        source s = node_at(p, x->field[first->field].node, stage_of(p, i));
        int step = 0; /* bits fall by one a place, or the sign bit repeats */
        if (lo > from && at[lo - 1].field == first->field && at[lo - 1].invert == first->invert) step = first->bit - at[lo - 1].bit;
        while (lo > from && at[lo - 1].field == first->field && at[lo - 1].invert == first->invert && at[lo].bit - at[lo - 1].bit == step) lo--;
        const char *mark = !plain && first->invert != turn ? "~" : "";
        if (hi > lo && !step) cb_text_add(t, "{%d{%s%s[%d]}}", hi - lo + 1, mark, s.name, first->bit);
        else if (hi > lo) cb_text_add(t, "%s%s[%d:%d]", mark, s.name, first->bit, at[lo].bit);
        else cb_text_add(t, "%s%s[%d]", mark, s.name, first->bit);
    }
    cb_text_put(t, "}");
}

static void put_mask(cb_text *t, const cb_place *at, int from, int to) {
    uint64_t v = 0;
    for (int k = from; k < to; k++) v |= (uint64_t)(at[k].field >= 0 && at[k].invert) << (k - from);
    cb_text_add(t, "64'h%llx", (unsigned long long)v);
}

/* The chain itself, places low..width-1, into the wires `y`. */
static void print_chain(printer *p, int32_t i, const cb_chain *x, cb_place (*v)[64], const char *y) {
    static const char *const letter[] = {"a", "b", "c"};
    cb_text *t = &p->t;
    int n = x->width - x->low, vectors = x->ternary ? 3 : 2;
    if (x->ternary) {
        cb_text_add(t, "  add3 #(.W(%d), .T(%d), .CI(%d), .KI(%d)", n, x->top - x->low, x->carry_in > 0, x->carry_in > 1);
        for (int k = 0; k < 3; k++) {
            cb_text_add(t, ", .I%c(", "ABC"[k]);
            put_mask(t, v[k], x->low, x->width);
            cb_text_put(t, ")");
        }
        cb_text_add(t, ") a%d (", (int)i);
    } else cb_text_add(t, "  %s #(%d) a%d (", x->carry_in ? "subm" : x->carry_node >= 0 ? "addc" : "addm", n, (int)i);
    if (x->carry_node >= 0) {
        source from = node_at(p, x->carry_node, stage_of(p, i));
        cb_text_add(t, ".ci(%s[%d]), ", from.name, x->carry_bit);
    }
    for (int k = 0; k < vectors; k++) {
        /* Yosys feeds the carry multiplexers from the b of a sum and the a of a difference; they want no inverted bits */
        cb_text_add(t, ".%s(", letter[x->ternary || x->carry_in ? k : 1 - k]);
        put_places(p, i, x, v[k], x->low, x->width, !x->ternary && k == 1 && x->carry_in, x->ternary);
        cb_text_put(t, "), ");
    }
    if (x->low) cb_text_add(t, ".y(%s%d[%d:%d]));\n", y, (int)i, x->width - 1, x->low);
    else cb_text_add(t, ".y(%s%d));\n", y, (int)i);
}

/* Adds x->correction to e<i>. */
static void print_correction(printer *p, int32_t i, const cb_chain *x) {
    cb_text *t = &p->t;
    int from = __builtin_ctzll(x->correction), n = x->width - from;
    if (from) cb_text_add(t, "  assign n%d[%d:0] = e%d[%d:0];\n", (int)i, from - 1, (int)i, from - 1);
    cb_text_add(t, "  addm #(%d) c%d (.a(e%d[%d:%d]), .b(", n, (int)i, (int)i, x->width - 1, from);
    literal(t, (int64_t)(x->correction >> from), n);
    cb_text_add(t, "), .y(n%d[%d:%d]));\n", (int)i, x->width - 1, from);
}

static void print_sum(printer *p, int32_t i) {
    const cb_chain *x = &p->plan.chain[i];
    cb_place v[CB_CHAIN_FIELDS][64];
    const char *y = x->correction ? "e" : "n";
    if (x->absorbed) return;
    cb_chain_vectors(&p->plan, x, v);
    cb_text_add(&p->t, "  wire [%d:0] n%d;\n", x->width - 1, (int)i);
    if (x->correction) cb_text_add(&p->t, "  wire [%d:0] e%d;\n", x->width - 1, (int)i);
    if (x->low) { /* at most one bit a place: whichever vector has it */
        cb_place wire[64];
        for (int at = 0; at < x->low; at++) {
            wire[at] = v[0][at];
            for (int k = 1; k < CB_CHAIN_FIELDS; k++)
                if (v[k][at].field >= 0 || v[k][at].invert) wire[at] = v[k][at];
        }
        cb_text_add(&p->t, "  assign %s%d[%d:0] = ", y, (int)i, x->low - 1);
        put_places(p, i, x, wire, 0, x->low, false, false);
        cb_text_put(&p->t, ";\n");
    }
    if (x->low < x->width && x->carry_node < 0) print_chain(p, i, x, v, y);
    if (x->correction) print_correction(p, i, x);
}

/* Chains whose carry input takes a bit, which may be declared only behind the chain's wires. */
static void print_borrowers(printer *p) {
    for (int32_t i = 0; i < p->g->n; i++) {
        const cb_chain *x = &p->plan.chain[i];
        cb_place v[CB_CHAIN_FIELDS][64];
        if (x->carry_node < 0) continue;
        cb_chain_vectors(&p->plan, x, v);
        print_chain(p, i, x, v, "n");
    }
}

/* Modes that round signed values towards or away from 0: a constant that depends on the sign is added first. */
static void print_signed_rounding(printer *p, int32_t i, int s, source *a) {
    const cb_node *x = &p->g->node[i];
    int64_t half = (int64_t)1 << (s - 1), negative = 0, positive = 0;
    if (x->round == CB_TRN_ZERO) negative = 2 * half - 1;
    if (x->round == CB_RND_INF) negative = half - 1, positive = half;
    if (x->round == CB_RND_ZERO) negative = half, positive = half - 1;
    int width = (a->width > s ? a->width : s) + 1;
    cb_text *t = &p->t;
    cb_text_add(t, "  wire [%d:0] r%d = ", width - 1, (int)i);
    bits(t, a, 0, 0, width);
    cb_text_add(t, " + (%s[%d] ? ", a->name, a->width - 1);
    literal(t, negative, width);
    cb_text_put(t, " : ");
    literal(t, positive, width);
    cb_text_put(t, ");\n");
    a->width = width;
    snprintf(a->name, sizeof a->name, "r%d", (int)i);
}

/* q<i>: the rounded value before overflow handling, with ReLU not yet applied; returns it. */
static source print_rounded(printer *p, int32_t i) {
    const cb_node *x = &p->g->node[i];
    cb_text *t = &p->t;
    source a = node_at(p, x->a, stage_of(p, i)), q = {.is_signed = a.is_signed};
    int s = p->g->node[x->a].frac - x->format.f;
    if (s > 0 && x->round != CB_TRN && x->round != CB_ROUND_EVEN_BIASED) print_signed_rounding(p, i, s, &a);
    q.width = a.width - s < 1 ? 1 : a.width - s;
    snprintf(q.name, sizeof q.name, "q%d", (int)i);
    cb_text_add(t, "  wire [%d:0] q%d = ", q.width - 1, (int)i);
    bits(t, &a, s < 0 ? -s : 0, s > 0 ? s : 0, q.width);
    if (s > 0 && x->round == CB_ROUND_EVEN_BIASED) { /* bit 0 goes at a tie */
        cb_text_add(t, " & {");
        if (q.width > 1) cb_text_add(t, "{%d{1'b1}}, ", q.width - 1);
        cb_text_put(t, "|");
        bits(t, &a, 0, 0, s);
        cb_text_put(t, "}");
    }
    cb_text_put(t, ";\n");
    return q;
}

/* Conditions "above the format" and "below the format" of a signed or unsigned q with b magnitude bits. */
static void print_saturation(printer *p, int32_t i, const source *q, bool relu) {
    const cb_node *x = &p->g->node[i];
    cb_text *t = &p->t;
    int b = x->format.i + x->format.f, width = cb_node_width(x), sign = q->width - 1;
    int top = q->is_signed ? sign : q->width; /* magnitude bits of q */
    b = b < 0 ? 0 : b;
    cb_text_add(t, "  wire above%d = ", (int)i);
    if (q->is_signed) cb_text_add(t, "~q%d[%d] & ", (int)i, sign);
    if (top > b) cb_text_add(t, "|q%d[%d:%d];\n", (int)i, top - 1, b);
    else cb_text_put(t, "1'b0;\n");
    bool below = q->is_signed && !relu;
    if (below) {
        cb_text_add(t, "  wire below%d = q%d[%d] & (", (int)i, (int)i, sign);
        if (top > b) cb_text_add(t, "~&q%d[%d:%d]", (int)i, top - 1, b);
        else cb_text_put(t, "1'b0");
        if (x->overflow == CB_SAT_SYM && b) {
            source low = *q;
            cb_text_put(t, " | ~|");
            bits(t, &low, 0, 0, b);
        } else if (x->overflow == CB_SAT_SYM) cb_text_put(t, " | 1'b1");
        cb_text_put(t, ");\n");
    }
    cb_text_add(t, "  wire [%d:0] n%d = ", width - 1, (int)i);
    if (relu && q->is_signed) cb_text_add(t, "{%d{~q%d[%d]}} & ", width, (int)i, sign);
    if (below) {
        cb_text_add(t, "below%d ? ", (int)i);
        literal(t, cb_format_min(x->format, (cb_overflow)x->overflow), width);
        cb_text_add(t, " : above%d ? ", (int)i);
        literal(t, cb_format_max(x->format), width);
        cb_text_put(t, " : ");
        bits(t, q, 0, 0, width);
    } else {
        cb_text_add(t, "({%d{above%d}} | ", width, (int)i);
        bits(t, q, 0, 0, width);
        cb_text_put(t, ")");
    }
    cb_text_put(t, ";\n");
}

static void print_quant(printer *p, int32_t i) {
    const cb_node *x = &p->g->node[i];
    source q = print_rounded(p, i);
    if (x->overflow != CB_WRAP) {
        print_saturation(p, i, &q, x->relu);
        return;
    }
    int width = cb_node_width(x);
    cb_text_add(&p->t, "  wire [%d:0] n%d = ", width - 1, (int)i);
    if (x->relu && q.is_signed) cb_text_add(&p->t, "{%d{~q%d[%d]}} & ", width, (int)i, q.width - 1);
    bits(&p->t, &q, 0, 0, width);
    cb_text_put(&p->t, ";\n");
}

/* Entries first .. first + 2^k - 1 of a table as a function of its last k operands: choices that the
 * synthesiser maps as it likes. */
static void put_choice(printer *p, int32_t i, int k, unsigned first) {
    const cb_node *x = &p->g->node[i];
    cb_text *t = &p->t;
    uint64_t mask = k < 6 ? ((uint64_t)1 << (1u << k)) - 1 : ~(uint64_t)0, part = x->table >> first & mask;
    int half = k ? 1 << (k - 1) : 0;
    uint64_t low = k ? part & (((uint64_t)1 << half) - 1) : 0, high = k ? part >> half : 0;
    source s = node_at(p, x->in[k ? x->n_in - k : 0], stage_of(p, i));
    if (part == 0 || part == mask) cb_text_add(t, "1'b%d", part != 0);
    else if (low == high) put_choice(p, i, k - 1, first);
    else if (k == 1) cb_text_add(t, high ? "%s" : "~%s", s.name);
    else {
        cb_text_add(t, "(%s ? ", s.name);
        put_choice(p, i, k - 1, first + (unsigned)half);
        cb_text_put(t, " : ");
        put_choice(p, i, k - 1, first);
        cb_text_put(t, ")");
    }
}

static void print_table(printer *p, int32_t i) {
    cb_text_add(&p->t, "  wire [0:0] n%d = ", (int)i);
    put_choice(p, i, p->g->node[i].n_in, 0);
    cb_text_put(&p->t, ";\n");
}

/* ---- phases ---- */

/* Bits of the phase in stage s: the counter as it was s clocks ago. */
static void print_select(printer *p, int32_t i) {
    const cb_node *x = &p->g->node[i];
    cb_text *t = &p->t;
    int s = x->stage, width = cb_node_width(x), late = s % p->g->ii;
    source a = node_at(p, x->a, s), b = node_at(p, x->b, s);
    cb_text_add(t, "  wire [%d:0] n%d = phase", width - 1, (int)i);
    if (late) cb_text_add(t, "_s%d", late);
    cb_text_add(t, "[%d] ? ", x->phase);
    bits(t, &b, x->sb, 0, width);
    cb_text_put(t, " : ");
    bits(t, &a, x->sa, 0, width);
    cb_text_put(t, ";\n");
}

/* The phase counter and its delayed copies. */
static void print_phase(printer *p) {
    const cb_netlist *g = p->g;
    cb_text *t = &p->t;
    int top = cb_netlist_phase_bits(g) - 1, late = cb_netlist_phase_delay(g);
    cb_text_add(t, "  // clocks since the first one of the event at the inputs\n  reg [%d:0] phase;\n", top);
    cb_text_add(t, "  always @(posedge clk) phase <= sync || phase == %d ? 0 : phase + 1'b1;\n", g->ii - 1);
    for (int k = 1; k <= late; k++)
        cb_text_add(t, "  reg [%d:0] phase_s%d;\n  always @(posedge clk) phase_s%d <= phase%s%.0d;\n", top, k, k, k > 1 ? "_s" : "", k - 1);
}

static void print_holds(printer *p) {
    for (int32_t i = 0; i < p->g->n; i++) {
        const cb_node *x = &p->g->node[i];
        if (x->kind != CB_NODE_HOLD) continue;
        source a = node_at(p, x->a, cb_node_read_stage(p->g, x));
        cb_text_add(&p->t, "    if (phase == %d) n%d <= ", cb_hold_clock(p->g, x), (int)i);
        bits(&p->t, &a, 0, 0, p->plan.chain[i].width);
        cb_text_put(&p->t, ";\n");
    }
}

static void print_node(printer *p, int32_t i) {
    const cb_node *x = &p->g->node[i];
    switch (x->kind) {
    case CB_NODE_INPUT:
        cb_text_add(&p->t, "  wire [%d:0] n%d = model_inp[%d:%d];\n", p->g->input_bits - 1, (int)i,
                    (x->a + 1) * p->g->input_bits - 1, x->a * p->g->input_bits);
        break;
    case CB_NODE_CONST: break; /* a literal wherever it is used */
    case CB_NODE_ADD:
    case CB_NODE_NEG: print_sum(p, i); break;
    case CB_NODE_TABLE: print_table(p, i); break;
    case CB_NODE_SELECT: print_select(p, i); break;
    case CB_NODE_HOLD: cb_text_add(&p->t, "  reg [%d:0] n%d;\n", p->plan.chain[i].width - 1, (int)i); break;
    default: print_quant(p, i);
    }
}

/* ---- registers ---- */

int32_t *cb_verilog_last_stages(const cb_netlist *g) {
    int32_t *last = cb_alloc((size_t)g->n + 1, sizeof *last);
    for (int32_t i = 0; last && i < g->n; i++) {
        const cb_node *x = &g->node[i];
        int32_t in[CB_GATE_INPUTS];
        int at = cb_node_read_stage(g, x);
        for (int k = cb_node_operands(x, in) - 1; k >= 0; k--)
            if (at > last[in[k]]) last[in[k]] = at;
    }
    for (int o = 0; last && o < g->n_output; o++) last[g->output[o]] = g->n_stage - 1;
    return last;
}

/* Delayed copies: their declarations, or the assignments of the clocked block. */
static void print_copies(printer *p, const int32_t *last, bool declare) {
    for (int32_t i = 0; i < p->g->n; i++) {
        const cb_node *x = &p->g->node[i];
        for (int s = x->stage + 1; x->kind != CB_NODE_CONST && s <= last[i]; s++) {
            source before = node_at(p, i, s - 1);
            if (declare) cb_text_add(&p->t, "  reg [%d:0] n%d_s%d;\n", before.width - 1, (int)i, s);
            else cb_text_add(&p->t, "    n%d_s%d <= %s;\n", (int)i, s, before.name);
        }
    }
}

/* ---- the module ---- */

static void print_outputs(printer *p) {
    const cb_netlist *g = p->g;
    bool shared = !p->comb && g->ii > 1;
    if (shared) cb_text_add(&p->t, "    valid <= phase == %d;\n", (g->n_stage - 1) % g->ii);
    for (int o = 0; o < g->n_output; o++) {
        source s = node_at(p, g->output[o], p->comb ? 0 : g->n_stage - 1);
        int high = (o + 1) * CB_SCORE_BITS - 1, low = o * CB_SCORE_BITS;
        if (shared) cb_text_add(&p->t, "    if (phase == %d) model_out[%d:%d] <= ", (g->n_stage - 1) % g->ii, high, low);
        else cb_text_add(&p->t, p->comb ? "  assign model_out[%d:%d] = " : "    model_out[%d:%d] <= ", high, low);
        bits(&p->t, &s, 0, 0, CB_SCORE_BITS);
        cb_text_put(&p->t, ";\n");
    }
}

/* a + b + c with inverted bits IA, IB, IC, and CI + KI ones at place 0. From place T on there is
 * at most one bit beside the last saved carry. CB_XC7: one LUT6_2 a place, O6 the sum with the
 * carry saved one place below, O5 the carry saved here. */
static const char add3_text[] =
    "// Three operands in one carry chain. CB_XC7 (7 series and later): LUT6_2 and CARRY4; else left to the tool.\n"
    "module add3 #(parameter W = 3, T = 3, CI = 0, KI = 0, parameter [63:0] IA = 0, IB = 0, IC = 0)\n"
    "  (input [W-1:0] a, input [W-1:0] b, input [W-1:0] c, output [W-1:0] y);\n"
    "`ifdef CB_XC7\n"
    "  function [7:0] majority(input [2:0] invert);\n"
    "    integer n;\n"
    "    for (n = 0; n < 8; n = n + 1)\n"
    "      majority[n] = ((n[0] ^ invert[0]) & (n[1] ^ invert[1])) | ((n[0] ^ invert[0]) & (n[2] ^ invert[2])) | ((n[1] ^ invert[1]) & (n[2] ^ invert[2]));\n"
    "  endfunction\n"
    "  localparam N = (W + 3) / 4;\n"
    "  wire [W:0] k;\n"
    "  wire [4*N-1:0] s, d, o, co;\n"
    "  assign k[0] = KI != 0;\n"
    "  genvar i;\n"
    "  generate\n"
    "    for (i = 0; i < 4 * N; i = i + 1) begin : place\n"
    "      if (i < T) begin\n"
    "        LUT6_2 #(.INIT({{2{IA[i] ^ IB[i] ^ IC[i] ? 16'h9669 : 16'h6996}}, {4{majority({IC[i], IB[i], IA[i]})}}}))\n"
    "          l (.I0(a[i]), .I1(b[i]), .I2(c[i]), .I3(k[i]), .I4(1'b0), .I5(1'b1), .O5(k[i+1]), .O6(s[i]));\n"
    "      end else if (i < W) begin\n"
    "        assign k[i+1] = 1'b0;\n"
    "        assign s[i] = (a[i] ^ IA[i]) ^ (b[i] ^ IB[i]) ^ (c[i] ^ IC[i]) ^ k[i];\n"
    "      end else assign s[i] = 1'b0;\n"
    "      if (i < W) assign d[i] = k[i];\n"
    "      else assign d[i] = 1'b0;\n"
    "    end\n"
    "    for (i = 0; i < N; i = i + 1) begin : block\n"
    "      if (i == 0) CARRY4 f (.CI(1'b0), .CYINIT(CI != 0), .DI(d[3:0]), .S(s[3:0]), .O(o[3:0]), .CO(co[3:0]));\n"
    "      else CARRY4 f (.CI(co[4*i-1]), .CYINIT(1'b0), .DI(d[4*i+3:4*i]), .S(s[4*i+3:4*i]), .O(o[4*i+3:4*i]), .CO(co[4*i+3:4*i]));\n"
    "    end\n"
    "  endgenerate\n"
    "  assign y = o[W-1:0];\n"
    "`else\n"
    "  assign y = (a ^ IA[W-1:0]) + (b ^ IB[W-1:0]) + (c ^ IC[W-1:0]) + (CI != 0) + (KI != 0);\n"
    "`endif\n"
    "endmodule\n\n";

static void print_head(printer *p, const char *module) {
    const cb_netlist *g = p->g;
    cb_text *t = &p->t;
    cb_text_add(t, "// %s: score of one event; see README.md for ports and timing.\n", module);
    cb_text_put(t, "// One adder a module: kept as one carry chain by synthesis.\n"
                   "module addm #(parameter W = 1) (input [W-1:0] a, input [W-1:0] b, output [W-1:0] y);\n"
                   "  assign y = a + b;\nendmodule\n\n"
                   "module subm #(parameter W = 1) (input [W-1:0] a, input [W-1:0] b, output [W-1:0] y);\n"
                   "  assign y = a - b;\nendmodule\n\n");
    if (p->plan.loans) cb_text_put(t, "// ... with a carry: the bit twice below the lowest place needs no LUT.\n"
                   "module addc #(parameter W = 1) (input [W-1:0] a, input [W-1:0] b, input ci, output [W-1:0] y);\n"
                   "  wire [W:0] s = {a, ci} + {b, ci};\n  assign y = s[W:1];\nendmodule\n\n");
    if (p->g->ternary) cb_text_put(t, add3_text);
    cb_text_add(t, "module %s (\n", module);
    if (!p->comb) cb_text_put(t, "  input clk,\n");
    if (g->ii > 1) cb_text_put(t, "  input sync,\n  output reg valid,\n");
    cb_text_add(t, "  input [%d:0] model_inp,\n", g->n_input * g->input_bits - 1);
    cb_text_add(t, "  output %s[%d:0] model_out\n);\n", p->comb ? "" : "reg ", g->n_output * CB_SCORE_BITS - 1);
}

int cb_verilog_module(const cb_netlist *g, bool comb, const char *dir, const char *file) {
    printer p = {.g = g, .comb = comb || !g->n_stage};
    char module[80];
    if (p.comb && g->ii > 1) return cb_fail("netlist %s: shared hardware needs registers", g->name);
    cb_emit_identifier(g->name, module);
    if (p.comb) strcat(module, "_comb");
    int32_t *last = cb_verilog_last_stages(g);
    if (!last || cb_chains_plan(g, p.comb, &p.plan) || cb_prove_chains(g, &p.plan)) return free(last), cb_chains_free(&p.plan), -1;
    print_head(&p, module);
    if (g->ii > 1) print_phase(&p);
    if (!p.comb) print_copies(&p, last, true);
    for (int32_t i = 0; i < g->n; i++) print_node(&p, i);
    print_borrowers(&p);
    if (!p.comb) {
        cb_text_put(&p.t, "  always @(posedge clk) begin\n");
        print_holds(&p);
        print_copies(&p, last, false);
    }
    print_outputs(&p);
    cb_text_put(&p.t, p.comb ? "endmodule\n" : "  end\nendmodule\n");
    free(last);
    cb_chains_free(&p.plan);
    return cb_text_write(&p.t, dir, file);
}
