/* examples/plugins/multi_gaussian.c, a surrogate from outside the tree: its numbers by its equation, its primitive's slope, and a layer that learns with it. */
#include "gradient_check.h"

static double bell(double x, double d) { return exp(-x * x / (2 * d * d)) / (d * sqrt(2 * M_PI)); }
static double derivative(double x, double w, double h, double k) { return (1 + h) * bell(x, w) - h * bell(x - w, k * w) - h * bell(x + w, k * w); }

static void test_gradient_is_its_equation(void **state) {
    (void)state;
    static const struct {
        const char *text;
        double w, h, k;
    } cases[] = { { "Fire(surrogate=MultiGaussian())", 0.5, 0.15, 6 }, { "Fire(surrogate=MultiGaussian(0.3, height=0.4, scale=2))", 0.3, 0.4, 2 } };
    enum { N = 41 };
    for (int c = 0; c < 2; c++)
        for (int ref = 0; ref < 2; ref++) {
            net n;
            hk_network_config nc = HK_NETWORK_CONFIG_DEFAULT;
            const hk_output y = { "y", 1, 0 };
            double x[N], one[N], got[N], spike[N];
            nc.backend = ref ? "ref" : "cpu";
            net_make(&n, cases[c].text, NULL, NULL, nc,
                (hk_executor_config){
                    .struct_size = sizeof(hk_executor_config), .mode = HK_TRAIN, .flags = HK_SEPARATE | HK_INPUT_GRAD, .n_output = 1, .outputs = &y });
            for (int i = 0; i < N; i++) x[i] = (i - 20) * 0.17, one[i] = 1;
            net_ok(hk_executor_shape(n.ex, 1, N, 1, 1, (int64_t[]){ 1 }));
            net_ok(hk_executor_write(n.ex, "x", HK_F64, x, N));
            net_ok(hk_executor_write(n.ex, "grad_out:y", HK_F64, one, N));
            net_ok(hk_executor_run(n.ex));
            net_ok(hk_executor_backward(n.ex));
            net_ok(hk_executor_read(n.ex, "grad:x", HK_F64, got, N));
            net_ok(hk_executor_read(n.ex, "y", HK_F64, spike, N));
            for (int i = 0; i < N; i++) {
                const double want = derivative(x[i], cases[c].w, cases[c].h, cases[c].k);
                if (fabs(got[i] - want) > 1e-6 || spike[i] != (x[i] >= 0))
                    fail_msg("%s on %s, x=%g: derivative %.9g, expected %.9g; spike %g", cases[c].text, nc.backend, x[i], got[i], want, spike[i]);
            }
            net_free(&n);
        }
}

static void test_primitive_has_that_slope(void **state) {
    (void)state;
    check(&(gcase){ "Sequential(Linear(3, 4), LIF(surrogate=MultiGaussian()))", NULL, 4, 3, 1, 1, { 3 }, 0, 0, -1, 2, NULL });
    check(&(gcase){ "Sequential(Linear(3, 4), snn.Leaky(beta=0.7, surrogate=MultiGaussian(height=0.3)))", NULL, 4, 3, 1, 1, { 3 }, 0, 0, -1, 2, NULL });
}

/* Two classes that differ in which half of the inputs is large. */
static void test_a_network_learns_with_it(void **state) {
    (void)state;
    enum { N = 32, IN = 8 };
    net n;
    hk_network_config nc = HK_NETWORK_CONFIG_DEFAULT;
    double x[N * IN], first = 0, last = 0;
    int64_t y[N];
    uint64_t s = 3;
    for (int i = 0; i < N; i++) {
        y[i] = i % 2;
        for (int k = 0; k < IN; k++) x[i * IN + k] = net_uniform(&s, 0, 1) + (k / 4 == y[i]);
    }
    nc.seed = 4;
    net_make(&n, "Sequential(Linear(8, 16), LIF(surrogate=MultiGaussian()), Linear(16, 2))", "CrossEntropy()", "Adam(lr=0.05)", nc,
        (hk_executor_config){ sizeof(hk_executor_config), HK_TRAIN, 0, 0, NULL });
    hk_executor_set_lr(n.ex, 0.05);
    net_ok(hk_executor_shape(n.ex, 4, N, 0, 1, (int64_t[]){ IN }));
    for (int step = 0; step < 40; step++) {
        net_ok(hk_executor_write(n.ex, "x", HK_F64, x, N * IN));
        net_ok(hk_executor_write(n.ex, "target", HK_I64, y, N));
        net_ok(hk_executor_run(n.ex));
        net_ok(hk_executor_read(n.ex, "loss", HK_F64, step ? &last : &first, 1));
    }
    if (!(last < 0.3 * first)) fail_msg("the loss went from %g to %g, expected less than a third", first, last);
    net_free(&n);
}

int main(void) {
    if (hk_plugin_load(net_context(), HILLOCK_EXAMPLE_DIR "/multi_gaussian.so")) {
        fprintf(stderr, "%s\n", hk_error(net_context()));
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradient_is_its_equation),
        cmocka_unit_test(test_primitive_has_that_slope),
        cmocka_unit_test(test_a_network_learns_with_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
