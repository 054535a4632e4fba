/* DropConnectLinear: which connections a draw cuts, in training and over steps; what evaluation averages; its gradients, at a draw that is held. */
#include "gradient_check.h"

enum { K = 5, O = 3, N = 20, T = 4 };
static const char *const backends[] = { "cpu", "ref" };

static void start(net *n, const char *text, const char *backend, uint32_t flags, int64_t in) {
    hk_network_config nc = HK_NETWORK_CONFIG_DEFAULT;
    static const hk_output y = { "y", 1, 0 };
    nc.backend = backend, nc.seed = 11;
    net_make(n, text, NULL, NULL, nc,
        (hk_executor_config){ .struct_size = sizeof(hk_executor_config), .mode = HK_TRAIN, .flags = HK_SEPARATE | flags, .n_output = 1, .outputs = &y });
    net_ok(hk_executor_shape(n->ex, T, N, 0, 1, &in));
}

/* Each output is the sum over the connections whose draw is not below p; a draw depends on step, t, sample and place alone. */
static void test_training_cuts_the_connections_of_the_draw(void **state) {
    (void)state;
    for (int k = 0; k < 4; k++) {
        const int invariant = k & 1;
        net n;
        double x[N * K], w[O * K], bias[O], y[T * N * O], drawn[N];
        char text[128];
        snprintf(text, sizeof text, "DropConnectLinear(5, 3, p=0.3, invariant=%s, activation=none)", invariant ? "true" : "false");
        start(&n, text, backends[k / 2], 0, K);
        uint64_t s = 1;
        for (int i = 0; i < N * K; i++) x[i] = net_uniform(&s, -1, 1);
        net_ok(hk_executor_write(n.ex, "x", HK_F64, x, N * K));
        for (int i = 0; i < N; i++) drawn[i] = 7 + i;
        if (invariant) net_ok(hk_executor_write(n.ex, "state:drawn", HK_F64, drawn, N));
        const int64_t step = hk_network_step(n.net);
        net_ok(hk_executor_run(n.ex));
        net_ok(hk_executor_read(n.ex, "y", HK_F64, y, T * N * O));
        net_ok(hk_network_read_param64(n.net, 0, w));
        net_ok(hk_network_read_param64(n.net, 1, bias));
        for (int t = 0; t < T; t++)
            for (int i = 0; i < N; i++)
                for (int o = 0; o < O; o++) {
                    double want = 0;
                    for (int c = 0; c <= K; c++) {
                        const int64_t place = c < K ? o * K + c : O * K + o;
                        const float u = hk_random(11, hk_random_stream(""), invariant ? 7 + i : step, invariant ? 0 : t, i, place);
                        if (u >= 0.3f) want += c < K ? w[o * K + c] * x[i * K + c] : bias[o];
                    }
                    const double got = y[(t * N + i) * O + o];
                    if (fabs(got - want) > 1e-5)
                        fail_msg("%s on %s, t=%d, sample %d, output %d: got %.9g, expected %.9g", text, backends[k / 2], t, i, o, got, want);
                }
        net_free(&n);
    }
}

/* A run that goes on keeps the connections of the sequence; a new run draws anew. */
static void test_invariant_connections_last_as_long_as_the_sequence(void **state) {
    (void)state;
    net n;
    double x[N], first[T * N], next[T * N];
    start(&n, "DropConnectLinear(1, 1, bias=false, p=0.5, invariant=true, activation=none)", "cpu", 0, 1);
    for (int i = 0; i < N; i++) x[i] = 1;
    int cut = 0;
    for (int run = 0; run < 2; run++) {
        net_ok(hk_executor_write(n.ex, "x", HK_F64, x, N));
        net_ok(run ? hk_executor_continue(n.ex) : hk_executor_run(n.ex));
        net_ok(hk_executor_read(n.ex, "y", HK_F64, run ? next : first, T * N));
    }
    for (int i = 0; i < T * N; i++) {
        cut += first[i] == 0;
        if (first[i] != next[i] || first[i] != first[i % N]) fail_msg("number %d: %g, later %g, at the first step %g", i, first[i], next[i], first[i % N]);
    }
    if (!cut || cut == T * N) fail_msg("%d of %d connections are cut, expected some", cut, T * N);
    net_free(&n);
}

