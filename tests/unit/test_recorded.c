/* Recorded events: read with their scores, all among the check events, compared with every form. */
#include "hw/check_events.h"
#include "hw/verify.h"
#include "quant/firmware_import.h"
#include "unit.h"

#define CARD "data/firmware/testvectors_in.txt"
#define V1 "data/firmware/v1p1p2/CICADA_v1p1p2_events256.csv"

/* events = CARD, scores = a file of this text */
static int read_text(cb_recorded *r, const char *text) {
    char list[1200];
    const char *path = unit_scratch("scores.csv");
    UNIT_OK(cb_file_write(path, text));
    snprintf(list, sizeof list, CARD "=%s\n", path);
    int rc = cb_recorded_read(r, list, 252);
    unlink(path);
    return rc;
}

static void test_read(void) {
    cb_recorded r;
    UNIT_OK(cb_recorded_read(&r, CARD "=" V1 "\ndata/firmware/inputs_random4096.h5=data/firmware/v1p1p2/CICADA_v1p1p2_random4096.csv\n", 252));
    CU_ASSERT_EQUAL_FATAL(r.n, 256 + 4096);
    CU_ASSERT(r.code[0] == 15272 && r.code[1] == 23579);
    CU_ASSERT(r.n_file == 2 && !strcmp(r.file[0], CARD) && !strcmp(r.file[1], V1));
    for (int i = 0; i < 252; i++) CU_ASSERT(r.et[256 * 252 + i] == 0 && r.et[257 * 252 + i] == 1023); /* the random ones begin empty, full */
    cb_recorded_free(&r);
    UNIT_FAILS(cb_recorded_read(&r, CARD "=" V1 "\n", 251), CARD ": the images have 18 x 14 regions, the student has 251 inputs");
    UNIT_FAILS(cb_recorded_read(&r, CARD "\n", 252), "EVENTS=SCORES wanted");
    UNIT_FAILS(cb_recorded_read(&r, "=" V1 "\n", 252), "EVENTS=SCORES wanted");
    UNIT_FAILS(cb_recorded_read(&r, CARD "=\n", 252), "EVENTS=SCORES wanted");
    UNIT_FAILS(cb_recorded_read(&r, CARD "=absent.csv\n", 252), "absent.csv");
    UNIT_FAILS(cb_recorded_read(&r, "absent.h5=" V1 "\n", 252), "absent.h5");
    UNIT_FAILS(cb_recorded_read(&r, CARD "=data/firmware/v1p1p2/CICADA_v1p1p2_random4096.csv\n", 252), ".csv:258: more lines than the 256 events");
}

static void test_bad_scores(void) {
    cb_recorded r;
    UNIT_FAILS(read_text(&r, ""), ".csv:1: 'event,score_raw' wanted");
    UNIT_FAILS(read_text(&r, "event,score_raw"), ".csv:1:");
    UNIT_FAILS(read_text(&r, "event,score_raw\n"), ".csv:2: '': event 0");
    UNIT_FAILS(read_text(&r, "event,score_raw\n0,12\n"), ".csv:3: '': event 1");
    UNIT_FAILS(read_text(&r, "event,score_raw\n0,65536\n"), ".csv:2: '0,65536': event 0 and a score of 0 to 65535");
    UNIT_FAILS(read_text(&r, "event,score_raw\n0,-1\n"), ".csv:2:");
    UNIT_FAILS(read_text(&r, "event,score_raw\n0,1.5\n"), ".csv:2:");
    UNIT_FAILS(read_text(&r, "event,score_raw\n0,1\n2,1\n"), ".csv:3: '2,1': event 1");
    UNIT_FAILS(read_text(&r, "event,score_raw\n0 1\n"), ".csv:2:");
    CU_ASSERT(!r.n && !r.et && !r.code && !r.file);
}

/* Behind the directed events, in order; all of them or none. */
static void test_among_check_events(void) {
    cb_programme p;
    cb_netlist g;
    cb_recorded r;
    cb_check_events v;
    UNIT_OK(cb_firmware_import(&p, "v1", "v1", "data/firmware/v1p1p2", NULL));
    UNIT_OK(cb_netlist_lower(&g, &p, 0));
    UNIT_OK(cb_recorded_read(&r, CARD "=" V1 "\n", 252));
    UNIT_OK(cb_check_events_make(&v, &g, NULL, &r, 700, 600, 1));
    CU_ASSERT(v.n_recorded == 256 && v.n_directed + 256 + v.n_random == 700);
    CU_ASSERT(!memcmp(v.et + v.n_directed * 252, r.et, 256 * 252 * sizeof *r.et));
    uint16_t code[700];
    UNIT_OK(cb_programme_score(&p, v.et, 700, code));
    CU_ASSERT(!memcmp(code + v.n_directed, r.code, sizeof *code * 256));
    cb_emit e = {.programme = &p, .net = &g, .et = v.et, .code = code, .n_event = 700, .n_simulation = 600, .n_recorded = 256};
    cb_check c;
    UNIT_OK(cb_verify_programme(&e, &c));
    CU_ASSERT(c.checked == 700 && !c.mismatches && !strcmp(c.what, "programme"));
    code[v.n_directed + 7] ^= 1; /* a record that the programme does not give */
    UNIT_FAILS(cb_verify_programme(&e, &c), "programme: 1 mismatches of 700; first at event ");
    CU_ASSERT_EQUAL(c.first_bad, (int64_t)v.n_directed + 7);
    size_t all = v.n_directed + 256;
    cb_check_events_free(&v);
    UNIT_OK(cb_check_events_make(&v, &g, NULL, &r, 700, all, 1));
    cb_check_events_free(&v);
    UNIT_FAILS(cb_check_events_make(&v, &g, NULL, &r, 700, all - 1, 1), "hardware.check_simulation is");
    cb_recorded_free(&r);
    cb_netlist_free(&g);
    cb_programme_free(&p);
}

UNIT_MAIN("recorded", {"events and scores", test_read}, {"bad scores", test_bad_scores}, {"check events", test_among_check_events})
