#include "hw/claims.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "hw/process.h"

int cb_claims_begin(cb_claims *c, uint32_t n_in) {
    *c = (cb_claims){.first_refuted = -1};
    return cb_aig_begin(&c->aig, n_in);
}

int cb_claim_add(cb_claims *c, cb_lit bad, int32_t subject, int part) {
    if (c->n == c->room) {
        int64_t room = c->room ? 2 * c->room : 256;
        cb_claim *claim = cb_realloc(c->claim, (size_t)room, sizeof *claim);
        if (!claim) return -1;
        c->claim = claim, c->room = room;
    }
    c->claim[c->n++] = (cb_claim){.bad = bad, .subject = subject, .part = part};
    return 0;
}

void cb_claims_free(cb_claims *c) {
    cb_aig_free(&c->aig);
    free(c->claim);
    free(c->counterexample);
    memset(c, 0, sizeof *c);
}

bool cb_claims_possible(void) { return cb_process_exists("yosys") && cb_process_exists("yosys-abc"); }

static int run_tool(const char *const *argv, const cb_claim_limits *limits, const char *scratch, cb_process_end *end) {
    cb_process p = {.argv = argv, .dir = scratch, .wall_s = limits->wall_s, .memory_mib = limits->memory_mib};
    return cb_process_run(&p, end);
}

/* ---- cones ---- */

/* The logic of one claim with variables numbered as they are met: equal claims of different places
 * become the same list. in: variables of the graph that are its inputs. */
typedef struct {
    uint32_t n_in, n_and, room_in, room_and;
    uint32_t *in;
    cb_lit (*and)[2]; /* operands: 2 * k for input k, 2 * (CONE_ANDS + k) for and k; + 1 inverted */
    cb_lit root;
    cb_verdict verdict;
} cone;

enum { CONE_ANDS = 1 << 28 };

typedef struct {
    const cb_aig *a;
    uint32_t *number; /* of a variable in the cone at hand, + 1; 0 = not met */
    uint32_t *met, n_met, *stack;
} walker;

static void cone_free(cone *x) {
    free(x->in);
    free(x->and);
}

static bool cone_input(cone *x, uint32_t v) {
    if (x->n_in == x->room_in) {
        uint32_t room = x->room_in ? 2 * x->room_in : 16, *in = cb_realloc(x->in, room, sizeof *in);
        if (!in) return false;
        x->in = in, x->room_in = room;
    }
    x->in[x->n_in++] = v;
    return true;
}

static bool cone_and(cone *x, cb_lit p, cb_lit q) {
    if (x->n_and == x->room_and) {
        uint32_t room = x->room_and ? 2 * x->room_and : 64;
        cb_lit(*and)[2] = cb_realloc(x->and, room, sizeof *and);
        if (!and) return false;
        x->and = and, x->room_and = room;
    }
    x->and[x->n_and][0] = p, x->and[x->n_and++][1] = q;
    return true;
}

/* Depth first, operands in their order. */
static int extract(walker *w, cb_lit bad, cone *x) {
    const cb_aig *a = w->a;
    uint32_t top = 0;
    bool ok = true;
    *x = (cone){0};
    w->n_met = 0;
    w->stack[top++] = bad / 2;
    while (top && ok) {
        uint32_t v = w->stack[top - 1];
        if (w->number[v]) {
            top--;
            continue;
        }
        if (v <= a->n_in) {
            w->number[v] = x->n_in + 1;
            ok = cone_input(x, v);
        } else {
            uint32_t p = a->in[v][0] / 2, q = a->in[v][1] / 2;
            if (!w->number[p] || !w->number[q]) {
                if (!w->number[q]) w->stack[top++] = q;
                if (!w->number[p]) w->stack[top++] = p;
                continue;
            }
            cb_lit l = 2 * (w->number[p] - 1) | (a->in[v][0] & 1), r = 2 * (w->number[q] - 1) | (a->in[v][1] & 1);
            w->number[v] = CONE_ANDS + x->n_and + 1;
            ok = cone_and(x, l, r);
        }
        w->met[w->n_met++] = v;
        top--;
    }
    x->root = ok ? 2 * (w->number[bad / 2] - 1) | (bad & 1) : 0;
    for (uint32_t k = 0; k < w->n_met; k++) w->number[w->met[k]] = 0;
    if (!ok) cone_free(x);
    return ok ? 0 : -1;
}

static int walker_begin(walker *w, const cb_aig *a) {
    *w = (walker){.a = a, .number = cb_alloc(a->n, sizeof *w->number), .met = cb_alloc(a->n, sizeof *w->met),
                  .stack = cb_alloc(2 * (size_t)a->n + 2, sizeof *w->stack)};
    return w->number && w->met && w->stack ? 0 : -1;
}

static void walker_end(walker *w) {
    free(w->number);
    free(w->met);
    free(w->stack);
}