/* E relu(normal(m, s^2)) = m F(m/s) + s f(m/s); of tanh by sums over a fine grid. */
static double expected(int act, double m, double s) {
    double sum = 0, weight = 0;
    for (double z = -8; z <= 8; z += 1e-3) {
        const double f = exp(-z * z / 2), v = m + s * z;
        sum += f * (act == 0 ? fmax(v, 0) : act == 1 ? v : tanh(v)), weight += f;
    }
    return sum / weight;
}

static void test_evaluation_is_the_mean_of_draws(void **state) {
    (void)state;
    static const char *const acts[] = { "relu", "none", "tanh" };
    for (int k = 0; k < 6; k++) {
        net n;
        double x[N * K], w[O * K], bias[O], y[T * N * O];
        char text[128];
        snprintf(text, sizeof text, "DropConnectLinear(5, 3, p=0.3, samples_num=1001, activation=%s)", acts[k / 2]);
        start(&n, text, backends[k % 2], HK_EVAL, K);
        uint64_t s = 2;
        for (int i = 0; i < N * K; i++) x[i] = net_uniform(&s, -1, 1);
        net_ok(hk_executor_write(n.ex, "x", HK_F64, x, N * K));
        net_ok(hk_executor_run(n.ex));
        net_ok(hk_executor_read(n.ex, "y", HK_F64, y, T * N * O));
        net_ok(hk_network_read_param64(n.net, 0, w));
        net_ok(hk_network_read_param64(n.net, 1, bias));
        for (int i = 0; i < N; i++)
            for (int o = 0; o < O; o++) {
                double sum = bias[o], squares = bias[o] * bias[o];
                for (int c = 0; c < K; c++) sum += w[o * K + c] * x[i * K + c], squares += pow(w[o * K + c] * x[i * K + c], 2);
                const double deviation = sqrt(0.21 * squares), want = expected(k / 2, 0.7 * sum, deviation);
                for (int t = 0; t < T; t++)
                    if (!(fabs(y[(t * N + i) * O + o] - want) <= 6 * deviation / sqrt(1001)))
                        fail_msg("%s on %s, sample %d, output %d: got %.6g, expected %.6g within %.2g", text, backends[k % 2], i, o, y[(t * N + i) * O + o],
                            want, 6 * deviation / sqrt(1001));
            }
        net_free(&n);
    }
}

static void test_gradients_of_a_draw_that_is_held(void **state) {
    (void)state;
    const gcase cases[] = {
        { "DropConnectLinear(4, 3, p=0.4, invariant=true, activation=tanh)", NULL, 3, 2, 1, 1, { 4 }, 0, 0, -1, 1, "state:drawn" },
        { "DropConnectLinear(4, 3, false, 0.4, invariant=true, activation=sigmoid)", NULL, 3, 2, 0, 1, { 4 }, 0, 0, -1, 1, "state:drawn" },
        { "DropConnectLinear(4, 3, p=0.4, invariant=true, activation=none, step_mode=s)", NULL, 3, 18, 1, 1, { 4 }, 0, 0, -1, 1, "state:drawn" },
        { "LinearRecurrent(DropConnectLinear(4, 3, p=0.4, invariant=true, activation=tanh), 4, 3)", NULL, 3, 2, 1, 1, { 4 }, 0, 0, -1, 1,
            "state:sub_module.drawn" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) all_passes(cases[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_training_cuts_the_connections_of_the_draw),
        cmocka_unit_test(test_invariant_connections_last_as_long_as_the_sequence),
        cmocka_unit_test(test_evaluation_is_the_mean_of_draws),
        cmocka_unit_test(test_gradients_of_a_draw_that_is_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
