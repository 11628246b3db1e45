/* A front end: features of another student's programme, what can be none, and a logic gate network behind one: its programme
 * is both, equals the trainer's route, is proven, and comes back from its file. */
#include "base/config.h"
#include "base/rng.h"
#include "logic/student.h"
#include "logic/student_proof.h"
#include "quant/student_check.h"
#include "unit.h"

enum { H = 4, W = 6, EVENTS = 70, SUMS = 6 };

#include "toy.h"

/* 2 x 2 sums in quarters, with negative ones where asked; the fourth element saturates at 0.75, the last has no bits. */
static void front_student(cb_programme *p, bool negative) {
    *p = (cb_programme){.name = "front", .family = "hgq", .input_h = H, .input_w = W, .ebops = 0};
    cb_op *op = cb_programme_conv2d(p, "sums", 2, 2, 2, 2, 1, true);
    CU_ASSERT_PTR_NOT_NULL_FATAL(op);
    for (int k = 0; k < 4; k++) op->w[k] = k == 2 && negative ? -1 : 1 + (k == 3);
    op->w_frac = 4, op->bias[0] = -1, op->bias_frac = 0;
    CU_ASSERT_PTR_NOT_NULL_FATAL(op = cb_programme_quant(p, "views", SUMS));
    op->relu = !negative, op->round = CB_RND, op->overflow = CB_SAT;
    for (int e = 0; e < SUMS; e++) op->format[e] = (cb_format){negative, (int16_t)(e == 3 ? 0 : 7), 2};
    op->format[SUMS - 1] = (cb_format){0, 0, 0};
    CU_ASSERT_PTR_NOT_NULL_FATAL(op = cb_programme_dense(p, "out", 1, false));
    for (int e = 0; e < SUMS; e++) op->w[e] = e;
    CU_ASSERT_PTR_NOT_NULL_FATAL(op = cb_programme_quant(p, "score", 1));
    op->relu = true, op->overflow = CB_SAT, op->format[0] = (cb_format){0, 8, 8};
    UNIT_OK(cb_programme_finish(p));
}

static void toy_new(toy *t) {
    cb_rng r = cb_rng_at(7, "front-end", 0);
    for (int e = 0; e < EVENTS * H * W; e++) t->et[e] = (uint16_t)(cb_rng_below(&r, 1024) * cb_rng_below(&r, 1024) >> 10);
    for (int e = 0; e < EVENTS; e++) t->code[e] = (uint16_t)(256 + e);
    toy_open(t, EVENTS, NULL);
}

static void test_features(void) {
    static toy t;
    cb_programme p;
    cb_front_end f;
    cb_student_set features;
    toy_new(&t);
    front_student(&p, false);
    UNIT_OK(cb_front_end_new(&f, &p, "views"));
    CU_ASSERT(f.n == SUMS - 1 && f.element[4] == 4 && f.largest[0] == 511 && f.largest[3] == 3);
    CU_ASSERT_EQUAL(cb_front_end_threshold(&f, 0, 1022), 510); /* the largest value passes every threshold */
    CU_ASSERT_EQUAL(cb_front_end_threshold(&f, 3, 682), 2);
    UNIT_OK(cb_front_end_set(&f, &t.set, &features));
    CU_ASSERT(features.n_feature == f.n && features.n[CB_TRAIN] == 50 && features.n[CB_VAL] == 20 && features.n_zero_bias[CB_VAL] == 20);
    CU_ASSERT(!memcmp(features.code[CB_VAL], t.set.code[CB_VAL], 20 * sizeof(uint16_t)));
    for (uint32_t e = 0; e < 20; e++) { /* (sum + last) / 16 - 1 in quarters, half up */
        const uint16_t *et = cb_rows_at(t.set.image[CB_VAL], e, NULL), *x = cb_rows_at(features.image[CB_VAL], e, NULL);
        for (int i = 0; i < f.n; i++) {
            const uint16_t *at = et + i / 3 * 2 * W + i % 3 * 2;
            int sum = at[0] + at[1] + at[W] + 2 * at[W + 1] - 16, y = sum < 0 ? 0 : (sum + 2) / 4;
            CU_ASSERT_EQUAL(x[i], y > f.largest[i] ? f.largest[i] : y);
        }
    }
    cb_student_set_free(&features);
    t.set.height++;
    UNIT_FAILS(cb_front_end_set(&f, &t.set, &features), "reads 4 x 6 regions, the dataset has 5 x 6");
    cb_front_end_free(&f);
    cb_programme_free(&p);
    cb_student_set_free(&t.set);
}

static void test_none(void) {
    cb_programme p;
    cb_front_end f;
    front_student(&p, true);
    UNIT_FAILS(cb_front_end_new(&f, &p, "score"), "no quantizer 'score' to read features from; it has: views");
    UNIT_FAILS(cb_front_end_new(&f, &p, "sums"), "no quantizer 'sums'");
    UNIT_FAILS(cb_front_end_new(&f, &p, "views"), "element 0 of 'views' is -");
    cb_programme_free(&p);
    front_student(&p, false);
    p.op[1].format[2].i = 9;
    UNIT_OK(cb_programme_finish(&p));
    UNIT_FAILS(cb_front_end_new(&f, &p, "views"), "element 2 of 'views' is 0 to 1275 in units of 2^-2; 0 to 1023");
    for (int e = 0; e < SUMS; e++) p.op[1].format[e] = (cb_format){0};
    UNIT_OK(cb_programme_finish(&p));
    UNIT_FAILS(cb_front_end_new(&f, &p, "views"), "always 0");
    cb_programme_free(&p);
}

