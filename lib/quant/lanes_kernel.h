/* lanes_kernel.h - the body of isa/programme_lanes.c, included once for each lane
 * type: LANE (int32_t or int64_t), VECTOR (its name for 16 of them), FN(name). */

typedef LANE VECTOR __attribute__((vector_size(CB_PLAN_LANES * sizeof(LANE))));

/* a where the mask is -1, b where it is 0. */
static inline void FN(choose)(VECTOR *to, const VECTOR *mask, const VECTOR *a, const VECTOR *b) {
    *to = (*a & *mask) | (*b & ~*mask);
}

static void FN(sums)(const cb_plan_op *op, const VECTOR *x, VECTOR *y) {
    for (int pos = 0; pos < op->n_pos; pos++) {
        const VECTOR *in = x + op->base[pos];
        for (int o = 0; o < op->n_channel; o++) {
            VECTOR sum = (VECTOR){0} + (LANE)op->bias[o];
            for (int32_t t = op->first[o]; t < op->first[o + 1]; t++)
                sum += in[op->tap[t].offset] * (LANE)op->tap[t].w;
            *y++ = sum;
        }
    }
}

/* v / 2^s rounded; the comparisons give -1, so that "- up" adds one. */
static inline void FN(round_shift)(VECTOR *v, int s, cb_round mode) {
    VECTOR q = *v >> s, rest = *v & (((LANE)1 << s) - 1);
    LANE half = (LANE)1 << (s - 1);
    VECTOR up = rest > half, tie = rest == half;
    switch (mode) {
    case CB_TRN: up ^= up; break;
    case CB_RND: up |= tie; break;
    case CB_RND_CONV: up |= tie & -(q & 1); break;
    case CB_TRN_ZERO: up = (*v < 0) & (rest != 0); break;
    case CB_RND_ZERO: up |= tie & (*v < 0); break;
    case CB_RND_MIN_INF: break;
    case CB_RND_INF: up |= tie & (*v >= 0); break;
    }
    *v = q - up;
}

static void FN(quantize)(const cb_plan_op *op, const VECTOR *x, VECTOR *y) {
    const int bits = 8 * (int)sizeof(LANE);
    for (int e = 0; e < op->n_out; e++) {
        const cb_plan_step *s = &op->step[e];
        VECTOR v = x[e];
        if (op->relu) v &= v > 0;
        if (s->right) FN(round_shift)(&v, s->right, op->round);
        if (s->left) v <<= s->left;
        if (s->width && s->sign)
            v = (v << (bits - s->width)) >> (bits - s->width);
        else if (s->width)
            v &= ((LANE)1 << s->width) - 1;
        VECTOR min = (VECTOR){0} + (LANE)s->min, max = (VECTOR){0} + (LANE)s->max, below = v < min, above = v > max;
        FN(choose)(&v, &below, &min, &v);
        FN(choose)(&v, &above, &max, &v);
        y[e] = v << s->last;
    }
}

static void FN(score)(const cb_plan *plan, const uint16_t *et, int n, void *x, void *y, uint16_t *code) {
    LANE *in = x;
    for (int i = 0; i < plan->n_in; i++)
        for (int l = 0; l < CB_PLAN_LANES; l++) in[i * CB_PLAN_LANES + l] = l < n ? et[(int64_t)l * plan->n_in + i] : 0;
    for (int k = 0; k < plan->n_op; k++) {
        (plan->op[k].quant ? FN(quantize) : FN(sums))(&plan->op[k], x, y);
        void *swap = x;
        x = y, y = swap;
    }
    in = x;
    for (int l = 0; l < n; l++) code[l] = (uint16_t)in[l];
}
