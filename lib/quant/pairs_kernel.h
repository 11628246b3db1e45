/* pairs_kernel.h - the body of isa/programme_pairs.c: PAIRS_FN(name), and PAIRS_DOT = reg_madd
 * or reg_vnni. Layout of tensors and the proof: pairs_plan.h. */

/* A sum becomes its quotient, its low 16 bits the stored value (before a wrap). */
REG_INLINE REG PAIRS_FN(quotient)(REG v, const cb_pairs_step *s, cb_pairs_mode mode, bool clamp) {
    if (mode == CB_PAIRS_FLOAT) {
        v = reg_float_add(v, reg_all(s->k));
    } else if (mode == CB_PAIRS_SHIFT) {
        v = reg_right(v, s->k);
    } else {
        v = reg_add(v, reg_and(reg_greater(reg_all(s->below), v), reg_all(s->extra)));
        REG rest = reg_and(v, reg_all((int32_t)((UINT32_C(1) << s->k) - 1)));
        REG clear = reg_and(reg_equal(rest, reg_all(0)), reg_all(s->even));
        v = reg_right(v, s->k);
        v = reg_left(reg_xor(v, reg_and(v, clear)), s->left);
    }
    return clamp ? reg_min(reg_max(v, reg_all(s->lo)), reg_all(s->hi)) : v;
}

REG_INLINE REG PAIRS_FN(wrap)(const cb_pairs_stage *st, int64_t pair, REG v) {
    REG sign = reg_all(st->sign[pair]);
    return reg_sub16(reg_xor(reg_and(v, reg_all(st->mask[pair])), sign), sign);
}

/* One block over its taps: width outputs of groups * REG_LANES events in registers. */
REG_INLINE void PAIRS_FN(block)(const cb_pairs_stage *st, const cb_pairs_block *b, const int32_t *x, int64_t step,
                                int32_t *y, const int width, const cb_pairs_mode mode, const bool clamp) {
    const int most = REG_SUMS / width, groups = most > PAIRS_GROUPS ? PAIRS_GROUPS : most > 0 ? most : 1;
    const cb_pairs_step *s = st->step + step;
    for (int g0 = 0; g0 < PAIRS_GROUPS; g0 += groups) {
        REG sum[8][PAIRS_GROUPS];
        REG_UNROLL for (int o = 0; o < width; o++)
            REG_UNROLL for (int g = 0; g < groups; g++) sum[o][g] = reg_all(s[o].init);
        const int32_t *w = b->w;
        for (int t = 0; t < b->n_tap; t++, w += width) {
            const int32_t *in = x + (int64_t)b->row[t] * CB_PAIRS_EVENTS + g0 * REG_LANES;
            REG row[PAIRS_GROUPS];
            REG_UNROLL for (int g = 0; g < groups; g++) row[g] = reg_load(in + g * REG_LANES);
            REG_UNROLL for (int o = 0; o < width; o++) {
                REG wo = reg_all(w[o]);
                REG_UNROLL for (int g = 0; g < groups; g++) sum[o][g] = PAIRS_DOT(sum[o][g], row[g], wo);
            }
        }
        REG_UNROLL for (int o = 0; o < width; o += 2)
            REG_UNROLL for (int g = 0; g < groups; g++) {
                REG low = PAIRS_FN(quotient)(sum[o][g], &s[o], mode, clamp), v = low;
                if (width > 1) v = reg_pair(low, PAIRS_FN(quotient)(sum[o + 1][g], &s[o + 1], mode, clamp));
                if (st->wrap) v = PAIRS_FN(wrap)(st, (step + o) / 2, v);
                reg_store(y + (o / 2 * CB_PAIRS_EVENTS) + (g0 + g) * REG_LANES, v);
            }
    }
}

REG_INLINE void PAIRS_FN(blocks)(const cb_pairs_stage *st, const int32_t *x, int32_t *y, const int width,
                                 const cb_pairs_mode mode, const bool clamp) {
    for (int pos = 0; pos < st->n_pos; pos++) {
        const int32_t *in = x + (int64_t)st->base[pos] * CB_PAIRS_EVENTS;
        int32_t *out = y + (int64_t)pos * st->pos_rows * CB_PAIRS_EVENTS;
        const cb_pairs_block *b = st->block + (int64_t)st->variant[pos] * st->n_block;
        int64_t step = (int64_t)pos * st->pos_steps;
        for (int k = 0; k < st->n_block; k++, step += width, out += (width + 1) / 2 * CB_PAIRS_EVENTS)
            PAIRS_FN(block)(st, b + k, in, step, out, width, mode, clamp);
    }
}

/* Every row quantized. */
REG_INLINE void PAIRS_FN(rows)(const cb_pairs_stage *st, const int32_t *x, int32_t *y, const cb_pairs_mode mode,
                               const bool clamp) {
    for (int r = 0; r < st->n_row; r++) {
        const cb_pairs_step *s = st->step + (st->pos_steps ? 2 * r : 0);
        for (int g = 0; g < PAIRS_GROUPS; g++, x += REG_LANES, y += REG_LANES) {
            REG v = reg_load(x), a = reg_right(reg_left(v, 16), 16), b = reg_right(v, 16);
            a = PAIRS_FN(quotient)(reg_add(a, reg_all(s[0].init)), &s[0], mode, clamp);
            b = PAIRS_FN(quotient)(reg_add(b, reg_all(s[1].init)), &s[1], mode, clamp);
            v = reg_pair(a, b);
            reg_store(y, st->wrap ? PAIRS_FN(wrap)(st, (s - st->step) / 2, v) : v);
        }
    }
}

/* The constants of the innermost loops are chosen here. */
REG_INLINE void PAIRS_FN(stage_mode)(const cb_pairs_stage *st, const int32_t *x, int32_t *y, const cb_pairs_mode mode,
                                     const bool clamp) {
    if (!st->sums) PAIRS_FN(rows)(st, x, y, mode, clamp);
    else if (st->width == 1) PAIRS_FN(blocks)(st, x, y, 1, mode, clamp);
    else if (st->width == 2) PAIRS_FN(blocks)(st, x, y, 2, mode, clamp);
    else if (st->width == 4) PAIRS_FN(blocks)(st, x, y, 4, mode, clamp);
    else PAIRS_FN(blocks)(st, x, y, 8, mode, clamp);
}

static void PAIRS_FN(stage)(const cb_pairs_stage *st, const int32_t *x, int32_t *y) {
    if (st->mode == CB_PAIRS_ANY) PAIRS_FN(stage_mode)(st, x, y, CB_PAIRS_ANY, true);
    else if (st->mode == CB_PAIRS_SHIFT) PAIRS_FN(stage_mode)(st, x, y, CB_PAIRS_SHIFT, true);
    else if (st->clamp) PAIRS_FN(stage_mode)(st, x, y, CB_PAIRS_FLOAT, true);
    else PAIRS_FN(stage_mode)(st, x, y, CB_PAIRS_FLOAT, false);
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
            for (int line = 0; line < REG_LANES * 16; line += 64, ahead += 64) __builtin_prefetch(ahead);
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
