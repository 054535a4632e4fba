/* update.c - what is done to gradients between the backward pass and the optimizer, and the average of parameters: flat regions, in place.
 *
 * A sum of squares is of fixed chunks, each by sixteen accumulators that are added up in order, and the chunks are added in order, in double:
 * its bits depend on neither threads nor instruction set. */
#include "cpu.h"
#pragma GCC optimize("O3")

enum { UNIT = 64, CHUNK = 4096 };

typedef struct update_plan {
    cpu_plan base;
    float c; /* an attribute */
} update_plan;

static int64_t numbers(const cpu_plan *p) { return hk_desc_elems(&p->d[0]); }

/* Operation, body over n numbers: a, b: inputs (b: the output when there is one input), y: the output, c: a number. Operands may be the same memory. */
#define FLAT_OPS(X)                                                                                                                                            \
    X(grad_add, y[i] = c == 0.0f ? b[i] : a[i] + b[i])                                                                                                         \
    X(grad_mean, y[i] = c * a[i])                                                                                                                              \
    X(grad_clamp, y[i] = a[i] > c ? c : a[i] < -c ? -c : a[i])                                                                                                 \
    X(grad_scale, y[i] = a[i] == 0.0f ? a[i] : c * a[i])                                                                                                       \
    X(average, y[i] = c == 1.0f ? b[i] : c == 0.0f ? a[i] : a[i] + c * (b[i] - a[i]))
#define FLAT(name, body)                                                                                                                                       \
    CPU_BODY name##_body(int64_t n, const float *a, const float *b, float *y, float c) {                                                                       \
        (void)b, (void)c;                                                                                                                                      \
        _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) { body; }                                                                                         \
    }                                                                                                                                                          \
    CPU_CLONES(name, (int64_t n, const float *a, const float *b, float *y, float c), (n, a, b, y, c));
FLAT_OPS(FLAT)

static int64_t flat_units(const cpu_plan *p, const hk_bind *b) {
    (void)b;
    return (numbers(p) + UNIT - 1) / UNIT;
}

static int skipped(const cpu_plan *p, const hk_bind *b) { return p->n_in > 2 && *(const float *)b->ptr[2] != 0.0f; }

/* c: the attribute, the coefficient of grad_scale, or the number of the step. */
#define FLAT_RUN(name, c_of, b_of, y_of)                                                                                                                       \
    static hk_status name##_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {                                                  \
        (void)scratch;                                                                                                                                         \
        int64_t j = lo * UNIT, n = cpu_min(hi * UNIT, numbers(p)) - j;                                                                                         \
        name[p->isa](n, (const float *)b->ptr[0] + j, (const float *)b->ptr[b_of] + j, (float *)b->ptr[y_of] + j, c_of);                                       \
        return HK_OK;                                                                                                                                          \
    }
FLAT_RUN(grad_add, (float)b->step->opt[1], 1, 2)
FLAT_RUN(grad_mean, (float)b->step->opt[0], 0, 1)
FLAT_RUN(grad_clamp, ((const update_plan *)p)->c, 0, 1)
FLAT_RUN(grad_scale, ((const float *)b->ptr[1])[0], 0, 2)
FLAT_RUN(average, skipped(p, b) ? 0.0f : (float)b->step->opt[0], 1, p->n_in)

typedef float v16 __attribute__((vector_size(64), aligned(4)));
CPU_BODY squares_body(int64_t n, const float *x, float *out) {
    v16 sum = { 0 };
    int64_t i = 0;
    for (; i + 16 <= n; i += 16) {
        v16 v = *(const v16 *)(x + i);
        sum += v * v;
    }
    for (int64_t k = 0; i + k < n; k++) sum[k] += x[i + k] * x[i + k];
    float all = 0.0f;
    for (int k = 0; k < 16; k++) all += sum[k];
    *out = all;
}
CPU_CLONES(squares, (int64_t n, const float *x, float *out), (n, x, out));

static int64_t squares_units(const cpu_plan *p, const hk_bind *b) {
    (void)b;
    return (numbers(p) + CHUNK - 1) / CHUNK;
}
static hk_status squares_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    (void)scratch;
    for (int64_t k = lo; k < hi; k++) squares[p->isa](cpu_min(CHUNK, numbers(p) - k * CHUNK), (const float *)b->ptr[0] + k * CHUNK, (float *)b->ptr[1] + k);
    return HK_OK;
}

static int64_t one_unit(const cpu_plan *p, const hk_bind *b) {
    (void)p, (void)b;
    return 1;
}
static hk_status norm_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    (void)lo, (void)hi, (void)scratch;
    const float *x = b->ptr[0];
    float *y = b->ptr[1];
    double sum = 0.0;
    for (int64_t i = 0; i < numbers(p); i++) sum += (double)x[i];
    double norm = __builtin_sqrt(sum), c = (double)((const update_plan *)p)->c / (norm + 1e-6);
    y[0] = (float)(c > 1.0 ? 1.0 : c); /* not a number where the norm is none */
    y[1] = (float)norm;
    return HK_OK;
}

static const struct {
    const char *op, *attr;
    cpu_units_fn *run;
    int64_t (*units)(const cpu_plan *, const hk_bind *);
    uint32_t n_in, n_out;
    int64_t grain;
} list[] = {
    { "grad_add", NULL, grad_add_run, flat_units, 2, 1, 64 },
    { "grad_mean", NULL, grad_mean_run, flat_units, 1, 1, 64 },
    { "grad_clamp", "value", grad_clamp_run, flat_units, 1, 1, 64 },
    { "grad_squares", NULL, squares_run, squares_units, 1, 1, 1 },
    { "grad_norm", "max", norm_run, one_unit, 1, 1, 1 },
    { "grad_scale", NULL, grad_scale_run, flat_units, 2, 1, 64 },
    { "average", NULL, average_run, flat_units, 2, 1, 64 },
};

static hk_status update_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    hk_status s = cpu_plan_new(dev, o, sizeof(update_plan), out);
    if (s != HK_OK) return s;
    update_plan *P = (update_plan *)*out;
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        if (strcmp(list[i].op, o->op)) continue;
        if ((o->n_in != list[i].n_in && (o->n_in != 3 || strcmp(o->op, "average"))) || o->n_out != list[i].n_out) return cpu_fail(dev, HK_EINVAL, "%s: %s: the operands do not fit it", o->path, o->op);
        P->base.units = list[i].units, P->base.run = list[i].run, P->base.grain = list[i].grain;
        if (list[i].attr) P->c = (float)cpu_attr(o, list[i].attr)->f;
    }
    return HK_OK;
}

const cpu_op cpu_ops_update[] = {
    { "grad_add", update_new },
    { "grad_mean", update_new },
    { "grad_clamp", update_new },
    { "grad_squares", update_new },
    { "grad_norm", update_new },
    { "grad_scale", update_new },
    { "average", update_new },
    { NULL, NULL },
};
