/* pointwise.c - operations of one or two operands, number by number, broadcast as rows.c says. */
#include "cpu.h"
#pragma GCC optimize("O3", "no-trapping-math", "no-math-errno") /* changes no result; lets loops over hk_exp vectorise */

enum { TILE = 1024, UNIT = 64 };

typedef void point_fn(int64_t n, const float *a, const float *b, float *y, const float *c);
typedef struct point_plan {
    cpu_plan base;
    point_fn *fn;
    float c[2];
    int flat; /* all operands lie alike: one run over everything */
    cpu_src in[2];
} point_plan;

/* Operation, operands, names of the attributes that are c[0] and c[1], value of element i of operands a and b. A new one is one line. */
#define POINT_OPS(X)                                                                                                                                           \
    X(add, 2, "", "", a[i] + b[i])                                                                                                                             \
    X(sub, 2, "", "", a[i] - b[i])                                                                                                                             \
    X(mul, 2, "", "", a[i] * b[i])                                                                                                                             \
    X(div, 2, "", "", a[i] / b[i])                                                                                                                             \
    X(affine, 1, "a", "b", c[0] * a[i] + c[1])                                                                                                                 \
    X(rsqrt, 1, "eps", "", 1.0f / __builtin_sqrtf(a[i] + c[0]))                                                                                                \
    X(sigmoid, 1, "", "", hk_sigm(a[i]))                                                                                                                       \
    X(sigmoid_bwd, 2, "", "", a[i] * b[i] * (1.0f - b[i]))                                                                                                     \
    X(exp, 1, "", "", hk_exp(a[i]))                                                                                                                            \
    X(log, 1, "", "", hk_log(a[i]))                                                                                                                            \
    X(tanh, 1, "", "", hk_tanh(a[i]))                                                                                                                          \
    X(relu, 1, "", "", a[i] > 0.0f ? a[i] : 0.0f)                                                                                                              \
    X(clamp, 1, "lo", "hi", hk_min(hk_max(a[i], c[0]), c[1]))                                                                                                  \
    X(round, 1, "", "", hk_round_even(a[i]))                                                                                                                   \
    X(within, 1, "lo", "hi", a[i] >= c[0] && a[i] <= c[1] ? 1.0f : 0.0f)                                                                                       \
    X(positive, 1, "", "", a[i] > 0.0f ? 1.0f : 0.0f)

#define POINT_FN(name, n_in, c0, c1, expr)                                                                                                                     \
    CPU_BODY point_##name##_body(int64_t n, const float *a, const float *b, float *y, const float *c) {                                                        \
        (void)a, (void)b, (void)c;                                                                                                                             \
        _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) y[i] = (expr);                                                                                    \
    }                                                                                                                                                          \
    CPU_CLONES(point_##name, (int64_t n, const float *a, const float *b, float *y, const float *c), (n, a, b, y, c));
POINT_OPS(POINT_FN)

static const struct {
    const char *op;
    point_fn *const *fn;
    uint32_t n_in;
    const char *c[2];
} list[] = {
#define POINT_LIST(name, n_in, c0, c1, expr) { #name, point_##name, n_in, { c0, c1 } },
    POINT_OPS(POINT_LIST)
};

static int64_t point_count(const point_plan *P, const hk_bind *b) {
    const hk_desc *out = cpu_out(&P->base, 0);
    return cpu_count(out, b) * hk_desc_elems(out) * (P->flat ? cpu_steps(out, b) : 1);
}

static int64_t point_units(const cpu_plan *p, const hk_bind *b) { return (point_count((const point_plan *)p, b) + UNIT - 1) / UNIT; }

static hk_status point_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const point_plan *P = (const point_plan *)p;
    int64_t count = point_count(P, b), steps = P->flat ? 1 : cpu_steps(cpu_out(p, 0), b), end = cpu_min(hi * UNIT, count);
    float *tmp[2] = { scratch, (float *)scratch + TILE }, *y = cpu_out_ptr(p, b, 0);
    for (int64_t t = 0; t < steps; t++)
        for (int64_t j = lo * UNIT; j < end; j += TILE) {
            int64_t m = cpu_min(TILE, end - j);
            const float *x[2] = { NULL, NULL };
            for (int k = 0; k < p->n_in; k++) {
                if (!P->flat) x[k] = cpu_src_get(&P->in[k], b->ptr[k], b, t, j, m, tmp[k]);
                else if (p->d[k].dtype == HK_F32) x[k] = (const float *)b->ptr[k] + j;
                else cpu_from_u8[p->isa](m, (const uint8_t *)b->ptr[k] + j, tmp[k]), x[k] = tmp[k];
            }
            P->fn(m, x[0], x[1], y + t * count + j, P->c);
        }
    return HK_OK;
}

static hk_status point_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    hk_status s = cpu_plan_new(dev, o, sizeof(point_plan), out);
    if (s != HK_OK) return s;
    point_plan *P = (point_plan *)*out;
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        if (!strcmp(list[i].op, o->op)) {
            P->fn = list[i].fn[P->base.isa];
            for (int k = 0; k < 2; k++) P->c[k] = (float)cpu_attr(o, list[i].c[k])->f;
            if (o->n_in != list[i].n_in) return cpu_fail(dev, HK_EINVAL, "%s: %s takes %u operands, got %u", o->path, o->op, list[i].n_in, o->n_in);
        }
    P->flat = 1;
    for (uint32_t k = 0; k < o->n_in; k++) {
        if (!cpu_src_init(&P->in[k], &o->in[k], &o->out[0]))
            return cpu_fail(dev, HK_EUNSUPPORTED, "%s: %s: operand %u does not fit the result's shape", o->path, o->op, k);
        if (o->in[k].flags != o->out[0].flags || P->in[k].row != P->in[k].E) P->flat = 0;
    }
    if (!P->flat && (o->out[0].flags & HK_G) && (o->out[0].flags & HK_T))
        return cpu_fail(dev, HK_EUNSUPPORTED, "%s: %s: partial sums that vary with t take only operands like themselves", o->path, o->op);
    P->base.units = point_units, P->base.run = point_run;
    P->base.grain = 256 / (P->flat ? 1 : cpu_min(256, cpu_max(1, o->out[0].flags & HK_T ? o->T : 1)));
    P->base.scratch = 2 * TILE * sizeof(float);
    return HK_OK;
}

const cpu_op cpu_ops_pointwise[] = {
#define POINT_NEW(name, n_in, c0, c1, expr) { #name, point_new },
    POINT_OPS(POINT_NEW) { NULL, NULL }
};