/* A network behind the front end, as it stands before training. */
static void behind(cb_logic_student *s, cb_programme *p, const cb_front_end *f, cb_config *c) {
    static const char *const settings[] = {"lgn.front_end=front", "lgn.front_layer=views", "lgn.thresholds=100 300 700", "lgn.layers=40 20",
                                           "lgn.inputs=4", "lgn.wiring=distinct", "lgn.start=random", "lgn.head=sum"};
    for (size_t k = 0; k < sizeof settings / sizeof *settings; k++) UNIT_OK(cb_config_set(c, settings[k]));
    cb_logic_design d = cb_logic_design_of(c);
    UNIT_OK(cb_logic_student_behind(s, &d, f));
    UNIT_OK(cb_logic_programme(p, s, "both", 1));
}

static void test_behind(void) {
    static toy t;
    cb_programme front, p, features;
    cb_front_end f;
    cb_logic_student s;
    int64_t checked, mismatches, gates, sums;
    cb_config *c = cb_config_new();
    toy_new(&t);
    front_student(&front, false);
    UNIT_OK(cb_front_end_new(&f, &front, "views"));
    behind(&s, &p, &f, c);
    CU_ASSERT_FATAL(p.n_op == 6 && p.op[1].kind == CB_OP_QUANT && p.op[2].kind == CB_OP_COMPARE && !p.op[2].mask);
    UNIT_OK(cb_logic_check(&s, &p, &t.set, &checked, &mismatches));
    CU_ASSERT(checked == EVENTS + CB_CHECK_IMAGES && mismatches == 0);
    UNIT_OK(cb_logic_programme_of_features(&features, &s));
    CU_ASSERT(features.n_op == 4 && features.input_h == 1 && features.input_w == f.n);
    UNIT_OK(cb_logic_prove(&s, &p, &gates, &sums));
    CU_ASSERT(gates >= 60 && sums == 1);
    p.op[1].format[0].i = 5; /* another front end: seen by the check, which has the student's own */
    UNIT_OK(cb_programme_finish(&p));
    UNIT_OK(cb_logic_check(&s, &p, &t.set, &checked, &mismatches));
    CU_ASSERT(mismatches > 0);
    p.op[2].source[0] ^= 1;
    UNIT_FAILS(cb_logic_prove(&s, &p, &gates, &sums), "operation thermometer is another");
    cb_programme_free(&features);
    cb_programme_free(&p);
    cb_logic_student_free(&s);
    cb_front_end_free(&f);
    cb_programme_free(&front);
    cb_student_set_free(&t.set);
    cb_config_free(c);
}

/* Its file alone is enough: the front end lies in the programme. */
static void test_file(void) {
    const char *path = unit_scratch("behind.h5");
    cb_programme front, p;
    cb_front_end f, of_file;
    cb_logic_student s, back;
    bool found;
    int64_t gates, sums;
    cb_config *c = cb_config_new();
    front_student(&front, false);
    UNIT_OK(cb_front_end_new(&f, &front, "views"));
    behind(&s, &p, &f, c);
    char *text = cb_config_canonical(c, "student lgn");
    cb_h5 *h = cb_h5_create(path, CB_STUDENT_SCHEMA, "quantize-lgn", text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(h);
    UNIT_OK(cb_student_write(&p, 1, 0, h) || cb_logic_student_write(&s, h, "/float") || cb_h5_commit(&h));
    cb_programme_free(&p);
    UNIT_OK(cb_programme_read(&p, path));
    UNIT_OK(cb_logic_student_read(&back, &of_file, path, &p, &found));
    CU_ASSERT(found && of_file.n == f.n && back.front == &of_file);
    CU_ASSERT(!memcmp(back.code.threshold, s.code.threshold, (size_t)s.code.n_input * sizeof *s.code.threshold));
    cb_logic_student_free(&back);
    cb_front_end_free(&of_file);
    UNIT_OK(cb_logic_prove_file(path, &p, &found, &gates, &sums));
    CU_ASSERT(found && gates >= 60);
    strcpy(p.op[1].name, "other");
    UNIT_FAILS(cb_logic_prove_file(path, &p, &found, &gates, &sums), "no quantizer 'views'");
    cb_logic_design d = s.design;
    d.wiring = CB_WIRE_RING;
    UNIT_FAILS(cb_logic_student_behind(&back, &d, &f), "no image of counts");
    remove(path);
    free(text);
    cb_logic_student_free(&s);
    cb_front_end_free(&f);
    cb_programme_free(&front);
    cb_programme_free(&p);
    cb_config_free(c);
}

UNIT_MAIN("front end", {"features", test_features}, {"layers that are none", test_none}, {"a network behind it", test_behind},
          {"its file", test_file})
