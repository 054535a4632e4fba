/* pointwise.c - add sub mul div affine rsqrt sigmoid sigmoid_bwd: one or two operands, number by number, broadcast as rows.c says. */
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

#define POINT(name, expr)                                                                                                                                      \
    CPU_BODY name##_body(int64_t n, const float *a, const float *b, float *y, const float *c) {                                                                \
        (void)a, (void)b, (void)c;                                                                                                                             \
        _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) y[i] = (expr);                                                                                    \
    }                                                                                                                                                          \
    CPU_CLONES(name, (int64_t n, const float *a, const float *b, float *y, const float *c), (n, a, b, y, c))
POINT(point_add, a[i] + b[i]);
POINT(point_sub, a[i] - b[i]);
POINT(point_mul, a[i] * b[i]);
POINT(point_div, a[i] / b[i]);
POINT(point_affine, c[0] * a[i] + c[1]);
POINT(point_rsqrt, 1.0f / __builtin_sqrtf(a[i] + c[0]));
POINT(point_sigmoid, hk_sigm(a[i]));
POINT(point_sigmoid_bwd, a[i] * b[i] * (1.0f - b[i]));

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
    static const struct {
        const char *op;
        point_fn *const *fn;
        uint32_t n_in;
    } list[] = { { "add", point_add, 2 }, { "sub", point_sub, 2 }, { "mul", point_mul, 2 }, { "div", point_div, 2 }, { "affine", point_affine, 1 },
        { "rsqrt", point_rsqrt, 1 }, { "sigmoid", point_sigmoid, 1 }, { "sigmoid_bwd", point_sigmoid_bwd, 2 } };
    hk_status s = cpu_plan_new(dev, o, sizeof(point_plan), out);
    if (s != HK_OK) return s;
    point_plan *P = (point_plan *)*out;
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        if (!strcmp(list[i].op, o->op)) {
            P->fn = list[i].fn[P->base.isa];
            if (o->n_in != list[i].n_in) return cpu_fail(dev, HK_EINVAL, "%s: %s takes %u operands, got %u", o->path, o->op, list[i].n_in, o->n_in);
        }
    P->c[0] = (float)cpu_attr(o, strcmp(o->op, "rsqrt") ? "a" : "eps")->f, P->c[1] = (float)cpu_attr(o, "b")->f;
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

const cpu_op cpu_ops_pointwise[] = { { "add", point_new }, { "sub", point_new }, { "mul", point_new }, { "div", point_new }, { "affine", point_new },
    { "rsqrt", point_new }, { "sigmoid", point_new }, { "sigmoid_bwd", point_new }, { NULL, NULL } };
