/* A logic student's programme is the network as trained, proven: dense layers, trees with pooling, hinges; and every change of the
 * programme, or of the file, is seen. */
#include "base/config.h"
#include "base/log.h"
#include "base/rng.h"
#include "logic/student.h"
#include "logic/student_proof.h"
#include "quant/student_check.h"
#include "unit.h"

enum { H = 6, W = 5, KINDS = 3 };

static const char *const settings[KINDS][9] = {
    {"lgn.thresholds=7 63 255", "lgn.layers=60 40", "lgn.inputs=4", "lgn.wiring=random", "lgn.start=random", "lgn.head=sum"},
    {"lgn.thresholds=15 127", "lgn.layers=24", "lgn.inputs=2", "lgn.kernels=3", "lgn.field=3", "lgn.stride=1", "lgn.levels=2", "lgn.pool=2", "lgn.start=random"},
    {"lgn.input=binary", "lgn.thresholds=8 64", "lgn.wiring=ring", "lgn.layers=8", "lgn.window=1", "lgn.count=yes", "lgn.hinges=2", "lgn.units=2",
     "lgn.start=random"}};

/* Not trained: the start's tables, a head of small whole numbers. */
static cb_config *make(int kind, cb_logic_student *s) {
    cb_config *c = cb_config_new();
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    for (int k = 0; k < 9 && settings[kind][k]; k++) UNIT_OK(cb_config_set(c, settings[kind][k]));
    cb_logic_design d = cb_logic_design_of(c);
    UNIT_OK(cb_logic_student_new(s, &d, H, W));
    cb_rng r = cb_rng_at(5, "logic-proof", (uint64_t)kind);
    for (size_t k = 0; k < cb_logic_head_parameters(&s->net); k++)
        if (kind) s->c[k] = (float)((int)cb_rng_below(&r, 7) - 3); /* some are 0 */
    return c;
}

static int prove(const cb_logic_student *s, const cb_programme *p) {
    int64_t gates, sums;
    return cb_logic_prove(s, p, &gates, &sums);
}

static void test_changes(void) {
    for (int kind = 0; kind < KINDS; kind++) {
        cb_logic_student s;
        cb_programme p;
        int64_t gates, sums;
        cb_config *c = make(kind, &s);
        UNIT_OK(cb_logic_programme(&p, &s, "test", 1));
        UNIT_OK(cb_logic_prove(&s, &p, &gates, &sums));
        CU_ASSERT(gates >= p.op[1].circuit.n && sums == s.net.head.units);
        cb_circuit *q = &p.op[1].circuit;
        CU_ASSERT_FATAL(q->n > 3 && q->n_output > 1);
        q->gate[q->n / 2].table ^= 2;
        UNIT_FAILS(prove(&s, &p), "operation gates is another");
        q->gate[q->n / 2].table ^= 2;
        q->output[0] = q->output[1];
        UNIT_FAILS(prove(&s, &p), "operation gates is another");
        cb_programme_free(&p);
        UNIT_OK(cb_logic_programme(&p, &s, "test", 1));
        p.op[2].w[0]++;
        UNIT_FAILS(prove(&s, &p), "operation head is another");
        p.op[2].w[0]--, p.op[2].bias[0]++;
        UNIT_FAILS(prove(&s, &p), "operation head is another");
        p.op[2].bias[0]--, p.op[0].threshold[1]++;
        UNIT_FAILS(prove(&s, &p), "operation thermometer is another");
        p.op[0].threshold[1]--;
        UNIT_OK(prove(&s, &p));
        for (size_t k = 0; k < s.net.n_weight; k++) s.w[k] = -s.w[k]; /* another trained network */
        UNIT_FAILS(prove(&s, &p), "is another");
        cb_programme_free(&p);
        cb_logic_student_free(&s);
        cb_config_free(c);
    }
}

static void write_file(const char *path, const cb_logic_student *s, const cb_programme *p, const cb_config *c, const char *stage) {
    char *text = cb_config_canonical(c, "student lgn");
    cb_h5 *f = cb_h5_create(path, CB_STUDENT_SCHEMA, stage, text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    UNIT_OK(cb_student_write(p, 1, 0, f));
    UNIT_OK(cb_logic_student_write(s, f, "/float"));
    UNIT_OK(cb_h5_commit(&f));
    free(text);
}

/* Written, read back by its configuration, proven; a broken wire is named; other stages' files are left alone. */
static void test_files(void) {
    const char *path = unit_scratch("student.h5");
    for (int kind = 0; kind < KINDS; kind++) {
        cb_logic_student s, back;
        cb_front_end front;
        cb_programme p;
        bool found;
        int64_t gates, sums;
        cb_config *c = make(kind, &s);
        s.net.layer[0].wire[0] = s.net.layer[0].wire[1]; /* not what the configuration alone gives */
        UNIT_OK(cb_logic_programme(&p, &s, "test", 1));
        write_file(path, &s, &p, c, "quantize-lgn");
        UNIT_OK(cb_logic_student_read(&back, &front, path, &p, &found));
        CU_ASSERT(found && back.net.n_weight == s.net.n_weight && !memcmp(back.w, s.w, s.net.n_weight * sizeof *s.w));
        CU_ASSERT_EQUAL(back.net.layer[0].wire[0], s.net.layer[0].wire[0]);
        UNIT_OK(cb_logic_prove_file(path, &p, &found, &gates, &sums));
        CU_ASSERT(found && gates > 0);
        cb_logic_student_free(&back);
        p.input_h++; /* images of another height */
        if (kind) UNIT_FAILS(cb_logic_student_read(&back, &front, path, &p, &found), "wires0");
        p.input_h--;
        write_file(path, &s, &p, c, "quantize-hgq");
        UNIT_OK(cb_logic_prove_file(path, &p, &found, &gates, &sums));
        CU_ASSERT(!found && !gates);
        s.net.layer[0].wire[3] = s.net.layer[0].n_in + 1;
        write_file(path, &s, &p, c, "quantize-lgn");
        UNIT_FAILS(cb_logic_prove_file(path, &p, &found, &gates, &sums), "wires0: wire 3 is");
        cb_programme_free(&p);
        cb_logic_student_free(&s);
        cb_config_free(c);
    }
    remove(path);
}

UNIT_MAIN("logic_proof", {"changes of a programme", test_changes}, {"files", test_files})
