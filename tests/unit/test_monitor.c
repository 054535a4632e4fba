/* What diagnostics read of a network: z, what a spike is a step of; gradients of outputs; monitors. Against plain loops. */
#include "net.h"

enum { T = 5, N = 19, IN = 4, HID = 6, OUT = 3 };
static const char *const backends[] = { "cpu", "ref" };

static void open_net(net *n, const char *backend, const char *text, int n_output, const hk_output *outputs, uint32_t mode) {
    const int64_t shape[1] = { IN };
    float x[T * N * IN];
    int64_t y[N];
    uint64_t s = 9;
    hk_network_config nc = HK_NETWORK_CONFIG_DEFAULT;
    hk_executor_config ec = { .struct_size = sizeof ec, .mode = mode, .n_output = n_output, .outputs = outputs };
    nc.backend = backend, nc.threads = 2, nc.nb = 16, nc.seed = 4;
    net_make(n, text, "MSE()", NULL, nc, ec);
    float w[HID * IN];
    for (int i = 0; i < HID * IN; i++) w[i] = (float)net_uniform(&s, -2, 2);
    net_ok(hk_network_write_param(n->net, 0, w));
    for (int i = 0; i < T * N * IN; i++) x[i] = (float)net_uniform(&s, -1, 3);
    for (int i = 0; i < N; i++) y[i] = i % OUT;
    net_ok(hk_executor_shape(n->ex, T, N, 1, 1, shape));
    net_ok(hk_executor_write(n->ex, "x", HK_F32, x, T * N * IN));
    net_ok(hk_executor_write(n->ex, "target", HK_I64, y, N));
    net_ok(hk_executor_run(n->ex));
}

static void near(const char *what, const char *backend, double got, double want) {
    if (!(fabs(got - want) < 1e-5 * (1 + fabs(want)))) fail_msg("%s on %s: %.9g, expected %.9g", what, backend, got, want);
}

/* LIF: h = v + (x - v) / tau, z = h - v_threshold, reset to 0. Also inside a loop (step_mode = s) and by operations (Fire of what comes in). */
static void test_z(void **state) {
    (void)state;
    static const char *const texts[] = { "Sequential(Linear(4, 6), LIF(surrogate=ATan(), v_threshold=0.7), Linear(6, 3))",
        "Sequential(Linear(4, 6), LIF(surrogate=ATan(), v_threshold=0.7, step_mode=s), Linear(6, 3))" };
    for (int b = 0; b < 2; b++)
        for (int k = 0; k < 2; k++)
            for (uint32_t mode = HK_INFER; mode <= HK_TRAIN; mode++) {
                static const hk_output out[] = { { .name = "0:y" }, { .name = "1:z" }, { .name = "1:y" } };
                static double h[T * N * HID], z[T * N * HID], y[T * N * HID];
                net n;
                open_net(&n, backends[b], texts[k], 3, out, mode);
                net_ok(hk_executor_read(n.ex, "0:y", HK_F64, h, T * N * HID));
                net_ok(hk_executor_read(n.ex, "1:z", HK_F64, z, T * N * HID));
                net_ok(hk_executor_read(n.ex, "1:y", HK_F64, y, T * N * HID));
                int spikes = 0;
                for (int i = 0; i < N * HID; i++) {
                    double v = 0;
                    for (int t = 0; t < T; t++) {
                        int at = t * N * HID + i;
                        double charged = v + (h[at] - v) / 2;
                        near("z", backends[b], z[at], charged - 0.7);
                        if (y[at] != (z[at] >= 0)) fail_msg("spike %g at z = %g", y[at], z[at]);
                        v = y[at] != 0 ? 0 : charged, spikes += y[at] != 0;
                    }
                }
                if (spikes < 10 || spikes > T * N * HID - 10) fail_msg("the test sees %d spikes of %d", spikes, T * N * HID);
                net_free(&n);
            }
}

/* Of a layer made of operations: PSN fires where z >= 0. */
static void test_z_of_operations(void **state) {
    (void)state;
    static const hk_output out[] = { { .name = "1:z" }, { .name = "1:y" } };
    static double z[T * N * HID], y[T * N * HID];
    int spikes = 0;
    net n;
    open_net(&n, net_backend("cpu"), "Sequential(Linear(4, 6), PSN(T=5, surrogate=ATan()), Linear(6, 3))", 2, out, HK_TRAIN);
    net_ok(hk_executor_read(n.ex, "1:z", HK_F64, z, T * N * HID));
    net_ok(hk_executor_read(n.ex, "1:y", HK_F64, y, T * N * HID));
    for (int i = 0; i < T * N * HID; i++) {
        if (y[i] != (z[i] >= 0)) fail_msg("spike %g at z = %g", y[i], z[i]);
        spikes += y[i] != 0;
    }
    if (!spikes) fail_msg("no spikes");
    net_free(&n);
}

