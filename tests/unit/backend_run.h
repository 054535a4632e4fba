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

/* Runs with several block sizes, scopes and ISA levels; outputs must be the same bits for each level. Leaves the best level's. */
static void run(const char *op, int64_t T, int64_t N, int n_in, hn_value *in, int n_out, hn_value *out, int n_attr, const hk_attr *attr, int whole) {
    static const int64_t sizes[] = { 16, 32, 48 };
    for (uint32_t isa = 0; isa <= hn_isa(); isa++)
        for (int way = 0; way < (whole ? 2 : 6); way++) {
            char *first[HK_MAX_OPERANDS] = { NULL };
            for (int k = 0; k < n_out && way; k++)
                if (out[k].mem) first[k] = memcpy(malloc(out[k].bytes + 1), out[k].mem, out[k].bytes);
            hk_scope scope = way % 2 ? HK_SCOPE_TEAM : HK_SCOPE_BLOCK;
            hn_threads = way == 5 ? 2 : 3;
            hk_status s = hn_run(op, scope, isa, whole ? 0 : sizes[way / 2], T, N, n_in, in, n_out, out, n_attr, attr);
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

#endif
