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

/* The outputs first .. end-1 of a side whose tap k stays inside the large image. */
static void inside(int stride, int shift, int size, int *first, int *end) {
    while (*first < *end && *first * stride + shift < 0) ++*first;
    while (*end > *first && (*end - 1) * stride + shift >= size) --*end;
}

/* Rows of the small image from oy to stop-1, all taps, channels o.., i..: acc [tap][outs][ins][16]. */
static void gradient_strip(const cb_conv *cv, const float *large, const float *small, float *acc, int oy, int stop,
                           int o, int i, int outs, int ins) {
    size_t cl = (size_t)cv->c_large * 16, cs = (size_t)cv->c_small * 16;
    tap_area t = {.small_step = cs, .large_step = (size_t)cv->stride * cl, .small_row = (size_t)cv->out_width * cs,
                  .large_row = (size_t)(cv->stride * cv->width) * cl};
    for (int ky = 0; ky < cv->kernel; ky++)
        for (int kx = 0; kx < cv->kernel; kx++, acc += (size_t)(outs * ins) * 16) {
            int top = oy, bottom = stop, left = 0, right = cv->out_width, down = ky - cv->pad_y, shift = kx - cv->pad_x;
            inside(cv->stride, down, cv->height, &top, &bottom);
            inside(cv->stride, shift, cv->width, &left, &right);
            if (top == bottom || left == right) continue;
            t.rows = bottom - top;
            t.n = right - left;
            t.small = small + (size_t)(top * cv->out_width + left) * cs + (size_t)o * 16;
            t.large = large + (size_t)((top * cv->stride + down) * cv->width + left * cv->stride + shift) * cl + (size_t)i * 16;
            if (outs == OUT && ins == POS) gradient_tile(&t, acc, OUT, POS);
            else gradient_few(&t, acc, outs, ins);
        }
}

/* As many rows at a time as the first cache holds, so that they serve every tap from there. */
static int strip_rows(const cb_conv *cv) {
    enum { CACHE = 44 << 10 }; /* best of 20 to 96 on a core with 48 KiB */
    int small = OUT * 64 * cv->out_width, large = POS * 64 * cv->width;
    int rows = (CACHE - (cv->kernel - cv->stride) * large) / (small + cv->stride * large);
    return rows < 1 ? 1 : rows < cv->out_height ? rows : cv->out_height;
}

void conv_gradient(const cb_conv *cv, const float *large, const float *small, float *acc) {
    int taps = cv->kernel * cv->kernel, rows = strip_rows(cv);
    for (int o = 0; o < cv->c_small; o += OUT)
        for (int i = 0; i < cv->c_large; i += POS) {
            int outs = cv->c_small - o < OUT ? cv->c_small - o : OUT;
            int ins = cv->c_large - i < POS ? cv->c_large - i : POS;
            for (int oy = 0; oy < cv->out_height; oy += rows)
                gradient_strip(cv, large, small, acc, oy, oy + rows < cv->out_height ? oy + rows : cv->out_height, o, i, outs, ins);
            acc += (size_t)(taps * outs * ins) * 16;
        }
}

void conv_gradient_end(const cb_conv *cv, const float *acc, float *dw) {
    int taps = cv->kernel * cv->kernel;
    for (int o = 0; o < cv->c_small; o += OUT)
        for (int i = 0; i < cv->c_large; i += POS)
            for (int t = 0; t < taps; t++)
                for (int k = o; k < cv->c_small && k < o + OUT; k++)
                    for (int q = i; q < cv->c_large && q < i + POS; q++, acc += 16)
                        dw[(size_t)((t * cv->c_large + q) * cv->c_small + k)] = cb_lanes_sum(acc);
}
