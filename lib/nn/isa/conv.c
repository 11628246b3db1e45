/* Convolution kernels; contract and order of sums in nn/conv.h. Register blocks are
 * outputs x positions (gather) and small x large channels (weight gradient); where one side has a single
 * channel, LONG of the other keep enough sums in flight. */
#include "nn/conv.h"

#include <stdint.h>

#include "nn/isa.h"
#include "nn/vec16.h"

#define conv_gather CB_ISA_FN(cb_conv_gather)
#define conv_gradient CB_ISA_FN(cb_conv_gradient_add)
#define conv_gradient_end CB_ISA_FN(cb_conv_gradient_end)
#define bias_gradient CB_ISA_FN(cb_bias_gradient_add)
void conv_gather(const cb_gather *g, const float *src, const float *w, const float *bias, bool relu, int c_src, int c_dst,
                 float *dst);
void bias_gradient(float *dy, const float *y, int n_pos, int c, float *acc);
void conv_gradient(const cb_conv *cv, const float *large, const float *small, float *acc);
void conv_gradient_end(const cb_conv *cv, const float *acc, float *dw);

/* EACH_x(n, X) is X(k) with k = n as a constant, 1 <= n <= the side of the block; two
 * sets because one is used inside the other and C macros do not nest in themselves. */
#if V16_ACC >= 24
enum { OUT = 5, POS = 5, LONG = 20, LONG_POS = 8 };
#define EACH_OUT(n, X) switch (n) { case 5: X(5); break; case 4: X(4); break; case 3: X(3); break; case 2: X(2); break; default: X(1); }
#define EACH_POS(n, X) switch (n) { case 5: X(5); break; case 4: X(4); break; case 3: X(3); break; case 2: X(2); break; default: X(1); }
#elif V16_ACC >= 6
enum { OUT = 3, POS = 2, LONG = 6, LONG_POS = 6 };
#define EACH_OUT(n, X) switch (n) { case 3: X(3); break; case 2: X(2); break; default: X(1); }
#define EACH_POS(n, X) switch (n) { case 2: X(2); break; default: X(1); }
#else
enum { OUT = 2, POS = 2, LONG = 4, LONG_POS = 4 };
#define EACH_OUT(n, X) switch (n) { case 2: X(2); break; default: X(1); }
#define EACH_POS(n, X) switch (n) { case 2: X(2); break; default: X(1); }
#endif

/* As cb_relu: what is not above 0 becomes +0 (also -0), what is not a number stays. */
V16_INLINE vec16 rectify(vec16 x) { return v16_add(v16_select_gt(v16_zero(), x, v16_zero(), x), v16_zero()); }

/* What a gather works on; sizes in channels. */
typedef struct {
    const float *src, *w, *bias;
    size_t c_src, c_dst;
    float *dst;
    bool relu;
} gather_job;

/* `outs` channels from o at `poss` positions from p of one tap group. */
V16_INLINE void gather_tile(const gather_job *g, const cb_tap_group *t, int p, int o, int outs, int poss) {
    size_t c_src = g->c_src, c_dst = g->c_dst;
    vec16 acc[OUT * POS > LONG_POS ? OUT * POS : LONG_POS];
    V16_UNROLL
    for (int k = 0; k < outs; k++)
        V16_UNROLL
        for (int q = 0; q < poss; q++) acc[k * poss + q] = v16_all(g->bias ? g->bias[o + k] : 0);
    for (int j = 0; j < t->n_tap; j++) {
        const float *wj = g->w + (size_t)t->tap[j] * c_src * c_dst + o, *x[LONG_POS];
        V16_UNROLL
        for (int q = 0; q < poss; q++) x[q] = g->src + (size_t)(t->base[p + q] + t->offset[j]) * c_src * 16;
        for (size_t i = 0; i < c_src; i++, wj += c_dst) {
            vec16 xi[LONG_POS];
            V16_UNROLL
            for (int q = 0; q < poss; q++) xi[q] = v16_load(x[q] + i * 16);
            V16_UNROLL
            for (int k = 0; k < outs; k++) {
                vec16 wk = v16_all(wj[k]);
                V16_UNROLL
                for (int q = 0; q < poss; q++) acc[k * poss + q] = v16_fma(xi[q], wk, acc[k * poss + q]);
            }
        }
    }
    V16_UNROLL
    for (int q = 0; q < poss; q++)
        V16_UNROLL
        for (int k = 0; k < outs; k++) {
            vec16 y = acc[k * poss + q];
            v16_store(g->dst + ((size_t)t->dst[p + q] * c_dst + (size_t)(o + k)) * 16, g->relu ? rectify(y) : y);
        }
}

