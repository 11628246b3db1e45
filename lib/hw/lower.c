/* Lowering: integer programme -> netlist.
 *
 * Tensors become arrays of nodes. A layer is one constant-matrix problem (a
 * convolution: one a position, solved once for equal input ranges and replayed).
 * Its bias, and the half unit of the rounding that follows, are one constant of the
 * adder tree; rounding to even then is a slice with bit 0 cleared at a tie
 * (netlist.h). With an initiation interval above 1 a group of positions is one
 * problem, whose inputs are multiplexers (share.h). */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "hw/chains.h"
#include "hw/cmvm.h"
#include "hw/lower_logic.h"
#include "hw/lowering.h"
#include "hw/prove.h"
#include "hw/share.h"

/* One solved problem, kept for positions that look the same. */
typedef struct solved {
    struct solved *next;
    int64_t *lo, *hi, *constant;
    int *exp, *level;
    cb_cmvm_graph graph;
} solved;

typedef struct {
    cb_netlist *g;
    const cb_op *op, *then; /* the linear operation, and the QUANT after it or NULL */
    const cb_lowering_rules *rules;
    int n_in, n_position, ii; /* ii: most positions a group */
    int clocks;             /* from one event to the next */
    int64_t *w;             /* [n_in][out_c] */
    solved *known;
    int *group;             /* [n_position] group of positions that share one set of adders */
    int n_group;
    bool *stands;           /* of the nodes there were before the layer; where something is shared */
    int32_t *node;          /* scratch of replay */
    int *exp;
} layer;

/* ---- what the following quantizer needs ---- */

static cb_format format_of(const cb_op *q, int64_t e) { return q->format[q->n_format == 1 ? 0 : e]; }

static bool relu_of(const cb_op *q, cb_format t) { return q->relu || (!t.k && q->overflow != CB_WRAP); }

/* Rounding mode of element e of q, given the bounds of what it rounds. */
static cb_round round_of(const cb_op *q, int64_t e, int64_t lo) {
    return relu_of(q, format_of(q, e)) || lo >= 0 ? cb_round_unsigned(q->round) : q->round;
}

/* The constant that element e = position * out_c + o gets for the rounding of l->then; 0 if
 * nothing is dropped there: every weight of o is a multiple of the result's unit. */
static int64_t rounding_constant(const layer *l, int64_t e, int o) {
    const cb_op *op = l->op, *q = l->then;
    if (!q || cb_format_width(format_of(q, e)) == 0) return 0;
    uint64_t any = op->bias ? (uint64_t)op->bias[o] << (op->out_frac - op->bias_frac) : 0;
    for (int i = 0; i < l->n_in; i++) any |= (uint64_t)l->w[(int64_t)i * op->out_c + o];
    int s = op->out_frac - format_of(q, e).f;
    if (s <= 0 || (any && __builtin_ctzll(any) >= s)) return 0;
    return cb_netlist_rounding(op->out_frac, format_of(q, e), round_of(q, e, op->lo[e]));
}

/* ---- one position ---- */

static void solved_free(solved *s) {
    if (!s) return;
    free(s->lo);
    free(s->hi);
    free(s->constant);
    free(s->exp);
    free(s->level);
    cb_cmvm_free(&s->graph);
    free(s);
}

static solved *solved_new(int n_in, int n_out) {
    solved *s = cb_alloc(1, sizeof *s);
    if (!s) return NULL;
    s->lo = cb_alloc((size_t)n_in, sizeof *s->lo);
    s->hi = cb_alloc((size_t)n_in, sizeof *s->hi);
    s->exp = cb_alloc((size_t)n_in, sizeof *s->exp);
    s->level = cb_alloc((size_t)n_in, sizeof *s->level);
    s->constant = cb_alloc((size_t)n_out, sizeof *s->constant);
    if (s->lo && s->hi && s->exp && s->level && s->constant) return s;
    return solved_free(s), NULL;
}

