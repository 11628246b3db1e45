#include "quant/circuit_prove.h"

/* Signals of the new circuit that are free; every other value follows from them. */
enum { MOST = 2 * CB_GATE_INPUTS + 2 };
typedef struct {
    const cb_circuit *c;
    int n;
    int32_t signal[MOST];
    unsigned value; /* bit k: of signal[k] */
} cut;

static int place_of(const cut *x, int32_t signal) {
    for (int k = 0; k < x->n; k++)
        if (x->signal[k] == signal) return k;
    return -1;
}

static void cut_at(cut *x, int32_t signal) {
    if (signal >= 0 && place_of(x, signal) < 0) x->signal[x->n++] = signal;
}

/* ... at what the gate behind a signal reads, unless the signal itself is free. */
static void cut_behind(cut *x, int32_t signal) {
    if (signal < 0 || place_of(x, signal) >= 0) return;
    if (signal < x->c->n_input) {
        cut_at(x, signal);
        return;
    }
    const cb_gate *g = &x->c->gate[signal - x->c->n_input];
    for (int j = 0; j < g->k; j++) cut_at(x, g->in[j]);
}

static bool table_at(const cb_gate *g, unsigned index) { return g->table >> index & 1; }

static bool value_of(const cut *x, cb_circuit_literal l) {
    if (l.signal < 0) return l.invert;
    int k = place_of(x, l.signal);
    if (k >= 0) return (x->value >> k & 1) ^ l.invert;
    const cb_gate *g = &x->c->gate[l.signal - x->c->n_input];
    unsigned index = 0;
    for (int j = 0; j < g->k; j++) index = index << 1 | (x->value >> place_of(x, g->in[j]) & 1);
    return table_at(g, index) ^ l.invert;
}

/* An old gate over the literals of its inputs is the literal `now`. */
static bool gate_is(const cb_circuit *to, const cb_gate *g, const cb_circuit_literal *known, cb_circuit_literal now) {
    cut x = {.c = to};
    for (int j = 0; j < g->k; j++) cut_at(&x, known[g->in[j]].signal);
    cut_behind(&x, now.signal);
    for (x.value = 0; x.value < 1u << x.n; x.value++) {
        unsigned index = 0;
        for (int j = 0; j < g->k; j++) index = index << 1 | value_of(&x, known[g->in[j]]);
        if (table_at(g, index) != value_of(&x, now)) return false;
    }
    return true;
}

/* Two literals of the new circuit are the same function of what is before them. */
static bool same_function(const cb_circuit *to, cb_circuit_literal p, cb_circuit_literal q) {
    cut x = {.c = to};
    if (p.signal == q.signal) return p.invert == q.invert;
    if (q.signal > p.signal) {
        cb_circuit_literal t = p;
        p = q, q = t;
    }
    cut_behind(&x, p.signal); /* the later one, perhaps of the other */
    cut_behind(&x, q.signal);
    for (x.value = 0; x.value < 1u << x.n; x.value++)
        if (value_of(&x, p) != value_of(&x, q)) return false;
    return true;
}

int cb_circuit_prove_simplified(const cb_circuit *from, const cb_circuit *to, const cb_circuit_literal *known) {
    if (from->n_input != to->n_input || from->n_output != to->n_output) return cb_fail("circuit: simplified to other inputs or outputs");
    for (int32_t i = 0; i < from->n_input; i++)
        if (known[i].signal != i || known[i].invert) return cb_fail("circuit: input %d is simplified to something else", (int)i);
    for (int32_t g = 0; g < from->n; g++)
        if (!gate_is(to, &from->gate[g], known, known[from->n_input + g]))
            return cb_fail("circuit: gate %d is simplified to another function", (int)g);
    for (int32_t o = 0; o < from->n_output; o++)
        if (!same_function(to, known[from->output[o]], (cb_circuit_literal){to->output[o], 0}))
            return cb_fail("circuit: output %d is simplified to another function", (int)o);
    return 0;
}

int cb_circuit_prove_renumbered(const cb_circuit *from, const cb_circuit *to, const int32_t *numbers) {
    int32_t n = 0;
    for (int32_t g = 0; g < from->n; g++) {
        const cb_gate *x = &from->gate[g], *y = &to->gate[n];
        int32_t number = numbers[from->n_input + g];
        if (number < 0) continue;
        bool same = n < to->n && number == to->n_input + n && x->k == y->k && x->table == y->table;
        for (int j = 0; same && j < x->k; j++) same = numbers[x->in[j]] == y->in[j] && y->in[j] >= 0;
        if (!same) return cb_fail("circuit: gate %d is another with its new number", (int)g);
        n++;
    }
    for (int32_t i = 0, last = -1; i < from->n_input; i++) {
        if (numbers[i] >= 0 && (numbers[i] <= last || numbers[i] >= to->n_input)) return cb_fail("circuit: input %d has a number twice", (int)i);
        if (numbers[i] >= 0) last = numbers[i];
    }
    if (n != to->n || from->n_output != to->n_output) return cb_fail("circuit: %d gates are left, %d expected", (int)to->n, (int)n);
    for (int32_t o = 0; o < from->n_output; o++)
        if (numbers[from->output[o]] < 0 || to->output[o] != numbers[from->output[o]]) return cb_fail("circuit: output %d is another", (int)o);
    return 0;
}