static void gather_few(const gather_job *g, const cb_tap_group *t, int p, int o, int outs, int poss) {
#define POS_CASE(q) gather_tile(g, t, p, o, out_now, q)
#define OUT_CASE(k) { enum { out_now = k }; EACH_POS(poss, POS_CASE) }
    EACH_OUT(outs, OUT_CASE)
#undef OUT_CASE
#undef POS_CASE
}

/* A single output channel at LONG_POS positions; a function of its own, so that all pointers find registers. */
static __attribute__((noinline)) void gather_long(const gather_job *g, const cb_tap_group *t, int p) {
    gather_tile(g, t, p, 0, 1, LONG_POS);
}

void conv_gather(const cb_gather *g, const float *src, const float *w, const float *bias, bool relu, int c_src, int c_dst,
                 float *dst) {
    gather_job job = {src, w, bias, (size_t)c_src, (size_t)c_dst, dst, relu};
    for (const cb_tap_group *t = g->group; t < g->group + g->n_group; t++) {
        int p = 0;
        if (c_dst == 1)
            for (; p + LONG_POS <= t->n_pos; p += LONG_POS) gather_long(&job, t, p);
        for (; p < t->n_pos; p += POS) {
            int poss = t->n_pos - p < POS ? t->n_pos - p : POS, o = 0;
            if (poss == POS)
                for (; o + OUT <= c_dst; o += OUT) gather_tile(&job, t, p, o, OUT, POS);
            for (; o < c_dst; o += OUT) gather_few(&job, t, p, o, c_dst - o < OUT ? c_dst - o : OUT, poss);
        }
    }
}

/* Positions that meet one tap: n in each of so many rows; distances in floats. */
typedef struct {
    const float *small, *large;
    size_t small_step, large_step, small_row, large_row;
    int n, rows;
} tap_area;

/* acc[o][i] += small[o] large[i] over the area, positions ascending. The sums of the next tiles lie behind these and
 * are fetched meanwhile: those of a whole network are larger than the second cache. */
V16_INLINE void gradient_tile(const tap_area *t, float *acc, int outs, int ins) {
    vec16 a[OUT][POS];
    uintptr_t next = (uintptr_t)(acc + outs * ins * 16); /* in the end past the last */
    V16_UNROLL
    for (int k = 0; k < outs; k++)
        V16_UNROLL
        for (int q = 0; q < ins; q++) a[k][q] = v16_load(acc + (k * ins + q) * 16);
    for (int row = 0; row < t->rows; row++) {
        const float *small = t->small + (size_t)row * t->small_row, *large = t->large + (size_t)row * t->large_row;
        for (int j = 0; j < t->n; j++, small += t->small_step, large += t->large_step) {
            __builtin_prefetch((const void *)next, 1);
            next += 64;
            vec16 x[POS];
            V16_UNROLL
            for (int q = 0; q < ins; q++) x[q] = v16_load(large + q * 16);
            V16_UNROLL
            for (int k = 0; k < outs; k++) {
                vec16 d = v16_load(small + k * 16);
                V16_UNROLL
                for (int q = 0; q < ins; q++) a[k][q] = v16_fma(d, x[q], a[k][q]);
            }
        }
    }
    V16_UNROLL
    for (int k = 0; k < outs; k++)
        V16_UNROLL
        for (int q = 0; q < ins; q++) v16_store(acc + (k * ins + q) * 16, a[k][q]);
}