static bool same_problem(const solved *x, const solved *y, int n_in, int n_out) {
    size_t n = (size_t)n_in;
    return !memcmp(x->lo, y->lo, n * sizeof *x->lo) && !memcmp(x->hi, y->hi, n * sizeof *x->hi) &&
           !memcmp(x->exp, y->exp, n * sizeof *x->exp) && !memcmp(x->level, y->level, n * sizeof *x->level) &&
           !memcmp(x->constant, y->constant, (size_t)n_out * sizeof *x->constant);
}

/* Ranges of the inputs `in` and the constants of elements first...; in units of 2^-in_frac << exp. */
static int describe(const layer *l, const int32_t *in, int64_t first, solved *s) {
    const cb_op *op = l->op;
    for (int i = 0; i < l->n_in; i++) {
        const cb_node *x = &l->g->node[in[i]];
        int up = x->lo || x->hi ? op->in_frac - x->frac : 0;
        if (up < 0 || (up > 40 && x->lo != x->hi))
            return cb_fail("layer %s: input %d is %d binary places from the layer's unit, at most 40 expected", op->name, i, up);
        s->lo[i] = x->lo, s->hi[i] = x->hi, s->exp[i] = up, s->level[i] = x->level;
        if (x->lo == x->hi) { /* a constant */
            if (up + cb_node_width(x) > 48) return cb_fail("layer %s: input %d: constant out of range", op->name, i);
            s->lo[i] = s->hi[i] = x->lo * ((int64_t)1 << up);
            s->exp[i] = s->level[i] = 0;
        }
    }
    for (int o = 0; o < op->out_c; o++) {
        int64_t bias = op->bias ? op->bias[o] * ((int64_t)1 << (op->out_frac - op->bias_frac)) : 0;
        s->constant[o] = bias + rounding_constant(l, first + o, o);
    }
    return 0;
}

/* Node i of the graph in the netlist: l->node[i], whose value is the graph's times 2^l->exp[i]. */
static int replay_node(layer *l, const cb_cmvm_graph *c, int32_t i) {
    const cb_cmvm_node *x = &c->node[i];
    if (x->a < 0) {
        l->node[i] = cb_netlist_const(l->g, x->lo, l->op->out_frac);
        l->exp[i] = -l->op->out_frac;
        return l->node[i] < 0 ? -1 : 0;
    }
    int ea = l->exp[x->a], eb = l->exp[x->b];
    l->node[i] = cb_netlist_add(l->g, l->node[x->a], 0, l->node[x->b], x->sb - x->sa + ea - eb, x->sub);
    l->exp[i] = ea - x->sa;
    if (l->node[i] < 0) return -1;
    int up = l->exp[i] + l->g->node[l->node[i]].frac; /* to units of the node */
    int64_t lo = x->lo, hi = x->hi;
    if (up >= 0) lo *= (int64_t)1 << up, hi *= (int64_t)1 << up;
    else lo >>= -up, hi >>= -up; /* exact: the value has no lower bits */
    cb_netlist_narrow(l->g, l->node[i], lo, hi);
    return 0;
}

/* Outputs of one position: nodes of elements first... */
static int replay(layer *l, const cb_cmvm_graph *c, const int32_t *in, int32_t *out) {
    const cb_op *op = l->op;
    free(l->node);
    free(l->exp);
    l->node = cb_alloc((size_t)c->n + 1, sizeof *l->node);
    l->exp = cb_alloc((size_t)c->n + 1, sizeof *l->exp);
    if (!l->node || !l->exp) return -1;
    for (int i = 0; i < c->n_in; i++) l->node[i] = in[i], l->exp[i] = -l->g->node[in[i]].frac;
    for (int32_t i = c->n_in; i < c->n; i++)
        if (replay_node(l, c, i)) return -1;
    int32_t zero = cb_netlist_const(l->g, 0, 0);
    for (int o = 0; o < op->out_c; o++) {
        cb_cmvm_ref r = c->out[o];
        if (r.node < 0) {
            out[o] = zero;
            continue;
        }
        int shift = r.shift - op->out_frac - l->exp[r.node];
        int32_t n = r.neg ? cb_netlist_neg(l->g, l->node[r.node]) : l->node[r.node];
        out[o] = cb_netlist_add(l->g, n, shift, zero, 0, false);
    }
    return 0;
}

