#include "plus_cost.h"

#include <math.h>

static const double see_overflow = 1, select_bit = 0.5, carry = 0.8, rounding_adder = 10, term = 1;

/* Where the gradients of a quantizer's variables go; NULL without gradients. */
static double *grad_of(const cb_plus_student *s, double *grad, const float *value) {
    return grad ? grad + (value - s->value) : NULL;
}

static void add_slope(const cb_plus_student *s, const cb_hgq_quantizer *q, size_t v, double c, double *grad) {
    if (grad) cb_hgq_width_gradient(q, v, c, grad_of(s, grad, q->i) + v, grad_of(s, grad, q->w) + v);
}

/* Adder terms of a weight of w bits, and the slope towards fewer. */
static double digits(const cb_plus_student *s, double w, double *slope) {
    *slope = 1;
    if (s->d.ebops_cost) return w;
    *slope = w > 1 ? 0.5 : 1;
    return w > 1 ? (w + 1) / 2 : w;
}

/* Sum of weight widths of one input of the first dense layer. */
static double use_of(const cb_plus_layer *y, int input) {
    double sum = 0;
    for (int o = 0; o < y->n_out; o++) sum += cb_hgq_width(&y->kq, (size_t)(input * y->n_out + o));
    return sum;
}

/* One view element: its saturation and its adder; the slope towards fewer bits. */
static double view_element(const cb_plus_student *s, int e, double *sum, double *slope) {
    size_t v = s->map[e];
    double b = cb_hgq_width(&s->view, v);
    *sum = *slope = 0;
    if (b <= 0) return 0;
    if (s->d.ebops_cost) return *sum = b, *slope = 1, 0;
    bool saturates = rintf(s->view.i[v]) < s->view.i_max && !cb_plus_wraps(&s->d, e % s->d.n_view);
    double extra = s->d.round_views ? rounding_adder : 0, first = (saturates ? see_overflow : 0) + carry + extra;
    *sum = b + carry + extra;
    *slope = 1 + (saturates ? select_bit : 0) + (b <= 1 ? first : 0);
    return saturates ? see_overflow + select_bit * b : 0;
}

static void cost_views(const cb_plus_student *s, double factor, double *grad, cb_plus_lut *c) {
    const cb_plus_layer *y = &s->layer[0];
    for (int g = 0; g < s->n_group; g++) {
        double use = use_of(y, g), gate = fmin(use, 1), tile = 0;
        for (int e = g % s->d.n_view; e < s->n_view; e += s->d.n_view) {
            if (s->group[e] != (uint32_t)g) continue;
            double sum, slope, saturation = view_element(s, e, &sum, &slope);
            c->views += gate * saturation;
            c->sums += gate * sum;
            tile += saturation + sum;
            if (gate > 0 && !cb_plus_wraps(&s->d, g % s->d.n_view))
                add_slope(s, &s->view, s->map[e], factor * gate * slope, grad);
        }
        for (int o = 0; use <= 1 && o < y->n_out; o++)
            add_slope(s, &y->kq, (size_t)(g * y->n_out + o), factor * tile, grad);
    }
}

static void cost_dense(const cb_plus_student *s, int l, double factor, double *grad, cb_plus_lut *c) {
    const cb_plus_layer *y = &s->layer[l];
    double own = s->d.ebops_cost ? 0 : term;
    for (int i = 0; i < y->n_in; i++) {
        double b = cb_hgq_width(&y->iq, (size_t)i), all = 0;
        for (int o = 0; o < y->n_out; o++) {
            size_t e = (size_t)(i * y->n_out + o);
            double slope, n = digits(s, cb_hgq_width(&y->kq, e), &slope);
            all += n;
            if (b > 0) c->dense += n * (b + own);
            if (b > 0) add_slope(s, &y->kq, e, factor * slope * (b + own), grad);
        }
        double unit = l && b > 0 && all > 0 && !s->d.ebops_cost ? see_overflow + select_bit * b : 0;
        c->units += unit;
        add_slope(s, &y->iq, (size_t)i, factor * (all + (unit > 0 ? select_bit : 0)), grad);
    }
}

cb_plus_lut cb_plus_cost(const cb_plus_student *s, double factor, double *grad) {
    cb_plus_lut c = {0};
    cost_views(s, factor, grad, &c);
    for (int l = 0; l < s->d.n_dense; l++) cost_dense(s, l, factor, grad, &c);
    c.total = c.views + c.sums + c.dense + c.units;
    return c;
}

double cb_plus_ebops(const cb_plus_student *s) {
    double sum = 0;
    for (int e = 0; e < s->n_view; e++) sum += cb_hgq_width(&s->view, s->map[e]);
    for (int l = 0; l < s->d.n_dense; l++) {
        const cb_plus_layer *y = &s->layer[l];
        for (int i = 0; i < y->n_in; i++)
            for (int o = 0; o < y->n_out; o++)
                sum += (double)cb_hgq_width(&y->iq, (size_t)i) * cb_hgq_width(&y->kq, (size_t)(i * y->n_out + o));
    }
    return sum;
}
