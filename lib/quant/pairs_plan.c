/* From a programme to its plan in 16-bit pairs; what must hold is in pairs_plan.h. */
#include "quant/pairs_plan.h"

#include <stdlib.h>
#include <string.h>

#include "data/dataset.h"
#include "quant/programme_internal.h"

enum { ALWAYS_0 = -1 }; /* in place of a shift: the element needs no weights */
enum { MADE = 0, UNSUITED = 1, ROOM = 1 << 24 /* pairs of weights of a stage */ };

/* A tensor as stored: element (y, x, c) is number (y*w+x)*each+c, row number/2, half number%2. */
typedef struct {
    int w, each;
    int8_t *up; /* [elements of the programme's tensor] value = stored << up, or ALWAYS_0; NULL = all 0 */
} layout;

static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t between(int64_t v, int64_t lo, int64_t hi) { return v < lo ? lo : v > hi ? hi : v; }
static int even(int n) { return n + n % 2; }

/* ---- quantizers ---- */

/* One element as the kernel needs it, whichever mode the stage gets. */
typedef struct {
    cb_format t;
    int right, left;
    int64_t lo, hi, init;  /* of the sum; init = bias */
    int64_t plus, minus;   /* what rounding adds to sums >= 0 and < 0 before flooring */
    bool even;             /* half to even: plus half, and bit 0 cleared where the dropped bits are 0 */
    int64_t min, max;      /* clamp */
    bool wraps;
} element;

/* What is added before flooring away s bits. relu: negative results do not matter. */
static void element_rounding(element *q, cb_round r, bool relu) {
    int s = q->right;
    int64_t half = s ? (int64_t)1 << (s - 1) : 0, less = s ? half - 1 : 0, all = ((int64_t)1 << s) - 1;
    q->plus = r == CB_TRN || r == CB_TRN_ZERO ? 0 : r == CB_RND_MIN_INF || r == CB_RND_ZERO ? less : half;
    q->minus = r == CB_TRN_ZERO ? all : r == CB_RND_ZERO ? half : r == CB_RND_INF ? less : q->plus;
    q->even = r == CB_RND_CONV && s;
    if (relu || q->lo >= 0) q->minus = q->plus;
}

/* Clamp, and whether a result wraps. */
static void element_overflow(element *q, const cb_op *op) {
    q->min = cb_format_min(q->t, op->overflow), q->max = cb_format_max(q->t);
    bool wrap = op->overflow == CB_WRAP && cb_format_width(q->t);
    if (wrap) {
        cb_format wide = {1, (int16_t)(62 - q->t.f), q->t.f};
        int64_t a = cb_fixed_quantize(q->lo, op->in_frac, wide, op->round, CB_SAT);
        int64_t b = cb_fixed_quantize(q->hi, op->in_frac, wide, op->round, CB_SAT);
        q->wraps = larger(a, op->relu ? 0 : a) < q->min || larger(b, op->relu ? 0 : b) > q->max;
        q->min = INT32_MIN, q->max = INT32_MAX;
    }
    if (op->relu) q->min = larger(q->min, 0);
    q->min = between(q->min, INT32_MIN, INT32_MAX);
    q->max = between(q->max, INT32_MIN, INT32_MAX);
}

/* Element e of a quantizer for sums in lo..hi that start at init. MADE or UNSUITED. */
static int element_make(const cb_op *op, int64_t e, int64_t lo, int64_t hi, int64_t init, bool last, element *q) {
    *q = (element){.t = op->format[op->n_format == 1 ? 0 : e], .lo = lo, .hi = hi, .init = init};
    int s = cb_format_width(q->t) ? op->in_frac - q->t.f : 0;
    if (larger(llabs(lo), llabs(hi)) >= 1 << 30) return UNSUITED;
    q->right = s < 0 ? 0 : s > 31 ? 31 : s;
    q->left = s < 0 ? -s : 0;
    if (q->left > 30 && (lo || hi)) return UNSUITED;
    if (q->left > 30) q->left = 0;
    if (larger(llabs(lo), llabs(hi)) << q->left >= 1 << 30) return UNSUITED;
    element_rounding(q, op->round, op->relu);
    element_overflow(q, op);
    if (q->wraps && cb_format_width(q->t) > 16) return UNSUITED;
    if (last) return MADE;
    int up = op->out_frac - q->t.f;
    if (!cb_format_width(q->t) || up > 62) return MADE; /* always 0 */
    return op->lo[e] >> up < INT16_MIN || op->hi[e] >> up > INT16_MAX ? UNSUITED : MADE;
}

