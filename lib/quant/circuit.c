/* Circuits: building, checking, the plain definition, files. Simplification: circuit_simplify.c. */
#include "quant/circuit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SIGNALS = 1 << 26 };

int cb_circuit_new(cb_circuit *c, int32_t n_input, int32_t n_output) {
    *c = (cb_circuit){.n_input = n_input, .n_output = n_output};
    if (n_input < 1 || n_output < 1 || n_input > MAX_SIGNALS || n_output > MAX_SIGNALS)
        return cb_fail("circuit with %d inputs and %d outputs: 1 to %d of each expected", n_input, n_output, MAX_SIGNALS);
    c->output = cb_alloc((size_t)n_output, sizeof *c->output);
    return c->output ? 0 : -1;
}

void cb_circuit_free(cb_circuit *c) {
    free(c->gate);
    free(c->output);
    *c = (cb_circuit){0};
}

int32_t cb_circuit_gate(cb_circuit *c, int k, const int32_t *in, uint64_t table) {
    if (k < 0 || k > CB_GATE_INPUTS) return cb_fail("gate with %d inputs: 0 to %d expected", k, CB_GATE_INPUTS);
    if (c->n >= MAX_SIGNALS - c->n_input) return cb_fail("circuit: more than %d signals", MAX_SIGNALS);
    if (c->n == c->room) {
        int32_t room = c->room ? 2 * c->room : 256;
        cb_gate *more = cb_realloc(c->gate, (size_t)room, sizeof *more);
        if (!more) return -1;
        c->gate = more, c->room = room;
    }
    cb_gate *g = &c->gate[c->n];
    *g = (cb_gate){.k = k, .table = k < 6 ? table & (((uint64_t)1 << (1 << k)) - 1) : table};
    for (int j = 0; j < CB_GATE_INPUTS; j++) g->in[j] = j < k ? in[j] : -1;
    for (int j = 0; j < k; j++)
        if (in[j] < 0 || in[j] >= c->n_input + c->n)
            return cb_fail("gate %d: input %d is signal %d, 0 to %d expected", c->n, j, in[j], c->n_input + c->n - 1);
    return c->n_input + c->n++;
}

int cb_circuit_check(const cb_circuit *c, const char *what) {
    for (int32_t g = 0; g < c->n; g++) {
        const cb_gate *q = &c->gate[g];
        if (q->k < 0 || q->k > CB_GATE_INPUTS)
            return cb_fail("%s: gate %d has %d inputs, 0 to %d expected", what, g, q->k, CB_GATE_INPUTS);
        for (int j = 0; j < q->k; j++)
            if (q->in[j] < 0 || q->in[j] >= c->n_input + g)
                return cb_fail("%s: gate %d: input %d is signal %d; an earlier one (0 to %d) expected", what, g, j, q->in[j],
                               c->n_input + g - 1);
        if (q->k < CB_GATE_INPUTS && q->table >> (1 << q->k))
            return cb_fail("%s: gate %d: its truth table has bits beyond the %d of %d inputs", what, g, 1 << q->k, q->k);
    }
    for (int32_t o = 0; o < c->n_output; o++)
        if (c->output[o] < 0 || c->output[o] >= c->n_input + c->n)
            return cb_fail("%s: output %d is signal %d, 0 to %d expected", what, o, c->output[o], c->n_input + c->n - 1);
    return 0;
}

int cb_circuit_copy(cb_circuit *to, const cb_circuit *from) {
    if (cb_circuit_new(to, from->n_input, from->n_output)) return -1;
    to->gate = cb_alloc((size_t)from->n + 1, sizeof *to->gate);
    if (!to->gate) return cb_circuit_free(to), -1;
    to->n = from->n, to->room = from->n + 1;
    if (from->n) memcpy(to->gate, from->gate, (size_t)from->n * sizeof *to->gate);
    memcpy(to->output, from->output, (size_t)from->n_output * sizeof *to->output);
    return 0;
}

