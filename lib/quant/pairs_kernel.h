/* pairs_kernel.h - the body of isa/programme_pairs.c: PAIRS_FN(name), and PAIRS_DOT = reg_madd
 * or reg_vnni. Layout of tensors and the proof: pairs_plan.h. */

/* Sums become their quotients, whose low 16 bits are the stored values (before a wrap). */
REG_INLINE void PAIRS_FN(quotients)(REG *v, const int groups, const cb_pairs_step *s, const cb_pairs_mode mode) {
    const REG lo = reg_all(s->lo), hi = reg_all(s->hi), k = reg_all(s->k);
    REG_UNROLL for (int g = 0; g < groups; g++) {
        if (mode == CB_PAIRS_FLOAT) {
            v[g] = reg_float_add(v[g], k);
        } else if (mode == CB_PAIRS_SHIFT) {
            v[g] = reg_right(v[g], s->k);
        } else {
            v[g] = reg_add(v[g], reg_and(reg_greater(reg_all(s->below), v[g]), reg_all(s->extra)));
            REG rest = reg_and(v[g], reg_all((int32_t)((UINT32_C(1) << s->k) - 1)));
            REG clear = reg_and(reg_equal(rest, reg_all(0)), reg_all(s->even));
            v[g] = reg_right(v[g], s->k);
            v[g] = reg_left(reg_xor(v[g], reg_and(v[g], clear)), s->left);
        }
        v[g] = reg_min(reg_max(v[g], lo), hi);
    }
}

REG_INLINE REG PAIRS_FN(wrap)(const cb_pairs_stage *st, int64_t pair, REG v) {
    REG sign = reg_all(st->sign[pair]);
    return reg_sub16(reg_xor(reg_and(v, reg_all(st->mask[pair])), sign), sign);
}

/* The taps of a block, width outputs of `groups` registers each: sum += row * w. */
REG_INLINE void PAIRS_FN(taps)(const cb_pairs_block *b, int first, int last, const int32_t *x,
                               REG sum[8][PAIRS_GROUPS], const int width, const int groups) {
    for (int t = first; t < last; t++) {
        const int32_t *in = x + (int64_t)b->row[t] * CB_PAIRS_EVENTS, *w = b->w + t * width;
        REG row[PAIRS_GROUPS];
        REG_UNROLL for (int g = 0; g < groups; g++) row[g] = reg_load(in + g * REG_LANES);
        REG_UNROLL for (int o = 0; o < width; o++) {
            REG wo = reg_all(w[o]);
            REG_UNROLL for (int g = 0; g < groups; g++) sum[o][g] = PAIRS_DOT(sum[o][g], row[g], wo);
        }
    }
}

/* As taps, in two independent chains: few sums at a time wait for each other's latency. */
REG_INLINE void PAIRS_FN(taps_twice)(const cb_pairs_block *b, const int32_t *x, REG sum[8][PAIRS_GROUPS],
                                     const int width, const int groups) {
    REG more[8][PAIRS_GROUPS];
    int even = b->n_tap & ~1;
    REG_UNROLL for (int o = 0; o < width; o++)
        REG_UNROLL for (int g = 0; g < groups; g++) more[o][g] = reg_all(0);
    for (int t = 0; t < even; t += 2) {
        PAIRS_FN(taps)(b, t, t + 1, x, sum, width, groups);
        PAIRS_FN(taps)(b, t + 1, t + 2, x, more, width, groups);
    }
    PAIRS_FN(taps)(b, even, b->n_tap, x, sum, width, groups);
    REG_UNROLL for (int o = 0; o < width; o++)
        REG_UNROLL for (int g = 0; g < groups; g++) sum[o][g] = reg_add(sum[o][g], more[o][g]);
}

/* One block: width outputs of one position, `groups` registers of events at a time. */
REG_INLINE void PAIRS_FN(block)(const cb_pairs_stage *st, const cb_pairs_block *b, const int32_t *x, int64_t step,
                                int32_t *y, const int width, const cb_pairs_mode mode, const bool wrap) {
    const int most = REG_SUMS / width, groups = most > PAIRS_GROUPS ? PAIRS_GROUPS : most > 0 ? most : 1;
    const cb_pairs_step *s = st->step + step;
    for (int g0 = 0; g0 < PAIRS_GROUPS; g0 += groups) {
        REG sum[8][PAIRS_GROUPS];
        REG_UNROLL for (int o = 0; o < width; o++)
            REG_UNROLL for (int g = 0; g < groups; g++) sum[o][g] = reg_all(s[o].init);
        if (2 * width * groups <= REG_SUMS && b->n_tap >= 8)
            PAIRS_FN(taps_twice)(b, x + g0 * REG_LANES, sum, width, groups);
        else
            PAIRS_FN(taps)(b, 0, b->n_tap, x + g0 * REG_LANES, sum, width, groups);
        REG_UNROLL for (int o = 0; o < width; o++) PAIRS_FN(quotients)(sum[o], groups, &s[o], mode);
        REG_UNROLL for (int o = 0; o < width; o += 2)
            REG_UNROLL for (int g = 0; g < groups; g++) {
                REG v = width > 1 ? reg_pair(sum[o][g], sum[o + 1][g]) : sum[o][g];
                if (wrap) v = PAIRS_FN(wrap)(st, (step + o) / 2, v);
                reg_store(y + (o / 2 * CB_PAIRS_EVENTS) + (g0 + g) * REG_LANES, v);
            }
    }
}