/* The bits of 1.5 * 2^23, to which an integer below 2^22 can be added as bits; and of the
 * constant that moves it to 1.5 * 2^(23+s). */
static const int32_t float_base = 0x4B400000;

static int32_t float_step(int s) {
    float v = (float)(1.5 * 8388608.0 * (double)((1 << s) - 1));
    int32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

static bool element_float(const element *q) {
    const int64_t limit = 1 << 22;
    return (q->even || (!q->plus && !q->minus && !q->right)) && !q->left && q->right <= 22 && q->lo > -limit &&
           q->hi < limit;
}

static cb_pairs_step step_of(const element *q, cb_pairs_mode mode) {
    int64_t lo = q->min, hi = q->max;
    if (mode == CB_PAIRS_FLOAT) {
        int32_t base = float_base + q->right * (1 << 23);
        return (cb_pairs_step){.init = (int32_t)(float_base + q->init), .k = float_step(q->right),
                               .lo = (int32_t)between(base + lo, INT32_MIN, INT32_MAX),
                               .hi = (int32_t)between(base + hi, INT32_MIN, INT32_MAX)};
    }
    return (cb_pairs_step){.init = (int32_t)(q->init + q->plus), .k = q->right, .lo = (int32_t)lo, .hi = (int32_t)hi,
                           .below = (int32_t)q->plus, .extra = (int32_t)(q->minus - q->plus), .even = q->even,
                           .left = q->left};
}

/* Quantizer of a stage whose n elements are given, `each` steps a position (padded ones zeroed). */
static int stage_quantizer(cb_pairs_stage *st, const element *q, int n) {
    bool all_float = true, all_shift = true;
    st->step = cb_alloc((size_t)even(n), sizeof *st->step);
    st->mask = cb_alloc((size_t)even(n) / 2, sizeof *st->mask);
    st->sign = cb_alloc((size_t)even(n) / 2, sizeof *st->sign);
    if (!st->step || !st->mask || !st->sign) return -1;
    for (int e = 0; e < n; e++) {
        all_float &= element_float(&q[e]);
        all_shift &= !q[e].even && q[e].plus == q[e].minus && !q[e].left;
        st->wrap |= q[e].wraps;
    }
    st->mode = all_shift ? CB_PAIRS_SHIFT : all_float && !st->wrap ? CB_PAIRS_FLOAT : CB_PAIRS_ANY;
    for (int e = 0; e < n; e++) {
        int width = cb_format_width(q[e].t), up = e % 2 * 16;
        uint32_t mask = q[e].wraps ? ((uint32_t)1 << width) - 1 : 0xFFFF;
        st->step[e] = step_of(&q[e], st->mode);
        st->mask[e / 2] = (int32_t)((uint32_t)st->mask[e / 2] | mask << up);
        uint32_t sign = q[e].wraps && q[e].t.k ? (uint32_t)1 << (width - 1) : 0;
        st->sign[e / 2] = (int32_t)((uint32_t)st->sign[e / 2] | sign << up);
    }
    return MADE;
}

/* Shifts of the stored elements. */
static int8_t *ups_of(const cb_op *op) {
    int64_t n = cb_op_outputs(op);
    int8_t *up = cb_alloc((size_t)n, 1);
    for (int64_t e = 0; up && e < n; e++)
        up[e] = op->lo[e] || op->hi[e] ? (int8_t)(op->out_frac - op->format[op->n_format == 1 ? 0 : e].f) : ALWAYS_0;
    return up;
}

/* ---- a quantizer alone ---- */

static bool element_small(const element *q) {
    return !q->even && q->plus == q->minus && !q->left && !q->wraps && q->lo >= 0 && q->right <= 15 && q->min <= 0 &&
           q->hi + q->plus <= INT16_MAX;
}

/* The mode on pairs where all elements allow it. */
static int rows_small(cb_pairs_stage *st, const element *q) {
    for (int e = 0; e < 2 * st->n_row; e++)
        if (!element_small(&q[e])) return MADE;
    st->half = cb_alloc((size_t)st->n_row, sizeof *st->half);
    st->scale = cb_alloc((size_t)st->n_row, sizeof *st->scale);
    st->most = cb_alloc((size_t)st->n_row, sizeof *st->most);
    if (!st->half || !st->scale || !st->most) return -1;
    for (int r = 0; r < st->n_row; r++) {
        const element *a = &q[2 * r], *b = a + 1;
        int64_t most[2] = {between(a->max, 0, INT16_MAX), between(b->max, 0, INT16_MAX)};
        st->half[r] = (int32_t)(a->plus | b->plus << 16);
        st->scale[r] = (int32_t)(1 << (15 - a->right) | (uint32_t)1 << (15 - b->right) << 16);
        st->most[r] = (int32_t)(most[0] | most[1] << 16);
    }
    st->mode = CB_PAIRS_SMALL;
    return MADE;
}

static int rows_make(cb_pairs_stage *st, const cb_op *op, const layout *in, const int64_t *lo, const int64_t *hi, bool last) {
    int n_pos = op->in_h * op->in_w, n = n_pos * in->each;
    st->n_row = (n + 1) / 2;
    element *q = cb_alloc((size_t)even(n), sizeof *q);
    if (!q) return -1;
    int rc = MADE;
    for (int pos = 0; pos < n_pos && !rc; pos++)
        for (int c = 0; c < op->in_c && !rc; c++) {
            int64_t e = (int64_t)pos * op->in_c + c;
            if (in->up && in->up[e] > 0) rc = UNSUITED; /* the quantizer before it did not use the finest grid */
            else rc = element_make(op, e, lo[e], hi[e], 0, last, &q[pos * in->each + c]);
        }
    if (!rc) rc = stage_quantizer(st, q, even(n));
    if (!rc) rc = rows_small(st, q);
    free(q);
    return rc;
}

/* ---- sums ---- */

/* What distinguishes positions: parity of the first element, and shifts of the elements below the kernel. */
static void signature(const cb_op *op, const layout *in, int pos, int8_t *text) {
    int64_t first = ((int64_t)(pos / op->out_w * op->sy) * op->in_w + pos % op->out_w * op->sx), k = 0;
    text[k++] = (int8_t)(first * in->each % 2);
    for (int dy = 0; dy < op->kh; dy++)
        for (int i = 0; i < op->kw * op->in_c; i++)
            text[k++] = in->up ? in->up[(first + (int64_t)dy * op->in_w) * op->in_c + i] : 0;
}

static int variants_make(cb_pairs_stage *st, const cb_op *op, const layout *in, int8_t **texts) {
    size_t n = (size_t)op->kh * (size_t)(op->kw * op->in_c) + 1;
    st->n_pos = op->out_h * op->out_w;
    st->base = cb_alloc((size_t)st->n_pos, sizeof *st->base);
    st->variant = cb_alloc((size_t)st->n_pos, sizeof *st->variant);
    *texts = cb_alloc((size_t)st->n_pos, n);
    if (!st->base || !st->variant || !*texts) return -1;
    for (int pos = 0; pos < st->n_pos; pos++) {
        int8_t *text = *texts + (size_t)st->n_variant * n;
        signature(op, in, pos, text);
        int v = 0;
        while (v < st->n_variant && memcmp(*texts + (size_t)v * n, text, n)) v++;
        if (v == st->n_variant) st->n_variant++;
        st->variant[pos] = v;
        st->base[pos] = (pos / op->out_w * op->sy * op->in_w + pos % op->out_w * op->sx) * in->each / 2;
    }
    return MADE;
}

/* Pairs of weights of a variant: pair[row][out_c] for rows 0..n_row-1 from the position's first. */
static int variant_pairs(const cb_op *op, const layout *in, const int8_t *text, uint32_t *pair) {
    int per_row = op->kw * op->in_c;
    for (int t = 0; t < op->kh * per_row; t++) {
        int dy = t / per_row, dx = t % per_row / op->in_c, c = t % op->in_c, up = text[t + 1];
        int64_t at = ((int64_t)dy * op->in_w + dx) * in->each + c + text[0];
        for (int o = 0; o < op->out_c; o++) {
            int64_t w = op->w[t * op->out_c + o];
            if (!w || up == ALWAYS_0) continue;
            if (up > 15 || llabs(w) > INT16_MAX >> up) return UNSUITED;
            pair[at / 2 * op->out_c + o] |= ((uint32_t)(w * ((int64_t)1 << up)) & 0xFFFF) << at % 2 * 16;
        }
    }
    return MADE;
}

/* Whether outputs first .. first+width-1 use a row. */
static bool used(const uint32_t *pair, int out_c, int first, int width) {
    for (int o = first; o < first + width && o < out_c; o++)
        if (pair[o]) return true;
    return false;
}

/* Cost of a variant when `width` outputs share the loads of a row: products or loads, whichever are
 * more, and the loop. */
static int64_t work_of(const uint32_t *pair, int n_row, int out_c, int width) {
    int64_t sum = 0;
    for (int first = 0; first < out_c; first += width)
        for (int r = 0; r < n_row; r++)
            if (used(pair + (int64_t)r * out_c, out_c, first, width)) sum += 2 * (2 * width > width + 2 ? 2 * width : width + 2) + 2;
    return sum;
}

static int choose_width(const uint32_t *pair, int n_row, int out_c, int n_pos) {
    int best = 2;
    if (out_c == 1 && n_pos == 1) return 1;
    for (int width = 4; width <= 8; width *= 2)
        if (work_of(pair, n_row, out_c, width) <= work_of(pair, n_row, out_c, best)) best = width;
    return best;
}

static int block_make(cb_pairs_block *b, const uint32_t *pair, int n_row, int out_c, int first, int width) {
    for (int r = 0; r < n_row; r++) b->n_tap += used(pair + (int64_t)r * out_c, out_c, first, width);
    b->row = cb_alloc((size_t)b->n_tap + 1, sizeof *b->row);
    b->w = cb_alloc((size_t)(b->n_tap + 1) * (size_t)width, sizeof *b->w);
    if (!b->row || !b->w) return -1;
    int n = 0;
    for (int r = 0; r < n_row; r++) {
        if (!used(pair + (int64_t)r * out_c, out_c, first, width)) continue;
        for (int o = 0; o < width && first + o < out_c; o++)
            b->w[n * width + o] = (int32_t)pair[(int64_t)r * out_c + first + o];
        b->row[n++] = r;
    }
    return MADE;
}

static int blocks_make(cb_pairs_stage *st, const cb_op *op, const layout *in, const int8_t *texts) {
    int n_row = (((op->kh - 1) * op->in_w + op->kw) * in->each + 2) / 2, c = op->out_c;
    size_t n_text = (size_t)op->kh * (size_t)(op->kw * op->in_c) + 1, size = (size_t)n_row * (size_t)c;
    if (size > (size_t)ROOM / (size_t)st->n_variant) return UNSUITED;
    uint32_t *pair = cb_alloc(size, sizeof *pair);
    int rc = pair ? MADE : -1;
    for (int v = 0; v < st->n_variant && !rc; v++) {
        memset(pair, 0, size * sizeof *pair);
        rc = variant_pairs(op, in, texts + (size_t)v * n_text, pair);
        if (rc) break;
        if (!v) {
            st->width = choose_width(pair, n_row, c, st->n_pos);
            st->n_block = (c + st->width - 1) / st->width;
            st->block = cb_alloc((size_t)st->n_variant * (size_t)st->n_block, sizeof *st->block);
            if (!st->block) rc = -1;
        }
        for (int k = 0; k < st->n_block && !rc; k++)
            rc = block_make(&st->block[v * st->n_block + k], pair, n_row, c, k * st->width, st->width);
    }
    free(pair);
    return rc;
}

/* Formats and biases alike at all positions: one set of steps serves all. */
static bool one_position(const element *q, int n_pos, int each) {
    for (int64_t e = each; e < (int64_t)n_pos * each; e++) {
        const element *a = &q[e % each], *b = &q[e];
        if (a->t.k != b->t.k || a->t.i != b->t.i || a->t.f != b->t.f || a->init != b->init || a->plus != b->plus ||
            a->minus != b->minus || a->min != b->min || a->max != b->max)
            return false;
    }
    return true;
}

static int sums_quantizer(cb_pairs_stage *st, const cb_op *sum, const cb_op *op, bool last) {
    int each = st->n_block * st->width, n_pos = st->n_pos;
    element *q = cb_alloc((size_t)n_pos * (size_t)each, sizeof *q);
    if (!q) return -1;
    int rc = MADE;
    for (int pos = 0; pos < n_pos && !rc; pos++)
        for (int o = 0; o < op->out_c && !rc; o++) {
            int64_t e = (int64_t)pos * op->out_c + o, bias = sum->bias ? sum->bias[o] : 0;
            if (bias) bias *= (int64_t)1 << (sum->out_frac - sum->bias_frac);
            if (llabs(bias) >= 1 << 30) rc = UNSUITED;
            else rc = element_make(op, e, sum->lo[e], sum->hi[e], bias, last, &q[(int64_t)pos * each + o]);
        }
    bool one = one_position(q, n_pos, each);
    for (int64_t e = each; one && e < (int64_t)n_pos * each; e++) { /* what any position needs */
        element *a = &q[e % each];
        a->lo = a->lo < q[e].lo ? a->lo : q[e].lo;
        a->hi = larger(a->hi, q[e].hi);
        a->wraps |= q[e].wraps;
    }
    st->pos_steps = one ? 0 : each;
    st->pos_rows = even(each) / 2;
    st->n_row = n_pos * st->pos_rows;
    if (!rc) rc = stage_quantizer(st, q, one ? each : n_pos * each);
    free(q);
    return rc;
}

static int sums_make(cb_pairs_stage *st, const cb_op *sum, const cb_op *quant, const layout *in, bool last) {
    int8_t *texts = NULL;
    st->sums = true;
    int rc = variants_make(st, sum, in, &texts);
    if (!rc) rc = blocks_make(st, sum, in, texts);
    if (!rc) rc = sums_quantizer(st, sum, quant, last);
    free(texts);
    return rc;
}

/* ---- the plan ---- */

static int stages_make(const cb_programme *p, cb_pairs_plan *plan, layout *in, const int64_t *lo, const int64_t *hi) {
    for (int k = 0; k < p->n_op; k++) {
        const cb_op *op = &p->op[k];
        bool sums = op->kind != CB_OP_QUANT;
        if (cb_op_bits(op)) return UNSUITED;
        cb_pairs_stage *st = &plan->stage[plan->n_stage++];
        if (sums && (k + 1 == p->n_op || p->op[k + 1].kind != CB_OP_QUANT)) return UNSUITED;
        bool last = k + 1 + sums == p->n_op;
        int rc = sums ? sums_make(st, op, op + 1, in, last) : rows_make(st, op, in, lo, hi, last);
        if (rc) return rc;
        k += sums;
        free(in->up);
        *in = (layout){.w = op->out_w, .each = sums ? 2 * st->pos_rows : in->each, .up = ups_of(&p->op[k])};
        if (!in->up) return -1;
        lo = p->op[k].lo, hi = p->op[k].hi;
        plan->room = (int)larger(plan->room, st->n_row);
    }
    return MADE;
}

int cb_pairs_plan_make(const cb_programme *p, cb_pairs_plan *plan) {
    *plan = (cb_pairs_plan){.n_in = p->input_h * p->input_w};
    plan->n_word = plan->room = (plan->n_in + 1) / 2;
#ifdef CB_HAVE_ISA_v4
    __builtin_cpu_init();
    plan->dot = __builtin_cpu_supports("avx512vnni") && cb_pairs_forced() != CB_PAIRS_NO_DOT;
#endif
    layout in = {.w = p->input_w, .each = 1};
    int64_t *ends = cb_alloc(2 * (size_t)plan->n_in, sizeof *ends);
    if (!ends) return -1;
    for (int i = 0; i < plan->n_in; i++) ends[plan->n_in + i] = CB_ET_MAX;
    int rc = stages_make(p, plan, &in, ends, ends + plan->n_in);
    free(in.up);
    free(ends);
    return rc;
}

void cb_pairs_plan_free(cb_pairs_plan *plan) {
    for (int k = 0; k < plan->n_stage; k++) {
        cb_pairs_stage *st = &plan->stage[k];
        for (int b = 0; st->block && b < st->n_variant * st->n_block; b++) {
            free(st->block[b].row);
            free(st->block[b].w);
        }
        free(st->block);
        free(st->base);
        free(st->variant);
        free(st->step);
        free(st->mask);
        free(st->sign);
        free(st->half);
        free(st->scale);
        free(st->most);
    }
    *plan = (cb_pairs_plan){0};
}

static cb_pairs_use in_use = CB_PAIRS_ON;
void cb_pairs_force(cb_pairs_use use) { in_use = use; }
cb_pairs_use cb_pairs_forced(void) { return in_use; }
