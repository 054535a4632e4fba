/* Encoders: what the golden files do not have (population coding by random spikes and without spikes), and what is refused. */
#include "net.h"

enum { OBS = 2, POP = 3, N = 3, T = 3000 };
static const double x[N * OBS] = { 0.3, -1.2, 2.0, 0.0, -0.7, 1.1 };

/* With mean_range=[-2, 2] and std=0.8. */
static double activity(int n, int k) {
    const double z = (x[n * OBS + k / POP] - (-2.0 + 2.0 * (k % POP))) / 0.8;
    return exp(-z * z / 2);
}

static hk_network_config net_default(void) {
    hk_network_config nc = HK_NETWORK_CONFIG_DEFAULT;
    return nc;
}

static double *run(const char *text, int64_t steps, const char *backend) {
    net n;
    hk_network_config nc = HK_NETWORK_CONFIG_DEFAULT;
    nc.seed = 3, nc.backend = backend;
    net_make(&n, text, NULL, NULL, nc, (hk_executor_config){ sizeof(hk_executor_config), HK_INFER, 0, 0, NULL });
    double *y = malloc((size_t)steps * N * OBS * POP * sizeof *y);
    net_ok(hk_executor_shape(n.ex, steps, N, 0, 1, (int64_t[]){ OBS }));
    net_ok(hk_executor_write(n.ex, "x", HK_F64, x, N * OBS));
    net_ok(hk_executor_run(n.ex));
    net_ok(hk_executor_read(n.ex, "y", HK_F64, y, steps * N * OBS * POP));
    net_free(&n);
    return y;
}

static void test_random_population_spikes_as_often_as_it_is_active(void **state) {
    (void)state;
    double *y = run("PopSpikeEncoderRandom(2, 3, 3000, [-2, 2], 0.8)", T, "cpu");
    for (int k = 0; k < N * OBS * POP; k++) {
        double sum = 0, want = activity(k / (OBS * POP), k % (OBS * POP));
        for (int64_t t = 0; t < T; t++) {
            const double v = y[t * N * OBS * POP + k];
            if (v != 0 && v != 1) fail_msg("step %lld, neuron %d: got %g, expected 0 or 1", (long long)t, k, v);
            sum += v;
        }
        if (fabs(sum / T - want) > 6 * sqrt(want * (1 - want) / T) + 1e-6) fail_msg("neuron %d: rate %g, expected %g", k, sum / T, want);
    }
    free(y);
}

static void test_population_without_spikes_is_its_activity(void **state) {
    (void)state;
    for (int ref = 0; ref < 2; ref++) {
        double *y = run("PopEncoder(2, 3, 4, [-2, 2], 0.8)", 4, ref ? "ref" : "cpu");
        for (int i = 0; i < 4 * N * OBS * POP; i++) {
            const double want = activity(i / (OBS * POP) % N, i % (OBS * POP));
            if (fabs(y[i] - want) > 1e-6) fail_msg("%s[%d]: got %.9g, expected %.9g", ref ? "ref" : "cpu", i, y[i], want);
        }
        free(y);
    }
}

/* Beyond its range x counts as its nearest end. */
static void test_numbers_beyond_the_range_are_kept_within(void **state) {
    (void)state;
    for (int phase = 0; phase < 2; phase++) {
        net n;
        double y[4 * 3], given[3] = { -0.5, 1.0, 7.0 };
        net_make(&n, phase ? "WeightedPhase(4)" : "Latency(4)", NULL, NULL, net_default(),
            (hk_executor_config){ sizeof(hk_executor_config), HK_INFER, 0, 0, NULL });
        net_ok(hk_executor_shape(n.ex, 4, 1, 0, 1, (int64_t[]){ 3 }));
        net_ok(hk_executor_write(n.ex, "x", HK_F64, given, 3));
        net_ok(hk_executor_run(n.ex));
        net_ok(hk_executor_read(n.ex, "y", HK_F64, y, 12));
        for (int t = 0; t < 4; t++)
            for (int k = 0; k < 3; k++) {
                const double want = phase ? k > 0 : t == (k ? 0 : 3);
                if (y[t * 3 + k] != want)
                    fail_msg("%s, step %d, x=%g: got %g, expected %g", phase ? "WeightedPhase" : "Latency", t, given[k], y[t * 3 + k], want);
            }
        net_free(&n);
    }
}