static bool same_cone(const cone *x, const cone *y) {
    return x->n_in == y->n_in && x->n_and == y->n_and && x->root == y->root &&
           (!x->n_and || !memcmp(x->and, y->and, x->n_and * sizeof *x->and));
}

static uint64_t cone_hash(const cone *x) {
    uint64_t h = x->n_in;
    for (uint32_t k = 0; k < x->n_and; k++) h = (h ^ x->and[k][0] ^ (uint64_t)x->and[k][1] << 32) * 0x9e3779b97f4a7c15u, h ^= h >> 29;
    return (h ^ x->root) * 0x9e3779b97f4a7c15u;
}

/* All distinct cones; of[k]: the cone of claim k, or -1 (a constant). */
typedef struct {
    int64_t n, room;
    cone *cone;
    int64_t *of, *slot, n_slot;
} cones;

static int keep_cone(cones *s, cone *x, int64_t *index) {
    uint64_t h = cone_hash(x);
    for (;; h++) {
        int64_t k = s->slot[h % (uint64_t)s->n_slot];
        if (!k) break;
        if (same_cone(&s->cone[k - 1], x)) {
            cone_free(x);
            *index = k - 1;
            return 0;
        }
    }
    if (s->n == s->room) {
        int64_t room = s->room ? 2 * s->room : 64;
        cone *c = cb_realloc(s->cone, (size_t)room, sizeof *c);
        if (!c) return cone_free(x), -1;
        s->cone = c, s->room = room;
    }
    s->slot[h % (uint64_t)s->n_slot] = s->n + 1;
    s->cone[s->n] = *x;
    *index = s->n++;
    return 0;
}

static int find_cones(cb_claims *c, cones *s) {
    walker w;
    int rc = walker_begin(&w, &c->aig);
    *s = (cones){.n_slot = 2 * c->n + 1, .of = cb_alloc((size_t)c->n + 1, sizeof *s->of)};
    s->slot = cb_alloc((size_t)s->n_slot, sizeof *s->slot);
    if (!s->of || !s->slot) rc = -1;
    for (int64_t k = 0; k < c->n && !rc; k++) {
        cone x;
        s->of[k] = -1;
        if (c->claim[k].bad < 2) continue;
        rc = extract(&w, c->claim[k].bad, &x);
        if (!rc) rc = keep_cone(s, &x, &s->of[k]);
    }
    walker_end(&w);
    return rc;
}

static void cones_free(cones *s) {
    for (int64_t k = 0; k < s->n; k++) cone_free(&s->cone[k]);
    free(s->cone);
    free(s->of);
    free(s->slot);
}

/* ---- the solver ---- */

/* Cones first..last-1 side by side, each with inputs of its own. */
static int write_cones(const cones *s, int64_t first, int64_t last, const char *path) {
    uint32_t n_in = 0, n_and = 0, in = 0, at = 0;
    for (int64_t k = first; k < last; k++) n_in += s->cone[k].n_in, n_and += s->cone[k].n_and;
    cb_lit(*and)[2] = cb_alloc((size_t)n_and + 1, sizeof *and), *out = cb_alloc((size_t)(last - first) + 1, sizeof *out);
    int rc = and && out ? 0 : -1;
    for (int64_t k = first; k < last && !rc; k++) {
        const cone *x = &s->cone[k];
#define RENUMBER(l) (2 * ((l) / 2 >= CONE_ANDS ? n_in + 1 + at + ((l) / 2 - CONE_ANDS) : in + 1 + (l) / 2) + ((l) & 1))
        for (uint32_t j = 0; j < x->n_and; j++) and[at + j][0] = RENUMBER(x->and[j][0]), and[at + j][1] = RENUMBER(x->and[j][1]);
        out[k - first] = RENUMBER(x->root);
#undef RENUMBER
        in += x->n_in, at += x->n_and;
    }
    if (!rc) rc = cb_aig_write(path, n_in, n_and, and, (uint32_t)(last - first), out);
    free(and);
    free(out);
    return rc;
}

/* Outputs of the solver's file that became the constant 0 are proved. */
static int read_proved(cones *s, const char *path) {
    size_t size;
    char *text = cb_file_read(path, &size), *line = text ? strchr(text, '\n') : NULL;
    unsigned most, inputs, latches, outputs;
    bool ok = line && sscanf(text, "aig %u %u %u %u", &most, &inputs, &latches, &outputs) == 4 && outputs == s->n;
    for (int64_t k = 0; k < s->n && ok; k++) {
        char *end;
        unsigned long v = strtoul(line + 1, &end, 10);
        ok = end > line + 1 && *end == '\n';
        line = end;
        if (ok && v == 0) s->cone[k].verdict = CB_CLAIM_PROVED;
    }
    free(text);
    return ok ? 0 : cb_fail("yosys-abc: %s is not the answer expected", cb_basename(path));
}

