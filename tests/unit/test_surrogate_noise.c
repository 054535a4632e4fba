/* A derivative that is drawn in part, snn.SSO with variance: 1 above the threshold, else (u - 1/2 + mean) variance, u by step, sample and position; the same on
 * cpu and ref, in neurons and where the spike is an operation of its own, fused or not, in any blocks. */
#include "gradient_check.h"

enum { T = 3, N = 20, C = 3, P = 4, E = C * P };

/* grad:x with upstream gradients 1; z: z of x, by the caller. */
static void gradient(const char *text, const char *backend, int64_t nb, uint32_t off, const double *x, double *gx) {
    net n;
    hk_network_config nc = HK_NETWORK_CONFIG_DEFAULT;
    const hk_output y = { "y", 1, 0 };
    double ones[T * N * E];
    nc.backend = backend, nc.seed = 21, nc.nb = nb, nc.passes_off = off;
    for (int i = 0; i < T * N * E; i++) ones[i] = 1;
    net_make(&n, text, NULL, NULL, nc,
        (hk_executor_config){
            .struct_size = sizeof(hk_executor_config), .mode = HK_TRAIN, .flags = HK_SEPARATE | HK_INPUT_GRAD, .n_output = 1, .outputs = &y });
    net_ok(hk_executor_shape(n.ex, T, N, 1, 3, (int64_t[]){ C, 2, 2 }));
    net_ok(hk_executor_write(n.ex, "x", HK_F64, x, T * N * E));
    net_ok(hk_executor_write(n.ex, "grad_out:y", HK_F64, ones, T * N * E));
    net_ok(hk_executor_run(n.ex));
    net_ok(hk_executor_backward(n.ex));
    net_ok(hk_executor_read(n.ex, "grad:x", HK_F64, gx, T * N * E));
    net_free(&n);
}

/* snn.Leaky(beta=0): the potential is the input of this step, and a spike's gradient reaches nothing else. */
static void test_the_draw_is_by_step_sample_and_position(void **state) {
    (void)state;
    static const char *const texts[] = { "Fire(surrogate=snn.SSO(mean=0.3, variance=0.5))",
        "snn.Leaky(beta=0, threshold=0.25, reset_mechanism=none, surrogate=snn.SSO(mean=0.3, variance=0.5))",
        "MultiStep(Fire(surrogate=snn.SSO(mean=0.3, variance=0.5)))" };
    double *x = fresh(T * N * E, 5, -1, 1), got[T * N * E];
    for (int k = 0; k < 6; k++) {
        gradient(texts[k / 2], k & 1 ? "ref" : "cpu", 0, 0, x, got);
        int low = 0;
        for (int i = 0; i < T * N * E; i++) {
            const double z = (float)x[i] - (k / 2 == 1 ? 0.25 : 0);
            const float u = hk_random(21, hk_random_stream(""), 0, i / (N * E), i / E % N, i % E);
            const double want = z > 0 ? 1 : ((double)u - 0.5 + 0.3) * 0.5;
            low += z <= 0;
            if (fabs(got[i] - want) > 1e-6) fail_msg("%s on %s, number %d: got %.9g, expected %.9g", texts[k / 2], k & 1 ? "ref" : "cpu", i, got[i], want);
        }
        assert_true(low > T * N * E / 4);
    }
    free(x);
}

static void test_it_does_not_depend_on_blocks_passes_or_backend(void **state) {
    (void)state;
    static const char text[] = "Sequential(BatchNorm2d(3), snn.Leaky(beta=0.6, surrogate=snn.SSO(variance=0.4)))";
    double *x = fresh(T * N * E, 6, -1, 3), first[T * N * E], got[T * N * E];
    gradient(text, "cpu", 0, 0, x, first);
    for (int k = 0; k < 3; k++) {
        gradient(text, k == 2 ? "ref" : "cpu", k == 0 ? 16 : -1, k == 1 ? HK_PASS_FUSE : 0, x, got);
        for (int i = 0; i < T * N * E; i++)
            if (fabs(got[i] - first[i]) > 1e-5 * (1 + fabs(first[i]))) fail_msg("case %d, number %d: got %.9g, first %.9g", k, i, got[i], first[i]);
    }
    free(x);
}

static void test_without_variance_nothing_is_drawn(void **state) {
    (void)state;
    double *x = fresh(T * N * E, 5, -1, 1), got[T * N * E];
    gradient("Fire(surrogate=snn.SSO(mean=0.3, variance=0))", "cpu", 0, 0, x, got);
    for (int i = 0; i < T * N * E; i++)
        if (got[i] != (x[i] > 0)) fail_msg("number %d: got %g, expected %d", i, got[i], x[i] > 0);
    free(x);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_draw_is_by_step_sample_and_position),
        cmocka_unit_test(test_it_does_not_depend_on_blocks_passes_or_backend),
        cmocka_unit_test(test_without_variance_nothing_is_drawn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
