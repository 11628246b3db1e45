/* Convolution kernels; contract and order of sums in nn/conv.h. Register blocks are
 * outputs x positions (gather) and small x large channels (weight gradient). */
#include "nn/conv.h"

#include "nn/isa.h"
#include "nn/vec16.h"

#define conv_gather CB_ISA_FN(cb_conv_gather)
#define conv_gradient CB_ISA_FN(cb_conv_gradient_add)
#define conv_gradient_end CB_ISA_FN(cb_conv_gradient_end)
void conv_gather(const cb_gather *g, const float *src, const float *w, const float *bias, int c_src, int c_dst,
                 float *dst);
void conv_gradient(const cb_conv *cv, const float *large, const float *small, float *acc);
void conv_gradient_end(const cb_conv *cv, const float *acc, float *dw);

/* EACH_x(n, X) is X(k) with k = n as a constant, 1 <= n <= the side of the block; two
 * sets because one is used inside the other and C macros do not nest in themselves. */
#if V16_ACC >= 24
enum { OUT = 5, POS = 5 };
#define EACH_OUT(n, X) switch (n) { case 5: X(5); break; case 4: X(4); break; case 3: X(3); break; case 2: X(2); break; default: X(1); }
#define EACH_POS(n, X) switch (n) { case 5: X(5); break; case 4: X(4); break; case 3: X(3); break; case 2: X(2); break; default: X(1); }
#elif V16_ACC >= 6
enum { OUT = 3, POS = 2 };
#define EACH_OUT(n, X) switch (n) { case 3: X(3); break; case 2: X(2); break; default: X(1); }
#define EACH_POS(n, X) switch (n) { case 2: X(2); break; default: X(1); }
#else
enum { OUT = 2, POS = 2 };
#define EACH_OUT(n, X) switch (n) { case 2: X(2); break; default: X(1); }
#define EACH_POS(n, X) switch (n) { case 2: X(2); break; default: X(1); }
#endif

/* `outs` channels from o at `poss` positions from p of one tap group. */
V16_INLINE void gather_tile(const cb_tap_group *t, const float *src, const float *w, const float *bias, size_t c_src,
                            size_t c_dst, float *dst, int p, int o, int outs, int poss) {
    vec16 acc[OUT][POS];
    V16_UNROLL
    for (int k = 0; k < outs; k++)
        V16_UNROLL
        for (int q = 0; q < poss; q++) acc[k][q] = v16_all(bias ? bias[o + k] : 0);
    for (int j = 0; j < t->n_tap; j++) {
        const float *wj = w + (size_t)t->tap[j] * c_src * c_dst + o, *x[POS];
        V16_UNROLL
        for (int q = 0; q < poss; q++) x[q] = src + (size_t)(t->base[p + q] + t->offset[j]) * c_src * 16;
        for (size_t i = 0; i < c_src; i++, wj += c_dst) {
            vec16 xi[POS];
            V16_UNROLL
            for (int q = 0; q < poss; q++) xi[q] = v16_load(x[q] + i * 16);
            V16_UNROLL
            for (int k = 0; k < outs; k++) {
                vec16 wk = v16_all(wj[k]);
                V16_UNROLL
                for (int q = 0; q < poss; q++) acc[k][q] = v16_fma(xi[q], wk, acc[k][q]);
            }
        }
    }
    V16_UNROLL
    for (int q = 0; q < poss; q++)
        V16_UNROLL
        for (int k = 0; k < outs; k++)
            v16_store(dst + ((size_t)t->dst[p + q] * c_dst + (size_t)(o + k)) * 16, acc[k][q]);
}

static void gather_few(const cb_tap_group *t, const float *src, const float *w, const float *bias, size_t c_src,
                       size_t c_dst, float *dst, int p, int o, int outs, int poss) {
#define POS_CASE(q) gather_tile(t, src, w, bias, c_src, c_dst, dst, p, o, out_now, q)
#define OUT_CASE(k) { enum { out_now = k }; EACH_POS(poss, POS_CASE) }
    EACH_OUT(outs, OUT_CASE)
#undef OUT_CASE
#undef POS_CASE
}