/* The largest time is that of all samples, also of those in other blocks and groups; here in the last of 40. Times by snnTorch's formula. */
static void test_latency_is_normalized_by_the_whole_batch(void **state) {
    (void)state;
    enum { SAMPLES = 40, STEPS = 9 };
    for (int k = 0; k < 3; k++) {
        net n;
        hk_network_config nc = net_default();
        nc.backend = k == 1 ? "ref" : "cpu", nc.nb = k == 2 ? 16 : 0;
        const hk_output out[2] = { { .name = ":spike_time" }, { .name = "y" } };
        double given[SAMPLES], time[SAMPLES], y[STEPS * SAMPLES], largest = 0;
        for (int i = 0; i < SAMPLES; i++) {
            given[i] = 1.0 - 0.02 * i;
            largest = fmax(largest, log(given[i] / (given[i] - 0.01)));
        }
        net_make(&n, "snn.latency(normalize=true, first_spike_time=2)", NULL, NULL, nc,
            (hk_executor_config){ .struct_size = sizeof(hk_executor_config), .mode = HK_INFER, .n_output = 2, .outputs = out });
        net_ok(hk_executor_shape(n.ex, STEPS, SAMPLES, 0, 0, NULL));
        net_ok(hk_executor_write(n.ex, "x", HK_F64, given, SAMPLES));
        net_ok(hk_executor_run(n.ex));
        net_ok(hk_executor_read(n.ex, ":spike_time", HK_F64, time, SAMPLES));
        net_ok(hk_executor_read(n.ex, "y", HK_F64, y, STEPS * SAMPLES));
        for (int i = 0; i < SAMPLES; i++) {
            const double want = log(given[i] / (given[i] - 0.01)) * (STEPS - 1 - 2) / largest + 2;
            if (fabs(time[i] - want) > 1e-4) fail_msg("case %d, time of %g: got %.9g, expected %.9g", k, given[i], time[i], want);
            for (int t = 0; t < STEPS; t++)
                if (y[t * SAMPLES + i] != (t == (int)rint(time[i]))) fail_msg("case %d, x=%g, step %d: got %g; its time is %g", k, given[i], t, y[t * SAMPLES + i], time[i]);
        }
        net_free(&n);
    }
}

/* Rows of the class and of another output; numbers of snnTorch 1.0, spikegen.targets_convert (interpolate) and target_rate_code (times). */
static void test_targets_with_rates(void **state) {
    (void)state;
    static const struct {
        const char *text;
        double of_class[6], other[6];
    } cases[] = {
        { "snn.targets_convert(6, correct_rate=0.4, incorrect_rate=0.2, on_target=1.2, off_target=0.5, interpolate=true)", { 1.2, 0.5, 1.2, 0.5, 0.85, 1.2 },
            { 1.2, 0.5, 0.675, 0.85, 1.025, 1.2 } },
        { "snn.targets_convert(6, num_steps=6, correct_rate=0.25, incorrect_rate=0.1, on_target=1.2, off_target=0.5, interpolate=true, first_spike_time=2)",
            { 0.5, 0.85, 1.2, 0.5, 0.5, 0.5 }, { 0.5, 0.85, 1.2, 0.5, 0.5, 0.5 } },
        { "snn.targets_convert(6, correct_rate=0.3, interpolate=true)", { 1, 0, 0.5, 1, 0, 0 }, { 0, 0, 0, 0, 0, 0 } },
        { "snn.targets_convert(6, correct_rate=0.7, incorrect_rate=0.25)", { 1, 1, 1, 0, 1, 1 }, { 1, 0, 0, 0, 1, 0 } },
        { "snn.targets_convert(6, correct_rate=0.9, on_target=2, off_target=0.5, first_spike_time=1)", { 0.5, 2, 2, 2, 2, 2 }, { 0.5, 0.5, 0.5, 0.5, 0.5, 0.5 } },
        { "snn.targets_convert(6, first_spike_time=2, on_target=1.2, off_target=0.5)", { 0.5, 0.5, 1.2, 1.2, 1.2, 1.2 }, { 0.5, 0.5, 0.5, 0.5, 0.5, 0.5 } },
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        net n;
        double y[6 * 2 * 6];
        net_make(&n, cases[c].text, NULL, NULL, net_default(), (hk_executor_config){ sizeof(hk_executor_config), HK_INFER, 0, 0, NULL });
        net_ok(hk_executor_shape(n.ex, 6, 2, 0, 0, NULL));
        net_ok(hk_executor_write(n.ex, "x", HK_F64, (double[]){ 4, 0 }, 2));
        net_ok(hk_executor_run(n.ex));
        net_ok(hk_executor_read(n.ex, "y", HK_F64, y, 72));
        for (int t = 0; t < 6; t++)
            for (int k = 0; k < 12; k++) {
                const double want = k == 4 || k == 6 ? cases[c].of_class[t] : cases[c].other[t];
                if (fabs(y[t * 12 + k] - want) > 1e-5) fail_msg("%s, step %d, number %d: got %g, expected %g", cases[c].text, t, k, y[t * 12 + k], want);
            }
        net_free(&n);
    }
}

static void test_targets_at_random_have_their_rates(void **state) {
    (void)state;
    enum { STEPS = 4000 };
    static double y[STEPS * 3];
    net n;
    double sum[3] = { 0 };
    net_make(&n, "snn.targets_convert(3, correct_rate=0.6, incorrect_rate=0.1, firing_pattern=poisson, first_spike_time=500)", NULL, NULL, net_default(),
        (hk_executor_config){ sizeof(hk_executor_config), HK_INFER, 0, 0, NULL });
    net_ok(hk_executor_shape(n.ex, STEPS, 1, 0, 0, NULL));
    net_ok(hk_executor_write(n.ex, "x", HK_F64, (double[]){ 1 }, 1));
    net_ok(hk_executor_run(n.ex));
    net_ok(hk_executor_read(n.ex, "y", HK_F64, y, STEPS * 3));
    for (int i = 0; i < STEPS * 3; i++) {
        if (y[i] != 0 && (y[i] != 1 || i < 1500)) fail_msg("step %d, output %d: got %g", i / 3, i % 3, y[i]);
        sum[i % 3] += y[i] / 3500;
    }
    for (int k = 0; k < 3; k++) {
        const double want = k == 1 ? 0.6 : 0.1;
        if (fabs(sum[k] - want) > 6 * sqrt(want * (1 - want) / 3500)) fail_msg("output %d: rate %g, expected %g", k, sum[k], want);
    }
    net_free(&n);
}