/* ---- which of several graphs ---- */

typedef struct {
    layer *l;
    const solved *s;
} trial;

/* The inputs of the layer as they are described, in a netlist of their own. */
static int trial_inputs(cb_netlist *g, const layer *l, const solved *s, int32_t *in) {
    for (int i = 0; i < l->n_in; i++) {
        int frac = l->op->in_frac - s->exp[i];
        in[i] = s->lo[i] == s->hi[i] ? cb_netlist_const(g, s->lo[i], frac) : cb_netlist_input(g, i);
        if (in[i] < 0) return -1;
        cb_node *x = &g->node[in[i]];
        if (x->kind == CB_NODE_INPUT) x->lo = s->lo[i], x->hi = s->hi[i], x->frac = (int16_t)frac;
    }
    return 0;
}

/* cb_cmvm_problem.judge: what the chains of the layer would cost, in cells and sites, as chains.h weighs them; without the
 * bits they may lend, for which most depends on registers that are not yet there. */
static int64_t worth(const cb_cmvm_graph *c, void *context) {
    const trial *t = context;
    int n_in = t->l->n_in, n_out = t->l->op->out_c;
    cb_netlist g = {.n_input = n_in, .input_bits = 1, .ternary = t->l->rules->ternary};
    layer l = {.g = &g, .op = t->l->op, .n_in = n_in};
    cb_chains plan = {0};
    int64_t weight = -1;
    int32_t *in = cb_alloc((size_t)n_in, sizeof *in);
    g.output = cb_alloc((size_t)n_out, sizeof *g.output);
    if (in && g.output && !trial_inputs(&g, &l, t->s, in) && !replay(&l, c, in, g.output)) {
        g.n_output = n_out;
        if (!cb_chains_plan(&g, true, &plan)) weight = 2 * plan.raw + plan.sites + 3 * plan.loans;
    }
    cb_chains_free(&plan);
    cb_netlist_free(&g);
    free(in), free(l.node), free(l.exp);
    return weight;
}

static const solved *solve(layer *l, const int32_t *in, int64_t first) {
    int n_out = l->op->out_c;
    solved *s = solved_new(l->n_in, n_out);
    if (!s || describe(l, in, first, s)) return solved_free(s), NULL;
    int others = 0;
    for (const solved *k = l->known; k; k = k->next, others++)
        if (same_problem(k, s, l->n_in, n_out)) return solved_free(s), k;
    trial t = {l, s};
    /* Only the first of a layer's problems is refined: where ranges differ from position to position there are dozens. */
    int effort = others || l->rules->effort < 0 ? 0 : l->rules->effort ? l->rules->effort : CB_LOWERING_EFFORT;
    cb_cmvm_problem p = {.n_in = l->n_in, .n_out = n_out, .w = l->w, .lo = s->lo, .hi = s->hi, .exp = s->exp,
                         .level = s->level, .constant = s->constant, .max_depth = l->rules->extra_levels, .judge = worth, .judge_context = &t,
                         .effort = effort};
    if (cb_cmvm_solve(&p, &s->graph) || cb_prove_matrix(&p, &s->graph)) {
        solved_free(s);
        cb_fail_in("layer %s", l->op->name);
        return NULL;
    }
    s->next = l->known;
    return l->known = s;
}

/* ---- layers ---- */