void cb_circuit_trace(const cb_circuit *c, uint8_t *signal) {
    for (int32_t g = 0; g < c->n; g++) {
        const cb_gate *q = &c->gate[g];
        unsigned index = 0;
        for (int j = 0; j < q->k; j++) index = 2 * index + signal[q->in[j]];
        signal[c->n_input + g] = q->table >> index & 1;
    }
}

/* ---- files ---- */

int cb_circuit_write(const cb_circuit *c, cb_h5 *f, const char *group) {
    char name[64];
    int32_t *in = cb_alloc((size_t)c->n + 1, sizeof *in * CB_GATE_INPUTS);
    uint64_t *table = cb_alloc((size_t)c->n + 1, sizeof *table);
    uint64_t dims[2] = {(uint64_t)c->n, CB_GATE_INPUTS}, outputs[1] = {(uint64_t)c->n_output};
    int rc = in && table ? 0 : -1;
    for (int32_t g = 0; !rc && g < c->n; g++) {
        memcpy(in + (size_t)g * CB_GATE_INPUTS, c->gate[g].in, sizeof c->gate[g].in);
        table[g] = c->gate[g].table;
    }
    snprintf(name, sizeof name, "%s/gate_inputs", group);
    if (!rc) rc = cb_h5_write(f, name, CB_I32, 2, dims, in);
    snprintf(name, sizeof name, "%s/gate_table", group);
    if (!rc) rc = cb_h5_write(f, name, CB_U64, 1, dims, table);
    snprintf(name, sizeof name, "%s/outputs", group);
    if (!rc) rc = cb_h5_write(f, name, CB_I32, 1, outputs, c->output);
    free(in);
    free(table);
    return rc;
}

static int read_gates(cb_circuit *c, const int32_t *in, const uint64_t *table, int32_t n, const char *where) {
    for (int32_t g = 0; g < n; g++, in += CB_GATE_INPUTS) {
        int k = 0;
        while (k < CB_GATE_INPUTS && in[k] >= 0) k++;
        for (int j = k; j < CB_GATE_INPUTS; j++)
            if (in[j] != -1)
                return cb_fail("%s/gate_inputs: gate %d: entry %d is %d after a gap; -1 expected", where, g, j, in[j]);
        if (k < CB_GATE_INPUTS && table[g] >> (1 << k))
            return cb_fail("%s/gate_table: gate %d has bits beyond the %d of its %d inputs", where, g, 1 << k, k);
        if (cb_circuit_gate(c, k, in, table[g]) < 0) return cb_fail_in("%s", where);
    }
    return 0;
}

int cb_circuit_read(cb_circuit *c, int32_t n_input, cb_h5 *f, const char *group) {
    char name[64], where[512];
    uint64_t dims[2] = {0, CB_GATE_INPUTS}, outputs[1] = {0};
    *c = (cb_circuit){0};
    snprintf(where, sizeof where, "%s: %s", cb_h5_path(f), group);
    snprintf(name, sizeof name, "%s/outputs", group);
    int32_t *out = cb_h5_read(f, name, CB_I32, 1, outputs);
    snprintf(name, sizeof name, "%s/gate_inputs", group);
    int32_t *in = out ? cb_h5_read(f, name, CB_I32, 2, dims) : NULL;
    snprintf(name, sizeof name, "%s/gate_table", group);
    uint64_t *table = in ? cb_h5_read(f, name, CB_U64, 1, dims) : NULL;
    int rc = table ? 0 : -1;
    if (!rc && (dims[0] > MAX_SIGNALS || outputs[0] > MAX_SIGNALS || outputs[0] < 1))
        rc = cb_fail("%s: %llu gates and %llu outputs, at most %d of each and 1 output expected", where,
                     (unsigned long long)dims[0], (unsigned long long)outputs[0], MAX_SIGNALS);
    if (!rc) rc = cb_circuit_new(c, n_input, (int32_t)outputs[0]);
    if (!rc) rc = read_gates(c, in, table, (int32_t)dims[0], where);
    if (!rc) memcpy(c->output, out, (size_t)c->n_output * sizeof *out);
    if (!rc) rc = cb_circuit_check(c, where);
    free(out);
    free(in);
    free(table);
    if (rc) cb_circuit_free(c);
    return rc;
}
