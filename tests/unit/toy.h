/* toy.h - a small student set that a test makes up: it defines H, W, EVENTS, includes this, fills images and target
 * codes, and calls toy_open. Five events of seven train, two validate. */
#ifndef CB_TESTS_TOY_H
#define CB_TESTS_TOY_H

#include "quant/student_data.h"
#include "unit.h"

typedef struct {
    cb_dataset d;
    cb_student_set set;
    uint16_t et[EVENTS * H * W], code[EVENTS];
    uint8_t split[EVENTS], process[EVENTS];
} toy;

/* The set of the first n events, and of the outliers (NULL: none). */
static void toy_open(toy *t, int n, const cb_outliers *outliers) {
    static char *name[1] = {"zb"};
    for (int e = 0; e < EVENTS; e++) t->split[e] = e % 7 < 5 ? CB_TRAIN : CB_VAL;
    t->d = (cb_dataset){.n = (uint64_t)n, .height = H, .width = W, .et = t->et, .split = t->split, .process = t->process,
                        .n_process = 1, .process_name = name};
    UNIT_OK(cb_student_set_new(&t->set, &t->d, t->code, outliers));
}

#endif
