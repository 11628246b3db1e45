#include "hw/emit_common.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Reserved in Verilog, SystemVerilog, C or C++, so no name of a module or a function. */
static const char reserved[] =
    " accept_on alias alignas alignof always always_comb always_ff always_latch and and_eq asm assert"
    " assign assume auto automatic before begin bind bins binsof bit bitand bitor bool break buf bufif0"
    " bufif1 byte case casex casez catch cell chandle char char16_t char32_t checker class clocking cmos"
    " compl config const const_cast constexpr constraint context continue cover covergroup coverpoint"
    " cross deassign decltype default defparam delete design disable dist do double dynamic_cast edge else"
    " end endcase endchecker endclass endclocking endconfig endfunction endgenerate endgroup endinterface"
    " endmodule endpackage endprimitive endprogram endproperty endsequence endspecify endtable endtask"
    " enum event eventually expect explicit export extends extern false final first_match float for force"
    " foreach forever fork forkjoin friend function generate genvar global goto highz0 highz1 if iff"
    " ifnone ignore_bins illegal_bins implements implies import incdir include initial inline inout input"
    " inside instance int integer interconnect interface intersect join join_any join_none large let"
    " liblist library local localparam logic long longint macromodule main matches medium modport module"
    " mutable namespace nand negedge nettype new nexttime nmos noexcept nor noshowcancelled not not_eq"
    " notif0 notif1 null nullptr operator or or_eq output package packed parameter pmos posedge primitive"
    " priority private program property protected public pull0 pull1 pulldown pullup pulsestyle_ondetect"
    " pulsestyle_onevent pure rand randc randcase randsequence rcmos real realtime ref reg register"
    " reinterpret_cast reject_on release repeat restrict return rnmos rpmos rtran rtranif0 rtranif1"
    " s_always s_eventually s_nexttime s_until s_until_with scalared sequence short shortint shortreal"
    " showcancelled signed sizeof small soft solve specify specparam static static_assert static_cast"
    " string strong strong0 strong1 struct super supply0 supply1 switch sync_accept_on sync_reject_on"
    " table tagged task template this thread_local throughout throw time timeprecision timeunit tran"
    " tranif0 tranif1 tri tri0 tri1 triand trior trireg true try type typedef typeid typename union unique"
    " unique0 unsigned until until_with untyped use using uwire var vectored virtual void volatile wait"
    " wait_order wand wchar_t weak weak0 weak1 while wildcard wire with within wor xnor xor xor_eq ";

void cb_emit_identifier(const char *name, char out[64]) {
    size_t n = 0;
    char word[68];
    if (!isalpha((unsigned char)name[0])) out[n++] = 'm';
    for (; *name && n < 63; name++) out[n++] = isalnum((unsigned char)*name) ? *name : '_';
    out[n] = 0;
    snprintf(word, sizeof word, " %s ", out);
    if (strstr(reserved, word)) out[n++] = '_', out[n] = 0; /* such words are far shorter than 63 letters */
}

const cb_netlist *cb_emit_hardware(const cb_emit *e) { return e->shared ? e->shared : e->net; }

bool cb_node_is_zero(const cb_netlist *g, int32_t n) {
    return g->node[n].kind == CB_NODE_CONST && g->node[n].lo == 0;
}

int cb_quant_form_of(const cb_netlist *g, int32_t n, cb_quant_form *q) {
    const cb_node *x = &g->node[n], *a = &g->node[x->a];
    *q = (cb_quant_form){.relu = x->relu && a->lo < 0, .shift = a->frac - x->format.f, .round = x->round,
                         .min = cb_format_min(x->format, (cb_overflow)x->overflow), .max = cb_format_max(x->format),
                         .width = cb_node_width(a) + (a->lo >= 0), .bits = cb_format_width(x->format), .sign = x->format.k};
    if (q->shift > 62) q->shift = 62; /* the same: |a| < 2^62 */
    if (q->width - (q->shift < 0 ? q->shift : 0) > 62)
        return cb_fail("netlist %s: node %d: more than 62 bits before its quantizer clips them", g->name, (int)n);
    int64_t lo = q->relu ? 0 : a->lo, hi = a->hi > lo ? a->hi : lo;
    cb_node exact = *x; /* the same rounding in a format that holds everything */
    exact.relu = 0;
    exact.overflow = CB_WRAP;
    exact.format.k = 1;
    exact.format.i = (int16_t)(62 - x->format.f);
    lo = cb_node_quantize(&exact, a->frac, lo);
    hi = cb_node_quantize(&exact, a->frac, hi);
    bool below = lo < q->min, above = hi > q->max;
    q->low = below && x->overflow != CB_WRAP;
    q->high = above && x->overflow != CB_WRAP;
    q->wrap = (below || above) && x->overflow == CB_WRAP;
    return 0;
}

/* Entries first .. first + 2^k - 1 of the table as a function of its last k operands. */
static void put_choice(cb_text *t, const cb_node *x, int k, unsigned first) {
    uint64_t mask = k < 6 ? ((uint64_t)1 << (1u << k)) - 1 : ~(uint64_t)0, part = x->table >> first & mask;
    int half = k ? 1 << (k - 1) : 0;
    uint64_t low = k ? part & (((uint64_t)1 << half) - 1) : 0, high = k ? part >> half : 0;
    if (part == 0 || part == mask) cb_text_add(t, "%d", part != 0);
    else if (low == high) put_choice(t, x, k - 1, first);
    else if (k == 1) cb_text_add(t, high ? "(n%d != 0)" : "(n%d == 0)", (int)x->in[x->n_in - 1]);
    else {
        cb_text_add(t, "(n%d != 0 ? ", (int)x->in[x->n_in - k]);
        put_choice(t, x, k - 1, first + (unsigned)half);
        cb_text_put(t, " : ");
        put_choice(t, x, k - 1, first);
        cb_text_put(t, ")");
    }
}

void cb_put_table(cb_text *t, const cb_node *x) { put_choice(t, x, x->n_in, 0); }

int cb_emit_text(const char *dir, const char *name, const char *text) {
    cb_text t = {0};
    cb_text_put(&t, text);
    return cb_text_write(&t, dir, name);
}

/* v and a separator; these files hold millions of counts. */
static void put_count(cb_text *t, unsigned v, char separator) {
    char s[8];
    int at = sizeof s;
    s[--at] = 0;
    s[--at] = separator;
    do s[--at] = (char)('0' + v % 10);
    while (v /= 10);
    cb_text_put(t, s + at);
}

int cb_emit_vectors(const cb_emit *e, size_t n, const char *dir, const char *events, const char *scores) {
    cb_text in = {0}, out = {0};
    const int width = e->net->n_input;
    for (size_t k = 0; k < n; k++) {
        for (int i = 0; i < width; i++) put_count(&in, e->et[k * (size_t)width + (size_t)i], i == width - 1 ? '\n' : ' ');
        cb_text_add(&out, "%.8f\n", e->code[k] / 256.0);
    }
    int rc = cb_text_write(&in, dir, events);
    if (rc) cb_text_free(&out);
    return rc || cb_text_write(&out, dir, scores) ? -1 : 0;
}
