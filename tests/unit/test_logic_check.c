/* The check of a logic student's programme: nothing differs for any kind of network; a fault in either is found by both routes. */
#include "logic/student.h"
#include "quant/student_check.h"
#include "unit.h"

enum { H = 6, W = 5, CELLS = H * W, EVENTS = 700 };

#include "toy.h"

static void toy_new(toy *t) {
    cb_rng r = cb_rng_at(7, "toy", 0);
    for (int e = 0; e < EVENTS; e++) {
        for (int c = 0; c < CELLS; c++) t->et[e * CELLS + c] = (uint16_t)(cb_rng_below(&r, 1024) * cb_rng_below(&r, 1024) >> 11);
        t->code[e] = 256;
    }
    toy_open(t, EVENTS, NULL);
}

/* Two layers, trees below them or not; a head with hinges or a sum. */
static cb_logic_design design_of(cb_logic_kind kind, cb_logic_input input, bool trees, bool hinges) {
    cb_logic_design d = {.input = input, .planes = 3, .threshold = {8, 32, 128}, .kind = kind, .rank = kind == CB_LOGIC_RAW ? 2 : 4,
                         .wiring = CB_WIRE_RANDOM, .window = 3, .window_eta = 3, .candidates = 1, .n_dense = 2, .dense = {80, 48},
                         .start = CB_START_RANDOM, .probability = 0.95, .weighted = hinges, .units = hinges ? 2 : 1,
                         .hinges = hinges ? 3 : 0, .grid = {7, 3}, .hinge_grid = {1, 4}, .tau = 0.5, .middle = 20, .seed = 5};
    if (trees) d.conv = (cb_logic_conv){kind, d.rank, 4, 2, {2, 2, 1}, {1, 1, 1}, 1};
    return d;
}

/* As it stands before training, its head on the grids. */
static void make(cb_logic_student *s, cb_programme *p, const cb_logic_design *d) {
    UNIT_OK(cb_logic_student_new(s, d, H, W));
    float *theta = s->c;
    s->c = cb_alloc(cb_logic_head_parameters(&s->net), sizeof *s->c);
    cb_logic_head_round(&s->net.head, cb_logic_outputs(&s->net), d->grid, d->hinge_grid, theta, s->c);
    free(theta);
    UNIT_OK(cb_logic_programme(p, s, "checked", 5));
}

static int64_t differing(const cb_logic_student *s, const cb_programme *p, const toy *t) {
    int64_t checked = 0, mismatches = 0;
    UNIT_OK(cb_logic_check(s, p, &t->set, &checked, &mismatches));
    CU_ASSERT_EQUAL(checked, EVENTS + CB_CHECK_IMAGES);
    return mismatches;
}

static void test_equal(void) {
    static toy t;
    toy_new(&t);
    for (int kind = 0; kind < 3; kind++)
        for (int mode = 0; mode < 4; mode++) {
            cb_logic_student s;
            cb_programme p;
            cb_logic_design d = design_of((cb_logic_kind)kind, mode == 1 ? CB_CODE_LT : mode == 2 ? CB_CODE_BINARY : CB_CODE_BITS, mode == 3, mode & 1);
            make(&s, &p, &d);
            CU_ASSERT_EQUAL(differing(&s, &p, &t), 0);
            cb_programme_free(&p);
            cb_logic_student_free(&s);
        }
    cb_student_set_free(&t.set);
}

/* Learnt wires: the network holds those in use, and the check reads no others. */
static void test_learnt_wires(void) {
    static toy t;
    cb_logic_student s;
    cb_programme p;
    cb_logic_design d = design_of(CB_LOGIC_LIGHT, CB_CODE_BITS, false, true);
    toy_new(&t);
    d.candidates = 4;
    make(&s, &p, &d);
    CU_ASSERT_EQUAL(differing(&s, &p, &t), 0);
    cb_programme_free(&p);
    cb_logic_student_free(&s);
    cb_student_set_free(&t.set);
}

/* One output inverted after the programme was made: every score differs, unless it lies at 0 before and after, and both routes see it. */
static void test_fault(void) {
    static toy t;
    cb_logic_student s;
    cb_programme p;
    cb_logic_design d = design_of(CB_LOGIC_LIGHT, CB_CODE_BITS, false, false);
    toy_new(&t);
    make(&s, &p, &d);
    const cb_logic_layer *last = &s.net.layer[s.net.n_layer - 1];
    float *table = s.w + last->first;
    for (int k = 0; k < last->n_par; k++) table[k] = -table[k];
    int64_t all = differing(&s, &p, &t);
    CU_ASSERT(all > EVENTS + CB_CHECK_IMAGES); /* more than one route has events */
    CU_ASSERT(all <= EVENTS + CB_CHECK_IMAGES + t.set.n[CB_VAL] + CB_CHECK_IMAGES);
    cb_programme_free(&p);
    UNIT_OK(cb_logic_programme(&p, &s, "mended", 5));
    CU_ASSERT_EQUAL(differing(&s, &p, &t), 0);
    cb_programme_free(&p);
    cb_logic_student_free(&s);
    cb_student_set_free(&t.set);
}

UNIT_MAIN("check of logic students", {"programme equals every kind of network", test_equal}, {"learnt wires", test_learnt_wires},
          {"a fault is found", test_fault})