/* Quantizes element e of a linear layer, whose node holds the rounding constant. */
static int32_t quantize_sum(const layer *l, int32_t n, int64_t e, int o) {
    const cb_op *q = l->then;
    cb_format t = format_of(q, e);
    cb_round r = round_of(q, e, l->op->lo[e]);
    int64_t half = rounding_constant(l, e, o);
    if (n < 0) return -1;
    if (half && l->g->node[n].kind == CB_NODE_CONST) { /* no sum is left: round the constant itself */
        int32_t c = cb_netlist_const(l->g, half, l->op->out_frac);
        n = c < 0 ? -1 : cb_netlist_add(l->g, n, 0, c, 0, true);
        return cb_netlist_quant(l->g, n, t, q->round, q->overflow, q->relu);
    }
    if (half && r == CB_RND_CONV) return cb_netlist_quant_biased(l->g, n, t, q->overflow, q->relu);
    if (r == CB_RND || r == CB_RND_CONV || r == CB_RND_MIN_INF) /* the constant is in, or nothing is dropped */
        r = CB_TRN;
    return cb_netlist_quant(l->g, n, t, r, q->overflow, q->relu);
}

/* Nodes of the field of view of output position (y, x), in the order of the weights. */
static void field_of_view(const cb_op *op, const int32_t *in, int y, int x, int32_t *view) {
    for (int dy = 0; dy < op->kh; dy++)
        for (int dx = 0; dx < op->kw; dx++) {
            int64_t from = ((int64_t)(y * op->sy + dy) * op->in_w + x * op->sx + dx) * op->in_c;
            memcpy(view, in + from, (size_t)op->in_c * sizeof *view);
            view += op->in_c;
        }
}

/* A DENSE layer is a convolution with one position that sees everything. */
static void as_convolution(cb_op *op) {
    if (op->kind != CB_OP_DENSE) return;
    op->kh = op->in_h, op->kw = op->in_w, op->sy = op->sx = 1;
    op->out_h = op->out_w = 1;
}

/* ---- sharing: positions with like quantizers, at most ii a group ---- */

static bool alike(const layer *l, int p, int q) {
    int n = l->op->out_c;
    for (int o = 0; o < n && l->then; o++) {
        int64_t e = (int64_t)p * n + o, f = (int64_t)q * n + o;
        cb_format s = format_of(l->then, e), t = format_of(l->then, f);
        if (s.k != t.k || s.i != t.i || s.f != t.f || (l->op->lo[e] < 0) != (l->op->lo[f] < 0)) return false;
    }
    return true;
}

/* Groups are numbered by their first positions. */
static int make_groups(layer *l) {
    l->group = cb_alloc((size_t)l->n_position, sizeof *l->group);
    if (!l->group) return -1;
    for (int p = 0; p < l->n_position; p++) l->group[p] = -1;
    for (int p = 0; p < l->n_position; p++) {
        if (l->group[p] >= 0) continue;
        for (int q = p, n = 0; q < l->n_position && n < l->ii; q++)
            if (l->group[q] < 0 && (q == p || alike(l, p, q))) l->group[q] = l->n_group, n++;
        l->n_group++;
    }
    if (l->n_group == l->n_position) return 0;
    l->g->ii = l->clocks;
    cb_info("layer %s: %d positions in %d engines", l->op->name, l->n_position, l->n_group);
    return (l->stands = cb_netlist_standing(l->g)) ? 0 : -1;
}

/* The view of each of the positions (l->n_in nodes each, one after the other); view[0 ... n_in-1] receives what
 * the engine sees. */
static int share_views(layer *l, int n_position, int32_t *view) {
    int32_t *leaf = cb_alloc((size_t)n_position, sizeof *leaf);
    int rc = leaf ? 0 : -1;
    for (int i = 0; i < l->n_in && !rc; i++) {
        for (int p = 0; p < n_position && !rc; p++) {
            leaf[p] = view[(int64_t)p * l->n_in + i];
            if (!l->stands[leaf[p]] && (leaf[p] = cb_netlist_hold(l->g, leaf[p], -1)) < 0) rc = -1;
        }
        if (!rc && (view[i] = cb_netlist_select(l->g, n_position, leaf)) < 0) rc = -1;
    }
    free(leaf);
    return rc;
}

