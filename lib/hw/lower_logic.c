#include "hw/lower_logic.h"

#include <stdlib.h>

/* ---- comparators ---- */

/* Table of "the bits, as a number, are > t"; with low > 0 the last operand is "the lower bits are greater". */
static uint64_t greater_table(int n_bit, unsigned t, bool low) {
    uint64_t table = 0;
    for (unsigned i = 0; i < 1u << (n_bit + low); i++) {
        unsigned v = low ? i >> 1 : i;
        table |= (uint64_t)(v > t || (low && v == t && (i & 1))) << i;
    }
    return table;
}

/* Bits from..to-1 of x as operands, most significant first. */
static int operands(cb_netlist *g, int32_t x, int from, int to, int32_t *in) {
    for (int k = to - 1; k >= from; k--)
        if ((*in++ = cb_netlist_bit(g, x, k)) < 0) return -1;
    return 0;
}

/* Bits from..to-1 of x, as a number, greater than those of t: six bits in a table, five in each further one. */
static int32_t greater(cb_netlist *g, int32_t x, int from, int to, int64_t t) {
    int32_t in[CB_GATE_INPUTS];
    int n = to - from, middle = to - (CB_GATE_INPUTS - 1);
    if (n <= CB_GATE_INPUTS)
        return operands(g, x, from, to, in) ? -1 : cb_netlist_table(g, n, in, greater_table(n, (unsigned)(t >> from) & ((1u << n) - 1), false));
    int32_t low = greater(g, x, from, middle, t);
    if (low < 0 || operands(g, x, middle, to, in)) return -1;
    in[CB_GATE_INPUTS - 1] = low;
    return cb_netlist_table(g, CB_GATE_INPUTS, in,
                            greater_table(CB_GATE_INPUTS - 1, (unsigned)(t >> middle) & ((1u << (CB_GATE_INPUTS - 1)) - 1), true));
}

/* x, of `bits` bits, > t, all in units of x. */
static int32_t compare(cb_netlist *g, int32_t x, int bits, int64_t t) {
    int from = 0;
    if (t >> bits) return cb_netlist_const(g, 0, 0);
    while (from < bits && t >> from & 1) from++; /* they cannot decide */
    return greater(g, x, from, bits, t);
}

/* The value that node x holds > t * 2^-frac. */
static int32_t compare_value(cb_netlist *g, int32_t x, int64_t t, int frac) {
    const cb_node *a = &g->node[x];
    int up = a->frac - frac;
    if (a->lo < 0 || up > 30 || up < -62) return cb_fail("netlist %s: a comparison of a value with sign, or far off its threshold's unit", g->name);
    return compare(g, x, cb_node_width(a), up < 0 ? t >> -up : t << up);
}

/* x & mask > t, with a mask of at most six bits. */
static int32_t compare_masked(cb_netlist *g, int32_t x, int32_t mask, int32_t t) {
    int32_t in[CB_GATE_INPUTS], n = 0;
    uint64_t table = 0;
    for (int k = g->input_bits - 1; k >= 0; k--) {
        if (!(mask >> k & 1)) continue;
        if (n == CB_GATE_INPUTS) return cb_fail("netlist %s: a comparison under a mask of more than six bits, %d", g->name, mask);
        if ((in[n++] = cb_netlist_bit(g, x, k)) < 0) return -1;
    }
    if (n == 1 && t == 0) return in[0];
    for (int i = 0; i < 1 << n; i++) {
        int32_t v = 0, left = i; /* the digits of i at the places of the mask, lowest first */
        for (int k = 0; k < g->input_bits; k++)
            if (mask >> k & 1) v |= (left & 1) << k, left >>= 1;
        table |= (uint64_t)(v > t) << i;
    }
    return cb_netlist_table(g, n, in, table);
}

int cb_lower_compare(cb_netlist *g, const cb_op *op, const int32_t *in, int32_t *out) {
    for (int j = 0; j < op->out_c; j++)
        if ((out[j] = !op->mask                                 ? compare_value(g, in[op->source[j]], op->threshold[j], op->in_frac)
                      : op->mask[j] == (1 << g->input_bits) - 1 ? compare(g, in[op->source[j]], g->input_bits, op->threshold[j])
                                                                : compare_masked(g, in[op->source[j]], op->mask[j], op->threshold[j])) < 0)
            return -1;
    return 0;
}

/* ---- gates ---- */

int cb_lower_logic(cb_netlist *g, const cb_op *op, const int32_t *in, int32_t *out, cb_lowering *map) {
    const cb_circuit *c = &op->circuit;
    int32_t *signal = cb_alloc((size_t)c->n_input + (size_t)c->n, sizeof *signal);
    if (!signal) return -1;
    for (int32_t i = 0; i < c->n_input; i++) signal[i] = in[i];
    int rc = 0;
    for (int32_t i = 0; i < c->n && !rc; i++) {
        int32_t operand[CB_GATE_INPUTS];
        for (int j = 0; j < c->gate[i].k; j++) operand[j] = signal[c->gate[i].in[j]];
        signal[c->n_input + i] = cb_netlist_table(g, c->gate[i].k, operand, c->gate[i].table);
        rc = signal[c->n_input + i] < 0 ? -1 : 0;
    }
    for (int32_t o = 0; o < c->n_output && !rc; o++) out[o] = signal[c->output[o]];
    if (!rc && map) rc = cb_lowering_signals(map, g, signal, c->n_input + c->n);
    free(signal);
    return rc;
}

