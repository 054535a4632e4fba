/* neuron.c - neuron and neuron_bwd: one neuron after the other, each through all t, by the text compiled in double.
 *
 * Operands: x, s0[n_state], p[n_param] -> y, s1[n_state], seq[n_state];
 * and x, s0, p, gy, gseq[n_state], gs1[n_state] -> gx, gs0[n_state], gp[n_param]. */
#include "ref.h"

typedef struct step { /* one time step of one neuron */
    double x, y, s[HK_MAX_STATE + 1], s1[HK_MAX_STATE + 1], p[HK_MAX_P + 1], h[HK_MAX_H + 1], z[HK_MAX_FIRE + 1], f[HK_MAX_FIRE + 1];
} step;

static void forward(const ref_plan *p, const hk_bind *b, int64_t t, int64_t i, int64_t e, step *q) {
    const hk_neuron_type *type = p->neuron->type;
    memset(q->h, 0, sizeof q->h), memset(q->z, 0, sizeof q->z), memset(q->s1, 0, sizeof q->s1);
    q->x = ref_get(p, b, 0, t, i, e), q->y = 0.0;
    for (int k = 0; k < (int)type->n_param; k++) q->p[k] = ref_spread(p, b, 1 + (int)type->n_state + k, 0, t, i, e);
    p->code->pre(&q->x, q->s, q->p, q->h, q->z);
    for (int k = 0; k < (int)type->n_fire; k++)
        q->f[k] = ref_fire(p->surrogate_code, &p->neuron->surrogate, q->z[k], (type->flags & HK_NEURON_STRICT) != 0, (int)p->neuron->spiking);
    p->code->post(q->h, q->f, q->f, q->s, q->p, &q->y, q->s1);
}

static void first_state(const ref_plan *p, const hk_bind *b, int64_t i, int64_t e, double *s) {
    for (int k = 0; k < (int)p->neuron->type->n_state; k++) s[k] = ref_spread(p, b, 1 + k, 0, 0, i, e);
}

static hk_status neuron(const ref_plan *p, const hk_bind *b) {
    int ns = (int)p->neuron->type->n_state, y = p->n_in, s1 = y + 1, seq = s1 + ns;
    for (int64_t i = 0; i < b->n; i++)
        for (int64_t e = 0; e < p->E[0]; e++) {
            step q;
            first_state(p, b, i, e, q.s);
            for (int64_t t = 0; t < b->T; t++) {
                forward(p, b, t, i, e, &q);
                if (ref_has(p, y)) ref_put(p, b, y, t, i, e, q.y);
                for (int k = 0; k < ns; k++) {
                    if (ref_has(p, seq + k)) ref_put(p, b, seq + k, t, i, e, q.s1[k]);
                    if (ref_has(p, s1 + k) && t == b->T - 1) ref_put(p, b, s1 + k, 0, i, e, q.s1[k]);
                    q.s[k] = q.s1[k];
                }
            }
        }
    return HK_OK;
}

/* Operands of neuron -> z[n_fire] */
static hk_status neuron_z(const ref_plan *p, const hk_bind *b) {
    for (int64_t i = 0; i < b->n; i++)
        for (int64_t e = 0; e < p->E[0]; e++) {
            step q;
            first_state(p, b, i, e, q.s);
            for (int64_t t = 0; t < b->T; t++) {
                forward(p, b, t, i, e, &q);
                for (int k = 0; k < p->n_out; k++)
                    if (ref_has(p, p->n_in + k)) ref_put(p, b, p->n_in + k, t, i, e, q.z[k]);
                memcpy(q.s, q.s1, sizeof q.s);
            }
        }
    return HK_OK;
}

/* Gradients of one step: in gs the gradient of s1, out of s; gx and gp are set. */
static void backward(const ref_plan *p, const hk_bind *b, int64_t t, int64_t i, int64_t e, const step *q, double gy, double *gs, double *gx, double *gp) {
    const hk_neuron *n = p->neuron;
    double gh[HK_MAX_H + 1] = { 0 }, gf[HK_MAX_FIRE + 1] = { 0 }, gr[HK_MAX_FIRE + 1] = { 0 }, gz[HK_MAX_FIRE + 1] = { 0 }, before[HK_MAX_STATE + 1] = { 0 };
    *gx = 0.0;
    memset(gp, 0, (HK_MAX_P + 1) * sizeof *gp);
    p->code->post_bwd(q->h, q->f, q->f, q->s, q->p, &gy, gs, gh, gf, gr, before, gp);
    for (int k = 0; k < (int)n->type->n_fire; k++) gz[k] = (gf[k] + (n->detach_reset ? 0.0 : gr[k])) *
            ref_slope(p, b, &n->surrogate, (int)n->spiking, k, t, i, e, p->E[0], q->z[k]);
    p->code->pre_bwd(&q->x, q->s, q->p, gh, gz, gx, before, gp);
    memcpy(gs, before, sizeof before);
}

