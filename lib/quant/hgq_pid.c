#include "quant/hgq_pid.h"

#include "base/fmath.h"

static const double ln_10 = 2.302585092994045684;

static double log_10(double x) { return cb_log(x) / ln_10; }

double cb_beta_pid_next(const cb_beta_pid_rule *r, cb_beta_pid *s, int epoch, double ebops, double beta) {
    double ratio = ebops / r->target;
    if (epoch < r->warmup) return beta;
    if (epoch == r->warmup) {
        double e0 = r->linear ? 1 - ratio : log_10(ratio + 1e-9);
        s->sum = ((r->linear ? beta : log_10(beta)) - r->p * e0) / r->i - e0;
    }
    double e = r->linear ? ratio - 1 : log_10(ratio > 1e-9 ? ratio : 1e-9); /* a dead student has 0 EBOPs */
    double before = epoch == r->warmup ? e : s->last;
    s->sum += e;
    s->last = e;
    double u = r->p * e + r->i * s->sum + r->d * (e - before);
    beta = r->linear ? u : cb_exp(u * ln_10);
    if (ebops < r->target) beta *= 1 - r->damp;
    return beta < r->min ? r->min : beta > r->max ? r->max : beta;
}