/* The sums, and their quantizers, of one group of positions, by way of view[n_position][n_in]. */
static int lower_group(layer *l, int group, const int32_t *in, int32_t *view, int32_t *out) {
    const cb_op *op = l->op;
    int n = 0, n_out = op->out_c, first = -1;
    for (int pos = 0; pos < l->n_position; pos++) {
        if (l->group[pos] != group) continue;
        field_of_view(op, in, pos / op->out_w, pos % op->out_w, view + (int64_t)n++ * l->n_in);
        if (first < 0) first = pos;
    }
    if (l->stands && share_views(l, n, view)) return -1;
    int32_t *sum = out + (int64_t)first * n_out;
    const solved *s = solve(l, view, (int64_t)first * n_out);
    if (!s || replay(l, &s->graph, view, sum)) return -1;
    for (int o = 0; o < n_out && l->then; o++)
        if ((sum[o] = quantize_sum(l, sum[o], (int64_t)first * n_out + o, o)) < 0) return -1;
    if (!l->stands) return 0;
    for (int pos = l->n_position - 1; pos >= first; pos--) { /* the first position last: it is where the sums are */
        if (l->group[pos] != group) continue;
        n--;
        for (int o = 0; o < n_out; o++)
            if ((out[(int64_t)pos * n_out + o] = cb_netlist_hold(l->g, sum[o], n)) < 0) return -1;
    }
    return 0;
}

static int lower_sums(layer *l, const int32_t *in, int32_t *out) {
    int32_t *view = cb_alloc((size_t)l->n_in * (size_t)l->ii, sizeof *view);
    int rc = view && !make_groups(l) ? 0 : -1;
    for (int group = 0; group < l->n_group && !rc; group++) rc = lower_group(l, group, in, view, out);
    free(view);
    return rc;
}

static int lower_linear(cb_netlist *g, const cb_op *op, const cb_op *then, const cb_lowering_rules *r, const int32_t *in, int32_t *out) {
    cb_op shape = *op;
    as_convolution(&shape);
    int n_position = shape.out_h * shape.out_w;
    layer l = {.g = g, .op = &shape, .then = then, .rules = r, .n_in = shape.kh * shape.kw * shape.in_c,
               .n_position = n_position, .ii = r->ii < n_position ? r->ii : n_position, .clocks = r->ii};
    size_t n = (size_t)l.n_in * (size_t)shape.out_c;
    int rc = -1;
    if ((l.w = cb_alloc(n, sizeof *l.w))) {
        for (size_t i = 0; i < n; i++) l.w[i] = op->w[i];
        rc = lower_sums(&l, in, out);
    }
    while (l.known) {
        solved *s = l.known;
        l.known = s->next;
        solved_free(s);
    }
    free(l.w);
    free(l.group);
    free(l.stands);
    free(l.node);
    free(l.exp);
    return rc;
}

static int lower_quant(cb_netlist *g, const cb_op *q, const int32_t *in, int32_t *out) {
    int64_t n = (int64_t)q->out_h * q->out_w * q->out_c;
    for (int64_t e = 0; e < n; e++)
        if ((out[e] = cb_netlist_quant(g, in[e], format_of(q, e), q->round, q->overflow, q->relu)) < 0) return -1;
    return 0;
}

static int64_t largest_tensor(const cb_programme *p) {
    int64_t most = (int64_t)p->input_h * p->input_w;
    for (int k = 0; k < p->n_op; k++) {
        int64_t n = (int64_t)p->op[k].out_h * p->op[k].out_w * p->op[k].out_c;
        if (n > most) most = n;
    }
    return most;
}