void conv_gather(const cb_gather *g, const float *src, const float *w, const float *bias, int c_src, int c_dst,
                 float *dst) {
    size_t cs = (size_t)c_src, cd = (size_t)c_dst;
    for (const cb_tap_group *t = g->group; t < g->group + g->n_group; t++)
        for (int p = 0; p < t->n_pos; p += POS) {
            int poss = t->n_pos - p < POS ? t->n_pos - p : POS, o = 0;
            if (poss == POS)
                for (; o + OUT <= c_dst; o += OUT) gather_tile(t, src, w, bias, cs, cd, dst, p, o, OUT, POS);
            for (; o < c_dst; o += OUT)
                gather_few(t, src, w, bias, cs, cd, dst, p, o, c_dst - o < OUT ? c_dst - o : OUT, poss);
        }
}

/* Positions that meet one tap: n in each of so many rows; distances in floats. */
typedef struct {
    const float *small, *large;
    size_t small_step, large_step, small_row, large_row;
    int n, rows;
} tap_area;

/* acc[o][i] += small[o] large[i] over the area, positions ascending. */
V16_INLINE void gradient_tile(const tap_area *t, float *acc, int outs, int ins) {
    vec16 a[OUT][POS];
    V16_UNROLL
    for (int k = 0; k < outs; k++)
        V16_UNROLL
        for (int q = 0; q < ins; q++) a[k][q] = v16_load(acc + (k * ins + q) * 16);
    for (int row = 0; row < t->rows; row++) {
        const float *small = t->small + (size_t)row * t->small_row, *large = t->large + (size_t)row * t->large_row;
        for (int j = 0; j < t->n; j++, small += t->small_step, large += t->large_step) {
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
            else gradient_few(&t, acc, outs, ins);
        }
        acc += (size_t)(outs * ins) * 16;
    }
}

/* As many rows of a phase at a time as the first cache holds, so that they serve every tap from there. */
static int strip_rows(const cb_conv *cv, int phase) {
    enum { CACHE = 44 << 10 }; /* best of 20 to 96 on a core with 48 KiB */
    const cb_tap *first = cv->tap + cv->phase[phase], *last = cv->tap + cv->phase[phase + 1] - 1;
    int small = OUT * 64 * cv->out_width / first->x->to_step, large = POS * 64 * cv->width, step = first->y->from_step;
    int taps = (int)(last->y - first->y) + 1, rows = (CACHE - (taps - step) * large) / (small + step * large);
    return rows < 1 ? 1 : rows < cv->out_height ? rows : cv->out_height;
}

void conv_gradient(const cb_conv *cv, const float *large, const float *small, float *acc) {
    for (int o = 0; o < cv->c_small; o += OUT)
        for (int i = 0; i < cv->c_large; i += POS) {
            int outs = cv->c_small - o < OUT ? cv->c_small - o : OUT;
            int ins = cv->c_large - i < POS ? cv->c_large - i : POS;
            for (int q = 0; q < cv->n_phase; q++) {
                int rows = strip_rows(cv, q);
                for (int r = 0; r < cv->out_height; r += rows) gradient_strip(cv, q, large, small, acc, r, r + rows, o, i, outs, ins);
                acc += (size_t)((cv->phase[q + 1] - cv->phase[q]) * outs * ins) * 16;
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
    for (int o = 0; o < cv->c_small; o += OUT)
        for (int i = 0; i < cv->c_large; i += POS)
            for (int t = 0; t < cv->n_tap; t++)
                for (int k = o; k < cv->c_small && k < o + OUT; k++)
                    for (int q = i; q < cv->c_large && q < i + POS; q++, acc += 16)
                        spread(cv, &cv->tap[t], t < cv->phase[1], q, k, cb_lanes_sum(acc), dw);
}