static int decide_together(cones *s, const cb_claim_limits *limits, const char *scratch) {
    char *path = cb_textf("%s/claims.aig", scratch), *answer = cb_textf("%s/proved.aig", scratch);
    char *command = cb_textf("&read claims.aig; &sat -z -C %lld; &write proved.aig", (long long)limits->conflicts);
    const char *const argv[] = {"yosys-abc", "-c", command, NULL};
    cb_process_end end;
    int rc = path && answer && command ? 0 : -1;
    if (!rc) remove(answer); /* that of other claims */
    if (!rc) rc = write_cones(s, 0, s->n, path) || run_tool(argv, limits, scratch, &end) || read_proved(s, answer) ? -1 : 0;
    free(path), free(answer), free(command);
    return rc;
}

/* Input values of a counterexample file, "0" or "1" each. */
static uint8_t *read_example(const char *path, uint32_t n) {
    char *text = cb_file_read(path, NULL);
    uint8_t *value = cb_alloc((size_t)n + 1, 1);
    uint32_t k = 0;
    for (const char *s = text; s && value && *s && k < n; s++)
        if (*s == '0' || *s == '1') value[k++] = (uint8_t)(*s - '0');
    free(text);
    if (value && k == n) return value;
    free(value);
    return cb_fail_null("yosys-abc: the counterexample has %u of %u inputs", k, n);
}

/* One cone: proved, refuted (*example: its inputs) or open. */
static int decide_alone(cones *s, int64_t k, const cb_claim_limits *limits, const char *scratch, uint8_t **example) {
    char *path = cb_textf("%s/claim.aig", scratch), *values = cb_textf("%s/example.txt", scratch);
    char *command = cb_textf("read_aiger claim.aig; sat -C %lld; write_cex example.txt", (long long)limits->conflicts);
    const char *const argv[] = {"yosys-abc", "-c", command, NULL};
    cb_process_end end;
    int rc = path && values && command ? 0 : -1;
    if (!rc) remove(values);
    if (!rc) rc = write_cones(s, k, k + 1, path) || run_tool(argv, limits, scratch, &end) ? -1 : 0;
    if (!rc && strstr(end.tail, "UNSATISFIABLE")) s->cone[k].verdict = CB_CLAIM_PROVED;
    else if (!rc && strstr(end.tail, "SATISFIABLE")) {
        s->cone[k].verdict = CB_CLAIM_REFUTED;
        *example = read_example(values, s->cone[k].n_in);
        rc = *example ? 0 : -1;
    } else if (!rc && !strstr(end.tail, "UNDECIDED")) rc = cb_fail("yosys-abc: no answer; last output:\n%s", end.tail);
    free(path), free(values), free(command);
    return rc;
}

/* The example of a cone as values of all inputs of the graph, for claim k. */
static int keep_example(cb_claims *c, const cones *s, int64_t k, walker *w, const uint8_t *example) {
    cone x;
    c->first_refuted = k;
    c->counterexample = cb_alloc((size_t)c->aig.n_in + 1, 1);
    if (!c->counterexample || extract(w, c->claim[k].bad, &x)) return -1;
    for (uint32_t i = 0; i < x.n_in; i++)
        if (x.in[i]) c->counterexample[x.in[i] - 1] = example[i];
    cone_free(&x);
    return 0;
}

static int explain(cb_claims *c, const cones *s, int64_t k, const uint8_t *example) {
    walker w;
    int rc = walker_begin(&w, &c->aig) ? -1 : keep_example(c, s, k, &w, example);
    walker_end(&w);
    return rc;
}

static int decide_rest(cb_claims *c, cones *s, const cb_claim_limits *limits, const char *scratch) {
    int rc = 0;
    for (int64_t k = 0; k < s->n && !rc; k++) {
        uint8_t *example = NULL;
        if (s->cone[k].verdict == CB_CLAIM_PROVED) continue;
        rc = decide_alone(s, k, limits, scratch, &example);
        for (int64_t j = 0; j < c->n && !rc && example && c->first_refuted < 0; j++)
            if (s->of[j] == k) rc = explain(c, s, j, example);
        free(example);
    }
    return rc;
}