static void test_what_is_wrong_is_named(void **state) {
    (void)state;
    static const struct {
        const char *text;
        hk_status want;
        const char *says;
    } cases[] = {
        { "Latency(4)", HK_ESHAPE, "varies with the step" },
        { "WeightedPhase(4)", HK_ESHAPE, "varies with the step" },
        { "Periodic(period=9)", HK_ECONFIG, "period is 9, expected at most T=4" },
        { "PopEncoder(3, 2, 4, [0, 1], 1)", HK_ESHAPE, "varies with the step" },
        { "Sequential(MeanT(), PopEncoder(3, 2, 4, [0, 1], 1))", HK_ESHAPE, "obs_dim=3" },
        { "Sequential(MeanT(), PopEncoder(2, 2, 5, [0, 1], 1))", HK_ECONFIG, "spike_ts is 5 and T is 4" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        net n;
        net_make(&n, cases[i].text, NULL, NULL, net_default(),
            (hk_executor_config){ sizeof(hk_executor_config), HK_INFER, 0, 0, NULL });
        const hk_status st = hk_executor_shape(n.ex, 4, 2, 1, 1, (int64_t[]){ 2 });
        if (st != cases[i].want || !strstr(hk_error(net_context()), cases[i].says))
            fail_msg("%s: got %s: %s; expected %s with '%s'", cases[i].text, hk_status_name(st), hk_error(net_context()), hk_status_name(cases[i].want),
                cases[i].says);
        net_free(&n);
    }
    const struct {
        const char *text, *says;
    } late[] = { { "snn.latency()", "the spike of x = 0 comes at step 12, the last step is 3" }, { "snn.latency(linear=true, tau=9)", "comes at step 9" },
        { "snn.latency(linear=true, first_spike_time=4)", "first_spike_time is 4" }, { "snn.latency(num_steps=5, linear=true)", "num_steps is 5 and T is 4" } };
    for (size_t i = 0; i < sizeof late / sizeof *late; i++) {
        net n;
        net_make(&n, late[i].text, NULL, NULL, net_default(), (hk_executor_config){ sizeof(hk_executor_config), HK_INFER, 0, 0, NULL });
        assert_int_equal(hk_executor_shape(n.ex, 4, 2, 0, 1, (int64_t[]){ 2 }), HK_ECONFIG);
        if (!strstr(hk_error(net_context()), late[i].says)) fail_msg("%s: got '%s', expected '%s'", late[i].text, hk_error(net_context()), late[i].says);
        net_free(&n);
    }
    hk_module *bad = NULL;
    assert_int_equal(hk_module_new_from_text(net_context(), "hk.module/1", "snn.latency(threshold=1)", &bad), HK_ECONFIG);
    assert_int_equal(hk_module_new_from_text(net_context(), "hk.module/1", "snn.latency(interpolate=true, off_target=2)", &bad), HK_ECONFIG);
    assert_int_equal(hk_module_new_from_text(net_context(), "hk.module/1", "snn.targets_convert(3, firing_pattern=uniform)", &bad), HK_EUNSUPPORTED);
    assert_int_equal(hk_module_new_from_text(net_context(), "hk.module/1", "snn.targets_convert(3, correct_rate=0.1, incorrect_rate=0.2)", &bad), HK_ECONFIG);
    assert_int_equal(hk_module_new_from_text(net_context(), "hk.module/1", "snn.targets_convert(3, correct_rate=0.5, firing_pattern=poisson, interpolate=true)", &bad), HK_EUNSUPPORTED);
    assert_int_equal(hk_module_new_from_text(net_context(), "hk.module/1", "Latency(89, enc_function=log)", &bad), HK_ECONFIG);
    assert_int_equal(hk_module_new_from_text(net_context(), "hk.module/1", "PopEncoder(2, 2, 4, [0], 1)", &bad), HK_ECONFIG);
    assert_int_equal(hk_module_new_from_text(net_context(), "hk.module/1", "PopEncoder(2, 2, 4, [0, 1], 0)", &bad), HK_ECONFIG);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_population_spikes_as_often_as_it_is_active),
        cmocka_unit_test(test_population_without_spikes_is_its_activity),
        cmocka_unit_test(test_numbers_beyond_the_range_are_kept_within),
        cmocka_unit_test(test_latency_is_normalized_by_the_whole_batch),
        cmocka_unit_test(test_targets_with_rates),
        cmocka_unit_test(test_targets_at_random_have_their_rates),
        cmocka_unit_test(test_what_is_wrong_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
