/* HK_GUARD: a step whose loss or gradients are not finite leaves parameters, optimizer state and running statistics as they were, and is not
 * counted by the optimizer; all other steps have the bits of a network without the guard. */
#include "net.h"

enum { N = 20, IN = 6, CLASSES = 3, T = 2 };
#define TEXT "Sequential(Linear(6, 8), BatchNorm1d(8), LIF(surrogate=ATan()), Dropout(0.0), Linear(8, 3), IF(surrogate=ATan()))"
static const char *const backends[] = { "cpu", "ref" };

static void open_net(net *n, const char *backend, const char *text, uint32_t flags) {
    hk_network_config nc = HK_NETWORK_CONFIG_DEFAULT;
    nc.backend = backend, nc.threads = 2, nc.seed = 7;
    hk_executor_config ec = { .struct_size = sizeof ec, .mode = HK_TRAIN, .flags = flags };
    net_make(n, text, "MSE()", "Adam(lr=0.05)", nc, ec);
    net_ok(hk_executor_shape(n->ex, T, N, 0, 1, (int64_t[]){ IN }));
}

/* One step on batch k; bad: one of its numbers is none, or infinite. */
static void step(net *n, int k, float bad, uint32_t flags) {
    float x[N * IN];
    int64_t y[N];
    uint64_t s = 50 + (uint64_t)k;
    for (int i = 0; i < N * IN; i++) x[i] = (float)net_uniform(&s, -1, 2);
    for (int i = 0; i < N; i++) y[i] = (i + k) % CLASSES;
    if (bad != 0) x[37] = bad;
    net_ok(hk_executor_write(n->ex, "x", HK_F32, x, N * IN));
    net_ok(hk_executor_write(n->ex, "target", HK_I64, y, N));
    net_ok(hk_executor_run(n->ex));
    if (!(flags & HK_SEPARATE)) return;
    net_ok(hk_executor_backward(n->ex));
    net_ok(hk_executor_step(n->ex));
}

/* Parameters, buffers and optimizer state; malloc'ed, *count numbers. */
static double *all_of(const net *n, int *count) {
    double *v = malloc(4096 * sizeof *v);
    *count = 0;
    for (int i = 0; i < hk_network_n_param(n->net); i++)
        for (int k = -1; k < hk_network_n_opt_state(n->net); k++) {
            const hk_param_info *p = hk_network_param(n->net, i);
            if (k >= 0 && !p->learnable) continue;
            net_ok(k < 0 ? hk_network_read_param64(n->net, i, v + *count) : hk_network_read_opt_state64(n->net, k, i, v + *count));
            *count += (int)p->elems;
        }
    assert_true(*count > 50 && *count <= 4096);
    return v;
}

static void same(const char *what, const char *backend, const net *a, const net *b) {
    int n, m;
    double *x = all_of(a, &n), *y = all_of(b, &m);
    assert_int_equal(n, m);
    for (int i = 0; i < n; i++)
        if (memcmp(&x[i], &y[i], sizeof *x)) fail_msg("%s, %s: number %d is %.17g, expected %.17g", what, backend, i, x[i], y[i]);
    free(x), free(y);
}

static void bad_between(const char *backend, uint32_t flags, float bad) {
    net guarded, plain;
    open_net(&guarded, backend, TEXT, flags | HK_GUARD);
    open_net(&plain, backend, TEXT, flags);
    for (int k = 0; k < 3; k++) {
        step(&guarded, k, 0, flags), step(&plain, k, 0, flags);
        assert_int_equal(hk_executor_skipped(guarded.ex), 0);
    }
    same("finite steps", backend, &guarded, &plain);
    for (int k = 0; k < 2; k++) {
        step(&guarded, 9, bad, flags);
        assert_int_equal(hk_executor_skipped(guarded.ex), 1);
        assert_int_equal(hk_network_skipped(guarded.net), k + 1);
        same("a step that is not finite", backend, &guarded, &plain);
    }
    assert_int_equal(hk_network_step(guarded.net), 5);
    for (int k = 3; k < 6; k++) step(&guarded, k, 0, flags), step(&plain, k, 0, flags); /* Adam's corrections depend on its count of steps */
    assert_int_equal(hk_executor_skipped(guarded.ex), 0);
    same("steps behind it", backend, &guarded, &plain);
    net_free(&guarded), net_free(&plain);
}

static void test_a_bad_step_changes_nothing(void **state) {
    (void)state;
    for (int b = 0; b < 2; b++)
        for (int way = 0; way < 2; way++) bad_between(backends[b], way ? HK_SEPARATE : 0, way ? INFINITY : NAN);
}

/* Without it, the same step ruins the network: the test above would pass if nothing were ever learned. */
static void test_without_it_the_network_is_lost(void **state) {
    (void)state;
    net n;
    int count, bad = 0;
    open_net(&n, "cpu", TEXT, 0);
    step(&n, 0, NAN, 0);
    double *v = all_of(&n, &count);
    for (int i = 0; i < count; i++) bad += !isfinite(v[i]);
    assert_true(bad > 0);
    assert_int_equal(hk_executor_skipped(n.ex), 0);
    free(v);
    net_free(&n);
}

/* The loss overflows, and the gradients do not. */
static void test_a_loss_that_is_not_finite(void **state) {
    (void)state;
    net n;
    float w[CLASSES * IN], after[CLASSES * IN], loss;
    open_net(&n, "cpu", "Sequential(Linear(6, 3))", HK_GUARD);
    for (int i = 0; i < CLASSES * IN; i++) w[i] = 1e20f;
    int k = hk_network_find_param(n.net, "0.weight");
    net_ok(hk_network_write_param(n.net, k, w));
    step(&n, 0, 0, 0);
    net_ok(hk_executor_read(n.ex, "loss", HK_F32, &loss, 1));
    assert_true(!isfinite(loss));
    float g[CLASSES * IN];
    net_ok(hk_executor_read(n.ex, "grad:0.weight", HK_F32, g, CLASSES * IN));
    for (int i = 0; i < CLASSES * IN; i++) assert_true(isfinite(g[i]));
    assert_int_equal(hk_executor_skipped(n.ex), 1);
    net_ok(hk_network_read_param(n.net, k, after));
    assert_memory_equal(after, w, sizeof w);
    net_free(&n);
}

/* Statistics that the program writes between two steps are those that a bad step goes back to. */
static void test_statistics_written_from_outside(void **state) {
    (void)state;
    net n;
    float mean[8], got[8];
    open_net(&n, "cpu", TEXT, HK_GUARD);
    step(&n, 0, 0, 0);
    for (int i = 0; i < 8; i++) mean[i] = (float)i;
    int k = hk_network_find_param(n.net, "1.running_mean");
    net_ok(hk_network_write_param(n.net, k, mean));
    step(&n, 1, NAN, 0);
    net_ok(hk_network_read_param(n.net, k, got));
    for (int i = 0; i < 8; i++)
        if (got[i] != mean[i]) fail_msg("running_mean[%d] is %g, expected %g", i, (double)got[i], (double)mean[i]);
    net_free(&n);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_bad_step_changes_nothing),
        cmocka_unit_test(test_without_it_the_network_is_lost),
        cmocka_unit_test(test_a_loss_that_is_not_finite),
        cmocka_unit_test(test_statistics_written_from_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
