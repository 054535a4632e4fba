/* backend_run.h - runs an operation in every way that must give the same bits, and compares numbers. Used by test_backend_cpu*.c. */
#ifndef HILLOCK_TEST_BACKEND_RUN_H
#define HILLOCK_TEST_BACKEND_RUN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "backend_harness.h"
#include <math.h>

#ifndef HILLOCK_BUILD_PLUGIN_DIR
#define HILLOCK_BUILD_PLUGIN_DIR "lib/hillock/plugins"
#endif
#define SHAPE(...)                                                                                                                                             \
    (int)(sizeof((int64_t[]){ __VA_ARGS__ }) / 8), (const int64_t[]) { __VA_ARGS__ }
#define SCALAR 0, NULL
enum { G = HK_G, SEQ = HK_SEQ, HELD = HK_HELD, STATIC = HK_STATIC, STEP = HK_STEP };
static const int64_t some_T[] = { 1, 5 }, some_N[] = { 1, 17, 33 };
#define EACH_SIZE(T, N)                                                                                                                                        \
    for (int64_t T##k = 0, T; T##k < 2 && (T = some_T[T##k], 1); T##k++)                                                                                       \
        for (int64_t N##k = 0, N; N##k < 3 && (N = some_N[N##k], 1); N##k++)

static int never_keep; /* packed weights may give other bits */
/* Runs with several block sizes, scopes and ISA levels; outputs must be the same bits for each level. Leaves the best level's. */
static void run(const char *op, int64_t T, int64_t N, int n_in, hn_value *in, int n_out, hn_value *out, int n_attr, const hk_attr *attr, int whole) {
    static const int64_t sizes[] = { 16, 32, 48 };
    for (uint32_t isa = 0; isa <= hn_isa(); isa++)
        for (int way = 0; way < (whole ? 2 : 8); way++) {
            char *first[HK_MAX_OPERANDS] = { NULL };
            for (int k = 0; k < n_out && way; k++)
                if (out[k].mem) first[k] = memcpy(malloc(out[k].bytes + 1), out[k].mem, out[k].bytes);
            hk_scope scope = way % 2 ? HK_SCOPE_TEAM : HK_SCOPE_BLOCK;
            hn_threads = way == 5 ? 2 : 3;
            hn_keep = way >= 6 && !never_keep; /* weights packed before the run */
            hk_status s = hn_run(op, scope, isa, whole ? 0 : sizes[way / 2 % 3], T, N, n_in, in, n_out, out, n_attr, attr);
            hn_keep = 0;
            if (s != HK_OK) fail_msg("%s: status %d: %s", op, s, hn_message);
            for (int k = 0; k < n_out; k++) {
                if (first[k] && memcmp(first[k], out[k].mem, out[k].bytes))
                    fail_msg("%s: output %d: other bits, way %d, isa %u, T %d, N %d", op, k, way, isa, (int)T, (int)N);
                free(first[k]);
            }
        }
}

static __attribute__((unused)) void near(const char *what, double got, double want, double tol) {
    if (!(fabs(got - want) <= tol * (1 + fabs(want)))) fail_msg("%s: got %.9g, expected %.9g", what, got, want);
}

static void drop(int n, hn_value *v) {
    for (int k = 0; k < n; k++) free(v[k].mem);
}

/* v on the device, in blocks of nb samples, each [T][n][row] */
static char *blocks_of(const hn_value *v, int64_t nb) {
    char *all = malloc(v->bytes + 1), *to = all, *dev = hn_operand(v->bytes);
    size_t row = (size_t)v->elems * v->size;
    for (int64_t s = 0; s < v->N; s += nb) {
        int64_t n = v->N - s < nb ? v->N - s : nb;
        hn_block(v, s, n, to, 1);
        to += (size_t)(n * (v->d.flags & HK_T ? v->T : 1)) * row;
    }
    hn_put(dev, all, v->bytes);
    free(all);
    return dev;
}

/* op with direct = 1 of two operands that lie in blocks of nb samples, into got. */
static __attribute__((unused)) void run_direct(const char *op, uint32_t isa, int64_t nb, int64_t T, int64_t N, hn_value *in, hn_value *got, int n_attr, const hk_attr *attr) {
    hk_desc din[2] = { in[0].d, in[1].d };
    hk_opdesc o = { sizeof o, HK_SCOPE_TEAM, op, "test", 2, 1, (uint32_t)n_attr, isa, din, &got->d, attr, T, N, nb > N ? N : nb, 1234567, NULL, 0, 0, NULL };
    hk_op_plan *plan = NULL;
    const hk_backend *be;
    if (hn_plan_new(&o, &be, &plan) != HK_OK) fail_msg("%s direct: %s", op, hn_message);
    hk_query q = { .struct_size = sizeof q };
    be->plan_query(plan, &q);
    char *scratch = hn_buf(q.scratch), *a = blocks_of(&in[0], o.nb), *b = blocks_of(&in[1], o.nb), *y = hn_operand(got->bytes);
    memset(got->mem, 0xff, got->bytes);
    hn_put(y, got->mem, got->bytes);
    void *ptr[3] = { a, b, y };
    hk_stream stream = { hn_parallel_for, hn_threads };
    hk_bind bind = { sizeof bind, 3, T, N, 0, 0, (N + 15) / 16, ptr, scratch, &hn_step, NULL };
    if (be->plan_run(plan, &stream, &bind) != HK_OK) fail_msg("%s direct: %s", op, hn_message);
    hn_take(got->mem, y, got->bytes);
    be->plan_free(plan);
    hn_backend->buf_free(hn_device, scratch);
    hn_operand_free(a), hn_operand_free(b), hn_operand_free(y);
}

/* op with direct = 1 (attr[n_attr - 1]) must give the bits of partial sums merged. */
static __attribute__((unused)) void check_direct(const char *op, int64_t T, int64_t N, hn_value *in, const hn_value *partial, int n_attr, const hk_attr *attr) {
    hn_value p = *partial, merged = hn_new(HK_F32, STATIC, T, N, p.d.rank, p.d.shape), got = hn_new(HK_F32, STATIC, T, N, p.d.rank, p.d.shape);
    const hk_attr scale[1] = { { "scale", 0, 1, NULL } };
    for (uint32_t isa = 0; isa <= hn_isa(); isa++) {
        if (hn_run(op, HK_SCOPE_BLOCK, isa, 16, T, N, 2, in, 1, &p, n_attr - 1, attr) != HK_OK) fail_msg("%s: %s", op, hn_message);
        if (hn_run("merge", HK_SCOPE_BLOCK, isa, 0, T, N, 1, &p, 1, &merged, 1, scale) != HK_OK) fail_msg("merge: %s", hn_message);
        for (int64_t nb = 16; nb <= 64; nb *= 2) {
            run_direct(op, isa, nb, T, N, in, &got, n_attr, attr);
            if (memcmp(got.mem, merged.mem, got.bytes)) fail_msg("%s direct: other bits, isa %u, nb %d, T %d, N %d", op, isa, (int)nb, (int)T, (int)N);
        }
    }
    drop(1, &merged), drop(1, &got);
}

#endif