/* Every operation in turn; tensors alternate between x and y. */
static int lower_ops(cb_netlist *g, const cb_programme *p, const cb_lowering_rules *r, int32_t *x, int32_t *y, cb_lowering *map) {
    for (int i = 0; i < g->n_input; i++)
        if ((x[i] = cb_netlist_input(g, i)) < 0) return -1;
    for (int k = 0; k < p->n_op; k++) {
        const cb_op *op = &p->op[k], *next = k + 1 < p->n_op ? &p->op[k + 1] : NULL;
        if (op->kind == CB_OP_COMPARE || op->kind == CB_OP_LOGIC) {
            if (op->kind == CB_OP_LOGIC ? cb_lower_logic(g, op, x, y, map) : cb_lower_compare(g, op, x, y)) return -1;
        } else if (k && op[-1].kind == CB_OP_LOGIC && op->kind == CB_OP_DENSE) {
            if (cb_lower_bit_sums(g, op, x, y, map)) return -1;
        } else if (op->kind == CB_OP_QUANT) {
            if (lower_quant(g, op, x, y)) return -1;
        } else {
            const cb_op *then = next && next->kind == CB_OP_QUANT ? next : NULL;
            if (lower_linear(g, op, then, r, x, y)) return -1;
            k += then != NULL;
        }
        if (map && cb_lowering_tensor(map, g, p, k, y)) return -1;
        int32_t *t = x;
        x = y, y = t;
    }
    if (!(g->output = cb_alloc(1, sizeof *g->output))) return -1;
    g->output[0] = cb_netlist_align(g, x[0], CB_SCORE_FRAC);
    g->n_output = 1;
    return g->output[0] < 0 ? -1 : 0;
}

/* More phases than any layer has positions would only cost time. */
static int check_phases(const cb_programme *p, int ii) {
    int most = 0;
    const char *name = "";
    for (int k = 0; k < p->n_op; k++) {
        int n = p->op[k].kind == CB_OP_CONV2D ? p->op[k].out_h * p->op[k].out_w : 0;
        if (n > most) most = n, name = p->op[k].name;
    }
    if (most < 2 || ii <= most) return 0;
    return cb_fail("initiation interval %d: layer %s has %d positions to share, more phases gain nothing", ii, name, most);
}

static int lower(cb_netlist *g, const cb_programme *p, const cb_lowering_rules *rules, cb_lowering *map) {
    cb_lowering_rules r = *rules;
    if (r.ii < 1) r.ii = 1;
    memset(g, 0, sizeof *g);
    memcpy(g->name, p->name, sizeof g->name);
    g->n_input = p->input_h * p->input_w;
    g->input_bits = 10;
    g->ii = 1;
    g->ternary = r.ternary;
    size_t n = (size_t)largest_tensor(p);
    int32_t *x = cb_alloc(n, sizeof *x), *y = cb_alloc(n, sizeof *y);
    int rc = x && y && !check_phases(p, r.ii) ? lower_ops(g, p, &r, x, y, map) : -1;
    free(x);
    free(y);
    int32_t *to = NULL;
    if (!rc) rc = (to = cb_netlist_prune_to(g)) ? 0 : -1;
    if (!rc && map) cb_lowering_renumber(map, to);
    free(to);
    if (rc) {
        cb_netlist_free(g);
        return cb_fail_in("netlist of student '%s'", p->name);
    }
    return 0;
}

int cb_netlist_lower_by(cb_netlist *g, const cb_programme *p, const cb_lowering_rules *r, cb_lowering *map) {
    if (map) memset(map, 0, sizeof *map);
    int rc = lower(g, p, r, map);
    if (rc && map) cb_lowering_free(map);
    return rc;
}

int cb_netlist_lower_shared_map(cb_netlist *g, const cb_programme *p, int extra_levels, int ii, cb_lowering *map) {
    return cb_netlist_lower_by(g, p, &(cb_lowering_rules){.extra_levels = extra_levels, .ii = ii}, map);
}

int cb_netlist_lower_shared(cb_netlist *g, const cb_programme *p, int extra_levels, int ii) {
    return cb_netlist_lower_shared_map(g, p, extra_levels, ii, NULL);
}

int cb_netlist_lower_map(cb_netlist *g, const cb_programme *p, int extra_levels, cb_lowering *map) {
    return cb_netlist_lower_shared_map(g, p, extra_levels, 1, map);
}

int cb_netlist_lower(cb_netlist *g, const cb_programme *p, int extra_levels) { return cb_netlist_lower_map(g, p, extra_levels, NULL); }

int cb_netlist_from_programme(cb_netlist *g, const cb_programme *p) { return cb_netlist_lower(g, p, -1); }