int cb_claims_decide(cb_claims *c, const cb_claim_limits *limits, const char *scratch) {
    cones s = {0};
    if (c->aig.failed) return cb_fail("claims: the logic is too large");
    int rc = find_cones(c, &s);
    if (!rc && s.n) rc = decide_together(&s, limits, scratch) || decide_rest(c, &s, limits, scratch) ? -1 : 0;
    c->distinct = s.n;
    c->proved = c->refuted = c->open = 0;
    for (int64_t k = 0; k < c->n && !rc; k++) {
        cb_claim *x = &c->claim[k];
        x->verdict = s.of[k] >= 0 ? s.cone[s.of[k]].verdict : x->bad ? CB_CLAIM_REFUTED : CB_CLAIM_PROVED;
        c->proved += x->verdict == CB_CLAIM_PROVED;
        c->open += x->verdict == CB_CLAIM_OPEN;
        c->refuted += x->verdict == CB_CLAIM_REFUTED;
        if (x->verdict == CB_CLAIM_REFUTED && c->first_refuted < 0) { /* whatever the inputs are */
            c->first_refuted = k;
            rc = (c->counterexample = cb_alloc((size_t)c->aig.n_in + 1, 1)) ? 0 : -1;
        }
    }
    cones_free(&s);
    return rc;
}

/* ---- Yosys: Verilog -> and-inverter graph ---- */

/* Yosys writes outputs in their order and inputs in one of its own; its map has "input K BIT x": input K of the
 * file is that bit of the port, and "output K BIT y", which for bits of one signal names the last of them. */
static int read_map(const char *path, uint32_t n_in, uint32_t n_out, const cb_lit *port, cb_lit *in, const cb_lit *out) {
    char *text = cb_file_read(path, NULL);
    uint32_t seen = 0, wrong = 0;
    for (const char *s = text; s && *s; s += strcspn(s, "\n"), s += *s == '\n') {
        unsigned k, bit;
        if (in && sscanf(s, "input %u %u", &k, &bit) == 2 && k < n_in && bit < n_in) in[k] = port[bit], seen++;
        if (out && sscanf(s, "output %u %u", &k, &bit) == 2) wrong += k >= n_out || bit >= n_out || out[k] != out[bit];
    }
    free(text);
    if (wrong) return cb_fail("yosys: %s names another order of outputs", cb_basename(path));
    return !in || seen == n_in ? 0 : cb_fail("yosys: %s names %u of %u inputs", cb_basename(path), seen, n_in);
}

static int import_mapped(cb_claims *c, const char *aig, const char *map, const cb_lit *in, uint32_t n_in, cb_lit *out, uint32_t n_out) {
    cb_lit *x = cb_alloc((size_t)n_in + 1, sizeof *x);
    int rc = x && !read_map(map, n_in, n_out, in, x, NULL) && !cb_aig_import(&c->aig, aig, x, n_in, out, n_out) &&
                     !read_map(map, n_in, n_out, in, NULL, out)
                 ? 0
                 : -1;
    free(x);
    return rc;
}

/* Carries one after the other, as cb_word_add has them: what is equal then has equal ands, before any solver. Yosys' own
 * map is a prefix tree. */
static const char ripple_text[] =
    "(* techmap_celltype = \"$lcu\" *)\n"
    "module ripple_lcu #(parameter WIDTH = 1) (input [WIDTH-1:0] P, input [WIDTH-1:0] G, input CI, output [WIDTH-1:0] CO);\n"
    "  assign CO[0] = G[0] | (P[0] & CI);\n"
    "  genvar i;\n"
    "  generate\n    for (i = 1; i < WIDTH; i = i + 1) assign CO[i] = G[i] | (P[i] & CO[i-1]);\n  endgenerate\n"
    "endmodule\n";

int cb_claims_import_verilog(cb_claims *c, const char *text, const char *top, bool cells, const cb_lit *in, uint32_t n_in,
                             cb_lit *out, uint32_t n_out, const cb_claim_limits *limits, const char *scratch) {
    static const char *const argv[] = {"yosys", "-q", "-s", "design.ys", NULL};
    char *verilog = cb_textf("%s/design.v", scratch), *path = cb_textf("%s/design.ys", scratch), *aig = cb_textf("%s/design.aig", scratch),
         *map = cb_textf("%s/design.map", scratch), *ripple = cb_textf("%s/ripple.v", scratch);
    /* models of LUTs are trees over all entries of their tables: constants go before a hundred thousand of them are flattened */
    char *script = cb_textf("%sread_verilog %sdesign.v\nhierarchy -check -top %s\nproc\ncheck -assert\ntechmap -map ripple.v -map +/techmap.v\n"
                            "%saigmap\nflatten\nwrite_aiger -map design.map design.aig\n",
                            cells ? "read_verilog +/xilinx/cells_sim.v\n" : "", cells ? "-DCB_XC7 " : "", top, cells ? "opt_expr\nopt_clean\n" : "");
    cb_process_end end;
    int rc = verilog && path && aig && map && ripple && script && !cb_file_write(verilog, text) && !cb_file_write(ripple, ripple_text) && !cb_file_write(path, script) &&
                     !run_tool(argv, limits, scratch, &end) && !import_mapped(c, aig, map, in, n_in, out, n_out)
                 ? 0
                 : -1;
    free(verilog), free(path), free(aig), free(map), free(ripple), free(script);
    return rc;
}