/* A single large channel with LONG small ones. */
static void gradient_long(const tap_area *t, float *acc) {
    enum { PART = LONG / OUT }; /* a loop of LONG would not be unrolled */
    vec16 a[OUT][PART];
    V16_UNROLL
    for (int k = 0; k < OUT; k++)
        V16_UNROLL
        for (int q = 0; q < PART; q++) a[k][q] = v16_load(acc + (k * PART + q) * 16);
    for (int row = 0; row < t->rows; row++) {
        const float *small = t->small + (size_t)row * t->small_row, *large = t->large + (size_t)row * t->large_row;
        for (int j = 0; j < t->n; j++, small += t->small_step, large += t->large_step) {
            vec16 x = v16_load(large);
            V16_UNROLL
            for (int k = 0; k < OUT; k++)
                V16_UNROLL
                for (int q = 0; q < PART; q++) a[k][q] = v16_fma(x, v16_load(small + (k * PART + q) * 16), a[k][q]);
        }
    }
    V16_UNROLL
    for (int k = 0; k < OUT; k++)
        V16_UNROLL
        for (int q = 0; q < PART; q++) v16_store(acc + (k * PART + q) * 16, a[k][q]);
}

/* The other way round: a product has no order. */
static void gradient_wide(const tap_area *t, float *acc) {
    tap_area turned = *t;
    turned.small = t->large, turned.large = t->small;
    turned.small_step = t->large_step, turned.large_step = t->small_step;
    turned.small_row = t->large_row, turned.large_row = t->small_row;
    gradient_long(&turned, acc);
}

static void gradient_few(const tap_area *t, float *acc, int outs, int ins) {
#define IN_CASE(q) gradient_tile(t, acc, out_now, q)
#define OUT_CASE(k) { enum { out_now = k }; EACH_POS(ins, IN_CASE) }
    EACH_OUT(outs, OUT_CASE)
#undef OUT_CASE
#undef IN_CASE
}

/* Rows r .. end-1 of a phase (every to_step-th of the small image), its taps, channels o.., i..: acc [tap][outs][ins][16]. */
static void gradient_strip(const cb_conv *cv, int phase, const float *large, const float *small, float *acc, int r, int end,
                           int o, int i, int outs, int ins) {
    size_t cl = (size_t)cv->c_large * 16, cs = (size_t)cv->c_small * 16;
    for (const cb_tap *tap = cv->tap + cv->phase[phase]; tap < cv->tap + cv->phase[phase + 1]; tap++) {
        const cb_tap_line *y = tap->y, *x = tap->x;
        int skipped = y->to / y->to_step, j = r < skipped ? 0 : r - skipped, stop = end - skipped < y->n ? end - skipped : y->n;
        tap_area t = {.rows = stop - j, .n = x->n, .small_step = (size_t)x->to_step * cs, .large_step = (size_t)x->from_step * cl,
                      .small_row = (size_t)(y->to_step * cv->out_width) * cs,
                      .large_row = (size_t)(y->from_step * cv->width) * cl};
        if (t.rows > 0 && t.n > 0) {
            t.small = small + (size_t)((y->to + j * y->to_step) * cv->out_width + x->to) * cs + (size_t)o * 16;
            t.large = large + (size_t)((y->from + j * y->from_step) * cv->width + x->from) * cl + (size_t)i * 16;
            if (outs == OUT && ins == POS) gradient_tile(&t, acc, OUT, POS);
            else if (outs == LONG) gradient_long(&t, acc);
            else if (ins == LONG) gradient_wide(&t, acc);
            else gradient_few(&t, acc, outs, ins);
        }
        acc += (size_t)(outs * ins) * 16;
    }
}

/* As many rows of a phase at a time as the first cache holds, so that they serve every tap from there. */
static int strip_rows(const cb_conv *cv, int phase, int outs, int ins) {
    enum { CACHE = 44 << 10 }; /* best of 20 to 96 on a core with 48 KiB */
    const cb_tap *first = cv->tap + cv->phase[phase], *last = cv->tap + cv->phase[phase + 1] - 1;
    int small = outs * 64 * cv->out_width / first->x->to_step, large = ins * 64 * cv->width, step = first->y->from_step;
    int taps = (int)(last->y - first->y) + 1, rows = (CACHE - (taps - step) * large) / (small + step * large);
    return rows < 1 ? 1 : rows < cv->out_height ? rows : cv->out_height;
}

