/* student.h - a logic gate network as a student: design, start, training, hardened model selection, programme.
 *
 * Training set, targets and batches are those of every student (quant/student_data.h). After each epoch
 * the network is hardened, simplified and evaluated as integer programme on the validation events (512 a
 * vector); the epoch with the smallest hardened mean absolute error is kept. So what is selected is
 * what the hardware computes.
 *
 * Input in training: CB_CODE_BITS the hardware's bits x > t; the published transforms of
 * ml4physics-paper-plots transforms.py, whose hardware form is the same x > t:
 *   CB_CODE_LT    channel i = log1p(max(x - t_i, 0) / 2)     (not bounded by 1)
 *   CB_CODE_LOG   one channel log1p(x) / 2, bit x > 0
 *   CB_CODE_BINARY plane i the bit of E_T worth t_i (a power of two), the last plane E_T >= t_i: a table of the planes of one
 *                 region is any function of its E_T in steps of t_0, and costs no comparators
 *   CB_CODE_RAMP  clamp((x - t_i) / (t_{i+1} - t_i), 0, 1), 1024 after the last
 *
 * Behind a front end (logic/front_end.h) x is a feature of it; the input is CB_CODE_BITS then, and training, selection and
 * hardening are the same on the set of features. Only the programme and its check have the images.
 */
#ifndef CB_LOGIC_STUDENT_H
#define CB_LOGIC_STUDENT_H

#include "base/config.h"
#include "logic/front_end.h"
#include "logic/train.h"
#include "quant/programme.h"
#include "quant/student_data.h"

enum { CB_LOGIC_DENSE = 8, CB_LOGIC_PLANES = 64 };
typedef enum { CB_START_RESIDUAL, CB_START_RANDOM, CB_START_THRESHOLD } cb_logic_start;
typedef enum { CB_CODE_BITS, CB_CODE_LT, CB_CODE_LOG, CB_CODE_RAMP, CB_CODE_BINARY } cb_logic_input;
typedef enum { CB_WIRE_RANDOM, CB_WIRE_DISTINCT, CB_WIRE_UNIQUE, CB_WIRE_LOCAL, CB_WIRE_RING } cb_logic_wiring;

typedef struct {
    cb_logic_input input;
    int planes;
    int32_t threshold[CB_LOGIC_PLANES];
    cb_logic_kind kind;
    int rank;                    /* inputs of a node */
    cb_logic_wiring wiring;      /* LOCAL: the first dense layer reads a window of the image; RING: so do its n tables, each at
                                  * all positions in phi: n x height nodes */
    int window, window_eta;      /* sides of the window in phi, eta */
    int candidates;              /* of every input of a dense node, drawn like its wire; 1: wires are fixed */
    bool learn_thresholds, log_thresholds; /* log: on log2(1 + count) (ladder.h) */
    double threshold_width;
    cb_logic_conv conv;          /* kernels 0: none */
    int group, pool;             /* channels a kernel sees (0: all); OR pooling after the trees (0: none) */
    int n_dense, dense[CB_LOGIC_DENSE];
    cb_logic_start start;        /* THRESHOLD: residual, but tables of the first layer are "the E_T of the bits read is above
                                  * a threshold", geometrically between the planes' */
    double probability, start_noise;
    bool weighted;               /* head: trained weights, else (sum + beta) / tau */
    int units, hinges;           /* head.h */
    bool count;                  /* nodes of a shared table have one weight in the head */
    cb_logic_grid grid, hinge_grid;
    double tau, middle;          /* score where half of the outputs are on */
    uint64_t seed;
} cb_logic_design;

typedef struct {
    int epochs;
    uint32_t batch;
    double learning_rate, rate_end; /* last / first (cosine) */
    double temperature, temperature_end; /* geometric */
    double noise, noise_end;        /* linear */
    bool hard;
    int64_t soft_steps;             /* hard forward only after so many steps */
    int64_t clamp_after;            /* steps; < 0: never */
    double wire_rate, threshold_rate; /* of learnable wires and thresholds / learning_rate */
    double entropy, entropy_tree;   /* in the loss: this times the sum of j^2, j = 1 .. floor(steps done / entropy_every) */
    int64_t entropy_every;
    bool floor;                     /* train.h */
    double tail_from, tail_weight;  /* events with target >= tail_from have this weight in the loss */
} cb_logic_plan;

typedef struct {
    cb_logic_design design;
    int height, width;              /* of what it reads: regions, or 1 x features */
    const cb_front_end *front;      /* borrowed; NULL: it reads counts */
    cb_logic_code code;
    cb_logic_net net;               /* wires: those of the best epoch, where they are learnt */
    float *w;                       /* [n_weight], plain order */
    float *u;                       /* [n_choice]: start of the candidate wires' weights */
    float *c;                       /* head.h, as used (on its grids) */
} cb_logic_student;

int cb_logic_student_new(cb_logic_student *s, const cb_logic_design *d, int height, int width) CB_MUST;
/* The same behind a front end, which must outlive s. */
int cb_logic_student_behind(cb_logic_student *s, const cb_logic_design *d, const cb_front_end *front) CB_MUST;
void cb_logic_student_free(cb_logic_student *s);

/* Trains; s then holds the weights of the best epoch. The set: images, or the features of the front end (cb_front_end_set). */
int cb_logic_fit(cb_logic_student *s, const cb_student_set *set, const cb_logic_plan *plan, cb_history *history) CB_MUST;

/* The integer programme, with the operations of a front end first: simplified circuit, comparators in use, equal outputs merged
 * in the head. Each of these steps is proven for all inputs as it is made: gates by their truth tables (quant/circuit_prove.h),
 * sums by the weight of every signal. */
int cb_logic_programme(cb_programme *p, const cb_logic_student *s, const char *name, int64_t seed) CB_MUST;
/* The same without the front end: a programme of the features, for model selection. */
int cb_logic_programme_of_features(cb_programme *p, const cb_logic_student *s) CB_MUST;
/* Is p the programme of the trained network? Makes it again, with those proofs: of so many hardened gates and sums. What p has
 * of a front end is taken as it is. */
int cb_logic_prove(const cb_logic_student *s, const cb_programme *p, int64_t *gates, int64_t *sums) CB_MUST;
/* The network as trained against the programme, head in float64: every training and validation event and random images
 * (student_check.h) by the trainer's own kernels with hard nodes on the hardware's bits, the last two also gate by gate, unsimplified.
 * checked: events; mismatches of both. The set: images, also behind a front end, which is then worked out by its plain definition. */
int cb_logic_check(const cb_logic_student *s, const cb_programme *p, const cb_student_set *set, int64_t *checked,
                   int64_t *mismatches) CB_MUST;
/* Group with weights, wires, head of the network as trained. */
int cb_logic_student_write(const cb_logic_student *s, cb_h5 *f, const char *group) CB_MUST;
/* [lgn] and student.seed as a design. */
cb_logic_design cb_logic_design_of(const cb_config *c);
/* The network as trained, from a student's file (quantize-lgn) by its configuration and group "float"; thresholds that were
 * trained are not there, they are the starting ones. *found: false, and nothing else, where another stage wrote the file.
 * p: its programme; front: filled with what p has of a front end, to be freed after s by cb_front_end_free. */
int cb_logic_student_read(cb_logic_student *s, cb_front_end *front, const char *path, const cb_programme *p, bool *found) CB_MUST;

#endif