/* ---- weighted sums ---- */

typedef struct {
    int64_t w;
    int32_t node;
    int place; /* of the output: equal weights keep their order */
} bit;

/* By size of the weight, then sign: six neighbours make a number with few bits. */
static int by_weight(const void *p, const void *q) {
    const bit *a = p, *b = q;
    int64_t x = a->w < 0 ? -a->w : a->w, y = b->w < 0 ? -b->w : b->w;
    if (x != y) return x < y ? -1 : 1;
    if (a->w != b->w) return a->w < b->w ? -1 : 1;
    return (a->place > b->place) - (a->place < b->place);
}

/* sum of n <= 6 weighted bits less its least value, which goes to *least; units 2^-frac. */
static int32_t small_sum(cb_netlist *g, const bit *b, int n, int frac, int64_t *least) {
    int64_t value[64], most = 0;
    int32_t in[CB_GATE_INPUTS], sum = cb_netlist_const(g, 0, 0);
    *least = 0;
    for (int j = 0; j < n; j++) {
        in[j] = b[j].node;
        *least += b[j].w < 0 ? b[j].w : 0;
        most += b[j].w < 0 ? -b[j].w : b[j].w;
    }
    for (int i = 0; i < 1 << n; i++) {
        value[i] = -*least;
        for (int j = 0; j < n; j++) value[i] += i >> (n - 1 - j) & 1 ? b[j].w : 0;
    }
    for (int k = 0; most >> k; k++) {
        uint64_t table = 0;
        for (int i = 0; i < 1 << n; i++) table |= (uint64_t)(value[i] >> k & 1) << i;
        int32_t digit = cb_netlist_table(g, n, in, table);
        sum = digit < 0 ? -1 : cb_netlist_add(g, sum, 0, digit, k - frac, false);
        if (sum < 0) return -1;
    }
    if (g->node[sum].kind == CB_NODE_ADD && g->node[sum].frac == frac) cb_netlist_narrow(g, sum, 0, most);
    return sum;
}

/* n numbers -> one, the shortest and earliest first. */
static int32_t add_up(cb_netlist *g, int32_t *x, int n) {
    for (; n > 1; n--) {
        int pick[2] = {-1, -1};
        for (int i = 0; i < n; i++) {
            const cb_node *a = &g->node[x[i]];
            for (int p = 0; p < 2; p++) {
                const cb_node *b = pick[p] < 0 ? NULL : &g->node[x[pick[p]]];
                if (b && (a->level > b->level || (a->level == b->level && a->hi >= b->hi))) continue;
                if (p == 0) pick[1] = pick[0];
                pick[p] = i;
                break;
            }
        }
        int32_t sum = cb_netlist_add(g, x[pick[0]], 0, x[pick[1]], 0, false);
        if (sum < 0) return -1;
        int first = pick[0] < pick[1] ? pick[0] : pick[1], second = pick[0] + pick[1] - first;
        x[first] = sum;
        for (int i = second; i + 1 < n; i++) x[i] = x[i + 1];
    }
    return x[0];
}

static int note_group(cb_lowering *map, const cb_netlist *g, const bit *b, int n, int output, int32_t part, int64_t least) {
    cb_bit_group x = {.n = n, .output = output, .least = least, .number = cb_held_of(g, part)};
    for (int j = 0; j < n; j++) x.bit[j] = cb_held_of(g, b[j].node), x.weight[j] = b[j].w;
    return cb_lowering_group(map, &x);
}

/* Sum o of a DENSE on bits. b, part: scratch of in_c + 1. */
static int32_t one_sum(cb_netlist *g, const cb_op *op, int o, const int32_t *in, bit *b, int32_t *part, cb_lowering *map) {
    int32_t n = 0, parts = 0;
    int64_t constant = op->bias ? op->bias[o] * ((int64_t)1 << (op->out_frac - op->bias_frac)) : 0;
    for (int i = 0; i < op->in_c; i++) {
        int32_t w = op->w[(size_t)i * (size_t)op->out_c + (size_t)o];
        if (w) b[n++] = (bit){w, in[i], i};
    }
    if (n) qsort(b, (size_t)n, sizeof *b, by_weight);
    for (int32_t i = 0; i < n; i += CB_GATE_INPUTS) {
        int64_t least;
        int count = n - i < CB_GATE_INPUTS ? n - i : CB_GATE_INPUTS;
        part[parts] = small_sum(g, b + i, count, op->out_frac, &least);
        constant += least;
        if (part[parts] < 0 || (map && note_group(map, g, b + i, count, o, part[parts], least))) return -1;
        parts++;
    }
    if ((constant || !parts) && (part[parts++] = cb_netlist_const(g, constant, op->out_frac)) < 0) return -1;
    return add_up(g, part, parts);
}

int cb_lower_bit_sums(cb_netlist *g, const cb_op *op, const int32_t *in, int32_t *out, cb_lowering *map) {
    bit *b = cb_alloc((size_t)op->in_c + 1, sizeof *b);
    int32_t *part = cb_alloc((size_t)op->in_c + 1, sizeof *part);
    int rc = b && part ? 0 : -1;
    for (int o = 0; !rc && o < op->out_c; o++)
        if ((out[o] = one_sum(g, op, o, in, b, part, map)) < 0) rc = -1;
    free(b);
    free(part);
    return rc;
}
