#include "hw/cut.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int cb_cuts_add(cb_cuts *c, int32_t node, int stage, int width) {
    if (c->n == c->room) {
        int64_t room = c->room ? 2 * c->room : 256;
        cb_cut *cut = cb_realloc(c->cut, (size_t)room, sizeof *cut);
        if (!cut) return -1;
        c->cut = cut, c->room = room;
    }
    c->cut[c->n++] = (cb_cut){.node = node, .stage = stage, .width = width, .at = c->bits};
    c->bits += width;
    return 0;
}

static int order(const cb_cut *x, int32_t node, int stage) {
    if (x->node != node) return x->node < node ? -1 : 1;
    return (x->stage > stage) - (x->stage < stage);
}

const cb_cut *cb_cut_find(const cb_cuts *c, int32_t node, int stage) {
    int64_t low = 0, high = c->n;
    while (low < high) {
        int64_t mid = (low + high) / 2;
        int side = order(&c->cut[mid], node, stage);
        if (!side) return &c->cut[mid];
        if (side < 0) low = mid + 1;
        else high = mid;
    }
    return NULL;
}

void cb_cuts_free(cb_cuts *c) {
    free(c->cut);
    memset(c, 0, sizeof *c);
}

/* ---- words ---- */

static bool of_word(char c) { return isalnum((unsigned char)c) || c == '_' || c == '$'; }

/* Is the word s[0..n-1] a wire or register of a node, or of the phase? */
static bool node_name(const char *s, size_t n, int32_t *node, int *stage) {
    size_t i = 1;
    long v = 0;
    *stage = -1;
    if (n >= 5 && !strncmp(s, "phase", 5)) *node = CB_CUT_PHASE, i = 5;
    else {
        if (s[0] != 'n' || n < 2) return false;
        for (; i < n && isdigit((unsigned char)s[i]) && v < 100000000; i++) v = 10 * v + s[i] - '0';
        *node = (int32_t)v;
        if (i == 1) return false;
    }
    if (i == n) return true;
    if (n - i < 3 || s[i] != '_' || s[i + 1] != 's') return false;
    for (i += 2, v = 0; i < n && isdigit((unsigned char)s[i]) && v < 1000000; i++) v = 10 * v + s[i] - '0';
    *stage = (int)v;
    return i == n;
}

typedef enum { READ, DECLARED, ASSIGNED } role;

/* What the line does with the word that begins at `at`. */
static role role_of(const char *line, const char *at, size_t n, int *width) {
    static const char *const kinds[] = {"wire [", "reg ["};
    const char *s = line + strspn(line, " ");
    for (int k = 0; k < 2; k++) {
        size_t len = strlen(kinds[k]);
        if (strncmp(s, kinds[k], len)) continue;
        const char *end = strstr(s, ":0] ");
        if (end && at == end + 4) return *width = atoi(s + len) + 1, DECLARED;
    }
    if (!strncmp(s, "assign ", 7) && at == s + 7) return ASSIGNED;
    if (at - line > 3 && !strncmp(at - 3, ".y(", 3)) return ASSIGNED;
    if ((at == s || at[-2] == ')') && !strncmp(at + n, " <=", 3)) return ASSIGNED; /* perhaps behind "if (...) " */
    return READ;
}

typedef struct {
    cb_cuts *cuts;
    cb_text *out;
    bool clocked; /* inside the clocked block, or in a clocked line */
    int top_in, top_out;
    bool out_reg, shared;
} rewriter;

static int put_word(rewriter *r, const char *line, const char *at, size_t n) {
    int32_t node;
    int stage, width = 0;
    cb_cut *c = node_name(at, n, &node, &stage) ? (cb_cut *)cb_cut_find(r->cuts, node, stage) : NULL;
    cb_text_add(r->out, "%.*s", (int)n, at);
    if (!c) return 0;
    role is = role_of(line, at, n, &width);
    if (is == DECLARED && width != c->width)
        return cb_fail("Verilog: %.*s has %d bits, %d expected", (int)n, at, width, c->width);
    if (is == DECLARED && c->seen) return cb_fail("Verilog: %.*s is declared twice", (int)n, at);
    if (is == DECLARED) c->seen = true;
    cb_text_put(r->out, is == READ ? "_i" : "_o");
    return 0;
}

static void put_name(cb_text *t, const cb_cut *c, const char *end) {
    cb_text_put(t, c->node == CB_CUT_PHASE ? "phase" : "n");
    if (c->node != CB_CUT_PHASE) cb_text_add(t, "%d", (int)c->node);
    if (c->stage >= 0) cb_text_add(t, "_s%d", c->stage);
    cb_text_put(t, end);
}

/* The clocked block begins: what it gives no value keeps its own. */
static void put_clocked(rewriter *r) {
    cb_text_put(r->out, "  always @* begin\n");
    r->clocked = true;
    if (r->shared) cb_text_put(r->out, "    model_out = model_out_was;\n");
    for (int64_t k = 0; k < r->cuts->n; k++) {
        const cb_cut *c = &r->cuts->cut[k];
        if (!c->keeps) continue;
        cb_text_put(r->out, "    ");
        put_name(r->out, c, "_o = ");
        put_name(r->out, c, "_i;\n");
    }
}

