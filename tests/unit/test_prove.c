/* Proofs hold for what the compiler makes and fail for what was changed; faults are caught. */
#include "base/rng.h"
#include "hw/mutation.h"
#include "hw/prove.h"
#include "quant/firmware_import.h"
#include "unit.h"

static void test_matrix(void) {
    int64_t w[6] = {7, -3, 12, 5, 0, 9}, lo[2] = {0, -5}, hi[2] = {1023, 77}, constant[3] = {4, 0, -9};
    cb_cmvm_problem p = {.n_in = 2, .n_out = 3, .w = w, .lo = lo, .hi = hi, .constant = constant, .max_depth = -1};
    cb_cmvm_graph g;
    UNIT_OK(cb_cmvm_solve(&p, &g));
    UNIT_OK(cb_prove_matrix(&p, &g));
    w[3] = 6;
    UNIT_FAILS(cb_prove_matrix(&p, &g), "output 0 has another weight of input 1");
    w[3] = 5, constant[2] = -8;
    UNIT_FAILS(cb_prove_matrix(&p, &g), "output 2 has another constant");
    constant[2] = -9;
    for (int32_t i = g.n_in; i < g.n; i++) {
        if (g.node[i].a < 0) continue;
        g.node[i].sub ^= 1;
        CU_ASSERT_NOT_EQUAL(cb_prove_matrix(&p, &g), 0);
        g.node[i].sub ^= 1;
        g.node[i].hi = g.node[i].lo;
        CU_ASSERT_NOT_EQUAL(cb_prove_matrix(&p, &g), 0);
        break;
    }
    cb_cmvm_free(&g);
}

/* A loan changed in any of its numbers, or forgotten by one side, is seen. */
static void test_loans(const cb_netlist *g, cb_chains *c) {
    int tried = 0, wrong = 0;
    for (int32_t i = 0; i < g->n; i++) {
        cb_chain *x = &c->chain[i], was = *x;
        if (x->absorbed || !cb_chain_in_loan(x)) continue;
        cb_guest *e = x->guest >= 0 ? &c->guest[x->guest] : NULL, guest = e ? *e : (cb_guest){0};
        if (x->lent_from < x->lent_to) x->lent_to--;
        else if (x->carry_node < 0) e->shift++;
        else switch (tried % 5) {
            case 0: x->carry_node = -1; break;
            case 1: x->carry_bit++; break;
            case 2: x->guest = -1; break;
            case 3: e->minus ^= 1; break;
            default: e->bit++;
            }
        tried++;
        wrong += cb_prove_chains(g, c) == 0;
        *x = was;
        if (e) *e = guest;
    }
    CU_ASSERT(tried > 100 && wrong == 0);
    UNIT_OK(cb_prove_chains(g, c));
}

/* Every small change of a plan is seen. */
static void test_chains(void) {
    cb_programme p;
    cb_netlist g;
    UNIT_OK(cb_firmware_import(&p, "v2", "v2", "data/firmware/v2p1p2", NULL));
    UNIT_OK(cb_netlist_lower(&g, &p, 1));
    for (int ternary = 0; ternary < 2; ternary++) {
        cb_chains c;
        g.ternary = ternary;
        UNIT_OK(cb_chains_plan(&g, true, &c));
        UNIT_OK(cb_prove_chains(&g, &c));
        int tried = 0, wrong = 0;
        for (int32_t i = 0; i < g.n && tried < 200; i += 13) {
            cb_chain *x = &c.chain[i], was = *x;
            if (!x->n_field || x->absorbed) continue;
            switch (tried++ % 5) {
            case 0: x->field[0].minus ^= 1; break;
            case 1: x->low < x->width ? x->carry_in ^= 1 : x->offset--; break;
            case 2: x->offset += 1; break;
            case 3: x->field[x->n_field - 1].shift += 1; break;
            default: x->correction ^= 4;
            }
            wrong += cb_prove_chains(&g, &c) == 0;
            *x = was;
        }
        CU_ASSERT(tried > 50 && wrong == 0);
        if (!ternary) test_loans(&g, &c);
        cb_chains_free(&c);
    }
    cb_netlist_free(&g);
    cb_programme_free(&p);
}

/* A student of two layers. */
static void small_student(cb_programme *p) {
    *p = (cb_programme){.name = "small", .family = "test", .input_h = 1, .input_w = 4};
    static const int w[8] = {5, -3, 2, 7, -6, 1, 3, -4};
    cb_op *d = cb_programme_dense(p, "dense1", 2, true);
    CU_ASSERT_PTR_NOT_NULL_FATAL(d);
    for (int i = 0; i < 8; i++) d->w[i] = w[i];
    d->w_frac = 3, d->bias[0] = 21, d->bias_frac = 3, d->acc = (cb_format){1, 20, 8};
    cb_op *q = cb_programme_quant(p, "relu1", 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(q);
    q->relu = true, q->round = CB_RND_CONV, q->overflow = CB_SAT, q->format[0] = (cb_format){0, 8, 0};
    d = cb_programme_dense(p, "dense2", 1, false);
    CU_ASSERT_PTR_NOT_NULL_FATAL(d);
    d->w[0] = 3, d->w[1] = -5, d->w_frac = 5, d->acc = (cb_format){1, 20, 8};
    q = cb_programme_quant(p, "relu2", 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(q);
    q->relu = true, q->round = CB_RND_CONV, q->overflow = CB_SAT, q->format[0] = (cb_format){0, 8, 8};
    UNIT_OK(cb_programme_finish(p));
}

static void test_faults(void) {
    enum { EVENTS = 64 };
    cb_programme p;
    cb_netlist g;
    uint16_t et[EVENTS * 4], code[EVENTS];
    cb_mutation many, one;
    small_student(&p);
    UNIT_OK(cb_netlist_from_programme(&g, &p));
    cb_rng r = cb_rng_at(5, "faults", 0);
    for (int i = 0; i < EVENTS * 4; i++) et[i] = (uint16_t)cb_rng_below(&r, i % 8 < 4 ? 1024 : 60);
    UNIT_OK(cb_programme_score(&p, et, EVENTS, code));
    UNIT_OK(cb_mutation_score(&g, et, code, EVENTS, 300, 1, &many));
    CU_ASSERT(many.tried == 300 && many.caught > 200 && many.caught <= 300);
    UNIT_OK(cb_mutation_score(&g, et, code, 1, 300, 1, &one)); /* fewer events see less */
    CU_ASSERT(one.caught < many.caught && one.n_survivor == 8);
    cb_netlist_free(&g);
    cb_programme_free(&p);
}

UNIT_MAIN("prove", {"matrix", test_matrix}, {"chains", test_chains}, {"faults", test_faults})
