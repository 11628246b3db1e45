/* lanes_kernel.h - the body of isa/programme_lanes.c, included once for each lane
 * type: LANE (int32_t or int64_t), VECTOR (its name for VECTOR_BYTES of them, what one
 * register holds), FN(name). A row of 16 lanes is FN(parts) vectors. */

typedef LANE VECTOR __attribute__((vector_size(VECTOR_BYTES)));
enum { FN(each) = VECTOR_BYTES / sizeof(LANE), FN(parts) = CB_PLAN_LANES / FN(each) };

static void FN(sums)(const cb_plan_op *op, const VECTOR *x, VECTOR *y) {
    for (int pos = 0; pos < op->n_pos; pos++) {
        const VECTOR *in = x + (int64_t)op->base[pos] * FN(parts);
        for (int o = 0; o < op->n_channel; o++) {
            VECTOR sum[FN(parts)];
            for (int p = 0; p < FN(parts); p++) sum[p] = (VECTOR){0} + (LANE)op->bias[o];
            for (int32_t t = op->first[o]; t < op->first[o + 1]; t++) {
                const VECTOR *row = in + (int64_t)op->tap[t].offset * FN(parts);
                LANE w = (LANE)op->tap[t].w;
                for (int p = 0; p < FN(parts); p++) sum[p] += row[p] * w;
            }
            for (int p = 0; p < FN(parts); p++) *y++ = sum[p];
        }
    }
}

/* v / 2^s rounded; the comparisons give -1, so that "- up" adds one. */
static inline VECTOR FN(round_shift)(VECTOR v, int s, cb_round mode) {
    VECTOR q = v >> s, rest = v & (((LANE)1 << s) - 1);
    LANE half = (LANE)1 << (s - 1);
    VECTOR up = rest > half, tie = rest == half;
    switch (mode) {
    case CB_TRN: return q;
    case CB_RND: return q - (up | tie);
    case CB_RND_CONV: return q - (up | (tie & -(q & 1)));
    case CB_TRN_ZERO: return q - ((v < 0) & (rest != 0));
    case CB_RND_ZERO: return q - (up | (tie & (v < 0)));
    case CB_RND_MIN_INF: return q - up;
    case CB_RND_INF: return q - (up | (tie & (v >= 0)));
    }
    return q;
}

static inline VECTOR FN(step)(const cb_plan_op *op, const cb_plan_step *s, VECTOR v) {
    const int bits = 8 * (int)sizeof(LANE);
    if (op->relu) v &= v > 0;
    if (s->right) v = FN(round_shift)(v, s->right, op->round);
    if (s->left) v <<= s->left;
    if (s->width && s->sign)
        v = (v << (bits - s->width)) >> (bits - s->width);
    else if (s->width)
        v &= ((LANE)1 << s->width) - 1;
    VECTOR min = (VECTOR){0} + (LANE)s->min, max = (VECTOR){0} + (LANE)s->max, below = v < min, above = v > max;
    v = (min & below) | (max & above) | (v & ~(below | above));
    return v << s->last;
}

static void FN(quantize)(const cb_plan_op *op, const VECTOR *x, VECTOR *y) {
    for (int e = 0; e < op->n_out; e++)
        for (int p = 0; p < FN(parts); p++) *y++ = FN(step)(op, &op->step[e], *x++);
}

/* The last tensor of the plan, in x or y. */
static LANE *FN(tensor)(const cb_plan *plan, const uint16_t *et, int n, void *x, void *y) {
    LANE *in = x;
    for (int i = 0; i < plan->n_in; i++)
        for (int l = 0; l < CB_PLAN_LANES; l++) in[i * CB_PLAN_LANES + l] = l < n ? et[(int64_t)l * plan->n_in + i] : 0;
    for (int k = 0; k < plan->n_op; k++) {
        (plan->op[k].quant ? FN(quantize) : FN(sums))(&plan->op[k], x, y);
        void *swap = x;
        x = y, y = swap;
    }
    return x;
}

static void FN(score)(const cb_plan *plan, const uint16_t *et, int n, void *x, void *y, uint16_t *code) {
    const LANE *in = FN(tensor)(plan, et, n, x, y);
    for (int l = 0; l < n; l++) code[l] = (uint16_t)in[l];
}

static void FN(bits)(const cb_plan *plan, const uint16_t *et, int n, void *x, void *y, const cb_plan_cuts *cuts, uint16_t *bit) {
    const LANE *in = FN(tensor)(plan, et, n, x, y);
    for (int32_t j = 0; j < cuts->n; j++) {
        const LANE *v = in + (int64_t)cuts->source[j] * CB_PLAN_LANES;
        uint32_t word = 0;
        for (int l = 0; l < CB_PLAN_LANES; l++) word |= (uint32_t)(v[l] > cuts->threshold[j]) << l;
        bit[j] = (uint16_t)word;
    }
}
