/* guard.c - non_finite and choose: what decides whether a training step is done. By one thread: it reads the gradients once, which is less than
 * the optimizer does, and a flag that many threads write would need a reset of its own. */
#include "cpu.h"

static int64_t one_unit(const cpu_plan *p, const hk_bind *b) {
    (void)p, (void)b;
    return 1;
}

/* 1 when an exponent has all its bits: infinite, or no number. */
CPU_BODY any_body(int64_t n, const float *x, uint32_t *any) {
    uint32_t a = 0;
    for (int64_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        a |= (bits & 0x7f800000u) == 0x7f800000u;
    }
    *any = a;
}
CPU_CLONES(any, (int64_t n, const float *x, uint32_t *a), (n, x, a));

static hk_status non_finite_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    (void)lo, (void)hi, (void)scratch;
    uint32_t a;
    any[p->isa](hk_desc_elems(&p->d[0]), b->ptr[0], &a);
    *(float *)b->ptr[2] = a || *(const float *)b->ptr[1] != 0.0f ? 1.0f : 0.0f;
    return HK_OK;
}

static hk_status choose_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    (void)lo, (void)hi, (void)scratch;
    const void *from = b->ptr[*(const float *)b->ptr[0] != 0.0f ? 1 : 2];
    if (b->ptr[3] != from) memcpy(b->ptr[3], from, (size_t)hk_desc_elems(&p->d[1]) * 4);
    return HK_OK;
}

static hk_status guard_new(hk_device *dev, const hk_opdesc *o, size_t n_in, cpu_units_fn *run, cpu_plan **out) {
    hk_status s = cpu_plan_new(dev, o, sizeof(cpu_plan), out);
    if (s != HK_OK) return s;
    if (o->n_in != n_in || o->n_out != 1) return cpu_fail(dev, HK_EINVAL, "%s: expected %zu operands and one result", o->op, n_in);
    (*out)->units = one_unit, (*out)->run = run;
    return HK_OK;
}
static hk_status non_finite_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) { return guard_new(dev, o, 2, non_finite_run, out); }
static hk_status choose_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) { return guard_new(dev, o, 3, choose_run, out); }

const cpu_op cpu_ops_guard[] = { { "non_finite", non_finite_new }, { "choose", choose_new }, { NULL, NULL } };