/* loss = mean over samples and classes of (mean_t y - one_hot)^2: dloss/dy = 2 (rate - one_hot) / (N OUT T), and through the Linear its product with w. */
static void test_gradients_of_outputs(void **state) {
    (void)state;
    static const hk_output out[] = { { .name = "2:y", .gradient = 1 }, { .name = "1:y", .gradient = 1 }, { .name = "0:y" } };
    for (int b = 0; b < 2; b++) {
        static double y[T * N * OUT], gy[T * N * OUT], gs[T * N * HID], w[OUT * HID];
        net n;
        open_net(&n, backends[b], "Sequential(Linear(4, 6), LIF(surrogate=ATan()), Linear(6, 3))", 3, out, HK_TRAIN);
        net_ok(hk_executor_read(n.ex, "2:y", HK_F64, y, T * N * OUT));
        net_ok(hk_executor_read(n.ex, "grad_of:2:y", HK_F64, gy, T * N * OUT));
        net_ok(hk_executor_read(n.ex, "grad_of:1:y", HK_F64, gs, T * N * HID));
        net_ok(hk_network_read_param64(n.net, hk_network_find_param(n.net, "2.weight"), w));
        for (int i = 0; i < N; i++)
            for (int t = 0; t < T; t++) {
                for (int o = 0; o < OUT; o++) {
                    double rate = 0;
                    for (int u = 0; u < T; u++) rate += y[(u * N + i) * OUT + o] / T;
                    near("grad_of:2:y", backends[b], gy[(t * N + i) * OUT + o], 2 * (rate - (o == i % OUT)) / (N * OUT * T));
                }
                for (int k = 0; k < HID; k++) {
                    double sum = 0;
                    for (int o = 0; o < OUT; o++) sum += gy[(t * N + i) * OUT + o] * w[o * HID + k];
                    near("grad_of:1:y", backends[b], gs[(t * N + i) * HID + k], sum);
                }
            }
        double none[T * N * HID];
        assert_int_equal(hk_executor_read(n.ex, "grad_of:0:y", HK_F64, none, T * N * HID), HK_ENOTFOUND);
        net_free(&n);
    }
}

/* Three runs: their mean is the mean of the full records, and those are what each run left. */
static void test_monitors(void **state) {
    (void)state;
    static const hk_output out[] = { { .name = "1:y", .gradient = 1 }, { .name = "1:v" } };
    static const char *const names[] = { "1:y", "1:v", "grad_of:1:y", "grad:0.weight" };
    static float v[3][T * N * HID];
    net n;
    hk_monitor *mean = NULL, *full = NULL, *none = NULL;
    const hk_tensor *t;
    int count;
    open_net(&n, net_backend("cpu"), "Sequential(Linear(4, 6), LIF(surrogate=ATan()), Dropout(0.5), Linear(6, 3))", 2, out, HK_TRAIN);
    net_ok(hk_monitor_new(n.ex, HK_MONITOR_MEAN, 4, names, &mean));
    net_ok(hk_monitor_new(n.ex, HK_MONITOR_FULL, 4, names, &full));
    for (int r = 0; r < 3; r++) {
        float w[HID * IN];
        for (int i = 0; i < HID * IN; i++) w[i] = 0.1f * (float)((i * 7 + 5 * r) % 11 - 3);
        net_ok(hk_network_write_param(n.net, 0, w));
        net_ok(hk_executor_run(n.ex));
        net_ok(hk_executor_read(n.ex, "1:v", HK_F32, v[r], T * N * HID));
        net_ok(hk_monitor_take(mean));
        net_ok(hk_monitor_take(full));
    }
    net_ok(hk_monitor_tensors(full, &count, &t));
    assert_int_equal(count, 12);
    for (int r = 0; r < 3; r++) {
        const hk_tensor *one = &t[4 * r + 1];
        assert_string_equal(one->name, r == 0 ? "1:v" : r == 1 ? "1:v.1" : "1:v.2");
        assert_int_equal(one->rank, 3);
        assert_memory_equal(one->data, v[r], sizeof v[r]);
    }
    net_ok(hk_monitor_tensors(mean, &count, &t));
    assert_int_equal(count, 4);
    assert_string_equal(t[1].name, "1:v");
    assert_int_equal(t[1].rank, 1);
    assert_int_equal(t[3].rank, 2); /* a parameter's gradient has neither steps nor samples */
    for (int k = 0; k < HID; k++) {
        double sum = 0;
        for (int r = 0; r < 3; r++)
            for (int i = 0; i < T * N; i++) sum += v[r][i * HID + k];
        near("mean of 1:v", "cpu", ((const float *)t[1].data)[k], sum / (3 * T * N));
    }
    hk_monitor_clear(full);
    net_ok(hk_monitor_tensors(full, &count, &t));
    assert_int_equal(count, 0);
    assert_int_equal(hk_monitor_new(n.ex, HK_MONITOR_MEAN, 1, (const char *const[]){ "1:w" }, &none), HK_ENOTFOUND);
    assert_null(none);
    hk_monitor_free(mean), hk_monitor_free(full);
    net_free(&n);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_z), cmocka_unit_test(test_z_of_operations), cmocka_unit_test(test_gradients_of_outputs),
        cmocka_unit_test(test_monitors) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