/* Channels of the next tile where `left` of c remain and the other side has `other`. */
static int tile_width(int left, int most, int other) {
    if (other == 1 && left >= LONG) return LONG;
    return left < most ? left : most;
}

void conv_gradient(const cb_conv *cv, const float *large, const float *small, float *acc) {
    for (int o = 0, outs; o < cv->c_small; o += outs) {
        outs = tile_width(cv->c_small - o, OUT, cv->c_large);
        for (int i = 0, ins; i < cv->c_large; i += ins) {
            ins = tile_width(cv->c_large - i, POS, cv->c_small);
            for (int q = 0; q < cv->n_phase; q++) {
                int rows = strip_rows(cv, q, outs, ins);
                for (int r = 0; r < cv->out_height; r += rows) gradient_strip(cv, q, large, small, acc, r, r + rows, o, i, outs, ins);
                acc += (size_t)((cv->phase[q + 1] - cv->phase[q]) * outs * ins) * 16;
            }
        }
    }
}

/* A tap's gradient to the entries of the kernel that it stands for: the first phase has each entry once. */
static void spread(const cb_conv *cv, const cb_tap *t, bool first, int i, int o, float g, float *dw) {
    for (int ky = t->y->kernel; ky < t->y->kernel + t->y->n_kernel; ky++)
        for (int kx = t->x->kernel; kx < t->x->kernel + t->x->n_kernel; kx++) {
            float *to = &dw[(size_t)(((ky * cv->kernel + kx) * cv->c_large + i) * cv->c_small + o)];
            *to = first ? g : *to + g;
        }
}

void conv_gradient_end(const cb_conv *cv, const float *acc, float *dw) {
    for (int o = 0, outs; o < cv->c_small; o += outs) {
        outs = tile_width(cv->c_small - o, OUT, cv->c_large);
        for (int i = 0, ins; i < cv->c_large; i += ins) {
            ins = tile_width(cv->c_large - i, POS, cv->c_small);
            for (int t = 0; t < cv->n_tap; t++)
                for (int k = o; k < o + outs; k++)
                    for (int q = i; q < i + ins; q++, acc += 16)
                        spread(cv, &cv->tap[t], t < cv->phase[1], q, k, cb_lanes_sum(acc), dw);
        }
    }
}

/* `n` channels, n at most BIAS: their sums stay in registers over all positions. */
enum { BIAS = V16_ACC >= 16 ? 8 : 4 };
V16_INLINE void bias_tile(float *dy, const float *y, int n_pos, size_t c, float *acc, int n) {
    vec16 a[BIAS];
    V16_UNROLL
    for (int k = 0; k < n; k++) a[k] = v16_load(acc + k * 16);
    for (int p = 0; p < n_pos; p++, dy += c * 16) {
        V16_UNROLL
        for (int k = 0; k < n; k++) {
            vec16 d = v16_load(dy + k * 16);
            if (y) v16_store(dy + k * 16, d = v16_select_gt(v16_load(y + k * 16), v16_zero(), d, v16_zero()));
            a[k] = v16_add(a[k], d);
        }
        if (y) y += c * 16;
    }
    V16_UNROLL
    for (int k = 0; k < n; k++) v16_store(acc + k * 16, a[k]);
}

void bias_gradient(float *dy, const float *y, int n_pos, int c, float *acc) {
    int i = 0;
    for (; i + BIAS <= c; i += BIAS) bias_tile(dy + i * 16, y ? y + i * 16 : NULL, n_pos, (size_t)c, acc + i * 16, BIAS);
    for (; i < c; i++) bias_tile(dy + i * 16, y ? y + i * 16 : NULL, n_pos, (size_t)c, acc + i * 16, 1);
}