static int put_line(rewriter *r, const char *line, size_t n) {
    static const char clocked[] = "  always @(posedge clk) begin", one[] = "  always @(posedge clk) ";
    size_t i = 0;
    if (n == strlen(clocked) && !strncmp(line, clocked, n)) {
        put_clocked(r);
        return 0;
    }
    bool was = r->clocked;
    if (n > strlen(one) && !strncmp(line, one, strlen(one))) { /* a register by itself: "always @(posedge clk) phase <= ...;" */
        cb_text_put(r->out, "  always @* ");
        r->clocked = true;
        i = strlen(one);
    }
    while (i < n) {
        size_t k = i;
        while (k < n && of_word(line[k])) k++;
        if (k > i) {
            if (put_word(r, line, line + i, k - i)) return -1;
            i = k;
        } else if (r->clocked && n - i > 2 && !strncmp(line + i, "<=", 2)) {
            cb_text_put(r->out, "=");
            i += 2;
        } else cb_text_add(r->out, "%c", line[i++]);
    }
    r->clocked = was;
    cb_text_put(r->out, "\n");
    return 0;
}

/* The module's own ports: "  input [A:0] model_inp," and "  output [B:0] model_out", the latter perhaps a reg. */
static void note_port(rewriter *r, const char *line, size_t n) {
    char text[80];
    snprintf(text, sizeof text, "%.*s", (int)n, line);
    sscanf(text, " input [%d:0] model_inp", &r->top_in);
    sscanf(text, " output [%d:0] model_out", &r->top_out);
    if (sscanf(text, " output reg [%d:0] model_out", &r->top_out) == 1) r->out_reg = true;
    if (!strcmp(text, "  input sync,")) r->shared = true;
}

/* One input vector and one output vector instead, and what they are called inside. */
static int put_ports(rewriter *r) {
    long long cut = r->cuts->bits, in = r->top_in + 1, out = r->top_out + 1, more_in = r->shared ? 1 + out : 0, more_out = r->shared;
    if (in < 1 || out < 1) return cb_fail("Verilog: ports model_inp and model_out expected");
    cb_text_add(r->out, "  input [%lld:0] x,\n  output [%lld:0] y\n);\n", cut + in + more_in - 1, cut + out + more_out - 1);
    if (cut) cb_text_add(r->out, "  wire [%lld:0] cut_in = x[%lld:0], cut_out;\n", cut - 1, cut - 1);
    cb_text_add(r->out, "  wire [%lld:0] model_inp = x[%lld:%lld];\n", in - 1, cut + in - 1, cut);
    if (r->shared)
        cb_text_add(r->out, "  wire sync = x[%lld];\n  wire [%lld:0] model_out_was = x[%lld:%lld];\n  reg valid;\n", cut + in, out - 1, cut + in + out, cut + in + 1);
    cb_text_add(r->out, "  %s [%lld:0] model_out;\n  assign y = {%smodel_out%s};\n", r->out_reg ? "reg" : "wire", out - 1,
                r->shared ? "valid, " : "", cut ? ", cut_out" : "");
    return 0;
}

/* What the body reads, before it; what leaves it, after it (names are declared before they are used). */
static void put_wires(rewriter *r, bool read) {
    for (int64_t k = 0; k < r->cuts->n; k++) {
        const cb_cut *c = &r->cuts->cut[k];
        if (read) {
            cb_text_add(r->out, "  wire [%d:0] ", c->width - 1);
            put_name(r->out, c, "_i");
            cb_text_add(r->out, " = cut_in[%lld +: %d];\n", (long long)c->at, c->width);
        } else {
            cb_text_add(r->out, "  assign cut_out[%lld +: %d] = ", (long long)c->at, c->width);
            put_name(r->out, c, "_o;\n");
        }
    }
}

int cb_cut_verilog(const char *text, const char *module, cb_cuts *c, cb_text *out) {
    enum { BEFORE, PORTS, BODY, BEHIND } where = BEFORE;
    rewriter r = {.cuts = c, .out = out, .top_in = -1, .top_out = -1};
    char *head = cb_textf("module %s (", module);
    int rc = head ? 0 : -1;
    for (int64_t k = 0; k < c->n; k++) c->cut[k].seen = false;
    for (const char *line = text; !rc && *line;) {
        size_t n = strcspn(line, "\n");
        if (where == BODY && n == 9 && !strncmp(line, "endmodule", 9)) where = BEHIND, put_wires(&r, false);
        if (where == PORTS && n == 2 && !strncmp(line, ");", 2)) {
            where = BODY;
            rc = put_ports(&r);
            put_wires(&r, true);
        } else if (where == PORTS) note_port(&r, line, n);
        else rc = put_line(&r, line, n);
        if (where == BEFORE && n == strlen(head) && !strncmp(line, head, n)) where = PORTS;
        line += n + (line[n] == '\n');
    }
    free(head);
    if (!rc && where != BEHIND) rc = cb_fail("Verilog: there is no whole module %s", module);
    for (int64_t k = 0; k < c->n && !rc; k++)
        if (!c->cut[k].seen)
            rc = c->cut[k].node == CB_CUT_PHASE ? cb_fail("Verilog: phase, stage %d, is not declared", c->cut[k].stage)
                                                : cb_fail("Verilog: n%d, stage %d, is not declared", (int)c->cut[k].node, c->cut[k].stage);
    return rc;
}
