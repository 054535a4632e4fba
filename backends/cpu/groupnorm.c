/* groupnorm.c - groupnorm and groupnorm_bwd: a row's groups of channels with mean 0 and variance 1. A unit is a row.
 *
 * Sums go channel by channel in the lanes of norm.h, which are added up in order, first those of a channel, then the channels of a group. Rows that are
 * stored as written (a STATIC weight, of which each output is a group) are turned to channels-last and back. */
#include "norm.h"
#include <math.h>
#pragma GCC optimize("O3")

typedef struct group_norm_plan {
    cpu_plan base;
    norm_fns fn;
    int64_t E, C, groups, lanes;
    float eps;
    int turned; /* rows are stored as written */
    cpu_src x, g;
} group_norm_plan;

typedef struct row_sums {
    float *mean, *rstd, *a, *b; /* of each lane */
} row_sums;

static int64_t rows(const cpu_plan *p, const hk_bind *b) { return cpu_count(cpu_out(p, 0), b) * cpu_steps(cpu_out(p, 0), b); }

/* Sums of lanes to one per group, scaled, at each lane. */
static void group_sum(const group_norm_plan *P, float *v, float scale) {
    int64_t C = P->C, size = C / P->groups;
    for (int64_t k = C; k < P->lanes; k++) v[k % C] += v[k];
    for (int64_t c = 0; c < C; c += size) {
        float sum = 0.0f;
        for (int64_t k = 0; k < size; k++) sum += v[c + k];
        for (int64_t k = 0; k < size; k++) v[c + k] = sum * scale;
    }
    for (int64_t k = C; k < P->lanes; k++) v[k] = v[k - C];
}

static void statistics(const group_norm_plan *P, const float *x, const row_sums *s) {
    const float part = 1.0f / (float)(P->E / P->groups);
    memset(s->mean, 0, (size_t)P->lanes * 4), memset(s->rstd, 0, (size_t)P->lanes * 4);
    P->fn.sum(P->E, P->lanes, x, s->mean);
    group_sum(P, s->mean, part);
    P->fn.spread(P->E, P->lanes, x, s->mean, s->rstd);
    group_sum(P, s->rstd, part);
    for (int64_t k = 0; k < P->lanes; k++) s->rstd[k] = 1.0f / sqrtf(s->rstd[k] + P->eps);
}

/* The row of an operand that goes with row (t, i) of the result, channels-last. */
static const float *row_of(const group_norm_plan *P, const cpu_src *s, const void *base, const hk_bind *b, int64_t t, int64_t i, float *tmp, float *turn) {
    const float *x = cpu_src_get(s, base, b, t, i * P->E, P->E, tmp);
    if (!P->turned) return x;
    cpu_turn[P->base.isa](P->C, P->E / P->C, x, P->E / P->C, turn, P->C);
    return turn;
}

static hk_status run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const group_norm_plan *P = (const group_norm_plan *)p;
    const int64_t n = cpu_count(cpu_out(p, 0), b), E = P->E, L = P->lanes;
    const int bwd = p->n_in == 2;
    float *tmp[4] = { scratch, (float *)scratch + E, (float *)scratch + 2 * E, (float *)scratch + 3 * E }, *lane = (float *)scratch + 4 * E;
    const row_sums s = { lane, lane + L, lane + 2 * L, lane + 3 * L };
    const float *const k[3] = { s.rstd, s.a, s.b };
    for (int64_t r = lo; r < hi; r++) {
        float *y = (float *)b->ptr[p->n_in] + r * E, *to = P->turned ? tmp[0] : y; /* what was read into tmp[0] is turned by then */
        const float *x = row_of(P, &P->x, b->ptr[bwd], b, r / n, r % n, tmp[0], tmp[1]);
        statistics(P, x, &s);
        memset(s.a, 0, (size_t)L * 4), memset(s.b, 0, (size_t)L * 4);
        if (bwd) {
            const float *g = row_of(P, &P->g, b->ptr[0], b, r / n, r % n, tmp[2], tmp[3]);
            P->fn.sums(E, L, g, x, s.mean, s.a, s.b);
            group_sum(P, s.a, 1.0f / (float)(E / P->groups)), group_sum(P, s.b, 1.0f / (float)(E / P->groups));
            for (int64_t c = 0; c < L; c++) s.b[c] *= s.rstd[c] * s.rstd[c];
            P->fn.dx(E, L, g, x, s.mean, k, to);
        } else {
            P->fn.norm(E, L, x, s.mean, s.rstd, s.a, to);
        }
        if (P->turned) cpu_turn[p->isa](E / P->C, P->C, to, P->C, y, E / P->C);
    }
    return HK_OK;
}

static hk_status group_norm_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    const int bwd = !strcmp(o->op, "groupnorm_bwd");
    const hk_desc *y = &o->out[0];
    hk_status st = cpu_plan_new(dev, o, sizeof(group_norm_plan), out);
    if (st != HK_OK) return st;
    group_norm_plan *P = (group_norm_plan *)*out;
    P->groups = cpu_attr(o, "groups")->i, P->eps = (float)cpu_attr(o, "eps")->f;
    P->E = hk_desc_elems(y), P->C = y->rank ? y->shape[0] : 1, P->lanes = cpu_norm_lanes(P->C);
    if (o->n_in != (uint32_t)(1 + bwd) || P->groups < 1 || P->C % P->groups)
        return cpu_fail(dev, HK_EINVAL, "%s: %s: %u operands, %lld channels in %lld groups", o->path, o->op, o->n_in, (long long)P->C, (long long)P->groups);
    if (!cpu_src_init(&P->x, &o->in[bwd], y) || (bwd && !cpu_src_init(&P->g, &o->in[0], y)))
        return cpu_fail(dev, HK_EUNSUPPORTED, "%s: %s: operands do not fit", o->path, o->op);
    P->turned = !cpu_channels_last(y) && P->E > P->C;
    P->fn = cpu_norm_fns(P->base.isa, 0);
    P->base.units = rows, P->base.run = run;
    P->base.grain = cpu_max(1, 16384 / (P->E + 16));
    P->base.scratch = (size_t)(4 * P->E + 4 * P->lanes) * 4;
    return HK_OK;
}

const cpu_op cpu_ops_groupnorm[] = { { "groupnorm", group_norm_new }, { "groupnorm_bwd", group_norm_new }, { NULL, NULL } };