static hk_status neuron_bwd(const ref_plan *p, const hk_bind *b) {
    int ns = (int)p->neuron->type->n_state, np = (int)p->neuron->type->n_param;
    int gy = 1 + ns + np, gseq = gy + 1, gs1 = gseq + ns, gx = p->n_in, gs0 = gx + 1, gp = gs0 + ns;
    double *history = b->scratch; /* states before each step */
    if (ref_has(p, gx)) ref_zero(p, b, gx);
    for (int k = 0; k < np; k++)
        if (ref_has(p, gp + k)) ref_zero(p, b, gp + k);
    for (int64_t i = 0; i < b->n; i++)
        for (int64_t e = 0; e < p->E[0]; e++) {
            step q;
            double gs[HK_MAX_STATE + 1] = { 0 }, gx1, gp1[HK_MAX_P + 1];
            first_state(p, b, i, e, q.s);
            for (int64_t t = 0; t < b->T; t++) {
                memcpy(history + t * ns, q.s, (size_t)ns * sizeof *history);
                forward(p, b, t, i, e, &q);
                memcpy(q.s, q.s1, (size_t)ns * sizeof *q.s);
            }
            for (int k = 0; k < ns; k++) gs[k] = ref_has(p, gs1 + k) ? ref_spread(p, b, gs1 + k, 0, 0, i, e) : 0.0;
            for (int64_t t = b->T - 1; t >= 0; t--) {
                memcpy(q.s, history + t * ns, (size_t)ns * sizeof *history);
                forward(p, b, t, i, e, &q);
                for (int k = 0; k < ns; k++) gs[k] += ref_has(p, gseq + k) ? ref_spread(p, b, gseq + k, 0, t, i, e) : 0.0;
                backward(p, b, t, i, e, &q, ref_has(p, gy) ? ref_spread(p, b, gy, 0, t, i, e) : 0.0, gs, &gx1, gp1);
                if (ref_has(p, gx)) ref_add(p, b, gx, t, i, e, gx1); /* x may be HELD: then over all t */
                for (int k = 0; k < np; k++)
                    if (ref_has(p, gp + k)) ref_add(p, b, gp + k, t, p->d[gp + k].flags & HK_G ? i / HK_GROUP : i, ref_pick(p, gp + k, 0, e), gp1[k]);
            }
            for (int k = 0; k < ns; k++)
                if (ref_has(p, gs0 + k)) ref_put(p, b, gs0 + k, 0, i, e, gs[k]);
        }
    return HK_OK;
}

static hk_status prepare(ref_plan *p, const hk_opdesc *o) {
    p->neuron = ref_attr(o, "neuron")->p;
    if (!p->neuron) return ref_fail(p->dev, HK_EINVAL, "%s: %s: expected a neuron, got none", o->path, o->op);
    const hk_neuron_type *type = p->neuron->type;
    const int ns = (int)type->n_state, np = (int)type->n_param, back = !strcmp(o->op, "neuron_bwd"), firing = !strcmp(o->op, "neuron_z");
    if (ns > HK_MAX_STATE || np > HK_MAX_P || type->n_fire > HK_MAX_FIRE || type->n_h > HK_MAX_H)
        return ref_fail(p->dev, HK_EINVAL, "%s: the neuron has too many variables", o->path);
    if (p->n_in != (back ? 2 + 3 * ns + np : 1 + ns + np) || p->n_out != (firing ? (int)type->n_fire : back ? 1 + ns + np : 1 + 2 * ns))
        return ref_fail(p->dev, HK_EINVAL, "%s: %s: the operands do not fit its type", o->path, o->op);
    if (back) p->scratch = (size_t)(o->T * ns + 1) * sizeof(double);
    if (!(type->flags & HK_NEURON_NO_FIRE)) {
        if (!p->neuron->spiking && !p->neuron->surrogate.type->has_primitive)
            return ref_fail(p->dev, HK_EINVAL, "%s: the surrogate has no primitive function, so spiking=false is not possible", o->path);
        hk_status st = ref_code_surrogate(p->dev, p->neuron->surrogate.type, &p->surrogate_code);
        if (st) return st;
    }
    return ref_code_neuron(p->dev, type, &p->code);
}

const ref_op ref_ops_neuron[] = { { "neuron", 1, 1, neuron, prepare }, { "neuron_bwd", 1, 1, neuron_bwd, prepare }, { "neuron_z", 1, 1, neuron_z, prepare }, { 0 } };