REG_INLINE void PAIRS_FN(blocks)(const cb_pairs_stage *st, const int32_t *x, int32_t *y, const int width,
                                 const cb_pairs_mode mode, const bool wrap) {
    for (int pos = 0; pos < st->n_pos; pos++) {
        const int32_t *in = x + (int64_t)st->base[pos] * CB_PAIRS_EVENTS;
        int32_t *out = y + (int64_t)pos * st->pos_rows * CB_PAIRS_EVENTS;
        const cb_pairs_block *b = st->block + (int64_t)st->variant[pos] * st->n_block;
        int64_t step = (int64_t)pos * st->pos_steps;
        for (int k = 0; k < st->n_block; k++, step += width, out += (width + 1) / 2 * CB_PAIRS_EVENTS)
            PAIRS_FN(block)(st, b + k, in, step, out, width, mode, wrap);
    }
}

/* Every row quantized. */
REG_INLINE void PAIRS_FN(rows)(const cb_pairs_stage *st, const int32_t *x, int32_t *y, const cb_pairs_mode mode,
                               const bool wrap) {
    for (int r = 0; r < st->n_row; r++) {
        const cb_pairs_step *s = st->step + 2 * r;
        for (int g = 0; g < PAIRS_GROUPS; g++, x += REG_LANES, y += REG_LANES) {
            REG v = reg_load(x), a = reg_right(reg_left(v, 16), 16), b = reg_right(v, 16);
            a = reg_add(a, reg_all(s[0].init)), b = reg_add(b, reg_all(s[1].init));
            PAIRS_FN(quotients)(&a, 1, &s[0], mode);
            PAIRS_FN(quotients)(&b, 1, &s[1], mode);
            v = reg_pair(a, b);
            reg_store(y, wrap ? PAIRS_FN(wrap)(st, r, v) : v);
        }
    }
}

/* The same on pairs. */
static void PAIRS_FN(small_rows)(const cb_pairs_stage *st, const int32_t *x, int32_t *y) {
    for (int r = 0; r < st->n_row; r++) {
        REG half = reg_all(st->half[r]), scale = reg_all(st->scale[r]), most = reg_all(st->most[r]);
        for (int g = 0; g < PAIRS_GROUPS; g++, x += REG_LANES, y += REG_LANES) {
            REG v = reg_add16(reg_load(x), half);
            reg_store(y, reg_min16(reg_high16(reg_add16(v, v), scale), most));
        }
    }
}

/* The constants of the innermost loops are chosen here. */
REG_INLINE void PAIRS_FN(stage_mode)(const cb_pairs_stage *st, const int32_t *x, int32_t *y, const cb_pairs_mode mode,
                                     const bool wrap) {
    if (!st->sums) PAIRS_FN(rows)(st, x, y, mode, wrap);
    else if (st->width == 1) PAIRS_FN(blocks)(st, x, y, 1, mode, wrap);
    else if (st->width == 2) PAIRS_FN(blocks)(st, x, y, 2, mode, wrap);
    else if (st->width == 4) PAIRS_FN(blocks)(st, x, y, 4, mode, wrap);
    else PAIRS_FN(blocks)(st, x, y, 8, mode, wrap);
}

static void PAIRS_FN(stage)(const cb_pairs_stage *st, const int32_t *x, int32_t *y) {
    if (st->mode == CB_PAIRS_SMALL) PAIRS_FN(small_rows)(st, x, y);
    else if (st->mode == CB_PAIRS_ANY) PAIRS_FN(stage_mode)(st, x, y, CB_PAIRS_ANY, true);
    else if (st->mode == CB_PAIRS_FLOAT) PAIRS_FN(stage_mode)(st, x, y, CB_PAIRS_FLOAT, false);
    else if (st->wrap) PAIRS_FN(stage_mode)(st, x, y, CB_PAIRS_SHIFT, true);
    else PAIRS_FN(stage_mode)(st, x, y, CB_PAIRS_SHIFT, false);
}

/* Images -> rows of words; all words or'ed together. */
static uint32_t PAIRS_FN(transpose)(int n_word, const uint16_t *et, int64_t stride, const uint16_t *next, int32_t *x) {
    REG all = reg_all(0);
    for (int g = 0; g < PAIRS_GROUPS; g++) {
        const uint16_t *image = et + (int64_t)g * REG_LANES * stride;
        const char *ahead = next ? (const char *)(next + (int64_t)g * REG_LANES * stride) : NULL;
        for (int w = 0; w < n_word; w += 4) {
            int at = w + 4 <= n_word ? w : n_word > 4 ? n_word - 4 : 0; /* the last four overlap those before */
            REG out[4];
            reg_words(image + 2 * at, stride, out);
            for (int k = 0; k < 4 && at + k < n_word; k++) {
                all = reg_or(all, out[k]);
                reg_store(x + (int64_t)(at + k) * CB_PAIRS_EVENTS + g * REG_LANES, out[k]);
            }
            if (!ahead) continue;
            for (int line = 0; line < REG_LANES * 16; line += 64, ahead += 64) __builtin_prefetch(ahead, 0, 2);
        }
    }
    int32_t lane[REG_LANES], any = 0;
    reg_store(lane, all);
    for (int l = 0; l < REG_LANES; l++) any |= lane[l];
    return ((uint32_t)any & 0xFFFF) | (uint32_t)any >> 16;
}

static uint32_t PAIRS_FN(score)(const cb_pairs_plan *plan, const uint16_t *et, int64_t stride, const uint16_t *next,
                                int32_t *x, int32_t *y, uint16_t *code) {
    uint32_t any = PAIRS_FN(transpose)(plan->n_word, et, stride, next, x);
    for (int k = 0; k < plan->n_stage; k++) {
        PAIRS_FN(stage)(&plan->stage[k], x, y);
        int32_t *swap = x;
        x = y, y = swap;
    }
    for (int l = 0; l < CB_PAIRS_EVENTS; l++) code[l] = (uint16_t)x[l];
    return any;
}
