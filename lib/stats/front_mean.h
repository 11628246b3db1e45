/* front_mean.h - fronts of several seeds as one curve with a band.
 *
 * The seeds of a front have no point in common, so each is a curve first: its points in ascending cost,
 * joined by straight lines over log cost. For the axis LUT only the points that no other point of the same seed
 * beats in both LUT and validation error take part, as on the axis EBOPs by construction; the test split is not
 * asked. The curves are read at the common costs 10^(k/12), from where every seed has a point to the dearest point of any.
 * Beyond its own dearest point a seed stays at that point: it is within any larger budget, and nothing dearer was better.
 *   mean     over the seeds
 *   lo, hi   mean -+ t(0.975, n-1) s / sqrt(n), the 95 % interval of the mean; NaN for one seed
 *   least, most   smallest and largest seed
 */
#ifndef CB_STATS_FRONT_MEAN_H
#define CB_STATS_FRONT_MEAN_H

#include "base/error.h"

enum { CB_FRONT_PER_DECADE = 12 };

/* One seed: n points in any order. A point takes part if its cost is above 0 and its value is finite. */
typedef struct {
    int n;
    const double *cost, *error, *value; /* error: of the validation split */
} cb_front_curve;

typedef struct {
    double cost, mean, lo, hi, least, most;
} cb_front_mean;

/* Fills at most max rows, ascending in cost; returns how many, or -1 without memory. A seed without points: 0. */
int cb_front_mean_make(cb_front_mean *row, int max, const cb_front_curve *curve, int n_curve) CB_MUST;
/* Student's t at 97.5 % for 1 to 30 degrees of freedom; 1.96 beyond. */
double cb_student_t(int degrees);

#endif
